//! Tones of the network: which lines sound, and in what cadence. ITU-T E.180 Supplement 2, BT SIN 350, ITU-T Q.23.
//!
//! The tables of countries differ in frequency more than in shape, so the lines are put in five groups and the cadence
//! decides: 400–475 Hz alone or in pairs is ringback when it is long, busy when it is short and repeats. A tone is told from
//! a note, a vowel or a whistle by what a generator does and they do not: it begins and ends at once, out of the line's own
//! noise, and holds its pitch and its level between. Codecs of mobile networks bend the level but leave the lines.

mod burst;
mod keys;

use super::Sound;
use super::spectrum::{FLOOR_DBM0, Look};
use crate::units::Tick;
use burst::{BUSY_PAUSE, Burst, END, Kind, Past, SHORTEST_RING};
use keys::Keys;

/// Frames in so many milliseconds.
const fn frames(ms: u32) -> u32 {
    ms / 20
}

/// A tone that stays on longer than any ringback is a dial tone.
const LONGEST_RING: u32 = frames(2_800);
/// Longest pause in a ringback, Austria's and Sweden's 5 s with its tolerance.
const RING_PAUSE: u32 = frames(6_000);
/// Longest pause between two beeps that are the same tone, the United Kingdom's 4 s with its tolerance.
const BEEP_PAUSE: u32 = frames(4_800);
/// Longest pause after anything else.
const PAUSE: u32 = frames(2_400);
/// Sounds other than the tone must go on this long in its pause to end it.
const OTHER: u32 = 5;
/// A tone that is neither ringback nor busy is told for so long after it.
const STANDS: u32 = frames(1_100);
/// Frames of quiet after a beep.
const QUIET_AFTER: u32 = 12;
/// Frames whose levels are kept.
const LEVELS: usize = 40;

/// Follows the tones of one leg.
pub struct Tones {
    keys: Keys,
    burst: Option<Burst>,
    /// The group that may begin, its frames so far, and their level.
    rival: Option<(Kind, u32, f32)>,
    past: [Past; 3],
    state: Option<(Sound, Tick)>,
    /// Of the last frames, newest last.
    levels: [f32; LEVELS],
}

impl Default for Tones {
    fn default() -> Self {
        Self {
            keys: Keys::default(),
            burst: None,
            rival: None,
            past: [Past::default(); 3],
            state: None,
            levels: [FLOOR_DBM0; LEVELS],
        }
    }
}

impl Tones {
    /// What the tones say after this frame, and since when. `sound` is the newest 40 ms, full scale 1.
    pub fn hear(&mut self, at: Tick, look: &Look, sound: &[f32]) -> Option<(Sound, Tick)> {
        self.levels.rotate_left(1);
        self.levels[LEVELS - 1] = look.level_dbm0;
        if let Some(began) = self.keys.hear(at, look, sound, &self.levels) {
            self.burst = None;
            return Some((Sound::Dtmf, began));
        }
        self.burst = match self.burst {
            None => self.seek(at, look),
            Some(burst) => self.follow(at, look, burst),
        };
        self.state
    }

    /// No tone yet: four frames in a row in the same group begin a burst.
    fn seek(&mut self, at: Tick, look: &Look) -> Option<Burst> {
        let Some(kind) = Kind::of(look, None) else {
            self.rival = None;
            return None;
        };
        let now = look.lines.level_dbm0;
        // The first window holds what was before, too.
        let (count, level) = match self.rival.filter(|r| r.0 == kind) {
            None => (1, now),
            Some((_, 1, _)) => (2, now),
            Some((_, n, level)) => (n + 1, (level + now) / 2.0),
        };
        if count < 4 {
            self.rival = Some((kind, count, level));
            return None;
        }
        self.rival = None;
        Some(Burst::begin(kind, at, look, level, &self.levels))
    }

    fn follow(&mut self, at: Tick, look: &Look, mut burst: Burst) -> Option<Burst> {
        let told = matches!(self.state, Some((Sound::Ringback | Sound::Tone, _)));
        let tone = burst.holds(look, told);
        if burst.off == 0 {
            self.rival = None;
            burst.sound(look, tone);
        } else if tone && burst.resumes(look) {
            // The same tone after a pause: one cadence more.
            self.rival = None;
            self.past = [self.past[1], self.past[2], burst.over()];
            burst = burst.again(at);
        } else if let Some(next) =
            self.seek(at, look).filter(|n| n.kind != burst.kind || burst.elsewhere(&look.lines))
        {
            burst = self.another(look, &burst, next);
        } else {
            burst.pause(look, self.rival.is_some());
        }
        self.judge(burst)
    }

    /// Another tone: the special information tone climbs, and begins again.
    fn another(&mut self, look: &Look, burst: &Burst, next: Burst) -> Burst {
        self.past = [Past::default(); 3];
        if burst.third() && burst.climbs_to(&next, &look.lines) {
            self.name(Some(Sound::Tone), burst.began);
        }
        if burst.made() && burst.off < 3 * END {
            return burst.followed_by(next);
        }
        self.state = None;
        next
    }

    /// Decides the state, and whether the burst is worth following on.
    fn judge(&mut self, burst: Burst) -> Option<Burst> {
        if burst.off == 0 {
            let named = self.sounding(&burst);
            self.name(named, burst.began);
            return Some(burst);
        }
        let spoken_over = burst.other >= OTHER;
        let patience = match self.state {
            Some((Sound::Ringback, _)) => RING_PAUSE,
            Some((Sound::Busy, _)) => BUSY_PAUSE + frames(200),
            _ if burst.made() => BEEP_PAUSE,
            _ => PAUSE,
        };
        if spoken_over || burst.off > patience {
            self.state = None;
            self.past = [Past::default(); 3];
            return None;
        }
        if burst.off == END && self.rang(&burst) || burst.off == frames(900) && self.twins(&burst) {
            self.name(Some(Sound::Ringback), burst.began);
        } else if burst.off == QUIET_AFTER && self.state.is_none() && self.is_call_waiting(&burst) {
            self.name(Some(Sound::Tone), burst.began);
        }
        if matches!(self.state, Some((Sound::Tone, _))) && burst.off > STANDS {
            self.state = None;
        }
        Some(burst)
    }

    /// What a burst is while it sounds.
    fn sounding(&self, burst: &Burst) -> Option<Sound> {
        let long = burst.kind == Kind::Progress && burst.on > LONGEST_RING;
        if long && matches!(self.state, Some((Sound::Ringback, _))) {
            return Some(Sound::Tone);
        }
        if !burst.made() {
            return None;
        }
        let [_, a, b] = &self.past;
        match burst.kind {
            Kind::Dial | Kind::Modem if burst.on >= frames(400) && burst.known(8.0) => Some(Sound::Tone),
            Kind::Busy if burst.on >= 5 && b.made => Some(Sound::Busy),
            Kind::Progress if long || self.interrupted_dial() => Some(Sound::Tone),
            Kind::Progress if burst.on >= SHORTEST_RING && burst.out_of_quiet() => Some(Sound::Ringback),
            Kind::Progress if burst.on >= 5 && a.pairs(b) => Some(Sound::Busy),
            _ => None,
        }
    }

    /// Australia's number-unobtainable is 2.5 s on and 0.5 s off: no ringing pauses so briefly.
    fn interrupted_dial(&self) -> bool {
        let b = self.past[2];
        b.on >= frames(1_600) && b.off < frames(800)
    }

    /// A short burst that has ended: one at 425 Hz; Belgium's pair at 1400 Hz; Spain's 950 Hz. One of a tenth of a second is
    /// told from a word at its second.
    fn is_call_waiting(&self, burst: &Burst) -> bool {
        let before = &self.past[2];
        let twice = burst.like(before) && before.on.abs_diff(burst.on) < 4;
        burst.beep(before)
            && match burst.kind {
                Kind::Progress => burst.on >= 6 || burst.on >= 2 && twice,
                Kind::Special => burst.third() || burst.on >= 6 && twice && before.off < frames(280),
                _ => false,
            }
    }

    /// A burst as long as a ring's, whose level swayed and which ended at once.
    fn rang(&self, burst: &Burst) -> bool {
        let long = (SHORTEST_RING..LONGEST_RING).contains(&burst.on);
        burst.kind == Kind::Progress && long && burst.cut() && !self.interrupted_dial()
    }

    /// A pause too long for busy. United Kingdom, Australia: 0.4 on, 0.2 off, 0.4 on, 2.0 off is ringback.
    fn twins(&self, burst: &Burst) -> bool {
        let before = &self.past[2];
        let alike = burst.made() && burst.like(before) && before.on.abs_diff(burst.on) <= 5;
        let short = (frames(280)..frames(560)).contains(&burst.on) && before.off < frames(320);
        burst.kind == Kind::Progress && alike && short
    }

    fn name(&mut self, sound: Option<Sound>, began: Tick) {
        if let Some(sound) = sound
            && self.state.is_none_or(|(s, _)| s != sound)
        {
            self.state = Some((sound, began));
        }
    }
}
