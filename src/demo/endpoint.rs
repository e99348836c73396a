//! What both far ends have: a user agent, a line per leg, and the ports they share.

use super::ear::{Ear, Kind};
use super::line::Line;
use super::{Fact, Narration, NetInput, NetOutput, Who};
use crate::sip::ua::Config;
use crate::sip::{
    Account, AccountKind, Cause, Command, Event, Hop, Identity, Input, LocalMedia, Output, Session, Side,
    Srtp, Ua,
};
use crate::units::{AccountId, Codec, Instant, LegId};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// The only account of a far end: the box.
pub(super) const BOX: AccountId = AccountId(0);

/// Where a far end is and how it knows the box.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its SIP address.
    pub sip: SocketAddr,
    /// Its RTP address, the same for every leg: they are told apart by their source.
    pub rtp: SocketAddr,
    /// The box, as this end sees it.
    pub account: AccountKind,
    /// Codecs in order of preference.
    pub codecs: Vec<Codec>,
    /// Whether its sound is encrypted.
    pub srtp: Srtp,
    /// Tags, branches, SSRCs.
    pub seed: u64,
}

pub(super) struct Endpoint {
    who: Who,
    ua: Ua,
    media: LocalMedia,
    seed: u64,
    lines: Vec<(LegId, Line)>,
    /// What was heard on those that are over.
    over: Vec<(LegId, Ear)>,
    out: VecDeque<NetOutput>,
    events: VecDeque<Event>,
    legs: u32,
}

impl Endpoint {
    pub(super) fn new(who: Who, setup: Setup) -> Self {
        // To the user agent of a phone the box is a provider, to the company's it is a customer's phone.
        let side = if who == Who::Phone { Side::Trunk } else { Side::Phone };
        let config = Config {
            local: setup.sip,
            tls_port: 0,
            accounts: vec![Account {
                id: BOX,
                side,
                kind: setup.account,
                identity: Identity::default(),
                srtp: setup.srtp,
            }],
            realm: "example".into(),
            seed: setup.seed,
            key_seed: [setup.seed as u8; 32],
            for_help: Vec::new(),
        };
        Self {
            who,
            ua: Ua::new(config),
            media: LocalMedia { addr: setup.rtp, codecs: setup.codecs },
            seed: setup.seed,
            lines: Vec::new(),
            over: Vec::new(),
            out: VecDeque::new(),
            events: VecDeque::new(),
            legs: 0,
        }
    }

    /// Takes what came from the net and sends what is due.
    pub(super) fn handle(&mut self, now: Instant, input: NetInput<'_>) {
        match input {
            NetInput::Sip { from, bytes } => {
                self.ua.handle(now, Input::Message { from: Hop::udp(from), bytes });
            }
            NetInput::Timeout => self.ua.handle(now, Input::Timeout),
            NetInput::Rtp { from, bytes } => {
                if let Some((_, line)) = self.lines.iter_mut().find(|(_, line)| line.remote() == from) {
                    line.receive(now, bytes);
                    let fact = match line.ear.take_fresh() {
                        Some(Kind::Known(sound)) => Some(Fact::Hears(sound)),
                        Some(Kind::Prompt(prompt)) => Some(Fact::HearsBox(prompt)),
                        Some(Kind::Tone(hz)) => Some(Fact::HearsTone(hz)),
                        Some(Kind::Unknown) => Some(Fact::HearsVoice),
                        None => None,
                    };
                    if let Some(fact) = fact {
                        self.say(now, fact);
                    }
                }
            }
        }
        self.drain(now);
        self.send_due(now);
    }

    pub(super) fn command(&mut self, now: Instant, command: Command) {
        self.ua.handle(now, Input::Command(command));
        self.drain(now);
    }

    /// Our end of the sound, for commands that need it.
    pub(super) fn media(&self) -> LocalMedia {
        self.media.clone()
    }

    /// The name of the next leg that this end opens.
    pub(super) fn next_leg(&mut self) -> LegId {
        self.legs += 1;
        LegId::outgoing(self.legs)
    }

    pub(super) fn hang_up(&mut self, now: Instant, leg: LegId, cause: Cause) {
        self.command(now, Command::Hangup(leg, cause));
    }

    pub(super) fn line(&mut self, leg: LegId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|(l, _)| *l == leg).map(|(_, line)| line)
    }

    /// What was heard on a leg, be it over or not.
    pub(super) fn ear(&self, leg: LegId) -> Option<&Ear> {
        let up = self.lines.iter().find(|(l, _)| *l == leg).map(|(_, line)| &line.ear);
        up.or_else(|| self.over.iter().find(|(l, _)| *l == leg).map(|(_, ear)| ear))
    }

    fn close(&mut self, leg: LegId) {
        if let Some(at) = self.lines.iter().position(|(l, _)| *l == leg) {
            let (_, line) = self.lines.remove(at);
            self.over.push((leg, line.ear));
        }
    }

    pub(super) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn poll(&mut self) -> Option<NetOutput> {
        self.out.pop_front()
    }

    pub(super) fn say(&mut self, at: Instant, fact: Fact) {
        self.out.push_back(NetOutput::Said(Narration { at, who: self.who, fact }));
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lines.iter().map(|(_, line)| line.deadline()).chain(self.ua.deadline()).min()
    }

    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.ua.poll() {
            match output {
                Output::Send { to, bytes } => self.out.push_back(NetOutput::Sip { to: to.addr, bytes }),
                Output::Event(event) => {
                    match event {
                        Event::Progress(leg, session)
                        | Event::Answered(leg, session)
                        | Event::Changed(leg, session) => {
                            self.open(now, leg, session);
                        }
                        Event::Ended(leg, _) => self.close(leg),
                        _ => {}
                    }
                    self.events.push_back(event);
                }
            }
        }
    }

    /// Early media of a call that came is opened by its script, which knows that it sent a 183.
    pub(super) fn open(&mut self, now: Instant, leg: LegId, session: Session) {
        if let Some(line) = self.line(leg) {
            return line.change(session);
        }
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.lines.push((leg, Line::new(now, session, self.seed)));
    }

    fn send_due(&mut self, now: Instant) {
        for (_, line) in &mut self.lines {
            while let Some(bytes) = line.packet(now) {
                self.out.push_back(NetOutput::Rtp { to: line.remote(), bytes });
            }
        }
    }
}
