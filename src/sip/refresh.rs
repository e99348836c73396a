//! Session timers, RFC 4028: a hold of two hours outlives them only if both sides keep refreshing.

use super::client::{ClientId, Owner};
use super::leg::{Refresh, State};
use super::message::{Method, Request, Response};
use super::reply::{ALLOW, SDP, SUPPORTED};
use super::ua::{Timer, Ua};
use super::{Cause, Hop};
use crate::units::{Instant, LegId};
use core::time::Duration;

/// Shortest session interval, RFC 4028 §4.
pub const MIN_SE: Duration = Duration::from_secs(90);
/// The session interval that we ask a trunk for, RFC 4028 §4: a hold outlives it, and a call that nobody ended does not.
pub const SESSION: Duration = Duration::from_secs(1800);
/// How often a longer interval is agreed to before the leg is up; each proxy on the way may want its own.
const LENGTHENED: u8 = 5;
/// Wait before a refresh that failed for a passing reason is tried again.
const RETRY: Duration = Duration::from_secs(10);

impl Ua {
    /// 422 if the peer wants refreshes more often than allowed and knows what the answer means, RFC 4028 §9.
    pub(super) fn brief(&self, request: &Request) -> Option<u16> {
        let (interval, _) = asked(request.headers.first("Session-Expires")?)?;
        (interval < MIN_SE && request.headers.lists("Supported", "timer")).then_some(422)
    }

    /// [`Self::brief`], answered.
    pub(super) fn refuses_interval(&mut self, request: &Request, from: Hop) -> bool {
        let Some(status) = self.brief(request) else { return false };
        self.reply_with(request, from, status, &[("Min-SE", &MIN_SE.as_secs().to_string())]);
        true
    }

    /// Agrees to the session timer that a request asks for, in its 2xx. RFC 4028 §9, table 2.
    pub(super) fn agree_as_callee(
        &mut self,
        now: Instant,
        id: LegId,
        request: &Request,
        response: &mut Response,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let wish = request.headers.first("Session-Expires").and_then(asked);
        leg.refresh = wish.map(|(interval, refresher)| {
            let knows = request.headers.lists("Supported", "timer");
            let ours = match refresher {
                Some(role) => role == Role::Callee,
                // Who refreshed goes on refreshing; at first the caller does if it can.
                None => leg.refresh.map_or(!knows, |before| before.ours),
            };
            Refresh { interval: interval.max(MIN_SE), ours }
        });
        if let Some(Refresh { interval, ours }) = leg.refresh {
            let role = if ours { "uas" } else { "uac" };
            response.headers.push("Session-Expires", format!("{};refresher={role}", interval.as_secs()));
            if !ours {
                response.headers.push("Require", "timer");
            }
        }
        self.arm_session(now, id);
    }

    /// Takes the session timer that the 2xx to our request states, RFC 4028 §7.2.
    pub(super) fn agree_as_caller(&mut self, now: Instant, id: LegId, response: &Response) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let stated = response.headers.first("Session-Expires").and_then(asked);
        leg.refresh = stated.map(|(interval, role)| Refresh {
            interval: interval.max(MIN_SE),
            ours: role != Some(Role::Callee),
        });
        self.arm_session(now, id);
    }

    /// 422 to our INVITE: the same once more with the interval that the peer, or a proxy, wants. False if that is not
    /// longer, or has been done too often. RFC 4028 §7.3.
    pub(super) fn call_lengthened(
        &mut self,
        now: Instant,
        client: ClientId,
        id: LegId,
        response: &Response,
    ) -> bool {
        let Some((least, _)) = response.headers.first("Min-SE").and_then(asked) else { return false };
        let (Some(client), Some(leg)) = (self.clients.get(&client), self.legs.get_mut(&id)) else {
            return false;
        };
        let before = client.request.headers.first("Session-Expires").and_then(asked);
        if before.is_none_or(|(before, _)| least <= before) || leg.lengthened >= LENGTHENED {
            return false;
        }
        leg.lengthened += 1;
        let (mut request, to, account) = (client.request.clone(), client.to, client.account);
        let seq = self.next_seq(Owner::Call(id)).unwrap_or(request.cseq().0 + 1);
        request.headers.remove("Via");
        request.headers.set("CSeq", format!("{seq} {}", request.method));
        ask_for_timer(&mut request, least, least);
        let Some(again) = self.start(now, request, to, account, Owner::Call(id)) else { return false };
        self.call_moved(id, again);
        true
    }

    /// The session timer as it is, for a request of ours that is no refresh: without it the timer would end, RFC 4028
    /// §7.4.
    pub(super) fn keep_timer(&self, id: LegId, request: &mut Request) {
        if let Some(Refresh { interval, ours }) = self.legs.get(&id).and_then(|leg| leg.refresh) {
            let role = if ours { "uac" } else { "uas" };
            request.headers.push("Session-Expires", format!("{};refresher={role}", interval.as_secs()));
        }
    }

    fn arm_session(&mut self, now: Instant, id: LegId) {
        // Before the leg is up its INVITE has timers of its own.
        let up = self.legs.get(&id).filter(|leg| matches!(leg.state, State::Up));
        let refresh = up.and_then(|leg| leg.refresh);
        let at = refresh.map(|Refresh { interval, ours }| match ours {
            true => now + interval / 2,
            // RFC 4028 §10: BYE shortly before the end if the peer has not refreshed.
            false => now + (interval - (interval / 3).min(Duration::from_secs(32))),
        });
        self.timers.set(Timer::Session(id), at);
    }

    /// Half of our interval, or nearly all of the peer's, is over.
    pub(super) fn session_timeout(&mut self, now: Instant, id: LegId) {
        let Some(leg) = self.legs.get(&id).filter(|leg| !leg.ended) else { return };
        let account = leg.account;
        match leg.refresh {
            // One exchange at a time, RFC 3261 §14.1.
            Some(refresh) if refresh.ours && (leg.exchange.is_some() || leg.unacked.is_some()) => {
                self.timers.set(Timer::Session(id), Some(now + RETRY));
            }
            Some(refresh) if refresh.ours => self.refresh(now, id, refresh.interval),
            Some(_) => {
                self.hang_up_dialog(now, id, account);
                self.end(id, Cause::Timeout);
            }
            None => {}
        }
    }

    /// UPDATE without a word on sound where the peer takes it, else re-INVITE with the same description as before.
    fn refresh(&mut self, now: Instant, id: LegId, interval: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let method = if leg.takes_update { Method::Update } else { Method::Invite };
        let mut request = leg.dialog.request(method.clone());
        if method == Method::Invite {
            request.headers.push("Content-Type", SDP);
            request.body = leg.description.last().as_bytes().to_vec();
        }
        let (to, account) = (leg.dialog.hop(), leg.account);
        request.headers.push("Contact", self.contact(account));
        request.headers.push("Allow", ALLOW);
        request.headers.push("Supported", SUPPORTED);
        // RFC 4028 §7.4: the refresher stays who it is; in our own request that is the "uac".
        request.headers.push("Session-Expires", format!("{};refresher=uac", interval.as_secs()));
        let client = self.start(now, request, to, account, Owner::Refresh(id));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.exchange = client;
        }
        if client.is_none() {
            self.timers.set(Timer::Session(id), Some(now + RETRY));
        }
    }

    /// How our refresh ended.
    pub(super) fn refresh_decided(
        &mut self,
        now: Instant,
        client: ClientId,
        id: LegId,
        response: Option<&Response>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.exchange = None;
        let (account, wish) = (leg.account, leg.wish.take_if(|wish| wish.sent));
        match response.map_or(408, |response| response.status) {
            200..=299 => {
                if let Some(response) = response {
                    self.refreshed(now, client, id, response);
                }
            }
            // RFC 4028 §10 and RFC 3261 §12.2.1.2: the peer has gone.
            408 | 481 => {
                self.hang_up_dialog(now, id, account);
                self.end(id, Cause::Timeout);
            }
            status if wish.is_some() => self.hold_refused(now, id, wish, status, response),
            // It named UPDATE in Allow and refuses it all the same.
            405 | 501 if leg.takes_update => {
                leg.takes_update = false;
                self.timers.set(Timer::Session(id), Some(now));
            }
            491 => {
                let wait = self.glare(id);
                self.timers.set(Timer::Session(id), Some(now + wait));
            }
            422 => self.lengthen(now, id, response),
            _ => self.timers.set(Timer::Session(id), Some(now + RETRY)),
        }
    }

    /// RFC 3261 §14.1: both asked at once; whoever made the Call-ID waits longer.
    pub(super) fn glare(&mut self, id: LegId) -> Duration {
        let (from, to) = if id.is_outgoing() { (2100, 4000) } else { (0, 2000) };
        self.random.between(Duration::from_millis(from), Duration::from_millis(to))
    }

    fn refreshed(&mut self, now: Instant, client: ClientId, id: LegId, response: &Response) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Some(contact) = response.contact() {
            leg.dialog.target = contact.uri;
        }
        let (dialog, before) = (leg.dialog.clone(), leg.refresh);
        let session = leg.described(response).and_then(Result::ok);
        if response.cseq().1 == Method::Invite {
            self.ack_success(client, &dialog);
            if let Some(session) = session {
                self.settled(id, session);
            }
        }
        match response.headers.first("Session-Expires") {
            Some(_) => self.agree_as_caller(now, id, response),
            // A peer that forgets to repeat it still had its refresh.
            None => {
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.refresh = before;
                }
                self.arm_session(now, id);
            }
        }
    }

    /// 422: the peer, or a proxy, wants a longer interval, RFC 4028 §7.3.
    fn lengthen(&mut self, now: Instant, id: LegId, response: Option<&Response>) {
        let longer = self.longer(id, response);
        self.timers.set(Timer::Session(id), Some(if longer { now } else { now + RETRY }));
    }

    /// Takes the interval that a 422 names, if it is longer than ours.
    pub(super) fn longer(&mut self, id: LegId, response: Option<&Response>) -> bool {
        let least = response.and_then(|response| asked(response.headers.first("Min-SE")?));
        let Some(refresh) = self.legs.get_mut(&id).and_then(|leg| leg.refresh.as_mut()) else { return false };
        let longer = least.map(|(least, _)| least).filter(|least| *least > refresh.interval);
        refresh.interval = longer.unwrap_or(refresh.interval);
        longer.is_some()
    }
}

/// Asks for a session timer in an INVITE; who refreshes is the callee's to say, RFC 4028 §7.1.
pub fn ask_for_timer(request: &mut Request, interval: Duration, least: Duration) {
    request.headers.set("Session-Expires", interval.as_secs().to_string());
    request.headers.set("Min-SE", least.as_secs().to_string());
}

/// Who refreshes, as the request or response that says so sees the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Caller,
    Callee,
}

/// Reads Session-Expires or Min-SE, RFC 4028 §4 and §5.
fn asked(value: &str) -> Option<(Duration, Option<Role>)> {
    let mut parts = value.split(';').map(str::trim);
    let interval = Duration::from_secs(parts.next()?.parse::<u32>().ok()?.into());
    let role = parts.find_map(|part| {
        let (name, role) = part.split_once('=')?;
        match (name.trim().eq_ignore_ascii_case("refresher"), role.trim()) {
            (true, "uac") => Some(Role::Caller),
            (true, "uas") => Some(Role::Callee),
            _ => None,
        }
    });
    Some((interval, role))
}
