//! The tools and resources: one table.

use super::super::access::{Scope, Who};
use super::super::api::shapes::{Chosen, Mode, Place};
use super::super::flows::Which;
use super::super::{Order, Site, api, flows, login, statistics, words};
use super::acting::Acting;
use crate::call::{Door, Errand, Outcome, Record, Request};
use crate::clock;
use crate::units::CallId;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::PoisonError;

const MILLISECONDS_A_DAY: u64 = 24 * 3600 * 1000;
const NO_WORDS: &str = "Nothing that was said in this call is kept: the box keeps it only where `transcript` under [words] asks for \
                        it, and only of the time while it held the line. get_call_summary says what it heard and decided.";

const NO_MODE: &str = "mode is missing: \"direct\" rings the owner's phone and then connects it, \"hold_slayer\" has the box call, \
                       wait on hold and ring when a person is there, \"ai_assisted\" has a language model lead the call for a task.";

/// Address, name, what it is, and the tool that reads it.
pub(super) const RESOURCES: &[(&str, &str, &str, &str)] = &[
    ("hold-slayer://status", "status", "All that is going on", "gateway_status"),
    ("hold-slayer://calls", "calls", "Calls that are up", "list_active_calls"),
    ("hold-slayer://devices", "devices", "Lines and phones", "list_devices"),
    ("hold-slayer://history", "history", "The last calls", "search_call_history"),
    ("hold-slayer://flows", "flows", "Companies whose menus the box knows", "list_call_flows"),
    ("hold-slayer://statistics", "statistics", "What the box has waited, and where", "get_statistics"),
];

/// The same with something to be filled in: what stands before it, its name, what stands behind, the name, what it is, and
/// the tool that reads it.
pub(super) const TEMPLATES: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("hold-slayer://calls/", "call_id", "", "call", "How one call stands, and its record", "get_call_status"),
    (
        "hold-slayer://calls/",
        "call_id",
        "/transcript",
        "transcript",
        "What was said in a call",
        "get_call_transcript",
    ),
    (
        "hold-slayer://calls/",
        "call_id",
        "/summary",
        "summary",
        "The story of a call in words",
        "get_call_summary",
    ),
    (
        "hold-slayer://flows/",
        "number",
        "",
        "flow",
        "The newest flow through a company's menu",
        "get_call_flow",
    ),
];

/// One tool.
struct Entry {
    name: &'static str,
    says: &'static str,
    scope: Scope,
    takes: fn() -> Schema,
    does: Does,
}

/// What a tool does with its arguments.
enum Does {
    Reads(fn(&Site, Value) -> Result<Value, String>),
    /// Asks this of the switchboard, if it is anything that may be asked.
    Acts(fn(Value) -> Result<Request, String>),
}

/// A call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OfCall {
    /// Its number, as list_active_calls and search_call_history give it.
    call_id: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MakeCall {
    /// Whom to call: digits as the household dials them, or + and the country.
    number: String,
    /// direct: the owner's phone rings first. hold_slayer: the box calls, waits on hold, and rings when a person is there.
    /// ai_assisted: a language model of the owner's leads the call for the task, where he has allowed that.
    mode: Mode,
    /// In hold_slayer: what is wanted there, such as "billing". The box looks for it in the menu, if it understands words.
    #[serde(default)]
    #[schemars(length(min = 2, max = 64))]
    wish: Option<String>,
    /// In ai_assisted: what the model shall do in the call, with every number that it may say.
    #[serde(default)]
    #[schemars(length(min = 2, max = 1_000))]
    task: Option<String>,
    /// What the first call of this tool gave, once the owner has agreed.
    #[allow(dead_code, reason = "taken out before; here for its shape")]
    confirmation: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EndCall {
    /// The call's number.
    call_id: u64,
    /// What the first call of this tool gave, once the owner has agreed.
    #[allow(dead_code, reason = "taken out before; here for its shape")]
    confirmation: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SendKeys {
    /// The call's number.
    call_id: u64,
    /// 1 to 32 of 0-9, A-D, * and #.
    digits: String,
    /// What the first call of this tool gave, once the owner has agreed.
    #[allow(dead_code, reason = "taken out before; here for its shape")]
    confirmation: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LearnFlow {
    /// The company's number: digits as the household dials them, or + and the country.
    number: String,
    /// TOML: name, then [[step]] tables in order. do = "dtmf" with keys, "listen", "wait" with time, "speak" with say,
    /// "branch", "transfer" or "hold". get_call_flow shows one.
    flow: String,
    /// What the first call of this tool gave, once the owner has agreed.
    #[allow(dead_code, reason = "taken out before; here for its shape")]
    confirmation: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OfFlow {
    /// The company's number.
    number: String,
    /// The newest unless given.
    version: Option<u32>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Part of the number.
    number: Option<String>,
    /// Part of the company's name.
    company: Option<String>,
    /// What was said in it while the box held the line.
    said: Option<String>,
    /// How it ended.
    outcome: Option<Outcome>,
    /// Older than this call.
    before: Option<u64>,
    /// At most so many, 1 to 50; 20 unless given.
    limit: Option<u64>,
}

const TOOLS: &[Entry] = &[
    Entry {
        name: "gateway_status",
        says: "What the box is doing now: calls, lines, phones, and what is wrong with what to do.",
        scope: Scope::Read,
        takes: schema::<Nothing>,
        does: Does::Reads(|site, given| {
            let _: Nothing = read(given)?;
            value(&**site.snapshot.borrow())
        }),
    },
    Entry {
        name: "list_active_calls",
        says: "Calls that are up, with where each stands and what is heard.",
        scope: Scope::Read,
        takes: schema::<Nothing>,
        does: Does::Reads(|site, given| {
            let _: Nothing = read(given)?;
            Ok(json!({ "calls": value(&site.snapshot.borrow().calls)? }))
        }),
    },
    Entry {
        name: "list_devices",
        says: "Lines and phones, and whether each is ready.",
        scope: Scope::Read,
        takes: schema::<Nothing>,
        does: Does::Reads(|site, given| {
            let _: Nothing = read(given)?;
            let now = site.snapshot.borrow().clone();
            Ok(json!({ "trunks": value(&now.trunks)?, "phones": value(&now.phones)? }))
        }),
    },
    Entry {
        name: "get_call_status",
        says: "How one call stands: live while it is up, and its record.",
        scope: Scope::Read,
        takes: schema::<OfCall>,
        does: Does::Reads(|site, given| {
            let id = CallId(read::<OfCall>(given)?.call_id);
            let live = site.snapshot.borrow().calls.iter().find(|call| call.id == id).cloned();
            let record = api::record(site, id);
            if let (None, Err((_, why))) = (&live, &record) {
                return Err(why.clone());
            }
            Ok(json!({ "up": live.is_some(), "live": value(&live)?, "record": value(&record.ok())? }))
        }),
    },
    Entry {
        name: "get_call_summary",
        says: "The story of a call in words: how long it was, how long the box waited, what it heard and decided, how it ended.",
        scope: Scope::Read,
        takes: schema::<OfCall>,
        does: Does::Reads(|site, given| {
            let record = api::record(site, CallId(read::<OfCall>(given)?.call_id)).map_err(|(_, why)| why)?;
            Ok(json!({ "call_id": record.id, "summary": summary(&record) }))
        }),
    },
    Entry {
        name: "get_call_transcript",
        says: "What was said in a call, if the box understood it.",
        scope: Scope::Read,
        takes: schema::<OfCall>,
        does: Does::Reads(|site, given| {
            let record = api::record(site, CallId(read::<OfCall>(given)?.call_id)).map_err(|(_, why)| why)?;
            let available = !record.said.is_empty();
            let words = if available { "" } else { NO_WORDS };
            Ok(json!({ "available": available, "transcript": record.said, "words": words }))
        }),
    },
    Entry {
        name: "search_call_history",
        says: "Calls that are over or up, newest first, by part of the number or of the company's name, what was said, or how they ended.",
        scope: Scope::Read,
        takes: schema::<Search>,
        does: Does::Reads(|site, given| {
            let Search { number, company, said, outcome, before, limit } = read(given)?;
            let limit = Some(limit.unwrap_or(20)).filter(|limit| (1..=50).contains(limit));
            let limit = Some(limit.ok_or("limit is 1 to 50")?);
            let wanted = api::shapes::HistoryQuery { before, limit, number, company, said, outcome };
            let found = api::history(site, &wanted).map_err(|(_, why)| why)?;
            let short = |api::shapes::Listed { record, company }: &api::shapes::Listed| {
                json!({
                    "call_id": record.id, "number": record.number, "company": company, "outgoing": record.outgoing,
                    "started": words::iso(record.started), "outcome": record.outcome, "held_ms": record.held_ms,
                })
            };
            Ok(json!({ "calls": found.calls.iter().map(short).collect::<Vec<_>>(), "next": found.next }))
        }),
    },
    Entry {
        name: "list_call_flows",
        says: "Companies whose menus the box knows, with the versions of each flow and how they fared.",
        scope: Scope::Read,
        takes: schema::<Nothing>,
        does: Does::Reads(|site, given| {
            let _: Nothing = read(given)?;
            value(&flows::list(site).map_err(|(_, why)| why)?)
        }),
    },
    Entry {
        name: "get_call_flow",
        says: "The flow through one company's menu, as TOML, and how it fared.",
        scope: Scope::Read,
        takes: schema::<OfFlow>,
        does: Does::Reads(|site, given| {
            let OfFlow { number, version } = read(given)?;
            let which = Which { number, version: version.map(u64::from) };
            value(&flows::get(site, &which).map_err(|(_, why)| why)?)
        }),
    },
    Entry {
        name: "get_statistics",
        says: "What the box has done: calls held and how they ended, time waited by company, hour and weekday, the usual wait.",
        scope: Scope::Read,
        takes: schema::<Nothing>,
        does: Does::Reads(|site, given| {
            let _: Nothing = read(given)?;
            value(&statistics::of(site).map_err(|(_, why)| why)?)
        }),
    },
    Entry {
        name: "learn_call_flow",
        says: "Keep a flow as the newest version of a company's, to be used from the next call on. Acts: needs the owner's confirmation.",
        scope: Scope::Settings,
        takes: schema::<LearnFlow>,
        does: Does::Acts(|given| {
            let LearnFlow { number, flow, .. } = read(given)?;
            let errand = flows::kept(&flows::Written { number, flow }).map_err(|(_, why)| why)?;
            Ok(Request::Errand(errand))
        }),
    },
    Entry {
        name: "make_call",
        says: "Place a call. Acts: needs the owner's confirmation.",
        scope: Scope::Calls,
        takes: schema::<MakeCall>,
        does: Does::Acts(|given| api::wish(&place(given)?).map_err(|(_, why)| why)),
    },
    Entry {
        name: "end_call",
        says: "End a call. Acts: needs the owner's confirmation.",
        scope: Scope::Calls,
        takes: schema::<EndCall>,
        does: Does::Acts(|given| Ok(Request::HangUp(CallId(read::<EndCall>(given)?.call_id)))),
    },
    Entry {
        name: "send_dtmf",
        says: "Send keys to the far side of a call, such as an answer to a menu. Acts: needs the owner's confirmation.",
        scope: Scope::Calls,
        takes: schema::<SendKeys>,
        does: Does::Acts(|given| {
            let SendKeys { call_id, digits, .. } = read(given)?;
            Ok(Request::Keys(CallId(call_id), api::keys(&digits).map_err(|(_, why)| why)?))
        }),
    },
];

impl Entry {
    const fn acts(&self) -> bool {
        matches!(self.does, Does::Acts(_))
    }
}

/// The tools that `who` may use.
pub(super) fn all(who: &Who) -> Vec<Tool> {
    let tool = |entry: &Entry| {
        let schema = Value::from((entry.takes)());
        let object: JsonObject = schema.as_object().cloned().unwrap_or_default();
        let (reads, acts) = (Some(!entry.acts()), Some(entry.acts()));
        Tool::new(entry.name, entry.says, object).with_annotations(ToolAnnotations::from_raw(
            None,
            reads,
            acts,
            Some(false),
            acts,
        ))
    };
    TOOLS.iter().filter(|entry| who.may(entry.scope)).map(tool).collect()
}

/// The tool that reads a resource, with its arguments.
pub(super) fn resource(uri: &str) -> Option<(&'static str, Value)> {
    if let Some((.., tool)) = RESOURCES.iter().find(|(known, ..)| *known == uri) {
        return Some((tool, json!({})));
    }
    TEMPLATES.iter().find_map(|&(before, key, after, .., tool)| {
        let given = uri.strip_prefix(before)?.strip_suffix(after)?;
        let plain = !given.is_empty() && !given.contains('/');
        let value = match key {
            "call_id" => json!(given.parse::<u64>().ok()?),
            _ => json!(given.replace("%2B", "+")),
        };
        plain.then(|| (tool, json!({ key: value })))
    })
}

fn place(given: Value) -> Result<Place, String> {
    if given.get("mode").is_none() {
        return Err(NO_MODE.into());
    }
    let MakeCall { number, mode, wish, task, .. } = read(given)?;
    Ok(Place { number, mode, flow: Chosen::default(), wish, task })
}

/// Runs a tool; one that acts in two steps.
pub(super) fn run(site: &Site, who: &Who, name: &str, mut arguments: Value) -> Result<Value, String> {
    let entry = TOOLS
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| format!("there is no tool {name}: tools/list names all there are"))?;
    if !who.may(entry.scope) {
        return Err(format!(
            "this token has not the scope {}: the owner makes tokens under Settings, Access of programs",
            entry.scope.name()
        ));
    }
    let asks = match entry.does {
        Does::Reads(does) => return does(site, arguments),
        Does::Acts(asks) => asks,
    };
    let confirmation = arguments.as_object_mut().and_then(|fields| fields.remove("confirmation"));
    let request = asks(arguments.clone())?;
    let acting = || site.mcp.acting.lock().unwrap_or_else(PoisonError::into_inner);
    let now = clock::now();
    match confirmation.as_ref().and_then(Value::as_str) {
        Some(code) => {
            let day = clock::wall().0 / MILLISECONDS_A_DAY;
            let done = {
                let mut acting = acting();
                acting.confirm((now, day), code, who.key(), name, &arguments)?;
                acting.done()
            };
            site.keep_acted(&done);
            tracing::info!(tool = name, "an assistant acts");
            act(site, who, request)
        }
        None => {
            // What would be refused is refused before the owner is asked.
            site.ask(Order::Call(Request::Would(Box::new(request)))).map_err(|(_, why)| why)?;
            let code = login::token().map_err(|_| "the system gives no random numbers")?;
            let code = code.get(..8).unwrap_or_default().to_owned();
            acting().announce(now, code.clone(), who.key(), name, arguments.clone());
            Ok(json!({
                "done": false,
                "confirm": format!("Nothing is done yet. Ask the owner whether to do this: {name} {arguments}"),
                "confirmation": code,
                "expires_in_s": Acting::good_for_s(),
            }))
        }
    }
}

/// Does what the owner has confirmed.
fn act(site: &Site, who: &Who, request: Request) -> Result<Value, String> {
    if matches!(request, Request::Connect(_) | Request::Errand(Errand::Call(..))) {
        site.count_call(who.key()).map_err(|(_, why)| why)?;
    }
    let placed = site.ask_by(Door::Assistant, request).map_err(|(_, why)| why)?;
    Ok(placed.map_or_else(|| json!({ "done": true }), |call| json!({ "call_id": call })))
}

fn read<T: DeserializeOwned>(given: Value) -> Result<T, String> {
    serde_json::from_value(given).map_err(|error| format!("the arguments are wrong: {error}"))
}

fn value(of: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(of).map_err(|error| error.to_string())
}

fn schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// A call's story in words.
fn summary(record: &Record) -> String {
    let way = if record.outgoing { "to" } else { "from" };
    let mut text = format!(
        "A call {way} {} on {} at {}. {}",
        words::number(&record.number),
        words::day(record.started),
        words::time(record.started),
        words::outcome_sentence(record)
    );
    if record.held_ms > 0 {
        text += &format!(" The box waited {} on hold.", words::length(record.held_ms));
    }
    for decision in &record.decisions {
        text += &format!("\n{} {}: {}", words::clock(decision.at_ms), decision.what, decision.reason);
    }
    text
}
