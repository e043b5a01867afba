//! Commands of the process as messages to the services.

use chassis::Outgoing;
use jiff::Timestamp;
use proto::claim::{BatchRule, LinePlan, ReturnReason};
use proto::escalation::{self as esc, EscalationCommand, escalation_command};
use proto::intake::{self, IntakeCommand, intake_command};
use proto::inventory::{self as inv, InventoryCommand, inventory_command};
use proto::logistics::{self as log, LogisticsCommand, logistics_command};
use proto::to_wire;
use proto::triage::{self, TriageCommand, triage_command};
use uuid::Uuid;

use super::words;
use crate::claim_process::{AssessReason, Clock, Command, Job, Stage, Task};
use crate::stored::Stored;

/// The message of a command; `None` for what is done here: ledger, settlement, notices, public facts.
///
/// Fails if the command is about a line that the plan in force does not have.
pub(crate) fn message(
    claim: Uuid,
    stored: &Stored,
    now: Timestamp,
    command: &Command,
) -> Result<Option<Outgoing>, String> {
    let to = To { claim, stored, now };
    Ok(Some(match command {
        Command::Assess { assessment, plan, reason } => to.assess(*assessment, *plan, *reason),
        Command::CancelAssessment { assessment } => {
            let cancel = triage::CancelAssessment { assessment: *assessment };
            to.triage(triage_command::Kind::CancelAssessment(cancel))
        }
        Command::AskCustomer { .. }
        | Command::CloseQuestion { .. }
        | Command::ProposePlan { .. }
        | Command::WithdrawPlan { .. }
        | Command::StartFollowUp { .. }
        | Command::EndClaim { .. } => return to.intake(command).map(Some),
        Command::MovePromises => return Ok(to.promises()),
        Command::RetargetClocks { round } => return Ok(to.retarget(*round)),
        Command::StartClocks { .. } | Command::StopClocks { .. } | Command::PauseClocks | Command::ResumeClocks => {
            return to.clocks(command).map(Some);
        }
        Command::RequestApproval { plan } => {
            let request = esc::RequestApproval {
                plan: Some(to.plan(*plan)?),
                severity: stored.case.severity,
                involved: Some(to.involved()),
            };
            to.escalation(escalation_command::Kind::RequestApproval(request))
        }
        Command::CancelApproval { plan } => {
            let cancel = esc::CancelApproval { plan_number: *plan };
            to.escalation(escalation_command::Kind::CancelApproval(cancel))
        }
        Command::OpenTask { job, kind, reason } => to.open_task(*job, *kind, reason),
        Command::CloseTask { job } => {
            let close = esc::CloseTask { job: Some(words::wire_job(claim, *job)), leg: job.leg.wire() as i32 };
            to.escalation(escalation_command::Kind::CloseTask(close))
        }
        Command::Reserve { .. }
        | Command::Consume { .. }
        | Command::Release { .. }
        | Command::ExpectReturn { .. }
        | Command::CancelReturn { .. } => return to.inventory(command).map(Some),
        Command::Ship { .. }
        | Command::CancelShipment { .. }
        | Command::Collect { .. }
        | Command::CancelCollection { .. }
        | Command::ArrangeVisit { .. }
        | Command::CancelVisit { .. } => return to.logistics(command).map(Some),
        Command::Grant { .. }
        | Command::GiveBack { .. }
        | Command::Give { .. }
        | Command::TakeBack { .. }
        | Command::Settle { .. }
        | Command::Notify { .. }
        | Command::Announce(_) => return Ok(None),
    }))
}

/// What comes back, and why. Goods of ours that come back are of the batch that was complained about only if that batch
/// was sent; a plan from before there were batch rules sent it.
fn expect_return(line: &LinePlan, quantity: u32, brings_back: bool) -> inv::ExpectReturn {
    let sent = matches!(line.batch_rule(), BatchRule::Unspecified | BatchRule::Same);
    let reason = if brings_back { ReturnReason::Undelivered } else { line.return_reason() };
    inv::ExpectReturn {
        sku: line.sku.clone(),
        batch: if brings_back && !sent { String::new() } else { line.batch.clone() },
        quantity,
        reason: reason.into(),
    }
}

/// What a message is made from.
struct To<'a> {
    claim: Uuid,
    stored: &'a Stored,
    now: Timestamp,
}

impl To<'_> {
    fn assess(&self, assessment: u32, plan: u32, reason: AssessReason) -> Outgoing {
        let case = &self.stored.case;
        let assess = triage::AssessClaim {
            assessment,
            plan_number: plan,
            reason: words::assess_reason(reason) as i32,
            claim_number: case.submitted.claim_number.clone(),
            customer_ref: case.submitted.customer_ref.clone(),
            country: case.submitted.country.clone(),
            lines: case.lines(),
            importance: case.submitted.importance,
            received_at: case.submitted.received_at,
            order_unknown_lines: case.order_unknown.iter().copied().collect(),
            announced_on: case.submitted.announced_on.clone(),
            left: case.left.iter().map(words::left).collect(),
            address_known: case.address_known(),
            channel: case.submitted.channel,
            involved: case.involved().into_iter().collect(),
            by_staff: case.submitted.by_staff,
            policy_version: case.submitted.policy_version,
        };
        self.triage(triage_command::Kind::AssessClaim(assess))
    }

    fn clocks(&self, command: &Command) -> Result<Outgoing, String> {
        use escalation_command::Kind;
        let kind = match command {
            Command::StartClocks { round, kinds } => {
                // The clocks of the first round run from when the customer called, not from when we were told.
                let from = if *round == 1 { self.stored.case.received_at() } else { self.now };
                let start = esc::StartClocks {
                    round: u32::from(*round),
                    kinds: words::clocks(kinds),
                    severity: self.stored.case.severity,
                    from: Some(to_wire(from)),
                    channel: self.stored.case.submitted.channel,
                };
                Kind::StartClocks(start)
            }
            Command::StopClocks { round, kinds } => {
                let kept = self.stored.case.stops.iter().find(|stop| stop.round == *round && stop.kinds == *kinds);
                let at = Some(to_wire(kept.map_or(self.now, |stop| stop.at)));
                let severity = self.stored.case.severity;
                let stop = esc::StopClocks { kinds: words::clocks(kinds), round: u32::from(*round), at, severity };
                Kind::StopClocks(stop)
            }
            Command::PauseClocks => Kind::PauseClocks(esc::PauseClocks {}),
            Command::ResumeClocks => Kind::ResumeClocks(esc::ResumeClocks {}),
            other => return Err(format!("{other:?} is not about clocks")),
        };
        Ok(self.escalation(kind))
    }

    /// Nothing, if the claim is not judged.
    fn retarget(&self, round: u16) -> Option<Outgoing> {
        let severity = self.stored.case.severity;
        let retarget = esc::RetargetClocks { round: u32::from(round), severity };
        let kind = escalation_command::Kind::RetargetClocks(retarget);
        (severity != 0).then(|| self.escalation(kind))
    }

    /// What is promised to the customer now, as far as it is not what intake has promised by itself. Nothing, if it is.
    fn promises(&self) -> Option<Outgoing> {
        let Stored { process, case, plan, .. } = self.stored;
        let moved = |kind: &str, due_at| intake::MovedPromise { kind: kind.to_owned(), due_at, due_on: String::new() };
        let mut promises = Vec::new();
        for (kind, clock, is_kept) in [
            ("ACKNOWLEDGEMENT", Clock::Acknowledgement, process.acknowledged),
            ("FIRST_FEEDBACK", Clock::FirstFeedback, process.heard),
        ] {
            let round = if clock == Clock::Acknowledgement { 1 } else { process.round };
            let due = case.deadlines.iter().find(|due| due.clock == clock && due.round == round);
            match due {
                _ if is_kept => promises.push(moved(kind, None)),
                Some(due) => promises.push(moved(kind, Some(to_wire(due.at)))),
                None => {}
            }
        }
        if let Stage::Executing { .. } = process.stage {
            let lines = plan.iter().flat_map(|plan| &plan.lines);
            let days = lines.filter_map(|line| u16::try_from(line.line).ok()).map(|line| self.stored.told_day(line));
            let due_on = days.max().unwrap_or_default();
            let solution = intake::MovedPromise { due_on, ..moved("SOLUTION", None) };
            promises.extend(Some(solution).filter(|solution| !solution.due_on.is_empty()));
        }
        let message = intake_command::Kind::MovePromises(intake::MovePromises { promises: promises.clone() });
        let message = IntakeCommand { claim_id: self.claim.to_string(), kind: Some(message) };
        (!promises.is_empty()).then(|| Outgoing::command("intake", "move_promises", self.claim, &message))
    }

    fn open_task(&self, job: Job, kind: Task, reason: &str) -> Outgoing {
        let (kind, role) = words::task(kind, job.leg);
        let open = esc::OpenTask {
            job: Some(words::wire_job(self.claim, job)),
            kind: kind as i32,
            leg: job.leg.wire() as i32,
            reason: reason.to_owned(),
            role: role as i32,
            involved: Some(self.involved()),
        };
        self.escalation(escalation_command::Kind::OpenTask(open))
    }

    /// Who has a hand in the claim.
    fn involved(&self) -> proto::claim::Involved {
        let case = &self.stored.case;
        proto::claim::Involved {
            subjects: case.involved().into_iter().collect(),
            customer_ref: case.submitted.customer_ref.clone(),
            failed_by: case.failed_by.iter().cloned().collect(),
        }
    }

    fn inventory(&self, command: &Command) -> Result<Outgoing, String> {
        use inventory_command::Kind;
        let (job, kind) = match command {
            Command::Reserve { job, quantity } => {
                let LinePlan { sku, batch, batch_rule, .. } = self.line(*job)?;
                let (sku, batch, batch_rule) = (sku.clone(), batch.clone(), *batch_rule);
                let reserve = inv::Reserve { sku, batch, quantity: *quantity, commit: true, batch_rule };
                (job, Kind::Reserve(reserve))
            }
            Command::ExpectReturn { job, quantity, brings_back } => {
                (job, Kind::ExpectReturn(expect_return(self.line(*job)?, *quantity, *brings_back)))
            }
            Command::Consume { job } => (job, Kind::Consume(inv::Consume {})),
            Command::Release { job } => (job, Kind::Release(inv::Release {})),
            Command::CancelReturn { job } => (job, Kind::CancelReturn(inv::CancelReturn {})),
            other => return Err(format!("{other:?} is not for inventory")),
        };
        let name = kind.name();
        let (job, policy_version) = (Some(words::wire_job(self.claim, *job)), self.policy_version());
        let message = InventoryCommand { job, policy_version, kind: Some(kind) };
        Ok(Outgoing::command("inventory", name, self.claim, &message))
    }

    fn logistics(&self, command: &Command) -> Result<Outgoing, String> {
        use logistics_command::Kind;
        let case = &self.stored.case;
        let country = case.submitted.country.clone();
        let (job, kind) = match command {
            Command::Ship { job, quantity } => {
                let sku = self.line(*job)?.sku.clone();
                (job, Kind::Ship(log::Ship { sku, quantity: *quantity, country, severity: case.severity }))
            }
            Command::Collect { job, quantity } => {
                let LinePlan { sku, freight_payer, .. } = self.line(*job)?;
                let (sku, freight_payer) = (sku.clone(), *freight_payer);
                (job, Kind::Collect(log::Collect { sku, quantity: *quantity, country, freight_payer }))
            }
            Command::CancelShipment { job } => (job, Kind::CancelShipment(log::CancelShipment {})),
            Command::CancelCollection { job } => (job, Kind::CancelCollection(log::CancelCollection {})),
            Command::ArrangeVisit { job, quantity } => {
                let LinePlan { sku, visit, .. } = self.line(*job)?;
                let (sku, kind) = (sku.clone(), visit.clone());
                (job, Kind::ArrangeVisit(log::ArrangeVisit { kind, sku, quantity: *quantity, country }))
            }
            Command::CancelVisit { job } => (job, Kind::CancelVisit(log::CancelVisit {})),
            other => return Err(format!("{other:?} is not for logistics")),
        };
        let name = kind.name();
        let (job, policy_version) = (Some(words::wire_job(self.claim, *job)), self.policy_version());
        let message = LogisticsCommand { job, policy_version, kind: Some(kind) };
        Ok(Outgoing::command("logistics", name, self.claim, &message))
    }

    fn intake(&self, command: &Command) -> Result<Outgoing, String> {
        use intake_command::Kind;
        let kind = match command {
            Command::AskCustomer { question, line, reason } => {
                let (question_id, line) = (format!("q{question}"), u32::from(*line));
                let ask = intake::AskCustomer { question_id, reason: reason.clone(), line };
                Kind::AskCustomer(ask)
            }
            Command::CloseQuestion { question } => {
                let close = intake::CloseQuestion { question_id: format!("q{question}") };
                Kind::CloseQuestion(close)
            }
            Command::ProposePlan { plan } => Kind::ProposePlan(intake::ProposePlan { plan: Some(self.plan(*plan)?) }),
            Command::WithdrawPlan { plan } => Kind::WithdrawPlan(intake::WithdrawPlan { plan_number: *plan }),
            Command::StartFollowUp { round } => Kind::StartFollowUp(intake::StartFollowUp { round: u32::from(*round) }),
            Command::EndClaim { outcome, reason } => {
                let end = intake::EndClaim { outcome: words::outcome(*outcome) as i32, reason: reason.clone() };
                Kind::EndClaim(end)
            }
            other => return Err(format!("{other:?} is not for intake")),
        };
        let name = kind.name();
        let message = IntakeCommand { claim_id: self.claim.to_string(), kind: Some(kind) };
        Ok(Outgoing::command("intake", name, self.claim, &message))
    }

    fn triage(&self, kind: triage_command::Kind) -> Outgoing {
        let name = kind.name();
        let message = TriageCommand { claim_id: self.claim.to_string(), kind: Some(kind) };
        Outgoing::command("triage", name, self.claim, &message)
    }

    fn escalation(&self, kind: escalation_command::Kind) -> Outgoing {
        let claim_number = self.stored.case.submitted.claim_number.clone();
        let (name, claim_id, policy_version) = (kind.name(), self.claim.to_string(), self.policy_version());
        let message = EscalationCommand { claim_id, claim_number, policy_version, kind: Some(kind) };
        Outgoing::command("escalation", name, self.claim, &message)
    }

    fn policy_version(&self) -> u32 {
        self.stored.case.submitted.policy_version
    }

    fn plan(&self, number: u32) -> Result<proto::claim::Plan, String> {
        let plan = self.stored.plan.as_ref().filter(|plan| plan.number == number);
        plan.cloned().ok_or_else(|| format!("plan {number} is not the plan in force"))
    }

    fn line(&self, job: Job) -> Result<&LinePlan, String> {
        self.stored.line(job.line).ok_or_else(|| format!("the plan in force has no line {}", job.line))
    }
}
