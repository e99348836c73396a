//! Webhook and ntfy: what is told, what is kept back, and what becomes of targets that do not take it.

use super::stand_in::{Say, StandIn, answers};
use hold_slayer::call::{Event, Happened};
use hold_slayer::config;
use hold_slayer::notify::{Notices, Target, start};
use hold_slayer::units::{CallId, Wall};
use std::time::{Duration, Instant};

pub const LONG: Duration = Duration::from_secs(30);

/// The targets of this file.
pub fn targets(text: &str) -> Vec<Target> {
    let read = config::parse(text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into()));
    read.unwrap_or_else(|mistakes| panic!("{mistakes}")).notify
}

pub fn happened(event: Event) -> Happened {
    Happened { at: Wall(1_700_000_000_000), call: Some(CallId(7)), event }
}

/// A call in which a person comes.
pub fn person(notices: &Notices) {
    notices.tell(&happened(Event::CallStarted { outgoing: true, number: "18005550123".into() }));
    notices.tell(&happened(Event::HoldDetected));
    notices.tell(&happened(Event::HumanDetected));
}

/// Until this is so.
pub fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < LONG, "never: {what}");
        std::thread::yield_now();
    }
}

fn one(there: &StandIn, kind: &str, more: &str) -> Notices {
    let url = there.url("/topic");
    start(targets(&format!("[[notify]]\nname = \"x\"\nkind = \"{kind}\"\nurl = \"{url}\"\n{more}"))).unwrap()
}

#[test]
fn a_webhook_gets_signed_json_of_what_was_chosen() {
    let there = answers(&[Say::Whole(204, String::new())]);
    let notices = one(&there, "webhook", "key = \"k3y\"\nnumbers = true\nevents = [\"hold\"]\n");
    person(&notices);
    let (held, person) = (there.next(), there.next());
    assert_eq!(held.json()["type"], "hold.detected", "not call.started");
    let told = person.json();
    assert_eq!((&told["type"], &told["at"]), (&"hold.human_detected".into(), &1_700_000_000_000_u64.into()));
    assert_eq!(
        (&told["number"], &told["call"], &told["urgent"]),
        (&"18005550123".into(), &7.into(), &true.into())
    );
    let signature = person.field("x-signature-256").unwrap();
    let right = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", "k3y", "-r"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), &person.body)?;
            child.wait_with_output()
        });
    // Another implementation agrees, where there is one.
    if let Ok(output) = right {
        let right = String::from_utf8(output.stdout).unwrap();
        assert_eq!(signature, format!("sha256={}", right.split(' ').next().unwrap()));
    }
}

#[test]
fn without_more_words_a_person_is_told_of_and_no_number() {
    let there = answers(&[Say::Whole(200, String::new())]);
    let notices = one(&there, "ntfy", "key = \"tk_1\"\n");
    person(&notices);
    let seen = there.next();
    assert!(seen.head.starts_with("POST /topic "));
    assert_eq!(seen.field("title"), Some("A person is there"), "and not that it holds");
    assert_eq!((seen.field("priority"), seen.field("authorization")), (Some("urgent"), Some("Bearer tk_1")));
    assert_eq!(seen.text(), "A person is there: your phone rings.");
    notices.try_out("x").unwrap();
    assert_eq!(there.next().field("title"), Some("A test"));
    assert!(notices.try_out("y").unwrap_err().contains("no such target"));
}

#[test]
fn what_is_not_taken_is_tried_again_and_trouble_is_told_while_it_lasts() {
    let there = answers(&[Say::Whole(503, String::new()), Say::Whole(200, String::new())]);
    let notices = one(&there, "webhook", "");
    person(&notices);
    let first = there.next();
    until("trouble", || !notices.troubles().is_empty());
    let told = notices.troubles().join("");
    assert!(
        told.contains("not told at x")
            && told.contains("answers with an error (503)")
            && !told.contains("topic")
    );
    assert_eq!(there.next().body, first.body, "the same again");
    until("it is over", || notices.troubles().is_empty());
    assert!(there.seen.try_recv().is_err());
}

#[test]
fn a_wrong_key_or_a_redirect_is_not_tried_again() {
    let elsewhere = answers(&[Say::Whole(200, String::new())]);
    let to: &'static str = format!("Location: {}", elsewhere.url("/")).leak();
    for say in [Say::Whole(401, String::new()), Say::Fields(307, to)] {
        let there = answers(&[say]);
        let notices = one(&there, "webhook", "");
        person(&notices);
        there.next();
        until("trouble", || !notices.troubles().is_empty());
        assert!(notices.try_out("x").is_err());
        there.next();
        assert!(there.seen.recv_timeout(Duration::from_secs(3)).is_err(), "tried again");
    }
    assert!(elsewhere.seen.try_recv().is_err());
}

#[test]
fn a_target_that_hangs_holds_up_nobody() {
    let (silent, good) = (answers(&[Say::Silence]), answers(&[Say::Whole(200, String::new())]));
    let text = format!(
        "[[notify]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"{}\"\n[[notify]]\nname = \"b\"\nkind = \"webhook\"\nurl = \"{}\"\n",
        silent.url("/"),
        good.url("/")
    );
    let notices = start(targets(&text)).unwrap();
    let begun = Instant::now();
    (0..10_000).for_each(|_| notices.tell(&happened(Event::HumanDetected)));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(good.next().json()["type"], "hold.human_detected");
}

#[test]
fn of_a_flood_only_so_much_is_told() {
    let there = answers(&[Say::Whole(200, String::new())]);
    let notices = one(&there, "webhook", "events = [\"device\"]\n");
    for _ in 0..40 {
        notices.tell(&happened(Event::DeviceRegistered { name: "hall".into() }));
        notices.tell(&happened(Event::DeviceUnregistered { name: "hall".into() }));
    }
    let told = std::iter::from_fn(|| there.seen.recv_timeout(Duration::from_secs(2)).ok()).count();
    assert_eq!(told, hold_slayer::limits::NOTIFY_BURST as usize);
}
