//! Somebody waits while the household is on another call.

use super::world::{House, World, ms, s};
use hold_slayer::call::{Outcome, Phase, Recording};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::ear::Kind;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::media::Overlay;
use hold_slayer::phone::hunt::Order;
use hold_slayer::sip::Caller;

/// A queue in which an agent comes after half a minute, and somebody to chat with meanwhile, who says nothing.
fn desks() -> Vec<Desk> {
    let queue =
        vec![Far::Answer, Far::Loop(Sound::Music, s(30)), Far::Agent { patience: s(60) }, Far::HangUp];
    let chat = vec![Far::Answer, Far::Forever];
    vec![
        Desk { number: "18005550123".into(), script: queue },
        Desk { number: "15551234".into(), script: chat.clone() },
        Desk { number: "911".into(), script: chat },
    ]
}

/// The owner leaves a call to the box and calls somebody else.
fn owner(number: &str, then: Vec<Owner>) -> Vec<Owner> {
    let begin = [
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(2)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
        Owner::Wait(s(1)),
        Owner::Dial(number.into()),
        Owner::AwaitAnswer,
    ];
    [begin.to_vec(), then].concat()
}

fn house() -> House {
    House { busy_when_talking: true, channels: 3, ring: s(60), ..House::default() }
}

const BEEP: Option<Overlay> = Some(Overlay::Waiting);

#[test]
fn the_talker_hears_a_beep_and_when_he_hangs_up_his_phone_rings_at_once() {
    let then = vec![
        Owner::Wait(s(48)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Say(Sound::OwnerHello),
        Owner::AwaitEnd,
    ];
    let mut world = World::with_desks(&house(), desks(), owner("15551234", then));
    assert!(
        world.run_until(s(90), |w| w.overlays.last().is_some_and(|(_, tone)| *tone == BEEP)),
        "{}",
        world.tale()
    );
    let refused = world.seen(Who::Phone, |f| matches!(f, Fact::Refuses(_))).unwrap();
    assert!(world.now.since(refused) < ms(100), "as soon as the phone has refused");
    let port = world.overlays.last().unwrap().0;
    world.run(s(12));
    assert_eq!(
        world.overlays,
        [(port, BEEP)],
        "it goes on while the person waits, however often the phone is tried"
    );
    assert!(world.count(Who::Phone, |f| matches!(f, Fact::Refuses(_))) > 1);
    // Whom he talks with says nothing: what he hears since is the beep, every ten seconds.
    let heard =
        world.story.iter().filter(|n| n.who == Who::Phone && n.at >= refused && n.fact == Fact::HearsVoice);
    assert_eq!(heard.count(), 2, "{}", world.tale());
    assert!(world.run_until(s(60), |w| {
        w.story.iter().filter(|n| n.fact == Fact::HangsUp && n.who == Who::Phone).count() == 2
    }));
    let hung_up = world.now;
    assert!(world.run_until(s(5), |w| w.rings() == 1), "{}", world.tale());
    assert!(world.now.since(hung_up) < s(1), "{}", world.tale());
    world.run(s(5));
    let said = world.seen(Who::Company, |f| *f == Fact::Hears(Sound::OwnerHello));
    assert!(said.is_some_and(|at| at >= hung_up), "{}", world.tale());
}

#[test]
fn a_phone_that_is_free_again_rings_with_those_that_ring_already() {
    let then = vec![Owner::Wait(s(48)), Owner::HangUp, Owner::AwaitRing, Owner::PickUp, Owner::AwaitEnd];
    let rooms = vec![vec![Owner::Register, Owner::AwaitRing, Owner::Wait(s(300))]];
    let mut world = World::with_desks(&House { rooms, ..house() }, desks(), owner("15551234", then));
    let hung_up = |w: &World| w.count(Who::Phone, |f| *f == Fact::HangsUp) == 2;
    assert!(world.run_until(s(90), hung_up), "{}", world.tale());
    assert!(world.rooms[0].2.iter().any(|n| matches!(n.fact, Fact::Called { .. })), "{}", world.tale());
    assert_eq!(world.rings(), 0);
    assert!(world.run_until(s(1), |w| w.rings() == 1), "{}", world.tale());
    assert!(world.run_until(s(1), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
}

#[test]
fn a_phone_that_takes_a_second_call_gets_it_and_no_beep_of_ours() {
    let then = vec![Owner::AwaitRing, Owner::Wait(s(6))];
    let house = House { busy_when_talking: false, ..house() };
    let mut world = World::with_desks(&house, desks(), owner("15551234", then));
    assert!(
        world.run_until(s(90), |w| w.phase() == Some(Phase::Ringing) && w.rings() == 1),
        "{}",
        world.tale()
    );
    world.run(s(5));
    assert_eq!(world.overlays, []);
}

#[test]
fn an_emergency_call_is_not_beeped_into() {
    let mut world = World::with_desks(&house(), desks(), owner("911", vec![Owner::Wait(s(100))]));
    assert!(
        world.run_until(s(90), |w| w.count(Who::Phone, |f| matches!(f, Fact::Refuses(_))) > 1),
        "{}",
        world.tale()
    );
    assert_eq!(world.overlays, []);
}

#[test]
fn the_beep_ends_when_the_agent_has_gone_and_the_recording_tone_is_back() {
    use hold_slayer::call::{Notice, Which};
    let recording = Recording { record: Which::All, notice: Notice::Tone, ..Recording::default() };
    let house = House { recording, ..house() };
    let mut world = World::with_desks(&house, desks(), owner("15551234", vec![Owner::Wait(s(300))]));
    assert!(world.run_until(s(90), |w| w.overlays.iter().any(|(_, tone)| *tone == BEEP)), "{}", world.tale());
    let port = world.overlays.iter().find(|(_, tone)| *tone == BEEP).unwrap().0;
    world.run(s(120));
    let tones: Vec<_> = world.overlays.iter().filter(|(p, _)| *p == port).map(|(_, tone)| *tone).collect();
    assert_eq!(tones, [Some(Overlay::Recorded), BEEP, Some(Overlay::Recorded)], "{}", world.tale());
}

#[test]
fn in_turn_the_phone_that_is_on_a_call_comes_first() {
    let rooms = vec![vec![
        Owner::Register,
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Say(Sound::OwnerHello),
        Owner::AwaitEnd,
    ]];
    let house = House { order: Order::InTurn, rooms, ..house() };
    let mut world = World::with_desks(&house, desks(), owner("15551234", vec![Owner::Wait(s(300))]));
    world.run(s(120));
    let refused = world.seen(Who::Phone, |f| matches!(f, Fact::Refuses(_)));
    let room = world.rooms[0].2.iter().find(|n| matches!(n.fact, Fact::Called { .. })).map(|n| n.at);
    assert!(refused.zip(room).is_some_and(|(hall, room)| hall <= room), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "another phone takes it\n{}", world.tale());
    assert_eq!(world.overlays.iter().map(|(_, tone)| *tone).collect::<Vec<_>>(), [BEEP, None]);
}

/// While the box holds, the hall talks with somebody else, whom it calls or who calls; the agent comes after that or during it.
#[test]
fn calls_in_and_out_go_on_while_the_box_holds_and_then_the_agent_gets_the_phone() {
    for (incoming, meanwhile) in [(true, false), (true, true), (false, false), (false, true)] {
        let chat = vec![Far::Answer, Far::Tone(1_200, s(100)), Far::Forever];
        let mut desks = desks();
        desks[1].script = chat.clone();
        let begin = if incoming {
            vec![Owner::AwaitRing, Owner::Wait(s(1)), Owner::PickUp]
        } else {
            vec![Owner::Dial("15551234".into()), Owner::AwaitAnswer]
        };
        // The agent comes half a minute after the call, and waits for a minute.
        let talk =
            vec![Owner::Tone(800, s(8)), Owner::Wait(s(if meanwhile { 36 } else { 0 })), Owner::HangUp];
        let agent = vec![
            Owner::AwaitRing,
            Owner::Wait(s(1)),
            Owner::PickUp,
            Owner::Wait(ms(300)),
            Owner::Say(Sound::OwnerHello),
            Owner::Listen(s(8)),
            Owner::Say(Sound::OwnerThanks),
            Owner::HangUp,
        ];
        let mut all = owner("15551234", Vec::new());
        all.truncate(all.len() - 2);
        let mut world = World::with_desks(&house(), desks, [all, begin, talk, agent].concat());
        let case = format!("incoming: {incoming}, the agent comes meanwhile: {meanwhile}");
        assert!(world.run_until(s(30), |w| w.phase() == Some(Phase::Holding)), "{case}\n{}", world.tale());
        let away = |w: &World| w.count(Who::Phone, |f| *f == Fact::HangsUp) == 1;
        assert!(world.run_until(s(10), away), "{case}\n{}", world.tale());
        if incoming {
            let caller = Caller { number: "15550001".into(), ..Caller::default() };
            world.company.call(world.now, "1555", caller, chat[1..].to_vec());
        }
        let free = |w: &World| w.count(Who::Phone, |f| *f == Fact::HangsUp) == 2;
        assert!(world.run_until(s(60), free), "{case}\n{}", world.tale());
        let waits = if meanwhile { Phase::Ringing } else { Phase::Holding };
        assert_eq!(world.phase(), Some(waits), "{case}\n{}", world.tale());
        for (who, hz) in [(Who::Phone, 1_200), (Who::Company, 800)] {
            assert!(
                world.seen(who, |f| *f == Fact::HearsTone(hz)).is_some(),
                "{case}: {hz}\n{}",
                world.tale()
            );
        }
        world.run(s(120));
        assert_eq!(world.outcome(1), Some(Outcome::Slain), "{case}\n{}", world.tale());
        assert_eq!(world.outcome(2), Some(Outcome::Talked), "{case}\n{}", world.tale());
        assert_eq!(world.record(2).outgoing, !incoming);
        let hello = world.seen(Who::Company, |f| *f == Fact::Hears(Sound::OwnerHello));
        assert!(hello.is_some(), "{case}\n{}", world.tale());
        let held = world.ear(world.record(1)).unwrap();
        let other = held.spans().iter().any(|span| span.kind == Kind::Tone(800));
        assert!(!other, "{case}: the held company hears the other call\n{}", world.tale());
        world.agents_are_kept();
        world.run(s(60));
        world.is_clean();
    }
}
