//! The appliance: runs until it is told to stop, and keeps systemd informed.

use super::start::{Options, Running, start};
use crate::config::Config;
use crate::media::realtime;
use crate::web;
use anyhow::{Context, Result};
use core::time::Duration;
use sd_notify::NotifyState;
use std::io::Write;
use std::path::Path;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Why the box has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Stop,
    /// It shall be started anew, with the configuration as it is then.
    Again,
}

/// Runs the box until SIGTERM or SIGINT, or until the page asks for another start.
///
/// # Errors
/// As [`start`]; and if the system gives no signals.
pub fn run(config: Config, file: &Path, data: &Path, slots: &Path) -> Result<End> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("tokio")?;
    // Before anything is up: a signal at any later moment finds the box able to say goodbye.
    let signals = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    // Passwords and numbers lie in what is written from here on.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let console = Some(web::console_in(std::env::var_os("RUNTIME_DIRECTORY").as_deref(), data));
    let running = start(
        config,
        data,
        &Options {
            file: Some(file.to_owned()),
            console,
            slots: Some(slots.to_owned()),
            ..Options::default()
        },
    )?;
    tell(&running);
    realtime::forget_the_start();
    let end = runtime.block_on(wait(&running, signals));
    if end == End::Stop {
        notify(&[NotifyState::Stopping]);
    }
    running.stop();
    Ok(end)
}

fn tell(running: &Running) {
    tracing::info!(sip = %running.sip, "the box is up");
    let scheme = if running.page_is_encrypted { "https" } else { "http" };
    let page = running.page.map(|page| format!("page: {scheme}://{page}\n"));
    let code = running
        .claim_code
        .as_ref()
        .map(|code| format!("code that claims the page, until somebody has it: {code}\n"));
    let words: String = page.into_iter().chain(code).collect();
    let mut out = std::io::stdout();
    // A reader that has gone away is no reason not to telephone.
    let _ = out.write_all(words.as_bytes()).and_then(|()| out.flush());
}

/// systemd's watchdog is fed only while the control loop and the media loop turn.
async fn wait(running: &Running, (mut term, mut int): (Signal, Signal)) -> End {
    let mut again = running.again.clone();
    notify(&[NotifyState::Ready]);
    let watchdog = sd_notify::watchdog_enabled();
    let mut feed = tokio::time::interval(watchdog.map_or(Duration::from_secs(3600), |time| time / 3));
    let mut beat = 0;
    loop {
        tokio::select! {
            _ = term.recv() => return End::Stop,
            _ = int.recv() => return End::Stop,
            Ok(_) = again.wait_for(|again| *again) => return End::Again,
            _ = feed.tick() => {
                let turned = core::mem::replace(&mut beat, *running.beat.borrow());
                if watchdog.is_some() && turned != beat {
                    notify(&[NotifyState::Watchdog]);
                }
            }
        }
    }
}

/// Outside systemd there is nobody to tell.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}
