//! The appliance: runs until it is told to stop, and keeps systemd informed.

use super::start::{Options, Running, start};
use crate::config::Config;
use anyhow::{Context, Result};
use core::time::Duration;
use sd_notify::NotifyState;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the box until SIGTERM or SIGINT.
///
/// # Errors
/// As [`start`]; and if the system gives no signals.
pub fn run(config: Config, data: &Path) -> Result<()> {
    let running = start(config, data, &Options::default())?;
    tell(&running);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("tokio")?;
    let ended = runtime.block_on(wait(&running));
    notify(&[NotifyState::Stopping]);
    running.stop();
    ended
}

fn tell(running: &Running) {
    tracing::info!(sip = %running.sip, "the box is up");
    if let Some(page) = running.page {
        println!("page: http://{page}");
    }
    if let Some(password) = &running.generated_password {
        println!("password of the page, shown only now: {password}");
    }
}

/// systemd's watchdog is fed only while the control loop and the media loop turn.
async fn wait(running: &Running) -> Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    notify(&[NotifyState::Ready]);
    let watchdog = sd_notify::watchdog_enabled();
    let mut feed = tokio::time::interval(watchdog.map_or(Duration::from_secs(3600), |time| time / 3));
    let mut beat = 0;
    loop {
        tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
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
