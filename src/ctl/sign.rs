//! A sign of life of the box, for whoever has written a new version of it: soon, whatever the box does.

use super::talk;
use crate::clock;
use crate::units::Instant;
use crate::update::{History, Sign, Standing};
use core::time::Duration;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr};
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// From the first connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that is there for a while only.
struct Soon {
    stream: UnixStream,
    until: Instant,
}

impl Soon {
    fn connect(socket: &Path, until: Instant) -> io::Result<Self> {
        let (family, kind) = (AddressFamily::Unix, SockType::Stream);
        let stream = UnixStream::from(nix::sys::socket::socket(family, kind, SockFlag::SOCK_CLOEXEC, None)?);
        let soon = Self { stream, until };
        // A box that takes nobody keeps who comes waiting.
        soon.stream.set_write_timeout(Some(soon.left()?))?;
        nix::sys::socket::connect(soon.stream.as_raw_fd(), &UnixAddr::new(socket)?)?;
        Ok(soon)
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.since(clock::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Soon {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(bytes)
    }
}

impl Write for Soon {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// How the box is. It is soon said.
pub(super) fn sign(socket: &Path) -> Sign {
    within(PATIENCE, socket)
}

fn within(patience: Duration, socket: &Path) -> Sign {
    let until = clock::now() + patience;
    let ask = |path: &str| -> io::Result<Value> {
        let stream = Soon::connect(socket, until)?;
        let answer = talk::over(stream, path, "application/json", None).map_err(io::Error::other)?;
        let body = (answer.status == 200).then_some(answer.body).ok_or(io::ErrorKind::InvalidData)?;
        Ok(serde_json::from_reader(body)?)
    };
    match ask("/api/v1/status").and_then(|status| Ok((status, ask("/api/v1/update")?))) {
        Ok((status, update)) => Sign::Well(standing(&status, &update)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Sign::Gone
        }
        Err(_) => Sign::Silent,
    }
}

/// What it has, by what it says.
fn standing(status: &Value, update: &Value) -> Standing {
    let of = |key: &str| status[key].as_array().into_iter().flatten();
    let name = |peer: &Value| peer["name"].as_str().map(str::to_owned);
    Standing {
        lines: of("trunks").filter(|trunk| trunk["up"] == true).filter_map(name).collect(),
        names: of("trunks").chain(of("phones")).filter_map(name).collect(),
        history: History::deserialize(&update["history"]).unwrap_or_default(),
        newest_call: update["newest_call"].as_u64(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nix::sys::socket::{Backlog, bind, listen, socket};
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    const BRIEF: Duration = Duration::from_millis(300);

    fn place(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("hold-slayer-sign-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    /// Answers each question so, one after the other; the last one is not ended.
    fn answers(name: &str, all: &'static [&str]) -> PathBuf {
        let path = place(name);
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for answer in all {
                let (mut stream, _) = listener.accept().unwrap();
                let asked = BufReader::new(stream.try_clone().unwrap());
                assert!(asked.lines().map_while(Result::ok).any(|line| line.is_empty()));
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
                    .and_then(|()| stream.write_all(answer.as_bytes()));
                open.push(stream);
            }
            // Until the test is over.
            std::thread::park();
        });
        path
    }

    #[test]
    fn it_says_what_the_box_has() {
        let trunks = r#"{"trunks":[{"name":"home","up":true},{"name":"mobile","up":false}],"phones":[{"name":"hall"}]}"#;
        let names = ["home", "mobile", "hall"].map(str::to_owned).to_vec();
        let has =
            Standing { lines: vec!["home".into()], names, history: History::Kept, newest_call: Some(7) };
        let status: Value = serde_json::from_str(trunks).unwrap();
        let update = serde_json::json!({ "history": "kept", "newest_call": 7 });
        assert_eq!(standing(&status, &update), has);
        let without = Standing { history: History::Missing, newest_call: None, ..has };
        assert_eq!(standing(&status, &serde_json::json!({ "history": "unheard of" })), without);
    }

    #[test]
    fn a_box_that_does_not_answer_keeps_nobody_waiting() {
        let nobody = place("nobody");
        assert_eq!(within(BRIEF, &nobody), Sign::Gone);
        drop(UnixListener::bind(&nobody).unwrap());
        assert_eq!(within(BRIEF, &nobody), Sign::Gone, "what a box has left");
        let half = answers("half", &["{\"trunks\": "]);
        assert_eq!(within(BRIEF, &half), Sign::Silent, "it breaks off");
        let other = answers("other", &["no JSON"]);
        assert_eq!(within(BRIEF, &other), Sign::Silent);
        // One that takes nobody: who comes second waits for the first.
        let full = place("full");
        let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
        bind(listener.as_raw_fd(), &UnixAddr::new(&full).unwrap()).unwrap();
        listen(&listener, Backlog::new(0).unwrap()).unwrap();
        let first = UnixStream::connect(&full).unwrap();
        assert_eq!(within(BRIEF, &full), Sign::Silent);
        drop(first);
        for path in [nobody, half, other, full] {
            std::fs::remove_file(path).unwrap();
        }
    }
}
