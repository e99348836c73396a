//! Replaces, RFC 3891: a call that takes the place of another one, as when a phone takes over another's call.

use super::Side;
use super::grammar::{Invalid, is_token, parse_params};
use super::leg::State;
use super::message::Request;
use super::ua::Ua;
use crate::units::{AccountId, LegId};
use core::fmt;
use core::str::FromStr;

/// A dialog, named by who is at its other end, RFC 3891 §6.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of whoever reads this.
    pub to_tag: String,
    /// The tag of the other end.
    pub from_tag: String,
    /// Only while it is not answered.
    pub early_only: bool,
}

impl FromStr for Replaces {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (call_id, params) = text.split_once(';').ok_or(Invalid::Parameter)?;
        let call_id = call_id.trim();
        if call_id.is_empty() {
            return Err(Invalid::Empty);
        }
        if call_id.bytes().any(|b| b <= b' ' || b == 0x7F || b == b',') {
            return Err(Invalid::Character);
        }
        let params = parse_params(params)?;
        // RFC 3891 §6.1: exactly one of each.
        let tag = |wanted: &str| {
            let mut found = params.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            match (found.next(), found.next()) {
                (Some((_, Some(tag))), None) if is_token(tag) => Ok(tag.clone()),
                _ => Err(Invalid::Parameter),
            }
        };
        Ok(Self {
            call_id: call_id.to_owned(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.iter().any(|(name, _)| name.eq_ignore_ascii_case("early-only")),
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        f.write_str(if self.early_only { ";early-only" } else { "" })
    }
}

impl Ua {
    /// The leg that is meant, whoever asks.
    pub(super) fn named(&self, replaces: &Replaces) -> Option<LegId> {
        let id = *self.dialogs.get(&(replaces.call_id.clone(), replaces.to_tag.clone()))?;
        let leg = self.legs.get(&id)?;
        let tag = replaces.from_tag.as_str();
        let known = match &leg.state {
            // Each branch of a fork that has rung is an early dialog of its own.
            State::Calling { .. } => leg.early.iter().any(|branch| branch.has_tag(tag)),
            State::Incoming { .. } | State::Up => leg.dialog.remote.tag() == Some(tag),
        };
        known.then_some(id)
    }

    /// Both are phones of the house. A provider's calls are replaced by nobody, and it replaces none.
    pub(super) fn are_of_the_house(&self, one: AccountId, other: AccountId) -> bool {
        let phone = |id| self.account(id).is_some_and(|account| account.side == Side::Phone);
        phone(one) && phone(other)
    }

    /// The leg in whose place an INVITE wants to be, or the status that refuses it, RFC 3891 §3.
    pub(super) fn replaced(&self, account: AccountId, request: &Request) -> Result<Option<LegId>, u16> {
        let mut values = request.headers.all("Replaces");
        let Some(value) = values.next() else { return Ok(None) };
        let replaces: Replaces = value.parse().map_err(|_| 400_u16)?;
        if values.next().is_some() {
            return Err(400);
        }
        let id = self.named(&replaces).ok_or(481_u16)?;
        let leg = self.legs.get(&id).ok_or(481_u16)?;
        match &leg.state {
            // The other end has asked for an early dialog: only who asked may give it to another.
            State::Incoming { .. } => Err(481),
            _ if leg.ended || !self.are_of_the_house(account, leg.account) => Err(603),
            State::Up if replaces.early_only => Err(486),
            State::Up | State::Calling { .. } => Ok(Some(id)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for text in
            ["a@b;to-tag=1;from-tag=2", "98732@sip.example;to-tag=r33th4x0r;from-tag=ff87ff;early-only"]
        {
            assert_eq!(text.parse::<Replaces>().unwrap().to_string(), text);
        }
        let mixed: Replaces = " c ; From-Tag = x ;to-tag=y;other=1".parse().unwrap();
        assert_eq!(mixed.to_string(), "c;to-tag=y;from-tag=x");
    }

    #[test]
    fn what_names_no_dialog() {
        let cases = [
            ("", Invalid::Parameter),
            ("c", Invalid::Parameter),
            (";to-tag=1;from-tag=2", Invalid::Empty),
            ("c d;to-tag=1;from-tag=2", Invalid::Character),
            ("c;to-tag=1", Invalid::Parameter),
            ("c;from-tag=1", Invalid::Parameter),
            ("c;to-tag;from-tag=2", Invalid::Parameter),
            ("c;to-tag=1;to-tag=1;from-tag=2", Invalid::Parameter),
            ("c;to-tag=1;from-tag=\"2\"", Invalid::Parameter),
            ("c;to-tag=1;from-tag=2,d;to-tag=1;from-tag=2", Invalid::Parameter),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Replaces>(), Err(why), "{text:?}");
        }
    }
}
