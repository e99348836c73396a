//! The phone on the box's own sound card, in whole calls: the same rights as any other.

use super::world::{BOX, FAR_RTP, House, SIP, World, ms, s};
use hold_slayer::call::{Outcome, Phase};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound as Clip, Who};
use hold_slayer::dsp::detect::{Goertzel, mean_power};
use hold_slayer::dsp::tone::{Country, Generator, Signal};
use hold_slayer::media::Tone;
use hold_slayer::phone::dial::Codes;
use hold_slayer::phone::handset::audio::{Audio, Gains};
use hold_slayer::phone::handset::hook::Dial;
use hold_slayer::phone::handset::number::Known;
use hold_slayer::phone::handset::{Handset, Input, Key, Output, Setup, Sound};
use hold_slayer::sip::{Caller, Cause};
use hold_slayer::units::{Digit, FRAME_TIME, Frame, Instant};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The handset with its sound card, a microphone that may hear a tone, and what its ear heard.
pub struct Hand {
    handset: Handset,
    audio: Audio,
    microphone: Option<Generator>,
    tick: Instant,
    out: VecDeque<(u16, SocketAddr, Vec<u8>)>,
    /// Every order to the sound.
    pub sounds: Vec<Sound>,
    /// The last second in the ear, and on the loudspeaker.
    ear: VecDeque<i16>,
    bell: VecDeque<i16>,
}

impl Hand {
    pub const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

    fn new(dial: Dial) -> Self {
        let codes = Codes::default();
        let setup = Setup {
            sip: SocketAddr::new(Self::IP, SIP),
            rtp: SocketAddr::new(Self::IP, FAR_RTP),
            server: SocketAddr::new(BOX, SIP),
            user: "room0".into(),
            secret: "secret of room0".into(),
            dial,
            known: Known::new(&["911".into()], &codes),
            listen: codes.listen,
            seed: 11,
        };
        let gains = Gains { sidetone: None, ..Gains::default() };
        Self {
            handset: Handset::new(Instant::ZERO, setup),
            audio: Audio::new(Country::by_code("us").unwrap(), gains, 5),
            microphone: None,
            tick: Instant::ZERO,
            out: VecDeque::new(),
            sounds: Vec::new(),
            ear: VecDeque::new(),
            bell: VecDeque::new(),
        }
    }

    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.handset.handle(now, input);
        while let Some(output) = self.handset.poll() {
            match output {
                Output::Send(to, bytes) => self.out.push_back((SIP, to, bytes)),
                Output::Sound(sound) => {
                    self.sounds.push(sound);
                    self.audio.order(sound);
                }
            }
        }
    }

    pub fn receive(&mut self, now: Instant, from: SocketAddr, sip: bool, bytes: &[u8]) {
        match sip {
            true => self.handle(now, Input::Message(from, bytes)),
            false => self.audio.packet(from, bytes),
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        [self.handset.deadline(), Some(self.tick)].into_iter().flatten().min()
    }

    pub fn time(&mut self, now: Instant) {
        if self.handset.deadline().is_some_and(|at| at <= now) {
            self.handle(now, Input::Timeout);
        }
        if now < self.tick {
            return;
        }
        self.tick = now + FRAME_TIME;
        let mut mic = Frame::SILENCE;
        if let Some(tone) = &mut self.microphone {
            mic.0.fill_with(|| tone.sample());
        }
        let (mut ear, mut bell) = (Frame::SILENCE, Frame::SILENCE);
        if let Some((to, bytes)) = self.audio.tick(&mic, &mut ear, &mut bell) {
            self.out.push_back((FAR_RTP, to, bytes.to_vec()));
        }
        for (kept, frame) in [(&mut self.ear, ear), (&mut self.bell, bell)] {
            kept.extend(frame.0);
            kept.drain(..kept.len().saturating_sub(8_000));
        }
    }

    pub fn poll(&mut self) -> Option<(u16, SocketAddr, Vec<u8>)> {
        self.out.pop_front()
    }

    fn last_tone(&self) -> Option<Tone> {
        self.sounds
            .iter()
            .rev()
            .find_map(|sound| if let Sound::Tone(tone) = sound { Some(*tone) } else { None })?
    }

    fn rings(&self) -> bool {
        self.handset.is_ringing()
    }
}

/// Whether it is one tone of this frequency.
fn sounds(kept: &VecDeque<i16>, hz: u16) -> bool {
    let block: Vec<f32> = kept.iter().map(|s| f32::from(*s)).collect();
    mean_power(&block) > 1_000.0 && Goertzel::new(f32::from(hz)).power(&block) > 0.8 * mean_power(&block)
}

/// A house with a phone in the hall that the test does not need, and the handset, which has registered.
fn world(desks: Vec<Desk>, owner: Vec<Owner>, dial: Dial) -> World {
    let house = House { rooms: vec![vec![]], channels: 3, ..House::default() };
    let mut world = World::with_desks(&house, desks, owner);
    world.hand = Some(Hand::new(dial));
    world.at_the_handset(Input::Card(true));
    assert!(world.run_until(s(2), |w| room(w).0), "{}", world.tale());
    world
}

/// Whether the handset is registered, and what the page says of it.
fn room(world: &World) -> (bool, String) {
    let phones = world.snapshot().phones;
    let it = phones.into_iter().find(|phone| phone.name == "room 0").unwrap();
    (it.up, it.status)
}

fn hand(world: &World) -> &Hand {
    world.hand.as_ref().unwrap()
}

/// Lifts (or puts down) and waits until the hook has settled.
fn lift(world: &mut World, lifted: bool) {
    world.at_the_handset(Input::Contact(lifted));
    world.run(ms(if lifted { 50 } else { 800 }));
}

fn tap(world: &mut World) {
    world.at_the_handset(Input::Contact(false));
    world.run(ms(250));
    world.at_the_handset(Input::Contact(true));
    world.run(ms(50));
}

fn keys(world: &mut World, keys: &str) {
    for key in keys.chars() {
        world.at_the_handset(Input::Key(Key::Digit(Digit::from_char(key).unwrap())));
        world.run(ms(250));
    }
}

fn desk(number: &str, script: Vec<Far>) -> Desk {
    Desk { number: number.into(), script }
}

/// Answers and sends a tone for as long as it takes.
fn hums(number: &str, hz: u16) -> Desk {
    desk(number, vec![Far::Ring(s(1)), Far::Answer, Far::Tone(hz, s(600)), Far::HangUp])
}

#[test]
fn a_number_is_dialled_and_both_hear_each_other() {
    let mut world = world(vec![hums("18005550123", 1_200)], vec![], Dial::Keypad);
    lift(&mut world, true);
    assert_eq!(hand(&world).last_tone(), Some(Tone::Dial));
    world.hand.as_mut().unwrap().microphone =
        Some(Generator::new(Signal { hz: [660, 0], cadence_ms: [0; 6] }));
    keys(&mut world, "18005550123");
    assert_eq!(hand(&world).last_tone(), None, "the first key ends the dial tone");
    world.run(s(2));
    assert!(world.snapshot().calls.is_empty(), "more keys may come");
    world.run(s(3));
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    world.run(s(3));
    assert!(sounds(&hand(&world).ear, 1_200), "the owner hears the company");
    assert!(world.seen(Who::Company, |f| *f == Fact::HearsTone(660)).is_some(), "{}", world.tale());
    keys(&mut world, "7#");
    world.run(s(2));
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::HearsKey(_))), 2, "{}", world.tale());
    lift(&mut world, false);
    world.run(s(1));
    assert!(world.snapshot().calls.is_empty() && world.core.is_idle());
    assert_eq!(world.record(1).outcome, Outcome::Talked);
}

#[test]
fn help_and_codes_are_dialled_at_once_and_mistakes_have_their_tones() {
    let busy = desk("15551234", vec![Far::Refuse(Cause::Busy)]);
    let mut world = world(vec![hums("911", 1_200), busy], vec![], Dial::Keypad);
    lift(&mut world, true);
    keys(&mut world, "911");
    world.run(s(2));
    assert_eq!(world.phase(), Some(Phase::Talking), "without the wait for more\n{}", world.tale());
    lift(&mut world, false);
    world.run(s(1));
    // A wrong digit is taken back, and # says that this was all.
    lift(&mut world, true);
    keys(&mut world, "1555123");
    world.at_the_handset(Input::Key(Key::Digit(Digit::STAR)));
    world.at_the_handset(Input::Key(Key::Erase));
    keys(&mut world, "4#");
    world.run(s(2));
    assert_eq!(hand(&world).last_tone(), Some(Tone::Busy), "{}", world.tale());
    world.run(s(61));
    assert_eq!(hand(&world).last_tone(), None, "it is left in peace");
    lift(&mut world, false);
    lift(&mut world, true);
    world.run(s(21));
    assert_eq!(hand(&world).last_tone(), Some(Tone::Congestion), "who dials nothing is told");
    lift(&mut world, false);
    // Nothing is held: the box says so.
    lift(&mut world, true);
    keys(&mut world, "*94");
    world.run(s(10));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
}

#[test]
fn two_stars_hold_and_the_handset_rings_when_a_person_is_there() {
    let queue = vec![Far::Answer, Far::Loop(Clip::Music, s(20)), Far::Agent { patience: s(60) }, Far::HangUp];
    let mut world = world(vec![desk("18005550123", queue)], vec![], Dial::Keypad);
    lift(&mut world, true);
    keys(&mut world, "18005550123#");
    world.run(s(3));
    keys(&mut world, "**");
    world.run(s(5));
    lift(&mut world, false);
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
    assert!(world.run_until(s(60), |w| hand(w).rings()), "{}", world.tale());
    world.run(ms(500));
    assert!(hand(&world).bell.iter().any(|s| *s > 2_000), "the bell is heard");
    lift(&mut world, true);
    assert!(!hand(&world).rings() && hand(&world).sounds.contains(&Sound::Ring(false)));
    world.hand.as_mut().unwrap().microphone =
        Some(Generator::new(Signal { hz: [660, 0], cadence_ms: [0; 6] }));
    assert!(
        world.run_until(s(20), |w| w.seen(Who::Company, |f| *f == Fact::HearsTone(660)).is_some()),
        "the person hears the owner\n{}",
        world.tale()
    );
    world.run(s(20));
    lift(&mut world, false);
    world.run(s(1));
    assert_eq!(world.record(1).outcome, Outcome::Slain, "{}", world.tale());
}

#[test]
fn a_rotary_dial_calls_and_its_ones_are_a_star() {
    let mut world = world(vec![hums("123", 1_200)], vec![], Dial::Pulse);
    lift(&mut world, true);
    let dial = |world: &mut World, digits: &str| {
        for digit in digits.chars() {
            for _ in 0..digit.to_digit(10).map(|d| if d == 0 { 10 } else { d }).unwrap() {
                world.at_the_handset(Input::Contact(false));
                world.run(ms(60));
                world.at_the_handset(Input::Contact(true));
                world.run(ms(40));
            }
            world.run(ms(700));
        }
    };
    dial(&mut world, "123");
    world.run(s(8));
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    // A tap parks the call as an adapter does, and 1158 is *58: the box holds it.
    tap(&mut world);
    assert_eq!(hand(&world).last_tone(), Some(Tone::Dial));
    dial(&mut world, "1158");
    world.run(s(4));
    lift(&mut world, false);
    world.run(s(2));
    assert_eq!(world.phase(), Some(Phase::Holding), "{}", world.tale());
}

#[test]
fn a_rotary_dial_on_its_own_line_calls_though_it_is_looked_at_all_the_time() {
    let mut world = world(vec![hums("123", 1_200)], vec![], Dial::Pulse);
    let look = |world: &mut World, open: bool, time: u64| {
        for _ in 0..time / 20 {
            world.at_the_handset(Input::Contact(true));
            world.at_the_handset(Input::Pulse(open));
            world.run(ms(20));
        }
    };
    look(&mut world, false, 400);
    for digit in 1..=3 {
        for _ in 0..digit {
            look(&mut world, true, 60);
            look(&mut world, false, 40);
        }
        look(&mut world, false, 700);
    }
    look(&mut world, false, 8_000);
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
}

#[test]
fn it_rings_with_the_others_and_goes_between_two_calls() {
    let desks = vec![
        desk("18005550123", vec![Far::Answer, Far::Tone(1_200, s(600))]),
        desk("18005550199", vec![Far::Answer, Far::Tone(1_500, s(600))]),
    ];
    let hall = vec![Owner::Register, Owner::AwaitRing, Owner::AwaitRingEnd];
    let mut world = world(desks, hall, Dial::Keypad);
    world.company.call(world.now, "house", Caller::default(), vec![Far::Tone(800, s(600))]);
    assert!(world.run_until(s(5), |w| hand(w).rings() && w.rings() == 1), "{}", world.tale());
    lift(&mut world, true);
    world.run(s(3));
    assert!(sounds(&hand(&world).ear, 800) && world.phone.is_finished(), "{}", world.tale());
    // A second call meanwhile: the box tells by a tone, the handset does not ring.
    tap(&mut world);
    keys(&mut world, "18005550199#");
    world.run(s(3));
    assert!(sounds(&hand(&world).ear, 1_500), "{}", world.tale());
    tap(&mut world);
    world.run(s(3));
    assert!(sounds(&hand(&world).ear, 800), "back to the first\n{}", world.tale());
    // Put down with a call waiting: it rings, and is taken again.
    lift(&mut world, false);
    assert!(hand(&world).rings());
    lift(&mut world, true);
    world.run(s(3));
    assert!(sounds(&hand(&world).ear, 1_500), "{}", world.tale());
    lift(&mut world, false);
    world.run(s(2));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
}

/// A call that was dialled at the handset and is held, with the handset down; and these desks besides.
fn held(more: Vec<Desk>) -> World {
    let queue = vec![Far::Answer, Far::Loop(Clip::Music, s(600)), Far::HangUp];
    let desks = [vec![desk("18005550123", queue)], more].concat();
    let mut world = world(desks, vec![], Dial::Keypad);
    lift(&mut world, true);
    keys(&mut world, "18005550123#");
    world.run(s(3));
    keys(&mut world, "**");
    world.run(s(5));
    lift(&mut world, false);
    world
}

/// The same, heard aloud and then lifted into the ear.
fn listens(more: Vec<Desk>) -> World {
    let mut world = held(more);
    world.at_the_handset(Input::Aloud(true));
    world.run(s(4));
    lift(&mut world, true);
    world.run(s(2));
    world
}

/// A call that the hall has dialled and that is held, beside a handset that is no phone, or one; then the hall does this.
fn held_in_the_hall(queue: Vec<Far>, silent_rooms: bool, later: Vec<Owner>) -> World {
    let dial = [Owner::Register, Owner::Dial("18005550123".into()), Owner::AwaitAnswer];
    let hold = [Owner::Listen(s(3)), Owner::Press("**".into()), Owner::Listen(s(3)), Owner::HangUp];
    let owner = dial.into_iter().chain(hold).chain(later).collect();
    let house = House { rooms: vec![vec![]], silent_rooms, channels: 3, ..House::default() };
    let mut world = World::with_desks(&house, vec![desk("18005550123", queue)], owner);
    world.hand = Some(Hand::new(Dial::Keypad));
    world.at_the_handset(Input::Card(true));
    assert!(world.run_until(s(20), |w| w.phase() == Some(Phase::Holding)), "{}", world.tale());
    world
}

#[test]
fn a_held_call_is_heard_aloud_and_lifted_into_the_ear() {
    let mut world = held(vec![]);
    let quiet = |kept: &VecDeque<i16>| kept.iter().all(|s| s.abs() < 100);
    world.at_the_handset(Input::Aloud(true));
    world.run(s(4));
    assert!(!quiet(&hand(&world).bell) && quiet(&hand(&world).ear), "{}", world.tale());
    assert_eq!(world.phase(), Some(Phase::Holding));
    world.at_the_handset(Input::Aloud(false));
    world.run(s(2));
    assert!(quiet(&hand(&world).bell));
    world.at_the_handset(Input::Aloud(true));
    world.run(s(2));
    lift(&mut world, true);
    world.run(s(2));
    assert!(!quiet(&hand(&world).ear) && quiet(&hand(&world).bell), "{}", world.tale());
    keys(&mut world, "**");
    world.run(s(2));
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    lift(&mut world, false);
}

#[test]
fn a_loudspeaker_lets_a_hold_be_heard_and_is_no_phone() {
    let queue = vec![Far::Answer, Far::Tone(1_200, s(600)), Far::HangUp];
    let mut world = held_in_the_hall(queue, true, vec![Owner::AwaitRing, Owner::Wait(s(60))]);
    assert!(world.snapshot().phones.iter().all(|phone| phone.name != "room 0"), "it is not shown");
    world.at_the_handset(Input::Aloud(true));
    world.run(s(4));
    assert!(sounds(&hand(&world).bell, 1_200) && !sounds(&hand(&world).ear, 1_200), "{}", world.tale());
    assert_eq!(world.phase(), Some(Phase::Holding));
    // Somebody calls: the phone in the hall rings, the loudspeaker goes on.
    world.company.call(world.now, "house", Caller::default(), vec![Far::Forever]);
    assert!(world.run_until(s(5), |w| w.rings() == 1), "{}", world.tale());
    world.run(s(2));
    assert!(!hand(&world).rings() && sounds(&hand(&world).bell, 1_200), "{}", world.tale());
    world.at_the_handset(Input::Aloud(false));
    world.run(s(2));
    assert!(hand(&world).bell.iter().all(|s| s.abs() < 100));
}

#[test]
fn a_person_who_comes_while_the_hold_is_heard_aloud_rings_the_phones() {
    for silent_rooms in [true, false] {
        let queue =
            vec![Far::Answer, Far::Loop(Clip::Music, s(25)), Far::Agent { patience: s(60) }, Far::HangUp];
        let later = vec![Owner::AwaitRing, Owner::PickUp, Owner::Wait(s(60))];
        let mut world = held_in_the_hall(queue, silent_rooms, later);
        world.at_the_handset(Input::Aloud(true));
        // Of the loudspeaker nobody is made the owner: the hall rings, and a handset does as well.
        assert!(world.run_until(s(60), |w| w.rings() == 1), "{silent_rooms}: {}", world.tale());
        assert!(
            world.run_until(s(10), |w| w.phase() == Some(Phase::Talking)),
            "{silent_rooms}: {}",
            world.tale()
        );
        world.run(s(3));
        assert_eq!(world.phase(), Some(Phase::Talking), "{silent_rooms}: {}", world.tale());
    }
}

#[test]
fn who_only_listens_and_dials_calls_somebody() {
    let mut world = listens(vec![hums("911", 1_200)]);
    keys(&mut world, "911");
    world.run(s(4));
    let helped = world.seen(Who::Company, |f| matches!(f, Fact::Called { number, .. } if number == "911"));
    assert!(helped.is_some(), "{}", world.tale());
    assert!(sounds(&hand(&world).ear, 1_200), "{}", world.tale());
}

#[test]
fn who_listens_and_calls_somebody_beside_it_keeps_that_call_at_his_first_digit() {
    let mut world = listens(vec![hums("18005550199", 1_200)]);
    tap(&mut world);
    keys(&mut world, "18005550199#");
    world.run(s(4));
    assert!(sounds(&hand(&world).ear, 1_200), "{}", world.tale());
    keys(&mut world, "1");
    world.run(s(4));
    assert!(sounds(&hand(&world).ear, 1_200), "a menu's key ends nothing: {}", world.tale());
}

#[test]
fn a_hook_that_goes_while_it_is_lifted_puts_the_handset_down_after_a_while() {
    let mut world = world(vec![hums("18005550123", 1_200)], vec![], Dial::Keypad);
    lift(&mut world, true);
    keys(&mut world, "18005550123#");
    world.run(s(3));
    world.at_the_handset(Input::NoContact);
    world.run(s(10));
    world.at_the_handset(Input::Contact(true));
    world.run(s(40));
    assert_eq!(world.phase(), Some(Phase::Talking), "a plug that was touched ends no call");
    world.at_the_handset(Input::NoContact);
    world.run(s(32));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
    world.company.call(world.now, "house", Caller::default(), vec![Far::Forever]);
    assert!(world.run_until(s(5), |w| hand(w).rings()), "{}", world.tale());
}

#[test]
fn a_sound_card_that_goes_takes_the_handset_with_it_and_brings_it_back() {
    let mut world = world(vec![hums("18005550123", 1_200)], vec![], Dial::Keypad);
    lift(&mut world, true);
    keys(&mut world, "18005550123#");
    world.run(s(3));
    assert_eq!(world.phase(), Some(Phase::Talking));
    world.at_the_handset(Input::Card(false));
    world.run(s(10));
    assert!(!room(&world).0, "{}", room(&world).1);
    assert_eq!(world.phase(), Some(Phase::Talking), "a plug that was touched ends no call");
    world.at_the_handset(Input::Card(true));
    world.run(s(1));
    assert!(room(&world).0);
    world.at_the_handset(Input::Card(false));
    world.run(s(31));
    assert!(world.snapshot().calls.is_empty(), "{}", world.tale());
    lift(&mut world, false);
    // Gone while it rings: whoever calls later is rung for all the same.
    for _ in 0..2 {
        world.at_the_handset(Input::Card(true));
        world.run(s(1));
        world.company.call(world.now, "house", Caller::default(), vec![Far::Forever]);
        assert!(world.run_until(s(5), |w| hand(w).rings()), "{}", world.tale());
        world.at_the_handset(Input::Card(false));
        world.run(s(31));
        assert!(!hand(&world).rings(), "{}", world.tale());
    }
}
