//! A program that runs beside the test: its output is kept, it is killed when dropped, and a failing test prints it.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than any single event takes on a loaded machine: a hang is a failure.
pub const SOON: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
pub fn wait<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "waited {within:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// As [`wait`] for something that is true or not.
pub fn until(what: &str, ask: impl Fn() -> bool) {
    wait(what, SOON, || ask().then_some(()));
}

/// A running program.
pub struct Process {
    name: &'static str,
    child: Child,
    output: Arc<Mutex<String>>,
    /// Logs that it writes itself.
    pub logs: Vec<PathBuf>,
}

impl Process {
    pub fn start(name: &'static str, command: &mut Command) -> Self {
        Self::spawn(name, command.stdin(Stdio::null()))
    }

    /// As [`Self::start`], for a program that is told what to do on its standard input.
    pub fn start_told(name: &'static str, command: &mut Command) -> (Self, ChildStdin) {
        let mut process = Self::spawn(name, command.stdin(Stdio::piped()));
        let input = process.child.stdin.take().unwrap();
        (process, input)
    }

    fn spawn(name: &'static str, command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_owned();
        let mut child = command.spawn().unwrap_or_else(|why| {
            panic!("{} does not start ({why}): tests/setup.sh installs it", program.display())
        });
        let output = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().unwrap(), &output);
        collect(child.stderr.take().unwrap(), &output);
        Self { name, child, output, logs: Vec::new() }
    }

    /// What it printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    pub fn is_over(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let name = self.name;
        wait(&format!("the end of {name}"), SOON, || self.is_over())
    }

    /// SIGTERM, and waits for the end.
    pub fn terminate(&mut self) -> ExitStatus {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        self.wait()
    }
}

fn collect(from: impl Read + Send + 'static, to: &Arc<Mutex<String>>) {
    let to = Arc::clone(to);
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            to.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("──── {} printed:\n{}", self.name, self.output());
            for log in &self.logs {
                let text = std::fs::read_to_string(log).unwrap_or_else(|why| why.to_string());
                eprintln!("──── {} wrote to {}:\n{text}", self.name, log.display());
            }
        }
    }
}
