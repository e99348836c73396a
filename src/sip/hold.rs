//! A hold of our own, RFC 3264 §8.4: what an adapter does on a hook flash. The demo's phone needs it; the box never does it.

use super::client::Owner;
use super::leg::{State, Wish};
use super::message::{Method, Response};
use super::reply::{ALLOW, SDP, SUPPORTED};
use super::ua::{Timer, Ua};
use crate::units::{Instant, LegId};
use core::time::Duration;

/// Wait for an exchange that is open.
const LATER: Duration = Duration::from_millis(500);

impl Ua {
    /// re-INVITE with the other direction, at once or when no other exchange is open, RFC 3261 §14.1.
    pub(super) fn hold(&mut self, now: Instant, id: LegId, held: bool) {
        if let Some(leg) = self.legs.get_mut(&id).filter(|leg| matches!(leg.state, State::Up) && !leg.ended) {
            leg.wish = Some(Wish { held, sent: false });
            self.hold_again(now, id);
        }
    }

    /// Sends what waits.
    pub(super) fn hold_again(&mut self, now: Instant, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { return };
        let (Some(wish), Some(media)) = (leg.wish.filter(|wish| !wish.sent), leg.media.clone()) else {
            return;
        };
        if leg.exchange.is_some() || leg.unacked.is_some() {
            return self.timers.set(Timer::Again(id), Some(now + LATER));
        }
        let mut request = leg.dialog.request(Method::Invite);
        request.headers.push("Content-Type", SDP);
        request.body = leg.description.directed(&media, wish.held).into_bytes();
        leg.wish = Some(Wish { sent: true, ..wish });
        let (to, account) = (leg.dialog.hop(), leg.account);
        request.headers.push("Contact", self.contact(account));
        request.headers.push("Allow", ALLOW);
        request.headers.push("Supported", SUPPORTED);
        self.keep_timer(id, &mut request);
        let client = self.start(now, request, to, account, Owner::Refresh(id));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.exchange = client;
        }
    }

    /// The re-INVITE was refused: for a passing reason it is sent again, else things stay as they are.
    pub(super) fn hold_refused(
        &mut self,
        now: Instant,
        id: LegId,
        wish: Option<Wish>,
        status: u16,
        response: Option<&Response>,
    ) {
        let wait = match status {
            491 => self.glare(id),
            422 if self.longer(id, response) => Duration::ZERO,
            _ => return,
        };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        // One that was ordered since counts more.
        leg.wish = leg.wish.or(wish.map(|wish| Wish { sent: false, ..wish }));
        self.timers.set(Timer::Again(id), Some(now + wait));
    }
}
