//! `hold-slayer ctl`: what the page can do, for people on the box and their scripts. Nothing is decided here: the box does
//! it, by the same interface and with the same checks as for programs on the network.

mod carry;
mod sign;
mod talk;
mod update;

pub use carry::{Files, backup, restore};
pub use update::Box;

use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// What is asked of the box.
#[derive(Debug, Clone)]
pub enum Order {
    /// All that is going on.
    Status,
    /// Call this number.
    Call {
        /// As dialled.
        number: String,
        /// The box calls and waits by itself.
        hold: bool,
    },
    /// Hold a call (`None`: the one that is up).
    Hold(Option<u64>),
    /// Ring the phones for a held call.
    Take(Option<u64>),
    /// End a call.
    HangUp(Option<u64>),
    /// Send keys.
    Keys {
        /// Where; `None`: the one that is up.
        call: Option<u64>,
        /// 0-9, A-D, * and #.
        keys: String,
    },
    /// What happens, as it happens.
    Events {
        /// Types or kinds, by commas.
        types: Option<String>,
        /// Of this call.
        call: Option<u64>,
        /// Those that the box remembers first.
        past: bool,
    },
    /// A code that claims the page.
    Claim,
}

/// Asks the box behind `socket` and writes what it says to `out`: for people, or as one JSON value a line.
///
/// # Errors
/// In words for whoever asked: there is no box, he may not, or what the box refuses and why.
pub fn run(socket: &Path, order: &Order, json: bool, out: &mut dyn Write) -> Result<(), String> {
    let post = |path: &str, body: Value| talk::value(socket, path, Some(&body));
    let which = |call: Option<u64>, phases: &[&str]| match call {
        Some(call) => Ok(call),
        None => only_call(&talk::value(socket, "/api/v1/status", None)?, phases),
    };
    let act = |call: u64, what: &str| {
        post(&format!("/api/v1/calls/{call}/{what}"), json!({}))
            .map(|done| (done, format!("call {call}: {what}")))
    };
    let (value, words) = match order {
        Order::Status => {
            let value = talk::value(socket, "/api/v1/status", None)?;
            let words = status(&value);
            (value, words)
        }
        Order::Call { number, hold } => {
            let mode = if *hold { "hold_slayer" } else { "direct" };
            let placed = post("/api/v1/calls", json!({ "number": number, "mode": mode }))?;
            let words = match hold {
                true => format!(
                    "call {}: the box calls {number} and waits; your phone rings when a person is there",
                    placed["call"]
                ),
                false => {
                    format!("call {}: your phones ring; who answers is connected to {number}", placed["call"])
                }
            };
            (placed, words)
        }
        Order::Hold(None) => (post("/api/v1/hold", json!({}))?, "the box holds the call".into()),
        Order::Hold(Some(call)) => act(*call, "hold")?,
        Order::Take(call) => act(which(*call, HELD)?, "take")?,
        Order::HangUp(call) => act(which(*call, &[])?, "hangup")?,
        Order::Keys { call, keys } => {
            let call = which(*call, &[])?;
            let done = post(&format!("/api/v1/calls/{call}/dtmf"), json!({ "digits": keys }))?;
            (done, format!("call {call}: {keys} sent"))
        }
        Order::Claim => {
            let fresh = post("/claim/code", json!({}))?;
            let words = format!(
                "code: {}\nOpen the page within ten minutes, and choose a new password with it.",
                fresh["code"].as_str().unwrap_or_default()
            );
            (fresh, words)
        }
        Order::Events { types, call, past } => {
            return events(socket, types.as_deref(), *call, *past, &mut |event| {
                let line = if json { event.to_string() } else { happened(event) };
                writeln!(out, "{line}").and_then(|()| out.flush())
            });
        }
    };
    let text = if json { value.to_string() } else { words };
    // A reader that closes the pipe is no failure worth a word.
    let _: io::Result<()> = writeln!(out, "{}", text.trim_end());
    Ok(())
}

/// Each event as it comes, those that are kept before them if `past`.
fn events(
    socket: &Path,
    types: Option<&str>,
    call: Option<u64>,
    past: bool,
    each: &mut dyn FnMut(&Value) -> io::Result<()>,
) -> Result<(), String> {
    let query = |after: Option<String>| {
        let parts =
            [types.map(|types| format!("types={types}")), call.map(|call| format!("call={call}")), after];
        format!("?{}", parts.into_iter().flatten().collect::<Vec<_>>().join("&"))
    };
    let mut after = None;
    if past {
        let kept = talk::value(socket, &format!("/api/v1/events{}", query(None)), None)?;
        for event in kept["events"].as_array().into_iter().flatten() {
            if each(event).is_err() {
                return Ok(());
            }
        }
        after = Some(format!("after={}", kept["last"]));
    }
    talk::events(socket, &query(after), each)
}

/// Phases in which the box has the call.
const HELD: &[&str] = &["menu", "confirming", "holding", "greeting", "ringing", "assisted"];

/// The one call that is up, and of which a command without a number speaks.
fn only_call(status: &Value, phases: &[&str]) -> Result<u64, String> {
    let calls = status["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fits = |call: &&Value| {
        phases.is_empty() || call["phase"].as_str().is_some_and(|phase| phases.contains(&phase))
    };
    let calls: Vec<&Value> = calls.iter().filter(fits).collect();
    match calls.as_slice() {
        [] if phases.is_empty() => Err("no call is up.".into()),
        [] => Err("no call is held.".into()),
        [call] => call["id"].as_u64().ok_or_else(|| "the box did not say which call is up.".into()),
        several => {
            let ids: Vec<String> = several.iter().map(|call| text(&call["id"])).collect();
            Err(format!("several calls are up: say which by its number: {}.", ids.join(", ")))
        }
    }
}

/// The state of the box, for people.
fn status(status: &Value) -> String {
    let list = |key: &str| status[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines = Vec::new();
    for call in list("calls") {
        let number = text(&call["number"]);
        let number = if number.is_empty() { "(number withheld)".to_owned() } else { number };
        let way = if call["outgoing"] == true { "to" } else { "from" };
        let mut line = format!("call {} {way} {number}: {}", call["id"], text(&call["phase"]));
        for (what, value) in [("hears", &call["sound"]), ("last", &call["last"])] {
            let value = text(value);
            if !value.is_empty() {
                line += &format!("; {what}: {value}");
            }
        }
        lines.push(line);
    }
    if lines.is_empty() {
        lines.push("no call is up".into());
    }
    for (kind, key) in [("trunk", "trunks"), ("phone", "phones")] {
        for peer in list(key) {
            let up = if peer["up"] == true { "ready" } else { "not ready" };
            lines.push(format!("{kind} {}: {up}, {}", text(&peer["name"]), text(&peer["status"])));
        }
    }
    lines.extend(
        list("redials").iter().map(|again| format!("will be dialled again: {}", text(&again["number"]))),
    );
    lines.extend(list("troubles").iter().map(|trouble| format!("trouble: {}", text(trouble))));
    lines.join("\n")
}

/// One event, for people.
fn happened(event: &Value) -> String {
    let at = event["at"].as_u64().unwrap_or_default() / 1000;
    let mut line =
        format!("{:02}:{:02}:{:02}Z {}", at / 3600 % 24, at / 60 % 60, at % 60, text(&event["type"]));
    if let Some(call) = event["call"].as_u64() {
        line += &format!(" call {call}");
    }
    let rest = event.as_object().into_iter().flatten();
    let rest = rest.filter(|(key, _)| !["id", "at", "type", "call"].contains(&key.as_str()));
    rest.for_each(|(key, value)| line += &format!(" {key}={value}"));
    line
}

/// A value as it is written in a sentence.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_without_a_number_means_the_only_call_there_is() {
        let calls = |phases: &[&str]| {
            let calls = phases.iter().enumerate().map(|(at, phase)| json!({ "id": at + 7, "phase": phase }));
            json!({ "calls": calls.collect::<Vec<_>>() })
        };
        assert_eq!(only_call(&calls(&["talking"]), &[]), Ok(7));
        assert_eq!(only_call(&calls(&["talking", "holding"]), HELD), Ok(8));
        assert_eq!(
            only_call(&calls(&["assisted", "talking"]), HELD),
            Ok(7),
            "it may be taken from the assistant"
        );
        assert_eq!(only_call(&calls(&["talking"]), HELD), Err("no call is held.".into()));
        assert_eq!(only_call(&calls(&[]), &[]), Err("no call is up.".into()));
        let told = only_call(&calls(&["holding", "ringing"]), HELD);
        assert!(told.is_err_and(|told| told.contains("7, 8")));
    }
}
