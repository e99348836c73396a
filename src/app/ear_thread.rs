//! The edge of [`Ears`]: a thread that sleeps until frames or orders come.

use super::ear::{Ears, Told};
use super::words_thread::{Job, Recognised};
use crate::call::ListenOrder;
use crate::limits;
use crate::listen::Settings;
use crate::media::TapFrame;
use crate::media::inlet::Inlet;
use crate::media::thread::Outlet;
use crate::units::PortId;
use core::time::Duration;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use tokio::sync::mpsc;

pub(super) type Conclusion = (PortId, u32, Told);

/// Recognition as the listener's thread sees it.
pub(super) struct Recognition {
    pub(super) jobs: SyncSender<Job>,
    pub(super) answers: Receiver<Recognised>,
}

/// Starts the thread; it ends when the sender of orders is dropped.
pub(super) fn start(
    taps: Outlet<TapFrame>,
    settings: Settings,
    words: Option<Recognition>,
) -> std::io::Result<(Inlet<ListenOrder>, mpsc::Receiver<Conclusion>)> {
    let (orders, incoming) = taps.inlet(limits::MEDIA_COMMAND_RING);
    let (tell, heard) = mpsc::channel(limits::COMMAND_QUEUE);
    std::thread::Builder::new()
        .name("listener".into())
        .spawn(move || run(taps, Ears::new(settings), words.as_ref(), &incoming, &tell))?;
    Ok((orders, heard))
}

fn run(
    mut taps: Outlet<TapFrame>,
    mut ears: Ears,
    words: Option<&Recognition>,
    orders: &Receiver<ListenOrder>,
    tell: &mpsc::Sender<Conclusion>,
) {
    loop {
        taps.wait(Duration::MAX);
        loop {
            match orders.try_recv() {
                Ok(order) => {
                    ears.order(order);
                    if !pass_on(&mut ears, tell) {
                        return;
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        for said in words.iter().flat_map(|words| words.answers.try_iter()) {
            ears.words(said.port, said.epoch, (said.from, said.to), &said.said);
        }
        loop {
            let tap = taps.pop();
            tap.iter().for_each(|tap| ears.frame(tap));
            if let Some((job, words)) = ears.segment().zip(words) {
                // Full, or there are no words any more: the sound alone decides.
                let _ = words.jobs.try_send(job);
            }
            if !pass_on(&mut ears, tell) {
                return;
            }
            if tap.is_none() {
                break;
            }
        }
    }
}

/// False when nobody is there any more to be told.
fn pass_on(ears: &mut Ears, tell: &mpsc::Sender<Conclusion>) -> bool {
    core::iter::from_fn(|| ears.poll()).all(|conclusion| tell.blocking_send(conclusion).is_ok())
}
