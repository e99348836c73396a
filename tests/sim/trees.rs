//! Menus that fork and menus that listen, walked by a flow that branches, waits for a pause, speaks, and goes elsewhere when
//! a prompt does not come. The flow is a text, as the page, programs and files carry it.

use super::menus::COMPANY_NUMBER;
use super::world::{House, World, s};
use hold_slayer::call::{Errand, Outcome};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::listen::prompt::Print;
use hold_slayer::slay::flow::Flow;
use hold_slayer::slay::text;
use hold_slayer::sounds::Prompt;
use hold_slayer::units::Digit;

fn key(key: char) -> Digit {
    Digit::from_char(key).unwrap()
}

fn house() -> House {
    House { learn: true, ..House::default() }
}

/// A menu with several ways.
fn fork(sound: Sound, ways: Vec<(char, Vec<Far>)>) -> Far {
    let ways: Vec<(Digit, &'static [Far])> =
        ways.into_iter().map(|(pressed, steps)| (key(pressed), &*steps.leak())).collect();
    Far::Fork(sound, ways.leak())
}

/// 1 leads to people who have gone home, 2 to another menu and the queue.
fn tree(behind: Vec<Far>) -> Vec<Far> {
    let closed = vec![Far::Play(Sound::Closed), Far::HangUp];
    [vec![Far::Answer, fork(Sound::Menu, vec![('1', closed), ('2', behind)])], queue()].concat()
}

fn queue() -> Vec<Far> {
    vec![
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(24)),
        Far::Agent { patience: s(60) },
        Far::HangUp,
    ]
}

/// How the box knows these four prompts: from keys pressed after each of them.
fn prints() -> [Print; 4] {
    let asks = [Sound::Menu, Sound::LongerThanUsual, Sound::StayOnLine, Sound::ThirdInLine];
    let script = asks.iter().map(|sound| Far::Menu(*sound, key('5')));
    let script = [vec![Far::Answer], script.collect(), vec![Far::Loop(Sound::Music, s(60))]].concat();
    // After each has been said, and before it begins anew.
    let press = |after| vec![Owner::Wait(s(after)), Owner::Press("5".into())];
    let dial =
        vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(COMPANY_NUMBER.into()), Owner::AwaitAnswer];
    let presses = [press(7), press(5), press(5), press(5)].concat();
    let owner = [dial, presses, vec![Owner::Wait(s(30)), Owner::HangUp]].concat();
    let mut world = World::new(&house(), script, owner);
    world.run(s(120));
    let entry = world.flows.values().next().unwrap_or_else(|| panic!("nothing was learnt\n{}", world.tale()));
    let steps = &entry.versions[0].flow.steps;
    let print = |at: usize| steps[at].prompt.clone().unwrap_or_else(|| panic!("{at}\n{}", world.tale()));
    [print(0), print(1), print(2), print(3)]
}

/// By what is said first it presses keys or speaks; what is not said is not waited for any longer than it says.
fn flow() -> Flow {
    let [menu, second, voice, never] = prints().map(|print| print.to_text());
    let written = format!(
        "name = \"Two doors\"\n\
         [[step]]\ndo = \"branch\"\n\
         [[step.way]]\nprompt = \"menu\"\nto = \"keys\"\n\
         [[step.way]]\nprompt = \"voice\"\nto = \"word\"\n\
         [[step]]\nlabel = \"word\"\ndo = \"listen\"\n\
         [[step]]\ndo = \"speak\"\nsay = \"agent\"\n\
         [[step]]\ndo = \"listen\"\nprompt = \"never\"\nwithin = \"4s\"\notherwise = \"queue\"\n\
         [[step]]\nlabel = \"keys\"\ndo = \"dtmf\"\nkeys = \"2\"\n\
         [[step]]\ndo = \"dtmf\"\nprompt = \"second\"\nkeys = \"1\"\nwithin = \"14s\"\notherwise = \"next\"\n\
         [[step]]\nlabel = \"queue\"\ndo = \"hold\"\n\
         [prompts]\nmenu = \"{menu}\"\nsecond = \"{second}\"\nvoice = \"{voice}\"\nnever = \"{never}\"\n"
    );
    let flow = text::read("flow", &written).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    // Exported and imported again it is the same.
    assert_eq!(text::read("again", &text::write(&flow)).ok().as_ref(), Some(&flow));
    flow
}

/// The box calls by itself with this flow, and the owner comes when it rings.
fn walked(script: Vec<Far>) -> World {
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial(format!("*59{COMPANY_NUMBER}")),
        Owner::AwaitAnswer,
        Owner::Wait(s(3)),
        Owner::HangUp,
        Owner::AwaitRing,
        Owner::Wait(s(2)),
        Owner::PickUp,
        Owner::Wait(s(1)),
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let mut world = World::new(&house(), script, owner);
    assert_eq!(world.send_on(Errand::Keep(COMPANY_NUMBER.into(), Box::new(flow()))), Ok(()));
    world.run(s(150));
    assert_eq!((world.rings(), world.outcome(1)), (1, Some(Outcome::Slain)), "{}", world.tale());
    let kept = world.flows.values().next().expect("the flow");
    assert_eq!((kept.versions[0].successes, kept.versions[0].failures), (1, 0), "{}", world.tale());
    world.agents_are_kept();
    world.is_clean();
    world
}

fn keys(world: &World) -> String {
    let keys = world.story.iter().filter_map(|n| match n.fact {
        Fact::HearsKey(key) if n.who == Who::Company => Some(key.as_char()),
        _ => None,
    });
    keys.collect()
}

fn goes_on(world: &World, why: &str) -> bool {
    world.record(1).decisions.iter().any(|d| d.what == "go on" && d.reason.contains(why))
}

#[test]
fn a_fork_is_taken_by_what_is_said_and_the_second_menu_gets_its_key() {
    let world = walked(tree(vec![Far::Menu(Sound::LongerThanUsual, key('1'))]));
    assert_eq!(keys(&world), "21", "{}", world.tale());
    assert!(world.seen(Who::Company, |f| matches!(f, Fact::HearsBox(Prompt::SayAgent))).is_none());
    assert!(!goes_on(&world, ""), "{}", world.tale());
}

#[test]
fn a_menu_that_is_not_there_today_is_left_out() {
    let world = walked(tree(Vec::new()));
    assert_eq!(keys(&world), "2", "{}", world.tale());
    assert!(goes_on(&world, "step 6 of 7"), "{}", world.tale());
}

#[test]
fn a_menu_that_listens_is_told_a_word_after_its_question_and_no_key() {
    let script = [vec![Far::Answer, Far::Ask(Sound::StayOnLine), Far::Quiet(s(1))], queue()].concat();
    let world = walked(script);
    assert_eq!(keys(&world), "", "{}", world.tale());
    let said = world.seen(Who::Company, |f| *f == Fact::HearsBox(Prompt::SayAgent));
    assert!(said.is_some(), "{}", world.tale());
    assert!(goes_on(&world, "step 4 of 7: the prompt expected was not said in time"), "{}", world.tale());
}

#[test]
fn a_wrong_key_in_a_fork_is_told_once_and_each_right_one_leads_elsewhere() {
    let pressed = |pressed: &str| {
        let dial = vec![Owner::Register, Owner::Dial(COMPANY_NUMBER.into()), Owner::AwaitAnswer];
        let press = pressed.chars().flat_map(|key| [Owner::Wait(s(2)), Owner::Press(key.into())]);
        let owner = [dial, press.collect(), vec![Owner::Wait(s(12))]].concat();
        let mut world = World::new(&house(), tree(vec![Far::Play(Sound::StayOnLine)]), owner);
        world.run(s(20));
        let hears = |sound| world.seen(Who::Phone, |f| *f == Fact::Hears(sound)).is_some();
        let hung_up = world.seen(Who::Company, |f| *f == Fact::HangsUp).is_some();
        (hears(Sound::Closed), hears(Sound::StayOnLine), hung_up)
    };
    assert_eq!(pressed("1"), (true, false, true));
    assert_eq!(pressed("2"), (false, true, false));
    assert_eq!(pressed("72"), (false, true, false));
    assert_eq!(pressed("77"), (false, false, true));
}
