//! REGISTER from both ends.

use super::*;
use crate::sip::Cause;

fn registrations(net: &Net, who: usize) -> usize {
    net.told[who].iter().filter(|event| matches!(event, Event::Registered(..))).count()
}

#[test]
fn a_registration_is_challenged_granted_and_refreshed() {
    let mut net = Net::new(1);
    net.command(PHONE, Command::Register(AT_BOX));
    net.expect(BOX, &Event::PhoneRegistered(HANDSET, addr(3)));
    net.run(Duration::from_secs(1));
    assert_eq!((net.count(" REGISTER "), registrations(&net, PHONE)), (2, 1), "{net}");
    net.run(Duration::from_secs(3600));
    // 600 s granted, refreshed each 510 s: at 510, 1020 … 3570.
    assert_eq!(registrations(&net, PHONE), 8, "{net}");
    assert!(!net.told[BOX].contains(&Event::PhoneGone(HANDSET)));
}

#[test]
fn a_phone_that_vanishes_is_gone_when_its_time_is_up() {
    let mut net = Net::registered(2);
    net.passes = Box::new(|_| false);
    net.run(Duration::from_secs(590));
    assert!(!net.told[BOX].contains(&Event::PhoneGone(HANDSET)));
    net.expect(BOX, &Event::PhoneGone(HANDSET));
    assert!(net.told[PHONE].iter().any(|e| matches!(e, Event::RegisterFailed(_, Cause::Timeout, _))));
}

#[test]
fn a_phone_that_signs_off_is_gone_at_once() {
    let mut net = Net::registered(3);
    net.command(PHONE, Command::Unregister(AT_BOX));
    net.expect(BOX, &Event::PhoneGone(HANDSET));
    let before = net.told[PHONE].len();
    net.run(Duration::from_secs(3600));
    assert_eq!(net.told[PHONE].len(), before);
    assert!(net.uas[PHONE].1.registrations.is_empty());
}

#[test]
fn a_wrong_password_is_told_and_not_hammered() {
    let mut net = Net::new(4);
    net.uas[PHONE] = agent(3, 9, vec![(AT_BOX, Side::Trunk, upstream(2, "phone", "wrong"))]);
    net.command(PHONE, Command::Register(AT_BOX));
    net.run(Duration::from_secs(1));
    assert!(refusals(&net, PHONE) == [Cause::Unauthorized] && net.count(" REGISTER ") <= 3, "{net}");
    net.run(Duration::from_secs(14 * 60));
    assert!(net.count(" REGISTER ") <= 3, "{net}");
    // After 15 minutes, 30, 60, 120 and then each four hours.
    net.run(Duration::from_secs(24 * 3600));
    assert!((8..=10).contains(&refusals(&net, PHONE).len()), "{net}");
    assert!(net.uas[BOX].1.bindings.is_empty());
}

fn refusals(net: &Net, who: usize) -> Vec<Cause> {
    let refused = |event: &Event| match event {
        Event::RegisterFailed(_, cause, _) => Some(*cause),
        _ => None,
    };
    net.told[who].iter().filter_map(refused).collect()
}

#[test]
fn who_was_refused_is_heard_at_once_when_the_owner_asks_and_recovers_by_himself() {
    let mut net = Net::new(41);
    let right = core::mem::replace(
        &mut net.uas[BOX],
        agent(2, 77, vec![(HANDSET, Side::Phone, registers_here("phone", "another"))]),
    );
    net.command(PHONE, Command::Register(AT_BOX));
    net.run(Duration::from_secs(1));
    assert_eq!(refusals(&net, PHONE), [Cause::Unauthorized], "{net}");
    // The owner presses the button, and it is as wrong as before.
    net.command(PHONE, Command::Register(AT_BOX));
    net.run(Duration::from_secs(1));
    assert_eq!(refusals(&net, PHONE).len(), 2, "{net}");
    // The provider has put it right; nobody touches the box.
    net.uas[BOX] = right;
    net.run(Duration::from_secs(3600));
    assert!(registrations(&net, PHONE) > 0, "{net}");
}

#[test]
fn a_second_phone_without_the_password_takes_nothing_over() {
    let mut net = Net::registered(5);
    net.uas.push(agent(4, 44, vec![(AT_BOX, Side::Trunk, upstream(2, "phone", "guess"))]));
    net.told.push(Vec::new());
    net.seen.push(0);
    net.command(3, Command::Register(AT_BOX));
    net.command(3, Command::Unregister(AT_BOX));
    let stolen = net.call(3, AT_BOX, "911", caller("", ""));
    net.expect(3, &Event::Ended(stolen, Cause::Unauthorized));
    net.run(Duration::from_secs(2));
    assert!(!net.told[BOX].iter().any(|e| matches!(e, Event::PhoneGone(_) | Event::Incoming { .. })));
    net.call(BOX, HANDSET, "phone", caller("", "1"));
    net.incoming(PHONE);
    assert!(!net.told[3].iter().any(|e| matches!(e, Event::Incoming { .. })));
}

#[test]
fn a_second_phone_with_the_password_is_where_calls_go() {
    let mut net = Net::registered(6);
    net.uas.push(agent(4, 44, vec![(AT_BOX, Side::Trunk, upstream(2, "phone", "phone pass"))]));
    net.told.push(Vec::new());
    net.seen.push(0);
    net.command(3, Command::Register(AT_BOX));
    net.expect(BOX, &Event::PhoneRegistered(HANDSET, addr(4)));
    net.call(BOX, HANDSET, "phone", caller("", "1"));
    net.incoming(3);
}

#[test]
fn failures_back_off_and_recovery_is_found() {
    let mut net = Net::new(7);
    net.passes = Box::new(|_| false);
    net.command(BOX, Command::Register(TRUNK));
    net.run(Duration::from_secs(3600));
    let failures = net.told[BOX].len();
    // 32 s for each try, and pauses that grow to 300 s.
    assert!((9..25).contains(&failures), "{failures}: {net}");
    net.passes = Box::new(|_| true);
    net.run(Duration::from_secs(400));
    assert_eq!(registrations(&net, BOX), 1, "{net}");
}

#[test]
fn nat_is_kept_open_while_registered() {
    let mut net = Net::registered(8);
    let before = net.sent;
    net.run(Duration::from_secs(300));
    assert_eq!(net.sent - before, 20, "one keep-alive each 29 s from the box and from the phone");
}
