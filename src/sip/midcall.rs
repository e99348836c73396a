//! Requests within a dialog: BYE, re-INVITE, UPDATE and INFO, RFC 3261 §12.2, §14 and §15.

use super::client::Owner;
use super::dialog::Flow;
use super::digit;
use super::leg::{Awaited, State};
use super::message::{Method, Request, Response};
use super::reliable::{Early, Reliable};
use super::reply::{ALLOW, Body, SDP, SUPPORTED, body, is_described};
use super::server::ServerId;
use super::ua::Ua;
use super::{Cause, Event, Hop, Session};
use crate::units::{Digit, Instant, LegId};
use core::time::Duration;

impl Ua {
    /// A new request with a To tag.
    pub(super) fn within(&mut self, now: Instant, request: Request, id: ServerId, from: Hop) {
        if request.method == Method::Subscribe && self.subscribing_again(now, &request, from) {
            return;
        }
        let Some(leg) = self.leg_of(&request).filter(|leg| !self.is_over(*leg, &request)) else {
            return self.reply(&request, from, 481);
        };
        if request.method == Method::Refer && !self.may_refer(now, leg, &request, from) {
            return;
        }
        if self.refuses_extension(&request, from) || !self.serve(&request, &id, from, None) {
            return;
        }
        let Some(state) = self.legs.get_mut(&leg) else { return };
        if !state.dialog.advance(request.cseq().0) {
            // RFC 3261 §12.2.2: out of order.
            return self.answer_plainly(now, &id, &request, 500);
        }
        // A phone's NAT may have given it another port since.
        if let Flow::Seen(seen) = &mut state.dialog.flow {
            *seen = from;
        }
        match request.method {
            Method::Bye => self.hung_up(now, leg, &request, &id),
            Method::Invite | Method::Update => self.offered_again(now, leg, &request, &id),
            Method::Info => self.informed(now, leg, &request, &id),
            Method::Prack => self.pracked(now, leg, &request, &id),
            Method::Refer => self.referred(now, leg, &request, &id),
            Method::Notify => self.notified(now, leg, &request, &id),
            Method::Subscribe if self.referrals.contains_key(&leg) => {
                self.asks_of_referral(now, leg, &request, &id);
            }
            Method::Other(_) => self.answer_plainly(now, &id, &request, 501),
            _ => self.answer_plainly(now, &id, &request, 405),
        }
    }

    /// A leg that has ended for the switchboard and waits for its ACK still takes the peer's BYE.
    fn is_over(&self, leg: LegId, request: &Request) -> bool {
        request.method != Method::Bye && self.legs.get(&leg).is_some_and(|leg| leg.ended)
    }

    pub(super) fn answer_plainly(&mut self, now: Instant, id: &ServerId, request: &Request, status: u16) {
        let mut response = self.respond(request, status, None);
        match status {
            405 | 501 => response.headers.push("Allow", ALLOW),
            // RFC 3261 §14.2 and RFC 3311 §5.2: try again in a while.
            500 => response.headers.push("Retry-After", "3"),
            _ => {}
        }
        self.answer_with(now, id, &response);
    }

    fn hung_up(&mut self, now: Instant, leg: LegId, request: &Request, id: &ServerId) {
        self.answer_plainly(now, id, request, 200);
        match self.legs.get(&leg).map(|leg| &leg.state) {
            // RFC 3261 §15.1.2: the INVITE gets its final response as well.
            Some(State::Incoming { .. }) => self.refuse(now, leg, Cause::Cancelled),
            Some(State::Calling { client, .. }) => {
                let client = *client;
                self.give_up(now, client);
                self.end(leg, Cause::Normal);
            }
            _ => self.end(leg, Cause::Normal),
        }
    }

    /// re-INVITE or UPDATE: a hold, a resume, a refresh. Answered here, RFC 3264 §8.
    fn offered_again(&mut self, now: Instant, leg: LegId, request: &Request, id: &ServerId) {
        if let Some(status) = self.untimely(leg, request) {
            return self.answer_plainly(now, id, request, status);
        }
        if let Some(status) = self.brief(request) {
            let mut response = self.respond(request, status, None);
            response.headers.push("Min-SE", super::refresh::MIN_SE.as_secs().to_string());
            return self.answer_with(now, id, &response);
        }
        let (sdp, session) = match (body(&request.headers, &request.body), &request.method) {
            (Body::Other, _) => return self.answer_plainly(now, id, request, 415),
            (Body::Empty, Method::Invite) => (self.reoffer(leg), None),
            (Body::Empty, _) => (None, None),
            (Body::Sdp(sdp), _) => match self.reanswer(leg, sdp) {
                Some((sdp, session)) => (Some(sdp), Some(session)),
                None => return self.answer_plainly(now, id, request, 488),
            },
        };
        let mut response = self.settling_response(leg, request, sdp);
        self.agree_as_callee(now, leg, request, &mut response);
        self.answer_with(now, id, &response);
        if let Some((leg, contact)) = self.legs.get_mut(&leg).zip(request.contact()) {
            // RFC 3261 §12.2.2: both refresh the remote target.
            leg.dialog.target = contact.uri;
        }
        if request.method == Method::Invite {
            let awaited = Awaited { offered: !is_described(request), opening: false };
            self.await_ack(now, leg, id, &response, awaited);
        }
        if let Some(session) = session {
            self.settled(leg, session);
        }
    }

    /// Why a new offer cannot be taken at this moment.
    fn untimely(&self, leg: LegId, request: &Request) -> Option<u16> {
        let leg = self.legs.get(&leg)?;
        let described = is_described(request);
        // RFC 3311 §5.2: before the 2xx an UPDATE may offer anew once offer and answer have passed reliably.
        let settled = match &leg.state {
            State::Calling { .. } => Early::is_settled(&leg.early, request.from().tag()),
            _ => leg.reliable.as_ref().is_some_and(Reliable::is_settled),
        };
        match &leg.state {
            State::Calling { .. } | State::Incoming { .. } if request.method == Method::Update && settled => {
                None
            }
            // RFC 3261 §14.2: an offer of ours is open; RFC 3311 §5.2 for UPDATE.
            State::Calling { .. } if request.method == Method::Invite || described => Some(491),
            State::Incoming { .. } if request.method == Method::Invite || described => Some(500),
            State::Up if leg.exchange.is_some() && (request.method == Method::Invite || described) => {
                Some(491)
            }
            State::Up if leg.unacked.as_ref().is_some_and(|unacked| unacked.what.offered) => Some(491),
            _ => None,
        }
    }

    pub(super) fn reanswer(&mut self, leg: LegId, sdp: &[u8]) -> Option<(String, Session)> {
        let leg = self.legs.get_mut(&leg)?;
        leg.description.answer(sdp, leg.media.as_ref()?).ok()
    }

    fn reoffer(&mut self, leg: LegId) -> Option<String> {
        let leg = self.legs.get_mut(&leg)?;
        Some(leg.description.offer(leg.media.as_ref()?))
    }

    fn settling_response(&self, leg: LegId, request: &Request, sdp: Option<String>) -> Response {
        let mut response = self.respond(request, 200, None);
        if let Some(leg) = self.legs.get(&leg) {
            response.headers.push("Contact", self.contact(leg.account));
        }
        response.headers.push("Allow", ALLOW);
        response.headers.push("Supported", SUPPORTED);
        if let Some(sdp) = sdp {
            response.headers.push("Content-Type", SDP);
            response.body = sdp.into_bytes();
        }
        response
    }

    /// Keeps what a new offer and answer settled, and tells it if it differs.
    pub(super) fn settled(&mut self, id: LegId, session: Session) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.session.replace(session) != Some(session) && !leg.ended {
            self.tell(Event::Changed(id, session));
        }
    }

    fn informed(&mut self, now: Instant, leg: LegId, request: &Request, id: &ServerId) {
        let type_ = request.headers.first("Content-Type").unwrap_or_default();
        match digit::read(type_, &request.body) {
            digit::Told::Digit(digit, held) => {
                self.answer_plainly(now, id, request, 200);
                self.tell(Event::Info(leg, digit, held));
            }
            digit::Told::Nothing => self.answer_plainly(now, id, request, 200),
            digit::Told::Foreign => {
                let mut response = self.respond(request, 415, None);
                response.headers.push("Accept", digit::ACCEPT);
                self.answer_with(now, id, &response);
            }
        }
    }

    /// Sends a digit by INFO.
    pub(super) fn info(&mut self, now: Instant, id: LegId, digit: Digit, held: Duration) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| matches!(leg.state, State::Up) && !leg.ended)
        else {
            return;
        };
        if !leg.takes_info {
            return self.tell(Event::InfoRefused(id, digit, held));
        }
        let mut request = leg.dialog.request(Method::Info);
        let (to, account) = (leg.dialog.hop(), leg.account);
        request.headers.push("Content-Type", digit::RELAY);
        request.body = digit::write(digit, held).into_bytes();
        self.start(now, request, to, account, Owner::Info(id, digit, held));
    }

    /// How our INFO ended.
    pub(super) fn info_decided(&mut self, id: LegId, key: (Digit, Duration), response: Option<&Response>) {
        match response.map(|response| response.status) {
            // RFC 3261 §12.2.1.2: the peer has forgotten the dialog.
            Some(481) => self.end(id, Cause::Normal),
            // RFC 3261 §21.4: not this method, or not this body, and not later either.
            Some(405 | 415 | 501) => {
                if let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) {
                    leg.takes_info = false;
                    self.tell(Event::InfoRefused(id, key.0, key.1));
                }
            }
            _ => {}
        }
    }
}
