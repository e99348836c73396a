//! Set-up, step by step. Each step is done when the box sees that it is: it can be left at any time, and goes on where it
//! was. The forms are those of the settings.

use super::answer::Answer;
use super::page::{Place, alert, frame, notice, token};
use super::settings::{self, Act, COUNTRIES};
use super::{Order, Site, words};
use crate::call::{PeerView, Record, Request, Snapshot};
use crate::config;
use crate::store::HISTORY_PAGE;
use maud::{Markup, html};
use serde_json::{Map, Value};

const FIXED: &str =
    "The password stands in hold-slayer.toml, as password under [web]: change it there and restart the box.";

/// Kept in the store, with what the owner has said to be done.
const TOLD: &str = "setup.told";

/// What the owner has confirmed, which the box cannot see.
#[derive(Clone, Copy, Default)]
struct Told {
    /// His provider knows the address for emergency calls.
    address: bool,
    /// He has had enough of it.
    done: bool,
    /// He has begun here: who writes the file by hand is not led through it.
    begun: bool,
}

impl Told {
    fn read(site: &Site) -> Self {
        let kept =
            site.store.as_ref().and_then(|store| store.setting(TOLD).ok().flatten()).unwrap_or_default();
        Self { address: kept.contains(&b'a'), done: kept.contains(&b'd'), begun: kept.contains(&b'b') }
    }

    fn keep(site: &Site, letter: u8) -> Result<(), (u16, String)> {
        let store = site.store()?;
        let mut kept = store.setting(TOLD).ok().flatten().unwrap_or_default();
        if !kept.contains(&letter) {
            kept.push(letter);
        }
        store.set_setting(TOLD, &kept).map_err(|error| (503, error.to_string()))
    }
}

/// Whether the start page should point here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    No,
    /// Something that calls need is missing.
    Begin,
    /// It was begun, and there is more to do.
    GoOn,
}

/// Whether it should: not if the owner has put it off.
pub(super) fn is_wanted(site: &Site, snapshot: &Snapshot) -> Wanted {
    let told = Told::read(site);
    match snapshot.trunks.is_empty() || snapshot.phones.is_empty() {
        _ if told.done => Wanted::No,
        true => Wanted::Begin,
        false if !told.begun => Wanted::No,
        false if !Steps::look(site, snapshot, told).all() => Wanted::GoOn,
        false => {
            // Once is enough: a line that is down later, or a history that was deleted, is no set-up.
            drop(Told::keep(site, b'd'));
            Wanted::No
        }
    }
}

/// Which steps are done.
struct Steps {
    country: bool,
    line: bool,
    phone: bool,
    address: bool,
    called: bool,
}

impl Steps {
    fn look(site: &Site, snapshot: &Snapshot, told: Told) -> Self {
        let written = site.settings.written().unwrap_or_default();
        let calls = site.store.as_ref().and_then(|store| store.history(None, HISTORY_PAGE).ok());
        let through = |call: &Record| call.outgoing && call.answered.is_some();
        Self {
            country: written.get("line").is_some_and(|line| line["country"].is_string()),
            line: snapshot.trunks.iter().any(|trunk| trunk.up),
            phone: snapshot.phones.iter().any(|phone| phone.up),
            address: told.address,
            called: calls.is_some_and(|calls| calls.iter().any(through)),
        }
    }

    const fn all(&self) -> bool {
        self.country && self.line && self.phone && self.address && self.called
    }
}

/// The page; `preset`: the provider that was chosen, if one was.
pub(super) fn page(site: &Site, form: &str, preset: Option<&str>) -> Answer {
    let chosen = preset.map(|preset| vec![("set-preset".to_owned(), preset.to_owned())]);
    whole(site, form, chosen.as_deref().unwrap_or_default(), (None, 200))
}

/// The page with what went wrong; what was typed into the step of the line is in it again.
fn whole(
    site: &Site,
    form: &str,
    typed: &[(String, String)],
    (wrong, status): (Option<&str>, u16),
) -> Answer {
    let snapshot = site.snapshot.borrow().clone();
    let written = site.settings.written().unwrap_or_default();
    let country = written.get("line").and_then(|line| line["country"].as_str());
    let done = Steps::look(site, &snapshot, Told::read(site));
    let content = html! {
        h1 { "Set-up" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        p.muted.lead { "Each step says by itself when it is done. You can leave and come back." }
        (settings::restart(&site.settings, form, "/setup"))
        ol.setup {
            (step("Your own password", true, &password(form, site.password_is_of_file())))
            (step("Country", done.country, &self::country(country, form)))
            (step("Line", done.line && typed.is_empty(), &line(&snapshot.trunks, &written, typed, form)))
            (step("Phone", done.phone, &phone(&snapshot.phones, site.parts.handset.as_deref())))
            (step("Help in an emergency", done.address, &address(&site.house.emergency, form)))
            (step("A test call", done.called, &test(done.line && done.phone, form)))
        }
        form method="post" action="/setup/told" {
            (token(form))
            button name="told" value="d" { "Done: to the start page" }
        }
    };
    Answer::page(status, frame("Set-up", Place::Settings, Some(form), &content))
}

fn step(title: &str, done: bool, content: &Markup) -> Markup {
    html! {
        li.card {
            h2 { (title) " " span class=(if done { "state up" } else { "state down" }) { @if done { "Done" } @else { "To do" } } }
            @if done { details { summary { "Change" } (content) } } @else { (content) }
        }
    }
}

fn password(form: &str, fixed: bool) -> Markup {
    html! {
        @if fixed {
            p { "It stands in hold-slayer.toml: change it under Settings, This page." }
        } @else {
            p { "All other browsers are logged out." }
            form method="post" action="/setup/password" {
                (token(form))
                label for="password" { "New password, at least 8 characters" }
                input #password type="password" name="password" autocomplete="new-password" minlength="8" required;
                button.primary { "Keep this one" }
            }
        }
    }
}

fn country(now: Option<&str>, form: &str) -> Markup {
    html! {
        p { "It chooses the tones and the emergency numbers." }
        form method="post" action="/setup/line" {
            (token(form))
            input type="hidden" name="section" value="line";
            label for="country" { "Country" }
            select #country name="set-country" {
                @for (code, name) in COUNTRIES { option value=(code) selected[now.unwrap_or("us") == *code] { (name) } }
            }
            button.primary { "Keep it" }
        }
    }
}

/// What a provider may have given besides a user and a password, and what it is called.
const FIELDS: [(&str, &str); 6] = [
    ("server", "Server (registrar)"),
    ("user", "User"),
    ("auth_user", "Other user for the password"),
    ("from_user", "User in From"),
    ("domain", "Domain"),
    ("outbound_proxy", "Outbound proxy"),
];
/// Of a provider that the box does not know.
const PLAIN: [&str; 3] = ["server", "user", "secret"];

/// First the provider, then what it asks for and nothing else.
fn line(trunks: &[PeerView], written: &Map<String, Value>, typed: &[(String, String)], form: &str) -> Markup {
    let first = written.get("trunk").map(|trunks| trunks[0].clone()).unwrap_or_default();
    let at = first.is_object().then_some(0);
    let before = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
    let again = |key: &str| typed.iter().find(|(name, _)| name.strip_prefix("set-") == Some(key));
    let preset = again("preset").map_or_else(|| before("preset"), |(_, chosen)| chosen.clone());
    let is_chosen = at.is_some() || again("preset").is_some();
    let moves = preset != before("preset");
    let asks = match config::preset_asks(&preset) {
        asks if asks.is_empty() => PLAIN.map(str::to_owned).into(),
        asks => asks,
    };
    let asked = |key: &str| asks.iter().any(|one| one == key);
    let value = |key: &str| match again(key) {
        Some((_, typed)) => typed.clone(),
        None if moves => String::new(),
        None => before(key),
    };
    html! {
        @for trunk in trunks { (peer(trunk)) }
        @if !trunks.is_empty() {
            form method="post" action="/setup/test" { (token(form)) button { "Test now" } }
        }
        p { "What your telephone provider gave you for an “IP telephone” or “SIP account”." }
        form method="get" action="/setup" {
            label for="preset" { "Provider" }
            select #preset name="preset" {
                option value="" { "another" }
                @for known in config::presets() { option value=(known) selected[preset == known] translate="no" { (known) } }
            }
            button { "Choose" }
        }
        @if is_chosen {
            form method="post" action="/setup/line" {
                (token(form))
                input type="hidden" name="section" value="trunk";
                @if let Some(at) = at { input type="hidden" name="at" value=(at); }
                input type="hidden" name="set-name" value=(if at.is_some() { before("name") } else { "home".into() });
                input type="hidden" name="set-preset" value=(preset);
                @for (key, label) in FIELDS {
                    @if asked(key) {
                        label for=(key) { (label) }
                        input id=(key) type="text" name={ "set-" (key) } value=(value(key)) autocomplete="off" autocapitalize="off" spellcheck="false" required;
                    } @else if moves {
                        // What the provider before had asked for is none of this one's.
                        input type="hidden" name={ "set-" (key) } value="";
                    }
                }
                label for="secret" { "Password" }
                input #secret type="password" name="set-secret" autocomplete="new-password" placeholder=(if at.is_some() { "kept as it is" } else { "" }) required[at.is_none()];
                button.primary { "Keep it and register" }
            }
        }
    }
}

fn peer(of: &PeerView) -> Markup {
    html! {
        p { span class=(if of.up { "state up" } else { "state down" }) { @if of.up { "Ready" } @else { "Not ready" } }
            " " b translate="no" { (of.name) } " " (words::capital(&of.status)) "." }
    }
}

/// How often the page of a test looks again, and after how many seconds.
const LOOKS: u32 = 15;
const LOOK_S: u32 = 2;

/// Lets every line register now, and shows what comes of it.
pub(super) fn try_line(site: &Site) -> Answer {
    // Lines that are ready need no other try: the page says that they are.
    match site.ask(Order::Call(Request::TryTrunks)) {
        Ok(_) | Err((409, _)) => Answer::see("/setup/test?look=1".into()),
        Err((status, why)) => Answer::page(status, notice("", "Set-up", &why)),
    }
}

/// What has come of it so far; looks again by itself, without script.
pub(super) fn tested(site: &Site, form: &str, look: u32) -> Answer {
    let trunks = site.snapshot.borrow().trunks.clone();
    let ready = trunks.iter().all(|trunk| trunk.up);
    let again = !ready && look < LOOKS;
    let content = html! {
        section.card.setup role="status" {
            h1 { "Test of the line" }
            @for trunk in &trunks { (peer(trunk)) }
            @if trunks.is_empty() { p { "No line is set up. Settings has the step for it." } }
            @else if ready { p { "The provider has taken user and password: calls can be made." } }
            @else if again { p { "The box registers now. This page looks again every two seconds." } }
            @else { p { "It is still not ready. Compare what stands above with what your provider gave you, and correct it in the step." } }
            p { a.button href="/setup" { "Back to the set-up" } }
        }
    };
    let page = Answer::page(200, frame("Test of the line", Place::Settings, Some(form), &content));
    match again {
        true => page.with("Refresh", format!("{LOOK_S}; url=/setup/test?look={}", look + 1)),
        false => page,
    }
}

/// `own`: the handset on the box, which has a page that says what it lacks.
fn phone(phones: &[PeerView], own: Option<&str>) -> Markup {
    html! {
        @for phone in phones {
            (peer(phone))
            @if !phone.up && own == Some(phone.name.as_str()) { p { a href="/board" { "What the handset lacks" } } }
        }
        p { "An adapter sets itself up by its MAC address; for any other phone the box says what to type in." }
        p { a.button href="/phones" { "Pair a phone" } }
    }
}

fn address(numbers: &[String], form: &str) -> Markup {
    html! {
        p { "These numbers go straight out, past every rule: " b { (numbers.join(", ")) } "." }
        p { "Who answers them sees the address that your provider has of you. Look on its site that it is the right one; without power or internet the line is dead: keep a mobile phone." }
        form method="post" action="/setup/told" { (token(form)) button.primary name="told" value="a" { "My provider knows my address" } }
    }
}

fn test(ready: bool, form: &str) -> Markup {
    html! {
        @if ready {
            p { "Your phone rings; lift it, and the box calls this number. Your own mobile phone will do." }
            form method="post" action="/calls" {
                (token(form))
                label for="test" { "Number" }
                input #test type="tel" name="number" maxlength="40" autocomplete="off" required;
                button.primary name="mode" value="direct" { "Call it" }
            }
        } @else { p { "First a line and a phone have to be ready." } }
    }
}

/// Writes a step of the line into the file, and starts the box anew with it.
pub(super) fn write(site: &Site, fields: &[(String, String)], form: &str) -> Answer {
    let sent = |key: &str| fields.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let at = sent("at").and_then(|at| at.parse().ok());
    let values = settings::values(fields);
    let section = sent("section").filter(|name| matches!(*name, "line" | "trunk")).unwrap_or_default();
    let done = site.settings.change(section, at, &Act::Write(&values)).and_then(|()| site.restart());
    match done {
        Ok(()) => {
            // Without a database nobody is led on.
            drop(Told::keep(site, b'b'));
            again(site, form, "/setup")
        }
        Err((status, why)) => {
            let typed = if section == "trunk" { fields } else { &[] };
            whole(site, form, typed, (Some(&why), status))
        }
    }
}

/// What the owner says to be done.
pub(super) fn told(site: &Site, fields: &[(String, String)], form: &str) -> Answer {
    let letter = fields.iter().find(|(key, _)| key == "told").map_or("", |(_, value)| value.as_str());
    let (letter, to) = match letter {
        "a" => (b'a', "/setup"),
        "d" => (b'd', "/"),
        _ => return whole(site, form, &[], (Some("Choose one of the buttons."), 400)),
    };
    match Told::keep(site, letter) {
        Ok(()) => Answer::see(to.into()),
        Err((status, why)) => whole(site, form, &[], (Some(&why), status)),
    }
}

/// A password of the owner's own. Every other browser is logged out.
pub(super) fn choose(site: &Site, fields: &[(String, String)], form: &str, cookie: Option<&str>) -> Answer {
    let plain = fields.iter().find(|(key, _)| key == "password").map_or("", |(_, value)| value.trim());
    if site.password_is_of_file() {
        return whole(site, form, &[], (Some(FIXED), 409));
    }
    if let Err((status, why)) = site.set_password(plain) {
        return whole(site, form, &[], (Some(&why), status));
    }
    site.doors().logins.keep_only(cookie.unwrap_or_default());
    tracing::info!("the owner chose another password of the page");
    Answer::see("/setup".into())
}

/// While the box starts anew, and then on to the page `from`, wherever that is then; works without script.
pub(super) fn again(site: &Site, form: &str, from: &str) -> Answer {
    let moved = site.moves();
    let then = moved.clone().unwrap_or_default() + from;
    let content = html! {
        section.card role="status" {
            h1 { "Saved" }
            p { "The box starts anew with it as soon as no call is up. This page looks again in a few seconds." }
            @if let Some(moved) = &moved { p { "Its page is then at " a translate="no" href=(then) { (moved) } "." } }
            p { a href=(then) { "Look now" } }
        }
    };
    Answer::page(200, frame("Saved", Place::Settings, Some(form), &content))
        .with("Refresh", format!("4; url={then}"))
}
