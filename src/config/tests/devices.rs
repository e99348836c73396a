//! Boards, buttons, the handset and the loudspeaker: what is wired to the box.

use super::*;
use crate::board::handset::{Kind, Parts, Ringer};
use crate::board::{Bias, Board};
use crate::phone::handset::audio::Gains;
use crate::phone::handset::hook::Dial;

#[test]
fn the_boards_in_the_folder_are_loaded() {
    let own = |text: &str| {
        let text = format!("name = \"x\"\n{text}");
        let config = parse("[board]\nfile = \"x.toml\"\n", "t.toml", &|_| Ok(text.clone()));
        config.map(|config| config.board.media_core).map_err(|mistakes| mistakes.to_string())
    };
    assert_eq!((own(""), own("media_core = 3\n")), (Ok(None), Ok(Some(3))));
    assert!(own("media_core = -1\n").unwrap_err().contains("allowed is a whole number from 0 to 1023"));
    for entry in std::fs::read_dir("board").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let config = parse("[board]\nfile = \"x.toml\"\n", "t.toml", &|_| Ok(text.clone()));
        let from_file = config.unwrap().board;
        // Each is built in under the name of its file.
        let name = path.file_stem().unwrap().to_str().unwrap();
        let board = read(&format!("[board]\nfile = \"{name}\"\n")).unwrap().board;
        assert_eq!(board, from_file, "{name}");
        if name == "generic" {
            assert_eq!(board, Board { name: board.name.clone(), ..Board::default() });
            // The example in its comment holds.
            let example = text.replace("#[button]", "[button]").replace("#input", "input");
            let example = parse("[board]\nfile = \"x.toml\"\n", "t.toml", &|_| Ok(example.clone()));
            let button = example.unwrap().board.button.unwrap();
            assert_eq!((button.place, button.input.as_deref()), (None, Some("Power Button")));
            continue;
        }
        let (button, lamp) = (board.button.unwrap(), board.lamp.unwrap());
        assert_eq!(button.place.as_ref().unwrap().to_string(), "GPIO17", "{name}");
        assert_eq!(button.input.as_deref(), Some("hold-slayer button"), "{name}");
        assert!(button.active_low && button.bias == Bias::PullUp, "{name}");
        assert_eq!((lamp.place.to_string().as_str(), board.media_core), ("GPIO27", Some(3)), "{name}");
        // A fallback is the line's own number on the chip of this label: there the offset is in the name.
        let label = match name {
            "pi5" => "pinctrl-rp1",
            "pi4" => "pinctrl-bcm2711",
            _ => "pinctrl-bcm2835",
        };
        let (hook, dial, bell) = (board.hook.unwrap(), board.dial.unwrap(), board.bell.unwrap());
        let places = [hook.place.unwrap(), dial.place.unwrap(), bell.place];
        assert_eq!(places.each_ref().map(ToString::to_string), ["GPIO22", "GPIO23", "GPIO24"], "{name}");
        assert!(hook.active_low && dial.active_low && !bell.active_low, "{name}");
        for place in [button.place.unwrap(), lamp.place].into_iter().chain(places) {
            let fallback = place.fallback.map(|(chip, offset)| (chip, format!("GPIO{offset}")));
            assert_eq!(fallback, Some((label.to_owned(), place.name.unwrap())), "{name}");
        }
    }
}

#[test]
fn a_monitor_has_a_card_of_its_own() {
    for handset in ["card = \"A\"\n", "card = \"B\"\nringer = \"A\"\n"] {
        let told = read(&format!("[handset]\n{handset}[monitor]\ncard = \"A\"\n")).unwrap_err().to_string();
        assert!(
            told.contains("[monitor] card = \"A\": the handset has this sound card for itself"),
            "{told}"
        );
    }
}

#[test]
fn a_board_names_its_sound_cards() {
    let of = |board: &str, text: &str| read(&format!("[board]\nfile = \"{board}\"\n{text}"));
    let monitor = of("pi4", "[monitor]\ncard = \"board\"\n").unwrap().monitor.unwrap();
    assert_eq!(monitor.card, "Headphones");
    let told = of("pi4", "[handset]\ncard = \"board\"\n").unwrap_err().to_string();
    assert!(told.contains("card = \"board\": the board file has no handset under [sound]"), "{told}");
    let told = of("pi5", "[monitor]\ncard = \"board\"\n").unwrap_err().to_string();
    assert!(told.contains("card = \"board\": the board file has no speaker under [sound]"), "{told}");
}

#[test]
fn a_monitor_is_a_loudspeaker_and_needs_no_more() {
    let monitor = |text: &str| read(&format!("[monitor]\n{text}")).map(|config| config.monitor);
    assert_eq!(monitor("").unwrap(), None, "without a card");
    let plain = monitor("card = \"Speaker\"\n").unwrap().unwrap();
    assert_eq!((plain.kind, plain.card.as_str(), plain.rate), (Kind::Monitor, "Speaker", None));
    assert!(plain.aloud && plain.gains == Gains::default() && plain.ringer == Ringer::Silent);
    let all = monitor("card = \"A\"\nrate = 8000\nvolume = -12\naloud = false\n").unwrap().unwrap();
    assert_eq!((all.rate, all.gains.aloud, all.aloud), (Some(8_000), -12.0, false));
    for (wrong, told) in [
        ("card = 3\n", "[monitor] card = 3: allowed is a sound card's name"),
        ("volume = 31\n", "[monitor] volume = 31: allowed is a whole number of decibels from -30 to 30"),
        ("ringer = \"own\"\n", "[monitor] ringer: no such key"),
    ] {
        let said = monitor(wrong).unwrap_err().to_string();
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_handset_has_its_parts_and_says_what_it_lacks() {
    let on_a_pi = |text: &str| read(&format!("[board]\nfile = \"pi4\"\n[handset]\n{text}"));
    assert_eq!(on_a_pi("").unwrap().handset, None, "without a card");
    let plain = on_a_pi("card = \"Headset\"\n").unwrap().handset.unwrap();
    let gains = Gains { microphone: 0.0, ear: 0.0, sidetone: Some(-18.0), aloud: 0.0 };
    let parts = Parts {
        kind: Kind::Handset,
        card: "Headset".into(),
        rate: None,
        gains,
        ringer: Ringer::Own,
        keypad: None,
        dial: Dial::Keypad,
        aloud: false,
    };
    assert_eq!((plain.name.as_str(), plain.rings, &plain.parts), ("handset", PHONE_RINGS, &parts));
    let all = "card = \"A\"\nrate = 16000\nname = \"desk\"\nrings = \"20s\"\nmicrophone = -6\near = 3\nsidetone = 0\n\
               ringer = \"line\"\nkeypad = \"K\"\ndial = \"pulse\"\naloud = true\n";
    let all = on_a_pi(all).unwrap().handset.unwrap();
    let gains = Gains { microphone: -6.0, ear: 3.0, sidetone: None, aloud: 0.0 };
    let parts = Parts {
        kind: Kind::Handset,
        card: "A".into(),
        rate: Some(16_000),
        gains,
        ringer: Ringer::Line,
        keypad: Some("K".into()),
        dial: Dial::Pulse,
        aloud: true,
    };
    assert_eq!((all.name.as_str(), all.rings, &all.parts), ("desk", Duration::from_secs(20), &parts));
    for (ringer, wanted) in
        [("none", Ringer::Silent), ("own", Ringer::Own), ("Horn", Ringer::Card("Horn".into()))]
    {
        let handset = on_a_pi(&format!("card = \"A\"\nringer = \"{ringer}\"\n")).unwrap().handset.unwrap();
        assert_eq!(handset.parts.ringer, wanted);
    }
    let told = |text: &str| on_a_pi(text).map(drop).unwrap_err().to_string();
    assert!(told("card = \"\"\n").contains("allowed is a sound card's name"));
    assert!(told("card = \"A\"\nrate = 44100\n").contains("allowed is one of 8000, 16000, 48000"));
    assert!(told("ear = 31\n").contains("decibels from -30 to 30"));
    assert!(told("dial = \"tone\"\n").contains("allowed is one of keypad, pulse"));
    let same = "card = \"A\"\nname = \"p\"\n[[phone]]\nname = \"p\"\nuser = \"u\"\nsecret = \"x\"\n";
    assert!(told(same).contains("the handset has this name"));
}

#[test]
fn a_button_is_a_line_or_a_device_or_both() {
    let own = |text: &str| {
        let text = format!("name = \"x\"\n[button]\n{text}");
        let config = parse("[board]\nfile = \"x.toml\"\n", "t.toml", &|_| Ok(text.clone()));
        let board = config.map(|config| config.board.button).map_err(|mistakes| mistakes.to_string())?;
        board.map(|button| (button.place.map(|place| place.to_string()), button.input)).ok_or(String::new())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(own("line = \"A\"\n"), Ok((some("A"), None)));
    assert_eq!(own("input = \"B\"\n"), Ok((None, some("B"))));
    assert_eq!(own("line = \"A\"\ninput = \"B\"\n"), Ok((some("A"), some("B"))));
    assert!(own("").unwrap_err().contains("line is missing: needed is the kernel's name of the line"));
    assert!(own("input = \"\"\n").unwrap_err().contains("the kernel's name of an input device"));
    let by_place = own("input = \"B\"\nchip = \"gpiochip0\"\noffset = 1\n");
    assert_eq!(by_place, Ok((some("1 on gpiochip0"), some("B"))), "the kernel may name no lines");
    assert!(own("").unwrap_err().ends_with("chip and offset, or input, the name of an input device"));
    let told = own("line = \"17\"\n").unwrap_err();
    assert!(told.contains("such as \"GPIO17\"; a number goes with chip, as offset"), "{told}");
    for one in
        ["chip = 0\n", "offset = \"x\"\n", "chip = \"a\"\n", "line = \"17\"\nchip = \"a\"\noffset = 3\n"]
    {
        let told = own(one).unwrap_err();
        assert_eq!(told.lines().count(), 1, "{one}: {told}");
    }
}

#[test]
fn a_line_or_a_device_is_one_thing_only() {
    let own = |text: &str| {
        let text = format!("name = \"x\"\n{text}");
        let config = parse("[board]\nfile = \"x.toml\"\n", "t.toml", &|_| Ok(text.clone()));
        config.map(drop).map_err(|mistakes| mistakes.to_string())
    };
    let line = "[button]\nline = \"GPIO17\"\n";
    for (text, told) in [
        (
            format!("{line}[lamp]\nline = \"GPIO17\"\n"),
            "x.toml:5: [lamp] line = \"GPIO17\": [button] has this one already; each needs its own",
        ),
        (
            "[hook]\nline = \"A\"\nchip = \"c\"\noffset = 4\n[bell]\nchip = \"c\"\noffset = 4\n".to_owned(),
            "x.toml:8: [bell] offset = 4: [hook] has this one already; each needs its own",
        ),
        (
            "[button]\ninput = \"Keys\"\n[hook]\ninput = \"Keys\"\n".to_owned(),
            "x.toml:5: [hook] input = \"Keys\": [button] has this one already; each needs its own",
        ),
    ] {
        assert_eq!(own(&text).unwrap_err(), told);
    }
    assert_eq!(
        own(&format!("{line}input = \"Keys\"\n[lamp]\nline = \"GPIO27\"\n[hook]\nline = \"GPIO22\"\n")),
        Ok(())
    );
}

#[test]
fn a_board_file_that_cannot_be_used_takes_no_telephone_away() {
    let folder = std::env::temp_dir().join(format!("hold-slayer-board-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = "[board]\nfile = \"own.toml\"\n[monitor]\ncard = \"board\"\n[handset]\ncard = \"Headset\"\n";
    std::fs::write(folder.join("t.toml"), text).unwrap();
    let generic = read("").unwrap().board;
    let load = || load(&folder.join("t.toml")).unwrap();
    for (own, wrong) in [
        (None, &["[board] file = \"own.toml\": the board file cannot be read"][..]),
        (Some("name = 1\n[lamp]\nline = \"A\"\nx = 1\n"), &["name = 1", "[lamp] x: no such key"]),
    ] {
        own.iter().for_each(|own| std::fs::write(folder.join("own.toml"), own).unwrap());
        let config = load();
        assert_eq!(config.board, generic);
        // Nothing is said of what it may have under [sound].
        assert!(config.monitor.is_none() && config.handset.is_some());
        assert_eq!(config.board_faults.len(), wrong.len());
        for (fault, wrong) in config.board_faults.iter().zip(wrong) {
            assert!(fault.what.starts_with(wrong), "{fault}");
        }
        // Whoever writes settings is told that they are wrong.
        let open = |board: &std::path::Path| std::fs::read_to_string(folder.join(board));
        let told = parse(text, "t.toml", &open).unwrap_err();
        assert_eq!(told.0.len(), config.board_faults.len(), "{told}");
    }
    std::fs::write(folder.join("own.toml"), "name = \"x\"\n[sound]\nspeaker = \"S\"\n").unwrap();
    let config = load();
    assert!(config.board_faults.is_empty() && config.monitor.is_some());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_board_file_tells_its_own_name_and_line() {
    let told = read("[board]\nfile = \"bad.toml\"\n").map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        told,
        "bad.toml:4: [button] chip = \"gpiochip0\": chip and offset belong together: give both or neither"
    );
    assert_eq!(read("[board]\nfile = \"good.toml\"\n").unwrap().board.lamp.unwrap().place.to_string(), "LED");
}
