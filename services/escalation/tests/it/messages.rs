//! Messages: repeated, reordered, unreadable; and every statement.

use proto::Subject;
use proto::escalation::escalation_command::Kind;
use proto::escalation::*;
use uuid::Uuid;

use crate::world::*;

/// Every message twice with the same id and once more with another: nothing happens that did not happen before.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_messages_have_one_effect() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    let messages = [
        start(1, &[ClockKind::FirstFeedback, ClockKind::FinalSolution]),
        Kind::PauseClocks(PauseClocks {}),
        Kind::ResumeClocks(ResumeClocks {}),
        request(&plan(1, 150_000, "rules")),
        open_task(case.claim, WorkKind::Support),
        Kind::CancelApproval(CancelApproval { plan_number: 1 }),
        close_task(case.claim),
        stop(&[]),
    ];
    for kind in messages {
        let id = Uuid::now_v7();
        for _ in 0..2 {
            service.tell_as(id, case.message(kind.clone())).await;
        }
        case.tell(kind).await;
    }
    assert_eq!(case.clocks().await.len(), 3);
    assert!(case.clocks().await.iter().all(|clock| clock.state() == ClockState::Stopped));
    assert_eq!(case.items(true).await.len(), 2);
    assert!(case.items(false).await.is_empty());
    let told = [("task_closed".to_owned(), 2), ("deadline_moved".to_owned(), 1)].into();
    assert_eq!(case.counts().await, told, "asked twice, answered twice; what went on after a pause is due later");
    let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM parked").fetch_one(service.pool()).await.unwrap();
    assert_eq!(parked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_undone_before_it_is_done_is_never_done() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    let messages = [
        close_task(case.claim),
        open_task(case.claim, WorkKind::LegFailed),
        Kind::CancelApproval(CancelApproval { plan_number: 1 }),
        request(&plan(1, 150_000, "rules")),
        stop(&[ClockKind::FirstFeedback]),
        start(1, &[ClockKind::FirstFeedback]),
    ];
    for kind in messages {
        case.tell(kind).await;
    }
    assert!(case.items(true).await.is_empty() && case.clocks().await.is_empty());
    assert_eq!(case.counts().await, [("task_closed".to_owned(), 2)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_task_is_told_again() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    for (kind, choice) in [(WorkKind::LegFailed, Ruling::Retry), (WorkKind::CompensationFailed, Ruling::Approve)] {
        case.tell(open_task(case.claim, kind)).await;
        let item = case.item(kind).await;
        case.decide("leo", &["logistics"], ruling(&item, choice)).await.unwrap();
        case.tell(open_task(case.claim, kind)).await;
    }
    let told = case.told().await;
    assert_eq!(told.len(), 4);
    assert_eq!((&told[0], &told[2]), (&told[1], &told[3]));
    let escalation_event::Kind::TaskDecided(decided) = &told[0].1 else { panic!("{told:?}") };
    assert_eq!((decided.kind(), decided.ruling()), (WorkKind::LegFailed, Ruling::Retry));
    assert_eq!((decided.leg(), decided.job.clone()), (proto::claim::Leg::Shipment, Some(job(case.claim))));
}

/// Nobody need poll a list: whoever is waited for is told, and once more when it is overdue.
#[tokio::test(flavor = "multi_thread")]
async fn b_d14_every_work_item_is_told_and_told_once_more_when_it_is_overdue() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(open_task(case.claim, WorkKind::LegFailed)).await;
    service.clock.advance(jiff::SignedDuration::from_secs(7 * DAY));
    let told = async || {
        let notices = case.notices().await;
        notices.into_iter().map(|(audience, name, _)| format!("{audience}.{name}")).collect::<Vec<_>>()
    };
    let expected = ["logistics.work_waiting", "logistics.work_overdue", "supervisor.work_overdue"];
    testkit::eventually(|| async { (told().await == expected).then_some(()) }).await;
    // A second look at the same list: another claim's item is overdue, and this one is not told again.
    let other = Case::new(&service);
    other.tell(open_task(other.claim, WorkKind::Support)).await;
    service.clock.advance(jiff::SignedDuration::from_secs(7 * DAY));
    testkit::eventually(|| async { (other.notices().await.len() == 3).then_some(()) }).await;
    assert_eq!(told().await, expected);
    let item = case.item(WorkKind::LegFailed).await;
    assert_eq!(item.etag, "\"1\"", "who has read it may still decide");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_parked() {
    let service = testkit::start(&escalation::SERVICE).await;
    let subject = |name: &str| Subject::Command { service: "escalation".to_owned(), name: name.to_owned() };
    let bytes = |kind: Option<Kind>, claim: &str| {
        let claim_id = claim.to_owned();
        prost::Message::encode_to_vec(&EscalationCommand {
            claim_id,
            claim_number: String::new(),
            kind,
            policy_version: 0,
        })
    };
    let claim = Uuid::now_v7().to_string();
    let stranger = proto::ClaimId(Uuid::now_v7());
    let no_cost = proto::claim::Plan { cost: None, ..plan(1, 1, "rules") };
    let cases = [
        ("start_clocks", b"\xff\xff".to_vec()),
        ("start_clocks", bytes(None, &claim)),
        ("start_clocks", bytes(Some(stop(&[])), &claim)),
        ("stop_clocks", bytes(Some(stop(&[])), "no uuid")),
        ("stop_clocks", bytes(Some(stop(&[ClockKind::Unspecified])), &claim)),
        ("start_clocks", bytes(Some(start(1, &[])), &claim)),
        ("start_clocks", bytes(Some(start(0, &[ClockKind::FirstFeedback])), &claim)),
        ("open_task", bytes(Some(open_task(stranger, WorkKind::Support)), &claim)),
        ("open_task", bytes(Some(open_task(claim.parse().unwrap(), WorkKind::Approval)), &claim)),
        ("request_approval", bytes(Some(request(&no_cost)), &claim)),
        ("retarget_clocks", bytes(Some(Kind::RetargetClocks(RetargetClocks { round: 1, severity: 0 })), &claim)),
        ("cancel_approval", bytes(Some(Kind::CancelApproval(CancelApproval { plan_number: 0 })), &claim)),
    ];
    for (name, payload) in &cases {
        // Another claim each, so that none waits behind the one before.
        let id = service.tell_bytes(&subject(name), Uuid::now_v7(), payload).await;
        service.settled(id).await;
    }
    let parked: Vec<String> = sqlx::query_scalar("SELECT reason FROM parked").fetch_all(service.pool()).await.unwrap();
    assert_eq!(parked.len(), cases.len());
    assert!(parked.iter().all(|reason| reason == "UNDECODABLE"), "{parked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_claims_at_once_share_batches() {
    let service = testkit::start(&escalation::SERVICE).await;
    let cases: Vec<Case> = (0..60).map(|_| Case::new(&service)).collect();
    let mut last = Vec::new();
    for case in &cases {
        service.tell(case.message(start_ago(&service, 1, &[ClockKind::FirstFeedback], 20 * DAY))).await;
        service.tell(case.message(request(&plan(1, 50_000, "rules")))).await;
        last.push(service.tell(case.message(request(&plan(2, 150_000, "rules")))).await);
    }
    for id in last {
        service.settled(id).await;
    }
    for case in &cases {
        case.wait_told("clock_breached", 1).await;
        let open: Vec<_> = case.items(false).await.iter().map(|item| (item.kind(), item.steps)).collect();
        assert!(open.contains(&(WorkKind::Approval, 2)) && open.contains(&(WorkKind::Escalation, 0)), "{open:?}");
        assert_eq!(open.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_fits_the_schema() {
    let service = testkit::start(&escalation::SERVICE).await;
    service.prepare_all(escalation::store::STATEMENTS).await;
    service.needs_all(escalation::store::GRANTS, escalation::store::STATEMENTS).await;
}
