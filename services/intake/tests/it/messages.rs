//! What the orchestrator tells intake: once, twice, late, and wrongly.

use prost::Message;
use proto::Subject;
use proto::claim::ClaimState;
use proto::intake::intake_command::Kind;
use proto::intake::{
    AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, AskCustomer, CloseQuestion, EndClaim,
    IntakeCommand, MovePromises, MovedPromise, ProposePlan, StartFollowUp, WithdrawClaimRequest, WithdrawPlan,
    intake_event,
};
use testkit::request_id;
use uuid::Uuid;

use crate::world::{World, ask, close, command, end, follow_up, propose, withdraw_plan};

#[tokio::test]
async fn each_message_is_told_to_the_customer_once() {
    let world = World::start().await;
    let claim = world.submit().await;
    let id = claim.claim_id.as_str();
    let kinds = [ask("q1"), close("q1"), propose(1), withdraw_plan(1), follow_up(1), end(ClaimState::Rejected)];
    for kind in kinds {
        let event_id = world.tell(id, kind.clone()).await;
        let after = world.get(id).await;
        world.service.tell_as(event_id, command(id, kind.clone())).await;
        world.tell(id, kind).await;
        assert_eq!(world.get(id).await, after, "a second delivery changes nothing");
    }
    let expected = ["claim_received", "question_asked", "plan_proposed", "follow_up", "claim_ended"];
    assert_eq!(world.templates(id).await, expected);
    let notices = world.notices(id).await;
    assert_eq!(notices[1].parameters["reason"], "ORDER_NUMBER_NEEDED");
    assert_eq!(notices[2].parameters["promised_on"], "2026-12-01");
    assert_eq!(
        (notices[4].parameters["outcome"].as_str(), notices[4].parameters["reason"].as_str()),
        ("REJECTED", "OUTSIDE_WINDOW")
    );
    let ended = world.get(id).await;
    assert_eq!((ended.state(), ended.end_reason.as_str()), (ClaimState::Rejected, "OUTSIDE_WINDOW"));
    assert!(ended.questions[0].closed_at.is_some() && ended.promises.is_empty() && ended.open_plan.is_none());
    assert_eq!(world.told(id).await.len(), 1);
    assert!(world.parked().await.is_empty());
}

/// A-D7: what is shown of a claim is what the customer was told.
#[tokio::test]
async fn a_d7_a_promise_moves_once_and_the_customer_hears_of_a_later_one() {
    let world = World::start().await;
    let claim = world.submit().await;
    let id = claim.claim_id.as_str();
    let due_of = |claim: &proto::intake::Claim, kind: &str| {
        claim.promises.iter().find(|promise| promise.kind == kind).and_then(|promise| promise.due_at)
    };
    let first = due_of(&claim, "FIRST_FEEDBACK").unwrap();
    let later = proto::WireTime { seconds: first.seconds + 3_600, ..first };
    let moved =
        |kind: &str, due_at, due_on: &str| MovedPromise { kind: kind.to_owned(), due_at, due_on: due_on.to_owned() };
    let moves = |promises: Vec<MovedPromise>| Kind::MovePromises(MovePromises { promises });
    let both = vec![moved("FIRST_FEEDBACK", Some(later), ""), moved("SOLUTION", None, "2026-12-24")];
    for _ in 0..2 {
        world.tell(id, moves(both.clone())).await;
    }
    let after = world.get(id).await;
    assert_eq!(due_of(&after, "FIRST_FEEDBACK"), Some(later));
    assert_eq!(
        due_of(&after, "SOLUTION").map(|at| at.seconds),
        Some(1_798_156_800),
        "the end of the day in the pack's zone"
    );
    assert_eq!(world.templates(id).await, ["claim_received", "promise_moved"]);
    let notice = &world.notices(id).await[1];
    assert_eq!(
        (notice.parameters["promise"].as_str(), notice.parameters["reason"].as_str()),
        ("FIRST_FEEDBACK", "JUDGED")
    );
    world.tell(id, moves(vec![moved("FIRST_FEEDBACK", None, "")])).await;
    assert_eq!(due_of(&world.get(id).await, "FIRST_FEEDBACK"), None, "it was kept");
    assert!(world.parked().await.is_empty());
    for bad in
        [moved("DINNER", None, ""), moved("SOLUTION", None, "soon"), moved("SOLUTION", Some(later), "2026-12-24")]
    {
        let other = world.submit().await;
        world.tell(&other.claim_id, moves(vec![bad])).await;
    }
    assert_eq!(world.parked().await.len(), 3);
}

#[tokio::test]
async fn what_is_known_is_told_again() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let id = claim.claim_id.as_str();
    let claim_id = || id.to_owned();
    world.tell(id, ask("q1")).await;
    let question_id = "q1".to_owned();
    let answer =
        AnswerQuestionRequest { request_id: request_id(), claim_id: claim_id(), question_id, ..Default::default() };
    client.answer_question(answer).await.unwrap();
    world.tell(id, ask("q1")).await;
    world.tell(id, propose(3)).await;
    let answer = AnswerPlanRequest {
        request_id: request_id(),
        claim_id: claim_id(),
        plan_number: 3,
        accepted: true,
        ..Default::default()
    };
    client.answer_plan(answer).await.unwrap();
    world.tell(id, propose(3)).await;
    world.tell(id, follow_up(1)).await;
    let answer =
        AnswerFollowUpRequest { request_id: request_id(), claim_id: claim_id(), score: 4, ..Default::default() };
    client.answer_follow_up(answer).await.unwrap();
    world.tell(id, follow_up(1)).await;
    let withdraw = WithdrawClaimRequest { request_id: request_id(), claim_id: claim_id(), ..Default::default() };
    client.withdraw_claim(withdraw).await.unwrap();
    world.tell(id, propose(4)).await;
    let mut told = world.told(id).await;
    // Who answered for the customer was told when they did.
    for kind in &mut told {
        match kind {
            intake_event::Kind::CustomerAnswered(answer) => answer.answered_by.clear(),
            intake_event::Kind::PlanAnswered(answer) => answer.answered_by.clear(),
            _ => {}
        }
    }
    for pair in told[1..].chunks(2) {
        assert_eq!(pair[0], pair[1], "{told:?}");
    }
    assert_eq!(told.len(), 9);
    assert!(matches!(told[8], intake_event::Kind::ClaimWithdrawn(_)));
}

#[tokio::test]
async fn late_messages_are_harmless() {
    let world = World::start().await;
    let claim = world.submit().await;
    let id = claim.claim_id.as_str();
    for (undo, late) in [(close("q1"), ask("q1")), (withdraw_plan(2), propose(2)), (withdraw_plan(2), propose(1))] {
        world.tell(id, undo).await;
        world.tell(id, late).await;
        assert_eq!(world.get(id).await.state(), ClaimState::Submitted);
    }
    assert!(world.get(id).await.questions.is_empty(), "what was never asked is not shown");
    world.tell(id, follow_up(2)).await;
    world.tell(id, follow_up(1)).await;
    world.tell(id, end(ClaimState::Closed)).await;
    let ended = world.get(id).await;
    for late in [ask("q2"), close("q3"), propose(9), withdraw_plan(9), follow_up(3), end(ClaimState::Rejected)] {
        world.tell(id, late).await;
    }
    assert_eq!(world.get(id).await, ended);
    assert_eq!(world.templates(id).await, ["claim_received", "follow_up", "claim_ended"]);
    assert!(world.parked().await.is_empty());
}

#[tokio::test]
async fn a_newer_plan_takes_the_place_of_an_older() {
    let world = World::start().await;
    let claim = world.submit().await;
    let id = claim.claim_id.as_str();
    world.tell(id, propose(1)).await;
    world.tell(id, propose(2)).await;
    world.tell(id, withdraw_plan(1)).await;
    assert_eq!(world.get(id).await.open_plan.map(|plan| plan.number), Some(2));
}

#[tokio::test]
async fn what_no_correct_sender_sends_is_parked() {
    let world = World::start().await;
    let stranger = Uuid::max();
    let event_id = world.service.tell(command(&stranger.to_string(), ask("q1"))).await;
    world.service.settled(event_id).await;
    assert_eq!(world.parked().await, ["BROKEN"], "no claim is unknown to those who were told of it");

    let claim = world.submit().await;
    for n in 1..=21 {
        world.tell(&claim.claim_id, ask(&format!("q{n}"))).await;
    }
    assert_eq!(world.get(&claim.claim_id).await.questions.len(), 20);
    assert_eq!(world.parked().await, ["BROKEN", "BROKEN"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_parked() {
    let world = World::start().await;
    let subject = Subject::Command { service: "intake".to_owned(), name: "ask_customer".to_owned() };
    let mut payloads = vec![vec![0xff; 7], IntakeCommand::default().encode_to_vec()];
    let nameless = AskCustomer { question_id: String::new(), reason: "R".to_owned(), line: 0 };
    let bad = [
        Kind::AskCustomer(nameless),
        Kind::AskCustomer(AskCustomer { question_id: "q1".to_owned(), reason: "R".to_owned(), line: 101 }),
        Kind::CloseQuestion(CloseQuestion::default()),
        Kind::ProposePlan(ProposePlan::default()),
        Kind::WithdrawPlan(WithdrawPlan::default()),
        Kind::StartFollowUp(StartFollowUp::default()),
        Kind::EndClaim(EndClaim { outcome: ClaimState::Executing.into(), reason: String::new() }),
        Kind::EndClaim(EndClaim { outcome: 99, reason: String::new() }),
    ];
    let claim = world.submit().await;
    let message = |kind| IntakeCommand { claim_id: claim.claim_id.clone(), kind }.encode_to_vec();
    payloads.push(message(None));
    payloads.extend(bad.into_iter().map(|kind| message(Some(kind))));
    for (n, payload) in payloads.iter().enumerate() {
        // Each about an aggregate of its own, so that none waits behind another.
        let about = Uuid::from_u128(n as u128 + 1);
        let event_id = world.service.tell_bytes(&subject, about, payload).await;
        world.service.settled(event_id).await;
    }
    assert_eq!(world.parked().await, vec!["UNDECODABLE"; payloads.len()]);
    assert_eq!(world.get(&claim.claim_id).await, claim);
}
