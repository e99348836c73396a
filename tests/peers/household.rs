//! The box itself, as its owner runs it: the program, a configuration, a folder for its data.

use crate::place::Place;
use crate::process::{Process, until};
use crate::way::{Certificates, Way};
use hold_slayer::call::Record;
use hold_slayer::store::Store;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The box, running.
pub struct Household {
    /// Where it speaks SIP over UDP and TCP.
    pub sip: SocketAddr,
    /// Where its page is.
    pub page: SocketAddr,
    /// Where it speaks SIP over TLS, if it does.
    tls: SocketAddr,
    data: PathBuf,
    process: Process,
}

/// The password of its page.
pub const PASSWORD: &str = "of the household";

/// A trunk that is registered at.
pub fn registered(server: SocketAddr, user: &str, secret: &str) -> String {
    format!(
        "[[trunk]]\nname = \"provider\"\nserver = \"{server}\"\nuser = \"{user}\"\nsecret = \"{secret}\"\nexpires = \"60s\"\n"
    )
}

/// [`registered`] over another transport than UDP.
pub fn registered_over(way: Way, root: &Path, server: SocketAddr, user: &str, secret: &str) -> String {
    let ca = if way == Way::Tls { format!("ca = \"{}\"\n", root.display()) } else { String::new() };
    format!("{}transport = \"{}\"\n{ca}", registered(server, user, secret), way.name())
}

/// A trunk that is known by its address.
pub fn fixed(address: SocketAddr) -> String {
    format!("[[trunk]]\nname = \"office\"\naddress = \"{address}\"\n")
}

impl Household {
    /// The box with this trunk, and a phone that registers as `hall`, password `of-the-hall`.
    pub fn start(place: &Place, trunk: &str) -> Self {
        Self::with(place, trunk, "")
    }

    /// The same with more lines for the phone.
    pub fn with(place: &Place, trunk: &str, phone: &str) -> Self {
        Self::open(place, trunk, phone, ("", place.ports(1)))
    }

    /// [`Self::with`], with phones that may come by TLS as well.
    pub fn start_secure(place: &Place, trunk: &str, phone: &str, certificates: &Certificates) -> Self {
        let (tls, cert, key) = (place.ports(1), certificates.leaf.display(), certificates.key.display());
        let keys = format!("tls_listen = \"{tls}\"\ntls_cert = \"{cert}\"\ntls_key = \"{key}\"\n");
        Self::open(place, trunk, phone, (&keys, tls))
    }

    /// Where a phone finds it.
    pub fn at(&self, way: Way) -> SocketAddr {
        if way == Way::Tls { self.tls } else { self.sip }
    }

    fn open(place: &Place, trunk: &str, phone: &str, (tls_keys, tls): (&str, SocketAddr)) -> Self {
        let (sip, page, rtp) = (place.ports(1), place.ports(1), place.ports(32).port());
        let text = format!(
            "[sip]\nlisten = \"{sip}\"\n{tls_keys}[media]\nrtp_ports = {rtp}\ncalls = 4\n[web]\nlisten = \"{page}\"\n\
             password = \"{PASSWORD}\"\n{trunk}[[phone]]\nname = \"hall\"\nuser = \"hall\"\nsecret = \"of-the-hall\"\n{phone}"
        );
        let (file, data) = (place.path("hold-slayer.toml"), place.folder("data"));
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hold-slayer"));
        command
            .arg("run")
            .arg("--config")
            .arg(&file)
            .arg("--data")
            .arg(&data)
            .env_remove("RUST_LOG")
            .env("TZ", "UTC");
        let process = Process::start("the box", &mut command);
        until("the box is up", || process.output().contains("the box is up"));
        Self { sip, page, tls, data, process }
    }

    /// What `hold-slayer ctl` says to a script on the box.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hold-slayer"));
        let output = command.arg("ctl").args(arguments).arg("--data").arg(&self.data).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Stops it as systemd does, and gives the records of its calls, the latest first.
    pub fn stop(&mut self) -> Vec<Record> {
        assert!(self.process.terminate().success(), "the box stops cleanly");
        self.records()
    }

    fn records(&self) -> Vec<Record> {
        let (store, _) = Store::open(&self.data).unwrap();
        store.history(None, 16).unwrap()
    }
}

impl Drop for Household {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.process.terminate();
            match Store::open(&self.data).and_then(|(store, _)| store.history(None, 16)) {
                Ok(records) => eprintln!("──── the box recorded:\n{records:#?}"),
                Err(why) => eprintln!("──── the box's records: {why}"),
            }
        }
    }
}
