//! Reliable provisional responses (RFC 3262) and UPDATE before the answer (RFC 3311), on both sides.

use super::wire::{SDP, Wire, sdp, text};
use super::*;
use crate::sip::message::{Method, Request};
use crate::sip::{Cause, Discard};

const REL: [(&str, &str); 2] = [("Require", "100rel"), ("RSeq", "7")];

fn rel(rseq: &'static str) -> [(&'static str, &'static str); 2] {
    [("Require", "100rel"), ("RSeq", rseq)]
}

/// The PRACK among what was sent.
fn prack(wire: &Wire) -> Request {
    let request = wire.one();
    assert_eq!(request.method, Method::Prack);
    request
}

#[test]
fn a_reliable_183_is_acknowledged_once_and_in_order() {
    let (mut wire, leg, invite) = Wire::outgoing();
    assert!(invite.headers.lists("Supported", "100rel"));
    wire.reply(&invite, 183, "a", &REL, SDP);
    let first = prack(&wire);
    assert_eq!(first.headers.first("RAck"), Some("7 1 INVITE"));
    assert_eq!((first.cseq().0, first.to().tag()), (2, Some("a")));
    assert_eq!(first.uri.to_string(), "sip:a@10.0.0.1:5070", "to the Contact of the 183");
    assert!(matches!(wire.told[0], Event::Progress(told, _) if told == leg));
    // A copy says nothing new, one that overtook another is not taken, RFC 3262 §4.
    wire.reply(&invite, 183, "a", &REL, SDP);
    assert!(wire.sent.is_empty() && wire.told.is_empty());
    wire.reply(&invite, 180, "a", &rel("9"), "");
    assert!(wire.sent.is_empty() && wire.told.is_empty());
    wire.reply(&invite, 180, "a", &rel("8"), "");
    assert_eq!(prack(&wire).headers.first("RAck"), Some("8 1 INVITE"));
    assert_eq!(wire.told, [Event::Ringing(leg)]);
    // Without Require it wants no PRACK, whatever RSeq it has.
    wire.reply(&invite, 182, "a", &[("RSeq", "9")], "");
    assert!(wire.sent.is_empty());
    wire.reply(&invite, 200, "a", &[], "");
    assert_eq!(wire.one().method, Method::Ack);
    assert!(matches!(wire.told[0], Event::Answered(told, _) if told == leg), "the answer of the 183 stands");
}

#[test]
fn a_lost_prack_is_repeated_and_a_refused_one_harms_nothing() {
    let (mut wire, leg, invite) = Wire::outgoing();
    wire.reply(&invite, 180, "a", &REL, "");
    let first = prack(&wire);
    wire.wait(Duration::from_millis(500));
    assert_eq!(prack(&wire), first);
    wire.reply(&first, 481, "a", &[], "");
    assert!(wire.told.is_empty());
    wire.reply(&invite, 200, "a", &[], SDP);
    assert!(matches!(wire.told[0], Event::Answered(told, _) if told == leg));
}

#[test]
fn each_branch_of_a_fork_counts_for_itself() {
    let (mut wire, _, invite) = Wire::outgoing();
    wire.reply(&invite, 183, "a", &rel("1"), SDP);
    assert_eq!(prack(&wire).to().tag(), Some("a"));
    wire.reply(&invite, 183, "b", &rel("500"), &SDP.replace("4000", "4400"));
    let second = prack(&wire);
    assert_eq!((second.to().tag(), second.headers.first("RAck")), (Some("b"), Some("500 1 INVITE")));
    wire.reply(&invite, 180, "a", &rel("2"), "");
    assert_eq!(prack(&wire).to().tag(), Some("a"));
    // The branch that answers, answers with its own description.
    wire.reply(&invite, 200, "a", &[], "");
    assert_eq!(wire.session().remote.port(), 4000);
    let mut flood = Wire::outgoing();
    for branch in 0..20 {
        flood.0.reply(&flood.2, 183, &format!("t{branch}"), &rel("1"), "");
    }
    assert!(flood.0.sent.is_empty(), "a fork of hundreds is not followed");
}

#[test]
fn a_peer_that_insists_gets_copies_until_its_prack() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "Require: 100rel\r\n", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!("{:?}", wire.sent) };
    wire.command(Command::Progress(leg, media(2)));
    let first = wire.response().clone();
    wire.tag = first.to().tag().expect("a tag").to_owned();
    assert!(first.status == 183 && first.headers.lists("Require", "100rel"));
    let rseq = first.headers.first("RSeq").expect("RSeq").to_owned();
    // RFC 3262 §3: the next one, and a 200 after a description, wait.
    wire.command(Command::Ringing(leg));
    assert!(wire.sent.is_empty());
    wire.wait(Duration::from_millis(500));
    assert_eq!(wire.response(), &first);
    wire.wait(Duration::from_millis(999));
    assert!(wire.sent.is_empty());
    wire.wait(Duration::from_millis(1));
    assert_eq!(wire.response(), &first);
    wire.request("PRACK", 2, "RAck: 1 1 INVITE\r\n", "");
    assert_eq!(wire.response().status, 481, "not the one that is open");
    wire.request("PRACK", 3, &format!("RAck: {rseq} 1 INVITE\r\n"), "");
    let statuses: Vec<u16> = wire.sent.iter().filter_map(|(_, m)| status(m)).collect();
    assert_eq!(statuses, [200, 180], "the PRACK is answered, then what waited goes");
    let second = wire.response().headers.first("RSeq").and_then(|r| r.parse::<u32>().ok());
    assert_eq!(second, rseq.parse::<u32>().ok().map(|r| r + 1));
    wire.command(Command::Answer(leg, media(2)));
    assert_eq!(wire.response().status, 200, "a 180 without a description holds no answer up");
    wire.request("ACK", 1, "", "");
    wire.wait(Duration::from_secs(70));
    assert!(wire.sent.is_empty() && wire.told.is_empty());
}

fn status(message: &crate::sip::message::Message) -> Option<u16> {
    match message {
        crate::sip::message::Message::Response(response) => Some(response.status),
        crate::sip::message::Message::Request(_) => None,
    }
}

#[test]
fn the_200_waits_for_the_prack_of_a_description() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "Require: 100rel\r\n", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Progress(leg, media(2)));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    let rseq = wire.response().headers.first("RSeq").expect("RSeq").to_owned();
    wire.command(Command::Answer(leg, media(2)));
    assert!(wire.sent.is_empty() && wire.told.is_empty());
    wire.request("PRACK", 2, &format!("RAck: {rseq} 1 INVITE\r\n"), "");
    assert_eq!(wire.response().cseq().1, Method::Invite);
    assert_eq!((wire.response().status, wire.response().body.len()), (200, 0), "RFC 3262 §5: not said twice");
    assert!(matches!(wire.told[0], Event::Answered(told, _) if told == leg));
}

#[test]
fn a_reliable_offer_is_answered_in_the_prack() {
    for (answer, status) in [(SDP, 200), ("", 488), ("v=0\r\n", 488)] {
        let mut wire = Wire::new();
        wire.request("INVITE", 1, "Require: 100rel\r\n", "");
        let Some(Event::Incoming { leg, session: None, .. }) = wire.told.first().cloned() else { panic!() };
        // RFC 3262 §5: the first reliable response would have to offer, and there is nothing to offer yet.
        wire.command(Command::Ringing(leg));
        assert!(wire.sent.is_empty());
        wire.command(Command::Progress(leg, media(2)));
        assert!(text(&wire.response().body).contains("a=sendrecv"));
        wire.tag = wire.response().to().tag().expect("a tag").to_owned();
        let rseq = wire.response().headers.first("RSeq").expect("RSeq").to_owned();
        wire.request("PRACK", 2, &format!("RAck: {rseq} 1 INVITE\r\n"), answer);
        assert_eq!(wire.sent.iter().find_map(|(_, m)| self::status(m)), Some(status));
        if status != 200 {
            assert_eq!(wire.told, [Event::Ended(leg, Cause::NotAcceptable)]);
            continue;
        }
        assert_eq!(wire.session().remote.port(), 4000);
        wire.command(Command::Answer(leg, media(2)));
        assert_eq!((wire.response().status, wire.response().body.len()), (200, 0));
        assert!(matches!(wire.told[0], Event::Answered(told, _) if told == leg));
        wire.request("ACK", 1, "", "");
        assert!(wire.told.is_empty(), "the ACK owes nothing");
    }
}

#[test]
fn without_any_prack_the_invite_is_refused() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "Require: 100rel\r\n", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Ringing(leg));
    let mut copies = 0;
    for _ in 0..64 {
        wire.wait(Duration::from_millis(500));
        if wire.told.is_empty() {
            copies += wire.sent.len();
            continue;
        }
        assert_eq!(wire.told, [Event::Ended(leg, Cause::Status(504))]);
        assert_eq!((wire.response().status, copies), (504, 6), "0.5, 1, 2, 4, 8 and 16 s");
        return;
    }
    panic!("it was never given up");
}

#[test]
fn nobody_else_gets_reliable_responses() {
    for head in ["", "Supported: 100rel\r\n"] {
        let mut wire = Wire::new();
        wire.request("INVITE", 1, head, SDP);
        let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
        wire.command(Command::Progress(leg, media(2)));
        assert_eq!((wire.response().status, wire.response().headers.first("RSeq")), (183, None));
    }
}

#[test]
fn an_update_before_the_answer_is_taken_once_all_is_settled() {
    // As caller: only after an answer that came reliably, RFC 3311 §5.1.
    for (early, status) in [(&REL[..], 200), (&[][..], 491)] {
        let (mut wire, leg, invite) = Wire::outgoing();
        wire.reply(&invite, 183, "p", early, SDP);
        let (call_id, tag) = (invite.call_id().to_owned(), invite.from().tag().expect("ours").to_owned());
        let body = SDP.replace("4000", "4400");
        let update = format!(
            "UPDATE sip:100@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKu;rport\r\n\
             From: <sip:100@10.0.0.1>;tag=p\r\nTo: <sip:1@10.0.0.2>;tag={tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: 1 UPDATE\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        wire.bytes(update.as_bytes());
        assert_eq!(wire.response().status, status);
        if status == 200 {
            assert!(
                matches!(wire.told[0], Event::Changed(told, s) if told == leg && s.remote.port() == 4400)
            );
        }
    }
    // As callee.
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "Require: 100rel\r\n", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Progress(leg, media(2)));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    let rseq = wire.response().headers.first("RSeq").expect("RSeq").to_owned();
    wire.request("UPDATE", 2, "", &sdp("sendonly"));
    assert_eq!((wire.response().status, wire.response().headers.first("Retry-After")), (500, Some("3")));
    wire.request("PRACK", 3, &format!("RAck: {rseq} 1 INVITE\r\n"), "");
    wire.request("UPDATE", 4, "", &sdp("sendonly"));
    assert!(text(&wire.response().body).contains("a=recvonly"));
    assert!(!wire.session().send);
}

#[test]
fn a_prack_out_of_place_is_refused() {
    let (mut wire, _) = Wire::incoming("");
    wire.request("PRACK", 2, "RAck: 1 1 INVITE\r\n", "");
    assert_eq!(wire.response().status, 481);
    wire.tag.clear();
    wire.request("PRACK", 3, "RAck: 1 1 INVITE\r\n", "");
    assert_eq!(wire.response().status, 481);
    assert!(!wire.told.contains(&Event::Discarded(Discard::Stranger)));
}

#[test]
fn an_early_answer_stands_if_the_200_has_none() {
    let (mut wire, leg, invite) = Wire::outgoing();
    wire.reply(&invite, 183, "a", &[], SDP);
    let early = wire.session();
    wire.reply(&invite, 200, "a", &[], "");
    assert_eq!(wire.told, [Event::Answered(leg, early)]);
}

#[test]
fn a_hold_before_the_answer_is_refused_for_a_while() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Ringing(leg));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    for (method, seq) in [("INVITE", 2), ("UPDATE", 3)] {
        wire.request(method, seq, "", &sdp("sendonly"));
        assert_eq!((wire.response().status, wire.response().headers.first("Retry-After")), (500, Some("3")));
    }
}
