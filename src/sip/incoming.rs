//! Legs that a peer opens: INVITE, its CANCEL and its ACK, RFC 3261 §13.3.

use super::Side;
use super::crypto::Protection;
use super::dialog::Dialog;
use super::leg::{Awaited, Leg, State, Unacked};
use super::message::{Request, Response};
use super::offer;
use super::reliable::Reliable;
use super::reply::{ALLOW, Body, SDP, SUPPORTED, body, is_described, way_back};
use super::server::ServerId;
use super::ua::{Timer, Ua};
use super::{Cause, Discard, Event, Hop, LocalMedia, Session};
use crate::limits::{LEGS, SIP_TRANSACTIONS};
use crate::units::{AccountId, Codec, Instant, LegId};
use core::time::Duration;

/// RFC 3261 §13.3.1.1: proxies give up an INVITE that has been silent for three minutes, so repeat a 1xx each minute.
const PROVISIONAL_GAP: Duration = Duration::from_secs(60);

impl Ua {
    /// A peer calls.
    pub(super) fn invited(&mut self, now: Instant, request: Request, id: ServerId, from: Hop) {
        let Some(account) = self.admit(now, &request, from) else { return };
        if request.headers.first("Max-Forwards").is_some_and(|hops| hops.trim() == "0") {
            return self.reply(&request, from, 483);
        }
        if self.merged(&request) {
            return self.reply(&request, from, 482);
        }
        if self.refuses_extension(&request, from) || self.refuses_interval(&request, from) {
            return;
        }
        let replaces = match self.replaced(account, &request) {
            Ok(replaces) => replaces,
            Err(status) => return self.reply(&request, from, status),
        };
        let protection = self.protection_of(account, &request);
        let session = match body(&request.headers, &request.body) {
            Body::Empty => None,
            Body::Other => return self.reply_with(&request, from, 415, &[("Accept", SDP)]),
            Body::Sdp(sdp) => match offer::answer(sdp, &self.anything(account), &protection, 0, 0) {
                Ok((_, session)) => Some(session),
                Err(why) => return self.reply_with(&request, from, 488, &why.warning()),
            },
        };
        if self.legs.len() >= LEGS || self.incoming >= u32::MAX >> 1 {
            self.discard(Discard::Full);
            return self.reply_with(&request, from, 503, &[("Retry-After", "10")]);
        }
        self.open(now, request, (id, from), account, (protection, session), replaces);
    }

    fn open(
        &mut self,
        now: Instant,
        request: Request,
        (server, from): (ServerId, Hop),
        account: AccountId,
        (protection, session): (Protection, Option<Session>),
        replaces: Option<LegId>,
    ) {
        let leg = LegId::incoming(self.incoming + 1);
        if !self.serve(&request, &server, from, Some(leg)) {
            return;
        }
        self.incoming += 1;
        self.answer_with(now, &server, &self.respond(&request, 100, None));
        let (called, caller) = (self.called_of(account, &request), self.caller_of(account, &request));
        let dialog = Dialog::of_request(&request, &self.random.token(), self.flow_of(account, from));
        let hops = hops(&request);
        let reliable = Reliable::wanted(&request, self.random.bits());
        // RFC 3261 §13.3.1: the caller says how long he is willing to wait.
        let patience = request.headers.first("Expires").and_then(|value| value.trim().parse::<u32>().ok());
        self.dialogs.insert(super::invite::key(&dialog), leg);
        let origin = self.random.bits() >> 33;
        let invite = Box::new(request);
        let allowed = invite.headers.clone();
        let state = State::Incoming { server, invite, described: false };
        let mut opened = Leg::new(account, dialog, state, origin, protection);
        opened.note_allowed(&allowed);
        opened.reliable = reliable;
        self.legs.insert(leg, Box::new(opened));
        let gives_up = patience.map(|seconds| now + Duration::from_secs(seconds.into()));
        self.timers.set(Timer::Expires(leg), gives_up);
        self.timers.set(Timer::Provisional(leg), Some(now + PROVISIONAL_GAP));
        self.tell(Event::Incoming { leg, account, called, caller, session, hops, replaces });
    }

    /// What we might answer before the switchboard has said what it takes.
    fn anything(&self, account: AccountId) -> LocalMedia {
        let phone = self.account(account).is_some_and(|account| account.side == Side::Phone);
        let codecs = [Codec::Pcmu, Codec::Pcma].into_iter().chain(phone.then_some(Codec::G722));
        LocalMedia { addr: self.config.local, codecs: codecs.collect() }
    }

    /// 180.
    pub(super) fn ringing(&mut self, now: Instant, leg: LegId) {
        self.provisionally(now, leg, 180, None);
    }

    /// 183 with our description.
    pub(super) fn progress(&mut self, now: Instant, leg: LegId, media: LocalMedia) {
        match self.describe(leg, media) {
            Some(Ok(sdp)) => self.provisionally(now, leg, 183, Some(sdp)),
            Some(Err(_)) => self.refuse(now, leg, Cause::NotAcceptable),
            None => {}
        }
    }

    /// Our description for the INVITE of this leg: the answer to its offer, or an offer.
    fn describe(&mut self, id: LegId, media: LocalMedia) -> Option<Result<String, offer::NoMatch>> {
        let media = self.sound_towards(self.legs.get(&id)?.dialog.hop(), media);
        let leg = self.legs.get_mut(&id)?;
        let State::Incoming { invite, described, .. } = &mut leg.state else { return None };
        // RFC 3261 §13.2.1: what an early response has described stands.
        if *described && leg.media.as_ref().is_some_and(|before| before.addr == media.addr) {
            return Some(Ok(leg.description.last().to_owned()));
        }
        let sdp = if let Body::Sdp(sdp) = body(&invite.headers, &invite.body) {
            match leg.description.answer(sdp, &media) {
                Ok((answer, session)) => {
                    leg.session = Some(session);
                    answer
                }
                Err(why) => return Some(Err(why)),
            }
        } else {
            leg.description.offer(&media)
        };
        *described = true;
        leg.media = Some(media);
        Some(Ok(sdp))
    }

    pub(super) fn provisionally(&mut self, now: Instant, id: LegId, status: u16, sdp: Option<String>) {
        if self.provide(now, id, status, sdp.as_ref()) {
            return;
        }
        let Some(State::Incoming { server, .. }) = self.legs.get(&id).map(|leg| &leg.state) else { return };
        let server = server.clone();
        if let Some(response) = self.opening_response(id, status, sdp) {
            self.answer_with(now, &server, &response);
            self.timers.set(Timer::Provisional(id), Some(now + PROVISIONAL_GAP));
        }
    }

    /// The minute is over: the last 1xx once more.
    pub(super) fn provisional_timeout(&mut self, now: Instant, id: LegId) {
        let Some(State::Incoming { server, .. }) = self.legs.get(&id).map(|leg| &leg.state) else { return };
        if let Some((to, last)) = self.servers.get(server).map(|server| (server.to, server.last.clone())) {
            self.send(to, last.unwrap_or_default());
        }
        self.timers.set(Timer::Provisional(id), Some(now + PROVISIONAL_GAP));
    }

    /// A response that makes or confirms the dialog, RFC 3261 §12.1.1.
    pub(super) fn opening_response(&self, id: LegId, status: u16, sdp: Option<String>) -> Option<Response> {
        let leg = self.legs.get(&id)?;
        let State::Incoming { invite, .. } = &leg.state else { return None };
        let mut response = self.respond(invite, status, leg.dialog.local.tag());
        for route in invite.headers.all("Record-Route") {
            response.headers.push("Record-Route", route);
        }
        response.headers.push("Contact", self.contact(leg.account));
        response.headers.push("Allow", ALLOW);
        response.headers.push("Supported", SUPPORTED);
        if let Some(sdp) = sdp {
            response.headers.push("Content-Type", SDP);
            response.body = sdp.into_bytes();
        }
        Some(response)
    }

    /// 200.
    pub(super) fn answer(&mut self, now: Instant, id: LegId, media: LocalMedia) {
        if self.answer_waits(id, &media) {
            return;
        }
        let sdp = match self.describe(id, media) {
            Some(Ok(sdp)) => sdp,
            Some(Err(_)) => return self.refuse(now, id, Cause::NotAcceptable),
            None => return,
        };
        // RFC 3262 §5: what was settled reliably is not said again.
        let settled =
            self.legs.get(&id).and_then(|leg| leg.reliable.as_ref()).is_some_and(Reliable::is_settled);
        let Some(mut response) = self.opening_response(id, 200, Some(sdp).filter(|_| !settled)) else {
            return;
        };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let State::Incoming { server, invite, .. } = core::mem::replace(&mut leg.state, State::Up) else {
            return;
        };
        for timer in [Timer::Provisional(id), Timer::Reliable(id), Timer::Expires(id)] {
            self.timers.set(timer, None);
        }
        self.agree_as_callee(now, id, &invite, &mut response);
        self.answer_with(now, &server, &response);
        let offered = !is_described(&invite) && !settled;
        self.await_ack(now, id, &server, &response, Awaited { offered, opening: true });
        if let Some(session) = self.legs.get(&id).and_then(|leg| leg.session).filter(|_| !offered) {
            self.tell(Event::Answered(id, session));
        }
    }

    /// Repeats a 200 to INVITE until its ACK, RFC 3261 §13.3.1.4.
    pub(super) fn await_ack(
        &mut self,
        now: Instant,
        id: LegId,
        server: &ServerId,
        ok: &Response,
        what: Awaited,
    ) {
        let Some((to, else_to)) = self.servers.get(server).map(|server| (server.to, server.else_to)) else {
            return;
        };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let mut unacked = Unacked::new(now, ok.emit(), to, ok.cseq().0, what);
        unacked.else_to = else_to;
        self.timers.set(Timer::Ack(id), Some(unacked.deadline()));
        leg.unacked = Some(unacked);
    }

    /// Time to repeat the 200, or to give up.
    pub(super) fn ack_timeout(&mut self, now: Instant, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let account = leg.account;
        let Some(unacked) = &mut leg.unacked else { return };
        if unacked.given_up(now) {
            // RFC 3261 §13.3.1.4: confirmed but never acknowledged: BYE.
            self.hang_up_dialog(now, id, account);
            return self.end(id, Cause::Timeout);
        }
        let again = unacked.resend(now).then(|| (unacked.to, unacked.ok.clone()));
        let deadline = unacked.deadline();
        self.timers.set(Timer::Ack(id), Some(deadline));
        if let Some((to, ok)) = again {
            self.send(to, ok);
        }
    }

    /// ACK: for a refusal within its transaction, for a 200 within the dialog.
    pub(super) fn acked(&mut self, now: Instant, request: &Request, id: &ServerId) {
        if let Some(server) = self.servers.get_mut(id)
            && server.ack(now)
        {
            let deadline = server.deadline();
            return self.timers.set(Timer::Server(id.clone()), deadline);
        }
        if request.to().tag() == Some(self.stateless_tag(request).as_str()) {
            // For a challenge or refusal that left no transaction.
            return;
        }
        let Some(leg) = self.leg_of(request) else { return self.discard(Discard::StrayAck) };
        let Some(state) = self.legs.get_mut(&leg) else { return };
        let seq = request.cseq().0;
        let Some(unacked) = state.unacked.take_if(|unacked| unacked.seq == seq) else { return };
        let (ended, account) = (state.ended, state.account);
        self.timers.set(Timer::Ack(leg), None);
        if ended {
            self.hang_up_dialog(now, leg, account);
            self.end(leg, Cause::Normal);
        } else if unacked.what.offered {
            self.offer_answered(now, leg, request, unacked.what.opening);
        }
    }

    /// The ACK brings the answer to our offer.
    fn offer_answered(&mut self, now: Instant, id: LegId, ack: &Request, opening: bool) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let sdp = body(&ack.headers, &ack.body);
        let session = match (sdp, &leg.media) {
            (Body::Sdp(sdp), Some(media)) => leg.description.read_answer(sdp, media),
            _ => Err(offer::NoMatch::Malformed),
        };
        let account = leg.account;
        match session {
            Ok(session) if opening => {
                leg.session = Some(session);
                self.tell(Event::Answered(id, session));
            }
            Ok(session) => self.settled(id, session),
            Err(why) => {
                self.hang_up_dialog(now, id, account);
                self.end(id, why.cause());
            }
        }
    }

    /// Refuses an INVITE that has no final response yet.
    pub(super) fn refuse(&mut self, now: Instant, id: LegId, cause: Cause) {
        let Some(leg) = self.legs.get(&id) else { return };
        let State::Incoming { server, invite, .. } = &leg.state else { return };
        let (status, reason) = cause.to_status();
        let (mut response, server) = (self.respond(invite, status, leg.dialog.local.tag()), server.clone());
        reason.clone_into(&mut response.reason);
        self.answer_with(now, &server, &response);
        self.end(id, cause);
    }

    /// The time that the caller set in Expires is over, RFC 3261 §13.3.1: 487.
    pub(super) fn invite_expired(&mut self, now: Instant, id: LegId) {
        self.refuse(now, id, Cause::Cancelled);
    }

    /// CANCEL, RFC 3261 §9.2. Its answer needs no state of its own: the INVITE's transaction remembers.
    pub(super) fn cancelled(&mut self, now: Instant, request: &Request, id: &ServerId, from: Hop) {
        let Some(leg) = self.servers.get(id).map(|server| server.leg) else {
            return self.reply(request, from, 481);
        };
        let tag = leg.and_then(|leg| self.legs.get(&leg)).and_then(|leg| leg.dialog.local.tag());
        let response = self.respond(request, 200, tag);
        self.send(way_back(request, from), response.emit());
        let Some(leg) = leg else { return };
        if matches!(self.legs.get(&leg).map(|leg| &leg.state), Some(State::Incoming { .. })) {
            self.refuse(now, leg, Cause::Cancelled);
        }
    }

    /// The leg whose dialog this request belongs to, RFC 3261 §12.2.2.
    pub(super) fn leg_of(&self, request: &Request) -> Option<LegId> {
        let (to, from) = (request.to(), request.from());
        let key = (request.call_id().to_owned(), to.tag()?.to_owned());
        let id = *self.dialogs.get(&key)?;
        let dialog = &self.legs.get(&id)?.dialog;
        // Before its 2xx a leg of ours may belong to any branch of a fork.
        (dialog.remote.tag().is_none() || dialog.remote.tag() == from.tag()).then_some(id)
    }
}

/// Max-Forwards of a request that has been let in, so not 0, RFC 3261 §20.22.
fn hops(request: &Request) -> u8 {
    let hops = request.headers.first("Max-Forwards").and_then(|value| value.trim().parse::<u32>().ok());
    u8::try_from(hops.unwrap_or(70).max(1)).unwrap_or(u8::MAX)
}

const _: () = assert!(LEGS < SIP_TRANSACTIONS);
