//! A good run in small, for the tests of the checks: one claim that was closed with a replacement and a refund, and one
//! that waits for its customer with a breached clock.

use proto::WireTime;
use proto::claim::{
    self, ClaimEvent, ClaimState, Job, Leg, LegMoved, LegState, LinePlan, Money, Notice, Plan, ReportedLine,
    Resolution, Role, WaitingFor, claim_event::Kind,
};
use proto::escalation::{self, ClockKind, ClockState, Escalation, RunningClock, WorkKind};
use proto::intake::{Claim, Contact, NewLine, SubmitClaimRequest, SubmitClaimResponse};
use proto::inventory::{GetAvailabilityResponse, Movement, MovementKind, Reservation, ReservationState, Stock, Zone};
use proto::logistics::{Direction, Shipment, ShipmentState};
use proto::orchestrator::{GetEntitlementResponse, Process, Settlement, SettlementState};
use proto::policy::Pack;
use proto::triage;
use serde_json::{Value, json};

use crate::evidence::{Evidence, Violation};
use crate::feed::Seen;
use crate::log::{Call, Outcome};

/// A claim that was closed.
pub const CLAIM: &str = "0198c0de-0000-7000-8000-000000000001";
/// A claim that waits for its customer.
pub const WAITING: &str = "0198c0de-0000-7000-8000-000000000002";
/// When the run began.
pub const START: u64 = 1_800_000_000_000;
/// A deadline that passed.
pub const DEADLINE: u64 = START + 5_000;

/// A point in time.
pub fn at(ms: u64) -> WireTime {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap();
    proto::to_wire(at)
}

/// An acknowledged call.
pub fn call(service: &str, method: &str, key: &str, request: Value, response: Option<Value>) -> Call {
    Call {
        method: method.into(),
        service: service.into(),
        request_id: key.into(),
        claim: request["claimId"].as_str().map(str::to_owned),
        begun_ms: START,
        ended_ms: START + 5,
        outcome: Outcome::Ok,
        code: "OK".into(),
        // Whoever decides does not pay.
        actor: if method == "ConfirmSettlement" { "fay" } else { "anna" }.into(),
        request,
        response,
        ..Call::default()
    }
}

/// The call that submitted [`CLAIM`].
pub fn submit() -> Call {
    submitted(CLAIM, "r1")
}

fn submitted(id: &str, key: &str) -> Call {
    let lines = claim(id).lines.into_iter().map(|line| NewLine {
        sku: line.sku,
        order_no: line.order_no,
        quantity: line.quantity,
        ..NewLine::default()
    });
    let request = SubmitClaimRequest {
        request_id: key.into(),
        customer_ref: format!("c-{id}"),
        contact: Some(contact()),
        lines: lines.collect(),
        ..SubmitClaimRequest::default()
    };
    let before = Claim { state: ClaimState::Submitted as i32, end_reason: String::new(), ..claim(id) };
    let response = SubmitClaimResponse { claim: Some(before), read_back: vec![] };
    let (request, response) = (serde_json::to_value(request).unwrap(), serde_json::to_value(response).unwrap());
    call("intake", "SubmitClaim", key, request, Some(response))
}

fn contact() -> Contact {
    Contact { customer_name: "Ada".into(), phone: "1".into(), ..Contact::default() }
}

fn claim(id: &str) -> Claim {
    let line = |line, sku: &str| ReportedLine {
        line,
        order_no: "o".into(),
        sku: sku.into(),
        quantity: 2,
        ..ReportedLine::default()
    };
    let state = if id == CLAIM { ClaimState::Closed } else { ClaimState::AwaitingCustomer };
    Claim {
        claim_id: id.into(),
        claim_number: "RD-1".into(),
        customer_ref: format!("c-{id}"),
        lines: vec![line(1, "A"), line(2, "B")],
        received_at: Some(at(START)),
        state: state as i32,
        ..Claim::default()
    }
}

fn job(line: u32) -> Option<Job> {
    Some(Job { claim_id: CLAIM.into(), round: 1, line, attempt: 1 })
}

fn plan() -> Plan {
    let line = |line, sku: &str, resolution: Resolution| LinePlan {
        line,
        resolution: resolution as i32,
        sku: sku.into(),
        quantity: 2,
        order_no: "o".into(),
        sold_quantity: 2,
        unit_price: Some(Money { minor_units: 250, currency: "GBP".into() }),
        ..LinePlan::default()
    };
    let lines = vec![line(1, "A", Resolution::Replace), line(2, "B", Resolution::RefundOnly)];
    Plan { number: 1, lines, proposed_by: "rules".into(), ..Plan::default() }
}

fn moved(line: u32, leg: Leg, state: LegState, tracking_no: &str) -> Kind {
    let (leg, state, tracking_no) = (leg as i32, state as i32, tracking_no.to_owned());
    Kind::LegMoved(LegMoved { line, leg, state, tracking_no, quantity: 2, ..LegMoved::default() })
}

fn money() -> Option<Money> {
    Some(Money { minor_units: 500, currency: "GBP".into() })
}

fn events(id: &str, kinds: Vec<(ClaimState, WaitingFor, Kind)>) -> Vec<ClaimEvent> {
    let event = |(number, (state, waiting_for, kind)): (u32, (ClaimState, WaitingFor, Kind))| ClaimEvent {
        claim_id: id.into(),
        number,
        claim_number: "RD-1".into(),
        occurred_at: Some(at(START + 100 * u64::from(number))),
        round: 1,
        state: state as i32,
        waiting_for: waiting_for as i32,
        kind: Some(kind),
    };
    (1..).zip(kinds).map(event).collect()
}

fn closed() -> Vec<ClaimEvent> {
    use {ClaimState as S, WaitingFor as W};
    let settlement_id = "s1".to_owned();
    let instructed = claim::SettlementInstructed {
        settlement_id: settlement_id.clone(),
        line: 2,
        amount: money(),
        ..Default::default()
    };
    let paid = claim::SettlementPaid { settlement_id, line: 2, amount: money(), ..claim::SettlementPaid::default() };
    let ended = claim::Ended { outcome: S::Closed as i32, ..claim::Ended::default() };
    events(
        CLAIM,
        vec![
            (S::Assessing, W::System, Kind::Submitted(claim::Submitted::default())),
            (S::AwaitingApproval, W::Approver, Kind::Planned(claim::Planned { plan: Some(plan()), alone: false })),
            (
                S::AwaitingConsent,
                W::Customer,
                Kind::Approved(claim::Approved { plan_number: 1, by: "anna".into(), alone: false }),
            ),
            (S::Executing, W::System, Kind::Consented(claim::Consented { plan_number: 1 })),
            (S::Executing, W::Finance, Kind::SettlementInstructed(instructed)),
            (S::Executing, W::Warehouse, moved(1, Leg::Shipment, LegState::Progressed, "T1")),
            (S::Executing, W::Carrier, Kind::SettlementPaid(paid)),
            (S::Executing, W::Carrier, moved(1, Leg::Shipment, LegState::Done, "T1")),
            (S::Closed, W::Unspecified, Kind::Ended(ended)),
        ],
    )
}

fn waiting() -> Vec<ClaimEvent> {
    use {ClaimState as S, WaitingFor as W};
    let breached = claim::ClockMoved { clock: "first_feedback".into(), percent: 100, deadline: Some(at(DEADLINE)) };
    events(
        WAITING,
        vec![
            (S::Assessing, W::System, Kind::Submitted(claim::Submitted::default())),
            (S::AwaitingCustomer, W::Customer, Kind::QuestionAsked(claim::QuestionAsked::default())),
            (S::AwaitingCustomer, W::Customer, Kind::ClockMoved(breached)),
        ],
    )
}

fn process(timeline: &[ClaimEvent], plan: Option<Plan>) -> Process {
    let last = timeline.last().unwrap();
    Process {
        claim_id: last.claim_id.clone(),
        claim_number: "RD-1".into(),
        state: last.state,
        waiting_for: last.waiting_for,
        round: 1,
        plan,
        events: last.number,
        changed_at: last.occurred_at,
        ..Process::default()
    }
}

/// A good run.
pub fn good() -> Evidence {
    let policy = Some(Pack::load(None).unwrap());
    let mut evidence = Evidence {
        policy,
        now_ms: START + 600_000,
        day_ms: 24 * 60 * 60 * 1_000,
        stock_is_still: true,
        ..Evidence::default()
    };
    evidence.log.done_ms = Some(START + 10_000);
    evidence.log.calls = calls();
    for (id, timeline, plan) in [(CLAIM, closed(), Some(plan())), (WAITING, waiting(), None)] {
        evidence.claims.insert(id.into(), claim(id));
        evidence.contacts.insert(id.into(), contact());
        evidence.descriptions.insert(id.into(), std::collections::BTreeMap::new());
        evidence.processes.insert(id.into(), process(&timeline, plan));
        let seen = |event: &ClaimEvent| Seen {
            number: event.number,
            event_id: format!("{id}-{}", event.number),
            digest: u64::from(event.number),
            at_ms: START,
            event: Some(event.clone()),
        };
        evidence.live.claims.insert(id.into(), timeline.iter().map(seen).collect());
        evidence.fresh.claims.insert(id.into(), timeline.iter().map(seen).collect());
        evidence.bulk.claims.insert(id.into(), timeline.iter().map(seen).collect());
        evidence.timelines.insert(id.into(), timeline);
    }
    goods(&mut evidence);
    people(&mut evidence);
    notices(&mut evidence);
    evidence
}

/// What a check finds in a good run after a change; without it, it finds nothing.
pub fn found(check: fn(&Evidence) -> Vec<Violation>, change: impl Fn(&mut Evidence)) -> Vec<String> {
    let mut evidence = good();
    assert_eq!(check(&evidence), Vec::new());
    change(&mut evidence);
    check(&evidence).into_iter().map(|violation| violation.what).collect()
}

fn calls() -> Vec<Call> {
    let decide = json!({"requestId": "d", "workItemId": "w1", "etag": "\"1\"", "ruling": "RULING_APPROVE"});
    let agree = json!({"requestId": "p", "claimId": CLAIM, "planNumber": 1, "accepted": true});
    let confirm = json!({"requestId": "s", "settlementId": "s1", "paid": true});
    let receive = json!({"requestId": "g", "lines": [{"sku": "A", "quantity": 10}]});
    vec![
        call("inventory", "ReceiveGoods", "g", receive, None),
        submit(),
        submitted(WAITING, "r2"),
        call("escalation", "DecideWorkItem", "d", decide, None),
        call("intake", "AnswerPlan", "p", agree, None),
        call("orchestrator", "ConfirmSettlement", "s", confirm, None),
    ]
}

fn goods(evidence: &mut Evidence) {
    let movement = |movement_id, kind: MovementKind, quantity, document: &str| Movement {
        movement_id,
        kind: kind as i32,
        warehouse: "W".into(),
        zone: Zone::Qualified as i32,
        sku: "A".into(),
        quantity,
        document: document.into(),
        ..Movement::default()
    };
    let movements =
        vec![movement(2, MovementKind::Consumed, -2, CLAIM), movement(1, MovementKind::Receipt, 10, "note")];
    evidence.movements.insert("A".into(), movements);
    let stock =
        Stock { warehouse: "W".into(), zone: Zone::Qualified as i32, sku: "A".into(), on_hand: 8, ..Stock::default() };
    evidence.stock.insert("A".into(), GetAvailabilityResponse { available: 8, back_ordered: 0, stock: vec![stock] });
    evidence.reservations.push(Reservation {
        job: job(1),
        sku: "A".into(),
        wanted: 2,
        state: ReservationState::Consumed as i32,
        ..Reservation::default()
    });
    evidence.shipments.push(Shipment {
        job: job(1),
        direction: Direction::Outbound as i32,
        tracking_no: "T1".into(),
        quantity: 2,
        state: ShipmentState::Delivered as i32,
        ..Shipment::default()
    });
    evidence.settlements.push(Settlement {
        settlement_id: "s1".into(),
        job: job(2),
        amount: money(),
        quantity: 2,
        state: SettlementState::Paid as i32,
        ..Settlement::default()
    });
    for sku in ["A", "B"] {
        let (paid, compensated) = (money(), money());
        let told = GetEntitlementResponse { sold: 2, given: 2, paid, compensated, ..GetEntitlementResponse::default() };
        evidence.entitlements.insert(("o".into(), sku.into()), told);
    }
}

fn people(evidence: &mut Evidence) {
    evidence.judging.push(triage::WorkItem {
        work_item_id: "w2".into(),
        claim_id: CLAIM.into(),
        role: Role::Specialist as i32,
        opened_at: Some(at(DEADLINE)),
        ..triage::WorkItem::default()
    });
    evidence.tasks.push(escalation::WorkItem {
        work_item_id: "w1".into(),
        kind: WorkKind::Approval as i32,
        role: Role::Specialist as i32,
        claim_id: CLAIM.into(),
        plan: Some(plan()),
        step: 1,
        steps: 1,
        ..escalation::WorkItem::default()
    });
    let clock = RunningClock {
        claim_id: WAITING.into(),
        kind: ClockKind::FirstFeedback as i32,
        round: 1,
        state: ClockState::Breached as i32,
        deadline: Some(at(DEADLINE)),
        ..RunningClock::default()
    };
    evidence.clocks.insert(WAITING.into(), vec![clock]);
    evidence.escalations.push(Escalation {
        escalation_id: "e1".into(),
        claim_id: WAITING.into(),
        clock: ClockKind::FirstFeedback as i32,
        round: 1,
        level: 1,
        raised_at: Some(at(DEADLINE + 500)),
        deadline: Some(at(DEADLINE)),
        ..Escalation::default()
    });
}

fn notices(evidence: &mut Evidence) {
    let told = [
        (CLAIM, "claim_received", vec![]),
        (WAITING, "claim_received", vec![]),
        (CLAIM, "plan_agreed", vec![("plan_number", "1")]),
        (CLAIM, "refund_instructed", vec![("line", "2")]),
        (CLAIM, "refund_paid", vec![("line", "2")]),
        (WAITING, "clock_breached", vec![("escalation_id", "e1")]),
        (CLAIM, "work_waiting", vec![("work_item_id", "w1")]),
        (CLAIM, "work_waiting", vec![("work_item_id", "w2")]),
    ];
    for (number, (claim, template, parameters)) in told.into_iter().enumerate() {
        let notice = Notice {
            notice_id: format!("n{number}"),
            audience: if template == "work_waiting" { "specialist" } else { "customer" }.into(),
            template: template.into(),
            claim_id: claim.into(),
            parameters: parameters.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            ..Notice::default()
        };
        evidence.notices.by_event.insert(format!("ne{number}"), notice);
    }
}
