//! The last events, for who comes late, comes back or is slow. Each has a number that rises for ever, over restarts too.

use crate::call::{Event, Happened};
use crate::clock;
use crate::limits::WEB_EVENTS;
use crate::units::CallId;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// Rises; the `Last-Event-ID` of a stream.
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) what: Happened,
}

impl Entry {
    /// Its type, such as `call.started`.
    pub(super) fn kind(&self) -> String {
        let value = serde_json::to_value(&self.what.event).unwrap_or_default();
        value.get("type").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned()
    }
}

/// Which events somebody wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Types, or their kinds before the dot; none: all.
    pub(super) types: Vec<String>,
    /// Of this call only.
    pub(super) call: Option<CallId>,
}

impl Filter {
    /// From `call,hold.detected`.
    pub(super) fn new(types: Option<&str>, call: Option<CallId>) -> Self {
        let types = types
            .unwrap_or_default()
            .split(',')
            .map(|part| part.trim_matches(' '))
            .filter(|part| !part.is_empty());
        Self { types: types.map(str::to_owned).collect(), call }
    }

    /// Whether it is wanted.
    pub(super) fn wants(&self, entry: &Entry) -> bool {
        let (kind, own) = (entry.kind(), self.call.is_none_or(|call| entry.what.call == Some(call)));
        own && (self.types.is_empty() || self.types.iter().any(|wanted| Event::names(wanted, &kind)))
    }
}

/// The journal. Clones share it. The one writer is never held up for longer than a reader copies.
#[derive(Clone)]
pub struct Journal {
    kept: Arc<Mutex<Kept>>,
    last: watch::Sender<u64>,
}

struct Kept {
    entries: VecDeque<Arc<Entry>>,
    next: u64,
}

/// What came after an event.
pub(super) struct After {
    pub(super) entries: Vec<Arc<Entry>>,
    /// Events between that are no longer kept.
    pub(super) lost: u64,
}

impl Default for Journal {
    /// Empty. The first number is the time of day in milliseconds: no earlier start gave a higher one.
    fn default() -> Self {
        let next = clock::wall().0;
        let kept = Kept { entries: VecDeque::with_capacity(WEB_EVENTS), next };
        Self { kept: Arc::new(Mutex::new(kept)), last: watch::Sender::new(next - 1) }
    }
}

impl Journal {
    /// Writes an event down.
    pub fn write(&self, what: Happened) {
        let mut kept = self.kept();
        let id = kept.next;
        kept.next += 1;
        if kept.entries.len() >= WEB_EVENTS {
            kept.entries.pop_front();
        }
        kept.entries.push_back(Arc::new(Entry { id, what }));
        drop(kept);
        self.last.send_replace(id);
    }

    /// An event of the box itself.
    pub fn tell(&self, event: Event) {
        self.write(Happened { at: clock::wall(), call: None, event });
    }

    /// The number of the newest event.
    pub(super) fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// Changes with each event.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// What came after the event with this number.
    pub(super) fn after(&self, id: u64) -> After {
        let kept = self.kept();
        let oldest = kept.entries.front().map_or(kept.next, |entry| entry.id);
        let from = kept.entries.partition_point(|entry| entry.id <= id);
        After {
            entries: kept.entries.iter().skip(from).cloned().collect(),
            lost: oldest.saturating_sub(id.saturating_add(1)),
        }
    }

    /// All that is kept.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.kept().entries.iter().cloned().collect()
    }

    /// Takes out what the owner wants nobody to read.
    pub(super) fn forget(&self, gone: impl Fn(&Happened) -> bool) {
        self.kept().entries.retain(|entry| !gone(&entry.what));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_are_kept_and_who_missed_some_is_told_how_many() {
        let journal = Journal::default();
        let before = journal.last();
        for _ in 0..WEB_EVENTS + 7 {
            journal.tell(Event::Started);
        }
        let after = journal.after(before);
        assert_eq!((after.entries.len(), after.lost), (WEB_EVENTS, 7));
        assert_eq!(after.entries.first().map(|entry| entry.id), Some(before + 8));
        let after = journal.after(before + 9);
        assert_eq!((after.entries.len(), after.lost), (WEB_EVENTS - 2, 0));
        assert_eq!(journal.after(journal.last()).entries.len(), 0);
    }

    #[test]
    fn a_filter_takes_types_kinds_and_calls() {
        let happened = |event, call: Option<u64>| Entry {
            id: 1,
            what: Happened { at: crate::units::Wall(0), call: call.map(CallId), event },
        };
        let held = happened(Event::HoldDetected, Some(7));
        let cases = [
            (None, None, true),
            (Some("hold"), None, true),
            (Some("call, hold.detected"), None, true),
            (Some("hold.human_detected"), None, false),
            (Some("hol"), None, false),
            (None, Some(CallId(7)), true),
            (Some("hold"), Some(CallId(8)), false),
        ];
        for (types, call, wanted) in cases {
            assert_eq!(Filter::new(types, call).wants(&held), wanted, "{types:?} {call:?}");
        }
    }
}
