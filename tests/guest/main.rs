//! What only a real kernel and a real init can show, inside the guest that `run.sh` starts: lines, devices, a sound card and their
//! rights, the unit and its watchdog. Everywhere else these are left out.
//!
//! The button and the lamp are lines of a simulated chip, named as on a Pi; pressing and looking is done through sysfs, which
//! the box knows nothing of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
#[path = "../box/far.rs"]
mod far;
mod handset;
mod inside;
mod lines;
mod panel;
mod power_on;
#[allow(dead_code)]
#[path = "../box/running.rs"]
mod running;
mod sound;

use far::{Far, Net, SECRET, company_talks};
use hold_slayer::call::{Figures, Outcome, Record};
use hold_slayer::demo::Fact;
use hold_slayer::store::Store;
use hold_slayer::units::{CallId, Wall};
use lines::{Chip, Shown};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use running::Page;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than anything takes in a machine that is interpreted.
const SOON: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(600);
const PASSWORD: &str = "pressed and looked at";
const CONFIGURATION: &str = "/etc/hold-slayer/hold-slayer.toml";
const DATA: &str = "/var/lib/hold-slayer";

/// The box as a service, with this board file.
struct House {
    net: Net,
    page: Page,
}

impl House {
    fn start(board: &str) -> Self {
        Self::with(board, "")
    }

    /// And this in its configuration. It knows nothing of those before.
    fn with(board: &str, more: &str) -> Self {
        systemctl(&["stop", "hold-slayer"]);
        let _ = std::fs::remove_dir_all(DATA);
        Self::again(board, more)
    }

    /// The same, with what there is in its data folder.
    fn again(board: &str, more: &str) -> Self {
        let net = Net::new();
        let text = running::configuration(net, &net.trunk().to_string())
            .replace("[web]\n", &format!("[web]\npassword = \"{PASSWORD}\"\n"));
        // Its owner, group and mode are the package's.
        std::fs::write(CONFIGURATION, format!("{text}[board]\nfile = \"{board}\"\n{more}")).unwrap();
        systemctl(&["reset-failed", "hold-slayer"]);
        systemctl(&["restart", "hold-slayer"]);
        Self { net, page: Page::of(net, PASSWORD) }
    }

    fn troubles(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        self.page.wait(what, |status| wanted(&status["troubles"].to_string()));
    }

    fn shows(&self, chip: &Chip, wanted: Shown) {
        assert!(chip.shows(wanted), "{}", self.page.get("/api/v1/status"));
    }

    /// The one call is there and stands so.
    fn call_is(&self, phase: &str) {
        self.page.wait(phase, |status| status["calls"][0]["phase"] == phase);
    }

    /// The box's own telephone is there, or away.
    fn handset_is(&self, up: bool) {
        self.page.wait("the handset", |status| {
            let phones = status["phones"].as_array().unwrap();
            phones.iter().any(|phone| phone["name"] == "box" && phone["up"] == up)
        });
    }

    /// A company that talks and an owner who talks to it.
    fn talking(&self) -> (Far, Far) {
        let company = Far::company(self.net, company_talks());
        company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
        let phone = Far::phone(self.net, 3, SECRET, far::owner_talks());
        self.call_is("talking");
        (company, phone)
    }
}

/// The data folder of a box that has run before: what is put there, and nothing else.
fn keep(put: impl FnOnce(&Store)) {
    systemctl(&["stop", "hold-slayer"]);
    let _ = std::fs::remove_dir_all(DATA);
    std::fs::create_dir(DATA).unwrap();
    let (store, _) = Store::open(Path::new(DATA)).unwrap();
    put(&store);
    assert!(store.stop(SOON));
    let given = Command::new("chown").args(["-R", "hold-slayer:hold-slayer", DATA]).status().unwrap();
    assert!(given.success());
}

/// A call that was held for so long until somebody came.
fn slain(id: u64, number: &str, held: Duration) -> Record {
    let held_ms = held.as_millis() as u64;
    Record {
        id: CallId(id),
        outgoing: true,
        number: number.into(),
        started: Wall(id * 1_000),
        answered: Some(Wall(id * 1_000)),
        ended: Some(Wall(id * 1_000 + held_ms)),
        outcome: Outcome::Slain,
        held_ms,
        hold_started: Some(Wall(id * 1_000)),
        heard: Vec::new(),
        decisions: Vec::new(),
        figures: Figures { waited_ms: Some(held_ms), ..Figures::default() },
        said: Vec::new(),
    }
}

fn systemctl(arguments: &[&str]) {
    let output = Command::new("systemctl").args(arguments).output().unwrap();
    let journal =
        || Command::new("journalctl").args(["-n", "30", "--no-pager", "-u", "hold-slayer"]).output().unwrap();
    assert!(output.status.success(), "{output:?}\n{}", String::from_utf8_lossy(&journal().stdout));
}

/// What systemd says of the unit.
fn property(name: &str) -> String {
    let output =
        Command::new("systemctl").args(["show", "hold-slayer", "--value", "-p", name]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// How often the box has said that it is up.
fn times_up() -> usize {
    let output = Command::new("journalctl").args(["-u", "hold-slayer", "-o", "cat", "--no-pager"]).output();
    String::from_utf8_lossy(&output.unwrap().stdout).matches("the box is up").count()
}

fn until(what: &str, wanted: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < SOON, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn the_service_is_nobody_special_and_has_its_lines_and_its_core() {
    let chip = Chip::new();
    let house = House::start("pi4");
    house.troubles("no line is missing", |troubles| !troubles.contains("GPIO"));
    assert_eq!((chip.user("GPIO17"), chip.user("GPIO27")), ("hold-slayer".into(), "hold-slayer".into()));
    let status = std::fs::read_to_string(format!("/proc/{}/status", property("MainPID"))).unwrap();
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert!(!field("Uid:").split_whitespace().any(|uid| uid == "0"), "{status}");
    for none in ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:"] {
        assert_eq!(u64::from_str_radix(&field(none), 16).unwrap(), 0, "{none}");
    }
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(property("DevicePolicy"), "closed");
    let device = std::fs::metadata(chip.device()).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&device) & 0o777, 0o660);

    // Sound has its core for itself: the one that the kernel keeps free (board/cmdline.txt).
    let threads = inside::cores(&property("MainPID"));
    assert!(threads.iter().any(|(name, _)| name == "media"), "{threads:?}");
    for (name, cores) in &threads {
        assert_eq!(cores, if name == "media" { "3" } else { "0-2" }, "{name}");
    }
    let troubles = &house.page.get("/api/v1/status")["troubles"];
    assert!(!troubles.to_string().contains("sound has no"), "{troubles}");
    let check = Command::new("hold-slayer").arg("check").output().unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.contains("ok       core: sound has core 3 for itself"), "{said}");
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn the_page_may_change_settings_and_a_restart_takes_them() {
    let house = House::start("generic");
    let second = json!({ "section": "trunk", "values": { "name": "second", "address": "192.0.2.9:5060" } });
    assert_eq!(house.page.send("/api/v1/settings", &second)["done"], true);
    assert!(std::fs::read_to_string(CONFIGURATION).unwrap().contains("192.0.2.9"));
    let before = times_up();
    assert_eq!(house.page.send("/api/v1/restart", &json!({}))["done"], true);
    until("it starts anew", || times_up() > before);
    house.page.wait("the new trunk is there", |status| status["trunks"].to_string().contains("second"));
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_box_whose_media_loop_stands_still_is_started_anew() {
    let chip = Chip::new();
    let house = House::start("pi4");
    let (before, restarts) = (property("MainPID"), property("NRestarts"));
    // Only that one thread: all others, and every timer, go on.
    let media = inside::Stopped::new(&before, "media");
    until("the watchdog bites", || {
        media.look();
        property("NRestarts") != restarts && property("ActiveState") == "active"
    });
    assert_ne!(property("MainPID"), before);
    // It is whole again: page, records and lamp.
    let house = House { page: Page::of(house.net, PASSWORD), ..house };
    house.shows(&chip, Shown::NoTrunk);
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_box_that_stands_still_altogether_is_started_anew() {
    let house = House::start("generic");
    let (before, restarts) = (property("MainPID"), property("NRestarts"));
    kill(Pid::from_raw(before.parse().unwrap()), Signal::SIGSTOP).unwrap();
    until("the watchdog bites", || property("NRestarts") != restarts && property("ActiveState") == "active");
    assert_ne!(property("MainPID"), before);
    Page::of(house.net, PASSWORD);
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn what_the_service_is_not_given_it_cannot_open() {
    let _chip = Chip::new();
    let _keyboard = lines::Key::new("somebody's keyboard");
    let _keypad = lines::Key::pad("hold-slayer keypad");
    let foreign = lines::Telephone::new("Somebody's Telephone");
    until("its raw device is there", || {
        foreign.raw("Somebody's Telephone").is_some_and(|path| path.exists())
    });
    let folder = "/run/systemd/system/hold-slayer.service.d";
    std::fs::create_dir_all(folder).unwrap();
    // The unit runs it with all that it says: user, groups, devices, system calls. A test that fails there fails its start.
    let inside = format!("/usr/bin/guest-test --ignored --exact {}", inside::NAME);
    std::fs::write(format!("{folder}/try.conf"), format!("[Service]\nExecStartPre={inside}\n")).unwrap();
    systemctl(&["daemon-reload"]);
    let house = House::start("pi4");
    std::fs::remove_dir_all(folder).unwrap();
    systemctl(&["daemon-reload"]);
    let journal = Command::new("journalctl").args(["-u", "hold-slayer", "-o", "cat", "--no-pager"]).output();
    let journal = String::from_utf8_lossy(&journal.unwrap().stdout).into_owned();
    assert!(journal.contains("1 passed; 0 failed"), "it was tried: {journal}");
    drop(house);
}
