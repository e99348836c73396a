//! Strangers: a guesser and a flood, while the household telephones.

use super::world::{BOX, House, World, ms, s};
use hold_slayer::call::Phase;
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Who};
use std::net::SocketAddr;

fn stranger(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 5060))
}

fn register(user: &str, n: u32) -> Vec<u8> {
    format!(
        "REGISTER sip:{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKg{n};rport\r\n\
         From: <sip:{user}@{BOX}>;tag=g\r\nTo: <sip:{user}@{BOX}>\r\nCall-ID: g{n}\r\nCSeq: 1 REGISTER\r\n\
         Contact: <sip:{user}@203.0.113.9>\r\nMax-Forwards: 70\r\n\
         Authorization: Digest username=\"{user}\", realm=\"house\", nonce=\"0\", uri=\"sip:{BOX}\", response=\"{n:032x}\"\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn talk() -> Vec<Owner> {
    vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::Tone(800, s(8)),
    ]
}

fn discarded(world: &World, kind: &str) -> u64 {
    world.snapshot().discards.get(kind).copied().unwrap_or_default()
}

#[test]
fn a_flood_disturbs_no_call_that_is_up_and_keeps_no_phone_from_registering() {
    let company = vec![Far::Answer, Far::Tone(1_200, s(20)), Far::Forever];
    let mut world = World::new(&House::default(), company, talk());
    assert!(world.run_until(s(5), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    for n in 0..20_000 {
        let bytes = match n % 3 {
            0 => register("hall", n),
            1 => register("1000", n),
            _ => vec![b'x'; 900],
        };
        world.inject(stranger((n % 7) as u8), 5060, &bytes);
        if n % 200 == 0 {
            world.run(ms(20));
        }
    }
    world.run(s(8));
    assert!(world.worst_gap <= ms(40), "{:?}", world.worst_gap);
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(800)).is_some(), "{}", world.tale());
    assert_eq!(world.phase(), Some(Phase::Talking));
    assert!(
        discarded(&world, "banned") + discarded(&world, "flood") > 15_000,
        "{:?}",
        world.snapshot().discards
    );
    assert!(world.snapshot().phones[0].up && world.snapshot().trunks[0].up);
}

#[test]
fn a_phone_registers_while_strangers_guess_its_password() {
    let mut world =
        World::new(&House::default(), vec![], vec![Owner::Wait(s(5)), Owner::Register, Owner::Wait(s(60))]);
    for n in 0..2_000 {
        world.inject(stranger((n % 200) as u8), 5060, &register("hall", n));
    }
    assert!(world.run_until(s(10), |w| w.snapshot().phones[0].up), "{}", world.tale());
}
