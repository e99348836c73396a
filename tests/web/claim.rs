//! A finger on the box, or a code that it printed, chooses the page's password.

use crate::server::{PASSWORD, Server, config};
use hold_slayer::clock;
use hold_slayer::web::{Claim, Config};
use tokio::sync::watch;

/// A box whose page somebody has, and its button.
fn claimed() -> (Server, &'static str, watch::Sender<Option<Claim>>) {
    let (button, claims) = watch::channel(None);
    let server = Server::with(Config { password: None, claims, ..config() });
    server.let_in();
    (server, PASSWORD, button)
}

fn press(button: &watch::Sender<Option<Claim>>, forget: bool) {
    button.send_replace(Some(Claim { at: clock::now(), forget }));
}

#[test]
fn without_a_press_nobody_claims() {
    let (server, ..) = claimed();
    assert!(
        server.get("/login", "").text.contains("hold-slayer ctl claim"),
        "whoever forgot is told what to do"
    );
    let reply = server.post("/claim", "", "", "password=mine-from-now-on");
    assert_eq!(reply.status, 403);
    assert!(reply.text.contains("hold-slayer ctl claim"), "{}", reply.text);
}

#[test]
fn guessing_the_code_is_slowed_as_guessing_the_password_is() {
    let server = Server::with(Config { password: None, ..config() });
    let login = server.get("/login", "").text;
    assert!(login.contains("Your new box") && !login.contains("action=\"/login\""), "{login}");
    let guess = || server.post("/claim", "", "", "code=aaaa-aaaa&password=mine-from-now-on");
    for _ in 0..3 {
        assert_eq!(guess().status, 403);
    }
    let reply = guess();
    assert_eq!(reply.status, 429);
    assert!(reply.field("retry-after").is_some());
    let code = server.web.claim_code.as_deref().unwrap();
    let right = server.post("/claim", "", "", &format!("code={code}&password=mine-from-now-on"));
    assert_eq!(right.status, 429, "even the right one waits");
}

#[test]
fn the_first_after_a_press_chooses_and_everybody_else_is_logged_out() {
    let (server, old, button) = claimed();
    let before = server.post("/login", "", "", &format!("password={old}"));
    let before = before.field("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    press(&button, false);
    assert!(server.get("/login", "").text.contains("The button on the box was held"));
    let foreign = "Origin: http://evil.example\r\n";
    assert_eq!(server.post("/claim", "", foreign, "password=mine-from-now-on").status, 403);
    assert_eq!(server.post("/claim", "", "", "password=short").status, 400);
    let reply = server.post("/claim", "", "", "password=mine-from-now-on");
    assert_eq!(reply.status, 303, "{}", reply.text);
    let mine = reply.field("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(server.get("/", &mine).status, 200);
    assert_eq!(server.get("/", &before).status, 303, "logged out");
    assert_eq!(server.post("/claim", "", "", "password=faster-than-you").status, 403, "once a press");
    assert_eq!(server.post("/login", "", "", &format!("password={old}")).status, 403);
    assert_eq!(server.post("/login", "", "", "password=mine-from-now-on").status, 303);
}

#[test]
fn a_press_from_the_start_on_takes_the_old_password_away() {
    let (server, old, button) = claimed();
    press(&button, true);
    assert_eq!(server.post("/login", "", "", &format!("password={old}")).status, 403);
    assert_eq!(server.post("/claim", "", "", "password=mine-from-now-on").status, 303);
    assert_eq!(server.post("/login", "", "", "password=mine-from-now-on").status, 303);
}

#[test]
fn a_password_of_the_file_is_changed_in_the_file() {
    let (button, claims) = watch::channel(None);
    let server = Server::with(Config { claims, ..config() });
    press(&button, false);
    let reply = server.post("/claim", "", "", "password=mine-from-now-on");
    assert_eq!(reply.status, 409);
    assert!(reply.text.contains("hold-slayer.toml"), "{}", reply.text);
    assert_eq!(server.post("/login", "", "", &format!("password={PASSWORD}")).status, 303);
}
