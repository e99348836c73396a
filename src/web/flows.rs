//! Flows and planned calls, for the page and for programs: what is asked, and what comes of it.

use super::api::shapes::{Chosen, number as from_text, way};
use super::api::{Refusal, whole, whole_if_any};
use super::visit::disk;
use super::{Order, Site};
use crate::call::{Errand, Request};
use crate::clock;
use crate::slay::book::{Entry, Standing, Version};
use crate::slay::schedule::{Appointment, Way};
use crate::slay::text;
use crate::units::Wall;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of menus, by number.
#[derive(Serialize, JsonSchema)]
pub(super) struct Flows {
    flows: Vec<FlowsOf>,
}

/// Every version of one number's flow.
#[derive(Serialize, JsonSchema)]
struct FlowsOf {
    number: String,
    /// Oldest first.
    versions: Vec<Known>,
}

/// One version, in figures.
#[derive(Serialize, JsonSchema)]
struct Known {
    version: u32,
    name: String,
    /// From the owner's keys; otherwise somebody wrote it.
    learnt: bool,
    standing: Standing,
    made: Wall,
    steps: usize,
    /// Calls in which it led to its end, and in which it did not.
    successes: u32,
    failures: u32,
}

/// One version, as text.
#[derive(Serialize, JsonSchema)]
pub(super) struct Whole {
    number: String,
    #[serde(flatten)]
    known: Known,
    /// In TOML, as it is taken back.
    flow: String,
}

/// Which flow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// The company's.
    #[schemars(regex(pattern = r"^\+?[0-9*#]{1,32}$"))]
    pub(super) number: String,
    /// The newest unless given.
    #[serde(default, deserialize_with = "from_text")]
    pub(super) version: Option<u64>,
}

/// What is forgotten.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Gone {
    /// The company's number.
    #[schemars(regex(pattern = r"^\+?[0-9*#]{1,32}$"))]
    pub(super) number: String,
    /// All unless given.
    #[serde(default, deserialize_with = "whole_if_any")]
    #[schemars(range(max = u32::MAX))]
    pub(super) version: Option<u32>,
}

/// A flow to be kept as the newest version.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// The company's number, as dialled.
    #[schemars(regex(pattern = r"^\+?[0-9*#]{1,32}$"))]
    pub(super) number: String,
    /// In TOML.
    pub(super) flow: String,
}

/// Calls that wait for their time.
#[derive(Serialize, JsonSchema)]
pub(super) struct Planned {
    planned: Vec<Later>,
}

/// One of them.
#[derive(Serialize, JsonSchema)]
struct Later {
    id: u32,
    number: String,
    at: Wall,
    flow: Chosen,
    /// What is wanted there, in place of a flow.
    wish: Option<String>,
}

/// A call that the box shall place and hold at a time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// Whom to call, as dialled on a phone of the house.
    #[schemars(regex(pattern = r"^\+?[0-9*#]{1,32}$"))]
    pub(super) number: String,
    /// The box's own time: `08:00`, the next there is, or `2026-11-29T08:00`.
    #[schemars(regex(pattern = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ])?[0-9]{2}:[0-9]{2}$"))]
    pub(super) at: String,
    /// Which flow it follows.
    #[serde(default)]
    pub(super) flow: Chosen,
    /// In place of a flow: what is wanted there, such as `billing` or `agent`.
    #[serde(default)]
    #[schemars(length(max = 64), regex(pattern = r"\p{L}.*\p{L}"))]
    pub(super) wish: Option<String>,
}

/// A planned call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Unplan {
    /// As `list_planned` gives it.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(max = u32::MAX))]
    pub(super) id: u32,
}

/// Every number's flows.
pub(super) fn entries(site: &Site) -> Result<Vec<Entry>, Refusal> {
    site.store()?.flows().map_err(disk)
}

/// The calls that wait, the next one first.
pub(super) fn appointments(site: &Site) -> Result<Vec<Appointment>, Refusal> {
    let mut planned = site.store()?.schedule().map_err(disk)?;
    planned.sort_by_key(|call| (call.at, call.id));
    Ok(planned)
}

/// One version of a number's flow; without an id the newest.
pub(super) fn version(site: &Site, number: &str, id: Option<u64>) -> Result<(Entry, Version), Refusal> {
    let gone = || (404, "There is no such flow: it may have been removed.".to_owned());
    let entry = site.store()?.flows_of(&site.company(number)).map_err(disk)?.ok_or_else(gone)?;
    let wanted = |v: &&Version| id.is_none_or(|id| u64::from(v.id) == id);
    let version = entry.versions.iter().rfind(wanted).cloned().ok_or_else(gone)?;
    Ok((entry, version))
}

fn known(version: &Version) -> Known {
    Known {
        version: version.id,
        name: version.flow.name.clone(),
        learnt: version.learnt,
        standing: version.standing(),
        made: version.made,
        steps: version.flow.steps.len(),
        successes: version.successes,
        failures: version.failures,
    }
}

/// What is known.
pub(super) fn list(site: &Site) -> Result<Flows, Refusal> {
    let of =
        |entry: Entry| FlowsOf { versions: entry.versions.iter().map(known).collect(), number: entry.number };
    Ok(Flows { flows: entries(site)?.into_iter().map(of).collect() })
}

/// One version.
pub(super) fn get(site: &Site, which: &Which) -> Result<Whole, Refusal> {
    let (entry, version) = version(site, &which.number, which.version)?;
    Ok(Whole { number: entry.number, known: known(&version), flow: text::write(&version.flow) })
}

/// Keeps what was written.
pub(super) fn keep(site: &Site, written: &Written) -> Result<(), Refusal> {
    send(site, kept(written)?)
}

/// What keeps it, if it is a flow.
pub(super) fn kept(written: &Written) -> Result<Errand, Refusal> {
    if written.flow.trim().is_empty() {
        return Err((400, "The flow is empty: write at least one step, or remove the version.".into()));
    }
    let flow = text::read("flow", &written.flow).map_err(|mistakes| (400, mistakes.to_string()))?;
    Ok(Errand::Keep(written.number.clone(), Box::new(flow)))
}

/// Forgets a version, or all of a number.
pub(super) fn remove(site: &Site, gone: &Gone) -> Result<(), Refusal> {
    send(site, Errand::Drop(gone.number.clone(), gone.version))
}

/// The calls that wait.
pub(super) fn planned(site: &Site) -> Result<Planned, Refusal> {
    let later = |a: Appointment| {
        let wish = match &a.way {
            Way::Wish(wish) => Some(wish.clone()),
            _ => None,
        };
        Later { id: a.id, number: a.number, at: a.at, flow: a.way.into(), wish }
    };
    Ok(Planned { planned: appointments(site)?.into_iter().map(later).collect() })
}

/// Plans a call.
pub(super) fn plan(site: &Site, plan: &Plan) -> Result<(), Refusal> {
    let at = when(plan.at.trim(), clock::wall(), &TimeZone::system()).map_err(|why| (400, why))?;
    send(site, Errand::At(plan.number.clone(), way(plan.flow, plan.wish.as_deref())?, at))
}

/// Takes a planned call away.
pub(super) fn unplan(site: &Site, unplan: &Unplan) -> Result<(), Refusal> {
    send(site, Errand::Forget(unplan.id))
}

fn send(site: &Site, errand: Errand) -> Result<(), Refusal> {
    site.ask(Order::Call(Request::Errand(errand))).map(drop)
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
            let whole =
                if text.as_bytes().get(1) == Some(&b':') { format!("0{text}") } else { text.to_owned() };
            let time: jiff::civil::Time = whole.parse().map_err(|_| allowed())?;
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
            ("6:59", "2026-11-30T05:59:00Z"),
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
