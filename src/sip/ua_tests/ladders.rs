//! Calls as their SIP ladders.

use super::*;
use crate::sip::Cause;
use crate::units::Digit;

#[test]
fn a_call_is_answered_each_way() {
    let ways = [(BOX, TRUNK, PROVIDER), (PROVIDER, AT_BOX, BOX), (BOX, HANDSET, PHONE), (PHONE, AT_BOX, BOX)];
    for (from, account, to) in ways {
        let mut net = Net::registered(1);
        let (out, into) = net.up(from, account, to);
        net.command(to, Command::Hangup(into, Cause::Normal));
        net.expect(to, &Event::Ended(into, Cause::Normal));
        net.expect(from, &Event::Ended(out, Cause::Normal));
        assert_eq!(net.count(" BYE "), 1, "{net}");
        net.run(Duration::from_secs(33));
        net.assert_idle();
    }
}

#[test]
fn the_caller_hangs_up() {
    let mut net = Net::registered(2);
    let (out, into) = net.up(PHONE, AT_BOX, BOX);
    net.command(PHONE, Command::Hangup(out, Cause::Normal));
    net.expect(BOX, &Event::Ended(into, Cause::Normal));
    net.run(Duration::from_secs(33));
    net.assert_idle();
    assert_eq!((net.endings(BOX, into), net.endings(PHONE, out)), (1, 1));
}

#[test]
fn both_ends_learn_where_the_sound_goes() {
    let mut net = Net::registered(3);
    let out = net.call(BOX, TRUNK, "18005550100", caller("", "house"));
    let (into, called, who, session) = net.incoming(PROVIDER);
    assert_eq!((called.as_str(), who.number.as_str()), ("18005550100", "house"));
    assert_eq!(session.map(|s| s.remote), Some(media(2).addr));
    net.command(PROVIDER, Command::Answer(into, media(1)));
    let session = net.answered(BOX, out);
    assert_eq!((session.remote, session.codec, session.send), (media(1).addr, Codec::Pcmu, true));
    assert_eq!(session.event_type, Some(101));
}

#[test]
fn the_phone_shows_the_name_it_is_given() {
    for name in ["HOLD: 18005550100", "a \"b\" <c>;d", "x\r\nVia: y"] {
        let mut net = Net::registered(4);
        net.call(BOX, HANDSET, "phone", caller(name, "18005550100"));
        let (_, _, who, _) = net.incoming(PHONE);
        assert_eq!((who.name, who.number), (name.replace("\r\n", "  "), "18005550100".to_owned()));
    }
}

#[test]
fn a_trunk_asserts_a_number_that_is_not_its_own() {
    let mut net = Net::registered(5);
    net.call(BOX, TRUNK, "1", caller("Ann", "4912345"));
    net.incoming(PROVIDER);
    let invite = net.uas[PROVIDER].1.legs.values().next().expect("the leg").dialog.remote.clone();
    assert_eq!(invite.uri.to_string(), "sip:house@sip.example");
    let crate::sip::leg::State::Incoming { invite, .. } =
        &net.uas[PROVIDER].1.legs.values().next().expect("it").state
    else {
        panic!("not ringing")
    };
    assert_eq!(invite.headers.first("P-Asserted-Identity"), Some("\"Ann\" <sip:4912345@sip.example>"));
}

#[test]
fn ringing_early_media_ringing_answer() {
    let mut net = Net::registered(6);
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    let (into, ..) = net.incoming(PROVIDER);
    net.command(PROVIDER, Command::Progress(into, media(1)));
    net.until(BOX, |event| {
        matches!(event, Event::Progress(leg, s) if *leg == out && s.remote == media(1).addr).then_some(())
    });
    net.command(PROVIDER, Command::Ringing(into));
    net.expect(BOX, &Event::Ringing(out));
    // Longer than any timer of ours: an INVITE that rings is never given up.
    net.run(Duration::from_secs(1800));
    assert_eq!((net.endings(BOX, out), net.endings(PROVIDER, into)), (0, 0));
    net.command(PROVIDER, Command::Answer(into, media(1)));
    net.answered(BOX, out);
}

#[test]
fn refusals_keep_their_meaning() {
    let causes = [Cause::Busy, Cause::NoAnswer, Cause::Rejected, Cause::NoSuchNumber, Cause::NotAcceptable];
    for cause in causes {
        let mut net = Net::registered(7);
        let out = net.call(BOX, TRUNK, "1", caller("", ""));
        let (into, ..) = net.incoming(PROVIDER);
        net.command(PROVIDER, Command::Hangup(into, cause));
        net.expect(BOX, &Event::Ended(out, cause));
        net.run(Duration::from_secs(64));
        net.assert_idle();
        assert_eq!((net.endings(BOX, out), net.endings(PROVIDER, into)), (1, 1));
    }
}

#[test]
fn cancel_while_it_rings() {
    let mut net = Net::registered(8);
    let out = net.call(BOX, HANDSET, "phone", caller("", "1"));
    let (into, ..) = net.incoming(PHONE);
    net.command(PHONE, Command::Ringing(into));
    net.expect(BOX, &Event::Ringing(out));
    net.command(BOX, Command::Hangup(out, Cause::Normal));
    net.expect(BOX, &Event::Ended(out, Cause::Normal));
    net.expect(PHONE, &Event::Ended(into, Cause::Cancelled));
    net.run(Duration::from_secs(64));
    assert_eq!((net.count(" CANCEL "), net.count("487 ")), (1, 1), "{net}");
    net.assert_idle();
}

#[test]
fn cancel_before_any_response_waits_for_one() {
    let mut net = Net::registered(9);
    let out = net.call(BOX, HANDSET, "phone", caller("", "1"));
    net.command(BOX, Command::Hangup(out, Cause::Normal));
    assert_eq!(net.count(" CANCEL "), 0);
    net.incoming(PHONE);
    net.run(Duration::from_secs(64));
    assert_eq!((net.count(" CANCEL "), net.count("487 ")), (1, 1), "{net}");
    net.assert_idle();
}

#[test]
fn cancel_crosses_200() {
    let mut net = Net::registered(10);
    let out = net.call(BOX, HANDSET, "phone", caller("", "1"));
    let (into, ..) = net.incoming(PHONE);
    net.run(Duration::from_millis(50));
    net.command(PHONE, Command::Answer(into, media(3)));
    net.command(BOX, Command::Hangup(out, Cause::Normal));
    net.expect(PHONE, &Event::Ended(into, Cause::Normal));
    net.run(Duration::from_secs(64));
    assert_eq!((net.count(" ACK "), net.count(" BYE ")), (1, 1), "{net}");
    assert_eq!((net.endings(BOX, out), net.endings(PHONE, into)), (1, 1));
    net.assert_idle();
}

#[test]
fn nobody_there() {
    let mut net = Net::registered(11);
    net.passes = Box::new(|line| !line.contains("10.0.0.2 -> 10.0.0.1"));
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    net.run(Duration::from_secs(31));
    assert_eq!(net.endings(BOX, out), 0);
    net.expect(BOX, &Event::Ended(out, Cause::Timeout));
    assert_eq!(net.count(" INVITE "), 7, "Timer A doubles from 500 ms: {net}");
    net.run(Duration::from_secs(5));
    net.assert_idle();
}

#[test]
fn a_phone_that_is_away_ends_the_leg_at_once() {
    let mut net = Net::new(12);
    let out = net.call(BOX, HANDSET, "phone", caller("", "1"));
    net.expect(BOX, &Event::Ended(out, Cause::Unavailable));
    net.assert_idle();
}

#[test]
fn bye_crosses_bye() {
    let mut net = Net::registered(13);
    let (out, into) = net.up(PHONE, AT_BOX, BOX);
    net.command(PHONE, Command::Hangup(out, Cause::Normal));
    net.command(BOX, Command::Hangup(into, Cause::Normal));
    net.run(Duration::from_secs(33));
    assert_eq!((net.endings(BOX, into), net.endings(PHONE, out)), (1, 1));
    net.assert_idle();
}

#[test]
fn a_200_is_repeated_until_its_ack() {
    let mut net = Net::registered(14);
    let mut lost = 0;
    net.passes = Box::new(move |line| {
        lost += usize::from(line.contains(" ACK "));
        !line.contains(" ACK ") || lost > 3
    });
    let out = net.call(BOX, TRUNK, "1", caller("", ""));
    let (into, ..) = net.incoming(PROVIDER);
    net.command(PROVIDER, Command::Answer(into, media(1)));
    net.answered(BOX, out);
    net.run(Duration::from_secs(60));
    // The first ACK is for the 401, and its loss costs a copy of the 401.
    assert_eq!(net.count("200 OK | CSeq: 2 INVITE"), 3, "{net}");
    assert_eq!((net.endings(BOX, out), net.endings(PROVIDER, into)), (0, 0));
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let mut net = Net::registered(14);
    let mut lost = 0;
    net.passes = Box::new(move |line| {
        lost += usize::from(line.contains("ACK sip:"));
        !line.contains("ACK sip:") || lost > 3
    });
    let out = net.call(PROVIDER, AT_BOX, "house", caller("", "1"));
    let (into, ..) = net.incoming(BOX);
    net.command(BOX, Command::Hangup(into, Cause::Busy));
    net.expect(PROVIDER, &Event::Ended(out, Cause::Busy));
    net.run(Duration::from_secs(64));
    assert_eq!((net.count(" 486 "), net.count("ACK sip:")), (4, 4), "Timer G, and an ACK for each: {net}");
    net.assert_idle();
}

#[test]
fn a_200_without_any_ack_ends_the_leg() {
    let mut net = Net::registered(15);
    net.passes = Box::new(|line| !line.contains(" ACK "));
    let out = net.call(PROVIDER, AT_BOX, "house", caller("", "1"));
    let (into, ..) = net.incoming(BOX);
    net.command(BOX, Command::Answer(into, media(2)));
    net.answered(PROVIDER, out);
    net.expect(BOX, &Event::Ended(into, Cause::Timeout));
    assert_eq!(net.count(" 200 OK | CSeq: 1 INVITE"), 11, "500 ms, doubled up to 4 s, for 32 s: {net}");
    net.expect(PROVIDER, &Event::Ended(out, Cause::Normal));
    net.run(Duration::from_secs(64));
    net.assert_idle();
}

#[test]
fn a_hangup_before_the_ack_waits_for_it() {
    let mut net = Net::registered(16);
    let out = net.call(PROVIDER, AT_BOX, "house", caller("", "1"));
    let (into, ..) = net.incoming(BOX);
    net.command(BOX, Command::Answer(into, media(2)));
    net.command(BOX, Command::Hangup(into, Cause::Normal));
    net.expect(BOX, &Event::Ended(into, Cause::Normal));
    assert_eq!(net.count(" BYE "), 0);
    net.answered(PROVIDER, out);
    net.expect(PROVIDER, &Event::Ended(out, Cause::Normal));
    net.run(Duration::from_secs(64));
    assert_eq!((net.endings(BOX, into), net.count(" BYE ")), (1, 1));
    net.assert_idle();
}

#[test]
fn digits_by_info() {
    let mut net = Net::registered(17);
    let (out, into) = net.up(PHONE, AT_BOX, BOX);
    for sign in "5*#!".chars() {
        let digit = Digit::from_char(sign).expect("a key");
        net.command(PHONE, Command::Info(out, digit, HELD));
        net.expect(BOX, &Event::Info(into, digit, HELD));
    }
}

#[test]
fn orders_for_a_leg_that_has_ended_are_ignored() {
    let mut net = Net::registered(18);
    let (out, into) = net.up(PHONE, AT_BOX, BOX);
    net.command(BOX, Command::Hangup(into, Cause::Normal));
    let before = net.ladder.len();
    for command in [
        Command::Hangup(into, Cause::Busy),
        Command::Answer(into, media(2)),
        Command::Progress(into, media(2)),
        Command::Ringing(into),
        Command::Info(into, Digit::STAR, HELD),
        Command::Hangup(LegId::outgoing(77), Cause::Normal),
    ] {
        net.command(BOX, command);
    }
    assert_eq!(net.ladder.len(), before, "{net}");
    net.expect(PHONE, &Event::Ended(out, Cause::Normal));
}

#[test]
fn static_peers_need_no_registration() {
    let with_box = |side| vec![(AT_BOX, side, AccountKind::Static { addr: Hop::udp(addr(2)) })];
    for (from, account, to) in [(0, AT_BOX, 1), (1, TRUNK, 0), (1, HANDSET, 2), (2, AT_BOX, 1)] {
        let ours = vec![
            (TRUNK, Side::Trunk, AccountKind::Static { addr: Hop::udp(addr(1)) }),
            (HANDSET, Side::Phone, AccountKind::Static { addr: Hop::udp(addr(3)) }),
        ];
        let (provider, phone) = (agent(1, 1, with_box(Side::Phone)), agent(3, 3, with_box(Side::Trunk)));
        let mut net = Net::of(19, vec![provider, agent(2, 2, ours), phone]);
        let (out, into) = net.up(from, account, to);
        net.command(from, Command::Hangup(out, Cause::Normal));
        net.expect(to, &Event::Ended(into, Cause::Normal));
        assert_eq!(net.count("401"), 0);
    }
}

#[test]
fn a_phone_whose_nat_moves_it_is_followed() {
    let mut net = Net::registered(20);
    let (out, into) = net.up(BOX, HANDSET, PHONE);
    net.uas[PHONE].0.set_port(40_404);
    net.command(PHONE, Command::Info(into, Digit::HASH, HELD));
    net.expect(BOX, &Event::Info(out, Digit::HASH, HELD));
    net.command(BOX, Command::Hangup(out, Cause::Normal));
    net.expect(PHONE, &Event::Ended(into, Cause::Normal));
}
