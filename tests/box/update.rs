//! An update through the running box: brought by the page, written by root's part of the program while no call is up, tried
//! and confirmed. Files are the partitions; the bundle was signed by minisign.

use super::far::Net;
use super::running::{Folder, House, Page, Running};
use hold_slayer::demo::Fact;
use hold_slayer::update::Folder as UpdateFolder;
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const MANIFEST: &str = include_str!("update/good.json");
const SIGNATURE: &str = include_str!("update/good.json.minisig");
const KEY: &str = include_str!("update/key.pub");

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + (at >> 8)) as u8).take(65_536).cycle().take(bytes).collect()
}

fn bundle() -> Vec<u8> {
    let head = format!("hold-slayer update 1 {} {}\n{MANIFEST}{SIGNATURE}", MANIFEST.len(), SIGNATURE.len());
    [head.into_bytes(), content((1 << 20) + 3), content((40 << 20) + 5)].concat()
}

/// A card with two slots, of which the first runs.
fn card(folder: &Path) {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(at("autoboot.txt"), "[all]\nboot_partition=2\n# good=2\n").unwrap();
    let mut slots = format!(
        "board = \"pi\"\nkey = \"{}\"\nautoboot = \"{}\"\nreboot = [\"touch\", \"{}\"]\nsystem = \"{}\"\n\
         [pace]\nrest_ms = 0\nlook_ms = 20\nask_ms = 20\ntrial_ms = 100\n",
        KEY.lines().nth(1).unwrap(),
        at("autoboot.txt"),
        at("rebooted"),
        at("system"),
    );
    for (slot, partition) in [("a", 2), ("b", 3)] {
        let [boot, root] = ["boot", "root"].map(|part| at(&format!("{part}-{slot}")));
        File::create(&boot).unwrap().set_len(2 << 20).unwrap();
        File::create(&root).unwrap().set_len(41 << 20).unwrap();
        slots += &format!("[{slot}]\npartition = {partition}\nboot = \"{boot}\"\nroot = \"{root}\"\n");
    }
    fs::write(at("slots.toml"), slots).unwrap();
    boots(folder, 2);
}

fn choice(folder: &Path) -> String {
    fs::read_to_string(folder.join("autoboot.txt")).unwrap()
}

/// What the firmware and the first program do at a start: this partition is the one that boots.
fn boots(folder: &Path, partition: u8) {
    let (choice, system) = (choice(folder), folder.join("system"));
    assert!(choice.contains(&format!("boot_partition={partition}")), "{choice}");
    let good = choice.chars().nth_back(1).unwrap();
    fs::write(folder.join("autoboot.txt"), format!("[all]\nboot_partition={good}\n# good={good}\n")).unwrap();
    let _ = fs::remove_file(folder.join("rebooted"));
    let _ = fs::remove_file(&system);
    symlink(folder.join(if partition == 2 { "root-a" } else { "root-b" }), system).unwrap();
}

fn update(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hold-slayer"));
    command
        .arg("update")
        .args(arguments)
        .arg("--data")
        .arg(folder)
        .arg("--slots")
        .arg(folder.join("slots.toml"));
    command
}

/// Exit code, what it prints, what it complains of.
fn says(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = update(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Root's part, up to where it says that it writes.
fn root(folder: &Path) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child =
        update(folder, &["--carry-out"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.contains("version 9.0.0 is being written"), "{line}");
    (child, lines)
}

fn state(page: &Page) -> (String, String) {
    let state = page.get("/api/v1/update");
    (state["state"].as_str().unwrap().to_owned(), state.to_string())
}

#[test]
fn an_update_waits_for_the_end_of_the_call_is_tried_and_stays() {
    let net = Net::new();
    let folder = Folder::new(net);
    card(&folder.0);
    let running = Running::start(net, &folder);
    let mut house = House::around(net, folder, running);
    let at = |name: &str| house.folder.0.join(name);
    let page = house.running.log_in(&house.running.password());
    assert_eq!(state(&page).0, "none");

    // Only with a login and the page's own form, and only what is good.
    let good = bundle();
    let mut tampered = good.clone();
    *tampered.last_mut().unwrap() ^= 1;
    assert_eq!(page.bring("/api/v1/update", &good, false).0, 403);
    let (status, told) = page.bring("/api/v1/update", &tampered, true);
    assert!(status == 409 && told["detail"].as_str().unwrap().contains("damaged"), "{told}");
    assert!(!at("update/bundle").exists() && !at("update/incoming").exists());
    let (status, told) = page.bring("/api/v1/update", &good, true);
    assert_eq!((status, &told["version"]), (200, &json!("9.0.0")), "{told}");
    assert_eq!(state(&page).0, "waiting");

    // The call goes on, and nothing is written.
    let (mut child, _lines) = root(&house.folder.0);
    assert_eq!(state(&page).0, "writing");
    house.talks_on();
    let status = page.get("/api/v1/status");
    assert_eq!(status["calls"].as_array().unwrap().len(), 1);
    assert!(!at("update/quiet").exists() && !at("rebooted").exists() && child.try_wait().unwrap().is_none());
    assert!(fs::read(at("boot-b")).unwrap().iter().all(|byte| *byte == 0));
    let hang_up = format!("/api/v1/calls/{}/hangup", status["calls"][0]["id"]);
    assert_eq!(page.post(&hang_up, true).0, 200);
    house.phone.wait(0, "the call is over", |f| matches!(f, Fact::Ended(_)));

    // Then it is, and the other slot boots.
    assert!(child.wait().unwrap().success());
    assert!(at("rebooted").exists());
    assert_eq!(choice(&house.folder.0), "[all]\nboot_partition=3\n# good=2\n");
    assert_eq!(fs::read(at("root-b")).unwrap()[..(40 << 20) + 5], content((40 << 20) + 5));
    assert!(fs::read(at("root-a")).unwrap().iter().all(|byte| *byte == 0));
    boots(&house.folder.0, 3);
    assert_eq!(state(&page).0, "trying");
    let (_, out, _) = says(&house.folder.0, &[]);
    assert!(out.contains("from slot b") && out.contains("version 9.0.0 is tried"), "{out}");
    assert_eq!(says(&house.folder.0, &["--carry-out"]).0, 0);
    assert_eq!(state(&page).0, "good");
    assert_eq!(choice(&house.folder.0), "[all]\nboot_partition=3\n# good=3\n");
    assert!(house.running.is_up());
}

#[test]
fn one_that_does_not_answer_makes_room_and_files_are_taken_from_the_command_line() {
    let net = Net::new();
    let folder = Folder::new(net);
    let at = |name: &str| folder.0.join(name);
    let file = at("9.update").display().to_string();
    fs::write(&file, bundle()).unwrap();
    let (code, _, err) = says(&folder.0, &[&file]);
    assert!(code == 1 && err.contains("was not made from an image") && err.contains("apt install"), "{err}");
    card(&folder.0);
    let (code, out, err) = says(&folder.0, &[&file, "--check"]);
    assert!(code == 0 && out.contains("This update is good: version 9.0.0 for pi"), "{out}{err}");
    assert!(!at("update").exists(), "looked at only");
    let running = Running::start(net, &folder);
    let (code, out, err) = says(&folder.0, &[&file]);
    assert!(code == 0 && out.contains("Version 9.0.0 is written when"), "{out}{err}");
    let (mut child, _lines) = root(&folder.0);
    assert!(child.wait().unwrap().success());
    let page = running.log_in(&running.password());
    assert_eq!(state(&page).0, "trying");
    // The new system comes up, and its page does not.
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends();
    boots(&folder.0, 3);
    assert_eq!(says(&folder.0, &["--carry-out"]).0, 0);
    assert!(at("rebooted").exists());
    boots(&folder.0, 2);
    let (_, out, _) = says(&folder.0, &[]);
    assert!(out.contains("from slot a") && out.contains("9.0.0 did not do"), "{out}");
    let running = Running::as_it_is(net, &folder);
    let page = Page::of(net, "mine-from-now-on");
    let (state, told) = state(&page);
    assert!(state == "fell_back" && told.contains("It did not run."), "{told}");
    // Not once more, but if one insists; and nobody else brings one meanwhile.
    let (code, _, err) = says(&folder.0, &[&file]);
    assert!(code == 1 && err.contains("tried before"), "{err}");
    let other = UpdateFolder::of(&folder.0).receive(1).unwrap();
    let (status, told) = page.bring("/api/v1/update", b"x", true);
    assert!(status == 409 && told["detail"].as_str().unwrap().contains("on its way"), "{told}");
    let (code, _, err) = says(&folder.0, &[&file, "--older"]);
    assert!(code == 1 && err.contains("on its way"), "{err}");
    drop(other);
    assert_eq!(says(&folder.0, &[&file, "--older"]).0, 0);
    let (code, out, err) = says(&folder.0, &["--withdraw"]);
    assert!(code == 0 && out.contains("is gone"), "{out}{err}");
    let (code, _, err) = says(&folder.0, &["--withdraw"]);
    assert!(code == 1 && err.contains("no update waits"), "{err}");
    let (code, _, err) = says(&folder.0, &["no-such.update"]);
    assert!(code == 1 && err.contains("there is no file no-such.update: name the update"), "{err}");
    drop(running);
}

#[test]
fn one_that_cannot_open_the_history_makes_room() {
    let net = Net::new();
    let folder = Folder::new(net);
    let at = |name: &str| folder.0.join(name);
    card(&folder.0);
    let file = at("9.update").display().to_string();
    fs::write(&file, bundle()).unwrap();
    let running = Running::start(net, &folder);
    assert_eq!(says(&folder.0, &[&file]).0, 0);
    let (mut child, _lines) = root(&folder.0);
    assert!(child.wait().unwrap().success());
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends();
    // The new one finds that what is there is none.
    fs::write(at("hold-slayer.redb"), [7; 8192]).unwrap();
    boots(&folder.0, 3);
    let running = Running::as_it_is(net, &folder);
    assert_eq!(says(&folder.0, &["--carry-out"]).0, 0);
    let (_, out, _) = says(&folder.0, &[]);
    assert!(at("rebooted").exists() && out.contains("It had to begin the history anew"), "{out}");
    drop(running);
    boots(&folder.0, 2);
}

#[test]
fn an_update_as_the_image_makes_it_is_taken_by_a_box_with_its_key() {
    let folder = Folder::new(Net::new());
    let at = |name: &str| folder.0.join(name).display().to_string();
    let run = |script: &str, arguments: &[&str]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("image").join(script);
        let output = Command::new(script).args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    let key = run("key.sh", &["--new", &at("secret")]);
    assert_eq!(run("key.sh", &[&at("secret")]), key);
    card(&folder.0);
    let slots = fs::read_to_string(at("slots.toml")).unwrap();
    fs::write(at("slots.toml"), slots.replace(KEY.lines().nth(1).unwrap(), key.trim())).unwrap();
    // Only where the card has slot A's boot partition is something.
    let image = File::create(at("card.img")).unwrap();
    image.set_len(161 << 20).unwrap();
    image.write_all_at(b"the boot partition", 65 << 20).unwrap();
    fs::write(at("root"), "the root").unwrap();
    // They have room for it.
    for boot in ["boot-a", "boot-b"] {
        File::options().write(true).open(at(boot)).unwrap().set_len(96 << 20).unwrap();
    }
    let made = at("hold-slayer-9.9.9-pi.update");
    run("bundle.sh", &[&at("card.img"), &at("root"), "9.9.9", "pi", &at("secret"), &made]);
    let (code, out, err) = says(&folder.0, &[&made, "--check"]);
    assert!(code == 0 && out.contains("This update is good: version 9.9.9 for pi"), "{out}{err}");
    let bytes = fs::read(&made).unwrap();
    assert!(bytes.ends_with(b"\0the root") && bytes.windows(18).any(|part| part == b"the boot partition"));
}
