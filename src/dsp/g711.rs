//! ITU-T G.711: 8-bit companded sound, and the direct way between its two laws. µ-law stands in for G.722 here.

use crate::units::Codec;
use audio_codec_algorithms::{
    convert_alaw_to_ulaw, convert_ulaw_to_alaw, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw,
};

/// The octet that stands for silence: the positive value closest to zero.
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu | Codec::G722 => 0xff,
        Codec::Pcma => 0xd5,
    }
}

/// One sample, 16-bit full scale. Always a multiple of four (µ-law) or eight (A-law).
pub fn decode(codec: Codec, octet: u8) -> i16 {
    match codec {
        Codec::Pcmu | Codec::G722 => decode_ulaw(octet),
        Codec::Pcma => decode_alaw(octet),
    }
}

/// The octet for one sample of 16-bit full scale.
pub fn encode(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcmu | Codec::G722 => encode_ulaw(sample),
        Codec::Pcma => encode_alaw(sample),
    }
}

/// Turns a payload from one law into the other in place, by tables 3 and 4 of G.711: what has been there and back once
/// does not change again, which decoding and encoding would not promise.
pub fn translate(from: Codec, to: Codec, payload: &mut [u8]) {
    let convert: fn(u8) -> u8 = match (from, to) {
        (Codec::Pcmu | Codec::G722, Codec::Pcma) => convert_ulaw_to_alaw,
        (Codec::Pcma, Codec::Pcmu | Codec::G722) => convert_alaw_to_ulaw,
        _ => return,
    };
    for octet in payload {
        *octet = convert(*octet);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const BOTH: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

    /// G.711 table 1 and 2, worked out by their segments rather than looked up.
    fn by_the_book(codec: Codec, octet: u8) -> i32 {
        match codec {
            Codec::Pcmu | Codec::G722 => {
                let code = !octet;
                let magnitude = ((i32::from(code & 15) * 2 + 33) << ((code >> 4) & 7)) - 33;
                4 * if code & 0x80 == 0 { magnitude } else { -magnitude }
            }
            Codec::Pcma => {
                let code = octet ^ 0x55;
                let (segment, step) = ((code >> 4) & 7, i32::from(code & 15) * 2 + 1);
                let magnitude = if segment == 0 { step } else { (step + 32) << (segment - 1) };
                8 * if code & 0x80 != 0 { magnitude } else { -magnitude }
            }
        }
    }

    #[test]
    fn every_octet_decodes_as_the_recommendation_computes_it() {
        for codec in BOTH {
            for octet in 0..=255 {
                assert_eq!(
                    i32::from(decode(codec, octet)),
                    by_the_book(codec, octet),
                    "{codec:?} {octet:#x}"
                );
                assert_eq!(decode(codec, octet) & 3, 0, "the jitter buffer counts on the free bits");
            }
        }
    }

    #[test]
    fn every_sample_becomes_the_octet_of_its_interval() {
        for codec in BOTH {
            for sample in i16::MIN..=i16::MAX {
                let octet = encode(codec, sample);
                // Half of the interval, and the bits below the law's resolution; the outermost intervals are open.
                let segment = (if codec == Codec::Pcmu { !octet } else { octet ^ 0x55 }) >> 4 & 7;
                let half = if codec == Codec::Pcmu { 4 << segment } else { 8 << segment.saturating_sub(1) };
                let error = (i32::from(decode(codec, octet)) - i32::from(sample)).abs();
                let open = sample.unsigned_abs() > 31_600;
                assert!(error <= half + 8 || (open && error <= 700), "{codec:?} {sample}: off by {error}");
            }
        }
    }

    #[test]
    fn every_octet_survives_decoding_and_encoding() {
        for codec in BOTH {
            for octet in 0..=255u8 {
                let again = encode(codec, decode(codec, octet));
                // µ-law has two zeros.
                assert!(again == octet || (codec == Codec::Pcmu && octet == 0x7f && again == 0xff));
            }
        }
    }

    #[test]
    fn translation_is_close_and_settles_after_one_round_trip() {
        for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
            for octet in 0..=255u8 {
                let mut there = [octet];
                translate(from, to, &mut there);
                let (a, b) = (i32::from(decode(from, octet)), i32::from(decode(to, there[0])));
                assert!((a - b).abs() <= 8 + a.abs() / 16, "{from:?} {octet:#x}: {a} became {b}");
                let mut back = there;
                translate(to, from, &mut back);
                let mut again = back;
                translate(from, to, &mut again);
                translate(to, from, &mut again);
                assert_eq!(again, back, "{from:?} {octet:#x}");
            }
        }
    }

    #[test]
    fn silence_is_silent() {
        for codec in BOTH {
            assert!(decode(codec, silence(codec)).abs() <= 8);
        }
    }
}
