//! The systemd unit, its user and its limits, judged by systemd's own tools where they are installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::{Command, Output};

/// The worst exposure that `systemd-analyze security` may find, in tenths (0 none, 100 unconfined).
const EXPOSURE: &str = "20";

/// Runs a tool; `None`, with a word on it, where it is not installed.
fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("{tool} is not installed: the unit was not checked by it");
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The unit with the program of this build in the place of the installed one.
fn unit(folder: &str) -> PathBuf {
    let text = std::fs::read_to_string("systemd/hold-slayer.service").unwrap();
    let folder = std::env::temp_dir().join(format!("hold-slayer-{folder}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("hold-slayer.service");
    let installed = "/usr/bin/hold-slayer";
    assert!(text.contains(&format!("ExecStart={installed} run")), "the unit starts {installed}");
    let start = format!("ExecStart={}", env!("CARGO_BIN_EXE_hold-slayer"));
    std::fs::write(&path, text.replace(&format!("ExecStart={installed}"), &start)).unwrap();
    path
}

#[test]
fn systemd_understands_every_line() {
    let path = unit("verify");
    if let Some(output) = run("systemd-analyze", &["verify", "--man=no", path.to_str().unwrap()]) {
        // It says what it does not know and exits 0 all the same: only silence will do.
        let about_us: Vec<String> =
            words(&output).lines().filter(|line| line.contains("hold-slayer")).map(str::to_owned).collect();
        assert!(output.status.success() && about_us.is_empty(), "{}", words(&output));
    }
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn the_unit_is_confined() {
    let path = unit("security");
    let threshold = format!("--threshold={EXPOSURE}");
    if let Some(output) = run(
        "systemd-analyze",
        &["security", "--offline=yes", "--no-pager", &threshold, path.to_str().unwrap()],
    ) {
        assert!(output.status.success(), "{}", words(&output));
    }
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn the_user_can_be_made() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/hold-slayer.sysusers");
    if let Some(output) = run("systemd-sysusers", &["--dry-run", file]) {
        assert!(output.status.success(), "{}", words(&output));
    }
}

#[test]
fn the_unit_gives_what_check_asks_for() {
    let text = std::fs::read_to_string("systemd/hold-slayer.service").unwrap();
    for line in [
        "Type=notify",
        "WatchdogSec=10",
        "LimitRTPRIO=20",
        "LimitMEMLOCK=infinity",
        "StateDirectory=hold-slayer",
        "SupplementaryGroups=gpio",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}");
    }
    // Each of these would take away the media thread's priority or the button.
    for line in ["RestrictRealtime=yes", "PrivateDevices=yes", "~@resources"] {
        assert!(!text.contains(line), "{line}");
    }
}
