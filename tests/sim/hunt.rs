//! Several phones: all at once or in turn, and phones that come and go while the box runs.

use super::world::{House, PHONE, World, room, room_ip, s};
use core::time::Duration;
use hold_slayer::app::core::Event;
use hold_slayer::call::{Outcome, Peer};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Who};
use hold_slayer::phone::hunt::Order;
use hold_slayer::sip::auth::ha1;
use hold_slayer::sip::{Account, AccountKind, Caller, Identity, Side, Srtp};
use hold_slayer::trunk::Rules;
use hold_slayer::units::Instant;
use std::net::IpAddr;

fn answers_after(seconds: u64) -> Vec<Owner> {
    vec![
        Owner::Register,
        Owner::AwaitRing,
        Owner::Wait(s(seconds)),
        Owner::PickUp,
        Owner::Tone(800, s(3)),
        Owner::AwaitEnd,
    ]
}

fn house(order: Order, rooms: Vec<Vec<Owner>>) -> House {
    House { order, rooms, ..House::default() }
}

/// A call comes in at second 2.
fn called(house: &House, hall: Vec<Owner>, run: Duration) -> World {
    let mut world = World::new(house, vec![], hall);
    world.run(s(2));
    let caller = Caller { name: "Aunt".into(), number: "15550001".into(), private: false };
    world.company.call(world.now, "15559999", caller, vec![Far::Tone(1_200, s(3)), Far::HangUp]);
    world.run(run);
    world
}

fn room_rings(world: &World, n: usize) -> Option<Instant> {
    world.rooms[n].2.iter().find(|n| matches!(n.fact, Fact::Called { .. })).map(|n| n.at)
}

fn hall_rings(world: &World) -> Option<Instant> {
    world.seen(Who::Phone, |f| matches!(f, Fact::Called { .. }))
}

/// The CANCELs that the box sent to this host.
fn cancels(world: &World, to: IpAddr) -> Vec<&str> {
    let all = world.said.iter().filter(|(host, text)| host.ip() == to && text.starts_with("CANCEL "));
    all.map(|(_, text)| text.as_str()).collect()
}

#[test]
fn in_turn_the_first_phone_rings_15_seconds_then_the_next_and_the_first_answer_wins() {
    let rooms = vec![answers_after(3), answers_after(1)];
    let world = called(&house(Order::InTurn, rooms), vec![Owner::Register, Owner::AwaitRing], s(40));
    let (hall, room) = (hall_rings(&world).unwrap(), room_rings(&world, 0).unwrap());
    let turn = room.since(hall);
    assert!(turn >= s(15) && turn < s(16), "{turn:?}\n{}", world.tale());
    assert_eq!(room_rings(&world, 1), None, "the call was taken before its turn");
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    let cancelled = cancels(&world, PHONE);
    assert_eq!(cancelled.len(), 1);
    assert!(!cancelled[0].contains("Reason"), "nobody had taken it: it was missed there");
}

#[test]
fn at_once_all_phones_ring_and_the_others_learn_that_the_call_was_taken() {
    let rooms = vec![answers_after(3)];
    let world = called(&house(Order::AtOnce, rooms), vec![Owner::Register, Owner::AwaitRing], s(20));
    assert_eq!(hall_rings(&world), room_rings(&world, 0));
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    let cancelled = cancels(&world, PHONE);
    assert_eq!(cancelled.len(), 1);
    assert!(
        cancelled[0].contains("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"),
        "{}",
        cancelled[0]
    );
    assert!(cancels(&world, room_ip(0)).is_empty());
}

#[test]
fn in_turn_phones_that_are_away_or_on_a_call_are_skipped() {
    // The hall never registers; room 0 is on a call of its own.
    let talks =
        vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial("18005550123".into()), Owner::AwaitAnswer];
    let rooms = vec![talks, answers_after(1)];
    let mut world = World::new(&house(Order::InTurn, rooms), vec![Far::Answer, Far::Forever], vec![]);
    world.run(s(3));
    let caller = Caller { name: "Aunt".into(), number: "15550001".into(), private: false };
    world.company.call(world.now, "15559999", caller, vec![Far::Tone(1_200, s(3)), Far::HangUp]);
    let called = world.now;
    world.run(s(10));
    assert_eq!((hall_rings(&world), room_rings(&world, 0)), (None, None));
    assert!(room_rings(&world, 1).unwrap().since(called) < s(1), "{}", world.tale());
    assert_eq!(world.outcome(2), Some(Outcome::Talked), "{}", world.tale());
}

#[test]
fn in_turn_a_phone_that_refuses_gives_way_at_once_and_the_last_one_rings_on() {
    let hall = vec![Owner::Register, Owner::AwaitRing, Owner::Wait(s(1)), Owner::Decline];
    let world = called(&house(Order::InTurn, vec![answers_after(40)]), hall, s(60));
    let wait = room_rings(&world, 0).unwrap().since(hall_rings(&world).unwrap());
    assert!(wait >= s(1) && wait < s(2), "{wait:?}");
    assert_eq!(
        world.outcome(1),
        Some(Outcome::Talked),
        "it rang on, for nobody came after it\n{}",
        world.tale()
    );
}

#[test]
fn in_turn_the_first_phone_comes_again_after_the_last() {
    let again = vec![Owner::Register, Owner::AwaitRing, Owner::AwaitRingEnd, Owner::AwaitRing, Owner::PickUp];
    let rooms = vec![vec![Owner::Register, Owner::AwaitRing]];
    let world = called(&house(Order::InTurn, rooms), again, s(40));
    assert_eq!(world.rings(), 2, "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
}

#[test]
fn a_phone_that_was_paired_registers_by_its_ha1_and_rings_until_it_is_taken_away() {
    let script = vec![Owner::Wait(s(1)), Owner::Register, Owner::AwaitRing, Owner::PickUp, Owner::AwaitEnd];
    let house = House { strange_rooms: true, ..house(Order::AtOnce, vec![script]) };
    let mut world = World::new(&house, vec![], vec![]);
    let kind = AccountKind::Paired { user: "room0".into(), ha1: ha1("room0", "house", "secret of room0") };
    let account =
        Account { id: room(0), side: Side::Phone, kind, identity: Identity::default(), srtp: Srtp::Off };
    let peer = Peer {
        wideband: false,
        listens: false,
        own: false,
        id: room(0),
        side: Side::Phone,
        name: "attic".into(),
        channels: usize::MAX,
        is_static: false,
        rings: s(15),
        rules: Rules::default(),
    };
    world.tell(Event::Admit(Box::new((account, peer))));
    world.run(s(2));
    let attic = |world: &World| world.snapshot().phones.into_iter().find(|phone| phone.name == "attic");
    let seen = attic(&world).unwrap();
    assert!(seen.up && seen.registration.since.is_some(), "{seen:?}");
    let caller = Caller { name: "Aunt".into(), number: "15550001".into(), private: false };
    world.company.call(world.now, "15559999", caller, vec![Far::Forever]);
    world.run(s(3));
    assert_eq!(world.snapshot().calls.len(), 1, "{}", world.tale());
    world.tell(Event::Dismiss(room(0)));
    world.run(s(2));
    assert!(attic(&world).is_none() && world.snapshot().calls.is_empty(), "{}", world.tale());
    assert_eq!(world.company.calls(), 0, "nobody is left in a call with a phone that is gone");
    let stranger = b"REGISTER sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.2.0;branch=z9hG4bKx\r\nFrom: <sip:room0@10.0.0.1>;tag=1\r\n\
        To: <sip:room0@10.0.0.1>\r\nCall-ID: x\r\nCSeq: 9 REGISTER\r\nContact: <sip:room0@10.0.2.0>\r\nContent-Length: 0\r\n\r\n";
    world.inject((room_ip(0), 5060).into(), 5060, stranger);
    assert!(world.said.last().unwrap().1.starts_with("SIP/2.0 403"), "{}", world.said.last().unwrap().1);
}
