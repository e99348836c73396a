//! Menus on the page and for programs: what is kept is shown, changed as text and exported; what is wrong is said and
//! nothing is lost.

use super::greeting::{MULTIPART, form, send};
use super::server::{SOON, Server, TOKEN, record};
use hold_slayer::call::{Outcome, Record};
use hold_slayer::slay::book::Book;
use hold_slayer::slay::schedule::{Appointment, Way};
use hold_slayer::slay::text;
use hold_slayer::units::{CallId, Wall};
use serde_json::json;

const FLOW: &str = "name = \"Care\"\n\n[[step]]\ndo = \"dtmf\"\nkeys = \"2\"\n\n[[step]]\ndo = \"hold\"\n";

/// As a form sends it.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02x}")).collect()
}

pub fn known(server: &Server) {
    let mut book = Book::default();
    let flow = text::read("flow", FLOW).unwrap();
    book.keep("+18005550123", flow.clone(), true, Wall(0)).unwrap();
    book.keep("+18005550123", flow, false, Wall(0)).unwrap();
    let entry = book.count("+18005550123", 1, true).unwrap();
    let store = server.store.as_ref().unwrap();
    store.put_flows(&entry).unwrap();
    let at = Wall(4_000_000_000_000);
    let ways =
        [Way::Known, Way::Wish("my bill".into()), Way::Task("Ask when they open".into()), Way::Version(1)];
    let planned = (7..).zip(ways).map(|(id, way)| Appointment { id, number: "1777".into(), at, way });
    store.put_schedule(&planned.collect::<Vec<_>>()).unwrap();
    assert!(store.flush(SOON));
}

#[test]
fn the_history_knows_companies_by_name_and_how_calls_ended() {
    let server = Server::new();
    known(&server);
    let store = server.store.as_ref().unwrap();
    // The flow's number in full, as a household may dial it.
    let outcome = Outcome::CapReached;
    store.put(&Record { id: CallId(20), outcome, number: "18005550123".into(), ..record(1) }).unwrap();
    assert!(store.flush(SOON));
    let (cookie, _) = server.log_in();
    let ids = |query: &str| {
        let page = server.get(&format!("/history{query}"), &cookie);
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        let ids = page.text.split("href=\"/calls/").skip(1).map(|rest| rest.split('"').next().unwrap());
        (ids.map(|id| id.parse().unwrap()).collect::<Vec<u64>>(), page.text)
    };
    let (all, page) = ids("");
    assert_eq!((all[0], all.len()), (20, 10));
    assert_eq!(page.matches("<b translate=\"no\">Care</b> 18005550123").count(), 1, "{page}");
    for (query, expected) in [
        ("?number=cARE", vec![20]),
        ("?number=Cared", vec![]),
        ("?outcome=slain", vec![6, 1]),
        ("?number=care&outcome=cap_reached", vec![20]),
        ("?number=care&outcome=slain", vec![]),
        ("?number=thank+you&outcome=slain", vec![1]),
    ] {
        assert_eq!(ids(query).0, expected, "{query}");
    }
    let (none, page) = ids("?outcome=pre_empted");
    assert!(none.is_empty() && page.contains("No call ended so."), "{page}");
    assert!(page.contains("<option value=\"pre_empted\" selected>"), "{page}");
    let call = server.get("/calls/20", &cookie).text;
    assert!(call.contains("<h1><span translate=\"no\">Care</span> <span>18005550123</span></h1>"), "{call}");
    let found = server.ask("/api/v1/history?company=CARE").json();
    assert_eq!((&found["calls"][0]["company"], &found["calls"][0]["id"]), (&json!("Care"), &json!(20)));
    assert_eq!(found["calls"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.ask("/api/v1/history?limit=2").json()["calls"][1]["company"], json!(null));
}

#[test]
fn flows_are_listed_changed_as_text_and_exported() {
    let server = Server::new();
    known(&server);
    assert_eq!(server.get("/flows", "").status, 303, "not without a login");
    let (cookie, _) = server.log_in();
    let list = server.get("/flows", &cookie);
    assert_eq!(list.status, 200, "{}", list.text);
    for words in [
        "18005550123",
        "Version 2",
        "Care",
        "Offered",
        "In use",
        "worked 1 of 1 times",
        "not used yet",
        "1777",
        "Wanted: <span translate=\"no\">my bill",
        "The assistant's task: <span translate=\"no\">Ask when they open",
        "By version 1 of its flow",
        "2096",
    ] {
        assert!(list.text.contains(words), "{words}: {}", list.text);
    }
    let one = server.get("/flows/version?number=18005550123&version=1", &cookie);
    for words in ["Press 2.", "Hold the line until", "keys = &quot;2&quot;", "<textarea", "Call with it"] {
        assert!(one.text.contains(words), "{words}: {}", one.text);
    }
    let file = server.get("/flows/file?number=18005550123&version=1", &cookie);
    assert!(file.text.ends_with(FLOW), "{}", file.text);
    assert_eq!(file.field("content-disposition"), Some("attachment; filename=\"flow-18005550123-1.toml\""));
    assert_eq!(server.get("/flows/file?number=1999", &cookie).status, 404);
    assert_eq!(server.get("/flows/version?number=18005550123&version=x", &cookie).status, 400);
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
    assert_eq!(post("/calls", "number=1800&mode=hold_slayer&flow=1").status, 303);
    assert_eq!(post("/planned", "number=1%20800&at=08:00").status, 303);
    assert_eq!(post("/planned/forget", "id=7").status, 303);
    let late = post("/planned", "number=1800&at=tomorrow");
    assert!(late.status == 400 && late.text.contains("08:00"), "{}", late.text);
    assert_eq!(
        server.post("/planned", &cookie, "", "number=1800").status,
        403,
        "not without the form's token"
    );
}

#[test]
fn a_flow_that_a_box_exported_is_brought_as_a_file() {
    let server = Server::new();
    let (cookie, csrf) = server.log_in();
    let bring = |csrf: &str, number: &str, file: &[u8]| {
        let fields = [("csrf", csrf.as_bytes()), ("number", number.as_bytes()), ("file", file)];
        let head = format!("POST /flows/import HTTP/1.1\r\nCookie: {cookie}\r\n{MULTIPART}");
        let (status, words) = send(&server, &head, &form(&fields));
        (status, String::from_utf8_lossy(&words).into_owned())
    };
    assert!(server.get("/flows", &cookie).text.contains("enctype=\"multipart/form-data\""));
    assert_eq!(bring("", "1800", FLOW.as_bytes()).0, 403, "our form only");
    assert_eq!(bring(&csrf, "1 800", FLOW.as_bytes()).0, 303);
    let (status, words) = bring(&csrf, "1800", b"");
    assert!(status == 400 && words.contains("The flow is empty"), "{words}");
    // What is wrong stands in the field, to be put right there.
    let (status, words) = bring(&csrf, "1800", &FLOW.replace("\"2\"", "\"x\"").into_bytes());
    assert!(status == 400 && words.contains("keys = &quot;x&quot;"), "{words}");
    let (status, words) = bring(&csrf, "1800", &[b'#'; 300 * 1024]);
    assert!(status == 413, "{words}");
    assert_eq!(server.get("/flows/import", &cookie).status, 405);
}

#[test]
fn programs_read_keep_and_remove_flows_and_plan_calls() {
    let server = Server::new();
    known(&server);
    let list = server.ask("/api/v1/flows").json();
    let versions = &list["flows"][0]["versions"];
    assert_eq!((&list["flows"][0]["number"], &versions[0]["successes"]), (&json!("+18005550123"), &json!(1)));
    assert_eq!((&versions[0]["standing"], &versions[1]["standing"]), (&json!("offered"), &json!("default")));
    let file = server.ask("/api/v1/flows/file?number=18005550123&version=1").json();
    assert_eq!((&file["version"], &file["flow"]), (&json!(1), &json!(FLOW)));
    assert_eq!(server.ask("/api/v1/flows/file?number=18005550123").json()["version"], 2);
    let planned = server.ask("/api/v1/planned").json();
    assert_eq!(planned["planned"][0]["id"], 7);
    assert_eq!(planned["planned"][0]["flow"], "known");
    let flow = json!({ "number": "1800", "flow": FLOW }).to_string();
    for (path, body, status) in [
        ("/api/v1/flows", flow.as_str(), 200),
        ("/api/v1/flows", r#"{"number":"1800","flow":"[[step]]"}"#, 409),
        ("/api/v1/flows/remove", r#"{"number":"1800","version":1}"#, 200),
        ("/api/v1/flows", r#"{"number":"18005550123","flow":" "}"#, 409),
        ("/api/v1/flows/remove", r#"{"version":1}"#, 400),
        ("/api/v1/flows/remove", r#"{"number":"","version":1}"#, 400),
        ("/api/v1/planned", r#"{"number":"1800","at":"08:00","flow":"none"}"#, 200),
        ("/api/v1/planned", r#"{"number":"1800","at":"noon"}"#, 409),
        ("/api/v1/planned", r#"{"number":"sip:a@b","at":"08:00"}"#, 400),
        ("/api/v1/planned/forget", r#"{"id":7}"#, 200),
        ("/api/v1/calls", r#"{"number":"1800","mode":"hold_slayer","flow":2}"#, 201),
        ("/api/v1/calls", r#"{"number":"1800","mode":"hold_slayer","flow":"best"}"#, 400),
    ] {
        let reply = server.order(path, TOKEN, body);
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.text);
    }
    assert_eq!(server.ask("/api/v1/flows/file?number=1999").status, 404);
}
