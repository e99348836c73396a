//! Every decision of the switchboard that is more than protocol, as a pure function that returns its reason.

use super::record::Outcome;
use crate::sip::Cause;
use crate::slay::RingEnd;

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
        Cause::Elsewhere => "another phone took the call".into(),
        Cause::Busy => "busy".into(),
        Cause::NoAnswer => "no answer".into(),
        Cause::Rejected => "rejected".into(),
        Cause::NoSuchNumber => "no such number".into(),
        Cause::Unauthorized => "the password was not accepted".into(),
        Cause::NotAcceptable => "no common way to send sound".into(),
        Cause::OtherRealm => {
            "it asks for the password of another realm than the one that `realm` names".into()
        }
        Cause::Unencrypted => "no encrypted sound (SRTP), without which there shall be no call".into(),
        Cause::Unavailable => "not reachable".into(),
        Cause::Timeout => "no response from the network".into(),
        Cause::Congestion => "all lines of the box are in use".into(),
        Cause::Status(status) => format!("SIP status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_hears_the_most_telling_cause() {
        assert_eq!(told_to_caller(&[Cause::Unavailable, Cause::Busy]), Cause::Busy);
        assert_eq!(told_to_caller(&[Cause::NoAnswer, Cause::Timeout]), Cause::NoAnswer);
        assert_eq!(told_to_caller(&[]), Cause::Unavailable);
    }
}
