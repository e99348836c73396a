//! The user agent: one table of accounts, legs and transactions behind `handle`, `poll` and `deadline`.
//!
//! This file owns the tables and sends each input to the chapter of RFC 3261 that it belongs to: `invite` and
//! `incoming` open legs, `midcall` and `refresh` live within them, `register` and `registrar` know where peers are.

use super::auth::Verifier;
use super::client::{Client, ClientId};
use super::guard::Guard;
use super::leg::Leg;
use super::locate::Targets;
use super::message::{self, Message, Method, Reject, Request};
use super::random::Random;
use super::refer::Referral;
use super::register::Registration;
use super::registrar::Binding;
use super::server::{Expiry, Server, ServerId};
use super::timers::Deadlines;
use super::waiting::Subscription;
use super::{Account, Command, Discard, Event, Hop, Input, Output};
use crate::limits::SIP_LINGERING;
use crate::units::{AccountId, Instant, LegId};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// What the user agent must know of its surroundings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our SIP address as the peers see it, for UDP and TCP: Via, Contact.
    pub local: SocketAddr,
    /// Our port for TLS; 0 if nobody is let in by TLS.
    pub tls_port: u16,
    /// Trunks and phones.
    pub accounts: Vec<Account>,
    /// Digest realm for phones that register here.
    pub realm: String,
    /// Origin of every tag, branch, Call-ID, jitter and of the key that signs nonces: secret and new at each start.
    pub seed: u64,
    /// Origin of every key for sound: secret and new at each start.
    pub key_seed: [u8; 32],
    /// Numbers that a phone may dial with its sound in the clear though its account must encrypt: those of help, without
    /// the signs that people write between digits.
    pub for_help: Vec<String>,
}

/// Everything that waits for the clock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Client(ClientId),
    Server(ServerId),
    /// A 200 of ours without its ACK.
    Ack(LegId),
    /// The next copy of our provisional response.
    Provisional(LegId),
    /// The next copy of a reliable provisional response, RFC 3262.
    Reliable(LegId),
    /// The caller gives up, RFC 3261 §13.3.1.
    Expires(LegId),
    /// Session timer, RFC 4028.
    Session(LegId),
    /// A hold of ours that had to wait.
    Again(LegId),
    /// The peer that wants to be told of its transfer has waited long enough.
    Referral(LegId),
    /// Nobody has told how the transfer that we asked for ended.
    Referring(LegId),
    Register(AccountId),
    KeepAlive(AccountId),
    /// A phone's registration runs out.
    Binding(AccountId),
    /// A phone's subscription runs out.
    Subscription(AccountId),
}

/// SIP user agent for all accounts.
///
/// An INVITE that rings is never given up by it, in either direction; one without any response is, after Timer B.
pub struct Ua {
    pub(super) config: Config,
    pub(super) random: Random,
    pub(super) verifier: Verifier,
    pub(super) guard: Guard,
    pub(super) clients: BTreeMap<ClientId, Client>,
    pub(super) servers: BTreeMap<ServerId, Server>,
    /// Transactions that are over, the latest last. Those that have ended meanwhile may still be among them.
    over: (VecDeque<ClientId>, VecDeque<ServerId>),
    pub(super) legs: BTreeMap<LegId, Box<Leg>>,
    /// Call-ID and our tag to the leg.
    pub(super) dialogs: BTreeMap<(String, String), LegId>,
    pub(super) registrations: BTreeMap<AccountId, Registration>,
    pub(super) targets: BTreeMap<AccountId, Targets>,
    pub(super) bindings: BTreeMap<AccountId, Binding>,
    pub(super) subscriptions: BTreeMap<AccountId, Subscription>,
    /// Transfers that peers have asked for, by the leg that their REFER came on.
    pub(super) referrals: BTreeMap<LegId, Referral>,
    /// What waits for the owner of each phone.
    pub(super) waiting: BTreeMap<AccountId, u32>,
    pub(super) timers: Deadlines<Timer>,
    pub(super) incoming: u32,
    /// Our address of the family that `config.local` is not of, where we have both.
    pub(super) other: Option<IpAddr>,
    outputs: VecDeque<Output>,
}

impl Ua {
    /// A user agent without registrations; `Command::Register` starts them.
    pub fn new(config: Config) -> Self {
        let mut random = Random::new(config.seed);
        let key: [u8; 32] = core::array::from_fn(|_| random.bits().to_le_bytes()[0]);
        Self {
            verifier: Verifier::new(&config.realm, key),
            guard: Guard::default(),
            random,
            config,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            over: Default::default(),
            legs: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            registrations: BTreeMap::new(),
            targets: BTreeMap::new(),
            bindings: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            referrals: BTreeMap::new(),
            waiting: BTreeMap::new(),
            timers: Deadlines::new(),
            incoming: 0,
            other: None,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Message { from, bytes } => self.message(now, from, bytes),
            Input::Lost(hop) => self.lost(now, hop),
            Input::Command(command) => self.command(now, command),
            Input::Timeout => {}
        }
        while let Some(timer) = self.timers.expired(now) {
            self.timeout(now, timer);
        }
    }

    /// The next output; call until `None` after each `handle`, for nothing else bounds what waits here.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether nothing is left to settle with any peer: no leg, and no request without its final response.
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty() && !self.clients.values().any(Client::pending)
    }

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Call { leg, account, to, caller, media, manner } => {
                self.call(now, leg, account, (&to, &caller, manner), media);
            }
            Command::Ringing(leg) => self.ringing(now, leg),
            Command::Progress(leg, media) => self.progress(now, leg, media),
            Command::Answer(leg, media) => self.answer(now, leg, media),
            Command::Hangup(leg, cause) => self.hangup(now, leg, cause),
            Command::Info(leg, digit, held) => self.info(now, leg, digit, held),
            Command::Locate(account, hops) => self.locate(account, hops),
            Command::Relocate(ip) => self.relocate(now, ip),
            Command::Hold(leg, held) => self.hold(now, leg, held),
            Command::Refer(leg, to, replaces) => self.refer(now, leg, &to, replaces),
            Command::Report(leg, progress) => self.report(now, leg, progress),
            Command::Waiting(account, count) => self.waiting(now, account, count),
            Command::Admit(account) => {
                self.config.accounts.retain(|known| known.id != account.id);
                self.config.accounts.push(account);
            }
            Command::Dismiss(account) => {
                self.unbind(account);
                self.config.accounts.retain(|known| known.id != account);
            }
            Command::Register(account) => self.register(now, account),
            Command::Unregister(account) => self.unregister(now, account),
        }
    }

    fn message(&mut self, now: Instant, from: Hop, bytes: &[u8]) {
        // RFC 5626 §3.5.1: blank lines keep NAT bindings open and say nothing.
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return;
        }
        if !self.heeds(now, from) {
            return;
        }
        match message::parse(bytes) {
            Ok(Message::Request(request)) => self.request(now, request, from),
            Ok(Message::Response(response)) => self.response(now, &response),
            Err(reject) => {
                self.discard(Discard::Malformed);
                if let Reject::Answer(bytes) = reject {
                    self.send(from, bytes);
                }
            }
        }
    }

    fn request(&mut self, now: Instant, mut request: Request, from: Hop) {
        // RFC 3261 §18.2.1 and RFC 3581 §4: the source goes into the topmost Via.
        let mut via = request.via();
        via.learn(from.addr);
        request.headers.set_top_via(&via);
        let id = ServerId::of(&request);
        match request.method {
            Method::Ack => return self.acked(now, &request, &id),
            Method::Cancel => return self.cancelled(now, &request, &id, from),
            // RFC 3261 §11: anyone may ask, and the answer costs no state.
            Method::Options => return self.options(&request, from),
            _ => {}
        }
        if let Some(server) = self.servers.get(&id) {
            let (to, copy) = (server.to, server.repeat().map(<[u8]>::to_vec));
            if let Some(bytes) = copy {
                self.send(to, bytes);
            }
        } else if request.to().tag().is_some() {
            self.within(now, request, id, from);
        } else {
            match request.method {
                Method::Invite => self.invited(now, request, id, from),
                Method::Register => self.registering(now, &request, from),
                Method::Subscribe => self.subscribing(now, &request, from),
                _ => self.out_of_dialog(&request, from),
            }
        }
    }

    fn timeout(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Client(id) => self.client_timeout(now, id),
            Timer::Server(id) => self.server_timeout(now, id),
            Timer::Ack(leg) => self.ack_timeout(now, leg),
            Timer::Provisional(leg) => self.provisional_timeout(now, leg),
            Timer::Reliable(leg) => self.reliable_timeout(now, leg),
            Timer::Expires(leg) => self.invite_expired(now, leg),
            Timer::Session(leg) => self.session_timeout(now, leg),
            Timer::Again(leg) => self.hold_again(now, leg),
            Timer::Referral(leg) => self.referral_timeout(now, leg),
            Timer::Referring(leg) => self.referring_timeout(leg),
            Timer::Register(account) => self.register_timeout(now, account),
            Timer::KeepAlive(account) => self.keep_alive(now, account),
            Timer::Binding(account) => self.unbind(account),
            Timer::Subscription(account) => self.subscription_over(now, account),
        }
    }

    fn server_timeout(&mut self, now: Instant, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        match server.expire(now) {
            Expiry::Early => {}
            Expiry::Resend => {
                let (to, last) = (server.to, server.last.clone());
                self.send(to, last.unwrap_or_default());
            }
            Expiry::Gone => {
                self.servers.remove(&id);
            }
        }
        let deadline = self.servers.get(&id).and_then(Server::deadline);
        self.timers.set(Timer::Server(id), deadline);
    }

    /// This server transaction has given its final response.
    pub(super) fn server_over(&mut self, id: ServerId) {
        let (_, over) = &mut self.over;
        let oldest = (over.len() >= SIP_LINGERING).then(|| over.pop_front()).flatten();
        over.push_back(id);
        if let Some(oldest) = oldest.filter(|id| self.servers.get(id).is_some_and(|s| !s.pending())) {
            self.servers.remove(&oldest);
            self.timers.set(Timer::Server(oldest), None);
        }
    }

    /// This client transaction has got its final response.
    pub(super) fn client_over(&mut self, id: ClientId) {
        let (over, _) = &mut self.over;
        let oldest = (over.len() >= SIP_LINGERING).then(|| over.pop_front()).flatten();
        over.push_back(id);
        if let Some(oldest) = oldest.filter(|id| self.clients.get(id).is_some_and(|c| !c.pending())) {
            self.clients.remove(&oldest);
            self.timers.set(Timer::Client(oldest), None);
        }
    }

    pub(super) fn send(&mut self, to: Hop, bytes: Vec<u8>) {
        self.outputs.push_back(Output::Send { to, bytes });
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn discard(&mut self, what: Discard) {
        self.tell(Event::Discarded(what));
    }
}
