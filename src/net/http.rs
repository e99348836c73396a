//! The one HTTP client: short questions to machines that the owner named, each within a time and a size.
//!
//! It blocks, so it belongs to threads of its own, never to control or media. It follows no redirect, for what it carries is
//! for the machine that was named; it takes no proxy from its surroundings; and no address, key or answer is in what it says
//! of a failure.

use super::tls;
use core::fmt;
use core::time::Duration;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error};

/// Where another machine is asked. What is behind its host may be a secret: `Debug` and `Display` show the host alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Without a `/` at its end.
    text: String,
    host: String,
    encrypted: bool,
}

/// What a text must be to be one.
pub const URL_ALLOWED: &str = "allowed is an address such as \"http://192.168.1.50:8000/v1\", with http:// or https:// and without user or password";

impl Url {
    /// From what the owner wrote: `http` or `https`, a host, and no user or password before it.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let encrypted = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        let named = uri.host().is_some_and(|host| !host.is_empty()) && !authority.contains('@');
        // A port that is none is taken for no port at all.
        let port = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest).split_once(':');
        let placed = port.is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
        (named && placed).then(|| Self {
            text: text.trim_end_matches('/').to_owned(),
            host: authority.to_owned(),
            encrypted,
        })
    }

    /// This with `path` behind it.
    pub fn join(&self, path: &str) -> Self {
        Self { text: format!("{}/{}", self.text, path.trim_start_matches('/')), ..self.clone() }
    }

    /// Host and port, as written.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether what is sent there can be read on its way through strange networks: no TLS, and not the box's own house.
    pub fn is_exposed(&self) -> bool {
        let host = self.host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let host = host.map_or(self.host.as_str(), |(host, _)| host).trim_matches(['[', ']']);
        !self.encrypted && !is_at_home(host)
    }
}

/// Whether a name or an IP address is one of the house's own network.
pub fn is_at_home(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
        Err(_) => !host.contains('.') || HOUSE.iter().any(|end| host.ends_with(end)),
    }
}

/// Ends of names that only a house's own network knows.
const HOUSE: [&str; 5] = [".local", ".lan", ".home", ".internal", ".home.arpa"];

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

/// A form with one file, RFC 7578: its `Content-Type` and its body. `kind` is the file's own type.
pub fn form(fields: &[(&str, &str)], file_name: &str, kind: &str, file: &[u8]) -> (String, Vec<u8>) {
    // Longer than any run of the same signs in sound or in what is sealed.
    const BOUNDARY: &str = "hold-slayer-4f1c9a7be2d05836-0123456789abcdefghijklmnopqrst";
    let mut body = Vec::with_capacity(file.len() + 1_000);
    for (name, value) in fields {
        let part =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// A question: a POST.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    /// To whom.
    pub url: &'a Url,
    /// Header fields.
    pub fields: &'a [(&'a str, &'a str)],
    /// What.
    pub body: &'a [u8],
    /// All of it, from the name's look-up to the answer's last byte, takes no longer.
    pub limit: Duration,
    /// And is no longer than this, bytes.
    pub most: usize,
}

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In plain words, with the host.
    pub words: String,
    /// The same question may well be answered later.
    pub passes: bool,
    /// The status, where there was one.
    pub status: Option<u16>,
}

/// The client. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
}

impl Client {
    /// Trusts the system's authorities, or those in the file `ca` alone. Without authorities only `http` can be asked.
    ///
    /// # Errors
    /// In plain words: `ca` cannot be used.
    pub fn new(ca: Option<&Path>) -> Result<Self, String> {
        let authorities = match (tls::authorities(ca), ca) {
            (Err(why), Some(_)) => return Err(why),
            (found, _) => found.unwrap_or_default(),
        };
        let roots = authorities.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(tls::provider())
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("hold-slayer")
            .max_idle_connections(2)
            .build();
        Ok(Self { agent: config.new_agent() })
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// No answer, none in time, too long a one, or one that is no success.
    pub fn post(&self, post: &Post<'_>) -> Result<Vec<u8>, Failure> {
        let fail = |error: Error| explain(&error, post);
        let mut request = self.agent.post(&post.url.text);
        for (name, value) in post.fields {
            request = request.header(*name, *value);
        }
        let limited = request.config().timeout_global(Some(post.limit)).build();
        let mut answer = limited.send(post.body).map_err(fail)?;
        let (host, status) = (post.url.host(), answer.status().as_u16());
        if !answer.status().is_success() {
            return Err(refused(host, status));
        }
        let body = answer.body_mut().with_config().limit(post.most as u64).read_to_vec();
        body.map_err(fail)
    }
}

fn refused(host: &str, status: u16) -> Failure {
    let words = match status {
        300..=399 => format!(
            "{host} sends elsewhere ({status}), where the box does not follow: write the last address"
        ),
        401 | 403 => format!("{host} refuses the key ({status})"),
        404 => format!("{host} has nothing at this address (404)"),
        429 => format!("{host} is asked too often (429)"),
        _ => format!("{host} answers with an error ({status})"),
    };
    Failure { words, passes: matches!(status, 408 | 425 | 429 | 500..=599), status: Some(status) }
}

fn explain(error: &Error, post: &Post<'_>) -> Failure {
    let host = post.url.host();
    let cause = |error: &std::io::Error| {
        error.get_ref().and_then(|inner| inner.downcast_ref()).map(|cause| tls::explain_cause(cause, host))
    };
    let words = match error {
        Error::Timeout(_) => format!("{host} did not answer within {} s", post.limit.as_secs()),
        Error::HostNotFound => format!("the name {host} has no address"),
        Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..) => format!("{host} answers far too much"),
        Error::Rustls(error) => tls::explain_cause(error, host),
        Error::Io(error) => {
            cause(error).unwrap_or_else(|| format!("{host} is not reached: {}", error.kind()))
        }
        Error::ConnectionFailed => format!("{host} is not reached"),
        Error::Protocol(_) | Error::Http(_) => format!("{host} does not answer as HTTP should"),
        _ => format!("{host} cannot be asked"),
    };
    let passes =
        matches!(error, Error::Timeout(_) | Error::HostNotFound | Error::Io(_) | Error::ConnectionFailed);
    Failure { words, passes, status: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn addresses_are_read_and_never_shown_whole() {
        let good = [
            ("http://192.168.1.5:8000/v1/", "192.168.1.5:8000", false),
            ("https://hooks.example/T0/secret", "hooks.example", false),
            ("http://hooks.example:80/T0/secret", "hooks.example:80", true),
            ("http://nas.local:11434/v1", "nas.local:11434", false),
            ("http://localhost", "localhost", false),
            ("http://[fd00::1]:99", "[fd00::1]:99", false),
            ("http://[2001:db8::1]", "[2001:db8::1]", true),
            ("http://1.2.3.4", "1.2.3.4", true),
        ];
        for (text, host, exposed) in good {
            let url = Url::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((url.host(), url.is_exposed()), (host, exposed), "{text}");
            assert_eq!(format!("{url} {url:?}"), format!("{host} {host}"));
        }
        for text in [
            "",
            "localhost",
            "ftp://a",
            "http://",
            "http://me:pw@a",
            "http://a:0",
            "http://a:99999",
            "/v1",
            "http:// a",
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
        assert_eq!(Url::parse("http://a/v1/").unwrap().join("/x").text, "http://a/v1/x");
    }
}
