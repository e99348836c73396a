//! The story as text: one line per event, a live line of state, the record of the call. Pure: time in, text out.

use super::Narration;
use crate::call::{CallView, Record, Snapshot};
use crate::listen::Sound;
use crate::units::{CallId, Instant, Wall};
use core::fmt::Write;
use core::time::Duration;
use std::collections::HashMap;

/// Turns what happens into lines. Time counts from its beginning.
pub struct Story {
    began: Instant,
    seen: HashMap<CallId, CallView>,
}

impl Story {
    /// Begins at `now`.
    pub fn new(now: Instant) -> Self {
        Self { began: now, seen: HashMap::new() }
    }

    /// A far end's line.
    pub fn line(&self, said: &Narration) -> String {
        format!("{}  {said}", clock(said.at.since(self.began)))
    }

    /// What has changed in the box, a line each: phase, sound on the line, decision.
    pub fn changes(&mut self, now: Instant, snapshot: &Snapshot) -> Vec<String> {
        let time = clock(now.since(self.began));
        let mut lines = Vec::new();
        for call in &snapshot.calls {
            let before = self.seen.get(&call.id);
            if before.is_none_or(|b| b.phase != call.phase) {
                lines.push(format!("{time}  box     {}", phase(call)));
            }
            if let Some(sound) = call.sound.filter(|_| before.is_none_or(|b| b.sound != call.sound)) {
                lines.push(format!("{time}  box     hears {}", sound_words(sound)));
            }
            if before.is_none_or(|b| b.last != call.last) && !call.last.is_empty() {
                lines.push(format!("{time}  box     decides: {}", call.last));
            }
        }
        self.seen = snapshot.calls.iter().map(|c| (c.id, c.clone())).collect();
        lines
    }

    /// The live line: what goes on this second. `wall` is the time of day, for how long it has been held.
    pub fn state(&self, now: Instant, wall: Wall, snapshot: &Snapshot) -> String {
        let mut text = clock(now.since(self.began));
        if snapshot.calls.is_empty() {
            text.push_str("  no call");
        }
        for call in &snapshot.calls {
            let _ = write!(text, "  {} · {}", call.number, phase(call));
            if let Some(sound) = call.sound {
                let _ = write!(text, " · {}", sound_words(sound));
            }
            if let Some(since) = call.hold_started {
                let _ =
                    write!(text, " · held {}", clock(Duration::from_millis(wall.0.saturating_sub(since.0))));
            }
        }
        text
    }
}

/// Minutes and seconds.
pub fn clock(time: Duration) -> String {
    format!("{:02}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// A record for reading, with times from the start of the call.
pub fn record(record: &Record) -> String {
    let at = |ms: u64| clock(Duration::from_millis(ms));
    let wall = |w: Option<Wall>| w.map_or_else(|| "–".into(), |w| at(w.0.saturating_sub(record.started.0)));
    let way = if record.outgoing { "to" } else { "from" };
    let mut text = format!(
        "call {} {way} {}\n  outcome   {:?}\n  answered  {}\n  held from {}, for {}\n  ended     {}\n",
        record.id.0,
        record.number,
        record.outcome,
        wall(record.answered),
        wall(record.hold_started),
        at(record.held_ms),
        wall(record.ended),
    );
    let heard = record
        .heard
        .iter()
        .map(|s| (s.at_ms, format!("hears {} ({:.0} %)", sound_words(s.sound), s.confidence * 100.0)));
    let decided = record.decisions.iter().map(|d| (d.at_ms, format!("{}: {}", d.what, d.reason)));
    let mut lines: Vec<_> = heard.chain(decided).collect();
    lines.sort_by_key(|(ms, _)| *ms);
    for (ms, line) in lines {
        let _ = writeln!(text, "  {}  {line}", at(ms));
    }
    text
}

fn phase(call: &CallView) -> &'static str {
    use crate::call::Phase::{
        Assisted, Confirming, Dialing, Greeting, Holding, Incoming, Menu, Parked, Ringing, Talking,
    };
    match call.phase {
        Dialing => "is dialing",
        Incoming => "rings the phone for an incoming call",
        Talking => "has joined both sides",
        Parked => "sees the call parked by the phone",
        Menu => "goes through the menu",
        Assisted => "lets the language model lead the call",
        Confirming => "tells the owner that he may hang up",
        Holding => "holds the line",
        Greeting => "speaks to whoever is there",
        Ringing => "rings the owner's phone",
    }
}

fn sound_words(sound: Sound) -> &'static str {
    match sound {
        Sound::Silence => "silence",
        Sound::Noise => "noise",
        Sound::Ringback => "ringback",
        Sound::Busy => "a busy tone",
        Sound::Tone => "a tone",
        Sound::Dtmf => "a key",
        Sound::Music => "music",
        Sound::Announcement => "an announcement",
        Sound::Speech => "speech",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Decision, Outcome, Phase, Span};
    use crate::demo::{Fact, Who};

    fn view(phase: Phase, sound: Option<Sound>, last: &str) -> Snapshot {
        let call = CallView {
            captions: Vec::new(),
            id: CallId(1),
            outgoing: true,
            number: "1800".into(),
            phase,
            started: Wall(1_000),
            hold_started: (phase == Phase::Holding).then_some(Wall(21_000)),
            ends_at: None,
            usual_wait_ms: None,
            queue: None,
            sound,
            heard: Vec::new(),
            recording: false,
            may_listen: false,
            found: false,
            weighs: None,
            last: last.into(),
            streams: Vec::new(),
            line_encrypted: false,
            phones_encrypted: false,
        };
        Snapshot { calls: vec![call], ..Snapshot::default() }
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut story = Story::new(Instant(5_000_000));
        let now = Instant(70_000_000);
        assert_eq!(
            story.changes(now, &view(Phase::Talking, None, "")),
            ["01:05  box     has joined both sides"]
        );
        assert!(story.changes(now, &view(Phase::Talking, None, "")).is_empty());
        let held = view(Phase::Holding, Some(Sound::Music), "hold: ** was pressed");
        assert_eq!(
            story.changes(now, &held),
            [
                "01:05  box     holds the line",
                "01:05  box     hears music",
                "01:05  box     decides: hold: ** was pressed"
            ]
        );
        assert_eq!(
            story.state(now, Wall(44_500), &held),
            "01:05  1800 · holds the line · music · held 00:23"
        );
        assert_eq!(story.state(now, Wall(0), &Snapshot::default()), "01:05  no call");
    }

    #[test]
    fn a_far_end_and_a_record_read_well() {
        let said = Narration { at: Instant(3_000_000), who: Who::Company, fact: Fact::FallsSilent };
        assert_eq!(Story::new(Instant::ZERO).line(&said), "00:03  agent   stops talking and listens");
        let kept = Record {
            id: CallId(7),
            outgoing: true,
            number: "1800".into(),
            started: Wall(10_000),
            answered: Some(Wall(13_000)),
            ended: Some(Wall(75_000)),
            outcome: Outcome::Slain,
            held_ms: 30_000,
            hold_started: Some(Wall(20_000)),
            heard: vec![Span { at_ms: 11_000, sound: Sound::Music, confidence: 0.93 }],
            figures: Default::default(),
            said: Vec::new(),
            decisions: vec![Decision {
                at_ms: 40_000,
                what: "ring".into(),
                reason: "a voice stopped".into(),
            }],
        };
        assert_eq!(
            record(&kept),
            "call 7 to 1800\n  outcome   Slain\n  answered  00:03\n  held from 00:10, for 00:30\n  ended     01:05\n  \
             00:11  hears music (93 %)\n  00:40  ring: a voice stopped\n"
        );
    }
}
