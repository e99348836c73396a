//! The 49 messages of RFC 4475, byte for byte as its appendix has them.

use super::outcome;
use hold_slayer::sip::auth::{Asked, answer};
use hold_slayer::sip::message::{Message, Method, Response, parse};
use hold_slayer::sip::{Account, AccountKind, Hop, Identity, Input, Output, Side, Ua, ua};
use hold_slayer::units::{AccountId, Instant};
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/rfc4475")
}

/// Message, what the parser makes of it, what a user agent answers whose peer sends it (nothing: silence), and why. The
/// peer is known by its address and may call. It has no user here, so every REGISTER that can be read at all gets 403:
/// RFC 3261 §10.3 asks who may register (steps 3 and 4) before it reads a Contact (step 6), and who may not learns
/// nothing of what the registrar makes of the rest. What a user of ours is answered stands in [`REGISTERS`].
const TABLE: &[(&str, &str, &str, &str)] = &[
    // 3.1.1 Valid messages
    (
        "wsinv",
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam",
        "481",
        "blanks, folds, compact names: valid",
    ),
    (
        "intmeth",
        "answered 400",
        "400",
        "valid but for us: a NUL in a header field is refused whatever quotes it",
    ),
    ("esc01", "INVITE sip:sips%3Auser%40example.com@example.net", "100", "escapes stay as written"),
    (
        "escnull",
        "REGISTER sip:example.com",
        "403",
        "a stranger: 403, RFC 3261 §10.3 step 4; %00 in users is valid, RFC 4475 §3.1.1.4",
    ),
    (
        "esc02",
        "RE%47IST%45R sip:registrar.example.com",
        "501",
        "no escapes in methods: an unknown one, 501 by the user agent",
    ),
    ("lwsdisp", "OPTIONS sip:user@example.com", "200", "no blank between display name and bracket"),
    (
        "longreq",
        "INVITE sip:user@example.com",
        "100",
        "long values, split Vias, compact names: still below the limits",
    ),
    (
        "dblreq",
        "REGISTER sip:example.com",
        "403",
        "a stranger: 403; Content-Length 0: what follows in the datagram is discarded, RFC 3261 §18.3",
    ),
    ("semiuri", "OPTIONS sip:user;par=u%40example.net@example.com", "200", "semicolon in the user part"),
    ("transports", "OPTIONS sip:user@example.com", "200", "unknown transports are tokens"),
    ("mpart01", "MESSAGE sip:kumiko@example.org", "405", "binary body"),
    ("unreason", "response 200", "", "reason phrase in UTF-8"),
    ("noreason", "response 100", "", "empty reason phrase"),
    // 3.1.2 Invalid messages
    ("badinv01", "answered 400", "400", "Via with empty parameters"),
    ("clerr", "answered 400", "400", "Content-Length beyond the datagram, RFC 3261 §18.3"),
    ("ncl", "answered 400", "400", "negative Content-Length"),
    ("scalar02", "answered 400", "400", "CSeq beyond 32 bits"),
    ("scalarlg", "dropped", "", "the same in a response"),
    ("quotbal", "answered 400", "400", "quote that never closes in To"),
    ("ltgtruri", "answered 400", "400", "brackets around the Request-URI"),
    ("lwsruri", "answered 400", "400", "blank in the Request-URI"),
    ("lwsstart", "answered 400", "400", "two blanks in the start line"),
    ("trws", "answered 400", "400", "blanks after the start line"),
    ("escruri", "answered 400", "400", "header fields in the Request-URI, RFC 3261 §19.1.1"),
    ("baddate", "INVITE sip:user@example.com", "100", "Date is not read"),
    (
        "regbadct",
        "REGISTER sip:example.com",
        "403",
        "a stranger: 403 comes before Contact is read; its own user gets 400",
    ),
    ("badaspec", "OPTIONS sip:user@example.org", "200", "blanks inside the brackets mean nothing else"),
    (
        "baddn",
        "OPTIONS sip:t.watson@example.org",
        "200",
        "unquoted comma in From and To, which are no lists: plain enough",
    ),
    ("badvers", "answered 505", "505", "SIP/7.0"),
    ("mismatch01", "answered 400", "400", "CSeq of another method"),
    ("mismatch02", "answered 400", "400", "CSeq of another method, unknown method"),
    ("bigcode", "dropped", "", "status beyond 16 bits"),
    // 3.2 Transaction layer
    (
        "badbranch",
        "OPTIONS sip:user@example.com",
        "200",
        "a branch of the cookie alone: matched as RFC 2543 would",
    ),
    // 3.3 Application layer
    ("insuf", "dropped", "", "no From, To or Call-ID: no answer could be matched"),
    ("unkscm", "answered 416", "416", "unknown scheme in the Request-URI"),
    ("novelsc", "answered 416", "416", "known scheme, not for us"),
    (
        "unksm2",
        "REGISTER sip:example.com",
        "403",
        "a stranger, and To is no address of record here: 403 as for any unknown one, RFC 3261 §10.3 steps 4 and 5",
    ),
    ("bext01", "OPTIONS sip:user@example.com", "420", "unknown Require: 420 by the user agent"),
    ("invut", "INVITE sip:user@example.com", "415", "unknown body: 415 by the user agent"),
    (
        "regaut01",
        "REGISTER sip:example.com",
        "403",
        "a stranger; an unknown scheme proves nothing, RFC 4475 §3.3.7: its own user is challenged",
    ),
    ("multi01", "answered 400", "400", "two Call-IDs, CSeqs, Froms, Tos"),
    ("mcl01", "answered 400", "400", "two Content-Lengths that differ"),
    ("bcast", "response 200", "", "second Via broadcast: fits no transaction"),
    ("zeromf", "OPTIONS sip:user@example.com", "200", "Max-Forwards 0 concerns proxies"),
    (
        "cparam01",
        "REGISTER sip:example.com",
        "403",
        "a stranger: 403; its own user is registered, the unknown Contact parameter means nothing to us",
    ),
    (
        "cparam02",
        "REGISTER sip:example.com",
        "403",
        "a stranger: 403; its own user is registered, the unknown URI parameter stays in the URI",
    ),
    (
        "regescrt",
        "REGISTER sip:example.com",
        "403",
        "a stranger: 403; its own user is registered, the escaped header is part of the URI in brackets",
    ),
    ("sdp01", "INVITE sip:user@example.com", "100", "Accept without SDP"),
    // 3.4 Compatibility
    ("inv2543", "INVITE sip:UserB@example.com", "100", "no branch, no From tag, no Content-Length"),
];

/// The REGISTERs once more, from the user in To with his right password: before he has proved who he is, each gets 401.
const REGISTERS: &[(&str, &str)] = &[
    ("escnull", "200"),
    ("dblreq", "200"),
    // RFC 4475 §3.1.2.13: which parameters are the URI's cannot be known.
    ("regbadct", "400"),
    // RFC 4475 §3.3.5: no user of ours can have such an address of record.
    ("unksm2", "403"),
    ("regaut01", "200"),
    ("cparam01", "200"),
    ("cparam02", "200"),
    ("regescrt", "200"),
];

#[test]
fn a_user_of_ours_is_challenged_before_his_register_is_read_any_further() {
    let registers = TABLE.iter().filter(|(_, parsed, ..)| parsed.starts_with("REGISTER "));
    assert_eq!(
        registers.map(|(name, ..)| *name).collect::<Vec<_>>(),
        REGISTERS.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
    let messages = messages();
    for (name, status) in REGISTERS {
        let bytes = &messages.iter().find(|(n, _)| n == name).expect("there").1;
        let Ok(Message::Request(request)) = parse(bytes) else { panic!("{name}") };
        let account = Account {
            id: AccountId(1),
            side: Side::Phone,
            kind: AccountKind::RegistersHere { user: request.to().uri.user_decoded(), secret: "pw".into() },
            identity: Identity::default(),
            srtp: Default::default(),
        };
        let mut ua = agent(account);
        let first = response(&mut ua, bytes);
        let user = request.to().uri.user_decoded();
        let Some(challenge) = first.headers.first("WWW-Authenticate") else {
            assert_eq!(&first.status.to_string(), status, "{name}");
            continue;
        };
        assert_eq!(first.status, 401, "{name}");
        let uri = request.uri.to_string();
        let asked = Asked::bare(&Method::Register, &uri);
        let line = answer(&[challenge], &user, "pw", asked, 1, "c").expect("an answer");
        let head = bytes.iter().position(|b| *b == b'\n').expect("a line") + 1;
        let proof = format!("Authorization: {line}\r\n");
        let proved = [&bytes[..head], proof.as_bytes(), &bytes[head..]].concat();
        let last = response(&mut ua, &proved);
        assert_eq!(&last.status.to_string(), status, "{name}");
    }
}

/// Every message with its name.
pub fn messages() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder())
        .expect("the folder is in the repository")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "dat"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn every_torture_message_ends_as_the_table_says() {
    let messages = messages();
    assert_eq!(messages.len(), 49);
    assert_eq!(TABLE.len(), messages.len(), "each has its line");
    for (name, bytes) in messages {
        let (_, expected, status, why) = TABLE.iter().find(|(n, ..)| *n == name).expect("listed");
        assert_eq!(&outcome(&bytes), expected, "{name}: {why}");
        assert_eq!(&answered(&bytes), status, "{name}: {why}");
    }
}

/// The final status if there is one, else the provisional.
fn answered(bytes: &[u8]) -> String {
    let peer = Hop::udp("192.0.2.1:5060".parse().unwrap());
    let account = Account {
        id: AccountId(1),
        side: Side::Trunk,
        kind: AccountKind::Static { addr: peer },
        identity: Identity::default(),
        srtp: Default::default(),
    };
    // Read as bytes: an answer repeats what was wrong with the request.
    let last = sent(&mut agent(account), bytes).pop();
    last.map(|last| String::from_utf8_lossy(&last[8..11]).into_owned()).unwrap_or_default()
}

fn agent(account: Account) -> Ua {
    Ua::new(ua::Config {
        local: "192.0.2.2:5060".parse().unwrap(),
        tls_port: 0,
        accounts: vec![account],
        realm: "box".into(),
        seed: 1,
        key_seed: [3; 32],
        for_help: Vec::new(),
    })
}

fn sent(ua: &mut Ua, bytes: &[u8]) -> Vec<Vec<u8>> {
    let peer = Hop::udp("192.0.2.1:5060".parse().unwrap());
    ua.handle(Instant(1), Input::Message { from: peer, bytes });
    let outputs = std::iter::from_fn(|| ua.poll());
    let send = |output| match output {
        Output::Send { bytes, .. } => Some(bytes),
        Output::Event(_) => None,
    };
    outputs.filter_map(send).collect()
}

fn response(ua: &mut Ua, bytes: &[u8]) -> Response {
    let last = sent(ua, bytes).pop().expect("an answer");
    let Ok(Message::Response(response)) = parse(&last) else { panic!("no response") };
    response
}
