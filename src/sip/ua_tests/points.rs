//! The fifteen things that naive stacks get wrong, each with a test of its name.
//!
//! | point | test here | more |
//! |---|---|---|
//! | 1 a session-timer re-INVITE is answered, the refresher stays | `point_01_session_timers` | `devices`: the five tests on refreshes |
//! | 2 re-INVITE and hold are answered in the dialog, mirrored | `point_02_holds` | `devices::hold_and_resume…`, `offer::directions…` |
//! | 3 ACK and BYE through the Record-Route set to the Contact | `point_03_routes` | `devices::ack_and_bye_go…`, `a_strict_router…` |
//! | 4 private addresses: learn from received and rport | `point_04_private_addresses` | `devices::a_phone_behind_nat…`, `registration::nat…` |
//! | 5 the digest uri is the Request-URI byte for byte | `point_05_digest_uri` | `auth`: vectors |
//! | 6 a new nonce without stale: once more, no oftener | `point_06_new_nonce` | `digest::a_fresh_nonce…`, `registration::a_wrong_password…` |
//! | 7 devices repeat nonce, cnonce and nc | `point_07_repeated_credentials` | `auth::check` |
//! | 8 a challenged INVITE: same Call-ID, CSeq+1, new branch | `point_08_challenged_invite` | `digest::every_request…` |
//! | 9 From, auth user and Contact user may differ | `point_09_users` | `ladders::a_trunk_asserts…` |
//! | 10 refresh on the granted expiry, 423 | `point_10_granted_expiry` | `digest::a_provider_may_grant…`, `registration` |
//! | 11 digits: one per (timestamp, event) | `rtp::digit`: `point_11_digits…` | `media::tests::keys::keys_are_sent…`: the time goes on |
//! | 12 payload types per direction, INFO as fallback | `point_12_events_and_info` | `offer::payload_types…`, `media::port` |
//! | 13 early media first, PRACK only if required, 180 after 183 | `point_13_early_media` | `reliable`, `ladders::ringing_early…` |
//! | 14 delayed offers; the codec of the answer | `point_14_delayed_offer` | `devices::the_offer_is_ours…`, `reliable::a_reliable_offer…` |
//! | 15 the recorder never blocks, jitter buffers survive | `media::tests::taps`: `point_15_recorder…` | `rtp::jitter::the_buffer_follows…` |

use super::wire::{SDP, Wire, sdp, text};
use super::*;
use crate::sip::Cause;
use crate::sip::message::Method;
use crate::units::Digit;

#[test]
fn point_01_session_timers() {
    // As caller we ask on a trunk, and not on a phone.
    let (mut wire, leg, invite) = Wire::outgoing();
    assert_eq!(invite.headers.first("Session-Expires"), Some("1800"));
    assert_eq!(invite.headers.first("Min-SE"), Some("90"));
    // 422: the same call once more with the longer interval, RFC 4028 §7.3.
    wire.reply(&invite, 422, "a", &[("Min-SE", "3600")], "");
    let again = wire.requests().pop().expect("again").1;
    assert_eq!(again.headers.first("Session-Expires"), Some("3600"));
    assert_eq!(again.headers.first("Min-SE"), Some("3600"));
    assert_eq!((again.call_id(), again.cseq().0), (invite.call_id(), 2));
    assert_ne!(again.via().branch(), invite.via().branch());
    // We refresh as the callee says, and say so each time: the role never flips.
    wire.reply(&again, 200, "a", &[("Session-Expires", "3600;refresher=uac")], SDP);
    assert!(matches!(wire.told[0], Event::Answered(told, _) if told == leg));
    for _ in 0..3 {
        wire.wait(Duration::from_secs(1800));
        let refresh = wire.one();
        assert_eq!(refresh.headers.first("Session-Expires"), Some("3600;refresher=uac"));
        wire.reply(&refresh, 200, "a", &[("Session-Expires", "3600;refresher=uac")], SDP);
    }
    // A hold of ours keeps the timer: without the field it would end, RFC 4028 §7.4.
    wire.command(Command::Hold(leg, true));
    let hold = wire.one();
    assert_eq!(hold.headers.first("Session-Expires"), Some("3600;refresher=uac"));
    wire.reply(&hold, 200, "a", &[("Session-Expires", "3600;refresher=uac")], &sdp("recvonly"));
    wire.wait(Duration::from_secs(1800));
    assert!(text(&wire.one().body).contains("a=sendonly"), "the refresh keeps the hold");
}

#[test]
fn point_01_session_timers_refreshed_by_the_peer() {
    let (mut wire, leg, invite) = Wire::outgoing();
    wire.reply(&invite, 200, "p", &[("Session-Expires", "1800;refresher=uas"), ("Require", "timer")], SDP);
    wire.command(Command::Hold(leg, true));
    let hold = wire.one();
    assert_eq!(
        hold.headers.first("Session-Expires"),
        Some("1800;refresher=uas"),
        "from us the peer is the uas"
    );
    // Refused for good: nothing changes, and above all nobody is hung up for it.
    wire.reply(&hold, 488, "p", &[], "");
    wire.wait(Duration::from_secs(1700));
    assert!(wire.told.is_empty() && wire.requests().is_empty());
    wire.wait(Duration::from_secs(70));
    assert_eq!(wire.told, [Event::Ended(leg, Cause::Timeout)]);
}

#[test]
fn an_interval_that_does_not_grow_is_no_reason_to_try_again() {
    for least in ["1800", "90", "x", ""] {
        let (mut wire, leg, invite) = Wire::outgoing();
        wire.reply(&invite, 422, "a", &[("Min-SE", least)], "");
        assert_eq!(wire.told, [Event::Ended(leg, Cause::Status(422))], "{least}");
    }
    let (mut wire, leg, mut invite) = Wire::outgoing();
    for more in 1..=6 {
        wire.reply(&invite, 422, "a", &[("Min-SE", &(1800 + more).to_string())], "");
        let next = wire.requests().pop().expect("ACK at least").1;
        if next.method == Method::Ack {
            assert_eq!((wire.told.as_slice(), more), (&[Event::Ended(leg, Cause::Status(422))][..], 6));
            return;
        }
        invite = next;
    }
    panic!("it goes on for ever");
}

#[test]
fn glare_is_waited_out_by_whose_the_call_is() {
    // RFC 3261 §14.1: 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other.
    for (outgoing, least, most) in [(true, 2100, 4000), (false, 0, 2000)] {
        let (mut wire, leg) = if outgoing {
            let (mut wire, leg, invite) = Wire::outgoing();
            wire.reply(&invite, 200, "p", &[], SDP);
            (wire, leg)
        } else {
            Wire::incoming("")
        };
        wire.command(Command::Hold(leg, true));
        let hold = wire.one();
        wire.reply(&hold, 491, "p", &[], "");
        let start = wire.now;
        while !wire.requests().iter().any(|(_, r)| r.method == Method::Invite) {
            wire.wait(Duration::from_millis(10));
            assert!(wire.now.since(start) <= Duration::from_millis(most + 10));
        }
        assert!(wire.now.since(start) >= Duration::from_millis(least), "{outgoing}");
        let again = wire.one();
        assert!(text(&again.body).contains("a=sendonly"));
        wire.reply(&again, 200, "p", &[], &sdp("recvonly"));
        assert!(!wire.session().receive);
    }
}

#[test]
fn point_02_holds() {
    let forms = [
        (sdp("sendonly"), "recvonly", true),
        (sdp("inactive"), "inactive", false),
        (SDP.replace("c=IN IP4 10.0.0.1", "c=IN IP4 0.0.0.0"), "recvonly", true),
    ];
    for (offer, direction, receive) in forms {
        let (mut wire, leg) = Wire::incoming("");
        wire.request("INVITE", 2, "", &offer);
        let answered = text(&wire.response().body);
        assert!(answered.contains(&format!("a={direction}\r\n")) && answered.contains("c=IN IP4 10.0.0.2"));
        assert_eq!((wire.session().send, wire.session().receive), (false, receive));
        wire.request("ACK", 2, "", "");
        // A resume without an offer: ours is for everything, the ACK answers, RFC 3264 §8.
        wire.request("INVITE", 3, "", "");
        assert!(text(&wire.response().body).contains("a=sendrecv"));
        wire.request("ACK", 3, "", SDP);
        assert!(matches!(wire.told[0], Event::Changed(told, s) if told == leg && s.send && s.receive));
    }
}

#[test]
fn codecs_may_change_within_a_call() {
    let (mut wire, leg) = Wire::incoming("");
    wire.request("INVITE", 2, "", &SDP.replace("8 101", "0 96").replace("rtpmap:101", "rtpmap:96"));
    let Event::Changed(told, session) = wire.told[0] else { panic!("{:?}", wire.told) };
    assert_eq!((told, session.codec, session.event_type), (leg, Codec::Pcmu, Some(96)));
    let version = |body: &[u8]| text(body).lines().nth(1).map(str::to_owned);
    let first = version(&wire.response().body);
    wire.request("ACK", 2, "", "");
    wire.request("INVITE", 3, "", &SDP.replace("8 101", "9"));
    assert_eq!(wire.response().status, 488, "and what was settled stays");
    wire.request("ACK", 3, "", "");
    wire.request("INVITE", 4, "", SDP);
    assert_ne!(version(&wire.response().body), first);
    assert!(matches!(wire.told[0], Event::Changed(_, s) if s.codec == Codec::Pcma));
}

#[test]
fn point_03_routes() {
    let (mut wire, leg, invite) = Wire::outgoing();
    let routes = [("Record-Route", "<sip:10.0.0.8;lr>"), ("Record-Route", "<sip:10.0.0.9;lr>")];
    wire.reply(&invite, 200, "a", &routes, SDP);
    let ack = wire.one();
    wire.command(Command::Hangup(leg, Cause::Normal));
    for request in [ack, wire.one()] {
        let sent: Vec<&str> = request.headers.all("Route").collect();
        assert_eq!(sent, ["<sip:10.0.0.9;lr>", "<sip:10.0.0.8;lr>"], "{:?}", request.method);
        assert_eq!(request.uri.to_string(), "sip:a@10.0.0.1:5070", "the Contact");
    }
    assert_eq!(wire.requests()[0].0.ip(), addr(9).ip(), "the nearest hop first");
}

#[test]
fn point_04_private_addresses() {
    // The request says 10.0.0.1 and comes from elsewhere: the answer goes to where it came from.
    let mut wire = Wire::new();
    wire.from = SocketAddr::from(([10, 0, 0, 1], 40_000));
    wire.request("OPTIONS", 1, "", "");
    assert_eq!(wire.sent[0].0, wire.from);
    let via = wire.response().via();
    assert_eq!((via.rport(), via.received()), (Some(40_000), Some(wire.from.ip())));
}

#[test]
fn point_05_digest_uri() {
    let mut net = Net::registered(50);
    let number = "00 49#1";
    net.call(BOX, TRUNK, number, caller("", ""));
    net.run(Duration::from_secs(1));
    let challenged =
        net.posted.iter().map(|bytes| text(bytes)).rfind(|t| t.contains("Authorization: Digest"));
    let challenged = challenged.expect("credentials");
    let asked = challenged.split(' ').nth(1).expect("Request-URI");
    assert!(asked.contains("%2") && challenged.contains(&format!("uri=\"{asked}\"")), "{challenged}");
}

#[test]
fn point_06_new_nonce() {
    let mut net = Net::new(51);
    // A registrar whose nonce is new each time and never stale, and whose password is another.
    net.uas[BOX].1.config.accounts[0].kind = upstream(1, "house", "wrong");
    net.command(BOX, Command::Register(TRUNK));
    net.run(Duration::from_secs(20));
    assert!((2..=3).contains(&net.count(" REGISTER ")), "{net}");
}

#[test]
fn point_07_repeated_credentials() {
    let verifier = crate::sip::auth::Verifier::new("r", [1; 32]);
    let challenge = verifier.challenge(Instant(5), false);
    let line = crate::sip::auth::answer(
        &[&challenge],
        "u",
        "p",
        crate::sip::auth::Asked::bare(&Method::Register, "sip:h"),
        1,
        "same",
    );
    let line = line.expect("credentials");
    for _ in 0..3 {
        let verdict = verifier.check(Instant(9), &line, &Method::Register, "sip:h", |_| Some("p"));
        assert_eq!(verdict, Ok("u".to_owned()));
    }
}

#[test]
fn point_08_challenged_invite() {
    let mut net = Net::registered(52);
    net.call(BOX, TRUNK, "1", caller("", ""));
    net.run(Duration::from_secs(1));
    let texts: Vec<String> = net.posted.iter().map(|bytes| text(bytes)).collect();
    let invites: Vec<&String> = texts.iter().filter(|t| t.starts_with("INVITE ")).collect();
    assert_eq!(invites.len(), 2, "{net}");
    let line = |at: usize, name: &str| invites[at].lines().find(|l| l.starts_with(name)).map(str::to_owned);
    assert_eq!(line(0, "Call-ID"), line(1, "Call-ID"));
    assert_eq!(
        (line(0, "CSeq"), line(1, "CSeq")),
        (Some("CSeq: 1 INVITE".into()), Some("CSeq: 2 INVITE".into()))
    );
    assert_ne!(line(0, "Via"), line(1, "Via"));
    assert_eq!(line(0, "From"), line(1, "From"), "and the same tag");
}

#[test]
fn point_09_users() {
    let mut net = Net::new(53);
    let AccountKind::RegisterAt(mut account) = upstream(1, "house", "p") else { panic!() };
    account.auth_user = "auth".to_owned();
    net.uas[BOX].1.config.accounts[0].kind = AccountKind::RegisterAt(account);
    net.command(BOX, Command::Register(TRUNK));
    net.run(Duration::from_millis(100));
    let last =
        net.posted.iter().map(|b| text(b)).rfind(|t| t.starts_with("REGISTER") && t.contains("Digest "));
    let last = last.unwrap_or_default();
    assert!(last.contains("username=\"auth\""), "{last}");
    let first = text(&net.posted[0]);
    assert!(
        first.contains("From: <sip:house@sip.example>") && first.contains("Contact: <sip:house@"),
        "{first}"
    );
}

#[test]
fn point_10_granted_expiry() {
    let mut net = Net::registered(54);
    let until = net.told[BOX].iter().find_map(|e| match e {
        Event::Registered(TRUNK, until) => Some(*until),
        _ => None,
    });
    // 600 s were asked for and granted; the refresh comes before they are over.
    assert!(until.is_some_and(|until| until.since(net.now) <= Duration::from_secs(600)));
    net.run(Duration::from_secs(595));
    assert!(net.count("10.0.0.2 -> 10.0.0.1 REGISTER") >= 1, "{net}");
}

#[test]
fn point_12_events_and_info() {
    // Our offer names 101; the answer's 96 is what the peer wants, and 101 what it sends.
    let (mut wire, _, invite) = Wire::outgoing();
    assert!(text(&invite.body).contains("a=rtpmap:101 telephone-event/8000"));
    wire.reply(&invite, 200, "a", &[], &SDP.replace("101", "96"));
    assert_eq!(wire.session().event_type, Some(96));
    // No events in the answer: INFO, and if that is refused too the switchboard hears of it.
    let refusals = [("", 415), ("", 405), ("", 501), ("Allow: INVITE, ACK, BYE\r\n", 0)];
    for (head, status) in refusals {
        let (mut wire, leg) = Wire::incoming(head);
        let digit = Digit::from_char('5').expect("a key");
        wire.command(Command::Info(leg, digit, HELD));
        if status != 0 {
            let info = wire.one();
            assert_eq!(info.method, Method::Info);
            wire.reply(&info, status, "p", &[], "");
        }
        assert_eq!(wire.told, [Event::InfoRefused(leg, digit, HELD)], "{head} {status}");
        wire.command(Command::Info(leg, digit, HELD));
        assert!(
            wire.sent.is_empty() && wire.told == [Event::InfoRefused(leg, digit, HELD)],
            "asked once only"
        );
    }
}

#[test]
fn point_13_early_media() {
    let (mut wire, leg, invite) = Wire::outgoing();
    wire.reply(&invite, 183, "a", &[], SDP);
    assert!(wire.sent.is_empty(), "no PRACK: it was not required");
    assert!(matches!(wire.told[0], Event::Progress(told, _) if told == leg));
    wire.reply(&invite, 180, "a", &[], "");
    assert_eq!(wire.told, [Event::Ringing(leg)]);
    wire.reply(&invite, 183, "a", &[("Require", "100rel"), ("RSeq", "1")], SDP);
    assert_eq!(wire.one().method, Method::Prack);
}

#[test]
fn point_14_delayed_offer() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", "");
    let Some(Event::Incoming { leg, session: None, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Answer(leg, media(2)));
    assert!(text(&wire.response().body).contains("RTP/AVP 0 8 101"), "everything we take");
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    assert!(wire.told.is_empty(), "not up before its answer");
    // The codec is the answer's, though we would rather have had the other.
    wire.request("ACK", 1, "", SDP);
    assert!(matches!(wire.told[0], Event::Answered(told, s) if told == leg && s.codec == Codec::Pcma));
    assert!(text(&wire.ua.legs[&leg].dialog.ack(1).emit()).contains("Content-Length: 0\r\n"));
}

#[test]
fn a_description_among_other_parts_is_found() {
    let mut wire = Wire::new();
    let body = format!(
        "--x\r\nContent-Type: application/isup\r\n\r\n\x01\r\n--x\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--x--"
    );
    wire.request("INVITE", 1, "Content-Type: multipart/mixed; boundary=x\r\n", &body);
    assert!(matches!(&wire.told[0], Event::Incoming { session: Some(s), .. } if s.remote.port() == 4000));
}

#[test]
fn a_caller_may_limit_how_long_it_rings() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "Expires: 30\r\n", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Ringing(leg));
    wire.wait(Duration::from_secs(29));
    assert!(wire.told.is_empty());
    wire.wait(Duration::from_secs(1));
    assert_eq!(
        (wire.told.as_slice(), wire.response().status),
        (&[Event::Ended(leg, Cause::Cancelled)][..], 487)
    );
    // Once answered the limit is over, RFC 3261 §13.3.1.
    let (mut wire, _) = Wire::incoming("Expires: 30\r\n");
    wire.wait(Duration::from_secs(60));
    assert!(wire.told.is_empty() && wire.sent.is_empty());
}

#[test]
fn hops_are_told_and_taken_over() {
    for (head, hops) in [("", 70), ("Max-Forwards: 12\r\n", 12), ("Max-Forwards: 9999\r\n", 255)] {
        let mut wire = Wire::new();
        wire.request("INVITE", 1, head, SDP);
        assert!(matches!(&wire.told[0], Event::Incoming { hops: told, .. } if *told == hops), "{head}");
    }
    let mut wire = Wire::new();
    let (leg, manner) = (LegId::outgoing(1), Manner { hops: 11, alert: Some("HOLD"), clear: false });
    let (to, caller) = ("1".to_owned(), caller("", ""));
    wire.command(Command::Call { leg, account: TRUNK, to, caller, media: media(2), manner });
    assert_eq!(wire.one().headers.first("Max-Forwards"), Some("11"));
    assert_eq!(wire.one().headers.first("Alert-Info"), Some("<http://127.0.0.1>;info=HOLD"));
}

#[test]
fn options_within_a_dialog_ask_whether_it_lives() {
    let (mut wire, leg) = Wire::incoming("");
    wire.request("OPTIONS", 2, "", "");
    assert_eq!(wire.response().status, 200);
    wire.command(Command::Hangup(leg, Cause::Normal));
    wire.request("OPTIONS", 3, "", "");
    assert_eq!(wire.response().status, 481);
}

#[test]
fn a_method_not_taken_is_told_which_are() {
    for (method, status) in [("MESSAGE", 405), ("PUBLISH", 405), ("FLY", 501)] {
        let mut wire = Wire::new();
        wire.request(method, 1, "", "");
        let response = wire.response();
        assert_eq!(response.status, status, "{method}");
        // RFC 3261 §21.4.6: 405 must say what is allowed.
        assert!(response.headers.lists("Allow", "INVITE") && !response.headers.lists("Allow", method));
        assert!(response.to().tag().is_some() && wire.ua.servers.is_empty() && wire.ua.deadline().is_none());
    }
}
