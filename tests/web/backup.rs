//! Backup and restore over HTTP: by the page's forms and by programs, and who may send a large body.

use crate::server::{Server, TOKEN, config};
use hold_slayer::limits::{BACKUP_BYTES, WEB_BODY_BYTES};
use hold_slayer::web::Config;
use std::io::{Read, Write};
use std::path::PathBuf;

/// A server that has a configuration file and a data folder, and them.
fn with_files(name: &str) -> (Server, PathBuf) {
    let folder = std::env::temp_dir().join(format!("hold-slayer-web-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("hold-slayer.toml");
    std::fs::write(&file, "# mine\n[line]\ncountry = \"de\"\n").unwrap();
    (Server::with(Config { file: Some(file), data: Some(folder.clone()), ..config() }), folder)
}

/// The status, the head and the body of an answer that need not be text.
fn send(server: &Server, path: &str, fields: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = server.connect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\n{fields}Content-Length: {}\r\n\r\n",
        server.addr(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // It may be refused before it is whole.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, head, bytes.get(end + 4..).unwrap_or_default().to_vec())
}

const MULTIPART: &str = "Content-Type: multipart/form-data; boundary=xyz\r\n";

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let file = if *name == "file" { "; filename=\"a.backup\"" } else { "" };
        body.extend_from_slice(
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xyz--\r\n");
    body
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn the_owner_downloads_a_backup_and_brings_it_back() {
    let (server, folder) = with_files("backup");
    let (cookie, csrf) = server.log_in();
    let page = server.get("/backup", &cookie);
    assert!(page.text.contains("multipart/form-data"), "{}", page.text);
    let cookie = format!("Cookie: {cookie}\r\n");
    let make = |password: &str| {
        send(&server, "/backup", &cookie, format!("csrf={csrf}&password={password}").as_bytes())
    };
    let (status, _, words) = make("short");
    assert!(status == 400 && String::from_utf8_lossy(&words).contains("at least 8"));
    let (status, head, file) = make("correct+horse");
    assert_eq!(status, 200, "{head}");
    assert!(
        head.contains("attachment; filename=\"hold-slayer-20") && file.starts_with(b"hold-slayer backup\n"),
        "{head}"
    );

    let fields = format!("{cookie}{MULTIPART}");
    let bring = |parts: &[(&str, &[u8])]| {
        let (status, _, words) = send(&server, "/backup/restore", &fields, &form(parts));
        (status, String::from_utf8_lossy(&words).into_owned())
    };
    let token = csrf.as_bytes();
    assert_eq!(bring(&[("password", b"correct horse"), ("file", &file)]).0, 403, "no token of the form");
    let (status, words) = bring(&[("csrf", token), ("password", b"wrong horse"), ("file", &file)]);
    assert!(status == 409 && words.contains("not the password"), "{words}");
    let (status, words) =
        bring(&[("csrf", token), ("password", b"correct horse"), ("file", &file[..file.len() / 2])]);
    assert!(status == 409 && words.contains("cut short"), "{words}");
    let (status, words) = bring(&[("csrf", token), ("password", b"correct horse")]);
    assert!(status == 409 && words.contains("no backup"), "{words}");
    assert!(!folder.join("restore").exists(), "nothing was laid out");
    let (status, words) = bring(&[("csrf", token), ("password", b"correct horse"), ("file", &file)]);
    assert!(status == 200 && words.contains("The backup is good"), "{words}");
    assert!(folder.join("restore/hold-slayer.redb").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn programs_do_the_same_by_a_scope_of_its_own() {
    let (server, folder) = with_files("backup-api");
    let json = "Content-Type: application/json\r\n";
    let ask = |token: &str, body: &str| {
        send(&server, "/api/v1/backup", &format!("{}{json}", bearer(token)), body.as_bytes())
    };
    let (cookie, csrf) = server.log_in();
    let made =
        server.post("/access", &cookie, "", &format!("csrf={csrf}&name=settings&scope=settings&scope=read"));
    let settings =
        made.text.split("code class=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(ask(&settings, r#"{"password":"correct horse"}"#).0, 403, "settings are not enough");
    assert_eq!(ask(TOKEN, r#"{"password":"short"}"#).0, 400);
    let (status, _, file) = ask(TOKEN, r#"{"password":"correct horse"}"#);
    assert_eq!(status, 200);
    let restore = |token: &str, kind: &str, body: &[u8]| {
        send(&server, "/api/v1/restore", &format!("{}{kind}", bearer(token)), body)
    };
    let whole = form(&[("password", b"correct horse"), ("file", &file)]);
    assert_eq!(restore(&settings, MULTIPART, &whole).0, 403);
    assert_eq!(restore(TOKEN, json, b"{}").0, 415);
    assert_eq!(restore(TOKEN, MULTIPART, &form(&[("file", &file)])).0, 400);
    let (status, _, told) = restore(TOKEN, MULTIPART, &whole);
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    assert_eq!((status, &told["calls"]), (200, &9.into()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_large_body_is_taken_from_who_may_restore_and_from_nobody_else() {
    let (server, folder) = with_files("backup-large");
    let large = vec![b'x'; WEB_BODY_BYTES + 1];
    let to =
        |path: &str, fields: &str, body: &[u8]| send(&server, path, &format!("{fields}{MULTIPART}"), body).0;
    assert_eq!(to("/api/v1/restore", "", &large), 401);
    assert_eq!(to("/backup/restore", "", &large), 401);
    assert_eq!(to("/api/v1/calls", &bearer(TOKEN), &large), 413, "elsewhere nobody");
    assert_eq!(to("/api/v1/restore", &bearer(TOKEN), &large), 400, "read to the end, and no form");
    let head = format!("{}{MULTIPART}Content-Length: {}\r\n\r\n", bearer(TOKEN), BACKUP_BYTES + 5000);
    let reply = server.raw(format!("POST /api/v1/restore HTTP/1.1\r\nHost: {}\r\n{head}", server.addr()));
    assert_eq!(reply.status, 413);
    // While one file is on its way, another waits its turn outside.
    let mut slow = server.connect();
    let head = format!("{}{MULTIPART}Content-Length: {}\r\n\r\n", bearer(TOKEN), large.len());
    write!(slow, "POST /api/v1/restore HTTP/1.1\r\nHost: {}\r\n{head}", server.addr()).unwrap();
    slow.write_all(&large[1..]).unwrap();
    while to("/api/v1/restore", &bearer(TOKEN), &large) != 503 {}
    slow.write_all(b"x").unwrap();
    assert_eq!(crate::server::Reply::read(slow).status, 400);
    std::fs::remove_dir_all(folder).unwrap();
}
