//! The page and its interfaces: a gate on the network, a web server behind it, pages rendered on the box.
//!
//! ```text
//!  browser ── TCP ── gate ── abstract Unix socket ── stage: tiny_http, 3 workers ── visit ── page | api | events
//!            one request, judged and complete                                        │
//!                                                     login, forms' token, Origin ───┘──► Ask ──► control thread
//! ```
//!
//! Invariants: no byte from the network reaches tiny_http that the gate did not write anew or count; no page needs script to be read; nothing acts
//! without a login, the form's token and our own Origin.

mod access;
mod access_page;
mod answer;
mod api;
mod backup;
mod board_page;
mod call_page;
mod claim;
mod companies;
mod console;
mod disk;
mod events;
mod feed;
mod flows;
mod flows_page;
mod form;
mod gate;
mod greeting;
mod head;
mod health;
mod history;
mod home;
mod journal;
mod language;
mod login;
mod logs;
mod mcp;
mod metrics;
#[cfg(test)]
mod noise;
mod notify_page;
mod page;
mod phones;
mod phones_page;
mod privacy;
mod rates;
mod route;
mod settings;
mod setup;
mod sound;
mod stage;
mod statistics;
mod statistics_page;
mod strip;
mod teach;
mod update;
mod visit;
mod websocket;
mod words;

pub use claim::Claim;
pub use console::{CONSOLE, console_in};
pub use health::{GOES_ON, NOTHING_KEPT, Parts};
pub use journal::Journal;
pub use update::Updates;

use crate::board::Front;
use crate::call::{Request, Snapshot};
use crate::clock;
use crate::config::PAGE_PORT;
use crate::limits::WEB_CALLS_A_MINUTE;
use crate::listen::words::Language;
use crate::media::Counters;
use crate::net::TlsAcceptor;
use crate::net::listen::{Bound, listen};
use crate::notify::Notices;
use crate::phone::dial::Codes;
use crate::store::{AppToken, PairedPhone, Store};
use crate::studio::Studio;
use crate::trunk::number::Numbering;
use crate::units::Instant;
use core::fmt;
use core::time::Duration;
use login::{BackOff, Logins, Password};
use rates::Rates;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// How the page is reached and by whom.
#[derive(Clone)]
pub struct Config {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A free port is as good as one that is taken: nothing is said of it.
    pub any_port: bool,
    /// The password of the file, in plain text; it counts unless one was chosen in its place. `None`: the one in the store, or none
    /// until somebody claims the page.
    pub password: Option<String>,
    /// The page is encrypted with this.
    pub tls: Option<TlsAcceptor>,
    /// Further names of the box, besides its address, `localhost` and names in `.local`.
    pub names: Vec<String>,
    /// Opens the page once without the password, as `/login?token=…`.
    pub one_use_token: Option<String>,
    /// A token for programs that may do everything, besides those in the store.
    pub app_token: Option<String>,
    /// What the media loop counts, for `/metrics`.
    pub counters: Option<Arc<Counters>>,
    /// Deadlines of the gate.
    pub patience: Patience,
    /// What a paired phone is told.
    pub house: House,
    /// The configuration, to be changed on the page; `None`: there is no file.
    pub file: Option<PathBuf>,
    /// The data folder, for backups; `None`: nothing is kept.
    pub data: Option<PathBuf>,
    /// What takes updates; `None`: the box was not made from an image.
    pub updates: Option<Updates>,
    /// The last claim of the page by the button.
    pub claims: watch::Receiver<Option<Claim>>,
    /// Button, lamp and handset.
    pub board: Front,
    /// Other machines that help the box.
    pub elsewhere: Elsewhere,
    /// Where the socket for people on the box shall be; `None`: there is none.
    pub console: Option<PathBuf>,
    /// What the start page tells the health of.
    pub parts: Parts,
}

/// What the page says of other machines.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    /// What leaves the box for them, in a sentence for each.
    pub leaves: Vec<String>,
    /// The language model may lead calls.
    pub assists: bool,
    /// Where the owner is told what happens.
    pub notices: Notices,
}

/// What a paired phone must know of the house.
#[derive(Debug, Clone)]
pub struct House {
    /// Where peers reach the box. Whoever pairs on the box itself is told this; others are told the address that they reached
    /// the page at.
    pub ip: watch::Receiver<IpAddr>,
    /// Where it takes SIP there.
    pub sip_port: u16,
    /// Emergency numbers, for the adapter's dial plan.
    pub emergency: Vec<String>,
    /// What a number is in full.
    pub numbering: &'static Numbering,
    /// Star codes, for the adapter's dial plan.
    pub codes: Codes,
    /// In what language a program on the box speaks, if one does.
    pub speech: Option<Language>,
}

/// How long the gate waits for a peer.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a whole request head.
    pub head: Duration,
    /// For a whole request body.
    pub body: Duration,
    /// For the next byte of an answer to be taken, or to come.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { head: seconds(10), body: seconds(20), idle: seconds(30) }
    }
}

/// What the page asks of the control thread, and where the answer goes.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub order: Order,
    /// Takes the answer.
    pub answer: oneshot::Sender<crate::call::Answer>,
}

/// What the page can ask for.
#[derive(Debug)]
pub enum Order {
    /// Of a call.
    Call(Request),
    /// This phone was paired and written down: let it register.
    Pair(Box<PairedPhone>),
    /// The phone with this user was taken away.
    Unpair(String),
    /// Start the box anew when no call is up.
    Restart,
}

/// Why the page could not be started.
#[derive(Debug)]
pub enum Error {
    /// The address is taken or not ours.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A thread or a socket could not be made.
    Start(io::Error),
    /// The password could not be hashed, or there is no randomness.
    Password,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, cause } => write!(f, "the page cannot listen on {address}: {cause}"),
            Self::Start(cause) => write!(f, "the page cannot be started: {cause}"),
            Self::Password => {
                write!(f, "the page's password cannot be prepared: the system gives no random numbers")
            }
        }
    }
}

impl core::error::Error for Error {}

/// The running page. Dropping it stops it.
pub struct Web {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What claims the page, while nobody has it: to be shown to the owner.
    pub claim_code: Option<String>,
    /// What could not be had, in plain words.
    pub troubles: Vec<String>,
    stop: watch::Sender<bool>,
    stage: stage::Stage,
    gate: Option<JoinHandle<()>>,
}

/// All that the workers share.
struct Site {
    store: Option<Store>,
    studio: Studio,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    requests: mpsc::Sender<Ask>,
    counters: Option<Arc<Counters>>,
    stop: watch::Receiver<bool>,
    streams: events::Streams,
    journal: Journal,
    tokens: Mutex<Vec<AppToken>>,
    rates: Mutex<Rates>,
    /// Of calls that programs place.
    calls: Mutex<Rates>,
    mcp: mcp::Mcp,
    settings: settings::Settings,
    data: Option<PathBuf>,
    updates: Option<Updates>,
    /// Held while a backup is made or taken in.
    sealing: Mutex<()>,
    /// Locked to be read or replaced; checking one takes a copy.
    password: Mutex<Option<Arc<Password>>>,
    /// The hash of the configuration's, whether or not it counts.
    of_file: Option<String>,
    claims: watch::Receiver<Option<Claim>>,
    /// Held while somebody claims the page.
    claiming: Mutex<()>,
    /// Locked for the length of a look-up only.
    doors: Mutex<Doors>,
    /// Cookies are shared by all ports of a host: each box has a name of its own.
    cookie: String,
    /// What is said of cookies: they go over an encrypted page alone, where it is one.
    secure: &'static str,
    secret: String,
    port: u16,
    house: House,
    pairing: Mutex<phones::Pairing>,
    board: Front,
    elsewhere: Elsewhere,
    parts: Parts,
}

/// What changes with logins.
#[derive(Default)]
struct Doors {
    logins: Logins,
    back_off: BackOff,
    one_use_token: Option<String>,
    /// The claim by the button that was used.
    claimed: Option<Instant>,
    /// The one that has taken the old password away.
    forgotten: Option<Instant>,
    /// The code that claims the page.
    code: Option<claim::Code>,
}

/// Starts the page. Without a store there is no history, and a password that is chosen lasts until the next start.
///
/// # Errors
/// The address is taken, or the system gives no threads, sockets or random numbers.
pub fn start(
    config: Config,
    store: Option<Store>,
    studio: Studio,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    requests: mpsc::Sender<Ask>,
    journal: Journal,
) -> Result<Web, Error> {
    let Bound { socket: listener, why, .. } = open(&config)?;
    let addr = listener.local_addr().map_err(Error::Start)?;
    let wanted = config.listen;
    let why = why.map(|why| format!("the page is not at {wanted} as web.listen says, but at {addr}: {why}"));
    let (password, of_file) = claim::find(config.password.as_deref(), store.as_ref())?;
    let claim_code = match password {
        Some(_) => None,
        None => Some(login::claim_code().map_err(|_| Error::Password)?),
    };
    let (console, trouble) = match config.console.map(console::Console::open).transpose() {
        Ok(console) => (console, None),
        Err(why) => (None, Some(why)),
    };
    let (stop, stopped) = watch::channel(false);
    let secret = login::token().map_err(|_| Error::Password)?;
    let code = claim_code.clone().map(|plain| claim::Code { plain, until: None });
    let mut doors = Doors { one_use_token: config.one_use_token, code, ..Doors::default() };
    let mut tokens = store.as_ref().map(|store| store.tokens().unwrap_or_default()).unwrap_or_default();
    tokens.extend(config.app_token.as_deref().map(access::of_this_run));
    if let Some(store) = &store {
        doors.logins.restore(clock::now(), login::kept(store));
    }
    let site = Arc::new(Site {
        mcp: mcp::Mcp::new(store.as_ref()),
        store,
        studio,
        snapshot,
        requests,
        counters: config.counters,
        stop: stopped.clone(),
        streams: events::Streams::default(),
        journal,
        tokens: Mutex::new(tokens),
        rates: Mutex::new(Rates::of_requests()),
        calls: Mutex::new(Rates::new(WEB_CALLS_A_MINUTE, Duration::from_secs(60) / WEB_CALLS_A_MINUTE)),
        settings: settings::Settings::of(config.file, config.updates.clone()),
        data: config.data,
        updates: config.updates,
        sealing: Mutex::default(),
        password: Mutex::new(password.map(Arc::new)),
        of_file,
        claims: config.claims,
        claiming: Mutex::default(),
        doors: Mutex::new(doors),
        cookie: format!("hold-slayer-{}", addr.port()),
        secure: if config.tls.is_some() { "; Secure" } else { "" },
        secret: secret.clone(),
        port: addr.port(),
        house: config.house,
        pairing: Mutex::default(),
        board: config.board,
        elsewhere: config.elsewhere,
        parts: config.parts,
    });
    let name = format!("hold-slayer-{}", login::token().map_err(|_| Error::Password)?);
    let (keeper, pressed) = (Arc::clone(&site), Arc::clone(&site));
    let updates = site.updates.as_ref().map(|updates| updates.folder.clone());
    let play: stage::Play = Arc::new(move |request| visit::answer(&site, request));
    let stage = stage::Stage::start(&name, play, stopped.clone())?;
    let gate = gate::Gate {
        names: config.names.iter().map(|name| name.to_ascii_lowercase()).collect(),
        secret,
        behind: stage.address(),
        patience: config.patience,
        may_upload: Box::new(move |keys, scope| keeper.may_upload(keys, scope)),
        uploads: tokio::sync::Semaphore::new(1),
        updates,
    };
    let gate = open_gate(gate, pressed, (listener, config.tls), console, stopped)?;
    let troubles = trouble.into_iter().chain(why).collect();
    Ok(Web { addr, claim_code, troubles, stop, stage, gate: Some(gate) })
}

fn open(config: &Config) -> Result<Bound<TcpListener>, Error> {
    let bound = match listen(config.listen, PAGE_PORT, TcpListener::bind) {
        Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => {
            let taken = format!("port {} is taken by another program", config.listen.port());
            let free = SocketAddr::new(config.listen.ip(), 0);
            let bound = listen(free, PAGE_PORT, TcpListener::bind);
            bound.map(|bound| Bound { why: (!config.any_port).then_some(taken), ..bound })
        }
        bound => bound,
    };
    bound.map_err(|cause| Error::Listen { address: config.listen, cause })
}

fn open_gate(
    gate: gate::Gate,
    pressed: Arc<Site>,
    (listener, tls): (TcpListener, Option<TlsAcceptor>),
    console: Option<console::Console>,
    stop: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, Error> {
    listener.set_nonblocking(true).map_err(Error::Start)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
    let run = move || {
        runtime.block_on(async {
            let gate = Arc::new(gate);
            let doors = [
                tokio::net::TcpListener::from_std(listener).map(|door| Some(gate::Door::Network(door, tls))),
                console.as_ref().map(console::Console::listener).transpose(),
            ];
            let mut open = tokio::task::JoinSet::new();
            open.spawn(claim::obey(pressed, stop.clone()));
            for door in doors {
                match door {
                    Ok(Some(door)) => drop(open.spawn(gate::run(Arc::clone(&gate), door, stop.clone()))),
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "a socket of the page cannot be used"),
                }
            }
            open.join_all().await;
        });
    };
    std::thread::Builder::new().name("web-gate".into()).spawn(run).map_err(Error::Start)
}

impl Web {
    /// Stops listening, ends the event streams and waits for the workers.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(gate) = self.gate.take() {
            let _ = gate.join();
        }
        self.stage.interrupt();
        self.stage.join();
    }
}
