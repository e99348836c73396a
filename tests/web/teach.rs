//! What the owner teaches on the page, and the files of prints.

use crate::server::{Server, view};
use hold_slayer::call::{Phase, Snapshot};
use hold_slayer::listen::lore::{Fresh, Lesson, Taught};
use hold_slayer::units::Wall;
use std::sync::Arc;

/// The number of call 1 in full.
const COMPANY: &str = "+10800330103";

fn learn(server: &Server, lesson: Lesson, call: u64) {
    let store = server.store.as_ref().unwrap();
    let number = store.get(hold_slayer::units::CallId(call)).unwrap().unwrap().number;
    store.change_lore(&number, |lore| lore.learn(call, 5, lesson)).unwrap();
}

fn fresh(at_ms: u64, doubted: bool) -> Lesson {
    let prints = (0..100_u32).map(|n| n.wrapping_mul(40_503) ^ at_ms as u32).collect();
    Lesson { fresh: vec![Fresh { at_ms, prints, doubted }], ..Lesson::default() }
}

#[test]
fn what_was_learnt_of_a_call_is_corrected_in_its_story() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let store = server.store.as_ref().unwrap();
    let call = store.get(hold_slayer::units::CallId(1)).unwrap().unwrap();
    let ring = call.decisions.iter().find(|d| d.what == "ring").unwrap().at_ms;
    let number = call.number.clone();
    learn(&server, fresh(ring - 3_000, true), 1);
    assert_eq!(store.lore(&number).unwrap().known().count(), 0);
    let page = server.get("/calls/1", &cookie);
    assert!(page.text.contains("It was a recording") && page.text.contains("It was a person"));
    let form = |more: &str| format!("csrf={token}&{more}");
    let none = server.post("/calls/1/recording", &cookie, "", &form("at=5"));
    assert_eq!(none.status, 409, "nothing is remembered of that moment: {}", none.text);
    let done = server.post("/calls/1/recording", &cookie, "", &form(&format!("at={ring}")));
    assert_eq!((done.status, done.field("location")), (303, Some("/calls/1")), "{}", done.text);
    assert_eq!(store.lore(&number).unwrap().known().count(), 1);
    assert!(server.get("/calls/1", &cookie).text.contains("you said that what was heard at"));
    // A clip of a moment that nothing was learnt of is named by what the owner says, too, and goes when he says so.
    let clips = hold_slayer::studio::Clips::new(&server.dir);
    clips
        .keep((hold_slayer::units::CallId(2), 9_000), &[5; 800], core::time::Duration::from_secs(60), 0)
        .unwrap();
    let of_clip = server.post("/calls/2/recording", &cookie, "", &form("at=9500&until=12000"));
    assert_eq!(of_clip.status, 303, "{}", of_clip.text);
    assert!(clips.teach(hold_slayer::units::CallId(2), 9_000, Taught::Recording).unwrap());
    assert!(server.get("/privacy", &cookie).text.contains("Delete all clips now"));
    assert_eq!(server.post("/privacy", &cookie, "", &form("purge=clips")).status, 200);
    assert_eq!(clips.size().unwrap(), (0, 0));
    let api = |path: &str, body: &str| {
        server.post(
            path,
            &cookie,
            &format!("X-CSRF-Token: {token}\r\nContent-Type: application/json\r\n"),
            body,
        )
    };
    let done = api("/api/v1/calls/1/person", "");
    assert_eq!(done.status, 200, "without a moment the last ring is meant: {}", done.text);
    assert!(store.lore(&number).unwrap().is_empty());
    assert_eq!(api("/api/v1/calls/77/person", "").status, 404);
    assert_eq!(api("/api/v1/calls/1/person", "{\"at\":\"x\"}").status, 400);
}

#[test]
fn a_call_that_is_up_is_taught_by_the_switchboard_and_shows_what_is_weighed() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let calls = vec![view(9, Phase::Holding, Wall(hold_slayer::clock::wall().0), 3)];
    server.snapshot.send_replace(Arc::new(Snapshot { calls, ..Snapshot::default() }));
    let page = server.get("/", &cookie);
    assert!(page.text.contains("It is a person") && page.text.contains("phone rang"), "{}", page.text);
    assert!(page.text.contains("+1.5") && page.text.contains("Together +2.1"), "{}", page.text);
    let done = server.post("/calls/9/person", &cookie, "", &format!("csrf={token}"));
    assert_eq!((done.status, done.field("location")), (303, Some("/")));
}

#[test]
fn prints_are_given_to_others_and_taken_in_and_forgotten() {
    let (giver, taker) = (Server::new(), Server::new());
    let (cookie, _) = giver.log_in();
    let store = giver.store.as_ref().unwrap();
    store.change_lore(COMPANY, |lore| lore.learn(1, 5, fresh(0, false))).unwrap();
    let file = giver.get(&format!("/api/v1/prints/file?company={}", &COMPANY.replace('+', "%2B")), &cookie);
    assert!(
        file.body().contains("\"pieces\":[]"),
        "heard in one call alone, it may be somebody\u{2019}s voice"
    );
    let id = store.lore(COMPANY).unwrap().known().next().unwrap().0;
    store
        .change_lore(COMPANY, |lore| lore.learn(2, 6, Lesson { again: vec![(id, 0)], ..Lesson::default() }))
        .unwrap();
    assert!(store.flush(crate::server::SOON));
    let list = giver.get("/api/v1/prints", &cookie);
    assert!(list.body().contains("\"shared\":1") && list.body().contains(COMPANY), "{}", list.text);
    let file = giver.get(&format!("/api/v1/prints/file?company={}", &COMPANY.replace('+', "%2B")), &cookie);
    assert!(file.body().contains("\"format\":\"hold-slayer prints 1\""), "{}", file.text);

    let (cookie, token) = taker.log_in();
    let post = |path: &str, body: &str| {
        taker.post(
            path,
            &cookie,
            &format!("X-CSRF-Token: {token}\r\nContent-Type: application/json\r\n"),
            body,
        )
    };
    let take = |text: &str| post("/api/v1/prints", text);
    let new = take(file.body());
    assert_eq!((new.status, new.body()), (200, "{\"new\":1}"), "{}", new.text);
    assert_eq!(take(file.body()).body(), "{\"new\":0}");
    let lore = |server: &Server| server.store.as_ref().unwrap().lore(COMPANY).unwrap();
    let prints = |server: &Server| lore(server).known().flat_map(|(_, p)| p).collect::<Vec<u32>>();
    assert_eq!(prints(&taker), prints(&giver));
    for wrong in ["", "{}", &file.body().replace(":40", ":80"), &file.body().replace("[\"", "[\"x")] {
        assert_eq!(take(wrong).status, 400, "{wrong}");
    }
    let forget = format!("{{\"company\":\"{COMPANY}\"}}");
    assert_eq!(post("/api/v1/prints/forget", &forget).status, 200);
    assert!(lore(&taker).is_empty());
}

#[test]
fn what_was_learnt_of_a_company_is_seen_and_forgotten_piece_by_piece() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let store = server.store.as_ref().unwrap();
    store.change_lore(COMPANY, |lore| lore.take(&[vec![7; 60]])).unwrap();
    store.change_lore(COMPANY, |lore| lore.learn(1, 5, fresh(62_000, false))).unwrap();
    store.change_lore(COMPANY, |lore| lore.learn(3, 6, fresh(5_000, true))).unwrap();
    let again = Lesson { again: vec![(1, 9_000)], ..Lesson::default() };
    store.change_lore(COMPANY, |lore| lore.learn(4, 7, again)).unwrap();
    assert!(store.flush(crate::server::SOON));
    let at = format!("/companies/heard?company={}", COMPANY.replace('+', "%2B"));
    assert!(server.get("/companies", &cookie).text.contains(&at), "the company's card leads there");
    let page = server.get(&at, &cookie).text;
    for words in [
        "4.0 s",
        "2.4 s",
        "Heard in 2 calls.",
        "Heard in one call.",
        "From another box.",
        "href=\"/calls/4\">Last at 0:09 of call 4",
        "It may have been a person",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let list = || {
        let list =
            server.get(&format!("/api/v1/prints/pieces?company={}", COMPANY.replace('+', "%2B")), &cookie);
        let pieces = list.json()["pieces"].as_array().unwrap().clone();
        pieces.iter().map(|piece| (piece["id"].as_u64().unwrap(), piece["call"].as_u64())).collect::<Vec<_>>()
    };
    assert_eq!(list(), [(1, Some(4)), (2, Some(3)), (0, None)], "what was heard last comes first");
    let forget = |piece: &str| {
        let body = format!("csrf={token}&company={}&piece={piece}", COMPANY.replace('+', "%2B"));
        server.post("/companies/forget", &cookie, "", &body)
    };
    let gone = forget("2");
    assert_eq!((gone.status, gone.field("location").map(str::to_lowercase)), (303, Some(at.to_lowercase())));
    assert_eq!((forget("2").status, forget("x").status), (404, 400));
    let api = |body: &str| {
        let fields = format!("X-CSRF-Token: {token}\r\nContent-Type: application/json\r\n");
        server.post("/api/v1/prints/forget", &cookie, &fields, body).status
    };
    assert_eq!(api(&format!("{{\"company\":\"{COMPANY}\",\"piece\":0}}")), 200);
    assert_eq!(list(), [(1, Some(4))]);
    assert_eq!(api(&format!("{{\"company\":\"{COMPANY}\",\"piece\":0}}")), 404);
}
