//! A menu learnt from the owner's own keys: what was said before each, as a print, and which it was.
//!
//! What looks like a PIN, a card or a customer number is never kept, not even until the call is over: at that place the
//! learnt flow rings the owner, who types it himself. Keys pressed before anything was said are not learnt, for there
//! would be no prompt to verify.

use super::flow::{Act, Flow, NAME, STEPS, Step, is_words};
use crate::listen::prompt::Print;
use crate::listen::words::Language;
use crate::listen::words::menu::options;
use crate::units::{Digit, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// Keys that follow each other this closely are one answer.
const RUN: Duration = Duration::from_secs(3);
/// A menu takes one or two digits. More are a number of the owner's.
const DIGITS: usize = 2;
/// With `*` and `#`.
const KEYS: usize = 3;
/// Answers that follow each other this closely are a number that is typed slowly while somebody speaks on, if they are more
/// digits than a menu takes.
const SPELLS: Duration = Duration::from_secs(5);
/// Nobody presses keys any more: the box stops listening.
const QUIET: Duration = Duration::from_secs(3 * 60);
/// Somebody seems to be there: a menu would have had its key by then.
const PERSON: Duration = Duration::from_secs(15);
/// Of the time that the owner took, half as much again and this is allowed for the prompt the next time.
const GRACE: Duration = Duration::from_secs(20);
/// No prompt is waited for longer.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Most that is kept of what was said before a key, characters, and no longer than until that key is pressed.
const SAID: usize = 2_000;
/// No menu is longer.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What the call tells the machine.
#[derive(Clone, Debug)]
pub enum Input {
    /// The owner pressed a key.
    Key(Digit),
    /// What was said before a key; the answers to [`Output::Ask`], in order.
    Said(Option<Print>),
    /// These words were understood, which began to be said then. Of them only what the menu says of a key is kept.
    Words(Instant, String),
    /// The listener takes who speaks for a person.
    Person,
    /// Time passed.
    Timeout,
}

/// What should be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask what has been said since the last time.
    Ask,
    /// Listen no more.
    Stop,
}

/// An answer of the owner's to a prompt.
#[derive(Clone, Debug, Default)]
struct Answer {
    keys: Vec<Digit>,
    /// Too many to be a choice: none of them is kept.
    secret: bool,
    /// Since the key before, or since the far side answered.
    waited: Duration,
    /// What was said before; asked for, and not yet told.
    prompt: Option<Option<Print>>,
    /// Where the menu says that the key leads.
    expect: Option<String>,
    /// Between these it was said.
    heard: Option<(Instant, Instant)>,
}

/// Learns the menu of one call.
#[derive(Debug)]
pub struct Learner {
    /// Steps that are known already.
    before: Vec<Step>,
    answers: Vec<Answer>,
    began: Instant,
    last_key: Option<Instant>,
    /// What was understood since the key before.
    words: String,
    language: Language,
    /// Until then it listens.
    until: Instant,
    ends: Instant,
    over: bool,
    out: VecDeque<Output>,
}

impl Learner {
    /// Begins at `now`, when the far side has answered; or behind the steps of a flow that led on until here.
    /// `language`: what is spoken there.
    pub fn new(now: Instant, before: &[Step], language: Language) -> Self {
        Self {
            before: before.to_vec(),
            answers: Vec::new(),
            began: now,
            last_key: None,
            words: String::new(),
            language,
            until: now + QUIET,
            ends: now + LONGEST,
            over: false,
            out: VecDeque::new(),
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `handle(Timeout)` at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.over).then(|| self.until.min(self.ends))
    }

    /// Whether the owner has answered anything.
    pub fn has_begun(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            // He wanted something of the box, or the keys are for a person.
            Input::Key(Digit::FLASH) => {}
            Input::Key(_) if self.over => {}
            Input::Key(key) => self.key(now, key),
            Input::Said(print) => {
                if let Some(answer) = self.answers.iter_mut().find(|a| a.prompt.is_none()) {
                    answer.prompt = Some(print);
                }
                self.merge();
            }
            Input::Words(at, text) if !self.over => self.words(at, &text),
            Input::Words(..) => {}
            Input::Person => self.until = self.until.min(now + PERSON),
            Input::Timeout => {}
        }
        if !self.over && now >= self.until.min(self.ends) {
            self.over = true;
            self.out.push_back(Output::Stop);
        }
    }

    fn key(&mut self, now: Instant, key: Digit) {
        let run = self.last_key.is_some_and(|last| now.since(last) <= RUN);
        if !run || self.answers.is_empty() {
            let since = self.last_key.unwrap_or(self.began);
            let heard = Some((since, now));
            self.answers.push(Answer { waited: now.since(since), heard, ..Answer::default() });
            self.out.push_back(Output::Ask);
        } else {
            self.words.clear();
        }
        self.last_key = Some(now);
        self.until = now + QUIET;
        if let Some(answer) = self.answers.last_mut() {
            answer.add(&[key]);
            answer.name(&self.words, self.language);
        }
        self.words.clear();
        self.hide_numbers();
    }

    /// What was typed of a number is not kept, however slowly it comes and whatever is said in between.
    fn hide_numbers(&mut self) {
        let begin = self.answers.iter().rposition(|answer| answer.waited > SPELLS).unwrap_or(0);
        let typed = self.answers.get_mut(begin..).unwrap_or_default();
        let is_number = typed.iter().map(Answer::digits).sum::<usize>() > DIGITS;
        let hidden = typed.iter().position(|answer| is_number || answer.secret).unwrap_or(typed.len());
        typed.iter_mut().skip(hidden).for_each(Answer::hide);
    }

    /// Words that began before the last key was pressed are of its menu, and come late.
    fn words(&mut self, at: Instant, text: &str) {
        let language = self.language;
        let of = self.answers.last_mut().filter(|a| a.heard.is_some_and(|(_, key)| at < key));
        match of {
            Some(answer) => answer.name(text, language),
            None if self.words.len() + text.len() < SAID => {
                self.words.push_str(text);
                self.words.push_str(", ");
            }
            None => {}
        }
    }

    /// Keys between which nothing was said are one answer, however slowly they were pressed.
    fn merge(&mut self) {
        let mut at = 1;
        while at < self.answers.len() {
            if self.answers[at].prompt == Some(None) {
                let late = self.answers.remove(at);
                let answer = &mut self.answers[at - 1];
                answer.secret |= late.secret;
                answer.add(&late.keys);
            } else {
                at += 1;
            }
        }
    }

    /// The flow of what was learnt, if anything was.
    pub fn flow(&self, name: &str) -> Option<Flow> {
        if self.answers.is_empty() {
            return None;
        }
        let mut steps = self.before.clone();
        for answer in &self.answers {
            // A key without a prompt cannot be verified the next time.
            let prompt = answer.prompt.clone().flatten()?;
            let act = if answer.secret { Act::Transfer } else { Act::Dtmf(answer.keys.clone()) };
            let within =
                Duration::from_secs((answer.waited + answer.waited / 2 + GRACE).min(PATIENCE).as_secs());
            let expect = answer.expect.clone().filter(|_| !answer.secret);
            steps.push(Step { prompt: Some(prompt), expect, within, ..Step::plain(act) });
            if answer.secret {
                break;
            }
        }
        (steps.len() < STEPS).then(|| Flow::new(name, steps).ok()).flatten()
    }
}

impl Answer {
    /// Takes from what was said where its key leads, if it is one key.
    fn name(&mut self, text: &str, language: Language) {
        let [key] = self.keys.as_slice() else {
            self.expect = None;
            return;
        };
        if self.expect.is_none() && !self.secret {
            let choice = options(text, language).into_iter().find(|choice| choice.key == key.as_char());
            self.expect = choice
                .map(|choice| choice.label.chars().take(NAME).collect())
                .filter(|l: &String| is_words(l));
        }
    }

    fn add(&mut self, keys: &[Digit]) {
        if !self.secret {
            self.keys.extend(keys);
        }
        if self.secret || self.digits() > DIGITS || self.keys.len() > KEYS {
            self.hide();
        }
    }

    fn digits(&self) -> usize {
        self.keys.iter().filter(|key| key.as_char().is_ascii_digit()).count()
    }

    fn hide(&mut self) {
        self.secret = true;
        self.keys.clear();
        self.expect = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::flow::tests::{after, keys, print};
    use super::*;

    /// Plays `(second, keys or what was said before them)`; the acts of what was learnt.
    fn learnt(before: &[Step], presses: &[(u64, &str, Option<u32>)]) -> Option<Vec<Step>> {
        let mut learner = Learner::new(Instant::ZERO, before, Language::English);
        for (second, pressed, said) in presses {
            for (n, key) in pressed.chars().enumerate() {
                let now = Instant((second * 1_000 + n as u64 * 400) * 1_000);
                learner.handle(now, Input::Key(Digit::from_char(key).unwrap()));
                while let Some(out) = learner.poll() {
                    if out == Output::Ask {
                        learner.handle(now, Input::Said(said.map(print)));
                    }
                }
            }
        }
        let flow = learner.flow("learnt")?;
        assert!(flow.steps.iter().all(|step| step.within >= GRACE && step.within <= PATIENCE));
        assert!(!format!("{learner:?}").contains("Digit(9)"), "a nine is kept");
        let known = flow.steps.into_iter().map(|step| Step { within: super::super::flow::WITHIN, ..step });
        Some(known.collect())
    }

    #[test]
    fn keys_are_learnt_with_what_was_said_before_them() {
        let steps = learnt(&[], &[(5, "2", Some(1)), (20, "1#", Some(2))]).unwrap();
        assert_eq!(steps, [after(1, keys("2")), after(2, keys("1#")), Step::plain(Act::Hold)]);
    }

    #[test]
    fn what_looks_like_a_number_of_the_owners_is_never_kept() {
        let turn = [after(1, keys("2")), after(2, Act::Transfer)];
        let numbers: [&[(u64, &str, Option<u32>)]; 6] = [
            &[(5, "2", Some(1)), (20, "9999", Some(2))],
            &[(5, "2", Some(1)), (20, "9999999999999999#", Some(2)), (40, "1", Some(3))],
            // However slowly, as long as nobody speaks in between.
            &[(5, "2", Some(1)), (20, "9", Some(2)), (30, "9", None), (40, "9", None), (50, "9", None)],
            // However much is said in between, as long as he is quick.
            &[(5, "2", Some(1)), (20, "99", Some(2)), (22, "99", Some(3))],
            // Slowly, and the recording talks on.
            &[
                (5, "2", Some(1)),
                (20, "9", Some(2)),
                (24, "9", Some(3)),
                (29, "9", Some(4)),
                (33, "9", Some(5)),
            ],
            &[(5, "2", Some(1)), (20, "999", Some(2)), (25, "9", Some(3)), (30, "9#", Some(4))],
        ];
        for presses in numbers {
            assert_eq!(learnt(&[], presses).unwrap(), turn, "{presses:?}");
        }
    }

    #[test]
    fn keys_before_anything_was_said_are_not_learnt() {
        assert_eq!(learnt(&[], &[(1, "2", None)]), None);
        assert_eq!(learnt(&[], &[]), None);
    }

    #[test]
    fn a_menu_that_has_changed_is_learnt_from_where_it_did() {
        let before = [after(1, keys("2"))];
        let steps = learnt(&before, &[(5, "3", Some(7))]).unwrap();
        assert_eq!(steps, [after(1, keys("2")), after(7, keys("3")), Step::plain(Act::Hold)]);
    }

    #[test]
    fn it_stops_listening_when_a_person_is_there_or_nobody_presses_keys() {
        let stops = |inputs: &[(u64, Input)]| {
            let mut learner = Learner::new(Instant::ZERO, &[], Language::English);
            for (second, input) in inputs {
                learner.handle(Instant(second * 1_000_000), input.clone());
            }
            let at = learner.deadline().unwrap();
            learner.handle(at, Input::Timeout);
            assert!(core::iter::from_fn(|| learner.poll()).any(|out| out == Output::Stop));
            learner.handle(at, Input::Key(Digit::STAR));
            assert!(!core::iter::from_fn(|| learner.poll()).any(|out| out == Output::Ask), "it is over");
            at.0 / 1_000_000
        };
        let key = |second| (second, Input::Key(Digit::HASH));
        assert_eq!(stops(&[]), 180);
        assert_eq!(stops(&[key(100)]), 280);
        assert_eq!(stops(&[key(10), (20, Input::Person)]), 35);
        assert_eq!(stops(&[(20, Input::Person), key(30)]), 210, "it was a menu after all");
        assert_eq!(stops(&(1..9).map(|n| key(n * 100)).collect::<Vec<_>>()), 900);
    }

    #[test]
    fn a_step_is_named_by_what_the_menu_says_of_its_key_and_nothing_else_is_kept() {
        let at = |second: u64| Instant(second * 1_000_000);
        let mut learner = Learner::new(Instant::ZERO, &[], Language::English);
        let words = |second, text: &str| Input::Words(at(second), text.into());
        let press = |learner: &mut Learner, second, key| {
            learner.handle(at(second), Input::Key(Digit::from_char(key).unwrap()));
            learner.handle(at(second), Input::Said(Some(print(u32::try_from(second).unwrap()))));
        };
        learner.handle(at(4), words(1, "My name is Jones, my number is 1234. For sales, press one."));
        learner.handle(at(6), words(4, "For billing questions, press two."));
        press(&mut learner, 8, '2');
        assert!(!format!("{learner:?}").contains("Jones"), "what was said is forgotten with the key");
        // Cut off by the key, and understood after it.
        press(&mut learner, 20, '1');
        learner.handle(at(21), words(15, "For an old bill, press one"));
        press(&mut learner, 30, '5');
        let expect: Vec<_> = learner.flow("x").unwrap().steps.into_iter().map(|step| step.expect).collect();
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(expect, [named("billing questions"), named("old bill"), None, None]);
    }
}
