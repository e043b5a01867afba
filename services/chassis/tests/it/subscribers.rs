//! Those who read the public streams disturb nobody, and a service tells only what is its to tell.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use chassis::topology::{self, SUBSCRIBER};
use futures::StreamExt;
use uuid::Uuid;

use crate::permissions::{Guarded, Intruder, OTHER, PREFIX, named};

/// An event that subscribers read.
async fn told(jetstream: &jetstream::Context, claim: u128) {
    let subject = format!("{PREFIX}.v1.claim.{}.submitted", Uuid::from_u128(claim));
    jetstream.publish(subject, "{}".into()).await.unwrap().await.unwrap();
}

/// A subscriber reads and acknowledges by its consumers; those of another one are not its, and there is an end of them.
#[tokio::test(flavor = "multi_thread")]
async fn sr27_subscribers_do_not_disturb_each_other() {
    let guarded = Guarded::start().await;
    let operator = chassis::connect_nats("test", &guarded.url(topology::OPERATOR).into()).await.unwrap();
    let operator = jetstream::new(operator);
    told(&operator, 1).await;
    let reader = async |user: &str| {
        let client = chassis::connect_nats("test", &guarded.url(user).into()).await.unwrap();
        jetstream::with_domain(client, PREFIX).get_stream("REDRESS_CLAIMS").await.unwrap()
    };
    let (one, other) = (reader(SUBSCRIBER).await, reader(OTHER).await);
    for (stream, name) in [(&one, "subscriber-1"), (&other, "warehouse-4")] {
        let mut consumer = stream.create_consumer(named(name)).await.unwrap();
        let mut messages = consumer.fetch().max_messages(1).messages().await.unwrap();
        messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
        let info = consumer.info().await.unwrap();
        assert_eq!((info.ack_floor.stream_sequence, info.num_ack_pending), (1, 0), "{name}");
    }
    let intruder = Intruder::of(&guarded, OTHER).await;
    for what in ["CREATE", "DURABLE.CREATE", "INFO", "MSG.NEXT", "DELETE", "RESET", "PAUSE"] {
        for name in ["subscriber-1", "warehouse-5", "any"] {
            let subject = format!("$JS.{PREFIX}.API.CONSUMER.{what}.REDRESS_CLAIMS.{name}");
            assert!(intruder.is_denied(&subject).await, "{subject}");
        }
    }
    assert!(intruder.is_denied("$JS.ACK.REDRESS_CLAIMS.subscriber-1.1.1.1.1.0").await);
    // Nor may it have what costs the broker too much.
    let greedy = pull::Config { max_ack_pending: 1_000_000_000, ..named("warehouse-1") };
    assert!(other.create_consumer(greedy).await.is_err());
    let claims = operator.get_stream("REDRESS_CLAIMS").await.unwrap();
    let here = claims.cached_info().state.consumer_count;
    for number in here..80 {
        claims.create_consumer(named(&format!("of-{number}"))).await.unwrap();
    }
    assert!(claims.create_consumer(named("one-more")).await.is_err(), "there is no end of them");
}

/// Whatever a subscriber has the broker answer, and wherever to: nothing of it is in a stream of ours.
#[tokio::test(flavor = "multi_thread")]
async fn sr26_a_subscriber_makes_the_broker_tell_nobody_anything() {
    let guarded = Guarded::start().await;
    let operator = chassis::connect_nats("test", &guarded.url(topology::OPERATOR).into()).await.unwrap();
    let operator = jetstream::new(operator);
    let notice = format!("{PREFIX}.v1.notice.finance.settlement_instructed");
    operator.publish(notice.clone(), "{}".into()).await.unwrap().await.unwrap();
    told(&operator, 1).await;
    let before = guarded.state().await.into_iter().map(|(messages, _)| messages).collect::<Vec<_>>();
    let client = chassis::connect_nats("test", &guarded.url(SUBSCRIBER).into()).await.unwrap();
    let domain = jetstream::with_domain(client.clone(), PREFIX);
    for stream in ["REDRESS_NOTICES", "REDRESS_CLAIMS"] {
        domain.get_stream(stream).await.unwrap().create_consumer(named("subscriber-1")).await.unwrap();
        for (question, body) in [
            (format!("CONSUMER.MSG.NEXT.{stream}.subscriber-1"), r#"{"batch":10,"expires":1000000000}"#),
            (format!("DIRECT.GET.{stream}"), r#"{"seq":1}"#),
            (format!("STREAM.MSG.GET.{stream}"), r#"{"seq":1}"#),
            (format!("STREAM.INFO.{stream}"), ""),
            (format!("CONSUMER.INFO.{stream}.subscriber-1"), ""),
        ] {
            for to in [
                notice.clone(),
                format!("{PREFIX}.v1.command.intake.open_claim"),
                format!("{PREFIX}.v1.event.triage.x"),
            ] {
                let question = format!("$JS.{PREFIX}.API.{question}");
                client.publish_with_reply(question, to, body.into()).await.unwrap();
            }
        }
    }
    // All of it is done when later questions have their answers.
    for stream in ["REDRESS_NOTICES", "REDRESS_CLAIMS"] {
        let consumer =
            domain.get_stream(stream).await.unwrap().get_consumer::<pull::Config>("subscriber-1").await.unwrap();
        let mut messages = consumer.fetch().max_messages(1).messages().await.unwrap();
        messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
    }
    let after = guarded.state().await.into_iter().map(|(messages, _)| messages).collect::<Vec<_>>();
    assert_eq!(after, before);
}

/// A service that was taken over tells nobody what another has to tell.
#[tokio::test(flavor = "multi_thread")]
async fn sr28_a_service_publishes_its_own_notices_only() {
    let guarded = Guarded::start().await;
    let before = guarded.state().await;
    for (service, foreign) in [
        ("logistics", "finance.settlement_instructed"),
        ("logistics", "customer.claim_ended"),
        ("intake", "finance.settlement_instructed"),
        ("escalation", "carrier.bring"),
        ("inventory", "warehouse.parcel_back"),
        ("orchestrator", "privacy.customer_erased"),
    ] {
        let intruder = Intruder::of(&guarded, service).await;
        assert!(intruder.is_denied(&format!("{PREFIX}.v1.notice.{foreign}")).await, "{service}: {foreign}");
    }
    assert_eq!(guarded.state().await, before);
}
