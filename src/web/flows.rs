//! Flows and calls for later, from the page and for programs: what is asked, and what comes of it.

use super::answer::Answer;
use super::{Order, Site, flows_page};
use crate::call::Errand;
use crate::clock;
use crate::slay::book::{Entry, Version};
use crate::slay::schedule::{Appointment, Way};
use crate::slay::text;
use crate::units::Wall;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Why something was not done, with a status.
type Refused = (u16, String);
/// What was sent: names and values.
type Fields = [(String, String)];

fn sent<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

fn kept(site: &Site) -> Result<(Vec<Entry>, Vec<Appointment>), Refused> {
    let store = site.store.as_ref().ok_or((503, super::visit::NO_STORE.to_string()))?;
    let failed = |error: crate::store::Error| (503, error.to_string());
    Ok((store.flows().map_err(failed)?, store.schedule().map_err(failed)?))
}

fn version(site: &Site, number: &str, id: &str) -> Result<(Entry, Version), Refused> {
    let gone = || (404, "There is no such flow: it may have been removed.".to_string());
    let (entries, _) = kept(site)?;
    let number = crate::slay::book::key(number);
    let entry = entries.into_iter().find(|entry| entry.number == number).ok_or_else(gone)?;
    let found = match id {
        "" => entry.versions.last(),
        id => entry.versions.iter().find(|v| v.id.to_string() == id),
    };
    let version = found.cloned().ok_or_else(gone)?;
    Ok((entry, version))
}

/// The page, with what went wrong and what was written, so that nothing is lost.
pub(super) fn page(site: &Site, form: &str, wrong: Option<(&str, &Fields)>, status: u16) -> Answer {
    let draft = wrong.map_or(("", ""), |(_, fields)| (sent(fields, "number"), sent(fields, "flow")));
    let words = wrong.map(|(words, _)| words);
    match kept(site) {
        Ok((entries, planned)) => {
            Answer::page(status, flows_page::list(&entries, &planned, form, words, draft))
        }
        Err((status, why)) => Answer::page(status, super::page::notice(form, "No flows", &why)),
    }
}

/// One version as text, to be changed: it is kept as a new one.
pub(super) fn edit(site: &Site, form: &str, number: &str, id: &str) -> Answer {
    match version(site, number, id) {
        Ok((entry, version)) => {
            Answer::page(200, flows_page::edit(&entry.number, &version, &text::write(&version.flow), form))
        }
        Err((status, why)) => Answer::page(status, super::page::notice(form, "No such flow", &why)),
    }
}

/// One version as a file.
pub(super) fn export(site: &Site, number: &str, id: &str) -> Answer {
    match version(site, number, id) {
        Ok((entry, version)) => {
            let name = format!("attachment; filename=\"flow-{}-{}.toml\"", entry.number, version.id);
            Answer::text(200, &text::write(&version.flow)).with("Content-Disposition", name)
        }
        Err((status, why)) => Answer::problem(status, &why),
    }
}

/// Keeps what was written as the newest version of the number's flow.
pub(super) fn keep(site: &Site, fields: &Fields) -> Result<(), Refused> {
    let flow = text::read("flow", sent(fields, "flow")).map_err(|mistakes| (400, mistakes.to_string()))?;
    site.ask(Order::Errand(Errand::Keep(sent(fields, "number").into(), Box::new(flow)))).map(drop)
}

/// Forgets a version, or all of a number.
pub(super) fn remove(site: &Site, fields: &Fields) -> Result<(), Refused> {
    let version = match sent(fields, "version") {
        "" => None,
        id => Some(id.parse().map_err(|_| (400, "version: allowed is a number".to_string()))?),
    };
    site.ask(Order::Errand(Errand::Drop(sent(fields, "number").into(), version))).map(drop)
}

/// Calls a number and holds, now or later.
pub(super) fn slay(site: &Site, fields: &Fields) -> Result<(), Refused> {
    let number = sent(fields, "number").to_string();
    let way = match sent(fields, "flow") {
        "" | "known" => Way::Known,
        "none" => Way::Straight,
        id => Way::Version(id.parse().map_err(|_| {
            (400, "flow: allowed are \"known\", \"none\" and the number of a version".to_string())
        })?),
    };
    let errand = match sent(fields, "at") {
        "" => Errand::Call(number, way),
        at => {
            Errand::At(number, way, when(at, clock::wall(), &TimeZone::system()).map_err(|why| (400, why))?)
        }
    };
    site.ask(Order::Errand(errand)).map(drop)
}

/// Takes a planned call away.
pub(super) fn forget(site: &Site, fields: &Fields) -> Result<(), Refused> {
    let id = sent(fields, "id").parse().map_err(|_| (400, "id: allowed is a number".to_string()))?;
    site.ask(Order::Errand(Errand::Forget(id))).map(drop)
}

/// What is kept, for programs.
pub(super) fn json(site: &Site) -> Answer {
    match kept(site) {
        Ok((entries, planned)) => {
            let version = |v: &Version| {
                serde_json::json!({
                    "id": v.id, "name": v.flow.name, "learnt": v.learnt, "standing": v.standing(), "made": v.made,
                    "successes": v.successes, "failures": v.failures, "flow": text::write(&v.flow),
                })
            };
            let flows = entries.iter().map(|entry| {
                let versions: Vec<_> = entry.versions.iter().map(version).collect();
                serde_json::json!({ "number": entry.number, "versions": versions })
            });
            Answer::json(200, &serde_json::json!({ "flows": flows.collect::<Vec<_>>(), "planned": planned }))
        }
        Err((status, why)) => Answer::problem(status, &why),
    }
}

/// "08:00", the next one there is, or "2026-11-29T08:00": the box's own time.
fn when(text: &str, now: Wall, zone: &TimeZone) -> Result<Wall, String> {
    let allowed = || {
        format!("at = {text}: allowed is a time such as 08:00, or a date and time such as 2026-11-29T08:00")
    };
    let now = Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or_default()).map_err(|_| allowed())?;
    let there = |day: jiff::civil::Date, time: jiff::civil::Time| -> Result<Timestamp, String> {
        let at = zone.to_ambiguous_zoned(day.to_datetime(time)).compatible().map_err(|_| allowed())?;
        Ok(at.timestamp())
    };
    let at = match text.split_once(['T', ' ']) {
        Some((day, time)) => {
            there(day.parse().map_err(|_| allowed())?, time.parse().map_err(|_| allowed())?)?
        }
        None => {
            let time: jiff::civil::Time = text.parse().map_err(|_| allowed())?;
            let today = now.to_zoned(zone.clone()).date();
            match there(today, time)? {
                at if at > now => at,
                _ => there(today.checked_add(SignedDuration::from_hours(24)).map_err(|_| allowed())?, time)?,
            }
        }
    };
    u64::try_from(at.as_millisecond()).map(Wall).map_err(|_| allowed())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn times_are_the_boxs_own_and_the_next_there_is() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let wall = |text: &str| {
            let at: Timestamp = text.parse().unwrap();
            Wall(u64::try_from(at.as_millisecond()).unwrap())
        };
        let seven = wall("2026-11-29T06:00:00Z");
        let table = [
            ("08:00", "2026-11-29T07:00:00Z"),
            ("07:00", "2026-11-30T06:00:00Z"),
            ("6:59", ""),
            ("06:59", "2026-11-30T05:59:00Z"),
            ("2026-12-01T08:30", "2026-12-01T07:30:00Z"),
            ("2026-12-01 08:30", "2026-12-01T07:30:00Z"),
            ("2026-13-01T08:30", ""),
            ("tomorrow", ""),
            ("25:00", ""),
            ("1800-01-01T08:00", ""),
        ];
        for (text, expected) in table {
            let found = when(text, seven, &berlin);
            match expected {
                "" => assert!(found.unwrap_err().contains("08:00"), "{text}"),
                expected => assert_eq!(found, Ok(wall(expected)), "{text}"),
            }
        }
    }
}
