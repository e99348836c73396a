//! What the body of a message is to us: a session description, alone or among other parts, RFC 5621 and RFC 2046 §5.1.

use super::grammar::{param, parse_params};
use super::message::{Headers, Request};
use super::reply::SDP;

/// Most parts of a body that are looked at.
const PARTS: usize = 16;

/// What a body is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Nothing, or nothing that must be understood.
    Empty,
    /// A session description.
    Sdp(&'a [u8]),
    /// Something else: 415.
    Other,
}

/// Reads what Content-Type and Content-Disposition say of a body.
pub fn body<'a>(headers: &Headers, bytes: &'a [u8]) -> Body<'a> {
    if bytes.is_empty() {
        return Body::Empty;
    }
    // A body without Content-Type is a broken message whose meaning is plain.
    let type_ = headers.first("Content-Type").unwrap_or(SDP);
    part(type_, headers.first("Content-Disposition"), bytes, true)
}

/// The request brings an offer, or something that we cannot read instead of one.
pub fn is_described(request: &Request) -> bool {
    body(&request.headers, &request.body) != Body::Empty
}

fn part<'a>(type_: &str, disposition: Option<&str>, bytes: &'a [u8], outermost: bool) -> Body<'a> {
    let (name, params) = type_.split_once(';').unwrap_or((type_, ""));
    let name = name.trim().to_ascii_lowercase();
    if name == SDP {
        return Body::Sdp(bytes);
    }
    // RFC 3261 §20.11: what is optional may be passed over.
    let optional = disposition.and_then(|text| text.split_once(';')).and_then(|(_, params)| {
        parse_params(params).ok().and_then(|params| param(&params, "handling").map(str::to_owned))
    });
    let fallback = match optional {
        Some(handling) if handling.eq_ignore_ascii_case("optional") => Body::Empty,
        _ => Body::Other,
    };
    // Parts within parts are nobody's offer.
    if !outermost || !name.starts_with("multipart/") {
        return fallback;
    }
    let boundary = parse_params(params).ok().and_then(|params| param(&params, "boundary").map(str::to_owned));
    let Some(boundary) = boundary.filter(|text| !text.is_empty()) else { return fallback };
    let boundary = boundary.trim_matches('"');
    let described = parts(bytes, boundary).into_iter().find_map(|inner| match inner_part(inner) {
        Body::Sdp(sdp) => Some(Body::Sdp(sdp)),
        Body::Empty | Body::Other => None,
    });
    described.unwrap_or(fallback)
}

/// The parts between the delimiter lines, RFC 2046 §5.1.1.
fn parts<'a>(bytes: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let (mut found, mut start, mut at) = (Vec::new(), None, 0);
    while let Some(line) = line_at(bytes, at) {
        let text = line.trim_ascii_end();
        if let Some(rest) = text.strip_prefix(delimiter).filter(|rest| rest.is_empty() || *rest == b"--") {
            if let Some(start) = start.take() {
                // The line break before a delimiter is the delimiter's.
                found.push(without_break(&bytes[start..at]));
            }
            if rest == b"--" || found.len() >= PARTS {
                return found;
            }
            start = Some(at + line.len());
        }
        at += line.len();
    }
    // A body that was cut short by its writer: what there is counts.
    found.extend(start.map(|start| &bytes[start..]));
    found
}

fn line_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |end| end + 1);
    rest.get(..end)
}

fn without_break(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\r\n").or(bytes.strip_suffix(b"\n")).unwrap_or(bytes)
}

fn inner_part(bytes: &[u8]) -> Body<'_> {
    let mut at = 0;
    let (mut type_, mut disposition) = ("text/plain".to_owned(), None);
    while let Some(line) = line_at(bytes, at) {
        at += line.len();
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.trim() {
            name if name.eq_ignore_ascii_case("Content-Type") => value.trim().clone_into(&mut type_),
            name if name.eq_ignore_ascii_case("Content-Disposition") => {
                disposition = Some(value.trim().to_owned())
            }
            _ => {}
        }
    }
    part(&type_, disposition.as_deref(), bytes.get(at..).unwrap_or_default(), false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn read<'a>(rows: &[(&str, &str)], bytes: &'a str) -> Body<'a> {
        let mut headers = Headers::new();
        rows.iter().for_each(|(name, value)| headers.push(name, *value));
        body(&headers, bytes.as_bytes())
    }

    #[test]
    fn a_description_is_found_wherever_it_is() {
        let parts = "preamble\r\n--b1\r\nContent-Type: application/isup;version=nxv3\r\nContent-Disposition: signal;\
                     handling=optional\r\n\r\n\x01\x02\r\n--b1\r\ncontent-type : Application/SDP\r\n\r\nv=0\r\nx\r\n--b1--\r\n";
        let quoted = "multipart/mixed; boundary=\"b1\"";
        let cases = [
            (vec![], "", Body::Empty),
            (vec![], "v=0", Body::Sdp(b"v=0")),
            (vec![("Content-Type", "Application/SDP; charset=utf-8")], "v=0", Body::Sdp(b"v=0")),
            (vec![("Content-Type", "multipart/mixed;boundary=b1")], parts, Body::Sdp(b"v=0\r\nx")),
            (vec![("Content-Type", quoted)], parts, Body::Sdp(b"v=0\r\nx")),
            (vec![("Content-Type", "multipart/mixed;boundary=b2")], parts, Body::Other),
            (vec![("Content-Type", "multipart/mixed")], parts, Body::Other),
            (vec![("Content-Type", "text/plain")], "hello", Body::Other),
            (
                vec![("Content-Type", "image/x"), ("Content-Disposition", "icon;handling=optional")],
                "x",
                Body::Empty,
            ),
            (
                vec![("Content-Type", "image/x"), ("Content-Disposition", "icon;handling=required")],
                "x",
                Body::Other,
            ),
            (
                vec![("Content-Type", quoted)],
                "--b1\nContent-Type: application/sdp\n\nv=0\n",
                Body::Sdp(b"v=0\n"),
            ),
            (vec![("Content-Type", quoted)], "--b1\r\n--b1\r\n--b1--", Body::Other),
            (
                vec![("Content-Type", quoted)],
                "--b1x\r\nContent-Type: application/sdp\r\n\r\nv=0",
                Body::Other,
            ),
        ];
        for (rows, bytes, expected) in cases {
            assert_eq!(read(&rows, bytes), expected, "{rows:?} {bytes}");
        }
    }
}
