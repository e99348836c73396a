//! Looks at the machine and the network for [`super::judge`]. Changes nothing: ports are let go at once, the file written
//! to the data directory is removed again.

use super::{Data, Facts, Line, Port, Rights, ask, certificates, services};
use crate::board::handset::{Lines, Parts, missing};
use crate::board::{gpio, panel};
use crate::config::{self, Config, PORTS_PER_CALL};
use crate::listen::words::network::{Files, Recogniser};
use crate::media::realtime;
use crate::speech::Program;
use crate::{clock, store};
use nix::sys::resource::{Resource, getrlimit};
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Looks at everything, a few seconds at most for each trunk that is silent. With `tries` each notification target gets a test
/// message.
pub fn probe(file: &Path, data: &Path, tries: bool) -> Facts {
    let config = config::load(file);
    let (mut ports, mut trunks, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    if let Ok(config) = &config {
        ports = self::ports(config);
        trunks = ask::trunks(config);
        lines = self::lines(config);
    }
    let mode = std::fs::metadata(file).ok().map(|file| file.permissions().mode());
    let core = config.as_ref().ok().and_then(|config| config.board.media_core);
    let core = core.map(|core| (core, realtime::may_use(core)));
    let running = store::is_in_use(data);
    let (handset, monitor) = config.as_ref().map_or((None, None), |config| telephones(config, running));
    let words = config.as_ref().ok().and_then(|config| words(&config.words, data));
    let certificates = config.as_ref().map(certificates::look).unwrap_or_default();
    let services = config.iter().flat_map(|config| services::ask(config, tries)).collect();
    let data = self::data(data);
    let speech = config.as_ref().map_or(Ok(None), |config| speech(&config.speech.voice));
    let (rights, year) = (rights(), year());
    Facts {
        config,
        ports,
        trunks,
        lines,
        handset,
        monitor,
        data,
        words,
        speech,
        certificates,
        services,
        rights,
        core,
        year,
        mode,
        running,
    }
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

fn lines(config: &Config) -> Vec<Line> {
    let button = config.board.button.iter().map(|button| {
        let line = button.place.as_ref().map(ToString::to_string);
        let name = line.or_else(|| button.input.clone()).unwrap_or_default();
        Line { what: "button", name, found: panel::find_button(button) }
    });
    let lamp = config.board.lamp.iter().map(|lamp| Line {
        what: "lamp",
        name: lamp.place.to_string(),
        found: gpio::find(&lamp.place).map(drop),
    });
    button.chain(lamp).collect()
}

/// A box that runs has its card and its lines.
fn telephones(config: &Config, running: bool) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let board = &config.board;
    let lines = Lines {
        hook: board.hook.clone(),
        dial: board.dial.clone(),
        bell: board.bell.clone(),
        known: config.board_faults.is_empty(),
    };
    let try_it = |parts: &Parts, lines: &Lines| if running { Vec::new() } else { missing(parts, lines) };
    (
        config.handset.as_ref().map(|handset| try_it(&handset.parts, &lines)),
        config.monitor.as_ref().map(|parts| try_it(parts, &Lines::default())),
    )
}

fn data(path: &Path) -> Data {
    // `run` makes the directory if it is missing: what counts is where it would be made.
    let place = path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("."));
    let file = place.join(format!(".check-{}", std::process::id()));
    let written = std::fs::File::create_new(&file)
        .and_then(|mut file| file.write_all(&[0; 4096]).and_then(|()| file.sync_all()));
    let removed = std::fs::remove_file(&file);
    let unusable = |cause| store::Error::Unusable { path: place.to_owned(), cause }.to_string();
    let database = || store::may_write(path).err().map(|error| error.to_string());
    let error = written.and(removed).err().map(unusable).or_else(database);
    // The size of a block count differs by platform.
    #[allow(clippy::useless_conversion)]
    let free = nix::sys::statvfs::statvfs(place)
        .ok()
        .map(|fs| u64::from(fs.blocks_available()).saturating_mul(u64::from(fs.fragment_size())));
    Data { path: path.display().to_string(), is_there: path.is_dir(), error, free }
}

fn speech(config: &crate::speech::Config) -> Result<Option<String>, String> {
    let program = Program::find(config)?;
    Ok(program.map(|program| program.path().display().to_string()))
}

fn words(config: &config::Words, data: &Path) -> Option<Result<(), String>> {
    let folder = config.folder(data)?;
    let files = Files::open(&folder);
    Some(files.and_then(|files| match files.speaks(config.language) {
        true => Recogniser::new(&files).map(drop),
        false => Err(Files::unknown(&folder, config.language)),
    }))
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
    use std::net::SocketAddr;

    fn anywhere() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
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
    fn a_database_that_may_not_be_written_is_a_fault() {
        let path = std::env::temp_dir().join(format!("hold-slayer-check-theirs-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        assert_eq!(data(&path).error, None, "there is none yet");
        // Who is root may write every file, but no folder.
        std::fs::create_dir(path.join("hold-slayer.redb")).unwrap();
        let error = data(&path).error.unwrap();
        assert!(error.contains("hold-slayer.redb"), "{error}");
        std::fs::remove_dir_all(&path).unwrap();
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
        let file = std::env::temp_dir().join(format!("hold-slayer-no-folder-{}", std::process::id()));
        std::fs::write(&file, "").unwrap();
        for no_folder in [file.clone(), file.join("within")] {
            let error = data(&no_folder).error.unwrap();
            assert!(error.contains("is not a folder: name a folder with --data"), "{error}");
        }
        std::fs::remove_file(file).unwrap();
    }
}
