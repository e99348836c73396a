//! The box's own handset, let in as a phone.

use crate::board::handset::{self, Line, Lines};
use crate::board::lamp::Pattern;
use crate::config::{Config, Phone, PhonePeer, Secret};
use crate::dsp::tone::Country;
use crate::phone::handset::number::Known;
use crate::sip::Srtp;
use anyhow::{Context, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::sync::watch;

/// As whom it registers: anew at each start, and known to nobody.
pub(super) struct Own {
    user: String,
    secret: String,
    seed: u64,
}

/// Lets it in beside the phones of the file, as the last of them; `None` if the box has no handset.
pub(super) fn admit(config: &mut Config, random: impl Fn() -> Result<u64>) -> Result<Option<Own>> {
    let Some(handset) = &config.handset else { return Ok(None) };
    let own = Own {
        user: format!("handset-{:016x}", random()?),
        secret: format!("{:016x}{:016x}", random()?, random()?),
        seed: random()?,
    };
    config.phones.push(Phone {
        name: handset.name.clone(),
        peer: PhonePeer::Register { user: own.user.clone(), secret: Secret::new(&own.secret) },
        wideband: false,
        rings: handset.rings,
        srtp: Srtp::Off,
    });
    Ok(Some(own))
}

/// Starts it at a box that takes SIP there.
pub(super) fn start(
    config: &Config,
    own: Own,
    sip: SocketAddr,
    shown: watch::Receiver<Pattern>,
) -> Result<Option<handset::Handset>> {
    let Some(handset) = &config.handset else { return Ok(None) };
    let country = Country::by_code(config.line.country.code()).context("no tones for the country")?;
    // A socket for every address takes what comes from the machine itself, also where it is one of IPv6.
    let ip = if sip.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { sip.ip() };
    let line = Line {
        server: SocketAddr::new(ip, sip.port()),
        user: own.user,
        secret: own.secret,
        known: Known::new(&config.line.emergency, &config.codes),
        listen: config.codes.listen.clone(),
        country,
        seed: own.seed,
    };
    let board = &config.board;
    let lines = Lines { hook: board.hook.clone(), dial: board.dial.clone(), bell: board.bell.clone() };
    let started = handset::start(handset.parts.clone(), lines, line, shown);
    started.context("the handset's threads").map(Some)
}
