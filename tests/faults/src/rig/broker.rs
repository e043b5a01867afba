//! What can be done to NATS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chassis::topology::PROVISIONER;
use local::secrets::Who;
use local::stack::PREFIX;
use local::{Secrets, Servers};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proto::operations::RepublishRequest;
use proto::operations::operations_service_client::OperationsServiceClient;

use super::Rig;
use super::process::Process;

/// What of the store goes back to an earlier state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it: messages and the state of the consumers.
    Whole,
    /// The messages only: consumers know of messages that are not there any more.
    Messages,
    /// One stream: without the prefix of the installation.
    Stream(&'static str),
    /// Nothing goes back, but so many bytes are missing at the end of each stream.
    Tail(u64),
}

/// Makes every stream and consumer.
pub(super) async fn provision(servers: &Servers, secrets: &Secrets, storage_mib: u32) -> Result<()> {
    let url = secrets.nats_url(&servers.nats_url(), PROVISIONER)?;
    let client = chassis::connect_nats("rig", &url.into()).await?;
    chassis::provision(&client, PREFIX, storage_mib).await
}

impl Rig {
    /// Kills NATS as a crash would.
    pub fn kill_nats(&self) {
        self.servers().kill_nats();
    }

    /// Stops NATS in order.
    pub async fn stop_nats(&self) -> Result<()> {
        let servers = Arc::clone(self.servers());
        tokio::task::spawn_blocking(move || servers.stop_nats()).await?
    }

    /// Starts NATS again.
    pub async fn start_nats(&self) -> Result<()> {
        let servers = Arc::clone(self.servers());
        tokio::task::spawn_blocking(move || servers.restart_nats()).await?
    }

    /// Stops the clock of NATS.
    pub fn pause_nats(&self) -> Result<()> {
        signal(self.servers().nats_pid(), Signal::SIGSTOP)
    }

    /// Lets NATS go on.
    pub fn resume_nats(&self) -> Result<()> {
        signal(self.servers().nats_pid(), Signal::SIGCONT)
    }

    /// Lets both servers go on, whether they were paused or not.
    pub(super) fn resume_servers(&self) {
        for pid in [self.servers().nats_pid(), self.servers().postgres_pid()] {
            // A dead one is started again anyway.
            let _ = signal(pid, Signal::SIGCONT);
        }
    }

    /// Makes streams and consumers where they are missing, with as much storage as given.
    pub async fn provision(&self, storage_mib: u32) -> Result<()> {
        provision(self.servers(), self.secrets(), storage_mib).await
    }

    /// Copies the store as it is at one moment, which is what a disk holds that lost what was not flushed.
    pub async fn snapshot_nats(&self) -> Result<PathBuf> {
        let copy = self.servers().folder().join("nats-snapshot");
        remove(&copy).await?;
        self.pause_nats()?;
        let copied = run("cp", &[Path::new("-a"), &self.servers().nats_store(), &copy]).await;
        self.resume_nats()?;
        copied?;
        Ok(copy)
    }

    /// Puts what was lost back to the snapshot. NATS must be dead.
    pub async fn lose_nats(&self, snapshot: &Path, loss: Loss) -> Result<()> {
        ensure!(self.servers().nats_pid().is_none(), "NATS still runs");
        let store = self.servers().nats_store();
        match loss {
            Loss::Whole => {
                remove(&store).await?;
                run("cp", &[Path::new("-a"), snapshot, &store]).await
            }
            Loss::Messages => {
                for stream in streams(snapshot).await? {
                    put_back(&snapshot.join(&stream), &store.join(&stream), "msgs").await?;
                }
                Ok(())
            }
            Loss::Stream(name) => {
                let wanted = format!("{}_{name}", PREFIX.to_uppercase());
                let all = streams(snapshot).await?;
                let stream = all.iter().find(|stream| stream.ends_with(&wanted)).context("the stream has no folder")?;
                let (from, to) = (snapshot.join(stream), store.join(stream));
                let (from, to) = (from.parent().context("no folder")?, to.parent().context("no folder")?);
                put_back(from, to, &wanted).await
            }
            Loss::Tail(bytes) => cut_tails(&store, bytes).await,
        }
    }

    /// Removes the whole store. NATS must be dead.
    pub async fn destroy_nats(&self) -> Result<()> {
        ensure!(self.servers().nats_pid().is_none(), "NATS still runs");
        remove(&self.servers().nats_store()).await
    }

    /// What an operator does after the store was lost: streams and consumers anew, then everything from the journals
    /// (what `redress rebuild` does).
    pub async fn rebuild(&self) -> Result<()> {
        self.provision(self.storage_mib()).await?;
        for service in self.endpoints().into_keys() {
            let process = self.of(&service).into_iter().next().context("a service has no process")?;
            let published = self.republish(&process).await;
            published.with_context(|| format!("{service} does not publish its journal again"))?;
        }
        Ok(())
    }

    /// Asks a process to publish its journal again.
    pub async fn republish(&self, process: &Process) -> Result<()> {
        let mut operations = OperationsServiceClient::connect(format!("http://{}", process.grpc)).await?;
        let request_id = uuid::Uuid::now_v7().to_string();
        let mut request = tonic::Request::new(RepublishRequest { request_id, since: None });
        let who = Who { subject: "rig", roles: &["operator"], customer: None, ttl: Duration::from_secs(600) };
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.secrets().token(&who)?).parse()?);
        operations.republish(request).await?;
        Ok(())
    }

    /// Acknowledgements of consumers that passed so far.
    pub fn acks(&self) -> u64 {
        let each = self.all().iter().map(|process| &process.nats.passed().acks);
        each.map(|acks| acks.load(std::sync::atomic::Ordering::Relaxed)).sum()
    }

    /// Waits until so many more acknowledgements passed, or the time is up.
    pub async fn wait_acks(&self, more: u64, limit: Duration) {
        let wanted = self.acks() + more;
        let wait = async {
            while self.acks() < wanted {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(limit, wait).await;
    }
}

fn signal(pid: Option<u32>, signal: Signal) -> Result<()> {
    let pid = pid.context("it does not run")?;
    kill(Pid::from_raw(i32::try_from(pid)?), signal).context("it cannot be signalled")
}

/// Folders of the streams below the store, as `jetstream/REDRESS/streams/REDRESS_EVENTS`.
async fn streams(store: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let accounts = store.join("jetstream");
    let mut folders = tokio::fs::read_dir(&accounts).await.context("the store has no accounts")?;
    while let Some(account) = folders.next_entry().await? {
        let Ok(mut streams) = tokio::fs::read_dir(account.path().join("streams")).await else { continue };
        while let Some(stream) = streams.next_entry().await? {
            found.push(stream.path().strip_prefix(store)?.to_owned());
        }
    }
    ensure!(!found.is_empty(), "the store has no streams");
    Ok(found)
}

/// Replaces `<to>/<name>` by `<from>/<name>`.
async fn put_back(from: &Path, to: &Path, name: &str) -> Result<()> {
    remove(&to.join(name)).await?;
    run("cp", &[Path::new("-a"), &from.join(name), &to.join(name)]).await
}

/// Cuts the end of the newest block of each stream off, as a page that was never written.
async fn cut_tails(store: &Path, bytes: u64) -> Result<()> {
    for stream in streams(store).await? {
        let messages = store.join(stream).join("msgs");
        let mut blocks = Vec::new();
        let mut files = tokio::fs::read_dir(&messages).await?;
        while let Some(file) = files.next_entry().await? {
            let path = file.path();
            // Blocks are numbered: 1.blk, 2.blk.
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if let (Some(number), Some("blk")) = (number, path.extension().and_then(|end| end.to_str())) {
                blocks.push((number, path));
            }
        }
        if let Some((_, newest)) = blocks.into_iter().max() {
            let file = tokio::fs::OpenOptions::new().write(true).open(newest).await?;
            let length = file.metadata().await?.len();
            file.set_len(length.saturating_sub(bytes)).await?;
        }
        // Or the broker trusts its index instead of the blocks.
        remove(&messages.join("index.db")).await?;
    }
    Ok(())
}

/// Removes a file or a folder; what is not there is removed already.
async fn remove(path: &Path) -> Result<()> {
    run("rm", &[Path::new("-rf"), path]).await
}

pub(super) async fn run(program: &str, arguments: &[&Path]) -> Result<()> {
    let output = tokio::process::Command::new(program).args(arguments).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
