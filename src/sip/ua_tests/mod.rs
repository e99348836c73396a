//! Whole user agents against each other in virtual time: a provider, the box and a phone on a seeded bad network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;
mod digest;
mod identity;
mod junk;
mod ladders;
mod points;
mod refer;
mod registration;
mod reliable;
mod secure;
mod streams;
mod swarm;
mod waiting;
mod wire;

use super::random::Random;
use super::ua::{Config, Ua};
use super::{
    Account, AccountKind, Caller, Command, Event, Hop, Input, LocalMedia, Manner, Output, Session, Side,
    Transport, Upstream,
};
use crate::units::{AccountId, Codec, Instant, LegId};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How long a key is held.
const HELD: Duration = Duration::from_millis(100);

/// The three machines, by their place in [`Net`].
pub const PROVIDER: usize = 0;
pub const BOX: usize = 1;
pub const PHONE: usize = 2;

/// The account that the provider and the phone each have for the box.
pub const AT_BOX: AccountId = AccountId(0);
/// The box's accounts.
pub const TRUNK: AccountId = AccountId(1);
pub const HANDSET: AccountId = AccountId(2);

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub loss_percent: u64,
    pub duplicate_percent: u64,
    pub jitter: Duration,
}

type Filter = Box<dyn FnMut(&str) -> bool>;

/// User agents, the datagrams between them, and all they told.
pub struct Net {
    pub now: Instant,
    pub uas: Vec<(SocketAddr, Ua)>,
    pub told: Vec<Vec<Event>>,
    pub ladder: Vec<String>,
    pub weather: Weather,
    /// Datagrams whose line in the ladder it says no to are lost.
    pub passes: Filter,
    /// Everybody's messages are proper ones, so that each INVITE must have one final response.
    pub proper: bool,
    /// Every datagram, in the order of sending.
    pub posted: Vec<Vec<u8>>,
    seen: Vec<usize>,
    /// The final status of each INVITE: who answered, Via, CSeq.
    finals: BTreeMap<String, u16>,
    /// Nobody takes a connection there.
    pub deaf: Vec<SocketAddr>,
    wire: BTreeMap<(Instant, u64), (SocketAddr, Hop, Vec<u8>)>,
    sent: u64,
    random: Random,
}

pub fn addr(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 5060))
}

pub fn upstream(host: u8, user: &str, secret: &str) -> AccountKind {
    upstream_by(Transport::Udp, host, user, secret)
}

pub fn upstream_by(transport: Transport, host: u8, user: &str, secret: &str) -> AccountKind {
    AccountKind::RegisterAt(Upstream {
        addr: Hop::new(transport, addr(host)),
        domain: "sip.example".to_owned(),
        user: user.to_owned(),
        auth_user: user.to_owned(),
        secret: secret.to_owned(),
        realm: None,
        expires: Duration::from_secs(600),
    })
}

pub fn registers_here(user: &str, secret: &str) -> AccountKind {
    AccountKind::RegistersHere { user: user.to_owned(), secret: secret.to_owned() }
}

pub fn agent(host: u8, seed: u64, accounts: Vec<(AccountId, Side, AccountKind)>) -> (SocketAddr, Ua) {
    let accounts = accounts
        .into_iter()
        .map(|(id, side, kind)| Account {
            id,
            side,
            kind,
            identity: super::Identity::default(),
            srtp: Default::default(),
        })
        .collect();
    let config = Config {
        local: addr(host),
        tls_port: 0,
        accounts,
        realm: format!("realm{host}"),
        seed,
        key_seed: [3; 32],
        for_help: vec!["911".into()],
    };
    (addr(host), Ua::new(config))
}

pub fn media(host: u8) -> LocalMedia {
    LocalMedia { addr: SocketAddr::from(([10, 0, 0, host], 4000)), codecs: vec![Codec::Pcmu, Codec::Pcma] }
}

pub fn caller(name: &str, number: &str) -> Caller {
    Caller { name: name.to_owned(), number: number.to_owned(), private: false }
}

impl Net {
    pub fn of(seed: u64, uas: Vec<(SocketAddr, Ua)>) -> Self {
        Self {
            now: Instant(1_000_000),
            told: uas.iter().map(|_| Vec::new()).collect(),
            seen: vec![0; uas.len()],
            uas,
            ladder: Vec::new(),
            weather: Weather::default(),
            passes: Box::new(|_| true),
            proper: true,
            posted: Vec::new(),
            finals: BTreeMap::new(),
            deaf: Vec::new(),
            wire: BTreeMap::new(),
            sent: 0,
            random: Random::new(seed),
        }
    }

    /// Provider, box and phone; nobody has registered.
    pub fn new(seed: u64) -> Self {
        Self::by(Transport::Udp, seed)
    }

    /// The same over this transport.
    pub fn by(transport: Transport, seed: u64) -> Self {
        let upstream = |host, user, secret| upstream_by(transport, host, user, secret);
        let provider =
            agent(1, seed ^ 11, vec![(AT_BOX, Side::Phone, registers_here("house", "trunk pass"))]);
        let ours = vec![
            (TRUNK, Side::Trunk, upstream(1, "house", "trunk pass")),
            (HANDSET, Side::Phone, registers_here("phone", "phone pass")),
        ];
        let phone = agent(3, seed ^ 33, vec![(AT_BOX, Side::Trunk, upstream(2, "phone", "phone pass"))]);
        Self::of(seed, vec![provider, agent(2, seed ^ 22, ours), phone])
    }

    /// The same with both registrations up.
    pub fn registered(seed: u64) -> Self {
        Self::registered_by(Transport::Udp, seed)
    }

    pub fn registered_by(transport: Transport, seed: u64) -> Self {
        let mut net = Self::by(transport, seed);
        net.command(BOX, Command::Register(TRUNK));
        net.command(PHONE, Command::Register(AT_BOX));
        net.run(Duration::from_secs(1));
        assert!(net.told[PROVIDER].iter().any(|e| matches!(e, Event::PhoneRegistered(..))), "{net}");
        assert!(net.told[BOX].iter().any(|e| matches!(e, Event::PhoneRegistered(..))), "{net}");
        net.seen = net.told.iter().map(Vec::len).collect();
        net.ladder.clear();
        net
    }

    pub fn command(&mut self, who: usize, command: Command) {
        self.uas[who].1.handle(self.now, Input::Command(command));
        self.drain(who);
    }

    /// Delivers bytes as if `from` had sent them.
    pub fn deliver(&mut self, from: SocketAddr, who: usize, bytes: &[u8]) {
        self.input(who, Input::Message { from: Hop::udp(from), bytes });
    }

    pub fn input(&mut self, who: usize, input: Input<'_>) {
        self.uas[who].1.handle(self.now, input);
        self.drain(who);
    }

    fn drain(&mut self, who: usize) {
        let mut outputs = 0;
        while let Some(output) = self.uas[who].1.poll() {
            outputs += 1;
            assert!(outputs < 20_000, "an input has an endless consequence: {self}");
            match output {
                Output::Send { to, bytes } => self.post(self.uas[who].0, to, bytes),
                Output::Event(event) => {
                    self.ladder.push(format!("{:>9.3} {who} {event:?}", self.seconds()));
                    self.told[who].push(event);
                }
            }
        }
    }

    fn seconds(&self) -> f64 {
        self.now.as_millis() as f64 / 1000.0
    }

    fn post(&mut self, from: SocketAddr, to: Hop, bytes: Vec<u8>) {
        let text = String::from_utf8_lossy(&bytes);
        let start = text.lines().next().unwrap_or_default();
        let cseq = text.lines().find(|line| line.starts_with("CSeq")).unwrap_or_default();
        self.check_final(from, &text);
        let by = to.transport.param().map(|by| format!(" by {by}")).unwrap_or_default();
        let line = format!("{} -> {}{by} {start} | {cseq}", from.ip(), to.ip());
        // Streams lose and repeat nothing.
        let weather = if to.transport.is_reliable() { Weather::default() } else { self.weather };
        let lost = self.random.bits() % 100 < weather.loss_percent || !(self.passes)(&line);
        let fate = if lost { "LOST " } else { "" };
        if !start.is_empty() {
            self.ladder.push(format!("{:>9.3} {fate}{line}", self.seconds()));
        }
        self.posted.push(bytes.clone());
        let copies = 1 + u64::from(self.random.bits() % 100 < weather.duplicate_percent);
        for _ in 0..if lost { 0 } else { copies } {
            let delay = Duration::from_millis(5) + self.random.between(Duration::ZERO, weather.jitter);
            self.sent += 1;
            self.wire.insert((self.now + delay, self.sent), (from, to, bytes.clone()));
        }
    }

    /// One final response per INVITE, RFC 3261 §17.2.1.
    fn check_final(&mut self, from: SocketAddr, text: &str) {
        let Some(Ok(status)) = text.strip_prefix("SIP/2.0 ").map(|rest| rest[..3].parse::<u16>()) else {
            return;
        };
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        if self.proper && status >= 200 && line("CSeq").ends_with("INVITE") {
            let key = format!("{from} {} {}", line("Via"), line("CSeq"));
            let first = *self.finals.entry(key).or_insert(status);
            assert_eq!(first, status, "an INVITE has two final responses: {text}\n{self}");
        }
    }

    /// One datagram or deadline, if any is due by `end`.
    fn step(&mut self, end: Instant) -> bool {
        let wire = self.wire.keys().next().map(|(at, _)| *at);
        let timer = self.uas.iter().filter_map(|(_, ua)| ua.deadline()).min();
        let Some(at) = [wire, timer].into_iter().flatten().min().filter(|at| *at <= end) else {
            return false;
        };
        self.now = self.now.max(at);
        if wire == Some(at) {
            let (_, (from, to, bytes)) = self.wire.pop_first().expect("it was there");
            let who = |wanted: SocketAddr| self.uas.iter().position(|(addr, _)| *addr == wanted);
            match who(to.addr).filter(|_| !to.transport.is_reliable() || !self.deaf.contains(&to.addr)) {
                Some(to_whom) => {
                    self.input(to_whom, Input::Message { from: Hop::new(to.transport, from), bytes: &bytes })
                }
                None if to.transport.is_reliable() => {
                    let sender = who(from).expect("it has sent");
                    self.input(sender, Input::Lost(to));
                }
                None => {}
            }
            return true;
        }
        for who in 0..self.uas.len() {
            if self.uas[who].1.deadline().is_some_and(|due| due <= self.now) {
                self.uas[who].1.handle(self.now, Input::Timeout);
                let next = self.uas[who].1.deadline();
                assert!(next.is_none_or(|next| next > self.now), "a deadline stands still: {self}");
                self.drain(who);
            }
        }
        true
    }

    /// Lets this much time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until this one tells something new that fits; at most a minute.
    pub fn until<T>(&mut self, who: usize, fits: impl Fn(&Event) -> Option<T>) -> T {
        let end = self.now + Duration::from_secs(60);
        loop {
            while let Some(event) = self.told[who].get(self.seen[who]) {
                self.seen[who] += 1;
                if let Some(found) = fits(event) {
                    return found;
                }
            }
            assert!(self.step(end), "nothing fits that {who} told:\n{self}");
        }
    }

    pub fn incoming(&mut self, who: usize) -> (LegId, String, Caller, Option<Session>) {
        self.until(who, |event| match event {
            Event::Incoming { leg, called, caller, session, .. } => {
                Some((*leg, called.clone(), caller.clone(), *session))
            }
            _ => None,
        })
    }

    /// The next of these from this one is exactly this.
    pub fn expect(&mut self, who: usize, wanted: &Event) {
        self.until(who, |event| (event == wanted).then_some(()));
    }

    pub fn answered(&mut self, who: usize, wanted: LegId) -> Session {
        self.until(who, |event| match event {
            Event::Answered(leg, session) if *leg == wanted => Some(*session),
            _ => None,
        })
    }

    /// How often this one told that the leg has ended.
    pub fn endings(&self, who: usize, wanted: LegId) -> usize {
        self.told[who].iter().filter(|event| matches!(event, Event::Ended(leg, _) if *leg == wanted)).count()
    }

    /// Messages so far whose line in the ladder contains this.
    pub fn count(&self, part: &str) -> usize {
        self.ladder.iter().filter(|line| line.contains(part)).count()
    }

    /// No leg and no transaction is left anywhere.
    pub fn assert_idle(&self) {
        for (addr, ua) in &self.uas {
            assert!(ua.legs.is_empty() && ua.dialogs.is_empty(), "{addr} has legs left: {self}");
            assert!(ua.clients.is_empty() && ua.servers.is_empty(), "{addr} has transactions left: {self}");
        }
    }

    /// Opens a call from one to another.
    pub fn call(&mut self, who: usize, account: AccountId, to: &str, caller: Caller) -> LegId {
        self.sent += 1;
        let leg = LegId::outgoing(u32::try_from(self.sent).expect("few datagrams"));
        let host = u8::try_from(who + 1).expect("few machines");
        self.command(
            who,
            Command::Call {
                leg,
                account,
                to: to.to_owned(),
                caller,
                media: media(host),
                manner: Manner::default(),
            },
        );
        leg
    }

    /// An answered call: the caller's leg and the callee's.
    pub fn up(&mut self, from: usize, account: AccountId, to: usize) -> (LegId, LegId) {
        let out = self.call(from, account, "100", caller("", "200"));
        let (into, ..) = self.incoming(to);
        let host = u8::try_from(to + 1).expect("few machines");
        self.command(to, Command::Answer(into, media(host)));
        self.answered(to, into);
        self.answered(from, out);
        self.run(Duration::from_millis(100));
        (out, into)
    }
}

impl core::fmt::Display for Net {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let from = self.ladder.len().saturating_sub(60);
        self.ladder[from..].iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
