//! The page of the running box over TLS: with a certificate that it makes, and with one that it is given.

use super::far::Net;
use super::running::{Folder, Running, configuration};
use std::path::Path;
use std::process::Command;

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
fn a_box_shows_the_certificate_that_it_is_given() {
    let net = Net::new();
    let folder = Folder::new(net);
    let own = folder.0.join("own");
    std::fs::create_dir_all(&own).unwrap();
    let (cert, key) = hold_slayer::net::tls::self_signed(&own, vec!["given.example".into()]).unwrap();
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
