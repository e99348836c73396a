//! What the media loop counts. Written by it alone, read by anyone at any time.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use serde::Serialize;

/// Why a packet was dropped without being heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Discard {
    /// For a port that is not open.
    Closed,
    /// Not RTP, or longer than any packet in use.
    Malformed,
    /// RTCP that is no report.
    Rtcp,
    /// From someone who is not the peer, while the peer is alive.
    Foreign,
    /// Received before.
    Duplicate,
    /// Far away from the stream.
    Stray,
    /// Of a payload type that was not negotiated, or empty.
    PayloadType,
    /// Too late for the tap's jitter buffer.
    Late,
    /// Belongs before something already sent to the other side, or to a gap already filled.
    Overtaken,
    /// Of a port with keys: its tag is not the peer's.
    Forged,
    /// Of a port with keys: received before, or too old to tell.
    Replayed,
    /// The port's key would be used twice: nothing is sent with it.
    Unsealed,
    /// The operating system did not take it.
    Unsent,
}

impl Discard {
    /// Each once, in order.
    pub const ALL: [Self; DISCARDS] = [
        Self::Closed,
        Self::Malformed,
        Self::Rtcp,
        Self::Foreign,
        Self::Duplicate,
        Self::Stray,
        Self::PayloadType,
        Self::Late,
        Self::Overtaken,
        Self::Forged,
        Self::Replayed,
        Self::Unsealed,
        Self::Unsent,
    ];

    /// As a label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Malformed => "malformed",
            Self::Rtcp => "rtcp",
            Self::Foreign => "foreign",
            Self::Duplicate => "duplicate",
            Self::Stray => "stray",
            Self::PayloadType => "payload_type",
            Self::Late => "late",
            Self::Overtaken => "overtaken",
            Self::Forged => "forged",
            Self::Replayed => "replayed",
            Self::Unsealed => "unsealed",
            Self::Unsent => "unsent",
        }
    }
}

/// Variants of [`Discard`].
pub const DISCARDS: usize = Discard::Unsent as usize + 1;

/// Upper bounds of the classes of lateness in microseconds; the last class has none.
pub const LATENESS_US: [u64; 9] = [100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, u64::MAX];

/// Upper bounds of the classes of a tick's cost in microseconds; the last class has none.
pub const COST_US: [u64; 9] = [20, 50, 100, 200, 500, 1_000, 2_000, 5_000, u64::MAX];

/// Rises from the start of the program.
#[derive(Debug, Default)]
pub struct Counters {
    packets_in: AtomicU64,
    packets_out: AtomicU64,
    forwarded: AtomicU64,
    lost: AtomicU64,
    filled: AtomicU64,
    events_lost: AtomicU64,
    tap_frames_lost: AtomicU64,
    studio_frames_lost: AtomicU64,
    digits_lost: AtomicU64,
    ticks_skipped: AtomicU64,
    collisions: AtomicU64,
    reports_in: AtomicU64,
    reports_out: AtomicU64,
    discards: [AtomicU64; DISCARDS],
    lateness: [AtomicU64; LATENESS_US.len()],
    cost: [AtomicU64; COST_US.len()],
    late_us: AtomicU64,
    cost_us: AtomicU64,
}

/// [`Counters`] at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// RTP packets of open ports' peers that were heard.
    pub packets_in: u64,
    /// RTP packets sent, forwarded ones included.
    pub packets_out: u64,
    /// RTP packets passed on to the other side of a join.
    pub forwarded: u64,
    /// RTP packets that never came; late ones are counted back.
    pub lost: u64,
    /// Packets of silence sent because a joined side's sound dried up.
    pub filled: u64,
    /// Facts lost because the control loop did not read them.
    pub events_lost: u64,
    /// Frames lost because the listener did not read them.
    pub tap_frames_lost: u64,
    /// Frames lost because the studio did not read them: gaps in recordings.
    pub studio_frames_lost: u64,
    /// Keys not sent: the queue was full, or a hook flash for a peer without telephone-events.
    pub digits_lost: u64,
    /// Ticks that could not be made up for after a stall.
    pub ticks_skipped: u64,
    /// Peers that had our own source number, RFC 3550 §8.2.
    pub collisions: u64,
    /// RTCP reports of peers that were read.
    pub reports_in: u64,
    /// RTCP reports and goodbyes sent.
    pub reports_out: u64,
    /// By [`Discard`], in its order.
    pub discards: [u64; DISCARDS],
    /// Ticks by lateness, in the classes of [`LATENESS_US`].
    pub lateness: [u64; LATENESS_US.len()],
    /// Ticks by what they cost, in the classes of [`COST_US`].
    pub cost: [u64; COST_US.len()],
    /// Lateness of all ticks together, microseconds.
    pub late_us: u64,
    /// Cost of all ticks together, microseconds.
    pub cost_us: u64,
}

impl Counted {
    /// Packets dropped for one reason.
    pub const fn discarded(&self, why: Discard) -> u64 {
        self.discards[why as usize]
    }
}

/// One more. There is one writer, so this needs no locked instruction.
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(n), Relaxed);
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident => $field:ident),+ $(,)?) => {
        $($(#[$doc])* pub(super) fn $name(&self) { add(&self.$field, 1); })+
    };
}

impl Counters {
    counts! {
        packet_in => packets_in,
        packet_out => packets_out,
        forwarded => forwarded,
        filled => filled,
        event_lost => events_lost,
        tap_frame_lost => tap_frames_lost,
        studio_frame_lost => studio_frames_lost,
        digit_lost => digits_lost,
        collision => collisions,
        report_in => reports_in,
        report_out => reports_out,
    }

    pub(super) fn discard(&self, why: Discard) {
        add(&self.discards[why as usize], 1);
    }

    pub(super) fn missing(&self, packets: u16) {
        add(&self.lost, u64::from(packets));
    }

    pub(super) fn found(&self) {
        self.lost.store(self.lost.load(Relaxed).saturating_sub(1), Relaxed);
    }

    pub(super) fn ticks_skipped(&self, ticks: u64) {
        add(&self.ticks_skipped, ticks);
    }

    pub(super) fn tick(&self, late: Duration) {
        let us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let class = LATENESS_US.iter().position(|bound| us < *bound).unwrap_or(LATENESS_US.len() - 1);
        add(&self.lateness[class], 1);
        add(&self.late_us, us);
    }

    /// A tick has taken so long.
    pub(super) fn cost(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let class = COST_US.iter().position(|bound| us < *bound).unwrap_or(COST_US.len() - 1);
        add(&self.cost[class], 1);
        add(&self.cost_us, us);
    }

    /// All of them. Not one instant's truth, but each by itself is.
    pub fn read(&self) -> Counted {
        let get = |c: &AtomicU64| c.load(Relaxed);
        Counted {
            packets_in: get(&self.packets_in),
            packets_out: get(&self.packets_out),
            forwarded: get(&self.forwarded),
            lost: get(&self.lost),
            filled: get(&self.filled),
            events_lost: get(&self.events_lost),
            tap_frames_lost: get(&self.tap_frames_lost),
            studio_frames_lost: get(&self.studio_frames_lost),
            digits_lost: get(&self.digits_lost),
            ticks_skipped: get(&self.ticks_skipped),
            collisions: get(&self.collisions),
            reports_in: get(&self.reports_in),
            reports_out: get(&self.reports_out),
            discards: core::array::from_fn(|i| get(&self.discards[i])),
            lateness: core::array::from_fn(|i| get(&self.lateness[i])),
            cost: core::array::from_fn(|i| get(&self.cost[i])),
            late_us: get(&self.late_us),
            cost_us: get(&self.cost_us),
        }
    }
}
