//! Client transactions, RFC 3261 §17.1 with the Accepted state of RFC 6026.

use super::hop::Hop;
use super::message::{Method, Request, Response};
use super::timers::{PATIENCE, T1, T2, T4, backed_off};
use crate::units::{AccountId, Digit, Instant, LegId};
use core::time::Duration;

/// Most branches of a forked INVITE that get their own ACK and BYE; further ones are left to time out.
pub const FORKS: usize = 8;

/// What finds the transaction of a response, RFC 3261 §17.1.3: our branch, and whether it is the CANCEL, which shares
/// the branch of its INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    branch: u64,
    cancel: bool,
}

impl ClientId {
    /// An id from 64 random bits.
    pub const fn new(branch: u64) -> Self {
        Self { branch, cancel: false }
    }

    /// The id of the CANCEL for this INVITE.
    pub const fn cancel(self) -> Self {
        Self { cancel: true, ..self }
    }

    /// The branch parameter with the magic cookie of RFC 3261 §8.1.1.7.
    pub fn branch(self) -> String {
        format!("z9hG4bK{:016x}", self.branch)
    }

    /// The id that a response's topmost branch and CSeq method speak of, if the branch is one of ours.
    pub fn of(branch: &str, method: &Method) -> Option<Self> {
        let branch = u64::from_str_radix(branch.strip_prefix("z9hG4bK")?, 16).ok()?;
        Some(Self { branch, cancel: *method == Method::Cancel })
    }
}

/// Who wants to know how the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody: CANCEL, BYE, and an INVITE that was given up.
    Nobody,
    /// The leg this INVITE opens.
    Call(LegId),
    /// The leg this re-INVITE or UPDATE keeps alive, RFC 4028.
    Refresh(LegId),
    /// The leg this INFO belongs to, the digit that it tells, and how long that was held.
    Info(LegId, Digit, Duration),
    /// The leg whose peer this REFER asks to call somebody else.
    Refer(LegId),
    /// The leg on which a REFER came, which this NOTIFY tells how it goes.
    Report(LegId),
    /// The leg whose dialog this PRACK is in: nothing depends on how it ends.
    Aside(LegId),
    /// The subscription of this account.
    Notify(AccountId),
    /// The registration of this account.
    Register(AccountId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calling or Trying: no response yet.
    Asking,
    Proceeding,
    Completed,
    Accepted,
}

/// What a response means to its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// A copy, or out of place.
    Absorbed,
    /// 1xx.
    Provisional,
    /// The first final response.
    Final,
    /// One more final response to INVITE: the ACK was lost, or the INVITE forked.
    Again,
}

/// What a deadline means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Nothing yet.
    Early,
    /// Send the request again.
    Resend,
    /// No final response came: Timer B or F.
    TimedOut,
    /// The transaction has done its duty.
    Gone,
}

/// One request on its way.
#[derive(Debug)]
pub struct Client {
    /// As sent.
    pub request: Request,
    /// The request's bytes.
    pub bytes: Vec<u8>,
    /// Where it went.
    pub to: Hop,
    /// Where it goes if that cannot be reached, RFC 3261 §18.1.1.
    pub else_to: Option<Hop>,
    /// On whose behalf, for credentials.
    pub account: AccountId,
    /// Who hears of the end.
    pub owner: Owner,
    /// The nonce answered in it, if it carries credentials.
    pub nonce: Option<String>,
    /// How often a challenge has been answered.
    pub tries: u8,
    /// CANCEL waits for the first provisional response, RFC 3261 §9.1.
    pub cancel_wanted: bool,
    /// CANCEL says that the call was answered by another phone, RFC 3326.
    pub taken_elsewhere: bool,
    /// ACKs by the To tag they acknowledge, and where they went.
    acks: Vec<(String, Hop, Vec<u8>)>,
    state: State,
    gap: Duration,
    resend_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Client {
    /// A transaction whose request is being sent now.
    pub fn new(now: Instant, request: Request, to: Hop, account: AccountId, owner: Owner) -> Self {
        Self {
            bytes: request.emit(),
            request,
            to,
            else_to: None,
            account,
            owner,
            nonce: None,
            tries: 0,
            cancel_wanted: false,
            taken_elsewhere: false,
            acks: Vec::new(),
            state: State::Asking,
            gap: T1,
            // RFC 3261 §17.1.1.2 and §17.1.2.2: timers A and E start at T1, where nothing else repeats what is lost;
            // B and F at 64·T1.
            resend_at: (!to.transport.is_reliable()).then(|| now + T1),
            ends_at: Some(now + PATIENCE),
        }
    }

    fn invite(&self) -> bool {
        self.request.method == Method::Invite
    }

    /// When [`Self::expire`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        [self.resend_at, self.ends_at].into_iter().flatten().min()
    }

    /// An INVITE that has a provisional response and no final one, so that CANCEL may be sent.
    pub fn cancellable(&self) -> bool {
        self.invite() && self.state == State::Proceeding
    }

    /// No final response yet.
    pub fn pending(&self) -> bool {
        matches!(self.state, State::Asking | State::Proceeding)
    }

    /// No response at all yet.
    pub fn unheard(&self) -> bool {
        self.state == State::Asking
    }

    /// CANCEL has been sent: the INVITE is given up if nothing comes, RFC 3261 §9.1.
    pub fn cancelled(&mut self, now: Instant) {
        self.cancel_wanted = false;
        self.patience(now);
    }

    /// The connection is gone: a final response is awaited for so long still.
    pub fn patience(&mut self, now: Instant) {
        self.ends_at = Some(now + PATIENCE);
    }

    /// Takes the status of a response.
    pub fn receive(&mut self, now: Instant, status: u16) -> Receipt {
        match (self.state, status) {
            (State::Asking | State::Proceeding, 100..=199) => {
                if self.state == State::Asking && self.invite() {
                    // RFC 3261 §17.1.1.2: an INVITE with a provisional response waits for as long as it rings. A
                    // refresh rings nobody.
                    let bounded = matches!(self.owner, Owner::Refresh(_));
                    (self.resend_at, self.ends_at) = (None, bounded.then(|| now + PATIENCE));
                } else if self.state == State::Asking && self.resend_at.is_some() {
                    // RFC 3261 §17.1.2.2: Timer E runs on at T2.
                    self.gap = T2;
                    self.resend_at = Some(now + T2);
                }
                self.state = State::Proceeding;
                Receipt::Provisional
            }
            (State::Asking | State::Proceeding, _) => {
                let accepted = self.invite() && status < 300;
                self.state = if accepted { State::Accepted } else { State::Completed };
                self.resend_at = None;
                if accepted {
                    // It stays for copies of the 2xx, and is not sent again.
                    self.bytes = Vec::new();
                }
                // RFC 3261 §17.1.1.2 Timer D, RFC 6026 §8.4 Timer M; §17.1.2.2 Timer K.
                let copies = if self.invite() { PATIENCE } else { T4 };
                let none = self.to.transport.is_reliable() && !accepted;
                self.ends_at = Some(now + if none { Duration::ZERO } else { copies });
                Receipt::Final
            }
            (State::Accepted, 200..=299) => Receipt::Again,
            (State::Completed, 300..) if self.invite() => Receipt::Again,
            _ => Receipt::Absorbed,
        }
    }

    /// Takes the time.
    pub fn expire(&mut self, now: Instant) -> Expiry {
        if self.ends_at.is_some_and(|at| at <= now) {
            return if self.pending() { Expiry::TimedOut } else { Expiry::Gone };
        }
        if self.resend_at.is_some_and(|at| at <= now) {
            // RFC 3261 §17.1.1.2: Timer A doubles until Timer B fires; §17.1.2.2: Timer E doubles up to T2.
            self.gap = if self.invite() { self.gap * 2 } else { backed_off(self.gap) };
            self.resend_at = Some(now + self.gap);
            return Expiry::Resend;
        }
        Expiry::Early
    }

    /// The ACK already sent to the peer with this To tag.
    pub fn ack(&self, tag: Option<&str>) -> Option<(Hop, &[u8])> {
        let tag = tag.unwrap_or_default();
        self.acks.iter().find(|(known, ..)| known == tag).map(|(_, to, bytes)| (*to, bytes.as_slice()))
    }

    /// Keeps an ACK for copies of the final response. False if too many peers have answered.
    pub fn keep_ack(&mut self, tag: Option<&str>, to: Hop, bytes: Vec<u8>) -> bool {
        let room = self.acks.len() < FORKS;
        if room {
            self.acks.push((tag.unwrap_or_default().to_owned(), to, bytes));
        }
        room
    }

    /// The ACK for a final response from 300 on: same branch, the response's To. RFC 3261 §17.1.1.3.
    pub fn ack_refusal(&self, response: &Response) -> Request {
        let mut ack = self.follow(Method::Ack);
        ack.headers.set("To", response.headers.first("To").unwrap_or_default());
        ack
    }

    /// The CANCEL for this INVITE: everything the same but the method, RFC 3261 §9.1.
    pub fn cancel(&self) -> Request {
        let mut cancel = self.follow(Method::Cancel);
        if self.taken_elsewhere {
            // RFC 3326 §2.
            cancel.headers.push("Reason", "SIP;cause=200;text=\"Call completed elsewhere\"");
        }
        cancel
    }

    fn follow(&self, method: Method) -> Request {
        let (from, to) = (self.request.from(), self.request.to());
        let mut request = Request::new(
            method,
            self.request.uri.clone(),
            &from,
            &to,
            self.request.call_id(),
            self.request.cseq().0,
        );
        if let Some(via) = self.request.headers.first("Via") {
            request.headers.push_front("Via", via);
        }
        for route in self.request.headers.all("Route") {
            request.headers.push("Route", route);
        }
        request
    }
}
