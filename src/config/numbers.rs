//! Keys about numbers: how they are dialled, shown and written, and which are allowed.

use super::Guard;
use super::peers::{USER, made_of};
use crate::sip::{CalledIn, Identity, ShownIn};
use crate::tables::{Section, duration};
use crate::trunk::number::{Form, Rewrite};
use crate::trunk::toll::Allowed;
use crate::trunk::{Keys, Rules};
use crate::units::Codec;
use core::time::Duration;

/// Keys of `[[trunk]]` that are read here.
pub(super) const KEYS: [&str; 13] = [
    "number",
    "numbers",
    "rewrite",
    "caller_id",
    "called_in",
    "from_user",
    "contact_user",
    "codecs",
    "dtmf",
    "session_timer",
    "keep_alive",
    "cents_per_minute",
    "refer",
];

/// `number`: the household's own.
pub(super) fn number(s: &mut Section<'_, '_>) -> Option<String> {
    s.text("number", "allowed are up to 20 digits, after a + if you like", |text| {
        let digits = text.strip_prefix('+').unwrap_or(text);
        (digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
    })
}

/// `rewrite`.
pub(super) fn rewrite(s: &mut Section<'_, '_>) -> Vec<Rewrite> {
    let allowed = "each is \"prefix -> instead\", both of 0-9, *, # and +, such as \"9 -> \" or \"0 -> +49\"";
    s.list("rewrite", allowed, Rewrite::parse)
}

/// How a trunk wants numbers; `own` is the household's number where the trunk has none of its own.
pub(super) fn rules(s: &mut Section<'_, '_>, own: &str) -> Rules {
    let form = choice(s, "numbers", &Form::NAMES);
    let codecs = s.list("codecs", "each is \"pcmu\" or \"pcma\"", |text| match text {
        "pcmu" => Some(Codec::Pcmu),
        "pcma" => Some(Codec::Pcma),
        _ => None,
    });
    let keys = choice(s, "dtmf", &Keys::NAMES);
    let price = "allowed is a number from 0 to 10000: what a minute costs in cents, pence or the like";
    let cents_per_minute = s.get("cents_per_minute", price, |value| {
        let text = value.as_float().map(|f| f.as_str()).or(value.as_integer().map(|i| i.as_str()))?;
        text.parse().ok().filter(|cents| (0.0..=10_000.0).contains(cents))
    });
    Rules {
        codecs,
        keys,
        form,
        rewrite: rewrite(s),
        number: number(s).unwrap_or_else(|| own.to_owned()),
        cents_per_minute,
        refer: s.flag("refer").unwrap_or(false),
    }
}

/// Who the box is to a trunk.
pub(super) fn identity(s: &mut Section<'_, '_>) -> Identity {
    let mut user = |key: &str| s.text(key, USER, |text| made_of(text, b"-_.+")).unwrap_or_default();
    let (from_user, contact_user) = (user("from_user"), user("contact_user"));
    let shown_in = choice(s, "caller_id", &ShownIn::NAMES);
    let called_in = choice(s, "called_in", &CalledIn::NAMES);
    // RFC 4028 §4: no shorter than 90 s.
    let allowed = "allowed is \"off\", or a time from \"90s\" to \"24h\"";
    let session_timer = s.text("session_timer", allowed, |text| match text {
        "off" => Some(Duration::ZERO),
        _ => duration(text)
            .filter(|time| (Duration::from_secs(90)..=Duration::from_secs(86_400)).contains(time)),
    });
    let keep_alive = s.duration("keep_alive", Duration::from_secs(10)..=Duration::from_secs(600));
    Identity { from_user, contact_user, shown_in, called_in, session_timer, keep_alive }
}

pub(super) fn choice<T: Copy + Default>(s: &mut Section<'_, '_>, key: &str, names: &[(&str, T)]) -> T {
    let all = names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let known = |text: &str| names.iter().find(|(name, _)| *name == text).map(|(_, one)| *one);
    s.text(key, &format!("allowed is one of {all}"), known).unwrap_or_default()
}

/// `[guard]`.
pub(super) fn guard(s: &mut Section<'_, '_>) -> Guard {
    const MINUTE: Duration = Duration::from_secs(60);
    let allowed = "each is \"international\", \"premium\", or how allowed numbers begin, such as \"+44\"";
    let mut all = Allowed::default();
    for one in s.list("allow", allowed, |text| is_allowance(text).then(|| text.to_owned())) {
        match one.as_str() {
            "international" => all.international = true,
            "premium" => all.premium = true,
            _ => all.prefixes.push(one),
        }
    }
    let longest = s.duration("longest", 10 * MINUTE..=24 * 60 * MINUTE).unwrap_or(12 * 60 * MINUTE);
    Guard { allowed: all, longest }
}

fn is_allowance(text: &str) -> bool {
    let prefix = text
        .strip_prefix('+')
        .is_some_and(|digits| (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
    prefix || matches!(text, "international" | "premium")
}
