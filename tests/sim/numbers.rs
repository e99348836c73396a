//! Numbers on their way: rules, forms, what may be dialled, who is shown.

use super::world::{House, World, s};
use hold_slayer::call::Outcome;
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Who};
use hold_slayer::sip::{Caller, Cause};
use hold_slayer::trunk::number::{Form, Numbering, Rewrite};
use hold_slayer::trunk::toll::Allowed;
use hold_slayer::trunk::{Dialling, Rules};

fn dial(number: &str) -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(number.into()), Owner::AwaitAnswer]
}

fn germany() -> Dialling {
    let rewrite = vec![Rewrite { prefix: "9".into(), instead: String::new() }];
    Dialling { numbering: Numbering::of("de"), rewrite, private: false, allowed: Allowed::default() }
}

fn house(form: Form, number: &str) -> House {
    let rules = Rules { form, number: number.into(), ..Rules::default() };
    House { dialling: germany(), rules, emergency: vec!["112".into()], ..House::default() }
}

/// The number that reached the provider, and the caller that it was shown.
fn placed(house: &House, number: &str) -> Option<(String, Caller)> {
    let mut world = World::new(house, vec![Far::Answer, Far::Forever], dial(number));
    world.run(s(4));
    world.story.iter().find_map(|n| match (n.who, &n.fact) {
        (Who::Company, Fact::Called { number, caller }) => Some((number.clone(), caller.clone())),
        _ => None,
    })
}

#[test]
fn a_dialled_number_reaches_the_provider_in_its_own_form() {
    for (form, want) in [
        (Form::AsDialled, "030 123456"),
        (Form::Plus, "+4930123456"),
        (Form::Digits, "4930123456"),
        (Form::DoubleZero, "004930123456"),
        (Form::National, "030123456"),
    ] {
        let number = if form == Form::AsDialled { "030 123456" } else { "9030123456" };
        let found = placed(&house(form, ""), number).map(|(number, _)| number);
        assert_eq!(found.as_deref(), Some(want), "{form:?}");
    }
}

#[test]
fn a_trunks_own_rules_come_after_the_households() {
    let mut house = house(Form::Plus, "");
    house.rules.rewrite = vec![Rewrite::parse("0 -> 0049").unwrap()];
    assert_eq!(placed(&house, "9030123456").map(|(n, _)| n).as_deref(), Some("+4930123456"));
}

#[test]
fn a_caller_is_shown_as_the_household_would_dial_him() {
    for (form, told, shown) in [
        (Form::Plus, "+4930123456", "030123456"),
        (Form::Digits, "442079460000", "00442079460000"),
        (Form::AsDialled, "+4930123456", "+4930123456"),
    ] {
        let mut world = World::new(&house(form, ""), vec![], vec![Owner::Register, Owner::AwaitRing]);
        world.run(s(2));
        let caller = Caller { name: "Aunt".into(), number: told.into(), private: false };
        world.company.call(world.now, "1", caller, vec![Far::Forever]);
        world.run(s(2));
        let seen = |f: &Fact| matches!(f, Fact::Called { caller, .. } if caller.number == shown);
        assert!(world.seen(Who::Phone, seen).is_some(), "{form:?}\n{}", world.tale());
        assert_eq!(world.record(1).number, shown);
    }
}

#[test]
fn help_is_found_behind_whatever_the_box_would_take_off() {
    let mut house = house(Form::Plus, "030999");
    house.dialling.private = true;
    house.rules.rewrite = vec![Rewrite::parse("8 -> ").unwrap(), Rewrite::parse("1 -> 991").unwrap()];
    for number in ["112", "9112", "8112", "98112", "*67112", "1-1-2", "*679112"] {
        let mut world = World::new(&house, vec![Far::Answer, Far::Forever], dial(number));
        world.run(s(4));
        let (called, caller) = placed(&house, number).unwrap();
        assert_eq!(called, "112", "{number}");
        assert!(!caller.private && caller.number == "house", "{number}: {caller:?} is never hidden");
        assert!(world.record(1).decisions[0].reason.starts_with("emergency number"), "{number}");
    }
}

#[test]
fn a_caller_may_hide_for_one_call_or_always() {
    assert!(!placed(&house(Form::Plus, ""), "030123456").unwrap().1.private);
    let (number, caller) = placed(&house(Form::Plus, ""), "*67030123456").unwrap();
    assert_eq!((number.as_str(), caller.private), ("+4930123456", true));
    let mut always = house(Form::Plus, "");
    always.dialling.private = true;
    assert!(placed(&always, "030123456").unwrap().1.private);
}

#[test]
fn what_costs_extra_is_refused_with_the_reason_unless_allowed() {
    let expensive = ["0900123456", "00442079460000", "90900123456", "*670900123456", "11880"];
    for number in expensive {
        let mut world = World::new(&house(Form::Plus, ""), vec![Far::Answer, Far::Forever], dial(number));
        world.run(s(4));
        assert!(world.seen(Who::Phone, |f| *f == Fact::Ended(Cause::Rejected)).is_some(), "{number}");
        assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::Called { .. })), 0, "{number}");
        assert_eq!(world.outcome(1), Some(Outcome::Failed), "{number}");
        assert!(world.record(1).decisions[0].reason.contains("[guard] allow"), "{number}");
    }
    let mut house = house(Form::Plus, "");
    house.dialling.allowed = Allowed { international: true, premium: true, prefixes: Vec::new() };
    assert!(expensive.into_iter().all(|number| placed(&house, number).is_some()));
}

#[test]
fn a_rule_of_a_trunk_opens_no_back_door_to_what_costs_extra() {
    let mut house = house(Form::Plus, "");
    house.rules.rewrite = vec![Rewrite::parse("77 -> 0900").unwrap()];
    assert_eq!(placed(&house, "77123456"), None);
}

#[test]
fn a_provider_that_takes_a_number_for_one_abroad_is_not_sent_it() {
    for (form, number, sent) in [
        (Form::Digits, "442079460000", None),
        (Form::Digits, "611", Some("611")),
        (Form::National, "12345678", Some("12345678")),
    ] {
        assert_eq!(placed(&house(form, ""), number).map(|(n, _)| n).as_deref(), sent, "{form:?} {number}");
    }
}

#[test]
fn the_longest_call_allowed_ends_it_and_an_emergency_call_never() {
    for (number, outcome) in [("030123456", Outcome::CapReached), ("112", Outcome::Up)] {
        let house = House { longest: s(600), ..house(Form::Plus, "") };
        let mut world = World::new(&house, vec![Far::Answer, Far::Forever], dial(number));
        world.run(s(590));
        assert_eq!(world.outcome(1), Some(Outcome::Up), "{}", world.tale());
        world.run(s(30));
        assert_eq!(world.outcome(1), Some(outcome), "{}", world.tale());
    }
}
