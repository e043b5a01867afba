//! Values that look bad and are legal, and why. Whoever changes a rule at the edge changes it here.

use crate::dynamic::CONTRACT;

/// Cases that are legal for a field, wherever its message is used.
const LEGAL: &[(&str, &[&str])] = &[
    // Contact: what a customer may leave out. Phone or e-mail is enough.
    ("intake.v1.Contact.contact_person", &["empty"]),
    ("intake.v1.Contact.company", &["empty"]),
    ("intake.v1.Contact.phone", &["empty"]),
    ("intake.v1.Contact.email", &["empty"]),
    ("intake.v1.Contact.address", &["empty"]),
    // Lines: unknown to the customer, or worked out by triage.
    ("intake.v1.NewLine.order_no", &["empty"]),
    ("intake.v1.NewLine.batch", &["empty"]),
    ("intake.v1.NewLine.serials", &["none"]),
    ("intake.v1.NewLine.category", &["unspecified"]),
    ("intake.v1.NewLine.wish", &["unspecified"]),
    ("intake.v1.NewLine.delivered_on", &["empty"]),
    ("intake.v1.NewLine.occurred_on", &["empty"]),
    ("intake.v1.NewLine.description", &["empty"]),
    ("intake.v1.SubmitClaimRequest.evidence", &["none"]),
    ("intake.v1.SubmitClaimRequest.importance", &["zero"]),
    ("intake.v1.SubmitClaimRequest.announced_on", &["empty"]),
    ("intake.v1.Evidence.name", &["empty"]),
    ("intake.v1.Evidence.line", &["zero"]),
    ("intake.v1.Evidence.audience", &["unspecified"]),
    // The order number when there is none; words that need not be said.
    ("intake.v1.AnswerQuestionRequest.order_no", &["empty"]),
    ("intake.v1.AnswerQuestionRequest.text", &["empty"]),
    ("intake.v1.AnswerQuestionRequest.address", &["empty"]),
    // Now; and nothing that would have to be kept.
    ("intake.v1.LogContactRequest.at", &["absent"]),
    ("intake.v1.LogContactRequest.note", &["empty"]),
    ("intake.v1.WithdrawClaimRequest.text", &["empty"]),
    ("intake.v1.AnswerPlanRequest.text", &["empty"]),
    // A plan of that number may be made one day: PLAN_NOT_OPEN.
    ("intake.v1.AnswerPlanRequest.plan_number", &["max"]),
    ("intake.v1.AnswerFollowUpRequest.text", &["empty"]),
    ("intake.v1.ListClaimsRequest.customer_ref", &["empty"]),
    ("intake.v1.ListClaimsRequest.claim_ids", &["none"]),
    ("orchestrator.v1.ListProcessesRequest.claim_ids", &["none"]),
    ("intake.v1.MarkDuplicateRequest.etag", &["empty"]),
    // Empty: not compared.
    ("intake.v1.ConfirmReadBackRequest.etag", &["empty"]),
    ("inventory.v1.ReceiveReturnRequest.etag", &["empty"]),
    // Facts that may be unknown.
    ("triage.v1.OrderLine.customer_ref", &["empty"]),
    ("triage.v1.OrderLine.delivered_on", &["empty"]),
    ("triage.v1.OrderLine.warranty_until", &["empty"]),
    ("triage.v1.OrderLine.repaired_on", &["empty"]),
    ("triage.v1.OrderLine.line_id", &["empty"]),
    ("triage.v1.OrderLine.kind", &["unspecified"]),
    // Either says it; what is not known is left out.
    ("triage.v1.OrderLine.unit_price", &["absent"]),
    ("triage.v1.OrderLine.paid_total", &["absent"]),
    ("triage.v1.OrderLine.tax_total", &["absent"]),
    ("triage.v1.OrderLine.discount_total", &["absent"]),
    ("claim.v1.Money.minor_units", &["zero"]),
    ("triage.v1.LineDecision.quantity", &["zero"]),
    ("triage.v1.LineDecision.unit_price", &["absent"]),
    ("triage.v1.DecideWorkItemRequest.liability", &["unspecified"]),
    ("triage.v1.DecideWorkItemRequest.note", &["empty"]),
    ("escalation.v1.DecideWorkItemRequest.note", &["empty"]),
    ("inventory.v1.Sku.description", &["empty"]),
    ("inventory.v1.RegisterWarehouseRequest.custodian", &["empty"]),
    ("inventory.v1.ReceiveGoodsRequest.document", &["empty"]),
    ("inventory.v1.GoodsLine.batch", &["empty"]),
    ("inventory.v1.AdjustStockRequest.batch", &["empty"]),
    ("inventory.v1.AdjustStockRequest.delta", &["negative"]),
    ("inventory.v1.GetAvailabilityRequest.batch", &["empty"]),
    // Nothing of one kind has come.
    ("inventory.v1.ReceiveReturnRequest.accepted", &["zero"]),
    ("inventory.v1.ReceiveReturnRequest.damaged", &["zero"]),
    ("inventory.v1.ReceiveReturnRequest.unsalable", &["zero"]),
    ("inventory.v1.ReceiveReturnRequest.not_as_claimed", &["zero"]),
    ("inventory.v1.ReceiveReturnRequest.other_sku", &["empty"]),
    ("inventory.v1.DisposeReturnRequest.other_sku", &["empty"]),
    ("inventory.v1.MoveStockRequest.batch", &["empty"]),
    ("logistics.v1.QuoteShipmentRequest.severity", &["unspecified"]),
    ("logistics.v1.TrackingEvent.detail", &["empty"]),
    ("logistics.v1.TrackingEvent.expected_on", &["empty"]),
    ("logistics.v1.ConfirmBookingRequest.promised_on", &["empty"]),
    // Empty: not compared.
    ("logistics.v1.TechnicianRow.etag", &["empty"]),
    ("logistics.v1.ProposeVisitRequest.etag", &["empty"]),
    ("logistics.v1.AppointVisitRequest.etag", &["empty"]),
    ("logistics.v1.ReportVisitRequest.etag", &["empty"]),
    ("logistics.v1.CancelVisitRequest.etag", &["empty"]),
    // Nobody is able to do anything yet; the hours of the calendar; no days off.
    ("logistics.v1.Technician.skills", &["none"]),
    ("logistics.v1.Technician.certificates", &["none"]),
    ("logistics.v1.Technician.hours", &["none"]),
    ("logistics.v1.Technician.days_off", &["none"]),
    ("logistics.v1.Technician.etag", &["empty"]),
    ("logistics.v1.ListTechniciansRequest.skill", &["empty"]),
    ("logistics.v1.ListTechniciansRequest.region", &["empty"]),
    ("logistics.v1.ListVisitsRequest.technician_id", &["empty"]),
    // From tomorrow on.
    ("logistics.v1.ProposeVisitRequest.from_day", &["empty"]),
    // Said with some outcomes only.
    ("logistics.v1.ReportVisitRequest.material", &["empty"]),
    ("logistics.v1.ReportVisitRequest.serial_out", &["empty"]),
    ("logistics.v1.ReportVisitRequest.serial_in", &["empty"]),
    ("orchestrator.v1.ConfirmSettlementRequest.credit_note", &["empty"]),
    // All lines of the article.
    ("orchestrator.v1.GetEntitlementRequest.line_id", &["empty"]),
    // A list is narrowed or not; who takes need not say why, and what is given back goes to nobody.
    ("work.v1.ListWorkRequest.about_kind", &["empty"]),
    ("work.v1.ListWorkRequest.about_id", &["empty"]),
    ("work.v1.ListWorkRequest.kind", &["empty"]),
    ("work.v1.ListWorkRequest.role", &["empty"]),
    ("work.v1.ListWorkRequest.assigned_to", &["empty"]),
    ("work.v1.TakeWorkRequest.note", &["empty"]),
    ("work.v1.HandOverWorkRequest.to", &["empty"]),
    // All that the streams would still hold.
    ("operations.v1.RepublishRequest.since", &["absent"]),
    // All fields that the caller may read.
    ("intake.v1.GetContactRequest.fields", &["none"]),
    // From the first link on.
    ("operations.v1.ReadAuditRequest.after", &["zero"]),
    // No parked message has such a number: NOT_FOUND.
    ("operations.v1.DiscardParkedRequest.parked_id", &["zero", "negative", "min", "max"]),
];

/// Whether a case is legal for a field: by the list, or because a list of things may be narrowed or not.
pub fn is_legal(field: &str, case: &str) -> bool {
    let short = field.trim_start_matches("redress.");
    let (message, name) = short.rsplit_once('.').expect("a full name");
    let narrows = message.rsplit('.').next().is_some_and(|message| message.starts_with("List"));
    match (name, case) {
        // More than 500 is taken as 500; 0 is 50.
        ("page_size", "zero" | "max") | ("page_token", "empty") => true,
        // A flag is either; but what is not attested is not taken (S2-30).
        (_, "false") => !["attested", "paid", "works", "instructed"].contains(&name),
        ("claim_id" | "customer_ref", "empty") | (_, "unspecified") if narrows => !CLAIM_NEEDED.contains(&message),
        _ => LEGAL.iter().any(|(of, cases)| *of == short && cases.contains(&case)),
    }
}

/// Lists of one claim only.
const CLAIM_NEEDED: &[&str] = &["escalation.v1.ListClocksRequest", "intake.v1.ListEvidenceRequest"];

/// Other fields that a bad value makes wrong as well.
const ALSO: &[(&str, &str, &str)] = &[
    // The evidence is about a line that is gone.
    ("intake.v1.SubmitClaimRequest.lines", "none", "evidence[0].line"),
    // One of the two, and not both.
    ("intake.v1.GetClaimRequest.claim_id", "", "claim_number"),
    ("intake.v1.GetClaimRequest.claim_number", "", "claim_id"),
    ("logistics.v1.GetShipmentRequest.shipment_id", "", "tracking_no"),
    ("logistics.v1.GetShipmentRequest.tracking_no", "", "shipment_id"),
    ("intake.v1.ListContactAccessRequest.claim_id", "", "customer_ref"),
    // A question instead of lines.
    ("triage.v1.DecideWorkItemRequest.question", "", "lines"),
    ("triage.v1.DecideWorkItemRequest.lines", "none", "question"),
];

/// Whether a bad value of a field makes another field wrong as well.
pub fn may_also_name(field: &str, case: &str, other: &str) -> bool {
    let short = field.trim_start_matches("redress.");
    ALSO.iter().any(|(of, when, also)| *of == short && ["", case].contains(when) && *also == other)
}

#[test]
fn every_field_of_the_list_is_in_the_contract() {
    for (name, _) in LEGAL {
        let (message, field) = name.rsplit_once('.').unwrap();
        let message = CONTRACT.get_message_by_name(&format!("redress.{message}"));
        assert!(message.is_some_and(|message| message.get_field_by_name(field).is_some()), "{name}");
    }
}
