//! A menu that is not known, gone through by what it says.

use super::menus::COMPANY_NUMBER;
use super::world::{House, World, s};
use hold_slayer::call::{Errand, Event, Outcome, Phase};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::slay::advice;
use hold_slayer::slay::flow::Act;
use hold_slayer::slay::schedule::Way;
use hold_slayer::units::Digit;

pub const MENU: &str = "For sales, press one. For billing, press two. To make a payment, press three.";

pub fn house() -> House {
    House { learn: true, explore: 3, ..House::default() }
}

pub fn company(rest: &[Far]) -> Vec<Far> {
    let menu = Far::Menu(Sound::Menu, Digit::from_char('2').unwrap());
    [&[Far::Answer, menu, Far::Loop(Sound::Music, s(40))], rest].concat()
}

pub fn answers() -> Vec<Owner> {
    vec![
        Owner::Register,
        Owner::AwaitRing,
        Owner::Wait(s(1)),
        Owner::PickUp,
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(8)),
        Owner::HangUp,
        Owner::Wait(s(2)),
    ]
}

fn keys_heard(world: &World) -> String {
    let keys = world.story.iter().filter(|n| n.who == Who::Company);
    keys.filter_map(|n| match n.fact {
        Fact::HearsKey(key) => Some(key.as_char()),
        _ => None,
    })
    .collect()
}

/// Called with this wish; `said` is understood after the menu has spoken for the first time.
pub fn called(house: &House, far: Vec<Far>, owner: Vec<Owner>, way: Way, said: &str) -> World {
    let mut world = World::new(house, far, owner);
    world.run(s(2));
    assert_eq!(world.send_on(Errand::Call(COMPANY_NUMBER.into(), way)), Ok(()));
    world.run(s(6));
    world.understands(s(1), said);
    world
}

#[test]
fn the_wish_is_found_the_line_held_and_the_way_learnt_with_its_words() {
    let agent = Far::Agent { patience: s(60) };
    let far = company(&[agent, Far::HangUp]);
    let wish = Way::Wish("billing".into());
    let mut world = called(&house(), far, answers(), wish, MENU);
    assert!(world.run_until(s(120), |w| w.outcome(1) == Some(Outcome::Slain)), "{}", world.tale());
    assert_eq!(keys_heard(&world), "2", "{}", world.tale());
    let explored = |e: &Event| matches!(e, Event::MenuExploration { step } if step.contains("billing"));
    assert!(world.events.iter().any(|happened| explored(&happened.event)));
    let entry = world.flows.values().next().unwrap_or_else(|| panic!("nothing was learnt\n{}", world.tale()));
    let flow = &entry.versions[0].flow;
    assert_eq!(flow.name, "billing");
    assert_eq!(flow.steps[0].expect.as_deref(), Some("billing"), "{flow:?}");
    assert!(matches!(&flow.steps[0].act, Act::Dtmf(keys) if keys.len() == 1), "{flow:?}");
}

#[test]
fn what_is_not_clear_or_not_for_a_machine_is_put_to_the_owner() {
    for wish in ["make a payment", "my holiday in Spain"] {
        let mut world = called(&house(), company(&[Far::Forever]), answers(), Way::Wish(wish.into()), MENU);
        world.run(s(3));
        world.understands(s(9), MENU);
        assert!(world.run_until(s(90), |w| w.rings() == 1), "{wish}\n{}", world.tale());
        assert_eq!(keys_heard(&world), "", "{wish}");
    }
}

#[test]
fn without_words_nothing_is_pressed() {
    let deaf = House { explore: 0, ..house() };
    let mut world =
        called(&deaf, company(&[Far::Forever]), vec![Owner::Register], Way::Wish("billing".into()), MENU);
    world.run(s(30));
    assert_eq!((keys_heard(&world).as_str(), world.phase()), ("", Some(Phase::Holding)), "{}", world.tale());
}

/// What is pressed where the words leave it open, if the language model wants this.
fn advised(act: advice::Act) -> (World, String) {
    let house = House { advice: Some(act), ..house() };
    let way = Way::Wish("my holiday in Spain".into());
    let mut world = called(&house, company(&[Far::Forever]), answers(), way, MENU);
    world.run(s(3));
    world.understands(s(9), MENU);
    assert!(world.run_until(s(90), |w| !w.questions.is_empty()), "{}", world.tale());
    world.run(s(10));
    let keys = keys_heard(&world);
    (world, keys)
}

#[test]
fn a_language_model_is_asked_where_the_words_leave_it_open_and_its_reason_is_in_the_record() {
    let (world, keys) = advised(advice::Act::Press('2'));
    assert_eq!((keys.as_str(), world.rings()), ("2", 0), "{}", world.tale());
    let keys: String = world.questions[0].choices.iter().map(|choice| choice.key).collect();
    assert_eq!(keys, "12", "of paying it is not told");
    let record = &world.records.values().next().unwrap().0;
    assert!(record.decisions.iter().any(|d| d.reason.contains("the language model: it fits")), "{record:?}");
}

#[test]
fn a_language_model_that_wants_to_pay_or_presses_what_is_not_there_only_rings_the_owner() {
    for act in [advice::Act::Press('3'), advice::Act::Press('9'), advice::Act::Owner] {
        let (mut world, keys) = advised(act);
        assert!(keys.is_empty() && world.run_until(s(20), |w| w.rings() == 1), "{}", world.tale());
    }
}
