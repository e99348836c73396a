//! The user agent: one table of accounts, legs and transactions behind `handle`, `poll` and `deadline`.
//!
//! This file owns the tables and sends each input to the chapter of RFC 3261 that it belongs to: `invite` and
//! `incoming` open legs, `midcall` and `refresh` live within them, `register` and `registrar` know where peers are.

use super::auth::{self, Verifier};
use super::client::{Client, ClientId, Expiry as ClientExpiry, Owner, Receipt};
use super::dialog::Dialog;
use super::leg::Leg;
use super::message::{self, Message, Method, Reject, Request, Response};
use super::random::Random;
use super::register::Registration;
use super::registrar::Binding;
use super::server::{Expiry as ServerExpiry, Server, ServerId};
use super::timers::Deadlines;
use super::value::Via;
use super::{Account, AccountKind, Command, Discard, Event, Input, Output};
use crate::limits::SIP_TRANSACTIONS;
use crate::units::{AccountId, Instant, LegId};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// What the user agent must know of its surroundings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our SIP address as the peers see it: Via, Contact.
    pub local: SocketAddr,
    /// Trunks and phones.
    pub accounts: Vec<Account>,
    /// Digest realm for phones that register here.
    pub realm: String,
    /// Origin of every tag, branch, Call-ID, jitter and of the key that signs nonces: secret and new at each start.
    pub seed: u64,
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
    /// Session timer, RFC 4028.
    Session(LegId),
    Register(AccountId),
    KeepAlive(AccountId),
    /// A phone's registration runs out.
    Binding(AccountId),
}

/// SIP user agent for all accounts.
///
/// An INVITE that rings is never given up by it, in either direction; one without any response is, after Timer B.
pub struct Ua {
    pub(super) config: Config,
    pub(super) random: Random,
    pub(super) verifier: Verifier,
    pub(super) clients: BTreeMap<ClientId, Client>,
    pub(super) servers: BTreeMap<ServerId, Server>,
    pub(super) legs: BTreeMap<LegId, Leg>,
    /// Call-ID and our tag to the leg.
    pub(super) dialogs: BTreeMap<(String, String), LegId>,
    pub(super) registrations: BTreeMap<AccountId, Registration>,
    pub(super) bindings: BTreeMap<AccountId, Binding>,
    pub(super) timers: Deadlines<Timer>,
    pub(super) incoming: u32,
    outputs: VecDeque<Output>,
}

impl Ua {
    /// A user agent without registrations; `Command::Register` starts them.
    pub fn new(config: Config) -> Self {
        let mut random = Random::new(config.seed);
        let key: [u8; 32] = core::array::from_fn(|_| random.bits().to_le_bytes()[0]);
        Self {
            verifier: Verifier::new(&config.realm, key),
            random,
            config,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            legs: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            registrations: BTreeMap::new(),
            bindings: BTreeMap::new(),
            timers: Deadlines::new(),
            incoming: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Datagram { from, bytes } => self.datagram(now, from, bytes),
            Input::Command(command) => self.command(now, command),
            Input::Timeout => {}
        }
        while let Some(timer) = self.timers.expired(now) {
            self.timeout(now, timer);
        }
    }

    /// The next output; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Call { leg, account, to, caller, media } => {
                self.call(now, leg, account, &to, &caller, media);
            }
            Command::Ringing(leg) => self.ringing(now, leg),
            Command::Progress(leg, media) => self.progress(now, leg, media),
            Command::Answer(leg, media) => self.answer(now, leg, media),
            Command::Hangup(leg, cause) => self.hangup(now, leg, cause),
            Command::Info(leg, digit) => self.info(now, leg, digit),
            Command::Locate(account, addr) => self.locate(account, addr),
            Command::Hold(leg, held) => self.hold(now, leg, held),
            Command::Register(account) => self.register(now, account),
            Command::Unregister(account) => self.unregister(now, account),
        }
    }

    fn datagram(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        // RFC 5626 §3.5.1: blank lines keep NAT bindings open and say nothing.
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
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

    fn request(&mut self, now: Instant, mut request: Request, from: SocketAddr) {
        // RFC 3261 §18.2.1 and RFC 3581 §4: the source goes into the topmost Via.
        let mut via = request.via();
        via.learn(from);
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
                _ => self.out_of_dialog(&request, from),
            }
        }
    }

    fn response(&mut self, now: Instant, response: &Response) {
        let via = response.via();
        let id = via.branch().and_then(|branch| ClientId::of(branch, &response.cseq().1));
        let Some((id, client)) = id.and_then(|id| Some((id, self.clients.get_mut(&id)?))) else {
            return self.discard(Discard::StrayResponse);
        };
        let receipt = client.receive(now, response.status);
        self.timers.set(Timer::Client(id), client.deadline());
        match receipt {
            Receipt::Absorbed => {}
            Receipt::Provisional => self.provisional(now, id, response),
            Receipt::Final => self.finally(now, id, Some(response)),
            Receipt::Again => self.again(now, id, response),
        }
    }

    fn provisional(&mut self, now: Instant, id: ClientId, response: &Response) {
        let Some(client) = self.clients.get(&id) else { return };
        if client.cancel_wanted {
            self.send_cancel(now, id);
        } else if let Owner::Call(leg) = client.owner {
            self.call_proceeds(leg, response);
        }
    }

    /// A request of ours has its final response, or (`None`) will never have one.
    fn finally(&mut self, now: Instant, id: ClientId, response: Option<&Response>) {
        let Some(client) = self.clients.get(&id) else { return };
        let (owner, account, to) = (client.owner, client.account, client.to);
        let invite = client.request.method == Method::Invite;
        if let Some(response) = response.filter(|response| invite && response.status >= 300) {
            let ack = client.ack_refusal(response).emit();
            self.keep_ack(id, &response.to(), &ack);
            self.send(to, ack);
        }
        let lost = !invite || owner != Owner::Nobody;
        if let Some(response) = response.filter(|response| lost && matches!(response.status, 401 | 407))
            && self.challenged(now, id, response)
        {
            return;
        }
        match owner {
            Owner::Call(leg) => self.call_decided(now, id, leg, response),
            Owner::Refresh(leg) => self.refresh_decided(now, id, leg, response),
            Owner::Info(leg) => self.info_decided(leg, response),
            Owner::Register(account) => self.register_decided(now, account, response),
            Owner::Nobody => {
                if let Some(response) = response.filter(|response| invite && response.status < 300) {
                    self.ack_and_bye(now, id, account, response);
                }
            }
        }
    }

    /// One more final response to an INVITE: the ACK was lost, or another branch of a fork answered.
    fn again(&mut self, now: Instant, id: ClientId, response: &Response) {
        let Some(client) = self.clients.get(&id) else { return };
        let remote = response.to();
        let known = client.ack(remote.tag().unwrap_or_default()).map(<[u8]>::to_vec);
        let (to, account) = (client.ack_to.unwrap_or(client.to), client.account);
        match known {
            Some(ack) => self.send(to, ack),
            None if response.status < 300 => self.ack_and_bye(now, id, account, response),
            None => {}
        }
    }

    /// A 2xx that no leg wants: the INVITE was given up, or forked. RFC 3261 §13.2.2.4: ACK, then BYE.
    pub(super) fn ack_and_bye(
        &mut self,
        now: Instant,
        id: ClientId,
        account: AccountId,
        response: &Response,
    ) {
        let Some(client) = self.clients.get(&id) else { return };
        let flow = self.flow_of(account, client.to);
        let mut dialog = Dialog::of_invite(&client.request, flow);
        dialog.learn(response);
        if self.ack_success(id, &dialog) {
            self.bye(now, account, &mut dialog);
        }
    }

    /// Acknowledges a 2xx end to end. False if too many peers have answered this INVITE.
    pub(super) fn ack_success(&mut self, id: ClientId, dialog: &Dialog) -> bool {
        let Some(client) = self.clients.get(&id) else { return false };
        let mut ack = dialog.ack(client.request.cseq().0);
        // RFC 3261 §22.1: the ACK repeats the credentials of its INVITE, as nobody can challenge it.
        for name in ["Authorization", "Proxy-Authorization"] {
            if let Some(value) = client.request.headers.first(name) {
                ack.headers.set(name, value);
            }
        }
        let branch = ClientId::new(self.random.bits()).branch();
        ack.headers.push_front("Via", Via::udp(self.config.local, &branch).to_string());
        let (to, bytes) = (dialog.hop(), ack.emit());
        let kept = self.keep_ack(id, &dialog.remote, &bytes);
        if let Some(client) = self.clients.get_mut(&id).filter(|_| kept) {
            client.ack_to = Some(to);
            self.send(to, bytes);
        }
        kept
    }

    fn keep_ack(&mut self, id: ClientId, remote: &super::value::NameAddr, ack: &[u8]) -> bool {
        let tag = remote.tag().unwrap_or_default();
        self.clients.get_mut(&id).is_some_and(|client| client.keep_ack(tag, ack.to_vec()))
    }

    /// Ends a dialog towards the peer.
    pub(super) fn bye(&mut self, now: Instant, account: AccountId, dialog: &mut Dialog) {
        let request = dialog.request(Method::Bye);
        self.start(now, request, dialog.hop(), account, Owner::Nobody);
    }

    /// Answers a challenge by the same request with credentials. False if there is nothing (more) to say.
    fn challenged(&mut self, now: Instant, id: ClientId, response: &Response) -> bool {
        let cnonce = self.random.token();
        let Some(client) = self.clients.get(&id) else { return false };
        let Some(AccountKind::RegisterAt(upstream)) = self.account(client.account).map(|a| &a.kind) else {
            return false;
        };
        let (asked, says) = match response.status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let mut request = client.request.clone();
        let challenges: Vec<&str> = response.headers.all(asked).collect();
        let (user, password) = (upstream.auth_user.as_str(), upstream.secret.as_str());
        let uri = request.uri.to_string();
        let Some(answer) = auth::answer(&challenges, user, password, &request.method, &uri, 1, &cnonce)
        else {
            return false;
        };
        let nonce = nonce_of(&answer);
        // One more try only for a fresh nonce: one wrong password must not make a thousand requests.
        if client.tries >= 2 || (client.tries == 1 && client.nonce == nonce) {
            return false;
        }
        let (to, account, owner, tries) = (client.to, client.account, client.owner, client.tries + 1);
        // RFC 3261 §8.1.3.5: same Call-ID, From and To; next CSeq; new branch.
        let seq = self.next_seq(owner).unwrap_or(request.cseq().0 + 1);
        request.headers.remove("Via");
        request.headers.set("CSeq", format!("{seq} {}", request.method));
        request.headers.set(says, answer);
        let Some(again) = self.start(now, request, to, account, owner) else { return false };
        if let Some(client) = self.clients.get_mut(&again) {
            (client.nonce, client.tries) = (nonce, tries);
        }
        self.moved(owner, again);
        true
    }

    fn next_seq(&mut self, owner: Owner) -> Option<u32> {
        match owner {
            Owner::Call(leg) | Owner::Refresh(leg) | Owner::Info(leg) => {
                let dialog = &mut self.legs.get_mut(&leg)?.dialog;
                dialog.local_seq += 1;
                Some(dialog.local_seq)
            }
            Owner::Register(account) => Some(self.registrations.get_mut(&account)?.next_seq()),
            Owner::Nobody => None,
        }
    }

    /// The owner's request goes on under another transaction.
    fn moved(&mut self, owner: Owner, id: ClientId) {
        match owner {
            Owner::Call(leg) => self.call_moved(leg, id),
            Owner::Refresh(leg) => {
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.exchange = Some(id);
                }
            }
            Owner::Info(_) | Owner::Register(_) | Owner::Nobody => {}
        }
    }

    /// Sends a request in a new client transaction. `None` if the table is full: then it is sent once, untracked.
    pub(super) fn start(
        &mut self,
        now: Instant,
        mut request: Request,
        to: SocketAddr,
        account: AccountId,
        owner: Owner,
    ) -> Option<ClientId> {
        let id = ClientId::new(self.random.bits());
        request.headers.push_front("Via", Via::udp(self.config.local, &id.branch()).to_string());
        let client = Client::new(now, request, to, account, owner);
        if !self.room() {
            self.discard(Discard::Full);
            if owner == Owner::Nobody {
                self.send(to, client.bytes);
            }
            return None;
        }
        self.send(to, client.bytes.clone());
        self.track(id, client);
        Some(id)
    }

    fn track(&mut self, id: ClientId, client: Client) {
        self.timers.set(Timer::Client(id), client.deadline());
        self.clients.insert(id, client);
    }

    /// Sends CANCEL for an INVITE that has a provisional response, RFC 3261 §9.1.
    pub(super) fn send_cancel(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.cancelled(now);
        let (deadline, to, account) = (client.deadline(), client.to, client.account);
        let cancel = Client::new(now, client.cancel(), to, account, Owner::Nobody);
        self.timers.set(Timer::Client(id), deadline);
        self.send(to, cancel.bytes.clone());
        if self.room() {
            self.track(id.cancel(), cancel);
        }
    }

    /// There is room for one more client transaction: half of all, so that a flood from outside takes none of them.
    fn room(&self) -> bool {
        self.clients.len() < SIP_TRANSACTIONS / 2
    }

    fn timeout(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Client(id) => self.client_timeout(now, id),
            Timer::Server(id) => self.server_timeout(now, id),
            Timer::Ack(leg) => self.ack_timeout(now, leg),
            Timer::Provisional(leg) => self.provisional_timeout(now, leg),
            Timer::Session(leg) => self.session_timeout(now, leg),
            Timer::Register(account) => self.register_timeout(now, account),
            Timer::KeepAlive(account) => self.keep_alive(now, account),
            Timer::Binding(account) => self.binding_timeout(account),
        }
    }

    fn client_timeout(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        match client.expire(now) {
            ClientExpiry::Early => {}
            ClientExpiry::Resend => {
                let (to, bytes) = (client.to, client.bytes.clone());
                self.send(to, bytes);
            }
            ClientExpiry::TimedOut => {
                self.finally(now, id, None);
                self.clients.remove(&id);
            }
            ClientExpiry::Gone => {
                self.clients.remove(&id);
            }
        }
        self.timers.set(Timer::Client(id), self.clients.get(&id).and_then(Client::deadline));
    }

    fn server_timeout(&mut self, now: Instant, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        match server.expire(now) {
            ServerExpiry::Early => {}
            ServerExpiry::Resend => {
                let (to, last) = (server.to, server.last.clone());
                self.send(to, last.unwrap_or_default());
            }
            ServerExpiry::Gone => {
                self.servers.remove(&id);
            }
        }
        let deadline = self.servers.get(&id).and_then(Server::deadline);
        self.timers.set(Timer::Server(id), deadline);
    }

    pub(super) fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.outputs.push_back(Output::Send { to, bytes });
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn discard(&mut self, what: Discard) {
        self.tell(Event::Discarded(what));
    }
}

fn nonce_of(credentials: &str) -> Option<String> {
    let (_, value) = credentials.split_once(" nonce=\"").or_else(|| credentials.split_once(",nonce=\""))?;
    value.split_once('"').map(|(nonce, _)| nonce.to_owned())
}
