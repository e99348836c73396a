//! Keys: sent as events or in the band, and told when the peer presses one.

use super::*;

#[test]
fn keys_are_sent_as_events_in_order_and_sound_goes_on_in_time_after_them() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.speak(PHONE, true);
    rig.run_ms(100);
    for c in "1*#!".chars() {
        rig.order(MediaCommand::Digit(TRUNK, Digit::from_char(c).unwrap()));
    }
    rig.run_ms(1200);
    let sent = rig.take(TRUNK);
    assert_unbroken(&sent);
    let mut presses = crate::rtp::digit::Presses::default();
    let events = sent.iter().filter(|s| s.header.payload_type == 101);
    let heard: String =
        events.filter_map(|s| presses.hear(&s.header, &s.payload)).map(Digit::as_char).collect();
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
    rig.order(MediaCommand::Digit(TRUNK, Digit::from_char('5').unwrap()));
    rig.order(MediaCommand::Digit(TRUNK, Digit::FLASH));
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
        rig.order(MediaCommand::Digit(TRUNK, Digit::STAR));
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
    let key = Event::Digit(PHONE, Digit::from_char('7').unwrap());
    assert_eq!(rig.events(), [Event::Heard(PHONE), key, key]);
    assert!(rig.take(TRUNK).iter().all(|s| s.header.payload_type == 0));
}
