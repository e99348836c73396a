//! Jitter buffers of the ports whose sound is needed in frames. Memory for all ports is set aside at the start, and touched
//! when it is used: joined ports need none.

use crate::rtp::jitter::{Jitter, RING, Ring};

/// Who has one.
pub(super) struct Decks {
    jitters: Vec<Jitter>,
    /// For each port its place among them, kept once it has one.
    places: Box<[Option<u16>]>,
    /// For each port the samples of its buffer.
    rings: Box<[u16]>,
}

impl Decks {
    pub(super) fn new(ports: usize) -> Self {
        Self {
            jitters: Vec::with_capacity(ports),
            places: vec![None; ports].into_boxed_slice(),
            rings: vec![0; ports * RING].into_boxed_slice(),
        }
    }

    fn place(&self, port: u16) -> Option<usize> {
        self.places.get(usize::from(port)).copied().flatten().map(usize::from)
    }

    /// The port begins with an empty buffer.
    pub(super) fn give(&mut self, port: u16) {
        if self.place(port).is_some() {
            return self.empty(port);
        }
        if let Some(place) = self.places.get_mut(usize::from(port)) {
            *place = u16::try_from(self.jitters.len()).ok();
            self.jitters.push(Jitter::new());
        }
    }

    /// If the port has a buffer, it begins anew.
    pub(super) fn empty(&mut self, port: u16) {
        if let Some((jitter, _)) = self.get_mut(port) {
            *jitter = Jitter::new();
        }
    }

    pub(super) fn get(&self, port: u16) -> Option<&Jitter> {
        self.jitters.get(self.place(port)?)
    }

    pub(super) fn get_mut(&mut self, port: u16) -> Option<(&mut Jitter, &mut Ring)> {
        let (place, start) = (self.place(port)?, usize::from(port) * RING);
        let ring = self.rings.get_mut(start..start + RING)?.try_into().ok()?;
        Some((self.jitters.get_mut(place)?, ring))
    }
}
