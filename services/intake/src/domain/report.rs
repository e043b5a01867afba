//! The first report: what a customer says when a claim is recorded, and what is promised in return.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::ClaimId;
use proto::claim::{Category, Channel, Resolution};
use proto::intake::EvidenceAudience;

use super::{Claim, Pii, Rules, is_given};

/// How to reach the customer. It never enters a claim, an event or a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    pub customer_name: Pii<String>,
    pub contact_person: Pii<String>,
    pub company: Pii<String>,
    /// Telephone.
    pub phone: Pii<String>,
    /// E-mail.
    pub email: Pii<String>,
    /// Delivery address.
    pub address: Pii<String>,
}

impl Contact {
    /// Whether the e-mail address is one that the issuer of the customer's token has verified; none was given: yes.
    pub fn is_verified(&self, verified: Option<&Pii<String>>) -> bool {
        let email = self.email.expose("a comparison with the verified address").to_lowercase();
        let same =
            |verified: &Pii<String>| verified.expose("a comparison with the address given").to_lowercase() == email;
        email.is_empty() || verified.is_some_and(same)
    }
}

/// One product on one order line, as reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Order number; empty: unknown to the customer.
    pub order_no: String,
    /// Stock-keeping unit.
    pub sku: String,
    /// Batch; may be empty.
    pub batch: String,
    /// Serial numbers; may be empty.
    pub serials: Vec<String>,
    /// Units concerned.
    pub quantity: u32,
    /// What is wrong, if known.
    pub category: Category,
    /// What the customer hopes for.
    pub wish: Resolution,
    /// Day of delivery.
    pub delivered_on: Option<Date>,
    /// Day of the problem.
    pub occurred_on: Option<Date>,
    /// What happened, in free words.
    pub description: Pii<String>,
    /// A safety hazard is suspected.
    pub safety_risk: bool,
    /// The customer's operation stands still.
    pub operation_stopped: bool,
}

/// Metadata of a picture, video or document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    pub media_type: String,
    /// Size in bytes.
    pub size: i64,
    /// File name: people put names into it.
    pub name: Pii<String>,
    /// Line it is about, from 1; 0: the whole claim.
    pub line: u32,
    /// For whom it is: the customer, or staff only.
    pub audience: EvidenceAudience,
}

/// A new claim, checked at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub channel: Channel,
    /// Opaque customer reference.
    pub customer_ref: String,
    /// How to reach the customer.
    pub contact: Contact,
    pub lines: Vec<Line>,
    pub evidence: Vec<Evidence>,
    /// Country of the customer.
    pub country: String,
    /// Importance of the customer, 0 to 3.
    pub importance: u32,
    /// The customer is upset: a flag on the record only (S1-12).
    pub upset: bool,
    /// Day the customer first told of the problem, if that was said.
    pub announced_on: Option<Date>,
}

/// What was promised to the customer and holds now (N9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// The claim is acknowledged by then.
    pub acknowledgement: Option<Timestamp>,
    /// The customer hears something of substance by then.
    pub first_feedback: Option<Timestamp>,
    /// It is solved by then.
    pub solution: Option<Timestamp>,
}

/// Pieces of evidence for a line, with those for the whole claim (S0-12).
pub fn evidence_count(evidence: &[Evidence], line: u32) -> u32 {
    let count = evidence.iter().filter(|piece| piece.line == line || piece.line == 0).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The number a customer can quote, as `RD-2026-000123`: the year is that of the company's day.
pub fn claim_number(received_at: Timestamp, zone: &TimeZone, count: i64) -> String {
    let year = zone.to_datetime(received_at).year();
    format!("RD-{year:04}-{count:06}")
}

/// Records a claim. What was checked at the edge is not checked again: nothing here can be refused.
/// `repeats`: numbers of claims that it may repeat.
pub fn submit(
    report: &Report,
    id: ClaimId,
    number: String,
    repeats: Vec<String>,
    now: Timestamp,
    rules: &Rules,
) -> Claim {
    // In the steps in which times are kept: what is promised is the same instant for whoever reckons it.
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    Claim {
        id,
        number,
        version: 1,
        channel: report.channel,
        customer_ref: report.customer_ref.clone(),
        brought_by: String::new(),
        email_confirmed: true,
        country: report.country.clone(),
        importance: report.importance,
        upset: report.upset,
        received_at: now,
        announced_on: report.announced_on,
        address_known: Some(is_given(&report.contact.address)),
        possible_duplicates: repeats,
        lines: report.lines.clone(),
        evidence: report.evidence.clone(),
        files: Vec::new(),
        questions: Vec::new(),
        contacts: Vec::new(),
        read_back: None,
        policy_version: 0,
        promises: rules.promises(report.channel, now),
        proposal: None,
        follow_up: None,
        scores: Vec::new(),
        ended_at: None,
        withdrawal_requested: false,
        duplicate_of: None,
        end: None,
    }
}
