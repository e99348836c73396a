//! What real devices do and our own user agent never would.

use super::wire::{SDP, Wire, sdp, text};
use super::*;
use crate::sip::message::{Message, Method};
use crate::sip::value::NameAddr;
use crate::sip::{Cause, Discard};
use crate::units::Digit;

#[test]
fn hold_and_resume_are_answered_in_the_dialog_with_the_direction_mirrored() {
    for method in ["INVITE", "UPDATE"] {
        let (mut wire, leg) = Wire::incoming("");
        let cases = [
            ("sendonly", "recvonly", false, true),
            ("inactive", "inactive", false, false),
            ("sendrecv", "sendrecv", true, true),
        ];
        for (seq, (offered, answered, send, receive)) in (2..).zip(cases) {
            wire.request(method, seq, "", &sdp(offered));
            assert_eq!(wire.response().status, 200);
            assert!(text(&wire.response().body).contains(&format!("a={answered}\r\n")), "{:?}", wire.sent);
            assert_eq!((wire.session().send, wire.session().receive), (send, receive));
            assert!(matches!(wire.told[0], Event::Changed(changed, _) if changed == leg));
            if method == "INVITE" {
                wire.request("ACK", seq, "", "");
            }
            wire.wait(Duration::from_secs(40));
            assert!(wire.sent.is_empty() && wire.told.is_empty(), "{:?}", wire.sent);
        }
    }
}

#[test]
fn a_hold_of_the_old_kind() {
    let (mut wire, _) = Wire::incoming("");
    wire.request("INVITE", 2, "", &SDP.replace("c=IN IP4 10.0.0.1", "c=IN IP4 0.0.0.0"));
    assert!(!wire.session().send);
}

#[test]
fn a_refresh_with_the_same_description_changes_nothing() {
    let (mut wire, _) = Wire::incoming("");
    wire.request("INVITE", 2, "", SDP);
    let first = text(&wire.response().body);
    assert!(wire.told.is_empty());
    wire.request("ACK", 2, "", "");
    wire.request("UPDATE", 3, "", "");
    assert_eq!((wire.response().status, wire.response().body.len()), (200, 0));
    wire.request("INVITE", 4, "", SDP);
    assert_eq!(text(&wire.response().body), first, "RFC 3264 §8: the same version for the same words");
}

#[test]
fn the_offer_is_ours_if_the_invite_has_none() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", "");
    let Some(Event::Incoming { leg, session: None, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Progress(leg, media(2)));
    let early = text(&wire.response().body);
    wire.command(Command::Answer(leg, media(2)));
    assert!(wire.told.is_empty(), "not before the answer");
    assert_eq!(text(&wire.response().body), early);
    assert!(early.contains("m=audio 4000 RTP/AVP 0 8 101"));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    wire.request("ACK", 1, "", SDP);
    assert_eq!((wire.session().codec, wire.session().remote.port()), (Codec::Pcma, 4000));
    assert!(matches!(wire.told[0], Event::Answered(..)));
    // The same within the call.
    wire.request("INVITE", 2, "", "");
    assert!(text(&wire.response().body).contains("m=audio"));
    wire.request("ACK", 2, "", &sdp("sendonly"));
    assert!(!wire.session().send);
}

#[test]
fn an_ack_without_the_answer_ends_the_leg() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", "");
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Answer(leg, media(2)));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    wire.request("ACK", 1, "", "");
    assert_eq!(wire.one().method, Method::Bye);
    assert_eq!(wire.told, [Event::Ended(leg, Cause::NotAcceptable)]);
}

#[test]
fn copies_are_absorbed_and_detours_refused() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", SDP);
    assert_eq!((wire.told.len(), wire.response().status), (1, 100));
    wire.request_again("INVITE", 1, "", SDP);
    assert_eq!((wire.told.len(), wire.response().status), (0, 100));
    // RFC 3261 §8.2.2.2: the same INVITE by another way has another branch.
    wire.request("INVITE", 1, "", SDP);
    assert_eq!((wire.told.len(), wire.response().status), (0, 482));
}

#[test]
fn requests_out_of_order_or_out_of_place() {
    let (mut wire, _) = Wire::incoming("");
    let cases = [
        ("INVITE", 1, "", 500),
        ("INFO", 0, "", 500),
        ("INVITE", 5, "Require: magic\r\n", 420),
        ("INVITE", 6, "Content-Type: text/plain\r\n", 415),
        ("REFER", 7, "", 400),
        ("NOTIFY", 8, "", 481),
        ("FLY", 9, "", 501),
        ("OPTIONS", 10, "", 200),
    ];
    for (method, seq, head, status) in cases {
        wire.request(method, seq, head, "x");
        assert_eq!(wire.response().status, status, "{method}");
    }
    wire.tag = "nobody".to_owned();
    for method in ["BYE", "INVITE", "INFO", "UPDATE", "CANCEL"] {
        wire.request(method, 20, "", "");
        assert_eq!(wire.response().status, 481, "{method}");
    }
    wire.request("ACK", 20, "", "");
    assert_eq!(wire.told, [Event::Discarded(Discard::StrayAck)]);
}

#[test]
fn invites_that_cannot_be_taken() {
    let cases = [
        ("Require: magic\r\n", SDP.to_owned(), 420),
        ("Max-Forwards: 0\r\n", SDP.to_owned(), 483),
        ("Content-Type: text/plain\r\n", "hello".to_owned(), 415),
        ("", SDP.replace("8 101", "9 101"), 488),
        ("", "v=0\r\n".to_owned(), 488),
        ("Supported: timer\r\nSession-Expires: 60\r\n", SDP.to_owned(), 422),
    ];
    for (head, body, status) in cases {
        let mut wire = Wire::new();
        wire.request("INVITE", 1, head, &body);
        assert_eq!(wire.response().status, status, "{head} {body}");
        assert!(wire.told.is_empty() && wire.ua.servers.is_empty() && wire.ua.legs.is_empty());
        assert_eq!(wire.ua.deadline(), None);
    }
}

#[test]
fn strangers_get_403_and_leave_no_trace() {
    let mut wire = Wire::new();
    wire.from = addr(66);
    for method in ["INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE"] {
        wire.request(method, 1, "", "");
        assert_eq!(wire.response().status, 403, "{method}");
        assert_eq!(wire.told, [Event::Discarded(Discard::Stranger)]);
        wire.tag.clear();
    }
    wire.request("OPTIONS", 1, "", "");
    assert_eq!(wire.response().status, 200);
    assert!(wire.response().headers.lists("Allow", "UPDATE"));
    wire.request("OPTIONS", 1, "Require: magic\r\n", "");
    assert_eq!((wire.response().status, wire.response().headers.first("Unsupported")), (420, Some("magic")));
    assert_eq!((wire.ua.servers.len(), wire.ua.deadline()), (0, None));
}

#[test]
fn a_cancel_and_what_comes_before_it() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.tag.clear();
    wire.request_again("CANCEL", 1, "", "");
    let statuses = wire.sent.iter().map(|(_, m)| match m {
        Message::Response(response) => response.status,
        Message::Request(_) => 0,
    });
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 487]);
    assert_eq!(wire.told, [Event::Ended(leg, Cause::Cancelled)]);
    wire.command(Command::Answer(leg, media(2)));
    assert!(wire.sent.is_empty());
}

#[test]
fn every_branch_of_a_fork_but_the_first_is_hung_up() {
    let (mut wire, leg, invite) = Wire::outgoing();
    wire.reply(&invite, 183, "a", &[], SDP);
    assert!(matches!(wire.told[0], Event::Progress(..)));
    wire.reply(&invite, 183, "a", &[], SDP);
    assert!(wire.told.is_empty(), "nothing new");
    wire.reply(&invite, 180, "b", &[], "");
    assert_eq!(wire.told, [Event::Ringing(leg)]);
    wire.reply(&invite, 200, "b", &[], SDP);
    assert!(matches!(wire.told[0], Event::Answered(..)));
    assert_eq!(wire.one().method, Method::Ack);
    wire.reply(&invite, 200, "a", &[], SDP);
    let methods: Vec<_> = wire.requests().into_iter().map(|(_, request)| request.method).collect();
    assert_eq!(methods, [Method::Ack, Method::Bye]);
    assert!(wire.told.is_empty());
    // The first one's 200 once more: the same ACK once more.
    wire.reply(&invite, 200, "b", &[], SDP);
    assert_eq!(
        (wire.one().method, wire.one().to().tag().map(str::to_owned)),
        (Method::Ack, Some("b".to_owned()))
    );
    wire.command(Command::Hangup(leg, Cause::Normal));
    assert_eq!(wire.one().to().tag(), Some("b"));
}

#[test]
fn ack_and_bye_go_through_the_route_set() {
    let (mut wire, leg, invite) = Wire::outgoing();
    let routes = [("Record-Route", "<sip:10.0.0.7;lr>, <sip:10.0.0.8:5080;lr>")];
    wire.reply(&invite, 200, "a", &routes, SDP);
    wire.command(Command::Hangup(leg, Cause::Normal));
    let (to, bye) = wire.requests().remove(0);
    assert_eq!(to, "10.0.0.8:5080".parse().expect("an address"));
    assert_eq!(bye.uri.to_string(), "sip:a@10.0.0.1:5070");
    let routes: Vec<_> = bye.headers.all("Route").collect();
    assert_eq!(routes, ["<sip:10.0.0.8:5080;lr>", "<sip:10.0.0.7;lr>"]);
}

#[test]
fn a_hop_that_cannot_be_reached_is_not_believed() {
    let cases = [
        ("sip:x@10.0.0.1:5070", "10.0.0.1:5070"),
        ("sip:x@10.9.9.9", "10.9.9.9:5060"),
        ("sip:x@sbc.example", "10.0.0.1:5060"),
        ("sip:x@203.0.113.5", "10.0.0.1:5060"),
        ("sip:x@127.0.0.1", "10.0.0.1:5060"),
        ("sip:x@0.0.0.0", "10.0.0.1:5060"),
    ];
    for (contact, hop) in cases {
        let (mut wire, leg, invite) = Wire::outgoing();
        let mut response = invite.respond(200, "OK");
        response.headers.set("To", format!("{};tag=a", invite.to()));
        response.headers.push("Contact", format!("<{contact}>"));
        response.body = SDP.as_bytes().to_vec();
        wire.bytes(&response.emit());
        wire.command(Command::Hangup(leg, Cause::Normal));
        let (to, bye) = wire.requests().remove(0);
        assert_eq!((to.to_string().as_str(), bye.uri.to_string().as_str()), (hop, contact));
    }
}

#[test]
fn an_answer_without_our_codecs_is_hung_up() {
    let (mut wire, leg, invite) = Wire::outgoing();
    wire.reply(&invite, 200, "a", &[], &SDP.replace("8 101", "9"));
    let methods: Vec<_> = wire.requests().into_iter().map(|(_, request)| request.method).collect();
    assert_eq!(methods, [Method::Ack, Method::Bye]);
    assert_eq!(wire.told, [Event::Ended(leg, Cause::NotAcceptable)]);
}

#[test]
fn redirection_and_challenges_without_credentials_end_the_leg() {
    for (status, cause) in [(302, Cause::Status(302)), (407, Cause::Unauthorized), (503, Cause::Unavailable)]
    {
        let (mut wire, leg, invite) = Wire::outgoing();
        wire.reply(&invite, status, "a", &[], "");
        assert_eq!(wire.told, [Event::Ended(leg, cause)]);
        assert_eq!(wire.one().method, Method::Ack);
        assert_eq!(wire.one().via().branch(), invite.via().branch());
    }
}

#[test]
fn hook_flashes_in_every_dialect() {
    let (mut wire, leg) = Wire::incoming("");
    let cases = [
        ("application/hook-flash", "signal=hf"),
        ("application/dtmf-relay", "Signal=16\r\n"),
        ("application/broadsoft", "version=1.0\r\nevent flashhook\r\n"),
        ("application/sscc", "event=flashhook"),
    ];
    for (seq, (type_, body)) in (2..).zip(cases) {
        wire.request("INFO", seq, &format!("Content-Type: {type_}\r\n"), body);
        assert_eq!(wire.told, [Event::Info(leg, Digit::FLASH, HELD)], "{type_}");
        assert_eq!(wire.response().status, 200);
    }
    wire.request("INFO", 9, "Content-Type: image/png\r\n", "x");
    assert_eq!(wire.response().status, 415);
    assert!(wire.response().headers.lists("Accept", "application/sscc"));
}

#[test]
fn a_session_timer_of_the_peer_is_echoed_and_kept() {
    let (mut wire, leg) = Wire::incoming("Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n");
    wire.wait(Duration::from_secs(900));
    for seq in 2..5 {
        wire.request("UPDATE", seq, "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n", "");
        assert_eq!(wire.response().headers.first("Session-Expires"), Some("1800;refresher=uac"));
        assert!(wire.response().headers.lists("Require", "timer"));
        wire.wait(Duration::from_secs(1700));
        assert!(wire.told.is_empty() && wire.sent.is_empty());
    }
    // RFC 4028 §10: the refresh did not come.
    wire.wait(Duration::from_secs(68));
    assert_eq!(wire.told, [Event::Ended(leg, Cause::Timeout)]);
    assert_eq!(wire.one().method, Method::Bye);
}

#[test]
fn we_refresh_at_half_time_if_that_is_our_part() {
    for (head, method) in [("", Method::Invite), ("Allow: INVITE, ACK, UPDATE\r\n", Method::Update)] {
        let (mut wire, leg) = Wire::incoming(&format!("{head}Session-Expires: 200\r\n"));
        for _ in 0..3 {
            wire.wait(Duration::from_secs(99));
            assert!(wire.sent.is_empty());
            wire.wait(Duration::from_secs(1));
            let refresh = wire.one();
            assert_eq!(refresh.method, method);
            assert_eq!(refresh.headers.first("Session-Expires"), Some("200;refresher=uac"));
            let body = if method == Method::Invite { SDP } else { "" };
            wire.reply(&refresh, 200, "p", &[("Session-Expires", "200;refresher=uac")], body);
            assert!(wire.told.is_empty());
            assert_eq!(wire.requests().len(), usize::from(method == Method::Invite), "its ACK");
        }
        wire.wait(Duration::from_secs(100));
        let refresh = wire.one();
        wire.reply(&refresh, 481, "p", &[], "");
        assert_eq!(wire.told, [Event::Ended(leg, Cause::Timeout)]);
    }
}

#[test]
fn a_refresh_keeps_a_hold_and_gives_way_in_glare() {
    let (mut wire, leg) = Wire::incoming("Session-Expires: 200\r\n");
    wire.request("INVITE", 2, "Session-Expires: 200;refresher=uas\r\n", &sdp("sendonly"));
    wire.request("ACK", 2, "", "");
    wire.wait(Duration::from_secs(100));
    let refresh = wire.one();
    assert!(text(&refresh.body).contains("a=recvonly"), "a refresh must not end the hold");
    // Both ask at once: each is refused, and we try again a little later.
    wire.request("INVITE", 3, "", &sdp("sendrecv"));
    assert_eq!(wire.response().status, 491);
    wire.reply(&refresh, 491, "p", &[], "");
    assert_eq!(wire.one().method, Method::Ack);
    wire.wait(Duration::from_secs(4));
    let again = wire.one();
    assert_eq!((again.method.clone(), again.cseq().0), (Method::Invite, refresh.cseq().0 + 1));
    wire.reply(&again, 200, "p", &[], &sdp("sendonly"));
    assert!(wire.told.is_empty());
    wire.request("INVITE", 4, "", &sdp("sendrecv"));
    assert!(matches!(wire.told[0], Event::Changed(changed, session) if changed == leg && session.send));
}

#[test]
fn the_timer_that_the_callee_states_is_kept() {
    let (mut wire, _, invite) = Wire::outgoing();
    wire.reply(&invite, 200, "a", &[("Session-Expires", "1800;refresher=uac"), ("Require", "timer")], SDP);
    wire.wait(Duration::from_secs(900));
    assert_eq!(wire.one().method, Method::Invite);
}

#[test]
fn two_static_accounts_may_share_an_address() {
    let at = |port| AccountKind::Static { addr: Hop::udp(SocketAddr::from(([10, 0, 0, 1], port))) };
    let accounts = vec![(AccountId(1), Side::Trunk, at(5060)), (AccountId(2), Side::Phone, at(6060))];
    for (port, wanted) in [(5060, 1), (6060, 2), (7070, 1)] {
        let mut wire = Wire::new();
        wire.ua = agent(2, 1, accounts.clone()).1;
        wire.from.set_port(port);
        wire.request("INVITE", 1, "", SDP);
        assert!(
            matches!(wire.told[0], Event::Incoming { account, .. } if account == AccountId(wanted)),
            "{port}"
        );
        assert_eq!(wire.sent[0].0, wire.from, "answers go to the source");
    }
}

#[test]
fn a_phone_behind_nat_is_called_where_it_was_heard() {
    let mut net = Net::registered(1);
    let public = SocketAddr::from(([10, 0, 0, 9], 33333));
    let phone = net.uas[PHONE].0;
    assert_eq!(net.uas[BOX].1.bindings[&HANDSET].flow.addr, phone);
    // The phone sits at another address than the one it writes.
    net.uas[PHONE].0 = public;
    net.command(PHONE, Command::Register(AT_BOX));
    net.run(Duration::from_secs(1));
    assert_eq!(net.uas[BOX].1.bindings[&HANDSET].flow.addr, public);
    assert_eq!(net.uas[PHONE].1.registrations[&AT_BOX].contact, public, "it learns its address");
    let binding: NameAddr = net.uas[PHONE].1.contact(AT_BOX).parse().expect("a contact");
    assert_eq!(net.uas[BOX].1.bindings[&HANDSET].contact, binding.uri);
    let mut corrected =
        net.posted.iter().map(|bytes| text(bytes)).filter(|text| text.starts_with("REGISTER"));
    let contacts = corrected.next_back().unwrap_or_default();
    assert!(contacts.contains("Contact: <sip:phone@10.0.0.9:33333>;expires=600\r\n"), "{contacts}");
    assert!(contacts.contains("Contact: <sip:phone@10.0.0.3:5060>;expires=0\r\n"), "{contacts}");
    let (out, into) = net.up(BOX, HANDSET, PHONE);
    net.command(BOX, Command::Hangup(out, Cause::Normal));
    net.expect(PHONE, &Event::Ended(into, Cause::Normal));
}

#[test]
fn a_provisional_response_is_repeated_each_minute() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Ringing(leg));
    for _ in 0..3 {
        wire.wait(Duration::from_secs(60));
        assert_eq!(wire.response().status, 180);
    }
}

#[test]
fn a_device_that_asks_for_no_rport_is_answered_at_the_port_it_names() {
    let cases = [
        ("10.0.0.1:5070", "10.0.0.1:5070"),
        ("10.0.0.1", "10.0.0.1:5060"),
        ("192.168.7.7:5070", "10.0.0.1:40000"),
        ("phone.local:5070", "10.0.0.1:40000"),
        ("10.0.0.1:5070;rport", "10.0.0.1:40000"),
    ];
    for (via, way_back) in cases {
        let mut wire = Wire::new();
        let text = format!(
            "OPTIONS sip:10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bKo\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:10.0.0.2>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        wire.from = "10.0.0.1:40000".parse().expect("an address");
        wire.bytes(text.as_bytes());
        assert_eq!(wire.sent[0].0.to_string(), way_back, "{via}");
    }
}

#[test]
fn a_session_timer_does_not_run_before_the_leg_is_up() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Ringing(leg));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    wire.request("UPDATE", 2, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", "");
    assert_eq!(wire.response().status, 200);
    for _ in 0..10 {
        wire.wait(Duration::from_secs(60));
        assert!(wire.told.is_empty() && wire.requests().is_empty());
    }
}

#[test]
fn a_refresh_that_is_never_decided_ends_the_leg() {
    let (mut wire, leg) = Wire::incoming("Session-Expires: 200\r\n");
    wire.wait(Duration::from_secs(100));
    let refresh = wire.one();
    wire.reply(&refresh, 100, "p", &[], "");
    wire.wait(Duration::from_secs(31));
    assert!(wire.told.is_empty());
    wire.wait(Duration::from_secs(1));
    assert_eq!(wire.told, [Event::Ended(leg, Cause::Timeout)]);
    let bye = wire.one();
    assert_eq!(bye.method, Method::Bye);
    wire.reply(&bye, 200, "p", &[], "");
    wire.wait(Duration::from_secs(32));
    assert!(wire.ua.clients.is_empty() && wire.ua.servers.is_empty());
    assert_eq!(wire.ua.deadline(), None);
}

#[test]
fn a_peer_may_hang_up_before_the_answer() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "", SDP);
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.command(Command::Ringing(leg));
    wire.tag = wire.response().to().tag().expect("a tag").to_owned();
    wire.request("BYE", 2, "", "");
    assert_eq!(wire.response().status, 487);
    assert_eq!(wire.told, [Event::Ended(leg, Cause::Cancelled)]);
}

#[test]
fn an_asserted_identity_counts_on_the_trunk() {
    let mut wire = Wire::new();
    wire.request("INVITE", 1, "P-Asserted-Identity: \"Acme\" <tel:+18005550100>\r\n", SDP);
    let Some(Event::Incoming { caller: shown, called, .. }) = wire.told.first().cloned() else { panic!() };
    assert_eq!((shown, called.as_str()), (caller("Acme", "+18005550100"), "100"));
}

#[test]
fn a_strict_router_gets_its_own_uri() {
    let (mut wire, leg, invite) = Wire::outgoing();
    wire.reply(&invite, 200, "a", &[("Record-Route", "<sip:10.0.0.7;lr>, <sip:10.0.0.8>")], SDP);
    wire.command(Command::Hangup(leg, Cause::Normal));
    let bye = wire.one();
    assert_eq!(bye.uri.to_string(), "sip:10.0.0.8");
    let routes: Vec<_> = bye.headers.all("Route").collect();
    assert_eq!(routes, ["<sip:10.0.0.7;lr>", "<sip:a@10.0.0.1:5070>"]);
}

#[test]
fn a_refresh_that_is_answered_after_the_bye_gets_its_ack_alone() {
    let (mut wire, leg, invite) = Wire::outgoing();
    let head = [("Record-Route", "<sip:10.0.0.8;lr>"), ("Session-Expires", "200;refresher=uac")];
    wire.reply(&invite, 200, "a", &head, SDP);
    wire.wait(Duration::from_secs(100));
    let refresh = wire.one();
    wire.command(Command::Hangup(leg, Cause::Normal));
    assert_eq!(wire.one().method, Method::Bye);
    wire.reply(&refresh, 200, "a", &[], SDP);
    let (to, ack) = wire.requests().remove(0);
    assert_eq!((ack.method.clone(), to), (Method::Ack, addr(8)));
    assert_eq!(wire.requests().len(), 1);
    wire.wait(Duration::from_secs(64));
    assert!(wire.ua.clients.is_empty());
}

#[test]
fn a_peer_may_refuse_update_or_want_longer_intervals() {
    let (mut wire, leg) = Wire::incoming("Allow: UPDATE\r\nSession-Expires: 200\r\n");
    wire.wait(Duration::from_secs(100));
    let update = wire.one();
    wire.reply(&update, 405, "p", &[], "");
    let invite = wire.one();
    assert_eq!((update.method, invite.method.clone()), (Method::Update, Method::Invite));
    wire.reply(&invite, 422, "p", &[("Min-SE", "300")], "");
    let again = wire.requests().pop().expect("another").1;
    assert_eq!(again.headers.first("Session-Expires"), Some("300;refresher=uac"));
    // A passing failure is no reason to end a call.
    wire.reply(&again, 500, "p", &[], "");
    assert!(wire.told.is_empty());
    wire.wait(Duration::from_secs(10));
    assert_eq!(wire.one().method, Method::Invite);
    wire.command(Command::Hangup(leg, Cause::Normal));
}

#[test]
fn a_peer_that_has_forgotten_the_dialog_ends_the_leg() {
    let (mut wire, leg) = Wire::incoming("");
    wire.command(Command::Info(leg, Digit::STAR, HELD * 16));
    let info = wire.one();
    assert_eq!(
        (info.headers.first("Content-Type"), text(&info.body).as_str()),
        (Some("application/dtmf-relay"), "Signal=*\r\nDuration=1600\r\n")
    );
    wire.reply(&info, 481, "p", &[], "");
    assert_eq!(wire.told, [Event::Ended(leg, Cause::Normal)]);
}

#[test]
fn a_peer_from_before_the_magic_cookie() {
    let mut wire = Wire::new();
    let invite = |tag: &str, method: &str| {
        format!(
            "{method} sip:100@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:100@10.0.0.2>{tag}\r\nCall-ID: o\r\nCSeq: 1 {method}\r\nContact: <sip:a@10.0.0.1>\r\n\
             Content-Length: 0\r\n\r\n"
        )
    };
    wire.bytes(invite("", "INVITE").as_bytes());
    let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!() };
    wire.bytes(invite("", "INVITE").as_bytes());
    assert!(wire.told.is_empty());
    wire.command(Command::Hangup(leg, Cause::Busy));
    let tag = format!(";tag={}", wire.response().to().tag().expect("a tag"));
    wire.bytes(invite(&tag, "ACK").as_bytes());
    wire.wait(Duration::from_secs(6));
    assert!(wire.told.is_empty() && wire.ua.servers.is_empty());
}

#[test]
fn a_peer_that_moves_within_the_call_is_followed() {
    for method in ["INVITE", "UPDATE"] {
        let (mut wire, leg) = Wire::incoming("");
        wire.contact = "<sip:peer@10.0.0.5:7777>";
        wire.request(method, 2, "", SDP);
        wire.command(Command::Hangup(leg, Cause::Normal));
        let (to, bye) = wire.requests().pop().expect("a BYE");
        assert_eq!(
            (bye.uri.to_string().as_str(), to.to_string().as_str()),
            ("sip:peer@10.0.0.5:7777", "10.0.0.5:7777")
        );
    }
}

#[test]
fn the_refresher_stays_who_it_is() {
    let (mut wire, _) = Wire::incoming("Session-Expires: 200\r\n");
    wire.request("UPDATE", 2, "Supported: timer\r\nSession-Expires: 200\r\n", "");
    assert_eq!(wire.response().headers.first("Session-Expires"), Some("200;refresher=uas"));
    let (mut wire, _) = Wire::incoming("Supported: timer\r\nSession-Expires: 200\r\n");
    wire.request("UPDATE", 2, "Session-Expires: 200\r\n", "");
    assert_eq!(wire.response().headers.first("Session-Expires"), Some("200;refresher=uac"));
}

#[test]
fn keep_alives_are_taken_without_a_word() {
    let mut wire = Wire::new();
    for bytes in [b"".as_slice(), b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0"] {
        wire.bytes(bytes);
        assert!(wire.sent.is_empty() && wire.told.is_empty());
    }
}
