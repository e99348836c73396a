//! The other ends of the line: a company and a household's phone, as scripted machines, and the show made of them.
//!
//! ```text
//!   Company (Ua + Line + script) ◄── SIP, RTP ──► the box ◄── SIP, RTP ──► Phone (Ua + Line + script)
//!          └── Said ──────────────────► judge, terminal ◄────────────────────── Said ──┘
//! ```
//!
//! Both machines are pure: `demo` drives them with sockets and the clock (`edge`), the simulator in virtual time. They
//! know nothing of the box but its SIP address, so what they observed is a judgement from outside.

pub mod company;
pub mod ear;
pub mod edge;
pub mod endpoint;
pub mod judge;
pub mod line;
pub mod live;
pub mod phone;
pub mod run;
pub mod scenario;
pub mod sounds;
pub mod story;
#[cfg(test)]
mod tests;

pub use company::Company;
pub use phone::Phone;
pub use sounds::Sound;

use crate::sip::{Caller, Cause, Progress};
use crate::sounds::Prompt;
use crate::units::{Digit, Instant};
use core::fmt;
use std::net::SocketAddr;

/// What reaches a far end.
#[derive(Clone, Copy, Debug)]
pub enum NetInput<'a> {
    /// A datagram on its SIP port.
    Sip {
        /// Source.
        from: SocketAddr,
        /// Raw.
        bytes: &'a [u8],
    },
    /// A datagram on its RTP port.
    Rtp {
        /// Source.
        from: SocketAddr,
        /// Raw.
        bytes: &'a [u8],
    },
    /// A deadline has passed.
    Timeout,
}

/// What a far end does.
#[derive(Clone, Debug, PartialEq)]
pub enum NetOutput {
    /// Send from its SIP port.
    Sip {
        /// Destination.
        to: SocketAddr,
        /// Raw.
        bytes: Vec<u8>,
    },
    /// Send from its RTP port.
    Rtp {
        /// Destination.
        to: SocketAddr,
        /// Raw.
        bytes: Vec<u8>,
    },
    /// For the story and the judgement.
    Said(Narration),
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq)]
pub struct Narration {
    /// When it happened.
    pub at: Instant,
    /// To whom.
    pub who: Who,
    /// What.
    pub fact: Fact,
}

/// The two far ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The other end of the trunk.
    Company,
    /// The household's phone and the owner who uses it.
    Phone,
}

/// Something a far end did or noticed by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The box registered at the company, or the phone at the box.
    Registered,
    /// The registration was refused.
    NotRegistered(Cause),
    /// Dials this number.
    Dials(String),
    /// An INVITE came: the phone rings, or the company's switchboard is called.
    Called {
        /// The number in the Request-URI.
        number: String,
        /// As shown by the caller.
        caller: Caller,
    },
    /// The other side rings.
    HearsRinging,
    /// Takes the call that came.
    Answers,
    /// The call placed is answered.
    Answered,
    /// Refuses the call that came.
    Refuses(Cause),
    /// An incoming call went away before it was taken.
    StopsRinging,
    /// Keys pressed.
    Presses(String),
    /// A key heard.
    HearsKey(Digit),
    /// Hook flash.
    Flashes,
    /// Asks to put its call through to somebody else.
    Transfers,
    /// Is asked to put its call through to this number (empty: to another call).
    IsAsked(String),
    /// Is told how that goes.
    Transfer(Progress),
    /// Begins to play or say this.
    Says(Sound),
    /// A person begins to say this.
    Speaks(Sound),
    /// A person stops talking because someone else talks.
    FallsSilent,
    /// Recognised what came down the line, note for note.
    Hears(Sound),
    /// Recognised a prompt of the box.
    HearsBox(Prompt),
    /// Somebody unknown talks.
    HearsVoice,
    /// A pure tone of this many Hz comes down the line.
    HearsTone(u16),
    /// Hangs up.
    HangsUp,
    /// The other side ended the call.
    Ended(Cause),
    /// The script is done.
    Finished,
}

impl fmt::Display for Narration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match (self.who, &self.fact) {
            (
                Who::Phone,
                Fact::Called { .. } | Fact::StopsRinging | Fact::Registered | Fact::NotRegistered(_),
            ) => "phone",
            (Who::Phone, _) => "owner",
            (Who::Company, Fact::Speaks(_) | Fact::FallsSilent) => "agent",
            (Who::Company, _) => "company",
        };
        write!(f, "{who:<8}")?;
        match &self.fact {
            Fact::Registered if self.who == Who::Company => write!(f, "the box has registered"),
            Fact::Registered => write!(f, "registered at the box"),
            Fact::NotRegistered(cause) => write!(f, "registration refused: {cause:?}"),
            Fact::Dials(number) => write!(f, "dials {number}"),
            Fact::Called { caller, .. } if self.who == Who::Phone => {
                write!(f, "RINGS, display: {} {}", caller.name, caller.number)
            }
            Fact::Called { number, .. } => write!(f, "{number} is called"),
            Fact::HearsRinging => write!(f, "hears it ringing"),
            Fact::Answers => write!(f, "picks up"),
            Fact::Answered => write!(f, "is through"),
            Fact::Refuses(cause) => write!(f, "does not take the call: {cause:?}"),
            Fact::StopsRinging => write!(f, "stops ringing"),
            Fact::Presses(keys) => write!(f, "presses {keys}"),
            Fact::HearsKey(digit) => write!(f, "hears key {}", digit.as_char()),
            Fact::Flashes => write!(f, "flashes the hook"),
            Fact::Transfers => write!(f, "puts the call through"),
            Fact::IsAsked(to) => write!(f, "is asked to put the call through to {to}"),
            Fact::Transfer(progress) => write!(f, "is told of the transfer: {progress:?}"),
            Fact::Says(sound) | Fact::Speaks(sound) => write!(f, "{}", sound.words()),
            Fact::FallsSilent => write!(f, "stops talking and listens"),
            Fact::Hears(sound) => write!(f, "hears {}", sound.words()),
            Fact::HearsBox(prompt) => write!(f, "hears the box: {}", prompt_words(*prompt)),
            Fact::HearsVoice => write!(f, "hears somebody talk"),
            Fact::HearsTone(hz) => write!(f, "hears a tone of {hz} Hz"),
            Fact::HangsUp => write!(f, "hangs up"),
            Fact::Ended(cause) => write!(f, "the line goes dead ({cause:?})"),
            Fact::Finished => write!(f, "is done"),
        }
    }
}

const fn prompt_words(prompt: Prompt) -> &'static str {
    match prompt {
        Prompt::Greet => "“Hello! This is an automated assistant … while I connect you to the caller.”",
        Prompt::Moment => "“Please stay on the line. I am ringing the caller's phone now.”",
        Prompt::OneMoment => "“The caller is on the phone. One moment, please.”",
        Prompt::Holding => "“I will hold the line, and call you back. You can hang up now.”",
        Prompt::StillRinging => "“Thank you for waiting. The caller's phone is ringing …”",
        Prompt::StillHere => "“I am still here. The caller will be with you shortly.”",
        Prompt::OtherCall => "“The caller is being connected to another call. Please stay on the line …”",
        Prompt::PressOne => "“A person is waiting on your call. Press one to be connected.”",
        Prompt::Redialling => "“The call on hold has ended. I will dial again.”",
        Prompt::GreetingRecord => "“After the tone, say what the person who answers shall hear …”",
        Prompt::GreetingReview => "“Press one to keep it, or two to say it again …”",
        Prompt::GreetingKept => "“Your greeting is kept.”",
        Prompt::GreetingOwn => "“Your greeting is gone. I will use my own words.”",
        Prompt::Usually => "“At this number, the wait is usually about …”",
        Prompt::Left => "“It will probably still take about …”",
        Prompt::About5 => "“… five minutes.”",
        Prompt::About10 => "“… ten minutes.”",
        Prompt::About20 => "“… twenty minutes or so.”",
        Prompt::About30 => "“… half an hour.”",
        Prompt::About45 => "“… three quarters of an hour.”",
        Prompt::About60 => "“… an hour or more.”",
        Prompt::PlaceNext => "“You are next in the queue.”",
        Prompt::PlaceFew => "“Only a few callers are before you in the queue.”",
        Prompt::PlaceMany => "“Several callers are before you in the queue.”",
        Prompt::Offer => "“They offer to call you back.”",
        Prompt::Sorry => "“I am sorry, the caller could not be reached. Goodbye.”",
        Prompt::NothingToHold => "“There is no call to hold.”",
        Prompt::CannotHold => "“I cannot hold this call now. You are still connected.”",
        Prompt::Rejoin => "“Putting you back on your call.”",
        Prompt::Ended => "“The call on hold has ended.”",
        Prompt::StatusHolding => "“Your call is still on hold.”",
        Prompt::Cancelled => "“Okay. I am no longer holding your call.”",
        Prompt::Recorded => "“This call is being recorded.”",
        Prompt::Calling => "“I am calling, and will hold the line for you. You can hang up any time.”",
        Prompt::KnowMenu => "“I know this menu. Press star star, and I will do it.”",
        Prompt::YourKeys => "“I need your help with the menu. When you are through, press star star.”",
        Prompt::SayAgent => "“Agent.”",
        Prompt::SayYes => "“Yes.”",
        Prompt::SayNo => "“No, thank you.”",
        Prompt::NoTrunk => "“The line is not connected. The call cannot be placed.”",
    }
}
