//! TCP and TLS beneath the same calls, ways that fail, and several servers of one name.

use super::wire::Wire;
use super::*;
use crate::sip::Cause;

/// The box's REGISTERs that went to this host.
fn registers(net: &Net, host: u8) -> usize {
    net.count(&format!("10.0.0.2 -> 10.0.0.{host} by tcp REGISTER"))
}

/// The last message of this kind from the box.
fn last(net: &Net, start: &str) -> String {
    let mut texts = net.posted.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    texts.rfind(|text| text.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {net}"))
}

/// A box with one trunk that may be at any of these hosts, and a provider at each.
fn several(seed: u64, hosts: &[u8]) -> Net {
    let provider =
        |host| agent(host, seed ^ 11, vec![(AT_BOX, Side::Phone, registers_here("house", "trunk pass"))]);
    let ours = vec![(TRUNK, Side::Trunk, upstream_by(Transport::Tcp, 9, "house", "trunk pass"))];
    let mut uas = vec![provider(1), agent(2, seed ^ 22, ours)];
    uas.extend(hosts.iter().filter(|host| **host != 1).map(|host| provider(*host)));
    Net::of(seed, uas)
}

fn hops(hosts: &[u8]) -> Vec<Hop> {
    hosts.iter().map(|host| Hop::new(Transport::Tcp, addr(*host))).collect()
}

#[test]
fn calls_go_both_ways_over_streams_and_nothing_is_repeated() {
    for (transport, name) in [(Transport::Tcp, "TCP"), (Transport::Tls, "TLS")] {
        let ways =
            [(BOX, TRUNK, PROVIDER), (PROVIDER, AT_BOX, BOX), (BOX, HANDSET, PHONE), (PHONE, AT_BOX, BOX)];
        for (from, account, to) in ways {
            let mut net = Net::registered_by(transport, 1);
            let (out, into) = net.up(from, account, to);
            let invite = last(&net, "INVITE");
            assert!(invite.contains(&format!("Via: SIP/2.0/{name} ")), "{invite}");
            assert!(invite.contains(&format!(";transport={}>", name.to_lowercase())), "{invite}");
            net.command(to, Command::Hangup(into, Cause::Normal));
            net.expect(from, &Event::Ended(out, Cause::Normal));
            for line in net.ladder.iter().filter(|line| line.contains(" -> ")) {
                assert!(line.contains(&format!(" by {} ", name.to_lowercase())), "{line}");
            }
            let counts = [" INVITE sip", " ACK sip", " BYE sip"].map(|what| net.count(what));
            assert_eq!((counts[1], counts[2]), (counts[0], 1), "{net}");
            net.run(Duration::from_secs(33));
            net.assert_idle();
        }
    }
}

#[test]
fn timers_a_e_and_g_rest_on_streams_and_b_and_f_run() {
    let mut net = Net::by(Transport::Tcp, 2);
    net.passes = Box::new(|_| false);
    net.command(BOX, Command::Register(TRUNK));
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    net.run(Duration::from_millis(31_900));
    assert_eq!((net.count(" REGISTER "), net.count(" INVITE ")), (1, 1), "{net}");
    assert_eq!(net.endings(BOX, out), 0);
    net.expect(BOX, &Event::Ended(out, Cause::Timeout));
    assert!(net.told[BOX].iter().any(|e| matches!(e, Event::RegisterFailed(_, Cause::Timeout, _))));
    // A refusal is not repeated either, and waits for its ACK as long as ever.
    let mut net = Net::registered_by(Transport::Tcp, 3);
    net.passes = Box::new(|line| !line.contains("ACK"));
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    let (into, ..) = net.incoming(PROVIDER);
    net.command(PROVIDER, Command::Hangup(into, Cause::Busy));
    net.expect(BOX, &Event::Ended(out, Cause::Busy));
    net.run(Duration::from_secs(30));
    assert_eq!(net.count(" 486 "), 1, "{net}");
    assert!(!net.uas[PROVIDER].1.servers.is_empty());
    net.run(Duration::from_secs(10));
    net.assert_idle();
}

#[test]
fn transactions_over_streams_end_with_their_answer() {
    let mut net = Net::registered_by(Transport::Tcp, 4);
    net.command(BOX, Command::Register(TRUNK));
    net.run(Duration::from_millis(100));
    // RFC 3261 §17.1.2.2 and §17.2.2: timers J and K are zero.
    net.assert_idle();
}

#[test]
fn nobody_there_is_told_at_once_and_tried_again_later() {
    let mut net = Net::by(Transport::Tcp, 5);
    net.deaf.push(addr(1));
    net.command(BOX, Command::Register(TRUNK));
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    let began = net.now;
    net.expect(BOX, &Event::Ended(out, Cause::Unavailable));
    assert!(net.now.since(began) < Duration::from_secs(1), "{net}");
    assert!(net.told[BOX].iter().any(|e| matches!(e, Event::RegisterFailed(_, Cause::Unavailable, _))));
    net.run(Duration::from_secs(3600));
    assert!((10..40).contains(&registers(&net, 1)), "{net}");
    net.deaf.clear();
    net.run(Duration::from_secs(400));
    assert!(net.told[BOX].iter().any(|e| matches!(e, Event::Registered(..))), "{net}");
}

#[test]
fn a_broken_connection_is_made_and_registered_again_within_seconds() {
    let mut net = Net::registered_by(Transport::Tcp, 6);
    net.input(BOX, Input::Lost(Hop::new(Transport::Tcp, addr(1))));
    net.run(Duration::from_secs(4));
    assert_eq!(registers(&net, 1), 2, "{net}");
    // One that was not ours is none of our business.
    net.input(BOX, Input::Lost(Hop::new(Transport::Tcp, addr(7))));
    net.run(Duration::from_secs(4));
    assert_eq!(registers(&net, 1), 2, "{net}");
}

#[test]
fn a_datagram_that_is_said_to_be_turned_away_ends_no_call_and_takes_nobody_away() {
    let mut net = Net::registered_by(Transport::Udp, 9);
    // As anybody can forge it: before the first answer, while it rings, and once it is up.
    let forged =
        |net: &mut Net| [1, 3].into_iter().for_each(|host| net.input(BOX, Input::Lost(Hop::udp(addr(host)))));
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    forged(&mut net);
    let (into, ..) = net.incoming(PROVIDER);
    net.command(PROVIDER, Command::Ringing(into));
    net.expect(BOX, &Event::Ringing(out));
    forged(&mut net);
    net.run(Duration::from_secs(40));
    assert_eq!(net.endings(BOX, out), 0, "{net}");
    net.command(PROVIDER, Command::Answer(into, media(1)));
    net.answered(BOX, out);
    forged(&mut net);
    net.run(Duration::from_secs(10));
    assert_eq!((net.endings(BOX, out), net.count("10.0.0.2 -> 10.0.0.1 REGISTER")), (0, 0), "{net}");
    assert!(!net.told[BOX].contains(&Event::PhoneGone(HANDSET)), "{net}");
    net.call(BOX, HANDSET, "phone", caller("", "1"));
    net.incoming(PHONE);
}

#[test]
fn a_first_registration_that_is_turned_away_fails_at_once_and_later_ones_keep_their_time() {
    let mut net = Net::by(Transport::Udp, 10);
    let away = addr(77);
    net.command(BOX, Command::Locate(TRUNK, vec![Hop::udp(away)]));
    net.command(BOX, Command::Register(TRUNK));
    let failed = |net: &Net| net.told[BOX].iter().filter(|e| matches!(e, Event::RegisterFailed(..))).count();
    assert_eq!(failed(&net), 0);
    for second in 0..600 {
        net.input(BOX, Input::Lost(Hop::udp(away)));
        net.run(Duration::from_secs(1));
        assert!(failed(&net) > 0, "not at once, after {second} s: {net}");
    }
    assert!((3..15).contains(&failed(&net)), "{} in ten minutes", failed(&net));
}

#[test]
fn an_answer_on_its_way_when_the_connection_broke_is_awaited_for_a_while() {
    let mut net = Net::registered_by(Transport::Tcp, 7);
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    let (into, ..) = net.incoming(PROVIDER);
    net.command(PROVIDER, Command::Ringing(into));
    net.expect(BOX, &Event::Ringing(out));
    net.input(BOX, Input::Lost(Hop::new(Transport::Tcp, addr(1))));
    net.run(Duration::from_secs(20));
    assert_eq!(net.endings(BOX, out), 0);
    net.command(PROVIDER, Command::Answer(into, media(1)));
    net.answered(BOX, out);
    // And if nothing comes, no caller waits for ever.
    let out = net.call(BOX, TRUNK, "2", caller("", ""));
    let (into, ..) = net.incoming(PROVIDER);
    net.command(PROVIDER, Command::Ringing(into));
    net.expect(BOX, &Event::Ringing(out));
    net.input(BOX, Input::Lost(Hop::new(Transport::Tcp, addr(1))));
    net.expect(BOX, &Event::Ended(out, Cause::Timeout));
}

#[test]
fn answers_go_by_a_new_connection_where_their_own_is_gone() {
    let source = Hop::new(Transport::Tcp, SocketAddr::from(([10, 0, 0, 1], 40_000)));
    for (via, port) in [("10.0.0.1:5090", 5090), ("10.0.0.1", 5060)] {
        let mut wire = Wire::new();
        let invite = format!(
            "INVITE sip:100@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/TCP {via};branch=z9hG4bK1\r\n\
             From: <sip:p@10.0.0.1>;tag=p\r\nTo: <sip:100@10.0.0.2>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:p@10.0.0.1;transport=tcp>\r\nContent-Length: 0\r\n\r\n"
        );
        let to = |wire: &mut Wire| -> Vec<(Hop, String)> {
            let sent = core::iter::from_fn(|| wire.ua.poll());
            let send = |output| match output {
                Output::Send { to, bytes } => Some((to, String::from_utf8(bytes).expect("text"))),
                Output::Event(_) => None,
            };
            sent.filter_map(send).collect()
        };
        wire.ua.handle(wire.now, Input::Message { from: source, bytes: invite.as_bytes() });
        assert_eq!(to(&mut wire)[0].0, source);
        let listens = Hop::new(Transport::Tcp, SocketAddr::from(([10, 0, 0, 1], port)));
        // RFC 3261 §18.2.2: the port that the Via names.
        wire.ua.handle(wire.now, Input::Lost(source));
        wire.ua.handle(wire.now, Input::Command(Command::Answer(LegId::incoming(1), media(2))));
        let sent = to(&mut wire);
        assert!(sent.len() == 1 && sent[0].0 == listens && sent[0].1.starts_with("SIP/2.0 200"), "{sent:?}");
        // Nobody there: it is not asked in a circle, but by the timer of the 200.
        wire.ua.handle(wire.now, Input::Lost(listens));
        assert!(to(&mut wire).is_empty());
    }
}

#[test]
fn a_final_answer_that_may_be_lost_goes_again_on_the_new_connection() {
    let source = Hop::new(Transport::Tcp, SocketAddr::from(([10, 0, 0, 1], 40_000)));
    for refused in [true, false] {
        let mut wire = Wire::new();
        let invite = "INVITE sip:100@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1:5090;branch=z9hG4bK1\r\n\
             From: <sip:p@10.0.0.1>;tag=p\r\nTo: <sip:100@10.0.0.2>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:p@10.0.0.1;transport=tcp>\r\nContent-Length: 0\r\n\r\n";
        wire.ua.handle(wire.now, Input::Message { from: source, bytes: invite.as_bytes() });
        let leg = LegId::incoming(1);
        let order = match refused {
            true => Command::Hangup(leg, Cause::Busy),
            false => Command::Answer(leg, media(2)),
        };
        wire.ua.handle(wire.now, Input::Command(order));
        while wire.ua.poll().is_some() {}
        wire.ua.handle(wire.now, Input::Lost(source));
        let Some(Output::Send { to, bytes }) = wire.ua.poll() else { panic!("nothing goes again") };
        assert_eq!(to, Hop::new(Transport::Tcp, SocketAddr::from(([10, 0, 0, 1], 5090))));
        assert!(bytes.starts_with(if refused { b"SIP/2.0 486" } else { b"SIP/2.0 200" }));
    }
}

#[test]
fn a_phone_whose_connection_breaks_is_away_unless_it_listens() {
    let mut net = Net::registered_by(Transport::Tcp, 8);
    // Its Contact says where it listens, and that is no other place than the connection's: it is away.
    net.input(BOX, Input::Lost(Hop::new(Transport::Tcp, addr(3))));
    net.expect(BOX, &Event::PhoneGone(HANDSET));
    let mut net = Net::registered_by(Transport::Tcp, 8);
    let seen = SocketAddr::from(([10, 0, 0, 3], 40_000));
    if let Some(binding) = net.uas[BOX].1.bindings.get_mut(&HANDSET) {
        binding.flow = Hop::new(Transport::Tcp, seen);
    }
    net.input(BOX, Input::Lost(Hop::new(Transport::Tcp, seen)));
    net.expect(BOX, &Event::PhoneRegistered(HANDSET, addr(3)));
    net.call(BOX, HANDSET, "phone", caller("", "1"));
    net.incoming(PHONE);
}

#[test]
fn the_next_server_is_tried_when_one_fails() {
    let mut net = several(9, &[1, 4]);
    net.deaf.push(addr(5));
    net.command(BOX, Command::Locate(TRUNK, hops(&[5, 6, 4, 1])));
    net.command(BOX, Command::Register(TRUNK));
    net.run(Duration::from_secs(1));
    assert_eq!([5, 6, 4, 1].map(|host| registers(&net, host)), [1, 1, 2, 0], "{net}");
    // A call goes where the registration is, and on to the next server if that one breaks.
    net.deaf.push(addr(4));
    let out = net.call(BOX, TRUNK, "100", caller("", ""));
    let (into, ..) = net.incoming(PROVIDER);
    net.command(PROVIDER, Command::Answer(into, media(1)));
    net.answered(BOX, out);
    net.command(BOX, Command::Hangup(out, Cause::Normal));
    net.expect(PROVIDER, &Event::Ended(into, Cause::Normal));
    assert_eq!(net.endings(BOX, out), 1);
}

#[test]
fn when_all_servers_have_failed_there_is_a_pause_and_the_first_begins() {
    let mut net = several(10, &[1]);
    net.deaf.push(addr(1));
    net.command(BOX, Command::Locate(TRUNK, hops(&[1, 4])));
    net.command(BOX, Command::Register(TRUNK));
    net.run(Duration::from_secs(1));
    assert_eq!((registers(&net, 1), registers(&net, 4)), (1, 1), "{net}");
    assert!(matches!(net.told[BOX].last(), Some(Event::RegisterFailed(_, Cause::Unavailable, _))));
    net.deaf.clear();
    net.run(Duration::from_secs(10));
    assert!(net.told[BOX].iter().any(|e| matches!(e, Event::Registered(..))), "{net}");
    assert_eq!(registers(&net, 4), 1, "{net}");
    // What works stays although the name now puts another first.
    net.command(BOX, Command::Locate(TRUNK, hops(&[4, 1])));
    net.command(BOX, Command::Register(TRUNK));
    net.run(Duration::from_secs(1));
    assert_eq!(registers(&net, 4), 1, "{net}");
}

#[test]
fn a_datagram_too_large_goes_by_tcp_where_the_name_offers_it() {
    let long = "1".repeat(900);
    let offers = |tcp: bool| {
        let mut hops = vec![Hop::udp(addr(1))];
        hops.extend(tcp.then(|| Hop::new(Transport::Tcp, addr(1))));
        Command::Locate(TRUNK, hops)
    };
    let sent = |net: &Net, by: &str| net.count(&format!("10.0.0.2 -> 10.0.0.1{by} INVITE"));
    // Offered: by TCP. Small ones stay on UDP.
    let mut net = Net::registered(11);
    net.command(BOX, offers(true));
    net.call(BOX, TRUNK, &long, caller("", ""));
    net.incoming(PROVIDER);
    assert!(sent(&net, " by tcp") >= 1 && sent(&net, "") == 0, "{net}");
    assert!(last(&net, "INVITE").contains("Via: SIP/2.0/TCP "));
    net.call(BOX, TRUNK, "1", caller("", ""));
    net.incoming(PROVIDER);
    assert!(sent(&net, "") >= 1, "{net}");
    // Offered and not there: by UDP after all.
    let mut net = Net::registered(12);
    net.deaf.push(addr(1));
    net.command(BOX, offers(true));
    net.call(BOX, TRUNK, &long, caller("", ""));
    net.incoming(PROVIDER);
    assert!(sent(&net, " by tcp") >= 1 && sent(&net, "") >= 1, "{net}");
    // Not offered: by UDP.
    let mut net = Net::registered(13);
    net.command(BOX, offers(false));
    net.call(BOX, TRUNK, &long, caller("", ""));
    net.incoming(PROVIDER);
    assert_eq!(sent(&net, " by tcp"), 0, "{net}");
}

/// The provider reaches the box at its new address, and was told that the old one goes.
fn has_moved(net: &Net, moved: SocketAddr) {
    let register = last(net, "REGISTER");
    assert!(register.contains("Contact: <sip:house@10.0.0.22:5060>;expires=600\r\n"), "{register}");
    assert!(register.contains("Contact: <sip:house@10.0.0.2:5060>;expires=0\r\n"), "{register}");
    assert_eq!(net.uas[PROVIDER].1.bindings[&AT_BOX].flow.addr, moved);
}

#[test]
fn a_new_address_of_ours_is_registered_in_place_of_the_old_one() {
    let mut net = Net::registered(14);
    let moved = SocketAddr::from(([10, 0, 0, 22], 5060));
    net.uas[BOX].0 = moved;
    net.command(BOX, Command::Relocate(moved.ip()));
    net.run(Duration::from_secs(1));
    has_moved(&net, moved);
}

#[test]
fn an_address_that_comes_while_a_register_is_on_its_way_is_registered_too() {
    let mut net = Net::registered(14);
    let moved = SocketAddr::from(([10, 0, 0, 22], 5060));
    net.command(BOX, Command::Register(TRUNK));
    net.uas[BOX].0 = moved;
    net.command(BOX, Command::Relocate(moved.ip()));
    // The REGISTER that names the old one is sent once more, from the new one, and answered there.
    net.run(Duration::from_secs(3));
    has_moved(&net, moved);
}

#[test]
fn each_family_sees_its_own_address() {
    let v6: SocketAddr = "[2001:db8::1]:5060".parse().expect("an address");
    let own: std::net::IpAddr = "2001:db8::2".parse().expect("an address");
    let peer = AccountKind::Static { addr: Hop::udp(v6) };
    let ours = vec![(TRUNK, Side::Trunk, upstream(1, "house", "p")), (HANDSET, Side::Phone, peer)];
    let mut wire = Wire::new();
    wire.ua = agent(2, 5, ours).1;
    wire.command(Command::Relocate(own));
    let mut called = |n, account| {
        wire.command(Command::Call {
            leg: LegId::outgoing(n),
            account,
            to: "1".to_owned(),
            caller: caller("", "1"),
            media: media(2),
            manner: Manner::default(),
        });
        let request = wire.one();
        (
            request.via().host,
            request.headers.first("Contact").unwrap_or_default().to_owned(),
            String::from_utf8_lossy(&request.body).into_owned(),
        )
    };
    let (via, contact, sdp) = called(1, HANDSET);
    assert_eq!((via.as_str(), contact.as_str()), ("2001:db8::2", "<sip:box@[2001:db8::2]:5060>"));
    assert!(sdp.contains("c=IN IP6 2001:db8::2\r\n") && sdp.contains("m=audio 4000 "), "{sdp}");
    let (via, contact, sdp) = called(2, TRUNK);
    assert_eq!((via.as_str(), contact.as_str()), ("10.0.0.2", "<sip:house@10.0.0.2:5060>"));
    assert!(sdp.contains("c=IN IP4 10.0.0.2\r\n"), "{sdp}");
    // And so is an answer.
    let invite = "INVITE sip:100@[2001:db8::2] SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;rport\r\n\
         From: <sip:p@[2001:db8::1]>;tag=p\r\nTo: <sip:100@[2001:db8::2]>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:p@[2001:db8::1]>\r\nContent-Length: 0\r\n\r\n";
    wire.ua.handle(wire.now, Input::Message { from: Hop::udp(v6), bytes: invite.as_bytes() });
    wire.ua.handle(wire.now, Input::Command(Command::Answer(LegId::incoming(1), media(2))));
    let sent = core::iter::from_fn(|| wire.ua.poll()).filter_map(|output| match output {
        Output::Send { bytes, .. } => String::from_utf8(bytes).ok(),
        Output::Event(_) => None,
    });
    let ok = sent.last().unwrap_or_default();
    assert!(
        ok.contains("c=IN IP6 2001:db8::2\r\n") && ok.contains("Contact: <sip:box@[2001:db8::2]"),
        "{ok}"
    );
}
