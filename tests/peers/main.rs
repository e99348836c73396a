//! The box between programs that other people wrote: SIPp, baresip, pjsua2 and Asterisk on either side, over loopback,
//! judged by what they got; `README.md` has the table of what is run against whom. Their sound is real: hold music and
//! announcements of Asterisk's packages, and a human voice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod asterisk;
mod baresip;
mod calls;
mod household;
mod line;
mod menus;
mod page;
mod phone;
mod phones;
mod pjsua;
mod place;
mod process;
mod providers;
mod sipp;
mod slay;
mod sound;
mod srtp;
mod transfers;
mod way;
mod ways;
