//! An ordinary telephone line: both ways, every ending, the phone's own hold.

use super::net::Weather;
use super::world::{COMPANY, House, World, ms, s};
use hold_slayer::call::{Outcome, Phase, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::{FlashBy, Step as Owner};
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sip::{Caller, Cause};
use hold_slayer::units::{CallId, Codec};

const NUMBER: &str = "18005550123";

fn dial() -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(NUMBER.into()), Owner::AwaitAnswer]
}

/// Each side hears the other's test tone.
fn tones_both_ways(world: &World) {
    let heard = |who, hz| world.seen(who, |f| *f == Fact::HearsTone(hz)).is_some();
    assert!(heard(Who::Company, 800), "the company does not hear the owner\n{}", world.tale());
    assert!(heard(Who::Phone, 1_200), "the owner does not hear the company\n{}", world.tale());
}

#[test]
fn a_call_out_is_answered_and_both_hear_each_other() {
    for (phone_codec, trunk_codec) in
        [(Codec::Pcmu, Codec::Pcmu), (Codec::Pcma, Codec::Pcmu), (Codec::Pcmu, Codec::Pcma)]
    {
        let house = House { phone_codec, trunk_codec, ..House::default() };
        let company = vec![Far::Ring(s(2)), Far::Answer, Far::Tone(1_200, s(3)), Far::Forever];
        let owner = [dial(), vec![Owner::Tone(800, s(3)), Owner::HangUp]].concat();
        let mut world = World::new(&house, company, owner);
        world.run(s(20));
        tones_both_ways(&world);
        assert_eq!(world.count(Who::Phone, |f| *f == Fact::HearsRinging), 1);
        assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
        let record = world.record(1);
        assert!(
            record.outgoing
                && record.number == NUMBER
                && record.answered.is_some()
                && record.heard.is_empty()
        );
    }
}

#[test]
fn a_call_in_rings_the_phone_with_the_callers_number() {
    let mut world = World::new(
        &House::default(),
        vec![],
        vec![
            Owner::Register,
            Owner::AwaitRing,
            Owner::Wait(s(2)),
            Owner::PickUp,
            Owner::Tone(800, s(3)),
            Owner::AwaitEnd,
        ],
    );
    world.run(s(2));
    let caller = Caller { name: "Aunt".into(), number: "15550001".into(), private: false };
    let script = vec![Far::Tone(1_200, s(3)), Far::HangUp];
    world.company.call(world.now, "15559999", caller.clone(), script);
    world.run(s(15));
    tones_both_ways(&world);
    let shown =
        world.seen(Who::Phone, |f| matches!(f, Fact::Called { caller: c, .. } if c.number == "15550001"));
    assert!(shown.is_some(), "{}", world.tale());
    assert_eq!(world.count(Who::Company, |f| *f == Fact::HearsRinging), 1);
    assert_eq!((world.outcome(1), world.record(1).outgoing), (Some(Outcome::Talked), false));
}

#[test]
fn early_media_is_heard_before_the_answer() {
    let company = vec![Far::EarlyMedia, Far::Tone(1_200, s(3)), Far::Answer, Far::Forever];
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial(NUMBER.into()),
        Owner::AwaitSound,
        Owner::AwaitAnswer,
        Owner::Tone(800, s(2)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), company, owner);
    world.run(s(15));
    tones_both_ways(&world);
    let heard = world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).unwrap();
    let answered = world.seen(Who::Phone, |f| *f == Fact::Answered).unwrap();
    assert!(heard < answered, "{}", world.tale());
}

#[test]
fn a_refusal_reaches_the_caller_as_what_it_was() {
    for (cause, outcome) in [
        (Cause::Busy, Outcome::Busy),
        (Cause::NoAnswer, Outcome::NoAnswer),
        (Cause::Rejected, Outcome::Failed),
        (Cause::NoSuchNumber, Outcome::Failed),
    ] {
        let mut world = World::new(&House::default(), vec![Far::Ring(s(1)), Far::Refuse(cause)], dial());
        world.run(s(10));
        assert!(
            world.seen(Who::Phone, |f| *f == Fact::Ended(cause)).is_some(),
            "{cause:?}\n{}",
            world.tale()
        );
        assert_eq!(world.outcome(1), Some(outcome), "{cause:?}");
        assert!(world.snapshot().calls.is_empty());
    }
}

#[test]
fn nobody_at_home_is_told_to_the_caller() {
    let mut world = World::new(&House::default(), vec![], vec![]);
    world.run(s(1));
    world.company.call(world.now, "15559999", Caller::default(), vec![Far::Forever]);
    world.run(s(5));
    assert!(world.seen(Who::Company, |f| matches!(f, Fact::Ended(_))).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Failed));
}

#[test]
fn a_declined_call_in_is_rejected_at_the_caller() {
    let owner = vec![Owner::Register, Owner::AwaitRing, Owner::Decline];
    let mut world = World::new(&House::default(), vec![], owner);
    world.run(s(2));
    world.company.call(world.now, "15559999", Caller::default(), vec![Far::Forever]);
    world.run(s(5));
    assert!(world.seen(Who::Company, |f| *f == Fact::Ended(Cause::Rejected)).is_some(), "{}", world.tale());
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing_there() {
    let owner = [&dial()[..3], &[Owner::Wait(s(4)), Owner::HangUp]].concat();
    let mut world = World::new(&House::default(), vec![Far::Ring(s(60))], owner);
    world.run(s(10));
    assert!(
        world.seen(Who::Company, |f| matches!(f, Fact::StopsRinging | Fact::Ended(_))).is_some(),
        "{}",
        world.tale()
    );
    assert_eq!(world.outcome(1), Some(Outcome::Cancelled));
    assert_eq!(world.company.calls(), 0);
}

#[test]
fn a_cancel_that_crosses_the_answer_leaves_nobody_connected() {
    // The company answers at the very moment at which the owner hangs up; the sweep makes every crossing happen.
    for offset in (0..=40).step_by(2) {
        let owner = [&dial()[..3], &[Owner::Wait(ms(1_980 + offset)), Owner::HangUp]].concat();
        let mut world =
            World::new(&House::default(), vec![Far::Ring(s(2)), Far::Answer, Far::Forever], owner);
        world.run(s(60));
        assert_eq!(world.company.calls(), 0, "offset {offset}\n{}", world.tale());
        assert!(world.snapshot().calls.is_empty(), "offset {offset}");
        assert!(matches!(world.outcome(1), Some(Outcome::Cancelled | Outcome::Talked)), "offset {offset}");
    }
}

#[test]
fn the_phones_own_hold_is_never_passed_to_the_trunk() {
    let company = vec![Far::Answer, Far::Tone(1_200, s(30)), Far::Forever];
    let owner = vec![
        Owner::Tone(800, s(2)),
        Owner::Flash(FlashBy::Hold),
        Owner::Wait(s(5)),
        Owner::Resume,
        Owner::Tone(1_500, s(2)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), company, [dial(), owner].concat());
    assert!(world.run_until(s(10), |w| w.phase() == Some(Phase::Parked)), "{}", world.tale());
    // A hold would make the company stop sending, and its line would count as changed; the gap would show it as well.
    assert!(world.run_until(s(10), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    world.run(s(5));
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(1_500)).is_some(), "{}", world.tale());
    assert!(world.worst_gap <= ms(40), "{:?}", world.worst_gap);
    assert_eq!(world.outcome(1), Some(Outcome::Talked));
}

#[test]
fn keys_go_to_the_company_once_each_whatever_the_network_does() {
    for weather in [Weather::FINE, Weather { loss: 30, duplicate: 50, ..Weather::FOUL }] {
        let house = House { weather, ..House::default() };
        let owner =
            [dial(), vec![Owner::Wait(s(1)), Owner::Press("1*23#".into()), Owner::Wait(s(3))]].concat();
        let mut world = World::new(&house, vec![Far::Answer, Far::Forever], owner);
        world.run(s(20));
        let keys: String = world
            .story
            .iter()
            .filter_map(|n| match (n.who, &n.fact) {
                (Who::Company, Fact::HearsKey(key)) => Some(key.as_char()),
                _ => None,
            })
            .collect();
        assert_eq!(keys, "1*23#", "{}", world.tale());
    }
}

#[test]
fn the_page_can_hang_up() {
    let mut world = World::new(
        &House::default(),
        vec![Far::Answer, Far::Forever],
        [dial(), vec![Owner::AwaitEnd]].concat(),
    );
    assert!(world.run_until(s(10), |w| w.phase() == Some(Phase::Talking)));
    assert_eq!(world.ask(Request::HangUp(CallId(1))), Ok(()));
    world.run(s(3));
    assert_eq!((world.company.calls(), world.outcome(1)), (0, Some(Outcome::Talked)));
    assert!(world.ask(Request::HangUp(CallId(1))).is_err());
}

#[test]
fn without_a_trunk_the_owner_is_told() {
    let mut world = World::new(
        &House::default(),
        vec![],
        [&dial()[..3], &[Owner::Listen(s(10)), Owner::AwaitEnd]].concat(),
    );
    world.net.cut = Some(COMPANY);
    // The registration in flight fails before the owner dials.
    world.run(s(60));
    assert!(world.seen(Who::Phone, |f| matches!(f, Fact::HearsBox(_))).is_some(), "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| matches!(f, Fact::Ended(_))).is_some(), "{}", world.tale());
    assert!(!world.snapshot().trunks[0].up, "{:?}", world.snapshot().trunks);
    let why = world.record(1).decisions.last().map(|d| d.reason.as_str());
    assert_eq!((world.outcome(1), why), (Some(Outcome::Failed), Some("no line is connected")));
}

#[test]
fn an_unused_sound_is_no_sound() {
    // The company's song is recognised by the phone: the ear of the tests can tell sounds apart at all.
    let company = vec![Far::Answer, Far::Play(Sound::AllBusy), Far::HangUp];
    let mut world = World::new(&House::default(), company, [dial(), vec![Owner::AwaitEnd]].concat());
    world.run(s(20));
    assert!(world.seen(Who::Phone, |f| *f == Fact::Hears(Sound::AllBusy)).is_some(), "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| *f == Fact::Hears(Sound::AgentBye)).is_none());
}
