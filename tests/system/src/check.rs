//! What must be true at the end of every story, whatever it told.

use std::collections::BTreeMap;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{Consumer, pull};
use futures::StreamExt;
use proto::claim::{ClaimEvent, ClaimState, WaitingFor};
use proto::inventory::{ListReservationsRequest, ReservationState};
use proto::orchestrator::ListProcessesRequest;
use sqlx::{Connection, PgConnection};
use testkit::eventually;

use crate::World;

impl World {
    /// Ends a story: nothing is parked, nothing waits in a journal, no stock is held for a claim that has ended, every
    /// claim has ended or waits for somebody named, and the public stream is 1, 2, 3 … for every claim.
    pub async fn end(self) {
        eventually(async || (self.unpublished().await == 0).then_some(())).await;
        assert_eq!(self.parked().await, Vec::<String>::new());
        let processes = self.processes().await;
        for (claim, (state, party, events)) in &processes {
            let ended = state.has_ended();
            let named = !matches!(party, WaitingFor::Unspecified | WaitingFor::System);
            assert!(ended != named, "claim {claim} is {state:?} and waits for {party:?}");
            if ended {
                self.nothing_is_held(claim).await;
            }
            self.stream_is_dense(claim, *events).await;
        }
        self.stack.stop().await.expect("the stack stops in order");
    }

    async fn processes(&self) -> BTreeMap<String, (ClaimState, WaitingFor, u32)> {
        let ask = ListProcessesRequest { page_size: 500, ..ListProcessesRequest::default() };
        let listed = self.orchestrator().await.list_processes(ask).await.expect("it can be listed").into_inner();
        let row = |process: proto::orchestrator::Process| {
            (process.claim_id.clone(), (process.state(), process.waiting_for(), process.events))
        };
        listed.processes.into_iter().map(row).collect()
    }

    /// Journal rows that the broker may not have yet.
    pub async fn unpublished(&self) -> i64 {
        let mut sum = 0;
        for service in local::SERVICES {
            let mut database =
                PgConnection::connect(&self.stack.superuser_url(service.name)).await.expect("it answers");
            let query = "SELECT count(*) FROM journal, relay WHERE tx >= from_tx AND NOT (tx < to_tx AND journal.seq <= relay.seq)";
            let count: i64 = sqlx::query_scalar(query).fetch_one(&mut database).await.expect("it can be counted");
            sum += count;
        }
        sum
    }

    async fn nothing_is_held(&self, claim: &str) {
        let ask = ListReservationsRequest { claim_id: claim.to_owned(), ..ListReservationsRequest::default() };
        let reservations = self.inventory().await.list_reservations(ask).await.expect("it can be listed").into_inner();
        for row in reservations.reservations {
            let live = matches!(
                row.state(),
                ReservationState::Held | ReservationState::HeldPartly | ReservationState::Committed
            );
            assert!(!live, "claim {claim} has ended and still holds stock: {row:?}");
        }
    }

    /// Reads the public stream as an ordinary subscriber.
    pub async fn public_events(&self, claim: &str, count: usize) -> Vec<ClaimEvent> {
        let client = chassis::connect_nats("test", &self.nats_url().into()).await.expect("NATS answers");
        let stream = jetstream::new(client).get_stream("REDRESS_CLAIMS").await.expect("there is a stream");
        let config = pull::OrderedConfig {
            filter_subject: format!("redress.v1.claim.{claim}.*"),
            ..pull::OrderedConfig::default()
        };
        let consumer: Consumer<pull::OrderedConfig> =
            stream.create_consumer(config).await.expect("anybody may subscribe");
        let messages = consumer.messages().await.expect("anybody may subscribe").take(count);
        let events = messages.map(|message| {
            let payload = message.expect("a message").payload.clone();
            serde_json::from_slice::<ClaimEvent>(&payload).expect("canonical JSON")
        });
        events.collect().await
    }

    async fn stream_is_dense(&self, claim: &str, events: u32) {
        let count = usize::try_from(events).expect("a small number");
        let public = self.public_events(claim, count).await;
        let numbers: Vec<u32> = public.iter().map(|event| event.number).collect();
        assert_eq!(numbers, (1..=events).collect::<Vec<_>>(), "claim {claim}");
        let ended = |event: &&ClaimEvent| event.state().has_ended();
        let ends = public.iter().filter(ended).map(|event| event.number).collect::<Vec<_>>();
        assert!(ends.is_empty() || ends == [events], "claim {claim} ended at {ends:?} of {events}");
        assert_eq!(public, self.timeline(claim).await, "the stream and the timeline of claim {claim} differ");
    }
}

impl World {
    /// Publishes every message on the streams of commands and events once more, with its own id.
    pub async fn deliver_everything_again(&self) {
        let client = chassis::connect_nats("test", &self.nats_url().into()).await.expect("NATS answers");
        let jetstream = jetstream::new(client);
        for name in ["REDRESS_COMMANDS", "REDRESS_EVENTS"] {
            let mut stream = jetstream.get_stream(name).await.expect("there is a stream");
            let count = usize::try_from(stream.info().await.expect("it answers").state.messages).expect("few");
            let consumer: Consumer<pull::OrderedConfig> =
                stream.create_consumer(pull::OrderedConfig::default()).await.expect("anybody may subscribe");
            let messages: Vec<_> =
                consumer.messages().await.expect("anybody may subscribe").take(count).collect().await;
            for message in messages {
                let message = message.expect("a message");
                let mut headers = message.headers.clone().expect("it has headers");
                // Without its id for the broker, which would filter it.
                headers.insert("Nats-Msg-Id", uuid::Uuid::now_v7().to_string());
                let sent =
                    jetstream.publish_with_headers(message.subject.clone(), headers, message.payload.clone()).await;
                sent.expect("NATS takes it").await.expect("NATS keeps it");
            }
            eventually(async || all_acknowledged(&stream, name).await?.then_some(())).await;
        }
    }

    /// Whether every service has taken every command and event that there is.
    pub async fn is_all_taken(&self) -> bool {
        let client = chassis::connect_nats("test", &self.nats_url().into()).await.expect("NATS answers");
        let jetstream = jetstream::new(client);
        for name in ["REDRESS_COMMANDS", "REDRESS_EVENTS"] {
            let stream = jetstream.get_stream(name).await.expect("there is a stream");
            if all_acknowledged(&stream, name).await != Some(true) {
                return false;
            }
        }
        true
    }
}

async fn all_acknowledged(stream: &jetstream::stream::Stream, name: &str) -> Option<bool> {
    let mut acknowledged = true;
    for row in chassis::topology::SERVICES.iter().filter(|row| name.ends_with(row.stream)) {
        let consumer = chassis::topology::consumer_name(row.service);
        let consumer: Consumer<pull::Config> = stream.get_consumer(&consumer).await.ok()?;
        let info = consumer.cached_info();
        acknowledged &= info.num_pending == 0 && info.num_ack_pending == 0;
    }
    Some(acknowledged)
}
