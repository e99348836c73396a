//! Backup and restore, on the page and for programs.

use super::answer::Answer;
use super::api::Refusal;
use super::page::{Place, alert, frame, token};
use super::{Site, Updates, words};
use crate::backup::{self, About, SHORTEST};
use crate::clock;
use crate::units::Wall;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::MutexGuard;

/// A backup that shall be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Seals the file; without it nobody can open it.
    #[schemars(length(min = 8, max = 256))]
    pub(super) password: String,
}

/// A backup that shall be restored, as `multipart/form-data`.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "read part by part; here for its shape")]
pub(super) struct Brought {
    /// The password that it was made with.
    #[schemars(length(min = 1, max = 256))]
    password: String,
    /// The file.
    #[schemars(extend("contentMediaType" = "application/octet-stream"))]
    file: String,
}

/// A backup was taken in: the box starts anew with it as soon as no call is up.
#[derive(Serialize, JsonSchema)]
pub(super) struct Restored {
    /// When it was made.
    pub(super) made: Wall,
    /// The version that made it.
    pub(super) version: String,
    /// How many calls it knows.
    pub(super) calls: usize,
}

impl Site {
    /// The configuration and the data folder, and the turn to work on them: the key of a backup takes 64 MB to make.
    fn at_rest(&self) -> Result<(PathBuf, PathBuf, MutexGuard<'_, ()>), Refusal> {
        let none = || {
            (
                409,
                "This box has no configuration file and keeps nothing: there is nothing to back up."
                    .to_owned(),
            )
        };
        let config = self.settings.path().ok_or_else(none)?;
        let data = self.data.clone().ok_or_else(none)?;
        let turn = self.sealing.try_lock();
        let turn =
            turn.map_err(|_| (503, "Another backup is being made. Try again in a moment.".to_owned()))?;
        Ok((config, data, turn))
    }

    /// The backup of this moment.
    pub(super) fn back_up(&self, password: &str) -> Result<Answer, Refusal> {
        let (config, _, _turn) = self.at_rest()?;
        let file = backup::make(&config, self.store()?, password).map_err(refusal)?;
        tracing::info!(bytes = file.len(), "a backup was made");
        let name = format!("attachment; filename=\"hold-slayer-{}.backup\"", words::date(clock::wall()));
        Ok(Answer::made("application/octet-stream", 200, file).with("Content-Disposition", name))
    }

    /// Takes a backup in and starts anew with it when no call is up.
    pub(super) fn restore(&self, file: &[u8], password: &str) -> Result<Restored, Refusal> {
        self.updates.as_ref().map_or(Ok(()), Updates::not_in_trial)?;
        let (config, data, _turn) = self.at_rest()?;
        let About { made, version, calls } =
            backup::stage(file, password, &config, &data).map_err(refusal)?;
        tracing::warn!(calls, "a backup was taken in: the box starts anew with it");
        self.restart()?;
        Ok(Restored { made, version, calls })
    }
}

/// What is in the file is no fault of the request's form.
fn refusal(error: backup::Error) -> Refusal {
    use backup::Error::{Disk, NoMemory, NoRandomness, ShortPassword, Store};
    let status = match &error {
        ShortPassword => 400,
        Store(crate::store::Error::Newer { .. } | crate::store::Error::Record(_)) => 409,
        Disk(..) | NoMemory | NoRandomness | Store(_) => 503,
        _ => 409,
    };
    (status, error.to_string())
}

/// The page, with what went wrong.
pub(super) fn page(form: &str, wrong: Option<&str>, status: u16) -> Answer {
    let content = html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Backup and restore" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        section.card {
            h2 { "Backup" }
            p.muted.lead { "One file with the settings, the history, what was learnt, paired phones and tokens; not the recordings. It is sealed with a password of its own: keep both, apart." }
            form method="post" action="/backup" {
                (token(form))
                label for="seal" { "Password of the backup, at least 8 characters" }
                input #seal type="password" name="password" autocomplete="new-password" minlength=(SHORTEST) maxlength="256" required;
                button.primary { "Make and download" }
            }
        }
        section.card {
            h2 { "Restore" }
            p.muted.lead { "Everything is checked before anything is changed. The box then starts anew, as soon as no call is up, and all is as in the backup, the password of this page too. What was there before is kept in its data folder." }
            form method="post" action="/backup/restore" enctype="multipart/form-data" {
                (token(form))
                label for="file" { "The file" }
                input #file type="file" name="file" required;
                label for="unseal" { "Its password" }
                input #unseal type="password" name="password" autocomplete="off" maxlength="256" required;
                button.danger { "Replace everything with it" }
            }
        }
    };
    Answer::page(status, frame("Backup and restore", Place::Settings, Some(form), &content))
}

/// While the box starts anew with it.
pub(super) fn restored(of: &Restored, form: &str) -> Answer {
    let content: Markup = html! {
        section.card role="status" {
            h1 { "The backup is good" }
            p { "It was made on " (words::day(of.made)) @if of.calls == 1 { " and knows 1 call." } @else { " and knows " (of.calls) " calls." } }
            p { "The box starts anew with it as soon as no call is up. Then log in with the password that was chosen when it was made." }
            p { a href="/" { "To the start page" } }
        }
    };
    Answer::page(200, frame("Restored", Place::Settings, Some(form), &content))
        .with("Refresh", "5; url=/".into())
}
