//! Where a test plays: a folder and a loopback address of its own, so that tests never meet each other.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};

/// Below the ports that systems give to whoever asks for any.
const FIRST: u16 = 20_000;
/// Ports of one place. baresip binds its RTP to every address, so that places which run at once may not share any.
const PORTS: u16 = 100;
const PLACES: u32 = 120;

/// A folder, removed when dropped, and a loopback address.
pub struct Place {
    folder: PathBuf,
    pub ip: IpAddr,
    next: Cell<u16>,
}

impl Place {
    pub fn new() -> Self {
        let n = Self::number();
        let [.., high, low] = std::process::id().to_be_bytes();
        // 127.x.y.z with x from 64 to 127 and z of this test in the process.
        Self::open(n, Ipv4Addr::new(127, 64 | (high & 63), low, n).into())
    }

    /// At an address that is the test's own anyway.
    #[allow(dead_code)]
    pub fn at(ip: IpAddr) -> Self {
        Self::open(Self::number(), ip)
    }

    fn number() -> u8 {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    fn open(n: u8, ip: IpAddr) -> Self {
        let folder = std::env::temp_dir().join(format!("hold-slayer-peers-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let block = (std::process::id().wrapping_mul(7) + u32::from(n)) % PLACES;
        let first = FIRST + PORTS * u16::try_from(block).unwrap_or_default();
        Self { folder, ip, next: Cell::new(first) }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A folder in the folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// The first of `n` ports in a row, even, which are free for UDP and TCP and given to nobody else in this place.
    pub fn ports(&self, n: u16) -> SocketAddr {
        for _ in 0..1000 {
            let first = self.next.get();
            self.next.set(first + n.next_multiple_of(2));
            let is_free =
                |port| UdpSocket::bind((self.ip, port)).is_ok() && TcpListener::bind((self.ip, port)).is_ok();
            if (first..first + n).all(is_free) {
                return SocketAddr::new(self.ip, first);
            }
        }
        panic!("no {n} free ports in a row on {}", self.ip);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
