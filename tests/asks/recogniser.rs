//! Speech recognised by another machine.

use super::stand_in::{Say, StandIn, answers};
use hold_slayer::assist::{Service, hear};
use hold_slayer::config;
use hold_slayer::listen::words::{Language, Said};
use hold_slayer::net::http::{Client, Failure};
use std::io::Cursor;

fn service(there: &StandIn) -> Service {
    let text = format!("[words]\nurl = \"{}\"\nkey = \"k3y\"\nservice_model = \"base\"\n", there.url("/v1"));
    let read = config::parse(&text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into()));
    read.unwrap().words.service.unwrap()
}

fn heard(say: Say, samples: &[i16]) -> (Result<Option<Said>, Failure>, StandIn) {
    let there = answers(&[say]);
    let said = hear::hear(&Client::new(None).unwrap(), &service(&there), samples, Language::German);
    (said, there)
}

fn part<'b>(body: &'b [u8], name: &str) -> &'b [u8] {
    let find = |bytes: &[u8], what: &str| bytes.windows(what.len()).position(|part| part == what.as_bytes());
    let from = find(body, &format!("name=\"{name}\"")).unwrap();
    let from = from + find(&body[from..], "\r\n\r\n").unwrap() + 4;
    &body[from..from + find(&body[from..], "\r\n--hold-slayer").unwrap()]
}

#[test]
fn a_segment_is_sent_as_a_wave_file_and_its_words_are_taken() {
    let samples: Vec<i16> = (0..16_000).map(|n| (n * 7) as i16).collect();
    let (said, there) =
        heard(Say::Whole(200, "{\"text\": \" Bitte bleiben Sie dran. \", \"x\": 1}".into()), &samples);
    assert_eq!(said.unwrap().unwrap().text, "Bitte bleiben Sie dran.");
    let seen = there.next();
    assert!(seen.head.starts_with("POST /v1/audio/transcriptions "), "{}", seen.head);
    assert_eq!(seen.field("authorization"), Some("Bearer k3y"));
    assert!(seen.field("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    assert_eq!((part(&seen.body, "model"), part(&seen.body, "language")), (&b"base"[..], &b"de"[..]));
    let mut file = hound::WavReader::new(Cursor::new(part(&seen.body, "file"))).unwrap();
    assert_eq!((file.spec().sample_rate, file.spec().channels), (8_000, 1));
    assert!(file.samples::<i16>().map(Result::unwrap).eq(samples));
}

#[test]
fn what_such_machines_make_up_of_noise_is_not_believed() {
    for text in ["", "  ", "Thank you.", "!!!"] {
        let answer = serde_json::json!({ "text": text }).to_string();
        assert_eq!(heard(Say::Whole(200, answer), &[0; 16_000]).0.unwrap(), None, "{text:?}");
    }
    let babble = serde_json::json!({ "text": "la ".repeat(500) }).to_string();
    assert_eq!(heard(Say::Whole(200, babble), &[0; 16_000]).0.unwrap(), None);
}

#[test]
fn anything_else_is_a_failure_with_its_reason() {
    let wrong = [
        (Say::Whole(200, "<html>".into()), "does not answer as a recogniser"),
        (Say::Whole(200, "{\"text\": 5}".into()), "does not answer as a recogniser"),
        (Say::Whole(401, String::new()), "refuses the key"),
        (Say::Flood, "answers far too much"),
        (Say::Bytes(b"x".to_vec()), "does not answer as HTTP should"),
    ];
    for (say, why) in wrong {
        let failure = heard(say.clone(), &[0; 160]).0.unwrap_err();
        assert!(failure.words.contains(why), "{say:?}: {failure:?}");
        assert!(!failure.words.contains("k3y"));
    }
}
