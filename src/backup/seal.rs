//! The file: what is in it can be read with its password only, and what was changed or cut short is found out.
//!
//! ```text
//! "hold-slayer backup\n" | form: 1 byte | salt: 16 | nonce: 24 | length: 8, big endian | sealed: length | SHA-256 of all before: 32
//! ```
//!
//! Form 1: Argon2id (64 MiB, 3 passes, 1 lane) makes the key, XChaCha20-Poly1305 seals, everything before is authenticated too.

use super::Error;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

const MARK: &[u8] = b"hold-slayer backup\n";
const FORM: u8 = 1;
const SALT: usize = 16;
const NONCE: usize = 24;
const HEAD: usize = MARK.len() + 1 + SALT + NONCE + 8;
const SUM: usize = 32;
/// What the seal adds to its content.
const TAG: usize = 16;

/// What a file takes besides its content.
pub(super) const OVERHEAD: usize = HEAD + TAG + SUM;

fn cipher(password: &str, salt: &[u8]) -> Option<XChaCha20Poly1305> {
    let mut key = [0; 32];
    let costs = Params::new(64 * 1024, 3, 1, Some(key.len())).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, costs);
    argon.hash_password_into(password.as_bytes(), salt, &mut key).ok()?;
    XChaCha20Poly1305::new_from_slice(&key).ok()
}

/// The file of this content.
pub(super) fn seal(content: Vec<u8>, password: &str) -> Result<Vec<u8>, Error> {
    let mut file = Vec::with_capacity(content.len() + OVERHEAD);
    file.extend_from_slice(MARK);
    file.push(FORM);
    let mut chance = [0; SALT + NONCE];
    getrandom::fill(&mut chance).map_err(|_| Error::NoRandomness)?;
    file.extend_from_slice(&chance);
    file.extend_from_slice(&((content.len() + TAG) as u64).to_be_bytes());
    let (salt, nonce) = chance.split_at(SALT);
    let nonce = XNonce::try_from(nonce).map_err(|_| Error::NoRandomness)?;
    let mut sealed = content;
    let cipher = cipher(password, salt).ok_or(Error::NoMemory)?;
    cipher.encrypt_in_place(&nonce, &file, &mut sealed).map_err(|_| Error::TooLarge)?;
    file.append(&mut sealed);
    let sum = Sha256::digest(&file);
    file.extend_from_slice(&sum);
    Ok(file)
}

/// The content of a file.
pub(super) fn open(file: &[u8], password: &str) -> Result<Vec<u8>, Error> {
    let rest = file.strip_prefix(MARK).ok_or(Error::NoBackup)?;
    match rest.first() {
        Some(&FORM) => {}
        Some(_) => return Err(Error::NewerForm),
        None => return Err(Error::CutShort),
    }
    let head = file.get(..HEAD).ok_or(Error::CutShort)?;
    let (salt, rest) = head.get(MARK.len() + 1..).ok_or(Error::CutShort)?.split_at(SALT);
    let (nonce, length) = rest.split_at(NONCE);
    let length = u64::from_be_bytes(length.try_into().map_err(|_| Error::CutShort)?);
    let length = usize::try_from(length).map_err(|_| Error::Damaged)?;
    let end = HEAD.checked_add(length).ok_or(Error::Damaged)?;
    let (body, sum) = (file.get(..end).ok_or(Error::CutShort)?, file.get(end..).ok_or(Error::CutShort)?);
    match sum.len() {
        SUM => {}
        0..SUM => return Err(Error::CutShort),
        _ => return Err(Error::Damaged),
    }
    if Sha256::digest(body).as_slice() != sum {
        return Err(Error::Damaged);
    }
    let nonce = XNonce::try_from(nonce).map_err(|_| Error::Damaged)?;
    let cipher = cipher(password, salt).ok_or(Error::NoMemory)?;
    let mut content = body.get(HEAD..).ok_or(Error::CutShort)?.to_vec();
    cipher.decrypt_in_place(&nonce, head, &mut content).map_err(|_| Error::WrongPassword)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_its_password_and_nothing_else_is() {
        let file = seal(b"what was kept".to_vec(), "correct horse").unwrap();
        assert_eq!(open(&file, "correct horse").unwrap(), b"what was kept");
        assert!(!file.windows(8).any(|window| window == b"was kept"));
        assert!(matches!(open(&file, "correct hors"), Err(Error::WrongPassword)));
        for end in 0..file.len() {
            let expected = if end < MARK.len() { "NoBackup" } else { "CutShort" };
            let told = open(&file[..end], "correct horse").unwrap_err();
            assert_eq!(format!("{told:?}"), expected, "{end}");
        }
        let mut newer = file.clone();
        newer[MARK.len()] = FORM + 1;
        assert!(matches!(open(&newer, "correct horse"), Err(Error::NewerForm)));
        let mut longer = file.clone();
        longer.push(0);
        assert!(matches!(open(&longer, "correct horse"), Err(Error::Damaged)));
        for at in (MARK.len() + 1)..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&changed, "correct horse").is_err(), "{at}");
        }
    }

    #[test]
    fn a_forged_sum_does_not_help_who_changed_something() {
        let mut file = seal(b"what was kept".to_vec(), "correct horse").unwrap();
        file[HEAD + 3] ^= 1;
        let end = file.len() - SUM;
        let sum = Sha256::digest(&file[..end]);
        file[end..].copy_from_slice(&sum);
        assert!(matches!(open(&file, "correct horse"), Err(Error::WrongPassword)));
    }
}
