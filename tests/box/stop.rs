//! SIGTERM.

use super::far::{Far, Net};
use super::running::{Folder, House, Running};
use core::time::Duration;
use hold_slayer::call::Outcome;
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::sip::Cause;
use hold_slayer::store::Store;
use nix::sys::signal::Signal;

const AT_ONCE: Duration = Duration::from_secs(2);

#[test]
fn in_a_call_both_sides_are_told_and_the_record_is_closed() {
    let House { company, phone, running, folder, .. } = House::talking();
    running.signal(Signal::SIGTERM);
    let (status, took) = running.ends();
    assert_eq!(status.code(), Some(0));
    assert!(took < AT_ONCE, "{took:?}");
    for far in [&company, &phone] {
        far.wait(0, "BYE", |f| *f == Fact::Ended(Cause::Normal));
    }
    // The registration was taken away: the company knows no way to the house any more.
    let before = company.now();
    company.call(vec![At::Forever]);
    company.wait(before, "no way to the box", |f| *f == Fact::Ended(Cause::Unavailable));
    let (store, opened) = Store::open(&folder.0).unwrap();
    let record = store.history(None, 1).unwrap().remove(0);
    assert_eq!((record.outcome, opened.interrupted), (Outcome::Interrupted, 0), "closed by the box itself");
    assert!(record.ended.is_some());
}

#[test]
fn with_nothing_up_it_ends_at_once() {
    let net = Net::new();
    let folder = Folder::new(net);
    let company = Far::company(net, vec![]);
    let running = Running::start(net, &folder);
    company.wait(0, "the box registers", |f| *f == Fact::Registered);
    running.signal(Signal::SIGTERM);
    let (status, took) = running.ends();
    assert_eq!(status.code(), Some(0));
    assert!(took < AT_ONCE, "{took:?}");
}
