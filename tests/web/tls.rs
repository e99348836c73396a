//! The encrypted page.

use crate::server::{PASSWORD, Reply, Server, config};
use hold_slayer::clock;
use hold_slayer::net::certificate::self_signed;
use hold_slayer::net::tls::acceptor;
use hold_slayer::web::Config;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

fn encrypted(name: &str) -> (Server, PathBuf) {
    let folder = std::env::temp_dir().join(format!("hold-slayer-web-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let names = || vec!["holdslayer.local".to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
    let (cert, key) = self_signed(&folder, names(), clock::wall()).unwrap();
    let first = std::fs::read(&cert).unwrap();
    self_signed(&folder, names(), clock::wall()).unwrap();
    assert_eq!(std::fs::read(&cert).unwrap(), first, "browsers that trust it go on doing so");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let tls = Some(acceptor(&cert, &key).unwrap());
    (Server::with(Config { tls, ..config() }), cert)
}

/// What curl is answered, which trusts this certificate and no other.
fn curl(server: &Server, cert: &std::path::Path, path: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["-sS", "-i", "--max-time", "20", "--noproxy", "*", "--cacert"]).arg(cert).args(arguments);
    let output = command.arg(format!("https://localhost:{}{path}", server.addr().port()));
    let output = output.arg("--connect-to").arg(format!("localhost:{0}:127.0.0.1:{0}", server.addr().port()));
    let output = output.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_page_is_encrypted_and_its_cookie_goes_nowhere_else() {
    let (server, cert) = encrypted("tls");
    assert!(curl(&server, &cert, "/login", &[]).contains("<h1>Log in</h1>"));
    let body = format!("password={PASSWORD}");
    let reply = curl(&server, &cert, "/login", &["--data", &body]);
    assert!(reply.starts_with("HTTP/1.1 303") && reply.contains("SameSite=Strict; Secure"), "{reply}");
    std::fs::remove_dir_all(cert.parent().unwrap()).unwrap();
}

#[test]
fn who_comes_in_plain_text_is_shown_the_way_and_a_collector_on_the_box_is_served() {
    let (server, cert) = encrypted("tls-plain");
    let reply = server.get("/history?number=1", "");
    let there = format!("https://{}/history?number=1", server.addr());
    assert_eq!((reply.status, reply.field("location")), (308, Some(there.as_str())), "{}", reply.text);
    let reply = server.post("/login", "", "", &format!("password={PASSWORD}"));
    assert_eq!((reply.status, reply.field("set-cookie")), (308, None));
    let reply = server.raw("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!((reply.status, reply.field("location")), (421, None), "nobody is sent to another's name");
    assert_eq!(server.get("/metrics", "").status, 200);
    assert_eq!(
        server.get("/cfgc074ad123456.xml", "").status,
        404,
        "asked as an adapter asks, and none is paired"
    );
    // A handshake that does not go on is given up, and is nobody else's matter.
    let mut idle = server.connect();
    std::io::Write::write_all(&mut idle, &[22, 3, 1]).unwrap();
    assert_eq!(Reply::read(idle).text, "");
    assert!(curl(&server, &cert, "/login", &[]).contains("<h1>Log in</h1>"));
    std::fs::remove_dir_all(cert.parent().unwrap()).unwrap();
}
