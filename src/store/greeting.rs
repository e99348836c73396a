//! The greeting that the owner has spoken himself, µ-law as it is played.

use super::form::{decode, encode};
use super::queue::Shelf;
use super::{Error, Store};

const KEY: &str = "greeting";

impl Store {
    /// The greeting, if there is one.
    ///
    /// # Errors
    /// The disk fails.
    pub fn greeting(&self) -> Result<Option<Vec<u8>>, Error> {
        let bytes = match self.shared.queue.value(Shelf::Settings, KEY) {
            Some(waiting) => waiting,
            None => self.setting(KEY)?,
        };
        Ok(bytes.and_then(|bytes| decode(&bytes)))
    }

    /// Keeps it, or forgets it. Never waits for the disk.
    ///
    /// # Errors
    /// The disk has failed for so long that nothing more is taken.
    pub fn put_greeting(&self, sound: Option<&[u8]>) -> Result<(), Error> {
        let bytes = sound.map(|sound| encode(&sound.to_vec())).transpose()?;
        self.shared.queue.put_value(Shelf::Settings, KEY, bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use core::time::Duration;

    #[test]
    fn it_outlives_a_restart_and_can_be_forgotten() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-greeting-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(store.greeting().unwrap(), None);
        store.put_greeting(Some(&[7; 16_000])).unwrap();
        assert_eq!(store.greeting().unwrap().unwrap().len(), 16_000);
        assert!(store.stop(Duration::from_secs(20)));
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(store.greeting().unwrap(), Some(vec![7; 16_000]));
        store.put_greeting(None).unwrap();
        assert_eq!(store.greeting().unwrap(), None);
        assert!(store.stop(Duration::from_secs(20)));
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(store.greeting().unwrap(), None);
        assert!(store.stop(Duration::from_secs(20)));
        let _ = std::fs::remove_dir_all(&dir);
    }
}
