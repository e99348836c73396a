//! The log: started once, by the command line, before anything else runs. Its last lines are kept for the page.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Lines that are kept. Full: the oldest goes.
pub const LINES: usize = 1_000;
/// The longest line that is kept, bytes.
const LINE_BYTES: usize = 2_000;

static KEPT: Mutex<VecDeque<Line>> = Mutex::new(VecDeque::new());

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How bad it is.
    pub level: Level,
    /// When, and what.
    pub text: String,
}

/// Sends the log to the standard error stream. `RUST_LOG` wins over `level`. Under systemd the journal writes the time,
/// and where there is no terminal there are no colours.
pub fn start(level: Level) {
    // What the library of assistants says of each request is for who looks for its faults.
    let usual = if level == Level::INFO { "info,rmcp=warn".to_owned() } else { level.to_string() };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let kept = fmt::layer().with_writer(Keep).with_ansi(false).with_target(false);
    let log = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).with_target(false);
    let all = tracing_subscriber::registry().with(filter).with(kept);
    // A log that is running already (a test's) stays.
    let _ = match std::env::var_os("JOURNAL_STREAM") {
        Some(_) => all.with(log.without_time()).try_init(),
        None => all.with(log).try_init(),
    };
}

/// The last lines, oldest first.
pub fn lines() -> Vec<Line> {
    kept().iter().cloned().collect()
}

fn kept() -> std::sync::MutexGuard<'static, VecDeque<Line>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what is written.
struct Keep;

impl<'a> MakeWriter<'a> for Keep {
    type Writer = Writing;

    fn make_writer(&'a self) -> Writing {
        Writing { level: Level::INFO, bytes: Vec::new() }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Writing {
        Writing { level: *of.level(), bytes: Vec::new() }
    }
}

/// One line while it is written.
struct Writing {
    level: Level,
    bytes: Vec<u8>,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LINE_BYTES.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes).trim_end().to_owned();
        if text.is_empty() {
            return;
        }
        let mut kept = kept();
        if kept.len() >= LINES {
            kept.pop_front();
        }
        kept.push_back(Line { level: self.level, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_with_their_level() {
        let layers = tracing_subscriber::registry().with(fmt::layer().with_writer(Keep).with_ansi(false));
        tracing::subscriber::with_default(layers, || {
            for n in 0..LINES + 5 {
                tracing::info!(n, "counted");
            }
            tracing::warn!("{}", "x".repeat(3 * LINE_BYTES));
        });
        let lines = lines();
        assert_eq!(lines.len(), LINES);
        let last = lines.last().map(|line| (line.level, line.text.len()));
        assert_eq!(last, Some((Level::WARN, LINE_BYTES)));
        let before =
            lines.get(LINES - 2).map(|line| line.text.ends_with(&format!("counted n={}", LINES + 4)));
        assert_eq!(before, Some(true));
    }
}
