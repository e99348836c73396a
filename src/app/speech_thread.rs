//! The edge of text to speech: a thread of low priority that has a program or another machine speak, one text after the other.

use super::core::Event;
use super::words_thread::step_back;
use crate::limits::SPEECH_QUEUE;
use crate::speech::{Spoken, Voice};
use std::sync::mpsc::{SyncSender, sync_channel};
use tokio::sync::{mpsc, watch};

/// The ways to and from the thread. Without a voice there is none.
pub(super) struct Speech {
    pub(super) texts: Option<SyncSender<String>>,
    pub(super) spoken: mpsc::Receiver<Event<'static>>,
    pub(super) troubles: watch::Receiver<Vec<String>>,
}

/// Starts the thread; it ends with the sender of texts.
pub(super) fn start(voice: Option<Voice>) -> std::io::Result<Speech> {
    let (tell, spoken) = mpsc::channel(SPEECH_QUEUE);
    let (trouble, troubles) = watch::channel(Vec::new());
    let Some(voice) = voice else { return Ok(Speech { texts: None, spoken, troubles }) };
    let (texts, work) = sync_channel::<String>(SPEECH_QUEUE);
    let run = move || {
        // The program inherits it.
        step_back();
        for text in work {
            let said = voice.say(&text);
            let wrong = match &said {
                Err(why) => Some(format!("a text could not be spoken: {why}")),
                Ok(Spoken { instead: Some(why), .. }) => {
                    Some(format!("texts are spoken by the program on the box for now: {why}"))
                }
                Ok(_) => None,
            };
            trouble.send_replace(wrong.into_iter().collect());
            if tell.blocking_send(Event::Spoken(text, said.ok().map(|said| said.sound))).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("speech".into()).spawn(run)?;
    Ok(Speech { texts: Some(texts), spoken, troubles })
}
