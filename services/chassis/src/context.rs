//! What a service is given to build itself from.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use http::{Request, Response};
use jiff::SignedDuration;
use proto::policy::Packs;
use proto::{ClaimId, Subject};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;

use crate::audit::{self, Books};
use crate::auth::Gate;
use crate::consumer::{Consumer, Permits};
use crate::database::DatabaseTarget;
use crate::lane::{Domain, LaneConfig, LaneState, Lanes};
use crate::operations::{self, Redrive};
use crate::progress::Progress;
use crate::readiness::OwnPart;
use crate::relay::Backpressure;
use crate::settings::Sections;
use crate::supervisor::Supervisor;
use crate::sweep::{Sweep, SweepState};
use crate::tls::Tls;
use crate::{Clock, Fault, Malformed, Settings, nats, topology};

/// What a service is given to build itself from.
pub struct Context {
    pub(crate) service: &'static str,
    pub(crate) long: crate::grpc::Long,
    pub(crate) settings: Settings,
    pub(crate) packs: Arc<Packs>,
    pub(crate) home: DatabaseTarget,
    pub(crate) reads: PgPool,
    pub(crate) nats: async_nats::Client,
    pub(crate) refusals: Arc<nats::Refusals>,
    pub(crate) clock: Clock,
    pub(crate) gate: Gate,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) handed: Arc<crate::relay::HandOff>,
    pub(crate) pace: Arc<OnceLock<Backpressure>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) redrive: Arc<OnceLock<Redrive>>,
    pub(crate) lane_states: Arc<OnceLock<Vec<Arc<LaneState>>>>,
    pub(crate) sweeps: Mutex<Vec<Arc<SweepState>>>,
    pub(crate) own_parts: Mutex<Vec<OwnPart>>,
    pub(crate) books: Books,
    pub(crate) audited: Mutex<Vec<&'static audit::Source>>,
    pub(crate) differs: OnceLock<&'static str>,
    pub(crate) in_use: OnceLock<&'static str>,
    pub(crate) supervisor: Supervisor,
    pub(crate) stops: Stops,
    /// Lane workers: they end when everything that feeds them has ended.
    pub(crate) workers: TaskTracker,
    /// Consumers and sweeps.
    pub(crate) feeders: TaskTracker,
}

/// The steps of an ordered shutdown.
#[derive(Clone, Default)]
pub(crate) struct Stops {
    /// No new messages and no new sweeps.
    pub feeders: CancellationToken,
    /// No new calls.
    pub calls: CancellationToken,
    /// Lanes finish what they have.
    pub lanes: CancellationToken,
    /// The relay publishes what is journalled.
    pub relay: CancellationToken,
}

impl Context {
    /// All versions of the policy pack.
    pub fn packs(&self) -> &Arc<Packs> {
        &self.packs
    }

    /// The pool for reads. Reads never feed a write.
    pub fn reads(&self) -> PgPool {
        self.reads.clone()
    }

    /// The clock, for what happens at the edge; commands get their time from [`crate::Meta`].
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The settings that only this service has.
    pub fn own(&self) -> &Sections {
        &self.settings.own
    }

    /// Hears of which claims public events leave, of those that the table of [`topology`] has for the service. It is a hint,
    /// for what can do without: what is missed does not come again.
    pub fn overhear(&self, heard: impl Fn(ClaimId) + Clone + Send + Sync + 'static) {
        for pattern in topology::row(self.service).map_or(&[][..], |row| row.overhears) {
            let (client, prefix) = (self.nats.clone(), self.settings.nats.prefix.clone());
            self.task("listening to public events", nats::overhear(client, prefix, pattern, heard.clone()));
        }
    }

    /// Asks another service at once, as the table of [`topology`] has it: for a call of a person.
    pub fn ask(&self, subject: &str) -> nats::Ask {
        nats::Ask::new(self.nats.clone(), &self.settings.nats.prefix, subject)
    }

    /// Answers a question that other services ask at once, as the table of [`topology`] has it.
    pub fn answer<Q, A, Found>(&self, subject: &str, find: impl Fn(Q) -> Found + Send + Sync + 'static)
    where
        Q: prost::Message + Default + 'static,
        A: prost::Message + 'static,
        Found: Future<Output = Result<A, Fault>> + Send + 'static,
    {
        let subject = format!("{}.v1.{subject}", self.settings.nats.prefix);
        self.task("answers to other services", nats::answer(self.nats.clone(), subject, find));
    }

    /// Sets how far the relay runs ahead of those who work on what it tells. The first counts.
    pub fn pace(&self, pace: Backpressure) {
        let _ = self.pace.set(pace);
    }

    /// Adds tables to what is sealed in the audit chain, besides what people decided by the journal. The statement finds rows
    /// of other tables that are not what was decided: `source`, `row_id`, and `what` is wrong.
    pub fn audit(&self, sources: &[&'static audit::Source], differs: Option<&'static str>) {
        self.audited.lock().unwrap_or_else(PoisonError::into_inner).extend(sources);
        if let Some(differs) = differs {
            let _ = self.differs.set(differs);
        }
    }

    /// The statement that tells by which versions of the policy pack open claims go (0: the oldest): nobody is sent here as long
    /// as one of them is not loaded.
    pub fn in_use(&self, versions: &'static str) {
        let _ = self.in_use.set(versions);
    }

    /// Where checkpoints of the audit are kept: out of reach of the owner of the database.
    pub fn checkpoints(&self) -> anyhow::Result<&std::path::Path> {
        self.settings.audit.checkpoints.as_deref().context("audit.checkpoints is not set")
    }

    /// A part of readiness that the service itself looks at.
    pub fn own_part(&self, name: &'static str) -> OwnPart {
        let part = OwnPart::new(name);
        self.own_parts.lock().unwrap_or_else(PoisonError::into_inner).push(part.clone());
        part
    }

    /// Starts a task of the service's own, which goes on until the service stops.
    pub fn task(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stops.feeders.clone();
        let task = async move {
            tokio::select! { () = work => {}, () = stop.cancelled() => {} }
        };
        self.feeders.spawn(self.supervisor.watch(name.to_owned(), task));
    }

    /// Tracks short work that goes on when the caller goes away; a shutdown waits for it.
    pub fn tasks(&self) -> TaskTracker {
        self.feeders.clone()
    }

    /// Starts the lanes of the service.
    pub fn lanes<D: Domain>(&self, domain: D) -> Lanes<D> {
        let config = LaneConfig {
            service: self.service,
            home: self.home.clone(),
            clock: self.clock.clone(),
            progress: Arc::clone(&self.progress),
            stamp: self.books.stamp.clone(),
            wake: Arc::clone(&self.wake),
            handed: Arc::clone(&self.handed),
            stop: self.stops.lanes.clone(),
            lanes: self.settings.lanes.count,
            batch_max: self.settings.lanes.batch_max,
            gather: self.settings.lanes.gather.unsigned_abs(),
            optimistic: self.settings.lanes.optimistic,
            queue: self.settings.lanes.queue,
            changes: self.settings.limits.customer_changes_per_day,
        };
        let (lanes, workers, states) = Lanes::new(domain, &config);
        let _ = self.lane_states.set(states);
        for (lane, worker) in workers.into_iter().enumerate() {
            self.workers.spawn(self.supervisor.watch(format!("lane {lane}"), worker.run()));
        }
        lanes
    }

    /// Starts taking the messages that are addressed to the service.
    ///
    /// # Panics
    /// If the service is not in the table of [`topology`].
    pub fn consume<D: Domain>(&self, lanes: &Lanes<D>, decode: fn(&Subject, &[u8]) -> Result<D::Command, Malformed>) {
        let prefix = self.settings.nats.prefix.clone();
        let again = operations::redrive(prefix.clone(), self.service, lanes.clone(), decode);
        let _ = self.redrive.set(again);
        let consumer = Consumer {
            row: topology::row(self.service).expect("every service that consumes is in the table"),
            prefix,
            client: self.nats.clone(),
            jetstream: nats::jetstream(&self.nats),
            progress: Arc::clone(&self.progress),
            trail: Arc::default(),
            room: Permits::new(),
            lanes: lanes.clone(),
            decode,
            stop: self.stops.feeders.clone(),
            tasks: self.feeders.clone(),
        };
        self.feeders.spawn(self.supervisor.watch("the consumer".to_owned(), consumer.run()));
    }

    /// Starts a sweep: `due` scans for what is due, judged by the database's clock plus the offset it is given.
    pub fn sweep<D, F, Due>(&self, name: &'static str, every: Duration, lanes: &Lanes<D>, due: F)
    where
        D: Domain,
        F: Fn(PgPool, SignedDuration) -> Due + Send + Sync + 'static,
        Due: Future<Output = Result<Vec<D::Command>, Fault>> + Send + 'static,
    {
        let state = Arc::new(SweepState::new(name, every));
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&state));
        let sweep = Sweep {
            service: self.service,
            state,
            lanes: lanes.clone(),
            pool: self.reads.clone(),
            clock: self.clock.clone(),
            stop: self.stops.feeders.clone(),
        };
        self.feeders.spawn(self.supervisor.watch(format!("the sweep of {name}"), sweep.run(due)));
    }

    /// The routes of the service's gRPC server.
    pub fn routes<S>(&self, server: S) -> Routes
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Routes::new(server)
    }
}
