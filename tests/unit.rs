//! The systemd unit, its user and its limits, judged by systemd's own tools; the board's lines, overlays and drawing; what the
//! card takes from its owner; what is said to be on it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "unit/contents.rs"]
mod contents;

use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The worst exposure that `systemd-analyze security` may find of each unit, in tenths (0 none, 100 unconfined).
const EXPOSURE: [(&str, u8); 3] =
    [("hold-slayer.service", 20), ("hold-slayer-update.service", 25), ("hold-slayer-stick@sda1.service", 27)];

/// Runs a tool, which `make setup` has installed.
fn run(tool: &str, arguments: &[&str]) -> Output {
    Command::new(tool).args(arguments).output().unwrap_or_else(|error| {
        panic!("{tool}: {error}. Install what Debian calls systemd and device-tree-compiler: make setup does")
    })
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The files in a folder, without those in its folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

/// The units in a folder, with those of the card and what it adds if `card`; with programs of this build and of this folder in the
/// place of the installed ones.
fn units(name: &str, card: bool) -> PathBuf {
    let folder = folder(name);
    let copy = |from: &Path, to: &Path| {
        let text = std::fs::read_to_string(from).unwrap();
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/image/card/usr/lib/hold-slayer/");
        let text = text
            .replace("/usr/bin/hold-slayer", env!("CARGO_BIN_EXE_hold-slayer"))
            .replace("/usr/lib/hold-slayer/", scripts)
            // The card has it, this machine need not.
            .replace("/usr/sbin/wpa_supplicant", "/bin/true");
        // One of the sticks that there may be.
        let name = from.file_name().unwrap().to_str().unwrap().replace("@.", "@sda1.");
        std::fs::create_dir_all(to).unwrap();
        std::fs::write(to.join(name), text).unwrap();
    };
    let ours = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "service" || kind == "path");
    files(Path::new("systemd")).iter().filter(|path| ours(path)).for_each(|unit| copy(unit, &folder));
    let added = Path::new("image/card/usr/lib/systemd/system");
    for entry in std::fs::read_dir(added).unwrap().map(|entry| entry.unwrap().path()).filter(|_| card) {
        if entry.is_dir() {
            let more = folder.join(entry.file_name().unwrap());
            files(&entry).iter().for_each(|file| copy(file, &more));
        } else {
            copy(&entry, &folder);
        }
    }
    folder
}

#[test]
fn systemd_understands_every_line() {
    for card in [false, true] {
        let folder = units(&format!("verify-{card}"), card);
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .args(files(&folder))
            .output()
            .unwrap();
        // It says what it does not know and exits 0 all the same: only silence will do.
        let about_us: Vec<String> =
            words(&output).lines().filter(|line| line.contains("hold-slayer")).map(str::to_owned).collect();
        assert!(output.status.success() && about_us.is_empty(), "{}", words(&output));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn the_units_are_confined() {
    let folder = units("security", false);
    // On a card it may do more.
    let on_card = std::fs::read_to_string(folder.join("hold-slayer.service")).unwrap()
        + &std::fs::read_to_string("image/card/usr/lib/systemd/system/hold-slayer.service.d/50-card.conf")
            .unwrap();
    std::fs::write(folder.join("on-card.service"), on_card).unwrap();
    for (unit, exposure) in EXPOSURE.into_iter().chain([("on-card.service", EXPOSURE[0].1)]) {
        let threshold = format!("--threshold={exposure}");
        let path = folder.join(unit);
        let arguments = ["security", "--offline=yes", "--no-pager", &threshold, path.to_str().unwrap()];
        let output = run("systemd-analyze", &arguments);
        assert!(output.status.success(), "{}", words(&output));
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_user_can_be_made() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/hold-slayer.sysusers");
    let output = run("systemd-sysusers", &["--dry-run", file]);
    assert!(output.status.success(), "{}", words(&output));
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

/// The overlay of these boards, the label of the chip that it speaks to, and where its pins come to be described.
const OVERLAYS: [(&str, &str, &str); 2] = [
    ("hold-slayer-button", "gpio", "hold_slayer_pins"),
    ("hold-slayer-button-pi5", "rp1_gpio", "hold-slayer-state"),
];

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("hold-slayer-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a command says that must succeed and has nothing else to say.
fn asked(tool: &str, arguments: &[&str]) -> String {
    let output = run(tool, arguments);
    assert!(output.status.success() && output.stderr.is_empty(), "{tool} {arguments:?}: {}", words(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Puts the overlay into a tree, and looks whether the button is there as the board files and the udev rule look for it.
fn fits(overlay: &str, tree: &str) {
    let folder = folder(&format!("fits-{overlay}"));
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let source = format!("board/{overlay}.dts");
    asked("dtc", &["-@", "-I", "dts", "-O", "dtb", "-o", &path("o.dtbo"), &source]);
    asked("fdtoverlay", &["-i", tree, "-o", &path("both.dtb"), &path("o.dtbo")]);
    let get = |node: &str, name: &str| asked("fdtget", &[&path("both.dtb"), node, name]);
    let (_, label, pins) = OVERLAYS.iter().find(|(name, ..)| *name == overlay).unwrap();
    assert_eq!(get("/hold-slayer-button", "label"), "hold-slayer button");
    assert_eq!(get("/hold-slayer-button", "compatible"), "gpio-keys");
    let chip = get("/__symbols__", label);
    let phandle = get(&chip, "phandle");
    assert_eq!(get("/hold-slayer-button/press", "gpios"), format!("{phandle} 17 1"), "GPIO17, active low");
    let pins = format!("{chip}/{pins}");
    assert_eq!(get("/hold-slayer-button", "pinctrl-0"), get(&pins, "phandle"));
    match *label {
        "gpio" => assert_eq!((get(&pins, "brcm,pins"), get(&pins, "brcm,pull")), ("17".into(), "2".into())),
        _ => {
            assert_eq!((get(&pins, "pins"), get(&pins, "function")), ("gpio17".into(), "gpio".into()));
            assert_eq!(get(&pins, "bias-pull-up"), "");
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_overlays_compile_and_fit_trees_with_a_pi_s_labels() {
    let folder = folder("overlays");
    for (overlay, label, _) in OVERLAYS {
        let (source, tree) = (folder.join("tree.dts"), folder.join("tree.dtb"));
        // A GPIO chip of two cells, under the label that is the symbol in the kernel's own trees.
        let text = format!(
            "/dts-v1/;\n/ {{ {label}: gpio@0 {{ gpio-controller; #gpio-cells = <2>; phandle = <1>; }}; }};\n"
        );
        std::fs::write(&source, text).unwrap();
        let [source, tree] = [source, tree].map(|path| path.to_str().unwrap().to_owned());
        let made = run("dtc", &["-q", "-@", "-I", "dts", "-O", "dtb", "-o", &tree, &source]);
        assert!(made.status.success(), "{}", words(&made));
        fits(overlay, &tree);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Debian's device trees of the boards: in the folder that PI_TREES names, or in an installed kernel for arm64.
fn trees(name: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PI_TREES").map(PathBuf::from).into_iter().collect();
    for parent in ["/usr/lib", "/usr/lib/modules"] {
        let below = std::fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
        folders.extend(below.flat_map(|path| [path.join("broadcom"), path.join("dtb/broadcom")]));
    }
    folders.into_iter().map(|folder| folder.join(name)).filter(|path| path.exists()).collect()
}

#[test]
fn the_lines_are_those_of_the_kernel_s_own_trees() {
    // The chip's label is given by its driver, which is found by `compatible`.
    for (board, tree, chip, label, overlay) in [
        ("pi3", "bcm2837-rpi-3-b-plus.dtb", "brcm,bcm2835-gpio", "pinctrl-bcm2835", "hold-slayer-button"),
        ("zero2", "bcm2837-rpi-zero-2-w.dtb", "brcm,bcm2835-gpio", "pinctrl-bcm2835", "hold-slayer-button"),
        ("pi4", "bcm2711-rpi-4-b.dtb", "brcm,bcm2711-gpio", "pinctrl-bcm2711", "hold-slayer-button"),
        ("pi5", "bcm2712-rpi-5-b.dtb", "raspberrypi,rp1-gpio", "pinctrl-rp1", "hold-slayer-button-pi5"),
    ] {
        let file = std::fs::read_to_string(format!("board/{board}.toml")).unwrap();
        let found = trees(tree);
        assert!(!found.is_empty() || std::env::var_os("PI_TREES").is_none(), "PI_TREES has no {tree}");
        for tree in found {
            let tree = tree.to_str().unwrap();
            fits(overlay, tree);
            let symbol = OVERLAYS.iter().find(|(name, ..)| *name == overlay).unwrap().1;
            let node = asked("fdtget", &[tree, "/__symbols__", symbol]);
            assert_eq!(asked("fdtget", &[tree, &node, "compatible"]), chip, "{tree}");
            let names = run("fdtget", &["-t", "s", tree, &node, "gpio-line-names"]);
            let names = String::from_utf8_lossy(&names.stdout).trim().to_owned();
            for line in [17, 27, 22, 23, 24] {
                let named = names.split(' ').nth(line) == Some(format!("GPIO{line}").as_str());
                let counted = names.is_empty()
                    && file
                        .contains(&format!("line = \"GPIO{line}\"\nchip = \"{label}\"\noffset = {line}\n"));
                assert!(named || counted, "{board}: GPIO{line} is neither named nor counted: {names}");
            }
        }
    }
}

#[test]
fn a_card_without_a_board_s_driver_is_refused() {
    let folder = folder("drivers");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    // A chip with a driver of its own or another's, one that is off, and one that no module drives.
    let tree = r#"/dts-v1/;
/ {
    clock { compatible = "maker,new-clock", "maker,clock"; };
    radio { compatible = "maker,radio"; status = "disabled"; };
    memory { compatible = "maker,memory"; };
};
"#;
    write("tree.dts", tree);
    asked("dtc", &["-I", "dts", "-O", "dtb", "-o", &path("tree.dtb"), &path("tree.dts")]);
    write(
        "modules.dep",
        "kernel/drivers/clk/clk-maker.ko.xz: kernel/lib/gears.ko.xz\nkernel/lib/gears.ko.xz:\nkernel/net/radio.ko.xz:\n",
    );
    write(
        "modules.alias",
        "# Aliases\nalias of:N*T*Cmaker,clock clk_maker\nalias of:N*T*Cmaker,clockC* clk_maker\nalias of:N*T*Cmaker,radio radio\n",
    );
    let judged = |drivers: &str| {
        write("drivers", drivers);
        run("python3", &["image/drivers.py", &path("drivers"), folder.to_str().unwrap(), &path("tree.dtb")])
    };
    let told = judged("lib/ # first\n");
    assert!(
        !told.status.success()
            && words(&told).contains("drivers/clk/clk-maker.ko.xz is not on the card, for tree.dtb /clock"),
        "{}",
        words(&told)
    );
    let told = judged("# clocks\ndrivers/clk/ # first\n");
    assert!(told.status.success() && words(&told).is_empty(), "{}", words(&told));
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

    /// As at a start of the machine, and once the box is up.
    fn start(&self) {
        let _ = std::fs::remove_dir_all(self.0.join("run"));
        self.run("card", "");
        self.run("tell", "well");
    }

    /// Runs one of the card's programs, which does well.
    fn run(&self, name: &str, argument: &str) {
        let done = self.outcome(name, argument);
        assert!(done.status.success(), "{}", words(&done));
    }

    /// What becomes of one of the card's programs, with the folder's places for the machine's; what only root can do is left out. The
    /// last partition is broken.
    fn outcome(&self, name: &str, argument: &str) -> Output {
        let mut program = std::fs::read_to_string(format!("image/card/usr/lib/hold-slayer/{name}")).unwrap();
        for (theirs, ours) in [
            ("/boot/owner", "owner"),
            ("/etc/hold-slayer", "settings"),
            ("/data/taken", "taken"),
            ("/data", "data"),
            ("/dev/hold-slayer", "devices"),
            ("/var/lib/hold-slayer", "box"),
            ("/run/hold-slayer-card", "run"),
            ("/run/systemd/network", "network"),
            ("/proc/device-tree/model", "model"),
            ("/proc/device-tree/chosen/bootloader/partition", "partition"),
        ] {
            program = program.replace(theirs, self.0.join(ours).to_str().unwrap());
        }
        for (theirs, ours) in [
            ("/usr/share/hold-slayer/", "systemd/"),
            ("/usr/lib/hold-slayer/grow", ":"),
            ("udevadm", ":"),
            ("timeout 10m e2fsck -y $part", "(exit 8)"),
            ("mount -t tmpfs", ": -t tmpfs"),
            ("/usr/bin/hold-slayer", env!("CARGO_BIN_EXE_hold-slayer")),
            ("/usr/lib/hold-slayer/", "image/card/usr/lib/hold-slayer/"),
            ("box=hold-slayer", &format!("box={}", nix::unistd::getuid())),
            ("root:$box", &format!(":{}", nix::unistd::getgid())),
            ("modprobe", ":"),
            ("mount -o remount", ": -o remount"),
            ("systemctl --quiet is-active hold-slayer.service", "false"),
            ("systemctl", ":"),
        ] {
            program = program.replace(theirs, ours);
        }
        let left = program.replace(self.0.to_str().unwrap(), "here");
        for place in ["/boot/", "/data/", "/run/", "/var/", "/proc/", "/etc/", "/dev/hold-slayer"] {
            assert!(
                !left.contains(&format!(" {place}")) && !left.contains(&format!("={place}")),
                "{place}: {left}"
            );
        }
        Command::new("timeout")
            .args(["60", "sh", "-c", &program, name, argument])
            .env("SERVICE_RESULT", "exit-code")
            .output()
            .unwrap()
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_cards_settings_are_taken_once_and_the_pages_come_back_to_it() {
    let card = Card::new("settings", "Raspberry Pi 4 Model B Rev 1.4");
    card.put("owner/hold-slayer.toml", "\u{feff}[web]\r\npassword = \"long enough\"\r\n");
    card.start();
    let taken = "[web]\npassword = \"long enough\"\n\n[board]\nfile = \"pi4\"\n";
    assert_eq!(card.read("settings/hold-slayer.toml"), taken);
    // Changed on the page: it is not taken for the owner's old file, and at a computer he finds what is so now.
    let by_page = format!("{taken}[line]\ncountry = \"de\"\n");
    card.put("settings/hold-slayer.toml", &by_page);
    card.run("tell", "back");
    assert_eq!(card.read("settings/hold-slayer.toml"), by_page);
    assert_eq!(card.read("owner/hold-slayer.toml"), by_page.replace('\n', "\r\n"));
    card.start();
    assert_eq!(card.read("settings/hold-slayer.toml"), by_page);
    // A word changed there changes that word alone.
    let new = by_page.replace("long enough", "another one");
    card.put("owner/hold-slayer.toml", &new);
    card.start();
    assert_eq!(card.read("settings/hold-slayer.toml"), new);
    assert!(
        card.read("owner/hold-slayer-before.txt").ends_with(&by_page.replace('\n', "\r\n")),
        "nothing is lost"
    );
    // The telephone goes on when the file there cannot be understood, and what is wrong is said until it is mended.
    let typo = new.replace("[line]", "[lime]");
    card.put("owner/hold-slayer.toml", &typo);
    card.put("owner/notes.toml.txt", "");
    for _ in 0..2 {
        card.start();
        assert_eq!(card.read("settings/hold-slayer.toml"), new);
        assert_eq!(card.read("owner/hold-slayer.toml"), typo, "it is his, as long as it was not taken");
        let told = card.read("owner/PROBLEM.txt");
        for word in ["the box runs", "hold-slayer.toml:", "lime", "take away the last .txt"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(!told.contains("whole"), "{told}");
    }
    std::fs::remove_file(card.0.join("owner/notes.toml.txt")).unwrap();
    let utf16: Vec<u8> = new.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(card.0.join("owner/hold-slayer.toml"), [&[0xff, 0xfe], &*utf16].concat()).unwrap();
    card.start();
    assert!(card.read("owner/PROBLEM.txt").contains("save it as UTF-8"));
    // Nor is one that was not written to its end; and a board file that is none takes nothing with it.
    card.put("owner/hold-slayer.toml", "");
    card.start();
    assert!(card.read("owner/PROBLEM.txt").contains("there is no setting in it"));
    assert_eq!(card.read("settings/hold-slayer.toml"), new);
    card.put("owner/hold-slayer.toml", &new.replace("\"pi4\"", "\"own.toml\""));
    card.put("owner/own.toml", "name = \"mine\"\n[buton]\n");
    card.start();
    assert!(card.read("owner/PROBLEM.txt").contains("buton"), "{}", card.read("owner/PROBLEM.txt"));
    assert_eq!(card.read("settings/hold-slayer.toml"), new);
    assert!(!card.0.join("settings/own.toml").exists());
    card.put("owner/own.toml", "name = \"mine\"\n");
    card.start();
    assert!(card.read("settings/hold-slayer.toml").contains("own.toml"));
    assert!(card.0.join("settings/own.toml").exists() && !card.0.join("owner/PROBLEM.txt").exists());
}

#[test]
fn a_card_whose_data_cannot_be_mounted_telephones_with_the_owners_settings_and_a_slot_that_is_tried_makes_room()
 {
    let card = Card::new("broken", "QEMU");
    let in_memory = card.0.join("data/box/in-memory");
    let settings = "[line]\ncountry = \"de\"\n";
    card.put("owner/hold-slayer.toml", settings);
    let choose = |runs: u8, next: u8, good: u8| {
        std::fs::write(card.0.join("partition"), [0, 0, 0, runs]).unwrap();
        card.put("owner/autoboot.txt", &format!("[all]\nboot_partition={next}\n# good={good}\n"));
    };
    choose(3, 2, 2);
    assert!(
        !card.outcome("data", "").status.success() && !in_memory.exists(),
        "the next start is the good one's"
    );
    // One whose choice could not be turned back would start again and again.
    for (runs, next, good) in [(3, 3, 2), (2, 2, 2), (3, 3, 3)] {
        let _ = std::fs::remove_dir_all(card.0.join("data"));
        choose(runs, next, good);
        card.run("data", "");
        assert!(in_memory.exists(), "{runs} {next} {good}");
    }
    card.run("card", "");
    card.run("tell", "well");
    assert_eq!(card.read("settings/hold-slayer.toml"), settings);
    let told = card.read("owner/PROBLEM.txt");
    assert!(told.contains("the box runs") && told.contains("replace the card"), "{told}");
    // Without those it begins as it was shipped.
    for file in ["owner", "settings", "taken"].map(|folder| card.0.join(folder).join("hold-slayer.toml")) {
        std::fs::remove_file(file).unwrap();
    }
    card.run("card", "");
    assert_eq!(
        card.read("settings/hold-slayer.toml"),
        std::fs::read_to_string("systemd/hold-slayer.toml").unwrap()
    );
}

#[test]
fn a_file_that_was_refused_does_not_replace_what_the_page_has_set_up_after_it() {
    let card = Card::new("refused", "QEMU");
    let is_there = |name: &str| card.0.join("owner").join(name).exists();
    let windows = |text: &str| text.replace('\n', "\r\n");
    card.put("settings/hold-slayer.toml", &std::fs::read_to_string("systemd/hold-slayer.toml").unwrap());
    // A word is wrong in what the owner has filled in, and he sets all up on the page.
    let typo = "[lime]\ncountry = \"us\"\n";
    card.put("owner/hold-slayer.toml", typo);
    card.start();
    card.run("tell", "back");
    assert_eq!(card.read("owner/hold-slayer.toml"), typo, "nothing else is there to be had");
    let by_page = "[line]\ncountry = \"de\"\n";
    card.put("settings/hold-slayer.toml", by_page);
    card.run("tell", "back");
    assert_eq!(card.read("owner/hold-slayer-refused.txt"), typo);
    assert_eq!(card.read("owner/hold-slayer.toml"), windows(by_page));
    let told = card.read("owner/PROBLEM.txt");
    assert!(told.contains("lime") && told.contains("the box runs"), "{told}");
    for _ in 0..2 {
        let told = card.read("owner/PROBLEM.txt");
        assert!(told.contains("hold-slayer-refused.txt: this is your hold-slayer.toml"), "{told}");
        card.start();
        assert_eq!(card.read("settings/hold-slayer.toml"), by_page);
    }
    std::fs::remove_file(card.0.join("owner/hold-slayer-refused.txt")).unwrap();
    card.start();
    assert!(!is_there("PROBLEM.txt") && !is_there("hold-slayer-before.txt"));
    // Another file from the card replaces the page's settings, which are not lost; nor does what came from the card come back to it.
    for (country, before) in [("fr", true), ("nl", false)] {
        let own = format!("[line]\ncountry = \"{country}\"\n");
        card.put("owner/hold-slayer.toml", &own);
        card.start();
        assert_eq!(card.read("settings/hold-slayer.toml"), own);
        let given = card.read("owner/hold-slayer-before.txt");
        assert!(given.ends_with(&windows(by_page)) == before && given.is_empty() != before, "{given}");
        let _ = std::fs::remove_file(card.0.join("owner/hold-slayer-before.txt"));
    }
    // The same mistake once more, after it was mended: the page has changed nothing since.
    card.put("owner/hold-slayer.toml", typo);
    card.start();
    card.run("tell", "back");
    assert!(card.read("owner/hold-slayer.toml") == typo && !is_there("hold-slayer-refused.txt"));
}

#[test]
fn settings_are_the_boxs_whatever_its_number_was() {
    let card = Card::new("numbers", "QEMU");
    card.put("owner/hold-slayer.toml", "[line]\ncountry = \"de\"\n");
    card.start();
    card.put("roots", "");
    std::os::unix::fs::symlink(card.0.join("roots"), card.0.join("settings/link")).unwrap();
    let files = ["settings", "settings/hold-slayer.toml", "settings/link", "roots"];
    let owner = |name: &str| {
        let data = card.0.join(name).symlink_metadata().unwrap();
        (data.uid(), data.gid())
    };
    let ours = owner("settings");
    // Only root gives files away.
    if files.iter().any(|name| lchown(card.0.join(name), Some(61_234), Some(61_234)).is_err()) {
        return;
    }
    std::fs::set_permissions(card.0.join("settings"), std::fs::Permissions::from_mode(0o700)).unwrap();
    card.start();
    assert_eq!(owner("settings/hold-slayer.toml"), ours);
    assert_eq!(owner("settings").1, ours.1);
    assert_eq!(card.0.join("settings").metadata().unwrap().mode() & 0o7777, 0o770);
    assert_eq!((owner("settings/link"), owner("roots")), (ours, (61_234, 61_234)));
}

#[test]
fn root_follows_no_link_where_the_boxs_user_may_put_one() {
    use std::os::unix::fs::symlink;
    let card = Card::new("links", "QEMU");
    let path = |name: &str| card.0.join(name);
    for folder in ["roots", "box"] {
        std::fs::create_dir(path(folder)).unwrap();
    }
    card.put("roots/disk", "the card's other partitions");
    card.put("owner/hold-slayer.toml", "[line]\ncountry = \"de\"\n");
    card.start();
    let given = card.read("owner/hold-slayer.toml");
    let settings = path("settings/hold-slayer.toml");
    let countries = ["us", "uk", "fr", "nl", "it"].into_iter();
    for (country, (link, to)) in countries.zip([
        ("hold-slayer.toml.before", "roots/disk"),
        (".new", "roots"),
        ("hold-slayer.toml", "roots/disk"),
        ("hold-slayer.toml", "roots"),
        ("own.toml", "roots/disk"),
    ]) {
        let _ = std::fs::remove_file(path("settings").join(link));
        symlink(path(to), path("settings").join(link)).unwrap();
        card.run("tell", "back");
        assert_eq!(
            card.read("owner/hold-slayer.toml"),
            given,
            "{link}: what it leads to does not come to the card"
        );
        let new = format!("[line]\ncountry = \"{country}\"\n");
        card.put("owner/hold-slayer.toml", &new);
        card.start();
        assert_eq!(card.read("settings/hold-slayer.toml"), new, "{link}");
        assert!(settings.symlink_metadata().unwrap().is_file(), "{link}");
        assert_eq!(card.read("roots/disk"), "the card's other partitions", "{link}");
        assert_eq!(std::fs::read_dir(path("roots")).unwrap().count(), 1, "{link}");
        card.put("owner/hold-slayer.toml", &given);
        card.start();
    }
    // Nor is a pipe waited for, and a folder is no settings.
    assert!(Command::new("mkfifo").arg(path("settings/pipe.toml")).status().unwrap().success());
    std::fs::remove_file(&settings).unwrap();
    std::fs::create_dir(&settings).unwrap();
    card.run("tell", "back");
    card.put("owner/hold-slayer.toml", "[line]\ncountry = \"ch\"\n");
    card.start();
    assert_eq!(card.read("settings/hold-slayer.toml"), "[line]\ncountry = \"ch\"\n");

    // The word of a slot that makes room lies in a folder of the box's, too.
    card.put("owner/autoboot.txt", "[all]\nboot_partition=2\n# good=2\n");
    std::fs::write(path("partition"), [0, 0, 0, 3]).unwrap();
    card.put("roots/lame", "somebody else's");
    symlink(path("roots"), path("box/update")).unwrap();
    card.run("back", "");
    assert_eq!(card.read("roots/lame"), "somebody else's");
    std::fs::remove_file(path("box/update")).unwrap();
    std::fs::create_dir(path("box/update")).unwrap();
    symlink(path("roots/lame"), path("box/update/lame")).unwrap();
    card.run("back", "");
    assert_eq!(
        (card.read("roots/lame"), card.read("box/update/lame")),
        ("somebody else's".into(), String::new())
    );
    assert!(path("box/update/lame").symlink_metadata().unwrap().is_file());
}

#[test]
fn the_cards_board_is_that_of_the_pi_unless_the_settings_name_another() {
    let shipped = std::fs::read_to_string("systemd/hold-slayer.toml").unwrap();
    let card = Card::new("board", "Raspberry Pi 5 Model B Rev 1.0");
    for (settings, board) in [
        (&*shipped, "\n[board]\nfile = \"pi5\"\n"),
        ("[web]\nlisten = \"0.0.0.0:80\"\n", "\n[board]\nfile = \"pi5\"\n"),
        ("[ board ]\n[web]\n", "[ board ]\nfile = \"pi5\"\n[web]\n"),
        ("board.file = \"generic\"\n[web]\n", "board.file = \"generic\"\n[web]\n"),
        ("board = { file = \"generic\" }\n[web]\n", "board = { file = \"generic\" }\n[web]\n"),
        ("[board]\nfile = \"pi4\"\n", "[board]\nfile = \"pi4\"\n"),
    ] {
        card.put("owner/hold-slayer.toml", settings);
        card.start();
        let taken = card.read("settings/hold-slayer.toml");
        assert!(taken.contains(board), "{settings}: {taken}");
        assert_eq!(taken.matches("board").count(), settings.matches("board").count().max(1), "{taken}");
    }
    let told = card.read("owner/PROBLEM.txt");
    assert!(told.contains("\"pi4\" under [board], but this is a Raspberry Pi 5"), "{told}");
}

#[test]
fn the_card_is_the_one_that_was_started_and_no_other_like_it() {
    let folder = folder("disks");
    let sys = folder.join("sys/class/block");
    let init = std::fs::read_to_string("image/init").unwrap();
    let begin = init.find("device() {").unwrap();
    let end = begin + init[begin..].find("\n}\n").unwrap() + 3;
    let function = init[begin..end].replace("/sys/class/block", sys.to_str().unwrap());
    let disks = |names: &[&str]| {
        let _ = std::fs::remove_dir_all(&sys);
        for name in names {
            for (number, id) in [(1, "484f4c44-01"), (5, "484f4c44-05"), (6, "0badcafe-06")] {
                std::fs::create_dir_all(sys.join(format!("{name}{number}"))).unwrap();
                std::fs::write(
                    sys.join(format!("{name}{number}/uevent")),
                    format!("PARTN={number}\nPARTUUID={id}\n"),
                )
                .unwrap();
            }
        }
    };
    let found = |number: u32, way: &str, patience: &str| {
        let script = format!("card=484f4c44 way={way}\n{function}\ndevice {number} {patience} || echo none");
        asked("sh", &["-c", &script])
    };
    // The slot for cards goes before a reader, whichever the kernel has found first.
    disks(&["sda", "mmcblk0p"]);
    assert_eq!(found(5, "", ""), "/dev/mmcblk0p5");
    assert_eq!(found(5, "1", ""), "/dev/mmcblk0p5");
    assert_eq!(found(5, "4", ""), "/dev/sda5", "the firmware has started the one in the reader");
    assert_eq!(found(6, "", "over"), "none", "somebody else's");
    // It may only not have been found yet.
    disks(&["sda"]);
    assert_eq!(found(5, "", ""), "none");
    assert_eq!(found(5, "1", ""), "none");
    assert_eq!(found(5, "", "over"), "/dev/sda5");
    assert_eq!(found(5, "5", ""), "/dev/sda5");
    disks(&["vda"]);
    assert_eq!(found(1, "", ""), "/dev/vda1");

    // From then on it is the disk that the root is on: of two that look the same.
    let devices = folder.join("devices");
    for (disk, number) in [("mmcblk0", "179"), ("sda", "8")] {
        for partition in [1, 5, 7] {
            let at = devices.join(disk).join(format!("{disk}-{partition}"));
            std::fs::create_dir_all(&at).unwrap();
            for (class, name) in [
                ("class/block", format!("{disk}-{partition}")),
                ("dev/block", format!("{number}:{partition}")),
            ] {
                std::fs::create_dir_all(folder.join("sys").join(class)).unwrap();
                std::os::unix::fs::symlink(&at, folder.join("sys").join(class).join(name)).unwrap();
            }
        }
    }
    let ours = std::fs::read_to_string("image/card/usr/lib/hold-slayer/ours").unwrap();
    let ours = ours.replace("/sys/", &format!("{}/", folder.join("sys").display()));
    let is_ours = |partition: &str, root: &str| {
        let script = ours.replace("mountpoint -d /", &format!("echo {root}"));
        run("sh", &["-c", &script, "ours", partition]).status.success()
    };
    assert!(is_ours("mmcblk0-7", "179:5") && !is_ours("sda-7", "179:5"));
    assert!(is_ours("sda-1", "8:5") && !is_ours("mmcblk0-1", "8:5"));
    std::fs::remove_dir_all(&folder).unwrap();
    // Nothing on the card goes by the names that both have.
    let named = Command::new("grep")
        .args(["-rlE", "partuuid|PARTUUID=", "image/card", "image/slots.toml"])
        .output()
        .unwrap();
    assert_eq!(words(&named), "");
}

/// What a file under the card's units says for a key, in all its lines.
fn said(file: &str, key: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("image/card/usr/lib/systemd/system/{file}")).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

#[test]
fn an_update_that_cannot_be_confirmed_is_carried_out_all_the_same_and_the_choice_is_written_under_a_lock() {
    let (choice, writable) = ("hold-slayer-choice.service", "hold-slayer-choice-writable.service");
    let update = "hold-slayer-update.service.d/50-card.conf";
    for key in ["Requires", "Requisite", "BindsTo"] {
        assert!(said(update, key).is_empty(), "without {key} it sees for itself, and goes back");
    }
    for key in ["Wants", "After"] {
        assert_eq!(said(update, key), [choice, writable]);
    }
    // Who holds the lock and finds the one not active has the partition for itself: it is active before the other takes the lock.
    assert!(said(choice, "ExecStart").is_empty());
    assert_eq!(said(writable, "After"), [choice]);
    assert_eq!(said(writable, "Requires"), [choice]);
    assert_eq!(said(choice, "After"), ["hold-slayer-card.service"], "which makes the folder of the lock");
    for (unit, key, way) in [(choice, "ExecStop", "remount,ro"), (writable, "ExecStart", "remount,rw")] {
        let command = said(unit, key);
        let lock = ["/usr/bin/flock", "/run/hold-slayer-card/owner", "/bin/mount", "-o", way, "/boot/owner"];
        assert_eq!(command, lock);
    }
}

#[test]
fn what_a_path_starts_is_never_refused_a_start() {
    let mut paths = 0;
    for folder in ["systemd", "image/card/usr/lib/systemd/system"] {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in entries.filter(|path| path.extension().is_some_and(|kind| kind == "path")) {
            let service = std::fs::read_to_string(path.with_extension("service")).unwrap();
            assert!(service.lines().any(|line| line == "StartLimitIntervalSec=0"), "{}", path.display());
            paths += 1;
        }
    }
    assert_eq!(paths, 2);
}

#[test]
fn what_is_wrong_in_the_cards_box_txt_is_said_and_what_is_right_is_done() {
    let card = Card::new("box", "QEMU");
    let wrong = "timezone = Mars/Base\r\naddress = 192.168.1.20\r\nwifi = home\r\npassword = short\r\nssid = home\r\nWLAN: home\r\n";
    card.put("owner/box.txt", wrong);
    card.start();
    let told = card.read("owner/PROBLEM.txt");
    for word in [
        "no time zone Mars/Base",
        "192.168.1.20/24",
        "without gateway",
        "8 to 63 characters, this one has 5",
        "line 5: not understood",
        "line 6: not understood",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(card.read("run/wifi.conf"), "");
    assert!(card.read("network/10-owner.network").contains("Address=192.168.1.20/24\n"));
    // An address that is none would leave the box without any.
    for address in ["192.168.1.300/24", "192.168.1.20/255.255.255.0", "home/24"] {
        std::fs::remove_dir_all(card.0.join("network")).unwrap();
        card.put("owner/box.txt", &format!("address = {address}\ngateway = 192.168.1.1\n"));
        card.start();
        assert!(!card.0.join("network").exists(), "{address}");
        let told = card.read("owner/PROBLEM.txt");
        assert!(told.contains(address) && told.contains("the router is asked"), "{told}");
        std::fs::create_dir(card.0.join("network")).unwrap();
    }
    card.put(
        "owner/box.txt",
        "TimeZone = UTC\nwifi = H\u{f6}lle \"1\"\npassword = p\"q ss w\u{f6}rd\ncountry = uk\n\
         address = 10.0.0.20/8\ngateway = 10.0.0.1\ndns = 10.0.0.1, 9.9.9.9\n",
    );
    card.start();
    assert_eq!(card.read("run/wrong"), "");
    assert!(!card.0.join("owner/PROBLEM.txt").exists());
    assert_eq!(card.read("run/environment"), "TZ=UTC\n");
    let network = card.read("network/10-owner.network");
    assert!(
        network.ends_with("Address=10.0.0.20/8\nGateway=10.0.0.1\nDNS=10.0.0.1\nDNS=9.9.9.9\n"),
        "{network}"
    );
    let wifi = card.read("run/wifi.conf");
    assert!(wifi.contains("country=GB\n") && wifi.contains("ssid=48c3b66c6c6520223122\n"), "{wifi}");
    assert!(wifi.contains("  psk=\"p\"q ss w\u{f6}rd\"\n"), "its reader looks for the last quote: {wifi}");
    // In quotes, as the settings beside it want them; and a key instead of a password.
    let key = "0123456789abcdef".repeat(4);
    card.put("owner/box.txt", &format!("wifi = \"My Net\"\npassword = {key}\ncountry = Germany\n"));
    card.start();
    let wifi = card.read("run/wifi.conf");
    assert!(wifi.contains("ssid=4d79204e6574\n") && wifi.contains(&format!("  psk={key}\n")), "{wifi}");
    assert!(!wifi.contains("country"), "{wifi}");
    assert!(card.read("owner/PROBLEM.txt").contains("GERMANY is none"));
}
