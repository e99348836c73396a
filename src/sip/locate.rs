//! Ways to a neighbour that fail and change: several targets of one name (RFC 3263 §4), streams that break, requests too
//! large for a datagram, RFC 3261 §18.1.1.

use super::client::{Client, ClientId, Owner};
use super::dialog::Flow;
use super::hop::{Hop, Transport};
use super::peer::fixed_addr;
use super::register::Registration;
use super::ua::{Timer, Ua};
use super::value::Via;
use super::{AccountKind, Event, LocalMedia};
use crate::units::{AccountId, Instant};
use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

/// Most targets kept of one name.
const TARGETS: usize = 8;
/// RFC 3261 §18.1.1: a larger request may not fit into one datagram on its way.
const LARGE: usize = 1300;
/// How long after a broken connection the next registration is tried: not all boxes of a provider at once.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));

/// The targets of one upstream, best first.
#[derive(Debug)]
pub struct Targets {
    hops: Vec<Hop>,
    /// Failures since one of them last answered.
    failed: usize,
}

impl Targets {
    /// One of them has this address.
    pub fn has(&self, ip: IpAddr) -> bool {
        self.hops.iter().any(|hop| hop.ip() == ip)
    }

    /// The present one answers.
    pub const fn found(&mut self) {
        self.failed = 0;
    }

    /// `at` has failed: the one to try at once. `None`: each has failed in turn, so it is time to wait. The next round
    /// begins where the list begins.
    fn next(&mut self, at: Hop) -> Option<Hop> {
        self.failed += 1;
        if self.failed >= self.hops.len() {
            self.failed = 0;
            return None;
        }
        let place = self.hops.iter().position(|hop| *hop == at).map_or(0, |place| place + 1);
        self.hops.get(place % self.hops.len()).copied()
    }

    /// The one after `at`, for a request that has no time to go round.
    fn after(&self, at: Hop) -> Option<Hop> {
        self.hops.iter().skip_while(|hop| **hop != at).nth(1).copied()
    }
}

impl Ua {
    /// The name service told where an upstream is.
    pub(super) fn locate(&mut self, id: AccountId, mut hops: Vec<Hop>) {
        hops.truncate(TARGETS);
        let Some(best) = hops.first().copied() else { return };
        let present = self.upstream(id).map(|upstream| upstream.addr);
        let settled = self.registrations.get(&id).is_some_and(|registration| registration.held);
        // What works stays, as long as the name still means it.
        if !(settled && present.is_some_and(|present| hops.contains(&present))) {
            self.aim(id, best);
        }
        self.targets.insert(id, Targets { hops, failed: 0 });
    }

    fn aim(&mut self, id: AccountId, hop: Hop) {
        let account = self.config.accounts.iter_mut().find(|account| account.id == id);
        if let Some(AccountKind::RegisterAt(upstream)) = account.map(|account| &mut account.kind) {
            upstream.addr = hop;
        }
    }

    /// Turns to the next target of a registration that failed, RFC 3263 §4.3. False if the round is over: then it is at
    /// the first one again.
    pub(super) fn next_target(&mut self, id: AccountId) -> bool {
        let Some(at) = self.upstream(id).map(|upstream| upstream.addr) else { return false };
        let Some(targets) = self.targets.get_mut(&id) else { return false };
        let next = targets.next(at);
        if let Some(hop) = next.or_else(|| targets.hops.first().copied()) {
            self.aim(id, hop);
        }
        next.is_some()
    }

    /// RFC 3263 §4.3: the INVITE of a leg goes to the next target: the same request in a new transaction.
    pub(super) fn elsewhere(&mut self, now: Instant, id: ClientId) -> bool {
        let Some(client) = self.clients.get(&id) else { return false };
        let Owner::Call(leg) = client.owner else { return false };
        let next = self.targets.get(&client.account).and_then(|targets| targets.after(client.to));
        let Some(next) = next else { return false };
        let (mut request, account, owner) = (client.request.clone(), client.account, client.owner);
        request.headers.remove("Via");
        let Some(again) = self.start(now, request, next, account, owner) else { return false };
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.dialog.flow = Flow::Fixed(next);
        }
        self.moved(owner, again);
        true
    }

    /// There is no connection to this neighbour any more, or none could be made.
    pub(super) fn lost(&mut self, now: Instant, hop: Hop) {
        if !hop.transport.is_reliable() {
            return self.turned_away(now, hop);
        }
        let on_it = self.clients.iter().filter(|(_, client)| client.to == hop && client.pending());
        let on_it: Vec<ClientId> = on_it.map(|(id, _)| *id).collect();
        for id in on_it {
            self.request_lost(now, id);
        }
        self.responses_lost(hop);
        let bound = self.bindings.iter().filter(|(_, binding)| binding.flow == hop).map(|(id, _)| *id);
        for id in bound.collect::<Vec<_>>() {
            self.phone_lost(id, hop);
        }
        let held = |id: &AccountId| {
            self.upstream(*id).is_some_and(|upstream| upstream.addr == hop)
                && self.registrations.get(id).is_some_and(|registration| registration.held)
        };
        let held: Vec<AccountId> = self.registrations.keys().copied().filter(held).collect();
        for id in held {
            // The provider reached us on that connection only.
            let at = now + self.random.between(AGAIN.0, AGAIN.1);
            self.timers.set(Timer::KeepAlive(id), None);
            self.timers.set(Timer::Register(id), Some(at));
        }
    }

    /// A datagram was turned away. Nothing proves that: it ends no call and takes nobody away, whose timers go on. Only who has
    /// never been registered there, and asks for the first time, need not wait for silence.
    fn turned_away(&mut self, now: Instant, hop: Hop) {
        let first = |owner| match owner {
            Owner::Register(id) => self.registrations.get(&id).is_some_and(Registration::is_first),
            _ => false,
        };
        let on_it = self.clients.iter().filter(|(_, client)| {
            client.to == hop && client.pending() && client.unheard() && first(client.owner)
        });
        for id in on_it.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.request_lost(now, id);
        }
    }

    /// RFC 3261 §18.2.2: what came on this connection is answered on a new one, to where the peer says that it listens. A
    /// final response that it may not have heard goes again at once. This is done once: where nobody listens, nobody asks.
    fn responses_lost(&mut self, hop: Hop) {
        let mut again = Vec::new();
        for server in self.servers.values_mut().filter(|server| server.to == hop) {
            let Some(anew) = server.else_to.take() else { continue };
            server.to = anew;
            again.extend(server.unheard().map(|bytes| (anew, bytes.to_vec())));
        }
        for unacked in self.legs.values_mut().filter_map(|leg| leg.unacked.as_mut()) {
            if let Some(anew) = unacked.else_to.take_if(|_| unacked.to == hop) {
                unacked.to = anew;
                again.push((anew, unacked.ok.clone()));
            }
        }
        again.into_iter().for_each(|(to, bytes)| self.send(to, bytes));
    }

    /// RFC 3261 §8.1.3.1: a request that could not be sent counts as answered by 503.
    fn request_lost(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if !client.unheard() {
            // It has arrived: the peer may come back with the answer, on a connection of its own.
            client.patience(now);
            let deadline = client.deadline();
            return self.timers.set(Timer::Client(id), deadline);
        }
        let Some(client) = self.clients.remove(&id) else { return };
        self.timers.set(Timer::Client(id), None);
        if let Some(to) = client.else_to {
            // RFC 3261 §18.1.1: what was too large for a datagram goes as one after all.
            let client = self.carried_by(now, client, to, id);
            self.send(to, client.bytes.clone());
            return self.track(id, client);
        }
        let refused = client.request.respond(503, "Service Unavailable");
        self.clients.insert(id, client);
        self.decided(now, id, Some(&refused));
        self.clients.remove(&id);
    }

    /// A phone without NAT listens where its Contact says; any other is away until it registers again.
    fn phone_lost(&mut self, id: AccountId, hop: Hop) {
        let Some(binding) = self.bindings.get_mut(&id) else { return };
        let listens = binding.contact.addr().filter(|addr| addr.ip() == hop.ip() && *addr != hop.addr);
        let transport = binding.contact.transport().unwrap_or_default();
        match listens.filter(|_| transport == hop.transport) {
            Some(addr) => {
                binding.flow = Hop::new(transport, addr);
                self.tell(Event::PhoneRegistered(id, addr));
            }
            None => self.unbind(id),
        }
    }

    /// The stream that takes a request too large for a datagram, if the name service tells of one.
    pub(super) fn stream_for(&self, client: &Client) -> Option<Hop> {
        let large = !client.to.transport.is_reliable() && client.bytes.len() > LARGE;
        let targets = self.targets.get(&client.account).filter(|_| large)?;
        let mut streams = targets.hops.iter().filter(|hop| hop.transport == Transport::Tcp);
        streams.find(|hop| hop.ip() == client.to.ip()).copied()
    }

    /// The same request under the same branch by another transport.
    pub(super) fn carried_by(&self, now: Instant, client: Client, to: Hop, id: ClientId) -> Client {
        let mut request = client.request;
        request.headers.remove("Via");
        request.headers.push_front("Via", self.via(to, &id.branch()));
        let mut again = Client::new(now, request, to, client.account, client.owner);
        (again.nonce, again.tries, again.cancel_wanted) = (client.nonce, client.tries, client.cancel_wanted);
        again
    }

    /// Our Via for a request that goes there.
    pub(super) fn via(&self, to: Hop, branch: &str) -> String {
        Via::own(to.transport, self.own_addr(to), branch).to_string()
    }

    /// Our own address as a neighbour reaches it: of its family, where we have one of both.
    pub(super) fn own_addr(&self, neighbour: Hop) -> SocketAddr {
        let port = match neighbour.transport {
            Transport::Tls if self.config.tls_port != 0 => self.config.tls_port,
            _ => self.config.local.port(),
        };
        let ip = self.other.filter(|other| other.is_ipv4() == neighbour.addr.is_ipv4());
        SocketAddr::new(ip.unwrap_or(self.config.local.ip()), port)
    }

    /// Our end of the sound in the family of the neighbour that signals: RFC 3264 leaves it no other one to answer in.
    pub(super) fn sound_towards(&self, neighbour: Hop, mut media: LocalMedia) -> LocalMedia {
        if media.addr.is_ipv4() != neighbour.addr.is_ipv4() {
            media.addr.set_ip(self.own_addr(neighbour).ip());
        }
        media
    }

    /// The neighbour that leads to this account's peer.
    pub(super) fn hop_of(&self, id: AccountId) -> Hop {
        let fixed = self.account(id).and_then(fixed_addr);
        let hop = fixed.or_else(|| self.bindings.get(&id).map(|binding| binding.flow));
        hop.unwrap_or(Hop::udp(self.config.local))
    }
}
