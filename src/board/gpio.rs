//! The edge: lines of the kernel's GPIO character devices.

use super::contact::Change;
use super::{Bias, ButtonLine, LampLine, Place};
use core::fmt;
use core::time::Duration;
use gpiocdev::Request;
use gpiocdev::line::{EdgeDetection, EdgeKind, Value};
use nix::time::{ClockId, clock_gettime};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// Who holds the lines, in `gpioinfo`.
const CONSUMER: &str = "hold-slayer";
/// Changes shorter than this do not wake the thread at all: the kernel keeps most of the bounce to itself. Shorter than any
/// debouncing of [`super::button`], which decides.
const KERNEL_DEBOUNCE: Duration = Duration::from_millis(1);
/// Edges that are taken at once: one that never rests keeps the thread from nothing. More than the kernel keeps of a line.
const EDGES: usize = 64;

/// Why a line or a device cannot be had. Its `Display` is for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no GPIO chip at all.
    NoChip,
    /// No chip has a line of this name, and there is none at its place.
    NoLine(Place),
    /// Another program or driver has it.
    Busy(String, String),
    /// The device may not be opened.
    Forbidden(String),
    /// No input device of this name may be opened for what is wanted of it; those that there are.
    NoInput(String, Vec<String>),
    /// Anything else the kernel says of the line or the device.
    Failed(String, String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChip => write!(f, "this machine has no GPIO lines (no /dev/gpiochip*)"),
            Self::NoLine(Place { name: Some(name), fallback: Some((chip, offset)) }) => {
                write!(f, "no GPIO line is called {name}, and there is no line {offset} on {chip}")
            }
            Self::NoLine(Place { name: None, fallback: Some((chip, offset)) }) => {
                write!(f, "there is no GPIO line {offset} on {chip}")
            }
            Self::NoLine(place) => write!(f, "no GPIO line is called {place}"),
            Self::Busy(name, by) => write!(f, "the GPIO line {name} is in use by {by}"),
            Self::Forbidden(path) => write!(f, "{path} may not be opened: the box must be in the group gpio"),
            Self::NoInput(name, there) if there.contains(name) => {
                write!(f, "the input device \"{name}\" may not be opened, or has no such keys")
            }
            Self::NoInput(name, there) if there.is_empty() => {
                write!(f, "no input device is called \"{name}\", and there is no other")
            }
            Self::NoInput(name, there) => {
                write!(f, "no input device is called \"{name}\"; there are: {}", there.join(", "))
            }
            Self::Failed(name, why) => write!(f, "{name} does not work: {why}"),
        }
    }
}

/// Where the line is: its chip and offset.
///
/// # Errors
/// There is none, it is in use, or the chips may not be opened.
pub fn find(place: &Place) -> Result<(PathBuf, u32), Trouble> {
    let chips = gpiocdev::chip::chips().map_err(|e| Trouble::Failed(place.to_string(), e.to_string()))?;
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
        if let Some(info) = place.name.as_ref().and_then(|name| chip.find_line_info(name)) {
            return free(place, path, &info);
        }
        let is_called = |name: &str| {
            path.file_name().is_some_and(|file| file == name)
                || chip.info().is_ok_and(|info| info.label == name)
        };
        if let Some((name, offset)) = &place.fallback
            && is_called(name)
        {
            fallback = chip.line_info(*offset).ok().map(|info| (path.clone(), info));
        }
    }
    match fallback {
        Some((path, info)) => free(place, &path, &info),
        None if chips.is_empty() => Err(Trouble::NoChip),
        None => Err(forbidden.unwrap_or_else(|| Trouble::NoLine(place.clone()))),
    }
}

fn free(place: &Place, chip: &Path, info: &gpiocdev::line::Info) -> Result<(PathBuf, u32), Trouble> {
    if info.used {
        let by = if info.consumer.is_empty() { "the kernel" } else { &info.consumer };
        return Err(Trouble::Busy(place.to_string(), by.to_owned()));
    }
    Ok((chip.to_owned(), info.offset))
}

/// A line that has been had.
pub(super) struct Line {
    request: Request,
    offset: u32,
}

impl Line {
    /// The button's, whose edges are told.
    pub(super) fn button(line: &ButtonLine, place: &Place) -> Result<Self, Trouble> {
        let bias = match line.bias {
            Bias::PullUp => gpiocdev::line::Bias::PullUp,
            Bias::PullDown => gpiocdev::line::Bias::PullDown,
            Bias::None => gpiocdev::line::Bias::Disabled,
        };
        Self::request(place, line.active_low, |request| {
            request.as_input().with_bias(bias).with_edge_detection(EdgeDetection::BothEdges);
            request.with_debounce_period(KERNEL_DEBOUNCE);
        })
    }

    /// The lamp's, dark at first.
    pub(super) fn lamp(line: &LampLine) -> Result<Self, Trouble> {
        Self::request(&line.place, line.active_low, |request| {
            request.as_output(Value::Inactive);
        })
    }

    fn request(
        place: &Place,
        active_low: bool,
        set: impl FnOnce(&mut gpiocdev::request::Builder),
    ) -> Result<Self, Trouble> {
        let (chip, offset) = find(place)?;
        let mut request = Request::builder();
        request.on_chip(chip).with_consumer(CONSUMER).with_line(offset);
        set(&mut request);
        if active_low {
            request.as_active_low();
        }
        let request = request.request().map_err(|e| Trouble::Failed(place.to_string(), e.to_string()))?;
        Ok(Self { request, offset })
    }

    /// The edges that the kernel has seen, and at last the level itself: its queue may have lost some. `None`: the line is gone.
    pub(super) fn changes(&self) -> Option<Vec<Change>> {
        // The kernel stamps its edges by this clock.
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        let mut seen = Vec::new();
        while seen.len() < EDGES && self.request.has_edge_event().ok()? {
            let event = self.request.read_edge_event().ok()?;
            let age = now.saturating_sub(Duration::from_nanos(event.timestamp_ns));
            seen.push((event.kind == EdgeKind::Rising, age));
        }
        seen.push((self.level()?, Duration::ZERO));
        Some(seen)
    }

    /// How the line is now. `None`: it is gone.
    pub(super) fn level(&self) -> Option<bool> {
        self.request.value(self.offset).ok().map(|value| value == Value::Active)
    }

    /// False: the line is gone.
    pub(super) fn light(&self, lit: bool) -> bool {
        self.request.set_value(self.offset, if lit { Value::Active } else { Value::Inactive }).is_ok()
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.request.as_fd()
    }
}
