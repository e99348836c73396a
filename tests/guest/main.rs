//! What only a real kernel and a real init can show, inside the guest that `run.sh` starts: lines, devices, a sound card and their
//! rights, the unit and its watchdog. Everywhere else these are left out.
//!
//! The button and the lamp are lines of a simulated chip, named as on a Pi; pressing and looking is done through sysfs, which
//! the box knows nothing of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
#[path = "../box/far.rs"]
mod far;
mod inside;
mod lines;
mod power_on;
#[allow(dead_code)]
#[path = "../box/running.rs"]
mod running;
mod sound;

use far::{Far, Net, SECRET, company_talks};
use hold_slayer::call::{Figures, Outcome, Record};
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::store::Store;
use hold_slayer::units::{CallId, Wall};
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
    // Whoever stands there chooses; it counts instead of the file's, also after a restart.
    let enters = |password: &str| {
        let reply = ask(house.net, "POST", "/login", "", &format!("password={password}"));
        reply.starts_with("HTTP/1.1 303")
    };
    let reply = ask(house.net, "POST", "/claim", "", "password=mine-from-now-on");
    assert!(reply.starts_with("HTTP/1.1 303"), "{reply}");
    assert!(enters("mine-from-now-on") && !enters(PASSWORD));
    // A button that is stuck while the box alone begins anew forgets nothing.
    chip.press();
    let before = times_up();
    systemctl(&["restart", "hold-slayer"]);
    until("it is up again", || times_up() > before);
    assert!(!offered() && enters("mine-from-now-on") && !enters(PASSWORD));
    std::thread::sleep(hold_slayer::board::button::CLAIM + Duration::from_secs(3));
    assert!(!offered() && enters("mine-from-now-on"));
    chip.release();
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn the_lines_of_a_pi_5_are_found_by_the_chip_s_label() {
    let chip = Chip::without_names();
    let house = House::start("pi5");
    house.troubles("no line is missing", |troubles| !troubles.contains("GPIO"));
    assert_eq!((chip.user_at(17), chip.user_at(27)), ("hold-slayer".into(), "hold-slayer".into()));
    let (_company, _phone) = house.talking();
    chip.press_for(Duration::from_millis(200), true);
    house.page.wait("the box holds", |status| {
        ["confirming", "holding"].iter().any(|phase| status["calls"][0]["phase"] == *phase)
    });
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn the_lamp_shows_what_is_wrong_and_how_far_a_wait_is() {
    let chip = Chip::new();
    // Two minutes is what one usually waits there: the calls before say so.
    systemctl(&["stop", "hold-slayer"]);
    let number = "18005550123";
    std::fs::remove_dir_all(DATA).unwrap();
    std::fs::create_dir(DATA).unwrap();
    let (store, _) = Store::open(std::path::Path::new(DATA)).unwrap();
    store.put(&slain(1, number, Duration::from_secs(120))).unwrap();
    assert!(store.stop(SOON));
    let given = Command::new("chown").args(["-R", "hold-slayer:hold-slayer", DATA]).status().unwrap();
    assert!(given.success());
    let house = House::again("pi4", "[handset]\ncard = \"No Such Card\"\n");
    let company = Far::company(house.net, vec![At::Answer, At::Quiet(LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    house.troubles("the card is missed", |troubles| troubles.contains("No Such Card"));
    assert!(chip.shows(Shown::Fault));
    let dial = [Owner::Register, Owner::Dial(number.into()), Owner::AwaitAnswer];
    let then = [Owner::Listen(LONG), Owner::HangUp, Owner::Wait(LONG)];
    let _phone = Far::phone(house.net, 3, SECRET, dial.into_iter().chain(then).collect());
    house.call_is("talking");
    chip.press_for(Duration::from_millis(150), true);
    house.call_is("holding");
    assert!(chip.shows(Shown::Quarter(1)));
    until("the second quarter begins", || chip.shows(Shown::Quarter(2)));
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
    drop(house.page);
    Page::of(house.net, PASSWORD);
    assert!(chip.shows(Shown::NoTrunk));
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

/// A handset on a made-up sound card, with a keypad of its own and a bell on a line.
const HANDSET: &str =
    "[handset]\ncard = \"Loopback\"\nname = \"box\"\nkeypad = \"hold-slayer keypad\"\nringer = \"line\"\n";

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_handset_calls_and_is_rung_through_a_sound_card() {
    let chip = Chip::new();
    let mut pad = lines::Key::pad("hold-slayer keypad");
    let house = House::with("pi4", HANDSET);
    let up = |wanted: bool| house.handset_is(wanted);
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

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_handset_works_at_the_card_s_other_rates_too() {
    let chip = Chip::new();
    let mut pad = lines::Key::pad("hold-slayer keypad");
    for rate in [8_000, 16_000] {
        let house = House::with("pi4", &format!("{HANDSET}rate = {rate}\n"));
        house.handset_is(true);
        let company = Far::company(house.net, vec![At::Answer, At::Tone(1_200, LONG)]);
        company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
        chip.lift();
        until("the card plays", || sound::playing() == "RUNNING");
        pad.type_in("18005550123#");
        house.call_is("talking");
        assert!(sound::hears_at(rate, 1_200.0, SOON), "{rate}: the owner hears the company");
        let _hum = sound::Hum::at(rate, 660.0);
        company.wait(0, "the company hears the owner", |fact| *fact == Fact::HearsTone(660));
        chip.put_down();
        company.wait(0, "the call ends", |fact| matches!(fact, Fact::Ended(_)));
    }
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_rotary_dial_calls() {
    let chip = Chip::new();
    let house = House::with(
        "pi4",
        "[handset]\ncard = \"Loopback\"\nname = \"box\"\nringer = \"none\"\ndial = \"pulse\"\n",
    );
    house.handset_is(true);
    assert_eq!(chip.user("GPIO23"), "hold-slayer");
    let company = Far::company(house.net, vec![At::Answer, At::Tone(1_200, LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    // A machine that is interpreted turns the dial too slowly now and then; whoever notices that puts down and begins anew.
    let dialled = (0..10).any(|_| {
        chip.lift();
        until("the card plays", || sound::playing() == "RUNNING");
        let in_time = chip.pulse("123");
        if !in_time {
            chip.put_down();
            until("the card rests", || sound::playing() != "RUNNING");
        }
        in_time
    });
    assert!(dialled, "this machine is too slow for a dial");
    let status = house.page.wait("the call is up", |status| status["calls"][0]["phase"] == "talking");
    assert_eq!(status["calls"][0]["number"], "123");
    assert!(sound::hears(1_200.0, SOON), "the owner hears the company");
    chip.put_down();
    company.wait(0, "the call ends", |fact| matches!(fact, Fact::Ended(_)));
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_usb_telephone_is_lifted_by_its_raw_hook() {
    let _chip = Chip::new();
    let name = "Made Up Telephone";
    let mut telephone = lines::Telephone::new(name);
    until("the kernel makes its raw device", || telephone.raw(name).is_some_and(|path| path.exists()));
    let raw = telephone.raw(name).unwrap();
    // On a real one the udev rule does this; what is made up is plugged into no USB.
    let settled = Command::new("udevadm").arg("settle").status().unwrap();
    assert!(settled.success());
    let given = Command::new("chgrp").arg("gpio").arg(&raw).status().unwrap();
    let readable = Command::new("chmod").arg("0640").arg(&raw).status().unwrap();
    assert!(given.success() && readable.success());
    // The line of the board is there as well, and nothing is wired to it.
    let board = format!("name = \"a telephone\"\n[hook]\nline = \"GPIO22\"\ninput = \"{name}\"\n");
    std::fs::write("/etc/hold-slayer/telephone.toml", board).unwrap();
    let house =
        House::with("telephone.toml", "[handset]\ncard = \"Loopback\"\nname = \"box\"\nringer = \"none\"\n");
    house.handset_is(true);
    house.troubles("its hook is felt", |troubles| !troubles.contains("handset"));
    let company = Far::company(house.net, vec![]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    company.call(vec![At::Tone(800, LONG)]);
    house.call_is("incoming");
    telephone.hook(true);
    house.call_is("talking");
    assert!(sound::hears(800.0, SOON), "the caller is heard");
    telephone.hook(false);
    company.wait(0, "the call ends", |fact| matches!(fact, Fact::Ended(_)));
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_held_call_is_heard_on_a_loudspeaker() {
    let house = House::with("generic", "[monitor]\ncard = \"Loopback\"\n");
    let company = Far::company(house.net, vec![At::Answer, At::Tone(1_200, LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    let dial =
        vec![Owner::Register, Owner::Dial("18005550123".into()), Owner::AwaitAnswer, Owner::Listen(LONG)];
    let _phone = Far::phone(house.net, 3, SECRET, dial);
    let status = house.page.wait("the call is up", |status| status["calls"][0]["phase"] == "talking");
    assert_eq!(house.page.post(&format!("/api/v1/calls/{}/hold", status["calls"][0]["id"]), true).0, 200);
    house.call_is("holding");
    assert!(sound::hears(1_200.0, SOON), "the hold is heard aloud");
    assert_eq!(house.page.press("/board", "do=monitor-aloud"), 303);
    until("it is silent", || sound::playing() != "RUNNING");
}
