//! The thread of the telephone itself: what is lifted, dialled and rung.

use super::card::{self, Microphone, Speaker};
use super::player::{Cards, Meters, Order};
use super::{Kind, Line, Lines, Parts, Ringer, State, Wish};
use crate::board::contact::Contact;
use crate::board::gpio;
use crate::board::input::{Keys, Use};
use crate::board::lamp::Pattern;
use crate::clock;
use crate::phone::handset::hook::Dial;
use crate::phone::handset::{Handset, Input, Output, Setup, Sound};
use crate::units::Instant;
use core::time::Duration;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::EventFd;
use nix::sys::time::TimeSpec;
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// How long until what could not be had is tried again.
const RETRY: Duration = Duration::from_secs(3);
/// Datagrams that are taken at once: a flood of them keeps the thread from nothing.
const AT_ONCE: usize = 32;
/// How late the page and a wish may be followed.
const GLANCE: Duration = Duration::from_millis(200);
/// The longest message that the box sends to a phone.
const MESSAGE_BYTES: usize = 8 * 1024;

/// The ways to and from the thread.
pub(super) struct Edges {
    pub(super) sip: UdpSocket,
    /// Where the sound's thread takes RTP.
    pub(super) rtp: SocketAddr,
    pub(super) orders: rtrb::Producer<Order>,
    /// Wakes the sound's thread.
    pub(super) sound: Arc<EventFd>,
    pub(super) gone: rtrb::Consumer<Cards>,
    pub(super) wake: Arc<EventFd>,
    pub(super) meters: Arc<Meters>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) shown: watch::Receiver<Pattern>,
    pub(super) wishes: watch::Receiver<Wish>,
    pub(super) tell: watch::Sender<Vec<String>>,
    pub(super) show: watch::Sender<State>,
}

/// What is felt and what is driven.
#[derive(Default)]
pub(super) struct Contacts {
    hook: Option<Contact>,
    dial: Option<Contact>,
    keypad: Option<Keys>,
    bell: Option<gpio::Line>,
}

impl Contacts {
    /// All that can be had, and what is wrong with the rest.
    pub(super) fn open(parts: &Parts, lines: &Lines) -> (Self, Vec<String>) {
        let mut contacts = Self::default();
        let troubles = contacts.complete(parts, lines);
        (contacts, troubles)
    }

    /// Tries for what is not had yet; says what is wrong with it.
    fn complete(&mut self, parts: &Parts, lines: &Lines) -> Vec<String> {
        let mut troubles = Vec::new();
        let mut have = |what: &str, trouble: gpio::Trouble| troubles.push(format!("{what}: {trouble}"));
        if let (None, Some(hook)) = (&self.hook, &lines.hook) {
            self.hook = Contact::open(hook, Use::Hook).map_err(|trouble| have("hook", trouble)).ok();
        }
        if let (None, Some(dial), Dial::Pulse) = (&self.dial, &lines.dial, parts.dial) {
            self.dial = Contact::open(dial, Use::Button).map_err(|trouble| have("dial", trouble)).ok();
        }
        if let (None, Some(name)) = (&self.keypad, &parts.keypad) {
            self.keypad = Keys::open(name, Use::Keypad).map_err(|trouble| have("keypad", trouble)).ok();
            self.keypad.iter_mut().for_each(Keys::take);
        }
        if let (None, Some(bell), Ringer::Line) = (&self.bell, &lines.bell, &parts.ringer) {
            self.bell = gpio::Line::lamp(bell).map_err(|trouble| have("bell", trouble)).ok();
        }
        for (what, wanted, there) in [
            ("hook", parts.kind == Kind::Handset, lines.hook.is_some()),
            ("bell", parts.ringer == Ringer::Line, lines.bell.is_some()),
        ] {
            if wanted && !there && lines.known {
                troubles.push(format!("{what}: the board file has no [{what}]"));
            }
        }
        troubles
    }
}

pub(super) struct Desk {
    handset: Handset,
    parts: Parts,
    lines: Lines,
    bell_rhythm_ms: [u16; 6],
    edges: Edges,
    contacts: Contacts,
    /// The cards are with the sound's thread; so is the bell's own.
    given: (bool, bool),
    /// Since when it rings.
    rings: Option<Instant>,
    tone: bool,
    /// Orders that the sound has had no room for yet.
    waiting: VecDeque<Order>,
    retry_at: Instant,
    troubles: Vec<String>,
}

impl Desk {
    pub(super) fn new(parts: Parts, lines: Lines, line: Line, edges: Edges) -> std::io::Result<Self> {
        let setup = Setup {
            sip: edges.sip.local_addr()?,
            rtp: edges.rtp,
            server: line.server,
            user: line.user,
            secret: line.secret,
            dial: parts.dial,
            known: line.known,
            listen: line.listen,
            seed: line.seed.rotate_left(32),
        };
        Ok(Self {
            handset: Handset::new(clock::now(), setup),
            parts,
            lines,
            bell_rhythm_ms: line.country.ringback.cadence_ms,
            edges,
            contacts: Contacts::default(),
            given: (false, false),
            rings: None,
            tone: false,
            waiting: VecDeque::new(),
            retry_at: Instant::ZERO,
            troubles: Vec::new(),
        })
    }

    pub(super) fn run(mut self) {
        card::hush();
        let mut bytes = vec![0; MESSAGE_BYTES];
        while !self.edges.stop.load(Ordering::Acquire) {
            let now = clock::now();
            if now >= self.retry_at {
                self.retry_at = now + RETRY;
                self.open();
            }
            self.follow(now);
            self.hand_over();
            self.ring(now);
            self.show();
            let typed = self.wait(now);
            self.feel(typed);
            for _ in 0..AT_ONCE {
                let Ok((length, from)) = self.edges.sip.recv_from(&mut bytes) else { break };
                self.give(clock::now(), Input::Message(from, bytes.get(..length).unwrap_or_default()));
            }
            while let Ok(gone) = self.edges.gone.pop() {
                drop(gone);
                self.given = (false, false);
                self.give(clock::now(), Input::Card(false));
            }
            let now = clock::now();
            if self.handset.deadline().is_some_and(|at| at <= now) {
                self.give(now, Input::Timeout);
            }
        }
        // Some kernels leave a line as it was.
        if let Some(bell) = &self.contacts.bell {
            bell.light(false);
        }
    }

    fn give(&mut self, now: Instant, input: Input<'_>) {
        self.handset.handle(now, input);
        while let Some(output) = self.handset.poll() {
            match output {
                // What a full buffer loses is sent again, RFC 3261 §17.1.1.2.
                Output::Send(to, bytes) => drop(self.edges.sip.send_to(&bytes, to)),
                Output::Sound(sound) => {
                    if let Sound::Ring(rings) = sound {
                        self.rings = rings.then_some(now);
                    }
                    let silent = matches!(self.parts.ringer, Ringer::Line | Ringer::Silent);
                    if !(silent && matches!(sound, Sound::Ring(_))) {
                        self.order(Order::Sound(sound));
                    }
                }
            }
        }
    }

    fn order(&mut self, order: Order) {
        self.waiting.push_back(order);
        self.hand_over();
    }

    /// Full: the sound has stood still for a second of frantic keys. None is lost, since one may be a card or the bell's end.
    fn hand_over(&mut self) {
        while let Some(order) = self.waiting.pop_front() {
            if let Err(rtrb::PushError::Full(order)) = self.edges.orders.push(order) {
                return self.waiting.push_front(order);
            }
            let _ = self.edges.sound.write(1);
        }
    }

    /// Tries for what is not had yet.
    fn open(&mut self) {
        let had_hook = self.contacts.hook.is_some();
        let missing = self.contacts.complete(&self.parts, &self.lines);
        if let (false, Some(hook)) = (had_hook, &self.contacts.hook) {
            // One that does not tell by itself is as it was: a plug that was touched ends no call.
            let lifted = hook.level().unwrap_or_else(|| self.handset.is_lifted());
            self.give(clock::now(), Input::Contact(lifted));
        }
        let name = self.parts.kind.name();
        let mut troubles: Vec<String> = missing.iter().map(|why| format!("{name}, {why}")).collect();
        if !self.given.0 {
            match open_cards(&self.parts) {
                Ok(cards) => {
                    self.given.0 = true;
                    self.order(Order::Take(cards));
                    self.give(clock::now(), Input::Card(true));
                }
                Err(why) => troubles.push(format!("{name}: {why}")),
            }
        }
        if let (true, false, Ringer::Card(card)) = (self.given.0, self.given.1, &self.parts.ringer) {
            match Speaker::open(card, None) {
                Ok(bell) => {
                    self.given.1 = true;
                    self.order(Order::Take(Cards { bell: Some(Box::new(bell)), ..Cards::default() }));
                }
                Err(why) => troubles.push(format!("{name}, bell: {why}")),
            }
        }
        self.troubles = troubles;
        self.edges.tell.send_if_modified(|told| {
            let new = *told != self.troubles;
            told.clone_from(&self.troubles);
            new
        });
    }

    /// What the page wishes, and whether there is a hold to be heard.
    fn follow(&mut self, now: Instant) {
        let wish = *self.edges.wishes.borrow();
        let holds = matches!(*self.edges.shown.borrow(), Pattern::Holding(_));
        self.give(now, Input::Aloud(wish.aloud && holds));
        let tone = wish.tone_until.is_some_and(|until| now < until);
        if core::mem::replace(&mut self.tone, tone) != tone {
            self.order(Order::Sound(Sound::Test(tone)));
        }
    }

    /// The bell that hangs on a line.
    fn ring(&mut self, now: Instant) {
        let on = self.rings.is_some_and(|since| sounds(self.bell_rhythm_ms, now.since(since)).0);
        if self.contacts.bell.as_ref().is_some_and(|bell| !bell.light(on)) {
            self.contacts.bell = None;
        }
    }

    fn show(&mut self) {
        let state = State {
            hook: self.contacts.hook.as_ref().and_then(Contact::level),
            card: self.given.0,
            keypad: self.contacts.keypad.is_some(),
            rings: self.handset.is_ringing(),
            level_dbm0: self.edges.meters.level_dbm0(),
            lost: self.edges.meters.lost(),
        };
        self.edges.show.send_if_modified(|shown| core::mem::replace(shown, state) != state);
    }

    /// Waits for anything; says whether the keypad has something to tell.
    fn wait(&self, now: Instant) -> bool {
        let Contacts { hook, dial, keypad, .. } = &self.contacts;
        let mut fds = vec![
            PollFd::new(self.edges.sip.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.edges.wake.as_fd(), PollFlags::POLLIN),
        ];
        let contacts = [hook, dial].into_iter().flatten().map(Contact::as_fd);
        let with_keypad = contacts.chain(keypad.as_ref().map(Keys::as_fd));
        fds.extend(with_keypad.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let rhythm = self.rings.map(|since| sounds(self.bell_rhythm_ms, now.since(since)).1);
        let deadline = self.handset.deadline().map(|at| at.since(now));
        let wait = [rhythm, deadline].into_iter().flatten().fold(GLANCE, Duration::min);
        // A signal is as good as a wake.
        let _ = ppoll(&mut fds, Some(TimeSpec::from_duration(wait)), None);
        let _ = self.edges.wake.read();
        keypad.is_some() && fds.last().is_some_and(|fd| fd.any().unwrap_or(true))
    }

    /// What the contacts did. Those that tell nothing are looked at as well: an edge may have been lost.
    fn feel(&mut self, typed: bool) {
        let had_hook = self.contacts.hook.is_some();
        let hook = felt(&mut self.contacts.hook).into_iter().map(|(lifted, at)| (at, Input::Contact(lifted)));
        let dial = felt(&mut self.contacts.dial).into_iter().map(|(pulse, at)| (at, Input::Pulse(pulse)));
        // In their order: a look at the hook of this moment would end a digit whose pulses wait here.
        let mut told: Vec<_> = hook.chain(dial).collect();
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().for_each(|(at, input)| self.give(at, input));
        if had_hook && self.contacts.hook.is_none() {
            self.give(clock::now(), Input::NoContact);
        }
        if typed {
            match self.contacts.keypad.as_mut().and_then(Keys::pressed) {
                Some(keys) => keys.into_iter().for_each(|key| self.give(clock::now(), Input::Key(key))),
                None => self.contacts.keypad = None,
            }
        }
    }
}

/// What a contact did, and when; one that is gone is let go.
fn felt(contact: &mut Option<Contact>) -> Vec<(bool, Instant)> {
    let Some(changes) = contact.as_mut().map(Contact::changes) else { return Vec::new() };
    let now = clock::now();
    let at = |age: Duration| Instant(now.0.saturating_sub(u64::try_from(age.as_micros()).unwrap_or(0)));
    match changes {
        Some(changes) => changes.into_iter().map(|(level, age)| (level, at(age))).collect(),
        None => {
            *contact = None;
            Vec::new()
        }
    }
}

/// What is needed of the card: both directions of a handset's, or neither.
fn open_cards(parts: &Parts) -> Result<Cards, String> {
    let ear = Some(Box::new(Speaker::open(&parts.card, parts.rate)?));
    let microphone = match parts.kind {
        Kind::Handset => Some(Box::new(Microphone::open(&parts.card, parts.rate)?)),
        Kind::Monitor => None,
    };
    Ok(Cards { ear, microphone, bell: None })
}

/// Whether a rhythm (on, off, on … ms; 0 ends it) sounds so long after its begin, and for how long this stays so.
fn sounds(rhythm_ms: [u16; 6], since: Duration) -> (bool, Duration) {
    let parts = || rhythm_ms.into_iter().take_while(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.into()));
    let round: Duration = parts().sum();
    if round.is_zero() {
        return (true, Duration::from_secs(1));
    }
    let mut left = Duration::from_micros((since.as_micros() % round.as_micros()) as u64);
    for (n, part) in parts().enumerate() {
        if left < part {
            return (n % 2 == 0, part - left);
        }
        left -= part;
    }
    (false, Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bell_keeps_the_countrys_rhythm() {
        let uk = [400, 200, 400, 2_000, 0, 0];
        let ms = Duration::from_millis;
        for (since, on, left) in [
            (0, true, 400),
            (399, true, 1),
            (450, false, 150),
            (700, true, 300),
            (1_500, false, 1_500),
            (3_000, true, 400),
        ] {
            assert_eq!(sounds(uk, ms(since)), (on, ms(left)), "{since}");
        }
        assert!(sounds([0; 6], ms(5)).0);
    }
}
