//! The household's provider, by each program and over each transport.

use crate::asterisk::{self, Asterisk};
use crate::baresip::Baresip;
use crate::household::{self, Household};
use crate::line::Line;
use crate::phone::{Account, Softphone};
use crate::place::Place;
use crate::sipp::Sipp;
use crate::sound;
use crate::way::{Certificates, Way};
use hold_slayer::call::Outcome;

/// The sound of the phone's room, and what the far end sends.
const ROOM: f64 = 800.0;
const COMPANY: f64 = 1200.0;

fn phone(place: &Place, household: &Household) -> Baresip {
    let microphone = place.path("room.wav");
    sound::write(&microphone, &sound::tone(ROOM, 60));
    let phone = Baresip::start(place, "phone", &Account::hall(household.sip), &microphone);
    phone.registers();
    phone
}

/// Asterisk takes the registration; one call out with keys and a hold in it, one call in, and the registration is taken away.
fn asterisk_is_the_provider(way: Way) {
    let Some(system) = asterisk::system() else { return };
    let place = Place::new();
    let certificates = Certificates::make(&place);
    let asterisk = Asterisk::start(&system, &place, way, &certificates, COMPANY);
    let trunk =
        household::registered_over(way, &certificates.root, asterisk.sip, asterisk::USER, asterisk::PASSWORD);
    let mut household = Household::start_secure(&place, &trunk, "", &certificates);
    asterisk.knows_the_box();
    let phone = phone(&place, &household);

    phone.dial("18005550123");
    phone.talks(1);
    phone.hears(COMPANY);
    asterisk.hears(ROOM);
    phone.key('7');
    asterisk.is_told('7');
    phone.hold();
    asterisk.hears_silence();
    phone.resume();
    asterisk.hears(ROOM);
    phone.hang_up();
    phone.is_free(1);
    asterisk.is_free();

    asterisk.calls();
    phone.rings("");
    phone.accept();
    phone.talks(2);
    phone.hears(COMPANY);
    asterisk.hears(ROOM);
    asterisk.hangs_up();
    phone.is_free(2);

    let found: Vec<_> = household.stop().iter().map(|r| (r.outgoing, r.outcome)).collect();
    assert_eq!(found, [(false, Outcome::Talked), (true, Outcome::Talked)]);
    asterisk.forgets_the_box();
}

#[test]
fn asterisk_over_udp() {
    asterisk_is_the_provider(Way::Udp);
}

#[test]
fn asterisk_over_tcp() {
    asterisk_is_the_provider(Way::Tcp);
}

#[test]
fn asterisk_over_tls() {
    asterisk_is_the_provider(Way::Tls);
}

/// A company known by its address answers over TCP, and is talked with.
#[test]
fn sipp_over_tcp() {
    let place = Place::new();
    let trunk = place.ports(1);
    let text = format!("{}transport = \"tcp\"\n", household::fixed(trunk));
    let line = Line::open(place.ports(1));
    let port = line.address.port().to_string();
    let company = Sipp::start_over(&place, "company", trunk, None, &[("sound", &port)], Way::Tcp);
    let mut household = Household::start(&place, &text);
    let phone = phone(&place, &household);
    phone.dial("18005550123");
    phone.talks(1);
    line.hears(ROOM);
    line.play(&sound::tone(COMPANY, 20));
    phone.hears(COMPANY);
    phone.hang_up();
    company.receives("BYE", 1);
    assert!(company.received("INVITE")[0].contains("Via: SIP/2.0/TCP "), "{:?}", company.messages());
    phone.is_free(1);
    let found: Vec<_> = household.stop().iter().map(|r| (r.outgoing, r.outcome)).collect();
    assert_eq!(found, [(true, Outcome::Talked)]);
}
