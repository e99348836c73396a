//! A machine that the box asks: it answers as it is told, request after request, and keeps what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// What one request gets.
#[derive(Clone, Debug)]
pub enum Say {
    /// A whole answer.
    Whole(u16, String),
    /// Header fields of its own, and no body.
    Fields(u16, &'static str),
    /// These bytes and the end.
    Bytes(Vec<u8>),
    /// A good head, and then a byte every few milliseconds for ever.
    Drip,
    /// A good head, and then as much as is taken.
    Flood,
    /// Nothing.
    Silence,
}

/// A request as it came.
#[derive(Debug)]
pub struct Seen {
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The value of a header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The machine. It ends with this.
pub struct StandIn {
    pub addr: SocketAddr,
    pub seen: Receiver<Seen>,
    _up: Sender<()>,
}

impl StandIn {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The next request; it fails if there is none for a long time.
    pub fn next(&self) -> Seen {
        self.seen.recv_timeout(Duration::from_secs(30)).expect("nothing was asked")
    }
}

/// Answers the requests in turn, and the last of these for ever after.
pub fn answers(says: &[Say]) -> StandIn {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, seen) = channel();
    let (up, down) = channel::<()>();
    let says = says.to_vec();
    std::thread::spawn(move || {
        let mut says = says.iter();
        let mut last = says.next().cloned().unwrap();
        let mut ended = false;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Some(request) = read(&mut stream) else { continue };
            if tell.send(request).is_err() {
                return;
            }
            if ended {
                return;
            }
            ended = !say(&mut stream, &last, &down);
            last = says.next().cloned().unwrap_or(last);
        }
    });
    StandIn { addr, seen, _up: up }
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    let (head, mut body) = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end + 4..].to_vec());
        }
        match stream.read(&mut part).ok()? {
            0 => return None,
            n => bytes.extend_from_slice(&part[..n]),
        }
    };
    let seen = Seen { head, body: Vec::new() };
    let length = seen.field("content-length").map_or(0, |length| length.parse().unwrap());
    while body.len() < length {
        match stream.read(&mut part).ok()? {
            0 => return None,
            n => body.extend_from_slice(&part[..n]),
        }
    }
    Some(Seen { body, ..seen })
}

/// False once the test is over.
fn say(stream: &mut TcpStream, say: &Say, down: &Receiver<()>) -> bool {
    const OPEN: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let gone = |wait| down.recv_timeout(wait) == Err(std::sync::mpsc::RecvTimeoutError::Disconnected);
    // Who asked may have gone.
    let _ = match say {
        Say::Whole(status, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        }
        Say::Fields(status, fields) => {
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n{fields}\r\n\r\n"
            )
        }
        Say::Bytes(bytes) => stream.write_all(bytes),
        Say::Drip => {
            let mut open = stream.write_all(OPEN.as_bytes()).is_ok();
            while open && !gone(Duration::from_millis(20)) {
                open = stream.write_all(b" ").is_ok();
            }
            Ok(())
        }
        Say::Flood => {
            let mut open = stream.write_all(OPEN.as_bytes()).is_ok();
            while open && !gone(Duration::ZERO) {
                open = stream.write_all(&[b' '; 4096]).is_ok();
            }
            Ok(())
        }
        Say::Silence => {
            // Until who asked has given up.
            let _ = stream.read(&mut [0; 1]);
            Ok(())
        }
    };
    !gone(Duration::ZERO)
}
