//! `[record]`: what is recorded, how people are told, and how long it is kept; `[history]`: how long calls are.

use super::{History, Record};
use crate::call::{Notice, Recording, Which};
use crate::studio::{self, Format, Sides};
use crate::tables::Section;
use core::time::Duration;

pub(super) const KEYS: [&str; 9] =
    ["calls", "notice", "sides", "format", "keep", "space", "spare", "listen_in", "clips"];

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MEGABYTE: u64 = 1_000_000;

pub(super) fn record(s: &mut Section<'_, '_>) -> Record {
    let allowed = "allowed is one of none, holds, all";
    let which = |text: &str| match text {
        "none" => Some(Which::None),
        "holds" => Some(Which::Holds),
        "all" => Some(Which::All),
        _ => None,
    };
    let record = s.text("calls", allowed, which).unwrap_or(Which::None);
    let listen_in = s.text("listen_in", allowed, which).unwrap_or(Which::Holds);
    let notice = s.text("notice", "allowed is one of words, tone, none", |text| match text {
        "words" => Some(Notice::Words),
        "tone" => Some(Notice::Tone),
        "none" => Some(Notice::None),
        _ => None,
    });
    let sides = s.text("sides", "allowed is one of stereo, mono, separate", |text| match text {
        "stereo" => Some(Sides::Stereo),
        "mono" => Some(Sides::Mono),
        "separate" => Some(Sides::Separate),
        _ => None,
    });
    let format = s.text("format", "allowed is one of wav, flac", |text| match text {
        "wav" => Some(Format::Wav),
        "flac" => Some(Format::Flac),
        _ => None,
    });
    let clips = s.flag("clips").unwrap_or(false);
    let megabytes = |n: Option<u32>, default: u32| u64::from(n.unwrap_or(default)) * MEGABYTE;
    Record {
        plan: Recording { record, notice: notice.unwrap_or_default(), listen_in, clips },
        archive: studio::Config {
            sides: sides.unwrap_or(Sides::Stereo),
            format: format.unwrap_or(Format::Wav),
            keep: s.duration("keep", HOUR..=8760 * HOUR).unwrap_or(720 * HOUR),
            most: megabytes(s.number("space", 10..=1_000_000), 2000),
            spare: megabytes(s.number("spare", 10..=1_000_000), 500),
            clips,
        },
    }
}

pub(super) fn history(s: &mut Section<'_, '_>) -> History {
    History { keep: s.duration("keep", DAY..=3650 * DAY) }
}
