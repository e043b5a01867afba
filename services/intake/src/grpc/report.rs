//! SubmitClaim: every bad field at once (S0-03), before anything is stored. No value of a contact is ever repeated.

use std::collections::HashSet;

use chassis::{Actor, Call, Check};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use proto::claim::words;
use proto::intake::{self as wire, EvidenceAudience, NewLine, SubmitClaimRequest};
use proto::{EVENT_BYTES_MAX, codes};

use crate::domain::{Contact, EVIDENCE_MAX, Evidence, Line, Pii, Report};
use crate::events;

/// Lines a claim can have.
pub(super) const LINES_MAX: usize = 100;
const SERIALS_MAX: usize = 100;
const ANNOUNCED_DAYS_MAX: i64 = 400;
const FILE_BYTES_MAX: i64 = 1 << 31;

/// Checks a new claim.
pub(super) fn report(check: &mut Check, body: &SubmitClaimRequest, day: &TimeZone, now: Timestamp) -> Report {
    // What comes with a report is what the customer has told, whoever writes it down.
    let told = Actor::new("", &[]);
    check.count("lines", body.lines.len(), 1..=LINES_MAX);
    let today = latest_day(now);
    let lines = body.lines.iter().take(LINES_MAX).enumerate();
    let report = Report {
        channel: check.choice::<words::Channel>("channel", body.channel).into(),
        customer_ref: check.customer_ref("customer_ref", &body.customer_ref, false),
        contact: contact(check, body.contact.as_ref()),
        lines: lines.map(|(at, new)| line(check, &format!("lines[{at}]"), new, today)).collect(),
        evidence: evidence(check, &body.evidence, 0, body.lines.len(), &told),
        country: country(check, &body.country),
        importance: check.number("importance", body.importance, 0..=3),
        upset: body.upset,
        announced_on: announced(check, &body.announced_on, day.to_datetime(now).date()),
    };
    if !body.attested {
        check.add("attested", "the customer must attest that the data are true"); // S2-30
    }
    if events::submitted_size(&report, now) > EVENT_BYTES_MAX {
        check.add("lines", "are more than one claim can tell; split the claim, or give fewer serial numbers");
    }
    report
}

/// Nobody from outside may use the mark of canaries: customers would be told nothing.
///
/// A customer reports for nobody else, and says neither how important it is nor that it was told before.
pub(super) fn of_a_customer(check: &mut Check, call: &Call, body: &SubmitClaimRequest) {
    let customer_ref = codes::tidy(&body.customer_ref);
    if proto::canary::is_marked(&customer_ref) {
        check.add("customer_ref", "must not begin with \"canary\": that marks claims of the service itself");
    }
    let Some(customer) = &call.actor.customer else { return };
    if customer_ref != *customer {
        check.add("customer_ref", "must be the customer of the token");
    }
    if body.importance != 0 {
        check.add("importance", "is not for the customer to say");
    }
    if !body.announced_on.is_empty() {
        check.add("announced_on", "is not for the customer to say");
    }
    for (at, _) in body.evidence.iter().enumerate().filter(|(_, piece)| piece.audience() == EvidenceAudience::Staff) {
        check.add(&format!("evidence[{at}].audience"), "is not for the customer to say");
    }
}

/// The day it is now where it is latest on Earth: what is after it is in the future for everybody.
fn latest_day(now: Timestamp) -> Date {
    now.saturating_add(SignedDuration::from_hours(14)).unwrap_or(now).to_zoned(TimeZone::UTC).date()
}

fn contact(check: &mut Check, contact: Option<&wire::Contact>) -> Contact {
    let Some(contact) = contact else {
        check.add("contact", "must be given");
        return Contact::default();
    };
    let checked = Contact {
        customer_name: Pii::new(check.text("contact.customer_name", &contact.customer_name, 1..=200)),
        contact_person: Pii::new(check.text("contact.contact_person", &contact.contact_person, 0..=200)),
        company: Pii::new(check.text("contact.company", &contact.company, 0..=200)),
        phone: Pii::new(check.text("contact.phone", &contact.phone, 0..=40)),
        email: Pii::new(check.text("contact.email", &contact.email, 0..=254)),
        address: Pii::new(check.prose("contact.address", &contact.address, 0..=500)),
    };
    if contact.phone.is_empty() && contact.email.is_empty() {
        check.add("contact", "phone or e-mail must be given");
    }
    if !contact.email.is_empty() && !is_email(&contact.email) {
        check.add("contact.email", "must be an e-mail address");
    }
    checked
}

/// The shape of an address; whether it exists only a mail can tell.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels: Vec<&str> = domain.split('.').collect();
    let label = |label: &&str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    let one_word = !text.contains(char::is_whitespace) && !local.contains('@');
    one_word && !local.is_empty() && labels.len() > 1 && labels.iter().all(label)
}

fn country(check: &mut Check, country: &str) -> String {
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        check.add("country", "must be an ISO 3166-1 code of two upper-case letters");
    }
    country.to_owned()
}

fn line(check: &mut Check, at: &str, new: &NewLine, today: Date) -> Line {
    let field = |name: &str| format!("{at}.{name}");
    Line {
        order_no: check.spelled(&field("order_no"), &new.order_no, 0..=64),
        sku: check.spelled(&field("sku"), &new.sku, 1..=64),
        batch: check.spelled(&field("batch"), &new.batch, 0..=64),
        serials: serials(check, &field("serials"), new),
        quantity: check.number(&field("quantity"), new.quantity, 1..=1_000_000),
        category: check.optional_wire(&field("category"), new.category),
        wish: check.optional_wire(&field("wish"), new.wish),
        delivered_on: past(check, &field("delivered_on"), &new.delivered_on, today),
        occurred_on: past(check, &field("occurred_on"), &new.occurred_on, today),
        description: Pii::new(check.prose(&field("description"), &new.description, 0..=4000)),
        safety_risk: new.safety_risk,
        operation_stopped: new.operation_stopped,
    }
}

fn past(check: &mut Check, field: &str, value: &str, today: Date) -> Option<Date> {
    let date = check.date(field, value);
    if date.is_some_and(|date| date > today) {
        check.add(field, "must not be in the future");
    }
    date
}

/// The day the customer first told of it: windows count to it, so it is neither after the report nor long ago.
fn announced(check: &mut Check, value: &str, received_on: Date) -> Option<Date> {
    let date = check.date("announced_on", value)?;
    let earliest = received_on.saturating_sub(Span::new().days(ANNOUNCED_DAYS_MAX));
    if !(earliest..=received_on).contains(&date) {
        let why = format!("must not be after the day of receipt, {received_on}, nor more than 400 days before it");
        check.add("announced_on", &why);
    }
    Some(date)
}

fn serials(check: &mut Check, field: &str, new: &NewLine) -> Vec<String> {
    check.count(field, new.serials.len(), 0..=SERIALS_MAX);
    if new.quantity > 0 && u32::try_from(new.serials.len()).is_ok_and(|count| count > new.quantity) {
        check.add(field, "must not be more than the quantity");
    }
    let serials = new.serials.iter().take(SERIALS_MAX).enumerate();
    let serials: Vec<String> =
        serials.map(|(at, serial)| check.spelled(&format!("{field}[{at}]"), serial, 1..=64)).collect();
    let mut known = HashSet::new();
    if !serials.iter().all(|serial| known.insert(serial)) {
        check.add(field, "must not have the same number twice");
    }
    serials
}

/// Checks evidence; `lines` is the number of lines that it may be about.
pub(super) fn evidence(
    check: &mut Check,
    pieces: &[wire::Evidence],
    least: usize,
    lines: usize,
    by: &Actor,
) -> Vec<Evidence> {
    check.count("evidence", pieces.len(), least..=EVIDENCE_MAX);
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    let pieces = pieces.iter().take(EVIDENCE_MAX).enumerate();
    pieces.map(|(at, piece)| one_piece(check, &format!("evidence[{at}]"), piece, lines, by)).collect()
}

fn one_piece(check: &mut Check, at: &str, piece: &wire::Evidence, lines: u32, by: &Actor) -> Evidence {
    if piece.sha256.len() != 64 || !piece.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        check.add(&format!("{at}.sha256"), "must be 64 hexadecimal digits");
    }
    if !is_media_type(&piece.media_type) {
        check.add(&format!("{at}.media_type"), "must be image/*, video/* or application/pdf");
    }
    Evidence {
        sha256: piece.sha256.to_ascii_lowercase(),
        media_type: piece.media_type.clone(),
        size: check.number(&format!("{at}.size"), piece.size, 1..=FILE_BYTES_MAX),
        name: Pii::new(check.text(&format!("{at}.name"), &piece.name, 0..=200)),
        line: check.number(&format!("{at}.line"), piece.line, 0..=lines),
        audience: crate::evidence::audience(check, &format!("{at}.audience"), piece.audience, by),
    }
}

fn is_media_type(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-');
    let kind = text.strip_prefix("image/").or_else(|| text.strip_prefix("video/"));
    text == "application/pdf" || kind.is_some_and(|kind| (1..=80).contains(&kind.len()) && kind.bytes().all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_an_address() {
        for good in ["ada@example.org", "a.b+c@mail.example.co.uk", "名@例え.jp"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "ada",
            "@example.org",
            "ada@",
            "ada@example",
            "a da@example.org",
            "ada@.org",
            "ada@example..org",
            "a@b@c.org",
            "ada@-x.org",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn media_types() {
        for good in ["image/jpeg", "image/svg+xml", "video/mp4", "application/pdf"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in ["", "image/", "image/JPEG", "text/html", "application/pdfx", "video/a b"] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }

    #[test]
    fn tomorrow_is_today_somewhere() {
        let at = |text: &str| latest_day(text.parse().unwrap()).to_string();
        assert_eq!(at("2026-11-22T09:59:00Z"), "2026-11-22");
        assert_eq!(at("2026-11-22T10:00:00Z"), "2026-11-23");
    }
}
