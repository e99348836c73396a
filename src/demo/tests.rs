//! Company and phone against each other in virtual time, without a box between them: the company is the registrar.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::company::{Desk, Step as Far};
use super::ear::Kind;
use super::endpoint::Setup;
use super::phone::{FlashBy, Step as Owner};
use super::scenario::NUMBER;
use super::*;
use crate::sip::{AccountKind, Hop, Upstream};
use crate::units::Codec;
use core::time::Duration;
use std::collections::VecDeque;

const TRAVEL: Duration = Duration::from_millis(5);

/// A datagram on its way: arrival, destination, source, bytes.
struct Packet {
    at: Instant,
    to: SocketAddr,
    from: SocketAddr,
    bytes: Vec<u8>,
}

struct World {
    now: Instant,
    company: Company,
    phone: Phone,
    net: VecDeque<Packet>,
    said: Vec<Narration>,
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl World {
    fn new(password: &str, codec: Codec, company: Vec<Far>, owner: Vec<Owner>) -> Self {
        let setup = |sip, rtp, account, seed| Setup {
            sip: addr(sip),
            rtp: addr(rtp),
            account,
            codecs: vec![codec],
            srtp: crate::sip::Srtp::Off,
            seed,
        };
        let customer = AccountKind::RegistersHere { user: "me".into(), secret: "secret".into() };
        let provider = AccountKind::RegisterAt(Upstream {
            addr: Hop::udp(addr("127.0.0.3:5060")),
            domain: "company".into(),
            user: "me".into(),
            auth_user: "me".into(),
            secret: password.into(),
            realm: None,
            expires: s(300),
        });
        let desks = vec![Desk { number: NUMBER.into(), script: company }];
        Self {
            now: Instant::ZERO,
            company: Company::new(setup("127.0.0.3:5060", "127.0.0.3:4000", customer, 1), desks),
            phone: Phone::new(setup("127.0.0.2:5060", "127.0.0.2:4000", provider, 2), true, owner),
            net: VecDeque::new(),
            said: Vec::new(),
        }
    }

    fn collect(&mut self) {
        let mut out: Vec<(&str, NetOutput)> =
            core::iter::from_fn(|| self.company.poll()).map(|o| ("127.0.0.3", o)).collect();
        out.extend(core::iter::from_fn(|| self.phone.poll()).map(|o| ("127.0.0.2", o)));
        for (host, output) in out {
            let (to, bytes, port) = match output {
                NetOutput::Sip { to, bytes } => (to, bytes, 5060),
                NetOutput::Rtp { to, bytes } => (to, bytes, 4000),
                NetOutput::Said(said) => {
                    self.said.push(said);
                    continue;
                }
            };
            let from = addr(&format!("{host}:{port}"));
            self.net.push_back(Packet { at: self.now + TRAVEL, to, from, bytes });
        }
    }

    /// Runs until `until`, always to the next thing that happens.
    fn run(&mut self, until: Duration) -> &mut Self {
        for _ in 0..1_000_000 {
            self.collect();
            let next = [self.company.deadline(), self.phone.deadline(), self.net.front().map(|p| p.at)];
            let Some(at) = next.into_iter().flatten().min().filter(|at| *at <= Instant::ZERO + until) else {
                return self;
            };
            self.now = self.now.max(at);
            match self.net.pop_front() {
                Some(Packet { at, to, from, bytes }) if at <= self.now => {
                    let bytes = bytes.as_slice();
                    let input = if to.port() == 5060 {
                        NetInput::Sip { from, bytes }
                    } else {
                        NetInput::Rtp { from, bytes }
                    };
                    match to.ip().to_string().as_str() {
                        "127.0.0.3" => self.company.handle(self.now, input),
                        _ => self.phone.handle(self.now, input),
                    }
                }
                packet => {
                    packet.into_iter().for_each(|p| self.net.push_front(p));
                    self.company.handle(self.now, NetInput::Timeout);
                    self.phone.handle(self.now, NetInput::Timeout);
                }
            }
        }
        panic!("time stands still at {:?}", self.now);
    }

    fn at(&self, who: Who, fact: &Fact) -> Option<u64> {
        self.said.iter().find(|n| n.who == who && n.fact == *fact).map(|n| n.at.as_millis())
    }

    fn must(&self, who: Who, fact: &Fact) -> u64 {
        self.at(who, fact).unwrap_or_else(|| panic!("{who:?} never {fact:?}:\n{}", self.told()))
    }

    fn told(&self) -> String {
        self.said.iter().map(|n| format!("{:>7} {n}\n", n.at.as_millis())).collect()
    }
}

fn dial() -> Vec<Owner> {
    vec![Owner::Register, Owner::Dial(NUMBER.into()), Owner::AwaitAnswer]
}

#[test]
fn a_whole_call_menu_music_agent_talk() {
    let key = Digit::from_char('2').unwrap();
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let company = vec![
            Far::Ring(s(2)),
            Far::Answer,
            Far::Menu(Sound::Menu, key),
            Far::Loop(Sound::Music, s(5)),
            Far::Play(Sound::StayOnLine),
            Far::Agent { patience: s(30) },
            Far::HangUp,
        ];
        let owner = vec![
            Owner::Wait(s(3)),
            Owner::Press("12".into()),
            Owner::Wait(s(16)),
            Owner::Say(Sound::OwnerHello),
            Owner::Listen(s(8)),
            Owner::Say(Sound::OwnerAsks),
            Owner::Listen(s(10)),
            Owner::Say(Sound::OwnerThanks),
            Owner::AwaitEnd,
        ];
        let mut world = World::new("secret", codec, company, [dial(), owner].concat());
        world.run(s(120));
        let order = [
            (Who::Phone, Fact::Registered),
            (Who::Phone, Fact::HearsRinging),
            (Who::Company, Fact::Answers),
            (Who::Phone, Fact::Hears(Sound::Menu)),
            (Who::Company, Fact::HearsKey(Digit::from_char('1').unwrap())),
            (Who::Company, Fact::HearsKey(key)),
            (Who::Phone, Fact::Hears(Sound::Music)),
            (Who::Phone, Fact::Hears(Sound::StayOnLine)),
            (Who::Company, Fact::Speaks(Sound::AgentGreeting)),
            (Who::Company, Fact::Hears(Sound::OwnerHello)),
            (Who::Phone, Fact::Hears(Sound::AgentHelp)),
            (Who::Company, Fact::Hears(Sound::OwnerAsks)),
            (Who::Phone, Fact::Hears(Sound::AgentTalk)),
            (Who::Company, Fact::Speaks(Sound::AgentBye)),
            (Who::Company, Fact::HangsUp),
            (Who::Phone, Fact::Ended(Cause::Normal)),
            (Who::Phone, Fact::Finished),
        ];
        let times: Vec<u64> = order.iter().map(|(who, fact)| world.must(*who, fact)).collect();
        assert!(times.is_sorted(), "{codec:?}: {times:?}\n{}", world.told());
        assert_eq!(world.company.calls(), 0);
    }
}

#[test]
fn early_media_is_heard_before_the_answer_and_a_hang_up_then_cancels() {
    let company = vec![Far::EarlyMedia, Far::Loop(Sound::Music, s(10)), Far::Answer, Far::Forever];
    let owner = vec![
        Owner::Register,
        Owner::Dial(NUMBER.into()),
        Owner::AwaitSound,
        Owner::Wait(s(3)),
        Owner::HangUp,
    ];
    let mut world = World::new("secret", Codec::Pcmu, company, owner);
    world.run(s(40));
    world.must(Who::Phone, &Fact::Hears(Sound::Music));
    world.must(Who::Company, &Fact::Ended(Cause::Cancelled));
    assert_eq!(world.at(Who::Company, &Fact::Answers), None);
}

#[test]
fn refusals_wrong_numbers_and_wrong_passwords_are_told() {
    let cases = [(Cause::Busy, NUMBER, Far::Refuse(Cause::Busy)), (Cause::NoSuchNumber, "999", Far::Forever)];
    for (cause, number, far) in cases {
        let owner = vec![Owner::Register, Owner::Dial(number.into()), Owner::AwaitAnswer];
        let mut world = World::new("secret", Codec::Pcmu, vec![far], owner);
        world.run(s(10));
        world.must(Who::Phone, &Fact::Ended(cause));
    }
    let mut world = World::new("wrong", Codec::Pcmu, vec![Far::Answer], dial());
    world.run(s(10));
    assert!(world.said.iter().any(|n| matches!(n.fact, Fact::NotRegistered(_))), "{}", world.told());
    assert_eq!(world.at(Who::Phone, &Fact::Registered), None);
}

#[test]
fn the_company_calls_and_the_phone_rings_is_picked_up_and_hears_a_tone() {
    let mut world = World::new(
        "secret",
        Codec::Pcmu,
        vec![],
        vec![
            Owner::Register,
            Owner::AwaitRing,
            Owner::Wait(s(2)),
            Owner::PickUp,
            Owner::Tone(1_200, s(3)),
            Owner::HangUp,
        ],
    );
    world.run(s(1));
    let caller = Caller { name: "HOLD: Example".into(), number: "1800".into(), private: false };
    world.company.call(world.now, "me", caller.clone(), vec![Far::Tone(660, s(5)), Far::Forever]);
    world.run(s(20));
    let rang = world.said.iter().find_map(|n| match &n.fact {
        Fact::Called { caller, .. } if n.who == Who::Phone => Some((n.at.as_millis(), caller.clone())),
        _ => None,
    });
    let (rang_at, shown) = rang.expect("it rang");
    assert_eq!(shown, caller);
    assert!(world.must(Who::Phone, &Fact::Answers) >= rang_at + 2_000);
    world.must(Who::Phone, &Fact::HearsTone(660));
    world.must(Who::Company, &Fact::HearsTone(1_200));
    world.must(Who::Company, &Fact::Ended(Cause::Normal));
}

#[test]
fn a_ring_that_stops_before_it_is_picked_up_is_waited_for_again() {
    let owner = vec![Owner::Register, Owner::AwaitRing, Owner::Wait(s(4)), Owner::PickUp, Owner::AwaitEnd];
    let mut world = World::new("secret", Codec::Pcmu, vec![], owner);
    world.run(s(1));
    world.company.call(world.now, "me", Caller::default(), vec![Far::Ring(s(1)), Far::HangUp]);
    world.run(s(10));
    world.must(Who::Phone, &Fact::StopsRinging);
    assert_eq!(world.at(Who::Phone, &Fact::Answers), None, "{}", world.told());
    world.company.call(world.now, "me", Caller::default(), vec![Far::Quiet(s(1)), Far::HangUp]);
    world.run(s(30));
    world.must(Who::Phone, &Fact::Answers);
    assert!(world.phone.is_finished(), "{}", world.told());
}

#[test]
fn each_kind_of_flash_reaches_the_other_side() {
    for by in [FlashBy::Event, FlashBy::Hold] {
        let company = vec![Far::Answer, Far::Loop(Sound::Music, s(20)), Far::HangUp];
        let owner = vec![
            Owner::Wait(s(2)),
            Owner::Flash(by),
            Owner::Wait(s(4)),
            Owner::Resume,
            Owner::Wait(s(4)),
            Owner::HangUp,
        ];
        let mut world = World::new("secret", Codec::Pcmu, company, [dial(), owner].concat());
        world.run(s(4));
        let heard = |world: &mut World| {
            let spans = world.phone.line().unwrap().ear.spans().iter();
            spans.filter(|s| s.kind == Kind::Known(Sound::Music)).map(|s| s.frames).sum::<u32>()
        };
        let before = heard(&mut world);
        world.run(s(6));
        let during = heard(&mut world) - before;
        world.run(Duration::from_millis(8_500));
        let after = heard(&mut world) - before - during;
        match by {
            FlashBy::Hold => {
                assert_eq!(during, 0, "a held company sends nothing\n{}", world.told());
                assert!(after > 50, "it goes on after the hold\n{}", world.told());
            }
            _ => {
                assert!(during > 50);
                world.must(Who::Company, &Fact::HearsKey(Digit::FLASH));
            }
        }
        world.run(s(20));
        world.must(Who::Company, &Fact::Ended(Cause::Normal));
    }
}

#[test]
fn a_busy_phone_says_so_and_an_unplugged_one_says_nothing() {
    let company = vec![Far::Answer, Far::Forever];
    let mut world =
        World::new("secret", Codec::Pcmu, company.clone(), [dial(), vec![Owner::AwaitEnd]].concat());
    world.run(s(3));
    world.company.call(world.now, "me", Caller::default(), vec![Far::Forever]);
    world.run(s(6));
    world.must(Who::Company, &Fact::Ended(Cause::Busy));

    let mut world =
        World::new("secret", Codec::Pcmu, company, [dial(), vec![Owner::Wait(s(2)), Owner::Unplug]].concat());
    world.run(s(4));
    let sent = world.net.len();
    world.run(s(6));
    assert_eq!((sent, world.phone.deadline()), (0, None), "{}", world.told());
}
