//! `hold-slayer check`: what is wrong with configuration, network and hardware, in plain words.
//!
//! [`probe`] looks (the edge), [`judge`] says what it means (pure).

pub mod ask;
pub mod certificates;
pub mod probe;
mod secrets;
pub mod services;

use crate::board::gpio::Trouble;
use crate::board::handset::Kind;
use crate::config::{Config, Mistakes, Way};
use crate::media::realtime;
use crate::phone::shadow::shadowed;
use crate::sip::{Srtp, Transport};
use core::fmt;
use std::net::IpAddr;

/// How good or bad one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// The box runs, but not as well as it could.
    Warning,
    /// This keeps the box, or a part of it, from working.
    Problem,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How good or bad.
    pub level: Level,
    /// What was looked at.
    pub about: String,
    /// What was found, and what to do if it is not well.
    pub words: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        };
        write!(f, "{level:<8} {}: {}", self.about, self.words)
    }
}

/// What was found. Everything that depends on a configuration is empty without one.
#[derive(Debug)]
pub struct Facts {
    /// The file, read.
    pub config: Result<Config, Mistakes>,
    /// Each address the box listens on.
    pub ports: Vec<Port>,
    /// Each trunk that the box registers at or sends to.
    pub trunks: Vec<Trunk>,
    /// Each line of the board.
    pub lines: Vec<Line>,
    /// What is missing of the handset, in plain words; `None`: there is none.
    pub handset: Option<Vec<String>>,
    /// The same of the loudspeaker.
    pub monitor: Option<Vec<String>>,
    /// Where the database goes.
    pub data: Data,
    /// The speech model: ready, or why not; `None` if there is none and none was asked for.
    pub words: Option<Result<(), String>>,
    /// The program that speaks; nothing: there is none.
    pub speech: Result<Option<String>, String>,
    /// Those that it shows.
    pub certificates: Vec<certificates::Certificate>,
    /// The other machines that it asks and tells.
    pub services: Vec<services::Service>,
    /// What the operating system allows.
    pub rights: Rights,
    /// The core that the board gives the sound, and whether the box may use it.
    pub core: Option<(u16, bool)>,
    /// Of the machine's clock.
    pub year: u16,
    /// Permissions of the configuration file, if it is there.
    pub mode: Option<u32>,
    /// The box runs with this data directory.
    pub running: bool,
}

/// An address the box listens on, or several of them.
#[derive(Clone, Debug)]
pub struct Port {
    /// "SIP", "page", "sound".
    pub what: &'static str,
    /// As people write it: "UDP 0.0.0.0:5060".
    pub address: String,
    /// Those that could not be had, and why the first could not.
    pub taken: Option<(usize, std::io::ErrorKind)>,
}

/// How a trunk answered.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Its name in the configuration.
    pub name: String,
    /// Host and port in the configuration.
    pub server: String,
    /// What came of asking it.
    pub answer: Answer,
}

/// What came of asking a trunk: by REGISTER where the box registers, else by OPTIONS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The status code of its response: any is a sign of life.
    Status(u16, IpAddr),
    /// It has taken user and password.
    Accepted(IpAddr),
    /// It has refused them.
    WrongPassword(IpAddr),
    /// It refuses the account: 403.
    Forbidden(IpAddr),
    /// It has no such user: 404.
    NoSuchUser(IpAddr),
    /// It asks for a proof of the password that the box does not know.
    UnknownChallenge(IpAddr),
    /// No connection could be made; why, in plain words.
    NoConnection(IpAddr, String),
    /// The name does not resolve; the resolver's words.
    NoSuchHost(String),
    /// It has addresses, but of the other family only (IPv6 for an IPv4 box, or the reverse).
    OtherFamily,
    /// The network has no way there; the system's words.
    NoWay(IpAddr, String),
    /// The machine is there and says that nothing listens on that port.
    Refused(IpAddr),
    /// Nothing within seconds.
    Silence(IpAddr),
    /// Not asked, for want of anything to ask.
    NotAsked,
}

/// A line of the board.
#[derive(Clone, Debug)]
pub struct Line {
    /// "button" or "lamp".
    pub what: &'static str,
    /// The kernel's name for it.
    pub name: String,
    /// Whether it can be had.
    pub found: Result<(), Trouble>,
}

/// The data directory.
#[derive(Clone, Debug)]
pub struct Data {
    /// As given.
    pub path: String,
    /// Whether it is there already; `run` makes it.
    pub is_there: bool,
    /// Why nothing can be written there.
    pub error: Option<String>,
    /// Free bytes, if they could be asked for.
    pub free: Option<u64>,
}

/// What the operating system allows this user.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// The superuser needs no limits raised.
    pub root: bool,
    /// Highest real-time priority, 0 to 99.
    pub rtprio: u64,
    /// Bytes that may be locked into memory.
    pub memlock: u64,
}

/// Priority of the media thread.
const PRIORITY: u64 = realtime::PRIORITY as u64;
/// Under any limit the box locks none of its memory.
const LOCKED: u64 = u64::MAX;
const MEGABYTE: u64 = 1024 * 1024;

/// Everything that can be said about the facts, in the order a person would put it right.
pub fn judge(facts: &Facts) -> Vec<Verdict> {
    let mut said = Vec::new();
    configuration(&facts.config, &mut said);
    said.extend(facts.mode.and_then(of_mode));
    facts.config.iter().for_each(|config| secrets::judge(config, &mut said));
    let clashes = facts.config.iter().flat_map(|config| shadowed(&config.codes));
    said.extend(clashes.map(|clash| say(Level::Warning, "star codes", clash)));
    facts.ports.iter().for_each(|port| said.push(of_port(port, facts.running)));
    said.extend(facts.certificates.iter().map(certificates::judge));
    for trunk in &facts.trunks {
        said.push(match trunk.answer {
            Answer::NotAsked if facts.running => {
                let words =
                    "not asked, for the box is running: its page and its log say how the trunk stands";
                say(Level::Ok, format!("trunk {}", trunk.name), words)
            }
            _ => of_trunk(trunk),
        });
    }
    facts.lines.iter().for_each(|line| said.push(of_line(line)));
    let telephones = [(Kind::Handset, &facts.handset), (Kind::Monitor, &facts.monitor)];
    for (kind, missing) in telephones {
        said.extend(missing.iter().flat_map(|missing| of_telephone(kind, missing, facts.running)));
    }
    said.push(of_data(&facts.data));
    said.push(of_rights(facts.rights));
    said.extend(facts.core.map(of_core));
    let asks = |about| facts.services.iter().any(|service| service.about == about);
    // Of what a file that cannot be read asks for nothing is known.
    let known = facts.config.is_ok();
    if known && !asks(services::WORDS) {
        said.push(of_words(facts.words.as_ref()));
    }
    said.extend(facts.services.iter().map(services::judge));
    said.extend(of_speech(&facts.speech, asks(services::SPEECH)).filter(|_| known));
    let understands = asks(services::WORDS) || matches!(facts.words, Some(Ok(())));
    let speaks = asks(services::SPEECH) || matches!(facts.speech, Ok(Some(_)));
    let limits = facts.config.iter().find_map(|config| config.assisted);
    said.extend(limits.map(|limits| services::leads(limits, understands, speaks)));
    said.push(of_year(facts.year));
    said
}

fn say(level: Level, about: impl Into<String>, words: impl Into<String>) -> Verdict {
    Verdict { level, about: about.into(), words: words.into() }
}

fn configuration(config: &Result<Config, Mistakes>, said: &mut Vec<Verdict>) {
    let config = match config {
        Ok(config) => config,
        Err(mistakes) => {
            said.extend(mistakes.0.iter().map(|m| say(Level::Problem, "configuration", m.to_string())));
            return;
        }
    };
    let (trunks, phones) = (config.trunks.len(), config.phones.len());
    said.push(say(Level::Ok, "configuration", format!("can be read; trunks: {trunks}, phones: {phones}")));
    said.extend(config.board_faults.iter().map(|fault| {
        let words = format!("{fault}. Until that is put right the box runs without button, lamp and hook");
        say(Level::Problem, "board file", words)
    }));
    if trunks == 0 {
        let words =
            "there is no [[trunk]], so no call can leave the house, not even to help. Add your provider's";
        said.push(say(Level::Warning, "configuration", words));
    }
    if phones == 0 && config.handset.is_none() {
        let words =
            "there is no [[phone]], so nothing can ring. Add your telephone adapter's user and secret";
        said.push(say(Level::Warning, "configuration", words));
    }
    said.extend(keys_in_clear(config).map(|about| {
        let words = "srtp is on, but its keys travel in SIP messages without TLS: whoever reads those can listen in. Write \
                     transport = \"tls\" for a trunk, or tls_listen in [sip] for phones";
        say(Level::Warning, about, words)
    }));
}

/// Trunks and phones whose sound is encrypted with keys that anybody on the way can read, RFC 4568 §8.3.
fn keys_in_clear(config: &Config) -> impl Iterator<Item = String> {
    let is_open = |way: &Way| match way.transport {
        Some(transport) => transport != Transport::Tls,
        // The name service may well tell of TLS.
        None => !way.srv,
    };
    let trunks = config.trunks.iter().filter(move |t| t.srtp != Srtp::Off && is_open(&t.way));
    let phones = config.phones.iter().filter(|p| p.srtp != Srtp::Off && config.sip.tls.is_none());
    trunks.map(|t| format!("trunk {}", t.name)).chain(phones.map(|p| format!("phone {}", p.name)))
}

/// Passwords stand in the file.
fn of_mode(mode: u32) -> Option<Verdict> {
    (mode & 0o007 != 0).then(|| {
        let words = format!(
            "every user of this machine may read the file or write to it (mode {:04o}), and passwords are in it: \
             chmod o= takes that away",
            mode & 0o7777
        );
        say(Level::Warning, "configuration", words)
    })
}

fn of_port(port: &Port, running: bool) -> Verdict {
    use std::io::ErrorKind;
    let Port { what, address, taken } = port;
    let Some((count, why)) = taken else { return say(Level::Ok, *what, format!("{address} is free")) };
    if running && *why == ErrorKind::AddrInUse {
        return say(Level::Ok, *what, format!("{address} is in use by Hold Slayer, which is running"));
    }
    let words = match why {
        ErrorKind::AddrInUse if *count > 1 => {
            format!("{count} ports of {address} are in use by another program")
        }
        ErrorKind::AddrInUse => format!("{address} is in use by another program"),
        ErrorKind::AddrNotAvailable => format!("{address} is not an address of this machine"),
        ErrorKind::PermissionDenied => format!("{address} needs the superuser; take a port above 1023"),
        other => format!("{address} cannot be had: {other}"),
    };
    let advice = match why {
        ErrorKind::AddrInUse => {
            ". Stop it or choose another port. If it is Hold Slayer itself, name its folder with --data"
        }
        _ => "",
    };
    say(Level::Problem, *what, words + advice)
}

fn of_trunk(trunk: &Trunk) -> Verdict {
    let Trunk { name, server, answer } = trunk;
    let about = format!("trunk {name}");
    match answer {
        Answer::Status(code, ip) => say(Level::Ok, about, format!("{server} ({ip}) answers ({code})")),
        Answer::NoSuchHost(why) => {
            let words = format!(
                "the name {server} has no address ({why}). Is it spelt right, and does the network work?"
            );
            say(Level::Problem, about, words)
        }
        Answer::OtherFamily => {
            let words = format!("{server} has no address of the kind that [sip] listen uses (IPv4 or IPv6)");
            say(Level::Problem, about, words)
        }
        Answer::NoWay(ip, why) => {
            let words = format!("there is no way to {server} ({ip}): {why}. Is the network cable in?");
            say(Level::Problem, about, words)
        }
        Answer::Refused(ip) => {
            let words =
                format!("{server} ({ip}) is there, but nothing listens on that port. Is the port right?");
            say(Level::Problem, about, words)
        }
        Answer::Silence(ip) => {
            let words = format!(
                "nobody answers at {server} ({ip}). Is the port right, and does a firewall stand between?"
            );
            say(Level::Problem, about, words)
        }
        Answer::NotAsked => say(Level::Warning, about, "not asked".to_owned()),
        Answer::Accepted(ip) => say(Level::Ok, about, format!("{server} ({ip}) accepts user and password")),
        Answer::WrongPassword(ip) => {
            let words = format!(
                "{server} ({ip}) answers, but the password was refused. Check user, auth_user and secret; many \
                 providers give a password of its own to the telephone"
            );
            say(Level::Problem, about, words)
        }
        Answer::Forbidden(ip) => {
            let words = format!(
                "{server} ({ip}) answers, but refuses this account (403): a wrong user or password, a block after too \
                 many tries, or an unpaid bill"
            );
            say(Level::Problem, about, words)
        }
        Answer::NoSuchUser(ip) => say(
            Level::Problem,
            about,
            format!("{server} ({ip}) knows no such user (404). Check user and domain"),
        ),
        Answer::UnknownChallenge(ip) => {
            let words = format!("{server} ({ip}) wants a proof of the password that this box does not know");
            say(Level::Problem, about, words)
        }
        Answer::NoConnection(ip, why) => {
            say(Level::Problem, about, format!("there is no connection to {server} ({ip}): {why}"))
        }
    }
}

fn of_line(line: &Line) -> Verdict {
    match &line.found {
        Ok(()) => say(Level::Ok, line.what, format!("{} is there", line.name)),
        Err(trouble @ Trouble::Busy(_, by)) if by == "hold-slayer" => {
            say(Level::Ok, line.what, format!("{trouble}, which is running"))
        }
        Err(trouble) => {
            let advice = match trouble {
                Trouble::NoChip => {
                    "`file` under [board] names the board, and a computer without such lines is \"generic\""
                }
                Trouble::NoLine(_) => {
                    "`gpioinfo` lists the names; `file` under [board] names the board, or a copy of its file with other lines"
                }
                Trouble::Busy(..) => {
                    "Have that let it go, or name a copy of the board's file with another line as `file` under [board]"
                }
                Trouble::Forbidden(_) => {
                    "`usermod -aG gpio` with the user's name puts it there, from its next login or start on"
                }
                Trouble::NoInput(..) => KEYS,
                Trouble::Failed(..) => "Is it plugged in, and is it what `file` under [board] names?",
            };
            say(Level::Warning, line.what, format!("{trouble}. {advice}. The box works without"))
        }
    }
}

/// What to do about an input device that is missing.
const KEYS: &str =
    "Plug it in; `cat /proc/bus/input/devices` has its name, and the user must be in the group input";
/// About a sound card.
const CARD: &str =
    "Plug it in; `cat /proc/asound/cards` has its name in brackets, and the user must be in the group audio";
/// About a line of the board.
const LINE: &str =
    "`file` under [board] names the board with its lines, and the user must be in the group gpio";
/// About one that the board file has not.
const OWN: &str = "Copy /usr/share/hold-slayer/board/generic.toml, or the board's own file from there, to my-board.toml beside \
                   hold-slayer.toml (on a card: on its drive HOLDSLAYER), add a section for it, such as [hook] with \
                   input = \"…\", the name that `cat /proc/bus/input/devices` has, and write file = \"my-board.toml\" under [board]";

/// A box that runs has the card and the lines for itself.
fn of_telephone(kind: Kind, missing: &[String], running: bool) -> Vec<Verdict> {
    let name = kind.name();
    let there = match kind {
        Kind::Handset => "sound card, hook and keys are there",
        Kind::Monitor => "its sound card is there",
    };
    match missing {
        _ if running => vec![say(
            Level::Ok,
            name,
            format!("not tried, for the box is running: its page says how the {name} stands"),
        )],
        [] => vec![say(Level::Ok, name, there)],
        missing => {
            let words = |why: &String| {
                let about = |word| why.contains(word);
                let advice = match () {
                    () if about("sound card") => CARD,
                    () if about("board file") => OWN,
                    () if about("input device") => KEYS,
                    () => LINE,
                };
                say(Level::Warning, name, format!("{why}. {advice}. The box works without"))
            };
            missing.iter().map(words).collect()
        }
    }
}

fn of_data(data: &Data) -> Verdict {
    let Data { path, is_there, error, free } = data;
    let written = if *is_there { "can be written" } else { "is not there yet and can be made" };
    if let Some(error) = error {
        let words = format!("nothing would be kept in {path}, no call and no menu: {error}");
        return say(Level::Problem, "data", words);
    }
    match free {
        Some(free) if *free < 16 * MEGABYTE => {
            say(Level::Problem, "data", format!("{path} has only {} MB left", free / MEGABYTE))
        }
        Some(free) if *free < 256 * MEGABYTE => {
            say(Level::Warning, "data", format!("{path} has only {} MB left", free / MEGABYTE))
        }
        Some(free) => say(Level::Ok, "data", format!("{path} {written}, {} MB free", free / MEGABYTE)),
        None => say(Level::Ok, "data", format!("{path} {written}")),
    }
}

fn of_words(words: Option<&Result<(), String>>) -> Verdict {
    match words {
        Some(Ok(())) => say(Level::Ok, "words", "the speech model is ready".to_owned()),
        Some(Err(why)) => say(Level::Warning, "words", format!("the box does not understand words: {why}")),
        None => say(
            Level::Ok,
            "words",
            "there is no speech model: the box goes by sound alone; model/words/fetch.sh fetches one"
                .to_owned(),
        ),
    }
}

/// `elsewhere`: another machine speaks, and the program only in its place.
fn of_speech(speech: &Result<Option<String>, String>, elsewhere: bool) -> Option<Verdict> {
    let words = match speech {
        Ok(Some(program)) if elsewhere => format!("while the other machine fails, {program} speaks"),
        Ok(None) if elsewhere => return None,
        Ok(Some(program)) => format!("names and texts are spoken by {program}"),
        Ok(None) => {
            "nothing speaks names and texts: the box has its recordings alone; install espeak-ng for more"
                .into()
        }
        Err(why) => {
            return Some(say(Level::Warning, "speech", format!("no program speaks names and texts: {why}")));
        }
    };
    Some(say(Level::Ok, "speech", words))
}

fn of_rights(rights: Rights) -> Verdict {
    let Rights { root, rtprio, memlock } = rights;
    if root || rtprio >= PRIORITY && memlock == LOCKED {
        return say(Level::Ok, "real time", "sound may go first");
    }
    let mut missing = Vec::new();
    if rtprio < PRIORITY {
        missing.push(format!("the real-time priority is limited to {rtprio} (LimitRTPRIO={PRIORITY})"));
    }
    if memlock < LOCKED {
        missing
            .push(format!("locked memory is limited to {} MB (LimitMEMLOCK=infinity)", memlock / MEGABYTE));
    }
    let words =
        format!("{}. Sound may stutter on a busy machine; the systemd unit sets both", missing.join(", "));
    say(Level::Warning, "real time", words)
}

fn of_core((core, usable): (u16, bool)) -> Verdict {
    if usable {
        return say(Level::Ok, "core", format!("sound has core {core} for itself"));
    }
    let words = format!(
        "media_core = {core} in the board file is no core that the box may use; `nproc` counts them, from 0. Sound shares \
         the others"
    );
    say(Level::Warning, "core", words)
}

fn of_year(year: u16) -> Verdict {
    // Nobody ran this program before it was written.
    if year < 2026 {
        let words = format!(
            "it is set to the year {year}: records would have wrong dates. Is a time server reachable?"
        );
        return say(Level::Warning, "clock", words);
    }
    say(Level::Ok, "clock", format!("set (year {year})"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::board::Place;
    use crate::config;
    use crate::listen::words::Language;
    use crate::listen::words::network::Files;
    use std::io::ErrorKind;
    use std::path::Path;

    fn well() -> Facts {
        let text = "[[trunk]]\nname = \"t\"\naddress = \"192.0.2.1:5060\"\n[[phone]]\nname = \"p\"\nuser = \"u\"\nsecret = \"x\"\n";
        Facts {
            config: config::parse(text, "t.toml", &|_| Err(ErrorKind::NotFound.into())),
            ports: Vec::new(),
            trunks: Vec::new(),
            lines: Vec::new(),
            handset: None,
            monitor: None,
            data: Data { path: "/data".to_owned(), is_there: true, error: None, free: Some(5000 * MEGABYTE) },
            words: Some(Ok(())),
            speech: Ok(Some("/usr/bin/espeak-ng".into())),
            certificates: Vec::new(),
            services: Vec::new(),
            rights: Rights { root: false, rtprio: PRIORITY, memlock: LOCKED },
            core: None,
            year: 2026,
            mode: Some(0o100_640),
            running: false,
        }
    }

    #[test]
    fn a_file_that_everybody_may_read_is_warned_about() {
        for (mode, warned) in [(0o100_600, false), (0o100_640, false), (0o100_644, true), (0o100_602, true)] {
            let said = lines(&Facts { mode: Some(mode), ..well() });
            let found =
                said.iter().any(|line| line.starts_with("warning  configuration: every user of this"));
            assert_eq!(found, warned, "{mode:o}: {said:?}");
        }
    }

    #[test]
    fn a_star_code_that_an_adapter_keeps_is_warned_about() {
        let config =
            config::parse("[codes]\nhold = \"*98\"\n", "t.toml", &|_| Err(ErrorKind::NotFound.into()));
        let said = lines(&Facts { config, ..well() });
        let about = |word: &str| {
            said.iter().any(|l| l.starts_with("warning  star codes: [codes] hold") && l.contains(word))
        };
        assert!(about("Grandstream") && about("Cisco SPA"), "{said:?}");
    }

    #[test]
    fn the_box_is_no_problem_to_itself() {
        let port = |why| Port { what: "SIP", address: "UDP 1.2.3.4:5060".to_owned(), taken: Some((1, why)) };
        let trunk = Trunk { name: "t".to_owned(), server: "s:5060".to_owned(), answer: Answer::NotAsked };
        let facts =
            Facts { ports: vec![port(ErrorKind::AddrInUse)], trunks: vec![trunk], running: true, ..well() };
        assert!(judge(&facts).iter().all(|verdict| verdict.level == Level::Ok), "{:?}", lines(&facts));
        let foreign = Facts { ports: vec![port(ErrorKind::AddrNotAvailable)], running: true, ..well() };
        assert!(judge(&foreign).iter().any(|verdict| verdict.level == Level::Problem));
    }

    fn lines(facts: &Facts) -> Vec<String> {
        judge(facts).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_is_well() {
        assert_eq!(
            lines(&well()),
            [
                "ok       configuration: can be read; trunks: 1, phones: 1",
                "ok       data: /data can be written, 5000 MB free",
                "ok       real time: sound may go first",
                "ok       words: the speech model is ready",
                "ok       speech: names and texts are spoken by /usr/bin/espeak-ng",
                "ok       clock: set (year 2026)",
            ]
        );
    }

    #[test]
    fn every_mistake_of_the_configuration_is_a_problem() {
        let config = config::parse("[sip]\nx = 1\ny = 2\n", "t.toml", &|_| Err(ErrorKind::NotFound.into()));
        let said = judge(&Facts { config, ..well() });
        assert_eq!(said.iter().filter(|v| v.level == Level::Problem).count(), 2);
        assert!(said[1].words.starts_with("t.toml:3: [sip] y: no such key"), "{}", said[1]);
        let guessed = |verdict: &Verdict| matches!(verdict.about.as_str(), "words" | "speech");
        assert!(!said.iter().any(guessed), "nothing is said of what the file may ask for");
    }

    #[test]
    fn an_empty_configuration_is_warned_about() {
        let config = config::parse("", "t.toml", &|_| Err(ErrorKind::NotFound.into()));
        let said = lines(&Facts { config, ..well() });
        assert!(said[1].starts_with("warning  configuration: there is no [[trunk]]"), "{}", said[1]);
        assert!(said[2].starts_with("warning  configuration: there is no [[phone]]"), "{}", said[2]);
    }

    #[test]
    fn ports() {
        let table: &[(Option<(usize, ErrorKind)>, &str)] = &[
            (None, "ok       SIP: UDP 1.2.3.4:5060 is free"),
            (
                Some((1, ErrorKind::AddrInUse)),
                "problem  SIP: UDP 1.2.3.4:5060 is in use by another program. Stop it",
            ),
            (
                Some((7, ErrorKind::AddrInUse)),
                "problem  SIP: 7 ports of UDP 1.2.3.4:5060 are in use by another program.",
            ),
            (
                Some((1, ErrorKind::AddrNotAvailable)),
                "problem  SIP: UDP 1.2.3.4:5060 is not an address of this machine",
            ),
            (Some((1, ErrorKind::PermissionDenied)), "problem  SIP: UDP 1.2.3.4:5060 needs the superuser"),
        ];
        for (taken, expected) in table {
            let port = Port { what: "SIP", address: "UDP 1.2.3.4:5060".to_owned(), taken: *taken };
            let said = of_port(&port, false).to_string();
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn trunks() {
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let table = [
            (Answer::Status(404, ip), "ok       trunk t: sip.example:5060 (192.0.2.1) answers (404)"),
            (
                Answer::NoSuchHost("x".to_owned()),
                "problem  trunk t: the name sip.example:5060 has no address (x).",
            ),
            (Answer::OtherFamily, "problem  trunk t: sip.example:5060 has no address of the kind"),
            (
                Answer::NoWay(ip, "x".to_owned()),
                "problem  trunk t: there is no way to sip.example:5060 (192.0.2.1): x.",
            ),
            (Answer::Silence(ip), "problem  trunk t: nobody answers at sip.example:5060 (192.0.2.1)."),
            (
                Answer::Accepted(ip),
                "ok       trunk t: sip.example:5060 (192.0.2.1) accepts user and password",
            ),
            (
                Answer::WrongPassword(ip),
                "problem  trunk t: sip.example:5060 (192.0.2.1) answers, but the password was refused.",
            ),
            (
                Answer::Forbidden(ip),
                "problem  trunk t: sip.example:5060 (192.0.2.1) answers, but refuses this",
            ),
            (
                Answer::NoSuchUser(ip),
                "problem  trunk t: sip.example:5060 (192.0.2.1) knows no such user (404)",
            ),
            (Answer::UnknownChallenge(ip), "problem  trunk t: sip.example:5060 (192.0.2.1) wants a proof"),
            (
                Answer::NoConnection(ip, "the certificate of x is for another name: y".to_owned()),
                "problem  trunk t: there is no connection to sip.example:5060 (192.0.2.1): the certificate of x is for",
            ),
            (Answer::NotAsked, "warning  trunk t: not asked"),
        ];
        for (answer, expected) in table {
            let trunk = Trunk { name: "t".to_owned(), server: "sip.example:5060".to_owned(), answer };
            let said = of_trunk(&trunk).to_string();
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn keys_of_encrypted_sound_in_open_messages() {
        let trunk = |more: &str| {
            format!("[[trunk]]\nname = \"t\"\nserver = \"s.example\"\nuser = \"u\"\nsecret = \"x\"\n{more}\n")
        };
        let phone = |more: &str| format!("[[phone]]\nname = \"p\"\nuser = \"p\"\nsecret = \"x\"\n{more}\n");
        let tls = "[sip]\ntls_listen = \"0.0.0.0:5061\"\ntls_cert = \"/c\"\ntls_key = \"/k\"\n";
        let (required, optional) = ("srtp = \"required\"", "srtp = \"optional\"");
        let table = [
            (trunk("") + &phone(""), vec![]),
            (trunk(required) + &phone(optional), vec!["trunk t", "phone p"]),
            (trunk(&format!("transport = \"tcp\"\n{optional}")) + &phone(""), vec!["trunk t"]),
            (trunk(&format!("transport = \"tls\"\n{required}")) + &phone(""), vec![]),
            (trunk(&format!("srv = true\n{required}")) + &phone(""), vec![]),
            (tls.to_owned() + &trunk("") + &phone(required), vec![]),
        ];
        for (text, wanted) in table {
            let config = config::parse(&text, "t.toml", &|_| Err(ErrorKind::NotFound.into())).unwrap();
            assert_eq!(keys_in_clear(&config).collect::<Vec<_>>(), wanted, "{text}");
            let mut said = Vec::new();
            configuration(&Ok(config), &mut said);
            let warnings =
                said.iter().filter(|v| v.level == Level::Warning && v.words.contains("without TLS"));
            assert_eq!(warnings.count(), wanted.len(), "{text}");
        }
    }

    #[test]
    fn board_lines() {
        let name = || "GPIO17".to_owned();
        let table = [
            (Ok(()), "ok       button: GPIO17 is there"),
            (Err(Trouble::NoChip), "warning  button: this machine has no GPIO lines"),
            (
                Err(Trouble::NoLine(Place { name: Some(name()), fallback: None })),
                "warning  button: no GPIO line is called GPIO17.",
            ),
            (
                Err(Trouble::Busy(name(), "led".to_owned())),
                "warning  button: the GPIO line GPIO17 is in use by led.",
            ),
            (Err(Trouble::Busy(name(), "hold-slayer".to_owned())), "ok       button: "),
            (
                Err(Trouble::Forbidden("/dev/gpiochip0".to_owned())),
                "warning  button: /dev/gpiochip0 may not be opened",
            ),
        ];
        for (found, expected) in table {
            let advised = matches!(&found, Err(trouble) if !matches!(trouble, Trouble::Busy(_, by) if by == "hold-slayer"));
            let said = of_line(&Line { what: "button", name: name(), found }).to_string();
            assert!(said.starts_with(expected), "{said}");
            assert_eq!(advised, said.contains('`') || said.contains("group"), "it says what to do: {said}");
        }
    }

    #[test]
    fn what_a_handset_lacks_is_named() {
        let said = |missing: &[&str], running| {
            let missing = missing.iter().map(|why| (*why).to_owned()).collect();
            let said = lines(&Facts { handset: Some(missing), running, ..well() });
            said.into_iter().filter(|line| line.contains("handset: ")).collect::<Vec<_>>()
        };
        assert_eq!(said(&[], false), ["ok       handset: sound card, hook and keys are there"]);
        let told = said(&["no sound card is called \"X\"", "hook: no"], false);
        assert!(told[0].starts_with(
            "warning  handset: no sound card is called \"X\". Plug it in; `cat /proc/asound/cards`"
        ));
        assert!(told[1].contains("`file` under [board]") && told.len() == 2, "{told:?}");
        assert!(
            said(&["keypad: no input device that may be opened is called \"P\""], false)[0]
                .contains("group input")
        );
        assert!(said(&[], true)[0].contains("the box is running"));
        assert!(lines(&well()).iter().all(|line| !line.contains("handset: ")));
        let monitor = |missing: Vec<String>| {
            let said = lines(&Facts { monitor: Some(missing), running: false, ..well() });
            said.into_iter().filter(|line| line.contains("monitor: ")).collect::<Vec<_>>()
        };
        assert_eq!(monitor(Vec::new()), ["ok       monitor: its sound card is there"]);
        let told = monitor(vec!["no sound card is called \"X\"".into()]);
        assert!(
            told[0].starts_with("warning  monitor: no sound card is called \"X\". Plug it in"),
            "{told:?}"
        );
    }

    #[test]
    fn words_are_an_offer() {
        let line = |words| {
            lines(&Facts { words, ..well() }).into_iter().find(|line| line.contains("words")).unwrap()
        };
        assert!(line(None).starts_with("ok") && line(None).contains("model/words/fetch.sh"));
        let broken = line(Some(Err("no such file".into())));
        assert!(broken.starts_with("warning") && broken.contains("no such file"), "{broken}");
        let english = line(Some(Err(Files::unknown(Path::new("/w"), Language::German))));
        assert!(english.contains("the language de: `model/words/fetch.sh /w base` fetches one"), "{english}");
    }

    #[test]
    fn data_rights_and_clock() {
        let data = |error: Option<&str>, free| {
            of_data(&Data { path: "/d".to_owned(), is_there: true, error: error.map(str::to_owned), free })
                .to_string()
        };
        assert_eq!(data(None, Some(20 * MEGABYTE)), "warning  data: /d has only 20 MB left");
        assert_eq!(data(None, Some(3 * MEGABYTE)), "problem  data: /d has only 3 MB left");
        assert!(
            data(Some("denied"), None)
                .starts_with("problem  data: nothing would be kept in /d, no call and no menu: denied")
        );
        let rights = |root, rtprio, memlock| of_rights(Rights { root, rtprio, memlock }).level;
        assert_eq!(rights(true, 0, 0), Level::Ok);
        assert_eq!(rights(false, 0, LOCKED), Level::Warning);
        assert_eq!(rights(false, PRIORITY, 64 * MEGABYTE), Level::Warning);
        assert_eq!(rights(false, PRIORITY, LOCKED), Level::Ok);
        assert_eq!(of_core((0, true)).level, Level::Ok);
        assert!(
            of_core((99, false)).to_string().starts_with("warning  core: media_core = 99 in the board file")
        );
        assert_eq!(of_year(1970).level, Level::Warning);
    }
}
