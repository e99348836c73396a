//! What a file says and what it leaves out, as the rooms get it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;
mod mistakes;
mod outside;

use super::*;
use crate::call::Redialling;
use crate::phone::hunt::Order;
use crate::sip::{CalledIn, Identity, ShownIn, Srtp, Transport};
use crate::slay::{Unanswered, Voicemail};
use crate::trunk::Keys;
use crate::trunk::number::{Form, Rewrite};
use crate::trunk::toll::Allowed;
use crate::units::Codec;

fn read(text: &str) -> Result<Config, Mistakes> {
    parse(text, "t.toml", &|path| match path.to_str() {
        Some("good.toml") => Ok("name = \"mine\"\n[lamp]\nline = \"LED\"\n".to_owned()),
        Some("bad.toml") => Ok("name = \"mine\"\n[button]\nline = \"B\"\nchip = \"gpiochip0\"\n".to_owned()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    })
}

#[test]
fn too_many_peers_are_refused() {
    let phone = |i: usize| format!("[[phone]]\nname = \"p{i}\"\nuser = \"u{i}\"\nsecret = \"x\"\n");
    let text: String = (0..=PHONES).map(phone).collect();
    assert_eq!(
        read(&text).unwrap_err().to_string(),
        "t.toml:1: [[phone]] is there 33 times: allowed are at most 32"
    );
    assert_eq!(read(&(0..PHONES).map(phone).collect::<String>()).unwrap().phones.len(), PHONES);
}

#[test]
fn an_empty_file_is_all_defaults() {
    let config = read("").unwrap();
    assert_eq!(config.line.emergency, ["911", "9911", "112"]);
    let listen = "0.0.0.0:5060".parse().unwrap();
    assert_eq!(config.sip, Sip { listen, advertise: None, tcp: true, tls: None });
    assert_eq!(config.media, Media { rtp_ports: 16_000, calls: 8 });
    assert_eq!(config.hold.cap, Duration::from_secs(4 * 3600));
    assert_eq!(config.codes.hold, "*58");
    assert_eq!(config.hold.eagerness, 0.5);
    let eager = read("[hold]\neagerness = 80\n").unwrap().hold.eagerness;
    assert_eq!(eager, 0.8);
    assert!(config.trunks.is_empty() && config.phones.is_empty() && config.board.button.is_none());
}

#[test]
fn emergency_numbers_are_added_to_and_never_taken_away() {
    let line = read("[line]\ncountry = \"it\"\nemergency = [\"1500\", \"112\"]\n").unwrap().line;
    assert_eq!(line.emergency, ["112", "113", "115", "117", "118", "1530", "1500"]);
    assert_eq!(read("[line]\nemergency = []\n").unwrap().line.emergency, ["911", "9911", "112"]);
}

#[test]
fn a_registering_trunk_fills_in_what_is_not_written() {
    let text = "[[trunk]]\nname = \"a\"\nserver = \"s.example:5062\"\nuser = \"u\"\nsecret = \"x\"\n";
    let trunk = read(text).unwrap().trunks.remove(0);
    let TrunkPeer::Register { host, port, auth_user, domain, secret, expires, .. } = trunk.peer else {
        panic!()
    };
    assert_eq!(
        (host.as_str(), port, auth_user.as_str(), domain.as_str()),
        ("s.example", 5062, "u", "s.example")
    );
    assert_eq!((secret.expose(), expires, trunk.channels), ("x", Duration::from_secs(300), 2));
}

#[test]
fn an_outbound_proxy_changes_where_messages_go_and_nothing_else() {
    let text =
        "[[trunk]]\nname = \"a\"\nserver = \"s.example\"\nuser = \"u\"\nsecret = \"x\"\nrealm = \"r\"\n";
    for (proxy, at) in [("p.example:5070", ("p.example", 5070)), ("192.0.2.1", ("192.0.2.1", 5060))] {
        let config = read(&format!("{text}outbound_proxy = \"{proxy}\"\n")).unwrap();
        let TrunkPeer::Register { host, port, domain, realm, .. } = &config.trunks[0].peer else { panic!() };
        assert_eq!(((host.as_str(), *port), domain.as_str()), (at, "s.example"));
        assert_eq!(realm.as_deref(), Some("r"));
    }
    assert!(read(&format!("{text}outbound_proxy = \"sip:p\"\n")).is_err());
}

/// A trunk with this preset and what an owner must add to every one of them.
fn preset(name: &str, more: &str) -> Result<Config, Mistakes> {
    read(&format!("[[trunk]]\nname = \"a\"\npreset = \"{name}\"\nuser = \"u\"\nsecret = \"x\"\n{more}"))
}

#[test]
fn every_preset_is_right_by_itself() {
    let all = presets::all();
    assert!(toml::de::DeTable::parse(PRESETS).is_ok() && all.len() >= 12);
    for (name, table) in all.iter() {
        let has = |key: &str| {
            let DeValue::Table(table) = table.get_ref() else { panic!("{name:?} is no table") };
            table.iter().any(|(k, _)| k.get_ref() == key)
        };
        let DeValue::Table(keys) = table.get_ref() else { panic!("{name:?}") };
        let known = [
            "server",
            "domain",
            "realm",
            "outbound_proxy",
            "numbers",
            "caller_id",
            "called_in",
            "channels",
            "expires",
            "unsuitable",
            "asks",
            "transport",
            "srtp",
            "codecs",
            "srv",
        ];
        assert!(keys.iter().all(|(key, _)| known.contains(&key.get_ref().as_ref())), "{name:?}");
        let more = if has("server") { "" } else { "server = \"s.example\"\n" };
        assert_eq!(preset(name.get_ref(), more).is_ok(), !has("unsuitable"), "{name:?}");
        let asks = presets::asks(name.get_ref());
        assert_eq!(asks.contains(&"server".to_owned()), !has("server"), "{name:?}");
        let asked = |key: &str| asks.iter().any(|one| one == key);
        assert!(asked("user") && asked("secret"), "{name:?}");
    }
    assert_eq!(presets::asks("telekom"), ["user", "secret", "auth_user", "from_user"]);
    assert_eq!(presets::asks("no such"), Vec::<String>::new());
}

#[test]
fn a_preset_fills_in_what_is_not_written_and_what_is_written_wins() {
    let trunk = preset("telnyx", "").unwrap().trunks.remove(0);
    let TrunkPeer::Register { host, .. } = &trunk.peer else { panic!() };
    assert_eq!((host.as_str(), trunk.identity.shown_in), ("sip.telnyx.com", ShownIn::Preferred));
    assert_eq!(trunk.rules.form, Form::Plus);
    let more = "server = \"eu.example:5070\"\ncaller_id = \"from\"\nnumbers = \"national\"\n";
    let trunk = preset("telnyx", more).unwrap().trunks.remove(0);
    let TrunkPeer::Register { host, port, .. } = &trunk.peer else { panic!() };
    assert_eq!((host.as_str(), *port, trunk.identity.shown_in), ("eu.example", 5070, ShownIn::From));
    assert_eq!(trunk.rules.form, Form::National);
}

#[test]
fn keys_about_sound_and_time() {
    let trunk = |more: &str| {
        let text = format!("[[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\n{more}\n");
        read(&text).map(|mut config| config.trunks.remove(0))
    };
    let all = "codecs = [\"pcma\"]\ndtmf = \"info\"\nsession_timer = \"90s\"\nkeep_alive = \"25s\"";
    let read_all = trunk(all).unwrap();
    assert_eq!((read_all.rules.codecs, read_all.rules.keys), (vec![Codec::Pcma], Keys::Info));
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!((read_all.identity.session_timer, read_all.identity.keep_alive), (seconds(90), seconds(25)));
    let off = trunk("session_timer = \"off\"").unwrap();
    assert_eq!(off.identity.session_timer, Some(Duration::ZERO));
    assert_eq!(trunk("").unwrap().rules.codecs, []);
    for wrong in [
        "codecs = [\"g729\"]",
        "dtmf = \"morse\"",
        "session_timer = \"60s\"",
        "session_timer = \"no\"",
        "keep_alive = \"5s\"",
    ] {
        assert!(trunk(wrong).is_err(), "{wrong}");
    }
    let telekom = preset("telekom", "").unwrap().trunks.remove(0);
    assert!(telekom.way.srv && telekom.rules.codecs == [Codec::Pcma, Codec::Pcmu]);
}

#[test]
fn several_phones_ring_as_the_household_wants() {
    let phone = "[[phone]]\nname = \"a\"\nuser = \"u\"\nsecret = \"s\"\n";
    let config = read(&format!("[line]\norder = \"in-turn\"\n{phone}rings = \"20s\"\n")).unwrap();
    assert_eq!((config.line.order, config.phones[0].rings), (Order::InTurn, Duration::from_secs(20)));
    let config = read(phone).unwrap();
    assert_eq!((config.line.order, config.phones[0].rings), (Order::AtOnce, PHONE_RINGS));
    assert!(read("[line]\norder = \"by luck\"\n").is_err());
    assert!(read(&format!("{phone}rings = \"2s\"\n")).is_err());
}

#[test]
fn menus_and_speed_dials() {
    let text = "[menu]\nlearn = false\nexplore = 0\nextension = \"621\"\n[codes]\nslay = \"*57\"\n\
                [[speed_dial]]\ndigits = \"1\"\nnumber = \"+4930123456\"\n";
    let config = read(text).unwrap();
    let speed = vec![("1".to_owned(), "+4930123456".to_owned())];
    assert_eq!(config.menu, Menu { learn: false, explore: 0, extension: "621".into(), speed });
    assert_eq!(config.codes.slay, "*57");
    let usual = read("").unwrap().menu;
    assert!(usual.learn && usual.explore == 3 && read("[menu]\nexplore = 7\n").is_err());
}

#[test]
fn keys_about_numbers() {
    let text = "[line]\nnumber = \"030123456\"\nprivate = true\nrewrite = [\"9 -> \"]\n\
                [guard]\nallow = [\"premium\", \"+44\"]\nlongest = \"2h\"\n\
                [[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\nrewrite = [\"0 -> +49\"]\ncalled_in = \"to\"\n\
                from_user = \"f\"\ncontact_user = \"c\"\n\
                [[trunk]]\nname = \"b\"\naddress = \"1.2.3.5:5060\"\nnumber = \"030999\"\n\
                [codes]\nwithhold = \"*31\"\n";
    let config = read(text).unwrap();
    assert!(config.line.private && config.codes.withhold == "*31");
    assert_eq!(config.line.rewrite, [Rewrite { prefix: "9".into(), instead: String::new() }]);
    let allowed = Allowed { international: false, premium: true, prefixes: vec!["+44".into()] };
    assert_eq!(config.guard, Guard { allowed, longest: Duration::from_secs(7200) });
    let [a, b] = &config.trunks[..] else { panic!() };
    assert_eq!((a.rules.number.as_str(), b.rules.number.as_str()), ("030123456", "030999"));
    assert_eq!(a.rules.rewrite, [Rewrite { prefix: "0".into(), instead: "+49".into() }]);
    let identity = Identity {
        from_user: "f".into(),
        contact_user: "c".into(),
        shown_in: ShownIn::Asserted,
        called_in: CalledIn::To,
        session_timer: None,
        keep_alive: None,
    };
    assert_eq!((&a.identity, &b.identity), (&identity, &Identity::default()));
}

#[test]
fn the_way_to_a_trunk() {
    let trunk = |server: &str, more: &str| {
        let text =
            format!("[[trunk]]\nname = \"a\"\nserver = \"{server}\"\nuser = \"u\"\nsecret = \"x\"\n{more}");
        read(&text).map(|mut config| config.trunks.remove(0)).map_err(|mistakes| mistakes.to_string())
    };
    let port = |trunk: Trunk| match trunk.peer {
        TrunkPeer::Register { port, .. } => port,
        TrunkPeer::Static { .. } => panic!(),
    };
    // What is written, the transport and the port.
    let cases = [
        ("s", "", None, 5060),
        ("s", "transport = \"udp\"\n", Some(Transport::Udp), 5060),
        ("s", "transport = \"tcp\"\n", Some(Transport::Tcp), 5060),
        ("s", "transport = \"tls\"\n", Some(Transport::Tls), 5061),
        ("s:5060", "transport = \"tls\"\n", Some(Transport::Tls), 5060),
        ("[2001:db8::1]:5070", "transport = \"tcp\"\n", Some(Transport::Tcp), 5070),
        ("2001:db8::1", "transport = \"tls\"\n", Some(Transport::Tls), 5061),
    ];
    for (server, more, transport, wanted) in cases {
        let trunk = trunk(server, more).unwrap();
        assert_eq!((trunk.way.transport, port(trunk)), (transport, wanted), "{server} {more}");
    }
    let way = trunk("s", "transport = \"tls\"\nca = \"/ca.pem\"\nsrv = true\n").unwrap().way;
    assert_eq!(way, Way { transport: Some(Transport::Tls), ca: Some("/ca.pem".into()), srv: true });
    let refused = [
        ("s", "transport = \"sctp\"\n", "6: [[trunk]] transport = \"sctp\": allowed is one of udp, tcp, tls"),
        (
            "s",
            "ca = \"/ca.pem\"\n",
            "6: [[trunk]] ca = \"/ca.pem\": only TLS has certificates: write transport = \"tls\", or leave this key out",
        ),
        (
            "s:5060",
            "srv = true\n",
            "3: [[trunk]] server = \"s:5060\": with srv = true the name service tells the port: leave :port away",
        ),
    ];
    for (server, more, why) in refused {
        assert_eq!(trunk(server, more).unwrap_err(), format!("t.toml:{why}"));
    }
    let text = "[[trunk]]\nname = \"a\"\naddress = \"192.0.2.1:5060\"\ntransport = \"tcp\"\nsrv = true\n";
    let told = read(text).unwrap_err().to_string();
    assert!(
        told.starts_with("t.toml:5: [[trunk]] srv = true: an address has no servers to ask for"),
        "{told}"
    );
}

#[test]
fn secrets_are_never_printed() {
    let text = "[[trunk]]\nname = \"a\"\nserver = \"s\"\nuser = \"u\"\nsecret = \"hunter2\"\n[web]\npassword = \"hunter2-hunter2\"\n";
    assert!(!format!("{:?}", read(text).unwrap()).contains("hunter2"));
}

#[test]
fn no_cut_of_the_example_stops_the_reader() {
    let text = uncommented();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
        drop(read(&text[..end]));
    }
}

/// The example with every key switched on.
fn uncommented() -> String {
    let key = |line: &str| {
        let name = line.split(['=', ']']).next().unwrap_or_default().trim().trim_start_matches('[');
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if key(rest) => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

#[test]
fn the_example_is_right_as_it_stands_and_with_every_key_switched_on() {
    let bare = read(EXAMPLE).unwrap();
    let full = read(&uncommented()).unwrap();
    assert!(bare.trunks.is_empty());
    assert_eq!((full.trunks.len(), full.phones.len()), (2, 2));
    // What the example shows as the default is the default.
    assert_eq!(bare.line, full.line);
    assert_eq!(bare.sip.listen, full.sip.listen);
    assert_eq!(bare.media, full.media);
    assert_eq!(bare.hold, full.hold);
    assert_eq!(bare.codes, full.codes);
    assert_eq!((bare.menu.learn, &bare.menu.extension), (full.menu.learn, &full.menu.extension));
    assert_eq!(bare.menu.explore, full.menu.explore);
    assert_eq!(bare.guard, full.guard);
    assert_eq!(bare.web.listen, full.web.listen);
    assert_eq!((bare.web.local_name.as_str(), full.web.local_name.as_str()), ("holdslayer", "holdslayer"));
    assert_eq!(bare.log, full.log);
}

#[test]
fn a_house_speaks_the_language_of_its_country_unless_told_otherwise() {
    for (country, language) in [
        ("de", Language::German),
        ("at", Language::German),
        ("ch", Language::German),
        ("fr", Language::French),
        ("es", Language::Spanish),
        ("us", Language::English),
        ("be", Language::English),
    ] {
        let config = read(&format!("[line]\ncountry = \"{country}\"\n")).unwrap();
        assert_eq!((config.words.language, config.speech.language), (language, language), "{country}");
    }
    let config =
        read("[line]\ncountry = \"ch\"\n[words]\nlanguage = \"fr\"\n[speech]\nlanguage = \"en\"\n").unwrap();
    assert_eq!((config.words.language, config.speech.language), (Language::French, Language::English));
}

#[test]
fn words_have_a_model_a_language_and_the_owner_s_name() {
    let none = read("").unwrap().words;
    assert_eq!((none.model.as_ref(), none.language, &*none.owner), (None, Language::English, ""));
    assert_eq!(none.folder(Path::new("/nonexistent")), None, "the box does without");
    let words =
        read("[words]\nmodel = \"/models/base\"\nlanguage = \"de\"\nowner = \"Müller\"\n").unwrap().words;
    assert_eq!(
        words.folder(Path::new("/data")),
        Some("/models/base".into()),
        "missing or not, it was asked for"
    );
    assert_eq!((words.language, &*words.owner), (Language::German, "Müller"));
    assert_eq!((none.transcript, none.keep), (false, Duration::from_secs(720 * 3600)));
    let kept = read("[words]\ntranscript = true\nkeep = \"24h\"\n").unwrap().words;
    assert_eq!((kept.transcript, kept.keep), (true, Duration::from_secs(24 * 3600)));
    let history = |file: &str| read(file).unwrap().history.keep;
    assert_eq!(history(""), None, "calls are kept");
    assert_eq!(history("[history]\nkeep = \"90d\"\n"), Some(Duration::from_secs(90 * 86_400)));
    assert!(read("[history]\nkeep = \"1h\"\n").is_err(), "a day at least: a wait may be long");
    let clips = |file: &str| read(file).unwrap().record.archive.clips;
    assert_eq!((clips(""), clips("[record]\nclips = true\n")), (false, true));
    let data = std::env::temp_dir().join(format!("hold-slayer-words-of-{}", std::process::id()));
    std::fs::create_dir_all(data.join("words")).unwrap();
    assert_eq!(none.folder(&data), Some(data.join("words")));
    std::fs::remove_dir_all(&data).unwrap();
    for (line, says) in [
        ("language = \"xx\"", "allowed is one of en, de, fr, es"),
        ("model = \"here\"", "the whole path of a folder"),
        ("owner = \"1\"", "a name of 2 to 40 letters"),
    ] {
        let told = read(&format!("[words]\n{line}\n")).unwrap_err().to_string();
        assert!(told.contains(says), "{told}");
    }
}

#[test]
fn the_benchmark_configuration_has_static_peers() {
    let config = load(Path::new("tests/bench/hold-slayer.toml")).unwrap();
    assert_eq!(config.sip.listen, "127.0.0.1:5060".parse().unwrap());
    assert_eq!(config.media.calls, 512);
    let TrunkPeer::Static { addr } = config.trunks[0].peer else { panic!() };
    assert_eq!(addr, "127.0.0.3:7070".parse().unwrap());
    let PhonePeer::Static { addr } = config.phones[0].peer else { panic!() };
    assert_eq!(addr, "127.0.0.2:6060".parse().unwrap());
}

#[test]
fn a_missing_file_says_where_one_belongs() {
    let told = load(Path::new("/nonexistent/hold-slayer.toml")).unwrap_err().to_string();
    assert!(
        told.starts_with("/nonexistent/hold-slayer.toml: the file cannot be read: No such file"),
        "{told}"
    );
}

#[test]
fn encrypted_sound_is_chosen_for_each_trunk_and_phone() {
    let trunk = "[[trunk]]\nname = \"t\"\naddress = \"1.2.3.4:5060\"\n";
    let phone = "[[phone]]\nname = \"p\"\nuser = \"u\"\nsecret = \"x\"\n";
    let of = |line: &str| {
        let config = read(&format!("{trunk}{line}{phone}{line}")).unwrap();
        (config.trunks[0].srtp, config.phones[0].srtp)
    };
    assert_eq!(of(""), (Srtp::Off, Srtp::Off));
    for (text, wanted) in [("off", Srtp::Off), ("optional", Srtp::Optional), ("required", Srtp::Required)] {
        assert_eq!(of(&format!("srtp = \"{text}\"\n")), (wanted, wanted));
    }
    let mistakes = read(&format!("{trunk}srtp = true\n{phone}")).unwrap_err().to_string();
    assert_eq!(mistakes, "t.toml:4: [[trunk]] srtp = true: allowed is one of off, optional, required");
    let secure = preset("dusnet-secure", "").unwrap().trunks.remove(0);
    let TrunkPeer::Register { host, port, .. } = &secure.peer else { panic!() };
    let found = (host.as_str(), *port, secure.way.transport, secure.srtp);
    assert_eq!(found, ("secure.dus.net", 5061, Some(Transport::Tls), Srtp::Required));
}

#[test]
fn keys_about_the_hold() {
    let text = "[hold]\nunanswered = \"wait\"\ncall_back = true\nstill_there = false\nvoicemail = \"ring\"\nredial = 4\nredial_after = \"2m\"\n\
                also_ring = [\"+15550100\", \"030123456\"]\nalso_after = \"0s\"\ncalls = 3\nreplay = true\n";
    let hold = read(text).unwrap().hold;
    assert_eq!((hold.unanswered, hold.call_back, hold.calls), (Unanswered::Wait, true, 3));
    assert_eq!((hold.still_there, hold.voicemail, hold.replay), (false, Voicemail::Ring, true));
    assert_eq!(hold.redial, Redialling { tries: 4, pause: Duration::from_secs(120) });
    assert_eq!(
        (hold.also_ring.as_slice(), hold.also_after),
        (&["+15550100".into(), "030123456".into()][..], Duration::ZERO)
    );
    let usual = read("").unwrap().hold;
    assert_eq!((usual.unanswered, usual.call_back, usual.calls), (Unanswered::Goodbye, false, 2));
    assert_eq!((usual.still_there, usual.voicemail, usual.replay), (true, Voicemail::HangUp, false));
    assert_eq!(usual.redial, Redialling { tries: 2, pause: Duration::from_secs(60) });
    assert_eq!((usual.also_ring, usual.also_after), (Vec::<String>::new(), Duration::from_secs(8)));
    for wrong in [
        "unanswered = \"shout\"",
        "voicemail = \"speak\"",
        "redial = 11",
        "redial_after = \"5s\"",
        "also_ring = [\"911\"]",
        "also_ring = [\"sip:a@b\"]",
        "also_ring = [\"11111\", \"22222\", \"33333\", \"44444\"]",
        "also_after = \"2m\"",
    ] {
        assert!(read(&format!("[hold]\n{wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn a_trunk_has_a_price_and_may_put_calls_through() {
    let trunk = |more: &str| {
        let text = format!("[[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\n{more}\n");
        read(&text).map(|mut config| config.trunks.remove(0).rules)
    };
    let rules = trunk("cents_per_minute = 1.5\nrefer = true").unwrap();
    assert_eq!((rules.cents_per_minute, rules.refer), (Some(1.5), true));
    assert_eq!(trunk("cents_per_minute = 2").unwrap().cents_per_minute, Some(2.0));
    let usual = trunk("").unwrap();
    assert_eq!((usual.cents_per_minute, usual.refer), (None, false));
    for wrong in ["cents_per_minute = -1", "cents_per_minute = nan", "cents_per_minute = \"1\"", "refer = 1"]
    {
        assert!(trunk(wrong).is_err(), "{wrong}");
    }
}
