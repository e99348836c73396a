//! What the owner dialled. Emergency numbers come first of all rules.

use crate::sip::plain;

/// The star codes, each configurable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    /// Hold the call that this phone has parked, or that is up.
    pub hold: String,
    /// Before a number: call it and hold, from the start.
    pub slay: String,
    /// Join the held call again.
    pub rejoin: String,
    /// Listen to the held call without being heard.
    pub listen: String,
    /// Spoken status.
    pub status: String,
    /// End the held call.
    pub cancel: String,
    /// Speak the greeting yourself.
    pub greeting: String,
    /// Keys inside a call that hold it.
    pub gesture: String,
    /// Before a number: do not show mine.
    pub withhold: String,
}

/// Free in the lists of both makers of adapters, but for `*67`, which means the same to all.
impl Default for Codes {
    fn default() -> Self {
        Self {
            hold: "*58".into(),
            slay: "*59".into(),
            rejoin: "*94".into(),
            listen: "*96".into(),
            status: "*95".into(),
            cancel: "*49".into(),
            greeting: "*48".into(),
            gesture: "**".into(),
            withhold: "*67".into(),
        }
    }
}

impl Codes {
    /// The codes that are dialled, by their keys in the configuration. (The gesture is pressed inside a call.)
    pub fn named(&self) -> [(&'static str, &str); 8] {
        [
            ("hold", &self.hold),
            ("slay", &self.slay),
            ("rejoin", &self.rejoin),
            ("status", &self.status),
            ("cancel", &self.cancel),
            ("withhold", &self.withhold),
            ("listen", &self.listen),
            ("greeting", &self.greeting),
        ]
    }
}

/// The meaning of a dialled string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialled<'a> {
    /// Before everything: no listening, any line there is. Digits only, however it was written.
    Emergency(String),
    /// Slay the call this phone has.
    Hold,
    /// Call this number and hold.
    Slay(&'a str),
    /// Rejoin.
    Rejoin,
    /// Listen along.
    Listen,
    /// Status.
    Status,
    /// Cancel.
    Cancel,
    /// Speak the greeting.
    Greeting,
    /// A number for the trunk.
    Number(&'a str),
    /// Nothing that can be dialled.
    Nothing,
}

/// Reads `dialled`.
pub fn read<'a>(dialled: &'a str, emergency: &[String], codes: &Codes) -> Dialled<'a> {
    let digits = plain(dialled);
    if emergency.contains(&digits) {
        return Dialled::Emergency(digits);
    }
    if let Some(number) = dialled.strip_prefix(&codes.slay).filter(|rest| !rest.is_empty()) {
        return Dialled::Slay(number);
    }
    match digits {
        d if d == codes.hold => Dialled::Hold,
        d if d == codes.rejoin => Dialled::Rejoin,
        d if d == codes.listen => Dialled::Listen,
        d if d == codes.status => Dialled::Status,
        d if d == codes.cancel => Dialled::Cancel,
        d if d == codes.greeting => Dialled::Greeting,
        d if d.is_empty() => Dialled::Nothing,
        _ => Dialled::Number(dialled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emergency_number_wins_over_every_code() {
        let emergency = vec!["112".to_string(), "*58".to_string()];
        assert_eq!(read("*58", &emergency, &Codes::default()), Dialled::Emergency("*58".into()));
        assert_eq!(read("1-1-2", &emergency, &Codes::default()), Dialled::Emergency("112".into()));
        assert_eq!(read("1120", &emergency, &Codes::default()), Dialled::Number("1120"));
    }

    #[test]
    fn codes_and_numbers() {
        for (dialled, meaning) in [
            ("*58", Dialled::Hold),
            ("*5918005550100", Dialled::Slay("18005550100")),
            ("*591", Dialled::Slay("1")),
            ("*94", Dialled::Rejoin),
            ("*95", Dialled::Status),
            ("*49", Dialled::Cancel),
            ("*48", Dialled::Greeting),
            ("18005550100", Dialled::Number("18005550100")),
            ("*581", Dialled::Number("*581")),
            ("", Dialled::Nothing),
        ] {
            assert_eq!(read(dialled, &[], &Codes::default()), meaning, "{dialled}");
        }
    }
}
