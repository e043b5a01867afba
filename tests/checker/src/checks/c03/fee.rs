//! What is paid back with other lines only, as the fee of a delivery, is paid when each of them gave all its units.

use proto::orchestrator::{Settlement, SettlementState};

use super::returned::plan_of;
use crate::evidence::{Evidence, Violation, job_text};

/// Looks for violations.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for row in &evidence.settlements {
        let (Some(job), Some(plan)) = (&row.job, plan_of(evidence, row)) else { continue };
        let Some(fee) = plan.lines.iter().find(|line| line.line == job.line) else { continue };
        for other in plan.lines.iter().filter(|line| fee.only_with.contains(&line.line)) {
            let given = |paid: &&Settlement| {
                let same = paid
                    .job
                    .as_ref()
                    .is_some_and(|of| (&of.claim_id, of.round, of.line) == (&job.claim_id, job.round, other.line));
                same && paid.state() == SettlementState::Paid
            };
            let units: u32 = evidence.settlements.iter().filter(given).map(|paid| paid.quantity).sum();
            if units < other.quantity {
                let what = format!(
                    "{}: it is paid with line {} only, which gave {units} of {} units",
                    job_text(job),
                    other.line,
                    other.quantity
                );
                found.push(Violation::of("C3", &job.claim_id, what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proto::claim::claim_event;

    use super::*;
    use crate::sample;

    /// Line 2 is paid with line 1 only, for which so many units were paid.
    fn bound(evidence: &mut Evidence, units: u32) {
        for event in evidence.timelines.get_mut(sample::CLAIM).unwrap() {
            if let Some(claim_event::Kind::Planned(planned)) = &mut event.kind {
                planned.plan.as_mut().unwrap().lines[1].only_with = vec![1];
            }
        }
        let mut other = evidence.settlements[0].clone();
        other.settlement_id = "other".into();
        other.job.as_mut().unwrap().line = 1;
        other.quantity = units;
        evidence.settlements.push(other);
    }

    #[test]
    fn a_fee_is_paid_with_the_whole_order_only() {
        assert_eq!(sample::found(check, |evidence| bound(evidence, 2)), Vec::<String>::new());
        let part = sample::found(check, |evidence| bound(evidence, 1));
        assert_eq!(part, ["round 1 line 2 attempt 1: it is paid with line 1 only, which gave 1 of 2 units"]);
        let open = sample::found(check, |evidence| {
            bound(evidence, 2);
            evidence.settlements[1].set_state(SettlementState::Failed);
        });
        assert_eq!(open.len(), 1, "{open:?}");
    }
}
