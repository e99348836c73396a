//! The one table of addresses: what each means, and who may go there.

use crate::call::Request as Wish;
use crate::units::CallId;
use tiny_http::Method;

/// Every address of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Home,
    Live,
    LoginPage,
    Login,
    Claim,
    Logout,
    History,
    Call(CallId),
    /// The page on which a call is listened to, and its sound.
    Listen(CallId),
    LiveSound(CallId),
    /// One of the recordings of a call, by its name.
    Recording(CallId, &'static str),
    Act(Wish),
    Phones,
    Pair,
    Unpair,
    /// Flows and planned calls: the page, one version to be changed, the same as a file.
    Flows,
    FlowEdit,
    FlowExport,
    FlowKeep,
    FlowRemove,
    /// A call that the box places and holds, and one that it shall not place any more.
    Slay,
    SlayForget,
    Events,
    Style,
    Script,
    Icon,
    Metrics,
    ApiStatus,
    ApiHistory,
    ApiCall(CallId),
    ApiAct(Wish),
    ApiPhones,
    ApiPair,
    ApiUnpair,
    ApiFlows,
    ApiFlowKeep,
    ApiFlowRemove,
    ApiSlay,
    ApiSlayForget,
}

/// Why there is no route.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// Nothing has this address.
    NoSuchPage,
    /// The address is asked in another way.
    WrongMethod,
}

/// The route of a method and a path without its query.
pub(super) fn find(method: &Method, path: &str) -> Result<Route, Miss> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let get = matches!(method, Method::Get | Method::Head);
    let (only_get, route) = match parts.as_slice() {
        [""] => (true, Route::Home),
        ["live"] => (true, Route::Live),
        ["login"] if get => (true, Route::LoginPage),
        ["login"] => (false, Route::Login),
        ["claim"] => (false, Route::Claim),
        ["logout"] => (false, Route::Logout),
        ["history"] => (true, Route::History),
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
        ["flows"] if get => (true, Route::Flows),
        ["flows"] => (false, Route::FlowKeep),
        ["flows", "edit"] => (true, Route::FlowEdit),
        ["flows", "export"] => (true, Route::FlowExport),
        ["flows", "remove"] => (false, Route::FlowRemove),
        ["slay"] => (false, Route::Slay),
        ["slay", "forget"] => (false, Route::SlayForget),
        ["trunks", "again"] => (false, Route::Act(Wish::TryTrunks)),
        ["events"] => (true, Route::Events),
        ["assets", "page.css"] => (true, Route::Style),
        ["assets", "page.js"] => (true, Route::Script),
        ["favicon.svg" | "favicon.ico"] => (true, Route::Icon),
        ["metrics"] => (true, Route::Metrics),
        ["api", "v1", "status"] => (true, Route::ApiStatus),
        ["api", "v1", "history"] => (true, Route::ApiHistory),
        ["api", "v1", "calls", id] => (true, Route::ApiCall(call_id(id)?)),
        ["api", "v1", "calls", id, act] => (false, Route::ApiAct(wish(id, act)?)),
        ["api", "v1", "phones"] if get => (true, Route::ApiPhones),
        ["api", "v1", "phones"] => (false, Route::ApiPair),
        ["api", "v1", "phones", "unpair"] => (false, Route::ApiUnpair),
        ["api", "v1", "flows"] if get => (true, Route::ApiFlows),
        ["api", "v1", "flows"] => (false, Route::ApiFlowKeep),
        ["api", "v1", "flows", "remove"] => (false, Route::ApiFlowRemove),
        ["api", "v1", "slay"] => (false, Route::ApiSlay),
        ["api", "v1", "slay", "forget"] => (false, Route::ApiSlayForget),
        ["api", "v1", "trunks", "again"] => (false, Route::ApiAct(Wish::TryTrunks)),
        ["api", "v1", "hold"] => (false, Route::ApiAct(Wish::HoldNow(None))),
        _ => return Err(Miss::NoSuchPage),
    };
    if get == only_get { Ok(route) } else { Err(Miss::WrongMethod) }
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
        _ => Err(Miss::NoSuchPage),
    }
}

impl Route {
    /// What anybody may see.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::LoginPage | Self::Login | Self::Claim | Self::Style | Self::Script | Self::Icon)
    }

    /// Called by programs, which read JSON.
    pub(super) fn is_api(self) -> bool {
        matches!(
            self,
            Self::ApiStatus
                | Self::ApiHistory
                | Self::ApiCall(_)
                | Self::ApiAct(_)
                | Self::ApiPhones
                | Self::ApiPair
                | Self::ApiUnpair
                | Self::ApiFlows
                | Self::ApiFlowKeep
                | Self::ApiFlowRemove
                | Self::ApiSlay
                | Self::ApiSlayForget
                | Self::Events
                | Self::Metrics
                | Self::Live
        )
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
            (Method::Get, "/phones", Some(Route::Phones)),
            (Method::Post, "/phones", Some(Route::Pair)),
            (Method::Get, "/phones/unpair", None),
            (Method::Post, "/api/v1/phones", Some(Route::ApiPair)),
            (Method::Post, "/api/v1/hold", Some(Route::ApiAct(Wish::HoldNow(None)))),
            (Method::Get, "/api/v1/hold", None),
            (Method::Post, "/trunks/again", Some(Route::Act(Wish::TryTrunks))),
            (Method::Post, "/api/v1/trunks/again", Some(Route::ApiAct(Wish::TryTrunks))),
            (Method::Get, "/trunks/again", None),
            (Method::Get, "/assets/../login", None),
            (Method::Get, "//", None),
            (Method::Get, "/metrics", Some(Route::Metrics)),
            (Method::Post, "/metrics", None),
        ];
        for (method, path, expected) in cases {
            assert_eq!(find(&method, path).ok(), expected, "{method} {path}");
        }
    }
}
