//! The card in a machine of QEMU's: `-M virt`, whose firmware this test is. As a Pi's it reads from the card at each start which
//! partition boots, takes kernel, first file system and command line from there, and says which one that was.

use crate::place::Place;
use crate::process::{Process, until, wait};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
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
/// The boot partitions of both slots, by number.
const BOOTS: [(u8, &str); 2] = [(2, "@@65M"), (3, "@@161M")];

/// Prints on the console every few seconds how much memory and room are left: a unit that only this machine is given.
const LOOK: &str = "[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=tty\nTTYPath=/dev/ttyAMA0\n\
    ExecStart=/bin/sh -c 'while sleep 15; do grep -E \"^(MemTotal|MemAvailable|Cached)\" /proc/meminfo; \
    echo rss $(sed -n \"s/^VmRSS://p\" /proc/$(systemctl show --value -p MainPID hold-slayer)/status); df -k / /data | tail -n 2; \
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

/// The smallest card that image/README.md names, in the makers' bytes.
const SMALLEST: u64 = 2_000_000_000;

/// A card as it is flashed: a copy of the image on the smallest card, with the owner's files.
pub struct Card {
    pub file: PathBuf,
    boot: PathBuf,
}

impl Card {
    pub fn flash(place: &Place, files: &[(&str, &str)]) -> Self {
        let (file, boot) = (place.path("card.img"), place.folder("boot"));
        run(Command::new("cp").arg("--sparse=always").arg(std::env::var("IMAGE_CARD").unwrap()).arg(&file));
        std::fs::File::options().write(true).open(&file).unwrap().set_len(SMALLEST).unwrap();
        let card = Self { file, boot };
        files.iter().for_each(|(name, text)| card.put(place, name, text));
        card
    }

    /// Writes a file to the owner's partition, as at a computer.
    pub fn put(&self, place: &Place, name: &str, text: &str) {
        let from = place.path(name);
        std::fs::write(&from, text).unwrap();
        run(part("usr/bin/mcopy").args(["-o", "-i"]).arg(self.at(OWNER)).arg(&from).arg(format!("::{name}")));
    }

    /// Writes something over all of the data partition that a new card has.
    pub fn ruin(&self) {
        let mut file = std::fs::File::options().write(true).open(&self.file).unwrap();
        file.seek(SeekFrom::Start(1028 << 20)).unwrap();
        for _ in 0..64 {
            file.write_all(&[0xa5; 1 << 20]).unwrap();
        }
    }

    /// What the firmware starts next, and what it starts whatever happens: numbers of partitions.
    pub fn choice(&self) -> (u8, u8) {
        let text = self.owners("autoboot.txt").unwrap();
        let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.parse().ok());
        (of("boot_partition=").unwrap(), of("# good=").unwrap())
    }

    /// The firmware's part of a start; which partition it boots.
    fn boots(&self) -> u8 {
        let (partition, _) = self.choice();
        let (_, at) = BOOTS.into_iter().find(|(number, _)| *number == partition).unwrap();
        let slot = ["::vmlinuz", "::initrd.img", "::cmdline.txt"];
        run(part("usr/bin/mcopy").args(["-n", "-o", "-i"]).arg(self.at(at)).args(slot).arg(&self.boot));
        partition
    }

    /// Whether nothing was ever written to slot B.
    pub fn second_is_empty(&self) -> bool {
        let mut file = std::fs::File::open(&self.file).unwrap();
        [161, 643].into_iter().all(|mebibytes| {
            let mut begin = vec![0; 1 << 20];
            file.seek(SeekFrom::Start(mebibytes << 20)).unwrap();
            file.read_exact(&mut begin).unwrap();
            begin.iter().all(|byte| *byte == 0)
        })
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

/// A USB stick with one file in its top folder.
pub fn stick(place: &Place, name: &str, content: &Path) -> PathBuf {
    let file = place.path(&format!("stick-{name}"));
    std::fs::File::create(&file).unwrap().set_len(400 << 20).unwrap();
    run(part("usr/sbin/mkfs.vfat").args(["-F", "32"]).arg(&file));
    run(part("usr/bin/mcopy").arg("-i").arg(&file).arg(content).arg(format!("::{name}")));
    file
}

/// The machine while its power is on; dropping it cuts the power.
pub struct Machine {
    process: Process,
    /// The card in its slot: it keeps what the machine has written only once the machine has asked it to (a flush), so that the
    /// rest is lost with the power.
    _slot: Process,
    control: PathBuf,
    console: PathBuf,
}

/// The card in its slot, at this socket.
fn slot(card: &Card, socket: &Path) -> Process {
    let _ = std::fs::remove_file(socket);
    let mut nbdkit = Command::new("nbdkit");
    nbdkit.args(["--foreground", "--filter=cache", "--unix"]).arg(socket);
    nbdkit.arg("file").arg(&card.file).arg("cache=writeback");
    let process = Process::start("nbdkit", &mut nbdkit);
    until("the card is in its slot", || socket.exists());
    process
}

impl Machine {
    /// Switches it on, with so many megabytes of memory.
    pub fn start(place: &Place, card: &Card, megabytes: u32) -> Self {
        let partition = card.boots();
        let (control, console, tree) = (place.path("qmp"), place.path("console"), place.path("tree.dtb"));
        let socket = place.path("card.socket");
        let slot = slot(card, &socket);
        let look = Base64::encode_string(LOOK.as_bytes());
        let line = std::fs::read_to_string(card.boot.join("cmdline.txt")).unwrap();
        // The machine's button is a line of its only chip; the kernel's driver of keys would take it.
        let line = format!(
            "{} console=ttyAMA0 module_blacklist=gpio_keys systemd.wants=look.service \
             systemd.set_credential_binary=systemd.extra-unit.look.service:{look}",
            line.trim()
        );
        let _ = std::fs::remove_file(&control);
        let board = |machine: String| {
            let mut qemu = part("usr/bin/qemu-system-aarch64");
            let same = [
                "-cpu",
                "cortex-a72",
                "-accel",
                "tcg,thread=multi",
                "-smp",
                "2",
                "-display",
                "none",
                "-nodefaults",
            ];
            qemu.args(same).args(["-M", &machine, "-m", &megabytes.to_string()]);
            qemu
        };
        // A Pi's firmware says in the device tree what it has booted.
        run(&mut board(format!("virt,dumpdtb={}", tree.display())));
        let word = ["-p", "-t", "u"];
        run(part("usr/bin/fdtput").args(word).arg(&tree).args([
            "/chosen/bootloader",
            "partition",
            &partition.to_string(),
        ]));
        let mut qemu = board("virt".into());
        qemu.arg("-dtb").arg(&tree);
        let parts = [
            "-no-reboot -device qemu-xhci,id=usb",
            // A Pi has no clock of its own that goes on without power.
            "-rtc base=2020-01-01T00:00:00",
            "-device virtio-blk-device,drive=card -device virtio-rng-device -device i6300esb -action watchdog=reset",
            "-netdev tap,id=net,ifname=tap0,script=no,downscript=no",
            "-device virtio-net-device,netdev=net,mac=52:54:00:77:00:02",
        ];
        qemu.args(parts.iter().flat_map(|words| words.split(' ')));
        qemu.arg("-kernel").arg(card.boot.join("vmlinuz")).arg("-initrd").arg(card.boot.join("initrd.img"));
        qemu.args(["-append", &line]);
        qemu.arg("-drive").arg(format!("file=nbd:unix:{},format=raw,if=none,id=card", socket.display()));
        qemu.arg("-serial").arg(format!("file:{}", console.display()));
        qemu.arg("-qmp").arg(format!("unix:{},server=on,wait=off", control.display()));
        let mut process = Process::start("qemu", &mut qemu);
        process.logs = vec![console.clone()];
        Self { process, _slot: slot, control, console }
    }

    /// A short press of the machine's power button: a tenth of a second.
    pub fn press(&self) {
        self.tell(&[json!({"execute": "system_powerdown"})]);
    }

    /// Puts a USB stick in.
    pub fn plug(&self, stick: &Path) {
        let drive =
            json!({"node-name": "stick", "driver": "raw", "file": {"driver": "file", "filename": stick}});
        let device = json!({"driver": "usb-storage", "drive": "stick", "bus": "usb.0"});
        self.tell(&[
            json!({"execute": "blockdev-add", "arguments": drive}),
            json!({"execute": "device_add", "arguments": device}),
        ]);
    }

    fn tell(&self, commands: &[Value]) {
        let stream = wait("QEMU's control socket", SLOW, || UnixStream::connect(&self.control).ok());
        let mut answers = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut tell = |command: &Value| {
            (&stream).write_all(command.to_string().as_bytes()).unwrap();
            loop {
                let line = answers.next().unwrap().unwrap();
                if line.contains("\"return\"") {
                    break;
                }
                assert!(!line.contains("\"error\""), "{line}");
            }
        };
        tell(&json!({"execute": "qmp_capabilities"}));
        commands.iter().for_each(tell);
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
