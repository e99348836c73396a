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

/// A box with this password in its file, and what the store of the box before it kept.
fn with_file(password: &str, before: Option<&Server>) -> (Server, watch::Sender<Option<Claim>>) {
    let (button, claims) = watch::channel(None);
    let config = Config { password: Some(password.into()), claims, ..config() };
    (before.map_or_else(|| Server::with(config.clone()), |before| before.again(config.clone())), button)
}

fn enters(server: &Server, password: &str) -> bool {
    server.post("/login", "", "", &format!("password={password}")).status == 303
}

#[test]
fn what_is_claimed_counts_instead_of_the_files_password_until_that_is_changed() {
    let (first, button) = with_file(PASSWORD, None);
    assert!(enters(&first, PASSWORD));
    assert_eq!(first.post("/claim", "", "", "password=mine-from-now-on").status, 403, "no press, no claim");
    press(&button, false);
    assert!(enters(&first, PASSWORD), "a press alone takes nothing away");
    assert_eq!(first.post("/claim", "", "", "password=mine-from-now-on").status, 303);
    assert!(enters(&first, "mine-from-now-on") && !enters(&first, PASSWORD));
    // It lasts; a code of the box claims just so.
    let (second, _button) = with_file(PASSWORD, Some(&first));
    assert!(enters(&second, "mine-from-now-on") && !enters(&second, PASSWORD));
    assert_eq!(second.web.claim_code, None);
    // Whoever writes another one into the file has the last word, and the first one there brings nothing back.
    let (third, _button) = with_file("another-in-the-file", Some(&first));
    assert!(enters(&third, "another-in-the-file") && !enters(&third, "mine-from-now-on"));
    let (fourth, _button) = with_file(PASSWORD, Some(&first));
    assert!(enters(&fourth, PASSWORD) && !enters(&fourth, "mine-from-now-on"));
}

#[test]
fn power_on_with_a_finger_forgets_the_files_password_for_good_too() {
    let (first, button) = with_file(PASSWORD, None);
    let (cookie, _) = first.log_in();
    press(&button, true);
    assert!(!enters(&first, PASSWORD));
    assert_eq!(first.get("/", &cookie).status, 303, "logged out");
    assert_eq!(first.ask("/api/v1/status").status, 401, "nor has a program's token outlived it");
    // Nobody came within ten minutes, and the power went again: it is as new.
    let (second, _button) = with_file(PASSWORD, Some(&first));
    assert!(!enters(&second, PASSWORD));
    let code = second.web.claim_code.clone().unwrap();
    assert!(second.get("/login", "").text.contains("Your new box"));
    let reply = second.post("/claim", "", "", &format!("code={code}&password=mine-from-now-on"));
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert!(enters(&second, "mine-from-now-on") && !enters(&second, PASSWORD));
    // Or somebody writes another one into the file.
    let (third, _button) = with_file("another-in-the-file", Some(&first));
    assert!(enters(&third, "another-in-the-file"));
}

#[test]
fn the_page_itself_leaves_the_files_password_alone() {
    let (server, button) = with_file(PASSWORD, None);
    let (cookie, form) = server.log_in();
    let choose = |cookie: &str, form: &str| {
        server.post("/setup/password", cookie, "", &format!("csrf={form}&password=chosen-at-the-set-up"))
    };
    let reply = choose(&cookie, &form);
    assert_eq!(reply.status, 409);
    assert!(reply.text.contains("hold-slayer.toml"), "{}", reply.text);
    press(&button, false);
    let claimed = server.post("/claim", "", "", "password=mine-from-now-on");
    assert_eq!(claimed.status, 303);
    let (cookie, form) = server.log_in_with("mine-from-now-on");
    assert_eq!(choose(&cookie, &form).status, 303);
    assert!(enters(&server, "chosen-at-the-set-up"));
}
