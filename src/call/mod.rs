//! The switchboard: legs joined into calls, and every decision about them.

pub mod record;
pub mod snapshot;

pub use record::{Decision, Outcome, Record, Span};
pub use snapshot::{CallView, PeerView, Phase, Snapshot};

use crate::units::CallId;

/// What the page, the button or a script asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Hold this call for me (`None`: the one that is up).
    HoldNow(Option<CallId>),
    /// End the call.
    HangUp(CallId),
    /// Ring my phone and give me the held call now, person or not.
    Take(CallId),
    /// Short press of the button: hold the call that is up.
    Button,
}
