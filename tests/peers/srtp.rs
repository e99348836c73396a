//! Encrypted sound with baresip, whose SRTP is libre's: on the phone's side, on the company's, and refused.

use crate::baresip::Baresip;
use crate::household::{self, Household};
use crate::line::Line;
use crate::phone::{Account, Softphone};
use crate::place::Place;
use crate::sipp::Sipp;
use crate::sound;
use hold_slayer::call::Outcome;
use std::net::SocketAddr;

const PHONE: f64 = 800.0;
const COMPANY: f64 = 1200.0;

fn baresip(place: &Place, name: &'static str, hz: f64, account: &Account<'_>) -> Baresip {
    let microphone = place.path(&format!("{name}.wav"));
    sound::write(&microphone, &sound::tone(hz, 60));
    Baresip::start(place, name, account, &microphone)
}

fn phone(place: &Place, registrar: SocketAddr, encryption: &str) -> Baresip {
    let account = Account { encryption, ..Account::hall(registrar) };
    let phone = baresip(place, "phone", PHONE, &account);
    phone.registers();
    phone
}

/// What the phone and the box each want, the profile that they come to, and whether it is encrypted.
const PAIRS: [(&str, &str, &str, bool); 4] = [
    ("srtp", "optional", "RTP/AVP", true),
    ("srtp-mand", "optional", "RTP/SAVP", true),
    ("srtp-mand", "required", "RTP/SAVP", true),
    ("srtp", "off", "RTP/AVP", false),
];

#[test]
fn a_phone_that_encrypts_and_a_trunk_in_the_clear() {
    for (theirs, ours, profile, encrypted) in PAIRS {
        let place = Place::new();
        let trunk = place.ports(1);
        let more = format!("srtp = \"{ours}\"\n");
        let mut household = Household::with(&place, &household::fixed(trunk), &more);
        let phone = phone(&place, household.sip, theirs);
        let line = Line::open(place.ports(1));
        let port = line.address.port().to_string();
        let company = Sipp::start(&place, "company", trunk, None, &[("sound", &port)]);
        phone.tell("dial", "18005550123");
        line.hears(PHONE);
        line.play(&sound::tone(COMPANY, 20));
        phone.hears(COMPANY);
        let printed = phone.printed();
        let answer =
            printed.rsplit("SIP/2.0 200 OK").find(|text| text.contains("m=audio")).unwrap_or_default();
        assert!(answer.contains(&format!(" {profile} ")), "{theirs} {ours}: {answer}");
        assert_eq!(answer.contains("a=crypto:"), encrypted, "{theirs} {ours}: {answer}");
        // A hold with the same keys.
        phone.tell("hold", "");
        line.hears_silence();
        phone.tell("resume", "");
        line.hears(PHONE);
        phone.tell("hangup", "");
        company.receives("BYE", 1);
        assert_eq!(household.stop().first().map(|record| record.outcome), Some(Outcome::Talked));
    }
}

#[test]
fn the_box_calls_phones_and_companies_that_encrypt() {
    for (theirs, ours) in [("srtp", "optional"), ("srtp-mand", "required"), ("srtp", "required")] {
        let place = Place::new();
        let account = Account { encryption: theirs, ..Account::of("18005550123", "none") };
        let company = baresip(&place, "company", COMPANY, &account);
        let more = format!("srtp = \"{ours}\"\n");
        let trunk = household::fixed(company.sip) + &more;
        let mut household = Household::with(&place, &trunk, &more);
        let phone = phone(&place, household.sip, theirs);
        phone.tell("dial", "18005550123");
        company.event("CALL_INCOMING");
        company.tell("accept", "");
        company.hears(PHONE);
        phone.hears(COMPANY);
        assert!(company.printed().contains("a=crypto:"), "{theirs} {ours}");
        phone.tell("hangup", "");
        company.event("CALL_CLOSED");
        assert_eq!(household.stop().first().map(|record| record.outcome), Some(Outcome::Talked));
    }
}

#[test]
fn a_phone_in_the_clear_is_refused_where_it_must_encrypt() {
    let place = Place::new();
    let trunk = place.ports(1);
    let mut household = Household::with(&place, &household::fixed(trunk), "srtp = \"required\"\n");
    let phone = phone(&place, household.sip, "");
    phone.tell("dial", "18005550123");
    let (_, closed) = phone.event("CALL_CLOSED");
    assert!(closed["param"].as_str().unwrap().starts_with("488"), "{closed}");
    assert!(phone.printed().contains("SRTP is required here"), "the reason is in words");
    assert!(household.stop().is_empty());
}
