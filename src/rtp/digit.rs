//! Keys as telephone-events, RFC 4733.

use super::packet::Header;
use crate::units::{Digit, FRAME_SAMPLES, FRAME_TIME, Instant, SAMPLE_RATE_HZ};
use core::time::Duration;

/// Power in −dBm0 that a gateway gives the tone it makes of our event.
const VOLUME: u8 = 10;
/// RFC 4733 §2.5.1.4: the last packet is sent three times.
const ENDS: u8 = 3;
/// Frames of other sound between two keys: 100 ms, more than any receiver asks for (ITU-T Q.24: 65 ms).
pub const PAUSE_FRAMES: u8 = 5;
/// A key is held at least so long, however short the press was: receivers ask for 40 to 65 ms (ITU-T Q.24).
pub const SHORTEST: Duration = Duration::from_millis(100);
/// And no longer than this, if its end is never heard of.
pub const LONGEST: Duration = Duration::from_secs(15);

/// A packet of an event this much older than the last one is late; older still, the peer's clock was set: two seconds.
const STRAGGLER_SAMPLES: i32 = 16_000;

/// RFC 4733 §2.5.1.3: the longest segment of a press.
const SEGMENT_SAMPLES: u32 = 65_535;
/// What may be missing of a press while it goes on: ten packets of 20 ms, or four of 50.
const LOST: Duration = Duration::from_millis(200);
const LOST_SAMPLES: u32 = 1_600;

#[derive(Clone, Copy, Debug)]
struct Press {
    ssrc: u32,
    timestamp: u32,
    digit: Digit,
    /// Of this segment.
    duration: u16,
    /// Samples of the segments before.
    before: u32,
    /// The packet that says so was heard.
    ended: bool,
    /// It was told that the key is no longer held.
    released: bool,
    heard: Instant,
}

impl Press {
    fn release(&mut self) -> Option<Key> {
        let samples = u64::from(self.before.saturating_add(u32::from(self.duration)));
        let held = Duration::from_micros(samples * 1_000_000 / u64::from(SAMPLE_RATE_HZ));
        (!core::mem::replace(&mut self.released, true)).then_some(Key::Released(self.digit, held))
    }
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Its press begins.
    Pressed(Digit),
    /// It is no longer held, and was for so long.
    Released(Digit, Duration),
}

/// Finds the presses among the packets of events of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presses {
    last: Option<Press>,
}

impl Presses {
    /// What this packet tells, in order. Which packets of a press arrive does not matter: the first that is heard begins it.
    pub fn hear(&mut self, now: Instant, header: &Header, payload: &[u8]) -> [Option<Key>; 3] {
        let &[event, flags, high, low, ..] = payload else { return [None; 3] };
        let Some(digit) = Digit::from_event(event) else { return [None; 3] };
        let mut press = Press {
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            digit,
            duration: u16::from_be_bytes([high, low]),
            before: 0,
            ended: flags & 0x80 != 0,
            released: false,
            heard: now,
        };
        let mut goes_on = false;
        if let Some(last) = self.last.filter(|l| l.ssrc == press.ssrc) {
            let later = press.timestamp.wrapping_sub(last.timestamp);
            if (later as i32) < 0 && (later as i32) > -STRAGGLER_SAMPLES {
                return [None; 3];
            }
            let same = last.digit == digit;
            // RFC 4733 §2.5.1.3: a press too long for the field goes on in segments that touch.
            // Its last packet may be lost: a full segment is one all the same, if the press was heard close to its end.
            let touches = later == u32::from(last.duration)
                || later == SEGMENT_SAMPLES && u32::from(last.duration) > SEGMENT_SAMPLES - LOST_SAMPLES;
            if same && later == 0 {
                let duration = press.duration.max(last.duration);
                press = Press { duration, before: last.before, ended: last.ended || press.ended, ..press };
                goes_on = true;
            } else if same && touches && !last.ended {
                press.before = last.before.saturating_add(later);
                goes_on = true;
            }
            press.released = goes_on && last.released;
        }
        let (mut before, mut began) = (None, None);
        if !goes_on {
            before = self.forget();
            began = Some(Key::Pressed(digit));
        }
        let ended = if press.ended { press.release() } else { None };
        self.last = Some(press);
        [before, began, ended]
    }

    /// A key of which nothing has come for so long that it cannot be held any more.
    pub fn expire(&mut self, now: Instant) -> Option<Key> {
        let due = |press: &&mut Press| !press.released && now.since(press.heard) >= LOST;
        self.last.as_mut().filter(due).and_then(Press::release)
    }

    /// Another stream begins.
    pub fn forget(&mut self) -> Option<Key> {
        self.last.take().and_then(|mut press| press.release())
    }

    /// A key is held.
    pub fn is_down(&self) -> bool {
        self.last.is_some_and(|press| !press.released)
    }
}

/// How long a key of ours lasts: as long as it is held, from [`SHORTEST`] to [`LONGEST`], in frames.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    frames: u32,
    until: Option<u32>,
}

impl Hold {
    /// `held`: how long, if that is known already.
    pub fn new(held: Option<Duration>) -> Self {
        Self { frames: 0, until: held.map(frames) }
    }

    /// Its end is not known yet.
    pub const fn is_open(&self) -> bool {
        self.until.is_none()
    }

    /// It was held for so long. What was sent already is not taken back.
    pub fn end(&mut self, held: Duration) {
        self.until = Some(frames(held));
    }

    /// One more frame. False: it is over.
    pub fn step(&mut self) -> bool {
        let goes_on = self.frames < self.until.unwrap_or(frames(LONGEST));
        self.frames += u32::from(goes_on);
        goes_on
    }

    /// The frame taken last is the last one.
    fn is_over(&self) -> bool {
        self.frames >= self.until.unwrap_or(frames(LONGEST))
    }
}

fn frames(held: Duration) -> u32 {
    let frames = held.clamp(SHORTEST, LONGEST).as_micros().div_ceil(FRAME_TIME.as_micros());
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// A press on its way out, a packet every 20 ms.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    digit: Digit,
    hold: Hold,
    ends: u8,
}

/// What begins with a packet of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// The press.
    Press,
    /// A segment of it: the one before was as long as the field can say.
    Segment,
    /// Nothing.
    Nothing,
}

impl Begins {
    /// How much later than the one before the segment begins, in samples.
    pub const SEGMENT: u32 = SEGMENT_SAMPLES;
}

/// One packet of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// The whole payload, RFC 4733 §2.3.
    pub payload: [u8; 4],
    /// What begins with it.
    pub begins: Begins,
}

impl Sending {
    /// A press that lasts so long.
    pub const fn new(digit: Digit, hold: Hold) -> Self {
        Self { digit, hold, ends: 0 }
    }

    /// Which key.
    pub const fn digit(&self) -> Digit {
        self.digit
    }

    /// How long it lasts.
    pub const fn hold(&mut self) -> &mut Hold {
        &mut self.hold
    }

    /// The last packet was made.
    pub const fn is_over(&self) -> bool {
        self.ends >= ENDS
    }

    /// The packet of the next 20 ms, `None` after the last.
    pub fn poll(&mut self) -> Option<EventPacket> {
        if self.is_over() {
            return None;
        }
        let grows = self.ends == 0 && self.hold.step();
        self.ends += u8::from(self.hold.is_over());
        // RFC 4733 §2.5.1.3: the packet in whose time the field overflows says all that it can; the next one begins a segment.
        let total = self.hold.frames * FRAME_SAMPLES as u32;
        let segment = (total - FRAME_SAMPLES as u32) / SEGMENT_SAMPLES;
        let before = total.saturating_sub(2 * FRAME_SAMPLES as u32) / SEGMENT_SAMPLES;
        let duration = u16::try_from(total - segment * SEGMENT_SAMPLES).unwrap_or(u16::MAX);
        let [high, low] = duration.to_be_bytes();
        let begins = match (grows, self.hold.frames) {
            (true, 1) => Begins::Press,
            (true, _) if segment > before => Begins::Segment,
            _ => Begins::Nothing,
        };
        let end = if self.ends > 0 { 0x80 } else { 0 };
        Some(EventPacket { payload: [self.digit.event(), end | VOLUME, high, low], begins })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn header(timestamp: u32) -> Header {
        Header { payload_type: 101, marker: false, sequence: 0, timestamp, ssrc: 1 }
    }

    /// All packets of one press, as we send them.
    fn press(c: char, timestamp: u32) -> Vec<(Header, [u8; 4])> {
        let mut sending = Sending::new(Digit::from_char(c).unwrap(), Hold::new(Some(SHORTEST)));
        std::iter::from_fn(|| sending.poll()).map(|p| (header(timestamp), p.payload)).collect()
    }

    fn heard(packets: &[(Header, [u8; 4])]) -> String {
        let mut presses = Presses::default();
        let told = packets.iter().flat_map(|(h, p)| presses.hear(Instant(0), h, p)).flatten();
        let pressed = |key| if let Key::Pressed(digit) = key { Some(digit.as_char()) } else { None };
        told.filter_map(pressed).collect()
    }

    #[test]
    fn a_press_is_sent_as_the_rfc_draws_it() {
        let mut sending = Sending::new(Digit::STAR, Hold::new(Some(Duration::ZERO)));
        let packets: Vec<_> = std::iter::from_fn(|| sending.poll()).collect();
        let durations: Vec<u16> =
            packets.iter().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]])).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        assert!(packets.iter().all(|p| p.payload[0] == 10 && p.payload[1] & 0x3f == 10));
        assert_eq!(packets.iter().map(|p| p.payload[1] >> 7).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 1, 1]);
        assert_eq!(packets.iter().filter(|p| p.begins == Begins::Press).count(), 1);
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
        assert_eq!(presses.hear(Instant(0), &header(0), &[1, 2, 3]), [None; 3]);
        assert_eq!(presses.hear(Instant(0), &header(0), &[17, 10, 0, 160]), [None; 3]);
    }

    /// A press of this length as it is sent, and what a receiver hears of it if it loses every packet that `lost` names.
    fn over(held: Duration, lost: impl Fn(usize) -> bool) -> (usize, Vec<Key>) {
        let mut sending = Sending::new(Digit::HASH, Hold::new(Some(held)));
        let (mut presses, mut told, mut timestamp, mut sent) = (Presses::default(), Vec::new(), 77, 0);
        for n in 0.. {
            let now = Instant(n * 20_000);
            told.extend(presses.expire(now));
            match sending.poll() {
                Some(packet) => {
                    if packet.begins == Begins::Segment {
                        timestamp += Begins::SEGMENT;
                    }
                    sent += 1;
                    if !lost(sent) {
                        told.extend(
                            presses.hear(now, &header(timestamp), &packet.payload).into_iter().flatten(),
                        );
                    }
                }
                None if now > Instant(0) + held + LONGEST => return (sent, told),
                None => {}
            }
        }
        unreachable!()
    }

    #[test]
    fn a_key_lasts_as_long_as_it_is_held_on_both_ways() {
        let ms = Duration::from_millis;
        for (held, heard) in [(0, 100), (100, 100), (101, 120), (480, 480), (3_000, 3_000), (60_000, 15_000)]
        {
            let (sent, told) = over(ms(held), |_| false);
            assert_eq!(sent as u64, heard / 20 + 2);
            assert_eq!(told, [Key::Pressed(Digit::HASH), Key::Released(Digit::HASH, ms(heard))], "{held} ms");
        }
        // Beyond 8.19 s in segments, whose length the receiver adds up.
        for held in [8_180, 8_200, 8_220, 12_000] {
            let told = over(ms(held), |_| false).1;
            let [Key::Pressed(_), Key::Released(_, heard)] = told[..] else { panic!("{told:?}") };
            assert!(heard.abs_diff(ms(held)) <= ms(20), "{held}: {heard:?}");
        }
    }

    #[test]
    fn a_release_that_is_never_heard_is_one_after_200_ms() {
        let ms = Duration::from_millis;
        // 3 s are 150 packets, the last of them sent three times.
        assert_eq!(over(ms(3_000), |n| n == 150 || n == 151).1.len(), 2, "one end is enough");
        let told = over(ms(3_000), |n| n >= 140).1;
        assert_eq!(told, [Key::Pressed(Digit::HASH), Key::Released(Digit::HASH, ms(139 * 20))]);
        // A hole in the press longer than that lets go of the key, and is no second press.
        let told = over(ms(3_000), |n| (50..70).contains(&n)).1;
        assert_eq!(told, [Key::Pressed(Digit::HASH), Key::Released(Digit::HASH, ms(49 * 20))]);
        let told = over(ms(3_000), |n| (50..58).contains(&n)).1;
        assert_eq!(told, [Key::Pressed(Digit::HASH), Key::Released(Digit::HASH, ms(3_000))]);
    }

    #[test]
    fn the_next_key_lets_go_of_the_one_before() {
        let mut presses = Presses::default();
        let mut hear = |ms: u64, timestamp, event, flags, duration: u16| {
            let [high, low] = duration.to_be_bytes();
            let told = presses.hear(Instant(ms * 1000), &header(timestamp), &[event, flags, high, low]);
            told.into_iter().flatten().collect::<Vec<_>>()
        };
        let (one, two) = (Digit::from_char('1').unwrap(), Digit::from_char('2').unwrap());
        let ms = Duration::from_millis;
        assert_eq!(hear(0, 0, 1, 10, 160), [Key::Pressed(one)]);
        assert_eq!(hear(20, 0, 1, 10, 320), []);
        assert_eq!(hear(180, 1440, 2, 10, 160), [Key::Released(one, ms(40)), Key::Pressed(two)]);
        assert_eq!(hear(200, 0, 1, 0x8a, 480), [], "a straggler");
        assert_eq!(hear(220, 1440, 2, 0x8a, 480), [Key::Released(two, ms(60))]);
        assert_eq!(hear(240, 1440, 2, 0x8a, 480), [], "once");
        assert_eq!(hear(500, 4000, 2, 0x8a, 800), [Key::Pressed(two), Key::Released(two, ms(100))]);
        assert!(!presses.is_down());
    }
}
