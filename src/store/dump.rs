//! All that the database holds, to be carried elsewhere in one piece, and a database made of that.

use super::place::Place;
use super::{Error, RECORDS, SETTINGS, Store, lore, migrate, writer};
use core::time::Duration;
use redb::{ReadableDatabase, ReadableTable, TableError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Settings that are of no use elsewhere: browsers that were logged in.
const OF_THIS_RUN: &[&str] = &["page.logins"];

/// Everything, by table, key and value as they lie in the database.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// The schema number of the version that wrote it.
    pub schema: u64,
    /// Calls.
    pub records: Vec<(u64, Vec<u8>)>,
    /// Settings, flows, planned calls, phones, tokens.
    pub settings: Vec<(String, Vec<u8>)>,
    /// What is known of each company's sounds.
    pub lore: Vec<(String, Vec<u8>)>,
}

impl Dump {
    /// Whether this version understands all of it.
    ///
    /// # Errors
    /// A later version wrote it, or it is not what it should be.
    pub fn check(&self) -> Result<(), Error> {
        if self.schema > migrate::SCHEMA {
            return Err(Error::Newer { found: self.schema, known: migrate::SCHEMA });
        }
        match self.records.iter().find(|(_, bytes)| writer::decode(bytes).is_none()) {
            Some((id, _)) => Err(Error::Record(*id)),
            None => Ok(()),
        }
    }

    /// Makes a new database of it in the folder `dir`, where there is none.
    ///
    /// # Errors
    /// As [`Dump::check`], or the disk fails or is full.
    pub fn write(&self, dir: &Path) -> Result<(), Error> {
        self.check()?;
        let (database, _) = Place::in_dir(dir).open()?;
        let writing = database.begin_write()?;
        {
            let mut records = writing.open_table(RECORDS)?;
            for (id, value) in &self.records {
                records.insert(id, value.as_slice())?;
            }
            let mut settings = writing.open_table(SETTINGS)?;
            for (key, value) in &self.settings {
                settings.insert(key.as_str(), value.as_slice())?;
            }
            let mut known = writing.open_table(lore::LORE)?;
            for (key, value) in &self.lore {
                known.insert(key.as_str(), value.as_slice())?;
            }
        }
        writing.commit()?;
        Ok(())
    }
}

impl Store {
    /// All that the database holds, as of one moment. Waits for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails.
    pub fn dump(&self) -> Result<Dump, Error> {
        self.flush(Duration::from_secs(5));
        self.shared.read(|database| {
            let reading = database.begin_read()?;
            let records = reading.open_table(RECORDS)?;
            let records = records.iter()?.map(|entry| {
                let (id, value) = entry?;
                Ok((id.value(), value.value().to_vec()))
            });
            let all = |table: redb::TableDefinition<'static, &'static str, &'static [u8]>| match reading
                .open_table(table)
            {
                Ok(table) => table
                    .iter()?
                    .map(|entry| {
                        let (key, value) = entry?;
                        Ok((key.value().to_owned(), value.value().to_vec()))
                    })
                    .collect::<Result<Vec<_>, Error>>(),
                Err(TableError::TableDoesNotExist(_)) => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            };
            let mut settings = all(SETTINGS)?;
            settings.retain(|(key, _)| !OF_THIS_RUN.contains(&key.as_str()));
            Ok(Dump {
                schema: migrate::SCHEMA,
                records: records.collect::<Result<Vec<_>, Error>>()?,
                settings,
                lore: all(lore::LORE)?,
            })
        })
    }
}
