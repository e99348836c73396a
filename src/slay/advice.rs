//! A question that a menu's words leave open, and what may be made of an answer to it.
//!
//! Who answers may be a language model, which may be wrong and may have been talked into it by the line itself. So its
//! answer counts only where it names a key that was really offered and that is not forbidden; everything else rings the
//! owner or leaves it at the box's own rules. It never has more rights than they have.

use crate::listen::words::menu::Choice;

/// Longest reason that is kept, characters.
const REASON: usize = 160;
/// Most that is asked about of what was said, characters: the longest menus have half of it.
const HEARD: usize = 2_000;
/// Most choices: as many as there are keys.
const CHOICES: usize = 12;

/// An open question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What the owner wants there, in his words.
    pub intent: String,
    /// What the line said.
    pub heard: String,
    /// The keys that may be pressed, and where the line said that they lead.
    pub choices: Vec<Choice>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Press this key.
    Press(char),
    /// Press nothing and listen on.
    Wait,
    /// Ring the owner.
    Owner,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What to do.
    pub act: Act,
    /// Why, in the words of whoever advises.
    pub reason: String,
}

impl Question {
    /// About a menu. Of what it offers, the choices that `forbids` names are left out: nobody is asked about them.
    pub fn new(intent: &str, heard: &str, offered: &[Choice], forbids: impl Fn(&Choice) -> bool) -> Self {
        let allowed = offered.iter().filter(|choice| !forbids(choice));
        Self {
            intent: intent.to_owned(),
            heard: heard.chars().take(HEARD).collect(),
            choices: allowed.take(CHOICES).cloned().collect(),
        }
    }

    /// What is really done on an answer, with its reason.
    pub fn admit(&self, advice: &Advice) -> Advice {
        let reason = plain(&advice.reason);
        match &advice.act {
            Act::Press(key) if !self.choices.iter().any(|choice| choice.key == *key) => Advice {
                act: Act::Owner,
                reason: format!(
                    "the language model wanted the key {key}, which may not be pressed here ({reason})"
                ),
            },
            act => Advice { act: act.clone(), reason: format!("the language model: {reason}") },
        }
    }
}

/// On one line, and short: it goes into the record, the page and the log.
pub fn plain(text: &str) -> String {
    let printed = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printed.take(REASON).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        let choice = |key, label: &str| Choice { key, label: label.into() };
        let offered = [choice('1', "billing"), choice('2', "repairs"), choice('9', "pay by card")];
        Question::new("my router is broken", "press one …", &offered, |choice| {
            choice.label.starts_with("pay")
        })
    }

    #[test]
    fn only_a_key_that_was_offered_and_is_not_forbidden_is_pressed() {
        let question = question();
        let admit = |act| question.admit(&Advice { act, reason: "so\nit is".into() });
        let good = admit(Act::Press('2'));
        assert_eq!((good.act, good.reason.as_str()), (Act::Press('2'), "the language model: so it is"));
        for key in ['9', '3', '#', 'x'] {
            let refused = admit(Act::Press(key));
            assert_eq!(refused.act, Act::Owner, "{key}");
            assert!(refused.reason.contains(&format!("wanted the key {key}")));
        }
        assert_eq!(admit(Act::Wait).act, Act::Wait);
        assert_eq!(admit(Act::Owner).act, Act::Owner);
    }

    #[test]
    fn what_the_line_says_and_what_is_answered_is_bounded() {
        let asked = Question::new(
            "x",
            &"é".repeat(5_000),
            &vec![Choice { key: '1', label: String::new() }; 50],
            |_| false,
        );
        assert_eq!((asked.heard.chars().count(), asked.choices.len()), (HEARD, CHOICES));
        assert_eq!(plain(&"ab".repeat(500)).chars().count(), REASON);
        assert_eq!(plain(" a\u{7}b\n"), "a b");
    }
}
