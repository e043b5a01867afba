//! What carriers really report, and what a claim makes of it.

use proto::claim::{ClaimState, LegState, WaitingFor};

use super::super::*;
use super::counted;
use super::stories::{Story, job, plan};

const SENT: Leg = Leg::Shipment;

fn parcel(news: Parcel) -> LegEvent {
    LegEvent::Parcel(news)
}

/// One unit, sent and lost; others are to be sent.
fn lost() -> Story {
    let mut story = Story::of(plan(Resolution::Resend, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1)).sends_and_loses(1);
    story
}

/// One unit, booked.
fn booked(resolution: Resolution) -> Story {
    let mut story = Story::of(plan(resolution, 1));
    story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
    if resolution == Resolution::Resend {
        story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved)).learns(SENT, 1, parcel(Parcel::Booked));
    } else {
        story.learns(Leg::Pickup, 1, parcel(Parcel::Booked));
    }
    story
}

fn told(story: &Story, notice: Notice) -> usize {
    story.asked.iter().filter(|asked| matches!(asked, Command::Notify { notice: told, .. } if *told == notice)).count()
}

fn noted(story: &Story, wanted: &str) -> usize {
    let is = |command: &&Command| matches!(command, Command::Announce(Fact::LegMoved { detail, state: LegState::Progressed, .. }) if *detail == wanted);
    story.asked.iter().filter(is).count()
}

/// S4-54: a technician is sent again until it is solved, and what is on site cannot be undone.
#[test]
fn a_visit_in_vain_is_followed_by_another_and_ends_the_claim_when_it_works() {
    let mut plan = plan(Resolution::TechnicalSupport, 1);
    plan.lines[0].legs = vec![Leg::Visit];
    let mut story = Story::of(plan);
    assert!(story.was_asked(&Command::ArrangeVisit { job: job(Leg::Visit, 1), quantity: 1 }));
    for (news, waits) in [
        (Visit::Arranged, WaitingFor::Logistics),
        (Visit::Proposed, WaitingFor::Customer),
        (Visit::Appointed(None), WaitingFor::Logistics),
        (Visit::InVain, WaitingFor::Logistics),
        (Visit::Appointed(None), WaitingFor::Logistics),
        (Visit::Started, WaitingFor::Logistics),
    ] {
        story.learns(Leg::Visit, 1, LegEvent::Visit(news));
        assert_eq!(waits_for(&story.process), waits, "{news:?}");
    }
    let mut withdrawn = Story { process: story.process.clone(), asked: vec![] };
    story.learns(Leg::Visit, 1, LegEvent::Visit(Visit::Done));
    assert_eq!(state(&story.process), ClaimState::Closed);
    withdrawn.hears(Event::Withdrawn);
    assert!(withdrawn.was_asked(&Command::CancelVisit { job: job(Leg::Visit, 1) }));
    withdrawn.learns(Leg::Visit, 1, LegEvent::Visit(Visit::CancelRefused));
    let task =
        Command::OpenTask { job: job(Leg::Visit, 2), kind: Task::CompensationFailed, reason: "CANNOT_BE_UNDONE" };
    assert!(withdrawn.was_asked(&task));
}

#[test]
fn a_parcel_that_turns_up_before_stock_is_held_gives_the_stock_back() {
    for held in [None, Some(Stock::ReservedPartly), Some(Stock::Reserved)] {
        let mut story = lost();
        // What is held in full would be sent at once: the second parcel is only asked for.
        if let Some(held) = held.filter(|held| *held != Stock::Reserved) {
            story.learns(Leg::Reservation, 2, LegEvent::Stock(held));
        }
        story.learns(SENT, 1, parcel(Parcel::Delivered));
        assert!(story.was_asked(&Command::Release { job: job(Leg::Reservation, 2) }), "{held:?}");
        assert!(story.was_asked(&Command::Give { job: job(Leg::Entitlement, 1), quantity: 1 }));
        assert_eq!((noted(&story, "TURNED_UP"), told(&story, Notice::GoodsDelivered)), (1, 1));
        let again = Event::Work { job: job(SENT, 1), news: parcel(Parcel::Delivered) };
        assert_eq!(step(&story.process, &again), Step::Stay);
        story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Released));
        assert_eq!(state(&story.process), ClaimState::Closed);
        assert!(!story.was_asked(&Command::Ship { job: job(SENT, 2), quantity: 1 }));
    }
}

#[test]
fn a_parcel_that_turns_up_before_the_second_leaves_calls_it_off() {
    for damaged in [false, true] {
        let mut story = if damaged {
            let mut story = booked(Resolution::Resend);
            story.learns(SENT, 1, parcel(Parcel::HandedOver)).learns(SENT, 1, parcel(Parcel::Damaged));
            story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
            story
        } else {
            lost()
        };
        story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Reserved)).learns(SENT, 2, parcel(Parcel::Booked));
        assert_eq!(told(&story, Notice::SentAgain), 1);
        let arrived = if damaged { Parcel::DeliveredDamaged } else { Parcel::Delivered };
        story.learns(SENT, 1, parcel(arrived));
        assert!(story.was_asked(&Command::CancelShipment { job: job(SENT, 2) }));
        assert!(!story.was_asked(&Command::Release { job: job(Leg::Reservation, 2) }), "it may still be sent");
        story.learns(SENT, 2, parcel(Parcel::Cancelled));
        assert!(story.was_asked(&Command::Release { job: job(Leg::Reservation, 2) }));
        story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Released));
        assert_eq!(state(&story.process), ClaimState::Closed);
        let given = story.asked.iter().filter(|command| matches!(command, Command::Give { .. })).count();
        assert_eq!(given, 1, "one for one");
    }
}

/// The second has left before it was called off, or before the first turned up: a person is asked, and may have it fetched.
#[test]
fn a_parcel_that_turns_up_after_the_second_has_left_is_for_a_person() {
    for (left_first, ruling) in [(true, Ruling::Approve), (false, Ruling::Approve), (true, Ruling::Retry)] {
        let mut story = lost();
        story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Reserved)).learns(SENT, 2, parcel(Parcel::Booked));
        if left_first {
            story.learns(SENT, 2, parcel(Parcel::HandedOver)).learns(SENT, 1, parcel(Parcel::Delivered));
        } else {
            story.learns(SENT, 1, parcel(Parcel::Delivered)).learns(SENT, 2, parcel(Parcel::CancelRefused));
        }
        story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Consumed));
        let task = Command::OpenTask { job: job(SENT, 3), kind: Task::CompensationFailed, reason: "SENT_TWICE" };
        assert_eq!(waiting_for(&story.process), [task]);
        assert_eq!(waits_for(&story.process), WaitingFor::Logistics);
        story.learns(SENT, 3, LegEvent::Ruled(ruling));
        if ruling == Ruling::Retry {
            assert!(story.was_asked(&Command::Collect { job: job(Leg::Pickup, 1), quantity: 1 }));
            story.learns(Leg::Pickup, 1, parcel(Parcel::Delivered));
            let count = counted(1, 0);
            story.learns(Leg::Receipt, 1, LegEvent::Return(Return::Counted { count, complete: true, late: 0 }));
        }
        assert_eq!(state(&story.process), ClaimState::Closed);
        assert!(!story.asked.iter().any(|command| matches!(command, Command::TakeBack { .. })), "one stays given");
    }
}

#[test]
fn a_second_parcel_that_does_not_arrive_needs_nobody() {
    for bad in [Parcel::Lost, Parcel::Damaged, Parcel::Refused] {
        let mut story = lost();
        story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Reserved)).learns(SENT, 2, parcel(Parcel::HandedOver));
        story.learns(SENT, 1, parcel(Parcel::Delivered)).learns(SENT, 2, parcel(bad));
        assert!(story.was_asked(&Command::CloseTask { job: job(SENT, 3) }), "{bad:?}");
        story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Consumed));
        if bad == Parcel::Refused {
            let count = counted(1, 0);
            story.learns(Leg::Receipt, 1, LegEvent::Return(Return::Counted { count, complete: true, late: 0 }));
        }
        assert_eq!(state(&story.process), ClaimState::Closed);
    }
}

#[test]
fn a_parcel_that_turns_up_while_the_claim_is_given_up_is_brought_back() {
    let mut story = lost();
    story.learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Reserved)).learns(SENT, 2, parcel(Parcel::Booked));
    story.hears(Event::Withdrawn).learns(SENT, 1, parcel(Parcel::Delivered));
    assert!(story.was_asked(&Command::Collect { job: job(Leg::Pickup, 1), quantity: 1 }));
    story.learns(SENT, 2, parcel(Parcel::Cancelled)).learns(Leg::Reservation, 2, LegEvent::Stock(Stock::Released));
    story.learns(Leg::Pickup, 1, parcel(Parcel::Delivered));
    let count = counted(1, 0);
    story.learns(Leg::Receipt, 1, LegEvent::Return(Return::Counted { count, complete: true, late: 0 }));
    assert_eq!(state(&story.process), ClaimState::Withdrawn);
    assert!(story.was_asked(&Command::GiveBack { job: job(Leg::Entitlement, 1), quantity: 1 }));
}

#[test]
fn what_comes_back_by_itself_while_the_claim_is_given_up_is_not_fetched() {
    let mut story = booked(Resolution::Resend);
    story.learns(SENT, 1, parcel(Parcel::HandedOver)).learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
    story.hears(Event::Withdrawn).learns(SENT, 1, parcel(Parcel::Refused));
    assert!(story.was_asked(&Command::CancelCollection { job: job(Leg::Pickup, 1) }));
    story.learns(Leg::Pickup, 1, parcel(Parcel::Cancelled));
    let count = counted(1, 0);
    story.learns(Leg::Receipt, 1, LegEvent::Return(Return::Counted { count, complete: true, late: 0 }));
    assert_eq!(state(&story.process), ClaimState::Withdrawn);
}

#[test]
fn what_was_collected_after_all_comes_back_no_more() {
    let mut story = booked(Resolution::Resend);
    story.learns(SENT, 1, parcel(Parcel::HandedOver)).learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
    story.learns(SENT, 1, parcel(Parcel::Refused));
    assert_eq!(waits_for(&story.process), WaitingFor::Logistics);
    story.learns(SENT, 1, parcel(Parcel::Delivered));
    assert!(story.was_asked(&Command::CloseTask { job: job(SENT, 2) }));
    assert!(story.was_asked(&Command::CancelReturn { job: job(Leg::Receipt, 1) }));
    story.learns(Leg::Receipt, 1, LegEvent::Return(Return::Cancelled { accepted: 0 }));
    assert_eq!(state(&story.process), ClaimState::Closed);
}

#[test]
fn goods_that_wait_for_the_customer_wait_for_the_customer() {
    let mut story = booked(Resolution::Resend);
    story.learns(SENT, 1, parcel(Parcel::HandedOver)).learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
    assert_eq!(waits_for(&story.process), WaitingFor::Carrier);
    story.learns(SENT, 1, parcel(Parcel::Incident(Incident::Attempted, 4)));
    assert_eq!((waits_for(&story.process), told(&story, Notice::DeliveryAttempted)), (WaitingFor::Carrier, 1));
    story.learns(SENT, 1, parcel(Parcel::Incident(Incident::Attempted, 5)));
    assert_eq!(told(&story, Notice::DeliveryAttempted), 2, "each try is told");
    story.learns(SENT, 1, parcel(Parcel::Incident(Incident::ToCollect, 6)));
    assert_eq!((waits_for(&story.process), told(&story, Notice::GoodsToCollect)), (WaitingFor::Customer, 1));
    let older = Event::Work { job: job(SENT, 1), news: parcel(Parcel::Incident(Incident::GoesOn, 5)) };
    assert_eq!(step(&story.process, &older), Step::Stay);
    story.learns(SENT, 1, parcel(Parcel::Incident(Incident::CustomsHold, 7)));
    assert_eq!(waits_for(&story.process), WaitingFor::Logistics);
    story.learns(SENT, 1, parcel(Parcel::Incident(Incident::GoesOn, 8)));
    assert_eq!(waits_for(&story.process), WaitingFor::Carrier);
    story.learns(SENT, 1, parcel(Parcel::Delivered));
    assert_eq!(state(&story.process), ClaimState::Closed);
}

#[test]
fn a_pick_up_in_vain_waits_for_another_day() {
    let mut story = booked(Resolution::ReturnRefund);
    for (number, incident) in [(2, Incident::NobodyThere), (4, Incident::NotReady)] {
        story.learns(Leg::Pickup, 1, parcel(Parcel::Incident(incident, number)));
        assert_eq!(leg_statuses(&story.process)[1].waiting_for, WaitingFor::Customer, "{incident:?}");
        story.learns(Leg::Pickup, 1, parcel(Parcel::Incident(Incident::Confirmed, number + 1)));
        assert_eq!(leg_statuses(&story.process)[1].waiting_for, WaitingFor::Carrier, "{incident:?}");
    }
    assert_eq!((told(&story, Notice::CollectionMissed), told(&story, Notice::CollectionBooked)), (2, 3));
}

#[test]
fn what_was_delivered_incomplete_is_given_and_a_person_is_asked() {
    for later in [false, true] {
        let mut story = Story::of(Plan { follow_up: true, ..plan(Resolution::Replace, 1) });
        story.learns(Leg::Entitlement, 1, LegEvent::Granted(1));
        story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Reserved)).learns(SENT, 1, parcel(Parcel::HandedOver));
        if later {
            // The stock is not confirmed yet: the claim is still carried out.
            story.learns(SENT, 1, parcel(Parcel::Delivered));
        }
        story.learns(SENT, 1, parcel(Parcel::DeliveredIncomplete));
        story.learns(Leg::Reservation, 1, LegEvent::Stock(Stock::Consumed));
        assert!(story.was_asked(&Command::Give { job: job(Leg::Entitlement, 1), quantity: 1 }));
        let reason = "DELIVERED_INCOMPLETE";
        let task = Command::OpenTask { job: job(SENT, 2), kind: Task::CompensationFailed, reason };
        assert_eq!(waiting_for(&story.process), [task]);
        story.learns(SENT, 2, LegEvent::Ruled(Ruling::Approve));
        assert_eq!(state(&story.process), ClaimState::FollowingUp);
    }
}

#[test]
fn each_new_day_is_told_once() {
    let day = |day| parcel(Parcel::Delayed(Some(jiff::civil::date(2026, 12, day))));
    let mut story = booked(Resolution::Resend);
    story.learns(SENT, 1, day(3));
    let again = Event::Work { job: job(SENT, 1), news: day(3) };
    assert_eq!(step(&story.process, &again), Step::Stay);
    story.learns(SENT, 1, day(5));
    assert_eq!(told(&story, Notice::DeliveryDelayed), 2);
}
