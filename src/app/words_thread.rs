//! The edge of recognition: a thread that takes segments of speech and gives words back, with the model on the box, at low
//! priority, or by asking another machine.
//!
//! Nobody waits for it. A segment that finds its queue full is not recognised; a board that is too slow for it does without,
//! and says so. While there is nothing to recognise for a while, its memory is given back.

use crate::assist::{self, hear};
use crate::clock;
use crate::limits::WORDS_QUEUE;
use crate::listen::words::network::{Files, Recogniser};
use crate::listen::words::{Language, Said, Segment};
use crate::media::inlet::Inlet;
use crate::net::backoff::Backoff;
use crate::net::http::Client;
use crate::units::{PortId, Tick};
use core::time::Duration;
use nix::libc;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use tokio::sync::watch;

/// A segment of a port in one of its openings.
pub(super) type Job = (PortId, u32, Segment);

/// What was said in a segment.
#[derive(Debug)]
pub(super) struct Recognised {
    pub(super) port: PortId,
    pub(super) epoch: u32,
    pub(super) from: Tick,
    pub(super) to: Tick,
    pub(super) said: Said,
}

/// So long the networks stay in memory after the last segment.
const IDLE: Duration = Duration::from_secs(60);
/// How long the other machine is left alone after its first failure, and at most.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(300);
/// How far below ordinary work it runs: 19 is the end.
const NICE: libc::c_int = 10;

/// The way to the thread.
pub(super) struct Words {
    pub(super) jobs: SyncSender<Job>,
    /// Why there are no words, if there are none.
    pub(super) troubles: watch::Receiver<Vec<String>>,
}

/// Starts the thread that asks another machine. While that does not answer, the box goes by sound alone and says so.
///
/// # Errors
/// In words: no thread can be had.
pub(super) fn start_elsewhere(
    service: assist::Service,
    language: Language,
    back: Inlet<Recognised>,
) -> Result<Words, String> {
    let client = Client::new(None)?;
    let (jobs, work) = sync_channel::<Job>(WORDS_QUEUE);
    let (tell, troubles) = watch::channel(Vec::new());
    let run = move || {
        let mut backoff = Backoff::new(FIRST_REST, LONGEST_REST);
        while let Ok((port, epoch, segment)) = work.recv() {
            if backoff.rests(clock::now()) {
                continue;
            }
            match hear::hear(&client, &service, &segment.samples, language) {
                Ok(said) => {
                    backoff.worked();
                    tell.send_if_modified(|troubles| !core::mem::take(troubles).is_empty());
                    if let Some(said) = said {
                        // Full: the listener is behind as well, and words are the least of it.
                        let _ = back.try_send(Recognised {
                            port,
                            epoch,
                            from: segment.from,
                            to: segment.to,
                            said,
                        });
                    }
                }
                Err(failure) => {
                    backoff.failed(clock::now());
                    let words = failure.words;
                    tell.send_replace(vec![format!(
                        "the box goes by sound alone, for words are not recognised: {words}"
                    )]);
                }
            }
        }
    };
    let spawned = std::thread::Builder::new().name("words".into()).spawn(run);
    spawned.map_err(|error| format!("the thread for words cannot be started: {error}"))?;
    Ok(Words { jobs, troubles })
}

/// Opens the model and starts the thread. It ends with the sender of jobs.
///
/// # Errors
/// In words, when the model is not there or not one that can be run, or no thread can be had.
pub(super) fn start(folder: &Path, language: Language, back: Inlet<Recognised>) -> Result<Words, String> {
    let files = Files::open(folder)?;
    if !files.speaks(language) {
        return Err(Files::unknown(folder, language));
    }
    let (jobs, work) = sync_channel(WORDS_QUEUE);
    let (tell, troubles) = watch::channel(Vec::new());
    let run = move || {
        if let Err(why) = run(&files, language, &work, &back) {
            tell.send_replace(vec![format!("the box does not understand words any more: {why}")]);
        }
    };
    let spawned = std::thread::Builder::new().name("words".into()).spawn(run);
    spawned.map_err(|error| format!("the thread for words cannot be started: {error}"))?;
    Ok(Words { jobs, troubles })
}

fn run(
    files: &Files,
    language: Language,
    work: &Receiver<Job>,
    back: &Inlet<Recognised>,
) -> Result<(), String> {
    step_back();
    let mut pace = Pace::default();
    while let Ok(first) = work.recv() {
        let mut recogniser = Recogniser::new(files)?;
        let mut next = Ok(first);
        while let Ok((port, epoch, segment)) = next {
            let begun = clock::now();
            let said = recogniser.hear(&segment.samples, language)?;
            pace.add(segment.to.since(segment.from), clock::now().since(begun))?;
            if let Some(said) = said {
                // Full: the listener is behind as well, and words are the least of it.
                let _ = back.try_send(Recognised { port, epoch, from: segment.from, to: segment.to, said });
            }
            next = work.recv_timeout(IDLE);
        }
        if matches!(next, Err(RecvTimeoutError::Disconnected)) {
            return Ok(());
        }
    }
    Ok(())
}

/// Lets everything else go first.
#[allow(unsafe_code)]
pub(super) fn step_back() {
    // SAFETY: it takes a number and changes the calling thread's priority; what it returns is of no use here.
    unsafe { libc::nice(NICE) };
}

/// Whether the board keeps up.
#[derive(Debug, Default)]
struct Pace {
    heard: Duration,
    took: Duration,
}

/// Speech after which it is known how fast the board is.
const KNOWN: Duration = Duration::from_secs(30);

impl Pace {
    /// A segment of so many frames took so long.
    fn add(&mut self, frames: u64, took: Duration) -> Result<(), String> {
        self.heard += Duration::from_millis(frames * 20);
        self.took += took;
        if self.heard < KNOWN {
            return Ok(());
        }
        if self.took > self.heard {
            let (took, heard) = (self.took.as_secs_f32(), self.heard.as_secs_f32());
            return Err(format!("this machine is too slow for it ({took:.0} s for {heard:.0} s of speech)"));
        }
        *self = Self { heard: self.heard / 2, took: self.took / 2 };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_board_that_does_not_keep_up_is_told_of_and_a_stall_is_not() {
        let mut slow = Pace::default();
        let said = (0..20).find_map(|_| slow.add(150, Duration::from_secs(4)).err()).unwrap();
        assert!(said.contains("too slow") && said.contains("40 s for 30 s"), "{said}");
        let mut quick = Pace::default();
        assert!((0..1000).all(|n| {
            let took = if n % 20 == 0 { Duration::from_secs(5) } else { Duration::from_millis(400) };
            quick.add(150, took).is_ok()
        }));
    }
}
