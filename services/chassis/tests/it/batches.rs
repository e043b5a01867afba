//! Messages that leave together: each is what it would be alone, whatever becomes of its neighbours.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::stream::Stream;
use chassis::settings::Own;
use chassis::topology::{consumer_name, stream_name};
use chassis::{Building, Context, Service};
use prost::Message;
use proto::delivery::Item;
use proto::inventory::GoodsLine;
use sqlx::Row;
use testkit::{Home, TestService, eventually, item};
use uuid::Uuid;

use crate::toy::{self, grow, pile};

/// The toy as the reader of what services tell; it tells nothing itself.
static READER: Service = Service {
    name: "orchestrator",
    migrations: &toy::MIGRATIONS,
    grants: toy::GRANTS,
    own: Own::NONE,
    long: &[],
    build: silent,
};

fn silent(ctx: &Context) -> Building<'_> {
    Box::pin(async { Ok(toy::built(ctx, toy::Toy { tells: false })) })
}

async fn size(service: &TestService, name: &str) -> i64 {
    let query = sqlx::query_scalar("SELECT size FROM pile WHERE name = $1").bind(name);
    query.fetch_optional(service.pool()).await.unwrap().unwrap_or(0)
}

/// Reasons of what is parked, with the claim that waits.
async fn parked(service: &TestService) -> Vec<(String, Uuid)> {
    let rows = sqlx::query("SELECT reason, aggregate FROM parked ORDER BY reason, parked_id");
    let rows = rows.fetch_all(service.pool()).await.unwrap();
    rows.iter().map(|row| (row.get("reason"), row.get("aggregate"))).collect()
}

/// Causes of the effects on a pile, in their order.
async fn effects(service: &TestService, name: &str) -> Vec<Uuid> {
    let query = sqlx::query_scalar("SELECT cause FROM journal WHERE aggregate = $1 ORDER BY seq");
    query.bind(pile(name)).fetch_all(service.pool()).await.unwrap()
}

async fn stream(service: &TestService, name: &str) -> Stream {
    service.jetstream().get_stream(stream_name(&service.home.prefix, name)).await.unwrap()
}

/// Messages that the broker has on a stream.
async fn messages(service: &TestService, name: &str) -> u64 {
    stream(service, name).await.cached_info().state.messages
}

/// Waits until the service has acknowledged everything.
async fn acknowledged(service: &TestService) {
    eventually(async || {
        let name = chassis::topology::row(service.home.service.name)?.stream;
        let consumer = stream(service, name).await.get_consumer::<pull::Config>(&consumer(service)).await.ok()?;
        let info = consumer.cached_info();
        (info.num_pending == 0 && info.num_ack_pending == 0).then_some(())
    })
    .await;
}

fn consumer(service: &TestService) -> String {
    consumer_name(service.home.service.name)
}

/// The broker forgets every acknowledgement, as if the service had died before each of them, and delivers all again.
async fn delivered_again(mut service: TestService) -> TestService {
    service.stop().await;
    let row = chassis::topology::row(service.home.service.name).unwrap();
    stream(&service, row.stream).await.delete_consumer(&consumer(&service)).await.unwrap();
    let client = chassis::connect_nats("test", &testkit::nats_url().into()).await.unwrap();
    chassis::provision(&client, &service.home.prefix, 50).await.unwrap();
    let service = TestService::at(service.home.clone(), service.clock.clone()).await;
    acknowledged(&service).await;
    service
}

/// Journals rows of a service, in one transaction: each of a number of piles gets the numbers from one to another.
async fn journal(service: &TestService, piles: u32, numbers: std::ops::RangeInclusive<i32>, filling: usize) {
    let mut transaction = service.pool().begin().await.unwrap();
    for number in numbers {
        for at in 0..piles {
            let name = format!("p{at}");
            let line = GoodsLine { sku: name.clone(), batch: "x".repeat(filling), quantity: 1 };
            let insert = "INSERT INTO journal (event_id, aggregate, number, subject, payload, actor, cause, at) \
                VALUES (gen_random_uuid(), $1, $2, 'event.inventory.' || $3, $4, 'test', gen_random_uuid(), now())";
            let kind = ["reserved", "released"][usize::try_from(number % 2).unwrap()];
            let insert = sqlx::query(insert).bind(pile(&name)).bind(number).bind(kind).bind(line.encode_to_vec());
            insert.execute(&mut *transaction).await.unwrap();
        }
    }
    transaction.commit().await.unwrap();
}

/// Waits until each pile has heard all of its numbers, and looks whether it has heard them once.
async fn heard(reader: &TestService, piles: u32, number: i64) {
    eventually(async || {
        let query = "SELECT count(*) FROM inbox_sequence WHERE number >= $1";
        let done: i64 = sqlx::query_scalar(query).bind(number).fetch_one(reader.pool()).await.ok()?;
        (done == i64::from(piles)).then_some(())
    })
    .await;
    let sizes: Vec<i64> = sqlx::query_scalar("SELECT size FROM pile").fetch_all(reader.pool()).await.unwrap();
    assert_eq!(sizes, vec![number; usize::try_from(piles).unwrap()]);
    acknowledged(reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_of_many_rows_is_few_messages_and_each_has_one_effect() {
    let sender = testkit::start(&toy::SERVICE).await;
    let reader = TestService::at(Home::with_prefix(&READER, &sender.home.prefix).await, sender.clock.clone()).await;
    journal(&sender, 40, 1..=20, 0).await;
    heard(&reader, 40, 20).await;
    let few = messages(&sender, "EVENTS").await;
    assert!(few <= 8, "800 rows are {few} messages");
    // A row that is alone leaves as it is.
    journal(&sender, 1, 21..=21, 0).await;
    eventually(async || (messages(&sender, "EVENTS").await == few + 1).then_some(())).await;
    let last = stream(&sender, "EVENTS").await.get_raw_message(few + 1).await.unwrap();
    assert!(last.subject.ends_with(".v1.event.inventory.released"), "{}", last.subject);
    assert!(last.headers.get("ce-sequence").is_some_and(|number| number.as_str() == "21"));
    assert_eq!(parked(&reader).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_is_cut_by_bytes() {
    let sender = testkit::start(&toy::SERVICE).await;
    let reader = TestService::at(Home::with_prefix(&READER, &sender.home.prefix).await, sender.clock.clone()).await;
    // 60 rows of 30 KiB, of which three go into a batch.
    journal(&sender, 10, 1..=6, 30 * 1024).await;
    heard(&reader, 10, 6).await;
    let count = messages(&sender, "EVENTS").await;
    assert!((20..=30).contains(&count), "{count} messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_again_has_no_second_effect_however_it_is_packed() {
    let mut sender = testkit::start(&toy::SERVICE).await;
    let reader = TestService::at(Home::with_prefix(&READER, &sender.home.prefix).await, sender.clock.clone()).await;
    for number in 1..=4 {
        journal(&sender, 15, number..=number, 0).await;
        heard(&reader, 15, i64::from(number)).await;
    }
    assert_eq!(messages(&sender, "EVENTS").await, 4, "one for each transaction");
    let again = "WITH forgotten AS (DELETE FROM relay_mark) UPDATE relay SET from_tx = 0, to_tx = 0, seq = 0";
    // All in one round: the broker knows them as they are; in other batches, and each alone, it does not.
    for (batch_max, more) in [("256", 0), ("5", 12), ("1", 60), ("256", 0)] {
        let before = messages(&sender, "EVENTS").await;
        sender.stop().await;
        sqlx::query(again).execute(sender.pool()).await.unwrap();
        sender.home.variables = vec![("NATS__BATCH_MAX".to_owned(), batch_max.to_owned())];
        sender = sender.restart().await;
        eventually(async || {
            let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM relay_mark)").fetch_one(sender.pool()).await;
            query.ok().filter(|done: &bool| *done).map(drop)
        })
        .await;
        heard(&reader, 15, 4).await;
        assert_eq!(messages(&sender, "EVENTS").await - before, more, "{batch_max} at once");
    }
    journal(&sender, 15, 5..=5, 0).await;
    heard(&reader, 15, 5).await;
    assert_eq!(parked(&reader).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_in_a_batch_is_parked_alone() {
    let service = testkit::start(&toy::SERVICE).await;
    let unreadable = Item { data: vec![0xff; 9], ..item(Uuid::now_v7(), None, &grow("b", 1)) };
    let mut items: Vec<Item> = ["a", "c", "d"].map(|name| item(Uuid::now_v7(), None, &grow(name, 2))).into();
    items.insert(1, unreadable);
    items.extend(
        [("e", 404), ("f", 13), ("g", 500), ("b", 3), ("h", 4)]
            .map(|(name, by)| item(Uuid::now_v7(), None, &grow(name, by))),
    );
    service.tell_batch(items).await;
    acknowledged(&service).await;
    for (name, expected) in [("a", 2), ("b", 0), ("c", 2), ("d", 2), ("e", 0), ("f", 0), ("g", 0), ("h", 4)] {
        assert_eq!(size(&service, name).await, expected, "pile {name}");
    }
    let expected = [("BEHIND_PARKED", "b"), ("BROKEN", "g"), ("PERMANENT_FAULT", "e"), ("UNDECODABLE", "b")];
    assert_eq!(parked(&service).await, expected.map(|(reason, name)| (reason.to_owned(), pile(name))));
    let service = delivered_again(service).await;
    assert_eq!(parked(&service).await.len(), 4, "what is parked is parked once");
    assert_eq!(size(&service, "h").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_delivered_again_finds_what_is_done() {
    let service = testkit::start(&toy::SERVICE).await;
    let sent: Vec<Uuid> = (0..6).map(|_| Uuid::now_v7()).collect();
    let of = |at: usize| item(sent[at], u32::try_from(at + 1).ok(), &grow("a", 1));
    let loose = item(Uuid::now_v7(), None, &grow("b", 1));
    // As if the service had died when half of a batch was committed and nothing was acknowledged.
    service.tell_batch(vec![of(0), of(1), of(2), loose.clone()]).await;
    acknowledged(&service).await;
    service.tell_batch((0..6).map(of).chain([loose]).collect()).await;
    acknowledged(&service).await;
    assert_eq!(effects(&service, "a").await, sent);
    assert_eq!(size(&service, "b").await, 1);
    let service = delivered_again(service).await;
    assert_eq!(effects(&service, "a").await, sent);
    assert_eq!((size(&service, "a").await, size(&service, "b").await), (6, 1));
    assert_eq!(parked(&service).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_acknowledged_when_all_of_it_is_answered() {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables = vec![("LANES__BATCH_MAX".to_owned(), "2".to_owned())];
    let service = TestService::at(home, chassis::Clock::default()).await;
    sqlx::query("INSERT INTO pile (name, size) VALUES ('c', 0)").execute(service.pool()).await.unwrap();
    let mut other = service.pool().begin().await.unwrap();
    sqlx::query("SELECT size FROM pile WHERE name = 'c' FOR UPDATE").execute(&mut *other).await.unwrap();
    let names = ["a", "b", "e", "c", "d"];
    service.tell_batch(names.map(|name| item(Uuid::now_v7(), Some(1), &grow(name, 1))).into()).await;
    // Some are committed, one waits, and the rest wait with it.
    eventually(async || (size(&service, "b").await == 1).then_some(())).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let info = stream(&service, "COMMANDS").await.get_consumer::<pull::Config>(&consumer(&service)).await.unwrap();
    assert_eq!(info.cached_info().num_ack_pending, 1);
    assert_eq!((size(&service, "c").await, size(&service, "d").await), (0, 0));
    other.commit().await.unwrap();
    acknowledged(&service).await;
    for name in names {
        assert_eq!(size(&service, name).await, 1, "pile {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_a_claim_holds_across_batches() {
    let service = testkit::start(&toy::SERVICE).await;
    let names = ["a", "b", "c"];
    let sent: Vec<Uuid> = (0..40).map(|_| Uuid::now_v7()).collect();
    // Batches come in another order, and one of them twice; in each the claims are mixed.
    for part in [1, 0, 3, 1, 2] {
        let numbers = part * 10..(part + 1) * 10;
        let items = numbers.flat_map(|at| names.map(|name| item(sent[at], u32::try_from(at + 1).ok(), &grow(name, 1))));
        service.tell_batch(items.collect()).await;
    }
    for name in names {
        eventually(async || (size(&service, name).await == 40).then_some(())).await;
        assert_eq!(effects(&service, name).await, sent, "pile {name}");
    }
    acknowledged(&service).await;
}

/// S19: what does not belong into a batch is refused like a message of a wrong origin, and holds nobody up.
#[tokio::test(flavor = "multi_thread")]
async fn s19_a_forged_message_in_a_batch_is_refused_and_stops_nobody() {
    let service = testkit::start(&toy::SERVICE).await;
    let forged = |r#type: &str| {
        // In the place of a message that is still to come.
        Item { r#type: r#type.to_owned(), ..item(Uuid::now_v7(), Some(1), &grow("a", 7)) }
    };
    let types = [
        "redress.command.triage.v1.assess",
        "redress.event.inventory.v1.reserved",
        "redress.command.inventory.v1.batch",
        "redress.notice.customer.v1.sent",
        "nonsense",
    ];
    let items = types.iter().map(|wrong| forged(wrong));
    let good = [item(Uuid::now_v7(), Some(1), &grow("a", 1)), item(Uuid::now_v7(), Some(2), &grow("a", 1))];
    service.tell_batch(items.chain(good).collect()).await;
    acknowledged(&service).await;
    assert_eq!(size(&service, "a").await, 2);
    let refused = parked(&service).await;
    // What is of no kind came under the subject of the batch; all of it has the same content, and nothing else counts.
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(
        refused.iter().all(|(reason, aggregate)| reason == "WRONG_ORIGIN" && *aggregate != pile("a")),
        "{refused:?}"
    );
}

/// A batch that nobody may send, or that nobody can read, is parked as one message.
#[tokio::test(flavor = "multi_thread")]
async fn s19_a_forged_or_broken_batch_is_parked_as_one_message() {
    let service = testkit::start(&toy::SERVICE).await;
    let address = format!("{}.v1.command.inventory.batch", service.home.prefix);
    let items = vec![item(Uuid::now_v7(), Some(1), &grow("a", 5)), item(Uuid::now_v7(), Some(2), &grow("a", 5))];
    let good = proto::delivery::Batch { items }.encode_to_vec();
    let none = proto::delivery::Batch::default().encode_to_vec();
    let crowd = proto::delivery::Batch { items: vec![Item::default(); 257] }.encode_to_vec();
    let ours = ("orchestrator", "redress.command.inventory.v1.batch");
    for (source, kind, payload) in [
        ("triage", ours.1, good.clone()),
        (ours.0, "redress.command.inventory.v1.reserve", good),
        (ours.0, ours.1, vec![0xff; 7]),
        (ours.0, ours.1, none),
        (ours.0, ours.1, crowd),
    ] {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("ce-id", Uuid::now_v7().to_string());
        headers.insert("ce-source", format!("/redress/{source}"));
        headers.insert("ce-type", kind);
        let sent = service.jetstream().publish_with_headers(address.clone(), headers, payload.into()).await;
        sent.unwrap().await.unwrap();
    }
    service.tell_numbered(Uuid::now_v7(), 1, &grow("a", 1)).await;
    acknowledged(&service).await;
    assert_eq!(size(&service, "a").await, 1, "nobody waits behind them");
    let reasons: Vec<String> = parked(&service).await.into_iter().map(|(reason, _)| reason).collect();
    // The first two have the same content, and nothing else counts.
    assert_eq!(reasons, ["UNDECODABLE", "UNDECODABLE", "UNDECODABLE", "WRONG_ORIGIN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_room_for_goes_through_all_the_same() {
    let service = testkit::start(&toy::SERVICE).await;
    for round in 0..12_u32 {
        let items = (0..256).map(|at| item(Uuid::now_v7(), Some(round + 1), &grow(&format!("p{at}"), 1)));
        service.tell_batch(items.collect()).await;
    }
    eventually(async || {
        let query = "SELECT count(*) FROM inbox_sequence WHERE number = 12";
        let done: i64 = sqlx::query_scalar(query).fetch_one(service.pool()).await.ok()?;
        (done == 256).then_some(())
    })
    .await;
    acknowledged(&service).await;
}
