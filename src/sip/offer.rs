//! Offer and answer, RFC 3264, for one audio stream.

use super::sdp::{self, Audio, Direction, EVENT_TYPE};
use super::{LocalMedia, Session};
use crate::units::Codec;

pub use super::sdp::NoMatch;

/// Our offer: every codec of ours in order, telephone-events, both ways. `id` stays through the dialog and `version`
/// grows by one when the description changes, RFC 3264 §8.
pub fn offer(local: &LocalMedia, id: u64, version: u64) -> String {
    let codecs: Vec<(Codec, u8)> =
        local.codecs.iter().map(|&codec| (codec, sdp::static_type(codec))).collect();
    let audio = sdp::audio(local.addr.port(), &codecs, Some(EVENT_TYPE), Direction::SendRecv);
    sdp::head(local, id, version) + &audio
}

/// Our answer to an offer, and what the two settle. One codec is answered, ours by preference: with one there is no
/// doubt about what comes. Every other stream is refused.
///
/// # Errors
/// [`NoMatch`]: answer 488.
pub fn answer(offer: &[u8], local: &LocalMedia, id: u64, version: u64) -> Result<(String, Session), NoMatch> {
    let (description, audio) = sdp::read(offer)?;
    let find = |codec| audio.codecs.iter().copied().find(|(offered, _)| *offered == codec);
    let chosen = local.codecs.iter().find_map(|&codec| find(codec)).ok_or(NoMatch::NoCodec)?;
    let session = settle(&audio, chosen);
    // RFC 3264 §6.1: we answer what the offerer's direction leaves us, and nothing of our own.
    let direction = Direction::of(session.send, session.receive);
    let mut text = sdp::head(local, id, version);
    for (line, media) in description.medias.iter().enumerate() {
        text.push_str(&if line == audio.line {
            sdp::audio(local.addr.port(), &[chosen], audio.event_type, direction)
        } else {
            sdp::refused(media)
        });
    }
    Ok((text, session))
}

/// What an answer to our offer settles: its first codec that is ours counts.
///
/// # Errors
/// [`NoMatch`]: the leg cannot go on.
pub fn read_answer(answer: &[u8], local: &LocalMedia) -> Result<Session, NoMatch> {
    let (_, audio) = sdp::read(answer)?;
    let ours = |(codec, _): &&(Codec, u8)| local.codecs.contains(codec);
    let chosen = audio.codecs.iter().find(ours).ok_or(NoMatch::NoCodec)?;
    Ok(settle(&audio, *chosen))
}

fn settle(audio: &Audio, (codec, payload_type): (Codec, u8)) -> Session {
    // RFC 3264 §8.4: 0.0.0.0 is how RFC 2543 puts a peer on hold.
    let held = audio.remote.ip().is_unspecified();
    Session {
        remote: audio.remote,
        codec,
        payload_type,
        event_type: audio.event_type,
        send: audio.direction.receives() && !held,
        receive: audio.direction.sends(),
    }
}
