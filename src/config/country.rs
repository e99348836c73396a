//! What differs by country and is known beforehand: emergency numbers. (Tones are in `dsp`.)

use crate::listen::words::Language;

/// A country whose tones and emergency numbers the box knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Country(&'static Row);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Row {
    code: &'static str,
    emergency: &'static [&'static str],
}

/// Emergency numbers after the national numbering plans (see also the ShortNumberMetadata of libphonenumber). `9911` is
/// 911 after the habit of dialling 9 for an outside line.
const TABLE: &[Row] = &[
    Row { code: "us", emergency: &["911", "9911", "112"] },
    Row { code: "uk", emergency: &["999", "112"] },
    Row { code: "de", emergency: &["112", "110"] },
    Row { code: "fr", emergency: &["112", "15", "17", "18", "114", "191", "196", "197"] },
    Row { code: "nl", emergency: &["112", "911"] },
    Row { code: "it", emergency: &["112", "113", "115", "117", "118", "1530"] },
    Row { code: "es", emergency: &["112", "061", "062", "080", "085", "088", "091", "092"] },
    Row { code: "at", emergency: &["112", "122", "128", "133", "140", "144"] },
    Row { code: "ch", emergency: &["112", "117", "118", "144", "145", "1414"] },
    Row { code: "be", emergency: &["112", "100", "101"] },
    Row { code: "se", emergency: &["112", "90000"] },
    Row { code: "au", emergency: &["000", "112", "106"] },
    Row { code: "jp", emergency: &["110", "118", "119"] },
];

impl Country {
    /// The United States: used where the file says nothing.
    pub const DEFAULT: Self = Self(&TABLE[0]);

    /// The country with this code in small letters ("gb" is taken for "uk").
    pub fn from_code(code: &str) -> Option<Self> {
        let code = if code == "gb" { "uk" } else { code };
        TABLE.iter().find(|row| row.code == code).map(Self)
    }

    /// ISO 3166 code, small letters; `uk` for `gb`.
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// Numbers that reach help from here. The configuration may add to them, never take one away.
    pub fn emergency(self) -> &'static [&'static str] {
        self.0.emergency
    }

    /// In which most of its companies speak, as far as the box knows it; else English.
    pub fn language(self) -> Language {
        match self.0.code {
            "de" | "at" | "ch" => Language::German,
            "fr" => Language::French,
            "es" => Language::Spanish,
            _ => Language::English,
        }
    }

    /// All codes, for messages.
    pub fn codes() -> String {
        TABLE.iter().map(|row| row.code).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn every_country_has_a_code_of_two_letters_and_numbers_of_digits() {
        for row in TABLE {
            assert_eq!(row.code.len(), 2, "{}", row.code);
            assert!(!row.emergency.is_empty(), "{}", row.code);
            for number in row.emergency {
                assert!(
                    (2..=5).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()),
                    "{number}"
                );
            }
            assert_eq!(
                TABLE.iter().filter(|other| other.code == row.code).count(),
                1,
                "{} is there twice",
                row.code
            );
        }
        assert_eq!(Country::from_code("uk"), Country::from_code("gb"));
        assert_eq!(Country::from_code("US"), None, "codes are written in small letters");
    }
}
