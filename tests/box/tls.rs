//! The page of the running box over TLS: with a certificate that it makes, and with one that it is given.

use super::far::Net;
use super::running::{Folder, Running, configuration};
use hold_slayer::limits::WEB_CONNECTIONS;
use hold_slayer::net::certificate::self_signed;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(60);

/// What curl is answered, which trusts this certificate and no other.
fn curl(net: Net, root: &Path, host: &str, path: &str) -> String {
    let (at, port) = (net.page(), net.page().port());
    let mut command = Command::new("curl");
    command.args(["-sS", "-i", "--max-time", "20", "--noproxy", "*", "--cacert"]).arg(root);
    command
        .arg("--connect-to")
        .arg(format!("{host}:{port}:{at}"))
        .arg(format!("https://{host}:{port}{path}"));
    let output = command.output().unwrap();
    String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr })
        .into_owned()
}

fn start(net: Net, folder: &Folder, web: &str) -> Running {
    let listen = format!("[web]\nlisten = \"{}\"\n", net.page());
    let text = configuration(net, &net.trunk().to_string()).replace(&listen, &format!("{listen}{web}"));
    Running::with(net, folder, &folder.0, &text)
}

#[test]
fn a_box_makes_its_own_certificate_and_keeps_it() {
    let net = Net::new();
    let folder = Folder::new(net);
    let web = "tls = \"self-signed\"\nnames = [\"box.example\"]\n";
    let running = start(net, &folder, web);
    let cert = std::fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect()
            } else {
                vec![path]
            }
        })
        .find(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains("BEGIN CERTIFICATE")))
        .expect("a certificate in the data folder");
    assert!(curl(net, &cert, "box.example", "/login").contains("<h1>Your new box</h1>"));
    assert!(running.stranger("/login").starts_with("HTTP/1.1 308"), "plain text is shown the way");
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends();
    let before = std::fs::read(&cert).unwrap();
    let _running = start(net, &folder, web);
    assert_eq!(std::fs::read(&cert).unwrap(), before, "browsers that trust it go on doing so");
    assert!(curl(net, &cert, "box.example", "/login").contains("<h1>Your new box</h1>"));
}

#[test]
fn a_box_of_another_name_makes_a_new_certificate() {
    let net = Net::new();
    let folder = Folder::new(net);
    let cert = folder.0.join("page.pem");
    for name in ["box.example", "other.example"] {
        let running = start(net, &folder, &format!("tls = \"self-signed\"\nnames = [\"{name}\"]\n"));
        let page = curl(net, &cert, name, "/login");
        assert!(page.contains("<h1>Your new box</h1>"), "{name}: {page}");
        running.signal(nix::sys::signal::Signal::SIGTERM);
        running.ends();
    }
}

#[test]
fn the_page_says_when_a_certificate_of_the_owners_will_not_be_good_for_long() {
    let net = Net::new();
    let folder = Folder::new(net);
    let own = folder.0.join("own");
    std::fs::create_dir_all(&own).unwrap();
    // Made so long ago that it ends within days.
    let then = hold_slayer::units::Wall(hold_slayer::clock::wall().0 - 790 * 86_400_000);
    let (cert, key) = self_signed(&own, vec!["given.example".into()], then).unwrap();
    let (shown, hidden) = (cert.display(), key.display());
    // It is shown to phones, so that the page can be read as it is.
    let listen = format!(
        "[sip]\ntls_listen = \"{}:5061\"\ntls_cert = \"{shown}\"\ntls_key = \"{hidden}\"\n",
        net.host(1)
    );
    let text = configuration(net, &net.trunk().to_string()).replace("[sip]\n", &listen);
    let running = Running::with(net, &folder, &folder.0, &text);
    let page = running.log_in(&running.password());
    page.wait("the page says so", |status| {
        status["troubles"].to_string().contains("SIP over TLS: the certificate in ")
            && status["troubles"].to_string().contains("own/page.pem expires within")
    });
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_hold-slayer"))
        .args(["check", "--config"])
        .arg(folder.0.join("hold-slayer.toml"))
        .arg("--data")
        .arg(&folder.0)
        .output()
        .unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.contains("own/page.pem expires within"), "{said}");
}

#[test]
fn a_box_shows_the_certificate_that_it_is_given() {
    let net = Net::new();
    let folder = Folder::new(net);
    let own = folder.0.join("own");
    std::fs::create_dir_all(&own).unwrap();
    let (cert, key) = self_signed(&own, vec!["given.example".into()], hold_slayer::clock::wall()).unwrap();
    let web = format!(
        "tls = \"files\"\ntls_cert = \"{}\"\ntls_key = \"{}\"\nnames = [\"given.example\"]\n",
        cert.display(),
        key.display()
    );
    let _running = start(net, &folder, &web);
    assert!(curl(net, &cert, "given.example", "/login").contains("<h1>Your new box</h1>"));
    let wrong = curl(
        net,
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/net/tls/root.pem")),
        "given.example",
        "/login",
    );
    assert!(wrong.contains("certificate"), "who trusts another sees nothing: {wrong}");
}

#[test]
fn who_dawdles_or_babbles_at_the_encrypted_door_keeps_nobody_out() {
    let net = Net::new();
    let folder = Folder::new(net);
    let own = folder.0.join("own");
    std::fs::create_dir_all(&own).unwrap();
    let (cert, key) = self_signed(&own, vec!["box.example".into()], hold_slayer::clock::wall()).unwrap();
    let (shown, hidden) = (cert.display(), key.display());
    let web = format!(
        "tls = \"files\"\ntls_cert = \"{shown}\"\ntls_key = \"{hidden}\"\nnames = [\"box.example\"]\n"
    );
    let mut running = start(net, &folder, &web);
    let serves = || curl(net, &cert, "box.example", "/login").contains("<h1>Your new box</h1>");
    assert!(serves());

    // A handshake that begins well and goes wrong, RFC 8446 §5.1.
    for babble in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[0x16; 4_000], b"\x16\x03\x01\xff\xff\x01"]
    {
        let mut stream = TcpStream::connect(net.page()).unwrap();
        stream.write_all(babble).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        // An alert perhaps, then the end.
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(ended.as_ref().map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock), "{ended:?}");
    }
    assert!(serves());

    // More than it lets in at once begin a handshake and say no more.
    let begun = Instant::now();
    let mut crowd: Vec<TcpStream> = (0..2 * WEB_CONNECTIONS)
        .map(|_| {
            let mut stream = TcpStream::connect(net.page()).unwrap();
            let _ = stream.write_all(b"\x16\x03\x01\x02\x00\x01");
            stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
            stream
        })
        .collect();
    while !crowd.is_empty() {
        assert!(begun.elapsed() < SOON, "{} may dawdle for ever", crowd.len());
        crowd.retain_mut(|stream| {
            let read = stream.read(&mut [0; 64]);
            read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
        });
    }
    assert!(serves() && running.is_up());
}
