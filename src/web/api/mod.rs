//! The JSON interface under `/api/v1`: the same questions and orders as the page's, for programs.

mod openapi;
pub(super) mod shapes;
pub(super) mod table;

use super::answer::Answer;
use super::journal::Filter;
use super::settings::Act;
use super::sound::Sound;
use super::{Site, backup, flows, greeting, phones, statistics, teach, update};
use crate::call::{Door, Errand, Event, Outcome, Record, Request};
use crate::listen::lore::Taught;
use crate::store::{HISTORY_PAGE, Store};
use crate::units::{CallId, Digit};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shapes::{
    Calls, Devices, Done, Events, History, HistoryQuery, Keys, Mode, Pair, Place, Placed, Through, Unpair,
    task, way,
};
pub(super) use shapes::{whole, whole_if_any};
use std::net::IpAddr;
use table::{Asked, What};

/// Records looked at for one answer of a search.
const SEARCHED: usize = 20_000;
/// Records of one answer, unless asked otherwise.
const PAGE: u64 = 50;

/// What came with the request.
pub(super) struct Sent<'a> {
    /// What was sent is on the disk.
    pub(super) on_disk: bool,
    pub(super) query: &'a [(String, String)],
    pub(super) body: &'a str,
    /// A file, and the password that came with it.
    pub(super) file: (Option<&'a [u8]>, Option<&'a str>),
    /// Our address that was reached.
    pub(super) local: IpAddr,
    /// `Last-Event-ID`.
    pub(super) last_event: Option<&'a str>,
    /// Whose calls are counted.
    pub(super) who: &'a str,
    /// By which way he asks.
    pub(super) door: Door,
}

/// What goes back.
pub(super) enum Given {
    Answer(Answer),
    Sound(Sound),
    /// Events from the one after this number on.
    Events(Filter, Option<u64>),
}

impl From<Answer> for Given {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// A status and words.
pub(super) type Refusal = (u16, String);

/// Does what is asked.
pub(super) fn answer(site: &Site, asked: Asked, sent: &Sent<'_>) -> Given {
    match go(site, asked, sent) {
        Ok(given) => given,
        Err((status, why)) => Answer::problem(status, &why).into(),
    }
}

fn go(site: &Site, asked: Asked, sent: &Sent<'_>) -> Result<Given, Refusal> {
    let snapshot = || site.snapshot.borrow().clone();
    let id = asked.call;
    let act =
        |request: Request| site.ask_by(sent.door, request).map(|_| Answer::json(200, &Done { done: true }));
    if asked.operation.what.takes_nothing() {
        let _: shapes::Nothing = body(sent.body)?;
    }
    let answer = match asked.operation.what {
        What::OpenApi => Answer::json(200, &openapi::document()),
        What::Status => Answer::json(200, &*snapshot()),
        What::Calls => Answer::json(200, &Calls { calls: snapshot().calls.clone() }),
        What::Devices => {
            let now = snapshot();
            Answer::json(200, &Devices { trunks: now.trunks.clone(), phones: now.phones.clone() })
        }
        What::Place => {
            let place: Place = body(sent.body)?;
            let call = place_call(site, (sent.who, sent.door), &place)?;
            Answer::json(201, &Placed { call })
        }
        What::Call => Answer::json(200, &record(site, id)?),
        What::Hold => act(Request::HoldNow(Some(id)))?,
        What::HoldAny => act(Request::HoldNow(None))?,
        What::Take => act(Request::Take(id))?,
        What::HangUp => act(Request::HangUp(id))?,
        What::Conference => act(Request::Conference(id))?,
        What::WasRecording | What::WasPerson => {
            let taught = match asked.operation.what {
                What::WasRecording => Taught::Recording,
                _ => Taught::Person,
            };
            teach::teach(site, id, taught, &body(sent.body)?)?;
            Answer::json(200, &Done { done: true })
        }
        What::Prints => Answer::json(200, &teach::companies(site)?),
        What::PrintsOf => {
            Answer::json(200, &teach::give(site, &query::<teach::Company>(sent.query)?.company)?)
        }
        What::TakePrints => Answer::json(200, &teach::take(site, &body(sent.body)?)?),
        What::ForgetPrints => done(teach::forget(site, &body::<teach::Company>(sent.body)?.company))?,
        What::Flows => Answer::json(200, &flows::list(site)?),
        What::Flow => {
            let which: flows::Which = query(sent.query)?;
            check_number(&which.number)?;
            Answer::json(200, &flows::get(site, &which)?)
        }
        What::KeepFlow => {
            let written: flows::Written = body(sent.body)?;
            check_number(&written.number)?;
            done(flows::keep(site, &written).map_err(semantic))?
        }
        What::RemoveFlow => {
            let gone: flows::Gone = body(sent.body)?;
            check_number(&gone.number)?;
            done(flows::remove(site, &gone))?
        }
        What::Planned => Answer::json(200, &flows::planned(site)?),
        What::PlanCall => {
            let plan: flows::Plan = body(sent.body)?;
            check_number(&plan.number)?;
            done(flows::plan(site, &plan).map_err(semantic))?
        }
        What::UnplanCall => done(flows::unplan(site, &body(sent.body)?))?,
        What::TryTrunks => act(Request::TryTrunks)?,
        What::Keys => act(Request::Keys(id, keys(&body::<Keys>(sent.body)?.digits)?))?,
        What::Transfer => {
            let through: Through = body(sent.body)?;
            check_number(&through.to)?;
            act(Request::Transfer(id, through.to))?
        }
        What::Transcript => Answer::json(200, &shapes::Transcript { transcript: record(site, id)?.said }),
        What::Recordings => {
            record(site, id)?;
            Answer::json(200, &recordings(site, id))
        }
        What::Recording => {
            let gone = |_| (404, "There is no such recording: it may be too old to be kept.".to_owned());
            let (file, found) = site.studio.archive.open(id, asked.recording).map_err(gone)?;
            return Ok(Given::Sound(Sound::Recording(file, found)));
        }
        What::Phones => phones::list(site),
        What::Pair => {
            let pair: Pair = body(sent.body)?;
            if pair.jack.is_some_and(|jack| !(1..=2).contains(&jack)) {
                return Err((400, "jack is 1 or 2.".into()));
            }
            if pair.mac.as_deref().is_some_and(|mac| !looks_like_mac(mac)) {
                return Err((400, "mac is 12 hexadecimal digits, such as c0:74:ad:12:34:56.".into()));
            }
            let told = phones::pair(site, &phones::fields(&pair), sent.local).map_err(semantic)?;
            Answer::json(200, &told)
        }
        What::Unpair => done(phones::unpair(site, &body::<Unpair>(sent.body)?.user))?,
        What::History => Answer::json(200, &history(site, &query(sent.query)?)?),
        What::Settings => {
            let sections = site.settings.written()?;
            Answer::json(200, &shapes::Written { restart_needed: site.settings.is_changed(), sections })
        }
        What::ChangeSettings => {
            let set: shapes::SetValues = body(sent.body)?;
            let values: Vec<_> = set.values.into_iter().collect();
            let act = match (set.remove, values.as_slice()) {
                (true, []) => Act::Remove,
                (true, _) => {
                    return Err((409, "remove takes the section away: send no values with it.".into()));
                }
                (false, []) => return Err((409, "Send values, or remove.".into())),
                (false, values) => Act::Write(values),
            };
            site.settings.change(&set.section, set.at, &act)?;
            Answer::json(200, &Done { done: true })
        }
        What::Restart => done(site.restart())?,
        What::Greeting => Answer::json(200, &greeting::state(site)?),
        What::GreetingSound => greeting::sound(site)?,
        What::KeepGreeting => {
            let Some(file) = sent.file.0 else {
                return Err((400, "Send the part file as multipart/form-data.".into()));
            };
            done(greeting::bring(site, file))?
        }
        What::RemoveGreeting => done(greeting::remove(site))?,
        What::Backup => {
            let wanted: backup::Wanted = body(sent.body)?;
            site.back_up(&wanted.password)?
        }
        What::Restore => {
            let (Some(file), Some(password)) = sent.file else {
                return Err((400, "Send the parts password and file as multipart/form-data.".into()));
            };
            Answer::json(200, &site.restore(file, password)?)
        }
        What::Update => Answer::json(200, &update::state(site)),
        What::TakeUpdate => {
            let with: update::With = query(sent.query)?;
            Answer::json(200, &update::take(site, sent.on_disk, with.older == update::Older::True)?)
        }
        What::WithdrawUpdate => done(update::withdraw(site))?,
        What::Statistics => Answer::json(200, &statistics::of(site)?),
        What::Events => {
            let (filter, after) = wanted_events(sent)?;
            let events = match after {
                Some(after) => site.journal.after(after).entries,
                None => site.journal.all(),
            };
            let events = events.into_iter().filter(|entry| filter.wants(entry)).collect();
            Answer::json(200, &Events { events, last: site.journal.last() })
        }
        What::Stream => {
            let (filter, after) = wanted_events(sent)?;
            return Ok(Given::Events(filter, after));
        }
    };
    Ok(answer.into())
}

/// What is understood and cannot be is no fault of the request's form.
fn semantic((status, why): Refusal) -> Refusal {
    (if status == 400 { 409 } else { status }, why)
}

fn done(done: Result<(), Refusal>) -> Result<Answer, Refusal> {
    done.map(|()| Answer::json(200, &Done { done: true }))
}

/// A body in JSON; none stands for an empty object.
fn body<T: DeserializeOwned + JsonSchema>(text: &str) -> Result<T, Refusal> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str(text)
        .map_err(|error| (400, format!("The body is not as described in openapi.json: {error}.")))
}

/// A query as its type. Everything in it is text.
fn query<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Refusal> {
    let mut fields = Map::new();
    for (key, value) in pairs {
        if fields.insert(key.clone(), Value::String(value.clone())).is_some() {
            return Err((400, format!("The query has {key} twice.")));
        }
    }
    serde_json::from_value(fields.into()).map_err(|error| (400, format!("The query is wrong: {error}.")))
}

fn wanted_events(sent: &Sent<'_>) -> Result<(Filter, Option<u64>), Refusal> {
    let wanted: shapes::EventsQuery = query(sent.query)?;
    if wanted.types.as_deref().is_some_and(|types| types.chars().count() > 256) {
        return Err((400, "types has at most 256 characters.".into()));
    }
    let kinds = Event::kinds();
    let asked = Filter::new(wanted.types.as_deref(), None).types;
    if wanted.types.is_some() && asked.is_empty() {
        return Err((400, format!("types names none. There are {}, by commas.", kinds.join(", "))));
    }
    if let Some(unknown) = asked.iter().find(|kind| !kinds.contains(kind)) {
        let words = format!("There are no events {unknown:?}. There are {}, by commas.", kinds.join(", "));
        return Err((400, words));
    }
    let last = sent.last_event.map(str::parse).transpose();
    let last = last.map_err(|_| (400, "Last-Event-ID is not a number of this box.".to_owned()))?;
    Ok((Filter::new(wanted.types.as_deref(), wanted.call.map(CallId)), last.or(wanted.after)))
}

/// The number of what was placed.
pub(super) fn place_call(site: &Site, (who, door): (&str, Door), place: &Place) -> Result<CallId, Refusal> {
    let wish = wish(place)?;
    site.count_call(who)?;
    let placed = site.ask_by(door, wish)?;
    placed.ok_or((500, "The call was placed, but has no number.".into()))
}

/// What a call that shall be placed asks of the switchboard.
pub(super) fn wish(place: &Place) -> Result<Request, Refusal> {
    check_number(&place.number)?;
    let way = match (place.mode, place.task.as_deref()) {
        (Mode::AiAssisted, text) => task(text)?,
        (_, Some(_)) => return Err((409, "task: this is for the mode ai_assisted.".into())),
        _ => way(place.flow, place.wish.as_deref())?,
    };
    let number = place.number.clone();
    Ok(match place.mode {
        Mode::Direct => Request::Connect(number),
        Mode::HoldSlayer | Mode::AiAssisted => Request::Errand(Errand::Call(number, way)),
    })
}

/// As its shape says: pairs of digits, with `:` or `-` between them.
fn looks_like_mac(mac: &str) -> bool {
    let pairs: Vec<&str> = match mac.contains([':', '-']) {
        true => mac.split([':', '-']).collect(),
        false => mac.as_bytes().chunks(2).filter_map(|pair| core::str::from_utf8(pair).ok()).collect(),
    };
    let pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    pairs.len() == 6 && pairs.iter().all(pair)
}

/// As its shape says.
fn check_number(number: &str) -> Result<(), Refusal> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'));
    if (1..=32).contains(&digits.len()) && plain {
        return Ok(());
    }
    Err((400, "A number has 1 to 32 digits, with + before the country and nothing between.".into()))
}

pub(super) fn keys(text: &str) -> Result<Vec<Digit>, Refusal> {
    let wrong = || (400, "Keys are 1 to 32 of 0-9, A-D, * and #.".to_owned());
    let keys: Option<Vec<Digit>> =
        text.chars().filter(|c| !matches!(c, 'a'..='d' | '!')).map(Digit::from_char).collect();
    keys.filter(|keys| (1..=32).contains(&keys.len()) && keys.len() == text.len()).ok_or_else(wrong)
}

/// The story of a call.
pub(super) fn record(site: &Site, id: CallId) -> Result<Record, Refusal> {
    let found = site.store()?.get(id).map_err(|error| (503, error.to_string()))?;
    found.ok_or((404, "There is no call with this number. GET /api/v1/history lists them.".into()))
}

fn recordings(site: &Site, id: CallId) -> shapes::Recordings {
    let found = site.studio.archive.of(id).into_iter();
    let recordings = found
        .map(|f| shapes::Recording { name: f.name.into(), what: f.what.into(), bytes: f.bytes })
        .collect();
    shapes::Recordings { recordings }
}

/// The history, searched.
pub(super) fn history(site: &Site, wanted: &HistoryQuery) -> Result<History, Refusal> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=HISTORY_PAGE as u64).contains(&limit) {
        return Err((400, format!("limit is a number from 1 to {HISTORY_PAGE}.")));
    }
    for (key, text) in [("number", &wanted.number), ("said", &wanted.said)] {
        if text.as_deref().is_some_and(|text| text.chars().count() > 64) {
            return Err((400, format!("{key} has at most 64 characters.")));
        }
    }
    let limit = usize::try_from(limit).unwrap_or(HISTORY_PAGE);
    let before = wanted.before.map(CallId);
    let number = wanted.number.as_deref().unwrap_or_default();
    let said = wanted.said.as_deref().unwrap_or_default();
    let (calls, more) = search(site.store()?, before, limit, (number, said), wanted.outcome)?;
    let next = calls.last().map(|call| call.id).filter(|_| more);
    Ok(History { calls, next })
}

/// Up to `limit` calls, newest first, whose number has `number` in it, in which `said` was said, and that ended so; and
/// whether there may be more.
pub(super) fn search(
    store: &Store,
    mut before: Option<CallId>,
    limit: usize,
    (number, said): (&str, &str),
    outcome: Option<Outcome>,
) -> Result<(Vec<Record>, bool), Refusal> {
    let plain = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let digits = plain(number);
    let said = said.to_lowercase();
    let was_said = |record: &Record| {
        said.is_empty() || record.said.iter().any(|one| one.text.to_lowercase().contains(&said))
    };
    let fits = |record: &Record| {
        let has = number.is_empty()
            || record.number.contains(number)
            || !digits.is_empty() && plain(&record.number).contains(&digits);
        has && was_said(record) && outcome.is_none_or(|outcome| record.outcome == outcome)
    };
    let mut found = Vec::new();
    for _ in 0..SEARCHED / HISTORY_PAGE {
        let page = store.history(before, HISTORY_PAGE).map_err(|error| (503, error.to_string()))?;
        let whole = page.len() == HISTORY_PAGE;
        before = page.last().map(|record| record.id);
        for record in page.into_iter().filter(fits) {
            if found.len() == limit {
                return Ok((found, true));
            }
            found.push(record);
        }
        if !whole {
            return Ok((found, false));
        }
    }
    Ok((found, false))
}

/// Every record that is looked at for statistics, newest first.
pub(super) fn every(store: &Store) -> Result<Vec<Record>, Refusal> {
    search(store, None, SEARCHED, ("", ""), None).map(|(calls, _)| calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_numbers_are_as_described() {
        assert_eq!(keys("12*#D").map(|keys| keys.len()), Ok(5));
        for wrong in ["", "a", "!", "1 2", "1\u{661}", &"1".repeat(33)] {
            assert!(keys(wrong).is_err(), "{wrong:?}");
        }
        for right in ["911", "+18005550123", "*#06#"] {
            assert_eq!(check_number(right), Ok(()), "{right}");
        }
        for wrong in ["", "+", "sip:a@b", "1;2", "1 2", "++1"] {
            assert!(check_number(wrong).is_err(), "{wrong}");
        }
    }
}
