//! ConfirmSettlement: every refusal with its details, and the same request twice.

use proto::claim::{ClaimState, Money, Resolution, WaitingFor};
use proto::escalation::{Ruling, TaskDecided, escalation_command, escalation_event};
use proto::orchestrator::{ConfirmSettlementRequest, ListSettlementsRequest, SettlementState};
use tonic::{Code, Status};

use crate::story::{PRICE, World};

fn paid(settlement_id: &str, minor_units: i64) -> ConfirmSettlementRequest {
    ConfirmSettlementRequest {
        request_id: testkit::request_id(),
        settlement_id: settlement_id.to_owned(),
        paid: true,
        amount: Some(Money { minor_units, currency: "GBP".to_owned() }),
        reference: "bank-1".to_owned(),
        credit_note: "CN-1".to_owned(),
        failure: String::new(),
    }
}

/// It could not be paid.
fn failed(settlement_id: &str) -> ConfirmSettlementRequest {
    let failure = "the account is closed".to_owned();
    ConfirmSettlementRequest { paid: false, amount: None, reference: String::new(), failure, ..paid(settlement_id, 0) }
}

impl World {
    async fn confirm(&self, request: ConfirmSettlementRequest) -> Result<SettlementState, Status> {
        let request = testkit::actor(request, "fay", &["finance"]);
        Ok(self.api().confirm_settlement(request).await?.into_inner().settlement.unwrap().state())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finance_pays_once_and_as_instructed() {
    let world = World::start().await;
    let story = world.judged(Resolution::RefundOnly, 2).await;
    let (settlement_id, amount) = story.settlement().await;
    assert_eq!(amount, 2 * PRICE);

    let status = world.confirm(paid(&settlement_id, amount - 1)).await.unwrap_err();
    assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::FailedPrecondition, "AMOUNT_MISMATCH"));
    let details = testkit::details(&status);
    let info = details.error_info().unwrap();
    assert_eq!((info.domain.as_str(), info.metadata["amount_minor"].as_str()), ("redress.orchestrator", "510"));
    let violation = &details.precondition_failure().unwrap().violations[0];
    assert_eq!(violation.r#type, "AMOUNT_MISMATCH");
    let euros = Money { minor_units: amount, currency: "EUR".to_owned() };
    let status = world.confirm(ConfirmSettlementRequest { amount: Some(euros), ..paid(&settlement_id, 0) }).await;
    assert_eq!(testkit::reason(&status.unwrap_err()), "AMOUNT_MISMATCH");
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Finance);

    let good = paid(&settlement_id, amount);
    assert_eq!(world.confirm(good.clone()).await.unwrap(), SettlementState::Paid);
    let events = story.timeline().await.len();
    // The same request again: the same answer. Another request: it is closed.
    assert_eq!(world.confirm(good.clone()).await.unwrap(), SettlementState::Paid);
    let other = ConfirmSettlementRequest { reference: "bank-2".to_owned(), ..good };
    let status = world.confirm(other).await.unwrap_err();
    assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    let status = world.confirm(paid(&settlement_id, amount)).await.unwrap_err();
    assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::FailedPrecondition, "SETTLEMENT_CLOSED"));
    assert_eq!(testkit::details(&status).error_info().unwrap().metadata["settlement_id"], settlement_id);

    assert_eq!(story.state().await, ClaimState::Closed);
    assert_eq!(story.process().await.settlements[0].credit_note, "CN-1");
    assert_eq!(story.timeline().await.len(), events);
    assert_eq!(world.ledger().await, (0, 2, 2 * PRICE));
    let names = story.names().await;
    assert!(names.contains(&"settlement_paid".to_owned()), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_confirmation_names_every_bad_field() {
    let world = World::start().await;
    let request = ConfirmSettlementRequest {
        request_id: "1".to_owned(),
        settlement_id: "S-1".to_owned(),
        paid: true,
        amount: Some(Money { minor_units: -1, currency: "pounds".to_owned() }),
        reference: "x".repeat(65),
        credit_note: "\n".to_owned(),
        failure: "x".to_owned(),
    };
    let status = world.confirm(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let mut fields = testkit::bad_fields(&status);
    fields.sort();
    assert_eq!(
        fields,
        ["amount.currency", "amount.minor_units", "credit_note", "failure", "reference", "request_id", "settlement_id"]
    );
    let missing =
        ConfirmSettlementRequest { amount: None, reference: String::new(), ..paid(&testkit::request_id(), 1) };
    assert_eq!(testkit::bad_fields(&world.confirm(missing).await.unwrap_err()), ["reference", "amount"]);
    let no_reason = ConfirmSettlementRequest { failure: String::new(), ..failed(&testkit::request_id()) };
    assert_eq!(testkit::bad_fields(&world.confirm(no_reason).await.unwrap_err()), ["paid"]);

    let status = world.confirm(paid(&testkit::request_id(), 1)).await.unwrap_err();
    assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert_eq!(testkit::details(&status).resource_info().unwrap().resource_type, "settlement");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_failed_is_tried_again_under_another_name() {
    let world = World::start().await;
    let story = world.judged(Resolution::RefundOnly, 2).await;
    let (first, amount) = story.settlement().await;
    assert_eq!(world.confirm(failed(&first)).await.unwrap(), SettlementState::Failed);
    let Some(escalation_command::Kind::OpenTask(task)) = story.asked_escalation("open_task").await.pop().unwrap().kind
    else {
        panic!("a task is opened")
    };
    assert_eq!(task.role(), proto::claim::Role::Finance);
    let ruling = Ruling::Retry as i32;
    let decided = TaskDecided { job: task.job.clone(), leg: task.leg, kind: task.kind, ruling };
    story.tell(story.escalation(escalation_event::Kind::TaskDecided(decided))).await;
    let (second, again) = story.settlement().await;
    assert_ne!(first, second);
    assert_eq!(again, amount);
    assert_eq!(world.confirm(paid(&second, amount)).await.unwrap(), SettlementState::Paid);
    assert_eq!(story.state().await, ClaimState::Closed);
    let request = ListSettlementsRequest { claim_id: story.claim.to_string(), ..ListSettlementsRequest::default() };
    let all = world.api().list_settlements(request).await.unwrap().into_inner().settlements;
    let states: Vec<SettlementState> = all.iter().map(|settlement| settlement.state()).collect();
    assert_eq!(states, [SettlementState::Failed, SettlementState::Paid]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_given_up_gives_the_entitlement_back() {
    let world = World::start().await;
    let story = world.judged(Resolution::RefundOnly, 2).await;
    let (settlement_id, _) = story.settlement().await;
    world.confirm(failed(&settlement_id)).await.unwrap();
    let Some(escalation_command::Kind::OpenTask(task)) = story.asked_escalation("open_task").await.pop().unwrap().kind
    else {
        panic!("a task is opened")
    };
    let ruling = Ruling::Deny as i32;
    let decided = TaskDecided { job: task.job.clone(), leg: task.leg, kind: task.kind, ruling };
    story.tell(story.escalation(escalation_event::Kind::TaskDecided(decided))).await;
    assert_eq!(world.ledger().await, (0, 0, 0));
    assert_eq!(story.state().await, ClaimState::Assessing);
}
