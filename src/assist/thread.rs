//! The edge: a thread that asks one question after the other, each within its time.

use super::Service;
use super::chat::Chat;
use crate::clock;
use crate::limits::{ASSIST_QUEUE, HTTP_ANSWER_BYTES};
use crate::net::http::{Client, Post};
use crate::slay::advice::{Advice, Asked};
use std::sync::mpsc::{SyncSender, sync_channel};

/// A question under a number, for whoever asked.
pub type Job = (u64, Asked);

/// The way to the thread. It ends with this.
#[derive(Clone)]
pub struct Assistant {
    jobs: SyncSender<Job>,
}

impl Assistant {
    /// Asks. The answer, or why there is none, comes under the same number.
    ///
    /// # Errors
    /// Too many questions wait.
    pub fn ask(&self, job: Job) -> Result<(), String> {
        self.jobs.try_send(job).map_err(|_| "the language model has too many questions already".to_owned())
    }
}

/// Starts the thread, which tells `back` what it was answered.
///
/// # Errors
/// No thread can be had.
pub fn start(
    service: Service,
    mut back: impl FnMut(u64, Result<Advice, String>) + Send + 'static,
) -> Result<Assistant, String> {
    let client = Client::new(None)?;
    let (jobs, work) = sync_channel::<Job>(ASSIST_QUEUE);
    let run = move || {
        while let Ok((number, asked)) = work.recv() {
            back(number, ask(&client, &service, &asked));
        }
    };
    let spawned = std::thread::Builder::new().name("assist".into()).spawn(run);
    spawned.map_err(|error| format!("the thread for the language model cannot be started: {error}"))?;
    Ok(Assistant { jobs })
}

/// Asks and waits: at most twice in words, and once more without tools, all within the service's time.
///
/// # Errors
/// In plain words: no good answer.
pub fn ask(client: &Client, service: &Service, asked: &Asked) -> Result<Advice, String> {
    let url = service.url.join("chat/completions");
    let key = service.authorization();
    let mut fields = vec![("Content-Type", "application/json")];
    fields.extend(key.as_deref().map(|key| ("Authorization", key)));
    let begun = clock::now();
    let mut chat = Chat::about(asked);
    let mut first = None;
    loop {
        let left = service.limit.saturating_sub(clock::now().since(begun));
        if left.is_zero() {
            return Err(format!(
                "the language model gave no good answer within {} s",
                service.limit.as_secs()
            ));
        }
        let body = chat.body(&service.model);
        let answer = match client.post(&Post {
            url: &url,
            fields: &fields,
            body: &body,
            limit: left,
            most: HTTP_ANSWER_BYTES,
        }) {
            Ok(answer) => answer,
            // A service whose model knows no tools says so by refusing the request.
            Err(failure) if failure.status == Some(400) && chat.has_tools() => {
                chat.without_tools();
                continue;
            }
            Err(failure) => return Err(format!("the language model: {}", failure.words)),
        };
        match chat.read(&answer) {
            Ok(advice) => return Ok(advice),
            Err(last) => match first.take() {
                None => {
                    chat.repair(&answer, &last);
                    first = Some(last);
                }
                Some(first) => {
                    return Err(format!(
                        "the language model twice gave a wrong answer: {first}; then: {last}"
                    ));
                }
            },
        }
    }
}
