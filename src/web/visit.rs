//! One request on its way to its answer: who asks, whether the form is ours, and what is done.

mod admit;
mod enter;
mod place;

use super::access::Who;
use super::answer::Answer;
use super::api::{Given, Refusal, Sent};
use super::flows_page::{self, Came};
use super::journal::Filter;
use super::route::{Miss, Route, call_id, find, is_for_programs};
use super::sound::Sound;
use super::{
    Ask, Doors, Order, Site, access_page, api, backup, board_page, call_page, companies, events, feed, form,
    gate, greeting, head, history, home, login, logs, mcp, metrics, notify_page, page, phones, privacy,
    settings, setup, sound, statistics_page, teach, update,
};
use crate::call::{Door, Request as Wish};
use crate::clock;
use crate::limits::{BACKUP_BYTES, WEB_BODY_BYTES};
use crate::store::Store;
use crate::units::CallId;
use core::time::Duration;
pub(super) use enter::field;
use std::io::Read;
use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};
use tiny_http::{Method, Request};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

/// What is said where the history would be.
pub(super) const NO_STORE: &str = "There is no call history: the box could not open its database when it started, and \
                                   said why in its log. Calls work. Repair the disk and restart the box.";
/// How long the control thread has to answer.
const ASK_TIME: Duration = Duration::from_secs(3);
const NO_TOKEN: &str = "Send a token as Authorization: Bearer …: the owner makes one under Settings, Access of programs. Or log in: POST the password to /login.";
const TOO_MANY: &str = "Too many pages watch already. Close one and try again.";
const NOT_LISTENED: &str =
    "This call cannot be listened to: it has ended, or listen_in under [record] does not allow it.";
const FOREIGN: &str = "This came from another site and was refused. Open the page anew and try there.";

/// A request with what every route may need of it.
struct Visit<'a> {
    site: &'a Arc<Site>,
    request: &'a mut Request,
    from: IpAddr,
    /// Our address that he reached.
    local: IpAddr,
    cookie: Option<String>,
    who: Who,
    query: Vec<(String, String)>,
    /// The fields of a form.
    body: Vec<(String, String)>,
    /// What a program sent.
    text: String,
    /// The file that was sent.
    file: Option<Vec<u8>>,
}

/// Answers one request of the server behind the gate.
pub(super) fn answer(site: &Arc<Site>, mut request: Request) {
    let head_only = *request.method() == Method::Head;
    let answer = match respond(site, &mut request) {
        Reply::Answer(answer) => answer,
        Reply::Stream => match site.streams.place() {
            Some(place) => {
                let to = request.into_writer();
                return events::stream(place, to, site.snapshot.clone(), site.stop.clone());
            }
            None => Answer::problem(503, TOO_MANY),
        },
        Reply::Events(filter, after) => match site.streams.place() {
            Some(place) => {
                let to = request.into_writer();
                return feed::stream(place, to, site.journal.clone(), filter, after, site.stop.clone());
            }
            None => Answer::problem(503, TOO_MANY),
        },
        Reply::Sound(sound) => match site.streams.place() {
            Some(place) => return sound::send(place, request.into_writer(), sound),
            None => {
                if let Sound::Live(_, call, _) = sound {
                    let _ = site.ask(Order::Call(Wish::ListenEnd(call)));
                }
                Answer::problem(503, TOO_MANY)
            }
        },
    };
    update::clear(site, &request);
    let answer = answer.read_in(enter::language(&request));
    let mut to = request.into_writer();
    if let Err(error) = to.write_all(&answer.bytes(head_only)).and_then(|()| to.flush()) {
        tracing::debug!(%error, "an answer was not taken");
    }
}

enum Reply {
    Answer(Answer),
    /// The page's own stream.
    Stream,
    /// For programs: which events, after which.
    Events(Filter, Option<u64>),
    Sound(Sound),
}

impl From<Given> for Reply {
    fn from(given: Given) -> Self {
        match given {
            Given::Answer(answer) => Self::Answer(answer),
            Given::Sound(sound) => Self::Sound(sound),
            Given::Events(filter, after) => Self::Events(filter, after),
        }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

fn respond(site: &Arc<Site>, request: &mut Request) -> Reply {
    // Another program on this machine may find the socket behind the gate: it does not know the secret.
    let stamp = field(request, head::STAMP).unwrap_or_default();
    let by_console = stamp.ends_with(gate::BY_CONSOLE);
    let mut stamp = stamp.split(' ');
    let known = stamp.next().is_some_and(|secret| login::same(secret, &site.secret));
    let mut address = || stamp.next().and_then(|ip| ip.parse::<IpAddr>().ok());
    let (Some(from), Some(local), true) = (address(), address(), known) else {
        return Answer::text(403, "The page is reached through its network address only.").into();
    };
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let (route, query) = (find(request.method(), path), form::pairs(query));
    if *request.method() == Method::Get
        && let Some(file) = phones::file(site, path, &query, (from, local))
    {
        return file.into();
    }
    let is_api = is_for_programs(path);
    let route = match route {
        Ok(route) => route,
        Err(Miss::NoSuchPage) => {
            let words = match is_api {
                true => "There is no such address. GET /api/v1/openapi.json lists all there are.",
                false => "There is no such page. The start page leads to all there are.",
            };
            return wrong(is_api, 404, words).into();
        }
        Err(miss) => {
            let (allowed, words) = match miss {
                Miss::OnlyGet => ("GET, HEAD", "This address is only read: use GET."),
                _ => ("POST", "This address acts: use POST."),
            };
            return wrong(is_api, 405, words).with("Allow", allowed.into()).into();
        }
    };
    let cookie = field(request, "cookie").and_then(|cookies| form::cookie(cookies, &site.cookie));
    let agent = field(request, "user-agent").unwrap_or_default();
    let who = match by_console {
        true => Who::Console,
        false => site.who(field(request, "authorization"), cookie.as_deref(), agent),
    };
    // A collector on the box itself has no password; there is nothing about anybody in the numbers.
    let collects = route == Route::Metrics && from.is_loopback();
    if who == Who::Nobody && !route.is_open() && !collects {
        return match route {
            _ if route.is_api() => {
                Answer::problem(401, NO_TOKEN).with("WWW-Authenticate", "Bearer".into()).into()
            }
            _ => Answer::see("/login".into()).into(),
        };
    }
    if let Err(answer) = site.admits(&who, &route) {
        return answer.into();
    }
    let mut visit = Visit {
        site,
        request,
        from,
        local,
        cookie,
        who,
        query,
        body: Vec::new(),
        text: String::new(),
        file: None,
    };
    // Another service on this host has the browser send our cookie, and no rule of browsers keeps a WebSocket from its pages.
    if visit.who.form().is_some() && route.is_a_stream() && !visit.is_from_our_page() {
        return Answer::problem(403, FOREIGN).into();
    }
    if *visit.request.method() == Method::Post
        && let Err(answer) = visit.receive(&route)
    {
        return answer.into();
    }
    visit.go(&route)
}

/// What the disk says.
pub(super) fn disk(error: crate::store::Error) -> Refusal {
    (503, error.to_string())
}

impl Site {
    /// The database.
    pub(super) fn store(&self) -> Result<&Store, Refusal> {
        self.store.as_ref().ok_or((503, NO_STORE.to_owned()))
    }

    pub(super) fn doors(&self) -> MutexGuard<'_, Doors> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the control thread for something of a call, by another way than the page.
    pub(super) fn ask_by(&self, door: Door, wish: Wish) -> Result<Option<CallId>, Refusal> {
        self.ask(Order::Call(Wish::Through(door, Box::new(wish))))
    }

    /// Asks the control thread and waits for its answer.
    pub(super) fn ask(&self, order: Order) -> Result<Option<CallId>, (u16, String)> {
        let (answer, answered) = oneshot::channel();
        self.requests.try_send(Ask { order, answer }).map_err(|error| match error {
            TrySendError::Full(_) => (503, "The box is busy. Try again in a moment.".to_string()),
            TrySendError::Closed(_) => (503, "The box is stopping.".to_string()),
        })?;
        let late = || {
            (
                504,
                "The box did not answer in time. Look at the call's state before you try again.".to_string(),
            )
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|_| late())?;
        match runtime.block_on(async { tokio::time::timeout(ASK_TIME, answered).await }) {
            Ok(Ok(done)) => done.map_err(|why| (409, why)),
            Ok(Err(_)) | Err(_) => Err(late()),
        }
    }
}

impl Visit<'_> {
    /// Reads a POST's form and sees that it comes from our own page.
    fn receive(&mut self, route: &Route) -> Result<(), Answer> {
        let foreign = || wrong(route.is_api(), 403, FOREIGN);
        if !self.is_from_our_page() {
            return Err(foreign());
        }
        if route.takes_a_file() {
            self.receive_file(route)?;
            return self.check_form(route, foreign);
        }
        let mut body = String::new();
        // The gate has limited it; this is for whoever comes past the gate.
        let mut limited = self.request.as_reader().take(WEB_BODY_BYTES as u64);
        if limited.read_to_string(&mut body).is_err() {
            return Err(wrong(route.is_api(), 400, "The form could not be read."));
        }
        let is_for_programs = matches!(route, Route::Api(_) | Route::Mcp);
        if is_for_programs {
            let kind = field(self.request, "content-type").unwrap_or_default();
            if !body.is_empty() && kind.split(';').next().is_none_or(|kind| kind.trim() != "application/json")
            {
                return Err(Answer::problem(415, "Send the body as application/json."));
            }
            self.text = body;
        } else {
            self.body = form::pairs(&body);
        }
        self.check_form(route, foreign)
    }

    /// The parts of a form with a file.
    fn receive_file(&mut self, route: &Route) -> Result<(), Answer> {
        let kind = field(self.request, "content-type").unwrap_or_default().to_owned();
        let mut body = Vec::new();
        let mut limited = self.request.as_reader().take((BACKUP_BYTES + head::FORM_BYTES) as u64);
        if limited.read_to_end(&mut body).is_err() {
            return Err(wrong(route.is_api(), 400, "The file could not be read."));
        }
        let Some(boundary) = form::boundary(&kind) else {
            return Err(wrong(route.is_api(), 415, "Send the file as multipart/form-data."));
        };
        for part in form::parts(&body, &boundary) {
            match part.is_file {
                true => self.file = Some(part.content.to_vec()),
                false => self.body.push((part.name, String::from_utf8_lossy(part.content).into_owned())),
            }
        }
        Ok(())
    }

    fn check_form(&self, route: &Route, foreign: impl Fn() -> Answer) -> Result<(), Answer> {
        // A login has no token yet: it changes nothing for anybody who does not know the password or has not pressed the button.
        // The language is the browser's own matter.
        // A program's token is in no browser, which could be made to send it.
        let Some(form) =
            self.who.form().filter(|_| !matches!(route, Route::Login | Route::Claim | Route::Language))
        else {
            return Ok(());
        };
        let sent = self.sent("csrf").or_else(|| field(self.request, "x-csrf-token"));
        if sent.is_some_and(|sent| login::same(sent, form)) { Ok(()) } else { Err(foreign()) }
    }

    fn is_from_our_page(&self) -> bool {
        let host = field(self.request, "host").unwrap_or_default();
        // Where the page is encrypted, one that is not is another, on another port. A plain one may stand behind a proxy.
        let open = |origin: &str| {
            origin.strip_prefix("http://").filter(|_| self.site.secure.is_empty()) == Some(host)
        };
        let origin = field(self.request, "origin")
            .is_none_or(|origin| origin.strip_prefix("https://") == Some(host) || open(origin));
        let site =
            field(self.request, "sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
        origin && site
    }

    fn sent(&self, name: &str) -> Option<&str> {
        self.body.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The browser that asks.
    fn own<'v>(&'v self, form: &'v str) -> access_page::Own<'v> {
        access_page::Own { form, cookie: self.cookie.as_deref().unwrap_or_default() }
    }

    fn before(&self) -> Option<CallId> {
        self.asked("before").and_then(|id| call_id(id).ok())
    }

    fn go(&mut self, route: &Route) -> Reply {
        let site = self.site;
        let form = self.who.form().unwrap_or_default().to_owned();
        match route {
            Route::Home => self.home(200, None),
            Route::Live => {
                let snapshot = site.snapshot.borrow().clone();
                Answer::page(200, home::live(site, &snapshot, &form, clock::wall()))
            }
            Route::LoginPage => self.login_page(),
            Route::Login => self.login(),
            Route::Claim => self.claim(),
            Route::ClaimCode => site.fresh_code(),
            Route::Logout => self.logout(),
            Route::Language => self.choose_language(),
            Route::History => self.history(&form),
            Route::Call(id) => self.call(*id, &form),
            Route::Phones => phones::page(site, &form, (None, &[]), 200),
            Route::Pair => match phones::pair(site, &self.body, self.local) {
                Ok(told) => {
                    let wanted = setup::is_wanted(site, &site.snapshot.borrow().clone());
                    Answer::page(200, phones::told(&told, &form, wanted != setup::Wanted::No))
                }
                Err((status, why)) => phones::page(site, &form, (Some(&why), &self.body), status),
            },
            Route::Unpair => match phones::unpair(site, self.sent("user").unwrap_or_default()) {
                Ok(()) => Answer::see("/phones".into()),
                Err((status, why)) => phones::page(site, &form, (Some(&why), &[]), status),
            },
            Route::Flows(go) => {
                // A file that is brought stands for what is typed.
                if let Some(file) = self.file.take() {
                    self.body.push(("flow".into(), String::from_utf8_lossy(&file).into_owned()));
                }
                let fields = if self.body.is_empty() { &self.query } else { &self.body };
                flows_page::go(site, *go, &Came { fields, form: &form })
            }
            Route::Statistics => statistics_page::page(site, &form),
            Route::Companies => companies::page(site, &form, None),
            Route::Heard => companies::heard(site, self.asked("company").unwrap_or_default(), &form, None),
            Route::ForgetCompany => {
                let sent = |key| self.sent(key).unwrap_or_default();
                companies::forget(site, (sent("company"), sent("piece")), &form)
            }
            Route::Logs => {
                let asked = |name| self.asked(name).unwrap_or_default().trim();
                logs::page(asked("find"), asked("level"), &form)
            }
            Route::Access => access_page::page(site, &self.own(&form), None, 200),
            Route::MakeToken => access_page::make(site, &self.body, &self.own(&form)),
            Route::RemoveToken => match site.remove_token(self.sent("id").unwrap_or_default()) {
                Ok(()) => Answer::see("/access".into()),
                Err((status, why)) => access_page::page(site, &self.own(&form), Some(&why), status),
            },
            Route::EndLogin => {
                let (id, own) = (self.sent("id").unwrap_or_default(), self.own(&form));
                match site.end_login(id, own.cookie) {
                    Ok(()) => Answer::see("/access".into()),
                    Err((status, why)) => access_page::page(site, &own, Some(&why), status),
                }
            }
            Route::Settings => settings::page(site, &form, None, 200),
            Route::ChangeSettings => settings::stored(site, &self.body, &form),
            Route::Restart => match site.restart() {
                Ok(()) => {
                    let from =
                        ["/settings", "/setup"].into_iter().find(|from| self.sent("from") == Some(from));
                    setup::again(site, &form, from.unwrap_or("/"))
                }
                Err((status, why)) => settings::page(site, &form, Some(&why), status),
            },
            Route::Setup => setup::page(site, &form, self.asked("preset")),
            Route::SetupTest => setup::try_line(site),
            Route::SetupTested => {
                let look = self.asked("look").and_then(|look| look.parse().ok());
                setup::tested(site, &form, look.unwrap_or(1))
            }
            Route::SetupLine => setup::write(site, &self.body, &form),
            Route::SetupPassword => setup::choose(site, &self.body, &form, self.cookie.as_deref()),
            Route::SetupTold => setup::told(site, &self.body, &form),
            Route::Privacy => privacy::page(site, &form, None, 200),
            Route::Purge => privacy::purge(site, &self.body, &form),
            Route::Notifications => notify_page::page(site, &form, None, 200),
            Route::TryNotification => notify_page::test(site, self.sent("test").unwrap_or_default(), &form),
            Route::Greeting(go) => greeting::go(site, *go, self.file.as_deref().unwrap_or_default(), &form),
            Route::Board => board_page::page(site, &form, self.asked("left"), None),
            Route::TryBoard => board_page::attempt(site, &self.body, &form),
            Route::Backup => backup::page(&form, None, 200),
            Route::MakeBackup => match site.back_up(self.sent("password").unwrap_or_default()) {
                Ok(file) => file,
                Err((status, why)) => backup::page(&form, Some(&why), status),
            },
            Route::Restore => match site
                .restore(self.file.as_deref().unwrap_or_default(), self.sent("password").unwrap_or_default())
            {
                Ok(done) => backup::restored(&done, &form),
                Err((status, why)) => backup::page(&form, Some(&why), status),
            },
            Route::Update(go) => update::go(site, *go, self.is_on_disk(), self.asked("older"), &form),
            Route::Api(asked) => {
                let sent = Sent {
                    on_disk: self.is_on_disk(),
                    file: (self.file.as_deref(), self.sent("password")),
                    query: &self.query,
                    body: &self.text,
                    local: self.local,
                    last_event: field(self.request, "last-event-id"),
                    who: self.who.key(),
                    door: self.who.door(),
                };
                return api::answer(site, *asked, &sent).into();
            }
            Route::Mcp => mcp::answer(site, self.request, &self.text, &self.who),
            Route::Place => match api::place_call(site, (self.who.key(), Door::Page), &self.place()) {
                Ok(_) => Answer::see("/".into()),
                Err((status, why)) => self.home(status, Some(&why)),
            },
            Route::Act(wish) => match self.act(wish) {
                Ok(()) => Answer::see(self.back(wish)),
                Err((status, why)) => self.home(status, Some(&why)),
            },
            Route::Events => return Reply::Stream,
            Route::Listen(id) => {
                let snapshot = site.snapshot.borrow().clone();
                match snapshot.calls.iter().find(|call| call.id == *id && call.may_listen) {
                    Some(call) => Answer::page(200, sound::page(call, &form)),
                    None => wrong(false, 404, NOT_LISTENED),
                }
            }
            Route::LiveSound(id) => return self.live(*id),
            Route::Recording(id, name) => match site.studio.archive.open(*id, name) {
                Ok((file, found)) => return Reply::Sound(Sound::Recording(file, found)),
                Err(_) => wrong(false, 404, "There is no such recording: it may be too old to be kept."),
            },
            Route::Style => Answer::asset("text/css; charset=utf-8", page::STYLE),
            Route::Script => Answer::asset("text/javascript; charset=utf-8", page::SCRIPT),
            Route::Icon => Answer::asset("image/svg+xml", page::ICON),
            Route::Metrics => {
                let counted = site.counters.as_ref().map(|counters| counters.read());
                Answer::metrics(&metrics::text(&site.snapshot.borrow(), counted.as_ref()))
            }
        }
        .into()
    }

    /// Does what a button asks.
    fn act(&self, wish: &Wish) -> Result<(), (u16, String)> {
        match wish {
            Wish::Teach(id, taught) => {
                let ms = |key| {
                    let ms = self.sent(key).map(str::parse).transpose();
                    ms.map_err(|_| (400, format!("{key} is milliseconds since the call began.")))
                };
                let moment = teach::Moment { at: ms("at")?, until: ms("until")? };
                teach::teach(self.site, *id, *taught, &moment)
            }
            wish => self.site.ask(Order::Call(wish.clone())).map(drop),
        }
    }

    /// Where the button was.
    fn back(&self, wish: &Wish) -> String {
        match wish {
            Wish::Teach(id, _) if self.sent("at").is_some() => format!("/calls/{}", id.0),
            _ => "/".into(),
        }
    }

    fn home(&self, status: u16, wrong: Option<&str>) -> Answer {
        let form = self.who.form().unwrap_or_default();
        let snapshot = self.site.snapshot.borrow().clone();
        let wanted = setup::is_wanted(self.site, &snapshot);
        Answer::page(
            status,
            home::page(self.site, &snapshot, (form, clock::wall()), (wrong, &self.body), wanted),
        )
    }

    fn live(&self, id: CallId) -> Reply {
        // A HEAD would begin what nobody hears.
        if *self.request.method() == Method::Head {
            return Answer::text(405, "Sound is asked for by GET.").into();
        }
        if let Err((status, why)) = self.site.ask(Order::Call(Wish::ListenIn(id))) {
            return Answer::problem(status, &why).into();
        }
        match self.site.studio.listen(id) {
            Some(listening) => Reply::Sound(Sound::Live(listening, id, self.site.requests.clone())),
            None => {
                let _ = self.site.ask(Order::Call(Wish::ListenEnd(id)));
                Answer::problem(503, TOO_MANY).into()
            }
        }
    }

    fn history(&self, form: &str) -> Answer {
        let asked = history::Asked {
            before: self.before(),
            wanted: self.asked("number").unwrap_or_default().trim(),
            outcome: self.asked("outcome").unwrap_or_default(),
        };
        history::page(self.site, &asked, form)
    }

    fn call(&self, id: CallId, form: &str) -> Answer {
        let Some(store) = &self.site.store else {
            return Answer::page(503, page::notice(form, "No history", NO_STORE));
        };
        match store.get(id) {
            Ok(Some(record)) => {
                let recordings = self.site.studio.archive.of(id);
                // Without its name it is as well a call.
                let names = history::Names::known(self.site).ok();
                let name = names.as_ref().and_then(|names| names.of(&record.number));
                Answer::page(200, call_page::page((&record, name), &recordings, clock::wall(), form))
            }
            Ok(None) => {
                wrong(false, 404, "There is no call with this number. The history lists all there are.")
            }
            Err(error) => {
                Answer::page(503, page::notice(form, "This call cannot be shown", &error.to_string()))
            }
        }
    }
}

fn wrong(is_api: bool, status: u16, words: &str) -> Answer {
    if is_api { Answer::problem(status, words) } else { Answer::page(status, page::error(status, words)) }
}
