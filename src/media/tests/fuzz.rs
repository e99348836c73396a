//! Orders, calls and datagrams at random. A seed names a run.

use super::*;

/// A small generator, so that a seed names a run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn any_order(dice: &mut Dice) -> MediaCommand {
    let port = PortId(dice.roll(4) as u16);
    match dice.roll(13) {
        0..=2 => MediaCommand::Join(port, PortId(dice.roll(4) as u16)),
        3 | 4 => MediaCommand::Part(port),
        5 => MediaCommand::Play { port, sound: SoundId(dice.roll(2) as u8), repeat: dice.roll(2) == 0 },
        6 => MediaCommand::Tone(port, [Tone::Ringback, Tone::Busy, Tone::Beep][dice.roll(3) as usize]),
        7 => MediaCommand::Quiet(port),
        8 => MediaCommand::Digit(port, Digit::from_event(dice.roll(17) as u8).unwrap(), None),
        9 => MediaCommand::Tap(port, dice.roll(2) == 0),
        10 => MediaCommand::Close(port),
        _ => MediaCommand::Change { port, stream: stream(port, Codec::Pcmu) },
    }
}

/// Whatever is ordered and whatever the phones send: a held leg hears nothing of the room, and no leg's stream breaks.
#[test]
fn no_sound_of_the_room_and_no_gap_whatever_is_ordered() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut rig = Rig::with(&[Codec::Pcmu; 4]);
        // Ports 0 and 2 are trunks, 1 and 3 phones. `joined[i]`: whom port i is joined to, as ordered.
        let mut joined = [None::<u16>; 4];
        for step in 0..400 {
            let order = any_order(&mut dice);
            match order {
                MediaCommand::Join(a, b) if a != b => {
                    for p in [a, b] {
                        if let Some(other) = joined[usize::from(p.0)].take() {
                            joined[usize::from(other)] = None;
                        }
                    }
                    joined[usize::from(a.0)] = Some(b.0);
                    joined[usize::from(b.0)] = Some(a.0);
                }
                MediaCommand::Part(p) => {
                    if let Some(other) = joined[usize::from(p.0)].take() {
                        joined[usize::from(other)] = None;
                    }
                }
                // The call ends and another begins on the same port.
                MediaCommand::Close(p) => {
                    if let Some(other) = joined[usize::from(p.0)].take() {
                        joined[usize::from(other)] = None;
                    }
                }
                _ => {}
            }
            rig.order(order);
            if let MediaCommand::Close(port) = order {
                rig.order(MediaCommand::Open {
                    port,
                    stream: stream(port, Codec::Pcmu),
                    seed: dice.roll(1 << 30),
                });
            }
            let peer = PortId(dice.roll(4) as u16);
            match dice.roll(4) {
                0 => rig.speak(peer, true),
                1 if dice.roll(3) == 0 => rig.speak(peer, false),
                2 => {
                    // Lost, repeated and late packets.
                    let header = &mut rig.peers[usize::from(peer.0)].header;
                    header.sequence = header.sequence.wrapping_add(dice.roll(7) as u16).wrapping_sub(3);
                }
                _ => {}
            }
            let before = rig.sent.len();
            rig.run(Duration::from_micros(1 + dice.roll(90_000)));
            for s in &rig.sent[before..] {
                let partner = joined[usize::from(s.port.0)];
                for (octet, parity) in [(TRUNK_SAYS, 0), (PHONE_SAYS, 1)] {
                    let heard = s.payload.len() == 160 && s.is(octet);
                    let allowed = partner.is_some_and(|p| p % 2 == parity);
                    assert!(!heard || allowed, "seed {seed} step {step}: port {} hears {octet:#x}", s.port.0);
                }
            }
        }
        for port in 0..4 {
            let sent = rig.take(PortId(port));
            for w in sent.windows(2).filter(|w| w[0].header.ssrc == w[1].header.ssrc) {
                let gap = w[1].at.since(w[0].at);
                assert!(
                    gap <= Duration::from_millis(40),
                    "seed {seed} port {port}: {gap:?} at {:?}",
                    w[0].at
                );
            }
            let seconds = sent.last().unwrap().at.since(sent[0].at).as_secs_f64();
            let rate = sent.len() as f64 / seconds;
            assert!((48.0..=52.0).contains(&rate), "seed {seed} port {port}: {rate} packets a second");
        }
    }
}

/// Who may be heard at a port, as ordered.
#[derive(Default)]
struct House {
    joined: [Option<u16>; 4],
    rooms: [Option<(PortId, Seat)>; 4],
}

impl House {
    fn part(&mut self, port: PortId) {
        self.rooms[usize::from(port.0)] = None;
        if let Some(other) = self.joined[usize::from(port.0)].take() {
            self.joined[usize::from(other)] = None;
        }
    }

    fn obey(&mut self, order: MediaCommand) {
        match order {
            MediaCommand::Join(a, b) if a != b => {
                self.part(a);
                self.part(b);
                self.joined[usize::from(a.0)] = Some(b.0);
                self.joined[usize::from(b.0)] = Some(a.0);
            }
            MediaCommand::Part(port) | MediaCommand::Open { port, .. } => self.part(port),
            MediaCommand::Meet { port, room, seat } => {
                self.part(port);
                self.rooms[usize::from(port.0)] = Some((room, seat));
            }
            _ => {}
        }
    }

    /// Whether a port of a trunk may hear a phone.
    fn hears_a_phone(&self, trunk: usize) -> bool {
        let met = self.rooms[trunk].is_some_and(|(room, _)| {
            [1, 3].iter().any(|phone: &usize| self.rooms[*phone] == Some((room, Seat::Talks)))
        });
        met || self.joined[trunk].is_some_and(|other| other % 2 == 1)
    }
}

/// One of everything that media can be told, in any order: the first phone speaks G.722 now and then, the second one is
/// encrypted now and then.
fn every_order(dice: &mut Dice) -> (MediaCommand, Option<crate::rtp::srtp::Context>) {
    use crate::units::{SrtpKey, SrtpKeys, Suite};
    let port = PortId(dice.roll(4) as u16);
    let (any, on) = (PortId(dice.roll(4) as u16), dice.roll(2) == 0);
    let digit = Digit::from_event(dice.roll(17) as u8).unwrap();
    let held = Duration::from_millis(dice.roll(3_000));
    let codec =
        [Codec::Pcmu, Codec::Pcma, Codec::G722][dice.roll(if port == PHONE { 3 } else { 2 }) as usize];
    let key = |octet| SrtpKey::new(Suite::Aes128Tag80, &[octet; 30], 0).unwrap();
    let keys =
        (port == PortId(3) && on).then(|| SrtpKeys { ours: key(1), theirs: key(dice.roll(250) as u8) });
    let lock = keys.and_then(|keys| crate::rtp::srtp::Context::new(keys.theirs));
    let stream = Stream { keys, event_type: (dice.roll(4) > 0).then_some(101), ..stream(port, codec) };
    let tones =
        [Tone::Ringback, Tone::Busy, Tone::Congestion, Tone::Dial, Tone::Stutter, Tone::Special, Tone::Beep];
    let seat = if on { Seat::Talks } else { Seat::Listens };
    let overlay = [None, Some(Overlay::Waiting), Some(Overlay::Recorded)][dice.roll(3) as usize];
    let order = match dice.roll(20) {
        0..=2 => MediaCommand::Join(port, any),
        3 | 4 => MediaCommand::Part(port),
        5..=7 => MediaCommand::Meet { port, room: PortId(any.0 % 2), seat },
        8 => MediaCommand::Play { port, sound: SoundId(any.0 as u8 % 2), repeat: on },
        9 => MediaCommand::Tone(port, tones[dice.roll(7) as usize]),
        10 => MediaCommand::Quiet(port),
        11 => MediaCommand::Overlay(port, overlay),
        12 => MediaCommand::Digit(port, digit, on.then_some(held)),
        13 => MediaCommand::DigitEnd(port, digit, held),
        14 => MediaCommand::Tap(port, on),
        15 => MediaCommand::Studio(port, on),
        16 => MediaCommand::Open { port, stream, seed: dice.roll(1 << 30) },
        17 => MediaCommand::Ping,
        _ => MediaCommand::Change { port, stream },
    };
    (order, lock)
}

/// Twice the same, but for what the phones say: unless it is joined with a phone or in a room with one that talks, not an
/// octet that goes to a trunk differs. So nothing of the house leaves, however softly, in whatever coding.
#[test]
fn not_an_octet_to_a_held_line_depends_on_the_room_whatever_is_ordered() {
    let mut compared = 0;
    for seed in 0..30 {
        let mut houses = [PHONE_SAYS, 0x3a].map(|says| {
            let mut rig = Rig::with(&[Codec::Pcmu, Codec::G722, Codec::Pcma, Codec::Pcma]);
            rig.peers[1].says = says;
            rig.peers[3].says = says;
            rig
        });
        let (mut dice, mut house) = (Dice(seed), House::default());
        for step in 0..300 {
            let dies = [Dice(dice.0), Dice(dice.0)];
            let (order, _) = every_order(&mut dice);
            house.obey(order);
            let (who, what) = (PortId(dice.roll(4) as u16), dice.roll(6));
            let time = Duration::from_micros(1 + dice.roll(90_000));
            let mut wire = houses.iter_mut().zip(dies).map(|(rig, mut again)| {
                let (order, lock) = every_order(&mut again);
                if let MediaCommand::Open { port, stream, .. } | MediaCommand::Change { port, stream } = order
                {
                    let peer = &mut rig.peers[usize::from(port.0)];
                    peer.lock = lock;
                    peer.header.payload_type = payload_type(stream.codec);
                }
                rig.order(order);
                match what {
                    0 | 1 => rig.speak(who, true),
                    2 if step % 3 == 0 => rig.speak(who, false),
                    3 => rig.press(who, '5'),
                    4 => {
                        let sequence = &mut rig.peers[usize::from(who.0)].header.sequence;
                        *sequence = sequence.wrapping_add(2);
                    }
                    _ => {}
                }
                rig.sent.retain(|s| !s.report);
                let before = rig.sent.len();
                rig.run(time);
                rig.frames();
                rig.events();
                let new = rig.sent[before..].iter().filter(|s| !s.report);
                new.map(|s| (s.port.0, s.at, s.header, s.payload.clone())).collect::<Vec<_>>()
            });
            let (one, two) = (wire.next().unwrap(), wire.next().unwrap());
            assert_eq!(one.len(), two.len(), "seed {seed} step {step}");
            for (a, b) in one.into_iter().zip(two) {
                assert_eq!((a.0, a.1, a.2), (b.0, b.1, b.2), "seed {seed} step {step}");
                if a.0 % 2 == 0 && !house.hears_a_phone(usize::from(a.0)) {
                    assert_eq!(a.3, b.3, "seed {seed} step {step}: port {} after {order:?}", a.0);
                    compared += 1;
                }
            }
        }
        for port in 0..4 {
            let sent = houses[0].take(PortId(port));
            for w in sent.windows(2).filter(|w| w[0].header.ssrc == w[1].header.ssrc) {
                let gap = w[1].at.since(w[0].at);
                assert!(
                    gap <= Duration::from_millis(40),
                    "seed {seed} port {port}: {gap:?} at {:?}",
                    w[0].at
                );
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
}

/// Datagrams of random bytes, half of them with the beginning of RTP, at joined and tapped ports.
#[test]
fn junk_does_no_harm() {
    let mut rig = Rig::with(&[Codec::Pcma, Codec::Pcmu]);
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.order(MediaCommand::Tap(TRUNK, true));
    rig.order(MediaCommand::Tap(PHONE, true));
    let mut dice = Dice(4711);
    for _ in 0..20_000 {
        let mut datagram: Vec<u8> = (0..dice.roll(900)).map(|_| dice.roll(256) as u8).collect();
        if let [first, second, ..] = datagram.as_mut_slice()
            && dice.roll(2) == 0
        {
            *first = 0x80 | (*first & 0x3f);
            *second = [0, 8, 13, 101, 0x80][dice.roll(5) as usize];
        }
        let port = PortId(dice.roll(3) as u16);
        let (now, sent) = (rig.now, &mut rig.sent);
        rig.media.packet(now, port, address(port), &mut datagram, &mut |d| sent.push(Sent::new(now, &d)));
        rig.run(Duration::from_micros(dice.roll(3_000)));
        rig.frames();
    }
    let counted = rig.outlets.counters.read();
    assert!(counted.packets_in > 1000 && counted.discarded(Discard::Malformed) > 1000, "{counted:?}");
    assert!(rig.sent.iter().all(|s| s.payload.len() <= RTP_PACKET_BYTES));
}
