//! What the owner hears who asks how the held call stands: whose it is and since when, what the line has told of the queue,
//! else how long one usually waits there.

use super::begin::Arrival;
use super::conversation::{Call, State};
use super::notice::Saying;
use super::snapshot::{OfferView, QueueView};
use super::{Switchboard, desk::Desk};
use crate::listen::words::Language;
use crate::sounds::Prompt;

/// Places up to this are few.
const FEW: u32 = 6;

impl Switchboard {
    /// The code was dialled.
    pub(super) fn tell_status(&mut self, arrival: &Arrival) {
        let Some(call) = self.held().and_then(|id| self.calls.get(&id)) else {
            return self.nothing_held(arrival);
        };
        let usual = self.desk.plan.usual_wait(&call.record.number);
        let queue = match &call.state {
            State::Held(holding) => holding.queue(self.desk.now, usual),
            _ => QueueView::default(),
        };
        let (text, told) = (whose(&self.desk, call), told(&queue));
        let in_words = self.desk.plan.speech.map(|language| queue_in_words(language, &queue));
        let in_words = in_words.unwrap_or_default();
        let mut then = vec![Saying::Text(text, Vec::new()), Saying::Text(in_words, told.clone())];
        if let Some(ms) = usual.filter(|_| !has_told_of_time(&queue)) {
            then.extend([Prompt::Usually, about(ms)].map(Saying::Prompt));
        }
        for saying in &then {
            if let Saying::Text(text, _) = saying {
                self.desk.want(text);
            }
        }
        self.notices_of(arrival, Prompt::StatusHolding, then.into());
    }
}

/// The line itself has said something of how long it takes.
const fn has_told_of_time(queue: &QueueView) -> bool {
    queue.left_ms.is_some() && (queue.place.is_some() || queue.most_minutes.is_some())
}

/// What the line has told, in the box's own recordings.
fn told(queue: &QueueView) -> Vec<Prompt> {
    let place = queue.place.map(|place| match place {
        0 | 1 => Prompt::PlaceNext,
        2..=FEW => Prompt::PlaceFew,
        _ => Prompt::PlaceMany,
    });
    let left = queue.left_ms.filter(|_| has_told_of_time(queue)).map(|ms| [Prompt::Left, about(ms)]);
    let offer = queue.offer.filter(|offer| !offer.taken).map(|_| Prompt::Offer);
    place.into_iter().chain(left.into_iter().flatten()).chain(offer).collect()
}

/// The words that come nearest to a wait.
const fn about(ms: u64) -> Prompt {
    match (ms + 30_000) / 60_000 {
        0..=7 => Prompt::About5,
        8..=14 => Prompt::About10,
        15..=24 => Prompt::About20,
        25..=37 => Prompt::About30,
        38..=51 => Prompt::About45,
        _ => Prompt::About60,
    }
}

/// Whose call is held and since when, as a text; empty if nothing speaks.
fn whose(desk: &Desk, call: &Call) -> String {
    let Some(language) = desk.plan.speech else { return String::new() };
    let name = match call.given_name(desk) {
        "" => spelled(&call.record.number),
        name => name.to_owned(),
    };
    let since = call.record.hold_started.map_or(0, |at| desk.wall().0.saturating_sub(at.0));
    in_words(language, &name, since / 60_000)
}

/// A number digit by digit, in groups of three from its end.
fn spelled(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let groups =
        digits.rchunks(3).rev().map(|group| group.iter().map(|d| format!("{d} ")).collect::<String>());
    groups.map(|group| group.trim_end().to_owned()).collect::<Vec<_>>().join(", ")
}

fn in_words(language: Language, name: &str, minutes: u64) -> String {
    let waits = match (language, minutes) {
        (_, 0) => String::new(),
        (Language::English, 1) => " For one minute.".into(),
        (Language::English, n) => format!(" For {n} minutes."),
        (Language::German, 1) => " Seit einer Minute.".into(),
        (Language::German, n) => format!(" Seit {n} Minuten."),
        (Language::French, 1) => " Depuis une minute.".into(),
        (Language::French, n) => format!(" Depuis {n} minutes."),
        (Language::Spanish, 1) => " Desde hace un minuto.".into(),
        (Language::Spanish, n) => format!(" Desde hace {n} minutos."),
    };
    if name.is_empty() { waits.trim_start().into() } else { format!("{name}.{waits}") }
}

fn queue_in_words(language: Language, queue: &QueueView) -> String {
    use Language::{English, French, German, Spanish};
    let place = queue.place.map(|place| match (language, place) {
        (English, 0 | 1) => "You are next.".into(),
        (English, n) => format!("Place {n} in the queue."),
        (German, 0 | 1) => "Sie sind als Nächstes dran.".into(),
        (German, n) => format!("Platz {n} in der Warteschlange."),
        (French, 0 | 1) => "Vous êtes le prochain.".into(),
        (French, n) => format!("Place {n} dans la file."),
        (Spanish, 0 | 1) => "Usted es el siguiente.".into(),
        (Spanish, n) => format!("Puesto {n} en la cola."),
    });
    let minutes = queue.left_ms.filter(|_| has_told_of_time(queue)).map(|ms| ms.div_ceil(60_000).max(1));
    let left = minutes.map(|minutes| match (language, minutes) {
        (English, 1) => "About one minute more.".into(),
        (English, n) => format!("About {n} minutes more."),
        (German, 1) => "Noch etwa eine Minute.".into(),
        (German, n) => format!("Noch etwa {n} Minuten."),
        (French, 1) => "Encore environ une minute.".into(),
        (French, n) => format!("Encore environ {n} minutes."),
        (Spanish, 1) => "Aproximadamente un minuto más.".into(),
        (Spanish, n) => format!("Aproximadamente {n} minutos más."),
    });
    let offer = queue.offer.filter(|offer| !offer.taken).map(|OfferView { key, .. }| {
        let (offers, by) = match language {
            English => ("They offer to call you back", "by key"),
            German => ("Ein Rückruf wird angeboten", "mit Taste"),
            French => ("On propose de vous rappeler", "touche"),
            Spanish => ("Ofrecen devolver la llamada", "tecla"),
        };
        key.map_or(format!("{offers}."), |key| format!("{offers}, {by} {key}."))
    });
    [place, left, offer].into_iter().flatten().collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_said_in_words() {
        assert_eq!(spelled("+18005550123"), "1 8, 0 0 5, 5 5 0, 1 2 3");
        assert_eq!(in_words(Language::English, "Acme", 12), "Acme. For 12 minutes.");
        assert_eq!(in_words(Language::German, "", 1), "Seit einer Minute.");
        assert_eq!(in_words(Language::French, "EDF", 0), "EDF.");
    }

    #[test]
    fn what_the_line_has_told_is_said_in_words_that_a_program_can_speak_in_one_go() {
        let offer = Some(OfferView { key: Some('1'), taken: false });
        let full = QueueView {
            place: Some(3),
            most_minutes: Some(9),
            left_ms: Some(6 * 60_000 - 1),
            offer,
            ..QueueView::default()
        };
        let english = "Place 3 in the queue. About 6 minutes more. They offer to call you back, by key 1.";
        assert_eq!(queue_in_words(Language::English, &full), english);
        assert_eq!(told(&full), [Prompt::PlaceFew, Prompt::Left, Prompt::About5, Prompt::Offer]);
        let longest = QueueView { place: Some(999), left_ms: Some(999 * 60_000), ..full.clone() };
        for language in [Language::English, Language::German, Language::French, Language::Spanish] {
            let text = queue_in_words(language, &longest);
            assert!(text.chars().count() <= crate::limits::SPOKEN_CHARS, "{text}");
        }
        // The usual wait alone is not what the line has told.
        let usual = QueueView { left_ms: Some(60_000), ..QueueView::default() };
        assert_eq!((queue_in_words(Language::German, &usual), told(&usual)), (String::new(), Vec::new()));
        let taken = QueueView { offer: Some(OfferView { key: None, taken: true }), ..QueueView::default() };
        assert_eq!(told(&taken), []);
        let next = QueueView { place: Some(1), ..QueueView::default() };
        assert_eq!(queue_in_words(Language::German, &next), "Sie sind als Nächstes dran.");
    }
}
