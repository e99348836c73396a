//! Claiming the page: whoever has the box before him may choose its password.
//!
//! A box without a password prints a code at each start, and the page is for whoever brings it. Later a press of the
//! button for ten seconds opens the claim for ten minutes to the first who asks, and a press that lasts from the start of
//! power-on on takes the old password away as well; where there is no button, `hold-slayer ctl claim` prints another code
//! for ten minutes. Nothing else of the box changes.
//!
//! What is chosen so counts instead of the `password` of the file, until the file has another one: whoever wrote that came
//! later. Which one of the file it has replaced is kept as a hash beside it.

use super::answer::Answer;
use super::login::{Password, same};
use super::{Error, Site, login};
use crate::clock;
use crate::store::Store;
use crate::units::Instant;
use core::time::Duration;
use serde::Serialize;
use std::sync::{Arc, PoisonError};
use tokio::sync::watch;

/// The setting that holds the password's hash, and in a second line that of the file's password that it has replaced. An empty
/// first line: that one is forgotten, and nobody has chosen another.
const SETTING: &str = "page.password";

/// How long a claim is open.
const OPEN: Duration = Duration::from_secs(600);
/// Shortest password, as in the configuration.
pub(super) const SHORTEST: usize = 8;

/// A finger on the button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When it had been there for long enough.
    pub at: Instant,
    /// It had been there since power came on: the old password is no longer one.
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

/// The password at the start, and the hash of the file's, which is `configured`. Without one nobody has the page.
pub(super) fn find(
    configured: Option<&str>,
    store: Option<&Store>,
) -> Result<(Option<Password>, Option<String>), Error> {
    let kept = store.map(|store| store.setting(SETTING)).transpose().unwrap_or_else(|error| {
        tracing::error!(%error, "the page's password cannot be read");
        None
    });
    let kept = kept.flatten().unwrap_or_default();
    let kept = String::from_utf8(kept).unwrap_or_default();
    let (own, replaced) = kept.split_once('\n').unwrap_or((&kept, ""));
    let own = Password::from_hash(own.to_owned());
    let Some(plain) = configured else { return Ok((own, None)) };
    let file = Password::from_plain(plain).ok_or(Error::Password)?;
    let of_file = Some(file.hash().to_owned());
    match Password::from_hash(replaced.to_owned()) {
        Some(replaced) if replaced.is(plain) => Ok((own, of_file)),
        Some(_) => {
            // It must not come back if the file's first one does.
            if let Some(Err(error)) = store.map(|store| store.remove_setting(SETTING)) {
                tracing::warn!(%error, "the page's former password cannot be deleted");
            }
            Ok((Some(file), of_file))
        }
        None => Ok((Some(file), of_file)),
    }
}

/// Obeys the button at once, whether or not somebody opens the page.
pub(super) async fn obey(site: Arc<Site>, mut stop: watch::Receiver<bool>) {
    let mut claims = site.claims.clone();
    loop {
        tokio::select! {
            pressed = claims.changed() => if pressed.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let site = Arc::clone(&site);
        // It waits for the disk.
        let _ = tokio::task::spawn_blocking(move || site.forget()).await;
    }
}

impl Site {
    /// The claim by the button that is open at this moment.
    fn claim(&self) -> Option<Claim> {
        let claim = (*self.claims.borrow()).filter(|claim| clock::now().since(claim.at) < OPEN)?;
        (self.doors().claimed != Some(claim.at)).then_some(claim)
    }

    /// How the page is entered at this moment.
    pub(super) fn entry(&self) -> Entry {
        self.forget();
        match (self.claim(), self.password()) {
            (Some(_), _) => Entry::Pressed,
            (None, None) => Entry::Unclaimed,
            (None, Some(_)) => Entry::Password,
        }
    }

    fn password(&self) -> Option<Arc<Password>> {
        self.password.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is the file's that counts.
    pub(super) fn password_is_of_file(&self) -> bool {
        let password = self.password();
        password.is_some_and(|password| self.of_file.as_deref() == Some(password.hash()))
    }

    /// Takes another password, and keeps it.
    pub(super) fn set_password(&self, plain: &str) -> Result<(), (u16, String)> {
        if plain.chars().count() < SHORTEST {
            return Err((400, format!("Choose a password of at least {SHORTEST} characters.")));
        }
        let password = Password::from_plain(plain)
            .ok_or((500, "The system gives no random numbers. Restart the box.".to_owned()))?;
        self.keep(Some(password));
        Ok(())
    }

    /// From now on this is the password, also after a restart.
    fn keep(&self, password: Option<Password>) {
        let own = password.as_ref().map_or("", Password::hash);
        let kept = self.of_file.as_ref().map_or(own.to_owned(), |file| format!("{own}\n{file}"));
        let written = self.store.as_ref().map(|store| match kept.as_str() {
            "" => store.remove_setting(SETTING),
            kept => store.set_setting(SETTING, kept.as_bytes()),
        });
        if let Some(Err(error)) = written {
            tracing::warn!(%error, "the page's new password is valid until the next start only");
        }
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = password.map(Arc::new);
    }

    /// A finger at power-on takes the old password away, for good, with every login and program's token. Once a press.
    fn forget(&self) {
        let Some(press) = (*self.claims.borrow()).filter(|press| press.forget) else { return };
        // Whoever comes meanwhile waits until it is gone.
        let _turn = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        if self.doors().forgotten.replace(press.at) == Some(press.at) {
            return;
        }
        // The password first: whoever gives it at this moment finds that it is none any more, or is logged out.
        self.keep(None);
        let mut doors = self.doors();
        doors.logins.clear();
        doors.one_use_token = None;
        drop(doors);
        self.remove_tokens();
        tracing::info!("the button was held while power came on: the page's password is forgotten");
    }

    /// The password, if this is it, which takes a while to find out.
    pub(super) fn knows(&self, plain: &str) -> Option<Arc<Password>> {
        self.forget();
        self.password().filter(|password| password.is(plain))
    }

    /// Whether this is still the password.
    pub(super) fn is_still(&self, password: &Arc<Password>) -> bool {
        self.password().is_some_and(|now| Arc::ptr_eq(&now, password))
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
        self.forget();
        let press = self.claim();
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
