//! The outside world: subscribers of the public streams who answer by gRPC, as carriers, shops and staff would.
//!
//! Streams deliver at least once, so events are told apart by their number and notices by their id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::StreamExt;
use proto::claim::claim_event::Kind;
use proto::claim::{ClaimEvent, ClaimState, LinePlan, Notice, Take, WaitingFor};
use proto::intake::GetClaimRequest;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Status};

use super::data::Sold;
use super::luck::{self, Goods};
use super::{carrier, customer, finance, people, warehouse};
use crate::connect::{self, Clients, Session, fresh_id};
use crate::{again, exit};

/// How long somebody tries again when a service is away, or has not yet heard what the public already knows.
/// On a machine that builds and tests other things meanwhile, a service was away for more than ten seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The outside world.
pub struct World {
    clients: Clients,
    seed: u64,
    prices: BTreeMap<Sold, i64>,
    log: Mutex<Log>,
    /// What is being done about something that was heard.
    deeds: TaskTracker,
    listeners: TaskTracker,
    closed: CancellationToken,
}

/// What the outside world saw and did.
#[derive(Debug, Default)]
pub struct Log {
    /// What was seen of each claim.
    pub claims: BTreeMap<String, Seen>,
    /// Accepted units that a refund is owed for, times the price paid: minor units by claim.
    pub owed: BTreeMap<String, i64>,
    /// What finance has paid, by settlement.
    pub paid: BTreeMap<String, Paid>,
    /// Units by what the warehouse found.
    pub counted: BTreeMap<&'static str, u64>,
    /// Claims of which the carrier has lost a parcel.
    pub lost: BTreeSet<String>,
    /// Work items decided.
    pub decided: u64,
    /// What went wrong in the outside world or in the streams.
    pub problems: Vec<String>,
    notices: BTreeSet<String>,
    heard: Option<Instant>,
}

/// What finance has paid for a settlement.
#[derive(Clone, Debug, Default)]
pub struct Paid {
    /// The claim.
    pub claim: String,
    /// To the customer, in minor units.
    pub minor_units: i64,
    /// Kept for freight.
    pub kept: i64,
}

/// What was seen of a claim.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Number of the last event.
    pub number: u32,
    /// State after it.
    pub state: ClaimState,
    /// Whom it waits for.
    pub waiting_for: WaitingFor,
    /// Why it ended.
    pub end_reason: String,
    /// Lines of the last plan.
    pub plan: Vec<LinePlan>,
    goods: Option<Goods>,
}

impl Log {
    /// The claim in which most happened and that was solved.
    pub fn longest(&self) -> Option<String> {
        let solved = |seen: &Seen| (seen.state == ClaimState::Closed, seen.number);
        self.claims.iter().max_by_key(|(_, seen)| solved(seen)).map(|(claim, _)| claim.clone())
    }

    /// What finance has paid for a claim, in minor units.
    pub fn paid_for(&self, claim: &str) -> i64 {
        self.paid.values().filter(|paid| paid.claim == claim).map(|paid| paid.minor_units).sum()
    }

    /// Time since something was heard.
    pub fn quiet(&self) -> Duration {
        self.heard.map(|heard| heard.elapsed()).unwrap_or_default()
    }
}

impl World {
    /// Subscribes to the public streams and begins to live.
    pub async fn open(session: &Session, seed: u64, prices: BTreeMap<Sold, i64>) -> Result<Arc<Self>> {
        let world = Arc::new(Self {
            clients: session.clients.clone(),
            seed,
            prices,
            log: Mutex::new(Log { heard: Some(Instant::now()), ..Log::default() }),
            deeds: TaskTracker::new(),
            listeners: TaskTracker::new(),
            closed: CancellationToken::new(),
        });
        let client = connect::nats(&session.installation, chassis::topology::OBSERVER).await?;
        let jetstream = async_nats::jetstream::new(client);
        let prefix = &session.installation.prefix;
        for (stream, kind) in [("CLAIMS", "claim"), ("NOTICES", "notice")] {
            let name = chassis::topology::stream_name(prefix, stream);
            let mut stream = jetstream.get_stream(&name).await.with_context(|| format!("cannot read stream {name}"))?;
            let next = stream.info().await?.state.last_sequence + 1;
            let consumer = stream
                .create_consumer(pull::OrderedConfig {
                    filter_subject: format!("{prefix}.v1.{kind}.>"),
                    deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
                    ..pull::OrderedConfig::default()
                })
                .await?;
            let messages = consumer.messages().await?;
            world.listeners.spawn(Arc::clone(&world).listen(messages, kind));
        }
        world.listeners.spawn(people::work(Arc::clone(&world)));
        Ok(world)
    }

    async fn listen(self: Arc<Self>, mut messages: pull::Ordered, kind: &'static str) {
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                () = self.closed.cancelled() => return,
            };
            let heard = match message {
                Some(Ok(message)) if kind == "claim" => {
                    serde_json::from_slice(&message.payload).map(|e| self.event(&e))
                }
                Some(Ok(message)) => serde_json::from_slice(&message.payload).map(|notice| self.notice(&notice)),
                Some(Err(error)) => {
                    self.problem(format!("stream of {kind}s: {error}"));
                    continue;
                }
                None => return self.problem(format!("the stream of {kind}s has ended")),
            };
            if let Err(error) = heard {
                self.problem(format!("a {kind} cannot be read: {error}"));
            }
        }
    }

    fn event(self: &Arc<Self>, event: &ClaimEvent) {
        if !self.log().see(event) {
            return;
        }
        match &event.kind {
            Some(Kind::LegMoved(moved)) => {
                carrier::hear(self, event, moved);
                warehouse::hear(self, event, moved);
            }
            Some(Kind::QuestionAsked(asked)) => customer::asked(self, event, asked),
            Some(Kind::FollowUpStarted(_)) => customer::followed_up(self, event),
            Some(_) | None => {}
        }
        customer::hear(self, event);
    }

    fn notice(self: &Arc<Self>, notice: &Notice) {
        {
            let mut log = self.log();
            if !log.notices.insert(notice.notice_id.clone()) {
                return;
            }
            log.heard = Some(Instant::now());
        }
        if notice.audience == "finance" && notice.template == "settlement_instructed" {
            finance::instructed(self, notice);
        }
    }

    /// Does something about what was heard; a failure is a problem of the demo.
    pub fn act(self: &Arc<Self>, who: &'static str, deed: impl Future<Output = Result<()>> + Send + 'static) {
        let world = Arc::clone(self);
        self.deeds.spawn(async move {
            if let Err(error) = deed.await {
                world.problem(format!("{who}: {error:#}"));
            }
        });
    }

    /// Whether somebody is still doing something.
    pub fn is_busy(&self) -> bool {
        !self.deeds.is_empty()
    }

    /// The log.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        // What a panicking deed left behind is still a log.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something went wrong.
    pub fn problem(&self, text: String) {
        self.log().problems.push(text);
    }

    /// Clients of somebody with roles.
    pub fn acting(&self, actor: &str, roles: &str) -> Result<Clients> {
        self.clients.acting(actor, roles)
    }

    /// Clients of the customer of a claim: they see own claims only.
    pub async fn customer(&self, claim_id: &str) -> Result<Clients> {
        self.clients.acting_customer(&self.goods(claim_id).await?.customer)
    }

    /// Price paid per unit of an order line.
    pub fn price(&self, take: &Take) -> Option<i64> {
        self.prices.get(&(take.order_no.clone(), take.sku.clone(), take.line_id.clone())).copied()
    }

    /// A number below `of` that chance gives for one question about a claim.
    pub async fn draw(&self, question: &str, claim_id: &str, of: u64) -> Result<u64> {
        let goods = self.goods(claim_id).await?;
        Ok(luck::draw(self.seed, question, &goods, of))
    }

    /// What a claim is about: asked once of intake.
    async fn goods(&self, claim_id: &str) -> Result<Goods> {
        let known = self.log().claims.get(claim_id).and_then(|seen| seen.goods.clone());
        if let Some(goods) = known {
            return Ok(goods);
        }
        let intake = self.clients.intake()?;
        let claim = persist(&[], |_| {
            let request = GetClaimRequest { claim_id: claim_id.to_owned(), claim_number: String::new() };
            let mut intake = intake.clone();
            async move { Ok(intake.get_claim(Request::new(request)).await?.into_inner().claim) }
        });
        let claim = claim.await?.context("the claim is empty")?;
        let line = claim.lines.first().context("the claim has no line")?;
        let goods = Goods { customer: claim.customer_ref.clone(), sku: line.sku.clone(), quantity: line.quantity };
        if let Some(seen) = self.log().claims.get_mut(claim_id) {
            seen.goods = Some(goods.clone());
        }
        Ok(goods)
    }

    /// Whether the world is about to end; waits a little for it.
    pub async fn closing(&self, within: Duration) -> bool {
        tokio::time::timeout(within, self.closed.cancelled()).await.is_ok()
    }

    /// Stops listening and waits until everybody is still.
    pub async fn close(&self) {
        self.closed.cancel();
        self.listeners.close();
        self.listeners.wait().await;
        self.deeds.close();
        let _ = tokio::time::timeout(PATIENCE, self.deeds.wait()).await;
    }
}

impl Log {
    /// Takes note of an event; false if it is known already.
    fn see(&mut self, event: &ClaimEvent) -> bool {
        self.heard = Some(Instant::now());
        let seen = self.claims.entry(event.claim_id.clone()).or_default();
        if event.number <= seen.number {
            return false;
        }
        if event.number != seen.number + 1 {
            self.problems.push(format!("claim {}: event {} came after {}", event.claim_id, event.number, seen.number));
        }
        seen.number = event.number;
        seen.state = event.state();
        seen.waiting_for = event.waiting_for();
        match &event.kind {
            Some(Kind::Planned(planned)) => {
                seen.plan = planned.plan.as_ref().map(|plan| plan.lines.clone()).unwrap_or_default();
            }
            Some(Kind::Ended(ended)) => seen.end_reason.clone_from(&ended.reason),
            Some(_) | None => {}
        }
        true
    }
}

/// Calls until it is answered. A service that is away is asked again with the same request id, one that has not yet
/// heard what the public knows (`not_yet`) with a fresh one, because its refusal was an answer.
pub async fn persist<T, Call>(not_yet: &[&str], mut call: impl FnMut(String) -> Call) -> Result<T, Status>
where
    Call: Future<Output = Result<T, Status>> + Send,
{
    let begun = Instant::now();
    let mut pause = Duration::from_millis(20);
    let mut id = fresh_id();
    loop {
        let status = match call(id.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        let away = again::is_worth_it(&status) || status.code() == Code::DeadlineExceeded;
        let early = not_yet.contains(&exit::reason(&status).as_str());
        let wait = again::wait(&status, pause);
        if begun.elapsed() + wait > PATIENCE || !(away || early) {
            return Err(status);
        }
        if early {
            id = fresh_id();
        }
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn an_event_is_seen_once_and_a_gap_is_a_problem() {
        let event = |number| ClaimEvent { claim_id: "c".to_owned(), number, ..ClaimEvent::default() };
        let mut log = Log::default();
        assert!(log.see(&event(1)));
        assert!(log.see(&event(2)));
        assert!(!log.see(&event(2)));
        assert!(log.problems.is_empty());
        assert!(log.see(&event(4)));
        assert_eq!(log.problems.len(), 1);
    }

    #[tokio::test]
    async fn a_busy_service_is_asked_again_with_the_same_id_and_an_early_question_with_another() {
        let mut ids = Vec::new();
        let answer = persist(&["QUESTION_NOT_OPEN"], |id: String| {
            ids.push(id);
            std::future::ready(match ids.len() {
                1 => Err(Status::unavailable("away")),
                2 => {
                    let details = tonic_types::ErrorDetails::with_error_info("QUESTION_NOT_OPEN", "redress.intake", []);
                    Err(Status::with_error_details(Code::FailedPrecondition, "not open", details))
                }
                _ => Ok(()),
            })
        });
        answer.await.unwrap();
        assert_eq!(ids.len(), 3);
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[1], ids[2]);
        assert!(persist(&[], |_| std::future::ready(Err::<(), _>(Status::not_found("no")))).await.is_err());
        let later = chassis::busy(PATIENCE);
        assert!(
            persist(&[], |_| std::future::ready(Err::<(), _>(later.clone()))).await.is_err(),
            "nobody waits so long"
        );
    }
}
