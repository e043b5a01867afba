//! What comes back and is not as announced, told from beginning to end.

use super::super::*;
use super::stories::{Story, job, plan};
use super::{counted, unclear, wrong};
use proto::claim::{ClaimState, WaitingFor};

fn told(count: Count, late: u32) -> LegEvent {
    LegEvent::Return(Return::Counted { count, complete: true, late })
}

/// A return of five units that were all granted, to be counted.
fn returning() -> Story {
    let mut story = Story::of(plan(Resolution::ReturnRefund, 5));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(5));
    story.learns(Leg::Pickup, 1, LegEvent::Parcel(Parcel::Delivered));
    story
}

fn task(attempt: u16, reason: &'static str) -> Command {
    Command::OpenTask { job: job(Leg::Receipt, attempt), kind: Task::ReturnMismatch, reason }
}

fn ended(story: &Story) -> (ClaimState, &str) {
    let Stage::Ended { reason, .. } = &story.process.stage else { panic!("{:?}", story.process.stage) };
    (state(&story.process), reason)
}

#[test]
fn what_is_not_as_claimed_is_refunded_if_a_person_says_so() {
    for (ruling, refunded) in [(Ruling::Approve, 5), (Ruling::Deny, 3)] {
        let mut story = returning();
        story.learns(Leg::Receipt, 1, told(unclear(3, 2), 0));
        assert_eq!(waiting_for(&story.process), [task(2, "RETURN_NOT_AS_CLAIMED")]);
        assert_eq!(waits_for(&story.process), WaitingFor::Specialist);
        story.learns(Leg::Receipt, 2, LegEvent::Ruled(ruling));
        let grant = job(Leg::Entitlement, 1);
        assert!(story.was_asked(&Command::Settle { job: job(Leg::Settlement, 1), grant, quantity: refunded }));
        story.learns(Leg::Settlement, 1, LegEvent::Money(Money::Paid));
        assert_eq!(ended(&story), (ClaimState::Closed, ""));
    }
}

#[test]
fn one_question_after_the_other_is_asked_about_one_receipt() {
    let mut story = returning();
    let count = Count { accepted: 5, other: 3, unclear: 2, wrong_item: 1 };
    story.learns(Leg::Receipt, 1, told(count, 0));
    assert_eq!(waiting_for(&story.process), [task(2, "WRONG_ITEM_RETURNED")]);
    story.learns(Leg::Receipt, 2, LegEvent::Ruled(Ruling::Deny));
    assert_eq!(waiting_for(&story.process), [task(3, "RETURN_NOT_AS_CLAIMED")]);
    story.learns(Leg::Receipt, 3, LegEvent::Ruled(Ruling::Approve));
    assert_eq!(waiting_for(&story.process), [task(4, "RETURN_EXCESS")], "seven count, five were announced");
    story.learns(Leg::Receipt, 4, LegEvent::Ruled(Ruling::Approve));
    let settle = Command::Settle { job: job(Leg::Settlement, 1), grant: job(Leg::Entitlement, 1), quantity: 5 };
    assert!(story.was_asked(&settle), "the plan allowed five");
}

#[test]
fn a_return_that_gave_nothing_is_not_solved() {
    let mut story = returning();
    story.learns(Leg::Receipt, 1, told(counted(0, 0), 0));
    assert_eq!(ended(&story), (ClaimState::Rejected, "NOTHING_RETURNED"));
    assert!(story.was_asked(&Command::GiveBack { job: job(Leg::Entitlement, 1), quantity: 5 }));

    let mut story = returning();
    story.learns(Leg::Receipt, 1, told(wrong(0, 1), 0));
    story.learns(Leg::Receipt, 2, LegEvent::Ruled(Ruling::Deny));
    assert_eq!(ended(&story), (ClaimState::Rejected, "RETURN_NOT_ACCEPTED"));
}

#[test]
fn what_was_replaced_and_does_not_come_back_is_for_a_person() {
    let mut plan = plan(Resolution::Replace, 1);
    plan.lines[0].collect = true;
    let mut story = Story::of(plan);
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved));
    story.learns(Leg::Shipment, 1, LegEvent::Parcel(Parcel::Delivered));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
    story.learns(Leg::Pickup, 1, LegEvent::Parcel(Parcel::Delivered));
    story.learns(Leg::Receipt, 1, told(counted(0, 0), 0));
    assert_eq!(waiting_for(&story.process), [task(2, "NOTHING_RETURNED")]);
    story.learns(Leg::Receipt, 2, LegEvent::Ruled(Ruling::Approve));
    assert_eq!(ended(&story), (ClaimState::Closed, ""));
    assert!(!story.asked.iter().any(|asked| matches!(asked, Command::TakeBack { .. })), "it stays given");
}

#[test]
fn u19_nothing_is_collected_before_stock_is_known() {
    let mut plan = plan(Resolution::Replace, 2);
    plan.lines[0].collect = true;
    let mut story = Story::of(plan);
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(2));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::ReservedPartly));
    let collect = Command::Collect { job: job(Leg::Pickup, 1), quantity: 2 };
    assert!(!story.was_asked(&collect));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved));
    assert!(story.was_asked(&collect) && story.was_asked(&Command::Ship { job: job(Leg::Shipment, 1), quantity: 2 }));
}

#[test]
fn u19_goods_that_are_brought_while_stock_is_awaited_are_not_collected_again() {
    let mut plan = plan(Resolution::Replace, 1);
    plan.lines[0].collect = true;
    let mut story = Story::of(plan);
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    story.learns(Leg::Receipt, 1, told(counted(1, 0), 0));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved));
    assert!(!story.asked.iter().any(|asked| matches!(asked, Command::Collect { .. })));
}

#[test]
fn ff1b_an_unknown_batch_that_must_match_is_for_a_person() {
    let mut story = Story::of(plan(Resolution::Replace, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::BatchUnknown));
    let task = Command::OpenTask { job: job(Leg::Reservation, 2), kind: Task::LegFailed, reason: "BATCH_UNKNOWN" };
    assert_eq!(waiting_for(&story.process), [task]);
    story.learns(Leg::Reservation, 2, LegEvent::Ruled(Ruling::Retry));
    assert!(story.was_asked(&Command::Reserve { job: job(Leg::Reservation, 3), quantity: 1 }));
}

#[test]
fn goods_that_come_after_the_end_are_noted_once_and_nothing_public_follows() {
    let mut story = returning();
    story.learns(Leg::Receipt, 1, told(counted(4, 0), 0));
    story.learns(Leg::Settlement, 1, LegEvent::Money(Money::Paid));
    assert_eq!(ended(&story), (ClaimState::Closed, ""));
    let before = story.asked.len();
    let late = Event::Work { job: job(Leg::Receipt, 1), news: told(counted(5, 0), 1) };
    story.hears(late.clone());
    let task = task(10_000, "LATE_RETURN");
    assert_eq!(&story.asked[before..], std::slice::from_ref(&task));
    assert_eq!(step(&story.process, &late), Step::Stay, "told again");
    assert!(ask_again(&story.process).contains(&task));
    let ruled = Event::Work { job: job(Leg::Receipt, 10_000), news: LegEvent::Ruled(Ruling::Approve) };
    assert_eq!(step(&story.process, &ruled), Step::Stay);
    let never = Event::Work { job: job(Leg::Receipt, 10_001), news: LegEvent::Ruled(Ruling::Approve) };
    assert_eq!(step(&story.process, &never), Step::Broken);
    // Answers that are only repeated are no news.
    let again = Event::Work { job: job(Leg::Receipt, 1), news: told(counted(5, 0), 0) };
    assert_eq!(step(&story.process, &again), Step::Stay);
}

#[test]
fn a_withdrawal_takes_the_question_back_and_asks_what_becomes_of_the_goods() {
    let mut story = returning();
    story.learns(Leg::Receipt, 1, told(unclear(0, 5), 0));
    story.hears(Event::Withdrawn);
    assert!(story.was_asked(&Command::CloseTask { job: job(Leg::Receipt, 2) }));
    let undo =
        Command::OpenTask { job: job(Leg::Receipt, 3), kind: Task::CompensationFailed, reason: "CANNOT_BE_UNDONE" };
    assert!(waiting_for(&story.process).contains(&undo));
}
