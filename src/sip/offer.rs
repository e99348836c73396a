//! Offer and answer, RFC 3264, for one audio stream.

use super::crypto::{Protection, Role};
use super::sdp::{self, Audio, Direction, EVENT_TYPE};
use super::{Cause, LocalMedia, Session};
use crate::units::Codec;

pub use super::sdp::NoMatch;

/// Our offer: every codec of ours in order, telephone-events, both ways. `id` stays through the dialog and `version`
/// grows by one when the description changes, RFC 3264 §8.
pub fn offer(local: &LocalMedia, protection: &Protection, id: u64, version: u64) -> String {
    let codecs: Vec<(Codec, u8)> =
        local.codecs.iter().map(|&codec| (codec, sdp::static_type(codec))).collect();
    let (profile, crypto) = protection.offered();
    let secure = (profile, crypto.as_str());
    let audio = sdp::audio(local.addr.port(), secure, &codecs, Some(EVENT_TYPE), Direction::SendRecv);
    sdp::head(local, id, version) + &audio
}

/// Our answer to an offer, and what the two settle. One codec is answered, ours by preference: with one there is no
/// doubt about what comes. Every other stream is refused.
///
/// # Errors
/// [`NoMatch`]: answer 488.
pub fn answer(
    offer: &[u8],
    local: &LocalMedia,
    protection: &Protection,
    id: u64,
    version: u64,
) -> Result<(String, Session), NoMatch> {
    let (description, audio) = sdp::read(offer, protection, Role::Offer)?;
    let find = |codec| audio.codecs.iter().copied().find(|(offered, _)| *offered == codec);
    let chosen = local.codecs.iter().find_map(|&codec| find(codec)).ok_or(NoMatch::NoCodec)?;
    let session = settle(&audio, chosen, audio.mux);
    // RFC 3264 §6.1: we answer what the offerer's direction leaves us, and nothing of our own.
    let direction = Direction::of(session.send, session.receive);
    let crypto = audio.agreed.map(|agreed| agreed.answered()).unwrap_or_default();
    let secure = (audio.profile, crypto.as_str());
    let mut text = sdp::head(local, id, version);
    for (line, media) in description.medias.iter().enumerate() {
        text.push_str(&if line == audio.line {
            // RFC 5761 §5.1.1: agreed to by saying it too.
            let mux = if audio.mux { "a=rtcp-mux\r\n" } else { "" };
            sdp::audio(local.addr.port(), secure, &[chosen], audio.event_type, direction) + mux
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
pub fn read_answer(answer: &[u8], local: &LocalMedia, protection: &Protection) -> Result<Session, NoMatch> {
    let (_, audio) = sdp::read(answer, protection, Role::Answer)?;
    let ours = |(codec, _): &&(Codec, u8)| local.codecs.contains(codec);
    let chosen = audio.codecs.iter().find(ours).ok_or(NoMatch::NoCodec)?;
    // We offer a port for RTCP, so an answer cannot ask for less.
    Ok(settle(&audio, *chosen, false))
}

impl NoMatch {
    /// Why a leg ends for it.
    pub(super) const fn cause(self) -> Cause {
        match self {
            Self::Clear | Self::NoKey => Cause::Unencrypted,
            _ => Cause::NotAcceptable,
        }
    }

    /// What is told to a person at the other end, RFC 3261 §20.43, where a description alone does not show it.
    pub(super) fn warning(self) -> Vec<(&'static str, &'static str)> {
        let text = match self {
            Self::Encrypted => "399 box \"SRTP is off here\"",
            Self::Clear => "399 box \"SRTP is required here\"",
            Self::NoKey => "399 box \"none of the crypto attributes can be used here\"",
            _ => return Vec::new(),
        };
        vec![("Warning", text)]
    }
}

fn settle(audio: &Audio, (codec, payload_type): (Codec, u8), mux: bool) -> Session {
    // RFC 3264 §8.4: 0.0.0.0 is how RFC 2543 puts a peer on hold.
    let held = audio.remote.ip().is_unspecified();
    Session {
        remote: audio.remote,
        codec,
        payload_type,
        event_type: audio.event_type,
        rtcp: if mux { Some(audio.remote) } else { audio.rtcp },
        send: audio.direction.receives() && !held,
        receive: audio.direction.sends(),
        keys: audio.agreed.map(|agreed| agreed.keys),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::crypto::Srtp;
    use super::*;

    fn offer(local: &LocalMedia, id: u64, version: u64) -> String {
        super::offer(local, &Protection::default(), id, version)
    }

    fn answer(offer: &[u8], local: &LocalMedia, id: u64, version: u64) -> Result<(String, Session), NoMatch> {
        super::answer(offer, local, &Protection::default(), id, version)
    }

    fn read_answer(answer: &[u8], local: &LocalMedia) -> Result<Session, NoMatch> {
        super::read_answer(answer, local, &Protection::default())
    }

    fn local(codecs: &[Codec]) -> LocalMedia {
        LocalMedia { addr: "192.0.2.9:4000".parse().unwrap(), codecs: codecs.to_vec() }
    }

    fn both() -> LocalMedia {
        local(&[Codec::Pcma, Codec::Pcmu])
    }

    /// A description with this connection line and these media lines.
    fn description(connection: &str, media: &str) -> Vec<u8> {
        format!("v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc={connection}\r\nt=0 0\r\n{media}")
            .into_bytes()
    }

    fn simple(attributes: &str) -> Vec<u8> {
        description("IN IP4 198.51.100.1", &format!("m=audio 5004 RTP/AVP 0 8\r\n{attributes}"))
    }

    #[test]
    fn our_offer_is_what_a_telephone_expects() {
        let text = offer(&both(), 7, 1);
        assert_eq!(
            text,
            "v=0\r\no=- 7 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
             m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
        );
        let v6 = LocalMedia { addr: "[2001:db8::9]:4000".parse().unwrap(), codecs: vec![Codec::Pcmu] };
        let text = offer(&v6, 7, 1);
        assert!(text.contains("c=IN IP6 2001:db8::9\r\n") && text.contains("o=- 7 1 IN IP6 2001:db8::9\r\n"));
    }

    #[test]
    fn two_boxes_agree() {
        // The offer may go in the 200 as well (RFC 3264 §5 with a delayed offer): the text is the same.
        let text = offer(&both(), 1, 1);
        let (answered, theirs) = answer(text.as_bytes(), &local(&[Codec::Pcmu]), 2, 1).unwrap();
        let ours = read_answer(answered.as_bytes(), &both()).unwrap();
        for session in [ours, theirs] {
            assert_eq!(
                (session.codec, session.payload_type, session.event_type),
                (Codec::Pcmu, 0, Some(101))
            );
            assert!(session.send && session.receive);
        }
    }

    #[test]
    fn directions_are_mirrored_and_every_hold_is_one() {
        // attributes of the offer, connection, direction answered, we send, we receive
        let here = "IN IP4 198.51.100.1";
        let cases = [
            ("", here, "sendrecv", true, true),
            ("a=sendrecv\r\n", here, "sendrecv", true, true),
            ("a=sendonly\r\n", here, "recvonly", false, true),
            ("a=recvonly\r\n", here, "sendonly", true, false),
            ("a=inactive\r\n", here, "inactive", false, false),
            ("", "IN IP4 0.0.0.0", "recvonly", false, true),
            ("a=sendonly\r\n", "IN IP4 0.0.0.0", "recvonly", false, true),
            ("a=inactive\r\n", "IN IP4 0.0.0.0", "inactive", false, false),
            ("", "IN IP6 ::", "recvonly", false, true),
        ];
        for (attributes, connection, direction, send, receive) in cases {
            let offered = description(connection, &format!("m=audio 5004 RTP/AVP 0\r\n{attributes}"));
            let (text, session) = answer(&offered, &both(), 1, 1).unwrap();
            assert!(text.contains(&format!("a={direction}\r\n")), "{attributes} {connection}: {text}");
            assert!(text.contains("c=IN IP4 192.0.2.9\r\n"), "our own address is never a hold");
            assert_eq!((session.send, session.receive), (send, receive), "{attributes} {connection}");
            assert_eq!(read_answer(&offered, &both()), Ok(session), "an answer says the same of its writer");
        }
        let at_session =
            description("IN IP4 198.51.100.1\r\nt=0 0\r\na=sendonly", "m=audio 5004 RTP/AVP 0\r\n");
        assert!(
            !answer(&at_session, &both(), 1, 1).unwrap().1.send,
            "a session attribute counts for its media"
        );
        let overridden =
            description("IN IP4 1.2.3.4\r\nt=0 0\r\na=sendonly", "m=audio 5004 RTP/AVP 0\r\na=sendrecv\r\n");
        assert!(answer(&overridden, &both(), 1, 1).unwrap().1.send, "the media's own attribute counts more");
    }

    #[test]
    fn payload_types_are_the_peers() {
        let cases = [
            // offered formats and maps, codecs of ours, codec, audio type, event type
            (
                "0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
                vec![Codec::Pcmu],
                Codec::Pcmu,
                0,
                Some(101),
            ),
            (
                "0 96\r\na=rtpmap:96 Telephone-Event/8000\r\na=fmtp:96 0-15\r\n",
                vec![Codec::Pcmu],
                Codec::Pcmu,
                0,
                Some(96),
            ),
            ("8\r\n", vec![Codec::Pcmu, Codec::Pcma], Codec::Pcma, 8, None),
            (
                "18 97 13\r\na=rtpmap:97 PCMA/8000/1\r\na=rtpmap:18 G729/8000\r\n",
                vec![Codec::Pcma],
                Codec::Pcma,
                97,
                None,
            ),
            ("9 0 100\r\na=rtpmap:100 telephone-event/16000\r\n", vec![Codec::Pcmu], Codec::Pcmu, 0, None),
            ("0 8\r\n", vec![Codec::Pcma, Codec::Pcmu], Codec::Pcma, 8, None),
        ];
        for (media, codecs, codec, payload_type, event_type) in cases {
            let offered = description("IN IP4 198.51.100.1", &format!("m=audio 5004 RTP/AVP {media}"));
            let (text, session) = answer(&offered, &local(&codecs), 1, 1).unwrap();
            assert_eq!(
                (session.codec, session.payload_type, session.event_type),
                (codec, payload_type, event_type),
                "{media}"
            );
            // RFC 3264 §6.1: the answer keeps the offer's numbers, has one codec, and no comfort noise.
            let line = text.lines().find(|line| line.starts_with("m=audio")).unwrap();
            let expected = event_type.map_or(String::new(), |pt| format!(" {pt}"));
            assert_eq!(line, format!("m=audio 4000 RTP/AVP {payload_type}{expected}"), "{media}");
            if let Some(pt) = event_type {
                assert!(text.contains(&format!("a=fmtp:{pt} 0-16\r\n")), "{text}");
            }
        }
    }

    #[test]
    fn reports_go_where_the_peer_says() {
        // attributes of the audio, where RTCP goes, the answer agrees to one port
        let cases = [
            ("", Some("198.51.100.1:5005"), false),
            ("a=rtcp:53020\r\n", Some("198.51.100.1:53020"), false),
            ("a=rtcp:53020 IN IP4 192.0.2.7\r\n", Some("192.0.2.7:53020"), false),
            ("a=rtcp:53020 IN IP4 somewhere\r\n", Some("198.51.100.1:5005"), false),
            ("a=rtcp:0\r\n", None, false),
            ("a=rtcp:x\r\n", Some("198.51.100.1:5005"), false),
            ("a=rtcp:5005\r\na=rtcp-mux\r\n", Some("198.51.100.1:5004"), true),
        ];
        for (attributes, expected, mux) in cases {
            let expected = expected.map(|to| to.parse().unwrap());
            let (text, session) = answer(&simple(attributes), &both(), 1, 1).unwrap();
            assert_eq!((session.rtcp, text.contains("a=rtcp-mux\r\n")), (expected, mux), "{attributes}");
        }
        let last = description("IN IP4 198.51.100.1", "m=audio 65535 RTP/AVP 0\r\n");
        assert_eq!(answer(&last, &both(), 1, 1).unwrap().1.rtcp, None);
        // Not offered by us: an answer that agrees to it is not followed.
        let session = read_answer(&simple("a=rtcp-mux\r\n"), &both()).unwrap();
        assert_eq!(session.rtcp, Some("198.51.100.1:5005".parse().unwrap()));
    }

    #[test]
    fn the_first_codec_of_an_answer_counts() {
        let media = "m=audio 5004 RTP/AVP 13 0 8 97\r\na=rtpmap:97 telephone-event/8000\r\n";
        let session = read_answer(&description("IN IP4 198.51.100.1", media), &both()).unwrap();
        assert_eq!((session.codec, session.payload_type, session.event_type), (Codec::Pcmu, 0, Some(97)));
        assert_eq!(session.remote, "198.51.100.1:5004".parse().unwrap());
    }

    #[test]
    fn other_streams_are_refused_in_their_place() {
        let media = "m=video 6000 RTP/AVP 31 34\r\na=rtpmap:34 H263/90000\r\nm=audio 0 RTP/AVP 0\r\n\
                     m=audio 5004 RTP/AVP 0\r\nc=IN IP4 203.0.113.5\r\nm=audio 7000 RTP/SAVP 0\r\nm=image 8000 udptl t38\r\n";
        let (text, session) = answer(&description("IN IP4 198.51.100.1", media), &both(), 1, 1).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(
            lines,
            [
                "m=video 0 RTP/AVP 31",
                "m=audio 0 RTP/AVP 0",
                "m=audio 4000 RTP/AVP 0",
                "m=audio 0 RTP/SAVP 0",
                "m=image 0 udptl t38"
            ]
        );
        assert_eq!(session.remote, "203.0.113.5:5004".parse().unwrap(), "the media's connection counts more");
    }

    #[test]
    fn what_is_no_match_and_why() {
        let at = "IN IP4 198.51.100.1";
        let cases = [
            (b"not sdp".to_vec(), NoMatch::Malformed),
            (Vec::new(), NoMatch::Malformed),
            (description(at, ""), NoMatch::NoAudio),
            (description(at, "m=video 6000 RTP/AVP 31\r\n"), NoMatch::NoAudio),
            (description(at, "m=audio 0 RTP/AVP 0\r\n"), NoMatch::NoAudio),
            (description(at, "m=audio 5004 RTP/SAVP 0\r\n"), NoMatch::Encrypted),
            (description(at, "m=audio 5004 UDP/TLS/RTP/SAVP 0\r\n"), NoMatch::NoAudio),
            (description(at, "m=audio 5004 RTP/AVP 18 13\r\n"), NoMatch::NoCodec),
            (description(at, "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 G726-32/8000\r\n"), NoMatch::NoCodec),
            (description("IN IP4 host.example", "m=audio 5004 RTP/AVP 0\r\n"), NoMatch::NoAddress),
            (b"v=0\r\ns=-\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n".to_vec(), NoMatch::NoAddress),
        ];
        for (offered, why) in cases {
            let text = String::from_utf8_lossy(&offered).into_owned();
            assert_eq!(answer(&offered, &both(), 1, 1), Err(why), "{text}");
            assert_eq!(read_answer(&offered, &both()), Err(why), "{text}");
        }
        assert_eq!(read_answer(&simple(""), &local(&[])), Err(NoMatch::NoCodec));
    }

    /// One end with this policy.
    fn end(policy: Srtp, number: u64) -> Protection {
        Protection::new(policy, &[9; 32], number)
    }

    #[test]
    fn two_policies_meet() {
        use Srtp::{Off, Optional, Required};
        // Who offers, who answers; the profile on the wire and whether it is encrypted, or who refuses and why.
        let (refused, clear) = (|why| Err(("offer", why)), |why| Err(("answer", why)));
        let cases = [
            (Off, Off, Ok(("RTP/AVP", false))),
            (Off, Optional, Ok(("RTP/AVP", false))),
            (Off, Required, refused(NoMatch::Clear)),
            (Optional, Off, Ok(("RTP/AVP", false))),
            (Optional, Optional, Ok(("RTP/AVP", true))),
            (Optional, Required, Ok(("RTP/AVP", true))),
            (Required, Off, refused(NoMatch::Encrypted)),
            (Required, Optional, Ok(("RTP/SAVP", true))),
            (Required, Required, Ok(("RTP/SAVP", true))),
        ];
        for (caller, callee, wanted) in cases {
            let (caller, callee) = (end(caller, 1), end(callee, 2));
            let text = super::offer(&both(), &caller, 1, 1);
            let found = match super::answer(text.as_bytes(), &both(), &callee, 2, 1) {
                Err(why) => refused(why),
                Ok((answered, theirs)) => match super::read_answer(answered.as_bytes(), &both(), &caller) {
                    Err(why) => clear(why),
                    Ok(ours) => {
                        let (ours, theirs) = (ours.keys, theirs.keys);
                        assert_eq!(ours.map(|k| (k.ours, k.theirs)), theirs.map(|k| (k.theirs, k.ours)));
                        assert!(ours.is_none_or(|keys| keys.ours != keys.theirs), "each its own");
                        let profile = answered.split(' ').find(|word| word.starts_with("RTP/")).unwrap();
                        assert!(text.contains(profile), "RFC 3264 §6.1: the answer has the offer's");
                        assert_eq!(answered.matches("a=crypto:").count(), usize::from(ours.is_some()));
                        Ok((if profile == "RTP/AVP" { "RTP/AVP" } else { "RTP/SAVP" }, ours.is_some()))
                    }
                },
            };
            assert_eq!(found, wanted, "{caller:?} calls {callee:?}");
        }
        let text = super::offer(&both(), &end(Required, 1), 1, 1);
        let stripped: String =
            text.lines().filter(|l| !l.contains("crypto")).map(|l| format!("{l}\n")).collect();
        let plain = simple("");
        for (answered, why) in [(stripped.as_bytes(), NoMatch::NoKey), (&plain, NoMatch::Clear)] {
            assert_eq!(super::read_answer(answered, &both(), &end(Required, 1)), Err(why));
        }
    }

    #[test]
    fn of_a_stream_offered_twice_the_encrypted_one_is_taken() {
        let key =
            "a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20\r\n";
        let media = format!("m=audio 5004 RTP/AVP 0\r\nm=audio 5006 RTP/SAVP 0\r\n{key}");
        let offered = description("IN IP4 198.51.100.1", &media);
        for (policy, lines, port) in [
            (Srtp::Off, ["m=audio 4000 RTP/AVP 0", "m=audio 0 RTP/SAVP 0"], 5004),
            (Srtp::Optional, ["m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/SAVP 0"], 5006),
            (Srtp::Required, ["m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/SAVP 0"], 5006),
        ] {
            let (text, session) = super::answer(&offered, &both(), &end(policy, 1), 1, 1).unwrap();
            let found: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
            assert_eq!((found.as_slice(), session.remote.port()), (&lines[..], port), "{policy:?}");
            assert_eq!(text.contains("a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:"), policy != Srtp::Off);
        }
    }

    #[test]
    fn sloppy_descriptions_are_read() {
        let bare =
            b"v=0\no=- 1 1 IN IP4 198.51.100.1\ns= \nc=IN IP4 198.51.100.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n";
        assert!(answer(bare, &both(), 1, 1).is_ok(), "bare line feeds");
        let missing = b"v=0\r\nc=IN IP4 198.51.100.1\r\nm=audio 5004 RTP/AVP 0";
        assert!(answer(missing, &both(), 1, 1).is_ok(), "no origin, name or time, no last line break");
        let odd = b"v=0\r\no=My Phone 1 x\r\ns=\xFF\r\nt=soon\r\nc=IN IP4 198.51.100.1 \r\nm=audio 5004 RTP/AVP 0 \r\na=\r\na=:x\r\n";
        assert!(answer(odd, &both(), 1, 1).is_ok(), "lines that nobody reads");
        assert!(
            answer(&simple("a=ptime:30\r\na=maxptime:60\r\na=crypto:x\r\nb=AS:64\r\n"), &both(), 1, 1)
                .is_ok()
        );
    }
}
