//! From the bytes of a datagram to a start line, clean header rows and a body. Nothing here knows what they mean.

use super::grammar::is_token;
use super::header::Headers;
use crate::limits::{SIP_HEADERS, SIP_MESSAGE_BYTES};

/// Status and reason phrase of the answer to a message that cannot be used.
pub(super) type Fault = (u16, &'static str);

/// A message taken apart. With a fault the rows are only good for the answer.
pub(super) struct Raw {
    pub start: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub fault: Option<Fault>,
}

/// Takes a datagram apart; `None` if there is nothing in it but line breaks.
pub(super) fn split(bytes: &[u8]) -> Option<Raw> {
    // RFC 3261 §7.5: empty lines before the start line are ignored. They are keep-alives, RFC 5626 §4.4.1.
    let blank = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let bytes = &bytes[blank..];
    if bytes.is_empty() {
        return None;
    }
    let mut fault = None;
    let mut note = |found: Fault| fault = fault.or(Some(found));
    if bytes.len() > SIP_MESSAGE_BYTES {
        note((513, "Message Too Large"));
    }
    let bytes = &bytes[..bytes.len().min(SIP_MESSAGE_BYTES)];
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    if end.is_none() {
        note((400, "Incomplete Message"));
    }
    let (head, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    let mut lines = unfold(head, &mut note).into_iter();
    let start = lines.next()?;
    let headers = read_rows(lines, &mut note);
    let body = read_body(&headers, rest.get(4..).unwrap_or(&[]), &mut note);
    Some(Raw { start, headers, body, fault })
}

/// Lines without their breaks, continuation lines joined to what they continue, RFC 3261 §7.3.1.
fn unfold(head: &[u8], note: &mut impl FnMut(Fault)) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = head;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap_or(rest.len());
        let line = text(&rest[..end], note);
        rest = rest.get(end + 2..).unwrap_or(&[]);
        let folded = line.starts_with([' ', '\t']);
        match lines.last_mut() {
            Some(last) if folded => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line),
        }
        if folded && lines.len() == 1 {
            note((400, "Folded Start-Line"));
        }
    }
    lines
}

/// UTF-8 as RFC 3261 §7.1 asks; what is not is read as Latin-1, which old devices send in display names.
fn text(line: &[u8], note: &mut impl FnMut(Fault)) -> String {
    // A CR, LF or NUL of its own is a line break to some stacks and none to others: the root of header injection.
    if line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        note((400, "Illegal Control Character"));
    }
    let line = core::str::from_utf8(line)
        .map_or_else(|_| line.iter().copied().map(char::from).collect(), str::to_owned);
    line.replace(['\r', '\n', '\0'], " ")
}

/// Rows with their full names. A line that is no header field is passed over, RFC 4475 §3.1.2 advises leniency.
fn read_rows(lines: impl Iterator<Item = String>, note: &mut impl FnMut(Fault)) -> Headers {
    let mut headers = Headers::new();
    for (nth, line) in lines.enumerate() {
        if nth >= SIP_HEADERS {
            note((513, "Too Many Header Fields"));
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim_end();
        if is_token(name) {
            headers.push(full_name(name), value.trim());
        }
    }
    headers
}

/// Compact forms, RFC 3261 §7.3.3 and the IANA registry.
fn full_name(name: &str) -> &str {
    const COMPACT: [(&str, &str); 15] = [
        ("v", "Via"),
        ("f", "From"),
        ("t", "To"),
        ("i", "Call-ID"),
        ("m", "Contact"),
        ("l", "Content-Length"),
        ("c", "Content-Type"),
        ("e", "Content-Encoding"),
        ("k", "Supported"),
        ("s", "Subject"),
        ("x", "Session-Expires"),
        ("r", "Refer-To"),
        ("b", "Referred-By"),
        ("o", "Event"),
        ("u", "Allow-Events"),
    ];
    COMPACT.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map_or(name, |(_, full)| full)
}

/// RFC 3261 §18.3: on UDP what Content-Length leaves over is discarded, and too little is an error; without the field
/// the body goes to the end of the datagram.
fn read_body(headers: &Headers, rest: &[u8], note: &mut impl FnMut(Fault)) -> Vec<u8> {
    let mut lengths = headers.all("Content-Length").map(length);
    let length = match lengths.next() {
        None => rest.len(),
        Some(first) if lengths.any(|other| other != first) => {
            return refuse(note, "Conflicting Content-Length");
        }
        Some(None) => return refuse(note, "Bad Content-Length"),
        Some(Some(length)) => length,
    };
    match rest.get(..length) {
        Some(body) => body.to_vec(),
        None => refuse(note, "Body Shorter Than Content-Length"),
    }
}

/// A number of bytes.
pub(super) fn length(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn refuse(note: &mut impl FnMut(Fault), reason: &'static str) -> Vec<u8> {
    note((400, reason));
    Vec::new()
}
