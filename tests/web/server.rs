//! A running page with made-up calls, and a client that writes exactly what it is told.

use hold_slayer::call::{
    By, CallView, Decision, Errand, Figures, Outcome, PeerView, Phase, Record, Request, Snapshot, Span,
    StreamView, Utterance,
};
use hold_slayer::dsp::tone::Country;
use hold_slayer::listen::evidence::Term;
use hold_slayer::listen::{Sound, Weighs};
use hold_slayer::media;
use hold_slayer::media::thread::{self, UdpPorts};
use hold_slayer::phone::dial::Codes;
use hold_slayer::rtp::report::{Far, Quality};
use hold_slayer::store::Store;
use hold_slayer::studio::{self, Archive, Format, Sides, Studio};
use hold_slayer::trunk::number::Numbering;
use hold_slayer::units::{CallId, Wall};
use hold_slayer::web::{Ask, Config, House, Journal, Order, Parts, Patience, Web, start};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// May do everything.
pub const TOKEN: &str = "hs_test";
pub const PASSWORD: &str = "correct-horse";
/// Longer than anything here takes: a hang is a failure.
pub const SOON: Duration = Duration::from_secs(20);

/// A page with its surroundings; all goes when it is dropped.
pub struct Server {
    pub web: Web,
    pub snapshot: watch::Sender<Arc<Snapshot>>,
    pub store: Option<Store>,
    pub journal: Journal,
    pub dir: PathBuf,
}

pub fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        any_port: false,
        password: Some(PASSWORD.into()),
        names: vec!["Phone.Example".into()],
        one_use_token: None,
        app_token: Some(TOKEN.into()),
        file: None,
        data: None,
        updates: None,
        tls: None,
        counters: None,
        patience: Patience {
            head: Duration::from_millis(300),
            body: Duration::from_millis(300),
            ..Patience::default()
        },
        house: House {
            ip: watch::channel("192.0.2.20".parse().unwrap()).1,
            sip_port: 5062,
            emergency: vec!["911".into()],
            numbering: Numbering::of("us"),
            codes: Codes::default(),
            speech: None,
        },
        claims: watch::channel(None).1,
        board: Default::default(),
        elsewhere: Default::default(),
        console: None,
        parts: Parts {
            button: true,
            lamp: false,
            handset: Some("on the box".into()),
            phones: vec!["kitchen".into()],
            folder: std::env::temp_dir(),
        },
    }
}

/// A studio for the recordings in a folder, without a call in it.
pub fn studio(dir: &Path) -> Studio {
    let media = media::Config {
        ports: 1,
        country: Country::by_code("us").unwrap(),
        sounds: Vec::new(),
        wideband: false,
        studio_frames: 10,
    };
    let udp_ports = UdpPorts::Any;
    let bind = std::net::Ipv4Addr::LOCALHOST.into();
    let media =
        thread::start(&thread::Config { media, bind, udp_ports, real_time: false, core: None }).unwrap();
    let (keep, most, spare) = (Duration::from_secs(3600), u64::MAX, 0);
    let config =
        studio::Config { sides: Sides::Stereo, format: Format::Wav, keep, most, spare, clips: false };
    let started = studio::start(media.studio, Archive::new(dir), config).unwrap();
    started.studio
}

impl Server {
    pub fn new() -> Self {
        Self::with(config())
    }

    /// Calls 1 to 9 exist; 9 is up. Whoever asks for call 404 is refused.
    pub fn with(config: Config) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("hold-slayer-web-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let (store, _) = Store::open(&dir).unwrap();
        (1..=9).for_each(|id| store.put(&record(id)).unwrap());
        assert!(store.flush(SOON));
        let (requests, mut asked) = mpsc::channel::<Ask>(4);
        let kept = store.clone();
        std::thread::spawn(move || {
            while let Some(ask) = asked.blocking_recv() {
                let (mut placed, mut would) = (None, false);
                let mut order = ask.order;
                while let Order::Call(Request::Through(_, inner) | Request::Would(inner)) = &order {
                    would |= matches!(order, Order::Call(Request::Would(_)));
                    order = Order::Call(*inner.clone());
                }
                let refused = match &order {
                    Order::Call(Request::Connect(number) | Request::Errand(Errand::Call(number, _))) => {
                        placed = Some(CallId(10)).filter(|_| !would);
                        number == "911"
                    }
                    Order::Call(Request::Greeting(own)) => kept.put_greeting(own.as_deref()).is_err(),
                    Order::Call(request) => {
                        matches!(request, Request::HangUp(CallId(404)) | Request::HoldNow(None))
                    }
                    Order::Pair(phone) => phone.name == "Taken",
                    Order::Unpair(_) | Order::Restart => false,
                };
                let answer =
                    if refused { Err("No such call is up: <it> ended.".to_string()) } else { Ok(placed) };
                let _ = ask.answer.send(answer);
            }
        });
        let (snapshot, seen) = watch::channel(Arc::new(Snapshot::default()));
        let journal = Journal::default();
        let web = start(config, Some(store.clone()), studio(&dir), seen, requests, journal.clone()).unwrap();
        Self { web, snapshot, store: Some(store), journal, dir }
    }

    /// The page of the same box after a restart. This one keeps the store, and so must live longer.
    pub fn again(&self, config: Config) -> Self {
        let (snapshot, seen) = watch::channel(Arc::new(Snapshot::default()));
        let (requests, journal) = (mpsc::channel(4).0, Journal::default());
        let dir = self.dir.join("again");
        std::fs::create_dir_all(&dir).unwrap();
        let web = start(config, self.store.clone(), studio(&dir), seen, requests, journal.clone()).unwrap();
        Self { web, snapshot, store: None, journal, dir }
    }

    pub fn addr(&self) -> SocketAddr {
        self.web.addr
    }

    pub fn connect(&self) -> TcpStream {
        connect(self.addr())
    }

    /// Sends these bytes and reads to the end.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect();
        // The gate may answer and close before all is written.
        let _ = stream.write_all(bytes.as_ref());
        Reply::read(stream)
    }

    pub fn get(&self, path: &str, cookie: &str) -> Reply {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", self.addr()))
    }

    pub fn post(&self, path: &str, cookie: &str, fields: &str, body: &str) -> Reply {
        self.raw(format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            self.addr(),
            body.len()
        ))
    }

    /// As a program asks.
    pub fn ask(&self, path: &str) -> Reply {
        self.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
            self.addr()
        ))
    }

    /// As a program acts, with this token.
    pub fn order(&self, path: &str, token: &str, body: &str) -> Reply {
        let fields = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        self.post(path, "", &fields, body)
    }

    /// As `log_in`, after the page was claimed with the code.
    pub fn let_in(&self) -> (String, String) {
        let code = self.web.claim_code.as_deref().unwrap();
        let reply = self.post("/claim", "", "", &format!("code={code}&password={PASSWORD}"));
        assert_eq!(reply.status, 303, "{}", reply.text);
        self.log_in()
    }

    /// Logs in; returns the cookie and the token of the forms.
    pub fn log_in(&self) -> (String, String) {
        self.log_in_with(PASSWORD)
    }

    pub fn log_in_with(&self, password: &str) -> (String, String) {
        let reply = self.post("/login", "", "", &format!("password={password}"));
        assert_eq!(reply.status, 303, "{}", reply.text);
        let cookie = reply.field("set-cookie").unwrap().split(';').next().unwrap().to_string();
        let page = self.get("/", &cookie);
        assert_eq!(page.status, 200, "{}", page.text);
        let token = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        (cookie, token.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            store.stop(SOON);
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    stream
}

/// A response as it came.
pub struct Reply {
    /// Zero if the connection ended without one.
    pub status: u16,
    pub text: String,
}

impl Reply {
    pub fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        if let Err(error) = stream.read_to_end(&mut bytes) {
            assert!(error.kind() == std::io::ErrorKind::ConnectionReset, "{error}");
        }
        let text = String::from_utf8(bytes).unwrap();
        let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Self { status, text }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.body()).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

/// 2026-11-22 14:00 UTC.
pub const TWO_O_CLOCK: u64 = 1_795_356_000_000;

pub fn record(id: u64) -> Record {
    let started = TWO_O_CLOCK - (9 - id) * 7 * 3_600_000;
    let ms = |ms: u64| Some(Wall(started + ms));
    let sounds: &[(u64, Sound)] = &[
        (900, Sound::Ringback),
        (6_200, Sound::Announcement),
        (31_000, Sound::Dtmf),
        (32_000, Sound::Silence),
        (36_000, Sound::Music),
        (156_000, Sound::Announcement),
        (171_000, Sound::Music),
        (395_000, Sound::Announcement),
        (411_000, Sound::Music),
        (844_000, Sound::Ringback),
        (851_000, Sound::Speech),
    ];
    let decisions = [
        (38_000, "hold", "the owner pressed ** in the call"),
        (
            395_400,
            "greet",
            "speech not heard before for 1.2 s, unlike the recorded voices of this call (+0.9)",
        ),
        (397_900, "wait on", "spoke on through our greeting"),
        (
            852_300,
            "greet",
            "speech not heard before, ended after 2.1 s and the line waits (+1.9), after a phone rang (+1.5)",
        ),
        (
            854_700,
            "ring",
            "stopped for our greeting and answered it (+3.0): speech not heard before, sounds live (+0.6)",
        ),
        (861_000, "join", "the owner answered"),
    ];
    let outcomes = [
        Outcome::Slain,
        Outcome::Talked,
        Outcome::CompanyHungUp,
        Outcome::Busy,
        Outcome::NoAnswer,
        Outcome::Slain,
        Outcome::Interrupted,
        Outcome::AgentLost,
        Outcome::Up,
    ];
    let outcome = outcomes[(id as usize - 1) % 9];
    let held = matches!(outcome, Outcome::Slain | Outcome::CompanyHungUp | Outcome::AgentLost | Outcome::Up);
    Record {
        id: CallId(id),
        outgoing: id % 4 != 2,
        number: if id == 2 { String::new() } else { format!("0800 330 {}", 1000 + id * 37) },
        started: Wall(started),
        answered: ms(6_200).filter(|_| held),
        ended: ms(1_260_000).filter(|_| outcome != Outcome::Up && outcome != Outcome::Interrupted),
        outcome,
        held_ms: if held { 823_000 } else { 0 },
        hold_started: ms(38_000).filter(|_| held),
        heard: sounds
            .iter()
            .filter(|_| held)
            .map(|&(at_ms, sound)| Span { at_ms, sound, confidence: 0.93 })
            .collect(),
        figures: Figures {
            attempt: if held { 2 } else { 1 },
            waited_ms: held.then_some(815_000),
            cents: held.then_some(123.4),
            ..Figures::default()
        },
        said: (id == 1)
            .then(|| Utterance { at_ms: 41_000, by: By::Line, text: "Thank you for holding.".into() })
            .into_iter()
            .collect(),
        decisions: decisions
            .iter()
            .filter(|_| held)
            .map(|&(at_ms, what, reason)| Decision { at_ms, what: what.into(), reason: reason.into() })
            .collect(),
    }
}

fn weighs() -> Weighs {
    let terms = [("prior", -0.8), ("waits", 1.4), ("live", 0.0), ("phone rang", 1.5)];
    let terms = terms.into_iter().map(|(name, nats)| Term { name, nats }).collect();
    Weighs { sum: 2.1, rings_at: -0.6, terms }
}

/// A call as it stands `minutes` after it began.
pub fn view(id: u64, phase: Phase, now: Wall, minutes: u64) -> CallView {
    let started = now.0 - minutes * 60_000;
    let waits = matches!(phase, Phase::Holding | Phase::Greeting | Phase::Ringing | Phase::Confirming);
    let sound = match phase {
        Phase::Greeting | Phase::Ringing => Sound::Speech,
        Phase::Dialing => Sound::Ringback,
        _ => Sound::Music,
    };
    let mut heard: Vec<(u64, Sound)> = record(9)
        .heard
        .iter()
        .map(|s| (s.at_ms, s.sound))
        .filter(|h| h.0 > 30_000 && h.0 < 840_000)
        .collect();
    heard.push((minutes * 60_000 - 4_000, sound));
    heard.retain(|h| h.0 < minutes * 60_000);
    CallView {
        captions: Vec::new(),
        id: CallId(id),
        outgoing: phase != Phase::Incoming,
        number: "0800 330 1000".into(),
        phase,
        started: Wall(started),
        hold_started: waits.then_some(Wall(started + 38_000)),
        ends_at: None,
        usual_wait_ms: None,
        queue: None,
        sound: waits.then_some(sound),
        heard: if waits { heard } else { Vec::new() },
        recording: false,
        may_listen: false,
        found: false,
        weighs: (phase == Phase::Holding).then(weighs),
        last: if waits { "wait on: spoke on through our greeting".into() } else { String::new() },
        streams: vec![StreamView {
            trunk: true,
            quality: Quality {
                received: 980,
                lost: 20,
                jitter_us: 3_400,
                far: Some(Far { round_trip_us: Some(42_000), ..Far::default() }),
                ..Quality::default()
            },
        }],
        line_encrypted: false,
        phones_encrypted: false,
    }
}

pub fn peer(name: &str, up: bool, status: &str) -> PeerView {
    PeerView { name: name.into(), up, status: status.into(), registration: Default::default() }
}

pub fn snapshot(calls: Vec<CallView>) -> Snapshot {
    Snapshot {
        calls,
        trunks: vec![peer("sipgate", true, "registered, to be renewed within 5 min")],
        phones: vec![peer("kitchen", true, "registered from 192.168.1.23:5060")],
        ..Snapshot::default()
    }
}
