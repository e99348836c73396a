//! How the trunks and phones stand.

use super::desk::{Desk, PeerState};
use super::plan::Peer;
use super::policy::in_words;
use super::snapshot::PeerView;
use crate::sip::{Cause, Command, Side};
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
        let was = peer.up;
        let minutes = left.as_secs().div_ceil(60);
        peer.up = true;
        peer.no_way = None;
        peer.status = format!("registered, to be renewed within {minutes} min");
        peer.registration.since.get_or_insert(now);
        peer.registration.until = Some(now.plus(left));
        self.tell_peer(account, was, false);
    }

    pub(super) fn no_way(&mut self, account: AccountId, why: String) {
        if let Some(peer) = self.peers.get_mut(&account) {
            peer.no_way = Some(why);
        }
    }

    pub(super) fn not_registered(&mut self, account: AccountId, cause: Cause, again: Instant) {
        let next = again.since(self.now).as_secs();
        let Some(peer) = self.peers.get_mut(&account) else { return };
        let next = if next < 120 { format!("{next} s") } else { format!("{} min", next / 60) };
        let why = why_not(cause, peer.no_way.take());
        let told = peer.registration.last_error.as_deref().unwrap_or_default();
        let news = !told.starts_with(&format!("cannot register: {why};"));
        let why = format!("cannot register: {why}; trying again in {next}");
        let was = core::mem::replace(&mut peer.up, false);
        peer.status.clone_from(&why);
        (peer.registration.since, peer.registration.until) = (None, None);
        peer.registration.last_error = Some(why);
        self.tell_peer(account, was, news);
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

    /// Registers at each trunk that is down. False if none is.
    pub(super) fn try_trunks(&mut self) -> bool {
        let down = |peer: &&Peer| self.peers.get(&peer.id).is_some_and(|state| !state.up);
        let trunks = self.plan.peers.iter().filter(|peer| peer.side == Side::Trunk).filter(down);
        let trunks: Vec<AccountId> = trunks.map(|peer| peer.id).collect();
        trunks.iter().for_each(|id| self.sip(Command::Register(*id)));
        !trunks.is_empty()
    }
}

/// Why a registration failed, and what the owner can do.
fn why_not(cause: Cause, no_way: Option<String>) -> String {
    match (cause, no_way) {
        (Cause::Unavailable | Cause::Timeout, Some(why)) => why,
        (Cause::Unauthorized, _) => {
            "the provider does not accept the password; check user, auth_user and secret in [[trunk]]".into()
        }
        (Cause::Rejected, _) => {
            "the provider refuses this account (403): a wrong password, a block or an unpaid bill".into()
        }
        (cause, _) => in_words(cause),
    }
}
