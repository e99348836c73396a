//! Hold Slayer: a telephone line that waits on hold for you.
//!
//! ```text
//!       provider                                                      house
//!          │ SIP / RTP                                      SIP / RTP   │  GPIO
//!  ┌───────┴──────────────────────────── net ───────────────────────────┴────────┐
//!  │  control thread (tokio): app::control drives app::core                       │
//!  │    sip::Ua: transactions → dialogs → offer/answer, registration, guard       │
//!  │                │ sip::Event              ◄── Press ──────── board            │
//!  │                ▼                         ◄── Heard ──────── listen           │
//!  │    call::Switchboard: legs joined into calls, every decision with its reason │
//!  │          └─ slay: Navigator: menu → Hold: perhaps? greet → person? ring → join│
//!  │                │                         ◄── Ask ────────── web              │
//!  │                │                         ──► Record ──────► store            │
//!  │                │                         ──► Snapshot ────► web, lamp        │
//!  │                │                         ──► Happened ────► notify           │
//!  │ ── MediaCommand▼────────── bounded rings, no waiting ───── media::Event ▲ ── │
//!  │  media thread (real time, nothing allocated after start): media::Media       │
//!  │    packet(): joined pair → new header → out at once, and a copy to the tap   │
//!  │    tick(), every 20 ms: prompts, tones, silence; the tap's jitter buffer     │
//!  │                │ TapFrame                  └── StudioFrame ──► studio thread │
//!  │    tick(), every 20 ms: prompts, tones, silence; taps' jitter buffers; RTCP  │
//!  │                │ TapFrame                                                    │
//!  │  listener thread ◄──┘  app::ear::Ears, one listen::Listener for each hold    │
//!  │                └── segments ──► words thread: what was said, back to its ear  │
//!  └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! **Commands go down, facts come up, and nothing ever waits on media. Sound enters and leaves only through media.**
//! The table of threads and rings is in [`app`].
//!
//! Every machine in the middle is pure: `handle(now, input)` is its one mutation, `poll()` is drained to `None`, and
//! `deadline()` says when to call back. None of them reads a clock, opens a socket or a file, or makes a random number:
//! [`clock`] reads the time, [`net`], [`assist`], [`notify`], `media::thread`, [`web`], [`store`], [`studio`], [`speech`], [`update`], [`board`] and [`app`] are the edges. So the
//! simulator in `tests/sim` drives the very same [`app::core::Core`], [`media::Media`] and [`app::ear::Ears`] in virtual
//! time, against the far ends of [`demo`].
//!
//! Rooms, each using only what stands below it (`tests/tidy.rs` holds them to it):
//!
//! | row | rooms |
//! |---|---|
//! | the whole | [`app`] (threads, start, stop), [`check`], [`ctl`] (the box from its own command line), [`demo`] (company and phone as scripted machines, and their judge) |
//! | the page | [`web`] (gate, pages, interfaces for programs and assistants, settings) |
//! | its file | [`backup`] (everything in one sealed file, and back) |
//! | edges | [`config`] (file → checked settings), [`assist`] (a language model, a recogniser of speech and a voice on other machines), [`notify`] (webhook, ntfy, e-mail, MQTT), [`net`] (UDP, TCP, TLS, names, HTTP), [`store`] (records, what the listener knows of each company), [`studio`] (recordings, listening in), [`speech`] (a program that speaks texts), [`update`] (a signed bundle, the other slot of the card, and back), [`board`] (button, lamp, handset), [`log`] |
//! | the conversation | [`call`] (switchboard, legs, records, snapshot) |
//! | policy | [`slay`] (the hold, flows through menus and how they are learnt, planned calls), [`trunk`] (routes, number forms, tolls), [`phone`] (codes, gestures, the handset as a telephone) |
//! | sound and hearing | [`media`] (ports, joins, rooms, prompts, taps), [`listen`] (classes, memory and lore, evidence, challenge, words) |
//! | protocols and arithmetic | [`sip`], [`rtp`], [`dsp`], [`sounds`] (the box's own words) |
//! | ground | [`units`], [`limits`] (every bound in one table), [`clock`], [`tables`] (TOML read strictly) |
//!
//! What is absent: shared mutable state between threads, unbounded queues, a panic that is not a bug, and any way for
//! sound of the house to reach the trunk while a call is held: the two ports are not joined, and only a join forwards.

pub mod app;
pub mod assist;
pub mod backup;
pub mod board;
pub mod call;
pub mod check;
pub mod clock;
pub mod config;
pub mod ctl;
pub mod demo;
pub mod dsp;
pub mod limits;
pub mod listen;
pub mod log;
pub mod media;
pub mod net;
pub mod notify;
pub mod phone;
pub mod rtp;
pub mod sip;
pub mod slay;
pub mod sounds;
pub mod speech;
pub mod store;
pub mod studio;
pub mod tables;
pub mod trunk;
pub mod units;
pub mod update;
pub mod web;
