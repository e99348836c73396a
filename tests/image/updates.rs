//! The card is updated: brought on a stick while a call is up, tried, kept; one whose program is missing makes room, and so does one
//! whose root is none; a power cut in a trial is no verdict.

use super::{NUMBER, Street};
use crate::machine::{Card, Machine, SLOW, stick};
use crate::phone::Softphone;
use crate::process::wait;
use crate::running::Page;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The trial of a program that is interpreted, on a busy machine.
const LONG: Duration = Duration::from_secs(900);

fn update(name: &str) -> PathBuf {
    PathBuf::from(std::env::var("IMAGE_UPDATES").unwrap()).join(name)
}

fn state(page: &Page) -> (String, String) {
    let state = page.get("/api/v1/update");
    (state["state"].as_str().unwrap().to_owned(), state["slot"].as_str().unwrap().to_owned())
}

/// Waits until the machine goes down by itself: it starts anew.
fn goes_down(mut machine: Machine, since: Instant) {
    wait("the machine starts anew", LONG, || (!machine.is_on()).then_some(()));
    println!("down after {:.0} s", since.elapsed().as_secs_f64());
}

/// Puts in a stick with this update, which is taken in.
fn bring(street: &Street, (machine, page): (&Machine, &Page), name: &str, version: &str) {
    let file = format!("hold-slayer-{version}-pi.update");
    machine.plug(&stick(&street.place, &file, &update(name)));
    wait("it is taken in", SLOW, || (state(page).0 == "waiting").then_some(()));
}

fn starts(street: &mut Street, card: &Card) -> (Machine, Page) {
    street.forget();
    let begun = Instant::now();
    let mut machine = Machine::start(&street.place, card, 512);
    let page = street.box_is_up(&mut machine);
    println!("up after {:.0} s", begun.elapsed().as_secs_f64());
    (machine, page)
}

#[test]
#[ignore = "needs the card: make image-test"]
fn an_update_waits_for_the_call_s_end_is_kept_and_a_lame_one_makes_room() {
    let mut street = Street::open();
    let card = street.card();
    let (machine, page) = starts(&mut street, &card);
    assert_eq!((card.choice(), state(&page)), ((2, 2), ("none".into(), "a".into())));

    // It comes on a stick while a call is up, and nothing is done with it.
    let phone = street.phone("phone", &street.room());
    phone.dial(NUMBER);
    phone.talks(1);
    bring(&street, (&machine, &page), "good.update", "9.0.1");
    let taken = Instant::now();
    wait("more than a minute", SLOW, || (taken.elapsed() > Duration::from_secs(75)).then_some(()));
    assert_eq!(state(&page), ("waiting".into(), "a".into()));
    assert_eq!(page.get("/api/v1/status")["calls"].as_array().unwrap().len(), 1, "the call is still up");
    assert!(card.second_is_empty() && card.choice() == (2, 2));
    phone.hang_up();
    phone.is_free(1);
    drop(phone);

    // Then the other slot is written and starts, which turns the choice back first; it does well and is kept.
    goes_down(machine, Instant::now());
    assert_eq!(card.choice(), (3, 2));
    let (machine, page) = starts(&mut street, &card);
    let choice = card.choice();
    assert!(choice == (2, 2) || choice == (3, 3), "tried or kept already: {choice:?}");
    wait("it is kept", LONG, || (card.choice() == (3, 3)).then_some(()));
    wait("the page says so", SLOW, || (state(&page) == ("good".into(), "b".into())).then_some(()));

    // Its next start is its own again, after the power went. One whose program is missing comes on another stick.
    drop(machine);
    let (machine, page) = starts(&mut street, &card);
    assert_eq!(card.choice(), (3, 3));
    // The page said so as soon as it was written, which the card may have been asked to keep a moment too late.
    wait("it is known to be good", LONG, || (state(&page) == ("good".into(), "b".into())).then_some(()));
    bring(&street, (&machine, &page), "lame.update", "9.0.2");
    goes_down(machine, Instant::now());
    assert_eq!(card.choice(), (2, 3));
    let begun = Instant::now();
    let machine = Machine::start(&street.place, &card, 512);
    goes_down(machine, begun);
    assert_eq!(card.choice(), (3, 3));
    let (_machine, page) = starts(&mut street, &card);
    wait("the page says so", SLOW, || (state(&page) == ("fell_back".into(), "b".into())).then_some(()));
    let told = page.get("/api/v1/update");
    assert_eq!(told["of"], "9.0.2", "{told}");
    // Its system says so itself, and is not started once more.
    assert_eq!(told["why"], "Its program did not start.", "{told}");
}

#[test]
#[ignore = "needs the card: make image-test"]
fn a_power_cut_in_a_trial_is_no_verdict_and_a_root_that_is_none_is_one() {
    let mut street = Street::open();
    let card = street.card();
    let (machine, page) = starts(&mut street, &card);
    bring(&street, (&machine, &page), "good.update", "9.0.1");
    goes_down(machine, Instant::now());
    assert_eq!(card.choice(), (3, 2));

    // Its first program has turned the choice back when the power goes. The old one runs, and starts it once more by itself.
    let machine = Machine::start(&street.place, &card, 512);
    wait("the choice is turned back", SLOW, || (card.choice() == (2, 2)).then_some(()));
    drop(machine);
    let (machine, page) = starts(&mut street, &card);
    assert_eq!(state(&page), ("trying".into(), "a".into()));
    goes_down(machine, Instant::now());
    assert_eq!(card.choice(), (3, 2));
    let (machine, page) = starts(&mut street, &card);
    wait("it is kept", LONG, || (card.choice() == (3, 3)).then_some(()));
    wait("the page says so", SLOW, || (state(&page) == ("good".into(), "b".into())).then_some(()));

    // A root that does not mount is tried twice, too: nobody can say more of it.
    bring(&street, (&machine, &page), "rootless.update", "9.0.3");
    let mut machine = machine;
    for state_then in ["trying", "fell_back"] {
        goes_down(machine, Instant::now());
        assert_eq!(card.choice(), (2, 3));
        goes_down(Machine::start(&street.place, &card, 512), Instant::now());
        assert_eq!(card.choice(), (3, 3));
        let (next, page) = starts(&mut street, &card);
        machine = next;
        wait("it is told", SLOW, || (state(&page) == (state_then.into(), "b".into())).then_some(()));
        let told = page.get("/api/v1/update");
        assert_eq!(told["of"], "9.0.3", "{told}");
        println!("{told}");
    }
}
