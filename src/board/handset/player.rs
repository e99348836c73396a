//! The thread of the handset's sound: cards, RTP and the 20 ms between them.
//!
//! After start it allocates nothing, takes no lock and writes no text. Cards are opened and closed by the handset's other
//! thread, which hands them over and takes them back. While nothing sounds the cards rest, and the thread but looks once a
//! second whether they are still there.

use super::card::{Gone, Lost, Microphone, Speaker};
use crate::clock;
use crate::media::realtime;
use crate::phone::handset::Sound;
use crate::phone::handset::audio::Audio;
use crate::units::{FRAME_TIME, Frame, Instant};
use core::time::Duration;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::EventFd;
use nix::sys::time::TimeSpec;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

/// Datagrams that are taken at once: a flood of them keeps the thread from nothing.
const AT_ONCE: usize = 32;
/// How often resting cards are looked at.
const GLANCE: Duration = Duration::from_secs(1);
/// A thread that slept longer does not play what it has missed.
const LATE: Duration = Duration::from_millis(100);
/// Longer than any datagram that could be ours.
const DATAGRAM_BYTES: usize = 2048;

/// The cards of the handset.
#[derive(Default)]
pub(super) struct Cards {
    /// What is held to the ear.
    pub(super) ear: Option<Box<Speaker>>,
    /// What is spoken into.
    pub(super) microphone: Option<Box<Microphone>>,
    /// What rings and speaks aloud; the ear's, if there is none of its own.
    pub(super) bell: Option<Box<Speaker>>,
}

/// What the other thread orders.
pub(super) enum Order {
    Sound(Sound),
    /// Cards that are open, in the places where there is none yet.
    Take(Cards),
}

/// What may be read at any time.
#[derive(Debug)]
pub(super) struct Meters {
    /// The microphone's level, tenths of a dBm0.
    level: AtomicI32,
    /// How often a card had nothing left to play or no room left to record into.
    lost: AtomicU32,
}

impl Meters {
    pub(super) const fn new() -> Self {
        Self { level: AtomicI32::new(i32::MIN), lost: AtomicU32::new(0) }
    }

    /// dBm0; `None` while nothing is recorded.
    pub(super) fn level_dbm0(&self) -> Option<f32> {
        let level = self.level.load(Ordering::Relaxed);
        (level != i32::MIN).then(|| level as f32 / 10.0)
    }

    pub(super) fn lost(&self) -> u32 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// All that the thread owns.
pub(super) struct Player {
    pub(super) audio: Audio,
    pub(super) rtp: UdpSocket,
    /// Where the box sends its reports, which tell nothing on one machine.
    pub(super) _rtcp: UdpSocket,
    pub(super) orders: rtrb::Consumer<Order>,
    pub(super) wake: Arc<EventFd>,
    /// Cards that are gone, to be closed.
    pub(super) gone: rtrb::Producer<Cards>,
    pub(super) desk: Arc<EventFd>,
    pub(super) meters: Arc<Meters>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) cards: Cards,
}

impl Player {
    pub(super) fn run(mut self) {
        // What is refused is no trouble of its own: the media thread has told of it.
        let _ = realtime::raise();
        let mut datagram = [0; DATAGRAM_BYTES];
        let mut due = clock::now();
        let mut busy = false;
        while !self.stop.load(Ordering::Acquire) {
            let now = clock::now();
            let wait = due.since(now);
            self.wait(wait);
            self.obey();
            for _ in 0..AT_ONCE {
                let Ok((length, from)) = self.rtp.recv_from(&mut datagram) else { break };
                self.audio.packet(from, datagram.get(..length).unwrap_or_default());
            }
            let now = clock::now();
            if self.audio.is_busy() && !busy {
                due = now;
            }
            busy = self.audio.is_busy();
            if now < due {
                continue;
            }
            due = if busy { next(due, now) } else { now + GLANCE };
            if busy { self.tick() } else { self.glance() }
        }
    }

    fn wait(&self, at_most: Duration) {
        let mut fds = [
            PollFd::new(self.wake.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.rtp.as_fd(), PollFlags::POLLIN),
        ];
        // A signal is as good as a wake.
        let _ = ppoll(&mut fds, Some(TimeSpec::from_duration(at_most)), None);
        let _ = self.wake.read();
    }

    fn obey(&mut self) {
        while let Ok(order) = self.orders.pop() {
            match order {
                Order::Sound(sound) => self.audio.order(sound),
                Order::Take(cards) => {
                    let Cards { ear, microphone, bell } = cards;
                    keep(&mut self.cards.ear, ear);
                    keep(&mut self.cards.microphone, microphone);
                    keep(&mut self.cards.bell, bell);
                }
            }
        }
    }

    fn tick(&mut self) {
        let (mut ear, mut bell) = (Frame::SILENCE, Frame::SILENCE);
        let recorded = self.cards.microphone.as_mut().map(|microphone| microphone.record());
        let heard = match recorded {
            Some(Ok((frame, lost))) => {
                self.count(lost);
                frame
            }
            Some(Err(Gone)) => {
                self.give_back();
                Frame::SILENCE
            }
            None => Frame::SILENCE,
        };
        if let Some((to, bytes)) = self.audio.tick(&heard, &mut ear, &mut bell) {
            // A full buffer or a box that has gone loses a packet, as any network does.
            let _ = self.rtp.send_to(bytes, to);
        }
        let there = self.cards.microphone.is_some();
        let level = if there { (self.audio.level().0.max(-99.0) * 10.0) as i32 } else { i32::MIN };
        self.meters.level.store(level, Ordering::Relaxed);
        if self.cards.bell.is_none() {
            ear.0.iter_mut().zip(bell.0).for_each(|(ear, bell)| *ear = ear.saturating_add(bell));
        }
        let Cards { ear: own, bell: other, .. } = &mut self.cards;
        let played = own.as_mut().map(|own| own.play(&ear));
        let rung = other.as_mut().map(|other| other.play(&bell));
        for outcome in played.into_iter().chain(rung) {
            match outcome {
                Ok(lost) => self.count(lost),
                Err(Gone) => return self.give_back(),
            }
        }
    }

    fn count(&self, lost: Lost) {
        if lost == Lost::Sound {
            self.meters.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Nothing sounds: the cards rest, and those that are gone are told of.
    fn glance(&mut self) {
        self.meters.level.store(i32::MIN, Ordering::Relaxed);
        let there = |speaker: &Option<Box<Speaker>>| speaker.as_ref().is_none_or(|s| s.is_there());
        let microphone = self.cards.microphone.as_ref();
        if !there(&self.cards.ear) || !there(&self.cards.bell) || !microphone.is_none_or(|m| m.is_there()) {
            return self.give_back();
        }
        self.cards.ear.iter().chain(&self.cards.bell).for_each(|speaker| speaker.rest());
        self.cards.microphone.iter().for_each(|microphone| microphone.rest());
    }

    /// All of them: who plugs in a card again has them opened anew. There is room: no more come before these are taken.
    fn give_back(&mut self) {
        if let Err(rtrb::PushError::Full(cards)) = self.gone.push(core::mem::take(&mut self.cards)) {
            self.cards = cards;
        }
        let _ = self.desk.write(1);
    }
}

/// Only a card that is missing comes, so nothing is closed here.
fn keep<T>(kept: &mut Option<Box<T>>, new: Option<Box<T>>) {
    if kept.is_none() {
        *kept = new;
    }
}

/// 20 ms after the last; a thread that was too late goes on from now.
fn next(due: Instant, now: Instant) -> Instant {
    if now.since(due) > LATE { now + FRAME_TIME } else { due + FRAME_TIME }
}
