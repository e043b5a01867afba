//! The customers: most answer, some are silent, a few change their mind.

use std::sync::Arc;

use anyhow::Result;
use proto::claim::claim_event::Kind;
use proto::claim::{ClaimEvent, ClaimState, QuestionAsked};
use proto::intake::{
    AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, GetClaimRequest, WithdrawClaimRequest,
};
use tonic::{Request, Status};

use super::world::{World, persist};

/// One of so many customers with a plan changes their mind before the carrier comes.
const MIND_CHANGED_OF: u64 = 100;
/// Of so many customers who are asked, two are silent and one withdraws.
const ASKED_OF: u64 = 20;

/// A question is open.
pub fn asked(world: &Arc<World>, event: &ClaimEvent, asked: &QuestionAsked) {
    world.act("customer", answer(Arc::clone(world), event.claim_id.clone(), asked.question_id.clone()));
}

async fn answer(world: Arc<World>, claim: String, question: String) -> Result<()> {
    match world.draw("answer", &claim, ASKED_OF).await? {
        0 | 1 => Ok(()),
        2 => withdraw(&world, &claim).await,
        // The sale is older than what the shop exported: nobody keeps a receipt that long.
        _ => no_number(&world, &claim, &question).await,
    }
}

async fn no_number(world: &World, claim: &str, question: &str) -> Result<()> {
    let intake = world.customer(claim).await?.intake()?;
    persist(&["QUESTION_NOT_OPEN"], |request_id| {
        let request = AnswerQuestionRequest {
            request_id,
            claim_id: claim.to_owned(),
            question_id: question.to_owned(),
            order_no: String::new(),
            text: "I do not have the order number any more.".to_owned(),
            ..AnswerQuestionRequest::default()
        };
        let mut intake = intake.clone();
        async move { intake.answer_question(Request::new(request)).await }
    })
    .await?;
    Ok(())
}

async fn withdraw(world: &World, claim: &str) -> Result<()> {
    let intake = world.customer(claim).await?.intake()?;
    persist(&[], |request_id| {
        let text = "I have changed my mind.".to_owned();
        let request = WithdrawClaimRequest { request_id, claim_id: claim.to_owned(), text };
        let mut intake = intake.clone();
        async move { intake.withdraw_claim(Request::new(request)).await }
    })
    .await?;
    Ok(())
}

/// Whether the customer of a claim withdraws when the carrier has promised to come.
pub async fn changes_mind(world: &World, claim: &str) -> Result<bool> {
    Ok(world.draw("mind", claim, MIND_CHANGED_OF).await? == 0)
}

/// Whatever happened: a plan may wait for consent, or the carrier may have been booked.
pub fn hear(world: &Arc<World>, event: &ClaimEvent) {
    if event.state() == ClaimState::AwaitingConsent {
        world.act("customer", consent(Arc::clone(world), event.claim_id.clone()));
    }
    if let Some(Kind::LegMoved(moved)) = &event.kind
        && moved.detail == "BOOKED"
    {
        world.act("customer", reconsider(Arc::clone(world), event.claim_id.clone()));
    }
}

async fn reconsider(world: Arc<World>, claim: String) -> Result<()> {
    if changes_mind(&world, &claim).await? { withdraw(&world, &claim).await } else { Ok(()) }
}

async fn consent(world: Arc<World>, claim: String) -> Result<()> {
    let intake = world.customer(&claim).await?.intake()?;
    let plan = persist(&[], |_| {
        let request = GetClaimRequest { claim_id: claim.clone(), claim_number: String::new() };
        let mut intake = intake.clone();
        async move {
            let found = intake.get_claim(Request::new(request)).await?.into_inner().claim.unwrap_or_default();
            let plan = found.open_plan.map(|plan| plan.number);
            plan.ok_or_else(|| Status::unavailable("the plan is not proposed yet"))
        }
    });
    let plan_number = plan.await?;
    persist(&[], |request_id| {
        let request =
            AnswerPlanRequest { request_id, claim_id: claim.clone(), plan_number, accepted: true, text: String::new() };
        let mut intake = intake.clone();
        async move { intake.answer_plan(Request::new(request)).await }
    })
    .await?;
    Ok(())
}

/// The customer is asked whether it is solved.
pub fn followed_up(world: &Arc<World>, event: &ClaimEvent) {
    world.act("customer", satisfied(Arc::clone(world), event.claim_id.clone()));
}

async fn satisfied(world: Arc<World>, claim: String) -> Result<()> {
    let intake = world.customer(&claim).await?.intake()?;
    persist(&["FOLLOW_UP_NOT_OPEN"], |request_id| {
        let request = AnswerFollowUpRequest { request_id, claim_id: claim.clone(), score: 5, text: String::new() };
        let mut intake = intake.clone();
        async move { intake.answer_follow_up(Request::new(request)).await }
    })
    .await?;
    Ok(())
}
