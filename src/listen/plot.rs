//! A picture of what was heard, as SVG: spectrogram, classes, evidence and conclusions above one time line.

use super::evidence::{self, TERMS};
use super::spectrum::MEL_BANDS;
use super::{Heard, Insight, Listener};
use core::fmt::Write;

/// Columns of the picture at most; a longer sound shows the loudest and latest of several frames in one.
const COLUMNS: usize = 900;
/// Shades of the spectrogram.
const SHADES: usize = 8;
/// Heights of the rows, in units of the picture.
const SPECTRUM: f32 = 160.0;
const CLASSES: f32 = 60.0;
const EVIDENCE: f32 = 120.0;
const LEFT: f32 = 70.0;
const WIDTH: f32 = 900.0;
/// Nats at the top of the evidence row; the bottom is its negative.
const NATS: f32 = 8.0;

/// One column: the loudest of each band, and the latest of the rest.
#[derive(Clone, Copy)]
struct Column {
    mel: [i8; MEL_BANDS],
    classes: [f32; 5],
    sum: Option<f32>,
}

/// Gathers what a listener makes of a sound, and draws it.
pub struct Plot {
    columns: Vec<Column>,
    frames: usize,
    /// Frames in one column; doubles when the picture is full.
    each: usize,
    marks: Vec<(f32, Heard)>,
    ring: f32,
}

/// Conclusions drawn at most.
const MARKS: usize = 500;

impl Plot {
    /// An empty picture; `ring` is the sum of evidence that rings.
    pub fn new(ring: f32) -> Self {
        Self { columns: Vec::new(), frames: 0, each: 1, marks: Vec::new(), ring }
    }

    /// Takes what the listener makes of the frame it has just heard.
    pub fn frame(&mut self, listener: &Listener) {
        let Insight { moment, evidence } = listener.insight();
        let Some(moment) = moment else { return };
        let c = moment.classes;
        let column = Column {
            mel: moment.look.mel,
            classes: [c.music, c.vocals, c.over_music, c.speech, c.noise],
            sum: evidence.as_ref().map(evidence::sum),
        };
        match self.columns.last_mut() {
            Some(last) if !self.frames.is_multiple_of(self.each) => last.merge(&column),
            _ => self.columns.push(column),
        }
        self.frames += 1;
        if self.columns.len() > COLUMNS {
            self.halve();
        }
    }

    /// Takes a conclusion.
    pub fn heard(&mut self, heard: &Heard) {
        let (Heard::Sound { at, .. }
        | Heard::Perhaps { at, .. }
        | Heard::Person { at, .. }
        | Heard::Words { at, .. }
        | Heard::Recording { at, .. }
        | Heard::Weighs { at, .. }) = heard;
        if self.marks.len() < MARKS {
            self.marks.push((at.0 as f32 * 0.02, heard.clone()));
        }
    }

    fn halve(&mut self) {
        let merged = |pair: &[Column]| {
            let mut first = pair[0];
            pair[1..].iter().for_each(|c| first.merge(c));
            first
        };
        self.columns = self.columns.chunks(2).map(merged).collect();
        self.each *= 2;
        // The frame that comes next begins a column of its own, wherever the last one ended.
        self.frames = self.columns.len() * self.each;
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let seconds = (self.columns.len() * self.each) as f32 * 0.02;
        let height = SPECTRUM + CLASSES + EVIDENCE + 90.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {height:.0}\" \
             font-family=\"sans-serif\" font-size=\"9\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
            LEFT + WIDTH + 20.0
        );
        let step = WIDTH / self.columns.len().max(1) as f32;
        self.spectrum(&mut svg, step);
        self.classes(&mut svg, step);
        self.evidence(&mut svg, step);
        self.time(&mut svg, seconds);
        self.conclusions(&mut svg, seconds);
        svg.push_str("</svg>\n");
        svg
    }

    /// One path for each shade keeps the file small.
    fn spectrum(&self, svg: &mut String, step: f32) {
        let band = SPECTRUM / MEL_BANDS as f32;
        let shade = |q: i8| (usize::from((i16::from(q) + 126).unsigned_abs()) * SHADES / 253).min(SHADES - 1);
        for s in 1..SHADES {
            let grey = 235 - 230 * s / (SHADES - 1);
            let _ = write!(svg, "<path fill=\"rgb({grey},{grey},{})\" d=\"", (grey + 30).min(240));
            for (i, column) in self.columns.iter().enumerate() {
                for (b, _) in column.mel.iter().enumerate().filter(|(_, q)| shade(**q) == s) {
                    let (x, y) = (LEFT + i as f32 * step, 10.0 + SPECTRUM - (b + 1) as f32 * band);
                    let _ = write!(svg, "M{x:.1} {y:.0}h{step:.2}v{band:.0}h-{step:.2}z");
                }
            }
            svg.push_str("\"/>\n");
        }
        let _ = writeln!(
            svg,
            "<text x=\"4\" y=\"18\">3.8 kHz</text><text x=\"4\" y=\"{:.0}\">100 Hz</text>",
            SPECTRUM + 8.0
        );
    }

    /// The classes' probabilities, stacked.
    fn classes(&self, svg: &mut String, step: f32) {
        const NAMES: [(&str, &str); 5] = [
            ("music", "#4477aa"),
            ("song", "#66ccee"),
            ("speech over music", "#ccbb44"),
            ("speech", "#ee6677"),
            ("noise", "#dddddd"),
        ];
        let top = SPECTRUM + 20.0;
        for (k, (name, colour)) in NAMES.iter().enumerate() {
            let _ = write!(svg, "<path fill=\"{colour}\" d=\"");
            for (i, column) in self.columns.iter().enumerate() {
                let below: f32 = column.classes[..k].iter().sum();
                let (y, h) = (top + below * CLASSES, column.classes[k] * CLASSES);
                if h > 0.3 {
                    let x = LEFT + i as f32 * step;
                    let _ = write!(svg, "M{x:.1} {y:.1}h{step:.2}v{h:.1}h-{step:.2}z");
                }
            }
            let _ = writeln!(
                svg,
                "\"/>\n<text x=\"2\" y=\"{:.0}\" fill=\"{colour}\" font-size=\"7\">{name}</text>",
                top + 8.0 + 12.0 * k as f32
            );
        }
    }

    fn evidence(&self, svg: &mut String, step: f32) {
        let middle = SPECTRUM + CLASSES + 30.0 + EVIDENCE / 2.0;
        let y = |nats: f32| middle - nats.clamp(-NATS, NATS) / NATS * EVIDENCE / 2.0;
        let _ = writeln!(
            svg,
            "<path stroke=\"#bbb\" d=\"M{LEFT} {middle:.0}h{WIDTH}\"/><path stroke=\"#c00\" stroke-dasharray=\"3\" \
             d=\"M{LEFT} {0:.1}h{WIDTH}\"/><text x=\"4\" y=\"{0:.1}\" fill=\"#c00\">rings above</text>",
            y(self.ring)
        );
        svg.push_str("<path stroke=\"#228833\" fill=\"none\" d=\"");
        let mut drawn = false;
        for (i, column) in self.columns.iter().enumerate() {
            if let Some(sum) = column.sum {
                let _ = write!(
                    svg,
                    "{}{:.1} {:.1}",
                    if drawn { 'L' } else { 'M' },
                    LEFT + (i as f32 + 0.5) * step,
                    y(sum)
                );
            }
            drawn = column.sum.is_some();
        }
        let _ = writeln!(svg, "\"/>\n<text x=\"4\" y=\"{:.0}\">evidence</text>", middle + 20.0);
    }

    fn time(&self, svg: &mut String, seconds: f32) {
        let y = SPECTRUM + CLASSES + EVIDENCE + 40.0;
        let step = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0].into_iter().find(|s| seconds / s <= 15.0);
        let step = step.unwrap_or(3_600.0);
        let mut at = 0.0;
        while at <= seconds {
            let x = LEFT + at / seconds.max(0.02) * WIDTH;
            let _ = writeln!(
                svg,
                "<text x=\"{x:.0}\" y=\"{y:.0}\">{}:{:02.0}</text>",
                (at / 60.0) as u32,
                at % 60.0
            );
            at += step;
        }
    }

    /// A mark for each conclusion; the reason appears where the pointer rests on it.
    fn conclusions(&self, svg: &mut String, seconds: f32) {
        let bottom = SPECTRUM + CLASSES + EVIDENCE + 30.0;
        for (at, heard) in &self.marks {
            let (word, colour, reason) = match heard {
                Heard::Sound { .. } | Heard::Weighs { .. } => continue,
                Heard::Perhaps { reason, .. } => ("perhaps", "#aa8800", reason),
                Heard::Person { reason, .. } => ("PERSON", "#cc0000", reason),
                Heard::Recording { reason, .. } => ("recording", "#555555", reason),
                Heard::Words { text, .. } => ("words", "#226688", text),
            };
            let x = LEFT + at / seconds.max(0.02) * WIDTH;
            let y = bottom + if word == "PERSON" { 36.0 } else { 24.0 };
            let _ = writeln!(
                svg,
                "<g fill=\"{colour}\" stroke=\"{colour}\"><title>{reason}</title><path d=\"M{x:.1} 10V{bottom}\" \
                 stroke-width=\"0.7\"/><text x=\"{x:.1}\" y=\"{y}\" stroke=\"none\">{word}</text></g>"
            );
        }
    }
}

impl Column {
    fn merge(&mut self, later: &Self) {
        self.mel.iter_mut().zip(&later.mel).for_each(|(a, b)| *a = (*a).max(*b));
        self.classes = later.classes;
        self.sum = match (self.sum, later.sum) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
    }
}

/// The terms of a sum that say anything, in words: for a table.
pub fn in_words(terms: &[evidence::Term; TERMS]) -> String {
    let mut words = String::new();
    for term in terms.iter().filter(|t| t.nats.abs() >= 0.05) {
        let comma = if words.is_empty() { "" } else { ", " };
        let _ = write!(words, "{comma}{} {:+.1}", term.name, term.nats);
    }
    words
}
