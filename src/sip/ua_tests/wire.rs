//! One user agent and a peer that writes its messages by hand.

use super::*;
use crate::sip::message::{self, Message, Request, Response};

/// The box with a static peer and a registering phone, and what it last sent and told.
pub struct Wire {
    pub ua: Ua,
    pub now: Instant,
    pub from: SocketAddr,
    pub sent: Vec<(SocketAddr, Message)>,
    pub told: Vec<Event>,
    pub tag: String,
    pub contact: &'static str,
    branch: u32,
}

pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
                   m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

pub fn sdp(direction: &str) -> String {
    format!("{SDP}a={direction}\r\n")
}

impl Wire {
    pub fn new() -> Self {
        let accounts = vec![
            (TRUNK, Side::Trunk, AccountKind::Static { addr: Hop::udp(addr(1)) }),
            (HANDSET, Side::Phone, registers_here("phone", "phone pass")),
        ];
        let (_, ua) = agent(2, 5, accounts);
        let (sent, told) = (Vec::new(), Vec::new());
        Self {
            ua,
            now: Instant(1_000_000),
            from: addr(1),
            sent,
            told,
            tag: String::new(),
            contact: "<sip:peer@10.0.0.1:5070>",
            branch: 0,
        }
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.ua.handle(self.now, input);
        self.sent.clear();
        self.told.clear();
        while let Some(output) = self.ua.poll() {
            match output {
                Output::Send { to, bytes } => match message::parse(&bytes) {
                    Ok(message) => self.sent.push((to.addr, message)),
                    Err(_) if bytes == b"\r\n\r\n" => {}
                    Err(why) => panic!("it sent what it would not take: {why:?}"),
                },
                Output::Event(event) => self.told.push(event),
            }
        }
    }

    pub fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        let from = self.from;
        self.input(Input::Message { from: Hop::udp(from), bytes });
    }

    pub fn wait(&mut self, time: Duration) {
        self.now += time;
        self.input(Input::Timeout);
    }

    /// A request of the peer: `head` holds further header lines.
    pub fn request(&mut self, method: &str, seq: u32, head: &str, body: &str) {
        self.branch += 1;
        self.request_again(method, seq, head, body);
    }

    /// The same with the branch of the one before.
    pub fn request_again(&mut self, method: &str, seq: u32, head: &str, body: &str) {
        let tag = if self.tag.is_empty() { String::new() } else { format!(";tag={}", self.tag) };
        let type_ = if body.is_empty() || head.contains("Content-Type") {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let text = format!(
            "{method} sip:100@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKp{};rport\r\n\
             From: <sip:peer@10.0.0.1>;tag=p\r\nTo: <sip:100@10.0.0.2>{tag}\r\nCall-ID: c\r\nCSeq: {seq} {method}\r\n\
             Contact: {}\r\n{head}{type_}Content-Length: {}\r\n\r\n{body}",
            self.branch,
            self.contact,
            body.len()
        );
        self.bytes(text.as_bytes());
        if let Some((_, Message::Response(response))) = self.sent.last()
            && self.tag.is_empty()
        {
            self.tag = response.to().tag().unwrap_or_default().to_owned();
        }
    }

    /// The last message, which is a response.
    pub fn response(&self) -> &Response {
        match self.sent.last() {
            Some((_, Message::Response(response))) => response,
            other => panic!("not a response: {other:?}"),
        }
    }

    /// The requests among what was sent.
    pub fn requests(&self) -> Vec<(SocketAddr, Request)> {
        let requests = self.sent.iter().filter_map(|(to, message)| match message {
            Message::Request(request) => Some((*to, request.clone())),
            Message::Response(_) => None,
        });
        requests.collect()
    }

    pub fn one(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].1.clone()
    }

    /// The peer answers a request of ours.
    pub fn reply(&mut self, request: &Request, status: u16, tag: &str, head: &[(&str, &str)], body: &str) {
        let mut response = request.respond(status, "x");
        if response.to().tag().is_none() {
            response.headers.set("To", request.to().with_tag(tag).to_string());
        }
        response.headers.push("Contact", format!("<sip:{tag}@10.0.0.1:5070>"));
        for (name, value) in head {
            response.headers.push(name, *value);
        }
        if !body.is_empty() {
            response.headers.push("Content-Type", "application/sdp");
            response.body = body.as_bytes().to_vec();
        }
        self.bytes(&response.emit());
    }

    /// An incoming leg, answered and acknowledged.
    pub fn incoming(head: &str) -> (Self, LegId) {
        let mut wire = Self::new();
        wire.request("INVITE", 1, head, SDP);
        let Some(Event::Incoming { leg, .. }) = wire.told.first().cloned() else { panic!("{:?}", wire.sent) };
        wire.command(Command::Answer(leg, media(2)));
        wire.tag = wire.response().to().tag().expect("a tag").to_owned();
        wire.request("ACK", 1, "", "");
        (wire, leg)
    }

    /// An outgoing leg before any response, and its INVITE.
    pub fn outgoing() -> (Self, LegId, Request) {
        let mut wire = Self::new();
        let (leg, invite) = wire.call(caller("", "1"));
        (wire, leg, invite)
    }

    /// Calls 100 on the trunk: the leg, and its INVITE.
    pub fn call(&mut self, caller: Caller) -> (LegId, Request) {
        let (leg, to) = (LegId::outgoing(1), "100".to_owned());
        let (media, manner) = (media(2), Manner::default());
        self.command(Command::Call { leg, account: TRUNK, to, caller, media, manner });
        (leg, self.one())
    }

    pub fn session(&self) -> Session {
        match self.told.as_slice() {
            [Event::Changed(_, session) | Event::Answered(_, session) | Event::Progress(_, session)] => {
                *session
            }
            other => panic!("no session: {other:?}"),
        }
    }
}

pub fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
