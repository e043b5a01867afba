//! Some lives of a claim, told from beginning to end.

use super::super::*;
use super::counted;

/// A claim that is told what happens, and what it has asked.
pub(super) struct Story {
    pub process: Process,
    pub asked: Vec<Command>,
}

impl Story {
    pub fn of(plan: Plan) -> Self {
        let (process, asked) = start(false);
        let mut story = Self { process, asked };
        story.hears(Event::Judged { assessment: 1, plan, fits: true });
        story
    }

    pub fn hears(&mut self, event: Event) -> &mut Self {
        match step(&self.process, &event) {
            Step::Go(process, commands) => {
                self.process = process;
                self.asked.extend(commands);
            }
            other => panic!("{event:?}: {other:?} in {:?}", self.process),
        }
        self
    }

    pub fn learns(&mut self, leg: Leg, attempt: u16, news: LegEvent) -> &mut Self {
        let job = Job { round: 1, line: 1, leg, attempt };
        self.hears(Event::Work { job, news })
    }

    pub fn sends_and_loses(&mut self, attempt: u16) -> &mut Self {
        self.learns(Leg::Reservation, attempt, LegEvent::Stock(Stock::Reserved))
            .learns(Leg::Shipment, attempt, LegEvent::Parcel(Parcel::Booked))
            .learns(Leg::Shipment, attempt, LegEvent::Parcel(Parcel::HandedOver))
            .learns(Leg::Reservation, attempt, LegEvent::Stock(Stock::Consumed))
            .learns(Leg::Shipment, attempt, LegEvent::Parcel(Parcel::Lost))
    }

    pub fn was_asked(&self, command: &Command) -> bool {
        self.asked.contains(command)
    }
}

pub(super) fn plan(resolution: Resolution, quantity: u32) -> Plan {
    let line = LinePlan { line: 1, resolution, quantity, collect: false, only_with: vec![], legs: vec![] };
    Plan { number: 1, automatic: true, consented: true, follow_up: false, lines: vec![line] }
}

pub(super) fn job(leg: Leg, attempt: u16) -> Job {
    Job { round: 1, line: 1, leg, attempt }
}

#[test]
fn lost_goods_are_sent_again_twice_and_then_a_person_decides() {
    let mut story = Story::of(plan(Resolution::Resend, 3));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(2));
    story.sends_and_loses(1).sends_and_loses(2).sends_and_loses(3);
    let task = Command::OpenTask { job: job(Leg::Shipment, 4), kind: Task::LegFailed, reason: "LOST" };
    assert_eq!(waiting_for(&story.process), [task]);
    story.learns(Leg::Shipment, 4, LegEvent::Ruled(Ruling::Retry));
    assert!(story.was_asked(&Command::Reserve { job: job(Leg::Reservation, 4), quantity: 2 }));
    story.learns(Leg::Reservation, 4, LegEvent::Stock(Stock::Reserved));
    assert!(story.was_asked(&Command::Ship { job: job(Leg::Shipment, 5), quantity: 2 }));
    let grants = story.asked.iter().filter(|command| matches!(command, Command::Grant { .. })).count();
    assert_eq!(grants, 1, "the grant stays the same however often it is sent");
}

#[test]
fn a_parcel_that_turns_up_while_a_person_is_asked_needs_nobody() {
    let mut story = Story::of(plan(Resolution::Resend, 3));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(2));
    story.sends_and_loses(1).sends_and_loses(2).sends_and_loses(3);
    assert_eq!(waits_for(&story.process), proto::claim::WaitingFor::Logistics);
    story.learns(Leg::Shipment, 3, LegEvent::Parcel(Parcel::Delivered));
    assert!(story.was_asked(&Command::CloseTask { job: job(Leg::Shipment, 4) }));
    assert!(story.was_asked(&Command::Give { job: job(Leg::Entitlement, 1), quantity: 2 }));
    assert_eq!(state(&story.process), proto::claim::ClaimState::Closed);
}

#[test]
fn nothing_to_pay_waits_for_nobody() {
    let mut story = Story::of(plan(Resolution::RefundOnly, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    story.learns(Leg::Settlement, 1, LegEvent::Money(Money::Nothing));
    assert_eq!(state(&story.process), proto::claim::ClaimState::Closed);
    assert!(!story.was_asked(&Command::Announce(Fact::SettlementPaid { job: job(Leg::Settlement, 1) })));
}

#[test]
fn stock_that_never_comes_is_for_a_person() {
    let mut story = Story::of(plan(Resolution::Resend, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    for attempt in 1..=50 {
        story.learns(Leg::Reservation, attempt, LegEvent::Stock(Stock::Expired));
    }
    let task = Command::OpenTask { job: job(Leg::Reservation, 51), kind: Task::LegFailed, reason: "NOT_RESERVABLE" };
    assert_eq!(waiting_for(&story.process), [task]);
}

#[test]
fn a_full_claim_gives_up_asks_a_person_and_can_only_end() {
    let mut story = Story::of(plan(Resolution::Resend, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    let held = Event::Work { job: job(Leg::Reservation, 1), news: LegEvent::Stock(Stock::Reserved) };
    let Step::Go(process, asked) = step_within(&story.process, &held, true) else { panic!("it goes on") };
    assert!(asked.contains(&Command::Announce(Fact::CompensationStarted { reason: "CLAIM_TOO_LARGE" })), "{asked:?}");
    story.process = process;
    story.learns(Leg::Shipment, 1, LegEvent::Parcel(Parcel::Cancelled));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Released));
    assert_eq!(story.process.stage, Stage::Assessing { reason: AssessReason::Failed });
    let next = Plan { number: 2, ..plan(Resolution::Resend, 1) };
    let judged = Event::Judged { assessment: 2, plan: next, fits: true };
    let Step::Go(process, _) = step_within(&story.process, &judged, true) else { panic!("it ends") };
    let reason = "CLAIM_TOO_LARGE".to_owned();
    assert_eq!(process.stage, Stage::Ended { outcome: Outcome::Rejected, reason, taken_back: None });
    assert_eq!(step_within(&story.process, &judged, false), step(&story.process, &judged));
}

#[test]
fn rounds_and_plans_have_an_end() {
    let at = |round, plan, stage| Process {
        round,
        assessment: plan,
        plan,
        numbers: 0,
        acknowledged: true,
        unfit: 0,
        heard: true,
        late: vec![],
        stage,
    };
    let low = Event::FollowUpAnswered { round: ROUNDS_MAX, score: 1, low: true };
    let Step::Go(process, _) = step(&at(ROUNDS_MAX, 1, Stage::FollowingUp), &low) else { panic!("it ends") };
    let reason = "ROUNDS_EXHAUSTED".to_owned();
    assert_eq!(process.stage, Stage::Ended { outcome: Outcome::Closed, reason, taken_back: None });
    let next = Plan { number: PLANS_MAX + 1, ..plan(Resolution::Resend, 1) };
    let judged = Event::Judged { assessment: PLANS_MAX, plan: next, fits: true };
    let failed = Stage::Assessing { reason: AssessReason::Failed };
    let Step::Go(process, _) = step_within(&at(1, PLANS_MAX, failed), &judged, false) else { panic!("it ends") };
    assert!(matches!(process.stage, Stage::Ended { outcome: Outcome::Rejected, .. }));
}

#[test]
fn what_was_open_at_the_end_is_taken_back_again() {
    let mut story = Story::of(Plan { automatic: false, ..plan(Resolution::Resend, 1) });
    assert_eq!(retry_policy(&story.process), RetryPolicy::Long);
    let open = ask_again(&story.process);
    assert!(
        matches!(
            open[..],
            [Command::StartClocks { round: 1, .. }, Command::MovePromises, Command::RequestApproval { plan: 1 }]
        ),
        "{open:?}"
    );
    story.hears(Event::Withdrawn);
    assert_eq!(retry_policy(&story.process), RetryPolicy::Once);
    let end = Command::EndClaim { outcome: Outcome::Withdrawn, reason: "WITHDRAWN".to_owned() };
    assert_eq!(ask_again(&story.process), [Command::CancelApproval { plan: 1 }, end]);
}

#[test]
fn what_was_given_before_is_not_given_again() {
    let mut story = Story::of(plan(Resolution::RefundOnly, 3));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(0));
    let reason = "ALREADY_COMPENSATED".to_owned();
    assert_eq!(story.process.stage, Stage::Ended { outcome: Outcome::Rejected, reason, taken_back: None });
}

#[test]
fn only_accepted_units_are_refunded_and_the_rest_is_promised_no_more() {
    let mut story = Story::of(plan(Resolution::ReturnRefund, 5));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(4));
    let count = counted(3, 1);
    story.learns(Leg::Pickup, 1, LegEvent::Parcel(Parcel::Delivered));
    story.learns(Leg::Receipt, 1, LegEvent::Return(Return::Counted { count, complete: true, late: 0 }));
    let grant = job(Leg::Entitlement, 1);
    assert!(story.was_asked(&Command::GiveBack { job: grant, quantity: 1 }));
    assert!(story.was_asked(&Command::Give { job: grant, quantity: 3 }));
    assert!(story.was_asked(&Command::Settle { job: job(Leg::Settlement, 1), grant, quantity: 3 }));
    story.learns(Leg::Settlement, 1, LegEvent::Money(Money::Paid));
    assert_eq!(state(&story.process), proto::claim::ClaimState::Closed);
}

#[test]
fn a_withdrawal_while_a_failure_is_undone_changes_what_follows() {
    let mut story = Story::of(plan(Resolution::Resend, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved));
    story.learns(Leg::Shipment, 1, LegEvent::Parcel(Parcel::BookingFailed));
    story.learns(Leg::Shipment, 2, LegEvent::Ruled(Ruling::Deny));
    assert_eq!(waiting_for(&story.process), [Command::Release { job: job(Leg::Reservation, 1) }]);
    story.hears(Event::Withdrawn);
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Released));
    assert!(story.was_asked(&Command::GiveBack { job: job(Leg::Entitlement, 1), quantity: 1 }));
    assert_eq!(state(&story.process), proto::claim::ClaimState::Withdrawn);
}

#[test]
fn a_parcel_too_late_to_void_comes_back_and_what_is_missing_was_given() {
    let mut story = Story::of(plan(Resolution::Resend, 3));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(3));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved));
    story.hears(Event::Withdrawn);
    story.learns(Leg::Shipment, 1, LegEvent::Parcel(Parcel::CancelRefused));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
    assert!(story.was_asked(&Command::Collect { job: job(Leg::Pickup, 1), quantity: 3 }));
    let count = counted(2, 0);
    story.learns(Leg::Pickup, 1, LegEvent::Parcel(Parcel::HandedOver));
    story.learns(Leg::Receipt, 1, LegEvent::Return(Return::Counted { count, complete: true, late: 0 }));
    let grant = job(Leg::Entitlement, 1);
    assert!(story.was_asked(&Command::Give { job: grant, quantity: 1 }));
    assert!(story.was_asked(&Command::GiveBack { job: grant, quantity: 2 }));
    assert_eq!(state(&story.process), proto::claim::ClaimState::Withdrawn);
}

#[test]
fn money_that_was_paid_waits_for_a_person_when_the_claim_is_withdrawn() {
    let mut story = Story::of(plan(Resolution::RefundOnly, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    story.hears(Event::Withdrawn);
    assert_eq!(waits_for(&story.process), proto::claim::WaitingFor::Finance);
    story.learns(Leg::Settlement, 1, LegEvent::Money(Money::Paid));
    story.learns(Leg::Settlement, 2, LegEvent::Ruled(Ruling::Retry));
    story.learns(Leg::Settlement, 3, LegEvent::Ruled(Ruling::Approve));
    assert_eq!(state(&story.process), proto::claim::ClaimState::Withdrawn);
    assert!(!story.asked.iter().any(|command| matches!(command, Command::TakeBack { .. })), "it stays given");
}

/// Forms of version 1 that may lie in a database. They may be added to; none is ever changed.
#[test]
fn stored_processes_stay_readable() {
    let stored = [
        r#"{"round":1,"assessment":2,"plan":0,"numbers":0,"acknowledged":true,
            "stage":{"AwaitingCustomer":{"line":1,"reason":"ORDER_NO"}}}"#,
        r#"{"round":1,"assessment":1,"plan":1,"numbers":0,"acknowledged":true,"stage":{"Compensating":{
            "lines":[{"plan":{"line":1,"resolution":"Resend","quantity":3,"collect":false},
            "already_compensated":false,"held":3,"given":0,"losses":0,"strands":[
            {"leg":"Entitlement","purpose":"Plan","state":"Done","attempt":1,"last":1,"late":false,
             "count":{"accepted":0,"other":0}},
            {"leg":"Shipment","purpose":"Plan","state":{"Failed":"Refused"},"attempt":1,"last":2,"late":true,
             "count":{"accepted":0,"other":0}},
            {"leg":"Receipt","purpose":{"BringBack":{"shipment":1}},"state":"CountedPartly","attempt":1,"last":1,
             "late":false,"count":{"accepted":2,"other":0}}]}],"then":"EndWithdrawn"}}}"#,
        r#"{"round":2,"assessment":4,"plan":2,"numbers":3,"acknowledged":true,
            "stage":{"Ended":{"outcome":"Closed","reason":""}}}"#,
        r#"{"round":1,"assessment":1,"plan":0,"numbers":0,"acknowledged":true,"heard":true,
            "stage":{"Assessing":{"reason":"NoAnswer"}}}"#,
    ];
    for text in stored {
        let process: Process = serde_json::from_str(text).unwrap();
        let again = serde_json::to_value(&process).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }
    assert_eq!(FORMAT, 2);
}

#[test]
fn goods_that_the_customer_brings_are_fetched_by_nobody() {
    let mut plan = plan(Resolution::ReturnRefund, 2);
    plan.lines[0].legs = vec![Leg::Entitlement, Leg::Receipt, Leg::Settlement];
    let mut story = Story::of(plan);
    assert_eq!(story.process.format(), 2, "the first form does not know legs of their own");
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(2));
    assert!(!story.asked.iter().any(|command| matches!(command, Command::Collect { .. })));
    let all = Return::Counted { count: counted(2, 0), complete: true, late: 0 };
    story.learns(Leg::Receipt, 1, LegEvent::Return(all));
    let job = job(Leg::Settlement, 1);
    assert!(story.was_asked(&Command::Settle { job, grant: Job { leg: Leg::Entitlement, ..job }, quantity: 2 }));
    story.learns(Leg::Settlement, 1, LegEvent::Money(Money::Paid));
    assert!(matches!(story.process.stage, Stage::Ended { outcome: Outcome::Closed, .. }));
    assert_eq!(story.process.format(), 1, "what is left of it every release reads");
}

#[test]
fn what_was_replaced_and_came_back_is_given_no_more() {
    let line = LinePlan {
        line: 1,
        resolution: Resolution::Replace,
        quantity: 2,
        collect: true,
        only_with: vec![],
        legs: vec![],
    };
    let plan = Plan { lines: vec![line], ..plan(Resolution::Replace, 2) };
    let count = |accepted| LegEvent::Return(Return::Counted { count: counted(accepted, 1), complete: true, late: 0 });
    // Whichever comes first: what was sent, or what it replaces.
    for receipt_first in [true, false] {
        let mut story = Story::of(plan.clone());
        story
            .learns(Leg::Entitlement, 1, LegEvent::Granted(2))
            .learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved))
            .learns(Leg::Shipment, 1, LegEvent::Parcel(Parcel::HandedOver));
        if receipt_first {
            story.learns(Leg::Receipt, 1, count(1));
        }
        story.learns(Leg::Shipment, 1, LegEvent::Parcel(Parcel::Delivered));
        if !receipt_first {
            story.learns(Leg::Receipt, 1, count(1));
        }
        story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
        story.learns(Leg::Pickup, 1, LegEvent::Parcel(Parcel::Cancelled));
        let grant = job(Leg::Entitlement, 1);
        assert!(story.was_asked(&Command::Give { job: grant, quantity: 2 }));
        let closed = Command::TakeBack { job: grant, quantity: 1 };
        assert_eq!(story.asked.iter().filter(|command| **command == closed).count(), 1, "one unit came back");
    }
}

#[test]
fn a_plan_that_does_not_fit_is_made_again_and_not_for_ever() {
    let (mut process, _) = start(false);
    let last = u32::from(limits::UNFIT_MAX) + 1;
    for assessment in 1..=last {
        let plan = Plan { number: assessment, ..plan(Resolution::RefundOnly, 1) };
        let Step::Go(after, asked) = step(&process, &Event::Judged { assessment, plan, fits: false }) else {
            panic!("it is heard")
        };
        let reason = AssessReason::Basis;
        let again = Command::Assess { assessment: assessment + 1, plan: assessment + 1, reason };
        assert_eq!(asked.contains(&again), assessment < last, "then what is left is granted");
        process = after;
    }
    assert!(matches!(process.stage, Stage::Executing { .. }));
    assert_eq!(process.unfit, 0);
}
