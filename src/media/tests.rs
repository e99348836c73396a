//! The machine in virtual time: peers that speak recognisable sound, and everything that leaves is looked at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fuzz;
mod keys;
mod quality;
mod reports;
mod rooms;
mod secure;
mod taps;
mod wakes;

use super::*;
use crate::dsp::g711;
use crate::limits::TAP_RING;
use crate::units::Digit;
use core::time::Duration;

const TRUNK: PortId = PortId(0);
const PHONE: PortId = PortId(1);
/// The trunk peer says only this octet, the phone only that one. Neither is in any prompt, tone or silence.
const TRUNK_SAYS: u8 = 0x31;
const PHONE_SAYS: u8 = 0x32;
const PROMPT: SoundId = SoundId(0);
const SILENCE: u8 = 0xff;

struct Sent {
    /// RTCP: the payload is all of it.
    report: bool,
    control: bool,
    at: Instant,
    port: PortId,
    to: SocketAddr,
    header: Header,
    payload: Vec<u8>,
}

struct Peer {
    address: SocketAddr,
    header: Header,
    says: u8,
    speaks: bool,
    /// Microseconds after the tick at which it speaks.
    phase: u64,
    samples: u32,
    next: u64,
    /// What it protects its packets with.
    lock: Option<crate::rtp::srtp::Context>,
}

struct Rig {
    media: Media,
    outlets: Outlets,
    now: Instant,
    sent: Vec<Sent>,
    peers: Vec<Peer>,
}

fn address(port: PortId) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, port.0 as u8], 4000))
}

fn payload_type(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
    }
}

fn stream(port: PortId, codec: Codec) -> Stream {
    let payload_type = payload_type(codec);
    Stream {
        remote: address(port),
        codec,
        payload_type,
        event_type: Some(101),
        rtcp: None,
        send: true,
        keys: None,
    }
}

/// The sound of the prompt at a sample: coded, it is one of 60 octets from 0x80 on.
fn prompt_octet(i: usize) -> u8 {
    0x80 + (i % 60) as u8
}

impl Rig {
    fn new() -> Self {
        Self::with(&[Codec::Pcmu, Codec::Pcmu])
    }

    /// Ports of these codecs, all open, no peer speaking.
    fn with(codecs: &[Codec]) -> Self {
        let prompt = (0..1000).map(|i| g711::decode(Codec::Pcmu, prompt_octet(i))).collect();
        let country = Country::by_code("us").unwrap();
        let config = Config {
            ports: codecs.len() as u16,
            country,
            sounds: vec![prompt],
            wideband: true,
            studio_frames: 100,
        };
        let (media, outlets) = Media::new(&config).unwrap();
        let mut rig = Self { media, outlets, now: Instant(1_000_003), sent: Vec::new(), peers: Vec::new() };
        for (i, &codec) in codecs.iter().enumerate() {
            let port = PortId(i as u16);
            let header = Header {
                payload_type: payload_type(codec),
                marker: false,
                sequence: 65_530,
                timestamp: 1 << 31,
                ssrc: 7 + i as u32,
            };
            let says = if i % 2 == 0 { TRUNK_SAYS } else { PHONE_SAYS };
            let phase = 3_000 + i as u64 * 4_000;
            let next = 1_000_000 + phase;
            rig.peers.push(Peer {
                address: address(port),
                header,
                says,
                speaks: false,
                phase,
                samples: 160,
                next,
                lock: None,
            });
            rig.order(MediaCommand::Open { port, stream: stream(port, codec), seed: 99 + i as u64 });
        }
        rig
    }

    fn order(&mut self, command: MediaCommand) {
        self.media.command(self.now, command);
    }

    fn speak(&mut self, port: PortId, on: bool) {
        let peer = &mut self.peers[usize::from(port.0)];
        peer.speaks = on;
        peer.next = self.now.0 / 20_000 * 20_000 + 20_000 + peer.phase;
    }

    fn receive(&mut self, port: PortId, from: SocketAddr, header: Header, payload: &[u8]) {
        let mut datagram = vec![0; HEADER_BYTES];
        datagram.extend_from_slice(payload);
        packet::prefix(&header, &mut datagram, HEADER_BYTES).unwrap();
        if let Some(lock) = &mut self.peers[usize::from(port.0)].lock {
            let length = datagram.len();
            datagram.resize(length + crate::rtp::srtp::TAIL_BYTES, 0);
            let length = lock.protect(&mut datagram, length).unwrap();
            datagram.truncate(length);
        }
        let (now, sent) = (self.now, &mut self.sent);
        self.media.packet(now, port, from, &mut datagram, &mut |d| sent.push(Sent::new(now, &d)));
    }

    fn say(&mut self, port: PortId) {
        let peer = &mut self.peers[usize::from(port.0)];
        let (from, header, says, samples) = (peer.address, peer.header, peer.says, peer.samples);
        peer.header.sequence = header.sequence.wrapping_add(1);
        peer.header.timestamp = header.timestamp.wrapping_add(samples);
        peer.next += u64::from(samples) * 125;
        self.receive(port, from, header, &vec![says; samples as usize]);
    }

    fn press(&mut self, port: PortId, digit: char) {
        use crate::rtp::digit;
        let mut sending = digit::Sending::new(Digit::from_char(digit).unwrap(), digit::Hold::new(None));
        sending.hold().end(Duration::ZERO);
        let timestamp = self.peers[usize::from(port.0)].header.timestamp;
        while let Some(packet) = sending.poll() {
            let peer = &mut self.peers[usize::from(port.0)];
            let header = Header {
                payload_type: 101,
                timestamp,
                marker: packet.begins == digit::Begins::Press,
                ..peer.header
            };
            peer.header.sequence = peer.header.sequence.wrapping_add(1);
            peer.header.timestamp = peer.header.timestamp.wrapping_add(160);
            let from = peer.address;
            self.receive(port, from, header, &packet.payload);
        }
    }

    /// Lets time pass, as the thread would: packets when they come, ticks when they are asked for.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let speaker = self.peers.iter().enumerate().filter(|(_, p)| p.speaks).min_by_key(|(_, p)| p.next);
            let packet = speaker.map(|(i, p)| (Instant(p.next), i));
            let tick = self.media.deadline();
            match (packet, tick) {
                (Some((at, i)), _) if at < end && tick.is_none_or(|t| at < t) => {
                    self.now = at.max(self.now);
                    self.say(PortId(i as u16));
                }
                (_, Some(at)) if at < end => {
                    self.now = at.max(self.now);
                    let (now, sent) = (self.now, &mut self.sent);
                    self.media.tick(now, &mut |d| sent.push(Sent::new(now, &d)));
                    assert!(self.media.deadline().is_none_or(|d| d > self.now), "time goes on");
                }
                _ => break,
            }
        }
        self.now = end;
    }

    fn run_ms(&mut self, ms: u64) {
        self.run(Duration::from_millis(ms));
    }

    /// What left a port since the last look.
    fn take(&mut self, port: PortId) -> Vec<Sent> {
        let (mine, others) = self.sent.drain(..).partition(|s| s.port == port && !s.report);
        self.sent = others;
        mine
    }

    /// What RTCP left a port since the last look.
    fn take_reports(&mut self, port: PortId) -> Vec<Sent> {
        let (mine, others) = self.sent.drain(..).partition(|s| s.port == port && s.report);
        self.sent = others;
        mine
    }

    fn events(&mut self) -> Vec<Event> {
        let all = std::iter::from_fn(|| self.outlets.events.pop().ok());
        all.filter(|e| !matches!(e, Event::Quality(..))).collect()
    }

    fn frames(&mut self) -> Vec<TapFrame> {
        std::iter::from_fn(|| self.outlets.taps.pop().ok()).collect()
    }
}

impl Sent {
    fn new(at: Instant, datagram: &Datagram<'_>) -> Self {
        let (port, to, control) = (datagram.port, datagram.to, datagram.control);
        match packet::parse(datagram.bytes) {
            Ok((header, payload)) => {
                let payload = datagram.bytes[payload].to_vec();
                Self { report: false, control, at, port, to, header, payload }
            }
            Err(Malformed::Rtcp) => {
                let header = Header { payload_type: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 0 };
                Self { report: true, control, at, port, to, header, payload: datagram.bytes.to_vec() }
            }
            Err(Malformed::Header) => panic!("what we send is RTP or RTCP"),
        }
    }

    fn is(&self, octet: u8) -> bool {
        self.payload.iter().all(|o| *o == octet)
    }
}

/// That packets are one unbroken stream: no gap over 40 ms, sequence numbers by one, timestamps by what was sent.
fn assert_unbroken(sent: &[Sent]) {
    assert!(!sent.is_empty());
    for pair in sent.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        assert!(b.at.since(a.at) <= Duration::from_millis(40), "gap of {:?} at {:?}", b.at.since(a.at), a.at);
        assert_eq!(b.header.sequence, a.header.sequence.wrapping_add(1));
        assert_eq!(b.header.ssrc, a.header.ssrc);
        if a.header.payload_type != 101 && b.header.payload_type != 101 {
            assert_eq!(b.header.timestamp, a.header.timestamp.wrapping_add(a.payload.len() as u32));
        }
    }
}

#[test]
fn an_open_port_sends_silence_every_20_ms() {
    let mut rig = Rig::new();
    rig.run_ms(1000);
    let sent = rig.take(TRUNK);
    assert_eq!(sent.len(), 50);
    assert_unbroken(&sent);
    assert!(sent.iter().all(|s| s.is(SILENCE) && s.to == address(TRUNK) && s.payload.len() == 160));
    assert!(sent.windows(2).all(|w| w[1].at.since(w[0].at) == Duration::from_millis(20)));
}

#[test]
fn what_one_says_the_other_hears_at_once_and_bit_by_bit() {
    for samples in [80, 160, 240, 480] {
        let mut rig = Rig::new();
        rig.peers[1].samples = samples;
        rig.order(MediaCommand::Join(TRUNK, PHONE));
        rig.speak(PHONE, true);
        rig.run_ms(40);
        rig.take(TRUNK);
        rig.run_ms(600);
        let sent = rig.take(TRUNK);
        assert_eq!(sent.len() as u32, 4800 / samples);
        assert!(sent.iter().all(|s| s.is(PHONE_SAYS) && s.payload.len() as u32 == samples));
        let mut heard_at = rig.peers[1].next;
        for s in sent.iter().rev() {
            heard_at -= u64::from(samples) * 125;
            assert_eq!(s.at, Instant(heard_at), "left when it came");
        }
    }
}

#[test]
fn joined_ports_that_both_speak_need_no_tick() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.speak(TRUNK, true);
    rig.run_ms(200);
    let before = rig.outlets.counters.read().lateness;
    rig.run_ms(10_000);
    assert_eq!(rig.outlets.counters.read().lateness, before);
    assert_eq!(rig.outlets.counters.read().filled, 0);
}

#[test]
fn the_two_laws_are_translated_on_the_way() {
    let mut rig = Rig::with(&[Codec::Pcma, Codec::Pcmu]);
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.speak(TRUNK, true);
    rig.run_ms(40);
    rig.sent.clear();
    rig.run_ms(200);
    let (mut there, mut back) = ([PHONE_SAYS], [TRUNK_SAYS]);
    g711::translate(Codec::Pcmu, Codec::Pcma, &mut there);
    g711::translate(Codec::Pcma, Codec::Pcmu, &mut back);
    assert!(rig.take(TRUNK).iter().all(|s| s.header.payload_type == 8 && s.is(there[0])));
    assert!(rig.take(PHONE).iter().all(|s| s.header.payload_type == 0 && s.is(back[0])));
}

#[test]
fn join_part_prompt_tone_and_join_are_one_stream() {
    let mut rig = Rig::new();
    rig.speak(PHONE, true);
    let orders = [
        MediaCommand::Join(TRUNK, PHONE),
        MediaCommand::Part(TRUNK),
        MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: false },
        MediaCommand::Join(PHONE, TRUNK),
        MediaCommand::Tone(TRUNK, Tone::Ringback),
        MediaCommand::Quiet(TRUNK),
        MediaCommand::Tone(TRUNK, Tone::Beep),
        MediaCommand::Part(PHONE),
    ];
    for (i, order) in orders.iter().cycle().take(80).enumerate() {
        rig.order(*order);
        rig.run(Duration::from_micros(97_531 + 1_713 * i as u64));
    }
    let sent = rig.take(TRUNK);
    assert_unbroken(&sent);
    let time = sent.last().unwrap().at.since(sent[0].at).as_millis() as i64;
    let sound: i64 = sent.iter().map(|s| s.payload.len() as i64 / 8).sum();
    assert!((sound - time).abs() <= 80, "{sound} ms of sound in {time} ms");
}

#[test]
fn a_second_join_of_the_same_two_cuts_no_prompt_off() {
    let mut rig = Rig::new();
    rig.speak(PHONE, true);
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.order(MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: false });
    rig.run_ms(40);
    rig.order(MediaCommand::Join(PHONE, TRUNK));
    rig.run_ms(400);
    assert!(rig.events().contains(&Event::Played(TRUNK, PROMPT)));
}

#[test]
fn a_prompt_is_sent_gapless_from_its_start_and_its_end_is_told() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: false });
    rig.run_ms(200);
    let all: Vec<u8> = rig.take(TRUNK).into_iter().flat_map(|s| s.payload).collect();
    let expected: Vec<u8> = (0..1000).map(prompt_octet).chain(std::iter::repeat_n(SILENCE, 600)).collect();
    assert_eq!(all, expected);
    assert_eq!(rig.events(), [Event::Played(TRUNK, PROMPT)]);

    rig.order(MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: true });
    rig.run_ms(1000);
    let all: Vec<u8> = rig.take(TRUNK).into_iter().flat_map(|s| s.payload).collect();
    assert_eq!(all, (0..8000).map(|i| prompt_octet(i % 1000)).collect::<Vec<u8>>());
    assert_eq!(rig.events(), []);
}

#[test]
fn a_beep_ends_itself_and_a_missing_prompt_at_once() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Tone(TRUNK, Tone::Beep));
    rig.order(MediaCommand::Play { port: PHONE, sound: SoundId(30), repeat: true });
    rig.run_ms(200);
    let loud = rig.take(TRUNK).iter().filter(|s| !s.is(SILENCE)).count();
    assert_eq!(loud, 6, "120 ms");
    assert_eq!(rig.events(), [Event::Played(PHONE, SoundId(30)), Event::Played(TRUNK, SoundId::BEEP)]);
}

#[test]
fn while_a_prompt_plays_nothing_of_the_join_is_heard() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    rig.order(MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: true });
    rig.take(TRUNK);
    rig.run_ms(500);
    assert!(rig.take(TRUNK).iter().all(|s| !s.payload.contains(&PHONE_SAYS)));
    rig.order(MediaCommand::Quiet(TRUNK));
    rig.run_ms(100);
    assert!(rig.take(TRUNK).last().unwrap().is(PHONE_SAYS));
}

#[test]
fn a_partner_that_dries_up_is_filled_with_silence_and_forwarded_again_when_it_returns() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(201);
    rig.speak(PHONE, false);
    rig.run_ms(503);
    rig.speak(PHONE, true);
    rig.run_ms(200);
    let sent = rig.take(TRUNK);
    assert_unbroken(&sent);
    let silent = sent.iter().filter(|s| s.at.0 > 1_100_000 && s.is(SILENCE)).count();
    assert_eq!(silent, 26, "from 38 ms after the last packet, then on each tick");
    assert!(sent.last().unwrap().is(PHONE_SAYS));
    assert!(rig.outlets.counters.read().filled > 20);
}

#[test]
fn comfort_noise_sounds_at_its_level_until_the_peer_speaks_again() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    rig.speak(PHONE, false);
    rig.take(TRUNK);
    let header = Header { payload_type: 13, ..rig.peers[1].header };
    rig.peers[1].header.sequence = header.sequence.wrapping_add(1);
    rig.receive(PHONE, address(PHONE), header, &[40]);
    rig.run_ms(200);
    let mut frame = Frame::SILENCE;
    let sent = rig.take(TRUNK);
    assert_unbroken(&sent);
    for sent in &sent {
        let sound = sent.payload.iter().map(|o| g711::decode(Codec::Pcmu, *o));
        frame.0.iter_mut().zip(sound).for_each(|(out, sample)| *out = sample);
        let level = crate::dsp::level::level(&frame).0;
        assert!((-36.0..-32.0).contains(&level), "−40 dBov is −33.8 dBm0: {level}");
    }
    rig.speak(PHONE, true);
    rig.run_ms(100);
    assert!(rig.take(TRUNK).last().unwrap().is(PHONE_SAYS));
    assert_eq!(rig.outlets.counters.read().discards, [0; counters::DISCARDS]);
}

#[test]
fn a_peer_that_holds_us_hears_nothing_and_a_prompt_still_ends() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    rig.order(MediaCommand::Change {
        port: TRUNK,
        stream: Stream { send: false, ..stream(TRUNK, Codec::Pcmu) },
    });
    rig.order(MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: false });
    rig.take(TRUNK);
    rig.run_ms(1000);
    assert_eq!(rig.take(TRUNK).len(), 0);
    assert!(rig.events().contains(&Event::Played(TRUNK, PROMPT)));
    rig.order(MediaCommand::Change { port: TRUNK, stream: stream(TRUNK, Codec::Pcmu) });
    rig.run_ms(100);
    assert_unbroken(&rig.take(TRUNK));
}

#[test]
fn silence_of_the_peer_is_told_and_its_return() {
    let mut rig = Rig::new();
    rig.run_ms(2_100);
    let starved = |s| [Event::Starved(TRUNK, s), Event::Starved(PHONE, s)];
    assert_eq!(rig.events(), starved(2));
    rig.run_ms(10_000);
    assert_eq!(rig.events(), starved(12));
    rig.speak(TRUNK, true);
    rig.speak(PHONE, true);
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.run_ms(1000);
    assert_eq!(rig.events(), [Event::Heard(TRUNK), Event::Heard(PHONE)]);
    rig.speak(PHONE, false);
    rig.run_ms(2_100);
    assert_eq!(rig.events(), [Event::Starved(PHONE, 2)], "also while joined");
}

#[test]
fn a_stranger_is_not_heard_and_does_not_move_the_stream() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    rig.sent.clear();
    for sequence in 0..20 {
        let header = Header { payload_type: 0, marker: false, sequence, timestamp: 0, ssrc: 666 };
        rig.receive(PHONE, "192.0.2.66:4000".parse().unwrap(), header, &[0x66; 160]);
        rig.run_ms(20);
    }
    assert!(rig.take(TRUNK).iter().all(|s| s.is(PHONE_SAYS)));
    assert!(rig.take(PHONE).iter().all(|s| s.to == address(PHONE)));
    assert_eq!(rig.outlets.counters.read().discarded(Discard::Foreign), 20);
}

#[test]
fn a_closed_port_neither_sends_nor_hears_nor_obeys() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    rig.order(MediaCommand::Close(PHONE));
    rig.sent.clear();
    rig.order(MediaCommand::Play { port: PHONE, sound: PROMPT, repeat: true });
    rig.order(MediaCommand::Join(PHONE, TRUNK));
    rig.order(MediaCommand::Play { port: PortId(9), sound: PROMPT, repeat: true });
    rig.run_ms(200);
    assert_eq!(rig.take(PHONE).len(), 0);
    assert!(rig.take(TRUNK).iter().all(|s| s.is(SILENCE)), "its partner is alone");
    assert_eq!(rig.outlets.counters.read().discarded(Discard::Closed), 10);
    rig.order(MediaCommand::Close(TRUNK));
    rig.run_ms(100);
    assert_eq!(rig.media.deadline(), None, "nothing to do");
}

#[test]
fn a_port_opened_again_is_another_stream_and_another_epoch() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.order(MediaCommand::Tap(TRUNK, true));
    rig.run_ms(100);
    let ssrc = rig.take(TRUNK)[0].header.ssrc;
    rig.order(MediaCommand::Close(TRUNK));
    rig.order(MediaCommand::Open { port: TRUNK, stream: stream(TRUNK, Codec::Pcmu), seed: 12345 });
    rig.order(MediaCommand::Tap(TRUNK, true));
    rig.speak(PHONE, true);
    rig.frames();
    rig.run_ms(100);
    let sent = rig.take(TRUNK);
    assert!(sent.iter().all(|s| s.header.ssrc != ssrc && s.is(SILENCE)));
    assert!(rig.frames().iter().all(|f| f.epoch == 2));
}

#[test]
fn a_stall_is_made_up_for_within_reason_and_told() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Tap(TRUNK, true));
    rig.run_ms(100);
    rig.sent.clear();
    rig.frames();
    rig.now += Duration::from_millis(310);
    let (now, sent) = (rig.now, &mut rig.sent);
    rig.media.tick(now, &mut |d| sent.push(Sent::new(now, &d)));
    assert!(rig.take(TRUNK).len() as u64 <= CATCH_UP);
    let counted = rig.outlets.counters.read();
    assert!(counted.ticks_skipped > 8 && counted.lateness[LATE_CLASS] == 1, "{counted:?}");
    let ticks: Vec<u64> = rig.frames().iter().map(|f| f.tick.0).collect();
    assert!(ticks[0] > 10, "skipped time shows in the ticks: {ticks:?}");
}

const LATE_CLASS: usize = counters::LATENESS_US.len() - 1;
