//! Reads everything that the checks need, at one moment after the run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use proto::claim::{ClaimEvent, Resolution};
use proto::escalation::{self, ListClocksRequest, ListEscalationsRequest};
use proto::intake::{Contact, GetContactRequest, GetWordsRequest, ListClaimsRequest};
use proto::inventory::{
    GetAvailabilityRequest, ListMovementsRequest, ListReservationsRequest, ListReturnsRequest, Reservation,
};
use proto::logistics::ListShipmentsRequest;
use proto::operations::{ListParkedRequest, Parked};
use proto::orchestrator::{
    GetEntitlementRequest, GetProcessRequest, GetTimelineRequest, ListSettlementsRequest, Process,
};
use proto::policy::Pack;
use proto::triage;

use crate::api::{Api, SERVICES};
use crate::canaries;
use crate::evidence::{Evidence, now_ms, plan_told};
use crate::feed::{self, Feed, Notices};
use crate::log::Log;
use crate::subscriber::{self, Place};

/// Reads that are under way at once: the services have better things to do.
const AT_ONCE: usize = 8;

/// What was received and seen while the run went on.
#[derive(Default)]
pub struct Observed {
    /// The public stream.
    pub live: Feed,
    /// Notices.
    pub notices: Notices,
    /// What was wrong with stock at some moment.
    pub stock: BTreeSet<String>,
    /// Messages that were seen parked.
    pub parked: BTreeSet<(String, String)>,
}

/// Reads everything.
pub struct Gatherer {
    /// Clients.
    pub api: Arc<Api>,
    /// The public stream.
    pub claims: Place,
    /// The stream of notices.
    pub notices: Place,
    /// The feed.
    pub bulk: Place,
    /// What was received and seen.
    pub observed: Arc<Mutex<Observed>>,
    /// The policy in force.
    pub policy: Pack,
    /// Claims behind a parked message may wait.
    pub expect_parked: bool,
    /// Milliseconds of a day that customers have to answer.
    pub day_ms: u64,
    /// When the subscription began, in milliseconds since 1970.
    pub started_ms: u64,
    /// Contact data never change: they are read once.
    pub contacts: BTreeMap<String, Contact>,
    /// Descriptions of lines never change either.
    pub descriptions: BTreeMap<String, BTreeMap<u32, String>>,
}

impl Gatherer {
    /// Everything that is known now.
    pub async fn read(&mut self, log: &Log) -> Evidence {
        let mut evidence = Evidence {
            policy: Some(self.policy.clone()),
            log: log.clone(),
            expect_parked: self.expect_parked,
            day_ms: self.day_ms,
            started_ms: self.started_ms,
            ..Evidence::default()
        };
        let claims = self.api.list(ListClaimsRequest::default()).await;
        evidence.claims = claims.into_iter().map(|claim| (claim.claim_id.clone(), claim)).collect();
        let listed = self.api.list(canaries::question()).await;
        let young = canaries::take(&mut evidence, listed, now_ms());
        self.claims(&mut evidence).await;
        self.lists(&mut evidence).await;
        self.goods(&mut evidence).await;
        self.entitlements(&mut evidence).await;
        self.parked(&mut evidence).await;
        self.streams(&mut evidence).await;
        canaries::leave_out(&mut evidence, young);
        evidence.unread.extend(self.api.take_unread());
        evidence.now_ms = now_ms();
        evidence
    }

    async fn claims(&mut self, evidence: &mut Evidence) {
        let ids: Vec<String> = evidence.known_claims().into_iter().map(str::to_owned).collect();
        let api = &self.api;
        let read = futures::stream::iter(ids.clone()).map(async |id| {
            let (process, timeline) = process_and_timeline(api, &id).await;
            let ask = ListClocksRequest { claim_id: id.clone(), ..ListClocksRequest::default() };
            let clocks = api.list(ask.clone()).await;
            (id, process, timeline, clocks)
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).collect().await;
        for (id, process, timeline, clocks) in read {
            evidence.processes.extend(process.map(|process| (id.clone(), process)));
            evidence.timelines.insert(id.clone(), timeline);
            evidence.clocks.insert(id, clocks);
        }
        let wanted: Vec<String> =
            evidence.log.acknowledged().into_keys().filter(|id| !self.contacts.contains_key(id)).collect();
        let contacts = futures::stream::iter(wanted).map(async |id| {
            let ask = GetContactRequest { claim_id: id.clone(), purpose: "AUDIT".to_owned(), fields: Vec::new() };
            (id, contact(api, ask).await)
        });
        let contacts: Vec<_> = contacts.buffer_unordered(AT_ONCE).collect().await;
        self.contacts.extend(contacts.into_iter().filter_map(|(id, contact)| Some((id, contact?))));
        evidence.contacts.clone_from(&self.contacts);
        let unread = ids.iter().filter(|id| evidence.claims.contains_key(*id) && !self.descriptions.contains_key(*id));
        let unread: Vec<String> = unread.cloned().collect();
        let words = futures::stream::iter(unread).map(async |id| {
            let ask = GetWordsRequest { claim_id: id.clone(), purpose: "AUDIT".to_owned() };
            (id, descriptions(api, ask).await)
        });
        let words: Vec<_> = words.buffer_unordered(AT_ONCE).collect().await;
        self.descriptions.extend(words.into_iter().filter_map(|(id, words)| Some((id, words?))));
        evidence.descriptions.clone_from(&self.descriptions);
    }

    async fn lists(&self, evidence: &mut Evidence) {
        let api = &self.api;
        let every = triage::ListWorkItemsRequest { include_closed: true, ..triage::ListWorkItemsRequest::default() };
        evidence.judging = api.list(every.clone()).await;
        let every =
            escalation::ListWorkItemsRequest { include_closed: true, ..escalation::ListWorkItemsRequest::default() };
        evidence.tasks = api.list(every.clone()).await;
        evidence.escalations = api.list(ListEscalationsRequest::default()).await;
        evidence.settlements = api.list(ListSettlementsRequest::default()).await;
        evidence.shipments = api.list(ListShipmentsRequest::default()).await;
    }

    /// Stock is read between two equal readings of the reservations, so that it must add up.
    async fn goods(&self, evidence: &mut Evidence) {
        let api = &self.api;
        for _ in 0..5 {
            let before = self.reservations().await;
            // A customer may send back what nobody registered.
            let back = api.list(ListReturnsRequest::default()).await;
            let known = skus(&evidence.log).into_iter().chain(before.iter().map(|row| row.sku.clone()));
            let known = known.chain(back.into_iter().map(|row| row.sku));
            let skus: BTreeSet<String> = known.filter(|sku| !sku.is_empty()).collect();
            let read = futures::stream::iter(skus).map(async |sku: String| {
                let stock = api.one(availability(&sku)).await;
                let ask = ListMovementsRequest { sku: sku.clone(), ..ListMovementsRequest::default() };
                (sku, stock, api.list(ask.clone()).await)
            });
            let read: Vec<_> = read.buffer_unordered(AT_ONCE).collect().await;
            evidence.returns = api.list(ListReturnsRequest::default()).await;
            let after = self.reservations().await;
            evidence.stock_is_still = before == after;
            evidence.reservations = after;
            for (sku, stock, movements) in read {
                evidence.stock.extend(stock.map(|stock| (sku.clone(), stock)));
                evidence.movements.insert(sku, movements);
            }
            if evidence.stock_is_still {
                return;
            }
        }
    }

    async fn reservations(&self) -> Vec<Reservation> {
        self.api.list(ListReservationsRequest::default()).await
    }

    async fn entitlements(&self, evidence: &mut Evidence) {
        let plans = evidence.timelines.values().flatten().filter_map(plan_told);
        let gives = |line: &&proto::claim::LinePlan| {
            !matches!(line.resolution(), Resolution::Reject | Resolution::TechnicalSupport)
        };
        let lines = plans.flat_map(|plan| &plan.lines).filter(gives);
        let keys = lines.flat_map(|line| {
            let takes = line.takes.iter().map(|take| (take.order_no.clone(), take.sku.clone()));
            // A plan of before names its one order line itself.
            let alone = line.takes.is_empty().then(|| (line.order_no.clone(), line.sku.clone()));
            takes.chain(alone).collect::<Vec<_>>()
        });
        let keys: BTreeSet<(String, String)> = keys.filter(|(order_no, _)| !order_no.is_empty()).collect();
        let api = &self.api;
        let read = futures::stream::iter(keys).map(async |(order_no, sku)| {
            let ask = GetEntitlementRequest { order_no: order_no.clone(), sku: sku.clone(), line_id: String::new() };
            Some(((order_no, sku), api.one(ask.clone()).await?))
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).collect().await;
        evidence.entitlements = read.into_iter().flatten().collect();
    }

    async fn parked(&self, evidence: &mut Evidence) {
        for service in SERVICES {
            let rows = parked(&self.api, service).await;
            evidence.parked.extend(rows.into_iter().map(|row| (service.to_owned(), row)));
        }
    }

    async fn streams(&self, evidence: &mut Evidence) {
        let prefix = &self.claims.prefix;
        let mut why = None;
        for _ in 0..15 {
            let (mut fresh, mut notices, mut bulk) = (Feed::default(), Notices::default(), Feed::default());
            let claims = subscriber::read_all(&self.claims, |message| fresh.take(prefix, &message, true)).await;
            let told = subscriber::read_all(&self.notices, |message| notices.take(prefix, &message)).await;
            let take = |message| feed::events(prefix, &message).iter().for_each(|event| bulk.take(prefix, event, true));
            let fed = subscriber::read_all(&self.bulk, take).await;
            match claims.and(told).and(fed) {
                Ok(()) => {
                    (evidence.fresh, evidence.notices, evidence.bulk) = (fresh, notices, bulk);
                    why = None;
                    break;
                }
                Err(error) => why = Some(format!("the public streams cannot be read: {error:#}")),
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        evidence.unread.extend(why);
        let observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        evidence.live = observed.live.clone();
        // What was received once was sent, even if the broker lost it afterwards.
        evidence.notices.by_event.extend(observed.notices.by_event.clone());
        evidence.notices.odd.extend(observed.notices.odd.clone());
        evidence.stock_samples.clone_from(&observed.stock);
        evidence.parked_before.clone_from(&observed.parked);
    }
}

/// Both of one moment: they are read again until they agree on the number of events, as long as that may help.
async fn process_and_timeline(api: &Api, id: &str) -> (Option<Process>, Vec<ClaimEvent>) {
    let mut read = (None, Vec::new());
    for _ in 0..10 {
        let ask = GetTimelineRequest { claim_id: id.to_owned(), ..GetTimelineRequest::default() };
        let timeline = api.list(ask.clone()).await;
        let ask = GetProcessRequest { claim_id: id.to_owned() };
        let process = api.one(ask.clone()).await.and_then(|told| told.process);
        let events = process.as_ref().map_or(0, |process| process.events);
        let agree = usize::try_from(events).is_ok_and(|events| events == timeline.len());
        read = (process, timeline);
        if agree {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    read
}

/// Who may read contact data is a matter of roles; what may not be read is not compared.
async fn contact(api: &Api, ask: GetContactRequest) -> Option<Contact> {
    for _ in 0..5 {
        match api.call(ask.clone()).await {
            Ok(told) => return told.contact,
            Err(status) if status.code() == tonic::Code::PermissionDenied => return None,
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    None
}

/// What a customer wrote about each line.
async fn descriptions(api: &Api, ask: GetWordsRequest) -> Option<BTreeMap<u32, String>> {
    for _ in 0..5 {
        match api.call(ask.clone()).await {
            Ok(told) => {
                let words = told.words.into_iter();
                let line = |about: &str| about.strip_prefix("line ")?.parse().ok();
                return Some(words.filter_map(|word| Some((line(&word.about)?, word.text))).collect());
            }
            Err(status) if status.code() == tonic::Code::PermissionDenied => return None,
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    None
}

/// Parked messages of a service.
pub async fn parked(api: &Api, service: &str) -> Vec<Parked> {
    api.list_at(service, ListParkedRequest::default()).await
}

/// Question for the stock of a SKU.
pub fn availability(sku: &str) -> GetAvailabilityRequest {
    GetAvailabilityRequest { sku: sku.to_owned(), batch: String::new() }
}

/// SKUs that the workload has registered or received.
pub fn skus(log: &Log) -> BTreeSet<String> {
    let calls = log.calls.iter().filter(|call| call.service == "inventory");
    let lists = calls.flat_map(|call| ["skus", "lines"].map(|list| &call.request[list]));
    let rows = lists.filter_map(|list| list.as_array()).flatten();
    rows.filter_map(|row| Some(row["sku"].as_str()?.to_owned())).collect()
}
