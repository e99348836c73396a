//! The box between programs that other people wrote: SIPp and baresip on either side, over loopback, judged by what they
//! got. Their sound is real: hold music and announcements of Asterisk's packages, and a human voice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod baresip;
mod calls;
mod household;
mod line;
mod phone;
mod phones;
mod pjsua;
mod place;
mod process;
mod sipp;
mod slay;
mod sound;
mod srtp;
mod transfers;
mod way;
