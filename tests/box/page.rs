//! The page during a call, end to end.

use super::far::SECRET;
use super::running::House;
use hold_slayer::demo::Fact;
use std::io::Read;

#[test]
fn the_page_shows_the_call_and_holds_it() {
    let mut house = House::talking();
    let page = house.running.log_in(&house.running.password());
    let status = page.get("/api/v1/status");
    let call = &status["calls"][0];
    assert_eq!((&call["phase"], &call["number"]), (&"talking".into(), &"18005550123".into()), "{status}");
    let path = format!("/api/v1/calls/{}/hold", call["id"]);
    let (code, _) = page.post(&path, false);
    assert_eq!(code, 403, "without the form's token nothing happens");
    house.talks_on();
    let (code, answer) = page.post(&path, true);
    assert_eq!(code, 200, "{answer}");
    page.wait("it is held", |status| status["calls"][0]["phase"] == "confirming");
    house.phone.wait(0, "the owner hears it", |f| matches!(f, Fact::HearsVoice | Fact::Hears(_)));
    page.wait("the box hangs up for him", |status| status["calls"][0]["phase"] == "holding");
    house.phone.wait(0, "the phone is free", |f| matches!(f, Fact::Ended(_)));
    let (code, answer) = page.post("/api/v1/calls/999/hold", true);
    assert_eq!(code, 409, "{answer}");
    assert!(house.running.is_up());
}

#[test]
fn the_log_is_on_the_page_and_no_secret_in_it() {
    let house = House::talking();
    let password = house.running.password();
    let code = house.running.claim_code();
    let page = house.running.log_in(&password);
    let read = |path: &str| {
        let mut text = String::new();
        page.open(path).read_to_string(&mut text).unwrap();
        text
    };
    let all = read("/logs");
    assert!(all.contains("the box is up") && all.contains("the page was claimed"), "{all}");
    for secret in [SECRET, &password, &code] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    let few = read("/logs?find=CLAIMED");
    assert!(few.contains("the page was claimed") && !few.contains("the box is up"), "{few}");
    assert!(!read("/logs?level=error").contains("the box is up"));
}
