//! When what was dialled is whole.

use crate::phone::dial::Codes;
use crate::units::Digit;

/// What is known of numbers before anything is dialled.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Dialled as soon as they are typed: those for help, and codes that no number follows.
    whole: Vec<String>,
    /// Codes that a number follows.
    before: Vec<String>,
}

impl Known {
    /// Of the house's numbers for help and its codes.
    pub fn new(emergency: &[String], codes: &Codes) -> Self {
        let (before, alone): (Vec<_>, Vec<_>) =
            codes.named().into_iter().partition(|(name, _)| ["slay", "withhold"].contains(name));
        let whole = emergency.iter().map(String::as_str).chain(alone.iter().map(|(_, code)| *code));
        Self {
            whole: whole.map(str::to_owned).collect(),
            before: before.iter().map(|(_, code)| (*code).to_owned()).collect(),
        }
    }

    /// Something known begins so.
    fn is_begun(&self, typed: &str) -> bool {
        self.whole.iter().chain(&self.before).any(|known| known.starts_with(typed))
    }

    /// Something known goes on after this.
    fn begins(&self, typed: &str) -> bool {
        let mut all = self.whole.iter().chain(&self.before);
        all.any(|known| known.len() > typed.len() && known.starts_with(typed))
    }
}

/// What is typed, key by key.
#[derive(Clone, Debug, Default)]
pub struct Number {
    typed: String,
}

/// The longest number that is typed: E.164 has 15 digits, with a code and a carrier's prefix before them.
const LONGEST: usize = 40;

impl Number {
    /// Nothing was typed yet.
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// What was typed.
    pub fn take(&mut self) -> String {
        core::mem::take(&mut self.typed)
    }

    /// One key more. True: the number is whole, no more keys are awaited. A rotary dial (`pulse`) has no star: two ones
    /// before a code are one, as telephone companies had it ("1167" for `*67`), unless a number for help begins so.
    pub fn key(&mut self, key: Digit, known: &Known, pulse: bool) -> bool {
        let ends = key == Digit::HASH && !self.typed.is_empty() && !self.typed.starts_with('#');
        if ends
            && !known.begins(&format!("{}#", self.typed))
            && !known.whole.contains(&format!("{}#", self.typed))
        {
            return true;
        }
        if self.typed.len() < LONGEST {
            self.typed.push(key.as_char());
        }
        if pulse && self.typed.len() == 3 && self.typed.starts_with("11") && !known.is_begun(&self.typed) {
            let star = self.typed.replacen("11", "*", 1);
            if known.is_begun(&star) {
                self.typed = star;
            }
        }
        known.whole.contains(&self.typed) && !known.begins(&self.typed)
    }

    /// Takes the last key back.
    pub fn erase(&mut self) {
        self.typed.pop();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_number_is_whole_when_it_can_be_no_other() {
        let codes = Codes { status: "*5#1".into(), ..Codes::default() };
        let known = Known::new(&["911".into(), "112".into(), "1128".into()], &codes);
        for (keys, pulse, typed, whole) in [
            ("911", false, "911", true),
            ("112", false, "112", false),
            ("1128", false, "1128", true),
            ("*58", false, "*58", true),
            ("*59", false, "*59", false),
            ("*5#1", false, "*5#1", true),
            ("*595550123#", false, "*595550123", true),
            ("5550123", false, "5550123", false),
            ("5550123#", false, "5550123", true),
            ("#31#5", false, "#31#5", false),
            ("#", false, "#", false),
            ("911", true, "911", true),
        ] {
            let mut number = Number::default();
            let mut last = false;
            for key in keys.chars() {
                assert!(!last, "{keys}: whole too early");
                last = number.key(Digit::from_char(key).unwrap(), &known, pulse);
            }
            assert_eq!((number.take().as_str(), last), (typed, whole), "{keys}");
        }
    }

    #[test]
    fn two_ones_of_a_rotary_dial_are_a_star_unless_help_is_called_so() {
        let codes = Codes::default();
        let dialled = |emergency: &[String], keys: &str| {
            let (mut number, known) = (Number::default(), Known::new(emergency, &codes));
            let whole =
                keys.chars().fold(false, |_, key| number.key(Digit::from_char(key).unwrap(), &known, true));
            (number.take(), whole)
        };
        assert_eq!(dialled(&["911".into()], "1158"), ("*58".into(), true));
        assert_eq!(dialled(&["911".into()], "118118"), ("118118".into(), false), "no code begins so");
        let help = ["112".into(), "110".into(), "115".into()];
        assert_eq!(dialled(&help[..2], "112"), ("112".into(), true));
        assert_eq!(dialled(&help[..2], "1158"), ("*58".into(), true));
        assert_eq!(dialled(&help[..2], "11595550123"), ("*595550123".into(), false));
        assert_eq!(dialled(&help, "115"), ("115".into(), true), "help goes first");
    }
}
