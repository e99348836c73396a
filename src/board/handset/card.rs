//! The edge: a sound card through ALSA, 20 ms at a time.
//!
//! Who plays and records here is paced by the box's own clock, not by the card's. So some 40 ms lie in the card's buffer in
//! each direction, and where its clock runs faster or slower one sample of a frame is left out or doubled now and then: at
//! 100 ppm in one frame of three at 48 kHz, which nobody hears.

use crate::dsp::resample::{Down, MOST, Up};
use crate::units::{FRAME_SAMPLES, Frame};
use alsa::ctl::Ctl;
use alsa::pcm::{Access, Format, HwParams, PCM, State};
use alsa::{Direction, ValueOr, card};
use core::cmp::Ordering;
use nix::errno::Errno;

/// Rates that whole factors lead to, the usual ones of cards first.
pub const RATES: [u32; 3] = [48_000, 16_000, 8_000];
/// What a card's buffer may hold, and how often it tells, µs.
const BUFFER_US: u32 = 160_000;
const PERIOD_US: u32 = 10_000;
/// How much lies in it, in frames of 20 ms; and what has piled up.
const CUSHION: i64 = 2;
const PILED: i64 = 5;
/// The longest frame, with the sample that is doubled.
const LONGEST: usize = FRAME_SAMPLES * MOST + 1;

/// The card is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Whether sound was lost: the card had nothing left to play, or no room left to record into. It goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// No.
    Nothing,
    /// Yes.
    Sound,
}

/// One direction of a card that is open.
struct Stream {
    pcm: PCM,
    /// Times 8 kHz.
    factor: usize,
    /// Samples that its buffer holds.
    buffer: i64,
    samples: [i16; LONGEST],
    octets: [u8; 2 * LONGEST],
}

/// What plays.
pub struct Speaker {
    stream: Stream,
    up: Up,
}

/// What records.
pub struct Microphone {
    stream: Stream,
    down: Down,
    /// The cushion is not there yet.
    filling: bool,
}

impl Stream {
    fn open(device: &str, direction: Direction, rate: Option<u32>) -> Result<Self, String> {
        let why = |error: alsa::Error| explain(device, error);
        let pcm = PCM::new(&find(device)?, direction, true).map_err(why)?;
        let rate = set(&pcm, rate).map_err(why)?.ok_or_else(|| {
            format!("the sound card \"{device}\" works at none of 8, 16 and 48 kHz: name it by plughw: instead of hw:")
        })?;
        let buffer = pcm.hw_params_current().and_then(|params| params.get_buffer_size()).map_err(why)?;
        let factor = usize::try_from(rate / 8_000).unwrap_or(1).clamp(1, MOST);
        let stream = Self { pcm, factor, buffer, samples: [0; LONGEST], octets: [0; 2 * LONGEST] };
        let begin = |params: &alsa::pcm::SwParams<'_>| params.set_start_threshold(CUSHION * stream.frame());
        let soft = stream.pcm.sw_params_current();
        soft.and_then(|params| begin(&params).and_then(|()| stream.pcm.sw_params(&params))).map_err(why)?;
        Ok(stream)
    }

    /// Samples of 20 ms.
    const fn frame(&self) -> i64 {
        (FRAME_SAMPLES * self.factor) as i64
    }

    /// Ready for a frame: whether it was at rest, and whether it rests because the machine was late.
    fn ready(&self) -> Result<(bool, Lost), Gone> {
        let lost = match self.pcm.state() {
            State::Running | State::Draining => return Ok((false, Lost::Nothing)),
            State::Prepared => return Ok((true, Lost::Nothing)),
            State::Disconnected => return Err(Gone),
            State::XRun => Lost::Sound,
            _ => Lost::Nothing,
        };
        self.pcm.prepare().map(|()| (true, lost)).map_err(|_| Gone)
    }

    /// Goes on after an error: the buffer ran empty or over, or the machine slept.
    fn recover(&self, error: alsa::Error) -> Result<Lost, Gone> {
        if error.errno() == Errno::EAGAIN as i32 {
            return Ok(Lost::Nothing);
        }
        self.pcm.try_recover(error, true).map(|()| Lost::Sound).map_err(|_| Gone)
    }

    /// Plays the first `count` samples, or as many as there is room for.
    fn write(&mut self, count: usize) -> Result<Lost, Gone> {
        for (pair, sample) in self.octets.chunks_exact_mut(2).zip(self.samples).take(count) {
            pair.copy_from_slice(&sample.to_ne_bytes());
        }
        let octets = self.octets.get(..2 * count).unwrap_or_default();
        let written = self.pcm.io_bytes().writei(octets);
        written.map_or_else(|error| self.recover(error), |_| Ok(Lost::Nothing))
    }

    /// Records `count` samples; says how many came.
    fn read(&mut self, count: usize) -> Result<(usize, Lost), Gone> {
        let octets = self.octets.get_mut(..2 * count).unwrap_or_default();
        let read = self.pcm.io_bytes().readi(octets);
        let read = match read {
            Ok(read) => read,
            Err(error) => return self.recover(error).map(|lost| (0, lost)),
        };
        for (sample, pair) in self.samples.iter_mut().zip(self.octets.chunks_exact(2)).take(read) {
            *sample = <[u8; 2]>::try_from(pair).map_or(0, i16::from_ne_bytes);
        }
        Ok((read, Lost::Nothing))
    }

    fn is_there(&self) -> bool {
        self.pcm.state() != State::Disconnected
    }

    /// Where a level of the buffer stands beside the cushion; half a frame more or less is as it should be.
    fn beside(&self, level: i64) -> Ordering {
        let (frame, off) = (self.frame(), level - CUSHION * self.frame());
        if off.abs() * 2 <= frame { Ordering::Equal } else { off.cmp(&0) }
    }
}

impl Speaker {
    /// Opens a card to play on. The error is for its owner.
    ///
    /// # Errors
    /// There is no such card, it is in use, or it may not be opened.
    pub fn open(device: &str, rate: Option<u32>) -> Result<Self, String> {
        let stream = Stream::open(device, Direction::Playback, rate)?;
        Ok(Self { up: Up::new(stream.factor), stream })
    }

    /// Plays a frame, after silence that makes the cushion if it was at rest.
    ///
    /// # Errors
    /// The card is gone.
    pub fn play(&mut self, frame: &Frame) -> Result<Lost, Gone> {
        let stream = &mut self.stream;
        let (mut rest, mut lost) = stream.ready()?;
        let queued = match stream.pcm.avail() {
            Ok(room) => stream.buffer - room,
            Err(error) => {
                lost = stream.recover(error)?;
                rest = true;
                0
            }
        };
        let own = FRAME_SAMPLES * stream.factor;
        if rest {
            stream.samples.fill(0);
            for _ in 0..CUSHION {
                stream.write(own)?;
            }
        } else if queued > PILED * stream.frame() {
            return Ok(lost);
        }
        self.up.frame(frame, stream.samples.get_mut(..own).unwrap_or_default());
        let count = match stream.beside(queued) {
            _ if rest => own,
            Ordering::Greater => own - 1,
            Ordering::Equal => own,
            Ordering::Less => {
                stream.samples[own] = stream.samples[own - 1];
                own + 1
            }
        };
        match stream.write(count)? {
            Lost::Sound => Ok(Lost::Sound),
            Lost::Nothing => Ok(lost),
        }
    }

    /// Nothing is played until the next frame.
    pub fn rest(&self) {
        let _ = self.stream.pcm.drop();
    }

    /// False: it has been unplugged.
    pub fn is_there(&self) -> bool {
        self.stream.is_there()
    }

    /// What it plays at, Hz.
    pub const fn rate(&self) -> u32 {
        self.stream.factor as u32 * 8_000
    }
}

impl Microphone {
    /// Opens a card to record from. The error is for its owner.
    ///
    /// # Errors
    /// There is no such card, it is in use, or it may not be opened.
    pub fn open(device: &str, rate: Option<u32>) -> Result<Self, String> {
        let stream = Stream::open(device, Direction::Capture, rate)?;
        Ok(Self { down: Down::new(stream.factor), stream, filling: true })
    }

    /// The next frame; silence until the cushion is there.
    ///
    /// # Errors
    /// The card is gone.
    pub fn record(&mut self) -> Result<(Frame, Lost), Gone> {
        let stream = &mut self.stream;
        let (rest, mut lost) = stream.ready()?;
        if rest {
            let _ = stream.pcm.start();
            self.filling = true;
        }
        let mut there = match stream.pcm.avail() {
            Ok(there) => there,
            Err(error) => {
                lost = stream.recover(error)?;
                let _ = stream.pcm.start();
                self.filling = true;
                0
            }
        };
        let own = FRAME_SAMPLES * stream.factor;
        while there > PILED * stream.frame() {
            let (read, _) = stream.read(own)?;
            there = if read == 0 { 0 } else { (there - read as i64).min(2 * PILED * stream.frame()) };
        }
        self.filling &= there < CUSHION * stream.frame();
        if self.filling || there < stream.frame() {
            self.filling = true;
            return Ok((Frame::SILENCE, lost));
        }
        let count = match stream.beside(there) {
            Ordering::Less => own - 1,
            Ordering::Equal => own,
            Ordering::Greater => own + 1,
        };
        let (read, again) = stream.read(count)?;
        if again == Lost::Sound {
            return Ok((Frame::SILENCE, again));
        }
        if read == own - 1 {
            stream.samples[own - 1] = stream.samples[own - 2];
        }
        Ok((self.down.frame(stream.samples.get(..own.min(read.max(own - 1) + 1)).unwrap_or_default()), lost))
    }

    /// Nothing is recorded until the next frame.
    pub fn rest(&self) {
        let _ = self.stream.pcm.drop();
    }

    /// False: it has been unplugged.
    pub fn is_there(&self) -> bool {
        self.stream.is_there()
    }
}

/// Mono, 16 bits, at a rate that the card does by itself if it can; says which. `None`: at none of ours.
fn set(pcm: &PCM, rate: Option<u32>) -> alsa::Result<Option<u32>> {
    let params = HwParams::any(pcm)?;
    params.set_access(Access::RWInterleaved)?;
    params.set_format(Format::s16())?;
    params.set_channels(1)?;
    let wanted = |one: &u32| rate.is_none_or(|rate| rate == *one);
    params.set_rate_resample(false)?;
    let own = RATES.into_iter().filter(wanted).find(|one| params.test_rate(*one).is_ok());
    // ALSA converts what the card cannot do, less well than we would.
    params.set_rate_resample(own.is_none())?;
    let rate = own.or(rate).unwrap_or(RATES[0]);
    params.set_rate(rate, ValueOr::Nearest)?;
    params.set_buffer_time_near(BUFFER_US, ValueOr::Nearest)?;
    params.set_period_time_near(PERIOD_US, ValueOr::Nearest)?;
    pcm.hw_params(&params)?;
    Ok((params.get_rate()? == rate).then_some(rate))
}

/// ALSA's name of a card that is called so: by its id or its name, which stay the same wherever it is plugged in. What has a
/// colon, and `null`, is ALSA's own name already.
fn find(device: &str) -> Result<String, String> {
    if device.contains(':') || device == "null" || device == "default" {
        return Ok(device.to_owned());
    }
    let mut others = Vec::new();
    for card in card::Iter::new().flatten() {
        let info = match Ctl::from_card(&card, false).and_then(|ctl| ctl.card_info()) {
            Ok(info) => info,
            Err(error) => {
                others.push(format!("one that may not be asked ({})", plain(error.errno())));
                continue;
            }
        };
        let (id, name) = (info.get_id().unwrap_or_default(), info.get_name().unwrap_or_default());
        if [id, name].contains(&device) {
            return Ok(format!("plughw:CARD={id}"));
        }
        others.push(format!("{id} ({name})"));
    }
    Err(match others.is_empty() {
        true => format!("no sound card is called \"{device}\", and there is no other"),
        false => format!("no sound card is called \"{device}\"; there are: {}", others.join(", ")),
    })
}

fn explain(device: &str, error: alsa::Error) -> String {
    format!("the sound card \"{device}\" {}", plain(error.errno()))
}

fn plain(errno: i32) -> String {
    match Errno::from_raw(errno) {
        Errno::ENOENT | Errno::ENODEV | Errno::ENXIO => "is not there".to_owned(),
        Errno::EBUSY => "is in use by another program".to_owned(),
        Errno::EACCES | Errno::EPERM => "may not be opened: the box must be in the group audio".to_owned(),
        other => format!("does not work: {}", other.desc()),
    }
}

/// ALSA says what it does not find on the terminal, unless it is told not to. For this thread.
pub fn hush() {
    drop(alsa::Output::local_error_handler());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_card_that_is_not_there_is_named() {
        hush();
        let told = find("No Such Handset").unwrap_err();
        assert!(told.starts_with("no sound card is called \"No Such Handset\""), "{told}");
        let told = Speaker::open("hw:CARD=NoSuchHandset", None).err().unwrap();
        assert!(told.starts_with("the sound card \"hw:CARD=NoSuchHandset\""), "{told}");
    }

    /// ALSA's `tee` on its `null` writes what is played into a file; it is not paced.
    #[test]
    fn what_is_played_at_each_rate_is_in_the_file() {
        hush();
        let folder = std::env::temp_dir().join(format!("hold-slayer-card-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for rate in RATES {
            let out = folder.join(rate.to_string());
            let mut speaker = match Speaker::open(&format!("tee:null,{},raw", out.display()), Some(rate)) {
                Ok(speaker) => speaker,
                Err(why) => panic!("{why}"),
            };
            assert_eq!(speaker.rate(), rate);
            for _ in 0..50 {
                assert_eq!(speaker.play(&Frame([5_000; FRAME_SAMPLES])), Ok(Lost::Nothing));
            }
            drop(speaker);
            let bytes = std::fs::read(&out).unwrap();
            let played: Vec<i16> =
                bytes.chunks_exact(2).map(|pair| i16::from_ne_bytes(pair.try_into().unwrap())).collect();
            let loud = played.iter().filter(|s| (4_900..5_100).contains(*s)).count();
            assert!(
                loud >= 45 * FRAME_SAMPLES * (rate / 8_000) as usize,
                "{rate}: {loud} of {}",
                played.len()
            );
            assert_eq!(played.first(), Some(&0), "silence first, as a cushion");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
