//! The demo's own stories in virtual time, judged as the demo judges them: from outside, and by the record.

use super::world::{House, World, s};
use hold_slayer::call::Redialling;
use hold_slayer::demo::judge::judge;
use hold_slayer::demo::scenario::Scenario;
use hold_slayer::units::Codec;

fn check(name: &str) {
    for (seed, trunk_codec) in [(1, Codec::Pcmu), (2, Codec::Pcma)] {
        let scenario = Scenario::named(name).unwrap();
        let redial = Redialling { tries: scenario.redials, pause: s(60) };
        let usual = House { redial, learn: true, max_holds: 2, busy_when_talking: true, ..House::default() };
        let house = House { seed, trunk_codec, ..usual };
        let mut world = World::with_desks(&house, scenario.desks.clone(), scenario.owner.clone());
        world.run(s(240));
        let records: Vec<_> = world.records.values().map(|(record, _)| record.clone()).collect();
        let verdict = judge(scenario.expect, &world.story, &records);
        world.agents_are_kept();
        assert!(verdict.passed(), "{name} over {trunk_codec:?}\n{verdict}\n{}", world.tale());
    }
}

#[test]
fn a_normal_queue() {
    check("normal");
}

#[test]
fn music_with_a_singer() {
    check("vocals");
}

#[test]
fn a_queue_without_a_sound() {
    check("silent-queue");
}

#[test]
fn an_announcement_again_and_again() {
    check("repeated-announcement");
}

#[test]
fn nobody_ever_comes() {
    check("nobody-comes");
}

#[test]
fn an_agent_who_does_not_wait() {
    check("agent-hangs-up");
}

#[test]
fn a_menu_that_was_gone_through_once() {
    check("menus");
    check("learning");
}

#[test]
fn two_queues_at_once() {
    check("parallel");
}

#[test]
fn a_queue_that_hangs_up_and_is_dialled_again() {
    check("redial");
}
