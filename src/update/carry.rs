//! What root does with a bundle that waits: the machine's orders carried out on partitions, files and the boot.

use super::bundle::{Carrier, Manifest, Target};
use super::machine::{Input, Kept, Output, Update};
use super::slots::{self, Slot, Slots};
use super::{Folder, Refusal, judge};
use crate::clock;
use core::fmt;
use std::fs::File;
use std::io::BufReader;

/// Carries out what is to be done in `folder`: writes a bundle that waits into the other slot and boots that, or sees after such a
/// boot whether the new system is good. `answers` tells whether the page does. Each step is told to `say`.
///
/// # Errors
/// In words: the slots are not known, or what was decided cannot be written down.
pub fn carry_out(
    folder: &Folder,
    slots: &Slots,
    answers: &dyn Fn() -> bool,
    say: &dyn Fn(&str),
) -> Result<(), String> {
    let runs = slots.running()?;
    let mut machine = Update::new(slots.pace);
    let mut writing = None;
    let bundle = folder.has_bundle().then(|| {
        let (manifest, from) = folder.open(slots)?;
        judge(&manifest, slots, folder.may_be_older())?;
        writing = Some((manifest.clone(), from));
        Ok(manifest)
    });
    let bundle = bundle.map(|judged| judged.map_err(|refusal: Refusal| refusal.to_string()));
    let mut carrier: Option<Carrier<BufReader<File>>> = None;
    let quiet = folder.is_quiet();
    machine.handle(clock::now(), Input::Begin { runs, kept: folder.kept(), bundle, quiet });
    // A trial that was begun is over, one way or the other.
    folder.forget_trial();
    loop {
        while let Some(output) = machine.poll() {
            match output {
                Output::Keep(kept) => {
                    folder.keep(&kept)?;
                    say(&kept.to_string());
                }
                Output::Drop => folder.drop_bundle(),
                Output::Look => machine.handle(clock::now(), Input::Quiet(folder.is_quiet())),
                Output::Ask => machine.handle(clock::now(), Input::Answered(answers())),
                Output::Write(slot) => {
                    let begun = match writing.take() {
                        Some((manifest, from)) => {
                            begin(&manifest, from, slots, slot).map(|new| carrier = Some(new))
                        }
                        None => Ok(()),
                    };
                    let wrote = begun.and_then(|()| carrier.as_mut().map_or(Ok(false), Carrier::stretch));
                    machine.handle(clock::now(), Input::Wrote(wrote.map_err(|refusal| refusal.to_string())));
                }
                Output::Confirm(slot) => slots.confirm(slot)?,
                Output::Try(slot) => {
                    folder.mark_trial(slot)?;
                    slots::order(&slots.try_other)?;
                }
                Output::Reboot => slots::order(&slots.reboot)?,
            }
        }
        let Some(deadline) = machine.deadline() else { return Ok(()) };
        std::thread::sleep(deadline.since(clock::now()));
        machine.handle(clock::now(), Input::Timeout);
    }
}

fn begin(
    manifest: &Manifest,
    from: BufReader<File>,
    slots: &Slots,
    slot: Slot,
) -> Result<Carrier<BufReader<File>>, Refusal> {
    let place = slots.place(slot);
    let open = |device| File::options().write(true).open(device).map(Target::Device);
    let (boot, root) = (open(&place.boot), open(&place.root));
    let writing = Refusal::Writing;
    Ok(Carrier::new(from, manifest, boot.map_err(writing)?, root.map_err(writing)?))
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => write!(f, "nothing"),
            Self::Writing { version } => write!(f, "version {version} is being written to the other slot"),
            Self::Trying { version, to } => write!(f, "version {version} is tried from slot {to}"),
            Self::Good { version } => write!(f, "version {version} has answered and stays"),
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
