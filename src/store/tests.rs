//! A disk that fails as disks do: without power, full, and damaged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::call::{By, Decision, Span, Utterance};
use crate::listen::Sound;
use crate::units::Wall;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

pub(crate) fn record(id: u64, number: &str) -> Record {
    Record {
        id: CallId(id),
        outgoing: true,
        number: number.into(),
        started: Wall(1_000 * id),
        answered: None,
        ended: None,
        outcome: Outcome::Up,
        held_ms: 0,
        hold_started: None,
        heard: vec![Span { at_ms: 20, sound: Sound::Music, confidence: 0.5 }],
        figures: Default::default(),
        said: Vec::new(),
        decisions: vec![Decision { at_ms: 40, what: "hold".into(), reason: "the owner pressed **".into() }],
    }
}

fn ended(id: u64, number: &str) -> Record {
    Record { outcome: Outcome::Slain, ..record(id, number) }
}

const SOON: Duration = Duration::from_secs(20);

/// A disk in memory. What is written lies in a cache until a sync; `cut` forgets the cache, but for a random part.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    cache: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    syncs: usize,
    cut_at_sync: Option<usize>,
    dead: bool,
    capacity: Option<u64>,
    seed: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Length(u64),
    Bytes(u64, Vec<u8>),
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(len) => bytes.resize(*len as usize, 0),
        Change::Bytes(at, data) => {
            let end = *at as usize + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at as usize..end].copy_from_slice(data);
        }
    }
}

impl Platter {
    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(io::Error::other("no power")) } else { Ok(()) }
    }

    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 33
    }

    /// The power goes: of the writes since the last sync any subset is on the disk.
    fn lose_power(&mut self) {
        let unsynced = core::mem::take(&mut self.unsynced);
        for change in &unsynced {
            if self.random().is_multiple_of(2) {
                apply(&mut self.durable, change);
            }
        }
        self.dead = true;
    }
}

impl Disk {
    fn place(&self) -> Place {
        let disk = self.clone();
        Place::on_disk(move |builder| builder.create_with_backend(disk.clone()))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Platter) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    /// The power is back.
    fn restart(&self) {
        self.with(|disk| {
            disk.cache = disk.durable.clone();
            disk.unsynced.clear();
            disk.dead = false;
            disk.cut_at_sync = None;
        });
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.with(|disk| disk.alive().map(|()| disk.cache.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|disk| {
            disk.alive()?;
            let at = offset as usize;
            let found = disk.cache.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(found);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|disk| {
            disk.alive()?;
            if disk.capacity.is_some_and(|most| len > most) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let change = Change::Length(len);
            apply(&mut disk.cache, &change);
            disk.unsynced.push(change);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|disk| {
            disk.alive()?;
            disk.syncs += 1;
            if disk.cut_at_sync == Some(disk.syncs) {
                disk.lose_power();
                return disk.alive();
            }
            disk.durable = disk.cache.clone();
            disk.unsynced.clear();
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|disk| {
            disk.alive()?;
            if disk.capacity.is_some_and(|most| offset + data.len() as u64 > most) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let change = Change::Bytes(offset, data.to_vec());
            apply(&mut disk.cache, &change);
            disk.unsynced.push(change);
            Ok(())
        })
    }
}

#[test]
fn the_power_may_go_at_every_sync() {
    let mut cuts_while_writing = 0;
    for cut in 1..60 {
        for seed in 0..3 {
            let disk = Disk::default();
            disk.with(|d| (d.cut_at_sync, d.seed) = (Some(cut), seed));
            let mut acknowledged = Vec::new();
            if let Ok((store, _)) = Store::open_at(disk.place()) {
                for id in 1..=12 {
                    store.put(&ended(id, "0800")).unwrap();
                    // The writer only tries in vain once the power is gone: do not wait for it.
                    while !store.flush(Duration::from_millis(1)) && !disk.with(|d| d.dead) {}
                    if disk.with(|d| d.dead) {
                        break;
                    }
                    acknowledged.push(id);
                }
                store.stop(SOON);
            }
            cuts_while_writing += usize::from(disk.with(|d| d.dead) && !acknowledged.is_empty());
            disk.restart();
            let (store, opened) = match Store::open_at(disk.place()) {
                // The very first file was never finished: a real one is put aside, this disk has nowhere to put it.
                Err(Error::Unusable { .. }) if acknowledged.is_empty() => continue,
                opened => opened.expect("opens after a power cut"),
            };
            assert_eq!(opened.damaged, None, "cut {cut}, seed {seed}");
            for id in &acknowledged {
                assert_eq!(
                    store.get(CallId(*id)).unwrap().unwrap(),
                    ended(*id, "0800"),
                    "cut {cut}, seed {seed}"
                );
            }
            assert!(store.next_call_id() > CallId(acknowledged.last().copied().unwrap_or(0)));
            store.stop(SOON);
        }
    }
    assert!(cuts_while_writing > 20, "{cuts_while_writing}");
}

#[test]
fn a_full_disk_is_reported_and_loses_nothing() {
    let disk = Disk::default();
    let (store, _) = Store::open_at(disk.place()).unwrap();
    let mut troubles = store.troubles();
    store.put(&ended(1, "first")).unwrap();
    assert!(store.flush(SOON));
    disk.with(|d| d.capacity = Some(d.cache.len() as u64));

    let long = "9".repeat(40_000);
    for id in 2..40 {
        store.put(&ended(id, &long)).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let seen = runtime.block_on(async {
        tokio::time::timeout(SOON, troubles.wait_for(|t| !t.is_empty())).await.unwrap().unwrap().clone()
    });
    assert!(seen[0].contains("disk is full"), "{seen:?}");

    disk.with(|d| d.capacity = None);
    assert!(store.flush(SOON));
    runtime.block_on(async {
        tokio::time::timeout(SOON, troubles.wait_for(Vec::is_empty)).await.unwrap().unwrap();
    });
    for id in 2..40 {
        assert_eq!(store.get(CallId(id)).unwrap().unwrap().number, long);
    }
    assert!(store.stop(SOON));
    assert_eq!(store.get(CallId(1)).map_err(|e| e.to_string()), Err(Error::Closed.to_string()));
    let (store, opened) = Store::open_at(disk.place()).unwrap();
    assert_eq!(opened, Opened::default());
    assert_eq!(store.get(CallId(1)).unwrap().unwrap().number, "first");
    store.stop(SOON);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let disk = Disk::default();
    let (database, _) = disk.place().open().unwrap();
    migrate::set_schema(&database, 99).unwrap();
    drop(database);
    let error = Store::open_at(disk.place()).expect_err("schema 99");
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
}

#[test]
fn a_version_that_comes_back_finds_what_it_had() {
    let dir = std::env::temp_dir().join(format!("hold-slayer-schema-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let (now, next) = (migrate::SCHEMA, migrate::SCHEMA + 1);
    let keep = |schema, number: &str, id| {
        let (store, opened) = Store::open_at(Place::of_schema(&dir, schema)).unwrap();
        store.put(&record(id, number)).unwrap();
        assert!(store.stop(SOON));
        opened
    };
    let copy = dir.join(format!("hold-slayer.redb.schema-{now}"));
    keep(now, "before", 1);
    assert!(!copy.exists());
    assert_eq!(keep(next, "during", 2).newer, None);
    assert!(copy.exists());
    // The newer one goes on with what it has, and its copy stays what it was.
    keep(next, "still during", 3);
    let (store, opened) = Store::open_at(Place::of_schema(&dir, now)).unwrap();
    let aside = opened.newer.clone().unwrap();
    assert!(opened.words().concat().contains("The history before it is back") && aside.exists());
    let numbers = store.history(None, 9).unwrap().into_iter().map(|record| record.number);
    assert_eq!(numbers.collect::<Vec<_>>(), ["before"]);
    assert!(store.stop(SOON));
    assert!(!copy.exists());
    // Who deletes the history deletes it there, too.
    keep(next, "again", 4);
    let (store, _) = Store::open_at(Place::of_schema(&dir, next)).unwrap();
    assert!(copy.exists() && aside.exists());
    store.forget(&[]).unwrap();
    assert!(!copy.exists() && !aside.exists());
    // What a newer one had goes when it is not needed any more, and nothing else does.
    let others = ["hold-slayer.redb.newer-2026", "hold-slayer.redb.damaged-2026"].map(|name| dir.join(name));
    others.iter().for_each(|file| std::fs::write(file, b"").unwrap());
    store.forget_newer();
    assert_eq!(others.map(|file| file.exists()), [false, true]);
    assert!(!store.is_begun_anew() && store.history(None, 9).unwrap().is_empty());
    assert!(store.stop(SOON));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn calls_that_were_up_are_interrupted_after_a_restart() {
    let disk = Disk::default();
    let (store, opened) = Store::open_at(disk.place()).unwrap();
    assert_eq!(opened, Opened::default());
    assert_eq!((store.next_call_id(), store.next_call_id()), (CallId(1), CallId(2)));
    store.put(&record(1, "up")).unwrap();
    store.put(&ended(2, "over")).unwrap();
    assert!(store.stop(SOON));

    let (store, opened) = Store::open_at(disk.place()).unwrap();
    assert_eq!(opened.interrupted, 1);
    assert_eq!(store.get(CallId(1)).unwrap().unwrap().outcome, Outcome::Interrupted);
    assert_eq!(store.get(CallId(2)).unwrap().unwrap(), ended(2, "over"));
    assert_eq!(store.next_call_id(), CallId(3));
    store.stop(SOON);
}

#[test]
fn history_is_newest_first_and_goes_on_where_it_stopped() {
    let disk = Disk::default();
    let (store, _) = Store::open_at(disk.place()).unwrap();
    for id in 1..=5 {
        store.put(&ended(id, "")).unwrap();
    }
    assert!(store.flush(SOON));
    let ids = |records: Vec<Record>| records.iter().map(|r| r.id.0).collect::<Vec<_>>();
    assert_eq!(ids(store.history(None, 2).unwrap()), [5, 4]);
    assert_eq!(ids(store.history(Some(CallId(4)), 2).unwrap()), [3, 2]);
    assert_eq!(ids(store.history(Some(CallId(2)), 2).unwrap()), [1]);
    assert_eq!(ids(store.history(None, usize::MAX).unwrap()), [5, 4, 3, 2, 1]);
    store.set_setting("password", b"hash").unwrap();
    assert_eq!(store.setting("password").unwrap().as_deref(), Some(&b"hash"[..]));
    assert_eq!(store.setting("cookie").unwrap(), None);
    store.stop(SOON);
}

#[test]
fn readers_do_not_wait_for_the_writer() {
    let disk = Disk::default();
    let (store, _) = Store::open_at(disk.place()).unwrap();
    store.put(&ended(1, "")).unwrap();
    assert!(store.flush(SOON));
    let (reader, over) = (store.clone(), Arc::new(AtomicBool::new(false)));
    let reads = Arc::new(AtomicU64::new(0));
    let reading = std::thread::spawn({
        let (over, reads) = (Arc::clone(&over), Arc::clone(&reads));
        move || {
            while !over.load(Ordering::Relaxed) {
                assert!(!reader.history(None, 10).unwrap().is_empty());
                reads.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    // On a busy machine the reader may come to its turn late.
    let enough = |id| id >= 50 && reads.load(Ordering::Relaxed) > 0;
    for id in (2..20_000).take_while(|id| !enough(*id)) {
        store.put(&ended(id, "")).unwrap();
        assert!(store.flush(SOON));
    }
    over.store(true, Ordering::Relaxed);
    reading.join().unwrap();
    assert!(reads.load(Ordering::Relaxed) > 0);
    store.stop(SOON);
}

#[test]
fn a_disk_that_is_full_at_the_start_is_still_read() {
    let disk = Disk::default();
    let (store, _) = Store::open_at(disk.place()).unwrap();
    store.put(&record(1, "up")).unwrap();
    assert!(store.stop(SOON));
    disk.with(|d| d.capacity = Some(d.cache.len() as u64));
    let (store, opened) = Store::open_at(disk.place()).map_err(|e| e.to_string()).unwrap();
    assert_eq!(opened.interrupted, 1);
    assert_eq!(store.get(CallId(1)).unwrap().unwrap().outcome, Outcome::Interrupted);
    disk.with(|d| d.capacity = None);
    assert!(store.stop(SOON));
}

#[test]
fn what_was_said_is_deleted_when_its_time_is_over_and_the_story_stays() {
    let disk = Disk::default();
    let (store, _) = Store::open_at(disk.place()).unwrap();
    let said = |ended: u64, id| Record {
        ended: Some(Wall(ended)),
        said: vec![Utterance { at_ms: 1, by: By::Line, text: "hello".into() }],
        ..record(id, "+18005550123")
    };
    let now = crate::clock::wall().0;
    store.put(&said(now - 7_200_000, 1)).unwrap();
    store.put(&said(now - 1_000, 2)).unwrap();
    assert!(store.flush(SOON));
    let left = || [1, 2].map(|id| store.get(CallId(id)).unwrap().unwrap().said.len());
    store.shared.forget_said().unwrap();
    assert_eq!(left(), [1, 1], "nobody has said for how long");
    store.keep_said(Duration::from_secs(3600));
    store.shared.forget_said().unwrap();
    assert_eq!(left(), [0, 1]);
    assert!(store.stop(SOON));
}
