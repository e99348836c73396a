//! What states, sounds, outcomes and times are called on the page.

use crate::call::{CallView, OfferView, Outcome, Phase, QueueView, Record};
use crate::listen::Sound;
use crate::units::Wall;

/// The headline of a call.
pub(super) fn phase(call: &CallView) -> &'static str {
    match (call.phase, call.outgoing) {
        (Phase::Dialing, _) => "Calling",
        (Phase::Incoming, true) => "Your phone rings",
        (Phase::Incoming, false) => "A call for you",
        (Phase::Talking, _) => "You are talking",
        (Phase::Parked, _) => "Parked by your phone",
        (Phase::Menu, _) => "Going through the menu",
        (Phase::Assisted, _) => "The assistant talks",
        (Phase::Confirming, _) => "You can hang up",
        (Phase::Holding, _) => "Waiting on hold for you",
        (Phase::Greeting, _) => "Someone may be there",
        (Phase::Ringing, _) => "A person is there",
    }
}

/// The wait that was announced.
pub(super) fn announced(queue: &QueueView) -> Option<String> {
    match (queue.least_minutes?, queue.most_minutes?) {
        (least, most) if least == most => Some(format!("{most} min")),
        (least, most) => Some(format!("{least} to {most} min")),
    }
}

/// An offer to call back, and what to do about it.
pub(super) fn offer(offer: OfferView) -> String {
    match (offer.key, offer.taken) {
        (_, true) => "They offered to call you back, and the box has taken the offer.".into(),
        (Some(key), false) => {
            format!("They offer to call you back: take the call and press {key} if you want that.")
        }
        (None, false) => "They offer to call you back: take the call if you want that.".into(),
    }
}

/// A share of 0 to 1 in percent.
pub(super) fn fraction(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Microseconds in whole milliseconds.
pub(super) fn milliseconds(us: u32) -> String {
    format!("{} ms", (us + 500) / 1000)
}

/// What it means and what to do.
pub(super) fn advice(call: &CallView) -> &'static str {
    match call.phase {
        Phase::Incoming if call.outgoing => "Pick it up: the box then calls the number.",
        Phase::Dialing => "It rings at the other end. If music plays already, you can let the box hold.",
        Phase::Incoming => "Your phone is ringing.",
        Phase::Talking => "Put on hold? Let the box wait: press ** on your phone, or the button here.",
        Phase::Parked => {
            "Your phone holds this call. Dial *58 on it, or use the button, to let the box wait."
        }
        Phase::Menu => "The box presses the keys that you would, once it hears their prompts. Then it waits.",
        Phase::Assisted => {
            "The language model leads the call for you. Take it whenever you want: your phone rings then."
        }
        Phase::Confirming => "The box has taken over the wait. It rings you when a person answers.",
        Phase::Holding => "Your phone is free. It rings when a person answers.",
        Phase::Greeting => "The box asks them to stay on the line and listens for an answer.",
        Phase::Ringing => "Your phone is ringing. Pick it up to be connected at once.",
    }
}

/// A sound, as heard on the line.
pub(super) fn sound(sound: Sound) -> &'static str {
    match sound {
        Sound::Silence => "Silence",
        Sound::Noise => "Noise",
        Sound::Ringback => "Ringing",
        Sound::Busy => "Busy tone",
        Sound::Tone => "A tone",
        Sound::Dtmf => "Key tones",
        Sound::Music => "Music",
        Sound::Announcement => "Announcement",
        Sound::Speech => "Speech",
    }
}

/// The class that colours a sound.
pub(super) fn sound_class(sound: Sound) -> &'static str {
    match sound {
        Sound::Silence | Sound::Noise => "quiet",
        Sound::Ringback | Sound::Busy | Sound::Tone | Sound::Dtmf => "tone",
        Sound::Music => "music",
        Sound::Announcement => "announcement",
        Sound::Speech => "speech",
    }
}

/// How a call ended.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Up => "In progress",
        Outcome::Talked => "Talked",
        Outcome::Slain => "Hold slain",
        Outcome::CompanyHungUp => "They hung up",
        Outcome::AgentLost => "The person left",
        Outcome::OwnerGaveUp => "You ended the wait",
        Outcome::CapReached => "Waited to the limit",
        Outcome::Busy => "Busy",
        Outcome::NoAnswer => "No answer",
        Outcome::Cancelled => "Given up before an answer",
        Outcome::Failed => "Did not go through",
        Outcome::PreEmpted => "Made way for an emergency call",
        Outcome::Interrupted => "The box stopped",
        Outcome::NobodyThere => "Nobody there",
        Outcome::CallBack => "They call back",
        Outcome::Assisted => "Led by the assistant",
    }
}

/// How a call ended, as a sentence.
pub(super) fn outcome_sentence(record: &Record) -> &'static str {
    match record.outcome {
        Outcome::Up => "The call is up.",
        Outcome::Talked => "An ordinary call: both sides talked.",
        Outcome::Slain => "A person came, and you were connected.",
        Outcome::CompanyHungUp => "The other side hung up before anyone came.",
        Outcome::AgentLost => "A person came, but was gone before you picked up.",
        Outcome::OwnerGaveUp => "You ended the call while the box was waiting.",
        Outcome::CapReached => "Nobody came within the longest wait that is set.",
        Outcome::Busy => "The number was busy.",
        Outcome::NoAnswer => "Nobody answered.",
        Outcome::Cancelled if record.outgoing => "You hung up before they answered.",
        Outcome::Cancelled => "They hung up before you answered.",
        Outcome::Failed => "The call did not go through. The last decision below says why.",
        Outcome::PreEmpted => "The line was needed for an emergency call.",
        Outcome::Interrupted => "The box lost power or was stopped while the call was up.",
        Outcome::NobodyThere => "They said that nobody comes: they are closed, or a machine takes messages.",
        Outcome::CallBack => "They offered to call you back, and the box took the offer.",
        Outcome::Assisted => {
            "The language model led the call to its end. What came of it stands below, at “hang up”."
        }
    }
}

/// The class that colours an outcome: good, plain or bad.
pub(super) fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Slain => "good",
        Outcome::Up => "live",
        Outcome::CompanyHungUp
        | Outcome::AgentLost
        | Outcome::CapReached
        | Outcome::Failed
        | Outcome::PreEmpted
        | Outcome::Interrupted
        | Outcome::NobodyThere => "bad",
        Outcome::CallBack
        | Outcome::Assisted
        | Outcome::Talked
        | Outcome::OwnerGaveUp
        | Outcome::Busy
        | Outcome::NoAnswer
        | Outcome::Cancelled => "plain",
    }
}

/// A number as a phone dials it: without what people write between its digits.
pub(super) fn dialled(written: &str) -> String {
    written.replace([' ', '-', '/', '(', ')', '.'], "")
}

/// The other party, also when it showed no number.
pub(super) fn number(number: &str) -> &str {
    if number.is_empty() { "Number withheld" } else { number }
}

/// A length of time as a clock shows it: `4:07`, `1:02:09`.
pub(super) fn clock(ms: u64) -> String {
    let s = ms / 1000;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        h => format!("{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

/// A length of time in words: `8 s`, `4 min`, `1 h 2 min`.
pub(super) fn length(ms: u64) -> String {
    let s = (ms + 500) / 1000;
    match s {
        0..60 => format!("{s} s"),
        60..600 if !s.is_multiple_of(60) => format!("{} min {} s", s / 60, s % 60),
        60..3600 => format!("{} min", s / 60),
        _ => format!("{} h {} min", s / 3600, s / 60 % 60),
    }
}

/// Begins as a sentence does.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn local(at: Wall) -> jiff::Zoned {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system())
}

/// The time of day on the box: `14:05`.
pub(super) fn time(at: Wall) -> String {
    local(at).strftime("%H:%M").to_string()
}

/// The day on the box: `Sunday, 22 November 2026`.
pub(super) fn day(at: Wall) -> String {
    local(at).strftime("%A, %-d %B %Y").to_string()
}

/// For the name of a file: `2026-11-22`.
pub(super) fn date(at: Wall) -> String {
    local(at).strftime("%F").to_string()
}

/// The hour on the box, and the weekday, Monday being 0.
pub(super) fn hour_and_weekday(at: Wall) -> (usize, usize) {
    let at = local(at);
    let number = |n: i8| usize::try_from(n).unwrap_or(0);
    (number(at.hour()), number(at.weekday().to_monday_zero_offset()))
}

/// Everything but letters and digits, percent-encoded.
pub(super) fn in_address(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// For machines: `2026-11-22T14:05:00Z`.
pub(super) fn iso(at: Wall) -> String {
    let millis = i64::try_from(at.0 / 1000 * 1000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_well() {
        let cases = [
            (0, "0:00", "0 s"),
            (7_400, "0:07", "7 s"),
            (67_000, "1:07", "1 min 7 s"),
            (600_000, "10:00", "10 min"),
            (3_729_000, "1:02:09", "1 h 2 min"),
        ];
        for (ms, on_a_clock, in_words) in cases {
            assert_eq!((clock(ms).as_str(), length(ms).as_str()), (on_a_clock, in_words));
        }
    }
}
