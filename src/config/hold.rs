//! `[hold]`.

use super::Hold;
use super::numbers::choice;
use crate::call::Redialling;
use crate::limits;
use crate::slay::{Unanswered, Voicemail};
use crate::tables::Section;
use core::ops::RangeInclusive;
use core::time::Duration;

pub(super) const KEYS: [&str; 15] = [
    "cap",
    "ring",
    "ring_again",
    "greet",
    "calls",
    "eagerness",
    "unanswered",
    "call_back",
    "still_there",
    "voicemail",
    "redial",
    "redial_after",
    "also_ring",
    "also_after",
    "replay",
];

const MINUTE: Duration = Duration::from_secs(60);
/// An agent gives up sooner than three minutes; shorter than two rings is none.
const RING: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(180);
/// More telephones outside would only take channels from each other.
const OUTSIDE: usize = 3;

pub(super) fn hold(s: &mut Section<'_, '_>) -> Hold {
    let small = |n: Option<u32>, default: u8| n.and_then(|n| u8::try_from(n).ok()).unwrap_or(default);
    let also_ring =
        s.list("also_ring", "each is a telephone number in quotes, such as \"+4917012345\"", |text| {
            let digits = text.strip_prefix('+').unwrap_or(text);
            let fits = (5..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| text.to_owned())
        });
    if also_ring.len() > OUTSIDE {
        s.refuse(
            "also_ring",
            &format!("allowed are at most {OUTSIDE} numbers: each takes a channel of a trunk"),
        );
    }
    let pause = s.duration("redial_after", MINUTE / 2..=60 * MINUTE).unwrap_or(MINUTE);
    Hold {
        cap: s.duration("cap", MINUTE..=24 * 60 * MINUTE).unwrap_or(limits::HOLD_CAP),
        ring: s.duration("ring", RING).unwrap_or(Duration::from_secs(45)),
        ring_again: small(s.number("ring_again", 0..=10), 3),
        greet: s.flag("greet").unwrap_or(true),
        calls: small(s.number("calls", 1..=3), 2),
        eagerness: s.number("eagerness", 0..=100).unwrap_or(50) as f32 / 100.0,
        unanswered: choice(s, "unanswered", &Unanswered::NAMES),
        call_back: s.flag("call_back").unwrap_or(false),
        still_there: s.flag("still_there").unwrap_or(true),
        voicemail: choice(s, "voicemail", &Voicemail::NAMES),
        redial: Redialling { tries: small(s.number("redial", 0..=10), 2), pause },
        also_ring,
        replay: s.flag("replay").unwrap_or(false),
        also_after: s.duration("also_after", Duration::ZERO..=MINUTE).unwrap_or(Duration::from_secs(8)),
    }
}
