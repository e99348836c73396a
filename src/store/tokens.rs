//! Tokens of programs that may use the interface. What is kept of a token gives nobody the token.

use super::form::{decode, encode};
use super::{Error, SETTINGS, Store};
use crate::units::Wall;
use redb::ReadableDatabase;
use serde::{Deserialize, Serialize};

/// Keys of tokens among the settings begin with this, and end before [`AFTER`].
const PREFIX: &str = "token.";
const AFTER: &str = "token/";

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppToken {
    /// Names it; unique, and its key here.
    pub id: String,
    /// What the owner calls it.
    pub name: String,
    /// What it may do, by the names that the page has for it.
    pub scopes: Vec<String>,
    /// SHA-256 of the token, which has 128 random bits and so needs no slow hash.
    pub hash: [u8; 32],
    /// When it was made.
    pub made: Wall,
}

impl Store {
    /// Every token. One that cannot be understood is left out, and so opens nothing.
    ///
    /// # Errors
    /// The disk fails.
    pub fn tokens(&self) -> Result<Vec<AppToken>, Error> {
        self.shared.read(|database| {
            let settings = database.begin_read()?.open_table(SETTINGS)?;
            let mut found = Vec::new();
            for entry in settings.range(PREFIX..AFTER)? {
                found.extend(decode::<AppToken>(entry?.1.value()));
            }
            Ok(found)
        })
    }

    /// Keeps a token. Waits for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full.
    pub fn put_token(&self, token: &AppToken) -> Result<(), Error> {
        let bytes = encode(token)?;
        self.set_setting(&format!("{PREFIX}{}", token.id), &bytes)
    }

    /// Forgets a token. Waits for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full.
    pub fn remove_token(&self, id: &str) -> Result<(), Error> {
        self.remove_setting(&format!("{PREFIX}{id}"))
    }
}
