//! The edge of [`Ears`]: a thread that sleeps until frames or orders come.

use super::ear::{Ears, Told};
use crate::call::ListenOrder;
use crate::limits;
use crate::media::TapFrame;
use crate::media::inlet::Inlet;
use crate::media::thread::Outlet;
use crate::units::PortId;
use core::time::Duration;
use std::sync::mpsc::{Receiver, TryRecvError};
use tokio::sync::mpsc;

pub(super) type Conclusion = (PortId, u32, Told);

/// Starts the thread; it ends when the sender of orders is dropped.
pub(super) fn start(
    taps: Outlet<TapFrame>,
) -> std::io::Result<(Inlet<ListenOrder>, mpsc::Receiver<Conclusion>)> {
    let (orders, incoming) = taps.inlet(limits::MEDIA_COMMAND_RING);
    let (tell, heard) = mpsc::channel(limits::COMMAND_QUEUE);
    std::thread::Builder::new().name("listener".into()).spawn(move || run(taps, &incoming, &tell))?;
    Ok((orders, heard))
}

fn run(mut taps: Outlet<TapFrame>, orders: &Receiver<ListenOrder>, tell: &mpsc::Sender<Conclusion>) {
    let mut ears = Ears::default();
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
        while let Some(tap) = taps.pop() {
            ears.frame(&tap);
            if !pass_on(&mut ears, tell) {
                return;
            }
        }
    }
}

/// False when nobody is there any more to be told.
fn pass_on(ears: &mut Ears, tell: &mpsc::Sender<Conclusion>) -> bool {
    core::iter::from_fn(|| ears.poll()).all(|conclusion| tell.blocking_send(conclusion).is_ok())
}
