//! The program that speaks, as a process: what it is given, and how long and how much it may answer.

use super::{Choice, Config};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, UNIX_EPOCH};

/// A sentence takes a tenth of a second on a desktop, and a second on the smallest board.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most that it may answer: half a minute at 44.1 kHz.
const MOST_BYTES: u64 = 2_700_000;
/// Programs that are looked for, the best first.
const KNOWN: [&str; 3] = ["espeak-ng", "espeak", "flite"];
/// Where programs are: the service has no other path.
const FOLDERS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// A program and its voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    voice: String,
    language: &'static str,
    patience: Duration,
}

impl Program {
    /// The one that is configured, or the first that is installed.
    ///
    /// # Errors
    /// In words: the one that is named cannot be run.
    pub fn find(config: &Config) -> Result<Option<Self>, String> {
        let runs = |path: &Path| {
            path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        let path = match &config.program {
            Choice::Nobody => None,
            Choice::At(path) if runs(path) => Some(path.clone()),
            Choice::At(path) => {
                let path = path.display();
                return Err(format!("[speech] program = \"{path}\" is no program that can be run"));
            }
            Choice::Installed => {
                let places = KNOWN.iter().flat_map(|name| FOLDERS.map(|folder| Path::new(folder).join(name)));
                places.into_iter().find(|path| runs(path))
            }
        };
        let (voice, language) = (config.voice.clone(), config.language);
        // flite ships English alone: in another language it would only be noise.
        let path = path.filter(|path| kind(path) != Kind::Flite || language == "en");
        Ok(path.map(|path| Self { path, voice, language, patience: PATIENCE }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells its sound from that of another program, voice or version.
    pub(super) fn key(&self) -> String {
        let version = self.path.metadata().ok();
        let made = version.as_ref().and_then(|v| v.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        let size = version.as_ref().map_or(0, std::fs::Metadata::len);
        format!("{}\n{size}\n{made:?}\n{}\n{}", self.path.display(), self.voice, self.language)
    }

    /// Gives it a plain text and takes its WAV file.
    ///
    /// # Errors
    /// In words.
    pub(super) fn run(&self, text: &str) -> Result<Vec<u8>, String> {
        let name = self.path.display();
        let mut command = Command::new(&self.path);
        command.env_clear().env("PATH", FOLDERS.join(":")).env("LC_ALL", "C.UTF-8").current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let voice = if self.voice.is_empty() { self.language } else { &self.voice };
        match kind(&self.path) {
            Kind::Espeak => command.args(["--stdin", "--stdout", "-b", "1", "-s", "155", "-v", voice]),
            Kind::Flite if self.voice.is_empty() => command.args(["-t", text, "-o", "/dev/stdout"]),
            Kind::Flite => command.args(["-voice", voice, "-t", text, "-o", "/dev/stdout"]),
            Kind::Other => &mut command,
        };
        let mut child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
        let answer = self.answer(&mut child, text);
        // Whatever it has started goes with it.
        if let Ok(id) = i32::try_from(child.id()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let ended = child.wait();
        let bytes =
            answer.ok_or_else(|| format!("{name} did not answer within {} s", self.patience.as_secs()))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(format!("{name} does not stop speaking"));
        }
        if bytes.is_empty() {
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            return Err(format!("{name} said nothing ({how}): does it know the voice {voice}?"));
        }
        Ok(bytes)
    }

    /// What it answers before its time is up.
    fn answer(&self, child: &mut Child, text: &str) -> Option<Vec<u8>> {
        let (mut to, from) = (child.stdin.take()?, child.stdout.take()?);
        // A pipe takes more than any text: this does not wait for a program that does not read.
        let _ = to.write_all(text.as_bytes());
        drop(to);
        let (tell, told) = sync_channel(1);
        let read = move || {
            let mut bytes = Vec::new();
            let _ = from.take(MOST_BYTES + 1).read_to_end(&mut bytes);
            // Nobody waits any more for a program that was too slow.
            let _ = tell.send(bytes);
        };
        std::thread::Builder::new().name("speech-out".into()).spawn(read).ok()?;
        told.recv_timeout(self.patience).ok()
    }

    /// With less patience, for tests.
    #[cfg(test)]
    pub(super) fn hurried(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Espeak,
    Flite,
    /// Reads the text from its input and writes a WAV file to its output.
    Other,
}

fn kind(path: &Path) -> Kind {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("espeak-ng" | "espeak") => Kind::Espeak,
        Some("flite") => Kind::Flite,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::Voice;
    use super::*;
    use std::fs;

    fn stand_in(name: &str, script: &str) -> (PathBuf, Program) {
        let dir = std::env::temp_dir().join(format!("hold-slayer-speech-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("speaker");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let config = Config { program: Choice::At(path), language: "en", ..Config::default() };
        let program = Program::find(&config).unwrap().unwrap().hurried(Duration::from_secs(2));
        (dir, program)
    }

    #[test]
    fn a_program_that_hangs_or_never_stops_or_fails_is_ended_and_told_of() {
        for (name, script, why) in [
            ("hangs", "exec sleep 1000", "did not answer"),
            ("leaves", "sleep 1000 & wait", "did not answer"),
            ("endless", "exec cat /dev/zero", "does not stop"),
            ("deaf", "exec <&-; exit 3", "said nothing (exit status: 3)"),
        ] {
            let (dir, program) = stand_in(name, script);
            let told = program.run("Hello").unwrap_err();
            assert!(told.contains(why), "{name}: {told}");
            fs::remove_dir_all(dir).unwrap();
        }
    }

    #[test]
    fn a_broken_answer_is_no_sound_and_is_not_kept() {
        for (name, script) in [("words", "echo hello"), ("head", "printf 'RIFF\\044\\000\\000\\000WAVE'")] {
            let (dir, program) = stand_in(name, script);
            let config =
                Config { program: Choice::At(program.path().into()), language: "en", ..Config::default() };
            let voice = Voice::new(Program::find(&config).unwrap(), None, &dir).unwrap();
            let told = voice.say("Hello").unwrap_err();
            assert!(told.contains("WAV"), "{name}: {told}");
            assert!(voice.say("Hello").is_err());
            fs::remove_dir_all(dir).unwrap();
        }
    }

    #[test]
    fn what_is_named_and_not_there_is_told_of() {
        let config = Config { program: Choice::At("/no/such".into()), language: "en", ..Config::default() };
        assert!(Program::find(&config).unwrap_err().contains("/no/such"));
        assert_eq!(Program::find(&Config { program: Choice::Nobody, ..config }), Ok(None));
    }

    #[test]
    fn the_programs_of_the_system_speak_and_are_asked_once() {
        for name in ["espeak-ng", "flite"] {
            let path = Path::new("/usr/bin").join(name);
            if !path.exists() {
                continue;
            }
            let dir = std::env::temp_dir().join(format!("hold-slayer-says-{name}-{}", std::process::id()));
            let config = Config { program: Choice::At(path), language: "en", ..Config::default() };
            let voice = Voice::new(Program::find(&config).unwrap(), None, &dir).unwrap();
            let say = || voice.say("Example Insurance, your place in the queue is 4.").unwrap().sound;
            let said = say();
            assert!((8_000..8_000 * 8).contains(&said.len()) && said.len().is_multiple_of(160), "{name}");
            let files = || fs::read_dir(dir.join("speech")).unwrap().count();
            assert_eq!((say(), files()), (said, 1));
            fs::remove_dir_all(&dir).unwrap();
        }
    }
}
