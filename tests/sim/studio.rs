//! Recordings, listening along, and three who talk.

use super::world::{COMPANY, House, World, s};
use hold_slayer::call::{Notice, Outcome, Phase, Recording, Request, Which};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::phone::{FlashBy, Step as Owner};
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::media::Tone;
use hold_slayer::sip::{Cause, Progress};
use hold_slayer::sounds::Prompt;
use hold_slayer::units::{CallId, Codec};

fn recorded(record: Which, notice: Notice) -> House {
    House {
        recording: Recording { record, notice, listen_in: Which::Holds, clips: false },
        ..House::default()
    }
}

fn call(number: &str, then: &[Owner]) -> Vec<Owner> {
    let begin = [Owner::Register, Owner::Wait(s(1)), Owner::Dial(number.into()), Owner::AwaitAnswer];
    [&begin, then].concat()
}

fn music() -> Vec<Far> {
    vec![Far::Answer, Far::Loop(Sound::Music, s(600)), Far::HangUp]
}

/// What the studio was told: record, listen.
fn orders(world: &World) -> Vec<(bool, bool)> {
    world.studio.iter().map(|order| (order.record, order.listen)).collect()
}

#[test]
fn nothing_is_recorded_unless_it_is_asked_for() {
    let mut world = World::new(&House::default(), music(), call("1555", &[Owner::Wait(s(5)), Owner::HangUp]));
    world.run(s(20));
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    assert!(world.studio.is_empty());
}

#[test]
fn both_sides_are_told_that_they_are_recorded() {
    let far = vec![Far::Answer, Far::Quiet(s(600))];
    let owner = call("1555", &[Owner::Wait(s(8)), Owner::HangUp]);
    let mut world = World::new(&recorded(Which::All, Notice::Words), far, owner);
    world.run(s(6));
    assert!(world.snapshot().calls[0].recording);
    world.run(s(20));
    for who in [Who::Company, Who::Phone] {
        let told = world.seen(who, |f| *f == Fact::HearsBox(Prompt::Recorded));
        assert!(told.is_some(), "{who:?} was not told\n{}", world.tale());
    }
    assert_eq!(orders(&world), [(true, false), (false, false)]);
    assert!(world.record(1).decisions.iter().any(|d| d.what == "record"));
}

#[test]
fn a_call_for_help_is_never_recorded_nor_listened_to() {
    let recording =
        Recording { record: Which::All, notice: Notice::Words, listen_in: Which::All, clips: false };
    let house = House { recording, ..House::default() };
    let owner = call("911", &[Owner::Wait(s(5)), Owner::HangUp]);
    let mut world = World::new(&house, vec![Far::Answer, Far::Forever], owner);
    world.run(s(5));
    assert!(world.ask(Request::ListenIn(CallId(1))).is_err());
    world.run(s(20));
    assert!(world.studio.is_empty(), "{}", world.tale());
    assert!(world.seen(Who::Company, |f| matches!(f, Fact::HearsBox(_))).is_none());
}

#[test]
fn where_only_holds_are_recorded_the_talk_is_not() {
    let owner =
        call("1555", &[Owner::Wait(s(5)), Owner::Press("**".into()), Owner::Wait(s(15)), Owner::AwaitRing]);
    let owner = [owner, vec![Owner::PickUp, Owner::Wait(s(5)), Owner::HangUp]].concat();
    let mut world = World::new(&recorded(Which::Holds, Notice::Tone), music(), owner);
    world.run(s(5));
    assert!(world.studio.is_empty(), "they talk");
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    assert_eq!(orders(&world), [(true, false)]);
    world.ask(Request::Take(CallId(1))).unwrap();
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    assert_eq!(orders(&world), [(true, false), (false, false)]);
}

#[test]
fn the_page_listens_to_a_held_call_and_to_no_other() {
    let owner =
        call("1555", &[Owner::Wait(s(5)), Owner::Press("**".into()), Owner::Wait(s(8)), Owner::HangUp]);
    let owner = [owner, vec![Owner::AwaitRing, Owner::PickUp, Owner::Wait(s(30)), Owner::HangUp]].concat();
    let mut world = World::new(&recorded(Which::None, Notice::None), music(), owner);
    world.run(s(5));
    assert!(world.ask(Request::ListenIn(CallId(1))).is_err() && !world.snapshot().calls[0].may_listen);
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    assert!(world.snapshot().calls[0].may_listen);
    for _ in 0..2 {
        world.ask(Request::ListenIn(CallId(1))).unwrap();
    }
    world.ask(Request::ListenEnd(CallId(1))).unwrap();
    assert_eq!(orders(&world), [(false, true)], "one still listens");
    // The owner takes the call: from then on he is not overheard.
    world.ask(Request::Take(CallId(1))).unwrap();
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    assert_eq!(orders(&world), [(false, true), (false, false)]);
}

#[test]
fn the_owner_listens_along_unheard_and_two_stars_bring_him_in() {
    let held = [Owner::Wait(s(3)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp];
    let along = [Owner::Wait(s(3)), Owner::Dial("*96".into()), Owner::AwaitAnswer, Owner::Tone(800, s(12))];
    let barge = [
        Owner::Wait(s(2)),
        Owner::Press("**".into()),
        Owner::Wait(s(1)),
        Owner::Tone(1500, s(5)),
        Owner::HangUp,
    ];
    let owner = [call("1555", &held), along.to_vec(), barge.to_vec()].concat();
    let mut world = World::new(&House::default(), music(), owner);
    world.run(s(30));
    let before = world.count(Who::Phone, |f| *f == Fact::Hears(Sound::Music));
    assert!(before >= 2, "he hears the music again\n{}", world.tale());
    world.run(s(30));
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(800)).is_none(), "unheard\n{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(1500)).is_some(), "joined\n{}", world.tale());
    assert!(world.worst_gap <= super::world::ms(40), "{:?}", world.worst_gap);
}

#[test]
fn a_held_call_that_ends_says_so_to_who_listens_and_later_to_who_asks() {
    let far = vec![Far::Answer, Far::Loop(Sound::Music, s(25)), Far::HangUp];
    let held = [Owner::Wait(s(3)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp];
    let along = [Owner::Wait(s(1)), Owner::Dial("*96".into()), Owner::AwaitAnswer, Owner::AwaitEnd];
    let asks = [Owner::Wait(s(1)), Owner::Dial("*95".into()), Owner::AwaitAnswer, Owner::AwaitEnd];
    let owner = [call("1555", &held), along.to_vec(), asks.to_vec(), asks.to_vec()].concat();
    let mut world = World::new(&House::default(), far, owner);
    world.run(s(60));
    let ended = world.count(Who::Phone, |f| *f == Fact::HearsBox(Prompt::Ended));
    let nothing = world.count(Who::Phone, |f| *f == Fact::HearsBox(Prompt::NothingToHold));
    assert_eq!((ended, nothing), (2, 1), "{}", world.tale());
}

/// Two calls of one phone: the first parked by a flash, the second up. Each company line has a tone of its own, at a time of
/// its own: what comes out of a mix is not bit by bit what went in, so music would not be recognised.
fn two_calls(then: &[Owner]) -> World {
    let desk = |number: &str, script: &[Far]| Desk { number: number.into(), script: script.to_vec() };
    let desks = vec![
        desk("1555", &[Far::Answer, Far::Quiet(s(9)), Far::Tone(660, s(3)), Far::Quiet(s(48)), Far::HangUp]),
        desk("1666", &[Far::Answer, Far::Quiet(s(20)), Far::Tone(1200, s(80))]),
    ];
    let second =
        [Owner::Wait(s(3)), Owner::Flash(FlashBy::Hold), Owner::Dial("1666".into()), Owner::AwaitAnswer];
    let owner = [call("1555", &second), then.to_vec()].concat();
    World::with_desks(&House::default(), desks, owner)
}

#[test]
fn three_talk_and_the_owner_keeps_who_stays() {
    let mut world =
        two_calls(&[Owner::Wait(s(10)), Owner::Tone(800, s(4)), Owner::Wait(s(60)), Owner::HangUp]);
    world.run(s(9));
    assert!(world.ask(Request::Conference(CallId(1))).is_err(), "it is parked: nobody talks in it");
    world.ask(Request::Conference(CallId(2))).unwrap();
    world.run(s(30));
    for (hz, companies, owner) in [(660, 1, 1), (800, 2, 0), (1200, 1, 1)] {
        let heard = |who| world.count(who, |f| *f == Fact::HearsTone(hz));
        let (by_companies, by_owner) = (heard(Who::Company), heard(Who::Phone));
        assert_eq!((by_companies, by_owner), (companies, owner), "{hz} Hz\n{}", world.tale());
    }
    assert!(world.ask(Request::HoldNow(Some(CallId(2)))).is_err(), "several are not held");
    // The first company hangs up: the two others talk on, without the room.
    assert!(world.run_until(s(80), |w| w.outcome(1) == Some(Outcome::Talked)), "{}", world.tale());
    assert_eq!(world.outcome(2), Some(Outcome::Up));
    world.run(s(100));
    assert_eq!(world.outcome(2), Some(Outcome::Talked), "{}", world.tale());
    assert_eq!(world.company.calls(), 0);
    assert!(world.worst_gap <= super::world::ms(40), "{:?}", world.worst_gap);
}

#[test]
fn when_the_far_side_of_his_own_call_leaves_the_other_takes_the_owner() {
    let mut world =
        two_calls(&[Owner::Wait(s(8)), Owner::Wait(s(30)), Owner::Tone(800, s(3)), Owner::Wait(s(60))]);
    world.run(s(9));
    world.ask(Request::Conference(CallId(2))).unwrap();
    world.run(s(3));
    world.ask(Request::HangUp(CallId(2))).unwrap();
    world.run(s(3));
    // Hung up on the page, the owner's own call takes all with it; nobody is left alone in a room.
    assert_eq!(world.company.calls(), 0, "{}", world.tale());
    assert!(world.snapshot().calls.is_empty());
}

#[test]
fn a_conference_is_not_given_away() {
    let mut world = two_calls(&[
        Owner::Wait(s(12)),
        Owner::Transfer("18005550199".into()),
        Owner::AwaitTransfer,
        Owner::Wait(s(60)),
    ]);
    world.run(s(9));
    world.ask(Request::Conference(CallId(2))).unwrap();
    world.run(s(12));
    let refused = Fact::Transfer(Progress::Failed(Cause::Rejected));
    assert!(world.seen(Who::Phone, |f| *f == refused).is_some(), "{}", world.tale());
    assert_eq!(world.snapshot().calls.len(), 2, "{}", world.tale());
}

#[test]
fn the_agent_hears_the_phone_ring() {
    let far = vec![Far::Answer, Far::Loop(Sound::Music, s(20)), Far::Agent { patience: s(120) }];
    let held =
        [Owner::Wait(s(3)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp, Owner::AwaitRing];
    let owner =
        [call("1555", &held), vec![Owner::Wait(s(7)), Owner::PickUp, Owner::Wait(s(5)), Owner::HangUp]]
            .concat();
    let mut world = World::new(&House::default(), far, owner);
    world.run(s(80));
    assert!(world.tones.contains(&Tone::Ringback), "{}", world.tale());
    assert!(world.tones.contains(&Tone::Beep), "he knows by a beep what this call is\n{}", world.tale());
}

#[test]
fn a_wide_band_phone_calls_out_and_is_understood() {
    let house = House { phone_codec: Codec::G722, ..House::default() };
    let owner = call("1555", &[Owner::Wait(s(5)), Owner::HangUp]);
    let mut world = World::new(&house, music(), owner);
    world.run(s(20));
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    let answered = world.said.iter().find(|(_, text)| text.contains("RTP/AVP 9"));
    assert!(answered.is_some(), "the phone's own coding was answered");
    let offered = world.said.iter().filter(|(to, text)| to.ip() == COMPANY && text.starts_with("INVITE"));
    assert!(offered.into_iter().all(|(_, text)| !text.contains("G722")), "the trunk is never offered it");
}
