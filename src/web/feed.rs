//! The stream of events for programs (SSE; the gate makes frames of it for WebSocket). One thread for each reader, from
//! the same places as the page's streams. Who falls behind the journal is told, and dropped.

use super::answer;
use super::events::Place;
use super::journal::{Entry, Filter, Journal};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::Arc;
use tokio::sync::watch;

/// Shorter than the gate's idle time, so that a living stream is never cut.
const HEARTBEAT: Duration = Duration::from_secs(10);
const STACK_BYTES: usize = 256 * 1024;

/// Streams to `to` until it fails or `stop` says true. `after`: the last event that the reader has; `None`: only what
/// comes from now on.
pub(super) fn stream(
    place: Place,
    mut to: Box<dyn Write + Send>,
    journal: Journal,
    filter: Filter,
    after: Option<u64>,
    mut stop: watch::Receiver<bool>,
) {
    let from = after.unwrap_or_else(|| journal.last());
    let run = move || {
        let _place = place;
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
        let mut news = journal.news();
        let mut reader = Reader { at: from, comes_back: after.is_some() };
        if answer::begin_events(&mut *to).is_err() {
            return;
        }
        loop {
            // Before looking: what comes in between wakes.
            news.mark_unchanged();
            match reader.catch_up(&mut *to, &journal, &filter) {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
            let beats = runtime.block_on(async {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => None,
                    changed = news.changed() => changed.ok().map(|()| false),
                    () = tokio::time::sleep(HEARTBEAT) => Some(true),
                }
            });
            let Some(beats) = beats else { return };
            if beats && to.write_all(b": still here\n\n").and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    };
    let started = std::thread::Builder::new().name("web-feed".into()).stack_size(STACK_BYTES).spawn(run);
    if let Err(error) = started {
        tracing::warn!(%error, "a stream of events could not be started");
    }
}

struct Reader {
    /// The last event that was written or passed over.
    at: u64,
    /// It has not been read for since the connection before: what it missed meanwhile is no reason to drop it.
    comes_back: bool,
}

impl Reader {
    /// Writes what is new. False: the reader was too slow, and has been told.
    fn catch_up(&mut self, to: &mut dyn Write, journal: &Journal, filter: &Filter) -> io::Result<bool> {
        let after = journal.after(self.at);
        if after.lost > 0 {
            let (kind, words) = match core::mem::take(&mut self.comes_back) {
                true => ("stream.gap", "older events are no longer kept"),
                false => {
                    ("stream.dropped", "you read too slowly: connect again with the id of your last event")
                }
            };
            let told = serde_json::json!({ "type": kind, "lost": after.lost, "words": words });
            write!(to, "event: {kind}\ndata: {told}\n\n")?;
            to.flush()?;
            if kind == "stream.dropped" {
                return Ok(false);
            }
        }
        self.comes_back = false;
        for entry in after.entries.iter().filter(|entry| filter.wants(entry)) {
            write_entry(to, entry)?;
        }
        self.at = after.entries.last().map_or(self.at, |entry| entry.id);
        to.flush()?;
        Ok(true)
    }
}

fn write_entry(to: &mut dyn Write, entry: &Arc<Entry>) -> io::Result<()> {
    // JSON has no line breaks outside strings and escapes them within: one data line.
    let json = serde_json::to_string(&**entry).map_err(io::Error::other)?;
    write!(to, "id: {}\nevent: {}\ndata: {json}\n\n", entry.id, entry.kind())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::call::Event;
    use crate::limits::WEB_EVENTS;

    #[test]
    fn who_is_slow_is_told_and_dropped_and_who_comes_back_is_told_and_served() {
        let journal = Journal::default();
        let start = journal.last();
        (0..WEB_EVENTS + 5).for_each(|_| journal.tell(Event::Started));
        let read = |comes_back| {
            let mut written = Vec::new();
            let mut reader = Reader { at: start, comes_back };
            let goes_on = reader.catch_up(&mut written, &journal, &Filter::default()).unwrap();
            (goes_on, String::from_utf8(written).unwrap())
        };
        let (goes_on, text) = read(false);
        assert!(!goes_on && text.starts_with("event: stream.dropped\ndata: {"), "{text}");
        let (goes_on, text) = read(true);
        assert!(goes_on && text.starts_with("event: stream.gap\n"), "{text}");
        assert_eq!(text.matches("event: system.started\n").count(), WEB_EVENTS);
    }
}
