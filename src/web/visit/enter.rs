//! The way in and out: the password, the code, the link that is good once, and the cookie.

use super::super::answer::Answer;
use super::super::{login, page};
use super::{Visit, wrong};
use crate::clock;
use core::time::Duration;

impl Visit<'_> {
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
        let right = self.sent("password").is_some_and(|plain| self.site.knows(plain.trim()));
        if right {
            self.site.doors().back_off.right(self.from);
            return self.admit();
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
        let (Ok(cookie), Ok(form)) = (login::token(), login::token()) else {
            return wrong(false, 500, "The system gives no random numbers. Restart the box.");
        };
        self.site.doors().logins.add(clock::now(), &cookie, form);
        let name = &self.site.cookie;
        let field = format!(
            "{name}={cookie}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict{}",
            self.site.secure
        );
        Answer::see("/".into()).with("Set-Cookie", field)
    }

    pub(super) fn logout(&self) -> Answer {
        if let Some(cookie) = &self.cookie {
            self.site.doors().logins.remove(cookie);
        }
        let field = format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", self.site.cookie);
        Answer::see("/login".into()).with("Set-Cookie", field)
    }
}
