//! Short calls each way: what one side says reaches the other, and nothing that should not.

use crate::baresip::Baresip;
use crate::household::{self, Household};
use crate::line::Line;
use crate::phone::{Account, Softphone};
use crate::place::Place;
use crate::process::until;
use crate::sipp::Sipp;
use crate::sound;
use hold_slayer::call::Outcome;
use std::net::SocketAddr;

const PHONE: f64 = 800.0;
const COMPANY: f64 = 1200.0;

/// A box on a trunk without registration, and a phone that is registered at it.
struct Scene {
    trunk: SocketAddr,
    phone: Baresip,
    household: Household,
    place: Place,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        let trunk = place.ports(1);
        let household = Household::start(&place, &household::fixed(trunk));
        let phone = phone(&place, household.sip, "of-the-hall");
        phone.registers();
        Self { trunk, phone, household, place }
    }

    /// The far end of the trunk follows this scenario, as the one who is called.
    fn company(&self, scenario: &'static str, keys: &[(&str, &str)]) -> Sipp {
        Sipp::start(&self.place, scenario, self.trunk, None, keys)
    }

    /// The far end of the trunk follows this scenario, as the one who calls.
    fn caller(&self, scenario: &'static str, keys: &[(&str, &str)]) -> Sipp {
        Sipp::start(&self.place, scenario, self.trunk, Some(self.household.sip), keys)
    }

    fn line(&self) -> (Line, String) {
        let line = Line::open(self.place.ports(1));
        let port = line.address.port().to_string();
        (line, port)
    }

    /// Stops the box; the one call must have ended so.
    fn ends(&mut self, outgoing: bool, outcome: Outcome) {
        let records = self.household.stop();
        let found: Vec<_> = records.iter().map(|r| (r.outgoing, r.outcome)).collect();
        assert_eq!(found, [(outgoing, outcome)]);
    }
}

fn phone(place: &Place, registrar: SocketAddr, password: &str) -> Baresip {
    let microphone = place.path("room.wav");
    sound::write(&microphone, &sound::tone(PHONE, 60));
    let account = Account { password, ..Account::hall(registrar) };
    Baresip::start(place, "phone", &account, &microphone)
}

#[test]
fn a_phone_with_the_wrong_password_is_refused() {
    let place = Place::new();
    let mut household = Household::start(&place, "");
    let phone = phone(&place, household.sip, "of-the-hell");
    // baresip tries the same password again and again, until it is told for good.
    until("it is refused", || phone.printed().contains("403 Forbidden ()"));
    assert!(!phone.printed().contains("[1 binding]"));
    phone.tell("dial", "18005550123");
    until("nobody listens any more", || phone.printed().matches("INVITE sip:18005550123").count() > 3);
    assert!(household.stop().is_empty(), "it may not call either");
}

#[test]
fn a_provider_is_registered_at_refreshed_and_left_with_a_password() {
    let place = Place::new();
    // The shortest lifetime that the box believes.
    let provider =
        Sipp::start(&place, "provider", place.ports(1), None, &[("sound", "9"), ("expires", "20")]);
    let mut household =
        Household::start(&place, &household::registered(provider.sip, "100000_box", "of the box"));
    provider.sends("SIP/2.0 200", 2);
    assert!(household.stop().is_empty());
    provider.sends("SIP/2.0 200", 3);
    let last = provider.received("REGISTER").pop().unwrap();
    assert!(last.contains("expires=0") && last.contains("Authorization: Digest"), "{last}");
}

#[test]
fn a_provider_that_refuses_the_password_is_not_stormed() {
    let place = Place::new();
    let provider =
        Sipp::start(&place, "provider", place.ports(1), None, &[("sound", "9"), ("expires", "60")]);
    let mut household =
        Household::start(&place, &household::registered(provider.sip, "100000_box", "of the bot"));
    provider.sends("SIP/2.0 401", 2);
    let phone = phone(&place, household.sip, "of-the-hall");
    phone.registers();
    phone.tell("dial", "18005550123");
    phone.event("CALL_ESTABLISHED");
    until("the owner is told in words", || sound::power(&phone.heard()) > 1e4);
    phone.tell("hangup", "");
    let tries = provider.received("REGISTER").len();
    assert!(tries <= 4, "{tries} tries");
    assert!(provider.received("INVITE").is_empty() && provider.sent("SIP/2.0 200").is_empty());
    household.stop();
}

#[test]
fn both_hear_each_other_and_the_phone_hangs_up() {
    let mut scene = Scene::new();
    let (line, port) = scene.line();
    let company = scene.company("company", &[("sound", &port)]);
    scene.phone.tell("dial", "18005550123");
    line.hears(PHONE);
    line.play(&sound::tone(COMPANY, 5));
    scene.phone.hears(COMPANY);
    scene.phone.tell("sndcode", "7");
    until("the key reaches the company", || line.keys().contains(&7));
    scene.phone.tell("hangup", "");
    company.sends("SIP/2.0 200", 2);
    scene.ends(true, Outcome::Talked);
}

#[test]
fn what_the_company_says_before_it_answers_is_heard() {
    let mut scene = Scene::new();
    let (line, port) = scene.line();
    let company = scene.company("early", &[("sound", &port)]);
    scene.phone.tell("dial", "18005550123");
    line.play(&sound::tone(COMPANY, 20));
    scene.phone.hears(COMPANY);
    assert!(company.sent("SIP/2.0 200").is_empty(), "it has not answered");
    scene.phone.tell("hangup", "");
    company.receives("CANCEL", 1);
    company.receives("ACK", 1);
    scene.ends(true, Outcome::Cancelled);
}

#[test]
fn a_hold_of_the_phone_stays_in_the_house() {
    let mut scene = Scene::new();
    let (line, port) = scene.line();
    let company = scene.company("company", &[("sound", &port)]);
    scene.phone.tell("dial", "18005550123");
    line.hears(PHONE);
    scene.phone.tell("hold", "");
    line.hears_silence();
    assert!(scene.phone.printed().contains("a=sendonly"), "the phone asked for hold");
    scene.phone.tell("resume", "");
    line.hears(PHONE);
    scene.phone.tell("hangup", "");
    company.receives("BYE", 1);
    assert_eq!(company.received("INVITE").len(), 1, "one call, and no hold within it");
    assert!(company.received("UPDATE").is_empty());
    scene.ends(true, Outcome::Talked);
}

#[test]
fn a_caller_is_shown_and_hangs_up() {
    let mut scene = Scene::new();
    let (line, port) = scene.line();
    let mut caller = scene.caller("caller", &[("line", "100000"), ("sound", &port), ("talk", "10000")]);
    let (_, ring) = scene.phone.event("CALL_INCOMING");
    assert!(ring.to_string().contains("Aunt Agatha") && ring.to_string().contains("15551234"), "{ring}");
    scene.phone.tell("accept", "");
    line.play(&sound::tone(COMPANY, 10));
    line.hears(PHONE);
    scene.phone.hears(COMPANY);
    scene.phone.event("CALL_CLOSED");
    caller.succeeds();
    assert_eq!(caller.sent("BYE").len(), 1);
    scene.ends(false, Outcome::Talked);
}

#[test]
fn a_caller_is_hung_up_on() {
    let mut scene = Scene::new();
    let (line, port) = scene.line();
    let mut caller = scene.caller("caller", &[("line", "100000"), ("sound", &port), ("talk", "30000")]);
    scene.phone.event("CALL_INCOMING");
    scene.phone.tell("accept", "");
    line.hears(PHONE);
    scene.phone.tell("hangup", "");
    caller.succeeds();
    assert!(caller.sent("BYE").is_empty());
    scene.ends(false, Outcome::Talked);
}

#[test]
fn a_caller_gives_up() {
    let mut scene = Scene::new();
    let mut caller = scene.caller("gives_up", &[("line", "100000"), ("sound", "9")]);
    scene.phone.event("CALL_INCOMING");
    caller.succeeds();
    scene.phone.event("CALL_CLOSED");
    scene.ends(false, Outcome::Cancelled);
}

#[test]
fn a_caller_is_declined() {
    let mut scene = Scene::new();
    let keys = [("line", "100000"), ("sound", "9"), ("status", "486")];
    let mut caller = scene.caller("refused", &keys);
    scene.phone.event("CALL_INCOMING");
    scene.phone.tell("hangup", "");
    caller.succeeds();
    scene.ends(false, Outcome::Busy);
}

#[test]
fn the_owner_gives_up() {
    let mut scene = Scene::new();
    let company = scene.company("rings", &[]);
    scene.phone.tell("dial", "18005550123");
    scene.phone.event("CALL_RINGING");
    scene.phone.tell("hangup", "");
    company.receives("CANCEL", 1);
    company.receives("ACK", 1);
    scene.ends(true, Outcome::Cancelled);
}

#[test]
fn what_the_company_refuses_with_is_told_to_the_phone() {
    for (status, told, outcome) in
        [("486", "486", Outcome::Busy), ("404", "404", Outcome::Failed), ("503", "503", Outcome::Failed)]
    {
        let mut scene = Scene::new();
        let _company = scene.company("refuses", &[("status", status)]);
        scene.phone.tell("dial", "18005550123");
        let (_, closed) = scene.phone.event("CALL_CLOSED");
        assert!(closed["param"].as_str().unwrap().starts_with(told), "{status}: {closed}");
        scene.ends(true, outcome);
    }
}
