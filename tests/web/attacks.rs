//! What kills or fools the server behind the gate if it comes through. After each the page still works.

use crate::server::{Reply, Server, config};
use hold_slayer::call::Snapshot;
use hold_slayer::limits::{WEB_BODY_BYTES, WEB_CONNECTIONS, WEB_STREAMS};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn works(server: &Server) {
    assert_eq!(server.get("/login", "").status, 200);
}

#[test]
fn lengths_and_codings_that_lie_are_refused() {
    let server = Server::new();
    let post = |fields: &str, body: &str| {
        server.raw(format!("POST /login HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}")).status
    };
    let cases = [
        ("64 GB", post("Content-Length: 68719476736\r\n", "x"), 413),
        ("usize::MAX", post(&format!("Content-Length: {}\r\n", usize::MAX), "x"), 413),
        ("beyond usize", post("Content-Length: 340282366920938463463374607431768211456\r\n", "x"), 413),
        ("a negative one", post("Content-Length: -1\r\n", "x"), 400),
        ("two lengths", post("Content-Length: 1\r\nContent-Length: 10\r\n", "x"), 400),
        ("two in one", post("Content-Length: 1, 1\r\n", "x"), 400),
        ("no length, so no body", post("", "x"), 403),
        ("chunked", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 501),
        (
            "chunked and a length",
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            501,
        ),
        ("an odd coding", post("Transfer-Encoding: xchunked\r\n", "x"), 501),
        ("a space before the colon", post("Content-Length : 1\r\n", "x"), 400),
        ("a folded line", post("X: a\r\n Content-Length: 1\r\n", "x"), 400),
        ("a body one too long", post(&format!("Content-Length: {}\r\n", WEB_BODY_BYTES + 1), "x"), 413),
    ];
    for (name, status, expected) in cases {
        assert_eq!(status, expected, "{name}");
    }
    works(&server);
}

#[test]
fn a_second_request_hidden_in_the_first_is_not_answered() {
    let server = Server::new();
    let hidden = "GET /assets/page.js HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let reply = server.raw(format!("GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n{hidden}"));
    assert_eq!(reply.text.matches("HTTP/1.1 ").count(), 1, "{}", reply.text);
    let reply =
        server.raw(format!("POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n{hidden}"));
    assert_eq!(reply.text.matches("HTTP/1.1 ").count(), 1, "{}", reply.text);
    works(&server);
}

#[test]
fn line_breaks_do_not_reach_the_headers() {
    let server = Server::new();
    for path in
        ["/login?token=%0d%0aSet-Cookie:%20a=b", "/history?before=%0d%0aX-Evil:%201", "/%0d%0aX-Evil:1"]
    {
        let reply = server.get(path, "");
        assert!(
            reply.field("x-evil").is_none() && reply.field("set-cookie").is_none(),
            "{path}: {}",
            reply.text
        );
    }
    let reply = server.get("/", "a=b\r\nX-Gate: forged 1.2.3.4\r\nX: y");
    assert_eq!(reply.status, 303, "a forged stamp is not taken");
    works(&server);
}

#[test]
fn a_head_without_end_is_cut_off() {
    let server = Server::new();
    let huge = vec![b'a'; 1024 * 1024];
    let mut line = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".to_vec();
    line.extend_from_slice(&huge);
    assert_eq!(server.raw(&line).status, 431);
    assert_eq!(server.raw([&b"GET /"[..], &huge].concat()).status, 431);
    let many = "A: b\r\n".repeat(500);
    assert_eq!(server.raw(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")).status, 431);
    assert_eq!(server.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").status, 400, "TLS");
    works(&server);
}

#[test]
fn who_dawdles_is_shown_out() {
    let server = Server::new();
    let begun = Instant::now();
    let mut slow_head = server.connect();
    slow_head.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
    let mut slow_body = server.connect();
    slow_body
        .write_all(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\npass")
        .unwrap();
    assert_eq!(Reply::read(slow_head).status, 408);
    assert_eq!(Reply::read(slow_body).status, 408);
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    works(&server);
}

#[test]
fn idle_connections_give_way() {
    let server = Server::new();
    let idle: Vec<TcpStream> = (0..4 * WEB_CONNECTIONS).map(|_| server.connect()).collect();
    works(&server);
    drop(idle);
    works(&server);
}

#[test]
fn ten_thousand_connections_leave_room_for_the_owner() {
    let server = Server::new();
    let mut open = std::collections::VecDeque::new();
    for n in 0..10_000 {
        // Some say nothing, some begin a request and stop.
        let mut stream = server.connect();
        if n % 2 == 0 {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ");
        }
        open.push_back(stream);
        if open.len() > 300 {
            open.pop_front();
        }
    }
    works(&server);
    drop(open);
    works(&server);
}

#[test]
fn streams_are_few_and_their_places_come_back() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    let open = || {
        let mut stream = server.connect();
        write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n").unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        (String::from_utf8_lossy(&first[9..]).into_owned(), stream)
    };
    let mut streams: Vec<TcpStream> = (0..WEB_STREAMS)
        .map(|_| {
            let (status, stream) = open();
            assert_eq!(status, "200");
            stream
        })
        .collect();
    assert_eq!(open().0, "503");
    works(&server);
    streams.pop();
    // The place is free once the next event has met the closed connection.
    let begun = Instant::now();
    while open().0 != "200" {
        assert!(begun.elapsed().as_secs() < 20, "the place did not come back");
        server.snapshot.send_modify(|_| {});
    }
}

#[test]
fn who_asks_for_events_and_does_not_read_them_is_dropped() {
    let mut config = config();
    config.patience.idle = Duration::from_millis(300);
    let server = Server::with(config);
    let (cookie, _) = server.log_in();
    let ask = format!("GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    let deaf: Vec<TcpStream> = (0..WEB_STREAMS)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(ask.as_bytes()).unwrap();
            stream
        })
        .collect();
    let much = Snapshot { troubles: vec!["x".repeat(2_000_000)], ..Snapshot::default() };
    let begun = Instant::now();
    loop {
        server.snapshot.send_replace(Arc::new(much.clone()));
        let mut stream = server.connect();
        stream.write_all(ask.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        if first.ends_with(b"200") {
            break;
        }
        assert!(begun.elapsed().as_secs() < 20, "no place came free");
    }
    drop(deaf);
    works(&server);
}

#[test]
fn only_our_own_names_are_answered() {
    let server = Server::new();
    let status = |host: &str| server.raw(format!("GET /login HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for host in ["localhost", "127.0.0.1", "holdslayer.local:80", "phone.example"] {
        assert_eq!(status(host).status, 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "192.0.2.1"] {
        let reply = status(host);
        assert_eq!(reply.status, 421, "{host}");
        assert!(reply.text.contains("web.names"), "says what to do");
    }
    assert_eq!(server.raw("GET /login HTTP/1.1\r\n\r\n").status, 400);
}

#[test]
fn noise_does_not_hurt() {
    let server = Server::new();
    let mut seed = 1_u64;
    let whole = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\nCookie: a=b\r\n\r\npassword";
    let mut noisy = Vec::new();
    for _ in 0..300 {
        let mut bytes = whole.as_bytes().to_vec();
        for _ in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            match seed >> 60 {
                0..=5 => bytes[at] = (seed >> 40) as u8,
                6..=9 => drop(bytes.remove(at)),
                10..=13 => bytes.insert(at, (seed >> 48) as u8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let mut stream = server.connect();
        let _ = stream.write_all(&bytes);
        noisy.push(stream);
        if noisy.len() > 30 {
            noisy.clear();
        }
    }
    drop(noisy);
    works(&server);
}
