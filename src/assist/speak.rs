//! Text spoken by another machine: OpenAI's `audio/speech`.

use super::Service;
use crate::limits::HTTP_SOUND_BYTES;
use crate::net::http::{Client, Failure, Post};
use serde_json::json;

/// The text as a WAV file.
///
/// # Errors
/// No good answer.
pub fn speak(client: &Client, service: &Service, voice: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let body = json!({"model": service.model, "input": text, "voice": voice, "response_format": "wav"}).to_string();
    let key = service.authorization();
    let mut fields = vec![("Content-Type", "application/json")];
    fields.extend(key.as_deref().map(|key| ("Authorization", key)));
    let url = service.url.join("audio/speech");
    client.post(&Post { url: &url, fields: &fields, body: body.as_bytes(), limit: service.limit, most: HTTP_SOUND_BYTES })
}
