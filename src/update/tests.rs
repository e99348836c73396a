//! Bundles that were signed by minisign itself, with files for partitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

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
        fs::write(dir.join("cmdline"), "quiet holdslayer.slot=a ro\n").unwrap();
        fs::write(
            dir.join("autoboot"),
            "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n",
        )
        .unwrap();
        let place = |slot: &str, partition| {
            let (boot, root) = (dir.join(format!("boot-{slot}")), dir.join(format!("root-{slot}")));
            File::create(&boot).unwrap().set_len(2 << 20).unwrap();
            File::create(&root).unwrap().set_len(41 << 20).unwrap();
            Place { partition, boot, root }
        };
        let write = |name: &str| vec!["touch".to_owned(), dir.join(name).display().to_string()];
        let slots = Slots {
            board: "pi".into(),
            key: KEY.lines().nth(1).unwrap().into(),
            autoboot: dir.join("autoboot"),
            reboot: write("rebooted"),
            try_other: write("tried"),
            cmdline: dir.join("cmdline"),
            pace: Pace { rest_ms: 0, look_ms: 1, ask_ms: 1, trial_ms: 20 },
            a: place("a", 2),
            b: place("b", 3),
        };
        Self { folder: Folder::of(&dir.join("data")), dir, slots }
    }

    fn bring(&self, bytes: &[u8], older: bool) -> Result<Manifest, Refusal> {
        self.folder.receive().unwrap().write_all(bytes).unwrap();
        self.folder.stage(&self.slots, older)
    }

    fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    fn carry_out(&self, answers: bool) {
        carry_out(&self.folder, &self.slots, &|| answers, &|_| {}).unwrap();
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
    assert!(!card.folder.has_bundle() && !card.folder.incoming().exists(), "nothing is left of them");
    File::options().write(true).open(&card.slots.b.root).unwrap().set_len(41 << 20).unwrap();
    assert_eq!(card.bring(&signed!("old"), true).unwrap().version.to_string(), "0.0.1");
    assert!(card.folder.may_be_older());
    assert_eq!(card.bring(&good, false).unwrap().version.to_string(), "9.0.0");
    assert!(card.folder.has_bundle() && !card.folder.may_be_older());
}

#[test]
fn the_other_slot_is_written_tried_and_confirmed() {
    let card = Card::new();
    card.bring(&signed!("good"), false).unwrap();
    card.folder.tell_quiet(true);
    card.carry_out(false);
    let version: Version = "9.0.0".parse().unwrap();
    assert_eq!(card.folder.kept(), Kept::Trying { version, to: Slot::B });
    assert!(card.has("tried") && card.has("data/update/tryboot") && !card.has("rebooted"));
    assert!(!card.folder.has_bundle() && !card.folder.is_quiet());
    let written = |path: &Path, bytes| fs::read(path).unwrap()[..bytes] == content(bytes);
    assert!(written(&card.slots.b.boot, (1 << 20) + 3) && written(&card.slots.b.root, (40 << 20) + 5));
    let untouched = |path: &Path| fs::read(path).unwrap().iter().all(|byte| *byte == 0);
    assert!(untouched(&card.slots.a.boot) && untouched(&card.slots.a.root));
    assert!(fs::read_to_string(&card.slots.autoboot).unwrap().contains("=2\n[tryboot]"), "not yet");
    // The boot of the other slot.
    fs::write(&card.slots.cmdline, "holdslayer.slot=b").unwrap();
    assert!(
        matches!(card.bring(&signed!("good"), true), Err(Refusal::Busy)),
        "first it is seen whether this does"
    );
    card.carry_out(true);
    assert_eq!(card.folder.kept(), Kept::Good { version });
    assert!(fs::read_to_string(&card.slots.autoboot).unwrap().contains("=3\n[tryboot]\nboot_partition=2"));
    assert!(!card.has("data/update/tryboot") && !card.has("rebooted"));
    // Nothing more is to be done.
    card.carry_out(false);
    assert!(!card.has("rebooted"));
}

#[test]
fn what_does_not_answer_or_start_leaves_the_old_one() {
    let card = Card::new();
    card.bring(&signed!("good"), false).unwrap();
    card.folder.tell_quiet(true);
    card.carry_out(false);
    fs::write(&card.slots.cmdline, "holdslayer.slot=b").unwrap();
    card.carry_out(false);
    assert!(card.has("rebooted"));
    let fell = |why: &str| {
        let kept = card.folder.kept();
        assert!(matches!(&kept, Kept::FellBack { why: told, .. } if told.contains(why)), "{kept:?}");
    };
    fell("did not answer");
    // Another try, which does not even start.
    fs::write(&card.slots.cmdline, "holdslayer.slot=a").unwrap();
    card.bring(&signed!("good"), false).unwrap();
    card.folder.tell_quiet(true);
    card.carry_out(false);
    card.carry_out(false);
    fell("did not start");
    assert!(fs::read_to_string(&card.slots.autoboot).unwrap().contains("=2\n[tryboot]"));
}

#[test]
fn root_believes_nothing_that_was_changed_after_it_was_taken() {
    let card = Card::new();
    card.bring(&signed!("good"), false).unwrap();
    let mut bytes = fs::read(card.folder.bundle()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(card.folder.bundle(), bytes).unwrap();
    card.folder.tell_quiet(true);
    card.carry_out(true);
    let kept = card.folder.kept();
    assert!(matches!(&kept, Kept::Refused { why } if why.contains("damaged")), "{kept:?}");
    assert!(!card.has("tried") && !card.folder.has_bundle());
}
