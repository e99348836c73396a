//! `[handset]`: the telephone on the box's own sound card; `[monitor]`: a loudspeaker on one.

use super::numbers::choice;
use super::{Handset, PHONE_RINGS};
use crate::board::Sound;
use crate::board::handset::card::RATES;
use crate::board::handset::{Kind, Parts, Ringer};
use crate::phone::handset::audio::Gains;
use crate::phone::handset::hook::Dial;
use crate::tables::Section;
use core::time::Duration;

pub(super) const KEYS: [&str; 11] =
    ["card", "rate", "name", "rings", "microphone", "ear", "sidetone", "ringer", "keypad", "dial", "aloud"];

/// What `[monitor]` may say.
pub(super) const MONITOR_KEYS: [&str; 4] = ["card", "rate", "volume", "aloud"];

pub(super) const CARD: &str =
    "allowed is a sound card's name in quotes, as `cat /proc/asound/cards` has it in brackets";
const RATE: &str = "allowed is one of 8000, 16000, 48000";

/// Without a card there is none, whatever else is written. `board`: what the board file says of sound, if it can be used.
pub(super) fn handset(s: &mut Section<'_, '_>, board: Option<&Sound>) -> Option<Handset> {
    let card = card(s, "handset", board.map(|board| board.handset.as_ref()));
    let rate = rate(s);
    let name = s.text("name", "allowed are 1 to 32 characters, in quotes", |t| {
        owned(t).filter(|t| t.chars().count() <= 32)
    });
    let rings = s.duration("rings", Duration::from_secs(5)..=Duration::from_secs(180));
    let (microphone, ear) = (gain(s, "microphone"), gain(s, "ear"));
    let sidetone = s.number("sidetone", 0..=40).unwrap_or(18);
    let ringer = s.text("ringer", "allowed is own, line, none, or a sound card's name", |t| {
        Some(match t {
            "own" => Ringer::Own,
            "line" => Ringer::Line,
            "none" => Ringer::Silent,
            card => Ringer::Card(owned(card)?),
        })
    });
    let ringer = ringer.unwrap_or_default();
    let keypad =
        s.text("keypad", "allowed is the kernel's name of an input device, such as \"USB Keypad\"", owned);
    let dial = choice(s, "dial", &[("keypad", Dial::Keypad), ("pulse", Dial::Pulse)]);
    let aloud = s.flag("aloud").unwrap_or(false);
    let card = card?;
    let sidetone = (sidetone > 0).then(|| -(sidetone as f32));
    let gains = Gains { microphone, ear, sidetone, aloud: 0.0 };
    let parts = Parts { kind: Kind::Handset, card, rate, gains, ringer, keypad, dial, aloud };
    Some(Handset {
        parts,
        name: name.unwrap_or_else(|| "handset".into()),
        rings: rings.unwrap_or(PHONE_RINGS),
    })
}

/// As a handset that nobody lifts, whose every sound is one that is heard aloud.
pub(super) fn monitor(
    s: &mut Section<'_, '_>,
    board: Option<&Sound>,
    handset: Option<&Handset>,
) -> Option<Parts> {
    let card = card(s, "speaker", board.map(|board| board.speaker.as_ref()));
    let taken = handset.zip(card.as_ref()).is_some_and(|(handset, card)| {
        handset.parts.card == *card || handset.parts.ringer == Ringer::Card(card.clone())
    });
    if taken {
        s.refuse("card", "the handset has this sound card for itself; aloud under [handset] lets held calls be heard on it");
    }
    let rate = rate(s);
    let volume = gain(s, "volume");
    let aloud = s.flag("aloud").unwrap_or(true);
    let gains = Gains { aloud: volume, ..Gains::default() };
    let (ringer, dial) = (Ringer::Silent, Dial::Keypad);
    Some(Parts { kind: Kind::Monitor, card: card?, rate, gains, ringer, keypad: None, dial, aloud })
}

/// The card that is named; `board` is the one that the board's file has as `what`, `None` if that file cannot be used.
fn card(s: &mut Section<'_, '_>, what: &str, board: Option<Option<&String>>) -> Option<String> {
    let named = s.text("card", CARD, owned)?;
    if named != "board" {
        return Some(named);
    }
    if board == Some(None) {
        s.refuse("card", &format!("the board file has no {what} under [sound]: name the sound card here"));
    }
    board.flatten().cloned()
}

pub(super) fn owned(text: &str) -> Option<String> {
    let is_one = (1..=120).contains(&text.len()) && !text.chars().any(char::is_control);
    is_one.then(|| text.to_owned())
}

fn rate(s: &mut Section<'_, '_>) -> Option<u32> {
    s.get("rate", RATE, |value| value.as_integer()?.as_str().parse().ok().filter(|rate| RATES.contains(rate)))
}

/// Decibels.
fn gain(s: &mut Section<'_, '_>, key: &str) -> f32 {
    let read = s.get(key, "allowed is a whole number of decibels from -30 to 30", |value| {
        value.as_integer()?.as_str().parse::<i8>().ok().filter(|db| (-30..=30).contains(db))
    });
    read.map_or(0.0, f32::from)
}
