//! The one table of addresses: what each means, and who may go there.

use super::access::Scope;
use super::api::table::{self, Asked, What};
use super::flows_page::Go;
use super::greeting::Go as Own;
use super::update::Go as Renewal;
use crate::call::Request as Wish;
use crate::limits::{BACKUP_BYTES, GREETING_FILE_BYTES, UPDATE_BYTES};
use crate::listen::lore::Taught;
use crate::units::CallId;
use tiny_http::Method;

/// Every address of the page.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Route {
    Home,
    Live,
    LoginPage,
    Login,
    Claim,
    /// Another code that claims the page, for somebody on the box.
    ClaimCode,
    Logout,
    /// The language of the page, for this browser.
    Language,
    History,
    Call(CallId),
    /// The page on which a call is listened to, and its sound.
    Listen(CallId),
    LiveSound(CallId),
    /// One of the recordings of a call, by its name.
    Recording(CallId, &'static str),
    Act(Wish),
    /// A call that the form asks for.
    Place,
    Phones,
    Pair,
    Unpair,
    /// Flows and planned calls.
    Flows(Go),
    Events,
    Style,
    Script,
    Icon,
    Metrics,
    Statistics,
    Companies,
    /// What is known of a company's sounds goes.
    ForgetCompany,
    Logs,
    /// Tokens of programs.
    Access,
    MakeToken,
    RemoveToken,
    /// A browser is logged out, or all others.
    EndLogin,
    Settings,
    ChangeSettings,
    Restart,
    Setup,
    SetupLine,
    /// The line registers now, and what comes of it.
    SetupTest,
    SetupTested,
    SetupPassword,
    SetupTold,
    Privacy,
    Purge,
    /// Where the owner is told what happens, and trying that out.
    Notifications,
    TryNotification,
    /// The owner's own greeting.
    Greeting(Own),
    /// Button, lamp and handset, seen and tried.
    Board,
    TryBoard,
    Backup,
    MakeBackup,
    Restore,
    /// Of the box's own program.
    Update(Renewal),
    /// For programs.
    Api(Asked),
    /// For assistants.
    Mcp,
}

/// Why there is no route.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// Nothing has this address.
    NoSuchPage,
    /// The address is only read.
    OnlyGet,
    /// The address is only acted on.
    OnlyPost,
}

/// The route of a method and a path without its query.
pub(super) fn find(method: &Method, path: &str) -> Result<Route, Miss> {
    let get = matches!(method, Method::Get | Method::Head);
    if let Some(rest) = path.strip_prefix(table::BASE).filter(|rest| rest.starts_with('/')) {
        return table::find(get, rest).map(Route::Api);
    }
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (only_get, route) = match parts.as_slice() {
        [""] => (true, Route::Home),
        ["live"] => (true, Route::Live),
        ["login"] if get => (true, Route::LoginPage),
        ["login"] => (false, Route::Login),
        ["claim"] => (false, Route::Claim),
        ["claim", "code"] => (false, Route::ClaimCode),
        ["logout"] => (false, Route::Logout),
        ["language"] => (false, Route::Language),
        ["history"] => (true, Route::History),
        ["calls"] => (false, Route::Place),
        ["calls", id] => (true, Route::Call(call_id(id)?)),
        ["calls", id, "listen"] => (true, Route::Listen(call_id(id)?)),
        ["calls", id, "live.wav"] => (true, Route::LiveSound(call_id(id)?)),
        ["calls", id, name] if get && let Some(name) = recording(name) => {
            (true, Route::Recording(call_id(id)?, name))
        }
        ["calls", id, act] => (false, Route::Act(wish(id, act)?)),
        ["hold"] => (false, Route::Act(Wish::HoldNow(None))),
        ["phones"] if get => (true, Route::Phones),
        ["phones"] => (false, Route::Pair),
        ["phones", "unpair"] => (false, Route::Unpair),
        ["flows"] if get => (true, Route::Flows(Go::List)),
        ["flows"] => (false, Route::Flows(Go::Keep)),
        ["flows", "version"] => (true, Route::Flows(Go::Version)),
        ["flows", "file"] => (true, Route::Flows(Go::File)),
        ["flows", "remove"] => (false, Route::Flows(Go::Remove)),
        ["planned"] => (false, Route::Flows(Go::Plan)),
        ["planned", "forget"] => (false, Route::Flows(Go::Unplan)),
        ["trunks", "again"] => (false, Route::Act(Wish::TryTrunks)),
        ["events"] => (true, Route::Events),
        ["assets", "page.css"] => (true, Route::Style),
        ["assets", "page.js"] => (true, Route::Script),
        ["favicon.svg" | "favicon.ico"] => (true, Route::Icon),
        ["metrics"] => (true, Route::Metrics),
        ["statistics"] => (true, Route::Statistics),
        ["companies"] => (true, Route::Companies),
        ["companies", "forget"] => (false, Route::ForgetCompany),
        ["logs"] => (true, Route::Logs),
        ["access"] if get => (true, Route::Access),
        ["access"] => (false, Route::MakeToken),
        ["access", "remove"] => (false, Route::RemoveToken),
        ["access", "logout"] => (false, Route::EndLogin),
        ["settings"] if get => (true, Route::Settings),
        ["settings"] => (false, Route::ChangeSettings),
        ["restart"] => (false, Route::Restart),
        ["setup"] => (true, Route::Setup),
        ["setup", "test"] if get => (true, Route::SetupTested),
        ["setup", "test"] => (false, Route::SetupTest),
        ["setup", "line"] => (false, Route::SetupLine),
        ["setup", "password"] => (false, Route::SetupPassword),
        ["setup", "told"] => (false, Route::SetupTold),
        ["privacy"] if get => (true, Route::Privacy),
        ["privacy"] => (false, Route::Purge),
        ["notifications"] if get => (true, Route::Notifications),
        ["notifications"] => (false, Route::TryNotification),
        ["board"] if get => (true, Route::Board),
        ["board"] => (false, Route::TryBoard),
        ["greeting"] if get => (true, Route::Greeting(Own::Page)),
        ["greeting"] => (false, Route::Greeting(Own::Bring)),
        ["greeting", "sound.wav"] => (true, Route::Greeting(Own::Sound)),
        ["greeting", "remove"] => (false, Route::Greeting(Own::Remove)),
        ["backup"] if get => (true, Route::Backup),
        ["backup"] => (false, Route::MakeBackup),
        ["backup", "restore"] => (false, Route::Restore),
        ["update"] if get => (true, Route::Update(Renewal::Page)),
        ["update"] => (false, Route::Update(Renewal::Take)),
        ["update", "withdraw"] => (false, Route::Update(Renewal::Withdraw)),
        ["mcp"] => (false, Route::Mcp),
        _ => return Err(Miss::NoSuchPage),
    };
    match (get, only_get) {
        (false, true) => Err(Miss::OnlyGet),
        (true, false) => Err(Miss::OnlyPost),
        _ => Ok(route),
    }
}

/// Whether programs, which read JSON, ask for this path.
pub(super) fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || matches!(path, "/mcp" | "/claim/code")
}

/// Of a path that takes a file, a body larger than others: how large, and what is asked of who sends it.
pub(super) fn takes_a_file(path: &str) -> Option<(usize, Scope)> {
    match path {
        "/backup/restore" | "/api/v1/restore" => Some((BACKUP_BYTES, Scope::Backup)),
        "/greeting" | "/api/v1/greeting" => Some((GREETING_FILE_BYTES, Scope::Settings)),
        _ if goes_to_the_disk(path) => {
            Some((usize::try_from(UPDATE_BYTES).unwrap_or(usize::MAX), Scope::Settings))
        }
        _ => None,
    }
}

/// Of a path: what is sent there is too large for memory, and goes to the disk as it comes.
pub(super) fn goes_to_the_disk(path: &str) -> bool {
    matches!(path, "/update" | "/api/v1/update")
}

/// The methods by which this path is asked.
pub(super) fn allowed(path: &str) -> &'static str {
    match (find(&Method::Get, path).is_ok(), find(&Method::Post, path).is_ok()) {
        (true, false) => "GET, HEAD",
        (false, true) => "POST",
        _ => "GET, HEAD, POST",
    }
}

/// A call's number, plain digits only.
pub(super) fn call_id(text: &str) -> Result<CallId, Miss> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain).map(CallId).ok_or(Miss::NoSuchPage)
}

fn recording(file: &str) -> Option<&'static str> {
    // However it is coded: an address that was copied before it was coded again still leads to it.
    let name = file.strip_suffix(".wav").or(file.strip_suffix(".flac"))?;
    crate::studio::NAMES.into_iter().find(|known| *known == name)
}

fn wish(id: &str, act: &str) -> Result<Wish, Miss> {
    let id = call_id(id)?;
    match act {
        "hold" => Ok(Wish::HoldNow(Some(id))),
        "hangup" => Ok(Wish::HangUp(id)),
        "conference" => Ok(Wish::Conference(id)),
        "take" => Ok(Wish::Take(id)),
        "recording" => Ok(Wish::Teach(id, Taught::Recording)),
        "person" => Ok(Wish::Teach(id, Taught::Person)),
        _ => Err(Miss::NoSuchPage),
    }
}

impl Route {
    /// What anybody may see.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::LoginPage | Self::Login | Self::Claim | Self::Language => true,
            Self::Style | Self::Script | Self::Icon => true,
            Self::Api(asked) => asked.operation.scope.is_none(),
            _ => false,
        }
    }

    /// It takes a form with a file in it.
    pub(super) fn takes_a_file(&self) -> bool {
        match self {
            Self::Restore | Self::Greeting(Own::Bring) => true,
            Self::Api(asked) => asked.operation.what.takes_a_file(),
            _ => false,
        }
    }

    /// Events as they come.
    pub(super) fn is_a_stream(&self) -> bool {
        match self {
            Self::Events => true,
            Self::Api(asked) => asked.operation.what == What::Stream,
            _ => false,
        }
    }

    /// Called by programs, which read JSON.
    pub(super) fn is_api(&self) -> bool {
        matches!(self, Self::Api(_) | Self::Mcp | Self::Events | Self::Metrics | Self::Live | Self::ClaimCode)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn each_address_has_one_meaning() {
        let cases = [
            (Method::Get, "/", Some(Route::Home)),
            (Method::Head, "/history", Some(Route::History)),
            (Method::Post, "/", None),
            (Method::Get, "/login", Some(Route::LoginPage)),
            (Method::Post, "/login", Some(Route::Login)),
            (Method::Get, "/calls/17", Some(Route::Call(CallId(17)))),
            (Method::Get, "/calls/+17", None),
            (Method::Get, "/calls/..", None),
            (Method::Get, "/calls/99999999999999999999999", None),
            (Method::Post, "/calls/17/take", Some(Route::Act(Wish::Take(CallId(17))))),
            (Method::Get, "/calls/17/take", None),
            (Method::Post, "/calls/17/eat", None),
            (Method::Get, "/calls/17/listen", Some(Route::Listen(CallId(17)))),
            (Method::Get, "/calls/17/live.wav", Some(Route::LiveSound(CallId(17)))),
            (Method::Get, "/calls/17/house.wav", Some(Route::Recording(CallId(17), "house"))),
            (Method::Get, "/calls/17/both.flac", Some(Route::Recording(CallId(17), "both"))),
            (Method::Get, "/calls/17/other.wav", None),
            (Method::Post, "/calls/17/conference", Some(Route::Act(Wish::Conference(CallId(17))))),
            (Method::Post, "/calls/17/person", Some(Route::Act(Wish::Teach(CallId(17), Taught::Person)))),
            (Method::Get, "/phones", Some(Route::Phones)),
            (Method::Post, "/phones", Some(Route::Pair)),
            (Method::Get, "/phones/unpair", None),
            (Method::Post, "/access/remove", Some(Route::RemoveToken)),
            (Method::Get, "/mcp", None),
            (Method::Post, "/mcp", Some(Route::Mcp)),
            (Method::Get, "/api/v1/hold", None),
            (Method::Post, "/trunks/again", Some(Route::Act(Wish::TryTrunks))),
            (Method::Get, "/trunks/again", None),
            (Method::Get, "/assets/../login", None),
            (Method::Get, "//", None),
            (Method::Get, "/board", Some(Route::Board)),
            (Method::Post, "/board", Some(Route::TryBoard)),
            (Method::Get, "/metrics", Some(Route::Metrics)),
            (Method::Post, "/metrics", None),
        ];
        for (method, path, expected) in cases {
            assert_eq!(find(&method, path).ok(), expected, "{method} {path}");
        }
    }
    #[test]
    fn operations_are_found_by_method_and_path() {
        let of = |method: &Method, path: &str| match find(method, path) {
            Ok(Route::Api(asked)) => Ok((asked.operation.id, asked.call.0, asked.recording)),
            Ok(other) => panic!("{path}: {other:?}"),
            Err(miss) => Err(miss),
        };
        let cases = [
            (Method::Get, "/api/v1/status", Ok(("status", 0, ""))),
            (Method::Get, "/api/v1/phones", Ok(("list_phones", 0, ""))),
            (Method::Post, "/api/v1/phones", Ok(("pair_phone", 0, ""))),
            (Method::Post, "/api/v1/phones/unpair", Ok(("unpair_phone", 0, ""))),
            (Method::Get, "/api/v1/calls/17", Ok(("get_call", 17, ""))),
            (Method::Post, "/api/v1/calls/17/take", Ok(("take_call", 17, ""))),
            (Method::Get, "/api/v1/calls/17/recordings/house", Ok(("get_recording", 17, "house"))),
            (Method::Get, "/api/v1/calls/17/recordings/..", Err(Miss::NoSuchPage)),
            (Method::Get, "/api/v1/calls/17/take", Err(Miss::OnlyPost)),
            (Method::Post, "/api/v1/status", Err(Miss::OnlyGet)),
            (Method::Get, "/api/v1/calls/-1", Err(Miss::NoSuchPage)),
            (Method::Get, "/api/v1/", Err(Miss::NoSuchPage)),
            (Method::Get, "/api/v1/status/", Err(Miss::NoSuchPage)),
        ];
        for (method, path, expected) in cases {
            assert_eq!(of(&method, path), expected, "{method} {path}");
        }
    }
}
