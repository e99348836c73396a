//! Words recognised by another machine, from the line to the call's page; and what becomes of a hold when it fails.

use super::far::{Far, Net, SECRET, SOON};
use super::running::{Folder, Running, configuration};
use super::stand_in::{Say, answers};
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::sounds::Sound;

/// A call that the box holds, in which a recording goes round and round; and what happens with this recogniser.
fn held(says: &[Say], then: impl FnOnce(&super::running::Page, u64, &super::stand_in::StandIn)) {
    let (net, there) = (Net::new(), answers(says));
    let folder = Folder::new(net);
    let words = format!("[words]\nurl = \"{}\"\ntranscript = true\n", there.url("/v1"));
    let file = configuration(net, &net.trunk().to_string()) + &words;
    let running = Running::with(net, &folder, &folder.0, &file);
    running.says("is sent there to be recognised");
    let company = Far::company(net, vec![At::Answer, At::Loop(Sound::AllBusy, SOON * 10)]);
    company.wait(0, "the box registers", |f| *f == hold_slayer::demo::Fact::Registered);
    let dial =
        vec![Owner::Register, Owner::Dial("18005550123".into()), Owner::AwaitAnswer, Owner::Wait(SOON * 10)];
    let _phone = Far::phone(net, 3, SECRET, dial);
    let page = running.log_in(&running.password());
    let up = page.wait("the call is up", |status| status["calls"][0]["id"].is_u64());
    let id = up["calls"][0]["id"].as_u64().unwrap();
    while page.post(&format!("/api/v1/calls/{id}/hold"), true).0 != 200 {}
    then(&page, id, &there);
}

#[test]
fn what_another_machine_understands_stands_with_the_call() {
    let text = "All of our agents are busy, please stay on the line.";
    held(&[Say::Whole(200, serde_json::json!({ "text": text }).to_string())], |page, id, there| {
        let seen = there.next();
        let sound = seen.body.len() - 1_000;
        assert!(sound > 8_000 && sound < 200_000, "{sound} bytes of sound");
        page.wait("the words are understood", |_| {
            page.get(&format!("/api/v1/calls/{id}/transcript")).to_string().contains(text)
        });
    });
}

#[test]
fn without_the_other_machine_the_hold_goes_on_and_the_page_says_why() {
    held(&[Say::Whole(503, String::new())], |page, id, there| {
        there.next();
        let status = page.wait("it is told", |status| {
            status["troubles"]
                .to_string()
                .contains("the box goes by sound alone, for words are not recognised")
        });
        assert_eq!(status["calls"][0]["id"].as_u64(), Some(id), "{status}");
    });
}
