//! Rooms, the studio's frames, tones over a call, and wide-band telephones, judged by what leaves.

use super::*;
use crate::dsp::detect::Goertzel;
use crate::dsp::g722::Band;

/// A minute, in frames.
const MINUTE: u64 = 3_000;

const ROOM: PortId = PortId(0);

/// A peer whose every packet is a stretch of one steady tone.
struct Singer {
    port: PortId,
    hz: f32,
    peak: f32,
    at: usize,
}

impl Singer {
    fn new(port: u16, hz: f32, peak: f32) -> Self {
        Self { port: PortId(port), hz, peak, at: 0 }
    }

    fn sing(&mut self, rig: &mut Rig, codec: Codec, band: &mut Option<Band>) {
        let sample =
            |i: usize| (self.peak * (core::f32::consts::TAU * self.hz * i as f32 / 8000.0).sin()) as i16;
        let mut octets: Vec<u8> = (0..160).map(|i| g711::encode(codec, sample(self.at + i))).collect();
        if let Some(band) = band {
            band.widen(Codec::Pcmu, &mut octets);
        }
        self.at += 160;
        let peer = &mut rig.peers[usize::from(self.port.0)];
        let (from, header) = (peer.address, peer.header);
        peer.header.sequence = header.sequence.wrapping_add(1);
        peer.header.timestamp = header.timestamp.wrapping_add(160);
        rig.receive(self.port, from, header, &octets);
    }
}

/// Everybody sings for so many frames, 3 ms after each tick.
fn sing(rig: &mut Rig, singers: &mut [Singer], frames: usize) {
    rig.now = Instant(rig.now.0 / 20_000 * 20_000 + 20_000 + 3_000);
    for _ in 0..frames {
        singers.iter_mut().for_each(|singer| singer.sing(rig, Codec::Pcmu, &mut None));
        rig.run_ms(20);
    }
}

fn linear(sent: &[Sent]) -> Vec<f32> {
    let octets = sent.iter().flat_map(|s| s.payload.iter());
    octets.map(|octet| f32::from(g711::decode(Codec::Pcmu, *octet))).collect()
}

/// How loud a tone of `peak` at `hz` is heard, in dB relative to how it was sung.
fn heard_db(sound: &[f32], hz: f32, peak: f32) -> f32 {
    10.0 * (Goertzel::new(hz).power(sound).max(1e-3) / (peak * peak / 2.0)).log10()
}

fn meet(rig: &mut Rig, port: u16, seat: Seat) {
    rig.order(MediaCommand::Meet { port: PortId(port), room: ROOM, seat });
}

#[test]
fn in_a_room_each_hears_all_others_at_their_level_and_never_itself() {
    let mut rig = Rig::with(&[Codec::Pcmu; 5]);
    let mut singers: Vec<Singer> = [500.0, 800.0, 1300.0, 2100.0]
        .iter()
        .zip(0..)
        .map(|(hz, port)| Singer::new(port, *hz, 5000.0))
        .collect();
    (0..4).for_each(|port| meet(&mut rig, port, Seat::Talks));
    meet(&mut rig, 4, Seat::Listens);
    // The one who listens speaks all the while: nobody hears him.
    singers.push(Singer::new(4, 1700.0, 20_000.0));
    sing(&mut rig, &mut singers, 20);
    rig.sent.clear();
    sing(&mut rig, &mut singers, 50);
    for port in 0..5u16 {
        let sent = rig.take(PortId(port));
        assert_unbroken(&sent);
        assert!((49..=52).contains(&sent.len()), "{}", sent.len());
        let sound = linear(&sent);
        for singer in &singers {
            let db = heard_db(&sound, singer.hz, singer.peak);
            match singer.port.0 {
                own if own == port || own == 4 => assert!(db < -34.0, "{port} hears {own} at {db:.1} dB"),
                other => assert!(db.abs() < 0.5, "{port} hears {other} at {db:.2} dB"),
            }
        }
    }
}

#[test]
fn who_only_listens_is_not_in_the_line_and_who_barges_in_is() {
    let mut rig = Rig::new();
    meet(&mut rig, 0, Seat::Talks);
    meet(&mut rig, 1, Seat::Listens);
    rig.speak(TRUNK, true);
    rig.speak(PHONE, true);
    rig.run_ms(400);
    let heard = rig.take(PHONE);
    assert!(heard[10..].iter().all(|s| s.is(TRUNK_SAYS)), "he hears the line");
    assert!(rig.take(TRUNK).iter().all(|s| s.is(SILENCE)), "the line hears silence");
    meet(&mut rig, 1, Seat::Talks);
    rig.run_ms(400);
    assert!(rig.take(TRUNK)[10..].iter().all(|s| s.is(PHONE_SAYS)), "he has barged in");
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.run_ms(100);
    assert!(rig.media.ports[0].room.is_none(), "a join ends the stay");
    rig.order(MediaCommand::Meet { port: PHONE, room: PortId(900), seat: Seat::Talks });
    assert!(rig.media.ports[1].partner.is_some(), "there is no such room");
    meet(&mut rig, 1, Seat::Talks);
    rig.order(MediaCommand::Part(PHONE));
    rig.take(TRUNK);
    rig.run_ms(100);
    assert!(rig.take(TRUNK).iter().all(|s| s.is(SILENCE)));
}

#[test]
fn a_prompt_in_a_room_is_for_its_hearer_alone() {
    let mut rig = Rig::new();
    meet(&mut rig, 0, Seat::Talks);
    meet(&mut rig, 1, Seat::Talks);
    rig.order(MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: false });
    rig.speak(PHONE, true);
    rig.run_ms(400);
    let sent = rig.take(TRUNK);
    assert_unbroken(&sent);
    assert!(sent[..6].iter().all(|s| s.payload[0] >= 0x80 && s.payload[0] < 0xc0));
    assert!(sent[8..].iter().all(|s| s.is(PHONE_SAYS)), "then the room again");
    assert!(rig.take(PHONE).iter().all(|s| s.is(SILENCE)));
}

fn studio(rig: &mut Rig) -> Vec<StudioFrame> {
    std::iter::from_fn(|| rig.outlets.studio.pop().ok()).collect()
}

#[test]
fn the_studio_gets_what_was_heard_and_what_was_sent_and_nothing_else() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Studio(TRUNK, true));
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(TRUNK, true);
    rig.speak(PHONE, true);
    rig.run_ms(500);
    let frames = studio(&mut rig);
    assert!(frames.windows(2).all(|w| w[1].tick == w[0].tick.next()), "one for every tick");
    let is = |frame: &Frame, octet| frame.0.iter().all(|s| *s == g711::decode(Codec::Pcmu, octet));
    assert!(frames[8..].iter().all(|f| is(&f.heard, TRUNK_SAYS) && is(&f.said, PHONE_SAYS)));
    // The owner is away, talking on: what the line is not sent is not recorded.
    rig.order(MediaCommand::Part(TRUNK));
    rig.order(MediaCommand::Play { port: TRUNK, sound: PROMPT, repeat: false });
    rig.run_ms(60);
    assert!(studio(&mut rig)[1..].iter().all(|f| is(&f.heard, TRUNK_SAYS) && f.said.0[0] != 0));
    rig.run_ms(300);
    studio(&mut rig);
    rig.run_ms(100);
    assert!(studio(&mut rig).iter().all(|f| is(&f.said, SILENCE)));
    rig.order(MediaCommand::Studio(TRUNK, false));
    rig.run_ms(100);
    assert!(studio(&mut rig).is_empty());
    // A studio that does not read is counted, and nothing waits for it.
    rig.order(MediaCommand::Studio(TRUNK, true));
    rig.run_ms(2100);
    assert!(rig.outlets.counters.read().studio_frames_lost >= 4);
    assert_unbroken(&rig.take(TRUNK));
}

#[test]
fn a_tone_over_a_call_is_added_to_it_and_delays_nothing() {
    let mut rig = Rig::new();
    let mut singers = [Singer::new(1, 600.0, 4000.0)];
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    sing(&mut rig, &mut singers, 10);
    rig.order(MediaCommand::Overlay(TRUNK, Some(Overlay::Recorded)));
    rig.take(TRUNK);
    let before = rig.outlets.counters.read().forwarded;
    sing(&mut rig, &mut singers, 10);
    assert_eq!(rig.outlets.counters.read().forwarded - before, 10, "still forwarded");
    let beep = linear(&rig.take(TRUNK));
    let level = f32::from(crate::dsp::level::amplitude(crate::units::Dbm0(-23.0)));
    assert!(heard_db(&beep[160..1600], 1400.0, level).abs() < 0.5);
    assert!(heard_db(&beep[160..1600], 600.0, 4000.0).abs() < 0.5, "the talk goes on under it");
    sing(&mut rig, &mut singers, 50);
    let after = linear(&rig.take(TRUNK));
    assert!(heard_db(&after[1600..], 1400.0, level) < -30.0, "200 ms of 15 s");
    rig.order(MediaCommand::Overlay(TRUNK, None));
    assert!(rig.media.ports[0].overlay.is_none());
}

#[test]
fn a_sound_over_a_call_is_heard_once_and_the_talk_goes_on_under_it() {
    let mut rig = Rig::new();
    let mut singers = [Singer::new(1, 600.0, 4000.0)];
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    sing(&mut rig, &mut singers, 10);
    let alone = linear(&rig.take(TRUNK));
    rig.order(MediaCommand::Overlay(TRUNK, Some(Overlay::Sound(PROMPT))));
    let before = rig.outlets.counters.read().forwarded;
    sing(&mut rig, &mut singers, 10);
    assert_eq!(rig.outlets.counters.read().forwarded - before, 10, "still forwarded");
    let both = linear(&rig.take(TRUNK));
    assert!(heard_db(&both[160..1600], 600.0, 4000.0).abs() < 0.5, "the talk goes on under it");
    let power = |sound: &[f32]| sound.iter().map(|s| s.powi(2)).sum::<f32>() / sound.len() as f32;
    assert!(power(&both[..800]) > power(&alone[..800]) * 1.05, "and it is heard");
    sing(&mut rig, &mut singers, 50);
    assert!(rig.media.ports[0].over.is_none(), "once");
    assert!(power(&linear(&rig.take(TRUNK))[4_000..]) < power(&alone) * 1.05);
}

#[test]
fn a_wide_band_phone_is_understood_and_understands_and_two_of_them_are_left_alone() {
    let mut rig = Rig::with(&[Codec::Pcmu, Codec::G722, Codec::G722]);
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    let (mut band, mut decoder) = (Some(Band::new()), Band::new());
    let mut phone = Singer::new(1, 900.0, 6000.0);
    let mut trunk = Singer::new(0, 1300.0, 6000.0);
    rig.now = Instant(rig.now.0 / 20_000 * 20_000 + 23_000);
    for _ in 0..60 {
        phone.sing(&mut rig, Codec::Pcmu, &mut band);
        trunk.sing(&mut rig, Codec::Pcmu, &mut None);
        rig.run_ms(20);
    }
    let sent = rig.take(TRUNK);
    assert!(sent.iter().all(|s| s.header.payload_type == 0));
    let db = heard_db(&linear(&sent)[1600..], 900.0, 6000.0);
    assert!(db.abs() < 0.2, "the phone is heard at {db:.2} dB");
    let mut sent = rig.take(PHONE);
    assert!(sent.iter().all(|s| s.header.payload_type == 9));
    sent.iter_mut().for_each(|s| decoder.narrow(&mut s.payload));
    let db = heard_db(&linear(&sent)[1600..], 1300.0, 6000.0);
    assert!(db.abs() < 0.2, "the line is heard at {db:.2} dB");
    // Two wide-band telephones: the octets go through untouched, recorded or not.
    rig.order(MediaCommand::Join(PHONE, PortId(2)));
    rig.order(MediaCommand::Studio(PHONE, true));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    rig.take(PortId(2));
    rig.run_ms(200);
    let sent = rig.take(PortId(2));
    assert!(sent.len() >= 9 && sent.iter().all(|s| s.is(PHONE_SAYS) && s.header.payload_type == 9));
    assert!(studio(&mut rig).len() >= 9);
}

/// What a clock that is off does to a mix: a buffer that fills or empties by a sample every so often. Each codec and the
/// fastest and slowest clocks that are allowed, beside one that is right.
#[test]
fn clocks_that_drift_apart_are_heard_in_a_mix_at_their_level_and_without_growing_late() {
    let mut rig = Rig::with(&[Codec::Pcmu, Codec::Pcma, Codec::G722]);
    (0..3).for_each(|port| meet(&mut rig, port, Seat::Talks));
    let clocks = [(Codec::Pcmu, 200), (Codec::Pcma, -200), (Codec::Pcmu, 0)];
    let mut singers =
        [500.0, 1300.0, 2100.0].iter().zip(0..).map(|(hz, port)| Singer::new(port, *hz, 5000.0));
    let mut singers: [Singer; 3] = core::array::from_fn(|_| singers.next().unwrap());
    let mut bands = [None, None, Some(Band::new())];
    let start = rig.now.0 / 20_000 * 20_000 + 23_000;
    // When each sends its next packet, nanoseconds.
    let mut due = [0, 5_000_000, 11_000_000].map(|phase: u64| start * 1000 + phase);
    while due.iter().min().unwrap() / 1000 < start + MINUTE * 20_000 {
        let who = (0..3).min_by_key(|i| due[*i]).unwrap();
        let wait = Instant(due[who] / 1000).since(rig.now);
        rig.run(wait);
        singers[who].sing(&mut rig, clocks[who].0, &mut bands[who]);
        due[who] = due[who].saturating_add_signed(20_000_000 - 20 * clocks[who].1);
    }
    let mut decoder = Band::new();
    for port in 0..3u16 {
        let mut sent = rig.take(PortId(port));
        assert_unbroken(&sent);
        let sound: Vec<f32> = match port {
            1 => sent
                .iter()
                .flat_map(|s| &s.payload)
                .map(|o| f32::from(g711::decode(Codec::Pcma, *o)))
                .collect(),
            2 => {
                sent.iter_mut().for_each(|s| decoder.narrow(&mut s.payload));
                linear(&sent)
            }
            _ => linear(&sent),
        };
        // Windows of 200 ms after the first second; the few in which a buffer gives or takes time may be off.
        for singer in singers.iter().filter(|s| s.port.0 != port) {
            let windows: Vec<f32> =
                sound[8000..].chunks_exact(1600).map(|w| heard_db(w, singer.hz, singer.peak)).collect();
            let off = windows.iter().filter(|db| db.abs() > 0.5).count();
            assert!(off <= 5, "{port} hears {} off in {off} of {} windows", singer.hz, windows.len());
        }
        let jitter = rig.media.decks.get(port).unwrap();
        println!("{port}: {} samples concealed, {} late", jitter.concealed(), jitter.delay());
        assert!(jitter.concealed() <= 4 * 160 && jitter.delay() <= 480, "{port}");
    }
}
