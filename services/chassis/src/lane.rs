//! Lanes: how anything changes.
//!
//! A gRPC call and a message differ only in how a command is made and how its outcome is told. Both end in a lane: one
//! task that owns one connection and works strictly one batch after the other. While a transaction is in flight the
//! next commands gather, so commits per command fall as load rises, and nobody waits when there is none.
//!
//! Commands with the same key meet in the same lane of a process, in order.

mod batch;
mod dedup;
mod fingerprint;
mod journal;
mod memory;
mod recent;
mod record;
mod state;
mod worker;
mod writes;

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use proto::method::Mutation;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::call::Call;
use crate::limits::Day;
use crate::meta::{Actor, Meta};
use crate::progress::Progress;
use crate::{Check, Clock, Fault, Malformed, Outgoing, Refusal, status};

pub(crate) use fingerprint::{Fingerprinter, RequestFingerprint};
pub(crate) use journal::statement as journal;
pub use recent::Recent;
pub(crate) use record::{DECIDED, STATEMENTS};
pub(crate) use state::LaneState;
pub(crate) use worker::Worker;
pub use writes::Writes;

/// The connection of a lane, inside the one transaction of a batch.
pub type Tx = sqlx::PgConnection;

/// How a batch reads what it will change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// Locked: nobody else changes it until the batch is over.
    #[default]
    Rows,
    /// Not at all: what is written has guards.
    Nothing,
}

impl Lock {
    /// The statement that locks, or the one that does not.
    pub fn pick(self, locking: &'static str, plain: &'static str) -> &'static str {
        match self {
            Self::Rows => locking,
            Self::Nothing => plain,
        }
    }
}

/// What a service does with commands. `load` and `save` take many; `decide` is pure.
pub trait Domain: Send + Sync + 'static {
    /// What can be asked.
    type Command: Clone + Debug + Send + Sync + 'static;
    /// What a batch of commands looks at and changes.
    type World: Send + Sync;
    /// What a lane remembers of the rows that it was busy with last, so that it need not read them again; `()`: nothing.
    type Memory: Default + Send + Sync;

    /// The key of a command: the same key means the same lane, in order. Messages go by their claim instead.
    fn lane(&self, command: &Self::Command) -> Uuid;

    /// Whether what is read to decide a command need not be locked: if it has changed until it is written, the write finds
    /// fewer rows than it must, or one that must not be there. Then most batches are one statement. Those that fail are
    /// run again under locks.
    fn is_optimistic(&self, _command: &Self::Command) -> bool {
        false
    }

    /// Reads what the commands are about, in a fixed order, one statement per table. Rows that are missing may be made, under
    /// locks. What is remembered need not be read; under locks nothing is.
    fn load(
        &self,
        tx: &mut Tx,
        lock: Lock,
        memory: &Self::Memory,
        commands: &[&Self::Command],
    ) -> impl Future<Output = Result<Self::World, Fault>> + Send;

    /// Decides one command. On `Err` the world is unchanged.
    fn decide(&self, world: &mut Self::World, meta: &Meta, command: &Self::Command) -> Result<Outcome, Refusal>;

    /// Adds what has changed to what the batch writes, one part per table; of rows that were remembered and have not
    /// changed, that they are still so ([`Writes::finds`]). Through the connection it may read, not write.
    fn save(
        &self,
        tx: &mut Tx,
        writes: &mut Writes,
        world: &Self::World,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The world is committed as it is now.
    fn remember(&self, _memory: &mut Self::Memory, _world: Self::World) {}
}

/// What came of a command: the answer to the caller, and messages to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub(crate) reply: Vec<u8>,
    pub(crate) messages: Vec<Outgoing>,
}

impl Outcome {
    /// Nothing to answer.
    pub fn none() -> Self {
        Self::default()
    }

    /// An answer to the caller; a repeated request gets it again.
    pub fn reply(reply: &impl Message) -> Self {
        Self { reply: reply.encode_to_vec(), messages: Vec::new() }
    }

    /// Adds a message.
    pub fn tell(&mut self, message: Outgoing) {
        self.messages.push(message);
    }

    /// Adds messages.
    #[must_use]
    pub fn telling(mut self, messages: impl IntoIterator<Item = Outgoing>) -> Self {
        self.messages.extend(messages);
        self
    }

    /// The messages.
    pub fn messages(&self) -> &[Outgoing] {
        &self.messages
    }
}

/// Where a command came from: the key under which its effect happens once.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A gRPC call: method, request id, fingerprint of the request.
    Call { method: &'static str, id: Uuid, print: RequestFingerprint },
    /// A message of a consumer.
    Message {
        consumer: String,
        id: Uuid,
        subject: String,
        payload: Vec<u8>,
        parked_id: Option<i64>,
        origin: Option<Origin>,
    },
    /// A sweep: `decide` looks whether it is still due.
    Sweep { id: Uuid },
}

/// The place of a message in what its sender told about the aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub sender: String,
    /// 1, 2, 3 … without gaps.
    pub number: i32,
}

/// A command on its way through a lane.
pub(crate) struct Ticket<C> {
    /// The command, or why the message cannot be read.
    pub command: Result<C, Malformed>,
    /// Whoever sent it may not send it.
    pub refused: bool,
    pub aggregate: Uuid,
    pub actor: Actor,
    pub trace: Option<String>,
    pub source: Source,
    /// When it came.
    pub since: Instant,
    /// Failed tries.
    pub attempts: u32,
    /// Failed tries while the database answered.
    pub failures: u32,
    /// Tries that failed for a reason that will not go away.
    pub permanents: u32,
    pub answer: oneshot::Sender<Answer>,
    /// Its place among the messages under way.
    #[expect(dead_code, reason = "it is held, and free when the ticket is answered and gone")]
    pub place: Option<OwnedSemaphorePermit>,
}

impl<C> Ticket<C> {
    /// A command that has just come.
    pub(crate) fn new(
        command: Result<C, Malformed>,
        aggregate: Uuid,
        actor: Actor,
        trace: Option<String>,
        source: Source,
        answer: oneshot::Sender<Answer>,
    ) -> Self {
        let since = Instant::now();
        let refused = false;
        Self {
            command,
            refused,
            aggregate,
            actor,
            trace,
            source,
            since,
            attempts: 0,
            failures: 0,
            permanents: 0,
            answer,
            place: None,
        }
    }
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Committed.
    Done(Vec<u8>),
    /// Refused, and committed as the answer.
    Refused(Refusal),
    /// The request id was used with another request.
    Reused,
    /// Parked.
    Parked,
    /// An earlier message of the same sender about the same aggregate has not come yet.
    Ahead,
    /// It did not work.
    Failed(Fault),
}

/// Why nothing is done: see [`crate::progress::Past::Older`].
const OLDER: &str = "the database is older than what was published from it; operators were told";

/// The lanes of a service.
pub struct Lanes<D: Domain> {
    progress: Arc<Progress>,
    senders: Arc<[mpsc::Sender<Ticket<D::Command>>]>,
    domain: Arc<D>,
    stamp: Fingerprinter,
    changes: Arc<Day>,
}

impl<D: Domain> Clone for Lanes<D> {
    fn clone(&self) -> Self {
        let (progress, domain) = (Arc::clone(&self.progress), Arc::clone(&self.domain));
        let (senders, changes) = (Arc::clone(&self.senders), Arc::clone(&self.changes));
        Self { progress, senders, domain, stamp: self.stamp.clone(), changes }
    }
}

/// What the lanes of a service are made of.
pub(crate) struct LaneConfig {
    pub service: &'static str,
    pub home: crate::database::DatabaseTarget,
    pub clock: Clock,
    pub progress: Arc<Progress>,
    pub stamp: Fingerprinter,
    pub wake: Arc<Notify>,
    pub handed: Arc<crate::relay::HandOff>,
    pub stop: CancellationToken,
    pub lanes: usize,
    pub batch_max: usize,
    pub gather: Duration,
    pub optimistic: bool,
    pub queue: usize,
    /// Calls of one customer and day.
    pub changes: u32,
}

impl<D: Domain> Lanes<D> {
    /// Makes the lanes; the workers are to be run by the caller.
    pub(crate) fn new(domain: D, config: &LaneConfig) -> (Self, Vec<Worker<D>>, Vec<Arc<LaneState>>) {
        let domain = Arc::new(domain);
        let states: Vec<_> = (0..config.lanes).map(|_| Arc::new(LaneState::new())).collect();
        let (senders, workers): (Vec<_>, Vec<_>) = (states.iter())
            .map(|state| {
                let (sender, receiver) = mpsc::channel(config.queue);
                (sender, Worker::new(Arc::clone(&domain), receiver, Arc::clone(state), config))
            })
            .unzip();
        let (progress, stamp) = (Arc::clone(&config.progress), config.stamp.clone());
        let changes = Arc::new(Day::new("changes", config.changes));
        (Self { progress, senders: senders.into(), domain, stamp, changes }, workers, states)
    }

    fn sender(&self, ticket: &Ticket<D::Command>) -> &mpsc::Sender<Ticket<D::Command>> {
        // All messages of a claim take one lane, readable or not, so that they keep their order behind a parked one.
        let of_claim = matches!(ticket.source, Source::Message { .. }) && !ticket.aggregate.is_nil();
        let key = match &ticket.command {
            Ok(command) if !of_claim => self.domain.lane(command),
            Ok(_) | Err(_) => ticket.aggregate,
        };
        // The last bytes of a UUID are random in every version that we use.
        let mut tail = [0; 8];
        tail.copy_from_slice(&key.as_bytes()[8..]);
        let spread = u64::from_be_bytes(tail) % self.senders.len() as u64;
        &self.senders[usize::try_from(spread).unwrap_or(0)]
    }

    /// Puts a call's command into its lane and waits for the answer. The lane outlives the caller. The request was checked.
    ///
    /// The same `request_id` of the same caller with the same `request` gives the same answer; with another request it is
    /// refused.
    pub async fn call<M: Mutation>(
        &self,
        call: &Call,
        request: &M,
        command: D::Command,
    ) -> Result<Response<M::Reply>, Status> {
        let mut check = Check::new();
        let id = check.request_id(request.request_id());
        check.finish()?;
        self.run(call, M::NAME, id, request, command).await.map(Response::new)
    }

    /// As [`Self::call`], for what is no plain call of the contract: `method` is how the log names it.
    pub async fn run<R: Message + Default>(
        &self,
        call: &Call,
        method: &'static str,
        request_id: Uuid,
        request: &impl Message,
        command: D::Command,
    ) -> Result<R, Status> {
        if self.progress.older().is_some() {
            return Err(status::unavailable(OLDER));
        }
        self.changes.take(&call.actor)?;
        let print = self.stamp.fingerprint(&call.actor, request);
        let about = self.domain.lane(&command);
        let (answer, answered) = oneshot::channel();
        let source = Source::Call { method, id: request_id, print };
        let ticket = Ticket::new(Ok(command), about, call.actor.clone(), call.trace.clone(), source, answer);
        match self.sender(&ticket).try_send(ticket) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(status::busy(status::SOON)),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                return Err(status::unavailable("the service is stopping"));
            }
        }
        let answer = match tokio::time::timeout(call.time_left, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Answer::Failed(Fault::Transient("the service is stopping".to_owned())),
            Err(_) => return Err(status::late()),
        };
        reply(answer)
    }

    /// Puts a message's or a sweep's command into its lane; waits while the lane is full.
    pub(crate) async fn send(&self, ticket: Ticket<D::Command>) -> Result<(), Fault> {
        let sender = self.sender(&ticket).clone();
        sender.send(ticket).await.map_err(|_| Fault::Transient("the service is stopping".to_owned()))
    }
}

fn reply<R: Message + Default>(answer: Answer) -> Result<R, Status> {
    match answer {
        Answer::Done(bytes) => R::decode(bytes.as_slice()).map_err(|error| {
            tracing::error!(%error, "a saved answer cannot be read");
            Refusal::new(Code::Internal, "INTERNAL", "the saved answer cannot be read").into()
        }),
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Reused => {
            Err(Refusal::new(Code::AlreadyExists, "REQUEST_ID_REUSED", "the request id was used with another request")
                .into())
        }
        Answer::Failed(Fault::Transient(_)) => {
            Err(status::unavailable("it did not work this time; try again with the same request_id"))
        }
        Answer::Failed(Fault::Permanent(_)) | Answer::Parked | Answer::Ahead => {
            Err(Refusal::new(Code::Internal, "COMMAND_FAILED", "the command cannot be processed; operators were told")
                .into())
        }
    }
}
