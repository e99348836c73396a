//! The owner speaks the greeting himself, on his phone, and whoever seems to be there hears it.

use super::world::{House, World, s};
use hold_slayer::app::core::Event;
use hold_slayer::call::{Outcome, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sounds::Prompt;

const NUMBER: &str = "18005550123";

fn company() -> Vec<Far> {
    vec![
        Far::Answer,
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(20)),
        Far::Agent { patience: s(60) },
        Far::HangUp,
    ]
}

/// Dials the code, says a sentence after the tone, and then does this.
fn speaks(then: Vec<Owner>) -> Vec<Owner> {
    let begin = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("*48".into()),
        Owner::AwaitAnswer,
        Owner::Listen(s(6)),
        Owner::Say(Sound::OwnerHello),
    ];
    [begin, then].concat()
}

fn calls() -> Vec<Owner> {
    vec![
        Owner::Wait(s(2)),
        Owner::Dial(format!("*59{NUMBER}")),
        Owner::AwaitAnswer,
        Owner::Listen(s(3)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::Wait(s(2)),
        Owner::PickUp,
        Owner::Listen(s(2)),
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(8)),
        Owner::Say(Sound::OwnerThanks),
        Owner::HangUp,
        Owner::Wait(s(2)),
    ]
}

fn run(owner: Vec<Owner>) -> World {
    let mut world = World::new(&House { transcript: true, ..House::default() }, company(), owner);
    world.run(s(200));
    world
}

fn hears(world: &World, who: Who, prompt: Prompt) -> usize {
    world.count(who, |fact| *fact == Fact::HearsBox(prompt))
}

#[test]
fn it_is_spoken_heard_kept_and_greeted_with() {
    let keep = vec![
        Owner::Press("#".into()),
        Owner::Listen(s(9)),
        Owner::Press("1".into()),
        Owner::Listen(s(4)),
        Owner::HangUp,
    ];
    let world = run(speaks([keep, calls()].concat()));
    for prompt in [Prompt::GreetingRecord, Prompt::GreetingReview, Prompt::GreetingKept] {
        assert_eq!(hears(&world, Who::Phone, prompt), 1, "{prompt:?}\n{}", world.tale());
    }
    let [Some(kept)] = world.greetings.as_slice() else {
        panic!("{:?}\n{}", world.greetings.len(), world.tale())
    };
    let spoken = Sound::OwnerHello.samples().len();
    assert!(kept.len().abs_diff(spoken) < 8_000, "{} of {spoken}", kept.len());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert_eq!(hears(&world, Who::Company, Prompt::Greet), 0, "{}", world.tale());
    assert!(
        world.record(1).said.iter().any(|said| said.text.contains("your own greeting")),
        "{}",
        world.tale()
    );
}

#[test]
fn silence_ends_it_too_a_second_try_is_free_and_whoever_hangs_up_changes_nothing() {
    let again = vec![Owner::Listen(s(11)), Owner::Press("2".into()), Owner::Listen(s(3)), Owner::HangUp];
    let world = run(speaks([again, calls()].concat()));
    assert_eq!(hears(&world, Who::Phone, Prompt::GreetingReview), 1, "{}", world.tale());
    assert_eq!(hears(&world, Who::Phone, Prompt::GreetingRecord), 2, "{}", world.tale());
    assert!(world.greetings.is_empty());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert_eq!(hears(&world, Who::Company, Prompt::Greet), 1, "{}", world.tale());
}

#[test]
fn who_says_nothing_is_asked_three_times_and_let_go() {
    let silent = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("*48".into()),
        Owner::AwaitAnswer,
        Owner::AwaitEnd,
    ];
    let world = run(silent);
    assert_eq!(hears(&world, Who::Phone, Prompt::GreetingRecord), 3, "{}", world.tale());
    assert!(world.greetings.is_empty() && world.snapshot().calls.is_empty());
    assert!(world.core.is_idle());
}

#[test]
fn it_is_deleted_with_three_or_from_the_page_and_one_of_a_wrong_length_is_refused() {
    let delete = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("*48".into()),
        Owner::AwaitAnswer,
        Owner::Listen(s(2)),
        Owner::Press("3".into()),
        Owner::Listen(s(4)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), company(), [delete, calls()].concat());
    world.tell(Event::Greeting(Some(vec![0xff; 16_000].into())));
    world.run(s(120));
    assert_eq!(world.greetings, [None], "{}", world.tale());
    assert_eq!(hears(&world, Who::Phone, Prompt::GreetingOwn), 1, "{}", world.tale());
    assert_eq!(hears(&world, Who::Company, Prompt::Greet), 1, "{}", world.tale());
    for wrong in [vec![0; 7_840], vec![0; 64_160], vec![0; 8_001]] {
        assert!(world.ask(Request::Greeting(Some(wrong.into()))).is_err());
    }
    assert_eq!(world.ask(Request::Greeting(Some(vec![0; 8_000].into()))), Ok(()));
    assert_eq!(world.greetings.len(), 2);
}
