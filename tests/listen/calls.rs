//! Whole calls put together from a few pieces, with floors for each figure: a regression of the ear fails here.

use crate::country::Noise;
use hold_slayer::listen::{Heard, Input, Listener, Settings, Sound};
use hold_slayer::sounds::Prompt;
use hold_slayer::units::{Frame, Tick};
use std::f32::consts::TAU;

pub const SECOND: usize = 8000;

/// The pieces whose names begin so, in order of their names.
pub fn pieces(kind: &str) -> Vec<Vec<i16>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listen/sound");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.file_name().unwrap().to_str().unwrap().starts_with(kind));
    paths.sort();
    let decode = |p| std::fs::read(p).unwrap().into_iter().map(audio_codec_algorithms::decode_ulaw).collect();
    paths.into_iter().map(decode).collect()
}

/// A call and the truth about it.
#[derive(Default)]
struct Call {
    sound: Vec<i16>,
    truth: Vec<(usize, usize, Sound)>,
    agent: usize,
    answer: Vec<i16>,
}

impl Call {
    fn add(&mut self, piece: &[i16], what: Sound, gain: f32) {
        self.truth.push((self.sound.len(), self.sound.len() + piece.len(), what));
        self.sound.extend(piece.iter().map(|&x| (f32::from(x) * gain) as i16));
    }

    fn quiet(&mut self, seconds: f32, noise: &mut Noise) {
        let n = (seconds * SECOND as f32) as usize;
        let hiss: Vec<i16> = (0..n).map(|_| (noise.bell() * 12.0) as i16).collect();
        self.add(&hiss, Sound::Silence, 1.0);
    }
}

/// Calls of both recorded voices over all music and with every agent: ringing, a greeting, music with announcements, half
/// of them heard before, the agent, who waits for an answer.
fn calls() -> Vec<Call> {
    let (music, agents) = (pieces("music"), pieces("agent"));
    let recorded = [pieces("recorded-matthew"), pieces("recorded-hans")];
    let ring: Vec<i16> = (0..2 * SECOND)
        .map(|i| {
            let t = i as f32 / SECOND as f32;
            (((TAU * 440.0 * t).sin() + (TAU * 480.0 * t).sin()) * 2000.0) as i16
        })
        .collect();
    let mut noise = Noise(7);
    let compose = |(k, agent): (usize, &Vec<i16>)| {
        let mut call = Call::default();
        let (voice, tune) = (&recorded[k % 2], &music[k % music.len()]);
        let mut between = |low: f32, high: f32| low + (high - low) * noise.uniform();
        let (soft, gains) = (between(0.4, 1.0), [between(0.3, 1.0), between(0.5, 1.0)]);
        let gaps: Vec<f32> = (0..9).map(|_| between(0.1, 0.5)).collect();
        call.quiet(1.0, &mut noise);
        call.add(&ring, Sound::Ringback, 1.0);
        call.quiet(2.5, &mut noise);
        call.add(&voice[k % voice.len()], Sound::Announcement, soft);
        for n in 0..4 {
            call.quiet(gaps[2 * n], &mut noise);
            call.add(tune, Sound::Music, gains[0]);
            call.quiet(gaps[2 * n + 1], &mut noise);
            // The second and the fourth were heard before.
            call.add(&voice[(k + 1 + n / 2) % voice.len()], Sound::Announcement, soft);
        }
        call.quiet(gaps[8], &mut noise);
        call.add(tune, Sound::Music, gains[0]);
        call.quiet(0.6, &mut noise);
        call.agent = call.sound.len() / 160;
        call.add(agent, Sound::Speech, gains[1]);
        call.quiet(7.0, &mut noise);
        call.answer = agents[(k + 1) % agents.len()].clone();
        call
    };
    agents.iter().enumerate().map(compose).collect()
}

#[derive(Debug, Default)]
struct Figures {
    calls: usize,
    hours: f64,
    missed: usize,
    false_rings: usize,
    /// Milliseconds from the agent's first sound to Perhaps and to Person.
    perhaps: Vec<u64>,
    person: Vec<u64>,
}

impl Figures {
    fn p50(values: &[u64]) -> u64 {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(u64::MAX)
    }
}

/// Hears all calls. With `greets` the box speaks for two seconds at every perhaps, and the agent, alone of all voices,
/// stops for it and then answers.
fn hear(greets: bool) -> Figures {
    hear_as(greets, Settings::default())
}

fn hear_as(greets: bool, settings: Settings) -> Figures {
    let mut figures = Figures::default();
    for call in calls() {
        let frames = |s: &[i16]| s.as_chunks::<160>().0.iter().map(|c| Frame(*c)).collect::<Vec<_>>();
        let mut sound = frames(&call.sound);
        let mut listener = Listener::new(settings.clone());
        let (mut greeting, mut rung, mut hoped) = (0, None, None);
        for n in 0.. {
            let Some(frame) = sound.get(n).copied() else { break };
            listener.handle(Input::Frame(Tick(n as u64), &frame));
            match greeting {
                0 => {}
                1 => listener.handle(Input::Speaking(false)),
                100 => {
                    listener.handle(Input::Speaking(true));
                    if n > call.agent {
                        sound.truncate(n + 25);
                        sound.resize(n + 130, Frame::SILENCE);
                        sound.extend(frames(&call.answer));
                        sound.resize(sound.len() + 200, Frame::SILENCE);
                    }
                }
                _ => {}
            }
            greeting -= usize::from(greeting > 0);
            while let Some(heard) = listener.poll() {
                match heard {
                    Heard::Perhaps { .. } => {
                        if n > call.agent {
                            hoped.get_or_insert(n);
                        }
                        if greets && greeting == 0 {
                            greeting = 105;
                        }
                    }
                    Heard::Person { .. } if n < call.agent => figures.false_rings += 1,
                    Heard::Person { .. } => rung = rung.or(Some(n)),
                    _ => {}
                }
            }
        }
        let late = |n: usize| (n - call.agent) as u64 * 20;
        figures.calls += 1;
        figures.hours += sound.len() as f64 / 180_000.0;
        figures.missed += usize::from(rung.is_none_or(|n| late(n) > 6_000));
        figures.person.extend(rung.map(late));
        figures.perhaps.extend(hoped.map(late));
    }
    println!("greets {greets}: {figures:?}");
    figures
}

#[test]
fn agents_are_caught_without_a_word_of_ours() {
    let f = hear(false);
    assert!(f.missed * 10 <= f.calls, "{f:?}");
    assert!(f.false_rings as f64 <= 6.0 * f.hours, "{f:?}");
    assert!(Figures::p50(&f.person) <= 4_000, "{f:?}");
}

#[test]
fn the_knob_trades_false_rings_for_agents() {
    let (careful, eager) = (
        hear_as(false, Settings { eagerness: 0.2, ..Settings::default() }),
        hear_as(false, Settings { eagerness: 0.8, ..Settings::default() }),
    );
    assert!(eager.missed <= careful.missed && eager.false_rings >= careful.false_rings);
    assert!(Figures::p50(&eager.person) < Figures::p50(&careful.person), "{careful:?} {eager:?}");
}

#[test]
fn a_greeting_finds_out() {
    let f = hear(true);
    assert_eq!(f.missed, 0, "{f:?}");
    assert!(f.false_rings as f64 <= 3.0 * f.hours, "{f:?}");
    assert!(Figures::p50(&f.perhaps) <= 1_100, "{f:?}");
    assert!(Figures::p50(&f.person) <= 2_600, "{f:?}");
}

#[test]
fn music_and_voices_are_told_apart() {
    let (mut right, mut all) = ([0_u32; 2], [0_u32; 2]);
    for call in calls() {
        let mut listener = Listener::new(Settings::default());
        let mut sound = Sound::Silence;
        for (n, c) in call.sound.as_chunks::<160>().0.iter().enumerate() {
            listener.handle(Input::Frame(Tick(n as u64), &Frame(*c)));
            while let Some(heard) = listener.poll() {
                if let Heard::Sound { sound: s, .. } = heard {
                    sound = s;
                }
            }
            // From the second half second of each piece on.
            let now = call.truth.iter().find(|(from, to, _)| (from + 6_400..*to).contains(&(n * 160)));
            match now.map(|t| t.2) {
                Some(Sound::Music) => {
                    all[0] += 1;
                    right[0] += u32::from(sound == Sound::Music);
                }
                Some(Sound::Speech | Sound::Announcement) => {
                    all[1] += 1;
                    right[1] += u32::from(matches!(sound, Sound::Speech | Sound::Announcement));
                }
                _ => {}
            }
        }
    }
    println!("music {} of {}, voices {} of {}", right[0], all[0], right[1], all[1]);
    assert!(right[0] * 100 >= all[0] * 95, "{right:?} of {all:?}");
    assert!(right[1] * 100 >= all[1] * 95, "{right:?} of {all:?}");
}

#[test]
fn the_same_sound_gives_the_same_conclusions() {
    let call = &calls()[0];
    let hear = || {
        let mut listener = Listener::new(Settings::default());
        let mut all = Vec::new();
        for (n, c) in call.sound.as_chunks::<160>().0.iter().enumerate() {
            listener.handle(Input::Frame(Tick(n as u64), &Frame(*c)));
            all.extend(std::iter::from_fn(|| listener.poll()));
        }
        all
    };
    assert_eq!(hear(), hear());
}

#[test]
fn gaps_and_repeats_in_ticks_do_no_harm() {
    let mut listener = Listener::new(Settings::default());
    for at in [0, 1, 1, 0, 50, 1_000_000, 1_000_001, u64::MAX - 1] {
        listener.handle(Input::Frame(Tick(at), &Frame([3000; 160])));
        listener.handle(Input::Speaking(at % 2 == 0));
        listener.handle(Input::WasRecording);
        while listener.poll().is_some() {}
    }
}

/// What a listener says to these pieces of sound, one after the other; after `Person` the owner says it was a recording.
fn persons(listener: &mut Listener, at: &mut u64, sound: &[i16], teach: bool) -> usize {
    let mut persons = 0;
    for c in sound.as_chunks::<160>().0 {
        listener.handle(Input::Frame(Tick(*at), &Frame(*c)));
        *at += 1;
        while let Some(heard) = listener.poll() {
            if matches!(heard, Heard::Person { .. }) {
                persons += 1;
                if teach {
                    listener.handle(Input::WasRecording);
                }
            }
        }
    }
    persons
}

#[test]
fn the_owner_teaches_and_music_takes_a_ring_back() {
    let (music, agent) = (&pieces("music")[0], &pieces("agent-human")[0]);
    let pause = vec![0; 2 * SECOND];
    let (mut listener, mut at) = (Listener::new(Settings::default()), 0);
    assert_eq!(persons(&mut listener, &mut at, music, true), 0);
    assert_eq!(
        persons(&mut listener, &mut at, &[&agent[..], &pause].concat(), true),
        1,
        "rings, and is told off"
    );
    assert_eq!(persons(&mut listener, &mut at, music, true), 0);
    assert_eq!(persons(&mut listener, &mut at, &[&agent[..], &pause].concat(), true), 0, "knows it now");

    let mut listener = Listener::new(Settings::default());
    let sound = [&music[..], agent, &pause, music].concat();
    let mut taken_back = false;
    for (n, c) in sound.as_chunks::<160>().0.iter().enumerate() {
        listener.handle(Input::Frame(Tick(n as u64), &Frame(*c)));
        let heard: Vec<_> = std::iter::from_fn(|| listener.poll()).collect();
        taken_back |=
            heard.iter().any(|h| matches!(h, Heard::Recording { reason, .. } if reason.contains("music")));
    }
    assert!(taken_back);
}

#[test]
fn who_talks_on_past_the_greeting_is_asked_again_or_rung_for_when_he_waits() {
    let (music, human) = (&pieces("music")[0], pieces("agent-human"));
    let mut found = 0;
    for agent in &human {
        // Without a breath: the sentence twice.
        let sound = [&music[..], agent, agent, &vec![0; 5 * SECOND]].concat();
        let (mut listener, mut greeting) = (Listener::new(Settings::default()), 0);
        let (end, mut again) = ((music.len() + 2 * agent.len()) / 160, false);
        for (n, c) in sound.as_chunks::<160>().0.iter().enumerate() {
            listener.handle(Input::Frame(Tick(n as u64), &Frame(*c)));
            greeting -= i32::from(greeting > 0);
            match greeting {
                100 => listener.handle(Input::Speaking(true)),
                1 => listener.handle(Input::Speaking(false)),
                _ => {}
            }
            while let Some(heard) = listener.poll() {
                match heard {
                    Heard::Perhaps { .. } if n < end => greeting = 101,
                    Heard::Perhaps { .. } | Heard::Person { .. } => again = true,
                    _ => {}
                }
            }
        }
        found += usize::from(again);
    }
    assert!(found * 8 >= human.len() * 7, "{found} of {}", human.len());
}

/// The line gives our own greeting back, 20 dB down, as a hybrid does: the agent who has stopped for it does not speak on.
#[test]
fn our_own_echo_is_not_taken_for_a_voice_that_talks_on() {
    let (music, agents) = (&pieces("music")[0], pieces("agent"));
    let greeting: Vec<i16> =
        Prompt::Greet.samples().iter().map(|b| audio_codec_algorithms::decode_ulaw(*b)).collect();
    let echo: Vec<[i16; 160]> = greeting.as_chunks::<160>().0.iter().map(|c| c.map(|x| x / 10)).collect();
    let mut found = 0;
    for (k, agent) in agents.iter().enumerate() {
        let mut sound: Vec<[i16; 160]> = [&music[..], agent, agent].concat().as_chunks::<160>().0.to_vec();
        let (mut listener, mut began, mut person) = (Listener::new(Settings::default()), None, false);
        for n in 0.. {
            let Some(frame) = sound.get(n) else { break };
            listener.handle(Input::Frame(Tick(n as u64), &Frame(*frame)));
            if began.is_some_and(|at| n == at + echo.len()) {
                listener.handle(Input::Speaking(false));
            }
            while let Some(heard) = listener.poll() {
                match heard {
                    Heard::Perhaps { .. } if began.is_none() && n > music.len() / 160 => {
                        began = Some(n);
                        listener.handle(Input::Speaking(true));
                        // Half a second more of him, and then the echo alone; he answers a second after its end.
                        sound.truncate(n + 25);
                        sound.resize(n + echo.len() + 50, [0; 160]);
                        let heard = sound[n..].iter_mut().zip(&echo);
                        heard.for_each(|(s, e)| (0..160).for_each(|i| s[i] = s[i].saturating_add(e[i])));
                        sound.extend(agents[(k + 1) % agents.len()].as_chunks::<160>().0);
                        sound.resize(sound.len() + 100, [0; 160]);
                    }
                    Heard::Person { .. } => person = true,
                    _ => {}
                }
            }
        }
        found += usize::from(person);
    }
    assert!(found * 10 >= agents.len() * 8, "{found} of {}", agents.len());
}
