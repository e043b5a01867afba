//! What is reported, by whom it waits, and where goods cannot go.

use proto::claim::{Category, ClaimState, Resolution, Role, WaitingFor, claim_event};
use proto::intake::{AnswerQuestionRequest, GetContactRequest, ListClaimsRequest};
use proto::logistics::Direction;
use proto::orchestrator::ListProcessesRequest;
use system::{World, line};
use testkit::{actor, bad_fields, customer, request_id};

/// Day of the shop, some days ago.
fn day(world: &World, ago: i64) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    (world.clock.now().to_zoned(zone).date() - jiff::Span::new().days(ago)).to_string()
}

/// Item 6: staff bring what a customer told them before; customers do not date their own reports.
#[tokio::test(flavor = "multi_thread")]
async fn case_announced_before_it_was_reported() {
    let world = World::new().await;
    let report = |announced_on: String| {
        let line = line("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund);
        system::Report { announced_on, ..world.report("C-1", vec![line]) }
    };
    let mut intake = world.intake().await;
    let told = actor(report(day(&world, 9)), "anna", &["specialist"]);
    let claim = intake.submit_claim(told).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(claim.announced_on, day(&world, 9));
    world.until_state(&claim.claim_id, ClaimState::AwaitingCustomer).await;
    for bad in [day(&world, -1), day(&world, 401), "yesterday".to_owned()] {
        let told = actor(report(bad.clone()), "anna", &["specialist"]);
        let refused = intake.submit_claim(told).await.unwrap_err();
        assert_eq!(bad_fields(&refused), ["announced_on"], "{bad}");
    }
    let own = customer(report(day(&world, 2)), "ada", "C-1");
    assert_eq!(bad_fields(&intake.submit_claim(own).await.unwrap_err()), ["announced_on"]);
    world.end().await;
}

/// B-D13, the side of intake: that there is no address is known, and one that comes later is kept where contacts are.
#[tokio::test(flavor = "multi_thread")]
async fn b_d13_an_address_that_comes_later_is_kept_and_told() {
    let world = World::new().await;
    let mut report = world.report("C-1", vec![line("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund)]);
    report.contact.as_mut().unwrap().address = String::new();
    let claim = world.submit(report).await;
    let asked = world.seen_by_customer(&claim, |seen| seen.state() == ClaimState::AwaitingCustomer).await;
    assert_eq!(asked.address_known, Some(false));
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.clone(),
        question_id: asked.questions[0].question_id.clone(),
        address: "2 Later Lane\nLeeds".to_owned(),
        ..AnswerQuestionRequest::default()
    };
    let answered = world.intake().await.answer_question(answer).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(answered.address_known, Some(true));
    let ask = GetContactRequest { claim_id: claim, purpose: "DELIVERY".to_owned(), ..GetContactRequest::default() };
    let contact = world.intake().await.get_contact(ask).await.unwrap().into_inner().contact.unwrap();
    assert_eq!(contact.address, "2 Later Lane\nLeeds");
    assert_eq!(contact.customer_name, "Ada Example");
    world.end().await;
}

/// U4, U18: a list of processes names all whom a claim waits for; of several claims, those that are asked for.
#[tokio::test(flavor = "multi_thread")]
async fn u18_a_claim_names_all_whom_it_waits_for() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 5, 250, 3).await;
    world.sold("O-2", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 1).await;
    let lines = vec![
        line("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund),
        line("O-2", "LAMP", 3, Category::Shortage, Resolution::Resend),
    ];
    let claim = world.submit(world.report("C-1", lines)).await;
    let wanted = [WaitingFor::Stock, WaitingFor::Carrier, WaitingFor::Warehouse];
    let process = world
        .until(&claim, "waiting for stock, carrier and warehouse", |process| {
            let named = |party| process.waiting.iter().any(|waiting| waiting.party() == party);
            wanted.into_iter().all(named)
        })
        .await;
    assert_eq!(process.waiting_for(), WaitingFor::Stock, "the one that holds up the most");
    let stock = process.waiting.iter().find(|waiting| waiting.party() == WaitingFor::Stock).unwrap();
    assert_eq!(stock.line, 2);
    let mut orchestrator = world.orchestrator().await;
    for party in wanted {
        let ask = ListProcessesRequest { waiting_for: party.into(), newest_first: true, ..Default::default() };
        let found = orchestrator.list_processes(ask).await.unwrap().into_inner().processes;
        assert_eq!(found.iter().map(|one| one.claim_id.as_str()).collect::<Vec<_>>(), [claim.as_str()], "{party:?}");
        assert_eq!(found[0].waiting.len(), 3, "each party once");
    }
    // A customer asks for own claims by their ids, and for no other.
    let of = |claim_ids: Vec<String>| ListProcessesRequest { claim_ids, ..ListProcessesRequest::default() };
    let own = orchestrator.list_processes(customer(of(vec![claim.clone()]), "ada", "C-1")).await.unwrap().into_inner();
    assert_eq!(own.processes.len(), 1);
    let foreign = orchestrator.list_processes(customer(of(vec![claim.clone()]), "bob", "C-2")).await.unwrap();
    assert!(foreign.into_inner().processes.is_empty());
    let all = orchestrator.list_processes(customer(of(Vec::new()), "ada", "C-1")).await.unwrap_err();
    assert_eq!(bad_fields(&all), ["claim_ids"]);
    // Intake refuses what it never has, instead of an empty list.
    let ask = ListClaimsRequest { state: ClaimState::Executing.into(), ..ListClaimsRequest::default() };
    assert_eq!(bad_fields(&world.intake().await.list_claims(ask).await.unwrap_err()), ["state"]);
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    world.end().await;
}

/// U18: what lies on the supervisor's list does not wait for a specialist.
#[tokio::test(flavor = "multi_thread")]
async fn u18_a_claim_waits_for_the_role_of_its_work_item() {
    let world = World::new().await;
    world.sold("O-1", "SOFA", 3, 1_000_000, 3).await;
    let claim = world.claim("O-1", "SOFA", 1, Category::ServiceComplaint, Resolution::Unspecified).await;
    let item = world.judgement(&claim).await;
    let process = world.until_state(&claim, ClaimState::Investigating).await;
    let waiting = &process.waiting[0];
    assert_eq!((waiting.role(), waiting.reason.as_str()), (item.role(), item.reason.as_str()));
    let named = if item.role() == Role::Supervisor { WaitingFor::Supervisor } else { WaitingFor::Specialist };
    assert_eq!((process.waiting_for(), waiting.party()), (named, named));
    let last = world.timeline(&claim).await.pop().unwrap();
    assert_eq!(last.waiting_for(), named, "the timeline says the same");
    world.end().await;
}

/// B-D10: how satisfied customers are is public, also if nothing follows from it.
#[tokio::test(flavor = "multi_thread")]
async fn b_d10_satisfaction_is_told_whether_or_not_it_reopens() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let mut scores = Vec::new();
    for score in [5, 1] {
        let mut reported = line("O-1", "LAMP", 1, Category::Shortage, Resolution::Resend);
        reported.operation_stopped = true;
        let claim = world.submit(world.report("C-1", vec![reported])).await;
        world.deliver(&claim, Direction::Outbound).await;
        world.until_state(&claim, ClaimState::FollowingUp).await;
        world.score(&claim, score).await;
        let after = if score == 5 { ClaimState::Closed } else { ClaimState::Investigating };
        world.until_state(&claim, after).await;
        scores.extend(world.timeline(&claim).await.into_iter().filter_map(|event| match event.kind {
            Some(claim_event::Kind::FollowUpAnswered(answered)) => Some((answered.round, answered.score)),
            _ => None,
        }));
    }
    assert_eq!(scores, [(1, 5), (1, 1)]);
    world.end().await;
}
