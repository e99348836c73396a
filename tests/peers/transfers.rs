//! A phone puts its call through, RFC 3515: it asks, SIPp is both whom it talks to and whom it calls instead.

use crate::baresip::Baresip;
use crate::household::{self, Household};
use crate::line::Line;
use crate::phone::{Account, Softphone};
use crate::pjsua::Pjsua;
use crate::place::Place;
use crate::sipp::Sipp;
use crate::sound;
use crate::way::{Certificates, Way};
use hold_slayer::call::Outcome;

#[test]
fn baresip_puts_its_call_through() {
    [Way::Udp, Way::Tcp, Way::Tls].into_iter().for_each(puts_its_call_through::<Baresip>);
}

#[test]
fn pjsua_puts_its_call_through() {
    [Way::Udp, Way::Tcp, Way::Tls].into_iter().for_each(puts_its_call_through::<Pjsua>);
}

fn puts_its_call_through<P: Softphone>(way: Way) {
    let place = Place::new();
    let certificates = Certificates::make(&place);
    let trunk = place.ports(1);
    let mut household = Household::start_secure(&place, &household::fixed(trunk), "", &certificates);
    let line = Line::open(place.ports(1));
    let company = Sipp::start(&place, "company", trunk, None, &[("sound", &line.address.port().to_string())]);
    let microphone = place.path("room.wav");
    sound::write(&microphone, &sound::tone(800.0, 60));
    let account = Account { way, certificates: Some(&certificates), ..Account::hall(household.at(way)) };
    let phone = P::start(&place, "phone", &account, &microphone);
    phone.registers();
    phone.dial("18005550123");
    phone.talks(1);
    phone.transfer(&format!("sip:18005550199@{}", household.at(way)));
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
