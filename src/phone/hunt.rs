//! In which order the phones of the house ring. Pure.

use crate::units::AccountId;
use core::time::Duration;
use std::collections::VecDeque;

/// How several phones ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// All together; the first to answer has the call.
    #[default]
    AtOnce,
    /// One after the other, each for its time.
    InTurn,
}

impl Order {
    /// Both with their names in the configuration.
    pub const NAMES: [(&'static str, Self); 2] = [("at-once", Self::AtOnce), ("in-turn", Self::InTurn)];
}

/// A phone that may ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Whose.
    pub id: AccountId,
    /// Its turn lasts so long.
    pub rings: Duration,
    /// Registered, or known by its address.
    pub up: bool,
    /// On a call.
    pub busy: bool,
}

/// The phones that are still to ring, in the file's order, around and around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turns(VecDeque<(AccountId, Duration)>);

impl Turns {
    /// Skips the phones that are away, and those on a call as well while another is free; if none is, they ring as a second
    /// call does. If somebody waits who cannot wait for long, those on a call come first instead: people are there.
    pub fn new(phones: impl Iterator<Item = Candidate>, urgent: bool) -> Self {
        let up: Vec<Candidate> = phones.filter(|phone| phone.up).collect();
        let (busy, free): (Vec<Candidate>, Vec<Candidate>) = up.into_iter().partition(|phone| phone.busy);
        let busy = if urgent || free.is_empty() { busy } else { Vec::new() };
        Self(busy.into_iter().chain(free).map(|phone| (phone.id, phone.rings)).collect())
    }

    /// The phone whose turn it is, and for how long: `None` if nobody comes after it. It comes again only by
    /// [`Self::again`].
    pub fn take(&mut self) -> Option<(AccountId, Option<Duration>)> {
        let (id, rings) = self.0.pop_front()?;
        Some((id, (!self.0.is_empty()).then_some(rings)))
    }

    /// This phone rang for its time and nobody answered: it comes again after the others.
    pub fn again(&mut self, id: AccountId, rings: Duration) {
        self.0.push_back((id, rings));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn phone(id: u8, up: bool, busy: bool) -> Candidate {
        Candidate { id: AccountId(id), rings: Duration::from_secs(id as u64), up, busy }
    }

    fn order(phones: &[Candidate]) -> Vec<u8> {
        let mut turns = Turns::new(phones.iter().copied(), false);
        core::iter::from_fn(|| turns.take()).map(|(id, _)| id.0).collect()
    }

    #[test]
    fn away_and_busy_phones_are_skipped() {
        assert_eq!(order(&[phone(1, true, false), phone(2, false, false), phone(3, true, true)]), [1]);
        assert_eq!(order(&[phone(1, true, true), phone(2, false, false), phone(3, true, true)]), [1, 3]);
        assert_eq!(order(&[phone(1, false, false)]), [0_u8; 0]);
    }

    #[test]
    fn when_it_is_urgent_phones_on_a_call_come_first() {
        let phones = [phone(1, true, false), phone(2, false, true), phone(3, true, true)];
        let mut turns = Turns::new(phones.into_iter(), true);
        assert_eq!(core::iter::from_fn(|| turns.take()).map(|(id, _)| id.0).collect::<Vec<_>>(), [3, 1]);
    }

    #[test]
    fn turns_go_around_and_the_only_phone_rings_on() {
        let mut turns = Turns::new([phone(1, true, false), phone(2, true, false)].into_iter(), false);
        let one = (AccountId(1), Some(Duration::from_secs(1)));
        assert_eq!(turns.take(), Some(one));
        turns.again(AccountId(1), Duration::from_secs(1));
        assert_eq!(turns.take(), Some((AccountId(2), Some(Duration::from_secs(2)))));
        assert_eq!(turns.take(), Some((AccountId(1), None)), "the other has refused");
        assert_eq!(turns.take(), None);
    }
}
