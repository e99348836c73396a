//! How numbers are written: as the household dials them, as a provider wants them, and back.

use crate::sip::plain;

/// What is known of a country's numbering plan, after the metadata of libphonenumber.
#[derive(Debug, PartialEq, Eq)]
pub struct Numbering {
    /// The country, small letters, as in the configuration.
    country: &'static str,
    /// Its country code.
    code: &'static str,
    /// Dialled before a country code.
    abroad: &'static str,
    /// Dialled before a number of the country itself; empty where there is none.
    trunk: &'static str,
    /// Digits of a number without that: least and most.
    length: (usize, usize),
    /// Numbers that cost extra, by their first digits without the trunk prefix. Those of shared cost are left out:
    /// queues live on them.
    pub(super) premium: &'static [&'static str],
    /// Short numbers that cost extra, as dialled: directory enquiries that connect onward.
    pub(super) premium_short: &'static [&'static str],
}

const fn plan(
    country: &'static str,
    code: &'static str,
    abroad: &'static str,
    trunk: &'static str,
    length: (usize, usize),
    premium: &'static [&'static str],
    premium_short: &'static [&'static str],
) -> Numbering {
    Numbering { country, code, abroad, trunk, length, premium, premium_short }
}

#[rustfmt::skip]
const TABLE: &[Numbering] = &[
    plan("us", "1", "011", "1", (10, 10), &["900"], &[]),
    plan("uk", "44", "00", "0", (9, 10), &["70", "871", "872", "873", "90", "91", "98"], &["118"]),
    plan("de", "49", "00", "0", (4, 13), &["900", "1377", "1378", "1379"], &["118"]),
    plan("fr", "33", "00", "0", (9, 9), &["89"], &["118"]),
    plan("nl", "31", "00", "0", (7, 9), &["900", "906", "909"], &[]),
    plan("it", "39", "00", "", (8, 12), &["144", "166", "892", "893", "894", "895", "899"], &[]),
    plan("es", "34", "00", "", (9, 9), &["803", "806", "807"], &["118"]),
    plan("at", "43", "00", "0", (4, 13), &["900", "901", "930", "931", "939"], &[]),
    plan("ch", "41", "00", "0", (9, 9), &["900", "901", "906"], &[]),
    plan("be", "32", "00", "0", (8, 9), &["90"], &[]),
    plan("se", "46", "00", "0", (6, 10), &["900", "939", "944", "99"], &[]),
    plan("au", "61", "0011", "0", (9, 9), &["190"], &[]),
    plan("jp", "81", "010", "0", (9, 10), &["990"], &[]),
];

/// Area codes of other countries that are dialled from the United States like any number of their own.
pub(super) const NANP_ABROAD: &[&str] = &[
    "242", "246", "264", "268", "284", "345", "441", "473", "649", "658", "664", "721", "758", "767", "784",
    "809", "829", "849", "868", "869", "876",
];

/// How a provider wants numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As they were dialled, and shown as they came.
    #[default]
    AsDialled,
    /// +4930123456
    Plus,
    /// 4930123456
    Digits,
    /// 004930123456
    DoubleZero,
    /// 030123456; abroad with the country's own prefix.
    National,
}

impl Form {
    /// Every form with its name in the configuration.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("as-dialled", Self::AsDialled),
        ("+e164", Self::Plus),
        ("e164", Self::Digits),
        ("00", Self::DoubleZero),
        ("national", Self::National),
    ];

    /// What a provider that wants this form reads in a number that goes to it as it was dialled.
    pub fn reads(self, plan: &Numbering, dialled: &str) -> Option<String> {
        // Shorter ones are the provider's own.
        const NUMBER: usize = 8;
        let digits = plain(dialled);
        let left = plan.international(&digits).is_none() && digits.len() >= NUMBER;
        match self {
            Self::Digits if left => Some(format!("+{digits}")),
            Self::DoubleZero if left => digits.strip_prefix("00").map(|rest| format!("+{rest}")),
            _ => None,
        }
    }
}

impl Numbering {
    /// The plan of a country; the United States' for one that is not known.
    pub fn of(country: &str) -> &'static Self {
        TABLE.iter().find(|plan| plan.country == country).unwrap_or(&TABLE[0])
    }

    pub(super) fn nanp(&self) -> bool {
        self.code == "1"
    }

    /// The digits after +code, if the number is one of this country.
    pub(super) fn own<'n>(&self, international: &'n str) -> Option<&'n str> {
        international.strip_prefix('+')?.strip_prefix(self.code)
    }

    /// A dialled number as `+` and digits. `None` for what is no full number: short numbers, codes, local numbers.
    pub fn international(&self, dialled: &str) -> Option<String> {
        let digits = plain(dialled);
        let all = |text: &str| (7..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if let Some(rest) = digits.strip_prefix('+').or_else(|| digits.strip_prefix(self.abroad)) {
            return all(rest).then(|| format!("+{rest}"));
        }
        let fits = |text: &str| {
            (self.length.0..=self.length.1).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        let own = match digits.strip_prefix(self.trunk) {
            Some(rest) if fits(rest) => rest,
            // North America dials its own numbers with or without the 1.
            _ if self.nanp() && fits(&digits) => &digits,
            _ => return None,
        };
        Some(format!("+{}{own}", self.code))
    }

    /// The form by which what is known of a company is kept, however it was dialled: in full where that can be told.
    pub fn company(&self, dialled: &str) -> String {
        self.international(dialled).unwrap_or_else(|| dialled.to_owned())
    }

    /// What a provider may make of it in full: signs that are no digits are dropped on the way, and so are digits too many.
    pub(super) fn at_worst(&self, dialled: &str) -> Option<String> {
        let fits = |(at, c): &(usize, char)| c.is_ascii_digit() || (*at == 0 && *c == '+');
        let digits: String = dialled.chars().enumerate().filter(fits).map(|(_, c)| c).collect();
        if let Some(number) = self.international(&digits) {
            return Some(number);
        }
        if let Some(rest) = digits.strip_prefix('+').or_else(|| digits.strip_prefix(self.abroad)) {
            return Some(format!("+{rest}"));
        }
        let own = digits.strip_prefix(self.trunk).or(self.nanp().then_some(digits.as_str()))?;
        (own.len() > self.length.1).then(|| format!("+{}{own}", self.code))
    }

    /// A dialled number in the form that a trunk wants; what is no full number stays as it is.
    pub fn write(&self, dialled: &str, form: Form) -> String {
        let international = match form {
            Form::AsDialled => None,
            _ => self.international(dialled),
        };
        let Some(number) = international else { return dialled.to_owned() };
        let digits = number.trim_start_matches('+');
        match form {
            Form::AsDialled => dialled.to_owned(),
            Form::Digits => digits.to_owned(),
            Form::DoubleZero => format!("00{digits}"),
            Form::National => self.national(&number),
            Form::Plus => number,
        }
    }

    /// A caller's number as the household would dial it, from the form that a trunk uses.
    pub fn shown(&self, received: &str, form: Form) -> String {
        let international = match form {
            Form::AsDialled => None,
            // A country code never begins with 0: such a number is national whatever the form.
            Form::Digits if !received.starts_with(['+', '0']) => self.international(&format!("+{received}")),
            Form::DoubleZero if received.starts_with("00") => {
                self.international(&format!("+{}", &received[2..]))
            }
            _ => self.international(received),
        };
        international.map_or_else(|| received.to_owned(), |number| self.national(&number))
    }

    fn national(&self, international: &str) -> String {
        match self.own(international) {
            Some(own) => format!("{}{own}", self.trunk),
            None => format!("{}{}", self.abroad, international.trim_start_matches('+')),
        }
    }
}

/// One rule of dialling: a number that begins with `prefix` begins with `instead` from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Digits, `*`, `#` or `+`.
    pub prefix: String,
    /// May be empty.
    pub instead: String,
}

impl Rewrite {
    /// Reads "9 -> " or "0 -> +49".
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, instead) = text.split_once("->")?;
        let (prefix, instead) = (prefix.trim(), instead.trim());
        let fits =
            |part: &str| part.len() <= 20 && part.bytes().all(|b| b.is_ascii_digit() || b"*#+".contains(&b));
        (!prefix.is_empty() && fits(prefix) && fits(instead))
            .then(|| Self { prefix: prefix.to_owned(), instead: instead.to_owned() })
    }
}

/// The first rule that fits is applied, once.
pub fn rewrite(rules: &[Rewrite], dialled: &str) -> String {
    let applied = rules
        .iter()
        .find_map(|rule| dialled.strip_prefix(&rule.prefix).map(|rest| format!("{}{rest}", rule.instead)));
    applied.unwrap_or_else(|| dialled.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dialled_numbers_in_full() {
        for (country, dialled, want) in [
            ("de", "030 123456", Some("+4930123456")),
            ("de", "0044 20 7946 0000", Some("+442079460000")),
            ("de", "+49 30/123456", Some("+4930123456")),
            ("de", "123456", None),
            ("de", "110", None),
            ("de", "*67", None),
            ("us", "2125550123", Some("+12125550123")),
            ("us", "1 (212) 555-0123", Some("+12125550123")),
            ("us", "011442079460000", Some("+442079460000")),
            ("us", "5550123", None),
            ("us", "911", None),
            ("uk", "02079460000", Some("+442079460000")),
            ("es", "912345678", Some("+34912345678")),
            ("es", "112", None),
            ("it", "0612345678", Some("+390612345678")),
            ("au", "0011442079460000", Some("+442079460000")),
            ("au", "0212345678", Some("+61212345678")),
            ("jp", "0312345678", Some("+81312345678")),
            ("de", "+49", None),
            ("de", "", None),
        ] {
            assert_eq!(Numbering::of(country).international(dialled).as_deref(), want, "{country} {dialled}");
        }
    }

    #[test]
    fn every_form_of_a_number_and_back() {
        for (country, dialled, forms) in [
            ("de", "030123456", ["030123456", "+4930123456", "4930123456", "004930123456", "030123456"]),
            (
                "de",
                "00442079460000",
                ["00442079460000", "+442079460000", "442079460000", "00442079460000", "00442079460000"],
            ),
            (
                "us",
                "12125550123",
                ["12125550123", "+12125550123", "12125550123", "0012125550123", "12125550123"],
            ),
            (
                "us",
                "011442079460000",
                ["011442079460000", "+442079460000", "442079460000", "00442079460000", "011442079460000"],
            ),
            (
                "it",
                "0612345678",
                ["0612345678", "+390612345678", "390612345678", "00390612345678", "0612345678"],
            ),
        ] {
            let plan = Numbering::of(country);
            for ((name, form), want) in Form::NAMES.into_iter().zip(forms) {
                assert_eq!(plan.write(dialled, form), want, "{country} {name}");
                assert_eq!(plan.shown(want, form), dialled, "{country} {name} back");
            }
        }
        let short = Numbering::of("de");
        for (_, form) in Form::NAMES {
            assert_eq!(
                (short.write("110", form), short.shown("anonymous", form)),
                ("110".into(), "anonymous".into())
            );
        }
    }

    #[test]
    fn rules_are_applied_in_their_order_and_once() {
        let rules: Vec<Rewrite> =
            ["90 -> +49", "9 ->", "0->9"].iter().map(|r| Rewrite::parse(r).unwrap()).collect();
        for (dialled, want) in [("9030", "+4930"), ("9112", "112"), ("05", "95"), ("5", "5")] {
            assert_eq!(rewrite(&rules, dialled), want);
        }
        for wrong in ["9", "-> 5", "a -> 5", "9 -> x", "9 -> 5 -> 6"] {
            assert_eq!(Rewrite::parse(wrong), None, "{wrong}");
        }
    }
}
