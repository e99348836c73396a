//! Emergency calls: one scenario for each rule.

use super::world::{COMPANY, House, TRUNK, World, s};
use hold_slayer::app::core::Event;
use hold_slayer::call::{Outcome, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Who};
use hold_slayer::sip::{Caller, Cause};
use hold_slayer::units::CallId;

fn dial(number: &str) -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(number.into()), Owner::AwaitAnswer]
}

fn answers() -> Vec<Far> {
    vec![Far::Answer, Far::Tone(1_200, s(3)), Far::Forever]
}

fn house(spares: Vec<Vec<Far>>) -> House {
    House { spares, ..House::default() }
}

fn helped(world: &World) {
    assert!(world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).is_some(), "{}", world.tale());
    assert!(world.record(1).decisions[0].reason.starts_with("emergency number"), "{}", world.tale());
}

#[test]
fn any_refusal_sends_it_to_the_next_trunk() {
    for cause in [Cause::Unavailable, Cause::NoSuchNumber, Cause::Rejected, Cause::Busy, Cause::Unauthorized]
    {
        let mut world = World::new(&house(vec![answers()]), vec![Far::Refuse(cause)], dial("911"));
        world.run(s(5));
        helped(&world);
    }
}

#[test]
fn it_goes_around_until_a_trunk_takes_it() {
    let mut world =
        World::new(&house(vec![vec![Far::Refuse(Cause::Busy)]]), vec![Far::Refuse(Cause::Busy)], dial("911"));
    world.run(s(10));
    let tries = world.count(Who::Company, |f| matches!(f, Fact::Called { .. }));
    let others = world.spares[0].2.iter().filter(|n| matches!(n.fact, Fact::Called { .. })).count();
    assert!(tries >= 8 && others >= 8, "{tries} {others}\n{}", world.tale());
    // It does end: the caller must hear that nobody takes it.
    assert!(world.snapshot().calls.is_empty());
}

#[test]
fn a_silent_trunk_costs_seconds_not_half_a_minute() {
    let mut world = World::new(&house(vec![answers()]), answers(), dial("911"));
    world.run(s(1));
    world.net.cut = Some(COMPANY);
    world.run(s(8));
    helped(&world);
}

#[test]
fn when_every_trunk_stays_silent_the_caller_is_told_at_last() {
    let mut world = World::new(&House { dead_trunk: true, ..House::default() }, answers(), dial("911"));
    world.run(s(1));
    world.net.cut = Some(COMPANY);
    world.run(s(240));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::NoAnswer), "{}", world.tale());
}

#[test]
fn a_trunk_that_takes_it_and_does_nothing_is_given_up_for_another() {
    // 100 says that somebody has the INVITE, not that anybody hears of the call.
    let mut world = World::new(&house(vec![answers()]), vec![Far::Forever], dial("911"));
    world.run(s(20));
    helped(&world);
    // The only one is waited for.
    let mut world = World::new(&House::default(), vec![Far::Forever], dial("911"));
    world.run(s(60));
    assert!(!world.snapshot().calls.is_empty(), "{}", world.tale());
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::Called { .. })), 1, "{}", world.tale());
}

#[test]
fn the_only_trunk_is_asked_again_however_silent_it_was() {
    let mut world = World::new(&House::default(), answers(), dial("911"));
    world.run(s(1));
    world.net.cut = Some(COMPANY);
    world.run(s(34));
    assert!(!world.snapshot().calls.is_empty(), "{}", world.tale());
    world.net.cut = None;
    world.run(s(5));
    helped(&world);
}

#[test]
fn of_two_silent_trunks_each_is_asked_in_turn_for_seconds() {
    let mut world = World::new(&House { dead_trunk: true, ..House::default() }, answers(), dial("911"));
    world.run(s(1));
    world.net.cut = Some(COMPANY);
    // The dead one and the company's, twice.
    world.run(s(17));
    world.net.cut = None;
    world.run(s(9));
    helped(&world);
}

#[test]
fn the_name_service_delays_nothing() {
    // The address once found serves, though the name cannot be resolved any more.
    let mut world = World::new(&House::default(), answers(), dial("911"));
    world.tell(Event::NotLocated(TRUNK));
    world.run(s(3));
    helped(&world);
    // A trunk whose address was never found costs no second of a call that another one can take.
    let house = House { located: false, spares: vec![answers()], ..House::default() };
    let mut world = World::new(&house, Vec::new(), dial("911"));
    world.run(s(3));
    helped(&world);
}

#[test]
fn a_trunk_that_is_not_registered_is_better_than_none() {
    let mut world = World::new(
        &House::default(),
        answers(),
        vec![Owner::Register, Owner::Wait(s(45)), Owner::Dial("911".into()), Owner::AwaitAnswer],
    );
    world.net.cut = Some(COMPANY);
    world.run(s(44));
    assert!(!world.snapshot().trunks[0].up, "{:?}", world.snapshot().trunks);
    world.net.cut = None;
    world.run(s(5));
    helped(&world);
}

#[test]
fn it_is_never_held_listened_to_or_given_keys_of_the_box() {
    let owner = [dial("911"), vec![Owner::Wait(s(1)), Owner::Press("**".into()), Owner::Wait(s(3))]].concat();
    let mut world = World::new(&House::default(), answers(), owner);
    world.run(s(8));
    helped(&world);
    assert!(world.ask(Request::HoldNow(None)).is_err());
    assert!(world.ask(Request::Button).is_err());
    let told = world.ask(Request::HoldNow(Some(CallId(1))));
    assert_eq!(told, Err("an emergency call is never held".into()));
    assert!(world.record(1).heard.is_empty() && world.record(1).hold_started.is_none());
    // The keys are the operator's to hear.
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::HearsKey(_))), 2, "{}", world.tale());
}

#[test]
fn signs_people_write_between_digits_do_not_hide_it() {
    for number in ["9-1-1", "911"] {
        let mut world = World::new(&House::default(), answers(), dial(number));
        world.run(s(5));
        helped(&world);
    }
}

#[test]
fn an_emergency_number_wins_over_a_code_of_the_box() {
    let house = House { emergency: vec!["*58".into()], ..House::default() };
    let mut world = World::new(&house, answers(), dial("*58"));
    world.run(s(5));
    helped(&world);
    assert_eq!(world.outcome(1), Some(Outcome::Up));
}

/// After an emergency call that has ended, a call comes in `later`.
fn called_back(house: &House, later: u64) -> World {
    let owner = vec![
        Owner::Wait(s(1)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Wait(s(2)),
        Owner::Press("**".into()),
    ];
    let mut world = World::new(house, vec![Far::Answer, Far::Forever], [dial("911"), owner].concat());
    world.run(s(10));
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    world.run(s(later));
    let script = vec![Far::Tone(1_200, s(20)), Far::Forever];
    world.company.call(world.now, "15559999", Caller::default(), script);
    world.run(s(10));
    world
}

#[test]
fn who_calls_back_within_the_hour_rings_is_not_held_and_hears_the_keys() {
    let mut world = called_back(&House::default(), 3_500);
    assert!(world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).is_some(), "{}", world.tale());
    assert!(world.record(2).decisions[0].reason.contains("help that calls back"), "{}", world.tale());
    assert!(world.ask(Request::HoldNow(Some(CallId(2)))).is_err());
    assert!(world.record(2).hold_started.is_none() && world.record(2).heard.is_empty());
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::HearsKey(_))), 2, "{}", world.tale());
}

#[test]
fn who_calls_after_the_hour_is_anybody() {
    let world = called_back(&House::default(), 3_700);
    assert!(world.record(2).hold_started.is_some(), "{}", world.tale());
}

#[test]
fn who_calls_back_is_let_in_though_all_channels_count_as_used() {
    let mut world = called_back(&House { channels: 0, spares: vec![], ..House::default() }, 60);
    assert!(world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).is_some(), "{}", world.tale());
    assert!(world.ask(Request::HoldNow(None)).is_err());
}
