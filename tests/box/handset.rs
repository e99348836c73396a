//! The box's own handset where there is no sound card: ALSA's `null` plays and records nothing, but is there.

use super::far::{Far, Net, SECRET};
use super::running::{Folder, Page, Running, configuration};
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::dsp::detect::{Goertzel, mean_power};
use hold_slayer::units::FRAME_SAMPLES;
use std::cell::Cell;
use std::io::Read;
use std::time::{Duration, Instant};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(600);

/// A box with this under `[handset]`, on a board whose hook is not there.
fn with(handset: &str) -> (Net, Folder, Running, Page) {
    let net = Net::new();
    let folder = Folder::new(net);
    std::fs::write(folder.0.join("own.toml"), "name = \"own\"\n[hook]\nline = \"no such line\"\n").unwrap();
    let text = configuration(net, &net.trunk().to_string());
    let text = format!("{text}[board]\nfile = \"own.toml\"\n[handset]\nname = \"box\"\n{handset}");
    let running = Running::with(net, &folder, &folder.0, &text);
    let page = running.log_in(&running.password());
    (net, folder, running, page)
}

fn is_up(status: &serde_json::Value) -> Option<bool> {
    let phones = status["phones"].as_array()?;
    phones.iter().find(|phone| phone["name"] == "box")?["up"].as_bool()
}

#[test]
fn a_handset_is_rung_as_a_phone_and_what_it_lacks_is_told() {
    let (net, _folder, running, page) = with("card = \"null\"\nringer = \"No Such Bell\"\n");
    page.wait("it has registered", |status| is_up(status) == Some(true));
    page.wait("its hook and its bell are missed", |status| {
        let troubles = status["troubles"].to_string();
        troubles.contains("handset, hook: ")
            && troubles.contains("handset, bell: no sound card is called \\\"No Such Bell\\\"")
    });
    let company = Far::company(net, vec![]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    company.call(vec![At::Forever]);
    company.wait(0, "the caller hears it ring", |fact| *fact == Fact::HearsRinging);
    page.wait("the page shows it so", |_| {
        let mut shown = String::new();
        page.open("/board").read_to_string(&mut shown).unwrap();
        ["rings", "open", "not felt"].iter().all(|word| shown.contains(&format!("<dd>{word}</dd>")))
    });
    drop(running);
}

#[test]
fn without_its_card_a_handset_is_away_and_the_box_says_why() {
    let (_net, _folder, _running, page) = with("card = \"No Such Card\"\n");
    page.wait("the card is missed", |status| {
        status["troubles"].to_string().contains("handset: no sound card is called \\\"No Such Card\\\"")
    });
    let status = page.get("/api/v1/status");
    assert_eq!(is_up(&status), Some(false));
    assert!(status["phones"].to_string().contains("its sound card is not there yet"), "{status}");
    let mut setup = String::new();
    page.open("/setup").read_to_string(&mut setup).unwrap();
    assert!(setup.contains("<a href=\"/board\">What the handset lacks</a>"), "{setup}");
}

#[test]
fn a_loudspeaker_alone_lets_a_held_call_be_heard_and_never_rings() {
    let net = Net::new();
    let folder = Folder::new(net);
    // ALSA's `tee` on its `null` writes what is played into a file.
    let played = folder.0.join("played");
    let card = format!("tee:null,{},raw", played.display());
    let text = configuration(net, &net.trunk().to_string());
    let text = format!("{text}[monitor]\ncard = \"{card}\"\nrate = 8000\nvolume = 6\naloud = false\n");
    let running = Running::with(net, &folder, &folder.0, &text);
    let page = running.log_in(&running.password());
    let company = Far::company(net, vec![At::Answer, At::Tone(1_200, LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    let dial =
        vec![Owner::Register, Owner::Dial("18005550123".into()), Owner::AwaitAnswer, Owner::Listen(LONG)];
    let _phone = Far::phone(net, 3, SECRET, dial);
    let status = page.wait("the call is up", |status| status["calls"][0]["phase"] == "talking");
    let (code, answer) = page.post(&format!("/api/v1/calls/{}/hold", status["calls"][0]["id"]), true);
    assert_eq!(code, 200, "{answer}");
    page.wait("it is held", |status| status["calls"][0]["phase"] == "holding");
    assert!(
        !status["troubles"].to_string().contains("monitor"),
        "it needs no hook and no microphone: {status}"
    );
    assert_eq!(status["phones"].as_array().unwrap().len(), 1, "it is no phone: {}", status["phones"]);
    // Nothing paces it: between the frames of 20 ms there is the silence that fills a card's buffer.
    let tone = || {
        let bytes = std::fs::read(&played).unwrap_or_default();
        let samples: Vec<f32> =
            bytes.chunks_exact(2).map(|pair| f32::from(i16::from_ne_bytes([pair[0], pair[1]]))).collect();
        let frames: Vec<&[f32]> = samples.chunks_exact(FRAME_SAMPLES).rev().take(60).collect();
        let loud: Vec<_> = frames.into_iter().filter(|frame| mean_power(frame) > 1_000.0).collect();
        let is_it = |frame: &&&[f32]| Goertzel::new(1_200.0).power(frame) > 0.7 * mean_power(frame);
        loud.len() >= 15 && loud.iter().filter(is_it).count() * 10 >= loud.len() * 9
    };
    assert!(!tone(), "not before somebody wants it");
    let toggle = || assert_eq!(page.press("/board", "do=monitor-aloud"), 303);
    toggle();
    page.wait("it is heard", |_| tone());
    toggle();
    let grown = Cell::new((0, Instant::now()));
    page.wait("it is silent again", |_| {
        let length = std::fs::metadata(&played).unwrap().len();
        if length != grown.get().0 {
            grown.set((length, Instant::now()));
        }
        grown.get().1.elapsed() > Duration::from_millis(300)
    });
    drop(running);
}
