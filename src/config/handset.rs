//! `[handset]`: the telephone on the box's own sound card.

use super::numbers::choice;
use super::{Handset, PHONE_RINGS};
use crate::board::handset::card::RATES;
use crate::board::handset::{Parts, Ringer};
use crate::phone::handset::audio::Gains;
use crate::phone::handset::hook::Dial;
use crate::tables::Section;
use core::time::Duration;

pub(super) const KEYS: [&str; 11] =
    ["card", "rate", "name", "rings", "microphone", "ear", "sidetone", "ringer", "keypad", "dial", "aloud"];

/// Without a card there is none, whatever else is written.
pub(super) fn handset(s: &mut Section<'_, '_>) -> Option<Handset> {
    let text = |t: &str| (1..=120).contains(&t.len()) && !t.chars().any(char::is_control);
    let owned = |t: &str| text(t).then(|| t.to_owned());
    let card = s.text(
        "card",
        "allowed is a sound card's name in quotes, as `cat /proc/asound/cards` has it in brackets",
        owned,
    );
    let rate = s.get("rate", "allowed is one of 8000, 16000, 48000", |value| {
        value.as_integer()?.as_str().parse().ok().filter(|rate| RATES.contains(rate))
    });
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
    let gains = Gains { microphone, ear, sidetone };
    let parts = Parts { card, rate, gains, ringer, keypad, dial, aloud };
    Some(Handset {
        parts,
        name: name.unwrap_or_else(|| "handset".into()),
        rings: rings.unwrap_or(PHONE_RINGS),
    })
}

/// Decibels.
fn gain(s: &mut Section<'_, '_>, key: &str) -> f32 {
    let read = s.get(key, "allowed is a whole number of decibels from -30 to 30", |value| {
        value.as_integer()?.as_str().parse::<i8>().ok().filter(|db| (-30..=30).contains(db))
    });
    read.map_or(0.0, f32::from)
}
