//! Every decision of the switchboard that is more than protocol, as a pure function that returns its reason.

use super::record::Outcome;
use crate::sip::Cause;
use crate::slay::RingEnd;
use crate::units::AccountId;

/// A trunk as the choice sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrunkView {
    pub(super) id: AccountId,
    pub(super) up: bool,
    pub(super) busy: usize,
    pub(super) channels: usize,
}

/// Where an outgoing call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Take this trunk.
    Trunk(AccountId),
    /// Take this trunk after ending a call on it.
    PreEmpt(AccountId),
    /// No trunk is registered.
    NoTrunk,
    /// All channels are in use.
    Full,
}

/// The first trunk that is up and has a free channel. An emergency call takes any trunk, one that is not registered
/// rather than none, and frees a channel if it must.
pub(super) fn route(trunks: &[TrunkView], emergency: bool) -> Route {
    let free = |t: &&TrunkView| t.busy < t.channels;
    if let Some(trunk) = trunks.iter().filter(|t| t.up).find(free) {
        return Route::Trunk(trunk.id);
    }
    let any_up = trunks.iter().find(|t| t.up);
    match (any_up, emergency) {
        (Some(trunk), true) => Route::PreEmpt(trunk.id),
        (Some(_), false) => Route::Full,
        (None, true) => trunks.first().map_or(Route::NoTrunk, |t| Route::Trunk(t.id)),
        (None, false) => Route::NoTrunk,
    }
}

/// What the record says of a call that the far side ended or refused before it was answered.
pub(super) fn outcome_of(cause: Cause) -> Outcome {
    match cause {
        Cause::Busy => Outcome::Busy,
        Cause::NoAnswer | Cause::Timeout => Outcome::NoAnswer,
        Cause::Cancelled => Outcome::Cancelled,
        _ => Outcome::Failed,
    }
}

/// What the holding machine makes of a phone that did not answer.
pub(super) fn ring_end(cause: Cause) -> RingEnd {
    match cause {
        Cause::Busy => RingEnd::Busy,
        Cause::Rejected => RingEnd::Declined,
        Cause::Unavailable | Cause::Timeout | Cause::Congestion | Cause::Unauthorized => RingEnd::Unreachable,
        _ => RingEnd::NoAnswer,
    }
}

/// The cause that tells a caller most, when several phones refused: busy before no answer before unreachable.
pub(super) fn told_to_caller(causes: &[Cause]) -> Cause {
    let best = [Cause::Busy, Cause::Rejected, Cause::NoAnswer];
    best.into_iter().find(|c| causes.contains(c)).unwrap_or(Cause::Unavailable)
}

/// A cause in words for the record.
pub(super) fn in_words(cause: Cause) -> String {
    match cause {
        Cause::Normal => "hung up".into(),
        Cause::Cancelled => "given up before an answer".into(),
        Cause::Busy => "busy".into(),
        Cause::NoAnswer => "no answer".into(),
        Cause::Rejected => "rejected".into(),
        Cause::NoSuchNumber => "no such number".into(),
        Cause::Unauthorized => "the password was not accepted".into(),
        Cause::NotAcceptable => "no common way to send sound".into(),
        Cause::Unavailable => "not reachable".into(),
        Cause::Timeout => "no response from the network".into(),
        Cause::Congestion => "all lines of the box are in use".into(),
        Cause::Status(status) => format!("SIP status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(id: u8, up: bool, busy: usize) -> TrunkView {
        TrunkView { id: AccountId(id), up, busy, channels: 1 }
    }

    #[test]
    fn routes() {
        for (trunks, emergency, want) in [
            (&[trunk(0, true, 0)][..], false, Route::Trunk(AccountId(0))),
            (&[trunk(0, false, 0), trunk(1, true, 0)], false, Route::Trunk(AccountId(1))),
            (&[trunk(0, true, 1)], false, Route::Full),
            (&[trunk(0, true, 1)], true, Route::PreEmpt(AccountId(0))),
            (&[trunk(0, true, 1), trunk(1, true, 0)], true, Route::Trunk(AccountId(1))),
            (&[trunk(0, false, 0)], false, Route::NoTrunk),
            (&[trunk(0, false, 0)], true, Route::Trunk(AccountId(0))),
            (&[], true, Route::NoTrunk),
        ] {
            assert_eq!(route(trunks, emergency), want, "{trunks:?} {emergency}");
        }
    }

    #[test]
    fn the_caller_hears_the_most_telling_cause() {
        assert_eq!(told_to_caller(&[Cause::Unavailable, Cause::Busy]), Cause::Busy);
        assert_eq!(told_to_caller(&[Cause::NoAnswer, Cause::Timeout]), Cause::NoAnswer);
        assert_eq!(told_to_caller(&[]), Cause::Unavailable);
    }
}
