//! The owner who answers first hears, in fast motion, what the person has said.

use super::world::{House, World, ms, s};
use core::time::Duration;
use hold_slayer::call::{Outcome, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Narration, Sound, Who};
use hold_slayer::listen::lore::Taught;
use hold_slayer::sounds::Prompt;
use hold_slayer::units::{CallId, Instant};

const PATIENT: Far = Far::Agent { patience: Duration::from_secs(120) };

fn run(replay: bool, agent: Far, answered: Vec<Owner>) -> World {
    let mut world = about(s(4), replay, &[agent], answered);
    world.run(s(120));
    world
}

/// The owner comes to the phone `after` it has begun to ring.
fn about(after: Duration, replay: bool, then: &[Far], answered: Vec<Owner>) -> World {
    let queue = [Far::Answer, Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(15))];
    let company = [&queue, then, &[Far::HangUp]].concat();
    let holds = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("1800".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(3)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::Wait(after),
        Owner::PickUp,
    ];
    let house = House { replay, transcript: true, ..House::default() };
    World::new(&house, company, [holds, answered].concat())
}

fn talks() -> Vec<Owner> {
    vec![Owner::Tone(800, s(15)), Owner::HangUp]
}

fn at(world: &World, who: Who, fact: &Fact) -> Option<Instant> {
    world.seen(who, |seen| seen == fact)
}

/// From the answer until the far side hears the owner, milliseconds.
fn until_heard(world: &World) -> u128 {
    let answers = at(world, Who::Phone, &Fact::Answers).unwrap_or_else(|| panic!("{}", world.tale()));
    let heard = at(world, Who::Company, &Fact::HearsTone(800)).unwrap_or_else(|| panic!("{}", world.tale()));
    heard.since(answers).as_millis()
}

fn decided(world: &World, what: &str) -> Option<u64> {
    world.record(1).decisions.iter().find(|d| d.what == what).map(|d| d.at_ms)
}

#[test]
fn first_words_are_replayed_while_the_person_hears_of_a_moment_and_then_the_two_talk() {
    let world = run(true, PATIENT, talks());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert!(decided(&world, "replay").is_some(), "{}", world.tale());
    let answers = at(&world, Who::Phone, &Fact::Answers).unwrap();
    let moment = at(&world, Who::Company, &Fact::HearsBox(Prompt::OneMoment)).unwrap();
    assert!(moment.since(answers) < ms(600), "{}", world.tale());
    // As long as it takes to say less than they have said, and then the beep says that they are through.
    let joined = until_heard(&world);
    assert!((900..12_500).contains(&joined), "{joined} ms\n{}", world.tale());
    assert!(world.tones.contains(&hold_slayer::media::Tone::Beep));
    let voice =
        world.story.iter().find(|n| n.who == Who::Phone && n.at > answers && n.fact == Fact::HearsVoice);
    assert!(voice.is_some_and(|n| n.at.since(answers) < ms(900)), "in fast motion\n{}", world.tale());
    assert!(world.record(1).said.iter().any(|said| said.text == Prompt::OneMoment.words()));
}

#[test]
fn whoever_has_said_much_is_not_kept_in_silence_meanwhile() {
    let piece = include_bytes!("../listen/sound/agent-human-0.ul").as_slice();
    let said = [piece; 6].concat();
    let said: &'static [u8] = said[..said.len() / 160 * 160].to_vec().leak();
    // Nobody of ours tells him from a recording: the owner does.
    let mut world = about(s(10), true, &[Far::Clip(said), Far::Quiet(s(30))], talks());
    world.run(s(27));
    assert_eq!(world.ask(Request::Teach(CallId(1), Taught::Person)), Ok(()), "{}", world.tale());
    world.run(s(40));
    let answers = at(&world, Who::Phone, &Fact::Answers).unwrap();
    let (answered, joined) = (answers.as_millis(), until_heard(&world));
    assert!(joined > 5_000, "it takes long: {joined} ms\n{}", world.tale());
    let meanwhile = answered..answered + joined as u64;
    let said = |prompt| {
        let is = |n: &&Narration| n.fact == Fact::HearsBox(prompt) && meanwhile.contains(&n.at.as_millis());
        world.story.iter().filter(is).count()
    };
    assert_eq!((said(Prompt::OneMoment), said(Prompt::StillHere)), (1, 1), "{}", world.tale());
}

#[test]
fn it_is_off_unless_it_is_switched_on() {
    let world = run(false, PATIENT, talks());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert_eq!(decided(&world, "replay"), None);
    assert_eq!(at(&world, Who::Company, &Fact::HearsBox(Prompt::OneMoment)), None);
    assert!(until_heard(&world) <= 260, "{}", world.tale());
}

#[test]
fn any_key_skips_it_and_reaches_nobody() {
    for keys in ["5", "**", "#"] {
        let skips = vec![Owner::Wait(ms(300)), Owner::Press(keys.into())];
        let world = run(true, PATIENT, [skips, talks()].concat());
        assert_eq!(world.outcome(1), Some(Outcome::Slain), "{keys}\n{}", world.tale());
        assert!(
            decided(&world, "skip").is_some() && decided(&world, "false alarm").is_none(),
            "{}",
            world.tale()
        );
        let key = world.seen(Who::Company, |fact| matches!(fact, Fact::HearsKey(_)));
        assert_eq!(key, None, "{keys}\n{}", world.tale());
    }
}

#[test]
fn an_owner_who_hears_that_it_is_no_person_hangs_up_and_the_line_stays() {
    let world = run(true, PATIENT, vec![Owner::Wait(ms(500)), Owner::HangUp, Owner::AwaitRing]);
    assert!(
        decided(&world, "replay").is_some() && decided(&world, "false alarm").is_some(),
        "{}",
        world.tale()
    );
    let leaves = at(&world, Who::Company, &Fact::Ended(hold_slayer::sip::Cause::Normal));
    let ring = world.rings();
    assert!(leaves.is_none_or(|_| ring >= 2), "{}", world.tale());
}

#[test]
fn a_person_who_leaves_meanwhile_is_lost_and_the_owner_is_told() {
    let stays = run(true, PATIENT, talks());
    let comes = stays.seen(Who::Company, |f| matches!(f, Fact::Speaks(_))).unwrap();
    let moment = at(&stays, Who::Company, &Fact::HearsBox(Prompt::OneMoment)).unwrap();
    let world = run(true, Far::AgentPutsBack(moment.since(comes) + ms(600)), talks());
    assert!(decided(&world, "replay").is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::AgentLost), "{}", world.tale());
    assert_eq!(at(&world, Who::Company, &Fact::HearsTone(800)), None);
    let told =
        [Prompt::Ended, Prompt::Redialling].map(|prompt| at(&world, Who::Phone, &Fact::HearsBox(prompt)));
    assert!(told.iter().any(Option::is_some), "{}", world.tale());
    assert!(world.core.is_idle() || world.snapshot().redials.len() == 1, "{}", world.tale());
}

#[test]
fn a_call_that_the_owner_takes_by_himself_has_no_first_words() {
    let house = House { replay: true, ..House::default() };
    let script =
        vec![Owner::Register, Owner::AwaitRing, Owner::Wait(s(1)), Owner::PickUp, Owner::Tone(800, s(5))];
    let mut world = World::new(&house, vec![Far::Answer, Far::Loop(Sound::Music, s(100))], script);
    world.run(s(2));
    let way = hold_slayer::slay::schedule::Way::Straight;
    let errand = hold_slayer::call::Errand::Call("18005550123".into(), way);
    assert_eq!(world.send_on(errand), Ok(()));
    world.run(s(10));
    assert_eq!(world.ask(hold_slayer::call::Request::TakeHeld), Ok(()));
    world.run(s(10));
    assert_eq!(decided(&world, "replay"), None);
    assert!(until_heard(&world) <= 260, "{}", world.tale());
}
