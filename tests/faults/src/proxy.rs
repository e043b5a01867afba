//! A TCP proxy for one link, which can be made bad while it runs.
//!
//! Every link of the rig has one of its own: each process to PostgreSQL, each process to NATS, and one in front of each
//! service for its callers, where it also spreads new connections over the replicas. A handle is cheap to clone and sets
//! the mode; what is set holds for connections that are open and for those to come.

mod connection;
mod frames;
mod postgres;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the caller to the server.
    Up,
    /// From the server to the caller.
    Down,
}

/// What becomes of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// All is well.
    #[default]
    Pass,
    /// Nobody listens; open connections are reset.
    Refuse,
    /// Open connections are reset, new ones as soon as they are there.
    Reset,
    /// Connections are accepted and everything is swallowed, also the end of a connection. A connection that was
    /// swallowed from stays silent after the link is healed, as behind a router that forgot it.
    BlackHole,
    /// The same, but only one way is swallowed.
    Swallow(Way),
    /// A slow network.
    Slow {
        /// Time on the way.
        delay: Duration,
        /// More of it, at random.
        jitter: Duration,
        /// Bandwidth each way; none: no limit.
        bytes_per_second: Option<u64>,
    },
    /// Each connection is reset after so many bytes, both ways counted together.
    CutAfter(u64),
    /// A connection to PostgreSQL is reset right after it sent its COMMIT, or a statement that is a transaction by itself, at
    /// each n-th of the link: the caller cannot know whether it happened.
    CutAtCommit(u64),
    /// NATS: deliveries are held back for a random time up to this, so that later ones overtake them.
    Reorder(Duration),
    /// NATS: deliveries come twice, with this chance in a hundred.
    Repeat(u32),
    /// NATS: acknowledgements of the consumer are lost, with this chance in a hundred.
    LoseAcks(u32),
}

impl Mode {
    fn swallows(&self, way: Way) -> bool {
        match self {
            Self::BlackHole => true,
            Self::Swallow(swallowed) => *swallowed == way,
            _ => false,
        }
    }
}

/// What the link speaks: some modes look into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Bytes.
    Bytes,
    /// PostgreSQL's protocol.
    Postgres,
    /// NATS's protocol.
    Nats,
}

/// What passed so far.
#[derive(Debug, Default)]
pub struct Passed {
    /// Connections.
    pub connections: AtomicU64,
    /// Bytes, both ways.
    pub bytes: AtomicU64,
    /// Commits sent to PostgreSQL.
    pub commits: AtomicU64,
    /// Acknowledgements sent to NATS.
    pub acks: AtomicU64,
    /// Deliveries of NATS that were held back, repeated or lost.
    pub tampered: AtomicU64,
}

struct Link {
    speaks: Speaks,
    mode: watch::Sender<Mode>,
    /// In order of preference by group: the live ones first.
    targets: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
    passed: Passed,
}

/// A link; the last clone to go closes it.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    link: Arc<Link>,
    _task: Arc<Task>,
}

struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Proxy {
    /// Listens on `port` and passes everything on to the first target that takes it.
    pub async fn start(port: u16, speaks: Speaks, targets: Vec<SocketAddr>) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let link = Arc::new(Link {
            speaks,
            mode: watch::Sender::new(Mode::Pass),
            targets: Mutex::new(targets),
            turn: AtomicUsize::new(0),
            passed: Passed::default(),
        });
        let task = tokio::spawn(accept(listener, address, Arc::clone(&link)));
        Ok(Self { address, link, _task: Arc::new(Task(task.abort_handle())) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the link good or bad.
    pub fn set(&self, mode: Mode) {
        self.link.mode.send_replace(mode);
    }

    /// What passed so far.
    pub fn passed(&self) -> &Passed {
        &self.link.passed
    }

    /// Where new connections go: to one of these, in turn.
    pub fn aim(&self, targets: Vec<SocketAddr>) {
        *self.link.targets.lock().unwrap_or_else(PoisonError::into_inner) = targets;
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, link: Arc<Link>) {
    let mut mode = link.mode.subscribe();
    let mut listener = Some(listener);
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let refuses = *mode.borrow_and_update() == Mode::Refuse;
        if refuses {
            // Closed, so that the kernel itself refuses.
            listener = None;
            if mode.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = match &listener {
            Some(open) => open,
            None => match TcpListener::bind(address).await {
                Ok(again) => listener.insert(again),
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        tokio::select! {
            changed = mode.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
            accepted = open.accept() => if let Ok((caller, _)) = accepted {
                link.passed.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(connection::run(caller, Arc::clone(&link)));
            },
        }
    }
}

impl Link {
    /// Connects to a target, in turn; a dead one is left out.
    async fn connect(&self) -> Option<TcpStream> {
        let targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for step in 0..targets.len() {
            let target = targets[(turn + step) % targets.len()];
            let connect = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(target));
            if let Ok(Ok(server)) = connect.await {
                return Some(server);
            }
        }
        None
    }
}
