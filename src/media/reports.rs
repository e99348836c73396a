//! RTCP at the ports: where reports come from and go to, and what of them is told.

use super::command::Event;
use super::counters::Discard;
use super::port::Port;
use super::vault::Vault;
use super::{Datagram, Media};
use crate::rtp::report::{REPORT_BYTES, samples_to_us};
use crate::rtp::srtp::TAIL_BYTES;
use crate::units::{Instant, PortId};
use std::net::SocketAddr;

/// Last words that wait for the next tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Farewell {
    port: PortId,
    to: (SocketAddr, bool),
    bytes: [u8; REPORT_BYTES + TAIL_BYTES],
    length: usize,
}

impl Media {
    /// A datagram arrived beside a port, on its RTCP socket.
    pub fn report(&mut self, now: Instant, at: PortId, from: SocketAddr, datagram: &mut [u8]) {
        match self.vault.open(at.0, datagram) {
            Ok(datagram) => self.hear_report(now, at, from, datagram),
            Err(why) => self.mouth.counters.discard(why),
        }
    }

    /// A report arrived that lies open.
    pub(super) fn hear_report(&mut self, now: Instant, at: PortId, from: SocketAddr, datagram: &[u8]) {
        let counters = &self.mouth.counters;
        let Some(port) = self.ports.get_mut(usize::from(at.0)).filter(|p| p.open) else {
            return counters.discard(Discard::Closed);
        };
        // Whoever speaks for the peer comes from where its sound comes from, or from where it said it would.
        let signalled = port.stream.rtcp.map(|rtcp| rtcp.ip());
        if port.latch.target().ip() != from.ip() && signalled != Some(from.ip()) {
            return counters.discard(Discard::Foreign);
        }
        let (ours, peers) = (port.sender.ssrc(), port.receiver.ssrc());
        if port.reports.hear(now, datagram, ours, peers).is_err() {
            return counters.discard(Discard::Rtcp);
        }
        // RFC 4961: reports have a NAT of their own, and go back to where they come from.
        port.reports_from = Some(from);
        counters.report_in();
    }

    /// Sends a port's report and tells how its streams fare.
    pub(super) fn give_report(&mut self, now: Instant, index: u16, send: &mut impl FnMut(Datagram<'_>)) {
        let Some(port) = self.ports.get_mut(usize::from(index)) else { return };
        let (bytes, length) = port.reports.write(now, &port.sender, &port.receiver);
        let id = PortId(index);
        if let Some((to, control)) = port.reports_to() {
            match self.vault.seal(index, bytes.get(..length).unwrap_or(&[])) {
                Ok(bytes) => {
                    self.mouth.counters.report_out();
                    send(Datagram { port: id, control, to, bytes });
                }
                Err(why) => self.mouth.counters.discard(why),
            }
        }
        let quality = port.quality();
        self.mouth.event(Event::Quality(id, quality));
    }

    pub(super) fn say_farewells(&mut self, send: &mut impl FnMut(Datagram<'_>)) {
        while let Some(last) = self.farewells.pop() {
            let (to, control) = last.to;
            let bytes = last.bytes.get(..last.length).unwrap_or(&[]);
            self.mouth.counters.report_out();
            send(Datagram { port: last.port, control, to, bytes });
        }
    }
}

/// RFC 3550 §6.3.7: a source that ends says so. It is said on the next tick, from a port that may be another's by then.
pub(super) fn take_leave(
    farewells: &mut Vec<Farewell>,
    vault: &mut Vault,
    from: &Port,
    at: PortId,
    ssrc: u32,
) {
    let Some(to) = from.reports_to().filter(|_| farewells.len() < farewells.capacity()) else { return };
    let (report, length) = from.reports.goodbye(ssrc);
    let Ok(sealed) = vault.seal(at.0, report.get(..length).unwrap_or(&[])) else { return };
    let mut bytes = [0; REPORT_BYTES + TAIL_BYTES];
    if let Some(room) = bytes.get_mut(..sealed.len()) {
        room.copy_from_slice(sealed);
        farewells.push(Farewell { port: at, to, bytes, length: sealed.len() });
    }
}

impl Port {
    /// Where reports go, and whether from the RTCP socket. `None` if nowhere.
    fn reports_to(&self) -> Option<(SocketAddr, bool)> {
        let rtcp = self.stream.rtcp.filter(|to| !to.ip().is_unspecified())?;
        // RFC 5761 §5.1.1: on the port of the sound if both said so.
        if rtcp == self.stream.remote {
            return Some((self.latch.target(), false));
        }
        Some((self.reports_from.unwrap_or(rtcp), true))
    }

    fn quality(&self) -> crate::rtp::report::Quality {
        crate::rtp::report::Quality {
            received: self.receiver.received().0,
            lost: self.receiver.lost(),
            jitter_us: samples_to_us(self.receiver.jitter()),
            concealed_ms: self.jitter.concealed() / 8,
            delay_ms: self.jitter.delay() / 8,
            far: self.reports.far(),
        }
    }
}
