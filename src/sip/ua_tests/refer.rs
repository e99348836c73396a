//! REFER, RFC 3515: who asks, who is told, and when nobody answers; Replaces within it, RFC 3891.

use super::super::{Cause, Progress};
use super::wire::Wire;
use super::*;
use crate::sip::message::Method;

const TAKES: &str = "Allow: INVITE, ACK, BYE, REFER\r\n";

/// Its peer is asked for a transfer, and is to be told of it.
fn asked(net: &mut Net, who: usize) -> (LegId, String, Option<LegId>, String) {
    net.until(who, |event| match event {
        Event::Refer { leg, to, replaces, by } => Some((*leg, to.clone(), *replaces, by.clone())),
        _ => None,
    })
}

#[test]
fn a_transfer_is_asked_for_and_told_of_to_its_end() {
    for (end, wanted) in [
        (Progress::Done, Progress::Done),
        (Progress::Failed(Cause::Busy), Progress::Failed(Cause::Busy)),
        // Refused at once, which is no subscription.
        (Progress::Failed(Cause::Rejected), Progress::Failed(Cause::Rejected)),
    ] {
        let mut net = Net::registered(70);
        let (out, into) = net.up(BOX, TRUNK, PROVIDER);
        net.command(BOX, Command::Refer(out, "300".into(), None));
        let (leg, to, replaces, by) = asked(&mut net, PROVIDER);
        assert_eq!((leg, to.as_str(), replaces, by.as_str()), (into, "300", None, "house"), "{net}");
        assert!(net.count("SIP/2.0 401") > 0, "who asks for calls proves who he is: {net}");
        if end != Progress::Failed(Cause::Rejected) {
            for progress in [Progress::Trying, Progress::Ringing] {
                net.command(PROVIDER, Command::Report(into, progress));
                net.expect(BOX, &Event::Referred(out, progress));
            }
        }
        net.command(PROVIDER, Command::Report(into, end));
        net.expect(BOX, &Event::Referred(out, wanted));
        net.command(PROVIDER, Command::Report(into, Progress::Done));
        net.run(Duration::from_secs(1));
        assert_eq!(net.count("BYE "), 0, "the call itself stays: {net}");
        net.command(BOX, Command::Hangup(out, Cause::Normal));
        net.run(Duration::from_secs(70));
        net.assert_idle();
        assert!(net.uas.iter().all(|(_, ua)| ua.referrals.is_empty()));
    }
}

#[test]
fn a_transfer_outlives_the_call_that_asked_for_it() {
    let mut net = Net::registered(71);
    let (out, into) = net.up(PHONE, AT_BOX, BOX);
    net.command(PHONE, Command::Refer(out, "300".into(), None));
    asked(&mut net, BOX);
    net.command(BOX, Command::Report(into, Progress::Trying));
    net.expect(PHONE, &Event::Referred(out, Progress::Trying));
    net.command(PHONE, Command::Hangup(out, Cause::Normal));
    net.expect(BOX, &Event::Ended(into, Cause::Normal));
    let before = net.count("NOTIFY ");
    net.command(BOX, Command::Report(into, Progress::Ringing));
    net.run(Duration::from_secs(1));
    assert!(net.count("NOTIFY ") > before, "{net}");
    // The phone has forgotten it, and says so: RFC 6665 §4.2.2.
    assert!(net.uas[BOX].1.referrals.is_empty(), "{net}");
    net.command(BOX, Command::Report(into, Progress::Done));
    net.run(Duration::from_secs(70));
    net.assert_idle();
}

#[test]
fn a_transfer_to_another_call_names_it() {
    let mut net = Net::registered(72);
    let (first, at_first) = net.up(PHONE, AT_BOX, BOX);
    let (second, at_second) = net.up(PHONE, AT_BOX, BOX);
    net.command(PHONE, Command::Refer(first, String::new(), Some(second)));
    let (leg, _, replaces, _) = asked(&mut net, BOX);
    assert_eq!((leg, replaces), (at_first, Some(at_second)), "{net}");
    net.command(BOX, Command::Report(leg, Progress::Done));
    net.expect(PHONE, &Event::Referred(first, Progress::Done));
    // One that has ended cannot be named, and a provider's call is not a phone's to name.
    net.command(PHONE, Command::Hangup(second, Cause::Normal));
    net.run(Duration::from_secs(1));
    net.command(PHONE, Command::Refer(first, String::new(), Some(second)));
    net.expect(PHONE, &Event::Referred(first, Progress::Failed(Cause::Status(405))));
}

#[test]
fn whoever_is_never_told_gives_up() {
    let mut net = Net::registered(73);
    let (out, into) = net.up(PHONE, AT_BOX, BOX);
    net.command(PHONE, Command::Refer(out, "300".into(), None));
    asked(&mut net, BOX);
    net.command(BOX, Command::Report(into, Progress::Trying));
    net.run(Duration::from_secs(200));
    let last: Vec<&Event> =
        net.told[PHONE].iter().filter(|event| matches!(event, Event::Referred(..))).collect();
    assert_eq!(last.len(), 2, "{net}");
    assert!(matches!(last[1], Event::Referred(_, Progress::Failed(_))), "{net}");
    assert!(net.uas.iter().all(|(_, ua)| ua.referrals.is_empty()), "{net}");
}

/// A call up whose peer takes REFER, and our REFER on its way.
fn referring() -> (Wire, LegId, crate::sip::message::Request) {
    let (mut wire, leg) = Wire::incoming(TAKES);
    wire.command(Command::Refer(leg, "300".into(), None));
    let refer = wire.one();
    assert_eq!(refer.method, Method::Refer);
    assert_eq!(refer.headers.first("Refer-To"), Some("<sip:300@10.0.0.1:5060>"));
    assert_eq!(refer.headers.first("Referred-By"), Some("<sip:100@10.0.0.2>"));
    (wire, leg, refer)
}

#[test]
fn what_a_peer_answers_to_our_refer() {
    let failed = |cause| Some(Progress::Failed(cause));
    let cases = [
        (202, "true", None),
        (200, "true", None),
        (202, "false", Some(Progress::Done)),
        (603, "true", failed(Cause::Rejected)),
        (405, "true", failed(Cause::Status(405))),
        (503, "true", failed(Cause::Unavailable)),
    ];
    for (status, told_of, wanted) in cases {
        let (mut wire, leg, refer) = referring();
        wire.reply(&refer, status, "p", &[("Refer-Sub", told_of)], "");
        let told = wanted.map(|progress| Event::Referred(leg, progress));
        assert_eq!(wire.told, told.into_iter().collect::<Vec<_>>(), "{status}");
    }
    let (mut wire, leg, refer) = referring();
    wire.reply(&refer, 481, "p", &[], "");
    let failed = Event::Referred(leg, Progress::Failed(Cause::Status(481)));
    assert_eq!(wire.told, [failed, Event::Ended(leg, Cause::Normal)], "the peer has no such call");
    // No answer, no NOTIFY.
    let (mut wire, leg, _) = referring();
    wire.wait(Duration::from_secs(33));
    assert_eq!(wire.told, [Event::Referred(leg, Progress::Failed(Cause::Timeout))]);
    let (mut wire, leg, refer) = referring();
    wire.reply(&refer, 202, "p", &[], "");
    wire.wait(Duration::from_secs(181));
    assert_eq!(wire.told, [Event::Referred(leg, Progress::Failed(Cause::Timeout))]);
}

#[test]
fn a_peer_that_does_not_take_refer_is_not_asked() {
    for head in ["", "Allow: INVITE, ACK, BYE\r\n"] {
        let (mut wire, leg) = Wire::incoming(head);
        wire.command(Command::Refer(leg, "300".into(), None));
        assert!(wire.sent.is_empty());
        assert_eq!(wire.told, [Event::Referred(leg, Progress::Failed(Cause::Status(405)))]);
    }
    // One thing at a time, and nothing for a leg that is gone.
    let (mut wire, leg, _) = referring();
    wire.command(Command::Refer(leg, "301".into(), None));
    assert!(wire.sent.is_empty() && wire.told.len() == 1);
    wire.command(Command::Refer(LegId::outgoing(9), "301".into(), None));
    assert!(wire.sent.is_empty() && wire.told.is_empty());
}

#[test]
fn what_a_notify_says() {
    let said = |progress| Some(progress);
    let failed = |cause| Some(Progress::Failed(cause));
    let cases = [
        ("refer", "active;expires=60", "SIP/2.0 100 Trying\r\n", 200, said(Progress::Trying)),
        ("refer;id=1", "active", "SIP/2.0 180 Ringing", 200, said(Progress::Ringing)),
        ("Refer", "terminated;reason=noresource", "SIP/2.0 200 OK\r\n", 200, said(Progress::Done)),
        ("refer", "active;expires=1", "SIP/2.0 200 OK\r\nTo: x\r\n", 200, said(Progress::Done)),
        ("refer", "terminated", "SIP/2.0 486 Busy Here\r\n", 200, failed(Cause::Busy)),
        ("refer", "terminated;reason=timeout", "SIP/2.0 180 Ringing\r\n", 200, failed(Cause::NoAnswer)),
        ("refer", "terminated", "hello", 200, failed(Cause::NoAnswer)),
        ("refer", "active", "hello", 200, None),
        ("refer", "active", "SIP/2.0 9999 x", 200, None),
        ("dialog", "active", "SIP/2.0 200 OK\r\n", 481, None),
    ];
    for (event, state, body, status, wanted) in cases {
        let (mut wire, leg, refer) = referring();
        wire.reply(&refer, 202, "p", &[], "");
        let head = format!(
            "Event: {event}\r\nSubscription-State: {state}\r\nContent-Type: message/sipfrag;version=2.0\r\n"
        );
        wire.request("NOTIFY", 5, &head, body);
        assert_eq!(wire.response().status, status, "{event} {state} {body}");
        let told = wanted.map(|progress| Event::Referred(leg, progress));
        assert_eq!(wire.told, told.into_iter().collect::<Vec<_>>(), "{event} {state} {body}");
        if wanted.is_some_and(Progress::is_final) {
            wire.request("NOTIFY", 6, &head, body);
            assert_eq!(wire.response().status, 481, "nothing follows the end");
        }
    }
}

#[test]
fn a_peer_may_ask_again_how_it_goes_or_want_to_hear_no_more() {
    let (mut wire, leg) = Wire::incoming("");
    wire.request("REFER", 5, "Refer-To: <sip:1@10.0.0.2>\r\n", "");
    assert!(matches!(&wire.told[..], [Event::Refer { .. }]), "{:?}", wire.told);
    wire.command(Command::Report(leg, Progress::Ringing));
    let (status, notify) = (&wire.sent[0].1, wire.requests()[0].1.clone());
    assert!(matches!(status, super::super::message::Message::Response(r) if r.status == 202), "{status:?}");
    wire.reply(&notify, 200, "p", &[], "");
    wire.now += Duration::from_secs(30);
    wire.request("SUBSCRIBE", 6, "Event: refer;id=5\r\nExpires: 60\r\n", "");
    let again = wire.one();
    assert_eq!(again.headers.first("Subscription-State"), Some("active;expires=150"));
    assert_eq!(again.body, b"SIP/2.0 180 Ringing\r\n");
    wire.request("SUBSCRIBE", 7, "Event: refer;id=5\r\nExpires: 0\r\n", "");
    assert_eq!(wire.one().headers.first("Subscription-State"), Some("terminated;reason=timeout"));
    assert!(wire.ua.referrals.is_empty());
    wire.command(Command::Report(leg, Progress::Done));
    assert!(wire.sent.is_empty(), "it wanted to hear no more");
    wire.request("SUBSCRIBE", 8, "Event: refer;id=5\r\n", "");
    assert_eq!(wire.response().status, 405);
}

#[test]
fn a_peer_known_by_its_address_asks_from_there_alone() {
    let (mut wire, _) = Wire::incoming("");
    wire.from = addr(66);
    wire.request("REFER", 5, "Refer-To: <sip:1@10.0.0.2>\r\n", "");
    assert_eq!((wire.response().status, wire.told.len()), (403, 0));
    wire.from = addr(1);
    wire.request("REFER", 5, "Refer-To: <sip:1@10.0.0.2>\r\n", "");
    assert!(matches!(&wire.told[..], [Event::Refer { .. }]), "{:?}", wire.told);
}

#[test]
fn who_may_not_ask_yet() {
    // Before the call is up there is nothing to put through.
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", super::wire::SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Ringing(leg));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    wire.request("REFER", 2, "Refer-To: <sip:1@10.0.0.2>\r\n", "");
    assert_eq!((wire.response().status, wire.told.len()), (491, 0));
}
