//! `[menu]` and `[[speed_dial]]`: what is learnt of menus, and calls that the box holds from the start.

use super::{Menu, section};
use crate::tables::{Section, Source, tables};
use toml::de::DeTable;

/// Keys that the box presses by itself in a menu that it does not know.
const EXPLORE: u8 = 3;
/// Most speed dials.
const SPEED_DIALS: usize = 20;

pub(super) fn menu<'t>(source: &mut Source<'t>, root: &DeTable<'t>, emergency: &[String]) -> Menu {
    let s = &mut section(source, root, "[menu]", &["learn", "explore", "extension"]);
    let learn = s.flag("learn").unwrap_or(true);
    let explore = s.number("explore", 0..=6).and_then(|n| u8::try_from(n).ok()).unwrap_or(EXPLORE);
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let allowed = "allowed are up to 32 digits, letters, - and _, but no emergency number";
    let extension = s.text("extension", allowed, |text| {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let fits = text.len() <= 32 && plain && !emergency.iter().any(|n| n == text);
        fits.then(|| text.to_owned())
    });
    let mut speed: Vec<(String, String)> = Vec::new();
    for (at, table) in tables(source, root, "speed_dial", "[[speed_dial]]", SPEED_DIALS) {
        let mut s = Section::open(source, "[[speed_dial]]", Some((at, table)), &["digits", "number"]);
        let allowed = "allowed are 1 or 2 digits that are no emergency number";
        let key = s.needed("digits", allowed, |text| {
            let fits = (1..=2).contains(&text.len()) && digits(text) && !emergency.iter().any(|n| n == text);
            fits.then(|| text.to_owned())
        });
        let number = s.needed("number", "needed is a number as you dial it, of digits and +", |text| {
            let plain = text.strip_prefix('+').unwrap_or(text);
            ((3..=32).contains(&plain.len()) && digits(plain)).then(|| text.to_owned())
        });
        if let (Some(key), Some(number)) = (key, number) {
            if speed.iter().any(|(known, _)| *known == key) {
                s.refuse("digits", "another speed dial has these digits; each needs its own");
            }
            speed.push((key, number));
        }
    }
    Menu { learn, explore, extension: extension.unwrap_or_default(), speed }
}
