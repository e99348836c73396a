//! The card in a machine of QEMU's: `-M virt`, whose firmware this test is: it reads what a Pi's would from the card's boot partition.

use crate::place::Place;
use crate::process::{Process, wait};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The test's own address, and the one that its DHCP server gives to the box.
pub const HERE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub const BOX: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// A machine that is interpreted starts in a minute or two, on a busy one later.
pub const SLOW: Duration = Duration::from_secs(400);

/// The owner's partition, as mtools names a file system within a file.
const OWNER: &str = "@@1M";
/// Slot A's boot files.
const BOOT: &str = "@@65M";

/// Prints on the console every few seconds how much memory and room are left: a unit that only this machine is given.
const LOOK: &str = "[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=tty\nTTYPath=/dev/ttyAMA0\n\
    ExecStart=/bin/sh -c 'while sleep 15; do grep -E \"^(MemTotal|MemAvailable|Cached)\" /proc/meminfo; \
    echo rss $(sed -n \"s/^VmRSS://p\" /proc/$(systemctl show --value -p MainPID hold-slayer)/status); df -k / /data | tail -n 2; \
    systemd-analyze time | head -n 1; systemd-analyze critical-chain --no-pager hold-slayer.service | tail -n +5; \
    systemctl --failed --no-legend --plain; cat /run/hold-slayer-card/environment; \
    echo watchdog $(systemctl show --value -p WatchdogDevice) failed $(systemctl --failed --no-legend | wc -l) looked; done'\n";

/// A program of the builder's system, with its own libraries.
fn part(program: &str) -> Command {
    let root = PathBuf::from(std::env::var("IMAGE_PARTS").unwrap());
    let mut command = Command::new(root.join("usr/lib64/ld-linux-x86-64.so.2"));
    command.arg("--library-path").arg(root.join("usr/lib/x86_64-linux-gnu")).arg(root.join(program));
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A card as it is flashed: a copy of the image on a card of 3 GiB, with the owner's files.
pub struct Card {
    pub file: PathBuf,
    boot: PathBuf,
}

impl Card {
    pub fn flash(place: &Place, files: &[(&str, &str)]) -> Self {
        let (file, boot) = (place.path("card.img"), place.folder("boot"));
        run(Command::new("cp").arg("--sparse=always").arg(std::env::var("IMAGE_CARD").unwrap()).arg(&file));
        std::fs::File::options().write(true).open(&file).unwrap().set_len(3 << 30).unwrap();
        let card = Self { file, boot };
        for (name, text) in files {
            let from = place.path(name);
            std::fs::write(&from, text).unwrap();
            run(part("usr/bin/mcopy")
                .args(["-o", "-i"])
                .arg(card.at(OWNER))
                .arg(&from)
                .arg(format!("::{name}")));
        }
        let slot = ["::vmlinuz", "::initrd.img", "::cmdline.txt"];
        run(part("usr/bin/mcopy").arg("-i").arg(card.at(BOOT)).args(slot).arg(&card.boot));
        card
    }

    /// Writes a file to the owner's partition, as at a computer.
    pub fn put(&self, place: &Place, name: &str, text: &str) {
        let from = place.path(name);
        std::fs::write(&from, text).unwrap();
        run(part("usr/bin/mcopy").args(["-o", "-i"]).arg(self.at(OWNER)).arg(&from).arg(format!("::{name}")));
    }

    fn at(&self, partition: &str) -> String {
        format!("{}{partition}", self.file.display())
    }

    /// A file of the owner's partition, if it is there.
    pub fn owners(&self, name: &str) -> Option<String> {
        let output =
            part("usr/bin/mtype").arg("-i").arg(self.at(OWNER)).arg(format!("::{name}")).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The machine while its power is on; dropping it cuts the power.
pub struct Machine {
    process: Process,
    control: PathBuf,
    console: PathBuf,
}

impl Machine {
    /// Switches it on, with so many megabytes of memory.
    pub fn start(place: &Place, card: &Card, megabytes: u32) -> Self {
        let (control, console) = (place.path("qmp"), place.path("console"));
        let look = Base64::encode_string(LOOK.as_bytes());
        let line = std::fs::read_to_string(card.boot.join("cmdline.txt")).unwrap();
        // The machine's button is a line of its only chip; the kernel's driver of keys would take it.
        let line = format!(
            "{} console=ttyAMA0 module_blacklist=gpio_keys systemd.wants=look.service \
             systemd.set_credential_binary=systemd.extra-unit.look.service:{look}",
            line.trim()
        );
        let _ = std::fs::remove_file(&control);
        let mut qemu = part("usr/bin/qemu-system-aarch64");
        let parts = [
            "-M virt -cpu cortex-a72 -accel tcg,thread=multi -smp 2 -display none -nodefaults -no-reboot",
            // A Pi has no clock of its own that goes on without power.
            "-rtc base=2020-01-01T00:00:00",
            "-device virtio-blk-device,drive=card -device virtio-rng-device -device i6300esb -action watchdog=reset",
            "-netdev tap,id=net,ifname=tap0,script=no,downscript=no",
            "-device virtio-net-device,netdev=net,mac=52:54:00:77:00:02",
        ];
        qemu.args(parts.iter().flat_map(|words| words.split(' '))).args(["-m", &megabytes.to_string()]);
        qemu.arg("-kernel").arg(card.boot.join("vmlinuz")).arg("-initrd").arg(card.boot.join("initrd.img"));
        qemu.args(["-append", &line]);
        qemu.arg("-drive").arg(format!("file={},format=raw,if=none,id=card", card.file.display()));
        qemu.arg("-serial").arg(format!("file:{}", console.display()));
        qemu.arg("-qmp").arg(format!("unix:{},server=on,wait=off", control.display()));
        let mut process = Process::start("qemu", &mut qemu);
        process.logs = vec![console.clone()];
        Self { process, control, console }
    }

    /// A short press of the machine's power button: a tenth of a second.
    pub fn press(&self) {
        let stream = wait("QEMU's control socket", SLOW, || UnixStream::connect(&self.control).ok());
        let mut answers = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut tell = |command: Value| {
            (&stream).write_all(command.to_string().as_bytes()).unwrap();
            loop {
                let line = answers.next().unwrap().unwrap();
                if line.contains("\"return\"") {
                    break;
                }
                assert!(!line.contains("\"error\""), "{line}");
            }
        };
        tell(json!({"execute": "qmp_capabilities"}));
        tell(json!({"execute": "system_powerdown"}));
    }

    /// What came over the console so far.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.console).unwrap_or_default()).into_owned()
    }

    /// Whether it is still on.
    pub fn is_on(&mut self) -> bool {
        self.process.is_over().is_none()
    }
}

/// The file system of the data partition, taken out of the card.
pub fn data_partition(card: &Path, to: &Path) {
    let from = format!("if={}", card.display());
    let to = format!("of={}", to.display());
    run(Command::new("dd").args([&*from, &*to, "bs=1M", "skip=1028", "conv=sparse", "status=none"]));
}

/// A file system tool of the builder's system.
pub fn file_system(program: &str, arguments: &[&str]) -> (i32, String) {
    let output = part(&format!("usr/sbin/{program}")).args(arguments).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}
