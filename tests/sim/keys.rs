//! Keys last on one side as long as they are held on the other.

use super::world::{COMPANY, House, World, ms, s};
use core::time::Duration;
use hold_slayer::call::Phase;
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::trunk::{Keys, Rules};
use hold_slayer::units::Digit;

/// A call in which the owner does this.
fn talk(house: &House, then: Vec<Owner>) -> World {
    let begin = [
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(1)),
    ];
    let mut world = World::new(house, vec![Far::Answer, Far::Forever], [begin.to_vec(), then].concat());
    assert!(world.run_until(s(10), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    world
}

/// What the company heard, and whether each key lasted so long.
fn assert_heard(world: &mut World, wanted: &[(char, u64)]) {
    let heard = world.company.line().unwrap().presses().to_vec();
    let keys: String = heard.iter().map(|(key, _)| key.as_char()).collect();
    assert_eq!(keys, wanted.iter().map(|(key, _)| key).collect::<String>(), "{heard:?}");
    for ((key, held), (_, wanted)) in heard.iter().zip(wanted) {
        assert!(held.abs_diff(ms(*wanted)) <= ms(40), "{key:?} {held:?}, not {wanted}");
    }
}

#[test]
fn events_last_as_long_as_they_are_held_and_a_tap_long_enough() {
    let keys = [('5', 2_000), ('#', 40), ('1', 100), ('0', 6_000)];
    let then = keys.iter().map(|(key, held)| Owner::HoldKey(*key, ms(*held))).collect();
    let mut world = talk(&House::default(), then);
    world.run(s(15));
    assert_heard(&mut world, &[('5', 2_000), ('#', 100), ('1', 100), ('0', 6_000)]);
}

#[test]
fn a_star_that_was_held_back_lasts_as_long_all_the_same() {
    // Let go while it is held back, and held longer than that.
    for held in [200, 3_000] {
        let mut world = talk(&House::default(), vec![Owner::HoldKey('*', ms(held)), Owner::Wait(s(9))]);
        world.run(s(8));
        assert_heard(&mut world, &[('*', held)]);
    }
}

#[test]
fn info_tells_how_long_and_is_told() {
    let rules = Rules { keys: Keys::Info, ..Rules::default() };
    let mut world = talk(&House { rules, ..House::default() }, vec![Owner::HoldKey('7', s(2))]);
    world.run(s(5));
    let sent: Vec<_> =
        world.said.iter().filter(|(to, text)| to.ip() == COMPANY && text.starts_with("INFO ")).collect();
    assert_eq!(sent.len(), 1, "one key is one INFO");
    assert!(sent[0].1.contains("Signal=7\r\nDuration=2000\r\n"), "{}", sent[0].1);

    let mut world = talk(&House::default(), vec![Owner::InfoKey('8', s(1)), Owner::InfoKey('9', ms(20))]);
    world.run(s(5));
    assert_heard(&mut world, &[('8', 1_000), ('9', 100)]);
}

#[test]
fn keys_of_the_far_side_last_as_long_too() {
    let mut world = talk(&House::default(), vec![]);
    let nine = Digit::from_char('9').unwrap();
    world.company.line().unwrap().press(nine, s(2));
    world.run(s(4));
    let heard = world.phone.line().unwrap().presses().to_vec();
    assert!(heard.len() == 1 && heard[0].0 == nine && heard[0].1.abs_diff(s(2)) <= ms(40), "{heard:?}");
}

#[test]
fn a_key_whose_release_never_comes_is_let_go() {
    let unplugs = vec![Owner::Wait(s(3)), Owner::Unplug];
    let mut world = talk(&House::default(), unplugs);
    world.run(s(2));
    world.phone.line().unwrap().press(Digit::HASH, s(8));
    world.run(s(20));
    let heard = world.company.line().unwrap().presses().to_vec();
    let [(Digit::HASH, held)] = heard[..] else { panic!("{heard:?}") };
    assert!(held > ms(500) && held < s(4), "{held:?}");
    assert_eq!(world.worst_gap.max(ms(40)), ms(40));
}

#[test]
fn a_key_held_while_the_call_is_put_on_hold_ends_with_it() {
    let mut world = talk(&House::default(), vec![Owner::HoldKey('3', s(7)), Owner::Wait(s(60))]);
    world.run(s(3));
    let held = world.company.line().unwrap().presses()[0].1;
    assert!(held > s(1), "{held:?}");
    assert_eq!(world.ask(hold_slayer::call::Request::Button), Ok(()));
    world.run(s(10));
    let after = world.company.line().unwrap().presses().to_vec();
    assert!(after.len() == 1 && after[0].1 < held + ms(60), "{after:?}");
    assert!(world.worst_gap <= Duration::from_millis(40));
}
