//! The page of who may use the box: browsers that are logged in, and programs, each with what it may do.

use super::Site;
use super::access::Scope;
use super::answer::Answer;
use super::login::Login;
use super::page::{Place, alert, frame, token};
use super::words;
use crate::clock;
use crate::store::AppToken;
use crate::units::Wall;
use core::time::Duration;
use maud::{Markup, html};

/// The browser that the page is for.
pub(super) struct Own<'a> {
    /// The token of its forms.
    pub(super) form: &'a str,
    pub(super) cookie: &'a str,
}

/// The page, with what went wrong.
pub(super) fn page(site: &Site, own: &Own<'_>, wrong: Option<&str>, status: u16) -> Answer {
    whole(site, own, (wrong, None), &[], status)
}

/// `typed`: what was refused.
fn whole(
    site: &Site,
    own: &Own<'_>,
    (wrong, made): (Option<&str>, Option<&str>),
    typed: &[(String, String)],
    status: u16,
) -> Answer {
    let logins = site.doors().logins.all(clock::now(), own.cookie);
    let content = content(&site.tokens(), &logins, own.form, (wrong, made), typed);
    Answer::page(status, frame("Access", Place::Settings, Some(own.form), &content))
}

/// Makes the token that the form asks for, and shows it once.
pub(super) fn make(site: &Site, fields: &[(String, String)], own: &Own<'_>) -> Answer {
    let name = fields.iter().find(|(key, _)| key == "name").map_or("", |(_, value)| value.as_str());
    let chosen = |scope: &Scope| fields.iter().any(|(key, value)| key == "scope" && value == scope.name());
    let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(chosen).collect();
    match site.make_token(name, &scopes) {
        Ok(plain) => whole(site, own, (None, Some(&plain)), &[], 200),
        Err((status, why)) => whole(site, own, (Some(&why), None), fields, status),
    }
}

fn content(
    tokens: &[AppToken],
    logins: &[(Login, bool)],
    form: &str,
    (wrong, made): (Option<&str>, Option<&str>),
    typed: &[(String, String)],
) -> Markup {
    let name = typed.iter().find(|(key, _)| key == "name").map(|(_, value)| value.as_str());
    let chosen = |scope: Scope| match typed {
        [] => scope == Scope::Read,
        typed => typed.iter().any(|(key, value)| key == "scope" && value == scope.name()),
    };
    html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Access" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        @if let Some(made) = made {
            section.card role="status" {
                h2 { "The new token" }
                p { code.token { (made) } }
                p.muted { "It is shown only now. Send it as " code { "Authorization: Bearer …" } "." }
            }
        }
        section.card.peers {
            h2 { "Browsers" }
            p.muted.lead { "These are logged in. A login ends after a week in which nobody uses it, after 30 days, and when its cookie turns up in another kind of browser." }
            ul { @for (login, own) in logins { (browser(login, *own, form)) } }
            @if logins.len() > 1 {
                form method="post" action="/access/logout" {
                    (token(form))
                    button.danger name="id" value="others" { "Log out all others" }
                }
            }
        }
        section.card.peers {
            h2 { "Programs" }
            @if tokens.is_empty() { p.muted { "No program may use the box." } }
            ul {
                @for token in tokens { (row(token, form)) }
            }
        }
        section.card {
            h2 { "Make a token" }
            p.muted.lead { "For a program or an assistant: each has its own, and may do only what you choose." }
            form method="post" action="/access" {
                (token(form))
                label for="name" { "What it is for" }
                input #name type="text" name="name" value=[name] maxlength="32" autocomplete="off" placeholder="home automation" required;
                fieldset {
                    legend { "It may" }
                    @for scope in Scope::ALL {
                        label.choice {
                            input type="checkbox" name="scope" value=(scope.name()) checked[chosen(scope)];
                            (scope.says())
                        }
                    }
                }
                button.primary { "Make" }
            }
            p.muted { "The interface is described in " a href="/api/v1/openapi.json" translate="no" { "openapi.json" }
                "; events come from " code { "/api/v1/events/stream" } ", assistants (MCP) talk to " code { "/mcp" } "." }
        }
    }
}

fn row(of: &AppToken, form: &str) -> Markup {
    html! {
        li {
            b translate="no" { (of.name) }
            span.muted { "may " (of.scopes.join(", ")) ". Made on " (words::day(of.made)) }
            form method="post" action="/access/remove" {
                (token(form))
                input type="hidden" name="id" value=(of.id);
                button.danger aria-label={ "Take away " (of.name) } { "Take away" }
            }
        }
    }
}

fn browser(login: &Login, own: bool, form: &str) -> Markup {
    let now = clock::wall();
    let ago = |age: Duration| Wall(now.0.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)));
    let (since, used) = login.ages(clock::now());
    let (since, used, name) = (ago(since), ago(used), name(&login.agent));
    html! {
        li {
            b translate="no" { (name) }
            @if own { span class="state up" { "This one" } }
            span.muted { "from " (login.source) ", logged in on " (words::day(since)) " at " (words::time(since))
                "; last seen on " (words::day(used)) " at " (words::time(used)) }
            @if !own {
                form method="post" action="/access/logout" {
                    (token(form))
                    input type="hidden" name="id" value=(login.id());
                    button.danger aria-label={ "Log out " (name) } { "Log out" }
                }
            }
        }
    }
}

/// What people call a browser, and what it runs on; else the begin of what it calls itself.
fn name(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 9] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("HeadlessChrome", "Chrome"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Macintosh", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        _ if agent.is_empty() => "?".into(),
        _ => agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_what_people_call_them() {
        let cases = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36",
                "Chrome, Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Mobile Safari/604.1",
                "Safari, iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36 Edg/142.0",
                "Edge, Windows",
            ),
            ("curl/8.14.1", "curl/8.14.1"),
            ("", "?"),
        ];
        for (agent, expected) in cases {
            assert_eq!(name(agent), expected, "{agent}");
        }
    }
}
