//! What the line says while the box holds it, understood: the place in the queue, the wait, offers and questions.

use super::Event;
use super::conversation::{Call, State};
use super::desk::Desk;
use super::snapshot::{OfferView, QueueView};
use crate::listen::words::{Facts, facts, key_of_offer};
use crate::slay::queue::Queue;
use crate::slay::{self, Told};
use crate::units::{Digit, Instant};
use core::time::Duration;

/// What is said again within this is no news: recordings repeat themselves.
const REPEATED: Duration = Duration::from_secs(120);
/// The key of an offer comes in the words after it, or not at all.
const KEY_FOLLOWS: Duration = Duration::from_secs(12);
/// An offer is shown for so long after it was made last.
const OFFERED: Duration = Duration::from_secs(120);

/// What is known of one hold by its words.
#[derive(Debug, Default)]
pub(super) struct Understood {
    queue: Queue,
    /// A call back was offered, when last, and the key that takes it.
    offer: Option<(Option<Digit>, Instant)>,
    /// The box took it.
    taken: bool,
    /// What was told, and when last.
    told: Vec<(Told, Instant)>,
}

impl Understood {
    /// How long it still takes.
    pub(super) fn left(&self, now: Instant, waited: Duration, usual: Option<Duration>) -> Option<Duration> {
        self.queue.left(now, waited, usual)
    }

    /// For the page, at `now`.
    pub(super) fn view(&self, now: Instant) -> QueueView {
        let offer = self.offer.filter(|(_, at)| now.since(*at) < OFFERED);
        let (least_minutes, most_minutes) = self.queue.wait().unzip();
        QueueView {
            place: self.queue.place(),
            least_minutes,
            most_minutes,
            left_ms: None,
            offer: offer.map(|(key, _)| OfferView { key: key.map(Digit::as_char), taken: self.taken }),
        }
    }

    /// The box has pressed a key by itself.
    pub(super) fn pressed(&mut self, key: Digit) {
        self.taken |= self.offer.is_some_and(|(taker, _)| taker == Some(key));
    }

    /// What was said means this to whoever waits.
    fn means(&mut self, now: Instant, found: &Facts, key_after: impl FnOnce() -> Option<char>) -> Vec<Told> {
        let key = |key: Option<char>| key.and_then(Digit::from_char);
        let open = self.offer.is_some_and(|(key, at)| key.is_none() && now.since(at) <= KEY_FOLLOWS);
        let callback = match found.callback {
            Some(taker) => Some(key(taker)),
            None if open => key(key_after()).map(Some),
            None => None,
        };
        if let Some(taker) = callback {
            let known = self.offer.and_then(|(key, _)| key);
            self.offer = Some((taker.or(known), now));
        }
        let plain = [
            (found.closed, Told::Closed),
            (found.voicemail, Told::Voicemail),
            (found.all_busy, Told::AllBusy),
            (found.survey, Told::Survey),
        ];
        let plain = plain.into_iter().filter(|(said, _)| *said).map(|(_, told)| told);
        let still = found.still_there.map(|taker| Told::StillThere(key(taker)));
        callback.map(Told::CallBack).into_iter().chain(still).chain(plain).collect()
    }

    /// It was not told of late.
    fn is_news(&mut self, now: Instant, told: Told) -> bool {
        let last = self.told.iter().position(|(known, _)| *known == told).map(|at| self.told.swap_remove(at));
        self.told.retain(|(_, at)| now.since(*at) < REPEATED);
        self.told.push((told, now));
        last.is_none_or(|(_, at)| now.since(at) >= REPEATED)
    }
}

impl Call {
    /// Understands a stretch of speech of the far side. What a person says is not for us.
    pub(super) fn understand(&mut self, desk: &mut Desk, text: &str) {
        let State::Held(holding) = &mut self.state else { return };
        if holding.is_person() {
            return;
        }
        let (now, language) = (desk.now, desk.plan.language);
        let found = facts(text, language);
        let known = &mut holding.understood;
        let mut news = Vec::new();
        if let Some(place) = found.position.filter(|place| known.queue.told_place(now, *place)) {
            let words =
                if place == 1 { "next in the queue".into() } else { format!("place {place} in the queue") };
            news.push((Event::QueuePosition { place }, words));
        }
        if let Some((least_minutes, most_minutes)) =
            found.wait.filter(|wait| known.queue.told_wait(now, *wait))
        {
            let words = if least_minutes == most_minutes {
                format!("a wait of {most_minutes} min")
            } else {
                format!("a wait of {least_minutes} to {most_minutes} min")
            };
            news.push((Event::WaitAnnounced { least_minutes, most_minutes }, words));
        }
        let meant = known.means(now, &found, || key_of_offer(text, language));
        for told in &meant {
            if known.is_news(now, *told) {
                news.push(event(*told));
            }
        }
        for (event, words) in news {
            desk.happened(Some(self.id), event);
            self.decide(desk, "told", words);
        }
        // In a menu that the box goes through, keys are the flow's business; and all is the model's in a call that it leads.
        if !self.menu.is_walked() && !self.menu.assisted.is_leading() {
            // The owner hears it himself: he may want to leave a message.
            let heard = self.near.iter().any(|near| near.open.is_some());
            let meant = meant.into_iter().filter(|told| !(heard && told.is_vain()));
            meant.for_each(|told| self.tell(desk, slay::Input::Told(told)));
        }
    }
}

/// What programs are told of it, and the record.
fn event(told: Told) -> (Event, String) {
    let by_key = |words: &str, key: Option<Digit>| {
        key.map_or(words.to_owned(), |key| format!("{words}, by key {}", key.as_char()))
    };
    let nobody = |why: &str| (Event::NobodyComes { why: why.into() }, why.to_owned());
    match told {
        Told::CallBack(key) => (
            Event::CallbackOffered { key: key.map(|key| key.as_char().to_string()) },
            by_key("they offer to call back", key),
        ),
        Told::StillThere(key) => (
            Event::StillThere { key: key.map(|key| key.as_char().to_string()) },
            by_key("they ask whether you are still there", key),
        ),
        Told::AllBusy => nobody("everybody is busy, and they say goodbye"),
        Told::Closed => nobody("they are closed"),
        Told::Voicemail => nobody("a machine takes a message"),
        Told::Survey => (Event::Survey, "they want an opinion".into()),
    }
}
