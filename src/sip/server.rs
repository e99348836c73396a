//! Server transactions, RFC 3261 §17.2 with the Accepted state of RFC 6026.

use super::hop::Hop;
use super::message::{Method, Request};
use super::timers::{PATIENCE, T1, T4, backed_off};
use crate::units::{Instant, LegId};
use core::time::Duration;

/// What finds the transaction of a request, RFC 3261 §17.2.3.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(String);

impl ServerId {
    /// The id of a request; an ACK or CANCEL has the id of its INVITE.
    pub fn of(request: &Request) -> Self {
        let via = request.via();
        let sent_by = format!("{} {:?}", via.host, via.port);
        let (seq, method) = request.cseq();
        let method = match method {
            Method::Ack | Method::Cancel => Method::Invite,
            other => other,
        };
        match via.branch().filter(|branch| branch.starts_with("z9hG4bK")) {
            Some(branch) => Self(format!("{branch} {sent_by} {method}")),
            None => {
                // A peer older than RFC 3261 repeats everything but the To tag.
                let from = request.from();
                let tag = from.tag().unwrap_or_default();
                Self(format!("{} {tag} {seq} {sent_by} {method}", request.call_id()))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
}

/// What a deadline means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Nothing yet.
    Early,
    /// Send the last response again.
    Resend,
    /// The transaction is over.
    Gone,
}

/// One request being answered.
#[derive(Debug)]
pub struct Server {
    /// The last response, if any was sent.
    pub last: Option<Vec<u8>>,
    /// Where responses go, RFC 3581 §4: the source.
    pub to: Hop,
    /// Where they go once that connection is gone, RFC 3261 §18.2.2.
    pub else_to: Option<Hop>,
    /// The leg that this INVITE opens.
    pub leg: Option<LegId>,
    invite: bool,
    state: State,
    gap: Duration,
    resend_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Server {
    /// A transaction without a response yet.
    pub const fn new(invite: bool, to: Hop, leg: Option<LegId>) -> Self {
        Self {
            last: None,
            to,
            else_to: None,
            leg,
            invite,
            state: State::Proceeding,
            gap: T1,
            resend_at: None,
            ends_at: None,
        }
    }

    /// When [`Self::expire`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        [self.resend_at, self.ends_at].into_iter().flatten().min()
    }

    /// No final response has been sent.
    pub fn pending(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Takes a response that is being sent. False if the final one has gone out before.
    pub fn respond(&mut self, now: Instant, status: u16, bytes: Vec<u8>) -> bool {
        if !self.pending() {
            return false;
        }
        let accepted = self.invite && (200..300).contains(&status);
        // A 2xx to INVITE is repeated by its leg, RFC 3261 §13.3.1.4.
        self.last = (!accepted).then_some(bytes);
        if status < 200 {
            return true;
        }
        // RFC 3261 §17.2.1 Timer H, §17.2.2 Timer J (a stream brings no copies), RFC 6026 §8.3 Timer L.
        let copies = self.invite || !self.to.transport.is_reliable();
        self.ends_at = Some(now + if copies { PATIENCE } else { Duration::ZERO });
        self.state = if accepted { State::Accepted } else { State::Completed };
        if self.invite && self.state == State::Completed && !self.to.transport.is_reliable() {
            // RFC 3261 §17.2.1: Timer G repeats a refusal until the ACK.
            self.resend_at = Some(now + T1);
        }
        true
    }

    /// A copy of the request came: what to send again. In Accepted the leg repeats the 2xx by itself.
    pub fn repeat(&self) -> Option<&[u8]> {
        match self.state {
            State::Proceeding | State::Completed => self.last.as_deref(),
            State::Confirmed | State::Accepted => None,
        }
    }

    /// The refusal of an INVITE that the peer may not have heard.
    pub fn unheard(&self) -> Option<&[u8]> {
        self.last.as_deref().filter(|_| self.invite && self.state == State::Completed)
    }

    /// An ACK with the INVITE's branch came. False if it is not for a refusal.
    pub fn ack(&mut self, now: Instant) -> bool {
        if self.state == State::Completed {
            // RFC 3261 §17.2.1: Timer I absorbs further copies of the ACK.
            self.state = State::Confirmed;
            self.resend_at = None;
            self.ends_at = Some(now + if self.to.transport.is_reliable() { Duration::ZERO } else { T4 });
        }
        self.state == State::Confirmed
    }

    /// Takes the time.
    pub fn expire(&mut self, now: Instant) -> Expiry {
        if self.ends_at.is_some_and(|at| at <= now) {
            return Expiry::Gone;
        }
        if self.resend_at.is_some_and(|at| at <= now) {
            self.gap = backed_off(self.gap);
            self.resend_at = Some(now + self.gap);
            return Expiry::Resend;
        }
        Expiry::Early
    }
}
