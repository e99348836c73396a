//! The way in to a thread that waits at an [`Outlet`](super::thread::Outlet): what is put in wakes it, as frames do.

use nix::sys::eventfd::EventFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Takes what is for the thread. It is woken by each, and by the end of this.
#[derive(Debug)]
pub struct Inlet<T> {
    // Dropped before the bell, so that whoever is woken by the end finds the end.
    to: SyncSender<T>,
    bell: Bell,
}

#[derive(Debug)]
struct Bell(Arc<EventFd>);

impl<T> Inlet<T> {
    pub(super) fn new(wake: Arc<EventFd>, room: usize) -> (Self, Receiver<T>) {
        let (to, out) = sync_channel(room);
        (Self { to, bell: Bell(wake) }, out)
    }

    /// Puts one in. Never waits.
    ///
    /// # Errors
    /// There is no room, or nobody there any more.
    pub fn try_send(&self, what: T) -> Result<(), TrySendError<T>> {
        self.to.try_send(what)?;
        self.bell.ring();
        Ok(())
    }
}

impl Bell {
    fn ring(&self) {
        // The counter of an eventfd is full after 2^64 − 2 wakes that nobody saw.
        let _ = self.0.write(1);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}
