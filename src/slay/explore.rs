//! Through a menu that is not known, by what it says: towards the owner's wish, a few levels deep, never where a machine must
//! not go, and to the owner as soon as it is not clear which key is right.
//!
//! ```text
//!              it has been said, and a key is clear
//!  Listening ─────────────────────────────────────────► press, Listening … ──► music, a queue's words: hold
//!      │ twice unclear, or too deep, or nothing understood
//!      └──► ask the language model, where there is one: a key that was offered, or else ring the owner
//! ```

use super::advice::{Act, Advice, Question, plain};
use super::navigate::Help;
use crate::listen::Sound;
use crate::listen::words::menu::{Choice, options};
use crate::listen::words::{Intent, Language, Pick, discreet, is_forbidden, matter, pick, wording};
use crate::units::{Digit, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// A wish when the owner told none.
pub const AGENT: &str = "agent";
/// Longest wish, characters.
pub const WISH: usize = 64;

/// Quiet after which a menu has said what it offers: menus pause between their options.
const QUIET: Duration = Duration::from_millis(2_000);
/// Words come this much later than they were said; on a slow board later than this, and then they are waited for.
const LATE: Duration = Duration::from_millis(1_000);
/// What was not understood by then will not be.
const NOT_UNDERSTOOD: Duration = Duration::from_secs(6);
/// A menu that pauses nowhere is decided upon after this.
const LONG: Duration = Duration::from_secs(45);
/// So long something is waited for after each key, and after the answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Music for so long is a queue, and so is ringing.
const QUEUE: Duration = Duration::from_secs(10);
/// A busy tone for so long means that the far side has gone without a BYE.
const GONE: Duration = Duration::from_secs(8);
/// A person is waited for no longer until words say that it is a menu: they come 0.3 s after a pause.
const PERSON: Duration = Duration::from_secs(1);
/// The language model answers before, or never.
const ADVICE: Duration = Duration::from_secs(62);
/// What is unclear may be clear when the menu repeats itself, so many times.
const AGAIN: u8 = 1;
/// Most of what one menu says, characters.
const MOST: usize = 4_000;

/// What the call tells the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Another class of sound is heard from now on.
    Sound(Sound),
    /// This was said, beginning then.
    Words(Instant, String),
    /// The listener takes who speaks for a person.
    Person,
    /// And not any more.
    Recording,
    /// What the language model says to [`Output::Ask`], or why it says nothing.
    Advice(Result<Advice, String>),
    /// Time passed.
    Timeout,
}

/// What should be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Press this key, which leads there by the menu's words.
    Press(Digit, String),
    /// There is no menu any more: hold the line.
    Hold,
    /// A person is there, in the place of a menu: hold the line, and judge.
    Person,
    /// Ask the language model.
    Ask(Question),
    /// Ring the owner.
    Owner(Help),
    /// End the call.
    HangUp(String),
    /// For the record: what and why.
    Decided(&'static str, String),
}

/// One way through one menu.
#[derive(Debug)]
pub struct Explorer {
    wish: String,
    language: Language,
    /// Keys that may still be pressed.
    levels: u8,
    /// What this menu has said.
    text: String,
    began: Instant,
    /// When words of it came first, and last.
    words: Option<(Instant, Instant)>,
    /// What is heard, and since when.
    sound: (Sound, Instant),
    /// Somebody has spoken since words came last.
    spoken: bool,
    /// Those were of a menu.
    menu: bool,
    again: u8,
    /// A person was told of, when.
    person: Option<Instant>,
    /// There is a language model; and it has not been asked about this menu.
    adviser: bool,
    may_ask: bool,
    /// What it is being asked, and how long it is waited for.
    asked: Option<(Question, Instant)>,
    /// Every option that was taken.
    taken: Vec<Choice>,
    over: bool,
    out: VecDeque<Output>,
}

impl Explorer {
    /// Begins at `now`. `levels`: so many keys may be pressed.
    pub fn new(now: Instant, wish: &str, language: Language, levels: u8) -> Self {
        let wish = if wish.trim().is_empty() { AGENT } else { wish.trim() };
        Self {
            wish: wish.to_owned(),
            language,
            levels,
            text: String::new(),
            began: now,
            words: None,
            sound: (Sound::Silence, now),
            spoken: false,
            menu: false,
            again: AGAIN,
            person: None,
            adviser: false,
            may_ask: false,
            asked: None,
            taken: Vec::new(),
            over: false,
            out: VecDeque::new(),
        }
    }

    /// The same, that asks a language model before the owner, if there is one.
    pub fn advised(self, adviser: bool) -> Self {
        Self { adviser, may_ask: adviser, ..self }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `handle(Timeout)` at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let since = self.sound.1;
        let sound = match self.sound.0 {
            Sound::Music | Sound::Ringback => Some(since + QUEUE),
            Sound::Busy => Some(since + GONE),
            _ => self.said_at(),
        };
        let long = self.words.map(|(first, _)| first + LONG);
        let person = self.person.map(|at| at + PERSON);
        if let Some((_, until)) = &self.asked {
            let ends = matches!(self.sound.0, Sound::Music | Sound::Ringback | Sound::Busy);
            return [Some(*until), sound.filter(|_| ends), person].into_iter().flatten().min();
        }
        [Some(self.began + PATIENCE), sound, long, person].into_iter().flatten().min()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        if self.over {
            return;
        }
        let voice = |sound| matches!(sound, Sound::Speech | Sound::Announcement);
        match input {
            Input::Sound(sound) => {
                self.spoken |= voice(sound);
                if sound != self.sound.0 && !(voice(sound) && voice(self.sound.0)) {
                    self.sound = (sound, now);
                }
            }
            // Said before the last key: of the menu before.
            Input::Words(at, _) if at < self.began => {}
            Input::Words(_, text) => self.words(now, &text),
            // A menu has just been read out: that is who was taken for a person.
            Input::Person if self.menu && !self.spoken => {}
            Input::Person => {
                self.person.get_or_insert(now);
            }
            Input::Recording => self.person = None,
            Input::Advice(answer) => self.advice(now, answer),
            Input::Timeout => {}
        }
        if !self.over {
            self.timeout(now);
        }
    }

    fn words(&mut self, now: Instant, text: &str) {
        if self.text.len() + text.len() < MOST {
            self.text.push_str(text);
            // A segment ends where the voice pauses.
            self.text.push_str(if text.ends_with(['.', ',', '?', '!']) { " " } else { ", " });
        }
        self.words = Some((self.words.map_or(now, |(first, _)| first), now));
        self.spoken = matches!(self.sound.0, Sound::Speech | Sound::Announcement);
        let intents = wording(text, self.language, "").intents;
        // Of what was said last alone: behind a menu that offers nothing fitting, a queue or a person may come.
        let offered = !options(text, self.language).is_empty();
        self.menu = offered || intents.contains(&Intent::Menu);
        if self.menu {
            // What was taken for a person reads out a menu.
            self.person = None;
        } else if intents.contains(&Intent::Queue) {
            self.decide("hold", "a queue's words: there is no menu any more".into());
            self.end(Output::Hold);
        } else if intents.iter().any(|intent| matches!(intent, Intent::Help | Intent::There)) {
            self.decide("hold", "somebody asks what is wanted: there is no menu any more".into());
            self.end(if self.person.is_some() { Output::Person } else { Output::Hold });
        } else if intents.iter().any(|intent| matches!(intent, Intent::Closed | Intent::Voicemail)) {
            self.decide("hold", "the words of no menu".into());
            self.end(Output::Hold);
        }
    }

    fn timeout(&mut self, now: Instant) {
        let lasted = now.since(self.sound.1);
        match self.sound.0 {
            Sound::Music | Sound::Ringback if lasted >= QUEUE => {
                self.decide("hold", "no menu speaks any more: the queue has begun".into());
                return self.end(Output::Hold);
            }
            Sound::Busy if lasted >= GONE => {
                return self.end(Output::HangUp("the far side plays a busy tone: it has hung up".into()));
            }
            _ => {}
        }
        if self.person.is_some_and(|at| now >= at + PERSON) {
            self.decide("hold", "a person speaks, and no words of a menu were understood".into());
            return self.end(Output::Person);
        }
        if let Some((_, until)) = &self.asked {
            if now >= *until {
                self.unsure("the language model did not answer");
            }
            return;
        }
        let said = self.said_at().is_some_and(|at| now >= at);
        let long = self.words.is_some_and(|(first, _)| now >= first + LONG);
        if said || long {
            self.choose(now);
        } else if now >= self.began + PATIENCE {
            self.nothing_came(now);
        }
    }

    /// When what this menu says is taken to be said, if it has spoken and is quiet now.
    fn said_at(&self) -> Option<Instant> {
        let (_, last) = self.words?;
        let quiet =
            matches!(self.sound.0, Sound::Silence | Sound::Noise | Sound::Tone).then_some(self.sound.1)?;
        // Words of what was said last may still be on their way.
        let known = if self.spoken { quiet + NOT_UNDERSTOOD } else { last + LATE };
        Some(known.max(quiet + QUIET))
    }

    fn choose(&mut self, now: Instant) {
        let choices = options(&self.text, self.language);
        if choices.is_empty() {
            // A welcome, or the law: the menu comes.
            self.words = None;
            return self.if_late(now);
        }
        match pick(&choices, &self.wish, &self.taken, self.language) {
            Pick::Press(choice, why) => self.take(now, choice, why),
            Pick::Unsure(why) if self.again > 0 => {
                self.again -= 1;
                self.words = None;
                self.decide("listen again", why);
                self.if_late(now);
            }
            Pick::Unsure(why) => self.doubt(now, &why),
        }
    }

    fn if_late(&mut self, now: Instant) {
        if now >= self.began + PATIENCE {
            self.nothing_came(now);
        }
    }

    fn take(&mut self, now: Instant, choice: Choice, why: String) {
        let Some(key) = Digit::from_char(choice.key) else { return self.unsure("no such key") };
        if self.taken.contains(&choice) {
            return self.unsure("it leads round in a circle");
        }
        let Some(levels) = self.levels.checked_sub(1) else {
            return self.unsure("the menu goes deeper than the box may go by itself");
        };
        self.decide("explore", why);
        self.out.push_back(Output::Press(key, choice.label.clone()));
        self.taken.push(choice);
        self.levels = levels;
        self.text.clear();
        (self.words, self.spoken, self.person, self.again) = (None, false, None, AGAIN);
        self.may_ask = self.adviser;
        self.began = now;
    }

    fn nothing_came(&mut self, now: Instant) {
        if options(&self.text, self.language).is_empty() {
            self.decide("hold", "no menu was heard".into());
            return self.end(Output::Hold);
        }
        self.doubt(now, "no key is clear");
    }

    /// The words leave it open. The language model is told of no key that is forbidden, and the owner decides after it.
    fn doubt(&mut self, now: Instant, why: &str) {
        let (wish, language) = (&self.wish, self.language);
        let offered = options(&self.text, language);
        let question = Question::new(wish, &self.text, &offered, |choice| {
            is_forbidden(matter(choice, &self.text, language), language)
        });
        if !self.may_ask || question.choices.is_empty() || is_forbidden(wish, language) {
            return self.unsure(why);
        }
        self.decide("ask the language model", why.to_owned());
        self.may_ask = false;
        self.out.push_back(Output::Ask(question.clone()));
        self.asked = Some((question, now + ADVICE));
    }

    fn advice(&mut self, now: Instant, answer: Result<Advice, String>) {
        let Some((question, _)) = self.asked.take() else { return };
        let advice = match answer {
            Ok(advice) => question.admit(&advice),
            Err(why) => return self.unsure(&plain(&discreet(&why))),
        };
        let chosen = |key: char| question.choices.iter().find(|choice| choice.key == key).cloned();
        match advice.act {
            Act::Press(key) => match chosen(key) {
                Some(choice) => self.take(now, choice, advice.reason),
                None => self.unsure(&advice.reason),
            },
            Act::Wait => {
                self.decide("listen on", advice.reason);
                (self.words, self.again) = (None, 0);
            }
            Act::Owner | Act::Say(_) | Act::HangUp => self.unsure(&advice.reason),
        }
    }

    fn unsure(&mut self, why: &str) {
        self.decide("ask", format!("{why}: the owner is asked"));
        self.end(Output::Owner(Help::Unsure));
    }

    fn end(&mut self, output: Output) {
        self.out.push_back(output);
        self.over = true;
    }

    fn decide(&mut self, what: &'static str, reason: String) {
        self.out.push_back(Output::Decided(what, reason));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn at(seconds: f64) -> Instant {
        Instant((seconds * 1e6) as u64)
    }

    /// Feeds `(second, input)` and drives the timers up to `end`; what was done, by second, and without reasons.
    fn story(wish: &str, levels: u8, inputs: Vec<(f64, Input)>, end: f64) -> Vec<(f64, Output)> {
        let mut machine = Explorer::new(Instant::ZERO, wish, Language::English, levels);
        let mut inputs = VecDeque::from(inputs);
        let mut told = Vec::new();
        for _ in 0..10_000 {
            let next = inputs.front().map(|(s, _)| at(*s));
            let Some(now) = [next, machine.deadline()].into_iter().flatten().min().filter(|t| *t <= at(end))
            else {
                return told;
            };
            let input = if next == Some(now) { inputs.pop_front().unwrap().1 } else { Input::Timeout };
            machine.handle(now, input);
            while let Some(out) = machine.poll() {
                if !matches!(out, Output::Decided(..)) {
                    told.push((now.0 as f64 / 1e6, out));
                }
            }
        }
        panic!("time stands still");
    }

    /// It is said from `from` to `to`, and understood half a second later.
    fn says(from: f64, to: f64, text: &str) -> Vec<(f64, Input)> {
        vec![
            (from, Input::Sound(Sound::Speech)),
            (to, Input::Sound(Sound::Silence)),
            (to + 0.5, Input::Words(at(from), text.into())),
        ]
    }

    const MENU: &str = "For billing, press one. For repairs, press two. To make a payment, press three.";

    fn press(key: char, label: &str) -> Output {
        Output::Press(Digit::from_char(key).unwrap(), label.into())
    }

    const UNSURE: Output = Output::Owner(Help::Unsure);

    #[test]
    fn keys_are_pressed_when_the_menu_has_spoken_and_music_is_the_queue() {
        let inputs = [
            says(1.0, 8.0, MENU),
            says(11.0, 15.0, "For an old bill, press one. For a billing representative, press two."),
            vec![(18.0, Input::Sound(Sound::Music))],
        ];
        let told = story("billing representative", 3, inputs.concat(), 100.0);
        assert_eq!(
            told,
            [
                (10.0, press('1', "billing")),
                (17.0, press('2', "billing representative")),
                (28.0, Output::Hold)
            ]
        );
    }

    #[test]
    fn it_does_not_guess_nor_go_deeper_than_it_may() {
        let twice = [says(1.0, 8.0, MENU), says(14.0, 22.0, MENU)].concat();
        assert_eq!(
            story("insurance", 3, twice, 100.0),
            [(24.0, UNSURE)],
            "once more, in case it was misheard"
        );
        assert_eq!(story("insurance", 3, says(1.0, 8.0, MENU), 100.0), [(60.0, UNSURE)]);
        assert_eq!(story("billing", 0, says(1.0, 8.0, MENU), 100.0), [(10.0, UNSURE)]);
        let circle = [says(1.0, 8.0, MENU), says(12.0, 20.0, MENU)].concat();
        assert_eq!(story("billing", 3, circle, 100.0), [(10.0, press('1', "billing")), (22.0, UNSURE)]);
        let pays = [says(1.0, 8.0, MENU), says(14.0, 22.0, MENU)].concat();
        assert_eq!(story("make a payment", 3, pays, 100.0), [(24.0, UNSURE)]);
    }

    /// The same with a language model that answers this a second after the menu has spoken.
    fn advised(wish: &str, answer: Result<Act, &str>) -> Vec<Output> {
        let inputs = [says(1.0, 8.0, MENU), vec![(10.0, Input::Timeout)], says(14.0, 22.0, MENU)].concat();
        let mut machine = Explorer::new(Instant::ZERO, wish, Language::English, 3).advised(true);
        for (second, input) in inputs {
            machine.handle(at(second), input);
        }
        machine.handle(at(24.0), Input::Timeout);
        let answer = answer.map(|act| Advice { act, reason: "so".into() });
        machine.handle(at(25.0), Input::Advice(answer.map_err(Into::into)));
        let out = core::iter::from_fn(|| machine.poll());
        out.filter(|out| !matches!(out, Output::Decided("listen again", _))).collect()
    }

    #[test]
    fn the_language_model_is_asked_before_the_owner_and_presses_only_what_was_offered() {
        let out = advised("insurance", Ok(Act::Press('2')));
        let [
            Output::Decided("ask the language model", _),
            Output::Ask(question),
            Output::Decided("explore", why),
            pressed,
        ] = &out[..]
        else {
            panic!("{out:?}")
        };
        assert_eq!((pressed, why.as_str()), (&press('2', "repairs"), "the language model: so"));
        let keys: Vec<char> = question.choices.iter().map(|choice| choice.key).collect();
        assert_eq!(
            (keys, question.intent.as_str()),
            (vec!['1', '2'], "insurance"),
            "it is not told of payments"
        );
        for answer in [Ok(Act::Press('3')), Ok(Act::Press('9')), Ok(Act::Owner), Err("no answer")] {
            let out = advised("insurance", answer.clone());
            assert_eq!(out.last(), Some(&UNSURE), "{answer:?}");
            assert!(!out.iter().any(|out| matches!(out, Output::Press(..))), "{answer:?}");
        }
        let waits = advised("insurance", Ok(Act::Wait));
        assert!(matches!(waits.last(), Some(Output::Decided("listen on", _))), "{waits:?}");
        let forbidden = advised("make a payment", Ok(Act::Press('1')));
        assert!(!forbidden.iter().any(|out| matches!(out, Output::Ask(_))), "{forbidden:?}");
    }

    #[test]
    fn a_language_model_that_says_nothing_is_not_waited_for_for_ever_and_music_ends_the_wait() {
        let mut machine = Explorer::new(Instant::ZERO, "insurance", Language::English, 3).advised(true);
        [says(1.0, 8.0, MENU), vec![(10.0, Input::Timeout)], says(14.0, 22.0, MENU)]
            .concat()
            .into_iter()
            .for_each(|(s, i)| machine.handle(at(s), i));
        machine.handle(at(24.0), Input::Timeout);
        assert_eq!(machine.deadline(), Some(at(24.0) + ADVICE));
        machine.handle(at(30.0), Input::Sound(Sound::Music));
        machine.handle(at(40.0), Input::Timeout);
        machine.handle(at(41.0), Input::Advice(Ok(Advice { act: Act::Press('2'), reason: String::new() })));
        let out: Vec<Output> = core::iter::from_fn(|| machine.poll()).collect();
        assert_eq!(out.last(), Some(&Output::Hold), "{out:?}");
        assert!(!out.iter().any(|out| matches!(out, Output::Press(..))));
    }

    #[test]
    fn where_no_menu_is_it_holds() {
        let queue = says(1.0, 5.0, "Your call is important to us. Please stay on the line.");
        assert_eq!(story("", 3, queue, 100.0), [(5.5, Output::Hold)]);
        assert_eq!(story("", 3, vec![], 100.0), [(60.0, Output::Hold)]);
        assert_eq!(story("", 3, vec![(3.0, Input::Sound(Sound::Music))], 100.0), [(13.0, Output::Hold)]);
        let ended = story("", 3, vec![(3.0, Input::Sound(Sound::Busy))], 100.0);
        assert!(matches!(ended[..], [(at, Output::HangUp(_))] if at == 11.0), "{ended:?}");
        // A person who answers at once is told on, and a menu that sounds like one is not.
        let person = vec![(1.0, Input::Sound(Sound::Speech)), (2.0, Input::Person)];
        assert_eq!(story("", 3, person, 100.0), [(3.0, Output::Person)]);
        let sounds_so = [says(1.0, 3.0, "For sales, press one."), vec![(3.2, Input::Person)]].concat();
        let told = story("sales", 3, sounds_so, 30.0);
        assert_eq!(told, [(5.0, press('1', "sales"))]);
    }

    #[test]
    fn behind_a_menu_that_offers_nothing_fitting_a_person_or_a_queue_may_come() {
        let menu = says(1.0, 8.0, "For sales, press one. For repairs, press two. Or stay on the line.");
        let person = vec![(16.0, Input::Sound(Sound::Speech)), (17.6, Input::Person)];
        let asks = vec![(18.0, Input::Words(at(16.0), "Acme, how can I help you?".into()))];
        let told = story("agent", 3, [menu.clone(), person, asks].concat(), 100.0);
        assert_eq!(told, [(18.0, Output::Person)]);
        let queue = says(12.0, 16.0, "All of our agents are currently busy helping other customers.");
        assert_eq!(story("agent", 3, [menu, queue].concat(), 100.0), [(16.5, Output::Hold)]);
        // Put through in silence, with no words of a queue.
        let through = [says(1.0, 8.0, MENU), says(11.0, 13.0, "I will put you through.")].concat();
        let told = story("billing", 3, through, 100.0);
        assert_eq!(told, [(10.0, press('1', "billing")), (70.0, Output::Hold)]);
    }

    #[test]
    fn a_key_that_only_confirms_is_what_the_menu_says() {
        let text = "You are about to cancel your contract. To confirm, press one. To go back, press two.";
        let offered = options(text, Language::English);
        let forbids =
            |choice: &Choice| is_forbidden(matter(choice, text, Language::English), Language::English);
        let question = Question::new("billing", text, &offered, forbids);
        assert_eq!(question.choices.iter().map(|choice| choice.key).collect::<Vec<_>>(), ['2']);
    }

    #[test]
    fn words_that_come_late_are_of_the_menu_they_were_said_in() {
        let late = vec![(10.5, Input::Words(at(7.0), "For repairs, press two.".into()))];
        let inputs = [says(1.0, 8.0, MENU), late, vec![(11.0, Input::Sound(Sound::Music))]].concat();
        assert_eq!(story("billing", 3, inputs, 100.0), [(10.0, press('1', "billing")), (21.0, Output::Hold)]);
        // Nothing is decided while words are on their way.
        let mut slow = says(1.0, 3.0, "For billing, press one.");
        slow.extend([(3.2, Input::Sound(Sound::Speech)), (6.0, Input::Sound(Sound::Silence))]);
        slow.push((9.5, Input::Words(at(3.2), "For billing from abroad, press two.".into())));
        slow.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(story("billing abroad", 3, slow, 30.0), [(10.5, press('2', "billing from abroad"))]);
    }
}
