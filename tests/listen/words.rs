//! Words: the recogniser on telephone sound, and what words that arrive late do to the verdict.
//!
//! The model is not in the repository: `tests/setup.sh` fetches it. Without it the tests that need it say so and are skipped.

use crate::calls::{SECOND, pieces};
use audio_codec_algorithms::decode_ulaw;
use hold_slayer::listen::words::network::{Files, LONGEST, Recogniser};
use hold_slayer::listen::words::{Language, Said, Segment, facts, wording};
use hold_slayer::listen::{Heard, Input, Listener, Settings};
use hold_slayer::units::{Frame, Tick};
use std::path::Path;

fn model() -> Option<Files> {
    files(".cache/words")
}

fn files(folder: &str) -> Option<Files> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if !folder.join("tokens.txt").exists() {
        eprintln!("SKIPPED: there is no speech model in {}: run `make setup`", folder.display());
        return None;
    }
    Some(Files::open(&folder).expect("the model that setup has fetched"))
}

/// A sound of the demo: the company's recordings and its agent, spoken by two machines.
fn demo(name: &str) -> Vec<i16> {
    let path = format!("{}/src/demo/sounds/{name}.ulaw", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap().into_iter().map(decode_ulaw).collect()
}

#[test]
fn what_companies_and_agents_say_is_understood() {
    let Some(files) = model() else { return };
    let mut recogniser = Recogniser::new(&files).unwrap();
    let mut hear = |name: &str| recogniser.hear(&demo(name), Language::English).unwrap().unwrap().text;
    let nats = |text: &str| wording(text, Language::English, "").nats;
    for name in ["all_busy", "third_in_line", "closed", "stay_on_line", "longer_than_usual", "menu"] {
        let text = hear(name);
        assert!(nats(&text) <= -2.0, "{name}: {text}");
    }
    for name in ["agent_greeting", "agent_there", "agent_help"] {
        let text = hear(name);
        assert!(nats(&text) >= 2.0, "{name}: {text}");
    }
    assert_eq!(facts(&hear("third_in_line"), Language::English).position, Some(3));
    let menu = facts(&hear("menu"), Language::English).options;
    assert!(menu.iter().any(|choice| choice.key == '1' && choice.label.contains("billing")), "{menu:?}");
    assert!(menu.iter().any(|choice| choice.key == '2' && choice.label.contains("care")), "{menu:?}");
}

#[test]
fn a_model_of_many_languages_understands_german() {
    let Some(files) = files(".cache/words-base") else { return };
    let mut recogniser = Recogniser::new(&files).unwrap();
    let mut hear = |name: &str| {
        let path = format!("{}/tests/listen/sound/{name}.ul", env!("CARGO_MANIFEST_DIR"));
        let sound: Vec<i16> = std::fs::read(path).unwrap().into_iter().map(decode_ulaw).collect();
        recogniser.hear(&sound, Language::German).unwrap().unwrap().text
    };
    let queue = hear("recorded-hans-4");
    assert!(queue.contains("Reihenfolge"), "{queue}");
    assert!(wording(&queue, Language::German, "").nats <= -2.0, "{queue}");
    let waits = hear("recorded-hans-3");
    assert!(waits.contains("Wartezeit"), "{waits}");
}

#[test]
fn noise_silence_and_nothing_are_no_words() {
    let Some(files) = model() else { return };
    let mut recogniser = Recogniser::new(&files).unwrap();
    let mut seed = 1_u32;
    let noise: Vec<i16> = (0..3 * SECOND)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 20) as i16 - 2048
        })
        .collect();
    for (name, sound) in [("noise", noise), ("silence", vec![0; 2 * SECOND]), ("nothing", Vec::new())] {
        let said = recogniser.hear(&sound, Language::English).unwrap();
        let text = said.map(|said| said.text).unwrap_or_default();
        assert_eq!(wording(&text, Language::English, "").nats, 0.0, "{name}: {text}");
    }
    let long: Vec<i16> = demo("all_busy").into_iter().cycle().take(LONGEST + 1).collect();
    assert!(
        recogniser.hear(&long, Language::English).unwrap().is_some(),
        "what is too long is heard in part"
    );
    let german = recogniser.hear(&demo("all_busy"), Language::German).unwrap_err();
    assert!(german.contains("does not know de"), "{german}");
}

#[test]
fn a_model_that_is_not_there_or_broken_is_told_of() {
    let folder = std::env::temp_dir().join(format!("hold-slayer-words-{}", std::process::id()));
    let missing = Files::open(&folder).err().unwrap();
    assert!(missing.contains("tokens.txt cannot be read"), "{missing}");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("tokens.txt"), "# end 0\n# nothing 0\n# longest 9\n20\n").unwrap();
    std::fs::write(folder.join("encoder.tflite"), "no network").unwrap();
    let broken = Files::open(&folder).err().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(broken.contains("encoder.tflite is not a network"), "{broken}");
}

/// Plays music, then a voice, then a pause, in small pieces; `words` come back for each segment after so many frames.
fn call(words: Option<&str>, late: u64) -> (Vec<Heard>, Vec<Segment>) {
    let (music, voice) = (&pieces("music")[0], &pieces("agent-human")[0]);
    let sound = [&music[..], voice, &vec![0; 4 * SECOND]].concat();
    let settings = Settings { words: words.map(|_| Language::English), ..Settings::default() };
    let (mut listener, mut heard, mut segments) =
        (Listener::new(settings), Vec::new(), Vec::<Segment>::new());
    let mut due: Vec<(u64, Segment)> = Vec::new();
    for (n, frame) in (0_u64..).zip(sound.as_chunks::<160>().0) {
        listener.handle(Input::Frame(Tick(n), &Frame(*frame)));
        due.extend(listener.segment().map(|segment| (n + late, segment)));
        while due.first().is_some_and(|(at, _)| *at <= n) {
            let (_, segment) = due.remove(0);
            let said = Said { text: words.unwrap_or_default().into(), confidence: 0.9 };
            listener.handle(Input::Words { from: segment.from, to: segment.to, said: &said });
            segments.push(segment);
        }
        while let Some(conclusion) = listener.poll() {
            heard.push(conclusion);
        }
    }
    (heard, segments)
}

fn persons(heard: &[Heard]) -> usize {
    heard.iter().filter(|heard| matches!(heard, Heard::Person { .. })).count()
}

#[test]
fn words_in_time_decide_and_late_words_correct() {
    const MACHINE: &str = "Your call is important to us. Please stay on the line.";
    let (plain, none) = call(None, 0);
    assert_eq!(
        (persons(&plain), none.len()),
        (1, 0),
        "by its sound it is a person, and nothing is cut without words"
    );
    let (heard, segments) = call(Some("Hello, how can I help you?"), 10);
    assert!(!segments.is_empty());
    let reason = heard.iter().find_map(|heard| match heard {
        Heard::Person { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    let reason = reason.expect("a person's words do not hide a person");
    assert!(reason.contains("in a person's words") && reason.contains("how can i help"), "{reason}");
    let (heard, _) = call(Some(MACHINE), 1);
    assert_eq!(persons(&heard), 0, "a recording's words: {heard:?}");
    let (heard, _) = call(Some(MACHINE), 90);
    let rang = heard.iter().position(|heard| matches!(heard, Heard::Person { .. }));
    let took_back = heard.iter().position(
        |heard| matches!(heard, Heard::Recording { reason, .. } if reason.contains("your call is important")),
    );
    assert!(rang.expect("the words were late") < took_back.expect("and correct it"), "{heard:?}");
    let caption = heard.iter().find(|heard| matches!(heard, Heard::Words { text, .. } if text == MACHINE));
    assert!(caption.is_some());
}

#[test]
fn the_same_words_give_the_same_call() {
    assert_eq!(call(Some("Can I have your name?"), 30).0, call(Some("Can I have your name?"), 30).0);
}

#[test]
fn secrets_are_not_in_captions() {
    let (heard, _) = call(Some("My card number is 4111 1111 1111 1111."), 10);
    assert!(heard.iter().any(|heard| matches!(heard, Heard::Words { text, .. } if text.contains("••••"))));
    assert!(!format!("{heard:?}").contains("4111"));
}

/// A tool of `model/words/measure.py`: writes in `LISTEN_DIR` what is understood of each of its WAV files, `said.tsv`: the name,
/// milliseconds, the text. `WORDS` names another model's folder.
#[test]
#[ignore = "a tool of model/"]
fn said() {
    let chosen = std::env::var("WORDS");
    let files = files(chosen.as_deref().unwrap_or(".cache/words")).expect("make setup fetches the model");
    let mut recogniser = Recogniser::new(&files).unwrap();
    let lines = super::bench::folder().into_iter().map(|path| {
        let sound: Vec<i16> = super::bench::frames(&path).iter().flat_map(|frame| frame.0).collect();
        let begun = std::time::Instant::now();
        let said = recogniser.hear(&sound, Language::English).unwrap();
        let took = begun.elapsed().as_millis();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        format!("{name}\t{took}\t{}\n", said.map(|said| said.text).unwrap_or_default())
    });
    let text: String = lines.collect();
    std::fs::write(Path::new(&std::env::var("LISTEN_DIR").unwrap()).join("said.tsv"), text).unwrap();
}

/// A tool of `model/words/measure.py`: the intents of each line of the file `TEXTS`, a line for each.
#[test]
#[ignore = "a tool of model/"]
fn intents() {
    let path = std::env::var("TEXTS").expect("TEXTS names a file");
    let texts = std::fs::read_to_string(&path).unwrap();
    let all = texts.lines().map(|text| {
        let intents = wording(text, Language::English, "").intents;
        intents.iter().map(|intent| format!("{intent:?}")).collect::<Vec<_>>().join(" ") + "\n"
    });
    std::fs::write(path + ".intents", all.collect::<String>()).unwrap();
}
