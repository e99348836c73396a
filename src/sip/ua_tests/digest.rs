//! Challenges and credentials, each way, against a peer that writes its messages by hand.

use super::wire::{SDP, Wire};
use super::*;
use crate::sip::message::{Method, Request};
use crate::sip::{Cause, Discard, auth};

/// A box whose trunk registers, with a call under way to it.
fn outgoing() -> (Wire, LegId, Request) {
    let mut wire = Wire::new();
    wire.ua = agent(2, 5, vec![(TRUNK, Side::Trunk, upstream(1, "house", "trunk pass"))]).1;
    let (leg, invite) = wire.call(caller("", "1"));
    (wire, leg, invite)
}

fn challenge(nonce: &str) -> String {
    format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"")
}

/// Challenges a request and takes the one that answers.
fn challenged(wire: &mut Wire, request: &Request, nonce: &str) -> Request {
    wire.reply(request, 407, "a", &[("Proxy-Authenticate", &challenge(nonce))], "");
    let (_, again) = wire.requests().pop().expect("an answer");
    assert_eq!(again.method, request.method, "{:?}", wire.sent);
    assert!(again.headers.first("Proxy-Authorization").is_some_and(|value| value.contains(nonce)));
    assert_eq!((again.call_id(), again.cseq().0), (request.call_id(), request.cseq().0 + 1));
    assert_ne!(again.via().branch(), request.via().branch());
    assert_eq!(again.from(), request.from());
    again
}

#[test]
fn every_request_of_a_call_may_be_challenged() {
    let (mut wire, leg, invite) = outgoing();
    let invite = challenged(&mut wire, &invite, "n1");
    wire.reply(&invite, 200, "a", &[("Session-Expires", "200;refresher=uac")], SDP);
    let ack = wire.one();
    // RFC 3261 §22.1: nobody can challenge an ACK.
    assert_eq!(ack.headers.first("Proxy-Authorization"), invite.headers.first("Proxy-Authorization"));
    assert_eq!((ack.method.clone(), ack.cseq().0), (Method::Ack, invite.cseq().0));
    wire.wait(Duration::from_secs(100));
    let refresh = wire.one();
    let refresh = challenged(&mut wire, &refresh, "n2");
    wire.reply(&refresh, 200, "a", &[("Session-Expires", "200;refresher=uac")], SDP);
    wire.command(Command::Hangup(leg, Cause::Normal));
    let bye = wire.one();
    assert_eq!(bye.cseq().0, refresh.cseq().0 + 1);
    let bye = challenged(&mut wire, &bye, "n3");
    wire.reply(&bye, 200, "a", &[], "");
    wire.wait(Duration::from_secs(32));
    assert_eq!(wire.ua.deadline(), None);
}

#[test]
fn a_fresh_nonce_is_answered_once_more_and_an_old_one_never() {
    let cases: [(&[&str], usize); 4] =
        [(&["a"], 1), (&["a", "a"], 1), (&["a", "b"], 2), (&["a", "b", "c", "d"], 2)];
    for (nonces, tries) in cases {
        let (mut wire, leg, mut invite) = outgoing();
        let mut answered = 0;
        for nonce in nonces {
            wire.reply(&invite, 407, "a", &[("Proxy-Authenticate", &challenge(nonce))], "");
            match wire.requests().pop() {
                Some((_, again)) if again.method == Method::Invite => {
                    (answered, invite) = (answered + 1, again)
                }
                _ => {
                    assert_eq!(wire.told, [Event::Ended(leg, Cause::Unauthorized)]);
                    break;
                }
            }
        }
        assert_eq!(answered, tries, "{nonces:?}");
    }
}

#[test]
fn a_call_given_up_before_the_challenge_is_not_tried_again() {
    let (mut wire, leg, invite) = outgoing();
    wire.command(Command::Hangup(leg, Cause::Normal));
    wire.reply(&invite, 407, "a", &[("Proxy-Authenticate", &challenge("n"))], "");
    assert_eq!(wire.one().method, Method::Ack);
}

/// A REGISTER of the phone at the box, challenged and sent again with credentials.
fn register(wire: &mut Wire, seq: u32, head: &str, password: &str) -> u16 {
    wire.from = addr(3);
    let from = "From: <sip:phone@10.0.0.2>;tag=x\r\n";
    let send = |wire: &mut Wire, seq: u32, credentials: &str| {
        let text = format!(
            "REGISTER sip:10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKr{seq}\r\n{from}\
             To: <sip:phone@10.0.0.2>\r\nCall-ID: r\r\nCSeq: {seq} REGISTER\r\n{head}{credentials}Content-Length: 0\r\n\r\n"
        );
        wire.bytes(text.as_bytes());
    };
    send(wire, seq, "");
    assert_eq!(wire.response().status, 401);
    let asked = wire.response().headers.first("WWW-Authenticate").expect("a challenge").to_owned();
    let answer = auth::answer(
        &[&asked],
        "phone",
        password,
        auth::Asked::bare(&Method::Register, "sip:10.0.0.2"),
        1,
        "c",
    )
    .expect("an answer");
    send(wire, seq + 1, &format!("Authorization: {answer}\r\n"));
    wire.response().status
}

#[test]
fn credentials_that_were_overheard_are_of_no_use_elsewhere() {
    let mut wire = Wire::new();
    let send = |wire: &mut Wire, host: u8, seq: u32, credentials: &str| {
        wire.from = addr(host);
        let text = format!(
            "REGISTER sip:10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.{host};branch=z9hG4bKo{seq}\r\n\
             From: <sip:phone@10.0.0.2>;tag=x\r\nTo: <sip:phone@10.0.0.2>\r\nCall-ID: o\r\nCSeq: {seq} REGISTER\r\n\
             Contact: <sip:phone@10.0.0.{host}>\r\n{credentials}Content-Length: 0\r\n\r\n"
        );
        wire.bytes(text.as_bytes());
        wire.response().status
    };
    assert_eq!(send(&mut wire, 3, 1, ""), 401);
    let asked = wire.response().headers.first("WWW-Authenticate").expect("a challenge").to_owned();
    let request = auth::Asked::bare(&Method::Register, "sip:10.0.0.2");
    let answer = auth::answer(&[&asked], "phone", "phone pass", request, 1, "c").expect("an answer");
    let credentials = format!("Authorization: {answer}\r\n");
    assert_eq!(send(&mut wire, 3, 2, &credentials), 200);
    assert_eq!(send(&mut wire, 66, 3, &credentials), 401);
    assert!(
        wire.response().headers.first("WWW-Authenticate").is_some_and(|again| again.contains("stale=true"))
    );
    // A device may repeat its own, as ever.
    assert_eq!(send(&mut wire, 3, 4, &credentials), 200);
}

#[test]
fn the_registrar_keeps_one_contact_per_phone() {
    let mut wire = Wire::new();
    let contact = |wire: &Wire| wire.response().headers.first("Contact").map(str::to_owned);
    let steps: [(u32, &str, u16, Option<&str>); 9] = [
        (10, "", 200, None),
        (20, "Contact: <sip:phone@10.0.0.3>\r\nExpires: 30\r\n", 423, None),
        (
            30,
            "Contact: <sip:phone@10.0.0.3>\r\nExpires: 7200\r\n",
            200,
            Some("<sip:phone@10.0.0.3>;expires=3600"),
        ),
        (40, "", 200, Some("<sip:phone@10.0.0.3>;expires=3600")),
        // Overtaken by the one before.
        (25, "Contact: *\r\nExpires: 0\r\n", 500, None),
        (
            50,
            "Contact: <sip:phone@10.0.0.3:6060>;expires=120\r\n",
            200,
            Some("<sip:phone@10.0.0.3:6060>;expires=120"),
        ),
        (
            60,
            "Contact: <sip:other@10.0.0.3>\r\nExpires: 0\r\n",
            200,
            Some("<sip:phone@10.0.0.3:6060>;expires=120"),
        ),
        (70, "Contact: *\r\nExpires: 9\r\n", 400, None),
        (80, "Contact: *\r\nExpires: 0\r\n", 200, None),
    ];
    for (seq, head, status, listed) in steps {
        assert_eq!(register(&mut wire, seq, head, "phone pass"), status, "{head}");
        assert_eq!(contact(&wire).as_deref(), listed, "{head}");
    }
    assert_eq!(wire.told, [Event::PhoneGone(HANDSET)]);
    assert_eq!(register(&mut wire, 90, "Contact: <sip:phone@10.0.0.3>\r\n", "guess"), 401);
    assert!(wire.ua.bindings.is_empty());
}

#[test]
fn a_phone_beside_a_static_peer_is_challenged_by_its_name() {
    let mut wire = Wire::new();
    let invite = |name: &str| {
        format!(
            "INVITE sip:1@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:6000;branch=z9hG4bK{name}\r\n\
             From: <sip:{name}@10.0.0.2>;tag=1\r\nTo: <sip:1@10.0.0.2>\r\nCall-ID: {name}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:{name}@10.0.0.1:6000>\r\nContent-Length: 0\r\n\r\n"
        )
    };
    // The very address of the static peer, then another port of its host.
    for (port, name, status) in [(5060, "phone", 100), (6000, "phone", 401), (6000, "peer", 100)] {
        wire.from = SocketAddr::from(([10, 0, 0, 1], port));
        wire.bytes(
            invite(name)
                .replace("z9hG4bK", &format!("z9hG4bK{port}"))
                .replace("Call-ID: ", &format!("Call-ID: {port}"))
                .as_bytes(),
        );
        assert_eq!(wire.response().status, status, "{name} from port {port}");
    }
}

#[test]
fn a_provider_may_grant_less_ask_for_more_or_be_busy() {
    let mut wire = Wire::new();
    wire.ua = agent(2, 5, vec![(TRUNK, Side::Trunk, upstream(1, "house", "trunk pass"))]).1;
    wire.command(Command::Register(TRUNK));
    let first = wire.one();
    assert_eq!(
        (first.uri.to_string().as_str(), first.headers.first("Expires")),
        ("sip:sip.example", Some("600"))
    );
    wire.reply(&first, 423, "a", &[("Min-Expires", "900")], "");
    let second = wire.one();
    assert_eq!(second.headers.first("Expires"), Some("900"));
    // Refused with a time: that time counts.
    wire.reply(&second, 503, "a", &[("Retry-After", "120 (later)")], "");
    let at = wire.now + Duration::from_secs(120);
    assert_eq!(wire.told, [Event::RegisterFailed(TRUNK, Cause::Unavailable, at)]);
    wire.wait(Duration::from_secs(120));
    let third = wire.one();
    let mine = third.headers.first("Contact").expect("a contact").replace("900", "100");
    let mut response = third.respond(200, "OK");
    response.headers.push("Contact", format!("<sip:house@10.9.9.9>;expires=3000, {mine}"));
    response.headers.push("Expires", "900");
    wire.bytes(&response.emit());
    assert_eq!(wire.told.last(), Some(&Event::Registered(TRUNK, wire.now + Duration::from_secs(100))));
    wire.wait(Duration::from_secs(84));
    assert!(wire.requests().is_empty());
    wire.wait(Duration::from_secs(1));
    let fourth = wire.one();
    assert_eq!((fourth.call_id(), fourth.method.clone()), (first.call_id(), Method::Register));
    wire.reply(&fourth, 403, "a", &[], "");
    // It is left in peace: neither keep-alive nor REGISTER for a quarter of an hour.
    let Some(Event::RegisterFailed(_, Cause::Rejected, again)) = wire.told.first().cloned() else {
        panic!("{:?}", wire.told)
    };
    assert!((900..=1020).contains(&again.since(wire.now).as_secs()), "{again:?}");
    wire.wait(Duration::from_secs(899));
    assert!(wire.requests().is_empty());
    wire.wait(Duration::from_secs(121));
    assert_eq!(wire.one().method, Method::Register);
}

#[test]
fn an_ordinary_day_discards_nothing() {
    let mut net = Net::registered(1);
    for (from, account, to) in [(BOX, TRUNK, PROVIDER), (PHONE, AT_BOX, BOX)] {
        let (out, _) = net.up(from, account, to);
        net.command(from, Command::Hangup(out, Cause::Normal));
    }
    net.run(Duration::from_secs(60));
    for told in &net.told {
        assert!(!told.iter().any(|event| matches!(event, Event::Discarded(_))), "{net}");
    }
    net.deliver(addr(1), BOX, b"ACK sip:x@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n");
    net.expect(BOX, &Event::Discarded(Discard::StrayAck));
}
