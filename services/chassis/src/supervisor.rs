//! Who notices that a task is gone. A service without one of its tasks accepts and does nothing (P54): it becomes
//! unready, says why, and its process ends in order, so that it is started anew.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

/// Watches the tasks of one service.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    service: &'static str,
    stopping: Arc<AtomicBool>,
    dead: Arc<Mutex<Option<String>>>,
    died: CancellationToken,
}

impl Supervisor {
    pub(crate) fn new(service: &'static str) -> Self {
        let (stopping, dead) = (Arc::default(), Arc::default());
        Self { service, stopping, dead, died: CancellationToken::new() }
    }

    /// A task that may end only when the service stops.
    pub(crate) fn watch<F>(&self, task: String, future: F) -> impl Future<Output = ()> + Send + use<F>
    where
        F: Future<Output = ()> + Send,
    {
        let this = self.clone();
        async move {
            let ended = AssertUnwindSafe(future).catch_unwind().await;
            if !this.is_stopping() {
                this.bury(format!("{task} {}", if ended.is_ok() { "ended" } else { "panicked" }));
            }
        }
    }

    /// The service cannot go on.
    pub(crate) fn bury(&self, why: String) {
        tracing::error!(service = self.service, why, "a task is gone: the service stops");
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.died.cancel();
    }

    /// From now on tasks may end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The task that is gone, if one is.
    pub(crate) fn dead(&self) -> Option<String> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a task is gone; says which.
    pub(crate) async fn death(&self) -> String {
        self.died.cancelled().await;
        self.dead().unwrap_or_default()
    }
}
