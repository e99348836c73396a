//! The store on a real file: damaged, in use, out of reach, and killed.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hold_slayer::call::{Outcome, Record};
use hold_slayer::store::{Error, Opened, Store};
use hold_slayer::units::{CallId, Wall};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// A folder that goes when the test is over.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hold-slayer-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn file(&self) -> PathBuf {
        self.0.join("hold-slayer.redb")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(id: u64, outcome: Outcome) -> Record {
    Record {
        id: CallId(id),
        outgoing: true,
        number: "08001234567".into(),
        started: Wall(id),
        answered: None,
        ended: None,
        outcome,
        held_ms: 0,
        hold_started: None,
        heard: Vec::new(),
        figures: Default::default(),
        said: Vec::new(),
        decisions: Vec::new(),
    }
}

/// A closed database with 50 calls.
fn filled(name: &str) -> Dir {
    let dir = Dir::new(name);
    let (store, opened) = Store::open(&dir.0).unwrap();
    assert_eq!(opened, Opened::default());
    for id in 1..=50 {
        store.put(&record(id, Outcome::Slain)).unwrap();
    }
    assert!(store.stop(SOON));
    dir
}

#[test]
fn a_damaged_file_is_put_aside_and_a_fresh_one_works() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 6] = [
        ("garbage", |b| b.fill(0xA5)),
        ("text", |b| *b = b"this is no database\n".to_vec()),
        ("half", |b| b.truncate(b.len() / 2)),
        ("head-only", |b| b.truncate(100)),
        ("magic", |b| b[0] ^= 0xFF),
        ("zeroed", |b| b[20..].fill(0)),
    ];
    for (name, damage) in damages {
        let dir = filled(name);
        let mut bytes = fs::read(dir.file()).unwrap();
        damage(&mut bytes);
        fs::write(dir.file(), &bytes).unwrap();

        let (store, opened) = Store::open(&dir.0).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(opened.words()[0].contains("The old file is kept as"), "{name}");
        let aside = opened.damaged.unwrap_or_else(|| panic!("{name}: not noticed"));
        assert_eq!(fs::read(&aside).unwrap(), bytes, "{name}: the old file is kept as it was");
        assert!(aside.file_name().unwrap().to_string_lossy().starts_with("hold-slayer.redb.damaged-2"));
        store.put(&record(1, Outcome::Talked)).unwrap();
        assert!(store.stop(SOON));
        assert_eq!(Store::open(&dir.0).unwrap().1, Opened::default(), "{name}: the fresh one is sound");
    }
}

/// One flipped byte anywhere is repaired, harmless, or noticed: it never panics and never gives a wrong record.
#[test]
fn a_flipped_byte_never_gives_a_wrong_record() {
    let dir = filled("flip");
    let sound = fs::read(dir.file()).unwrap();
    for at in (0..sound.len().min(64 * 1024)).step_by(613).chain((0..320).step_by(7)) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x40;
        fs::write(dir.file(), &bytes).unwrap();
        let (store, opened) = Store::open(&dir.0).unwrap_or_else(|e| panic!("byte {at}: {e}"));
        for found in store.history(None, 100).unwrap() {
            assert_eq!(found, record(found.id.0, Outcome::Slain), "byte {at}");
        }
        store.stop(SOON);
        if let Some(aside) = opened.damaged {
            fs::remove_file(aside).unwrap();
        }
    }
}

#[test]
fn an_empty_file_is_a_new_database() {
    let dir = Dir::new("empty");
    fs::write(dir.file(), b"").unwrap();
    let (store, opened) = Store::open(&dir.0).unwrap();
    assert_eq!(opened, Opened::default());
    assert_eq!(store.next_call_id(), CallId(1));
    store.stop(SOON);
}

#[test]
fn a_folder_that_cannot_be_used_says_what_to_do() {
    let dir = Dir::new("missing");
    let error = Store::open(&dir.0.join("nowhere")).expect_err("no such folder").to_string();
    assert!(error.contains("nowhere") && error.contains("create the folder"), "{error}");
    fs::write(dir.0.join("file"), b"").unwrap();
    let error = Store::open(&dir.0.join("file")).expect_err("a file").to_string();
    assert!(error.contains("is not a folder"), "{error}");
}

#[test]
fn a_second_box_in_the_same_folder_is_refused_and_the_first_works_on() {
    let dir = Dir::new("second");
    let (store, _) = Store::open(&dir.0).unwrap();
    let error = Store::open(&dir.0).expect_err("in use");
    assert!(matches!(error, Error::InUse(_)), "{error}");
    store.put(&record(1, Outcome::Slain)).unwrap();
    assert!(store.flush(SOON));
    assert!(store.stop(SOON));
}

const CHILD: &str = "HOLD_SLAYER_STORE_CHILD";

/// Not a test by itself: what `kill_dash_nine_loses_nothing_acknowledged` starts and kills.
#[test]
fn child_that_is_killed() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let (store, _) = Store::open(dir.as_ref()).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        let id = store.next_call_id();
        store.put(&record(id.0, Outcome::Up)).unwrap();
        assert!(store.flush(SOON));
        writeln!(out, "acknowledged {}", id.0).unwrap();
    }
}

#[test]
fn kill_dash_nine_loses_nothing_acknowledged() {
    let dir = Dir::new("kill");
    let mut before = 0;
    for round in 1..=6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_is_killed", "--nocapture"])
            .env(CHILD, &dir.0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut seen = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        let mut last = seen.by_ref().nth(5 * round).expect("the child writes");
        child.kill().unwrap();
        child.wait().unwrap();
        last = seen.last().unwrap_or(last);

        let (store, opened) = Store::open(&dir.0).unwrap();
        assert_eq!(opened.damaged, None);
        assert!(opened.interrupted as u64 >= last - before);
        for id in 1..=last {
            assert_eq!(store.get(CallId(id)).unwrap().unwrap(), record(id, Outcome::Interrupted));
        }
        let next = store.next_call_id().0;
        assert!(next > last);
        // A call may be on the disk though the child died before it could say so.
        before = next - 1;
        assert!(store.stop(SOON));
    }
}
