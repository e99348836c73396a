//! What the lamp shows. Pure.

use super::button::Held;
use crate::call::{Phase, Snapshot};
use crate::units::{Instant, Wall};
use core::time::Duration;

/// What the lamp says, the most pressing last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// All is well: a short flash every five seconds.
    #[default]
    Idle,
    /// Something is wrong with the box itself: three flashes.
    Fault,
    /// No trunk can place a call, not even to help: two flashes.
    NoTrunk,
    /// An update is being written or tried, and the box will start anew: a long and a short flash.
    Update,
    /// A call is up: steady light.
    InCall,
    /// The box waits for you: slow blinking; the light's share grows as the wait nears what is usual there.
    Holding(Progress),
    /// Somebody calls: two long flashes and a pause, as a telephone rings.
    Ringing,
    /// A person is there: fast blinking.
    Person,
}

/// How much of the usual wait is over. The lamp shows the hold that is farthest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// The box has not waited there before.
    #[default]
    Unknown,
    /// In quarters that have begun, 1 to 4; a wait that is longer than usual stays in the last.
    Quarter(u8),
}

impl Progress {
    /// Of the time `waited` out of the `usual`, both in ms.
    fn of(waited: u64, usual: Option<u64>) -> Self {
        let Some(usual) = usual.filter(|usual| *usual > 0) else { return Self::Unknown };
        let over = waited.saturating_mul(4).checked_div(usual).unwrap_or(0);
        Self::Quarter(u8::try_from(over.saturating_add(1)).map_or(4, |quarter| quarter.min(4)))
    }
}

/// What the lamp shows for the state of everything at the moment `now`; `updating`: an update is being written or tried.
pub fn pattern(snapshot: &Snapshot, updating: bool, now: Wall) -> Pattern {
    let calls = snapshot.calls.iter().map(|call| match call.phase {
        Phase::Greeting | Phase::Ringing => Pattern::Person,
        Phase::Holding | Phase::Confirming | Phase::Menu | Phase::Assisted => {
            let waited = call.hold_started.map_or(0, |since| now.0.saturating_sub(since.0));
            Pattern::Holding(Progress::of(waited, call.usual_wait_ms))
        }
        Phase::Incoming => Pattern::Ringing,
        Phase::Dialing | Phase::Talking | Phase::Parked => Pattern::InCall,
    });
    let trunk = if snapshot.trunks.iter().any(|trunk| trunk.up) { Pattern::Idle } else { Pattern::NoTrunk };
    let fault = if snapshot.troubles.is_empty() { Pattern::Idle } else { Pattern::Fault };
    let update = if updating { Pattern::Update } else { Pattern::Idle };
    calls.fold(trunk.max(fault).max(update), Pattern::max)
}

impl Pattern {
    /// Milliseconds of light and dark in turn, again and again.
    const fn cadence_ms(self) -> &'static [u64] {
        match self {
            Self::Idle => &[50, 4950],
            Self::Fault => &[100, 200, 100, 200, 100, 1300],
            Self::NoTrunk => &[100, 200, 100, 1600],
            Self::Update => &[700, 200, 100, 1000],
            Self::InCall => &[1000],
            Self::Holding(Progress::Unknown) => &[1000, 1000],
            Self::Holding(Progress::Quarter(quarter)) => match quarter {
                0 | 1 => &[250, 1750],
                2 => &[750, 1250],
                3 => &[1250, 750],
                _ => &[1750, 250],
            },
            Self::Ringing => &[400, 200, 400, 1000],
            Self::Person => &[100, 100],
        }
    }
}

/// How long the light says that all is well.
const WELL: Duration = Duration::from_secs(2);
/// Faster than any pattern.
const FLICKER_MS: [u64; 2] = [40, 60];

/// What the lamp is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Show this from now on. The one that is shown already goes on undisturbed.
    Show(Pattern),
    /// The button was pressed: say now how things are. All well is two seconds of light.
    Answer,
    /// A finger is on the button for a while, or is gone. It sees dark when letting go means a long press, and flicker when
    /// it has claimed the page.
    Finger(Option<Held>),
    /// A deadline has passed.
    Timeout,
}

/// The machine of one lamp.
#[derive(Debug, Default)]
pub struct Lamp {
    pattern: Pattern,
    began: Instant,
    finger: Option<Held>,
    /// Until when all is said to be well.
    well: Instant,
    lit: Option<bool>,
    out: Option<bool>,
    deadline: Option<Instant>,
}

impl Lamp {
    /// A lamp of unknown state that will show [`Pattern::Idle`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Show(pattern) if pattern != self.pattern => {
                self.pattern = pattern;
                self.began = now;
            }
            Input::Answer if self.pattern == Pattern::Idle => self.well = now + WELL,
            Input::Answer => self.began = now,
            Input::Finger(held) => self.finger = held,
            Input::Show(_) | Input::Timeout => {}
        }
        let (lit, rest) = self.at(now);
        self.deadline = rest.map(|rest| now + rest);
        if self.lit != Some(lit) {
            self.lit = Some(lit);
            self.out = Some(lit);
        }
    }

    /// Whether to light the lamp, when that changed; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<bool> {
        self.out.take()
    }

    /// When to call `handle(Timeout)` if nothing else happens. `None` while the light is steady.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next `poll` says the state again: the line was lost and has been found again.
    pub fn repeat(&mut self) {
        self.out = self.lit;
    }

    /// Lit or not, and for how long from `now`.
    fn at(&self, now: Instant) -> (bool, Option<Duration>) {
        let cadence: &[u64] = match self.finger {
            Some(Held::Long) => return (false, None),
            Some(Held::Claim) => &FLICKER_MS,
            None if self.pattern == Pattern::Idle && now < self.well => {
                return (true, Some(self.well.since(now)));
            }
            None => self.pattern.cadence_ms(),
        };
        if cadence.len() < 2 {
            return (true, None);
        }
        let round = cadence.iter().sum::<u64>() * 1000;
        let mut into = (now.0.saturating_sub(self.began.0)) % round;
        for (i, ms) in cadence.iter().enumerate() {
            match (ms * 1000).checked_sub(into) {
                Some(rest) if rest > 0 => return (i % 2 == 0, Some(Duration::from_micros(rest))),
                _ => into -= ms * 1000,
            }
        }
        (false, None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::call::{CallView, PeerView, Registration};
    use crate::units::CallId;

    fn snapshot(trunk: bool, phases: &[Phase], troubles: &[&str]) -> Snapshot {
        let call = |phase: &Phase| CallView {
            id: CallId(1),
            outgoing: true,
            number: String::new(),
            phase: *phase,
            started: Wall(0),
            hold_started: None,
            ends_at: None,
            usual_wait_ms: None,
            queue: None,
            captions: Vec::new(),
            sound: None,
            heard: Vec::new(),
            recording: false,
            may_listen: false,
            found: false,
            weighs: None,
            last: String::new(),
            streams: Vec::new(),
            line_encrypted: false,
            phones_encrypted: false,
        };
        Snapshot {
            calls: phases.iter().map(call).collect(),
            trunks: vec![PeerView {
                name: "t".to_owned(),
                up: trunk,
                status: String::new(),
                registration: Registration::default(),
            }],
            troubles: troubles.iter().map(|t| (*t).to_owned()).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_most_pressing_thing_is_shown() {
        let table: &[(Snapshot, Pattern)] = &[
            (snapshot(true, &[], &[]), Pattern::Idle),
            (snapshot(true, &[], &["disk full"]), Pattern::Fault),
            (snapshot(false, &[], &["disk full"]), Pattern::NoTrunk),
            (Snapshot::default(), Pattern::NoTrunk),
            (snapshot(true, &[Phase::Talking], &["disk full"]), Pattern::InCall),
            (snapshot(true, &[Phase::Incoming], &[]), Pattern::Ringing),
            (snapshot(true, &[Phase::Parked], &[]), Pattern::InCall),
            (snapshot(true, &[Phase::Confirming], &[]), Pattern::Holding(Progress::Unknown)),
            (snapshot(true, &[Phase::Holding, Phase::Talking], &[]), Pattern::Holding(Progress::Unknown)),
            (snapshot(true, &[Phase::Incoming, Phase::Holding], &[]), Pattern::Ringing),
            (snapshot(true, &[Phase::Greeting, Phase::Incoming], &[]), Pattern::Person),
            (snapshot(true, &[Phase::Greeting, Phase::Talking], &[]), Pattern::Person),
            (snapshot(false, &[Phase::Talking, Phase::Ringing], &[]), Pattern::Person),
        ];
        for (snapshot, expected) in table {
            assert_eq!(pattern(snapshot, false, Wall(0)), *expected, "{snapshot:?}");
            let hidden = *expected >= Pattern::InCall;
            let updating = if hidden { *expected } else { Pattern::Update };
            assert_eq!(pattern(snapshot, true, Wall(0)), updating, "a call goes first: {snapshot:?}");
        }
    }

    #[test]
    fn the_light_grows_with_the_wait() {
        let share = |waited_ms: u64, usual_wait_ms| {
            let mut snapshot = snapshot(true, &[Phase::Holding], &[]);
            snapshot.calls[0].hold_started = Some(Wall(5_000));
            snapshot.calls[0].usual_wait_ms = usual_wait_ms;
            let shown = pattern(&snapshot, false, Wall(5_000 + waited_ms));
            let changes = lit(shown);
            assert_eq!(changes[0], (0, true), "{shown:?}");
            changes[1].0
        };
        let usual = Some(600_000);
        let waits = [0, 149_999, 150_000, 300_000, 599_999, 600_000, 9_000_000];
        assert_eq!(waits.map(|waited| share(waited, usual)), [250, 250, 750, 1250, 1750, 1750, 1750]);
        assert_eq!((share(300_000, None), share(300_000, Some(0))), (1000, 1000));
        // A clock that was set back takes nothing apart.
        assert_eq!(Progress::of(0, usual), Progress::Quarter(1));
        assert_eq!(Progress::of(u64::MAX, usual), Progress::Quarter(4));
    }

    /// Lit spans in ms from the moment the pattern is shown, within 3 s.
    fn lit(pattern: Pattern) -> Vec<(u64, bool)> {
        let start = Instant(77_000_123);
        let mut lamp = Lamp::new();
        lamp.handle(start, Input::Show(pattern));
        let mut changes = Vec::new();
        let mut now = start;
        for _ in 0..100 {
            while let Some(lit) = lamp.poll() {
                changes.push((now.since(start).as_millis() as u64, lit));
            }
            match lamp.deadline() {
                Some(next) if next.since(start) < Duration::from_secs(3) => now = next,
                _ => return changes,
            }
            lamp.handle(now, Input::Timeout);
        }
        panic!("the lamp never comes to rest: {changes:?}");
    }

    #[test]
    fn patterns_in_time() {
        assert_eq!(lit(Pattern::InCall), [(0, true)]);
        assert_eq!(lit(Pattern::Holding(Progress::Unknown)), [(0, true), (1000, false), (2000, true)]);
        assert_eq!(
            lit(Pattern::NoTrunk),
            [
                (0, true),
                (100, false),
                (300, true),
                (400, false),
                (2000, true),
                (2100, false),
                (2300, true),
                (2400, false)
            ]
        );
        assert_eq!(lit(Pattern::Person).len(), 30);
        assert_eq!(
            lit(Pattern::Ringing),
            [(0, true), (400, false), (600, true), (1000, false), (2000, true), (2400, false), (2600, true)]
        );
        assert_eq!(lit(Pattern::Fault).len(), 12);
        assert_eq!(
            lit(Pattern::Update),
            [(0, true), (700, false), (900, true), (1000, false), (2000, true), (2700, false), (2900, true)]
        );
    }

    #[test]
    fn a_press_is_answered_and_a_finger_sees_what_it_does() {
        let mut lamp = Lamp::new();
        lamp.handle(Instant(0), Input::Timeout);
        lamp.handle(Instant(1_000_000), Input::Answer);
        assert_eq!((lamp.poll(), lamp.deadline()), (Some(true), Some(Instant(3_000_000))));
        lamp.handle(Instant(3_000_000), Input::Timeout);
        assert_eq!(lamp.poll(), Some(false));
        lamp.handle(Instant(4_000_000), Input::Show(Pattern::InCall));
        assert_eq!(lamp.poll(), Some(true));
        lamp.handle(Instant(5_000_000), Input::Finger(Some(Held::Long)));
        assert_eq!((lamp.poll(), lamp.deadline()), (Some(false), None));
        lamp.handle(Instant(12_000_000), Input::Finger(Some(Held::Claim)));
        assert!(lamp.deadline().is_some());
        lamp.handle(Instant(13_000_000), Input::Finger(None));
        assert_eq!(lamp.poll(), Some(true));
    }

    #[test]
    fn a_press_begins_the_trouble_s_pattern_anew() {
        let mut lamp = Lamp::new();
        lamp.handle(Instant(0), Input::Show(Pattern::NoTrunk));
        lamp.handle(Instant(1_500_000), Input::Answer);
        assert_eq!(lamp.poll(), Some(true));
        assert_eq!(lamp.deadline(), Some(Instant(1_600_000)));
    }

    #[test]
    fn showing_the_same_again_does_not_disturb_the_rhythm() {
        let mut lamp = Lamp::new();
        lamp.handle(Instant(0), Input::Show(Pattern::Holding(Progress::Unknown)));
        lamp.handle(Instant(900_000), Input::Show(Pattern::Holding(Progress::Unknown)));
        assert_eq!(lamp.deadline(), Some(Instant(1_000_000)));
        assert_eq!(lamp.poll(), Some(true));
        assert_eq!(lamp.poll(), None);
        lamp.repeat();
        assert_eq!(lamp.poll(), Some(true));
    }
}
