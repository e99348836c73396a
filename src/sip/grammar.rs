//! The small grammar that header values share, RFC 3261 §25.1: tokens, quotes, parameters, host and port.

use core::fmt;

/// Parameters in their order; `None` for one without `=`. Values keep their quotes.
pub type Params = Vec<(String, Option<String>)>;

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Nothing there.
    Empty,
    /// A blank, control character, `<`, `>` or `"` where none may be.
    Character,
    /// No scheme, or one with illegal characters.
    Scheme,
    /// Host missing or malformed.
    Host,
    /// Not a port number.
    Port,
    /// A quote or an angle bracket that never closes.
    Unbalanced,
    /// A parameter without a name.
    Parameter,
    /// Via that does not begin `SIP/2.0/transport`.
    Protocol,
    /// CSeq is not a number below 2^31 and a method.
    Sequence,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty value",
            Self::Character => "illegal character",
            Self::Scheme => "bad URI scheme",
            Self::Host => "bad host",
            Self::Port => "bad port",
            Self::Unbalanced => "unbalanced quote or bracket",
            Self::Parameter => "bad parameter",
            Self::Protocol => "bad Via protocol",
            Self::Sequence => "bad CSeq",
        })
    }
}

impl std::error::Error for Invalid {}

pub(super) fn parse_hostport(text: &str) -> Result<(String, Option<u16>), Invalid> {
    let (host, port) = if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or(Invalid::Host)?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| Invalid::Host)?;
        let rest = rest.trim();
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or(Invalid::Port)?) };
        (host, port)
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(h, p)| (h, Some(p)));
        let host = host.trim();
        if host.is_empty() || !host.bytes().all(is_host_byte) {
            return Err(Invalid::Host);
        }
        (host, port)
    };
    Ok((host.to_owned(), port.map(|port| parse_port(port.trim())).transpose()?))
}

fn parse_port(text: &str) -> Result<u16, Invalid> {
    // Rust reads a plus sign, the grammar does not.
    if text.starts_with('+') { Err(Invalid::Port) } else { text.parse().map_err(|_| Invalid::Port) }
}

/// Host names have no underscore, but devices on home networks do.
fn is_host_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')
}

/// RFC 3261 §25.1 `token`.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b))
}

/// Value of the first parameter of this name, whatever its case.
pub(super) fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_deref().unwrap_or(""))
}

/// Replaces a parameter in its place, or appends it.
pub(super) fn set_param(params: &mut Params, name: &str, value: Option<&str>) {
    let value = value.map(str::to_owned);
    match params.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
        Some((_, old)) => *old = value,
        None => params.push((name.to_owned(), value)),
    }
}

/// `name=value;name;…` without the leading semicolon; blanks around `;` and `=` are legal in headers.
pub(super) fn parse_params(text: &str) -> Result<Params, Invalid> {
    if text.trim().is_empty() {
        return Ok(Params::new());
    }
    // Some devices end the list with a semicolon.
    let text = text.trim_end().strip_suffix(';').unwrap_or(text);
    split_outside_quotes(text, b';').ok_or(Invalid::Unbalanced)?.into_iter().map(parse_param).collect()
}

fn parse_param(text: &str) -> Result<(String, Option<String>), Invalid> {
    let (name, value) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v.trim())));
    let name = name.trim();
    if name.is_empty() || name.bytes().any(|b| b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b',')) {
        return Err(Invalid::Parameter);
    }
    // RFC 3261 §25.1: outside of quotes no value has a bracket, and one that is open would swallow what follows it.
    let quoted = value.filter(|value| value.starts_with('"')).and_then(quoted_len).unwrap_or(0);
    if value.and_then(|value| value.get(quoted..)).is_some_and(|bare| bare.contains(['<', '>'])) {
        return Err(Invalid::Parameter);
    }
    Ok((name.to_owned(), value.map(str::to_owned)))
}

/// Splits at `separator` outside of quoted strings and angle brackets; `None` if a quote never closes.
pub(super) fn split_outside_quotes(text: &str, separator: u8) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut bracket) = (0, 0, false);
    let bytes = text.as_bytes();
    while let Some(&b) = bytes.get(at) {
        match b {
            b'"' => {
                at += quoted_len(&text[at..])?;
                continue;
            }
            b'<' => bracket = true,
            b'>' => bracket = false,
            _ if b == separator && !bracket => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&text[start..]);
    Some(parts)
}

/// Bytes of the quoted string that `text` begins with, both quotes included.
pub(super) fn quoted_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The text of a quoted string, RFC 3261 §25.1; other text as it is.
pub(super) fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

/// A quoted string, RFC 3261 §25.1.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

pub(super) fn write_hostport(f: &mut fmt::Formatter<'_>, host: &str, port: Option<u16>) -> fmt::Result {
    if host.contains(':') {
        write!(f, "[{host}]")?
    } else {
        f.write_str(host)?
    }
    port.map_or(Ok(()), |port| write!(f, ":{port}"))
}

pub(super) fn write_params(f: &mut fmt::Formatter<'_>, params: &Params) -> fmt::Result {
    for (name, value) in params {
        match value {
            Some(value) => write!(f, ";{name}={value}")?,
            None => write!(f, ";{name}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn lists_split_only_at_bare_separators() {
        let cases: [(&str, Option<Vec<&str>>); 6] = [
            ("a,b", Some(vec!["a", "b"])),
            ("\"a,b\" <sip:x>,<sip:y,z>", Some(vec!["\"a,b\" <sip:x>", "<sip:y,z>"])),
            ("\"a\\\",b\",c", Some(vec!["\"a\\\",b\"", "c"])),
            ("", Some(vec![""])),
            ("a,,", Some(vec!["a", "", ""])),
            ("a,\"b", None),
        ];
        for (text, parts) in cases {
            assert_eq!(split_outside_quotes(text, b','), parts, "{text}");
        }
    }

    #[test]
    fn quoting_survives_the_round_trip() {
        for text in ["", "plain", "with \"quotes\"", "back\\slash", "\\\"", "Ümläut 日本"] {
            assert_eq!(unquote(&quote(text)), text);
        }
        assert_eq!(unquote("bare"), "bare");
        assert_eq!(unquote("\""), "\"");
    }

    #[test]
    fn hosts_and_ports() {
        let cases = [
            ("example.com", Ok(("example.com".to_owned(), None))),
            ("192.0.2.1:5060", Ok(("192.0.2.1".to_owned(), Some(5060)))),
            ("[2001:db8::1]", Ok(("2001:db8::1".to_owned(), None))),
            ("[2001:db8::1]:5061", Ok(("2001:db8::1".to_owned(), Some(5061)))),
            ("host : 99", Ok(("host".to_owned(), Some(99)))),
            ("2001:db8::1", Err(Invalid::Port)),
            ("[nonsense]", Err(Invalid::Host)),
            ("[::1", Err(Invalid::Host)),
            ("[::1]5060", Err(Invalid::Port)),
            ("", Err(Invalid::Host)),
            (":5060", Err(Invalid::Host)),
            ("host:", Err(Invalid::Port)),
            ("host:65536", Err(Invalid::Port)),
            ("host:+5060", Err(Invalid::Port)),
            ("ho st", Err(Invalid::Host)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_hostport(text), expected, "{text}");
        }
    }

    #[test]
    fn parameters() {
        let pair = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        assert_eq!(
            parse_params("tag=a; lr ;x = \"q;q\"").unwrap(),
            [pair("tag", Some("a")), pair("lr", None), pair("x", Some("\"q;q\""))]
        );
        assert_eq!(parse_params("a=1;").unwrap(), [pair("a", Some("1"))]);
        assert_eq!(parse_params(" "), Ok(vec![]));
        assert_eq!(parse_params(";,;,,"), Err(Invalid::Parameter));
        assert_eq!(parse_params("a;;b"), Err(Invalid::Parameter));
        assert_eq!(parse_params("a=\"open"), Err(Invalid::Unbalanced));
    }
}
