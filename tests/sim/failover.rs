//! Several trunks in order: which one takes a call, and who is asked next when it fails.

use super::world::{COMPANY, House, World, s};
use hold_slayer::call::{Outcome, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Who};
use hold_slayer::sip::Cause;

fn dial() -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial("18005550123".into()), Owner::AwaitAnswer]
}

fn answers() -> Vec<Far> {
    vec![Far::Answer, Far::Tone(1_200, s(3)), Far::Forever]
}

fn house(spares: Vec<Vec<Far>>) -> House {
    House { spares, ..House::default() }
}

fn called(world: &World, spare: usize) -> bool {
    world.spares[spare].2.iter().any(|n| matches!(n.fact, Fact::Called { .. }))
}

/// What was decided about call 1, each with its reason.
fn decided(world: &World) -> Vec<String> {
    world.record(1).decisions.iter().map(|d| format!("{}: {}", d.what, d.reason)).collect()
}

#[test]
fn a_call_that_fails_before_it_rings_goes_to_the_next_trunk() {
    let script = vec![Far::Refuse(Cause::Unavailable)];
    let mut world =
        World::new(&house(vec![vec![Far::Refuse(Cause::Unavailable)], answers()]), script, dial());
    world.run(s(10));
    assert!(world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).is_some(), "{}", world.tale());
    assert_eq!(
        decided(&world),
        [
            "dial: dialled on the phone, through company",
            "dial again: company: not reachable; through spare 0",
            "dial again: spare 0: not reachable; through spare 1",
        ]
    );
}

#[test]
fn when_every_trunk_fails_the_caller_is_told_the_last_reason() {
    let script = || vec![Far::Refuse(Cause::Unavailable)];
    let mut world = World::new(&house(vec![script()]), script(), dial());
    world.run(s(10));
    assert!(world.seen(Who::Phone, |f| *f == Fact::Ended(Cause::Unavailable)).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Failed));
    assert!(world.snapshot().calls.is_empty());
}

#[test]
fn what_the_callee_or_a_rule_says_is_never_asked_of_another_trunk() {
    for cause in [Cause::Busy, Cause::NoSuchNumber, Cause::Rejected, Cause::NoAnswer] {
        let mut world = World::new(&house(vec![answers()]), vec![Far::Refuse(cause)], dial());
        world.run(s(10));
        assert!(
            world.seen(Who::Phone, |f| *f == Fact::Ended(cause)).is_some(),
            "{cause:?}\n{}",
            world.tale()
        );
        assert!(!called(&world, 0), "{cause:?}");
    }
}

#[test]
fn a_call_that_has_rung_or_was_heard_is_never_tried_again() {
    for begin in [Far::Ring(s(2)), Far::EarlyMedia] {
        let script = vec![begin, Far::Quiet(s(1)), Far::Refuse(Cause::Unavailable)];
        let script = if begin == Far::EarlyMedia { script } else { vec![script[0], script[2]] };
        let mut world = World::new(&house(vec![answers()]), script, dial());
        world.run(s(10));
        assert_eq!(world.outcome(1), Some(Outcome::Failed), "{begin:?}\n{}", world.tale());
        assert!(!called(&world, 0), "{begin:?}");
    }
}

#[test]
fn a_trunk_that_has_gone_silent_is_given_up_within_seconds_and_never_left_with_a_call() {
    let script = vec![Far::Ring(s(1)), Far::Answer, Far::Forever];
    let mut world = World::new(&house(vec![answers()]), script, dial());
    world.run(s(1));
    world.net.cut = Some(COMPANY);
    assert!(world.run_until(s(7), |w| called(w, 0)), "{}", world.tale());
    // The dead trunk comes back and has only the end of it to hear of.
    world.net.cut = None;
    world.run(s(20));
    assert_eq!((world.company.calls(), world.spares[0].1.calls()), (0, 1), "{}", world.tale());
    assert!(decided(&world)[1].contains("no response from the network; through spare 0"), "{}", world.tale());
}

#[test]
fn a_trunk_without_a_registration_or_a_channel_is_passed_over_with_the_reason() {
    let mut world = World::new(&House { channels: 0, ..house(vec![answers()]) }, answers(), dial());
    world.run(s(5));
    assert!(called(&world, 0), "{}", world.tale());
    assert_eq!(
        decided(&world)[0],
        "dial: dialled on the phone, through spare 0, for all channels of company are in use"
    );
}

#[test]
fn a_slow_trunk_that_has_the_call_is_waited_for() {
    // 100 Trying comes at once, then nothing for longer than the silence that is borne.
    let mut world = World::new(&house(vec![answers()]), vec![Far::Forever], dial());
    world.run(s(30));
    assert!(!called(&world, 0), "{}", world.tale());
    assert_eq!(world.snapshot().calls.len(), 1);
}

#[test]
fn the_page_can_say_since_when_a_trunk_is_registered_and_what_went_wrong_last() {
    let mut world = World::new(&House { expires: s(120), ..House::default() }, vec![], vec![]);
    world.run(s(30));
    let first = world.snapshot().trunks[0].registration.clone();
    assert!(first.since.is_some() && first.last_error.is_none(), "{first:?}");
    // One datagram each way, 5 ms at least in each direction.
    assert!(first.round_trip_ms.is_some_and(|ms| (5..200).contains(&ms)), "{first:?}");
    world.run(s(300));
    let later = world.snapshot().trunks[0].registration.clone();
    assert!(later.since == first.since && later.until > first.until, "{later:?}");
    world.net.cut = Some(COMPANY);
    world.run(s(300));
    let lost = world.snapshot().trunks[0].registration.clone();
    assert!((lost.since, lost.until) == (None, None), "{lost:?}");
    assert!(lost.last_error.is_some_and(|why| why.contains("no response from the network")));
    world.net.cut = None;
    world.run(s(600));
    let back = world.snapshot().trunks[0].registration.clone();
    assert!(back.since > first.since && back.last_error.is_some(), "{back:?}");
}

#[test]
fn the_owner_need_not_wait_for_a_line_to_be_tried_again() {
    let mut world = World::new(&House::default(), answers(), vec![Owner::Register]);
    world.net.cut = Some(COMPANY);
    // Two tries of 32 s have failed; the third one waits.
    world.run(s(70));
    assert!(!world.snapshot().trunks[0].up, "{:?}", world.snapshot().trunks);
    world.net.cut = None;
    assert_eq!(world.ask(Request::TryTrunks), Ok(()));
    world.run(s(1));
    assert!(world.snapshot().trunks[0].up, "{:?}", world.snapshot().trunks);
    assert_eq!(world.ask(Request::TryTrunks), Err("every line is ready".into()));
}
