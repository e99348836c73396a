//! Messages out of a stream of bytes, RFC 3261 §18.3: bounded, and closed to whatever does not speak SIP.

use super::message;
use crate::limits::SIP_MESSAGE_BYTES;

/// RFC 5626 §3.5.1: asks whether the other end is there.
pub const PING: &[u8] = b"\r\n\r\n";
/// RFC 5626 §3.5.1: it is.
pub const PONG: &[u8] = b"\r\n";

/// What a stream brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One whole message.
    Message(Vec<u8>),
    /// A keep-alive that wants [`PONG`].
    Ping,
}

/// Why a stream cannot be read any further: it is to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It does not speak SIP.
    Junk,
    /// Where the message ends cannot be known, or lies too far away; this goes back first, if anything can.
    Refused(Option<Vec<u8>>),
}

/// One direction of one connection.
#[derive(Debug, Default)]
pub struct Stream {
    waiting: Vec<u8>,
    known: Known,
}

/// What is known of the message that has begun, so that a peer who sends it byte by byte costs no more than another.
#[derive(Clone, Copy, Debug, Default)]
enum Known {
    /// Its first line is not there yet.
    #[default]
    Nothing,
    /// It speaks SIP, and its head does not end before this place.
    Line(usize),
    /// Where it ends.
    End(usize),
}

impl Stream {
    /// How much more it takes before [`Self::frame`] must be asked.
    pub fn room(&self) -> usize {
        (2 * SIP_MESSAGE_BYTES).saturating_sub(self.waiting.len())
    }

    /// Takes what was read, at most [`Self::room`] bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let taken = bytes.len().min(self.room());
        self.waiting.extend_from_slice(bytes.get(..taken).unwrap_or_default());
    }

    /// A message has begun and not ended.
    pub const fn is_amid(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next whole thing; `None` until there is more. Call until `None` after each [`Self::push`].
    ///
    /// # Errors
    /// [`Broken`]: after it nothing more comes.
    pub fn frame(&mut self) -> Result<Option<Frame>, Broken> {
        if self.waiting.starts_with(PING) {
            self.waiting.drain(..PING.len());
            return Ok(Some(Frame::Ping));
        }
        if PING.starts_with(&self.waiting) {
            // Half a ping, or an answer to ours: more will tell.
            return Ok(None);
        }
        // RFC 3261 §7.5: blank lines before a start line are nothing; a single one answers our ping.
        if self.waiting.starts_with(PONG) {
            self.waiting.drain(..PONG.len());
            return self.frame();
        }
        let end = match self.known {
            Known::End(end) => end,
            Known::Nothing | Known::Line(_) => match self.end()? {
                Some(end) => end,
                None => return Ok(None),
            },
        };
        self.known = Known::End(end);
        if self.waiting.len() < end {
            return Ok(None);
        }
        self.known = Known::Nothing;
        Ok(Some(Frame::Message(self.waiting.drain(..end).collect())))
    }

    /// Where the message that has begun ends, once its head is there.
    fn end(&mut self) -> Result<Option<usize>, Broken> {
        if matches!(self.known, Known::Nothing) {
            self.check_start()?;
        }
        let Known::Line(from) = self.known else { return Ok(None) };
        let rest = self.waiting.get(from..).unwrap_or_default();
        let Some(head) = rest.windows(4).position(|four| four == b"\r\n\r\n").map(|at| from + at + 4) else {
            self.known = Known::Line(from.max(self.waiting.len().saturating_sub(3)));
            return if self.waiting.len() >= SIP_MESSAGE_BYTES { Err(self.refused(513)) } else { Ok(None) };
        };
        // RFC 3261 §20.14: on a stream the length must be told, and nothing else tells it.
        let Some(length) = message::content_length(self.waiting.get(..head).unwrap_or_default()) else {
            return Err(self.refused(400));
        };
        let end = head.saturating_add(length);
        if end > SIP_MESSAGE_BYTES { Err(self.refused(513)) } else { Ok(Some(end)) }
    }

    /// The first line shows early who is no SIP peer: a browser, a TLS client on the plain port, a port scanner.
    fn check_start(&mut self) -> Result<(), Broken> {
        const LINE: usize = 4096;
        let end = self.waiting.iter().position(|byte| *byte == b'\n');
        let line = self.waiting.get(..end.unwrap_or(self.waiting.len())).unwrap_or_default();
        let first = line.first().is_some_and(u8::is_ascii_alphabetic);
        let clean = line.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, b'\r' | b'\t'));
        let speaks = end.is_none() || line.windows(4).any(|four| four.eq_ignore_ascii_case(b"SIP/"));
        if !(first && clean && speaks && line.len() <= LINE) {
            return Err(Broken::Junk);
        }
        if end.is_some() {
            self.known = Known::Line(0);
        }
        Ok(())
    }

    fn refused(&mut self, status: u16) -> Broken {
        let reason = if status == 513 { "Message Too Large" } else { "No Usable Content-Length" };
        let answer = message::refuse(&self.waiting, (status, reason));
        self.waiting.clear();
        self.known = Known::Nothing;
        Broken::Refused(answer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::sip::random::Random;

    const HEAD: &str = "OPTIONS sip:box SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
                        To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n";

    fn options(length: &str, body: &str) -> String {
        format!("{HEAD}{length}\r\n{body}")
    }

    /// Everything that comes of these bytes, in pieces of this size.
    fn read(bytes: &[u8], piece: usize) -> (Vec<Frame>, Option<Broken>) {
        let (mut stream, mut frames) = (Stream::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            stream.push(piece);
            loop {
                match stream.frame() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(broken) => return (frames, Some(broken)),
                }
            }
        }
        (frames, None)
    }

    #[test]
    fn messages_pings_and_pongs_however_they_are_cut() {
        let (one, two) = (options("Content-Length: 3\r\n", "abc"), options("l : 0\r\n", ""));
        // A pong, a message, a ping, two more messages, a ping.
        let all = format!("\r\n{one}\r\n\r\n{two}{one}\r\n\r\n");
        let message = |text: &str| Frame::Message(text.as_bytes().to_vec());
        let wanted = vec![message(&one), Frame::Ping, message(&two), message(&one), Frame::Ping];
        for piece in 1..all.len() {
            assert_eq!(read(all.as_bytes(), piece), (wanted.clone(), None), "pieces of {piece}");
        }
    }

    #[test]
    fn what_breaks_a_stream() {
        let long = format!("{HEAD}X: {}\r\n", "a".repeat(SIP_MESSAGE_BYTES));
        let refused = [
            (options("", ""), "400"),
            (options("Content-Length: -1\r\n", ""), "400"),
            (options("Content-Length: 1\r\nContent-Length: 2\r\n", "abc"), "400"),
            (options("Content-Length: 99999999999999999999\r\n", ""), "400"),
            (options("Content-Length: 16384\r\n", ""), "513"),
            (options("Content-Length: 4294967295\r\n", ""), "513"),
            (long, "513"),
        ];
        for (text, status) in refused {
            let (frames, broken) = read(text.as_bytes(), 1000);
            let Some(Broken::Refused(Some(answer))) = broken else { panic!("{status}: {broken:?}") };
            assert!(frames.is_empty() && answer.starts_with(format!("SIP/2.0 {status} ").as_bytes()));
        }
        let junk: [&[u8]; 6] = [
            b"GET / HTTP/1.1\r\n",
            b"\x16\x03\x01\x02\x00\x01",
            b"\0\0\0\0",
            b"SSH-2.0-x\r\n",
            b" SIP/2.0 200 OK\r\n",
            &[b'a'; 5000],
        ];
        for bytes in junk {
            assert_eq!(read(bytes, 7), (Vec::new(), Some(Broken::Junk)), "{:?}", bytes.escape_ascii());
        }
    }

    #[test]
    fn an_endless_head_is_answered_from_what_came_of_it() {
        let answers = |text: String| match read(text.as_bytes(), 500).1 {
            Some(Broken::Refused(answer)) => answer.is_some(),
            other => panic!("{other:?}"),
        };
        assert!(answers(format!("{HEAD}X: {}", "a".repeat(20_000))));
        assert!(!answers(format!("OPTIONS sip:box SIP/2.0\r\nX: {}", "a".repeat(20_000))));
    }

    #[test]
    fn noise_neither_panics_nor_grows() {
        let mut random = Random::new(9);
        let parts: [&[u8]; 8] = [
            HEAD.as_bytes(),
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Length: 5\r\n\r\nabcde",
            b"l: 0\r\n\r\n",
            b"SIP/2.0 200 OK\r\n",
            b"\0\xff",
            b"OPTIONS ",
        ];
        let mut messages = 0;
        for _ in 0..20_000 {
            let mut stream = Stream::default();
            for _ in 0..1 + random.bits() % 12 {
                let part = parts[usize::try_from(random.bits() % 8).unwrap()];
                let cut = usize::try_from(random.bits()).unwrap_or(0) % (part.len() * 4);
                stream.push(part.get(..cut).unwrap_or(part));
                loop {
                    match stream.frame() {
                        Ok(Some(Frame::Message(bytes))) => {
                            assert!(bytes.len() <= SIP_MESSAGE_BYTES);
                            messages += 1;
                        }
                        Ok(Some(Frame::Ping)) => {}
                        Ok(None) | Err(_) => break,
                    }
                }
                assert!(stream.waiting.len() <= 2 * SIP_MESSAGE_BYTES);
            }
        }
        assert!(messages > 1000, "{messages}");
    }
}
