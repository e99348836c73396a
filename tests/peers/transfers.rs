//! A phone puts its call through, RFC 3515: it asks, SIPp is both whom it talks to and whom it calls instead.

use crate::baresip::Baresip;
use crate::household::{self, Household};
use crate::line::Line;
use crate::phone::{Account, Softphone};
use crate::pjsua::Pjsua;
use crate::place::Place;
use crate::sipp::Sipp;
use crate::sound;
use hold_slayer::call::Outcome;

#[test]
fn baresip_puts_its_call_through() {
    puts_its_call_through::<Baresip>();
}

#[test]
fn pjsua_puts_its_call_through() {
    puts_its_call_through::<Pjsua>();
}

fn puts_its_call_through<P: Softphone>() {
    let place = Place::new();
    let trunk = place.ports(1);
    let mut household = Household::start(&place, &household::fixed(trunk));
    let line = Line::open(place.ports(1));
    let company = Sipp::start(&place, "company", trunk, None, &[("sound", &line.address.port().to_string())]);
    let microphone = place.path("room.wav");
    sound::write(&microphone, &sound::tone(800.0, 60));
    let phone = P::start(&place, "phone", &Account::hall(household.sip), &microphone);
    phone.registers();
    phone.dial("18005550123");
    phone.talks(1);
    phone.transfer(&format!("sip:18005550199@{}", household.sip));
    company.receives("INVITE sip:18005550199@", 1);
    company.receives("ACK ", 2);
    // It hangs up when it is told that the other has answered.
    phone.is_free(1);
    assert!(company.received("BYE ").is_empty(), "the two far ends stay");
    let records = household.stop();
    company.receives("BYE ", 2);
    let found: Vec<_> = records.iter().map(|r| (r.number.as_str(), r.outcome)).collect();
    assert_eq!(found, [("18005550199", Outcome::Talked), ("18005550123", Outcome::Interrupted)]);
}
