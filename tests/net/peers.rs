//! The whole box by its configuration: SIPp's phone over UDP and TCP, and another box as provider over TCP and TLS.

use core::time::Duration;
use hold_slayer::app::{Options, Running, start};
use hold_slayer::call::Snapshot;
use hold_slayer::config;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A phone that registers with its password.
const REGISTER: &str = "tests/net/register.xml";

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A folder of its own for each box, gone when it goes.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hold-slayer-net-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn certificates() -> String {
    Path::new("tests/net/tls").canonicalize().unwrap().display().to_string()
}

fn boxed(folder: &Folder, text: &str) -> Running {
    let page = format!("[web]\nlisten = \"127.0.0.1:{}\"\n", free_port());
    let config =
        config::parse(&(text.to_owned() + &page), "t.toml", &|_| Err(ErrorKind::NotFound.into())).unwrap();
    start(config, &folder.0, &Options { any_port: true, ..Options::default() }).unwrap()
}

/// A box with a phone called hall, and the port of its TLS listener.
fn server(folder: &Folder, port: u16) -> (Running, u16) {
    let (secure, tls) = (free_port(), certificates());
    let text = format!(
        "[sip]\nlisten = \"127.0.0.1:{port}\"\ntls_listen = \"127.0.0.1:{secure}\"\ntls_cert = \"{tls}/box.pem\"\n\
         tls_key = \"{tls}/box.key\"\n[[phone]]\nname = \"hall\"\nuser = \"hall\"\nsecret = \"hall pass\"\n"
    );
    (boxed(folder, &text), secure)
}

/// Waits until the snapshot shows what is wanted.
fn until(running: &Running, wanted: impl Fn(&Snapshot) -> bool) {
    let mut snapshot = running.snapshot.clone();
    let last = running.snapshot.clone();
    let waited = super::run(async move {
        tokio::time::timeout(Duration::from_secs(20), snapshot.wait_for(|now| wanted(now))).await.is_ok()
    });
    assert!(waited, "{:?}", last.borrow());
}

#[test]
fn sipp_registers_over_udp_and_tcp() {
    if Command::new("sipp").arg("-v").output().is_err() {
        return eprintln!("sipp is not installed: no phone of its kind registers");
    }
    let folder = Folder::new("sipp");
    let (running, _) = server(&folder, free_port());
    for transport in ["u1", "t1"] {
        let mut sipp = Command::new("sipp");
        sipp.args(["-sf", REGISTER, "-t", transport, "-m", "3", "-r", "20", "-i", "127.0.0.1", "-nostdin"]);
        sipp.args(["-au", "hall", "-ap", "hall pass", "-s", "hall", "-timeout", "20", "-timeout_error"]);
        let output = sipp.arg(running.sip.to_string()).env("TERM", "dumb").output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{transport}: {said}");
    }
    running.stop();
}

#[test]
fn a_trunk_registers_over_tcp_and_tls_and_a_wrong_root_is_told() {
    let folder = Folder::new("provider");
    let (provider, secure) = server(&folder, free_port());
    let tls = certificates();
    let ways = [
        (provider.sip.port(), "transport = \"tcp\"".to_owned(), None),
        (secure, format!("transport = \"tls\"\nca = \"{tls}/root.pem\""), None),
        (
            secure,
            format!("transport = \"tls\"\nca = \"{tls}/other-root.pem\""),
            Some("the certificate of 127.0.0.1 is signed by nobody whom this box trusts"),
        ),
    ];
    for (n, (port, way, trouble)) in ways.into_iter().enumerate() {
        let folder = Folder::new(&format!("customer-{n}"));
        let text = format!(
            "[sip]\nlisten = \"127.0.0.1:{}\"\n[[trunk]]\nname = \"home\"\nserver = \"127.0.0.1:{port}\"\n\
             user = \"hall\"\nsecret = \"hall pass\"\n{way}\n",
            free_port()
        );
        let customer = boxed(&folder, &text);
        match trouble {
            None => until(&customer, |now| now.trunks.iter().any(|trunk| trunk.up)),
            Some(why) => until(&customer, |now| now.troubles.iter().any(|told| told.contains(why))),
        }
        customer.stop();
    }
    provider.stop();
}
