//! Ports with keys: what is on the wire, and what is taken from it.

use super::*;
use crate::rtp::srtp::{Context, TAIL_BYTES};
use crate::units::{SrtpKey, SrtpKeys, Suite};

fn keys(n: u8) -> SrtpKeys {
    let key = |octet| SrtpKey::new(Suite::Aes128Tag80, &[octet; 30], 0).unwrap();
    SrtpKeys { ours: key(n), theirs: key(n + 100) }
}

fn secured(port: PortId, n: u8) -> Stream {
    Stream { keys: Some(keys(n)), ..stream(port, Codec::Pcmu) }
}

/// The peer of a port with keys: what it would do with its own end of them.
struct Secure {
    port: PortId,
    out: Context,
    into: Context,
    header: Header,
}

impl Secure {
    fn new(port: PortId, n: u8) -> Self {
        let header = Header {
            payload_type: 0,
            marker: false,
            sequence: 65_530,
            timestamp: 0,
            ssrc: 77 + u32::from(port.0),
        };
        let SrtpKeys { ours, theirs } = keys(n);
        Self { port, out: Context::new(theirs).unwrap(), into: Context::new(ours).unwrap(), header }
    }

    /// The next packet of its sound, protected.
    fn packet(&mut self, says: u8) -> Vec<u8> {
        let mut datagram = vec![says; HEADER_BYTES + 160];
        packet::prefix(&self.header, &mut datagram, HEADER_BYTES).unwrap();
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp += 160;
        datagram.resize(datagram.len() + TAIL_BYTES, 0);
        let length = self.out.protect(&mut datagram, HEADER_BYTES + 160).unwrap();
        datagram.truncate(length);
        datagram
    }

    /// What it makes of a packet.
    fn hear(&mut self, wire: &[u8]) -> Option<Vec<u8>> {
        let mut packet = wire.to_vec();
        let length = self.into.open(&mut packet).ok()?;
        Some(packet[HEADER_BYTES..length].to_vec())
    }
}

type Wire = (PortId, Vec<u8>);

fn give(rig: &mut Rig, port: PortId, mut datagram: Vec<u8>) -> Vec<Wire> {
    let mut sent = Vec::new();
    let from = address(port);
    rig.media.packet(rig.now, port, from, &mut datagram, &mut |d| sent.push((d.port, d.bytes.to_vec())));
    sent
}

/// Lets a packet's time pass, and gives what leaves by itself.
fn pass(rig: &mut Rig) -> Vec<Wire> {
    let mut sent = Vec::new();
    let end = rig.now + Duration::from_millis(20);
    while let Some(at) = rig.media.deadline().filter(|at| *at <= end) {
        rig.now = rig.now.max(at);
        rig.media.tick(rig.now, &mut |d| sent.push((d.port, d.bytes.to_vec())));
    }
    rig.now = end;
    sent
}

fn plain(sequence: u16, says: u8) -> Vec<u8> {
    let mut datagram = vec![says; HEADER_BYTES + 160];
    let timestamp = u32::from(sequence) * 160;
    let header = Header { payload_type: 0, marker: false, sequence, timestamp, ssrc: 5 };
    packet::prefix(&header, &mut datagram, HEADER_BYTES).unwrap();
    datagram
}

#[test]
fn encrypted_on_one_side_and_in_the_clear_on_the_other() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change { port: TRUNK, stream: secured(TRUNK, 1) });
    let mut trunk = Secure::new(TRUNK, 1);
    // Silence of our own is protected as well.
    let silence: Vec<_> = pass(&mut rig).into_iter().filter(|(port, _)| *port == TRUNK).collect();
    assert!(!silence.is_empty());
    for (_, wire) in silence {
        assert_eq!(trunk.hear(&wire), Some(vec![SILENCE; 160]));
        assert!(wire.windows(8).all(|octets| octets != [SILENCE; 8]), "not to be read on the wire");
    }
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    for n in 0..50 {
        let sent = give(&mut rig, TRUNK, trunk.packet(TRUNK_SAYS));
        assert!(matches!(&sent[..], [(PHONE, wire)] if wire[HEADER_BYTES..] == [TRUNK_SAYS; 160]), "{n}");
        let sent = give(&mut rig, PHONE, plain(n, PHONE_SAYS));
        let [(TRUNK, wire)] = &sent[..] else { panic!("{n}: {sent:?}") };
        assert_eq!(trunk.hear(wire), Some(vec![PHONE_SAYS; 160]), "{n}");
        for (port, wire) in pass(&mut rig) {
            assert!(port == PHONE || trunk.hear(&wire).is_some(), "{n}");
        }
    }
    rig.order(MediaCommand::Part(TRUNK));
    let held: Vec<_> = (0..10).flat_map(|_| pass(&mut rig)).filter(|(port, _)| *port == TRUNK).collect();
    assert!(held.len() >= 9 && held.iter().all(|(_, wire)| trunk.hear(wire) == Some(vec![SILENCE; 160])));
}

#[test]
fn what_the_peer_did_not_protect_is_not_heard() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change { port: TRUNK, stream: secured(TRUNK, 1) });
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    let (mut trunk, mut stranger) = (Secure::new(TRUNK, 1), Secure::new(TRUNK, 2));
    let packet = trunk.packet(TRUNK_SAYS);
    assert_eq!(give(&mut rig, TRUNK, packet.clone()).len(), 1);
    let mut changed = trunk.packet(TRUNK_SAYS);
    changed[40] ^= 1;
    let refused = [packet, changed, plain(65_531, TRUNK_SAYS), stranger.packet(TRUNK_SAYS), vec![0x80; 12]];
    for datagram in refused {
        assert!(give(&mut rig, TRUNK, datagram).is_empty());
    }
    let counted = rig.outlets.counters.read();
    let why = [Discard::Replayed, Discard::Forged, Discard::Malformed].map(|why| counted.discarded(why));
    // The stranger begins with a number that was there already.
    assert_eq!((why, counted.packets_in), ([2, 2, 1], 1));
}

#[test]
fn a_new_key_and_the_same_key() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change { port: TRUNK, stream: secured(TRUNK, 1) });
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    let mut trunk = Secure::new(TRUNK, 1);
    let first = trunk.packet(TRUNK_SAYS);
    assert_eq!(give(&mut rig, TRUNK, first.clone()).len(), 1);
    // A hold and its end bring the same keys again.
    for send in [false, true] {
        rig.order(MediaCommand::Change { port: TRUNK, stream: Stream { send, ..secured(TRUNK, 1) } });
    }
    assert!(give(&mut rig, TRUNK, first).is_empty(), "seen before the hold");
    assert_eq!(give(&mut rig, TRUNK, trunk.packet(TRUNK_SAYS)).len(), 1);
    // The peer changes its own: RFC 3711 §3.3.1, its numbers go on.
    let fresh = SrtpKey::new(Suite::Aes256Tag80, &[9; 46], 0).unwrap();
    let keys = SrtpKeys { theirs: fresh, ..keys(1) };
    rig.order(MediaCommand::Change { port: TRUNK, stream: Stream { keys: Some(keys), ..secured(TRUNK, 1) } });
    assert!(give(&mut rig, TRUNK, trunk.packet(TRUNK_SAYS)).is_empty(), "of the old key");
    trunk.out.change(fresh);
    assert_eq!(give(&mut rig, TRUNK, trunk.packet(TRUNK_SAYS)).len(), 1);
    let sent = give(&mut rig, PHONE, plain(1, PHONE_SAYS));
    assert_eq!(trunk.hear(&sent[0].1), Some(vec![PHONE_SAYS; 160]), "ours is as it was");
    // And back into the clear.
    rig.order(MediaCommand::Change { port: TRUNK, stream: stream(TRUNK, Codec::Pcmu) });
    let sent = give(&mut rig, PHONE, plain(2, PHONE_SAYS));
    assert_eq!(sent[0].1[HEADER_BYTES..], [PHONE_SAYS; 160]);
}

#[test]
fn no_number_is_used_twice_under_a_key_that_comes_back() {
    let mut rig = Rig::new();
    let (with, without) = (secured(TRUNK, 1), stream(TRUNK, Codec::Pcmu));
    let mut trunk = Secure::new(TRUNK, 1);
    rig.order(MediaCommand::Change { port: TRUNK, stream: with });
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    // More than half a round of numbers in each state, so that the round must be known.
    let mut sent = 0_u16;
    let mut speak = |rig: &mut Rig| {
        sent = sent.wrapping_add(1);
        let [(TRUNK, wire)] = &give(rig, PHONE, plain(sent, PHONE_SAYS))[..] else { panic!("{sent}") };
        wire.clone()
    };
    for n in 0..40_000 {
        assert!(trunk.hear(&speak(&mut rig)).is_some(), "{n}");
    }
    rig.order(MediaCommand::Change { port: TRUNK, stream: without });
    for _ in 0..40_000 {
        let wire = speak(&mut rig);
        assert_eq!(wire[HEADER_BYTES..], [PHONE_SAYS; 160]);
        trunk.into.pass(&wire);
    }
    let replayed = trunk.packet(TRUNK_SAYS);
    rig.order(MediaCommand::Change { port: TRUNK, stream: with });
    assert!(trunk.hear(&speak(&mut rig)).is_some(), "the rounds have gone on");
    assert_eq!(give(&mut rig, TRUNK, replayed.clone()).len(), 1);
    for stream in [without, with] {
        rig.order(MediaCommand::Change { port: TRUNK, stream });
    }
    assert!(give(&mut rig, TRUNK, replayed).is_empty(), "heard before");
}

#[test]
fn every_port_has_its_own_keys_whoever_leaves() {
    let mut rig = Rig::with(&[Codec::Pcmu; 4]);
    let port = |n: u8| PortId(u16::from(n));
    let mut peers: Vec<_> = (0..4).map(|n| Secure::new(port(n), n)).collect();
    for n in 0..4 {
        rig.order(MediaCommand::Change { port: port(n), stream: secured(port(n), n) });
    }
    for leaves in [1, 0, 3] {
        rig.order(MediaCommand::Close(port(leaves)));
        peers.retain(|peer| peer.port != port(leaves));
        for (at, wire) in pass(&mut rig) {
            let peer = peers.iter_mut().find(|peer| peer.port == at).expect("closed ports are silent");
            assert!(peer.hear(&wire).is_some(), "port {} after {leaves} left", at.0);
        }
        let before = rig.outlets.counters.read().packets_in;
        for peer in &mut peers {
            let datagram = peer.packet(TRUNK_SAYS);
            give(&mut rig, peer.port, datagram);
        }
        assert_eq!(rig.outlets.counters.read().packets_in - before, peers.len() as u64);
    }
    // The next call on a port begins anew.
    rig.order(MediaCommand::Open { port: port(0), stream: secured(port(0), 50), seed: 3 });
    let mut peer = Secure::new(port(0), 50);
    let sent = pass(&mut rig);
    assert!(sent.iter().any(|(at, wire)| *at == port(0) && peer.hear(wire).is_some()));
}
