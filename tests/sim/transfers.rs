//! A phone puts its call through to somebody else, or takes another phone's over: RFC 3515, 3891, 4488 and 5589.

use super::world::{House, World, ms, s};
use hold_slayer::call::{Outcome, Phase, Request};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::phone::{FlashBy, Step as Owner};
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sip::{Caller, Cause, Progress};
use hold_slayer::units::CallId;

/// Who is called first, and who is to have the call.
const FIRST: &str = "18005550123";
const OTHER: &str = "18005550199";
/// What each of them plays, and what the owner sends into his room.
const FIRST_HZ: u16 = 1_200;
const OTHER_HZ: u16 = 1_500;
const ROOM_HZ: u16 = 660;
const PREMIUM: &str = "19005550123";

fn desk(number: &str, script: Vec<Far>) -> Desk {
    Desk { number: number.into(), script }
}

fn talks(hz: u16, before: Vec<Far>) -> Vec<Far> {
    [before, vec![Far::Answer, Far::Tone(hz, s(60)), Far::Forever]].concat()
}

/// The first answers at once, the other does this.
fn desks(other: Vec<Far>) -> Vec<Desk> {
    vec![desk(FIRST, talks(FIRST_HZ, vec![])), desk(OTHER, other)]
}

/// A call that is up and parked by the phone, and then this.
fn parked(then: Vec<Owner>) -> Vec<Owner> {
    let talk = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial(FIRST.into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(2)),
        Owner::Flash(FlashBy::Hold),
        Owner::Wait(s(1)),
    ];
    [talk, then].concat()
}

fn to(number: &str) -> Vec<Owner> {
    vec![Owner::Transfer(number.into()), Owner::AwaitTransfer]
}

fn told(world: &World) -> Vec<Progress> {
    let told = world.story.iter().filter_map(|n| match n.fact {
        Fact::Transfer(progress) => Some(progress),
        _ => None,
    });
    told.collect()
}

/// The two far ends hear each other.
fn far_ends_talk(world: &World) {
    for hz in [FIRST_HZ, OTHER_HZ] {
        let heard = world.seen(Who::Company, |f| *f == Fact::HearsTone(hz));
        assert!(heard.is_some(), "nobody hears {hz} Hz\n{}", world.tale());
    }
}

/// Whoever is still there hangs up; then nothing is left, every call has one record, and no line ever fell silent.
fn clean(world: &mut World) {
    let up: Vec<CallId> = world.snapshot().calls.iter().map(|call| call.id).collect();
    for id in up {
        let _ = world.ask(Request::HangUp(id));
    }
    world.run(s(240));
    assert!(world.snapshot().calls.is_empty(), "a call is left\n{}", world.tale());
    assert_eq!(world.company.calls(), 0, "a far end is left\n{}", world.tale());
    assert!(world.core.is_idle(), "{}", world.tale());
    assert!(world.worst_gap <= ms(40), "{:?}\n{}", world.worst_gap, world.tale());
    for (record, ends) in world.records.values() {
        assert_eq!(*ends, 1, "record {:?} is closed once\n{}", record.id, world.tale());
        assert!(record.ended.is_some() && record.outcome != Outcome::Up, "{}", world.tale());
    }
}

fn decided(world: &World, id: u64, what: &str) -> String {
    let found = world.record(id).decisions.iter().find(|d| d.what == what);
    found.unwrap_or_else(|| panic!("it never decided: {what}\n{}", world.tale())).reason.clone()
}

// ---- to a number ----

#[test]
fn help_may_ring_longer_than_others_who_are_put_through_to() {
    let slow = talks(OTHER_HZ, vec![Far::Ring(s(90))]);
    let desks =
        vec![desk(FIRST, vec![Far::Answer, Far::Tone(FIRST_HZ, s(150)), Far::Forever]), desk("911", slow)];
    let owner = parked([to("911"), vec![Owner::HangUp]].concat());
    let mut world = World::with_desks(&House::default(), desks, owner);
    world.run(s(120));
    far_ends_talk(&world);
    clean(&mut world);
}

#[test]
fn a_call_is_put_through_to_a_number() {
    let owner = parked([to(OTHER), vec![Owner::HangUp]].concat());
    let mut world =
        World::with_desks(&House::default(), desks(talks(OTHER_HZ, vec![Far::Ring(s(2))])), owner);
    world.run(s(20));
    far_ends_talk(&world);
    assert_eq!(told(&world), [Progress::Trying, Progress::Ringing, Progress::Done], "{}", world.tale());
    assert_eq!((world.company.calls(), world.snapshot().calls.len()), (2, 1), "{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsVoice).is_some(), "whoever waits hears it ring");
    assert!(world.ask(Request::HoldNow(None)).is_err(), "it is not the house's to hold any more");
    assert_eq!(
        world.record(1).decisions.last().map(|d| d.reason.as_str()),
        Some("put through to 18005550199")
    );
    assert_eq!(world.outcome(2), Some(Outcome::Talked));
    clean(&mut world);
    assert_eq!(world.outcome(1), Some(Outcome::Talked));
}

#[test]
fn a_phone_that_hangs_up_at_once_has_put_its_call_through_all_the_same() {
    for wait in [50, 100, 1_000, 2_060, 2_100] {
        let owner = parked(vec![
            Owner::Transfer(OTHER.into()),
            Owner::Wait(ms(wait)),
            Owner::HangUp,
            Owner::Wait(s(30)),
        ]);
        let other = talks(OTHER_HZ, vec![Far::Ring(s(2))]);
        let mut world = World::with_desks(&House::default(), desks(other), owner);
        world.run(s(20));
        far_ends_talk(&world);
        assert_eq!(world.rings(), 0, "after {wait} ms\n{}", world.tale());
        clean(&mut world);
    }
}

#[test]
fn a_phone_that_does_not_hang_up_is_hung_up_and_not_heard() {
    // It never held the call: until the other answers it talks on, and not a moment longer.
    let owner = vec![
        Owner::Register,
        Owner::Dial(FIRST.into()),
        Owner::AwaitAnswer,
        Owner::Transfer(OTHER.into()),
        Owner::AwaitTransfer,
        Owner::Wait(ms(200)),
        Owner::Tone(ROOM_HZ, s(3)),
        Owner::AwaitEnd,
    ];
    let other = talks(OTHER_HZ, vec![Far::Ring(s(2))]);
    let mut world = World::with_desks(&House::default(), desks(other), owner);
    world.run(s(20));
    far_ends_talk(&world);
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(ROOM_HZ)).is_none(), "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| *f == Fact::Ended(Cause::Normal)).is_some(), "{}", world.tale());
    clean(&mut world);
}

#[test]
fn a_call_that_came_in_can_be_put_through() {
    let owner = vec![
        Owner::Register,
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Wait(s(1)),
        Owner::Transfer(OTHER.into()),
        Owner::AwaitTransfer,
        Owner::HangUp,
    ];
    let mut world = World::with_desks(&House::default(), desks(talks(OTHER_HZ, vec![])), owner);
    world.run(s(1));
    let caller = Caller { number: "15550001".into(), ..Caller::default() };
    world.company.call(world.now, "1555", caller, vec![Far::Tone(FIRST_HZ, s(60)), Far::Forever]);
    world.run(s(15));
    far_ends_talk(&world);
    clean(&mut world);
    assert!(!world.record(1).outgoing && world.record(2).number == OTHER);
}

#[test]
fn whoever_is_busy_leaves_the_call_with_the_phone() {
    let after =
        [to(OTHER), vec![Owner::Resume, Owner::Wait(s(1)), Owner::Tone(ROOM_HZ, s(2)), Owner::HangUp]];
    let other = vec![Far::Ring(s(1)), Far::Refuse(Cause::Busy)];
    let mut world = World::with_desks(&House::default(), desks(other), parked(after.concat()));
    world.run(s(25));
    let failed = Progress::Failed(Cause::Busy);
    assert_eq!(told(&world), [Progress::Trying, Progress::Ringing, failed], "{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(ROOM_HZ)).is_some(), "{}", world.tale());
    assert_eq!((world.outcome(1), world.outcome(2)), (Some(Outcome::Talked), Some(Outcome::Busy)));
    clean(&mut world);
}

#[test]
fn a_call_that_cannot_be_put_through_comes_back_to_a_phone_that_has_hung_up() {
    for other in [vec![Far::Ring(s(2)), Far::Refuse(Cause::Busy)], vec![Far::Ring(s(600))]] {
        let owner = parked(vec![
            Owner::Transfer(OTHER.into()),
            Owner::Wait(ms(500)),
            Owner::HangUp,
            Owner::AwaitRing,
            Owner::Wait(s(2)),
            Owner::PickUp,
            Owner::Tone(ROOM_HZ, s(2)),
            Owner::HangUp,
        ]);
        let mut world = World::with_desks(&House::default(), desks(other), owner);
        world.run(s(90));
        let back =
            |f: &Fact| matches!(f, Fact::Called { caller, .. } if caller.name == format!("BACK: {FIRST}"));
        assert!(world.seen(Who::Phone, back).is_some(), "{}", world.tale());
        assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(ROOM_HZ)).is_some(), "{}", world.tale());
        assert_eq!(world.outcome(1), Some(Outcome::Talked));
        clean(&mut world);
    }
}

#[test]
fn a_call_that_comes_back_to_nobody_ends() {
    let owner = parked(vec![Owner::Transfer(OTHER.into()), Owner::HangUp, Owner::AwaitRing, Owner::Decline]);
    let mut world = World::with_desks(&House::default(), desks(vec![Far::Refuse(Cause::Busy)]), owner);
    world.run(s(30));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    clean(&mut world);
}

#[test]
fn what_may_not_be_dialled_may_not_be_transferred_to() {
    // Premium numbers, codes of the box, and a second channel that is not there: the call stays, and the phone is told.
    for (number, channels, cause) in [
        (PREMIUM, 2, Cause::Rejected),
        ("01144207946000", 2, Cause::Rejected),
        ("*58", 2, Cause::NoSuchNumber),
        (OTHER, 1, Cause::Unavailable),
    ] {
        let after = [to(number), vec![Owner::Resume, Owner::Wait(s(1)), Owner::Tone(ROOM_HZ, s(2))]].concat();
        let house = House { channels, ..House::default() };
        let mut world = World::with_desks(&house, desks(talks(OTHER_HZ, vec![])), parked(after));
        world.run(s(20));
        assert_eq!(told(&world).last(), Some(&Progress::Failed(cause)), "{number}\n{}", world.tale());
        assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::Called { .. })), 1, "{}", world.tale());
        assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(ROOM_HZ)).is_some(), "{}", world.tale());
        assert!(!decided(&world, 1, "no transfer").is_empty());
        clean(&mut world);
    }
}

#[test]
fn help_can_be_put_through_to_but_a_call_for_help_stays() {
    // Another call makes room for help; the one that is put through does not.
    let other = talks(OTHER_HZ, vec![]);
    let desks = |first: &str| vec![desk(first, talks(FIRST_HZ, vec![])), desk("911", other.clone())];
    let owner = parked([to("911"), vec![Owner::HangUp]].concat());
    let mut world = World::with_desks(&House::default(), desks(FIRST), owner.clone());
    world.run(s(20));
    far_ends_talk(&world);
    clean(&mut world);

    let one_channel = House { channels: 1, ..House::default() };
    let mut world =
        World::with_desks(&one_channel, desks(FIRST), parked([to("911"), vec![Owner::Resume]].concat()));
    world.run(s(20));
    assert_eq!(told(&world).last(), Some(&Progress::Failed(Cause::Unavailable)), "{}", world.tale());
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    clean(&mut world);

    let called: Vec<Owner> = owner
        .into_iter()
        .map(|step| match step {
            Owner::Dial(_) => Owner::Dial("911".into()),
            Owner::Transfer(_) => Owner::Transfer(FIRST.into()),
            step => step,
        })
        .collect();
    let mut world = World::with_desks(&House::default(), desks(FIRST), called);
    world.run(s(20));
    assert_eq!(told(&world), [Progress::Failed(Cause::Rejected)], "{}", world.tale());
    clean(&mut world);
}

#[test]
fn a_call_that_the_box_holds_is_not_given_away() {
    // He asks while he hears that the box holds the line, and hums: neither is the hold lost nor the room heard.
    let music = vec![Far::Answer, Far::Loop(Sound::Music, s(120)), Far::Forever];
    let owner = vec![
        Owner::Register,
        Owner::Dial(FIRST.into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(2)),
        Owner::Press("**".into()),
        Owner::Wait(s(1)),
        Owner::Transfer(OTHER.into()),
        Owner::AwaitTransfer,
        Owner::Tone(ROOM_HZ, s(2)),
        Owner::HangUp,
    ];
    let desks = vec![desk(FIRST, music), desk(OTHER, talks(OTHER_HZ, vec![]))];
    let mut world = World::with_desks(&House::default(), desks, owner);
    world.run(s(30));
    assert_eq!(told(&world), [Progress::Failed(Cause::Rejected)], "{}", world.tale());
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(ROOM_HZ)).is_none(), "{}", world.tale());
    assert_eq!(decided(&world, 1, "no transfer"), "the box holds the call: take it back first");
    clean(&mut world);
}

#[test]
fn a_call_is_not_held_while_it_is_put_through() {
    let owner = parked(vec![Owner::Transfer(OTHER.into()), Owner::Wait(s(60))]);
    let other = talks(OTHER_HZ, vec![Far::Ring(s(5))]);
    let mut world = World::with_desks(&House::default(), desks(other), owner);
    world.run(s(7));
    assert_eq!(
        world.ask(Request::HoldNow(Some(CallId(1)))),
        Err("the call is being put through to somebody else".into())
    );
    world.run(s(20));
    far_ends_talk(&world);
    clean(&mut world);
}

#[test]
fn whoever_waits_hangs_up_as_the_other_is_called_or_answers() {
    // The company hangs up at every moment around REFER, its 202, the ringing and the answer.
    for offset in (0..=160).step_by(8).chain((1_960..=2_200).step_by(8)) {
        let script = vec![Far::Answer, Far::Quiet(ms(3_000 + offset)), Far::HangUp];
        let owner = parked(vec![Owner::Transfer(OTHER.into()), Owner::Wait(s(30))]);
        let desks = vec![desk(FIRST, script), desk(OTHER, talks(OTHER_HZ, vec![Far::Ring(s(2))]))];
        let mut world = World::with_desks(&House::default(), desks, owner);
        world.run(s(20));
        assert!(world.snapshot().calls.is_empty(), "offset {offset}\n{}", world.tale());
        clean(&mut world);
    }
}

// ---- to the phone's other call ----

#[test]
fn two_calls_of_a_phone_are_joined() {
    let owner = parked(vec![
        Owner::Dial(OTHER.into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(1)),
        Owner::JoinBoth,
        Owner::AwaitTransfer,
        Owner::HangUp,
    ]);
    let mut world = World::with_desks(&House::default(), desks(talks(OTHER_HZ, vec![])), owner);
    world.run(s(20));
    far_ends_talk(&world);
    assert_eq!(told(&world), [Progress::Done], "{}", world.tale());
    assert_eq!((world.company.calls(), world.snapshot().calls.len()), (2, 1), "{}", world.tale());
    clean(&mut world);
}

/// Two calls at one provider that takes REFER, joined by the phone that has both.
fn both_at_a_provider(puts_through: bool, then: Vec<Owner>) -> World {
    let mut house = House::default();
    house.rules.refer = true;
    let join = vec![Owner::Dial(OTHER.into()), Owner::AwaitAnswer, Owner::Wait(s(1)), Owner::JoinBoth];
    let owner = parked([join, vec![Owner::AwaitTransfer], then].concat());
    let mut world = World::with_desks(&house, desks(talks(OTHER_HZ, vec![])), owner);
    world.company.puts_through = puts_through;
    world
}

fn is_told_of_success(world: &World) {
    let told = told(world);
    let (last, before) = told.split_last().expect("it was told");
    let tries = before.iter().all(|progress| *progress == Progress::Trying);
    assert!(*last == Progress::Done && tries && !before.is_empty(), "{told:?}\n{}", world.tale());
}

/// The call of the box's INVITE to this number, and the far end's tag in it.
fn dialog(world: &World, number: &str) -> (String, String) {
    let to = |text: &str| text.starts_with("ACK ") && text.contains(&format!("\r\nTo: <sip:{number}@"));
    // The last: the first is of the answer that asks for a password, under another tag.
    let ack =
        world.said.iter().rev().find(|(_, text)| to(text)).map(|(_, text)| text.clone()).expect("an ACK");
    let field = |name: &str| ack.lines().find_map(|line| line.strip_prefix(name)).expect(name).to_owned();
    (field("Call-ID: "), field("To: ").split_once(";tag=").expect("a tag").1.to_owned())
}

#[test]
fn a_provider_that_takes_refer_joins_the_phones_two_calls_itself() {
    let mut world = both_at_a_provider(true, vec![Owner::HangUp]);
    world.run(s(20));
    is_told_of_success(&world);
    // RFC 5589 §7.3: within the one call it is told of the other, which is to be replaced.
    let refer = world.said.iter().find(|(_, text)| text.starts_with("REFER ")).expect("a REFER").1.clone();
    let ((first, _), (second, tag)) = (dialog(&world, FIRST), dialog(&world, OTHER));
    assert!(refer.contains(&format!("\r\nCall-ID: {first}\r\n")), "{refer}");
    let to = refer.lines().find(|line| line.starts_with("Refer-To: ")).expect("whom").to_owned();
    let named = second.replace('@', "%40");
    assert!(to.contains(&format!("?Replaces={named}%3B")) && to.contains(&format!("to-tag%3D{tag}")), "{to}");
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::IsAsked(_))), 1, "{}", world.tale());
    // It has both now, and the house no line in use.
    assert_eq!((world.company.calls(), world.snapshot().calls.len()), (0, 0), "{}", world.tale());
    for id in [1, 2] {
        assert_eq!(world.outcome(id), Some(Outcome::Talked));
        let last = world.record(id).decisions.last().map(|d| d.reason.as_str());
        assert_eq!(last, Some("put through by the provider"), "{}", world.tale());
    }
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(FIRST_HZ)).is_none(), "not joined here");
    clean(&mut world);
}

#[test]
fn two_calls_that_the_provider_does_not_join_are_joined_here() {
    let mut world = both_at_a_provider(false, vec![Owner::HangUp]);
    world.run(s(20));
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::IsAsked(_))), 1, "{}", world.tale());
    is_told_of_success(&world);
    far_ends_talk(&world);
    assert_eq!((world.company.calls(), world.snapshot().calls.len()), (2, 1), "{}", world.tale());
    clean(&mut world);
}

#[test]
fn the_other_call_may_end_while_the_provider_is_asked_to_join_both() {
    // The other hangs up at every moment around REFER and its answers; the one that is left stays with the phone.
    for (puts_through, offset) in [(true, 0), (false, 0), (true, 12), (false, 12), (false, 24)] {
        let mut world =
            both_at_a_provider(puts_through, vec![Owner::Resume, Owner::Wait(s(2)), Owner::HangUp]);
        let asks = |w: &World| w.seen(Who::Phone, |f| *f == Fact::Transfers).is_some();
        assert!(world.run_until(s(20), asks), "{}", world.tale());
        world.run(ms(offset));
        let other = world.snapshot().calls.iter().find(|call| call.number == OTHER).map(|call| call.id);
        let _ = other.map(|id| world.ask(Request::HangUp(id)));
        world.run(s(20));
        assert!(told(&world).last().is_some_and(|progress| progress.is_final()), "{}", world.tale());
        clean(&mut world);
    }
}

#[test]
fn the_phone_goes_between_two_calls_by_flash() {
    // Call waiting: the second INVITE rings in the call, the adapter holds the first and takes it, and comes back.
    let owner = vec![
        Owner::Register,
        Owner::Dial(FIRST.into()),
        Owner::AwaitAnswer,
        Owner::AwaitRing,
        Owner::Flash(FlashBy::Hold),
        Owner::PickUp,
        Owner::Tone(660, s(2)),
        Owner::Swap,
        Owner::Wait(ms(500)),
        Owner::Tone(800, s(2)),
        Owner::Swap,
        Owner::Wait(ms(500)),
        Owner::Tone(660, s(2)),
        Owner::HangUp,
    ];
    let mut world = World::with_desks(&House::default(), desks(vec![]), owner);
    world.run(s(4));
    let caller = Caller { number: "15550001".into(), ..Caller::default() };
    world.company.call(world.now, "1555", caller, vec![Far::Tone(OTHER_HZ, s(60)), Far::Forever]);
    world.run(s(20));
    let heard = world.story.iter().filter_map(|n| match n.fact {
        Fact::HearsTone(hz) if n.who == Who::Company => Some(hz),
        _ => None,
    });
    assert_eq!(heard.collect::<Vec<_>>(), [660, 800, 660], "one after the other\n{}", world.tale());
    let heard = |hz| world.seen(Who::Phone, |f| *f == Fact::HearsTone(hz));
    assert!(heard(FIRST_HZ).is_some() && heard(OTHER_HZ).is_some(), "{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(OTHER_HZ)).is_none(), "the two never meet");
    clean(&mut world);
}
