//! Calls whose sound is encrypted on one side, on both, or as it happens.

use super::world::{COMPANY, House, PHONE, World, ms, s};
use hold_slayer::call::{Outcome, Phase};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::{FlashBy, Step as Owner};
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sip::Srtp::{self, Off, Optional, Required};
use std::net::IpAddr;

fn house(phone: (Srtp, Srtp), trunk: (Srtp, Srtp)) -> House {
    House { phone_srtp: phone, trunk_srtp: trunk, ..House::default() }
}

fn dial() -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial("18005550123".into()), Owner::AwaitAnswer]
}

/// The last description that the box sent there.
fn described(world: &World, to: IpAddr) -> &str {
    let mut said = world.said.iter().rev();
    let found = said.find(|(at, text)| at.ip() == to && text.contains("m=audio"));
    found.map_or("", |(_, text)| text.as_str())
}

#[test]
fn each_side_is_encrypted_as_both_of_its_ends_want() {
    // The phone's side (box, phone) and the trunk's (box, company); then which of them are encrypted.
    let cases = [
        ((Required, Required), (Off, Off), (true, false)),
        ((Off, Off), (Required, Required), (false, true)),
        ((Optional, Required), (Required, Optional), (true, true)),
        ((Optional, Optional), (Optional, Optional), (true, true)),
        ((Optional, Off), (Optional, Off), (false, false)),
        ((Off, Optional), (Off, Optional), (false, false)),
    ];
    for (phone, trunk, (house_side, line_side)) in cases {
        let company = vec![Far::Ring(s(2)), Far::Answer, Far::Tone(1_200, s(3)), Far::Forever];
        let owner = [dial(), vec![Owner::Tone(800, s(3)), Owner::Wait(s(5)), Owner::HangUp]].concat();
        let mut world = World::new(&house(phone, trunk), company, owner);
        assert!(world.run_until(s(20), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
        let call = &world.snapshot().calls[0];
        assert_eq!((call.phones_encrypted, call.line_encrypted), (house_side, line_side));
        for (to, encrypted) in [(PHONE, house_side), (COMPANY, line_side)] {
            let text = described(&world, to);
            assert!(!encrypted || text.contains("a=crypto:"), "{text}");
        }
        world.run(s(20));
        let heard = |who, hz| world.seen(who, |f| *f == Fact::HearsTone(hz)).is_some();
        assert!(heard(Who::Company, 800) && heard(Who::Phone, 1_200), "{}", world.tale());
        assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    }
}

#[test]
fn without_it_there_is_no_call_where_it_must_be() {
    // The company knows nothing of it and refuses the offer.
    let mut world = World::new(&house((Off, Off), (Required, Off)), vec![Far::Answer, Far::Forever], dial());
    world.run(s(20));
    assert_eq!(world.outcome(1), Some(Outcome::Failed), "{}", world.tale());
    assert!(described(&world, COMPANY).contains("RTP/SAVP "), "{}", described(&world, COMPANY));
    // The phone offers sound in the clear to a box that wants it encrypted: refused before anybody is called.
    let mut world = World::new(&house((Required, Off), (Off, Off)), vec![Far::Answer, Far::Forever], dial());
    world.run(s(20));
    assert!(
        world.records.is_empty()
            && world.said.iter().any(|(to, text)| to.ip() == PHONE
                && text.starts_with("SIP/2.0 488")
                && text.contains("SRTP is required here"))
    );
}

#[test]
fn an_emergency_call_goes_in_the_clear_rather_than_not_at_all() {
    for company in [Off, Optional] {
        let script = vec![Far::Answer, Far::Tone(1_200, s(3)), Far::Forever];
        let owner = vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial("911".into()), Owner::AwaitAnswer];
        let mut world = World::new(&house((Off, Off), (Required, company)), script, owner);
        assert!(world.run_until(s(5), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
        assert_eq!(world.snapshot().calls[0].line_encrypted, company == Optional, "{}", world.tale());
        world.run(s(2));
        assert!(world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).is_some(), "{}", world.tale());
    }
}

#[test]
fn a_phone_reaches_help_whatever_it_and_the_house_want() {
    let cases = [
        ("911", Required, Off),
        ("9-1-1", Required, Off),
        ("*67911", Required, Off),
        ("911", Required, Optional),
        ("911", Off, Required),
        ("911", Off, Off),
    ];
    for (number, house_wants, phone) in cases {
        let script = vec![Far::Answer, Far::Tone(1_200, s(3)), Far::Forever];
        let owner = vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(number.into()), Owner::AwaitAnswer];
        let mut world = World::new(&house((house_wants, phone), (Off, Off)), script, owner);
        assert!(world.run_until(s(5), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
        assert_eq!(world.snapshot().calls[0].phones_encrypted, phone != Off, "{}", world.tale());
        world.run(s(2));
        assert!(world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).is_some(), "{}", world.tale());
    }
}

#[test]
fn a_call_in_rings_an_encrypted_phone() {
    let owner =
        vec![Owner::Register, Owner::AwaitRing, Owner::PickUp, Owner::Tone(800, s(3)), Owner::AwaitEnd];
    let mut world = World::new(&house((Required, Required), (Optional, Optional)), vec![], owner);
    world.run(s(2));
    let caller = hold_slayer::sip::Caller { number: "15551234".into(), ..Default::default() };
    let script = vec![Far::Tone(1_200, s(3)), Far::Quiet(s(3)), Far::HangUp];
    world.company.call(world.now, "house", caller, script);
    world.run(s(20));
    let heard = |who, hz| world.seen(who, |f| *f == Fact::HearsTone(hz)).is_some();
    assert!(heard(Who::Company, 800) && heard(Who::Phone, 1_200), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
}

#[test]
fn a_hold_is_waited_out_encrypted() {
    let company = vec![Far::Answer, Far::Loop(Sound::Music, s(40)), Far::Agent { patience: s(120) }];
    let owner = [
        dial(),
        vec![
            // The phone's own hold first: the keys outlive it.
            Owner::Wait(s(2)),
            Owner::Flash(FlashBy::Hold),
            Owner::Wait(s(2)),
            Owner::Resume,
            Owner::Wait(s(2)),
            Owner::Press("**".into()),
            Owner::Listen(s(8)),
            Owner::HangUp,
            Owner::AwaitRing,
            Owner::Wait(s(2)),
            Owner::PickUp,
            Owner::Wait(s(1)),
            Owner::Say(Sound::OwnerHello),
            Owner::Listen(s(8)),
            Owner::Say(Sound::OwnerThanks),
            Owner::HangUp,
        ],
    ]
    .concat();
    let mut world = World::new(&house((Optional, Optional), (Required, Required)), company, owner);
    world.run(s(200));
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert!(world.worst_gap <= ms(40), "{:?}", world.worst_gap);
    let hears = |sound| world.seen(Who::Phone, |f| *f == Fact::Hears(sound)).is_some();
    assert!(hears(Sound::Music), "{}", world.tale());
}
