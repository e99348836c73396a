//! The stories the demo can show: what the company does, what the owner does, and how it must end.

use super::company::{Desk, Step as Far};
use super::phone::Step as Owner;
use super::sounds::Sound;
use crate::call::Outcome;
use crate::units::Digit;
use core::time::Duration;

/// The number that the owner dials.
pub const NUMBER: &str = "18005550123";

/// One story.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// As given on the command line.
    pub name: &'static str,
    /// In one line.
    pub about: &'static str,
    /// The companies' scripts: of several for one number each serves one call, the last all that follow.
    pub desks: Vec<Desk>,
    /// The owner's script.
    pub owner: Vec<Owner>,
    /// How often the box dials again if the queue hangs up.
    pub redials: u8,
    /// How it must end.
    pub expect: Expect,
}

/// What an observer outside the box must have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// In the records of all calls, the oldest first. In each that was slain, owner and agent heard each other's words.
    pub outcomes: &'static [Outcome],
    /// Rings of the owner's phone: none before its own agent spoke.
    pub rings: usize,
}

impl Scenario {
    /// Every story, the ordinary one first.
    pub fn all() -> Vec<Self> {
        vec![
            normal(),
            vocals(),
            silent_queue(),
            repeated_announcement(),
            nobody_comes(),
            agent_hangs_up(),
            menus(),
            learning(),
            parallel(),
            redial(),
        ]
    }

    /// The story of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|s| s.name == name)
    }
}

/// The company with this script on [`NUMBER`].
fn company(script: &[Far]) -> Desk {
    Desk { number: NUMBER.into(), script: [pick_up_the_phone(), script.into()].concat() }
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const SLAIN: Expect = Expect { outcomes: &[Outcome::Slain], rings: 1 };
/// The same after a call by hand.
const TAUGHT: Expect = Expect { outcomes: &[Outcome::Talked, Outcome::Slain], rings: 1 };

/// The agent stays long enough for any owner who comes at all.
const PATIENT: Far = Far::Agent { patience: s(60) };

fn pick_up_the_phone() -> Vec<Far> {
    vec![Far::Ring(s(2)), Far::Answer]
}

fn dial() -> Vec<Owner> {
    vec![Owner::Register, Owner::Wait(s(1)), Owner::Dial(NUMBER.into()), Owner::AwaitAnswer]
}

/// `**`, the confirmation, and the handset goes down.
fn slay_and_hang_up() -> Vec<Owner> {
    vec![Owner::Press("**".into()), Owner::Listen(s(8)), Owner::HangUp]
}

/// It rings, he comes, and they talk.
fn answer_and_talk() -> Vec<Owner> {
    vec![
        Owner::AwaitRing,
        Owner::Wait(s(2)),
        Owner::PickUp,
        Owner::Wait(Duration::from_millis(1_200)),
        Owner::Say(Sound::OwnerHello),
        Owner::Listen(s(8)),
        Owner::Say(Sound::OwnerAsks),
        Owner::Listen(s(10)),
        Owner::Say(Sound::OwnerThanks),
        Owner::HangUp,
    ]
}

fn normal() -> Scenario {
    let queue = [
        Far::Menu(Sound::Menu, Digit::from_event(2).unwrap_or(Digit::HASH)),
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(11)),
        Far::Play(Sound::StayOnLine),
        Far::Loop(Sound::Music, s(8)),
        PATIENT,
        Far::HangUp,
    ];
    let owner = [Owner::Wait(s(5)), Owner::Press("2".into()), Owner::Wait(s(9))];
    Scenario {
        name: "normal",
        about: "A menu, hold music with an announcement, then an agent.",
        desks: vec![company(&queue)],
        owner: [dial(), owner.into(), slay_and_hang_up(), answer_and_talk()].concat(),
        redials: 0,
        expect: SLAIN,
    }
}

/// The key of this number.
fn key(number: u8) -> Digit {
    Digit::from_event(number).unwrap_or(Digit::HASH)
}

/// Two menus before the queue.
fn two_menus() -> Vec<Desk> {
    vec![company(&[
        Far::Choice(Sound::Menu, key(2)),
        Far::Choice(Sound::LongerThanUsual, key(1)),
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(12)),
        PATIENT,
        Far::HangUp,
    ])]
}

/// Through both by hand, to the queue and no further.
fn by_hand() -> Vec<Owner> {
    vec![
        Owner::Wait(s(7)),
        Owner::Press("2".into()),
        Owner::Wait(s(5)),
        Owner::Press("1".into()),
        Owner::Wait(s(6)),
        Owner::HangUp,
        // The story is over when nobody has called for a second.
        Owner::Wait(Duration::from_millis(300)),
    ]
}

fn menus() -> Scenario {
    // Then the box does it, and he hangs up at once.
    let alone =
        vec![Owner::Dial(format!("*59{NUMBER}")), Owner::AwaitAnswer, Owner::Listen(s(8)), Owner::HangUp];
    Scenario {
        name: "menus",
        about: "Two menus, gone through by hand once. At the next call the box presses the keys itself.",
        desks: two_menus(),
        owner: [dial(), by_hand(), alone, answer_and_talk()].concat(),
        redials: 0,
        expect: TAUGHT,
    }
}

fn learning() -> Scenario {
    // He dials as always; the box says that it knows this menu.
    let offered = vec![Owner::Dial(NUMBER.into()), Owner::AwaitAnswer, Owner::Wait(s(4))];
    Scenario {
        name: "learning",
        about: "Two menus by hand. At the next call the box offers what it has learnt, and ** is enough.",
        desks: two_menus(),
        owner: [dial(), by_hand(), offered, slay_and_hang_up(), answer_and_talk()].concat(),
        redials: 0,
        expect: TAUGHT,
    }
}

/// Another company's number.
const OTHER: &str = "18005550188";

fn parallel() -> Scenario {
    let queue =
        |music| vec![Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(music)), PATIENT, Far::HangUp];
    let other = Desk { number: OTHER.into(), script: [pick_up_the_phone(), queue(62)].concat() };
    let second = vec![
        Owner::Wait(Duration::from_millis(300)),
        Owner::Dial(OTHER.into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(5)),
    ];
    Scenario {
        name: "parallel",
        about: "Two queues at two companies at once. Each agent gets the phone in turn.",
        desks: vec![company(&queue(40)), other],
        owner: [
            dial(),
            vec![Owner::Wait(s(6))],
            slay_and_hang_up(),
            second,
            slay_and_hang_up(),
            answer_and_talk(),
            answer_and_talk(),
        ]
        .concat(),
        redials: 0,
        expect: Expect { outcomes: &[Outcome::Slain, Outcome::Slain], rings: 2 },
    }
}

fn redial() -> Scenario {
    let turned_away =
        [Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(16)), Far::Play(Sound::Closed), Far::HangUp];
    let served = [Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(12)), PATIENT, Far::HangUp];
    Scenario {
        name: "redial",
        about: "The queue hangs up on the box. It dials again after a minute, and somebody comes.",
        desks: vec![company(&turned_away), company(&served)],
        owner: [dial(), vec![Owner::Wait(s(8))], slay_and_hang_up(), answer_and_talk()].concat(),
        redials: 2,
        expect: Expect { outcomes: &[Outcome::CompanyHungUp, Outcome::Slain], rings: 1 },
    }
}

fn vocals() -> Scenario {
    let queue = [
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Song, s(14)),
        Far::Play(Sound::LongerThanUsual),
        Far::Loop(Sound::Song, s(12)),
        PATIENT,
        Far::HangUp,
    ];
    Scenario {
        name: "vocals",
        about: "The hold music has a singer: a voice, but not a person.",
        desks: vec![company(&queue)],
        owner: [dial(), vec![Owner::Wait(s(8))], slay_and_hang_up(), answer_and_talk()].concat(),
        redials: 0,
        expect: SLAIN,
    }
}

fn silent_queue() -> Scenario {
    let queue = [Far::Play(Sound::AllBusy), Far::Quiet(s(20)), PATIENT, Far::HangUp];
    // What he says into the room while the box confirms must never reach the company.
    let slay = [
        Owner::Wait(s(8)),
        Owner::Press("**".into()),
        Owner::Listen(s(8)),
        Owner::Say(Sound::OwnerThanks),
        Owner::HangUp,
    ];
    Scenario {
        name: "silent-queue",
        about: "No music at all: silence, and then an agent.",
        desks: vec![company(&queue)],
        owner: [dial(), slay.into(), answer_and_talk()].concat(),
        redials: 0,
        expect: SLAIN,
    }
}

fn repeated_announcement() -> Scenario {
    let round = [Far::Loop(Sound::Music, s(5)), Far::Play(Sound::StayOnLine)];
    let queue = [vec![Far::Play(Sound::AllBusy), Far::Loop(Sound::Music, s(3))], round.repeat(4)].concat();
    Scenario {
        name: "repeated-announcement",
        about: "A warm voice comes back every nine seconds. It is always the same recording.",
        desks: vec![company(&[queue, vec![Far::Loop(Sound::Music, s(4)), PATIENT, Far::HangUp]].concat())],
        owner: [dial(), vec![Owner::Wait(s(8))], slay_and_hang_up(), answer_and_talk()].concat(),
        redials: 0,
        expect: SLAIN,
    }
}

fn nobody_comes() -> Scenario {
    let queue = [
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(11)),
        Far::Play(Sound::ThirdInLine),
        Far::Loop(Sound::Music, s(8)),
        Far::Play(Sound::Closed),
        Far::HangUp,
    ];
    Scenario {
        name: "nobody-comes",
        about: "Music and recordings until the company closes. The phone must stay quiet.",
        desks: vec![company(&queue)],
        owner: [dial(), vec![Owner::Wait(s(8))], slay_and_hang_up()].concat(),
        redials: 0,
        expect: Expect { outcomes: &[Outcome::CompanyHungUp], rings: 0 },
    }
}

fn agent_hangs_up() -> Scenario {
    let queue = [
        Far::Play(Sound::AllBusy),
        Far::Loop(Sound::Music, s(14)),
        Far::Agent { patience: s(18) },
        Far::HangUp,
    ];
    Scenario {
        name: "agent-hangs-up",
        about: "An agent comes, nobody picks up the phone, and the agent leaves.",
        desks: vec![company(&queue)],
        owner: [
            dial(),
            vec![Owner::Wait(s(8))],
            slay_and_hang_up(),
            vec![Owner::AwaitRing, Owner::AwaitRingEnd],
        ]
        .concat(),
        redials: 0,
        expect: Expect { outcomes: &[Outcome::AgentLost], rings: 1 },
    }
}
