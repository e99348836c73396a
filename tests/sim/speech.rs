//! What the box says in words of its owner's: names, the status, texts for menus. The stand-in for the program that speaks
//! says every text with the sound of a prompt that is said nowhere else in the story.

use super::world::{House, World, s};
use hold_slayer::call::{Errand, Outcome};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Narration, Sound, Who};
use hold_slayer::listen::words::Language;
use hold_slayer::media::Overlay;
use hold_slayer::slay::flow::{Act, Flow, Step};
use hold_slayer::sounds::Prompt;
use hold_slayer::units::Codec;

const NUMBER: &str = "18005550123";
const VOICE: Prompt = Prompt::GreetingOwn;

fn house(speaks: Option<Prompt>) -> House {
    House { speaks, max_holds: 2, ..House::default() }
}

fn company() -> Vec<Far> {
    vec![
        Far::Answer,
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(90)),
        Far::Agent { patience: s(60) },
        Far::HangUp,
    ]
}

/// Has the box call, hangs up, asks how it stands, and takes the call when it comes.
fn owner() -> Vec<Owner> {
    vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial(format!("*59{NUMBER}")),
        Owner::AwaitAnswer,
        Owner::Listen(s(3)),
        Owner::HangUp,
        Owner::Wait(s(60)),
        Owner::Dial("*95".into()),
        Owner::AwaitAnswer,
        Owner::Listen(s(12)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::Wait(s(2)),
        Owner::PickUp,
        Owner::Listen(s(4)),
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(8)),
        Owner::Say(Sound::OwnerThanks),
        Owner::HangUp,
        Owner::Wait(s(2)),
    ]
}

fn world(house: &House, flow: Flow) -> World {
    let mut world = World::new(house, company(), owner());
    assert_eq!(world.send_on(Errand::Keep(NUMBER.into(), Box::new(flow))), Ok(()));
    world.run(s(200));
    world
}

fn hears(world: &World, who: Who, prompt: Prompt) -> usize {
    world.count(who, |fact| *fact == Fact::HearsBox(prompt))
}

#[test]
fn the_owner_hears_whose_call_it_is_when_he_asks_and_when_he_is_rung() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let house = House { phone_codec: codec, trunk_codec: codec, ..house(Some(VOICE)) };
        let world = world(&house, Flow::new("Example Energy", vec![]).unwrap());
        assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
        // When he asks, alone; when he is rung, over the line, which he hears at once.
        assert!(hears(&world, Who::Phone, VOICE) >= 1, "{:?}\n{}", world.texts, world.tale());
        let over = world.overlays.iter().filter(|(_, over)| matches!(over, Some(Overlay::Sound(_))));
        assert_eq!(over.count(), 1, "{}", world.tale());
        let answers = world.seen(Who::Phone, |f| *f == Fact::Answers).unwrap();
        let voice = |n: &&Narration| n.who == Who::Phone && n.at > answers && n.fact == Fact::HearsVoice;
        assert!(world.story.iter().any(|n| voice(&n)), "{}", world.tale());
        assert_eq!(hears(&world, Who::Company, VOICE), 0);
        assert!(world.texts.contains(&"Example Energy".to_string()), "{:?}", world.texts);
        assert!(
            world.texts.iter().any(|text| text == "Example Energy. For one minute."),
            "{:?}",
            world.texts
        );
    }
}

#[test]
fn without_a_program_that_speaks_all_is_as_it_was() {
    let world = world(&house(None), Flow::new("Example Energy", vec![]).unwrap());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert_eq!(hears(&world, Who::Phone, Prompt::StatusHolding), 1, "{}", world.tale());
    assert_eq!(world.texts, Vec::<String>::new());
}

#[test]
fn a_flow_says_a_text_of_the_owners_and_without_a_voice_does_not_pretend_to() {
    let flow = || {
        Flow::new("", vec![Step::plain(Act::Wait(s(7))), Step::plain(Act::Say("Billing".into()))]).unwrap()
    };
    let spoken = world(&house(Some(VOICE)), flow());
    assert_eq!(hears(&spoken, Who::Company, VOICE), 1, "{}", spoken.tale());
    assert_eq!(spoken.outcome(1), Some(Outcome::Slain), "{}", spoken.tale());
    let mute = world(&house(None), flow());
    assert_eq!(hears(&mute, Who::Company, VOICE), 0);
    let told = &mute.record(1).decisions;
    assert!(told.iter().any(|d| d.reason.contains("no voice for its text")), "{}", mute.tale());
}

#[test]
fn the_person_is_spoken_to_in_the_owner_s_language() {
    for (tongue, greeted) in [(Language::German, VOICE), (Language::English, Prompt::Greet)] {
        let house = House { tongue, ..house(Some(VOICE)) };
        let mut world = World::new(&house, company(), owner());
        world.run(s(200));
        assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
        let first = world.story.iter().find_map(|n| match n.fact {
            Fact::HearsBox(prompt) if n.who == Who::Company => Some(prompt),
            _ => None,
        });
        assert_eq!(first, Some(greeted), "{tongue:?}\n{}", world.tale());
    }
    // What could not be spoken is said as it was recorded.
    let mut world = World::new(&House { tongue: Language::German, ..house(None) }, company(), owner());
    world.run(s(200));
    let greeted = world.seen(Who::Company, |f| *f == Fact::HearsBox(Prompt::Greet));
    assert!(greeted.is_some(), "{}", world.tale());
}
