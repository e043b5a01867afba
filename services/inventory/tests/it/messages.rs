//! What the orchestrator says: in order, twice, crossed, too early, and wrong.

use jiff::SignedDuration;
use prost::Message;
use proto::Subject;
use proto::claim::{BatchRule, Job};
use proto::inventory::inventory_command::Kind as Asked;
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::*;
use uuid::Uuid;

use crate::shop::{Shop, command, consume, expect_return, job, release, reserve};

fn reserved(quantity: u32) -> Told {
    Told::Reserved(Reserved { quantity })
}

fn partly(told: &Told) -> (u32, u32) {
    match told {
        Told::ReservedPartly(partly) => (partly.held, partly.short),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_reserved_and_leave() {
    let mut shop = Shop::with(5).await;
    let job = job();
    assert_eq!(shop.ask(&job, reserve(3)).await, reserved(3));
    let availability = shop.availability().await;
    assert_eq!((availability.available, availability.stock[0].reserved), (2, 3));
    assert_eq!(shop.ask(&job, consume()).await, Told::Consumed(Consumed { quantity: 3 }));
    assert_eq!(shop.on_hand(Zone::Qualified).await, 2);
    let request = ListMovementsRequest { sku: "TILE".to_owned(), ..ListMovementsRequest::default() };
    let movements = shop.api.list_movements(request).await.unwrap().into_inner().movements;
    assert_eq!((movements[0].kind(), movements[0].quantity), (MovementKind::Consumed, -3));
    assert_eq!((&movements[0].document, movements[0].actor.as_str()), (&job.claim_id, "service:orchestrator"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_waits_for_goods_oldest_first() {
    let mut shop = Shop::with(1).await;
    let (old, new) = (job(), job());
    let told = shop.ask(&old, reserve(3)).await;
    assert_eq!(partly(&told), (1, 2));
    let Told::ReservedPartly(told) = told else { unreachable!() };
    assert_eq!(told.expected_on.len(), 10);
    assert_eq!(partly(&shop.ask(&new, reserve(1)).await), (0, 1));
    shop.receive(1).await;
    assert_eq!(partly(shop.heard(&old).await.last().unwrap()), (2, 1));
    shop.receive(2).await;
    assert_eq!(shop.heard(&old).await.last(), Some(&reserved(3)));
    assert_eq!(shop.heard(&new).await.last(), Some(&reserved(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_goes_to_who_waits() {
    let shop = Shop::with(2).await;
    let (first, second) = (job(), job());
    shop.say(&first, reserve(2)).await;
    shop.say(&second, reserve(2)).await;
    assert_eq!(shop.ask(&first, release()).await, Told::Released(Released {}));
    assert_eq!(shop.heard(&second).await.last(), Some(&reserved(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_twice_has_one_effect_and_the_same_answer() {
    let mut shop = Shop::with(5).await;
    let mut last = job();
    for (kinds, answers) in [
        (vec![reserve(2), consume()], vec![reserved(2), Told::Consumed(Consumed { quantity: 2 })]),
        (vec![reserve(2), release()], vec![reserved(2), Told::Released(Released {})]),
    ] {
        let job = job();
        for (kind, answer) in kinds.into_iter().zip(answers) {
            let event_id = shop.say(&job, kind.clone()).await;
            assert_eq!(shop.heard(&job).await.last(), Some(&answer));
            let before = shop.heard(&job).await.len();
            // The same delivery again is not even answered; the same words in a new message are.
            shop.service.tell_as(event_id, command(&job, kind.clone())).await;
            assert_eq!(shop.ask(&job, kind).await, answer);
            assert_eq!(shop.heard(&job).await.len(), before + 1);
        }
        last = job;
    }
    assert_eq!(shop.ask(&last, reserve(2)).await, Told::Released(Released {}), "undone stays undone");
    assert_eq!((shop.availability().await.available, shop.on_hand(Zone::Qualified).await), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undoing_that_comes_first_is_remembered() {
    let mut shop = Shop::with(5).await;
    let job = job();
    assert_eq!(shop.ask(&job, release()).await, Told::Released(Released {}));
    assert_eq!(shop.ask(&job, reserve(2)).await, Told::Released(Released {}));
    assert_eq!(shop.ask(&job, consume()).await, Told::Released(Released {}));
    assert_eq!(shop.availability().await.available, 5);
    assert_eq!(shop.parked().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_left_cannot_be_given_back() {
    let shop = Shop::with(1).await;
    let job = job();
    shop.say(&job, reserve(1)).await;
    shop.say(&job, consume()).await;
    assert_eq!(shop.ask(&job, release()).await, Told::Consumed(Consumed { quantity: 1 }));
    assert_eq!(shop.ask(&job, reserve(1)).await, reserved(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_sku_cannot_be_reserved() {
    let shop = Shop::with(0).await;
    let job = job();
    let unknown = Asked::Reserve(Reserve { sku: "?".to_owned(), quantity: 1, ..Reserve::default() });
    let failed = Told::ReservationFailed(ReservationFailed { reason: "UNKNOWN_SKU".to_owned() });
    assert_eq!(shop.ask(&job, unknown.clone()).await, failed);
    assert_eq!(shop.ask(&job, unknown.clone()).await, failed);
    assert_eq!(shop.ask(&job, release()).await, Told::Released(Released {}));
    assert_eq!(shop.ask(&job, unknown).await, Told::Released(Released {}));
    assert_eq!(shop.parked().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_that_are_not_promised_run_out() {
    let mut shop = Shop::with(3).await;
    let (held, short, promised) = (job(), job(), job());
    shop.say(&promised, reserve(1)).await;
    let timed = Reserve { sku: "TILE".to_owned(), quantity: 1, ..Reserve::default() };
    assert_eq!(shop.ask(&held, Asked::Reserve(timed)).await, reserved(1));
    shop.say(&short, reserve(5)).await;
    shop.service.clock.advance(SignedDuration::from_hours(24 * 3 + 1));
    shop.hears(&held, &Told::Expired(Expired {})).await;
    shop.hears(&short, &Told::Expired(Expired {})).await;
    assert_eq!(shop.heard(&promised).await, [reserved(1)]);
    let availability = shop.availability().await;
    assert_eq!((availability.available, availability.back_ordered), (2, 0));
    // It is asked for again under a new attempt.
    let again = Job { attempt: 2, ..short.clone() };
    assert_eq!(partly(&shop.ask(&again, reserve(5)).await), (2, 3));
    assert_eq!(shop.ask(&short, release()).await, Told::Released(Released {}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_can_be_promised_later() {
    let shop = Shop::with(1).await;
    let job = job();
    let timed = Reserve { sku: "TILE".to_owned(), quantity: 1, ..Reserve::default() };
    shop.say(&job, Asked::Reserve(timed)).await;
    shop.say(&job, reserve(1)).await;
    let query = "SELECT state FROM reservation";
    let state: String = sqlx::query_scalar(query).fetch_one(shop.service.pool()).await.unwrap();
    assert_eq!(state, "committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_cannot_be_is_parked() {
    let shop = Shop::with(1).await;
    let subject = |name: &str| Subject::Command { service: "inventory".to_owned(), name: name.to_owned() };
    let claim = || job().claim_id.parse::<Uuid>().unwrap();
    let park = async |name: &str, message: InventoryCommand| {
        let event_id = shop.service.tell_bytes(&subject(name), claim(), &message.encode_to_vec()).await;
        shop.service.settled(event_id).await;
    };
    let good = InventoryCommand { job: Some(job()), kind: Some(release()), policy_version: 0 };
    park("release", InventoryCommand { job: None, ..good.clone() }).await;
    park("release", InventoryCommand { kind: None, ..good.clone() }).await;
    park("release", InventoryCommand { job: Some(Job { round: 0, ..job() }), ..good.clone() }).await;
    park("consume", good.clone()).await;
    park("reserve", InventoryCommand { kind: Some(reserve(0)), ..good.clone() }).await;
    park("expect_return", InventoryCommand { kind: Some(expect_return(u32::MAX)), ..good }).await;
    let query = "SELECT count(*) FROM parked WHERE reason = 'UNDECODABLE'";
    let parked: i64 = sqlx::query_scalar(query).fetch_one(shop.service.pool()).await.unwrap();
    assert_eq!(parked, 6);

    shop.say(&job(), consume()).await;
    let other = job();
    shop.say(&other, reserve(1)).await;
    shop.say(&other, reserve(2)).await;
    let query = "SELECT count(*) FROM parked WHERE reason = 'BROKEN'";
    let parked: i64 = sqlx::query_scalar(query).fetch_one(shop.service.pool()).await.unwrap();
    assert_eq!(parked, 2);
    assert_eq!(shop.heard(&other).await, [reserved(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_d1_the_batch_that_is_complained_about_stays_in_the_house() {
    let mut shop = Shop::with(0).await;
    for (batch, units) in [("B1", 4), ("B2", 6)] {
        let mut delivery = Shop::delivery(units);
        delivery.lines[0].batch = batch.to_owned();
        shop.api.receive_goods(delivery).await.unwrap();
    }
    let of = |batch: &str, rule: BatchRule, quantity| {
        let (sku, batch) = ("TILE".to_owned(), batch.to_owned());
        Asked::Reserve(Reserve { sku, batch, quantity, commit: true, batch_rule: rule.into() })
    };
    assert_eq!(shop.ask(&job(), of(" b1", BatchRule::Other, 2)).await, reserved(2));
    assert_eq!(shop.ask(&job(), of("B9", BatchRule::Other, 3)).await, reserved(3), "an unknown batch is no obstacle");
    let short = job();
    assert_eq!(partly(&shop.ask(&short, of("B1", BatchRule::Other, 5)).await), (4, 1));
    let stock = shop.availability().await.stock;
    let reserved: Vec<_> = stock.iter().map(|stock| (stock.batch.as_str(), stock.reserved)).collect();
    assert_eq!(reserved, [("B1", 3), ("B2", 6)]);
    let unknown = of("B9", BatchRule::Same, 1);
    let failed = Told::ReservationFailed(ReservationFailed { reason: "BATCH_UNKNOWN".to_owned() });
    let missing = job();
    assert_eq!(shop.ask(&missing, unknown.clone()).await, failed);
    assert_eq!(shop.ask(&missing, unknown).await, failed, "asked again, answered again");
    let request = ListReservationsRequest { claim_id: missing.claim_id.clone(), ..ListReservationsRequest::default() };
    let listed = shop.api.list_reservations(request).await.unwrap().into_inner().reservations;
    assert_eq!((listed[0].state(), listed[0].batch_rule()), (ReservationState::BatchUnknown, BatchRule::Same));
    assert_eq!(shop.ask(&missing, release()).await, Told::Released(Released {}));
    assert_eq!(shop.parked().await, 0);
}
