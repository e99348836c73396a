//! Legs that we open: INVITE from its first copy to its final response, RFC 3261 §13.2.

use super::client::{ClientId, Owner};
use super::crypto::Protection;
use super::dialog::{Dialog, Flow};
use super::leg::{Leg, State};
use super::message::{Method, Request, Response};
use super::offer::NoMatch;
use super::refresh::{MIN_SE, SESSION, ask_for_timer};
use super::reliable::Early;
use super::reply::{ALLOW, SDP, SUPPORTED};
use super::ua::{Timer, Ua};
use super::value::{NameAddr, Uri};
use super::{AccountKind, Caller, Cause, Event, LocalMedia, Manner, Side};
use crate::limits::LEGS;
use crate::units::{AccountId, Instant, LegId};

impl Ua {
    /// Opens a leg.
    pub(super) fn call(
        &mut self,
        now: Instant,
        id: LegId,
        account: AccountId,
        call: (&str, &Caller, Manner),
        media: LocalMedia,
    ) {
        if self.legs.contains_key(&id) {
            return;
        }
        if self.legs.len() >= LEGS {
            return self.tell(Event::Ended(id, Cause::Congestion));
        }
        let Some((mut request, flow)) = self.invitation(account, call) else {
            return self.tell(Event::Ended(id, Cause::Unavailable));
        };
        let media = self.sound_towards(flow.addr(), media);
        let dialog = Dialog::of_invite(&request, flow);
        let origin = self.random.bits() >> 33;
        let state = State::Calling { client: ClientId::new(0), rang: false };
        let protection = if call.2.clear { Protection::default() } else { self.protection(account) };
        let mut leg = Leg::new(account, dialog, state, origin, protection);
        request.body = leg.description.offer(&media).into_bytes();
        request.headers.push("Content-Type", SDP);
        leg.media = Some(media);
        let Some(client) = self.start(now, request, flow.addr(), account, Owner::Call(id)) else {
            return self.tell(Event::Ended(id, Cause::Congestion));
        };
        leg.state = State::Calling { client, rang: false };
        self.dialogs.insert(key(&leg.dialog), id);
        self.legs.insert(id, Box::new(leg));
    }

    /// The INVITE without its offer, and where it goes. `None` if the account is unknown, its
    /// phone is away or its address not known.
    fn invitation(&mut self, id: AccountId, call: (&str, &Caller, Manner)) -> Option<(Request, Flow)> {
        let (to, caller, manner) = call;
        let account = self.account(id)?;
        let (uri, flow) = match &account.kind {
            // Not resolved yet: there is nobody to ask.
            AccountKind::RegisterAt(upstream) if upstream.addr.port() == 0 => return None,
            AccountKind::RegisterAt(upstream) => {
                (Uri::sip(to, &upstream.domain, None), Flow::Fixed(upstream.addr))
            }
            AccountKind::Static { addr } => (Uri::at(to, addr.addr).by(addr.transport), Flow::Fixed(*addr)),
            AccountKind::RegistersHere { .. } | AccountKind::Paired { .. } => {
                let binding = self.bindings.get(&id)?;
                (binding.contact.clone(), Flow::Seen(binding.flow))
            }
        };
        let callee = match account.kind.user_here() {
            Some(user) => Uri::at(user, self.config.local),
            None => uri.clone(),
        };
        let (shown, side) = (self.shown(account, caller), account.side);
        let interval = account.identity.session_timer.unwrap_or(SESSION);
        let from = self.caller_address(account, caller);
        let from = from.with_tag(&self.random.token());
        let call_id = self.random.token();
        let mut request = Request::new(Method::Invite, uri, &from, &NameAddr::new(callee), &call_id, 1);
        request.headers.push("Contact", self.contact(id));
        request.headers.push("Allow", ALLOW);
        request.headers.push("Supported", SUPPORTED);
        request.headers.set("Max-Forwards", manner.hops.to_string());
        if side == Side::Trunk && !interval.is_zero() {
            ask_for_timer(&mut request, interval, MIN_SE);
        }
        for (name, value) in shown {
            request.headers.push(name, value);
        }
        if let Some(word) = manner.alert {
            // The form that Grandstream and Cisco adapters match against their ring tables.
            request.headers.push("Alert-Info", format!("<http://127.0.0.1>;info={word}"));
        }
        Some((request, flow))
    }

    /// The INVITE goes on under another transaction, with credentials.
    pub(super) fn call_moved(&mut self, id: LegId, again: ClientId) {
        if let Some(State::Calling { client, .. }) = self.legs.get_mut(&id).map(|leg| &mut leg.state) {
            *client = again;
        }
    }

    /// A provisional response to our INVITE.
    pub(super) fn call_proceeds(&mut self, now: Instant, id: LegId, response: &Response) {
        if !self.branch_proceeds(now, id, response) {
            return;
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let State::Calling { rang, .. } = &mut leg.state else { return };
        // A second 180 says nothing new; the first one after a 183 does.
        let rings = response.status == 180 && !core::mem::replace(rang, *rang || response.status == 180);
        let early = leg.described(response).and_then(Result::ok).filter(|early| leg.session != Some(*early));
        if early.is_some() {
            leg.session = early;
        }
        if rings {
            self.tell(Event::Ringing(id));
        } else if early.is_none() && response.status != 180 && response.body.is_empty() {
            self.tell(Event::Trying(id));
        }
        if let Some(session) = early {
            self.tell(Event::Progress(id, session));
        }
    }

    /// The final response to our INVITE, or (`None`) Timer B.
    pub(super) fn call_decided(
        &mut self,
        now: Instant,
        client: ClientId,
        id: LegId,
        response: Option<&Response>,
    ) {
        match response {
            Some(response) if response.status < 300 => self.call_accepted(now, client, id, response),
            Some(response) if response.status == 422 && self.call_lengthened(now, client, id, response) => {}
            Some(response) => self.end(id, Cause::from_status(response.status)),
            None => self.end(id, Cause::Timeout),
        }
    }

    fn call_accepted(&mut self, now: Instant, client: ClientId, id: LegId, response: &Response) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.dialog.learn(response);
        leg.state = State::Up;
        leg.note_allowed(&response.headers);
        let early = core::mem::take(&mut leg.early);
        // RFC 3261 §13.2.1: an answer already given in a 18x of the same branch need not be repeated.
        let session = match response.body.is_empty() {
            true => Ok(Early::session_of(&early, response.to().tag()).or(leg.session)),
            false => leg.described(response).transpose(),
        };
        leg.session = session.ok().flatten();
        let (dialog, account) = (leg.dialog.clone(), leg.account);
        self.ack_success(client, &dialog);
        match session {
            Ok(Some(session)) => {
                self.agree_as_caller(now, id, response);
                self.tell(Event::Answered(id, session));
            }
            Ok(None) | Err(_) => {
                self.hang_up_dialog(now, id, account);
                self.end(id, session.map_or_else(NoMatch::cause, |_| Cause::NotAcceptable));
            }
        }
    }

    /// Ends a leg on the switchboard's order, whatever it is doing.
    pub(super) fn hangup(&mut self, now: Instant, id: LegId, cause: Cause) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { return };
        match &leg.state {
            State::Calling { client, .. } => {
                let client = *client;
                if let (Cause::Elsewhere, Some(client)) = (cause, self.clients.get_mut(&client)) {
                    client.taken_elsewhere = true;
                }
                self.give_up(now, client);
                self.end(id, cause);
            }
            State::Incoming { .. } => self.refuse(now, id, cause),
            // RFC 3261 §15: no BYE from the callee before the ACK has come.
            State::Up if leg.unacked.as_ref().is_some_and(|unacked| unacked.what.opening) => {
                leg.ended = true;
                self.tell(Event::Ended(id, cause));
            }
            State::Up => {
                let account = leg.account;
                self.hang_up_dialog(now, id, account);
                self.end(id, cause);
            }
        }
    }

    /// Takes an INVITE back: CANCEL, at once or after the first provisional response, RFC 3261 §9.1.
    pub(super) fn give_up(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.owner = Owner::Nobody;
        if client.cancellable() {
            self.send_cancel(now, id);
        } else {
            client.cancel_wanted = client.pending();
        }
    }

    /// Sends BYE for a leg.
    pub(super) fn hang_up_dialog(&mut self, now: Instant, id: LegId, account: AccountId) {
        let Some(mut dialog) = self.legs.get(&id).map(|leg| leg.dialog.clone()) else { return };
        self.bye(now, account, &mut dialog);
    }

    /// Forgets a leg, and says so unless that has been said.
    pub(super) fn end(&mut self, id: LegId, cause: Cause) {
        let Some(leg) = self.legs.remove(&id) else { return };
        self.dialogs.remove(&key(&leg.dialog));
        let timers =
            [Timer::Ack, Timer::Provisional, Timer::Reliable, Timer::Expires, Timer::Session, Timer::Again];
        for timer in timers {
            self.timers.set(timer(id), None);
        }
        self.timers.set(Timer::Referring(id), None);
        self.keep_dialog(id, &leg.dialog);
        if let Some(client) = leg.exchange.and_then(|client| self.clients.get_mut(&client)) {
            client.owner = Owner::Nobody;
        }
        if !leg.ended {
            self.tell(Event::Ended(id, cause));
        }
    }
}

/// What finds the leg of a request: Call-ID and our tag, RFC 3261 §12.
pub fn key(dialog: &Dialog) -> (String, String) {
    (dialog.call_id.clone(), dialog.local.tag().unwrap_or_default().to_owned())
}
