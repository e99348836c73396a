//! The command line: what is asked for, and the exit code. The work is done in the rooms.

use clap::{Parser, Subcommand};
use hold_slayer::listen::words::Language;
use hold_slayer::listen::words::network::{Files as Model, Recogniser};
use hold_slayer::{app, backup, check, clock, config, ctl, demo, listen, log, update, web};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::ForkResult;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Waits on hold for you and rings your phone when a person answers.
#[derive(Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true, after_help = FIRST_STEPS, long_version = VERSION)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nconfiguration: /etc/hold-slayer/hold-slayer.toml\ndata: /var/lib/hold-slayer\n",
    "licence: ",
    env!("CARGO_PKG_LICENSE")
);

const FIRST_STEPS: &str = "\
First steps:
  hold-slayer check --example > hold-slayer.toml   a commented configuration to fill in
  hold-slayer check --config hold-slayer.toml      says in plain words what is still wrong

Files:
  /etc/hold-slayer/hold-slayer.toml   configuration, unless --config says otherwise
  /var/lib/hold-slayer                calls and what was heard, unless --data says otherwise

In a call, dial ** to have it held, hang up, and wait for your phone to ring.
Exit codes: 0 all well, 1 something is wrong, 2 the command line is not understood.";

#[derive(Subcommand)]
enum What {
    /// Run the box
    ///
    /// Registers at the trunks, waits for the phones, serves the page, and stops cleanly on SIGTERM or Ctrl-C. Until
    /// somebody has claimed its page, it prints a code for that at each start.
    Run {
        #[command(flatten)]
        files: Files,
        /// Where an image says that it has two slots for updates
        #[arg(long, value_name = "FILE", default_value = update::DEFAULT)]
        slots: PathBuf,
    },
    /// Show a hold being slain, with a company and a phone of its own
    ///
    /// Nothing is set up and nothing is kept: the real box runs on this machine's loopback addresses, between two scripted
    /// far ends that judge it from outside. The exit code is 0 only if the agent was caught and no ring was false.
    Demo {
        /// No browser and no live line; prints the call's record at the end
        #[arg(long)]
        headless: bool,
        /// normal, vocals, silent-queue, repeated-announcement, nobody-comes, agent-hangs-up, menus, learning, parallel or redial
        #[arg(long, value_name = "NAME", default_value = "normal")]
        scenario: String,
    },
    /// Say what the box hears in a recording of the far end, and when it would ring
    ///
    /// Runs the very listener of `run` over an 8 kHz mono 16-bit WAV file, as fast as it can.
    Listen {
        /// One JSON object a line instead of text for people
        #[arg(long, conflicts_with = "explain")]
        json: bool,
        /// With what speaks for a person and what against, once a second while anything does
        #[arg(long)]
        explain: bool,
        /// Draw spectrum, classes, evidence and conclusions to this file as well
        #[arg(long, value_name = "FILE.svg")]
        plot: Option<PathBuf>,
        /// With what is said, by the speech model in this folder (`model/words/fetch.sh` fetches one)
        #[arg(long, value_name = "FOLDER")]
        words: Option<PathBuf>,
        /// What is spoken: en, de, fr or es
        #[arg(long, default_value = "en", requires = "words")]
        language: String,
        /// The recording
        #[arg(value_name = "FILE.wav")]
        file: PathBuf,
    },
    /// Show, export or import what the box knows of companies' menus
    ///
    /// For a box that does not run: while it does, its page has all of this under Menus, and /api/v1/flows for programs.
    Flows {
        #[command(subcommand)]
        what: Flows,
        /// The directory for calls and what was heard
        #[arg(long, value_name = "DIR", default_value = config::DEFAULT_DATA, global = true)]
        data: PathBuf,
    },
    /// Ask and order the box that runs here
    ///
    /// Over its own socket, which its user and root may open, and its group if it is a service. The same acts and checks as by the interface for
    /// programs. The exit code is 1 if the box refuses or is not there.
    Ctl {
        #[command(subcommand)]
        what: Ctl,
        /// One JSON value a line instead of text for people
        #[arg(long, global = true)]
        json: bool,
        /// The box's folder for data, if it was not started as a service
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
    },
    /// Write everything the box keeps, but recordings, to one file that is sealed with a password
    Backup {
        /// The new file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        carried: Carried,
    },
    /// Check a backup and let the box start anew with it
    ///
    /// A box that runs does so as soon as no call is up, one that is stopped at its next start. What was there before is
    /// kept in the folder before-restore of the data folder.
    Restore {
        /// The backup
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        carried: Carried,
    },
    /// Update a box that was made from an image of Hold Slayer
    ///
    /// Checks the file, which must be signed by whoever made the image, and lets it be written beside what runs when no call
    /// is up. The box then starts anew with it, and goes back by itself if it does not do. Without a file it says how it
    /// stands. A machine that has the box as a package takes the new package instead.
    Update {
        /// The update, such as hold-slayer-1.2.3-pi.update
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Only check the file
        #[arg(long, requires = "file")]
        check: bool,
        /// Take it even if it is not newer than what runs, or was tried before and did not do
        #[arg(long, requires = "file")]
        older: bool,
        /// Take away an update that waits
        #[arg(long, conflicts_with = "file")]
        withdraw: bool,
        /// What hold-slayer-update.service does: nobody else needs it
        #[arg(long, conflicts_with_all = ["file", "withdraw"], hide = true)]
        carry_out: bool,
        /// The directory for calls and what was heard
        #[arg(long, value_name = "DIR", default_value = config::DEFAULT_DATA)]
        data: PathBuf,
        /// Where an image says that it has two slots
        #[arg(long, value_name = "FILE", default_value = update::DEFAULT)]
        slots: PathBuf,
    },
    /// Say in plain words what is wrong with configuration, network and hardware
    ///
    /// Each line begins with ok, warning or problem. The exit code is 1 if there is a problem. Nothing is changed: ports
    /// are tried and let go, each trunk is asked once whether it is there and takes the password.
    Check {
        #[command(flatten)]
        files: Files,
        /// Print a commented configuration to start from, and look at nothing
        #[arg(long)]
        example: bool,
        /// Read the configuration and its board file, and look at nothing else
        #[arg(long)]
        only_file: bool,
        /// Print what is known of providers, by the name for `preset` in [[trunk]], and look at nothing
        #[arg(long)]
        presets: bool,
        /// Send a test message to each [[notify]], too
        #[arg(long)]
        notify: bool,
    },
}

#[derive(Subcommand)]
enum Flows {
    /// Every version of every number's flow, and how it fared
    List,
    /// Print a flow as TOML
    Export {
        /// As `list` shows it
        number: String,
        /// Not the newest, but this version
        #[arg(long)]
        version: Option<u32>,
    },
    /// Keep a flow as the newest version
    Import {
        /// As it is dialled
        number: String,
        /// A flow as TOML, as `export` prints one
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
    },
}

#[derive(clap::Args)]
struct Carried {
    #[command(flatten)]
    files: Files,
    /// Its first line is the password; without it, it is asked for
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl From<Carried> for ctl::Files {
    fn from(carried: Carried) -> Self {
        let Carried { files: Files { config, data }, password_file } = carried;
        Self { config, data, password: password_file }
    }
}

#[derive(Subcommand)]
enum Ctl {
    /// Calls, trunks, phones, and what is wrong
    Status,
    /// Ring the phones here, and connect who answers to this number
    Call {
        /// As it is dialled on a phone
        number: String,
        /// The box calls by itself and waits on hold; the phones ring when a person is there
        #[arg(long)]
        hold: bool,
    },
    /// Let the box hold a call
    Hold {
        /// Its number in `status`; without it, the call that is up
        call: Option<u64>,
    },
    /// Ring the phones for a held call now
    Take {
        /// Its number; without it, the one that is held
        call: Option<u64>,
    },
    /// End a call
    HangUp {
        /// Its number; without it, the only one that is up
        call: Option<u64>,
    },
    /// Send keys
    Dtmf {
        /// 0-9, A-D, * and #
        keys: String,
        /// The call; without it, the only one that is up
        call: Option<u64>,
    },
    /// What happens, as it happens, until Ctrl-C
    Events {
        /// Only these types or kinds, such as call,hold.human_detected
        #[arg(long)]
        types: Option<String>,
        /// Only of this call
        #[arg(long)]
        call: Option<u64>,
        /// Begin with the last thousand
        #[arg(long)]
        past: bool,
    },
    /// Print a code by which the page gets a new password: when that is lost
    Claim,
}

impl From<Ctl> for ctl::Order {
    fn from(what: Ctl) -> Self {
        match what {
            Ctl::Status => Self::Status,
            Ctl::Call { number, hold } => Self::Call { number, hold },
            Ctl::Hold { call } => Self::Hold(call),
            Ctl::Take { call } => Self::Take(call),
            Ctl::HangUp { call } => Self::HangUp(call),
            Ctl::Dtmf { call, keys } => Self::Keys { call, keys },
            Ctl::Events { types, call, past } => Self::Events { types, call, past },
            Ctl::Claim => Self::Claim,
        }
    }
}

#[derive(clap::Args)]
struct Files {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_PATH)]
    config: PathBuf,
    /// The directory for calls and what was heard
    #[arg(long, value_name = "DIR", default_value = config::DEFAULT_DATA)]
    data: PathBuf,
}

fn main() -> ExitCode {
    clock::now(); // time starts here
    let result = match Arguments::parse().what {
        What::Run { files, slots } => return run(&files, &slots),
        What::Demo { headless, scenario } => return demo(headless, scenario),
        What::Listen { json, explain, plot, words, language, file } => {
            let form = match (json, explain) {
                (true, _) => listen::Form::Json,
                (_, true) => listen::Form::Explained,
                _ => listen::Form::Readable,
            };
            let words = words.as_deref().map(|folder| (folder, language.as_str()));
            return listen(&file, form, words, plot.as_deref());
        }
        What::Flows { what, data } => return flows(what, &data),
        What::Ctl { what, json, data } => {
            let socket = data.map_or_else(|| web::CONSOLE.into(), |data| web::console_in(None, &data));
            let told = ctl::run(&socket, &what.into(), json, &mut std::io::stdout().lock());
            return told.map_or_else(|why| fail(&why), |()| ExitCode::SUCCESS);
        }
        What::Backup { file, carried } => return told(ctl::backup(&carried.into(), &file)),
        What::Restore { file, carried } => return told(ctl::restore(&carried.into(), &file)),
        What::Update { file, check, older, withdraw, carry_out, data, slots } => {
            let place = ctl::Box { data, slots };
            return told(match file {
                Some(file) => place.bring(&file, older, check),
                None if withdraw => place.withdraw(),
                None if carry_out => place.carry_out(),
                None => place.status(),
            });
        }
        What::Check { example: true, .. } => print(config::EXAMPLE),
        What::Check { presets: true, .. } => print(config::PRESETS),
        What::Check { files, only_file: true, .. } => match config::load(&files.config) {
            Ok(config) if config.board_faults.is_empty() => Ok(ExitCode::SUCCESS),
            Ok(config) => {
                print(&format!("{}\n", config::Mistakes(config.board_faults))).map(|_| ExitCode::FAILURE)
            }
            Err(mistakes) => print(&format!("{mistakes}\n")).map(|_| ExitCode::FAILURE),
        },
        What::Check { files, notify, .. } => check(&files, notify),
    };
    // A reader that closes the pipe (`| head`) is no failure worth a word.
    result.unwrap_or(ExitCode::FAILURE)
}

fn run(files: &Files, slots: &Path) -> ExitCode {
    // Where it lies now: a program that was replaced meanwhile has no name any more.
    let program = std::env::current_exe();
    // Not under a box that runs: it starts anew by itself.
    let waits = !hold_slayer::store::is_in_use(&files.data);
    match if waits { backup::finish(&files.config, &files.data) } else { Ok(false) } {
        Ok(false) => {}
        Ok(true) => eprintln!(
            "hold-slayer: a backup was restored; what was there before is in {}",
            files.data.join("before-restore").display()
        ),
        Err(why) => eprintln!("hold-slayer: {why}"),
    }
    let config = match config::load(&files.config) {
        Ok(config) => config,
        Err(mistakes) => return fail(&mistakes),
    };
    if !hears() {
        return ExitCode::FAILURE;
    }
    log::start(config.log.level);
    match app::run(config, &files.config, &files.data, slots) {
        Ok(app::End::Stop) => ExitCode::SUCCESS,
        Ok(app::End::Again) => again(program.unwrap_or_else(|_| "hold-slayer".into())),
        Err(error) => fail(&format!("{error:#}")),
    }
}

/// This very process begins anew, by the program that lies there now: whoever watches it sees the same one.
fn again(program: PathBuf) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).exec();
    fail(&format!("the box cannot be started anew: {error}"))
}

/// Whether the sound classifier works here, and if not, why, on the terminal. A child finds out: the box itself has no room
/// for the network until a call is held.
#[allow(unsafe_code)]
fn hears() -> bool {
    // SAFETY: there are no other threads yet, so the child has all that it may need, and every lock is free.
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Child) => {
            let heard = listen::classifier::ready().map_err(|deaf| fail(&deaf));
            // SAFETY: it takes nothing but the status, and runs nothing of the parent's that waits for its end.
            unsafe { nix::libc::_exit(i32::from(heard.is_err())) }
        }
        Ok(ForkResult::Parent { child }) => waitpid(child, None) == Ok(WaitStatus::Exited(child, 0)),
        // Without a child it takes the room.
        Err(_) => listen::classifier::ready().map_err(|deaf| fail(&deaf)).is_ok(),
    }
}

fn demo(headless: bool, scenario: String) -> ExitCode {
    log::start(tracing::Level::ERROR);
    match demo::run::run(&demo::run::Options { scenario, headless }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn listen(file: &Path, form: listen::Form, words: Option<(&Path, &str)>, plot: Option<&Path>) -> ExitCode {
    if let Some(plot) = plot.filter(|plot| plot.extension().is_none_or(|kind| kind != "svg")) {
        return fail(&format!("{} is drawn as SVG: name the picture .svg", plot.display()));
    }
    if let Err(error) = hear(file, form, words) {
        return fail(&error);
    }
    let Some(plot) = plot else { return ExitCode::SUCCESS };
    match listen::picture(file) {
        Ok(svg) => match std::fs::write(plot, svg) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("cannot write {}: {error}", plot.display())),
        },
        Err(error) => fail(&error),
    }
}

fn hear(file: &Path, form: listen::Form, words: Option<(&Path, &str)>) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let Some((folder, code)) = words else {
        return listen::file(file, form, None, &mut out).map_err(|error| error.to_string());
    };
    let codes = Language::NAMES.map(|(code, _)| code).join(", ");
    let language = Language::from_code(code);
    let language = language.ok_or_else(|| format!("{code} is not a language of the box: {codes}"))?;
    let model = Model::open(folder)
        .map_err(|why| format!("{why}; model/words/fetch.sh {} fetches a model", folder.display()))?;
    let words = listen::Words { recogniser: Recogniser::new(&model)?, language };
    listen::file(file, form, Some(words), &mut out).map_err(|error| error.to_string())
}

fn flows(what: Flows, data: &Path) -> ExitCode {
    let told = match what {
        Flows::List => app::flows::list(data),
        Flows::Export { number, version } => app::flows::export(data, &number, version),
        Flows::Import { number, file } => app::flows::import(data, &number, &file),
    };
    match told {
        Ok(text) => print(&text).unwrap_or(ExitCode::FAILURE),
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn told(done: Result<String, String>) -> ExitCode {
    match done {
        Ok(words) => print(&format!("{words}\n")).unwrap_or(ExitCode::FAILURE),
        Err(why) => fail(&why),
    }
}

fn fail(what: &dyn core::fmt::Display) -> ExitCode {
    eprintln!("hold-slayer: {what}");
    ExitCode::FAILURE
}

fn check(files: &Files, notify: bool) -> std::io::Result<ExitCode> {
    let verdicts = check::judge(&check::probe::probe(&files.config, &files.data, notify));
    for verdict in &verdicts {
        print(&format!("{verdict}\n"))?;
    }
    let problems = verdicts.iter().any(|verdict| verdict.level == check::Level::Problem);
    Ok(if problems { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(text: &str) -> std::io::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
