//! What becomes of a tone on its way through the box.

use super::*;
use crate::dsp::g722::Band;
use crate::dsp::level::level;

/// A tone of 1004 Hz at this level from sample `from` on, coded.
fn tone(codec: Codec, dbm0: f32, from: usize, samples: usize) -> Vec<u8> {
    let peak = f64::from(crate::dsp::level::amplitude(crate::units::Dbm0(dbm0)));
    let sample = |i: usize| (peak * (i as f64 * core::f64::consts::TAU * 1004.0 / 8000.0).sin()).round();
    (from..from + samples).map(|i| g711::encode(codec, sample(i) as i16)).collect()
}

/// Level in dBm0 and ratio of the tone to all else in dB.
fn measure(sound: &[i16]) -> (f32, f64) {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (i, s) in sound.iter().enumerate() {
        let (s, angle) = (f64::from(*s), i as f64 * core::f64::consts::TAU * 1004.0 / 8000.0);
        (re, im, all) = (re + s * angle.cos(), im + s * angle.sin(), all + s * s);
    }
    let signal = 2.0 * (re * re + im * im) / sound.len() as f64;
    let frames: Vec<f32> =
        sound.chunks_exact(160).map(|chunk| level(&Frame(core::array::from_fn(|i| chunk[i]))).0).collect();
    (frames.iter().sum::<f32>() / frames.len() as f32, 10.0 * (signal / (all - signal).max(1.0)).log10())
}

#[test]
fn a_tone_comes_through_both_ways_at_its_level_and_with_the_noise_of_the_coding_alone() {
    use Codec::{Pcma, Pcmu};
    for (trunk, phone) in [(Pcmu, Pcmu), (Pcma, Pcma), (Pcma, Pcmu), (Pcmu, Pcma)] {
        for dbm0 in [0.0, -10.0, -20.0, -30.0] {
            let mut rig = Rig::with(&[trunk, phone]);
            rig.order(MediaCommand::Join(TRUNK, PHONE));
            rig.order(MediaCommand::Tap(TRUNK, true));
            let mut heard = [Vec::new(), Vec::new(), Vec::new()];
            for n in 0..250 {
                for (i, codec) in [(0, trunk), (1, phone)] {
                    let port = PortId(i);
                    let header = Header {
                        sequence: n,
                        timestamp: u32::from(n) * 160,
                        ..rig.peers[usize::from(i)].header
                    };
                    let payload = tone(codec, dbm0, usize::from(n) * 160, 160);
                    rig.receive(port, address(port), header, &payload);
                }
                rig.run_ms(20);
            }
            for (port, codec) in [(TRUNK, trunk), (PHONE, phone)] {
                let sent = rig.take(port);
                let octets = sent.iter().skip(50).flat_map(|s| &s.payload);
                heard[usize::from(port.0)].extend(octets.take(8000 * 3).map(|o| g711::decode(codec, *o)));
            }
            heard[2].extend(rig.frames().iter().skip(50).flat_map(|f| f.frame.0).take(8000 * 3));
            for (way, heard) in ["to the trunk", "to the phone", "to a tap"].iter().zip(&heard) {
                let (level, snr) = measure(heard);
                // ITU-T G.712 §9: 33 dB down to −30 dBm0; each further coding costs some 3 dB.
                // G.712 §8: the level may follow the steps of two codings by 0.3 dB; of one it is the tone's own.
                let (floor, off) =
                    if trunk == phone || *way == "to a tap" { (35.0, 0.1) } else { (32.0, 0.25) };
                assert!((level - dbm0).abs() < off, "{way}, {trunk:?} {phone:?}, {dbm0} dBm0: {level}");
                assert!(snr > floor, "{way}, {trunk:?} {phone:?}, {dbm0} dBm0: {snr} dB");
            }
        }
    }
}

#[test]
fn a_tone_to_and_from_a_wide_band_phone_keeps_its_level_with_the_noise_of_that_coding() {
    for law in [Codec::Pcmu, Codec::Pcma] {
        for dbm0 in [0.0, -10.0, -20.0, -30.0] {
            let mut rig = Rig::with(&[law, Codec::G722]);
            rig.order(MediaCommand::Join(TRUNK, PHONE));
            let (mut coder, mut decoder) = (Band::new(), Band::new());
            for n in 0..250 {
                for (port, codec) in [(TRUNK, law), (PHONE, Codec::Pcmu)] {
                    let header = Header {
                        sequence: n,
                        timestamp: u32::from(n) * 160,
                        ..rig.peers[usize::from(port.0)].header
                    };
                    let mut payload = tone(codec, dbm0, usize::from(n) * 160, 160);
                    if port == PHONE {
                        coder.widen(Codec::Pcmu, &mut payload);
                    }
                    rig.receive(port, address(port), header, &payload);
                }
                rig.run_ms(20);
            }
            for port in [TRUNK, PHONE] {
                let mut sent = rig.take(port);
                if port == PHONE {
                    sent.iter_mut().for_each(|s| decoder.narrow(&mut s.payload));
                }
                let codec = if port == TRUNK { law } else { Codec::Pcmu };
                let octets = sent.iter().skip(50).flat_map(|s| &s.payload);
                let heard: Vec<i16> = octets.take(8000 * 3).map(|o| g711::decode(codec, *o)).collect();
                let (level, snr) = measure(&heard);
                assert!((level - dbm0).abs() < 0.25, "{port:?} {law:?} {dbm0} dBm0: {level}");
                // Sub-band ADPCM and two or three codings by G.711 around it, which have 33 dB each.
                assert!(snr > 26.0, "{port:?} {law:?} {dbm0} dBm0: {snr} dB");
            }
        }
    }
}

/// From the packet in which a sound begins to the one in which it leaves, in milliseconds.
fn delay_ms(phone: Codec, mixed: bool) -> u64 {
    let mut rig = Rig::with(&[Codec::Pcmu, phone]);
    if mixed {
        for port in [TRUNK, PHONE] {
            rig.order(MediaCommand::Meet { port, room: TRUNK, seat: Seat::Talks });
        }
    } else {
        rig.order(MediaCommand::Join(TRUNK, PHONE));
    }
    rig.peers[0].says = SILENCE;
    rig.speak(TRUNK, true);
    rig.run_ms(1_000);
    rig.peers[0].says = TRUNK_SAYS;
    let begins = rig.peers[0].next;
    rig.run_ms(300);
    let mut decoder = Band::new();
    let mut loud = |s: &mut Sent| {
        if phone == Codec::G722 {
            decoder.narrow(&mut s.payload);
        }
        let law = if phone == Codec::G722 { Codec::Pcmu } else { phone };
        s.payload.iter().any(|octet| g711::decode(law, *octet).unsigned_abs() > 1_000)
    };
    let mut sent = rig.take(PHONE);
    (sent.iter_mut().find_map(|s| loud(s).then_some(s.at.0)).unwrap() - begins) / 1_000
}

#[test]
fn what_is_forwarded_leaves_at_once_in_whatever_coding_and_what_is_mixed_within_60_ms() {
    for phone in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        assert_eq!(delay_ms(phone, false), 0, "{phone:?}");
        let mixed = delay_ms(phone, true);
        assert!(mixed <= 60, "{phone:?}: {mixed} ms");
    }
}
