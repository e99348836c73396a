//! A box's things are carried to another box, or nothing is changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::store::tests::record;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const PASSWORD: &str = "correct horse";

/// A folder with a configuration and data.
struct Place(PathBuf);

impl Place {
    fn new(config: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("hold-slayer-backup-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("data")).unwrap();
        fs::write(folder.join(CONFIG), config).unwrap();
        Self(folder)
    }

    fn config(&self) -> PathBuf {
        self.0.join(CONFIG)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn with<T>(&self, act: impl FnOnce(&Store) -> T) -> T {
        let (store, _) = Store::open(&self.data()).unwrap();
        let value = act(&store);
        assert!(store.stop(Duration::from_secs(20)));
        value
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A box that has been used, and its backup.
fn used() -> (Place, Vec<u8>) {
    let place = Place::new("# mine\n[line]\ncountry = \"de\"\n");
    let file = place.with(|store| {
        store.put(&record(7, "+18005550123")).unwrap();
        store.set_setting("page.password", b"a hash").unwrap();
        store.set_setting("page.logins", b"[]").unwrap();
        store.put_greeting(Some(&[7; 16_000])).unwrap();
        make(&place.config(), store, PASSWORD).unwrap()
    });
    (place, file)
}

fn stage_in(place: &Place, file: &[u8], password: &str) -> Result<About, Error> {
    stage(file, password, &place.config(), &place.data())
}

#[test]
fn a_new_box_takes_over_all_of_an_old_one_and_keeps_what_it_had() {
    let (_, file) = used();
    let fresh = Place::new("[line]\ncountry = \"us\"\n");
    fresh.with(|store| store.put(&record(1, "+4930123")).unwrap());
    let about = stage_in(&fresh, &file, PASSWORD).unwrap();
    assert_eq!((about.calls, about.version.as_str()), (1, env!("CARGO_PKG_VERSION")));
    assert!(fs::read_to_string(fresh.config()).unwrap().contains("us"), "nothing is changed yet");
    assert_eq!(finish(&fresh.config(), &fresh.data()), Ok(true));
    assert_eq!(finish(&fresh.config(), &fresh.data()), Ok(false), "once");
    assert_eq!(fs::read_to_string(fresh.config()).unwrap(), "# mine\n[line]\ncountry = \"de\"\n");
    fresh.with(|store| {
        let calls: Vec<u64> = store.history(None, 9).unwrap().iter().map(|record| record.id.0).collect();
        assert_eq!(calls, [7]);
        assert_eq!(store.setting("page.password").unwrap().as_deref(), Some(&b"a hash"[..]));
        assert_eq!(store.setting("page.logins").unwrap(), None);
        assert_eq!(store.greeting().unwrap(), Some(vec![7; 16_000]));
    });
    let before = fresh.data().join("before-restore");
    assert!(fs::read_to_string(before.join(CONFIG)).unwrap().contains("us"));
    assert!(before.join("hold-slayer.redb").exists());
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let (_, file) = used();
    let fresh = Place::new("");
    let board = Place::new("[board]\nfile = \"boards/mine.toml\"\n");
    fs::create_dir(board.0.join("boards")).unwrap();
    fs::write(board.0.join("boards/mine.toml"), "").unwrap();
    let elsewhere = board.with(|store| make(&board.config(), store, PASSWORD).unwrap());
    let mut changed = file.clone();
    changed[90] ^= 1;
    let cases: [(&[u8], &str, &str); 5] = [
        (&file, "wrong horse", "not the password"),
        (&file[..file.len() - 1], PASSWORD, "cut short"),
        (&changed, PASSWORD, "damaged"),
        (b"PK\x03\x04", PASSWORD, "no backup"),
        (&elsewhere, PASSWORD, "does not fit this box"),
    ];
    for (file, password, words) in cases {
        let told = stage_in(&fresh, file, password).unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
    let short = fresh.with(|store| make(&fresh.config(), store, "short"));
    assert!(short.unwrap_err().to_string().contains("at least 8"));
    assert_eq!(finish(&fresh.config(), &fresh.data()), Ok(false));
    assert_eq!(fs::read_to_string(fresh.config()).unwrap(), "");
}

#[test]
fn a_program_is_named_by_no_backup() {
    let names = |program: &str| format!("[speech]\nprogram = \"{program}\"\n");
    let old = Place::new(&names("/opt/voice"));
    let file = old.with(|store| make(&old.config(), store, PASSWORD).unwrap());
    for there in ["", &names("none"), &names("/opt/other")] {
        let fresh = Place::new(there);
        let told = stage_in(&fresh, &file, PASSWORD).unwrap_err().to_string();
        assert!(told.contains("/opt/voice"), "{told}");
        assert_eq!(finish(&fresh.config(), &fresh.data()), Ok(false));
    }
    stage_in(&Place::new(&names("/opt/voice")), &file, PASSWORD).unwrap();
    for program in ["none", "auto"] {
        let place = Place::new(&names(program));
        let file = place.with(|store| make(&place.config(), store, PASSWORD).unwrap());
        stage_in(&old, &file, PASSWORD).unwrap();
    }
}

#[test]
fn a_later_versions_database_is_refused() {
    let (place, _) = used();
    let mut dump = place.with(|store| store.dump().unwrap());
    dump.schema += 1;
    let contents = Contents { made: Wall(0), version: "9".into(), config: String::new(), dump };
    let file = seal::seal(postcard::to_stdvec(&contents).unwrap(), PASSWORD).unwrap();
    let told = stage_in(&place, &file, PASSWORD).unwrap_err().to_string();
    assert!(told.contains("newer Hold Slayer"), "{told}");
}

#[test]
fn a_power_cut_anywhere_in_between_is_made_up_for_at_the_next_start() {
    let (_, file) = used();
    // Each state that a cut can leave, by what had been done before it.
    for done in 0..5 {
        let fresh = Place::new("[line]\ncountry = \"us\"\n");
        fresh.with(|store| store.put(&record(1, "+4930123")).unwrap());
        stage_in(&fresh, &file, PASSWORD).unwrap();
        let (data, ready) = (fresh.data(), fresh.data().join("restore"));
        let before = data.join("before-restore");
        if done > 0 {
            fs::create_dir(&before).unwrap();
            fs::copy(fresh.config(), before.join(CONFIG)).unwrap();
            fs::copy(ready.join(CONFIG), fresh.config()).unwrap();
        }
        if done > 1 {
            fs::remove_file(ready.join(CONFIG)).unwrap();
        }
        if done > 2 {
            fs::rename(data.join("hold-slayer.redb"), before.join("hold-slayer.redb")).unwrap();
        }
        if done > 3 {
            fs::rename(ready.join("hold-slayer.redb"), data.join("hold-slayer.redb")).unwrap();
        }
        assert_eq!(finish(&fresh.config(), &data), Ok(true), "{done}");
        assert!(fs::read_to_string(fresh.config()).unwrap().contains("de"), "{done}");
        assert!(fs::read_to_string(before.join(CONFIG)).unwrap().contains("us"), "{done}");
        fresh.with(|store| assert_eq!(store.history(None, 9).unwrap()[0].id.0, 7, "{done}"));
        assert!(before.join("hold-slayer.redb").exists(), "{done}");
    }
}
