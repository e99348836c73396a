//! TLS by rustls: whom the box trusts, what it shows itself, and what went wrong in plain words.

use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, RootCertStore, ServerConfig, crypto::CryptoProvider, crypto::ring,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Most names of a wrong certificate that are told.
const NAMES: usize = 3;

/// A peer's name and whose word on it is good.
#[derive(Clone)]
pub struct Trust {
    host: String,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Trust {
    /// The certificate of `host` must be signed by one of the system's authorities, or by one in the file `ca` alone.
    ///
    /// # Errors
    /// In plain words: the file or the host's name cannot be used.
    pub fn new(host: &str, ca: Option<&Path>) -> Result<Self, String> {
        let config = client(ca)?;
        // RFC 5922 §7.1: the name asked for is the one the owner wrote, whatever the name service made of it.
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host} is no name that a certificate can be for"))?;
        Ok(Self { host: host.to_owned(), name, connector: TlsConnector::from(config) })
    }

    /// The peer's name.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

/// How the box connects: trusting the system's authorities, or those in the file `ca` alone.
///
/// # Errors
/// In plain words: the file cannot be used, or there are no authorities.
pub fn client(ca: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let roots = match ca {
        Some(file) => pinned(file)?,
        None => system()?,
    };
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The certificates of [`client`]'s authorities.
///
/// # Errors
/// As [`client`].
pub fn authorities(ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    match ca {
        Some(file) => certificates(file),
        None => system().map(|_| rustls_native_certs::load_native_certs().certs),
    }
}

/// What the box shows to those who connect: a chain of certificates and the key of the first.
///
/// # Errors
/// In plain words: a file cannot be read, or the two do not belong together.
pub fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let chain = certificates(cert)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("the key {} cannot be read: {error}", key.display()))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| format!("{} and {} cannot be used: {error}", cert.display(), key.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Takes a connection that begins with TLS.
///
/// # Errors
/// The handshake fails.
pub async fn welcome(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>> {
    acceptor.accept(stream).await
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(format!("there is no certificate in {}", file.display())),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("the certificates in {} cannot be read: {error}", file.display())),
    }
}

fn pinned(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| format!("{} cannot be used: {error}", file.display()))?;
    }
    Ok(roots)
}

fn system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.certs);
    if good == 0 {
        return Err("this machine has no list of certificate authorities (the package ca-certificates); \
                    ca = \"file\" names one"
            .to_owned());
    }
    Ok(roots)
}

/// What a failed handshake means for the owner.
pub fn explain(error: &io::Error, host: &str) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(cause) => explain_cause(cause, host),
        None => format!("{host} ended the TLS handshake: {error}"),
    }
}

/// The same of what rustls says.
pub(super) fn explain_cause(cause: &rustls::Error, host: &str) -> String {
    match cause {
        rustls::Error::InvalidCertificate(why) => format!("the certificate of {host} {}", distrust(why)),
        rustls::Error::InvalidMessage(_) => format!("{host} does not speak TLS on this port"),
        rustls::Error::AlertReceived(alert) => {
            format!("{host} refused the TLS connection: {}", in_words(&format!("{alert:?}")))
        }
        rustls::Error::PeerIncompatible(why) => format!("{host} knows only TLS that is too old: {why:?}"),
        other => format!("TLS with {host} failed: {other}"),
    }
}

/// The alert's name, RFC 8446 §6.2, as words: `HandshakeFailure` is "handshake failure".
fn in_words(name: &str) -> String {
    let (mut words, mut before) = (String::new(), 'A');
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
        before = letter;
    }
    words
}

pub(super) fn distrust(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "is signed by nobody whom this box trusts; if it is meant to be so, name its root by ca = \"file\"".into()
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            // rustls tells each name with its kind around it: DnsName("sip.example"), IpAddress(127.0.0.1).
            let bare = |name: &String| {
                let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
                inner.trim_matches('"').to_owned()
            };
            let names: Vec<String> = presented.iter().take(NAMES).map(bare).collect();
            format!("is for another name: {}", names.join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired, or the box's clock is wrong".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: the box's clock may be wrong".into()
        }
        CertificateError::Revoked => "has been revoked".into(),
        other => format!("cannot be trusted: {other}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn alerts_are_told_in_words() {
        let told = [
            ("HandshakeFailure", "handshake failure"),
            ("UnknownCA", "unknown ca"),
            ("AccessDenied", "access denied"),
        ];
        for (name, words) in told {
            assert_eq!(in_words(name), words);
        }
    }
}
