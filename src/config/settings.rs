//! The settings of each room: plain data, checked, with defaults filled in.

use super::{Country, Way};
use crate::assist;
use crate::board::Board;
use crate::call::Recording;
use crate::listen::words::Language;
pub use crate::phone::dial::Codes;
pub use crate::phone::hunt::Order;
use crate::sip::{Identity, Srtp};
use crate::slay::talk::Limits;
use crate::tables::Mistake;
pub use crate::tables::Secret;
use crate::trunk::Rules;
use crate::trunk::number::Rewrite;
use crate::trunk::toll::Allowed;
use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Everything the file says, checked, with defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[line]`
    pub line: Line,
    /// `[sip]`
    pub sip: Sip,
    /// `[media]`
    pub media: Media,
    /// `[[trunk]]`, in the file's order; may be empty.
    pub trunks: Vec<Trunk>,
    /// `[[phone]]`, in the file's order; may be empty. The first is rung first.
    pub phones: Vec<Phone>,
    /// `[handset]`: the telephone on the box's own sound card, if there is one.
    pub handset: Option<Handset>,
    /// `[monitor]`: the loudspeaker that held calls are heard on, if there is one.
    pub monitor: Option<crate::board::handset::Parts>,
    /// `[hold]`
    pub hold: Hold,
    /// `[menu]` and `[[speed_dial]]`
    pub menu: Menu,
    /// `[record]`
    pub record: Record,
    /// `[history]`
    pub history: History,
    /// `[words]`
    pub words: Words,
    /// `[speech]`
    pub speech: Speech,
    /// `[assistant]`: the language model, if there is one.
    pub assistant: Option<assist::Service>,
    /// How far it may lead calls; `None`: not at all.
    pub assisted: Option<Limits>,
    /// `[[notify]]`, in the file's order; may be empty.
    pub notify: Vec<crate::notify::Target>,
    /// `[guard]`
    pub guard: Guard,
    /// `[codes]`
    pub codes: Codes,
    /// `[board]`: what the named board file says; the generic board if that cannot be used.
    pub board: Board,
    /// Why it cannot be used; nothing: it can.
    pub board_faults: Vec<Mistake>,
    /// `[web]`
    pub web: Web,
    /// `[log]`
    pub log: Log,
}

/// Companies' menus, and calls that the box holds from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// Menus are learnt from the owner's keys in ordinary calls.
    pub learn: bool,
    /// So many keys are pressed in a menu that is not known, 0 to 6, where words are understood.
    pub explore: u8,
    /// Calls to this number, or user, are held as they come; empty: there is none.
    pub extension: String,
    /// What may be dialled behind the code that slays, and what it stands for.
    pub speed: Vec<(String, String)>,
}

/// The household's telephone line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Chooses tones and emergency numbers.
    pub country: Country,
    /// The country's emergency numbers, then those added in the file. Digits only, never empty.
    pub emergency: Vec<String>,
    /// The household's own number, shown to those called; empty: the trunk's user.
    pub number: String,
    /// Never show the household's number, but to those called for help.
    pub private: bool,
    /// Applied to what is dialled, the first that fits.
    pub rewrite: Vec<Rewrite>,
    /// How several phones ring.
    pub order: Order,
}

/// The SIP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sip {
    /// UDP and TCP address to listen on; RTP uses the same IP address.
    pub listen: SocketAddr,
    /// Address written into Via, Contact and SDP; `None`: found at start.
    pub advertise: Option<IpAddr>,
    /// TCP connections are let in, too.
    pub tcp: bool,
    /// TLS connections are let in there.
    pub tls: Option<SipTls>,
}

/// Where and as whom the box lets TLS connections in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipTls {
    /// TCP address to listen on.
    pub listen: SocketAddr,
    /// File of the certificate chain, PEM.
    pub cert: PathBuf,
    /// File of its key, PEM.
    pub key: PathBuf,
}

/// Sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// First UDP port for RTP, even; `calls * super::PORTS_PER_CALL` ports from here are the box's.
    pub rtp_ports: u16,
    /// Calls at once, 1 to [`super::CALLS`].
    pub calls: u16,
}

/// A provider.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Unique among trunks and phones.
    pub name: String,
    /// How it is reached.
    pub peer: TrunkPeer,
    /// Calls it carries at once.
    pub channels: u16,
    /// How messages get there.
    pub way: Way,
    /// How it wants numbers.
    pub rules: Rules,
    /// What it prescribes of names.
    pub identity: Identity,
    /// Whether its sound is encrypted.
    pub srtp: Srtp,
}

/// How a trunk and the box know each other.
#[derive(Clone, Debug)]
pub enum TrunkPeer {
    /// The box registers there.
    Register {
        /// Host name or IP address of the registrar or outbound proxy, not resolved.
        host: String,
        /// Port, 5060 unless written, and 5061 for TLS.
        port: u16,
        /// User part of the address of record.
        user: String,
        /// Digest user name.
        auth_user: String,
        /// Digest password.
        secret: Secret,
        /// Host part of our address of record.
        domain: String,
        /// The only realm whose challenges are answered; `None`: any.
        realm: Option<String>,
        /// Asked-for lifetime of the registration.
        expires: Duration,
    },
    /// Known by its address alone.
    Static {
        /// Its SIP address.
        addr: SocketAddr,
    },
}

/// A telephone or telephone adapter.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Unique among trunks and phones.
    pub name: String,
    /// How it is reached.
    pub peer: PhonePeer,
    /// It may be offered G.722.
    pub wideband: bool,
    /// It only listens: the box's own loudspeaker.
    pub listens: bool,
    /// How long it rings when phones ring in turn, 5 s to 3 min.
    pub rings: Duration,
    /// Whether its sound is encrypted.
    pub srtp: Srtp,
}

/// How a phone and the box know each other.
#[derive(Clone, Debug)]
pub enum PhonePeer {
    /// It registers here.
    Register {
        /// User part and digest user name, unique.
        user: String,
        /// Digest password.
        secret: Secret,
    },
    /// Known by its address alone.
    Static {
        /// Its SIP address.
        addr: SocketAddr,
    },
}

/// The telephone on the box's own sound card.
#[derive(Clone, Debug, PartialEq)]
pub struct Handset {
    /// What it is made of.
    pub parts: crate::board::handset::Parts,
    /// Unique among trunks and phones.
    pub name: String,
    /// How long it rings when phones ring in turn, 5 s to 3 min.
    pub rings: Duration,
}

/// How a hold is waited out.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// Longest hold, 1 min to 24 h.
    pub cap: Duration,
    /// How long the phone rings in one go, 10 to 180 s.
    pub ring: Duration,
    /// How many times more it rings if nobody answers, 0 to 10.
    pub ring_again: u8,
    /// Speak to whoever seems to be there. False: ring without a word.
    pub greet: bool,
    /// Calls held at once, 1 to 3.
    pub calls: u8,
    /// How readily the listener takes a voice for a person, 0 to 1.
    pub eagerness: f32,
    /// What becomes of a person whose owner no phone reached.
    pub unanswered: crate::slay::Unanswered,
    /// Offers to call back are taken.
    pub call_back: bool,
    /// "Are you still there?" is answered.
    pub still_there: bool,
    /// What is done where a machine takes a message.
    pub voicemail: crate::slay::Voicemail,
    /// What is done when a queue hangs up.
    pub redial: crate::call::Redialling,
    /// At most three numbers outside the house that ring too. Whether each may be dialled is asked when it is.
    pub also_ring: Vec<String>,
    /// So much later than the phones of the house, 0 to 1 min.
    pub also_after: Duration,
    /// The owner who is rung first hears what the person has said meanwhile.
    pub replay: bool,
}

/// Recordings and listening in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// What, and who is told.
    pub plan: Recording,
    /// How it is kept.
    pub archive: crate::studio::Config,
}

/// What is kept of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// A call and all that is known of it is deleted so long after its end, 1 to 3650 days; `None`: never.
    pub keep: Option<Duration>,
}

/// Understanding what the line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The folder of the speech model; `None`: `words` in the data folder, if it is there.
    pub model: Option<PathBuf>,
    /// A machine that recognises instead of the box: what the line says leaves the box for it.
    pub service: Option<assist::Service>,
    /// What is spoken at the far end.
    pub language: Language,
    /// The name that agents call the owner by; empty: not known.
    pub owner: String,
    /// What is said while holding is kept with the call.
    pub transcript: bool,
    /// It is deleted after so long.
    pub keep: Duration,
}

impl Words {
    /// Where the model is; `None` if none was asked for and none lies in the data folder, or another machine recognises.
    pub fn folder(&self, data: &Path) -> Option<PathBuf> {
        if self.service.is_some() {
            return None;
        }
        let usual = || Some(data.join("words")).filter(|folder| folder.is_dir());
        self.model.clone().or_else(usual)
    }
}

/// Text to speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speech {
    /// Who speaks.
    pub voice: crate::speech::Config,
    /// Another machine that speaks instead, and the name of its voice.
    pub elsewhere: Option<(assist::Service, String)>,
    /// In which language the box makes its sentences.
    pub language: Language,
    /// The owner who is rung hears the company's name.
    pub announce: bool,
}

/// What is kept from costing too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// What may be dialled though it costs extra.
    pub allowed: Allowed,
    /// No two talk for longer, 10 min to 24 h. A hold has its own cap.
    pub longest: Duration,
}

/// The page.
#[derive(Clone, Debug)]
pub struct Web {
    /// TCP address of the page.
    pub listen: SocketAddr,
    /// Password of the page; `None`: chosen on the page, by whoever has the code that was printed.
    pub password: Option<Secret>,
    /// Host names the page answers to, besides IP addresses and the machine's own name.
    pub names: Vec<String>,
    /// What the network is told that the box is called, without `.local`; empty: it is told nothing.
    pub local_name: String,
    /// How it is encrypted.
    pub tls: PageTls,
}

/// How the page is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageTls {
    /// Not at all.
    Off,
    /// With a certificate that the box makes itself; browsers ask whether to trust it.
    SelfSigned,
    /// With these.
    Files {
        /// Its certificate and those that lead to its root.
        cert: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// The log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// How much is said.
    pub level: tracing::Level,
}
