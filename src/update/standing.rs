//! What a box has, and what a new version of it must have again. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the history of calls is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// It is open, with all that was in it.
    Kept,
    /// It was damaged at the last start, or since: its file was put aside, and a new one begun.
    BegunAnew,
    /// It cannot be opened: nothing is kept.
    #[default]
    Missing,
}

/// What a box has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The trunks that are up.
    pub lines: Vec<String>,
    /// All trunks and phones that it knows, of its settings and paired.
    pub names: Vec<String>,
    /// Its history,
    pub history: History,
    /// and the newest call in it.
    pub newest_call: Option<u64>,
}

/// How the box is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// It does not run.
    Gone,
    /// It runs and does not answer.
    Silent,
    /// It answers, and has this.
    Well(Standing),
}

impl Standing {
    /// What a new version lacks of this, which was there before it.
    pub(super) fn lacks(&self, sign: &Sign) -> Option<String> {
        let now = match sign {
            Sign::Gone => return Some("It did not run.".to_owned()),
            Sign::Silent => return Some("Its page did not answer in time.".to_owned()),
            Sign::Well(now) => now,
        };
        match now.history {
            _ if self.history == History::Missing => {}
            History::Missing => return Some("It could not open the history.".to_owned()),
            History::BegunAnew => return Some("It had to begin the history anew.".to_owned()),
            History::Kept if now.newest_call < self.newest_call => {
                return Some("Its history lacks the last calls.".to_owned());
            }
            History::Kept => {}
        }
        let missing =
            |wanted: &[String], has: &[String]| wanted.iter().find(|one| !has.contains(one)).cloned();
        let unknown =
            missing(&self.names, &now.names).map(|name| format!("It does not know {name} any more."));
        unknown.or_else(|| {
            missing(&self.lines, &now.lines)
                .map(|line| format!("The line {line} did not come up again in time."))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_new_version_must_have_what_the_old_one_had() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let was = Standing {
            lines: names(&["home"]),
            names: names(&["home", "mobile", "hall"]),
            history: History::Kept,
            newest_call: Some(7),
        };
        let with = |change: &dyn Fn(&mut Standing)| {
            let mut now = was.clone();
            change(&mut now);
            was.lacks(&Sign::Well(now))
        };
        // More is no less.
        assert_eq!(with(&|now| now.newest_call = Some(8)), None);
        assert_eq!(with(&|now| now.names.push("door".into())), None);
        for (change, why) in [
            (&(|now: &mut Standing| now.history = History::Missing) as &dyn Fn(&mut Standing), "not open"),
            (&|now| now.history = History::BegunAnew, "begin the history anew"),
            (&|now| now.newest_call = Some(6), "lacks the last calls"),
            (&|now| now.newest_call = None, "lacks the last calls"),
            (&|now| drop(now.names.pop()), "not know hall"),
            (&|now| now.lines.clear(), "line home"),
        ] {
            let told = with(change).unwrap();
            assert!(told.contains(why), "{why}: {told}");
        }
        // What was broken before is no fault of the new one.
        let broken = Standing { history: History::Missing, newest_call: None, ..was.clone() };
        assert_eq!(broken.lacks(&Sign::Well(broken.clone())), None);
        assert_eq!(broken.lacks(&Sign::Well(was.clone())), None);
        let begun = Standing { history: History::BegunAnew, ..was.clone() };
        assert_eq!(begun.lacks(&Sign::Well(was)), None);
    }
}
