//! The systemd unit, its user and its limits, judged by systemd's own tools where they are installed; the board's overlay and
//! drawing; what the card takes from its owner.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::{Command, Output};

/// The worst exposure that `systemd-analyze security` may find, in tenths (0 none, 100 unconfined).
const EXPOSURE: &str = "20";

/// Runs a tool; `None`, with a word on it, where it is not installed.
fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("{tool} is not installed: the unit was not checked by it");
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The unit with the program of this build in the place of the installed one.
fn unit(folder: &str) -> PathBuf {
    let text = std::fs::read_to_string("systemd/hold-slayer.service").unwrap();
    let folder = std::env::temp_dir().join(format!("hold-slayer-{folder}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("hold-slayer.service");
    let installed = "/usr/bin/hold-slayer";
    assert!(text.contains(&format!("ExecStart={installed} run")), "the unit starts {installed}");
    let start = format!("ExecStart={}", env!("CARGO_BIN_EXE_hold-slayer"));
    std::fs::write(&path, text.replace(&format!("ExecStart={installed}"), &start)).unwrap();
    path
}

#[test]
fn systemd_understands_every_line() {
    let path = unit("verify");
    if let Some(output) = run("systemd-analyze", &["verify", "--man=no", path.to_str().unwrap()]) {
        // It says what it does not know and exits 0 all the same: only silence will do.
        let about_us: Vec<String> =
            words(&output).lines().filter(|line| line.contains("hold-slayer")).map(str::to_owned).collect();
        assert!(output.status.success() && about_us.is_empty(), "{}", words(&output));
    }
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn the_unit_is_confined() {
    let path = unit("security");
    let threshold = format!("--threshold={EXPOSURE}");
    if let Some(output) = run(
        "systemd-analyze",
        &["security", "--offline=yes", "--no-pager", &threshold, path.to_str().unwrap()],
    ) {
        assert!(output.status.success(), "{}", words(&output));
    }
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn the_user_can_be_made() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/hold-slayer.sysusers");
    if let Some(output) = run("systemd-sysusers", &["--dry-run", file]) {
        assert!(output.status.success(), "{}", words(&output));
    }
}

#[test]
fn the_unit_gives_what_check_asks_for() {
    let text = std::fs::read_to_string("systemd/hold-slayer.service").unwrap();
    for line in [
        "Type=notify",
        "WatchdogSec=10",
        "LimitRTPRIO=20",
        "LimitMEMLOCK=infinity",
        "StateDirectory=hold-slayer",
        "SupplementaryGroups=gpio audio",
        "SupplementaryGroups=tty",
        "DeviceAllow=/dev/tty1 w",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}");
    }
    // Each of these would take away the media thread's priority or the button.
    // And without /proc/cpuinfo TensorFlow Lite does not run.
    for line in ["RestrictRealtime=yes", "PrivateDevices=yes", "ProcSubset=pid", "~@resources"] {
        assert!(!text.lines().any(|l| l.starts_with(line) || l.contains("~@resources")), "{line}");
    }
}

/// A tree with what the overlay asks of a Pi's: the labels, and a GPIO chip of two cells.
const TREE: &str = "/dts-v1/;
/ {
    gpio: gpio@0 { gpio-controller; #gpio-cells = <2>; };
};
";

#[test]
fn the_overlay_compiles_and_fits_a_tree_with_a_pi_s_labels() {
    let folder = std::env::temp_dir().join(format!("hold-slayer-overlay-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    std::fs::write(path("tree.dts"), TREE).unwrap();
    let dtc = |from: &str, to: &str| run("dtc", &["-@", "-I", "dts", "-O", "dtb", "-o", to, from]);
    let (Some(overlay), Some(tree)) =
        (dtc("board/hold-slayer-button.dts", &path("o.dtbo")), dtc(&path("tree.dts"), &path("tree.dtb")))
    else {
        return;
    };
    assert!(overlay.status.success() && overlay.stderr.is_empty(), "{}", words(&overlay));
    assert!(tree.status.success(), "{}", words(&tree));
    let fits =
        run("fdtoverlay", &["-i", &path("tree.dtb"), "-o", &path("both.dtb"), &path("o.dtbo")]).unwrap();
    assert!(fits.status.success(), "{}", words(&fits));
    let get = |node: &str, name: &str| words(&run("fdtget", &[&path("both.dtb"), node, name]).unwrap());
    // The name is what the board files and the udev rule look for.
    assert_eq!(get("/hold-slayer-button", "label").trim(), "hold-slayer button");
    assert_eq!(get("/hold-slayer-button", "compatible").trim(), "gpio-keys");
    assert!(get("/hold-slayer-button/press", "gpios").trim().ends_with(" 17 1"), "GPIO17, active low");
    assert_eq!(get("/gpio@0/hold_slayer_pins", "brcm,pins").trim(), "17");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn names_and_pins_agree_everywhere() {
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let rule = read("systemd/70-hold-slayer.rules");
    assert!(rule.contains("ATTRS{name}==\"hold-slayer *\"") && rule.contains("GROUP=\"gpio\""), "{rule}");
    let (table, drawing, config) =
        (read("board/README.md"), read("board/wiring.svg"), read("board/config.txt"));
    for (line, pin, boot) in [
        ("GPIO17", "11 and 9", "gpio=17=ip,pu"),
        ("GPIO27", "13 and 14", "gpio=27=op,dl"),
        // A handset's are left to whoever has one.
        ("GPIO22", "15 and 20", ""),
        ("GPIO23", "16 and 20", ""),
        ("GPIO24", "18", ""),
    ] {
        assert!(table.contains(&format!("| {pin} | `{line}`")), "{line}");
        assert!(drawing.contains(&format!(" font-weight=\"bold\">{line}</text>")), "{line}");
        assert!(boot.is_empty() || config.lines().any(|l| l == boot), "{boot}");
        for board in ["pi3", "pi4", "pi5", "zero2"] {
            assert!(read(&format!("board/{board}.toml")).contains(&format!("line = \"{line}\"")), "{board}");
        }
    }
    // The core that the sound has is the one that others are kept off.
    assert!(
        read("board/cmdline.txt").contains("isolcpus=3 ")
            && read("board/pi4.toml").contains("media_core = 3 ")
    );
}

/// The card's first partition and what its program makes of it at a start, in a folder.
struct Card(PathBuf);

impl Card {
    fn new(name: &str, model: &str) -> Self {
        let card = Self(std::env::temp_dir().join(format!("hold-slayer-card-{name}-{}", std::process::id())));
        for folder in ["owner", "settings", "network"] {
            std::fs::create_dir_all(card.0.join(folder)).unwrap();
        }
        card.put("model", model);
        card
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    /// Runs it as at a start, with the folder's places for the machine's; what only root can do is left out.
    fn start(&self) {
        let mut program = std::fs::read_to_string("image/card/usr/lib/hold-slayer/card").unwrap();
        let _ = std::fs::remove_dir_all(self.0.join("run"));
        for (theirs, ours) in [
            ("/boot/owner", "owner"),
            ("/etc/hold-slayer", "settings"),
            ("/data/taken", "taken"),
            ("/run/hold-slayer-card", "run"),
            ("/run/systemd/network", "network"),
            ("/proc/device-tree/model", "model"),
        ] {
            assert!(program.contains(theirs), "{theirs}");
            program = program.replace(theirs, self.0.join(ours).to_str().unwrap());
        }
        let program = program.replace("chown root:hold-slayer", ":").replace("modprobe", ":");
        let done = Command::new("sh").args(["-c", &program]).output().unwrap();
        assert!(done.status.success(), "{}", words(&done));
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_cards_settings_are_taken_once_and_the_pages_stay() {
    let card = Card::new("settings", "Raspberry Pi 4 Model B Rev 1.4");
    card.put("owner/hold-slayer.toml", "\u{feff}[web]\r\npassword = \"long enough\"\r\n");
    card.start();
    let taken = "[web]\npassword = \"long enough\"\n\n[board]\nfile = \"pi4\"\n";
    assert_eq!(card.read("settings/hold-slayer.toml"), taken);
    card.put("settings/hold-slayer.toml", "[board]\nfile = \"own.toml\"\n# by the page\n");
    card.start();
    assert_eq!(card.read("settings/hold-slayer.toml"), "[board]\nfile = \"own.toml\"\n# by the page\n");
    let shipped = std::fs::read_to_string("systemd/hold-slayer.toml").unwrap();
    card.put("owner/hold-slayer.toml", &shipped);
    card.start();
    assert!(card.read("settings/hold-slayer.toml").contains("\nfile = \"pi4\" "), "the board that it is on");
    assert!(card.read("settings/hold-slayer.toml.before").contains("# by the page"), "nothing is lost");
}

#[test]
fn what_is_wrong_in_the_cards_box_txt_is_said_and_what_is_right_is_done() {
    let card = Card::new("box", "QEMU");
    let wrong = "timezone = Mars/Base\r\naddress = 192.168.1.20\r\nwifi = home\r\npassword = short\r\n";
    card.put("owner/box.txt", wrong);
    card.start();
    let told = card.read("run/wrong");
    for word in ["no time zone Mars/Base", "192.168.1.20/24", "8 to 63 characters, this one has 5"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(card.read("run/wifi.conf"), "");
    assert!(card.read("network/10-owner.network").contains("Address=192.168.1.20/24\n"));
    card.put(
        "owner/box.txt",
        "timezone = UTC\nwifi = H\u{f6}lle \"1\"\npassword = p\"q ss w\u{f6}rd\ncountry = DE\n",
    );
    card.start();
    assert_eq!(card.read("run/wrong"), "");
    assert_eq!(card.read("run/environment"), "TZ=UTC\n");
    let wifi = card.read("run/wifi.conf");
    assert!(wifi.contains("country=DE\n") && wifi.contains("ssid=48c3b66c6c6520223122\n"), "{wifi}");
    assert!(wifi.contains("  psk=\"p\"q ss w\u{f6}rd\"\n"), "its reader looks for the last quote: {wifi}");
}
