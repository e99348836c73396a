//! The way in and out: the password, the code, the link that is good once, and the cookie.

use super::super::answer::Answer;
use super::super::language::{COOKIE, Language};
use super::super::route::find;
use super::super::{Site, form, head, login, page};
use super::{Visit, wrong};
use crate::clock;
use core::time::Duration;
use tiny_http::{Method, Request};

/// A field of the head.
pub(in crate::web) fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers()
        .iter()
        .find(|h| h.field.as_str().as_str().eq_ignore_ascii_case(name))
        .map(|h| h.value.as_str())
}

/// In which a page is read.
pub(super) fn language(request: &Request) -> Language {
    let chosen = field(request, "cookie").and_then(|cookies| form::cookie(cookies, COOKIE));
    Language::of(chosen.as_deref(), field(request, "accept-language"))
}

impl Visit<'_> {
    /// The gate has brought what was sent to the disk.
    pub(super) fn is_on_disk(&self) -> bool {
        field(self.request, head::ON_DISK).is_some()
    }

    pub(super) fn login_page(&mut self) -> Answer {
        if self.who.form().is_some() {
            return Answer::see("/".into());
        }
        if let Some(token) = self.asked("token") {
            let mut doors = self.site.doors();
            if doors.one_use_token.as_deref().is_some_and(|right| login::same(right, token)) {
                doors.one_use_token = None;
                drop(doors);
                return self.admit();
            }
            return self.login_again(403, "This link has been used already. Log in with the password.");
        }
        Answer::page(200, page::login(None, self.site.entry()))
    }

    fn login_again(&self, status: u16, words: &str) -> Answer {
        Answer::page(status, page::login(Some(words), self.site.entry()))
    }

    /// Who guesses waits.
    fn must_wait(&self) -> Option<Answer> {
        let wait = self.site.doors().back_off.wait(clock::now(), self.from);
        let seconds = wait.as_secs() + 1;
        (wait > Duration::ZERO).then(|| {
            let words = format!("Too many wrong passwords. Try again in {seconds} s.");
            self.login_again(429, &words).with("Retry-After", seconds.to_string())
        })
    }

    pub(super) fn login(&mut self) -> Answer {
        if let Some(wait) = self.must_wait() {
            return wait;
        }
        if let Some(password) = self.sent("password").and_then(|plain| self.site.knows(plain.trim())) {
            self.site.doors().back_off.right(self.from);
            return self.admit_if(|site| site.is_still(&password));
        }
        self.site.doors().back_off.wrong(clock::now(), self.from);
        tracing::warn!(from = %self.from, "a wrong password was given to the page");
        self.login_again(403, "This is not the password. It is the one that was chosen on this page, or stands in hold-slayer.toml.")
    }

    pub(super) fn claim(&mut self) -> Answer {
        if let Some(wait) = self.must_wait() {
            return wait;
        }
        let sent = |name| self.sent(name).unwrap_or_default().trim();
        match self.site.claim_with(sent("code"), sent("password")) {
            Ok(()) => {
                self.site.doors().back_off.right(self.from);
                self.admit()
            }
            Err((status, why)) => {
                if status == 403 {
                    self.site.doors().back_off.wrong(clock::now(), self.from);
                    tracing::warn!(from = %self.from, "a wrong code was given to the page");
                }
                self.login_again(status, &why)
            }
        }
    }

    /// A new login has a new cookie, whatever cookie came: none can be planted beforehand.
    fn admit(&self) -> Answer {
        self.admit_if(|_| true)
    }

    /// The same if this still holds at the moment at which it counts.
    fn admit_if(&self, holds: impl Fn(&Site) -> bool) -> Answer {
        let (Ok(cookie), Ok(form)) = (login::token(), login::token()) else {
            return wrong(false, 500, "The system gives no random numbers. Restart the box.");
        };
        let agent = field(self.request, "user-agent").unwrap_or_default();
        let mut doors = self.site.doors();
        if !holds(self.site) {
            drop(doors);
            return self.login_again(403, "This link has been used already. Log in with the password.");
        }
        doors.logins.add(clock::now(), &cookie, form, (agent, self.from));
        drop(doors);
        let name = &self.site.cookie;
        let field = format!(
            "{name}={cookie}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict{}",
            self.site.secure
        );
        Answer::see("/".into()).with("Set-Cookie", field)
    }

    /// Keeps the language for this browser, and goes back to where it was chosen.
    pub(super) fn choose_language(&self) -> Answer {
        let Some(language) = self.sent("language").and_then(Language::by_code) else {
            return wrong(false, 400, "Choose one of the buttons.");
        };
        let field = format!(
            "{COOKIE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict{}",
            language.code(),
            self.site.secure
        );
        Answer::see(self.came_from()).with("Set-Cookie", field)
    }

    /// The page of ours that the form was on, if it can be read again.
    fn came_from(&self) -> String {
        let host = field(self.request, "host").unwrap_or_default();
        let referer = field(self.request, "referer").and_then(|referer| referer.split_once("://"));
        let path = referer.and_then(|(_, rest)| rest.strip_prefix(host)).filter(|path| path.starts_with('/'));
        let can_be_read = |path: &&str| {
            let found = find(&Method::Get, path.split('?').next().unwrap_or_default());
            found.is_ok_and(|route| !route.is_api())
        };
        path.filter(can_be_read).unwrap_or("/").to_owned()
    }

    pub(super) fn logout(&self) -> Answer {
        if let Some(cookie) = &self.cookie {
            self.site.doors().logins.remove(cookie);
        }
        let field = format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", self.site.cookie);
        Answer::see("/login".into()).with("Set-Cookie", field)
    }
}
