//! What all calls share: ports, peers, numbers, the time, and the way out.

use super::leg::{Leg, Role};
use super::plan::{Peer, Plan};
use super::ports::Ports;
use super::shelf::Shelf;
use super::snapshot::Registration;
use super::{Answer, Effect, Event, Happened, ListenOrder, Record, StudioOrder};
use crate::media::{MediaCommand, SoundId};
use crate::sip::{Caller, Cause, Command, LocalMedia, Manner, Session, Side};
use crate::slay::book::Book;
use crate::slay::schedule::Schedule;
use crate::sounds::Prompt;
use crate::trunk::Keys;
use crate::units::{AccountId, CallId, Codec, Digit, Instant, LegId, PortId, Wall};
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Whether a peer can take calls, and in plain words why not.
#[derive(Clone, Debug)]
pub(super) struct PeerState {
    pub(super) up: bool,
    pub(super) status: String,
    /// Trunk legs in use.
    pub(super) busy: usize,
    pub(super) registration: Registration,
    /// Why no connection leads there, until it is known what came of it.
    pub(super) no_way: Option<String>,
}

impl PeerState {
    pub(super) fn new(peer: &Peer) -> Self {
        let status = match (peer.is_static, peer.side) {
            (true, _) => "known by its address",
            (false, _) if peer.own => "its sound card is not there yet",
            (false, Side::Trunk) => "not registered yet",
            (false, Side::Phone) => "has not registered yet",
        };
        Self {
            up: peer.is_static,
            status: status.into(),
            busy: 0,
            registration: Registration::default(),
            no_way: None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) plan: Plan,
    /// Flows through menus.
    pub(super) book: Book,
    /// Calls for later.
    pub(super) schedule: Schedule,
    pub(super) shelf: Shelf,
    /// The greeting that the owner has spoken himself.
    pub(super) greeting: Option<Arc<[u8]>>,
    pub(super) now: Instant,
    clock: (Instant, Wall),
    ports: Ports,
    pub(super) peers: HashMap<AccountId, PeerState>,
    /// Whose leg and port is whose.
    pub(super) legs: HashMap<LegId, CallId>,
    pub(super) port_calls: HashMap<PortId, CallId>,
    /// Missed calls and ended holds since the owner last lifted the handset.
    waiting: u32,
    next_leg: u32,
    /// The number of the last question to the language model.
    pub(super) questions: u64,
    /// A held call has ended without the owner, who has not asked since.
    pub(super) hold_ended: bool,
    /// Calls that are held, and their numbers in full.
    pub(super) holds: Vec<(CallId, String)>,
    /// The held call that has the phones: its person came first.
    pub(super) phones_for: Option<CallId>,
    seed: u64,
    pub(super) out: VecDeque<Effect>,
}

impl Desk {
    pub(super) fn new(plan: Plan, seed: u64) -> Self {
        let peers = plan.peers.iter().map(|p| (p.id, PeerState::new(p)));
        Self {
            peers: peers.collect(),
            ports: Ports::new(plan.rtp_ports.len()),
            now: Instant::ZERO,
            clock: (Instant::ZERO, Wall(0)),
            legs: HashMap::new(),
            port_calls: HashMap::new(),
            waiting: 0,
            next_leg: 0,
            questions: 0,
            hold_ended: false,
            holds: Vec::new(),
            phones_for: None,
            book: Book::default(),
            schedule: Schedule::default(),
            shelf: Shelf::default(),
            greeting: None,
            seed,
            out: VecDeque::new(),
            plan,
        }
    }

    pub(super) fn set_clock(&mut self, wall: Wall) {
        self.clock = (self.now, wall);
    }

    pub(super) fn wall(&self) -> Wall {
        self.clock.1.plus(self.now.since(self.clock.0))
    }

    pub(super) fn poll(&mut self) -> Option<Effect> {
        self.out.pop_front()
    }

    pub(super) fn side(&self, account: AccountId) -> Option<Side> {
        self.plan.peers.iter().find(|p| p.id == account).map(|p| p.side)
    }

    pub(super) fn peer(&self, account: AccountId) -> Option<&Peer> {
        self.plan.peers.iter().find(|p| p.id == account)
    }

    pub(super) fn free_ports(&self) -> usize {
        self.ports.free()
    }

    /// A leg that a peer opened. `None`: no port left.
    pub(super) fn incoming_leg(
        &mut self,
        call: CallId,
        id: LegId,
        account: AccountId,
        session: Option<Session>,
    ) -> Option<Leg> {
        let mut leg = self.new_leg(call, id, account, Role::Talks)?;
        leg.session = session;
        Some(leg)
    }

    fn new_leg(&mut self, call: CallId, id: LegId, account: AccountId, role: Role) -> Option<Leg> {
        let port = self.ports.take()?;
        self.legs.insert(id, call);
        self.port_calls.insert(port, call);
        if let Some(peer) = self.peers.get_mut(&account) {
            peer.busy += 1;
        }
        Some(Leg::new(id, account, port, role))
    }

    /// Calls out. `None`: no port left.
    pub(super) fn call(
        &mut self,
        call: CallId,
        account: AccountId,
        to: &str,
        caller: Caller,
        codec: Codec,
        (role, manner): (Role, Manner),
    ) -> Option<Leg> {
        let id = LegId::outgoing(self.next_leg);
        let leg = self.new_leg(call, id, account, role)?;
        self.next_leg += 1;
        let media = self.local(&leg, codec);
        self.sip(Command::Call { leg: id, account, to: to.into(), caller, media, manner });
        Some(leg)
    }

    /// Our end of a leg's sound, `first` preferred: what the other side speaks needs no translation. Wide-band is for
    /// phones that the owner calls wide-band, and comes last unless the other side is wide-band too.
    pub(super) fn local(&self, leg: &Leg, first: Codec) -> LocalMedia {
        let wide = self.peer(leg.account).is_some_and(|peer| peer.wideband);
        let order = match first {
            Codec::Pcmu => [Codec::Pcmu, Codec::Pcma, Codec::G722],
            Codec::Pcma => [Codec::Pcma, Codec::Pcmu, Codec::G722],
            Codec::G722 => [Codec::G722, Codec::Pcmu, Codec::Pcma],
        };
        let known: Vec<Codec> = order.into_iter().filter(|codec| wide || *codec != Codec::G722).collect();
        let wanted = self.peer(leg.account).map(|p| p.rules.codecs.as_slice()).unwrap_or_default();
        // What its own offer has settled already is not taken back.
        let fits = !wanted.is_empty() && leg.session.is_none_or(|session| wanted.contains(&session.codec));
        let codecs = if fits { wanted.to_vec() } else { known };
        LocalMedia { addr: self.plan.rtp_addr(leg.port), codecs }
    }

    pub(super) fn sip(&mut self, command: Command) {
        self.out.push_back(Effect::Sip(command));
    }

    /// Something ended that the owner should know of: the phones show it.
    pub(super) fn missed(&mut self) {
        self.show_waiting(self.waiting.saturating_add(1));
    }

    /// The owner has lifted the handset, and so heard or seen it.
    pub(super) fn noticed(&mut self) {
        if self.waiting > 0 {
            self.show_waiting(0);
        }
    }

    fn show_waiting(&mut self, count: u32) {
        self.waiting = count;
        let phones = self.plan.peers.iter().filter(|peer| peer.is_phone());
        self.out.extend(phones.map(|phone| Effect::Sip(Command::Waiting(phone.id, count))));
    }

    pub(super) fn media(&mut self, command: MediaCommand) {
        self.out.push_back(Effect::Media(command));
    }

    pub(super) fn listen(&mut self, order: ListenOrder) {
        self.out.push_back(Effect::Listen(order));
    }

    /// The call is over. `met`: the owner has talked to the person who was found.
    pub(super) fn stop_listening(&mut self, port: PortId, met: bool) {
        if met {
            self.listen(ListenOrder::Met(port));
        }
        self.listen(ListenOrder::Stop(port));
    }

    pub(super) fn studio(&mut self, order: StudioOrder) {
        self.out.push_back(Effect::Studio(order));
    }

    pub(super) fn record(&mut self, record: &Record) {
        self.out.push_back(Effect::Record(Box::new(record.clone())));
    }

    /// Tells programs, of this call or of the box.
    pub(super) fn happened(&mut self, call: Option<CallId>, event: Event) {
        let at = self.wall();
        self.out.push_back(Effect::Event(Box::new(Happened { at, call, event })));
    }

    pub(super) fn reply(&mut self, number: u64, answer: Answer) {
        self.out.push_back(Effect::Reply(number, answer));
    }

    /// Opens the leg's port, or changes it to what was settled anew.
    pub(super) fn settle(&mut self, leg: &mut Leg, session: Session) {
        let known = leg.session.replace(session);
        let mut stream = Leg::stream(&session);
        if self.keys(leg) == Keys::InBand {
            stream.event_type = None;
        }
        if leg.open.is_none() {
            let seed = self.random();
            leg.open = Some((self.now, self.ports.opened(leg.port)));
            self.media(MediaCommand::Open { port: leg.port, stream, seed });
        } else if known != Some(session) {
            self.media(MediaCommand::Change { port: leg.port, stream });
        }
    }

    /// Ends the leg on both planes and forgets it.
    pub(super) fn hang_up(&mut self, leg: Leg, cause: Cause) {
        self.sip(Command::Hangup(leg.id, cause));
        self.forget(leg);
    }

    /// The leg has ended by itself.
    pub(super) fn forget(&mut self, leg: Leg) {
        if leg.open.is_some() {
            self.media(MediaCommand::Close(leg.port));
        }
        self.legs.remove(&leg.id);
        self.port_calls.remove(&leg.port);
        self.ports.give_back(leg.port);
        if let Some(peer) = self.peers.get_mut(&leg.account) {
            peer.busy = peer.busy.saturating_sub(1);
        }
    }

    pub(super) fn join(&mut self, a: &Leg, b: &Leg) {
        if a.open.is_some() && b.open.is_some() {
            self.media(MediaCommand::Join(a.port, b.port));
        }
    }

    pub(super) fn say(&mut self, leg: &Leg, prompt: Prompt) {
        self.media(MediaCommand::Play { port: leg.port, sound: SoundId(prompt.index()), repeat: false });
    }

    fn keys(&self, leg: &Leg) -> Keys {
        self.peer(leg.account).map(|p| p.rules.keys).unwrap_or_default()
    }

    /// As the peer takes it, or its rules prescribe: a telephone-event, else INFO, and in-band if it refuses that too.
    /// `held` is how long, if that is known already; else [`Self::digit_end`] follows.
    pub(super) fn digit(&mut self, leg: &Leg, digit: Digit, held: Option<Duration>) {
        match held {
            _ if !self.by_info(leg) => self.media(MediaCommand::Digit(leg.port, digit, held)),
            Some(held) => self.sip(Command::Info(leg.id, digit, held)),
            // INFO says how long a key was held, so it waits for the end.
            None => {}
        }
    }

    /// A key given to `digit` while it was held has been let go.
    pub(super) fn digit_end(&mut self, leg: &Leg, digit: Digit, held: Duration) {
        if self.by_info(leg) {
            self.sip(Command::Info(leg.id, digit, held));
        } else {
            self.media(MediaCommand::DigitEnd(leg.port, digit, held));
        }
    }

    fn by_info(&self, leg: &Leg) -> bool {
        let takes = match self.keys(leg) {
            Keys::Events => leg.session.is_some_and(|session| session.event_type.is_none()),
            Keys::Info => true,
            Keys::InBand => false,
        };
        takes && leg.up
    }

    /// SplitMix64: starts of RTP streams need to differ, not to be secret.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
