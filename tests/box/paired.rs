//! A phone is paired while the box runs, and is known again after a restart.

use super::far::{Far, Net};
use super::running::{Folder, Page, Running};
use hold_slayer::demo::Fact;
use hold_slayer::demo::phone::Step as Owner;
use nix::sys::signal::Signal;
use serde_json::json;
use std::process::Command;

fn is_up(page: &Page) {
    page.wait("the paired phone is registered", |status| {
        let phones = status["phones"].as_array().unwrap();
        phones.iter().any(|phone| phone["name"] == "Attic" && phone["up"] == true)
    });
}

/// What `check` says of the running box.
fn check(folder: &Folder) -> String {
    let file = folder.0.join("hold-slayer.toml");
    let mut check = Command::new(env!("CARGO_BIN_EXE_hold-slayer"));
    let output = check.arg("check").arg("--config").arg(file).arg("--data").arg(&folder.0).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_paired_phone_registers_with_the_password_that_was_shown_also_after_a_restart() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::start(net, &folder);
    let password = running.password();
    let page = running.log_in(&password);
    let told = page.send("/api/v1/phones", &json!({ "name": "Attic", "device": "any" }));
    let (user, secret) = (told["user"].as_str().unwrap(), told["secret"].as_str().unwrap());
    let register = || Far::phone_of(net, 3, (user, secret), vec![Owner::Register]);
    let wrong = Far::phone_of(net, 4, (user, "guessed"), vec![Owner::Register]);
    wrong.wait(0, "the wrong password", |f| matches!(f, Fact::NotRegistered(_)));
    let phone = register();
    is_up(&page);
    let again = page.send("/api/v1/phones", &json!({ "name": "attic", "device": "any" }));
    assert!(again["detail"].as_str().unwrap().contains("another name"), "{again}");
    let said = check(&folder);
    for what in ["SIP", "page", "sound"] {
        assert!(!said.contains(&format!("problem  {what}")), "{said}");
    }
    assert!(said.contains("is in use by Hold Slayer, which is running"), "{said}");
    // Written down as used before the end, or it would lapse.
    running.says("has registered for the first time");
    drop(phone);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.ends().0.code(), Some(0));
    let stored = std::fs::read(folder.database()).unwrap();
    assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "no password is kept");

    let running = Running::start(net, &folder);
    let page = running.log_in(&password);
    let phone = register();
    is_up(&page);
    assert_eq!(page.send("/api/v1/phones/unpair", &json!({ "user": user }))["done"], true);
    page.wait("it is gone", |status| !status["phones"].to_string().contains("Attic"));
    drop(phone);
    let phone = register();
    phone.wait(0, "its password counts no more", |f| matches!(f, Fact::NotRegistered(_)));
}
