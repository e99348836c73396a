//! Sound for the browser: a recording as it lies on the disk, and a call as it is spoken. One thread for each reader,
//! from the same places as event streams; one who is slow misses what is live, and holds nobody up.

use super::answer;
use super::events::Place;
use super::page::{Place as Tab, frame};
use super::{Ask, Order, words};
use crate::call::{CallView, Request};
use crate::limits::LISTENER_QUEUE;
use crate::studio::{self, Found, Listening};
use crate::units::{CallId, FRAME_TIME};
use maud::{Markup, html};
use std::fs::File;
use std::io::{self, Read, Write};
use tokio::sync::{mpsc, oneshot};

const STACK_BYTES: usize = 256 * 1024;
/// Frames written in one go: 100 ms.
const GATHER: usize = 5;

/// What is sent.
pub(super) enum Sound {
    /// A file, and what it is.
    Recording(File, Found),
    /// A call, and how to say that nobody listens any more.
    Live(Listening, CallId, mpsc::Sender<Ask>),
}

/// Sends it to `to` until that fails.
pub(super) fn send(place: Place, mut to: Box<dyn Write + Send>, sound: Sound) {
    let run = move || {
        let _place = place;
        // Whoever listens may go at any time.
        let _ = match sound {
            Sound::Recording(file, found) => recording(&mut *to, file, &found),
            Sound::Live(listening, call, requests) => {
                let ended = live(&mut *to, &listening);
                let (answer, _) = oneshot::channel();
                let _ = requests.blocking_send(Ask { order: Order::Call(Request::ListenEnd(call)), answer });
                ended
            }
        };
    };
    if let Err(error) =
        std::thread::Builder::new().name("web-sound".into()).stack_size(STACK_BYTES).spawn(run)
    {
        tracing::warn!(%error, "sound could not be sent");
    }
}

fn recording(to: &mut dyn Write, file: File, found: &Found) -> io::Result<()> {
    let kind = if found.ending == "flac" { "audio/flac" } else { "audio/wav" };
    answer::begin_sound(to, kind, Some(found.bytes))?;
    // One that goes on grows meanwhile.
    io::copy(&mut file.take(found.bytes), to)?;
    to.flush()
}

fn live(to: &mut dyn Write, listening: &Listening) -> io::Result<()> {
    answer::begin_sound(to, "audio/wav", None)?;
    to.write_all(&studio::live_header())?;
    let mut bytes = Vec::with_capacity(GATHER * 320);
    // In silence too something is written before the gate thinks that the box has gone.
    while let Ok(frame) = listening.next(FRAME_TIME * LISTENER_QUEUE as u32) {
        let frame = frame.unwrap_or(crate::units::Frame::SILENCE);
        frame.0.iter().for_each(|sample| bytes.extend(sample.to_le_bytes()));
        if bytes.len() >= GATHER * 320 {
            to.write_all(&bytes)?;
            to.flush()?;
            bytes.clear();
        }
    }
    Ok(())
}

/// The page on which a call is listened to.
pub(super) fn page(call: &CallView, form: &str) -> Markup {
    let content = html! {
        h1 { "Listening in" }
        p.lead { (words::number(&call.number)) }
        section.card {
            @let address = format!("/calls/{}/live.wav", call.id.0);
            noscript { audio controls autoplay src=(address) {} }
            div #listen data-sound=(address) hidden {
                button.primary { span { "Listen" } span hidden { "Stop" } }
                p.muted role="timer" aria-live="off" { "0:00" }
            }
            p.muted { "You hear the call a moment late. Nobody in it hears you." }
        }
    };
    frame("Listening in", Tab::Now, Some(form), &content)
}
