//! The start page: what the box does now, and what can be done about it.

use super::page::{Place, alert, frame, refreshed, token};
use super::setup::Wanted;
use super::{Site, health, strip, words};
use crate::call::{CallView, PeerView, Phase, Snapshot, StreamView};
use crate::listen::Weighs;
use crate::phone::dial::Codes;
use crate::units::Wall;
use maud::{Markup, html};

/// A hold that ends within so long is said to: ten minutes.
const SOON_MS: u64 = 600_000;

/// The whole page, with what went wrong with the last button.
pub(super) fn page(
    site: &Site,
    snapshot: &Snapshot,
    (form, now): (&str, Wall),
    (wrong, typed): (Option<&str>, &[(String, String)]),
    setup: Wanted,
) -> Markup {
    let content = html! {
        h1.unseen { "Now" }
        @if let Some(wrong) = wrong { (alert(&words::capital(wrong))) }
        @match setup {
            Wanted::No => {}
            Wanted::Begin => section.card { h2 { "This box is not set up yet" } p { a.button href="/setup" { "Set it up, step by step" } } },
            Wanted::GoOn => section.card { h2 { "The set-up is not finished" } p { a.button href="/setup" { "Go on with it" } } },
        }
        p #lost .alert role="alert" hidden { "The connection to the box is lost. Trying again …" }
        p #announce .unseen role="status" {}
        (live(site, snapshot, form, now))
        (place(form, site.elsewhere.assists, typed))
    };
    // Who reads without script sees a call move; with none up he has time to type, and what was refused stays.
    let seconds = match (wrong, snapshot.calls.is_empty()) {
        (Some(_), _) => return frame("Now", Place::Now, Some(form), &content),
        (None, true) => 30,
        (None, false) => 5,
    };
    refreshed("Now", Place::Now, form, (&content, seconds))
}

/// The part that changes.
pub(super) fn live(site: &Site, snapshot: &Snapshot, form: &str, now: Wall) -> Markup {
    html! {
        div #live data-now=(now.0) {
            @for trouble in &snapshot.troubles { p.alert { (words::capital(trouble)) } }
            div.columns {
                div {
                    @for call in &snapshot.calls { (card(call, form, now, snapshot.calls.len() > 1)) }
                    @if snapshot.calls.is_empty() { (quiet(snapshot, &site.house.codes)) }
                }
                aside {
                    (peers("Line", &snapshot.trunks, "No line is set up. Settings has the step for it.", &again(snapshot, form)))
                    (peers("Phone", &snapshot.phones, "No phone is set up. Pair one on the page Phones.", &html! {}))
                    (health::card(&site.parts, snapshot))
                    (discards(snapshot))
                }
            }
        }
    }
}

/// A call that is not dialled on a phone. `assists`: the language model may lead it. `typed`: what was refused.
fn place(form: &str, assists: bool, typed: &[(String, String)]) -> Markup {
    let again = |key: &str| typed.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    html! {
        section.card {
            h2 { "Call from here" }
            form method="post" action="/calls" {
                (token(form))
                label for="number" { "Number" }
                input #number type="tel" name="number" value=[again("number")] maxlength="40" autocomplete="off" required aria-describedby="place-help";
                p #place-help .muted.lead { "The box calls and waits on hold, and rings you when a person is there; or your phone rings now, and you are connected." }
                label for="wish" { "What you want there (if the box understands words)" }
                input #wish type="text" name="wish" value=[again("wish")] maxlength="64" autocomplete="off" placeholder="agent";
                div.buttons {
                    button.primary name="mode" value="hold_slayer" { "Call and wait" }
                    button name="mode" value="direct" { "Ring me first" }
                }
                @if assists {
                    label for="task" { "Or a task for the assistant" }
                    textarea #task name="task" maxlength="1000" rows="3" aria-describedby="task-help" { (again("task").unwrap_or_default()) }
                    p #task-help .muted { "The language model then leads the call: it says that a machine calls, knows of you only what you write here, and rings you when it needs you. It may say the numbers that stand here, and no others." }
                    div.buttons { button name="mode" value="ai_assisted" { "Let the assistant call" } }
                }
            }
        }
    }
}

fn quiet(snapshot: &Snapshot, codes: &Codes) -> Markup {
    let keys = |keys: &str| html! { @for key in keys.chars() { kbd { (key) } } };
    let ready = snapshot.trunks.iter().any(|peer| peer.up) && snapshot.phones.iter().any(|peer| peer.up);
    html! {
        section.card.quiet-line {
            @if ready {
                h2.phase { "All quiet" }
                p { "Make your call on your phone as always. When you are put on hold:" }
                ul {
                    li { "in the call press " (keys(&codes.gesture)) ", or" }
                    li { "press flash and dial " (keys(&codes.hold)) ", or" }
                    li { "choose " b { "Hold now" } " on this page." }
                }
                p { "Then hang up. Your phone rings when a person answers." }
            } @else {
                h2.phase { "Not ready yet" }
                p { "Calls need a line and a phone that are both ready. What is missing stands beside." }
            }
        }
    }
}

fn card(call: &CallView, form: &str, now: Wall, more: bool) -> Markup {
    let title = words::phase(call);
    let end = now.0.saturating_sub(call.started.0);
    let heard = strip::stretches(call.heard.iter().copied(), end);
    html! {
        section data-key={ "call-" (call.id.0) } class={ "card call " (mood(call.phase)) } aria-label={ "Call " (call.id.0) " with " (words::number(&call.number)) } {
            h2.phase data-title=(title) { span.pulse {} (title) }
            p.number { (words::number(&call.number)) span.muted { @if call.outgoing { " outgoing" } @else { " incoming" } } }
            p.advice { (words::advice(call)) }
            dl.figures {
                @if let Some(since) = call.hold_started {
                    div { dt { "On hold" } dd.big { (ticking(since, now)) } }
                }
                div { dt { "Call" } dd { (ticking(call.started, now)) } }
                @if let Some(end) = ends_soon(call, now) {
                    div { dt { "Ends" } dd { time datetime=(words::iso(end)) { (words::time(end)) } } }
                }
                @if let Some(queue) = &call.queue {
                    @if let Some(place) = queue.place { div { dt { "Place in the queue" } dd.big { (place) } } }
                    @if let Some(words) = words::announced(queue) { div { dt { "They say" } dd { (words) } } }
                    @if let Some(left) = queue.left_ms { div { dt { "Probably still" } dd { (words::length(left)) } } }
                }
                @if let Some(sound) = call.sound {
                    div { dt { "Heard now" } dd { span class={ "key " (words::sound_class(sound)) } {} (words::sound(sound)) } }
                }
            }
            @if !heard.is_empty() {
                figure {
                    (strip::draw(&heard, &[]))
                    figcaption.muted { "Heard in the last " (words::length(end.saturating_sub(heard[0].0))) }
                }
            }
            @if let Some(weighs) = &call.weighs { (evidence(weighs)) }
            @if !call.captions.is_empty() {
                p.captions aria-live="off" { @for caption in &call.captions { q translate="no" { (caption) } " " } }
            }
            @if let Some(offer) = call.queue.as_ref().and_then(|queue| queue.offer) { p.advice { (words::offer(offer)) } }
            @if call.recording { p.last { "This call is being recorded." } }
            @if !call.streams.is_empty() { (streams(&call.streams)) }
            @if let Some(words) = encrypted(call) { p.muted { (words) } }
            @if !call.last.is_empty() { p.last { span.muted { "Last decision" } " " (words::capital(&call.last)) } }
            (buttons(call, form, now, more))
        }
    }
}

/// When the longest hold allowed ends it, if that is soon.
fn ends_soon(call: &CallView, now: Wall) -> Option<Wall> {
    call.ends_at.filter(|end| end.0.saturating_sub(now.0) <= SOON_MS)
}

/// What speaks for a person just now and what against, as bars from a middle line.
fn evidence(weighs: &Weighs) -> Markup {
    html! {
        figure.evidence {
            @for term in weighs.terms.iter().filter(|term| term.nats.abs() >= 0.05) {
                div { span { (term.name) }
                    (bar(term.nats))
                    span { (format!("{:+.1}", term.nats)) } }
            }
            figcaption.muted { (format!("Is it a person? Together {:+.1}; your phone rings at {:+.1}.", weighs.sum, weighs.rings_at)) }
        }
    }
}

fn bar(nats: f32) -> Markup {
    let width = (nats.abs() * 12.0).min(50.0);
    let from = if nats < 0.0 { 50.0 - width } else { 50.0 };
    html! {
        svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect class=(if nats < 0.0 { "against" } else { "for" }) x=(from) width=(width) height="8" {}
            rect x="49.8" width="0.4" height="8" {}
        }
    }
}

/// How the sound of each leg fares, for whoever wonders why it crackles.
fn streams(streams: &[StreamView]) -> Markup {
    html! {
        details.sound {
            summary.muted { "Sound" }
            dl.figures {
                @for StreamView { trunk, quality } in streams {
                    div { dt { @if *trunk { "From the line" } @else { "From the house" } }
                        dd { (words::fraction(quality.loss())) " lost, " (words::milliseconds(quality.jitter_us)) " jitter"
                            @if quality.concealed_ms > 0 { ", " (words::length(quality.concealed_ms)) " filled in" } } }
                    @if let Some(far) = quality.far {
                        div { dt { @if *trunk { "To the line" } @else { "To the house" } }
                            dd { (words::fraction(f64::from(far.lost_256ths) / 256.0)) " lost"
                                @if let Some(us) = far.round_trip_us { ", " (words::milliseconds(us)) " there and back" } } }
                    }
                }
            }
        }
    }
}

/// How urgent a phase looks.
fn mood(phase: Phase) -> &'static str {
    match phase {
        Phase::Greeting | Phase::Ringing | Phase::Incoming => "urgent",
        Phase::Holding | Phase::Confirming | Phase::Menu | Phase::Assisted => "waiting",
        Phase::Dialing | Phase::Talking | Phase::Parked => "plain",
    }
}

/// A clock that the script lets run.
fn ticking(since: Wall, now: Wall) -> Markup {
    html! {
        time data-since=(since.0) datetime=(words::iso(since)) { (words::clock(now.0.saturating_sub(since.0))) }
    }
}

/// What can be done in each phase.
fn buttons(call: &CallView, form: &str, now: Wall, more: bool) -> Markup {
    let hold = matches!(call.phase, Phase::Dialing | Phase::Talking | Phase::Parked);
    let waits = [Phase::Confirming, Phase::Holding, Phase::Greeting, Phase::Menu, Phase::Assisted];
    let take = waits.contains(&call.phase);
    let talks = call.phase == Phase::Talking;
    let end = if call.phase == Phase::Incoming && !call.outgoing { "Reject" } else { "Hang up" };
    html! {
        div.buttons data-key="buttons" {
            @if hold { (button(call, form, "hold", "Hold now", "primary")) }
            @if take { (button(call, form, "take", "Take it", "primary")) }
            @if ends_soon(call, now).is_some() { (button(call, form, "hold", "Wait on", "plain")) }
            @if talks && more { (button(call, form, "conference", "Join calls", "plain")) }
            @if call.may_listen { a.button data-key="listen" href={ "/calls/" (call.id.0) "/listen" } { "Listen in" } }
            @if matches!(call.phase, Phase::Greeting | Phase::Ringing) || talks && call.found {
                (button(call, form, "recording", "It is a recording", "plain"))
            }
            @if call.phase == Phase::Holding { (button(call, form, "person", "It is a person", "plain")) }
            (button(call, form, "hangup", end, "danger"))
        }
    }
}

fn button(call: &CallView, form: &str, act: &str, label: &str, class: &str) -> Markup {
    html! {
        // By its key the script knows it again: a button stays itself while others come and go.
        form data-key={ (act) "-" (label) } method="post" action={ "/calls/" (call.id.0) "/" (act) } {
            (token(form))
            button id={ (act) "-" (call.id.0) } class=(class) { (label) }
        }
    }
}

/// For who has put a line right and will not wait.
fn again(snapshot: &Snapshot, form: &str) -> Markup {
    html! {
        @if snapshot.trunks.iter().any(|trunk| !trunk.up) {
            form method="post" action="/trunks/again" { (token(form)) button #trunks-again { "Try again now" } }
        }
    }
}

fn peers(title: &str, peers: &[PeerView], none: &str, act: &Markup) -> Markup {
    html! {
        section.card.peers data-key=(title) {
            h2 { (title) @if peers.len() > 1 { "s" } }
            @if peers.is_empty() { p.muted { (none) } }
            ul {
                @for peer in peers {
                    li data-key=(peer.name) {
                        span class=(if peer.up { "state up" } else { "state down" }) {
                            @if peer.up { "Ready" } @else { "Not ready" }
                        }
                        b translate="no" { (peer.name) }
                        span.muted { (peer.status) }
                    }
                }
            }
            (act)
        }
    }
}

/// On which sides of a call nobody can listen in on the network.
fn encrypted(call: &CallView) -> Option<&'static str> {
    match (call.line_encrypted, call.phones_encrypted) {
        (true, true) => Some("Sound is encrypted on both sides"),
        (true, false) => Some("Sound is encrypted on the line"),
        (false, true) => Some("Sound is encrypted in the house"),
        (false, false) => None,
    }
}

fn discards(snapshot: &Snapshot) -> Markup {
    let discards: Vec<_> = snapshot.discards.iter().filter(|(_, count)| **count > 0).collect();
    html! {
        @if !discards.is_empty() {
            details.card {
                summary { "Dropped without a word" }
                p.muted { "Packets that the box did not want, since it started. A few are normal." }
                dl.counts { @for (kind, count) in discards { div { dt { (kind) } dd { (count) } } } }
            }
        }
    }
}
