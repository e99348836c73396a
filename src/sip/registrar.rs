//! Phones that register here, RFC 3261 §10.3. One phone per account: the newest authenticated REGISTER counts.

use super::message::Request;
use super::ua::{Timer, Ua};
use super::value::{NameAddr, Uri};
use super::{Discard, Event, Hop};
use crate::units::{AccountId, Instant};
use core::time::Duration;

/// Shortest and longest lifetime of a registration, seconds. A phone that has lost power is missed within the hour.
const LIFETIME: (u32, u32) = (60, 3600);

/// Where a phone is.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Its Contact: the Request-URI of calls to it.
    pub contact: Uri,
    /// Source address of its REGISTER: where calls to it are sent, through whatever NAT there is.
    pub flow: Hop,
    call_id: String,
    seq: u32,
    expires_at: Instant,
}

/// What a REGISTER asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    /// Nothing but the list of contacts.
    Query,
    /// A contact for so many seconds.
    Bind(Uri, u32),
    /// All contacts gone.
    Clear,
    /// One contact gone.
    Remove(Uri),
    /// `*` with a lifetime, or beside other contacts: 400.
    Nonsense,
}

impl Ua {
    /// REGISTER.
    pub(super) fn registering(&mut self, now: Instant, request: &Request, from: Hop) {
        let Some(id) = self.phone_named(&request.to().uri).map(|account| account.id) else {
            self.discard(Discard::Stranger);
            self.suspect(now, from);
            return self.reply(request, from, 403);
        };
        if !self.verified(now, request, from, id) || self.refuses_extension(request, from) {
            return;
        }
        // RFC 3261 §10.3, 7: a REGISTER that was overtaken by a later one changes nothing.
        let seq = request.cseq().0;
        if self.bindings.get(&id).is_some_and(|known| known.call_id == request.call_id() && seq < known.seq) {
            return self.reply(request, from, 500);
        }
        let absent = !self.bindings.contains_key(&id);
        match wish(request) {
            Wish::Nonsense => return self.reply(request, from, 400),
            Wish::Bind(_, seconds) if seconds < LIFETIME.0 => {
                return self.reply_with(request, from, 423, &[("Min-Expires", &LIFETIME.0.to_string())]);
            }
            Wish::Bind(contact, seconds) => {
                let expires_at = now + Duration::from_secs(seconds.min(LIFETIME.1).into());
                let call_id = request.call_id().to_owned();
                self.bindings.insert(id, Binding { contact, flow: from, call_id, seq, expires_at });
                self.timers.set(Timer::Binding(id), Some(expires_at));
                self.tell(Event::PhoneRegistered(id, from.addr));
            }
            Wish::Clear => self.unbind(id),
            Wish::Remove(contact) => {
                if self.bindings.get(&id).is_some_and(|known| known.contact == contact) {
                    self.unbind(id);
                }
            }
            Wish::Query => {}
        }
        self.list_contacts(now, request, from, id);
        if absent {
            self.remind(now, id);
        }
    }

    /// 200 with the contact as it is now, RFC 3261 §10.3, 8.
    fn list_contacts(&mut self, now: Instant, request: &Request, from: Hop, id: AccountId) {
        let contact = self.bindings.get(&id).map(|known| {
            let left = known.expires_at.since(now).as_secs();
            format!("{};expires={left}", NameAddr::new(known.contact.clone()))
        });
        let fields: Vec<(&str, &str)> = contact.iter().map(|contact| ("Contact", contact.as_str())).collect();
        self.reply_with(request, from, 200, &fields);
    }

    /// The phone has signed off, or has not refreshed in time.
    pub(super) fn unbind(&mut self, id: AccountId) {
        self.timers.set(Timer::Binding(id), None);
        self.forget_subscription(id);
        if self.bindings.remove(&id).is_some() {
            self.tell(Event::PhoneGone(id));
        }
    }
}

fn wish(request: &Request) -> Wish {
    let default = request.headers.first("Expires").and_then(seconds).unwrap_or(LIFETIME.1);
    let contacts: Vec<&str> = request.headers.all("Contact").collect();
    if contacts.contains(&"*") {
        // RFC 3261 §10.2.2: `*` stands alone and with Expires 0.
        return if contacts.len() == 1 && default == 0 { Wish::Clear } else { Wish::Nonsense };
    }
    let mut wish = Wish::Query;
    for contact in contacts {
        let Ok(contact) = contact.parse::<NameAddr>() else { return Wish::Nonsense };
        match contact.param("expires").and_then(seconds).unwrap_or(default) {
            // Beside a contact that stays, one that goes is already gone: there is only one.
            0 if matches!(wish, Wish::Bind(..)) => {}
            0 => wish = Wish::Remove(contact.uri),
            seconds => wish = Wish::Bind(contact.uri, seconds),
        }
    }
    wish
}

fn seconds(value: &str) -> Option<u32> {
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::sip::message::Method;

    #[test]
    fn what_a_register_wishes() {
        let uri = |text: &str| text.parse::<Uri>().expect("a URI");
        let (a, b) = (uri("sip:p@10.0.0.1"), uri("sip:p@10.0.0.2"));
        let cases: [(&[&str], Option<&str>, Wish); 9] = [
            (&[], None, Wish::Query),
            (&["<sip:p@10.0.0.1>"], None, Wish::Bind(a.clone(), 3600)),
            (&["<sip:p@10.0.0.1>;expires=90"], Some("600"), Wish::Bind(a.clone(), 90)),
            (&["<sip:p@10.0.0.1>"], Some("600"), Wish::Bind(a.clone(), 600)),
            (&["<sip:p@10.0.0.1>"], Some("0"), Wish::Remove(a.clone())),
            (&["<sip:p@10.0.0.1>;expires=300", "<sip:p@10.0.0.2>;expires=0"], None, Wish::Bind(a, 300)),
            (&["<sip:p@10.0.0.1>;expires=0", "<sip:p@10.0.0.2>"], Some("120"), Wish::Bind(b, 120)),
            (&["*"], Some("0"), Wish::Clear),
            (&["*"], None, Wish::Nonsense),
        ];
        for (contacts, expires, wished) in cases {
            let own = NameAddr::new(uri("sip:p@box"));
            let mut request = Request::new(Method::Register, uri("sip:box"), &own, &own, "1", 1);
            for contact in contacts {
                request.headers.push("Contact", *contact);
            }
            if let Some(expires) = expires {
                request.headers.push("Expires", expires);
            }
            assert_eq!(wish(&request), wished, "{contacts:?} {expires:?}");
        }
    }
}
