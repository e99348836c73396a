//! The box's own handset where there is no sound card: ALSA's `null` plays and records nothing, but is there.

use super::far::{Far, Net};
use super::running::{Folder, Page, Running, configuration};
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use std::io::Read;

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
    assert_eq!(is_up(&page.get("/api/v1/status")), Some(false));
}
