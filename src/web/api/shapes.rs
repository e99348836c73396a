//! What the interface takes and gives. What is given of calls and devices are the very values of the switchboard and the
//! store; these are the envelopes and the orders.

use super::super::journal::Entry;
use crate::call::{CallView, Event, Outcome, PeerView, Record, Utterance};
use crate::slay::flow::is_words;
use crate::slay::schedule::Way;
use crate::slay::talk::{TASK, is_task};
use crate::units::{CallId, Wall};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call to be placed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Place {
    /// Whom to call, as dialled on a phone of the house.
    #[schemars(regex(pattern = r"^\+?[0-9*#]{1,32}$"))]
    pub(in crate::web) number: String,
    /// How; `direct` unless given.
    #[serde(default = "direct")]
    pub(in crate::web) mode: Mode,
    /// In `hold_slayer`: the flow through its menu.
    #[serde(default)]
    pub(in crate::web) flow: Chosen,
    /// In `hold_slayer`, in place of a flow: what is wanted there, such as `billing` or `agent`. The box looks for it by the
    /// menu's words, where it understands them.
    #[serde(default)]
    #[schemars(length(max = 64), regex(pattern = r"\p{L}.*\p{L}"))]
    pub(in crate::web) wish: Option<String>,
    /// In `ai_assisted`, and needed there: what the language model shall do in the call. It knows nothing else, and may say
    /// no number that does not stand here.
    #[serde(default)]
    #[schemars(length(max = 1_000), regex(pattern = r"\p{L}.*\p{L}"))]
    pub(in crate::web) task: Option<String>,
}

/// What the language model shall do.
pub(in crate::web) fn task(task: Option<&str>) -> Result<Way, (u16, String)> {
    let allowed = format!("words of at least two letters, {TASK} characters at most, on one line");
    match task {
        Some(task) if is_task(task) => Ok(Way::Task(task.trim().to_owned())),
        Some(_) => Err((400, format!("task: allowed are {allowed}"))),
        None => Err((409, format!("task: the mode ai_assisted needs one, {allowed}"))),
    }
}

/// The way through a menu that is asked for.
pub(in crate::web) fn way(flow: Chosen, wish: Option<&str>) -> Result<Way, (u16, String)> {
    match wish {
        None => Ok(flow.into()),
        Some(_) if flow != Chosen::default() => {
            Err((400, "flow and wish: give one of them, a call follows a flow or looks for something".into()))
        }
        Some(wish) if is_words(wish) => Ok(Way::Wish(wish.trim().to_owned())),
        Some(_) => {
            Err((400, "wish: allowed are words of at least two letters, 64 characters at most".into()))
        }
    }
}

/// Which flow a call follows: the number of a version, or one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::web) enum Chosen {
    /// This version, whatever its standing.
    Version(
        #[serde(deserialize_with = "whole")]
        #[schemars(range(max = u32::MAX))]
        u32,
    ),
    /// The one that is trusted, or none.
    Named(Trusted),
}

/// A flow that is not named by its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum Trusted {
    /// The one that can be trusted, if there is one.
    Known,
    /// None: the box holds as soon as somebody answers.
    None,
}

impl Default for Chosen {
    fn default() -> Self {
        Self::Named(Trusted::Known)
    }
}

impl From<Chosen> for Way {
    fn from(chosen: Chosen) -> Self {
        match chosen {
            Chosen::Version(id) => Self::Version(id),
            Chosen::Named(Trusted::Known) => Self::Known,
            Chosen::Named(Trusted::None) => Self::Straight,
        }
    }
}

impl From<Way> for Chosen {
    fn from(way: Way) -> Self {
        match way {
            Way::Version(id) => Self::Version(id),
            Way::Known | Way::Wish(_) => Self::Named(Trusted::Known),
            Way::Straight | Way::Task(_) => Self::Named(Trusted::None),
        }
    }
}

/// How a call is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Mode {
    /// The phones of the house ring; who answers is connected to the number.
    Direct,
    /// The box calls, goes through the menu if it knows it, and holds; the phones ring when a person is there.
    HoldSlayer,
    /// The box calls, and the language model leads the call for the task, where the owner has allowed that; the phones ring
    /// when it needs him.
    AiAssisted,
}

const fn direct() -> Mode {
    Mode::Direct
}

/// A call was placed.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Placed {
    /// Its number.
    pub(in crate::web) call: CallId,
}

/// Keys to be sent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Keys {
    /// One after the other.
    #[schemars(regex(pattern = r"^[0-9A-D*#]{1,32}$"))]
    pub(in crate::web) digits: String,
}

/// Where a call is put through to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Through {
    /// The number.
    #[schemars(regex(pattern = r"^\+?[0-9*#]{1,32}$"))]
    pub(in crate::web) to: String,
}

/// Nothing more is to be said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Nothing {}

/// A phone to be paired.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Pair {
    /// What the owner calls it.
    #[schemars(length(min = 1, max = 32))]
    pub(in crate::web) name: String,
    /// What it is.
    pub(in crate::web) device: Device,
    /// The adapter's MAC address; needed for `grandstream` and `cisco`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$|^[0-9A-Fa-f]{12}$"))]
    pub(in crate::web) mac: Option<String>,
    /// Its socket, 1 or 2.
    #[serde(default, deserialize_with = "whole_if_any")]
    #[schemars(range(min = 1, max = 2))]
    pub(in crate::web) jack: Option<u8>,
}

/// Kinds of phones.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Device {
    /// Behind an HT801 or HT802.
    Grandstream,
    /// Behind a Cisco SPA adapter.
    Cisco,
    /// Anything else.
    Any,
}

/// A paired phone by its user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Unpair {
    /// Its SIP user.
    #[schemars(length(min = 1, max = 64))]
    pub(in crate::web) user: String,
}

/// A phone of the house.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Phone {
    /// As the owner calls it.
    pub(in crate::web) name: String,
    /// Where it comes from.
    pub(in crate::web) origin: Origin,
    /// It can be rung.
    pub(in crate::web) up: bool,
    /// In plain words, as of a device.
    pub(in crate::web) status: String,
    /// Of a paired one its SIP user, by which it is taken away.
    pub(in crate::web) user: Option<String>,
    /// Of a paired one the MAC address of its adapter.
    pub(in crate::web) mac: Option<String>,
    /// Of a paired one the adapter's socket.
    pub(in crate::web) jack: Option<u8>,
    /// When it was paired.
    pub(in crate::web) paired: Option<Wall>,
    /// Whether a paired one has registered since.
    pub(in crate::web) used: Option<bool>,
}

/// Where a phone comes from.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Origin {
    /// It stands in the configuration.
    File,
    /// It was paired.
    Paired,
    /// It is the box's own.
    Handset,
}

/// The phones.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Phones {
    pub(in crate::web) phones: Vec<Phone>,
}

/// Values for one section of the configuration.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SetValues {
    /// As in the file: `line`, `trunk`, `hold` and so on.
    #[schemars(length(min = 1, max = 16))]
    pub(in crate::web) section: String,
    /// Which of several trunks or phones, from 0; left out: a new one.
    #[serde(default, deserialize_with = "whole_if_any")]
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    pub(in crate::web) at: Option<usize>,
    /// By key, as text; lists one a line. An empty one takes the key out, but for a secret; null takes out any.
    #[serde(default)]
    pub(in crate::web) values: BTreeMap<String, Option<String>>,
    /// Takes the section at `at` away instead.
    #[serde(default)]
    pub(in crate::web) remove: bool,
}

/// What is written, by section and key.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Written {
    /// It is to take effect at the next start.
    pub(in crate::web) restart_needed: bool,
    pub(in crate::web) sections: serde_json::Map<String, serde_json::Value>,
}

/// It is done.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Done {
    pub(in crate::web) done: bool,
}

/// Calls that are up.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Calls {
    pub(in crate::web) calls: Vec<CallView>,
}

/// Trunks and phones.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Devices {
    pub(in crate::web) trunks: Vec<PeerView>,
    pub(in crate::web) phones: Vec<PeerView>,
}

/// Calls, newest first.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct History {
    pub(in crate::web) calls: Vec<Listed>,
    /// `before` of the next page, if there may be one. A search rests after 20,000 calls, also when it has found fewer than it
    /// was asked for: this goes on with it.
    pub(in crate::web) next: Option<CallId>,
}

/// One of them.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Listed {
    #[serde(flatten)]
    pub(in crate::web) record: Record,
    /// What its company is called, as the newest flow through its menu is.
    pub(in crate::web) company: Option<String>,
}

/// Floating-point numbers are exact up to here.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Which calls of the history.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct HistoryQuery {
    /// Older than this call.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    pub(in crate::web) before: Option<u64>,
    /// At most so many.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(min = 1, max = 200))]
    pub(in crate::web) limit: Option<u64>,
    /// Whose number has this in it.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::web) number: Option<String>,
    /// Whose company's name has this in it.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::web) company: Option<String>,
    /// In which this was said, where it is kept.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(in crate::web) said: Option<String>,
    /// That ended so.
    #[serde(default)]
    pub(in crate::web) outcome: Option<Outcome>,
}

/// Which events.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct EventsQuery {
    /// Types or kinds, by commas: `call,hold.detected`.
    #[serde(default)]
    #[schemars(length(max = 256), transform = name_types)]
    pub(in crate::web) types: Option<String>,
    /// Of this call.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    pub(in crate::web) call: Option<u64>,
    /// After the event with this number; also as the field `Last-Event-ID`.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    pub(in crate::web) after: Option<u64>,
}

/// Says which types there are.
fn name_types(schema: &mut schemars::Schema) {
    let kinds = Event::kinds();
    let any = kinds.iter().map(|kind| kind.replace('.', "\\.")).collect::<Vec<_>>().join("|");
    schema.insert("pattern".into(), format!("^( *,)* *({any}) *(,( *({any}))? *)*$").into());
    let words = format!("Types, or kinds for all of their types, by commas: {}.", kinds.join(", "));
    schema.insert("description".into(), words.into());
}

/// Events, oldest first.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Events {
    pub(in crate::web) events: Vec<Arc<Entry>>,
    /// The number of the newest of all: `after` of the next question.
    pub(in crate::web) last: u64,
}

/// The recordings of a call.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Recordings {
    pub(in crate::web) recordings: Vec<Recording>,
}

/// What was said in a call while the box held it.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Transcript {
    /// In order; empty if nothing was understood, or nothing is kept.
    pub(in crate::web) transcript: Vec<Utterance>,
}

/// One of them.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Recording {
    /// Its name, for its address.
    pub(in crate::web) name: String,
    /// What is in it.
    pub(in crate::web) what: String,
    /// Its size.
    pub(in crate::web) bytes: u64,
}

/// What went wrong and what to do, RFC 9457.
#[derive(Serialize, JsonSchema)]
#[allow(dead_code, reason = "written by Answer::problem; here for its shape")]
pub(in crate::web) struct Problem {
    /// The HTTP status.
    pub(in crate::web) status: u16,
    /// Its name.
    pub(in crate::web) title: String,
    /// What happened and what to do.
    pub(in crate::web) detail: String,
}

/// A whole number; JSON Schema takes 3.0 for one, too.
pub(in crate::web) fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<T, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    let exact = |n: &f64| n.fract() == 0.0 && (0.0..=MOST_EXACT).contains(n);
    let whole = number.as_f64().filter(exact).and_then(|n| T::try_from(n as u64).ok());
    whole.ok_or_else(|| de::Error::custom("not a whole number, or too large a one"))
}

/// The same where there may be none.
pub(in crate::web) fn whole_if_any<'de, D: Deserializer<'de>, T: TryFrom<u64>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(bound = "T: TryFrom<u64>")]
    struct Whole<T>(#[serde(deserialize_with = "whole")] T);
    Ok(Option::<Whole<T>>::deserialize(from)?.map(|whole| whole.0))
}

/// Numbers come as text in a query.
pub(in crate::web) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let plain = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
    text.map(|text| {
        let exact = |n: &u64| plain(&text) && *n <= MOST_EXACT as u64;
        text.parse().ok().filter(exact).ok_or_else(|| de::Error::custom("not a whole number"))
    })
    .transpose()
}
