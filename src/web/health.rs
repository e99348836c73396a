//! How the box itself is: button, lamp, disk and clock, each with what to do.

use crate::call::Snapshot;
use crate::clock;
use maud::{Markup, html};
use std::path::PathBuf;

/// Less free room than this is told, megabytes: a day of recordings.
const TIGHT_MB: u64 = 500;

/// What of the box its health can be told of.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// The board names a button.
    pub button: bool,
    /// The board names a lamp.
    pub lamp: bool,
    /// What the box's own handset is called, if there is one.
    pub handset: Option<String>,
    /// What the phones of the file are called.
    pub phones: Vec<String>,
    /// Where calls and settings are kept.
    pub folder: PathBuf,
}

/// How the trouble begins of a box without a database, before why there is none.
pub const NOTHING_KEPT: &str = "nothing is kept: ";
/// And what follows.
pub const GOES_ON: &str = "Calls go on, but history, learnt menus, paired phones and the password of the page are gone at the next \
                           start: put it right and start the box anew";
/// The same of one whose disk fails.
const NOT_WRITTEN: &str = "The call history cannot be written: ";

/// How a part is.
#[derive(Debug, PartialEq)]
enum State {
    /// As it should be.
    Well(String),
    /// There is none, and there need be none.
    None(&'static str),
    /// What is wrong, with what to do.
    Wrong(String),
}

/// The card of the start page.
pub(super) fn card(parts: &Parts, snapshot: &Snapshot) -> Markup {
    let all = [
        (
            "Button",
            line(parts.button, "button: ", "No button is set up: Settings, Board names it.", snapshot),
        ),
        ("Lamp", line(parts.lamp, "lamp: ", "No lamp is set up: Settings, Board names it.", snapshot)),
        ("Disk", disk(free_mb(parts), snapshot)),
        ("Clock", clock_is(clock::is_plausible(), clock::is_kept())),
    ];
    html! {
        section.card.peers data-key="health" {
            h2 { "Health" }
            ul {
                @for (name, state) in &all {
                    li {
                        b { (name) }
                        @match state {
                            State::Well(words) => { span class="state up" { "Ready" } span.muted { (words) } }
                            State::None(words) => { span.muted { (words) } }
                            State::Wrong(words) => { span class="state down" { "Not ready" } span.muted { (words) } }
                        }
                    }
                }
            }
            p { a href="/board" { "Button, lamp and handset" } }
        }
    }
}

/// A line of the board: the panel tells what is wrong with it among the troubles.
fn line(is_there: bool, begins: &str, none: &'static str, snapshot: &Snapshot) -> State {
    let trouble = snapshot.troubles.iter().find_map(|trouble| trouble.strip_prefix(begins));
    match (is_there, trouble) {
        (false, _) => State::None(none),
        (true, Some(trouble)) => State::Wrong(super::words::capital(trouble)),
        (true, None) => State::Well("It answers.".into()),
    }
}

/// Megabytes that are free where calls and settings are kept; `None`: the system does not say.
#[allow(clippy::useless_conversion)] // the system's counts have 32 bits on a 32-bit Pi
fn free_mb(parts: &Parts) -> Option<u64> {
    let disk = nix::sys::statvfs::statvfs(&parts.folder).ok()?;
    Some(u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()) / 1_000_000)
}

fn disk(free_mb: Option<u64>, snapshot: &Snapshot) -> State {
    let fails = |trouble: &&String| trouble.starts_with(NOTHING_KEPT) || trouble.starts_with(NOT_WRITTEN);
    if let Some(trouble) = snapshot.troubles.iter().find(fails) {
        return State::Wrong(super::words::capital(trouble));
    }
    match free_mb {
        None => {
            State::Wrong("The disk does not say how much room it has. Look whether it is in order.".into())
        }
        Some(mb) if mb < TIGHT_MB => State::Wrong(format!(
            "{mb} MB are free: make room, or calls will not be written down. Privacy deletes what is kept."
        )),
        Some(mb) if mb < 10_000 => State::Well(format!("{mb} MB are free.")),
        Some(mb) => State::Well(format!("{} GB are free.", mb / 1000)),
    }
}

fn clock_is(plausible: bool, kept: Option<bool>) -> State {
    match (plausible, kept) {
        (false, _) => {
            State::Wrong("The date is not set. Is a time server reachable? Look at the network.".into())
        }
        // Right for now, perhaps: a computer may be told the time by its host alone.
        (true, Some(false)) => State::None("It runs, but no time server keeps it. Is one reachable?"),
        (true, Some(true)) => State::Well("A time server keeps it.".into()),
        (true, None) => State::Well("It runs.".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_says_how_it_is_and_what_to_do() {
        let with = |trouble: &str| Snapshot { troubles: vec![trouble.to_owned()], ..Snapshot::default() };
        let told = with("button: there is no line GPIO17");
        assert_eq!(line(true, "button: ", "none", &told), State::Wrong("There is no line GPIO17".into()));
        assert_eq!(line(true, "lamp: ", "none", &told), State::Well("It answers.".into()));
        assert_eq!(line(false, "lamp: ", "none", &told), State::None("none"));
        let is_wrong = |state| matches!(state, State::Wrong(_));
        assert!(
            is_wrong(disk(None, &told))
                && is_wrong(disk(Some(TIGHT_MB - 1), &told))
                && !is_wrong(disk(Some(TIGHT_MB), &told))
        );
        assert_eq!(disk(Some(12_345), &told), State::Well("12 GB are free.".into()));
        for trouble in [format!("{NOTHING_KEPT}/x is not a folder"), format!("{NOT_WRITTEN}the disk is full")]
        {
            let words = super::super::words::capital(&trouble);
            assert_eq!(disk(Some(12_345), &with(&trouble)), State::Wrong(words), "room alone is not enough");
        }
        assert!(is_wrong(clock_is(false, Some(true))));
        assert!(matches!(clock_is(true, Some(false)), State::None(_)));
        assert!(matches!(clock_is(true, Some(true)), State::Well(_)));
        assert!(free_mb(&Parts { folder: "/".into(), ..Parts::default() }).is_some());
        assert_eq!(free_mb(&Parts { folder: "/no/such/folder".into(), ..Parts::default() }), None);
    }
}
