//! What the owner teaches the listener, and what it knows, as prints that may be given to others.

use super::answer::Answer;
use super::{Order, Site};
use crate::call::{Decision, Record, Request as Wish};
use crate::clock;
use crate::listen::lore::{Lore, STEP_MS, Taught};
use crate::store::Store;
use crate::units::CallId;
use serde::{Deserialize, Serialize};

/// Marks a file of prints, and the version of what is in it.
const FORMAT: &str = "hold-slayer prints 1";
/// Most digits of a company's number that is taken in.
const NUMBER: usize = 32;

type Refused = (u16, String);

/// Teaches the listener: in a call that is up at once, in one that is over what was heard `at_ms` after it began.
pub(super) fn teach(site: &Site, id: CallId, taught: Taught, at_ms: Option<&str>) -> Result<(), Refused> {
    if site.snapshot.borrow().calls.iter().any(|call| call.id == id) {
        return site.ask(Order::Call(Wish::Teach(id, taught)));
    }
    let store = store(site)?;
    let call = store.get(id).map_err(disk)?.ok_or((404, "There is no such call.".to_owned()))?;
    let at_ms = match at_ms {
        Some(text) => {
            text.parse().map_err(|_| (400, "at is milliseconds since the call began.".to_owned()))?
        }
        None => last_ring(&call)
            .ok_or((409, "The phone did not ring in this call: say at which moment.".to_owned()))?,
    };
    let there = store.change_lore(&site.company(&call.number), |lore| lore.teach(id.0, at_ms, taught));
    if !there.map_err(disk)? {
        return Err((409, "Nothing of this moment is remembered, so there is nothing to correct.".into()));
    }
    store.put(&noted(call, at_ms, taught)).map_err(disk)
}

fn last_ring(call: &Record) -> Option<u64> {
    call.decisions.iter().rfind(|decision| decision.what == "ring").map(|decision| decision.at_ms)
}

/// The record says what was taught.
fn noted(mut call: Record, at_ms: u64, taught: Taught) -> Record {
    let what = match taught {
        Taught::Recording => "a recording",
        Taught::Person => "a person",
    };
    let reason = format!("you said that what was heard at {} was {what}", super::words::clock(at_ms));
    let at_ms = call.decisions.last().map_or(at_ms, |last| last.at_ms);
    call.decisions.push(Decision { at_ms, what: "learn".into(), reason });
    call
}

fn store(site: &Site) -> Result<&Store, Refused> {
    site.store.as_ref().ok_or((503, super::visit::NO_STORE.to_owned()))
}

fn disk(error: crate::store::Error) -> Refused {
    (503, error.to_string())
}

impl Site {
    /// Under which number a company is remembered.
    fn company(&self, number: &str) -> String {
        self.house.numbering.international(number).unwrap_or_else(|| number.to_owned())
    }
}

/// What is known of one company, in figures.
#[derive(Serialize)]
struct Known {
    company: String,
    calls: u32,
    seconds: f32,
    doubted_seconds: f32,
    /// Pieces that were heard in several calls, and may be given to others.
    shared: usize,
}

/// A file of prints.
#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    company: String,
    step_ms: u64,
    /// Eight hexadecimal digits for each step.
    pieces: Vec<String>,
}

/// `GET /api/v1/prints`: what is known; `?company=`: a file of what may be given to others.
pub(super) fn prints(site: &Site, company: Option<&str>) -> Answer {
    answer(store(site).and_then(|store| match company {
        Some(company) => give(store, &site.company(company)),
        None => list(store),
    }))
}

fn list(store: &Store) -> Result<Answer, Refused> {
    let mut all = Vec::new();
    for company in store.companies().map_err(disk)? {
        let lore = store.lore(&company).map_err(disk)?;
        let (seconds, doubted_seconds) = lore.seconds();
        all.push(Known { company, calls: lore.calls, seconds, doubted_seconds, shared: lore.shared().len() });
    }
    Ok(Answer::json(200, &all))
}

fn give(store: &Store, company: &str) -> Result<Answer, Refused> {
    let hex = |piece: &Vec<u32>| piece.iter().map(|print| format!("{print:08x}")).collect();
    let pieces = store.lore(company).map_err(disk)?.shared().iter().map(hex).collect();
    let file = File { format: FORMAT.into(), company: company.into(), step_ms: STEP_MS, pieces };
    Ok(Answer::json(200, &file))
}

/// `POST /api/v1/prints` with such a file as `prints`: takes it in.
pub(super) fn take(site: &Site, text: &str) -> Answer {
    answer(store(site).and_then(|store| {
        let wrong = |what: &str| (400, format!("These are no prints of this version: {what}."));
        let file: File = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
        if file.format != FORMAT || file.step_ms != STEP_MS {
            return Err(wrong(&format!("needed is \"format\": \"{FORMAT}\" and \"step_ms\": {STEP_MS}")));
        }
        let digits = file.company.strip_prefix('+').unwrap_or(&file.company);
        if digits.is_empty() || digits.len() > NUMBER || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong("company is a telephone number such as +18005550123"));
        }
        let pieces: Option<Vec<Vec<u32>>> = file.pieces.iter().map(|piece| unhex(piece)).collect();
        let pieces =
            pieces.ok_or_else(|| wrong("a piece is a row of hexadecimal digits, eight for each step"))?;
        let now = clock::wall().0;
        let new = store.change_lore(&site.company(&file.company), |lore| {
            lore.last = now;
            lore.take(&pieces)
        });
        Ok(Answer::json(200, &serde_json::json!({ "new": new.map_err(disk)? })))
    }))
}

fn unhex(piece: &str) -> Option<Vec<u32>> {
    let steps = piece.as_bytes().chunks(8);
    let print = |step: &[u8]| {
        let text = core::str::from_utf8(step).ok().filter(|t| t.len() == 8 && !t.starts_with('+'))?;
        u32::from_str_radix(text, 16).ok()
    };
    steps.map(print).collect()
}

/// `POST /api/v1/prints/forget` with `company`: forgets all that is known of it.
pub(super) fn forget(site: &Site, company: &str) -> Answer {
    answer(store(site).and_then(|store| {
        store.change_lore(&site.company(company), |lore| *lore = Lore::default()).map_err(disk)?;
        Ok(Answer::json(200, &serde_json::json!({ "done": true })))
    }))
}

fn answer(result: Result<Answer, Refused>) -> Answer {
    result.unwrap_or_else(|(status, why)| Answer::problem(status, &why))
}
