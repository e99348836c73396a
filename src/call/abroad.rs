//! What the box says to others than its owner in another language than that of its recordings, where a program can speak it.

use super::conversation::Call;
use super::desk::Desk;
use crate::listen::words::Language;
use crate::media::SoundId;
use crate::sounds::Prompt;

/// What is said to whoever is at the far end, and where a call is recorded to both. Each has less than `limits::SPOKEN_CHARS`.
const SAID: [Prompt; 11] = [
    Prompt::Greet,
    Prompt::Moment,
    Prompt::StillRinging,
    Prompt::StillHere,
    Prompt::OtherCall,
    Prompt::OneMoment,
    Prompt::Sorry,
    Prompt::Recorded,
    Prompt::SayAgent,
    Prompt::SayYes,
    Prompt::SayNo,
];

const GERMAN: [&str; SAID.len()] = [
    "Guten Tag! Hier hält ein automatischer Assistent die Leitung. Einen Moment bitte, ich verbinde Sie mit dem Anrufer.",
    "Bitte bleiben Sie in der Leitung. Das Telefon des Anrufers klingelt jetzt.",
    "Danke, dass Sie warten. Das Telefon klingelt noch. Es dauert nur einen Moment.",
    "Ich bin noch da. Der Anrufer ist gleich für Sie da.",
    "Der Anrufer spricht gerade mit jemand anderem. Bitte bleiben Sie dran, danach ist er für Sie da.",
    "Der Anrufer ist am Telefon. Einen Moment bitte.",
    "Es tut mir leid, der Anrufer ist nicht zu erreichen. Auf Wiederhören.",
    "Dieses Gespräch wird aufgezeichnet.",
    "Mitarbeiter.",
    "Ja.",
    "Nein, danke.",
];

const FRENCH: [&str; SAID.len()] = [
    "Bonjour ! Ici un assistant automatique qui garde la ligne. Un instant, je vous mets en relation avec l'appelant.",
    "Restez en ligne, s'il vous plaît. Le téléphone de l'appelant sonne.",
    "Merci de patienter. Le téléphone sonne encore. Cela ne prendra qu'un instant.",
    "Je suis toujours là. L'appelant arrive bientôt.",
    "L'appelant parle à quelqu'un d'autre. Restez en ligne, s'il vous plaît, ce sera ensuite votre tour.",
    "L'appelant est au téléphone. Un instant, s'il vous plaît.",
    "Je suis désolé, l'appelant ne peut pas être joint. Au revoir.",
    "Cet appel est enregistré.",
    "Conseiller.",
    "Oui.",
    "Non, merci.",
];

const SPANISH: [&str; SAID.len()] = [
    "¡Hola! Un asistente automático mantiene la línea. Un momento, por favor, le comunico con quien llama.",
    "Por favor, no cuelgue. El teléfono de quien llama está sonando.",
    "Gracias por esperar. El teléfono sigue sonando. Será solo un momento.",
    "Sigo aquí. Enseguida le atiende quien llama.",
    "Quien llama habla con otra persona. Por favor, no cuelgue, después será su turno.",
    "Quien llama está al teléfono. Un momento, por favor.",
    "Lo siento, no se puede localizar a quien llama. Adiós.",
    "Esta llamada se está grabando.",
    "Agente.",
    "Sí.",
    "No, gracias.",
];

/// The recordings' own language needs none.
const fn texts(language: Language) -> Option<&'static [&'static str; SAID.len()]> {
    match language {
        Language::English => None,
        Language::German => Some(&GERMAN),
        Language::French => Some(&FRENCH),
        Language::Spanish => Some(&SPANISH),
    }
}

fn text(prompt: Prompt, language: Language) -> Option<&'static str> {
    let at = SAID.iter().position(|said| *said == prompt)?;
    texts(language)?.get(at).copied()
}

/// What the box greets with, and the language of that; `speech`: what a program speaks on this box.
pub fn greeting(speech: Option<Language>) -> (&'static str, Language) {
    let spoken = speech.and_then(|language| Some((text(Prompt::Greet, language)?, language)));
    spoken.unwrap_or((Prompt::Greet.words(), Language::English))
}

impl Desk {
    /// The sound of a prompt, and its words: in the owner's language, if it has been spoken, else as it was recorded.
    pub(super) fn prompt(&mut self, prompt: Prompt) -> (SoundId, &'static str) {
        let text = self.plan.speech.and_then(|language| text(prompt, language));
        let spoken = text.and_then(|text| Some((self.sound_of(text)?, text)));
        spoken.unwrap_or((SoundId(prompt.index()), prompt.words()))
    }
}

impl Call {
    /// The box will speak to the far end: what it says is spoken beforehand.
    pub(super) fn want_prompts(&self, desk: &mut Desk) {
        let texts = desk.plan.speech.and_then(texts);
        texts.into_iter().flatten().for_each(|text| desk.want(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SPOKEN_CHARS;

    #[test]
    fn every_text_can_be_spoken_and_every_prompt_for_the_far_end_has_one() {
        for text in [GERMAN, FRENCH, SPANISH].iter().flatten() {
            assert!((3..=SPOKEN_CHARS).contains(&text.chars().count()), "{text}: {}", text.chars().count());
        }
        for prompt in Prompt::ALL {
            assert_eq!(SAID.contains(&prompt), !prompt.words().is_empty(), "{prompt:?}");
        }
    }
}
