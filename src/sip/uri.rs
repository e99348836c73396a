//! URIs, RFC 3261 §19.1 and RFC 3966.

use super::grammar::{
    Invalid, Params, param, parse_hostport, parse_params, set_param, write_hostport, write_params,
};
use super::hop::Transport;
use core::fmt;
use core::str::FromStr;
use std::net::SocketAddr;

/// The number without the signs that people write between digits: those of RFC 3966 §5.1.1, spaces and slashes.
pub fn plain(number: &str) -> String {
    number.chars().filter(|sign| !" -.()/".contains(*sign)).collect()
}

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

    /// The transport that its parameter asks for, if it is one of ours.
    pub fn transport(&self) -> Option<Transport> {
        let asked = self.param("transport")?;
        [Transport::Udp, Transport::Tcp, Transport::Tls]
            .into_iter()
            .find(|transport| asked.eq_ignore_ascii_case(transport.name()))
    }

    /// The same with the parameter that asks for this transport.
    #[must_use]
    pub fn by(mut self, transport: Transport) -> Self {
        if transport.param().is_some() {
            set_param(&mut self.params, "transport", transport.param());
        }
        self
    }

    /// The address, if the host is one, with the scheme's default port, RFC 3261 §19.1.2.
    pub fn addr(&self) -> Option<SocketAddr> {
        let default =
            if self.scheme == Scheme::Sips { Transport::Tls } else { self.transport().unwrap_or_default() };
        Some(SocketAddr::new(self.host.parse().ok()?, self.port.unwrap_or(default.port())))
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

pub(super) fn unescape(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let same = [
            "sip:alice@example.com",
            "sips:alice@example.com:5061",
            "sip:example.com",
            "sip:192.0.2.1:5060;transport=udp;lr",
            "sip:[2001:db8::1]",
            "sip:+1555@[2001:db8::1]:5062;user=phone",
            "sip:alice:secret@example.com",
            "sip:user;par=u%40example.net@example.com",
            "sip:*99?x@example.com",
            "sip:a@b.example?Subject=hi",
            "tel:+1-555-0100",
            "tel:0100;phone-context=+49",
            "urn:service:sos",
            "sip:1@host_with_underscore",
        ];
        for text in same {
            let uri: Uri = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn parts() {
        let uri: Uri = "SIP:%2B49(30)%20x:pw@[2001:db8::1]:5070;Transport=TCP;lr?a=b".parse().unwrap();
        assert_eq!(uri.scheme, Scheme::Sip);
        assert_eq!(uri.user_decoded(), "+49(30) x");
        assert_eq!(uri.host, "2001:db8::1");
        assert_eq!((uri.param("transport"), uri.param("LR"), uri.param("x")), (Some("TCP"), Some(""), None));
        assert_eq!(uri.headers.as_deref(), Some("a=b"));
        assert_eq!(uri.addr(), Some("[2001:db8::1]:5070".parse().unwrap()));
        let tel: Uri = "tel:+1555;ext=5".parse().unwrap();
        assert_eq!((tel.user_decoded().as_str(), tel.param("ext"), tel.addr()), ("+1555", Some("5"), None));
        assert_eq!("sips:192.0.2.1".parse::<Uri>().unwrap().addr(), Some("192.0.2.1:5061".parse().unwrap()));
    }

    #[test]
    fn what_is_refused_and_why() {
        let cases = [
            ("", Invalid::Empty),
            ("alice", Invalid::Scheme),
            (":alice@example.com", Invalid::Scheme),
            ("1sip:alice", Invalid::Scheme),
            ("sip:", Invalid::Host),
            ("sip:@example.com", Invalid::Empty),
            ("sip:alice@", Invalid::Host),
            ("sip:alice@exa mple.com", Invalid::Character),
            ("<sip:alice@example.com>", Invalid::Character),
            ("sip:a\0@example.com", Invalid::Character),
            ("sip:alice@example.com:port", Invalid::Port),
            ("sip:alice@example.com;=x", Invalid::Parameter),
            ("tel:", Invalid::Empty),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Uri>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn escapes() {
        let cases = [
            ("sip:%61lice@h", "alice"),
            ("sip:a%40b@h", "a@b"),
            ("sip:50%@h", "50%"),
            ("sip:%zz@h", "%zz"),
            ("sip:nul%00@h", "nul%00"),
            ("sip:line%0d%0a@h", "line%0d%0a"),
            ("sip:%C3%9C@h", "Ü"),
            ("sip:%FF@h", "%FF"),
            ("sip:h", ""),
        ];
        for (text, user) in cases {
            assert_eq!(text.parse::<Uri>().unwrap().user_decoded(), user, "{text}");
        }
        for user in ["*58", "+49 30", "a@b:c", "#31#", "Ü%"] {
            let uri = Uri::sip(user, "h", None);
            let again: Uri = uri.to_string().parse().unwrap();
            assert_eq!(again.user_decoded(), user);
        }
    }
}
