//! Text spoken by another machine: OpenAI's `audio/speech`, as other servers of voices have it, too.

use super::Service;
use crate::limits::HTTP_SOUND_BYTES;
use crate::net::http::{Client, Failure, Post};
use crate::speech::Elsewhere;
use serde_json::json;

/// The machine as a voice, which goes by this name there.
///
/// # Errors
/// In words: there is no client.
pub fn voice(service: Service, voice: String) -> Result<Elsewhere, String> {
    let client = Client::new(None)?;
    let name = format!("{}\n{}\n{voice}", service.url.host(), service.model);
    let ask = move |text: &str| speak(&client, &service, &voice, text).map_err(|failure| failure.words);
    Ok(Elsewhere::new(name, ask))
}

/// The text as a WAV file.
///
/// # Errors
/// No good answer. Whether what came is sound is not looked at.
pub fn speak(client: &Client, service: &Service, voice: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let body = json!({"model": service.model, "input": text, "voice": voice, "response_format": "wav"});
    let body = body.to_string();
    let key = service.authorization();
    let mut fields = vec![("Content-Type", "application/json")];
    fields.extend(key.as_deref().map(|key| ("Authorization", key)));
    let url = service.url.join("audio/speech");
    let limit = service.limit;
    client.post(&Post { url: &url, fields: &fields, body: body.as_bytes(), limit, most: HTTP_SOUND_BYTES })
}
