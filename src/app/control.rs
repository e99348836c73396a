//! The control loop: the one thread that changes anything about a call.

use super::core::{Core, Effect, Event};
use super::plan::{Address, Lookup};
use crate::board::button::Press;
use crate::board::lamp::{Pattern, pattern};
use crate::call::{Decision, ListenOrder, Record, Request, Snapshot};
use crate::clock;
use crate::listen::Heard;
use crate::media::thread::{Control as MediaControl, Outlet};
use crate::media::{self, MediaCommand};
use crate::sip::Account;
use crate::store::Store;
use crate::units::{AccountId, CallId, Instant, PortId};
use crate::{limits, web};
use core::time::Duration;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, mpsc as std_mpsc};
use tokio::io::unix::AsyncFd;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant as TokioInstant, sleep_until};

/// The snapshot is made anew at most this often: the page needs no more, and a busy box less.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(50);
/// Datagrams read before the rest of the loop gets its turn.
const BATCH: usize = 64;
/// How often the date, the disk and the media loop are looked at.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How long the name service is left alone between two questions.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(15);
/// On the way out the peers have this long to answer BYE, and a registrar to ask for the password once more.
const FAREWELL: Duration = Duration::from_secs(1);

/// Everything the loop owns.
pub(super) struct Control {
    pub(super) core: Core,
    pub(super) accounts: Vec<Account>,
    pub(super) lookups: Vec<Lookup>,
    pub(super) address: Address,
    /// What the address was when it was looked at last.
    pub(super) ip: IpAddr,
    pub(super) socket: UdpSocket,
    pub(super) media: MediaControl,
    pub(super) media_events: AsyncFd<Outlet<media::Event>>,
    pub(super) store: Option<Store>,
    pub(super) ears: std_mpsc::SyncSender<ListenOrder>,
    pub(super) heard: mpsc::Receiver<(PortId, u32, Heard)>,
    pub(super) asks: mpsc::Receiver<web::Ask>,
    pub(super) presses: mpsc::Receiver<Press>,
    pub(super) lamp: watch::Sender<Pattern>,
    pub(super) snapshot: watch::Sender<Arc<Snapshot>>,
    /// What was wrong at the start and stays so.
    pub(super) standing: Vec<String>,
    pub(super) board_troubles: watch::Receiver<Vec<String>>,
    pub(super) asked: HashMap<u64, oneshot::Sender<Result<(), String>>>,
    pub(super) next_ask: u64,
    /// What the log has of each trunk and phone: why it is down, empty while it is up.
    pub(super) peers: HashMap<String, String>,
    /// The last decision of each call that the log has.
    pub(super) logged: HashMap<CallId, Decision>,
    pub(super) troubles: Vec<String>,
    /// Counts the answers of the media loop to the control loop: both turn.
    pub(super) beat: watch::Sender<u64>,
}

impl Control {
    /// Runs until `stop` is told or dropped.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let (located, mut locations) = mpsc::channel(limits::COMMAND_QUEUE);
        for lookup in self.lookups.drain(..) {
            tokio::spawn(look_up(lookup, located.clone()));
        }
        drop(located);
        let now = clock::now();
        self.give(now, Event::Clock(clock::wall()));
        self.core.register(now, &self.accounts);
        self.carry_out(now);
        let mut bytes = vec![0_u8; limits::SIP_MESSAGE_BYTES];
        let mut look_around = tokio::time::interval(LOOK_AROUND);
        let mut shown = TokioInstant::now();
        loop {
            let deadline = self.core.deadline().map(|at| TokioInstant::from_std(clock::std_instant(at)));
            let show = self.core.peek_news().then_some(shown + SNAPSHOT_EVERY);
            let wake = [deadline, show].into_iter().flatten().min();
            // Fair by chance: a flood of datagrams keeps neither the timers nor the page waiting.
            tokio::select! {
                _ = &mut stop => break,
                received = self.socket.recv_from(&mut bytes) => self.datagrams(received, &mut bytes),
                Ok(mut ready) = self.media_events.readable_mut() => {
                    ready.clear_ready();
                    self.media_facts();
                }
                Some((port, epoch, heard)) = self.heard.recv() => self.event(Event::Heard(port, epoch, heard)),
                Some(press) = self.presses.recv() => self.press(press),
                Some(ask) = self.asks.recv() => self.ask(ask),
                Some((account, found)) = locations.recv() => self.event(match found {
                    Some(addr) => Event::Located(account, addr),
                    None => Event::NotLocated(account),
                }),
                _ = look_around.tick() => self.look_around(),
                () = async { match wake { Some(at) => sleep_until(at).await, None => core::future::pending().await } } => {
                    self.event(Event::Timeout);
                }
            }
            if TokioInstant::now() >= shown + SNAPSHOT_EVERY && self.core.take_news() {
                shown = TokioInstant::now();
                let snapshot = self.core.snapshot();
                self.log_peers(&snapshot);
                self.lamp.send_replace(pattern(&snapshot));
                self.snapshot.send_replace(Arc::new(snapshot));
            }
        }
        self.farewell().await;
    }

    async fn farewell(mut self) {
        let now = clock::now();
        self.core.stop(now, &self.accounts);
        self.carry_out(now);
        let over = TokioInstant::now() + FAREWELL;
        let mut bytes = vec![0_u8; limits::SIP_MESSAGE_BYTES];
        while !self.core.is_idle() && TokioInstant::now() < over {
            let deadline = self.core.deadline().map(|at| TokioInstant::from_std(clock::std_instant(at)));
            tokio::select! {
                received = self.socket.recv_from(&mut bytes) => self.datagrams(received, &mut bytes),
                () = sleep_until(deadline.map_or(over, |at| at.min(over))) => self.event(Event::Timeout),
            }
        }
        self.media.stop();
        if let Some(store) = self.store.take()
            && !store.stop(Duration::from_secs(5))
        {
            tracing::error!("the last records could not be written");
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let now = clock::now();
        self.give(now, event);
        self.carry_out(now);
    }

    fn give(&mut self, now: Instant, event: Event<'_>) {
        self.core.handle(now, event);
    }

    fn datagrams(&mut self, first: std::io::Result<(usize, SocketAddr)>, bytes: &mut [u8]) {
        let mut next = first;
        for _ in 0..BATCH {
            match next {
                Ok((len, from)) => {
                    self.event(Event::Datagram { from, bytes: bytes.get(..len).unwrap_or_default() });
                }
                // ICMP answers to what was sent earlier show up here; the transaction's timers deal with silence.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(error) => tracing::debug!(%error, "the SIP socket reported an error"),
            }
            next = self.socket.try_recv_from(bytes);
        }
    }

    fn media_facts(&mut self) {
        self.media_events.get_ref().clear();
        while let Some(event) = self.media_events.get_mut().pop() {
            if event == media::Event::Alive {
                self.beat.send_modify(|beat| *beat += 1);
            } else {
                self.event(Event::Media(event));
            }
        }
    }

    fn press(&mut self, press: Press) {
        let request = match press {
            Press::Short => Request::Button,
            Press::Long => Request::Cancel,
        };
        self.next_ask += 1;
        self.event(Event::Request(self.next_ask, request));
    }

    fn ask(&mut self, ask: web::Ask) {
        self.next_ask += 1;
        self.asked.insert(self.next_ask, ask.answer);
        self.event(Event::Request(self.next_ask, ask.request));
    }

    fn look_around(&mut self) {
        let mut troubles = self.standing.clone();
        troubles.extend(self.board_troubles.borrow().iter().cloned());
        if let Some(store) = &self.store {
            troubles.extend(store.troubles().borrow().iter().cloned());
        }
        if troubles != self.troubles {
            for new in troubles.iter().filter(|trouble| !self.troubles.contains(trouble)) {
                tracing::warn!("{new}");
            }
            self.troubles = troubles.clone();
            self.event(Event::Troubles(troubles));
        }
        if let Some(ip) = self.address.find().filter(|ip| *ip != self.ip) {
            tracing::info!(%ip, "the box has another address");
            self.ip = ip;
            self.event(Event::Address(ip));
        }
        self.event(Event::Clock(clock::wall()));
        // Without an answer there is no beat, and the watchdog deals with it.
        let _ = self.media.send(MediaCommand::Ping);
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(effect) = self.core.poll() {
            match effect {
                Effect::Send { to, bytes } => self.send(to, &bytes),
                Effect::Media(command) => {
                    if self.media.send(command).is_err() {
                        tracing::error!(
                            ?command,
                            at_ms = now.as_millis(),
                            "the media loop does not keep up: an order was lost"
                        );
                    }
                }
                Effect::Listen(order) => {
                    if self.ears.try_send(order).is_err() {
                        tracing::error!(?order, "the listener does not keep up: an order was lost");
                    }
                }
                Effect::Record(record) => {
                    self.log(&record);
                    if let Some(store) = &self.store {
                        store
                            .put(&record)
                            .unwrap_or_else(|error| tracing::error!(%error, "a record was not kept"));
                    }
                }
                Effect::Reply(number, answer) => self.reply(number, answer),
            }
        }
    }

    /// Each decision once, with its reason; numbers stay in the record.
    fn log(&mut self, record: &Record) {
        let last = self.logged.get(&record.id);
        let told =
            last.and_then(|last| record.decisions.iter().rposition(|d| d == last)).map_or(0, |at| at + 1);
        for decision in record.decisions.iter().skip(told) {
            tracing::info!(call = record.id.0, what = decision.what, reason = decision.reason, "decided");
        }
        if let Some(last) = record.decisions.last() {
            self.logged.insert(record.id, last.clone());
        }
        if record.ended.is_some() {
            self.logged.remove(&record.id);
        }
    }

    /// Each trunk and phone when it comes and goes, in the page's words.
    fn log_peers(&mut self, snapshot: &Snapshot) {
        for peer in snapshot.trunks.iter().chain(&snapshot.phones) {
            let told = if peer.up { String::new() } else { peer.status.clone() };
            if self.peers.insert(peer.name.clone(), told.clone()) != Some(told) {
                match peer.up {
                    true => tracing::info!(name = peer.name, "{}", peer.status),
                    false => tracing::warn!(name = peer.name, "{}", peer.status),
                }
            }
        }
    }

    /// UDP may lose this datagram anyway: the transaction sends it again.
    fn send(&self, to: SocketAddr, bytes: &[u8]) {
        if let Err(error) = self.socket.try_send_to(bytes, to) {
            tracing::debug!(%error, %to, "a SIP datagram could not be sent");
        }
    }

    fn reply(&mut self, number: u64, answer: Result<(), String>) {
        match (self.asked.remove(&number), answer) {
            // Who asked may have gone.
            (Some(asked), answer) => drop(asked.send(answer)),
            (None, Err(why)) => tracing::info!(why, "the button did nothing"),
            (None, Ok(())) => {}
        }
    }
}

/// Asks the name service for a registrar's address until it is known, and again now and then: providers move.
async fn look_up(lookup: Lookup, located: mpsc::Sender<(AccountId, Option<SocketAddr>)>) {
    const KNOWN_FOR: Duration = Duration::from_secs(600);
    let mut known = None;
    loop {
        let found = tokio::net::lookup_host((lookup.host.as_str(), lookup.port)).await;
        let found = found.ok().and_then(|addrs| addrs.into_iter().find(SocketAddr::is_ipv4));
        if found.is_none() {
            tracing::warn!(host = lookup.host, "the name of the trunk's server cannot be resolved");
        }
        // An address that worked is not given up for a name service that does not.
        if known.is_none() || found.is_some_and(|addr| known != Some(addr)) {
            known = found;
            if located.send((lookup.account, found)).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(if known.is_some() { KNOWN_FOR } else { LOOK_UP_AGAIN }).await;
    }
}
