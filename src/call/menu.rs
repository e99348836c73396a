//! A company's menu in a call: the owner's keys are learnt, a stored flow is followed, and he is asked for help.
//!
//! In an ordinary call that the house placed the box hears the far side along until a person is there: nothing of it is
//! kept but prints of what was said before a key. While a flow is followed the holding machine waits; the menu is never
//! greeted.

use super::assisted::Assisted;
use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::Role;
use super::record::Outcome;
use super::{Effect, Event, ListenOrder};
use crate::listen::prompt::Prompted;
use crate::listen::{Heard, Sound};
use crate::media::MediaCommand;
use crate::slay;
use crate::slay::advice::{Advice, Asked};
use crate::slay::book::{Entry, Standing};
use crate::slay::explore::{self, AGENT, Explorer};
use crate::slay::flow::{Flow, Step, Word};
use crate::slay::learn::{self, Learner};
use crate::slay::navigate::{self, Help, Navigator, asks};
use crate::slay::schedule::Way;
use crate::sounds::Prompt;
use crate::units::{Digit, Instant, Tick};
use core::time::Duration;

/// A flow that led to its end has failed all the same if the far side hangs up this soon after it.
const STANDS: Duration = Duration::from_secs(20);
/// How long a key of a flow is held: what menus understand for sure, RFC 4733 §2.5.2.3 and ITU-T Q.24.
pub(super) const KEY_HELD: Duration = Duration::from_millis(120);
/// `**` means the menu only while it may still be at its beginning.
const BEGINNING: Duration = Duration::from_secs(90);

/// What is known and done about the menu of one call.
#[derive(Debug, Default)]
pub(super) struct Menu {
    /// The flow that is to be followed, and which version it is.
    flow: Option<(u32, Flow)>,
    /// Which of its prompts was said last, and when.
    said: Option<(usize, Instant)>,
    navigator: Option<(u32, Navigator)>,
    /// What the owner wants there; the box looks for it by itself, if no flow is known.
    wish: Option<String>,
    explorer: Option<Explorer>,
    /// The number of the question that the language model is asked.
    asked: Option<u64>,
    /// The call that it leads.
    pub(super) assisted: Assisted,
    /// Whom the listener took for a person meanwhile.
    person: Option<Heard>,
    /// How the call was asked for.
    pub(super) way: Way,
    /// Flows are known, and none can be trusted.
    lost: bool,
    /// What the owner is rung for; nothing: for a person.
    pub(super) help: Option<Help>,
    /// The far side answered, in an ordinary call.
    began: Option<Instant>,
    /// The owner hears a ringing tone of the box's until something is heard of the far side.
    pub(super) comfort: bool,
    /// The listener took the menu for a person.
    mistaken: bool,
    /// It takes who speaks for one just now.
    seems_person: bool,
    /// What was said last asks what is wanted.
    wanted: bool,
    /// The steps that led on before he was rung.
    done: Vec<Step>,
    learner: Option<Learner>,
    /// The version that led to its end, and when.
    through: Option<(u32, Instant)>,
    /// The box listens from then on: until then whoever has sent the call here may be on it.
    pub(super) deaf_until: Option<Instant>,
}

impl Menu {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let navigator = self.navigator.as_ref().and_then(|(_, machine)| machine.deadline());
        let learner = self.learner.as_ref().and_then(Learner::deadline);
        let explorer = self.explorer.as_ref().and_then(Explorer::deadline);
        let talk = self.assisted.deadline();
        [navigator, explorer, talk, learner, self.deaf_until].into_iter().flatten().min()
    }

    /// A flow is being followed, or looked for.
    pub(super) fn is_walked(&self) -> bool {
        self.navigator.is_some() || self.explorer.is_some()
    }
}

impl Desk {
    /// A change in the book is written.
    pub(super) fn write_flows(&mut self, entry: Option<Entry>) {
        self.out.extend(entry.map(|entry| Effect::Flows(Box::new(entry))));
    }

    fn count(&mut self, number: &str, version: u32, success: bool) {
        let entry = self.book.count(&self.plan.company(number), version, success);
        self.write_flows(entry);
    }
}

impl Call {
    /// Chooses the flow that is followed as soon as the far side answers.
    pub(super) fn choose_flow(&mut self, desk: &mut Desk, way: &Way) {
        let company = desk.plan.company(&self.record.number);
        let version = match way {
            Way::Straight | Way::Task(_) => None,
            Way::Known => desk.book.choose(&company),
            Way::Version(id) => desk.book.version(&company, *id),
            Way::Wish(wish) => desk.book.choose_for(&company, wish),
        };
        self.menu.flow = version.map(|version| (version.id, version.flow.clone()));
        self.menu.lost = *way == Way::Known && desk.book.is_lost(&company);
        let wish = match way {
            Way::Wish(wish) => Some(wish.as_str()),
            Way::Known if !self.menu.lost => Some(AGENT),
            _ => None,
        };
        let looks = desk.plan.explore > 0 && version.is_none();
        self.menu.wish = wish.filter(|_| looks).map(str::to_owned);
        let texts: Vec<String> =
            self.menu.flow.iter().flat_map(|(_, flow)| flow.texts()).map(Into::into).collect();
        texts.iter().for_each(|text| desk.want(text));
    }

    /// There is a flow to be followed, or looked for, or a task: nothing of it can be done before somebody answers.
    pub(super) fn has_flow(&self) -> bool {
        self.menu.flow.is_some() || self.menu.wish.is_some() || matches!(self.menu.way, Way::Task(_))
    }

    /// An ordinary call was answered: its menu is heard along, and a flow that is not proven is offered.
    pub(super) fn hear_menu(&mut self, desk: &mut Desk) {
        let ordinary = self.record.outgoing && !self.emergency && !self.onward && !self.transferred;
        if !ordinary || !desk.plan.learn || self.menu.learner.is_some() {
            return;
        }
        self.choose_flow(desk, &Way::Known);
        self.menu.learner = Some(Learner::new(desk.now, &[], desk.plan.language));
        self.menu.began = Some(desk.now);
        self.attend(desk);
        let offered = desk
            .book
            .choose(&desk.plan.company(&self.record.number))
            .is_some_and(|v| v.standing() == Standing::Offered);
        if offered
            && let Some(near) = self.near.iter().find(|near| near.role == Role::Talks && near.open.is_some())
        {
            desk.say(near, Prompt::KnowMenu);
            self.decide(desk, "offer", "a flow for this menu was learnt in an earlier call".into());
        }
    }

    /// The listener hears the far side, and looks out for the prompts of the flow.
    fn attend(&mut self, desk: &mut Desk) {
        let Some(far) = self.far.as_ref().filter(|far| far.open.is_some()) else { return };
        let (port, line) = (far.port, self.line(desk, far));
        desk.media(MediaCommand::Tap(port, true));
        let held = matches!(self.state, State::Held(_));
        desk.listen(if held { ListenOrder::Start(line) } else { ListenOrder::Attend(line) });
        if let Some((_, flow)) = &self.menu.flow {
            desk.listen(ListenOrder::Expect(port, flow.prompts().into()));
        }
    }

    /// The call is held from now on: by the flow, if there is one for this place; and what was learnt until here is kept.
    pub(super) fn enter_menu(&mut self, desk: &mut Desk) {
        let pressed = self.menu.learner.as_ref().is_some_and(Learner::has_begun);
        self.learnt(desk);
        if self.begin_talk(desk) {
            return;
        }
        let began = self.menu.began.is_some_and(|at| desk.now.since(at) < BEGINNING);
        let fresh = self.errand || began;
        let flow = self.menu.flow.take().filter(|_| fresh && !pressed);
        let Some((version, flow)) = flow else {
            if self.menu.lost && self.errand {
                self.decide(desk, "menu", "every flow for this number has failed".into());
                return self.need_owner(desk, Help::Changed);
            }
            if let Some(wish) = self.menu.wish.take().filter(|_| self.errand && !pressed) {
                self.look_for(desk, &wish);
            }
            return;
        };
        if let Some(far) = &self.far {
            desk.listen(ListenOrder::Expect(far.port, flow.prompts().into()));
        }
        self.decide(desk, "menu", format!("version {version} of the flow for this number is followed"));
        let machine = Navigator::new(desk.now, flow, self.menu.said.take(), desk.plan.language);
        self.menu.navigator = Some((version, machine));
        self.follow(desk);
    }

    /// The owner is in the call from now on. If it was for the menu's sake, the box learns what he presses.
    pub(super) fn leave_menu(&mut self, desk: &mut Desk) {
        self.end_talk();
        let walked = self.menu.navigator.take().map(|(_, machine)| machine.done().to_vec());
        let explored = self.menu.explorer.take().is_some() || self.menu.help == Some(Help::Unsure);
        if explored && self.menu.learner.is_some() {
            // What the box has found so far is learnt together with what he presses from here on.
            self.menu.help = None;
            self.menu.deaf_until = None;
            self.errand = false;
            return self.attend(desk);
        }
        let done = walked.or_else(|| self.menu.help.take().map(|_| core::mem::take(&mut self.menu.done)));
        self.menu.deaf_until = None;
        self.errand = false;
        if let Some(done) = done.filter(|_| desk.plan.learn) {
            self.menu.learner = Some(Learner::new(desk.now, &done, desk.plan.language));
            self.attend(desk);
        }
    }

    /// The call is over: how the flow fared, and what was learnt.
    pub(super) fn menu_over(&mut self, desk: &mut Desk, outcome: Outcome) {
        self.talk_over(desk);
        // Who is closed or hangs up on everybody does so whatever was pressed; and so does the same evening's next call.
        let excused = self.nobody_comes.is_some() || self.record.figures.attempt > 1;
        if let Some((version, at)) = self.menu.through.take() {
            let success = outcome == Outcome::Slain || desk.now.since(at) >= STANDS;
            if success || !excused {
                desk.count(&self.record.number, version, success);
            }
        }
        if let Some((version, _)) = self.menu.navigator.take()
            && matches!(outcome, Outcome::CompanyHungUp | Outcome::Failed)
            && !excused
        {
            desk.count(&self.record.number, version, false);
        }
        if matches!(outcome, Outcome::Talked | Outcome::Slain) {
            self.learnt(desk);
        }
    }

    /// The house has no part in the call any more.
    pub(super) fn unlearn_menu(&mut self, desk: &mut Desk) {
        if let (Some(_), Some(far)) = (self.menu.learner.take(), &self.far) {
            desk.media(MediaCommand::Tap(far.port, false));
            desk.listen(ListenOrder::Pause(far.port));
        }
    }

    /// Keeps what was learnt from the owner's keys.
    fn learnt(&mut self, desk: &mut Desk) {
        let name = match &self.menu.way {
            Way::Wish(wish) => wish.as_str(),
            _ => "",
        };
        let Some(flow) = self.menu.learner.take().and_then(|learner| learner.flow(name)) else { return };
        let steps = flow.steps.len() - 1;
        match desk.book.keep(&desk.plan.company(&self.record.number), flow, true, desk.wall()) {
            Ok(None) => {}
            Ok(entry) => {
                desk.write_flows(entry);
                let words = match steps {
                    1 => "1 step of this menu, from the owner's keys".to_owned(),
                    steps => format!("{steps} steps of this menu, from the owner's keys"),
                };
                self.push_decision(desk, "learn", words);
            }
            Err(why) => self.push_decision(desk, "learn nothing", why),
        }
    }

    // ---- facts ----

    /// The owner pressed a key for the far side.
    pub(super) fn menu_key(&mut self, desk: &mut Desk, key: Digit) {
        self.learn(desk, learn::Input::Key(key));
    }

    /// A fact about the prompts of the far side.
    pub(super) fn prompted(&mut self, desk: &mut Desk, epoch: u32, prompted: Prompted) {
        if self.far.as_ref().and_then(|far| far.open).is_none_or(|(_, open)| open != epoch) {
            return;
        }
        match prompted {
            Prompted::Said(print) => self.learn(desk, learn::Input::Said(print)),
            Prompted::Known(which) => {
                self.menu.said = Some((which, desk.now));
                let heard = "a prompt of the flow for this number".into();
                desk.happened(Some(self.id), Event::MenuDetected { heard });
                self.navigate(desk, navigate::Input::Prompt(which));
            }
        }
    }

    /// What the listener concluded, if it is not for the holding machine.
    pub(super) fn menu_heard(&mut self, desk: &mut Desk, heard: &Heard) -> bool {
        let held = matches!(self.state, State::Held(_));
        // The model may be out of the call by what follows: what was heard was for it all the same.
        let led = self.menu.assisted.is_leading();
        self.talk_heard(desk, heard);
        if let Heard::Sound { sound, .. } = heard {
            self.navigate(desk, navigate::Input::Sound(*sound));
        }
        match heard {
            Heard::Words { at, text } => self.menu_words(desk, *at, text),
            Heard::Person { .. } if self.menu.is_walked() => {
                self.menu.person = Some(heard.clone());
                self.navigate(desk, navigate::Input::Person);
                self.explore(desk, explore::Input::Person);
            }
            Heard::Recording { .. } => {
                self.navigate(desk, navigate::Input::Recording);
                self.explore(desk, explore::Input::Recording);
            }
            Heard::Sound { sound, .. } => self.explore(desk, explore::Input::Sound(*sound)),
            _ => {}
        }
        match heard {
            Heard::Person { .. } => self.menu.seems_person = true,
            Heard::Recording { .. } => self.menu.seems_person = false,
            _ => {}
        }
        match heard {
            // What is understood is shown and weighed, whatever is being done.
            Heard::Words { .. } => false,
            _ if led => true,
            _ if self.menu.is_walked() => {
                self.menu.mistaken |= matches!(heard, Heard::Person { .. });
                true
            }
            Heard::Sound { .. } if held => false,
            _ if held && self.menu.help.is_some() => {
                self.menu.mistaken |= matches!(heard, Heard::Person { .. });
                true
            }
            _ if held => false,
            Heard::Person { .. } => {
                self.learn(desk, learn::Input::Person);
                true
            }
            _ => true,
        }
    }

    /// Words of the far side, for whoever goes through the menu or learns it.
    fn menu_words(&mut self, desk: &mut Desk, at: Tick, text: &str) {
        let Some((opened, _)) = self.far.as_ref().and_then(|far| far.open) else { return };
        let at = opened + Duration::from_millis(at.as_millis());
        self.navigate(desk, navigate::Input::Words(at, text.to_owned()));
        self.learn(desk, learn::Input::Words(at, text.to_owned()));
        self.explore(desk, explore::Input::Words(at, text.to_owned()));
        self.menu.wanted = asks(text, desk.plan.language);
    }

    /// The owner is rung for the menu's sake, and whom the listener takes for a person asks what is wanted: there is no menu
    /// any more, and somebody to be spoken to.
    pub(super) fn if_person_behind(&mut self, desk: &mut Desk) {
        let State::Held(holding) = &self.state else { return };
        // Whoever asks waits for an answer; a menu goes on to its options. A machine that listens asks the same.
        let waits = matches!(holding.sound, Some(Sound::Silence | Sound::Noise));
        let rung = self.menu.help.is_some() && holding.is_ringing();
        let talks = self.menu.flow.iter().any(|(_, flow)| flow.talks());
        if !rung || !self.menu.seems_person || !waits || talks || !self.menu.wanted {
            return;
        }
        self.menu.help = None;
        self.menu.mistaken = false;
        self.learnt(desk);
        self.decide(desk, "greet", "somebody asks what is wanted: there is no menu any more".into());
        let person = Heard::Person { at: Tick(0), confidence: 1.0, reason: String::new() };
        if let State::Held(holding) = &mut self.state {
            holding.found(desk.now);
        }
        self.tell(desk, slay::Input::Heard(person));
    }

    /// What the box was saying to the far side has been said.
    pub(super) fn menu_spoken(&mut self, desk: &mut Desk) {
        self.navigate(desk, navigate::Input::Spoken);
        self.talk_spoken(desk);
    }

    pub(super) fn menu_timeout(&mut self, desk: &mut Desk) {
        self.navigate(desk, navigate::Input::Timeout);
        self.explore(desk, explore::Input::Timeout);
        self.talk_timeout(desk);
        self.learn(desk, learn::Input::Timeout);
        if self.menu.deaf_until.take_if(|at| desk.now >= *at).is_some() {
            self.attend(desk);
        }
    }

    // ---- the machines' wishes ----

    fn learn(&mut self, desk: &mut Desk, input: learn::Input) {
        let (Some(learner), Some(port)) = (&mut self.menu.learner, self.far.as_ref().map(|far| far.port))
        else {
            return;
        };
        learner.handle(desk.now, input);
        while let Some(output) = learner.poll() {
            match output {
                learn::Output::Ask => desk.listen(ListenOrder::Ask(port)),
                learn::Output::Stop if matches!(self.state, State::Held(_)) => {}
                learn::Output::Stop => {
                    desk.media(MediaCommand::Tap(port, false));
                    desk.listen(ListenOrder::Pause(port));
                }
            }
        }
    }

    fn navigate(&mut self, desk: &mut Desk, input: navigate::Input) {
        if let Some((_, machine)) = &mut self.menu.navigator {
            machine.handle(desk.now, input);
            self.follow(desk);
        }
    }

    /// No flow is known: the box looks for the owner's wish by what the menu says.
    fn look_for(&mut self, desk: &mut Desk, wish: &str) {
        let (now, language) = (desk.now, desk.plan.language);
        self.decide(
            desk,
            "menu",
            format!("no flow is known here: the box looks for \u{201c}{wish}\u{201d} by itself"),
        );
        self.menu.learner = desk.plan.learn.then(|| Learner::new(now, &[], language));
        self.menu.explorer =
            Some(Explorer::new(now, wish, language, desk.plan.explore).advised(desk.plan.adviser));
    }

    fn explore(&mut self, desk: &mut Desk, input: explore::Input) {
        if let Some(machine) = &mut self.menu.explorer {
            machine.handle(desk.now, input);
        }
        while let Some(output) = self.menu.explorer.as_mut().and_then(Explorer::poll) {
            self.explored(desk, output);
        }
    }

    /// Whether this is the number of its question to the language model.
    pub(super) fn has_asked(&self, number: u64) -> bool {
        self.menu.asked == Some(number)
    }

    /// The language model has answered that question, or there is no answer.
    pub(super) fn advised(&mut self, desk: &mut Desk, answer: Result<Advice, String>) {
        self.menu.asked = None;
        if self.menu.assisted.is_leading() {
            return self.talk_answered(desk, answer);
        }
        self.explore(desk, explore::Input::Advice(answer));
    }

    /// Asks the language model.
    pub(super) fn consult(&mut self, desk: &mut Desk, asked: Asked) {
        desk.questions += 1;
        self.menu.asked = Some(desk.questions);
        desk.out.push_back(Effect::Consult(desk.questions, Box::new(asked)));
    }

    fn explored(&mut self, desk: &mut Desk, output: explore::Output) {
        match output {
            explore::Output::Press(key, _) => {
                self.far.iter().for_each(|far| desk.digit(far, key, Some(KEY_HELD)));
                desk.happened(Some(self.id), Event::MenuKeysSent { digits: key.as_char().to_string() });
                self.learn(desk, learn::Input::Key(key));
            }
            explore::Output::Decided(what, reason) => {
                desk.happened(Some(self.id), Event::MenuExploration { step: reason.clone() });
                self.decide(desk, what, reason);
            }
            explore::Output::Hold => {
                self.menu.explorer = None;
                // What is pressed from here on is for a person.
                self.learnt(desk);
                self.unmistake(desk);
            }
            explore::Output::Person => {
                self.learnt(desk);
                self.person_instead(desk);
            }
            explore::Output::Ask(question) => self.consult(desk, Asked::Menu(question)),
            explore::Output::Owner(help) => {
                self.menu.explorer = None;
                self.need_owner(desk, help);
            }
            explore::Output::HangUp(why) => self.end(desk, Outcome::Failed, &why, crate::sip::Cause::Normal),
        }
    }

    /// A person is there, in the place of a menu.
    fn person_instead(&mut self, desk: &mut Desk) {
        (self.menu.explorer, self.menu.navigator, self.menu.mistaken) = (None, None, false);
        if let Some(heard) = self.menu.person.take() {
            self.heard_now(desk, heard);
        }
    }

    fn follow(&mut self, desk: &mut Desk) {
        while let Some((version, machine)) = &mut self.menu.navigator {
            let version = *version;
            let Some(output) = machine.poll() else { return };
            match output {
                navigate::Output::Press(keys) => {
                    if let Some(far) = &self.far {
                        keys.iter().for_each(|key| desk.digit(far, *key, Some(KEY_HELD)));
                        // What is said from here on belongs to the next key.
                        desk.listen(ListenOrder::Ask(far.port));
                    }
                    desk.happened(Some(self.id), Event::keys_sent(&keys));
                }
                navigate::Output::Speak(word) => self.speak(desk, word_prompt(word)),
                navigate::Output::Say(text) => match desk.sound_of(&text) {
                    Some(sound) => self.speak_sound(desk, sound, &text),
                    None => machine_is_mute(self, desk.now),
                },
                navigate::Output::Decided(what, reason) => {
                    let event = Event::MenuStep { step: what.into(), reason: reason.clone() };
                    desk.happened(Some(self.id), event);
                    self.decide(desk, what, reason);
                }
                navigate::Output::Hold => {
                    self.menu.through = machine.is_through().then_some((version, desk.now));
                    self.menu.navigator = None;
                    self.unmistake(desk);
                }
                navigate::Output::Owner(help) => {
                    if machine.is_through() {
                        self.menu.through = Some((version, desk.now));
                    } else {
                        desk.count(&self.record.number, version, false);
                    }
                    self.menu.done = machine.done().to_vec();
                    self.menu.navigator = None;
                    self.need_owner(desk, help);
                }
                navigate::Output::Person => self.person_instead(desk),
                navigate::Output::HangUp(why) => {
                    self.end(desk, Outcome::Failed, &why, crate::sip::Cause::Normal);
                }
                navigate::Output::End(why) => {
                    // Nobody dials again what the flow has ended.
                    self.keyed = true;
                    self.end(desk, Outcome::Failed, &why, crate::sip::Cause::Normal);
                }
            }
        }
    }
}

impl Call {
    /// The owner is rung to go on himself.
    fn need_owner(&mut self, desk: &mut Desk, help: Help) {
        let why = match help {
            Help::Changed => "the menu has changed: the owner goes on himself",
            Help::Turn => "the flow leads to the owner",
            Help::Unsure => "no key of this menu is clear: the owner goes on himself",
        };
        if help != Help::Turn {
            desk.happened(Some(self.id), Event::MenuExploration { step: why.into() });
        }
        self.menu.help = Some(help);
        self.tell(desk, slay::Input::Need(why));
    }

    /// No phone rings for the menu's sake any more, and nobody has come: what is heard from here on is the hold's.
    pub(super) fn without_owner(&mut self, desk: &mut Desk) {
        if self.menu.help.take().is_some() {
            self.unmistake(desk);
        }
    }

    /// What the listener took for a person was the menu: whoever speaks next may be one.
    fn unmistake(&mut self, desk: &mut Desk) {
        if core::mem::take(&mut self.menu.mistaken)
            && let Some(far) = &self.far
        {
            desk.listen(ListenOrder::WasMenu(far.port));
        }
    }
}

/// The text has not been spoken, and will not be in time.
fn machine_is_mute(call: &mut Call, now: Instant) {
    if let Some((_, machine)) = &mut call.menu.navigator {
        machine.handle(now, navigate::Input::Mute);
    }
}

const fn word_prompt(word: Word) -> Prompt {
    match word {
        Word::Agent => Prompt::SayAgent,
        Word::Yes => Prompt::SayYes,
        Word::No => Prompt::SayNo,
    }
}
