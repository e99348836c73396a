//! PJSIP's pjsua2 as a phone, by way of `pjsua.py`.

use crate::phone::{Account, Softphone};
use crate::place::Place;
use crate::process::{Process, SOON, until, wait};
use crate::sound;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};

/// One pjsua2.
pub struct Pjsua {
    heard: PathBuf,
    input: ChildStdin,
    process: Process,
}

impl Pjsua {
    fn tell(&self, command: &[&str]) {
        (&self.input).write_all(format!("{}\n", json!(command)).as_bytes()).unwrap();
    }

    /// What has happened of this kind so far.
    fn events(&self, kind: &str) -> Vec<Value> {
        let lines = self.process.output();
        let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["event"] == kind).collect()
    }

    fn states(&self, state: &str) -> usize {
        self.events("state").iter().filter(|event| event["state"] == state).count()
    }
}

impl Softphone for Pjsua {
    fn start(place: &Place, name: &'static str, account: &Account<'_>, microphone: &Path) -> Self {
        let folder = place.folder(name);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join(".cache/venv/bin/python3");
        let mut command = Command::new(&python);
        let (mut process, mut input) =
            Process::start_told(name, command.arg("-u").arg(root.join("tests/peers/pjsua.py")));
        let (sip, heard, log) = (place.ports(1), folder.join("heard.wav"), folder.join("log"));
        let files = account.certificates;
        let who = json!({
            "ip": sip.ip(), "port": sip.port(), "rtp": place.ports(16).port(), "transport": account.way.name(),
            "root": files.map(|c| &c.root), "cert": files.map(|c| &c.leaf), "key": files.map(|c| &c.key),
            "user": account.user, "password": account.password, "registrar": account.registrar,
            "codec": format!("{}/8000/1", account.codec.to_uppercase()),
            "microphone": microphone, "heard": heard, "log": log,
        });
        process.logs.push(log);
        input.write_all(format!("{who}\n").as_bytes()).unwrap();
        let phone = Self { heard, input, process };
        until("pjsua2 is up", || !phone.events("ready").is_empty());
        phone
    }

    fn registers(&self) {
        until("pjsua2 is registered", || {
            self.events("registration").iter().any(|event| event["code"] == 200)
        });
    }

    fn dial(&self, number: &str) {
        self.tell(&["dial", number]);
    }

    fn talks(&self, calls: usize) {
        until("pjsua2 talks", || self.states("CONFIRMED") >= calls);
    }

    fn rings(&self, caller: &str) {
        let ring = wait("pjsua2 rings", SOON, || self.events("ring").pop());
        assert!(ring["remote"].as_str().unwrap().contains(caller), "{ring}");
    }

    fn accept(&self) {
        self.tell(&["accept"]);
    }

    fn hang_up(&self) {
        self.tell(&["hangup"]);
    }

    fn is_free(&self, calls: usize) {
        until("the call of pjsua2 is over", || self.states("DISCONNECTED") >= calls);
    }

    fn hold(&self) {
        self.tell(&["hold"]);
    }

    fn resume(&self) {
        self.tell(&["resume"]);
    }

    fn transfer(&self, uri: &str) {
        self.tell(&["transfer", uri]);
    }

    fn key(&self, key: char) {
        self.tell(&["keys", &key.to_string()]);
    }

    fn hears(&self, hz: f64) {
        until(&format!("a tone of {hz} Hz reaches pjsua2"), || {
            let heard = sound::unfinished(&self.heard);
            heard.len() > sound::MOMENT && sound::is_tone(&heard[heard.len() - sound::MOMENT..], hz)
        });
    }
}
