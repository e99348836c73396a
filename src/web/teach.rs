//! What the owner teaches the listener, and what it knows, as prints that may be given to others.

use super::api::{Refusal, whole, whole_if_any};
use super::visit::disk;
use super::{Order, Site};
use crate::call::{Decision, Record, Request as Wish};
use crate::clock;
use crate::listen::lore::{Lore, STEP_MS, Taught};
use crate::units::CallId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Marks a file of prints, and the version of what is in it.
const FORMAT: &str = "hold-slayer prints 1";
/// Most digits of a company's number that is taken in.
const NUMBER: usize = 32;

/// Teaches the listener: in a call that is up at once, in one that is over what was heard then.
pub(super) fn teach(site: &Site, id: CallId, taught: Taught, moment: &Moment) -> Result<(), Refusal> {
    if site.snapshot.borrow().calls.iter().any(|call| call.id == id) {
        return site.ask(Order::Call(Wish::Teach(id, taught))).map(drop);
    }
    let store = site.store()?;
    let call = store.get(id).map_err(disk)?.ok_or((404, "There is no such call.".to_owned()))?;
    let at_ms = moment
        .at
        .or_else(|| last_ring(&call))
        .ok_or((409, "The phone did not ring in this call: say at which moment.".to_owned()))?;
    let stretch = (at_ms, moment.until.unwrap_or(at_ms).max(at_ms));
    let there = store.change_lore(&site.company(&call.number), |lore| lore.teach(id.0, stretch, taught));
    let clip =
        site.studio.archive.clips().teach(id, at_ms, taught).map_err(|error| (503, error.to_string()))?;
    if !there.map_err(disk)? && !clip {
        return Err((409, "Nothing of this moment is remembered, so there is nothing to correct.".into()));
    }
    match noted(call, at_ms, taught) {
        Some(call) => store.put(&call).map_err(disk),
        None => Ok(()),
    }
}

fn last_ring(call: &Record) -> Option<u64> {
    call.decisions.iter().rfind(|decision| decision.what == "ring").map(|decision| decision.at_ms)
}

/// The record says what was taught; nothing if it says so already.
fn noted(mut call: Record, at_ms: u64, taught: Taught) -> Option<Record> {
    let what = match taught {
        Taught::Recording => "a recording",
        Taught::Person => "a person",
    };
    let reason = format!("you said that what was heard at {} was {what}", super::words::clock(at_ms));
    let last = call.decisions.last();
    let at_ms = last.map_or(at_ms, |last| last.at_ms);
    let news = last.is_none_or(|last| last.reason != reason);
    call.decide(Decision { at_ms, what: "learn".into(), reason });
    news.then_some(call)
}

impl Site {
    /// Under which number a company is remembered.
    pub(super) fn company(&self, number: &str) -> String {
        self.house.numbering.company(number)
    }
}

/// When something was heard.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    /// Milliseconds since the call began, for a call that is over; without it the last ring is meant.
    #[serde(default, deserialize_with = "whole_if_any")]
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    pub(super) at: Option<u64>,
    /// Of a longer stretch its end, in the same way.
    #[serde(default, deserialize_with = "whole_if_any")]
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    pub(super) until: Option<u64>,
}

/// A company by its number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Company {
    /// As dialled, or in full.
    #[schemars(regex(pattern = r"^\+?[0-9]{1,32}$"))]
    pub(super) company: String,
}

/// What is forgotten.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forget {
    /// Of which company: as dialled, or in full.
    #[schemars(regex(pattern = r"^\+?[0-9]{1,32}$"))]
    pub(super) company: String,
    /// One piece, as `list_pieces` gives it; all unless given.
    #[serde(default, deserialize_with = "whole_if_any")]
    #[schemars(range(max = u32::MAX))]
    pub(super) piece: Option<u32>,
}

/// What was heard at one company.
#[derive(Serialize, JsonSchema)]
pub(super) struct Pieces {
    /// In full.
    company: String,
    /// Those that were heard last come first.
    pub(super) pieces: Vec<Piece>,
}

/// Some seconds of one announcement.
#[derive(Serialize, JsonSchema)]
pub(super) struct Piece {
    pub(super) id: u32,
    pub(super) seconds: f32,
    /// In so many calls it was heard.
    pub(super) calls: u16,
    /// The last of them; `null`: it came from another box.
    pub(super) call: Option<CallId>,
    /// When in that call, milliseconds since it began.
    pub(super) at_ms: Option<u64>,
    /// It may have been a person: it is taken for known only once another call plays it again.
    pub(super) doubted: bool,
}

/// Of whom recordings are known.
#[derive(Serialize, JsonSchema)]
pub(super) struct Companies {
    companies: Vec<Known>,
}

/// What is known of one company, in figures.
#[derive(Serialize, JsonSchema)]
struct Known {
    company: String,
    calls: u32,
    seconds: f32,
    doubted_seconds: f32,
    /// Pieces that were heard in several calls, and may be given to others.
    shared: usize,
}

/// A file of prints: no sound can be made of them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PrintsFile {
    #[schemars(extend("const" = FORMAT))]
    format: String,
    #[schemars(regex(pattern = r"^\+?[0-9]{1,32}$"))]
    company: String,
    #[serde(deserialize_with = "whole")]
    #[schemars(extend("const" = STEP_MS))]
    step_ms: u64,
    /// Eight hexadecimal digits for each step.
    #[schemars(inner(regex(pattern = r"^([0-9A-Fa-f]{8})*$")))]
    pieces: Vec<String>,
}

/// What was taken in.
#[derive(Serialize, JsonSchema)]
pub(super) struct TakenIn {
    /// Pieces that were not known.
    new: usize,
}

/// What is known.
pub(super) fn companies(site: &Site) -> Result<Companies, Refusal> {
    let store = site.store()?;
    let mut companies = Vec::new();
    for company in store.companies().map_err(disk)? {
        let lore = store.lore(&company).map_err(disk)?;
        let (seconds, doubted_seconds) = lore.seconds();
        let (calls, shared) = (lore.calls, lore.shared().len());
        companies.push(Known { company, calls, seconds, doubted_seconds, shared });
    }
    Ok(Companies { companies })
}

/// What was heard at one company, piece by piece.
pub(super) fn pieces(site: &Site, company: &str) -> Result<Pieces, Refusal> {
    let company = site.company(&checked(company)?);
    let heard = site.store()?.lore(&company).map_err(disk)?.heard().into_iter();
    let pieces = heard.map(|heard| Piece {
        id: heard.id,
        seconds: heard.seconds,
        calls: heard.calls,
        call: heard.last.map(|last| CallId(last.call)),
        at_ms: heard.last.map(|last| last.at_ms),
        doubted: heard.doubted,
    });
    Ok(Pieces { pieces: pieces.collect(), company })
}

/// What may be given to others of one company.
pub(super) fn give(site: &Site, company: &str) -> Result<PrintsFile, Refusal> {
    let company = site.company(&checked(company)?);
    let hex = |piece: &Vec<u32>| piece.iter().map(|print| format!("{print:08x}")).collect();
    let lore = site.store()?.lore(&company).map_err(disk)?;
    if lore.is_empty() {
        return Err((
            404,
            format!("Nothing is known of {company}. GET /api/v1/prints lists whom something is known of."),
        ));
    }
    let pieces = lore.shared().iter().map(hex).collect();
    Ok(PrintsFile { format: FORMAT.into(), company, step_ms: STEP_MS, pieces })
}

/// Takes in such a file.
pub(super) fn take(site: &Site, file: &PrintsFile) -> Result<TakenIn, Refusal> {
    let wrong = |what: &str| (400, format!("These are no prints of this version: {what}."));
    if file.format != FORMAT || file.step_ms != STEP_MS {
        return Err(wrong(&format!("needed is \"format\": \"{FORMAT}\" and \"step_ms\": {STEP_MS}")));
    }
    let company = checked(&file.company)?;
    let pieces: Option<Vec<Vec<u32>>> = file.pieces.iter().map(|piece| unhex(piece)).collect();
    let pieces =
        pieces.ok_or_else(|| wrong("a piece is a row of hexadecimal digits, eight for each step"))?;
    let now = clock::wall().0;
    let new = site.store()?.change_lore(&site.company(&company), |lore| {
        lore.last = now;
        lore.take(&pieces)
    });
    Ok(TakenIn { new: new.map_err(disk)? })
}

fn checked(company: &str) -> Result<String, Refusal> {
    let digits = company.strip_prefix('+').unwrap_or(company);
    match digits.is_empty() || digits.len() > NUMBER || !digits.bytes().all(|b| b.is_ascii_digit()) {
        true => Err((400, "company is a telephone number such as +18005550123.".into())),
        false => Ok(company.to_owned()),
    }
}

fn unhex(piece: &str) -> Option<Vec<u32>> {
    let steps = piece.as_bytes().chunks(8);
    let print = |step: &[u8]| {
        let text = core::str::from_utf8(step).ok().filter(|t| t.len() == 8 && !t.starts_with('+'))?;
        u32::from_str_radix(text, 16).ok()
    };
    steps.map(print).collect()
}

/// Forgets one piece, or all that is known of a company.
pub(super) fn forget(site: &Site, gone: &Forget) -> Result<(), Refusal> {
    let company = site.company(&checked(&gone.company)?);
    let forgotten = site.store()?.change_lore(&company, |lore| match gone.piece {
        Some(piece) => lore.forget_piece(piece),
        None => {
            *lore = Lore::default();
            true
        }
    });
    match forgotten.map_err(disk)? {
        true => Ok(()),
        false => Err((404, "This piece is not known: it was forgotten already.".into())),
    }
}
