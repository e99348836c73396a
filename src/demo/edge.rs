//! The far ends' sockets, the clock and the terminal. Company and phone live on loopback addresses of their own, because
//! the box tells its peers apart by address.

use super::endpoint::Setup;
use super::scenario::Scenario;
use super::story::Story;
use super::{Company, Fact, Narration, NetInput, NetOutput, Phone, Who};
use crate::call::Snapshot;
use crate::clock;
use crate::sip::{AccountKind, Hop, Upstream};
use crate::units::{Codec, Instant};
use core::time::Duration;
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::watch;

const PHONE_HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const COMPANY_HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
/// No story is longer; a box that hangs fails it.
const LONGEST: Duration = Duration::from_secs(240);
/// After the last call has ended: time for a late ring.
const AFTERWARDS: Duration = Duration::from_millis(1_500);
/// A box that still sees a call this long after the company's last has lost it.
const LOST: Duration = Duration::from_secs(8);
/// Largest datagram of either protocol here.
const DATAGRAM: usize = 16 * 1024;

/// What the box must be told: a trunk to register at, and a phone that registers.
#[derive(Clone, Debug)]
pub struct Site {
    /// The provider's SIP address; the box registers there with the two below.
    pub trunk: SocketAddr,
    /// Trunk user, also its digest user.
    pub trunk_user: String,
    /// Trunk password.
    pub trunk_secret: String,
    /// The phone's user name at the box.
    pub phone_user: String,
    /// Its password.
    pub phone_secret: String,
}

/// What the box shows of itself. It must run on 127.0.0.1.
pub struct Shown {
    /// Its SIP address.
    pub sip: SocketAddr,
    /// Its state, as the page has it.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
}

/// The far ends' sockets and their story, ready to begin.
pub struct Stage {
    scenario: Scenario,
    company: Ports,
    phone: Ports,
    site: Site,
    seed: u64,
}

struct Ports {
    sip: UdpSocket,
    rtp: UdpSocket,
    sip_addr: SocketAddr,
    rtp_addr: SocketAddr,
}

impl Ports {
    async fn open(host: IpAddr) -> io::Result<Self> {
        let (sip, rtp) = (UdpSocket::bind((host, 0)).await?, UdpSocket::bind((host, 0)).await?);
        let (sip_addr, rtp_addr) = (sip.local_addr()?, rtp.local_addr()?);
        Ok(Self { sip, rtp, sip_addr, rtp_addr })
    }

    fn setup(&self, account: AccountKind, seed: u64) -> Setup {
        Setup {
            sip: self.sip_addr,
            rtp: self.rtp_addr,
            account,
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            srtp: crate::sip::Srtp::Off,
            seed,
        }
    }

    /// Sends, or leaves it to the protocol to notice that nothing came. Hands back what is for the story.
    async fn send(&self, output: NetOutput) -> Option<Narration> {
        let _ = match output {
            NetOutput::Sip { to, bytes } => self.sip.send_to(&bytes, to).await,
            NetOutput::Rtp { to, bytes } => self.rtp.send_to(&bytes, to).await,
            NetOutput::Said(narration) => return Some(narration),
        };
        None
    }
}

/// What woke the show.
enum Woken {
    CompanySip(SocketAddr, usize),
    CompanyRtp(SocketAddr, usize),
    PhoneSip(SocketAddr, usize),
    PhoneRtp(SocketAddr, usize),
    Snapshot,
    Time,
}

impl Stage {
    /// Opens the far ends' sockets on free ports. `seed` makes their tags, passwords and SSRCs.
    ///
    /// # Errors
    /// No loopback addresses or no free ports.
    pub async fn open(scenario: Scenario, seed: u64) -> io::Result<Self> {
        let (company, phone) = (Ports::open(COMPANY_HOST).await?, Ports::open(PHONE_HOST).await?);
        let site = Site {
            trunk: company.sip_addr,
            trunk_user: "household".into(),
            trunk_secret: format!("trunk-{seed:016x}"),
            phone_user: "phone".into(),
            phone_secret: format!("phone-{:016x}", seed.rotate_left(17)),
        };
        Ok(Self { scenario, company, phone, site, seed })
    }

    /// What the box must be told.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Plays the story to its end, telling it on `out`, with a `live` line of state below if that is a terminal. Hands
    /// back what the far ends did and saw.
    pub async fn play(self, mut shown: Shown, live: bool, out: &mut impl Write) -> Vec<Narration> {
        let mut show = Show::begin(&self, &shown, live && io::stdout().is_terminal());
        let mut bufs = Box::new([[0u8; DATAGRAM]; 4]);
        while show.goes_on(&shown) {
            let woken = self.wait(&show, &mut shown, &mut bufs).await;
            show.take(&woken, &bufs);
            show.drain(&self, out).await;
            show.tell_changes(&mut shown, out);
        }
        show.print("", out);
        show.said
    }

    async fn wait(&self, show: &Show, shown: &mut Shown, bufs: &mut [[u8; DATAGRAM]; 4]) -> Woken {
        let [a, b, c, d] = bufs;
        // A socket error on loopback (a port closed by the other side) is like no datagram: wait on.
        tokio::select! {
            Ok((n, from)) = self.company.sip.recv_from(a) => Woken::CompanySip(from, n),
            Ok((n, from)) = self.company.rtp.recv_from(b) => Woken::CompanyRtp(from, n),
            Ok((n, from)) = self.phone.sip.recv_from(c) => Woken::PhoneSip(from, n),
            Ok((n, from)) = self.phone.rtp.recv_from(d) => Woken::PhoneRtp(from, n),
            Ok(()) = shown.snapshot.changed() => Woken::Snapshot,
            () = tokio::time::sleep_until(clock::std_instant(show.deadline()).into()) => Woken::Time,
        }
    }
}

/// A story under way.
struct Show {
    company: Company,
    phone: Phone,
    story: Story,
    said: Vec<Narration>,
    began: Instant,
    /// Since when there has been no call, after the first.
    over: Option<Instant>,
    live: bool,
}

impl Show {
    fn begin(stage: &Stage, shown: &Shown, live: bool) -> Self {
        let site = &stage.site;
        let customer =
            AccountKind::RegistersHere { user: site.trunk_user.clone(), secret: site.trunk_secret.clone() };
        let provider = AccountKind::RegisterAt(Upstream {
            addr: Hop::udp(shown.sip),
            domain: shown.sip.ip().to_string(),
            user: site.phone_user.clone(),
            auth_user: site.phone_user.clone(),
            secret: site.phone_secret.clone(),
            realm: None,
            expires: Duration::from_secs(300),
        });
        let now = clock::now();
        Self {
            company: Company::new(stage.company.setup(customer, stage.seed), stage.scenario.desks.clone()),
            phone: Phone::new(stage.phone.setup(provider, !stage.seed), true, stage.scenario.owner.clone()),
            story: Story::new(now),
            said: Vec::new(),
            began: now,
            over: None,
            live,
        }
    }

    fn deadline(&self) -> Instant {
        let second = clock::now() + Duration::from_millis(500);
        self.company.deadline().into_iter().chain(self.phone.deadline()).fold(second, Instant::min)
    }

    fn take(&mut self, woken: &Woken, bufs: &[[u8; DATAGRAM]; 4]) {
        let now = clock::now();
        let [a, b, c, d] = bufs;
        match *woken {
            Woken::CompanySip(from, n) => self.company.handle(now, NetInput::Sip { from, bytes: head(a, n) }),
            Woken::CompanyRtp(from, n) => self.company.handle(now, NetInput::Rtp { from, bytes: head(b, n) }),
            Woken::PhoneSip(from, n) => self.phone.handle(now, NetInput::Sip { from, bytes: head(c, n) }),
            Woken::PhoneRtp(from, n) => self.phone.handle(now, NetInput::Rtp { from, bytes: head(d, n) }),
            Woken::Snapshot | Woken::Time => {}
        }
        if self.company.deadline().is_some_and(|at| at <= now) {
            self.company.handle(now, NetInput::Timeout);
        }
        if self.phone.deadline().is_some_and(|at| at <= now) {
            self.phone.handle(now, NetInput::Timeout);
        }
    }

    async fn drain(&mut self, stage: &Stage, out: &mut impl Write) {
        while let Some(output) = self.company.poll() {
            let told = stage.company.send(output).await;
            self.tell(told, out);
        }
        while let Some(output) = self.phone.poll() {
            let told = stage.phone.send(output).await;
            self.tell(told, out);
        }
    }

    fn tell(&mut self, told: Option<Narration>, out: &mut impl Write) {
        if let Some(narration) = told {
            self.print(&self.story.line(&narration), out);
            self.said.push(narration);
        }
    }

    fn tell_changes(&mut self, shown: &mut Shown, out: &mut impl Write) {
        let snapshot = shown.snapshot.borrow_and_update().clone();
        for line in self.story.changes(clock::now(), &snapshot) {
            self.print(&line, out);
        }
        if self.live {
            let state = self.story.state(clock::now(), clock::wall(), &snapshot);
            let _ = write!(out, "\r\x1b[2K\x1b[7m {state} \x1b[0m");
            let _ = out.flush();
        }
    }

    fn print(&self, line: &str, out: &mut impl Write) {
        let clear = if self.live { "\r\x1b[2K" } else { "" };
        let _ = writeln!(out, "{clear}{line}");
        let _ = out.flush();
    }

    /// Until neither the company nor the box has had a call for a while, and none is to be dialled again.
    fn goes_on(&mut self, shown: &Shown) -> bool {
        let now = clock::now();
        let called = self.said.iter().any(|n| n.who == Who::Company && matches!(n.fact, Fact::Called { .. }));
        let again = !shown.snapshot.borrow().redials.is_empty();
        let idle = called && self.company.calls() == 0 && !again;
        self.over = if idle { self.over.or(Some(now)) } else { None };
        let enough = if shown.snapshot.borrow().calls.is_empty() { AFTERWARDS } else { LOST };
        self.over.is_none_or(|since| now.since(since) < enough) && now.since(self.began) < LONGEST
    }
}

fn head(buf: &[u8; DATAGRAM], n: usize) -> &[u8] {
    buf.get(..n).unwrap_or_default()
}
