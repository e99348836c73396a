//! The one thread that writes records. It never gives a record up: it waits for the disk to come back.

use super::{Error, Shared};
use crate::call::{Figures, Record, Utterance};
use crate::clock;
use crate::units::Instant;
use core::time::Duration;
use std::sync::Arc;

const FIRST_REST: Duration = Duration::from_millis(200);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// So often it is seen to that nothing is kept for too long.
const TIDIES: Duration = Duration::from_secs(3600);

/// Runs until the queue is closed and empty, or closed while the disk fails.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut rest = FIRST_REST;
    let mut tidied: Option<Instant> = None;
    while let Some(batch) = shared.queue.take(TIDIES) {
        match shared.write(&batch) {
            Ok(()) => {
                shared.queue.written();
                shared.report(None);
                rest = FIRST_REST;
                if tidied.is_none_or(|at| clock::now().since(at) >= TIDIES) {
                    tidied = Some(clock::now());
                    shared.place.forget_earlier(false);
                    if let Err(error) = shared.forget_old().and_then(|()| shared.forget_old_doubts()) {
                        tracing::warn!(%error, "what is kept for too long could not be deleted");
                    }
                }
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
    let Some(batch) = shared.queue.take(Duration::ZERO) else { return };
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
        // Written before there were figures, or before there was what was said: they come last, and are those of a call about
        // which nothing is known.
        Some((version @ (1 | 2), rest)) => {
            let figures = postcard::to_stdvec(&Figures::default()).ok()?;
            let figures = if *version == 1 { &figures[..] } else { &[] };
            let said = postcard::to_stdvec(&Vec::<Utterance>::new()).ok()?;
            postcard::from_bytes(&[rest, figures, &said].concat()).ok()
        }
        _ => None,
    }
}

const RECORD_VERSION: u8 = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::call::By;
    use crate::store::tests::record;

    #[test]
    fn records_of_earlier_versions_are_understood() {
        let mut now = record(7, "+18005550123");
        now.figures.false_alarms = 2;
        let without = |parts: &[u8], version: u8| {
            let bytes = encode(&now).unwrap();
            let rest = bytes[1..].strip_suffix(parts).unwrap();
            decode(&[&[version], rest].concat())
        };
        let figures = postcard::to_stdvec(&now.figures).unwrap();
        assert_eq!(without(&[0], 2).unwrap(), now, "there was nothing said");
        let first = without(&[&figures[..], &[0]].concat(), 1).unwrap();
        assert_eq!(first, Record { figures: Figures::default(), ..now.clone() });
        now.said = vec![Utterance { at_ms: 5, by: By::Line, text: "please hold".into() }];
        assert_eq!(decode(&encode(&now).unwrap()).unwrap(), now);
        assert_eq!(decode(&[9, 1, 2]), None);
    }
}
