//! The greeting that the owner has spoken himself: heard, brought as a file and taken away, on the page and by programs.

use super::answer::Answer;
use super::api::Refusal;
use super::page::{Place, alert, frame, token};
use super::visit::disk;
use super::{Order, Site};
use crate::call::Request;
use crate::limits::{GREETING_LONGEST, GREETING_SHORTEST, LOOSE_SECONDS};
use crate::speech::sound::{finish, from_wav, to_wav};
use crate::units::SAMPLE_RATE_HZ;
use maud::html;
use schemars::JsonSchema;
use serde::Serialize;

/// What the page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    Page,
    Sound,
    Bring,
    Remove,
}

/// How it stands.
#[derive(Serialize, JsonSchema)]
pub(super) struct State {
    /// There is one. Without it the box greets in its own words.
    pub(super) recorded: bool,
    /// How long it is, milliseconds.
    pub(super) length_ms: u64,
}

/// One that is brought, as `multipart/form-data`.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "read part by part; here for its shape")]
pub(super) struct Brought {
    /// A WAV file of PCM, mono or stereo, 8 to 48 kHz, at most 4 MB.
    #[schemars(extend("contentMediaType" = "audio/wav"))]
    file: String,
}

fn own(site: &Site) -> Result<Option<Vec<u8>>, Refusal> {
    site.store()?.greeting().map_err(disk)
}

/// How it stands.
pub(super) fn state(site: &Site) -> Result<State, Refusal> {
    let octets = own(site)?.map_or(0, |sound| sound.len() as u64);
    Ok(State { recorded: octets > 0, length_ms: octets * 1_000 / u64::from(SAMPLE_RATE_HZ) })
}

/// Its sound.
pub(super) fn sound(site: &Site) -> Result<Answer, Refusal> {
    let none = || (404, "There is no greeting of your own: the box greets in its own words.".to_owned());
    own(site)?.map(|sound| Answer::made("audio/wav", 200, to_wav(&sound))).ok_or_else(none)
}

/// Greets with the sound of this WAV file from now on.
pub(super) fn bring(site: &Site, file: &[u8]) -> Result<(), Refusal> {
    site.store()?;
    let refuse = |why: &str| (409, format!("The greeting stays as it was ({why})."));
    if file.is_empty() {
        return Err(refuse("the file is empty; choose a WAV file"));
    }
    let samples = from_wav(file, LOOSE_SECONDS as u32).map_err(|why| refuse(&why))?;
    let sound = finish(&samples).ok_or_else(|| refuse("nothing can be heard in the file"))?;
    if !(GREETING_SHORTEST..=GREETING_LONGEST).contains(&sound.len()) {
        let seconds = sound.len() as f64 / f64::from(SAMPLE_RATE_HZ);
        return Err(refuse(&format!("{seconds:.1} s of the file are spoken, and it must be 1 to 8 s")));
    }
    site.ask(Order::Call(Request::Greeting(Some(sound.into())))).map(drop)
}

/// Greets in the box's own words from now on.
pub(super) fn remove(site: &Site) -> Result<(), Refusal> {
    site.ask(Order::Call(Request::Greeting(None))).map(drop)
}

/// What the page asks for, with the file that came.
pub(super) fn go(site: &Site, go: Go, file: &[u8], form: &str) -> Answer {
    let back = || Answer::see("/greeting".into());
    let done = match go {
        Go::Page => return page(site, form, None, 200),
        Go::Sound => sound(site),
        Go::Bring => bring(site, file).map(|()| back()),
        Go::Remove => remove(site).map(|()| back()),
    };
    done.unwrap_or_else(|(status, why)| page(site, form, Some(&why), status))
}

/// The page, with what went wrong.
fn page(site: &Site, form: &str, wrong: Option<&str>, status: u16) -> Answer {
    let code = &site.house.codes.greeting;
    let (words, language) = crate::call::greeting(site.house.speech);
    let content = html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Your own greeting" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        p.lead { "What the person hears who answers a held call, while your phone begins to ring." }
        @match state(site) {
            Ok(State { recorded: true, length_ms }) => { section.card {
                h2 { "In your voice" }
                p { (format!("{:.1}", length_ms as f64 / 1_000.0)) " seconds." }
                audio controls preload="none" src="/greeting/sound.wav" {}
                form method="post" action="/greeting/remove" {
                    (token(form))
                    button.danger { "Delete it and use the box's own words" }
                }
            } },
            Ok(_) => { section.card {
                h2 { "In the box's own words" }
                p translate="no" lang=(language.code()) { "“" (words) "”" }
            } },
            Err((_, why)) => { section.card { p { (why) } } },
        }
        section.card {
            h2 { "Speak it yourself" }
            p { "Dial " code { (code) } " on a phone of the house and say a sentence after the tone, such as “Hello, please stay on the line, I am coming to the phone”. You hear it before it is kept." }
            p.muted { "In some places whoever is called by a machine must be told so: then say that too." }
        }
        section.card {
            h2 { "Bring a file" }
            form method="post" action="/greeting" enctype="multipart/form-data" {
                (token(form))
                label for="file" { "A WAV file with 1 to 8 seconds of speech" }
                input #file type="file" name="file" accept=".wav,audio/wav,audio/x-wav" required;
                button.primary { "Greet with it" }
            }
            p.muted { "Mono or stereo, 8 to 48 kHz. Silent ends are cut off and the level is set." }
        }
    };
    Answer::page(status, frame("Your own greeting", Place::Settings, Some(form), &content))
}
