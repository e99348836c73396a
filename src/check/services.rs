//! The other machines that the box asks: whether they answer, and what they are told.

use super::{Level, Verdict, say};
use crate::assist::{self, hear};
use crate::config::Config;
use crate::listen::words::menu::Choice;
use crate::net::http::Client;
use crate::slay::advice::Question;

/// What recognises speech elsewhere.
pub const WORDS: &str = "words";
const MODEL: &str = "language model";

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
    /// Whether it does what it is there for, or why not.
    pub answer: Result<(), String>,
}

/// Asks each a short question of its kind.
pub fn ask(config: &Config) -> Vec<Service> {
    let client = Client::new(None);
    let service =
        |service: &assist::Service, about, told, answer: &dyn Fn(&Client) -> Result<(), String>| Service {
            about,
            told,
            host: service.url.host().to_owned(),
            exposed: service.url.is_exposed(),
            answer: client.as_ref().map_err(Clone::clone).and_then(answer),
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
    words.chain(model).collect()
}

/// What that means.
pub(super) fn judge(service: &Service) -> Verdict {
    let Service { about, told, host, exposed, answer } = service;
    match answer {
        Err(why) => say(Level::Warning, *about, format!("{why}. The box does without while that is so")),
        Ok(()) if *exposed => {
            let words = format!("{host} answers; {told}, and can be read on the way: write https://");
            say(Level::Warning, *about, words)
        }
        Ok(()) => say(Level::Ok, *about, format!("{host} answers; {told}")),
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
        assert_eq!(told(service(false, Ok(()))), "ok       words: nas:8000 answers; sound is sent there");
        let exposed = told(service(true, Ok(())));
        assert!(
            exposed.starts_with("warning") && exposed.ends_with("on the way: write https://"),
            "{exposed}"
        );
        let silent = told(service(false, Err("nas:8000 is not reached".into())));
        assert_eq!(silent, "warning  words: nas:8000 is not reached. The box does without while that is so");
    }
}
