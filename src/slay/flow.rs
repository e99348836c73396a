//! Call flows: what to do in a company's menu, step by step, from the answer to the hold.
//!
//! Each step may name the prompt after which it is due, by its print. The machine that follows a flow is
//! [`super::navigate`]; a flow as text is [`super::text`]; how flows are kept is [`super::book`].

use crate::limits::SPOKEN_CHARS;
use crate::listen::prompt::Print;
use crate::units::Digit;
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// Most steps of one flow.
pub const STEPS: usize = 40;
/// Most keys of one step.
pub const KEYS: usize = 32;
/// Longest name of a flow, and longest words that a step expects, characters.
pub const NAME: usize = 64;
/// How long a prompt is waited for unless the step says otherwise.
pub const WITHIN: Duration = Duration::from_secs(60);

/// The way through a menu. Made by [`Flow::new`], so that it always ends and never leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// As the owner calls it.
    pub name: String,
    /// In order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Others lead here by this name.
    pub label: Option<String>,
    /// Not before this prompt has been said.
    pub prompt: Option<Print>,
    /// Or not before these words have been, where words are understood. With both, either will do.
    pub expect: Option<String>,
    /// So long it is waited for.
    pub within: Duration,
    /// If it does not come.
    pub otherwise: Otherwise,
    /// What is done.
    pub act: Act,
}

impl Step {
    /// A step that waits for nothing.
    pub fn plain(act: Act) -> Self {
        Self { label: None, prompt: None, expect: None, within: WITHIN, otherwise: Otherwise::Owner, act }
    }

    /// The prompts that this step listens for.
    pub fn prompts(&self) -> impl Iterator<Item = &Print> {
        let ways = match &self.act {
            Act::Branch(ways) => ways.as_slice(),
            _ => &[],
        };
        self.prompt.iter().chain(ways.iter().map(|(print, _)| print))
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Press these keys.
    Dtmf(Vec<Digit>),
    /// Do nothing for so long.
    Wait(Duration),
    /// Wait until the prompt of this step has been said; without one, until whoever speaks pauses.
    Listen,
    /// Say a word to a menu that listens.
    Speak(Word),
    /// Go on at the step of this name, by which of these prompts is said.
    Branch(Vec<(Print, String)>),
    /// Ring the owner now: from here on it is his call.
    Transfer,
    /// The menu is over: hold the line until a person comes.
    Hold,
    /// Say this text to a menu that listens, by the program that speaks: up to [`SPOKEN_CHARS`] characters.
    Say(String),
}

/// If a prompt does not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Otherwise {
    /// The menu has changed: do not guess, ring the owner.
    Owner,
    /// Go on with the next step without doing this one.
    Next,
    /// Go on at the step of this name.
    GoTo(String),
    /// End the call.
    HangUp,
}

/// A word for menus that listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// "Agent."
    Agent,
    /// "Yes."
    Yes,
    /// "No, thank you."
    No,
}

impl Word {
    /// Every word, with its name in texts.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Agent, "agent"), (Self::Yes, "yes"), (Self::No, "no")];
}

/// What is wrong with a flow, and with which step, counted from 0.
pub type Flaw = (usize, String);

impl Flow {
    /// A flow of these steps. One that does not end in a hold or with the owner is given a hold at its end.
    ///
    /// # Errors
    /// The steps are too many, a name is missing or there twice, or a step can never be carried out.
    pub fn new(name: &str, mut steps: Vec<Step>) -> Result<Self, Flaw> {
        let name = name.trim();
        if name.chars().count() > NAME || name.chars().any(char::is_control) {
            return Err((0, format!("name: allowed are up to {NAME} characters, no line breaks")));
        }
        if !steps.last().is_some_and(|step| matches!(step.act, Act::Hold | Act::Transfer)) {
            steps.push(Step::plain(Act::Hold));
        }
        if steps.len() > STEPS {
            return Err((STEPS, format!("a flow has at most {STEPS} steps")));
        }
        for (at, step) in steps.iter().enumerate() {
            check(&steps, at, step).map_err(|what| (at, what))?;
        }
        Ok(Self { name: name.into(), steps })
    }

    /// The place of the step of this name.
    pub fn at(&self, label: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.label.as_deref() == Some(label))
    }

    /// It speaks to a machine that listens.
    pub fn talks(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Speak(_) | Act::Say(_)))
    }

    /// Every text that is to be spoken.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match &step.act {
            Act::Say(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Every prompt of the flow, each once.
    pub fn prompts(&self) -> Vec<Print> {
        let mut prompts: Vec<Print> = Vec::new();
        for print in self.steps.iter().flat_map(Step::prompts) {
            if !prompts.contains(print) {
                prompts.push(print.clone());
            }
        }
        prompts
    }

    /// Whether another flow does the same: the same acts, whatever its prompts are.
    pub fn does_the_same(&self, other: &Self) -> bool {
        let acts = |flow: &Self| flow.steps.iter().map(|step| step.act.clone()).collect::<Vec<_>>();
        acts(self) == acts(other)
    }
}

/// Whether a step may expect this.
pub fn is_words(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 2 && text.chars().count() <= NAME && !text.chars().any(char::is_control)
}

fn check(steps: &[Step], at: usize, step: &Step) -> Result<(), String> {
    let leads = |label: &str| match steps.iter().position(|s| s.label.as_deref() == Some(label)) {
        None => Err(format!("no step has the label {label}")),
        // Only forward: a flow that could go round might press keys for ever.
        Some(to) if to <= at => Err(format!("the step {label} comes before this one: a flow only leads on")),
        Some(_) => Ok(()),
    };
    if let Some(label) = &step.label
        && steps.iter().filter(|s| s.label.as_ref() == Some(label)).count() > 1
    {
        return Err(format!("label: two steps are called {label}"));
    }
    if let Otherwise::GoTo(label) = &step.otherwise {
        leads(label)?;
    }
    if step.expect.as_ref().is_some_and(|words| !is_words(words)) {
        return Err(format!("expect: allowed are words of at least two letters, {NAME} characters at most"));
    }
    match &step.act {
        Act::Dtmf(keys) if keys.is_empty() || keys.len() > KEYS => {
            Err(format!("keys: allowed are 1 to {KEYS} of 0-9, * and #"))
        }
        Act::Say(text) if !is_spoken(text) => {
            Err(format!("text: allowed are 1 to {SPOKEN_CHARS} characters with letters or digits among them"))
        }
        Act::Branch(_) if step.prompt.is_some() || step.expect.is_some() => {
            Err("prompt: a branch has the prompts of its ways, in [[step.way]]".into())
        }
        Act::Branch(ways) if ways.is_empty() => Err("a branch needs at least one [[step.way]]".into()),
        Act::Branch(ways) => ways.iter().try_for_each(|(_, label)| leads(label)),
        _ => Ok(()),
    }
}

/// Whether a program that speaks can be given this.
pub(super) fn is_spoken(text: &str) -> bool {
    let fits = text.chars().count() <= SPOKEN_CHARS && !text.chars().any(char::is_control);
    fits && text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// A print like no other.
    pub(crate) fn print(seed: u32) -> Print {
        Print::new(&(1..60).map(|n| (seed * 1_000 + n).wrapping_mul(2_654_435_761)).collect::<Vec<_>>())
            .unwrap()
    }

    pub(crate) fn keys(keys: &str) -> Act {
        Act::Dtmf(keys.chars().filter_map(Digit::from_char).collect())
    }

    pub(crate) fn after(seed: u32, act: Act) -> Step {
        Step { prompt: Some(print(seed)), ..Step::plain(act) }
    }

    #[test]
    fn a_flow_always_ends_and_never_leads_nowhere() {
        let flow = Flow::new(" Care ", vec![after(1, keys("2"))]).unwrap();
        assert_eq!((flow.name.as_str(), flow.steps.last().unwrap().act.clone()), ("Care", Act::Hold));
        let labelled = |label: &str, act| Step { label: Some(label.into()), ..Step::plain(act) };
        let way = |label: &str| Act::Branch(vec![(print(1), label.into())]);
        let wrong = [
            (vec![Step::plain(keys(""))], 0, "keys"),
            (vec![Step::plain(Act::Say("...".into()))], 0, "text"),
            (vec![Step::plain(Act::Say("x".repeat(121)))], 0, "1 to 120"),
            (vec![labelled("a", keys("1")), labelled("a", keys("2"))], 0, "two steps"),
            (vec![Step::plain(way("b"))], 0, "no step has the label b"),
            (vec![labelled("a", keys("1")), Step::plain(way("a"))], 1, "only leads on"),
            (vec![Step { otherwise: Otherwise::GoTo("x".into()), ..Step::plain(Act::Listen) }], 0, "no step"),
            (vec![after(1, way("end")), labelled("end", Act::Hold)], 0, "branch"),
            (vec![Step::plain(Act::Branch(vec![]))], 0, "at least one"),
            (vec![Step { expect: Some("2".into()), ..Step::plain(keys("1")) }], 0, "expect"),
            (vec![Step { expect: Some("x".repeat(65)), ..Step::plain(keys("1")) }], 0, "expect"),
            (vec![Step::plain(Act::Listen); STEPS], STEPS, "at most"),
        ];
        for (steps, at, words) in wrong {
            let (place, what) = Flow::new("x", steps).unwrap_err();
            assert!(place == at && what.contains(words), "{place} {what}");
        }
        assert!(Flow::new(&"x".repeat(65), vec![]).is_err());
    }
}
