//! Clocks that the database judges.

use jiff::SignedDuration;
use proto::claim::{Role, Severity};
use proto::escalation::escalation_command::Kind;
use proto::escalation::*;

use crate::world::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_is_breached_once_and_climbs_its_ladder() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(start(1, &[ClockKind::FirstFeedback])).await;
    let clock = case.clock(ClockKind::FirstFeedback).await;
    assert_eq!((clock.state(), clock.target_s, clock.warned_percent), (ClockState::Running, 450 * MINUTE, 0));

    // Five weeks later everything is due: one warning, one breach, and the ladder begins.
    service.clock.advance(SignedDuration::from_secs(35 * DAY));
    case.wait_told("clock_breached", 1).await;
    let clock = case.clock(ClockKind::FirstFeedback).await;
    assert_eq!((clock.state(), clock.warned_percent), (ClockState::Breached, 75));
    assert_eq!(clock.breached_at, clock.deadline);
    assert_eq!(case.counts().await["clock_warned"], 1);
    let item = case.item(WorkKind::Escalation).await;
    assert_eq!(
        (item.role(), item.reason.as_str(), item.claim_number.as_str()),
        (Role::Supervisor, "CLOCK_BREACHED", "RD-2026-000001")
    );

    service.clock.advance(SignedDuration::from_secs(35 * DAY));
    testkit::eventually(|| async { (case.escalations().await.len() == 2).then_some(()) }).await;
    let levels: Vec<_> = case.escalations().await.iter().map(|raised| (raised.level, raised.role())).collect();
    assert_eq!(levels, [(2, Role::Management), (1, Role::Supervisor)], "newest first");
    let item = case.item(WorkKind::Escalation).await;
    assert_eq!(item.role(), Role::Management);
    case.decide("max", &["management"], ruling(&item, Ruling::Approve)).await.unwrap();

    service.clock.advance(SignedDuration::from_secs(350 * DAY));
    let other = Case::new(&service);
    other.tell(start(1, &[ClockKind::Acknowledgement])).await;
    service.clock.advance(SignedDuration::from_secs(35 * DAY));
    other.wait_told("clock_breached", 1).await;
    assert_eq!((case.counts().await["clock_breached"], case.escalations().await.len()), (1, 2));
    let notices: Vec<_> = case.notices().await.into_iter().map(|(audience, name, _)| (audience, name)).collect();
    let pair = |audience: &str, name: &str| (audience.to_owned(), name.to_owned());
    assert_eq!(
        notices,
        [
            pair("supervisor", "clock_breached"),
            pair("supervisor", "work_waiting"),
            pair("management", "clock_breached"),
            pair("management", "work_waiting"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_down_at_the_deadline_catches_up_once() {
    let mut service = testkit::start(&escalation::SERVICE).await;
    let claim = {
        let case = Case::new(&service);
        case.tell(start(1, &[ClockKind::FirstFeedback, ClockKind::FinalSolution])).await;
        case.claim
    };
    service.stop().await;
    service.clock.advance(SignedDuration::from_secs(10 * DAY));
    let service = service.restart().await;
    let case = Case { service: &service, claim };
    case.wait_told("clock_breached", 1).await;
    assert_eq!(case.clock(ClockKind::FirstFeedback).await.state(), ClockState::Breached);
    assert_eq!(case.clock(ClockKind::FinalSolution).await.state(), ClockState::Running);
    let service = service.restart().await;
    let case = Case { service: &service, claim };
    case.tell(start(1, &[ClockKind::FirstFeedback])).await;
    assert_eq!((case.counts().await["clock_breached"], case.escalations().await.len()), (1, 1));
}

/// What was given to a claim before it was judged is measured anew, in the database too; the promise that moved is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_d2_a_judged_claim_has_the_clocks_of_its_severity() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(start(1, &[ClockKind::FirstFeedback, ClockKind::FinalSolution])).await;
    let judged = RetargetClocks { round: 1, severity: Severity::Urgent as i32 };
    case.tell(Kind::RetargetClocks(judged)).await;
    case.tell(Kind::RetargetClocks(judged)).await;
    let clock = case.clock(ClockKind::FirstFeedback).await;
    assert_eq!((clock.target_s, clock.severity()), (120 * MINUTE, Severity::Urgent));
    assert_eq!(case.clock(ClockKind::FinalSolution).await.target_s, 1_350 * MINUTE);
    let moved = DeadlineMoved { kind: ClockKind::FirstFeedback as i32, round: 1, deadline: clock.deadline };
    assert_eq!(case.told().await, [("deadline_moved".to_owned(), escalation_event::Kind::DeadlineMoved(moved))]);

    // What is judged with its last word is measured, and no promise is told that holds no more.
    let case = Case::new(&service);
    case.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback, ClockKind::FinalSolution], 20 * DAY)).await;
    case.wait_told("clock_breached", 2).await;
    let kinds = vec![ClockKind::FirstFeedback as i32];
    let (severity, at) = (Severity::Minor as i32, None);
    case.tell(Kind::StopClocks(StopClocks { kinds, round: 1, at, severity })).await;
    assert_eq!(case.clock(ClockKind::FinalSolution).await.severity(), Severity::Minor);
    assert!(!case.counts().await.contains_key("deadline_moved"));
}

/// P57: what was over stays over, and a promise that is given now has its whole time.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_the_database_that_jumps_back_does_not_re_open_the_past() {
    let service = testkit::start(&escalation::SERVICE).await;
    let over = Case::new(&service);
    over.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback], 0)).await;
    let left = over.clock(ClockKind::FirstFeedback).await.deadline.unwrap();
    // As if the database had been there, two months ahead, and somebody had set its clock right again.
    let jump = "UPDATE time_mark SET at = now() + interval '60 days'";
    sqlx::query(jump).execute(service.pool()).await.unwrap();
    over.wait_told("clock_breached", 1).await;
    let clock = over.clock(ClockKind::FirstFeedback).await;
    assert_eq!(clock.breached_at, Some(left), "the deadline that was missed");

    let new = Case::new(&service);
    new.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback], 0)).await;
    assert_eq!(new.clock(ClockKind::FirstFeedback).await.state(), ClockState::Running);
    assert!(new.clock(ClockKind::FirstFeedback).await.deadline.unwrap().seconds > left.seconds + 50 * DAY);
    let mark = "SELECT at > now() + interval '59 days' FROM time_mark";
    assert!(sqlx::query_scalar::<_, bool>(mark).fetch_one(service.pool()).await.unwrap(), "time stands still");
    assert!(new.told().await.is_empty());
    assert_eq!(over.counts().await["clock_breached"], 1);
}

/// The clock of the service is nobody's judge: only the database's moves a clock.
#[tokio::test(flavor = "multi_thread")]
async fn news_that_come_late_say_when_the_promise_was_kept() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback], 20 * DAY)).await;
    case.wait_told("clock_breached", 1).await;
    let in_time = case
        .clock(ClockKind::FirstFeedback)
        .await
        .deadline
        .map(|at| proto::WireTime { seconds: at.seconds - 60, ..at });
    case.tell(Kind::StopClocks(StopClocks { round: 1, at: in_time, ..StopClocks::default() })).await;
    let clock = case.clock(ClockKind::FirstFeedback).await;
    assert_eq!((clock.state(), clock.stopped_at), (ClockState::Breached, in_time));
    assert!(case.items(false).await.is_empty(), "nobody is asked any more");
    case.tell(start(2, &[ClockKind::FinalSolution])).await;
    case.tell(Kind::StopClocks(StopClocks { round: 1, ..StopClocks::default() })).await;
    assert_eq!(case.clock(ClockKind::FinalSolution).await.state(), ClockState::Running, "of the new round");
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_clocks_wait_and_keep_what_is_left() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(start(1, &[ClockKind::FinalSolution])).await;
    case.tell(Kind::PauseClocks(PauseClocks {})).await;
    case.tell(start(1, &[ClockKind::FirstFeedback])).await;
    for clock in case.clocks().await {
        assert_eq!(clock.state(), ClockState::Paused);
    }
    service.clock.advance(SignedDuration::from_secs(60 * DAY));
    let other = Case::new(&service);
    other.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback], 10 * DAY)).await;
    other.wait_told("clock_breached", 1).await;
    assert!(case.told().await.is_empty());
    let before = case.clock(ClockKind::FirstFeedback).await.deadline.unwrap();
    case.tell(Kind::ResumeClocks(ResumeClocks {})).await;
    let clock = case.clock(ClockKind::FirstFeedback).await;
    assert_eq!(clock.state(), ClockState::Running);
    assert!(clock.deadline.unwrap().seconds - before.seconds > 50 * DAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_wins_before_and_after_the_start() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(stop(&[])).await;
    case.tell(start(1, &[ClockKind::FirstFeedback, ClockKind::FinalSolution])).await;
    assert!(case.clocks().await.is_empty());
    case.tell(start(2, &[ClockKind::FinalSolution])).await;
    assert_eq!(case.clock(ClockKind::FinalSolution).await.state(), ClockState::Running);
    case.tell(stop(&[ClockKind::FinalSolution])).await;
    assert_eq!(case.clock(ClockKind::FinalSolution).await.state(), ClockState::Stopped);
    case.tell(start(2, &[ClockKind::FinalSolution])).await;
    assert_eq!(case.clock(ClockKind::FinalSolution).await.state(), ClockState::Stopped);
    assert!(case.told().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_a_breached_clock_ends_its_ladder_and_keeps_the_breach() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback], 20 * DAY)).await;
    case.wait_told("clock_breached", 1).await;
    assert_eq!(case.items(false).await.len(), 1);
    case.tell(stop(&[])).await;
    assert!(case.items(false).await.is_empty());
    assert_eq!(case.clock(ClockKind::FirstFeedback).await.state(), ClockState::Breached);
    let next: Option<jiff_sqlx::Timestamp> =
        sqlx::query_scalar("SELECT next_at FROM clock").fetch_one(service.pool()).await.unwrap();
    assert!(next.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_keeps_breaches_escalations_and_snapshots() {
    let service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(start_ago(&service, 1, &[ClockKind::FirstFeedback], 20 * DAY)).await;
    case.tell(request(&plan(1, 500_000, "rules"))).await;
    case.wait_told("clock_breached", 1).await;
    for change in [
        "UPDATE clock SET state = 'stopped', breached_at = NULL, level = 0, next_at = NULL WHERE state = 'breached'",
        "UPDATE clock SET breached_at = now() WHERE state = 'breached'",
        "DELETE FROM clock WHERE state = 'breached'",
        "UPDATE escalation SET level = 3",
        "DELETE FROM escalation",
        "UPDATE approval SET plan = 'x'",
        "UPDATE work_item SET state = 'decided'",
        "INSERT INTO escalation SELECT gen_random_uuid(), claim_id, clock, round, level, role, raised_at, deadline FROM escalation",
    ] {
        assert!(sqlx::query(change).execute(service.pool()).await.is_err(), "{change}");
    }
}
