//! Claims under way, as an outside client sees them: submitted by gRPC, delivered by a carrier who reports by gRPC,
//! seen closed on the public stream.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use proto::claim::ClaimState;
use proto::intake::SubmitClaimRequest;
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::logistics::logistics_service_client::LogisticsServiceClient;
use proto::logistics::{ReportTrackingRequest, ShipmentState, TrackingEvent};
use testkit::Wire;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tonic::{Code, Status};

use crate::public::{self, Flights};
use crate::shop::{Shop, request_id};

/// Longest a claim may take from its submission to its end; afterwards it counts as lost.
pub const PATIENCE: Duration = Duration::from_secs(300);
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Wait before a call is made again, doubled each time up to a second; longer if the answer says so. Then not all come at
/// once, but within as long again.
const BACK_OFF: Duration = Duration::from_millis(50);
/// Problems that are told; the others are only counted.
const TOLD: usize = 10;

/// What became of one claim.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// When it was to be submitted: latency counts from here.
    pub scheduled: Instant,
    /// When intake had acknowledged it; none: it was refused, as too much waited already.
    pub acked: Option<Instant>,
    /// When the driver saw it closed; none: it never was.
    pub ended: Option<Instant>,
}

/// Counts over the whole run.
#[derive(Default, Debug)]
pub struct Tally {
    /// Claims that were to be submitted.
    pub offered: AtomicU64,
    /// Claims that intake acknowledged and that are to be closed.
    pub accepted: AtomicU64,
    /// Claims that were seen closed.
    pub closed: AtomicU64,
    /// Submissions that were refused as too much waited, and not repeated.
    pub shed: AtomicU64,
    /// Calls that were made once more.
    pub repeated: AtomicU64,
    problems: Mutex<(u64, VecDeque<String>)>,
}

impl Tally {
    /// Something is wrong: the run has failed.
    pub fn wrong(&self, what: String) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems.0 += 1;
        if problems.1.len() < TOLD {
            problems.1.push_back(what);
        }
    }

    /// What is wrong; the last sentence counts what is left out.
    pub fn problems(&self) -> Vec<String> {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told: Vec<String> = problems.1.iter().cloned().collect();
        if problems.0 > told.len() as u64 {
            told.push(format!("and {} more", problems.0 - told.len() as u64));
        }
        told
    }

    /// Claims under way.
    pub fn in_flight(&self) -> u64 {
        let closed = self.closed.load(Ordering::Relaxed);
        self.accepted.load(Ordering::Relaxed).saturating_sub(closed)
    }

    /// Claims that are not closed yet, whether intake has them or refuses them still.
    pub fn unfinished(&self) -> u64 {
        let done = self.closed.load(Ordering::Relaxed) + self.shed.load(Ordering::Relaxed);
        self.offered.load(Ordering::Relaxed).saturating_sub(done)
    }
}

struct Inner {
    intake: Vec<IntakeServiceClient<Wire>>,
    next: AtomicUsize,
    flights: Arc<Flights>,
    tally: Tally,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// The outside world; clones are the same.
#[derive(Clone)]
pub struct Driver(Arc<Inner>);

impl Driver {
    /// Starts the subscriber and the carrier, who tells of these states of each parcel, one after the other.
    pub async fn start(
        nats: async_nats::Client,
        prefix: &str,
        intake: Vec<Wire>,
        logistics: Vec<Wire>,
        states: &'static [ShipmentState],
    ) -> Result<Self> {
        let flights = Arc::new(Flights::default());
        let (booked, parcels) = mpsc::unbounded_channel();
        let reader = public::follow(nats, prefix, Arc::clone(&flights), booked).await?;
        let driver = Self(Arc::new(Inner {
            intake: intake.into_iter().map(IntakeServiceClient::new).collect(),
            next: AtomicUsize::new(0),
            flights,
            tally: Tally::default(),
            tasks: Mutex::default(),
        }));
        let carrier = tokio::spawn(carry(driver.clone(), logistics, parcels, states));
        let mut tasks = driver.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.extend([reader.abort_handle(), carrier.abort_handle()]);
        drop(tasks);
        Ok(driver)
    }

    /// Counts over the whole run.
    pub fn tally(&self) -> &Tally {
        &self.0.tally
    }

    /// Ends the subscriber and the carrier.
    pub fn stop(&self) {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(AbortHandle::abort);
    }

    /// One claim from submission to its end. With `shed` it is given up if intake says that too much waits already.
    pub async fn fly(&self, shop: &Shop, scheduled: Instant, shed: bool) -> Record {
        let mut record = Record { scheduled, acked: None, ended: None };
        self.0.tally.offered.fetch_add(1, Ordering::Relaxed);
        let place = shop.next();
        let Some(claim) = self.submit(shop.report(place), shed).await else { return record };
        record.acked = Some(Instant::now());
        self.0.tally.accepted.fetch_add(1, Ordering::Relaxed);
        shop.accepted(place);
        match tokio::time::timeout(PATIENCE, self.0.flights.end_of(claim.clone())).await {
            Ok(Ok(end)) if end.state == ClaimState::Closed => {
                self.0.tally.closed.fetch_add(1, Ordering::Relaxed);
                record.ended = Some(end.at);
            }
            Ok(Ok(end)) => self.0.tally.wrong(format!("claim {claim} ended as {}", end.state.as_str_name())),
            Ok(Err(_)) | Err(_) => {
                self.0.tally.wrong(format!("claim {claim} was not closed within {} s", PATIENCE.as_secs()));
            }
        }
        record
    }

    /// Submits until it is known what became of it; gives the claim's id.
    pub async fn submit(&self, request: SubmitClaimRequest, shed: bool) -> Option<String> {
        let at = self.0.next.fetch_add(1, Ordering::Relaxed) % self.0.intake.len();
        let ask = || {
            let mut intake = self.0.intake[at].clone();
            let request = request.clone();
            async move { intake.submit_claim(request).await }
        };
        match self.insist(ask, shed).await {
            Ok(answer) => answer.into_inner().claim.map(|claim| claim.claim_id),
            Err(status) if shed && status.code() == Code::ResourceExhausted => {
                self.0.tally.shed.fetch_add(1, Ordering::Relaxed);
                None
            }
            Err(status) => {
                self.0.tally.wrong(format!("a claim was refused: {status}"));
                None
            }
        }
    }

    /// Makes a call again, with the same request id, until the answer is known.
    async fn insist<T, F>(&self, mut call: impl FnMut() -> F, shed: bool) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let begun = Instant::now();
        let mut wait = BACK_OFF;
        // Whether a try may have been heard: then it is not given up.
        let mut is_unknown = false;
        loop {
            let late = || Status::deadline_exceeded("no answer");
            let answer = tokio::time::timeout(CALL_LIMIT, call()).await.unwrap_or_else(|_| Err(late()));
            let status = match answer {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            let is_open = match status.code() {
                Code::ResourceExhausted => !shed || is_unknown,
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Aborted => true,
                _ => false,
            };
            if !is_open {
                return Err(status);
            }
            is_unknown |= status.code() != Code::ResourceExhausted;
            if begun.elapsed() > PATIENCE {
                return Err(if is_unknown { late() } else { status });
            }
            self.0.tally.repeated.fetch_add(1, Ordering::Relaxed);
            let told = testkit::details(&status).retry_info().and_then(|info| info.retry_delay);
            tokio::time::sleep(chassis::jittered(wait.max(told.unwrap_or_default()) * 2)).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
    }
}

/// The carrier: what is booked is delivered at once.
async fn carry(
    driver: Driver,
    logistics: Vec<Wire>,
    mut parcels: mpsc::UnboundedReceiver<String>,
    states: &'static [ShipmentState],
) {
    let clients: Vec<_> = logistics.into_iter().map(LogisticsServiceClient::new).collect();
    let mut reports = JoinSet::new();
    let mut count = 0_usize;
    while let Some(tracking_no) = parcels.recv().await {
        let client = clients[count % clients.len()].clone();
        count += 1;
        let driver = driver.clone();
        reports.spawn(async move {
            for state in states {
                report(&driver, &client, &tracking_no, *state).await;
            }
        });
        while reports.try_join_next().is_some() {}
    }
}

async fn report(driver: &Driver, client: &LogisticsServiceClient<Wire>, tracking_no: &str, state: ShipmentState) {
    let event = TrackingEvent {
        // The carrier's name of it: the same parcel is delivered once, however often it is told.
        carrier_event_id: format!("{tracking_no}-{}", i32::from(state)),
        state: state.into(),
        occurred_at: Some(proto::to_wire(jiff::Timestamp::now())),
        detail: "HUB-7".to_owned(),
        ..TrackingEvent::default()
    };
    let (request_id, tracking_no) = (request_id(), tracking_no.to_owned());
    let request = ReportTrackingRequest { request_id, tracking_no, event: Some(event) };
    let call = || {
        let mut client = client.clone();
        let request = request.clone();
        async move { client.report_tracking(request).await }
    };
    if let Err(status) = driver.insist(call, false).await {
        driver.tally().wrong(format!("a report of a carrier was refused: {status}"));
    }
}
