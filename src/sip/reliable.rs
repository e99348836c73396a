//! Provisional responses that are acknowledged, RFC 3262: PRACK for those of the peer, copies of ours until its PRACK.

use super::client::{FORKS, Owner};
use super::dialog::Dialog;
use super::leg::State;
use super::message::{Method, Request, Response};
use super::multipart::{Body, body};
use super::reply::SDP;
use super::server::ServerId;
use super::timers::{PATIENCE, T1};
use super::ua::{Timer, Ua};
use super::{Cause, LocalMedia, Session};
use crate::units::{Instant, LegId};
use core::time::Duration;

/// The option tag.
pub const TAG: &str = "100rel";

/// A branch of our INVITE before its 2xx: a fork answers with a tag, and counts, of its own.
#[derive(Debug)]
pub struct Early {
    dialog: Dialog,
    /// RSeq of the last reliable response that was taken.
    rseq: Option<u32>,
    session: Option<Session>,
    /// The answer came reliably, so that more offers may follow, RFC 3262 §5.
    settled: bool,
}

impl Early {
    /// The branch has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.dialog.remote.tag() == Some(tag)
    }

    /// What the branch with this tag has settled.
    pub fn session_of(branches: &[Self], tag: Option<&str>) -> Option<Session> {
        branches.iter().find(|branch| branch.has_tag(tag.unwrap_or_default()))?.session
    }

    /// Offer and answer of the branch with this tag are complete.
    pub fn is_settled(branches: &[Self], tag: Option<&str>) -> bool {
        branches.iter().any(|branch| branch.settled && branch.has_tag(tag.unwrap_or_default()))
    }
}

/// A reliable response of ours without its PRACK.
#[derive(Debug)]
struct Open {
    response: Response,
    rseq: u32,
    gap: Duration,
    resend_at: Instant,
    gives_up_at: Instant,
}

/// What a peer that insists on reliable responses has been told.
#[derive(Debug)]
pub struct Reliable {
    rseq: u32,
    open: Option<Open>,
    /// RFC 3262 §3: no second one before the first is acknowledged.
    waiting: Option<(u16, Option<String>)>,
    /// RFC 3262 §3: nor the 2xx, if the first has a description.
    answer: Option<LocalMedia>,
    settled: bool,
}

impl Reliable {
    /// For the INVITE, if its peer insists. `first` is RSeq less one, RFC 3262 §3: below 2^31 at the start.
    pub fn wanted(invite: &Request, first: u64) -> Option<Self> {
        let rseq = u32::try_from(first & 0x3fff_ffff).unwrap_or_default();
        let wanted = invite.headers.lists("Require", TAG);
        wanted.then_some(Self { rseq, open: None, waiting: None, answer: None, settled: false })
    }

    /// Offer and answer are complete and acknowledged.
    pub const fn is_settled(&self) -> bool {
        self.settled && self.open.is_none()
    }
}

impl Ua {
    // ---- the peer's responses ----

    /// Notes the branch that a provisional response comes from, and acknowledges it. False if it is a copy or out of
    /// order.
    pub(super) fn branch_proceeds(&mut self, now: Instant, id: LegId, response: &Response) -> bool {
        let to = response.to();
        let (Some(leg), Some(tag)) = (self.legs.get_mut(&id), to.tag()) else { return true };
        let at = match leg.early.iter().position(|branch| branch.has_tag(tag)) {
            Some(at) => at,
            None if leg.early.len() < FORKS => {
                let mut dialog = leg.dialog.clone();
                dialog.learn(response);
                leg.early.push(Early { dialog, rseq: None, session: None, settled: false });
                leg.early.len() - 1
            }
            None => return false,
        };
        let answer = leg.described(response).and_then(Result::ok);
        let Some(branch) = leg.early.get_mut(at) else { return false };
        let rseq = response.headers.first("RSeq").and_then(|value| value.parse::<u32>().ok());
        let rseq = rseq.filter(|_| response.headers.lists("Require", TAG));
        // RFC 3262 §4: taken in their order, each once.
        if rseq.is_some() && branch.rseq.is_some_and(|last| rseq != last.checked_add(1)) {
            return false;
        }
        if let Some(session) = answer {
            branch.session = Some(session);
            branch.settled |= rseq.is_some();
        }
        let Some(rseq) = rseq else { return true };
        branch.rseq = Some(rseq);
        branch.dialog.local_seq = leg.dialog.local_seq;
        let mut prack = branch.dialog.request(Method::Prack);
        leg.dialog.local_seq = branch.dialog.local_seq;
        let (seq, method) = response.cseq();
        prack.headers.push("RAck", format!("{rseq} {seq} {method}"));
        let (hop, account) = (branch.dialog.hop(), leg.account);
        self.start(now, prack, hop, account, Owner::Aside(id));
        true
    }

    // ---- ours ----

    /// Sends a provisional response reliably, or keeps it until that is allowed. False if the peer does not insist.
    pub(super) fn provide(&mut self, now: Instant, id: LegId, status: u16, sdp: Option<&String>) -> bool {
        let Some(leg) = self.legs.get_mut(&id) else { return false };
        let State::Incoming { server, invite, described } = &leg.state else { return false };
        let (server, offered) = (server.clone(), *described || super::multipart::is_described(invite));
        let Some(reliable) = &mut leg.reliable else { return false };
        // RFC 3262 §5: the first of them has our offer if the INVITE had none; before we know it, there is none to send.
        if !offered {
            return true;
        }
        if reliable.open.is_some() {
            let described = reliable.waiting.as_ref().is_some_and(|(_, sdp)| sdp.is_some());
            if sdp.is_some() || !described {
                reliable.waiting = Some((status, sdp.cloned()));
            }
            return true;
        }
        reliable.rseq += 1;
        let rseq = reliable.rseq;
        // What is settled is not said again: it would be a new offer.
        let sdp = sdp.filter(|_| !reliable.settled).cloned();
        let Some(mut response) = self.opening_response(id, status, sdp) else { return true };
        response.headers.push("Require", TAG);
        response.headers.push("RSeq", rseq.to_string());
        self.answer_with(now, &server, &response);
        let open = Open { response, rseq, gap: T1, resend_at: now + T1, gives_up_at: now + PATIENCE };
        self.timers.set(Timer::Reliable(id), Some(open.resend_at));
        if let Some(reliable) = self.legs.get_mut(&id).and_then(|leg| leg.reliable.as_mut()) {
            reliable.open = Some(open);
        }
        true
    }

    /// Keeps the answer until the peer has acknowledged the description it has. False if nothing is in its way.
    pub(super) fn answer_waits(&mut self, id: LegId, media: &LocalMedia) -> bool {
        let Some(reliable) = self.legs.get_mut(&id).and_then(|leg| leg.reliable.as_mut()) else {
            return false;
        };
        let waits = reliable.open.as_ref().is_some_and(|open| !open.response.body.is_empty());
        if waits {
            reliable.answer = Some(media.clone());
        }
        waits
    }

    /// RFC 3262 §3: copies at T1, doubling, until 64·T1 have passed; then the INVITE is refused.
    pub(super) fn reliable_timeout(&mut self, now: Instant, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let State::Incoming { server, .. } = &leg.state else { return };
        let Some(open) = leg.reliable.as_mut().and_then(|reliable| reliable.open.as_mut()) else { return };
        if open.gives_up_at <= now {
            return self.refuse(now, id, Cause::Status(504));
        }
        open.gap *= 2;
        open.resend_at = now + open.gap;
        let (server, response) = (server.clone(), open.response.clone());
        let next = open.resend_at.min(open.gives_up_at);
        self.timers.set(Timer::Reliable(id), Some(next));
        self.answer_with(now, &server, &response);
    }

    /// PRACK.
    pub(super) fn pracked(&mut self, now: Instant, id: LegId, request: &Request, server: &ServerId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let open = leg
            .reliable
            .as_mut()
            .and_then(|reliable| reliable.open.take_if(|open| acknowledges(request, open)));
        let Some(open) = open else {
            return self.answer_plainly(now, server, request, 481);
        };
        self.timers.set(Timer::Reliable(id), None);
        let Some(sdp) = self.settle_early(id, request, &open.response) else {
            self.answer_plainly(now, server, request, 488);
            return self.refuse(now, id, Cause::NotAcceptable);
        };
        let mut response = self.respond(request, 200, None);
        if let Some(sdp) = sdp {
            response.headers.push("Content-Type", SDP);
            response.body = sdp.into_bytes();
        }
        self.answer_with(now, server, &response);
        let reliable = self.legs.get_mut(&id).and_then(|leg| leg.reliable.as_mut());
        let (answer, waiting) = reliable.map(|r| (r.answer.take(), r.waiting.take())).unwrap_or_default();
        match (answer, waiting) {
            (Some(media), _) => self.answer(now, id, media),
            (None, Some((status, sdp))) => self.provisionally(now, id, status, sdp),
            (None, None) => {}
        }
    }

    /// What the description in a PRACK does: it answers our offer, or is one more offer, RFC 3262 §5. `None`: it cannot
    /// be used.
    fn settle_early(
        &mut self,
        id: LegId,
        prack: &Request,
        acknowledged: &Response,
    ) -> Option<Option<String>> {
        let leg = self.legs.get_mut(&id)?;
        let State::Incoming { invite, .. } = &leg.state else { return Some(None) };
        let (ours, described) = (!super::multipart::is_described(invite), !acknowledged.body.is_empty());
        let media = leg.media.clone();
        let reliable = leg.reliable.as_mut()?;
        let first = described && !reliable.settled;
        let sdp = match body(&prack.headers, &prack.body) {
            Body::Sdp(sdp) => sdp,
            // Our offer wants its answer here.
            Body::Empty if !(first && ours) => {
                reliable.settled |= first;
                return Some(None);
            }
            Body::Empty | Body::Other => return None,
        };
        reliable.settled |= first;
        if first && ours {
            let session = leg.description.read_answer(sdp, &media?).ok()?;
            self.settled(id, session);
            return Some(None);
        }
        let (answer, session) = self.reanswer(id, sdp)?;
        self.settled(id, session);
        Some(Some(answer))
    }
}

/// RFC 3262 §3: RAck names the response and its INVITE.
fn acknowledges(prack: &Request, open: &Open) -> bool {
    let mut parts = prack.headers.first("RAck").unwrap_or_default().split_ascii_whitespace();
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
    let numbers = (number(), number());
    let (seq, _) = open.response.cseq();
    numbers == (Some(open.rseq), Some(seq)) && parts.next() == Some("INVITE")
}
