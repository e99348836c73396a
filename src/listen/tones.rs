//! Tones of the network: which lines sound, and in what cadence. ITU-T E.180 Supplement 2, BT SIN 350, ITU-T Q.23.
//!
//! The tables of countries differ in frequency more than in shape, so the lines are put in four groups and the cadence
//! decides: 400–475 Hz alone or in pairs is ringback when it is long, busy when it is short and repeats.

use super::Sound;
use super::spectrum::{FLOOR_DBM0, Lines, Look};
use crate::dsp::detect::Dtmf;
use crate::units::{Digit, Tick};

/// Frames in so many milliseconds.
const fn frames(ms: u32) -> u32 {
    ms / 20
}

/// Groups of lines that mean the same in every country.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// 350+440: dial tone of the United States and the United Kingdom.
    Dial,
    /// 480+620: busy and congestion of North America.
    Busy,
    /// 400–475 Hz, one line or two close ones: the rest of the world, and every ringback.
    Progress,
    /// The lines of the special information tone.
    Special,
    /// Any other single line.
    Other,
}

/// Share of power that the lines must carry: noise 10 dB below leaves 0.91.
const SHARE: f32 = 0.8;
/// Weakest tone that is looked at.
const WEAKEST_DBM0: f32 = -48.0;
/// A tone that stays on longer than any ringback is a dial tone.
const LONGEST_RING: u32 = frames(2_800);
/// A shorter burst belongs to busy, congestion, or call waiting.
const SHORTEST_RING: u32 = frames(800);
/// Longest pause in a ringback, Austria's and Sweden's 5 s with its tolerance.
const RING_PAUSE: u32 = frames(6_000);
/// Longest pause in a busy or congestion cadence, Sweden's 0.75 s with its tolerance.
const BUSY_PAUSE: u32 = frames(920);
/// Sounds other than the tone must go on this long in its pause to end it.
const OTHER: u32 = 5;
/// A tone that is neither ringback nor busy is told for so long after it.
const STANDS: u32 = frames(1_100);

#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    on: u32,
    off: u32,
}

/// Follows the tones of one leg.
pub struct Tones {
    dtmf: Dtmf,
    key: Option<Digit>,
    key_frames: u32,
    key_misses: u32,
    line: Option<Line>,
    started: u32,
    past: [Burst; 3],
    state: Option<(Sound, Tick)>,
    /// Level before the tone that begins.
    before_dbm0: f32,
    levels: [f32; 6],
}

impl Default for Tones {
    fn default() -> Self {
        Self {
            dtmf: Dtmf::default(),
            key: None,
            key_frames: 0,
            key_misses: 0,
            line: None,
            started: 0,
            past: [Burst::default(); 3],
            state: None,
            before_dbm0: FLOOR_DBM0,
            levels: [FLOOR_DBM0; 6],
        }
    }
}

/// A burst of tone that goes on, or the pause after it.
#[derive(Clone, Copy, Debug)]
struct Line {
    kind: Kind,
    hz: f32,
    began: Tick,
    on: u32,
    off: u32,
    misses: u32,
    level: f32,
    /// Newest last: those at the end of a burst are not the tone's own.
    recent: [f32; 3],
    loudest: f32,
    softest: f32,
    floor: f32,
    other: u32,
    after_quiet: bool,
}

impl Tones {
    /// What the tones say after this frame, and since when. `sound` is the newest 40 ms, full scale 1.
    pub fn hear(&mut self, at: Tick, look: &Look, sound: &[f32]) -> Option<(Sound, Tick)> {
        if let Some(began) = self.key_pressed(at, look, sound) {
            self.line = None;
            return Some((Sound::Dtmf, began));
        }
        match self.line {
            None => self.line = self.seek(at, look),
            Some(line) => self.follow(at, look, line),
        }
        self.levels.rotate_left(1);
        self.levels[5] = look.level_dbm0;
        self.state
    }

    fn key_pressed(&mut self, at: Tick, look: &Look, sound: &[f32]) -> Option<Tick> {
        // The block before the newest, which lies well within the long window of the lines: speech has other lines.
        let candidate = look.lines.level_dbm0 > WEAKEST_DBM0 && look.lines.share > 0.5;
        let half = sound.len() / 2;
        let key = if candidate { self.dtmf.key(&sound[..half]) } else { None };
        match key {
            Some(key) if self.key == Some(key) => {
                self.key_frames += 1;
                self.key_misses = 0;
            }
            Some(_) => (self.key, self.key_frames, self.key_misses) = (key, 1, 0),
            None => {
                self.key_misses += 1;
                if self.key_misses > 1 {
                    (self.key, self.key_frames) = (None, 0);
                }
            }
        }
        // ITU-T Q.24: 40 ms must be accepted; two frames in a row are the least that speech does not imitate.
        (self.key_frames >= 2).then(|| Tick(at.0.saturating_sub(u64::from(self.key_frames) + 1)))
    }

    /// No tone yet: four frames in a row on one line begin a burst.
    fn seek(&mut self, at: Tick, look: &Look) -> Option<Line> {
        let Some(kind) = kind(look, None) else {
            self.started = 0;
            return None;
        };
        if self.started == 0 {
            // The newest of these frames may hold the tone's beginning already.
            self.before_dbm0 = self.levels[..4].iter().sum::<f32>() / 4.0;
        }
        self.started += 1;
        if self.started < 4 {
            return None;
        }
        self.started = 0;
        let level = look.lines.level_dbm0;
        Some(Line {
            kind,
            hz: look.lines.first_hz,
            began: Tick(at.0.saturating_sub(5)),
            on: 5,
            off: 0,
            misses: 0,
            level,
            recent: [level; 3],
            loudest: level,
            softest: level,
            floor: level,
            other: 0,
            after_quiet: self.before_dbm0 < level - 8.0,
        })
    }

    fn follow(&mut self, at: Tick, look: &Look, mut line: Line) {
        let goes_on = kind(look, Some(line.kind)).is_some_and(|k| k == line.kind && same(&line, &look.lines));
        if line.off == 0 {
            self.started = 0;
            self.sounding(look, &mut line, goes_on);
        } else if goes_on && look.lines.level_dbm0 > line.level - 8.0 {
            self.started = 0;
            self.again(at, &mut line);
        } else if let Some(next) = self.seek(at, look) {
            // Another tone: the special information tone climbs, and begins again.
            self.past = [Burst::default(); 3];
            line = next;
        } else {
            self.pausing(look, &mut line);
        }
        self.line = self.judge(line);
    }

    fn sounding(&mut self, look: &Look, line: &mut Line, goes_on: bool) {
        line.on += 1;
        if goes_on {
            line.misses = 0;
            let level = look.lines.level_dbm0;
            line.level += (level - line.level) * 0.1;
            if line.on > 10 {
                line.loudest = line.loudest.max(line.recent[0]);
                line.softest = line.softest.min(line.recent[0]);
            }
            line.recent = [line.recent[1], line.recent[2], level];
            return;
        }
        line.misses += 1;
        // Japan's ringback is modulated.
        if line.misses >= if line.kind == Kind::Progress { 4 } else { 3 } {
            line.on = line.on.saturating_sub(line.misses);
            line.off = line.misses;
            line.floor = look.level_dbm0;
            line.other = u32::from(look.level_dbm0 > line.level - 5.0) * line.misses;
        }
    }

    /// The same tone after a pause: one cadence more.
    fn again(&mut self, at: Tick, line: &mut Line) {
        self.past.rotate_left(1);
        self.past[2] = Burst { on: line.on, off: line.off };
        let level = line.level;
        *line = Line {
            began: Tick(at.0.saturating_sub(1)),
            on: 1,
            off: 0,
            misses: 0,
            other: 0,
            recent: [level; 3],
            loudest: level,
            softest: level,
            after_quiet: true,
            ..*line
        };
    }

    fn pausing(&self, look: &Look, line: &mut Line) {
        line.off += 1;
        line.floor = line.floor.min(look.level_dbm0);
        let loud = look.level_dbm0 > line.floor + 10.0 && look.level_dbm0 > WEAKEST_DBM0;
        let unlike = look.level_dbm0 > line.level - 5.0;
        line.other = if loud || unlike { line.other + 1 } else { line.other.saturating_sub(1) };
    }

    /// Decides the state, and whether the burst is worth following on.
    fn judge(&mut self, line: Line) -> Option<Line> {
        let flat = line.loudest - line.softest < 4.0;
        let short = |b: &Burst| b.on >= 4 && b.on < SHORTEST_RING && b.off >= 4 && b.off <= BUSY_PAUSE;
        if line.off == 0 {
            let named = match line.kind {
                Kind::Dial if line.on >= frames(400) && flat => Some(Sound::Tone),
                Kind::Busy if line.on >= frames(200) => Some(Sound::Busy),
                Kind::Special if line.on >= frames(240) && flat && line.after_quiet => Some(Sound::Tone),
                Kind::Other if line.on >= frames(400) && flat && line.after_quiet => Some(Sound::Tone),
                Kind::Other if line.on >= frames(2_000) && flat => Some(Sound::Tone),
                Kind::Progress if line.on > LONGEST_RING => Some(Sound::Tone),
                Kind::Progress if line.on >= SHORTEST_RING && line.after_quiet => Some(Sound::Ringback),
                Kind::Progress if short(&self.past[1]) && short(&self.past[2]) && self.even() => {
                    Some(Sound::Busy)
                }
                _ => None,
            };
            let interrupted = named == Some(Sound::Ringback) && self.interrupted_dial();
            self.name(if interrupted { Some(Sound::Tone) } else { named }, line.began);
            return Some(line);
        }
        let spoken_over = line.other >= OTHER;
        let patience = match self.state {
            Some((Sound::Ringback, _)) => RING_PAUSE,
            Some((Sound::Busy, _)) => BUSY_PAUSE + frames(200),
            _ => frames(2_400),
        };
        if line.off == frames(900) && line.kind == Kind::Progress && !spoken_over {
            self.long_pause(&line);
        } else if line.off == 5 && self.state.is_none() && !spoken_over && line.after_quiet && flat {
            self.name(self.is_call_waiting(&line).then_some(Sound::Tone), line.began);
        }
        if matches!(self.state, Some((Sound::Tone, _))) && line.off > STANDS {
            self.state = None;
        }
        if spoken_over || line.off > patience {
            self.state = None;
            self.past = [Burst::default(); 3];
            return None;
        }
        Some(line)
    }

    /// Bursts of busy and congestion are alike, the more so when they all but touch: Italy's dial tone has 0.2 and 0.6 s,
    /// its call waiting 0.4, 0.25 and 0.15 s.
    fn even(&self) -> bool {
        let [_, a, b] = &self.past;
        a.on.abs_diff(b.on) < if a.off.min(b.off) > 6 { 14 } else { 5 }
    }

    /// Italy's dial tone has bursts of 0.2 and 0.6 s, Australia's number-unobtainable 2.5 s on and 0.5 s off.
    fn interrupted_dial(&self) -> bool {
        let b = self.past[2];
        b.on >= frames(1_600) && b.off < frames(800)
    }

    /// A short burst that has just ended and is no word: one at 425 Hz; Belgium's pair at 1400 Hz.
    fn is_call_waiting(&self, line: &Line) -> bool {
        let before = &self.past[2];
        match line.kind {
            Kind::Progress => line.on >= 5,
            Kind::Special => line.on >= 6 && before.on.abs_diff(line.on) < 4 && before.off < frames(280),
            _ => false,
        }
    }

    /// A pause too long for busy. United Kingdom, Australia: 0.4 on, 0.2 off, 0.4 on, 2.0 off is ringback.
    fn long_pause(&mut self, line: &Line) {
        let twin = self.past[2].on.abs_diff(line.on) <= 5 && self.past[2].off < frames(320);
        if (frames(280)..frames(560)).contains(&line.on) && twin {
            self.name(Some(Sound::Ringback), line.began);
        }
    }

    fn name(&mut self, sound: Option<Sound>, began: Tick) {
        if let Some(sound) = sound
            && self.state.is_none_or(|(s, _)| s != sound)
        {
            self.state = Some((sound, began));
        }
    }
}

/// The group that this frame's lines belong to. A burst that goes on keeps its group on weaker evidence.
fn kind(look: &Look, current: Option<Kind>) -> Option<Kind> {
    let lines = &look.lines;
    // Japan's ringback is modulated, and noise fills its troughs.
    let needed = if current.is_some() { SHARE - 0.25 } else { SHARE };
    if lines.share < needed || lines.level_dbm0 < WEAKEST_DBM0 {
        return None;
    }
    let (low, high) = if lines.second_hz == 0.0 || lines.first_hz < lines.second_hz {
        (lines.first_hz, lines.second_hz)
    } else {
        (lines.second_hz, lines.first_hz)
    };
    let near = |hz: f32, wanted: f32| (hz - wanted).abs() < wanted * 0.022;
    let special = || [900.0, 950.0, 1400.0, 1450.0, 1800.0, 1850.0].iter().any(|&w| near(lines.first_hz, w));
    let found = match (low, high) {
        (l, h) if near(l, 350.0) && near(h, 440.0) => Kind::Dial,
        (l, h) if near(l, 480.0) && near(h, 620.0) => Kind::Busy,
        (l, h) if (385.0..485.0).contains(&l) && (h < 545.0) => Kind::Progress,
        // A weak second line beside a strong first one is noise or a harmonic of a worn codec.
        _ if current == Some(Kind::Progress) && (385.0..485.0).contains(&lines.first_hz) => Kind::Progress,
        _ if special() => Kind::Special,
        (_, 0.0) => Kind::Other,
        _ => return None,
    };
    Some(found)
}

/// A tone does not glide: a sung or played note that does is refused.
fn same(line: &Line, lines: &Lines) -> bool {
    let close = |hz: f32| (hz - line.hz).abs() < line.hz * 0.03 + 4.0;
    match line.kind {
        Kind::Dial | Kind::Busy | Kind::Progress => true,
        Kind::Special | Kind::Other => close(lines.first_hz),
    }
}
