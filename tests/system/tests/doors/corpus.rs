//! A valid request of every RPC, with every field set that can be set: what the bad ones are made from. `@` names nobody.

use prost_reflect::{DynamicMessage, MethodDescriptor};

use crate::dynamic::{NOBODY, message};

/// The examples of a method.
pub fn requests(method: &MethodDescriptor) -> Vec<DynamicMessage> {
    let name = method.full_name().trim_start_matches("redress.");
    let examples = REQUESTS.iter().filter(|(of, _)| *of == name);
    examples.map(|(_, text)| message(&method.input(), &text.replace("$YESTERDAY", &yesterday()), NOBODY)).collect()
}

/// A day that is neither in the future nor long ago, anywhere.
fn yesterday() -> String {
    (jiff::Zoned::now().date() - jiff::Span::new().days(2)).to_string()
}

const REQUESTS: &[(&str, &str)] = &[
    (
        "intake.v1.IntakeService.SubmitClaim",
        r#"{"request_id": "@", "channel": "CHANNEL_WEB", "customer_ref": "C-1", "country": "GB", "attested": true,
            "importance": 1, "upset": true, "announced_on": "$YESTERDAY",
            "contact": {"customer_name": "Ada", "contact_person": "Bob", "company": "Example", "phone": "+44 1",
                "email": "ada@example.org", "address": "1 Example Road\nLeeds"},
            "lines": [{"order_no": "O-1", "sku": "MUG", "batch": "B-1", "serials": ["S-1"], "quantity": 2,
                "category": "CATEGORY_SHORTAGE", "wish": "RESOLUTION_RESEND", "delivered_on": "2026-01-02",
                "occurred_on": "2026-01-03", "description": "one is missing", "safety_risk": true,
                "operation_stopped": true}],
            "evidence": [{"sha256": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                "media_type": "image/jpeg", "size": 1000, "name": "mug.jpg", "line": 1,
                "audience": "EVIDENCE_AUDIENCE_STAFF"}]}"#,
    ),
    ("intake.v1.IntakeService.GetClaim", r#"{"claim_id": "@"}"#),
    ("intake.v1.IntakeService.GetClaim", r#"{"claim_number": "RD-2026-000001"}"#),
    (
        "intake.v1.IntakeService.ListClaims",
        r#"{"page_size": 5, "customer_ref": "C-1", "state": "CLAIM_STATE_CLOSED",
            "claim_ids": ["@"]}"#,
    ),
    (
        "intake.v1.IntakeService.GetContact",
        r#"{"claim_id": "@", "purpose": "DELIVERY", "fields": ["PERSONAL_FIELD_PHONE"]}"#,
    ),
    ("intake.v1.IntakeService.ConfirmReadBack", r#"{"request_id": "@", "claim_id": "@", "etag": "\"1\""}"#),
    (
        "intake.v1.IntakeService.AddEvidence",
        r#"{"request_id": "@", "claim_id": "@",
            "evidence": [{"sha256": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                "media_type": "application/pdf", "size": 1, "name": "bill.pdf", "line": 1}]}"#,
    ),
    ("intake.v1.VaultService.GetWords", r#"{"claim_id": "@", "purpose": "ASSESSMENT"}"#),
    ("intake.v1.VaultService.ListContactAccess", r#"{"page_size": 5, "claim_id": "@"}"#),
    ("intake.v1.VaultService.ListContactAccess", r#"{"page_size": 5, "customer_ref": "C-1"}"#),
    (
        "intake.v1.VaultService.EraseCustomer",
        r#"{"request_id": "@", "customer_ref": "nobody", "reason": "ERASURE_REASON_ASKED_FOR", "reference": "P-1"}"#,
    ),
    ("intake.v1.VaultService.GetErasure", r#"{"customer_ref": "nobody"}"#),
    (
        "intake.v1.VaultService.PlaceLegalHold",
        r#"{"request_id": "@", "customer_ref": "nobody", "reason": "HOLD_REASON_DISPUTE", "reference": "L-1"}"#,
    ),
    ("intake.v1.VaultService.ReleaseLegalHold", r#"{"request_id": "@", "hold_id": "@"}"#),
    ("intake.v1.EvidenceService.ListEvidence", r#"{"claim_id": "@"}"#),
    ("intake.v1.EvidenceService.CreateEvidenceReference", r#"{"evidence_id": "@", "purpose": "ASSESSMENT"}"#),
    ("intake.v1.IntakeService.ExportCustomer", r#"{"customer_ref": "C-1"}"#),
    ("intake.v1.EvidenceService.DownloadEvidence", r#"{"reference": "AAAA"}"#),
    (
        "intake.v1.IntakeService.AnswerQuestion",
        r#"{"request_id": "@", "claim_id": "@", "question_id": "q1", "order_no": "O-1", "text": "here\nit is",
            "address": "1 Example Road\nLeeds"}"#,
    ),
    (
        "intake.v1.IntakeService.MarkDuplicate",
        r#"{"request_id": "@", "claim_id": "@", "of_claim_id": "0192f000-0000-7000-8000-000000000001", "etag": "\"1\""}"#,
    ),
    (
        "intake.v1.IntakeService.LogContact",
        r#"{"request_id": "@", "claim_id": "@", "at": "2026-01-02T03:04:05Z", "channel": "CHANNEL_PHONE",
            "direction": "CONTACT_DIRECTION_OUTBOUND", "note": "told Ada\nthat it is looked for"}"#,
    ),
    ("intake.v1.IntakeService.WithdrawClaim", r#"{"request_id": "@", "claim_id": "@", "text": "found it"}"#),
    (
        "intake.v1.IntakeService.AnswerPlan",
        r#"{"request_id": "@", "claim_id": "@", "plan_number": 1, "accepted": true, "text": "thanks"}"#,
    ),
    (
        "intake.v1.IntakeService.AnswerFollowUp",
        r#"{"request_id": "@", "claim_id": "@", "score": 5, "text": "all is well"}"#,
    ),
    (
        "triage.v1.TriageService.RecordOrders",
        r#"{"request_id": "@", "lines": [{"order_no": "O-1", "sku": "MUG", "customer_ref": "C-1", "quantity": 500,
            "unit_price": {"minor_units": 0, "currency": "GBP"}, "purchased_on": "2026-01-01",
            "delivered_on": "2026-01-02", "paid_total": {"minor_units": 250, "currency": "GBP"},
            "tax_total": {"minor_units": 0, "currency": "GBP"}, "discount_total": {"minor_units": 20, "currency": "GBP"},
            "line_id": "1", "kind": "LINE_KIND_GOODS", "warranty_until": "2028-01-02", "repaired_on": "2026-03-01"}]}"#,
    ),
    ("triage.v1.TriageService.ListOrderFacts", r#"{"page_size": 5, "order_no": "O-1"}"#),
    ("triage.v1.TriageService.GetAssessment", r#"{"claim_id": "@"}"#),
    (
        "triage.v1.TriageService.ListWorkItems",
        r#"{"page_size": 5, "role": "ROLE_FINANCE", "claim_id": "@", "include_closed": true}"#,
    ),
    (
        "triage.v1.TriageService.DecideWorkItem",
        r#"{"request_id": "@", "work_item_id": "@", "etag": "\"1\"", "liability": "LIABILITY_PARTY_CARRIER",
            "note": "seen", "lines": [{"line": 1, "resolution": "RESOLUTION_REJECT", "quantity": 1,
            "unit_price": {"minor_units": 250, "currency": "GBP"}, "reason": "NOT_GOODS"}]}"#,
    ),
    (
        "triage.v1.TriageService.DecideWorkItem",
        r#"{"request_id": "@", "work_item_id": "@", "etag": "\"1\"", "question": "PHOTO_NEEDED"}"#,
    ),
    (
        "inventory.v1.InventoryService.RegisterSkus",
        r#"{"request_id": "@", "skus": [{"sku": "MUG", "description": "a mug"}]}"#,
    ),
    (
        "inventory.v1.InventoryService.RegisterWarehouse",
        r#"{"request_id": "@", "warehouse": "NORTH", "country": "GB", "custodian": "cy"}"#,
    ),
    (
        "inventory.v1.InventoryService.ReceiveGoods",
        r#"{"request_id": "@", "warehouse": "MAIN", "zone": "ZONE_QUALIFIED", "document": "PO-1",
            "lines": [{"sku": "MUG", "batch": "B-1", "quantity": 1}]}"#,
    ),
    (
        "inventory.v1.InventoryService.AdjustStock",
        r#"{"request_id": "@", "warehouse": "MAIN", "zone": "ZONE_VALUABLES", "sku": "MUG", "batch": "B-1", "delta": 3,
            "reason": "counted"}"#,
    ),
    (
        "inventory.v1.InventoryService.MoveStock",
        r#"{"request_id": "@", "warehouse": "MAIN", "from_zone": "ZONE_PENDING_INSPECTION", "to_zone": "ZONE_QUALIFIED",
            "sku": "MUG", "batch": "B-1", "quantity": 2, "reason": "inspected"}"#,
    ),
    ("inventory.v1.InventoryService.GetAvailability", r#"{"sku": "MUG", "batch": "B-1"}"#),
    ("inventory.v1.InventoryService.ListMovements", r#"{"sku": "MUG", "page_size": 5}"#),
    (
        "inventory.v1.InventoryService.ListReservations",
        r#"{"claim_id": "@", "state": "RESERVATION_STATE_HELD", "page_size": 5}"#,
    ),
    (
        "inventory.v1.InventoryService.ListReturns",
        r#"{"claim_id": "@", "state": "RETURN_STATE_EXPECTED", "page_size": 5}"#,
    ),
    (
        "inventory.v1.InventoryService.ReceiveReturn",
        r#"{"request_id": "@", "job": {"claim_id": "@", "round": 1, "line": 1, "attempt": 1}, "etag": "\"1\"",
            "warehouse": "MAIN", "accepted": 1, "damaged": 1, "wrong_item": 1, "last": true, "unsalable": 1,
            "not_as_claimed": 1, "other_sku": "JAR"}"#,
    ),
    (
        "inventory.v1.InventoryService.DisposeReturn",
        r#"{"request_id": "@", "job": {"claim_id": "@", "round": 1, "line": 1, "attempt": 1}, "quantity": 1,
            "disposition": "DISPOSITION_RESTOCK", "other_sku": "JAR"}"#,
    ),
    (
        "inventory.v1.InventoryService.DisposeReturn",
        r#"{"request_id": "@", "job": {"claim_id": "@", "round": 1, "line": 1, "attempt": 1}, "quantity": 1,
            "disposition": "DISPOSITION_SEND_BACK"}"#,
    ),
    (
        "logistics.v1.LogisticsService.QuoteShipment",
        r#"{"country": "GB", "severity": "SEVERITY_URGENT", "quantity": 1, "direction": "DIRECTION_OUTBOUND"}"#,
    ),
    ("logistics.v1.LogisticsService.GetShipment", r#"{"shipment_id": "@"}"#),
    ("logistics.v1.LogisticsService.GetShipment", r#"{"tracking_no": "RD123"}"#),
    (
        "logistics.v1.LogisticsService.ListShipments",
        r#"{"claim_id": "@", "state": "SHIPMENT_STATE_LOST", "direction": "DIRECTION_RETURN", "page_size": 5}"#,
    ),
    (
        "logistics.v1.LogisticsService.ReportTracking",
        r#"{"request_id": "@", "tracking_no": "RD123", "event": {"carrier_event_id": "e-1",
            "state": "SHIPMENT_STATE_IN_TRANSIT", "occurred_at": "2026-01-02T03:04:05Z", "detail": "HUB-7",
            "reason": "TRACKING_REASON_HELD_FOR_COLLECTION", "held_until": "2026-01-09"}}"#,
    ),
    (
        "logistics.v1.LogisticsService.ReportTrackingBatch",
        r#"{"request_id": "@", "events": [{"tracking_no": "RD123", "event": {"carrier_event_id": "e-1",
            "state": "SHIPMENT_STATE_DELAYED", "occurred_at": "2026-01-02T03:04:05Z", "detail": "HUB-7",
            "reason": "TRACKING_REASON_HELD_FOR_COLLECTION", "held_until": "2026-01-08", "expected_on": "2026-01-09"}}]}"#,
    ),
    (
        "logistics.v1.LogisticsService.ConfirmBooking",
        r#"{"request_id": "@", "tracking_no": "RD123", "carrier_tracking_no": "C-1", "promised_on": "2026-01-09"}"#,
    ),
    ("escalation.v1.EscalationService.ListClocks", r#"{"claim_id": "@", "page_size": 5}"#),
    ("escalation.v1.EscalationService.ListEscalations", r#"{"claim_id": "@", "page_size": 5}"#),
    (
        "escalation.v1.EscalationService.ListWorkItems",
        r#"{"page_size": 5, "role": "ROLE_FINANCE", "claim_id": "@", "kind": "WORK_KIND_SUPPORT",
            "include_closed": true}"#,
    ),
    (
        "escalation.v1.EscalationService.DecideWorkItem",
        r#"{"request_id": "@", "work_item_id": "@", "etag": "\"1\"", "ruling": "RULING_APPROVE", "note": "seen"}"#,
    ),
    ("orchestrator.v1.OrchestratorService.GetProcess", r#"{"claim_id": "@"}"#),
    (
        "orchestrator.v1.OrchestratorService.ListProcesses",
        r#"{"state": "CLAIM_STATE_CLOSED", "waiting_for": "WAITING_FOR_STOCK", "page_size": 5, "claim_ids": ["@"],
            "newest_first": true}"#,
    ),
    ("orchestrator.v1.OrchestratorService.GetTimeline", r#"{"claim_id": "@", "page_size": 5}"#),
    (
        "orchestrator.v1.OrchestratorService.ListSettlements",
        r#"{"claim_id": "@", "state": "SETTLEMENT_STATE_PAID", "page_size": 5}"#,
    ),
    (
        "orchestrator.v1.OrchestratorService.ConfirmSettlement",
        r#"{"request_id": "@", "settlement_id": "@", "paid": true,
            "amount": {"minor_units": 250, "currency": "GBP"}, "reference": "PAY-1", "credit_note": "CN-1"}"#,
    ),
    ("orchestrator.v1.OrchestratorService.GetEntitlement", r#"{"order_no": "O-1", "sku": "MUG", "line_id": "1"}"#),
    ("operations.v1.OperationsService.ListParked", r#"{"page_size": 5}"#),
    ("operations.v1.OperationsService.RedriveParked", r#"{"request_id": "@", "aggregate_id": "@"}"#),
    ("operations.v1.OperationsService.Republish", r#"{"request_id": "@", "since": "2026-01-02T03:04:05Z"}"#),
    ("operations.v1.OperationsService.ReadAudit", r#"{"after": "7", "page_size": 5}"#),
    ("operations.v1.OperationsService.ListUnsealed", r#"{"page_size": 5}"#),
    ("operations.v1.OperationsService.DiscardParked", r#"{"request_id": "@", "parked_id": 4000000000}"#),
];
