//! One burst of lines, and what tells a generator's from a note, a vowel or a whistle.

use super::super::spectrum::{Lines, Look};
use super::frames;
use crate::units::Tick;

/// Groups of lines that mean the same in every country.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// 350+440: dial tone of the United States and the United Kingdom.
    Dial,
    /// 480+620: busy and congestion of North America.
    Busy,
    /// 400–475 Hz, one line or two close ones: the rest of the world, and every ringback.
    Progress,
    /// The lines of the special information tone.
    Special,
    /// What fax machines and modems call and answer with, ITU-T T.30 and V.25, Bell 103.
    Modem,
}

/// ITU-T E.180: the special information tone, with Austria's and Belgium's.
const SPECIAL_HZ: [f32; 6] = [900.0, 950.0, 1400.0, 1450.0, 1800.0, 1850.0];
const MODEM_HZ: [f32; 3] = [1100.0, 2100.0, 2225.0];
/// Share of power that the lines must carry in a frame: noise 10 dB below leaves 0.9, GSM 0.7 of high lines.
pub const SHARE: f32 = 0.7;
/// The same while the tone goes on.
const SHARE_ON: f32 = 0.5;
/// Weakest tone that is looked at: -40 dBm0, of which GSM takes more than 10 dB above 2 kHz.
pub const WEAKEST_DBM0: f32 = -56.0;
/// A frame so far below its burst is none of it: noise may lie 10 dB below.
pub const BELOW_DB: f32 = 6.0;
/// A generator begins so far above what was before: noise may lie 10 dB below.
const RISE_DB: f32 = 7.0;
/// Frames in a row that end a burst: a modulated tone has two in its troughs.
pub const END: u32 = 3;
/// Frames of quiet before a beep.
pub const QUIET: u32 = 20;
/// Shortest burst that may be ringing. A shorter one belongs to busy, congestion, or call waiting.
pub const SHORTEST_RING: u32 = frames(800);
/// Longest pause in a busy or congestion cadence, Sweden's 0.75 s with its tolerance.
pub const BUSY_PAUSE: u32 = frames(920);

impl Kind {
    /// The group that this frame's lines belong to. A burst that goes on keeps its group on weaker evidence.
    pub fn of(look: &Look, current: Option<Self>) -> Option<Self> {
        let lines = &look.lines;
        let needed = if current.is_some() { SHARE_ON } else { SHARE };
        if lines.share < needed || lines.level_dbm0 < WEAKEST_DBM0 {
            return None;
        }
        let (low, high) = if lines.second_hz == 0.0 || lines.first_hz < lines.second_hz {
            (lines.first_hz, lines.second_hz)
        } else {
            (lines.second_hz, lines.first_hz)
        };
        // What goes on may bend for a moment.
        let (one, pair) = if current.is_some() { (0.03, 0.08) } else { (0.024, 0.04) };
        let near = |hz: f32, wanted: f32, width: f32| (hz - wanted).abs() < wanted * width;
        let one_of = |wanted: &[f32]| wanted.iter().any(|&w| near(lines.first_hz, w, one));
        let progress = 385.0..490.0;
        Some(match (low, high) {
            (l, h) if near(l, 350.0, pair) && near(h, 440.0, pair) => Self::Dial,
            (l, h) if near(l, 480.0, pair) && near(h, 620.0, pair) => Self::Busy,
            (l, h) if progress.contains(&lines.first_hz) && l > progress.start && h < 545.0 => Self::Progress,
            // A weak second line beside a strong first one is noise or a harmonic of a worn codec.
            _ if current == Some(Self::Progress) && progress.contains(&lines.first_hz) => Self::Progress,
            _ if one_of(&SPECIAL_HZ) => Self::Special,
            _ if one_of(&MODEM_HZ) => Self::Modem,
            _ => return None,
        })
    }
}

/// What the lines of a burst are like, without its first and last frames, whose windows hold its edges.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    count: f32,
    share: f32,
    hz: f32,
    level: f32,
    /// Mean distance of the pitch, Hz, and of the level, dB, from their means.
    bend: f32,
    sway: f32,
    /// Mean change of the level from frame to frame, dB.
    step: f32,
    /// The newest, which may hold the end.
    newest: Lines,
    /// Frames to come whose windows reach before the burst.
    skip: u32,
    /// The loudest window: of a burst shorter than two windows there is no other measure.
    best: Lines,
    /// Frames that are as pure, as high and as loud as the one before them.
    steady: u32,
    first_steady: Lines,
}

impl Shape {
    fn add(&mut self, lines: &Lines) {
        self.steady += 1;
        let first = &self.first_steady;
        let near = (lines.first_hz - first.first_hz).abs() < 3.0
            && (lines.level_dbm0 - first.level_dbm0).abs() < 1.0;
        if !near || lines.share < 0.97 {
            (self.first_steady, self.steady) = (*lines, 0);
        }
        let old = core::mem::replace(&mut self.newest, *lines);
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.count += 1.0;
        let mean = |mean: &mut f32, x: f32| *mean += (x - *mean) / self.count;
        mean(&mut self.share, old.share);
        mean(&mut self.hz, old.first_hz);
        mean(&mut self.level, old.level_dbm0);
        mean(&mut self.bend, (old.first_hz - self.hz).abs());
        mean(&mut self.sway, (old.level_dbm0 - self.level).abs());
        mean(&mut self.step, (lines.level_dbm0 - old.level_dbm0).abs());
    }

    fn see(&mut self, lines: &Lines) {
        // Silence has no lines, and no level of theirs.
        let first = self.best.share == 0.0;
        if lines.share > 0.0 && (first || lines.level_dbm0 > self.best.level_dbm0) {
            self.best = *lines;
        }
    }

    fn purity(&self) -> f32 {
        if self.count >= 2.0 { self.share } else { self.best.share }
    }

    fn pitch(&self) -> f32 {
        if self.count >= 2.0 { self.hz } else { self.best.first_hz }
    }
}

/// A burst of tone that goes on, or the pause after it.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Its group.
    pub kind: Kind,
    /// When it began.
    pub began: Tick,
    /// Frames that it has sounded.
    pub on: u32,
    /// Frames of pause since; 0 while it sounds.
    pub off: u32,
    /// Frames in a row that are no tone, or softer.
    low: u32,
    level: f32,
    /// Level of what was before it.
    before: f32,
    /// Frames of quiet before it and its like.
    alone: u32,
    shape: Shape,
    /// Softest frame of the pause.
    floor: f32,
    /// Frames of the pause in which something else sounds, less those in which nothing does.
    pub other: u32,
}

impl Burst {
    /// Begins where the level rose. `levels` are those of the frames up to now, newest last.
    pub fn begin(kind: Kind, at: Tick, look: &Look, level: f32, levels: &[f32]) -> Self {
        let on = loud_for(level, levels);
        let before = levels.get(..levels.len().saturating_sub(on + 1)).unwrap_or_default();
        let alone = before.iter().rev().take_while(|&&l| l < level - 5.0).count() as u32;
        let last = &before[before.len().saturating_sub(4)..];
        Self {
            kind,
            began: Tick(at.0.saturating_sub(on as u64 - 1)),
            on: on as u32,
            off: 0,
            low: 0,
            level,
            before: last.iter().sum::<f32>() / last.len().max(1) as f32,
            alone,
            shape: Shape { newest: look.lines, best: look.lines, ..Shape::default() },
            floor: level,
            other: 0,
        }
    }

    /// The same tone after its pause.
    pub fn again(&self, at: Tick) -> Self {
        Self {
            began: Tick(at.0.saturating_sub(1)),
            on: 2,
            off: 0,
            low: 0,
            before: self.floor,
            alone: if self.off < QUIET { self.alone } else { self.off },
            shape: Shape { skip: 3, ..Shape::default() },
            other: 0,
            ..*self
        }
    }

    /// Another tone on the heels of this one is as far from what was before.
    pub fn followed_by(&self, next: Self) -> Self {
        Self { before: self.before, alone: self.alone, ..next }
    }

    /// This frame is of the tone; `named`, if ringing or a tone was told of.
    pub fn holds(&self, look: &Look, named: bool) -> bool {
        Kind::of(look, Some(self.kind)) == Some(self.kind) && !self.elsewhere(&look.lines)
            || named && self.worn(look)
    }

    /// This frame is as loud as the tone.
    pub fn loud(&self, look: &Look) -> bool {
        look.level_dbm0 > self.level - BELOW_DB
    }

    /// The tone sounds again in its pause: its window is as loud as its frame.
    pub fn resumes(&self, look: &Look) -> bool {
        self.loud(look) && look.lines.level_dbm0 > self.level - BELOW_DB
    }

    /// The next frame of a burst that sounds. `tone`: it is of this tone.
    pub fn sound(&mut self, look: &Look, tone: bool) {
        let loud = self.loud(look);
        self.on += 1;
        self.shape.see(&look.lines);
        if tone && loud {
            self.low = 0;
            self.level += (look.lines.level_dbm0 - self.level) * 0.1;
            self.shape.add(&look.lines);
            return;
        }
        self.low += 1;
        if self.low >= END {
            self.on = self.on.saturating_sub(self.low);
            self.off = self.low;
            self.floor = look.level_dbm0;
            self.other = if loud { self.low } else { 0 };
        }
    }

    /// The next frame of the pause. `rival`: it may become a tone, and is no other sound yet.
    pub fn pause(&mut self, look: &Look, rival: bool) {
        self.off += 1;
        self.floor = self.floor.min(look.level_dbm0);
        let loud = look.level_dbm0 > self.floor + 10.0 && look.level_dbm0 > WEAKEST_DBM0;
        let unlike = look.level_dbm0 > self.level - 5.0;
        self.other =
            if loud || unlike { self.other + u32::from(!rival) } else { self.other.saturating_sub(1) };
    }

    /// What only a generator makes: it begins at once, and holds its pitch and level.
    pub fn made(&self) -> bool {
        let s = &self.shape;
        let (share, bend, sway) = match self.kind {
            Kind::Dial => (0.8, 60.0, 2.2),
            Kind::Busy => (0.8, 100.0, 2.2),
            Kind::Progress => (0.8, 8.0, 2.2),
            Kind::Special | Kind::Modem => (0.74, 0.007 * s.hz + 2.0, 3.2),
        };
        let pure = s.count == 0.0 || s.share > share && s.bend < bend;
        // A note swells and dies; what a codec makes of a tone trembles from frame to frame.
        let slack = if self.kind == Kind::Special { 1.0 } else { 0.4 };
        // Japan's ringback is modulated by 16 Hz.
        let modulated = self.kind == Kind::Progress && s.step > 3.4 && s.sway < 4.0;
        let flat = s.sway < slack + 0.9 * s.step && (s.sway < sway || modulated);
        self.level - self.before > RISE_DB && pure && flat || self.certain()
    }

    /// So steady for so long that nothing else makes it, even on the heels of music.
    fn certain(&self) -> bool {
        self.shape.steady >= frames(600)
    }

    /// The line was quiet before it for a tenth of a second.
    pub fn out_of_quiet(&self) -> bool {
        self.alone >= frames(100) || self.certain()
    }

    /// The same of a burst that has ended: pure, on one pitch, begun and ended at once, its level may have swayed. AMR does that.
    pub fn cut(&self) -> bool {
        let s = &self.shape;
        let edges = self.level - self.before > 12.0 && self.off > 0 && self.level - self.floor > 12.0;
        edges && s.purity() > 0.95 && s.bend < 2.0 && s.sway < 2.6
    }

    /// Made, out of quiet, on a line that only these tones have, and gone on for so many frames.
    pub fn known(&self, frames: f32) -> bool {
        let wanted = match self.kind {
            Kind::Special => &SPECIAL_HZ[..],
            Kind::Modem => &MODEM_HZ,
            _ => &[],
        };
        let near = |&hz: &f32| (self.shape.hz - hz).abs() < hz * 0.018;
        let right = wanted.is_empty() || wanted.iter().any(near);
        self.made() && self.alone >= QUIET / 2 && self.shape.count >= frames && right
    }

    /// The special information tone's bursts last a third of a second.
    pub fn third(&self) -> bool {
        self.kind == Kind::Special && (12..=22).contains(&self.on) && self.known(2.0)
    }

    /// A short burst that is no word: the line is quiet before and after it, or it comes a second time.
    pub fn beep(&self, before: &Past) -> bool {
        let s = &self.shape;
        let (count, share) = if self.like(before) { (0.0, 0.78) } else { (3.0, 0.86) };
        let pure = s.count >= count && s.purity() > share && s.bend < 4.0;
        self.alone >= QUIET && pure && self.made() && self.level - self.floor > RISE_DB
    }

    /// The same once more, of any length.
    pub fn like(&self, before: &Past) -> bool {
        let level = (before.level - self.level).abs() < 4.0;
        before.made && level && (before.hz - self.shape.pitch()).abs() < 0.01 * before.hz + 2.0
    }

    /// Climbs to this line, as the special information tone does.
    pub fn climbs_to(&self, next: &Self, lines: &Lines) -> bool {
        next.kind == Kind::Special && lines.first_hz > self.shape.hz
    }

    /// Another line of the same group.
    pub fn elsewhere(&self, lines: &Lines) -> bool {
        let hz = if self.shape.count > 0.0 { self.shape.hz } else { self.shape.newest.first_hz };
        let single = matches!(self.kind, Kind::Special | Kind::Modem);
        single && hz > 0.0 && (lines.first_hz - hz).abs() > hz * 0.03 + 4.0
    }

    /// A tone that a codec of mobile networks has taken for noise: the level holds, and the lines blur.
    fn worn(&self, look: &Look) -> bool {
        let lines = &look.lines;
        let near = self.off == 0 && self.kind == Kind::Progress && (340.0..560.0).contains(&lines.first_hz);
        near && lines.share > 0.4 && (look.level_dbm0 - self.level).abs() < 4.0
    }

    /// What is kept of it when it is over.
    pub fn over(&self) -> Past {
        Past {
            on: self.on,
            off: self.off.saturating_sub(1),
            level: self.level,
            hz: self.shape.pitch(),
            made: (self.made() || self.cut()) && self.shape.purity() > SHARE,
        }
    }
}

/// Frames since the level rose, of which some may be troughs of a modulated tone.
fn loud_for(level: f32, levels: &[f32]) -> usize {
    /// A tone is found four frames after it began, or, where a codec or noise blurs it, so many later.
    const LATEST: usize = 16;
    let (mut on, mut low) = (4, 0);
    for (age, &past) in levels.iter().rev().enumerate().take(LATEST) {
        low = if past > level - BELOW_DB { 0 } else { low + 1 };
        if low == END {
            break;
        }
        if low == 0 {
            on = on.max(age + 1);
        }
    }
    on
}

/// A burst that is over, and the pause after it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    /// Frames that it sounded.
    pub on: u32,
    /// Frames of pause.
    pub off: u32,
    level: f32,
    hz: f32,
    /// As a generator makes it.
    pub made: bool,
}

impl Past {
    /// This and the next are of busy or congestion: alike, the more so when they all but touch. Italy's dial tone has 0.2 and
    /// 0.6 s, its call waiting 0.4, 0.25 and 0.15 s.
    pub fn pairs(&self, next: &Self) -> bool {
        let short =
            |b: &Self| b.made && b.on >= 4 && b.on < SHORTEST_RING && b.off >= 4 && b.off <= BUSY_PAUSE;
        let alike = (self.level - next.level).abs() < 4.0 && (self.hz - next.hz).abs() < 8.0;
        let apart = self.off.min(next.off) > 6;
        alike && short(self) && short(next) && self.on.abs_diff(next.on) < if apart { 14 } else { 5 }
    }
}
