//! Who may do what: the owner on the page everything, a program what its token says.

use super::Site;
use super::login::{same_bytes, token};
use crate::call::Door;
use crate::clock;
use crate::limits::WEB_TOKENS;
use crate::store::AppToken;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::{MutexGuard, PoisonError};

/// What tokens begin with, so that a leaked one is known for what it is.
const PREFIX: &str = "hs_";

/// What a token can be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// See calls, history, devices, events.
    Read,
    /// Place, hold, take, end and put through calls, send keys.
    Calls,
    /// Hear recordings.
    Recordings,
    /// Pair phones, see and change settings.
    Settings,
    /// Make and restore backups, which hold every secret of the box.
    Backup,
}

impl Scope {
    pub(super) const ALL: [Self; 5] =
        [Self::Read, Self::Calls, Self::Recordings, Self::Settings, Self::Backup];

    /// As tokens and the interface call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Calls => "calls",
            Self::Recordings => "recordings",
            Self::Settings => "settings",
            Self::Backup => "backup",
        }
    }

    /// For the page.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Read => "see calls, history, statistics, phones and events",
            Self::Calls => "place, hold, take, end and transfer calls, and send keys",
            Self::Recordings => "hear recordings",
            Self::Settings => "pair phones, see and change settings",
            Self::Backup => "make and restore backups, which hold every secret of the box",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// Somebody without a login, or with a token that is none.
    Nobody,
    /// A browser that is logged in, with the token of its forms.
    Owner { form: String },
    /// Somebody on the box itself, who may open its socket.
    Console,
    /// A program.
    App { id: String, scopes: Vec<String> },
}

impl Who {
    /// Whether it may do what needs this scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Nobody => false,
            Self::Owner { .. } | Self::Console => true,
            Self::App { scopes, .. } => scopes.iter().any(|own| own == scope.name()),
        }
    }

    /// The token of the browser's forms.
    pub(super) fn form(&self) -> Option<&str> {
        match self {
            Self::Owner { form } => Some(form),
            _ => None,
        }
    }

    /// By which way it asks for something of a call.
    pub(super) const fn door(&self) -> Door {
        match self {
            Self::Console => Door::Console,
            Self::App { .. } => Door::Program,
            Self::Nobody | Self::Owner { .. } => Door::Page,
        }
    }

    /// By which its requests are counted.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Nobody => "",
            Self::Console => "console",
            Self::Owner { form } => form,
            Self::App { id, .. } => id,
        }
    }
}

/// A token that opens everything for as long as this process runs: the demo's.
pub(super) fn of_this_run(plain: &str) -> AppToken {
    AppToken {
        id: "this-run".into(),
        name: "this run".into(),
        scopes: Scope::ALL.map(|scope| scope.name().to_owned()).into(),
        hash: hash(plain),
        made: clock::wall(),
    }
}

fn hash(plain: &str) -> [u8; 32] {
    Sha256::digest(plain.as_bytes()).into()
}

impl Site {
    pub(super) fn tokens(&self) -> MutexGuard<'_, Vec<AppToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token this is.
    pub(super) fn app(&self, plain: &str) -> Who {
        let hash = hash(plain);
        // Every one is compared, so that the time tells nothing.
        let mut found = Who::Nobody;
        for token in self.tokens().iter() {
            if same_bytes(&token.hash, &hash) {
                found = Who::App { id: token.id.clone(), scopes: token.scopes.clone() };
            }
        }
        found
    }

    /// Makes a token; returned in plain once.
    pub(super) fn make_token(&self, name: &str, scopes: &[Scope]) -> Result<String, (u16, String)> {
        let name = name.trim();
        if !(1..=32).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err((400, "Give the token a name of 1 to 32 characters: what it is for.".into()));
        }
        if scopes.is_empty() {
            return Err((400, "Choose what the token may do.".into()));
        }
        let store = self.store()?;
        let random =
            || token().map_err(|_| (500, "The system gives no random numbers. Restart the box.".to_owned()));
        let (plain, id) = (format!("{PREFIX}{}", random()?), random()?);
        let made = AppToken {
            id,
            name: name.into(),
            scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            hash: hash(&plain),
            made: clock::wall(),
        };
        let mut tokens = self.tokens();
        if tokens.len() >= WEB_TOKENS {
            return Err((
                409,
                format!("There are {WEB_TOKENS} tokens, which is the most: take one away first."),
            ));
        }
        store.put_token(&made).map_err(|error| (503, error.to_string()))?;
        tokens.push(made);
        tracing::info!(name, "a token was made for a program");
        Ok(plain)
    }

    /// Logs the browser of this name out, or all but the one with this cookie (`others`).
    pub(super) fn end_login(&self, id: &str, cookie: &str) -> Result<(), (u16, String)> {
        let mut doors = self.doors();
        let done = match id {
            "others" => {
                doors.logins.keep_only(cookie);
                true
            }
            id => doors.logins.end(id),
        };
        drop(doors);
        if !done {
            return Err((404, "This browser is not logged in any more.".into()));
        }
        tracing::info!("the owner logged browsers out");
        Ok(())
    }

    /// Takes every token away: whoever made them has the box no more.
    pub(super) fn remove_tokens(&self) {
        for token in core::mem::take(&mut *self.tokens()) {
            if let Some(Err(error)) = self.store.as_ref().map(|store| store.remove_token(&token.id)) {
                tracing::warn!(%error, "a token that was taken away is valid again after the next start");
            }
        }
    }

    /// Takes a token away: it opens nothing from now on.
    pub(super) fn remove_token(&self, id: &str) -> Result<(), (u16, String)> {
        let store = self.store()?;
        let mut tokens = self.tokens();
        let at = tokens.iter().position(|token| token.id == id);
        let at = at.ok_or((404, "There is no such token.".to_owned()))?;
        store.remove_token(id).map_err(|error| (503, error.to_string()))?;
        let gone = tokens.remove(at);
        tracing::info!(name = gone.name, "a token was taken away");
        Ok(())
    }
}
