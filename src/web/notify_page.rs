//! Where the owner is told what happens, and a button to try each place out.

use super::Site;
use super::answer::Answer;
use super::page::{Place, alert, frame, token};
use maud::html;

/// The page, with what came of trying one out.
pub(super) fn page(site: &Site, form: &str, told: Option<&str>, status: u16) -> Answer {
    let targets = site.elsewhere.notices.list();
    let content = html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Notifications" }
        @if let Some(told) = told { (alert(told)) }
        @if targets.is_empty() {
            section.card { p { "There are none. Under Settings, Notifications, you add a webhook, an ntfy topic, an e-mail address or an MQTT broker." } }
        }
        @for (target, trouble) in &targets {
            section.card {
                h2 translate="no" { (target.name) }
                p { "At " (target.host()) ". Told are: " (target.events.join(", ")) "." }
                @if let Some(trouble) = trouble { (alert(trouble)) }
                form method="post" action="/notifications" {
                    (token(form))
                    button name="test" value=(target.name) aria-label={ "Send a test to " (target.name) } { "Send a test" }
                }
            }
        }
    };
    Answer::page(status, frame("Notifications", Place::Settings, Some(form), &content))
}

/// Tries one out.
pub(super) fn test(site: &Site, name: &str, form: &str) -> Answer {
    match site.elsewhere.notices.try_out(name) {
        Ok(()) => page(site, form, Some(&format!("{name} has taken the test message.")), 200),
        Err(why) => page(site, form, Some(&format!("The test message was not taken. {why}")), 502),
    }
}
