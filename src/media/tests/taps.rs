//! What a tapped port hears reaches its reader in time, and nobody waits for a reader.

use super::*;

#[test]
fn a_tap_hears_every_tick_in_the_ports_own_time() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(TRUNK, true);
    rig.run_ms(333);
    rig.order(MediaCommand::Tap(TRUNK, true));
    rig.run_ms(600);
    rig.speak(TRUNK, false);
    rig.run_ms(600);
    let frames = rig.frames();
    assert_eq!(frames.len(), 60);
    let first = frames[0].tick.0;
    assert!((15..=17).contains(&first), "333 ms after the port was opened: {first}");
    assert!(
        frames
            .iter()
            .enumerate()
            .all(|(i, f)| f.tick == Tick(first + i as u64) && f.port == TRUNK && f.epoch == 1)
    );
    let says = g711::decode(Codec::Pcmu, TRUNK_SAYS);
    let heard: Vec<usize> = (0..60).filter(|i| frames[*i].frame.0.iter().all(|s| *s == says)).collect();
    assert!(heard.len() >= 29 && heard[0] <= 4, "{heard:?}");
    assert!(frames[50..].iter().all(|f| f.frame == Frame::SILENCE));
    rig.order(MediaCommand::Tap(TRUNK, false));
    rig.run_ms(100);
    assert_eq!(rig.frames(), []);
}

#[test]
fn a_tap_that_nobody_reads_loses_frames_and_nothing_else() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Tap(TRUNK, true));
    rig.run_ms(20 * (TAP_RING as u64 + 100));
    assert_eq!(rig.outlets.counters.read().tap_frames_lost, 100);
    assert_unbroken(&rig.take(TRUNK));
    rig.frames();
    rig.run_ms(100);
    assert_eq!(rig.frames()[0].tick, Tick(TAP_RING as u64 + 100), "the gap shows");
}

/// The fifteen things that naive stacks get wrong, [`crate::sip`]'s `ua_tests::points`.
#[test]
fn point_15_recorder_and_jumps() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.order(MediaCommand::Tap(TRUNK, true));
    rig.speak(TRUNK, true);
    // Nobody reads what is recorded, long after its ring is full: the call goes on bit by bit.
    rig.run_ms(20 * (TAP_RING as u64 + 100));
    assert!(rig.outlets.counters.read().tap_frames_lost >= 99);
    let sent = rig.take(PHONE);
    assert_unbroken(&sent);
    assert!(sent[5..].iter().all(|s| s.is(TRUNK_SAYS)));
    // The peer's numbers jump, forwards and back: what the phone gets stays one stream, and the sound comes back.
    let says = g711::decode(Codec::Pcmu, TRUNK_SAYS);
    for (sequence, timestamp) in [(20_000, 1 << 30), (40_000, 3 << 30), (0, 1 << 20), (30_000, 0)] {
        rig.frames();
        let header = &mut rig.peers[0].header;
        header.sequence = header.sequence.wrapping_add(sequence);
        header.timestamp = header.timestamp.wrapping_add(timestamp);
        rig.run_ms(400);
        let (sent, taped) = (rig.take(PHONE), rig.frames());
        assert_unbroken(&sent);
        assert!(sent[10..].iter().all(|s| s.is(TRUNK_SAYS)), "a jump of {sequence} and {timestamp}");
        assert!(taped[10..].iter().all(|f| f.frame.0.iter().all(|s| *s == says)), "the record hears it, too");
    }
}
