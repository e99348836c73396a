//! A whole call's life without one allocation on the media thread. A binary of its own: it replaces the allocator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use hold_slayer::board::handset::card::{Microphone, Speaker};
use hold_slayer::dsp::resample::{Down, Up};
use hold_slayer::dsp::tone::Country;
use hold_slayer::media::{Config, Media, MediaCommand, Overlay, Seat, SoundId, Stream, Tone};
use hold_slayer::phone::handset::Sound;
use hold_slayer::phone::handset::audio::{Audio, Gains};
use hold_slayer::rtp::packet::{self, HEADER_BYTES, Header};
use hold_slayer::rtp::report::Reports;
use hold_slayer::rtp::srtp::{Context, TAIL_BYTES};
use hold_slayer::rtp::stream::{Receiver, Sender};
use hold_slayer::sip::Session;
use hold_slayer::units::{Codec, Digit, FRAME_SAMPLES, Frame, Instant, PortId, SrtpKey, SrtpKeys, Suite};
use std::net::SocketAddr;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const TRUNK: PortId = PortId(6);
const PHONE: PortId = PortId(7);
/// A telephone that speaks G.722.
const WIDE: PortId = PortId(5);
const MS: u64 = 1000;

struct Line {
    media: Media,
    now: Instant,
    sequence: u16,
    sent: usize,
    report: [u8; 36],
    /// The phone's end of its encrypted sound.
    phone: Context,
}

impl Line {
    /// Obeys, and lets 400 ms pass in which both peers speak, press a key and lose a packet.
    fn live(&mut self, command: MediaCommand) {
        assert_no_alloc(|| {
            self.media.command(self.now, command);
            for step in 0..400u64 {
                self.now = Instant(self.now.0 + MS);
                if step % 20 == 7 {
                    self.sequence = self.sequence.wrapping_add(1 + u16::from(step == 207));
                    // Comfort noise now and then.
                    let (payload_type, length) = if step == 187 { (13, 1) } else { (8, 160) };
                    self.hear(TRUNK, payload_type, &[0x55; 160][..length]);
                    self.hear(WIDE, 9, &[0xfa; 160]);
                    self.hear(PHONE, if step > 300 { 101 } else { 0 }, &[5, 10, 0, 160]);
                }
                if step == 211 {
                    let from = SocketAddr::from(([10, 0, 0, 1], 4100));
                    self.media.report(self.now, TRUNK, from, &mut { self.report });
                }
                if self.media.deadline().is_some_and(|at| at <= self.now) {
                    let sent = &mut self.sent;
                    self.media.tick(self.now, &mut |_| *sent += 1);
                }
            }
        });
    }

    fn hear(&mut self, port: PortId, payload_type: u8, payload: &[u8]) {
        let mut datagram = [0; 200];
        let mut end = HEADER_BYTES + payload.len();
        datagram[HEADER_BYTES..end].copy_from_slice(payload);
        let timestamp = u32::from(self.sequence) * 160;
        let header = Header { payload_type, marker: false, sequence: self.sequence, timestamp, ssrc: 5 };
        packet::prefix(&header, &mut datagram, HEADER_BYTES).unwrap();
        if port == PHONE {
            end = self.phone.protect(&mut datagram[..end + TAIL_BYTES], end).unwrap();
        }
        let (from, sent) = (SocketAddr::from(([10, 0, 0, 1], 4000 + port.0)), &mut self.sent);
        self.media.packet(self.now, port, from, &mut datagram[..end], &mut |_| *sent += 1);
    }
}

#[test]
fn a_whole_calls_life_allocates_nothing() {
    let country = Country::by_code("uk").unwrap();
    let config =
        Config { ports: 8, country, sounds: vec![vec![1000; 3000]], wideband: true, studio_frames: 100 };
    let (media, mut outlets) = Media::new(&config).unwrap();
    let key = |octet| SrtpKey::new(Suite::Aes128Tag80, &[octet; 30], 0).unwrap();
    let (keys, next) = (SrtpKeys { ours: key(1), theirs: key(2) }, SrtpKeys { ours: key(3), theirs: key(2) });
    let phone = Context::new(keys.theirs).unwrap();
    let report = Reports::new(Instant(0), 7).write(Instant(0), &Sender::new(1), &Receiver::default());
    let report: [u8; 36] = report.0[..36].try_into().unwrap();
    let mut line = Line { report, media, now: Instant(77 * MS), sequence: 0, sent: 0, phone };
    let remote = |port: PortId| SocketAddr::from(([10, 0, 0, 1], 4000 + port.0));
    let trunk = Stream {
        remote: remote(TRUNK),
        codec: Codec::Pcma,
        payload_type: 8,
        event_type: None,
        rtcp: Some(remote(PortId(100))),
        send: true,
        keys: None,
    };
    let phone = Stream {
        remote: remote(PHONE),
        codec: Codec::Pcmu,
        payload_type: 0,
        event_type: Some(101),
        rtcp: Some(remote(PHONE)),
        send: true,
        keys: Some(keys),
    };
    let wide = Stream { remote: remote(WIDE), codec: Codec::G722, payload_type: 9, ..phone };
    let key = Digit::from_char('9').unwrap();
    let sound = SoundId(0);
    let commands = [
        MediaCommand::Open { port: PHONE, stream: phone, seed: 1 },
        MediaCommand::Tone(PHONE, Tone::Ringback),
        MediaCommand::Open { port: TRUNK, stream: trunk, seed: 2 },
        MediaCommand::Join(PHONE, TRUNK),
        MediaCommand::Tap(TRUNK, true),
        MediaCommand::Digit(TRUNK, key, None),
        MediaCommand::DigitEnd(TRUNK, key, Duration::from_millis(700)),
        MediaCommand::Digit(PHONE, key, Some(Duration::from_millis(250))),
        MediaCommand::Change { port: PHONE, stream: Stream { send: false, ..phone } },
        MediaCommand::Part(PHONE),
        MediaCommand::Play { port: TRUNK, sound, repeat: false },
        MediaCommand::Play { port: PHONE, sound, repeat: true },
        MediaCommand::Change { port: PHONE, stream: Stream { keys: Some(next), ..phone } },
        MediaCommand::Quiet(PHONE),
        MediaCommand::Tone(PHONE, Tone::Beep),
        MediaCommand::Join(TRUNK, PHONE),
        MediaCommand::Tap(TRUNK, false),
        MediaCommand::Studio(TRUNK, true),
        MediaCommand::Overlay(PHONE, Some(Overlay::Recorded)),
        MediaCommand::Overlay(PHONE, Some(Overlay::Waiting)),
        MediaCommand::Overlay(PHONE, Some(Overlay::Sound(SoundId(0)))),
        MediaCommand::Overlay(PHONE, None),
        MediaCommand::Open { port: WIDE, stream: wide, seed: 3 },
        MediaCommand::Join(TRUNK, WIDE),
        MediaCommand::Play { port: WIDE, sound, repeat: false },
        MediaCommand::Tone(WIDE, Tone::Special),
        MediaCommand::Tone(WIDE, Tone::Stutter),
        MediaCommand::Quiet(WIDE),
        MediaCommand::Meet { port: TRUNK, room: TRUNK, seat: Seat::Talks },
        MediaCommand::Meet { port: PHONE, room: TRUNK, seat: Seat::Talks },
        MediaCommand::Meet { port: WIDE, room: TRUNK, seat: Seat::Listens },
        MediaCommand::Meet { port: WIDE, room: TRUNK, seat: Seat::Talks },
        MediaCommand::Part(PHONE),
        MediaCommand::Studio(TRUNK, false),
        MediaCommand::Tone(TRUNK, Tone::Busy),
        MediaCommand::Tone(PHONE, Tone::Congestion),
        MediaCommand::Tone(PHONE, Tone::Dial),
        MediaCommand::Digit(WIDE, Digit::FLASH, Some(Duration::ZERO)),
        MediaCommand::Ping,
        MediaCommand::Close(WIDE),
        MediaCommand::Close(PHONE),
        MediaCommand::Close(TRUNK),
    ];
    for _ in 0..3 {
        commands.into_iter().for_each(|command| line.live(command));
    }
    // And in any other order, with ports that are closed or open already.
    let mut dice = 7_u32;
    for _ in 0..400 {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        line.live(commands[(dice >> 8) as usize % commands.len()]);
    }
    let counted = outlets.counters.read();
    assert!(line.sent > 1500 && counted.forwarded > 300, "the calls really lived: {counted:?}");
    assert!(counted.reports_in > 10 && counted.reports_out > 5, "{counted:?}");
    assert!(std::iter::from_fn(|| outlets.taps.pop().ok()).count() > 600);
    assert!(std::iter::from_fn(|| outlets.events.pop().ok()).count() > 10);
    assert!(std::iter::from_fn(|| outlets.studio.pop().ok()).count() == 100, "full, and the rest is counted");
    assert!(outlets.counters.read().studio_frames_lost > 300);
}

/// All that the handset's sound does once it is made, and ALSA with a card that takes everything.
#[test]
fn a_handsets_call_allocates_nothing() {
    let remote = SocketAddr::from(([127, 0, 0, 1], 16_000));
    let session = Session {
        remote,
        codec: Codec::Pcma,
        payload_type: 8,
        event_type: Some(101),
        rtcp: None,
        send: true,
        receive: true,
        keys: None,
    };
    let mut audio = Audio::new(Country::by_code("uk").unwrap(), Gains::default(), 3);
    let mut speaker = Speaker::open("null", Some(48_000)).unwrap();
    let mut microphone = Microphone::open("null", Some(48_000)).unwrap();
    let (mut up, mut down) = (Up::new(6), Down::new(6));
    let mut sender = Sender::new(9);
    let mut card = [0; FRAME_SAMPLES * 6];
    let mut sent = 0;
    let orders = [
        Sound::Tone(Some(Tone::Dial)),
        Sound::Click(Digit::STAR),
        Sound::Tone(Some(Tone::Special)),
        Sound::Tone(None),
        Sound::Talk(session),
        Sound::Key(Digit::STAR),
        Sound::Key(Digit::FLASH),
        Sound::Aloud(true),
        Sound::Aloud(false),
        Sound::Talk(Session { event_type: None, ..session }),
        Sound::Key(Digit::HASH),
        Sound::Ring(true),
        Sound::Test(true),
        Sound::Quiet,
    ];
    assert_no_alloc(|| {
        for order in orders {
            audio.order(order);
            for _ in 0..30 {
                let mut datagram = [0x55; HEADER_BYTES + 160];
                packet::prefix(&sender.own(8, 160, false), &mut datagram, HEADER_BYTES).unwrap();
                audio.packet(remote, &datagram);
                let heard = down.frame(&card);
                let (mut ear, mut bell) = (Frame::SILENCE, Frame::SILENCE);
                sent += usize::from(audio.tick(&heard, &mut ear, &mut bell).is_some());
                up.frame(&ear, &mut card);
                speaker.play(&bell).unwrap();
                let (heard, _) = microphone.record().unwrap();
                audio.tick(&heard, &mut ear, &mut bell);
            }
        }
    });
    assert!(sent > 200, "{sent}");
}
