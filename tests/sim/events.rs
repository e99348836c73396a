//! Every type of event that is documented is sent, each in the situation that it tells of.

use super::explore;
use super::menus::{self, COMPANY_NUMBER};
use super::world::{COMPANY, House, World, each, s};
use hold_slayer::app::core;
use hold_slayer::call::{Errand, Event, Notice, Outcome, Recording, Which};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sip::Cause;
use hold_slayer::slay::schedule::Way;
use std::collections::BTreeSet;

const NUMBER: &str = COMPANY_NUMBER;

/// Told by the control thread itself: `tests/box/notify.rs` sees them come from a box that starts and stops.
const OF_THE_PROCESS: [&str; 2] = ["system.started", "system.stopped"];

fn kind(event: &Event) -> String {
    serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned()
}

/// The first event of this type.
fn first<'w>(world: &'w World, wanted: &str) -> Option<&'w Event> {
    world.events.iter().map(|happened| &happened.event).find(|event| kind(event) == wanted)
}

/// Where an event of one type stands among all of them.
fn at(world: &World, wanted: &str) -> Option<usize> {
    world.events.iter().position(|happened| kind(&happened.event) == wanted)
}

fn music(then: &[Far]) -> Vec<Far> {
    [&[Far::Answer, Far::Loop(Sound::Music, s(25))], then].concat()
}

fn slay(then: &[Owner]) -> Vec<Owner> {
    let dial = [Owner::Register, Owner::Wait(s(1)), Owner::Dial(NUMBER.into()), Owner::AwaitAnswer];
    let hold = [Owner::Wait(s(4)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp];
    [&dial[..], &hold, then].concat()
}

fn played(house: &House, far: Vec<Far>, owner: Vec<Owner>, seconds: u64) -> World {
    let mut world = World::new(house, far, owner);
    world.run(s(seconds));
    world
}

/// A person comes, the phone rings, the owner answers.
fn a_hold_that_ends_well() -> World {
    let agent = Far::Agent { patience: s(60) };
    let talk = [Owner::AwaitRing, Owner::Wait(s(2)), Owner::PickUp, Owner::Say(Sound::OwnerHello)];
    let owner = slay(&[&talk[..], &[Owner::Listen(s(8)), Owner::HangUp]].concat());
    let far = [vec![Far::Ring(s(2))], music(&[agent, Far::HangUp])].concat();
    let world = played(&House::default(), far, owner, 150);
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    world
}

/// It was nobody: the music is back before anyone has answered.
fn a_person_who_goes_again() -> World {
    let far = music(&[Far::AgentPutsBack(s(9)), Far::Loop(Sound::Music, s(60))]);
    let world = played(&House::default(), far, slay(&[Owner::AwaitRing, Owner::AwaitRingEnd]), 100);
    assert!(at(&world, "hold.human_lost") > at(&world, "hold.human_detected"), "{:?}", world.events);
    world
}

fn a_menu_with_a_flow() -> World {
    let owner = menus::registered([menus::dial(&format!("*59{NUMBER}")), vec![Owner::Wait(s(60))]].concat());
    let mut world = menus::knowing(&menus::house(), menus::company(), menus::taught(), owner);
    world.run(s(30));
    world
}

fn a_menu_without_one() -> World {
    let far = explore::company(&[Far::Agent { patience: s(60) }, Far::HangUp]);
    let wish = Way::Wish("billing".into());
    let mut world = explore::called(&explore::house(), far, explore::answers(), wish, explore::MENU);
    world.run_until(s(120), |world| world.outcome(1) == Some(Outcome::Slain));
    world
}

/// What a queue says to those who wait.
fn words_of_a_queue() -> World {
    let far = [&[Far::Answer, Far::Play(Sound::AllBusy)][..], &[Far::Loop(Sound::Music, s(90))]].concat();
    let mut world = played(&House::default(), far, vec![Owner::Register], 2);
    assert_eq!(world.send_on(Errand::Call(NUMBER.into(), Way::Straight)), Ok(()));
    world.run(s(15));
    for words in [
        "You are caller number eleven in the queue.",
        "Your estimated wait time is between ten and twenty minutes.",
        "We can call you back without losing your place in line. To request a call back, press 2.",
        "If you are still there, press 1 to remain on hold.",
        "After this call we invite you to take part in a short survey.",
    ] {
        world.understands(s(14), words);
        world.run(s(2));
    }
    assert!(world.seen(Who::Company, |f| matches!(f, Fact::HearsBox(_))).is_none(), "{}", world.tale());
    world
}

fn nobody_works_there() -> World {
    let far = vec![Far::Answer, Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(20)), Far::Quiet(s(60))];
    let mut world = played(&House::default(), far, vec![Owner::Register], 2);
    assert_eq!(world.send_on(Errand::Call(NUMBER.into(), Way::Straight)), Ok(()));
    world.run(s(35));
    world.understands(s(14), "Our offices are closed. Please call back during business hours.");
    world.run(s(2));
    world
}

fn the_longest_hold() -> World {
    let house = House { cap: s(100), ..House::default() };
    played(&house, music(&[Far::Loop(Sound::Music, s(300))]), slay(&[]), 105)
}

fn a_call_that_is_recorded() -> World {
    let recording =
        Recording { record: Which::All, notice: Notice::Tone, listen_in: Which::Holds, clips: false };
    let house = House { recording, ..House::default() };
    let call = [Owner::Register, Owner::Wait(s(1)), Owner::Dial(NUMBER.into()), Owner::AwaitAnswer];
    let owner = [&call[..], &[Owner::Wait(s(4)), Owner::HangUp]].concat();
    let world = played(&house, vec![Far::Answer, Far::Quiet(s(60))], owner, 15);
    let (begins, ends) = (at(&world, "audio.recording_started"), at(&world, "audio.recording_stopped"));
    assert!(begins < ends && world.events[ends.unwrap()].call.is_some(), "{:?}", world.events);
    world
}

fn a_number_that_is_busy() -> World {
    let owner = vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(NUMBER.into()), Owner::AwaitEnd];
    let world = played(&House::default(), vec![Far::Refuse(Cause::Busy)], owner, 20);
    assert!(
        matches!(first(&world, "call.failed"), Some(Event::CallFailed { outcome: Outcome::Busy, .. })),
        "{:?}",
        world.events
    );
    world
}

/// The phone's plug is pulled, and the provider is gone for a while.
fn phone_and_line_fail() -> World {
    let house = House { expires: s(120), ..House::default() };
    let mut world = played(&house, vec![], vec![Owner::Register, Owner::Wait(s(2)), Owner::Unplug], 10);
    world.net.cut = Some(COMPANY);
    world.run(s(600));
    let name = world.snapshot().trunks[0].name.clone();
    let failed = first(&world, "system.trunk_failed");
    assert!(
        matches!(failed, Some(Event::TrunkFailed { name: told, reason }) if *told == name && reason.contains("trying again")),
        "{failed:?}"
    );
    world.run(s(3600));
    let gone = Event::DeviceUnregistered { name: world.snapshot().phones[0].name.clone() };
    assert_eq!(first(&world, "device.unregistered"), Some(&gone));
    world
}

/// A trouble is told once, and again when it comes back.
fn the_box_itself() -> World {
    let mut world = played(&House::default(), vec![], vec![], 1);
    let trouble = || core::Event::Troubles(vec!["the disk is full: free some space".into()]);
    for event in [trouble(), trouble(), core::Event::Troubles(Vec::new()), trouble()] {
        world.tell(event);
    }
    let told = world.events.iter().filter(|happened| kind(&happened.event) == "system.trouble");
    assert_eq!(told.count(), 2);
    world
}

/// A situation, how it is played, and what is told in it.
type Situation = (&'static str, fn() -> World, &'static [&'static str]);

const SITUATIONS: &[Situation] = &[
    (
        "a hold that ends well",
        a_hold_that_ends_well,
        &[
            "system.trunk_registered",
            "device.registered",
            "call.started",
            "call.ringing",
            "call.connected",
            "call.decided",
            "audio.classified",
            "hold.detected",
            "hold.human_detected",
            "hold.transfer_started",
            "device.ringing",
            "hold.transfer_complete",
            "call.ended",
        ],
    ),
    ("a person who goes again", a_person_who_goes_again, &["hold.human_detected", "hold.human_lost"]),
    (
        "a menu with a flow",
        a_menu_with_a_flow,
        &["menu.detected", "menu.step", "menu.keys_sent", "hold.detected"],
    ),
    ("a menu without one", a_menu_without_one, &["menu.exploration", "menu.keys_sent"]),
    (
        "words of a queue",
        words_of_a_queue,
        &[
            "audio.transcript",
            "hold.queue_position",
            "hold.wait_announced",
            "hold.callback_offered",
            "hold.still_there",
            "hold.survey",
        ],
    ),
    ("nobody works there", nobody_works_there, &["hold.nobody_comes"]),
    ("the longest hold", the_longest_hold, &["hold.ends_soon"]),
    (
        "a call that is recorded",
        a_call_that_is_recorded,
        &["audio.recording_started", "audio.recording_stopped"],
    ),
    ("a number that is busy", a_number_that_is_busy, &["call.failed"]),
    ("phone and line fail", phone_and_line_fail, &["system.trunk_failed", "device.unregistered"]),
    ("the box itself", the_box_itself, &["system.trouble"]),
];

#[test]
fn every_type_of_event_is_sent_in_its_situation() {
    let all = SITUATIONS.iter().map(|(name, play, types)| ((*name).to_owned(), (play, types)));
    let sent: BTreeSet<&str> = each(all, |(play, types)| {
        let world = play();
        for wanted in types.iter() {
            assert!(first(&world, wanted).is_some(), "no {wanted}: {:?}\n{}", world.events, world.tale());
        }
        types.iter().copied()
    })
    .into_iter()
    .flatten()
    .chain(OF_THE_PROCESS)
    .collect();
    let documented: BTreeSet<&str> =
        Event::kinds().iter().filter(|kind| kind.contains('.')).map(String::as_str).collect();
    assert_eq!(sent, documented, "each type that the interface tells of is seen here");
}
