//! Which numbers may be dialled: toll fraud ends at what costs extra.

use super::number::{NANP_ABROAD, Numbering};
use crate::sip::plain;

/// What the owner allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Every number of another country.
    pub international: bool,
    /// Every number that costs extra.
    pub premium: bool,
    /// Numbers that begin like this, in the international form with `+`.
    pub prefixes: Vec<String>,
}

/// Most digits of a provider's code, such as *67 or #31#.
const CODE_DIGITS: usize = 3;

/// Refuses a dialled number that costs extra and was not allowed. Emergency numbers are never asked about.
///
/// # Errors
/// Why, and what would allow it.
pub fn admit(plan: &Numbering, allowed: &Allowed, dialled: &str) -> Result<(), String> {
    let text = plain(dialled);
    // Providers have codes of their own: what follows one is dialled as well.
    let behind = text.match_indices(['*', '#']).flat_map(|(at, _)| at + 1..=at + CODE_DIGITS + 1);
    [0].into_iter()
        .chain(behind)
        .filter_map(|at| text.get(at..))
        .try_for_each(|part| judge(plan, allowed, part))
}

fn judge(plan: &Numbering, allowed: &Allowed, dialled: &str) -> Result<(), String> {
    let Some(number) = plan.at_worst(dialled) else {
        let short = plain(dialled);
        let dear = plan.premium_short.iter().any(|prefix| short.starts_with(prefix));
        return if dear && !allowed.premium { Err(refusal("costs extra", "premium")) } else { Ok(()) };
    };
    if allowed.prefixes.iter().any(|prefix| number.starts_with(prefix)) {
        return Ok(());
    }
    let begins = |own: &str, list: &[&str]| list.iter().any(|prefix| own.starts_with(prefix));
    match plan.own(&number) {
        Some(own) if !allowed.premium && begins(own, plan.premium) => Err(refusal("costs extra", "premium")),
        Some(own) if !allowed.international && plan.nanp() && begins(own, NANP_ABROAD) => {
            Err(refusal("is abroad", "international"))
        }
        None if !allowed.international => Err(refusal("is abroad", "international")),
        _ => Ok(()),
    }
}

fn refusal(what: &str, key: &str) -> String {
    format!("the number {what}: [guard] allow = [\"{key}\"] would let it through")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_be_called() {
        let none = Allowed::default();
        let abroad = Allowed { international: true, ..none.clone() };
        let premium = Allowed { premium: true, ..none.clone() };
        let london = Allowed { prefixes: vec!["+4420".into(), "+49900".into()], ..none.clone() };
        for (country, allowed, number, admitted) in [
            ("de", &none, "030123456", true),
            ("de", &none, "12345", true),
            ("de", &none, "0900123456", false),
            ("de", &none, "+49 900 123456", false),
            ("de", &none, "0049900123456", false),
            ("de", &none, "11880", false),
            ("de", &premium, "11880", true),
            ("de", &premium, "0900123456", true),
            ("de", &premium, "004420794600", false),
            ("de", &none, "004420794600", false),
            ("de", &abroad, "004420794600", true),
            ("de", &abroad, "0900123456", false),
            ("de", &london, "004420794600", true),
            ("de", &london, "004421794600", false),
            ("de", &london, "0900123456", true),
            ("us", &none, "18005550123", true),
            ("us", &none, "19005550123", false),
            ("us", &none, "9005550123", false),
            ("us", &none, "18765550123", false),
            ("us", &abroad, "18765550123", true),
            ("us", &none, "01144207946000", false),
            ("es", &none, "806123456", false),
            ("uk", &none, "08451234567", true),
            ("uk", &none, "09011234567", false),
            // Too many digits, signs between them, and codes of the provider's before them.
            ("us", &none, "190055501234", false),
            ("us", &none, "900555012345", false),
            ("us", &none, "19005550123#", false),
            ("us", &none, "011442079460001234567", false),
            ("us", &none, "*8219005550123", false),
            ("us", &none, "*67*8219005550123", false),
            ("us", &none, "*722125550123", true),
            ("de", &none, "00442079460001234567", false),
            ("de", &none, "0900x123456", false),
            ("de", &none, "#31#0900123456", false),
            ("de", &none, "*31#004420794600", false),
            ("de", &none, "*21*030123456#", true),
            ("de", &none, "*97", true),
            ("de", &london, "#31#004420794600", true),
        ] {
            assert_eq!(
                admit(Numbering::of(country), allowed, number).is_ok(),
                admitted,
                "{country} {number} {allowed:?}"
            );
        }
    }

    #[test]
    fn the_refusal_says_what_would_allow_it() {
        let told = admit(Numbering::of("us"), &Allowed::default(), "19005550123");
        assert_eq!(
            told,
            Err("the number costs extra: [guard] allow = [\"premium\"] would let it through".into())
        );
    }
}
