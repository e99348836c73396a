//! SIP as the box needs it: a user agent for both sides, pure and bounded.
//!
//! [`Ua`] knows the protocol and nothing of calls: transactions, dialogs, offer and answer, registration and digest
//! live here; what a leg is *for* is the switchboard's business. Bytes go in, bytes and [`Event`]s come out.

pub mod auth;
mod cause;
mod client;
mod crypto;
mod dialog;
mod digit;
pub mod framing;
mod grammar;
mod guard;
mod header;
mod hold;
mod hop;
mod identity;
mod incoming;
mod invite;
mod leg;
mod locate;
pub mod message;
mod midcall;
mod multipart;
mod normalise;
pub mod offer;
mod peer;
mod random;
mod refer;
mod refresh;
mod register;
mod registrar;
mod reliable;
mod replaces;
mod reply;
mod request;
mod sdp;
mod server;
mod timers;
pub mod ua;
#[cfg(test)]
mod ua_tests;
mod uri;
pub mod value;
mod waiting;

pub use crypto::{Protection, Srtp};
pub use hop::{Hop, Transport};
pub use identity::{CalledIn, Identity, ShownIn};
pub use ua::Ua;
pub use uri::plain;

use crate::units::{AccountId, Codec, Digit, Instant, LegId, SrtpKeys};
use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

/// What the world or the switchboard tells the user agent.
#[allow(clippy::large_enum_variant)] // as with `Output`: it is moved once
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram from the wire, or a message that [`framing`] has cut out of a stream.
    Message {
        /// Where it came from.
        from: Hop,
        /// The raw bytes.
        bytes: &'a [u8],
    },
    /// There is no way to this neighbour: no connection could be made, or the one that there was is gone. What was
    /// sent last may be lost. Never said of UDP.
    Lost(Hop),
    /// An order of the switchboard.
    Command(Command),
    /// A deadline has passed; nothing else happened.
    Timeout,
}

/// What the user agent wants done or known.
// An event is moved once, out of the queue; a box would be one more allocation for each.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Output {
    /// Send this: as a datagram, or on the connection to there, which is made if there is none.
    Send {
        /// Next hop.
        to: Hop,
        /// A whole SIP message.
        bytes: Vec<u8>,
    },
    /// Tell the switchboard.
    Event(Event),
}

/// Who a peer is and how either side proves it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its place in the configuration.
    pub id: AccountId,
    /// Which side of the box it is on.
    pub side: Side,
    /// How it is known.
    pub kind: AccountKind,
    /// What it prescribes of names and numbers.
    pub identity: Identity,
    /// Whether its sound is encrypted.
    pub srtp: Srtp,
}

/// The two sides of the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The provider's.
    Trunk,
    /// The household's.
    Phone,
}

/// How a peer and the box know each other.
#[derive(Clone)]
pub enum AccountKind {
    /// The box registers there, RFC 3261 §10.2, and answers challenges.
    RegisterAt(Upstream),
    /// The peer registers here, RFC 3261 §10.3, and is challenged for REGISTER and INVITE.
    RegistersHere {
        /// User part of its address of record, and its digest user name.
        user: String,
        /// Its digest password.
        secret: String,
    },
    /// As `RegistersHere`, by a phone that was paired: its password is kept nowhere.
    Paired {
        /// User part of its address of record, and its digest user name.
        user: String,
        /// [`auth::ha1`] of user, our realm and password.
        ha1: String,
    },
    /// Known by its address alone; nobody registers and nobody is challenged.
    Static {
        /// Requests come from this IP address (any port and transport) and go to this address and port.
        addr: Hop,
    },
}

impl AccountKind {
    /// The user of a phone that registers here.
    pub fn user_here(&self) -> Option<&str> {
        match self {
            Self::RegistersHere { user, .. } | Self::Paired { user, .. } => Some(user),
            Self::RegisterAt(_) | Self::Static { .. } => None,
        }
    }
}

/// What proves who somebody is does not get into a log.
impl core::fmt::Debug for AccountKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::RegisterAt(upstream) => f.debug_tuple("RegisterAt").field(upstream).finish(),
            Self::RegistersHere { user, .. } => {
                f.debug_struct("RegistersHere").field("user", user).finish_non_exhaustive()
            }
            Self::Paired { user, .. } => f.debug_struct("Paired").field("user", user).finish_non_exhaustive(),
            Self::Static { addr } => f.debug_struct("Static").field("addr", addr).finish(),
        }
    }
}

/// A provider the box registers at.
#[derive(Clone)]
pub struct Upstream {
    /// Resolved address of the registrar or outbound proxy; requests from its IP belong to this account.
    pub addr: Hop,
    /// Host part of the Request-URI of REGISTER, and of From and To.
    pub domain: String,
    /// User part of the address of record.
    pub user: String,
    /// Digest user name; often the same as `user`.
    pub auth_user: String,
    /// Digest password.
    pub secret: String,
    /// The only realm whose challenges are answered; `None`: any.
    pub realm: Option<String>,
    /// Asked-for lifetime of the registration; the granted one counts.
    pub expires: Duration,
}

/// Without the password.
impl core::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { addr, domain, user, auth_user, secret: _, realm, expires } = self;
        let mut shown = f.debug_struct("Upstream");
        shown.field("addr", addr).field("domain", domain).field("user", user).field("auth_user", auth_user);
        shown.field("realm", realm).field("expires", expires).finish_non_exhaustive()
    }
}

/// The identity shown by a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Display name, empty if none.
    pub name: String,
    /// Number or user part, empty if withheld.
    pub number: String,
    /// He does not want to be shown, RFC 3323.
    pub private: bool,
}

/// How a call is made, besides by whom and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Max-Forwards, RFC 3261 §8.1.1.6: for a call that goes on one that came, what that has left, less one. So a loop
    /// through the box ends.
    pub hops: u8,
    /// The word in Alert-Info, RFC 3261 §20.4, by which a phone tells this ring from others.
    pub alert: Option<&'static str>,
    /// Sound in the clear will do, whatever the account's policy is.
    pub clear: bool,
}

impl Default for Manner {
    /// A call that begins here and rings as any other.
    fn default() -> Self {
        Self { hops: 70, alert: None, clear: false }
    }
}

/// The box's own end of a leg's sound.
#[derive(Clone, Debug)]
pub struct LocalMedia {
    /// Address and port written into our SDP, where we receive RTP.
    pub addr: SocketAddr,
    /// Codecs we accept, in order of preference. Never empty.
    pub codecs: Vec<Codec>,
}

/// What offer and answer settled for one leg, RFC 3264.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Where the peer wants RTP.
    pub remote: SocketAddr,
    /// Coding in both directions.
    pub codec: Codec,
    /// Payload type the peer wants audio to carry.
    pub payload_type: u8,
    /// Payload type the peer wants telephone-events to carry, RFC 4733; `None` if it takes none.
    pub event_type: Option<u8>,
    /// Where the peer wants RTCP: beside its RTP, where it says (RFC 3605), or on the same port if both sides said so
    /// (RFC 5761). `None`: nowhere.
    pub rtcp: Option<SocketAddr>,
    /// The peer takes sound from us: false while it holds us or sends only.
    pub send: bool,
    /// The peer sends sound to us.
    pub receive: bool,
    /// SRTP both ways, RFC 4568; `None`: in the clear.
    pub keys: Option<SrtpKeys>,
}

/// Orders to the user agent. An order for a leg that has ended is ignored: the two cross.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open a leg: send INVITE with an offer.
    Call {
        /// Made by `LegId::outgoing`.
        leg: LegId,
        /// The trunk or phone to call. A phone that is not registered ends the leg at once with `Unavailable`.
        account: AccountId,
        /// User part of the Request-URI: the dialled number.
        to: String,
        /// Shown to the callee.
        caller: Caller,
        /// Our end of the sound.
        media: LocalMedia,
        /// The rest.
        manner: Manner,
    },
    /// Incoming leg: 180 Ringing.
    Ringing(LegId),
    /// Incoming leg: 183 with an answer: early media, RFC 3261 §13.3.1.1 and RFC 3960.
    Progress(LegId, LocalMedia),
    /// Incoming leg: 200 OK with an answer (or with the offer, if the INVITE had none).
    Answer(LegId, LocalMedia),
    /// End the leg in whatever state it is: a final response, CANCEL, or BYE. Emits [`Event::Ended`] as well.
    Hangup(LegId, Cause),
    /// Send a digit, held for so long, by INFO (`application/dtmf-relay`) where the peer takes no telephone-events.
    Info(LegId, Digit, Duration),
    /// Hold the peer (true) or take it back: a re-INVITE with `sendonly` or `sendrecv`, RFC 3264 §8.4. What an adapter
    /// does on a hook flash; the box itself holds nobody this way.
    Hold(LegId, bool),
    /// Ask the peer of this leg to call somebody else, RFC 3515: the number, or in the place of another leg of ours
    /// whoever is at its other end, RFC 3891. [`Event::Referred`] tells how it goes; a peer that takes no REFER is told
    /// at once as `Failed` with status 405.
    Refer(LegId, String, Option<LegId>),
    /// How the transfer goes that this leg's peer has asked for. The first report answers its REFER.
    Report(LegId, Progress),
    /// So many missed calls and ended holds wait for the owner of this phone, RFC 3842: its lamp or stutter tone.
    Waiting(AccountId, u32),
    /// The addresses of the upstream's registrar are known, or have changed: the best first, RFC 3263 §4. `addr` of its
    /// account may be anything before. An empty list changes nothing.
    Locate(AccountId, Vec<Hop>),
    /// Our own address of this family has changed or is known: new legs with peers of that family show it, and every
    /// registration there is made anew with it.
    Relocate(IpAddr),
    /// A phone was paired: it may register from now on. An account of the same number is replaced.
    Admit(Account),
    /// A phone was taken away: its registration and its password count no more.
    Dismiss(AccountId),
    /// Register the account now (at start, and when the owner asks for it; otherwise the user agent refreshes by itself).
    Register(AccountId),
    /// Take the registration away, RFC 3261 §10.2.2. Emits nothing more for the account.
    Unregister(AccountId),
}

/// Facts from the user agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A peer calls. Answer with `Ringing`, `Progress`, `Answer` or `Hangup`. 100 Trying has been sent.
    Incoming {
        /// Made by `LegId::incoming`.
        leg: LegId,
        /// Authenticated, or known by address.
        account: AccountId,
        /// User part of the Request-URI.
        called: String,
        /// From P-Asserted-Identity (trunk side only) or From.
        caller: Caller,
        /// What the offer leaves us; `None` for an INVITE without SDP. An offer without a codec of ours has been
        /// answered 488 and never gets here.
        session: Option<Session>,
        /// Max-Forwards, at least 1: how many hops the call may still go.
        hops: u8,
        /// The leg of a phone in whose place it wants to be, RFC 3891: answer it and end that one.
        replaces: Option<LegId>,
    },
    /// Our INVITE has arrived somewhere: 100, or another 1xx that neither rings nor brings sound.
    Trying(LegId),
    /// Our INVITE got 180.
    Ringing(LegId),
    /// Our INVITE got early media: a 18x with SDP.
    Progress(LegId, Session),
    /// The leg is up. Sent for both directions, once the session is settled (incoming: on ACK with the answer if the
    /// offer was ours, else when the 200 goes out).
    Answered(LegId, Session),
    /// A re-INVITE or UPDATE was answered by itself (RFC 3264 §8): the session as it is now. `send == false` is a hold.
    Changed(LegId, Session),
    /// INFO told a digit or a hook flash, in any of its dialects, and how long it was held.
    Info(LegId, Digit, Duration),
    /// The peer takes no digits by INFO: this one has to go in-band.
    InfoRefused(LegId, Digit, Duration),
    /// The peer of this leg asks to be put through to somebody else, RFC 3515. Answer with `Report`, always.
    Refer {
        /// Whose peer asks. It is up.
        leg: LegId,
        /// User part of Refer-To: the number.
        to: String,
        /// Instead of a new call: whoever is joined to this leg, of the house as well.
        replaces: Option<LegId>,
        /// User part of Referred-By, RFC 3892: who wants it so; empty if nobody is named.
        by: String,
    },
    /// How the transfer goes that we have asked this leg's peer for.
    Referred(LegId, Progress),
    /// The leg is over. The last event of a leg, and sent exactly once.
    Ended(LegId, Cause),
    /// An upstream registration holds until about then.
    Registered(AccountId, Instant),
    /// How long an upstream took to answer our REGISTER.
    RoundTrip(AccountId, Duration),
    /// An upstream registration failed; the next try is at the given time. `Unauthorized`: the credentials were not
    /// accepted; `Rejected`: the account was refused (403).
    RegisterFailed(AccountId, Cause, Instant),
    /// A phone registered here, or refreshed.
    PhoneRegistered(AccountId, SocketAddr),
    /// A phone's registration ended or expired.
    PhoneGone(AccountId),
    /// Something was dropped; counted and shown on the page.
    Discarded(Discard),
}

/// Why a leg ended or a registration failed; maps to and from SIP status codes in `cause.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// BYE, or our own ordinary end of a call.
    Normal,
    /// The caller gave up before an answer: CANCEL, 487.
    Cancelled,
    /// Another phone of the house took the call: CANCEL with a Reason that says so, RFC 3326, so that none shows it as missed.
    Elsewhere,
    /// 486, 600.
    Busy,
    /// 480, 408 from the peer, or rang too long.
    NoAnswer,
    /// 403, 603, 607: refused by policy or by a person.
    Rejected,
    /// 404, 410, 484, 604: no such number.
    NoSuchNumber,
    /// 401/407 that our credentials do not satisfy.
    Unauthorized,
    /// 488, 606, or no codec in common.
    NotAcceptable,
    /// The peer does not encrypt its sound, or not in a way that we can do, and it must.
    Unencrypted,
    /// The provider asks for the password of another realm than the account names.
    OtherRealm,
    /// The phone is not registered, or the next hop is unknown or unreachable (430, 503, 5xx).
    Unavailable,
    /// No response at all, RFC 3261 §17.1.1.2 Timer B and §17.1.2.2 Timer F.
    Timeout,
    /// The box has no port, leg or transaction left.
    Congestion,
    /// Any other final status.
    Status(u16),
}

/// How a transfer goes, RFC 3515 §2.4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has begun.
    Trying,
    /// The callee rings.
    Ringing,
    /// The callee has answered.
    Done,
    /// It has not come about.
    Failed(Cause),
}

/// What was dropped silently. Each kind is a counter on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Discard {
    /// Not SIP, or SIP too broken to answer.
    Malformed,
    /// A response that fits no transaction.
    StrayResponse,
    /// An ACK that fits no dialog.
    StrayAck,
    /// A request from an address that belongs to no account.
    Stranger,
    /// A table was full.
    Full,
    /// A source sent more than its share.
    Flood,
    /// A source that has guessed too often.
    Banned,
}
