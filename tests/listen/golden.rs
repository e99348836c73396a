//! The classifier's answers for pieces of real sound, as x86-64 gave them: every kind of processor must hear the same.

use hold_slayer::listen::classifier::{Classes, classify};
use hold_slayer::listen::features::Window;
use hold_slayer::listen::spectrum::Spectrum;
use hold_slayer::units::Frame;
use std::fmt::Write;

const PIECES: [&str; 6] =
    ["music-0", "music-3", "agent-human-0", "agent-flite-rms-1", "recorded-hans-1", "recorded-matthew-4"];
/// A line of the file for each half second.
const EVERY: usize = 25;
/// How far a probability may be off: an answer of the network is an octet, and one step of it moves a probability by less.
const TOLERANCE: f32 = 0.03;

fn answers(piece: &str) -> Vec<[f32; 6]> {
    let path = format!("{}/tests/listen/sound/{piece}.ul", env!("CARGO_MANIFEST_DIR"));
    let sound: Vec<i16> =
        std::fs::read(path).unwrap().into_iter().map(audio_codec_algorithms::decode_ulaw).collect();
    let (mut spectrum, mut window) = (Spectrum::default(), Window::default());
    let mut all = Vec::new();
    for (at, frame) in sound.as_chunks::<160>().0.iter().enumerate() {
        window.push(&spectrum.look(&Frame(*frame)));
        if (at + 1) % EVERY == 0 {
            let Classes { noise, music, vocals, speech, over_music, live } = classify(&window.features());
            all.push([noise, music, vocals, speech, over_music, live]);
        }
    }
    all
}

fn loudest(classes: &[f32]) -> usize {
    (0..5).max_by(|a, b| classes[*a].total_cmp(&classes[*b])).unwrap()
}

/// `GOLDEN=write` writes the file anew: on x86-64, when the network is another.
#[test]
fn the_classes_are_those_of_the_golden_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listen/golden/classes.txt");
    let mut text = String::from("# noise music vocals speech over_music live, each half second\n");
    let (mut golden, mut worst, mut lines) = (std::fs::read_to_string(path).unwrap_or_default(), 0.0_f32, 0);
    if std::env::var("GOLDEN").is_ok_and(|wish| wish == "write") {
        for piece in PIECES {
            for classes in answers(piece) {
                let numbers: Vec<String> = classes.iter().map(|p| format!("{p:.4}")).collect();
                writeln!(text, "{piece} {}", numbers.join(" ")).unwrap();
            }
        }
        std::fs::write(path, &text).unwrap();
        golden = text;
    }
    let mut expected = golden.lines().skip(1);
    for piece in PIECES {
        for (half, classes) in answers(piece).iter().enumerate() {
            let line: Vec<&str> = expected.next().expect("a line for each").split(' ').collect();
            assert_eq!(line[0], piece);
            let wanted: Vec<f32> = line[1..].iter().map(|p| p.parse().unwrap()).collect();
            let off = classes.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off <= TOLERANCE, "{piece} at {} ms: {classes:?}, not {wanted:?}", 500 * (half + 1));
            // Where two are alike to a hair neither is wrong.
            let (a, b) = (loudest(classes), loudest(&wanted));
            assert!(
                a == b || (wanted[a] - wanted[b]).abs() <= TOLERANCE,
                "{piece}: {classes:?}, not {wanted:?}"
            );
            (worst, lines) = (worst.max(off), lines + 1);
        }
    }
    assert!(expected.next().is_none() && lines > 60, "{lines}");
    println!("{lines} answers; the farthest off by {worst:.4}");
}
