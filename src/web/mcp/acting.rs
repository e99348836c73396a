//! Acting for an assistant takes two steps, and only so many a day. Pure.

use crate::units::Instant;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A confirmation is good for so long.
const GOOD_FOR: Duration = Duration::from_secs(180);
/// Confirmations that wait at once; one more forgets the oldest.
const WAITING: usize = 32;
/// What one program may do in a day (UTC).
const A_DAY: u32 = 50;

/// What waits for its confirmation, and what was done today.
#[derive(Debug, Default)]
pub(super) struct Acting {
    waiting: Vec<Waiting>,
    done: Done,
}

/// How often each program has acted on a day, counted from 1970: kept, for a day has more than one start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    day: u64,
    by: Vec<(String, u32)>,
}

#[derive(Debug)]
struct Waiting {
    code: String,
    who: String,
    tool: String,
    arguments: Value,
    until: Instant,
}

impl Acting {
    /// Seconds for which a confirmation is good.
    pub(super) const fn good_for_s() -> u64 {
        GOOD_FOR.as_secs()
    }

    /// Goes on counting where the start before has ended.
    pub(super) fn after(done: Done) -> Self {
        Self { waiting: Vec::new(), done }
    }

    /// What was done today.
    pub(super) fn done(&self) -> Done {
        self.done.clone()
    }

    /// Notes that `who` would do this; `code` will confirm it.
    pub(super) fn announce(&mut self, now: Instant, code: String, who: &str, tool: &str, arguments: Value) {
        self.waiting.retain(|waiting| now < waiting.until);
        if self.waiting.len() >= WAITING {
            self.waiting.remove(0);
        }
        let (who, tool) = (who.to_owned(), tool.to_owned());
        self.waiting.push(Waiting { code, who, tool, arguments, until: now + GOOD_FOR });
    }

    /// Whether `who` may do this now, which he announced with these arguments under `code`. `day` since 1970. Counted.
    pub(super) fn confirm(
        &mut self,
        (now, day): (Instant, u64),
        code: &str,
        who: &str,
        tool: &str,
        arguments: &Value,
    ) -> Result<(), String> {
        self.waiting.retain(|waiting| now < waiting.until);
        let at = self
            .waiting
            .iter()
            .position(|w| w.code == code && w.who == who && w.tool == tool && w.arguments == *arguments);
        let at = at.ok_or(
            "this confirmation is not known, too old, or for something else: call without one, ask the owner, and call \
             again with the new one",
        )?;
        if self.done.day != day {
            self.done = Done { day, by: Vec::new() };
        }
        let by = &mut self.done.by;
        let done = by.iter().position(|(other, _)| other == who).unwrap_or_else(|| {
            by.push((who.to_owned(), 0));
            by.len() - 1
        });
        if by[done].1 >= A_DAY {
            return Err(format!(
                "{A_DAY} things were done for this token today, which is the most: the owner can act on the page"
            ));
        }
        by[done].1 += 1;
        self.waiting.remove(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_confirmation_is_for_one_thing_once_and_not_for_ever() {
        let mut acting = Acting::default();
        let (now, args) = (Instant::ZERO, json!({ "call_id": 7 }));
        let announce = |acting: &mut Acting| acting.announce(now, "c".into(), "me", "end_call", args.clone());
        announce(&mut acting);
        assert!(acting.confirm((now, 1), "c", "you", "end_call", &args).is_err());
        assert!(acting.confirm((now, 1), "c", "me", "make_call", &args).is_err());
        assert!(acting.confirm((now, 1), "c", "me", "end_call", &json!({ "call_id": 8 })).is_err());
        assert!(acting.confirm((now, 1), "x", "me", "end_call", &args).is_err());
        assert_eq!(acting.confirm((now, 1), "c", "me", "end_call", &args), Ok(()));
        assert!(acting.confirm((now, 1), "c", "me", "end_call", &args).is_err(), "once");
        announce(&mut acting);
        assert!(acting.confirm((now + GOOD_FOR, 1), "c", "me", "end_call", &args).is_err(), "too late");
    }

    #[test]
    fn a_day_has_an_end() {
        let now = Instant::ZERO;
        let act = |acting: &mut Acting, day| {
            acting.announce(now, "c".into(), "me", "end_call", Value::Null);
            acting.confirm((now, day), "c", "me", "end_call", &Value::Null)
        };
        let mut acting = Acting::default();
        assert_eq!((0..A_DAY).filter(|_| act(&mut acting, 1).is_ok()).count(), A_DAY as usize);
        assert!(act(&mut acting, 1).unwrap_err().contains("today"));
        let kept = serde_json::to_vec(&acting.done()).unwrap();
        let mut acting = Acting::after(serde_json::from_slice(&kept).unwrap());
        assert!(act(&mut acting, 1).is_err(), "another start is no other day");
        assert_eq!(act(&mut acting, 2), Ok(()));
    }
}
