//! The program as a process of its own, and its page over HTTP.

use super::far::{Far, Net, SECRET, SOON, both_are_heard, company_talks, owner_talks};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(net: Net) -> Self {
        let folder = std::env::temp_dir().join(format!("hold-slayer-box-{}", net.host(1)));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn database(&self) -> PathBuf {
        self.0.join("hold-slayer.redb")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a process writes, as it comes.
#[derive(Default)]
struct Written {
    /// And whether that is all.
    text: Mutex<(String, bool)>,
    more: Condvar,
}

impl Written {
    fn follow(mut from: impl Read + Send + 'static) -> Arc<Self> {
        let written = Arc::new(Self::default());
        let to = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                to.text.lock().unwrap().0.push_str(&String::from_utf8_lossy(&bytes[..n]));
                to.more.notify_all();
            }
            to.text.lock().unwrap().1 = true;
            to.more.notify_all();
        });
        written
    }

    fn wait(&self, words: &str) -> String {
        self.wait_times(words, 1)
    }

    fn wait_times(&self, words: &str, times: usize) -> String {
        let text = self.text.lock().unwrap();
        let missing = |(text, over): &mut (String, bool)| text.matches(words).count() < times && !*over;
        let (text, _) = self.more.wait_timeout_while(text, SOON, missing).unwrap();
        assert!(text.0.matches(words).count() >= times, "never written: {words}\n{}", text.0);
        text.0.clone()
    }
}

/// What the owner chooses.
const OWN: &str = "mine-from-now-on";

pub struct Running {
    pub net: Net,
    child: Child,
    out: Arc<Written>,
    log: Arc<Written>,
}

/// The configuration of a house with one trunk and one phone, both of which register.
pub fn configuration(net: Net, trunk: &str) -> String {
    let (sip, page) = (net.sip(), net.page());
    format!(
        "[sip]\nlisten = \"{sip}\"\n[web]\nlisten = \"{page}\"\n[media]\ncalls = 2\n[hold]\nring = \"15s\"\n\
         [[trunk]]\nname = \"provider\"\nserver = \"{trunk}\"\nuser = \"house\"\nsecret = \"{SECRET}\"\n\
         [[phone]]\nname = \"hall\"\nuser = \"hall\"\nsecret = \"{SECRET}\"\n"
    )
}

fn command(folder: &Path, data: &Path, configuration: &str) -> Command {
    std::fs::write(folder.join("hold-slayer.toml"), configuration).unwrap();
    command_as_it_is(folder, data)
}

fn command_as_it_is(folder: &Path, data: &Path) -> Command {
    let file = folder.join("hold-slayer.toml");
    // A file that may not grow is an error to be dealt with, not a signal.
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_hold-slayer");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", program, "run"]);
    command.arg("--config").arg(file).arg("--data").arg(data).env_remove("RUST_LOG");
    // Only a test of updates has slots there.
    command.arg("--slots").arg(folder.join("slots.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Running {
    /// A box that is up.
    pub fn start(net: Net, folder: &Folder) -> Self {
        Self::with(net, folder, &folder.0, &configuration(net, &net.trunk().to_string()))
    }

    pub fn with(net: Net, folder: &Folder, data: &Path, configuration: &str) -> Self {
        Self::begin(net, command(&folder.0, data, configuration))
    }

    /// With whatever lies in its folder.
    pub fn as_it_is(net: Net, folder: &Folder) -> Self {
        Self::begin(net, command_as_it_is(&folder.0, &folder.0))
    }

    fn begin(net: Net, mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = Written::follow(child.stdout.take().unwrap());
        let log = Written::follow(child.stderr.take().unwrap());
        log.wait("the box is up");
        Self { net, child, out, log }
    }

    /// A box that does not come up: its exit code and what it says.
    pub fn refuses(folder: &Folder, configuration: &str) -> (i32, String) {
        let output = command(&folder.0, &folder.0, configuration).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    pub fn says(&self, words: &str) -> String {
        self.log.wait(words)
    }

    /// Says it so often.
    pub fn says_times(&self, words: &str, times: usize) -> String {
        self.log.wait_times(words, times)
    }

    /// The code printed at the first start.
    pub fn claim_code(&self) -> String {
        let text = self.out.wait("somebody has it: ");
        text.split("somebody has it: ").nth(1).unwrap().trim().to_owned()
    }

    /// A password chosen with that code.
    pub fn password(&self) -> String {
        self.claim(&self.claim_code(), OWN)
    }

    /// Chooses a password with a code.
    pub fn claim(&self, code: &str, password: &str) -> String {
        claim(self.net.page(), code, password);
        password.to_owned()
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for the end; how it ended and after how long.
    pub fn ends(mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        let status = self.child.wait().unwrap();
        (status, begun.elapsed())
    }

    pub fn is_up(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    // ---- the page ----

    /// What somebody hears who is not logged in.
    pub fn stranger(&self, path: &str) -> String {
        ask(self.net, "GET", path, "", "")
    }

    pub fn log_in(&self, password: &str) -> Page {
        Page::of(self.net, password)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser that is logged in.
pub struct Page {
    at: SocketAddr,
    cookie: String,
    token: String,
}

impl Page {
    /// Of whoever knows the password.
    pub fn of(net: Net, password: &str) -> Self {
        Self::at(net.page(), password)
    }

    /// The same where the page is elsewhere.
    pub fn at(at: SocketAddr, password: &str) -> Self {
        let body = format!("password={password}");
        let reply = ask_at(at, "POST", "/login", "", &body);
        assert!(reply.starts_with("HTTP/1.1 303"), "{reply}");
        let cookie = reply.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).unwrap();
        let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
        let home = ask_at(at, "GET", "/", &cookie, "");
        let token = home.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        Self { at, cookie, token: token.to_owned() }
    }

    /// The whole answer as it comes.
    pub fn open(&self, path: &str) -> TcpStream {
        begin(self.at, "GET", path, &self.cookie, "")
    }

    pub fn get(&self, path: &str) -> Value {
        json(&ask_at(self.at, "GET", path, &self.cookie, ""))
    }

    /// The answer's status and body.
    pub fn post(&self, path: &str, with_token: bool) -> (u16, Value) {
        let token = if with_token { format!("X-CSRF-Token: {}\r\n", self.token) } else { String::new() };
        let reply = ask_at(self.at, "POST", path, &format!("{}{token}", self.cookie), "");
        (reply.split(' ').nth(1).unwrap().parse().unwrap(), json(&reply))
    }

    /// Presses a button of the page's; the answer's status.
    pub fn press(&self, path: &str, fields: &str) -> u16 {
        let body = format!("csrf={}&{fields}", self.token);
        let reply = ask_at(self.at, "POST", path, &self.cookie, &body);
        reply.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// What a form without our token comes to, sent by this browser with more fields.
    pub fn forged(&self, path: &str, fields: &str) -> String {
        ask_at(self.at, "POST", path, &format!("{}{fields}", self.cookie), "")
    }

    /// What this browser's cookie comes to with more fields.
    pub fn forged_get(&self, path: &str, fields: &str) -> String {
        ask_at(self.at, "GET", path, &format!("{}{fields}", self.cookie), "")
    }

    /// The whole answer to a form with our token.
    pub fn form(&self, path: &str, fields: &str) -> String {
        let kind = format!("{}Content-Type: application/x-www-form-urlencoded\r\n", self.cookie);
        ask_at(self.at, "POST", path, &kind, &format!("csrf={}&{fields}", self.token))
    }

    /// The answer to what is sent as JSON, with the form's token.
    pub fn send(&self, path: &str, body: &Value) -> Value {
        let fields =
            format!("{}X-CSRF-Token: {}\r\nContent-Type: application/json\r\n", self.cookie, self.token);
        json(&ask_at(self.at, "POST", path, &fields, &body.to_string()))
    }

    /// Brings a file as it is; the answer's status and body.
    pub fn bring(&self, path: &str, file: &[u8], with_token: bool) -> (u16, Value) {
        let token = if with_token { format!("X-CSRF-Token: {}\r\n", self.token) } else { String::new() };
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let (host, length) = (self.at, file.len());
        let fields = format!("{}{token}Content-Type: application/octet-stream\r\n", self.cookie);
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{fields}Content-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // It may be refused before it is whole.
        let _ = stream.write_all(file);
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        (reply.split(' ').nth(1).unwrap().parse().unwrap(), json(&reply))
    }

    /// Asks for the state of the box until it is as wanted.
    pub fn wait(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.get("/api/v1/status");
            if wanted(&status) {
                return status;
            }
            assert!(begun.elapsed() < SOON, "never: {what}: {status}");
        }
    }
}

/// Chooses the password of the page with a code.
pub fn claim(at: SocketAddr, code: &str, password: &str) {
    let reply = ask_at(at, "POST", "/claim", "", &format!("code={code}&password={password}"));
    assert!(reply.starts_with("HTTP/1.1 303"), "{reply}");
}

fn json(reply: &str) -> Value {
    let body = reply.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {reply}"))
}

fn begin(at: SocketAddr, method: &str, path: &str, fields: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let len = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: {at}\r\n{fields}Content-Length: {len}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// One question without a session of the page's.
pub fn ask(net: Net, method: &str, path: &str, fields: &str, body: &str) -> String {
    ask_at(net.page(), method, path, fields, body)
}

fn ask_at(at: SocketAddr, method: &str, path: &str, fields: &str, body: &str) -> String {
    let mut stream = begin(at, method, path, fields, body);
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// A house with a call that is up, each side hearing the other.
pub struct House {
    pub net: Net,
    pub company: Far,
    pub phone: Far,
    pub running: Running,
    pub folder: Folder,
}

impl House {
    pub fn talking() -> Self {
        let net = Net::new();
        let folder = Folder::new(net);
        let running = Running::start(net, &folder);
        Self::around(net, folder, running)
    }

    /// The far ends around a box that is up.
    pub fn around(net: Net, folder: Folder, running: Running) -> Self {
        let company = Far::company(net, company_talks());
        company.wait(0, "the box registers", |f| *f == hold_slayer::demo::Fact::Registered);
        let phone = Far::phone(net, 3, SECRET, owner_talks());
        let house = Self { net, company, phone, running, folder };
        house.talks_on();
        house
    }

    /// The call is up and fine.
    pub fn talks_on(&self) {
        both_are_heard(&self.company, &self.phone);
    }
}
