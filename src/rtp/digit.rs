//! Keys as telephone-events, RFC 4733.

use super::packet::Header;
use crate::units::{Digit, FRAME_SAMPLES};

/// Power in −dBm0 that a gateway gives the tone it makes of our event.
const VOLUME: u8 = 10;
/// Frames a key is held: 100 ms.
const HELD_FRAMES: u8 = 5;
/// RFC 4733 §2.5.1.4: the last packet is sent three times.
const ENDS: u8 = 3;
/// Frames of other sound between two keys: 100 ms, more than any receiver asks for (ITU-T Q.24: 65 ms).
pub const PAUSE_FRAMES: u8 = 5;

/// A packet of an event this much older than the last one is late; older still, the peer's clock was set: two seconds.
const STRAGGLER_SAMPLES: i32 = 16_000;

/// RFC 4733 §2.5.1.3: the longest segment of a press.
const SEGMENT_SAMPLES: i32 = 65_535;
/// What may be missing of a segment's end: ten packets of 20 ms, or four of 50.
const LOST_SAMPLES: i32 = 1_600;

#[derive(Clone, Copy, Debug)]
struct Press {
    ssrc: u32,
    timestamp: u32,
    event: u8,
    duration: u16,
    ended: bool,
}

/// Finds the presses among the packets of events of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presses {
    last: Option<Press>,
}

impl Presses {
    /// The key, if this packet is the first heard of its press. Which packets of a press arrive does not matter.
    pub fn hear(&mut self, header: &Header, payload: &[u8]) -> Option<Digit> {
        let &[event, flags, high, low, ..] = payload else { return None };
        let digit = Digit::from_event(event)?;
        let press = Press {
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            event,
            duration: u16::from_be_bytes([high, low]),
            ended: flags & 0x80 != 0,
        };
        let known = self.last.filter(|l| l.ssrc == press.ssrc);
        if let Some(last) = known {
            let later = press.timestamp.wrapping_sub(last.timestamp) as i32;
            if later < 0 && later > -STRAGGLER_SAMPLES {
                return None;
            }
            if later == 0 && last.event == press.event {
                let ended = last.ended || press.ended;
                self.last = Some(Press { ended, duration: press.duration.max(last.duration), ..press });
                return None;
            }
            // RFC 4733 §2.5.1.3: a press too long for the field goes on in segments that touch.
            // Its last packet may be lost: a full segment is one all the same, if the press was heard close to its end.
            let touches = later == i32::from(last.duration)
                || later == SEGMENT_SAMPLES && i32::from(last.duration) > SEGMENT_SAMPLES - LOST_SAMPLES;
            if !last.ended && last.event == press.event && touches {
                self.last = Some(press);
                return None;
            }
        }
        self.last = Some(press);
        Some(digit)
    }
}

/// A press on its way out, a packet every 20 ms.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    digit: Digit,
    sent: u8,
}

/// One packet of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// The whole payload, RFC 4733 §2.3.
    pub payload: [u8; 4],
    /// The press begins with it.
    pub first: bool,
}

impl Sending {
    /// A press of 100 ms.
    pub const fn new(digit: Digit) -> Self {
        Self { digit, sent: 0 }
    }

    /// The packet of the next 20 ms, `None` after the last.
    pub fn poll(&mut self) -> Option<EventPacket> {
        if self.sent >= HELD_FRAMES + ENDS - 1 {
            return None;
        }
        self.sent += 1;
        let end = if self.sent >= HELD_FRAMES { 0x80 } else { 0 };
        let duration = u16::from(self.sent.min(HELD_FRAMES)) * FRAME_SAMPLES as u16;
        let [high, low] = duration.to_be_bytes();
        Some(EventPacket { payload: [self.digit.event(), end | VOLUME, high, low], first: self.sent == 1 })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn header(timestamp: u32) -> Header {
        Header { payload_type: 101, marker: false, sequence: 0, timestamp, ssrc: 1 }
    }

    /// All packets of one press, as we send them.
    fn press(c: char, timestamp: u32) -> Vec<(Header, [u8; 4])> {
        let mut sending = Sending::new(Digit::from_char(c).unwrap());
        std::iter::from_fn(|| sending.poll()).map(|p| (header(timestamp), p.payload)).collect()
    }

    fn heard(packets: &[(Header, [u8; 4])]) -> String {
        let mut presses = Presses::default();
        packets.iter().filter_map(|(h, p)| presses.hear(h, p)).map(Digit::as_char).collect()
    }

    #[test]
    fn a_press_is_sent_as_the_rfc_draws_it() {
        let mut sending = Sending::new(Digit::STAR);
        let packets: Vec<_> = std::iter::from_fn(|| sending.poll()).collect();
        let durations: Vec<u16> =
            packets.iter().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]])).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        assert!(packets.iter().all(|p| p.payload[0] == 10 && p.payload[1] & 0x3f == 10));
        assert_eq!(packets.iter().map(|p| p.payload[1] >> 7).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 1, 1]);
        assert_eq!(packets.iter().filter(|p| p.first).count(), 1);
    }

    #[test]
    fn any_surviving_packet_is_one_press() {
        let (a, b, c) = (press('1', 1000), press('1', 4000), press('!', 9000));
        let all: Vec<_> = [a, b, c].concat();
        assert_eq!(heard(&all), "11!");
        // Every way to lose packets that leaves at least one of each press.
        for mask in 1u32..128 {
            let kept: Vec<_> =
                all.iter().enumerate().filter(|(i, _)| mask >> (i % 7) & 1 == 1).map(|(_, p)| *p).collect();
            assert_eq!(heard(&kept), "11!", "mask {mask:07b}");
        }
    }

    /// The fifteen things that naive stacks get wrong, [`crate::sip`]'s `ua_tests::points`.
    #[test]
    fn point_11_digits_by_timestamp_and_event() {
        // No packet is marked, or each one: three ends are one key, and the marker says nothing.
        for marker in [false, true] {
            let marked = |packets: Vec<_>| -> Vec<_> {
                packets.into_iter().map(|(h, p)| (Header { marker, ..h }, p)).collect()
            };
            let ends = press('4', 1000).split_off(4);
            assert_eq!(ends.len(), 3);
            assert_eq!(heard(&marked(ends.clone())), "4");
            // The same event at another timestamp is another press, and so is another event at the same one.
            assert_eq!(heard(&marked([ends.clone(), press('4', 2000)].concat())), "44");
            assert_eq!(heard(&marked([ends, press('5', 1000)].concat())), "45");
        }
    }

    #[test]
    fn a_straggler_of_the_key_before_is_no_press() {
        let (a, b) = (press('7', 1000), press('8', 3000));
        assert_eq!(heard(&[a[0], b[0], a[6], b[1], b[6]]), "78");
        assert_eq!(
            heard(&[press('7', 1_000_000)[0], press('8', 3000)[0]]),
            "78",
            "the peer's clock was set back"
        );
    }

    #[test]
    fn a_press_longer_than_the_field_is_one() {
        let segment = |timestamp, flags, duration: u16| {
            let [high, low] = duration.to_be_bytes();
            (header(timestamp), [5, flags, high, low])
        };
        let packets = [
            segment(0, 10, 160),
            segment(0, 10, 65_535),
            segment(65_535, 10, 160),
            segment(65_535, 0x8a, 800),
        ];
        assert_eq!(heard(&packets), "5");
        // The packet that fills the field is lost, and so is the end of all.
        let lost = [segment(0, 10, 64_960), segment(65_535, 10, 160), segment(131_070 - 65_535, 10, 800)];
        assert_eq!(heard(&lost), "5");
        // Its end was lost and much later the same key is pressed again.
        assert_eq!(heard(&[segment(0, 10, 480), segment(65_535, 10, 160)]), "55");
        // The same key again, touching in time but after an end, is another press.
        assert_eq!(heard(&[segment(0, 0x8a, 800), segment(800, 10, 160)]), "55");
    }

    #[test]
    fn junk_is_no_press() {
        let mut presses = Presses::default();
        assert_eq!(presses.hear(&header(0), &[1, 2, 3]), None);
        assert_eq!(presses.hear(&header(0), &[17, 10, 0, 160]), None);
    }
}
