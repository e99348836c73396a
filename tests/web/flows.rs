//! The page of menus: what is kept is shown, changed as text and exported; what is wrong is said and nothing is lost.

use super::server::{SOON, Server};
use hold_slayer::slay::book::Book;
use hold_slayer::slay::schedule::{Appointment, Way};
use hold_slayer::slay::text;
use hold_slayer::units::Wall;

const FLOW: &str = "name = \"Care\"\n\n[[step]]\ndo = \"dtmf\"\nkeys = \"2\"\n\n[[step]]\ndo = \"hold\"\n";

/// As a form sends it.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02x}")).collect()
}

fn known(server: &Server) {
    let mut book = Book::default();
    let flow = text::read("flow", FLOW).unwrap();
    book.keep("18005550123", flow.clone(), true, Wall(0)).unwrap();
    book.keep("18005550123", flow, false, Wall(0)).unwrap();
    let entry = book.count("18005550123", 1, true).unwrap();
    let store = server.store.as_ref().unwrap();
    store.put_flows(&entry).unwrap();
    let at = Wall(4_000_000_000_000);
    store.put_schedule(&[Appointment { id: 7, number: "1777".into(), at, way: Way::Known }]).unwrap();
    assert!(store.flush(SOON));
}

#[test]
fn flows_are_listed_changed_as_text_and_exported() {
    let server = Server::new();
    known(&server);
    assert_eq!(server.get("/flows", "").status, 303, "not without a login");
    let (cookie, _) = server.log_in();
    let list = server.get("/flows", &cookie);
    assert_eq!(list.status, 200, "{}", list.text);
    for words in
        ["18005550123", "Version 2, Care", "Offered", "In use", "worked 1 of 1 times", "1777", "2096"]
    {
        assert!(list.text.contains(words), "{words}: {}", list.text);
    }
    let edit = server.get("/flows/edit?number=18005550123&version=1", &cookie);
    assert!(edit.text.contains("keys = &quot;2&quot;") && edit.text.contains("<textarea"), "{}", edit.text);
    let export = server.get("/flows/export?number=18005550123&version=1", &cookie);
    assert!(export.text.ends_with(FLOW), "{}", export.text);
    assert_eq!(export.field("content-disposition"), Some("attachment; filename=\"flow-18005550123-1.toml\""));
    assert_eq!(server.get("/flows/export?number=1999", &cookie).status, 404);
    let json = server.get("/api/v1/flows", &cookie).text;
    for words in ["\"standing\":\"default\"", "\"successes\":1", "\"number\":\"1777\""] {
        assert!(json.contains(words), "{words}: {json}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_what_was_written_stays() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let post = |path: &str, fields: &str| server.post(path, &cookie, "", &format!("csrf={token}&{fields}"));
    let wrong = encoded("[[step]]\ndo = \"dtmf\"\nkeys = \"x\"\n");
    let reply = post("/flows", &format!("number=1800&flow={wrong}"));
    assert_eq!(reply.status, 400);
    for words in
        ["flow:3: [[step]] keys = &quot;x&quot;", "1 to 32 of 0-9", "value=\"1800\"", "do = &quot;dtmf&quot;"]
    {
        assert!(reply.text.contains(words), "{words}: {}", reply.text);
    }
    assert_eq!(post("/flows", &format!("number=1800&flow={}", encoded(FLOW))).status, 303);
    assert_eq!(post("/flows/remove", "number=1800&version=1").status, 303);
    assert_eq!(post("/slay", "number=1800").status, 303);
    assert_eq!(post("/slay", "number=1800&at=08:00").status, 303);
    assert_eq!(post("/slay/forget", "id=7").status, 303);
    let late = post("/slay", "number=1800&at=tomorrow");
    assert!(late.status == 400 && late.text.contains("08:00"), "{}", late.text);
    assert_eq!(server.post("/slay", &cookie, "", "number=1800").status, 403, "not without the form's token");
    let api =
        server.post("/api/v1/slay", &cookie, &format!("X-CSRF-Token: {token}\r\n"), "number=1800&flow=none");
    assert!(api.status == 200 && api.text.contains("\"done\":true"), "{}", api.text);
    let api = server.post("/api/v1/slay", &cookie, &format!("X-CSRF-Token: {token}\r\n"), "flow=best");
    assert_eq!(api.status, 400);
}
