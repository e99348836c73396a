//! The thread of the button and the lamp.
//!
//! A line or a device that is missing, busy or not ours to open is a trouble in plain words and is tried again every five
//! seconds: it may come with a late driver. The box works without.

use super::button::{self, Button, Press};
use super::contact::{Change, Contact};
use super::gpio::{Line, Trouble};
use super::input::Use;
use super::lamp::{self, Lamp, Pattern};
use super::{Board, ButtonLine};
use crate::clock;
use crate::units::Instant;
use core::time::Duration;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, watch};

/// How long until what could not be had is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// A button that is down when it is first seen, so soon after the machine came on, was held while it did. A Pi has its lines
/// after some twenty seconds.
const POWER_ON: Duration = Duration::from_secs(180);
/// How late the lamp may follow and the thread may end.
const GLANCE: Duration = Duration::from_millis(100);

/// How button and lamp are at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The button: true is pressed. `None`: it is not there.
    pub button: Option<bool>,
    /// The lamp: true is lit. `None`: it is not there.
    pub lamp: Option<bool>,
}

/// What the page sees of the panel, and tries.
#[derive(Clone, Debug)]
pub struct Front {
    /// How it is.
    pub seen: watch::Receiver<Seen>,
    /// Until then the lamp blinks, to be found.
    pub blink: watch::Sender<Option<Instant>>,
}

/// A panel at work.
pub struct Started {
    /// What is wrong at the moment (empty: nothing), in plain words.
    pub troubles: watch::Receiver<Vec<String>>,
    /// For the page; `None`: the board has no lines.
    pub front: Option<Front>,
    /// The last it does is to put the lamp out.
    pub thread: Option<JoinHandle<()>>,
}

/// Starts the thread that watches the button and lights the lamp. It ends when the receiver of `presses` is dropped.
///
/// Presses go to `presses`, dropped if it is full. `pattern` says what the lamp shows.
///
/// # Errors
/// The operating system gives no thread.
pub fn start(
    board: Board,
    presses: mpsc::Sender<Press>,
    pattern: watch::Receiver<Pattern>,
) -> std::io::Result<Started> {
    let (tell, troubles) = watch::channel(Vec::new());
    let (show, seen) = watch::channel(Seen::default());
    let (blink, blinks) = watch::channel(None);
    if board.button.is_none() && board.lamp.is_none() {
        return Ok(Started { troubles, front: None, thread: None });
    }
    let run = move || Panel::new(board, presses, Ways { pattern, blinks, tell, show }).run();
    let thread = std::thread::Builder::new().name("board".to_owned()).spawn(run)?;
    Ok(Started { troubles, front: Some(Front { seen, blink }), thread: Some(thread) })
}

/// The thread's ways in and out, but for the presses.
struct Ways {
    pattern: watch::Receiver<Pattern>,
    blinks: watch::Receiver<Option<Instant>>,
    tell: watch::Sender<Vec<String>>,
    show: watch::Sender<Seen>,
}

/// Whether the button is there, for `check`.
///
/// # Errors
/// Neither its line nor its device can be had.
pub fn find_button(button: &ButtonLine) -> Result<(), Trouble> {
    Contact::open(button, Use::Button).map(drop)
}

struct Panel {
    board: Board,
    presses: mpsc::Sender<Press>,
    ways: Ways,
    button: Option<(Contact, Button)>,
    /// The button has been seen before.
    known: bool,
    lamp_line: Option<Line>,
    lamp: Lamp,
    lit: bool,
    retry_at: Instant,
}

impl Panel {
    fn new(board: Board, presses: mpsc::Sender<Press>, ways: Ways) -> Self {
        let (lamp, retry_at) = (Lamp::new(), Instant::ZERO);
        Self { board, presses, ways, button: None, known: false, lamp_line: None, lamp, lit: false, retry_at }
    }

    fn run(mut self) {
        while !self.presses.is_closed() {
            let now = clock::now();
            if now >= self.retry_at {
                self.retry_at = now + RETRY;
                self.open();
            }
            self.light();
            self.listen();
            self.show();
        }
        // Nobody is to read a dead box's last word from it.
        if let Some(line) = &self.lamp_line {
            line.light(false);
        }
    }

    /// Tries for what is not had yet.
    fn open(&mut self) {
        let mut troubles = Vec::new();
        if let (None, Some(line)) = (&self.button, &self.board.button) {
            match Contact::open(line, Use::Button) {
                Ok(contact) => {
                    let level = contact.level().unwrap_or(false);
                    let power_on = is_at_power_on(self.known, clock::since_power_on());
                    self.known = true;
                    self.button = Some((contact, Button::new(clock::now(), line.debounce, level, power_on)));
                }
                Err(trouble) => troubles.push(format!("button: {trouble}")),
            }
        }
        if let (None, Some(line)) = (&self.lamp_line, &self.board.lamp) {
            match Line::lamp(line) {
                Ok(lamp) => {
                    self.lamp_line = Some(lamp);
                    self.lamp.repeat();
                }
                Err(trouble) => troubles.push(format!("lamp: {trouble}")),
            }
        }
        self.ways.tell.send_if_modified(|told| {
            let new = *told != troubles;
            *told = troubles;
            new
        });
    }

    fn light(&mut self) {
        let now = clock::now();
        let blinks = self.ways.blinks.borrow().is_some_and(|until| now < until);
        let shown = if blinks { Pattern::Person } else { *self.ways.pattern.borrow() };
        self.lamp.handle(now, lamp::Input::Show(shown));
        while let Some(lit) = self.lamp.poll() {
            self.lit = lit;
            if self.lamp_line.as_ref().is_some_and(|line| !line.light(lit)) {
                self.lamp_line = None;
            }
        }
    }

    fn show(&self) {
        let button = self.button.as_ref().and_then(|(contact, _)| contact.level());
        let seen = Seen { button, lamp: self.lamp_line.as_ref().map(|_| self.lit) };
        self.ways.show.send_if_modified(|shown| core::mem::replace(shown, seen) != seen);
    }

    /// Waits for the button, a deadline, or the time to look at the lamp again.
    fn listen(&mut self) {
        let now = clock::now();
        let deadline = |at: Option<Instant>| at.map_or(GLANCE, |at| at.since(now));
        let wait = GLANCE.min(deadline(self.lamp.deadline()));
        let Some((contact, machine)) = &mut self.button else {
            std::thread::sleep(wait);
            return;
        };
        let wait = wait.min(deadline(machine.deadline()));
        contact.wait(wait);
        let changes = contact.changes();
        let now = clock::now();
        let Some(changes) = changes else {
            self.button = None;
            self.lamp.handle(now, lamp::Input::Finger(None));
            return;
        };
        for press in presses(now, &changes, machine) {
            if press == Press::Short {
                self.lamp.handle(now, lamp::Input::Answer);
            }
            // Full: the control loop has not taken 32 presses; one more says nothing new.
            let _ = self.presses.try_send(press);
        }
        self.lamp.handle(now, lamp::Input::Finger(machine.held(now)));
    }
}

/// What the changes, which were seen at `now`, come to.
fn presses(now: Instant, changes: &[Change], machine: &mut Button) -> Vec<Press> {
    let mut told = Vec::new();
    for (level, age) in changes {
        let age_us = u64::try_from(age.as_micros()).unwrap_or(0);
        machine.handle(Instant(now.0.saturating_sub(age_us)), button::Input::Level(*level));
        told.extend(core::iter::from_fn(|| machine.poll()));
    }
    told
}

/// Whether a button that is down was held while the machine came on, `up` ago: not if it was `known` before, for then its line
/// or the box alone has begun anew.
fn is_at_power_on(known: bool, up: Duration) -> bool {
    !known && up < POWER_ON
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::{Bias, Place};
    use super::*;

    fn nowhere(line: bool, input: bool) -> ButtonLine {
        let place =
            Place { name: Some("no-such-line".to_owned()), fallback: Some(("no-such-chip".to_owned(), 1)) };
        ButtonLine {
            place: line.then_some(place),
            input: input.then(|| "no such device".to_owned()),
            active_low: true,
            bias: Bias::PullUp,
            debounce: Duration::from_millis(20),
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_a_trouble_and_nothing_more() {
        let (presses, taken) = mpsc::channel(4);
        let (_show, pattern) = watch::channel(Pattern::Idle);
        let board = Board { button: Some(nowhere(true, true)), ..Board::default() };
        let mut troubles = start(board, presses, pattern).unwrap().troubles;
        let told = troubles.wait_for(|troubles| !troubles.is_empty()).await.unwrap().clone();
        assert!(told.iter().all(|line| line.starts_with("button: ")), "{told:?}");
        assert_eq!(told.len(), 1);
        // The thread ends by itself: its side of the channel closes.
        drop(taken);
        while troubles.changed().await.is_ok() {}
    }

    #[test]
    fn a_press_is_no_shorter_for_being_seen_late() {
        let ms = Duration::from_millis;
        let mut machine = Button::new(Instant(0), ms(20), false, false);
        // The thread was held up for half a second: the finger is long gone.
        let late = Instant(5_000_000);
        let seen = [(true, ms(480)), (false, ms(440)), (false, ms(0))];
        assert_eq!(presses(late, &seen, &mut machine), [], "a second one may follow");
        assert_eq!(presses(late, &[(false, ms(0))], &mut machine), [Press::Short], "none has");
        // Bounce that is seen late is none either.
        let seen = [(true, ms(480)), (false, ms(470)), (false, ms(0))];
        assert_eq!(presses(Instant(9_000_000), &seen, &mut machine), []);
        // Two in quick succession are one double press.
        let seen = [(true, ms(900)), (false, ms(800)), (true, ms(700)), (false, ms(600)), (false, ms(0))];
        assert_eq!(presses(Instant(12_000_000), &seen, &mut machine), [Press::Double]);
    }

    #[test]
    fn only_a_machine_that_comes_on_forgets_its_password() {
        let seconds = Duration::from_secs;
        assert!(is_at_power_on(false, seconds(25)) && is_at_power_on(false, seconds(179)));
        assert!(!is_at_power_on(false, seconds(180)), "the box alone was started anew");
        assert!(!is_at_power_on(true, seconds(25)), "its line was lost and found");
    }

    #[test]
    fn a_device_alone_is_missed_by_its_name() {
        let told = find_button(&nowhere(false, true)).unwrap_err();
        assert!(matches!(told, Trouble::NoInput(name, _) if name == "no such device"));
    }

    #[test]
    fn a_board_without_lines_starts_no_thread() {
        let (presses, mut taken) = mpsc::channel(4);
        let (_show, pattern) = watch::channel(Pattern::Idle);
        let started = start(Board::default(), presses, pattern).unwrap();
        assert!(started.troubles.borrow().is_empty() && started.front.is_none());
        assert_eq!(taken.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
