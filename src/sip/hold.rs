//! A hold of our own, RFC 3264 §8.4: what an adapter does on a hook flash. The demo's phone needs it; the box never does it.

use super::client::Owner;
use super::leg::State;
use super::message::Method;
use super::reply::{ALLOW, SDP, SUPPORTED};
use super::ua::Ua;
use crate::units::{Instant, LegId};

impl Ua {
    /// re-INVITE with the other direction. Ignored while another exchange is open, RFC 3261 §14.1.
    pub(super) fn hold(&mut self, now: Instant, id: LegId, held: bool) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| matches!(leg.state, State::Up) && !leg.ended)
        else {
            return;
        };
        let Some(media) = leg.media.clone().filter(|_| leg.exchange.is_none() && leg.unacked.is_none())
        else {
            return;
        };
        let mut request = leg.dialog.request(Method::Invite);
        request.headers.push("Content-Type", SDP);
        request.body = leg.description.directed(&media, held).into_bytes();
        let (to, account) = (leg.dialog.hop(), leg.account);
        request.headers.push("Contact", self.contact(account));
        request.headers.push("Allow", ALLOW);
        request.headers.push("Supported", SUPPORTED);
        let client = self.start(now, request, to, account, Owner::Refresh(id));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.exchange = client;
        }
    }
}
