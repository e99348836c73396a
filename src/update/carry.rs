//! What root does with a bundle that waits: the machine's orders carried out on partitions, files and the boot.

use super::bundle::{self, Carrier, Manifest, Target};
use super::machine::{Begin, Input, Kept, Output, Update};
use super::slots::{self, Slot, Slots};
use super::standing::Sign;
use super::{Folder, Refusal, judge};
use crate::clock;
use core::fmt;
use std::fs::File;
use std::io::BufReader;

/// Carries out what is to be done in `folder`: writes a bundle that waits into the other slot and boots that, or sees after such a
/// boot whether the new system is good. `ask` tells how the box is. Each step is told to `say`.
///
/// # Errors
/// In words: the slots are not known, or what was decided cannot be done.
pub fn carry_out(
    folder: &Folder,
    slots: &Slots,
    ask: &dyn Fn() -> Sign,
    say: &dyn Fn(&str),
) -> Result<(), String> {
    let runs = slots.running()?;
    let Some(folder) = folder.held().map_err(|error| format!("the folder for updates: {error}"))? else {
        return Ok(());
    };
    let mut work = Work { folder, slots, bundle: None, waiting: None, carrier: None };
    let confirmed = slots.is_confirmed(runs);
    let bundle = work.folder.has_bundle().then(|| match &confirmed {
        Ok(_) => work.open().map_err(|refusal| refusal.to_string()),
        Err(why) => Err(why.clone()),
    });
    let (lame, kept, quiet) = (work.folder.was_lame(), work.folder.kept(), work.folder.is_quiet());
    // Where nobody knows, what runs stays; but for a trial.
    let in_trial = matches!(&kept, Kept::Trying { to, .. } if *to == runs);
    let confirmed = confirmed.unwrap_or(!in_trial);
    let mut machine = Update::new(slots.pace);
    machine.handle(clock::now(), Input::Begin(Begin { runs, confirmed, lame, kept, bundle, quiet }));
    loop {
        while let Some(output) = machine.poll() {
            let answer = match output {
                Output::Keep(kept) => {
                    let done = work.keep(&kept);
                    say(&kept.to_string());
                    done?;
                    None
                }
                Output::Drop => {
                    work.take();
                    None
                }
                Output::Take => Some(Input::Taken(work.take())),
                Output::Look if !work.still_waits() => Some(Input::Withdrawn),
                Output::Look => Some(Input::Quiet(work.folder.is_quiet())),
                Output::LookAnew => Some(Input::Quiet(work.folder.is_quiet_now())),
                Output::Ask => Some(Input::Asked(ask())),
                Output::Write(slot) => {
                    Some(Input::Wrote(work.write(slot).map_err(|refusal| refusal.to_string())))
                }
                Output::Confirm(slot) => Some(Input::Confirmed(slots.confirm(slot))),
                Output::Choose(slot) => slots.choose(slot).err().map(Input::NotBooted),
                Output::Reboot => slots::order(&slots.reboot).err().map(|why| {
                    // Nor at the next start, which nobody expects.
                    let also = confirmed.then(|| slots.choose(runs).err()).flatten();
                    Input::NotBooted(also.map_or_else(|| why.clone(), |also| format!("{why}; {also}")))
                }),
            };
            if let Some(answer) = answer {
                machine.handle(clock::now(), answer);
            }
        }
        let Some(deadline) = machine.deadline() else { return Ok(()) };
        std::thread::sleep(deadline.since(clock::now()));
        machine.handle(clock::now(), Input::Timeout);
    }
}

struct Work<'a> {
    folder: Folder,
    slots: &'a Slots,
    /// The one that was there at first.
    bundle: Option<File>,
    /// At its first part.
    waiting: Option<(Manifest, BufReader<File>)>,
    carrier: Option<Carrier<BufReader<File>>>,
}

impl Work<'_> {
    fn open(&mut self) -> Result<Manifest, Refusal> {
        let file = self.folder.open()?;
        self.bundle = Some(file.try_clone().map_err(Refusal::Reading)?);
        let mut from = BufReader::new(file);
        let manifest = bundle::read(&mut from, &self.slots.key)?;
        judge(&manifest, self.slots, self.folder.may_be_older())?;
        self.waiting = Some((manifest.clone(), from));
        Ok(manifest)
    }

    /// It may be withdrawn, and another one brought.
    fn still_waits(&self) -> bool {
        self.bundle.as_ref().is_none_or(|bundle| self.folder.has_this(bundle))
    }

    /// Takes the bundle away, if it is still the one that was there at first; whether it was.
    fn take(&self) -> bool {
        self.still_waits() && self.folder.drop_bundle()
    }

    /// Without a note of it there is no trial; everything else goes on without.
    fn keep(&self, kept: &Kept) -> Result<(), String> {
        self.folder.keep(kept).or_else(|why| match kept {
            Kept::Trying { .. } => Err(why),
            _ => Ok(()),
        })
    }

    /// The next stretch; whether that was all.
    fn write(&mut self, slot: Slot) -> Result<bool, Refusal> {
        if let Some((manifest, from)) = self.waiting.take() {
            let place = self.slots.place(slot);
            let open = |device| File::options().read(true).write(true).open(device).map(Target::Device);
            let (boot, root) = (open(&place.boot), open(&place.root));
            let writing = Refusal::Writing;
            self.carrier =
                Some(Carrier::new(from, &manifest, boot.map_err(writing)?, root.map_err(writing)?));
        }
        self.carrier.as_mut().map_or(Ok(false), Carrier::stretch)
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => write!(f, "nothing"),
            Self::Writing { version } => write!(f, "version {version} is being written to the other slot"),
            Self::Trying { version, to, unexplained, .. } => {
                let again = if *unexplained > 0 { " once more" } else { "" };
                write!(f, "version {version} is tried from slot {to}{again}")
            }
            Self::Good { version } => write!(f, "version {version} does well and stays"),
            Self::FellBack { version, why } => {
                write!(
                    f,
                    "version {version} did not do, and the one before runs ({})",
                    why.trim_end_matches('.')
                )
            }
            Self::Refused { why } => write!(f, "the update was refused ({})", why.trim_end_matches('.')),
        }
    }
}
