//! What the listener knows of each company, from one call to the next.

use super::form::{decode, encode};
use super::queue::Shelf;
use super::{Error, Shared, Store};
use crate::clock;
use crate::listen::lore::Lore;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use std::sync::PoisonError;

pub(super) const LORE: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("lore");
/// Most companies; one more forgets the one that was called longest ago. Each has 24 kB at most.
const COMPANIES: usize = 100;

impl Store {
    /// What is known of a company, by its number in full; nothing if that cannot be read.
    ///
    /// # Errors
    /// The disk fails.
    pub fn lore(&self, company: &str) -> Result<Lore, Error> {
        if let Some(value) = self.shared.queue.value(Shelf::Lore, company) {
            return Ok(value.and_then(|bytes| decode(&bytes)).unwrap_or_default());
        }
        self.shared.read(|database| {
            let Some(table) = table(database)? else { return Ok(Lore::default()) };
            Ok(table.get(company)?.and_then(|bytes| decode(bytes.value())).unwrap_or_default())
        })
    }

    /// Changes what is known of a company, and lets the writer keep it with the next records. Never waits for a write.
    ///
    /// # Errors
    /// The disk fails, or has failed for so long that nothing more is taken.
    pub fn change_lore<T>(&self, company: &str, change: impl FnOnce(&mut Lore) -> T) -> Result<T, Error> {
        // Two calls with one company may end at once, and the owner may teach meanwhile.
        let _alone = self.shared.lore.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lore = self.lore(company)?;
        let result = change(&mut lore);
        let bytes = (!lore.is_empty()).then(|| encode(&lore)).transpose()?;
        self.shared.queue.put_value(Shelf::Lore, company, bytes)?;
        Ok(result)
    }

    /// The companies of which anything is known, by their numbers in full.
    ///
    /// # Errors
    /// The disk fails.
    pub fn companies(&self) -> Result<Vec<String>, Error> {
        self.shared.read(|database| {
            let Some(table) = table(database)? else { return Ok(Vec::new()) };
            table.iter()?.map(|entry| Ok(entry?.0.value().to_owned())).collect()
        })
    }
}

impl Shared {
    /// Forgets the voices that may have been people's of companies that were not called for long.
    pub(super) fn forget_old_doubts(&self) -> Result<(), Error> {
        let _alone = self.lore.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::wall().0;
        let changed = self.read(|database| {
            let Some(table) = table(database)? else { return Ok(Vec::new()) };
            let mut changed = Vec::new();
            for entry in table.iter()? {
                let (company, bytes) = entry?;
                let lore: Option<Lore> = decode(bytes.value());
                let lore = lore.and_then(|mut lore| lore.forget_old_doubts(now).then_some(lore));
                changed.extend(lore.map(|lore| (company.value().to_owned(), lore)));
            }
            Ok(changed)
        })?;
        // What waits to be written was called just now.
        for (company, lore) in changed {
            if self.queue.value(Shelf::Lore, &company).is_none() {
                let bytes = (!lore.is_empty()).then(|| encode(&lore)).transpose()?;
                self.queue.put_value(Shelf::Lore, &company, bytes)?;
            }
        }
        Ok(())
    }
}

/// A database of an earlier version has no such table until something is written.
fn table(database: &Database) -> Result<Option<redb::ReadOnlyTable<&'static str, &'static [u8]>>, Error> {
    match database.begin_read()?.open_table(LORE) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A company has been written: of too many, those that were called longest ago go.
pub(super) fn make_room(table: &mut redb::Table<'_, &str, &[u8]>) -> Result<(), Error> {
    let mut known = Vec::new();
    for entry in table.iter()? {
        let (company, bytes) = entry?;
        let last = decode(bytes.value()).map_or(0, |lore: Lore| lore.last);
        known.push((last, company.value().to_owned()));
    }
    known.sort();
    for (_, company) in known.iter().take(known.len().saturating_sub(COMPANIES)) {
        table.remove(company.as_str())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::listen::lore::{Fresh, Lesson};
    use core::time::Duration;

    fn lesson(seed: u32) -> Lesson {
        let prints = (0..100).map(|n| n * seed).collect();
        Lesson { fresh: vec![Fresh { at_ms: 0, prints, doubted: false }], ..Lesson::default() }
    }

    #[test]
    fn what_was_learnt_outlives_a_restart_for_as_many_companies_as_there_is_room() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-lore-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(store.lore("+1555").unwrap(), Lore::default());
        assert!(store.companies().unwrap().is_empty());
        store.change_lore("+1555", |lore| lore.learn(1, 10, lesson(3))).unwrap();
        assert_eq!(store.lore("+1555").unwrap().calls, 1, "before it is written");
        store.change_lore("+1555", |lore| lore.learn(2, 20, lesson(5))).unwrap();
        let known = store.lore("+1555").unwrap();
        assert_eq!(known.known().count(), 2);
        assert!(store.stop(Duration::from_secs(20)));
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(store.lore("+1555").unwrap(), known);
        for n in 0..COMPANIES as u64 {
            store.change_lore(&format!("+1{n}"), |lore| lore.learn(1, 100 + n, lesson(7))).unwrap();
        }
        assert!(store.flush(Duration::from_secs(20)));
        let companies = store.companies().unwrap();
        assert_eq!((companies.len(), companies.contains(&"+1555".to_string())), (COMPANIES, false));
        let ago = clock::wall().0 - 40 * 86_400_000;
        let mut doubtful = lesson(9);
        doubtful.fresh[0].doubted = true;
        store.change_lore("+11", |lore| lore.learn(3, ago, doubtful)).unwrap();
        assert!(store.flush(Duration::from_secs(20)));
        assert_eq!(store.lore("+11").unwrap().pieces().count(), 2);
        store.shared.forget_old_doubts().unwrap();
        assert_eq!(
            store.lore("+11").unwrap().pieces().count(),
            1,
            "a voice of long ago that may have been a person's"
        );
        store.change_lore("+10", |lore| *lore = Lore::default()).unwrap();
        assert!(store.flush(Duration::from_secs(20)));
        assert_eq!(store.companies().unwrap().len(), COMPANIES - 1, "nothing known is nothing kept");
        store.change_lore("+1555", |lore| lore.learn(1, 10, lesson(3))).unwrap();
        assert_eq!(store.forget(&[]).unwrap(), 0);
        assert!(store.companies().unwrap().is_empty() && store.lore("+1555").unwrap().is_empty());
        assert!(store.stop(Duration::from_secs(20)));
        let _ = std::fs::remove_dir_all(&dir);
    }
}
