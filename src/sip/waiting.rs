//! Message waiting, RFC 3842: a phone is told that something was missed, unasked or as its SUBSCRIBE wants.

use super::client::Owner;
use super::dialog::Dialog;
use super::message::{Method, Request, Response};
use super::ua::{Timer, Ua};
use super::value::{NameAddr, Uri};
use super::{AccountKind, Hop, Side};
use crate::units::{AccountId, Instant};
use core::time::Duration;

/// The event package.
pub const PACKAGE: &str = "message-summary";
/// Media type of its state.
const SUMMARY: &str = "application/simple-message-summary";
/// Shortest and longest subscription, seconds.
const LIFETIME: (u32, u32) = (60, 3600);

/// A phone that has asked to be told, RFC 6665. One for each account: the newest counts.
#[derive(Debug)]
pub struct Subscription {
    dialog: Dialog,
    until: Instant,
}

impl Ua {
    /// So many things wait for the owner of this phone; it is told if that is news.
    pub(super) fn waiting(&mut self, now: Instant, id: AccountId, count: u32) {
        if self.waiting.insert(id, count).unwrap_or_default() != count {
            self.tell_waiting(now, id);
        }
    }

    /// A phone that has just come up knows nothing of what waits.
    pub(super) fn remind(&mut self, now: Instant, id: AccountId) {
        if self.waiting.get(&id).is_some_and(|count| *count > 0) {
            self.tell_waiting(now, id);
        }
    }

    fn tell_waiting(&mut self, now: Instant, id: AccountId) {
        match self.subscriptions.get(&id).map(|subscription| subscription.until.since(now).as_secs()) {
            Some(left) => self.notify(now, id, &format!("active;expires={left}")),
            None => self.notify_unasked(now, id),
        }
    }

    /// NOTIFY within the subscription, RFC 6665 §4.2.2.
    fn notify(&mut self, now: Instant, id: AccountId, state: &str) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        let (mut request, to) = (subscription.dialog.request(Method::Notify), subscription.dialog.hop());
        self.summarise(id, state, &mut request);
        self.start(now, request, to, id, Owner::Notify(id));
    }

    /// NOTIFY that nobody asked for, as adapters without a subscription expect it: its state ends with it.
    fn notify_unasked(&mut self, now: Instant, id: AccountId) {
        let Some((contact, flow)) = self.bindings.get(&id).map(|known| (known.contact.clone(), known.flow))
        else {
            return;
        };
        let own = NameAddr::new(Uri::at(self.phone_user(id), self.config.local));
        let (tag, call_id) = (self.random.token(), self.random.token());
        let mut request =
            Request::new(Method::Notify, contact, &own.clone().with_tag(&tag), &own, &call_id, 1);
        self.summarise(id, "terminated;reason=noresource", &mut request);
        self.start(now, request, flow, id, Owner::Nobody);
    }

    fn phone_user(&self, id: AccountId) -> &str {
        match self.account(id).map(|account| &account.kind) {
            Some(AccountKind::RegistersHere { user, .. } | AccountKind::Paired { user, .. }) => user,
            _ => "box",
        }
    }

    /// RFC 3842 §5.2: the same for both.
    fn summarise(&self, id: AccountId, state: &str, request: &mut Request) {
        let count = self.waiting.get(&id).copied().unwrap_or_default();
        let account = Uri::at(self.phone_user(id), self.config.local);
        let word = if count > 0 { "yes" } else { "no" };
        request.headers.push("Contact", self.contact(id));
        request.headers.push("Event", PACKAGE);
        request.headers.push("Subscription-State", state);
        request.headers.push("Content-Type", SUMMARY);
        request.body =
            format!("Messages-Waiting: {word}\r\nMessage-Account: {account}\r\nVoice-Message: {count}/0\r\n")
                .into_bytes();
    }

    /// SUBSCRIBE outside of any dialog.
    pub(super) fn subscribing(&mut self, now: Instant, request: &Request, from: Hop) {
        let Some(id) = self.admit(now, request, from) else { return };
        if self.refuses_extension(request, from) {
            return;
        }
        let phone = self.account(id).is_some_and(|account| account.side == Side::Phone);
        let event = request.headers.first("Event").unwrap_or_default();
        // RFC 6665 §4.2.1: another package, or nobody whom this one concerns.
        if !phone || !event.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(PACKAGE) {
            return self.reply_with(request, from, 489, &[("Allow-Events", PACKAGE)]);
        }
        let tag = self.stateless_tag(request);
        let known = self.subscriptions.get(&id).map(|subscription| &subscription.dialog);
        let copy = known.is_some_and(|d| d.call_id == request.call_id() && d.local.tag() == Some(&tag));
        let Some(seconds) = self.granted(request, from) else { return };
        self.grant(request, from, id, seconds);
        if !copy {
            let dialog = Dialog::of_request(request, &tag, self.flow_of(id, from));
            self.subscriptions.insert(id, Subscription { dialog, until: now });
            self.extend(now, id, seconds);
        }
    }

    /// SUBSCRIBE within the dialog of a subscription, RFC 6665 §4.1.2.2. False if there is none.
    pub(super) fn subscribing_again(&mut self, now: Instant, request: &Request, from: Hop) -> bool {
        let (to, peer) = (request.to(), request.from());
        let found = self.subscriptions.iter_mut().find(|(_, subscription)| {
            let dialog = &subscription.dialog;
            (dialog.call_id.as_str(), dialog.local.tag(), dialog.remote.tag())
                == (request.call_id(), to.tag(), peer.tag())
        });
        let Some((id, subscription)) = found.map(|(id, subscription)| (*id, subscription)) else {
            return false;
        };
        let fresh = subscription.dialog.advance(request.cseq().0);
        if let Some(seconds) = self.granted(request, from) {
            self.grant(request, from, id, seconds);
            if fresh {
                self.extend(now, id, seconds);
            }
        }
        true
    }

    /// For how long; `None` if that is too short and has been refused.
    fn granted(&mut self, request: &Request, from: Hop) -> Option<u32> {
        let asked = request.headers.first("Expires").and_then(|value| value.trim().parse().ok());
        let seconds = asked.unwrap_or(LIFETIME.1).min(LIFETIME.1);
        if (1..LIFETIME.0).contains(&seconds) {
            self.reply_with(request, from, 423, &[("Min-Expires", &LIFETIME.0.to_string())]);
            return None;
        }
        Some(seconds)
    }

    fn grant(&mut self, request: &Request, from: Hop, id: AccountId, seconds: u32) {
        let contact = self.contact(id);
        let fields = [("Expires", &*seconds.to_string()), ("Contact", &*contact), ("Allow-Events", PACKAGE)];
        self.reply_with(request, from, 200, &fields);
    }

    /// RFC 6665 §4.2.1.2: each SUBSCRIBE is followed by the state at once; one for no time is the last word.
    fn extend(&mut self, now: Instant, id: AccountId, seconds: u32) {
        if seconds == 0 {
            return self.subscription_over(now, id);
        }
        let until = now + Duration::from_secs(seconds.into());
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.until = until;
        }
        self.timers.set(Timer::Subscription(id), Some(until));
        self.notify(now, id, &format!("active;expires={seconds}"));
    }

    /// The subscription has not been renewed, or is given up.
    pub(super) fn subscription_over(&mut self, now: Instant, id: AccountId) {
        self.notify(now, id, "terminated;reason=timeout");
        self.forget_subscription(id);
    }

    /// The phone is gone.
    pub(super) fn forget_subscription(&mut self, id: AccountId) {
        self.subscriptions.remove(&id);
        self.timers.set(Timer::Subscription(id), None);
    }

    /// RFC 6665 §4.2.2: a subscriber that does not know its subscription, or never answers, has none.
    pub(super) fn notify_decided(&mut self, id: AccountId, response: Option<&Response>) {
        if response.is_none_or(|response| matches!(response.status, 408 | 481 | 489)) {
            self.forget_subscription(id);
        }
    }
}
