//! What the switchboard orders. A closed port's orders are ignored: its call has ended.

use super::command::{MediaCommand, Overlay, Seat};
use super::port::Port;
use super::{FRAME_US, Media};
use crate::dsp::g722::Band;
use crate::dsp::tone::{self, Generator};
use crate::units::{Codec, Instant, PortId};

/// How much softer than others a tone is that sounds over a conversation.
const SOFTER_DB: f32 = 10.0;

impl Media {
    /// Carries out one order. What it starts is heard from the next tick, or the next packet, on.
    pub fn command(&mut self, now: Instant, command: MediaCommand) {
        if let MediaCommand::Load { sound, frame, octets } = command {
            return self.sounds.load(sound, frame, &octets);
        }
        self.wake(now);
        match command {
            MediaCommand::Open { port, stream, seed } => self.open(now, port, stream, seed),
            MediaCommand::Join(a, b) => self.join(a, b),
            MediaCommand::Meet { port, room, seat } => self.meet(port, room, seat),
            MediaCommand::Part(port) => self.part(port),
            MediaCommand::Close(port) => self.close(port),
            MediaCommand::Ping => self.mouth.event(super::Event::Alive),
            MediaCommand::Change { port, stream } if self.is_open(port) && self.speaks(&stream) => {
                self.vault.settle(port.0, stream.keys);
                self.with(port, |p| {
                    p.stream = stream;
                    p.reports_from = None;
                    p.latch.signal(stream.remote);
                    if !stream.send {
                        p.over = None;
                        p.pace.switch();
                    }
                });
            }
            MediaCommand::Play { port, sound, repeat } => self.with(port, |p| {
                p.voice.play(sound, repeat);
                p.pace.switch();
            }),
            MediaCommand::Tone(port, tone) => {
                let country = self.country;
                self.with(port, |p| {
                    p.voice.tone(country, tone);
                    p.pace.switch();
                });
            }
            MediaCommand::Change { .. } | MediaCommand::Load { .. } => {}
            MediaCommand::Overlay(port, overlay) => {
                let tone = match overlay {
                    Some(Overlay::Sound(sound)) => return self.with(port, |p| p.over = Some((sound, 0))),
                    Some(Overlay::Waiting) => Some(self.country.waiting),
                    Some(Overlay::Recorded) => Some(tone::RECORDED),
                    None => None,
                };
                let tone = tone.map(|signal| Generator::softer(signal, SOFTER_DB));
                self.with(port, |p| p.overlay = tone);
            }
            MediaCommand::Studio(port, on) => self.with(port, |p| p.studio = on),
            MediaCommand::Quiet(port) => self.with(port, |p| p.voice.quiet()),
            MediaCommand::DigitEnd(port, digit, held) => self.with(port, |p| p.voice.release(digit, held)),
            MediaCommand::Digit(port, digit, held) => {
                let mut queued = true;
                self.with(port, |p| queued = p.voice.press(digit, held));
                if !queued {
                    self.mouth.counters.digit_lost();
                }
            }
            MediaCommand::Tap(port, on) => {
                self.with(port, |p| p.tapped = on);
                self.decks.empty(port.0);
            }
        }
        self.attend();
    }

    /// Finds out anew whose sound is needed in frames. Who begins to be needed begins with an empty jitter buffer.
    fn attend(&mut self) {
        for place in 0..self.open.len() {
            let Some(port) = self.ports.get(usize::from(self.open[place])) else { continue };
            let partner = port.partner.and_then(|i| self.ports.get(usize::from(i)));
            let needed =
                port.tapped || port.studio || port.room.is_some() || partner.is_some_and(|p| p.studio);
            let index = self.open[place];
            let Some(port) = self.ports.get_mut(usize::from(index)) else { continue };
            if needed && !port.decodes {
                self.decks.give(index);
            }
            port.decodes = needed;
        }
    }

    /// Whether the loop was made for the stream's coding.
    fn speaks(&self, stream: &super::Stream) -> bool {
        stream.codec != Codec::G722 || !self.wide.is_empty()
    }

    /// Brings the grid up to date if nothing needed it, and asks for the next tick.
    pub(super) fn wake(&mut self, now: Instant) {
        if self.resting {
            self.grid = self.grid.max(now.0 / FRAME_US);
            self.resting = false;
        }
        let tick = Instant((self.grid + 1) * FRAME_US);
        self.deadline = Some(self.deadline.map_or(tick, |d| d.min(tick)));
    }

    fn with(&mut self, port: PortId, order: impl FnOnce(&mut Port)) {
        if let Some(port) = self.ports.get_mut(usize::from(port.0)).filter(|p| p.open) {
            order(port);
        }
    }

    fn is_open(&self, port: PortId) -> bool {
        self.ports.get(usize::from(port.0)).is_some_and(|p| p.open)
    }

    fn open(&mut self, now: Instant, port: PortId, stream: super::Stream, seed: u64) {
        self.close(port);
        let speaks = self.speaks(&stream);
        let index = usize::from(port.0);
        while self.ports.len() <= index && index < self.limit {
            self.ports.push(Port::closed());
        }
        if let Some(slot) = self.ports.get_mut(usize::from(port.0)).filter(|_| speaks) {
            if let Some(band) = self.wide.get_mut(usize::from(port.0)) {
                *band = Band::new();
            }
            slot.open(now, self.grid, stream, seed);
            self.decks.empty(port.0);
            self.vault.settle(port.0, stream.keys);
            // The capacity was set aside for all of them at the start.
            self.open.push(port.0);
        }
    }

    fn close(&mut self, port: PortId) {
        self.part(port);
        if let Some(p) = self.ports.get(usize::from(port.0)).filter(|p| p.open && p.sender.sent().0 > 0) {
            // RFC 3550 §6.3.7: who has never sent anything says nothing now.
            super::reports::take_leave(&mut self.farewells, &mut self.vault, p, port, p.sender.ssrc());
        }
        self.with(port, |p| p.open = false);
        self.vault.forget(port.0);
        self.open.retain(|&i| i != port.0);
    }

    /// Those who are joined already stay so, and what they hear meanwhile goes on.
    fn join(&mut self, a: PortId, b: PortId) {
        let joined = self.ports.get(usize::from(a.0)).is_some_and(|p| p.partner == Some(b.0));
        if a == b || !self.is_open(a) || !self.is_open(b) || joined {
            return;
        }
        self.part(a);
        self.part(b);
        for (port, partner) in [(a, b), (b, a)] {
            self.with(port, |p| {
                p.partner = Some(partner.0);
                p.voice.quiet();
                p.pace.switch();
            });
        }
    }

    fn meet(&mut self, port: PortId, room: PortId, seat: Seat) {
        if usize::from(room.0) >= self.limit {
            return;
        }
        self.part(port);
        self.with(port, |p| p.room = Some((room.0, seat)));
    }

    fn part(&mut self, port: PortId) {
        let mut partner = None;
        self.with(port, |p| {
            p.room = None;
            partner = p.partner.take();
            p.pace.switch();
            p.voice.let_go();
        });
        if let Some(partner) = partner {
            self.with(PortId(partner), |p| {
                p.partner = None;
                p.pace.switch();
                p.voice.let_go();
            });
        }
    }
}
