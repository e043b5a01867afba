//! Calls: request → command, claim → reply, refusal → status.

mod check;
mod list;
mod reply;
mod report;

use chassis::{Call, Check, Clock, Lanes, Outcome};
use jiff::Timestamp;
use proto::ClaimId;
use proto::intake::intake_service_server::IntakeService;
use proto::intake::{
    AddEvidenceRequest, AddEvidenceResponse, AnswerFollowUpRequest, AnswerFollowUpResponse, AnswerPlanRequest,
    AnswerPlanResponse, AnswerQuestionRequest, AnswerQuestionResponse, ConfirmReadBackRequest, ConfirmReadBackResponse,
    GetClaimRequest, GetClaimResponse, GetContactRequest, GetContactResponse, ListClaimsRequest, ListClaimsResponse,
    SubmitClaimRequest, SubmitClaimResponse, WithdrawClaimRequest, WithdrawClaimResponse,
};
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::domain::{Action, Claim, Command, Pii, Refusal, read_back};
use crate::handle::Handle;
use crate::store;

/// The gRPC service.
pub struct Api {
    /// How anything changes.
    pub lanes: Lanes<Handle>,
    /// The pool for reads.
    pub reads: PgPool,
    /// What day it is.
    pub clock: Clock,
}

#[tonic::async_trait]
impl IntakeService for Api {
    async fn submit_claim(
        &self,
        request: Request<SubmitClaimRequest>,
    ) -> Result<Response<SubmitClaimResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        report::of_a_customer(&mut check, &body.customer_ref);
        let (request_id, command) = submit(check, body, self.clock.now())?;
        let reply = self.lanes.call(&call, "SubmitClaim", request_id, body, command).await?;
        Ok(Response::new(reply))
    }

    async fn get_claim(&self, request: Request<GetClaimRequest>) -> Result<Response<GetClaimResponse>, Status> {
        let claim = list::get(&self.reads, request.get_ref()).await?;
        Ok(Response::new(GetClaimResponse { claim: Some(claim) }))
    }

    async fn list_claims(&self, request: Request<ListClaimsRequest>) -> Result<Response<ListClaimsResponse>, Status> {
        Ok(Response::new(list::list(&self.reads, request.get_ref()).await?))
    }

    async fn get_contact(&self, request: Request<GetContactRequest>) -> Result<Response<GetContactResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim: ClaimId = check.id("claim_id", &body.claim_id);
        let purpose = check.text("purpose", &body.purpose, 1..=200);
        check.finish()?;
        let (actor, now) = (&call.actor.subject, self.clock.now());
        let contact = store::contact(&self.reads, claim, actor, &purpose, now).await.map_err(chassis::read_failed)?;
        let contact = contact.ok_or_else(|| chassis::Refusal::not_found("claim", claim))?;
        Ok(Response::new(GetContactResponse { contact: Some(reply::contact(&contact)) }))
    }

    async fn confirm_read_back(
        &self,
        request: Request<ConfirmReadBackRequest>,
    ) -> Result<Response<ConfirmReadBackResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let (request_id, claim) = check::ids(&mut check, &body.request_id, &body.claim_id);
        let version = check::etag(&mut check, &body.etag);
        check.finish()?;
        let command = Command::Act { claim, action: Action::ConfirmReadBack { version } };
        Ok(Response::new(self.lanes.call(&call, "ConfirmReadBack", request_id, body, command).await?))
    }

    async fn add_evidence(
        &self,
        request: Request<AddEvidenceRequest>,
    ) -> Result<Response<AddEvidenceResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let (request_id, claim) = check::ids(&mut check, &body.request_id, &body.claim_id);
        let evidence = report::evidence(&mut check, &body.evidence, 1, report::LINES_MAX);
        check.finish()?;
        let command = Command::Act { claim, action: Action::AddEvidence { evidence } };
        Ok(Response::new(self.lanes.call(&call, "AddEvidence", request_id, body, command).await?))
    }

    async fn answer_question(
        &self,
        request: Request<AnswerQuestionRequest>,
    ) -> Result<Response<AnswerQuestionResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let (request_id, claim) = check::ids(&mut check, &body.request_id, &body.claim_id);
        let question_id = check.token("question_id", &body.question_id, 1..=64);
        let order_no = check.text("order_no", &body.order_no, 0..=64);
        let text = Pii::new(check.prose("text", &body.text, 0..=4000));
        check.finish()?;
        let command = Command::Act { claim, action: Action::AnswerQuestion { question_id, order_no, text } };
        Ok(Response::new(self.lanes.call(&call, "AnswerQuestion", request_id, body, command).await?))
    }

    async fn withdraw_claim(
        &self,
        request: Request<WithdrawClaimRequest>,
    ) -> Result<Response<WithdrawClaimResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let (request_id, claim) = check::ids(&mut check, &body.request_id, &body.claim_id);
        let text = Pii::new(check.prose("text", &body.text, 0..=1000));
        check.finish()?;
        let command = Command::Act { claim, action: Action::Withdraw { text } };
        Ok(Response::new(self.lanes.call(&call, "WithdrawClaim", request_id, body, command).await?))
    }

    async fn answer_plan(&self, request: Request<AnswerPlanRequest>) -> Result<Response<AnswerPlanResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let (request_id, claim) = check::ids(&mut check, &body.request_id, &body.claim_id);
        let plan_number = check.number("plan_number", body.plan_number, 1..=u32::MAX);
        let text = Pii::new(check.prose("text", &body.text, 0..=4000));
        check.finish()?;
        let action = Action::AnswerPlan { plan_number, accepted: body.accepted, text };
        let command = Command::Act { claim, action };
        Ok(Response::new(self.lanes.call(&call, "AnswerPlan", request_id, body, command).await?))
    }

    async fn answer_follow_up(
        &self,
        request: Request<AnswerFollowUpRequest>,
    ) -> Result<Response<AnswerFollowUpResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let (request_id, claim) = check::ids(&mut check, &body.request_id, &body.claim_id);
        let score = check.number("score", body.score, 1..=5);
        let text = Pii::new(check.prose("text", &body.text, 0..=4000));
        check.finish()?;
        let command = Command::Act { claim, action: Action::AnswerFollowUp { score, text } };
        Ok(Response::new(self.lanes.call(&call, "AnswerFollowUp", request_id, body, command).await?))
    }
}

/// The command of a report, whoever makes it.
pub fn submit(mut check: Check, body: &SubmitClaimRequest, now: Timestamp) -> Result<(Uuid, Command), Status> {
    let request_id = check.request_id(&body.request_id);
    let report = report::report(&mut check, body, now);
    check.finish()?;
    Ok((request_id, Command::Submit { request_id, report: Box::new(report) }))
}

/// The answer to SubmitClaim.
pub fn submitted(claim: &Claim) -> Outcome {
    Outcome::reply(&SubmitClaimResponse { claim: Some(reply::claim(claim)), read_back: read_back(claim) })
}

/// The answer to an action: callers get the claim as it is now, the orchestrator waits for none.
pub fn answer(action: &Action, claim: &Claim) -> Outcome {
    let claim = action.is_call().then(|| reply::claim(claim));
    match action {
        Action::ConfirmReadBack { .. } => Outcome::reply(&ConfirmReadBackResponse { claim }),
        Action::AddEvidence { .. } => Outcome::reply(&AddEvidenceResponse { claim }),
        Action::AnswerQuestion { .. } => Outcome::reply(&AnswerQuestionResponse { claim }),
        Action::Withdraw { .. } => Outcome::reply(&WithdrawClaimResponse { claim }),
        Action::AnswerPlan { .. } => Outcome::reply(&AnswerPlanResponse { claim }),
        Action::AnswerFollowUp { .. } => Outcome::reply(&AnswerFollowUpResponse { claim }),
        Action::AskCustomer { .. }
        | Action::CloseQuestion { .. }
        | Action::ProposePlan { .. }
        | Action::WithdrawPlan { .. }
        | Action::StartFollowUp { .. }
        | Action::EndClaim { .. } => Outcome::none(),
    }
}

impl From<Refusal> for chassis::Refusal {
    fn from(refusal: Refusal) -> Self {
        let state = |message| Self::new(Code::FailedPrecondition, refusal.reason(), message);
        match &refusal {
            Refusal::ClaimEnded => state("the claim has ended"),
            Refusal::AlreadyWithdrawn => state("the claim was withdrawn before"),
            Refusal::AlreadyConfirmed => state("the read-back was confirmed before"),
            Refusal::EtagMismatch => Self::etag_mismatch(),
            Refusal::TooMuchEvidence { held } => {
                state("a claim holds at most 50 pieces of evidence").with("held", held)
            }
            Refusal::NoSuchLine { line } => state("the claim does not have this line").with("line", line),
            Refusal::QuestionNotOpen { question_id } => {
                state("no such question is open").with("question_id", question_id)
            }
            Refusal::PlanNotOpen { plan_number } => {
                state("no such plan waits for an answer").with("plan_number", plan_number)
            }
            Refusal::FollowUpNotOpen => state("no follow-up is open"),
            // Only the orchestrator asks questions: a process that never ends is for a person to look at.
            Refusal::TooManyQuestions => Self::park("a claim holds at most 20 questions"),
        }
    }
}
