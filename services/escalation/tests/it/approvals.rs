//! Approvals from request to answer.

use proto::claim::Role;
use proto::escalation::escalation_command::Kind;
use proto::escalation::escalation_event;
use proto::escalation::*;
use testkit::reason;
use tonic::Code;

use crate::world::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_nobody_is_granted_by_the_policy() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(request(&plan(1, 5_000, "rules"))).await;
    let granted = ApprovalGranted { plan_number: 1, by: "policy".to_owned(), steps_by: vec![] };
    assert_eq!(case.told().await, [("approval_granted".to_owned(), escalation_event::Kind::ApprovalGranted(granted))]);
    assert!(case.items(true).await.is_empty() && case.clocks().await.is_empty());
    case.tell(request(&plan(1, 5_000, "rules"))).await;
    assert_eq!(case.counts().await["approval_granted"], 2, "the same answer again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_walked_and_the_last_step_grants() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    let asked = plan(1, 150_000, "anna");
    case.tell(request(&asked)).await;
    case.tell(request(&asked)).await;
    let first = case.item(WorkKind::Approval).await;
    assert_eq!((first.role(), first.step, first.steps, first.plan.as_ref()), (Role::Supervisor, 1, 2, Some(&asked)));
    assert_eq!(case.clock(ClockKind::Approval).await.state(), ClockState::Running);

    for (person, roles, expected) in
        [("zoe", &["finance"][..], "WRONG_ROLE"), ("zoe", &[], "FORBIDDEN"), ("anna", &["supervisor"], "OWN_PROPOSAL")]
    {
        let refused = case.decide(person, roles, ruling(&first, Ruling::Approve)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, expected));
    }
    let answer = case.decide("sue", &["supervisor"], ruling(&first, Ruling::Approve)).await.unwrap();
    assert!(!answer.open && answer.etag == "\"2\"" && answer.plan == Some(asked));
    assert!(case.told().await.is_empty());

    let second = case.item(WorkKind::Approval).await;
    assert_eq!((second.role(), second.step), (Role::Finance, 2));
    let refused = case.decide("sue", &["finance"], ruling(&second, Ruling::Approve)).await.unwrap_err();
    assert_eq!(reason(&refused), "ALREADY_APPROVED");
    case.decide("fay", &["finance"], ruling(&second, Ruling::Approve)).await.unwrap();
    let granted = ApprovalGranted { plan_number: 1, by: "fay".to_owned(), steps_by: vec!["sue".to_owned()] };
    assert_eq!(case.told().await, [("approval_granted".to_owned(), escalation_event::Kind::ApprovalGranted(granted))]);
    assert_eq!(case.clock(ClockKind::Approval).await.state(), ClockState::Stopped);
    let audiences: Vec<_> = case.notices().await.into_iter().map(|(audience, name, _)| (audience, name)).collect();
    let waiting = |audience: &str| (audience.to_owned(), "work_waiting".to_owned());
    assert_eq!(audiences, [waiting("supervisor"), waiting("finance")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_d9_who_decided_when_and_why_is_read_by_those_who_come_after() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(request(&plan(1, 150_000, "anna"))).await;
    let first = case.item(WorkKind::Approval).await;
    assert_eq!((first.decided_by.as_str(), first.decided_at, first.ruling()), ("", None, Ruling::Unspecified));
    case.decide("max", &["management"], ruling(&first, Ruling::Approve)).await.unwrap();
    let second = case.item(WorkKind::Approval).await;
    case.decide("anna", &["supervisor"], ruling(&second, Ruling::Deny)).await.unwrap();
    let said: Vec<_> =
        case.items(true).await.into_iter().map(|item| (item.decided_by, item.ruling, item.note)).collect();
    let decided = |by: &str, ruling: Ruling| (by.to_owned(), ruling as i32, "seen".to_owned());
    assert_eq!(said, [decided("max", Ruling::Approve), decided("anna", Ruling::Deny)]);
    assert!(case.items(true).await.iter().all(|item| item.decided_at.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_ends_it_and_a_newer_plan_takes_its_place() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(request(&plan(1, 50_000, "rules"))).await;
    let item = case.item(WorkKind::Approval).await;
    case.decide("sue", &["supervisor"], ruling(&item, Ruling::Deny)).await.unwrap();
    let denied = ApprovalDenied { plan_number: 1, by: "sue".to_owned() };
    assert_eq!(case.told().await, [("approval_denied".to_owned(), escalation_event::Kind::ApprovalDenied(denied))]);

    case.tell(request(&plan(2, 50_000, "rules"))).await;
    let second = case.item(WorkKind::Approval).await;
    case.tell(request(&plan(3, 60_000, "rules"))).await;
    let third = case.item(WorkKind::Approval).await;
    assert_ne!(second.work_item_id, third.work_item_id);
    let refused = case.decide("sue", &["supervisor"], ruling(&second, Ruling::Approve)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "WORK_ITEM_CLOSED"));
    case.tell(request(&plan(2, 50_000, "rules"))).await;
    case.tell(Kind::CancelApproval(CancelApproval { plan_number: 3 })).await;
    assert!(case.items(false).await.is_empty());
    case.tell(request(&plan(3, 60_000, "rules"))).await;
    case.tell(Kind::CancelApproval(CancelApproval { plan_number: 4 })).await;
    case.tell(request(&plan(4, 60_000, "rules"))).await;
    assert!(case.items(false).await.is_empty(), "what was taken back is not asked");
    assert_eq!(case.counts().await.values().sum::<usize>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_under_the_same_number_is_parked() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(request(&plan(1, 50_000, "rules"))).await;
    case.tell(request(&plan(1, 10, "rules"))).await;
    let parked: Vec<String> = sqlx::query_scalar("SELECT reason FROM parked").fetch_all(service.pool()).await.unwrap();
    assert_eq!(parked, ["BROKEN"]);
    assert_eq!(case.item(WorkKind::Approval).await.plan.unwrap().cost.unwrap().minor_units, 50_000);
}
