//! Claiming the page: whoever has the box before him may choose its password.
//!
//! A box without a password prints a code at each start, and the page is for whoever brings it. Later a press of the
//! button for ten seconds opens the claim for ten minutes to the first who asks, and a press that lasts from the start of
//! the box on takes the old password away as well; where there is no button, `hold-slayer ctl claim` prints another code
//! for ten minutes. Nothing else of the box changes.

use super::answer::Answer;
use super::login::{Password, same};
use super::{PASSWORD_SETTING, Site, login};
use crate::clock;
use crate::units::Instant;
use core::time::Duration;
use serde::Serialize;
use std::sync::{Arc, PoisonError};

/// How long a claim is open.
const OPEN: Duration = Duration::from_secs(600);
/// Shortest password, as in the configuration.
pub(super) const SHORTEST: usize = 8;
const FIXED: &str =
    "The password stands in hold-slayer.toml, as password under [web]: change it there and restart the box.";

/// A finger on the button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When it had been there for long enough.
    pub at: Instant,
    /// It had been there since the start of the box: the old password is no longer one.
    pub forget: bool,
}

/// A code that was printed where only the owner sees it.
pub(super) struct Code {
    pub(super) plain: String,
    /// `None`: until somebody has the page.
    pub(super) until: Option<Instant>,
}

/// What the page asks of somebody who is not logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The code that was printed, and a password: nobody has the page yet.
    Unclaimed,
    /// The password.
    Password,
    /// The password, or a new one: the button was pressed.
    Pressed,
}

/// Another code, for who has lost the password.
#[derive(Serialize)]
struct Fresh {
    code: String,
    seconds: u64,
}

impl Site {
    /// The claim by the button that is open at this moment.
    fn claim(&self) -> Option<Claim> {
        let claim = (*self.claims.borrow()).filter(|claim| clock::now().since(claim.at) < OPEN)?;
        (self.doors().claimed != Some(claim.at)).then_some(claim)
    }

    /// How the page is entered at this moment.
    pub(super) fn entry(&self) -> Entry {
        match (self.claim(), self.password()) {
            (Some(_), _) => Entry::Pressed,
            (None, None) => Entry::Unclaimed,
            (None, Some(_)) => Entry::Password,
        }
    }

    fn password(&self) -> Option<Arc<Password>> {
        self.password.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another password, and keeps it.
    pub(super) fn set_password(&self, plain: &str) -> Result<(), (u16, String)> {
        if self.password_is_fixed {
            return Err((409, FIXED.into()));
        }
        if plain.chars().count() < SHORTEST {
            return Err((400, format!("Choose a password of at least {SHORTEST} characters.")));
        }
        let password = Password::from_plain(plain)
            .ok_or((500, "The system gives no random numbers. Restart the box.".to_owned()))?;
        if let Some(store) = &self.store
            && let Err(error) = store.set_setting(PASSWORD_SETTING, password.hash().as_bytes())
        {
            tracing::warn!(%error, "the page's new password is valid until the next start only");
        }
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(password));
        Ok(())
    }

    /// The finger at power-on took the old password away, for good; one of the configuration is there again after the claim.
    fn has_forgotten(&self) -> bool {
        let last = *self.claims.borrow();
        let open = self.claim().is_some();
        let claimed = self.doors().claimed;
        last.is_some_and(|press| {
            press.forget && claimed != Some(press.at) && (open || !self.password_is_fixed)
        })
    }

    /// Whether this is the password, which takes a while to find out.
    pub(super) fn knows(&self, plain: &str) -> bool {
        !self.has_forgotten() && self.password().is_some_and(|password| password.is(plain))
    }

    /// Whether this is the code that was printed.
    fn knows_code(&self, plain: &str) -> bool {
        let plain: String = plain.chars().filter(char::is_ascii_alphanumeric).collect();
        let doors = self.doors();
        doors.code.as_ref().is_some_and(|code| {
            let open = code.until.is_none_or(|until| clock::now() < until);
            open && same(&code.plain.replace('-', ""), &plain.to_ascii_lowercase())
        })
    }

    /// Takes the password of whoever claims the page with the button or a code. `Err`: why not; 403 is a wrong code.
    pub(super) fn claim_with(&self, code: &str, plain: &str) -> Result<(), (u16, String)> {
        let press = self.claim();
        if self.password_is_fixed {
            return Err((409, FIXED.into()));
        }
        if press.is_none() && !self.knows_code(code) {
            let words = match self.password() {
                None => {
                    "This is not the code. The box prints it where it is started, until somebody has the page."
                }
                Some(_) => {
                    "This is not the code, or it is too old. Run `hold-slayer ctl claim` on the box for another, or hold \
                     its button for ten seconds."
                }
            };
            return Err((403, words.into()));
        }
        // One at a time: the second of two finds the code gone or the press used.
        let _turn = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        if press != self.claim() || press.is_none() && !self.knows_code(code) {
            return Err((403, "Somebody was faster. Hold the button again for ten seconds.".into()));
        }
        self.set_password(plain)?;
        let mut doors = self.doors();
        // Whatever the button has opened is over with this, whoever claimed.
        doors.claimed = self.claims.borrow().map(|press| press.at).or(doors.claimed);
        doors.code = None;
        doors.logins.clear();
        tracing::info!(
            by = if press.is_some() { "the button" } else { "a code" },
            "the page was claimed: it has a new password"
        );
        Ok(())
    }

    /// Another code, for somebody on the box.
    pub(super) fn fresh_code(&self) -> Answer {
        if self.password_is_fixed {
            return Answer::problem(409, FIXED);
        }
        let Ok(code) = login::claim_code() else {
            return Answer::problem(500, "The system gives no random numbers. Restart the box.");
        };
        // Who has not claimed the page yet has no hurry.
        let until = self.password().map(|_| clock::now() + OPEN);
        self.doors().code = Some(Code { plain: code.clone(), until });
        tracing::info!("somebody on the box asked for a code that claims the page");
        Answer::json(200, &Fresh { code, seconds: OPEN.as_secs() })
    }
}
