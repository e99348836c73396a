//! `hold-slayer demo`: the real box between a company and a phone, told on the terminal and judged from outside.

use super::edge::{Shown, Site, Stage};
use super::judge::judge;
use super::scenario::Scenario;
use super::story;
use crate::call::Record;
use crate::store::Store;
use crate::{app, config};
use anyhow::{Context, Result, anyhow};
use core::time::Duration;
use std::io::{self, Write};
use std::path::PathBuf;

/// What to show, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// One of [`Scenario::all`].
    pub scenario: String,
    /// No browser and no live line; the calls' records at the end.
    pub headless: bool,
}

/// A directory of its own for the box's data, gone when the demo is over.
struct Data(PathBuf);

impl Drop for Data {
    fn drop(&mut self) {
        // Left behind, it does no harm: it lies in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Shows a scenario. True if all that was expected was seen: the agent was caught, and no ring was false.
///
/// # Errors
/// No such scenario, no free port, or a box that does not start.
pub fn run(options: &Options) -> Result<bool> {
    let scenario = Scenario::named(&options.scenario).ok_or_else(|| unknown(&options.scenario))?;
    let (expect, redials) = (scenario.expect, scenario.redials);
    let random = || getrandom::u64().map_err(|error| anyhow!("the system gives no random numbers: {error}"));
    let secret = || Ok::<_, anyhow::Error>(format!("{:016x}{:016x}", random()?, random()?));
    let (seed, token, app_token) = (random()?, secret()?, format!("hs_{}", secret()?));
    let password = format!("{:012x}", random()? >> 16);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("tokio")?;
    let out = &mut io::stdout();
    tell(out, &format!("scenario {}: {}", scenario.name, scenario.about));

    let stage = runtime
        .block_on(Stage::open(scenario, seed))
        .context("no free UDP port on 127.0.0.2 or 127.0.0.3")?;
    let data = Data(std::env::temp_dir().join(format!("hold-slayer-demo-{seed:016x}")));
    std::fs::create_dir_all(&data.0).with_context(|| format!("cannot make {}", data.0.display()))?;
    let no_board_file = |_: &std::path::Path| Err(io::ErrorKind::NotFound.into());
    let text = configuration(stage.site(), &password, redials);
    let settings = config::parse(&text, "the demo's configuration", &no_board_file)
        .map_err(|mistakes| anyhow!("{mistakes}"))?;
    let box_options = app::Options {
        any_port: true,
        one_use_token: Some(token.clone()),
        app_token: Some(app_token.clone()),
        ..app::Options::default()
    };
    let running = app::start(settings, &data.0, &box_options)?;

    if let Some(page) = running.page() {
        tell(out, &format!("page: http://{page}"));
        tell(out, &format!("      its password, for this once: {password}"));
        tell(out, &format!("token: {app_token}"));
        if !options.headless {
            open_browser(&format!("http://{page}/login?token={token}"));
        }
    }
    let shown = Shown { sip: running.sip, snapshot: running.snapshot.clone() };
    let said = runtime.block_on(stage.play(shown, !options.headless, out));
    let records = running.store.as_ref().map(of_every_call).unwrap_or_default();
    running.stop();

    for record in records.iter().filter(|_| options.headless) {
        tell(out, &story::record(record));
    }
    let verdict = judge(expect, &said, &records);
    tell(out, &verdict.to_string());
    Ok(verdict.passed())
}

fn unknown(name: &str) -> anyhow::Error {
    let names: Vec<_> = Scenario::all().iter().map(|s| format!("  {:<22} {}", s.name, s.about)).collect();
    anyhow!("there is no scenario {name}; there are:\n{}", names.join("\n"))
}

/// The demo's box reads a configuration like anybody's.
fn configuration(site: &Site, password: &str, redials: u8) -> String {
    let Site { trunk, trunk_user, trunk_secret, phone_user, phone_secret } = site;
    format!(
        "[sip]\nlisten = \"127.0.0.1:5060\"\n[web]\nlisten = \"127.0.0.1:8080\"\npassword = \"{password}\"\n\
         [hold]\nredial = {redials}\n\
         [[trunk]]\nname = \"provider\"\nserver = \"{trunk}\"\nuser = \"{trunk_user}\"\nsecret = \"{trunk_secret}\"\n\
         [[phone]]\nname = \"hall\"\nuser = \"{phone_user}\"\nsecret = \"{phone_secret}\"\n"
    )
}

/// The records, the oldest first, once all that was to be written is written.
fn of_every_call(store: &Store) -> Vec<Record> {
    store.flush(Duration::from_secs(3));
    let mut records = store.history(None, 64).unwrap_or_default();
    records.reverse();
    records
}

/// A terminal that has gone away is no reason to stop judging.
fn tell(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Shows the page where there is a screen; a failure is no matter, its address is on the terminal.
fn open_browser(page: &str) {
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|key| std::env::var_os(key).is_some());
    if has_display {
        let quiet = std::process::Stdio::null;
        let _ = std::process::Command::new("xdg-open")
            .arg(page)
            .stdin(quiet())
            .stdout(quiet())
            .stderr(quiet())
            .spawn();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_configuration_of_the_demo_is_a_good_one() {
        let site = Site {
            trunk: "127.0.0.3:40000".parse().unwrap(),
            trunk_user: "household".into(),
            trunk_secret: "trunk-0123456789abcdef".into(),
            phone_user: "phone".into(),
            phone_secret: "phone-0123456789abcdef".into(),
        };
        let none = |_: &std::path::Path| Err(io::ErrorKind::NotFound.into());
        let settings = config::parse(&configuration(&site, "password", 2), "demo", &none).unwrap();
        assert_eq!((settings.trunks.len(), settings.phones.len()), (1, 1));
    }

    #[test]
    fn an_unknown_scenario_is_answered_with_those_there_are() {
        let options = Options { scenario: "nomral".into(), headless: true };
        let error = run(&options).unwrap_err().to_string();
        for scenario in Scenario::all() {
            assert!(error.contains(scenario.name), "{error}");
        }
    }
}
