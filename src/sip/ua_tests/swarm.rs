//! Many seeds of bad weather, and what must hold in each.

use super::*;
use crate::sip::Cause;
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: u64 = 300;

/// What the three switchboards do at random.
struct Swarm {
    net: Net,
    random: Random,
    read: [usize; 3],
    /// Legs that have not ended, by machine.
    open: BTreeSet<(usize, LegId)>,
    /// Legs that have been answered.
    up: BTreeSet<(usize, LegId)>,
    /// How often each leg has ended.
    ended: BTreeMap<(usize, LegId), usize>,
}

impl Swarm {
    fn new(seed: u64) -> Self {
        let mut net = Net::registered(seed);
        let mut random = Random::new(!seed);
        net.weather = Weather {
            loss_percent: random.bits() % 25,
            duplicate_percent: random.bits() % 15,
            jitter: Duration::from_millis(random.bits() % 400),
        };
        let read = [0, 1, 2].map(|who| net.told[who].len());
        Self { net, random, read, open: BTreeSet::new(), up: BTreeSet::new(), ended: BTreeMap::new() }
    }

    fn dice(&mut self, sides: u64) -> u64 {
        self.random.bits() % sides
    }

    /// Reads what was told: each leg begins once, ends once, and says nothing afterwards.
    fn listen(&mut self) {
        for who in 0..3 {
            for event in self.net.told[who].split_off(self.read[who]) {
                let fresh = match event {
                    Event::Answered(leg, _) => self.up.insert((who, leg)),
                    Event::Ringing(leg) | Event::Progress(leg, _) => !self.up.contains(&(who, leg)),
                    _ => true,
                };
                assert!(fresh, "{who} {event:?} after the answer: {}", self.net);
                let leg = match event {
                    Event::Incoming { leg, .. } => {
                        assert!(self.open.insert((who, leg)), "{leg:?} twice: {}", self.net);
                        leg
                    }
                    Event::Ended(leg, _) => {
                        *self.ended.entry((who, leg)).or_default() += 1;
                        assert!(self.open.remove(&(who, leg)), "{who} {event:?}: {}", self.net);
                        continue;
                    }
                    Event::Ringing(leg)
                    | Event::Progress(leg, _)
                    | Event::Answered(leg, _)
                    | Event::Changed(leg, _)
                    | Event::Info(leg, ..) => leg,
                    _ => continue,
                };
                assert!(self.open.contains(&(who, leg)), "{who} {event:?} after the end: {}", self.net);
            }
        }
    }

    fn act(&mut self) {
        let legs: Vec<_> = self.open.iter().copied().collect();
        let pick = usize::try_from(self.random.bits() % legs.len().max(1) as u64).expect("small");
        match (self.dice(8), legs.get(pick)) {
            (0 | 1, _) | (_, None) => {
                let ways = [(BOX, TRUNK), (BOX, HANDSET), (PROVIDER, AT_BOX), (PHONE, AT_BOX)];
                let (who, account) = ways[usize::try_from(self.random.bits() % 4).expect("small")];
                // The machine may say at once that it cannot be: so the leg is noted before.
                let leg = LegId::outgoing(u32::try_from(self.random.bits() >> 40).expect("24 bits"));
                self.open.insert((who, leg));
                let (to, caller) = ("100".to_owned(), caller("", "1"));
                self.net.command(
                    who,
                    Command::Call { leg, account, to, caller, media: media(9), manner: Manner::default() },
                );
            }
            (2, Some(&(who, leg))) => self.net.command(who, Command::Ringing(leg)),
            (3, Some(&(who, leg))) => self.net.command(who, Command::Progress(leg, media(9))),
            (4 | 5, Some(&(who, leg))) => self.net.command(who, Command::Answer(leg, media(9))),
            (_, Some(&(who, leg))) => {
                let cause = [Cause::Normal, Cause::Busy, Cause::Rejected, Cause::Timeout];
                let cause = cause[usize::try_from(self.random.bits() % 4).expect("small")];
                self.net.command(who, Command::Hangup(leg, cause));
            }
        }
    }

    /// Everything, and how many legs were answered.
    fn run(mut self) -> (Net, usize) {
        for _ in 0..120 {
            let pause = self.dice(1500);
            self.net.run(Duration::from_millis(pause));
            self.listen();
            self.act();
            self.listen();
        }
        for (who, leg) in self.open.clone() {
            self.net.command(who, Command::Hangup(leg, Cause::Normal));
        }
        for (who, account) in [(BOX, TRUNK), (PHONE, AT_BOX)] {
            self.net.command(who, Command::Unregister(account));
        }
        self.listen();
        // A provisional response to the last copy of an INVITE may bring its CANCEL as late as 64·T1 after the order.
        self.net.run(Duration::from_secs(3 * 32 + 5));
        self.listen();
        assert!(self.open.is_empty(), "{:?} never ended: {}", self.open, self.net);
        assert!(self.ended.values().all(|times| *times == 1));
        self.net.assert_idle();
        self.net.run(Duration::from_secs(3600));
        for (addr, ua) in &self.net.uas {
            assert_eq!(ua.deadline(), None, "{addr} waits for something: {}", self.net);
        }
        (self.net, self.up.len())
    }
}

#[test]
fn the_rules_hold_in_any_weather() {
    let mut answered = 0;
    for seed in 0..SEEDS {
        let net = std::panic::catch_unwind(|| Swarm::new(seed).run());
        let Ok((_, legs)) = net else { panic!("seed {seed}") };
        answered += legs;
    }
    assert!(answered > 4_000, "a swarm in which nobody talks proves little: {answered}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..5 {
        assert_eq!(Swarm::new(seed).run().0.posted, Swarm::new(seed).run().0.posted);
    }
}
