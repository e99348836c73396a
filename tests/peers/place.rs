//! Where a test plays: a folder and a loopback address of its own, so that tests never meet each other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};

/// A folder, removed when dropped, and a loopback address.
pub struct Place {
    folder: PathBuf,
    pub ip: IpAddr,
}

impl Place {
    pub fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let [.., high, low] = std::process::id().to_be_bytes();
        let folder = std::env::temp_dir().join(format!("hold-slayer-peers-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        // 127.x.y.z with x from 64 to 127 and z of this test in the process.
        Self { folder, ip: Ipv4Addr::new(127, 64 | (high & 63), low, n).into() }
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

    /// The first of `n` UDP ports in a row that are free now, even.
    pub fn udp(&self, n: u16) -> SocketAddr {
        for _ in 0..1000 {
            let first = UdpSocket::bind((self.ip, 0)).unwrap().local_addr().unwrap().port() & !1;
            let taken: Result<Vec<_>, _> =
                (0..n).map(|i| UdpSocket::bind((self.ip, first.saturating_add(i)))).collect();
            if taken.is_ok() {
                return SocketAddr::new(self.ip, first);
            }
        }
        panic!("no {n} free ports in a row on {}", self.ip);
    }

    /// A free TCP port.
    pub fn tcp(&self) -> SocketAddr {
        TcpListener::bind((self.ip, 0)).unwrap().local_addr().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
