//! `hold-slayer ctl` against the running box, with a call that is up.

use super::far::{Net, SOON};
use super::running::{Folder, House, Running};
use hold_slayer::demo::Fact;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hold-slayer"));
    command.arg("ctl").args(arguments).arg("--data").arg(data);
    command
}

/// Exit code, what it prints, what it complains of.
fn ctl(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(data, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The state once another call than this is the only one.
fn only(data: &Path, gone: &str) -> Value {
    let begun = Instant::now();
    loop {
        let (_, out, _) = ctl(data, &["status", "--json"]);
        let status: Value = serde_json::from_str(&out).unwrap();
        let ids: Vec<String> =
            status["calls"].as_array().unwrap().iter().map(|call| call["id"].to_string()).collect();
        if ids.len() == 1 && ids[0] != gone {
            return status;
        }
        assert!(begun.elapsed() < SOON, "{status}");
    }
}

#[test]
fn scripts_on_the_box_see_hold_take_and_end_a_call() {
    let house = House::talking();
    let data = &house.folder.0;
    let (code, out, _) = ctl(data, &["status"]);
    assert_eq!(code, 0);
    assert!(out.contains("to 18005550123: talking") && out.contains("trunk provider: ready"), "{out}");
    let (_, out, _) = ctl(data, &["status", "--json"]);
    let status: Value = serde_json::from_str(&out).unwrap();
    let id = status["calls"][0]["id"].to_string();

    let watch = ["events", "--json", "--past", "--types", "hold,call.ended"];
    let mut events = command(data, &watch).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines();
    let (code, out, err) = ctl(data, &["take"]);
    assert_eq!((code, out.as_str()), (1, ""), "nothing is held");
    assert!(err.contains("no call is held"), "{err}");
    assert_eq!(ctl(data, &["dtmf", "12"]).0, 0);
    let (code, _, err) = ctl(data, &["dtmf", "1x"]);
    assert!(code == 1 && err.contains("Keys are 1 to 32"), "{err}");
    assert_eq!(ctl(data, &["hold", &id]).0, 0);
    house.phone.wait(0, "the owner hears it", |f| matches!(f, Fact::HearsVoice | Fact::Hears(_)));
    house.phone.wait(0, "the phone is free", |f| matches!(f, Fact::Ended(_)));
    let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&event["type"], event["call"].to_string()), (&"hold.detected".into(), id.clone()));
    let rung = house.phone.now();
    let (code, out, err) = ctl(data, &["take"]);
    assert_eq!(code, 0, "{out}{err}");
    house.phone.wait(rung, "the phone rings for it", |f| matches!(f, Fact::Called { .. }));
    let (code, out, err) = ctl(data, &["hang-up"]);
    assert_eq!(code, 0, "{out}{err}");
    house.company.wait(0, "the call is over", |f| matches!(f, Fact::Ended(_)));
    let (rung, called) = (house.phone.now(), house.company.now());
    let (code, out, err) = ctl(data, &["call", "18005550123", "--hold"]);
    assert_eq!(code, 0, "{out}{err}");
    house.company.wait(called, "the box calls by itself", |f| matches!(f, Fact::Called { .. }));
    let status = only(data, &id);
    assert_eq!(status["calls"][0]["outgoing"], true, "{status}");
    let second = status["calls"][0]["id"].to_string();
    assert_eq!(house.phone.count(|f| matches!(f, Fact::Called { .. })), 1, "nobody is rung for it");
    assert_eq!(ctl(data, &["hang-up", &second]).0, 0);
    let (code, out, err) = ctl(data, &["call", "18005550123"]);
    assert_eq!(code, 0, "{out}{err}");
    house.phone.wait(rung, "the phone rings first", |f| matches!(f, Fact::Called { .. }));
    // Each is written down with who asked for it.
    let status = only(data, &second);
    assert!(
        status["calls"][0]["last"].as_str().unwrap().contains("asked for by hold-slayer ctl"),
        "{status}"
    );
    assert_eq!(ctl(data, &["hang-up", &status["calls"][0]["id"].to_string()]).0, 0);
    let mut ended = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert!(ended.any(|event| event["type"] == "call.ended"));
    let (code, out, err) = ctl(data, &["events", "--types", &"a".repeat(300)]);
    assert!(code == 1 && out.is_empty() && err.contains("at most 256 characters"), "{err}");
    let (code, _, err) = ctl(data, &["call", "abc"]);
    assert!(code == 1 && err.contains("A number has 1 to 32 digits"), "{err}");
    let (code, _, err) = ctl(data, &["hang-up", "999"]);
    assert!(code == 1 && !err.is_empty(), "{err}");
    let _ = events.kill();
    let _ = events.wait();
}

#[test]
fn who_lost_the_password_gets_a_code_and_the_socket_is_for_the_box_and_its_group() {
    let net = Net::new();
    let folder = Folder::new(net);
    let (code, _, err) = ctl(&folder.0, &["status"]);
    assert!(code == 1 && err.contains("no box runs here"), "{err}");
    let running = Running::start(net, &folder);
    running.log_in(&running.password());
    let socket = folder.0.join("ctl.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, out, err) = ctl(&folder.0, &["claim", "--json"]);
    assert_eq!(code, 0, "{err}");
    let fresh: Value = serde_json::from_str(&out).unwrap();
    running.log_in(&running.claim(fresh["code"].as_str().unwrap(), "another-password"));
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends();
    assert!(!socket.exists(), "it goes with the box");
    // One that was left behind, as by a box that was killed.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let (code, _, err) = ctl(&folder.0, &["status"]);
    assert!(code == 1 && err.contains("no box runs here"), "{err}");
    let _running = Running::start(net, &folder);
    assert_eq!(ctl(&folder.0, &["status"]).0, 0);
}
