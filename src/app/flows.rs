//! `hold-slayer flows`: what a box that does not run knows of menus.

use crate::clock;
use crate::slay::book::{Book, Entry, Standing};
use crate::slay::text;
use crate::store::{Store, is_in_use};
use anyhow::{Context, Result, anyhow, bail};
use core::fmt::Write;
use core::time::Duration;
use std::path::Path;

const RUNS: &str = "the box is running and has the database: use its page, under Menus, or GET and POST /api/v1/flows. \
                    Or stop it first";

fn open(data: &Path) -> Result<Store> {
    if !data.is_dir() {
        bail!("there is no folder {}: name the box's own with --data", data.display());
    }
    if is_in_use(data) {
        bail!(RUNS);
    }
    let (store, _) = Store::open(data).with_context(|| format!("cannot open {}", data.display()))?;
    Ok(store)
}

fn close(store: &Store) -> Result<()> {
    let written = store.stop(Duration::from_secs(20));
    written.then_some(()).ok_or_else(|| anyhow!("the disk did not take it"))
}

/// Every version of every number's flow, a line each.
///
/// # Errors
/// The database cannot be read, or the box runs.
pub fn list(data: &Path) -> Result<String> {
    let store = open(data)?;
    let entries = store.flows()?;
    close(&store)?;
    let mut text = String::new();
    for entry in &entries {
        for version in entry.versions.iter().rev() {
            let (flow, calls) = (&version.flow, version.successes + version.failures);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{:<18} version {:<3} {:<8} {} steps, worked {} of {calls} times  {}",
                entry.number,
                version.id,
                standing(version.standing()),
                flow.steps.len(),
                version.successes,
                if version.learnt { "learnt" } else { &flow.name },
            );
        }
    }
    Ok(if text.is_empty() { "no flows are known yet\n".into() } else { text })
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Default => "in use",
        Standing::Offered => "offered",
        Standing::Demoted => "failed",
    }
}

/// One version as TOML, the newest unless another is named.
///
/// # Errors
/// There is none, the database cannot be read, or the box runs.
pub fn export(data: &Path, number: &str, version: Option<u32>) -> Result<String> {
    let store = open(data)?;
    let entry = store.flows_of(number)?;
    close(&store)?;
    let wanted =
        |entry: &Entry| entry.versions.iter().rfind(|v| version.is_none_or(|id| v.id == id)).cloned();
    let found = entry.as_ref().and_then(wanted);
    let found = found.ok_or_else(|| anyhow!("there is no such flow; `hold-slayer flows list` shows all"))?;
    Ok(text::write(&found.flow))
}

/// Keeps the flow of a file as the newest version of a number's.
///
/// # Errors
/// What is wrong in the file, each with its line; or the database cannot be written, or the box runs.
pub fn import(data: &Path, number: &str, file: &Path) -> Result<String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let flow = text::read(&name, &text)?;
    let store = open(data)?;
    let mut book = Book::new(store.flows()?);
    let entry = book.keep(number, flow, false, clock::wall()).map_err(|why| anyhow!(why))?;
    if let Some(entry) = &entry {
        store.put_flows(entry)?;
    }
    close(&store)?;
    let version = entry.and_then(|entry| entry.versions.last().map(|v| v.id)).unwrap_or_default();
    Ok(format!("kept as version {version} for {number}\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_is_imported_is_listed_and_exported_the_same() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-flows-cli-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("care.toml");
        let text = "name = \"Care\"\n\n[[step]]\ndo = \"dtmf\"\nkeys = \"2\"\n\n[[step]]\ndo = \"hold\"\n";
        std::fs::write(&file, text).unwrap();
        assert_eq!(list(&dir).unwrap(), "no flows are known yet\n");
        assert!(import(&dir, "1800", &file).unwrap().contains("version 1"));
        assert!(import(&dir, "1-800", &file).unwrap().contains("version 2"));
        assert_eq!(export(&dir, "1800", Some(1)).unwrap(), text);
        assert_eq!(export(&dir, "1800", None).unwrap(), text);
        let listed = list(&dir).unwrap();
        assert!(listed.contains("1800") && listed.contains("in use") && listed.contains("Care"), "{listed}");
        assert!(export(&dir, "1900", None).is_err());
        std::fs::write(&file, "[[step]]\ndo = \"jump\"\n").unwrap();
        assert!(format!("{:#}", import(&dir, "1800", &file).unwrap_err()).contains("care.toml:2: "));
        let (running, _) = Store::open(&dir).unwrap();
        assert!(list(&dir).unwrap_err().to_string().contains("the box is running"));
        assert!(running.stop(Duration::from_secs(20)));
        let _ = std::fs::remove_dir_all(&dir);
    }
}
