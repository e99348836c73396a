//! Random, cut and damaged datagrams: nothing may panic, and what is accepted must hold together.

use super::{outcome, torture::messages};
use hold_slayer::sip::auth::{Asked, Verifier, answer as credentials};
use hold_slayer::sip::message::{Message, Method, Request, parse};
use hold_slayer::sip::offer::{answer, offer, read_answer};
use hold_slayer::sip::value::{NameAddr, Uri, Via};
use hold_slayer::sip::{LocalMedia, Protection, Srtp, Transport};
use hold_slayer::units::{Codec, Instant};
use std::net::SocketAddr;

/// Marsaglia's xorshift64: the same seed, the same noise.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// Characters that mean something to a parser, more often than chance would bring them.
    fn piece(&mut self) -> &'static [u8] {
        const PIECES: [&[u8]; 24] = [
            b"\r\n",
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b"\0",
            b" ",
            b"\t",
            b";",
            b",",
            b":",
            b"\"",
            b"\\",
            b"<",
            b">",
            b"=",
            b"@",
            b"%00",
            b"?",
            b"[",
            b"]",
            b"\xFF",
            b"\xC3\xA9",
            b"tag=",
            b"Content-Length: 5\r\n",
        ];
        PIECES[self.below(PIECES.len())]
    }

    /// One to four insertions, deletions, changed bytes or transplants.
    fn damage(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(12)).min(bytes.len());
            match self.below(4) {
                0 => drop(bytes.splice(at..at, self.piece().iter().copied())),
                1 => drop(bytes.drain(at..end)),
                2 if at < bytes.len() => bytes[at] = self.next() as u8,
                _ => {
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(80)).min(other.len());
                    drop(bytes.splice(at..end, other[from..to].iter().copied()));
                }
            }
        }
    }
}

#[test]
fn random_bytes() {
    let mut noise = Noise(0x5EED_0001);
    for _ in 0..20_000 {
        let length = noise.below(600);
        let mut bytes = noise.bytes(length);
        if noise.below(2) == 0 {
            bytes.splice(0..0, b"INVITE sip:a@b SIP/2.0\r\nVia: ".iter().copied());
        }
        outcome(&bytes);
    }
}

#[test]
fn every_torture_message_cut_at_every_byte() {
    for (name, bytes) in messages() {
        for end in 0..bytes.len() {
            let result = outcome(&bytes[..end]);
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
            assert!(
                end >= head + 4 || result == "dropped" || result.starts_with("answered"),
                "{name} at {end}: {result}"
            );
        }
    }
}

#[test]
fn damaged_torture_messages() {
    let mut noise = Noise(0x5EED_0002);
    let messages = messages();
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..60_000 {
        let mut bytes = messages[round % messages.len()].1.clone();
        let other = noise.below(messages.len());
        noise.damage(&mut bytes, &messages[other].1);
        match outcome(&bytes) {
            dropped if dropped == "dropped" => {}
            answered if answered.starts_with("answered") => refused += 1,
            _ => accepted += 1,
        }
    }
    assert!(accepted > 5_000 && refused > 5_000, "the noise reaches both ways: {accepted} {refused}");
}

#[test]
fn damaged_values_print_as_they_were_read() {
    let mut noise = Noise(0x5EED_0003);
    let seeds = [
        "\"A. \\\"B\\\"\" <sip:+49%2030:pw@[2001:db8::1]:5060;transport=udp;lr?a=b>;tag=x;q=\"0,5\"",
        "Bell <sips:a@b.example:5061>;expires=60",
        "tel:+1-555;phone-context=+49",
        "SIP / 2.0 / UDP [2001:db8::1]:5060 ;branch=z9hG4bK;rport;received=10.0.0.1",
        "SIP/2.0/TCP host.example;branch=z9hG4bKq",
    ];
    for round in 0..60_000 {
        let mut bytes = seeds[round % seeds.len()].as_bytes().to_vec();
        noise.damage(&mut bytes, seeds[noise.0 as usize % seeds.len()].as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(value) = text.parse::<NameAddr>() {
            assert_eq!(value.to_string().parse(), Ok(value.clone()), "{text:?}");
        }
        if let Ok(value) = text.parse::<Uri>() {
            let _ = (value.user_decoded(), value.addr());
            assert_eq!(value.to_string().parse(), Ok(value.clone()), "{text:?}");
        }
        if let Ok(mut value) = text.parse::<Via>() {
            assert_eq!(value.to_string().parse(), Ok(value.clone()), "{text:?}");
            value.learn("192.0.2.1:9".parse().unwrap());
            assert!(value.to_string().parse::<Via>().is_ok(), "{text:?}");
        }
    }
}

/// Text of one side goes to the other: caller names, numbers, header values. Whatever they hold, they stay values.
#[test]
fn messages_of_hostile_text_say_what_was_meant() {
    let mut noise = Noise(0x5EED_0006);
    let source: SocketAddr = "192.0.2.1:5060".parse().unwrap();
    for round in 0..20_000 {
        let text: Vec<String> = (0..3)
            .map(|_| {
                (0..noise.below(8)).map(|_| String::from_utf8_lossy(noise.piece()).into_owned()).collect()
            })
            .collect();
        let from = NameAddr::named(&text[0], Uri::at(&text[1], source)).with_tag("t");
        let mut request = Request::new(Method::Invite, Uri::at(&text[1], source), &from, &from, "id", 1);
        request.headers.push_front("Via", Via::own(Transport::Udp, source, "z9hG4bKx").to_string());
        request.headers.push("Subject", text[2].as_str());
        request.body = noise.bytes(round % 50);
        let bytes = request.emit();
        let shown = String::from_utf8_lossy(&bytes);
        let Ok(Message::Request(read)) = parse(&bytes) else { panic!("{shown:?}") };
        let names: Vec<_> = read.headers.rows().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Subject", "Content-Length"]
        );
        let blanked = |text: &str| text.replace(['\r', '\n', '\0'], " ");
        assert_eq!(read.from().display, blanked(&text[0]), "{shown:?}");
        assert_eq!(read.headers.first("Subject"), Some(blanked(&text[2]).trim()), "{shown:?}");
        assert_eq!((&read.uri, read.body), (&request.uri, request.body), "{shown:?}");
    }
}

#[test]
fn damaged_descriptions() {
    let mut noise = Noise(0x5EED_0004);
    let local =
        LocalMedia { addr: "192.0.2.9:4000".parse().unwrap(), codecs: vec![Codec::Pcmu, Codec::Pcma] };
    let (protection, secure) = (Protection::default(), Protection::new(Srtp::Optional, &[1; 32], 1));
    let clean = offer(&local, &secure, 1, 1)
        + "m=video 5000 RTP/AVP 31 34\r\na=rtpmap:34 H263/90000\r\na=sendonly\r\n";
    let mut matched = 0;
    for _ in 0..40_000 {
        let mut bytes = clean.clone().into_bytes();
        noise.damage(&mut bytes, clean.as_bytes());
        if let Ok((text, session)) = answer(&bytes, &local, &secure, 1, 1) {
            // In a line of its own: a refused stream repeats whatever stood for its transport.
            let told = text.lines().any(|line| line.starts_with("a=crypto:"));
            assert_eq!(told, session.keys.is_some(), "{text}");
        }
        if let Ok((text, session)) = answer(&bytes, &local, &protection, 1, 1) {
            matched += 1;
            assert_eq!(read_answer(&bytes, &local, &protection).map(|s| s.remote), Ok(session.remote));
            let lines = text.lines().filter(|line| line.starts_with("m=")).count();
            let offered = String::from_utf8_lossy(&bytes);
            assert!(lines >= 1 && lines <= offered.matches("m=").count(), "{offered}\n{text}");
            assert!(
                read_answer(text.as_bytes(), &local, &protection).is_ok(),
                "our answer can be read: {text}"
            );
        }
    }
    assert!(matched > 5_000, "{matched}");
}

#[test]
fn damaged_challenges_and_credentials() {
    let mut noise = Noise(0x5EED_0005);
    let verifier = Verifier::new("box", [3; 32]);
    let challenge = verifier.challenge(Instant(1), false);
    let good = credentials(&[&challenge], "u", "p", Asked::bare(&Method::Invite, "sip:h"), 1, "c").unwrap();
    let mut admitted = 0;
    for _ in 0..20_000 {
        let mut bytes = good.clone().into_bytes();
        noise.damage(&mut bytes, good.as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        let secret = |user: &str| (user == "u").then_some("p");
        let verdict = verifier.check(Instant(1), &text, &Method::Invite, "sip:h", secret);
        if verdict == Ok("u".to_owned()) {
            admitted += 1;
        }
        let mut bytes = challenge.clone().into_bytes();
        noise.damage(&mut bytes, challenge.as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        if let Some(line) = credentials(&[&text], "u", "p", Asked::bare(&Method::Invite, "sip:h"), 1, "c") {
            assert!(line.starts_with("Digest username=\"u\", "));
        }
    }
    assert!(admitted < 10_000, "damage does not help: {admitted}");
}
