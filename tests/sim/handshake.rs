//! From the person on the line to the owner in the call: who rings, what is heard meanwhile, and when it was no person.

use super::world::{COMPANY, House, PHONE, World, ms, s};
use core::time::Duration;
use hold_slayer::call::{Event, Outcome, Phase, Redialling, Request};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Narration, Sound, Who};
use hold_slayer::phone::hunt::Order;
use hold_slayer::slay::Unanswered;
use hold_slayer::sounds::Prompt;
use hold_slayer::units::{CallId, Digit};

const PATIENT: Far = Far::Agent { patience: Duration::from_secs(120) };
const MOBILE: &str = "15557777";

fn slay(number: &str) -> Vec<Owner> {
    vec![
        Owner::Dial(number.into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(3)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ]
}

fn register() -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1))]
}

fn talk(after: u64) -> Vec<Owner> {
    vec![Owner::AwaitRing, Owner::Wait(s(after)), Owner::PickUp, Owner::Tone(800, s(10)), Owner::HangUp]
}

fn queue(seconds: u64, rest: &[Far]) -> Vec<Far> {
    [&[Far::Answer, Far::Loop(Sound::Music, s(seconds))], rest].concat()
}

fn desk(number: &str, script: Vec<Far>) -> Desk {
    Desk { number: number.into(), script }
}

fn decided(world: &World, id: u64, what: &str) -> usize {
    world.record(id).decisions.iter().filter(|d| d.what == what).count()
}

fn after(world: &World, who: Who, from: u64, fact: &Fact) -> Option<u64> {
    let is = |n: &&Narration| n.who == who && n.at.as_millis() >= from && n.fact == *fact;
    world.story.iter().find(is).map(|n| n.at.as_millis() - from)
}

#[test]
fn both_hear_each_other_within_200_ms_of_the_answer() {
    let owner = [
        register(),
        slay("1800"),
        vec![Owner::AwaitRing, Owner::Wait(s(1)), Owner::PickUp, Owner::Tone(800, s(5)), Owner::HangUp],
    ]
    .concat();
    let mut world = World::new(&House::default(), vec![Far::Answer, Far::Tone(1_200, s(100))], owner);
    assert!(world.run_until(s(40), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    world.run(s(3));
    assert_eq!(world.ask(Request::Take(CallId(1))), Ok(()));
    world.run(s(20));
    let answered = world.seen(Who::Phone, |f| *f == Fact::Answers).unwrap().as_millis();
    // A far end is sure of a tone after its third frame.
    for (who, hz) in [(Who::Phone, 1_200), (Who::Company, 800)] {
        let took = after(&world, who, answered, &Fact::HearsTone(hz));
        assert!(
            took.is_some_and(|ms| ms <= 200 + 60),
            "{who:?} hears {hz} Hz after {took:?}\n{}",
            world.tale()
        );
    }
}

#[test]
fn who_waits_hears_something_every_few_seconds() {
    let owner =
        [register(), slay("1800"), vec![Owner::AwaitRing, Owner::Wait(s(40)), Owner::PickUp]].concat();
    let house = House { ring: s(60), ..House::default() };
    let mut world = World::new(&house, queue(15, &[PATIENT, Far::HangUp]), owner);
    world.run(s(120));
    let said: Vec<Prompt> = world
        .story
        .iter()
        .filter_map(|n| match n.fact {
            Fact::HearsBox(prompt) if n.who == Who::Company => Some(prompt),
            _ => None,
        })
        .collect();
    for prompt in [Prompt::Greet, Prompt::Moment, Prompt::StillRinging, Prompt::StillHere] {
        assert!(said.contains(&prompt), "{prompt:?} is missing: {said:?}\n{}", world.tale());
    }
    assert!(world.tones.contains(&hold_slayer::media::Tone::Ringback), "and the ringing between them");
    world.agents_are_kept();
}

#[test]
fn an_owner_who_hangs_up_at_once_was_rung_for_nobody_and_the_line_stays() {
    let owner = [
        register(),
        slay("1800"),
        vec![Owner::AwaitRing, Owner::Wait(s(2)), Owner::PickUp, Owner::Wait(s(3)), Owner::HangUp],
        talk(2),
    ]
    .concat();
    let company =
        queue(15, &[Far::AgentPutsBack(s(12)), Far::Loop(Sound::Music, s(30)), PATIENT, Far::HangUp]);
    let mut world = World::new(&House::default(), company, owner);
    let put_down = |w: &World| w.outcome(1).is_some() && decided(w, 1, "false alarm") == 1;
    assert!(world.run_until(s(90), put_down), "{}", world.tale());
    assert_eq!((world.phase(), world.company.calls()), (Some(Phase::Holding), 1), "{}", world.tale());
    let bye = world.said.iter().any(|(to, text)| to.ip() == COMPANY && text.starts_with("BYE"));
    assert!(!bye, "the far side notices\n{}", world.tale());
    world.run(s(120));
    assert_eq!(world.record(1).figures.false_alarms, 1);
    world.agents_are_kept();
}

#[test]
fn an_owner_who_talks_for_a_while_and_hangs_up_ends_the_call() {
    let owner = [register(), slay("1800"), talk(2)].concat();
    let mut world = World::new(&House::default(), queue(15, &[PATIENT, Far::HangUp]), owner);
    world.run(s(120));
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    let figures = &world.record(1).figures;
    assert!(figures.waited_ms.is_some_and(|ms| (5_000..20_000).contains(&ms)), "{figures:?}");
    assert_eq!((figures.false_alarms, figures.attempt, figures.trunk.as_str()), (0, 1, "company"));
    assert!(world.record(1).held_ms > 5_000);
    world.agents_are_kept();
}

/// The mobile phone on the company's trunk, and the queue.
fn outside(channels: usize, mobile: Vec<Far>, owner: Vec<Owner>) -> World {
    let house =
        House { channels, ring: s(60), also_ring: vec![MOBILE.into()], also_after: s(3), ..House::default() };
    let desks = vec![desk("1800", queue(15, &[PATIENT, Far::HangUp])), desk(MOBILE, mobile)];
    World::with_desks(&house, desks, [register(), slay("1800"), owner].concat())
}

#[test]
fn a_mobile_phone_is_joined_when_its_key_is_pressed() {
    let mobile = vec![
        Far::Ring(s(4)),
        Far::Answer,
        Far::Quiet(s(3)),
        Far::Press(Digit::from_char('1').unwrap()),
        Far::Tone(1_500, s(8)),
        Far::HangUp,
    ];
    let mut world = outside(3, mobile, vec![Owner::AwaitRing, Owner::AwaitRingEnd]);
    world.run(s(120));
    assert!(
        world.seen(Who::Company, |f| *f == Fact::HearsBox(Prompt::PressOne)).is_some(),
        "{}",
        world.tale()
    );
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(1_500)).is_some(), "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| *f == Fact::StopsRinging).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn a_machine_outside_is_joined_to_nobody() {
    let mobile = vec![Far::Answer, Far::Tone(1_500, s(60)), Far::HangUp];
    let mut world = outside(3, mobile, talk(30));
    world.run(s(150));
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(1_500)).is_none(), "{}", world.tale());
    assert_eq!(
        (decided(&world, 1, "no answer"), world.outcome(1)),
        (1, Some(Outcome::Slain)),
        "{}",
        world.tale()
    );
    world.agents_are_kept();
}

#[test]
fn two_mobile_phones_ring_together_or_one_after_the_other() {
    for (order, apart) in [(Order::AtOnce, 0), (Order::InTurn, 3_000)] {
        let also_ring = vec![MOBILE.into(), "15558888".into()];
        let house =
            House { channels: 3, ring: s(60), also_ring, also_after: s(3), order, ..House::default() };
        let far = vec![Far::Ring(s(60))];
        let desks = vec![
            desk("1800", queue(15, &[PATIENT, Far::HangUp])),
            desk(MOBILE, far.clone()),
            desk("15558888", far),
        ];
        let mut world = World::with_desks(&house, desks, [register(), slay("1800"), talk(20)].concat());
        world.run(s(120));
        let rung: Vec<u64> =
            world.record(1).decisions.iter().filter(|d| d.what == "ring outside").map(|d| d.at_ms).collect();
        assert_eq!(rung.len(), 2, "{}", world.tale());
        assert_eq!(rung[1] - rung[0], apart, "{}", world.tale());
    }
}

#[test]
fn a_mobile_phone_needs_a_channel_of_its_own() {
    let mut world = outside(1, vec![Far::Answer, Far::Forever], talk(12));
    world.run(s(120));
    assert_eq!(
        (decided(&world, 1, "no ring"), world.outcome(1)),
        (1, Some(Outcome::Slain)),
        "{}",
        world.tale()
    );
    world.agents_are_kept();
}

#[test]
fn a_mobile_phone_that_costs_extra_does_not_ring() {
    let house =
        House { channels: 3, also_ring: vec!["+4915112345678".into()], also_after: s(0), ..House::default() };
    let desks =
        vec![desk("1800", queue(15, &[PATIENT, Far::HangUp])), desk("", vec![Far::Answer, Far::Forever])];
    let mut world = World::with_desks(&house, desks, [register(), slay("1800"), talk(5)].concat());
    world.run(s(100));
    let refused =
        |w: &World| w.record(1).decisions.iter().any(|d| d.what == "no ring" && d.reason.contains("abroad"));
    assert!(refused(&world), "{}", world.tale());
    assert_eq!(world.company.calls(), 0);
    world.agents_are_kept();
}

#[test]
fn an_emergency_call_takes_the_channel_of_a_mobile_phone_that_rings() {
    let house = House {
        channels: 2,
        ring: s(60),
        also_ring: vec![MOBILE.into()],
        also_after: s(0),
        rooms: vec![vec![
            Owner::Register,
            Owner::Wait(s(45)),
            Owner::Dial("911".into()),
            Owner::AwaitAnswer,
            Owner::Tone(660, s(3)),
            Owner::HangUp,
        ]],
        ..House::default()
    };
    let desks = vec![
        desk("1800", queue(15, &[PATIENT, Far::HangUp])),
        desk(MOBILE, vec![Far::Ring(s(100))]),
        desk("911", vec![Far::Answer, Far::Forever]),
    ];
    let mut world = World::with_desks(&house, desks, [register(), slay("1800"), talk(35)].concat());
    world.run(s(120));
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(660)).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "the hold itself stays\n{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn nobody_comes_to_the_phone_and_the_line_is_kept_if_the_owner_wants_that() {
    let owner = [register(), slay("1800"), vec![Owner::AwaitRing, Owner::AwaitRingEnd], talk(2)].concat();
    let house = House { ring: s(15), unanswered: Unanswered::Wait, ..House::default() };
    let company =
        queue(15, &[Far::AgentPutsBack(s(25)), Far::Loop(Sound::Music, s(30)), PATIENT, Far::HangUp]);
    let mut world = World::new(&house, company, owner);
    world.run(s(180));
    assert_eq!((world.rings(), world.outcome(1)), (2, Some(Outcome::Slain)), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn the_first_person_wins_the_phone_and_the_second_is_told() {
    let house = House { channels: 4, ring: s(60), max_holds: 2, ..House::default() };
    let desks = vec![
        desk("1800", queue(35, &[PATIENT, Far::HangUp])),
        desk("1801", queue(22, &[PATIENT, Far::HangUp])),
    ];
    let owner = [register(), slay("1800"), slay("1801"), talk(25), talk(2)].concat();
    let mut world = World::with_desks(&house, desks, owner);
    world.run(s(240));
    let told = world.seen(Who::Company, |f| *f == Fact::HearsBox(Prompt::OtherCall));
    assert!(told.is_some(), "the second person is told\n{}", world.tale());
    for id in [1, 2] {
        assert_eq!(world.outcome(id), Some(Outcome::Slain), "call {id}\n{}", world.tale());
    }
    world.agents_are_kept();
}

#[test]
fn three_holds_at_once_are_served_one_after_the_other() {
    let house = House { channels: 6, ring: s(90), max_holds: 3, ..House::default() };
    let desks = vec![
        desk("1800", queue(64, &[PATIENT, Far::HangUp])),
        desk("1801", queue(52, &[PATIENT, Far::HangUp])),
        desk("1802", queue(36, &[PATIENT, Far::HangUp])),
    ];
    let owner = [register(), slay("1800"), slay("1801"), slay("1802"), talk(15), talk(2), talk(2)].concat();
    let mut world = World::with_desks(&house, desks, owner);
    let all_hold = |w: &World| {
        let calls = w.snapshot().calls;
        calls.len() == 3 && calls.iter().all(|call| call.phase == Phase::Holding)
    };
    assert!(world.run_until(s(60), all_hold), "{}", world.tale());
    world.run(s(300));
    let told = world.count(Who::Company, |f| *f == Fact::HearsBox(Prompt::OtherCall));
    assert!(told >= 2, "{told} were told\n{}", world.tale());
    let joined = |id: u64| {
        let record = world.record(id);
        assert_eq!(record.outcome, Outcome::Slain, "call {id}\n{}", world.tale());
        let joins: Vec<_> = record.decisions.iter().filter(|d| d.what == "join").collect();
        assert_eq!(joins.len(), 1, "call {id}\n{}", world.tale());
        record.started.0 + joins[0].at_ms
    };
    let first_ring = |id: u64| {
        let record = world.record(id);
        record.started.0 + record.decisions.iter().find(|d| d.what == "ring").expect("a ring").at_ms
    };
    let mut came = [1, 2, 3];
    came.sort_by_key(|id| first_ring(*id));
    assert!(
        joined(came[0]) < joined(came[1]).min(joined(came[2])),
        "the first person wins\n{}",
        world.tale()
    );
    world.agents_are_kept();
    world.run(s(40));
    world.is_clean();
}

#[test]
fn a_queue_is_waited_in_once() {
    let house = House { channels: 4, max_holds: 3, ..House::default() };
    let again = vec![
        Owner::Dial("1800".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(3)),
        Owner::Press("**".into()),
        Owner::Wait(s(5)),
    ];
    let mut world = World::new(&house, queue(200, &[]), [register(), slay("1800"), again].concat());
    world.run(s(40));
    let phases: Vec<Phase> = world.snapshot().calls.iter().map(|call| call.phase).collect();
    assert_eq!(phases, [Phase::Holding, Phase::Talking], "{}", world.tale());
    let told = world.seen(Who::Phone, |f| *f == Fact::HearsBox(Prompt::CannotHold));
    assert!(told.is_some(), "the owner is told\n{}", world.tale());
    let refused = world.ask(Request::HoldNow(Some(CallId(2))));
    assert!(refused.is_err_and(|why| why.contains("already")));
}

#[test]
fn a_queue_that_hangs_up_is_dialled_again_with_longer_and_longer_pauses_and_not_for_ever() {
    let house = House { redial: Redialling { tries: 2, pause: s(60) }, ..House::default() };
    let mut world = World::new(&house, queue(20, &[Far::HangUp]), [register(), slay("1800")].concat());
    world.run(s(600));
    let called: Vec<u64> = world
        .story
        .iter()
        .filter(|n| n.who == Who::Company && matches!(n.fact, Fact::Called { .. }))
        .map(|n| n.at.as_millis() / 1_000)
        .collect();
    assert_eq!(called.len(), 3, "{}", world.tale());
    assert!(called[1] - called[0] >= 60 && called[2] - called[1] >= 120, "{called:?}");
    let attempts: Vec<u16> = (1..=3).map(|id| world.record(id).figures.attempt).collect();
    assert_eq!(attempts, [1, 2, 3], "{}", world.tale());
    assert!(world.snapshot().redials.is_empty() && world.rings() == 0, "{}", world.tale());
}

#[test]
fn the_second_call_reaches_somebody() {
    let house = House { redial: Redialling { tries: 2, pause: s(60) }, ..House::default() };
    let owner = [register(), slay("1800"), talk(2)].concat();
    let mut world = World::new(&house, queue(20, &[Far::HangUp]), owner);
    world.run(s(50));
    let waits = world.snapshot().redials;
    assert_eq!((waits.len(), waits[0].attempt), (1, 2), "{}", world.tale());
    world.company.change(vec![desk("", queue(20, &[PATIENT, Far::HangUp]))]);
    world.run(s(180));
    assert_eq!(world.outcome(2), Some(Outcome::Slain), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn a_redial_is_called_off_from_the_phone_and_never_takes_the_line_from_help() {
    let house = House { redial: Redialling { tries: 5, pause: s(60) }, ..House::default() };
    let owner =
        [register(), slay("1800"), vec![Owner::Wait(s(30)), Owner::Dial("*49".into()), Owner::AwaitEnd]]
            .concat();
    let mut world = World::new(&house, queue(20, &[Far::HangUp]), owner);
    world.run(s(300));
    assert_eq!(world.records.len(), 1, "{}", world.tale());

    let help = vec![
        Owner::Wait(s(30)),
        Owner::Dial("911".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(5)),
        Owner::HangUp,
    ];
    let mut world = World::new(&house, queue(20, &[Far::HangUp]), [register(), slay("1800"), help].concat());
    world.run(s(1_200));
    assert_eq!(world.records.len(), 2, "help may call back\n{}", world.tale());
}

#[test]
fn what_the_owner_pressed_keys_for_is_not_dialled_again() {
    let house = House { redial: Redialling { tries: 5, pause: s(60) }, ..House::default() };
    let dial =
        vec![Owner::Dial("1800".into()), Owner::AwaitAnswer, Owner::Wait(s(2)), Owner::Press("2".into())];
    let hold = vec![Owner::Wait(s(2)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp];
    let owner = [register(), dial, hold].concat();
    let mut world = World::new(&house, queue(20, &[Far::HangUp]), owner);
    world.run(s(200));
    assert_eq!(
        (world.records.len(), world.outcome(1)),
        (1, Some(Outcome::CompanyHungUp)),
        "{}",
        world.tale()
    );
}

#[test]
fn the_owner_is_warned_before_the_longest_hold_ends() {
    let house = House { cap: s(100), ..House::default() };
    let mut world = World::new(&house, queue(300, &[]), [register(), slay("1800")].concat());
    world.run(s(90));
    assert_eq!(decided(&world, 1, "warn"), 1, "{}", world.tale());
    let shown = |(to, text): &(std::net::SocketAddr, String)| {
        to.ip() == PHONE && text.contains("Messages-Waiting: yes")
    };
    assert!(world.said.iter().any(shown), "the phone shows it");
    let told = world.events.iter().filter(|h| matches!(h.event, Event::EndsSoon { minutes: 1 }));
    assert_eq!(told.count(), 1, "programs are told, once");
    let ends = world.snapshot().calls[0].ends_at.unwrap();
    assert_eq!(world.ask(Request::HoldNow(Some(CallId(1)))), Ok(()), "the owner wants to go on");
    assert!(world.snapshot().calls[0].ends_at.unwrap() > ends);
    world.run(s(60));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
}

#[test]
fn a_number_that_was_waited_at_before_has_a_usual_wait() {
    let mut house = House::default();
    house.waits.note("1800".into(), 12 * 60_000);
    let owner = [register(), slay("1800"), vec![Owner::Dial("*95".into()), Owner::AwaitEnd]].concat();
    let mut world = World::new(&house, queue(300, &[]), owner);
    world.run(s(60));
    assert_eq!(world.snapshot().calls[0].usual_wait_ms, Some(12 * 60_000));
    for prompt in [Prompt::StatusHolding, Prompt::Usually, Prompt::About10] {
        assert!(
            world.seen(Who::Phone, |f| *f == Fact::HearsBox(prompt)).is_some(),
            "{prompt:?}\n{}",
            world.tale()
        );
    }
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(800)).is_none(), "{}", ms(0).as_millis());
}

#[test]
fn the_wait_of_one_call_is_the_usual_one_of_the_next() {
    let again = vec![Owner::Wait(s(2))];
    let owner = [register(), slay("1800"), talk(2), again, slay("1800")].concat();
    let mut world = World::new(&House::default(), queue(24, &[PATIENT, Far::HangUp]), owner);
    let holds = |w: &World, id: u64| {
        let snapshot = w.snapshot();
        let call =
            snapshot.calls.into_iter().find(|call| call.id == CallId(id) && call.phase == Phase::Holding)?;
        Some(call.usual_wait_ms)
    };
    assert!(world.run_until(s(40), |w| holds(w, 1).is_some()), "{}", world.tale());
    assert_eq!(holds(&world, 1), Some(None), "nobody has waited there yet");
    assert!(world.run_until(s(150), |w| holds(w, 2).is_some()), "{}", world.tale());
    let waited = world.record(1).figures.waited_ms;
    assert!(waited.is_some_and(|ms| (10_000..30_000).contains(&ms)), "{waited:?}\n{}", world.tale());
    assert_eq!(holds(&world, 2), Some(waited), "{}", world.tale());
}

#[test]
fn a_call_costs_every_minute_that_was_begun() {
    let mut house = House::default();
    house.rules.cents_per_minute = Some(1.5);
    let owner =
        [register(), vec![Owner::Dial("1800".into()), Owner::AwaitAnswer, Owner::Wait(s(70)), Owner::HangUp]]
            .concat();
    let mut world = World::new(&house, queue(300, &[]), owner);
    world.run(s(100));
    assert_eq!(world.record(1).figures.cents, Some(3.0));
}

/// An owner whose phone puts its call through to a number.
fn put_through(house: &House, puts_through: bool) -> World {
    let desks = vec![
        desk("1800", vec![Far::Answer, Far::Tone(1_200, s(200))]),
        desk("15550123", vec![Far::Answer, Far::Tone(1_500, s(20)), Far::HangUp]),
    ];
    let owner = vec![
        Owner::Dial("1800".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(3)),
        Owner::Transfer("15550123".into()),
        Owner::AwaitTransfer,
        Owner::HangUp,
    ];
    let mut world = World::with_desks(house, desks, [register(), owner].concat());
    world.company.puts_through = puts_through;
    world.run(s(60));
    world
}

#[test]
fn a_provider_that_takes_refer_puts_the_call_through_itself() {
    let mut house = House::default();
    house.rules.refer = true;
    let world = put_through(&house, true);
    assert!(
        world.seen(Who::Company, |f| *f == Fact::IsAsked("15550123".into())).is_some(),
        "{}",
        world.tale()
    );
    assert_eq!((world.records.len(), world.outcome(1)), (1, Some(Outcome::Talked)), "{}", world.tale());
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::Called { .. })), 1, "{}", world.tale());
}

#[test]
fn what_the_provider_does_not_put_through_the_box_does() {
    let mut house = House::default();
    house.rules.refer = true;
    for (house, asked) in [(house, true), (House::default(), false)] {
        let world = put_through(&house, false);
        let is_asked = world.seen(Who::Company, |f| matches!(f, Fact::IsAsked(_))).is_some();
        assert_eq!(is_asked, asked, "{}", world.tale());
        // Joined here: each far end hears the other.
        for hz in [1_200, 1_500] {
            assert!(
                world.seen(Who::Company, |f| *f == Fact::HearsTone(hz)).is_some(),
                "{hz}\n{}",
                world.tale()
            );
        }
    }
}

#[test]
fn an_owner_who_hangs_up_just_as_a_person_comes_is_rung_for_him() {
    let holds = |stays: Duration| {
        let owner = vec![
            Owner::Dial("1800".into()),
            Owner::AwaitAnswer,
            Owner::Wait(s(16)),
            Owner::Press("**".into()),
            Owner::Wait(stays),
            Owner::HangUp,
        ];
        let company = queue(20, &[PATIENT, Far::HangUp]);
        let mut world = World::new(&House::default(), company, [register(), owner, talk(2)].concat());
        world.run(s(90));
        world
    };
    let join = "a person came while the owner was still on the phone";
    let stays = holds(s(20));
    let joined = stays.record(1).decisions.iter().find(|d| d.reason == join).map(|d| d.at_ms);
    let joined = joined.unwrap_or_else(|| panic!("{}", stays.tale()));
    let pressed = stays.record(1).decisions.iter().find(|d| d.what == "hold").map(|d| d.at_ms).unwrap();
    // He hangs up half a second after he was joined.
    let world = holds(ms(joined - pressed + 500));
    assert_eq!(decided(&world, 1, "false alarm"), 0, "{}", world.tale());
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
    world.agents_are_kept();
}
