//! How the trunks and phones stand.

use super::desk::{Desk, PeerState};
use super::plan::Peer;
use super::snapshot::PeerView;
use crate::units::{AccountId, Instant};
use core::time::Duration;

impl Desk {
    pub(super) fn took(&mut self, account: AccountId, took: Duration) {
        if let Some(peer) = self.peers.get_mut(&account) {
            peer.registration.round_trip_ms = u64::try_from(took.as_millis()).ok();
        }
    }

    pub(super) fn registered(&mut self, account: AccountId, until: Instant) {
        let (now, left) = (self.wall(), until.since(self.now));
        let Some(peer) = self.peers.get_mut(&account) else { return };
        let minutes = left.as_secs().div_ceil(60);
        peer.up = true;
        peer.status = format!("registered, to be renewed within {minutes} min");
        peer.registration.since.get_or_insert(now);
        peer.registration.until = Some(now.plus(left));
    }

    pub(super) fn not_registered(&mut self, account: AccountId, why: String) {
        let Some(peer) = self.peers.get_mut(&account) else { return };
        peer.up = false;
        peer.status.clone_from(&why);
        (peer.registration.since, peer.registration.until) = (None, None);
        peer.registration.last_error = Some(why);
    }

    /// A phone registered, or is gone.
    pub(super) fn phone_since(&mut self, account: AccountId, up: bool) {
        let now = self.wall();
        if let Some(peer) = self.peers.get_mut(&account) {
            let since = peer.registration.since.filter(|_| up);
            peer.registration.since = since.or(up.then_some(now));
        }
    }

    /// A phone was paired.
    pub(super) fn admit(&mut self, peer: Peer) {
        self.plan.peers.retain(|known| known.id != peer.id);
        self.peers.insert(peer.id, PeerState::new(&peer));
        self.plan.peers.push(peer);
    }

    pub(super) fn peer_view(&self, peer: &Peer, state: &PeerState) -> PeerView {
        PeerView {
            name: peer.name.clone(),
            up: state.up,
            status: state.status.clone(),
            registration: state.registration.clone(),
        }
    }
}
