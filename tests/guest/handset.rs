//! A telephone of the box's own: sound cards, hooks, bells, dials.

use super::far::{Far, SECRET};
use super::lines::{Chip, Key, Telephone};
use super::{House, LONG, SOON, property, sound, until};
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Command;

/// A handset on a made-up sound card, with a keypad of its own and a bell on a line.
const HANDSET: &str =
    "[handset]\ncard = \"Loopback\"\nname = \"box\"\nkeypad = \"hold-slayer keypad\"\nringer = \"line\"\n";

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_handset_calls_and_is_rung_through_a_sound_card() {
    let chip = Chip::new();
    let mut pad = Key::pad("hold-slayer keypad");
    let house = House::with("pi4", HANDSET);
    let up = |wanted: bool| house.handset_is(wanted);
    up(true);
    house.troubles("all its parts are there", |troubles| !troubles.contains("handset"));
    assert_eq!((chip.user("GPIO22"), chip.user("GPIO24")), ("hold-slayer".into(), "hold-slayer".into()));
    let company = Far::company(house.net, vec![At::Answer, At::Tone(1_200, LONG)]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);

    // Dial tone, a number on the keypad, and a tone each way.
    chip.lift();
    assert!(sound::hears(&sound::DIAL_TONE, SOON), "one may dial");
    pad.type_in("18005550123#");
    house.call_is("talking");
    assert!(sound::hears(&[1_200.0], SOON), "the owner hears the company");
    let hum = sound::Hum::new(660.0);
    company.wait(0, "the company hears the owner", |fact| *fact == Fact::HearsTone(660));

    // The machine stands still for longer than the card has sound for: it runs dry, and goes on by itself.
    let box_itself = Pid::from_raw(property("MainPID").parse().unwrap());
    kill(box_itself, Signal::SIGSTOP).unwrap();
    until("the card runs dry", || sound::playing() == "XRUN");
    kill(box_itself, Signal::SIGCONT).unwrap();
    until("it plays again", || sound::playing() == "RUNNING");
    assert!(sound::hears(&[1_200.0], SOON), "and is heard again");
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
    assert!(sound::hears(&[1_200.0], SOON), "after the card came back");
    chip.put_down();
    company.wait(0, "the call ends", |fact| matches!(fact, Fact::Ended(_)));
    until("the card rests", || sound::playing() != "RUNNING");

    // Somebody calls: the bell's line goes on and off, and whoever lifts has him.
    company.call(vec![At::Tone(800, LONG)]);
    until("the bell rings", || chip.bell_is_on());
    until("and pauses", || !chip.bell_is_on());
    chip.lift();
    house.call_is("talking");
    assert!(sound::hears(&[800.0], SOON), "the caller is heard");
    until("the bell is silent", || !chip.bell_is_on());
    chip.put_down();
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_handset_works_at_the_card_s_other_rates_too() {
    let chip = Chip::new();
    let mut pad = Key::pad("hold-slayer keypad");
    for rate in [8_000, 16_000] {
        let house = House::with("pi4", &format!("{HANDSET}rate = {rate}\n"));
        house.handset_is(true);
        let company = Far::company(house.net, vec![At::Answer, At::Tone(1_200, LONG)]);
        company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
        chip.lift();
        assert!(sound::hears_at(rate, &sound::DIAL_TONE, SOON), "{rate}: one may dial");
        pad.type_in("18005550123#");
        house.call_is("talking");
        assert!(sound::hears_at(rate, &[1_200.0], SOON), "{rate}: the owner hears the company");
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
    assert!(sound::hears(&[1_200.0], SOON), "the owner hears the company");
    chip.put_down();
    company.wait(0, "the call ends", |fact| matches!(fact, Fact::Ended(_)));
}

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_usb_telephone_is_lifted_by_its_raw_hook() {
    let _chip = Chip::new();
    let name = "Made Up Telephone";
    let mut telephone = Telephone::new(name);
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
        House::with("telephone.toml", "[handset]\ncard = \"Loopback\"\nname = \"box\"\nringer = \"own\"\n");
    house.handset_is(true);
    house.troubles("its hook is felt", |troubles| !troubles.contains("handset"));
    let company = Far::company(house.net, vec![]);
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    company.call(vec![At::Tone(800, LONG)]);
    house.call_is("incoming");
    assert!(sound::hears(&sound::BELL, SOON), "it rings");
    telephone.hook(true);
    house.call_is("talking");
    assert!(sound::hears(&[800.0], SOON), "the caller is heard, and no bell");
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
    assert!(sound::hears(&[1_200.0], SOON), "the hold is heard aloud");
    assert_eq!(house.page.press("/board", "do=monitor-aloud"), 303);
    until("it is silent", || sound::playing() != "RUNNING");
}
