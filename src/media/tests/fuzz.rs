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
