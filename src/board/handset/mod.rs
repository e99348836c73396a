//! The handset on the box: its sound card, its hook, its dial and its bell, and the telephone that they make. A loudspeaker
//! alone is one, too, that nobody can lift and that never rings: it lets a held call be heard.
//!
//! ```text
//!   hook, dial, keypad ──► desk ──── phone::handset::Handset ────► SIP over loopback ──► the box, as any phone's
//!                           │  ▲                     │
//!             opens cards ──┘  └── gone ──┐          └ Sound
//!                                         │          ▼
//!   sound card ◄──────────────────────► player ── phone::handset::audio::Audio ──► RTP over loopback
//! ```
//!
//! | thread | priority | owns |
//! |---|---|---|
//! | `handset`, `monitor` | normal | the telephone, its SIP socket, lines and input devices; opens and closes cards |
//! | `handset-sound`, `monitor-sound` | SCHED_FIFO, if granted | the open cards, the RTP socket; allocates nothing |

pub mod card;
mod desk;
mod player;

use super::lamp::Pattern;
use super::{ButtonLine, LampLine};
use crate::dsp::tone::Country;
use crate::phone::handset::audio::{Audio, Gains};
use crate::phone::handset::hook::Dial;
use crate::phone::handset::number::Known;
use crate::units::Instant;
use nix::sys::eventfd::{EfdFlags, EventFd};
use player::{Cards, Meters, Player};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Orders to the sound: a second of somebody who presses every key at once.
const ORDERS: usize = 64;

/// Ports that are tried for a pair.
const TRIES: usize = 64;

/// Who rings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ringer {
    /// The handset's own card.
    #[default]
    Own,
    /// This card.
    Card(String),
    /// The board's bell line.
    Line,
    /// Nobody.
    Silent,
}

/// What there is of a telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All of it.
    Handset,
    /// A loudspeaker.
    Monitor,
}

impl Kind {
    /// What its troubles begin with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handset => "handset",
            Self::Monitor => "monitor",
        }
    }
}

/// What the handset is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// What of all this there is.
    pub kind: Kind,
    /// The sound card that is held to the ear and spoken into: its id or its name, or a name of ALSA's own.
    pub card: String,
    /// Hz; `None`: what the card does by itself.
    pub rate: Option<u32>,
    /// How loud.
    pub gains: Gains,
    /// Who rings.
    pub ringer: Ringer,
    /// The kernel's name of the input device with its keys.
    pub keypad: Option<String>,
    /// How digits are dialled.
    pub dial: Dial,
    /// Whether a held call is heard aloud while the handset is down, from the start.
    pub aloud: bool,
}

/// The lines that the board has for one.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The hook.
    pub hook: Option<ButtonLine>,
    /// The dial's own contact.
    pub dial: Option<ButtonLine>,
    /// The bell.
    pub bell: Option<LampLine>,
    /// The board file can be used: what it has not is missing.
    pub known: bool,
}

/// Who the handset is to the box.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where the box takes SIP: an address of this machine.
    pub server: SocketAddr,
    /// As whom it registers.
    pub user: String,
    /// And its password.
    pub secret: String,
    /// What is dialled without waiting for more.
    pub known: Known,
    /// The code that listens to a held call.
    pub listen: String,
    /// Tones and the bell's rhythm.
    pub country: &'static Country,
    /// Tags and numbers on the wire.
    pub seed: u64,
}

/// What somebody at the page wishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The held call is heard aloud.
    pub aloud: bool,
    /// A tone is played until then, to try the card.
    pub tone_until: Option<Instant>,
}

/// How the handset is, for the page.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Its hook: true is lifted. `None`: it cannot be felt.
    pub hook: Option<bool>,
    /// The sound card is open.
    pub card: bool,
    /// The keypad is there.
    pub keypad: bool,
    /// It rings.
    pub rings: bool,
    /// The microphone's level, dBm0, while it records.
    pub level_dbm0: Option<f32>,
    /// How often sound was lost because the machine was late, and went on.
    pub lost: u32,
}

/// What the page sees of the handset, and wishes.
#[derive(Clone, Debug)]
pub struct Front {
    /// How it is.
    pub state: watch::Receiver<State>,
    /// What is wished.
    pub wishes: watch::Sender<Wish>,
}

/// A handset at work; it ends with this.
pub struct Handset {
    stop: Arc<AtomicBool>,
    wakes: [Arc<EventFd>; 2],
    threads: Vec<JoinHandle<()>>,
    /// What is wrong at the moment, in plain words.
    pub troubles: watch::Receiver<Vec<String>>,
    /// For the page.
    pub front: Front,
}

impl Drop for Handset {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for wake in &self.wakes {
            let _ = wake.write(1);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Starts the handset's threads. What is missing is a trouble and is tried again; it comes and goes as a phone does.
/// `shown` says when a call is held.
///
/// # Errors
/// The system gives no sockets or no threads.
pub fn start(parts: Parts, lines: Lines, line: Line, shown: watch::Receiver<Pattern>) -> io::Result<Handset> {
    let (rtp, rtcp) = pair(line.server.ip())?;
    let sip = UdpSocket::bind((line.server.ip(), 0))?;
    sip.set_nonblocking(true)?;
    rtp.set_nonblocking(true)?;
    let wake = || EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).map(Arc::new);
    let (for_sound, for_desk) = (wake()?, wake()?);
    let (orders, ordered) = rtrb::RingBuffer::new(ORDERS);
    let (gone, back) = rtrb::RingBuffer::new(2);
    let (stop, meters) = (Arc::new(AtomicBool::new(false)), Arc::new(Meters::new()));
    let (tell, troubles) = watch::channel(Vec::new());
    let (show, state) = watch::channel(State::default());
    let (wishes, wished) = watch::channel(Wish { aloud: parts.aloud, tone_until: None });
    let player = Player {
        audio: Audio::new(line.country, parts.gains, line.seed),
        rtp: rtp.try_clone()?,
        _rtcp: rtcp,
        orders: ordered,
        wake: for_sound.clone(),
        gone,
        desk: for_desk.clone(),
        meters: meters.clone(),
        stop: stop.clone(),
        cards: Cards::default(),
    };
    let edges = desk::Edges {
        sip,
        rtp: rtp.local_addr()?,
        orders,
        sound: for_sound.clone(),
        gone: back,
        wake: for_desk.clone(),
        meters,
        stop: stop.clone(),
        shown,
        wishes: wished,
        tell,
        show,
    };
    let name = parts.kind.name();
    let sound = std::thread::Builder::new().name(format!("{name}-sound")).spawn(move || player.run())?;
    let mut handset = Handset {
        stop,
        wakes: [for_sound, for_desk],
        threads: vec![sound],
        troubles,
        front: Front { state, wishes },
    };
    let desk = desk::Desk::new(parts, lines, line, edges)?;
    handset.threads.push(std::thread::Builder::new().name(name.into()).spawn(move || desk.run())?);
    Ok(handset)
}

/// Ports for RTP and RTCP, RFC 3550 §11: an even one and the next. Reports come there, and nobody reads them.
fn pair(ip: IpAddr) -> io::Result<(UdpSocket, UdpSocket)> {
    // Held until the end, so that each try gets another one.
    let mut odd = Vec::new();
    for _ in 0..TRIES {
        let socket = UdpSocket::bind((ip, 0))?;
        let port = socket.local_addr()?.port();
        match UdpSocket::bind((ip, port.wrapping_add(1))) {
            Ok(next) if port % 2 == 0 => return Ok((socket, next)),
            _ => odd.push(socket),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Whether the parts are there, for `check`: what is missing, in plain words.
pub fn missing(parts: &Parts, lines: &Lines) -> Vec<String> {
    card::hush();
    let mut found = Vec::new();
    found.extend(card::Speaker::open(&parts.card, parts.rate).err());
    if parts.kind == Kind::Handset {
        let microphone = card::Microphone::open(&parts.card, parts.rate).err();
        found.extend(microphone.filter(|why| !found.contains(why)));
    }
    if let Ringer::Card(card) = &parts.ringer {
        found.extend(card::Speaker::open(card, None).err().map(|why| format!("the bell: {why}")));
    }
    found.extend(desk::Contacts::open(parts, lines).1);
    found
}
