//! A leg as the user agent sees it: its dialog, its description of sound, and what it still waits for.

use super::client::ClientId;
use super::crypto::Protection;
use super::dialog::Dialog;
use super::message::{Headers, Request, Response};
use super::multipart::{Body, body};
use super::offer::{self, NoMatch};
use super::reliable::{Early, Reliable};
use super::server::ServerId;
use super::timers::{PATIENCE, T1, backed_off};
use super::{Hop, LocalMedia, Session};
use crate::units::{AccountId, Instant};
use core::time::Duration;

/// How far a leg has come.
#[derive(Debug)]
pub enum State {
    /// Our INVITE waits for its final response.
    Calling {
        /// The INVITE's transaction; each answered challenge makes a new one.
        client: ClientId,
        /// `Event::Ringing` has been sent.
        rang: bool,
    },
    /// The peer's INVITE waits for ours.
    Incoming {
        /// The INVITE's transaction.
        server: ServerId,
        /// The INVITE.
        invite: Box<Request>,
        /// Our answer to its offer has gone out in a 183, or our own offer.
        described: bool,
    },
    /// 2xx has gone out or come in.
    Up,
}

/// What an ACK is awaited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// It brings the answer to our offer.
    pub offered: bool,
    /// It confirms the leg's first INVITE.
    pub opening: bool,
}

/// A 2xx of ours that waits for its ACK, RFC 3261 §13.3.1.4.
#[derive(Debug)]
pub struct Unacked {
    /// The 200.
    pub ok: Vec<u8>,
    /// Where it goes.
    pub to: Hop,
    /// Where it goes once that connection is gone, RFC 3261 §18.2.2.
    pub else_to: Option<Hop>,
    /// CSeq number of the INVITE.
    pub seq: u32,
    /// What the ACK will settle.
    pub what: Awaited,
    gap: Duration,
    resend_at: Instant,
    gives_up_at: Instant,
}

impl Unacked {
    /// A 200 that is being sent now.
    pub fn new(now: Instant, ok: Vec<u8>, to: Hop, seq: u32, what: Awaited) -> Self {
        Self { ok, to, else_to: None, seq, what, gap: T1, resend_at: now + T1, gives_up_at: now + PATIENCE }
    }

    /// When to look again.
    pub fn deadline(&self) -> Instant {
        self.resend_at.min(self.gives_up_at)
    }

    /// The ACK has not come within 64·T1.
    pub fn given_up(&self, now: Instant) -> bool {
        self.gives_up_at <= now
    }

    /// True if the 200 is to be sent again, from T1 doubling up to T2.
    pub fn resend(&mut self, now: Instant) -> bool {
        let due = self.resend_at <= now;
        if due {
            self.gap = backed_off(self.gap);
            self.resend_at = now + self.gap;
        }
        due
    }
}

/// Our session description, with a version that rises when it changes, RFC 3264 §8.
#[derive(Debug)]
pub struct Description {
    id: u64,
    version: u64,
    last: String,
    protection: Protection,
}

impl Description {
    /// Nothing described yet. `id` is the number in the origin line.
    pub const fn new(id: u64, protection: Protection) -> Self {
        Self { id, version: 1, last: String::new(), protection }
    }

    /// What was sent last, empty if nothing was.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// An offer of everything we take.
    pub fn offer(&mut self, local: &LocalMedia) -> String {
        let sdp = offer::offer(local, &self.protection, self.id, self.version);
        if self.changes(&sdp) {
            self.version += 1;
            self.last = offer::offer(local, &self.protection, self.id, self.version);
        } else {
            self.last = sdp;
        }
        self.last.clone()
    }

    /// An offer that holds the peer or takes it back: always a new version.
    pub fn directed(&mut self, local: &LocalMedia, held: bool) -> String {
        self.version += 1;
        let sdp = offer::offer(local, &self.protection, self.id, self.version);
        self.last = if held { sdp.replace("a=sendrecv", "a=sendonly") } else { sdp };
        self.last.clone()
    }

    /// The answer to the peer's offer, and what both settled.
    pub fn answer(&mut self, sdp: &[u8], local: &LocalMedia) -> Result<(String, Session), NoMatch> {
        let (mut answer, session) = offer::answer(sdp, local, &self.protection, self.id, self.version)?;
        if self.changes(&answer) {
            self.version += 1;
            answer = offer::answer(sdp, local, &self.protection, self.id, self.version)?.0;
        }
        self.protection.settled(session.keys.is_some() && answer.contains("RTP/SAVP"));
        self.last.clone_from(&answer);
        Ok((answer, session))
    }

    /// What the peer's answer to our offer settles.
    pub fn read_answer(&self, sdp: &[u8], local: &LocalMedia) -> Result<Session, NoMatch> {
        offer::read_answer(sdp, local, &self.protection)
    }

    fn changes(&self, sdp: &str) -> bool {
        !self.last.is_empty() && self.last != sdp
    }
}

/// An agreed session timer, RFC 4028.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Session-Expires.
    pub interval: Duration,
    /// We send the refreshes.
    pub ours: bool,
}

/// A hold, or the end of one, that we want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The peer is to be held.
    pub held: bool,
    /// Its re-INVITE is under way.
    pub sent: bool,
}

/// One leg.
#[derive(Debug)]
pub struct Leg {
    /// Whose leg.
    pub account: AccountId,
    /// SIP's side of it.
    pub dialog: Dialog,
    /// How far it has come.
    pub state: State,
    /// `Event::Ended` has been sent; the leg only waits for an ACK so that BYE may follow, RFC 3261 §15.
    pub ended: bool,
    /// Our end of the sound, once known.
    pub media: Option<LocalMedia>,
    /// Our session description.
    pub description: Description,
    /// What offer and answer have settled.
    pub session: Option<Session>,
    /// A 200 of ours without its ACK.
    pub unacked: Option<Unacked>,
    /// The session timer.
    pub refresh: Option<Refresh>,
    /// The peer takes UPDATE, RFC 3311 §4.
    pub takes_update: bool,
    /// The peer takes INFO: it says so, or says nothing of what it takes.
    pub takes_info: bool,
    /// The peer takes REFER: it says so.
    pub takes_refer: bool,
    /// We have asked it to call somebody else, and do not know yet how that ended.
    pub referring: bool,
    /// Our own re-INVITE or UPDATE on its way.
    pub exchange: Option<ClientId>,
    /// What `exchange` is for if it is no refresh, or what waits until it may begin.
    pub wish: Option<Wish>,
    /// The branches of our INVITE that have answered provisionally.
    pub early: Vec<Early>,
    /// The peer wants its provisional responses acknowledged, RFC 3262.
    pub reliable: Option<Reliable>,
    /// How often the peer has asked for a longer session interval before the leg was up.
    pub lengthened: u8,
}

impl Leg {
    /// What the answer in a response settles; `None`: there is none in it.
    pub fn described(&self, response: &Response) -> Option<Result<Session, NoMatch>> {
        let Body::Sdp(answer) = body(&response.headers, &response.body) else { return None };
        Some(self.description.read_answer(answer, self.media.as_ref()?))
    }

    /// Notes which methods the peer takes, RFC 3261 §20.5.
    pub fn note_allowed(&mut self, headers: &Headers) {
        self.takes_update = headers.lists("Allow", "UPDATE");
        self.takes_refer = headers.lists("Allow", "REFER");
        self.takes_info = headers.first("Allow").is_none() || headers.lists("Allow", "INFO");
    }

    /// A leg at its beginning.
    pub const fn new(
        account: AccountId,
        dialog: Dialog,
        state: State,
        origin: u64,
        protection: Protection,
    ) -> Self {
        Self {
            account,
            dialog,
            state,
            ended: false,
            media: None,
            description: Description::new(origin, protection),
            session: None,
            unacked: None,
            refresh: None,
            takes_update: false,
            takes_info: true,
            takes_refer: false,
            referring: false,
            exchange: None,
            wish: None,
            early: Vec::new(),
            reliable: None,
            lengthened: 0,
        }
    }
}
