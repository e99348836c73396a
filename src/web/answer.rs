//! One response: its status, its few headers, its bytes. The only writer of HTTP here, so that the safety headers are on
//! everything and no value can break a line.

use super::language::Language;
use std::io::{self, Write};

/// What the browser may do with our pages: nothing that is not ours, and no script or style inside the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// A response, ready to be written.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: u16,
    kind: &'static str,
    cache: &'static str,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16, kind: &'static str, body: Vec<u8>) -> Self {
        Self { status, kind, cache: "no-store", fields: Vec::new(), body }
    }

    /// A page.
    pub(super) fn page(status: u16, page: maud::Markup) -> Self {
        Self::new(status, HTML, page.into_string().into_bytes())
    }

    /// An adapter's file.
    pub(super) fn xml(text: String) -> Self {
        Self::new(200, "text/xml; charset=utf-8", text.into_bytes())
    }

    /// Words without a page.
    pub(super) fn text(status: u16, words: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", words.as_bytes().to_vec())
    }

    /// Numbers in Prometheus' text format.
    pub(super) fn metrics(words: &str) -> Self {
        Self { kind: "text/plain; version=0.0.4; charset=utf-8", ..Self::text(200, words) }
    }

    /// A value as JSON.
    pub(super) fn json(status: u16, value: &impl serde::Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", body),
            Err(error) => Self::text(500, &format!("This could not be written as JSON: {error}")),
        }
    }

    /// What went wrong and what to do, RFC 9457.
    pub(super) fn problem(status: u16, words: &str) -> Self {
        let body = serde_json::json!({ "status": status, "title": reason(status), "detail": words });
        Self { kind: "application/problem+json", ..Self::json(status, &body) }
    }

    /// What a library has made.
    pub(super) fn made(kind: &'static str, status: u16, body: Vec<u8>) -> Self {
        Self::new(status, kind, body)
    }

    /// A file that is part of the program. It changes only with the program, which `version` in its address names.
    pub(super) fn asset(kind: &'static str, body: &'static str) -> Self {
        Self {
            cache: "public, max-age=31536000, immutable",
            ..Self::new(200, kind, body.as_bytes().to_vec())
        }
    }

    /// Go and see `path`.
    pub(super) fn see(path: String) -> Self {
        Self::new(303, "text/plain; charset=utf-8", Vec::new()).with("Location", path)
    }

    /// A page in the language of who reads it; all else stays as it is.
    pub(super) fn read_in(mut self, language: Language) -> Self {
        if self.kind == HTML {
            // It was text before it was bytes.
            self.body = language.put(String::from_utf8_lossy(&self.body).into_owned()).into_bytes();
            return self.with("Content-Language", language.code().into());
        }
        self
    }

    /// Adds a header field; characters that do not belong in one are left out.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, value));
        self
    }

    /// The bytes on the wire. A HEAD gets no body.
    pub(super) fn bytes(&self, head_only: bool) -> Vec<u8> {
        let mut bytes = head(self.status, self.kind, self.cache, &self.fields);
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        if !head_only {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

/// Writes the head of an event stream, which ends when the connection does.
pub(super) fn begin_events(to: &mut dyn Write) -> io::Result<()> {
    let mut bytes = head(200, "text/event-stream", "no-store", &[]);
    bytes.extend_from_slice(b"\r\n");
    to.write_all(&bytes)?;
    to.flush()
}

/// Writes the head of sound of so many bytes, or of sound that ends when the connection does.
pub(super) fn begin_sound(to: &mut dyn Write, kind: &str, length: Option<u64>) -> io::Result<()> {
    let fields = length.map(|length| ("Content-Length", length.to_string()));
    let mut bytes = head(200, kind, "no-store", fields.as_slice());
    bytes.extend_from_slice(b"\r\n");
    to.write_all(&bytes)?;
    to.flush()
}

/// `same-origin`, not `no-referrer`: under the latter browsers send our own forms with `Origin: null`, which we refuse.
fn head(status: u16, kind: &str, cache: &str, fields: &[(&'static str, String)]) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {status} {}\r\nConnection: close\r\nContent-Type: {kind}\r\nCache-Control: {cache}\r\n\
         Content-Security-Policy: {POLICY}\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n\
         Referrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\n",
        reason(status)
    );
    for (name, value) in fields {
        head.push_str(name);
        head.push_str(": ");
        // A line break in a value would begin a header of the peer's making.
        head.extend(value.chars().filter(|c| matches!(c, ' '..='~')));
        head.push_str("\r\n");
    }
    head.into_bytes()
}

/// RFC 9110 §15.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        303 => "See Other",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn no_value_breaks_a_line() {
        let answer = Answer::see("/\r\nSet-Cookie: stolen=1\u{85}\n".into());
        let text = String::from_utf8(answer.bytes(false)).unwrap();
        assert!(text.contains("\r\nLocation: /Set-Cookie: stolen=1\r\n"), "{text}");
    }

    #[test]
    fn a_head_request_gets_the_length_and_no_body() {
        let text = String::from_utf8(Answer::text(200, "hello").bytes(true)).unwrap();
        assert!(text.ends_with("Content-Length: 5\r\n\r\n"), "{text}");
    }
}
