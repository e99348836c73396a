//! The edge: a thread for each target, which one bounded queue leads to.

use super::message::{self, Message, Teller};
use super::mqtt::Broker;
use super::outbox::Outbox;
use super::{Target, Way, mail, webhook};
use crate::call::Happened;
use crate::clock;
use crate::limits::NOTIFY_QUEUE;
use crate::net::http::{Client, Failure};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use tokio::sync::watch;

/// How long somebody who tries a target out waits.
const PATIENCE: Duration = Duration::from_secs(25);
/// A thread without anything to do looks around so often.
const IDLE: Duration = Duration::from_secs(3600);

/// What is wrong with each target, by its name.
type Troubles = BTreeMap<String, String>;

enum Job {
    Happened(Happened),
    Test(SyncSender<Result<(), String>>),
    /// Say when all before this has been tried.
    Rest(SyncSender<()>),
}

/// The way to all targets; clones share it. The threads end with the last of them.
#[derive(Clone)]
pub struct Notices {
    targets: Arc<[(Target, SyncSender<Job>)]>,
    troubles: watch::Sender<Troubles>,
}

impl Default for Notices {
    /// To nowhere.
    fn default() -> Self {
        Self { targets: Arc::new([]), troubles: watch::Sender::new(Troubles::new()) }
    }
}

impl core::fmt::Debug for Notices {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.targets.iter().map(|(target, _)| target)).finish()
    }
}

impl Notices {
    /// Something happened. It never waits.
    pub fn tell(&self, happened: &Happened) {
        // Sounds and words come so often that they would push out what matters.
        if message::kind(&happened.event).is_none() {
            return;
        }
        for (target, jobs) in self.targets.iter() {
            if let Err(TrySendError::Full(_)) = jobs.try_send(Job::Happened(happened.clone())) {
                tracing::warn!(
                    name = target.name,
                    "a notification target does not keep up: something was not told"
                );
            }
        }
    }

    /// Sends a test message to the target of this name, and waits for what becomes of it.
    ///
    /// # Errors
    /// In words: there is no such target, or it did not take the message.
    pub fn try_out(&self, name: &str) -> Result<(), String> {
        let (_, jobs) =
            self.targets.iter().find(|(target, _)| target.name == name).ok_or("There is no such target.")?;
        let (answer, told) = sync_channel(1);
        jobs.try_send(Job::Test(answer)).map_err(|_| "It has too much to do already.".to_owned())?;
        told.recv_timeout(PATIENCE)
            .unwrap_or_else(|_| Err(format!("It took more than {} s.", PATIENCE.as_secs())))
    }

    /// Waits until each target was tried with all that was told, `most` at the longest.
    pub fn rest(&self, most: Duration) {
        let until = clock::now() + most;
        let (done, all) = sync_channel(self.targets.len());
        for (_, jobs) in self.targets.iter() {
            let _ = jobs.try_send(Job::Rest(done.clone()));
        }
        drop(done);
        // It ends with the last of those that hold the other side, too.
        while clock::now() < until && all.recv_timeout(until.since(clock::now().min(until))).is_ok() {}
    }

    /// The targets, and what is wrong with each, if anything is.
    pub fn list(&self) -> Vec<(Target, Option<String>)> {
        let troubles = self.troubles.borrow();
        self.targets.iter().map(|(target, _)| (target.clone(), troubles.get(&target.name).cloned())).collect()
    }

    /// What is wrong, in plain words.
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.borrow().values().cloned().collect()
    }
}

/// Starts a thread for each target.
///
/// # Errors
/// No thread can be had.
pub fn start(targets: Vec<Target>) -> std::io::Result<Notices> {
    let troubles = watch::Sender::new(Troubles::new());
    let mut ways = Vec::new();
    for target in targets {
        let (jobs, work) = sync_channel(NOTIFY_QUEUE);
        let room = Room::new(target.clone(), troubles.clone());
        std::thread::Builder::new().name("notify".into()).spawn(move || room.run(&work))?;
        ways.push((target, jobs));
    }
    Ok(Notices { targets: ways.into(), troubles })
}

struct Room {
    target: Target,
    teller: Teller,
    outbox: Outbox,
    /// Of targets over HTTP.
    client: Result<Client, String>,
    broker: Option<Broker>,
    troubles: watch::Sender<Troubles>,
}

impl Room {
    fn new(target: Target, troubles: watch::Sender<Troubles>) -> Self {
        let now = clock::now();
        let broker = match &target.way {
            Way::Mqtt { server, topic } => {
                Some(Broker::new(server.clone(), target.ca.clone(), topic.clone()))
            }
            _ => None,
        };
        let client = match &target.way {
            Way::Webhook { .. } | Way::Ntfy { .. } => Client::new(target.ca.as_deref()),
            Way::Mail { .. } | Way::Mqtt { .. } => Err(String::new()),
        };
        Self {
            teller: Teller::new(target.numbers),
            outbox: Outbox::new(now),
            client,
            broker,
            troubles,
            target,
        }
    }

    fn run(mut self, work: &Receiver<Job>) {
        loop {
            let deadlines = [self.outbox.deadline(), self.broker.as_ref().map(Broker::deadline)];
            let until = deadlines.into_iter().flatten().min();
            let wait = until.map_or(IDLE, |until| until.since(clock::now().min(until)));
            match work.recv_timeout(wait) {
                Ok(Job::Happened(happened)) => self.happened(&happened),
                Ok(Job::Test(answer)) => {
                    let told = self.tell(&Message::test(clock::wall()));
                    // Who asked may have lost patience.
                    let _ = answer.try_send(told.map_err(|failure| failure.words));
                    continue;
                }
                Ok(Job::Rest(done)) => {
                    self.turn();
                    let _ = done.try_send(());
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.turn();
        }
    }

    fn happened(&mut self, happened: &Happened) {
        if let Some(broker) = &mut self.broker {
            broker.observe(happened);
        }
        if let Some(message) = self.teller.tell(happened).filter(|message| self.target.wants(message.kind)) {
            self.outbox.push(clock::now(), message);
        }
    }

    fn turn(&mut self) {
        if let Some(broker) = &mut self.broker {
            match broker.turn(clock::now()) {
                Ok(true) => self.note(None),
                Ok(false) => {}
                Err(failure) => return self.note(Some(&failure)),
            }
        }
        let due = self.outbox.due(clock::now()).cloned();
        let lost = self.outbox.take_lost();
        if lost > 0 {
            tracing::warn!(name = self.target.name, lost, "messages were not told");
        }
        let Some(message) = due else { return };
        let told = self.tell(&message);
        match &told {
            Ok(()) => self.outbox.told(),
            Err(failure) => self.outbox.failed(clock::now(), failure.passes),
        }
        self.note(told.as_ref().err());
    }

    fn tell(&mut self, message: &Message) -> Result<(), Failure> {
        let Target { way, ca, .. } = &self.target;
        let client = || {
            let words = self.client.as_ref().map_err(Clone::clone);
            words.map_err(|words| Failure { words, passes: false, status: None })
        };
        match way {
            Way::Webhook { url, key } => webhook::post(client()?, url, key.as_ref(), message),
            Way::Ntfy { url, key } => webhook::ntfy(client()?, url, key.as_ref(), message),
            Way::Mail { server, from, to } => mail::send(server, ca.as_deref(), from, to, message),
            Way::Mqtt { .. } => self.broker.as_mut().map_or(Ok(()), |broker| broker.tell(message)),
        }
    }

    /// What is wrong with the target now. The words are the same as long as it is the same.
    fn note(&self, failure: Option<&Failure>) {
        let name = &self.target.name;
        self.troubles.send_if_modified(|troubles| match failure {
            None => troubles.remove(name).is_some(),
            Some(failure) => {
                let words = format!("what happens is not told at {name}: {}", failure.words);
                troubles.insert(name.clone(), words.clone()) != Some(words)
            }
        });
    }
}
