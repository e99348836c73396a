//! Menus walked by flows, learnt from the owner's keys, and put to him when they have changed; calls that the box places
//! and holds by itself, now and later; calls that are sent to it.

use super::world::{EPOCH, House, World, ms, s};
use hold_slayer::call::{Errand, Event, Outcome, Phase, Redialling};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::slay::Unanswered;
use hold_slayer::slay::book::{Book, Entry, Standing};
use hold_slayer::slay::flow::{Act, Flow, Otherwise, Step};
use hold_slayer::slay::schedule::Way;
use hold_slayer::sounds::Prompt;
use hold_slayer::units::{CallId, Digit, Wall};

pub const COMPANY_NUMBER: &str = "18005550123";
/// The same in full, under which flows are kept.
pub const COMPANY: &str = "+18005550123";
const PATIENT: Far = Far::Agent { patience: core::time::Duration::from_secs(60) };

fn key(key: char) -> Digit {
    Digit::from_char(key).unwrap()
}

pub fn house() -> House {
    House { learn: true, max_holds: 2, ..House::default() }
}

/// Two menus, one behind the other, then the queue and an agent.
pub fn company() -> Vec<Far> {
    vec![
        Far::Answer,
        Far::Menu(Sound::Menu, key('2')),
        Far::Menu(Sound::LongerThanUsual, key('1')),
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(20)),
        PATIENT,
        Far::HangUp,
    ]
}

pub fn dial(number: &str) -> Vec<Owner> {
    vec![Owner::Wait(s(1)), Owner::Dial(number.into()), Owner::AwaitAnswer]
}

pub fn registered(rest: Vec<Owner>) -> Vec<Owner> {
    [vec![Owner::Register], rest].concat()
}

/// Through both menus by hand, then `**`, and the agent is talked to.
fn by_hand() -> Vec<Owner> {
    let keys = vec![
        Owner::Wait(s(7)),
        Owner::Press("2".into()),
        Owner::Wait(s(5)),
        Owner::Press("1".into()),
        Owner::Wait(s(9)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    [dial(COMPANY_NUMBER), keys, answer_and_talk()].concat()
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

fn hears(world: &World, prompt: Prompt) -> usize {
    world.count(Who::Phone, |fact| *fact == Fact::HearsBox(prompt))
}

fn entry(world: &World) -> &Entry {
    world.flows.get(COMPANY).unwrap_or_else(|| panic!("nothing was learnt\n{}", world.tale()))
}

fn acts(entry: &Entry) -> Vec<Act> {
    entry.versions.last().unwrap().flow.steps.iter().map(|step| step.act.clone()).collect()
}

fn press(keys: &str) -> Act {
    Act::Dtmf(keys.chars().map(key).collect())
}

/// The flow that a call by hand teaches.
pub fn taught() -> Flow {
    let mut world = World::new(&house(), company(), registered(by_hand()));
    world.run(s(120));
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert_eq!(acts(entry(&world)), [press("2"), press("1"), Act::Hold], "{}", world.tale());
    entry(&world).versions[0].flow.clone()
}

pub fn knowing(house: &House, script: Vec<Far>, flow: Flow, owner: Vec<Owner>) -> World {
    let mut world = World::new(house, script, owner);
    assert_eq!(world.send_on(Errand::Keep(COMPANY_NUMBER.into(), Box::new(flow))), Ok(()));
    world
}

#[test]
fn a_menu_is_learnt_offered_proven_and_then_taken_for_granted() {
    // By hand; offered, and taken with **; dialled to be slain; and then nothing is said any more.
    let accepted = vec![Owner::Wait(s(4)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp];
    let slain = vec![Owner::Wait(s(5)), Owner::HangUp];
    let offered = [dial(COMPANY_NUMBER), accepted.clone(), answer_and_talk()].concat();
    let from_the_start = [dial(&format!("*59{COMPANY_NUMBER}")), slain, answer_and_talk()].concat();
    let again = [dial(COMPANY_NUMBER), accepted, answer_and_talk()].concat();
    let owner = registered([by_hand(), offered, from_the_start, again].concat());
    let mut world = World::new(&house(), company(), owner);
    let standings = [Standing::Offered, Standing::Offered, Standing::Default, Standing::Default];
    for (n, standing) in standings.into_iter().enumerate() {
        let call = n as u64 + 1;
        assert!(world.run_until(s(150), |w| w.outcome(call) == Some(Outcome::Slain)), "{}", world.tale());
        let version = &entry(&world).versions[0];
        assert_eq!((version.standing(), version.successes), (standing, n as u32), "{}", world.tale());
    }
    assert_eq!(keys_heard(&world), "21212121", "{}", world.tale());
    assert_eq!(hears(&world, Prompt::KnowMenu), 1, "{}", world.tale());
    assert_eq!(entry(&world).versions.len(), 1, "the same is not learnt twice");
    for call in 2..=4 {
        let what = |d: &&hold_slayer::call::Decision| d.what == "press";
        let pressed: Vec<_> = world.record(call).decisions.iter().filter(what).collect();
        assert_eq!(pressed.len(), 2, "{}", world.tale());
        assert!(pressed.iter().all(|d| d.reason.contains("was said")), "{pressed:?}");
    }
}

#[test]
fn a_flow_is_followed_over_a_bad_network() {
    let flow = taught();
    for seed in 1..4 {
        let house = House { weather: super::net::Weather::FOUL, seed, ..house() };
        let owner = registered(dial(&format!("*59{COMPANY_NUMBER}")));
        let mut world = knowing(&house, company(), flow.clone(), owner);
        assert!(world.run_until(s(90), |w| keys_heard(w) == "21"), "{seed}\n{}", world.tale());
    }
}

#[test]
fn a_menu_that_has_changed_is_put_to_the_owner_and_learnt_from_there() {
    let mut changed = company();
    changed[2] = Far::Menu(Sound::ThirdInLine, key('3'));
    let owner = vec![
        Owner::Wait(s(5)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Wait(s(12)),
        Owner::Press("3".into()),
        Owner::Wait(s(9)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let owner = [dial(&format!("*59{COMPANY_NUMBER}")), owner, answer_and_talk()].concat();
    let mut world = knowing(&house(), changed, taught(), registered(owner));
    assert!(world.run_until(s(60), |w| w.rings() == 1), "{}", world.tale());
    assert_eq!(keys_heard(&world), "2", "nothing is guessed\n{}", world.tale());
    let shown = |f: &Fact| matches!(f, Fact::Called { caller, .. } if caller.name == "MENU: 18005550123");
    assert!(world.seen(Who::Phone, shown).is_some(), "{}", world.tale());
    assert!(world.run_until(s(150), |w| w.outcome(1) == Some(Outcome::Slain)), "{}", world.tale());
    assert_eq!(hears(&world, Prompt::YourKeys), 1, "{}", world.tale());
    assert_eq!(keys_heard(&world), "23", "{}", world.tale());
    assert_eq!(world.rings(), 2, "once for the menu, once for the agent\n{}", world.tale());
    let learnt = entry(&world);
    assert_eq!(acts(learnt), [press("2"), press("3"), Act::Hold], "{}", world.tale());
    assert_eq!(learnt.versions[0].failures, 1);
}

#[test]
fn a_person_who_comes_while_the_owner_is_rung_for_the_menu_is_spoken_to() {
    let other = || [Far::Play(Sound::ThirdInLine), Far::Quiet(s(4))];
    let then = [Far::Quiet(s(8)), Far::Agent { patience: s(90) }, Far::HangUp];
    let changed = [&company()[..2], &other()[..], &other()[..], &then[..]].concat();
    let owner = vec![Owner::Wait(s(5)), Owner::HangUp, Owner::AwaitRing, Owner::Wait(s(25))];
    let answers = answer_and_talk().split_off(2);
    let owner = [dial(&format!("*59{COMPANY_NUMBER}")), owner, answers].concat();
    let mut world = knowing(&house(), changed, taught(), registered(owner));
    assert!(world.run_until(s(60), |w| w.rings() == 1), "{}", world.tale());
    assert!(world.run_until(s(60), |w| w.company.has_agent()), "{}", world.tale());
    world.run(s(4));
    let greeted = |w: &World| w.seen(Who::Company, |f| *f == Fact::HearsBox(Prompt::Greet));
    assert_eq!(greeted(&world), None, "a menu is not spoken to\n{}", world.tale());
    let from = world.now;
    world.understands(s(3), "Good morning, this is Joe. How can I help you?");
    world.run(ms(1_500));
    assert!(greeted(&world).is_some_and(|at| at >= from), "{}", world.tale());
    assert!(world.run_until(s(90), |w| w.outcome(1) == Some(Outcome::Slain)), "{}", world.tale());
}

#[test]
fn numbers_of_the_owners_are_never_kept_and_asked_of_him_the_next_time() {
    let mut asks = company();
    asks[2] = Far::Menu(Sound::LongerThanUsual, key('#'));
    let by_hand = vec![
        Owner::Wait(s(7)),
        Owner::Press("2".into()),
        Owner::Wait(s(5)),
        Owner::Press("9999#".into()),
        Owner::Wait(s(9)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let owner = registered([dial(COMPANY_NUMBER), by_hand, answer_and_talk()].concat());
    let mut world = World::new(&house(), asks.clone(), owner);
    world.run(s(120));
    assert_eq!(acts(entry(&world)), [press("2"), Act::Transfer], "{}", world.tale());
    let kept = format!("{:?} {:?}", world.flows, world.record(1));
    assert!(!kept.contains("9999") && !kept.contains("Digit(9)"), "{kept}");
    let flow = entry(&world).versions[0].flow.clone();
    let owner =
        registered([dial(&format!("*59{COMPANY_NUMBER}")), vec![Owner::Wait(s(3)), Owner::HangUp]].concat());
    let mut world = knowing(&house(), asks, flow, owner);
    assert!(world.run_until(s(60), |w| w.rings() == 1), "{}", world.tale());
    assert_eq!(keys_heard(&world), "2", "{}", world.tale());
}

#[test]
fn a_call_for_help_is_never_heard_along_and_star_fifty_nine_does_not_stand_in_its_way() {
    let script = vec![Far::Answer, Far::Menu(Sound::Menu, key('2')), Far::Forever];
    let owner = vec![Owner::Wait(s(7)), Owner::Press("2".into()), Owner::Wait(s(5)), Owner::HangUp];
    let owner = registered([dial("*59911"), owner].concat());
    let mut world = World::new(&house(), script, owner);
    world.run(s(40));
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    assert_eq!((world.record(1).number.as_str(), world.flows.len()), ("911", 0), "{}", world.tale());
    assert!(world.record(1).heard.is_empty());
    assert!(world.send_on(Errand::Call("911".into(), Way::Known)).is_err());
}

#[test]
fn nothing_is_learnt_where_the_owner_does_not_want_it() {
    let house = House { learn: false, ..house() };
    let mut world = World::new(&house, company(), registered(by_hand()));
    world.run(s(120));
    assert_eq!((world.outcome(1), world.flows.len()), (Some(Outcome::Slain), 0), "{}", world.tale());
}

#[test]
fn the_owner_listens_along_unheard_and_joins_with_two_stars() {
    let script = vec![Far::Answer, Far::Tone(1_200, s(60)), Far::Forever];
    let owner = vec![
        Owner::Wait(s(6)),
        Owner::Tone(800, s(3)),
        Owner::Wait(s(1)),
        Owner::Press("**".into()),
        Owner::Tone(1_500, s(3)),
        Owner::HangUp,
    ];
    let owner = registered([dial(&format!("*59{COMPANY_NUMBER}")), owner].concat());
    let mut world = World::new(&house(), script, owner);
    world.run(s(40));
    assert_eq!(hears(&world, Prompt::Calling), 1, "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| *f == Fact::HearsTone(1_200)).is_some(), "{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(800)).is_none(), "{}", world.tale());
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(1_500)).is_some(), "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
}

#[test]
fn an_owner_who_hangs_up_at_once_is_rung_when_a_person_comes() {
    let script = vec![Far::Ring(s(10)), Far::Answer, Far::Loop(Sound::Music, s(20)), PATIENT, Far::HangUp];
    let owner = vec![Owner::Wait(s(2)), Owner::HangUp];
    let owner = registered([dial(&format!("*59{COMPANY_NUMBER}")), owner, answer_and_talk()].concat());
    let mut world = World::new(&house(), script, owner);
    assert!(world.run_until(s(9), |w| w.phase() == Some(Phase::Dialing)), "{}", world.tale());
    world.run(s(120));
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
}

#[test]
fn codes_work_for_a_call_that_still_rings() {
    let script = vec![Far::Ring(s(30)), Far::Answer, Far::Loop(Sound::Music, s(60)), Far::Forever];
    let codes = vec![
        Owner::Wait(s(2)),
        Owner::HangUp,
        Owner::Dial("*95".into()),
        Owner::AwaitEnd,
        Owner::Dial("*94".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(40)),
        Owner::HangUp,
        Owner::Dial("*49".into()),
        Owner::AwaitEnd,
    ];
    let owner = registered([dial(&format!("*59{COMPANY_NUMBER}")), codes].concat());
    let mut world = World::new(&house(), script, owner);
    world.run(s(90));
    assert_eq!(hears(&world, Prompt::StatusHolding), 1, "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| *f == Fact::Hears(Sound::Music)).is_some(), "{}", world.tale());
    assert_eq!(hears(&world, Prompt::Cancelled), 1, "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::OwnerGaveUp), "{}", world.tale());
}

#[test]
fn the_page_has_a_number_called_and_refuses_what_cannot_be() {
    let script = vec![Far::Answer, Far::Loop(Sound::Music, s(20)), PATIENT, Far::HangUp];
    let owner = registered(answer_and_talk());
    let mut world = World::new(&House { max_holds: 1, ..house() }, script, owner);
    world.run(s(1));
    for wrong in ["", "*58", "abc", "19005550100"] {
        assert!(world.send_on(Errand::Call(wrong.into(), Way::Known)).is_err(), "{wrong}");
    }
    assert_eq!(world.send_on(Errand::Call(COMPANY_NUMBER.into(), Way::Known)), Ok(()));
    let more = world.send_on(Errand::Call("18005550199".into(), Way::Known)).unwrap_err();
    assert!(more.contains("the most"), "{more}");
    world.run(s(120));
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
}

#[test]
fn a_speed_dial_stands_for_its_number() {
    let house = House { speed: vec![("1".into(), COMPANY_NUMBER.into())], ..house() };
    let mut world = World::new(&house, vec![Far::Answer, Far::Forever], registered(dial("*591")));
    world.run(s(10));
    assert!(
        world
            .seen(Who::Company, |f| matches!(f, Fact::Called { number, .. } if number == COMPANY_NUMBER))
            .is_some(),
        "{}",
        world.tale()
    );
}

#[test]
fn a_call_is_placed_when_they_open_and_survives_a_restart_of_the_box() {
    let script = vec![Far::Answer, Far::Loop(Sound::Music, s(15)), PATIENT, Far::HangUp];
    let mut world = World::new(&house(), script.clone(), registered(answer_and_talk()));
    let open = Wall(EPOCH.0 + 60_000);
    assert_eq!(world.send_on(Errand::At(COMPANY_NUMBER.into(), Way::Known, open)), Ok(()));
    let planned = world.schedule.clone();
    assert_eq!((planned.len(), planned[0].at), (1, open));
    world.run(s(59));
    assert!(world.snapshot().calls.is_empty());
    world.run(s(120));
    assert!(world.record(1).started.0.abs_diff(open.0) < 1_000, "{}", world.tale());
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert!(world.schedule.is_empty(), "once");
    // Another box that was told the same at its start.
    let mut world = World::new(&house(), script, registered(answer_and_talk()));
    world.tell(hold_slayer::app::core::Event::Recall(Vec::new(), planned.clone()));
    world.run(s(150));
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    assert!(world.send_on(Errand::Forget(planned[0].id)).is_err(), "it was placed");
}

#[test]
fn a_call_that_is_sent_to_the_box_is_held_as_it_comes() {
    // The user that the box registers with, as a FRITZ!Box calls its telephones.
    let house = House { extension: "house".into(), ..house() };
    let mut world = World::new(&house, Vec::new(), registered(answer_and_talk()));
    world.run(s(1));
    let sent = vec![Far::Quiet(s(12)), Far::Loop(Sound::Music, s(20)), PATIENT, Far::HangUp];
    let caller = hold_slayer::sip::Caller { number: COMPANY_NUMBER.into(), ..Default::default() };
    world.company.call(world.now, "house", caller, sent);
    assert!(world.run_until(s(5), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    assert_eq!(world.rings(), 0, "{}", world.tale());
    world.run(s(90));
    assert!(
        world.seen(Who::Company, |f| *f == Fact::HearsBox(Prompt::Holding)).is_some(),
        "{}",
        world.tale()
    );
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
}

#[test]
fn a_telephone_system_that_is_a_phone_of_the_box_sends_calls_too() {
    let house = House { extension: "777".into(), ..house() };
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("777".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(15)),
        // What comes of it then is a voice that greets and waits.
        Owner::Say(Sound::AgentGreeting),
        Owner::Wait(s(10)),
    ];
    let mut world = World::new(&house, Vec::new(), owner);
    world.run(s(10));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    assert_eq!(hears(&world, Prompt::Holding), 1, "{}", world.tale());
}

#[test]
fn a_wrong_turn_in_a_flow_that_was_written_by_hand_counts_against_it() {
    let steps = vec![Step { otherwise: Otherwise::HangUp, within: s(10), ..taught().steps[1].clone() }];
    let flow = Flow::new("by hand", steps).unwrap();
    let owner = registered(dial(&format!("*59{COMPANY_NUMBER}")));
    let mut world = knowing(&house(), company(), flow, owner);
    world.run(s(60));
    assert_eq!(world.outcome(1), Some(Outcome::Failed), "{}", world.tale());
    assert_eq!(entry(&world).versions[0].failures, 1);
    assert_eq!(entry(&world).versions[0].standing(), Standing::Offered);
}

#[test]
fn a_company_without_a_menu_any_more_is_held_and_one_that_is_busy_ends() {
    let flow = taught();
    let owner = registered(
        [dial(&format!("*59{COMPANY_NUMBER}")), vec![Owner::Wait(s(3)), Owner::HangUp], answer_and_talk()]
            .concat(),
    );
    let script = vec![Far::Answer, Far::Loop(Sound::Music, s(40)), PATIENT, Far::HangUp];
    let mut world = knowing(&house(), script, flow, owner);
    world.run(s(120));
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
    assert_eq!(keys_heard(&world), "", "{}", world.tale());
}

#[test]
fn an_owner_who_takes_over_within_the_menu_teaches_the_rest() {
    let owner = vec![
        Owner::Wait(s(11)),
        Owner::Press("**".into()),
        Owner::Wait(s(6)),
        Owner::Press("1".into()),
        Owner::Wait(s(9)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let mut script = company();
    script[2] = Far::Menu(Sound::ThirdInLine, key('1'));
    let owner = registered([dial(&format!("*59{COMPANY_NUMBER}")), owner, answer_and_talk()].concat());
    let mut world = knowing(&house(), script, taught(), owner);
    assert!(world.run_until(s(150), |w| w.outcome(1) == Some(Outcome::Slain)), "{}", world.tale());
    assert_eq!(keys_heard(&world), "21", "{}", world.tale());
}

#[test]
fn two_numbers_are_called_at_once_for_two_errands() {
    let desks = ["18005550123", "18005550199"].map(|number| Desk {
        number: number.into(),
        script: vec![Far::Answer, Far::Loop(Sound::Music, s(60)), Far::Forever],
    });
    let house = House { channels: 2, ..house() };
    let mut world = World::with_desks(&house, desks.into(), registered(Vec::new()));
    world.run(s(1));
    for number in ["18005550123", "18005550199"] {
        assert_eq!(world.send_on(Errand::Call(number.into(), Way::Straight)), Ok(()));
    }
    world.run(s(10));
    assert!(world.snapshot().calls.iter().all(|call| call.phase == Phase::Holding), "{}", world.tale());
    assert_eq!(world.snapshot().calls.len(), 2);
}

#[test]
fn an_ordinary_call_teaches_its_menu_and_nothing_else() {
    let keys = vec![
        Owner::Wait(s(7)),
        Owner::Press("2".into()),
        Owner::Wait(s(5)),
        Owner::Press("1".into()),
        Owner::Wait(s(40)),
        Owner::HangUp,
    ];
    let mut world = World::new(&house(), company(), registered([dial(COMPANY_NUMBER), keys].concat()));
    world.run(s(90));
    assert_eq!(world.outcome(1), Some(Outcome::Talked), "{}", world.tale());
    assert_eq!(acts(entry(&world)), [press("2"), press("1"), Act::Hold], "{}", world.tale());
    assert!(world.lore.is_empty() && world.clips.is_empty(), "nothing was slain");
    assert!(world.record(1).heard.is_empty());
}

#[test]
fn a_changed_menu_whose_owner_does_not_come_ends_and_is_not_dialled_again() {
    let mut changed = company();
    changed[1] = Far::Menu(Sound::ThirdInLine, key('3'));
    let redial = Redialling { tries: 2, pause: s(30) };
    let owner =
        registered([dial(&format!("*59{COMPANY_NUMBER}")), vec![Owner::Wait(s(5)), Owner::HangUp]].concat());
    let mut world = knowing(&House { redial, ..house() }, changed, taught(), owner);
    world.run(s(300));
    assert_eq!((world.outcome(1), world.rings()), (Some(Outcome::Failed), 1), "{}", world.tale());
    assert!(!world.records.contains_key(&CallId(2)), "{}", world.tale());
    let said = |fact: &Fact| matches!(fact, Fact::HearsBox(_));
    assert!(world.seen(Who::Company, said).is_none(), "a menu is not spoken to\n{}", world.tale());
}

#[test]
fn an_owner_who_wants_the_line_kept_gets_the_agent_behind_a_changed_menu() {
    let script = vec![
        Far::Answer,
        Far::Play(Sound::ThirdInLine),
        Far::Quiet(s(4)),
        Far::Play(Sound::ThirdInLine),
        Far::Quiet(s(70)),
        Far::Loop(Sound::Music, s(20)),
        PATIENT,
        Far::HangUp,
    ];
    let away = vec![Owner::Wait(s(5)), Owner::HangUp, Owner::AwaitRing, Owner::AwaitRingEnd];
    let owner = registered([dial(&format!("*59{COMPANY_NUMBER}")), away, answer_and_talk()].concat());
    let house = House { unanswered: Unanswered::Wait, ..house() };
    let mut world = knowing(&house, script, taught(), owner);
    world.run(s(240));
    assert_eq!((world.rings(), world.outcome(1)), (2, Some(Outcome::Slain)), "{}", world.tale());
    assert_eq!(keys_heard(&world), "", "{}", world.tale());
}

#[test]
fn where_every_flow_has_failed_the_owner_is_rung_as_soon_as_they_answer() {
    let mut book = Book::default();
    book.keep(COMPANY_NUMBER, taught(), true, Wall(0)).unwrap();
    book.count(COMPANY_NUMBER, 1, false);
    let lost = book.count(COMPANY_NUMBER, 1, false).unwrap();
    let owner = vec![
        Owner::Wait(s(2)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::PickUp,
        Owner::Wait(s(9)),
        Owner::Press("2".into()),
        Owner::Wait(s(5)),
        Owner::Press("1".into()),
        Owner::Wait(s(9)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let script = [vec![Far::Ring(s(6))], company()].concat();
    let owner = registered([dial(&format!("*59{COMPANY_NUMBER}")), owner, answer_and_talk()].concat());
    let mut world = World::new(&house(), script, owner);
    world.tell(hold_slayer::app::core::Event::Recall(vec![lost], Vec::new()));
    assert!(world.run_until(s(15), |w| w.rings() == 1), "{}", world.tale());
    assert!(world.run_until(s(150), |w| w.outcome(1) == Some(Outcome::Slain)), "{}", world.tale());
    let learnt = entry(&world);
    assert_eq!(acts(learnt), [press("2"), press("1"), Act::Hold], "{}", world.tale());
    assert_eq!(learnt.versions.last().unwrap().id, 2, "the same keys after other prompts");
}

#[test]
fn programs_are_told_of_every_step() {
    let owner = registered([dial(&format!("*59{COMPANY_NUMBER}")), vec![Owner::Wait(s(60))]].concat());
    let mut world = knowing(&house(), company(), taught(), owner);
    world.run(s(30));
    let keys = world.events.iter().filter_map(|told| match &told.event {
        Event::MenuKeysSent { digits } => Some(digits.as_str()),
        _ => None,
    });
    assert_eq!(keys.collect::<String>(), "21", "{}", world.tale());
    let steps = world.events.iter().filter(|told| matches!(told.event, Event::MenuStep { .. })).count();
    let prompts = world.events.iter().filter(|told| matches!(told.event, Event::MenuDetected { .. })).count();
    assert_eq!((steps, prompts), (3, 2), "{:?}", world.events);
}
