//! What the two ends of a stream tell each other about it: RTCP sender and receiver reports, RFC 3550 §6. The only place
//! that knows `rtcp-types`, which reads; what is written has one form and is written here, without allocating.

use super::stream::{Receiver, Sender};
use crate::units::{Instant, SAMPLE_RATE_HZ};
use core::time::Duration;
use rtcp_types::{ReceiverReport, ReportBlock, RtcpPacketParser, SenderReport};
use schemars::JsonSchema;
use serde::Serialize;

/// Longest report taken: one Ethernet frame.
pub const LONGEST: usize = 1500;
/// Room for a report of ours: a sender report with one block, a name and a goodbye.
pub const REPORT_BYTES: usize = 96;
/// RFC 3550 §6.2: the least time between two reports; of two members the bandwidth never asks for more.
const INTERVAL_US: f64 = 5_000_000.0;
/// RFC 3550 §6.3.1: makes up for what reconsideration delays, e − 3/2.
const COMPENSATION: f64 = 1.218_28;
/// RFC 3550 §6.5.1: octets of our canonical name.
const NAME_BYTES: usize = 16;
const VERSION: u8 = 0x80;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// How a stream fares, as it is known on both of its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quality {
    /// Packets received of the stream that is up.
    pub received: u32,
    /// Packets of it that never came; negative if copies outnumber them.
    pub lost: i32,
    /// Interarrival jitter, microseconds.
    pub jitter_us: u32,
    /// Time that was concealed where the box decodes, milliseconds.
    pub concealed_ms: u64,
    /// How long sound waits for jitter where the box decodes, milliseconds.
    pub delay_ms: u32,
    /// What the peer says of the stream that we send; `None` until it reports.
    pub far: Option<Far>,
}

impl Quality {
    /// Share of the packets that never came, 0 to 1.
    pub fn loss(&self) -> f64 {
        let lost = f64::from(self.lost.max(0));
        lost / (lost + f64::from(self.received)).max(1.0)
    }
}

/// What the peer reports of our stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Far {
    /// Share lost since its report before, in 256ths.
    pub lost_256ths: u8,
    /// Packets lost in all; negative if copies outnumber them.
    pub lost: i32,
    /// Interarrival jitter, microseconds.
    pub jitter_us: u32,
    /// To the peer and back without its own time, microseconds. `None` until it has seen a report of ours.
    pub round_trip_us: Option<u32>,
}

/// Why a report was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The reports of one port.
#[derive(Clone, Copy, Debug)]
pub struct Reports {
    next: Instant,
    dice: u64,
    name: [u8; NAME_BYTES],
    /// Packets received and expected at our last report.
    before: (u32, u32),
    /// Packets sent at our last report and the one before it.
    sent_before: [u32; 2],
    /// The middle of the timestamp in the peer's last sender report, and when that came. RFC 3550 §6.4.1: LSR.
    last: Option<(u32, Instant)>,
    far: Option<Far>,
    said_goodbye: bool,
}

impl Reports {
    /// A port that opens now. The seed makes the name and the intervals.
    pub fn new(now: Instant, seed: u64) -> Self {
        let mut reports = Self {
            next: now,
            dice: seed ^ 0x5851_f42d_4c95_7f2d,
            name: [0; NAME_BYTES],
            before: (0, 0),
            sent_before: [0; 2],
            last: None,
            far: None,
            said_goodbye: false,
        };
        // RFC 7022 §4.2: a name for this call alone, which tells nothing of the box.
        for place in 0..NAME_BYTES {
            reports.name[place] = b"0123456789abcdef"[(reports.roll() >> 60) as usize];
        }
        // RFC 3550 §6.2: the first report comes after half the interval.
        reports.next = now + reports.interval() / 2;
        reports
    }

    /// When the next report is due.
    pub const fn due_at(&self) -> Instant {
        self.next
    }

    /// A report is due: sets the time of the next one and writes this one. The second is how much of it is used.
    pub fn write(
        &mut self,
        now: Instant,
        sender: &Sender,
        receiver: &Receiver,
    ) -> ([u8; REPORT_BYTES], usize) {
        self.next = now + self.interval();
        let (packets, octets) = sender.sent();
        let mut out = Writer { bytes: [0; REPORT_BYTES], at: 0 };
        let blocks = u8::from(receiver.ssrc().is_some());
        // RFC 3550 §6.4: a sender report if anything was sent since the report before the last.
        if packets == self.sent_before[1] {
            out.head(RECEIVER_REPORT, blocks, 1 + 6 * u16::from(blocks), sender.ssrc());
        } else {
            out.head(SENDER_REPORT, blocks, 6 + 6 * u16::from(blocks), sender.ssrc());
            // RFC 3550 §4: any clock that both timestamps of a report are read from; ours began with the program.
            let (seconds, fraction) = ntp(now);
            for word in [seconds, fraction, sender.timestamp(), packets, octets] {
                out.word(word);
            }
        }
        self.sent_before = [packets, self.sent_before[0]];
        if let Some(ssrc) = receiver.ssrc() {
            self.block(now, ssrc, receiver, &mut out);
        }
        self.describe(sender.ssrc(), &mut out);
        (out.bytes, out.at)
    }

    /// The last words of a source: it leaves, or takes another number.
    pub fn goodbye(&self, ssrc: u32) -> ([u8; REPORT_BYTES], usize) {
        let mut out = Writer { bytes: [0; REPORT_BYTES], at: 0 };
        // RFC 3550 §6.1: every compound packet begins with a report, an empty one if there is nothing to report.
        out.head(RECEIVER_REPORT, 0, 1, ssrc);
        self.describe(ssrc, &mut out);
        out.head(GOODBYE, 1, 1, ssrc);
        (out.bytes, out.at)
    }

    fn block(&mut self, now: Instant, ssrc: u32, receiver: &Receiver, out: &mut Writer) {
        let (received, expected) = receiver.received();
        // RFC 3550 §A.3: a stream that began anew counts from its start.
        let (received_before, expected_before) = if expected < self.before.1 { (0, 0) } else { self.before };
        let (interval, came) = (expected - expected_before, received.wrapping_sub(received_before));
        let lost = interval.saturating_sub(came);
        let fraction = if interval == 0 { 0 } else { u64::from(lost) * 256 / u64::from(interval) };
        self.before = (received, expected);
        out.word(ssrc);
        let cumulative = receiver.lost().clamp(-(1 << 23), (1 << 23) - 1) as u32 & 0x00ff_ffff;
        out.word((fraction.min(255) as u32) << 24 | cumulative);
        out.word(receiver.highest());
        out.word(receiver.jitter());
        let (last, since) = match self.last {
            Some((last, at)) => (last, (now.since(at).as_micros() * 65_536 / 1_000_000) as u32),
            None => (0, 0),
        };
        out.word(last);
        out.word(since);
    }

    fn describe(&self, ssrc: u32, out: &mut Writer) {
        // One chunk: the source, CNAME with its length, the name, and one to four zeros up to the next word.
        out.head(DESCRIPTION, 1, 1 + (2 + NAME_BYTES as u16 + 2) / 4, ssrc);
        out.octets(&[1, NAME_BYTES as u8]);
        out.octets(&self.name);
        out.octets(&[0, 0]);
    }

    /// Reads what came. A goodbye is noted and ends nothing: calls end in the signalling.
    pub fn hear(
        &mut self,
        now: Instant,
        bytes: &[u8],
        ours: u32,
        peers: Option<u32>,
    ) -> Result<(), Malformed> {
        // RFC 3550 §A.2: it begins with a report, and all lengths add up.
        let begins = matches!(bytes.get(1), Some(&(SENDER_REPORT | RECEIVER_REPORT)));
        if !begins || bytes.len() > LONGEST {
            return Err(Malformed);
        }
        let mut rest = bytes;
        while let &[first, kind, high, low, ..] = rest {
            // The crate's reader of whole compounds allocates for descriptions, which nobody here reads.
            let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
            let (packet, after) = rest.split_at_checked(length).ok_or(Malformed)?;
            if first & 0xc0 != VERSION {
                return Err(Malformed);
            }
            match kind {
                SENDER_REPORT => {
                    let report = SenderReport::parse(packet).map_err(|_| Malformed)?;
                    if peers == Some(report.ssrc()) {
                        self.last = Some(((report.ntp_timestamp() >> 16) as u32, now));
                    }
                    report.report_blocks().filter(|b| b.ssrc() == ours).for_each(|b| self.learn(now, &b));
                }
                RECEIVER_REPORT => {
                    let report = ReceiverReport::parse(packet).map_err(|_| Malformed)?;
                    report.report_blocks().filter(|b| b.ssrc() == ours).for_each(|b| self.learn(now, &b));
                }
                GOODBYE => self.said_goodbye = true,
                _ => {}
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Malformed);
        }
        Ok(())
    }

    fn learn(&mut self, now: Instant, block: &ReportBlock<'_>) {
        // RFC 3550 §6.4.1: A − LSR − DLSR, in 65536ths of a second; what is no time at all is a lie.
        let (seconds, fraction) = ntp(now);
        let arrived = seconds << 16 | fraction >> 16;
        let (last, since) =
            (block.last_sender_report_timestamp(), block.delay_since_last_sender_report_timestamp());
        let trip = arrived.wrapping_sub(last).wrapping_sub(since);
        let seen = last != 0 && trip < 60 << 16;
        let round_trip_us = seen.then(|| (u64::from(trip) * 1_000_000 / 65_536) as u32);
        // 24 bits with a sign.
        let lost = ((block.cumulative_lost() << 8) as i32) >> 8;
        self.far = Some(Far {
            lost_256ths: block.fraction_lost(),
            lost,
            jitter_us: samples_to_us(block.interarrival_jitter()),
            round_trip_us: round_trip_us.or_else(|| self.far.and_then(|far| far.round_trip_us)),
        });
    }

    /// How the peer says our stream fares.
    pub const fn far(&self) -> Option<Far> {
        self.far
    }

    /// Whether the peer's source has left.
    pub const fn said_goodbye(&self) -> bool {
        self.said_goodbye
    }

    /// RFC 3550 §6.3.1: half to one and a half of the interval, so that nobody falls into step with another.
    fn interval(&mut self) -> Duration {
        let share = 0.5 + (self.roll() >> 11) as f64 / (1u64 << 53) as f64;
        Duration::from_micros((INTERVAL_US * share / COMPENSATION) as u64)
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The high half is the better one.
        self.dice ^ self.dice.rotate_left(29)
    }
}

/// RTP clock units of telephony as microseconds.
pub const fn samples_to_us(samples: u32) -> u32 {
    samples.saturating_mul(1_000_000 / SAMPLE_RATE_HZ)
}

/// Seconds and their 2^32nds.
fn ntp(now: Instant) -> (u32, u32) {
    let (seconds, rest) = (now.0 / 1_000_000, now.0 % 1_000_000);
    (seconds as u32, ((rest << 32) / 1_000_000) as u32)
}

struct Writer {
    bytes: [u8; REPORT_BYTES],
    at: usize,
}

impl Writer {
    /// `words` is what RFC 3550 counts: 32-bit words after the first.
    fn head(&mut self, kind: u8, count: u8, words: u16, ssrc: u32) {
        let [high, low] = words.to_be_bytes();
        self.octets(&[VERSION | count, kind, high, low]);
        self.word(ssrc);
    }

    fn word(&mut self, word: u32) {
        self.octets(&word.to_be_bytes());
    }

    fn octets(&mut self, octets: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.at..self.at + octets.len()) {
            room.copy_from_slice(octets);
            self.at += octets.len();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rtp::packet::Header;
    use rtcp_types::{Compound, Packet};

    const MS: u64 = 1000;

    fn header(sequence: u16) -> Header {
        Header { payload_type: 0, marker: false, sequence, timestamp: u32::from(sequence) * 160, ssrc: 77 }
    }

    /// One end: what it sends and hears of the other.
    struct End {
        sender: Sender,
        receiver: Receiver,
        reports: Reports,
    }

    fn end(seed: u64) -> End {
        let reports = Reports::new(Instant(1_000 * MS), seed);
        End { sender: Sender::new(seed), receiver: Receiver::default(), reports }
    }

    fn report(end: &mut End, now: Instant) -> Vec<u8> {
        let (bytes, length) = end.reports.write(now, &end.sender, &end.receiver);
        bytes[..length].to_vec()
    }

    fn hear(end: &mut End, now: Instant, bytes: &[u8]) -> Result<(), Malformed> {
        end.reports.hear(now, bytes, end.sender.ssrc(), end.receiver.ssrc())
    }

    #[test]
    fn two_ends_learn_loss_jitter_and_the_way_there_and_back() {
        let (mut a, mut b) = (end(1), end(2));
        // 100 packets each way; of those to b every fourth is lost.
        for n in 0..100u64 {
            let there = a.sender.own(0, 160, false);
            let back = b.sender.own(0, 160, false);
            a.receiver.accept(&back);
            if n % 4 != 3 {
                b.receiver.accept(&there);
            }
        }
        let at = |ms: u64| Instant(2_000 * MS + ms * MS);
        // 30 ms there, 200 ms of thought, 30 ms back.
        let first = report(&mut a, at(0));
        hear(&mut b, at(30), &first).unwrap();
        let second = report(&mut b, at(230));
        hear(&mut a, at(260), &second).unwrap();
        let far = a.reports.far().unwrap();
        assert!((59_000..61_000).contains(&far.round_trip_us.unwrap()), "{far:?}");
        // The last one lost is not known to be missing: 24 of 99.
        assert_eq!((far.lost, far.lost_256ths), (24, (24 * 256 / 99) as u8));
        assert_eq!(b.reports.far().unwrap().lost, 0);
        assert_eq!(b.reports.far().unwrap().round_trip_us, None, "a has seen no report when it wrote");
        // The share counts from report to report.
        let second = report(&mut b, at(5_000));
        hear(&mut a, at(5_030), &second).unwrap();
        assert_eq!(a.reports.far().unwrap().lost_256ths, 0);
    }

    #[test]
    fn what_is_written_is_what_the_crate_reads() {
        let mut a = end(3);
        a.sender.own(0, 160, false);
        a.receiver.accept(&header(9));
        let kinds = |bytes: &[u8]| -> Vec<u8> {
            Compound::parse(bytes)
                .unwrap()
                .map(|p| match p.unwrap() {
                    Packet::Sr(r) => {
                        assert_eq!((r.packet_count(), r.octet_count(), r.n_reports()), (1, 160, 1));
                        200
                    }
                    Packet::Rr(_) => 201,
                    Packet::Sdes(s) => {
                        let chunk = s.chunks().next().unwrap();
                        let item = chunk.items().next().unwrap();
                        assert_eq!((item.type_(), item.value().len()), (1, NAME_BYTES));
                        202
                    }
                    Packet::Bye(b) => {
                        assert_eq!(b.ssrcs().collect::<Vec<_>>(), [5]);
                        203
                    }
                    other => unreachable!("{other:?}"),
                })
                .collect()
        };
        let bytes = report(&mut a, Instant(9_000 * MS));
        assert_eq!(kinds(&bytes), [200, 202]);
        report(&mut a, Instant(14_000 * MS));
        let quiet = report(&mut a, Instant(19_000 * MS));
        assert_eq!(kinds(&quiet), [201, 202], "nothing was sent for two reports");
        let (bytes, length) = a.reports.goodbye(5);
        assert_eq!(kinds(&bytes[..length]), [201, 202, 203]);
    }

    #[test]
    fn reports_are_five_seconds_apart_on_the_whole_and_never_in_step() {
        let mut a = end(4);
        assert!(a.reports.due_at().since(Instant(1_000 * MS)) < Duration::from_millis(3_100));
        let mut gaps = Vec::new();
        for _ in 0..1000 {
            let now = a.reports.due_at();
            report(&mut a, now);
            gaps.push(a.reports.due_at().since(now).as_millis());
        }
        // RFC 3550 §6.3.1: 2.5 to 7.5 s, divided by 1.218.
        assert!(gaps.iter().all(|g| (2_052..=6_157).contains(g)));
        let mean = gaps.iter().sum::<u128>() / 1000;
        assert!((3_900..4_300).contains(&mean), "{mean}");
        assert_ne!(end(5).reports.due_at(), end(6).reports.due_at());
        assert_ne!(end(5).reports.name, end(6).reports.name);
    }

    #[test]
    fn what_is_no_report_changes_nothing_and_a_goodbye_is_only_noted() {
        let mut a = end(7);
        a.receiver.accept(&header(1));
        let whole = report(&mut a, Instant(9_000 * MS));
        let mut cases: Vec<Vec<u8>> = (0..whole.len()).map(|n| whole[..n].to_vec()).collect();
        // Longer than it is, version 1, begins with a description, too long.
        cases.push([whole.clone(), vec![0x81]].concat());
        cases.push([vec![0x41], whole[1..].to_vec()].concat());
        cases.push(whole[whole.len() - 28..].to_vec());
        cases.push(vec![0x80; LONGEST + 4]);
        for (n, case) in cases.iter().enumerate() {
            let cut_between = n == whole.len() - 28;
            assert_eq!(hear(&mut a, Instant(9_500 * MS), case).is_err(), !cut_between, "case {n}");
        }
        assert_eq!(a.reports.far(), None, "the blocks are of another's stream");
        let (bytes, length) = end(8).reports.goodbye(77);
        hear(&mut a, Instant(9_500 * MS), &bytes[..length]).unwrap();
        assert!(a.reports.said_goodbye());
    }

    #[test]
    fn junk_is_survived() {
        let (mut a, mut dice) = (end(9), 1u64);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..32)
                .map(|_| {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (dice >> 56) as u8
                })
                .collect();
            bytes[0] = 0x80 | bytes[0] & 0x1f;
            bytes[1] = 200 + bytes[1] % 8;
            (bytes[2], bytes[3]) = (0, bytes[3] % 8);
            let _ = hear(&mut a, Instant(9_500 * MS), &bytes);
        }
    }
}
