//! What the switchboard knows of the house before the first call.

use crate::listen::words::Language;
use crate::phone::dial::Codes;
use crate::phone::hunt::Order;
use crate::slay::Policy;
use crate::slay::talk::Limits;
use crate::trunk::{Dialling, Rules};
use crate::units::{AccountId, PortId};
use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

/// The checked configuration as the switchboard needs it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Trunks and phones, in order of preference.
    pub peers: Vec<Peer>,
    /// Address that peers reach our RTP at, shown in SDP.
    pub media_ip: IpAddr,
    /// UDP port of each media port, by index of [`PortId`].
    pub rtp_ports: Vec<u16>,
    /// Digits only.
    pub emergency: Vec<String>,
    /// Star codes.
    pub codes: Codes,
    /// How several phones ring.
    pub order: Order,
    /// How to hold.
    pub hold: Policy,
    /// What the household dials means this.
    pub dialling: Dialling,
    /// No two talk for longer.
    pub longest: Duration,
    /// Holds at once.
    pub max_holds: usize,
    /// What the box does when a queue hangs up on it.
    pub redial: super::Redialling,
    /// Numbers outside the house that ring for the person whom a held call has reached.
    pub also_ring: Vec<String>,
    /// They ring so much later than the phones of the house.
    pub also_after: Duration,
    /// How long the house has waited at which number.
    pub waits: super::Waits,
    /// What is recorded, and who may listen in.
    pub recording: Recording,
    /// Menus are learnt from the owner's keys in ordinary calls.
    pub learn: bool,
    /// So many keys are pressed in a menu that is not known; 0 where no words are understood.
    pub explore: u8,
    /// How far the language model may lead calls, or why it may lead none and what to do about that.
    pub assisted: Result<Limits, String>,
    /// A language model is asked where the words of such a menu leave open which.
    pub adviser: bool,
    /// What may be dialled behind the code that slays, and what it stands for.
    pub speed: Vec<(String, String)>,
    /// Calls to this number, or user, are held as they come; empty: there is none.
    pub extension: String,
    /// What is said while holding is kept with the call.
    pub transcript: bool,
    /// Texts can be spoken, in this language.
    pub speech: Option<Language>,
    /// The owner who is rung hears the company's name, if he gave it one, before its voice.
    pub announce: bool,
    /// The owner who is rung first hears what the person has said meanwhile.
    pub replay: bool,
    /// What is spoken at the far end.
    pub language: Language,
}

/// Of which calls something is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Of none.
    #[default]
    None,
    /// Of those that the box holds, while it holds them: nobody of the house is heard.
    Holds,
    /// Of all but emergency calls.
    All,
}

/// How people are told that they are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    /// Not by the box.
    None,
    /// By words at the beginning; by the tone while the box holds the line.
    #[default]
    Words,
    /// By a short tone every 15 s.
    Tone,
}

/// What is recorded and listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// Which calls are recorded.
    pub record: Which,
    /// How that is said.
    pub notice: Notice,
    /// To which calls the page may listen.
    pub listen_in: Which,
    /// Voices are kept as clips while the box holds, of which people are told as of a recording.
    pub clips: bool,
}

impl Plan {
    /// What this stands for, if it is a speed dial.
    pub(super) fn speed_dial(&self, dialled: &str) -> Option<&str> {
        self.speed.iter().find(|(key, _)| key == dialled).map(|(_, number)| number.as_str())
    }

    /// The form by which what is known of whom a call is with is kept.
    pub(super) fn company(&self, number: &str) -> String {
        self.dialling.numbering.company(number)
    }

    /// Takes the wait out of the record of a call that is over, if a person came. In the order of time.
    pub fn note_wait(&mut self, record: &super::Record) {
        if let Some(waited) = record.figures.waited_ms.filter(|_| !record.number.is_empty()) {
            self.waits.note(self.company(&record.number), waited);
        }
    }

    /// How long one usually waits there, milliseconds.
    pub(super) fn usual_wait(&self, number: &str) -> Option<u64> {
        self.waits.usual(&self.company(number))
    }

    /// Whether calls to this number are sent to the box to be held.
    pub(super) fn is_extension(&self, called: &str) -> bool {
        !self.extension.is_empty()
            && (called == self.extension || crate::sip::plain(called) == self.extension)
    }

    /// The trunks, in order of preference.
    pub(super) fn trunks(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().filter(|p| p.side == crate::sip::Side::Trunk)
    }

    /// Where a media port receives.
    pub(super) fn rtp_addr(&self, port: PortId) -> SocketAddr {
        let udp = self.rtp_ports.get(usize::from(port.0)).copied().unwrap_or_default();
        SocketAddr::new(self.media_ip, udp)
    }
}

/// A trunk or a phone.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Shared with `sip::Account`.
    pub id: AccountId,
    /// Which side it is on.
    pub side: crate::sip::Side,
    /// As the owner calls it.
    pub name: String,
    /// Calls at once; a trunk refuses more.
    pub channels: usize,
    /// It is reachable without a registration.
    pub is_static: bool,
    /// How long a phone rings when they ring in turn.
    pub rings: Duration,
    /// How it wants numbers.
    pub rules: Rules,
    /// It speaks G.722.
    pub wideband: bool,
    /// It only listens: it never rings and is not shown.
    pub listens: bool,
    /// It is the box's own handset, which registers as soon as its sound card is there.
    pub own: bool,
}

impl Peer {
    /// A phone that can ring; one that only listens is none.
    pub(super) fn is_phone(&self) -> bool {
        self.side == crate::sip::Side::Phone && !self.listens
    }
}
