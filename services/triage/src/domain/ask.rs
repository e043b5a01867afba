//! What triage is asked to judge, read once from the message.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::ClaimId;
use proto::claim::{Category, ReportedLine, Resolution};
use proto::triage::{AssessClaim, AssessReason};

/// A claim to be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The claim.
    pub claim: ClaimId,
    /// Why it is judged.
    pub reason: AssessReason,
    /// When the claim was received.
    pub received_at: Timestamp,
    /// Day the customer first told of the problem, where that was before it was recorded.
    pub announced_on: Option<Date>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Lines whose order number was asked for and is not known.
    pub unknown: BTreeSet<u32>,
    /// The message it was read from.
    pub message: AssessClaim,
}

/// A line of the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Place in the claim, from 1.
    pub line: u32,
    /// Order number; empty: not known.
    pub order_no: String,
    /// Stock-keeping unit.
    pub sku: String,
    /// Batch; may be empty.
    pub batch: String,
    /// Units concerned.
    pub quantity: u32,
    /// What happened, if it was said.
    pub category: Category,
    /// What the customer hopes for.
    pub wish: Resolution,
    /// Day of delivery, as the customer says.
    pub delivered_on: Option<Date>,
    /// Day of the problem.
    pub occurred_on: Option<Date>,
    /// A safety hazard is suspected.
    pub safety_risk: bool,
    /// The customer's operation stands still.
    pub operation_stopped: bool,
}

impl Ask {
    /// Reads the message; says what is wrong with one that no correct sender sends.
    pub fn read(claim: ClaimId, message: AssessClaim) -> Result<Self, String> {
        if message.assessment == 0 || message.assessment > i32::MAX.unsigned_abs() {
            return Err("assessment numbers begin at 1".to_owned());
        }
        if message.reason() == AssessReason::Unspecified {
            return Err("the reason is missing".to_owned());
        }
        let received_at = message.received_at.as_ref().and_then(proto::from_wire).ok_or("received_at is missing")?;
        let lines = message.lines.iter().map(Line::read).collect::<Result<Vec<_>, _>>()?;
        let numbers: BTreeSet<u32> = lines.iter().map(|line| line.line).collect();
        if lines.is_empty() || lines.len() > 100 || numbers.len() != lines.len() {
            return Err("the lines are not 1 to 100 different ones".to_owned());
        }
        let announced_on = day(&message.announced_on).map_err(|()| "announced_on is not a day")?;
        let unknown = message.order_unknown_lines.iter().copied().collect();
        Ok(Self { claim, reason: message.reason(), received_at, announced_on, lines, unknown, message })
    }

    /// Number of the assessment within the claim.
    pub fn assessment(&self) -> u32 {
        self.message.assessment
    }

    /// Opaque reference of the customer.
    pub fn customer_ref(&self) -> &str {
        &self.message.customer_ref
    }

    /// Whether somebody has a hand in the claim: reported it, answered for the customer, or is the customer.
    pub fn is_of(&self, who: &chassis::Actor) -> bool {
        who.is_customer(self.customer_ref()) || self.message.involved.contains(&who.subject)
    }

    /// Whether intake has made the claim itself. The mark alone is not enough: older claims of customers may have it.
    pub fn is_canary(&self) -> bool {
        let of_canary = |line: &Line| line.order_no == proto::canary::ORDER_NO;
        proto::canary::is_marked(self.customer_ref()) && self.lines.iter().all(of_canary)
    }

    /// The day the claim was received.
    pub fn received_on(&self, zone: &TimeZone) -> Date {
        zone.to_datetime(self.received_at).date()
    }

    /// The day that counts for windows: that of the first report where somebody says it was earlier, never after receipt.
    pub fn claimed_on(&self, zone: &TimeZone) -> Date {
        let received_on = self.received_on(zone);
        self.announced_on.map_or(received_on, |announced_on| announced_on.min(received_on))
    }

    /// Whether goods can be sent to the customer and collected. What was asked before it was told is taken as known.
    pub fn address_is_known(&self) -> bool {
        self.message.address_known.unwrap_or(true)
    }

    /// Whether the customer was asked for the order number of a line: it is asked for once.
    pub fn was_asked(&self, line: &Line) -> bool {
        self.unknown.contains(&line.line) || (self.reason == AssessReason::Answered && !line.order_no.is_empty())
    }
}

impl Line {
    /// Whether it may be about a part of something that was sold under another number.
    pub fn may_be_a_part(&self) -> bool {
        let part = matches!(self.category, Category::MissingAccessory | Category::PartReplacement);
        part && !self.order_no.is_empty()
    }

    fn read(from: &ReportedLine) -> Result<Self, String> {
        let wrong = |what: &str| format!("line {}: {what}", from.line);
        if from.line == 0 || from.sku.is_empty() || !(1..=1_000_000).contains(&from.quantity) {
            return Err(wrong("it needs a number from 1, an SKU, and 1 to 1,000,000 units"));
        }
        let delivered_on = day(&from.delivered_on).map_err(|()| wrong("delivered_on is not a day"))?;
        let occurred_on = day(&from.occurred_on).map_err(|()| wrong("occurred_on is not a day"))?;
        Ok(Self {
            line: from.line,
            order_no: from.order_no.clone(),
            sku: from.sku.clone(),
            batch: from.batch.clone(),
            quantity: from.quantity,
            category: Category::try_from(from.category).map_err(|_| wrong("the category is not known"))?,
            wish: Resolution::try_from(from.wish).map_err(|_| wrong("the wish is not known"))?,
            delivered_on,
            occurred_on,
            safety_risk: from.safety_risk,
            operation_stopped: from.operation_stopped,
        })
    }
}

/// A day, or none.
fn day(text: &str) -> Result<Option<Date>, ()> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| ()) }
}
