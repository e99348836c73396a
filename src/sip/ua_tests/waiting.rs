//! Message waiting, RFC 3842 over RFC 6665: unasked, and as a phone subscribes to it.

use super::wire::{Wire, text};
use super::*;
use crate::sip::auth;
use crate::sip::message::{Message, Method, Request};

/// A phone that is registered, with whatever waits for it.
fn registered(net_seed: u64) -> Net {
    Net::registered(net_seed)
}

fn notifies(net: &Net) -> Vec<String> {
    net.posted.iter().map(|bytes| text(bytes)).filter(|text| text.starts_with("NOTIFY ")).collect()
}

#[test]
fn a_phone_is_told_unasked_and_once() {
    let mut net = registered(60);
    for count in [2, 2, 0] {
        net.command(BOX, Command::Waiting(HANDSET, count));
        net.run(Duration::from_millis(100));
    }
    let told = notifies(&net);
    assert_eq!(told.len(), 2, "the same count is no news: {net}");
    assert!(told[0].starts_with("NOTIFY sip:phone@10.0.0.3"), "to its Contact: {}", told[0]);
    assert!(
        told[0].contains("Event: message-summary\r\n") && told[0].contains("Subscription-State: terminated")
    );
    assert!(told[0].ends_with(
        "Messages-Waiting: yes\r\nMessage-Account: sip:phone@10.0.0.2:5060\r\nVoice-Message: 2/0\r\n"
    ));
    assert!(told[1].contains("Messages-Waiting: no\r\n") && told[1].contains("Voice-Message: 0/0\r\n"));
    net.run(Duration::from_secs(40));
    assert_eq!(notifies(&net).len(), 2, "whatever the phone answers");
}

#[test]
fn a_phone_that_comes_up_is_reminded() {
    let mut net = Net::new(61);
    net.command(BOX, Command::Waiting(HANDSET, 1));
    assert!(notifies(&net).is_empty(), "nobody there to tell");
    net.command(PHONE, Command::Register(AT_BOX));
    net.run(Duration::from_secs(1));
    assert_eq!(notifies(&net).len(), 1, "{net}");
    net.run(Duration::from_secs(1200));
    assert_eq!(notifies(&net).len(), 1, "a refresh is no coming up: {net}");
}

/// A SUBSCRIBE of the phone, with credentials once it has been challenged.
fn subscribe(wire: &mut Wire, seq: u32, tag: &str, head: &str, password: &str) -> u16 {
    let phone = SocketAddr::from(([10, 0, 0, 3], 5060));
    let send = |wire: &mut Wire, credentials: &str, nth: u32| {
        let text = format!(
            "SUBSCRIBE sip:phone@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKs{seq}x{nth}\r\n\
             From: <sip:phone@10.0.0.2>;tag=p\r\nTo: <sip:phone@10.0.0.2>{tag}\r\nCall-ID: s\r\n\
             CSeq: {} SUBSCRIBE\r\nContact: <sip:phone@10.0.0.3:5062>\r\n{head}{credentials}Content-Length: 0\r\n\r\n",
            seq + nth
        );
        wire.from = phone;
        wire.bytes(text.as_bytes());
    };
    send(wire, "", 0);
    let Some((_, Message::Response(first))) = wire.sent.first().cloned() else { panic!("{:?}", wire.sent) };
    let Some(asked) = first.headers.first("WWW-Authenticate") else { return first.status };
    let line = auth::answer(
        &[asked],
        "phone",
        password,
        auth::Asked::bare(&Method::Subscribe, "sip:phone@10.0.0.2"),
        1,
        "c",
    );
    send(wire, &format!("Authorization: {}\r\n", line.expect("an answer")), 1);
    match wire.sent.first() {
        Some((_, Message::Response(response))) => response.status,
        other => panic!("{other:?}"),
    }
}

/// The NOTIFY that follows a SUBSCRIBE, answered.
fn notified(wire: &mut Wire) -> Request {
    let notify = wire.one();
    assert_eq!(notify.method, Method::Notify);
    wire.reply(&notify, 200, "p", &[], "");
    notify
}

const EVENT: &str = "Event: message-summary\r\nExpires: 600\r\n";

#[test]
fn a_subscription_is_granted_told_refreshed_and_ended() {
    let mut wire = Wire::new();
    wire.command(Command::Waiting(HANDSET, 3));
    assert_eq!(subscribe(&mut wire, 1, "", EVENT, "phone pass"), 200);
    let Some((_, Message::Response(ok))) = wire.sent.first().cloned() else { panic!() };
    assert_eq!(ok.headers.first("Expires"), Some("600"));
    let tag = format!(";tag={}", ok.to().tag().expect("a dialog"));
    let first = notified(&mut wire);
    assert_eq!(first.uri.to_string(), "sip:phone@10.0.0.3:5062");
    assert_eq!(first.headers.first("Subscription-State"), Some("active;expires=600"));
    assert!(text(&first.body).contains("Voice-Message: 3/0"));
    // News within the dialog.
    wire.wait(Duration::from_secs(100));
    wire.command(Command::Waiting(HANDSET, 4));
    let second = notified(&mut wire);
    assert_eq!((second.call_id(), second.cseq().0), (first.call_id(), first.cseq().0 + 1));
    assert_eq!(second.headers.first("Subscription-State"), Some("active;expires=500"));
    // Renewed, and then not.
    assert_eq!(subscribe(&mut wire, 10, &tag, EVENT, ""), 200);
    notified(&mut wire);
    wire.wait(Duration::from_secs(599));
    assert!(wire.sent.is_empty());
    wire.wait(Duration::from_secs(1));
    assert_eq!(notified(&mut wire).headers.first("Subscription-State"), Some("terminated;reason=timeout"));
    assert_eq!(subscribe(&mut wire, 20, &tag, EVENT, ""), 481);
    assert!(wire.ua.subscriptions.is_empty());
}

#[test]
fn a_subscription_may_be_given_up_and_forgotten() {
    let mut wire = Wire::new();
    assert_eq!(subscribe(&mut wire, 1, "", EVENT, "phone pass"), 200);
    let Some((_, Message::Response(ok))) = wire.sent.first().cloned() else { panic!() };
    let tag = format!(";tag={}", ok.to().tag().expect("a dialog"));
    notified(&mut wire);
    assert_eq!(subscribe(&mut wire, 10, &tag, "Event: message-summary\r\nExpires: 0\r\n", ""), 200);
    assert_eq!(notified(&mut wire).headers.first("Subscription-State"), Some("terminated;reason=timeout"));
    // RFC 6665 §4.2.2: a phone that was restarted does not know its subscription any more.
    assert_eq!(subscribe(&mut wire, 20, "", EVENT, "phone pass"), 200);
    let notify = wire.one();
    wire.reply(&notify, 481, "p", &[], "");
    assert!(wire.ua.subscriptions.is_empty());
    wire.wait(Duration::from_secs(40));
    assert_eq!(wire.ua.deadline(), None);
}

#[test]
fn who_may_not_subscribe_and_to_what() {
    let cases = [
        ("Event: presence\r\n", "phone pass", 489),
        ("", "phone pass", 489),
        ("Event: message-summary\r\nExpires: 5\r\n", "phone pass", 423),
        ("Event: message-summary\r\nRequire: magic\r\n", "phone pass", 420),
        (EVENT, "guess", 401),
        ("Event: message-summary;id=1\r\n", "phone pass", 200),
    ];
    for (head, password, status) in cases {
        let mut wire = Wire::new();
        assert_eq!(subscribe(&mut wire, 1, "", head, password), status, "{head}");
        assert_eq!(wire.ua.subscriptions.len(), usize::from(status == 200));
    }
    // A provider has no lamp.
    let mut wire = Wire::new();
    wire.request("SUBSCRIBE", 1, EVENT, "");
    assert_eq!(wire.response().status, 489);
    assert_eq!(wire.response().headers.first("Allow-Events"), Some("message-summary"));
}
