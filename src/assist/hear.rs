//! Speech recognised by another machine: OpenAI's `audio/transcriptions`, as Whisper servers have it, too.

use super::Service;
use crate::limits::HTTP_ANSWER_BYTES;
use crate::listen::words::{Language, Said};
use crate::net::http::{Client, Failure, Post, form};
use hound::{SampleFormat, WavSpec, WavWriter};
use serde::Deserialize;
use std::io::Cursor;

/// Samples in a second.
const RATE: u32 = 8_000;
/// The part of an answer that is read.
#[derive(Deserialize)]
struct Heard {
    text: String,
}

/// What is said in this sound, 8 kHz; nothing where nothing was.
///
/// # Errors
/// No good answer.
pub fn hear(
    client: &Client,
    service: &Service,
    samples: &[i16],
    language: Language,
) -> Result<Option<Said>, Failure> {
    let said_of = [("model", &*service.model), ("language", language.code()), ("response_format", "json")];
    let (kind, body) = form(&said_of, "speech.wav", "audio/wav", &wav(samples));
    let key = service.authorization();
    let mut fields = vec![("Content-Type", kind.as_str())];
    fields.extend(key.as_deref().map(|key| ("Authorization", key)));
    let url = service.url.join("audio/transcriptions");
    let answer = client.post(&Post {
        url: &url,
        fields: &fields,
        body: &body,
        limit: service.limit,
        most: HTTP_ANSWER_BYTES,
    })?;
    let heard: Heard = serde_json::from_slice(&answer).map_err(|_| Failure {
        words: format!("{url} does not answer as a recogniser of speech should"),
        passes: false,
        status: None,
    })?;
    Ok(Said::elsewhere(&heard.text, samples.len() as f32 / RATE as f32))
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let form =
        WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    // Memory takes everything.
    let written = WavWriter::new(&mut file, form).and_then(|mut writer| {
        samples.iter().try_for_each(|sample| writer.write_sample(*sample))?;
        writer.finalize()
    });
    debug_assert!(written.is_ok());
    file.into_inner()
}
