//! What carriers really report.

use jiff::SignedDuration;
use proto::claim::{Category, ClaimState, Notice, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::logistics::{
    ConfirmBookingRequest, Direction, ListShipmentsRequest, ParcelEvent, ReportTrackingBatchRequest, Shipment,
    ShipmentState, TrackingEvent, TrackingReason,
};
use system::World;
use testkit::{eventually, request_id};

/// All notices for an audience so far, from the journal of a service.
async fn notices(world: &World, service: &str, audience: &str, claim: &str) -> Vec<Notice> {
    use sqlx::{Connection, PgConnection};
    let mut database = PgConnection::connect(&world.stack.superuser_url(service)).await.unwrap();
    let query = sqlx::query_scalar("SELECT payload FROM journal WHERE subject LIKE $1 ORDER BY seq");
    let payloads: Vec<Vec<u8>> = query.bind(format!("notice.{audience}.%")).fetch_all(&mut database).await.unwrap();
    let notices = payloads.iter().map(|payload| serde_json::from_slice::<Notice>(payload).unwrap());
    notices.filter(|notice| notice.claim_id == claim).collect()
}

async fn customer(world: &World, claim: &str, template: &str) -> Notice {
    let found = eventually(async || {
        let all = notices(world, "orchestrator", "customer", claim).await;
        all.into_iter().rfind(|notice| notice.template == template)
    });
    tokio::time::timeout(std::time::Duration::from_secs(15), found).await.unwrap_or_else(|_| panic!("no {template}"))
}

fn event(world: &World, id: &str, state: ShipmentState, reason: TrackingReason) -> TrackingEvent {
    TrackingEvent {
        carrier_event_id: id.to_owned(),
        state: state.into(),
        occurred_at: Some(proto::to_wire(world.clock.now())),
        reason: reason.into(),
        ..TrackingEvent::default()
    }
}

/// What the gateway reports of a parcel, in one call: whether each changed anything.
async fn report(world: &World, parcel: &Shipment, events: Vec<TrackingEvent>) -> Vec<bool> {
    let tracking_no = parcel.tracking_no.clone();
    let events =
        events.into_iter().map(|event| ParcelEvent { tracking_no: tracking_no.clone(), event: Some(event) }).collect();
    let ask = ReportTrackingBatchRequest { request_id: request_id(), events };
    let results = world.logistics().await.report_tracking_batch(ask).await.unwrap().into_inner().results;
    assert!(results.iter().all(|result| result.refused.is_empty()), "{results:?}");
    results.into_iter().map(|result| result.changed).collect()
}

async fn shipments(world: &World, claim: &str) -> Vec<Shipment> {
    let ask = ListShipmentsRequest {
        claim_id: claim.to_owned(),
        direction: Direction::Outbound.into(),
        ..ListShipmentsRequest::default()
    };
    world.logistics().await.list_shipments(ask).await.unwrap().into_inner().shipments
}

async fn second(world: &World, claim: &str) -> Shipment {
    eventually(async || shipments(world, claim).await.into_iter().nth(1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_parcel_turns_up_before_the_second_leaves() {
    let world = World::new().await;
    let why = TrackingReason::Unspecified;
    world.sold("CASE-8", "ART-1", 3, 1_000, 3).await;
    world.stock("ART-1", 10).await;
    for bad in [ShipmentState::Lost, ShipmentState::Damaged] {
        let claim = world.claim("CASE-8", "ART-1", 1, Category::Shortage, Resolution::Resend).await;
        let first = world.shipment(&claim, Direction::Outbound).await;
        let steps = [event(&world, "1", ShipmentState::InTransit, why), event(&world, "2", bad, why)];
        report(&world, &first, steps.to_vec()).await;
        let again = second(&world, &claim).await;
        let moved = customer(&world, &claim, "promise_moved").await;
        assert_eq!(
            (&*moved.parameters["reason"], &moved.parameters["promised_on"]),
            ("SENT_AGAIN", &again.promised_on)
        );
        let steps =
            [event(&world, "3", ShipmentState::InTransit, why), event(&world, "4", ShipmentState::Delivered, why)];
        assert_eq!(report(&world, &first, steps.to_vec()).await, [false, true], "{bad:?}");
        world.until_state(&claim, ClaimState::Closed).await;
        let parcels = shipments(&world, &claim).await;
        let states: Vec<_> = parcels.iter().map(Shipment::state).collect();
        assert_eq!(states, [ShipmentState::Delivered, ShipmentState::Cancelled], "{bad:?}");
        let delivered = customer(&world, &claim, "goods_delivered").await;
        let condition = delivered.parameters.get("condition").map(String::as_str);
        assert_eq!(condition, (bad == ShipmentState::Damaged).then_some("DELIVERED_DAMAGED"));
        let carrier = notices(&world, "logistics", "carrier", &claim).await;
        let carrier: Vec<_> = carrier.iter().map(|notice| notice.template.as_str()).collect();
        assert_eq!(carrier, ["bring", "bring", "cancelled"]);
    }
    assert_eq!(world.available("ART-1").await, (8, 0), "one unit with each customer, the others given back");

    // The second has left: a person is asked, and lets it be.
    let claim = world.claim("CASE-8", "ART-1", 1, Category::Shortage, Resolution::Resend).await;
    let first = world.shipment(&claim, Direction::Outbound).await;
    report(&world, &first, vec![event(&world, "1", ShipmentState::Lost, why)]).await;
    let again = second(&world, &claim).await;
    report(&world, &again, vec![event(&world, "1", ShipmentState::InTransit, why)]).await;
    report(&world, &first, vec![event(&world, "2", ShipmentState::Delivered, why)]).await;
    let task = world.task(&claim, WorkKind::CompensationFailed).await;
    assert_eq!(task.reason, "SENT_TWICE");
    world.rule(&task, "lou", Ruling::Approve).await.unwrap();
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_what_carriers_really_report() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    // A pick-up at which nobody was there waits for the customer, until the carrier has another day.
    let claim = world.claim("O-1", "LAMP", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    let pickup = world.shipment(&claim, Direction::Return).await;
    let tried = event(&world, "1", ShipmentState::Booked, TrackingReason::PickupNobodyThere);
    assert_eq!(report(&world, &pickup, vec![tried]).await, [true]);
    world.until_waiting(&claim, WaitingFor::Customer).await;
    let missed = customer(&world, &claim, "collection_missed").await;
    assert_eq!(missed.parameters["reason"], "PICKUP_NOBODY_THERE");
    let confirm = ConfirmBookingRequest {
        request_id: request_id(),
        tracking_no: pickup.tracking_no.clone(),
        carrier_tracking_no: "PU-77".to_owned(),
        promised_on: "2030-01-02".to_owned(),
    };
    world.logistics().await.confirm_booking(confirm).await.unwrap();
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    let booked = eventually(async || {
        let booked = customer(&world, &claim, "collection_booked").await;
        (booked.parameters["tracking_no"] == "PU-77").then_some(booked)
    })
    .await;
    assert_eq!(booked.parameters["promised_on"], "2030-01-02");

    // A parcel at a pick-up point waits for the customer, and comes back after its last day.
    let claim = world.claim("O-1", "LAMP", 1, Category::Shortage, Resolution::Resend).await;
    let parcel = world.shipment(&claim, Direction::Outbound).await;
    let attempted = event(&world, "1", ShipmentState::InTransit, TrackingReason::DeliveryAttempted);
    let mut held = event(&world, "2", ShipmentState::InTransit, TrackingReason::HeldForCollection);
    let today = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    held.held_until = (today + jiff::Span::new().days(2)).to_string();
    assert_eq!(report(&world, &parcel, vec![attempted, held.clone()]).await, [true, true]);
    world.until_waiting(&claim, WaitingFor::Customer).await;
    assert_eq!(customer(&world, &claim, "goods_to_collect").await.parameters["held_until"], held.held_until);
    customer(&world, &claim, "delivery_attempted").await;
    world.clock.advance(SignedDuration::from_hours(24 * 4));
    let task = world.task(&claim, WorkKind::LegFailed).await;
    assert_eq!(task.reason, "REFUSED");
    assert_eq!(customer(&world, &claim, "goods_go_back").await.parameters["reason"], "NOT_COLLECTED");
    world.expected_return(&claim).await;
}

/// Nobody reports anything: the customer is told another day, which is the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_d8_an_overdue_parcel_is_noticed_and_b_d8_the_new_day_is_told() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 1, Category::Shortage, Resolution::Resend).await;
    let parcel = world.shipment(&claim, Direction::Outbound).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::InTransit).await;
    assert!(!customer(&world, &claim, "plan_agreed").await.parameters["promised_on"].is_empty());
    let shipped = customer(&world, &claim, "shipment_under_way").await;
    assert_eq!(shipped.parameters["promised_on"], parcel.promised_on);
    world.clock.advance(SignedDuration::from_hours(24 * 6));
    let moved = customer(&world, &claim, "promise_moved").await;
    let parameter = |name: &str| moved.parameters[name].as_str();
    assert_eq!((parameter("reason"), parameter("was")), ("OVERDUE", &*parcel.promised_on));
    let late = world.shipment(&claim, Direction::Outbound).await;
    assert_eq!((late.state(), parameter("promised_on")), (ShipmentState::Delayed, &*late.expected_on));
    world.carrier(&claim, Direction::Outbound, ShipmentState::Delivered).await;
    world.until_state(&claim, ClaimState::Closed).await;
    let told = notices(&world, "orchestrator", "customer", &claim).await;
    assert_eq!(told.iter().filter(|notice| notice.template == "promise_moved").count(), 1, "once");
}
