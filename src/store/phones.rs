//! Phones that the owner paired on the page. Those of the configuration file are not here.

use super::form::{decode, encode};
use super::{Error, SETTINGS, Store};
use crate::units::Wall;
use redb::ReadableDatabase;
use serde::{Deserialize, Serialize};

/// Keys of paired phones among the settings begin with this, and end before [`AFTER`].
const PREFIX: &str = "phone.";
const AFTER: &str = "phone/";

/// A phone that was paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedPhone {
    /// As the owner calls it; unique.
    pub name: String,
    /// Its SIP user; unique, and its key here.
    pub user: String,
    /// `sip::auth::ha1` of its password, which is kept nowhere.
    pub ha1: String,
    /// The adapter that it is plugged into: the address of its network card, and its socket, 1 or 2.
    pub adapter: Option<([u8; 6], u8)>,
    /// When it was paired.
    pub paired: Wall,
    /// It has registered since.
    pub used: bool,
}

impl Store {
    /// Every paired phone, by its user. One that cannot be understood is left out.
    ///
    /// # Errors
    /// The disk fails.
    pub fn phones(&self) -> Result<Vec<PairedPhone>, Error> {
        self.shared.read(|database| {
            let settings = database.begin_read()?.open_table(SETTINGS)?;
            let mut found = Vec::new();
            for entry in settings.range(PREFIX..AFTER)? {
                found.extend(decode(entry?.1.value()));
            }
            Ok(found)
        })
    }

    /// Keeps a phone, in place of one with the same user. Waits for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full.
    pub fn put_phone(&self, phone: &PairedPhone) -> Result<(), Error> {
        let bytes = encode(phone)?;
        self.set_setting(&format!("{PREFIX}{}", phone.user), &bytes)
    }

    /// Forgets the phone with this user. Waits for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full.
    pub fn remove_phone(&self, user: &str) -> Result<(), Error> {
        self.remove_setting(&format!("{PREFIX}{user}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_paired_phone_outlives_a_restart_until_it_is_taken_away() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-phones-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let phone = |user: &str, used| PairedPhone {
            name: user.to_uppercase(),
            user: user.into(),
            ha1: "0f".repeat(16),
            adapter: Some(([0xC0, 0x74, 0xAD, 1, 2, 3], 2)),
            paired: Wall(7),
            used,
        };
        let (store, _) = Store::open(&dir).unwrap();
        assert!(super::super::is_in_use(&dir), "this process has it");
        store.set_setting("page.password", b"x").unwrap();
        store.put_phone(&phone("hall", false)).unwrap();
        store.put_phone(&phone("attic", false)).unwrap();
        store.put_phone(&phone("hall", true)).unwrap();
        store.set_setting("phone.broken", b"\x09?").unwrap();
        assert!(store.stop(Duration::from_secs(20)));
        assert!(!super::super::is_in_use(&dir));
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(store.phones().unwrap(), [phone("attic", false), phone("hall", true)]);
        store.remove_phone("attic").unwrap();
        store.remove_phone("nobody").unwrap();
        assert_eq!(store.phones().unwrap(), [phone("hall", true)]);
        assert!(store.stop(Duration::from_secs(20)));
        let _ = std::fs::remove_dir_all(&dir);
    }
}
