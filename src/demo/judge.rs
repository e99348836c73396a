//! The judgement from outside: what company and phone saw and heard, and the record the box kept.

use super::scenario::Expect;
use super::{Fact, Narration, Sound, Who};
use crate::call::Record;
use crate::units::Instant;
use core::fmt;

/// One thing that had to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// It was so.
    pub good: bool,
    /// In words, with figures.
    pub words: String,
}

/// All findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// In order of the story.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Everything was as the scenario demands.
    pub fn passed(&self) -> bool {
        !self.findings.is_empty() && self.findings.iter().all(|f| f.good)
    }

    fn find(&mut self, good: bool, words: String) {
        self.findings.push(Finding { good, words });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "  {} {}", if finding.good { "ok  " } else { "FAIL" }, finding.words)?;
        }
        write!(f, "{}", if self.passed() { "passed" } else { "FAILED" })
    }
}

/// Judges a story that is over.
pub fn judge(expect: Expect, story: &[Narration], record: Option<&Record>) -> Verdict {
    let mut verdict = Verdict::default();
    let agent = first(story, Who::Company, |f| matches!(f, Fact::Speaks(_)));
    let picked_up = first(story, Who::Phone, |f| *f == Fact::Answers);
    rings(&mut verdict, expect, story, agent);
    room(&mut verdict, story, picked_up);
    if expect.joined {
        joined(&mut verdict, story, picked_up);
    }
    match record {
        None => verdict.find(false, "the box kept no record of the call".into()),
        Some(r) => {
            let words = format!("the record says {:?}, expected {:?}", r.outcome, expect.outcome);
            verdict.find(r.outcome == expect.outcome && r.ended.is_some(), words);
        }
    }
    verdict
}

fn first(story: &[Narration], who: Who, is: impl Fn(&Fact) -> bool) -> Option<Instant> {
    story.iter().find(|n| n.who == who && is(&n.fact)).map(|n| n.at)
}

fn rings(verdict: &mut Verdict, expect: Expect, story: &[Narration], agent: Option<Instant>) {
    let rang: Vec<Instant> = story
        .iter()
        .filter(|n| n.who == Who::Phone && matches!(n.fact, Fact::Called { .. }))
        .map(|n| n.at)
        .collect();
    let false_rings = rang.iter().filter(|&&at| agent.is_none_or(|spoke| at < spoke)).count();
    verdict.find(false_rings == 0, format!("false rings: {false_rings}"));
    verdict.find(
        rang.len() == expect.rings,
        format!("the phone rang {} times, expected {}", rang.len(), expect.rings),
    );
    if let (Some(spoke), Some(at)) = (agent, rang.first())
        && at >= &spoke
    {
        verdict.find(
            true,
            format!("it rang {:.1} s after the agent began to speak", at.since(spoke).as_secs_f32()),
        );
    }
}

/// Between slaying and picking up, nothing the owner says may reach the company.
fn room(verdict: &mut Verdict, story: &[Narration], picked_up: Option<Instant>) {
    let slain = first(story, Who::Phone, |f| match f {
        Fact::Presses(keys) => keys == "**",
        Fact::Dials(number) => number.starts_with("*59"),
        _ => false,
    });
    let Some(slain) = slain else { return verdict.find(false, "the owner never started slaying".into()) };
    let leaked = story.iter().any(|n| {
        let between = n.at > slain && picked_up.is_none_or(|up| n.at < up);
        n.who == Who::Company && between && matches!(n.fact, Fact::Hears(s) if is_owner(s))
    });
    let words =
        if leaked { "the company heard the room" } else { "no sound of the room reached the company" };
    verdict.find(!leaked, words.into());
}

fn joined(verdict: &mut Verdict, story: &[Narration], picked_up: Option<Instant>) {
    let Some(up) = picked_up else { return verdict.find(false, "the owner never picked up".into()) };
    let after = |who, is: fn(Sound) -> bool| {
        story.iter().any(|n| n.who == who && n.at >= up && matches!(n.fact, Fact::Hears(s) if is(s)))
    };
    for (who, is, words) in [
        (Who::Phone, is_agent as fn(Sound) -> bool, "the owner heard the agent"),
        (Who::Company, is_owner, "the agent heard the owner"),
    ] {
        let good = after(who, is);
        verdict.find(good, if good { words.into() } else { format!("not so: {words}") });
    }
}

fn is_owner(sound: Sound) -> bool {
    matches!(sound, Sound::OwnerHello | Sound::OwnerAsks | Sound::OwnerThanks)
}

fn is_agent(sound: Sound) -> bool {
    use Sound::{AgentBye, AgentGreeting, AgentHelp, AgentTalk, AgentThere, AgentWaits};
    matches!(sound, AgentGreeting | AgentThere | AgentWaits | AgentHelp | AgentTalk | AgentBye)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Outcome;
    use crate::sip::Caller;
    use crate::units::{CallId, Wall};

    const EXPECT: Expect = Expect { outcome: Outcome::Slain, rings: 1, joined: true };

    fn record(outcome: Outcome) -> Record {
        Record {
            id: CallId(1),
            outgoing: true,
            number: "1".into(),
            started: Wall(0),
            answered: None,
            ended: Some(Wall(1)),
            outcome,
            held_ms: 0,
            hold_started: None,
            heard: Vec::new(),
            figures: Default::default(),
            said: Vec::new(),
            decisions: Vec::new(),
        }
    }

    fn story() -> Vec<Narration> {
        let ring = Fact::Called { number: "1".into(), caller: Caller::default() };
        [
            (10, Who::Phone, Fact::Presses("**".into())),
            (40, Who::Company, Fact::Speaks(Sound::AgentGreeting)),
            (44, Who::Phone, ring),
            (46, Who::Phone, Fact::Answers),
            (48, Who::Company, Fact::Hears(Sound::OwnerHello)),
            (50, Who::Phone, Fact::Hears(Sound::AgentHelp)),
        ]
        .into_iter()
        .map(|(s, who, fact)| Narration { at: Instant(s * 1_000_000), who, fact })
        .collect()
    }

    #[test]
    fn a_good_story_passes_and_each_flaw_fails() {
        let good = judge(EXPECT, &story(), Some(&record(Outcome::Slain)));
        assert!(good.passed(), "{good}");

        type Flaw = fn(&mut Vec<Narration>);
        let flaws: [(&str, Flaw); 6] = [
            ("rings before the agent", |s| s[2].at = Instant(20_000_000)),
            ("rings twice", |s| s.push(s[2].clone())),
            ("never rings", |s| drop(s.remove(2))),
            ("agent does not hear the owner", |s| drop(s.remove(4))),
            ("owner does not hear the agent", |s| drop(s.remove(5))),
            ("the room is heard", |s| s[4].at = Instant(30_000_000)),
        ];
        for (flaw, make) in flaws {
            let mut story = story();
            make(&mut story);
            assert!(!judge(EXPECT, &story, Some(&record(Outcome::Slain))).passed(), "{flaw}");
        }
        assert!(!judge(EXPECT, &story(), Some(&record(Outcome::AgentLost))).passed());
        assert!(!judge(EXPECT, &story(), None).passed());
    }
}
