//! Calls that can be read and do not fit: each gets the documented code and reason, and leaves its remembered answer
//! and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use proto::claim::{Category, ClaimState, Job, Money, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::inventory::{Disposition, GoodsLine, Zone};
use proto::logistics::{Direction, ShipmentState};
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::{intake, inventory, logistics, operations, triage};
use system::{World, line};
use testkit::{actor, reason, request_id};
use tonic::{Code, Status};

use crate::calls::{confirmation, confirmed, decision, evidence, receipt, ruling, tracking};
use crate::dynamic::NOBODY;
use crate::trace::{Tables, Trace, changed};

/// What a refused call may leave.
#[derive(Clone, Copy, PartialEq)]
pub enum Leaves {
    /// The answer, for the same request again.
    Answer,
    /// Nothing: it was refused before it reached a lane.
    Nothing,
}

/// Makes calls that do not fit.
pub struct Doors {
    /// Where.
    pub world: World,
    trace: Trace,
    tables: Tables,
    tried: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Doors {
    async fn new() -> Self {
        let world = World::new().await;
        let mut trace = Trace::of(&world).await;
        let tables = trace.at_rest(&world).await;
        Self { world, trace, tables, tried: BTreeSet::new(), wrong: Vec::new() }
    }

    /// Waits until nothing moves: what comes now is compared with this.
    pub async fn rest(&mut self) {
        self.tables = self.trace.at_rest(&self.world).await;
    }

    /// A call that must be refused; `door` is its service and method.
    pub async fn refused<T>(
        &mut self,
        door: (&str, &str),
        call: impl Future<Output = Result<T, Status>>,
        (code, why): (Code, &str),
        leaves: Leaves,
    ) {
        let (service, method) = door;
        self.tried.insert(format!("{service} {method}"));
        let what = format!("{service} {method} {why}");
        match call.await {
            Ok(_) => self.wrong.push(format!("{what}: was accepted")),
            Err(status) if status.code() != code || reason(&status) != why => {
                self.wrong.push(format!("{what}: {} {} {:?}", status.code(), reason(&status), status.message()));
            }
            Err(_) => {}
        }
        let now = self.trace.tables().await;
        let expected = match leaves {
            // SR22: what is not there may be there later, so that is no answer that is kept.
            Leaves::Answer if code == Code::NotFound => BTreeMap::new(),
            Leaves::Answer => BTreeMap::from([((service.to_owned(), "inbox".to_owned()), 1)]),
            Leaves::Nothing => BTreeMap::new(),
        };
        let left = changed(&self.tables, &now);
        if left != expected {
            self.wrong.push(format!("{what}: left {left:?}"));
        }
        self.tables = now;
    }
}

pub const STATE: Code = Code::FailedPrecondition;

async fn answers_of_the_customer(doors: &mut Doors, claim: &str, why: [(Code, &'static str); 6]) {
    let mut client = doors.world.intake().await;
    let ids = || (request_id(), claim.to_owned(), String::new());
    let (request_id, claim_id, etag) = ids();
    let ask = intake::ConfirmReadBackRequest { request_id, claim_id, etag };
    doors.refused(("intake", "ConfirmReadBack"), client.confirm_read_back(ask), why[0], Leaves::Answer).await;
    let (request_id, claim_id, _) = ids();
    let ask = intake::AddEvidenceRequest { request_id, claim_id, evidence: evidence(9) };
    doors.refused(("intake", "AddEvidence"), client.add_evidence(ask), why[1], Leaves::Answer).await;
    let (request_id, claim_id, text) = ids();
    let (question_id, order_no) = ("q9".to_owned(), String::new());
    let address = String::new();
    let ask = intake::AnswerQuestionRequest { request_id, claim_id, question_id, order_no, text, address };
    doors.refused(("intake", "AnswerQuestion"), client.answer_question(ask), why[2], Leaves::Answer).await;
    let (request_id, claim_id, text) = ids();
    let ask = intake::AnswerPlanRequest { request_id, claim_id, plan_number: 9, accepted: true, text };
    doors.refused(("intake", "AnswerPlan"), client.answer_plan(ask), why[3], Leaves::Answer).await;
    let (request_id, claim_id, text) = ids();
    let ask = intake::AnswerFollowUpRequest { request_id, claim_id, score: 1, text };
    doors.refused(("intake", "AnswerFollowUp"), client.answer_follow_up(ask), why[4], Leaves::Answer).await;
    if why[5].0 != Code::Ok {
        let (request_id, claim_id, text) = ids();
        let ask = intake::WithdrawClaimRequest { request_id, claim_id, text };
        doors.refused(("intake", "WithdrawClaim"), client.withdraw_claim(ask), why[5], Leaves::Answer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_state_is_refused_with_its_reason() {
    let mut doors = Doors::new().await;
    let unknown = [(Code::NotFound, "NOT_FOUND"); 6];
    answers_of_the_customer(&mut doors, NOBODY, unknown).await;
    nothing_is_known(&mut doors).await;
    stock(&mut doors).await;
    a_return(&mut doors).await;
    an_end(&mut doors).await;
    judgements(&mut doors).await;
    crate::work::who_has_it(&mut doors).await;
    approvals(&mut doors).await;
    crate::people::what_does_not_fit(&mut doors).await;
    ids_used_before(&mut doors).await;
    every_mutating_method_was_tried(&doors.tried);
    assert!(doors.wrong.is_empty(), "{}", doors.wrong.join("\n"));
    doors.world.stack.stop().await.unwrap();
}

/// A claim is the same as another one.
fn duplicate(claim: &str, of: &str) -> tonic::Request<intake::MarkDuplicateRequest> {
    let ask = intake::MarkDuplicateRequest {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        of_claim_id: of.to_owned(),
        etag: String::new(),
    };
    actor(ask, "sue", &["specialist"])
}

/// One of us has talked with the customer; `seconds`: when.
fn talk(claim: &str, seconds: i64) -> tonic::Request<intake::LogContactRequest> {
    let ask = intake::LogContactRequest {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        at: Some(proto::WireTime { seconds, nanos: 0 }),
        channel: proto::claim::Channel::Phone.into(),
        direction: intake::ContactDirection::Outbound.into(),
        note: "Ada was glad".to_owned(),
    };
    actor(ask, "sue", &["specialist"])
}

/// Calls about a visit that does not exist, and technicians that are none.
async fn unknown_visits(doors: &mut Doors) {
    let not_found = (Code::NotFound, "NOT_FOUND");
    let mut client = doors.world.logistics().await;
    let ids = || (request_id(), NOBODY.to_owned(), String::new());
    let (request_id, visit_id, etag) = ids();
    let ask = logistics::ProposeVisitRequest { request_id, visit_id, etag, from_day: String::new() };
    doors.refused(("logistics", "ProposeVisit"), client.propose_visit(ask), not_found, Leaves::Answer).await;
    let (request_id, visit_id, etag) = ids();
    let starts_at = Some(proto::WireTime { seconds: 1_800_000_000, nanos: 0 });
    let technician_id = "T-2".to_owned();
    let ask = logistics::AppointVisitRequest { request_id, visit_id, etag, technician_id, starts_at };
    doors.refused(("logistics", "AppointVisit"), client.appoint_visit(ask), not_found, Leaves::Answer).await;
    let (request_id, visit_id, etag) = ids();
    let outcome = logistics::VisitOutcome::OnSite.into();
    let ask = logistics::ReportVisitRequest { request_id, visit_id, etag, outcome, ..Default::default() };
    doors.refused(("logistics", "ReportVisit"), client.report_visit(ask), not_found, Leaves::Answer).await;
    let (request_id, visit_id, etag) = ids();
    let ask = logistics::CancelVisitRequest { request_id, visit_id, etag, reason: "not wanted".to_owned() };
    doors.refused(("logistics", "CancelVisit"), client.cancel_visit(ask), not_found, Leaves::Answer).await;
    // What does not fit is said of each row; the call as a whole is refused for its form only.
    let none = logistics::RecordTechniciansRequest { request_id: ids().0, technicians: Vec::new() };
    let (malformed, none) = ((Code::InvalidArgument, "MALFORMED"), client.record_technicians(none));
    doors.refused(("logistics", "RecordTechnicians"), none, malformed, Leaves::Nothing).await;
}

/// Calls about what does not exist.
async fn nothing_is_known(doors: &mut Doors) {
    let not_found = (Code::NotFound, "NOT_FOUND");
    let mut client = doors.world.intake().await;
    let merge = client.mark_duplicate(duplicate(NOBODY, &request_id()));
    doors.refused(("intake", "MarkDuplicate"), merge, not_found, Leaves::Answer).await;
    let log = client.log_contact(talk(NOBODY, 1_780_000_000));
    doors.refused(("intake", "LogContact"), log, not_found, Leaves::Answer).await;
    let mut client = doors.world.triage().await;
    let ask = decision(NOBODY, "\"1\"", 1);
    doors.refused(("triage", "DecideWorkItem"), client.decide_work_item(ask), not_found, Leaves::Answer).await;
    let mut client = doors.world.escalation().await;
    let ask = ruling(NOBODY, "\"1\"", Ruling::Approve);
    doors.refused(("escalation", "DecideWorkItem"), client.decide_work_item(ask), not_found, Leaves::Nothing).await;
    let mut client = doors.world.orchestrator().await;
    let ask = confirmation(NOBODY, 1);
    let confirm = client.confirm_settlement(ask);
    doors.refused(("orchestrator", "ConfirmSettlement"), confirm, not_found, Leaves::Answer).await;
    let mut client = doors.world.logistics().await;
    let ask = tracking("RD404", ShipmentState::Lost);
    doors.refused(("logistics", "ReportTracking"), client.report_tracking(ask), not_found, Leaves::Answer).await;
    let ask = confirmed("RD404", "C-1");
    doors.refused(("logistics", "ConfirmBooking"), client.confirm_booking(ask), not_found, Leaves::Answer).await;
    // What does not fit is said of each event; a batch as a whole is refused for its form only.
    let none = logistics::ReportTrackingBatchRequest { request_id: request_id(), events: Vec::new() };
    let (malformed, none) = ((Code::InvalidArgument, "MALFORMED"), client.report_tracking_batch(none));
    doors.refused(("logistics", "ReportTrackingBatch"), none, malformed, Leaves::Nothing).await;
    unknown_visits(doors).await;
    for service in local::SERVICES {
        let mut client = OperationsServiceClient::new(doors.world.channel(service.name).await);
        let ask = operations::RedriveParkedRequest { request_id: request_id(), aggregate_id: NOBODY.to_owned() };
        let redrive = client.redrive_parked(ask);
        doors.refused((service.name, "RedriveParked"), redrive, not_found, Leaves::Nothing).await;
        let ask = operations::DiscardParkedRequest { request_id: request_id(), parked_id: 404 };
        let discard = client.discard_parked(ask);
        doors.refused((service.name, "DiscardParked"), discard, not_found, Leaves::Nothing).await;
    }
}

/// Goods, warehouses and returns that do not fit.
async fn stock(doors: &mut Doors) {
    doors.world.stock("LAMP", 3).await;
    doors.rest().await;
    let mut client = doors.world.inventory().await;
    let goods = |warehouse: &str, zone: Zone, sku: &str| inventory::ReceiveGoodsRequest {
        request_id: request_id(),
        warehouse: warehouse.to_owned(),
        zone: zone.into(),
        document: String::new(),
        lines: vec![GoodsLine { sku: sku.to_owned(), batch: String::new(), quantity: 1 }],
    };
    for (warehouse, zone, sku, why) in [
        ("MAIN", Zone::Qualified, "NONE", (Code::NotFound, "UNKNOWN_SKU")),
        ("NONE", Zone::Qualified, "LAMP", (Code::NotFound, "UNKNOWN_WAREHOUSE")),
        ("MAIN", Zone::Valuables, "LAMP", (STATE, "NO_CUSTODIAN")),
    ] {
        let receive = client.receive_goods(goods(warehouse, zone, sku));
        // What is lacking may come: the same request is looked at again.
        doors.refused(("inventory", "ReceiveGoods"), receive, why, Leaves::Nothing).await;
    }
    let adjust = inventory::AdjustStockRequest {
        request_id: request_id(),
        warehouse: "MAIN".to_owned(),
        zone: Zone::Qualified.into(),
        sku: "LAMP".to_owned(),
        batch: String::new(),
        delta: -4,
        reason: "counted".to_owned(),
    };
    let adjusted = client.adjust_stock(adjust);
    doors.refused(("inventory", "AdjustStock"), adjusted, (STATE, "OUT_OF_STOCK"), Leaves::Answer).await;
    let named = |quantity| inventory::ReceiveGoodsRequest {
        document: "DN-1".to_owned(),
        lines: vec![GoodsLine { sku: "LAMP".to_owned(), batch: String::new(), quantity }],
        ..goods("MAIN", Zone::Qualified, "LAMP")
    };
    client.receive_goods(named(1)).await.unwrap();
    doors.rest().await;
    let reused = client.receive_goods(named(2));
    doors.refused(("inventory", "ReceiveGoods"), reused, (STATE, "DOCUMENT_REUSED"), Leaves::Answer).await;
    let go = |to: Zone, quantity| inventory::MoveStockRequest {
        request_id: request_id(),
        warehouse: "MAIN".to_owned(),
        from_zone: Zone::Qualified.into(),
        to_zone: to.into(),
        sku: "LAMP".to_owned(),
        batch: String::new(),
        quantity,
        reason: "looked at".to_owned(),
    };
    for (to, quantity, why) in [(Zone::Unqualified, 5, "OUT_OF_STOCK"), (Zone::Valuables, 1, "NO_CUSTODIAN")] {
        let moved = client.move_stock(go(to, quantity));
        let leaves = if to == Zone::Valuables { Leaves::Nothing } else { Leaves::Answer };
        doors.refused(("inventory", "MoveStock"), moved, (STATE, why), leaves).await;
    }
    let nobody = Job { claim_id: NOBODY.to_owned(), round: 1, line: 1, attempt: 1 };
    let received = client.receive_return(receipt(nobody, ""));
    doors.refused(("inventory", "ReceiveReturn"), received, (Code::NotFound, "NOT_FOUND"), Leaves::Answer).await;
}

/// A return from its report to its end, and what does not fit on the way.
async fn a_return(doors: &mut Doors) {
    doors.world.sold("O-1", "MUG", 5, 250, 3).await;
    let claim = doors.world.claim("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    doors.world.until_waiting(&claim, WaitingFor::Carrier).await;
    let confirm =
        || intake::ConfirmReadBackRequest { request_id: request_id(), claim_id: claim.clone(), ..Default::default() };
    let stale = intake::ConfirmReadBackRequest { etag: "\"999\"".to_owned(), ..confirm() };
    doors.rest().await;
    let mut client = doors.world.intake().await;
    let stale = client.confirm_read_back(stale);
    doors.refused(("intake", "ConfirmReadBack"), stale, (Code::Aborted, "ETAG_MISMATCH"), Leaves::Answer).await;
    client.confirm_read_back(confirm()).await.unwrap();
    doors.rest().await;
    let open = [
        (STATE, "ALREADY_CONFIRMED"),
        (STATE, "NO_SUCH_LINE"),
        (STATE, "QUESTION_NOT_OPEN"),
        (STATE, "PLAN_NOT_OPEN"),
        (STATE, "FOLLOW_UP_NOT_OPEN"),
        (Code::Ok, ""),
    ];
    answers_of_the_customer(doors, &claim, open).await;
    let job = doors.world.expected_return(&claim).await.job.unwrap();
    let mut warehouse = doors.world.inventory().await;
    let stale = warehouse.receive_return(receipt(job.clone(), "\"999\""));
    doors.refused(("inventory", "ReceiveReturn"), stale, (Code::Aborted, "ETAG_MISMATCH"), Leaves::Answer).await;
    let cancelled = doors.world.shipment(&claim, Direction::Return).await.tracking_no;
    let mut carrier = doors.world.logistics().await;
    let illegal = carrier.report_tracking(tracking(&cancelled, ShipmentState::Cancelled));
    doors.refused(("logistics", "ReportTracking"), illegal, (STATE, "ILLEGAL_TRANSITION"), Leaves::Answer).await;
    doors.world.deliver(&claim, Direction::Return).await;
    doors.world.count(&claim, 1, 0, 0, true).await;
    let settlement = loop {
        if let Some(row) = doors.world.settlements(&claim).await.pop() {
            break row.settlement_id;
        }
    };
    doors.rest().await;
    let closed = warehouse.receive_return(receipt(job.clone(), ""));
    doors.refused(("inventory", "ReceiveReturn"), closed, (STATE, "RETURN_CLOSED"), Leaves::Answer).await;
    let disposition = Disposition::Scrap.into();
    let (request_id, job) = (request_id(), Some(job));
    let ask = inventory::DisposeReturnRequest { request_id, job, quantity: 1, disposition, ..Default::default() };
    let nothing = warehouse.dispose_return(ask);
    doors.refused(("inventory", "DisposeReturn"), nothing, (STATE, "NOTHING_TO_DISPOSE"), Leaves::Answer).await;
    let mut finance = doors.world.orchestrator().await;
    let fay = |minor_units| actor(confirmation(&settlement, minor_units), "fay", &["finance"]);
    // Whoever reported the claim does not pay it.
    let own = finance.confirm_settlement(confirmation(&settlement, 250));
    let never = (Code::PermissionDenied, "OWN_PROPOSAL");
    doors.refused(("orchestrator", "ConfirmSettlement"), own, never, Leaves::Answer).await;
    let other = finance.confirm_settlement(fay(249));
    doors.refused(("orchestrator", "ConfirmSettlement"), other, (STATE, "AMOUNT_MISMATCH"), Leaves::Answer).await;
    doors.world.finance(&claim, true).await;
    doors.rest().await;
    let again = finance.confirm_settlement(fay(249));
    doors.refused(("orchestrator", "ConfirmSettlement"), again, (STATE, "SETTLEMENT_CLOSED"), Leaves::Answer).await;
}

/// A claim that has ended takes nothing more.
async fn an_end(doors: &mut Doors) {
    let claim = doors.world.claim("", "JAR", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    doors.world.until_state(&claim, ClaimState::AwaitingCustomer).await;
    doors.world.withdraw(&claim).await;
    doors.world.until_state(&claim, ClaimState::Withdrawn).await;
    doors.world.seen_by_customer(&claim, |seen| seen.state() == ClaimState::Withdrawn).await;
    doors.rest().await;
    let other = doors
        .world
        .submit(doors.world.report("C-2", vec![line("", "JAR", 1, Category::Other, Resolution::Unspecified)]));
    let other = other.await;
    doors.rest().await;
    let mut client = doors.world.intake().await;
    for (claim, of, why) in [(&claim, &other, (STATE, "CLAIM_ENDED")), (&other, &claim, (STATE, "OTHER_CUSTOMER"))] {
        let merge = client.mark_duplicate(duplicate(claim, of));
        doors.refused(("intake", "MarkDuplicate"), merge, why, Leaves::Answer).await;
    }
    let ended = (STATE, "CLAIM_ENDED");
    for (claim, why) in [(&claim, ended), (&other, (STATE, "CONTACT_BEFORE_CLAIM"))] {
        let log = client.log_contact(talk(claim, 1_780_000_000));
        doors.refused(("intake", "LogContact"), log, why, Leaves::Answer).await;
    }
    answers_of_the_customer(doors, &claim, [ended, ended, ended, ended, (STATE, "FOLLOW_UP_NOT_OPEN"), ended]).await;
}

/// A work item of triage: changed by somebody else, decided for a line that is not there, decided before.
async fn judgements(doors: &mut Doors) {
    let claim = doors.world.claim("O-1", "MUG", 1, Category::ServiceComplaint, Resolution::Unspecified).await;
    let item = doors.world.judgement(&claim).await;
    doors.rest().await;
    let mut client = doors.world.triage().await;
    for (etag, line, why) in
        [("\"999\"", 1, (Code::Aborted, "ETAG_MISMATCH")), (item.etag.as_str(), 9, (STATE, "PLAN_INVALID"))]
    {
        let ask = actor(decision(&item.work_item_id, etag, line), "sue", &["specialist", "supervisor"]);
        doors.refused(("triage", "DecideWorkItem"), client.decide_work_item(ask), why, Leaves::Answer).await;
    }
    doors.world.judge(&claim, "sue", Resolution::Reject, "NOT_GOODS").await;
    doors.world.until_state(&claim, ClaimState::Rejected).await;
    doors.rest().await;
    let ask = actor(decision(&item.work_item_id, &item.etag, 1), "sue", &["specialist", "supervisor"]);
    let closed = client.decide_work_item(ask);
    doors.refused(("triage", "DecideWorkItem"), closed, (STATE, "WORK_ITEM_CLOSED"), Leaves::Answer).await;
}

/// A work item of escalation: changed, of another role, not to be ruled so, decided before.
async fn approvals(doors: &mut Doors) {
    doors.world.sold("O-2", "SOFA", 3, 60_000, 3).await;
    let claim = doors.world.claim("O-2", "SOFA", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    let item = doors.world.task(&claim, WorkKind::Approval).await;
    let role = item.role().word();
    doors.rest().await;
    let mut client = doors.world.escalation().await;
    let id = item.work_item_id.as_str();
    for (etag, role, kind, why, leaves) in [
        ("\"999\"", role, Ruling::Approve, (Code::Aborted, "ETAG_MISMATCH"), Leaves::Answer),
        (item.etag.as_str(), "warehouse", Ruling::Approve, (Code::PermissionDenied, "WRONG_ROLE"), Leaves::Answer),
        (item.etag.as_str(), "nobody", Ruling::Approve, (Code::PermissionDenied, "FORBIDDEN"), Leaves::Nothing),
        (item.etag.as_str(), role, Ruling::Retry, (Code::InvalidArgument, "MALFORMED"), Leaves::Nothing),
    ] {
        let ask = actor(ruling(id, etag, kind), "boss", &[role]);
        doors.refused(("escalation", "DecideWorkItem"), client.decide_work_item(ask), why, leaves).await;
    }
    doors.world.rule(&item, "boss", Ruling::Deny).await.unwrap();
    doors.world.until_state(&claim, ClaimState::Investigating).await;
    doors.rest().await;
    let ask = actor(ruling(id, &item.etag, Ruling::Approve), "boss", &[role]);
    let closed = client.decide_work_item(ask);
    doors.refused(("escalation", "DecideWorkItem"), closed, (STATE, "WORK_ITEM_CLOSED"), Leaves::Answer).await;
}

/// What is always taken is refused with the id of another request.
async fn ids_used_before(doors: &mut Doors) {
    let reused = (Code::AlreadyExists, "REQUEST_ID_REUSED");
    let report = doors.world.report("C-9", vec![line("", "MUG", 1, Category::Other, Resolution::Unspecified)]);
    doors.world.submit(report.clone()).await;
    let id = report.request_id.clone();
    let sku = |sku: &str| vec![inventory::Sku { sku: sku.to_owned(), description: String::new() }];
    let skus = |name: &str| inventory::RegisterSkusRequest { request_id: id.clone(), skus: sku(name) };
    let warehouse = |name: &str| inventory::RegisterWarehouseRequest {
        request_id: id.clone(),
        warehouse: name.to_owned(),
        country: "GB".to_owned(),
        custodian: String::new(),
    };
    let order = |sku: &str| triage::RecordOrdersRequest {
        request_id: id.clone(),
        lines: vec![triage::OrderLine {
            order_no: "O-9".to_owned(),
            sku: sku.to_owned(),
            quantity: 1,
            unit_price: Some(Money { minor_units: 1, currency: "GBP".to_owned() }),
            purchased_on: "2026-01-01".to_owned(),
            ..triage::OrderLine::default()
        }],
    };
    let since = |seconds| operations::RepublishRequest {
        request_id: id.clone(),
        since: Some(proto::WireTime { seconds, nanos: 0 }),
    };
    let (mut intake, mut stock, mut judges) =
        (doors.world.intake().await, doors.world.inventory().await, doors.world.triage().await);
    let mut operators = OperationsServiceClient::new(doors.world.channel("intake").await);
    stock.register_skus(skus("ONE")).await.unwrap();
    stock.register_warehouse(warehouse("ONE")).await.unwrap();
    judges.record_orders(order("ONE")).await.unwrap();
    operators.republish(since(1_780_000_000)).await.unwrap();
    doors.rest().await;
    let report = system::Report { importance: 3, ..report };
    doors.refused(("intake", "SubmitClaim"), intake.submit_claim(report), reused, Leaves::Nothing).await;
    doors.refused(("inventory", "RegisterSkus"), stock.register_skus(skus("TWO")), reused, Leaves::Nothing).await;
    let registered = stock.register_warehouse(warehouse("TWO"));
    doors.refused(("inventory", "RegisterWarehouse"), registered, reused, Leaves::Nothing).await;
    doors.refused(("triage", "RecordOrders"), judges.record_orders(order("TWO")), reused, Leaves::Nothing).await;
    let republished = operators.republish(since(1_780_000_001));
    doors.refused(("intake", "Republish"), republished, reused, Leaves::Nothing).await;
}

/// A method with a request id changes something: each has a call here that does not fit.
fn every_mutating_method_was_tried(tried: &BTreeSet<String>) {
    for service in local::SERVICES {
        for method in crate::rpcs::methods(service.name) {
            let common = method.parent_service().package_name() != format!("redress.{}.v1", service.name);
            let mutating = method.input().get_field_by_name("request_id").is_some();
            let known = tried.contains(&format!("{} {}", service.name, method.name()))
                || common && tried.iter().any(|tried| tried.ends_with(&format!(" {}", method.name())));
            assert!(known || !mutating, "{} was not tried when it does not fit", method.full_name());
        }
    }
}
