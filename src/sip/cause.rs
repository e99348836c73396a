//! Why a leg ended, in SIP's numbers.

use super::Cause;

impl Cause {
    /// What a final status of a peer means, RFC 3261 §21.
    pub const fn from_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Normal,
            487 => Self::Cancelled,
            486 | 600 => Self::Busy,
            408 | 480 => Self::NoAnswer,
            // RFC 8197: 607 is a person's refusal.
            403 | 603 | 607 => Self::Rejected,
            404 | 410 | 484 | 604 => Self::NoSuchNumber,
            401 | 407 => Self::Unauthorized,
            488 | 606 => Self::NotAcceptable,
            430 | 500..=599 => Self::Unavailable,
            other => Self::Status(other),
        }
    }

    /// The final response that tells a peer so.
    pub const fn to_status(self) -> (u16, &'static str) {
        match self {
            // A leg of ours that ends ordinarily before it was answered: nobody took the call.
            Self::Normal | Self::NoAnswer => (480, "Temporarily Unavailable"),
            Self::Cancelled | Self::Elsewhere => (487, "Request Terminated"),
            Self::Busy => (486, "Busy Here"),
            Self::Rejected => (603, "Decline"),
            Self::NoSuchNumber => (404, "Not Found"),
            // Our credentials failed elsewhere: nothing the caller could repair with his own.
            Self::Unauthorized | Self::OtherRealm => (403, "Forbidden"),
            Self::NotAcceptable | Self::Unencrypted => (488, "Not Acceptable Here"),
            Self::Unavailable | Self::Congestion => (503, "Service Unavailable"),
            Self::Timeout => (408, "Request Timeout"),
            // Only a final failure can be passed on: a stray 1xx, 2xx or 3xx would not end the leg.
            Self::Status(status @ 400..=699) => (status, "Call Failed"),
            Self::Status(_) => (500, "Server Internal Error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_keep_their_meaning_from_one_side_to_the_other() {
        let cases = [
            (200, Cause::Normal),
            (487, Cause::Cancelled),
            (486, Cause::Busy),
            (600, Cause::Busy),
            (408, Cause::NoAnswer),
            (480, Cause::NoAnswer),
            (403, Cause::Rejected),
            (603, Cause::Rejected),
            (607, Cause::Rejected),
            (404, Cause::NoSuchNumber),
            (484, Cause::NoSuchNumber),
            (604, Cause::NoSuchNumber),
            (407, Cause::Unauthorized),
            (488, Cause::NotAcceptable),
            (606, Cause::NotAcceptable),
            (430, Cause::Unavailable),
            (503, Cause::Unavailable),
            (599, Cause::Unavailable),
            (302, Cause::Status(302)),
            (420, Cause::Status(420)),
        ];
        for (status, cause) in cases {
            assert_eq!(Cause::from_status(status), cause, "{status}");
        }
    }

    #[test]
    fn every_cause_is_told_by_a_final_failure() {
        for status in 0..=999 {
            let (told, reason) = Cause::from_status(status).to_status();
            assert!((400..700).contains(&told), "{status} became {told}");
            assert!(!reason.is_empty());
        }
        let causes =
            [Cause::Busy, Cause::NoAnswer, Cause::Rejected, Cause::NoSuchNumber, Cause::NotAcceptable];
        for cause in causes {
            assert_eq!(Cause::from_status(cause.to_status().0), cause);
        }
        assert_eq!(Cause::Timeout.to_status().0, 408);
    }
}
