//! What must be seen soon after the machine came on: it is run first.

use super::lines::Chip;
use super::running::ask;
use super::{House, PASSWORD, systemctl, times_up, until};

#[test]
#[ignore = "inside the guest: make guest-test"]
fn a_finger_on_the_button_at_power_on_forgets_the_password() {
    let chip = Chip::new();
    chip.press();
    // The simulated chip has no finger that is stronger than its own resistor.
    let board =
        "name = \"no resistor\"\n[button]\nline = \"GPIO17\"\nbias = \"none\"\n[lamp]\nline = \"GPIO27\"\n";
    std::fs::write("/etc/hold-slayer/finger.toml", board).unwrap();
    let house = House::start("finger.toml");
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
}
