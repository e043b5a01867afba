//! What is sealed in the audit chain besides the journal (S27). The fields of a source are for ever: one with other fields
//! has another name.

use chassis::audit::Source;
use chassis::{audit_source, audit_text, audit_time};

/// Reads of personal data.
pub(super) const CONTACT_ACCESS: Source = audit_source!("contact_access", "contact_access", "access_id", "true", {
    "access_id": audit_text!("access_id"),
    "claim_id": audit_text!("claim_id"),
    "actor": audit_text!("actor"),
    "purpose": audit_text!("purpose"),
    "fields": audit_text!("array_to_string(fields, ',')"),
    "at": audit_time!("at"),
});

/// Reads of evidence files.
pub(super) const EVIDENCE_ACCESS: Source = audit_source!("evidence_access", "evidence_access", "access_id", "true", {
    "access_id": audit_text!("access_id"),
    "evidence_id": audit_text!("evidence_id"),
    "actor": audit_text!("actor"),
    "purpose": audit_text!("purpose"),
    "at": audit_time!("at"),
});

/// Customers that were forgotten, and holds that forbid it.
pub(super) const CUSTOMER_DECISION: Source = audit_source!("customer_decision", "customer_decision", "decision_id", "true", {
    "decision_id": audit_text!("decision_id"),
    "kind": audit_text!("kind"),
    "about": audit_text!("about"),
    "customer_ref": audit_text!("customer_ref"),
    "actor": audit_text!("actor"),
    "reason": audit_text!("reason"),
    "reference": audit_text!("reference"),
    "at": audit_time!("at"),
});

/// The fingerprints of the keys that were destroyed.
pub(super) const ERASED_KEY: Source = audit_source!("erased_key", "customer_decision", "decision_id", "fingerprint IS NOT NULL", {
    "decision_id": audit_text!("decision_id"),
    "about": audit_text!("about"),
    "fingerprint": "fingerprint",
});

/// All of them.
pub static SOURCES: [&Source; 4] = [&CONTACT_ACCESS, &EVIDENCE_ACCESS, &CUSTOMER_DECISION, &ERASED_KEY];
