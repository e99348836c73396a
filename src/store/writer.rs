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
