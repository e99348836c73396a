//! Values as bytes: a version byte, then postcard. A later version that writes another form takes another byte.

use super::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSION: u8 = 1;

pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    postcard::to_extend(value, vec![VERSION]).map_err(|error| Error::Other(error.to_string()))
}

/// The same in another form than the first.
pub(super) fn encode_as(form: u8, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    postcard::to_extend(value, vec![form]).map_err(|error| Error::Other(error.to_string()))
}

/// The value that [`encode_as`] wrote in this form.
pub(super) fn decode_of<T: DeserializeOwned>(form: u8, bytes: &[u8]) -> Option<T> {
    let (first, rest) = bytes.split_first()?;
    (*first == form).then(|| postcard::from_bytes(rest).ok()).flatten()
}

/// The value in `bytes`, if this version knows how they were written.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).ok(),
        _ => None,
    }
}
