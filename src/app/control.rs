//! The control loop: the one thread that changes anything about a call.

use super::core::{Core, Effect, Event};
use super::look_up::look_up;
use super::paired::Paired;
use super::plan::{self, Address, Lookup};
use crate::assist::Assistant;
use crate::board::button::Press;
use crate::board::lamp::{Pattern, pattern};
use crate::call::{self, Answer, Decision, Happened, ListenOrder, Record, Request, Snapshot, StudioOrder};
use crate::clock;
use crate::media::inlet::Inlet;
use crate::media::thread::{Control as MediaControl, Outlet};
use crate::media::{self, MediaCommand};
use crate::net::certificate::Certificate;
use crate::net::{self, Arrival, Wire};
use crate::notify::Notices;
use crate::sip::{Account, AccountKind, Hop, Transport};
use crate::store::Store;
use crate::units::{AccountId, CallId, Instant};
use crate::update::Desk;
use crate::web::Order;
use crate::{limits, web};
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant as TokioInstant, sleep_until};

/// The snapshot is made anew at most this often: the page needs no more, and a busy box less.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(50);
/// Messages taken before the rest of the loop gets its turn.
const BATCH: usize = 64;
/// How often the date, the disk and the media loop are looked at.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// On the way out the peers have this long to answer BYE, and a registrar to ask for the password once more.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the places that are told what happens have for the last of it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Everything the loop owns.
pub(super) struct Control {
    pub(super) core: Core,
    pub(super) accounts: Vec<Account>,
    pub(super) lookups: Vec<Lookup>,
    pub(super) address: Address,
    /// What the address was when it was looked at last.
    pub(super) ip: watch::Sender<IpAddr>,
    /// The same of the other family, where the box has both.
    pub(super) other: Option<IpAddr>,
    pub(super) wire: Wire,
    pub(super) media: MediaControl,
    pub(super) media_events: AsyncFd<Outlet<media::Event>>,
    pub(super) store: Option<Store>,
    pub(super) ears: Inlet<ListenOrder>,
    pub(super) studio: Inlet<StudioOrder>,
    pub(super) studio_troubles: watch::Receiver<Vec<String>>,
    /// Why there are no words, where there could be.
    pub(super) words_troubles: Option<watch::Receiver<Vec<String>>>,
    /// The program that speaks.
    pub(super) speech: Option<SyncSender<String>>,
    pub(super) spoken: mpsc::Receiver<Event<'static>>,
    pub(super) speech_troubles: watch::Receiver<Vec<String>>,
    pub(super) heard: mpsc::Receiver<Event<'static>>,
    /// The language model, if there is one, and what it answers.
    pub(super) assistant: Option<Assistant>,
    pub(super) advice: mpsc::Receiver<Event<'static>>,
    pub(super) asks: mpsc::Receiver<web::Ask>,
    pub(super) presses: mpsc::Receiver<Press>,
    pub(super) claims: watch::Sender<Option<web::Claim>>,
    pub(super) lamp: watch::Sender<Pattern>,
    pub(super) snapshot: watch::Sender<Arc<Snapshot>>,
    pub(super) journal: web::Journal,
    pub(super) notices: Notices,
    /// What was wrong at the start and stays so; `None` until it is sure that the box comes up.
    pub(super) standing: watch::Receiver<Option<Vec<String>>>,
    pub(super) board_troubles: watch::Receiver<Vec<String>>,
    pub(super) telephone_troubles: Vec<watch::Receiver<Vec<String>>>,
    pub(super) asked: HashMap<u64, oneshot::Sender<Answer>>,
    pub(super) next_ask: u64,
    /// What the log has of each trunk and phone: why it is down, empty while it is up.
    pub(super) peers: HashMap<String, String>,
    /// The last decision of each call that the log has.
    pub(super) logged: HashMap<CallId, Decision>,
    pub(super) troubles: Vec<String>,
    /// Until when they are good is looked at with everything else.
    pub(super) certificates: Vec<Certificate>,
    /// Names of the trunks, by number.
    pub(super) names: Vec<String>,
    /// Names of the trunks and phones of the file.
    pub(super) all_names: Vec<String>,
    pub(super) paired: Paired,
    /// Where each trunk is.
    pub(super) trunks: BTreeMap<AccountId, Vec<Hop>>,
    /// Which of them no connection leads to, and why, in plain words.
    pub(super) unreachable: BTreeMap<Hop, String>,
    /// Counts the answers of the media loop to the control loop: both turn.
    pub(super) beat: watch::Sender<u64>,
    /// Where an update waits until the box is not needed, where it takes any.
    pub(super) updates: Option<AsyncFd<Desk>>,
    /// Somebody wants the box started anew.
    pub(super) restart: bool,
    pub(super) again: watch::Sender<bool>,
}

impl Control {
    /// Runs until `stop` is told or dropped.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let (located, mut locations) = mpsc::channel(limits::COMMAND_QUEUE);
        let mut located = Some(located);
        for (account, hop) in plan::fixed(&self.accounts) {
            self.know(account, &[hop]);
        }
        self.event(Event::Clock(clock::wall()));
        self.happened(&Happened { at: clock::wall(), call: None, event: call::Event::Started });
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
                arrival = self.wire.next(&mut bytes) => self.arrivals(arrival, &mut bytes),
                Ok(mut ready) = self.media_events.readable_mut() => {
                    ready.clear_ready();
                    self.media_facts();
                }
                Some(event) = self.heard.recv() => self.event(event),
                Some(event) = self.advice.recv() => self.event(event),
                Some(event) = self.spoken.recv() => self.event(event),
                Some(press) = self.presses.recv() => self.press(press),
                Some(ask) = self.asks.recv() => self.ask(ask),
                Some((account, hops)) = locations.recv() => self.located(account, hops),
                Ok(()) = self.standing.changed() => self.look_around(),
                () = stirred(self.updates.as_ref()) => self.updates_changed(),
                _ = look_around.tick() => self.look_around(),
                () = async { match wake { Some(at) => sleep_until(at).await, None => core::future::pending().await } } => {
                    self.event(Event::Timeout);
                }
            }
            // A box that did not come up after all would have to take it back; one without an address would name one that leads nowhere.
            if let Some(located) = located.take_if(|_| self.standing.borrow().is_some() && self.has_address())
            {
                self.go_out(&located);
            }
            if TokioInstant::now() >= shown + SNAPSHOT_EVERY && self.core.take_news() {
                shown = TokioInstant::now();
                let snapshot = self.core.snapshot();
                self.log_peers(&snapshot);
                self.note_arrivals(&snapshot);
                self.lamp.send_replace(pattern(&snapshot, self.is_updating(), clock::wall()));
                self.snapshot.send_replace(Arc::new(snapshot));
            }
        }
        self.farewell().await;
    }

    /// Peers can reach the box where it says that it is.
    fn has_address(&self) -> bool {
        self.address.find() == Some(*self.ip.borrow()) || self.other.is_some()
    }

    /// Registers at the trunks.
    fn go_out(&mut self, located: &mpsc::Sender<(AccountId, Vec<Hop>)>) {
        for lookup in self.lookups.drain(..) {
            tokio::spawn(look_up(lookup, located.clone(), self.store.clone(), self.ip.subscribe()));
        }
        let now = clock::now();
        self.core.register(now, &self.accounts);
        self.carry_out(now);
    }

    async fn farewell(mut self) {
        let now = clock::now();
        self.happened(&Happened { at: clock::wall(), call: None, event: call::Event::Stopped });
        self.core.stop(now, &self.accounts);
        self.carry_out(now);
        let over = TokioInstant::now() + FAREWELL;
        let mut bytes = vec![0_u8; limits::SIP_MESSAGE_BYTES];
        while !self.core.is_idle() && TokioInstant::now() < over {
            let deadline = self.core.deadline().map(|at| TokioInstant::from_std(clock::std_instant(at)));
            tokio::select! {
                arrival = self.wire.next(&mut bytes) => self.arrivals(arrival, &mut bytes),
                () = sleep_until(deadline.map_or(over, |at| at.min(over))) => self.event(Event::Timeout),
            }
        }
        self.media.stop();
        // Sent since the farewell began; who does not take it now does not hear of it.
        self.notices.rest(LAST_WORDS);
        if let Some(store) = self.store.take()
            && !store.stop(Duration::from_secs(5))
        {
            tracing::error!("the last records could not be written");
        }
    }

    pub(super) fn event(&mut self, event: Event<'_>) {
        let now = clock::now();
        self.give(now, event);
        self.carry_out(now);
    }

    fn give(&mut self, now: Instant, event: Event<'_>) {
        self.core.handle(now, event);
    }

    fn arrivals(&mut self, first: Arrival, bytes: &mut [u8]) {
        self.arrival(first, bytes);
        for _ in 1..BATCH {
            let Some(next) = self.wire.try_next(bytes) else { return };
            self.arrival(next, bytes);
        }
    }

    fn arrival(&mut self, arrival: Arrival, bytes: &[u8]) {
        match arrival {
            Arrival::Datagram(from, len) => {
                let bytes = bytes.get(..len).unwrap_or_default();
                self.unreachable.remove(&Hop::udp(from));
                self.event(Event::Message { from: Hop::udp(from), bytes });
            }
            Arrival::Message(from, bytes) => {
                self.unreachable.remove(&from);
                self.event(Event::Message { from, bytes: &bytes });
            }
            Arrival::Lost(hop, why) => self.lost(hop, why),
        }
    }

    /// A connection that its peer ends is no trouble yet: the next one may stand. One that fails to a trunk is.
    fn lost(&mut self, hop: Hop, mut why: String) {
        let trunk = self.trunks.iter().find(|(_, hops)| hops.contains(&hop)).map(|(account, _)| *account);
        let trunk = trunk.filter(|_| why != net::ENDED_BY_PEER);
        // Nothing proves that a datagram was turned away: of a trunk that is up it is not believed.
        let trunk = trunk.filter(|account| hop.transport != Transport::Udp || !self.is_up(*account));
        match trunk {
            Some(account) => {
                if hop.transport == Transport::Udp {
                    let server = self.accounts.iter().find(|known| known.id == account);
                    let server = match server.map(|trunk| &trunk.kind) {
                        Some(AccountKind::RegisterAt(upstream)) => upstream.domain.clone(),
                        _ => hop.ip().to_string(),
                    };
                    why += &format!(". Are the port and transport of {server} right?");
                }
                let name = self.names.get(usize::from(account.0)).map_or("", String::as_str);
                tracing::debug!(name, %hop, why, "a trunk is not reached");
                self.unreachable.insert(hop, format!("the trunk {name} is not reached ({hop}): {why}"));
            }
            None => tracing::debug!(%hop, why, "a connection has ended"),
        }
        self.event(Event::Lost(hop, trunk.map(|account| (account, why))));
    }

    fn is_up(&self, account: AccountId) -> bool {
        let name = self.names.get(usize::from(account.0));
        self.snapshot.borrow().trunks.iter().any(|trunk| trunk.up && Some(&trunk.name) == name)
    }

    fn located(&mut self, account: AccountId, hops: Vec<Hop>) {
        if hops.is_empty() {
            return self.event(Event::NotLocated(account));
        }
        self.know(account, &hops);
        self.event(Event::Located(account, hops));
    }

    fn know(&mut self, account: AccountId, hops: &[Hop]) {
        self.wire.located(account, hops);
        if let Some(former) = self.trunks.insert(account, hops.to_vec()) {
            former
                .iter()
                .filter(|hop| !hops.contains(hop))
                .for_each(|hop| drop(self.unreachable.remove(hop)));
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
            Press::Double => Request::TakeHeld,
            Press::Long => Request::Cancel,
            // The page's business.
            Press::Claim | Press::Forget => {
                let claim = web::Claim { at: clock::now(), forget: press == Press::Forget };
                self.claims.send_replace(Some(claim));
                return;
            }
        };
        self.next_ask += 1;
        self.event(Event::Request(self.next_ask, request));
    }

    fn ask(&mut self, ask: web::Ask) {
        let done = match ask.order {
            Order::Call(request) => {
                self.next_ask += 1;
                self.asked.insert(self.next_ask, ask.answer);
                return self.event(Event::Request(self.next_ask, request));
            }
            Order::Pair(phone) => self.pair(clock::now(), *phone),
            Order::Unpair(user) => self.unpair(&user),
            Order::Restart => {
                self.restart = true;
                Ok(())
            }
        };
        // Who asked may have gone.
        drop(ask.answer.send(done.map(|()| None)));
    }

    fn look_around(&mut self) {
        let up = |hop: &Hop| {
            let mut here = self.trunks.iter().filter(|(_, hops)| hops.contains(hop));
            here.any(|(account, _)| self.is_up(*account))
        };
        let over: Vec<Hop> = self
            .unreachable
            .keys()
            .copied()
            .filter(|hop| hop.transport == Transport::Udp && up(hop))
            .collect();
        over.iter().for_each(|hop| drop(self.unreachable.remove(hop)));
        let mut troubles = self.standing.borrow().clone().unwrap_or_default();
        troubles.extend(self.unreachable.values().cloned());
        troubles.extend(self.board_troubles.borrow().iter().cloned());
        troubles.extend(self.telephone_troubles.iter().flat_map(|one| one.borrow().clone()));
        troubles.extend(self.studio_troubles.borrow().iter().cloned());
        troubles.extend(self.words_troubles.iter().flat_map(|words| words.borrow().clone()));
        troubles.extend(self.speech_troubles.borrow().iter().cloned());
        troubles.extend(self.notices.troubles());
        if let Some(store) = &self.store {
            troubles.extend(store.troubles().borrow().iter().cloned());
        }
        if !self.has_address() {
            troubles.push("there is no network: is the cable plugged in, the Wi-Fi joined?".into());
        }
        if clock::is_plausible() {
            let now = clock::wall();
            troubles.extend(self.certificates.iter().filter_map(|certificate| certificate.trouble(now)));
        } else {
            troubles.push(
                "the date is not set: records would have wrong dates, and planned calls would not be placed. Is a time server reachable?"
                    .into(),
            );
        }
        if troubles != self.troubles {
            for new in troubles.iter().filter(|trouble| !self.troubles.contains(trouble)) {
                tracing::warn!("{new}");
            }
            self.troubles = troubles.clone();
            self.event(Event::Troubles(troubles));
        }
        if let Some(ip) = self.address.find().filter(|ip| *ip != *self.ip.borrow()) {
            tracing::info!(%ip, "the box has another address");
            self.ip.send_replace(ip);
            self.event(Event::Address(ip));
        }
        if let Some(other) = self.address.find_other().filter(|other| Some(*other) != self.other) {
            tracing::info!(ip = %other, "the box has an address of the other family");
            self.other = Some(other);
            self.event(Event::OtherAddress(other));
        }
        self.event(Event::Clock(clock::wall()));
        self.lapse(clock::now());
        self.tell_updates();
        // The wait goes on without news.
        let shown = pattern(&self.snapshot.borrow(), self.is_updating(), clock::wall());
        self.lamp.send_replace(shown);
        // Nor in the hour in which help may call back.
        if self.restart && !self.core.is_needed() {
            self.again.send_replace(true);
        }
        // Without an answer there is no beat, and the watchdog deals with it.
        let _ = self.media.send(MediaCommand::Ping);
    }

    fn is_updating(&self) -> bool {
        self.updates.as_ref().is_some_and(|desk| desk.get_ref().is_under_way())
    }

    /// Whether the box can be spared.
    fn tell_updates(&mut self) {
        if let Some(desk) = &mut self.updates
            && let Err(error) = desk.get_mut().look(clock::now(), self.core.is_needed())
        {
            tracing::error!(%error, "an update cannot be told whether a call is up");
        }
    }

    fn updates_changed(&mut self) {
        let found_good = self.updates.as_mut().is_some_and(|desk| desk.get_mut().changed());
        if let Some(store) = self.store.clone().filter(|_| found_good) {
            tokio::task::spawn_blocking(move || store.forget_newer());
        }
        self.tell_updates();
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(effect) = self.core.poll() {
            match effect {
                Effect::Send { to, bytes } => self.wire.send(to, bytes),
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
                    if let Err(error) = self.ears.try_send(order) {
                        tracing::error!(%error, "the listener does not keep up: an order was lost");
                    }
                }
                Effect::Studio(order) => {
                    if self.studio.try_send(order).is_err() {
                        tracing::error!(?order, "the studio does not keep up: an order was lost");
                    }
                }
                Effect::Speak(text) => self.speak(now, text),
                Effect::Record(record) => {
                    self.log(&record);
                    if let Some(store) = &self.store {
                        store
                            .put(&record)
                            .unwrap_or_else(|error| tracing::error!(%error, "a record was not kept"));
                    }
                }
                Effect::Event(event) => self.happened(&event),
                Effect::Flows(entry) => self.keep(|store| store.put_flows(&entry)),
                Effect::Schedule(list) => self.keep(|store| store.put_schedule(&list)),
                Effect::Consult(number, question) => {
                    let nobody = || Err("there is no language model".to_owned());
                    let asked = self.assistant.as_ref().map_or_else(nobody, |it| it.ask((number, *question)));
                    if let Err(why) = asked {
                        self.give(now, Event::Advice(number, Err(why)));
                    }
                }
                Effect::Greeting(own) => self.keep(|store| store.put_greeting(own.as_deref())),
                Effect::Reply(number, answer) => self.reply(number, answer),
            }
        }
    }

    /// Without a program, or with too much to speak already, it is not spoken.
    fn speak(&mut self, now: Instant, text: String) {
        let asked = self.speech.as_ref().is_some_and(|speech| speech.try_send(text.clone()).is_ok());
        if !asked {
            self.give(now, Event::Spoken(text, None));
        }
    }

    /// Tells programs, and the owner where he wants it.
    fn happened(&self, happened: &Happened) {
        self.notices.tell(happened);
        self.journal.write(happened.clone());
    }

    fn keep(&self, put: impl FnOnce(&Store) -> Result<(), crate::store::Error>) {
        if let Some(Err(error)) = self.store.as_ref().map(put) {
            tracing::error!(%error, "what was learnt or planned was not kept");
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

    fn reply(&mut self, number: u64, answer: Answer) {
        match (self.asked.remove(&number), answer) {
            // Who asked may have gone.
            (Some(asked), answer) => drop(asked.send(answer)),
            (None, Err(why)) => tracing::info!(why, "the button did nothing"),
            (None, Ok(_)) => {}
        }
    }
}

/// Waits until something has changed where updates wait.
async fn stirred(desk: Option<&AsyncFd<Desk>>) {
    match desk {
        Some(desk) => match desk.readable().await {
            Ok(mut ready) => ready.clear_ready(),
            // The loop ends.
            Err(_) => core::future::pending().await,
        },
        None => core::future::pending().await,
    }
}
