//! Digits and hook flashes in INFO, in each dialect that adapters speak.

use crate::units::Digit;
use core::time::Duration;

/// What we send.
pub const RELAY: &str = "application/dtmf-relay";
/// What we take.
pub const ACCEPT: &str = "application/dtmf-relay, application/dtmf, application/hook-flash, application/broadsoft, application/sscc";

/// How long a key is held that nobody timed.
pub const USUAL: Duration = Duration::from_millis(100);

/// What a body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A key or a flash, and how long it was held; [`USUAL`] if that is not said.
    Digit(Digit, Duration),
    /// Nothing of use: an empty INFO, or an unknown word in a known dialect.
    Nothing,
    /// A dialect that is none of ours.
    Foreign,
}

/// Reads a body of this Content-Type.
pub fn read(type_: &str, body: &[u8]) -> Told {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    let type_ = type_.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let digit = match type_.as_str() {
        "" if body.is_empty() => None,
        "application/dtmf-relay" => value(&text, "signal").and_then(signal),
        "application/dtmf" => signal(text.trim()),
        "application/hook-flash" => Some(Digit::FLASH),
        "application/broadsoft" => text.contains("flashhook").then_some(Digit::FLASH),
        "application/sscc" => {
            value(&text, "event").filter(|event| event.contains("flashhook")).map(|_| Digit::FLASH)
        }
        _ => return Told::Foreign,
    };
    let held = value(&text, "duration").and_then(|ms| ms.parse().ok()).map_or(USUAL, Duration::from_millis);
    digit.map_or(Told::Nothing, |digit| Told::Digit(digit, held))
}

/// The body that [`RELAY`] wants.
pub fn write(digit: Digit, held: Duration) -> String {
    let signal = if digit == Digit::FLASH { "hf".to_owned() } else { digit.as_char().to_string() };
    format!("Signal={signal}\r\nDuration={}\r\n", held.max(USUAL).as_millis())
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(n, _)| n.trim() == name)
        .map(|(_, v)| v.trim())
}

/// A key by its sign, or an event by its number: `10` and `11` are star and hash, `16` is a flash.
fn signal(text: &str) -> Option<Digit> {
    let mut signs = text.chars();
    match (signs.next(), signs.next()) {
        (Some(sign), None) => Digit::from_char(sign),
        _ if text == "hf" || text == "flash" => Some(Digit::FLASH),
        _ => text.parse().ok().and_then(Digit::from_event),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn every_dialect_is_understood() {
        let held = |c, ms| Told::Digit(Digit::from_char(c).expect("a key"), Duration::from_millis(ms));
        let digit = |c| held(c, 100);
        let cases = [
            ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", held('5', 160)),
            ("application/dtmf-relay", "Signal= *\r\nDuration= 250\r\n", held('*', 250)),
            ("application/dtmf-relay", "Signal=1\r\nDuration=long\r\n", digit('1')),
            ("application/dtmf-relay", "signal=11", digit('#')),
            ("application/dtmf-relay", "Signal=16", digit('!')),
            ("application/dtmf-relay", "Signal=hf", digit('!')),
            ("application/dtmf-relay;charset=utf-8", "Signal=D", digit('D')),
            ("application/dtmf-relay", "Signal=17", Told::Nothing),
            ("application/dtmf-relay", "Signal=", Told::Nothing),
            ("application/dtmf-relay", "Duration=1", Told::Nothing),
            ("application/dtmf", "7", digit('7')),
            ("Application/Hook-Flash", "signal=hf", digit('!')),
            ("application/broadsoft", "version=1.0\r\nevent flashhook\r\n", digit('!')),
            ("application/broadsoft", "event talk", Told::Nothing),
            ("application/sscc", "event=flashhook", digit('!')),
            ("", "", Told::Nothing),
            ("", "x", Told::Foreign),
            ("application/media_control+xml", "<x/>", Told::Foreign),
        ];
        for (type_, text, told) in cases {
            assert_eq!(read(type_, text.as_bytes()), told, "{type_}: {text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for code in 0..=16 {
            let digit = Digit::from_event(code).expect("0..=16 are events");
            let held = Duration::from_millis(700 + u64::from(code));
            assert_eq!(read(RELAY, write(digit, held).as_bytes()), Told::Digit(digit, held));
        }
    }
}
