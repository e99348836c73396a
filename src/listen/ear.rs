//! Looks and tones in, one steady answer out: which class of sound there is, and whether a voice is active.

use super::Sound;
use super::classifier::{Classes, classify};
use super::features::Window;
use super::spectrum::{FAINT_DBM0, FLOOR_DBM0, Look, Spectrum};
use super::tones::Tones;
use crate::units::{Frame, Tick};

/// Below this nothing is heard, whatever the class.
const QUIET_DBM0: f32 = -50.0;
/// A pause is so far below the sound around it.
const PAUSE_DB: f32 = 18.0;
/// Frames between two classifications: 100 ms.
const EVERY: u64 = 5;
/// Frames over which the floor is the softest: speech pauses within 1.5 s, steady noise does not.
const FLOOR_FRAMES: usize = 75;
/// Quiet frames that end speech: a pause between sentences is part of it.
const SPEECH_GAP: u32 = 45;
/// Quiet frames that end music: a rest is part of it.
const MUSIC_GAP: u32 = 25;

/// Faint frames after which nothing else is left in the classifier's window.
const FAINT_FRAMES: u32 = super::features::FRAMES as u32;

/// What the ear says after one frame.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The class of sound; `Speech` covers announcements, which only the verdict tells apart.
    pub sound: Sound,
    /// When that class began.
    pub since: Tick,
    /// Smoothed probabilities of the classes.
    pub classes: Classes,
    /// True while something sounds above the floor of the line.
    pub active: bool,
    /// The frame's look, for memory and voice.
    pub look: Look,
}

/// The ear of one leg.
pub struct Ear {
    spectrum: Spectrum,
    tones: Tones,
    window: Window,
    classes: Classes,
    levels: [f32; FLOOR_FRAMES],
    frame: u64,
    /// Faint frames in a row.
    faint: u32,
    loud: f32,
    quiet: u32,
    quiet_since: Tick,
    sound_since: Tick,
    sound: Sound,
    since: Tick,
    rival: Option<(Sound, u32)>,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            spectrum: Spectrum::default(),
            tones: Tones::default(),
            window: Window::default(),
            classes: Classes { noise: 1.0, ..Classes::default() },
            levels: [FLOOR_DBM0; FLOOR_FRAMES],
            frame: 0,
            faint: 0,
            loud: QUIET_DBM0,
            quiet: 0,
            quiet_since: Tick(0),
            sound_since: Tick(0),
            sound: Sound::Silence,
            since: Tick(0),
            rival: None,
        }
    }
}

impl Ear {
    /// Hears the next frame.
    pub fn hear(&mut self, at: Tick, frame: &Frame) -> Moment {
        let look = self.spectrum.look(frame);
        self.window.push(&look);
        let tone = self.tones.hear(at, &look, self.spectrum.recent());
        let active = self.activity(at, &look);
        self.faint = if look.level_dbm0 < FAINT_DBM0 { self.faint.saturating_add(1) } else { 0 };
        if self.faint >= FAINT_FRAMES {
            self.classes = Classes { noise: 1.0, ..Classes::default() };
        } else if self.frame.is_multiple_of(EVERY) {
            self.classify();
        }
        self.frame += 1;
        match tone {
            Some((sound, began)) => self.turn(sound, began),
            None => self.weigh(at),
        }
        Moment { sound: self.sound, since: self.since, classes: self.classes, active, look }
    }

    fn classify(&mut self) {
        let new = classify(&self.window.features());
        let mix = |old: f32, new: f32| old + (new - old) * 0.5;
        let old = &self.classes;
        self.classes = Classes {
            noise: mix(old.noise, new.noise),
            music: mix(old.music, new.music),
            vocals: mix(old.vocals, new.vocals),
            speech: mix(old.speech, new.speech),
            over_music: mix(old.over_music, new.over_music),
            live: mix(old.live, new.live),
        };
    }

    /// Keeps the floor, the loudness and the length of the quiet; true when something sounds.
    fn activity(&mut self, at: Tick, look: &Look) -> bool {
        let level = look.level_dbm0;
        self.levels[(self.frame % FLOOR_FRAMES as u64) as usize] = level;
        let floor = self.levels.iter().fold(0.0_f32, |a, &b| a.min(b));
        // Loudness forgets 3 dB a second: a soft speaker after loud music is heard within seconds.
        self.loud = level.max(self.loud - 0.06).max(QUIET_DBM0);
        let still = level < QUIET_DBM0 || level < (self.loud - PAUSE_DB).min(floor + 10.0);
        if still {
            if self.quiet == 0 {
                self.quiet_since = at;
            }
            self.quiet += 1;
        } else {
            if self.quiet > 0 {
                self.sound_since = at;
            }
            self.quiet = 0;
        }
        !still && level > floor + 6.0
    }

    /// Chooses between silence and the classes of the network, with inertia.
    fn weigh(&mut self, at: Tick) {
        let patience = match self.sound {
            Sound::Speech => SPEECH_GAP,
            Sound::Music => MUSIC_GAP,
            _ => 10,
        };
        if self.quiet >= patience {
            self.turn(Sound::Silence, self.quiet_since);
            return;
        }
        if self.quiet > 3 || !(self.frame - 1).is_multiple_of(EVERY) {
            return;
        }
        let c = &self.classes;
        let voice = c.speech + c.over_music;
        let music = c.music + c.vocals;
        let (best, p) = if voice >= music && voice >= c.noise {
            (Sound::Speech, voice)
        } else if music >= c.noise {
            (Sound::Music, music)
        } else {
            (Sound::Noise, c.noise)
        };
        if best == self.sound {
            self.rival = None;
            return;
        }
        let count = self.rival.filter(|(s, _)| *s == best).map_or(0, |(_, n)| n) + 1;
        self.rival = Some((best, count));
        let needed = match (self.sound, best) {
            (Sound::Silence, Sound::Speech) if p > 0.8 => 1,
            (Sound::Silence, _) => 2,
            (Sound::Noise, Sound::Speech) => 2,
            (Sound::Speech, Sound::Noise) => 6,
            _ => 4,
        };
        if count >= needed && p > 0.5 {
            // The window lags behind the sound by about as much as it needs to be convinced.
            let lag = Tick(at.0.saturating_sub(u64::from(needed) * EVERY + 12));
            let began = if self.sound == Sound::Silence { self.sound_since } else { lag.max(self.since) };
            self.turn(best, began);
        }
    }

    fn turn(&mut self, sound: Sound, since: Tick) {
        self.rival = None;
        if self.sound != sound {
            self.sound = sound;
            self.since = since.max(self.since);
        }
    }
}
