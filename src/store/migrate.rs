//! The schema number, and the way from each schema to the next.

use super::Error;
use redb::{Database, ReadableDatabase, TableDefinition};

/// The schema that this version writes.
pub(super) const SCHEMA: u64 = 1;

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
const KEY: &str = "schema";

/// Brings the database to `schema`. Writes nothing if it is there already, so that a full disk is no hindrance.
///
/// # Errors
/// [`Error::Newer`] if a later version wrote it; else what the disk says.
pub(super) fn migrate(database: &Database, schema: u64) -> Result<(), Error> {
    match found(database)? {
        Some(found) if found == schema => Ok(()),
        Some(found) if found > schema => Err(Error::Newer { found, known: schema }),
        // Schema 0 is an empty file: there is nothing to carry over.
        Some(_) | None => begin(database, schema),
    }
}

/// The schema of the database; `None` of an empty one.
pub(super) fn found(database: &Database) -> Result<Option<u64>, Error> {
    let reading = database.begin_read()?;
    match reading.open_table(META) {
        Ok(meta) => Ok(meta.get(KEY)?.map(|n| n.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes every table, so that no reader meets a missing one.
fn begin(database: &Database, schema: u64) -> Result<(), Error> {
    let writing = database.begin_write()?;
    writing.open_table(super::RECORDS)?;
    writing.open_table(super::SETTINGS)?;
    writing.open_table(META)?.insert(KEY, schema)?;
    writing.commit()?;
    Ok(())
}

#[cfg(test)]
pub(super) fn set_schema(database: &Database, schema: u64) -> Result<(), Error> {
    let writing = database.begin_write()?;
    writing.open_table(META)?.insert(KEY, schema)?;
    writing.commit()?;
    Ok(())
}
