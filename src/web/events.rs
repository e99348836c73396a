//! The event stream: the whole snapshot as JSON on each change. One thread for each stream, at most
//! [`WEB_STREAMS`]; a reader that does not keep up loses snapshots in between, and the stream if it stops reading.

use super::answer;
use crate::call::Snapshot;
use crate::limits::WEB_STREAMS;
use core::time::Duration;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// Shorter than the gate's idle time, so that a living stream is never cut.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Changes closer together than this are one event. The page shall show an event within 200 ms.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
const STACK_BYTES: usize = 256 * 1024;

/// The streams that are open.
#[derive(Default)]
pub(super) struct Streams(Arc<AtomicUsize>);

/// A place for one stream; free again when dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Streams {
    /// A place, if one is free.
    pub(super) fn place(&self) -> Option<Place> {
        let more = |open| (open < WEB_STREAMS).then_some(open + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Place(Arc::clone(&self.0)))
    }
}

/// Streams to `to` until it fails or `stop` says true.
pub(super) fn stream(
    place: Place,
    mut to: Box<dyn Write + Send>,
    mut snapshot: watch::Receiver<Arc<Snapshot>>,
    mut stop: watch::Receiver<bool>,
) {
    let run = move || {
        let _place = place;
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
        let _ = answer::begin_events(&mut *to);
        snapshot.mark_changed();
        loop {
            let next = runtime.block_on(async {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => Next::End,
                    changed = snapshot.changed() => if changed.is_ok() { Next::Tell } else { Next::End },
                    () = tokio::time::sleep(HEARTBEAT) => Next::Beat,
                }
            });
            let written = match next {
                Next::Tell => tell(&mut *to, &snapshot.borrow_and_update().clone()),
                Next::Beat => to.write_all(b": still here\n\n").and_then(|()| to.flush()),
                Next::End => return,
            };
            if written.is_err() {
                return;
            }
            runtime.block_on(async { tokio::time::sleep(AT_MOST_EVERY).await });
        }
    };
    let started = std::thread::Builder::new().name("web-events".into()).stack_size(STACK_BYTES).spawn(run);
    if let Err(error) = started {
        tracing::warn!(%error, "an event stream could not be started");
    }
}

enum Next {
    Tell,
    Beat,
    End,
}

fn tell(to: &mut dyn Write, snapshot: &Snapshot) -> io::Result<()> {
    // JSON has no line breaks outside strings and escapes them within: one data line.
    let json = serde_json::to_string(snapshot).map_err(io::Error::other)?;
    write!(to, "event: snapshot\ndata: {json}\n\n")?;
    to.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn places_are_counted_and_come_back() {
        let streams = Streams::default();
        let taken: Vec<_> = (0..WEB_STREAMS).map(|_| streams.place().unwrap()).collect();
        assert!(streams.place().is_none());
        drop(taken);
        assert!(streams.place().is_some());
    }
}
