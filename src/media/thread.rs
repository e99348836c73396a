//! The edge of [`Media`]: sockets, a timer and a thread that waits for nothing but them.
//!
//! One epoll over all sockets, the timer of the machine's deadline and the commands' wake. One system call per packet in
//! and one per packet out: each leg has a socket of its own, so there is seldom more than one datagram in any of them for
//! `recvmmsg` to gather, and `sendmmsg` has one socket only. `io_uring` gathers over sockets, and was measured: a bare
//! forwarder of 200 calls at real-time priority, Linux 6.18, four rounds in turn, CPU in ms per call-second (median):
//! epoll 1.15, epoll with sockets neither connected nor unmarked, as here, 1.19, edge-triggered epoll 1.10, `io_uring` with
//! multishot receives, provided buffers and fixed files 1.12. Rounds differ by more than that: the time goes into the
//! kernel's path of a datagram and into waking who waits, not into system calls. So what every kernel and sandbox allows
//! stays.
//!
//! After start the thread allocates nothing, takes no lock and writes no text.

use super::inlet::Inlet;
use super::realtime::{self, Granted};
pub use super::sockets::UdpPorts;
use super::sockets::{self, Pair};
use super::{Counters, Datagram, Discard, Event, Media, MediaCommand, StudioFrame, TapFrame};
use crate::clock;
use crate::limits::MEDIA_COMMAND_RING;
use crate::units::{Instant, PortId};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// Longer than any datagram that could be RTP, so that one cut short is not taken for a whole one.
const DATAGRAM_BYTES: usize = 2048;
const STACK_BYTES: usize = 256 * 1024;
/// Happenings handled before the timer is looked at again.
const BATCH: usize = 64;
/// Names of what is not a socket among the happenings.
const TIMER: u64 = u64::MAX;
const ORDERS: u64 = u64::MAX - 1;
/// Beside the number of a port: its RTCP socket.
const CONTROL: u64 = 1 << 16;
/// The timer is readable and has to be set again, whatever the deadline: no deadline is at the beginning of time.
const WENT_OFF: Instant = Instant::ZERO;

/// What the thread is made for.
#[derive(Clone, Debug)]
pub struct Config {
    /// The machine.
    pub media: super::Config,
    /// Address of the sockets. Peers must be of the same family; every IPv6 address takes IPv4 peers as well.
    pub bind: IpAddr,
    /// Ports of the sockets.
    pub udp_ports: UdpPorts,
    /// Ask for real-time priority and locked memory.
    pub real_time: bool,
    /// With it, the core that the thread is to have for itself as far as this program goes, counted from 0.
    pub core: Option<u16>,
}

/// The running media loop, in parts that can be given to their owners.
pub struct Started {
    /// Orders go in here.
    pub control: Control,
    /// Facts come out here, for the control loop.
    pub events: Outlet<Event>,
    /// Frames come out here, for the listener.
    pub taps: Outlet<TapFrame>,
    /// Frames come out here, for the studio.
    pub studio: Outlet<StudioFrame>,
    /// What happened so far.
    pub counters: Arc<Counters>,
    /// The sockets, which the thread opens first of all. Orders may be given before.
    pub opening: Opening,
}

/// What comes of the sockets.
pub struct Opening {
    outcome: Receiver<io::Result<Opened>>,
    opened: Option<Opened>,
}

impl Opening {
    /// Waits until all are open. An error names what could not be had; the thread has ended then.
    pub fn wait(&mut self) -> io::Result<&Opened> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => self.outcome.recv().map_err(io::Error::other)??,
        };
        Ok(self.opened.insert(opened))
    }
}

/// What the thread has when it begins to turn.
pub struct Opened {
    /// The sockets of the ports, in their order.
    pub addresses: Box<[SocketAddr]>,
    /// What the operating system granted.
    pub granted: Granted,
}

/// The commands' ring is full: media has been stuck for a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the media loop does not take orders")
    }
}

impl core::error::Error for Full {}

/// The control loop's end. Dropping it stops the thread.
pub struct Control {
    orders: rtrb::Producer<MediaCommand>,
    wake: Arc<EventFd>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Control {
    /// Gives an order. Never waits.
    pub fn send(&mut self, command: MediaCommand) -> Result<(), Full> {
        self.orders.push(command).map_err(|_| Full)?;
        // The counter of an eventfd is full after 2^64 − 2 wakes that nobody saw.
        let _ = self.wake.write(1);
        Ok(())
    }

    /// Ends the thread and waits for it.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.wake.write(1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The reading end of a ring, with a file descriptor that becomes readable when something was put in.
pub struct Outlet<T> {
    ring: rtrb::Consumer<T>,
    wake: Arc<EventFd>,
}

impl<T: Copy> Outlet<T> {
    /// The next one, if there is one.
    pub fn pop(&mut self) -> Option<T> {
        self.ring.pop().ok()
    }

    /// Makes the descriptor unreadable until something more is put in. To be called before the ring is emptied by
    /// [`pop`](Self::pop), so that nothing is slept through.
    pub fn clear(&self) {
        // Nonblocking: there may be nothing to clear.
        let _ = self.wake.read();
    }

    /// Another way in to whoever [`wait`](Self::wait)s here, for so many things that are not frames.
    pub fn inlet<I>(&self, room: usize) -> (Inlet<I>, Receiver<I>) {
        Inlet::new(self.wake.clone(), room)
    }

    /// Waits, for a thread that has nothing else to wait for but its inlets. False if the time is over.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut fds = [PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        let woken = poll(&mut fds, PollTimeout::try_from(at_most).unwrap_or(PollTimeout::MAX));
        self.clear();
        woken.is_ok_and(|n| n > 0) || !self.ring.is_empty()
    }
}

/// For tokio's `AsyncFd`.
impl<T> AsFd for Outlet<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl<T> std::os::fd::AsRawFd for Outlet<T> {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.wake.as_fd().as_raw_fd()
    }
}

/// Starts the thread, which opens the sockets. An error names what could not be had.
pub fn start(config: &Config) -> io::Result<Started> {
    let (media, outlets) =
        Media::new(&config.media).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
    let (orders, order_out) = rtrb::RingBuffer::new(MEDIA_COMMAND_RING);
    let wake = || EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).map(Arc::new);
    let (order_wake, event_wake, tap_wake, studio_wake) = (wake()?, wake()?, wake()?, wake()?);
    realtime::allow_files(2 * u64::from(config.media.ports), &order_wake)?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut edge = Edge {
        epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
        timer: TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?,
        armed: None,
        patience: EpollTimeout::NONE,
        sockets: Box::default(),
        wide: config.bind.is_ipv6(),
        media,
        counters: outlets.counters.clone(),
        orders: order_out,
        order_wake: order_wake.clone(),
        event_wake: event_wake.clone(),
        tap_wake: tap_wake.clone(),
        studio_wake: studio_wake.clone(),
        stop: stop.clone(),
    };
    let (tell, outcome) = sync_channel(1);
    let Config { bind, udp_ports, real_time, core, media: super::Config { ports, .. } } = *config;
    let thread =
        std::thread::Builder::new().name("media".into()).stack_size(STACK_BYTES).spawn(move || {
            let opened = edge.open(bind, udp_ports, ports).map(|addresses| Opened {
                addresses,
                granted: if real_time { realtime::ask(core) } else { Granted::NOT_ASKED },
            });
            let runs = opened.is_ok();
            let _ = tell.send(opened);
            if runs {
                edge.run();
            }
        })?;
    if let Some(core) = core.filter(|_| real_time) {
        // If that is refused the thread still goes before the others there.
        let _ = realtime::leave(core);
    }
    Ok(Started {
        control: Control { orders, wake: order_wake, stop, thread: Some(thread) },
        events: Outlet { ring: outlets.events, wake: event_wake },
        taps: Outlet { ring: outlets.taps, wake: tap_wake },
        studio: Outlet { ring: outlets.studio, wake: studio_wake },
        counters: outlets.counters,
        opening: Opening { outcome, opened: None },
    })
}

/// All that the thread owns.
struct Edge {
    epoll: Epoll,
    timer: TimerFd,
    armed: Option<Instant>,
    patience: EpollTimeout,
    sockets: Box<[Pair]>,
    /// They are of IPv6, and IPv4 peers are mapped into it.
    wide: bool,
    media: Media,
    counters: Arc<Counters>,
    orders: rtrb::Consumer<MediaCommand>,
    order_wake: Arc<EventFd>,
    event_wake: Arc<EventFd>,
    tap_wake: Arc<EventFd>,
    studio_wake: Arc<EventFd>,
    stop: Arc<AtomicBool>,
}

impl Edge {
    /// Opens everything that is waited for. What comes in before the last one is open waits in its socket.
    fn open(&mut self, bind: IpAddr, ports: UdpPorts, count: u16) -> io::Result<Box<[SocketAddr]>> {
        self.sockets = sockets::open(bind, ports, count)?;
        for (i, pair) in (0..).zip(&self.sockets) {
            self.epoll.add(&pair.rtp, EpollEvent::new(EpollFlags::EPOLLIN, i))?;
            self.epoll.add(&pair.rtcp, EpollEvent::new(EpollFlags::EPOLLIN, CONTROL | i))?;
        }
        self.epoll.add(&self.order_wake, EpollEvent::new(EpollFlags::EPOLLIN, ORDERS))?;
        self.epoll.add(&self.timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        match ports.beforehand(count) {
            Some(ports) => Ok(ports.into_iter().map(|port| SocketAddr::new(bind, port)).collect()),
            None => self.sockets.iter().map(|pair| pair.rtp.local_addr()).collect(),
        }
    }

    fn run(mut self) {
        let mut happened = [EpollEvent::empty(); BATCH];
        let mut datagram = [0; DATAGRAM_BYTES];
        while !self.stop.load(Ordering::Acquire) {
            let count = match self.epoll.wait(&mut happened, self.patience) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(_) => return,
            };
            for event in happened.iter().take(count) {
                match event.data() {
                    TIMER => self.armed = Some(WENT_OFF),
                    ORDERS => self.obey(),
                    socket => self.receive(socket, &mut datagram),
                }
            }
            self.keep_time();
            self.tell();
        }
    }

    /// One datagram of one socket. If more wait there the next round brings them.
    fn receive(&mut self, socket: u64, datagram: &mut [u8]) {
        let port = socket as u16;
        let Some(pair) = self.sockets.get(usize::from(port)) else { return };
        let control = socket & CONTROL != 0;
        let socket = if control { &pair.rtcp } else { &pair.rtp };
        // An error is one of an earlier datagram of ours, or a wake without a datagram (a wrong checksum).
        let Ok((length, from)) = socket.recv_from(datagram) else { return };
        // An IPv4 peer as such, also where it came in through an IPv6 socket, RFC 4291 §2.5.5.2.
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let (sockets, wide, counters) = (&self.sockets, self.wide, &self.counters);
        let datagram = datagram.get_mut(..length).unwrap_or_default();
        if control {
            return self.media.report(clock::now(), PortId(port), from, datagram);
        }
        self.media
            .packet(clock::now(), PortId(port), from, datagram, &mut |d| send(sockets, wide, counters, &d));
    }

    fn obey(&mut self) {
        let _ = self.order_wake.read();
        let now = clock::now();
        while let Ok(command) = self.orders.pop() {
            self.media.command(now, command);
        }
    }

    /// Ticks if it is time, and sees to being woken the next time: by the timer, to the microsecond, or while all rests by
    /// the end of the wait for packets, which costs no system call.
    fn keep_time(&mut self) {
        let now = clock::now();
        if self.media.deadline().is_some_and(|at| at <= now) {
            let (sockets, wide, counters) = (&self.sockets, self.wide, &self.counters);
            self.media.tick(now, &mut |d| send(sockets, wide, counters, &d));
            counters.cost(clock::now().since(now));
        }
        let deadline = self.media.deadline();
        let resting = self.media.resting();
        self.patience = match deadline.filter(|_| resting) {
            Some(at) => EpollTimeout::from(at.since(now).as_micros().div_ceil(1000).min(1000) as u16),
            None => EpollTimeout::NONE,
        };
        self.arm(now, deadline.filter(|_| !resting));
    }

    fn arm(&mut self, now: Instant, deadline: Option<Instant>) {
        if deadline == self.armed {
            return;
        }
        // Setting a timer that went off makes it unreadable, so it is never read.
        let set = match deadline {
            Some(at) => {
                let wait = at.since(now).max(Duration::from_micros(1));
                self.timer.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())
            }
            None => self.timer.unset(),
        };
        if set.is_ok() {
            self.armed = deadline;
        }
    }

    fn tell(&mut self) {
        let told = self.media.told();
        if told.events {
            let _ = self.event_wake.write(1);
        }
        if told.taps {
            let _ = self.tap_wake.write(1);
        }
        if told.studio {
            let _ = self.studio_wake.write(1);
        }
    }
}

fn send(sockets: &[Pair], wide: bool, counters: &Counters, datagram: &Datagram<'_>) {
    let to = match datagram.to.ip() {
        IpAddr::V4(v4) if wide => SocketAddr::new(v4.to_ipv6_mapped().into(), datagram.to.port()),
        _ => datagram.to,
    };
    let pair = sockets.get(usize::from(datagram.port.0));
    let socket = pair.map(|pair| if datagram.control { &pair.rtcp } else { &pair.rtp });
    let sent = socket.map(|socket| socket.send_to(datagram.bytes, to));
    if !matches!(sent, Some(Ok(_))) {
        counters.discard(Discard::Unsent);
    }
}
