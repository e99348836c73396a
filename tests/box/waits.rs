//! What the calls before the start are good for, and when they go.

use super::far::{Net, SOON};
use super::running::{Folder, House, Running, configuration};
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

#[test]
fn calls_go_when_they_have_been_kept_for_long_enough() {
    let net = Net::new();
    let folder = Folder::new(net);
    let (store, _) = Store::open(&folder.0).unwrap();
    let today = hold_slayer::clock::wall();
    store.put(&slain(1, "18005550123", 4)).unwrap();
    store.put(&Record { started: today, ended: Some(today), ..slain(2, "18005550123", 4) }).unwrap();
    assert!(store.stop(SOON));
    let ids = |page: &super::running::Page| page.get("/api/v1/history")["calls"].as_array().unwrap().len();
    let running = Running::start(net, &folder);
    let password = running.password();
    assert_eq!(ids(&running.log_in(&password)), 2, "unless the owner says for how long");
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends();
    let keep = configuration(net, &net.trunk().to_string()) + "[history]\nkeep = \"30d\"\n";
    let running = Running::with(net, &folder, &folder.0, &keep);
    let page = running.log_in(&password);
    page.wait("the old call goes", |_| ids(&page) == 1);
    assert_eq!(page.get("/api/v1/history")["calls"][0]["id"], 2);
}
