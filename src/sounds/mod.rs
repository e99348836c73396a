//! What the box says, in a natural voice: embedded G.711 µ-law, and nothing else. The wording lives in `generate.py`
//! beside the files it made; `LICENSE.md` says whose voice it is.

/// A prompt of the box. Its discriminant is its entry in media's table of sounds (`media::SoundId`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Prompt {
    /// To the far end, the moment a person is suspected: a machine holds the line, the caller is being connected.
    Greet,
    /// To the far end, while the phone rings on.
    Moment,
    /// The same, later.
    StillRinging,
    /// The same, later still.
    StillHere,
    /// To the far end, whose owner another held call has reached first.
    OtherCall,
    /// To the far end, whose owner has answered and first hears what it said.
    OneMoment,
    /// To the owner: the box holds the line and will call back.
    Holding,
    /// To whoever takes the call on a telephone outside the house, which may be an answering machine.
    PressOne,
    /// To the far end, when nobody answers the phone.
    Sorry,
    /// To the owner: no call to hold.
    NothingToHold,
    /// To the owner in a call that is not held: the box holds as many as it may, or that number already.
    CannotHold,
    /// To the owner who takes the held call himself.
    Rejoin,
    /// To the owner: the held call is over.
    Ended,
    /// To the owner who asks: still on hold.
    StatusHolding,
    /// To the owner: holding is cancelled.
    Cancelled,
    /// To the owner: the trunk cannot place calls.
    NoTrunk,
    /// To both sides: this call is recorded.
    Recorded,
    /// To the owner: the held call is over, and will be dialled again.
    Redialling,
    /// To the owner who makes a greeting of his own: speak after the tone.
    GreetingRecord,
    /// To him: keep it, or say it again.
    GreetingReview,
    /// To him: it is kept.
    GreetingKept,
    /// To him: the box uses its own words again.
    GreetingOwn,
    /// To the owner who asks: how long one usually waits there is …
    Usually,
    /// How long it still takes is …
    Left,
    /// … five minutes.
    About5,
    /// Ten minutes.
    About10,
    /// Twenty.
    About20,
    /// Half an hour.
    About30,
    /// Three quarters of an hour.
    About45,
    /// An hour or more.
    About60,
    /// To the owner who asks: his place in the queue.
    PlaceNext,
    /// Five or fewer are before him.
    PlaceFew,
    /// More are.
    PlaceMany,
    /// To him: the far side offers to call back.
    Offer,
    /// To the owner who has a call placed for him: it is on its way, and he may hang up.
    Calling,
    /// To the owner: a flow for this menu was learnt, and the gesture starts it.
    KnowMenu,
    /// To the owner whom the box needs in a menu.
    YourKeys,
    /// To a menu that listens.
    SayAgent,
    /// To a menu that listens.
    SayYes,
    /// To a menu that listens.
    SayNo,
}

impl Prompt {
    /// Every prompt, in the order of media's table.
    pub const ALL: [Self; 40] = [
        Self::Greet,
        Self::Moment,
        Self::StillRinging,
        Self::StillHere,
        Self::OtherCall,
        Self::OneMoment,
        Self::Holding,
        Self::PressOne,
        Self::Sorry,
        Self::NothingToHold,
        Self::CannotHold,
        Self::Rejoin,
        Self::Ended,
        Self::StatusHolding,
        Self::Cancelled,
        Self::NoTrunk,
        Self::Recorded,
        Self::Redialling,
        Self::GreetingRecord,
        Self::GreetingReview,
        Self::GreetingKept,
        Self::GreetingOwn,
        Self::Usually,
        Self::Left,
        Self::About5,
        Self::About10,
        Self::About20,
        Self::About30,
        Self::About45,
        Self::About60,
        Self::PlaceNext,
        Self::PlaceFew,
        Self::PlaceMany,
        Self::Offer,
        Self::Calling,
        Self::KnowMenu,
        Self::YourKeys,
        Self::SayAgent,
        Self::SayYes,
        Self::SayNo,
    ];

    /// Its place in [`Prompt::ALL`]: the number inside a `media::SoundId`.
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// What it says to the far end; empty for what only the house hears.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Greet => {
                "Hello! This is an automated assistant, holding the line. One moment please, while I connect you to the caller."
            }
            Self::Moment => "Please stay on the line. I am ringing the caller's phone now.",
            Self::StillRinging => {
                "Thank you for waiting. The caller's phone is ringing. It will be just a moment."
            }
            Self::StillHere => "I am still here. The caller will be with you shortly.",
            Self::OtherCall => {
                "The caller is being connected to another call. Please stay on the line. It will be their turn with you next."
            }
            Self::OneMoment => "The caller is on the phone. One moment, please.",
            Self::Sorry => "I am sorry, the caller could not be reached. Goodbye.",
            Self::Recorded => "This call is being recorded.",
            Self::SayAgent => "Agent.",
            Self::SayYes => "Yes.",
            Self::SayNo => "No, thank you.",
            _ => "",
        }
    }

    /// Its sound: G.711 µ-law at 8 kHz, whole frames of 160 bytes.
    pub const fn samples(self) -> &'static [u8] {
        match self {
            Self::Greet => include_bytes!("prompts/greet.ulaw"),
            Self::Moment => include_bytes!("prompts/moment.ulaw"),
            Self::StillRinging => include_bytes!("prompts/still_ringing.ulaw"),
            Self::StillHere => include_bytes!("prompts/still_here.ulaw"),
            Self::OtherCall => include_bytes!("prompts/other_call.ulaw"),
            Self::OneMoment => include_bytes!("prompts/one_moment.ulaw"),
            Self::Holding => include_bytes!("prompts/holding.ulaw"),
            Self::PressOne => include_bytes!("prompts/press_one.ulaw"),
            Self::Sorry => include_bytes!("prompts/sorry.ulaw"),
            Self::NothingToHold => include_bytes!("prompts/nothing_to_hold.ulaw"),
            Self::CannotHold => include_bytes!("prompts/cannot_hold.ulaw"),
            Self::Rejoin => include_bytes!("prompts/rejoin.ulaw"),
            Self::Ended => include_bytes!("prompts/ended.ulaw"),
            Self::StatusHolding => include_bytes!("prompts/status_holding.ulaw"),
            Self::Cancelled => include_bytes!("prompts/cancelled.ulaw"),
            Self::NoTrunk => include_bytes!("prompts/no_trunk.ulaw"),
            Self::Recorded => include_bytes!("prompts/recorded.ulaw"),
            Self::Redialling => include_bytes!("prompts/redialling.ulaw"),
            Self::GreetingRecord => include_bytes!("prompts/greeting_record.ulaw"),
            Self::GreetingReview => include_bytes!("prompts/greeting_review.ulaw"),
            Self::GreetingKept => include_bytes!("prompts/greeting_kept.ulaw"),
            Self::GreetingOwn => include_bytes!("prompts/greeting_own.ulaw"),
            Self::Usually => include_bytes!("prompts/usually.ulaw"),
            Self::Left => include_bytes!("prompts/left.ulaw"),
            Self::About5 => include_bytes!("prompts/about_5.ulaw"),
            Self::About10 => include_bytes!("prompts/about_10.ulaw"),
            Self::About20 => include_bytes!("prompts/about_20.ulaw"),
            Self::About30 => include_bytes!("prompts/about_30.ulaw"),
            Self::About45 => include_bytes!("prompts/about_45.ulaw"),
            Self::About60 => include_bytes!("prompts/about_60.ulaw"),
            Self::PlaceNext => include_bytes!("prompts/place_next.ulaw"),
            Self::PlaceFew => include_bytes!("prompts/place_few.ulaw"),
            Self::PlaceMany => include_bytes!("prompts/place_many.ulaw"),
            Self::Offer => include_bytes!("prompts/offer.ulaw"),
            Self::Calling => include_bytes!("prompts/calling.ulaw"),
            Self::KnowMenu => include_bytes!("prompts/know_menu.ulaw"),
            Self::YourKeys => include_bytes!("prompts/your_keys.ulaw"),
            Self::SayAgent => include_bytes!("prompts/say_agent.ulaw"),
            Self::SayYes => include_bytes!("prompts/say_yes.ulaw"),
            Self::SayNo => include_bytes!("prompts/say_no.ulaw"),
        }
    }
}

const _: () = assert!(Prompt::ALL.len() <= crate::limits::PROMPTS);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::g711::decode;
    use crate::dsp::level::level;
    use crate::limits::PROMPT_SECONDS;
    use crate::units::{Codec, FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

    /// Of each 20 ms, dBm0.
    fn levels(mu_law: &[u8]) -> Vec<f32> {
        let linear = |f: &[u8]| Frame(core::array::from_fn(|i| decode(Codec::Pcmu, f[i])));
        mu_law.chunks_exact(FRAME_SAMPLES).map(|f| level(&linear(f)).0).collect()
    }

    #[test]
    fn what_the_far_end_hears_is_written_as_it_is_spoken() {
        let spoken = include_str!("generate.py");
        let to_the_far_end = Prompt::ALL.into_iter().filter(|prompt| !prompt.words().is_empty());
        assert!(to_the_far_end.inspect(|p| assert!(spoken.contains(p.words()), "{p:?}")).count() == 11);
    }

    #[test]
    fn every_prompt_has_the_entry_it_claims() {
        for (place, prompt) in Prompt::ALL.iter().enumerate() {
            assert_eq!(usize::from(prompt.index()), place, "{prompt:?}");
        }
    }

    #[test]
    fn every_prompt_is_speech_at_handset_level_without_dead_ends() {
        for prompt in Prompt::ALL {
            let sound = prompt.samples();
            let seconds = sound.len() as f64 / f64::from(SAMPLE_RATE_HZ);
            assert_eq!(sound.len() % FRAME_SAMPLES, 0, "{prompt:?} is not whole frames");
            assert!((0.5..PROMPT_SECONDS as f64).contains(&seconds), "{prompt:?} lasts {seconds} s");

            let levels = levels(sound);
            let loudest = levels.iter().copied().fold(f32::MIN, f32::max);
            let active: Vec<_> = levels.iter().copied().filter(|l| *l > loudest - 20.0).collect();
            let mean = 10.0
                * (active.iter().map(|l| 10f32.powf(l / 10.0)).sum::<f32>() / active.len() as f32).log10();
            assert!((-17.5..=-14.5).contains(&mean), "{prompt:?} speaks at {mean:.1} dBm0");

            let peak = sound.iter().map(|&b| decode(Codec::Pcmu, b).unsigned_abs()).max().unwrap_or(0);
            assert!((8_000..=31_000).contains(&peak), "{prompt:?} peaks at {peak}");

            let quiet = |l: &&f32| **l < -40.0;
            assert!(levels.iter().take_while(quiet).count() <= 10, "{prompt:?} begins late");
            assert!(levels.iter().rev().take_while(quiet).count() <= 15, "{prompt:?} ends in silence");
        }
    }
}
