//! Free media ports, the longest unused first: a late packet of an earlier call finds nobody.

use crate::units::PortId;
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Ports {
    free: VecDeque<PortId>,
    /// How often each port was opened; tells listeners' results of earlier openings apart.
    epochs: Vec<u32>,
}

impl Ports {
    pub(super) fn new(count: usize) -> Self {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        Self { free: (0..count).map(PortId).collect(), epochs: vec![0; usize::from(count)] }
    }

    pub(super) fn take(&mut self) -> Option<PortId> {
        self.free.pop_front()
    }

    pub(super) fn give_back(&mut self, port: PortId) {
        self.free.push_back(port);
    }

    pub(super) fn free(&self) -> usize {
        self.free.len()
    }

    /// Counts an opening; `media` counts the same.
    pub(super) fn opened(&mut self, port: PortId) -> u32 {
        match self.epochs.get_mut(usize::from(port.0)) {
            Some(epoch) => {
                *epoch = epoch.wrapping_add(1);
                *epoch
            }
            None => 0,
        }
    }
}
