//! Those who judge what the rules could not: mostly as the rules propose, sometimes otherwise, sometimes two at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::claim::{LinePlan, Money, ReportedLine, Resolution};
use proto::triage::{DecideWorkItemRequest, LineDecision, ListWorkItemsRequest, WorkItem};
use tonic::Status;

use super::call::{Actor, Answer};
use super::desk::Desk;
use super::life::Moment;
use super::world::{Case, World};
use super::{rulers, texts};
use crate::random::Random;

/// After so many judgements the claim is rejected: everybody has had their say.
const PATIENCE: u32 = 6;

/// Specialists, supervisors and quality at triage.
#[derive(Debug)]
pub struct Judges;

impl Desk for Judges {
    type Item = WorkItem;

    async fn list(world: &World) -> Result<Vec<WorkItem>, Status> {
        world.lines.list(ListWorkItemsRequest::default()).await
    }

    fn claim(item: &WorkItem) -> Option<&str> {
        Some(&item.claim_id)
    }

    fn key(item: &WorkItem) -> String {
        format!("{}/{}", item.work_item_id, item.etag)
    }

    async fn serve(world: Arc<World>, item: WorkItem, turn: u32) {
        let Some(case) = world.case(&item.claim_id) else { return };
        let number = item.assessment.as_ref().map_or(0, |assessment| assessment.number);
        let what = format!("judge {number} {} {turn}", item.reason);
        let role = rulers::role_name(item.role);
        let mut chance = world.dice.about(case.key(), &what);
        let who = Actor::new(format!("judge-{role}-{}", chance.below(3)), &role);
        let mut first = draft(&world, &case, &item, &what);
        decide(&mut chance, &item, number, turn, &mut first);
        let race = world.dice.percent(case.key(), &format!("race {what}"), 25);
        if !race {
            let judge = world.act(&case, &who, &what, first);
            tokio::join!(judge, world.withdraw_at(&case, Moment::Judging));
            return;
        }
        let mut second = draft(&world, &case, &item, &format!("{what} other"));
        second.lines = item.lines.iter().map(rejected).collect();
        let other = Actor::new(format!("rival-{role}"), &role);
        let tag = format!("{what} race");
        let (one, two, _) = tokio::join!(
            world.act(&case, &who, &tag, first),
            world.act(&case, &other, &tag, second),
            world.withdraw_at(&case, Moment::Judging)
        );
        if matches!((one, two), (Answer::Done(_), Answer::Done(_))) {
            world.surprise(format!("claim {}: work item {} was decided twice", case.claim, item.work_item_id));
        }
    }
}

fn draft(world: &World, case: &Case, item: &WorkItem, what: &str) -> DecideWorkItemRequest {
    DecideWorkItemRequest {
        request_id: world.id(case, what),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        note: texts::line(&mut world.dice.about(case.key(), what)),
        ..DecideWorkItemRequest::default()
    }
}

fn decide(chance: &mut Random, item: &WorkItem, number: u32, turn: u32, into: &mut DecideWorkItemRequest) {
    // What was refused once is rejected the second time: that always fits.
    if turn > 0 || number >= PATIENCE {
        into.lines = item.lines.iter().map(rejected).collect();
        return;
    }
    if number == 1 && chance.percent(8) {
        into.question = "MORE_DETAIL".to_owned();
        return;
    }
    let again = matches!(item.reason.as_str(), "DENIED" | "CONSENT_REFUSED" | "NO_ANSWER" | "LEG_FAILED" | "REOPENED");
    let proposed: BTreeMap<u32, &LinePlan> = item.proposal.iter().map(|plan| (plan.line, plan)).collect();
    let as_proposed = chance.percent(if again { 30 } else { 70 });
    into.lines = item
        .lines
        .iter()
        .map(|line| match proposed.get(&line.line) {
            Some(plan) if as_proposed => follow(line, plan),
            plan => instead(chance, line, plan.copied()),
        })
        .collect();
}

/// As the rules propose.
fn follow(line: &ReportedLine, plan: &LinePlan) -> LineDecision {
    if plan.resolution() == Resolution::Reject {
        return LineDecision { reason: plan.reason.clone(), ..rejected(line) };
    }
    LineDecision { line: line.line, resolution: plan.resolution, ..LineDecision::default() }
}

/// Otherwise than the rules propose.
fn instead(chance: &mut Random, line: &ReportedLine, plan: Option<&LinePlan>) -> LineDecision {
    let sold = plan.is_some_and(|plan| !plan.order_no.is_empty());
    let resolution = match chance.below(10) {
        0..4 => return rejected(line),
        4..6 => Resolution::TechnicalSupport,
        6..9 => Resolution::RefundOnly,
        _ if sold => Resolution::ReturnRefund,
        _ => Resolution::RefundOnly,
    };
    // Goods whose purchase is not known have the price that a person gives them.
    let priced = !sold && resolution != Resolution::TechnicalSupport;
    let price = Money { minor_units: 500, currency: "GBP".to_owned() };
    LineDecision {
        line: line.line,
        resolution: resolution.into(),
        quantity: 1,
        unit_price: priced.then_some(price),
        reason: String::new(),
    }
}

fn rejected(line: &ReportedLine) -> LineDecision {
    let resolution = Resolution::Reject.into();
    LineDecision { line: line.line, resolution, reason: "NOT_JUSTIFIED".to_owned(), ..LineDecision::default() }
}
