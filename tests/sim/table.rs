//! `make slay-table`: many composed companies, the real listener, owners who react like people; what comes of it.
//!
//! The pieces of sound are those of `tests/listen/sound` (or of the folder in `SLAY_SOUND`, its files named alike): music,
//! recorded voices, agents. Nothing here is tuned on the result. The demo's own voices speak for the owner alone.

use super::net::{Random, Weather};
use super::world::{House, World, ms, s};
use core::time::Duration;
use hold_slayer::call::{Outcome, Record};
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::live::{Manner, Voice};
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Narration, Sound, Who};
use hold_slayer::dsp::g711;
use hold_slayer::units::{Codec, Instant};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

type Piece = &'static [u8];

/// All pieces whose names begin so, each at three levels.
fn pieces(kind: &str) -> Vec<[Piece; 3]> {
    let folder = std::env::var("SLAY_SOUND")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listen/sound").into());
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(kind));
    paths.sort();
    assert!(!paths.is_empty(), "no sound of this kind: {kind}");
    paths.into_iter().map(|path| levels(&std::fs::read(path).unwrap())).collect()
}

fn levels(mu_law: &[u8]) -> [Piece; 3] {
    [1.0, 0.6, 0.35].map(|gain: f32| {
        let softer = |octet: &u8| {
            let linear = f32::from(g711::decode(Codec::Pcmu, *octet)) * gain;
            g711::encode(Codec::Pcmu, linear as i16)
        };
        let mut piece: Vec<u8> = mu_law.iter().map(softer).collect();
        piece.resize(piece.len().div_ceil(160) * 160, g711::silence(Codec::Pcmu));
        &*Box::leak(piece.into_boxed_slice())
    })
}

struct Sounds {
    music: Vec<[Piece; 3]>,
    recorded: [Vec<[Piece; 3]>; 2],
    agents: Vec<[Piece; 3]>,
}

impl Sounds {
    fn load() -> Self {
        let recorded = [pieces("recorded-matthew"), pieces("recorded-hans")];
        Self { music: pieces("music"), recorded, agents: pieces("agent") }
    }
}

fn any<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    &from[random.below(from.len() as u64) as usize]
}

fn seconds(random: &mut Random, low: u64, high: u64) -> Duration {
    ms(random.below((high - low) * 1_000) + low * 1_000)
}

/// Who comes at the end of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    Patient,
    Impatient,
    Hello,
    PutsBack,
    HandsOn,
    Nobody,
}

fn agent(random: &mut Random, sounds: &Sounds, comes: Comes) -> Far {
    let level = random.below(3) as usize;
    let (greeting, answer) = (any(random, &sounds.agents)[level], any(random, &sounds.agents)[level]);
    // Half a second: "Hello?".
    let greeting = if comes == Comes::Hello { &greeting[..greeting.len().min(5_600)] } else { greeting };
    let manner = Manner { voice: Some(Voice { greeting, answer }), ..Manner::patient(s(60)) };
    Far::Person(match comes {
        Comes::Impatient => Manner { dead_air: s(4), patience: s(30), ..manner },
        Comes::PutsBack | Comes::HandsOn => Manner { stays: s(4), ..manner },
        _ => manner,
    })
}

/// A queue, and who comes.
fn company(random: &mut Random, sounds: &Sounds) -> (Vec<Far>, Comes) {
    let mut script = Vec::new();
    if random.below(5) == 0 {
        script.push(Far::EarlyMedia);
    } else {
        script.extend([Far::Ring(seconds(random, 1, 4)), Far::Answer]);
    }
    let level = |random: &mut Random| random.below(3) as usize;
    let (voice, loudness) = (&sounds.recorded[random.below(2) as usize], level(random));
    let music = any(random, &sounds.music)[level(random)];
    let silent = random.below(10) == 0;
    let wait = |random: &mut Random, script: &mut Vec<Far>| {
        let time = seconds(random, 15, 45);
        script.push(if silent { Far::Quiet(time) } else { Far::ClipLoop(music, time) });
        script.push(Far::Quiet(ms(100 + random.below(500))));
    };
    script.extend([Far::Quiet(s(1)), Far::Clip(any(random, voice)[loudness])]);
    let often = any(random, voice)[loudness];
    for _ in 0..1 + random.below(3) {
        wait(random, &mut script);
        let again = random.below(2) == 0;
        script.push(Far::Clip(if again { often } else { any(random, voice)[loudness] }));
    }
    wait(random, &mut script);
    if random.below(7) == 0 {
        script.push(Far::Ringback(seconds(random, 3, 9)));
    }
    let comes = match random.below(100) {
        0..45 => Comes::Patient,
        45..60 => Comes::Impatient,
        60..70 => Comes::Hello,
        70..78 => Comes::PutsBack,
        78..85 => Comes::HandsOn,
        _ => Comes::Nobody,
    };
    if script.first() == Some(&Far::EarlyMedia) {
        script.push(Far::Answer);
    }
    if comes != Comes::Nobody {
        script.push(agent(random, sounds, comes));
    }
    match comes {
        Comes::PutsBack => script.push(Far::ClipLoop(music, seconds(random, 10, 30))),
        Comes::HandsOn => script.push(Far::Ringback(seconds(random, 4, 10))),
        _ => {}
    }
    if matches!(comes, Comes::PutsBack | Comes::HandsOn) {
        script.push(agent(random, sounds, Comes::Patient));
    }
    script.push(Far::HangUp);
    (script, comes)
}

/// What became of one company.
#[derive(Debug)]
struct Result {
    seed: u64,
    comes: Comes,
    /// An agent came and was there for 8 s, or was joined before.
    stayed: bool,
    /// Owner and agent heard each other.
    talked: bool,
    /// From the agent's first sound to the join, less what the owner took to pick up.
    delay_ms: Option<u64>,
    /// Of that, until the box greeted (or rang, if it did not), and from there until the phone rang.
    parts_ms: Option<[u64; 2]>,
    false_rings: u32,
    held_ms: u64,
    recorded: bool,
    voice_late: u32,
}

/// One company, one owner, one network.
fn play(seed: u64, sounds: &Sounds) -> Result {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (script, comes) = company(&mut random, sounds);
    let weather = match random.below(10) {
        0..6 => Weather::FINE,
        6..9 => Weather { delay: ms(20), jitter: ms(15), loss: 5, duplicate: 2 },
        _ => Weather::FOUL,
    };
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("1800".into()),
        Owner::AwaitSound,
        Owner::Wait(seconds(&mut random, 3, 8)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::HangUp,
    ];
    let mut world = World::new(&House { weather, seed, ..House::default() }, script, owner);
    let mut false_rings = 0;
    let over = |w: &World| w.records.values().any(|(record, _)| record.ended.is_some());
    for _ in 0..20 {
        let rings = world.rings();
        if !world.run_until(s(600), |w| over(w) || w.rings() > rings) || over(&world) {
            break;
        }
        // A recording that follows the agent's last word within a second is no fault of the ear.
        let for_person = world.company.has_agent();
        false_rings += u32::from(!for_person);
        world.run(seconds(&mut random, 2, 10));
        if !world.phone.is_ringing() {
            continue;
        }
        world.phone.then(vec![Owner::PickUp, Owner::Wait(ms(300))]);
        world.phone.then(match world.company.has_agent() {
            true => {
                vec![Owner::Say(Sound::OwnerHello), Owner::Listen(s(8)), Owner::Wait(s(2)), Owner::HangUp]
            }
            false => vec![Owner::Wait(s(1)), Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp],
        });
        let finished = |w: &World| over(w) || w.phone.is_finished();
        world.run_until(s(60), finished);
    }
    world.run(s(5));
    if std::env::var("SLAY_TALE").is_ok_and(|wanted| wanted == seed.to_string()) {
        println!("{}", world.tale());
    }
    judge(&world, seed, comes, false_rings)
}

fn judge(world: &World, seed: u64, comes: Comes, false_rings: u32) -> Result {
    let record = &world.records.values().next().unwrap_or_else(|| panic!("no call\n{}", world.tale())).0;
    let at = |who, fact: &dyn Fn(&Fact) -> bool| -> Vec<Instant> {
        let is = |n: &&Narration| n.who == who && fact(&n.fact);
        world.story.iter().filter(is).map(|n| n.at).collect()
    };
    let speaks = at(Who::Company, &|f| matches!(f, Fact::Speaks(_)));
    let talks = at(Who::Company, &|f| *f == Fact::Hears(Sound::OwnerHello));
    let calls = at(Who::Phone, &|f| matches!(f, Fact::Called { .. }));
    let answers = at(Who::Phone, &|f| *f == Fact::Answers);
    let ended = at(Who::Company, &|f| matches!(f, Fact::Ended(_) | Fact::HangsUp));
    let hears = at(Who::Phone, &|f| matches!(f, Fact::HearsVoice | Fact::Hears(_)));
    let after_answer = |at: &Instant| answers.iter().any(|answer| answer < at);
    let talked = !talks.is_empty() && !speaks.is_empty() && hears.iter().any(after_answer);
    let start = record.started.0 - super::world::EPOCH.0;
    let whole = talks.first().and_then(|talk| {
        let answered = answers.iter().rev().find(|at| *at < talk)?;
        let called = calls.iter().rev().find(|at| *at < answered)?;
        // The agent whom the owner talks to: a second one began to speak after the first had gone.
        let first = match comes {
            Comes::PutsBack | Comes::HandsOn => {
                let gap = speaks.windows(2).find(|w| w[1].since(w[0]) > s(9)).map(|w| w[1]);
                gap.filter(|at| at < called).or(speaks.first().copied())?
            }
            _ => *speaks.first()?,
        };
        let decided = |what: &'static [&str]| {
            let is = move |d: &&hold_slayer::call::Decision| what.contains(&d.what.as_str());
            record.decisions.iter().filter(is).map(|d| Instant((start + d.at_ms) * 1_000))
        };
        // All but the owner's own time: until his phone rings, and from his answer until the two are joined.
        let joined = decided(&["join"]).find(|at| *at >= *answered)?;
        let whole = called.since(first) + joined.since(*answered);
        let decided = decided(&["greet", "ring"]);
        let greeted = decided.filter(|at| (first..=*called).contains(at)).min().unwrap_or(*called);
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Some((ms(whole), [ms(greeted.since(first)), ms(called.since(greeted))]))
    });
    let stays = speaks.first().zip(ended.last()).is_some_and(|(from, to)| to.since(*from) >= s(8));
    Result {
        seed,
        comes,
        stayed: comes != Comes::Nobody && (talked || stays),
        talked,
        delay_ms: whole.map(|(whole, _)| whole),
        parts_ms: whole.map(|(_, parts)| parts),
        false_rings,
        held_ms: record.held_ms,
        recorded: record.ended.is_some() && record.outcome != Outcome::Up,
        voice_late: late_voices(world, record),
    }
}

/// Verdicts for a person that no voice of the box followed within 1.5 s.
fn late_voices(world: &World, record: &Record) -> u32 {
    let start = record.started.0 - super::world::EPOCH.0;
    let greets = record.decisions.iter().filter(|d| d.what == "greet").map(|d| start + d.at_ms);
    let heard = |from: u64| {
        world.story.iter().any(|n| {
            n.who == Who::Company
                && (from..from + 1_500).contains(&n.at.as_millis())
                && matches!(n.fact, Fact::HearsBox(_) | Fact::Hears(_))
        })
    };
    let late = greets.filter(|at| !heard(*at)).count();
    u32::try_from(late).unwrap_or(u32::MAX)
}

fn p(values: &[u64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .map_or(f64::NAN, |ms| *ms as f64 / 1_000.0)
}

fn print(results: &[Result]) {
    let line = |name: &str, of: &[&Result]| {
        let stayed = of.iter().filter(|r| r.stayed).count();
        let talked = of.iter().filter(|r| r.stayed && r.talked).count();
        let delays: Vec<u64> = of.iter().filter_map(|r| r.delay_ms).collect();
        let hours = of.iter().map(|r| r.held_ms).sum::<u64>() as f64 / 3_600_000.0;
        let rings: u32 = of.iter().map(|r| r.false_rings).sum();
        let share = if stayed > 0 { 100.0 * talked as f64 / stayed as f64 } else { 0.0 };
        println!(
            "| {name} | {} | {stayed} | {talked} ({share:.1} %) | {} | {:.1} / {:.1} | {rings} in {hours:.1} h ({:.1}/h) |",
            of.len(),
            stayed - talked,
            p(&delays, 50),
            p(&delays, 90),
            f64::from(rings) / hours.max(1e-9),
        );
    };
    println!(
        "| who comes | companies | came and stayed 8 s | talked with the owner | agents lost | to two-way, p50 / p90 s | false rings |"
    );
    println!("|---|---|---|---|---|---|---|");
    for comes in
        [Comes::Patient, Comes::Impatient, Comes::Hello, Comes::PutsBack, Comes::HandsOn, Comes::Nobody]
    {
        let of: Vec<&Result> = results.iter().filter(|r| r.comes == comes).collect();
        line(&format!("{comes:?}").to_lowercase(), &of);
    }
    let all: Vec<&Result> = results.iter().collect();
    line("all", &all);
    let late: u32 = results.iter().map(|r| r.voice_late).sum();
    let part = |at: usize| {
        let of: Vec<u64> = results.iter().filter_map(|r| Some(r.parts_ms?[at])).collect();
        format!("{:.1} / {:.1} s", p(&of, 50), p(&of, 90))
    };
    println!("of that until the greeting, p50 / p90: {}; from there to the ring: {}", part(0), part(1));
    println!("greetings heard later than 1.5 s after the verdict, or not recognised for loss: {late}");
    let lost = results.iter().filter(|r| r.stayed && !r.talked).map(|r| r.seed.to_string());
    println!(
        "agents lost with the seeds (SLAY_TALE=seed tells the story): {}",
        lost.collect::<Vec<_>>().join(", ")
    );
    println!("holds without a recorded outcome: {}", results.iter().filter(|r| !r.recorded).count());
}

/// Plays the companies `from..to` on all processors, in the order of their seeds.
fn play_all(count: u64) -> Vec<Result> {
    let sounds = Sounds::load();
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (tell, next, sounds) = (tell.clone(), &next, &sounds);
            scope.spawn(move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if n >= count {
                        break;
                    }
                    tell.send((n, play(n + 1, sounds))).unwrap();
                }
            });
        }
    });
    drop(tell);
    let mut results: Vec<(u64, Result)> = told.into_iter().collect();
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

#[test]
#[ignore = "a measurement: make slay-table"]
fn slay_table() {
    let count = std::env::var("SLAY_COMPANIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    print(&play_all(count));
}

/// The machinery of the table, on a few: whatever becomes of them is recorded, and the same each time.
#[test]
fn a_table_of_a_few_companies_is_whole() {
    let few = play_all(6);
    assert!(few.iter().all(|r| r.recorded), "{few:?}");
    assert!(few.iter().any(|r| r.talked), "{few:?}");
    let sounds = Sounds::load();
    assert_eq!(format!("{:?}", play(2, &sounds)), format!("{:?}", few[1]));
}
