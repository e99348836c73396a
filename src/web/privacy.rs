//! What the box keeps, and how to be rid of it.

use super::answer::Answer;
use super::page::{Place, alert, frame, token};
use super::{Site, greeting};
use crate::call::{Event, Happened};
use maud::html;

/// The page, with what went wrong or was done.
pub(super) fn page(site: &Site, form: &str, told: Option<&str>, status: u16) -> Answer {
    let kept = site.studio.archive.size();
    let content = html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Privacy" }
        @if let Some(told) = told { (alert(told)) }
        section.card {
            h2 { "Recordings" }
            @match kept {
                Ok((0, _)) => { p { "There are none. Nothing is recorded unless the settings ask for it." } },
                Ok((files, bytes)) => {
                    p { (files) " files, " (bytes.div_ceil(1_000_000)) " MB. They are deleted by themselves as the settings say." }
                    form method="post" action="/privacy" {
                        (token(form))
                        button.danger name="purge" value="recordings" { "Delete all recordings now" }
                    }
                },
                Err(error) => { p { "They cannot be read: " (error) "." } },
            }
        }
        @if let Ok((files @ 1.., bytes)) = site.studio.archive.clips().size() {
            section.card {
                h2 { "Clips" }
                p { (files) " files, " (bytes.div_ceil(1_000_000)) " MB: seconds around each voice that the box greeted or rang for." }
                form method="post" action="/privacy" {
                    (token(form))
                    button.danger name="purge" value="clips" { "Delete all clips now" }
                }
            }
        }
        section.card {
            h2 { "History" }
            p { "Numbers, times, what was heard and decided; and, where “Keep what is said” under Understanding words is on, what the other side said while the box held. Calls that are up stay. What was learnt of a company's sounds is part of it; your own greeting is not." }
            p { "A call is kept until you delete it, or for as long as “Calls are deleted after” under " a href="/settings" { "History" } " in the settings says." }
            form method="post" action="/privacy" {
                (token(form))
                div.buttons {
                    button.danger name="purge" value="said" { "Delete only what was said" }
                    button.danger name="purge" value="history" { "Delete the history now" }
                }
            }
        }
        section.card {
            h2 { "Menus" }
            p { "Keys that you pressed, and fingerprints of what companies say before them, until you remove them: " a href="/flows" { "Menus" } "." }
        }
        @if let Ok(greeting::State { recorded: true, .. }) = greeting::state(site) {
            section.card {
                h2 { "Your own greeting" }
                p { "Your voice, kept until you delete it and written into backups: " a href="/greeting" { "hear it" } "." }
                form method="post" action="/privacy" {
                    (token(form))
                    button.danger name="purge" value="greeting" { "Delete your greeting now" }
                }
            }
        }
        section.card {
            h2 { "What leaves the box" }
            @if site.elsewhere.leaves.is_empty() {
                p { "Your calls, to your provider. Nothing else: it hears by itself and asks nobody." }
            } @else {
                p { "Your calls, to your provider; and because the settings name other machines:" }
                ul { @for leaves in &site.elsewhere.leaves { li { (leaves) } } }
            }
        }
    };
    Answer::page(status, frame("Privacy", Place::Settings, Some(form), &content))
}

/// Deletes what the form names.
pub(super) fn purge(site: &Site, fields: &[(String, String)], form: &str) -> Answer {
    let up: Vec<_> = site.snapshot.borrow().calls.iter().map(|call| call.id).collect();
    let what = fields.iter().find(|(key, _)| key == "purge").map_or("", |(_, value)| value.as_str());
    let is_over = |happened: &Happened| happened.call.is_some_and(|call| !up.contains(&call));
    let done = match (what, &site.store) {
        ("recordings", _) => site.studio.archive.forget(&up).map_err(|error| error.to_string()),
        ("clips", _) => site.studio.archive.clips().forget().map_err(|error| error.to_string()),
        ("history", Some(store)) => {
            // Names and numbers that were spoken, and what a restore has put aside.
            clear(site, &["speech", "before-restore", "restore.failed"]);
            site.journal.forget(is_over);
            store.forget(&up).map_err(|error| error.to_string())
        }
        ("said", Some(store)) => {
            clear(site, &["before-restore", "restore.failed"]);
            let is_said = |happened: &Happened| matches!(happened.event, Event::AudioTranscript { .. });
            site.journal.forget(|happened| is_over(happened) && is_said(happened));
            store.forget_said(&up).map_err(|error| error.to_string())
        }
        ("greeting", _) => greeting::remove(site).map(|()| 1).map_err(|(_, why)| why),
        ("history" | "said", None) => Err(super::visit::NO_STORE.to_owned()),
        _ => return page(site, form, Some("Choose one of the buttons."), 400),
    };
    match done {
        Ok(gone) => {
            tracing::info!(what, gone, "the owner deleted what was kept");
            page(site, form, Some(&format!("{gone} deleted.")), 200)
        }
        Err(why) => page(site, form, Some(&why), 503),
    }
}

/// Deletes these folders of the data folder.
fn clear(site: &Site, folders: &[&str]) {
    for folder in site.data.iter().flat_map(|data| folders.iter().map(|folder| data.join(folder))) {
        let _ = std::fs::remove_dir_all(folder);
    }
}
