//! A disk that is full, read-only, damaged, or left in the middle of a hold.

use super::far::{Far, Net, SECRET, SOON};
use super::running::{Folder, House, Running, configuration};
use core::time::Duration;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn troubles(status: &Value) -> String {
    status["troubles"].to_string()
}

/// No file of the process may grow beyond so many bytes.
fn limit_files(running: &Running, bytes: &str) {
    let pid = running.pid().to_string();
    let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status();
    assert!(done.unwrap().success());
}

#[test]
fn a_full_disk_keeps_nobody_from_calling_and_what_waited_is_written_once_there_is_room() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::start(net, &folder);
    let page = running.log_in(&running.password());
    limit_files(&running, "1");
    let house = House::around(net, folder, running);
    page.wait("the page says so", |status| {
        troubles(status).contains("The call history cannot be written")
            && troubles(status).contains("Calls work on")
    });
    house.talks_on();
    limit_files(&house.running, "unlimited");
    page.wait("the trouble is over", |status| !troubles(status).contains("cannot be written"));
    house.talks_on();
    house.running.signal(Signal::SIGKILL);
    let House { folder, running, .. } = house;
    running.ends();
    let (store, opened) = hold_slayer::store::Store::open(&folder.0).unwrap();
    assert_eq!((opened.damaged, opened.interrupted), (None, 1), "the call of the full disk is there");
    assert!(store.stop(SOON));
}

#[test]
fn without_a_folder_that_can_be_written_the_box_calls_and_says_so() {
    let net = Net::new();
    let folder = Folder::new(net);
    // Nobody may write here, root neither.
    let running =
        Running::with(net, &folder, Path::new("/sys"), &configuration(net, &net.trunk().to_string()));
    let page = running.log_in(&running.password());
    let house = House::around(net, folder, running);
    page.wait("the page says so", |status| troubles(status).contains("nothing is kept: "));
    let home = page.forged_get("/", "");
    let disk = home.split("<b>Disk</b>").nth(1).unwrap_or_else(|| panic!("{home}"));
    let disk = disk.split("</li>").next().unwrap_or_default();
    assert!(
        disk.contains("Not ready") && disk.contains("Nothing is kept: ") && disk.contains("--data"),
        "{disk}"
    );
    house.talks_on();
}

#[test]
fn a_card_that_could_not_be_mounted_is_told_of_as_long_as_the_box_telephones_from_memory() {
    let net = Net::new();
    let folder = Folder::new(net);
    std::fs::write(folder.0.join("in-memory"), "").unwrap();
    let running = Running::start(net, &folder);
    let page = running.log_in(&running.password());
    page.wait("the page says so", |status| {
        troubles(status).contains("nothing is kept: the card is broken, replace it. Calls go on")
    });
    let home = page.forged_get("/", "Accept-Language: de\r\n");
    assert!(home.contains("Die Karte ist kaputt, tauschen Sie sie aus"), "{home}");
    let house = House::around(net, folder, running);
    house.talks_on();
}

#[test]
fn a_damaged_database_is_put_aside_with_a_word_and_the_box_calls() {
    let net = Net::new();
    let folder = Folder::new(net);
    let junk: Vec<u8> = (0..70_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    std::fs::write(folder.database(), &junk).unwrap();
    let running = Running::start(net, &folder);
    let page = running.log_in(&running.password());
    let status = page.wait("the page says so", |status| troubles(status).contains("was damaged"));
    let aside = std::fs::read_dir(&folder.0).unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let aside = aside.into_iter().find(|path| path.to_string_lossy().contains(".damaged-")).unwrap();
    assert!(troubles(&status).contains(aside.to_str().unwrap()), "{status}");
    assert_eq!(std::fs::read(aside).unwrap(), junk, "not a byte is lost");
    House::around(net, folder, running).talks_on();
}

#[test]
fn power_lost_in_the_middle_of_a_hold_leaves_its_record() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::start(net, &folder);
    let password = running.password();
    let page = running.log_in(&password);
    let company = Far::company(net, vec![At::Answer, At::Loop(Sound::Music, Duration::from_secs(60))]);
    company.wait(0, "the box registers", |f| *f == Fact::Registered);
    let owner = vec![
        Owner::Register,
        Owner::Dial("18005550123".into()),
        Owner::AwaitSound,
        Owner::Press("**".into()),
        Owner::Listen(Duration::from_secs(8)),
        Owner::HangUp,
    ];
    let _phone = Far::phone(net, 3, SECRET, owner);
    let status = page.wait("the call is held", |status| status["calls"][0]["phase"] == "holding");
    let id = status["calls"][0]["id"].to_string();
    running.signal(Signal::SIGKILL);
    running.ends();

    let again = Running::start(net, &folder);
    let record = again.log_in(&password).get(&format!("/api/v1/calls/{id}"));
    assert_eq!(
        (&record["outcome"], &record["ended"]),
        (&Value::from("interrupted"), &Value::Null),
        "{record}"
    );
    assert!(record["hold_started"].is_u64(), "{record}");
    let decisions: Vec<&str> =
        record["decisions"].as_array().unwrap().iter().filter_map(|d| d["what"].as_str()).collect();
    assert!(decisions.starts_with(&["dial", "hold"]), "{decisions:?}");
}
