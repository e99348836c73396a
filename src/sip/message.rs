//! A SIP message: what the wire's bytes say, and the bytes of what we say. The only place that knows rsip.

pub use super::header::Headers;

use super::grammar::{Invalid, is_token};
use super::normalise::{self, Fault, Raw};
use super::value::{NameAddr, Scheme, Uri, Via};
use core::fmt;
use core::str::FromStr;

/// Method of a request, RFC 3261 §7.1 and its extensions. Case counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// Opens or changes a session.
    #[default]
    Invite,
    /// Confirms a final response to INVITE.
    Ack,
    /// Ends a dialog.
    Bye,
    /// Takes back an INVITE.
    Cancel,
    /// Asks for capabilities; mostly a keep-alive.
    Options,
    /// Binds an address of record to a contact.
    Register,
    /// Mid-dialog information, RFC 6086: digits.
    Info,
    /// Changes a session early or late, RFC 3311.
    Update,
    /// Acknowledges a provisional response, RFC 3262.
    Prack,
    /// Asks to call somebody, RFC 3515.
    Refer,
    /// Tells a subscriber, RFC 6665.
    Notify,
    /// Subscribes, RFC 6665.
    Subscribe,
    /// Instant message, RFC 3428.
    Message,
    /// Publishes event state, RFC 3903.
    Publish,
    /// Any other token.
    Other(String),
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Self {
        match method {
            rsip::Method::Invite => Self::Invite,
            rsip::Method::Ack => Self::Ack,
            rsip::Method::Bye => Self::Bye,
            rsip::Method::Cancel => Self::Cancel,
            rsip::Method::Options => Self::Options,
            rsip::Method::Register => Self::Register,
            rsip::Method::Info => Self::Info,
            rsip::Method::Update => Self::Update,
            rsip::Method::PRack => Self::Prack,
            rsip::Method::Refer => Self::Refer,
            rsip::Method::Notify => Self::Notify,
            rsip::Method::Subscribe => Self::Subscribe,
            rsip::Method::Message => Self::Message,
            rsip::Method::Publish => Self::Publish,
        }
    }
}

impl FromStr for Method {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if !is_token(text) {
            return Err(Invalid::Character);
        }
        match text.parse::<rsip::Method>() {
            // RFC 3261 §7.1: methods are case-sensitive; rsip takes `invite` as well.
            Ok(method) if method.to_string() == text => Ok(method.into()),
            _ => Ok(Self::Other(text.to_owned())),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Info => "INFO",
            Self::Update => "UPDATE",
            Self::Prack => "PRACK",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Message => "MESSAGE",
            Self::Publish => "PUBLISH",
            Self::Other(name) => name,
        })
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Request-URI.
    pub uri: Uri,
    /// Header fields.
    pub headers: Headers,
    /// Body, often SDP.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100–699.
    pub status: u16,
    /// Reason phrase, for people.
    pub reason: String,
    /// Header fields.
    pub headers: Headers,
    /// Body, often SDP.
    pub body: Vec<u8>,
}

/// Either kind of message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// Why bytes are no message for us, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Nothing: not SIP, a broken response, a broken ACK, or a keep-alive.
    Drop,
    /// Send this response (400, 416, 505 or 513) to where the bytes came from.
    Answer(Vec<u8>),
}

/// The values that every message has. [`parse`] guarantees them; in a message under construction a missing one reads
/// as its default.
macro_rules! mandatory_values {
    ($message:ty) => {
        impl $message {
            /// Call-ID, RFC 3261 §20.8.
            pub fn call_id(&self) -> &str {
                self.headers.first("Call-ID").unwrap_or("")
            }

            /// Sequence number and method, RFC 3261 §20.16.
            pub fn cseq(&self) -> (u32, Method) {
                self.headers.cseq()
            }

            /// The topmost Via, RFC 3261 §20.42.
            pub fn via(&self) -> Via {
                self.headers.parsed("Via")
            }

            /// From, RFC 3261 §20.20.
            pub fn from(&self) -> NameAddr {
                self.headers.parsed("From")
            }

            /// To, RFC 3261 §20.39.
            pub fn to(&self) -> NameAddr {
                self.headers.parsed("To")
            }

            /// The first Contact that is an address; `None` for `*` as well.
            pub fn contact(&self) -> Option<NameAddr> {
                self.headers.all("Contact").find_map(|value| value.parse().ok())
            }

            /// Record-Route in the order of the wire.
            pub fn record_route(&self) -> Vec<NameAddr> {
                self.headers.addresses("Record-Route")
            }
        }
    };
}

mandatory_values!(Request);
mandatory_values!(Response);

impl Request {
    /// A request with the mandatory header fields but Via, which its transaction pushes to the front.
    pub fn new(method: Method, uri: Uri, from: &NameAddr, to: &NameAddr, call_id: &str, cseq: u32) -> Self {
        let mut headers = Headers::new();
        // RFC 3261 §8.1.1.6: 70 is the recommended start.
        headers.push("Max-Forwards", "70");
        headers.push("From", from.to_string());
        headers.push("To", to.to_string());
        headers.push("Call-ID", call_id);
        headers.push("CSeq", format!("{cseq} {method}"));
        Self { method, uri, headers, body: Vec::new() }
    }

    /// A response with what RFC 3261 §8.2.6.2 copies: every Via, From, To, Call-ID, CSeq. The To tag is the caller's
    /// business.
    pub fn respond(&self, status: u16, reason: &str) -> Response {
        Response { status, reason: reason.to_owned(), headers: copied(&self.headers), body: Vec::new() }
    }

    /// The bytes for the wire.
    pub fn emit(&self) -> Vec<u8> {
        emit(&format!("{} {} SIP/2.0", self.method, self.uri), &self.headers, &self.body)
    }
}

impl Response {
    /// The bytes for the wire.
    pub fn emit(&self) -> Vec<u8> {
        emit(&format!("SIP/2.0 {} {}", self.status, self.reason), &self.headers, &self.body)
    }
}

fn copied(from: &Headers) -> Headers {
    let mut headers = Headers::new();
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        for (_, value) in from.rows().filter(|(n, _)| n.eq_ignore_ascii_case(name)) {
            headers.push(name, value);
        }
    }
    headers
}

fn emit(start: &str, headers: &Headers, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512 + body.len());
    push_line(&mut bytes, start);
    for (name, value) in
        headers.rows().filter(|(n, _)| is_token(n) && !n.eq_ignore_ascii_case("Content-Length"))
    {
        push_line(&mut bytes, &format!("{name}: {value}"));
    }
    push_line(&mut bytes, &format!("Content-Length: {}", body.len()));
    push_line(&mut bytes, "");
    bytes.extend_from_slice(body);
    // Many are kept for half a minute, in case a copy is asked for.
    bytes.shrink_to_fit();
    bytes
}

/// A value of one side must never begin a line on the other: breaks become blanks.
fn push_line(bytes: &mut Vec<u8>, line: &str) {
    bytes.extend(line.bytes().map(|b| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { b }));
    bytes.extend_from_slice(b"\r\n");
}

/// Reads one datagram. Every message that comes out has a well-formed Via, From, To, Call-ID and CSeq, and as many
/// bytes of body as Content-Length says.
///
/// # Errors
/// [`Reject`] says whether the sender gets an answer.
pub fn parse(bytes: &[u8]) -> Result<Message, Reject> {
    let raw = normalise::split(bytes).ok_or(Reject::Drop)?;
    if raw.start.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
        // RFC 3261 §18.3: broken responses are discarded.
        return parse_response(raw).map(Message::Response).ok_or(Reject::Drop);
    }
    match check_request(&raw) {
        Ok((method, uri)) => {
            Ok(Message::Request(Request { method, uri, headers: raw.headers, body: raw.body }))
        }
        Err(fault) => Err(refusal(&raw, fault)),
    }
}

fn check_request(raw: &Raw) -> Result<(Method, Uri), Fault> {
    const BAD_START: Fault = (400, "Bad Request-Line");
    let mut parts = raw.start.split(' ');
    let (Some(method), Some(uri), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(BAD_START);
    };
    if !is_version_2(version) {
        return Err(if version.starts_with("SIP/") { (505, "Version Not Supported") } else { BAD_START });
    }
    if let Some(fault) = raw.fault {
        return Err(fault);
    }
    let method: Method = method.parse().map_err(|_| BAD_START)?;
    raw.headers.check().map_err(|_| (400, "Bad Mandatory Header Field"))?;
    // RFC 3261 §8.1.1.5: the method of CSeq is that of the request.
    if raw.headers.cseq().1 != method {
        return Err((400, "CSeq Does Not Match Method"));
    }
    let uri: Uri = uri.parse().map_err(|_| (400, "Bad Request-URI"))?;
    match uri.scheme {
        Scheme::Other(_) => Err((416, "Unsupported URI Scheme")),
        // RFC 3261 §19.1.1: header components have no place in a Request-URI.
        _ if uri.headers.is_some() => Err((400, "Header In Request-URI")),
        _ => Ok((method, uri)),
    }
}

fn parse_response(raw: Raw) -> Option<Response> {
    let mut parts = raw.start.splitn(3, ' ');
    let (version, code, reason) = (parts.next()?, parts.next()?, parts.next().unwrap_or(""));
    let status = code.parse().ok().filter(|status| code.len() == 3 && (100..700).contains(status))?;
    if raw.fault.is_some() || !is_version_2(version) || raw.headers.check().is_err() {
        return None;
    }
    Some(Response { status, reason: reason.to_owned(), headers: raw.headers, body: raw.body })
}

fn is_version_2(text: &str) -> bool {
    rsip::Version::try_from(text.as_bytes()).is_ok_and(|v| v == rsip::Version::V2 && v.to_string() == text)
}

/// RFC 3261 §8.2.6, from what can be read. No answer to ACK, §17, nor to what lacks the fields an answer needs.
fn refusal(raw: &Raw, (status, reason): Fault) -> Reject {
    let mut headers = copied(&raw.headers);
    let complete = ["Via", "From", "To", "Call-ID", "CSeq"]
        .iter()
        .all(|name| headers.first(name).is_some_and(|value| !value.is_empty()));
    if !complete || raw.start.starts_with("ACK ") {
        return Reject::Drop;
    }
    // RFC 3261 §8.2.6.2: every final response has a To tag; a stateless one is always the same.
    if let Some(to) =
        headers.first("To").filter(|to| !to.contains(";tag=")).map(|to| format!("{to};tag=refused"))
    {
        headers.set("To", to);
    }
    Reject::Answer(emit(&format!("SIP/2.0 {status} {reason}"), &headers, &[]))
}

/// The length of the body that this head announces; `None` if it announces none, a bad one or several.
pub(super) fn content_length(head: &[u8]) -> Option<usize> {
    let raw = normalise::split(head)?;
    let mut lengths = raw.headers.all("Content-Length").map(normalise::length);
    let first = lengths.next()??;
    lengths.all(|other| other == Some(first)).then_some(first)
}

/// The answer to a request of which this much came; `None` if it is a response, or lacks what an answer needs.
pub(super) fn refuse(bytes: &[u8], fault: Fault) -> Option<Vec<u8>> {
    let raw = normalise::split(bytes).filter(|raw| !raw.start.starts_with("SIP/"))?;
    match refusal(&raw, fault) {
        Reject::Answer(answer) => Some(answer),
        Reject::Drop => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const HEAD: &str = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\
                        Call-ID: id@b\r\nCSeq: 7 INVITE\r\n";

    fn invite(extra: &str) -> String {
        format!("INVITE sip:c@d SIP/2.0\r\n{HEAD}{extra}\r\n")
    }

    fn request(text: &str) -> Request {
        match parse(text.as_bytes()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn refused(text: &str) -> u16 {
        match parse(text.as_bytes()) {
            Err(Reject::Answer(bytes)) => {
                let answer = String::from_utf8(bytes).unwrap();
                assert!(answer.starts_with("SIP/2.0 ") && answer.ends_with("\r\n\r\n"), "{answer}");
                answer[8..11].parse().unwrap()
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn methods_are_told_apart_by_case() {
        for name in ["INVITE", "ACK", "PRACK", "PUBLISH", "MESSAGE", "UPDATE", "invite", "Foo%", "Invite"] {
            let method: Method = name.parse().unwrap();
            assert_eq!(method.to_string(), name);
            assert_eq!(matches!(method, Method::Other(_)), name != name.to_ascii_uppercase(), "{name}");
        }
        assert!("IN VITE".parse::<Method>().is_err());
    }

    #[test]
    fn compact_folded_and_spaced_headers() {
        let text = "\r\n\r\nINVITE sip:c@d SIP/2.0\r\nv :SIP/2.0/UDP 192.0.2.1\r\n ;branch=\r\n\tz9\r\n\
                    f:\r\n \"A\"\r\n <sip:a@b>;tag=1\r\nT\t: <sip:c@d>\r\ni: id\r\nCSEQ: 7 INVITE\r\njunk line\r\n\
                    m: <sip:a@192.0.2.1>, <sip:b@c>\r\nk: timer\r\nl: 2\r\n\r\nabc";
        let request = request(text);
        assert_eq!((request.via().branch(), request.from().display.as_str()), (Some("z9"), "A"));
        assert_eq!((request.to().uri.to_string().as_str(), request.call_id()), ("sip:c@d", "id"));
        assert_eq!(request.contact().unwrap().uri.to_string(), "sip:a@192.0.2.1");
        assert!(request.headers.lists("Supported", "timer"));
        assert_eq!(request.body, b"ab");
    }

    #[test]
    fn old_devices_write_latin_1() {
        let mut bytes = invite("").into_bytes();
        let at = bytes.windows(6).position(|six| six == b"From: ").unwrap() + 6;
        bytes.splice(at..at, b"\"M\xFCller\" ".iter().copied());
        let Ok(Message::Request(request)) = parse(&bytes) else { panic!("refused") };
        assert_eq!(request.from().display, "Müller");
    }

    #[test]
    fn what_is_answered_and_with_what() {
        let body = |length: &str| invite(&format!("Content-Length: {length}\r\n")) + "abc";
        let cases = [
            (invite("").replace("INVITE sip", "INVITE  sip"), 400),
            (invite("").replace("sip:c@d SIP", "<sip:c@d> SIP"), 400),
            (invite("").replace("sip:c@d SIP", "sip:c@d?a=b SIP"), 400),
            (invite("").replace("sip:c@d SIP/2.0", "sip:c@d SIP/3.0"), 505),
            (invite("").replace("sip:c@d SIP", "urn:x SIP"), 416),
            (invite("").replace("7 INVITE", "7 BYE"), 400),
            (invite("").replace("7 INVITE", "many INVITE"), 400),
            (invite("").replace("<sip:a@b>", "\"A <sip:a@b>"), 400),
            (invite("From: <sip:x@y>;tag=2\r\n"), 400),
            (invite("X: a\nVia: SIP/2.0/UDP evil\r\n"), 400),
            (invite("X: a\rb\r\n"), 400),
            (invite("X: a\0b\r\n"), 400),
            (invite(&"X: y\r\n".repeat(130)), 513),
            (invite(&format!("X: {}\r\n", "y".repeat(20_000))), 513),
            (body("4"), 400),
            (body("-1"), 400),
            (body("+3"), 400),
            (body("99999999999999999999999"), 400),
            (body("3\r\nContent-Length: 2"), 400),
        ];
        for (text, status) in cases {
            assert_eq!(refused(&text), status, "{text}");
        }
        assert_eq!(request(&body("3\r\nl: 3")).body, b"abc");
        assert_eq!(request(&body("2")).body, b"ab");
        assert_eq!(request(&(invite("") + "to the end")).body, b"to the end");
    }

    #[test]
    fn what_is_dropped() {
        let invite = invite("");
        let cases = [
            String::new(),
            "\r\n\r\n".to_owned(),
            "\r\n".to_owned(),
            "hello".to_owned(),
            invite.replace("INVITE", "ACK").replace("<sip:c@d>", "\"C <sip:c@d>"),
            invite.replace("Call-ID", "X-ID").replace("7 INVITE", "x"),
            invite.replace("INVITE sip:c@d SIP/2.0", "SIP/2.0 99 Low"),
            invite.replace("INVITE sip:c@d SIP/2.0", "SIP/2.0 700 High"),
            invite.replace("INVITE sip:c@d SIP/2.0", "SIP/2.0 2000 Long"),
            invite.replace("INVITE sip:c@d SIP/2.0", "SIP/3.0 200 OK"),
            invite.replace("INVITE sip:c@d SIP/2.0", "SIP/2.0 200 OK").replace("Via", "X-Via"),
        ];
        for text in cases {
            assert_eq!(parse(text.as_bytes()), Err(Reject::Drop), "{text}");
        }
    }

    #[test]
    fn a_refusal_can_be_matched_by_its_sender() {
        let Err(Reject::Answer(bytes)) = parse(invite("Content-Length: x\r\n").as_bytes()) else { panic!() };
        let Ok(Message::Response(response)) = parse(&bytes) else { panic!() };
        assert_eq!((response.status, response.reason.as_str()), (400, "Bad Content-Length"));
        assert_eq!((response.via().branch(), response.call_id()), (Some("z9hG4bK1"), "id@b"));
        assert_eq!((response.cseq(), response.from().tag()), ((7, Method::Invite), Some("1")));
        assert!(response.to().tag().is_some());
    }

    #[test]
    fn responses_copy_what_they_must() {
        let request = request(&invite("Via: SIP/2.0/UDP second\r\nRecord-Route: <sip:p;lr>, <sip:q;lr>\r\n"));
        let response = request.respond(180, "Ringing");
        let names: Vec<_> = response.headers.rows().map(|(name, _)| name).collect();
        assert_eq!(names, ["Via", "Via", "From", "To", "Call-ID", "CSeq"]);
        let routes: Vec<_> = request.record_route().iter().map(|r| r.uri.host.clone()).collect();
        assert_eq!(routes, ["p", "q"]);
    }

    #[test]
    fn nothing_can_be_injected() {
        let addr = NameAddr::named("Eve\r\nX-Evil: 1", Uri::sip("a\r\nb", "h", None));
        let mut request = Request::new(Method::Invite, addr.uri.clone(), &addr, &addr, "id\nX-Evil: 2", 1);
        request.headers.push_front("Via", "SIP/2.0/UDP h\r\n\r\nbody");
        request.headers.push("X-Bad\r\nX-Evil", "3");
        request.headers.push("Content-Length", "999");
        let text = String::from_utf8(request.emit()).unwrap();
        assert!(!text.contains("\nX-Evil") && !text.contains("999"), "{text}");
        assert_eq!(text.matches("\r\n\r\n").count(), 1);
        let mut response = request.respond(200, "OK\r\nX-Evil: 4");
        response.body = b"a\r\nb".to_vec();
        let text = String::from_utf8(response.emit()).unwrap();
        assert!(!text.contains("\nX-Evil") && text.ends_with("Content-Length: 4\r\n\r\na\r\nb"), "{text}");
    }
}
