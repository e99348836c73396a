//! baresip, without a head: a phone or a company that is told what to do over its control socket.
//!
//! Its sound comes from a file and goes, as it was sent and as it was heard, into files of its own (module `sndfile`).

use crate::phone::{Account, Softphone};
use crate::place::Place;
use crate::process::{Process, SOON, until, wait};
use crate::sound;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// One baresip.
pub struct Baresip {
    /// Where it speaks SIP.
    pub sip: SocketAddr,
    folder: PathBuf,
    control: TcpStream,
    events: Arc<Mutex<Vec<(Instant, Value)>>>,
    process: Process,
}

impl Baresip {
    fn open(place: &Place, name: &'static str, account: &Account<'_>, microphone: &Path) -> Self {
        let folder = place.folder(name);
        let (sip, control, rtp) = (place.ports(2), place.ports(1), place.ports(16).port());
        let ip = place.ip;
        let tls = account.certificates.map_or_else(String::new, |files| {
            let (root, leaf) = (files.root.display(), folder.join("leaf-and-key.pem"));
            let both = [&files.leaf, &files.key].map(|file| std::fs::read(file).unwrap()).concat();
            std::fs::write(&leaf, both).unwrap();
            format!("sip_cafile {root}\nsip_certificate {}\n", leaf.display())
        });
        let config = format!(
            "{tls}sip_listen {sip}\nnet_interface {ip}\nctrl_tcp_listen {control}\nrtp_ports {rtp}-{}\n\
             module_path {MODULES}\nmodule g711.so\nmodule srtp.so\nmodule aufile.so\nmodule sndfile.so\nmodule_tmp account.so\n\
             module_app menu.so\nmodule_app ctrl_tcp.so\nsnd_path {folder}\n\
             audio_source aufile,{microphone}\naudio_player aufile,{folder}/heard.wav\n\
             audio_alert aufile,{folder}/bell.wav\n\
             ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
             ausrc_format s16\nauplay_format s16\nauenc_format s16\naudec_format s16\n\
             jitter_buffer_delay 1-5\nringback_disabled yes\nmenu_bell no\n",
            rtp + 15,
            folder = folder.display(),
            microphone = microphone.display(),
        );
        let (at, interval) = account.registrar.map_or((sip, 0), |registrar| (registrar, 60));
        let accounts = format!(
            "<sip:{user}@{at};transport={}>;auth_user={user};auth_pass={};regint={interval};audio_codecs={};dtmfmode=rtpevent;\
             answermode=manual{encryption}\n",
            account.way.name(),
            account.password,
            account.codec,
            user = account.user,
            encryption = encryption(account.encryption),
        );
        std::fs::write(folder.join("config"), config).unwrap();
        std::fs::write(folder.join("accounts"), accounts).unwrap();
        let mut command = Command::new("baresip");
        let process = Process::start(name, command.arg("-s").arg("-f").arg(&folder));
        let control =
            wait(&format!("the control socket of {name}"), SOON, || TcpStream::connect(control).ok());
        let events = Arc::default();
        listen(control.try_clone().unwrap(), Arc::clone(&events));
        Self { sip, folder, control, events, process }
    }

    /// What it printed so far: messages and its own words.
    pub fn printed(&self) -> String {
        self.process.output()
    }

    /// A command as its user would type it.
    pub fn tell(&self, command: &str, parameters: &str) {
        let text = json!({"command": command, "params": parameters, "token": command}).to_string();
        (&self.control).write_all(format!("{}:{text},", text.len()).as_bytes()).unwrap();
    }

    /// Its events of this type, and when they came.
    pub fn events(&self, kind: &str) -> Vec<(Instant, Value)> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|(_, event)| event["type"] == kind).cloned().collect()
    }

    /// Waits for the first event of this type.
    pub fn event(&self, kind: &str) -> (Instant, Value) {
        self.nth(kind, 0)
    }

    /// Waits for one event of this type, counted from 0.
    pub fn nth(&self, kind: &str, n: usize) -> (Instant, Value) {
        wait(kind, SOON, || self.events(kind).get(n).cloned())
    }

    /// What it received in its latest call so far, 8 kHz.
    pub fn heard(&self) -> Vec<i16> {
        self.recording("dec").map_or_else(Vec::new, |file| sound::unfinished(&file))
    }

    fn recording(&self, end: &str) -> Option<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        let is_one = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("dump-") && name.ends_with(&format!("-{end}.wav"))
        };
        entries.filter(is_one).max_by_key(|path| path.metadata().unwrap().modified().unwrap())
    }

    /// Waits until it has heard nothing for half a second.
    pub fn hears_silence(&self) {
        until("silence reaches baresip", || {
            let heard = self.heard();
            heard.len() > 4000 && sound::power(&heard[heard.len() - 4000..]) < 100.0
        });
    }
}

impl Softphone for Baresip {
    fn start(place: &Place, name: &'static str, account: &Account<'_>, microphone: &Path) -> Self {
        Self::open(place, name, account, microphone)
    }

    /// This can be before its control socket is open: it says so in print, too.
    fn registers(&self) {
        until("baresip is registered", || self.process.output().contains("[1 binding]"));
    }

    fn dial(&self, number: &str) {
        self.tell("dial", number);
    }

    fn talks(&self, calls: usize) {
        self.nth("CALL_ESTABLISHED", calls - 1);
    }

    fn rings(&self, caller: &str) {
        let (_, ring) = self.event("CALL_INCOMING");
        assert!(ring.to_string().contains(caller), "{ring}");
    }

    fn accept(&self) {
        self.tell("accept", "");
    }

    fn hang_up(&self) {
        self.tell("hangup", "");
    }

    fn is_free(&self, calls: usize) {
        self.nth("CALL_CLOSED", calls - 1);
    }

    fn hold(&self) {
        self.tell("hold", "");
    }

    fn resume(&self) {
        self.tell("resume", "");
    }

    fn transfer(&self, uri: &str) {
        self.tell("transfer", uri);
    }

    fn key(&self, key: char) {
        self.tell("sndcode", &key.to_string());
    }

    fn hears(&self, hz: f64) {
        until(&format!("a tone of {hz} Hz reaches baresip"), || {
            let heard = self.heard();
            heard.len() > sound::MOMENT && sound::is_tone(&heard[heard.len() - sound::MOMENT..], hz)
        });
    }
}

fn encryption(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(";mediaenc={name}") }
}

/// Where Debian puts them.
const MODULES: &str = "/usr/lib/baresip/modules";

/// Collects what the control socket says: netstrings of JSON.
fn listen(mut from: TcpStream, events: Arc<Mutex<Vec<(Instant, Value)>>>) {
    std::thread::spawn(move || {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..n]);
            while let Some(text) = netstring(&mut bytes) {
                let value = serde_json::from_slice(&text).unwrap_or(Value::Null);
                events.lock().unwrap().push((Instant::now(), value));
            }
        }
    });
}

fn netstring(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let colon = bytes.iter().position(|b| *b == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let end = colon + 1 + length;
    (bytes.len() > end).then(|| bytes.drain(..=end).skip(colon + 1).take(length).collect())
}

impl Drop for Baresip {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("──── events of {}:", self.folder.display());
            for (_, event) in self.events.lock().unwrap().iter() {
                eprintln!("{event}");
            }
        }
    }
}
