//! Whether it was a person whom the owner was joined to: what he does and says about it.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::Leg;
use super::{Line, ListenOrder};
use crate::listen::Heard;
use crate::listen::lore::Taught;
use crate::units::{Instant, Tick};
use core::time::Duration;

/// Whoever is joined while he is hanging up has not noticed it by then.
const NOTICES: Duration = Duration::from_millis(2_500);
/// Who gives the call back this soon was rung for a recording.
pub(super) const FALSE_ALARM: Duration = Duration::from_secs(15);

impl Call {
    /// The far side as the listener is told of it.
    pub(super) fn line(&self, desk: &Desk, far: &Leg) -> Line {
        let (opened, epoch) = far.open.unwrap_or((self.started, 0));
        let opened_ms = u64::try_from(opened.since(self.started).as_millis()).unwrap_or(u64::MAX);
        let company = desk.plan.company(&self.record.number);
        Line { port: far.port, epoch, call: self.id, company, opened_ms }
    }

    /// The owner was joined to a person and has talked to him, for longer than a false alarm would.
    pub(super) fn has_met(&self, now: Instant, for_longer_than: Duration) -> bool {
        self.slain.is_some_and(|joined| now.since(joined) >= for_longer_than)
    }

    /// The owner says what was heard last.
    pub(super) fn teach(&mut self, desk: &mut Desk, taught: Taught) -> Result<(), String> {
        const NOT_HELD: &str =
            "the box does not listen to this call: teach it while it holds the call, or in the history";
        let port = self.far.as_ref().map(|far| far.port).ok_or(NOT_HELD)?;
        match (&self.state, taught) {
            (State::Held(_), Taught::Recording) => desk.listen(ListenOrder::WasRecording(port)),
            (State::Held(_), Taught::Person) => desk.listen(ListenOrder::WasPerson(port)),
            (State::Talking, Taught::Recording) if self.slain.is_some() => {
                let joined = self.slain.replace(desk.now);
                let held = self.hold(desk, "you said that it was a recording");
                if held.is_err() {
                    self.slain = joined;
                }
                return held;
            }
            _ => return Err(NOT_HELD.into()),
        }
        let words = match taught {
            Taught::Recording => "you said that it was a recording",
            Taught::Person => "you said that it is a person",
        };
        self.decide(desk, "learn", words.into());
        Ok(())
    }

    /// The owner, joined to what the box took for a person, does not want it.
    pub(super) fn is_false_alarm(&self, now: Instant, within: Duration) -> bool {
        self.slain.is_some_and(|joined| now.since(joined) < within)
    }

    /// The owner has hung up on what was no person: the line stays, and the far side notices nothing.
    pub(super) fn back_to_hold(&mut self, desk: &mut Desk) -> bool {
        if self.surprised.take().is_some_and(|at| desk.now.since(at) < NOTICES) {
            // He was hanging up anyway: whoever is there is rung for.
            self.slain = None;
            let held = self.hold(desk, "the owner hung up as a person came").is_ok();
            if held {
                let reason = "the owner hung up before he could notice him".into();
                self.heard_now(desk, Heard::Person { at: Tick(0), confidence: 0.5, reason });
            }
            return held;
        }
        self.far.is_some() && self.hold(desk, "the owner hung up at once: it was no person").is_ok()
    }
}
