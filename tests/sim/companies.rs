//! Companies by name: menus, queues, people of every mood, and what must become of each call. The same must hold of all of
//! them; `outcome` and the rings are each company's own.

use super::net::Weather;
use super::world::{EPOCH, House, World, each, ms, s};
use core::time::Duration;
use hold_slayer::call::{Outcome, Record};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::live::Manner;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sip::Cause;
use hold_slayer::units::Digit;

/// A tone that only the owner makes, and only while the box holds the line.
const ROOM_HZ: u16 = 660;

/// What the owner does when it rings.
#[derive(Clone, Copy, Debug)]
enum Answers {
    /// Picks up after so many seconds and talks.
    After(u64),
    /// Never picks up.
    Never,
    /// Presses "decline".
    Declines,
    /// Picks up and hangs up at once, then picks up and talks when it rings again.
    AtOnceThenTalks,
    /// Picks up, presses `**` at once, then picks up and talks when it rings again.
    GivesBackThenTalks,
    /// Talks, is put back on hold, presses `**` again, and talks when the next person comes.
    HoldsAgain,
}

fn owner(answers: Answers) -> Vec<Owner> {
    let wait = |seconds| vec![Owner::Wait(s(seconds))];
    let comes = |after| [vec![Owner::AwaitRing], wait(after), vec![Owner::PickUp]].concat();
    let hello = vec![Owner::Wait(ms(300)), Owner::Say(Sound::OwnerHello), Owner::Listen(s(8))];
    let talk = |after| {
        let thanks = vec![Owner::Say(Sound::OwnerThanks), Owner::HangUp];
        [comes(after), hello.clone(), thanks].concat()
    };
    let back = vec![Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp];
    let then = match answers {
        Answers::After(seconds) => talk(seconds),
        Answers::Never => vec![Owner::AwaitRing, Owner::AwaitRingEnd],
        Answers::Declines => [vec![Owner::AwaitRing], wait(1), vec![Owner::Decline]].concat(),
        Answers::AtOnceThenTalks => [comes(2), wait(2), vec![Owner::HangUp], talk(2)].concat(),
        Answers::GivesBackThenTalks => [comes(2), wait(1), back, talk(2)].concat(),
        Answers::HoldsAgain => {
            let asks = vec![Owner::Say(Sound::OwnerAsks)];
            [comes(2), hello.clone(), asks, wait(30), back, talk(2)].concat()
        }
    };
    [hold("1800", 0), then].concat()
}

/// Dialled after so many seconds, left to the box, and hummed into the handset meanwhile.
fn hold(number: &str, after: u64) -> Vec<Owner> {
    vec![
        Owner::Register,
        Owner::Wait(s(1 + after)),
        Owner::Dial(number.into()),
        Owner::AwaitSound,
        Owner::Wait(s(3)),
        Owner::Press("**".into()),
        Owner::Wait(s(1)),
        Owner::Tone(ROOM_HZ, s(2)),
        Owner::HangUp,
    ]
}

// ---- the language of companies ----

const fn music(seconds: u64) -> Far {
    Far::Loop(Sound::Music, Duration::from_secs(seconds))
}

const fn song(seconds: u64) -> Far {
    Far::Loop(Sound::Song, Duration::from_secs(seconds))
}

const fn quiet(seconds: u64) -> Far {
    Far::Quiet(Duration::from_secs(seconds))
}

const fn rings(seconds: u64) -> Far {
    Far::Ringback(Duration::from_secs(seconds))
}

const fn says(sound: Sound) -> Far {
    Far::Play(sound)
}

const fn patient() -> Far {
    Far::Person(Manner::patient(Duration::from_secs(120)))
}

/// Goes after 4 s in which he hears nothing at all.
const fn impatient() -> Far {
    let manner = Manner::patient(Duration::from_secs(60));
    Far::Person(Manner { dead_air: Duration::from_secs(4), ..manner })
}

/// Says "Hello? Are you there?" and no more.
const fn hello() -> Far {
    let manner = Manner::patient(Duration::from_secs(60));
    Far::Person(Manner { greeting: Sound::AgentThere, ..manner })
}

/// Does not wait for the owner for longer.
const fn waits(seconds: u64) -> Far {
    Far::Person(Manner::patient(Duration::from_secs(seconds)))
}

const fn puts_back(seconds: u64) -> Far {
    Far::AgentPutsBack(Duration::from_secs(seconds))
}

const BYE: Far = Far::HangUp;
const UP: Far = Far::Answer;
const STAY: Far = says(Sound::StayOnLine);
const LONGER: Far = says(Sound::LongerThanUsual);
const BUSY: Far = says(Sound::AllBusy);
const THIRD: Far = says(Sound::ThirdInLine);
const CLOSED: Far = says(Sound::Closed);
/// A recording that sounds like somebody who has come.
const WAITS: Far = says(Sound::AgentWaits);

/// A company, its owner's way, and what becomes of it: the outcome, and how often the phone rings at least and at most.
struct Scenario {
    name: &'static str,
    company: Vec<Far>,
    answers: Answers,
    /// One of these: what the ear makes of a voice that it hears for the first time is measured elsewhere.
    outcomes: Vec<Outcome>,
    rings: (usize, usize),
}

macro_rules! scenarios {
    ($($test:ident: [$($name:ident($answers:expr) [$($step:expr),* $(,)?] => $($outcome:ident)|+, $rings:expr;)*])*) => {
        $(
            #[test]
            fn $test() {
                let all = vec![$(Scenario {
                    name: stringify!($name),
                    company: vec![$($step),*],
                    answers: $answers,
                    outcomes: vec![$(Outcome::$outcome),+],
                    rings: $rings,
                }),*];
                each(all.iter().map(|one| (one.name.to_owned(), one)), check);
            }
        )*
    };
}

use Answers::{After, AtOnceThenTalks, Declines, GivesBackThenTalks, HoldsAgain, Never};

scenarios! {
    queues_with_music: [
        music_then_agent(After(2)) [UP, music(20), patient(), BYE] => Slain, (1, 1);
        music_announcement_music(After(2)) [UP, music(12), STAY, music(12), patient(), BYE] => Slain, (1, 1);
        two_announcements(After(2)) [UP, music(12), STAY, music(12), LONGER, music(12), patient(), BYE] => Slain, (1, 1);
        the_same_announcement_thrice(After(2)) [UP, music(9), STAY, music(9), STAY, music(9), STAY, music(9), patient(), BYE] => Slain, (1, 1);
        ringing_before_the_queue(After(2)) [Far::Ring(s(5)), UP, music(20), patient(), BYE] => Slain, (1, 1);
        queue_in_early_media(After(2)) [Far::EarlyMedia, music(25), UP, patient(), BYE] => Slain, (1, 1);
        owner_far_from_the_phone(After(25)) [UP, music(20), patient(), BYE] => Slain, (1, 1);
        place_in_the_line_is_told(After(2)) [UP, music(12), THIRD, music(15), patient(), BYE] => Slain, (1, 1);
    ]
    queues_with_other_sounds: [
        agent_after_ringback(After(2)) [UP, music(15), rings(9), patient(), BYE] => Slain, (1, 1);
        no_music_at_all(After(2)) [UP, STAY, quiet(20), patient(), BYE] => Slain, (1, 2);
        silence_then_ringback(After(2)) [UP, quiet(10), rings(9), patient(), BYE] => Slain, (1, 1);
        only_ringing(After(2)) [UP, rings(30), patient(), BYE] => Slain, (1, 1);
        second_queue_after_a_transfer(After(2)) [UP, music(15), rings(6), music(20), patient(), BYE] => Slain, (1, 1);
        two_pieces_of_music(After(2)) [UP, music(15), song(16), music(15), patient(), BYE] => Slain, (1, 2);
        a_beep_in_the_music(After(2)) [UP, music(15), Far::Tone(1_200, ms(300)), music(15), patient(), BYE] => Slain, (1, 1);
        long_announcement_first(After(2)) [UP, BUSY, music(20), patient(), BYE] => Slain, (1, 2);
    ]
    moods_of_agents: [
        impatient_agent(After(2)) [UP, music(20), impatient(), BYE] => Slain, (1, 1);
        impatient_agent_and_slow_owner(After(20)) [UP, music(20), impatient(), BYE] => Slain, (1, 1);
        impatient_agent_after_ringback(After(4)) [UP, music(15), rings(6), impatient(), BYE] => Slain, (1, 1);
        agent_says_hello_only(After(2)) [UP, music(20), hello(), BYE] => Slain, (1, 1);
        agent_says_hello_after_ringback(After(2)) [UP, music(15), rings(6), hello(), BYE] => Slain, (1, 1);
        agent_waits_ten_seconds(After(3)) [UP, music(20), waits(20), BYE] => Slain, (1, 1);
        agent_gives_up_on_a_slow_owner(After(60)) [UP, music(20), waits(10), BYE] => AgentLost, (1, 1);
        impatient_and_never_answered(Never) [UP, music(20), impatient(), BYE] => AgentLost, (1, 1);
    ]
    agents_who_come_and_go: [
        put_back_on_hold_while_it_rings(After(20)) [UP, music(15), puts_back(9), music(25), patient(), BYE] => Slain, (1, 2);
        put_back_twice(After(20)) [UP, music(15), puts_back(9), music(20), puts_back(9), music(20), patient(), BYE] => Slain, (1, 3);
        handed_on_to_a_colleague(After(2)) [UP, music(15), puts_back(25), rings(9), patient(), BYE] => Slain, (1, 2);
        handed_on_before_the_owner_came(After(15)) [UP, music(15), puts_back(6), rings(9), patient(), BYE] => Slain, (1, 2);
        put_back_and_cut_off(After(30)) [UP, music(15), puts_back(9), music(20), BYE] => CompanyHungUp, (0, 1);
        agent_hangs_up_while_it_rings(After(40)) [UP, music(15), puts_back(9), BYE] => AgentLost, (0, 1);
        agent_drops_at_once(After(9)) [UP, music(15), puts_back(1), BYE] => CompanyHungUp, (0, 1);
        second_agent_is_impatient(After(18)) [UP, music(15), puts_back(8), music(25), impatient(), BYE] => Slain, (1, 2);
    ]
    nobody_ever_comes: [
        queue_hangs_up(After(2)) [UP, music(30), BYE] => CompanyHungUp, (0, 0);
        all_agents_are_busy_goodbye(Never) [UP, music(12), BUSY, BYE] => CompanyHungUp | AgentLost, (0, 1);
        closed(Never) [UP, music(8), CLOSED, BYE] => CompanyHungUp | AgentLost, (0, 1);
        busy_tone_without_an_end(After(2)) [UP, music(12), Far::Tone(1_200, s(3)), BYE] => CompanyHungUp, (0, 0);
        silence_and_goodbye(After(2)) [UP, music(12), quiet(20), BYE] => CompanyHungUp, (0, 0);
        announcements_without_end(After(2)) [UP, STAY, music(8), STAY, music(8), STAY, music(8), STAY, music(8), BYE] => CompanyHungUp, (0, 0);
        rings_inside_and_nobody(After(2)) [UP, music(12), rings(30), BYE] => CompanyHungUp, (0, 0);
        a_song_and_goodbye(Never) [UP, music(10), song(32), BYE] => CompanyHungUp | AgentLost, (0, 2);
    ]
    owners_who_do_not_come: [
        never_answered(Never) [UP, music(20), patient(), BYE] => AgentLost, (1, 1);
        declined(Declines) [UP, music(20), patient(), BYE] => OwnerGaveUp, (1, 1);
        declined_after_hello(Declines) [UP, music(20), hello(), BYE] => OwnerGaveUp, (1, 1);
        never_answered_after_ringback(Never) [UP, music(12), rings(9), patient(), BYE] => AgentLost, (1, 1);
        never_answered_in_a_silent_queue(Never) [UP, STAY, quiet(20), patient(), BYE] => AgentLost, (1, 2);
        declined_by_early_media(Declines) [Far::EarlyMedia, music(20), UP, patient(), BYE] => OwnerGaveUp, (1, 1);
        never_answered_and_impatient_after_ringback(Never) [UP, music(12), rings(6), impatient(), BYE] => AgentLost, (1, 1);
        never_answered_second_agent(Never) [UP, music(15), puts_back(40), music(10), BYE] => AgentLost | CompanyHungUp, (1, 1);
    ]
    owners_who_are_rung_for_a_recording: [
        hung_up_at_once_and_rung_again(AtOnceThenTalks) [UP, music(25), rings(3), WAITS, quiet(8), music(25), patient(), BYE] => Slain, (2, 2);
        given_back_and_rung_again(GivesBackThenTalks) [UP, music(25), rings(3), WAITS, quiet(8), music(25), patient(), BYE] => Slain, (2, 2);
        hung_up_at_once_and_the_queue_ends(AtOnceThenTalks) [UP, music(25), rings(3), WAITS, quiet(8), music(20), BYE] => CompanyHungUp, (1, 1);
        given_back_and_the_queue_ends(GivesBackThenTalks) [UP, music(25), rings(3), WAITS, quiet(8), music(20), BYE] => CompanyHungUp, (1, 1);
    ]
    queues_after_a_talk: [
        put_back_by_an_agent_who_was_talked_to(HoldsAgain) [UP, music(15), puts_back(45), music(40), hello(), BYE] => Slain, (2, 2);
        put_back_and_handed_on_with_ringing(HoldsAgain) [UP, music(15), puts_back(45), music(24), rings(9), hello(), BYE] => Slain, (2, 2);
        put_back_into_silence(HoldsAgain) [UP, music(15), puts_back(45), quiet(40), hello(), BYE] => Slain, (2, 2);
        talked_to_and_put_back_for_good(HoldsAgain) [UP, music(15), puts_back(45), music(40), BYE] => CompanyHungUp, (1, 1);
    ]
    menus_on_the_way: [
        a_menu_that_is_not_answered(After(2)) [UP, says(Sound::Menu), music(20), patient(), BYE] => Slain, (1, 2);
        a_menu_after_the_music(After(2)) [UP, music(12), says(Sound::Menu), music(15), patient(), BYE] => Slain, (1, 2);
        welcome_then_place_in_line(After(2)) [UP, says(Sound::Menu), music(10), THIRD, music(12), patient(), BYE] => Slain, (1, 2);
        a_voice_after_each_music(After(2)) [UP, music(10), STAY, music(10), THIRD, music(10), LONGER, music(10), patient(), BYE] => Slain, (1, 2);
        the_company_presses_a_key(After(2)) [UP, music(10), Far::Press(Digit::STAR), music(10), patient(), BYE] => Slain, (1, 1);
        a_pause_before_the_agent(After(2)) [UP, music(20), quiet(4), patient(), BYE] => Slain, (1, 1);
        hello_after_a_pause(After(2)) [UP, music(20), quiet(3), hello(), BYE] => Slain, (1, 1);
        agent_right_after_the_announcement(After(2)) [UP, music(15), STAY, patient(), BYE] => Slain, (1, 2);
    ]
    calls_that_never_become_holds: [
        busy_company(After(2)) [Far::Ring(s(1)), Far::Refuse(Cause::Busy)] => Busy, (0, 0);
        no_such_number(After(2)) [Far::Refuse(Cause::NoSuchNumber)] => Failed, (0, 0);
        nobody_lifts(After(2)) [Far::Ring(s(9)), Far::Refuse(Cause::NoAnswer)] => NoAnswer | Failed, (0, 0);
        out_of_service(After(2)) [Far::Refuse(Cause::Rejected)] => Failed, (0, 0);
    ]
}

/// Plays one of them, and asserts what must hold of every one.
fn check(scenario: &Scenario) {
    let house = House { ring: s(40), ..House::default() };
    let mut world = World::new(&house, scenario.company.clone(), owner(scenario.answers));
    world.run_until(s(400), |w| w.records.values().any(|(record, _)| record.ended.is_some()));
    world.run(s(40));
    let name = scenario.name;
    holds_of_all(&world, name);
    let (least, most) = scenario.rings;
    assert!((least..=most).contains(&world.rings()), "{name}: {} rings\n{}", world.rings(), world.tale());
    let outcome = world.outcome(1).unwrap_or(Outcome::Up);
    assert!(scenario.outcomes.contains(&outcome), "{name}: {outcome:?}\n{}", world.tale());
    if outcome == Outcome::Slain {
        let talked = world.seen(Who::Company, |f| *f == Fact::Hears(Sound::OwnerHello));
        assert!(talked.is_some(), "{name}: the agent does not hear the owner\n{}", world.tale());
    }
}

/// The invariants: every hold ends in a recorded outcome, nothing is left, the line never falls silent, nobody is joined by
/// mistake, no sound of the room reaches the company while the box holds, whoever is taken for a person hears a voice within
/// 1.5 s and is never left in silence, and who calls for help reaches it.
pub fn holds_of_all(world: &World, name: &str) {
    let tale = || format!("{name}\n{}", world.tale());
    world.is_clean();
    world.agents_are_kept();
    world.help_is_reached("911");
    let heard = world.story.iter().filter(|n| n.who == Who::Company && n.fact == Fact::HearsTone(ROOM_HZ));
    for at in heard.map(|n| n.at.as_millis()) {
        let leaks = |record: &Record| {
            let start = record.started.0 - EPOCH.0;
            let turn = |what: &str| {
                let mut turns = record.decisions.iter().filter(|d| d.what == what).map(|d| start + d.at_ms);
                turns.rfind(|turn| *turn <= at)
            };
            turn("hold") > turn("join")
        };
        assert!(!world.records.values().any(|(record, _)| leaks(record)), "the room is heard: {}", tale());
    }
}

/// Companies, networks and households put together by chance: nothing is expected of them but the invariants. In some houses
/// a second phone has a hold of its own at another company, in some somebody calls for help meanwhile.
#[test]
fn a_swarm_of_companies_networks_and_owners() {
    let counts = each((1..=36).map(|seed| (format!("seed {seed}"), seed)), household);
    let [both, helped, slain] = [0, 1, 2].map(|n| counts.iter().map(|count| count[n]).sum::<usize>());
    println!("{both} houses with two holds, {helped} calls for help, {slain} slain");
    assert!(both > 2 && helped > 2 && slain > 5, "the swarm covers less than it says");
}

/// One of them, to its end: whether two were held, how many calls for help there were, how many were slain.
fn household(seed: u64) -> [usize; 3] {
    let mut random = super::net::Random(seed * 7_919);
    let mut pick = |n: u64| random.below(n) as usize;
    let company = |pick: &mut dyn FnMut(u64) -> usize| {
        let begins = [vec![UP], vec![Far::Ring(s(2)), UP], vec![Far::EarlyMedia, music(8), UP]];
        let middles = [
            vec![music(12)],
            vec![STAY, music(9)],
            vec![quiet(12)],
            vec![rings(9)],
            vec![song(12)],
            vec![THIRD, music(8)],
        ];
        let ends = [
            vec![patient()],
            vec![impatient()],
            vec![hello()],
            vec![puts_back(6), music(12), patient()],
            vec![puts_back(3), rings(6), impatient()],
            vec![waits(8)],
            vec![BUSY],
            vec![],
        ];
        let (begin, end) = (begins[pick(3)].clone(), ends[pick(8)].clone());
        [begin, middles[pick(6)].clone(), middles[pick(6)].clone(), end, vec![BYE]].concat()
    };
    let weather = [Weather::FINE, Weather::FOUL, Weather { loss: 150, ..Weather::FOUL }][pick(3)];
    let answers = [After(2), After(15), Never, Declines, AtOnceThenTalks, GivesBackThenTalks][pick(6)];
    let comes = vec![
        Owner::AwaitRing,
        Owner::Wait(s(2)),
        Owner::PickUp,
        Owner::Tone(1_500, s(4)),
        Owner::Wait(s(4)),
        Owner::HangUp,
    ];
    let (room, holds) = match pick(4) {
        0 => {
            let help = vec![
                Owner::Register,
                Owner::Wait(s(20 + pick(40) as u64)),
                Owner::Dial("911".into()),
                Owner::AwaitAnswer,
                Owner::Tone(1_500, s(4)),
                Owner::HangUp,
            ];
            (help, 1)
        }
        1 => ([hold("1801", pick(8) as u64), comes].concat(), 2),
        _ => ([vec![Owner::Register], comes].concat(), 1),
    };
    let house = House {
        weather,
        seed,
        channels: holds + pick(2),
        max_holds: holds,
        ring: s(20),
        rooms: vec![room],
        ..House::default()
    };
    let desk = |number: &str, script| Desk { number: number.into(), script };
    let desks = vec![
        desk("1800", company(&mut pick)),
        desk("1801", company(&mut pick)),
        desk("911", vec![UP, Far::Tone(1_200, s(30)), BYE]),
    ];
    let mut world = World::with_desks(&house, desks, owner(answers));
    world.run(s(200));
    for _ in 0..3 {
        let up: Vec<_> = world.snapshot().calls.iter().map(|call| call.id).collect();
        for id in up {
            let _ = world.ask(hold_slayer::call::Request::HangUp(id));
        }
        world.run(s(60));
    }
    holds_of_all(&world, &format!("seed {seed}"));
    let records = || world.records.values().map(|(record, _)| record);
    [
        usize::from(records().filter(|record| record.hold_started.is_some()).count() > 1),
        records().filter(|record| record.number == "911").count(),
        records().filter(|record| record.outcome == Outcome::Slain).count(),
    ]
}
