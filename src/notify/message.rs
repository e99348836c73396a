//! Events as words for people, and as JSON for programs.

use crate::call::{Event, Happened};
use crate::limits::NOTIFY_CALLS;
use crate::listen::words::discreet;
use crate::units::{CallId, Wall};
use serde::Serialize;
use std::collections::VecDeque;

/// The types of events that can be told. Sounds and words of a call stay in the box.
pub const EVENTS: [&str; 17] = [
    "call.started",
    "call.connected",
    "call.ended",
    "call.failed",
    "hold.detected",
    "hold.human_detected",
    "hold.human_lost",
    "hold.ends_soon",
    "hold.transfer_started",
    "hold.transfer_complete",
    "device.registered",
    "device.unregistered",
    "system.started",
    "system.stopped",
    "system.trunk_registered",
    "system.trunk_failed",
    "system.trouble",
];
/// Under which of these an event is told, if it is at all.
pub fn kind(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::CallStarted { .. } => "call.started",
        Event::CallConnected => "call.connected",
        Event::CallEnded { .. } => "call.ended",
        Event::CallFailed { .. } => "call.failed",
        Event::HoldDetected => "hold.detected",
        Event::HumanDetected => "hold.human_detected",
        Event::HumanLost => "hold.human_lost",
        Event::EndsSoon { .. } => "hold.ends_soon",
        Event::TransferStarted => "hold.transfer_started",
        Event::TransferComplete => "hold.transfer_complete",
        Event::DeviceRegistered { .. } => "device.registered",
        Event::DeviceUnregistered { .. } => "device.unregistered",
        Event::Started => "system.started",
        Event::Stopped => "system.stopped",
        Event::TrunkRegistered { .. } => "system.trunk_registered",
        Event::TrunkFailed { .. } => "system.trunk_failed",
        Event::Trouble { .. } => "system.trouble",
        _ => return None,
    })
}

/// What is told unless the owner chooses.
pub const USUAL: [&str; 5] =
    ["hold.human_detected", "hold.human_lost", "hold.ends_soon", "system.trunk_failed", "system.trouble"];
/// The type of a message that only shows that it arrives.
const TEST: &str = "test";

/// One thing to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it was, milliseconds since 1970.
    pub at: Wall,
    /// In a few words, ASCII.
    pub title: &'static str,
    /// In a sentence.
    pub text: String,
    /// The owner is wanted at once.
    pub urgent: bool,
    /// In which call.
    pub call: Option<CallId>,
    /// The other party's number, where it may be told and is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

impl Message {
    /// One that only shows that it arrives.
    pub fn test(at: Wall) -> Self {
        let text = "This is how Hold Slayer tells you what happens.".to_owned();
        Self { kind: TEST, at, title: "A test", text, urgent: false, call: None, number: None }
    }
}

/// Makes messages of events, and remembers for that whom each call is with.
#[derive(Debug)]
pub struct Teller {
    numbers: bool,
    calls: VecDeque<(CallId, String)>,
}

impl Teller {
    /// One that tells numbers, or not.
    pub fn new(numbers: bool) -> Self {
        Self { numbers, calls: VecDeque::new() }
    }

    /// What is to be told of an event; nothing of those that are not in [`EVENTS`].
    pub fn tell(&mut self, happened: &Happened) -> Option<Message> {
        let kind = kind(&happened.event)?;
        self.note(happened);
        let known = self.calls.iter().find(|(id, _)| Some(*id) == happened.call).map(|(_, number)| number);
        let number = known.filter(|number| self.numbers && !number.is_empty()).cloned();
        let with = number.as_ref().map_or(String::new(), |number| format!(" ({number})"));
        // Reasons are for people and may name numbers.
        let plain = |words: &str| if self.numbers { words.to_owned() } else { discreet(words) };
        let (title, text) = match &happened.event {
            Event::CallStarted { outgoing: true, .. } => {
                ("A call goes out", format!("A call goes out{with}."))
            }
            Event::CallStarted { .. } => ("A call comes in", format!("A call comes in{with}.")),
            Event::CallConnected => ("A call is answered", format!("A call is answered{with}.")),
            Event::CallEnded { reason, held_ms: 0, .. } => {
                ("A call is over", format!("A call is over{with}: {}.", plain(reason)))
            }
            Event::CallEnded { reason, held_ms, .. } => {
                let minutes = held_ms.div_ceil(60_000);
                let text =
                    format!("A held call is over{with}, after {minutes} min on hold: {}.", plain(reason));
                ("A held call is over", text)
            }
            Event::CallFailed { reason, .. } => {
                ("A call failed", format!("A call failed{with}: {}.", plain(reason)))
            }
            Event::HoldDetected => ("On hold", format!("The box waits on hold for you{with}.")),
            Event::HumanDetected => {
                ("A person is there", format!("A person is there{with}: your phone rings."))
            }
            Event::HumanLost => {
                ("It was no person", format!("It was no person, or they have left{with}: the box waits on."))
            }
            Event::EndsSoon { minutes } => {
                let text = format!(
                    "The longest hold allowed ends the wait{with} in {minutes} min, unless you ask for more (*58, or Wait on, on the page)."
                );
                ("The wait ends soon", text)
            }
            Event::TransferStarted => {
                ("Your phone rings", format!("Your phone rings for the held call{with}."))
            }
            Event::TransferComplete => ("You are through", format!("You are through{with}.")),
            Event::DeviceRegistered { name } => {
                ("A phone is there", format!("The phone {name} has registered."))
            }
            Event::DeviceUnregistered { name } => {
                ("A phone has gone", format!("The phone {name} is not registered any more."))
            }
            Event::Started => ("The box is up", "Hold Slayer is up.".to_owned()),
            Event::Stopped => ("The box stops", "Hold Slayer is being stopped.".to_owned()),
            Event::TrunkRegistered { name } => {
                ("The line is up", format!("The trunk {name} has registered."))
            }
            Event::TrunkFailed { name, reason } => {
                ("The line is down", format!("The trunk {name} is down: {}.", plain(reason)))
            }
            Event::Trouble { words } => ("Something is wrong", format!("{}.", plain(words))),
            _ => return None,
        };
        let urgent = kind == "hold.human_detected";
        Some(Message { kind, at: happened.at, title, text, urgent, call: happened.call, number })
    }

    fn note(&mut self, happened: &Happened) {
        let Some(call) = happened.call else { return };
        if let Event::CallStarted { number, .. } = &happened.event {
            if self.calls.len() >= NOTIFY_CALLS {
                self.calls.pop_front();
            }
            self.calls.push_back((call, number.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::call::Outcome;

    fn happened(event: Event) -> Happened {
        Happened { at: Wall(5), call: Some(CallId(7)), event }
    }

    fn all() -> Vec<Event> {
        let (name, reason) = ("hall".to_owned(), "it was 18005550123".to_owned());
        let number = "18005550123".to_owned();
        vec![
            Event::CallStarted { outgoing: true, number },
            Event::CallConnected,
            Event::CallEnded { outcome: Outcome::Talked, reason: reason.clone(), held_ms: 90_000 },
            Event::CallFailed { outcome: Outcome::Busy, reason: reason.clone() },
            Event::HoldDetected,
            Event::HumanDetected,
            Event::HumanLost,
            Event::EndsSoon { minutes: 10 },
            Event::TransferStarted,
            Event::TransferComplete,
            Event::DeviceRegistered { name: name.clone() },
            Event::DeviceUnregistered { name: name.clone() },
            Event::Started,
            Event::Stopped,
            Event::TrunkRegistered { name: name.clone() },
            Event::TrunkFailed { name, reason },
            Event::Trouble { words: "the disk is full".into() },
        ]
    }

    #[test]
    fn every_event_that_can_be_chosen_is_told_under_its_own_type() {
        let mut teller = Teller::new(true);
        let told: Vec<&str> =
            all().into_iter().map(|event| teller.tell(&happened(event)).unwrap().kind).collect();
        assert_eq!(told, EVENTS);
        assert!(USUAL.iter().all(|usual| EVENTS.contains(usual)));
        for event in all() {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["type"], teller.tell(&happened(event)).unwrap().kind);
        }
        assert_eq!(teller.tell(&happened(Event::AudioTranscript { text: "my PIN".into() })), None);
        assert_eq!(teller.tell(&happened(Event::MenuKeysSent { digits: "1234".into() })), None);
    }

    #[test]
    fn numbers_are_told_only_where_the_owner_wants_it() {
        for numbers in [false, true] {
            let mut teller = Teller::new(numbers);
            for event in all() {
                let message = teller.tell(&happened(event)).unwrap();
                let json = serde_json::to_string(&message).unwrap();
                let of_the_call = !message.kind.starts_with("device") && !message.kind.starts_with("system");
                assert_eq!(
                    json.contains("18005550123"),
                    numbers && (of_the_call || message.kind.ends_with("failed") || message.number.is_some()),
                    "{json}"
                );
                assert!(message.title.is_ascii());
            }
        }
    }

    #[test]
    fn calls_are_not_remembered_for_ever() {
        let mut teller = Teller::new(true);
        for id in 0..10_000 {
            let event = Event::CallStarted { outgoing: false, number: "1".into() };
            teller.tell(&Happened { at: Wall(0), call: Some(CallId(id)), event });
        }
        assert_eq!(teller.calls.len(), NOTIFY_CALLS);
    }
}
