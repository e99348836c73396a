//! What the line says of the wait: the place in the queue and the wait that is announced, and how long it still takes by them.

use crate::units::Instant;
use core::time::Duration;

/// So little of a wait is always left: what was announced was wrong.
const LEAST: Duration = Duration::from_secs(60);

/// What is known of one queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// The first place that was told, and when; of the run that leads to the newest without going up.
    first: Option<(u32, Instant)>,
    place: Option<(u32, Instant)>,
    wait: Option<((u32, u32), Instant)>,
}

impl Queue {
    /// A place was told; 1 is next. False if it is the one that is known.
    pub fn told_place(&mut self, now: Instant, place: u32) -> bool {
        let news = self.place.is_none_or(|(known, _)| known != place);
        if self.place.is_none_or(|(known, _)| place > known) {
            // Another queue, or the end of the line again.
            self.first = Some((place, now));
        }
        if news {
            self.place = Some((place, now));
        }
        news
    }

    /// A wait was told, minutes from and to. False if it is the one that is known.
    pub fn told_wait(&mut self, now: Instant, wait: (u32, u32)) -> bool {
        let news = self.wait.is_none_or(|(known, _)| known != wait);
        self.wait = Some((wait, now));
        news
    }

    /// Place in the queue as told last; 1 is next.
    pub fn place(&self) -> Option<u32> {
        self.place.map(|(place, _)| place)
    }

    /// The wait as told last, minutes from and to.
    pub fn wait(&self) -> Option<(u32, u32)> {
        self.wait.map(|(wait, _)| wait)
    }

    /// How long it still takes: by how fast the queue has moved, else by what was announced, else by `usual`, which is the
    /// whole wait at this number, of which `waited` is over.
    pub fn left(&self, now: Instant, waited: Duration, usual: Option<Duration>) -> Option<Duration> {
        let announced =
            self.wait.map(|((from, to), at)| (Duration::from_secs(30 * u64::from(from + to)), at));
        let left = |(whole, at): (Duration, Instant)| whole.saturating_sub(now.since(at)).max(LEAST);
        self.by_pace(now)
            .or_else(|| announced.map(left))
            .or_else(|| usual.map(|whole| whole.saturating_sub(waited).max(LEAST)))
    }

    /// By the time that each place has taken since the first.
    fn by_pace(&self, now: Instant) -> Option<Duration> {
        let ((first, began), (place, at)) = self.first.zip(self.place)?;
        let moved = first.checked_sub(place).filter(|moved| *moved > 0)?;
        let each = at.since(began) / moved;
        Some((each * place).saturating_sub(now.since(at)).max(LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Instant {
        Instant(minutes * 60_000_000)
    }

    const fn min(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    #[test]
    fn what_is_left_goes_by_the_best_that_is_known() {
        let mut queue = Queue::default();
        assert_eq!(queue.left(at(3), min(3), None), None);
        assert_eq!(queue.left(at(3), min(3), Some(min(10))), Some(min(7)));
        assert_eq!(queue.left(at(30), min(30), Some(min(10))), Some(LEAST), "longer than usual");
        assert!(queue.told_wait(at(3), (10, 20)) && !queue.told_wait(at(4), (10, 20)));
        assert_eq!(queue.left(at(9), min(9), Some(min(2))), Some(min(10)), "it was told again");
        // Five places in ten minutes: the sixth to the first take twelve more.
        assert!(queue.told_place(at(10), 11) && !queue.told_place(at(12), 11) && queue.told_place(at(20), 6));
        assert_eq!((queue.place(), queue.wait()), (Some(6), Some((10, 20))));
        assert_eq!(queue.left(at(22), min(22), None), Some(min(10)));
        // Another queue: nothing is known of its pace.
        assert!(queue.told_place(at(30), 9));
        assert_eq!(queue.left(at(31), min(31), None), Some(LEAST));
        let _ = (queue.told_wait(at(31), (u32::MAX / 2, u32::MAX / 2)), queue.left(at(31), min(0), None));
    }
}
