//! One side of a call: a dialog and its media port.

use crate::media::{Overlay, Stream};
use crate::rtp::report::Quality;
use crate::sip::Session;
use crate::units::{AccountId, Instant, LegId, PortId};

/// What a leg of the house is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It talks with the trunk's leg, or will once that is answered.
    Talks,
    /// It hears the confirmation and hangs up.
    Confirms,
    /// It hears the held line and is not heard.
    Listens,
    /// It rings.
    Rings,
    /// It was taken outside the house, and hears that one key puts it through: a machine would not press it.
    Asked,
}

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) account: AccountId,
    pub(super) port: PortId,
    pub(super) role: Role,
    /// What offer and answer settled so far.
    pub(super) session: Option<Session>,
    /// The media port is open, since when, and in which opening.
    pub(super) open: Option<(Instant, u32)>,
    /// Answered.
    pub(super) up: bool,
    /// It was called on a trunk, for the owner.
    pub(super) outside: bool,
    /// A loudspeaker hears it: nobody is there to be joined.
    pub(super) aloud: bool,
    /// A key is waited for until then.
    pub(super) asked_until: Option<Instant>,
    /// The peer holds us.
    pub(super) parked: bool,
    /// Sounds over all that it hears for as long as it is up.
    pub(super) overlay: Option<Overlay>,
    /// In the place of that it hears that somebody waits for it.
    pub(super) beeps: bool,
    /// It has been told that it is recorded.
    pub(super) noticed: bool,
    /// Seconds without a packet of the peer's, as media told last.
    pub(super) silent_s: u32,
    /// How its streams fared last.
    pub(super) quality: Option<Quality>,
}

impl Leg {
    /// The owner hears the confirmation, or the held line.
    pub(super) fn is_with_owner(&self) -> bool {
        matches!(self.role, Role::Confirms | Role::Listens) && !self.aloud
    }

    pub(super) fn new(id: LegId, account: AccountId, port: PortId, role: Role) -> Self {
        Self {
            id,
            account,
            port,
            role,
            session: None,
            open: None,
            up: false,
            outside: false,
            aloud: false,
            asked_until: None,
            parked: false,
            overlay: None,
            beeps: false,
            noticed: false,
            silent_s: 0,
            quality: None,
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.session.is_some_and(|session| session.keys.is_some())
    }

    pub(super) fn stream(session: &Session) -> Stream {
        Stream {
            remote: session.remote,
            codec: session.codec,
            payload_type: session.payload_type,
            event_type: session.event_type,
            rtcp: session.rtcp,
            send: session.send,
            keys: session.keys,
        }
    }
}
