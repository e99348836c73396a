//! Our requests, each from its first copy to its final response: RFC 3261 §8.1 over the transactions of `client`.

use super::auth;
use super::client::{Client, ClientId, Expiry, Owner, Receipt};
use super::dialog::Dialog;
use super::message::{Method, Request, Response};
use super::ua::{Timer, Ua};
use super::{AccountKind, Discard, Hop};
use crate::limits::SIP_TRANSACTIONS;
use crate::units::{AccountId, Instant};

impl Ua {
    /// A response: to its transaction, and to whoever waits for it.
    pub(super) fn response(&mut self, now: Instant, response: &Response) {
        let via = response.via();
        let id = via.branch().and_then(|branch| ClientId::of(branch, &response.cseq().1));
        let Some((id, client)) = id.and_then(|id| Some((id, self.clients.get_mut(&id)?))) else {
            return self.discard(Discard::StrayResponse);
        };
        let receipt = client.receive(now, response.status);
        self.timers.set(Timer::Client(id), client.deadline());
        match receipt {
            Receipt::Absorbed => {}
            Receipt::Provisional => self.provisional(now, id, response),
            Receipt::Final => {
                self.finally(now, id, Some(response));
                self.client_over(id);
            }
            Receipt::Again => self.again(now, id, response),
        }
    }

    fn provisional(&mut self, now: Instant, id: ClientId, response: &Response) {
        let Some(client) = self.clients.get(&id) else { return };
        if client.cancel_wanted {
            self.send_cancel(now, id);
        } else if let Owner::Call(leg) = client.owner {
            self.call_proceeds(now, leg, response);
        }
    }

    /// A request of ours has its final response, or (`None`) will never have one.
    pub(super) fn finally(&mut self, now: Instant, id: ClientId, response: Option<&Response>) {
        let Some(client) = self.clients.get(&id) else { return };
        let to = client.to;
        let invite = client.request.method == Method::Invite;
        if let Some(response) = response.filter(|response| invite && response.status >= 300) {
            let ack = client.ack_refusal(response).emit();
            self.send_ack(id, response.to().tag(), to, ack);
        }
        self.decided(now, id, response);
    }

    /// [`Self::finally`], acknowledged if need be.
    pub(super) fn decided(&mut self, now: Instant, id: ClientId, response: Option<&Response>) {
        let Some(client) = self.clients.get(&id) else { return };
        let (owner, account) = (client.owner, client.account);
        let invite = client.request.method == Method::Invite;
        let wanted = !invite || owner != Owner::Nobody;
        if response.is_some_and(|response| response.status == 503) && self.elsewhere(now, id) {
            return;
        }
        if let Some(response) = response.filter(|response| wanted && matches!(response.status, 401 | 407))
            && self.challenged(now, id, response)
        {
            return;
        }
        match owner {
            Owner::Call(leg) => self.call_decided(now, id, leg, response),
            Owner::Refresh(leg) => self.refresh_decided(now, id, leg, response),
            Owner::Info(leg, digit, held) => self.info_decided(leg, (digit, held), response),
            Owner::Refer(leg) => self.refer_decided(leg, response),
            Owner::Report(leg) => self.report_decided(leg, response),
            Owner::Aside(_) => {}
            Owner::Notify(account) => self.notify_decided(account, response),
            Owner::Register(account) => self.register_decided(now, account, response),
            Owner::Nobody => {
                if let Some(response) = response.filter(|response| invite && response.status < 300) {
                    self.ack_and_bye(now, id, account, response);
                }
            }
        }
    }

    /// One more final response to an INVITE: the ACK was lost, or another branch of a fork answered.
    fn again(&mut self, now: Instant, id: ClientId, response: &Response) {
        let Some(client) = self.clients.get(&id) else { return };
        let remote = response.to();
        let known = client.ack(remote.tag()).map(|(to, ack)| (to, ack.to_vec()));
        let account = client.account;
        match known {
            Some((to, ack)) => self.send(to, ack),
            None if response.status < 300 => self.ack_and_bye(now, id, account, response),
            None => {}
        }
    }

    /// A 2xx that no leg wants: the INVITE was given up, or forked. RFC 3261 §13.2.2.4: ACK, then BYE; after a
    /// re-INVITE the ACK alone, for BYE ended its dialog before.
    pub(super) fn ack_and_bye(
        &mut self,
        now: Instant,
        id: ClientId,
        account: AccountId,
        response: &Response,
    ) {
        let Some(client) = self.clients.get(&id) else { return };
        let flow = self.flow_of(account, client.to);
        let mut dialog = Dialog::of_invite(&client.request, flow);
        dialog.learn(response);
        let opens = client.request.to().tag().is_none();
        if self.ack_success(id, &dialog) && opens {
            self.bye(now, account, &mut dialog);
        }
    }

    /// Acknowledges a 2xx end to end. False if too many peers have answered this INVITE.
    pub(super) fn ack_success(&mut self, id: ClientId, dialog: &Dialog) -> bool {
        let Some(client) = self.clients.get(&id) else { return false };
        let mut ack = dialog.ack(client.request.cseq().0);
        // RFC 3261 §22.1: the ACK repeats the credentials of its INVITE, as nobody can challenge it.
        for name in ["Authorization", "Proxy-Authorization"] {
            if let Some(value) = client.request.headers.first(name) {
                ack.headers.set(name, value);
            }
        }
        let branch = ClientId::new(self.random.bits()).branch();
        let to = dialog.hop();
        ack.headers.push_front("Via", self.via(to, &branch));
        self.send_ack(id, dialog.remote.tag(), to, ack.emit())
    }

    fn send_ack(&mut self, id: ClientId, tag: Option<&str>, to: Hop, ack: Vec<u8>) -> bool {
        let kept = self.clients.get_mut(&id).is_some_and(|client| client.keep_ack(tag, to, ack.clone()));
        if kept {
            self.send(to, ack);
        }
        kept
    }

    /// Ends a dialog towards the peer.
    pub(super) fn bye(&mut self, now: Instant, account: AccountId, dialog: &mut Dialog) {
        let request = dialog.request(Method::Bye);
        self.start(now, request, dialog.hop(), account, Owner::Nobody);
    }

    /// Answers a challenge by the same request with credentials. False if there is nothing (more) to say.
    fn challenged(&mut self, now: Instant, id: ClientId, response: &Response) -> bool {
        let cnonce = self.random.token();
        let Some(client) = self.clients.get(&id) else { return false };
        let Some(AccountKind::RegisterAt(upstream)) = self.account(client.account).map(|a| &a.kind) else {
            return false;
        };
        let (asked, says) = match response.status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let mut request = client.request.clone();
        let challenges: Vec<&str> = response.headers.all(asked).collect();
        // A password is for its realm: nobody else learns what can be tried against it.
        let ours = upstream.realm.as_ref().map(|realm| auth::of_realm(&challenges, realm));
        let challenges = ours.as_ref().map_or(challenges, |ours| ours.iter().map(String::as_str).collect());
        let (user, password) = (upstream.auth_user.as_str(), upstream.secret.as_str());
        let uri = request.uri.to_string();
        let asked = auth::Asked { method: &request.method, uri: &uri, body: &request.body };
        let Some(answer) = auth::answer(&challenges, user, password, asked, 1, &cnonce) else {
            return false;
        };
        let nonce = nonce_of(&answer);
        // One more try only for a fresh nonce: one wrong password must not make a thousand requests.
        if client.tries >= 2 || (client.tries == 1 && client.nonce == nonce) {
            return false;
        }
        let (to, account, owner, tries) = (client.to, client.account, client.owner, client.tries + 1);
        // RFC 3261 §8.1.3.5: same Call-ID, From and To; next CSeq; new branch.
        let seq = self.next_seq(owner).unwrap_or(request.cseq().0 + 1);
        request.headers.remove("Via");
        request.headers.set("CSeq", format!("{seq} {}", request.method));
        request.headers.set(says, answer);
        let Some(again) = self.start(now, request, to, account, owner) else { return false };
        if let Some(client) = self.clients.get_mut(&again) {
            (client.nonce, client.tries) = (nonce, tries);
        }
        self.moved(owner, again);
        true
    }

    pub(super) fn next_seq(&mut self, owner: Owner) -> Option<u32> {
        match owner {
            Owner::Call(leg)
            | Owner::Refresh(leg)
            | Owner::Info(leg, ..)
            | Owner::Refer(leg)
            | Owner::Report(leg)
            | Owner::Aside(leg) => {
                let dialog = &mut self.legs.get_mut(&leg)?.dialog;
                dialog.local_seq += 1;
                Some(dialog.local_seq)
            }
            Owner::Register(account) => Some(self.registrations.get_mut(&account)?.next_seq()),
            Owner::Notify(_) | Owner::Nobody => None,
        }
    }

    /// The owner's request goes on under another transaction.
    pub(super) fn moved(&mut self, owner: Owner, id: ClientId) {
        match owner {
            Owner::Call(leg) => self.call_moved(leg, id),
            Owner::Refresh(leg) => {
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.exchange = Some(id);
                }
            }
            Owner::Info(..)
            | Owner::Refer(_)
            | Owner::Report(_)
            | Owner::Aside(_)
            | Owner::Notify(_)
            | Owner::Register(_)
            | Owner::Nobody => {}
        }
    }

    /// Sends a request in a new client transaction. `None` if the table is full: then it is sent once, untracked.
    pub(super) fn start(
        &mut self,
        now: Instant,
        mut request: Request,
        to: Hop,
        account: AccountId,
        owner: Owner,
    ) -> Option<ClientId> {
        if let Owner::Register(account) = owner
            && let Some(registration) = self.registrations.get_mut(&account)
        {
            registration.sent = now;
        }
        let id = ClientId::new(self.random.bits());
        request.headers.push_front("Via", self.via(to, &id.branch()));
        let mut client = Client::new(now, request, to, account, owner);
        if let Some(stream) = self.stream_for(&client) {
            client = self.carried_by(now, client, stream, id);
            client.else_to = Some(to);
        }
        let to = client.to;
        if !self.room() {
            self.discard(Discard::Full);
            if owner == Owner::Nobody {
                self.send(to, client.bytes);
            }
            return None;
        }
        self.send(to, client.bytes.clone());
        self.track(id, client);
        Some(id)
    }

    pub(super) fn track(&mut self, id: ClientId, client: Client) {
        self.timers.set(Timer::Client(id), client.deadline());
        self.clients.insert(id, client);
    }

    /// Sends CANCEL for an INVITE that has a provisional response, RFC 3261 §9.1.
    pub(super) fn send_cancel(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.cancelled(now);
        let (deadline, to, account) = (client.deadline(), client.to, client.account);
        let cancel = Client::new(now, client.cancel(), to, account, Owner::Nobody);
        self.timers.set(Timer::Client(id), deadline);
        self.send(to, cancel.bytes.clone());
        if self.room() {
            self.track(id.cancel(), cancel);
        }
    }

    /// There is room for one more client transaction: half of all, so that a flood from outside takes none of them.
    fn room(&self) -> bool {
        self.clients.len() < SIP_TRANSACTIONS / 2
    }

    /// A timer of a client transaction.
    pub(super) fn client_timeout(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        match client.expire(now) {
            Expiry::Early => {}
            Expiry::Resend => {
                let (to, bytes) = (client.to, client.bytes.clone());
                self.send(to, bytes);
            }
            Expiry::TimedOut => {
                self.finally(now, id, None);
                self.clients.remove(&id);
            }
            Expiry::Gone => {
                self.clients.remove(&id);
            }
        }
        self.timers.set(Timer::Client(id), self.clients.get(&id).and_then(Client::deadline));
    }
}

fn nonce_of(credentials: &str) -> Option<String> {
    let (_, value) = credentials.split_once(" nonce=\"").or_else(|| credentials.split_once(",nonce=\""))?;
    value.split_once('"').map(|(nonce, _)| nonce.to_owned())
}
