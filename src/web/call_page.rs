//! The story of one call.

use super::history::{badge, direction};
use super::page::{Place, frame, token};
use super::{strip, words};
use crate::call::{By, Outcome, Record};
use crate::listen::Sound;
use crate::studio::Found;
use crate::units::Wall;
use maud::{Markup, html};

/// One call. `name`: what its company is called.
pub(super) fn page(
    (call, name): (&Record, Option<&str>),
    recordings: &[Found],
    now: Wall,
    form: &str,
) -> Markup {
    let length = length(call, now);
    let heard = strip::stretches(
        call.heard.iter().map(|span| (span.at_ms, span.sound)),
        end_of_listening(call, length),
    );
    let marks: Vec<u64> = call.decisions.iter().map(|decision| decision.at_ms).collect();
    let title = words::number(&call.number);
    let content = html! {
        p { a href="/history" { "← History" } }
        h1 { @if let Some(name) = name { span translate="no" { (name) } " " } span { (title) } }
        p.muted { time datetime=(words::iso(call.started)) { (words::day(call.started)) ", " (words::time(call.started)) }
            ", " (direction(call)) }
        p.lead { (badge(call.outcome)) " " (words::outcome_sentence(call)) }
        section.card { (figures(call, length)) }
        @if comes_to_nothing(call) { (later(call, form)) }
        @if !heard.is_empty() {
            section.card {
                h2 { "What was heard" }
                (strip::draw(&heard, &marks))
            }
        }
        @if !recordings.is_empty() {
            section.card {
                h2 { "Recording" }
                @for found in recordings {
                    @let address = format!("/calls/{}/{}.{}", call.id.0, found.name, found.ending);
                    p { audio controls preload="none" src=(address) {} }
                    p.muted { a href=(address) download { "Save " (found.what) } " · " (found.bytes / 1_000_000) " MB" }
                }
            }
        }
        @if !call.said.is_empty() {
            section.card {
                h2 { "What was said" }
                ol.story {
                    @for one in &call.said {
                        li { time { (words::clock(one.at_ms)) }
                            span { @if one.by == By::Box { span.muted { "The box: " } } span translate="no" { (one.text) } } }
                    }
                }
            }
        }
        section.card {
            h2 { "What happened" }
            (story(call, form))
        }
        p.muted { "Call " (call.id.0) " · " a href={ "/api/v1/calls/" (call.id.0) } { "as JSON" } }
    };
    frame(title, Place::History, Some(form), &content)
}

/// The household called, and nobody came to talk to.
fn comes_to_nothing(call: &Record) -> bool {
    let vain =
        [Outcome::NobodyThere, Outcome::CompanyHungUp, Outcome::AgentLost, Outcome::Busy, Outcome::NoAnswer];
    call.outgoing && !call.number.is_empty() && vain.contains(&call.outcome)
}

/// The box calls there once more, when they open.
fn later(call: &Record, form: &str) -> Markup {
    html! {
        section.card {
            h2 { "Call later" }
            p.muted.lead { "At that time the box calls, goes through the menu if it knows it, waits, and rings you when a person is there." }
            form method="post" action="/planned" {
                (token(form))
                input type="hidden" name="number" value=(call.number);
                label for="plan-at" { "When" }
                input #plan-at type="text" name="at" maxlength="16" autocomplete="off" value="08:00" required aria-describedby="at-help";
                p #at-help .muted.lead { "08:00 is the next time it is that late. Or a day and a time: 2026-11-29 08:00." }
                button { "Call then" }
            }
        }
    }
}

/// How long the call was, milliseconds; to its last known moment if the box stopped in it.
fn length(call: &Record, now: Wall) -> u64 {
    let last_known = || {
        let heard = call.heard.last().map_or(0, |span| span.at_ms);
        let decided = call.decisions.last().map_or(0, |decision| decision.at_ms);
        heard.max(decided)
    };
    match (call.ended, call.outcome) {
        (Some(ended), _) => ended.0.saturating_sub(call.started.0),
        (None, Outcome::Up) => now.0.saturating_sub(call.started.0),
        (None, _) => last_known(),
    }
}

/// The box listens until it joins the owner to the call.
fn end_of_listening(call: &Record, length: u64) -> u64 {
    let last = call.heard.last().map_or(0, |span| span.at_ms);
    let mut joins =
        call.decisions.iter().filter(|decision| decision.what == "join" && decision.at_ms >= last);
    joins.next().map_or(length, |join| join.at_ms)
}

/// What can be reckoned from the record.
fn figures(call: &Record, length: u64) -> Markup {
    let answered = call.answered.map(|at| at.0.saturating_sub(call.started.0));
    let count = |what: &str| call.decisions.iter().filter(|decision| decision.what == what).count();
    let (rings, false_rings) = (count("ring"), count("stop ringing"));
    html! {
        dl.figures {
            div { dt { "Length" } dd { (words::length(length)) } }
            div { dt { "Answered" } dd { @if let Some(ms) = answered { "after " (words::length(ms)) } @else { "no" } } }
            @if call.held_ms > 0 {
                div { dt { "The box waited" } dd.big { (words::length(call.held_ms)) } }
                @if length > 0 { div { dt { "Time saved" } dd { (call.held_ms.min(length) * 100 / length) " %" } } }
            }
            @if let Some(ms) = call.figures.waited_ms { div { dt { "Until a person came" } dd { (words::length(ms)) } } }
            @if call.figures.attempt > 1 { div { dt { "Attempt" } dd { (call.figures.attempt) } } }
            @if let Some(cents) = call.figures.cents { div { dt { "Cost, about" } dd { (format!("{:.2}", cents / 100.0)) } } }
            @if rings > 0 {
                div { dt { "Your phone rang" } dd { (times(rings)) }
                    @if false_rings > 0 { dd.muted { (times(false_rings)) " for a recording" } } }
            }
        }
    }
}

fn times(n: usize) -> String {
    match n {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{n} times"),
    }
}

/// Sounds and decisions in the order of time.
fn story(call: &Record, form: &str) -> Markup {
    enum Entry<'a> {
        Heard(&'a crate::call::Span),
        Decided(&'a crate::call::Decision),
    }
    let heard = call.heard.iter().map(|span| (span.at_ms, Entry::Heard(span)));
    let decided = call.decisions.iter().map(|decision| (decision.at_ms, Entry::Decided(decision)));
    let mut entries: Vec<(u64, Entry<'_>)> = heard.chain(decided).collect();
    entries.sort_by_key(|&(at, _)| at);
    let over = call.outcome != Outcome::Up;
    html! {
        @if entries.is_empty() { p.muted { "Nothing was noted in this call." } }
        ol.story {
            @for (at, entry) in &entries {
                @match entry {
                    Entry::Heard(span) => li.heard {
                        time { (words::clock(*at)) }
                        span { span class={ "key " (words::sound_class(span.sound)) } {} (words::sound(span.sound))
                            " " span.muted { (percent(span.confidence)) " sure" }
                            @if over && matches!(span.sound, Sound::Announcement | Sound::Speech) {
                                (taught(call, form, (*at, ends_of(call, *at)), "person", "It was a person"))
                            } }
                    },
                    Entry::Decided(decision) => li.decided {
                        time { (words::clock(*at)) }
                        span { b { (words::capital(&decision.what)) } br; (decision.reason)
                            @if over && matches!(&*decision.what, "ring" | "greet") {
                                (taught(call, form, (*at, *at), "recording", "It was a recording"))
                            } }
                    },
                }
            }
        }
    }
}

/// When the stretch of sound ends that began then.
fn ends_of(call: &Record, at_ms: u64) -> u64 {
    call.heard.iter().map(|span| span.at_ms).find(|next| *next > at_ms).unwrap_or(at_ms)
}

/// Corrects what the listener made of a stretch of the call.
fn taught(call: &Record, form: &str, (at_ms, until_ms): (u64, u64), act: &str, label: &str) -> Markup {
    html! {
        form method="post" action={ "/calls/" (call.id.0) "/" (act) } {
            (token(form))
            input type="hidden" name="at" value=(at_ms);
            input type="hidden" name="until" value=(until_ms);
            button.plain { (label) }
        }
    }
}

fn percent(confidence: f32) -> String {
    format!("{:.0} %", f64::from(confidence.clamp(0.0, 1.0)) * 100.0)
}
