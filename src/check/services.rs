//! The other machines that the box asks: whether they answer, and what they are told.

use super::{Level, Verdict, say};
use crate::assist::{self, hear};
use crate::config::Config;
use crate::listen::words::menu::Choice;
use crate::net::http::Client;
use crate::notify;
use crate::slay::advice::Question;

/// What recognises speech elsewhere.
pub const WORDS: &str = "words";
const MODEL: &str = "language model";
const NOTIFY: &str = "notification";

/// One of them.
#[derive(Clone, Debug)]
pub struct Service {
    /// What it is there for.
    pub about: &'static str,
    /// What leaves the box for it.
    pub told: &'static str,
    /// Its host.
    pub host: String,
    /// What is sent can be read on its way through strange networks.
    pub exposed: bool,
    /// Whether it does what it is there for, or why not; `None`: not asked.
    pub answer: Option<Result<(), String>>,
}

/// Asks each a short question of its kind. With `tries` each notification target gets a test message.
pub fn ask(config: &Config, tries: bool) -> Vec<Service> {
    let client = Client::new(None);
    let service =
        |service: &assist::Service, about, told, answer: &dyn Fn(&Client) -> Result<(), String>| Service {
            about,
            told,
            host: service.url.host().to_owned(),
            exposed: service.url.is_exposed(),
            answer: Some(client.as_ref().map_err(Clone::clone).and_then(answer)),
        };
    let words = config.words.service.iter().map(|there| {
        let ask = |client: &Client| {
            let silence = vec![0; 8_000];
            hear::hear(client, there, &silence, config.words.language)
                .map(drop)
                .map_err(|failure| failure.words)
        };
        service(there, WORDS, "what the line says while the box holds is sent there, as sound", &ask)
    });
    let model = config.assistant.iter().map(|there| {
        let choice = |key, label: &str| Choice { key, label: label.into() };
        let heard = "For sales press one, for repairs press two.";
        let offered = [choice('1', "sales"), choice('2', "repairs")];
        let question = Question::new("my router is broken", heard, &offered, |_| false);
        let ask = |client: &Client| assist::ask(client, there, &question).map(drop);
        service(there, MODEL, "what menus say, and what you want there, is sent there", &ask)
    });
    let notices = notify::start(if tries { config.notify.clone() } else { Vec::new() });
    let targets = config.notify.iter().map(|target| Service {
        about: NOTIFY,
        told: "what happens is told there",
        host: format!("{} ({})", target.name, target.host()),
        exposed: target.is_exposed(),
        answer: match &notices {
            Ok(notices) => tries.then(|| notices.try_out(&target.name)),
            Err(error) => Some(Err(error.to_string())),
        },
    });
    words.chain(model).chain(targets).collect()
}

/// What that means.
pub(super) fn judge(service: &Service) -> Verdict {
    let Service { about, told, host, exposed, answer } = service;
    let found = match answer {
        Some(Err(why)) => {
            return say(Level::Warning, *about, format!("{why}. The box does without while that is so"));
        }
        Some(Ok(())) => "answers",
        None => "is not asked, but for a test message by `hold-slayer check --notify`",
    };
    match exposed {
        true => {
            let words = format!("{host} {found}; {told}, and can be read on the way: encrypt it");
            say(Level::Warning, *about, words)
        }
        false => say(Level::Ok, *about, format!("{host} {found}; {told}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_what_leaves_the_box_and_whether_that_can_be_read() {
        let service = |exposed, answer| Service {
            about: WORDS,
            told: "sound is sent there",
            host: "nas:8000".to_owned(),
            exposed,
            answer,
        };
        let told = |service| judge(&service).to_string();
        assert_eq!(
            told(service(false, Some(Ok(())))),
            "ok       words: nas:8000 answers; sound is sent there"
        );
        let exposed = told(service(true, Some(Ok(()))));
        assert!(exposed.starts_with("warning") && exposed.ends_with("on the way: encrypt it"), "{exposed}");
        let unasked = told(service(false, None));
        assert!(unasked.starts_with("ok       words: nas:8000 is not asked"), "{unasked}");
        let silent = told(service(false, Some(Err("nas:8000 is not reached".into()))));
        assert_eq!(silent, "warning  words: nas:8000 is not reached. The box does without while that is so");
    }
}
