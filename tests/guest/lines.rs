//! A chip that the kernel simulates (gpio-sim), with the button and the lamp as on a Pi, and a button that is an input device.

use evdev::uinput::VirtualDevice;
use evdev::{AttributeSet, EventType, InputEvent, KeyCode};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CONFIG: &str = "/sys/kernel/config/gpio-sim/pi";
/// Button, lamp, hook, dial and bell.
const LINES: [u8; 5] = [17, 27, 22, 23, 24];
/// What the lamp shows, told from its flashes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Idle,
    Fault,
    NoTrunk,
    Update,
    InCall,
    Holding,
    /// Holding, and so many quarters of the usual wait have begun.
    Quarter(u8),
    Ringing,
    Person,
}

impl Shown {
    /// How long one look takes: two rounds and more of the pattern.
    fn look(self) -> Duration {
        Duration::from_secs(match self {
            Self::Idle => 11,
            Self::NoTrunk | Self::Fault | Self::Update => 7,
            Self::Holding | Self::Quarter(_) | Self::Ringing => 7,
            Self::InCall | Self::Person => 3,
        })
    }
}

/// The chip; it goes with its drop, whoever uses it.
pub struct Chip {
    name: String,
    sysfs: PathBuf,
}

impl Chip {
    pub fn new() -> Self {
        Self::with("gpio-sim", true)
    }

    /// The chip of a Pi 5 as mainline's kernel has it: its label is known, and no line has a name.
    pub fn without_names() -> Self {
        Self::with("pinctrl-rp1", false)
    }

    fn with(label: &str, named: bool) -> Self {
        let bank = format!("{CONFIG}/bank0");
        fs::create_dir(CONFIG).unwrap();
        fs::create_dir(&bank).unwrap();
        fs::write(format!("{bank}/num_lines"), "54").unwrap();
        fs::write(format!("{bank}/label"), label).unwrap();
        for line in LINES.into_iter().filter(|_| named) {
            fs::create_dir(format!("{bank}/line{line}")).unwrap();
            fs::write(format!("{bank}/line{line}/name"), format!("GPIO{line}")).unwrap();
        }
        fs::write(format!("{CONFIG}/live"), "1").unwrap();
        let read = |path: String| fs::read_to_string(path).unwrap().trim().to_owned();
        let name = read(format!("{bank}/chip_name"));
        let device = read(format!("{CONFIG}/dev_name"));
        let chip = Self { sysfs: Path::new("/sys/devices/platform").join(device).join(&name), name };
        // Whoever is late in udev has not set its group yet.
        let begun = Instant::now();
        while !fs::metadata(chip.device()).is_ok_and(|file| std::os::unix::fs::MetadataExt::gid(&file) != 0) {
            assert!(begun.elapsed() < Duration::from_secs(30), "udev gives the chip no group");
            std::thread::sleep(Duration::from_millis(10));
        }
        chip.release();
        chip.put_down();
        fs::write(chip.sysfs.join("sim_gpio23/pull"), "pull-up").unwrap();
        chip
    }

    pub fn device(&self) -> PathBuf {
        Path::new("/dev").join(&self.name)
    }

    /// Who has the line.
    pub fn user(&self, line: &str) -> String {
        let chip = gpiocdev::Chip::from_path(self.device()).unwrap();
        chip.find_line_info(line).unwrap().consumer
    }

    /// Takes the line before the box can.
    pub fn take(&self, line: &str, consumer: &str) -> gpiocdev::Request {
        let offset = gpiocdev::Chip::from_path(self.device()).unwrap().find_line_info(line).unwrap().offset;
        let mut request = gpiocdev::Request::builder();
        request.on_chip(self.device()).with_consumer(consumer).with_line(offset).as_input();
        request.request().unwrap()
    }

    // ---- the button ----

    pub fn press(&self) {
        fs::write(self.sysfs.join("sim_gpio17/pull"), "pull-down").unwrap();
    }

    pub fn release(&self) {
        fs::write(self.sysfs.join("sim_gpio17/pull"), "pull-up").unwrap();
    }

    /// Shorter than any press. False: this machine was too slow for that.
    pub fn bounce(&self) -> bool {
        let begun = Instant::now();
        self.press();
        self.release();
        begun.elapsed() < Duration::from_millis(5)
    }

    /// A press; with contacts that bounce at both ends.
    pub fn press_for(&self, long: Duration, bouncing: bool) {
        let bounces = if bouncing { 5 } else { 0 };
        for _ in 0..bounces {
            self.press();
            self.release();
        }
        self.press();
        std::thread::sleep(long);
        for _ in 0..bounces {
            self.release();
            self.press();
        }
        self.release();
    }

    /// Who has the line of this place on the chip.
    pub fn user_at(&self, offset: u32) -> String {
        gpiocdev::Chip::from_path(self.device()).unwrap().line_info(offset).unwrap().consumer
    }

    // ---- the handset ----

    /// Dials a number on the pulse contact: ten pulses a second, three fifths of each closed. False: this machine was too slow for that.
    pub fn pulse(&self, number: &str) -> bool {
        let mut in_time = true;
        let contact = |closed| {
            let pull = if closed { "pull-down" } else { "pull-up" };
            fs::write(self.sysfs.join("sim_gpio23/pull"), pull).unwrap();
        };
        for digit in number.chars() {
            let pulses = digit.to_digit(10).filter(|digit| *digit > 0).unwrap_or(10);
            for _ in 0..pulses {
                let mut turn = |closed, ms| {
                    let begun = Instant::now();
                    contact(closed);
                    std::thread::sleep(Duration::from_millis(ms));
                    in_time &= begun.elapsed() < Duration::from_millis(ms + 40);
                };
                turn(true, 60);
                turn(false, 40);
            }
            std::thread::sleep(Duration::from_millis(800));
        }
        in_time
    }

    pub fn lift(&self) {
        fs::write(self.sysfs.join("sim_gpio22/pull"), "pull-down").unwrap();
    }

    pub fn put_down(&self) {
        fs::write(self.sysfs.join("sim_gpio22/pull"), "pull-up").unwrap();
    }

    /// The bell's line, now.
    pub fn bell_is_on(&self) -> bool {
        fs::read_to_string(self.sysfs.join("sim_gpio24/value")).unwrap().trim() == "1"
    }

    // ---- the lamp ----

    fn is_lit(&self) -> bool {
        fs::read_to_string(self.sysfs.join("sim_gpio27/value")).unwrap().trim() == "1"
    }

    pub fn is_dark_for(&self, long: Duration) -> bool {
        self.stays(false, long)
    }

    pub fn is_lit_for(&self, long: Duration) -> bool {
        self.stays(true, long)
    }

    fn stays(&self, lit: bool, long: Duration) -> bool {
        let begun = Instant::now();
        while self.is_lit() == lit {
            if begun.elapsed() >= long {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }

    /// Stretches of light and dark, whole ones.
    fn stretches(&self, long: Duration) -> Vec<(bool, Duration)> {
        let begun = Instant::now();
        let mut seen: Vec<(bool, Duration)> = Vec::new();
        let (mut lit, mut since) = (self.is_lit(), begun);
        while begun.elapsed() < long {
            std::thread::sleep(Duration::from_millis(2));
            let new = self.is_lit();
            if new != lit {
                seen.push((lit, since.elapsed()));
                (lit, since) = (new, Instant::now());
            }
        }
        // The first had begun before.
        seen.into_iter().skip(1).collect()
    }

    /// Faster than any pattern.
    pub fn flickers(&self) -> bool {
        let seen = self.stretches(Duration::from_secs(3));
        let short = seen.iter().filter(|(_, long)| *long < Duration::from_millis(90)).count();
        // Nothing else has more than a few.
        short > 20
    }

    /// Whether the lamp comes to show this: a change of state may take a moment.
    pub fn shows(&self, wanted: Shown) -> bool {
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen = self.stretches(wanted.look());
            if shown(&seen, self.is_lit()) == Some(wanted) {
                return true;
            }
        }
        eprintln!("{wanted:?} is not what the lamp shows: {seen:?}");
        false
    }
}

/// The pattern of whole stretches, by what tells them apart: lengths are those of a machine that is interpreted.
fn shown(seen: &[(bool, Duration)], lit: bool) -> Option<Shown> {
    if seen.is_empty() {
        return lit.then_some(Shown::InCall);
    }
    let longest = seen.iter().filter(|(lit, _)| !lit).map(|(_, long)| *long).max()?;
    if longest > Duration::from_secs(3) {
        return Some(Shown::Idle);
    }
    // A round is what lies between two of the longest pauses.
    let pause = |(lit, long): &(bool, Duration)| !lit && *long > longest * 2 / 3;
    let flashes: Vec<Duration> = seen
        .iter()
        .skip_while(|stretch| !pause(stretch))
        .skip(1)
        .take_while(|stretch| !pause(stretch))
        .filter(|(lit, _)| *lit)
        .map(|(_, long)| *long)
        .collect();
    match (flashes.len(), flashes.first()?.as_millis(), longest.as_millis()) {
        (3, ..250, 900..) => Some(Shown::Fault),
        (2, ..250, 1_000..) => Some(Shown::NoTrunk),
        // Rounds of two seconds: the light's share says the quarter.
        (1, 150..400, 1_600..1_900) => Some(Shown::Quarter(1)),
        (1, 600..900, 1_100..1_400) => Some(Shown::Quarter(2)),
        (1, 1_100..1_400, 600..900) => Some(Shown::Quarter(3)),
        (1, 1_600..1_900, 150..400) => Some(Shown::Quarter(4)),
        (2, 250..550, 600..) => Some(Shown::Ringing),
        (2, 550..900, 800..) => Some(Shown::Update),
        (1, 900..1_100, 900..1_100) => Some(Shown::Holding),
        (1, ..300, ..500) => Some(Shown::Person),
        _ => None,
    }
}

impl Drop for Chip {
    fn drop(&mut self) {
        let _ = fs::write(format!("{CONFIG}/live"), "0");
        let lines = LINES.map(|line| format!("bank0/line{line}"));
        for folder in lines.iter().map(String::as_str).chain(["bank0", ""]) {
            let _ = fs::remove_dir(Path::new(CONFIG).join(folder));
        }
    }
}

/// What a keypad has, and how the kernel calls it.
const PAD: [(char, KeyCode); 12] = [
    ('0', KeyCode::KEY_KP0),
    ('1', KeyCode::KEY_KP1),
    ('2', KeyCode::KEY_KP2),
    ('3', KeyCode::KEY_KP3),
    ('4', KeyCode::KEY_KP4),
    ('5', KeyCode::KEY_KP5),
    ('6', KeyCode::KEY_KP6),
    ('7', KeyCode::KEY_KP7),
    ('8', KeyCode::KEY_KP8),
    ('9', KeyCode::KEY_KP9),
    ('*', KeyCode::KEY_KPASTERISK),
    ('#', KeyCode::KEY_KPENTER),
];

/// A button as the kernel's driver of keys shows it.
pub struct Key(VirtualDevice);

impl Key {
    pub fn new(name: &str) -> Self {
        let keys: AttributeSet<KeyCode> = [KeyCode::KEY_PROG1].into_iter().collect();
        Self(VirtualDevice::builder().unwrap().name(name).with_keys(&keys).unwrap().build().unwrap())
    }

    /// The keys of a telephone.
    pub fn pad(name: &str) -> Self {
        let keys: AttributeSet<KeyCode> = PAD.iter().map(|(_, key)| *key).collect();
        Self(VirtualDevice::builder().unwrap().name(name).with_keys(&keys).unwrap().build().unwrap())
    }

    /// Types on them.
    pub fn type_in(&mut self, text: &str) {
        for sign in text.chars() {
            let (_, code) = PAD.iter().find(|(key, _)| *key == sign).unwrap();
            for value in [1, 0] {
                self.0.emit(&[InputEvent::new(EventType::KEY.0, code.0, value)]).unwrap();
            }
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    pub fn press_for(&mut self, long: Duration) {
        let key = |value| InputEvent::new(EventType::KEY.0, KeyCode::KEY_PROG1.0, value);
        self.0.emit(&[key(1)]).unwrap();
        std::thread::sleep(long);
        self.0.emit(&[key(0)]).unwrap();
    }
}

/// A USB telephone, as the kernel's driver for such things in user space makes one: its digits are keys, its hook is a bit of a
/// raw report.
pub struct Telephone(fs::File);

impl Telephone {
    pub fn new(name: &str) -> Self {
        // Twelve keys (page Telephony), then the hook switch, and three bits of filler.
        const DESCRIPTION: [u8; 34] = [
            0x05, 0x0B, 0x09, 0x01, 0xA1, 0x01, 0x15, 0x00, 0x25, 0x01, 0x19, 0xB0, 0x29, 0xBB, 0x75, 0x01,
            0x95, 0x0C, 0x81, 0x02, 0x0B, 0x20, 0x00, 0x0B, 0x00, 0x95, 0x01, 0x81, 0x02, 0x95, 0x03, 0x81,
            0x01, 0xC0,
        ];
        // struct uhid_create2_req of <linux/uhid.h>, after its kind, UHID_CREATE2.
        let mut request = 11_u32.to_ne_bytes().to_vec();
        let mut text = |text: &str, room: usize| {
            request.extend(text.as_bytes());
            request.resize(request.len() + room - text.len(), 0);
        };
        text(name, 128);
        text("", 64);
        text("", 64);
        request.extend((DESCRIPTION.len() as u16).to_ne_bytes());
        request.extend(3_u16.to_ne_bytes()); // BUS_USB
        for number in [0x1234_u32, 0x5678, 1, 0] {
            request.extend(number.to_ne_bytes());
        }
        request.extend(DESCRIPTION);
        request.resize(request.len() + 4096 - DESCRIPTION.len(), 0);
        let mut file = fs::OpenOptions::new().read(true).write(true).open("/dev/uhid").unwrap();
        std::io::Write::write_all(&mut file, &request).unwrap();
        Self(file)
    }

    /// Its raw device, once the kernel has made it.
    pub fn raw(&self, name: &str) -> Option<PathBuf> {
        let entries = fs::read_dir("/sys/class/hidraw").ok()?.flatten();
        let mut named = entries.filter(|entry| {
            let about = fs::read_to_string(entry.path().join("device/uevent")).unwrap_or_default();
            about.contains(&format!("HID_NAME={name}\n"))
        });
        named.next().map(|entry| Path::new("/dev").join(entry.file_name()))
    }

    /// Lifts it, or puts it down.
    pub fn hook(&mut self, lifted: bool) {
        // struct uhid_input2_req, after UHID_INPUT2.
        let mut request = 12_u32.to_ne_bytes().to_vec();
        request.extend(2_u16.to_ne_bytes());
        request.extend([0, if lifted { 0x10 } else { 0 }]);
        std::io::Write::write_all(&mut self.0, &request).unwrap();
    }
}
