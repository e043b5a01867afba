//! Looks once a second whether a service gets on, part by part. Ready is who makes progress, not who is up (P54, G19).

mod broker;
mod gauges;
mod policy;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{PgPool, Row};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::lane::LaneState;
use crate::nats::Refusals;
use crate::progress::Progress;
use crate::readiness::{OwnPart, Part, Readiness};
use crate::refusal::POLICY_VERSION_UNKNOWN;
use crate::sweep::SweepState;
use crate::topology;
use broker::Broker;
pub(crate) use policy::PolicyWatch;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// Longest wait for the database.
const DATABASE_LIMIT: Duration = Duration::from_secs(2);
/// How long it may give no answer before it counts as gone.
const BUSY: Duration = Duration::from_secs(5);
/// How long the oldest work may stand still.
const STILL: Duration = Duration::from_secs(10);
/// Looks between two counts of the parked messages.
const COUNT: u32 = 10;

const PARKED: &str = "SELECT reason, count(*) AS waiting FROM parked GROUP BY reason";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[PARKED, policy::WAITING];

/// What is looked at.
pub(crate) struct Parts {
    pub service: &'static str,
    /// Names under which gRPC health answers.
    pub names: [String; 2],
    pub prefix: String,
    pub pool: PgPool,
    pub nats: async_nats::Client,
    /// What the broker refuses.
    pub refusals: Arc<Refusals>,
    pub progress: Arc<Progress>,
    pub lanes: Vec<Arc<LaneState>>,
    pub sweeps: Vec<Arc<SweepState>>,
    /// Versions of the policy pack that open claims go by.
    pub policy: PolicyWatch,
    /// What the service itself looks at.
    pub own: Vec<OwnPart>,
    pub readiness: Readiness,
    pub health: HealthReporter,
}

/// Who looks.
pub(crate) struct Monitor {
    parts: Parts,
    broker: Broker,
    looks: u32,
    /// When the database answered last.
    answered: Option<Instant>,
    parked: BTreeMap<String, i64>,
    /// When the oldest unpublished row was committed, in seconds after the start, and since when it is that one.
    oldest: (f64, Instant),
    begun: Instant,
}

impl Monitor {
    pub(crate) fn new(parts: Parts) -> Self {
        let row = topology::row(parts.service);
        let broker = Broker::new(parts.service, parts.prefix.clone(), row, parts.nats.clone());
        let begun = Instant::now();
        Self { parts, broker, looks: 0, answered: None, parked: BTreeMap::new(), oldest: (f64::MAX, begun), begun }
    }

    /// Looks until the service stops.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let look = async {
                tokio::time::sleep(EVERY).await;
                self.look().await;
            };
            tokio::select! { () = look => {}, () = stop.cancelled() => return }
        }
    }

    /// Looks at everything once.
    pub(crate) async fn look(&mut self) {
        let service = self.parts.service;
        let (asked, broker) = tokio::join!(ask(service, &self.parts.pool), self.broker.look());
        let mut found = BTreeMap::from(broker);
        let database = self.database(asked);
        if database == Part::Fine && self.looks.is_multiple_of(COUNT) {
            self.count().await;
        }
        self.looks = self.looks.wrapping_add(1);
        found.insert("database", database);
        found.insert("policy", self.parts.policy.part());
        found.insert("permissions", self.parts.refusals.part());
        // An older schema is refused at the start.
        found.insert("schema", Part::Fine);
        found.insert("relay", self.relay());
        found.insert("lanes", self.lanes());
        found.insert("sweeps", self.sweeps());
        found.extend(self.parts.own.iter().map(OwnPart::look));
        for (part, how) in self.parts.readiness.found(found) {
            match how {
                Part::Fine => tracing::info!(service, part, "gets on"),
                Part::Degraded(why) => tracing::warn!(service, part, why, "degraded"),
                Part::Bad(why) => tracing::warn!(service, part, why, "not ready"),
            }
        }
        self.tell().await;
    }

    /// A pool that is busy for a moment is no reason to send nobody here.
    fn database(&mut self, asked: Result<(), String>) -> Part {
        match asked {
            Ok(()) => self.answered = Some(Instant::now()),
            Err(why) if self.answered.is_none_or(|answered| answered.elapsed() > BUSY) => return Part::Bad(why),
            Err(_) => {}
        }
        Part::Fine
    }

    /// gRPC health says what `/readyz` says.
    async fn tell(&self) {
        let Parts { service, names, readiness, health, .. } = &self.parts;
        loop {
            let ready = readiness.is_ready();
            gauges::ready(service, ready);
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            for name in names {
                health.set_service_status(name, status).await;
            }
            // A stop that came in between has said that nobody is served any more.
            if readiness.is_ready() == ready {
                return;
            }
        }
    }

    async fn count(&mut self) {
        let rows = tokio::time::timeout(DATABASE_LIMIT, sqlx::query(PARKED).fetch_all(&self.parts.pool)).await;
        let Ok(Ok(rows)) = rows else { return };
        // A reason that nobody waits for any more is told once more, as none.
        self.parked.values_mut().for_each(|waiting| *waiting = 0);
        self.parked.extend(rows.iter().map(|row| (row.get::<String, _>("reason"), row.get::<i64, _>("waiting"))));
        gauges::parked(self.parts.service, &self.parked);
        let waiting = self.parked.get(POLICY_VERSION_UNKNOWN).copied().unwrap_or(0);
        let look = self.parts.policy.look(&self.parts.pool, waiting);
        let looked = tokio::time::timeout(DATABASE_LIMIT, look).await;
        if let Ok(Err(error)) = looked {
            tracing::warn!(service = self.parts.service, %error, "the versions of open claims are not known");
        }
    }

    /// The relay is stuck if its oldest row stays the oldest. After an outage the oldest is old, but another each time.
    fn relay(&mut self) -> Part {
        let progress = &self.parts.progress;
        if let Some(why) = progress.older() {
            return Part::Bad(why);
        }
        let age = progress.relay_oldest_age();
        let oldest = if age.is_zero() { f64::MAX } else { self.begun.elapsed().as_secs_f64() - age.as_secs_f64() };
        if oldest > self.oldest.0 + 0.1 || age.is_zero() || self.oldest.0 - oldest > 0.1 {
            self.oldest = (oldest, Instant::now());
        }
        // Without the broker it cannot publish, and is not to blame.
        if self.broker.connected_for().is_none_or(|connected| connected < STILL) {
            return Part::Fine;
        }
        let silent = progress.relay_ok_at.age();
        if silent > STILL {
            return Part::Bad(format!("no round has succeeded for {} s", silent.as_secs()));
        }
        if age > STILL && self.oldest.1.elapsed() > STILL {
            return Part::Bad(format!("the oldest message has waited for {} s to be published", age.as_secs()));
        }
        Part::Fine
    }

    fn lanes(&self) -> Part {
        let mut worst = (0, Duration::ZERO);
        for (lane, state) in self.parts.lanes.iter().enumerate() {
            let oldest = state.oldest();
            gauges::lane(self.parts.service, lane, state.waiting(), oldest);
            worst = if oldest > worst.1 { (lane, oldest) } else { worst };
        }
        match worst {
            (lane, oldest) if oldest > STILL => {
                Part::Bad(format!("a command has waited for {} s in lane {lane}", oldest.as_secs()))
            }
            _ => Part::Fine,
        }
    }

    fn sweeps(&self) -> Part {
        let mut part = Part::Fine;
        for sweep in &self.parts.sweeps {
            gauges::sweep(self.parts.service, sweep.name, sweep.lag());
            let silent = sweep.silent();
            if silent > sweep.every + STILL {
                part = Part::Bad(format!("the sweep of {} has not succeeded for {} s", sweep.name, silent.as_secs()));
            }
        }
        part
    }
}

async fn ask(service: &'static str, pool: &PgPool) -> Result<(), String> {
    let begun = Instant::now();
    let mut acquired = None;
    let ask = async {
        let mut connection = pool.acquire().await?;
        acquired = Some(begun.elapsed());
        sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&mut *connection).await
    };
    let answer = tokio::time::timeout(DATABASE_LIMIT, ask).await;
    gauges::pool(service, pool, acquired);
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("it does not work: {error}")),
        Err(_) => Err(format!("it gives no answer within {} s", DATABASE_LIMIT.as_secs())),
    }
}
