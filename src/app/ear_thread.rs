//! The edge of [`Ears`]: a thread that sleeps until frames or orders come.

use super::core::Event;
use super::ear::{Ears, Told};
use super::words_thread::{Job, Recognised};
use crate::call::ListenOrder;
use crate::listen::Settings;
use crate::listen::lore::{Lesson, Lore};
use crate::media::TapFrame;
use crate::media::inlet::Inlet;
use crate::media::thread::Outlet;
use crate::store::Store;
use crate::studio::{Clips, Config};
use crate::units::CallId;
use crate::{clock, limits};
use core::time::Duration;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use tokio::sync::mpsc;

/// Recognition as the listener's thread sees it.
pub(super) struct Recognition {
    pub(super) jobs: SyncSender<Job>,
    pub(super) answers: Receiver<Recognised>,
    /// Another machine recognises, and is given what a held line says alone.
    pub(super) elsewhere: bool,
}

/// Starts the thread, which keeps what a person says to be replayed or not; it ends when the sender of orders is dropped.
/// Without a store nothing is remembered between calls.
pub(super) fn start(
    taps: Outlet<TapFrame>,
    (settings, replay): (Settings, bool),
    words: Option<Recognition>,
    store: Option<Store>,
    clips: Option<Keeper>,
) -> std::io::Result<(Inlet<ListenOrder>, mpsc::Receiver<Event<'static>>)> {
    let (orders, incoming) = taps.inlet(limits::MEDIA_COMMAND_RING);
    let (tell, heard) = mpsc::channel(limits::COMMAND_QUEUE);
    let elsewhere = words.as_ref().is_some_and(|words| words.elsewhere);
    let along = Settings { words: settings.words.filter(|_| !elsewhere), ..settings.clone() };
    let ears = Ears::new(settings, along, clips.is_some(), replay);
    let room = Room { ears, tell, words, store, clips };
    std::thread::Builder::new().name("listener".into()).spawn(move || room.run(taps, &incoming))?;
    Ok((orders, heard))
}

struct Room {
    ears: Ears,
    tell: mpsc::Sender<Event<'static>>,
    words: Option<Recognition>,
    store: Option<Store>,
    clips: Option<Keeper>,
}

impl Room {
    fn run(mut self, mut taps: Outlet<TapFrame>, orders: &Receiver<ListenOrder>) {
        loop {
            taps.wait(Duration::MAX);
            loop {
                match orders.try_recv() {
                    Ok(order) => self.ears.order(order, |company| recall(self.store.as_ref(), company)),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            for said in self.words.iter().flat_map(|words| words.answers.try_iter()) {
                self.ears.words(said.port, said.epoch, (said.from, said.to), &said.said);
            }
            if self.pass_on().is_none() {
                return;
            }
            while let Some(tap) = taps.pop() {
                self.ears.frame(&tap);
                if self.pass_on().is_none() {
                    return;
                }
            }
        }
    }

    /// `None` when nobody is there any more to be told.
    fn pass_on(&mut self) -> Option<()> {
        while let Some(job) = self.ears.segment() {
            // Full, or there are no words any more: the sound alone decides.
            let _ = self.words.as_ref().map(|words| words.jobs.try_send(job));
        }
        while let Some(told) = self.ears.poll() {
            match told {
                Told::Heard(port, epoch, heard) => {
                    self.tell.blocking_send(Event::Heard(port, epoch, heard)).ok()?;
                }
                Told::Prompt(port, epoch, prompted) => {
                    self.tell.blocking_send(Event::Prompt(port, epoch, prompted)).ok()?;
                }
                Told::Cut(port, epoch, sound) => {
                    self.tell.blocking_send(Event::Cut(port, epoch, sound)).ok()?;
                }
                Told::Learnt { call, company, lesson } => {
                    let Some(store) = &self.store else { continue };
                    keep(store, call, &company, lesson);
                }
                told => {
                    // Full: the disk is slow, and a clip is the least of what it lacks.
                    let _ = self.clips.as_ref().map(|clips| clips.0.try_send(told));
                }
            }
        }
        Some(())
    }
}

/// The thread that writes clips: the listener does not wait for the disk.
pub(super) struct Keeper(SyncSender<Told>);

impl Keeper {
    /// Starts it; it ends when the listener does.
    pub(super) fn start(clips: Clips, Config { keep, spare, .. }: Config) -> std::io::Result<Self> {
        let (work, told) = sync_channel(limits::CLIPS_QUEUE);
        let write = move || {
            for told in told {
                let done = match told {
                    Told::Clip { call, at_ms, samples } => clips.keep((call, at_ms), &samples, keep, spare),
                    Told::Taught { call, at_ms, taught } => clips.teach(call, at_ms, taught).map(drop),
                    Told::Heard(..) | Told::Prompt(..) | Told::Cut(..) | Told::Learnt { .. } => Ok(()),
                };
                if let Err(error) = done {
                    tracing::warn!(%error, "a clip was not kept");
                }
            }
        };
        std::thread::Builder::new().name("clips".into()).spawn(write)?;
        Ok(Self(work))
    }
}

fn recall(store: Option<&Store>, company: &str) -> Lore {
    let lore = store.map(|store| store.lore(company)).transpose();
    lore.unwrap_or_else(|error| {
        tracing::warn!(%error, "what earlier calls taught could not be read");
        None
    })
    .unwrap_or_default()
}

fn keep(store: &Store, call: CallId, company: &str, lesson: Lesson) {
    let now = clock::wall().0;
    if let Err(error) = store.change_lore(company, |lore| lore.learn(call.0, now, lesson)) {
        tracing::warn!(%error, "what a call taught was not kept");
    }
}
