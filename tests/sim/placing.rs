//! Calls that nobody dialled on a phone, keys from the page, transfers from the page, and what programs are told.

use super::world::{House, World, s};
use hold_slayer::call::{Door, Errand, Event, Outcome, Redialling, Request};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::slay::schedule::Way;
use hold_slayer::units::{CallId, Digit};

const NUMBER: &str = "18005550123";
const PATIENT: Far = Far::Agent { patience: core::time::Duration::from_secs(120) };

fn at_home(then: &[Owner]) -> Vec<Owner> {
    [&[Owner::Register, Owner::AwaitRing, Owner::Wait(s(2)), Owner::PickUp], then].concat()
}

fn connect() -> Request {
    Request::Connect(NUMBER.into())
}

fn hold(number: &str) -> Request {
    Request::Errand(Errand::Call(number.into(), Way::Known))
}

/// The types of the events, in order, without what is heard and decided.
fn told(world: &World) -> Vec<String> {
    let kind = |event: &Event| serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned();
    let all = world.events.iter().map(|happened| kind(&happened.event));
    all.filter(|kind| kind != "audio.classified" && kind != "call.decided").collect()
}

#[test]
fn who_asks_for_a_call_is_rung_and_then_connected() {
    let far = vec![Far::Ring(s(3)), Far::Answer, Far::Tone(1_200, s(3)), Far::Quiet(s(3)), Far::HangUp];
    let mut world = World::new(&House::default(), far, at_home(&[Owner::Tone(800, s(10)), Owner::AwaitEnd]));
    world.run(s(3));
    assert_eq!(world.place(connect()), Ok(Some(CallId(1))));
    world.run(s(30));
    let shown = |f: &Fact| matches!(f, Fact::Called { caller, .. } if caller.name.starts_with("CALL: "));
    assert!(world.seen(Who::Phone, shown).is_some(), "{}", world.tale());
    for (who, hz) in [(Who::Phone, 1_200), (Who::Company, 800)] {
        let hears = |f: &Fact| matches!(f, Fact::HearsTone(heard) if *heard == hz);
        assert!(world.seen(who, hears).is_some(), "{who:?} does not hear {hz} Hz\n{}", world.tale());
    }
    let record = world.record(1);
    assert!(record.outgoing && record.number == NUMBER, "{record:?}");
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    let expected = ["call.started", "device.ringing", "call.ringing", "call.connected", "call.ended"];
    let calls: Vec<String> = told(&world).into_iter().filter(|k| expected.contains(&&**k)).collect();
    assert_eq!(calls, expected, "{:?}", told(&world));
}

#[test]
fn what_would_be_refused_is_told_beforehand_and_who_asked_is_written_down() {
    let far = vec![Far::Answer, Far::Tone(1_200, s(60))];
    let mut world = World::new(&House::default(), far, at_home(&[Owner::Tone(800, s(60)), Owner::AwaitEnd]));
    world.run(s(3));
    let would = |world: &mut World, request| world.place(Request::Would(Box::new(request)));
    for good in [connect(), hold(NUMBER)] {
        assert_eq!(would(&mut world, good), Ok(None));
    }
    for bad in [
        Request::Connect("911".into()),
        hold("911"),
        hold("no number"),
        Request::Errand(Errand::Call(NUMBER.into(), Way::Task("Say hello".into()))),
        Request::HangUp(CallId(1)),
        Request::Keys(CallId(1), vec![Digit::STAR]),
    ] {
        let (before, done) = (would(&mut world, bad.clone()), world.place(bad.clone()));
        assert!(before.is_err() && before == done, "{bad:?}: {before:?}, and then {done:?}");
    }
    let asked = Request::Through(Door::Assistant, Box::new(connect()));
    assert_eq!(world.place(asked), Ok(Some(CallId(1))), "the first that is placed");
    world.run(s(10));
    assert_eq!(would(&mut world, Request::HangUp(CallId(1))), Ok(None));
    assert_eq!(world.ask(Request::Through(Door::Program, Box::new(Request::HangUp(CallId(1))))), Ok(()));
    world.run(s(2));
    let reasons: Vec<String> = world.record(1).decisions.iter().map(|one| one.reason.clone()).collect();
    for words in ["asked for by an assistant: who answers is connected", "hung up by a program"] {
        assert!(reasons.iter().any(|reason| reason == words), "{words}: {reasons:?}");
    }
}

#[test]
fn who_does_not_pick_up_calls_nobody() {
    let mut world = World::new(
        &House::default(),
        vec![Far::Answer],
        vec![Owner::Register, Owner::AwaitRing, Owner::Decline],
    );
    world.run(s(3));
    world.place(connect()).unwrap();
    world.run(s(20));
    assert!(world.record(1).answered.is_none() && world.record(1).ended.is_some(), "{}", world.tale());
    assert_eq!(world.seen(Who::Company, |f| matches!(f, Fact::Called { .. })), None, "{}", world.tale());
}

#[test]
fn the_box_calls_by_itself_holds_and_rings_for_the_person() {
    let far = vec![Far::Ring(s(2)), Far::Answer, Far::Loop(Sound::Music, s(40)), PATIENT, Far::HangUp];
    let owner =
        at_home(&[Owner::Wait(s(1)), Owner::Say(Sound::OwnerHello), Owner::Listen(s(8)), Owner::HangUp]);
    let mut world = World::new(&House::default(), far, owner);
    world.run(s(3));
    let call = world.place(hold(NUMBER)).unwrap();
    world.run(s(10));
    assert_eq!(world.rings(), 0, "nobody is disturbed while music plays\n{}", world.tale());
    world.run(s(120));
    assert_eq!((call, world.outcome(1)), (Some(CallId(1)), Some(Outcome::Slain)), "{}", world.tale());
    let told = told(&world);
    let order = [
        "call.connected",
        "hold.detected",
        "hold.human_detected",
        "hold.transfer_started",
        "hold.transfer_complete",
    ];
    let at: Vec<Option<usize>> = order.iter().map(|kind| told.iter().position(|k| k == kind)).collect();
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{told:?}");
    assert!(world.events.iter().any(|e| matches!(e.event, Event::AudioClassified { .. })));
    assert!(
        world.events.iter().any(|e| matches!(e.event, Event::DeviceRegistered { .. }) && e.call.is_none())
    );
}

#[test]
fn a_busy_number_fails_and_help_is_not_called_from_a_page() {
    let mut world = World::new(
        &House::default(),
        vec![Far::Refuse(hold_slayer::sip::Cause::Busy)],
        vec![Owner::Register],
    );
    world.run(s(3));
    for (number, why) in [("911", "pick one up"), ("hello", "no number"), ("", "no number")] {
        let refused = world.place(hold(number));
        assert!(refused.clone().unwrap_err().contains(why), "{number}: {refused:?}");
    }
    let abroad = world.place(Request::Connect("0114420794600".into()));
    assert!(abroad.is_err(), "the toll guard judges it as if a phone had dialled it");
    world.place(hold(NUMBER)).unwrap();
    world.run(s(10));
    assert_eq!(world.outcome(1), Some(Outcome::Busy), "{}", world.tale());
    assert_eq!(told(&world).last().map(String::as_str), Some("call.failed"), "{:?}", told(&world));
}

#[test]
fn keys_from_the_page_reach_the_far_side_and_a_call_is_put_through() {
    let far = vec![Far::Answer, Far::Quiet(s(60))];
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial(NUMBER.into()),
        Owner::AwaitAnswer,
        Owner::AwaitEnd,
    ];
    let mut world = World::new(&House::default(), far, owner);
    world.run(s(4));
    let keys: Vec<Digit> = "12#".chars().filter_map(Digit::from_char).collect();
    assert_eq!(world.ask(Request::Keys(CallId(1), keys.clone())), Ok(()));
    world.run(s(4));
    for key in &keys {
        assert!(
            world.seen(Who::Company, |f| *f == Fact::HearsKey(*key)).is_some(),
            "{key:?}\n{}",
            world.tale()
        );
    }
    assert!(world.events.iter().any(|e| e.event == Event::MenuKeysSent { digits: "12#".into() }));
    assert!(world.ask(Request::Keys(CallId(9), keys)).is_err());
    let pin = "1234#".chars().filter_map(Digit::from_char).collect();
    assert_eq!(world.ask(Request::Keys(CallId(1), pin)), Ok(()));
    let sent = world.events.iter().filter_map(|e| match &e.event {
        Event::MenuKeysSent { digits } => Some(digits.as_str()),
        _ => None,
    });
    assert_eq!(sent.collect::<Vec<_>>(), ["12#", ""], "a number is told to no program");
    assert!(world.ask(Request::Transfer(CallId(9), "1555".into())).is_err());
    assert_eq!(world.ask(Request::Transfer(CallId(1), "15550001".into())), Ok(()));
    world.run(s(20));
    assert!(world.record(1).decisions.iter().any(|d| d.what == "transfer"), "{:?}", world.record(1));
}

#[test]
fn where_keys_from_the_page_led_to_is_not_dialled_again() {
    for pressed in [true, false] {
        let house = House { redial: Redialling { tries: 2, pause: s(60) }, ..House::default() };
        let far = vec![Far::Answer, Far::Loop(Sound::Music, s(20)), Far::HangUp];
        let mut world = World::new(&house, far, vec![Owner::Register]);
        world.run(s(2));
        world.place(hold(NUMBER)).unwrap();
        world.run(s(10));
        if pressed {
            let keys = vec![Digit::from_char('1').unwrap()];
            assert_eq!(world.ask(Request::Keys(CallId(1), keys)), Ok(()));
        }
        world.run(s(20));
        assert_eq!(world.outcome(1), Some(Outcome::CompanyHungUp), "{}", world.tale());
        assert_eq!(world.snapshot().redials.is_empty(), pressed, "{}", world.tale());
    }
}
