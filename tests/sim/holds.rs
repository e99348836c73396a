//! The main job, and everything that can go wrong with it.

use super::world::{COMPANY, House, PHONE, World, ms, s};
use hold_slayer::call::{Outcome, Phase, Request};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::live::Manner;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::units::CallId;

const PATIENT: Far = Far::Agent { patience: core::time::Duration::from_secs(120) };

/// Dials, waits for the queue, presses `**`, hears the confirmation and hangs up.
fn slay() -> Vec<Owner> {
    vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(5)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ]
}

fn answer_and_talk() -> Vec<Owner> {
    vec![
        Owner::AwaitRing,
        Owner::Wait(s(2)),
        Owner::PickUp,
        Owner::Wait(s(1)),
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(8)),
        Owner::Say(Sound::OwnerThanks),
        Owner::HangUp,
    ]
}

fn queue(rest: &[Far]) -> Vec<Far> {
    [
        &[
            Far::Answer,
            Far::Loop(Sound::Music, s(20)),
            Far::Play(Sound::StayOnLine),
            Far::Loop(Sound::Music, s(15)),
        ],
        rest,
    ]
    .concat()
}

fn speaks(world: &World) -> hold_slayer::units::Instant {
    world
        .seen(Who::Company, |f| matches!(f, Fact::Speaks(_)))
        .unwrap_or_else(|| panic!("no agent\n{}", world.tale()))
}

fn rung(world: &World) -> hold_slayer::units::Instant {
    world
        .seen(Who::Phone, |f| matches!(f, Fact::Called { .. }))
        .unwrap_or_else(|| panic!("no ring\n{}", world.tale()))
}

#[test]
fn an_agent_comes_and_is_joined_with_the_owner() {
    let mut world =
        World::new(&House::default(), queue(&[PATIENT, Far::HangUp]), [slay(), answer_and_talk()].concat());
    world.run(s(150));
    assert!(rung(&world) > speaks(&world), "rang for a recording\n{}", world.tale());
    let shown = |f: &Fact| matches!(f, Fact::Called { caller, .. } if caller.name == "HOLD: 18005550123");
    assert!(world.seen(Who::Phone, shown).is_some(), "{}", world.tale());
    assert_eq!(world.rings(), 1, "{}", world.tale());
    assert!(
        world.seen(Who::Company, |f| matches!(f, Fact::HearsBox(_))).is_some(),
        "nobody spoke to the agent"
    );
    assert!(
        world.seen(Who::Company, |f| matches!(f, Fact::Hears(Sound::OwnerHello))).is_some(),
        "{}",
        world.tale()
    );
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert!(world.worst_gap <= ms(40), "{:?}", world.worst_gap);
    let record = world.record(1);
    assert!(record.held_ms > 30_000 && !record.heard.is_empty(), "{record:?}");
    let hold = record.decisions.iter().find(|d| d.what == "hold").unwrap();
    assert!(record.heard[0].at_ms >= hold.at_ms, "nothing is heard before the box listens: {record:?}");
    for what in ["dial", "hold", "ring", "join", "end"] {
        assert!(
            record.decisions.iter().any(|d| d.what == what && !d.reason.is_empty()),
            "{what}: {record:?}"
        );
    }
    world.agents_are_kept();
}

#[test]
fn a_recording_is_not_a_person_and_the_agent_after_it_is() {
    // The same announcement again and again, then an agent: one ring, after the agent began to speak.
    let company = [
        Far::Answer,
        Far::Loop(Sound::Music, s(15)),
        Far::Play(Sound::StayOnLine),
        Far::Loop(Sound::Music, s(15)),
        Far::Play(Sound::LongerThanUsual),
        Far::Loop(Sound::Music, s(15)),
        Far::Play(Sound::StayOnLine),
        Far::Loop(Sound::Music, s(15)),
        PATIENT,
        Far::HangUp,
    ];
    let mut world = World::new(&House::default(), company.into(), [slay(), answer_and_talk()].concat());
    world.run(s(200));
    assert!(rung(&world) > speaks(&world), "{}", world.tale());
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn a_hole_in_the_network_is_not_a_line_that_waits() {
    // The recording's sentence is cut off at each of its words; 1.8 s later the music is back.
    for cut_ms in (400..=1_600).step_by(200) {
        let company = queue(&[Far::Loop(Sound::Music, s(20)), Far::HangUp]);
        let mut world = World::new(&House::default(), company, slay());
        let says = |w: &World| w.seen(Who::Company, |f| *f == Fact::Says(Sound::StayOnLine)).is_some();
        assert!(world.run_until(s(60), says), "{}", world.tale());
        world.run(ms(cut_ms));
        world.net.cut = Some(COMPANY);
        world.run(ms(1_800));
        world.net.cut = None;
        world.run(s(60));
        assert_eq!(world.rings(), 0, "cut after {cut_ms} ms\n{}", world.tale());
    }
}

#[test]
fn an_owner_rung_for_a_recording_gives_the_call_back() {
    let owner = vec![
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Wait(s(1)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let company = queue(&[Far::Loop(Sound::Music, s(20)), PATIENT, Far::HangUp]);
    let mut world = World::new(&House::default(), company, [slay(), owner, answer_and_talk()].concat());
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    assert_eq!(world.ask(Request::Take(CallId(1))), Ok(()), "a false alarm, on request");
    world.run(s(150));
    assert_eq!((world.rings(), world.outcome(1)), (2, Some(Outcome::Slain)), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn put_back_after_a_real_talk_and_held_again_until_the_next_person_comes() {
    let colleague = Far::Person(Manner { greeting: Sound::AgentThere, ..Manner::patient(s(120)) });
    let back = Far::AgentPutsBack(s(45));
    let company = queue(&[back, Far::Loop(Sound::Music, s(40)), colleague, Far::HangUp]);
    let talks = vec![
        Owner::AwaitRing,
        Owner::Wait(s(2)),
        Owner::PickUp,
        Owner::Wait(s(1)),
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(8)),
        Owner::Say(Sound::OwnerAsks),
        Owner::Wait(s(30)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House::default(), company, [slay(), talks, answer_and_talk()].concat());
    world.run(s(240));
    assert_eq!((world.rings(), world.outcome(1)), (2, Some(Outcome::Slain)), "{}", world.tale());
    let count = |what: &str| world.record(1).decisions.iter().filter(|d| d.what == what).count();
    assert_eq!((count("hold"), count("join"), count("false alarm")), (2, 2, 0), "{}", world.tale());
    // Each of them talks with the owner.
    let hello = world.count(Who::Company, |f| *f == Fact::Hears(Sound::OwnerHello));
    assert_eq!(hello, 2, "{}", world.tale());
    world.agents_are_kept();
    world.is_clean();
}

#[test]
fn an_agent_who_hangs_up_while_it_rings_is_recorded_as_lost() {
    let owner = vec![Owner::AwaitRing, Owner::AwaitRingEnd];
    let company = queue(&[Far::Agent { patience: s(1) }, Far::HangUp]);
    let house = House { ring: s(120), ..House::default() };
    let mut world = World::new(&house, company, [slay(), owner].concat());
    world.run(s(240));
    assert!(world.seen(Who::Phone, |f| *f == Fact::StopsRinging).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::AgentLost), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn a_company_that_hangs_up_ends_the_hold_without_a_ring() {
    let mut world = World::new(&House::default(), queue(&[Far::HangUp]), slay());
    world.run(s(80));
    assert_eq!((world.rings(), world.outcome(1)), (0, Some(Outcome::CompanyHungUp)), "{}", world.tale());
}

#[test]
fn a_phone_nobody_answers_rings_again_and_the_agent_is_told() {
    let owner = vec![Owner::AwaitRing, Owner::AwaitRingEnd, Owner::AwaitRing, Owner::AwaitRingEnd];
    let house = House { ring: s(15), ring_again: 1, ..House::default() };
    let mut world = World::new(&house, queue(&[PATIENT, Far::HangUp]), [slay(), owner].concat());
    world.run(s(200));
    assert_eq!((world.rings(), world.outcome(1)), (2, Some(Outcome::AgentLost)), "{}", world.tale());
    let apology = world.record(1).decisions.iter().any(|d| d.what == "apologise");
    assert!(apology, "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn a_busy_phone_is_tried_until_it_is_free() {
    let house = House { busy_when_talking: true, channels: 3, ring: s(60), ..House::default() };
    let desks = vec![
        Desk { number: "18005550123".into(), script: queue(&[PATIENT, Far::HangUp]) },
        Desk { number: "1555".into(), script: vec![Far::Answer, Far::Forever] },
    ];
    // He chats with somebody else, until a while after the agent has come.
    let owner = vec![Owner::Dial("1555".into()), Owner::AwaitAnswer, Owner::Wait(s(48)), Owner::HangUp];
    let mut world = World::with_desks(&house, desks, [slay(), owner, answer_and_talk()].concat());
    world.run(s(200));
    assert!(world.seen(Who::Phone, |f| matches!(f, Fact::Refuses(_))).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn an_owner_who_declines_is_excused_to_the_agent() {
    let owner = vec![Owner::AwaitRing, Owner::Wait(s(1)), Owner::Decline];
    let mut world = World::new(&House::default(), queue(&[PATIENT, Far::HangUp]), [slay(), owner].concat());
    world.run(s(120));
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::OwnerGaveUp)), "{}", world.tale());
    assert_eq!(world.company.calls(), 0);
    world.agents_are_kept();
}

#[test]
fn a_phone_unplugged_while_holding_is_rung_when_it_is_back() {
    let house = House { ring: s(60), ..House::default() };
    let mut world = World::new(&house, queue(&[PATIENT, Far::HangUp]), [slay(), answer_and_talk()].concat());
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    world.net.cut = Some(PHONE);
    assert!(world.run_until(s(120), |w| w.phase() == Some(Phase::Ringing)), "{}", world.tale());
    world.run(s(10));
    world.net.cut = None;
    world.run(s(100));
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn a_phone_unplugged_for_good_loses_the_agent_politely() {
    let owner = vec![Owner::Unplug];
    let house = House { ring: s(20), ..House::default() };
    let mut world = World::new(&house, queue(&[PATIENT, Far::HangUp]), [slay(), owner].concat());
    world.run(s(200));
    assert_eq!(world.outcome(1), Some(Outcome::AgentLost), "{}", world.tale());
    assert_eq!(world.company.calls(), 0);
    world.agents_are_kept();
}

#[test]
fn the_trunk_registers_anew_during_a_hold() {
    let house = House { expires: s(60), ..House::default() };
    let company = vec![Far::Answer, Far::Loop(Sound::Music, s(280)), PATIENT, Far::HangUp];
    let mut world = World::new(&house, company, [slay(), answer_and_talk()].concat());
    world.run(s(270));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    assert!(world.snapshot().trunks[0].up);
    world.run(s(90));
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    world.agents_are_kept();
}

#[test]
fn the_page_rings_the_phone_person_or_not() {
    let mut world = World::new(
        &House::default(),
        queue(&[Far::Loop(Sound::Music, s(100)), Far::HangUp]),
        [slay(), answer_and_talk()].concat(),
    );
    assert!(world.ask(Request::Take(CallId(1))).is_err(), "nothing is held yet");
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    assert_eq!(world.ask(Request::Take(CallId(1))), Ok(()));
    world.run(s(30));
    assert!(
        world.seen(Who::Company, |f| matches!(f, Fact::Hears(Sound::OwnerHello))).is_some(),
        "{}",
        world.tale()
    );
}

#[test]
fn an_emergency_call_takes_the_only_line_from_a_hold() {
    let house = House { channels: 1, ..House::default() };
    let desks = vec![
        Desk { number: "18005550123".into(), script: queue(&[Far::Loop(Sound::Music, s(600))]) },
        Desk { number: "911".into(), script: vec![Far::Answer, Far::Tone(1_200, s(5)), Far::Forever] },
    ];
    let emergency = vec![
        Owner::Wait(s(5)),
        Owner::Dial("911".into()),
        Owner::AwaitAnswer,
        Owner::Tone(800, s(3)),
        Owner::Press("**".into()),
        Owner::Tone(1_500, s(3)),
        Owner::HangUp,
    ];
    let mut world = World::with_desks(&house, desks, [slay(), emergency].concat());
    world.run(s(90));
    assert_eq!(world.outcome(1), Some(Outcome::PreEmpted), "{}", world.tale());
    assert_eq!(world.outcome(2), Some(Outcome::Talked), "{}", world.tale());
    for hz in [800, 1_500] {
        assert!(
            world.seen(Who::Company, |f| *f == Fact::HearsTone(hz)).is_some(),
            "never held\n{}",
            world.tale()
        );
    }
    assert!(world.record(2).heard.is_empty(), "never listened to");
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::HearsKey(_))), 2, "keys go straight through");
}

#[test]
fn an_ordinary_call_does_not_take_the_line_from_a_hold() {
    let house = House { channels: 1, ..House::default() };
    let desks = vec![Desk { number: String::new(), script: queue(&[Far::Loop(Sound::Music, s(600))]) }];
    let owner = vec![Owner::Wait(s(5)), Owner::Dial("1555".into()), Owner::AwaitEnd];
    let mut world = World::with_desks(&house, desks, [slay(), owner].concat());
    world.run(s(60));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
}

#[test]
fn two_hours_on_hold_are_outwaited() {
    // The queue is silent but for an announcement every ten minutes: music would cost the test a minute of arithmetic.
    let mut company = vec![Far::Answer];
    for _ in 0..12 {
        company.extend([Far::Quiet(s(600)), Far::Play(Sound::StayOnLine)]);
    }
    company.extend([Far::Quiet(s(20)), PATIENT, Far::HangUp]);
    let mut world = World::new(&House::default(), company, [slay(), answer_and_talk()].concat());
    world.run(s(2 * 3600 + 240));
    assert!(rung(&world) > speaks(&world), "{}", world.tale());
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
    assert!(world.record(1).held_ms > 2 * 3_600_000 && world.worst_gap <= ms(40), "{:?}", world.worst_gap);
    world.agents_are_kept();
}

#[test]
fn the_longest_hold_allowed_ends_it() {
    let house = House { cap: s(60), ..House::default() };
    let mut world = World::new(&house, queue(&[Far::Loop(Sound::Music, s(600))]), slay());
    world.run(s(100));
    assert_eq!(world.outcome(1), Some(Outcome::CapReached), "{}", world.tale());
}

#[test]
fn a_company_that_vanishes_is_noticed_at_the_end_of_the_cap_at_the_latest() {
    let house = House { cap: s(120), ..House::default() };
    let mut world = World::new(&house, queue(&[Far::Loop(Sound::Music, s(600))]), slay());
    assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    world.net.cut = Some(COMPANY);
    world.run(s(200));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
}
