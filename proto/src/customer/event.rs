//! The public events of a claim.

use super::{STAFF, knows_plan, plan, state, waiting_for};
use crate::claim::claim_event::Kind;
use crate::claim::{Approved, ClaimEvent, ClaimState, LegMoved, Planned, SettlementPaid, Submitted};

/// A public event as a customer sees it; none: it is not for customers. Numbers stay, so a customer sees gaps.
pub fn event(event: &ClaimEvent) -> Option<ClaimEvent> {
    let kind = kind(event.kind.as_ref()?, event.state())?;
    Some(ClaimEvent {
        claim_id: event.claim_id.clone(),
        number: event.number,
        claim_number: event.claim_number.clone(),
        occurred_at: event.occurred_at,
        round: event.round,
        state: state(event.state()).into(),
        waiting_for: waiting_for(event.waiting_for()).into(),
        kind: Some(kind),
    })
}

fn kind(kind: &Kind, state: ClaimState) -> Option<Kind> {
    match kind {
        Kind::Submitted(told) => Some(Kind::Submitted(Submitted { policy: String::new(), ..told.clone() })),
        Kind::QuestionAsked(_)
        | Kind::QuestionAnswered(_)
        | Kind::Consented(_)
        | Kind::ConsentRefused(_)
        | Kind::SettlementInstructed(_)
        | Kind::CompensationStarted(_)
        | Kind::FollowUpStarted(_)
        | Kind::FollowUpAnswered(_)
        | Kind::Reopened(_)
        | Kind::Ended(_) => Some(kind.clone()),
        Kind::LegMoved(moved) => Some(Kind::LegMoved(LegMoved {
            line: moved.line,
            leg: moved.leg,
            state: moved.state,
            detail: moved.detail.clone(),
            quantity: moved.quantity,
            count: moved.count,
            tracking_no: moved.tracking_no.clone(),
        })),
        Kind::SettlementPaid(paid) => Some(Kind::SettlementPaid(SettlementPaid {
            settlement_id: paid.settlement_id.clone(),
            line: paid.line,
            amount: paid.amount.clone(),
            alone: false,
        })),
        Kind::Planned(planned) => {
            let plan = planned.plan.as_ref().filter(|_| knows_plan(state)).map(plan)?;
            Some(Kind::Planned(Planned { plan: Some(plan), alone: false }))
        }
        Kind::Approved(approved) => {
            let approved = Approved { plan_number: approved.plan_number, by: STAFF.to_owned(), alone: false };
            knows_plan(state).then_some(Kind::Approved(approved))
        }
        // What we think of it, whom of us we ask, and how well we keep our own clocks.
        Kind::Assessed(_)
        | Kind::PersonAsked(_)
        | Kind::ApprovalRequested(_)
        | Kind::Denied(_)
        | Kind::ClockMoved(_) => None,
    }
}
