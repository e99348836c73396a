//! Keys in offers and answers of whole dialogs, RFC 4568.

use super::wire::{SDP, Wire, text};
use super::*;
use crate::sip::message::Method;
use crate::sip::{Cause, Srtp};
use crate::units::Suite;

const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const OTHER: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

fn encrypted(key: &str) -> String {
    format!("{}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^20\r\n", SDP.replace("AVP", "SAVP"))
}

fn wire(policy: Srtp) -> Wire {
    let mut wire = Wire::new();
    wire.ua.config.accounts.iter_mut().for_each(|account| account.srtp = policy);
    wire
}

/// The box answers a call with this offer.
fn answered(policy: Srtp, offer: &str) -> Wire {
    let mut wire = wire(policy);
    wire.request("INVITE", 1, "", offer);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!("{:?}", wire.sent) };
    wire.command(Command::Answer(leg, media(2)));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    wire
}

/// The line of our own key in what was sent last.
fn own_key(wire: &Wire) -> String {
    let body = text(&wire.response().body);
    body.lines().find(|line| line.starts_with("a=crypto")).unwrap_or_default().to_owned()
}

#[test]
fn a_new_key_of_the_peer_is_taken_and_ours_stays() {
    let mut wire = answered(Srtp::Optional, &encrypted(KEY));
    let body = text(&wire.response().body);
    assert!(body.contains("m=audio 4000 RTP/SAVP 8") && !body.contains(KEY), "{body}");
    let [.., Event::Answered(_, first)] = wire.told[..] else { panic!("{:?}", wire.told) };
    let (ours, keys) = (own_key(&wire), first.keys.unwrap());
    assert_eq!(keys.theirs.suite(), Suite::Aes128Tag80);
    wire.request("ACK", 1, "", "");
    wire.told.clear();
    // A hold with the same key, then one with another: the way and the key are told, and ours stays.
    wire.request("INVITE", 2, "", &format!("{}a=sendonly\r\n", encrypted(KEY)));
    assert_eq!(own_key(&wire), ours);
    let held = wire.session();
    assert!(!held.send && held.keys == Some(keys));
    wire.request("ACK", 2, "", "");
    wire.told.clear();
    wire.request("INVITE", 3, "", &encrypted(OTHER));
    assert_eq!(own_key(&wire), ours);
    let changed = wire.session().keys.unwrap();
    assert!(changed.ours == keys.ours && changed.theirs != keys.theirs);
    wire.request("ACK", 3, "", "");
    wire.told.clear();
    // Nothing new: nothing told.
    wire.request("INVITE", 4, "", &encrypted(OTHER));
    assert!(wire.told.is_empty(), "{:?}", wire.told);
    // RFC 3264 §8: our own offer within the dialog has the profile that the peer uses, and the same key.
    wire.request("ACK", 4, "", "");
    wire.request("INVITE", 5, "", "");
    let body = text(&wire.response().body);
    assert!(body.contains("RTP/SAVP ") && body.contains(&ours), "{body}");
}

#[test]
fn a_delayed_offer_is_encrypted_by_the_ack() {
    let mut wire = answered(Srtp::Required, "");
    let body = text(&wire.response().body);
    assert!(
        body.contains("m=audio 4000 RTP/SAVP 0 8 101") && body.matches("a=crypto:").count() == 2,
        "{body}"
    );
    wire.request("ACK", 1, "", &encrypted(KEY));
    assert!(wire.session().keys.is_some());
    // And one in the clear ends the call.
    let mut wire = answered(Srtp::Required, "");
    wire.request("ACK", 1, "", SDP);
    assert!(matches!(wire.told.last(), Some(Event::Ended(_, Cause::Unencrypted))), "{:?}", wire.told);
    assert!(wire.requests().last().is_some_and(|(_, request)| request.method == Method::Bye));
}

#[test]
fn an_offer_that_does_not_fit_the_policy_is_refused_in_words() {
    let cases = [
        (Srtp::Off, encrypted(KEY), "399 box \"SRTP is off here\""),
        (Srtp::Required, SDP.to_owned(), "399 box \"SRTP is required here\""),
        (
            Srtp::Optional,
            encrypted(&format!("{KEY} UNENCRYPTED_SRTP")),
            "399 box \"none of the crypto attributes can be used here\"",
        ),
    ];
    for (policy, offer, words) in cases {
        let mut wire = wire(policy);
        wire.request("INVITE", 1, "", &offer);
        let response = wire.response();
        assert_eq!((response.status, response.headers.first("Warning")), (488, Some(words)), "{policy:?}");
        assert!(wire.told.is_empty());
    }
}

#[test]
fn an_answer_in_the_clear_ends_a_call_that_must_be_encrypted() {
    for (policy, answer, ended) in [
        (Srtp::Required, SDP.to_owned(), Some(Cause::Unencrypted)),
        (Srtp::Required, encrypted(KEY), None),
        (Srtp::Optional, SDP.to_owned(), None),
        (Srtp::Optional, encrypted(KEY), None),
        (Srtp::Optional, encrypted(KEY).replace("crypto:1", "crypto:9"), Some(Cause::Unencrypted)),
    ] {
        let mut wire = wire(policy);
        let (_, invite) = wire.call(caller("", "1"));
        let offer = text(&invite.body);
        assert_eq!(offer.contains("RTP/SAVP"), policy == Srtp::Required, "{offer}");
        assert!(offer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"), "{offer}");
        wire.reply(&invite, 200, "t", &[], &answer);
        let told = wire.told.last().cloned();
        match (ended, told) {
            (Some(cause), Some(Event::Ended(_, found))) => assert_eq!(found, cause),
            (None, Some(Event::Answered(_, session))) => {
                assert_eq!(session.keys.is_some(), answer.contains("crypto"));
            }
            (_, told) => panic!("{policy:?}: {told:?}"),
        }
    }
}

#[test]
fn no_password_gets_into_a_log() {
    let ha1 = "5ebe2294ecd0e0f08eab7690d2a6ee69".to_owned();
    let paired = AccountKind::Paired { user: "hall".into(), ha1: ha1.clone() };
    for kind in [upstream(1, "house", "open-sesame"), registers_here("hall", "open-sesame"), paired] {
        let shown = format!("{kind:?}");
        assert!(shown.contains("user: \"h"), "{shown}");
        assert!(!shown.contains("sesame") && !shown.contains(&ha1), "{shown}");
    }
}
