//! Deadlines beyond what the pack knows, and the next pack (FF6).

use std::path::PathBuf;

use jiff::Timestamp;
use proto::escalation::*;
use proto::policy::SUPPLY_CHAIN;
use testkit::{TestService, eventually};

use crate::world::*;

const KINDS: [ClockKind; 2] = [ClockKind::FirstFeedback, ClockKind::FinalSolution];

/// The pack of the next year, in which the third of January is a holiday, and perhaps another day.
fn next_pack(folder: &tempfile::TempDir, more: &str) -> PathBuf {
    let text = SUPPLY_CHAIN.replace("known_until = \"2027-12-31\"", "known_until = \"2028-12-31\"");
    let holidays = format!("\"2027-12-28\", \"2028-01-03\",{more}\n]");
    let text = text.replace("\"2027-12-28\",\n]", &holidays);
    assert!(text.contains(&holidays));
    let file = folder.path().join(format!("next{}.toml", more.len()));
    std::fs::write(&file, text).unwrap();
    file
}

async fn restart_with(mut service: TestService, pack: PathBuf) -> TestService {
    service.home.variables = vec![("POLICY__FILE".to_owned(), pack.display().to_string())];
    service.restart().await
}

fn move_to(service: &TestService, now: &str) {
    service.clock.advance(now.parse::<Timestamp>().unwrap().duration_since(service.clock.now()));
}

fn seconds(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

#[tokio::test(flavor = "multi_thread")]
async fn ff6_deadlines_beyond_the_known_days_are_reckoned_again_with_the_next_pack() {
    let folder = tempfile::tempdir().unwrap();
    let service = testkit::start(&escalation::SERVICE).await;
    // A Friday, the last day that is known.
    move_to(&service, "2027-12-31T14:00:00Z");
    let case = Case::new(&service);
    case.tell(start(1, &KINDS)).await;
    let (feedback, solution) = (case.clock(KINDS[0]).await, case.clock(KINDS[1]).await);
    assert!(feedback.provisional && solution.provisional);
    let day = |clock: &RunningClock| clock.deadline.unwrap().seconds / 86_400;
    let of = |text: &str| seconds(text) / 86_400;
    assert_eq!(day(&feedback), of("2028-01-03T00:00:00Z"), "nobody knew of the holiday");
    let known = Case::new(&service);
    known.tell(start_ago(&service, 1, &[ClockKind::FinalSolution], 20 * DAY)).await;
    assert!(!known.clock(ClockKind::FinalSolution).await.provisional);
    let claim = case.claim;
    let known_claim = known.claim;

    // The same pack moves nothing.
    let service = service.restart().await;
    let case = Case { service: &service, claim };
    assert_eq!(case.clock(KINDS[0]).await, feedback);

    let service = restart_with(service, next_pack(&folder, "")).await;
    let case = Case { service: &service, claim };
    let open = "SELECT count(*) FROM clock WHERE provisional";
    let none = async || sqlx::query_scalar::<_, i64>(open).fetch_one(service.pool()).await.unwrap() == 0;
    eventually(async || none().await.then_some(())).await;
    let (moved, later) = (case.clock(KINDS[0]).await, case.clock(KINDS[1]).await);
    assert_eq!((moved.provisional, later.provisional), (false, false));
    assert_eq!(day(&moved), of("2028-01-04T00:00:00Z"));
    let days = (day(&solution), day(&later));
    assert_eq!(days, (of("2028-01-14T00:00:00Z"), of("2028-01-17T00:00:00Z")), "one working day");
    assert_eq!(
        (moved.target_s, moved.started_at, moved.state()),
        (feedback.target_s, feedback.started_at, ClockState::Running)
    );
    let told = DeadlineMoved { kind: KINDS[0] as i32, round: 1, deadline: moved.deadline };
    assert_eq!(case.told().await, [("deadline_moved".to_owned(), escalation_event::Kind::DeadlineMoved(told))]);
    let known = Case { service: &service, claim: known_claim };
    assert!(!known.counts().await.contains_key("deadline_moved"), "what was known is not touched");

    // What is known stays: a pack with one holiday more moves it no more.
    let service = restart_with(service, next_pack(&folder, " \"2028-01-04\",")).await;
    let case = Case { service: &service, claim };
    case.tell(start(1, &KINDS)).await;
    assert_eq!(case.clock(KINDS[0]).await, moved);
}

/// A holiday that was found before the last known day moves what is provisional, too: each is looked at once after a start.
#[tokio::test(flavor = "multi_thread")]
async fn ff6_a_pack_with_other_holidays_and_the_same_end_moves_what_is_provisional() {
    let folder = tempfile::tempdir().unwrap();
    let service = testkit::start(&escalation::SERVICE).await;
    move_to(&service, "2027-12-28T12:00:00Z");
    let case = Case::new(&service);
    case.tell(start(1, &KINDS)).await;
    let was = case.clock(ClockKind::FinalSolution).await;
    assert!(was.provisional);
    let claim = case.claim;
    let text = SUPPLY_CHAIN.replace("\"2027-12-28\",\n]", "\"2027-12-28\", \"2027-12-30\",\n]");
    let file = folder.path().join("holiday.toml");
    std::fs::write(&file, text).unwrap();
    let service = restart_with(service, file).await;
    let case = Case { service: &service, claim };
    let moved = eventually(async || {
        let clock = case.clock(ClockKind::FinalSolution).await;
        (clock.deadline != was.deadline).then_some(clock)
    })
    .await;
    assert!(moved.provisional, "its end is still not known");
    assert!(moved.deadline.unwrap().seconds >= was.deadline.unwrap().seconds + DAY);
}

/// Clocks of an earlier release are looked at once, and found known without a word.
#[tokio::test(flavor = "multi_thread")]
async fn ff6_clocks_from_before_are_looked_at_once() {
    let mut service = testkit::start(&escalation::SERVICE).await;
    let case = Case::new(&service);
    case.tell(start(1, &KINDS)).await;
    let (claim, was) = (case.claim, case.clocks().await);
    service.stop().await;
    // As the migration leaves them.
    sqlx::query("UPDATE clock SET provisional = true").execute(service.pool()).await.unwrap();
    let service = service.restart().await;
    let case = Case { service: &service, claim };
    eventually(async || (case.clocks().await == was).then_some(())).await;
    assert!(case.counts().await.is_empty());
}
