//! Through a menu by a stored flow: no key before its prompt has been said, and no guess when it is not said.
//!
//! ```text
//!             prompt said                    keys, word, pause                         hold
//!  Expecting ─────────────► the step's act ──────────────────► Expecting … ──────────────────► (the hold's business)
//!      │  said something else twice, or nothing in time
//!      └──► otherwise: ring the owner │ next step │ another step │ end
//! ```

use super::flow::{Act, Flow, Otherwise, Step, Word};
use crate::limits::LOOSE_SECONDS;
use crate::listen::Sound;
use crate::listen::words::menu::options;
use crate::listen::words::{Intent, Language, says, wording};
use crate::units::{Digit, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// Quiet after which what was said is over, beyond the second that it takes to be told of it. Menus pause between their
/// sentences, and begin anew after a few seconds without a key.
const ENDED: Duration = Duration::from_secs(2);
/// Quiet that ends a sentence.
const PAUSED: Duration = Duration::from_millis(1_200);
/// So often something else may be said than expected, before half the time for it has passed: the network may have garbled
/// it, menus pause, and they repeat themselves.
const CHANCES: u8 = 2;
/// Music for so long where a prompt was expected is a queue: there is no menu any more.
const QUEUE: Duration = Duration::from_secs(20);
/// A busy tone for so long means that the far side has gone without a BYE.
const GONE: Duration = Duration::from_secs(8);
/// A prompt that was said so recently is still waiting for its key.
const RECENT: Duration = Duration::from_secs(10);
/// A word that was never reported as said.
const WORD: Duration = Duration::from_secs(5);
/// The same of a text.
const TEXT: Duration = Duration::from_secs(LOOSE_SECONDS as u64 + 3);

/// Most that is kept of what was said at one step, characters.
const SAID: usize = 2_000;

/// What the call tells the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// This one of [`Flow::prompts`] has just been said.
    Prompt(usize),
    /// These words have just been understood, which began to be said then.
    Words(Instant, String),
    /// The listener takes who speaks for a person.
    Person,
    /// And not any more.
    Recording,
    /// Another class of sound is heard from now on.
    Sound(Sound),
    /// The word that was to be said has been.
    Spoken,
    /// The text that was to be said cannot be.
    Mute,
    /// Time passed.
    Timeout,
}

/// What should be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Press these keys.
    Press(Vec<Digit>),
    /// Say this word.
    Speak(Word),
    /// Say this text.
    Say(String),
    /// The menu is over: hold the line.
    Hold,
    /// A person is there, in the place of a menu: hold the line, and judge.
    Person,
    /// Ring the owner.
    Owner(Help),
    /// The far side has gone: end the call.
    HangUp(String),
    /// The flow says that the call ends here.
    End(String),
    /// For the record: what and why. Never which keys.
    Decided(&'static str, String),
}

/// What the owner is rung for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    /// The menu is not what it was.
    Changed,
    /// The flow says that he goes on himself.
    Turn,
    /// A menu that is not known, in which no key is clear.
    Unsure,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Waits for the prompt of its step.
    Expecting {
        half: Instant,
        until: Instant,
        chances: u8,
    },
    /// Waits until whoever speaks pauses.
    Listening {
        until: Instant,
    },
    /// Does nothing.
    Pausing {
        until: Instant,
    },
    /// Says a word.
    Speaking {
        until: Instant,
    },
    Over,
}

/// Whether these words ask what is wanted, and no menu says them.
pub fn asks(text: &str, language: Language) -> bool {
    let intents = wording(text, language, "").intents;
    let asks = intents.iter().any(|intent| matches!(intent, Intent::Help | Intent::There));
    asks && !intents.contains(&Intent::Menu) && options(text, language).is_empty()
}

/// One way through one menu.
#[derive(Debug)]
pub struct Navigator {
    flow: Flow,
    at: usize,
    state: State,
    /// What is heard, and since when.
    sound: (Sound, Instant),
    /// Somebody has spoken since the step began, or since it was last counted as over.
    spoken: bool,
    /// The prompt said last, while it waits for its key.
    said: Option<(usize, Instant)>,
    /// What was understood since the step began, and when that was.
    words: (String, Instant),
    /// What was understood last, from one pause to the next.
    last: String,
    language: Language,
    /// Who speaks is taken for a person.
    person: bool,
    /// When it was last looked at what is heard.
    looked: Instant,
    /// Every step led on as it should.
    through: bool,
    out: VecDeque<Output>,
}

impl Navigator {
    /// Begins with the first step at `now`. `said`: a prompt that was said before, and when.
    /// `language`: what is spoken there.
    pub fn new(now: Instant, flow: Flow, said: Option<(usize, Instant)>, language: Language) -> Self {
        let mut machine = Self {
            flow,
            at: 0,
            state: State::Over,
            sound: (Sound::Silence, now),
            spoken: false,
            said,
            words: (String::new(), now),
            last: String::new(),
            language,
            person: false,
            looked: now,
            through: false,
            out: VecDeque::new(),
        };
        machine.begin(now);
        machine
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `handle(Timeout)` at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        let since = self.sound.1;
        match self.state {
            State::Over => None,
            State::Pausing { until } | State::Speaking { until } => Some(until),
            State::Listening { until } => Some(self.end_of_speech(PAUSED).unwrap_or(until).min(until)),
            State::Expecting { half, until, chances } => {
                let sound = match self.sound.0 {
                    Sound::Music => Some(since + QUEUE),
                    Sound::Busy => Some(since + GONE),
                    _ if chances == 0 => Some(half),
                    _ => self.end_of_speech(ENDED),
                };
                let asked = self.waits_from().filter(|from| *from > self.looked);
                [sound, asked, Some(until)].into_iter().flatten().min()
            }
        }
    }

    /// Whether the flow led to its end.
    pub fn is_through(&self) -> bool {
        self.through
    }

    /// The step it is at, counted from 1, and how many there are.
    pub fn place(&self) -> (usize, usize) {
        (self.at + 1, self.flow.steps.len())
    }

    /// The steps that led on until now, for whoever learns the rest.
    pub fn done(&self) -> &[Step] {
        self.flow.steps.get(..self.at).unwrap_or_default()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Sound(sound) => {
                let voice = |sound| matches!(sound, Sound::Speech | Sound::Announcement);
                self.spoken |= voice(sound);
                // A recording that is known as one all of a sudden speaks on.
                if sound != self.sound.0 && !(voice(sound) && voice(self.sound.0)) {
                    self.sound = (sound, now);
                }
            }
            Input::Prompt(which) => {
                self.said = Some((which, now));
                if matches!(self.state, State::Expecting { .. }) {
                    self.expected(now);
                }
            }
            // What began before the last key belongs to that one.
            Input::Words(at, _) if at < self.words.1 => {}
            Input::Words(_, text) => {
                if self.words.0.len() + text.len() < SAID {
                    self.words.0.push_str(&text);
                    self.words.0.push_str(", ");
                }
                self.last = text;
                if matches!(self.state, State::Expecting { .. }) {
                    self.understood(now);
                }
            }
            Input::Person => self.person = true,
            Input::Recording => self.person = false,
            Input::Spoken if matches!(self.state, State::Speaking { .. }) => self.go_on(now),
            Input::Mute if matches!(self.state, State::Speaking { .. }) => {
                self.missed(now, "the box has no voice for its text");
            }
            Input::Spoken | Input::Mute | Input::Timeout => {}
        }
        self.timeout(now);
    }

    fn timeout(&mut self, now: Instant) {
        match self.state {
            State::Pausing { until } | State::Speaking { until } if now >= until => self.go_on(now),
            State::Listening { .. } if self.end_of_speech(PAUSED).is_some_and(|at| now >= at) => {
                self.go_on(now);
            }
            State::Listening { until } if now >= until => self.missed(now, "nobody has spoken in time"),
            State::Expecting { half, until, chances } => {
                self.looked = now;
                self.still_expecting(now, (half, until), chances);
                if matches!(self.state, State::Expecting { .. }) {
                    self.if_asked(now);
                }
            }
            _ => {}
        }
    }

    fn still_expecting(&mut self, now: Instant, (half, until): (Instant, Instant), chances: u8) {
        let lasted = now.since(self.sound.1);
        match self.sound.0 {
            Sound::Music if lasted >= QUEUE => {
                self.decide("hold", "music plays where a menu was: the queue has begun");
                self.end(Output::Hold);
            }
            Sound::Busy if lasted >= GONE => {
                self.end(Output::HangUp("the far side plays a busy tone: it has hung up".into()));
            }
            _ if chances == 0 && now >= half => {
                self.missed(now, "something else was said than the prompt expected");
            }
            _ if chances > 0 && self.end_of_speech(ENDED).is_some_and(|at| now >= at) => {
                self.spoken = false;
                self.state = State::Expecting { half, until, chances: chances - 1 };
                self.still_expecting(now, (half, until), chances - 1);
            }
            _ if now >= until => self.missed(now, "the prompt expected was not said in time"),
            _ => {}
        }
    }

    /// When what was said is over, if somebody spoke and is quiet now.
    fn end_of_speech(&self, quiet: Duration) -> Option<Instant> {
        let still = matches!(self.sound.0, Sound::Silence | Sound::Noise);
        (self.spoken && still).then(|| self.sound.1 + quiet)
    }

    fn step(&self) -> Option<&Step> {
        self.flow.steps.get(self.at)
    }

    /// The step begins: it waits for its prompt, if it has one.
    fn begin(&mut self, now: Instant) {
        self.spoken = matches!(self.sound.0, Sound::Speech | Sound::Announcement);
        let Some(step) = self.step() else { return self.end(Output::Hold) };
        let (half, until) = (now + step.within / 2, now + step.within);
        let waits = step.prompts().next().is_some() || step.expect.is_some();
        self.words = (String::new(), now);
        self.last.clear();
        if !waits {
            return self.act(now, None);
        }
        self.state = State::Expecting { half, until, chances: CHANCES };
        self.expected(now);
    }

    /// Goes on if the prompt said last is the one that the step waits for.
    fn expected(&mut self, now: Instant) {
        let Some((which, _)) = self.said.filter(|(_, at)| now.since(*at) <= RECENT) else { return };
        let print = self.flow.prompts().get(which).cloned();
        let Some(step) = self.step() else { return };
        let found = step.prompts().position(|expected| print.as_ref() == Some(expected));
        if found.is_some() {
            self.said = None;
            self.act(now, found);
        }
    }

    /// Goes on if the words that the step waits for have been said. A menu that names another key for them has changed.
    fn understood(&mut self, now: Instant) {
        let Some((step, expected)) = self.step().and_then(|step| Some((step, step.expect.as_deref()?)))
        else {
            return;
        };
        let offered = options(&self.words.0, self.language);
        let by_sound = step.prompt.is_some();
        let about = offered.iter().find(|choice| says(&choice.label, expected, self.language));
        let key = match &step.act {
            Act::Dtmf(keys) => keys.first().map(|key| key.as_char()),
            _ => None,
        };
        let said = says(&self.words.0, expected, self.language);
        let speaks = matches!(self.sound.0, Sound::Speech | Sound::Announcement);
        match (about, key) {
            // A word may be misheard: where the prompt is known by its sound, that decides.
            (Some(choice), Some(key)) if choice.key != key && by_sound => {}
            (Some(choice), Some(key)) if choice.key != key => {
                self.missed(now, "the menu names another key than it did");
            }
            (Some(_), _) => self.act(now, Some(0)),
            (None, None) if said => self.act(now, Some(0)),
            // While it speaks it may yet name its key.
            (None, Some(_)) if said && offered.is_empty() && !speaks && !self.is_no_menu() => {
                self.act(now, Some(0));
            }
            _ => {}
        }
    }

    /// What was understood at this step is said where no key is asked for, whatever it is about.
    fn is_no_menu(&self) -> bool {
        let waits = |intent: &Intent| {
            matches!(intent, Intent::Queue | Intent::Closed | Intent::Voicemail | Intent::Survey)
        };
        wording(&self.words.0, self.language, "").intents.iter().any(waits)
    }

    /// When somebody who is taken for a person has waited long enough for an answer.
    fn waits_from(&self) -> Option<Instant> {
        let still = matches!(self.sound.0, Sound::Silence | Sound::Noise);
        (self.person && still && !self.last.is_empty()).then(|| self.sound.1 + PAUSED)
    }

    /// Whoever is taken for a person asks what is wanted and waits, where a menu was: there is none today. A machine that
    /// listens asks the same. What was said before the last pause was perhaps another's: a menu, and then somebody.
    fn if_asked(&mut self, now: Instant) {
        if self.flow.talks() || self.waits_from().is_none_or(|from| now < from) {
            return;
        }
        if asks(&self.last, self.language) {
            self.decide("hold", "somebody asks what is wanted: there is no menu today");
            self.end(Output::Person);
        }
    }

    /// Does what the step says; `way`: which of its prompts was said.
    fn act(&mut self, now: Instant, way: Option<usize>) {
        let Some(step) = self.step() else { return };
        let (act, until) = (step.act.clone(), now + step.within);
        let (at, of) = self.place();
        let said = if way.is_some() { "the prompt expected was said" } else { "the flow says so" };
        match act {
            Act::Dtmf(keys) => {
                self.decide("press", &format!("step {at} of {of}: {said}"));
                self.out.push_back(Output::Press(keys));
                self.go_on(now);
            }
            Act::Speak(word) => {
                self.decide("say", &format!("step {at} of {of}: {said}"));
                self.out.push_back(Output::Speak(word));
                self.state = State::Speaking { until: now + WORD };
            }
            Act::Say(text) => {
                self.decide("say", &format!("step {at} of {of}: {said}"));
                self.out.push_back(Output::Say(text));
                self.state = State::Speaking { until: now + TEXT };
            }
            Act::Wait(time) => self.state = State::Pausing { until: now + time },
            Act::Listen if way.is_some() => self.go_on(now),
            Act::Listen => self.state = State::Listening { until },
            Act::Branch(ways) => {
                let label = way.and_then(|way| ways.into_iter().nth(way)).map(|(_, label)| label);
                self.go_to(now, label.as_deref());
            }
            Act::Transfer => {
                self.through = true;
                self.decide("ring", &format!("step {at} of {of}: from here on the owner goes on himself"));
                self.end(Output::Owner(Help::Turn));
            }
            Act::Hold => {
                self.through = true;
                self.decide("hold", "the menu is over");
                self.end(Output::Hold);
            }
        }
    }

    fn go_on(&mut self, now: Instant) {
        self.at += 1;
        self.begin(now);
    }

    fn go_to(&mut self, now: Instant, label: Option<&str>) {
        match label.and_then(|label| self.flow.at(label)) {
            Some(at) => {
                self.at = at;
                self.begin(now);
            }
            // `Flow::new` lets no such label pass.
            None => self.go_on(now),
        }
    }

    fn missed(&mut self, now: Instant, why: &str) {
        let (at, of) = self.place();
        let Some(otherwise) = self.step().map(|step| step.otherwise.clone()) else { return };
        let words = format!("step {at} of {of}: {why}");
        match otherwise {
            Otherwise::Owner => {
                self.decide("ring", &format!("{words}: the menu has changed"));
                self.end(Output::Owner(Help::Changed));
            }
            Otherwise::Next => {
                self.decide("go on", &words);
                self.go_on(now);
            }
            Otherwise::GoTo(label) => {
                self.decide("go on", &words);
                self.go_to(now, Some(&label));
            }
            Otherwise::HangUp => self.end(Output::End(words)),
        }
    }

    fn end(&mut self, output: Output) {
        self.out.push_back(output);
        self.state = State::Over;
    }

    fn decide(&mut self, what: &'static str, reason: &str) {
        self.out.push_back(Output::Decided(what, reason.into()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::flow::tests::{after, keys, print};
    use super::*;

    fn at(seconds: f64) -> Instant {
        Instant((seconds * 1e6) as u64)
    }

    /// Feeds `(second, input)` and drives the timers up to `end` seconds; what was done, by second.
    fn story(steps: Vec<Step>, inputs: &[(f64, Input)], end: f64) -> Vec<(f64, Output)> {
        let flow = Flow::new("x", steps).unwrap();
        let mut machine = Navigator::new(Instant::ZERO, flow, None, Language::English);
        let mut inputs = VecDeque::from(inputs.to_vec());
        let mut told = Vec::new();
        let mut now = Instant::ZERO;
        for _ in 0..10_000 {
            while let Some(out) = machine.poll() {
                if !matches!(out, Output::Decided(..)) {
                    told.push((now.0 as f64 / 1e6, out));
                }
            }
            let next = inputs.front().map(|(s, _)| at(*s));
            let timer = machine.deadline();
            let Some(soonest) = [next, timer].into_iter().flatten().min().filter(|t| *t <= at(end)) else {
                break;
            };
            now = soonest;
            let input = if next == Some(now) { inputs.pop_front().unwrap().1 } else { Input::Timeout };
            machine.handle(now, input);
        }
        told
    }

    fn press(pressed: &str) -> Output {
        let Act::Dtmf(keys) = keys(pressed) else { panic!("keys") };
        Output::Press(keys)
    }

    const SPEECH: Input = Input::Sound(Sound::Speech);
    const QUIET: Input = Input::Sound(Sound::Silence);
    const MUSIC: Input = Input::Sound(Sound::Music);
    const CHANGED: Output = Output::Owner(Help::Changed);

    #[test]
    fn a_key_is_pressed_once_its_prompt_has_been_said_and_the_flow_ends_in_a_hold() {
        let steps = vec![after(1, keys("2")), after(2, keys("1#"))];
        let told = story(
            steps,
            &[(1.0, SPEECH), (6.0, Input::Prompt(0)), (7.0, QUIET), (8.0, SPEECH), (12.0, Input::Prompt(1))],
            300.0,
        );
        assert_eq!(told, [(6.0, press("2")), (12.0, press("1#")), (12.0, Output::Hold)]);
    }

    #[test]
    fn another_prompt_is_waited_for_once_more_and_then_the_owner_is_rung() {
        let steps = vec![after(1, keys("2"))];
        let once = [(1.0, SPEECH), (6.0, QUIET)];
        let twice = [once.as_slice(), &[(12.0, SPEECH), (18.0, QUIET)]].concat();
        assert_eq!(story(steps.clone(), &twice, 300.0), [(30.0, CHANGED)]);
        let late = [(20.0, SPEECH), (26.0, QUIET), (40.0, SPEECH), (46.0, QUIET)];
        assert_eq!(story(steps.clone(), &late, 300.0), [(48.0, CHANGED)]);
        let comes = [once.as_slice(), &[(12.0, SPEECH), (18.0, Input::Prompt(0))]].concat();
        assert_eq!(story(steps.clone(), &comes, 300.0), [(18.0, press("2")), (18.0, Output::Hold)]);
        // Many pauses within a menu that is long are none.
        let pauses = (0..6).flat_map(|n| [(4.0 * f64::from(n), SPEECH), (4.0 * f64::from(n) + 1.0, QUIET)]);
        let pauses: Vec<_> = pauses.chain([(29.0, Input::Prompt(0))]).collect();
        assert_eq!(story(steps.clone(), &pauses, 300.0), [(29.0, press("2")), (29.0, Output::Hold)]);
        assert_eq!(story(steps, &[], 300.0), [(60.0, CHANGED)], "nothing is said at all");
    }

    #[test]
    fn a_prompt_that_does_not_come_leads_where_the_step_says() {
        let labelled = Step { label: Some("end".into()), ..Step::plain(keys("9")) };
        let flow = |otherwise| {
            vec![Step { otherwise, ..after(1, keys("2")) }, Step::plain(keys("3")), labelled.clone()]
        };
        let pressed = |otherwise| {
            let told = story(flow(otherwise), &[], 100.0);
            told.into_iter().map(|(_, out)| out).collect::<Vec<_>>()
        };
        assert_eq!(pressed(Otherwise::Next), [press("3"), press("9"), Output::Hold]);
        assert_eq!(pressed(Otherwise::GoTo("end".into())), [press("9"), Output::Hold]);
        assert_eq!(pressed(Otherwise::Owner), [CHANGED]);
        assert!(matches!(pressed(Otherwise::HangUp)[..], [Output::End(_)]));
    }

    #[test]
    fn music_instead_of_a_menu_is_the_queue_and_a_busy_tone_the_end() {
        let steps = vec![after(1, keys("2"))];
        assert_eq!(story(steps.clone(), &[(2.0, MUSIC)], 100.0), [(22.0, Output::Hold)]);
        let told = story(steps, &[(2.0, Input::Sound(Sound::Busy))], 100.0);
        assert!(matches!(told[..], [(at, Output::HangUp(_))] if at == 10.0), "{told:?}");
    }

    #[test]
    fn branches_words_pauses_and_sentences() {
        let sales = Step { label: Some("sales".into()), ..Step::plain(keys("1")) };
        let late = Step { label: Some("late".into()), ..Step::plain(Act::Speak(Word::Agent)) };
        let branch = Act::Branch(vec![(print(1), "sales".into()), (print(2), "late".into())]);
        let steps = vec![
            Step::plain(Act::Wait(Duration::from_secs(2))),
            Step::plain(Act::Listen),
            Step::plain(branch),
            sales,
            late,
            Step::plain(Act::Transfer),
        ];
        let told = story(
            steps,
            &[(3.0, SPEECH), (5.0, QUIET), (7.0, SPEECH), (9.0, Input::Prompt(1)), (10.0, Input::Spoken)],
            100.0,
        );
        assert_eq!(told, [(9.0, Output::Speak(Word::Agent)), (10.0, Output::Owner(Help::Turn))]);
    }

    #[test]
    fn what_was_said_just_before_counts_and_what_was_said_long_ago_does_not() {
        let flow = Flow::new("x", vec![after(1, keys("2"))]).unwrap();
        let pressed = |said: f64| {
            let mut machine = Navigator::new(at(20.0), flow.clone(), Some((0, at(said))), Language::English);
            core::iter::from_fn(|| machine.poll()).any(|out| out == press("2"))
        };
        assert!(pressed(12.0) && !pressed(5.0));
    }

    #[test]
    fn words_verify_a_step_and_another_key_for_them_is_another_menu() {
        let expect =
            |words: &str, pressed| vec![Step { expect: Some(words.into()), ..Step::plain(keys(pressed)) }];
        let said = |from: f64, to: f64, text: &str| {
            [(from, SPEECH), (to, QUIET), (to + 0.5, Input::Words(at(from), text.into()))]
        };
        let menu = "For sales, press one. For billing questions, press two.";
        assert_eq!(
            story(expect("billing", "2"), &said(1.0, 6.0, menu), 300.0),
            [(6.5, press("2")), (6.5, Output::Hold)]
        );
        assert_eq!(story(expect("billing", "3"), &said(1.0, 6.0, menu), 300.0), [(6.5, CHANGED)]);
        let other = [said(1.0, 6.0, menu), said(12.0, 18.0, menu)].concat();
        assert_eq!(story(expect("repairs", "2"), &other, 300.0), [(30.0, CHANGED)]);
        // Words of two stretches, and what names no key.
        let parts = [said(1.0, 3.0, "For billing questions,"), said(3.2, 5.0, "press two.")].concat();
        let mut parts = parts;
        parts.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(story(expect("billing", "2"), &parts, 300.0).last(), Some(&(5.5, Output::Hold)));
        let asks = said(1.0, 3.0, "Please enter your account number.");
        assert_eq!(story(expect("account number", "99"), &asks, 300.0)[0], (3.5, press("99")));
        // What was said before the key belongs to the step before it.
        let steps = [expect("billing", "2"), expect("repairs", "1")].concat();
        let twice = [
            said(1.0, 6.0, menu).to_vec(),
            vec![(7.0, Input::Words(at(2.0), "For repairs press one.".into()))],
        ]
        .concat();
        assert_eq!(story(steps, &twice, 20.0), [(6.5, press("2"))]);
        // Either will do where a step has both.
        let both = vec![Step { expect: Some("billing".into()), ..after(1, keys("2")) }];
        assert_eq!(story(both.clone(), &said(1.0, 6.0, menu), 20.0)[0].1, press("2"));
        assert_eq!(story(both, &[(1.0, SPEECH), (5.0, Input::Prompt(0))], 20.0)[0].1, press("2"));
    }

    #[test]
    fn a_key_that_may_be_misheard_is_left_to_the_sound_and_words_of_waiting_ask_for_none() {
        let said = |from: f64, to: f64, text: &str| {
            vec![(from, SPEECH), (to, QUIET), (to + 0.5, Input::Words(at(from), text.into()))]
        };
        let both = vec![Step { expect: Some("billing".into()), ..after(1, keys("2")) }];
        let misheard = said(1.0, 6.0, "For billing questions, press four.");
        let then = [misheard.clone(), vec![(7.0, Input::Prompt(0))]].concat();
        assert_eq!(story(both.clone(), &then, 20.0)[0], (7.0, press("2")));
        assert_eq!(story(both, &misheard, 300.0), [(60.0, CHANGED)], "nothing is pressed by it");
        let agent = vec![Step { expect: Some("agent".into()), ..Step::plain(keys("0")) }];
        let busy = said(1.0, 6.0, "All of our agents are currently busy. Please stay on the line.");
        assert_eq!(story(agent, &busy, 300.0), [(60.0, CHANGED)]);
    }

    #[test]
    fn a_person_where_a_menu_was_is_not_kept_waiting_for_it() {
        let story_of = |person: bool, text: &str, steps: Vec<Step>| {
            let said = [
                (1.0, SPEECH),
                (3.0, Input::Person),
                (4.0, QUIET),
                (4.5, Input::Words(at(1.0), text.into())),
            ];
            let said: Vec<_> =
                said.into_iter().filter(|(_, input)| person || *input != Input::Person).collect();
            story(steps, &said, 20.0)
        };
        let menu = || vec![after(1, keys("2"))];
        let asks = "Good morning, this is Joe. How can I help you?";
        assert_eq!(story_of(true, asks, menu()), [(5.2, Output::Person)]);
        assert_eq!(story_of(false, asks, menu()), [], "a recording says that, too");
        assert_eq!(story_of(true, "How can I help you? For billing, press two.", menu()), []);
        let behind = [
            (1.0, SPEECH),
            (4.0, QUIET),
            (4.5, Input::Words(at(1.0), "For orders, press one.".into())),
            (6.0, SPEECH),
            (7.5, Input::Person),
            (8.0, QUIET),
            (8.4, Input::Words(at(6.0), asks.into())),
        ];
        assert_eq!(story(menu(), &behind, 20.0), [(9.2, Output::Person)], "behind a menu's words");
        let talks = [menu(), vec![Step::plain(Act::Speak(Word::Agent))]].concat();
        assert_eq!(story_of(true, asks, talks), [], "a machine that listens asks the same");
    }
}
