//! The edge: a thread that sleeps until frames come, writes what is to be recorded, and hands out what is listened to.

use super::archive::Archive;
use super::flac::{self, Packed};
use super::take::Take;
use super::{Config, Format, wav};
use crate::call::StudioOrder;
use crate::dsp::mix::{self, Limiter};
use crate::limits::{LISTENER_QUEUE, LISTENERS, MEDIA_COMMAND_RING, PACKER_QUEUE};
use crate::media::StudioFrame;
use crate::media::inlet::Inlet;
use crate::media::thread::Outlet;
use crate::units::{CallId, FRAME_SAMPLES, Frame, PortId};
use core::time::Duration;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Instant;
use tokio::sync::watch;

/// Without frames and orders, the disk is thought of this often.
const LOOK: Duration = Duration::from_secs(60);
/// How often the room on the disk is looked at.
const ROOM: Duration = Duration::from_secs(5);
/// How often old recordings are looked for.
const TIDY: Duration = Duration::from_secs(600);

/// The studio, as the page sees it.
#[derive(Clone, Debug)]
pub struct Studio {
    /// The recordings there are.
    pub archive: Archive,
    ask: Arc<Inlet<Hearer>>,
    open: Arc<AtomicUsize>,
}

/// What the control loop holds of the studio.
pub struct Outlets {
    /// For the page.
    pub studio: Studio,
    /// Takes orders; dropping it ends the thread.
    pub orders: Inlet<StudioOrder>,
    /// What is wrong with recordings, in words; empty while all is well.
    pub troubles: watch::Receiver<Vec<String>>,
}

/// Somebody who listens in. Dropping it ends that.
#[derive(Debug)]
pub struct Listening {
    frames: Receiver<Frame>,
    open: Arc<AtomicUsize>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Listening {
    /// The next 20 ms of both sides together; `Ok(None)` if none came in this time.
    ///
    /// # Errors
    /// There is no more to hear.
    pub fn next(&self, at_most: Duration) -> Result<Option<Frame>, RecvTimeoutError> {
        match self.frames.recv_timeout(at_most) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(gone) => Err(gone),
        }
    }
}

#[derive(Debug)]
struct Hearer {
    call: CallId,
    to: SyncSender<Frame>,
}

impl Studio {
    /// Begins to listen in to a call, once the switchboard has allowed it. `None`: too many do already.
    pub fn listen(&self, call: CallId) -> Option<Listening> {
        let more = |open| (open < LISTENERS).then_some(open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        let (to, frames) = sync_channel(LISTENER_QUEUE);
        let listening = Listening { frames, open: Arc::clone(&self.open) };
        self.ask.try_send(Hearer { call, to }).ok().map(|()| listening)
    }
}

/// Starts the thread; it ends, with all recordings finished, when the sender of orders is dropped.
///
/// # Errors
/// The system gives no thread.
pub fn start(frames: Outlet<StudioFrame>, archive: Archive, config: Config) -> io::Result<Outlets> {
    let (orders, incoming) = frames.inlet(MEDIA_COMMAND_RING);
    let (ask, hearers) = frames.inlet(LISTENERS);
    let (tell, troubles) = watch::channel(Vec::new());
    let (packed, results) = frames.inlet(PACKER_QUEUE);
    let packer = (config.format == Format::Flac).then(|| packer(archive.clone(), packed)).transpose()?;
    let room = Room {
        packer,
        packed: results,
        archive: archive.clone(),
        config,
        calls: HashMap::new(),
        tell,
        has_room: true,
        room_at: Instant::now(),
        tidy_at: Instant::now(),
    };
    std::thread::Builder::new().name("studio".into()).spawn(move || room.run(frames, &incoming, &hearers))?;
    Ok(Outlets { studio: Studio { archive, ask: Arc::new(ask), open: Arc::default() }, orders, troubles })
}

/// Starts the thread that codes recordings again. It begins with those that a stop of the box has left.
fn packer(archive: Archive, to: Inlet<Packed>) -> io::Result<SyncSender<CallId>> {
    let (orders, incoming) = sync_channel(PACKER_QUEUE);
    let run = move || {
        let left = archive.unpacked(None);
        let calls = incoming.into_iter().flat_map(|call| archive.unpacked(Some(call)));
        for wav in left.into_iter().chain(calls) {
            match flac::pack(wav) {
                // A box that has no time for it now does it after its next start.
                Ok(packed) => drop(to.try_send(packed)),
                Err(error) => tracing::warn!(%error, "a recording stays a WAV"),
            }
        }
    };
    std::thread::Builder::new().name("packer".into()).spawn(run)?;
    Ok(orders)
}

/// A call in the studio.
struct Desk {
    order: StudioOrder,
    take: Option<Take<File>>,
    hearers: Vec<SyncSender<Frame>>,
    limiter: Limiter,
}

struct Room {
    archive: Archive,
    /// Codes recordings again that have ended, if that is asked for.
    packer: Option<SyncSender<CallId>>,
    packed: Receiver<Packed>,
    config: Config,
    calls: HashMap<PortId, Desk>,
    tell: watch::Sender<Vec<String>>,
    has_room: bool,
    room_at: Instant,
    tidy_at: Instant,
}

impl Room {
    fn run(
        mut self,
        mut frames: Outlet<StudioFrame>,
        orders: &Receiver<StudioOrder>,
        hearers: &Receiver<Hearer>,
    ) {
        if let Err(error) = self.archive.mend() {
            tracing::warn!(%error, "recordings that a power cut left unfinished could not be mended");
        }
        loop {
            frames.wait(LOOK);
            // What waits came before the orders: the end of a recording that is to end now.
            self.take_in(&mut frames);
            loop {
                match orders.try_recv() {
                    Ok(order) => self.order(order),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.calls.drain().filter_map(|(_, desk)| desk.take).for_each(close);
                        return;
                    }
                }
            }
            while let Ok(hearer) = hearers.try_recv() {
                let desk =
                    self.calls.values_mut().find(|desk| desk.order.call == hearer.call && desk.order.listen);
                // Without a desk the sender goes, and who listens sees the end.
                desk.into_iter().for_each(|desk| desk.hearers.push(hearer.to.clone()));
            }
            while let Ok(packed) = self.packed.try_recv() {
                match packed.settle() {
                    Ok(settled) => tracing::info!(settled, "a recording was coded again"),
                    Err(error) => tracing::warn!(%error, "a recording stays a WAV"),
                }
            }
            self.look_after_the_disk();
            self.take_in(&mut frames);
        }
    }

    fn take_in(&mut self, frames: &mut Outlet<StudioFrame>) {
        while let Some(frame) = frames.pop() {
            self.frame(&frame);
        }
    }

    fn order(&mut self, order: StudioOrder) {
        if !order.record && !order.listen {
            if let Some(desk) = self.calls.remove(&order.port) {
                self.finish(desk.order.call, desk.take);
            }
            return;
        }
        let fresh = || Desk { order, take: None, hearers: Vec::new(), limiter: Limiter::new() };
        let known = self.calls.remove(&order.port);
        let mut desk = match known {
            Some(desk) if desk.order.epoch == order.epoch => desk,
            known => {
                if let Some(desk) = known {
                    self.finish(desk.order.call, desk.take);
                }
                fresh()
            }
        };
        desk.order = order;
        if !order.listen {
            desk.hearers.clear();
        }
        match order.record {
            true if desk.take.is_none() && self.has_room => desk.take = self.begin(order.call),
            false => self.finish(order.call, desk.take.take()),
            true => {}
        }
        self.calls.insert(order.port, desk);
    }

    fn begin(&self, call: CallId) -> Option<Take<File>> {
        let sides = self.config.sides;
        let take = self.archive.create(call, sides).and_then(|files| Take::new(sides, files));
        take.map_err(|error| self.trouble(&error)).ok()
    }

    fn trouble(&self, error: &io::Error) {
        tracing::error!(%error, "a recording cannot be written");
        self.tell.send_replace(vec![format!("Calls are not recorded: {error}. They work all the same.")]);
    }

    fn frame(&mut self, frame: &StudioFrame) {
        let Some(desk) = self.calls.get_mut(&frame.port).filter(|desk| desk.order.epoch == frame.epoch)
        else {
            return;
        };
        if !desk.hearers.is_empty() {
            let mut sum = [0; FRAME_SAMPLES];
            mix::add(&mut sum, &frame.heard);
            mix::add(&mut sum, &frame.said);
            let both = desk.limiter.hear(&sum, &Frame::SILENCE);
            // One who is slow misses this; one who has gone is forgotten.
            desk.hearers.retain(|to| !matches!(to.try_send(both), Err(TrySendError::Disconnected(_))));
        }
        match desk.take.as_mut().map(|take| take.frame(frame)) {
            Some(Ok(false)) => {
                let (call, take) = (desk.order.call, desk.take.take());
                self.finish(call, take);
            }
            Some(Err(error)) => {
                desk.take = None;
                self.trouble(&error);
            }
            Some(Ok(true)) | None => {}
        }
    }

    /// Ends a recording, if there is one.
    fn finish(&self, call: CallId, take: Option<Take<File>>) {
        if let Some(take) = take {
            close(take);
            // If it has too much to do already it finds this one after the next start.
            let _ = self.packer.as_ref().map(|packer| packer.try_send(call));
        }
    }

    /// Ends all recordings when the disk is nearly full, and deletes those that are too old.
    fn look_after_the_disk(&mut self) {
        let now = Instant::now();
        if now >= self.tidy_at {
            self.tidy_at = now + TIDY;
            let busy: Vec<CallId> = self.calls.values().map(|desk| desk.order.call).collect();
            match self.archive.tidy(&self.config, &busy) {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "old recordings were deleted"),
                Err(error) => tracing::warn!(%error, "old recordings could not be deleted"),
            }
            if let Err(error) = self.archive.clips().tidy(self.config.keep) {
                tracing::warn!(%error, "old clips could not be deleted");
            }
        }
        if now < self.room_at || self.calls.values().all(|desk| !desk.order.record) {
            return;
        }
        self.room_at = now + ROOM;
        let had = core::mem::replace(&mut self.has_room, self.archive.has_room(&self.config));
        if had && !self.has_room {
            let takes = self.calls.values_mut().map(|desk| (desk.order.call, desk.take.take()));
            let takes: Vec<_> = takes.collect();
            takes.into_iter().for_each(|(call, take)| self.finish(call, take));
            let words = "Calls are not recorded: the disk is nearly full. They work all the same.";
            self.tell.send_replace(vec![words.into()]);
        } else if self.has_room && !had {
            self.tell.send_replace(Vec::new());
        }
    }
}

fn close(mut take: Take<File>) {
    if let Err(error) = take.settle() {
        tracing::error!(%error, "the end of a recording could not be written");
    }
    tracing::info!(bytes = take.bytes(), missing_frames = take.missing, "a recording has ended");
}

/// What a reader of live sound is told first: sound without end.
pub(crate) fn live_header() -> [u8; wav::HEADER as usize] {
    wav::header(1, u64::from(u32::MAX) - wav::HEADER)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Sides;
    use super::*;

    #[test]
    fn with_too_little_room_nothing_is_recorded_the_page_is_told_and_later_it_goes_on() {
        let data = std::env::temp_dir().join(format!("hold-slayer-room-{}", std::process::id()));
        let archive = Archive::new(&data);
        let (tell, troubles) = watch::channel(Vec::new());
        let keep = Duration::from_secs(3600);
        let config = Config {
            sides: Sides::Mono,
            format: Format::Wav,
            keep,
            most: u64::MAX,
            spare: u64::MAX,
            clips: false,
        };
        let (at, calls, packed) = (Instant::now(), HashMap::new(), sync_channel(1).1);
        let mut room = Room {
            packer: None,
            packed,
            archive: archive.clone(),
            config,
            calls,
            tell,
            has_room: true,
            room_at: at,
            tidy_at: at,
        };
        let order = |n: u16, record| {
            let call = CallId(u64::from(n));
            StudioOrder { call, port: PortId(n), epoch: 1, record, listen: !record }
        };
        room.order(order(1, true));
        assert_eq!(archive.of(CallId(1)).len(), 1);
        room.look_after_the_disk();
        assert!(room.calls[&PortId(1)].take.is_none(), "what goes on is ended, and kept");
        assert_eq!(archive.of(CallId(1)).len(), 1);
        assert!(troubles.borrow()[0].contains("the disk is nearly full"));
        room.order(order(2, true));
        assert!(archive.of(CallId(2)).is_empty(), "and nothing new begins");
        room.config.spare = 0;
        room.room_at = Instant::now();
        room.look_after_the_disk();
        assert!(troubles.borrow().is_empty());
        room.order(order(3, true));
        assert_eq!(archive.of(CallId(3)).len(), 1);
        std::fs::remove_dir_all(&data).unwrap();
    }
}
