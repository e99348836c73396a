//! What the line says while the box holds it: the queue's place and wait, offers, questions, and that nobody comes.

use super::world::{House, World, s};
use hold_slayer::call::{Errand, Event, OfferView, Outcome, Phase, Redialling};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::listen::words::Language;
use hold_slayer::slay::Voicemail;
use hold_slayer::slay::schedule::Way;
use hold_slayer::sounds::Prompt;

const NUMBER: &str = "18005550123";
const PATIENT: Far = Far::Agent { patience: core::time::Duration::from_secs(60) };

fn house() -> House {
    House { redial: Redialling { tries: 2, pause: s(60) }, ..House::default() }
}

/// A call that the box holds, in music after its first words.
fn held(house: &House, far: &[Far]) -> World {
    let far = [&[Far::Answer, Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(20))], far].concat();
    let mut world = World::new(house, far, vec![Owner::Register]);
    world.run(s(2));
    assert_eq!(world.send_on(Errand::Call(NUMBER.into(), Way::Straight)), Ok(()));
    world.run(s(15));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    world
}

/// It is said, as the recogniser tells it half a second later.
fn said(world: &mut World, text: &str) {
    world.understands(s(14), text);
    world.run(s(1));
}

fn told(world: &World, event: impl Fn(&Event) -> bool) -> usize {
    world.events.iter().filter(|happened| event(&happened.event)).count()
}

fn keys_heard(world: &World) -> String {
    let keys = world.story.iter().filter(|n| n.who == Who::Company);
    keys.filter_map(|n| match n.fact {
        Fact::HearsKey(key) => Some(key.as_char()),
        _ => None,
    })
    .collect()
}

fn decided(world: &World, what: &str, reason: &str) -> bool {
    world.record(1).decisions.iter().any(|d| d.what == what && d.reason.contains(reason))
}

fn spoken_to(world: &World) -> bool {
    world.seen(Who::Company, |f| matches!(f, Fact::HearsBox(_))).is_some()
}

#[test]
fn place_and_wait_are_told_shown_kept_and_sharpen_the_estimate() {
    let mut world = held(&house(), &[Far::Loop(Sound::Music, s(900)), PATIENT]);
    let queue = |world: &World| world.snapshot().calls[0].queue.clone().unwrap();
    assert_eq!(queue(&world), Default::default(), "nothing is known yet");
    said(&mut world, "You are caller number eleven in the queue.");
    said(&mut world, "Your estimated wait time is between ten and twenty minutes.");
    said(&mut world, "You are caller number eleven in the queue.");
    let known = queue(&world);
    assert_eq!((known.place, known.least_minutes, known.most_minutes), (Some(11), Some(10), Some(20)));
    assert!((14 * 60_000..=15 * 60_000).contains(&known.left_ms.unwrap()), "{known:?}");
    assert_eq!(told(&world, |e| *e == Event::QueuePosition { place: 11 }), 1, "it is told once");
    let words = |e: &Event| matches!(e, Event::AudioTranscript { text } if text.contains("number eleven"));
    assert_eq!(told(&world, words), 2, "what is said is told as it is said");
    assert_eq!(told(&world, |e| *e == Event::WaitAnnounced { least_minutes: 10, most_minutes: 20 }), 1);
    assert!(
        decided(&world, "told", "place 11 in the queue") && decided(&world, "told", "a wait of 10 to 20 min")
    );
    world.run(s(300));
    said(&mut world, "Your call is important to us. You are caller number 6 in the queue.");
    // Five places in five minutes: six more take six.
    let left = queue(&world).left_ms.unwrap();
    assert!((5 * 60_000..=7 * 60_000).contains(&left), "{left}");
    world.run(s(30));
    assert!(queue(&world).left_ms.unwrap() < left - 25_000);
    assert_eq!((world.phase(), spoken_to(&world)), (Some(Phase::Holding), false), "{}", world.tale());
}

#[test]
fn an_offer_to_call_back_is_put_to_the_owner_or_taken() {
    let waits = [Far::Loop(Sound::Music, s(60)), Far::HangUp];
    let mut world = held(&house(), &waits);
    said(&mut world, "We can call you back without losing your place in line.");
    said(&mut world, "To request a call back, press 2.");
    let offer = |world: &World| world.snapshot().calls[0].queue.clone().unwrap().offer;
    assert_eq!(offer(&world), Some(OfferView { key: Some('2'), taken: false }));
    assert_eq!(told(&world, |e| *e == Event::CallbackOffered { key: Some("2".into()) }), 1);
    assert!(decided(&world, "told", "they offer to call back, by key 2"), "{}", world.tale());
    world.run(s(150));
    assert_eq!((keys_heard(&world).as_str(), world.outcome(1)), ("", Some(Outcome::CompanyHungUp)));

    // Where he wants that, the key is pressed once, and nobody calls again when they have hung up.
    let mut world = held(&House { call_back: true, ..house() }, &waits);
    said(&mut world, "We can call you back without losing your place in line.");
    said(&mut world, "To do so, press 2 now.");
    said(&mut world, "To do so, press 2 now.");
    assert_eq!(keys_heard(&world), "2", "{}", world.tale());
    assert_eq!(offer(&world), Some(OfferView { key: Some('2'), taken: true }));
    world.run(s(600));
    assert_eq!(world.outcome(1), Some(Outcome::CallBack), "{}", world.tale());
    assert!(world.outcome(2).is_none() && world.snapshot().redials.is_empty(), "{}", world.tale());
}

#[test]
fn are_you_still_there_is_answered_unless_the_owner_says_not() {
    let german = House { language: Language::German, ..house() };
    let questions = [
        (house(), "If you are still there, press 1 to remain on hold.", "1"),
        (german, "Wenn Sie weiter warten möchten, drücken Sie die Fünf.", "5"),
        (House { still_there: false, ..house() }, "If you are still there, press 1 to remain on hold.", ""),
    ];
    for (house, words, key) in questions {
        let mut world = held(&house, &[Far::Loop(Sound::Music, s(100)), PATIENT]);
        said(&mut world, words);
        said(&mut world, words);
        assert_eq!(keys_heard(&world), key, "{words}\n{}", world.tale());
        assert_eq!(told(&world, |e| matches!(e, Event::StillThere { .. })), 1, "{words}");
        assert!(!spoken_to(&world), "a machine is not spoken to: {}", world.tale());
    }
}

#[test]
fn closed_hours_end_the_attempt_and_nobody_dials_again() {
    let vain = [Far::Quiet(s(900)), Far::HangUp];
    let mut world = held(&house(), &vain);
    world.run(s(20));
    said(&mut world, "Our offices are closed. Please call back during business hours.");
    world.run(s(600));
    assert_eq!(world.outcome(1), Some(Outcome::NobodyThere), "{}", world.tale());
    assert!(world.record(1).held_ms < 300_000, "it does not wait for them to hang up: {}", world.tale());
    assert_eq!(told(&world, |e| matches!(e, Event::NobodyComes { .. })), 1);
    assert!(world.outcome(2).is_none(), "{}", world.tale());
    // They hang up themselves: the same.
    let mut world = held(&house(), &[Far::Quiet(s(5)), Far::HangUp]);
    world.run(s(13));
    said(&mut world, "Our offices are closed.");
    world.run(s(600));
    assert_eq!((world.outcome(1), world.outcome(2)), (Some(Outcome::NobodyThere), None), "{}", world.tale());
    // It was said to those who wait: the hold goes on, and a queue that hangs up is dialled again.
    let mut world = held(&house(), &[Far::Quiet(s(8)), Far::Loop(Sound::Music, s(100)), Far::HangUp]);
    world.run(s(13));
    said(&mut world, "Our offices are closed on Sundays.");
    world.run(s(60));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    world.run(s(240));
    assert_eq!(world.outcome(1), Some(Outcome::CompanyHungUp), "{}", world.tale());
    assert!(world.outcome(2).is_some(), "{}", world.tale());
}

#[test]
fn words_that_come_after_the_music_has_begun_again_give_no_line_up() {
    let mut world = held(&house(), &[Far::Loop(Sound::Music, s(400)), PATIENT]);
    said(&mut world, "Our offices are closed on Sundays.");
    world.run(s(300));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
}

#[test]
fn who_listens_along_is_not_cut_off() {
    let far = [
        &[Far::Answer, Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(10))][..],
        &[Far::Quiet(s(600)), Far::HangUp],
    ]
    .concat();
    let owner =
        vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(format!("*59{NUMBER}")), Owner::AwaitAnswer];
    let mut world = World::new(&house(), far, owner);
    world.run(s(32));
    said(&mut world, "Our offices are closed.");
    world.run(s(300));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
}

#[test]
fn a_machine_that_takes_messages_hears_nothing_of_the_box() {
    let far = [Far::Quiet(s(300)), Far::HangUp];
    for (voicemail, rings) in [(Voicemail::HangUp, 0), (Voicemail::Ring, 1)] {
        let mut world = held(&House { voicemail, ..house() }, &far);
        world.run(s(15));
        said(&mut world, "Please leave a message after the tone.");
        world.run(s(200));
        assert_eq!(
            (world.outcome(1), world.rings()),
            (Some(Outcome::NobodyThere), rings),
            "{}",
            world.tale()
        );
        assert!(!spoken_to(&world), "{}", world.tale());
        assert!(world.outcome(2).is_none(), "{}", world.tale());
    }
}

#[test]
fn what_a_person_says_is_not_taken_for_a_machines_offer() {
    let mut world = held(&House { call_back: true, ..house() }, &[PATIENT, Far::HangUp]);
    assert!(world.run_until(s(60), |w| w.phase() == Some(Phase::Ringing)), "{}", world.tale());
    let (place, offer) = ("You are caller number three.", "We can call you back. Press 2.");
    [place, offer].iter().for_each(|words| said(&mut world, words));
    assert_eq!(keys_heard(&world), "", "{}", world.tale());
    assert_eq!(told(&world, |e| matches!(e, Event::QueuePosition { .. } | Event::CallbackOffered { .. })), 0);
}

#[test]
fn an_owner_who_asks_hears_what_the_line_has_told() {
    let heard = |house: &House| {
        let asks = vec![Owner::Register, Owner::Wait(s(30)), Owner::Dial("*95".into()), Owner::AwaitEnd];
        let far = [Far::Answer, Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(900))];
        let mut world = World::new(house, far.to_vec(), asks);
        world.run(s(2));
        assert_eq!(world.send_on(Errand::Call(NUMBER.into(), Way::Straight)), Ok(()));
        world.run(s(15));
        said(&mut world, "You are caller number three in the queue.");
        said(&mut world, "Your estimated wait time is between ten and twenty minutes.");
        said(&mut world, "We can call you back. Press 1.");
        world.run(s(60));
        world
    };
    let world = heard(&house());
    for prompt in [Prompt::StatusHolding, Prompt::PlaceFew, Prompt::Left, Prompt::About20, Prompt::Offer] {
        assert_eq!(
            world.count(Who::Phone, |f| *f == Fact::HearsBox(prompt)),
            1,
            "{prompt:?}\n{}",
            world.tale()
        );
    }
    assert_eq!(world.count(Who::Phone, |f| *f == Fact::HearsBox(Prompt::Usually)), 0);
    // Where texts can be spoken it is said exactly.
    let world = heard(&House { speaks: Some(Prompt::Rejoin), ..house() });
    let told = world.texts.iter().find(|text| text.contains("queue")).map(String::as_str);
    let wanted = "Place 3 in the queue. About 15 minutes more. They offer to call you back, by key 1.";
    assert_eq!(told, Some(wanted), "{:?}", world.texts);
    assert_eq!(world.count(Who::Phone, |f| *f == Fact::HearsBox(Prompt::PlaceFew)), 0, "{}", world.tale());
}
