//! Who asks, and whether he may ask this at this moment.

use super::super::access::{Scope, Who};
use super::super::answer::Answer;
use super::super::route::Route;
use super::super::{Site, form, head};
use crate::clock;
use core::time::Duration;
use std::sync::PoisonError;

impl Site {
    /// Who asks: a program by its token, else a browser by its cookie.
    pub(super) fn who(&self, authorization: Option<&str>, cookie: Option<&str>, agent: &str) -> Who {
        if let Some(given) = authorization {
            let token = given.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
            return token.map_or(Who::Nobody, |(_, token)| self.app(token.trim()));
        }
        let form = cookie.and_then(|cookie| self.doors().logins.form_token(clock::now(), cookie, agent));
        form.map_or(Who::Nobody, |form| Who::Owner { form })
    }

    /// Whether who says that he is this may do what needs this scope.
    pub(in crate::web) fn may_upload(&self, keys: &head::Keys, scope: Scope) -> bool {
        let cookie = keys.cookie.as_deref().and_then(|cookies| form::cookie(cookies, &self.cookie));
        let agent = keys.agent.as_deref().unwrap_or_default();
        self.who(keys.authorization.as_deref(), cookie.as_deref(), agent).may(scope)
    }

    /// Whether this may be asked by who asks, and now.
    pub(super) fn admits(&self, who: &Who, route: &Route) -> Result<(), Answer> {
        // Only who is at the box itself gets a code, and he gets nothing that is for a browser.
        match (who, route) {
            (Who::Console, Route::Api(_) | Route::ClaimCode) => return Ok(()),
            (Who::Console, _) => return Err(Answer::problem(403, "The box's own socket is for /api/v1.")),
            (_, Route::ClaimCode) => {
                return Err(Answer::problem(403, "Run `hold-slayer ctl claim` on the box."));
            }
            _ => {}
        }
        if let Who::App { .. } = who {
            let scope = match route {
                Route::Api(asked) => asked.operation.scope,
                Route::Mcp => Some(Scope::Read),
                Route::Metrics => None,
                _ => return Err(Answer::problem(403, "A token is for /api/v1 and /mcp, not for the page.")),
            };
            if let Some(scope) = scope.filter(|scope| !who.may(*scope)) {
                let words = format!(
                    "This token has not the scope {}: make one that has under Settings, Access of programs.",
                    scope.name()
                );
                return Err(Answer::problem(403, &words));
            }
        }
        // A browser asks as often as its owner clicks.
        if !matches!(who, Who::App { .. }) {
            return Ok(());
        }
        let asked = self.rates.lock().unwrap_or_else(PoisonError::into_inner).ask(clock::now(), who.key());
        asked.map_err(|wait| too_often(wait, "Too many requests."))
    }

    /// Counts a call that a program places.
    pub(in crate::web) fn count_call(&self, who: &str) -> Result<(), (u16, String)> {
        let asked = self.calls.lock().unwrap_or_else(PoisonError::into_inner).ask(clock::now(), who);
        asked.map_err(|wait| (429, format!("Too many calls. Try again in {} s.", wait.as_secs() + 1)))
    }
}

fn too_often(wait: Duration, words: &str) -> Answer {
    let seconds = wait.as_secs() + 1;
    Answer::problem(429, &format!("{words} Try again in {seconds} s."))
        .with("Retry-After", seconds.to_string())
}
