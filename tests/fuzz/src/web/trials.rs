//! What must hold for any bytes that a browser, or whoever says that he is one, sends to the page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use super::{form, head};
use head::{Reading, Rules};
use std::net::IpAddr;

const STAMP: &str = "secret 192.0.2.9 192.0.2.7";
const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

fn read(bytes: &[u8]) -> Reading {
    head::read(bytes, &Rules { names: &["box.example".to_owned()], local: LOCAL, stamp: STAMP })
}

/// The head of a request: what passes is one plain request that nobody else's field is in, and is judged alike however much
/// of what follows it is there already.
pub fn head(bytes: &[u8]) {
    let Reading::Done(head) = read(bytes) else { return };
    assert!(head.taken <= bytes.len() && (head.body == 0 || head.forward.starts_with(b"POST ")));
    for end in [head.taken - 1, head.taken / 2] {
        assert!(matches!(read(&bytes[..end]), Reading::More), "complete before its end");
    }
    let Reading::Done(again) = read(&bytes[..head.taken]) else { panic!("what follows decides") };
    assert!(again == head, "what follows is taken in");
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut fields);
    let whole = request.parse(&head.forward).expect("what goes on is a request");
    assert_eq!(whole, httparse::Status::Complete(head.forward.len()), "one, and nothing behind it");
    assert!(
        request.path.unwrap().starts_with('/') && matches!(request.method.unwrap(), "GET" | "HEAD" | "POST")
    );
    let values = |name: &str| -> Vec<&[u8]> {
        let same = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        same.map(|field| field.value).collect()
    };
    assert_eq!(values(head::STAMP), [STAMP.as_bytes()], "the gate's own");
    assert_eq!((values("host").len(), values("transfer-encoding").len()), (1, 0));
    let length: usize = values("content-length")
        .first()
        .map_or(0, |text| std::str::from_utf8(text).unwrap().parse().unwrap());
    assert!(head.to_disk || length == head.body);
}

/// A query or a form as text, and one with a file: what is written is read as it was meant, and every part lies in the body.
pub fn form(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pairs = form::pairs(&text);
    assert!(pairs.len() <= text.split('&').count());
    let encoded = |text: &String| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let written: Vec<String> =
        pairs.iter().map(|(key, value)| encoded(key) + "=" + &encoded(value)).collect();
    assert_eq!(form::pairs(&written.join("&")), pairs);
    if let Some(cookie) = form::cookie(&text, "a") {
        assert!(text.contains(&cookie));
    }
    let (kind, body) = text.split_once('\n').unwrap_or_default();
    if let Some(boundary) = form::boundary(kind) {
        let parts = form::parts(body.as_bytes(), &boundary);
        let all: usize = parts.iter().map(|part| part.content.len()).sum();
        assert!(all <= body.len());
        for part in parts {
            assert!(
                !part.content.windows(boundary.len()).any(|window| window == boundary),
                "two parts in one"
            );
        }
    }
    // A browser chooses what stands nowhere in the file.
    if !bytes.windows(4).any(|window| window == b"--xy") {
        let head = b"--xy\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        let body = [&head[..], bytes, b"\r\n--xy--\r\n"].concat();
        let parts = form::parts(&body, &form::boundary("multipart/form-data; boundary=xy").unwrap());
        assert!(parts.len() == 1 && parts[0].is_file && parts[0].name == "file" && parts[0].content == bytes);
    }
}
