//! What media is told and what it tells. All of it is `Copy` and travels on rings.

use crate::limits::{LOOSE_SOUNDS, PROMPTS};
use crate::rtp::digit::Key;
use crate::rtp::report::Quality;
use crate::units::{Codec, Digit, FRAME_SAMPLES, PortId, SrtpKeys, Tick};
use core::time::Duration;
use std::net::SocketAddr;

/// An entry of the table of prompts handed to media at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoundId(pub u8);

impl SoundId {
    /// Names [`Tone::Beep`] in [`Event::Played`]; no prompt has this number.
    pub const BEEP: Self = Self(u8::MAX);
    /// The first of those that are loaded while the loop turns.
    const LOOSE: u8 = 128;

    /// One of [`LOOSE_SOUNDS`] places for sounds that are loaded while the loop turns.
    pub const fn loose(place: u8) -> Self {
        Self(Self::LOOSE + place)
    }

    /// Its place, if it is one of those.
    pub(super) fn place(self) -> Option<usize> {
        let place = usize::from(self.0.checked_sub(Self::LOOSE)?);
        (place < LOOSE_SOUNDS).then_some(place)
    }
}

/// One leg's RTP, as offer and answer settled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Where to send. Until the first packet arrives; from then on, its source (symmetric RTP, RFC 4961), if its IP
    /// or port is the one signalled or nothing has been heard from there.
    pub remote: SocketAddr,
    /// Coding in both directions. G.722 only if the loop was made for it: see `Config::wideband`.
    pub codec: Codec,
    /// Payload type of the audio we send.
    pub payload_type: u8,
    /// Payload type of telephone-events in both directions.
    pub event_type: Option<u8>,
    /// Where reports go: RTCP beside RTP, or on its port if it is the same as `remote` (RFC 5761). `None`: nowhere.
    pub rtcp: Option<SocketAddr>,
    /// Send sound. When false, nothing at all is sent (the peer holds us).
    pub send: bool,
    /// SRTP both ways; `None`: in the clear. The same keys after a renegotiation go on where they were.
    pub keys: Option<SrtpKeys>,
}

/// A call-progress tone, played until `Quiet` or the end of `ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Ringback in the configured country's cadence.
    Ringback,
    /// Busy.
    Busy,
    /// Congestion (reorder).
    Congestion,
    /// Dial tone.
    Dial,
    /// Dial tone that says that messages wait.
    Stutter,
    /// The number cannot be reached (special information tone).
    Special,
    /// A short beep: 1000 Hz for 120 ms.
    Beep,
}

/// What sounds over whatever the peer hears, without taking its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Somebody else calls: the country's call-waiting tone, 10 dB softer than others.
    Waiting,
    /// The call is recorded: 1400 Hz for 200 ms every 15 s.
    Recorded,
    /// This sound, once.
    Sound(SoundId),
}

/// What a port is to its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// It hears the others and is heard.
    Talks,
    /// It hears the others; nothing of it is in anybody's sound.
    Listens,
}

/// Orders to the media loop. An order for a closed port is ignored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MediaCommand {
    /// Open a port: from the next tick a packet leaves every 20 ms without a gap, silence if there is nothing else.
    Open {
        /// A closed port, chosen by the switchboard.
        port: PortId,
        /// Its RTP.
        stream: Stream,
        /// Random start of SSRC, sequence number and timestamp, RFC 3550 §5.1.
        seed: u64,
    },
    /// The same port after a renegotiation. Sequence numbers and timestamps go on.
    Change {
        /// An open port.
        port: PortId,
        /// Its RTP from now on.
        stream: Stream,
    },
    /// What one port receives the other sends, both ways. Ends what either was playing and any other join. Telephone-events
    /// are not passed: each is an [`Event::Digit`], and the switchboard decides whether the other side gets it.
    Join(PortId, PortId),
    /// The port joins the room that is named after one of its ports: every 20 ms it hears the sum of all who talk there
    /// but itself. Ends its join, and its stay in another room; what it is playing goes on.
    Meet {
        /// Who.
        port: PortId,
        /// The room's name.
        room: PortId,
        /// As what.
        seat: Seat,
    },
    /// End the port's join, both ways, or its stay in a room: it sends silence (or what it is told to play).
    Part(PortId),
    /// Play a prompt towards this port's peer, from its start. While it plays nothing of a join is sent to that peer.
    Play {
        /// Who hears it.
        port: PortId,
        /// What.
        sound: SoundId,
        /// Again and again until `Quiet`.
        repeat: bool,
    },
    /// Put a frame of µ-law into a loose sound; frame 0 begins it anew, and it is as long as the last frame says. Nothing
    /// may be playing it.
    Load {
        /// A loose one.
        sound: SoundId,
        /// Counted from 0.
        frame: u16,
        /// µ-law.
        octets: [u8; FRAME_SAMPLES],
    },
    /// Play a tone towards this port's peer until `Quiet` (a beep ends itself).
    Tone(PortId, Tone),
    /// End the port's prompt or tone.
    Quiet(PortId),
    /// Begin or end (`None`) a tone over all that this port's peer hears, or begin a sound over that.
    Overlay(PortId, Option<Overlay>),
    /// Send a telephone-event (RFC 4733), in-band DTMF if the peer takes none. Queued behind others (up to 32). It lasts as
    /// long as given, or until `DigitEnd`, its port is parted or joined, or the cap: see [`crate::rtp::digit::Hold`].
    Digit(PortId, Digit, Option<Duration>),
    /// The key pressed last was held for so long.
    DigitEnd(PortId, Digit, Duration),
    /// Start or end handing what this port receives to the listener, a frame every tick.
    Tap(PortId, bool),
    /// Start or end handing what this port's peer says and what it is sent to the studio, a frame of each every tick.
    Studio(PortId, bool),
    /// Close the port: nothing more is sent or received.
    Close(PortId),
    /// Answer with [`Event::Alive`]: the loop turns.
    Ping,
}

/// Facts from the media loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A telephone-event began (once per press, RFC 4733 §2.5).
    Digit(PortId, Digit),
    /// It ended, or nothing was heard of it any more; it lasted so long. Told of each that began.
    DigitEnd(PortId, Digit, Duration),
    /// The prompt (not repeating) or beep has been sent to its end.
    Played(PortId, SoundId),
    /// No RTP for this many seconds; sent at 2 s and then every 10 s.
    Starved(PortId, u32),
    /// How a port's streams fare; about every five seconds, RFC 3550 §6.2.
    Quality(PortId, Quality),
    /// The answer to [`MediaCommand::Ping`].
    Alive,
    /// RTP arrives (again): first packet after open or after `Starved`.
    Heard(PortId),
}

impl Event {
    /// What a port tells of a key.
    pub(super) const fn of_key(port: PortId, key: Key) -> Self {
        match key {
            Key::Pressed(digit) => Self::Digit(port, digit),
            Key::Released(digit, held) => Self::DigitEnd(port, digit, held),
        }
    }
}

/// A frame on its way from a tapped port to the listener.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TapFrame {
    /// Whose sound.
    pub port: PortId,
    /// Which opening of the port: frames of an earlier call are told apart.
    pub epoch: u32,
    /// Counts the 20 ms since the opening of the port; a jump is a gap, or a time without a tap.
    pub tick: Tick,
    /// Some of it was received, or the peer said that it is silent (comfort noise); else it is concealment, and says
    /// nothing of the far end.
    pub received: bool,
    /// Linear, after the jitter buffer and concealment.
    pub frame: crate::units::Frame,
}

/// 20 ms of both sides of one port, on its way to the studio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudioFrame {
    /// Whose sound.
    pub port: PortId,
    /// Which opening of the port.
    pub epoch: u32,
    /// Counts the 20 ms since the start of the program, so that all ports have one time; a jump is a gap.
    pub tick: Tick,
    /// What its peer said, after the jitter buffer and concealment.
    pub heard: crate::units::Frame,
    /// What its peer was sent: the partner's sound, or the box's own.
    pub said: crate::units::Frame,
}

const _: () =
    assert!(PROMPTS <= SoundId::LOOSE as usize && LOOSE_SOUNDS < (u8::MAX - SoundId::LOOSE) as usize);
const _: () = assert!(!core::mem::needs_drop::<StudioFrame>());
const _: () = assert!(!core::mem::needs_drop::<MediaCommand>());
const _: () = assert!(!core::mem::needs_drop::<Event>());
const _: () = assert!(!core::mem::needs_drop::<TapFrame>());
