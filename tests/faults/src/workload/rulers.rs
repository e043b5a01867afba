//! Those who approve, advise, and decide about what failed: each by their role, sometimes two at once.

use std::sync::Arc;

use proto::claim::Role;
use proto::escalation::{DecideWorkItemRequest, ListWorkItemsRequest, Ruling, WorkItem, WorkKind};
use tonic::Status;

use super::call::{Actor, Answer};
use super::desk::Desk;
use super::life::{Moment, Story};
use super::world::{Case, World};
use super::{goods, texts};

/// Everybody on the work list of escalation.
#[derive(Debug)]
pub struct Rulers;

impl Desk for Rulers {
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
        let plan = item.plan.as_ref().map_or(0, |plan| plan.number);
        let nth = case.failures_before(item.line, &item.work_item_id);
        let what = format!("rule {:?} {plan} {} {} {nth} {turn}", item.kind(), item.step, item.line);
        let ruling = ruling(&world, &case, &item, nth, &what).await;
        let role = role_name(item.role);
        let at = world.dice.about(case.key(), &what).below(3);
        let who = Actor::new(format!("{role}-{at}"), &role);
        trespass(&world, &case, &item, &what).await;
        let first = draft(&world, &case, &item, &what, ruling);
        let withdraw = world.withdraw_at(&case, Moment::Approval);
        let race = world.dice.percent(case.key(), &format!("race {what}"), 25);
        if !race {
            let withdraw = async { item.kind() == WorkKind::Approval && withdraw.await };
            tokio::join!(world.act(&case, &who, &what, first), withdraw);
            return;
        }
        let second = draft(&world, &case, &item, &format!("{what} other"), other(item.kind(), ruling));
        let rival = Actor::new(format!("{role}-rival"), &role);
        let tag = format!("{what} race");
        let (one, two) = tokio::join!(world.act(&case, &who, &tag, first), world.act(&case, &rival, &tag, second));
        if matches!((one, two), (Answer::Done(_), Answer::Done(_))) {
            world.surprise(format!("claim {}: work item {} was decided twice", case.claim, item.work_item_id));
        }
    }
}

/// Name of a role as a caller has it.
pub fn role_name(role: i32) -> String {
    let role = Role::try_from(role).unwrap_or_default();
    role.word().to_owned()
}

fn draft(world: &World, case: &Case, item: &WorkItem, what: &str, ruling: Ruling) -> DecideWorkItemRequest {
    DecideWorkItemRequest {
        request_id: world.id(case, what),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        ruling: ruling.into(),
        note: texts::description(&mut world.dice.about(case.key(), what)).chars().take(1_000).collect(),
    }
}

/// What is decided; what has failed for the third time is given up.
async fn ruling(world: &World, case: &Case, item: &WorkItem, nth: usize, what: &str) -> Ruling {
    let mut chance = world.dice.about(case.key(), &format!("ruling {what}"));
    let first_plan = item.plan.as_ref().is_some_and(|plan| plan.number == 1);
    match item.kind() {
        WorkKind::Approval if first_plan && chance.percent(15) => Ruling::Deny,
        WorkKind::Support if nth == 0 && chance.percent(10) => Ruling::Deny,
        WorkKind::ReturnMismatch if chance.percent(50) => Ruling::Deny,
        WorkKind::LegFailed if case.life.story == Story::Ghost && nth == 1 && chance.percent(60) => {
            goods::introduce(world, &goods::ghost(&world.dice)).await;
            Ruling::Retry
        }
        WorkKind::LegFailed if nth < 2 && chance.percent(65) => Ruling::Retry,
        WorkKind::LegFailed => Ruling::Deny,
        WorkKind::CompensationFailed if nth < 2 && chance.percent(20) => Ruling::Retry,
        WorkKind::CompensationFailed if chance.percent(15) => Ruling::Deny,
        WorkKind::Approval
        | WorkKind::Support
        | WorkKind::CompensationFailed
        | WorkKind::Escalation
        | WorkKind::ReturnMismatch
        | WorkKind::Unspecified => Ruling::Approve,
    }
}

/// Another ruling that the kind takes, where there is one.
fn other(kind: WorkKind, ruling: Ruling) -> Ruling {
    match (kind, ruling) {
        (WorkKind::Approval | WorkKind::Support | WorkKind::CompensationFailed, Ruling::Approve) => Ruling::Deny,
        (WorkKind::Approval | WorkKind::Support | WorkKind::CompensationFailed, _) => Ruling::Approve,
        (WorkKind::ReturnMismatch, Ruling::Approve) => Ruling::Deny,
        (WorkKind::ReturnMismatch, _) => Ruling::Approve,
        (WorkKind::LegFailed, Ruling::Retry) => Ruling::Deny,
        (WorkKind::LegFailed, _) => Ruling::Retry,
        (WorkKind::Escalation | WorkKind::Unspecified, _) => Ruling::Approve,
    }
}

/// Now and then somebody without the role tries, or whoever proposed the plan: both are refused.
async fn trespass(world: &World, case: &Case, item: &WorkItem, what: &str) {
    let role = role_name(item.role);
    let who = match world.dice.about(case.key(), &format!("trespass {what}")).below(20) {
        0 => Actor::new("trespasser", "purchasing"),
        1..6 => match &item.plan {
            Some(plan) if item.kind() == WorkKind::Approval && plan.proposed_by != "rules" => {
                Actor::new(plan.proposed_by.clone(), role)
            }
            _ => return,
        },
        _ => return,
    };
    let what = format!("{what} trespass");
    let request = draft(world, case, item, &what, Ruling::Approve);
    if item.kind() != WorkKind::LegFailed
        && let Answer::Done(_) = world.act(case, &who, &what, request).await
    {
        world.surprise(format!("claim {}: {} decided work item {}", case.claim, who.name, item.work_item_id));
    }
}
