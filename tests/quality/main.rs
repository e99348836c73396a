//! What is left of speech on a bad network: our jitter buffer and concealment, given packets as `run.py` lays them out.
//! `run.py` gives the same packets to PJMEDIA and prints both scores: `make quality`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use hold_slayer::dsp::tone::Country;
use hold_slayer::media::{Config, Media, MediaCommand, Stream};
use hold_slayer::rtp::packet::{self, HEADER_BYTES, Header};
use hold_slayer::units::{Codec, FRAME_SAMPLES, Instant, PortId};
use std::net::SocketAddr;
use std::path::Path;

const PORT: PortId = PortId(0);
/// Names the folder with `speech.ul` and the traces.
const FOLDER: &str = "HOLD_SLAYER_QUALITY";

/// What the listener, the recorder and a conference hear of this speech when its packets come as the trace says: lines of
/// the time in microseconds and the number of the packet.
fn heard(speech: &[u8], trace: &str) -> Vec<i16> {
    let country = Country::by_code("us").unwrap();
    let config = Config { ports: 1, country, sounds: vec![], wideband: false, studio_frames: 1 };
    let (mut media, mut outlets) = Media::new(&config).unwrap();
    let remote = SocketAddr::from(([10, 0, 0, 1], 4000));
    let stream = Stream {
        remote,
        codec: Codec::Pcmu,
        payload_type: 0,
        event_type: None,
        rtcp: None,
        send: true,
        keys: None,
    };
    media.command(Instant(0), MediaCommand::Open { port: PORT, stream, seed: 1 });
    media.command(Instant(0), MediaCommand::Tap(PORT, true));
    let mut sound = Vec::new();
    let mut advance = |media: &mut Media, until: Instant| {
        while let Some(at) = media.deadline().filter(|at| *at <= until) {
            media.tick(at, &mut |_| {});
            sound.extend(std::iter::from_fn(|| outlets.taps.pop().ok()).flat_map(|tap| tap.frame.0));
        }
    };
    let mut last = Instant(0);
    for line in trace.lines() {
        let mut words = line.split(' ').map(|word| word.parse::<u64>().unwrap());
        let (at, n) = (Instant(words.next().unwrap()), words.next().unwrap() as usize);
        advance(&mut media, at);
        let Some(octets) = speech.get(n * FRAME_SAMPLES..(n + 1) * FRAME_SAMPLES) else { continue };
        let header = Header {
            payload_type: 0,
            marker: n == 0,
            sequence: n as u16,
            timestamp: (n * FRAME_SAMPLES) as u32,
            ssrc: 7,
        };
        let mut datagram = [0; HEADER_BYTES + FRAME_SAMPLES];
        datagram[HEADER_BYTES..].copy_from_slice(octets);
        packet::prefix(&header, &mut datagram, HEADER_BYTES).unwrap();
        media.packet(at, PORT, remote, &mut datagram, &mut |_| {});
        last = at;
    }
    advance(&mut media, Instant(last.0 + 400_000));
    sound
}

#[test]
#[ignore = "a tool: make quality"]
fn what_is_left_of_speech() {
    let folder = std::env::var(FOLDER).expect("run.py names the folder");
    let folder = Path::new(&folder);
    let speech = std::fs::read(folder.join("speech.ul")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|e| e == "trace") {
            let sound = heard(&speech, &std::fs::read_to_string(&entry).unwrap());
            let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            std::fs::write(entry.with_extension("ours"), bytes).unwrap();
        }
    }
}
