//! Over HTTP: a webhook takes the message as JSON, ntfy as text with its title and urgency beside it.

use super::message::Message;
use crate::limits::HTTP_ANSWER_BYTES;
use crate::net::http::{Client, Failure, Post, Url};
use crate::tables::Secret;
use core::fmt::Write;
use core::time::Duration;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// One try takes no longer.
const LIMIT: Duration = Duration::from_secs(10);

/// JSON by POST. With a key `X-Signature-256` is `sha256=` and the hexadecimal HMAC-SHA256 of the body; the time in the body
/// makes an old message known.
///
/// # Errors
/// It was not taken.
pub fn post(client: &Client, url: &Url, key: Option<&Secret>, message: &Message) -> Result<(), Failure> {
    // Strings and numbers: this does not fail.
    let body = serde_json::to_vec(message).unwrap_or_default();
    let signature = key.map(|key| signature(key.expose().as_bytes(), &body));
    let mut fields = vec![("Content-Type", "application/json")];
    fields.extend(signature.as_deref().map(|signature| ("X-Signature-256", signature)));
    send(client, url, &fields, &body)
}

/// A message of a topic, <https://docs.ntfy.sh/publish/>.
///
/// # Errors
/// It was not taken.
pub fn ntfy(client: &Client, url: &Url, key: Option<&Secret>, message: &Message) -> Result<(), Failure> {
    let key = key.map(|key| format!("Bearer {}", key.expose()));
    let mut fields = vec![
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Title", message.title),
        ("Priority", if message.urgent { "urgent" } else { "default" }),
        ("Tags", if message.urgent { "telephone_receiver" } else { "hourglass" }),
    ];
    fields.extend(key.as_deref().map(|key| ("Authorization", key)));
    send(client, url, &fields, message.text.as_bytes())
}

fn send(client: &Client, url: &Url, fields: &[(&str, &str)], body: &[u8]) -> Result<(), Failure> {
    client.post(&Post { url, fields, body, limit: LIMIT, most: HTTP_ANSWER_BYTES }).map(drop)
}

fn signature(key: &[u8], body: &[u8]) -> String {
    let mut text = "sha256=".to_owned();
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            // Text takes everything.
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        let told = signature(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(told, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
