//! Calls for later: "call at 08:00, when they open". Wall time is passed in; what waits outlives a restart.

use super::book::key;
use crate::units::Wall;
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// Most calls that wait.
pub const MOST: usize = 20;
/// A call is placed no later than this after its time: the box may have been off.
const LATE: Duration = Duration::from_secs(30 * 60);
/// What could not be placed for want of a line is tried again after this.
const AGAIN: Duration = Duration::from_secs(10);
/// Nobody plans calls further ahead.
const AHEAD: Duration = Duration::from_secs(31 * 24 * 3600);

/// A call that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Unique among those that wait.
    pub id: u32,
    /// Whom to call.
    pub number: String,
    /// When.
    pub at: Wall,
    /// Which flow to follow.
    pub way: Way,
}

/// Which flow a call follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// The one that can be trusted, if there is one.
    #[default]
    Known,
    /// None: hold as soon as somebody answers.
    Straight,
    /// This version, whatever its standing.
    Version(u32),
    /// The one that is called by this wish, else the box looks for it by the menu's words, where it understands them.
    Wish(String),
}

/// An appointment whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Call now.
    Call(Appointment),
    /// The box was off when its time came, or had no line for it, and for too long.
    Missed(Appointment),
}

/// The calls that wait.
#[derive(Debug, Default)]
pub struct Schedule {
    list: Vec<Appointment>,
    /// Nothing is due before.
    again: Wall,
}

impl Schedule {
    /// With those kept earlier.
    pub fn new(list: Vec<Appointment>) -> Self {
        Self { list, again: Wall(0) }
    }

    /// Those that wait, in no order.
    pub fn list(&self) -> &[Appointment] {
        &self.list
    }

    /// Adds a call.
    ///
    /// # Errors
    /// Its time has passed or is too far ahead, it is there already, or too many wait.
    pub fn add(&mut self, number: &str, at: Wall, way: Way, now: Wall) -> Result<(), String> {
        if at <= now {
            return Err("that time has passed: choose a later one".into());
        }
        if at > now.plus(AHEAD) {
            return Err("calls are planned up to 31 days ahead".into());
        }
        if self.list.len() >= MOST {
            return Err(format!("{MOST} calls wait already, which is the most there may be"));
        }
        if self.list.iter().any(|a| key(&a.number) == key(number) && a.at == at) {
            return Err("this call is planned already".into());
        }
        let id = self.list.iter().map(|a| a.id).max().unwrap_or(0) + 1;
        self.list.push(Appointment { id, number: number.into(), at, way });
        Ok(())
    }

    /// Takes a call away. Whether it was there.
    pub fn remove(&mut self, id: u32) -> bool {
        let before = self.list.len();
        self.list.retain(|a| a.id != id);
        self.list.len() < before
    }

    /// There is no line for this one: a little later.
    pub fn put_back(&mut self, appointment: Appointment, now: Wall) {
        self.list.push(appointment);
        self.again = now.plus(AGAIN);
    }

    /// Takes those whose time has come, the earliest first.
    pub fn due(&mut self, now: Wall) -> Vec<Due> {
        if now < self.again {
            return Vec::new();
        }
        let (mut due, rest): (Vec<_>, Vec<_>) = self.list.drain(..).partition(|a| a.at <= now);
        self.list = rest;
        due.sort_by_key(|a| (a.at, a.id));
        due.into_iter().map(|a| if now <= a.at.plus(LATE) { Due::Call(a) } else { Due::Missed(a) }).collect()
    }

    /// How long until the next one.
    pub fn next(&self, now: Wall) -> Option<Duration> {
        let at = self.list.iter().map(|a| a.at).min()?.max(self.again);
        Some(Duration::from_millis(at.0.saturating_sub(now.0)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const EIGHT: Wall = Wall(1_700_000_000_000);

    #[test]
    fn calls_are_placed_at_their_time_soon_after_it_or_not_at_all() {
        let before = Wall(EIGHT.0 - 3_600_000);
        let mut schedule = Schedule::default();
        schedule.add("1800", EIGHT, Way::Known, before).unwrap();
        schedule.add("1900", Wall(EIGHT.0 + 60_000), Way::Straight, before).unwrap();
        assert_eq!(schedule.next(before), Some(Duration::from_secs(3600)));
        assert_eq!(schedule.due(Wall(EIGHT.0 - 1)), []);
        let due = schedule.due(EIGHT);
        assert!(matches!(&due[..], [Due::Call(a)] if a.number == "1800"), "{due:?}");
        let Due::Call(first) = due[0].clone() else { panic!() };
        schedule.put_back(first, EIGHT);
        assert_eq!((schedule.due(Wall(EIGHT.0 + 9_999)), schedule.next(EIGHT)), (vec![], Some(AGAIN)));
        assert_eq!(schedule.due(Wall(EIGHT.0 + 10_000)), due);
        assert_eq!(schedule.due(Wall(EIGHT.0 + 20_000)), [], "once");
        let mut restarted = Schedule::new(schedule.list().to_vec());
        let due = restarted.due(Wall(EIGHT.0 + 60_000 + 1_800_001));
        assert!(matches!(&due[..], [Due::Missed(a)] if a.number == "1900"), "{due:?}");
        assert_eq!(restarted.next(EIGHT), None);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut schedule = Schedule::default();
        let mut add = |at: u64| schedule.add("1800", Wall(at), Way::Known, EIGHT);
        assert!(add(EIGHT.0).unwrap_err().contains("passed"));
        assert!(add(EIGHT.0 + 32 * 24 * 3_600_000).unwrap_err().contains("31 days"));
        add(EIGHT.0 + 1).unwrap();
        assert!(add(EIGHT.0 + 1).unwrap_err().contains("already"));
        for n in 2..=MOST as u64 {
            add(EIGHT.0 + n).unwrap();
        }
        assert!(add(EIGHT.0 + 99).unwrap_err().contains("the most"));
        assert!(schedule.remove(1) && !schedule.remove(1));
    }
}
