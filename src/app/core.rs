//! The user agent and the switchboard as one pure machine: what the control loop and the simulator drive.

use crate::call::{
    self, Answer, Happened, Input, ListenOrder, Plan, Record, Request, Snapshot, StudioOrder, Switchboard,
};
use crate::listen::Heard;
use crate::listen::prompt::Prompted;
use crate::media::{self, MediaCommand};
use crate::sip::{self, AccountKind, Hop, Ua, ua};
use crate::slay::advice::{Advice, Asked};
use crate::slay::book::Entry;
use crate::slay::schedule::Appointment;
use crate::units::{AccountId, CallId, Instant, PortId, Wall};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

/// All that can happen to the box.
#[derive(Debug)]
pub enum Event<'a> {
    /// A SIP message arrived.
    Message {
        /// From here.
        from: Hop,
        /// These bytes.
        bytes: &'a [u8],
    },
    /// There is no connection to this neighbour any more, or none could be made; if it is a trunk's, whose, and why, in
    /// plain words.
    Lost(Hop, Option<(AccountId, String)>),
    /// A fact from the media loop.
    Media(media::Event),
    /// The listener concluded something about this port in this opening of it.
    Heard(PortId, u32, Heard),
    /// The same of the prompts that are said there.
    Prompt(PortId, u32, Prompted),
    /// What was kept of flows and of planned calls.
    Recall(Vec<Entry>, Vec<Appointment>),
    /// The page, the button or a script asks; answered under the same number.
    Request(u64, Request),
    /// The addresses of a trunk's registrar were found, or have changed; the best first.
    Located(AccountId, Vec<Hop>),
    /// The name of a trunk's registrar could not be resolved; it will be asked for again.
    NotLocated(AccountId),
    /// The box has another address: the network came up after it, or gave it a new one.
    Address(IpAddr),
    /// A phone was paired.
    Admit(Box<(sip::Account, call::Peer)>),
    /// A phone was taken away.
    Dismiss(AccountId),
    /// The box has an address of the other family too: peers of that family see it.
    OtherAddress(IpAddr),
    /// The date; told at the start and from time to time, as the system's clock may be set.
    Clock(Wall),
    /// What is wrong with the box itself, in plain words.
    Troubles(Vec<String>),
    /// The language model has answered the question of this number, or why it has not.
    Advice(u64, Result<Advice, String>),
    /// What came of `Effect::Speak`.
    Spoken(String, Option<Arc<[u8]>>),
    /// Sound that was cut out of what came to a port in this opening of it.
    Cut(PortId, u32, Option<Arc<[u8]>>),
    /// The owner's own greeting, as it was kept.
    Greeting(Option<Arc<[u8]>>),
    /// A deadline has passed.
    Timeout,
}

/// All that the box can do.
#[derive(Debug)]
pub enum Effect {
    /// Send a SIP message.
    Send {
        /// There.
        to: Hop,
        /// These bytes.
        bytes: Vec<u8>,
    },
    /// An order to the media loop.
    Media(MediaCommand),
    /// An order to the listener.
    Listen(ListenOrder),
    /// An order to the studio.
    Studio(StudioOrder),
    /// A text to be spoken.
    Speak(String),
    /// A record to be kept.
    Record(Box<Record>),
    /// Something that programs are told.
    Event(Box<Happened>),
    /// The flows of a number, to be kept.
    Flows(Box<Entry>),
    /// The calls that are planned, to be kept.
    Schedule(Vec<Appointment>),
    /// A question under a number, for the language model.
    Consult(u64, Box<Asked>),
    /// The owner's own greeting, to be kept; nothing: to be forgotten.
    Greeting(Option<Arc<[u8]>>),
    /// The answer to a request.
    Reply(u64, Answer),
}

/// The box without its edges.
pub struct Core {
    ua: Ua,
    switchboard: Switchboard,
    out: VecDeque<Effect>,
}

impl Core {
    /// A box that has not begun to register anywhere. `first_call` numbers its first record. `rtp_seed` shows on the wire;
    /// the user agent's must stay secret, so one may not be made from the other.
    pub fn new(sip: ua::Config, plan: Plan, first_call: CallId, rtp_seed: u64) -> Self {
        Self {
            ua: Ua::new(sip),
            switchboard: Switchboard::new(plan, first_call, rtp_seed),
            out: VecDeque::new(),
        }
    }

    /// Registers at every trunk that wants it and whose address is known.
    pub fn register(&mut self, now: Instant, accounts: &[sip::Account]) {
        for account in accounts {
            let AccountKind::RegisterAt(upstream) = &account.kind else { continue };
            if upstream.addr.port() != 0 {
                self.ua.handle(now, sip::Input::Command(sip::Command::Register(account.id)));
            }
        }
        self.settle(now);
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Instant, event: Event<'_>) {
        match event {
            Event::Message { from, bytes } => self.ua.handle(now, sip::Input::Message { from, bytes }),
            Event::Lost(hop, trunk) => {
                if let Some((account, why)) = trunk {
                    self.switchboard.handle(now, Input::NoWay(account, why));
                }
                self.ua.handle(now, sip::Input::Lost(hop));
            }
            Event::Media(event) => self.switchboard.handle(now, Input::Media(event)),
            Event::Heard(port, epoch, heard) => {
                self.switchboard.handle(now, Input::Heard(port, epoch, heard))
            }
            Event::Prompt(port, epoch, prompted) => {
                self.switchboard.handle(now, Input::Prompt(port, epoch, prompted));
            }
            Event::Recall(entries, planned) => {
                self.switchboard.handle(now, Input::Recall(entries, planned));
            }
            Event::Request(number, request) => self.switchboard.handle(now, Input::Request(number, request)),
            Event::Located(account, hops) => {
                self.ua.handle(now, sip::Input::Command(sip::Command::Locate(account, hops)));
                self.ua.handle(now, sip::Input::Command(sip::Command::Register(account)));
            }
            Event::NotLocated(account) => self.switchboard.handle(now, Input::NotLocated(account)),
            Event::Address(ip) => {
                self.ua.handle(now, sip::Input::Command(sip::Command::Relocate(ip)));
                self.switchboard.handle(now, Input::Address(ip));
            }
            Event::Admit(phone) => {
                let (account, peer) = *phone;
                self.ua.handle(now, sip::Input::Command(sip::Command::Admit(account)));
                self.switchboard.handle(now, Input::Admit(peer));
            }
            Event::Dismiss(account) => {
                self.switchboard.handle(now, Input::Dismiss(account));
                self.settle(now);
                self.ua.handle(now, sip::Input::Command(sip::Command::Dismiss(account)));
            }
            Event::OtherAddress(ip) => {
                self.ua.handle(now, sip::Input::Command(sip::Command::Relocate(ip)));
            }
            Event::Clock(wall) => self.switchboard.handle(now, Input::Clock(wall)),
            Event::Spoken(text, sound) => self.switchboard.handle(now, Input::Spoken(text, sound)),
            Event::Cut(port, epoch, sound) => self.switchboard.handle(now, Input::Cut(port, epoch, sound)),
            Event::Greeting(own) => self.switchboard.handle(now, Input::Greeting(own)),
            Event::Troubles(troubles) => self.switchboard.handle(now, Input::Troubles(troubles)),
            Event::Advice(number, answer) => self.switchboard.handle(now, Input::Advice(number, answer)),
            Event::Timeout => {
                if self.ua.deadline().is_some_and(|at| now >= at) {
                    self.ua.handle(now, sip::Input::Timeout);
                }
                if self.switchboard.deadline().is_some_and(|at| now >= at) {
                    self.switchboard.handle(now, Input::Timeout);
                }
            }
        }
        self.settle(now);
    }

    /// Lets the two machines talk until both are content. Each answers an order with boundedly many events, and an event
    /// with boundedly many orders; the test swarm would hang if that were not so.
    fn settle(&mut self, now: Instant) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.ua.poll() {
                quiet = false;
                match output {
                    sip::Output::Send { to, bytes } => self.out.push_back(Effect::Send { to, bytes }),
                    sip::Output::Event(event) => self.switchboard.handle(now, Input::Sip(event)),
                }
            }
            while let Some(effect) = self.switchboard.poll() {
                quiet = false;
                match effect {
                    call::Effect::Sip(command) => self.ua.handle(now, sip::Input::Command(command)),
                    call::Effect::Media(command) => self.out.push_back(Effect::Media(command)),
                    call::Effect::Listen(order) => self.out.push_back(Effect::Listen(order)),
                    call::Effect::Studio(order) => self.out.push_back(Effect::Studio(order)),
                    call::Effect::Speak(text) => self.out.push_back(Effect::Speak(text)),
                    call::Effect::Record(record) => self.out.push_back(Effect::Record(record)),
                    call::Effect::Event(event) => self.out.push_back(Effect::Event(event)),
                    call::Effect::Flows(entry) => self.out.push_back(Effect::Flows(entry)),
                    call::Effect::Schedule(list) => self.out.push_back(Effect::Schedule(list)),
                    call::Effect::Consult(number, question) => {
                        self.out.push_back(Effect::Consult(number, question));
                    }
                    call::Effect::Greeting(own) => self.out.push_back(Effect::Greeting(own)),
                    call::Effect::Reply(number, answer) => self.out.push_back(Effect::Reply(number, answer)),
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// The next thing to do; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<Effect> {
        self.out.pop_front()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        [self.ua.deadline(), self.switchboard.deadline()].into_iter().flatten().min()
    }

    /// Whether the snapshot may have changed; asking changes nothing.
    pub fn peek_news(&self) -> bool {
        self.switchboard.peek_news()
    }

    /// Whether the snapshot may have changed since this was asked last.
    pub fn take_news(&mut self) -> bool {
        self.switchboard.take_news()
    }

    /// The state of everything.
    pub fn snapshot(&self) -> Snapshot {
        self.switchboard.snapshot()
    }

    /// A call is up, or somebody has called for help within the hour, which may call back: the box must not go away.
    pub fn is_needed(&self) -> bool {
        self.switchboard.is_needed()
    }

    /// Whether every peer has been told the end of everything and has said that it knows.
    pub fn is_idle(&self) -> bool {
        self.ua.is_idle()
    }

    /// Ends every call and registration, on the way out; what comes in afterwards is refused.
    pub fn stop(&mut self, now: Instant, accounts: &[sip::Account]) {
        self.switchboard.stop(now);
        self.settle(now);
        for account in accounts {
            if matches!(account.kind, AccountKind::RegisterAt(_)) {
                self.ua.handle(now, sip::Input::Command(sip::Command::Unregister(account.id)));
            }
        }
        self.settle(now);
    }
}
