//! The one thread that writes records. It never gives a record up: it waits for the disk to come back.

use super::{Error, Shared};
use crate::call::{Figures, Record};
use core::time::Duration;
use std::sync::Arc;

const FIRST_REST: Duration = Duration::from_millis(200);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Runs until the queue is closed and empty, or closed while the disk fails.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut rest = FIRST_REST;
    while let Some(batch) = shared.queue.take() {
        match shared.write(&batch) {
            Ok(()) => {
                shared.queue.written();
                shared.report(None);
                rest = FIRST_REST;
            }
            Err(error) => {
                shared.queue.give_back();
                tracing::warn!(%error, "the records of calls could not be written");
                shared.report(Some(&error));
                if shared.queue.rest(rest) {
                    last_try(shared);
                    break;
                }
                rest = (rest * 2).min(LONGEST_REST);
                reopen(shared);
            }
        }
    }
    shared.queue.end();
}

/// redb refuses everything after an I/O error until the file is opened anew; what was committed is kept.
fn reopen(shared: &Arc<Shared>) {
    if let Err(error) = shared.reopen() {
        tracing::warn!(%error, "the database could not be reopened");
    }
}

fn last_try(shared: &Arc<Shared>) {
    reopen(shared);
    let Some(batch) = shared.queue.take() else { return };
    match shared.write(&batch) {
        Ok(()) => shared.queue.written(),
        Err(error) => {
            tracing::error!(%error, calls = batch.records.len(), "records are lost: the disk failed until the end");
            shared.queue.give_back();
        }
    }
}

/// What the page says while records wait.
pub(super) fn trouble(error: &Error, waiting: usize) -> String {
    let records = if waiting == 1 { "1 record waits".into() } else { format!("{waiting} records wait") };
    format!("The call history cannot be written: {error}. Calls work on; {records} in memory.")
}

/// One record as bytes: a version byte, then postcard.
pub(super) fn encode(record: &Record) -> Result<Vec<u8>, Error> {
    let bytes = vec![RECORD_VERSION];
    postcard::to_extend(record, bytes).map_err(|error| Error::Other(error.to_string()))
}

/// The record in `bytes`, if this version knows how they were written.
pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
    match bytes.split_first() {
        Some((&RECORD_VERSION, rest)) => postcard::from_bytes(rest).ok(),
        // Written before there were figures: they come last, and are those of a call about which nothing is known.
        Some((1, rest)) => {
            let figures = postcard::to_stdvec(&Figures::default()).ok()?;
            postcard::from_bytes(&[rest, &figures].concat()).ok()
        }
        _ => None,
    }
}

const RECORD_VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::call::{Decision, Outcome, Span};
    use crate::listen::Sound;
    use crate::units::{CallId, Wall};

    /// As a box wrote it before records had figures, byte by byte.
    const FIRST: &[u8] = b"\x01\x07\x01\x041800\xE8\x07\x01\xD0\x0F\x01\x88\x27\x02\xDC\x0B\x01\xC4\x13\
        \x01\xC0\x0C\x06\x00\x00\x00\x3F\x01\xB8\x17\x04ring\x01a";

    #[test]
    fn a_record_of_the_first_version_is_read_with_the_figures_of_a_call_about_which_nothing_is_known() {
        let mut expected = Record::new(CallId(7), true, "1800", Wall(1_000));
        (expected.answered, expected.ended) = (Some(Wall(2_000)), Some(Wall(5_000)));
        (expected.outcome, expected.held_ms) = (Outcome::Slain, 1_500);
        expected.hold_started = Some(Wall(2_500));
        expected.heard.push(Span { at_ms: 1_600, sound: Sound::Music, confidence: 0.5 });
        expected.decisions.push(Decision { at_ms: 3_000, what: "ring".into(), reason: "a".into() });
        assert_eq!(decode(FIRST).as_ref(), Some(&expected));
        assert_eq!(decode(&encode(&expected).unwrap()), Some(expected));
        for broken in [&FIRST[..FIRST.len() - 1], b"", b"\x00", b"\x09\x07"] {
            assert_eq!(decode(broken), None);
        }
    }
}
