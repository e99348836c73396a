//! Set-up, step by step. Each step is done when the box sees that it is: it can be left at any time, and goes on where it
//! was. The forms are those of the settings.

use super::answer::Answer;
use super::page::{Place, alert, frame, token};
use super::settings::{self, Act, COUNTRIES};
use super::{Site, words};
use crate::call::{PeerView, Snapshot};
use crate::config;
use maud::{Markup, html};
use serde_json::{Map, Value};

/// Kept in the store, with what the owner has said to be done.
const TOLD: &str = "setup.told";

/// What the owner has confirmed, which the box cannot see.
#[derive(Clone, Copy, Default)]
struct Told {
    /// His provider knows the address for emergency calls.
    address: bool,
    /// He has had enough of it.
    done: bool,
}

impl Told {
    fn read(site: &Site) -> Self {
        let kept =
            site.store.as_ref().and_then(|store| store.setting(TOLD).ok().flatten()).unwrap_or_default();
        Self { address: kept.contains(&b'a'), done: kept.contains(&b'd') }
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

/// Whether the start page should point here: something that calls need is missing, and the owner has not put it off.
pub(super) fn is_wanted(site: &Site, snapshot: &Snapshot) -> bool {
    (snapshot.trunks.is_empty() || snapshot.phones.is_empty()) && !Told::read(site).done
}

/// The page, with what went wrong.
pub(super) fn page(site: &Site, form: &str, wrong: Option<&str>, status: u16) -> Answer {
    let told = Told::read(site);
    let snapshot = site.snapshot.borrow().clone();
    let written = site.settings.written().unwrap_or_default();
    let country = written.get("line").and_then(|line| line["country"].as_str());
    let line_up = snapshot.trunks.iter().any(|trunk| trunk.up);
    let phone_up = snapshot.phones.iter().any(|phone| phone.up);
    let called = site
        .store
        .as_ref()
        .and_then(|store| store.history(None, 1).ok())
        .is_some_and(|calls| !calls.is_empty());
    let content = html! {
        h1 { "Set-up" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        p.muted.lead { "Each step says by itself when it is done. You can leave and come back." }
        (settings::restart(&site.settings, form))
        ol.setup {
            (step("Your own password", true, &password(form, site.password_is_fixed)))
            (step("Country", country.is_some(), &self::country(country, form)))
            (step("Line", line_up, &line(&snapshot.trunks, &written, form)))
            (step("Phone", phone_up, &phone(&snapshot.phones)))
            (step("Help in an emergency", told.address, &address(&site.house.emergency, form)))
            (step("A test call", called, &test(line_up && phone_up, form)))
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
                @for code in COUNTRIES { option value=(code) selected[now.unwrap_or("us") == *code] translate="no" { (code) } }
            }
            button.primary { "Keep it" }
        }
    }
}

fn line(trunks: &[PeerView], written: &Map<String, Value>, form: &str) -> Markup {
    let first = written.get("trunk").map(|trunks| trunks[0].clone()).unwrap_or_default();
    let at = first.is_object().then_some(0);
    let value = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
    html! {
        @for trunk in trunks {
            p { span class=(if trunk.up { "state up" } else { "state down" }) { @if trunk.up { "Ready" } @else { "Not ready" } }
                " " b translate="no" { (trunk.name) } " " (words::capital(&trunk.status)) "." }
        }
        @if trunks.iter().any(|trunk| !trunk.up) {
            form method="post" action="/trunks/again" { (token(form)) button { "Test now" } }
        }
        p { "What your telephone provider gave you for an “IP telephone” or “SIP account”." }
        form method="post" action="/setup/line" {
            (token(form))
            input type="hidden" name="section" value="trunk";
            @if let Some(at) = at { input type="hidden" name="at" value=(at); }
            input type="hidden" name="set-name" value=(if at.is_some() { value("name") } else { "home".into() });
            label for="preset" { "Provider" }
            select #preset name="set-preset" {
                option value="" { "another" }
                @for preset in config::presets() { option value=(preset) selected[value("preset") == preset] translate="no" { (preset) } }
            }
            label for="server" { "Server (registrar); may stay empty for a provider of the list" }
            input #server type="text" name="set-server" value=(value("server")) autocomplete="off" autocapitalize="off" spellcheck="false";
            label for="user" { "User" }
            input #user type="text" name="set-user" value=(value("user")) autocomplete="off" autocapitalize="off" spellcheck="false" required;
            label for="secret" { "Password" }
            input #secret type="password" name="set-secret" autocomplete="new-password" placeholder=(if at.is_some() { "kept as it is" } else { "" });
            button.primary { "Keep it and register" }
        }
    }
}

fn phone(phones: &[PeerView]) -> Markup {
    html! {
        @for phone in phones {
            p { span class=(if phone.up { "state up" } else { "state down" }) { @if phone.up { "Ready" } @else { "Not ready" } }
                " " b translate="no" { (phone.name) } " " (words::capital(&phone.status)) "." }
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
        Ok(()) => again(form),
        Err((status, why)) => page(site, form, Some(&why), status),
    }
}

/// What the owner says to be done.
pub(super) fn told(site: &Site, fields: &[(String, String)], form: &str) -> Answer {
    let letter = fields.iter().find(|(key, _)| key == "told").map_or("", |(_, value)| value.as_str());
    let (letter, to) = match letter {
        "a" => (b'a', "/setup"),
        "d" => (b'd', "/"),
        _ => return page(site, form, Some("Choose one of the buttons."), 400),
    };
    match Told::keep(site, letter) {
        Ok(()) => Answer::see(to.into()),
        Err((status, why)) => page(site, form, Some(&why), status),
    }
}

/// A password of the owner's own. Every other browser is logged out.
pub(super) fn choose(site: &Site, fields: &[(String, String)], form: &str, cookie: Option<&str>) -> Answer {
    let plain = fields.iter().find(|(key, _)| key == "password").map_or("", |(_, value)| value.trim());
    if let Err((status, why)) = site.set_password(plain) {
        return page(site, form, Some(&why), status);
    }
    site.doors().logins.keep_only(cookie.unwrap_or_default());
    tracing::info!("the owner chose another password of the page");
    Answer::see("/setup".into())
}

/// While the box starts anew; works without script.
pub(super) fn again(form: &str) -> Answer {
    let content = html! {
        section.card role="status" {
            h1 { "Saved" }
            p { "The box starts anew with it as soon as no call is up. This page looks again in a few seconds." }
            p { a href="/setup" { "Look now" } }
        }
    };
    Answer::page(200, frame("Saved", Place::Settings, Some(form), &content))
        .with("Refresh", "4; url=/setup".into())
}
