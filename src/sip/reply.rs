//! Our responses: reason phrases, tags, what we can do; with a transaction or without.

use super::message::{Method, Request, Response};
pub use super::multipart::{Body, body, is_described};
use super::server::{Server, ServerId};
use super::ua::{Timer, Ua};
use super::{Discard, Hop};
use crate::limits::SIP_TRANSACTIONS;
use crate::units::{Instant, LegId};
use std::net::SocketAddr;

/// Methods we take, RFC 3261 §20.5.
pub const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REGISTER, SUBSCRIBE, REFER, NOTIFY";
/// Extensions we know, RFC 3261 §20.37.
pub const SUPPORTED: &str = "timer, 100rel, replaces, norefersub";
/// Media type of a session description.
pub const SDP: &str = "application/sdp";

/// The usual words for a status that we send.
const fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        486 => "Busy Here",
        487 => "Request Terminated",
        489 => "Bad Event",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Server Internal Error",
    }
}

impl Ua {
    /// A response with a To tag: `tag`, or one that the same request always gets, RFC 3261 §8.2.7.
    pub(super) fn respond(&self, request: &Request, status: u16, tag: Option<&str>) -> Response {
        let mut response = request.respond(status, reason(status));
        let to = request.to();
        if to.tag().is_none() && status > 100 {
            let via = request.via();
            let seen = format!("{} {}", request.call_id(), via.branch().unwrap_or_default());
            let tag = tag.map_or_else(|| format!("{:016x}", self.random.of(&seen)), str::to_owned);
            response.headers.set("To", to.with_tag(&tag).to_string());
        }
        response
    }

    /// The To tag of our stateless answers to this request and to its CANCEL and ACK.
    pub(super) fn stateless_tag(&self, request: &Request) -> String {
        let via = request.via();
        let seen = format!("{} {}", request.call_id(), via.branch().unwrap_or_default());
        format!("{:016x}", self.random.of(&seen))
    }

    /// Answers without a transaction: copies of the request get the same answer again.
    pub(super) fn reply(&mut self, request: &Request, from: Hop, status: u16) {
        self.reply_with(request, from, status, &[]);
    }

    /// [`Self::reply`] with further header fields.
    pub(super) fn reply_with(&mut self, request: &Request, from: Hop, status: u16, fields: &[(&str, &str)]) {
        let mut response = self.respond(request, status, None);
        for (name, value) in fields {
            response.headers.push(name, *value);
        }
        self.send(way_back(request, from), response.emit());
    }

    /// Opens a server transaction. False, with 503 sent, if the table is full.
    pub(super) fn serve(&mut self, request: &Request, id: &ServerId, from: Hop, leg: Option<LegId>) -> bool {
        if self.servers.len() >= SIP_TRANSACTIONS / 2 {
            self.discard(Discard::Full);
            self.reply_with(request, from, 503, &[("Retry-After", "10")]);
            return false;
        }
        let invite = request.method == Method::Invite;
        let mut server = Server::new(invite, way_back(request, from), leg);
        server.else_to = way_anew(request, from);
        self.servers.insert(id.clone(), server);
        true
    }

    /// Sends a response in its transaction.
    pub(super) fn answer_with(&mut self, now: Instant, id: &ServerId, response: &Response) {
        let Some(server) = self.servers.get_mut(id) else { return };
        let bytes = response.emit();
        if server.respond(now, response.status, bytes.clone()) {
            let (to, deadline) = (server.to, server.deadline());
            self.timers.set(Timer::Server(id.clone()), deadline);
            self.send(to, bytes);
            if response.status >= 200 {
                self.server_over(id.clone());
            }
        }
    }

    /// OPTIONS: what we can do, in or out of a dialog, RFC 3261 §11.2.
    pub(super) fn options(&mut self, request: &Request, from: Hop) {
        if self.refuses_extension(request, from) {
            return;
        }
        // RFC 3261 §12.2.2: asked within a dialog, it asks whether there still is one.
        if request.to().tag().is_some() && self.leg_of(request).is_none() {
            return self.reply(request, from, 481);
        }
        let fields =
            [("Allow", ALLOW), ("Accept", SDP), ("Supported", SUPPORTED), ("Accept-Encoding", "identity")];
        self.reply_with(request, from, 200, &fields);
    }

    /// Requests outside of dialogs for which there is no use here.
    pub(super) fn out_of_dialog(&mut self, request: &Request, from: Hop) {
        match request.method {
            _ if self.peer_at(from).is_none() && self.phone_named(&request.from().uri).is_none() => {
                self.discard(Discard::Stranger);
                self.reply(request, from, 403);
            }
            // RFC 3261 §12.2.2: these live in dialogs only.
            Method::Bye | Method::Update | Method::Info | Method::Prack | Method::Notify => {
                self.reply(request, from, 481);
            }
            // Whoever wants a call made calls, so that all that guards a call guards it.
            Method::Refer => self.reply(request, from, 603),
            Method::Other(_) => self.reply_with(request, from, 501, &[("Allow", ALLOW)]),
            _ => self.reply_with(request, from, 405, &[("Allow", ALLOW)]),
        }
    }

    /// Answers 420 if the request requires what we do not know, RFC 3261 §8.2.2.3.
    pub(super) fn refuses_extension(&mut self, request: &Request, from: Hop) -> bool {
        let known = |token: &&str| SUPPORTED.split(", ").any(|known| known.eq_ignore_ascii_case(token));
        let unknown: Vec<&str> = request.headers.all("Require").filter(|token| !known(token)).collect();
        if unknown.is_empty() {
            return false;
        }
        let unknown = unknown.join(", ");
        self.reply_with(request, from, 420, &[("Unsupported", &unknown), ("Supported", SUPPORTED)]);
        true
    }
}

/// Where responses go, RFC 3261 §18.2.2 and RFC 3581 §4: to the source, unless the peer does not ask for that and no
/// NAT stands between, for then it may listen at the port that it names.
/// On a stream they go back on the connection that the request came on.
pub fn way_back(request: &Request, from: Hop) -> Hop {
    let via = request.via();
    let plain = !from.transport.is_reliable() && !via.wants_rport() && via.host.parse() == Ok(from.ip());
    if plain { Hop::udp(SocketAddr::new(from.ip(), via.port.unwrap_or(5060))) } else { from }
}

/// RFC 3261 §18.2.2: where the peer takes connections, for responses to a request whose own connection is gone.
fn way_anew(request: &Request, from: Hop) -> Option<Hop> {
    let port = request.via().port.unwrap_or(from.transport.port());
    let anew = Hop::new(from.transport, SocketAddr::new(from.ip(), port));
    from.transport.is_reliable().then_some(anew)
}
