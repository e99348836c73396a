//! What only a real kernel and a real init can show, inside the guest that `run.sh` starts: lines, devices, a sound card and their
//! rights, the unit and its watchdog. Everywhere else these are left out.
//!
//! The button and the lamp are lines of a simulated chip, named as on a Pi; pressing and looking is done through sysfs, which
//! the box knows nothing of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
#[path = "../box/far.rs"]
mod far;
mod lines;
#[allow(dead_code)]
#[path = "../box/running.rs"]
mod running;
mod sound;

use far::{Far, Net, SECRET, company_talks};
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use lines::{Chip, Shown};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use running::{Page, ask};
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than anything takes in a machine that is interpreted.
const SOON: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(600);
const PASSWORD: &str = "pressed and looked at";
const CONFIGURATION: &str = "/etc/hold-slayer/hold-slayer.toml";

/// The box as a service, with this board file.
struct House {
    net: Net,
    page: Page,
}

impl House {
    fn start(board: &str) -> Self {
        Self::with(board, "")
    }

    /// And this in its configuration.
    fn with(board: &str, more: &str) -> Self {
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

    /// The one call is there and stands so.
    fn call_is(&self, phase: &str) {
        self.page.wait(phase, |status| status["calls"][0]["phase"] == phase);
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
fn the_service_is_nobody_special_and_has_its_lines() {
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
    // What it is not given: the disk, the consoles, other people's input devices.
    assert!(house.page.get("/api/v1/status")["troubles"].is_array());
    assert_eq!(property("DevicePolicy"), "closed");
    let device = std::fs::metadata(chip.device()).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&device) & 0o777, 0o660);
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
fn lines_that_are_missing_busy_or_late_are_told_of_and_taken_when_they_come() {
    let house = House::start("pi4");
    house.troubles("no chip", |troubles| troubles.contains("button: this machine has no GPIO lines"));
    let chip = Chip::new();
    let other = chip.take("GPIO27", "somebody");
    house.troubles("the button came", |troubles| {
        !troubles.contains("button:") && troubles.contains("lamp: the GPIO line GPIO27 is in use by somebody")
    });
    drop(other);
    house.troubles("the lamp came", |troubles| !troubles.contains("lamp:"));
    assert!(chip.shows(Shown::NoTrunk));
    // Gone again, and back: a driver that is loaded anew.
    drop(chip);
    house.troubles("the lines are gone", |troubles| {
        troubles.contains("lamp:") || troubles.contains("button:")
    });
    let chip = Chip::new();
    house.troubles("they are back", |troubles| !troubles.contains("lamp:") && !troubles.contains("button:"));
    assert!(chip.shows(Shown::NoTrunk));
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn presses_hold_take_and_end_a_call_and_the_lamp_follows() {
    let chip = Chip::new();
    let house = House::start("pi4");
    assert!(chip.shows(Shown::NoTrunk));
    let company = Far::company(house.net, vec![At::Answer, At::Quiet(LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    // Hangs up once the box has said that it holds, and is there when it rings.
    let dial = [Owner::Register, Owner::Dial("18005550123".into()), Owner::AwaitAnswer];
    let then = [Owner::Listen(LONG), Owner::HangUp, Owner::AwaitRing, Owner::Wait(LONG)];
    let phone = Far::phone(house.net, 3, SECRET, dial.into_iter().chain(then).collect());
    house.call_is("talking");
    assert!(chip.shows(Shown::InCall));

    // Contacts bounce: what is shorter than the debouncing is no press, however often.
    for _ in 0..20 {
        chip.press();
        chip.release();
    }
    assert!(chip.shows(Shown::InCall));
    house.call_is("talking");

    // One press with bounce at both ends: the box holds.
    chip.press_for(Duration::from_millis(150), true);
    phone.wait(0, "the owner hangs up", |fact| *fact == Fact::HangsUp);
    house.call_is("holding");
    assert!(chip.shows(Shown::Holding));

    // Two in quick succession: the owner takes it now.
    chip.press_for(Duration::from_millis(120), true);
    std::thread::sleep(Duration::from_millis(100));
    chip.press_for(Duration::from_millis(120), false);
    phone.wait(0, "the phone rings", |fact| matches!(fact, Fact::Called { .. }));
    assert!(chip.shows(Shown::Person));

    // Held until the lamp goes dark: the held call ends.
    chip.press();
    until("the finger sees dark", || chip.is_dark_for(Duration::from_millis(600)));
    chip.release();
    company.wait(0, "the held call ends", |fact| matches!(fact, Fact::Ended(_)));
    assert!(chip.shows(Shown::Idle));

    // Idle: a press is answered by two seconds of light.
    chip.press_for(Duration::from_millis(150), false);
    until("all is well", || chip.is_lit_for(Duration::from_millis(1_500)));
    assert!(chip.shows(Shown::Idle));

    // Somebody calls the house.
    company.call(vec![At::Forever]);
    house.call_is("incoming");
    assert!(chip.shows(Shown::Ringing));
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_press_of_ten_seconds_opens_the_page_to_whoever_stands_there() {
    let chip = Chip::new();
    let house = House::start("pi4");
    let offered = || ask(house.net, "GET", "/login", "", "").contains("Claim this box");
    assert!(!offered());
    chip.press();
    until("the page may be claimed", offered);
    assert!(chip.flickers());
    chip.release();
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_finger_on_the_button_at_power_on_forgets_the_password() {
    let chip = Chip::new();
    chip.press();
    // The simulated chip has no finger that is stronger than its own resistor.
    let board = "name = \"no resistor\"\n[button]\nline = \"GPIO17\"\nbias = \"none\"\n";
    std::fs::write("/etc/hold-slayer/finger.toml", board).unwrap();
    let house = House::start("finger.toml");
    until("the page may be claimed", || ask(house.net, "GET", "/login", "", "").contains("Claim this box"));
    chip.release();
    let old = ask(house.net, "POST", "/login", "", &format!("password={PASSWORD}"));
    assert!(!old.starts_with("HTTP/1.1 303"), "{old}");
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_button_that_is_an_input_device_works_too() {
    let chip = Chip::new();
    // As with gpio-keys: the kernel has the line.
    let driver = chip.take("GPIO17", "gpio-keys");
    let house = House::start("pi4");
    house.troubles("the driver has the line", |troubles| troubles.contains("GPIO17 is in use by gpio-keys"));
    let mut key = lines::Key::new("hold-slayer button");
    house.troubles("the device is found", |troubles| !troubles.contains("button:"));
    let (_company, _phone) = house.talking();
    key.press_for(Duration::from_millis(200));
    house.page.wait("the box holds", |status| {
        ["confirming", "holding"].iter().any(|phase| status["calls"][0]["phase"] == *phase)
    });
    drop(key);
    house.troubles("it is missed", |troubles| troubles.contains("button:"));
    drop(driver);
    house.troubles("the line itself is free again", |troubles| !troubles.contains("button:"));
    assert_eq!(chip.user("GPIO17"), "hold-slayer");
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_box_that_stands_still_is_started_anew() {
    let chip = Chip::new();
    let house = House::start("pi4");
    let (before, restarts) = (property("MainPID"), property("NRestarts"));
    kill(Pid::from_raw(before.parse().unwrap()), Signal::SIGSTOP).unwrap();
    until("the watchdog bites", || property("NRestarts") != restarts && property("ActiveState") == "active");
    assert_ne!(property("MainPID"), before);
    // It is whole again: page, records and lamp.
    drop(house.page);
    Page::of(house.net, PASSWORD);
    assert!(chip.shows(Shown::NoTrunk));
}

/// A handset on a made-up sound card, with a keypad of its own and a bell on a line.
const HANDSET: &str =
    "[handset]\ncard = \"Loopback\"\nname = \"box\"\nkeypad = \"hold-slayer keypad\"\nringer = \"line\"\n";

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_handset_calls_and_is_rung_through_a_sound_card() {
    let chip = Chip::new();
    let mut pad = lines::Key::pad("hold-slayer keypad");
    let house = House::with("pi4", HANDSET);
    let up = |wanted: bool| {
        house.page.wait("the handset", |status| {
            let phones = status["phones"].as_array().unwrap();
            phones.iter().any(|phone| phone["name"] == "box" && phone["up"] == wanted)
        });
    };
    up(true);
    house.troubles("all its parts are there", |troubles| !troubles.contains("handset"));
    assert_eq!((chip.user("GPIO22"), chip.user("GPIO24")), ("hold-slayer".into(), "hold-slayer".into()));
    let company = Far::company(house.net, vec![At::Answer, At::Tone(1_200, LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);

    // Dial tone, a number on the keypad, and a tone each way.
    chip.lift();
    until("the card plays", || sound::playing() == "RUNNING");
    pad.type_in("18005550123#");
    house.call_is("talking");
    assert!(sound::hears(1_200.0, SOON), "the owner hears the company");
    let hum = sound::Hum::new(660.0);
    company.wait(0, "the company hears the owner", |fact| *fact == Fact::HearsTone(660));

    // The machine stands still for longer than the card has sound for: it runs dry, and goes on by itself.
    let box_itself = Pid::from_raw(property("MainPID").parse().unwrap());
    kill(box_itself, Signal::SIGSTOP).unwrap();
    until("the card runs dry", || sound::playing() == "XRUN");
    kill(box_itself, Signal::SIGCONT).unwrap();
    until("it plays again", || sound::playing() == "RUNNING");
    assert!(sound::hears(1_200.0, SOON), "and is heard again");
    drop(hum);

    // Unplugged in the call, and plugged in again: both hear each other as before.
    sound::plug(false);
    house.troubles("the card is missed", |troubles| {
        troubles.contains("no sound card is called \\\"Loopback\\\"")
    });
    up(false);
    house.call_is("talking");
    sound::plug(true);
    house.troubles("it is back", |troubles| !troubles.contains("handset"));
    up(true);
    assert!(sound::hears(1_200.0, SOON), "after the card came back");
    chip.put_down();
    company.wait(0, "the call ends", |fact| matches!(fact, Fact::Ended(_)));
    until("the card rests", || sound::playing() != "RUNNING");

    // Somebody calls: the bell's line goes on and off, and whoever lifts has him.
    company.call(vec![At::Tone(800, LONG)]);
    until("the bell rings", || chip.bell_is_on());
    until("and pauses", || !chip.bell_is_on());
    chip.lift();
    house.call_is("talking");
    assert!(sound::hears(800.0, SOON), "the caller is heard");
    until("the bell is silent", || !chip.bell_is_on());
    chip.put_down();
}
