//! The one table of the interface: each operation, what it needs, takes and gives. Routing and the OpenAPI description are
//! both made from it.

use super::super::access::Scope;
use super::super::backup::{Brought, Restored, Wanted};
use super::super::flows::Written as WrittenFlow;
use super::super::flows::{Flows, Gone, Plan, Planned, Unplan, Which, Whole};
use super::super::greeting::{Brought as BroughtGreeting, State as Greeting};
use super::super::phones::Told;
use super::super::route::{Miss, call_id};
use super::super::statistics::Statistics;
use super::super::teach::{Companies, Company, Moment, PrintsFile, TakenIn};
use super::super::update::{Bundle, State as Update, Taken, With};
use super::shapes::{
    Calls, Devices, Done, Events, EventsQuery, History, HistoryQuery, Keys, Nothing, Pair, Phones, Place,
    Placed, Recordings, SetValues, Through, Transcript, Unpair, Written,
};
use crate::call::{Record, Snapshot};
use crate::studio;
use crate::units::CallId;
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Where the interface is.
pub(in crate::web) const BASE: &str = "/api/v1";

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum What {
    OpenApi,
    Status,
    Calls,
    Place,
    Call,
    Hold,
    HoldAny,
    Take,
    HangUp,
    Conference,
    WasRecording,
    WasPerson,
    Prints,
    PrintsOf,
    TakePrints,
    ForgetPrints,
    Flows,
    Flow,
    KeepFlow,
    RemoveFlow,
    Planned,
    PlanCall,
    UnplanCall,
    Keys,
    Transfer,
    Recordings,
    Transcript,
    Recording,
    Devices,
    Phones,
    Pair,
    Unpair,
    TryTrunks,
    History,
    Statistics,
    Events,
    Stream,
    Settings,
    ChangeSettings,
    Restart,
    Greeting,
    GreetingSound,
    KeepGreeting,
    RemoveGreeting,
    Backup,
    Restore,
    Update,
    TakeUpdate,
    WithdrawUpdate,
}

impl What {
    /// It takes a form with a file in it, not JSON.
    pub(in crate::web) const fn takes_a_file(self) -> bool {
        matches!(self, Self::Restore | Self::KeepGreeting)
    }

    /// It takes a file as it is, of any length.
    pub(in crate::web) const fn takes_bytes(self) -> bool {
        matches!(self, Self::TakeUpdate)
    }

    /// All is said by the address.
    pub(in crate::web) const fn takes_nothing(self) -> bool {
        use What::{Conference, HangUp, Hold, HoldAny};
        let of_a_call = matches!(self, Conference | HangUp | Hold | HoldAny | Self::Take);
        of_a_call
            || matches!(self, Self::RemoveGreeting | Self::Restart | Self::TryTrunks | Self::WithdrawUpdate)
    }
}

/// What comes back.
#[derive(Clone, Copy)]
pub(in crate::web) enum Gives {
    Json(u16, Shape),
    /// Sound, `audio/wav`.
    Sound,
    /// A file of bytes.
    File,
    /// Events, `text/event-stream`.
    Stream,
    /// The description itself.
    Description,
}

/// Describes a type.
pub(in crate::web) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// One operation.
pub(in crate::web) struct Operation {
    pub(in crate::web) what: What,
    pub(in crate::web) get: bool,
    /// Below [`BASE`]; `{id}` is a call's number, `{name}` that of a recording.
    pub(in crate::web) path: &'static str,
    /// `None`: anybody may.
    pub(in crate::web) scope: Option<Scope>,
    /// Its operationId.
    pub(in crate::web) id: &'static str,
    pub(in crate::web) says: &'static str,
    pub(in crate::web) query: Option<Shape>,
    pub(in crate::web) takes: Option<Shape>,
    pub(in crate::web) gives: Gives,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const fn get(
    what: What,
    path: &'static str,
    id: &'static str,
    says: &'static str,
    gives: Shape,
) -> Operation {
    let gives = Gives::Json(200, gives);
    Operation { what, get: true, path, scope: Some(Scope::Read), id, says, query: None, takes: None, gives }
}

const fn post(
    what: What,
    path: &'static str,
    id: &'static str,
    says: &'static str,
    takes: Shape,
) -> Operation {
    let gives = Gives::Json(200, of::<Done>);
    let scope = Some(Scope::Calls);
    Operation { what, get: false, path, scope, id, says, query: None, takes: Some(takes), gives }
}

/// All of them.
pub(in crate::web) const OPERATIONS: &[Operation] = &[
    Operation {
        scope: None,
        gives: Gives::Description,
        ..get(What::OpenApi, "/openapi.json", "openapi", "This description", of::<Done>)
    },
    get(What::Status, "/status", "status", "All that is going on", of::<Snapshot>),
    get(What::Calls, "/calls", "list_calls", "Calls that are up", of::<Calls>),
    Operation {
        gives: Gives::Json(201, of::<Placed>),
        ..post(
            What::Place,
            "/calls",
            "place_call",
            "Place a call: the phones ring first, or the box calls and holds",
            of::<Place>,
        )
    },
    get(What::Call, "/calls/{id}", "get_call", "The story of a call, up or over", of::<Record>),
    post(What::Hold, "/calls/{id}/hold", "hold_call", "Let the box hold this call", of::<Nothing>),
    post(What::HoldAny, "/hold", "hold_any", "Let the box hold the call that is up", of::<Nothing>),
    post(What::Take, "/calls/{id}/take", "take_call", "Ring the phones for a held call now", of::<Nothing>),
    post(What::HangUp, "/calls/{id}/hangup", "hang_up_call", "End a call", of::<Nothing>),
    post(
        What::Conference,
        "/calls/{id}/conference",
        "join_calls",
        "Join this call and the other one of the same phone",
        of::<Nothing>,
    ),
    post(
        What::WasRecording,
        "/calls/{id}/recording",
        "was_recording",
        "Teach the box that what it took for a person was a recording",
        of::<Moment>,
    ),
    post(
        What::WasPerson,
        "/calls/{id}/person",
        "was_person",
        "Teach the box that what it took for a recording was a person",
        of::<Moment>,
    ),
    get(
        What::Prints,
        "/prints",
        "list_prints",
        "Of which companies the box knows recordings",
        of::<Companies>,
    ),
    Operation {
        query: Some(of::<Company>),
        ..get(
            What::PrintsOf,
            "/prints/file",
            "get_prints",
            "The prints of what was heard at one company in several calls, for another box",
            of::<PrintsFile>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        gives: Gives::Json(200, of::<TakenIn>),
        ..post(
            What::TakePrints,
            "/prints",
            "take_prints",
            "Take in the prints of another box",
            of::<PrintsFile>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(
            What::ForgetPrints,
            "/prints/forget",
            "forget_prints",
            "Forget what is known of one company",
            of::<Company>,
        )
    },
    get(What::Flows, "/flows", "list_flows", "What the box knows of companies' menus", of::<Flows>),
    Operation {
        query: Some(of::<Which>),
        ..get(What::Flow, "/flows/file", "get_flow", "One version of a number's flow, as TOML", of::<Whole>)
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(
            What::KeepFlow,
            "/flows",
            "keep_flow",
            "Keep a flow as the newest version of a number's",
            of::<WrittenFlow>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(
            What::RemoveFlow,
            "/flows/remove",
            "remove_flow",
            "Forget a version of a number's flow, or all",
            of::<Gone>,
        )
    },
    get(What::Planned, "/planned", "list_planned", "Calls that wait for their time", of::<Planned>),
    post(What::PlanCall, "/planned", "plan_call", "Call and hold at a time, such as 08:00", of::<Plan>),
    post(What::UnplanCall, "/planned/forget", "unplan_call", "Take a planned call away", of::<Unplan>),
    post(What::Keys, "/calls/{id}/dtmf", "send_keys", "Send keys to the far side", of::<Keys>),
    post(
        What::Transfer,
        "/calls/{id}/transfer",
        "transfer_call",
        "Put a phone's call through to a number",
        of::<Through>,
    ),
    Operation {
        scope: Some(Scope::Recordings),
        ..get(
            What::Recordings,
            "/calls/{id}/recordings",
            "list_recordings",
            "The recordings of a call",
            of::<Recordings>,
        )
    },
    get(
        What::Transcript,
        "/calls/{id}/transcript",
        "get_transcript",
        "What was said in a call while the box held it, where that is kept",
        of::<Transcript>,
    ),
    Operation {
        scope: Some(Scope::Recordings),
        gives: Gives::Sound,
        ..get(What::Recording, "/calls/{id}/recordings/{name}", "get_recording", "A recording", of::<Done>)
    },
    get(What::Devices, "/devices", "list_devices", "Lines and phones", of::<Devices>),
    Operation {
        scope: Some(Scope::Settings),
        ..get(
            What::Phones,
            "/phones",
            "list_phones",
            "Every phone: of the file, paired, and the box's own handset",
            of::<Phones>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        gives: Gives::Json(200, of::<Told>),
        ..post(What::Pair, "/phones", "pair_phone", "Pair a phone; its password is shown once", of::<Pair>)
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(What::Unpair, "/phones/unpair", "unpair_phone", "Take a paired phone away", of::<Unpair>)
    },
    post(
        What::TryTrunks,
        "/trunks/again",
        "try_trunks",
        "Register at once at lines that are down",
        of::<Nothing>,
    ),
    Operation {
        query: Some(of::<HistoryQuery>),
        ..get(What::History, "/history", "history", "Calls, newest first", of::<History>)
    },
    Operation {
        scope: Some(Scope::Settings),
        ..get(
            What::Settings,
            "/settings",
            "get_settings",
            "What hold-slayer.toml says, without secrets",
            of::<Written>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(
            What::ChangeSettings,
            "/settings",
            "change_settings",
            "Change one section of hold-slayer.toml; it takes effect at a restart",
            of::<SetValues>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(What::Restart, "/restart", "restart", "Start the box anew when no call is up", of::<Nothing>)
    },
    Operation {
        scope: Some(Scope::Settings),
        ..get(
            What::Greeting,
            "/greeting",
            "get_greeting",
            "Whether there is a greeting of the owner's own",
            of::<Greeting>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        gives: Gives::Sound,
        ..get(What::GreetingSound, "/greeting/sound", "hear_greeting", "The owner's own greeting", of::<Done>)
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(
            What::KeepGreeting,
            "/greeting",
            "keep_greeting",
            "Greet with the sound of a WAV file from now on: 1 to 8 s of it are spoken, at most 12 s with silence around it",
            of::<BroughtGreeting>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(
            What::RemoveGreeting,
            "/greeting/remove",
            "remove_greeting",
            "Greet with the box's own words again",
            of::<Nothing>,
        )
    },
    Operation {
        scope: Some(Scope::Backup),
        gives: Gives::File,
        ..post(
            What::Backup,
            "/backup",
            "make_backup",
            "Everything the box keeps but recordings, sealed with a password",
            of::<Wanted>,
        )
    },
    Operation {
        scope: Some(Scope::Backup),
        gives: Gives::Json(200, of::<Restored>),
        ..post(
            What::Restore,
            "/restore",
            "restore_backup",
            "Check a backup, and start anew with it when no call is up",
            of::<Brought>,
        )
    },
    get(
        What::Update,
        "/update",
        "update",
        "Which version runs, and what became of the last update",
        of::<Update>,
    ),
    Operation {
        scope: Some(Scope::Settings),
        query: Some(of::<With>),
        gives: Gives::Json(200, of::<Taken>),
        ..post(
            What::TakeUpdate,
            "/update",
            "take_update",
            "Check an update, and let the box start anew with it when no call is up; 1 GB at most",
            of::<Bundle>,
        )
    },
    Operation {
        scope: Some(Scope::Settings),
        ..post(
            What::WithdrawUpdate,
            "/update/withdraw",
            "withdraw_update",
            "Take away an update that waits or is being written",
            of::<Nothing>,
        )
    },
    get(
        What::Statistics,
        "/statistics",
        "statistics",
        "What the box has saved, by number, hour and weekday",
        of::<Statistics>,
    ),
    Operation {
        query: Some(of::<EventsQuery>),
        ..get(What::Events, "/events", "list_events", "The last events", of::<Events>)
    },
    Operation {
        query: Some(of::<EventsQuery>),
        gives: Gives::Stream,
        ..get(
            What::Stream,
            "/events/stream",
            "stream_events",
            "Events as they happen: server-sent, or over WebSocket if the request asks for the upgrade",
            of::<Done>,
        )
    },
];

/// An operation that is asked for.
#[derive(Clone, Copy)]
pub(in crate::web) struct Asked {
    pub(in crate::web) operation: &'static Operation,
    /// The call, where the path names one.
    pub(in crate::web) call: CallId,
    /// The recording, where the path names one.
    pub(in crate::web) recording: &'static str,
}

/// Finds the operation of a path below [`BASE`].
pub(in crate::web) fn find(get: bool, path: &str) -> Result<Asked, Miss> {
    let mut miss = Miss::NoSuchPage;
    for operation in OPERATIONS {
        let Some((call, recording)) = fits(operation.path, path) else { continue };
        if operation.get == get {
            return Ok(Asked { operation, call, recording });
        }
        miss = if operation.get { Miss::OnlyGet } else { Miss::OnlyPost };
    }
    Err(miss)
}

fn fits(template: &str, path: &str) -> Option<(CallId, &'static str)> {
    let (mut parts, mut call, mut recording) = (path.split('/'), CallId(0), "");
    for part in template.split('/') {
        let given = parts.next()?;
        match part {
            "{id}" => call = call_id(given).ok()?,
            "{name}" => recording = studio::NAMES.into_iter().find(|name| *name == given)?,
            part if part == given => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some((call, recording))
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        (self.operation.what, self.call, self.recording)
            == (other.operation.what, other.call, other.recording)
    }
}

impl core::fmt::Debug for Asked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {:?} {}", self.operation.id, self.call, self.recording)
    }
}
