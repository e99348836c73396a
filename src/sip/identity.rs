//! Who we are to a peer, and who calls whom in what a peer sends: the many places of one number.

use super::hop::Hop;
use super::message::Request;
use super::ua::Ua;
use super::value::{NameAddr, Uri};
use super::{Account, AccountKind, Caller, Side};
use crate::units::AccountId;
use core::time::Duration;

/// What a provider prescribes beyond the account itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// User part of From; empty: the account's user.
    pub from_user: String,
    /// User part of our Contact; empty: the account's user.
    pub contact_user: String,
    /// Where the caller's own number is shown.
    pub shown_in: ShownIn,
    /// Where the number that an incoming call was dialled to stands.
    pub called_in: CalledIn,
    /// The session interval that it is asked for, RFC 4028 §4; `None`: half an hour; zero: it is not asked.
    pub session_timer: Option<Duration>,
    /// How often the way to its registrar is kept open; `None`: every 29 s.
    pub keep_alive: Option<Duration>,
}

/// The header field that shows a caller's number where it differs from the account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShownIn {
    /// From itself.
    From,
    /// P-Asserted-Identity, RFC 3325 §9.1.
    #[default]
    Asserted,
    /// P-Preferred-Identity, RFC 3325 §9.2.
    Preferred,
    /// Remote-Party-ID, of a draft that never became an RFC and that many providers still read.
    RemoteParty,
}

impl ShownIn {
    /// Every place with its name in the configuration.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("from", Self::From),
        ("pai", Self::Asserted),
        ("ppi", Self::Preferred),
        ("rpid", Self::RemoteParty),
    ];
}

/// The place of the dialled number in an incoming INVITE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CalledIn {
    /// The Request-URI.
    #[default]
    Uri,
    /// To.
    To,
    /// P-Called-Party-ID, RFC 7315 §4.2.
    CalledParty,
    /// Diversion, RFC 5806.
    Diversion,
}

impl CalledIn {
    /// Every place with its name in the configuration.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("uri", Self::Uri),
        ("to", Self::To),
        ("p-called-party-id", Self::CalledParty),
        ("diversion", Self::Diversion),
    ];
}

impl Ua {
    /// From of a call by us, without tag: on a trunk that we register at our own address of record, RFC 3261 §8.1.1.3.
    pub(super) fn caller_address(&self, account: &Account, caller: &Caller) -> NameAddr {
        let (identity, local) = (&account.identity, self.config.local);
        // RFC 3323 §4.1.1.3
        let anonymous = |name| NameAddr::named(name, Uri::sip("anonymous", "anonymous.invalid", None));
        if caller.private {
            return anonymous("Anonymous");
        }
        let shown = if identity.shown_in == ShownIn::From { caller.number.as_str() } else { "" };
        match &account.kind {
            AccountKind::RegisterAt(upstream) => {
                let user = first([shown, &identity.from_user, &upstream.user]);
                NameAddr::named(&caller.name, Uri::sip(user, &upstream.domain, None))
            }
            _ => match first([shown, &identity.from_user, &caller.number]) {
                "" => anonymous(&caller.name),
                user => NameAddr::named(&caller.name, Uri::at(user, local)),
            },
        }
    }

    /// The header fields, besides From, that show a caller or hide him.
    pub(super) fn shown(&self, account: &Account, caller: &Caller) -> Vec<(&'static str, String)> {
        if account.side == Side::Phone {
            return Vec::new();
        }
        let identity = &account.identity;
        let (user, domain) = match &account.kind {
            AccountKind::RegisterAt(upstream) => (upstream.user.as_str(), upstream.domain.clone()),
            _ => ("", self.config.local.ip().to_string()),
        };
        let own = first([&identity.from_user, user]);
        let number = first([&caller.number, own]);
        let mut fields = Vec::new();
        // The provider must know whom it serves even where the callee must not, RFC 3325 §5.
        let told = caller.private || (number != own && identity.shown_in != ShownIn::From);
        if told && !number.is_empty() && account.kind.user_here().is_none() {
            let address = NameAddr::named(&caller.name, Uri::sip(number, &domain, None)).to_string();
            fields.push(match identity.shown_in {
                ShownIn::Asserted => ("P-Asserted-Identity", address),
                ShownIn::From | ShownIn::Preferred => ("P-Preferred-Identity", address),
                ShownIn::RemoteParty => {
                    let privacy = if caller.private { "full" } else { "off" };
                    ("Remote-Party-ID", format!("{address};party=calling;screen=no;privacy={privacy}"))
                }
            });
        }
        if caller.private {
            // RFC 3323 §4.2, RFC 3325 §9.3.
            fields.push(("Privacy", "id".to_owned()));
        }
        fields
    }

    /// Who a peer says is calling: on a trunk the provider's assertion, RFC 3325 §9.1, else From.
    pub(super) fn caller_of(&self, id: AccountId, request: &Request) -> Caller {
        let trunk = self.account(id).is_some_and(|account| account.side == Side::Trunk);
        let told = |name| request.headers.all(name).find_map(|value| value.parse::<NameAddr>().ok());
        let asserted = told("P-Asserted-Identity").or_else(|| told("Remote-Party-ID"));
        let shown = asserted.filter(|_| trunk).unwrap_or_else(|| request.from());
        let number = shown.uri.user_decoded();
        let anonymous = number.eq_ignore_ascii_case("anonymous") || shown.uri.host == "anonymous.invalid";
        // RFC 3325 §7: an identity under Privacy is for those who carry the call, not for who is called.
        let hidden =
            request.headers.all("Privacy").flat_map(|value| value.split(';')).any(|value| {
                ["id", "user", "header"].iter().any(|kind| value.trim().eq_ignore_ascii_case(kind))
            }) || shown.param("privacy").is_some_and(|value| value.eq_ignore_ascii_case("full"));
        if trunk && hidden {
            return Caller { private: true, ..Caller::default() };
        }
        let name = shown.display.chars().filter(|c| !c.is_control()).collect();
        Caller { name, number: if anonymous { String::new() } else { number }, private: anonymous }
    }

    /// The number that was dialled, where this provider puts it; the Request-URI's where it is not there.
    pub(super) fn called_of(&self, id: AccountId, request: &Request) -> String {
        let told = |name| request.headers.all(name).find_map(|value| value.parse::<NameAddr>().ok());
        let place = self.account(id).map(|account| account.identity.called_in).unwrap_or_default();
        let found = match place {
            CalledIn::Uri => None,
            CalledIn::To => Some(request.to()),
            CalledIn::CalledParty => told("P-Called-Party-ID"),
            CalledIn::Diversion => told("Diversion"),
        };
        let called = found.map(|address| address.uri.user_decoded()).filter(|user| !user.is_empty());
        called.unwrap_or_else(|| request.uri.user_decoded())
    }

    /// Several accounts at one provider's address are told apart by the Contact that we registered: the Request-URI.
    pub(super) fn addressed(&self, request: &Request, from: Hop) -> Option<AccountId> {
        let called = request.uri.user_decoded();
        let mut at = self.config.accounts.iter().filter(
            |account| matches!(&account.kind, AccountKind::RegisterAt(upstream) if upstream.addr.ip() == from.ip()),
        );
        at.clone().nth(1)?;
        at.find(|account| self.contact_user(account) == called).map(|account| account.id)
    }

    /// User part of our Contact towards this account.
    pub(super) fn contact_user<'a>(&'a self, account: &'a Account) -> &'a str {
        let user = match &account.kind {
            AccountKind::RegisterAt(upstream) => upstream.user.as_str(),
            AccountKind::RegistersHere { .. } | AccountKind::Paired { .. } | AccountKind::Static { .. } => {
                "box"
            }
        };
        first([&account.identity.contact_user, user])
    }
}

/// The first that is not empty, else empty.
fn first<const N: usize>(texts: [&str; N]) -> &str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or("")
}
