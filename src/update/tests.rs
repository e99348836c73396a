//! Bundles that were signed by minisign itself, with files for partitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use core::time::Duration;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const KEY: &str = include_str!("../../tests/box/update/key.pub");

struct Card {
    dir: PathBuf,
    slots: Slots,
    folder: Folder,
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Card {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("hold-slayer-card-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("data")).unwrap();
        fs::write(dir.join("autoboot"), "[all]\nboot_partition=2\n# good=2\n").unwrap();
        let place = |slot: &str, partition| {
            let (boot, root) = (dir.join(format!("boot-{slot}")), dir.join(format!("root-{slot}")));
            File::create(&boot).unwrap().set_len(2 << 20).unwrap();
            File::create(&root).unwrap().set_len(41 << 20).unwrap();
            Place { partition, boot, root }
        };
        let slots = Slots {
            board: "pi".into(),
            key: KEY.lines().nth(1).unwrap().into(),
            autoboot: dir.join("autoboot"),
            reboot: vec!["touch".to_owned(), dir.join("rebooted").display().to_string()],
            active: Vec::new(),
            system: dir.join("system"),
            pace: Pace { rest_ms: 0, look_ms: 1, ask_ms: 1, trial_ms: 20, fall_ms: 20 },
            a: place("a", 2),
            b: place("b", 3),
        };
        let card = Self { folder: Folder::of(&dir.join("data")), dir, slots };
        card.boots();
        card
    }

    fn autoboot(&self) -> String {
        fs::read_to_string(&self.slots.autoboot).unwrap()
    }

    /// What the firmware and the first program do at a start.
    fn boots(&self) {
        let text = self.autoboot();
        let root = if text.contains("boot_partition=2") { "root-a" } else { "root-b" };
        let good = text.chars().nth_back(1).unwrap();
        fs::write(&self.slots.autoboot, format!("[all]\nboot_partition={good}\n# good={good}\n")).unwrap();
        let _ = fs::remove_file(&self.slots.system);
        symlink(self.dir.join(root), &self.slots.system).unwrap();
        let _ = fs::remove_file(self.dir.join("rebooted"));
    }

    fn bring(&self, bytes: &[u8], older: bool) -> Result<Manifest, Refusal> {
        let mut incoming = self.folder.receive(bytes.len() as u64)?;
        incoming.write_all(bytes).unwrap();
        self.folder.stage(&self.slots, older)
    }

    fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// Beside a box that says that nobody calls.
    fn carry_out(&self, sign: &Sign) -> Result<(), String> {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = self.folder.tell_quiet(true);
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
            let _ = self.folder.tell_quiet(true);
            let carried = carry_out(&self.folder, &self.slots, &|| sign.clone(), &|_| {});
            over.store(true, Ordering::Relaxed);
            carried
        })
    }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + (at >> 8)) as u8).take(65_536).cycle().take(bytes).collect()
}

fn bundle(manifest: &str, signature: &str) -> Vec<u8> {
    let head = format!("hold-slayer update 1 {} {}\n{manifest}{signature}", manifest.len(), signature.len());
    [head.into_bytes(), content((1 << 20) + 3), content((40 << 20) + 5)].concat()
}

macro_rules! signed {
    ($name:literal) => {
        bundle(
            include_str!(concat!("../../tests/box/update/", $name, ".json")),
            include_str!(concat!("../../tests/box/update/", $name, ".json.minisig")),
        )
    };
}

#[test]
fn only_what_is_whole_signed_newer_and_for_this_board_is_taken() {
    let card = Card::new();
    let good = signed!("good");
    let manifest = include_str!("../../tests/box/update/good.json");
    let signature = include_str!("../../tests/box/update/good.json.minisig");
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let forged = manifest.replace("9.0.0", "9.0.1");
    let cases: [(Vec<u8>, &str); 12] = [
        (b"hello, I am no update".to_vec(), "is no update"),
        (Vec::new(), "is no update"),
        ([b"hold-slayer update 2 1 1\n".as_slice(), &good].concat(), "newer Hold Slayer"),
        (b"hold-slayer update 1 99999999 10\n".to_vec(), "damaged"),
        (bundle(&forged, signature), "not signed by who made this box"),
        (bundle(manifest, include_str!("../../tests/box/update/stranger.minisig")), "not signed by"),
        (bundle(manifest, "nonsense"), "not signed by"),
        (signed!("other-board"), "for toaster, and this is pi"),
        (signed!("later"), "newer Hold Slayer"),
        (good[..good.len() - 1].to_vec(), "cut short"),
        ([good.as_slice(), b"x"].concat(), "damaged"),
        (signed!("old"), "version 0.0.1, older than"),
    ];
    for (bytes, why) in cases {
        let refusal = card.bring(&bytes, false).unwrap_err().to_string();
        assert!(refusal.contains(why), "{why}: {refusal}");
    }
    for at in [600, 600 + (1 << 20), good.len() - 1] {
        assert!(matches!(card.bring(&changed(at), false), Err(Refusal::Damaged)), "{at}");
    }
    File::options().write(true).open(&card.slots.b.root).unwrap().set_len(40 << 20).unwrap();
    assert!(matches!(card.bring(&good, false), Err(Refusal::TooLarge)));
    assert!(!card.folder.has_bundle() && !card.has("data/update/incoming"), "nothing is left of them");
    File::options().write(true).open(&card.slots.b.root).unwrap().set_len(41 << 20).unwrap();
    assert_eq!(card.bring(&signed!("old"), true).unwrap().version.to_string(), "0.0.1");
    assert!(card.has("data/update/older"));
    assert_eq!(card.bring(&good, false).unwrap().version.to_string(), "9.0.0");
    assert!(card.folder.has_bundle() && !card.has("data/update/older"));
}

fn at_home() -> Standing {
    let home = vec!["home".to_owned()];
    Standing { lines: home.clone(), names: home, history: History::Kept, newest_call: Some(3) }
}

fn home() -> Sign {
    Sign::Well(at_home())
}

#[test]
fn the_other_slot_is_written_tried_and_confirmed() {
    let card = Card::new();
    card.bring(&signed!("good"), false).unwrap();
    card.carry_out(&home()).unwrap();
    let version: Version = "9.0.0".parse().unwrap();
    assert_eq!(card.folder.kept(), Kept::Trying { version, to: Slot::B, was: at_home(), unexplained: 0 });
    assert!(card.has("rebooted") && !card.folder.has_bundle());
    let written = |path: &Path, bytes| fs::read(path).unwrap()[..bytes] == content(bytes);
    assert!(written(&card.slots.b.boot, (1 << 20) + 3) && written(&card.slots.b.root, (40 << 20) + 5));
    let untouched = |path: &Path| fs::read(path).unwrap().iter().all(|byte| *byte == 0);
    assert!(untouched(&card.slots.a.boot) && untouched(&card.slots.a.root));
    assert_eq!(card.autoboot(), "[all]\nboot_partition=3\n# good=2\n");
    assert!(!card.folder.is_under_way(&card.slots), "not here");
    card.boots();
    assert_eq!(card.slots.running(), Ok(Slot::B));
    assert!(card.folder.is_under_way(&card.slots));
    assert!(
        matches!(card.bring(&signed!("good"), true), Err(Refusal::Busy)),
        "first it is seen whether this does"
    );
    card.carry_out(&home()).unwrap();
    assert_eq!(card.folder.kept(), Kept::Good { version });
    assert_eq!(card.autoboot(), "[all]\nboot_partition=3\n# good=3\n");
    // The stick is still there.
    assert!(matches!(card.bring(&signed!("good"), false), Err(Refusal::NotNewer { .. })));
    // Nothing more is to be done, and it boots again.
    card.carry_out(&Sign::Gone).unwrap();
    assert!(!card.has("rebooted"));
    card.boots();
    assert_eq!(card.slots.running(), Ok(Slot::B));
}

#[test]
fn what_does_not_do_well_or_start_leaves_the_old_one_and_is_not_tried_again() {
    let fell = |card: &Card, why: &str| {
        let kept = card.folder.kept();
        assert!(matches!(&kept, Kept::FellBack { why: told, .. } if told.contains(why)), "{kept:?}");
    };
    let card = Card::new();
    for (n, (sign, why)) in [
        (Sign::Silent, "did not answer"),
        (Sign::Gone, "did not run"),
        (Sign::Well(Standing { lines: Vec::new(), ..at_home() }), "line home"),
        (Sign::Well(Standing { history: History::Missing, ..at_home() }), "could not open the history"),
    ]
    .into_iter()
    .enumerate()
    {
        card.bring(&signed!("good"), n > 0).unwrap();
        card.carry_out(&home()).unwrap();
        card.boots();
        card.carry_out(&sign).unwrap();
        assert!(card.has("rebooted"));
        fell(&card, why);
        card.boots();
        assert_eq!(card.slots.running(), Ok(Slot::A));
        // A stick that is left in the box brings it at every start.
        assert!(matches!(card.bring(&signed!("good"), false), Err(Refusal::FellBack(_))));
        assert_eq!(card.autoboot(), "[all]\nboot_partition=2\n# good=2\n");
    }
    assert_eq!(fs::read_to_string(card.dir.join("data/update/fell-back")).unwrap(), "9.0.0\n");
    // One whose program cannot be started: its system says so, and goes back.
    card.bring(&signed!("good"), true).unwrap();
    card.carry_out(&home()).unwrap();
    card.boots();
    fs::write(card.dir.join("data/update/lame"), b"").unwrap();
    card.boots();
    card.carry_out(&home()).unwrap();
    fell(&card, "program did not start");
    assert!(!card.has("data/update/lame") && !card.has("rebooted"));
}

#[test]
fn an_end_that_nobody_explains_is_tried_once_more() {
    let card = Card::new();
    let tried = |card: &Card| {
        card.carry_out(&home()).unwrap();
        assert!(card.has("rebooted"));
        card.boots();
        assert_eq!(card.slots.running(), Ok(Slot::B));
    };
    // The power goes in the trial: its first program has turned the choice back. It does not the second time.
    card.bring(&signed!("good"), false).unwrap();
    tried(&card);
    card.boots();
    assert_eq!(card.slots.running(), Ok(Slot::A));
    tried(&card);
    card.carry_out(&home()).unwrap();
    assert!(matches!(card.folder.kept(), Kept::Good { .. }) && !card.has("data/update/fell-back"));
    // Or it goes both times, or there is no system that starts.
    let card = Card::new();
    card.bring(&signed!("good"), false).unwrap();
    for _ in 0..2 {
        tried(&card);
        card.boots();
    }
    card.carry_out(&home()).unwrap();
    let kept = card.folder.kept();
    assert!(matches!(&kept, Kept::FellBack { why, .. } if why.contains("and that twice")), "{kept:?}");
    assert!(!card.has("rebooted"));
    assert!(matches!(card.bring(&signed!("good"), false), Err(Refusal::FellBack(_))));
}

#[test]
fn what_waits_can_be_withdrawn_until_it_is_started() {
    let card = Card::new();
    assert!(!card.folder.withdraw());
    card.bring(&signed!("good"), true).unwrap();
    assert!(card.folder.withdraw() && !card.folder.has_bundle() && !card.has("data/update/older"));
    card.carry_out(&home()).unwrap();
    assert_eq!(card.folder.kept(), Kept::Nothing);
    // While it is being written, and another one comes in its place.
    card.bring(&signed!("good"), false).unwrap();
    let _ = card.folder.tell_quiet(false);
    std::thread::scope(|scope| {
        let (told, tells) = std::sync::mpsc::channel();
        let (folder, slots) = (&card.folder, &card.slots);
        let root =
            scope.spawn(move || carry_out(folder, slots, &home, &|words| drop(told.send(words.to_owned()))));
        assert!(tells.recv().unwrap().contains("is being written"));
        assert!(matches!(card.bring(&signed!("old"), true), Err(Refusal::Busy)));
        assert!(card.folder.withdraw());
        card.bring(&signed!("old"), true).unwrap();
        root.join().unwrap().unwrap();
    });
    let kept = card.folder.kept();
    assert!(matches!(&kept, Kept::Refused { why } if why.contains("withdrawn")), "{kept:?}");
    assert!(!card.has("rebooted") && card.folder.has_bundle(), "the other one waits");
    // It is that one's turn, and what is started is not withdrawn any more.
    card.carry_out(&home()).unwrap();
    assert!(card.has("rebooted") && !card.folder.withdraw());
    assert!(matches!(card.folder.kept(), Kept::Trying { version, .. } if version.to_string() == "0.0.1"));
}

#[test]
fn the_box_is_told_by_change_and_says_anew_what_was_taken_away() {
    let card = Card::new();
    card.folder.tidy().unwrap();
    let mut desk = Desk::new(card.folder.clone(), card.slots.clone()).unwrap();
    let at = |seconds| crate::units::Instant::ZERO + Duration::from_secs(seconds);
    desk.look(at(1), true).unwrap();
    assert!(!card.has("data/update/quiet"));
    desk.look(at(2), false).unwrap();
    assert!(card.has("data/update/quiet") && !card.has("data/update/ready"));
    card.bring(&signed!("good"), false).unwrap();
    assert!(!desk.changed() && !desk.is_under_way());
    desk.look(at(3), false).unwrap();
    assert!(card.has("data/update/ready"));
    // Root asks for a fresh word, while a call is up.
    fs::remove_file(card.dir.join("data/update/quiet")).unwrap();
    assert!(!desk.changed());
    desk.look(at(4), true).unwrap();
    assert!(!card.has("data/update/quiet") && !card.has("data/update/ready"));
    desk.look(at(5), false).unwrap();
    let version: Version = "9.0.0".parse().unwrap();
    card.folder.keep(&Kept::Writing { version }).unwrap();
    assert!(!desk.changed() && desk.is_under_way());
    card.folder.withdraw();
    assert!(!desk.changed() && !desk.is_under_way());
    // One that is found good is told once.
    card.folder.keep(&Kept::Good { version }).unwrap();
    assert!(desk.changed() && !desk.changed() && !desk.is_under_way());
}

#[test]
fn a_boot_that_fails_or_a_choice_that_cannot_be_read_changes_nothing() {
    let mut card = Card::new();
    let whole = core::mem::replace(&mut card.slots.reboot, vec!["false".into()]);
    card.bring(&signed!("good"), false).unwrap();
    card.carry_out(&home()).unwrap();
    let kept = card.folder.kept();
    assert!(matches!(&kept, Kept::Refused { why } if why.contains("could not be started")), "{kept:?}");
    assert_eq!(card.autoboot(), "[all]\nboot_partition=2\n# good=2\n", "nor at the next start");
    card.slots.reboot = whole;
    // Somebody has changed the file.
    fs::write(&card.slots.autoboot, "boot_partition=2\n").unwrap();
    card.bring(&signed!("good"), true).unwrap();
    card.carry_out(&home()).unwrap();
    let kept = card.folder.kept();
    assert!(matches!(&kept, Kept::Refused { why } if why.contains("not as the image made it")), "{kept:?}");
    assert!(!card.has("rebooted"));
    // A new system that cannot be confirmed for that goes back, and is not there for ever.
    fs::write(&card.slots.autoboot, "[all]\nboot_partition=2\n# good=2\n").unwrap();
    card.bring(&signed!("good"), true).unwrap();
    card.carry_out(&home()).unwrap();
    card.boots();
    fs::write(&card.slots.autoboot, "boot_partition=2\n").unwrap();
    card.carry_out(&home()).unwrap();
    let kept = card.folder.kept();
    assert!(matches!(&kept, Kept::FellBack { why, .. } if why.contains("could not be kept")), "{kept:?}");
    assert!(card.has("rebooted"));
}

#[test]
fn root_believes_nothing_that_was_changed_after_it_was_taken() {
    let card = Card::new();
    card.bring(&signed!("good"), false).unwrap();
    let bundle = card.dir.join("data/update/bundle");
    let mut bytes = fs::read(&bundle).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    card.carry_out(&home()).unwrap();
    let kept = card.folder.kept();
    assert!(matches!(&kept, Kept::Refused { why } if why.contains("damaged")), "{kept:?}");
    assert!(!card.has("rebooted") && !card.folder.has_bundle());
    // A link to a good one elsewhere is none, nor is a link in the folder's place.
    let elsewhere = card.dir.join("elsewhere");
    fs::write(&elsewhere, signed!("good")).unwrap();
    symlink(&elsewhere, &bundle).unwrap();
    card.carry_out(&home()).unwrap();
    assert!(matches!(card.folder.kept(), Kept::Refused { .. }) && !card.has("rebooted"));
    fs::rename(card.dir.join("data/update"), card.dir.join("aside")).unwrap();
    symlink(card.dir.join("aside"), card.dir.join("data/update")).unwrap();
    assert!(card.carry_out(&home()).is_err());
}

#[test]
fn one_brings_an_update_at_a_time_and_a_power_cut_leaves_no_part() {
    let card = Card::new();
    let first = card.folder.receive(10).unwrap();
    assert!(matches!(card.folder.receive(10), Err(Refusal::Busy)));
    card.folder.tidy().unwrap();
    assert!(card.has("data/update/incoming"), "somebody still brings it");
    drop(first);
    card.folder.tidy().unwrap();
    assert!(!card.has("data/update/incoming"));
    let huge = crate::limits::UPDATE_BYTES * 2;
    assert!(matches!(card.folder.receive(huge), Err(Refusal::TooLarge)));
}
