//! The history: which calls are looked for in it, and their list.

use super::answer::Answer;
use super::api::Refusal;
use super::page::{Place, frame, notice};
use super::visit::disk;
use super::{Site, flows, visit, words};
use crate::call::{Outcome, Record};
use crate::store::{HISTORY_PAGE, Store};
use crate::units::CallId;
use maud::{Markup, html};
use std::collections::HashMap;

/// Records looked at for one answer.
const SEARCHED: usize = 20_000;
/// Records on one page.
const PAGE: usize = 50;

/// What a search has found.
pub(super) struct Found {
    /// Newest first.
    pub(super) calls: Vec<Record>,
    /// There may be more: older than this one.
    pub(super) next: Option<CallId>,
    /// It rests because it has looked at [`SEARCHED`] records.
    pub(super) rests: bool,
}

/// Up to `limit` calls that fit, older than `before`.
pub(super) fn search(
    store: &Store,
    before: Option<CallId>,
    limit: usize,
    fits: &dyn Fn(&Record) -> bool,
) -> Result<Found, Refusal> {
    let page = |before| store.history(before, HISTORY_PAGE).map_err(disk);
    look(&page, before, limit, fits)
}

/// The same in pages of [`HISTORY_PAGE`].
fn look(
    page: &dyn Fn(Option<CallId>) -> Result<Vec<Record>, Refusal>,
    mut before: Option<CallId>,
    limit: usize,
    fits: &dyn Fn(&Record) -> bool,
) -> Result<Found, Refusal> {
    let mut calls: Vec<Record> = Vec::new();
    for _ in 0..SEARCHED / HISTORY_PAGE {
        let page = page(before)?;
        let is_last = page.len() < HISTORY_PAGE;
        before = page.last().map(|record| record.id);
        for record in page.into_iter().filter(fits) {
            if calls.len() == limit {
                let next = calls.last().map(|call| call.id);
                return Ok(Found { calls, next, rests: false });
            }
            calls.push(record);
        }
        if is_last {
            return Ok(Found { calls, next: None, rests: false });
        }
    }
    Ok(Found { calls, next: before, rests: true })
}

/// Every record that is looked at for statistics, newest first.
pub(super) fn every(store: &Store) -> Result<Vec<Record>, Refusal> {
    search(store, None, SEARCHED, &|_| true).map(|found| found.calls)
}

/// The call's number has these digits in it, whatever stands between them.
pub(super) fn has_number(record: &Record, wanted: &str) -> bool {
    let plain = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let digits = plain(wanted);
    record.number.contains(wanted) || !digits.is_empty() && plain(&record.number).contains(&digits)
}

/// This was said in the call, in whatever case.
pub(super) fn was_said(record: &Record, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    record.said.iter().any(|one| one.text.to_lowercase().contains(&wanted))
}

/// What companies are called: as the newest flow through their menu is.
pub(super) struct Names<'s> {
    site: &'s Site,
    /// By the number in full.
    names: HashMap<String, String>,
}

impl<'s> Names<'s> {
    /// All that are known.
    pub(super) fn known(site: &'s Site) -> Result<Self, Refusal> {
        let names = flows::entries(site)?.into_iter().filter_map(|entry| {
            let name = entry.versions.last()?.flow.name.clone();
            (!name.is_empty()).then(|| (site.company(&entry.number), name))
        });
        Ok(Self { names: names.collect(), site })
    }

    /// What the company is called that has this number, however it is dialled.
    pub(super) fn of(&self, number: &str) -> Option<&str> {
        self.names.get(&self.site.company(number)).map(String::as_str)
    }

    /// Its company's name has this in it, in whatever case.
    pub(super) fn has(&self, record: &Record, wanted: &str) -> bool {
        self.of(&record.number).is_some_and(|name| name.to_lowercase().contains(&wanted.to_lowercase()))
    }
}

/// An outcome as addresses and programs name it.
fn key(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

/// What the list is asked for.
pub(super) struct Asked<'a> {
    /// Older than this one.
    pub(super) before: Option<CallId>,
    /// In the number, in the company's name or in what was said.
    pub(super) wanted: &'a str,
    /// That ended so, as [`key`] has it.
    pub(super) outcome: &'a str,
}

/// The page.
pub(super) fn page(site: &Site, asked: &Asked<'_>, form: &str) -> Answer {
    let Some(store) = &site.store else {
        return Answer::page(503, notice(form, "No history", visit::NO_STORE));
    };
    let outcome = Outcome::ALL.into_iter().find(|outcome| key(*outcome) == asked.outcome);
    let wanted = asked.wanted;
    let is_words = wanted.contains(char::is_alphabetic);
    let found = Names::known(site).and_then(|names| {
        let fits = |record: &Record| {
            let has = wanted.is_empty()
                || names.has(record, wanted)
                || if is_words { was_said(record, wanted) } else { has_number(record, wanted) };
            has && outcome.is_none_or(|outcome| record.outcome == outcome)
        };
        Ok((search(store, asked.before, PAGE, &fits)?, names))
    });
    match found {
        Ok((found, names)) => Answer::page(200, list(&found, asked, outcome, &names, form)),
        Err((status, why)) => Answer::page(status, notice(form, "No history for the moment", &why)),
    }
}

fn list(
    found: &Found,
    &Asked { before, wanted, .. }: &Asked<'_>,
    outcome: Option<Outcome>,
    names: &Names<'_>,
    form: &str,
) -> Markup {
    let calls = &found.calls;
    let held: u64 = calls.iter().map(|call| call.held_ms).sum();
    let ended = outcome.map(key).unwrap_or_default();
    let same = format!("number={}&outcome={ended}", words::in_address(wanted));
    let content = html! {
        h1 { "History" }
        form.search method="get" action="/history" role="search" {
            label.unseen for="number" { "Number, company, or what was said" }
            input #number type="search" name="number" value=(wanted) maxlength="64" placeholder="Number, company, or what was said";
            label.unseen for="outcome" { "How it ended" }
            select #outcome name="outcome" {
                option value="" { "However it ended" }
                @for one in Outcome::ALL {
                    option value=(key(one)) selected[outcome == Some(one)] { (words::outcome(one)) }
                }
            }
            button { "Search" }
            a href="/companies" { "Companies" }
            a href="/statistics" { "Statistics" }
        }
        @if held > 0 {
            p.lead { "In these calls the box waited " b { (words::length(held)) } " for you." }
        }
        @if calls.is_empty() && !found.rests {
            section.card {
                p {
                    @if before.is_some() { "There are no older calls." }
                    @else if !wanted.is_empty() && outcome.is_some() { "No call has this and ended so." }
                    @else if !wanted.is_empty() { "No call has this in its number, in its company's name, or in what was said." }
                    @else if outcome.is_some() { "No call ended so." }
                    @else { "No calls yet. The first one will stand here." }
                }
            }
        }
        @for day in calls.chunk_by(|a, b| words::day(a.started) == words::day(b.started)) {
            @if let Some(first) = day.first() { h2.day { (words::day(first.started)) } }
            ul.calls { @for call in day { (row(call, names.of(&call.number))) } }
        }
        @if found.rests {
            section.card { p { (SEARCHED) " calls have been looked through. There are older ones." } }
        }
        nav.pages aria-label="History" {
            @if before.is_some() { a href={ "/history?" (same) } { "Newest" } }
            @if let Some(next) = found.next {
                a href={ "/history?before=" (next.0) "&" (same) } { @if found.rests { "Look further back" } @else { "Older" } }
            }
        }
    };
    frame("History", Place::History, Some(form), &content)
}

fn row(call: &Record, name: Option<&str>) -> Markup {
    html! {
        li {
            a.card href={ "/calls/" (call.id.0) } {
                time datetime=(words::iso(call.started)) { (words::time(call.started)) }
                span.who {
                    @if let Some(name) = name { b translate="no" { (name) } " " }
                    (words::number(&call.number)) " " span.muted { (direction(call)) }
                }
                span.held.muted { @if call.held_ms > 0 { "held " (words::length(call.held_ms)) } }
                (badge(call.outcome))
            }
        }
    }
}

/// Who called whom.
pub(super) fn direction(call: &Record) -> &'static str {
    if call.outgoing { "outgoing" } else { "incoming" }
}

/// How it ended, in colour.
pub(super) fn badge(outcome: Outcome) -> Markup {
    html! { span class={ "badge " (words::outcome_class(outcome)) } { (words::outcome(outcome)) } }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::tests::record;
    use std::collections::BTreeSet;

    #[test]
    fn every_outcome_can_be_chosen() {
        let schema = serde_json::to_string(&schemars::schema_for!(Outcome)).unwrap();
        assert_eq!(schema.matches("\"const\"").count(), Outcome::ALL.len(), "{schema}");
        let keys: BTreeSet<String> = Outcome::ALL.map(key).into();
        assert!(keys.len() == Outcome::ALL.len() && keys.contains("company_hung_up"), "{keys:?}");
    }

    #[test]
    fn a_search_that_rests_goes_on_where_it_was() {
        let oldest = 3_u64;
        let newest = oldest + SEARCHED as u64 + 500;
        let page = |before: Option<CallId>| {
            let end = before.map_or(newest + 1, |id| id.0);
            let ids = (oldest..end).rev().take(HISTORY_PAGE);
            Ok(ids.map(|id| record(id, if id < 6 { "+1800" } else { "+1900" })).collect())
        };
        let fits = |record: &Record| has_number(record, "1 800");
        let ids = |found: &Found| found.calls.iter().map(|call| call.id.0).collect::<Vec<_>>();
        let first = look(&page, None, 2, &fits).unwrap();
        assert!(first.calls.is_empty() && first.rests);
        let second = look(&page, first.next, 2, &fits).unwrap();
        assert_eq!((ids(&second), second.next, second.rests), (vec![5, 4], Some(CallId(4)), false));
        let third = look(&page, second.next, 2, &fits).unwrap();
        assert_eq!((ids(&third), third.next, third.rests), (vec![3], None, false));
    }
}
