//! What the customer says about a claim that is recorded, and what was said to the customer.

use anyhow::Result;
use jiff::Timestamp;
use proto::claim::Channel;
use proto::intake::{
    AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, ConfirmReadBackRequest, ContactDirection,
    LogContactRequest, MarkDuplicateRequest, WithdrawClaimRequest,
};
use proto::to_wire;
use tonic::Request;

use super::{get, print, show};
use crate::connect::Session;
use crate::exit::Failure;
use crate::output;

/// No etag: what this program has read to find the claim, nobody has looked at, so a claim that moves on meanwhile is no
/// reason to refuse.
const UNSEEN: &str = "";

/// Confirms the main points.
pub async fn confirm(claim: &str, session: &Session) -> Result<()> {
    let claim_id = get(claim, session).await?.claim_id;
    let request = ConfirmReadBackRequest { request_id: session.request_id(), claim_id, etag: UNSEEN.to_owned() };
    let answer = session.clients.intake()?.confirm_read_back(Request::new(request)).await?.into_inner();
    print(answer.claim.as_ref(), session)
}

/// What the customer answers.
pub struct Said {
    /// Order number; empty: none.
    pub order_no: String,
    /// Delivery address; empty: it stays as it is.
    pub address: String,
    /// In words.
    pub text: String,
}

/// Answers a question, or the one that is open.
pub async fn question(claim: &str, question: Option<String>, said: Said, session: &Session) -> Result<()> {
    let claim = get(claim, session).await?;
    let open = claim.questions.iter().find(|question| question.answered_at.is_none() && question.closed_at.is_none());
    let question_id = question.or_else(|| open.map(|question| question.question_id.clone()));
    let question_id = question_id.ok_or_else(|| Failure::NotFound("no question is open".to_owned()))?;
    let request = AnswerQuestionRequest {
        request_id: session.request_id(),
        claim_id: claim.claim_id,
        question_id,
        order_no: said.order_no,
        text: said.text,
        address: said.address,
    };
    let answer = session.clients.intake()?.answer_question(Request::new(request)).await?.into_inner();
    print(answer.claim.as_ref(), session)
}

/// Answers a plan, or the one that is open.
pub async fn plan(claim: &str, plan: Option<u32>, accepted: bool, text: String, session: &Session) -> Result<()> {
    let claim = get(claim, session).await?;
    let plan_number = plan.or_else(|| claim.open_plan.as_ref().map(|plan| plan.number));
    let plan_number = plan_number.ok_or_else(|| Failure::NotFound("no plan waits for an answer".to_owned()))?;
    let request =
        AnswerPlanRequest { request_id: session.request_id(), claim_id: claim.claim_id, plan_number, accepted, text };
    let answer = session.clients.intake()?.answer_plan(Request::new(request)).await?.into_inner();
    print(answer.claim.as_ref(), session)
}

/// Answers the follow-up.
pub async fn follow_up(claim: &str, score: u32, text: String, session: &Session) -> Result<()> {
    let claim_id = get(claim, session).await?.claim_id;
    let request = AnswerFollowUpRequest { request_id: session.request_id(), claim_id, score, text };
    let answer = session.clients.intake()?.answer_follow_up(Request::new(request)).await?.into_inner();
    print(answer.claim.as_ref(), session)
}

/// A contact with the customer.
pub struct Talk {
    /// When; `None`: now.
    pub at: Option<Timestamp>,
    /// How.
    pub channel: Channel,
    /// Who has sought it.
    pub direction: ContactDirection,
    /// What was said.
    pub note: String,
}

/// Logs a contact with the customer; shows all of the claim.
pub async fn log(claim: &str, talk: Talk, session: &Session) -> Result<()> {
    let claim_id = get(claim, session).await?.claim_id;
    let Talk { at, channel, direction, note } = talk;
    let request = LogContactRequest {
        request_id: session.request_id(),
        claim_id,
        at: at.map(to_wire),
        channel: channel.into(),
        direction: direction.into(),
        note,
    };
    let answer = session.clients.intake()?.log_contact(Request::new(request)).await?.into_inner();
    print(answer.claim.as_ref(), session)?;
    if session.output.is_json() {
        return Ok(());
    }
    output::line(show::contacts(&answer.claim.unwrap_or_default().contacts))
}

/// Says that the claim is the same as another one.
pub async fn duplicate(claim: &str, of: &str, session: &Session) -> Result<()> {
    let (claim, of) = (get(claim, session).await?, get(of, session).await?);
    let request = MarkDuplicateRequest {
        request_id: session.request_id(),
        claim_id: claim.claim_id,
        of_claim_id: of.claim_id,
        etag: UNSEEN.to_owned(),
    };
    let answer = session.clients.intake()?.mark_duplicate(Request::new(request)).await?.into_inner();
    print(answer.claim.as_ref(), session)
}

/// Withdraws the claim.
pub async fn withdraw(claim: &str, text: String, session: &Session) -> Result<()> {
    let claim_id = get(claim, session).await?.claim_id;
    let request = WithdrawClaimRequest { request_id: session.request_id(), claim_id, text };
    let answer = session.clients.intake()?.withdraw_claim(Request::new(request)).await?.into_inner();
    print(answer.claim.as_ref(), session)
}
