//! Which account a message belongs to, and the names both sides show each other.

use super::auth::{Denied, Known};
use super::crypto::{Protection, Srtp};
use super::dialog::Flow;
use super::message::Request;
use super::ua::Ua;
use super::uri::plain;
use super::value::{NameAddr, Scheme, Uri};
use super::{Account, AccountKind, Discard, Hop, Side};
use crate::units::{AccountId, Instant};

impl Ua {
    /// The account of this number.
    pub(super) fn account(&self, id: AccountId) -> Option<&Account> {
        self.config.accounts.iter().find(|account| account.id == id)
    }

    /// Keys for a new leg of this account.
    pub(super) fn protection(&mut self, id: AccountId) -> Protection {
        match self.account(id).map(|account| account.srtp) {
            None | Some(Srtp::Off) => Protection::default(),
            Some(policy) => Protection::new(policy, &self.config.key_seed, self.random.bits()),
        }
    }

    /// Keys for a leg that this request opens. No phone's call for help fails for how its sound is protected.
    pub(super) fn protection_of(&mut self, id: AccountId, invite: &Request) -> Protection {
        let phone = self.account(id).is_some_and(|account| account.side == Side::Phone);
        if phone && self.config.for_help.contains(&plain(&invite.uri.user_decoded())) {
            return Protection::new(Srtp::Optional, &self.config.key_seed, self.random.bits());
        }
        self.protection(id)
    }

    /// The provider or static peer at this address: the one at this very port, else any at this IP address.
    pub(super) fn peer_at(&self, from: Hop) -> Option<&Account> {
        let accounts = &self.config.accounts;
        let exact = accounts.iter().find(|account| fixed_addr(account) == Some(from));
        exact.or_else(|| {
            accounts.iter().find(|account| {
                let listed = self.targets.get(&account.id).is_some_and(|targets| targets.has(from.ip()));
                listed || fixed_addr(account).is_some_and(|addr| addr.ip() == from.ip())
            })
        })
    }

    /// The phone account whose user this URI names.
    pub(super) fn phone_named(&self, uri: &Uri) -> Option<&Account> {
        // Users of ours have SIP addresses: what stands after another scheme names nobody here.
        let name = Some(uri).filter(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips))?.user_decoded();
        self.config.accounts.iter().find(|account| account.kind.user_here() == Some(name.as_str()))
    }

    /// Who sends this request: by address, or by digest (RFC 3261 §22.2). `None`: it has been answered with a
    /// challenge or 403, and nothing of it is kept.
    pub(super) fn admit(&mut self, now: Instant, request: &Request, from: Hop) -> Option<AccountId> {
        if let Some(id) = self.addressed(request, from) {
            return Some(id);
        }
        let at = self.peer_at(from);
        if let Some(account) = at.filter(|account| fixed_addr(account) == Some(from)) {
            return Some(account.id);
        }
        // A phone may share its address with a static peer, so its name comes before the bare IP address.
        let named = self.phone_named(&request.from().uri).map(|account| account.id);
        // A caller who hides is anonymous in From, RFC 3323 §4.1.1.3: then it is the phone that registered from there.
        let bound = || self.bindings.iter().find(|(_, binding)| binding.flow == from).map(|(id, _)| *id);
        if let Some(id) = named.or_else(bound) {
            return self.verified(now, request, from, id).then_some(id);
        }
        let known = at.map(|account| account.id);
        if known.is_none() {
            self.discard(Discard::Stranger);
            self.suspect(now, from);
            self.reply(request, from, 403);
        }
        known
    }

    /// The request carries the right credentials for this phone account; otherwise it has been challenged.
    pub(super) fn verified(&mut self, now: Instant, request: &Request, from: Hop, id: AccountId) -> bool {
        let (user, known) = match self.account(id).map(|a| &a.kind) {
            Some(AccountKind::RegistersHere { user, secret }) => (user, Known::Password(secret)),
            Some(AccountKind::Paired { user, ha1 }) => (user, Known::Ha1(ha1)),
            _ => return false,
        };
        let uri = request.uri.to_string();
        let secret_of = |name: &str| (name == user).then_some(known);
        let verifier = self.verifier.towards(from.ip());
        let (mut denied, mut proved) = (Denied::Missing, false);
        for name in ["Authorization", "Proxy-Authorization"] {
            for header in request.headers.all(name) {
                match verifier.check(now, header, &request.method, &uri, secret_of) {
                    Ok(_) => proved = true,
                    Err(why) => denied = why,
                }
            }
        }
        if proved {
            self.trust(from);
            return true;
        }
        if denied == Denied::Wrong && self.suspect(now, from) {
            // The last word to a device that tries the same password again and again: 403 says what is wrong, and ends it.
            self.reply(request, from, 403);
            return false;
        }
        let challenge = verifier.challenge(now, denied == Denied::Stale);
        self.reply_with(request, from, 401, &[("WWW-Authenticate", &challenge)]);
        false
    }

    /// How requests in a dialog with this account travel, when it was last heard from at `seen`.
    pub(super) fn flow_of(&self, account: AccountId, seen: Hop) -> Flow {
        self.account(account).and_then(fixed_addr).map_or(Flow::Seen(seen), Flow::Fixed)
    }

    /// Our Contact towards this account: its user, and our address as its side of the network sees it.
    pub(super) fn contact(&self, id: AccountId) -> String {
        let user = self.account(id).map_or("box", |account| self.contact_user(account));
        let hop = self.hop_of(id);
        let own = || self.own_addr(hop);
        let addr = self.registrations.get(&id).map_or_else(own, |registration| registration.contact);
        NameAddr::new(Uri::at(user, addr).by(hop.transport)).to_string()
    }

    /// RFC 3261 §8.2.2.2: the request has come here before, by another way or longer ago than its transaction is kept.
    pub(super) fn merged(&self, request: &Request) -> bool {
        let (from, seq) = (request.from(), request.cseq().0);
        let first = (request.call_id().to_owned(), String::new());
        let of_call =
            self.dialogs.range(first..).take_while(|((call_id, _), _)| call_id == request.call_id());
        of_call.filter_map(|(_, leg)| self.legs.get(leg)).any(|leg| {
            let dialog = &leg.dialog;
            dialog.remote.tag() == from.tag() && dialog.remote_seq.is_some_and(|known| known >= seq)
        })
    }
}

/// The address of a peer that has one by configuration.
pub const fn fixed_addr(account: &Account) -> Option<Hop> {
    match &account.kind {
        AccountKind::RegisterAt(upstream) => Some(upstream.addr),
        AccountKind::Static { addr } => Some(*addr),
        AccountKind::RegistersHere { .. } | AccountKind::Paired { .. } => None,
    }
}
