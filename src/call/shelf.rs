//! Sounds that are made while the box runs: texts that were spoken, and what of all this media has.

use super::Effect;
use super::conversation::Call;
use super::desk::Desk;
use crate::limits::{LOOSE_SECONDS, LOOSE_SOUNDS};
use crate::media::{MediaCommand, Overlay, SoundId, Tone};
use crate::units::{FRAME_SAMPLES, Instant, PortId, SAMPLE_RATE_HZ};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

/// A name that takes longer would be in the way of what the far side says: it is not spoken.
const NAME_BYTES: usize = 3 * SAMPLE_RATE_HZ as usize;
/// Texts whose sound is kept in memory.
const KNOWN: usize = 32;
/// A sound's place is not given to another until so long after it has been said.
const MARGIN: Duration = Duration::from_secs(1);

/// A sound, µ-law in whole frames.
type Sound = Arc<[u8]>;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// What media has in each place, and until when it may be playing it.
    places: [Option<(Sound, Instant)>; LOOSE_SOUNDS],
    /// The newest last.
    known: VecDeque<(String, Sound)>,
    asked: Vec<String>,
}

impl Desk {
    /// The text will be needed soon.
    pub(super) fn want(&mut self, text: &str) {
        let shelf = &self.shelf;
        let is_known =
            shelf.known.iter().any(|(known, _)| known == text) || shelf.asked.iter().any(|t| t == text);
        if self.plan.speech.is_some() && !text.is_empty() && !is_known {
            self.shelf.asked.push(text.into());
            self.out.push_back(Effect::Speak(text.into()));
        }
    }

    /// It is being spoken.
    pub(super) fn is_wanted(&self, text: &str) -> bool {
        self.shelf.asked.iter().any(|asked| asked == text)
    }

    /// What came of it.
    pub(super) fn spoken(&mut self, text: String, sound: Option<Sound>) {
        let shelf = &mut self.shelf;
        shelf.asked.retain(|asked| *asked != text);
        if let Some(sound) = sound {
            if shelf.known.len() == KNOWN {
                shelf.known.pop_front();
            }
            shelf.known.push_back((text, sound));
        }
    }

    /// The text's sound, loaded; `None` if it is not spoken yet, or cannot be.
    pub(super) fn sound_of(&mut self, text: &str) -> Option<SoundId> {
        let at = self.shelf.known.iter().position(|(known, _)| known == text)?;
        let entry = self.shelf.known.remove(at)?;
        let sound = entry.1.clone();
        self.shelf.known.push_back(entry);
        self.load(&sound)
    }

    /// Says the text at this port, if it has been spoken.
    pub(super) fn say_text(&mut self, port: PortId, text: &str) -> bool {
        let sound = self.sound_of(text);
        sound.into_iter().for_each(|sound| self.media(MediaCommand::Play { port, sound, repeat: false }));
        sound.is_some()
    }

    /// Gives media a sound that is to be played now. `None`: it is too long, or every place is taken.
    pub(super) fn load(&mut self, sound: &Sound) -> Option<SoundId> {
        let frames = sound.len() / FRAME_SAMPLES;
        if frames == 0 || frames > LOOSE_SECONDS * 50 {
            return None;
        }
        let now = self.now;
        let lasts = Duration::from_millis(20) * u32::try_from(frames).ok()?;
        let places = &mut self.shelf.places;
        let has =
            |place: &Option<(Sound, Instant)>| place.as_ref().is_some_and(|(has, _)| Arc::ptr_eq(has, sound));
        if let Some(at) = places.iter().position(has) {
            places[at] = Some((sound.clone(), now + lasts + MARGIN));
            return Some(SoundId::loose(u8::try_from(at).ok()?));
        }
        let until =
            |place: &Option<(Sound, Instant)>| place.as_ref().map_or(Instant::ZERO, |(_, until)| *until);
        let (at, free_at) = places.iter().map(until).enumerate().min_by_key(|(_, until)| *until)?;
        if free_at > now {
            return None;
        }
        places[at] = Some((sound.clone(), now + lasts + MARGIN));
        let id = SoundId::loose(u8::try_from(at).ok()?);
        for (frame, octets) in (0..).zip(sound.chunks_exact(FRAME_SAMPLES)) {
            let octets = octets.try_into().ok()?;
            self.media(MediaCommand::Load { sound: id, frame, octets });
        }
        Some(id)
    }
}

impl Call {
    /// His phones are rung: the name will be needed when he answers.
    pub(super) fn want_name(&self, desk: &mut Desk) {
        let name = self.announced_name(desk);
        desk.want(&name);
    }

    /// The two hear each other at once; the owner knows by the company's name, said over it, or by a beep that this is the
    /// held call.
    pub(super) fn announce(&self, desk: &mut Desk) {
        let name = self.announced_name(desk);
        let short = desk.shelf.known.iter().any(|(text, sound)| *text == name && sound.len() <= NAME_BYTES);
        for near in &self.near {
            let said = if short { desk.sound_of(&name) } else { None };
            desk.media(match said {
                Some(sound) => MediaCommand::Overlay(near.port, Some(Overlay::Sound(sound))),
                None => MediaCommand::Tone(near.port, Tone::Beep),
            });
        }
    }

    fn announced_name(&self, desk: &Desk) -> String {
        if desk.plan.announce { self.given_name(desk).to_owned() } else { String::new() }
    }

    /// What the owner calls the company; empty: he has given it no name.
    pub(super) fn given_name<'d>(&self, desk: &'d Desk) -> &'d str {
        desk.book
            .choose(&desk.plan.company(&self.record.number))
            .map_or("", |version| version.flow.name.as_str())
    }
}
