//! Sound. A fixed table of ports, two entry points: [`Media::packet`] and [`Media::tick`].
//!
//! ```text
//!              packet(port, from, bytes)                    tick(): every 20 ms
//!   RTP in ──► joined? ──new header, other coding──► RTP out   port without a talking partner ──► key, prompt, tone, mix, silence
//!                │ copy                                        jitter buffer ──► frame ──► room's sum
//!                └──► jitter buffer, if somebody needs frames                        └──► rings of listener and studio
//! ```
//!
//! A joined packet leaves within the call that brought it. Between joins a port sends on the tick, and `pace` keeps the
//! two from starving or flooding the peer. Nothing of one port reaches another except through [`Media::packet`]'s last
//! step, and only while they are joined, or through the room that both are in (`room`), where one who listens is not heard.
//!
//! RTCP comes in by [`Media::report`] or among the packets, and goes out on the tick: `reports`.
//!
//! The machine knows neither sockets nor clocks: [`thread`] drives it in real time, tests and the simulator in virtual time:
//! give it commands and datagrams when they come, call `tick` when [`Media::deadline`] is reached (asking anew after each
//! call), and empty the [`Outlets`]. After [`Media::new`] it allocates nothing.

pub mod command;
pub mod counters;
mod decks;
pub mod inlet;
mod latch;
mod order;
mod outlets;
mod pace;
mod port;
pub mod realtime;
mod reports;
mod room;
mod sockets;
pub mod thread;
mod vault;
mod voice;

#[cfg(test)]
mod tests;

pub use command::{Event, MediaCommand, Overlay, Seat, SoundId, Stream, StudioFrame, TapFrame, Tone};
pub use counters::{Counted, Counters, Discard};
pub use outlets::{Outlets, Told};
pub use voice::SoundError;

use crate::dsp::g711;
use crate::dsp::g722::Band;
use crate::dsp::noise::Noise;
use crate::dsp::tone::{self, Country};
use crate::limits::RTP_PACKET_BYTES;
use crate::rtp::jitter::Put;
use crate::rtp::packet::{self, HEADER_BYTES, Header, Malformed};
use crate::rtp::stream::Arrival;
use crate::units::{Codec, FRAME_SAMPLES, FRAME_TIME, Frame, Instant, PortId, Tick};
use core::ops::Range;
use core::time::Duration;
use decks::Decks;
use outlets::Mouth;
use port::{Content, Port};
use room::Rooms;
use std::net::SocketAddr;
use vault::Vault;
use voice::{Said, Sounds};

/// Ticks made up for after a stall: 100 ms. More would only flood the peers.
const CATCH_UP: u64 = 5;
/// Microseconds between two looks at the deadline, for each open port: looking takes time in proportion to them …
const PLAN_US: u64 = 150;
/// … up to so many: the deadline of ports whose partners speak is nearly a frame away.
const LONGEST_PLAN_US: u64 = 15_000;
/// Reports that are due within this time leave together: each moment of its own would be a wake.
const REPORTS_TOGETHER: Duration = Duration::from_millis(100);
const FRAME_US: u64 = FRAME_TIME.as_micros() as u64;

/// What the media loop is made for.
#[derive(Clone, Debug)]
pub struct Config {
    /// Ports in the table, two for each call.
    pub ports: u16,
    /// Whose tones to play.
    pub country: &'static Country,
    /// Prompts, linear sound at 8 kHz; a [`SoundId`] is a place in it.
    pub sounds: Vec<Vec<i16>>,
    /// Streams may be G.722; takes memory for each port. Without it, orders for such streams are ignored.
    pub wideband: bool,
    /// Frames of the ring to the studio, at least 1: the time it may be slow, for all that it records together.
    pub studio_frames: usize,
}

/// An RTP packet, or an RTCP one, to be sent from a port's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Whose socket.
    pub port: PortId,
    /// From the socket beside it, which is for RTCP alone.
    pub control: bool,
    /// Whereto.
    pub to: SocketAddr,
    /// All of it.
    pub bytes: &'a [u8],
}

/// The machine.
pub struct Media {
    /// Up to the highest that was ever open: memory for all is set aside at the start, and touched when it is used.
    ports: Vec<Port>,
    limit: usize,
    /// Indices of open ports.
    open: Vec<u16>,
    decks: Decks,
    rooms: Rooms,
    /// G.722 of each port; empty if nobody speaks it.
    wide: Box<[Band]>,
    /// A packet of G.722 while its lower band is made.
    scratch: Box<[u8; RTP_PACKET_BYTES]>,
    sounds: Sounds,
    vault: Vault,
    country: &'static Country,
    mouth: Mouth,
    /// What the port whose turn it is has said of its own in this tick.
    said: Option<Frame>,
    farewells: Vec<reports::Farewell>,
    /// The last tick done, counted from the start of the program.
    grid: u64,
    /// No port needs the next tick.
    resting: bool,
    deadline: Option<Instant>,
    planned: Instant,
}

impl Media {
    /// Allocates everything that will ever be needed.
    pub fn new(config: &Config) -> Result<(Self, Outlets), SoundError> {
        let (mouth, outlets) = outlets::rings(config.studio_frames.max(1));
        tone::prepare();
        let ports = usize::from(config.ports);
        let media = Self {
            ports: Vec::with_capacity(ports),
            limit: ports,
            open: Vec::with_capacity(ports),
            decks: Decks::new(ports),
            rooms: Rooms::new(ports),
            wide: (0..if config.wideband { ports } else { 0 }).map(|_| Band::new()).collect(),
            scratch: Box::new([0; RTP_PACKET_BYTES]),
            sounds: Sounds::new(&config.sounds)?,
            vault: Vault::new(ports),
            country: config.country,
            mouth,
            said: None,
            farewells: Vec::with_capacity(ports),
            grid: 0,
            resting: true,
            deadline: None,
            planned: Instant::ZERO,
        };
        Ok((media, outlets))
    }

    /// When [`tick`](Self::tick) has to be called next; `None` while nothing needs it.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether only joined ports whose peers both speak are open. The [`deadline`](Self::deadline) then moves with every
    /// packet and is not reached while they flow; a millisecond later than it says is soon enough.
    pub const fn resting(&self) -> bool {
        self.resting
    }

    /// Whom to wake, once.
    pub fn told(&mut self) -> Told {
        core::mem::take(&mut self.mouth.told)
    }

    /// A datagram arrived at a port. If the port is joined its sound leaves at once, rewritten in place.
    pub fn packet(
        &mut self,
        now: Instant,
        at: PortId,
        from: SocketAddr,
        datagram: &mut [u8],
        send: &mut impl FnMut(Datagram<'_>),
    ) {
        let counters = &self.mouth.counters;
        let Some(port) = self.ports.get_mut(usize::from(at.0)).filter(|p| p.open) else {
            return counters.discard(Discard::Closed);
        };
        let datagram = match self.vault.open(at.0, datagram) {
            Ok(datagram) => datagram,
            Err(why) => return counters.discard(why),
        };
        let (header, payload) = match packet::parse(datagram) {
            Ok(parsed) if datagram.len() <= RTP_PACKET_BYTES => parsed,
            // RFC 5761: told apart by the payload type.
            Err(Malformed::Rtcp) => return self.hear_report(now, at, from, datagram),
            Ok(_) | Err(Malformed::Header) => return counters.discard(Discard::Malformed),
        };
        if !port.latch.accept(now, from) {
            return counters.discard(Discard::Foreign);
        }
        let mut let_go = None;
        match port.receiver.accept(&header) {
            Arrival::First => {
                let_go = port.presses.forget();
                if let Some((jitter, _)) = self.decks.get_mut(at.0) {
                    jitter.restart();
                }
            }
            Arrival::Next { missing } => counters.missing(missing),
            Arrival::Reordered => counters.found(),
            Arrival::Duplicate => return counters.discard(Discard::Duplicate),
            Arrival::Stray => return counters.discard(Discard::Stray),
        }
        counters.packet_in();
        if let Some(key) = let_go {
            self.mouth.event(Event::of_key(at, key));
        }
        let counters = &self.mouth.counters;
        if header.ssrc == port.sender.ssrc() && !port.renumbered && port.stream.keys.is_none() {
            // RFC 3550 §8.2: the peer has our number, so we take another. Once: from then on it is our own sound that it
            // sends back (an echo test), and that is to be heard.
            port.renumbered = true;
            counters.collision();
            let old = port.sender.renumber();
            reports::take_leave(&mut self.farewells, &mut self.vault, port, at, old);
        }
        if port.hearing.heard(now) {
            self.mouth.event(Event::Heard(at));
        }
        let octets = datagram.get(payload.clone()).unwrap_or(&[]);
        let codec = match port.stream.content(header.payload_type) {
            Content::Sound(codec) if !octets.is_empty() => codec,
            Content::Event => {
                for key in port.presses.hear(now, &header, octets).into_iter().flatten() {
                    self.mouth.event(Event::of_key(at, key));
                }
                // Whether it is still held is looked at on the tick.
                return self.wake(now);
            }
            // What comes instead of sound is no sound, but noise of its level.
            Content::ComfortNoise => {
                let noise = Noise::new(octets, header.timestamp);
                port.comfort = Some(noise);
                if let Some((jitter, _)) = self.decks.get_mut(at.0) {
                    jitter.comfort(noise);
                }
                return;
            }
            Content::Sound(_) | Content::Unknown => return self.mouth.counters.discard(Discard::PayloadType),
        };
        port.comfort = None;
        port.receiver.timing(now, &header);
        let (decodes, partner) = (port.decodes, port.partner);
        // What is wide-band goes on as it is to a partner who is, too; everybody else gets its lower band.
        let passes = codec == Codec::G722 && self.takes_wide(partner);
        let lower = codec == Codec::G722 && (decodes || !passes);
        let (law, heard) = match lower {
            true => (Codec::Pcmu, narrow(&mut self.wide, &mut self.scratch, at.0, octets)),
            false => (codec, octets),
        };
        if decodes
            && let Some((jitter, ring)) = self.decks.get_mut(at.0)
            && jitter.put(ring, header.timestamp, law, heard) == Put::Late
        {
            self.mouth.counters.discard(Discard::Late);
        }
        if let Some(partner) = partner {
            let codec = if passes { codec } else { law };
            if lower
                && !passes
                && let Some(octets) = datagram.get_mut(payload.clone())
            {
                octets.copy_from_slice(self.scratch.get(..octets.len()).unwrap_or_default());
            }
            self.forward(now, partner, codec, &header, payload, datagram, send);
            self.put_off(now);
        }
    }

    /// Whether the partner's peer takes G.722 just as it came.
    fn takes_wide(&self, partner: Option<u16>) -> bool {
        let partner = partner.and_then(|i| self.ports.get(usize::from(i)));
        partner.is_some_and(|p| p.stream.codec == Codec::G722 && p.overlay.is_none() && p.over.is_none())
    }

    /// Sends a joined port's packet on from its partner.
    #[allow(clippy::too_many_arguments)] // The one step of `packet` that needs all it knows.
    fn forward(
        &mut self,
        now: Instant,
        partner: u16,
        codec: Codec,
        header: &Header,
        payload: Range<usize>,
        datagram: &mut [u8],
        send: &mut impl FnMut(Datagram<'_>),
    ) {
        let counters = &self.mouth.counters;
        let Some(port) = self.ports.get_mut(usize::from(partner)) else { return };
        if !port.stream.send || port.voice.busy() {
            return;
        }
        let samples = payload.len() as u32;
        if port.sender.overtook(header) || !port.pace.forward(now, samples) {
            return counters.discard(Discard::Overtaken);
        }
        if codec != Codec::G722
            && let Some(octets) = datagram.get_mut(payload.clone())
        {
            finish(port, self.wide.get_mut(usize::from(partner)), codec, octets, &self.sounds);
        }
        let header = port.sender.forward(header, port.stream.payload_type, samples);
        let Some(start) = packet::prefix(&header, datagram, payload.start) else { return };
        match self.vault.seal(partner, datagram.get(start..payload.end).unwrap_or_default()) {
            Ok(bytes) => {
                counters.packet_out();
                counters.forwarded();
                send(Datagram { port: PortId(partner), control: false, to: port.latch.target(), bytes });
            }
            Err(why) => counters.discard(why),
        }
    }

    /// Time has come: at the [`deadline`](Self::deadline) or later.
    pub fn tick(&mut self, now: Instant, send: &mut impl FnMut(Datagram<'_>)) {
        for _ in 0..self.ticks_due(now) {
            self.grid += 1;
            self.clear_rooms();
            for place in 0..self.open.len() {
                self.listen(now, self.open[place]);
            }
            for place in 0..self.open.len() {
                let index = self.open[place];
                self.said = None;
                self.speak(now, index, send);
                self.film(index);
            }
        }
        self.say_farewells(send);
        let mut agenda = Agenda::default();
        for place in 0..self.open.len() {
            let index = self.open[place];
            let port = &self.ports[usize::from(index)];
            if port.stream.send && port.pace.dry_at() <= now {
                self.say(now, index, send);
            }
            if self.ports[usize::from(index)].reports.due_at() <= now + REPORTS_TOGETHER {
                self.give_report(now, index, send);
            }
            agenda.note(&self.ports[usize::from(index)]);
        }
        self.follow(now, &agenda);
    }

    /// How many ticks of the 20 ms grid are to be done. What was skipped in a stall still counts as time.
    fn ticks_due(&mut self, now: Instant) -> u64 {
        let due = (now.0 / FRAME_US).saturating_sub(self.grid);
        if self.resting {
            self.grid += due;
            return 0;
        }
        if due > 0 {
            self.mouth.counters.tick(now.since(Instant((self.grid + 1) * FRAME_US)));
        }
        let skipped = due.saturating_sub(CATCH_UP);
        self.mouth.counters.ticks_skipped(skipped);
        self.grid += skipped;
        due - skipped
    }

    fn clear_rooms(&mut self) {
        for place in 0..self.open.len() {
            let port = self.ports.get(usize::from(self.open[place]));
            if let Some((room, _)) = port.and_then(|p| p.room) {
                self.rooms.clear(room);
            }
        }
    }

    /// Hands what a port heard and said in this tick to the studio.
    fn film(&mut self, index: u16) {
        let Some(port) = self.ports.get(usize::from(index)).filter(|p| p.studio) else { return };
        let flowing = port.partner.filter(|_| port.pace.flowing());
        let said = self.said.or_else(|| flowing.map(|partner| self.rooms.heard(partner)));
        self.mouth.film(StudioFrame {
            port: PortId(index),
            epoch: port.epoch,
            tick: Tick(self.grid),
            heard: self.rooms.heard(index),
            said: said.unwrap_or(Frame::SILENCE),
        });
    }

    /// What a port hears, on the tick.
    fn listen(&mut self, now: Instant, index: u16) {
        let port = &mut self.ports[usize::from(index)];
        let id = PortId(index);
        if let Some(seconds) = port.hearing.starved(now) {
            self.mouth.event(Event::Starved(id, seconds));
        }
        if let Some(key) = port.presses.expire(now) {
            self.mouth.event(Event::of_key(id, key));
        }
        if port.decodes
            && let Some((jitter, ring)) = self.decks.get_mut(index)
        {
            let mut frame = Frame::SILENCE;
            let received = jitter.take(ring, &mut frame);
            let talks = port.room.filter(|(_, seat)| *seat == Seat::Talks).map(|(room, _)| room);
            self.rooms.hear(index, &frame, talks);
            if port.tapped {
                let tick = Tick(self.grid.saturating_sub(port.opened + 1));
                self.mouth.frame(TapFrame { port: id, epoch: port.epoch, tick, received, frame });
            }
        }
    }

    /// What a port says, on the tick: nothing if its partner is heard, or if enough was sent already.
    fn speak(&mut self, now: Instant, index: u16, send: &mut impl FnMut(Datagram<'_>)) {
        let port = &mut self.ports[usize::from(index)];
        port.voice.beat(&port.stream, &self.mouth.counters);
        let busy = port.voice.busy();
        let partner_heard = port.pace.flowing() && !busy;
        let enough_sent = port.stream.send && port.pace.holds(now);
        if !partner_heard && !enough_sent {
            self.say(now, index, send);
        }
    }

    /// Sends one packet of a port's own.
    fn say(&mut self, now: Instant, index: u16, send: &mut impl FnMut(Datagram<'_>)) {
        let Some(port) = self.ports.get_mut(usize::from(index)) else { return };
        let filling = port.pace.filling() && !port.voice.busy();
        let quiet = port.voice.idle();
        let mut sound = [0; FRAME_SAMPLES];
        let meets = port.room.filter(|_| !port.voice.busy());
        let law = if port.stream.codec == Codec::Pcma { Codec::Pcma } else { Codec::Pcmu };
        let (said, ended) = port.voice.speak(law, &self.sounds, &mut sound);
        if let (Said::Sound(_), Some((room, seat))) = (&said, meets) {
            let own = if seat == Seat::Talks { self.rooms.heard(index) } else { Frame::SILENCE };
            let heard = port.limiter.hear(&self.rooms.sum(room), &own);
            sound = heard.0.map(|sample| g711::encode(law, sample));
        }
        if let Some(sound) = ended {
            self.mouth.event(Event::Played(PortId(index), sound));
        }
        let partner = port.partner.filter(|_| filling && quiet);
        if let Some(noise) = partner.and_then(|p| self.ports.get_mut(usize::from(p))?.comfort.as_mut()) {
            sound.fill_with(|| g711::encode(law, noise.sample()));
        }
        let Some(port) = self.ports.get_mut(usize::from(index)) else { return };
        if port.studio {
            self.said = Some(Frame(sound.map(|octet| g711::decode(law, octet))));
        }
        // A peer that holds us hears nothing, but what is played goes on and ends.
        if !port.stream.send {
            return;
        }
        if matches!(said, Said::Sound(_)) {
            finish(port, self.wide.get_mut(usize::from(index)), law, &mut sound, &self.sounds);
        }
        let mut bytes = [0; HEADER_BYTES + FRAME_SAMPLES];
        let (header, payload): (Header, &[u8]) = match &said {
            Said::Sound(begins) => {
                (port.sender.own(port.stream.payload_type, FRAME_SAMPLES as u32, *begins), &sound)
            }
            Said::Event(event) => {
                let payload_type = port.stream.event_type.unwrap_or(port.stream.payload_type);
                (port.sender.event(payload_type, FRAME_SAMPLES as u32, event.begins), &event.payload)
            }
        };
        if filling {
            port.pace.fill(now);
            self.mouth.counters.filled();
        } else {
            port.pace.own(now);
        }
        let end = HEADER_BYTES + payload.len();
        bytes[HEADER_BYTES..end].copy_from_slice(payload);
        if packet::prefix(&header, &mut bytes, HEADER_BYTES).is_some() {
            match self.vault.seal(index, &bytes[..end]) {
                Ok(bytes) => {
                    self.mouth.counters.packet_out();
                    send(Datagram { port: PortId(index), control: false, to: port.latch.target(), bytes });
                }
                Err(why) => self.mouth.counters.discard(why),
            }
        }
    }

    /// While all rests packets put the deadline off. It is looked at again when it comes near, and not so often that
    /// looking at many ports would cost more than the packets themselves.
    fn put_off(&mut self, now: Instant) {
        let near = self.deadline.is_some_and(|at| at.since(now) < FRAME_TIME);
        let pause = (PLAN_US * self.open.len() as u64).min(LONGEST_PLAN_US);
        if self.resting && near && now.0.saturating_sub(self.planned.0) >= pause {
            let mut agenda = Agenda::default();
            for index in &self.open {
                self.ports.get(usize::from(*index)).into_iter().for_each(|port| agenda.note(port));
            }
            self.follow(now, &agenda);
        }
    }

    fn follow(&mut self, now: Instant, agenda: &Agenda) {
        self.planned = now;
        self.resting = !agenda.ticks;
        let tick = agenda.ticks.then(|| Instant((self.grid + 1) * FRAME_US));
        self.deadline = tick.into_iter().chain(agenda.first).min();
    }
}

/// What the open ports have before them, gathered in one pass.
#[derive(Default)]
struct Agenda {
    /// Somebody needs the next tick.
    ticks: bool,
    /// When the first has a partner's silence to fill or a report to give.
    first: Option<Instant>,
}

impl Agenda {
    fn note(&mut self, port: &Port) {
        // A partner is open and noted as well.
        self.ticks |= !(port.partner.is_some() && port.rests());
        let report = port.reports.due_at();
        let next = if port.stream.send { report.min(port.pace.dry_at()) } else { report };
        self.first = Some(self.first.map_or(next, |first| first.min(next)));
    }
}

/// Makes sound in a law of G.711 into what a port's peer takes: with what sounds over it, in the peer's coding.
fn finish(port: &mut Port, band: Option<&mut Band>, law: Codec, octets: &mut [u8], sounds: &Sounds) {
    let add = |octet: u8, over: i16| match over {
        0 => octet,
        over => g711::encode(law, g711::decode(law, octet).saturating_add(over)),
    };
    if let Some(tone) = &mut port.overlay {
        octets.iter_mut().for_each(|octet| *octet = add(*octet, tone.sample()));
    }
    if let Some((sound, at)) = port.over {
        let (samples, coded) = sounds.get(sound, law);
        let rest = samples.get(at..).unwrap_or_default();
        for (octet, over) in octets.iter_mut().zip(rest) {
            *octet = add(*octet, g711::decode(coded, *over));
        }
        port.over = Some((sound, at + octets.len())).filter(|(_, at)| *at < samples.len());
    }
    match (port.stream.codec, band) {
        (Codec::G722, Some(band)) => band.widen(law, octets),
        (codec, _) => g711::translate(law, codec, octets),
    }
}

/// The lower band of a packet of G.722, as µ-law in `scratch`.
fn narrow<'a>(
    wide: &mut [Band],
    scratch: &'a mut [u8; RTP_PACKET_BYTES],
    index: u16,
    octets: &[u8],
) -> &'a [u8] {
    let (Some(band), Some(lower)) = (wide.get_mut(usize::from(index)), scratch.get_mut(..octets.len()))
    else {
        return &[];
    };
    lower.copy_from_slice(octets);
    band.narrow(lower);
    lower
}
