//! Which trunk an outgoing call takes, and which one takes it when that fails.

use crate::sip::Cause;
use crate::units::AccountId;

/// A trunk as the choice sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// Whose.
    pub id: AccountId,
    /// As the owner calls it.
    pub name: &'a str,
    /// Registered, or known by its address.
    pub up: bool,
    /// Calls on it.
    pub busy: usize,
    /// Calls it carries at once.
    pub channels: usize,
}

/// Where an outgoing call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Take this trunk.
    Trunk(AccountId),
    /// Take this trunk after ending a call on it.
    PreEmpt(AccountId),
    /// No trunk is registered.
    NoTrunk,
    /// All channels are in use.
    Full,
}

impl Route {
    /// The trunk taken, if any.
    pub const fn trunk(self) -> Option<AccountId> {
        match self {
            Self::Trunk(id) | Self::PreEmpt(id) => Some(id),
            Self::NoTrunk | Self::Full => None,
        }
    }
}

/// The first trunk in the file's order that is up, has a free channel and has not `tried` this call. An emergency call
/// takes any trunk: it frees a channel if it must, and one that is not registered is better than none.
pub fn route(trunks: &[View<'_>], tried: &[AccountId], emergency: bool) -> Route {
    let fresh: Vec<&View<'_>> = trunks.iter().filter(|t| !tried.contains(&t.id)).collect();
    if let Some(trunk) = fresh.iter().find(|t| t.up && t.busy < t.channels) {
        return Route::Trunk(trunk.id);
    }
    let up = fresh.iter().find(|t| t.up);
    match (up, emergency) {
        (Some(trunk), true) => Route::PreEmpt(trunk.id),
        (Some(_), false) => Route::Full,
        (None, true) => fresh.first().map_or(Route::NoTrunk, |t| Route::Trunk(t.id)),
        (None, false) => Route::NoTrunk,
    }
}

/// Why a call goes through the trunk it goes through: its name, and what was wrong with those before it.
pub fn reason(trunks: &[View<'_>], tried: &[AccountId], taken: AccountId) -> String {
    let name = |id| trunks.iter().find(|t| t.id == id).map_or("no trunk", |t| t.name);
    let passed = trunks.iter().take_while(|t| t.id != taken).filter(|t| !tried.contains(&t.id));
    let passed: Vec<String> = passed
        .map(|t| match t.up {
            true => format!("all channels of {} are in use", t.name),
            false => format!("{} is not registered", t.name),
        })
        .collect();
    let through = format!("through {}", name(taken));
    if passed.is_empty() { through } else { format!("{through}, for {}", passed.join(" and ")) }
}

/// Whether a call that failed before it rang may be tried on the next trunk: only where the trunk itself failed, never
/// where the callee or a rule has spoken.
pub const fn is_the_trunks_own_failure(cause: Cause) -> bool {
    // RFC 3261 §21.4.3 reserves 402; providers send it when the account has run dry.
    matches!(
        cause,
        Cause::Unavailable | Cause::Timeout | Cause::Congestion | Cause::Unauthorized | Cause::Status(402)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn trunk(id: u8, up: bool, busy: usize) -> View<'static> {
        View { id: AccountId(id), name: if id == 0 { "home" } else { "spare" }, up, busy, channels: 1 }
    }

    #[test]
    fn routes() {
        let (zero, one) = (AccountId(0), AccountId(1));
        for (trunks, tried, emergency, want) in [
            (&[trunk(0, true, 0)][..], &[][..], false, Route::Trunk(zero)),
            (&[trunk(0, false, 0), trunk(1, true, 0)], &[], false, Route::Trunk(one)),
            (&[trunk(0, true, 1)], &[], false, Route::Full),
            (&[trunk(0, true, 1)], &[], true, Route::PreEmpt(zero)),
            (&[trunk(0, true, 1), trunk(1, true, 0)], &[], true, Route::Trunk(one)),
            (&[trunk(0, true, 1), trunk(1, true, 0)], &[], false, Route::Trunk(one)),
            (&[trunk(0, false, 0)], &[], false, Route::NoTrunk),
            (&[trunk(0, false, 0)], &[], true, Route::Trunk(zero)),
            (&[], &[], true, Route::NoTrunk),
            // After a failure.
            (&[trunk(0, true, 0), trunk(1, true, 0)], &[zero], false, Route::Trunk(one)),
            (&[trunk(0, true, 0), trunk(1, false, 0)], &[zero], false, Route::NoTrunk),
            (&[trunk(0, true, 0), trunk(1, false, 0)], &[zero], true, Route::Trunk(one)),
            (&[trunk(0, true, 0), trunk(1, true, 1)], &[zero], true, Route::PreEmpt(one)),
            (&[trunk(0, true, 0), trunk(1, true, 0)], &[zero, one], true, Route::NoTrunk),
        ] {
            assert_eq!(route(trunks, tried, emergency), want, "{trunks:?} {tried:?} {emergency}");
        }
    }

    #[test]
    fn the_reason_names_what_was_passed_over() {
        let all = [trunk(0, false, 0), trunk(1, true, 0)];
        assert_eq!(reason(&all, &[], AccountId(1)), "through spare, for home is not registered");
        assert_eq!(reason(&all, &[AccountId(0)], AccountId(1)), "through spare");
        let full = [trunk(0, true, 1), trunk(1, true, 0)];
        assert_eq!(reason(&full, &[], AccountId(1)), "through spare, for all channels of home are in use");
        assert_eq!(reason(&full, &[], AccountId(0)), "through home");
    }

    #[test]
    fn a_person_or_a_rule_is_never_asked_twice() {
        for cause in [Cause::Busy, Cause::NoAnswer, Cause::Rejected, Cause::NoSuchNumber, Cause::Normal] {
            assert!(!is_the_trunks_own_failure(cause), "{cause:?}");
        }
        for cause in [Cause::Unavailable, Cause::Timeout, Cause::Unauthorized] {
            assert!(is_the_trunks_own_failure(cause), "{cause:?}");
        }
    }
}
