//! A telephone of the box's own: a handset on its sound card. Pure.
//!
//! ```text
//!   hook, dial ──► hook::Hook ──┐                                    ┌──► SIP to the box, and back
//!   keys ───────────────────────┼──► Handset: Down, Lifted, Calls … ─┤
//!   the box's SIP ──────────────┘                                    └──► Sound: what the sound card plays and sends
//! ```
//!
//! To the box it is a phone as any other: a user agent of its own that registers at it, with a password that nobody
//! knows, while its sound card is there. So it is rung with the others, dials the same codes, holds calls and has them
//! handed back, and nothing else in the house knows that it is special.

pub mod audio;
mod calls;
pub mod hook;
pub mod number;

use crate::media::Tone;
use crate::sip::Input as SipInput;
use crate::sip::{
    Account, AccountKind, Caller, Cause, Command, Hop, Identity, LocalMedia, Manner, Session, Side, Srtp, Ua,
    Upstream, ua,
};
use crate::units::{AccountId, Codec, Digit, Instant, LegId};
use core::time::Duration;
use hook::{Dial, Hook, Told};
use number::{Known, Number};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Whom a loudspeaker calls that lets the held call be heard in the room. No phone can dial that.
pub const ALOUD: &str = "aloud";
/// The only account of the handset: the box.
const BOX: AccountId = AccountId(0);
/// How long it is registered for.
const EXPIRES: Duration = Duration::from_secs(300);
/// Who lifts the handset has so long to begin.
const BEGIN: Duration = Duration::from_secs(20);
/// A number is over when no key comes for so long.
const NEXT: Duration = Duration::from_secs(4);
/// A handset off its hook is told of for so long, and then left in peace.
const OFF_HOOK: Duration = Duration::from_secs(60);
/// A call that was left waiting rings for so long once the handset is down.
const RECALL: Duration = Duration::from_secs(60);
/// A sound card or a hook that is gone may come back within that time: a plug that was touched. Then its calls are over.
const PART_GONE: Duration = Duration::from_secs(30);

/// Who the handset is, and where.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its SIP address.
    pub sip: SocketAddr,
    /// Where it takes sound.
    pub rtp: SocketAddr,
    /// The box, as the handset reaches it.
    pub server: SocketAddr,
    /// As whom it registers there.
    pub user: String,
    /// And its password.
    pub secret: String,
    /// How digits are dialled.
    pub dial: Dial,
    /// What is dialled without waiting for more.
    pub known: Known,
    /// The code that listens to a held call.
    pub listen: String,
    /// Tags and branches.
    pub seed: u64,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Of the keypad.
    Digit(Digit),
    /// The number is whole.
    Dial,
    /// The last digit was wrong.
    Erase,
}

/// What happens to the handset.
#[derive(Debug)]
pub enum Input<'a> {
    /// The box sent this, from there.
    Message(SocketAddr, &'a [u8]),
    /// The hook's contact is so now: true is lifted. Repetitions do no harm.
    Contact(bool),
    /// The hook's contact is gone: nobody can put the handset down.
    NoContact,
    /// The dial's own contact is so now: true is a pulse. Repetitions do no harm.
    Pulse(bool),
    /// A key was pressed.
    Key(Key),
    /// The sound card came, or is gone.
    Card(bool),
    /// The held call shall be heard aloud, or no longer.
    Aloud(bool),
    /// A deadline has passed.
    Timeout,
}

/// What the sound card plays and sends. `Copy`, for a ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sound {
    /// Talk so, with this call.
    Talk(Session),
    /// No call is heard any more.
    Quiet,
    /// A tone in the ear, or none.
    Tone(Option<Tone>),
    /// A key: as an event to whom is talked to, and as a short sound in the ear.
    Key(Digit),
    /// A short sound in the ear alone.
    Click(Digit),
    /// The bell rings, or stops.
    Ring(bool),
    /// What comes is played on the loudspeaker instead of the ear, and nothing is sent.
    Aloud(bool),
    /// A steady tone of 1 kHz in the ear and on the loudspeaker, for whoever tries the sound card.
    Test(bool),
}

/// What the handset does.
#[derive(Debug)]
pub enum Output {
    /// Sends this to the box.
    Send(SocketAddr, Vec<u8>),
    /// An order for the sound.
    Sound(Sound),
}

#[derive(Clone, Debug)]
enum State {
    /// On its hook.
    Down,
    /// On its hook, and somebody calls.
    Rings(LegId),
    /// On its hook, and a call waits that its owner had left.
    Recalls {
        until: Instant,
    },
    /// On its hook, and the held call is heard aloud.
    Aloud(LegId),
    /// Lifted; until then a key must come.
    Lifted {
        number: Number,
        until: Instant,
    },
    /// Calls; sound comes already.
    Calls {
        leg: LegId,
        early: bool,
    },
    Talks(LegId),
    /// Lifted, with nobody there. A tone says so until then.
    Over {
        until: Option<Instant>,
    },
}

/// Whether the held call shall be heard aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aloud {
    Unwanted,
    Wanted,
    /// It is heard, or the box has refused it: that it is asked for once is enough.
    Tried,
}

/// The handset.
pub struct Handset {
    setup: Setup,
    ua: Ua,
    hook: Hook,
    state: State,
    /// A call that waits while the owner does something else.
    parked: Option<LegId>,
    /// The sound card is there; if not, since when it is gone.
    card: Result<(), Option<Instant>>,
    /// Since when the hook is gone.
    no_hook: Option<Instant>,
    aloud: Aloud,
    /// The call in which the held one is only listened to, in the ear.
    listens: Option<LegId>,
    legs: u32,
    out: VecDeque<Output>,
}

impl Handset {
    /// A handset on its hook, whose sound card is not there yet.
    pub fn new(now: Instant, setup: Setup) -> Self {
        let upstream = Upstream {
            addr: Hop::udp(setup.server),
            domain: setup.server.ip().to_string(),
            user: setup.user.clone(),
            auth_user: setup.user.clone(),
            secret: setup.secret.clone(),
            realm: None,
            expires: EXPIRES,
        };
        // To the user agent of a phone the box is a provider.
        let account = Account {
            id: BOX,
            side: Side::Trunk,
            kind: AccountKind::RegisterAt(upstream),
            identity: Identity::default(),
            srtp: Srtp::Off,
        };
        let ua = Ua::new(ua::Config {
            local: setup.sip,
            tls_port: 0,
            accounts: vec![account],
            realm: setup.user.clone(),
            seed: setup.seed,
            // Its sound is never encrypted: it does not leave the machine.
            key_seed: [0; 32],
            for_help: Vec::new(),
        });
        let hook = Hook::new(now, setup.dial);
        let (state, out) = (State::Down, VecDeque::new());
        Self {
            setup,
            ua,
            hook,
            state,
            parked: None,
            card: Err(None),
            no_hook: None,
            aloud: Aloud::Unwanted,
            listens: None,
            legs: 0,
            out,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Message(from, bytes) => {
                self.ua.handle(now, SipInput::Message { from: Hop::udp(from), bytes });
            }
            Input::Contact(lifted) => {
                self.no_hook = None;
                self.hook.contact(now, lifted);
            }
            Input::NoContact => self.no_hook = Some(now),
            Input::Pulse(open) => {
                self.hook.pulse(now, open);
                // A number is not over while its next digit is being dialled. A look at a dial that rests says nothing.
                if open
                    && let State::Lifted { number, until } = &mut self.state
                    && !number.is_empty()
                {
                    *until = now + NEXT;
                }
            }
            Input::Key(key) => self.key(now, key),
            Input::Card(there) => self.card(now, there),
            Input::Aloud(false) => self.aloud = Aloud::Unwanted,
            Input::Aloud(true) if self.aloud == Aloud::Unwanted => self.aloud = Aloud::Wanted,
            Input::Aloud(true) => {}
            Input::Timeout => {
                self.ua.handle(now, SipInput::Timeout);
                self.hook.timeout(now);
            }
        }
        if self.no_hook.is_some_and(|since| now.since(since) >= PART_GONE) {
            self.no_hook = None;
            self.hook.contact(now, false);
        }
        while let Some(told) = self.hook.poll() {
            match told {
                Told::Lifted => self.lifted(now),
                Told::PutDown => self.put_down(now),
                Told::Flash => self.flash(now),
                Told::Digit(digit) => self.key(now, Key::Digit(digit)),
            }
        }
        self.time(now);
        self.listen(now);
        self.drain(now);
    }

    /// The next output; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        let gone =
            [self.card.err().flatten(), self.no_hook].into_iter().flatten().map(|since| since + PART_GONE);
        [self.ua.deadline(), self.hook.deadline(), self.until()].into_iter().flatten().chain(gone).min()
    }

    /// It rings.
    pub fn is_ringing(&self) -> bool {
        matches!(self.state, State::Rings(_) | State::Recalls { .. })
    }

    /// It is off its hook.
    pub fn is_lifted(&self) -> bool {
        !matches!(self.state, State::Down | State::Aloud(_)) && !self.is_ringing()
    }

    fn until(&self) -> Option<Instant> {
        match self.state {
            State::Lifted { until, .. } | State::Recalls { until } => Some(until),
            State::Over { until } => until,
            _ => None,
        }
    }

    // ---- hands ----

    fn lifted(&mut self, now: Instant) {
        self.sound(Sound::Ring(false));
        match self.state {
            State::Rings(leg) => {
                self.order(now, Command::Answer(leg, self.media()));
                self.state = State::Talks(leg);
            }
            State::Recalls { .. } => self.resume(now),
            // Whoever listens may go on with it in the ear, and press `**` to be joined.
            State::Aloud(aloud) => {
                self.hang_up(now, aloud);
                self.silent();
                let leg = self.next_leg();
                self.listens = Some(leg);
                self.state = State::Calls { leg, early: false };
                self.call(now, leg, self.setup.listen.clone());
            }
            _ => self.dial_tone(now),
        }
    }

    fn put_down(&mut self, now: Instant) {
        if self.aloud == Aloud::Tried {
            self.aloud = Aloud::Wanted;
        }
        self.listens = None;
        self.sound(Sound::Tone(None));
        match core::mem::replace(&mut self.state, State::Down) {
            State::Calls { leg, .. } | State::Talks(leg) => self.hang_up(now, leg),
            _ => {}
        }
        self.sound(Sound::Quiet);
        if self.parked.is_some() {
            self.sound(Sound::Ring(true));
            self.state = State::Recalls { until: now + RECALL };
        }
    }

    /// As at an adapter: the call waits, and another can be made; then from one to the other.
    fn flash(&mut self, now: Instant) {
        match (self.state.clone(), self.parked) {
            (State::Talks(leg), None) => {
                self.park(now, leg);
                self.dial_tone(now);
            }
            (State::Talks(leg), Some(_)) => {
                let other = self.parked;
                self.park(now, leg);
                if let Some(other) = other {
                    self.order(now, Command::Hold(other, false));
                    self.state = State::Talks(other);
                }
            }
            (State::Calls { leg, .. }, Some(_)) => {
                self.hang_up(now, leg);
                self.resume(now);
            }
            (State::Lifted { .. } | State::Over { .. }, Some(_)) => self.resume(now),
            _ => {}
        }
    }

    /// Who only listens and dials wants to call somebody, help perhaps. With a star he wants something of what he hears.
    fn dials_anew(&mut self, now: Instant, key: Key) {
        let (State::Talks(leg), Key::Digit(digit)) = (&self.state, key) else { return };
        let leg = *leg;
        if self.listens.take() == Some(leg) && digit.as_char().is_ascii_digit() {
            self.hang_up(now, leg);
            self.dial_tone(now);
        }
    }

    fn key(&mut self, now: Instant, key: Key) {
        self.dials_anew(now, key);
        let pulse = self.setup.dial == Dial::Pulse;
        match (&mut self.state, key) {
            (State::Lifted { number, until }, Key::Digit(digit)) => {
                let whole = number.key(digit, &self.setup.known, pulse);
                *until = now + NEXT;
                self.sound(Sound::Tone(None));
                self.sound(Sound::Click(digit));
                if whole {
                    self.dial(now);
                }
            }
            (State::Lifted { number, .. }, Key::Dial) if !number.is_empty() => self.dial(now),
            (State::Lifted { number, until }, Key::Erase) => {
                number.erase();
                *until = now + BEGIN;
            }
            (State::Talks(_) | State::Calls { early: true, .. }, Key::Digit(digit)) => {
                self.sound(Sound::Key(digit));
            }
            _ => {}
        }
    }

    fn card(&mut self, now: Instant, there: bool) {
        match (there, self.card) {
            (true, Err(_)) => {
                self.card = Ok(());
                self.order(now, Command::Register(BOX));
            }
            (false, Ok(())) => {
                self.card = Err(Some(now));
                self.order(now, Command::Unregister(BOX));
            }
            _ => {}
        }
    }

    // ---- what follows ----

    fn dial_tone(&mut self, now: Instant) {
        self.sound(Sound::Quiet);
        self.sound(Sound::Tone(Some(Tone::Dial)));
        self.state = State::Lifted { number: Number::default(), until: now + BEGIN };
    }

    fn dial(&mut self, now: Instant) {
        let State::Lifted { number, .. } = &mut self.state else { return };
        let (to, leg) = (number.take(), self.next_leg());
        self.state = State::Calls { leg, early: false };
        self.call(now, leg, to);
    }

    fn next_leg(&mut self) -> LegId {
        self.legs += 1;
        LegId::outgoing(self.legs)
    }

    /// It may end at once: whoever calls is ready for that.
    fn call(&mut self, now: Instant, leg: LegId, to: String) {
        let (caller, media, manner) = (Caller::default(), self.media(), Manner::default());
        self.order(now, Command::Call { leg, account: BOX, to, caller, media, manner });
    }

    fn park(&mut self, now: Instant, leg: LegId) {
        self.parked = Some(leg);
        self.order(now, Command::Hold(leg, true));
        self.sound(Sound::Quiet);
    }

    /// The parked call is talked to again.
    fn resume(&mut self, now: Instant) {
        self.sound(Sound::Tone(None));
        if let Some(leg) = self.parked.take() {
            self.order(now, Command::Hold(leg, false));
            self.state = State::Talks(leg);
        }
    }

    fn hang_up(&mut self, now: Instant, leg: LegId) {
        self.order(now, Command::Hangup(leg, Cause::Normal));
    }

    /// The box is where the handset reaches it, whatever address it shows to others.
    fn talk(&mut self, session: Session) {
        let remote = SocketAddr::new(self.setup.server.ip(), session.remote.port());
        self.sound(Sound::Tone(None));
        self.sound(Sound::Talk(Session { remote, ..session }));
    }

    /// Nobody is there any more.
    fn over(&mut self, now: Instant, tone: Tone) {
        self.sound(Sound::Quiet);
        self.sound(Sound::Tone(Some(tone)));
        self.state = State::Over { until: Some(now + OFF_HOOK) };
    }

    fn time(&mut self, now: Instant) {
        if self.card.err().flatten().is_some_and(|since| now.since(since) >= PART_GONE) {
            self.card = Err(None);
            let up = self.current();
            self.state = if self.is_lifted() { State::Over { until: None } } else { State::Down };
            up.into_iter().chain(self.parked.take()).for_each(|leg| self.hang_up(now, leg));
            self.sound(Sound::Quiet);
            self.sound(Sound::Aloud(false));
            self.sound(Sound::Ring(false));
        }
        if self.until().is_none_or(|until| now < until) {
            return;
        }
        match &self.state {
            State::Lifted { number, .. } if !number.is_empty() => self.dial(now),
            State::Lifted { .. } => self.over(now, Tone::Congestion),
            State::Over { .. } => {
                self.sound(Sound::Tone(None));
                self.state = State::Over { until: None };
            }
            State::Recalls { .. } => {
                self.parked.take().into_iter().for_each(|leg| self.hang_up(now, leg));
                self.sound(Sound::Ring(false));
                self.state = State::Down;
            }
            _ => {}
        }
    }

    /// Begins or ends to let the held call be heard.
    fn listen(&mut self, now: Instant) {
        match (&self.state, self.aloud) {
            (State::Down, Aloud::Wanted) if self.card.is_ok() => {
                self.aloud = Aloud::Tried;
                self.sound(Sound::Aloud(true));
                let leg = self.next_leg();
                self.state = State::Aloud(leg);
                self.call(now, leg, ALOUD.to_owned());
            }
            (State::Aloud(leg), Aloud::Unwanted) => {
                self.hang_up(now, *leg);
                self.silent();
            }
            _ => {}
        }
    }

    fn calls(&self, leg: LegId) -> bool {
        matches!(self.state, State::Calls { leg: own, .. } if own == leg)
    }

    /// The call that is heard, or rings.
    fn current(&self) -> Option<LegId> {
        match self.state {
            State::Rings(leg) | State::Aloud(leg) | State::Calls { leg, .. } | State::Talks(leg) => Some(leg),
            _ => None,
        }
    }

    fn media(&self) -> LocalMedia {
        LocalMedia { addr: self.setup.rtp, codecs: vec![Codec::Pcmu, Codec::Pcma] }
    }

    fn order(&mut self, now: Instant, command: Command) {
        self.ua.handle(now, SipInput::Command(command));
        // What follows at once (a leg that cannot be made) is an event as any other.
        self.drain(now);
    }

    fn sound(&mut self, sound: Sound) {
        self.out.push_back(Output::Sound(sound));
    }
}
