//! Updates, on the page and for programs: what runs, what became of the last one, and taking one in.

use super::answer::Answer;
use super::api::Refusal;
use super::page::{Place, alert, frame, token};
use super::visit::field;
use super::{Site, gate, head};
use crate::update::{self, Folder, History, Kept, Manifest, Slots};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tiny_http::Request;

/// What the page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    Page,
    Take,
    Withdraw,
}

/// What an update needs.
#[derive(Debug, Clone)]
pub struct Updates {
    /// Where one waits.
    pub folder: Folder,
    /// Where one goes.
    pub slots: Slots,
}

impl Updates {
    /// What a version writes that does not stay yet, the one before might not understand.
    pub(super) fn not_in_trial(&self) -> Result<(), Refusal> {
        let why = "A new version is being tried: this can be changed when it is sure that it stays, in a few minutes.";
        if self.folder.is_in_trial(&self.slots) { Err((409, why.into())) } else { Ok(()) }
    }
}

/// What became of the last update, or becomes of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// There was none.
    None,
    /// It waits until no call is up.
    Waiting,
    /// It is being written, while no call is up.
    Writing,
    /// It runs, and it is not sure yet that it stays.
    Trying,
    /// It runs and stays.
    Good,
    /// It did not start or did not do well: the version before runs.
    FellBack,
    /// It was not taken.
    Refused,
}

/// How updates stand.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct State {
    /// What runs.
    version: String,
    /// The box was made from an image and can be updated by a bundle.
    takes_bundles: bool,
    /// The slot that runs, `a` or `b`.
    slot: Option<String>,
    state: Stage,
    /// The version that this is about.
    of: Option<String>,
    /// Why it was not taken or did not stay.
    why: Option<String>,
    /// Why the last one that came by a USB stick was not taken; until another one is.
    not_taken: Option<String>,
    /// How the history of calls is: a new version must have what the old one had.
    history: History,
    /// The newest call in it.
    newest_call: Option<u64>,
}

/// What may be said with a bundle.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct With {
    /// Take it even if it is not newer than what runs, or was tried before and did not do.
    #[serde(default)]
    pub(super) older: Older,
}

/// In a query everything is a word.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Older {
    #[default]
    False,
    True,
}

/// A bundle, as `application/octet-stream`.
#[derive(JsonSchema)]
#[schemars(transparent)]
#[allow(dead_code, reason = "read part by part; here for its shape")]
pub(super) struct Bundle(#[schemars(extend("contentMediaType" = "application/octet-stream"))] String);

/// An update was taken in, and goes on when no call is up.
#[derive(Serialize, JsonSchema)]
pub(super) struct Taken {
    /// What it makes of the box.
    version: String,
}

/// What the page asks for; `came`: with a file.
pub(super) fn go(site: &Site, go: Go, came: bool, older: Option<&str>, form: &str) -> Answer {
    match go {
        Go::Page => page(site, form, None, 200),
        Go::Take => match take(site, came, older == Some("true")) {
            Ok(_) => Answer::see("/update".into()),
            Err((status, why)) => page(site, form, Some(&why), status),
        },
        Go::Withdraw => match withdraw(site) {
            Ok(()) => Answer::see("/update".into()),
            Err((status, why)) => page(site, form, Some(&why), status),
        },
    }
}

/// How updates stand.
pub(super) fn state(site: &Site) -> State {
    let version = update::version().to_string();
    let newest = site.store.as_ref().map(|store| (store.history(None, 1), store.is_begun_anew()));
    let (history, newest_call) = match newest {
        Some((Ok(newest), begun_anew)) => {
            let history = if begun_anew { History::BegunAnew } else { History::Kept };
            (history, newest.first().map(|record| record.id.0))
        }
        _ => (History::Missing, None),
    };
    let Some(Updates { folder, slots }) = &site.updates else {
        let (takes_bundles, slot, state, of, why, not_taken) = (false, None, Stage::None, None, None, None);
        return State { version, takes_bundles, slot, state, of, why, not_taken, history, newest_call };
    };
    let (state, of, why) = match folder.kept() {
        Kept::Writing { version } if folder.has_bundle() => (Stage::Writing, Some(version), None),
        _ if folder.has_bundle() => (Stage::Waiting, None, None),
        Kept::Nothing | Kept::Writing { .. } => (Stage::None, None, None),
        Kept::Trying { version, .. } => (Stage::Trying, Some(version), None),
        Kept::Good { version } => (Stage::Good, Some(version), None),
        Kept::FellBack { version, why } => (Stage::FellBack, Some(version), Some(why)),
        Kept::Refused { why } => (Stage::Refused, None, Some(why)),
    };
    let slot = slots.running().ok().map(|slot| slot.to_string());
    let of = of.map(|of| of.to_string());
    let not_taken = folder.not_taken();
    State { version, takes_bundles: true, slot, state, of, why, not_taken, history, newest_call }
}

/// Takes in what the gate has received.
pub(super) fn take(site: &Site, came: bool, older: bool) -> Result<Taken, Refusal> {
    let Some(Updates { folder, slots }) = &site.updates else { return Err((409, gate::NO_SLOTS.into())) };
    if !came {
        return Err((400, "Send the file of the update as the body, as application/octet-stream.".into()));
    }
    let taken = folder.stage(slots, older).map_err(refusal);
    let Manifest { version, .. } =
        taken.inspect_err(|(_, why)| tracing::warn!(why, "an update was refused"))?;
    tracing::warn!(%version, "an update was taken in: it is written when no call is up");
    Ok(Taken { version: version.to_string() })
}

/// Takes away an update that waits, and what an earlier one has left.
pub(super) fn withdraw(site: &Site) -> Result<(), Refusal> {
    let Some(Updates { folder, .. }) = &site.updates else { return Err((409, gate::NO_SLOTS.into())) };
    if !folder.withdraw() {
        return Err((409, "No update waits: there is nothing to withdraw.".into()));
    }
    tracing::warn!("an update that waited was withdrawn");
    site.store.iter().for_each(|store| store.forget_newer());
    Ok(())
}

/// Whatever became of what the gate has received: nothing of it stays where the next one comes.
pub(super) fn clear(site: &Site, request: &Request) {
    if let (Some(_), Some(updates)) = (field(request, head::ON_DISK), &site.updates) {
        updates.folder.discard();
    }
}

/// What is in the file is no fault of the request's form.
fn refusal(refusal: update::Refusal) -> Refusal {
    use update::Refusal::{Reading, Slots, Writing};
    let status = if matches!(refusal, Reading(_) | Writing(_) | Slots(_)) { 503 } else { 409 };
    (status, refusal.to_string())
}

/// The page, with what went wrong.
fn page(site: &Site, form: &str, wrong: Option<&str>, status: u16) -> Answer {
    let state = state(site);
    let content = html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Update" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        section.card {
            h2 { "Version " (state.version) " runs" }
            @if let Some(slot) = &state.slot { p.muted { "From slot " (slot) " of the card." } }
            (told(&state))
            @if matches!(state.state, Stage::Waiting | Stage::Writing) {
                form method="post" action="/update/withdraw" { (token(form)) button { "Withdraw it" } }
            }
        }
        @if state.takes_bundles { (bring(form)) } @else { section.card {
            h2 { "Updating this box" }
            p { "This box was installed as a package or by hand, and is updated the same way. Best when no call is up:" }
            pre { "sudo apt install ./hold-slayer_VERSION_ARCHITECTURE.deb" }
            p.muted { "Settings, history and what was learnt stay. Make a backup before." }
            p.muted { "A box that starts from a card of its own: write a newer card, and bring settings and history by a backup." }
        } }
    };
    Answer::page(status, frame("Update", Place::Settings, Some(form), &content))
}

fn told(state: &State) -> Markup {
    let of = state.of.as_deref().unwrap_or_default();
    html! {
        @match state.state {
            Stage::None => {},
            Stage::Waiting => p role="status" { "An update waits. It is written when no call was up for a minute, and not in the hour after an emergency call." },
            Stage::Writing => p role="status" { "Version " (of) " is being written beside this one, while no call is up. Then the box starts anew with it." },
            Stage::Trying => p role="status" { "Version " (of) " is being tried: it stays if its page answers and its lines, phones and history are there, else the box goes back by itself. Settings cannot be changed meanwhile." },
            Stage::Good => p role="status" { "The update to version " (of) " does well and stays." },
            Stage::FellBack => p role="status" { "Version " (of) " did not do, and the box went back by itself." },
            Stage::Refused => p role="status" { "The last update was not taken." },
        }
        @if let Some(why) = &state.why { p.muted { (why) } }
        @if let Some(why) = &state.not_taken {
            p role="status" { "What was last brought by a USB stick was not taken:" }
            p.muted { (why) }
        }
    }
}

fn bring(form: &str) -> Markup {
    html! {
        section.card {
            h2 { "Bring an update" }
            p.muted.lead { "One file, such as hold-slayer-1.2.3-pi.update. Everything is checked before anything is changed: its signature, that it is whole, for this board, and newer." }
            form #update method="post" action="/update" {
                (token(form))
                label for="bundle" { "The file" }
                input #bundle type="file" name="bundle" accept=".update" required;
                label.check { input type="checkbox" name="older"; " Even if it runs already, is older, or did not do before" }
                progress #sent max="1" value="0" aria-label="Sent" hidden {}
                p.alert #refused role="alert" hidden {}
                p #gone hidden { "The box did not answer. Look whether it still runs, and try again." }
                button.primary { "Update" }
            }
            noscript { p { "Sending a file this large needs script. Without: put it on a USB stick." } }
            p.muted { "Or plug in a USB stick with the file in its top folder." }
        }
        section.card {
            h2 { "What happens next" }
            ol {
                li { "The update waits until no call was up for a minute. Calls go on as always." }
                li { "It is written to the other slot of the card; this one stays as it is." }
                li { "The box starts anew with it, which takes about two minutes. Nobody can call meanwhile, not even for help." }
                li { "It stays if its page answers, it has the history and knows every line and phone, and each line that was registered is registered again within five minutes. If not, the version of now runs again by itself; if the power fails meanwhile, it is tried once more." }
            }
        }
    }
}
