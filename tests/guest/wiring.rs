//! Where the button and the lamp are: lines by name or by place, an input device; and what is missing, busy or late.

use super::House;
use super::lines::{Chip, Key, Shown};
use std::time::Duration;

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
    house.shows(&chip, Shown::NoTrunk);
    // Gone again, and back: a driver that is loaded anew.
    drop(chip);
    house.troubles("the lines are gone", |troubles| {
        troubles.contains("lamp:") || troubles.contains("button:")
    });
    let chip = Chip::new();
    house.troubles("they are back", |troubles| !troubles.contains("lamp:") && !troubles.contains("button:"));
    house.shows(&chip, Shown::NoTrunk);
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
fn a_button_that_is_an_input_device_works_too() {
    let chip = Chip::new();
    // As with gpio-keys: the kernel has the line.
    let driver = chip.take("GPIO17", "gpio-keys");
    let house = House::start("pi4");
    house.troubles("the driver has the line", |troubles| troubles.contains("GPIO17 is in use by gpio-keys"));
    let mut key = Key::new("hold-slayer button");
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
