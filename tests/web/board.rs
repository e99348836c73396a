//! Button, lamp and handset on the page, without any of them.

use super::server::{Server, config, snapshot};
use hold_slayer::board::Front;
use hold_slayer::board::handset::{self, State, Wish};
use hold_slayer::board::panel::{self, Seen};
use hold_slayer::web::Config;
use tokio::sync::watch;

#[test]
fn the_board_is_seen_and_tried_on_the_page() {
    let (show, seen) = watch::channel(Seen { button: Some(false), lamp: Some(false) });
    let (blink, blinks) = watch::channel(None);
    let (tell, state) = watch::channel(State { hook: Some(false), card: true, ..State::default() });
    let (wishes, wished) = watch::channel(Wish::default());
    let (panel, handset) = (panel::Front { seen, blink }, handset::Front { state, wishes });
    let board = Front { panel: Some(panel), handset: Some(handset), monitor: None };
    let server = Server::with(Config { board, ..config() });
    assert_eq!(server.get("/board", "").status, 303, "for its owner alone");
    let (cookie, token) = server.log_in();
    let page = || server.get("/board", &cookie).text;
    let attempt = |what: &str| server.post("/board", &cookie, "", &format!("csrf={token}&do={what}"));
    let first = page();
    assert!(first.contains("It is not pressed") && first.contains("It is dark now"), "{first}");
    assert!(first.contains("<dd>down</dd>") && first.contains("The microphone rests"), "{first}");
    assert!(!first.contains("\r\nRefresh:"));

    // It follows what is done with them, as long as somebody watches.
    show.send_replace(Seen { button: Some(true), lamp: Some(true) });
    tell.send_replace(State {
        hook: Some(true),
        card: true,
        lost: 3,
        level_dbm0: Some(-18.4),
        ..State::default()
    });
    let watched = server.get("/board?left=5", &cookie).text;
    assert!(watched.contains("\r\nRefresh: 1; url=/board?left=4\r\n"), "{watched}");
    assert!(watched.contains("It is pressed now") && watched.contains("It is lit now"), "{watched}");
    assert!(
        watched.contains("lifted") && watched.contains("3 times") && watched.contains("hears -18 dB"),
        "{watched}"
    );
    assert!(watched.contains("That is right for a voice"), "{watched}");
    for (level, words) in [(-3.0, "That is too loud"), (-60.0, "That is quiet")] {
        tell.send_replace(State { card: true, level_dbm0: Some(level), ..State::default() });
        assert!(page().contains(words), "{level}");
    }

    // Each try does one thing.
    assert_eq!((attempt("blink").status, attempt("tone").status, attempt("aloud").status), (303, 303, 303));
    assert!(blinks.borrow().is_some());
    let wish = *wished.borrow();
    assert!(wish.aloud && wish.tone_until.is_some());
    assert!(page().contains("Held calls are heard aloud: stop that"));
    attempt("aloud");
    assert!(!wished.borrow().aloud);
    assert_eq!(server.post("/board", &cookie, "", "do=tone").status, 403, "without the form's token");

    // What is missing says what to do.
    show.send_replace(Seen::default());
    tell.send_replace(State::default());
    let refused = attempt("blink");
    assert!(refused.status == 409 && refused.text.contains("There is no lamp to blink"));
    assert_eq!(attempt("tone").status, 409);
    assert_eq!(attempt("sing").status, 409);
    let bare = Server::new();
    let (cookie, _) = bare.log_in();
    let page = bare.get("/board", &cookie).text;
    assert!(
        page.contains("The board has none")
            && page.contains("Name its sound card under Settings")
            && page.contains("Name a sound card under Settings, Loudspeaker on the box"),
        "{page}"
    );
}

#[test]
fn a_loudspeaker_is_tried_on_the_page_without_a_handset() {
    let (tell, state) = watch::channel(State::default());
    let (wishes, wished) = watch::channel(Wish { aloud: true, tone_until: None });
    let board = Front { monitor: Some(handset::Front { state, wishes }), ..Front::default() };
    let server = Server::with(Config { board, ..config() });
    let (cookie, token) = server.log_in();
    let attempt = |what: &str| server.post("/board", &cookie, "", &format!("csrf={token}&do={what}")).status;
    let page = || server.get("/board", &cookie).text;
    assert!(page().contains("<h2>Loudspeaker</h2>") && page().contains("<dd>not there</dd>"));
    assert_eq!(attempt("monitor-tone"), 409, "without its card");
    tell.send_replace(State { card: true, ..State::default() });
    assert_eq!((attempt("monitor-tone"), attempt("monitor-aloud")), (303, 303));
    assert!(wished.borrow().tone_until.is_some() && !wished.borrow().aloud);
    assert_eq!((attempt("tone"), attempt("aloud")), (409, 409), "there is no handset");
}

#[test]
fn a_keypad_that_is_named_and_missing_is_not_there() {
    let (_tell, state) = watch::channel(State { card: true, ..State::default() });
    let (wishes, _wished) = watch::channel(Wish::default());
    let board = Front { handset: Some(handset::Front { state, wishes }), ..Front::default() };
    let server = Server::with(Config { board, ..config() });
    let (cookie, _) = server.log_in();
    let keypad = || {
        let page = server.get("/board", &cookie).text;
        let (_, after) = page.split_once("<dt>Keypad</dt><dd>").unwrap();
        after.split('<').next().unwrap().to_owned()
    };
    assert_eq!(keypad(), "none");
    let mut now = snapshot(vec![]);
    now.troubles = vec!["handset, keypad: no input device is called \"K\", and there is no other".into()];
    server.snapshot.send_replace(std::sync::Arc::new(now));
    assert_eq!(keypad(), "not there");
}
