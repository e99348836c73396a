//! What must be seen soon after the machine came on: it is run first.

use super::far::{Far, SECRET};
use super::lines::Chip;
use super::running::{Page, ask};
use super::{CONFIGURATION, House, PASSWORD, keep, slain, systemctl, times_up, until};
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::phone::pairing::REALM;
use hold_slayer::sip::auth::ha1;
use hold_slayer::store::PairedPhone;
use hold_slayer::units::Wall;
use std::time::Duration;

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_finger_on_the_button_at_power_on_forgets_the_password_and_nothing_else() {
    let chip = Chip::new();
    chip.press();
    // The simulated chip has no finger that is stronger than its own resistor.
    let board =
        "name = \"no resistor\"\n[button]\nline = \"GPIO17\"\nbias = \"none\"\n[lamp]\nline = \"GPIO27\"\n";
    std::fs::write("/etc/hold-slayer/finger.toml", board).unwrap();
    let attic = PairedPhone {
        name: "Attic".into(),
        user: "attic".into(),
        ha1: ha1("attic", REALM, SECRET),
        adapter: None,
        paired: Wall(1_000),
        used: true,
    };
    keep(|store| {
        store.put(&slain(1, "18005550123", Duration::from_secs(120))).unwrap();
        store.put_phone(&attic).unwrap();
    });
    let house = House::again("finger.toml", "[line]\nnumber = \"+15550100\"\n");
    let written = || std::fs::read_to_string(CONFIGURATION).unwrap();
    let settings = written();
    until("the lamp shows that it has been long enough", || chip.flickers());
    chip.release();
    until("the page may be claimed", || ask(house.net, "GET", "/login", "", "").contains("Claim this box"));
    let enters = |password: &str| {
        let reply = ask(house.net, "POST", "/login", "", &format!("password={password}"));
        reply.starts_with("HTTP/1.1 303")
    };
    assert!(!enters(PASSWORD), "though it stands in the file");
    let reply = ask(house.net, "POST", "/claim", "", "password=mine-from-now-on");
    assert!(reply.starts_with("HTTP/1.1 303"), "{reply}");
    let before = times_up();
    systemctl(&["restart", "hold-slayer"]);
    until("it is up again", || times_up() > before);
    assert!(enters("mine-from-now-on") && !enters(PASSWORD), "for good");
    // All else is as it was: the settings, the calls before, and a paired phone, which registers with its old password.
    assert_eq!(written(), settings);
    let page = Page::of(house.net, "mine-from-now-on");
    let history = page.get("/api/v1/history");
    assert_eq!(history["calls"][0]["number"], "18005550123", "{history}");
    let _attic = Far::phone_of(house.net, 3, ("attic", SECRET), vec![Owner::Register]);
    page.wait("the paired phone is there", |status| {
        let phones = status["phones"].as_array().unwrap();
        phones.iter().any(|phone| phone["name"] == "Attic" && phone["up"] == true)
    });
}
