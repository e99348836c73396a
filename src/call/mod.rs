//! The switchboard: legs joined into calls, and every decision about them.
//!
//! ```text
//!  sip::Event, media::Event, Heard, Request ──► Switchboard::handle ──► Call (one conversation) ──► Hold (slay)
//!                                                      │                                              │
//!  sip::Command, MediaCommand, ListenOrder, Record ◄── Desk (ports, peers, ids, the way out) ◄────────┘
//! ```
//!
//! An ATA's hold is answered on its own leg and never passed to the trunk; a leg that a company holds is not passed to
//! the phone. While a call is held for the owner, no leg of the house is joined to the trunk's. A phone that puts its call
//! through has the two far ends joined here (`transfer`): no peer on the trunk needs to know how.

mod abroad;
mod assisted;
mod begin;
mod conference;
mod conversation;
mod desk;
mod dialling;
mod errand;
mod event;
mod greeting;
mod holding;
mod keys;
mod leg;
mod meeting;
mod menu;
mod notice;
mod outside;
mod peers;
mod placing;
pub mod plan;
mod policy;
mod ports;
pub mod record;
mod recording;
mod redial;
mod replay;
mod shelf;
pub mod snapshot;
mod status;
mod switchboard;
mod transfer;
mod trying;
mod turns;
mod understood;
mod waiting;
mod waits;

pub use abroad::greeting;
pub use errand::Errand;
pub use event::{Event, Happened};
pub use plan::{Notice, Peer, Plan, Recording, Which};
pub use record::{By, Decision, Figures, Outcome, Record, Span, Utterance};
pub use redial::Redialling;
pub use snapshot::{
    CallView, OfferView, PeerView, Phase, QueueView, RedialView, Registration, Snapshot, StreamView,
};
pub use switchboard::Switchboard;
pub use waits::Waits;

use crate::listen::Heard;
use crate::listen::lore::Taught;
use crate::listen::prompt::{Print, Prompted};
use crate::media::{self, MediaCommand};
use crate::sip;
use crate::slay::advice::{Advice, Asked};
use crate::slay::book::Entry;
use crate::slay::schedule::Appointment;
use crate::units::{AccountId, CallId, Digit, PortId, Wall};
use std::net::IpAddr;
use std::sync::Arc;

/// What the page, the button or a script asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Hold this call for me (`None`: the one that is up).
    HoldNow(Option<CallId>),
    /// End the call.
    HangUp(CallId),
    /// Somebody on the page begins to listen in to the call.
    ListenIn(CallId),
    /// He has stopped.
    ListenEnd(CallId),
    /// Put this call and the other one of the same phone, parked or held, together: three talk.
    Conference(CallId),
    /// Ring my phone and give me the held call now, person or not.
    Take(CallId),
    /// The same of the call that is held, by the button.
    TakeHeld,
    /// What was heard last in the held call, or in the one that the phone rang for, was this.
    Teach(CallId, Taught),
    /// Short press of the button: hold the call that is up.
    Button,
    /// Long press of the button: end the held call.
    Cancel,
    /// Register at once at each trunk that is down, instead of waiting.
    TryTrunks,
    /// Send these keys to the far side.
    Keys(CallId, Vec<Digit>),
    /// Ring the phones of the house, and connect who answers to this number.
    Connect(String),
    /// Do this by yourself.
    Errand(Errand),
    /// Greet whoever seems to be there with this, µ-law in whole frames, 1 s to 8 s; nothing: with the box's own words.
    Greeting(Option<Arc<[u8]>>),
    /// Put the call of a phone through to this number, as the phone itself may.
    Transfer(CallId, String),
    /// Somebody else than the page asks for this: it is written down so.
    Through(Door, Box<Request>),
    /// Would this be refused at this moment? Nothing is done.
    Would(Box<Request>),
}

/// By which way a request came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// The page, in a browser.
    #[default]
    Page,
    /// The interface for programs.
    Program,
    /// The interface for assistants.
    Assistant,
    /// `hold-slayer ctl`, on the box itself.
    Console,
}

impl Door {
    /// Why a call is placed or held.
    const fn asked(self) -> &'static str {
        match self {
            Self::Page => "asked for on the page",
            Self::Program => "asked for by a program",
            Self::Assistant => "asked for by an assistant",
            Self::Console => "asked for by hold-slayer ctl",
        }
    }

    /// Why a call has ended.
    const fn hung_up(self) -> &'static str {
        match self {
            Self::Page => "hung up on the page",
            Self::Program => "hung up by a program",
            Self::Assistant => "hung up by an assistant",
            Self::Console => "hung up by hold-slayer ctl",
        }
    }

    /// Who puts a call through.
    const fn name(self) -> &'static str {
        match self {
            Self::Page => "the page",
            Self::Program => "a program",
            Self::Assistant => "an assistant",
            Self::Console => "hold-slayer ctl",
        }
    }
}

/// What becomes of a request: done, with the call that was placed if one was, or why not and what to do.
pub type Answer = Result<Option<CallId>, String>;

/// What the switchboard is told.
#[derive(Debug)]
pub enum Input {
    /// From the user agent.
    Sip(sip::Event),
    /// From the media loop.
    Media(media::Event),
    /// From the listener: of this port, in this opening of it.
    Heard(PortId, u32, Heard),
    /// The same of the prompts that are said there.
    Prompt(PortId, u32, Prompted),
    /// From the page, the button or a script; answered with `Effect::Reply` under the same number.
    Request(u64, Request),
    /// What was kept of flows and of planned calls; told once, at the start.
    Recall(Vec<Entry>, Vec<Appointment>),
    /// The name of a trunk's server cannot be resolved.
    NotLocated(AccountId),
    /// No connection leads to this trunk, and why, in plain words. What comes of it, the user agent tells.
    NoWay(AccountId, String),
    /// Peers reach our RTP at this address from the next leg on.
    Address(IpAddr),
    /// A phone was paired: it rings and calls from now on.
    Admit(Peer),
    /// A phone was taken away: its legs end.
    Dismiss(AccountId),
    /// The date at this moment; told at the start and whenever the system's clock has been set.
    Clock(Wall),
    /// The things wrong with the box itself, in plain words; replaces what was told before.
    Troubles(Vec<String>),
    /// The language model has answered the question of this number, or why it has not.
    Advice(u64, Result<Advice, String>),
    /// What came of `Effect::Speak`: the text's sound, µ-law in whole frames, or nothing.
    Spoken(String, Option<Arc<[u8]>>),
    /// What came of `ListenOrder::Sentence` or `Replay` at this port in this opening of it: the sound as it is played, or
    /// nothing.
    Cut(PortId, u32, Option<Arc<[u8]>>),
    /// The owner's own greeting, as it was kept; told at the start.
    Greeting(Option<Arc<[u8]>>),
    /// A deadline has passed.
    Timeout,
}

/// What the switchboard wants done.
#[derive(Debug)]
pub enum Effect {
    /// An order to the user agent.
    Sip(sip::Command),
    /// An order to the media loop.
    Media(MediaCommand),
    /// An order to the listener.
    Listen(ListenOrder),
    /// An order to the studio.
    Studio(StudioOrder),
    /// A text to be spoken; answered by `Input::Spoken`.
    Speak(String),
    /// The state of a call, to be written.
    Record(Box<Record>),
    /// Something that programs are told.
    Event(Box<Happened>),
    /// The flows of a number, to be written.
    Flows(Box<Entry>),
    /// The calls that are planned, to be written.
    Schedule(Vec<Appointment>),
    /// A question under a number, for the language model.
    Consult(u64, Box<Asked>),
    /// The owner's own greeting, to be written; nothing: it is gone.
    Greeting(Option<Arc<[u8]>>),
    /// The answer to a request.
    Reply(u64, Answer),
}

/// What the studio shall do with a call from now on. Neither to record nor to let listen is the end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudioOrder {
    /// The call.
    pub call: CallId,
    /// Whose frames are its sound.
    pub port: PortId,
    /// In this opening of the port.
    pub epoch: u32,
    /// Record it.
    pub record: bool,
    /// Let the page listen.
    pub listen: bool,
}

/// An order to the listener's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenOrder {
    /// Listen to this call, which the box holds, or go on where an earlier `Pause` of the same opening left off.
    Start(Line),
    /// Hear this call's menu along, which the owner is in: it teaches nothing but what is asked for by `Ask`.
    Attend(Line),
    /// The box began or stopped speaking to the far end.
    Speaking(PortId, bool),
    /// The owner says that what was taken for a person was a recording.
    WasRecording(PortId),
    /// The owner says that it is a person.
    WasPerson(PortId),
    /// The owner has talked to the person who was found.
    Met(PortId),
    /// What was taken for a person was a menu that the box goes through.
    WasMenu(PortId),
    /// Look out for these prompts from now on, and no others.
    Expect(PortId, Arc<[Print]>),
    /// Tell what was said since this was asked last.
    Ask(PortId),
    /// The owner speaks a sentence for the box to keep, at this port of a phone in this opening of it: say when it is over.
    Sentence(PortId, u32),
    /// It is over: he has pressed the key.
    SentenceEnds(PortId),
    /// Forget it.
    NoSentence(PortId),
    /// The owner wants to hear what the person has said since he was found, at this port in this opening of it.
    Replay(PortId, u32),
    /// Stop, but keep what was learnt: the owner talks.
    Pause(PortId),
    /// The call is over: what it taught is kept.
    Stop(PortId),
}

/// A call that is listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose sound it is.
    pub port: PortId,
    /// In this opening of it.
    pub epoch: u32,
    /// The call.
    pub call: CallId,
    /// The other party's number in full, under which what it plays is remembered; empty if withheld.
    pub company: String,
    /// When the port was opened, milliseconds since the call began.
    pub opened_ms: u64,
}
