//! When a port sends, so that its stream neither starves nor doubles across joins, prompts and a partner that falls silent.
//!
//! Forwarded packets leave when they come, our own on the tick, and the two are out of phase. `lead` is how far the
//! sound sent since the last change runs ahead of time: a join that comes right after a tick adds to it, and the first
//! tick after a part pays it back by waiting for the next one.

use crate::limits::TRUNK_GAP;
use crate::units::{FRAME_TIME, Instant};

const FRAME_US: i64 = FRAME_TIME.as_micros() as i64;
/// What a timer may come late without anything being heard of it.
const SLACK_US: i64 = 2_000;
/// Lead that is worth waiting a tick for.
const LEAD_US: i64 = FRAME_US / 2;
const LEAD_RANGE_US: (i64, i64) = (-2 * FRAME_US, 3 * FRAME_US);
const GAP_US: i64 = TRUNK_GAP.as_micros() as i64;
/// What a peer is made to keep in its jitter buffer at most beyond what the partner's own jitter makes it keep.
const AHEAD_US: i64 = 2 * FRAME_US;

/// The pace of one port's outgoing stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    sent: Instant,
    length_us: i64,
    lead_us: i64,
    flowing: bool,
    /// Silence was sent in the partner's stead, and what it stood for may still come.
    owed: bool,
}

impl Pace {
    /// A stream whose first packet is due at the next tick.
    pub(super) fn new(now: Instant) -> Self {
        let sent = Instant(now.0.saturating_sub(FRAME_US as u64));
        Self { sent, length_us: FRAME_US, lead_us: 0, flowing: false, owed: false }
    }

    /// Whether the partner's packets are what the peer hears.
    pub(super) const fn flowing(&self) -> bool {
        self.flowing
    }

    /// A join began or ended: what was owed is forgotten, and the tick takes over until a packet is forwarded.
    pub(super) fn switch(&mut self) {
        self.flowing = false;
        self.owed = false;
    }

    /// At a tick: whether to wait for the next one, because enough sound was sent already.
    pub(super) fn holds(&self, now: Instant) -> bool {
        let since = self.since(now);
        since < FRAME_US - SLACK_US / 2 && self.lead_us + self.length_us - since > LEAD_US
    }

    /// When something has to be sent if nothing was until then: a partner fell silent, or was parted at a bad moment.
    pub(super) fn dry_at(&self) -> Instant {
        let patience = if self.flowing { (self.length_us + FRAME_US).max(GAP_US) } else { GAP_US };
        Instant(self.sent.0 + (patience - SLACK_US) as u64)
    }

    /// A packet of our own leaves.
    pub(super) fn own(&mut self, now: Instant) {
        self.lead(now);
        self.sent(now, FRAME_US);
        self.flowing = false;
    }

    /// A packet of silence leaves in the partner's stead.
    pub(super) fn fill(&mut self, now: Instant) {
        self.own(now);
        self.owed = true;
    }

    /// Whether what is sent stands in for a partner that fell silent.
    pub(super) const fn filling(&self) -> bool {
        self.owed || self.flowing
    }

    /// A partner's packet of this many samples comes: whether it leaves. Those that come all at once after their time was
    /// filled leave only as long as the peer need not keep too much of it.
    pub(super) fn forward(&mut self, now: Instant, samples: u32) -> bool {
        let early = self.since(now) < FRAME_US / 2;
        let settling = !self.flowing || self.owed;
        let ahead = self.lead_us + self.length_us - self.since(now) > AHEAD_US;
        // The partner takes over all the same: its next packet has its own time.
        self.flowing = true;
        if settling && early && ahead {
            return false;
        }
        if settling {
            self.lead(now);
        }
        self.owed &= early;
        self.sent(now, i64::from(samples) * 125);
        true
    }

    fn lead(&mut self, now: Instant) {
        let lead = self.lead_us + self.length_us - self.since(now);
        self.lead_us = lead.clamp(LEAD_RANGE_US.0, LEAD_RANGE_US.1);
    }

    fn sent(&mut self, now: Instant, length_us: i64) {
        self.sent = now;
        self.length_us = length_us;
    }

    fn since(&self, now: Instant) -> i64 {
        i64::try_from(now.since(self.sent).as_micros()).unwrap_or(i64::MAX / 4)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TICK: u64 = 20_000;

    /// Joins and parts `cycles` times with partner packets at `phase` after the tick; returns all times of sending.
    fn switched(phase: u64, cycles: u64) -> Vec<u64> {
        let mut pace = Pace::new(Instant(0));
        let mut sent = Vec::new();
        for n in 0..cycles * 10 {
            let (tick, joined) = (Instant(n * TICK), n / 5 % 2 == 1);
            if n % 5 == 0 {
                pace.switch();
            }
            if !pace.flowing() && !pace.holds(tick) {
                pace.own(tick);
                sent.push(tick.0);
            }
            let packet = Instant(tick.0 + phase);
            if joined && pace.forward(packet, 160) {
                sent.push(packet.0);
            }
        }
        sent
    }

    #[test]
    fn a_hundred_switches_neither_starve_nor_flood() {
        for phase in (500..TICK).step_by(500) {
            let sent = switched(phase, 100);
            let gaps: Vec<u64> = sent.windows(2).map(|w| w[1] - w[0]).collect();
            assert!(gaps.iter().all(|g| *g <= 40_000), "phase {phase}: {:?}", gaps.iter().max());
            let ahead = sent.len() as i64 - (sent.last().unwrap() / TICK) as i64;
            assert!((-2..=3).contains(&ahead), "phase {phase}: {ahead} packets too many");
        }
    }

    #[test]
    fn a_dry_partner_is_filled_before_the_limit_and_longer_packets_have_longer_patience() {
        for (samples, patience) in [(80, 38_000), (160, 38_000), (240, 48_000), (480, 78_000)] {
            let mut pace = Pace::new(Instant(20_000));
            assert_eq!(pace.dry_at(), Instant(38_000));
            assert!(pace.forward(Instant(7_000), samples));
            assert_eq!(pace.dry_at(), Instant(7_000 + patience), "{samples}");
        }
    }

    #[test]
    fn a_burst_after_a_gap_comes_on_top_of_what_filled_it_only_up_to_two_packets() {
        let mut pace = Pace::new(Instant(20_000));
        assert!(pace.forward(Instant(20_000), 160));
        for at in [58_000, 80_000, 100_000] {
            pace.fill(Instant(at));
        }
        // Five packets late, all at once, and the sixth in time.
        let passed: Vec<bool> = [101_000, 101_010, 101_020, 101_030, 101_040, 120_000]
            .iter()
            .map(|at| pace.forward(Instant(*at), 160))
            .collect();
        assert_eq!(passed, [true, true, true, false, false, true]);
    }
}
