//! What the company, its agent and the owner say and play: embedded G.711 µ-law. `generate.py` made the files;
//! `LICENSE.md` says from what.

/// A sound of the demo's far ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sound {
    /// Instrumental hold music, 20 s, loops.
    Music,
    /// Singing over music, 16 s, loops.
    Song,
    /// Recorded: "Welcome to Example Energy … for customer care, press 2."
    Menu,
    /// Recorded: "… All of our agents are currently busy … Please stay on the line."
    AllBusy,
    /// Recorded: "You are caller number three. Please hold."
    ThirdInLine,
    /// Recorded: "… all lines are now closed. Goodbye."
    Closed,
    /// Recorded, another voice: "Please stay on the line. Your call will be answered momentarily."
    StayOnLine,
    /// Recorded, that voice: "We are experiencing longer than usual hold times."
    LongerThanUsual,
    /// Agent: "Hello? Thank you for waiting! This is Joe, in customer care. How can I help you?"
    AgentGreeting,
    /// Agent: "Hello? Are you there?"
    AgentThere,
    /// Agent: "Oh! Okay, sure. I can wait a moment."
    AgentWaits,
    /// Agent: "Great! So, how can I help you today?"
    AgentHelp,
    /// Agent: "… I have just taken it off your bill."
    AgentTalk,
    /// Agent: "You are very welcome … Goodbye!"
    AgentBye,
    /// Owner: "Hi, yes, I am here! Thank you for waiting."
    OwnerHello,
    /// Owner: "I have a question about my last bill …"
    OwnerAsks,
    /// Owner: "… Thank you so much! Goodbye."
    OwnerThanks,
}

impl Sound {
    /// Every sound.
    pub const ALL: [Self; 17] = [
        Self::Music,
        Self::Song,
        Self::Menu,
        Self::AllBusy,
        Self::ThirdInLine,
        Self::Closed,
        Self::StayOnLine,
        Self::LongerThanUsual,
        Self::AgentGreeting,
        Self::AgentThere,
        Self::AgentWaits,
        Self::AgentHelp,
        Self::AgentTalk,
        Self::AgentBye,
        Self::OwnerHello,
        Self::OwnerAsks,
        Self::OwnerThanks,
    ];

    /// G.711 µ-law at 8 kHz, whole frames of 160 bytes.
    pub const fn samples(self) -> &'static [u8] {
        match self {
            Self::Music => include_bytes!("music.ulaw"),
            Self::Song => include_bytes!("song.ulaw"),
            Self::Menu => include_bytes!("menu.ulaw"),
            Self::AllBusy => include_bytes!("all_busy.ulaw"),
            Self::ThirdInLine => include_bytes!("third_in_line.ulaw"),
            Self::Closed => include_bytes!("closed.ulaw"),
            Self::StayOnLine => include_bytes!("stay_on_line.ulaw"),
            Self::LongerThanUsual => include_bytes!("longer_than_usual.ulaw"),
            Self::AgentGreeting => include_bytes!("agent_greeting.ulaw"),
            Self::AgentThere => include_bytes!("agent_there.ulaw"),
            Self::AgentWaits => include_bytes!("agent_waits.ulaw"),
            Self::AgentHelp => include_bytes!("agent_help.ulaw"),
            Self::AgentTalk => include_bytes!("agent_talk.ulaw"),
            Self::AgentBye => include_bytes!("agent_bye.ulaw"),
            Self::OwnerHello => include_bytes!("owner_hello.ulaw"),
            Self::OwnerAsks => include_bytes!("owner_asks.ulaw"),
            Self::OwnerThanks => include_bytes!("owner_thanks.ulaw"),
        }
    }

    /// What a listener would call it, for the narration.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Music => "♪ hold music",
            Self::Song => "♪ a song with a singer",
            Self::Menu => "“For billing, press 1. For customer care, press 2.”",
            Self::AllBusy => "“All of our agents are currently busy … please stay on the line.”",
            Self::ThirdInLine => "“You are caller number three. Please hold.”",
            Self::Closed => "“All lines are now closed. Goodbye.”",
            Self::StayOnLine => "“Please stay on the line. Your call will be answered momentarily.”",
            Self::LongerThanUsual => "“We are experiencing longer than usual hold times.”",
            Self::AgentGreeting => {
                "“Hello? Thank you for waiting! This is Joe, in customer care. How can I help you?”"
            }
            Self::AgentThere => "“Hello? Are you there?”",
            Self::AgentWaits => "“Oh! Okay, sure. I can wait a moment.”",
            Self::AgentHelp => "“Great! So, how can I help you today?”",
            Self::AgentTalk => "“Yes, I can see that here … I have just taken it off your bill.”",
            Self::AgentBye => "“You are very welcome. Have a nice day. Goodbye!”",
            Self::OwnerHello => "“Hi, yes, I am here! Thank you for waiting.”",
            Self::OwnerAsks => "“I have a question about my last bill.”",
            Self::OwnerThanks => "“Oh, that was quick. Thank you so much! Goodbye.”",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::g711::decode;
    use crate::units::{Codec, FRAME_SAMPLES};

    #[test]
    fn the_sounds_are_whole_frames_at_line_level_and_small_together() {
        let mut bytes = 0;
        for sound in Sound::ALL {
            let samples = sound.samples();
            bytes += samples.len();
            assert_eq!(samples.len() % FRAME_SAMPLES, 0, "{sound:?}");
            let peak = samples.iter().map(|&b| decode(Codec::Pcmu, b).unsigned_abs()).max().unwrap_or(0);
            assert!((6_000..=32_000).contains(&peak), "{sound:?} peaks at {peak}");
        }
        assert!(bytes <= 2 * 1024 * 1024, "{bytes} bytes");
    }
}
