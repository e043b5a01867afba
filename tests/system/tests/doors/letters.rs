//! A valid message for every subject, with every field set: what the bad ones are made from. `@` is the claim.

use prost_reflect::{DynamicMessage, MessageDescriptor};
use proto::Subject;

use crate::dynamic::{CONTRACT, message};

/// A kind of message between services.
pub struct Letter {
    /// Service that reads it.
    pub reader: &'static str,
    /// Its subject.
    pub subject: Subject,
    /// The message of the contract.
    pub descriptor: MessageDescriptor,
    text: String,
}

impl Letter {
    /// The message about a claim.
    pub fn about(&self, claim: &str) -> DynamicMessage {
        message(&self.descriptor, &self.text, claim)
    }
}

/// One letter for each variant of each command and event of the contract.
///
/// # Panics
/// If a variant has no example.
pub fn all() -> Vec<Letter> {
    let mut all = Vec::new();
    for service in local::SERVICES {
        let name = service.name;
        let title = name[..1].to_uppercase() + &name[1..];
        for (kind, reader) in [("Command", name), ("Event", "orchestrator")] {
            let Some(descriptor) = CONTRACT.get_message_by_name(&format!("redress.{name}.v1.{title}{kind}")) else {
                assert_eq!(name, "orchestrator", "{name} has no {kind}");
                continue;
            };
            let choice = descriptor.oneofs().find(|choice| choice.name() == "kind").unwrap();
            for variant in choice.fields() {
                let (service, variant) = (name.to_owned(), variant.name().to_owned());
                let text = example(&title, kind, &variant);
                let subject = match kind {
                    "Command" => Subject::Command { service, name: variant },
                    _ => Subject::Event { service, name: variant },
                };
                all.push(Letter { reader, subject, descriptor: descriptor.clone(), text });
            }
        }
    }
    all
}

fn example(title: &str, kind: &str, variant: &str) -> String {
    let name = format!("{title}{kind}.{variant}");
    let found = EXAMPLES.iter().find(|(of, _)| *of == name);
    let (_, body) = found.unwrap_or_else(|| panic!("letters.rs has no example of {name}"));
    let body = body.replace("$PLAN", PLAN).replace("$JUDGEMENT", JUDGEMENT).replace("$LINE", LINE).replace("$JOB", JOB);
    let body = body.replace("$AT", AT);
    let about = match (title, kind) {
        ("Inventory", _) | ("Logistics", "Command") => format!(r#""job": {JOB}"#),
        ("Logistics", _) => format!(r#""job": {JOB}, "direction": "DIRECTION_OUTBOUND""#),
        ("Escalation", "Command") => r#""claim_id": "@", "claim_number": "RD-2026-000001""#.to_owned(),
        _ => r#""claim_id": "@""#.to_owned(),
    };
    format!(r#"{{{about}, "{variant}": {body}}}"#)
}

const AT: &str = r#"{"technician_id": "T-2", "starts_at": "2026-01-09T09:00:00Z", "ends_at": "2026-01-09T10:00:00Z"}"#;
const JOB: &str = r#"{"claim_id": "@", "round": 1, "line": 1, "attempt": 1}"#;

const PLAN: &str = r#"{"number": 1, "cost": {"minor_units": 250, "currency": "GBP"}, "automatic": true,
    "consented": true, "proposed_by": "rules", "policy": "supply-chain@1", "lines": [{"line": 1,
    "resolution": "RESOLUTION_REFUND_ONLY", "sku": "MUG", "batch": "B-1", "quantity": 1, "collect": true,
    "order_no": "O-1", "sold_quantity": 1, "unit_price": {"minor_units": 250, "currency": "GBP"},
    "cost": {"minor_units": 250, "currency": "GBP"}, "freight_payer": "LIABILITY_PARTY_CARRIER",
    "promised_on": "2026-01-09", "reason": "QUANTITY_REDUCED",
    "takes": [{"order_no": "O-1", "sku": "MUG", "line_id": "1", "version": 1, "sold_quantity": 1,
        "paid_total": {"minor_units": 250, "currency": "GBP"}, "quantity": 1,
        "amount": {"minor_units": 250, "currency": "GBP"}}],
    "amount": {"minor_units": 250, "currency": "GBP"}, "freight_kept": {"minor_units": 50, "currency": "GBP"},
    "batch_rule": "BATCH_RULE_ANY", "return_reason": "RETURN_REASON_FAULTY"}]}"#;

const JUDGEMENT: &str = r#"{"number": 1, "category": "CATEGORY_SHORTAGE", "severity": "SEVERITY_MINOR",
    "priority": 10, "liability": "LIABILITY_PARTY_CARRIER", "department": "DEPARTMENT_LOGISTICS",
    "judged_by": "rules", "judged_at": "2026-01-02T03:04:05Z"}"#;

const LINE: &str = r#"{"line": 1, "order_no": "O-1", "sku": "MUG", "batch": "B-1", "serials": ["S-1"], "quantity": 1,
    "category": "CATEGORY_SHORTAGE", "wish": "RESOLUTION_RESEND", "delivered_on": "2026-01-02",
    "occurred_on": "2026-01-03", "safety_risk": true, "operation_stopped": true, "evidence_count": 1}"#;

const EXAMPLES: &[(&str, &str)] = &[
    ("IntakeCommand.ask_customer", r#"{"question_id": "q1", "reason": "ORDER_NUMBER_NEEDED", "line": 1}"#),
    ("IntakeCommand.close_question", r#"{"question_id": "q1"}"#),
    ("IntakeCommand.propose_plan", r#"{"plan": $PLAN}"#),
    ("IntakeCommand.withdraw_plan", r#"{"plan_number": 1}"#),
    ("IntakeCommand.start_follow_up", r#"{"round": 1}"#),
    (
        "IntakeCommand.move_promises",
        r#"{"promises": [{"kind": "FIRST_FEEDBACK", "due_at": "2026-01-02T03:04:05Z"},
            {"kind": "SOLUTION", "due_on": "2026-01-02"}]}"#,
    ),
    ("IntakeCommand.end_claim", r#"{"outcome": "CLAIM_STATE_REJECTED", "reason": "NOT_GOODS"}"#),
    (
        "IntakeEvent.claim_submitted",
        r#"{"claim_number": "RD-2026-000001", "channel": "CHANNEL_WEB", "customer_ref": "C-1", "country": "GB",
            "lines": [$LINE], "importance": 1, "received_at": "2026-01-02T03:04:05Z",
            "announced_on": "2026-01-01", "address_known": true}"#,
    ),
    ("IntakeEvent.customer_answered", r#"{"question_id": "q1", "line": 1, "order_no": "O-1", "address_given": true}"#),
    ("IntakeEvent.claim_withdrawn", "{}"),
    (
        "IntakeEvent.claim_duplicate",
        r#"{"of_claim_id": "01900000-0000-7000-8000-0000000000bb", "of_claim_number": "RD-2026-000002"}"#,
    ),
    ("IntakeEvent.plan_answered", r#"{"plan_number": 1, "accepted": true}"#),
    ("IntakeEvent.follow_up_answered", r#"{"round": 1, "score": 5}"#),
    ("IntakeEvent.read_back_confirmed", "{}"),
    ("IntakeEvent.contact_logged", r#"{"at": "2026-01-02T03:04:05Z", "channel": "CHANNEL_PHONE"}"#),
    (
        "TriageCommand.assess_claim",
        r#"{"assessment": 1, "plan_number": 1, "reason": "ASSESS_REASON_NEW", "claim_number": "RD-2026-000001",
            "customer_ref": "C-1", "country": "GB", "lines": [$LINE], "importance": 1,
            "received_at": "2026-01-02T03:04:05Z", "order_unknown_lines": [1], "announced_on": "2026-01-01",
            "left": [{"order_no": "O-1", "sku": "MUG", "line_id": "1", "free": 1, "replaced": 1, "version": 1,
                "sold_quantity": 1, "paid_total": {"minor_units": 250, "currency": "GBP"}}],
            "address_known": true, "channel": "CHANNEL_WEB"}"#,
    ),
    ("TriageCommand.cancel_assessment", r#"{"assessment": 1}"#),
    ("TriageEvent.claim_judged", r#"{"assessment": 1, "judgement": $JUDGEMENT, "plan": $PLAN}"#),
    ("TriageEvent.claim_refused", r#"{"assessment": 1, "judgement": $JUDGEMENT, "reason": "NOT_GOODS"}"#),
    (
        "TriageEvent.person_needed",
        r#"{"assessment": 1, "judgement": $JUDGEMENT, "reason": "VALUE_HIGH", "role": "ROLE_SUPERVISOR"}"#,
    ),
    ("TriageEvent.answer_needed", r#"{"assessment": 1, "reason": "ORDER_NUMBER_NEEDED", "line": 1}"#),
    (
        "InventoryCommand.reserve",
        r#"{"sku": "NONE", "batch": "B-1", "quantity": 1, "commit": true,
        "batch_rule": "BATCH_RULE_OTHER"}"#,
    ),
    ("InventoryCommand.consume", "{}"),
    ("InventoryCommand.release", "{}"),
    (
        "InventoryCommand.expect_return",
        r#"{"sku": "NONE", "batch": "B-1", "quantity": 1, "reason": "RETURN_REASON_FAULTY"}"#,
    ),
    ("InventoryCommand.cancel_return", "{}"),
    ("InventoryEvent.reserved", r#"{"quantity": 1}"#),
    ("InventoryEvent.reserved_partly", r#"{"held": 1, "short": 1, "expected_on": "2026-01-09"}"#),
    ("InventoryEvent.reservation_failed", r#"{"reason": "UNKNOWN_SKU"}"#),
    ("InventoryEvent.consumed", r#"{"quantity": 1}"#),
    ("InventoryEvent.released", "{}"),
    ("InventoryEvent.expired", "{}"),
    (
        "InventoryEvent.return_counted",
        r#"{"count": {"accepted": 1, "damaged": 1, "wrong_item": 1, "missing": 1, "excess": 1,
            "resalable": 1, "not_as_claimed": 1}, "complete": true, "late": 1}"#,
    ),
    ("InventoryEvent.return_cancelled", r#"{"accepted": 1}"#),
    ("LogisticsCommand.ship", r#"{"sku": "MUG", "quantity": 1, "country": "GB", "severity": "SEVERITY_MINOR"}"#),
    ("LogisticsCommand.cancel_shipment", "{}"),
    (
        "LogisticsCommand.collect",
        r#"{"sku": "MUG", "quantity": 1, "country": "GB", "freight_payer": "LIABILITY_PARTY_CARRIER"}"#,
    ),
    ("LogisticsCommand.cancel_collection", "{}"),
    ("LogisticsCommand.arrange_visit", r#"{"kind": "repair", "sku": "MUG", "quantity": 1, "country": "GB"}"#),
    ("LogisticsCommand.cancel_visit", "{}"),
    (
        "LogisticsEvent.booked",
        r#"{"shipment_id": "@", "carrier": "express", "mode": "DELIVERY_MODE_EXPRESS", "tracking_no": "RD1",
            "promised_on": "2026-01-09", "cost": {"minor_units": 250, "currency": "GBP"}}"#,
    ),
    ("LogisticsEvent.booking_failed", r#"{"reason": "NO_CARRIER"}"#),
    ("LogisticsEvent.handed_over", "{}"),
    ("LogisticsEvent.delivered", r#"{"reason": "TRACKING_REASON_DELIVERED_DAMAGED"}"#),
    (
        "LogisticsEvent.exception",
        r#"{"state": "SHIPMENT_STATE_DELAYED", "reason": "TRACKING_REASON_OVERDUE", "expected_on": "2026-01-09"}"#,
    ),
    (
        "LogisticsEvent.incident",
        r#"{"reason": "TRACKING_REASON_HELD_FOR_COLLECTION", "held_until": "2026-01-09", "number": 3}"#,
    ),
    ("LogisticsEvent.booking_confirmed", r#"{"tracking_no": "C-1", "promised_on": "2026-01-09", "number": 2}"#),
    ("LogisticsEvent.cancelled", "{}"),
    ("LogisticsEvent.cancel_refused", "{}"),
    ("LogisticsEvent.visit_arranged", r#"{"visit_id": "@", "number": 1}"#),
    ("LogisticsEvent.visit_proposed", r#"{"visit_id": "@", "number": 2, "offers": [$AT]}"#),
    ("LogisticsEvent.visit_appointed", r#"{"visit_id": "@", "number": 3, "appointment": $AT, "day": "2026-01-09"}"#),
    ("LogisticsEvent.visit_started", r#"{"number": 4}"#),
    ("LogisticsEvent.visit_done", r#"{"number": 5}"#),
    ("LogisticsEvent.visit_failed", r#"{"number": 5, "failure": "VISIT_FAILURE_NOBODY_THERE"}"#),
    ("LogisticsEvent.visit_cancelled", r#"{"reason": "GIVEN_UP"}"#),
    ("LogisticsEvent.visit_cancel_refused", "{}"),
    (
        "EscalationCommand.start_clocks",
        r#"{"round": 1, "kinds": ["CLOCK_KIND_FIRST_FEEDBACK"], "severity": "SEVERITY_MINOR",
            "from": "2026-01-02T03:04:05Z", "channel": "CHANNEL_PHONE"}"#,
    ),
    (
        "EscalationCommand.stop_clocks",
        r#"{"kinds": ["CLOCK_KIND_FIRST_FEEDBACK"], "round": 1, "at": "2026-01-02T03:04:05Z",
            "severity": "SEVERITY_MINOR"}"#,
    ),
    ("EscalationCommand.retarget_clocks", r#"{"round": 1, "severity": "SEVERITY_MINOR"}"#),
    ("EscalationCommand.pause_clocks", "{}"),
    ("EscalationCommand.resume_clocks", "{}"),
    ("EscalationCommand.request_approval", r#"{"plan": $PLAN, "severity": "SEVERITY_MINOR"}"#),
    ("EscalationCommand.cancel_approval", r#"{"plan_number": 1}"#),
    (
        "EscalationCommand.open_task",
        r#"{"job": $JOB, "kind": "WORK_KIND_LEG_FAILED", "leg": "LEG_SHIPMENT", "reason": "LOST",
            "role": "ROLE_LOGISTICS"}"#,
    ),
    ("EscalationCommand.close_task", r#"{"job": $JOB, "leg": "LEG_SHIPMENT"}"#),
    ("EscalationEvent.approval_granted", r#"{"plan_number": 1, "by": "boss"}"#),
    ("EscalationEvent.approval_denied", r#"{"plan_number": 1, "by": "boss"}"#),
    (
        "EscalationEvent.clock_warned",
        r#"{"kind": "CLOCK_KIND_FIRST_FEEDBACK", "percent": 50, "deadline": "2026-01-02T03:04:05Z"}"#,
    ),
    (
        "EscalationEvent.clock_breached",
        r#"{"kind": "CLOCK_KIND_FIRST_FEEDBACK", "deadline": "2026-01-02T03:04:05Z", "escalation_id": "@"}"#,
    ),
    (
        "EscalationEvent.task_decided",
        r#"{"job": $JOB, "leg": "LEG_SHIPMENT", "kind": "WORK_KIND_LEG_FAILED", "ruling": "RULING_RETRY"}"#,
    ),
    ("EscalationEvent.task_closed", r#"{"job": $JOB, "leg": "LEG_SHIPMENT"}"#),
    (
        "EscalationEvent.deadline_moved",
        r#"{"kind": "CLOCK_KIND_FIRST_FEEDBACK", "round": 1, "deadline": "2026-01-02T03:04:05Z"}"#,
    ),
];
