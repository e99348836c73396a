//! The company and the phones: the demo's machines, each on a thread with sockets of its own.

use core::time::Duration;
use hold_slayer::clock;
use hold_slayer::demo::company::{Desk, Step as At};
use hold_slayer::demo::endpoint::Setup;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Company, Fact, Narration, NetInput, NetOutput, Phone};
use hold_slayer::sip::{AccountKind, Caller, Hop, Upstream};
use hold_slayer::units::{Codec, Instant};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Longer than anything here takes, on a busy machine: what has not happened by then never will.
pub const SOON: Duration = Duration::from_secs(30);
pub const SECRET: &str = "the right one";

/// Loopback addresses of one test: nobody else on this machine has them, so that ports on them are free.
#[derive(Clone, Copy)]
pub struct Net(u8);

impl Net {
    pub fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// 1 is the box, 2 the company, 3 and more are phones and strangers.
    pub fn host(self, n: u8) -> IpAddr {
        let [.., high, low] = std::process::id().to_be_bytes();
        Ipv4Addr::new(127, 64 | (high & 63), low, self.0 * 8 + n).into()
    }

    pub fn sip(self) -> SocketAddr {
        SocketAddr::new(self.host(1), 5060)
    }

    pub fn page(self) -> SocketAddr {
        SocketAddr::new(self.host(1), 8080)
    }

    /// Where the company is.
    pub fn trunk(self) -> SocketAddr {
        SocketAddr::new(self.host(2), 5060)
    }
}

enum Machine {
    Company(Company),
    Phone(Phone),
}

impl Machine {
    fn handle(&mut self, now: Instant, input: NetInput<'_>) {
        match self {
            Self::Company(company) => company.handle(now, input),
            Self::Phone(phone) => phone.handle(now, input),
        }
    }

    fn poll(&mut self) -> Option<NetOutput> {
        match self {
            Self::Company(company) => company.poll(),
            Self::Phone(phone) => phone.poll(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Company(company) => company.deadline(),
            Self::Phone(phone) => phone.deadline(),
        }
    }
}

/// What a far end has seen so far, and the longest waits within a call.
#[derive(Default)]
struct Seen {
    story: Mutex<Vec<Narration>>,
    news: Condvar,
    /// Between two packets of the box, by the kernel's time.
    heard: Gap,
    /// Between two packets of its own.
    sent: Gap,
}

/// The longest time between two things in a row, µs.
#[derive(Default)]
struct Gap {
    longest: AtomicU64,
    last: AtomicU64,
}

impl Gap {
    /// One more, at this time.
    fn see(&self, at_us: u64) {
        let last = self.last.swap(at_us, Ordering::Relaxed);
        if last > 0 {
            self.longest.fetch_max(at_us.saturating_sub(last), Ordering::Relaxed);
        }
    }

    /// The next one is the first.
    fn pause(&self) {
        self.last.store(0, Ordering::Relaxed);
    }

    fn longest(&self) -> Duration {
        Duration::from_micros(self.longest.load(Ordering::Relaxed))
    }
}

/// A far end; it vanishes without a word when it is dropped.
pub struct Far {
    seen: Arc<Seen>,
    calls: Option<mpsc::Sender<Vec<At>>>,
    thread: Option<JoinHandle<()>>,
}

impl Far {
    /// The provider, with one company behind it on every number.
    pub fn company(net: Net, script: Vec<At>) -> Self {
        let account = AccountKind::RegistersHere { user: "house".into(), secret: SECRET.into() };
        let desks = vec![Desk { number: String::new(), script }];
        Self::start(net.host(2), account, move |setup| Machine::Company(Company::new(setup, desks)))
    }

    /// The phone called `hall`, or one that pretends to be it.
    pub fn phone(net: Net, host: u8, secret: &str, script: Vec<Owner>) -> Self {
        Self::phone_of(net, host, ("hall", secret), script)
    }

    /// The phone with this user and secret.
    pub fn phone_of(net: Net, host: u8, (user, secret): (&str, &str), script: Vec<Owner>) -> Self {
        let account = AccountKind::RegisterAt(Upstream {
            addr: Hop::udp(net.sip()),
            domain: net.sip().ip().to_string(),
            user: user.into(),
            auth_user: user.into(),
            secret: secret.into(),
            realm: None,
            expires: Duration::from_secs(300),
        });
        Self::start(net.host(host), account, move |setup| Machine::Phone(Phone::new(setup, false, script)))
    }

    fn start(
        host: IpAddr,
        account: AccountKind,
        make: impl FnOnce(Setup) -> Machine + Send + 'static,
    ) -> Self {
        let (sip, rtp) = (SocketAddr::new(host, 5060), SocketAddr::new(host, 4000));
        let setup = Setup {
            sip,
            rtp,
            account,
            codecs: vec![Codec::Pcmu],
            srtp: hold_slayer::sip::Srtp::Off,
            seed: u64::from(sip.port()),
        };
        let seen = Arc::new(Seen::default());
        let (calls, orders) = mpsc::channel(4);
        let told = Arc::clone(&seen);
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let sockets = (UdpSocket::bind(sip).await.unwrap(), UdpSocket::bind(rtp).await.unwrap());
                live(make(setup), sockets, orders, &told).await;
            });
        };
        Self { seen, calls: Some(calls), thread: Some(std::thread::spawn(run)) }
    }

    /// The company calls the house.
    pub fn call(&self, script: Vec<At>) {
        self.calls.as_ref().unwrap().blocking_send(script).unwrap();
    }

    /// Waits until this has been seen, from the `from`-th thing on; returns the number of things seen until then.
    pub fn wait(&self, from: usize, what: &str, fact: impl Fn(&Fact) -> bool) -> usize {
        let found = |story: &Vec<Narration>| story.iter().skip(from).position(|n| fact(&n.fact));
        let story = self.seen.story.lock().unwrap();
        let (story, _) =
            self.seen.news.wait_timeout_while(story, SOON, |story| found(story).is_none()).unwrap();
        let tale = || story.iter().map(|n| format!("{:>8} ms {n}\n", n.at.as_millis())).collect::<String>();
        from + 1 + found(&story).unwrap_or_else(|| panic!("never: {what}\n{}", tale()))
    }

    /// How many things were seen until now.
    pub fn now(&self) -> usize {
        self.seen.story.lock().unwrap().len()
    }

    pub fn count(&self, fact: impl Fn(&Fact) -> bool) -> usize {
        self.seen.story.lock().unwrap().iter().filter(|n| fact(&n.fact)).count()
    }

    /// The longest wait for a packet of the box within a call.
    pub fn worst_gap(&self) -> Duration {
        self.seen.heard.longest()
    }

    /// The longest wait between two packets that it sent itself: what the machine's load does without the box.
    pub fn own_gap(&self) -> Duration {
        self.seen.sent.longest()
    }

    /// The waits are those from here on.
    pub fn forget_gaps(&self) {
        for gap in [&self.seen.heard, &self.seen.sent] {
            gap.longest.store(0, Ordering::Relaxed);
        }
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn live(
    mut machine: Machine,
    (sip, rtp): (UdpSocket, UdpSocket),
    mut orders: mpsc::Receiver<Vec<At>>,
    seen: &Seen,
) {
    let (mut a, mut b) = (vec![0; 16 * 1024], vec![0; 2048]);
    setsockopt(&rtp, sockopt::ReceiveTimestampns, &true).unwrap();
    loop {
        while let Some(output) = machine.poll() {
            // A peer that is not there is told apart by its silence.
            let _ = match output {
                NetOutput::Sip { to, bytes } => sip.send_to(&bytes, to).await,
                NetOutput::Rtp { to, bytes } => {
                    seen.sent.see(clock::now().0);
                    rtp.send_to(&bytes, to).await
                }
                NetOutput::Said(narration) => {
                    if matches!(narration.fact, Fact::Ended(_) | Fact::HangsUp) {
                        seen.heard.pause();
                        seen.sent.pause();
                    }
                    seen.story.lock().unwrap().push(narration);
                    seen.news.notify_all();
                    Ok(0)
                }
            };
        }
        let wake = machine.deadline().unwrap_or(clock::now() + SOON);
        tokio::select! {
            Ok((n, from)) = sip.recv_from(&mut a) => {
                machine.handle(clock::now(), NetInput::Sip { from, bytes: &a[..n] });
            }
            Ok((n, from, at_us)) = rtp.async_io(Interest::READABLE, || stamped(&rtp, &mut b)) => {
                seen.heard.see(at_us);
                machine.handle(clock::now(), NetInput::Rtp { from, bytes: &b[..n] });
            }
            order = orders.recv() => match (order, &mut machine) {
                (Some(script), Machine::Company(company)) => {
                    let caller = Caller { name: String::new(), number: "15550001".into(), private: false };
                    company.call(clock::now(), "15559999", caller, script);
                }
                _ => return,
            },
            () = tokio::time::sleep_until(clock::std_instant(wake).into()) => {
                machine.handle(clock::now(), NetInput::Timeout);
            }
        }
    }
}

/// A datagram's length and source, and when the kernel had it, µs.
fn stamped(socket: &UdpSocket, bytes: &mut [u8]) -> std::io::Result<(usize, SocketAddr, u64)> {
    let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut slices = [IoSliceMut::new(bytes)];
    let message =
        recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_DONTWAIT)?;
    let at = message.cmsgs()?.find_map(|field| match field {
        ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
        _ => None,
    });
    let from = message.address.unwrap();
    Ok((message.bytes, (from.ip(), from.port()).into(), at.unwrap().as_micros() as u64))
}

/// Two tones in turn: each change is heard as something new.
pub fn company_talks() -> Vec<At> {
    let turns = (0..TURNS).flat_map(|_| [At::Tone(1_200, TURN), At::Tone(1_500, TURN)]);
    [At::Answer].into_iter().chain(turns).collect()
}

pub fn owner_talks() -> Vec<Owner> {
    let dial = [Owner::Register, Owner::Dial("18005550123".into()), Owner::AwaitAnswer];
    let turns = (0..TURNS).flat_map(|_| [Owner::Tone(660, TURN), Owner::Tone(800, TURN)]);
    dial.into_iter().chain(turns).collect()
}

const TURN: Duration = Duration::from_secs(2);
/// Of each side, twice: an hour.
const TURNS: usize = 900;

/// From this moment on each side hears the other's tones change.
pub fn both_are_heard(company: &Far, phone: &Far) {
    let (at_company, at_phone) = (company.now(), phone.now());
    let tone = |fact: &Fact| matches!(fact, Fact::HearsTone(_));
    company.wait(at_company, "the company hears the owner", tone);
    phone.wait(at_phone, "the owner hears the company", tone);
}
