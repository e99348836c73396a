//! A call that the language model leads: its machine's wishes carried out on the held line.
//!
//! The box holds such a call as any other; while the model leads, what is heard goes to [`Talk`] and not to the holding
//! machine. As soon as the model is out, or the owner wants the call, it is an ordinary hold.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::menu::KEY_HELD;
use super::record::Outcome;
use super::{Event, ListenOrder, Switchboard};
use crate::limits::SPOKEN_CHARS;
use crate::listen::Heard;
use crate::listen::words::discreet;
use crate::sip::Cause;
use crate::slay;
use crate::slay::advice::{Advice, Asked, plain};
use crate::slay::schedule::Way;
use crate::slay::talk::{Input, Output, Talk, Task};
use crate::sounds::Prompt;
use crate::units::{Digit, Instant};
use std::collections::VecDeque;

/// What the model does in one call.
#[derive(Debug, Default)]
pub(super) struct Assisted {
    talk: Option<Talk>,
    /// What is still to be said, a piece at a time.
    saying: VecDeque<String>,
    /// Whom the listener took for a person last.
    person: Option<Heard>,
}

impl Assisted {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.talk.as_ref().and_then(Talk::deadline)
    }

    /// The model leads the call.
    pub(super) const fn is_leading(&self) -> bool {
        self.talk.is_some()
    }

    /// It waits for somebody to come back to the line.
    pub(super) fn is_on_hold(&self) -> bool {
        self.talk.as_ref().is_some_and(Talk::is_on_hold)
    }
}

impl Call {
    /// The model leads the call from here on, if the owner has asked for that.
    pub(super) fn begin_talk(&mut self, desk: &mut Desk) -> bool {
        let Way::Task(text) = self.menu.way.clone() else { return false };
        if !self.errand {
            return false;
        }
        let (limits, speaks) = match (&desk.plan.assisted, desk.plan.speech) {
            (Ok(limits), Some(speaks)) => (*limits, speaks),
            (Err(why), _) => {
                let why = why.clone();
                self.decide(desk, "hand over", why);
                self.hand_over_to_owner(desk);
                return true;
            }
            _ => return false,
        };
        let minutes = limits.longest.as_secs() / 60;
        let turns = limits.turns;
        self.decide(
            desk,
            "assist",
            format!(
                "the language model leads the call, for {minutes} min and {turns} answers at most, with the task \
                 \u{201c}{}\u{201d}",
                plain(&discreet(&text))
            ),
        );
        let task = Task { text, language: desk.plan.language, speaks };
        self.menu.assisted.talk = Some(Talk::new(desk.now, task, limits));
        true
    }

    /// What the listener concluded, for the model's machine.
    pub(super) fn talk_heard(&mut self, desk: &mut Desk, heard: &Heard) {
        if let Heard::Person { .. } = heard {
            self.menu.assisted.person = Some(heard.clone());
        }
        match heard {
            Heard::Sound { sound, .. } => self.talk(desk, Input::Sound(*sound)),
            Heard::Words { text, .. } => self.talk(desk, Input::Heard(text.clone())),
            Heard::Person { .. } | Heard::Perhaps { .. } => self.talk(desk, Input::Person),
            Heard::Recording { .. } => self.menu.assisted.person = None,
            Heard::Weighs { .. } => {}
        }
    }

    /// The model has answered, or there is no answer.
    pub(super) fn talk_answered(&mut self, desk: &mut Desk, answer: Result<Advice, String>) {
        self.talk(desk, Input::Answer(answer));
    }

    pub(super) fn talk_timeout(&mut self, desk: &mut Desk) {
        self.talk(desk, Input::Timeout);
    }

    /// The owner has the call, or wants it: the model is out of it.
    pub(super) fn end_talk(&mut self) {
        self.menu.assisted.talk = None;
        self.menu.assisted.saying.clear();
    }

    /// How the call ends if the far side hangs up now, where the model has led it.
    pub(super) fn outcome_of_talk(&self) -> Option<Outcome> {
        let spoke = self.menu.assisted.talk.as_ref().is_some_and(Talk::has_spoken);
        spoke.then_some(Outcome::Assisted)
    }

    fn talk(&mut self, desk: &mut Desk, input: Input) {
        if let Some(talk) = &mut self.menu.assisted.talk {
            talk.handle(desk.now, input);
        }
        while let Some(output) = self.menu.assisted.talk.as_mut().and_then(Talk::poll) {
            self.carry_on(desk, output);
        }
    }

    fn carry_on(&mut self, desk: &mut Desk, output: Output) {
        match output {
            Output::Ask(brief) => self.consult(desk, Asked::Call(brief)),
            Output::Decided(what, reason) => self.decide(desk, what, reason),
            Output::Say(text) => {
                // What was begun is not begun again by a call that is dialled again.
                self.keyed = true;
                self.menu.assisted.saying = pieces(&text);
                self.menu.assisted.saying.iter().for_each(|piece| desk.want(piece));
                self.say_piece(desk);
            }
            Output::Press(key) => {
                let Some(key) = Digit::from_char(key) else { return };
                self.keyed = true;
                self.far.iter().for_each(|far| desk.digit(far, key, Some(KEY_HELD)));
                desk.happened(Some(self.id), Event::MenuKeysSent { digits: key.as_char().to_string() });
            }
            Output::Owner => {
                self.end_talk();
                self.hand_over_to_owner(desk);
            }
            Output::HangUp(reason) => {
                // Who is told how calls end is not told what was said in them.
                self.decide(desk, "hang up", reason);
                self.end_led(desk, Outcome::Assisted, "the language model ended the call");
            }
            Output::Gone => {
                let outcome = self.outcome_of_talk().unwrap_or(Outcome::CompanyHungUp);
                self.end_led(desk, outcome, "the far side plays a busy tone: it has hung up");
            }
        }
    }

    /// The call is over. What a person said in it is no recording of the company's.
    pub(super) fn talk_over(&self, desk: &mut Desk) {
        let met = self.menu.assisted.person.is_some() || self.outcome_of_talk().is_some();
        self.far.iter().filter(|_| met).for_each(|far| desk.listen(ListenOrder::Met(far.port)));
    }

    fn end_led(&mut self, desk: &mut Desk, outcome: Outcome, reason: &str) {
        self.end(desk, outcome, reason, Cause::Normal);
    }

    /// The phone rings as for a person, whoever is there hears so.
    fn hand_over_to_owner(&mut self, desk: &mut Desk) {
        self.tell(desk, slay::Input::Need("the language model hands the call over"));
        if !matches!(self.state, State::Held(_)) {
            // He was on the phone already.
            return;
        }
        self.speak(desk, Prompt::Moment);
        if let Some(person) = self.menu.assisted.person.take() {
            self.heard_now(desk, person);
        }
    }

    // ---- speaking ----

    /// What the box was saying to the far side has been said.
    pub(super) fn talk_spoken(&mut self, desk: &mut Desk) {
        match self.menu.assisted.saying.is_empty() {
            true => self.talk(desk, Input::Spoken),
            false => self.say_piece(desk),
        }
    }

    /// Says the next piece, if its sound is there.
    fn say_piece(&mut self, desk: &mut Desk) {
        let Some(piece) = self.menu.assisted.saying.front().cloned() else { return };
        if let Some(sound) = desk.sound_of(&piece) {
            self.menu.assisted.saying.pop_front();
            self.speak_sound(desk, sound, &discreet(&piece));
        } else if !desk.is_wanted(&piece) {
            self.menu.assisted.saying.clear();
            self.talk(desk, Input::Mute);
        }
    }

    /// A text has become sound, or has not.
    fn piece_is_there(&mut self, desk: &mut Desk, text: &str) {
        let waits = self.menu.assisted.saying.front().is_some_and(|piece| piece == text);
        if waits && !self.is_speaking() {
            self.say_piece(desk);
        }
    }

    fn is_speaking(&self) -> bool {
        matches!(&self.state, State::Held(holding) if holding.speaking)
    }
}

impl Switchboard {
    /// What came of a text that was to be spoken.
    pub(super) fn text_spoken(&mut self, text: &str) {
        let ids: Vec<_> = self.calls.keys().copied().collect();
        for id in ids {
            self.with(id, |call, desk| call.piece_is_there(desk, text));
        }
    }

    /// The owner takes the call: no model leads it any more.
    pub(super) fn take(&mut self, id: crate::units::CallId) -> Option<Result<(), String>> {
        self.with(id, |call, desk| {
            call.end_talk();
            call.take(desk)
        })
    }
}

/// The text in pieces that are spoken at once, at the ends of sentences where there are some.
fn pieces(text: &str) -> VecDeque<String> {
    let mut all: VecDeque<String> = VecDeque::new();
    for word in text.split_whitespace() {
        let ends = |piece: &String| piece.ends_with(['.', '!', '?']) && piece.len() * 2 > SPOKEN_CHARS;
        match all.back_mut() {
            Some(piece) if !ends(piece) && piece.chars().count() + word.chars().count() < SPOKEN_CHARS => {
                piece.push(' ');
                piece.push_str(word);
            }
            _ => all.push_back(word.chars().take(SPOKEN_CHARS).collect()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slay::talk::opening;

    #[test]
    fn a_text_is_said_in_pieces_that_can_be_spoken() {
        assert_eq!(pieces("Hello there."), ["Hello there."]);
        assert!(pieces("  ").is_empty());
        let long =
            format!("{} {}", opening(crate::listen::words::Language::German), "word ".repeat(60).trim_end());
        let said = pieces(&long);
        assert!(said.len() > 2 && said.iter().all(|piece| piece.chars().count() <= SPOKEN_CHARS), "{said:?}");
        assert_eq!(said.iter().map(String::as_str).collect::<Vec<_>>().join(" "), long);
        assert!(said[0].ends_with('.'), "the first ends with a sentence: {said:?}");
    }
}
