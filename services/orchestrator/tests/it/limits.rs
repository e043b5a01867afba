//! Claims that are about nothing, and claims that grow too large.

use proto::claim::{ClaimState, LegMoved, Money, Resolution, claim_event};
use proto::inventory::{Released, Reserved, inventory_event};
use proto::logistics::{Cancelled, Delivered, Direction, Exception, ShipmentState, logistics_event};
use proto::orchestrator::ListSettlementsRequest;

use crate::story::{World, line, plan};

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_cost_nothing_are_not_paid_for() {
    let world = World::start().await;
    let story = world.submitted().await;
    let free = Some(Money { minor_units: 0, currency: "GBP".to_owned() });
    let gift = proto::claim::LinePlan { unit_price: free, ..line(1, Resolution::RefundOnly, 1) };
    let plan = proto::claim::Plan { lines: vec![gift], ..plan(1, Resolution::RefundOnly, 1) };
    story.tell(story.judge(1, plan)).await;
    assert_eq!(story.state().await, ClaimState::Closed);
    assert!(story.notices("finance", "settlement_instructed").await.is_empty());
    let names = story.names().await;
    assert!(!names.iter().any(|name| name.starts_with("settlement")), "{names:?}");
    let listed = world.api().list_settlements(ListSettlementsRequest::default()).await.unwrap().into_inner();
    assert!(listed.settlements.is_empty());
    assert_eq!(world.ledger().await, (0, 1, 0), "it was given all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_full_gives_up_asks_a_person_and_can_only_end() {
    let world = World::start().await;
    let story = world.judged(Resolution::Resend, 1).await;
    // As if all that had happened.
    let grown = "UPDATE process SET events = 1800, version = version + 1 WHERE events < 1800";
    sqlx::query(grown).execute(world.service.pool()).await.unwrap();
    let held = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&held, inventory_event::Kind::Reserved(Reserved { quantity: 1 }))).await;
    assert_eq!(story.state().await, ClaimState::Compensating);
    let sent = story.asked_logistics("cancel_shipment").await.pop().unwrap().job.unwrap();
    let called_off = logistics_event::Kind::Cancelled(Cancelled {});
    story.tell(story.logistics(&sent, Direction::Outbound, called_off)).await;
    story.tell(story.inventory(&held, inventory_event::Kind::Released(Released {}))).await;
    assert_eq!(story.state().await, ClaimState::Assessing, "a person is to find another way");
    story.tell(story.judge(2, plan(2, Resolution::RefundOnly, 1))).await;
    let process = story.process().await;
    assert_eq!((process.state(), process.end_reason.as_str()), (ClaimState::Rejected, "CLAIM_TOO_LARGE"));
    assert_eq!(world.ledger().await, (0, 0, 0));
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_of_a_claim_keeps_room_for_its_end() {
    let world = World::start().await;
    let story = world.judged(Resolution::Resend, 1).await;
    sqlx::query("UPDATE process SET events = 1999, version = version + 1").execute(world.service.pool()).await.unwrap();
    let withdrawn = proto::intake::intake_event::Kind::ClaimWithdrawn(proto::intake::ClaimWithdrawn {});
    story.tell(story.intake(withdrawn)).await;
    let held = story.asked_inventory("release").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&held, inventory_event::Kind::Released(Released {}))).await;
    let process = story.process().await;
    assert_eq!((process.state(), process.events), (ClaimState::Withdrawn, 2_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_parcel_that_turns_up_is_in_the_timeline() {
    let world = World::start().await;
    let story = world.judged(Resolution::Resend, 1).await;
    let held = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&held, inventory_event::Kind::Reserved(Reserved { quantity: 1 }))).await;
    let first = story.asked_logistics("ship").await.pop().unwrap().job.unwrap();
    let lost = Exception { state: ShipmentState::Lost.into(), ..Exception::default() };
    let lost = logistics_event::Kind::Exception(lost);
    story.tell(story.logistics(&first, Direction::Outbound, lost)).await;
    let left = inventory_event::Kind::Consumed(proto::inventory::Consumed { quantity: 1 });
    story.tell(story.inventory(&held, left)).await;
    let found = || story.logistics(&first, Direction::Outbound, logistics_event::Kind::Delivered(Delivered::default()));
    story.tell(found()).await;
    story.tell(found()).await;
    let moved = |event: &proto::claim::ClaimEvent| match &event.kind {
        Some(claim_event::Kind::LegMoved(LegMoved { detail, .. })) => detail == "TURNED_UP",
        _ => false,
    };
    assert_eq!(story.timeline().await.iter().filter(|event| moved(event)).count(), 1);
    let again = story.asked_inventory("release").await.pop().expect("what was to be sent again is not needed");
    story.tell(story.inventory(&again.job.unwrap(), inventory_event::Kind::Released(Released {}))).await;
    assert_eq!(story.state().await, ClaimState::Closed);
}
