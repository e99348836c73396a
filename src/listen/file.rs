//! `hold-slayer listen`: the far end's sound of one call from a WAV file, heard by the very listener of `run`.

use super::evidence::{self, Weights};
use super::plot::{Plot, in_words};
use super::words::Language;
use super::words::network::Recogniser;
use super::{Heard, Input, Listener, Settings, classifier};
use crate::units::{FRAME_SAMPLES, Frame, Tick};
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;

/// Frames of silence behind a file's end: a pause ends what is said last.
const WORDS_END: u8 = 50;

/// Why a file could not be listened to. Each says what to do.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be opened or read, or is not a WAV file.
    Unreadable(String),
    /// A WAV file, but not 8 kHz mono 16-bit PCM.
    Format {
        /// What the file holds, in words.
        found: String,
        /// How to convert it.
        convert: String,
    },
    /// What was heard could not be written.
    Output(std::io::Error),
    /// The sound classifier does not run.
    Deaf(String),
    /// The speech recogniser does not run.
    Wordless(String),
}

/// How the conclusions are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line for people.
    Readable,
    /// One JSON object a line.
    Json,
    /// For people, with what the verdict weighs, once a second while it weighs anything.
    Explained,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) | Self::Deaf(why) | Self::Wordless(why) => f.write_str(why),
            Self::Format { found, convert } => {
                write!(f, "found {found}; needed is 8000 Hz mono 16-bit PCM. Convert it with: {convert}")
            }
            Self::Output(why) => write!(f, "cannot write what was heard: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// A recogniser for a file, and what it should expect.
pub struct Words<'a> {
    /// Runs the model.
    pub recogniser: Recogniser<'a>,
    /// What is spoken.
    pub language: Language,
}

/// Listens to the file at `path` as fast as it can and writes one line per change of sound and per conclusion, and with
/// `words` per stretch of speech, in the order of their times: what a sound is turns out only after it has begun.
///
/// # Errors
/// See [`Error`]; what was heard before a fault in the file has been written.
pub fn file(path: &Path, form: Form, words: Option<Words<'_>>, out: &mut impl Write) -> Result<(), Error> {
    let shown = path.display().to_string();
    let (mut second, mut lines) = (0, Vec::new());
    let ended = replay(open(path)?, &shown, words, |listener, at, heard| {
        let line = match (form, heard) {
            (Form::Json, Some(heard)) => json_line(heard),
            (Form::Explained, None) if at.0 >= second => {
                let weighed = weighed_line(listener, at);
                second = at.0 + if weighed.is_some() { 50 } else { 1 };
                weighed
            }
            (_, heard) => heard.map(readable_line),
        };
        lines.extend(line.map(|line| (heard.map_or(at, when), line)));
        Ok(())
    });
    if form == Form::Explained {
        let ring = Weights::new(Settings::default().eagerness).ring();
        let words = format!(
            "What weighs for a person counts up, what weighs against one down (nats); the phone rings at {ring:+.1}."
        );
        writeln!(out, "{words}").map_err(Error::Output)?;
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.iter().try_for_each(|(_, line)| writeln!(out, "{line}")).map_err(Error::Output)?;
    ended.and_then(|()| out.flush().map_err(Error::Output))
}

fn when(heard: &Heard) -> Tick {
    match heard {
        Heard::Sound { at, .. }
        | Heard::Perhaps { at, .. }
        | Heard::Person { at, .. }
        | Heard::Words { at, .. }
        | Heard::Recording { at, .. }
        | Heard::Weighs { at, .. } => *at,
    }
}

/// Listens to the file at `path` and draws what was heard, as SVG.
///
/// # Errors
/// See [`Error`].
pub fn picture(path: &Path) -> Result<String, Error> {
    let mut plot = Plot::new(Weights::new(Settings::default().eagerness).ring());
    replay(open(path)?, &path.display().to_string(), None, |listener, _, heard| {
        match heard {
            Some(heard) => plot.heard(heard),
            None => plot.frame(listener),
        }
        Ok(())
    })?;
    Ok(plot.svg())
}

fn open(path: &Path) -> Result<hound::WavReader<std::io::BufReader<std::fs::File>>, Error> {
    classifier::ready().map_err(Error::Deaf)?;
    let shown = path.display();
    let opened =
        std::fs::File::open(path).map_err(|e| Error::Unreadable(format!("cannot open {shown}: {e}")))?;
    hound::WavReader::new(std::io::BufReader::new(opened)).map_err(|e| {
        Error::Unreadable(format!(
            "{shown} is not a WAV file that can be read ({e}). Convert it with: {}",
            convert(&shown.to_string())
        ))
    })
}

fn convert(name: &str) -> String {
    format!("sox '{name}' -r 8000 -c 1 -b 16 -e signed converted.wav")
}

/// Drives a new listener with the sound of `reader` and hands it to `tell` with each conclusion, and once more without one
/// after each frame. `name` is for messages. Words come as soon as a segment ends, which a real board takes a moment for.
///
/// # Errors
/// [`Error::Format`] before anything is heard, [`Error::Unreadable`] when the data end early, and whatever `tell` returns.
pub fn replay<R: Read>(
    mut reader: hound::WavReader<R>,
    name: &str,
    mut words: Option<Words<'_>>,
    mut tell: impl FnMut(&Listener, Tick, Option<&Heard>) -> Result<(), Error>,
) -> Result<(), Error> {
    let spec = reader.spec();
    let pcm = spec.sample_format == hound::SampleFormat::Int;
    if spec.sample_rate != 8000 || spec.channels != 1 || spec.bits_per_sample != 16 || !pcm {
        let kind = if pcm { "PCM" } else { "floating point" };
        let (rate, channels, bits) = (spec.sample_rate, spec.channels, spec.bits_per_sample);
        return Err(Error::Format {
            found: format!("{rate} Hz, {channels} channel(s), {bits}-bit {kind} in {name}"),
            convert: convert(name),
        });
    }
    let language = words.as_ref().map(|words| words.language);
    let mut listener = Listener::new(Settings { words: language, ..Settings::default() });
    let mut samples = reader.samples::<i16>();
    let mut ended = 0;
    for tick in 0.. {
        let mut frame = Frame::SILENCE;
        let mut filled = 0;
        for (to, sample) in frame.0.iter_mut().zip(&mut samples) {
            *to = sample
                .map_err(|e| Error::Unreadable(format!("{name} is damaged at {} ms: {e}", tick * 20)))?;
            filled += 1;
        }
        // The last words are known once they are over.
        ended += u8::from(filled < FRAME_SAMPLES);
        if ended > WORDS_END || filled == 0 && words.is_none() {
            break;
        }
        listener.handle(Input::Frame(Tick(tick), &frame));
        if let Some((segment, words)) = listener.segment().zip(words.as_mut()) {
            let said = words.recogniser.hear(&segment.samples, words.language).map_err(Error::Wordless)?;
            if let Some(said) = said {
                listener.handle(Input::Words { from: segment.from, to: segment.to, said: &said });
            }
        }
        while let Some(heard) = listener.poll() {
            tell(&listener, Tick(tick), Some(&heard))?;
        }
        tell(&listener, Tick(tick), None)?;
    }
    Ok(())
}

fn hundredths(x: f32) -> f64 {
    (f64::from(x) * 100.0).round() / 100.0
}

/// One JSON line for a change of sound or a conclusion.
fn json_line(heard: &Heard) -> Option<String> {
    let value = match heard {
        Heard::Sound { at, sound, confidence } => serde_json::json!({
            "at_ms": at.as_millis(), "event": "sound", "sound": sound, "confidence": hundredths(*confidence)}),
        Heard::Person { at, confidence, reason } => serde_json::json!({
            "at_ms": at.as_millis(), "event": "person", "confidence": hundredths(*confidence), "reason": reason}),
        Heard::Perhaps { at, confidence, reason } => serde_json::json!({
            "at_ms": at.as_millis(), "event": "perhaps", "confidence": hundredths(*confidence), "reason": reason}),
        Heard::Recording { at, reason } => serde_json::json!({
            "at_ms": at.as_millis(), "event": "recording", "reason": reason}),
        Heard::Words { at, text } => serde_json::json!({
            "at_ms": at.as_millis(), "event": "words", "text": text}),
        Heard::Weighs { .. } => return None,
    };
    serde_json::to_string(&value).ok()
}

fn clock(at: &Tick) -> String {
    let ms = at.as_millis();
    format!("{:>3}:{:04.1}", ms / 60_000, (ms % 60_000) as f64 / 1000.0)
}

/// What the verdict weighs at this moment, if anything.
fn weighed_line(listener: &Listener, at: Tick) -> Option<String> {
    let evidence = listener.insight().evidence?;
    let (sum, terms) = (evidence::sum(&evidence), evidence::terms(&evidence));
    Some(format!("{}     weighs {sum:+.1}: {}", clock(&at), in_words(&terms)))
}

fn readable_line(heard: &Heard) -> String {
    match heard {
        Heard::Sound { at, sound, confidence } => {
            format!("{}  {} ({:.0} %)", clock(at), format!("{sound:?}").to_lowercase(), confidence * 100.0)
        }
        Heard::Perhaps { at, reason, .. } => format!("{}  perhaps a person, greeted: {reason}", clock(at)),
        Heard::Person { at, confidence, reason } => {
            format!("{}  PERSON, the phone rings ({:.0} % sure): {reason}", clock(at), confidence * 100.0)
        }
        Heard::Recording { at, reason } => format!("{}  a recording after all: {reason}", clock(at)),
        Heard::Weighs { at, weighs } => {
            format!("{}     weighs {:+.1}", clock(at), weighs.as_ref().map_or(0.0, |w| w.sum))
        }
        Heard::Words { at, text } => format!("{}  \"{text}\"", clock(at)),
    }
}
