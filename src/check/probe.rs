//! Looks at the machine and the network for [`super::judge`]. Changes nothing: ports are let go at once, the file written
//! to the data directory is removed again.

use super::{Answer, Data, Facts, Line, Port, Rights, Trunk};
use crate::board::gpio;
use crate::config::{self, Config, PORTS_PER_CALL, TrunkPeer};
use crate::{clock, store};
use core::time::Duration;
use nix::sys::resource::{Resource, getrlimit};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How long a trunk may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The request is repeated after this long: UDP loses datagrams.
const REPEAT: Duration = Duration::from_millis(500);

/// Looks at everything, a few seconds at most for each trunk that is silent.
pub fn probe(file: &Path, data: &Path) -> Facts {
    let config = config::load(file);
    let (mut ports, mut trunks, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    if let Ok(config) = &config {
        ports = self::ports(config);
        trunks = self::trunks(config);
        lines = self::lines(config);
    }
    let mode = std::fs::metadata(file).ok().map(|file| file.permissions().mode());
    let running = store::is_in_use(data);
    let data = self::data(data);
    Facts { config, ports, trunks, lines, data, rights: rights(), year: year(), mode, running }
}

fn ports(config: &Config) -> Vec<Port> {
    let kind = |result: std::io::Result<()>| result.err().map(|e| (1, e.kind()));
    let (sip, page, media) = (config.sip.listen, config.web.listen, &config.media);
    let last = u32::from(media.rtp_ports) + u32::from(media.calls) * PORTS_PER_CALL - 1;
    let mut taken: Option<(usize, ErrorKind)> = None;
    for port in (u32::from(media.rtp_ports)..=last).step_by(2).filter_map(|port| u16::try_from(port).ok()) {
        if let Err(error) = UdpSocket::bind((sip.ip(), port)) {
            taken = Some(taken.map_or((1, error.kind()), |(count, why)| (count + 1, why)));
        }
    }
    vec![
        Port { what: "SIP", address: format!("UDP {sip}"), taken: kind(UdpSocket::bind(sip).map(drop)) },
        Port { what: "page", address: format!("TCP {page}"), taken: kind(TcpListener::bind(page).map(drop)) },
        Port { what: "sound", address: format!("UDP {}:{}-{last}", sip.ip(), media.rtp_ports), taken },
    ]
}

fn trunks(config: &Config) -> Vec<Trunk> {
    let trunk = |trunk: &config::Trunk| {
        let (host, port) = match &trunk.peer {
            TrunkPeer::Register { host, port, .. } => (host.clone(), *port),
            TrunkPeer::Static { addr } => (addr.ip().to_string(), addr.port()),
        };
        let answer = ask(&host, port, config.sip.listen);
        Trunk { name: trunk.name.clone(), server: format!("{host}:{port}"), answer }
    };
    config.trunks.iter().map(trunk).collect()
}

/// Resolves a trunk's host and sends it an OPTIONS from `local`: a peer that knows us by our address answers only that.
fn ask(host: &str, port: u16, local: SocketAddr) -> Answer {
    let found: Vec<SocketAddr> = match (host, port).to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(error) => return Answer::NoSuchHost(error.to_string()),
    };
    let Some(to) = found.iter().find(|to| to.is_ipv4() == local.is_ipv4()) else {
        return Answer::OtherFamily;
    };
    let Ok(socket) = UdpSocket::bind(local) else { return Answer::NotAsked };
    match exchange(&socket, *to) {
        Ok(Some(status)) => Answer::Status(status, to.ip()),
        Ok(None) => Answer::Silence(to.ip()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Answer::Refused(to.ip()),
        Err(error) => Answer::NoWay(to.ip(), error.to_string()),
    }
}

/// The status of the answer to an OPTIONS, RFC 3261 §11; `None` if none came.
fn exchange(socket: &UdpSocket, to: SocketAddr) -> std::io::Result<Option<u16>> {
    socket.connect(to)?;
    let local = socket.local_addr()?;
    let id = clock::wall().0;
    let request = format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKcheck{id};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:check@{local}>;tag=check{id}\r\nTo: <sip:{to}>\r\nCall-ID: check{id}@{ip}\r\nCSeq: 1 OPTIONS\r\n\
         Contact: <sip:check@{local}>\r\nContent-Length: 0\r\n\r\n",
        ip = local.ip()
    );
    let started = clock::now();
    let mut buffer = [0; 2048];
    socket.set_read_timeout(Some(REPEAT))?;
    while clock::now().since(started) < PATIENCE {
        socket.send(request.as_bytes())?;
        match socket.recv(&mut buffer) {
            Ok(length) => {
                if let Some(status) = buffer.get(..length).and_then(status) {
                    return Ok(Some(status));
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn status(response: &[u8]) -> Option<u16> {
    let code = response.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

fn lines(config: &Config) -> Vec<Line> {
    let button = config.board.button.iter().map(|line| ("button", &line.place));
    let lamp = config.board.lamp.iter().map(|line| ("lamp", &line.place));
    let line = |(what, place): (_, &crate::board::Place)| Line {
        what,
        name: place.name.clone(),
        found: gpio::find(place).map(drop),
    };
    button.chain(lamp).map(line).collect()
}

fn data(path: &Path) -> Data {
    // `run` makes the directory if it is missing: what counts is where it would be made.
    let place = path.ancestors().find(|p| p.is_dir()).unwrap_or(Path::new("."));
    let file = place.join(format!(".check-{}", std::process::id()));
    let written = std::fs::File::create_new(&file)
        .and_then(|mut file| file.write_all(&[0; 4096]).and_then(|()| file.sync_all()));
    let removed = std::fs::remove_file(&file);
    let error = written.and(removed).err().map(|error| error.to_string());
    // The size of a block count differs by platform.
    #[allow(clippy::useless_conversion)]
    let free = nix::sys::statvfs::statvfs(place)
        .ok()
        .map(|fs| u64::from(fs.blocks_available()).saturating_mul(u64::from(fs.fragment_size())));
    Data { path: path.display().to_string(), error, free }
}

fn rights() -> Rights {
    let limit = |resource| getrlimit(resource).map_or(0, |(soft, _hard)| soft);
    Rights {
        root: nix::unistd::geteuid().is_root(),
        rtprio: limit(Resource::RLIMIT_RTPRIO),
        memlock: limit(Resource::RLIMIT_MEMLOCK),
    }
}

fn year() -> u16 {
    let millis = i64::try_from(clock::wall().0).unwrap_or(0);
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    u16::try_from(time.to_zoned(jiff::tz::TimeZone::UTC).year()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn anywhere() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[test]
    fn a_trunk_that_answers_anything_is_alive() {
        let trunk = UdpSocket::bind(anywhere()).unwrap();
        let port = trunk.local_addr().unwrap().port();
        let asked = std::thread::spawn(move || ask("localhost", port, anywhere()));
        let mut buffer = [0; 2048];
        let (length, from) = trunk.recv_from(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(text.starts_with("OPTIONS sip:127.0.0.1:") && text.ends_with("\r\n\r\n"), "{text}");
        trunk.send_to(b"hello", from).unwrap();
        trunk.send_to(b"SIP/2.0 404 Not Found\r\n\r\n", from).unwrap();
        assert_eq!(asked.join().unwrap(), Answer::Status(404, "127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_closed_port_and_another_family_are_told_apart() {
        let closed = UdpSocket::bind(anywhere()).unwrap().local_addr().unwrap().port();
        assert!(matches!(ask("127.0.0.1", closed, anywhere()), Answer::Refused(_)));
        assert_eq!(ask("::1", 5060, anywhere()), Answer::OtherFamily);
        assert!(matches!(ask("no such host", 5060, anywhere()), Answer::NoSuchHost(_)));
    }

    #[test]
    fn a_port_in_use_is_seen() {
        let (sip, page) = (UdpSocket::bind(anywhere()).unwrap(), TcpListener::bind(anywhere()).unwrap());
        let text = format!(
            "[sip]\nlisten = \"{}\"\n[web]\nlisten = \"{}\"\n",
            sip.local_addr().unwrap(),
            page.local_addr().unwrap()
        );
        let config = config::parse(&text, "t.toml", &|_| Err(ErrorKind::NotFound.into())).unwrap();
        let seen = ports(&config);
        assert_eq!(seen[0].taken, Some((1, ErrorKind::AddrInUse)));
        assert_eq!(seen[1].taken, Some((1, ErrorKind::AddrInUse)));
    }

    #[test]
    fn a_data_directory_is_left_as_it_was() {
        let path = std::env::temp_dir().join(format!("hold-slayer-check-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        let seen = data(&path.join("not/yet/made"));
        assert_eq!(seen.error, None);
        assert!(seen.free.is_some());
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
        std::fs::remove_dir(&path).unwrap();
        assert!(data(Path::new("/proc/hold-slayer")).error.is_some());
    }
}
