//! The values inside header fields that carry structure: URIs, name-addrs and Vias.
//!
//! Parsing is lenient where devices are sloppy and the meaning is plain, strict where two readings exist. What was
//! parsed prints again as it was, so that a Contact becomes a Request-URI byte for byte.

pub use super::grammar::{Invalid, Params};
pub use super::uri::{Scheme, Uri};

use super::grammar::{
    is_token, param, parse_hostport, parse_params, quote, quoted_len, set_param, unquote, write_hostport,
    write_params,
};
use super::hop::Transport;
use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, SocketAddr};

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
        // A bracket after the first `;` belongs to a parameter.
        Some(at) if text[..at].contains(';') => Ok((String::new(), text)),
        // Commas and dots in an unquoted name are illegal, common and harmless; a quote is not.
        Some(at) if text[..at].contains('"') => Err(Invalid::Unbalanced),
        Some(at) => Ok((text[..at].trim().to_owned(), &text[at..])),
        None => Ok((String::new(), text)),
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
    /// A Via of our own that asks for a symmetric response, RFC 3581 §3.
    pub fn own(transport: Transport, sent_by: SocketAddr, branch: &str) -> Self {
        Self {
            transport: transport.name().to_owned(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn addresses_in_all_their_forms() {
        // text, display, URI, tag
        let cases = [
            ("<sip:a@b>", "", "sip:a@b", None),
            ("sip:a@b;tag=1", "", "sip:a@b", Some("1")),
            ("sip:a@b ;tag=1", "", "sip:a@b", Some("1")),
            ("<sip:a@b;tag=uri>;tag=2", "", "sip:a@b;tag=uri", Some("2")),
            ("Alice <sip:a@b>;tag=3", "Alice", "sip:a@b", Some("3")),
            ("\"Alice \\\"Al\\\" <x>\"<sip:a@b> ; tag = 4", "Alice \"Al\" <x>", "sip:a@b", Some("4")),
            ("Bell, Alexander <sip:a@b>", "Bell, Alexander", "sip:a@b", None),
            ("\"W\" < sip:a@b >", "W", "sip:a@b", None),
            ("\"\" <sip:a@b>", "", "sip:a@b", None),
            ("<tel:+1555>", "", "tel:+1555", None),
            (
                "<sip:+1555@[2001:db8::1]:5060;user=phone>;x",
                "",
                "sip:+1555@[2001:db8::1]:5060;user=phone",
                None,
            ),
            ("sip:a@b;x=\"<\"", "", "sip:a@b", None),
            ("<sip:a@b>;tag=", "", "sip:a@b", None),
        ];
        for (text, display, uri, tag) in cases {
            let addr: NameAddr = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(
                (addr.display.as_str(), addr.uri.to_string().as_str(), addr.tag()),
                (display, uri, tag),
                "{text}"
            );
            assert_eq!(addr.to_string().parse(), Ok(addr), "{text}");
        }
    }

    #[test]
    fn addresses_that_are_none() {
        let cases = [
            ("", Invalid::Empty),
            ("*", Invalid::Scheme),
            ("\"Open <sip:a@b>", Invalid::Unbalanced),
            ("Mr. \"X\" Y\" <sip:a@b>", Invalid::Unbalanced),
            ("<sip:a@b", Invalid::Unbalanced),
            ("<sip:a@b> tag=1", Invalid::Character),
            ("<sip:a@b>;x=1<. ;;", Invalid::Parameter),
            ("<sip:a@b>;x=\"1\"<;y", Invalid::Parameter),
            ("\"Name\" sip:a@b", Invalid::Character),
            ("sip:a@b?Route=x", Invalid::Character),
            ("sip:a@b,sip:c@d", Invalid::Character),
            ("<>", Invalid::Empty),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<NameAddr>(), Err(why), "{text}");
        }
    }

    #[test]
    fn tags_are_set_once() {
        let addr = NameAddr::named("A \"B\"", Uri::sip("a", "b", None)).with_tag("1").with_tag("2");
        assert_eq!(addr.to_string(), "\"A \\\"B\\\"\" <sip:a@b>;tag=2");
    }

    #[test]
    fn vias() {
        let cases = [
            ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx", "UDP", "192.0.2.1", Some(5060), Some("z9hG4bKx")),
            ("SIP / 2.0 / tcp  host ;branch = b", "TCP", "host", None, Some("b")),
            ("SIP/2.0/UDP [2001:db8::1]:5060;branch=b", "UDP", "2001:db8::1", Some(5060), Some("b")),
            ("SIP/2.0/UDP host", "UDP", "host", None, None),
            ("SIP/2.0/UNKNOWN host : 7;branch=", "UNKNOWN", "host", Some(7), None),
        ];
        for (text, transport, host, port, branch) in cases {
            let via: Via = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(
                (via.transport.as_str(), via.host.as_str(), via.port, via.branch()),
                (transport, host, port, branch),
                "{text}"
            );
            assert_eq!(via.to_string().parse(), Ok(via), "{text}");
        }
        let wrong = [
            ("", Invalid::Protocol),
            ("SIP/2.0/UDP", Invalid::Protocol),
            ("SIP/3.0/UDP host", Invalid::Protocol),
            ("HTTP/2.0/UDP host", Invalid::Protocol),
            ("SIP/2.0/UDP host:x", Invalid::Port),
            ("SIP/2.0/UDP 192.0.2.15;;,;,,", Invalid::Parameter),
        ];
        for (text, why) in wrong {
            assert_eq!(text.parse::<Via>(), Err(why), "{text}");
        }
    }

    #[test]
    fn vias_learn_their_source() {
        let source: SocketAddr = "198.51.100.7:1024".parse().unwrap();
        // RFC 3581 §4: with rport both are filled in; without it `received` only if the address differs.
        let cases = [
            ("SIP/2.0/UDP 10.0.0.1;rport;branch=b", Some(1024), Some("198.51.100.7")),
            ("SIP/2.0/UDP 198.51.100.7;rport", Some(1024), Some("198.51.100.7")),
            ("SIP/2.0/UDP 10.0.0.1;branch=b", None, Some("198.51.100.7")),
            ("SIP/2.0/UDP 198.51.100.7;branch=b", None, None),
            ("SIP/2.0/UDP 10.0.0.1;received=1.2.3.4", None, Some("198.51.100.7")),
        ];
        for (text, rport, received) in cases {
            let mut via: Via = text.parse().unwrap();
            via.learn(source);
            let via: Via = via.to_string().parse().unwrap();
            assert_eq!(
                (via.rport(), via.received()),
                (rport, received.map(|r| r.parse().unwrap())),
                "{text}"
            );
        }
        let both: Via = "SIP/2.0/UDP h;received=[2001:db8::1];rport=5".parse().unwrap();
        assert_eq!((both.received(), both.rport()), (Some("2001:db8::1".parse().unwrap()), Some(5)));
    }
}
