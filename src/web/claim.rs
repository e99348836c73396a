//! Claiming the page: who can put a finger on the box may choose its password.
//!
//! A press of ten seconds opens the claim for ten minutes to the first who asks. A press that lasts from the start of the
//! box on takes the old password away as well. Nothing else of the box changes.

use super::answer::Answer;
use super::login::Password;
use super::{PASSWORD_SETTING, Site, page};
use crate::clock;
use crate::units::Instant;
use core::time::Duration;
use std::sync::{Arc, PoisonError};

/// How long a claim is open.
const OPEN: Duration = Duration::from_secs(600);
/// Shortest password, as in the configuration.
const SHORTEST: usize = 8;

/// A finger on the button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When it had been there for long enough.
    pub at: Instant,
    /// It had been there since the start of the box: the old password is no longer one.
    pub forget: bool,
}

impl Site {
    /// The claim that is open at this moment.
    pub(super) fn claim(&self) -> Option<Claim> {
        let claim = (*self.claims.borrow()).filter(|claim| clock::now().since(claim.at) < OPEN)?;
        (self.doors().claimed != Some(claim.at)).then_some(claim)
    }

    /// Whether this is the password, which takes a while to find out.
    pub(super) fn knows(&self, plain: &str) -> bool {
        let forgotten = self.claim().is_some_and(|claim| claim.forget);
        let password = self.password.lock().unwrap_or_else(PoisonError::into_inner).clone();
        !forgotten && password.is(plain)
    }

    /// Takes the password of whoever claims the page. `Err`: what to answer instead.
    pub(super) fn claim_with(&self, plain: &str) -> Result<(), Answer> {
        let Some(claim) = self.claim() else {
            return Err(Answer::page(
                403,
                page::login(
                    Some(
                        "Nobody has claimed this box in the last ten minutes. Hold its button for ten seconds.",
                    ),
                    false,
                ),
            ));
        };
        let again = |status, words: &str| Answer::page(status, page::login(Some(words), true));
        if self.password_is_fixed {
            return Err(again(
                409,
                "The password stands in hold-slayer.toml, as password under [web]: change it there and restart the box.",
            ));
        }
        if plain.chars().count() < SHORTEST {
            return Err(again(400, "Choose a password of at least 8 characters."));
        }
        let Some(password) = Password::from_plain(plain) else {
            return Err(again(500, "The system gives no random numbers. Restart the box."));
        };
        {
            let mut doors = self.doors();
            if doors.claimed == Some(claim.at) {
                drop(doors);
                return Err(again(403, "Somebody was faster. Hold the button again for ten seconds."));
            }
            doors.claimed = Some(claim.at);
            doors.logins.clear();
        }
        if let Some(store) = &self.store
            && let Err(error) = store.set_setting(PASSWORD_SETTING, password.hash().as_bytes())
        {
            tracing::warn!(%error, "the page's new password is valid until the next start only");
        }
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(password);
        tracing::info!("the page was claimed with the button: it has a new password");
        Ok(())
    }
}
