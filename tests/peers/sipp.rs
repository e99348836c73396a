//! SIPp: a provider, or a caller, that follows a scenario of `tests/peers/sipp/`.

use crate::place::Place;
use crate::process::{Process, until};
use crate::way::Way;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The scenario with its `[keys]` filled in. SIPp's own `-key` does not reach numbers such as the status of a response.
fn filled(place: &Place, name: &str, scenario: &str, keys: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/sipp");
    let text = std::fs::read_to_string(folder.join(scenario).with_extension("xml")).unwrap();
    let text = keys.iter().fold(text, |text, (key, value)| text.replace(&format!("[{key}]"), value));
    let file = place.path(&format!("{name}.xml"));
    std::fs::write(&file, text).unwrap();
    file
}

/// One SIPp.
pub struct Sipp {
    /// Where it speaks SIP.
    pub sip: SocketAddr,
    messages: PathBuf,
    process: Process,
}

impl Sipp {
    /// Follows a scenario on this address. `keys` stand in it as `[key]`; `remote` is whom it calls, if it does.
    pub fn start(
        place: &Place,
        scenario: &'static str,
        sip: SocketAddr,
        remote: Option<SocketAddr>,
        keys: &[(&str, &str)],
    ) -> Self {
        Self::start_over(place, scenario, sip, remote, keys, Way::Udp)
    }

    /// [`Self::start`] over another transport; over TCP all its calls share one connection.
    pub fn start_over(
        place: &Place,
        scenario: &'static str,
        sip: SocketAddr,
        remote: Option<SocketAddr>,
        keys: &[(&str, &str)],
        way: Way,
    ) -> Self {
        let name = format!("{scenario}-{}", place.ports(1).port());
        let file = |end: &str| place.path(&format!("{name}-{end}.log"));
        let (messages, errors) = (file("messages"), file("errors"));
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(filled(place, &name, scenario, keys));
        command.args(["-i", &sip.ip().to_string(), "-p", &sip.port().to_string(), "-bind_local", "-nostdin"]);
        command.args(["-mi", &sip.ip().to_string(), "-t", if way == Way::Tcp { "t1" } else { "u1" }]);
        command.args(["-trace_msg", "-message_file"]).arg(&messages);
        command.args(["-trace_err", "-error_file"]).arg(&errors);
        // Registrations and the calls of one test are few; a caller calls once.
        command.args(["-l", "16", "-timeout", "900s"]);
        if let Some(remote) = remote {
            command.args(["-m", "1"]).arg(remote.to_string());
        }
        let mut process = Process::start(scenario, &mut command);
        process.logs = vec![messages.clone(), errors];
        Self { sip, messages, process }
    }

    /// Every message so far, each with the direction in its first line.
    pub fn messages(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.messages).unwrap_or_default();
        text.split("-----------------------------------------------").skip(1).map(str::to_owned).collect()
    }

    /// Messages received that begin so.
    pub fn received(&self, start: &str) -> Vec<String> {
        let is_it = |m: &String| m.contains("received [") && m.contains(&format!("\n\n{start}"));
        self.messages().into_iter().filter(is_it).collect()
    }

    /// Messages sent that begin so.
    pub fn sent(&self, start: &str) -> Vec<String> {
        let is_it = |m: &String| m.contains("sent (") && m.contains(&format!("\n\n{start}"));
        self.messages().into_iter().filter(is_it).collect()
    }

    /// Waits until `n` messages that begin so have come.
    pub fn receives(&self, start: &str, n: usize) {
        until(&format!("{n} {start} at SIPp"), || self.received(start).len() >= n);
    }

    /// Waits until `n` messages that begin so have been sent.
    pub fn sends(&self, start: &str, n: usize) {
        until(&format!("{n} {start} from SIPp"), || self.sent(start).len() >= n);
    }

    /// Waits for the end of the scenario, which must have gone as written.
    pub fn succeeds(&mut self) {
        let status = self.process.wait();
        assert!(status.success(), "the scenario went otherwise: {status}");
    }
}
