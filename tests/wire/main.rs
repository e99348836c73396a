//! What the wire may bring: the torture messages of RFC 4475, and bytes that no standard foresees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod noise;
mod replay;
mod torture;

use hold_slayer::sip::message::{Headers, Message, Reject, parse};

/// What became of a datagram, in one line.
fn outcome(bytes: &[u8]) -> String {
    match parse(bytes) {
        Ok(message) => {
            check_message(&message);
            match message {
                Message::Request(request) => format!("{} {}", request.method, request.uri),
                Message::Response(response) => format!("response {}", response.status),
            }
        }
        Err(Reject::Drop) => "dropped".to_owned(),
        Err(Reject::Answer(answer)) => {
            check_answer(bytes, &answer);
            format!("answered {}", String::from_utf8_lossy(&answer[8..11]))
        }
    }
}

/// Whatever is accepted has its mandatory values, and says the same after it was written and read again.
fn check_message(message: &Message) {
    let (headers, bytes) = match message {
        Message::Request(m) => {
            assert!(!m.call_id().is_empty() && m.cseq().1 == m.method && !m.via().host.is_empty());
            assert!(!m.from().uri.to_string().is_empty() && !m.to().uri.to_string().is_empty());
            let _ = (m.contact(), m.record_route());
            check_line_starts(&m.respond(200, "OK").emit());
            (&m.headers, m.emit())
        }
        Message::Response(m) => {
            assert!(!m.call_id().is_empty() && !m.via().host.is_empty());
            (&m.headers, m.emit())
        }
    };
    check_line_starts(&bytes);
    let mut again = parse(&bytes).unwrap_or_else(|e| panic!("{e:?}: {}", String::from_utf8_lossy(&bytes)));
    let mut expected = message.clone();
    // Content-Length is the writer's business: it counts again and puts the field last.
    for message in [&mut again, &mut expected] {
        match message {
            Message::Request(m) => m.headers.remove("Content-Length"),
            Message::Response(m) => m.headers.remove("Content-Length"),
        }
    }
    assert_eq!(again, expected, "{}", names(headers));
}

fn names(headers: &Headers) -> String {
    headers.rows().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

/// Every line of a head of ours is a start line or a header field: nothing begins with a blank or lacks its colon.
fn check_line_starts(bytes: &[u8]) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head ends");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("UTF-8");
    for line in head.split("\r\n").skip(1) {
        assert!(!line.contains(['\r', '\n', '\0']), "{head}");
        assert!(!line.starts_with([' ', '\t', ':']) && line.contains(": "), "{head}");
    }
}

/// A refusal is a whole response, and hardly larger than what provoked it: nobody can be flooded by way of us.
fn check_answer(provoked_by: &[u8], answer: &[u8]) {
    assert!(answer.starts_with(b"SIP/2.0 "));
    check_line_starts(answer);
    assert!(answer.len() <= provoked_by.len() * 2 + 200, "{}", String::from_utf8_lossy(answer));
}
