//! Our registrations at providers, RFC 3261 §10.2.

use super::auth::of_realm;
use super::client::Owner;
use super::message::{Method, Request, Response};
use super::reply::ALLOW;
use super::ua::{Timer, Ua};
use super::value::{NameAddr, Uri};
use super::{AccountKind, Cause, Event, Hop, Upstream};
use crate::units::{AccountId, Instant};
use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

/// Many routers forget a silent UDP mapping after 30 s, whatever RFC 4787 §4.3 asks of them.
const KEEP_ALIVE: Duration = Duration::from_secs(29);
/// First and longest wait after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// First and longest wait after a refusal, RFC 3261 §22.2: the same credentials again would be refused again, and who asks
/// often is banned; but providers refuse for reasons that pass as well.
const REFUSED: (Duration, Duration) = (Duration::from_secs(15 * 60), Duration::from_secs(4 * 3600));
/// What is believed of a lifetime granted by a provider.
const GRANTED: (u64, u64) = (20, 7 * 24 * 3600);

/// The state of one registration.
#[derive(Debug)]
pub struct Registration {
    /// Our address as the provider sees it: the Contact.
    pub contact: SocketAddr,
    call_id: String,
    tag: String,
    seq: u32,
    expires: Duration,
    /// When the newest REGISTER went out.
    pub sent: Instant,
    /// A REGISTER is on its way.
    busy: bool,
    /// The provider holds a binding of ours.
    pub held: bool,
    /// The Contact of the newest REGISTER: what the provider has once that is answered, wherever we are by then.
    told: SocketAddr,
    /// The Contact that the next REGISTER replaces.
    former: Option<SocketAddr>,
    /// The Contact has been corrected in this round: a NAT that changes its mind each time is not followed further.
    corrected: bool,
    failures: u32,
    refusals: u32,
    stay: Stay,
}

/// Whether the switchboard wants the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    Wanted,
    /// It is to be taken away once the REGISTER on its way has ended.
    Leaving,
    /// The last REGISTER is on its way.
    Left,
}

impl Registration {
    /// It has never come about, and this is the first try.
    pub const fn is_first(&self) -> bool {
        !self.held && self.failures == 0
    }

    /// The CSeq number of the next REGISTER.
    pub const fn next_seq(&mut self) -> u32 {
        self.seq += 1;
        self.seq
    }
}

impl Ua {
    /// Registers an account; a registration that exists is refreshed.
    pub(super) fn register(&mut self, now: Instant, id: AccountId) {
        let Some(upstream) = self.upstream(id) else { return };
        let expires = upstream.expires;
        if self.registrations.get(&id).is_none_or(|registration| registration.stay != Stay::Wanted) {
            let (call_id, tag) = (self.random.token(), self.random.token());
            let contact = self.own_addr(self.hop_of(id));
            let registration = Registration {
                contact,
                told: contact,
                call_id,
                tag,
                seq: 0,
                expires,
                sent: now,
                busy: false,
                held: false,
                former: None,
                corrected: false,
                failures: 0,
                refusals: 0,
                stay: Stay::Wanted,
            };
            self.registrations.insert(id, registration);
        }
        self.send_register(now, id);
    }

    /// The Contacts that name our former address are replaced.
    pub(super) fn relocate(&mut self, now: Instant, ip: IpAddr) {
        match ip.is_ipv4() == self.config.local.is_ipv4() {
            true => self.config.local.set_ip(ip),
            false => self.other = Some(ip),
        }
        let shown = |id: &AccountId| self.own_addr(self.hop_of(*id)).ip() == ip;
        for id in self.registrations.keys().copied().filter(shown).collect::<Vec<_>>() {
            let local = self.own_addr(self.hop_of(id));
            if let Some(registration) = self.registrations.get_mut(&id) {
                let before = core::mem::replace(&mut registration.contact, local);
                registration.former = registration.held.then_some(before);
                registration.corrected = false;
            }
            self.send_register(now, id);
        }
    }

    pub(super) fn upstream(&self, id: AccountId) -> Option<&Upstream> {
        match &self.account(id)?.kind {
            AccountKind::RegisterAt(upstream) => Some(upstream),
            AccountKind::RegistersHere { .. } | AccountKind::Paired { .. } | AccountKind::Static { .. } => {
                None
            }
        }
    }

    /// Takes the registration away.
    pub(super) fn unregister(&mut self, now: Instant, id: AccountId) {
        self.timers.set(Timer::Register(id), None);
        self.timers.set(Timer::KeepAlive(id), None);
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        if registration.held || registration.busy {
            registration.stay = Stay::Leaving;
            registration.expires = Duration::ZERO;
            if !registration.busy {
                self.send_register(now, id);
            }
        } else {
            self.registrations.remove(&id);
        }
    }

    pub(super) fn send_register(&mut self, now: Instant, id: AccountId) {
        if self.registrations.get(&id).is_none_or(|registration| registration.busy) {
            return;
        }
        let Some((request, to)) = self.registering_request(id) else { return };
        let sent = self.start(now, request, to, id, Owner::Register(id)).is_some();
        if let Some(registration) = self.registrations.get_mut(&id) {
            registration.busy = sent;
        }
        if !sent {
            self.register_failed(now, id, Cause::Congestion, None);
        }
    }

    fn registering_request(&mut self, id: AccountId) -> Option<(Request, Hop)> {
        let shown = self.account(id).map(|account| self.contact_user(account).to_owned())?;
        // Not resolved yet: there is nobody to ask.
        let upstream = self.upstream(id).filter(|upstream| upstream.addr.port() != 0)?;
        let (user, domain, to) = (upstream.user.clone(), upstream.domain.clone(), upstream.addr);
        let registration = self.registrations.get_mut(&id)?;
        let own = NameAddr::new(Uri::sip(&user, &domain, None));
        let from = own.clone().with_tag(&registration.tag);
        if registration.stay == Stay::Leaving {
            registration.stay = Stay::Left;
        }
        let (seq, call_id) = (registration.next_seq(), registration.call_id.clone());
        let mut request =
            Request::new(Method::Register, Uri::sip("", &domain, None), &from, &own, &call_id, seq);
        let contact = |addr, expires: Duration| {
            let uri = Uri::at(&shown, addr).by(to.transport);
            format!("{};expires={}", NameAddr::new(uri), expires.as_secs())
        };
        request.headers.push("Contact", contact(registration.contact, registration.expires));
        registration.told = registration.contact;
        if let Some(former) = registration.former {
            // RFC 3261 §10.2.2: the address that nobody reaches goes.
            request.headers.push("Contact", contact(former, Duration::ZERO));
        }
        request.headers.push("Expires", registration.expires.as_secs().to_string());
        request.headers.push("Allow", ALLOW);
        Some((request, to))
    }

    /// How our REGISTER ended.
    pub(super) fn register_decided(&mut self, now: Instant, id: AccountId, response: Option<&Response>) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        registration.busy = false;
        if registration.stay != Stay::Wanted {
            return self.left(now, id);
        }
        match response {
            None if self.next_target(id) => self.send_register(now, id),
            Some(response) if response.status == 503 && self.next_target(id) => self.send_register(now, id),
            None => self.register_failed(now, id, Cause::Timeout, None),
            Some(response) => match response.status {
                200..=299 => self.registered(now, id, response),
                423 => self.register_longer(now, id, response),
                401 | 407 => {
                    self.register_refused(now, id, self.unproved(id, response), retry_after(response))
                }
                403 => self.register_refused(now, id, Cause::Rejected, retry_after(response)),
                status => self.register_failed(now, id, Cause::from_status(status), retry_after(response)),
            },
        }
    }

    /// Why a challenge was the end.
    fn unproved(&self, id: AccountId, response: &Response) -> Cause {
        let names = ["WWW-Authenticate", "Proxy-Authenticate"];
        let challenges: Vec<&str> = names.into_iter().flat_map(|name| response.headers.all(name)).collect();
        match self.upstream(id).and_then(|upstream| upstream.realm.as_ref()) {
            Some(realm) if of_realm(&challenges, realm).is_empty() => Cause::OtherRealm,
            _ => Cause::Unauthorized,
        }
    }

    /// The provider does not want us, or not with this password: it is left in peace, and asked again once in a while.
    fn register_refused(&mut self, now: Instant, id: AccountId, cause: Cause, ask: Option<Duration>) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        registration.held = false;
        let wait = (REFUSED.0 * 2_u32.saturating_pow(registration.refusals.min(16))).min(REFUSED.1);
        registration.refusals += 1;
        self.timers.set(Timer::KeepAlive(id), None);
        let wait = self.random.between(wait, wait + wait / 8).max(ask.unwrap_or_default());
        self.timers.set(Timer::Register(id), Some(now + wait));
        self.tell(Event::RegisterFailed(id, cause, now + wait));
    }

    /// A REGISTER ended while we were leaving: it may have been the last one, or one before the order to leave.
    fn left(&mut self, now: Instant, id: AccountId) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        match registration.stay {
            Stay::Left => drop(self.registrations.remove(&id)),
            Stay::Wanted | Stay::Leaving => self.send_register(now, id),
        }
    }

    fn registered(&mut self, now: Instant, id: AccountId, response: &Response) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        let told = registration.told;
        let granted = granted(response, told).unwrap_or(registration.expires.as_secs());
        let granted = Duration::from_secs(granted.clamp(GRANTED.0, GRANTED.1));
        registration.held = true;
        if let Some(targets) = self.targets.get_mut(&id) {
            targets.found();
        }
        (registration.failures, registration.refusals) = (0, 0);
        let took = now.since(registration.sent);
        // We have moved while it was on its way.
        let moved = told != registration.contact;
        registration.former = moved.then_some(told);
        let seen = seen_as(response, registration.contact);
        let correct = !moved && !registration.corrected && seen != registration.contact;
        registration.corrected = correct;
        if correct {
            // Behind NAT: the Contact becomes what the provider sees, RFC 3581 §4.
            registration.former = Some(core::mem::replace(&mut registration.contact, seen));
        }
        self.timers.set(Timer::Register(id), Some(now + granted * 17 / 20));
        self.timers.set(Timer::KeepAlive(id), Some(now + self.keeps_alive_every(id)));
        self.tell(Event::RoundTrip(id, took));
        self.tell(Event::Registered(id, now + granted));
        if correct || moved {
            self.send_register(now, id);
        }
    }

    /// 423: the lifetime we asked for is too short, RFC 3261 §10.2.8.
    fn register_longer(&mut self, now: Instant, id: AccountId, response: &Response) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        let least = response.headers.first("Min-Expires").and_then(|least| least.trim().parse().ok());
        let least = Duration::from_secs(least.unwrap_or(0_u32).into());
        if least > registration.expires {
            registration.expires = least;
            self.send_register(now, id);
        } else {
            self.register_failed(now, id, Cause::Status(423), None);
        }
    }

    fn register_failed(&mut self, now: Instant, id: AccountId, cause: Cause, ask: Option<Duration>) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        let longest = (BACK_OFF.0 * 2_u32.saturating_pow(registration.failures.min(16))).min(BACK_OFF.1);
        registration.failures += 1;
        // Jitter keeps a street of boxes from coming back at once after a power cut.
        let wait = self.random.between(longest / 2, longest).max(ask.unwrap_or_default());
        let at = now + wait;
        self.timers.set(Timer::Register(id), Some(at));
        self.tell(Event::RegisterFailed(id, cause, at));
    }

    /// Time for the next REGISTER.
    pub(super) fn register_timeout(&mut self, now: Instant, id: AccountId) {
        if let Some(registration) = self.registrations.get_mut(&id) {
            registration.corrected = false;
        }
        self.send_register(now, id);
    }

    /// Keeps the NAT open.
    pub(super) fn keep_alive(&mut self, now: Instant, id: AccountId) {
        let Some(to) = self.upstream(id).map(|upstream| upstream.addr) else { return };
        // RFC 5626 §3.5.1 for streams; over UDP the same four bytes serve, and nobody answers.
        self.send(to, b"\r\n\r\n".to_vec());
        self.timers.set(Timer::KeepAlive(id), Some(now + self.keeps_alive_every(id)));
    }

    fn keeps_alive_every(&self, id: AccountId) -> Duration {
        self.account(id).and_then(|account| account.identity.keep_alive).unwrap_or(KEEP_ALIVE)
    }
}

/// The lifetime granted to our Contact: its own parameter, else the Expires header, RFC 3261 §10.2.4.
fn granted(response: &Response, contact: SocketAddr) -> Option<u64> {
    let contacts: Vec<NameAddr> =
        response.headers.all("Contact").filter_map(|contact| contact.parse().ok()).collect();
    let own = contacts.iter().find(|listed| listed.uri.addr() == Some(contact)).or_else(|| contacts.first());
    let own = own.and_then(|listed| listed.param("expires"));
    own.or_else(|| response.headers.first("Expires")).and_then(|seconds| seconds.trim().parse().ok())
}

/// Our address as the response's Via tells it, `contact` where it tells nothing.
fn seen_as(response: &Response, contact: SocketAddr) -> SocketAddr {
    let via = response.via();
    let ip: Option<IpAddr> = via.received().or_else(|| via.host.parse().ok());
    match (ip, via.rport()) {
        (Some(ip), Some(port)) if !ip.is_unspecified() && port != 0 => SocketAddr::new(ip, port),
        _ => contact,
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers.first("Retry-After")?;
    let seconds: u32 = value.split([';', '(', ' ']).next()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600).into()))
}
