//! The command line from outside: words and exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hold-slayer")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder of this test's own with a configuration in it.
fn folder(name: &str, configuration: &str) -> (PathBuf, String) {
    let folder = std::env::temp_dir().join(format!("hold-slayer-cli-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("hold-slayer.toml");
    std::fs::write(&file, configuration).unwrap();
    (folder, file.to_str().unwrap().to_owned())
}

#[test]
fn help_and_version_teach() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for words in [
        "check --example",
        "/etc/hold-slayer/hold-slayer.toml",
        "/var/lib/hold-slayer",
        "dial **",
        "Exit codes",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let (code, out, _) = run(&["--version"]);
    assert_eq!(code, 0);
    assert!(out.starts_with(concat!("hold-slayer ", env!("CARGO_PKG_VERSION"))), "{out}");
    assert!(
        out.contains(hold_slayer::config::DEFAULT_PATH) && out.contains(hold_slayer::config::DEFAULT_DATA),
        "{out}"
    );
}

#[test]
fn what_is_not_understood_is_exit_code_2() {
    for arguments in [&["chek"][..], &[], &["check", "--config"], &["check", "--no-such-thing"]] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains("--help") || err.contains("Usage: hold-slayer"), "{err}");
    }
}

#[test]
fn the_example_is_a_configuration() {
    let (code, out, _) = run(&["check", "--example"]);
    assert_eq!(code, 0);
    let (folder, file) = folder("example", &out);
    hold_slayer::config::load(std::path::Path::new(&file)).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn check_says_what_is_wrong_and_fails() {
    let (folder, file) = folder("wrong", "[sip]\nlissten = \"0.0.0.0:5060\"\n");
    let (code, out, _) = run(&["check", "--config", &file, "--data", folder.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with(&format!(
            "problem  configuration: {file}:2: [sip] lissten: no such key; did you mean listen?"
        )),
        "{out}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

/// Addresses that the system just gave out, let go again for the program to take: SIP, page, and eight for RTP.
fn free_ports() -> (SocketAddr, SocketAddr, u16) {
    for _ in 0..100 {
        let sip = UdpSocket::bind("127.0.0.1:0").unwrap();
        let page = TcpListener::bind("127.0.0.1:0").unwrap();
        let first = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() & !1;
        let sound: Result<Vec<_>, _> =
            (0..8).map(|i| UdpSocket::bind(("127.0.0.1", first.saturating_add(i)))).collect();
        if sound.is_ok() {
            return (sip.local_addr().unwrap(), page.local_addr().unwrap(), first);
        }
    }
    panic!("no eight free ports in a row");
}

#[test]
fn check_is_content_with_what_works() {
    let (sip, page, rtp) = free_ports();
    let text = format!(
        "[sip]\nlisten = \"{sip}\"\n[web]\nlisten = \"{page}\"\n[media]\nrtp_ports = {rtp}\ncalls = 1\n"
    );
    let (folder, file) = folder("right", &text);
    let (code, out, _) = run(&["check", "--config", &file, "--data", folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("warning  configuration: there is no [[trunk]]"), "{out}");
    assert!(out.contains(&format!("ok       SIP: UDP {sip} is free")), "{out}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_said_so() {
    let (folder, file) = folder("nodata", "[sip]\nlisten = \"127.0.0.1:0\"\n");
    let missing = folder.join("nodir").to_str().unwrap().to_owned();
    let (_, out, _) = run(&["check", "--config", &file, "--data", &missing]);
    assert!(out.contains("nodir is not there yet and can be made"), "{out}");
    let (code, _, wrong) = run(&["flows", "list", "--data", &missing]);
    assert!(code == 1 && wrong.contains("there is no folder") && wrong.contains("--data"), "{wrong}");
    let (code, _, wrong) = run(&["listen", "--plot", "x.png", "call.wav"]);
    assert!(code == 1 && wrong.contains("name the picture .svg"), "{wrong}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hold-slayer"))
        .args(["check", "--example"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_some_and(|code| code <= 1), "{:?}", output.status);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_flow_with_every_kind_of_step_goes_in_and_comes_out_as_it_is() {
    let prints = [3_u32, 5].map(|seed| {
        let sound: Vec<u32> = (1..60).map(|n| (seed * 1_000 + n).wrapping_mul(2_654_435_761)).collect();
        hold_slayer::listen::prompt::Print::new(&sound).unwrap().to_text()
    });
    let text = format!(
        "name = \"Two doors\"\n\n[[step]]\ndo = \"branch\"\n[[step.way]]\nprompt = \"p1\"\nto = \"keys\"\n\
         [[step.way]]\nprompt = \"p2\"\nto = \"word\"\n\n[[step]]\ndo = \"listen\"\nlabel = \"word\"\n\n\
         [[step]]\ndo = \"speak\"\nsay = \"agent\"\notherwise = \"next\"\n\n[[step]]\ndo = \"wait\"\ntime = \"2s\"\n\n\
         [[step]]\ndo = \"dtmf\"\nlabel = \"keys\"\nexpect = \"care\"\nkeys = \"2\"\nwithin = \"10s\"\notherwise = \"queue\"\n\n\
         [[step]]\ndo = \"speak\"\ntext = \"My bill\"\notherwise = \"end\"\n\n[[step]]\ndo = \"hold\"\nlabel = \"queue\"\n\n\
         # Fingerprints of what the company says: no sound can be made of them.\n\
         [prompts]\np1 = \"{}\"\np2 = \"{}\"\n",
        prints[0], prints[1]
    );
    let (folder, _) = folder("flows", "");
    let (data, file) = (folder.to_str().unwrap(), folder.join("flow.toml"));
    std::fs::write(&file, &text).unwrap();
    let import = |file: &std::path::Path| {
        run(&["flows", "import", "18005550123", file.to_str().unwrap(), "--data", data])
    };
    let (code, _, wrong) = import(&file);
    assert_eq!(code, 0, "{wrong}");
    let (code, out, wrong) = run(&["flows", "export", "18005550123", "--data", data]);
    assert_eq!((code, out.trim_end()), (0, text.trim_end()), "{wrong}");
    let (_, out, _) = run(&["flows", "list", "--data", data]);
    assert!(out.contains("18005550123") && out.contains("Two doors"), "{out}");
    // A flow that leads nowhere changes nothing.
    std::fs::write(&file, text.replace("to = \"word\"", "to = \"nowhere\"")).unwrap();
    let (code, _, wrong) = import(&file);
    assert!(code == 1 && wrong.contains("no step has the label nowhere"), "{wrong}");
    let (_, out, _) = run(&["flows", "export", "18005550123", "--data", data]);
    assert_eq!(out.trim_end(), text.trim_end());
    std::fs::remove_dir_all(folder).unwrap();
}
