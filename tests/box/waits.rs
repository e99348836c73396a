//! How long one usually waits somewhere is known from the calls before the start.

use super::far::{Net, SOON};
use super::running::{Folder, House, Running};
use hold_slayer::call::{Figures, Outcome, Record};
use hold_slayer::store::Store;
use hold_slayer::units::{CallId, Wall};

fn slain(id: u64, number: &str, minutes: u64) -> Record {
    Record {
        id: CallId(id),
        outgoing: true,
        number: number.into(),
        started: Wall(id * 1_000),
        answered: Some(Wall(id * 1_000)),
        ended: Some(Wall(id * 1_000 + minutes * 60_000)),
        outcome: Outcome::Slain,
        held_ms: minutes * 60_000,
        hold_started: Some(Wall(id * 1_000)),
        heard: Vec::new(),
        decisions: Vec::new(),
        figures: Figures { waited_ms: Some(minutes * 60_000), ..Figures::default() },
        said: Vec::new(),
    }
}

#[test]
fn what_was_waited_before_the_start_is_the_usual_wait_after_it() {
    let net = Net::new();
    let folder = Folder::new(net);
    let (store, _) = Store::open(&folder.0).unwrap();
    // The same number, however it was dialled, and another's.
    let before =
        [(1, "18005550123", 4), (2, "+18005550123", 30), (3, "18005550123", 9), (4, "18005550199", 60)];
    for (id, number, minutes) in before {
        store.put(&slain(id, number, minutes)).unwrap();
    }
    assert!(store.stop(SOON));
    let running = Running::start(net, &folder);
    let house = House::around(net, folder, running);
    let page = house.running.log_in(&house.running.password());
    let up = page.wait("the call is up", |status| status["calls"][0]["id"].is_u64());
    let id = up["calls"][0]["id"].as_u64().unwrap();
    assert_eq!(up["calls"][0]["number"], "18005550123");
    assert_eq!(page.post(&format!("/api/v1/calls/{id}/hold"), true).0, 200);
    page.wait("the wait of the middle one", |status| status["calls"][0]["usual_wait_ms"] == 9 * 60_000);
}
