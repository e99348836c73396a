//! What a hostile reader of the switchboard looked for: ends that nobody tells, lines that fail, orders at a bad moment.

use super::world::{BOX, COMPANY, House, TRUNK, World, s};
use hold_slayer::app::core::Event;
use hold_slayer::call::{Outcome, Phase};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sip::{Caller, Cause};

fn dial(number: &str) -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(number.into()), Owner::AwaitAnswer]
}

fn music() -> Vec<Far> {
    vec![Far::Answer, Far::Loop(Sound::Music, s(600)), Far::HangUp]
}

fn ended_with(world: &World, who: Who, cause: Cause) -> bool {
    world.seen(who, |f| *f == Fact::Ended(cause)).is_some()
}

#[test]
fn an_emergency_call_goes_through_the_second_trunk_if_the_first_is_dead() {
    let house = House { dead_trunk: true, ..House::default() };
    let company = vec![Far::Answer, Far::Tone(1_200, s(5)), Far::Forever];
    let owner = [dial("9-1-1"), vec![Owner::Tone(800, s(3)), Owner::HangUp]].concat();
    let mut world = World::new(&house, company, owner);
    world.run(s(60));
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    let called = |f: &Fact| matches!(f, Fact::Called { number, .. } if number == "911");
    assert_eq!(world.count(Who::Company, called), 1, "{}", world.tale());
}

#[test]
fn an_emergency_call_that_no_trunk_takes_is_answered_so() {
    for cause in [Cause::NoSuchNumber, Cause::Busy, Cause::Unavailable] {
        let mut world = World::new(&House::default(), vec![Far::Refuse(cause)], dial("911"));
        world.run(s(20));
        assert!(ended_with(&world, Who::Phone, cause), "{cause:?}\n{}", world.tale());
        assert!(world.snapshot().calls.is_empty());
        let tries = world.count(Who::Company, |f| matches!(f, Fact::Called { .. }));
        assert_eq!(tries, if cause == Cause::NoSuchNumber { 1 } else { 9 }, "{cause:?}");
    }
}

#[test]
fn a_trunk_without_an_address_refuses_at_once_and_registers_once_it_is_found() {
    let house = House { located: false, ..House::default() };
    let mut world = World::new(&house, music(), dial("911"));
    world.tell(Event::NotLocated(TRUNK));
    let status = &world.snapshot().trunks[0];
    assert!(!status.up && status.status.contains("cannot be resolved"), "{status:?}");
    world.run(s(8));
    assert!(ended_with(&world, Who::Phone, Cause::Unavailable), "{}", world.tale());
    world.tell(Event::Located(TRUNK, std::net::SocketAddr::new(COMPANY, 5060)));
    world.run(s(2));
    assert!(world.snapshot().trunks[0].up, "{:?}", world.snapshot().trunks);
}

#[test]
fn a_box_that_learns_its_address_late_is_heard_and_reached() {
    let house = House { address: [127, 0, 0, 1].into(), ..House::default() };
    let company = vec![Far::Answer, Far::Tone(1_200, s(4)), Far::Forever];
    let owner = vec![Owner::Register, Owner::Wait(s(3)), Owner::Dial("1800".into()), Owner::AwaitAnswer];
    let owner = [owner, vec![Owner::Tone(800, s(3)), Owner::HangUp]].concat();
    let mut world = World::new(&house, company, owner);
    world.run(s(2));
    world.tell(Event::Address(BOX));
    world.run(s(20));
    for (who, hz) in [(Who::Company, 800), (Who::Phone, 1_200)] {
        assert!(world.seen(who, |f| *f == Fact::HearsTone(hz)).is_some(), "{}", world.tale());
    }
}

#[test]
fn no_gesture_holds_more_calls_than_allowed() {
    let held = [
        dial("1800"),
        vec![Owner::Wait(s(2)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp],
    ];
    let second = vec![
        Owner::Dial("1801".into()),
        Owner::AwaitAnswer,
        Owner::Press("**".into()),
        Owner::Tone(800, s(5)),
        Owner::HangUp,
    ];
    let desks = vec![Desk { number: String::new(), script: music() }];
    let mut world = World::with_desks(&House::default(), desks, [held.concat(), second].concat());
    world.run(s(15));
    world.run_until(s(30), |w| w.outcome(2).is_some_and(|o| o != Outcome::Up));
    assert_eq!(world.outcome(2), Some(Outcome::Talked), "{}", world.tale());
    assert_eq!((world.phase(), world.record(2).hold_started), (Some(Phase::Holding), None));
}

#[test]
fn phones_stop_ringing_for_a_caller_who_has_vanished() {
    let mut world = World::new(&House::default(), vec![], vec![Owner::Register, Owner::AwaitRing]);
    world.run(s(2));
    world.company.call(world.now, "15559999", Caller::default(), vec![Far::Forever]);
    world.run(s(2));
    assert_eq!(world.rings(), 1, "{}", world.tale());
    world.net.cut = Some(COMPANY);
    world.run(s(300));
    assert!(world.seen(Who::Phone, |f| *f == Fact::StopsRinging).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::NoAnswer));
}

#[test]
fn a_call_whose_ends_have_both_vanished_ends() {
    let owner = [dial("1800"), vec![Owner::Wait(s(2)), Owner::Unplug]].concat();
    let mut world = World::new(&House::default(), vec![Far::Answer, Far::Forever], owner);
    assert!(world.run_until(s(10), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    world.run(s(5));
    world.net.cut = Some(COMPANY);
    world.run(s(600));
    assert_eq!(world.phase(), Some(Phase::Talking), "not too soon");
    world.run(s(600));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
}

#[test]
fn what_was_heard_is_written_without_waiting_for_a_decision() {
    let owner = [
        dial("1800"),
        vec![Owner::Wait(s(2)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp],
    ]
    .concat();
    let mut world = World::new(&House::default(), music(), owner);
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    world.run(s(15));
    let record = world.record(1);
    assert!(!record.heard.is_empty() && record.held_ms > 5_000, "{}", world.tale());
    assert_eq!(record.outcome, Outcome::Up);
}

#[test]
fn a_box_that_is_stopped_takes_its_leave_of_everybody() {
    let mut world = World::new(&House::default(), music(), [dial("1800"), vec![Owner::AwaitEnd]].concat());
    assert!(world.run_until(s(10), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    world.stop();
    assert!(!world.core.is_idle(), "BYE and the last REGISTER are on their way");
    assert!(world.run_until(s(1), |w| w.core.is_idle()), "{}", world.tale());
    assert_eq!((world.company.calls(), world.outcome(1)), (0, Some(Outcome::Interrupted)));
    assert!(ended_with(&world, Who::Phone, Cause::Normal), "{}", world.tale());
    // The provider asked for the password and got it: it knows no way to the box any more.
    world.company.call(world.now, "15559999", Caller::default(), vec![Far::Forever]);
    world.tell(Event::Timeout);
    assert!(ended_with(&world, Who::Company, Cause::Unavailable), "{}", world.tale());
}

#[test]
fn a_notice_ends_with_the_box_and_nobody_is_let_in_afterwards() {
    let owner = [dial("*95"), vec![Owner::AwaitEnd, Owner::Dial("1800".into()), Owner::AwaitAnswer]].concat();
    let mut world = World::new(&House::default(), music(), owner);
    assert!(world.run_until(s(10), |w| w.seen(Who::Phone, |f| *f == Fact::Answered).is_some()));
    world.stop();
    world.run(s(1));
    assert!(ended_with(&world, Who::Phone, Cause::Normal), "{}", world.tale());
    assert!(ended_with(&world, Who::Phone, Cause::Unavailable), "{}", world.tale());
    assert_eq!(world.company.calls(), 0);
}
