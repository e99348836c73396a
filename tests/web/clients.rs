//! The interfaces, driven by others' clients: the official one for assistants, and schemathesis by the description.

use crate::server::{Server, TOKEN, config};
use hold_slayer::web::{Config, Patience};
use std::path::Path;
use std::process::Command;

/// A program of `.cache/clients`, which `tests/setup.sh test` fills.
fn client(name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/clients/bin").join(name);
    assert!(path.exists(), "{} is missing: run tests/setup.sh test", path.display());
    Command::new(path)
}

/// With the patience that the box has: on a busy machine these are slower than what is sent in pieces to try it.
fn server() -> Server {
    Server::with(Config { patience: Patience::default(), ..config() })
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

#[test]
fn the_official_client_lists_and_calls_every_tool() {
    let server = server();
    let mut book = hold_slayer::slay::book::Book::default();
    let flow = hold_slayer::slay::flow::Flow::new("Care", Vec::new()).unwrap();
    let entry = book.keep("+18005550123", flow, true, hold_slayer::units::Wall(0)).unwrap().unwrap();
    server.store.as_ref().unwrap().put_flows(&entry).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/clients/assistant.py");
    run(client("python3").arg(script).arg(format!("http://{}/mcp", server.addr())).arg(TOKEN));
}

#[test]
fn schemathesis_finds_nothing() {
    let server = server();
    let examples = std::env::var("SCHEMATHESIS_EXAMPLES").unwrap_or("8".into());
    let scratch = std::env::temp_dir().join(format!("hold-slayer-schemathesis-{}", server.addr().port()));
    std::fs::create_dir_all(&scratch).unwrap();
    // As a module: its script names the folder that it was installed in, and a checkout may have been moved since.
    run(client("python3")
        .current_dir(&scratch)
        .args(["-m", "schemathesis.cli", "run", &format!("http://{}/api/v1/openapi.json", server.addr())])
        .args([
            "--header",
            &format!("Authorization: Bearer {TOKEN}"),
            "--exclude-operation-id",
            "stream_events",
        ])
        // The same every time; slow enough for the limits, which have tests of their own.
        .args([
            "--seed",
            "7",
            "--max-examples",
            &examples,
            "--rate-limit",
            "25/s",
            "--phases",
            "examples,coverage,fuzzing",
        ])
        .args(["--no-color", "--warnings", "off"]));
    let _ = std::fs::remove_dir_all(&scratch);
}
