//! A server that can be crashed and brought back, as fault tests do.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::child::Running;

const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const RESTART_TIMEOUT: Duration = Duration::from_secs(10);

/// The child while it runs, nothing after a kill.
pub(super) struct Kept(Mutex<Option<Running>>);

impl Kept {
    /// Nothing yet.
    pub(super) fn empty() -> Kept {
        Kept(Mutex::new(None))
    }

    pub(super) fn keep(&self, running: Running) {
        *self.running() = Some(running);
    }

    pub(super) fn ask_to_stop(&self) {
        if let Some(running) = &*self.running() {
            running.ask_to_stop();
        }
    }

    /// Process id, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(Running::pid)
    }

    /// Sends a signal, if it runs.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(running) = &*self.running() {
            running.signal(signal);
        }
    }

    /// Sends a signal and waits until it has ended, as an operator who stops it would.
    pub(super) fn stop(&self, signal: Signal) -> Result<()> {
        let Some(mut running) = self.running().take() else { return Ok(()) };
        running.signal(signal);
        running.wait_end(STOP_TIMEOUT)?;
        Ok(())
    }

    pub(super) fn kill(&self) {
        if let Some(running) = self.running().take() {
            running.kill();
        }
    }

    /// Launches it again unless it runs. Right after a crash the port or the shared memory may still be
    /// held for a moment, so this is tried for a while.
    pub(super) fn restart(&self, launch: impl Fn() -> Result<Running>) -> Result<()> {
        let mut running = self.running();
        if let Some(running) = &mut *running
            && running.ended()?.is_none()
        {
            return Ok(());
        }
        let deadline = Instant::now() + RESTART_TIMEOUT;
        loop {
            match launch() {
                Ok(again) => {
                    *running = Some(again);
                    return Ok(());
                }
                Err(error) if Instant::now() > deadline || !is_still_held(&error) => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it failed because somebody else has the port. The end of the log is part of the error, and
/// the two servers differ only in the first letter.
pub(super) fn is_port_taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("ddress already in use")
}

fn is_still_held(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    let by_dying_backends = ["still in use", "lock file \"postmaster.pid\""].iter().any(|sign| text.contains(sign));
    by_dying_backends || is_port_taken(error)
}
