//! `hold-slayer backup` and `restore` against a box that runs and one that is stopped.

use super::far::Net;
use super::running::{Folder, House, Running, configuration};
use hold_slayer::demo::Fact;
use std::path::Path;
use std::process::Command;

const PASSWORD: &str = "correct horse";

/// Exit code, what it prints, what it complains of.
fn carry(what: &str, file: &Path, folder: &Path, password: &str) -> (i32, String, String) {
    let secret = folder.join("secret");
    std::fs::write(&secret, format!("{password}\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hold-slayer"));
    command.arg(what).arg(file).arg("--config").arg(folder.join("hold-slayer.toml"));
    let output = command.arg("--data").arg(folder).arg("--password-file").arg(secret).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_box_that_runs_is_backed_up_in_a_call_and_has_its_backup_again_after_it() {
    let house = House::talking();
    let folder = &house.folder.0;
    let page = house.running.log_in(&house.running.password());
    let file = folder.join("evening.backup");
    let (code, out, err) = carry("backup", &file, folder, PASSWORD);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Without its password nobody can open it"), "{out}");
    let (code, _, err) = carry("backup", &file, folder, PASSWORD);
    assert!(code == 1 && err.contains("exists already"), "{err}");
    let second = serde_json::json!({ "section": "trunk", "values": { "name": "second", "address": "192.0.2.9:5060" } });
    assert_eq!(page.send("/api/v1/settings", &second)["done"], true);
    let (code, _, err) = carry("restore", &file, folder, "wrong horse");
    assert!(code == 1 && err.contains("not the password"), "{err}");
    let (code, out, err) = carry("restore", &file, folder, PASSWORD);
    assert!(code == 0 && out.contains("as soon as no call is up"), "{out}{err}");
    house.talks_on();
    let status = page.get("/api/v1/status");
    let path = format!("/api/v1/calls/{}/hangup", status["calls"][0]["id"]);
    assert_eq!(page.post(&path, true).0, 200);
    house.phone.wait(0, "the call is over", |f| matches!(f, Fact::Ended(_)));
    house.running.says_times("the box is up", 2);
    let text = std::fs::read_to_string(folder.join("hold-slayer.toml")).unwrap();
    assert_eq!(text, configuration(house.net, &house.net.trunk().to_string()));
    assert!(
        std::fs::read_to_string(folder.join("before-restore/hold-slayer.toml")).unwrap().contains("second")
    );
    // The password of the page is that of the backup.
    house.running.log_in("mine-from-now-on");
}

#[test]
fn a_box_that_is_stopped_is_carried_to_another_folder() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::start(net, &folder);
    running.password();
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends();
    let file = folder.0.join("evening.backup");
    assert_eq!(carry("backup", &file, &folder.0, PASSWORD).0, 0);
    let other = Net::new();
    let fresh = Folder::new(other);
    let config = fresh.0.join("hold-slayer.toml");
    std::fs::write(&config, "").unwrap();
    let (code, out, err) = carry("restore", &file, &fresh.0, PASSWORD);
    assert!(code == 0 && out.contains("from its next start on"), "{out}{err}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "", "not before");
    let again = Running::as_it_is(net, &fresh);
    again.says("a backup was restored");
    again.log_in("mine-from-now-on");
    let (code, _, err) = carry("restore", &fresh.0.join("none.backup"), &fresh.0, PASSWORD);
    assert!(code == 1 && err.contains("cannot be read"), "{err}");
}
