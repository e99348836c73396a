//! The four ways to start slaying, and what the owner may do afterwards.

use super::world::{House, World, ms, s};
use hold_slayer::call::{Outcome, Phase, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::{FlashBy, Step as Owner};
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sounds::Prompt;
use hold_slayer::units::CallId;

/// A queue that plays music for as long as it takes.
fn queue() -> Vec<Far> {
    vec![Far::Answer, Far::Loop(Sound::Music, s(600)), Far::HangUp]
}

fn talk() -> Vec<Owner> {
    vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(2)),
    ]
}

/// The owner heard the confirmation and has gone; the line is kept, without a gap and without a sound of the room.
fn is_held(world: &mut World) {
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    assert!(
        world.seen(Who::Phone, |f| matches!(f, Fact::HearsBox(_))).is_some(),
        "no confirmation\n{}",
        world.tale()
    );
    let before = world.packets_to_company;
    world.run(s(10));
    assert!(
        (495..=505).contains(&(world.packets_to_company - before)),
        "{}",
        world.packets_to_company - before
    );
    assert!(world.worst_gap <= ms(40), "{:?}", world.worst_gap);
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    assert!(
        world.seen(Who::Company, |f| matches!(f, Fact::Hears(_) | Fact::HearsTone(_))).is_none(),
        "{}",
        world.tale()
    );
}

#[test]
fn two_stars_in_the_call() {
    // He goes on humming into the handset while he listens to the confirmation.
    let gesture = vec![Owner::Press("**".into()), Owner::Tone(800, s(3)), Owner::HangUp];
    let mut world = World::new(&House::default(), queue(), [talk(), gesture].concat());
    is_held(&mut world);
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::HearsKey(_))), 0, "the stars are the box's");
}

#[test]
fn a_flash_the_adapter_keeps_for_itself_and_the_code_as_a_second_call() {
    let gesture = vec![
        Owner::Flash(FlashBy::Hold),
        Owner::Wait(s(1)),
        Owner::Dial("*58".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), queue(), [talk(), gesture].concat());
    is_held(&mut world);
    assert_eq!(world.records.len(), 1, "the code is no call");
}

#[test]
fn a_flash_sent_as_an_event_or_by_info_and_the_code_in_the_call() {
    for by in [FlashBy::Event, FlashBy::Info] {
        let gesture = vec![
            Owner::Flash(by),
            Owner::Wait(ms(500)),
            Owner::Press("*58".into()),
            Owner::Listen(s(8)),
            Owner::HangUp,
        ];
        let mut world = World::new(&House::default(), queue(), [talk(), gesture].concat());
        is_held(&mut world);
        assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::HearsKey(_))), 0, "{by:?}");
    }
}

#[test]
fn the_page_and_the_button() {
    for request in [Request::Button, Request::HoldNow(None), Request::HoldNow(Some(CallId(1)))] {
        let mut world = World::new(&House::default(), queue(), [talk(), vec![Owner::Wait(s(600))]].concat());
        assert!(world.run_until(s(10), |w| w.phase() == Some(Phase::Talking)));
        world.run(s(2));
        assert_eq!(world.ask(request), Ok(()));
        assert_eq!(world.phase(), Some(Phase::Confirming));
        // He never hangs up: the box does it for him, after he was told.
        is_held(&mut world);
        assert!(world.seen(Who::Phone, |f| matches!(f, Fact::Ended(_))).is_some());
    }
}

#[test]
fn a_queue_in_early_media_can_be_held_too() {
    let company = vec![Far::EarlyMedia, Far::Loop(Sound::Music, s(600)), Far::HangUp];
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("18005550123".into()),
        Owner::AwaitSound,
        Owner::Wait(s(2)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), company, owner);
    is_held(&mut world);
}

#[test]
fn nothing_to_hold_is_said() {
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("*58".into()),
        Owner::Listen(s(8)),
        Owner::AwaitEnd,
    ];
    let mut world = World::new(&House::default(), queue(), owner);
    assert!(world.ask(Request::Button).is_err());
    world.run(s(15));
    assert!(world.seen(Who::Phone, |f| matches!(f, Fact::HearsBox(_))).is_some(), "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| matches!(f, Fact::Ended(_))).is_some(), "{}", world.tale());
    assert!(world.records.is_empty());
}

#[test]
fn the_owner_may_rejoin_ask_and_cancel_from_the_phone() {
    let held =
        [talk(), vec![Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp, Owner::Wait(s(3))]]
            .concat();
    let code = |code: &str| vec![Owner::Dial(code.into()), Owner::AwaitAnswer];

    let rejoin = [held.clone(), code("*94"), vec![Owner::Tone(800, s(4)), Owner::HangUp]].concat();
    let mut world = World::new(&House::default(), queue(), rejoin);
    world.run(s(40));
    let told = |f: &Fact| *f == Fact::HearsBox(Prompt::Rejoin);
    assert!(world.seen(Who::Phone, told).is_some(), "{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(800)).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());

    let status = [held.clone(), code("*95"), vec![Owner::Listen(s(8)), Owner::AwaitEnd]].concat();
    let mut world = World::new(&House::default(), queue(), status);
    world.run(s(40));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    assert_eq!(world.count(Who::Phone, |f| matches!(f, Fact::HearsBox(_))), 2, "{}", world.tale());

    let cancel = [held, code("*49"), vec![Owner::Listen(s(8)), Owner::AwaitEnd]].concat();
    let mut world = World::new(&House::default(), queue(), cancel);
    world.run(s(40));
    assert_eq!(world.outcome(1), Some(Outcome::OwnerGaveUp), "{}", world.tale());
    assert_eq!(world.company.calls(), 0);
}

#[test]
fn two_stars_during_the_confirmation_take_the_call_back() {
    let gesture = vec![
        Owner::Press("**".into()),
        Owner::Wait(s(1)),
        Owner::Press("**".into()),
        Owner::Wait(s(1)),
        Owner::Tone(800, s(2)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), queue(), [talk(), gesture].concat());
    world.run(s(30));
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(800)).is_some(), "{}", world.tale());
}
