//! The head of one request, judged before the web server sees a byte of it. Pure.
//!
//! What passes is written anew from the few fields that the pages need, so that no odd spelling of the peer's reaches the
//! server behind the gate: that one allocates what a length field asks for, and takes two lengths or any coding.

use super::access::Scope;
use crate::limits::{WEB_BODY_BYTES, WEB_HEAD_BYTES, WEB_HEAD_FIELDS};
use httparse::{EMPTY_HEADER, Header, Request, Status};
use std::net::IpAddr;

/// Longest path with its query.
const TARGET_BYTES: usize = 2048;

/// What a form adds to a file.
pub(super) const FORM_BYTES: usize = 4096;

/// The field by which the gate proves itself to the server behind it and names the peer. Never taken from outside.
pub(super) const STAMP: &str = "X-Gate";

/// The field by which the gate says that it has brought a body to the disk. Never taken from outside.
pub(super) const ON_DISK: &str = "X-Gate-Disk";

/// Fields that reach the server.
const PASSED: [&str; 17] = [
    "host",
    "cookie",
    "origin",
    "accept",
    "accept-language",
    "referer",
    "content-type",
    "content-length",
    "sec-fetch-site",
    "x-csrf-token",
    "last-event-id",
    "authorization",
    "mcp-protocol-version",
    "mcp-session-id",
    "mcp-method",
    "mcp-name",
    "user-agent",
];

/// Where events are streamed.
pub(super) const EVENTS: &str = "/api/v1/events/stream";

/// A request that may pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The head as it goes on.
    pub(super) forward: Vec<u8>,
    /// Bytes that the peer's head took.
    pub(super) taken: usize,
    /// Bytes of body that follow.
    pub(super) body: usize,
    /// What is asked of who sends a larger body than others, where one is taken.
    pub(super) larger_by: Option<Scope>,
    /// By which he says who he is.
    pub(super) keys: Keys,
    /// The body goes to the disk, and only how long it was goes on.
    pub(super) to_disk: bool,
    /// The peer waits for 100 Continue, RFC 9110 §10.1.1.
    pub(super) expects_continue: bool,
    /// The peer asks for a WebSocket: what its key is answered with.
    pub(super) websocket: Option<String>,
}

/// The fields by which somebody says who he is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) cookie: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) agent: Option<String>,
}

/// Why a request may not pass, and the status that says so.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Refusal {
    /// HTTP status.
    pub(super) status: u16,
    /// In words, with what to do.
    pub(super) words: &'static str,
}

/// How far reading has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Not all of the head is here.
    More,
    /// The head is complete.
    Done(Head),
    /// The head is wrong.
    Refused(Refusal),
}

/// What the gate knows besides the bytes.
pub(super) struct Rules<'a> {
    /// Names by which the owner reaches the box, lower case.
    pub(super) names: &'a [String],
    /// The address of the box on this connection.
    pub(super) local: IpAddr,
    /// The value of [`STAMP`].
    pub(super) stamp: &'a str,
}

/// Judges what has been read so far.
pub(super) fn read(bytes: &[u8], rules: &Rules<'_>) -> Reading {
    let mut fields = [EMPTY_HEADER; WEB_HEAD_FIELDS];
    let mut request = Request::new(&mut fields);
    match request.parse(&bytes[..bytes.len().min(WEB_HEAD_BYTES)]) {
        Ok(Status::Complete(taken)) => match judge(&request, taken, rules) {
            Ok(head) => Reading::Done(head),
            Err(refusal) => Reading::Refused(refusal),
        },
        Ok(Status::Partial) if bytes.len() < WEB_HEAD_BYTES => Reading::More,
        Ok(Status::Partial) => {
            refuse(431, "The request's head is too long. Clear this site's cookies and try again.")
        }
        Err(httparse::Error::TooManyHeaders) => refuse(431, "The request has too many header fields."),
        Err(_) => refuse(400, "This is not an HTTP request. If you typed https://, try http:// instead."),
    }
}

fn refuse(status: u16, words: &'static str) -> Reading {
    Reading::Refused(Refusal { status, words })
}

fn judge(request: &Request<'_, '_>, taken: usize, rules: &Rules<'_>) -> Result<Head, Refusal> {
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Err(Refusal { status: 400, words: "The request line is incomplete." });
    };
    if !matches!(method, "GET" | "HEAD" | "POST") {
        return Err(Refusal { status: 405, words: "Only GET, HEAD and POST are understood here." });
    }
    if target.len() > TARGET_BYTES {
        return Err(Refusal { status: 414, words: "The address is too long." });
    }
    if !target.starts_with('/') || !target.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Refusal { status: 400, words: "The address is not a path of this site." });
    }
    if find(request.headers, "transfer-encoding").next().is_some() {
        return Err(Refusal {
            status: 501,
            words: "Transfer-Encoding is not understood here: send a Content-Length.",
        });
    }
    check_host(request.headers, rules)?;
    // Before its body is looked at: what only acts is not asked by GET, with a body or without.
    let path = target.split('?').next().unwrap_or_default();
    if method != "POST" && super::route::allowed(path) == "POST" {
        return Err(Refusal { status: 405, words: "This address acts: use POST." });
    }
    let file = super::route::takes_a_file(path);
    let most = file.map_or(WEB_BODY_BYTES, |(bytes, _)| bytes + FORM_BYTES);
    let body = body_length(method, request.headers, most)?;
    let key = |name| {
        find(request.headers, name).next().and_then(|v| core::str::from_utf8(v).ok()).map(str::to_owned)
    };
    let to_disk = body > 0 && super::route::goes_to_the_disk(path);
    Ok(Head {
        forward: rewrite(method, target, request.headers, rules.stamp, to_disk)?,
        taken,
        body,
        larger_by: file.map(|(_, scope)| scope),
        to_disk,
        keys: Keys { cookie: key("cookie"), authorization: key("authorization"), agent: key("user-agent") },
        expects_continue: body > 0
            && find(request.headers, "expect").any(|v| v.eq_ignore_ascii_case(b"100-continue")),
        websocket: websocket(method, target, request.headers),
    })
}

fn find<'a>(fields: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value)
}

/// RFC 9112 §6.3, stricter: one plain number, and only where a body belongs. Without one there is no body.
fn body_length(method: &str, fields: &[Header<'_>], most: usize) -> Result<usize, Refusal> {
    let mut lengths = find(fields, "content-length");
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => return Ok(0),
        (Some(_), Some(_)) => {
            return Err(Refusal { status: 400, words: "There is more than one Content-Length." });
        }
        (Some(value), None) => value,
    };
    if length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
        return Err(Refusal { status: 400, words: "The Content-Length is not a number." });
    }
    let too_large = Refusal { status: 413, words: "The request is too large." };
    let length: usize = core::str::from_utf8(length).ok().and_then(|n| n.parse().ok()).ok_or(too_large)?;
    if length > most {
        return Err(too_large);
    }
    if length > 0 && method != "POST" {
        return Err(Refusal { status: 400, words: "Only a POST may carry a body." });
    }
    Ok(length)
}

/// RFC 6455 §4.2.1, for the one address that has events; elsewhere an upgrade is not taken up (RFC 9110 §7.8).
fn websocket(method: &str, target: &str, fields: &[Header<'_>]) -> Option<String> {
    let is = |name, value: &[u8]| find(fields, name).any(|v| v.eq_ignore_ascii_case(value));
    let path = target.split('?').next();
    let wanted = method == "GET" && path == Some(EVENTS) && is("upgrade", b"websocket");
    let key =
        find(fields, "sec-websocket-key").next().filter(|_| wanted && is("sec-websocket-version", b"13"))?;
    super::websocket::accept(core::str::from_utf8(key).ok()?)
}

/// A page elsewhere can point a name of its own at this box (DNS rebinding): only names that are ours are answered.
fn check_host(fields: &[Header<'_>], rules: &Rules<'_>) -> Result<(), Refusal> {
    let mut hosts = find(fields, "host");
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Refusal { status: 400, words: "There must be one Host." });
    };
    let ours = core::str::from_utf8(host).is_ok_and(|host| is_ours(host, rules));
    if ours {
        return Ok(());
    }
    Err(Refusal {
        status: 421,
        words: "This box does not go by that name. Use its address or a name ending in .local, or add the name to \
                web.names in hold-slayer.toml.",
    })
}

fn is_ours(host: &str, rules: &Rules<'_>) -> bool {
    let name = host_name(host).to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    if rules.names.iter().any(|ours| ours == name) || name == "localhost" {
        return true;
    }
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical() == rules.local.to_canonical() || ip.is_loopback(),
        Err(_) => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            name.strip_suffix(".local").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain))
        }
    }
}

/// The host without its port and brackets.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(ip, _)| ip);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn rewrite(
    method: &str,
    target: &str,
    fields: &[Header<'_>],
    stamp: &str,
    to_disk: bool,
) -> Result<Vec<u8>, Refusal> {
    let mut head =
        format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n{STAMP}: {stamp}\r\n").into_bytes();
    if to_disk {
        head.extend_from_slice(format!("{ON_DISK}: yes\r\n").as_bytes());
    }
    for name in PASSED.into_iter().filter(|name| !(to_disk && name.starts_with("content-"))) {
        let mut values = find(fields, name);
        let Some(value) = values.next() else { continue };
        let plain = value.iter().all(|b| matches!(b, b' '..=b'~'));
        // What a browser calls itself is its own matter.
        if !plain && name == "user-agent" {
            continue;
        }
        if values.next().is_some() || !plain {
            return Err(Refusal { status: 400, words: "A header field is doubled or holds odd characters." });
        }
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn judged(text: &str) -> Reading {
        let names = ["phone.example".to_string()];
        read(
            text.as_bytes(),
            &Rules { names: &names, local: IpAddr::from([192, 0, 2, 7]), stamp: "s 1.2.3.4" },
        )
    }

    fn status(text: &str) -> u16 {
        match judged(text) {
            Reading::More => 0,
            Reading::Done(_) => 200,
            Reading::Refused(refusal) => refusal.status,
        }
    }

    #[test]
    fn only_plain_requests_pass() {
        let long = "x".repeat(WEB_HEAD_BYTES);
        let many = "A: b\r\n".repeat(WEB_HEAD_FIELDS + 1);
        let cases = [
            (200, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_string()),
            (0, "GET / HTTP/1.1\r\nHost: localhost\r\n".into()),
            (200, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello".into()),
            (200, "POST /a HTTP/1.1\r\nHost: localhost\r\n\r\n".into()),
            (413, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 68719476736\r\n\r\n".into()),
            (413, format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", usize::MAX)),
            (
                413,
                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n"
                    .into(),
            ),
            (
                413,
                format!(
                    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
                    WEB_BODY_BYTES + 1
                ),
            ),
            (
                400,
                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n".into(),
            ),
            (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5, 5\r\n\r\n".into()),
            (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello".into()),
            (501, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".into()),
            (501, "GET / HTTP/1.1\r\nHost: localhost\r\ntransfer-encoding: identity\r\n\r\n".into()),
            (405, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}".into()),
            (405, "DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n".into()),
            (405, "CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n".into()),
            (400, "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n".into()),
            (400, "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n".into()),
            (400, "\x16\x03\x01\x02".into()),
            (431, format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}")),
            (431, format!("GET /{long}")),
            (414, format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", &long[..4096])),
            (431, format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")),
            (400, "GET / HTTP/1.1\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: a\r\nCookie: b\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: \u{e9}\r\n\r\n".into()),
        ];
        for (expected, text) in cases {
            assert_eq!(status(&text), expected, "{}", &text[..text.len().min(120)]);
        }
    }

    #[test]
    fn only_our_names_are_answered() {
        let cases = [
            ("localhost", 200),
            ("LocalHost:8080", 200),
            ("127.0.0.1:8080", 200),
            ("[::1]:8080", 200),
            ("192.0.2.7", 200),
            ("192.0.2.8", 421),
            ("holdslayer.local", 200),
            ("holdslayer.local.:80", 200),
            (".local", 421),
            ("a@b.local", 421),
            ("phone.example", 200),
            ("evil.example", 421),
            ("evil.example:80", 421),
            ("phone.example.evil.example", 421),
            ("localhost.evil.example", 421),
            ("", 421),
        ];
        for (host, expected) in cases {
            assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")), expected, "{host}");
        }
    }

    #[test]
    fn what_goes_on_is_written_anew() {
        let text = "POST /login HTTP/1.1\r\nhOST: localhost\nX-Gate: forged\r\nConnection: upgrade\r\n\
                    Expect: 100-continue\r\nContent-Length: 2\r\nUser-Agent: caf\u{e9}\r\nOrigin: http://a\r\n\r\nhi";
        let Reading::Done(head) = judged(text) else { panic!("{:?}", judged(text)) };
        assert_eq!(
            String::from_utf8(head.forward).unwrap(),
            "POST /login HTTP/1.1\r\nConnection: close\r\nX-Gate: s 1.2.3.4\r\nhost: localhost\r\norigin: http://a\r\n\
             content-length: 2\r\n\r\n"
        );
        assert_eq!((head.body, head.taken, head.expects_continue), (2, text.len() - 2, true));
    }

    #[test]
    fn of_what_goes_to_the_disk_only_the_head_goes_on() {
        let text = "POST /update?older=true HTTP/1.1\r\nHost: localhost\r\nX-Gate-Disk: no\r\n\
                    Content-Type: application/octet-stream\r\nContent-Length: 700000000\r\n\r\n";
        let Reading::Done(head) = judged(text) else { panic!("{:?}", judged(text)) };
        assert_eq!(
            String::from_utf8(head.forward).unwrap(),
            "POST /update?older=true HTTP/1.1\r\nConnection: close\r\nX-Gate: s 1.2.3.4\r\nX-Gate-Disk: yes\r\nhost: localhost\r\n\r\n"
        );
        assert!(head.to_disk && head.body == 700_000_000 && head.larger_by.is_some());
        let Reading::Done(head) =
            judged("POST /update HTTP/1.1\r\nHost: localhost\r\nX-Gate-Disk: yes\r\n\r\n")
        else {
            panic!()
        };
        assert!(!head.to_disk && !String::from_utf8(head.forward).unwrap().contains("X-Gate-Disk"));
    }
}
