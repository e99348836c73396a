//! The certificates that the box shows to browsers and phones: whether they can be used, now.

use super::{Level, Verdict, say};
use crate::clock;
use crate::config::{Config, PageTls};
use crate::net::certificate;
use crate::net::tls;
use std::path::{Path, PathBuf};

/// One that stands in files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Who is shown it.
    about: &'static str,
    /// What is soon wrong with it; or what is, in plain words.
    good: Result<Option<String>, String>,
}

/// Looks at those that the configuration names.
pub(super) fn look(config: &Config) -> Vec<Certificate> {
    let page = match &config.web.tls {
        PageTls::Files { cert, key } => Some(("page", cert, key)),
        PageTls::Off | PageTls::SelfSigned => None,
    };
    let phones = config.sip.tls.as_ref().map(|tls| ("SIP over TLS", &tls.cert, &tls.key));
    let one =
        |(about, cert, key): (_, &PathBuf, &PathBuf)| Certificate { about, good: good(about, cert, key) };
    page.into_iter().chain(phones).map(one).collect()
}

fn good(about: &'static str, cert: &Path, key: &Path) -> Result<Option<String>, String> {
    tls::acceptor(cert, key)?;
    let now = clock::wall();
    Ok(certificate::Certificate::look(about, cert, false, now)?.ends_soon(now))
}

pub(super) fn judge(of: &Certificate) -> Verdict {
    match &of.good {
        Ok(Some(soon)) => say(Level::Warning, of.about, soon.clone()),
        Ok(None) => say(Level::Ok, of.about, "its certificate and key belong together and are valid"),
        Err(why) => say(Level::Problem, of.about, why.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::config;

    #[test]
    fn files_that_are_not_there_are_told_of_for_the_page_and_for_phones() {
        let text = "[web]\ntls = \"files\"\ntls_cert = \"/nowhere/page.pem\"\ntls_key = \"/nowhere/page.key\"\n\
                    [sip]\ntls_listen = \"0.0.0.0:5061\"\ntls_cert = \"/nowhere/sip.pem\"\ntls_key = \"/nowhere/sip.key\"\n";
        let read = |text: &str| {
            config::parse(text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
        };
        let said: Vec<String> = look(&read(text)).iter().map(|one| judge(one).to_string()).collect();
        assert!(said[0].starts_with("problem  page: ") && said[0].contains("/nowhere/page.pem"), "{said:?}");
        assert!(
            said[1].starts_with("problem  SIP over TLS: ") && said[1].contains("/nowhere/sip.pem"),
            "{said:?}"
        );
        assert!(look(&read("")).is_empty());
    }
}
