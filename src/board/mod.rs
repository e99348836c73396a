//! The button, the lamp and the handset on the box. Debouncing and blinking are pure, as is the telephone that the handset
//! is (`crate::phone::handset`); the lines and the sound card themselves are the edge.
//!
//! ```text
//!   gpiochip ──edges──┐
//!                     ├──► button::Button ──Press──► app      Snapshot ──► lamp::Lamp ──on/off──► gpiochip
//!   input ─────keys───┘
//! ```

pub mod button;
mod contact;
pub mod gpio;
pub mod handset;
mod hid;
mod input;
pub mod lamp;
pub mod panel;

use core::fmt;
use core::time::Duration;

/// What a board has, from its file in `board/`. A box without lines is complete: the page and the phone do it all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// For people: "Raspberry Pi 4".
    pub name: String,
    /// The push button, if there is one.
    pub button: Option<ButtonLine>,
    /// The lamp, if there is one.
    pub lamp: Option<LampLine>,
    /// The hook switch of a handset, if there is a line for one. Closed is lifted.
    pub hook: Option<ButtonLine>,
    /// The pulse contact of a rotary dial that has a line of its own. Closed is a pulse.
    pub dial: Option<ButtonLine>,
    /// What drives a bell, if there is a line for one. On for as long as it rings.
    pub bell: Option<LampLine>,
    /// The sound cards that `card = "board"` means.
    pub sound: Sound,
    /// The processor's core that sound has for itself, from 0; `None`: it shares all of them.
    pub media_core: Option<u16>,
}

/// The sound cards of a board, by names that stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    /// What a handset hangs on.
    pub handset: Option<String>,
    /// What a loudspeaker hangs on.
    pub speaker: Option<String>,
}

/// What the page sees of all this, and tries.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// Button and lamp.
    pub panel: Option<panel::Front>,
    /// The handset.
    pub handset: Option<handset::Front>,
    /// The loudspeaker that held calls are heard on.
    pub monitor: Option<handset::Front>,
}

/// Where a line is, by one of two or by both. The name is looked for over all chips; chip and offset are for kernels that name
/// no lines, as mainline's of a Pi 5. Its `Display` is for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The kernel's name of the line: "GPIO17".
    pub name: Option<String>,
    /// The chip ("pinctrl-rp1", its label, or "gpiochip0") and the offset on it, if no line has that name.
    pub fallback: Option<(String, u32)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.fallback) {
            (Some(name), _) => f.write_str(name),
            (None, Some((chip, offset))) => write!(f, "{offset} on {chip}"),
            (None, None) => Ok(()),
        }
    }
}

/// How the button is wired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButtonLine {
    /// Its line, if it is on one.
    pub place: Option<Place>,
    /// The kernel's name of the input device that it is ("Power Button"), any key of which counts, if it is one. Where both
    /// are given the line is tried first: with gpio-keys the kernel has the line for itself and makes it a device.
    pub input: Option<String>,
    /// Pressed is low: the button connects the line to ground.
    pub active_low: bool,
    /// The chip's own resistor.
    pub bias: Bias,
    /// A change shorter than this is contact bounce; 1 to 200 ms.
    pub debounce: Duration,
}

/// How the lamp is wired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LampLine {
    /// Where it is.
    pub place: Place,
    /// Lit is low.
    pub active_low: bool,
}

/// The resistor inside the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// Towards the supply: for a button to ground.
    PullUp,
    /// Towards ground: for a button to the supply.
    PullDown,
    /// Off: there is one on the wire.
    None,
}
