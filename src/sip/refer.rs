//! REFER, RFC 3515: a peer asks us to put its call through to somebody else, or we ask it to. What becomes of that is
//! told by NOTIFY, in the subscription that the REFER began.

use super::client::Owner;
use super::dialog::Dialog;
use super::leg::State;
use super::message::{Method, Request, Response};
use super::replaces::Replaces;
use super::server::ServerId;
use super::ua::{Timer, Ua};
use super::uri::unescape;
use super::value::{NameAddr, Scheme, Uri};
use super::{AccountKind, Cause, Event, Hop, Progress};
use crate::units::{AccountId, Instant, LegId};
use core::time::Duration;

/// The event package.
const PACKAGE: &str = "refer";
/// Media type of its state: the beginning of a response, RFC 3420.
const FRAGMENT: &str = "message/sipfrag;version=2.0";
/// How long the peer is told how it goes, and how long we wait to be told: longer than a telephone rings.
const LIFETIME: Duration = Duration::from_secs(180);

/// What a REFER asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// Whom to call.
    to: Uri,
    /// Whose call to take instead of a new one.
    replaces: Option<Replaces>,
    /// User part of Referred-By, RFC 3892; empty if there is none.
    by: String,
}

/// A transfer that a peer has asked for, until the last is told of it. One for each leg.
#[derive(Debug)]
pub struct Referral {
    /// The REFER, as long as it has no final response.
    open: Option<(ServerId, Box<Request>)>,
    /// Its CSeq number, which names the subscription, RFC 3515 §2.4.6.
    id: u32,
    /// The peer wants to hear nothing, RFC 4488.
    quiet: bool,
    account: AccountId,
    told: Progress,
    until: Instant,
    /// What the leg has left behind: the subscription outlives it, RFC 5057 §5.
    dialog: Option<Dialog>,
}

impl Ua {
    // ---- a peer asks ----

    /// REFER within a dialog.
    pub(super) fn referred(&mut self, now: Instant, leg: LegId, request: &Request, id: &ServerId) {
        let up = self.legs.get(&leg).filter(|leg| matches!(leg.state, State::Up) && !leg.ended);
        let Some(account) = up.map(|leg| leg.account).filter(|_| !self.referrals.contains_key(&leg)) else {
            return self.answer_plainly(now, id, request, 491);
        };
        let asked = match read(request) {
            Ok(asked) => asked,
            Err(status) => return self.answer_plainly(now, id, request, status),
        };
        let referral = Referral {
            open: Some((id.clone(), Box::new(request.clone()))),
            id: request.cseq().0,
            quiet: request.headers.first("Refer-Sub").is_some_and(|wanted| wanted.starts_with("false")),
            account,
            told: Progress::Trying,
            until: now + LIFETIME,
            dialog: None,
        };
        self.timers.set(Timer::Referral(leg), Some(referral.until));
        self.referrals.insert(leg, referral);
        let found =
            asked.replaces.map(|named| self.named(&named).filter(|other| self.is_at_home(leg, *other)));
        if found == Some(None) {
            // Not as the response: in a dialog 481 would end it, RFC 5057 §5.1.
            self.report(now, leg, Progress::Trying);
            return self.report(now, leg, Progress::Failed(Cause::Status(481)));
        }
        let to = asked.to.user_decoded();
        self.tell(Event::Refer { leg, to, replaces: found.flatten(), by: asked.by });
    }

    /// A phone proves who it is before calls are made for it, as it does with INVITE, RFC 3515 §5: by digest, or by its
    /// address. Otherwise the REFER has been answered.
    pub(super) fn may_refer(&mut self, now: Instant, leg: LegId, request: &Request, from: Hop) -> bool {
        let account = self.legs.get(&leg).and_then(|leg| self.account(leg.account));
        match account.map(|account| (account.id, &account.kind)) {
            Some((id, AccountKind::RegistersHere { .. } | AccountKind::Paired { .. })) => {
                self.verified(now, request, from, id)
            }
            Some((_, AccountKind::Static { addr })) if addr.ip() != from.ip() => {
                self.reply(request, from, 403);
                false
            }
            _ => true,
        }
    }

    fn is_at_home(&self, one: LegId, other: LegId) -> bool {
        let account = |id| self.legs.get(&id).map(|leg| leg.account);
        account(one).zip(account(other)).is_some_and(|(one, other)| self.are_of_the_house(one, other))
    }

    /// How it goes. The first report answers the REFER; only a refusal by policy does so with a failure, since others
    /// would end the dialog as well, RFC 5057 §5.1.
    pub(super) fn report(&mut self, now: Instant, leg: LegId, progress: Progress) {
        let Some(referral) = self.referrals.get_mut(&leg) else { return };
        if let Some((server, request)) = referral.open.take() {
            let unheard = referral.quiet && matches!(progress, Progress::Failed(_));
            if unheard || progress == Progress::Failed(Cause::Rejected) {
                self.forget_referral(leg);
                return self.answer_plainly(now, &server, &request, 603);
            }
            self.accept(now, leg, &server, &request);
        }
        self.tell_referrer(now, leg, progress, progress.is_final().then_some("noresource"));
    }

    /// RFC 3515 §2.4.4: 202, though what it began may fail.
    fn accept(&mut self, now: Instant, leg: LegId, server: &ServerId, request: &Request) {
        let Some(referral) = self.referrals.get(&leg) else { return };
        let mut response = self.respond(request, 202, None);
        response.headers.push("Contact", self.contact(referral.account));
        if referral.quiet {
            // RFC 4488 §4: agreed.
            response.headers.push("Refer-Sub", "false");
        }
        self.answer_with(now, server, &response);
    }

    /// NOTIFY, the last one if there is a reason for that, RFC 3515 §2.4.5.
    fn tell_referrer(&mut self, now: Instant, leg: LegId, progress: Progress, over: Option<&str>) {
        let Some(referral) = self.referrals.get_mut(&leg) else { return };
        referral.told = progress;
        let (id, account) = (referral.id, referral.account);
        let left = referral.until.since(now).as_secs();
        let dialog = self.legs.get_mut(&leg).map(|leg| &mut leg.dialog).or(referral.dialog.as_mut());
        if let Some(dialog) = dialog.filter(|_| !referral.quiet) {
            let (mut request, to) = (dialog.request(Method::Notify), dialog.hop());
            let state = over
                .map_or_else(|| format!("active;expires={left}"), |why| format!("terminated;reason={why}"));
            let (status, reason) = progress.to_status();
            request.headers.push("Contact", self.contact(account));
            request.headers.push("Event", format!("{PACKAGE};id={id}"));
            request.headers.push("Subscription-State", state);
            request.headers.push("Content-Type", FRAGMENT);
            request.body = format!("SIP/2.0 {status} {reason}\r\n").into_bytes();
            self.start(now, request, to, account, Owner::Report(leg));
        }
        if over.is_some() {
            self.forget_referral(leg);
        }
    }

    /// SUBSCRIBE to what a REFER began: to hear more, or no more, RFC 6665 §4.1.2.3.
    pub(super) fn asks_of_referral(&mut self, now: Instant, leg: LegId, request: &Request, id: &ServerId) {
        let Some(referral) = self.referrals.get(&leg).filter(|referral| referral.open.is_none()) else {
            return self.answer_plainly(now, id, request, 491);
        };
        let (told, account) = (referral.told, referral.account);
        let enough = request.headers.first("Expires").is_some_and(|value| value.trim() == "0");
        let left = if enough { 0 } else { referral.until.since(now).as_secs() };
        let mut response = self.respond(request, 200, None);
        response.headers.push("Contact", self.contact(account));
        response.headers.push("Expires", left.to_string());
        self.answer_with(now, id, &response);
        self.tell_referrer(now, leg, told, enough.then_some("timeout"));
    }

    /// It takes too long to be told of, or nobody has decided.
    pub(super) fn referral_timeout(&mut self, now: Instant, leg: LegId) {
        let Some(referral) = self.referrals.get(&leg) else { return };
        match (&referral.open, referral.told) {
            (Some(_), _) => self.report(now, leg, Progress::Failed(Cause::Rejected)),
            (None, told) => self.tell_referrer(now, leg, told, Some("timeout")),
        }
    }

    /// RFC 6665 §4.2.2: a peer that has forgotten its subscription, or never answers, is told no more.
    pub(super) fn report_decided(&mut self, leg: LegId, response: Option<&Response>) {
        if response.is_none_or(|response| matches!(response.status, 408 | 481 | 489)) {
            self.forget_referral(leg);
        }
    }

    fn forget_referral(&mut self, leg: LegId) {
        self.referrals.remove(&leg);
        self.timers.set(Timer::Referral(leg), None);
    }

    /// The leg is over, and what it began may go on.
    pub(super) fn keep_dialog(&mut self, leg: LegId, dialog: &Dialog) {
        if let Some(referral) = self.referrals.get_mut(&leg) {
            referral.dialog = Some(dialog.clone());
        }
    }

    // ---- we ask ----

    /// Asks the peer of a leg to call somebody else, in the place of the other leg if there is one.
    pub(super) fn refer(&mut self, now: Instant, id: LegId, to: &str, replaces: Option<LegId>) {
        let target = self.refer_to(id, to, replaces);
        let up = self.legs.get_mut(&id).filter(|leg| matches!(leg.state, State::Up) && !leg.ended);
        let Some(leg) = up else { return };
        let Some(target) = target.filter(|_| leg.takes_refer && !leg.referring) else {
            return self.tell(Event::Referred(id, Progress::Failed(Cause::Status(405))));
        };
        let (mut request, to, account) = (leg.dialog.request(Method::Refer), leg.dialog.hop(), leg.account);
        leg.referring = true;
        let own = NameAddr::new(leg.dialog.local.uri.clone());
        request.headers.push("Contact", self.contact(account));
        request.headers.push("Refer-To", NameAddr::new(target).to_string());
        request.headers.push("Referred-By", own.to_string());
        self.timers.set(Timer::Referring(id), Some(now + LIFETIME));
        if self.start(now, request, to, account, Owner::Refer(id)).is_none() {
            self.referring_ended(id, Progress::Failed(Cause::Congestion));
        }
    }

    fn refer_to(&self, id: LegId, to: &str, replaces: Option<LegId>) -> Option<Uri> {
        let account = self.account(self.legs.get(&id)?.account)?;
        let Some(other) = replaces else {
            return Some(match &account.kind {
                AccountKind::RegisterAt(upstream) => Uri::sip(to, &upstream.domain, None),
                AccountKind::Static { addr } => Uri::at(to, addr.addr),
                AccountKind::RegistersHere { .. } | AccountKind::Paired { .. } => {
                    Uri::at(to, self.config.local)
                }
            });
        };
        let dialog = &self.legs.get(&other).filter(|leg| matches!(leg.state, State::Up))?.dialog;
        // RFC 3891 §6.1: the tags as whoever will be called sees them, whose own is our remote one.
        let named = Replaces {
            call_id: dialog.call_id.clone(),
            to_tag: dialog.remote.tag()?.to_owned(),
            from_tag: dialog.local.tag()?.to_owned(),
            early_only: false,
        };
        Some(Uri {
            headers: Some(format!("Replaces={}", escape(&named.to_string()))),
            ..dialog.target.clone()
        })
    }

    /// How our REFER was answered.
    pub(super) fn refer_decided(&mut self, id: LegId, response: Option<&Response>) {
        match response {
            None => self.referring_ended(id, Progress::Failed(Cause::Timeout)),
            // RFC 4488 §4: it has agreed, and will say no more.
            Some(response) if response.status < 300 => {
                if response.headers.first("Refer-Sub").is_some_and(|told| told.starts_with("false")) {
                    self.referring_ended(id, Progress::Done);
                }
            }
            Some(response) => {
                self.referring_ended(id, Progress::Failed(Cause::from_status(response.status)));
                if response.status == 481 {
                    // RFC 3261 §12.2.1.2: the peer has forgotten the dialog.
                    self.end(id, Cause::Normal);
                }
            }
        }
    }

    /// NOTIFY within a dialog: how our REFER goes. It may come before the 202.
    pub(super) fn notified(&mut self, now: Instant, leg: LegId, request: &Request, id: &ServerId) {
        let package = request.headers.first("Event").and_then(|event| event.split(';').next());
        let ours = package.is_some_and(|package| package.trim().eq_ignore_ascii_case(PACKAGE));
        if !ours || !self.legs.get(&leg).is_some_and(|leg| leg.referring) {
            // RFC 6665 §4.1.3: nobody has subscribed.
            return self.answer_plainly(now, id, request, 481);
        }
        self.answer_plainly(now, id, request, 200);
        let state = request.headers.first("Subscription-State").unwrap_or_default();
        let over = state.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("terminated");
        match fragment(&request.body) {
            Some(progress) if progress.is_final() => self.referring_ended(leg, progress),
            _ if over => self.referring_ended(leg, Progress::Failed(Cause::NoAnswer)),
            Some(progress) => self.tell(Event::Referred(leg, progress)),
            None => {}
        }
    }

    /// Nothing final was told in time.
    pub(super) fn referring_timeout(&mut self, leg: LegId) {
        self.referring_ended(leg, Progress::Failed(Cause::Timeout));
    }

    fn referring_ended(&mut self, id: LegId, progress: Progress) {
        self.timers.set(Timer::Referring(id), None);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if core::mem::take(&mut leg.referring) && !leg.ended {
            self.tell(Event::Referred(id, progress));
        }
    }
}

impl Progress {
    /// Nothing follows.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed(_))
    }

    /// As the beginning of the response that the call got.
    const fn to_status(self) -> (u16, &'static str) {
        match self {
            Self::Trying => (100, "Trying"),
            Self::Ringing => (180, "Ringing"),
            Self::Done => (200, "OK"),
            Self::Failed(cause) => cause.to_status(),
        }
    }
}

/// What the first line of a response says.
fn fragment(body: &[u8]) -> Option<Progress> {
    let line = core::str::from_utf8(body).ok()?.lines().next()?;
    let status: u16 = line.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()?;
    match status {
        100..=179 => Some(Progress::Trying),
        180..=199 => Some(Progress::Ringing),
        200..=299 => Some(Progress::Done),
        300..=699 => Some(Progress::Failed(Cause::from_status(status))),
        _ => None,
    }
}

/// What a REFER asks for, or the status that refuses it.
fn read(request: &Request) -> Result<Asked, u16> {
    let only = |name: &str| -> Result<Option<NameAddr>, u16> {
        let mut values = request.headers.all(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.parse().map(Some).map_err(|_| 400),
            _ => Err(400),
        }
    };
    // RFC 3515 §2.4.2: exactly one; RFC 3892 §2.1: at most one.
    let mut to = only("Refer-To")?.ok_or(400_u16)?.uri;
    let by = only("Referred-By")?.map(|by| by.uri.user_decoded()).unwrap_or_default();
    let replaces = replaces_of(&to)?;
    let callable = matches!(to.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel);
    let invited = to.param("method").is_none_or(|method| method.eq_ignore_ascii_case("INVITE"));
    if !callable || !invited {
        // We make calls and nothing else; 416 would end the dialog, RFC 5057 §5.1.
        return Err(603);
    }
    to.headers = None;
    Ok(Asked { to, replaces, by })
}

/// The Replaces among the headers of a URI, RFC 3261 §19.1.1.
fn replaces_of(uri: &Uri) -> Result<Option<Replaces>, u16> {
    let headers = uri.headers.as_deref().unwrap_or_default().split('&');
    let mut found = headers.filter_map(|field| {
        let (name, value) = field.split_once('=')?;
        name.eq_ignore_ascii_case("Replaces").then_some(value)
    });
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => unescape(value).parse().map(Some).map_err(|_| 400),
        _ => Err(400),
    }
}

/// RFC 3261 §25.1 `hvalue`: what may not stand there as it is.
fn escape(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
