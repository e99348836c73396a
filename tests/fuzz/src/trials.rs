//! What must hold for any bytes. The fuzzer finds them; the ordinary tests replay those that were kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use core::time::Duration;
use hold_slayer::limits::{LEGS, SIP_TRANSACTIONS};
use hold_slayer::sip::auth::{Asked, Verifier, answer as credentials};
use hold_slayer::sip::framing::{Frame, Stream};
use hold_slayer::sip::message::{Message, Method, Reject, Request, parse};
use hold_slayer::sip::offer::{answer, read_answer};
use hold_slayer::sip::value::{NameAddr, Uri, Via};
use hold_slayer::sip::{
    Account, AccountKind, Caller, Cause, Command, Event, Hop, Identity, Input, LocalMedia, Manner, Output,
    Progress, Side, Ua, ua,
};
use hold_slayer::sip::{Protection, Srtp};
use hold_slayer::units::{AccountId, Codec, Digit, Instant, LegId};
use std::net::SocketAddr;

/// A datagram: what is accepted says the same after it was written and read again.
pub fn message(bytes: &[u8]) {
    match parse(bytes) {
        Ok(message) => {
            let again = match &message {
                Message::Request(request) => request.emit(),
                Message::Response(response) => response.emit(),
            };
            let Ok(read) = parse(&again) else { panic!("{}", String::from_utf8_lossy(&again)) };
            assert_eq!(counted(read), counted(message));
        }
        Err(Reject::Answer(answer)) => {
            assert!(answer.starts_with(b"SIP/2.0 ") && answer.len() <= bytes.len() * 2 + 200);
        }
        Err(Reject::Drop) => {}
    }
}

/// A stream, in pieces as its first byte says: however it is cut, the same comes of it, and nothing grows.
pub fn framing(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    assert_eq!(framed(bytes, usize::from(*first) + 1), framed(bytes, 4096));
}

fn framed(bytes: &[u8], piece: usize) -> (Vec<Frame>, bool) {
    let (mut stream, mut frames) = (Stream::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        assert!(stream.room() >= piece.len(), "a stream that is read has room");
        stream.push(piece);
        loop {
            match stream.frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

/// Content-Length is the writer's business: it counts again and puts the field last.
fn counted(mut message: Message) -> Message {
    match &mut message {
        Message::Request(request) => request.headers.remove("Content-Length"),
        Message::Response(response) => response.headers.remove("Content-Length"),
    }
    message
}

/// The value parsers: what is read is written as it was meant.
pub fn values(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(value) = text.parse::<NameAddr>() {
        assert_eq!(value.to_string().parse(), Ok(value));
    }
    if let Ok(value) = text.parse::<Uri>() {
        let _ = (value.user_decoded(), value.addr());
        assert_eq!(value.to_string().parse(), Ok(value));
    }
    if let Ok(mut value) = text.parse::<Via>() {
        assert_eq!(value.to_string().parse(), Ok(value.clone()));
        value.learn(addr(1));
        assert!(value.to_string().parse::<Via>().is_ok());
    }
}

/// An offer: what we answer can be read, and refuses no more and no fewer streams than were offered.
pub fn sdp(bytes: &[u8]) {
    let (local, protection) = (media(), Protection::default());
    for policy in [Srtp::Optional, Srtp::Required] {
        let protection = Protection::new(policy, &[1; 32], 1);
        if let Ok((text, session)) = answer(bytes, &local, &protection, 1, 1) {
            assert_eq!(text.contains("a=crypto:"), session.keys.is_some());
        }
        let _ = read_answer(bytes, &local, &protection);
    }
    if let Ok((text, session)) = answer(bytes, &local, &protection, 1, 1) {
        assert_eq!(read_answer(bytes, &local, &protection).map(|s| s.remote), Ok(session.remote));
        assert!(read_answer(text.as_bytes(), &local, &protection).is_ok());
        assert!(text.lines().filter(|line| line.starts_with("m=")).count() >= 1);
    }
}

/// Challenges and credentials: nobody gets in without the password, and what we say is one line.
pub fn digest(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let verifier = Verifier::new("box", [3; 32]);
    let verdict = verifier.check(Instant(1), &text, &Method::Invite, "sip:h", |_| Some("a long secret"));
    assert!(verdict.is_err());
    if let Some(line) = credentials(&[&text], "u", "p", Asked::bare(&Method::Invite, "sip:h"), 1, "c") {
        assert!(line.starts_with("Digest username=\"u\", "));
    }
}

fn addr(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 5060))
}

fn media() -> LocalMedia {
    LocalMedia { addr: SocketAddr::from(([10, 0, 0, 2], 4000)), codecs: vec![Codec::Pcmu, Codec::Pcma] }
}

/// Reads the fuzzer's bytes as a story.
struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn chunk(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte().unwrap_or_default()).min(self.0.len());
        let (chunk, rest) = self.0.split_at(length);
        self.0 = rest;
        chunk
    }
}

/// The user agent between a peer that may say anything at any time and a switchboard that may order anything.
struct Stage {
    ua: Ua,
    now: Instant,
    legs: Vec<LegId>,
    /// To tags of our responses, From tags and Call-IDs of our requests.
    dialogs: Vec<(String, String)>,
    asked: Option<Request>,
    /// What was sent last: a copy of it needs no second look.
    last: Vec<u8>,
    seq: u32,
    calls: u32,
}

const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "INFO",
    "UPDATE",
    "PRACK",
    "REFER",
    "NOTIFY",
    "SUBSCRIBE",
    "MESSAGE",
    "FLY",
];
const FIELDS: [&str; 17] = [
    "",
    "Require: 100rel\r\n",
    "Supported: timer, 100rel\r\nAllow: INVITE, UPDATE, REFER\r\n",
    "Session-Expires: 90;refresher=uac\r\n",
    "Session-Expires: 1800;refresher=uas\r\nSupported: timer\r\n",
    "Session-Expires: 1\r\nSupported: timer\r\n",
    "Min-SE: 4000\r\n",
    "RSeq: 1\r\nRequire: 100rel\r\n",
    "RAck: 1 1 INVITE\r\n",
    "Refer-To: <sip:1@b?Replaces=c%3Bto-tag%3Da%3Bfrom-tag%3Dp>\r\n",
    "Refer-To: <sip:123@b>\r\n",
    "Event: message-summary\r\nExpires: 600\r\n",
    "Event: refer\r\nSubscription-State: active\r\n",
    "Expires: 5\r\n",
    "Record-Route: <sip:10.0.0.9;lr>\r\n",
    "Content-Type: multipart/mixed;boundary=b\r\n",
    "Replaces: c1;to-tag=a;from-tag=p\r\n",
];
const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n";

/// Most that happens in one story: a longer one finds nothing that several short ones do not.
const STEPS: usize = 40;

/// The whole user agent: no panic, no output without end, no memory beyond its tables, and time always goes on.
pub fn machine(bytes: &[u8]) {
    let account = |id, side, kind| Account {
        id: AccountId(id),
        side,
        kind,
        identity: Identity::default(),
        srtp: Default::default(),
    };
    let phone = AccountKind::RegistersHere { user: "phone".into(), secret: "secret".into() };
    let accounts = vec![
        account(1, Side::Trunk, AccountKind::Static { addr: Hop::udp(addr(1)) }),
        account(2, Side::Phone, phone),
        account(3, Side::Phone, AccountKind::Static { addr: Hop::udp(addr(3)) }),
    ];
    let config = ua::Config {
        local: addr(2),
        tls_port: 0,
        accounts,
        realm: "box".into(),
        for_help: vec!["911".into()],
        seed: 1,
        key_seed: [3; 32],
    };
    let mut stage = Stage {
        ua: Ua::new(config),
        now: Instant(1_000_000),
        legs: Vec::new(),
        dialogs: Vec::new(),
        asked: None,
        last: Vec::new(),
        seq: 0,
        calls: 0,
    };
    let mut tape = Tape(bytes);
    for _ in 0..STEPS {
        let Some(what) = tape.byte() else { break };
        stage.act(what, &mut tape);
    }
    // Whatever was left open ends by itself, or by our hanging up.
    for leg in core::mem::take(&mut stage.legs) {
        stage.input(Input::Command(Command::Hangup(leg, Cause::Normal)));
    }
    for _ in 0..2_000 {
        let Some(at) = stage.ua.deadline() else { return };
        stage.now = stage.now.max(at);
        stage.input(Input::Timeout);
    }
    panic!("after everybody hung up it still has something to do");
}

impl Stage {
    fn act(&mut self, what: u8, tape: &mut Tape<'_>) {
        match what % 8 {
            0 => {
                let bytes = tape.chunk();
                self.input(Input::Message { from: Hop::udp(addr(1)), bytes });
            }
            1 => {
                self.now += Duration::from_millis(u64::from(tape.byte().unwrap_or(1)) * 400);
                self.input(Input::Timeout);
            }
            2 => self.order(tape),
            3 | 4 => self.ask(tape),
            5 => self.reply(tape),
            6 => {
                self.calls += 1;
                let leg = LegId::outgoing(self.calls);
                self.legs.push(leg);
                let account = AccountId(tape.byte().unwrap_or_default() % 4);
                let (to, caller) = (String::from_utf8_lossy(tape.chunk()).into_owned(), Caller::default());
                let manner = Manner::default();
                self.input(Input::Command(Command::Call {
                    leg,
                    account,
                    to,
                    caller,
                    media: media(),
                    manner,
                }));
            }
            _ => {
                if let Some(at) = self.ua.deadline() {
                    self.now = self.now.max(at);
                    self.input(Input::Timeout);
                }
            }
        }
    }

    fn order(&mut self, tape: &mut Tape<'_>) {
        let Some(leg) = self.pick(tape) else { return };
        let digit = Digit::from_char('5').expect("a key");
        let command = match tape.byte().unwrap_or_default() % 11 {
            0 => Command::Ringing(leg),
            1 => Command::Progress(leg, media()),
            2 => Command::Answer(leg, media()),
            3 => Command::Hangup(leg, Cause::Busy),
            4 => Command::Info(leg, digit, Duration::from_millis(200)),
            5 => Command::Hold(leg, true),
            6 => Command::Waiting(AccountId(2), u32::from(tape.byte().unwrap_or_default())),
            7 => Command::Refer(leg, "300".into(), self.pick(tape)),
            8 => Command::Report(leg, Progress::Ringing),
            9 => Command::Report(leg, Progress::Failed(Cause::Busy)),
            _ => Command::Hold(leg, false),
        };
        self.input(Input::Command(command));
    }

    fn pick(&self, tape: &mut Tape<'_>) -> Option<LegId> {
        let at = usize::from(tape.byte()?);
        self.legs.get(at % self.legs.len().max(1)).copied()
    }

    /// A request of a peer, in a dialog or out of any.
    fn ask(&mut self, tape: &mut Tape<'_>) {
        let mut number = || usize::from(tape.byte().unwrap_or_default());
        let (method, field, other, dialog, flags) = (number(), number(), number(), number(), number());
        let method = METHODS[method % METHODS.len()];
        self.seq += u32::from(flags & 1 == 0);
        let known = self.dialogs.get(dialog % self.dialogs.len().max(1)).filter(|_| flags & 2 == 0);
        let (call_id, tag) = known.cloned().unwrap_or((format!("c{}", self.seq), String::new()));
        let tag = if tag.is_empty() { tag } else { format!(";tag={tag}") };
        let body = if flags & 4 == 0 { SDP.as_bytes() } else { tape.chunk() };
        let head = format!(
            "{method} sip:100@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKp{};rport\r\n\
             From: <sip:peer@10.0.0.1>;tag=p\r\nTo: <sip:100@10.0.0.2>{tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {} {method}\r\nContact: <sip:p@10.0.0.1:5070>\r\n{}{}Content-Length: {}\r\n\r\n",
            self.seq,
            self.seq,
            FIELDS[field % FIELDS.len()],
            FIELDS[other % FIELDS.len()],
            body.len()
        );
        let from = addr(if flags & 8 == 0 { 1 } else { 3 });
        let bytes = [head.as_bytes(), body].concat();
        self.input(Input::Message { from: Hop::udp(from), bytes: &bytes });
    }

    /// A response to our last request.
    fn reply(&mut self, tape: &mut Tape<'_>) {
        const STATUSES: [u16; 16] =
            [100, 180, 183, 199, 200, 202, 302, 401, 407, 408, 422, 481, 486, 487, 491, 503];
        let Some(request) = self.asked.clone() else { return };
        let mut number = || usize::from(tape.byte().unwrap_or_default());
        let (status, field, flags) = (number(), number(), number());
        let mut response = request.respond(STATUSES[status % STATUSES.len()], "x");
        if response.to().tag().is_none() {
            response.headers.set("To", request.to().with_tag(&format!("t{}", flags >> 4)).to_string());
        }
        response.headers.push("Contact", "<sip:t@10.0.0.1:5070>");
        for line in FIELDS[field % FIELDS.len()].lines() {
            if let Some((name, value)) = line.split_once(": ") {
                response.headers.push(name, value);
            }
        }
        if flags & 1 == 0 {
            response.body = SDP.as_bytes().to_vec();
        }
        let bytes = response.emit();
        self.input(Input::Message { from: Hop::udp(addr(1)), bytes: &bytes });
    }

    fn input(&mut self, input: Input<'_>) {
        self.ua.handle(self.now, input);
        let mut outputs = 0;
        while let Some(output) = self.ua.poll() {
            outputs += 1;
            assert!(outputs <= 4 * SIP_TRANSACTIONS, "an input has an endless consequence");
            match output {
                Output::Send { bytes, .. } => self.sent(&bytes),
                Output::Event(Event::Incoming { leg, .. }) => self.legs.push(leg),
                Output::Event(Event::Ended(leg, _)) => self.legs.retain(|known| *known != leg),
                Output::Event(_) => {}
            }
        }
        assert!(self.legs.len() <= LEGS);
        if let Some(next) = self.ua.deadline() {
            assert!(next > self.now, "a deadline stands still");
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        if bytes == b"\r\n\r\n" || bytes == self.last {
            return;
        }
        bytes.clone_into(&mut self.last);
        let dialog = match parse(bytes) {
            Ok(Message::Request(request)) => {
                let dialog =
                    (request.call_id().to_owned(), request.from().tag().unwrap_or_default().to_owned());
                if request.method != Method::Ack {
                    self.asked = Some(request);
                }
                dialog
            }
            Ok(Message::Response(response)) => {
                (response.call_id().to_owned(), response.to().tag().unwrap_or_default().to_owned())
            }
            Err(why) => panic!("it sent what it would not take: {why:?} {}", String::from_utf8_lossy(bytes)),
        };
        if !self.dialogs.contains(&dialog) {
            self.dialogs.push(dialog);
            if self.dialogs.len() > 16 {
                self.dialogs.remove(0);
            }
        }
    }
}
