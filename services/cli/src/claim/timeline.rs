//! The public life of a claim, for people.

use anyhow::Result;
use comfy_table::Table;
use proto::claim::claim_event::Kind;
use proto::claim::{Category, ClaimEvent, ClaimState, Leg, LegMoved, LegState, Resolution, Severity, WaitingFor};
use proto::orchestrator::GetTimelineRequest;
use tonic::Request;

use crate::connect::Session;
use crate::money;
use crate::output;
use crate::reasons;
use crate::words::plain;

/// Reads all public events of a claim.
pub async fn read(claim_id: &str, session: &Session) -> Result<Vec<ClaimEvent>> {
    let mut events = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = GetTimelineRequest { claim_id: claim_id.to_owned(), page_size: 500, page_token };
        let page = session.clients.orchestrator()?.get_timeline(Request::new(request)).await?.into_inner();
        events.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(events);
        }
    }
}

/// The timeline as a table.
pub fn table(events: &[ClaimEvent]) -> Table {
    let mut table = output::table(["no", "when (UTC)", "what", "state", "waits for"]);
    for event in events {
        let at = event.occurred_at.as_ref().and_then(proto::from_wire);
        table.add_row([
            event.number.to_string(),
            at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()).unwrap_or_default(),
            event.kind.as_ref().map(describe).unwrap_or_default(),
            plain::<ClaimState>(event.state),
            plain::<WaitingFor>(event.waiting_for),
        ]);
    }
    table
}

/// That nobody else looked at it.
fn alone(alone: bool) -> &'static str {
    if alone { ", by who had a hand in it: nobody else looked" } else { "" }
}

/// What happened, in a few words.
pub fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Submitted(event) => {
            let by = if event.policy.is_empty() { String::new() } else { format!(", under {}", event.policy) };
            format!("reported by customer {}, {} line(s){by}", event.customer_ref, event.lines)
        }
        Kind::QuestionAsked(event) => format!("customer asked: {}", reasons::told(&event.reason)),
        Kind::QuestionAnswered(event) => format!("customer answered {}", event.question_id),
        Kind::Assessed(event) => event.assessment.as_ref().map_or_else(String::new, |judged| {
            let (category, severity) = (plain::<Category>(judged.category), plain::<Severity>(judged.severity));
            format!("judged {category}, {severity}, by {}", judged.judged_by)
        }),
        Kind::PersonAsked(event) => format!("a person must decide: {}", reasons::told(&event.reason)),
        Kind::Planned(event) => event.plan.as_ref().map_or_else(String::new, |plan| {
            let lines =
                plan.lines.iter().map(|line| format!("{} × {}", plain::<Resolution>(line.resolution), line.quantity));
            let beyond = Some(plan.beyond.as_str()).filter(|beyond| !beyond.is_empty());
            format!(
                "plan {}: {}, cost {}{}{}",
                plan.number,
                lines.collect::<Vec<_>>().join(", "),
                money::show(plan.cost.as_ref()),
                beyond.map(|beyond| format!("; {}", reasons::told(beyond))).unwrap_or_default(),
                alone(event.alone)
            )
        }),
        Kind::ApprovalRequested(event) => format!("approval of plan {} asked for", event.plan_number),
        Kind::Approved(event) => {
            format!("plan {} approved by {}{}", event.plan_number, event.by, alone(event.alone))
        }
        Kind::Denied(event) => format!("plan {} denied by {}", event.plan_number, event.by),
        Kind::Consented(event) => format!("customer agreed to plan {}", event.plan_number),
        Kind::ConsentRefused(event) => format!("customer refused plan {}", event.plan_number),
        Kind::LegMoved(event) => leg(event),
        Kind::SettlementInstructed(event) => format!("refund of {} instructed", money::show(event.amount.as_ref())),
        Kind::SettlementPaid(event) => {
            format!("refund of {} paid{}", money::show(event.amount.as_ref()), alone(event.alone))
        }
        Kind::ClockMoved(event) => match event.percent {
            100 => format!("clock {} was breached", event.clock),
            percent => format!("clock {} is at {percent} %", event.clock),
        },
        Kind::CompensationStarted(event) => format!("what was done is undone: {}", reasons::told(&event.reason)),
        Kind::FollowUpStarted(_) => "customer asked whether it is solved".to_owned(),
        Kind::FollowUpAnswered(event) => format!("customer scored {} of 5", event.score),
        Kind::Reopened(event) => format!("opened again with score {}", event.score),
        Kind::Ended(event) if event.reason.is_empty() => plain::<ClaimState>(event.outcome),
        Kind::Ended(event) => format!("{}: {}", plain::<ClaimState>(event.outcome), reasons::told(&event.reason)),
    }
}

fn leg(event: &LegMoved) -> String {
    let mut text = format!("line {} {} {}", event.line, plain::<Leg>(event.leg), plain::<LegState>(event.state));
    if !event.detail.is_empty() {
        text.push_str(&format!(" {}", event.detail));
    }
    if event.quantity > 0 {
        text.push_str(&format!(", {} unit(s)", event.quantity));
    }
    if let Some(count) = event.count.filter(|count| *count != proto::claim::ReturnCount::default()) {
        for (units, what) in [
            (count.accepted, "accepted"),
            (count.damaged, "damaged"),
            (count.wrong_item, "of another article"),
            (count.missing, "missing"),
            (count.excess, "too many"),
        ] {
            if units > 0 {
                text.push_str(&format!(", {units} {what}"));
            }
        }
    }
    if !event.tracking_no.is_empty() {
        text.push_str(&format!(" ({})", event.tracking_no));
    }
    text
}

#[cfg(test)]
mod tests {
    use proto::claim::{Ended, ReturnCount};

    use super::*;

    #[test]
    fn events_are_told_in_a_few_words() {
        let ended =
            Ended { outcome: ClaimState::Rejected.into(), reason: "ORDER_NOT_FOUND".to_owned(), ..Ended::default() };
        assert_eq!(describe(&Kind::Ended(ended)), "rejected: ORDER_NOT_FOUND (no such purchase is known)");
        let moved = LegMoved {
            line: 1,
            leg: Leg::Receipt.into(),
            state: LegState::Progressed.into(),
            detail: "COUNTED".to_owned(),
            count: Some(ReturnCount { accepted: 3, missing: 1, ..ReturnCount::default() }),
            ..LegMoved::default()
        };
        assert_eq!(describe(&Kind::LegMoved(moved)), "line 1 receipt progressed COUNTED, 3 accepted, 1 missing");
    }
}
