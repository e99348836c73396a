//! SRTP of the ports that have keys: the two directions of each, in a table as dense as they are few.

use super::counters::Discard;
use crate::limits::RTP_PACKET_BYTES;
use crate::rtp::srtp::{Context, Fault, TAIL_BYTES};
use crate::units::SrtpKeys;

/// One port's two directions.
struct Pair {
    port: u16,
    outbound: Context,
    inbound: Context,
    /// Offer and answer have left the keys out for now. They stay known: the same ones may come again, and beginning anew
    /// with them would use their numbers twice.
    resting: bool,
}

/// Who has keys. Memory for all ports is set aside at the start, and touched when it is used.
pub(super) struct Vault {
    pairs: Vec<Pair>,
    /// For each port its place among the pairs.
    places: Box<[Option<u16>]>,
    /// Where a packet lies while it is protected: there is room behind it for the tag.
    desk: [u8; RTP_PACKET_BYTES + TAIL_BYTES],
}

impl Vault {
    pub(super) fn new(ports: usize) -> Self {
        Self {
            pairs: Vec::with_capacity(ports),
            places: vec![None; ports].into_boxed_slice(),
            desk: [0; RTP_PACKET_BYTES + TAIL_BYTES],
        }
    }

    fn place(&self, port: u16) -> Option<usize> {
        self.places.get(usize::from(port)).copied().flatten().map(usize::from)
    }

    fn pair(&mut self, port: u16) -> Option<&mut Pair> {
        let place = self.place(port)?;
        self.pairs.get_mut(place)
    }

    /// What offer and answer have settled for an open port; the same keys go on where they were. `None`: in the clear.
    pub(super) fn settle(&mut self, port: u16, keys: Option<SrtpKeys>) {
        let known = self.pair(port);
        let Some(keys) = keys else {
            known.into_iter().for_each(|pair| pair.resting = true);
            return;
        };
        if let Some(pair) = known {
            pair.resting = false;
            pair.outbound.change(keys.ours);
            pair.inbound.change(keys.theirs);
            return;
        }
        let contexts = Context::new(keys.ours).zip(Context::new(keys.theirs));
        let (Some((outbound, inbound)), Some(place)) = (contexts, self.places.get_mut(usize::from(port)))
        else {
            return;
        };
        *place = u16::try_from(self.pairs.len()).ok();
        self.pairs.push(Pair { port, outbound, inbound, resting: false });
    }

    /// The port is closed.
    pub(super) fn forget(&mut self, port: u16) {
        let Some(place) = self.place(port) else { return };
        self.pairs.swap_remove(place);
        if let Some(moved) = self.pairs.get(place).map(|pair| pair.port) {
            self.places[usize::from(moved)] = u16::try_from(place).ok();
        }
        self.places[usize::from(port)] = None;
    }

    /// What arrived at a port, RTP or RTCP, as the peer meant it.
    pub(super) fn open<'d>(&mut self, port: u16, datagram: &'d mut [u8]) -> Result<&'d mut [u8], Discard> {
        let Some(pair) = self.pair(port).filter(|pair| !pair.resting) else { return Ok(datagram) };
        let length = pair.inbound.open(datagram).map_err(Discard::of)?;
        datagram.get_mut(..length).ok_or(Discard::Malformed)
    }

    /// What leaves a port, RTP or RTCP, as it goes on the wire.
    pub(super) fn seal<'a>(&'a mut self, port: u16, packet: &'a [u8]) -> Result<&'a [u8], Discard> {
        let place = self.place(port);
        let Some(pair) = place.and_then(|place| self.pairs.get_mut(place)) else { return Ok(packet) };
        if pair.resting {
            pair.outbound.pass(packet);
            return Ok(packet);
        }
        self.desk.get_mut(..packet.len()).ok_or(Discard::Malformed)?.copy_from_slice(packet);
        let length = pair.outbound.protect(&mut self.desk, packet.len()).map_err(|_| Discard::Unsealed)?;
        self.desk.get(..length).ok_or(Discard::Unsealed)
    }
}

impl Discard {
    const fn of(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::Forged | Fault::Exhausted => Self::Forged,
            Fault::Replayed => Self::Replayed,
        }
    }
}
