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
