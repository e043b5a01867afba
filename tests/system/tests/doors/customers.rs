//! Customers see and change own claims only: what belongs to another is as absent as what never was (S32), and a request
//! of one is of no use to another (S33).

use std::time::{Duration, Instant};

use proto::claim::{Category, Resolution};
use proto::intake::{
    AddEvidenceRequest, AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, ConfirmReadBackRequest,
    Evidence, GetClaimRequest, GetContactRequest, ListClaimsRequest, SubmitClaimResponse, WithdrawClaimRequest,
};
use proto::orchestrator::{GetProcessRequest, GetTimelineRequest};
use system::{World, line};
use testkit::{bad_fields, customer, details, eventually, reason, request_id};
use tonic::{Code, Status};

use crate::dynamic::NOBODY;
use crate::trace::{Trace, changed};

/// Calls that look at a foreign and at an absent claim; compared by their medians.
const LOOKS: usize = 2_000;
/// Those who make them.
const FAMILY: usize = 80;

/// Everything a customer can ask of a claim; gives what was said.
async fn ask_all(world: &World, claim: &str) -> Vec<(&'static str, Result<(), Status>)> {
    let (mut intake, mut orchestrator) = (world.intake().await, world.orchestrator().await);
    let claim_id = || claim.to_owned();
    let mut said = Vec::new();
    macro_rules! ask {
        ($client:ident.$method:ident($body:expr)) => {
            let answer = $client.$method(customer($body, "bob", "C-2")).await;
            said.push((stringify!($method), answer.map(drop)));
        };
    }
    let id = request_id;
    let evidence =
        Evidence { sha256: "ab".repeat(32), media_type: "image/png".to_owned(), size: 1, ..Evidence::default() };
    let text = String::new;
    ask!(intake.get_claim(GetClaimRequest { claim_id: claim_id(), claim_number: text() }));
    ask!(intake.get_contact(GetContactRequest {
        claim_id: claim_id(),
        purpose: "DELIVERY".to_owned(),
        ..GetContactRequest::default()
    }));
    ask!(intake.confirm_read_back(ConfirmReadBackRequest { request_id: id(), claim_id: claim_id(), etag: text() }));
    ask!(intake.add_evidence(AddEvidenceRequest { request_id: id(), claim_id: claim_id(), evidence: vec![evidence] }));
    ask!(intake.answer_question(AnswerQuestionRequest {
        request_id: id(),
        claim_id: claim_id(),
        question_id: "q1".to_owned(),
        order_no: text(),
        text: text(),
        address: text(),
    }));
    ask!(intake.withdraw_claim(WithdrawClaimRequest { request_id: id(), claim_id: claim_id(), text: text() }));
    ask!(intake.answer_plan(AnswerPlanRequest {
        request_id: id(),
        claim_id: claim_id(),
        plan_number: 1,
        accepted: true,
        text: text(),
    }));
    ask!(intake.answer_follow_up(AnswerFollowUpRequest {
        request_id: id(),
        claim_id: claim_id(),
        score: 5,
        text: text()
    }));
    ask!(orchestrator.get_process(GetProcessRequest { claim_id: claim_id() }));
    ask!(orchestrator.get_timeline(GetTimelineRequest { claim_id: claim_id(), ..GetTimelineRequest::default() }));
    said
}

/// What a refusal says, without the id that was asked for.
fn told(status: &Status, claim: &str) -> (Code, String, String) {
    (status.code(), reason(status), format!("{:?} {}", details(status), status.message()).replace(claim, "ID"))
}

async fn submit(world: &World, of: &str) -> SubmitClaimResponse {
    let report = world.report(of, vec![line("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund)]);
    let submitted = world.intake().await.submit_claim(customer(report, "ada", of)).await;
    submitted.expect("a customer reports own claims").into_inner()
}

/// S32: foreign and absent are one.
#[tokio::test(flavor = "multi_thread")]
async fn another_customers_claim_is_as_absent_as_none() {
    let world = World::new().await;
    let claim = submit(&world, "C-1").await.claim.unwrap();
    let id = claim.claim_id.clone();
    // Its own customer sees it; the process is known a moment later.
    let mut intake = world.intake().await;
    let own = |claim_id: &str| {
        customer(GetClaimRequest { claim_id: claim_id.to_owned(), ..GetClaimRequest::default() }, "ada", "C-1")
    };
    assert_eq!(intake.get_claim(own(&id)).await.unwrap().into_inner().claim.unwrap().claim_id, id);
    let process = || customer(GetProcessRequest { claim_id: id.clone() }, "ada", "C-1");
    eventually(async || world.orchestrator().await.get_process(process()).await.ok()).await;

    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let (foreign, absent) = (ask_all(&world, &id).await, ask_all(&world, NOBODY).await);
    for ((method, foreign), (_, absent)) in foreign.iter().zip(&absent) {
        let (foreign, absent) = (foreign.as_ref().unwrap_err(), absent.as_ref().unwrap_err());
        assert_eq!(foreign.code(), Code::NotFound, "{method}: {foreign:?}");
        assert_eq!(told(foreign, &id), told(absent, NOBODY), "{method}");
    }
    // SR22: what is refused to a customer leaves nothing at all.
    let after = trace.tables().await;
    assert!(changed(&before, &after).is_empty(), "{:?}", changed(&before, &after));

    // By number, and in lists.
    let by_number = |number: &str| {
        customer(GetClaimRequest { claim_id: String::new(), claim_number: number.to_owned() }, "bob", "C-2")
    };
    let foreign = intake.get_claim(by_number(&claim.claim_number)).await.unwrap_err();
    let absent = intake.get_claim(by_number("RD-2026-999999")).await.unwrap_err();
    assert_eq!(told(&foreign, &claim.claim_number), told(&absent, "RD-2026-999999"));
    for of in ["", "C-1", "C-9"] {
        let list = ListClaimsRequest { customer_ref: of.to_owned(), ..ListClaimsRequest::default() };
        let listed = intake.list_claims(customer(list, "bob", "C-2")).await.unwrap().into_inner();
        assert!(listed.claims.is_empty(), "{of}: {listed:?}");
    }
    let listed = intake.list_claims(customer(ListClaimsRequest::default(), "ada", "C-1")).await.unwrap().into_inner();
    assert_eq!(listed.claims.len(), 1);
    // A page of one customer's list is not a page of another's.
    submit(&world, "C-1").await;
    let list = |page_token: String| ListClaimsRequest { page_size: 1, page_token, ..ListClaimsRequest::default() };
    let page = intake.list_claims(customer(list(String::new()), "ada", "C-1")).await.unwrap().into_inner();
    assert!(!page.next_page_token.is_empty());
    let stolen = intake.list_claims(customer(list(page.next_page_token), "bob", "C-2")).await.unwrap_err();
    assert_eq!((stolen.code(), bad_fields(&stolen)), (Code::InvalidArgument, vec!["page_token".to_owned()]));
    world.end().await;
}

/// S32: neither does the time of the answer tell them apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_claim_takes_as_long_as_none() {
    let world = World::new().await;
    let claim = submit(&world, "C-1").await.claim.unwrap();
    let mut intake = world.intake().await;
    let mut looks = 0_usize;
    let mut look = async |claim_id: &str, claim_number: &str| {
        // So many looks are more than one customer gets: they are those of several.
        looks += 1;
        let (bob, of) = (format!("bob-{}", looks % FAMILY), format!("C-2{}", looks % FAMILY));
        let request = GetClaimRequest { claim_id: claim_id.to_owned(), claim_number: claim_number.to_owned() };
        let begun = Instant::now();
        let refused = intake.get_claim(customer(request, &bob, &of)).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        begun.elapsed()
    };
    for (foreign, absent) in
        [((claim.claim_id.as_str(), ""), (NOBODY, "")), (("", claim.claim_number.as_str()), ("", "RD-2026-999999"))]
    {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for _ in 0..LOOKS {
            one.push(look(foreign.0, foreign.1).await);
            other.push(look(absent.0, absent.1).await);
        }
        let (foreign, absent) = (median(one), median(other));
        let difference = foreign.abs_diff(absent);
        println!("foreign {foreign:?}, absent {absent:?}");
        let noise = (foreign.min(absent) / 5).max(Duration::from_micros(100));
        assert!(difference < noise, "foreign {foreign:?}, absent {absent:?}");
    }
    world.end().await;
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// S33, S09: the token says who it is; the same request by somebody else is not the same request.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_one_customer_is_of_no_use_to_another() {
    let world = World::new().await;
    let mut intake = world.intake().await;
    let report = world.report("C-1", vec![line("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund)]);
    let first = intake.submit_claim(customer(report.clone(), "ada", "C-1")).await.unwrap().into_inner();
    let again = intake.submit_claim(customer(report.clone(), "ada", "C-1")).await.unwrap().into_inner();
    assert_eq!(first, again, "the same request has the same answer");

    // For somebody else it names another customer than the token, which wins.
    let foreign = intake.submit_claim(customer(report.clone(), "bob", "C-2")).await.unwrap_err();
    assert_eq!((foreign.code(), bad_fields(&foreign)), (Code::InvalidArgument, vec!["customer_ref".to_owned()]));
    let important = proto::intake::SubmitClaimRequest { request_id: request_id(), importance: 3, ..report.clone() };
    let refused = intake.submit_claim(customer(important, "ada", "C-1")).await.unwrap_err();
    assert_eq!(bad_fields(&refused), ["importance"]);

    // The id of a request is the caller's own: another caller, or the same for another customer, gets no answer by it.
    let id = first.claim.unwrap().claim_id;
    let withdraw = WithdrawClaimRequest { request_id: request_id(), claim_id: id.clone(), text: String::new() };
    intake.withdraw_claim(customer(withdraw.clone(), "ada", "C-1")).await.unwrap();
    for (subject, of) in [("bob", "C-2"), ("ada", "C-2")] {
        let replayed = intake.withdraw_claim(customer(withdraw.clone(), subject, of)).await.unwrap_err();
        assert_eq!(
            (replayed.code(), reason(&replayed).as_str()),
            (Code::NotFound, "NOT_FOUND"),
            "as with any other id"
        );
    }
    intake.withdraw_claim(customer(withdraw, "ada", "C-1")).await.unwrap();
    world.end().await;
}
