//! The customers' answers: to questions, to plans, to the follow-up; some come late, wrong, or never.

use std::sync::Arc;

use proto::claim::ClaimState;
use proto::intake::{
    AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, Claim, ListClaimsRequest, Question,
};
use tonic::Status;

use super::call::{Answer, customer};
use super::desk::Desk;
use super::life::{Manner, Moment};
use super::texts;
use super::world::{Case, World};

/// States in which the customer is asked.
const ASKED: [ClaimState; 3] = [ClaimState::AwaitingCustomer, ClaimState::AwaitingConsent, ClaimState::FollowingUp];

/// Where those live who forgot to say it.
const ADDRESS: &str = "1 '*.>' Street 😀";

/// All customers.
#[derive(Debug)]
pub struct Customers;

impl Desk for Customers {
    type Item = Claim;

    async fn list(world: &World) -> Result<Vec<Claim>, Status> {
        let mut claims = Vec::new();
        for state in ASKED {
            let ask = ListClaimsRequest { state: state.into(), ..ListClaimsRequest::default() };
            claims.extend(world.lines.list(ask).await?);
        }
        Ok(claims)
    }

    fn claim(item: &Claim) -> Option<&str> {
        Some(&item.claim_id)
    }

    fn key(claim: &Claim) -> String {
        let plan = claim.open_plan.as_ref().map_or(0, |plan| plan.number);
        format!("{}/{}/{}/{plan}/{}", claim.claim_id, claim.state, claim.questions.len(), claim.scores.len())
    }

    async fn serve(world: Arc<World>, claim: Claim, turn: u32) {
        let Some(case) = world.case(&claim.claim_id) else { return };
        match claim.state() {
            ClaimState::AwaitingCustomer => {
                if world.withdraw_at(&case, Moment::Question).await {
                    return;
                }
                let open = |question: &&Question| {
                    question.asked_at.is_some() && question.answered_at.is_none() && question.closed_at.is_none()
                };
                if let Some(question) = claim.questions.iter().find(open) {
                    answer(&world, &case, question, turn).await;
                }
            }
            ClaimState::AwaitingConsent => {
                if let Some(plan) = &claim.open_plan {
                    tokio::join!(world.withdraw_at(&case, Moment::Consent), consent(&world, &case, plan.number, turn));
                }
            }
            ClaimState::FollowingUp => {
                let gone = world.withdraw_at(&case, Moment::FollowUp).await;
                if !gone {
                    score(&world, &case, claim.scores.len(), turn).await;
                }
            }
            _ => {}
        }
    }
}

async fn answer(world: &World, case: &Case, question: &Question, turn: u32) {
    let asks_where = question.reason == "ADDRESS_NEEDED";
    let order_no = match case.life.answers {
        Manner::Silent => return,
        _ if asks_where => String::new(),
        Manner::Good => case.life.order_no.clone(),
        Manner::Bad => String::new(),
        Manner::Wrong => "no such order".to_owned(),
    };
    let address = if asks_where && case.life.answers != Manner::Bad { ADDRESS } else { "" };
    let what = format!("answer {} {turn}", question.question_id);
    let request = |what: &str| AnswerQuestionRequest {
        request_id: world.id(case, what),
        claim_id: case.claim.clone(),
        question_id: question.question_id.clone(),
        order_no: order_no.clone(),
        address: address.to_owned(),
        text: texts::description(&mut world.dice.about(case.key(), what)),
    };
    world.act(case, &customer(), &what, request(&what)).await;
    if world.dice.percent(case.key(), "answers again", 15) {
        let what = format!("{what} again");
        if let Answer::Done(_) = world.act(case, &customer(), &what, request(&what)).await {
            world.surprise(format!("claim {}: {} was answered twice", case.claim, question.question_id));
        }
    }
}

async fn consent(world: &World, case: &Case, plan_number: u32, turn: u32) {
    let accepted = match case.life.consents {
        Manner::Good | Manner::Wrong => true,
        Manner::Bad => plan_number > 1,
        Manner::Silent => return,
    };
    let request = |what: &str, plan_number| AnswerPlanRequest {
        request_id: world.id(case, what),
        claim_id: case.claim.clone(),
        plan_number,
        accepted,
        text: texts::description(&mut world.dice.about(case.key(), what)),
    };
    if world.dice.percent(case.key(), "another plan", 10) {
        let what = format!("consent to another plan {turn}");
        let answer = world.act(case, &customer(), &what, request(&what, plan_number + 7)).await;
        if let Answer::Done(_) = answer {
            world.surprise(format!("claim {}: a plan was answered that nobody made", case.claim));
        }
    }
    let what = format!("consent {plan_number} {turn}");
    world.act(case, &customer(), &what, request(&what, plan_number)).await;
}

async fn score(world: &World, case: &Case, rounds: usize, turn: u32) {
    let score = match case.life.scores {
        Manner::Bad if rounds == 0 => 1,
        Manner::Good | Manner::Bad | Manner::Wrong => 5,
        Manner::Silent => return,
    };
    let what = format!("score {rounds} {turn}");
    let request = AnswerFollowUpRequest {
        request_id: world.id(case, &what),
        claim_id: case.claim.clone(),
        score,
        text: texts::description(&mut world.dice.about(case.key(), &what)),
    };
    world.act(case, &customer(), &what, request).await;
}
