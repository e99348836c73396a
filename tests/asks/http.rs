//! The client itself: what it takes of an answer, and what it makes of everything else.

use super::stand_in::{Say, StandIn, answers};
use hold_slayer::limits::HTTP_ANSWER_BYTES;
use hold_slayer::net::http::{Client, Failure, Post, Url};
use hold_slayer::net::tls;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn ask(url: &str, limit: Duration) -> Result<Vec<u8>, Failure> {
    let url = Url::parse(url).unwrap();
    let fields = [("Authorization", "Bearer k3y")];
    Client::new(None).unwrap().post(&Post {
        url: &url,
        fields: &fields,
        body: b"{}",
        limit,
        most: HTTP_ANSWER_BYTES,
    })
}

fn told(there: &StandIn, limit: Duration) -> Failure {
    ask(&there.url("/secret-path"), limit).unwrap_err()
}

#[test]
fn a_good_answer_is_taken_whole() {
    let there = answers(&[Say::Whole(200, "[1]".into())]);
    assert_eq!(ask(&there.url("/v1/x?y=z"), SECOND * 30).unwrap(), b"[1]");
    let seen = there.next();
    assert!(seen.head.starts_with("POST /v1/x?y=z HTTP/1.1"), "{}", seen.head);
    assert_eq!((seen.field("authorization"), seen.text()), (Some("Bearer k3y"), "{}"));
}

#[test]
fn what_drips_is_silent_or_never_ends_is_left() {
    for say in [Say::Drip, Say::Silence] {
        let there = answers(&[say]);
        let failure = told(&there, SECOND);
        assert!(failure.passes && failure.words.contains("did not answer within 1 s"), "{failure:?}");
    }
    let there = answers(&[Say::Flood]);
    let failure = told(&there, SECOND * 30);
    assert!(!failure.passes && failure.words.ends_with("answers far too much"), "{failure:?}");
    let there = answers(&[Say::Whole(200, "x".repeat(HTTP_ANSWER_BYTES))]);
    assert_eq!(ask(&there.url("/"), SECOND * 30).unwrap().len(), HTTP_ANSWER_BYTES);
}

#[test]
fn no_redirect_is_followed_and_no_error_is_taken_for_an_answer() {
    let elsewhere = answers(&[Say::Whole(200, "stolen".into())]);
    let fields: &'static str = format!("Location: {}", elsewhere.url("/")).leak();
    for status in [301, 302, 303, 307, 308] {
        let there = answers(&[Say::Fields(status, fields)]);
        let failure = told(&there, SECOND * 30);
        assert!(!failure.passes && failure.words.contains("sends elsewhere"), "{failure:?}");
    }
    assert!(elsewhere.seen.try_recv().is_err(), "the key went elsewhere");
    for (status, passes, words) in [
        (401, false, "refuses the key"),
        (404, false, "nothing at this address"),
        (429, true, "too often"),
        (503, true, "an error"),
    ] {
        let failure = told(&answers(&[Say::Whole(status, "k3y".into())]), SECOND * 30);
        assert_eq!((failure.passes, failure.status), (passes, Some(status)));
        assert!(failure.words.contains(words), "{failure:?}");
    }
}

#[test]
fn nothing_secret_is_in_what_is_told() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let broken = [b"SSH-2.0-x\r\n\r\n".to_vec(), Vec::new(), b"HTTP/1.1 200".to_vec(), long.into_bytes()];
    for bytes in broken {
        let failure = told(&answers(&[Say::Bytes(bytes)]), SECOND * 30);
        assert!(!failure.words.contains("secret") && !failure.words.contains("k3y"), "{failure:?}");
        assert!(failure.words.starts_with("127.0.0.1:"), "{failure:?}");
    }
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let failure = ask(&format!("http://{nobody}/secret"), SECOND * 30).unwrap_err();
    assert!(failure.passes && failure.words.contains("is not reached"), "{failure:?}");
}

/// One answer over TLS, by a server that shows the certificate of `box.pem`.
fn encrypted(root: &str) -> Result<Vec<u8>, Failure> {
    let file = |name: &str| Path::new("tests/net/tls").join(name);
    let acceptor = tls::acceptor(&file("box.pem"), &file("box.key")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let config = Arc::clone(acceptor.config());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut tls = tokio_rustls::rustls::ServerConnection::new(config).unwrap();
        let mut both = tokio_rustls::rustls::Stream::new(&mut tls, &mut stream);
        if both.read(&mut [0; 4096]).is_ok() {
            let _ = both.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            let _ = both.flush();
        }
    });
    let client = Client::new(Some(&file(root))).unwrap();
    let answer =
        client.post(&Post { url: &url, fields: &[], body: b"", limit: SECOND * 30, most: HTTP_ANSWER_BYTES });
    server.join().unwrap();
    answer
}

#[test]
fn over_tls_the_other_machine_must_show_who_it_is() {
    assert_eq!(encrypted("root.pem"), Ok(b"ok".to_vec()));
    let failure = encrypted("other-root.pem").unwrap_err();
    assert!(failure.words.contains("signed by nobody whom this box trusts"), "{failure:?}");
}
