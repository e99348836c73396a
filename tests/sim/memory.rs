//! What one call teaches the next, and what the owner teaches.

use super::world::{House, World, s};
use hold_slayer::app::ear::Told;
use hold_slayer::call::{By, Outcome, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::listen::lore::Taught;
use hold_slayer::units::CallId;

const COMPANY: &str = "+18005550123";

/// Dials, waits for the queue, presses `**` and hangs up, then does the rest.
fn owner(rest: &[Owner]) -> Vec<Owner> {
    let begin = [
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("1-800-555-0123".replace('-', "")),
        Owner::AwaitAnswer,
        Owner::Wait(s(5)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    [&begin, rest].concat()
}

/// Ringing before each voice, as a queue that tries one agent after the other: whoever speaks then is most likely a person.
fn queue(rest: &[Far]) -> Vec<Far> {
    let begin = [
        Far::Answer,
        Far::Loop(Sound::Music, s(25)),
        Far::Ringback(s(3)),
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(20)),
    ];
    [&begin, rest].concat()
}

fn agent() -> Vec<Far> {
    vec![Far::Agent { patience: s(120) }, Far::Forever]
}

fn answers() -> Vec<Owner> {
    let talk = [Owner::Say(Sound::OwnerHello), Owner::Listen(s(20)), Owner::Say(Sound::OwnerThanks)];
    [&[Owner::AwaitRing, Owner::Wait(s(2)), Owner::PickUp, Owner::Wait(s(1))], &talk[..], &[Owner::HangUp]]
        .concat()
}

fn decided(world: &World, what: &str) -> usize {
    world.records.get(&CallId(1)).map_or(0, |(r, _)| r.decisions.iter().filter(|d| d.what == what).count())
}

fn known(world: &World) -> (f32, f32) {
    world.lore.get(COMPANY).map(|lore| lore.seconds()).unwrap_or_default()
}

#[test]
fn what_one_call_heard_the_next_one_knows_and_the_agent_is_in_neither() {
    let call = |world: &mut World| world.run(s(200)).records[&CallId(1)].0.outcome;
    let mut first = World::new(&House::default(), queue(&agent()), owner(&answers()));
    assert_eq!(call(&mut first), Outcome::Slain, "{}", first.tale());
    assert!(
        decided(&first, "greet") + decided(&first, "ring") > 1,
        "it was taken in at first\n{}",
        first.tale()
    );
    let (seconds, doubted) = known(&first);
    // The announcement lasts 6.8 s.
    assert!(seconds > 1.5 && seconds < 7.5, "the announcement alone: {seconds} s\n{}", first.tale());
    assert_eq!(doubted, 0.0, "whom the owner talked to is not kept");

    let mut second = World::new(&House::default(), queue(&agent()), owner(&answers()));
    second.lore = first.lore.clone();
    assert_eq!(call(&mut second), Outcome::Slain, "{}", second.tale());
    let spoke = second.seen(Who::Company, |f| matches!(f, Fact::Speaks(_))).unwrap();
    let greeted = second.seen(Who::Company, |f| matches!(f, Fact::HearsBox(_))).unwrap();
    assert!(greeted >= spoke, "no word to what is known\n{}", second.tale());
    assert_eq!(decided(&second, "stop ringing"), 0, "{}", second.tale());
    let (again, _) = known(&second);
    assert!((again - seconds).abs() < 1.0, "nothing is learnt twice: {seconds} and {again}");
}

#[test]
fn an_agent_whom_nobody_answers_is_not_taken_for_a_recording_when_the_music_is_back() {
    let far = [
        Far::Answer,
        Far::Loop(Sound::Music, s(25)),
        Far::Ringback(s(3)),
        Far::Play(Sound::AgentWaits),
        Far::Quiet(s(6)),
        Far::Loop(Sound::Music, s(60)),
        Far::HangUp,
    ];
    let mut world = World::new(&House::default(), far.to_vec(), owner(&[]));
    world.run(s(200));
    assert!(decided(&world, "ring") == 1 && decided(&world, "stop ringing") == 1, "{}", world.tale());
    let (known, doubted) = known(&world);
    assert!(known < 0.5 && doubted > 1.0, "{known} s, {doubted} s\n{}", world.tale());
}

#[test]
fn a_call_held_again_after_a_talk_does_not_ring_for_the_one_who_was_met() {
    let far = queue(&[Far::Agent { patience: s(120) }, Far::Loop(Sound::Music, s(40)), Far::Forever]);
    let again = [
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Wait(s(1)),
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(20)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), far, owner(&again));
    world.run(s(150));
    let after = |what: &str| {
        let decisions = &world.records[&CallId(1)].0.decisions;
        let second = decisions.iter().rposition(|d| d.what == "hold").unwrap();
        decisions[second..].iter().filter(|d| d.what == what).count()
    };
    assert_eq!((decided(&world, "hold"), decided(&world, "join")), (2, 1), "{}", world.tale());
    assert_eq!((after("join"), after("stop ringing")), (0, 0), "{}", world.tale());
}

#[test]
fn the_gesture_after_a_false_alarm_teaches() {
    teaches(vec![Owner::Wait(s(2)), Owner::Press("**".into()), Owner::Listen(s(6)), Owner::HangUp]);
}

#[test]
fn hanging_up_at_once_teaches_the_same() {
    teaches(vec![Owner::Wait(s(3)), Owner::HangUp]);
}

/// A recording like an agent's hello: the phone rings for it, the owner comes and does this; it does not ring for it again.
fn teaches(back: Vec<Owner>) {
    let far = [
        Far::Answer,
        Far::Loop(Sound::Music, s(25)),
        Far::Ringback(s(3)),
        Far::Play(Sound::AgentWaits),
        Far::Quiet(s(8)),
        Far::Loop(Sound::Music, s(20)),
    ];
    let back = [vec![Owner::AwaitRing, Owner::PickUp], back].concat();
    let mut first = World::new(&House::default(), [&far[..], &[Far::HangUp]].concat(), owner(&back));
    first.run(s(120));
    assert_eq!((decided(&first, "join"), decided(&first, "false alarm")), (1, 1), "{}", first.tale());
    let bye = first.story.iter().position(|n| n.who == Who::Company && n.fact == Fact::HangsUp);
    assert!(bye.is_some(), "the far end notices nothing, and hangs up by itself\n{}", first.tale());
    let (seconds, doubted) = known(&first);
    assert!(seconds > 1.0 && doubted == 0.0, "{seconds} s, {doubted} s\n{}", first.tale());
    let [Told::Clip { at_ms, samples, .. }, Told::Taught { at_ms: of, taught: Taught::Recording, .. }] =
        &first.clips[..]
    else {
        panic!("{:?}", first.clips.len())
    };
    assert_eq!(at_ms, of);
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
    assert!(loud > 8_000 && samples.len() <= 160_000, "{loud} of {}", samples.len());

    let mut second = World::new(&House::default(), [&far[..], &[Far::HangUp]].concat(), owner(&[]));
    second.lore = first.lore.clone();
    second.run(s(120));
    assert_eq!((decided(&second, "ring"), decided(&second, "greet")), (0, 0), "{}", second.tale());
}

#[test]
fn the_page_teaches_while_the_call_is_held() {
    let far = queue(&[Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(40)), Far::HangUp]);
    let mut world = World::new(&House::default(), far, owner(&[]));
    let begun = world.run_until(s(60), |w| decided(w, "greet") + decided(w, "ring") > 0);
    assert!(begun, "{}", world.tale());
    world.run(s(2));
    let request = |world: &mut World, taught| world.ask(Request::Teach(CallId(1), taught));
    assert_eq!(request(&mut world, Taught::Recording), Ok(()));
    world.run(s(100));
    let (seconds, _) = known(&world);
    assert!(seconds > 1.0, "{seconds} s\n{}", world.tale());
    assert_eq!(decided(&world, "learn"), 1);

    let far = queue(&[Far::Loop(Sound::Music, s(40)), Far::HangUp]);
    let mut world = World::new(&House::default(), far, owner(&[]));
    world.run(s(58));
    assert_eq!(request(&mut world, Taught::Person), Ok(()));
    world.run(s(1));
    assert!(decided(&world, "ring") >= 1, "you said so\n{}", world.tale());
    assert_eq!(request(&mut world, Taught::Recording), Ok(()));
    world.run(s(2));
    assert!(decided(&world, "stop ringing") >= 1, "{}", world.tale());
    world.run(s(100));
    assert!(request(&mut world, Taught::Recording).is_err(), "the call is over");
}

#[test]
fn what_is_said_while_the_box_holds_is_kept_where_the_owner_wants_it() {
    for transcript in [true, false] {
        let house = House { transcript, ..House::default() };
        let mut world = World::new(&house, queue(&agent()), owner(&answers()));
        let held = world.run_until(s(60), |w| decided(w, "greet") > 0);
        assert!(held, "{}", world.tale());
        world.understands(s(28), "All our agents are busy.");
        let record = &world.run(s(200)).records[&CallId(1)].0;
        let said: Vec<_> = record.said.iter().map(|one| (one.by, one.text.as_str())).collect();
        if !transcript {
            assert!(said.is_empty(), "{said:?}");
            continue;
        }
        assert!(said.contains(&(By::Line, "All our agents are busy.")), "{said:?}");
        assert!(
            said.iter().any(|(by, text)| *by == By::Box && text.starts_with("Hello! This is")),
            "{said:?}"
        );
        let line = record.said.iter().find(|one| one.by == By::Line).unwrap();
        assert!((28_000..31_000).contains(&line.at_ms), "{} ms", line.at_ms);
    }
}
