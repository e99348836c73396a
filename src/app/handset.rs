//! The box's own handset and its loudspeaker, let in as phones.

use crate::board::handset::{self, Kind, Line, Lines, Parts};
use crate::board::lamp::Pattern;
use crate::config::{Config, Phone, PhonePeer, Secret};
use crate::dsp::tone::Country;
use crate::phone::handset::number::Known;
use crate::sip::Srtp;
use anyhow::{Context, Result};
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::sync::watch;

/// What is made of it, and as whom it registers: anew at each start, and known to nobody.
pub(super) struct Own {
    parts: Parts,
    user: String,
    secret: String,
    seed: u64,
}

/// The handset and the monitor, where the box has them.
#[derive(Default)]
pub(super) struct Owns {
    handset: Option<Own>,
    monitor: Option<Own>,
}

/// The same at work.
#[derive(Default)]
pub(super) struct Telephones {
    pub(super) handset: Option<handset::Handset>,
    pub(super) monitor: Option<handset::Handset>,
}

impl Telephones {
    /// What is wrong with them.
    pub(super) fn troubles(&self) -> Vec<watch::Receiver<Vec<String>>> {
        self.handset.iter().chain(&self.monitor).map(|one| one.troubles.clone()).collect()
    }
}

/// Lets them in beside the phones of the file, as the last of them. The monitor never rings.
pub(super) fn admit(config: &mut Config, random: impl Fn() -> Result<u64>) -> Result<Owns> {
    let mut own = |parts: &Parts, name: &str, rings: Duration| -> Result<Own> {
        let listens = parts.kind == Kind::Monitor;
        let user = format!("{}-{:016x}", parts.kind.name(), random()?);
        let secret = format!("{:016x}{:016x}", random()?, random()?);
        config.phones.push(Phone {
            name: name.to_owned(),
            peer: PhonePeer::Register { user: user.clone(), secret: Secret::new(&secret) },
            wideband: false,
            listens,
            rings,
            srtp: Srtp::Off,
        });
        Ok(Own { parts: parts.clone(), user, secret, seed: random()? })
    };
    let handset = config.handset.as_ref().map(|handset| own(&handset.parts, &handset.name, handset.rings));
    let monitor = config.monitor.as_ref().map(|parts| own(parts, parts.kind.name(), Duration::ZERO));
    Ok(Owns { handset: handset.transpose()?, monitor: monitor.transpose()? })
}

/// Starts them at a box that takes SIP there.
pub(super) fn start(
    config: &Config,
    owns: Owns,
    sip: SocketAddr,
    shown: &watch::Sender<Pattern>,
) -> Result<Telephones> {
    let country = Country::by_code(config.line.country.code()).context("no tones for the country")?;
    // A socket for every address takes what comes from the machine itself, also where it is one of IPv6.
    let ip = if sip.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { sip.ip() };
    let start = |own: Own, lines: Lines| {
        let line = Line {
            server: SocketAddr::new(ip, sip.port()),
            user: own.user,
            secret: own.secret,
            known: Known::new(&config.line.emergency, &config.codes),
            listen: config.codes.listen.clone(),
            country,
            seed: own.seed,
        };
        handset::start(own.parts, lines, line, shown.subscribe()).context("the handset's threads")
    };
    let board = &config.board;
    let lines = Lines {
        hook: board.hook.clone(),
        dial: board.dial.clone(),
        bell: board.bell.clone(),
        known: config.board_faults.is_empty(),
    };
    Ok(Telephones {
        handset: owns.handset.map(|own| start(own, lines)).transpose()?,
        monitor: owns.monitor.map(|own| start(own, Lines::default())).transpose()?,
    })
}
