//! The way of an update from the network to the disk; what becomes of it there is tested with the running box (tests/box).

use crate::server::{Server, TOKEN, config};
use hold_slayer::update::{Folder, Slots};
use hold_slayer::web::{Config, Updates};
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

fn bring(server: &Server, token: &str, fields: &str, length: u64, body: &[u8]) -> (u16, String) {
    let mut stream = server.connect();
    let host = server.addr();
    let head = format!(
        "POST /api/v1/update HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{fields}Content-Length: {length}\r\n\r\n"
    );
    // It may be refused before it is whole.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    if (body.len() as u64) < length {
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    (reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), reply)
}

#[test]
fn a_box_without_slots_says_how_it_is_updated() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    let page = server.get("/update", &cookie);
    assert!(
        page.status == 200 && page.text.contains("sudo apt install") && !page.text.contains("type=\"file\"")
    );
    let state = server.ask("/api/v1/update").json();
    assert!(state["takes_bundles"] == false && state["state"] == "none", "{state}");
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    let (status, told) = bring(&server, TOKEN, "", 3, b"abc");
    assert!(status == 409 && told.contains("installed as a package"), "{told}");
}

#[test]
fn only_who_may_change_settings_fills_the_disk_and_nothing_is_left_of_a_part() {
    let data = std::env::temp_dir().join(format!("hold-slayer-web-update-{}", std::process::id()));
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(&data).unwrap();
    let at = |name: &str| data.join(name);
    let slots = "board = \"pi\"\nkey = \"RWQZtFd3NTC1QVes1AVtVx1DxiT1royeHHn7oQ+bN6Rd7LVSOT0lZyWT\"\nautoboot = \"/none\"\nreboot = []\n\
                 [a]\npartition = 2\nboot = \"/none\"\nroot = \"/none\"\n[b]\npartition = 3\nboot = \"/none\"\nroot = \"/none\"\n";
    fs::write(at("slots.toml"), slots).unwrap();
    let slots = Slots::read(&at("slots.toml")).unwrap().unwrap();
    let updates = Some(Updates { folder: Folder::of(&data), slots });
    let server = Server::with(Config { updates, ..config() });
    let left = || -> Vec<PathBuf> {
        fs::read_dir(at("update")).map(|all| all.map(|one| one.unwrap().path()).collect()).unwrap_or_default()
    };
    let (cookie, csrf) = server.log_in();
    assert!(server.get("/update", &cookie).text.contains("type=\"file\""));
    let made =
        server.post("/access", &cookie, "", &format!("csrf={csrf}&name=reader&scope=read&scope=calls"));
    let reader = made.text.split("code class=\"token\">").nth(1).unwrap().split('<').next().unwrap();
    for (token, expected) in [("hs_wrong", 401), (reader, 401)] {
        assert_eq!(bring(&server, token, "", 3, b"abc").0, expected);
    }
    assert!(!at("update").exists(), "nothing was written for them");
    // Larger than any update; without a body, and with a claim that it is there already.
    assert_eq!(bring(&server, TOKEN, "", 2 << 30, b"").0, 413);
    assert_eq!(bring(&server, TOKEN, "X-Gate-Disk: yes\r\n", 0, b"").0, 400);
    // Cut short by the network, and as a whole no update.
    assert_eq!(bring(&server, TOKEN, "", 1_000_000, &[7; 400_000]).0, 0);
    let (status, told) = bring(&server, TOKEN, "", 1_000_000, &[7; 1_000_000]);
    assert!(status == 409 && told.contains("is no update of a Hold Slayer"), "{told}");
    assert!(left().is_empty(), "{:?}", left());
    // By the page, in the language of who reads it.
    let german = format!("{cookie}; hold-slayer-language=de");
    let refused = server.post("/update", &german, &format!("X-CSRF-Token: {csrf}\r\n"), "hello");
    assert!(refused.status == 409 && refused.text.contains("keine Aktualisierung"), "{}", refused.text);
    assert_eq!(server.post("/update", &cookie, "", "hello").status, 403, "without the form's token");
    assert!(left().is_empty(), "{:?}", left());
    drop(server);
    fs::remove_dir_all(data).unwrap();
}

#[test]
fn what_waits_can_be_withdrawn_and_settings_rest_in_a_trial() {
    let data = std::env::temp_dir().join(format!("hold-slayer-web-withdraw-{}", std::process::id()));
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(data.join("update")).unwrap();
    let at = |name: &str| data.join(name);
    // Slot B runs.
    fs::write(at("root-b"), b"").unwrap();
    let root = at("root-b").display().to_string();
    let text = format!(
        "board = \"pi\"\nkey = \"RWQZtFd3NTC1QVes1AVtVx1DxiT1royeHHn7oQ+bN6Rd7LVSOT0lZyWT\"\nautoboot = \"/none\"\n\
         reboot = []\nsystem = \"{root}\"\n[a]\npartition = 2\nboot = \"/none\"\nroot = \"/none\"\n\
         [b]\npartition = 3\nboot = \"/none\"\nroot = \"{root}\"\n"
    );
    fs::write(at("slots.toml"), text).unwrap();
    let slots = Slots::read(&at("slots.toml")).unwrap().unwrap();
    fs::write(at("box.toml"), "[[phone]]\nname = \"hall\"\nuser = \"hall\"\nsecret = \"of-the-hall\"\n")
        .unwrap();
    let updates = Some(Updates { folder: Folder::of(&data), slots });
    let server = Server::with(Config { updates, file: Some(at("box.toml")), ..config() });
    let (cookie, csrf) = server.log_in();
    let waits = || fs::write(at("update/bundle"), b"any").unwrap();
    let withdraw = || server.order("/api/v1/update/withdraw", TOKEN, "");

    let told = withdraw();
    assert!(told.status == 409 && told.text.contains("No update waits"), "{}", told.text);
    assert!(!server.get("/update", &cookie).text.contains("/update/withdraw"));
    waits();
    let aside = server.dir.join("hold-slayer.redb.newer-2026-11-29T20-00-00Z");
    fs::write(&aside, b"any").unwrap();
    let state = server.ask("/api/v1/update").json();
    assert!(state["state"] == "waiting" && state["history"] == "kept", "{state}");
    assert_eq!(state["newest_call"], 9);
    let page = server.get("/update", &cookie).text;
    assert!(page.contains("action=\"/update/withdraw\""), "{page}");
    assert_eq!(server.post("/update/withdraw", &cookie, "", "").status, 403, "without the form's token");
    let made =
        server.post("/access", &cookie, "", &format!("csrf={csrf}&name=reader&scope=read&scope=calls"));
    let reader = made.text.split("code class=\"token\">").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(server.order("/api/v1/update/withdraw", reader, "").status, 403);
    assert!(at("update/bundle").exists() && aside.exists());
    assert_eq!(server.post("/update/withdraw", &cookie, "", &format!("csrf={csrf}")).status, 303);
    assert!(!at("update/bundle").exists() && !aside.exists());
    waits();
    assert_eq!(withdraw().status, 200);
    assert_eq!(server.ask("/api/v1/update").json()["state"], "none");

    // The version before might not understand what a newer one writes.
    let before = fs::read_to_string(at("box.toml")).unwrap();
    let change = || server.order("/api/v1/settings", TOKEN, r#"{"section":"hold","values":{"calls":"2"}}"#);
    let tried = |state: &str| {
        fs::write(at("update/state.json"), format!(r#"{{"state":"{state}","version":"9.0.0","to":"b"}}"#))
            .unwrap();
    };
    tried("trying");
    let told = change();
    assert!(told.status == 409 && told.text.contains("is being tried"), "{}", told.text);
    let german = format!("{cookie}; hold-slayer-language=de");
    let told = server.post("/settings", &german, "", &format!("csrf={csrf}&section=hold&set-calls=2"));
    assert!(told.status == 409 && told.text.contains("wird erprobt"), "{}", told.text);
    assert_eq!(withdraw().status, 409, "it is started already");
    assert_eq!(fs::read_to_string(at("box.toml")).unwrap(), before);
    tried("good");
    let told = change();
    assert_eq!(told.status, 200, "{}", told.text);
    drop(server);
    fs::remove_dir_all(data).unwrap();
}
