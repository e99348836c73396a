//! What the phone is shown: the lamp for what was missed, the ring of a call that comes back, hops that run out.

use super::world::{House, PHONE, World, s};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::sounds::Sound;
use hold_slayer::sip::Caller;
use std::net::SocketAddr;

/// The SIP messages of this method that the box sent to the phone.
fn to_phone(world: &World, method: &str) -> Vec<String> {
    let said = world.said.iter().filter(|(to, text)| to.ip() == PHONE && text.starts_with(method));
    said.map(|(_, text)| text.clone()).collect()
}

fn waiting(world: &World) -> Vec<bool> {
    to_phone(world, "NOTIFY ").iter().map(|text| text.contains("Messages-Waiting: yes")).collect()
}

#[test]
fn a_missed_call_lights_the_lamp_until_the_owner_lifts_the_handset() {
    let owner = vec![
        Owner::Register,
        Owner::AwaitRing,
        Owner::AwaitRingEnd,
        Owner::Wait(s(5)),
        Owner::Dial("*95".into()),
        Owner::AwaitEnd,
    ];
    let mut world = World::new(&House::default(), vec![Far::Forever], owner);
    world.run(s(1));
    // The caller gives up: his line is cut after the phone has rung for a while.
    world.company.call(world.now, "15559999", Caller::default(), vec![Far::Ring(s(5)), Far::HangUp]);
    world.run(s(8));
    assert_eq!(waiting(&world), [true], "{}", world.tale());
    world.run(s(30));
    assert_eq!(waiting(&world), [true, false], "{}", world.tale());
}

#[test]
fn a_held_call_that_comes_back_rings_in_its_own_way() {
    let agent = Far::Agent { patience: s(60) };
    let company = vec![Far::Answer, Far::Loop(Sound::Music, s(20)), agent, Far::HangUp];
    let owner = vec![
        Owner::Register,
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(5)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::AwaitEnd,
    ];
    let mut world = World::new(&House::default(), company, owner);
    world.run(s(150));
    let rings = to_phone(&world, "INVITE ");
    assert!(!rings.is_empty(), "{}", world.tale());
    assert!(
        rings.iter().all(|text| text.contains("Alert-Info: <http://127.0.0.1>;info=HOLD\r\n")),
        "{rings:?}"
    );
    assert!(waiting(&world).is_empty(), "nothing was missed: {}", world.tale());
    // The trunk's leg goes on what the phone's brought, less one hop.
    let out = world.said.iter().find(|(to, text)| to.ip() != PHONE && text.starts_with("INVITE "));
    assert!(out.is_some_and(|(_, text)| text.contains("Max-Forwards: 69\r\n")), "{out:?}");
    assert!(out.is_some_and(|(_, text)| !text.contains("Alert-Info")), "{out:?}");
}

#[test]
fn a_call_without_hops_left_goes_no_further() {
    let mut world = World::new(&House::default(), vec![Far::Forever], vec![Owner::Register]);
    world.run(s(1));
    let from = SocketAddr::new(super::world::COMPANY, 5060);
    for (hops, rings) in [(0, 0), (1, 1)] {
        let text = format!(
            "INVITE sip:house@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKh{hops};rport\r\n\
             From: <sip:1@company>;tag=h\r\nTo: <sip:house@10.0.0.1>\r\nCall-ID: h{hops}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:1@10.0.0.3>\r\nMax-Forwards: {hops}\r\nContent-Length: 0\r\n\r\n"
        );
        world.inject(from, 5060, text.as_bytes());
        assert_eq!(to_phone(&world, "INVITE ").len(), rings, "{hops}");
    }
    assert!(to_phone(&world, "INVITE ")[0].contains("Max-Forwards: 0\r\n"));
}
