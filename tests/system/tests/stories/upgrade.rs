//! Databases of an earlier release, with open claims in every stage, are brought up to date, and each claim goes on to
//! its end. The dumps and the names of the claims are in `tests/data/upgrade-0.1.0`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use jiff::Timestamp;
use local::stack::{PREFIX, SECRETS, databases, nats_users};
use local::{Secrets, ServerOptions, Servers, StackOptions, roles};
use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::intake::AnswerQuestionRequest;
use proto::logistics::{Direction, ShipmentState};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use system::World;
use testkit::request_id;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/upgrade-0.1.0")
}

/// The claims by what each waits for, and when the dumps were made.
fn claims() -> (Timestamp, BTreeMap<String, String>) {
    let text = std::fs::read_to_string(data().join("claims.txt")).unwrap();
    let mut lines = text.lines().map(|line| line.split_once(' ').unwrap());
    let (_, at) = lines.next().unwrap();
    let claims = lines.map(|(name, claim)| (name.to_owned(), claim.to_owned())).collect();
    (at.parse().unwrap(), claims)
}

/// Makes the databases as the release before left them, on servers in a folder that is kept.
async fn restore(root: &Path) {
    let options = ServerOptions { root: Some(root.to_owned()), ..ServerOptions::default() };
    let (servers, secrets) = tokio::task::spawn_blocking(move || {
        let mut secrets = None;
        let servers = Servers::start_with(options, |folder| {
            let made = secrets.insert(Secrets::make(&folder.join(SECRETS))?);
            // The customers' keys are wrapped by that of the installation they come from.
            std::fs::copy(data().join("vault-keys.txt"), made.folder().join("vault-keys.txt"))?;
            nats_users(made, PREFIX, true)
        });
        (servers.unwrap(), secrets.unwrap())
    })
    .await
    .unwrap();
    let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await.unwrap();
    for service in local::SERVICES {
        admin.execute(AssertSqlSafe(roles::make(&secrets, service.name).unwrap())).await.unwrap();
        admin.execute(AssertSqlSafe(roles::database(service.name, service.name, "template0"))).await.unwrap();
        let mut sql = String::new();
        let file = std::fs::File::open(data().join(format!("{}.sql.gz", service.name))).unwrap();
        GzDecoder::new(file).read_to_string(&mut sql).unwrap();
        let owner = databases::owner_url(&servers, &secrets, service.name).unwrap();
        let mut owner = PgConnection::connect(&owner).await.unwrap();
        owner.execute(AssertSqlSafe(sql)).await.unwrap();
        // An upgrade goes on in the cluster that was: what is written next has a higher transaction id than what is there.
        let newest = "SELECT greatest(max(tx)::text::bigint, (SELECT max(to_tx)::text::bigint FROM public.relay)) FROM public.journal";
        let newest: Option<i64> = sqlx::query_scalar(newest).fetch_one(&mut owner).await.unwrap();
        let burn = "DO $$ BEGIN WHILE pg_current_xact_id()::text::bigint <= NEWEST LOOP COMMIT; END LOOP; END $$";
        owner.execute(AssertSqlSafe(burn.replace("NEWEST", &newest.unwrap_or(0).to_string()))).await.unwrap();
        owner.close().await.unwrap();
    }
    admin.close().await.unwrap();
    tokio::task::spawn_blocking(move || drop(servers)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn open_claims_of_the_release_before_go_on_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("kept");
    restore(&root).await;
    let (at, claims) = claims();
    let options = StackOptions { durable: false, root: Some(root), log: "off".to_owned(), ..StackOptions::default() };
    // The day of the dumps: what was promised then is not over.
    options.clock.advance(at.duration_since(options.clock.now()));
    let world = World::with(options).await;
    let claim = |name: &str| claims[name].as_str();

    for (name, state, end) in [
        ("return_closed", ClaimState::Closed, ""),
        ("replace_closed", ClaimState::Closed, ""),
        ("rejected", ClaimState::Rejected, "NOT_GOODS"),
    ] {
        let process = world.process(claim(name)).await.unwrap();
        assert_eq!((process.state(), process.end_reason.as_str()), (state, end), "{name}");
    }

    let booked = claim("return_booked");
    world.deliver(booked, Direction::Return).await;
    world.count(booked, 2, 0, 0, true).await;
    assert_eq!(world.finance(booked, true).await, 500);
    world.until_state(booked, ClaimState::Closed).await;

    let counted = claim("return_partly_counted");
    world.count(counted, 1, 0, 0, true).await;
    assert_eq!(world.finance(counted, true).await, 750);
    world.until_state(counted, ClaimState::Closed).await;

    assert_eq!(world.finance(claim("return_to_be_paid"), true).await, 500);
    world.until_state(claim("return_to_be_paid"), ClaimState::Closed).await;

    for name in ["replace_booked", "replace_on_its_way"] {
        let claim = claim(name);
        world.deliver(claim, Direction::Outbound).await;
        world.deliver(claim, Direction::Return).await;
        world.count(claim, 0, 1, 0, true).await;
        // The release before did not say why goods come back: a person says whether they are those of the claim.
        world.mismatch(claim, "RETURN_NOT_AS_CLAIMED", Ruling::Approve).await;
        world.until_state(claim, ClaimState::Closed).await;
    }

    let short = claim("waits_for_stock");
    world.stock("VASE", 5).await;
    world.deliver(short, Direction::Outbound).await;
    world.until_state(short, ClaimState::Closed).await;

    let asked = claim("question_open");
    let open = world.seen_by_customer(asked, |seen| !seen.questions.is_empty()).await;
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: asked.to_owned(),
        question_id: open.questions[0].question_id.clone(),
        order_no: "O-9".to_owned(),
        ..AnswerQuestionRequest::default()
    };
    world.intake().await.answer_question(answer).await.unwrap();
    world.judge(asked, "sam", Resolution::Reject, "ORDER_NOT_FOUND").await;
    world.until_state(asked, ClaimState::Rejected).await;

    let judged = claim("person_judges");
    world.judge(judged, "sam", Resolution::RefundOnly, "").await;
    assert_eq!(world.finance(judged, true).await, 250);
    world.until_state(judged, ClaimState::Closed).await;

    let approved = claim("approval_open");
    let step = world.task(approved, WorkKind::Approval).await;
    world.rule(&step, "sue", Ruling::Approve).await.unwrap();
    world.deliver(approved, Direction::Outbound).await;
    world.deliver(approved, Direction::Return).await;
    world.count(approved, 0, 3, 0, true).await;
    world.mismatch(approved, "RETURN_NOT_AS_CLAIMED", Ruling::Approve).await;
    world.until_state(approved, ClaimState::Closed).await;

    let proposed = claim("consent_open");
    world.answer_plan(proposed, 1, true).await;
    assert_eq!(world.finance(proposed, true).await, 3000);
    world.until_state(proposed, ClaimState::Closed).await;

    let advice = claim("advice_open");
    let item = world.task(advice, WorkKind::Support).await;
    world.rule(&item, "sue", Ruling::Approve).await.unwrap();
    world.score(advice, 5).await;
    world.until_state(advice, ClaimState::Closed).await;

    world.score(claim("followed_up"), 4).await;
    world.until_state(claim("followed_up"), ClaimState::Closed).await;

    let undone = claim("compensating");
    world.carrier(undone, Direction::Return, ShipmentState::Delivered).await;
    world.until_waiting(undone, WaitingFor::Logistics).await;
    let item = world.task(undone, WorkKind::CompensationFailed).await;
    world.rule(&item, "lou", Ruling::Approve).await.unwrap();
    world.until_state(undone, ClaimState::Withdrawn).await;

    testkit::eventually(async || (world.unpublished().await == 0).then_some(())).await;
    assert_eq!(world.parked().await, Vec::<String>::new());
    world.stack.stop().await.unwrap();
}

/// The store of a broker that was set up before it had accounts is moved once, as the README says, and the local stack does it
/// by itself: streams, what they hold and how far each consumer is are those of before, and open claims go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_broker_from_before_it_had_accounts_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("kept");
    let options =
        || StackOptions { durable: false, root: Some(root.clone()), log: "off".to_owned(), ..StackOptions::default() };
    let world = World::with(options()).await;
    world.sold("O-1", "ART-1", 5, 1_000, 10).await;
    let claim = world.claim("O-1", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    testkit::eventually(async || (world.unpublished().await == 0 && world.is_all_taken().await).then_some(())).await;
    let before = streams(&world.nats_url()).await;
    assert!(before.iter().filter(|(_, messages, _)| *messages > 0).count() >= 4, "{before:?}");
    world.stack.stop().await.unwrap();

    // A broker without accounts keeps everything in the one that it has anyway.
    let store = root.join("nats/store/jetstream");
    std::fs::rename(store.join("REDRESS"), store.join("$G")).unwrap();
    let kept = root.clone();
    let old = tokio::task::spawn_blocking(move || {
        Servers::start(ServerOptions { root: Some(kept), ..ServerOptions::default() }).unwrap()
    });
    let old = old.await.unwrap();
    assert_eq!(streams(&old.nats_url()).await, before, "it is such a store");
    tokio::task::spawn_blocking(move || drop(old)).await.unwrap();

    let world = World::with(options()).await;
    assert!(!store.join("$G").exists());
    let after = streams(&world.nats_url()).await;
    for ((name, messages, delivered), (same, now, further)) in before.iter().zip(&after) {
        assert!(name == same && now >= messages && further >= delivered, "{before:?} {after:?}");
    }
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 1, 0, 0, true).await;
    assert_eq!(world.finance(&claim, true).await, 1_000);
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}

/// Streams, messages that they have got, and how far their consumers are.
async fn streams(url: &str) -> Vec<(String, u64, Vec<u64>)> {
    let client = chassis::connect_nats("test", &url.to_owned().into()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let mut found = Vec::new();
    for stream in chassis::topology::STREAMS {
        let name = chassis::topology::stream_name(PREFIX, stream.name);
        let handle = jetstream.get_stream(&name).await.unwrap();
        let mut delivered = Vec::new();
        for row in chassis::topology::SERVICES.iter().filter(|row| row.stream == stream.name) {
            let consumer = chassis::topology::consumer_name(row.service);
            let consumer: async_nats::jetstream::consumer::PullConsumer = handle.get_consumer(&consumer).await.unwrap();
            delivered.push(consumer.cached_info().ack_floor.stream_sequence);
        }
        found.push((name, handle.cached_info().state.last_sequence, delivered));
    }
    found
}
