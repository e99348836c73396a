//! The JSON interface under `/api/v1`. Values are the very ones of the store and the switchboard.

use super::Site;
use super::answer::Answer;
use crate::call::Record;
use crate::store::HISTORY_PAGE;
use crate::units::CallId;
use serde::Serialize;

/// Calls, newest first.
#[derive(Serialize)]
struct History {
    calls: Vec<Record>,
    /// `before` of the next page, if there may be one.
    next: Option<CallId>,
}

/// `GET /api/v1/status`
pub(super) fn status(site: &Site) -> Answer {
    let snapshot = site.snapshot.borrow().clone();
    Answer::json(200, &*snapshot)
}

/// `GET /api/v1/history?before=&limit=`
pub(super) fn history(site: &Site, before: Option<CallId>, limit: usize) -> Answer {
    let Some(store) = &site.store else { return Answer::problem(503, super::visit::NO_STORE) };
    let limit = limit.clamp(1, HISTORY_PAGE);
    match store.history(before, limit) {
        Ok(calls) => {
            let next = (calls.len() == limit).then(|| calls.last().map(|call| call.id)).flatten();
            Answer::json(200, &History { calls, next })
        }
        Err(error) => Answer::problem(503, &error.to_string()),
    }
}

/// `GET /api/v1/calls/{id}`
pub(super) fn call(site: &Site, id: CallId) -> Answer {
    let Some(store) = &site.store else { return Answer::problem(503, super::visit::NO_STORE) };
    match store.get(id) {
        Ok(Some(record)) => Answer::json(200, &record),
        Ok(None) => {
            Answer::problem(404, "There is no call with this number. GET /api/v1/history lists them.")
        }
        Err(error) => Answer::problem(503, &error.to_string()),
    }
}
