//! The thread of the button and the lamp.
//!
//! A line or a device that is missing, busy or not ours to open is a trouble in plain words and is tried again every five
//! seconds: it may come with a late driver. The box works without.

use super::button::{self, Button, Press};
use super::contact::Contact;
use super::gpio::{Line, Trouble};
use super::lamp::{self, Lamp, Pattern};
use super::{Board, ButtonLine};
use crate::clock;
use crate::units::Instant;
use core::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long until what could not be had is tried again.
const RETRY: Duration = Duration::from_secs(5);
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
        return Ok(Started { troubles, front: None });
    }
    let run = move || Panel::new(board, presses, Ways { pattern, blinks, tell, show }).run();
    std::thread::Builder::new().name("board".to_owned()).spawn(run)?;
    Ok(Started { troubles, front: Some(Front { seen, blink }) })
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
    Contact::open(button).map(drop)
}

struct Panel {
    board: Board,
    presses: mpsc::Sender<Press>,
    ways: Ways,
    button: Option<(Contact, Button)>,
    lamp_line: Option<Line>,
    lamp: Lamp,
    lit: bool,
    retry_at: Instant,
}

impl Panel {
    fn new(board: Board, presses: mpsc::Sender<Press>, ways: Ways) -> Self {
        let (lamp, retry_at) = (Lamp::new(), Instant::ZERO);
        Self { board, presses, ways, button: None, lamp_line: None, lamp, lit: false, retry_at }
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
            match Contact::open(line) {
                Ok(contact) => {
                    let level = contact.level().unwrap_or(false);
                    self.button = Some((contact, Button::new(clock::now(), line.debounce, level)));
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
        let level = contact.wait(wait);
        let now = clock::now();
        let Some(level) = level else {
            self.button = None;
            self.lamp.handle(now, lamp::Input::Finger(None));
            return;
        };
        machine.handle(now, button::Input::Level(level));
        while let Some(press) = machine.poll() {
            if press == Press::Short {
                self.lamp.handle(now, lamp::Input::Answer);
            }
            // Full: the control loop has not taken 32 presses; one more says nothing new.
            let _ = self.presses.try_send(press);
        }
        self.lamp.handle(now, lamp::Input::Finger(machine.held(now)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::{Bias, Place};
    use super::*;

    fn nowhere(line: bool, input: bool) -> ButtonLine {
        let place = Place { name: "no-such-line".to_owned(), fallback: Some(("no-such-chip".to_owned(), 1)) };
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
    fn a_device_alone_is_missed_by_its_name() {
        let told = find_button(&nowhere(false, true)).unwrap_err();
        assert_eq!(told, Trouble::NoInput("no such device".to_owned()));
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
