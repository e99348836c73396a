//! By e-mail, through the owner's mail provider.

use super::message::Message;
use super::{Security, Server};
use crate::net::http::Failure;
use crate::net::tls;
use core::time::Duration;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::{Error, extension::ClientId};
use lettre::{SmtpTransport, Transport};
use std::path::Path;

/// The server answers each line within this time.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether a text is an e-mail address, perhaps with a name before it.
pub fn is_address(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// Sends it.
///
/// # Errors
/// It was not taken.
pub fn send(
    server: &Server,
    ca: Option<&Path>,
    from: &str,
    to: &str,
    message: &Message,
) -> Result<(), Failure> {
    let fail = |words: String| Failure { words, passes: false, status: None };
    let address =
        |text: &str| text.parse::<Mailbox>().map_err(|_| fail(format!("{text} is no e-mail address")));
    let mail = lettre::Message::builder()
        .from(address(from)?)
        .to(address(to)?)
        .subject(format!("Hold Slayer: {}", message.title))
        .header(ContentType::TEXT_PLAIN)
        .body(format!("{}\r\n", message.text))
        .map_err(|error| fail(format!("the e-mail cannot be written: {error}")))?;
    let tls = match server.security {
        Security::None => Tls::None,
        Security::StartTls => Tls::Required(parameters(server, ca).map_err(fail)?),
        Security::Tls => Tls::Wrapper(parameters(server, ca).map_err(fail)?),
    };
    let mut builder = SmtpTransport::builder_dangerous(server.host.as_str())
        .port(server.port)
        .tls(tls)
        // Its own name is nobody's business.
        .hello_name(ClientId::Domain("hold-slayer.invalid".to_owned()))
        .timeout(Some(LIMIT));
    if let Some((user, secret)) = &server.login {
        builder = builder.credentials(Credentials::new(user.clone(), secret.expose().to_owned()));
    }
    builder.build().send(&mail).map(drop).map_err(|error| explain(&error, &server.host))
}

fn parameters(server: &Server, ca: Option<&Path>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.host.clone()).certificate_store(CertificateStore::None);
    for authority in tls::authorities(ca)? {
        // One that cannot be read signs nothing for us.
        if let Ok(certificate) = Certificate::from_der(authority.to_vec()) {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| format!("TLS with {} is not possible: {error}", server.host))
}

/// What the server says may hold an address, but never a password.
fn explain(error: &Error, host: &str) -> Failure {
    let code = error.status().map(|code| code.to_string());
    let words = match &code {
        Some(code) if code == "535" || code == "534" => format!("{host} refuses user or password ({code})"),
        Some(code) => format!("{host} does not take the e-mail ({code})"),
        None if error.is_timeout() => format!("{host} does not answer in time"),
        None if error.is_tls() => {
            format!("{host} does not show a certificate that this box trusts, or no TLS at all")
        }
        None if error.is_client() => format!("{host} does not know what the box needs: {error}"),
        None => format!("{host} is not reached as a mail server"),
    };
    Failure { words, passes: !error.is_permanent() && !error.is_client(), status: None }
}
