//! What the memory of earlier calls knows again, through codecs, loss, noise and music, and whom it takes for what.

use crate::bench::frames;
use crate::calls::pieces;
use crate::country::Noise;
use hold_slayer::dsp::g711;
use hold_slayer::listen::Sound;
use hold_slayer::listen::ear::Ear;
use hold_slayer::listen::lore::Lore;
use hold_slayer::listen::memory::Memory;
use hold_slayer::units::{Codec, Frame, Tick};
use std::path::PathBuf;

/// Frames from the first sound until it is known, if it becomes so.
fn known_after(memory: &mut Memory, sound: &[Frame]) -> Option<usize> {
    let (mut ear, mut began, mut known) = (Ear::default(), None, None);
    for (n, frame) in sound.iter().enumerate() {
        let moment = ear.hear(Tick(n as u64), frame);
        if moment.active {
            began.get_or_insert(n);
        }
        if moment.sound == Sound::Speech {
            memory.hear(Tick(n as u64), moment.look.print, moment.active);
            known = known.or(memory.known().then(|| n - began.unwrap_or(n)));
        }
    }
    known
}

/// What a call taught that heard all of this.
fn taught<'a>(sounds: impl IntoIterator<Item = &'a Vec<Frame>>) -> Lore {
    let mut memory = Memory::default();
    for sound in sounds {
        known_after(&mut memory, sound);
        memory.learn();
    }
    let mut lore = Lore::default();
    lore.learn(1, 0, memory.lesson(0));
    lore
}

/// Of so many hearings how many were known within 1 s, 1.5 s, and at all; percent.
fn shares(lore: &Lore, sounds: &[Vec<Frame>]) -> [usize; 3] {
    let found: Vec<_> = sounds.iter().map(|sound| known_after(&mut Memory::of(lore), sound)).collect();
    [50, 75, usize::MAX]
        .map(|most| found.iter().flatten().filter(|n| **n <= most).count() * 100 / sounds.len())
}

/// A second of quiet, the sound, a second of quiet.
fn framed(sound: &[i16]) -> Vec<Frame> {
    let quiet = [0; 8_000];
    [&quiet, sound, &quiet].concat().as_chunks::<160>().0.iter().map(|c| Frame(*c)).collect()
}

fn alaw(sound: &[i16]) -> Vec<i16> {
    sound.iter().map(|x| g711::decode(Codec::Pcma, g711::encode(Codec::Pcma, *x))).collect()
}

fn louder(sound: &[i16], gain: f32) -> Vec<i16> {
    sound.iter().map(|x| (f32::from(*x) * gain).clamp(-32_000.0, 32_000.0) as i16).collect()
}

fn sum(a: &[i16], b: impl Iterator<Item = f32>) -> Vec<i16> {
    a.iter().zip(b).map(|(a, b)| (f32::from(*a) + b) as i16).collect()
}

fn rms(sound: &[i16]) -> f32 {
    (sound.iter().map(|x| f32::from(*x).powi(2)).sum::<f32>() / sound.len() as f32).sqrt()
}

#[test]
fn the_next_call_knows_announcements_through_what_a_line_does_to_them_and_takes_no_person_for_one() {
    let recorded = pieces("recorded");
    let all: Vec<_> = recorded.iter().map(|x| framed(x)).collect();
    let lore = taught(&all);
    let mut noise = Noise(5);
    let music: Vec<i16> = pieces("music").concat();
    let change = |with: &mut dyn FnMut(&[i16]) -> Vec<i16>| {
        recorded.iter().map(|x| framed(&with(x)[37..])).collect::<Vec<_>>()
    };
    let mut at = 0;
    let again = [
        ("A-law, 15 dB softer", change(&mut |x| alaw(&louder(x, 0.18))), [85, 100]),
        (
            "5 % lost",
            {
                let lossy = |x: &[i16]| {
                    let lost = |(n, x): (usize, &i16)| if n / 160 % 20 == 7 { 0 } else { *x };
                    x.iter().enumerate().map(lost).collect::<Vec<i16>>()
                };
                change(&mut |x| lossy(x))
            },
            [85, 100],
        ),
        (
            "music 10 dB beneath",
            change(&mut |x| {
                at += 9_000;
                let tune = &music[at % (music.len() - x.len())..];
                let gain = rms(x) / rms(&tune[..x.len()]) * 0.316;
                sum(x, tune.iter().map(|m| f32::from(*m) * gain))
            }),
            [40, 70],
        ),
        (
            "noise 20 dB beneath",
            change(&mut |x| {
                let level = rms(x) * 0.1;
                sum(x, std::iter::from_fn(|| Some(noise.bell() * level)))
            }),
            [40, 70],
        ),
        ("GSM", pieces("again-gsm").iter().map(|x| framed(x)).collect(), [70, 100]),
        ("AMR", pieces("again-amr").iter().map(|x| framed(x)).collect(), [25, 75]),
    ];
    let mut failed = false;
    for (name, sounds, floors) in &again {
        let [_, soon, ever] = shares(&lore, sounds);
        println!("{name}: {soon} % within 1.5 s, {ever} % at all");
        failed |= soon < floors[0] || ever < floors[1];
    }
    assert!(!failed, "see above");
    let people: Vec<_> = pieces("agent").iter().map(|x| framed(x)).collect();
    assert_eq!(shares(&lore, &people)[2], 0);
}

#[test]
fn a_changed_word_hides_an_announcement_neither_before_nor_after_it() {
    let recorded = pieces("recorded");
    let with = |word: &[i16], x: &[i16]| {
        let middle = x.len() / 2;
        [&x[..middle], word, &x[middle + 4_000..]].concat()
    };
    let mut found = 0;
    for (n, x) in recorded.iter().enumerate() {
        let other = &recorded[(n + 2) % recorded.len()];
        let lore = taught([&framed(&with(&other[2_000..7_000], x))]);
        let again = with(&other[7_000..12_500], x);
        // The part after the word alone is known, too.
        let after = framed(&again[x.len() / 2 + 5_500..]);
        found += usize::from(shares(&lore, &[framed(&again)])[2] == 100 && shares(&lore, &[after])[2] == 100);
    }
    // What is left after the word is short in some: three of four are known by it alone.
    assert!(found * 4 >= recorded.len() * 3, "{found} of {}", recorded.len());
}

/// Measures the sets of `model/repeat.py`.
#[test]
#[ignore = "a tool of model/"]
fn recall() {
    let root =
        PathBuf::from(std::env::var("REPEAT_DIR").expect("REPEAT_DIR names the folder that repeat.py made"));
    let set = |kind: &PathBuf| -> Vec<Vec<Frame>> {
        let mut files: Vec<_> = std::fs::read_dir(kind).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files.iter().map(|path| frames(path)).collect()
    };
    // As many announcements as a company's lore holds.
    let first = set(&root.join("first"));
    let lore = taught(&first[..40]);
    println!("{:.0} s known of {} announcements", lore.seconds().0, 40);
    let mut kinds: Vec<_> = std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).collect();
    kinds.retain(|kind| kind.is_dir());
    kinds.sort();
    for kind in kinds {
        let mut sounds = set(&kind);
        if kind.file_name().unwrap().to_str().unwrap().starts_with("again") {
            sounds.truncate(40);
        }
        let [soon, later, ever] = shares(&lore, &sounds);
        let name = kind.file_name().unwrap().to_str().unwrap();
        println!("{name}: of {} known within 1 s {soon} %, 1.5 s {later} %, at all {ever} %", sounds.len());
    }
}
