//! One RTP socket's worth of state.

use super::command::{Seat, SoundId, Stream};
use super::latch::Latch;
use super::pace::Pace;
use super::voice::Voice;
use crate::dsp::mix::Limiter;
use crate::dsp::noise::Noise;
use crate::dsp::tone::Generator;
use crate::rtp::digit::Presses;
use crate::rtp::report::Reports;
use crate::rtp::stream::{Receiver, Sender};
use crate::units::{Codec, Instant};
use core::time::Duration;
use std::net::SocketAddr;

/// Comfort noise, RFC 3389 §4.
const COMFORT_NOISE: u8 = 13;
/// Comfort noise before it had a number of its own; reserved by RFC 3551 §6 for that reason.
const OLD_COMFORT_NOISE: u8 = 19;
/// Silence of the peer is told after this …
const STARVED: Duration = Duration::from_secs(2);
/// … and again and again after that.
const STARVED_AGAIN: Duration = Duration::from_secs(10);

/// Payload type of telephone-events in every offer of ours.
const OFFERED_EVENT: u8 = 101;

/// What a payload type stands for on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Sound(Codec),
    Event,
    ComfortNoise,
    Unknown,
}

impl Stream {
    /// What a received payload type stands for. Both laws are always understood: peers mix them up.
    pub(super) fn content(&self, payload_type: u8) -> Content {
        match payload_type {
            t if Some(t) == self.event_type => Content::Event,
            t if t == self.payload_type => Content::Sound(self.codec),
            // RFC 3264 §5.1: each side names what it wants to receive, so a peer that answers with another number still
            // sends the one that our offer names.
            OFFERED_EVENT => Content::Event,
            0 => Content::Sound(Codec::Pcmu),
            8 => Content::Sound(Codec::Pcma),
            COMFORT_NOISE | OLD_COMFORT_NOISE => Content::ComfortNoise,
            _ => Content::Unknown,
        }
    }
}

/// When the peer was last heard and what was told of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hearing {
    last: Instant,
    complain_at: Instant,
    told: bool,
}

impl Hearing {
    fn new(now: Instant) -> Self {
        Self { last: now, complain_at: now + STARVED, told: false }
    }

    /// A packet came. True if that is news.
    pub(super) fn heard(&mut self, now: Instant) -> bool {
        let news = !self.told;
        *self = Self { told: true, ..Self::new(now) };
        news
    }

    /// For how many seconds nothing came, when that has to be told.
    pub(super) fn starved(&mut self, now: Instant) -> Option<u32> {
        if now < self.complain_at {
            return None;
        }
        self.complain_at += STARVED_AGAIN;
        self.told = false;
        u32::try_from(now.since(self.last).as_secs()).ok()
    }
}

/// A port of the table.
pub(super) struct Port {
    /// In use. Everything else is left over from the last call if not.
    pub(super) open: bool,
    /// Index of the port it is joined to.
    pub(super) partner: Option<u16>,
    pub(super) stream: Stream,
    pub(super) latch: Latch,
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
    pub(super) pace: Pace,
    pub(super) hearing: Hearing,
    pub(super) presses: Presses,
    pub(super) voice: Voice,
    /// The room it is in, and as what.
    pub(super) room: Option<(u16, Seat)>,
    /// Keeps what it hears of the room below overload.
    pub(super) limiter: Limiter,
    /// Sounds over all that it sends.
    pub(super) overlay: Option<Generator>,
    /// A sound over that, once, and how many samples of it have been heard.
    pub(super) over: Option<(SoundId, usize)>,
    /// Openings of this port so far.
    pub(super) epoch: u32,
    /// The grid's count when the port was opened.
    pub(super) opened: u64,
    /// What it hears goes to the listener.
    pub(super) tapped: bool,
    /// What it hears and says goes to the studio.
    pub(super) studio: bool,
    /// Somebody needs what it hears in frames.
    pub(super) decodes: bool,
    /// The peer announced silence and has not spoken since, RFC 3389: the noise of its room.
    pub(super) comfort: Option<Noise>,
    pub(super) reports: Reports,
    /// Where the peer's reports come from.
    pub(super) reports_from: Option<SocketAddr>,
    /// Our source was renumbered, because the peer had the same number.
    pub(super) renumbered: bool,
}

impl Port {
    /// A port that was never opened.
    pub(super) fn closed() -> Self {
        let remote = SocketAddr::from(([0, 0, 0, 0], 0));
        let stream = Stream {
            remote,
            codec: Codec::Pcmu,
            payload_type: 0,
            event_type: None,
            rtcp: None,
            send: false,
            keys: None,
        };
        Self {
            open: false,
            partner: None,
            stream,
            latch: Latch::new(remote),
            receiver: Receiver::default(),
            sender: Sender::new(0),
            pace: Pace::new(Instant::ZERO),
            hearing: Hearing::new(Instant::ZERO),
            presses: Presses::default(),
            voice: Voice::new(),
            room: None,
            limiter: Limiter::new(),
            overlay: None,
            over: None,
            epoch: 0,
            opened: 0,
            tapped: false,
            studio: false,
            decodes: false,
            comfort: None,
            reports: Reports::new(Instant::ZERO, 0),
            reports_from: None,
            renumbered: false,
        }
    }

    /// A new call on it.
    pub(super) fn open(&mut self, now: Instant, grid: u64, stream: Stream, seed: u64) {
        *self = Self {
            open: true,
            stream,
            latch: Latch::new(stream.remote),
            sender: Sender::new(seed),
            pace: Pace::new(now),
            hearing: Hearing::new(now),
            reports: Reports::new(now, seed),
            opened: grid,
            epoch: self.epoch.wrapping_add(1),
            ..Self::closed()
        };
    }

    /// Whether its peer hears the partner, and nothing else is to be done for it on the tick.
    pub(super) fn rests(&self) -> bool {
        self.pace.flowing() && !self.decodes && self.voice.idle() && !self.presses.is_down()
    }
}
