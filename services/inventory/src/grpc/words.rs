//! Words of the domain and words of the wire.

use proto::inventory as wire;

use proto::claim;

use crate::domain::{
    BatchRule, Disposition, Job, MovementKind, ReservationState, Return, ReturnReason, ReturnState, Zone,
};
use crate::events;

/// The wire form of a return.
pub fn goods_return(job: &Job, known: &Return) -> wire::Return {
    wire::Return {
        job: Some(events::wire_job(job)),
        etag: chassis::etag(known.version),
        sku: known.sku.clone(),
        batch: known.batch.clone(),
        announced: known.announced,
        count: Some(events::wire_count(known)),
        state: wire_return_state(known.state).into(),
        reason: wire_reason(known.reason).into(),
        other_sku: known.other_sku.clone(),
        waiting: known.waiting(),
    }
}

/// The version that an etag names; none: it is not compared. What is no etag of ours names no version that is.
pub(super) fn version(etag: &str) -> Option<i64> {
    if etag.is_empty() {
        return None;
    }
    let number = etag.trim_matches('"').parse().ok().filter(|version| chassis::etag(*version) == etag);
    Some(number.unwrap_or(-1))
}

/// The name of a job in an error.
pub(super) fn job_name(job: &Job) -> String {
    format!("{}/{}/{}/{}", job.claim, job.round, job.line, job.attempt)
}

/// A zone; unspecified was refused before.
pub(super) fn zone(zone: wire::Zone) -> Zone {
    match zone {
        wire::Zone::Unspecified | wire::Zone::Qualified => Zone::Qualified,
        wire::Zone::Unqualified => Zone::Unqualified,
        wire::Zone::PendingInspection => Zone::PendingInspection,
        wire::Zone::Valuables => Zone::Valuables,
    }
}

/// A disposition; unspecified was refused before.
pub(super) fn disposition(disposition: wire::Disposition) -> Disposition {
    match disposition {
        wire::Disposition::Unspecified | wire::Disposition::Restock => Disposition::Restock,
        wire::Disposition::Scrap => Disposition::Scrap,
        wire::Disposition::SupplierReturn => Disposition::SupplierReturn,
        wire::Disposition::SendBack => Disposition::SendBack,
    }
}

pub(super) fn wire_zone(zone: Zone) -> wire::Zone {
    match zone {
        Zone::Qualified => wire::Zone::Qualified,
        Zone::Unqualified => wire::Zone::Unqualified,
        Zone::PendingInspection => wire::Zone::PendingInspection,
        Zone::Valuables => wire::Zone::Valuables,
    }
}

pub(super) fn wire_movement_kind(kind: MovementKind) -> wire::MovementKind {
    match kind {
        MovementKind::Receipt => wire::MovementKind::Receipt,
        MovementKind::Adjustment => wire::MovementKind::Adjustment,
        MovementKind::Consumed => wire::MovementKind::Consumed,
        MovementKind::Return => wire::MovementKind::Return,
        MovementKind::Restocked => wire::MovementKind::Restocked,
        MovementKind::Scrapped => wire::MovementKind::Scrapped,
        MovementKind::SupplierReturn => wire::MovementKind::SupplierReturn,
        MovementKind::Moved => wire::MovementKind::Moved,
        MovementKind::SentBack => wire::MovementKind::SentBack,
    }
}

pub(super) fn wire_reservation_state(state: ReservationState) -> wire::ReservationState {
    match state {
        ReservationState::HeldPartly => wire::ReservationState::HeldPartly,
        ReservationState::Held => wire::ReservationState::Held,
        ReservationState::Committed => wire::ReservationState::Committed,
        ReservationState::Consumed => wire::ReservationState::Consumed,
        ReservationState::Released => wire::ReservationState::Released,
        ReservationState::Expired => wire::ReservationState::Expired,
        ReservationState::Failed => wire::ReservationState::Failed,
        ReservationState::BatchUnknown => wire::ReservationState::BatchUnknown,
    }
}

pub(super) fn wire_batch_rule(rule: BatchRule) -> claim::BatchRule {
    match rule {
        BatchRule::Any => claim::BatchRule::Any,
        BatchRule::Other => claim::BatchRule::Other,
        BatchRule::Same => claim::BatchRule::Same,
        BatchRule::Single => claim::BatchRule::Single,
    }
}

fn wire_reason(reason: ReturnReason) -> claim::ReturnReason {
    match reason {
        ReturnReason::Unspecified => claim::ReturnReason::Unspecified,
        ReturnReason::Faulty => claim::ReturnReason::Faulty,
        ReturnReason::ChangeOfMind => claim::ReturnReason::ChangeOfMind,
        ReturnReason::WrongItem => claim::ReturnReason::WrongItem,
        ReturnReason::Undelivered => claim::ReturnReason::Undelivered,
    }
}

/// A state to narrow a list to; unspecified: all.
pub(super) fn reservation_state(state: wire::ReservationState) -> Option<ReservationState> {
    ReservationState::ALL.iter().copied().find(|known| wire_reservation_state(*known) == state)
}

pub(super) fn wire_return_state(state: ReturnState) -> wire::ReturnState {
    match state {
        ReturnState::Expected => wire::ReturnState::Expected,
        ReturnState::PartlyReceived => wire::ReturnState::PartlyReceived,
        ReturnState::FullyReceived => wire::ReturnState::FullyReceived,
        ReturnState::ClosedShort => wire::ReturnState::ClosedShort,
        ReturnState::Cancelled => wire::ReturnState::Cancelled,
    }
}

/// A state to narrow a list to; unspecified: all.
pub(super) fn return_state(state: wire::ReturnState) -> Option<ReturnState> {
    ReturnState::ALL.iter().copied().find(|known| wire_return_state(*known) == state)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn only_our_etags_name_a_version() {
        assert_eq!(version(""), None);
        assert_eq!(version("\"3\""), Some(3));
        assert_eq!(version("3"), Some(-1));
        assert_eq!(version("\"03\""), Some(-1));
    }
}
