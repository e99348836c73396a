//! The judgement from outside: what company and phone saw and heard, and the record the box kept.

use super::scenario::Expect;
use super::{Fact, Narration, Sound, Who};
use crate::call::{Outcome, Record};
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

/// Judges a story that is over. `records`: of every call, the oldest first.
pub fn judge(expect: Expect, story: &[Narration], records: &[Record]) -> Verdict {
    let mut verdict = Verdict::default();
    rings(&mut verdict, expect, story);
    room(&mut verdict, story);
    joined(&mut verdict, expect, story);
    let outcomes: Vec<Outcome> = records.iter().map(|record| record.outcome).collect();
    let words = format!("the records say {outcomes:?}, expected {:?}", expect.outcomes);
    verdict.find(outcomes == expect.outcomes && records.iter().all(|record| record.ended.is_some()), words);
    verdict
}

fn all(story: &[Narration], who: Who, is: impl Fn(&Fact) -> bool) -> Vec<Instant> {
    story.iter().filter(|n| n.who == who && is(&n.fact)).map(|n| n.at).collect()
}

fn first(story: &[Narration], who: Who, is: impl Fn(&Fact) -> bool) -> Option<Instant> {
    story.iter().find(|n| n.who == who && is(&n.fact)).map(|n| n.at)
}

fn rings(verdict: &mut Verdict, expect: Expect, story: &[Narration]) {
    // A greeting is an agent's first words: each has one.
    let agents = all(story, Who::Company, |f| *f == Fact::Speaks(Sound::AgentGreeting));
    let rang = all(story, Who::Phone, |f| matches!(f, Fact::Called { .. }));
    // The n-th ring is for the n-th agent.
    let is_false = |(n, at): (usize, &Instant)| agents.get(n).is_none_or(|spoke| at < spoke);
    let false_rings = rang.iter().enumerate().filter(|ring| is_false(*ring)).count();
    verdict.find(false_rings == 0, format!("false rings: {false_rings}"));
    verdict.find(
        rang.len() == expect.rings,
        format!("the phone rang {} times, expected {}", rang.len(), expect.rings),
    );
    for (spoke, at) in agents.iter().zip(&rang).filter(|(spoke, at)| at >= spoke) {
        let took = at.since(*spoke).as_secs_f32();
        verdict.find(true, format!("it rang {took:.1} s after the agent began to speak"));
    }
}

/// Between slaying and picking up, nothing the owner says may reach the company.
fn room(verdict: &mut Verdict, story: &[Narration]) {
    let picked_up = first(story, Who::Phone, |f| *f == Fact::Answers);
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

/// After each time that the owner picked up, until the next.
fn joined(verdict: &mut Verdict, expect: Expect, story: &[Narration]) {
    let slain = expect.outcomes.iter().filter(|outcome| **outcome == Outcome::Slain).count();
    let picked_up = all(story, Who::Phone, |f| *f == Fact::Answers);
    if picked_up.len() < slain {
        verdict.find(false, format!("the owner picked up {} times, expected {slain}", picked_up.len()));
    }
    for (n, up) in picked_up.iter().enumerate().take(slain) {
        let until = picked_up.get(n + 1).copied().unwrap_or(Instant(u64::MAX));
        for (who, is, words) in [
            (Who::Phone, is_agent as fn(Sound) -> bool, "the owner heard the agent"),
            (Who::Company, is_owner, "the agent heard the owner"),
        ] {
            let heard = all(story, who, |f| matches!(f, Fact::Hears(s) if is(*s)));
            let good = heard.iter().any(|at| (*up..until).contains(at));
            verdict.find(good, if good { words.into() } else { format!("not so: {words}") });
        }
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
    use crate::sip::Caller;
    use crate::units::{CallId, Wall};

    const EXPECT: Expect = Expect { outcomes: &[Outcome::Slain], rings: 1 };

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
        let slain = || [record(Outcome::Slain)];
        let good = judge(EXPECT, &story(), &slain());
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
            assert!(!judge(EXPECT, &story, &slain()).passed(), "{flaw}");
        }
        assert!(!judge(EXPECT, &story(), &[record(Outcome::AgentLost)]).passed());
        assert!(!judge(EXPECT, &story(), &[]).passed());
        assert!(!judge(EXPECT, &story(), &[record(Outcome::Slain), record(Outcome::Talked)]).passed());
    }

    #[test]
    fn of_two_agents_each_has_his_ring_and_his_talk() {
        const BOTH: Expect = Expect { outcomes: &[Outcome::Slain, Outcome::Slain], rings: 2 };
        let late = |n: Narration| Narration { at: Instant(n.at.0 + 30_000_000), ..n };
        let two = || [story(), story().into_iter().skip(1).map(late).collect()].concat();
        let records = || [record(Outcome::Slain), record(Outcome::Slain)];
        let good = judge(BOTH, &two(), &records());
        assert!(good.passed(), "{good}");
        // The second ring comes before its agent, though after the first; the second talk is one-sided.
        type Flaw = fn(&mut Vec<Narration>);
        let flaws: [Flaw; 3] =
            [|s| s[7].at = Instant(60_000_000), |s| drop(s.remove(9)), |s| drop(s.remove(10))];
        for (n, make) in flaws.into_iter().enumerate() {
            let mut story = two();
            make(&mut story);
            assert!(!judge(BOTH, &story, &records()).passed(), "{n}");
        }
        assert!(!judge(BOTH, &two(), &[record(Outcome::AgentLost), record(Outcome::Slain)]).passed());
    }
}
