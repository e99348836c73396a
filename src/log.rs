//! The log: started once, by the command line, before anything else runs.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Sends the log to the standard error stream. `RUST_LOG` wins over `level`. Under systemd the journal writes the time,
/// and where there is no terminal there are no colours.
pub fn start(level: tracing::Level) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level.to_string()));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A log that is running already (a test's) stays.
    let _ = match std::env::var_os("JOURNAL_STREAM") {
        Some(_) => log.without_time().try_init(),
        None => log.try_init(),
    };
}
