//! Other machines that help: `[assistant]`, and those keys of `[words]` and `[speech]` that name one.

use super::{Config, Secret};
use crate::assist::Service;
use crate::net::http::{URL_ALLOWED, Url};
use crate::slay::talk::Limits;
use crate::tables::Section;
use core::time::Duration;

pub(super) const KEYS: [&str; 7] = ["url", "key", "model", "limit", "calls", "minutes", "turns"];

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl Config {
    /// What leaves the box besides calls, and for where: a sentence for each.
    pub fn leaves(&self) -> Vec<String> {
        let words = self.words.service.iter().map(|service| {
            format!(
                "The sound of the line while the box holds, to {}, which recognises what is said.",
                service.url
            )
        });
        let model = self.assistant.iter().map(|service| {
            format!(
                "What companies' menus say and what you want there, to the language model at {}.",
                service.url
            )
        });
        let calls = self.assistant.iter().filter(|_| self.assisted.is_some()).map(|service| {
            format!(
                "In a call that you let the language model lead: your task, and all that is said there, to {}.",
                service.url
            )
        });
        let notify = self.notify.iter().map(|target| {
            let numbers = if target.numbers { ", with the other party's number" } else { "" };
            format!("What happens{numbers}, to {} ({}).", target.name, target.host())
        });
        let speaker = self.speech.elsewhere.iter().map(|(service, _)| {
            format!(
                "The names and texts that the box speaks, as text, to {}, which speaks them.",
                service.url
            )
        });
        words.chain(model).chain(calls).chain(speaker).chain(notify).collect()
    }
}

/// The language model, and how far it may lead calls, if it may.
pub(super) fn assistant(s: &mut Section<'_, '_>) -> Option<(Service, Option<Limits>)> {
    let model = s.text("model", NAME, name);
    let limit = s.duration("limit", SECOND..=60 * SECOND).unwrap_or(10 * SECOND);
    let calls = s.flag("calls").unwrap_or(false);
    let minutes = s.number("minutes", 1..=60).unwrap_or(10);
    let turns = s.number("turns", 1..=200).and_then(|n| u8::try_from(n).ok()).unwrap_or(40);
    let limits = calls.then_some(Limits { turns, longest: minutes * MINUTE });
    let (url, key) = place(s, &["key", "model", "limit", "calls", "minutes", "turns"])?;
    if model.is_none() && !s.has("model") {
        s.refuse("model", "needed is the model's name there, such as \"llama3.2\"");
    }
    Some((Service { url, key, model: model?, limit }, limits))
}

/// What speaks texts instead of a program of the box's.
pub(super) fn speaker(s: &mut Section<'_, '_>) -> Option<Service> {
    let model = s.text("model", NAME, name).unwrap_or_else(|| "tts-1".to_owned());
    let (url, key) = place(s, &["key", "model"])?;
    Some(Service { url, key, model, limit: 10 * SECOND })
}

/// What recognises speech instead of the box.
pub(super) fn recogniser(s: &mut Section<'_, '_>) -> Option<Service> {
    let model = s.text("service_model", NAME, name).unwrap_or_else(|| "whisper-1".to_owned());
    let (url, key) = place(s, &["key", "service_model"])?;
    Some(Service { url, key, model, limit: 8 * SECOND })
}

const NAME: &str = "allowed is a name of up to 100 signs, as the other machine knows it";

fn name(text: &str) -> Option<String> {
    let fits = (1..=100).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// `url` and `key`. Without `url` there is no machine that the keys `about` could be for.
fn place(s: &mut Section<'_, '_>, about: &[&str]) -> Option<(Url, Option<Secret>)> {
    let url = s.text("url", URL_ALLOWED, Url::parse);
    let key = s.secret("key", "allowed are up to 500 letters, digits and signs without spaces", 1);
    if !s.has("url") {
        let without: Vec<&&str> = about.iter().filter(|key| s.has(key)).collect();
        for key in without {
            let why = "this is for the machine at url, which is not there: write its url, too";
            if *key == "key" { s.refuse_unseen(key, why) } else { s.refuse(key, why) }
        }
    }
    if key.is_some_and(|key| key.len() > 500 || !key.bytes().all(|b| b.is_ascii_graphic())) {
        s.refuse_unseen("key", "allowed are up to 500 letters, digits and signs without spaces");
    }
    Some((url?, key.map(Secret::new)))
}
