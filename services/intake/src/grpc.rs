//! Calls: request → command, claim → reply, refusal → status.

mod check;
mod export;
mod list;
mod metrics;
mod reads;
mod reply;
mod report;
pub mod vault;

use std::sync::Arc;
use std::time::Instant;

use chassis::{Actor, Call, Check, Clock, Day, Lanes, Outcome};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::intake::intake_service_server::IntakeService;
use proto::intake::words;
use proto::intake::{
    AddEvidenceRequest, AddEvidenceResponse, AnswerFollowUpRequest, AnswerFollowUpResponse, AnswerPlanRequest,
    AnswerPlanResponse, AnswerQuestionRequest, AnswerQuestionResponse, ConfirmReadBackRequest, ConfirmReadBackResponse,
    ExportCustomerRequest, GetClaimRequest, GetClaimResponse, GetContactRequest, GetContactResponse, ListClaimsRequest,
    ListClaimsResponse, LogContactRequest, LogContactResponse, MarkDuplicateRequest, MarkDuplicateResponse,
    SubmitClaimRequest, SubmitClaimResponse, WithdrawClaimRequest, WithdrawClaimResponse,
};
use proto::policy::Dated;
use proto::{ClaimId, claim};
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status};

use crate::admission::Admission;
use crate::domain::{Action, Claim, Command, Piece, Pii, Refusal, Rules, Spent, read_back};
use crate::handle::Handle;
use crate::store::Reading;
use crate::vault::Vault;
use crate::{evidence, store};

pub use reads::Reads;
pub use vault::{erased, placed, released};

/// The gRPC service.
pub struct Api {
    /// How anything changes.
    pub lanes: Lanes<Handle>,
    /// The pool for reads.
    pub reads: PgPool,
    /// What day it is.
    pub clock: Clock,
    /// Where a day of the company begins.
    pub day: TimeZone,
    /// The rules of each version of the policy pack.
    pub rules: Arc<Dated<Rules>>,
    /// What opens personal data.
    pub vault: Vault,
    /// Who reads it.
    pub readers: Reads,
    /// Who lets reports in.
    pub admission: Admission,
    /// Reads of personal data of each customer.
    pub reads_of_day: Arc<Day>,
}

#[tonic::async_trait]
impl IntakeService for Api {
    type ExportCustomerStream = export::Messages;

    async fn export_customer(
        &self,
        request: Request<ExportCustomerRequest>,
    ) -> Result<Response<export::Messages>, Status> {
        let (call, mut check) = (Call::of(&request), Check::new());
        let customer_ref = check.customer_ref("customer_ref", &request.get_ref().customer_ref, false);
        check.finish()?;
        let (reads, clock) = (self.reads.clone(), self.clock.clone());
        let (rules, vault) = (Arc::clone(&self.rules), self.vault.clone());
        let source = export::Source { reads, clock, rules, vault };
        export::export(source, &self.readers, call, customer_ref).await.map(Response::new)
    }

    async fn submit_claim(
        &self,
        request: Request<SubmitClaimRequest>,
    ) -> Result<Response<SubmitClaimResponse>, Status> {
        // Who is refused must cost little: before anything is checked.
        self.admission.has_room(Instant::now()).map_err(chassis::busy)?;
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        report::of_a_customer(&mut check, &call, body);
        let own = call.actor.customer.is_some();
        let command = submit(check, body, own, &self.day, self.clock.now())?;
        self.admission.let_in(Instant::now()).map_err(chassis::busy)?;
        let reply = self.lanes.call(&call, body, command).await?;
        if let Some(claim) = reply.get_ref().claim.as_ref().and_then(|claim| claim.claim_id.parse().ok()) {
            self.admission.taken(claim, Instant::now());
        }
        Ok(reply)
    }

    async fn get_claim(&self, request: Request<GetClaimRequest>) -> Result<Response<GetClaimResponse>, Status> {
        let claim = list::get(&self.reads, &self.rules, &Call::of(&request), request.get_ref()).await?;
        Ok(Response::new(GetClaimResponse { claim: Some(claim) }))
    }

    async fn list_claims(&self, request: Request<ListClaimsRequest>) -> Result<Response<ListClaimsResponse>, Status> {
        Ok(Response::new(list::list(&self.reads, &self.rules, &Call::of(&request), request.get_ref()).await?))
    }

    async fn get_contact(&self, request: Request<GetContactRequest>) -> Result<Response<GetContactResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim: ClaimId = check.id("claim_id", &body.claim_id);
        let purpose = vault::purpose(&mut check, &body.purpose);
        let fields = vault::fields(&mut check, &body.fields);
        check.finish()?;
        list::own(&self.reads, &call, claim).await?;
        self.reads_of_day.take(&call.actor)?;
        let permit = self.readers.contact(&call, claim, purpose, fields, !body.fields.is_empty()).await?;
        let (fields, at) = (permit.fields.clone(), self.clock.now());
        let reading = Reading { claim, actor: call.actor.subject, purpose, fields, at };
        let contact = store::contact(&self.reads, &self.vault, &reading).await;
        let contact = contact.map_err(|unread| vault::unread(unread, claim))?;
        let withheld = permit.withheld.iter().map(|field| (*field).into()).collect();
        Ok(Response::new(GetContactResponse { contact: Some(reply::contact(&contact)), withheld }))
    }

    async fn confirm_read_back(
        &self,
        request: Request<ConfirmReadBackRequest>,
    ) -> Result<Response<ConfirmReadBackResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let version = check::etag(&mut check, &body.etag);
        check.finish()?;
        let command = Command::Act { claim, action: Action::ConfirmReadBack { version } };
        self.lanes.call(&call, body, command).await
    }

    async fn add_evidence(
        &self,
        request: Request<AddEvidenceRequest>,
    ) -> Result<Response<AddEvidenceResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let evidence = report::evidence(&mut check, &body.evidence, 1, report::LINES_MAX, &call.actor);
        check.finish()?;
        let command = Command::Act { claim, action: Action::AddEvidence { evidence } };
        self.lanes.call(&call, body, command).await
    }

    async fn answer_question(
        &self,
        request: Request<AnswerQuestionRequest>,
    ) -> Result<Response<AnswerQuestionResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let question_id = check.token("question_id", &body.question_id, 1..=64);
        let order_no = check.spelled("order_no", &body.order_no, 0..=64);
        let address = Pii::new(check.prose("address", &body.address, 0..=500));
        let text = Pii::new(check.prose("text", &body.text, 0..=4000));
        check.finish()?;
        let command = Command::Act { claim, action: Action::AnswerQuestion { question_id, order_no, address, text } };
        self.lanes.call(&call, body, command).await
    }

    async fn mark_duplicate(
        &self,
        request: Request<MarkDuplicateRequest>,
    ) -> Result<Response<MarkDuplicateResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let of: ClaimId = check.id("of_claim_id", &body.of_claim_id);
        if of == claim && !of.0.is_nil() {
            check.add("of_claim_id", "must be another claim than claim_id");
        }
        let version = check::etag(&mut check, &body.etag);
        check.finish()?;
        let command = Command::Act { claim, action: Action::MarkDuplicate { of, version } };
        self.lanes.call(&call, body, command).await
    }

    async fn log_contact(&self, request: Request<LogContactRequest>) -> Result<Response<LogContactResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let at = body.at.as_ref().and_then(|at| check::past(&mut check, "at", at, self.clock.now()));
        let channel = check.choice::<claim::words::Channel>("channel", body.channel).into();
        let direction = check.choice::<words::ContactDirection>("direction", body.direction).into();
        let note = Pii::new(check.prose("note", &body.note, 0..=4000));
        check.finish()?;
        let command = Command::Act { claim, action: Action::LogContact { at, channel, direction, note } };
        self.lanes.call(&call, body, command).await
    }

    async fn withdraw_claim(
        &self,
        request: Request<WithdrawClaimRequest>,
    ) -> Result<Response<WithdrawClaimResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let text = Pii::new(check.prose("text", &body.text, 0..=1000));
        check.finish()?;
        let command = Command::Act { claim, action: Action::Withdraw { text } };
        self.lanes.call(&call, body, command).await
    }

    async fn answer_plan(&self, request: Request<AnswerPlanRequest>) -> Result<Response<AnswerPlanResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let plan_number = check.number("plan_number", body.plan_number, 1..=u32::MAX);
        let text = Pii::new(check.prose("text", &body.text, 0..=4000));
        check.finish()?;
        let action = Action::AnswerPlan { plan_number, accepted: body.accepted, text };
        let command = Command::Act { claim, action };
        self.lanes.call(&call, body, command).await
    }

    async fn answer_follow_up(
        &self,
        request: Request<AnswerFollowUpRequest>,
    ) -> Result<Response<AnswerFollowUpResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check::ids(&mut check, &body.request_id, &body.claim_id);
        let score = check.number("score", body.score, 1..=5);
        let text = Pii::new(check.prose("text", &body.text, 0..=4000));
        check.finish()?;
        let command = Command::Act { claim, action: Action::AnswerFollowUp { score, text } };
        self.lanes.call(&call, body, command).await
    }
}

/// The command of a report, whoever makes it: the customer by an `own` call, or somebody else. `day`: where a day begins.
pub fn submit(
    mut check: Check,
    body: &SubmitClaimRequest,
    own: bool,
    day: &TimeZone,
    now: Timestamp,
) -> Result<Command, Status> {
    let request_id = check.request_id(&body.request_id);
    let report = report::report(&mut check, body, day, now);
    check.finish()?;
    Ok(Command::Submit { request_id, report: Box::new(report), own })
}

/// The answer to SubmitClaim.
pub fn submitted(rules: &Dated<Rules>, claim: &Claim, actor: &Actor) -> Outcome {
    let told = reply::claim(rules, claim, actor);
    Outcome::reply(&SubmitClaimResponse {
        claim: Some(told),
        read_back: read_back(rules.nearest(claim.policy_version), claim),
    })
}

/// The answer to an action: callers get the claim as it is now, the orchestrator waits for none.
pub fn answer(rules: &Dated<Rules>, action: &Action, now: &Claim, actor: &Actor) -> Outcome {
    let claim = action.is_call().then(|| reply::claim(rules, now, actor));
    match action {
        Action::ConfirmReadBack { .. } => Outcome::reply(&ConfirmReadBackResponse { claim }),
        Action::AddEvidence { .. } => Outcome::reply(&AddEvidenceResponse { claim }),
        Action::KeepFile { file } => Outcome::reply(&evidence::kept(file, now, actor)),
        Action::AnswerQuestion { .. } => Outcome::reply(&AnswerQuestionResponse { claim }),
        Action::MarkDuplicate { .. } => Outcome::reply(&MarkDuplicateResponse { claim }),
        Action::LogContact { .. } => Outcome::reply(&LogContactResponse { claim }),
        Action::Withdraw { .. } => Outcome::reply(&WithdrawClaimResponse { claim }),
        Action::AnswerPlan { .. } => Outcome::reply(&AnswerPlanResponse { claim }),
        Action::AnswerFollowUp { .. } => Outcome::reply(&AnswerFollowUpResponse { claim }),
        Action::AskCustomer { .. }
        | Action::CloseQuestion { .. }
        | Action::ProposePlan { .. }
        | Action::WithdrawPlan { .. }
        | Action::StartFollowUp { .. }
        | Action::MovePromises(_)
        | Action::EndClaim { .. } => Outcome::none(),
    }
}

impl From<Refusal> for chassis::Refusal {
    fn from(refusal: Refusal) -> Self {
        let state = |message| Self::new(Code::FailedPrecondition, refusal.reason(), message);
        match &refusal {
            Refusal::ClaimEnded => state("the claim has ended"),
            Refusal::AlreadyWithdrawn => state("the claim was withdrawn before"),
            Refusal::AlreadyDuplicate { of } => {
                state("a person has said that the claim is a duplicate of another one").with("of", of)
            }
            Refusal::NoOther { of } => Self::not_found("claim", of),
            Refusal::OtherCustomer => state("the other claim is another customer's"),
            Refusal::NotMergeable => {
                state("the other claim was withdrawn, or is a duplicate itself: name the one that goes on")
            }
            Refusal::AlreadySolved => {
                state("all was done for the claim, and the customer is asked whether it is solved")
            }
            Refusal::AlreadyConfirmed => state("the read-back was confirmed before"),
            Refusal::EtagMismatch => Self::etag_mismatch(),
            Refusal::TooMuchEvidence { held } => {
                state("a claim holds at most 50 pieces of evidence").with("held", held)
            }
            Refusal::EvidenceQuota { held } => {
                state("the files of a claim have as many bytes as it may have").with("held", held)
            }
            Refusal::CustomerQuota(spent) => spent_quota(refusal.reason(), spent),
            Refusal::UploadExpired => Self::new(
                Code::Aborted,
                refusal.reason(),
                "the bytes waited too long for the claim; upload them again with a new request_id",
            ),
            Refusal::NoSuchLine { line } => state("the claim does not have this line").with("line", line),
            Refusal::ContactBeforeClaim { received_at } => {
                state("the contact was earlier than the claim").with("received_at", received_at)
            }
            Refusal::ContactKnown { number } => state("the contact was logged before").with("number", number),
            Refusal::TooManyContacts => state("a claim holds at most 100 contacts"),
            Refusal::QuestionNotOpen { question_id } => {
                state("no such question is open").with("question_id", question_id)
            }
            Refusal::PlanNotOpen { plan_number } => {
                state("no such plan waits for an answer").with("plan_number", plan_number)
            }
            Refusal::FollowUpNotOpen => state("no follow-up is open"),
            // Only the orchestrator asks questions: a process that never ends is for a person to look at.
            Refusal::TooManyQuestions => Self::park("a claim holds at most 20 questions"),
            Refusal::NoSuchCustomer => Self::new(Code::NotFound, refusal.reason(), "there is no such customer"),
            Refusal::OwnPlan => {
                Self::forbidden(refusal.reason(), "who proposed a plan does not agree to it for the customer")
            }
            Refusal::OwnHold => {
                Self::forbidden(refusal.reason(), "who released a legal hold does not forget the customer")
            }
            Refusal::NoSuchHold => Self::new(Code::NotFound, refusal.reason(), "there is no such legal hold"),
            Refusal::CustomerErased => state("the customer is forgotten: nobody can read the personal data any more"),
            Refusal::OpenClaims { open, claims } => {
                state("claims of the customer have not ended").with("open", open).with("claims", claims)
            }
            Refusal::LegalHold(hold) => state("a legal hold forbids it")
                .with("hold", hold.id)
                .with("reason", hold.reason.word().to_uppercase())
                .with("reference", &hold.reference),
        }
    }
}

/// How much it is, and when there is some of it again.
fn spent_quota(reason: &str, spent: &Spent) -> chassis::Refusal {
    let (of, message) = match spent.of {
        Piece::Claim => ("claims", "the customer has reported as many claims as a day may have; come again later"),
        Piece::File(_) => ("evidence", "the customer has uploaded as many bytes as a day may have; come again later"),
    };
    let subject = format!("customer:{}", spent.customer_ref);
    let refusal = chassis::Refusal::quota(reason, message, subject, spent.wait.unsigned_abs());
    refusal.with("quota", of).with("brought", spent.brought).with("limit", spent.limit)
}
