//! The appliance: runs until it is told to stop, and keeps systemd informed.

use super::sockets;
use super::start::{Options, Running, start};
use crate::config::Config;
use crate::media::realtime;
use crate::web;
use anyhow::{Context, Result};
use core::time::Duration;
use sd_notify::NotifyState;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
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
    sockets::await_addresses(&config, || notify(&[NotifyState::Watchdog]));
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
    tracing::info!(sip = %running.sip, "the box is up");
    tell(&running, true);
    realtime::forget_the_start();
    let end = runtime.block_on(wait(&running, signals));
    // The way out and in again is watched, too, where the box starts anew.
    notify(&[if end == End::Stop { NotifyState::Stopping } else { NotifyState::Watchdog }]);
    running.stop();
    if end == End::Again {
        notify(&[NotifyState::Watchdog]);
    }
    Ok(end)
}

/// The text screen of a box that has one.
const SCREEN: &str = "/dev/tty1";

/// Shows it on a screen, if there is one that the box may write on. It waits for nobody.
fn show(screen: &Path, words: &str) {
    let flags = nix::fcntl::OFlag::O_NOCTTY | nix::fcntl::OFlag::O_NONBLOCK;
    let open = OpenOptions::new().append(true).custom_flags(flags.bits()).open(screen);
    let lines = words.replace('\n', "\r\n");
    let shown =
        open.and_then(|mut screen| screen.write_all(format!("\r\nHold Slayer\r\n{lines}").as_bytes()));
    if let Err(error) = shown {
        tracing::debug!(%error, "there is no screen to show the code on");
    }
}

/// Where the page is, and `code`, which claims it.
fn tell(running: &Running, code: bool) {
    let scheme = if running.page_is_encrypted { "https" } else { "http" };
    let page = running.page().map(|page| {
        // It listens to every address, and this machine has none.
        let none = running.ip.borrow().is_loopback() && !running.sip.ip().is_loopback();
        let wait = if none { "no network yet: is the cable plugged in, the Wi-Fi joined?\n" } else { "" };
        format!("{wait}page: {scheme}://{page}\n")
    });
    let code = running
        .claim_code
        .as_ref()
        .filter(|_| code)
        .map(|code| format!("code that claims the page, until somebody has it: {code}\n"));
    let words: String = page.into_iter().chain(code).collect();
    let mut out = std::io::stdout();
    // A reader that has gone away is no reason not to telephone.
    let _ = out.write_all(words.as_bytes()).and_then(|()| out.flush());
    // As a service nobody sees that: whoever has a screen on the box (HDMI of a Pi) reads it there.
    if running.claim_code.is_some() && std::env::var_os("JOURNAL_STREAM").is_some() {
        show(Path::new(SCREEN), &words);
    }
}

/// systemd's watchdog is fed only while the control loop and the media loop turn.
async fn wait(running: &Running, (mut term, mut int): (Signal, Signal)) -> End {
    let (mut again, mut ip) = (running.again.clone(), running.ip.clone());
    notify(&[NotifyState::Ready]);
    let watchdog = sd_notify::watchdog_enabled();
    let mut feed = tokio::time::interval(watchdog.map_or(Duration::from_secs(3600), |time| time / 3));
    let mut beat = 0;
    loop {
        tokio::select! {
            _ = term.recv() => return End::Stop,
            _ = int.recv() => return End::Stop,
            Ok(_) = again.wait_for(|again| *again) => return End::Again,
            Ok(()) = ip.changed() => tell(running, false),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_code_is_shown_on_a_screen_that_is_there_and_nowhere_else() {
        let screen = std::env::temp_dir().join(format!("hold-slayer-screen-{}", std::process::id()));
        show(&screen, "code: abcd-efgh\n");
        assert!(!screen.exists(), "nothing is made where no screen is");
        std::fs::write(&screen, "login: ").unwrap();
        show(&screen, "code: abcd-efgh\n");
        assert_eq!(
            std::fs::read_to_string(&screen).unwrap(),
            "login: \r\nHold Slayer\r\ncode: abcd-efgh\r\n",
            "what stood there stays"
        );
        std::fs::remove_file(screen).unwrap();
    }
}
