//! The edge: lines of the kernel's GPIO character devices, on a thread of their own.
//!
//! A line that is missing, busy or not ours to open is a trouble in plain words and is tried again every five seconds:
//! it may come with a late driver. The box works without.

use super::button::{self, Button, Press};
use super::lamp::{self, Lamp, Pattern};
use super::{Bias, Board, ButtonLine, LampLine, Place};
use crate::clock;
use crate::units::Instant;
use core::fmt;
use core::time::Duration;
use gpiocdev::Request;
use gpiocdev::line::{EdgeDetection, Value};
use std::path::PathBuf;
use tokio::sync::{mpsc, watch};

/// How long until a line that could not be had is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How late the lamp may follow and the thread may end.
const GLANCE: Duration = Duration::from_millis(100);
/// Who holds the lines, in `gpioinfo`.
const CONSUMER: &str = "hold-slayer";

/// Why a line cannot be had. Its `Display` is for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no GPIO chip at all.
    NoChip,
    /// No chip has a line of this name, and there is no fallback that exists.
    NoLine(String),
    /// Another program or driver has it.
    Busy(String, String),
    /// The chips cannot be opened.
    Forbidden(String),
    /// Anything else the kernel says.
    Failed(String, String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChip => write!(f, "this machine has no GPIO lines (no /dev/gpiochip*)"),
            Self::NoLine(name) => write!(f, "no GPIO line is called {name}"),
            Self::Busy(name, by) => write!(f, "the GPIO line {name} is in use by {by}"),
            Self::Forbidden(path) => write!(f, "{path} may not be opened: the box must be in the group gpio"),
            Self::Failed(name, why) => write!(f, "the GPIO line {name} does not work: {why}"),
        }
    }
}

/// Starts the thread that watches the button and lights the lamp. It ends when the receiver of `presses` is dropped.
///
/// Presses go to `presses`, dropped if it is full. `pattern` says what the lamp shows. The answer says what is wrong at
/// the moment (empty: nothing), in plain words.
///
/// # Errors
/// The operating system gives no thread.
pub fn start(
    board: Board,
    presses: mpsc::Sender<Press>,
    pattern: watch::Receiver<Pattern>,
) -> std::io::Result<watch::Receiver<Vec<String>>> {
    let (tell, troubles) = watch::channel(Vec::new());
    if board.button.is_some() || board.lamp.is_some() {
        let run = move || Lines::new(board, presses, pattern, tell).run();
        std::thread::Builder::new().name("board".to_owned()).spawn(run)?;
    }
    Ok(troubles)
}

/// Where the line is: its chip and offset.
///
/// # Errors
/// There is none, it is in use, or the chips may not be opened.
pub fn find(place: &Place) -> Result<(PathBuf, u32), Trouble> {
    let chips = gpiocdev::chip::chips().map_err(|e| Trouble::Failed(place.name.clone(), e.to_string()))?;
    let mut forbidden = None;
    let mut fallback = None;
    for path in &chips {
        let chip = match gpiocdev::Chip::from_path(path) {
            Ok(chip) => chip,
            Err(_) => {
                forbidden = Some(Trouble::Forbidden(path.display().to_string()));
                continue;
            }
        };
        if let Some(info) = chip.find_line_info(&place.name) {
            return free(place, path, &info);
        }
        if let Some((name, offset)) = &place.fallback
            && path.file_name().is_some_and(|file| file == name.as_str())
        {
            fallback = chip.line_info(*offset).ok().map(|info| (path.clone(), info));
        }
    }
    match fallback {
        Some((path, info)) => free(place, &path, &info),
        None if chips.is_empty() => Err(Trouble::NoChip),
        None => Err(forbidden.unwrap_or_else(|| Trouble::NoLine(place.name.clone()))),
    }
}

fn free(
    place: &Place,
    chip: &std::path::Path,
    info: &gpiocdev::line::Info,
) -> Result<(PathBuf, u32), Trouble> {
    if info.used {
        let by = if info.consumer.is_empty() { "the kernel" } else { &info.consumer };
        return Err(Trouble::Busy(place.name.clone(), by.to_owned()));
    }
    Ok((chip.to_owned(), info.offset))
}

/// The button's line and its machine, once it has been had.
struct OpenButton {
    request: Request,
    offset: u32,
    machine: Button,
}

struct Lines {
    board: Board,
    presses: mpsc::Sender<Press>,
    pattern: watch::Receiver<Pattern>,
    tell: watch::Sender<Vec<String>>,
    button: Option<OpenButton>,
    lamp_line: Option<(Request, u32)>,
    lamp: Lamp,
    retry_at: Instant,
}

impl Lines {
    fn new(
        board: Board,
        presses: mpsc::Sender<Press>,
        pattern: watch::Receiver<Pattern>,
        tell: watch::Sender<Vec<String>>,
    ) -> Self {
        let retry_at = Instant::ZERO;
        Self { board, presses, pattern, tell, button: None, lamp_line: None, lamp: Lamp::new(), retry_at }
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
        }
    }

    /// Tries for the lines that are not had yet.
    fn open(&mut self) {
        let mut troubles = Vec::new();
        if let (None, Some(line)) = (&self.button, &self.board.button) {
            match open_button(line) {
                Ok(button) => self.button = Some(button),
                Err(trouble) => troubles.push(format!("button: {trouble}")),
            }
        }
        if let (None, Some(line)) = (&self.lamp_line, &self.board.lamp) {
            match open_lamp(line) {
                Ok(lamp) => {
                    self.lamp_line = Some(lamp);
                    self.lamp.repeat();
                }
                Err(trouble) => troubles.push(format!("lamp: {trouble}")),
            }
        }
        self.tell.send_if_modified(|told| {
            let new = *told != troubles;
            *told = troubles;
            new
        });
    }

    fn light(&mut self) {
        let shown = *self.pattern.borrow_and_update();
        self.lamp.handle(clock::now(), lamp::Input::Show(shown));
        while let Some(lit) = self.lamp.poll() {
            let value = if lit { Value::Active } else { Value::Inactive };
            if self
                .lamp_line
                .as_ref()
                .is_some_and(|(request, offset)| request.set_value(*offset, value).is_err())
            {
                self.lamp_line = None;
            }
        }
    }

    /// Waits for an edge, a deadline, or the time to look at the lamp again.
    fn listen(&mut self) {
        let now = clock::now();
        let deadline = |at: Option<Instant>| at.map_or(GLANCE, |at| at.since(now));
        let wait = GLANCE.min(deadline(self.lamp.deadline()));
        let Some(open) = &mut self.button else {
            std::thread::sleep(wait);
            return;
        };
        let wait = wait.min(deadline(open.machine.deadline()));
        if !read_button(open, wait) {
            self.button = None;
            return;
        }
        let now = clock::now();
        while let Some(press) = open.machine.poll() {
            if press == Press::Short {
                self.lamp.handle(now, lamp::Input::Answer);
            }
            // Full: the control loop has not taken 32 presses; one more says nothing new.
            let _ = self.presses.try_send(press);
        }
        self.lamp.handle(now, lamp::Input::Finger(open.machine.held(now)));
    }
}

/// False: the line is gone.
fn read_button(open: &mut OpenButton, wait: Duration) -> bool {
    let Ok(some) = open.request.wait_edge_event(wait) else { return false };
    if some && open.request.read_edge_event().is_err() {
        return false;
    }
    // The level itself, not the edge's direction: the kernel's queue may have lost edges.
    let Ok(value) = open.request.value(open.offset) else { return false };
    open.machine.handle(clock::now(), button::Input::Level(value == Value::Active));
    true
}

fn open_button(line: &ButtonLine) -> Result<OpenButton, Trouble> {
    let (chip, offset) = find(&line.place)?;
    let failed = |e: gpiocdev::Error| Trouble::Failed(line.place.name.clone(), e.to_string());
    let bias = match line.bias {
        Bias::PullUp => gpiocdev::line::Bias::PullUp,
        Bias::PullDown => gpiocdev::line::Bias::PullDown,
        Bias::None => gpiocdev::line::Bias::Disabled,
    };
    let mut request = Request::builder();
    request.on_chip(chip).with_consumer(CONSUMER).with_line(offset).as_input().with_bias(bias);
    if line.active_low {
        request.as_active_low();
    }
    request.with_edge_detection(EdgeDetection::BothEdges);
    let request = request.request().map_err(failed)?;
    let level = request.value(offset).map_err(failed)? == Value::Active;
    Ok(OpenButton { request, offset, machine: Button::new(clock::now(), line.debounce, level) })
}

fn open_lamp(line: &LampLine) -> Result<(Request, u32), Trouble> {
    let (chip, offset) = find(&line.place)?;
    let mut request = Request::builder();
    request.on_chip(chip).with_consumer(CONSUMER).with_line(offset).as_output(Value::Inactive);
    if line.active_low {
        request.as_active_low();
    }
    let request = request.request().map_err(|e| Trouble::Failed(line.place.name.clone(), e.to_string()))?;
    Ok((request, offset))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn board_with_no_such_line() -> Board {
        let place = Place { name: "no-such-line".to_owned(), fallback: Some(("no-such-chip".to_owned(), 1)) };
        let debounce = Duration::from_millis(20);
        let button = ButtonLine { place, active_low: true, bias: Bias::PullUp, debounce };
        Board { name: "test".to_owned(), button: Some(button), lamp: None, media_core: None }
    }

    #[tokio::test]
    async fn a_missing_line_is_a_trouble_and_nothing_more() {
        let (presses, taken) = mpsc::channel(4);
        let (_show, pattern) = watch::channel(Pattern::Idle);
        let mut troubles = start(board_with_no_such_line(), presses, pattern).unwrap();
        let told = troubles.wait_for(|troubles| !troubles.is_empty()).await.unwrap().clone();
        assert!(told.iter().all(|line| line.starts_with("button: ")), "{told:?}");
        assert_eq!(told.len(), 1);
        // The thread ends by itself: its side of the channel closes.
        drop(taken);
        while troubles.changed().await.is_ok() {}
    }

    #[test]
    fn a_board_without_lines_starts_no_thread() {
        let (presses, mut taken) = mpsc::channel(4);
        let (_show, pattern) = watch::channel(Pattern::Idle);
        let troubles = start(Board::default(), presses, pattern).unwrap();
        assert!(troubles.borrow().is_empty());
        assert_eq!(taken.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
