//! The web server behind the gate: tiny_http on a socket that the network cannot reach, and the threads that answer.
//!
//! tiny_http stops accepting for good when the process once runs out of file descriptors; it is started anew then.

use super::Error;
use std::io;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use tokio::sync::watch;

/// Threads that answer requests. A login keeps one busy for a tenth of a second.
const WORKERS: usize = 3;

/// The running server.
pub(super) struct Stage {
    address: SocketAddr,
    /// The socket that accepts now, to be shut from outside.
    door: Arc<Mutex<Option<UnixStream>>>,
    thread: Option<JoinHandle<()>>,
}

/// Answers one request.
pub(super) type Play = Arc<dyn Fn(tiny_http::Request) + Send + Sync>;

impl Stage {
    /// Starts the server and its workers. They end when `stop` is true and [`Stage::interrupt`] is called.
    pub(super) fn start(name: &str, play: Play, stop: watch::Receiver<bool>) -> Result<Self, Error> {
        let address = SocketAddr::from_abstract_name(name).map_err(Error::Start)?;
        let door = Arc::new(Mutex::new(None));
        let first = open(&address, &door).map_err(Error::Start)?;
        let (again, keep) = (address.clone(), Arc::clone(&door));
        let run = move || {
            let mut server = Some(first);
            while !*stop.borrow() {
                match server.take() {
                    Some(server) => act(server, &play),
                    None => thread::sleep(core::time::Duration::from_millis(200)),
                }
                if !*stop.borrow() {
                    tracing::warn!("the web server behind the gate is started anew");
                    server = open(&again, &keep).ok();
                }
            }
        };
        let thread = thread::Builder::new().name("web".into()).spawn(run).map_err(Error::Start)?;
        Ok(Self { address, door, thread: Some(thread) })
    }

    /// Where the gate finds the server.
    pub(super) fn address(&self) -> SocketAddr {
        self.address.clone()
    }

    /// Makes the server's `accept` fail, which ends it.
    pub(super) fn interrupt(&self) {
        let door = self.door.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(door) = door {
            let _ = door.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Waits for the end.
    pub(super) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(address: &SocketAddr, door: &Mutex<Option<UnixStream>>) -> io::Result<&'static tiny_http::Server> {
    let mut door = door.lock().unwrap_or_else(PoisonError::into_inner);
    // A copy of the old socket would keep its name taken.
    *door = None;
    let listener = UnixListener::bind_addr(address)?;
    *door = Some(UnixStream::from(OwnedFd::from(listener.try_clone()?)));
    let server = tiny_http::Server::from_listener(listener, None).map_err(io::Error::other)?;
    // Its destructor panics on an abstract socket, which has no path: it must not run.
    Ok(Box::leak(Box::new(server)))
}

/// Lets the workers answer until the server fails.
fn act(server: &'static tiny_http::Server, play: &Play) {
    let (ended, first_end) = mpsc::sync_channel(WORKERS);
    let worker = |n: usize| {
        let (play, ended) = (Arc::clone(play), ended.clone());
        let work = move || {
            while let Ok(request) = server.recv() {
                play(request);
            }
            let _ = ended.send(());
        };
        thread::Builder::new().name(format!("web-{n}")).spawn(work)
    };
    let workers: Vec<_> = (1..=WORKERS).filter_map(|n| worker(n).ok()).collect();
    drop(ended);
    let _ = first_end.recv();
    // Each needs its own.
    workers.iter().for_each(|_| server.unblock());
    for worker in workers {
        let _ = worker.join();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    fn ask(address: &SocketAddr) -> io::Result<String> {
        let mut stream = UnixStream::connect_addr(address)?;
        stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        if text.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(text) }
    }

    #[test]
    fn a_failed_accept_does_not_end_the_page() {
        let (stop, stopped) = watch::channel(false);
        let play: Play = Arc::new(|request| {
            let _ = request.respond(tiny_http::Response::from_string("here"));
        });
        let mut stage =
            Stage::start(&format!("hold-slayer-test-{}", std::process::id()), play, stopped).unwrap();
        assert!(ask(&stage.address()).unwrap().ends_with("here"));
        stage.interrupt();
        let begun = Instant::now();
        while !ask(&stage.address()).is_ok_and(|text| text.ends_with("here")) {
            assert!(begun.elapsed() < Duration::from_secs(20), "the server did not come back");
            thread::yield_now();
        }
        stop.send_replace(true);
        stage.interrupt();
        stage.join();
        assert!(ask(&stage.address()).is_err());
    }
}
