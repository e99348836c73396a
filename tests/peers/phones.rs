//! The household's phone, by each program and over each transport: registers, calls, is called, holds. The company is SIPp.

use crate::baresip::Baresip;
use crate::household::{self, Household};
use crate::line::Line;
use crate::phone::{Account, Softphone};
use crate::pjsua::Pjsua;
use crate::place::Place;
use crate::process::until;
use crate::sipp::Sipp;
use crate::sound;
use crate::way::{Certificates, Way};
use hold_slayer::call::Outcome;

/// The sound of the phone's room, and what the company sends.
const ROOM: f64 = 800.0;
const COMPANY: f64 = 1200.0;

/// One call out with a hold in it, and one call in.
fn is_a_phone<P: Softphone>(way: Way) {
    is_a_phone_that_encrypts::<P>(way, "", "off");
}

/// The same with encrypted sound: what the phone and the box want of it.
fn is_a_phone_that_encrypts<P: Softphone>(way: Way, encryption: &str, srtp: &str) {
    let place = Place::new();
    let certificates = Certificates::make(&place);
    let trunk = place.ports(1);
    let mut household = Household::start_secure(
        &place,
        &household::fixed(trunk),
        &format!("srtp = \"{srtp}\"\n"),
        &certificates,
    );
    let microphone = place.path("room.wav");
    sound::write(&microphone, &sound::tone(ROOM, 60));
    let account =
        Account { way, encryption, certificates: Some(&certificates), ..Account::hall(household.at(way)) };
    let phone = P::start(&place, "phone", &account, &microphone);
    phone.registers();

    let line = Line::open(place.ports(1));
    let port = line.address.port().to_string();
    {
        let company = Sipp::start(&place, "company", trunk, None, &[("sound", &port)]);
        phone.dial("18005550123");
        phone.talks(1);
        line.hears(ROOM);
        line.play(&sound::tone(COMPANY, 30));
        phone.hears(COMPANY);
        phone.key('7');
        until("the key reaches the company", || line.keys().contains(&7));
        phone.hold();
        line.hears_silence();
        phone.resume();
        line.hears(ROOM);
        phone.hang_up();
        company.receives("BYE", 1);
        phone.is_free(1);
    }
    line.hush();

    let keys = [("line", "100000"), ("sound", &*port), ("talk", "10000")];
    let mut caller = Sipp::start(&place, "caller", trunk, Some(household.sip), &keys);
    phone.rings("15551234");
    phone.accept();
    phone.talks(2);
    line.play(&sound::tone(COMPANY, 10));
    line.hears(ROOM);
    phone.hears(COMPANY);
    phone.is_free(2);
    caller.succeeds();

    let found: Vec<_> = household.stop().iter().map(|r| (r.outgoing, r.outcome)).collect();
    assert_eq!(found, [(false, Outcome::Talked), (true, Outcome::Talked)]);
}

#[test]
fn baresip_over_udp() {
    is_a_phone::<Baresip>(Way::Udp);
}

#[test]
fn baresip_over_tcp() {
    is_a_phone::<Baresip>(Way::Tcp);
}

#[test]
fn baresip_over_tls() {
    is_a_phone::<Baresip>(Way::Tls);
}

#[test]
fn baresip_over_tls_with_encrypted_sound() {
    is_a_phone_that_encrypts::<Baresip>(Way::Tls, "srtp-mand", "required");
}

#[test]
fn pjsua_over_udp() {
    is_a_phone::<Pjsua>(Way::Udp);
}

#[test]
fn pjsua_over_tcp() {
    is_a_phone::<Pjsua>(Way::Tcp);
}

#[test]
fn pjsua_over_tls() {
    is_a_phone::<Pjsua>(Way::Tls);
}
