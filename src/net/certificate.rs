//! The certificates that the box shows: made by itself or given to it, and until when they are good.

use super::tls::{acceptor, certificates, distrust, provider};
use crate::units::Wall;
use core::time::Duration;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use std::fs::{self, File};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{self, CertificateError, RootCertStore};

const DAY_MS: u64 = 86_400_000;
/// A certificate of the box's own is good for so long: browsers of one maker believe none that is good for longer than 825.
const GOOD_DAYS: i64 = 800;
/// It is made anew at the first start at which it is good for less than so many days.
const RENEWED: u64 = 60;
/// The owner is told so many days before the end.
const TOLD: u64 = 14;
/// So far is looked ahead.
const LOOKED_AHEAD: u64 = 10 * 366;

/// One that is shown, and when its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Who is shown it: "page", "SIP over TLS".
    about: &'static str,
    file: PathBuf,
    /// Made by the box: the next start makes another one.
    own: bool,
    /// To a day; `None`: not for years.
    over: Option<Wall>,
}

impl Certificate {
    /// The one in this file, as it is.
    ///
    /// # Errors
    /// In plain words: it cannot be read, its time has not come, or it is over.
    pub fn look(about: &'static str, file: &Path, own: bool, now: Wall) -> Result<Self, String> {
        let chain = certificates(file)?;
        let told = |why| format!("the certificate in {} {}", file.display(), distrust(&why));
        timely(&chain, now).map_err(told)?;
        // rustls tells of a moment whether it is good then, not until when it is: the first bad day is between the two.
        let bad = |day: &u64| timely(&chain, Wall(now.0 + day * DAY_MS)).is_err();
        let (mut good, mut end) = (0, LOOKED_AHEAD);
        let over = bad(&end).then(|| {
            while end - good > 1 {
                let middle = u64::midpoint(good, end);
                *(if bad(&middle) { &mut end } else { &mut good }) = middle;
            }
            Wall(now.0 + end * DAY_MS)
        });
        Ok(Self { about, file: file.to_owned(), own, over })
    }

    /// Days for which it is good, begun ones too; `None`: for years.
    fn days(&self, now: Wall) -> Option<u64> {
        self.over.map(|over| over.0.saturating_sub(now.0).div_ceil(DAY_MS))
    }

    /// The same, and who is shown it.
    pub fn trouble(&self, now: Wall) -> Option<String> {
        self.ends_soon(now).map(|soon| format!("{}: {soon}", self.about))
    }

    /// What the owner should do about it, once it is time.
    pub fn ends_soon(&self, now: Wall) -> Option<String> {
        let days = self.days(now).filter(|days| *days <= TOLD)?;
        let file = self.file.display();
        let advice = match self.own {
            true => "start the box anew, and it makes another one",
            false => "put a new one there and start the box anew",
        };
        Some(match days {
            0 => format!("the certificate in {file} has expired: {advice}"),
            1 => format!("the certificate in {file} expires within a day: {advice}"),
            days => format!("the certificate in {file} expires within {days} days: {advice}"),
        })
    }
}

/// Whether the first of a chain may be shown at this moment. Whoever signed it is for those to judge who connect: its names
/// and the rest are not looked at.
fn timely(chain: &[CertificateDer<'static>], at: Wall) -> Result<(), CertificateError> {
    let Some((own, between)) = chain.split_first() else { return Ok(()) };
    let mut roots = RootCertStore::empty();
    if roots.add(own.clone()).is_err() {
        return Ok(());
    }
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()
    else {
        return Ok(());
    };
    let any = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
    let at = UnixTime::since_unix_epoch(Duration::from_millis(at.0));
    match verifier.verify_server_cert(own, between, &any, &[], at) {
        Err(rustls::Error::InvalidCertificate(
            why @ (CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }),
        )) => Err(why),
        _ => Ok(()),
    }
}

/// A certificate that the box signs itself for these names and addresses, and its key, as files in `folder`. Those that
/// are there stay, so that browsers that were told to trust it go on; but not if one of the names is missing in it, or its
/// time is nearly over.
///
/// # Errors
/// In plain words: the files cannot be written, or a name is none.
pub fn self_signed(folder: &Path, names: Vec<String>, now: Wall) -> Result<(PathBuf, PathBuf), String> {
    let (cert, key) = (folder.join("page.pem"), folder.join("page.key"));
    if acceptor(&cert, &key).is_ok() && is_for(&cert, &names) && !is_nearly_over(&cert, now) {
        return Ok((cert, key));
    }
    let failed = |error: rcgen::Error| format!("no certificate can be made for the page: {error}");
    let secret = rcgen::KeyPair::generate().map_err(failed)?;
    let mut about = rcgen::CertificateParams::new(names).map_err(failed)?;
    about.distinguished_name = rcgen::DistinguishedName::new();
    about.distinguished_name.push(rcgen::DnType::CommonName, "Hold Slayer");
    about.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    // The clocks of others may be behind.
    let midnight = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
    about.not_before = midnight(day(now, -1));
    about.not_after = midnight(day(now, GOOD_DAYS - 1));
    let made = about.self_signed(&secret).map_err(failed)?;
    for (path, text) in [(&key, secret.serialize_pem()), (&cert, made.pem())] {
        let _ = fs::remove_file(path);
        let file = File::options().write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok((cert, key))
}

/// Year, month and day, so many days after this moment.
fn day(now: Wall, days: i64) -> (i32, u8, u8) {
    let now = Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or_default()).unwrap_or_default();
    let date = now.to_zoned(TimeZone::UTC).date().saturating_add(days.days());
    (date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn is_for(cert: &Path, names: &[String]) -> bool {
    let chain = certificates(cert).unwrap_or_default();
    let Some(Ok(parsed)) = chain.first().map(ParsedCertificate::try_from) else { return false };
    // What is no name to rustls cannot be looked for.
    let mut names = names.iter().filter_map(|name| ServerName::try_from(name.as_str()).ok());
    names.all(|name| verify_server_name(&parsed, &name).is_ok())
}

/// One whose time has not come is not made anew: the box's clock may be wrong.
fn is_nearly_over(cert: &Path, now: Wall) -> bool {
    let chain = certificates(cert).unwrap_or_default();
    let then = timely(&chain, Wall(now.0 + RENEWED * DAY_MS));
    matches!(then, Err(CertificateError::Expired | CertificateError::ExpiredContext { .. }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::clock;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("hold-slayer-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_to_be_shown_must_fit_and_be_of_today() {
        let folder = Folder::new("certificate-files");
        let make = |name: &str, until: i32| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut params = rcgen::CertificateParams::new(vec!["box.example".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(until, 1, 1);
            let (cert, secret) = (folder.0.join(format!("{name}.pem")), folder.0.join(format!("{name}.key")));
            fs::write(&cert, params.self_signed(&key).unwrap().pem()).unwrap();
            fs::write(&secret, key.serialize_pem()).unwrap();
            (cert, secret)
        };
        let ((good, key), (old, old_key)) = (make("good", 2150), make("old", 2020));
        let now = clock::wall();
        let look = |cert: &Path, now| Certificate::look("page", cert, false, now);
        assert!(acceptor(&good, &key).is_ok() && look(&good, now).unwrap().trouble(now).is_none());
        assert!(acceptor(&good, &old_key).is_err(), "the key of another one");
        assert!(acceptor(&old, &old_key).is_ok(), "who connects will not like it, but it is one");
        let why = look(&old, now).unwrap_err();
        assert!(why.contains("old.pem has expired"), "{why}");
        // 2019-12-12, noon: three weeks before its end.
        let before = Wall(1_576_152_000_000);
        let seen = look(&old, before).unwrap();
        let told = |days: u64| seen.trouble(Wall(before.0 + days * DAY_MS)).unwrap_or_default();
        assert_eq!(told(5), "");
        assert!(told(15).contains("old.pem expires within 5 days: put a new one there"), "{}", told(15));
        assert!(told(19).contains("within a day") && told(30).contains("has expired"), "{}", told(30));
    }

    #[test]
    fn the_boxs_own_stays_until_a_name_is_missing_or_it_ends() {
        let folder = Folder::new("certificate-own");
        let now = clock::wall();
        let make = |of: &[&str], now: Wall| {
            let (cert, key) = self_signed(&folder.0, names(of), now).unwrap();
            assert!(acceptor(&cert, &key).is_ok());
            fs::read(cert).unwrap()
        };
        let later = |days: u64| Wall(now.0 + days * DAY_MS);
        let first = make(&["holdslayer.local", "192.0.2.7"], now);
        assert_eq!(make(&["holdslayer.local", "192.0.2.7"], later(700)), first);
        assert_eq!(make(&["192.0.2.7"], now), first, "one more name does no harm");
        let renamed = make(&["slayer.local", "192.0.2.7"], now);
        assert_ne!(renamed, first);
        let moved = make(&["slayer.local", "192.0.2.8"], now);
        assert_ne!(moved, renamed);
        assert_eq!(make(&["slayer.local"], Wall(0)), moved, "a clock that was never set");
        let renewed = make(&["slayer.local", "192.0.2.8"], later(750));
        assert_ne!(renewed, moved);
        let shown = Certificate::look("page", &folder.0.join("page.pem"), true, later(750)).unwrap();
        assert!((790..=801).contains(&shown.days(later(750)).unwrap()), "{shown:?}");
        assert!(shown.trouble(later(750 + 795)).unwrap().contains("makes another one"));
        fs::write(folder.0.join("page.key"), "cut off").unwrap();
        assert_ne!(make(&["slayer.local"], later(750)), renewed, "the two must fit");
    }
}
