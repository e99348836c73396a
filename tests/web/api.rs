//! The interface for programs: tokens, scopes, limits, problems, events.

use crate::server::{Server, TOKEN, connect};
use hold_slayer::call::{Event, Happened};
use hold_slayer::limits::WEB_EVENTS;
use hold_slayer::units::{CallId, Wall};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn happened(call: Option<u64>, event: Event) -> Happened {
    Happened { at: Wall(7), call: call.map(CallId), event }
}

/// A stream of events, up to the end of its head.
fn stream(server: &Server, query: &str, fields: &str) -> BufReader<TcpStream> {
    let mut socket = connect(server.addr());
    let head = format!(
        "GET /api/v1/events/stream{query} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n{fields}\r\n",
        server.addr()
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200") || line.starts_with("HTTP/1.1 101"), "{line}");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    reader
}

/// The next event: its name and data.
fn next(reader: &mut impl BufRead) -> (String, Value) {
    let (mut name, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the stream has ended");
        if let Some(rest) = line.strip_prefix("event: ") {
            name = rest.trim().to_owned();
        } else if let Some(rest) = line.strip_prefix("data: ") {
            return (name, serde_json::from_str(rest).unwrap());
        }
    }
}

#[test]
fn a_token_opens_what_its_scopes_say_and_no_more() {
    let server = Server::new();
    let (cookie, csrf) = server.log_in();
    let made = server.post("/access", &cookie, "", &format!("csrf={csrf}&name=Display&scope=read"));
    let token =
        made.text.split("<code class=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(token.starts_with("hs_") && token.len() == 35, "{token}");
    assert!(!server.get("/access", &cookie).text.contains(&token), "shown once");
    let get = |path: &str, token: &str| {
        let fields = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n",
            server.addr()
        );
        server.raw(fields).status
    };
    assert_eq!(get("/api/v1/status", &token), 200);
    assert_eq!(get("/api/v1/phones", &token), 403, "settings are another scope");
    assert_eq!(get("/api/v1/calls/1/recordings", &token), 403);
    assert_eq!(server.order("/api/v1/calls/9/hangup", &token, "").status, 403);
    assert_eq!(server.order("/api/v1/calls/9/hangup", TOKEN, "").status, 200);
    assert_eq!(get("/", &token), 403, "the page is for people");
    assert_eq!((get("/api/v1/status", "hs_guessed"), get("/api/v1/status", "")), (401, 401));
    // What is kept does not open anything.
    let kept = server.store.as_ref().unwrap().tokens().unwrap();
    assert_eq!((kept.len(), kept[0].name.as_str()), (1, "Display"));
    assert!(!format!("{kept:?}").contains(&token));
    let gone = server.post("/access/remove", &cookie, "", &format!("csrf={csrf}&id={}", kept[0].id));
    assert_eq!((gone.status, get("/api/v1/status", &token)), (303, 401));
}

#[test]
fn tokens_are_made_by_the_page_alone() {
    let server = Server::new();
    let (cookie, csrf) = server.log_in();
    for (body, status) in [
        (format!("csrf={csrf}&name=&scope=read"), 400),
        (format!("csrf={csrf}&name=x"), 400),
        ("name=x&scope=read".into(), 403),
    ] {
        assert_eq!(server.post("/access", &cookie, "", &body).status, status, "{body}");
    }
    assert_eq!(server.order("/access", TOKEN, "name=x&scope=read").status, 403);
    assert_eq!(server.store.as_ref().unwrap().tokens().unwrap(), []);
}

#[test]
fn a_call_is_placed_and_mistakes_are_problems_that_say_what_to_do() {
    let server = Server::new();
    let placed = server.order("/api/v1/calls", TOKEN, r#"{"number":"18005550123","mode":"hold_slayer"}"#);
    assert_eq!((placed.status, placed.json()), (201, json!({ "call": 10 })));
    let led = r#"{"number":"18005550123","mode":"ai_assisted","task":"Ask when they open"}"#;
    assert_eq!(server.order("/api/v1/calls", TOKEN, led).status, 201);
    let loud = server.order("/api/v1/calls", TOKEN, r#"{"number":"1","mode":"loud"}"#);
    assert!(loud.text.contains("one of `direct`, `hold_slayer`, `ai_assisted`"), "{}", loud.text);
    let form = server.post("/api/v1/calls", "", &format!("Authorization: Bearer {TOKEN}\r\n"), "number=1");
    assert_eq!(form.status, 415);
    for (path, body, status) in [
        ("/api/v1/calls", r#"{"number":"911"}"#, 409),
        ("/api/v1/calls", r#"{"number":"sip:a@b"}"#, 400),
        ("/api/v1/calls", r#"{"number":"1","mode":"loud"}"#, 400),
        ("/api/v1/calls", r#"{"number":"1","extra":1}"#, 400),
        ("/api/v1/calls", r#"{"number":"1","mode":"ai_assisted"}"#, 409),
        ("/api/v1/calls", r#"{"number":"1","mode":"ai_assisted","task":"4"}"#, 400),
        ("/api/v1/calls", r#"{"number":"1","mode":"hold_slayer","task":"Ask when they open"}"#, 409),
        ("/api/v1/calls", "{", 400),
        ("/api/v1/calls/9/dtmf", r#"{"digits":"1x"}"#, 400),
        ("/api/v1/calls/404/hangup", "", 409),
        ("/api/v1/status", "", 405),
        ("/api/v1/nothing", "", 404),
    ] {
        let reply = server.order(path, TOKEN, body);
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.text);
        assert_eq!(reply.field("content-type"), Some("application/problem+json"), "{path} {body}");
        assert!(reply.json()["detail"].as_str().unwrap().len() > 10, "{}", reply.text);
    }
    assert_eq!(server.order("/api/v1/status", TOKEN, "").field("allow"), Some("GET, HEAD"));
    for query in ["limit=0", "limit=x", "limit=1&limit=1", "before=-1", "unknown=1", "outcome=odd"] {
        assert_eq!(server.ask(&format!("/api/v1/history?{query}")).status, 400, "{query}");
    }
}

#[test]
fn too_many_requests_and_calls_are_refused_for_a_while() {
    let server = Server::new();
    let calls: Vec<u16> =
        (0..11).map(|_| server.order("/api/v1/calls", TOKEN, r#"{"number":"1"}"#).status).collect();
    assert_eq!((calls[..10].iter().all(|status| *status == 201), calls[10]), (true, 429));
    let refused = (0..2000).map(|_| server.ask("/api/v1/devices")).find(|reply| reply.status == 429);
    let refused = refused.expect("there is a limit");
    assert!(
        refused.field("retry-after").is_some() && refused.text.contains("Try again in"),
        "{}",
        refused.text
    );
}

#[test]
fn the_history_is_searched_and_added_up() {
    let server = Server::new();
    let found = server.ask("/api/v1/history?number=0800%20330%201037").json();
    assert_eq!((found["calls"].as_array().unwrap().len(), &found["calls"][0]["id"]), (1, &json!(1)));
    let slain = server.ask("/api/v1/history?outcome=slain&limit=1").json();
    assert_eq!((&slain["calls"][0]["id"], &slain["next"]), (&json!(6), &json!(6)));
    let sum = server.ask("/api/v1/statistics").json();
    assert_eq!((&sum["calls"], &sum["held"], &sum["slain"]), (&json!(8), &json!(4), &json!(2)), "{sum}");
    let (cookie, _) = server.log_in();
    let page = server.get("/statistics", &cookie);
    assert!(page.status == 200 && page.text.contains("54 min"), "{}", page.text);
    let said = server.get("/history?number=you%20for%20HOLD", &cookie);
    assert!(said.text.contains("/calls/1\"") && !said.text.contains("/calls/2\""), "{}", said.text);
    assert!(server.get("/calls/1", &cookie).text.contains("Thank you for holding."));
    let transcript = server.ask("/api/v1/calls/1/transcript").json();
    assert_eq!(transcript["transcript"][0]["by"], "line", "{transcript}");
    assert_eq!(server.ask("/api/v1/history?said=never%20said").json()["calls"], serde_json::json!([]));
    let page = server.get("/history?number=1037", &cookie);
    assert!(page.text.contains("/calls/1\"") && !page.text.contains("/calls/3\""), "{}", page.text);
}

#[test]
fn events_are_listed_streamed_filtered_and_resumed() {
    let server = Server::new();
    server.journal.write(happened(Some(7), Event::CallConnected));
    server.journal.write(happened(Some(7), Event::HoldDetected));
    server.journal.write(happened(Some(8), Event::CallConnected));
    let all = server.ask("/api/v1/events").json();
    let kinds: Vec<&str> =
        all["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["call.connected", "hold.detected", "call.connected"]);
    let first = all["events"][0]["id"].as_u64().unwrap();
    let some = server.ask(&format!("/api/v1/events?types=call&call=8&after={first}")).json();
    for none in ["", ",", "%20,"] {
        assert_eq!(server.ask(&format!("/api/v1/events?types={none}")).status, 400, "{none:?}");
    }
    for same in ["call,", "%20call%20,%20hold.survey"] {
        let again = server.ask(&format!("/api/v1/events?types={same}&call=8&after={first}")).json();
        assert_eq!(again["events"], some["events"], "{same}");
    }
    assert_eq!(some["events"].as_array().unwrap().len(), 1, "{some}");
    let mut live = stream(&server, "?types=hold,system", "");
    let mut again = stream(&server, "", &format!("Last-Event-ID: {first}\r\n"));
    assert_eq!(next(&mut again).0, "hold.detected");
    assert_eq!(next(&mut again).1["call"], 8);
    // A stream without an id begins with what comes after it: until the first is seen, something is sent again.
    let seen = std::sync::atomic::AtomicBool::new(false);
    let writes = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut writes = 0;
            while !seen.load(std::sync::atomic::Ordering::Relaxed) {
                server.journal.write(happened(None, Event::CallRinging));
                server.journal.write(happened(None, Event::HumanDetected));
                writes += 1;
                std::thread::yield_now();
            }
            writes
        });
        let (name, data) = next(&mut live);
        seen.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!((name.as_str(), &data["type"]), ("hold.human_detected", &json!("hold.human_detected")));
        writer.join().unwrap()
    });
    assert!(writes > 0);
    assert_eq!(server.ask("/api/v1/events/stream?call=x").status, 400);
    let unknown = server.ask("/api/v1/events/stream?types=hold,holds");
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.contains("There are call, call.started,"), "{}", unknown.text);
    let described = server.ask("/api/v1/openapi.json").text;
    assert!(described.contains("hold.human_detected"), "the types stand in the description");
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// An unmasked frame, RFC 6455 §5.2: its first octet and what it carries.
fn frame(socket: &mut BufReader<TcpStream>) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    socket.read_exact(&mut head).unwrap();
    let length = match head[1] {
        126 => {
            let mut long = [0; 2];
            socket.read_exact(&mut long).unwrap();
            usize::from(u16::from_be_bytes(long))
        }
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    socket.read_exact(&mut payload).unwrap();
    (head[0], payload)
}

/// More than a reader who does not read can leave on the way.
fn flood(server: &Server) {
    for _ in 0..WEB_EVENTS * 5 / 2 {
        server.journal.write(happened(None, Event::Trouble { words: "x".repeat(16_000) }));
    }
}

#[test]
fn who_does_not_read_is_told_so_when_he_does() {
    let server = Server::new();
    let mut slow = stream(&server, "", "");
    let mut socket = stream(&server, "", UPGRADE);
    flood(&server);
    let mut seen = 0;
    let dropped = loop {
        match next(&mut slow) {
            (name, data) if name == "stream.dropped" => break data,
            _ => seen += 1,
        }
    };
    assert!(seen <= WEB_EVENTS && dropped["lost"].as_u64().unwrap() > 0, "{seen} {dropped}");
    assert!(dropped["words"].as_str().unwrap().contains("connect again"), "{dropped}");
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert!(rest.iter().all(u8::is_ascii_whitespace), "and that is the end");
    loop {
        let (first, payload) = frame(&mut socket);
        assert_ne!(first, 0x88, "he is told before it is closed");
        let told: Value = serde_json::from_slice(&payload).unwrap_or_default();
        if told["type"] == "stream.dropped" {
            break;
        }
    }
    assert_eq!(frame(&mut socket).0, 0x88, "closed");
}

#[test]
fn a_websocket_goes_on_after_the_event_that_it_knows() {
    let server = Server::new();
    for event in [Event::CallRinging, Event::CallConnected, Event::HoldDetected] {
        server.journal.write(happened(Some(7), event));
    }
    let all = server.ask("/api/v1/events").json();
    let id = all["events"][1]["id"].as_u64().unwrap();
    for (query, fields) in
        [(format!("?after={id}"), String::new()), (String::new(), format!("Last-Event-ID: {id}\r\n"))]
    {
        let mut socket = stream(&server, &query, &format!("{UPGRADE}{fields}"));
        let (_, payload) = frame(&mut socket);
        let told: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((&told["type"], &told["id"]), (&json!("hold.detected"), &json!(id + 1)), "{told}");
    }
}

#[test]
fn another_page_reads_no_events_with_the_owners_cookie() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    let here = server.addr();
    let other_port = format!("http://127.0.0.1:{}", here.port() ^ 1);
    let ask = |path: &str, fields: &str| {
        let mut socket = server.connect();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {here}\r\nCookie: {cookie}\r\n{fields}\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line).unwrap();
        line.split(' ').nth(1).unwrap().to_owned()
    };
    for path in ["/api/v1/events/stream", "/events"] {
        let upgrade = if path == "/events" { "" } else { UPGRADE };
        let went = if path == "/events" { "200" } else { "101" };
        let own = format!("Origin: http://{here}\r\n");
        assert_eq!(
            (ask(path, upgrade), ask(path, &format!("{own}{upgrade}"))),
            (went.to_owned(), went.to_owned())
        );
        for foreign in
            [&format!("Origin: {other_port}\r\n"), "Origin: null\r\n", "Sec-Fetch-Site: same-site\r\n"]
        {
            assert_eq!(ask(path, &format!("{foreign}{upgrade}")), "403", "{path} {foreign}");
        }
    }
    // A program's token is sent by no browser of itself.
    let mut socket = stream(&server, "?after=1", &format!("{UPGRADE}Origin: {other_port}\r\n"));
    assert_eq!(frame(&mut socket).0, 0x81);
}

#[test]
fn events_come_over_websocket_too() {
    let server = Server::new();
    server.journal.write(happened(Some(7), Event::HoldDetected));
    let upgrade = UPGRADE;
    let mut socket = stream(&server, "?after=1", upgrade);
    // What was missed, and the event.
    let (first, payload) = frame(&mut socket);
    let told: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((first, &told["type"]), (0x81, &json!("stream.gap")));
    let (_, payload) = frame(&mut socket);
    let told: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&told["type"], &told["call"]), (&json!("hold.detected"), &json!(7)));
    // A masked ping is answered by a pong with the same payload.
    socket.get_mut().write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).unwrap();
    let mut pong = [0; 4];
    socket.read_exact(&mut pong).unwrap();
    assert_eq!(pong, [0x8A, 2, b'h', b'i']);
    let without_token =
        server.raw(format!("GET /api/v1/events/stream HTTP/1.1\r\nHost: {}\r\n{upgrade}\r\n", server.addr()));
    assert_eq!(without_token.status, 401, "{}", without_token.text);
}

#[test]
fn the_description_names_every_operation_and_resolves() {
    let server = Server::new();
    let reply = server.raw(format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr()));
    assert_eq!(reply.status, 200);
    let document = reply.json();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let pointer = format!("/{reference}");
        assert!(document.pointer(&pointer).is_some(), "{pointer} leads nowhere");
    }
    // Each operation is there, and needs a token but for the description itself.
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = format!("/api/v1{}", path.replace("{id}", "1").replace("{name}", "both"));
            let bare = match method.as_str() {
                "get" => server.raw(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr())).status,
                _ => server.post(&path, "", "", "").status,
            };
            let expected = if operation["security"] == json!([]) { 200 } else { 401 };
            assert_eq!(bare, expected, "{method} {path}");
        }
    }
}
