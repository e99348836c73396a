//! The page of tokens: which programs may use the box, and for what.

use super::Site;
use super::access::Scope;
use super::answer::Answer;
use super::page::{Place, alert, frame, token};
use super::words;
use crate::store::AppToken;
use maud::{Markup, html};

/// The page, with what went wrong.
pub(super) fn page(site: &Site, form: &str, wrong: Option<&str>, status: u16) -> Answer {
    let content = content(&site.tokens(), form, wrong, None);
    Answer::page(status, frame("Access", Place::Settings, Some(form), &content))
}

/// Makes the token that the form asks for, and shows it once.
pub(super) fn make(site: &Site, fields: &[(String, String)], form: &str) -> Answer {
    let name = fields.iter().find(|(key, _)| key == "name").map_or("", |(_, value)| value.as_str());
    let chosen = |scope: &Scope| fields.iter().any(|(key, value)| key == "scope" && value == scope.name());
    let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(chosen).collect();
    match site.make_token(name, &scopes) {
        Ok(plain) => {
            let content = content(&site.tokens(), form, None, Some(&plain));
            Answer::page(200, frame("Access", Place::Settings, Some(form), &content))
        }
        Err((status, why)) => page(site, form, Some(&why), status),
    }
}

fn content(tokens: &[AppToken], form: &str, wrong: Option<&str>, made: Option<&str>) -> Markup {
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
                input #name type="text" name="name" maxlength="32" autocomplete="off" placeholder="home automation" required;
                fieldset {
                    legend { "It may" }
                    @for scope in Scope::ALL {
                        label.choice {
                            input type="checkbox" name="scope" value=(scope.name()) checked[scope == Scope::Read];
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
