//! Keys: sent as events or in the band, and told when the peer presses one.

use super::*;

const USUAL: Option<Duration> = Some(Duration::from_millis(100));

#[test]
fn keys_are_sent_as_events_in_order_and_sound_goes_on_in_time_after_them() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    for c in "1*#!".chars() {
        rig.order(MediaCommand::Digit(TRUNK, Digit::from_char(c).unwrap(), USUAL));
    }
    rig.run_ms(1200);
    let sent = rig.take(TRUNK);
    assert_unbroken(&sent);
    let mut presses = crate::rtp::digit::Presses::default();
    let events = sent.iter().filter(|s| s.header.payload_type == 101);
    let heard: String = events
        .flat_map(|s| presses.hear(s.at, &s.header, &s.payload))
        .flatten()
        .filter_map(pressed)
        .collect();
    assert_eq!(heard, "1*#!");
    for w in sent.windows(2).filter(|w| w[0].header.payload_type == 101 && w[1].header.payload_type != 101) {
        assert_eq!(w[1].header.timestamp.wrapping_sub(w[0].header.timestamp), 7 * 160, "the clock went on");
    }
    assert!(sent.last().unwrap().is(PHONE_SAYS));
}

#[test]
fn keys_for_a_peer_without_events_sound_in_the_band() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change {
        port: TRUNK,
        stream: Stream { event_type: None, ..stream(TRUNK, Codec::Pcmu) },
    });
    rig.order(MediaCommand::Digit(TRUNK, Digit::from_char('5').unwrap(), USUAL));
    rig.order(MediaCommand::Digit(TRUNK, Digit::FLASH, USUAL));
    rig.run_ms(500);
    let sent = rig.take(TRUNK);
    assert_unbroken(&sent);
    assert_eq!(sent.iter().filter(|s| !s.is(SILENCE)).count(), 5);
    assert_eq!(rig.outlets.counters.read().digits_lost, 1);
}

#[test]
fn the_queue_of_keys_holds_32() {
    let mut rig = Rig::new();
    for _ in 0..40 {
        rig.order(MediaCommand::Digit(TRUNK, Digit::STAR, USUAL));
    }
    rig.run_ms(20_000);
    let starts = rig.take(TRUNK).iter().filter(|s| s.header.payload_type == 101 && s.header.marker).count();
    assert_eq!((starts, rig.outlets.counters.read().digits_lost), (32, 8));
}

#[test]
fn a_key_pressed_is_told_once_and_not_passed_on() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    rig.press(PHONE, '7');
    rig.run_ms(100);
    rig.press(PHONE, '7');
    rig.run_ms(100);
    let digit = Digit::from_char('7').unwrap();
    let (key, end) = (Event::Digit(PHONE, digit), Event::DigitEnd(PHONE, digit, Duration::from_millis(100)));
    assert_eq!(rig.events(), [Event::Heard(PHONE), key, end, key, end]);
    assert!(rig.take(TRUNK).iter().all(|s| s.header.payload_type == 0));
}

fn pressed(key: crate::rtp::digit::Key) -> Option<char> {
    if let crate::rtp::digit::Key::Pressed(digit) = key { Some(digit.as_char()) } else { None }
}

/// How long the peer of a port hears each key, by its events or by the frames in the band.
fn lengths(sent: &[Sent]) -> Vec<u64> {
    let mut presses = crate::rtp::digit::Presses::default();
    let mut all = Vec::new();
    let mut band = 0;
    for s in sent {
        let told =
            if s.header.payload_type == 101 { presses.hear(s.at, &s.header, &s.payload) } else { [None; 3] };
        for key in told.into_iter().flatten() {
            if let crate::rtp::digit::Key::Released(_, held) = key {
                all.push(held.as_millis() as u64);
            }
        }
        let sounds = s.header.payload_type != 101 && !s.is(SILENCE) && !s.is(PHONE_SAYS);
        band = if sounds { band + 20 } else { 0 };
        if sounds && band > 20 {
            all.pop();
        }
        if sounds {
            all.push(band);
        }
    }
    all
}

#[test]
fn a_key_held_for_seconds_is_sent_for_as_long_as_an_event_or_in_the_band() {
    let star = Digit::STAR;
    for event_type in [Some(101), None] {
        let mut rig = Rig::new();
        rig.order(MediaCommand::Change {
            port: TRUNK,
            stream: Stream { event_type, ..stream(TRUNK, Codec::Pcmu) },
        });
        rig.order(MediaCommand::Join(TRUNK, PHONE));
        rig.speak(PHONE, true);
        rig.run_ms(110);
        // Let go in time; known beforehand; let go before its turn came; much shorter than a key may be; never let go.
        rig.order(MediaCommand::Digit(TRUNK, star, None));
        rig.run_ms(3_000);
        rig.order(MediaCommand::DigitEnd(TRUNK, star, Duration::from_millis(3_000)));
        rig.run_ms(400);
        rig.order(MediaCommand::Digit(TRUNK, star, Some(Duration::from_millis(560))));
        rig.order(MediaCommand::Digit(TRUNK, star, None));
        rig.order(MediaCommand::DigitEnd(TRUNK, star, Duration::from_millis(240)));
        rig.order(MediaCommand::Digit(TRUNK, star, Some(Duration::from_millis(10))));
        rig.run_ms(2_000);
        rig.order(MediaCommand::Digit(TRUNK, star, None));
        rig.run_ms(17_000);
        let sent = rig.take(TRUNK);
        assert_unbroken(&sent);
        let lengths = lengths(&sent);
        assert_eq!(lengths.len(), 5, "{lengths:?}");
        for (held, wanted) in lengths.iter().zip([3_000, 560, 240, 100, 15_000]) {
            assert!(held.abs_diff(wanted) <= 20, "{event_type:?}: {lengths:?}");
        }
        assert!(sent.last().unwrap().is(PHONE_SAYS), "then the partner is heard again");
    }
}

#[test]
fn a_key_ends_with_the_join_in_which_it_was_pressed() {
    for parted in [MediaCommand::Part(TRUNK), MediaCommand::Part(PHONE), MediaCommand::Close(PHONE)] {
        let mut rig = Rig::new();
        rig.order(MediaCommand::Join(TRUNK, PHONE));
        rig.order(MediaCommand::Digit(TRUNK, Digit::STAR, None));
        rig.run_ms(1_000);
        rig.order(parted);
        rig.run_ms(1_000);
        let held = lengths(&rig.take(TRUNK));
        assert!(held.len() == 1 && held[0].abs_diff(1_000) <= 20, "{parted:?}: {held:?}");
    }
}

#[test]
fn a_key_of_a_peer_that_vanishes_is_let_go_although_nothing_else_needs_the_tick() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.speak(TRUNK, true);
    rig.run_ms(500);
    rig.events();
    assert!(rig.media.resting());
    let five = Digit::from_char('5').unwrap();
    let header = Header { payload_type: 101, marker: true, ..rig.peers[1].header };
    rig.receive(PHONE, rig.peers[1].address, header, &[five.event(), 10, 0, 160]);
    rig.peers[1].header.sequence += 1;
    rig.run_ms(150);
    assert_eq!(rig.events(), [Event::Digit(PHONE, five)]);
    rig.run_ms(100);
    assert_eq!(rig.events(), [Event::DigitEnd(PHONE, five, Duration::from_millis(20))]);
    rig.run_ms(100);
    assert!(rig.media.resting(), "and then the tick is not needed any more");
}
