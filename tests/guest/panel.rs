//! The button and the lamp: what a finger and an eye find.

use super::far::{Far, SECRET};
use super::lines::{Chip, Shown};
use super::running::ask;
use super::{DATA, House, LONG, PASSWORD, keep, slain, systemctl, times_up, until};
use hold_slayer::board::button;
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use std::fs;
use std::time::{Duration, Instant};

/// A call that is up, and contacts that have bounced: what is shorter than the debouncing is no press, however often. `None`: the
/// machine stood still meanwhile, which is a press.
fn bounced(chip: &Chip) -> Option<(House, Far, Far)> {
    let house = House::start("pi4");
    house.shows(chip, Shown::NoTrunk);
    let company = Far::company(house.net, vec![At::Answer, At::Quiet(LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    // Hangs up once the box has said that it holds, and is there when it rings.
    let dial = [Owner::Register, Owner::Dial("18005550123".into()), Owner::AwaitAnswer];
    let then = [Owner::Listen(LONG), Owner::HangUp, Owner::AwaitRing, Owner::Wait(LONG)];
    let phone = Far::phone(house.net, 3, SECRET, dial.into_iter().chain(then).collect());
    house.call_is("talking");
    house.shows(chip, Shown::InCall);

    if !(0..20).all(|_| chip.bounce()) {
        return None;
    }
    house.shows(chip, Shown::InCall);
    house.call_is("talking");
    Some((house, company, phone))
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn presses_hold_take_and_end_a_call_and_the_lamp_follows() {
    let chip = Chip::new();
    let too_slow = "this machine is too slow for contacts that bounce";
    let (house, company, phone) = (0..5).find_map(|_| bounced(&chip)).expect(too_slow);

    // One press with bounce at both ends: the box holds.
    chip.press_for(Duration::from_millis(150), true);
    phone.wait(0, "the owner hangs up", |fact| *fact == Fact::HangsUp);
    house.call_is("holding");
    house.shows(&chip, Shown::Holding);

    // Two in quick succession: the owner takes it now.
    chip.press_for(Duration::from_millis(120), true);
    std::thread::sleep(Duration::from_millis(100));
    chip.press_for(Duration::from_millis(120), false);
    phone.wait(0, "the phone rings", |fact| matches!(fact, Fact::Called { .. }));
    house.shows(&chip, Shown::Person);

    // Held until the lamp goes dark: the held call ends. A machine that is interpreted may stand still in a pause of the blinking,
    // which is no sign to let go.
    let pressed = Instant::now();
    chip.press();
    until("the finger sees dark", || {
        chip.is_dark_for(Duration::from_millis(600)) && pressed.elapsed() >= button::LONG
    });
    chip.release();
    company.wait(0, "the held call ends", |fact| matches!(fact, Fact::Ended(_)));
    house.shows(&chip, Shown::Idle);

    // Idle: a press is answered by two seconds of light.
    chip.press_for(Duration::from_millis(150), false);
    until("all is well", || chip.is_lit_for(Duration::from_millis(1_500)));
    house.shows(&chip, Shown::Idle);

    // Somebody calls the house.
    company.call(vec![At::Forever]);
    house.call_is("incoming");
    house.shows(&chip, Shown::Ringing);
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
    std::thread::sleep(button::CLAIM + Duration::from_secs(3));
    assert!(!offered() && enters("mine-from-now-on"));
    chip.release();
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn the_lamp_shows_what_is_wrong_and_how_far_a_wait_is() {
    let chip = Chip::new();
    // Two minutes is what one usually waits there: the calls before say so.
    let number = "18005550123";
    keep(|store| store.put(&slain(1, number, Duration::from_secs(120))).unwrap());
    let house = House::again("pi4", "[handset]\ncard = \"No Such Card\"\n");
    let company = Far::company(house.net, vec![At::Answer, At::Quiet(LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    house.troubles("the card is missed", |troubles| troubles.contains("No Such Card"));
    house.shows(&chip, Shown::Fault);
    let dial = [Owner::Register, Owner::Dial(number.into()), Owner::AwaitAnswer];
    let then = [Owner::Listen(LONG), Owner::HangUp, Owner::Wait(LONG)];
    let _phone = Far::phone(house.net, 3, SECRET, dial.into_iter().chain(then).collect());
    house.call_is("talking");
    chip.press_for(Duration::from_millis(150), true);
    house.call_is("holding");
    house.shows(&chip, Shown::Quarter(1));
    until("the second quarter begins", || chip.shows(Shown::Quarter(2)));
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn the_lamp_says_that_an_update_is_being_written() {
    const MANIFEST: &str = include_str!("../box/update/good.json");
    const SIGNATURE: &str = include_str!("../box/update/good.json.minisig");
    const KEY: &str = include_str!("../box/update/key.pub");
    const SLOTS: &str = "/usr/lib/hold-slayer/slots.toml";
    // A card whose other slot are files, where root's part may write. It goes on once the line has rested for longer than this
    // takes: until then it says that it writes, and waits.
    let at = |name: &str| format!("/boot/owner/{name}");
    fs::create_dir_all(at("")).unwrap();
    fs::write(at("autoboot.txt"), "[all]\nboot_partition=2\n# good=2\n").unwrap();
    for (file, bytes) in [("boot", 2 << 20), ("root", 41 << 20)] {
        fs::File::create(at(file)).unwrap().set_len(bytes).unwrap();
    }
    let slots = format!(
        "board = \"pi\"\nkey = \"{}\"\nautoboot = \"{}\"\nreboot = [\"false\"]\n[pace]\nrest_ms = 3600000\n\
         [a]\npartition = 2\nboot = \"/dev/vda\"\nroot = \"/dev/vda\"\n\
         [b]\npartition = 3\nboot = \"{}\"\nroot = \"{}\"\n",
        KEY.lines().nth(1).unwrap(),
        at("autoboot.txt"),
        at("boot"),
        at("root"),
    );
    fs::write(SLOTS, slots).unwrap();
    // What was signed: no more of a bundle is looked at before it is written.
    let head = format!("hold-slayer update 1 {} {}\n{MANIFEST}{SIGNATURE}", MANIFEST.len(), SIGNATURE.len());
    keep(|_| {
        fs::create_dir(format!("{DATA}/update")).unwrap();
        fs::write(format!("{DATA}/update/bundle"), head).unwrap();
    });
    let chip = Chip::new();
    let house = House::again("pi4", "");
    let state = || house.page.get("/api/v1/update")["state"].clone();
    assert_eq!(state(), "waiting");
    systemctl(&["start", "hold-slayer-update"]);
    until("it is being written", || state() == "writing");
    house.shows(&chip, Shown::Update);
    assert_eq!(house.page.post("/api/v1/update/withdraw", true).0, 200);
    house.shows(&chip, Shown::NoTrunk);
    fs::remove_file(SLOTS).unwrap();
}
