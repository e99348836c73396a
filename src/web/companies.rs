//! What the box knows of each company, on one page: calls, waits, flows, announcements.

use super::answer::Answer;
use super::api::Refusal;
use super::page::{Place, alert, frame, notice, token};
use super::teach::{self, Forget, Piece};
use super::visit::disk;
use super::{Site, flows, history, statistics, words};
use crate::call::{Outcome, Record};
use crate::slay::book::{Entry, Version};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Hours that are named as the best, at most.
const BEST: usize = 3;
/// An hour counts once so many waits began in it.
const ENOUGH: usize = 2;

/// One company.
#[derive(Debug, Default, PartialEq)]
struct Company {
    /// As it was dialled last.
    number: String,
    calls: u32,
    held: u32,
    held_ms: u64,
    /// Waits that ended with a person, milliseconds, by the hour at which they began.
    waits: BTreeMap<usize, Vec<u64>>,
    versions: Vec<Version>,
    /// Under which number its sounds are remembered, of how many calls and seconds.
    heard: Option<(String, u32, f32)>,
}

impl Company {
    /// Half of the waits were shorter.
    fn usual_ms(&self) -> Option<u64> {
        statistics::median(self.waits.values().flatten().copied().collect())
    }

    /// The hours with the shortest waits, where enough is known to tell.
    fn best_hours(&self) -> Vec<(usize, u64)> {
        let known = self.waits.iter().filter(|(_, waits)| waits.len() >= ENOUGH);
        let mut hours: Vec<(usize, u64)> =
            known.filter_map(|(hour, waits)| Some((*hour, statistics::median(waits.clone())?))).collect();
        // One hour alone is not better than another.
        if hours.len() < 2 {
            return Vec::new();
        }
        hours.sort_by_key(|(hour, wait)| (*wait, *hour));
        hours.truncate(BEST.min(hours.len() / 2));
        hours
    }

    fn name(&self) -> &str {
        self.versions.last().map_or("", |version| version.flow.name.as_str())
    }
}

/// Adds up the calls, newest first, by the number in full.
fn gather(
    records: &[Record],
    entries: Vec<Entry>,
    key: &dyn Fn(&str) -> String,
) -> BTreeMap<String, Company> {
    let mut companies: BTreeMap<String, Company> = BTreeMap::new();
    for record in records.iter().filter(|record| !record.number.is_empty() && record.outcome != Outcome::Up) {
        let company = companies.entry(key(&record.number)).or_default();
        if company.number.is_empty() {
            company.number.clone_from(&record.number);
        }
        company.calls += 1;
        let Some(since) = record.hold_started else { continue };
        company.held += 1;
        company.held_ms += record.held_ms;
        if record.outcome == Outcome::Slain {
            company.waits.entry(words::hour_and_weekday(since).0).or_default().push(record.held_ms);
        }
    }
    for entry in entries {
        let company = companies.entry(key(&entry.number)).or_default();
        if company.number.is_empty() {
            company.number = entry.number;
        }
        company.versions.extend(entry.versions);
    }
    companies
}

/// All of them; those that took most time first. Private people whom nobody waited for are no companies.
fn all(site: &Site) -> Result<Vec<Company>, Refusal> {
    let store = site.store()?;
    let records = history::every(store)?;
    let mut companies = gather(&records, flows::entries(site)?, &|number| site.company(number));
    for company in store.companies().map_err(disk)? {
        let lore = store.lore(&company).map_err(disk)?;
        if lore.is_empty() {
            continue;
        }
        let of = companies.entry(site.company(&company)).or_default();
        if of.number.is_empty() {
            of.number.clone_from(&company);
        }
        of.heard = Some((company, lore.calls, lore.seconds().0));
    }
    let mut companies: Vec<Company> = companies.into_values().collect();
    companies.retain(|company| company.held > 0 || company.heard.is_some() || !company.versions.is_empty());
    companies.sort_by(|a, b| b.held_ms.cmp(&a.held_ms).then_with(|| a.number.cmp(&b.number)));
    Ok(companies)
}

/// The page, with what went wrong.
pub(super) fn page(site: &Site, form: &str, wrong: Option<&Refusal>) -> Answer {
    match all(site) {
        Ok(companies) => {
            let status = wrong.map_or(200, |(status, _)| *status);
            let content = content(&companies, form, wrong.map(|(_, why)| why.as_str()));
            Answer::page(status, frame("Companies", Place::History, Some(form), &content))
        }
        Err((status, why)) => Answer::page(status, notice(form, "No companies for the moment", &why)),
    }
}

fn content(companies: &[Company], form: &str, wrong: Option<&str>) -> Markup {
    html! {
        p { a href="/history" { "← History" } }
        h1 { "Companies" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        @if companies.is_empty() {
            section.card { p { "None yet. Once the box has waited somewhere for you, it stands here." } }
        }
        @for company in companies { (card(company, form)) }
    }
}

fn card(company: &Company, form: &str) -> Markup {
    let best = company.best_hours();
    html! {
        section.card {
            h2 { @if !company.name().is_empty() { span translate="no" { (company.name()) } " " } span.muted translate="no" { (words::number(&company.number)) } }
            dl.figures {
                div { dt { "Usual wait" } dd { @match company.usual_ms() { Some(ms) => (words::length(ms)), None => "not known yet" } } }
                div { dt { "Best hours" } dd {
                    @if best.is_empty() { "not known yet" }
                    @for (at, (hour, wait)) in best.iter().enumerate() {
                        @if at > 0 { ", " }
                        (hour) ":00 (" (words::length(*wait)) ")"
                    }
                } }
                div { dt { "Calls held" } dd { (company.held) " of " (company.calls) } }
                div { dt { "The box waited for you" } dd { (words::length(company.held_ms)) } }
            }
            @if !company.versions.is_empty() {
                h3 { "Menu" }
                ul {
                    @for version in company.versions.iter().rev() {
                        li { a href=(super::flows_page::address("/flows/version", &company.number, version.id)) { "Version " (version.id) }
                            " " span.muted { (version.successes) " of " (version.successes + version.failures) " calls led to its end" } }
                    }
                }
            }
            @if let Some((company, calls, seconds)) = &company.heard {
                h3 { "Announcements" }
                p { (seconds.round()) " s of what it plays are known, as prints, from " (calls) @if *calls == 1 { " call." } @else { " calls." }
                    " " a href=(heard_at(company)) { "One by one" } }
                form method="post" action="/companies/forget" {
                    (token(form))
                    input type="hidden" name="company" value=(company);
                    button.danger aria-label={ "Forget the announcements of " (company) } { "Forget them" }
                }
            }
            p { a href={ "/history?number=" (words::in_address(&company.number)) } { "Its calls" } }
        }
    }
}

/// Where the announcements of a company stand one by one.
fn heard_at(company: &str) -> String {
    format!("/companies/heard?company={}", words::in_address(company))
}

/// The announcements of one company, with what went wrong.
pub(super) fn heard(site: &Site, company: &str, form: &str, wrong: Option<&Refusal>) -> Answer {
    let found = teach::pieces(site, company);
    let names = history::Names::known(site).ok();
    let name = names.as_ref().and_then(|names| names.of(company));
    match &found {
        Ok(found) => {
            let status = wrong.map_or(200, |(status, _)| *status);
            let content = html! {
                p { a href="/companies" { "← Companies" } }
                h1 { "Announcements" }
                p.lead { @if let Some(name) = name { span translate="no" { (name) } " " } span translate="no" { (company) } }
                @if let Some((_, why)) = wrong { (alert(why)) }
                section.card.peers {
                    p.muted.lead { "Prints are kept and no sound: none of this can be heard again. Forget what was a person, or what they no longer play." }
                    @if found.pieces.is_empty() { p { "Nothing is known." } }
                    ul { @for piece in &found.pieces { (piece_of(company, piece, form)) } }
                }
            };
            Answer::page(status, frame("Announcements", Place::History, Some(form), &content))
        }
        Err((status, why)) => Answer::page(*status, notice(form, "No announcements", why)),
    }
}

fn piece_of(company: &str, piece: &Piece, form: &str) -> Markup {
    html! {
        li {
            b { (format!("{:.1} s", piece.seconds)) }
            span.muted {
                @match (piece.calls, piece.call) {
                    (_, None) => { span { "From another box." } },
                    (1, _) => { span { "Heard in one call." } },
                    (calls, _) => { span { "Heard in " (calls) " calls." } },
                }
                @if let (Some(call), Some(at_ms)) = (piece.call, piece.at_ms) {
                    " " a href={ "/calls/" (call.0) } { "Last at " (words::clock(at_ms)) " of call " (call.0) } ". "
                }
                @if piece.doubted { span { "It may have been a person: it counts once another call plays it again." } }
            }
            form method="post" action="/companies/forget" {
                (token(form))
                input type="hidden" name="company" value=(company);
                input type="hidden" name="piece" value=(piece.id);
                button.danger aria-label={ "Forget piece " (piece.id) } { "Forget" }
            }
        }
    }
}

/// Forgets a piece, or all of a company.
pub(super) fn forget(site: &Site, (company, piece): (&str, &str), form: &str) -> Answer {
    let one = Some(piece).filter(|piece| !piece.is_empty());
    let piece = one.map(str::parse).transpose().map_err(|_| (400, "piece: allowed is a number".to_owned()));
    let gone = piece.and_then(|piece| teach::forget(site, &Forget { company: company.into(), piece }));
    match (gone, one) {
        (Ok(()), Some(_)) => Answer::see(heard_at(company)),
        (Ok(()), None) => Answer::see("/companies".into()),
        (Err(refusal), Some(_)) => heard(site, company, form, Some(&refusal)),
        (Err(refusal), None) => page(site, form, Some(&refusal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::record;
    use crate::units::Wall;

    #[test]
    fn calls_of_one_company_come_together_and_its_best_hours_are_told() {
        // The hour counts on the box's own clock, whatever its zone.
        let waited = |id: u64, number: &str, hours: u64, minutes: u64| Record {
            hold_started: Some(Wall(1_795_305_600_000 + hours * 3_600_000)),
            held_ms: minutes * 60_000,
            outcome: Outcome::Slain,
            ..record(id, number)
        };
        let records = [
            waited(6, "18005550123", 9, 4),
            waited(5, "+18005550123", 9, 6),
            waited(4, "+18005550123", 17, 30),
            waited(3, "+18005550123", 17, 40),
            Record { hold_started: None, outcome: Outcome::Busy, ..record(2, "+18005550123") },
            Record { outcome: Outcome::Up, ..record(1, "+4930123") },
        ];
        let key = |number: &str| number.trim_start_matches('+').to_owned();
        let companies = gather(&records, Vec::new(), &key);
        assert_eq!(companies.len(), 1, "{companies:?}");
        let company = companies.values().next().map(|company| {
            let best: Vec<u64> = company.best_hours().iter().map(|(_, wait)| wait / 60_000).collect();
            (
                company.number.as_str(),
                company.calls,
                company.held,
                company.usual_ms().map(|ms| ms / 60_000),
                best,
            )
        });
        assert_eq!(company, Some(("18005550123", 5, 4, Some(30), vec![6])));
    }
}
