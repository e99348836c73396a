//! The values inside header fields that carry structure: URIs, name-addrs and Vias.
//!
//! Parsing is lenient where devices are sloppy and the meaning is plain, strict where two readings exist. What was
//! parsed prints again as it was, so that a Contact becomes a Request-URI byte for byte.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, SocketAddr};

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

/// URI scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    #[default]
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`, RFC 3966; the number is in `user`, the host is empty.
    Tel,
    /// Any other, in lower case; everything after the colon is in `user`.
    Other(String),
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(name) => name,
        })
    }
}

/// A SIP, SIPS or tel URI, RFC 3261 §19.1 and RFC 3966.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// Which kind.
    pub scheme: Scheme,
    /// Userinfo as written, with escapes and password; see [`Uri::user_decoded`].
    pub user: Option<String>,
    /// Host name or address; an IPv6 address without its brackets. Empty for `tel`.
    pub host: String,
    /// Port, if written.
    pub port: Option<u16>,
    /// URI parameters.
    pub params: Params,
    /// What follows `?`, as written.
    pub headers: Option<String>,
}

impl Uri {
    /// `sip:user@host:port`; `user` is plain text and is escaped here, none if empty.
    pub fn sip(user: &str, host: &str, port: Option<u16>) -> Self {
        Self {
            user: (!user.is_empty()).then(|| escape_user(user)),
            host: host.to_owned(),
            port,
            ..Self::default()
        }
    }

    /// `sip:user@address:port`.
    pub fn at(user: &str, addr: SocketAddr) -> Self {
        Self::sip(user, &addr.ip().to_string(), Some(addr.port()))
    }

    /// User part without password and with its escapes undone; empty if there is none. Escapes that are malformed,
    /// or not UTF-8, or control characters, stay as written.
    pub fn user_decoded(&self) -> String {
        let user = self.user.as_deref().unwrap_or("");
        if self.scheme != Scheme::Sip && self.scheme != Scheme::Sips {
            return user.to_owned();
        }
        unescape(user.split_once(':').map_or(user, |(name, _password)| name))
    }

    /// Value of a parameter, empty for one without a value.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }

    /// The address, if the host is one, with the scheme's default port, RFC 3261 §19.1.2.
    pub fn addr(&self) -> Option<SocketAddr> {
        let default = if self.scheme == Scheme::Sips { 5061 } else { 5060 };
        Some(SocketAddr::new(self.host.parse().ok()?, self.port.unwrap_or(default)))
    }
}

impl FromStr for Uri {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::Empty);
        }
        if text.bytes().any(|b| b <= b' ' || b == 0x7F || matches!(b, b'<' | b'>' | b'"')) {
            return Err(Invalid::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(Invalid::Scheme)?;
        let lower = scheme.to_ascii_lowercase();
        match lower.as_str() {
            "sip" => parse_hierarchy(Scheme::Sip, rest),
            "sips" => parse_hierarchy(Scheme::Sips, rest),
            "tel" => parse_tel(rest),
            _ if is_scheme(&lower) => {
                Ok(Self { scheme: Scheme::Other(lower), user: Some(rest.to_owned()), ..Self::default() })
            }
            _ => Err(Invalid::Scheme),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn parse_tel(rest: &str) -> Result<Uri, Invalid> {
    let (number, params) = rest.split_once(';').map_or((rest, ""), |(n, p)| (n, p));
    if number.is_empty() {
        return Err(Invalid::Empty);
    }
    Ok(Uri {
        scheme: Scheme::Tel,
        user: Some(number.to_owned()),
        params: parse_params(params)?,
        ..Uri::default()
    })
}

fn parse_hierarchy(scheme: Scheme, rest: &str) -> Result<Uri, Invalid> {
    // The user may hold `;` and `?`, and no `@` may follow it unescaped: so the last `@` ends it.
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(u, r)| (Some(u), r));
    if user.is_some_and(str::is_empty) {
        return Err(Invalid::Empty);
    }
    let (rest, headers) = rest.split_once('?').map_or((rest, None), |(r, h)| (r, Some(h.to_owned())));
    let (hostport, params) = rest.split_once(';').map_or((rest, ""), |(h, p)| (h, p));
    let (host, port) = parse_hostport(hostport)?;
    Ok(Uri { scheme, user: user.map(str::to_owned), host, port, params: parse_params(params)?, headers })
}

fn parse_hostport(text: &str) -> Result<(String, Option<u16>), Invalid> {
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
    let port = port.map(|p| p.trim().parse().map_err(|_| Invalid::Port)).transpose()?;
    Ok((host.to_owned(), port))
}

/// Host names have no underscore, but devices on home networks do.
fn is_host_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if !self.host.is_empty() {
                f.write_str("@")?;
            }
        }
        write_hostport(f, &self.host, self.port)?;
        write_params(f, &self.params)?;
        self.headers.as_ref().map_or(Ok(()), |headers| write!(f, "?{headers}"))
    }
}

/// Display name, URI and header parameters: From, To, Contact, Route, P-Asserted-Identity, RFC 3261 §20.10.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name without quotes and escapes, empty if none.
    pub display: String,
    /// The address.
    pub uri: Uri,
    /// Header parameters, not the URI's.
    pub params: Params,
}

impl NameAddr {
    /// `<uri>` without display name and parameters.
    pub fn new(uri: Uri) -> Self {
        Self { uri, ..Self::default() }
    }

    /// `"display" <uri>`.
    pub fn named(display: &str, uri: Uri) -> Self {
        Self { display: display.to_owned(), uri, params: Params::new() }
    }

    /// The dialog tag, RFC 3261 §19.3.
    pub fn tag(&self) -> Option<&str> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }

    /// The same with this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        set_param(&mut self.params, "tag", Some(tag));
        self
    }

    /// Value of a header parameter, empty for one without a value.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }
}

impl FromStr for NameAddr {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let (display, rest) = parse_display(text)?;
        if let Some(rest) = rest.strip_prefix('<') {
            let (uri, params) = rest.split_once('>').ok_or(Invalid::Unbalanced)?;
            let params = params.trim();
            if !params.is_empty() && !params.starts_with(';') {
                return Err(Invalid::Character);
            }
            let params = parse_params(params.strip_prefix(';').unwrap_or(""))?;
            return Ok(Self { display, uri: uri.trim().parse()?, params });
        }
        // RFC 3261 §20.10: without brackets every parameter is the header's, and `?` and `,` may not appear.
        let (uri, params) = rest.split_once(';').map_or((rest, ""), |(u, p)| (u, p));
        if uri.contains(['?', ',']) {
            return Err(Invalid::Character);
        }
        Ok(Self { display, uri: uri.trim().parse()?, params: parse_params(params)? })
    }
}

/// The display name and what follows it: an angle bracket, or a bare URI if there is no name.
fn parse_display(text: &str) -> Result<(String, &str), Invalid> {
    if text.starts_with('"') {
        let end = quoted_len(text).ok_or(Invalid::Unbalanced)?;
        let rest = text[end..].trim_start();
        if !rest.starts_with('<') {
            return Err(Invalid::Character);
        }
        return Ok((unquote(&text[..end]), rest));
    }
    match text.find('<') {
        // Commas and dots in an unquoted name are illegal, common and harmless; a quote is not.
        Some(at) if text[..at].contains('"') => Err(Invalid::Unbalanced),
        // A bracket after the first `;` belongs to a parameter.
        Some(at) if !text[..at].contains(';') => Ok((text[..at].trim().to_owned(), &text[at..])),
        _ => Ok((String::new(), text)),
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.display.is_empty() {
            write!(f, "{} ", quote(&self.display))?;
        }
        write!(f, "<{}>", self.uri)?;
        write_params(f, &self.params)
    }
}

/// One hop, RFC 3261 §20.42.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, …, in upper case.
    pub transport: String,
    /// sent-by host; an IPv6 address without its brackets.
    pub host: String,
    /// sent-by port, if written.
    pub port: Option<u16>,
    /// branch, rport, received, …
    pub params: Params,
}

impl Via {
    /// A Via of our own over UDP that asks for a symmetric response, RFC 3581 §3.
    pub fn udp(sent_by: SocketAddr, branch: &str) -> Self {
        Self {
            transport: "UDP".to_owned(),
            host: sent_by.ip().to_string(),
            port: Some(sent_by.port()),
            params: vec![("branch".to_owned(), Some(branch.to_owned())), ("rport".to_owned(), None)],
        }
    }

    /// The transaction's branch; `None` from stacks of RFC 2543.
    pub fn branch(&self) -> Option<&str> {
        self.param("branch").filter(|branch| !branch.is_empty())
    }

    /// The client asked for a response to its source port, RFC 3581.
    pub fn wants_rport(&self) -> bool {
        self.param("rport").is_some()
    }

    /// The source port filled in by the server.
    pub fn rport(&self) -> Option<u16> {
        self.param("rport")?.parse().ok()
    }

    /// The source address filled in by the server, with or without brackets.
    pub fn received(&self) -> Option<IpAddr> {
        self.param("received")?.trim_matches(['[', ']']).parse().ok()
    }

    /// Value of a parameter, empty for one without a value.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }

    /// Fills in where the request came from, RFC 3261 §18.2.1 and RFC 3581 §4.
    pub fn learn(&mut self, source: SocketAddr) {
        if self.wants_rport() {
            set_param(&mut self.params, "rport", Some(&source.port().to_string()));
        }
        if self.wants_rport() || self.host.parse() != Ok(source.ip()) {
            set_param(&mut self.params, "received", Some(&source.ip().to_string()));
        }
    }
}

impl FromStr for Via {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (protocol, params) = text.split_once(';').map_or((text, ""), |(s, p)| (s, p));
        // RFC 3261 §25.1: blanks may stand around the slashes.
        let mut parts = protocol.splitn(3, '/').map(str::trim);
        if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case("SIP")) || parts.next() != Some("2.0") {
            return Err(Invalid::Protocol);
        }
        let last = parts.next().ok_or(Invalid::Protocol)?;
        let (transport, sent_by) = last.split_once([' ', '\t']).ok_or(Invalid::Protocol)?;
        if !is_token(transport) {
            return Err(Invalid::Protocol);
        }
        let (host, port) = parse_hostport(sent_by.trim())?;
        Ok(Self { transport: transport.to_ascii_uppercase(), host, port, params: parse_params(params)? })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} ", self.transport)?;
        write_hostport(f, &self.host, self.port)?;
        write_params(f, &self.params)
    }
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
fn parse_params(text: &str) -> Result<Params, Invalid> {
    if text.trim().is_empty() {
        return Ok(Params::new());
    }
    split_outside_quotes(text, b';').ok_or(Invalid::Unbalanced)?.into_iter().map(parse_param).collect()
}

fn parse_param(text: &str) -> Result<(String, Option<String>), Invalid> {
    let (name, value) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v.trim())));
    let name = name.trim();
    if name.is_empty() || name.bytes().any(|b| b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b',')) {
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
fn quoted_len(text: &str) -> Option<usize> {
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

/// RFC 3261 §25.1 `user`: everything that is neither unreserved nor user-unreserved is escaped.
fn escape_user(text: &str) -> String {
    let mut user = String::with_capacity(text.len());
    for &b in text.as_bytes() {
        if b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&b) {
            user.push(char::from(b));
        } else {
            user.push_str(&format!("%{b:02X}"));
        }
    }
    user
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| core::str::from_utf8(hex).ok());
        let code = code.filter(|_| first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) if byte >= b' ' && byte != 0x7F => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn write_hostport(f: &mut fmt::Formatter<'_>, host: &str, port: Option<u16>) -> fmt::Result {
    if host.contains(':') {
        write!(f, "[{host}]")?
    } else {
        f.write_str(host)?
    }
    port.map_or(Ok(()), |port| write!(f, ":{port}"))
}

fn write_params(f: &mut fmt::Formatter<'_>, params: &Params) -> fmt::Result {
    for (name, value) in params {
        match value {
            Some(value) => write!(f, ";{name}={value}")?,
            None => write!(f, ";{name}")?,
        }
    }
    Ok(())
}
