//! A question to the box over its socket, as HTTP: the same interface as over the network.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The box's answer, its body not yet read.
pub(super) struct Answer<S> {
    pub(super) status: u16,
    pub(super) body: BufReader<S>,
}

fn ask(socket: &Path, path: &str, kind: &str, body: Option<&[u8]>) -> Result<Answer<UnixStream>, String> {
    let stream = UnixStream::connect(socket).map_err(|error| unreached(socket, &error))?;
    over(stream, path, kind, body)
}

/// The beginning of an answer over this connection.
pub(super) fn over<S: Read + Write>(
    mut stream: S,
    path: &str,
    kind: &str,
    body: Option<&[u8]>,
) -> Result<Answer<S>, String> {
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let gone = |error: io::Error| format!("the box did not answer: {error}. Look whether it still runs.");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).map_err(gone)?;
    let mut body = BufReader::new(stream);
    let mut line = String::new();
    body.read_line(&mut line).map_err(gone)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or("the box did not answer. Look whether it still runs.")?;
    while line.trim_end() != "" {
        line.clear();
        body.read_line(&mut line).map_err(gone)?;
    }
    Ok(Answer { status, body })
}

/// Why the socket could not be opened, and what to do.
fn unreached(socket: &Path, error: &io::Error) -> String {
    let socket = socket.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
            "no box runs here: there is nobody at {socket}. Start it (`systemctl start hold-slayer`, or `hold-slayer run`); \
             if it runs with a folder of its own, name that by --data."
        ),
        io::ErrorKind::PermissionDenied => format!(
            "you may not talk to the box: {socket} is for its own user and group. Use sudo, or join the group: \
             `sudo usermod -aG hold-slayer $USER`, then log in again."
        ),
        _ => format!("the box cannot be reached at {socket}: {error}"),
    }
}

/// All bytes of the answer to a body of this kind.
pub(super) fn send(socket: &Path, path: &str, kind: &str, body: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let mut answer = ask(socket, path, kind, body)?;
    let mut bytes = Vec::new();
    answer.body.read_to_end(&mut bytes).map_err(|error| format!("the box broke off: {error}"))?;
    if answer.status < 300 { Ok(bytes) } else { Err(problem(&bytes, answer.status)) }
}

/// A value for a value, or for nothing.
pub(super) fn value(socket: &Path, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let body = body.map(Value::to_string);
    let bytes = send(socket, path, "application/json", body.as_deref().map(str::as_bytes))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| format!("the box answered something else than JSON: {error}"))
}

/// Each event as it comes, until the box goes or `each` says that nobody reads on.
pub(super) fn events(
    socket: &Path,
    query: &str,
    each: &mut dyn FnMut(&Value) -> io::Result<()>,
) -> Result<(), String> {
    let path = format!("/api/v1/events/stream{query}");
    let mut answer = ask(socket, &path, "application/json", None)?;
    if answer.status >= 300 {
        let mut bytes = Vec::new();
        let _ = answer.body.read_to_end(&mut bytes);
        return Err(problem(&bytes, answer.status));
    }
    for line in answer.body.lines() {
        let line = line.map_err(|error| format!("the box broke off: {error}"))?;
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let event = serde_json::from_str(data).map_err(|error| format!("an event is no JSON: {error}"))?;
        if each(&event).is_err() {
            return Ok(());
        }
    }
    Err("the box has ended.".into())
}

fn problem(bytes: &[u8], status: u16) -> String {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    value["detail"].as_str().map_or_else(|| format!("the box refused (status {status})"), str::to_owned)
}
