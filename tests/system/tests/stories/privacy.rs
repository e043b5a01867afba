//! C15, S22, S23, S24: what says who a customer is, is planted in every flow, and found nowhere but in answers to those who
//! asked for it with a purpose.

use std::path::Path;
use std::process::Command;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{Consumer, pull};
use futures::{StreamExt, stream};
use jiff::tz::TimeZone;
use local::StackOptions;
use prost::Message;
use proto::Subject;
use proto::claim::{Category, ClaimState, Money, Resolution, WaitingFor};
use proto::intake::evidence_service_client::EvidenceServiceClient;
use proto::intake::upload_evidence_request::Part;
use proto::intake::vault_service_client::VaultServiceClient;
use proto::intake::{
    AddEvidenceRequest, AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, Contact, EraseCustomerRequest,
    ErasureReason, Evidence, EvidenceHeader, EvidenceKind, GetContactRequest, GetWordsRequest, SubmitClaimRequest,
    UploadEvidenceRequest, WithdrawClaimRequest,
};
use proto::logistics::Direction;
use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::triage::{OrderLine, RecordOrdersRequest};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use system::{World, line};
use testkit::{actor, eventually, reason, request_id};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Status;

use crate::collector::Collector;

/// What is planted: name, person, company, phone, mail, address, words, names of files.
const PLANTED: [&str; 12] = [
    "Kanarina Vogelsang",
    "Kanarius Zeisig",
    "Voliere Sommerwind",
    "+49 7777 0815 4711",
    "kanarina.vogelsang",
    "77 Kanarienweg",
    "Vogelhausen",
    "the canary sang of a broken cup",
    "answered by a canary",
    "withdrawn by a canary",
    "kanarina-at-home",
    // What all other stories say.
    "1 Example Road",
];
/// Planted in a message that nobody of ours sends: it is kept as it came, but not shown.
const POISON: &str = "poisoned by a canary";
const CUSTOMER: &str = "kunde-4711";

fn contact() -> Contact {
    Contact {
        customer_name: "Kanarina Vogelsang".to_owned(),
        contact_person: "Kanarius Zeisig".to_owned(),
        company: "Voliere Sommerwind".to_owned(),
        phone: "+49 7777 0815 4711".to_owned(),
        email: "kanarina.vogelsang@voliere.example".to_owned(),
        address: "77 Kanarienweg\nVogelhausen".to_owned(),
    }
}

/// Fails if something planted is in what was said, as it is or in hexadecimal digits.
fn silent(what: &str, said: &[u8], planted: &[&str]) {
    assert!(!said.is_empty(), "{what} said nothing: nothing was tested");
    for text in planted {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [text.as_bytes(), hex.as_bytes()] {
            let place = memmem(said, form);
            let around =
                place.map(|at| String::from_utf8_lossy(&said[at.saturating_sub(300)..at + form.len()]).into_owned());
            assert_eq!(around, None, "{what} says {text:?}");
        }
    }
}

/// Where it is, if it is there. Files of databases are large: most places are left out by their first byte.
fn memmem(said: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, mut from) = (wanted[0], 0);
    while let Some(at) = said[from..].iter().position(|byte| *byte == first) {
        from += at;
        if said[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
    None
}

fn report(world: &World, order: &str, sku: &str, category: Category, wish: Resolution) -> SubmitClaimRequest {
    let mut reported = line(order, sku, 1, category, wish);
    reported.description = "the canary sang of a broken cup".to_owned();
    reported.operation_stopped = true;
    SubmitClaimRequest { contact: Some(contact()), ..world.report(CUSTOMER, vec![reported]) }
}

/// A claim that is asked about, answered, shown by a file, and withdrawn.
async fn asked_and_withdrawn(world: &World) -> String {
    let mut intake = world.intake().await;
    let mut request = report(world, "", "MUG", Category::ReturnRequest, Resolution::ReturnRefund);
    request.evidence = vec![evidence(1)];
    let claim = world.submit(request).await;
    let evidence = vec![evidence(2)];
    let add = AddEvidenceRequest { request_id: request_id(), claim_id: claim.clone(), evidence };
    intake.add_evidence(add).await.unwrap();
    upload(world, &claim).await;
    let asked = world.seen_by_customer(&claim, |seen| seen.state() == ClaimState::AwaitingCustomer).await;
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.clone(),
        question_id: asked.questions[0].question_id.clone(),
        order_no: "O-8".to_owned(),
        text: "answered by a canary".to_owned(),
        address: String::new(),
    };
    let day = (world.clock.now().to_zoned(TimeZone::UTC).date() - jiff::Span::new().days(3)).to_string();
    let sold = OrderLine {
        order_no: "O-8".to_owned(),
        sku: "MUG".to_owned(),
        customer_ref: CUSTOMER.to_owned(),
        quantity: 1,
        unit_price: Some(Money { minor_units: 250, currency: "GBP".to_owned() }),
        purchased_on: day.clone(),
        delivered_on: day,
        ..OrderLine::default()
    };
    let orders = RecordOrdersRequest { request_id: request_id(), lines: vec![sold] };
    world.triage().await.record_orders(orders).await.unwrap();
    intake.answer_question(answer.clone()).await.unwrap();
    intake.answer_question(answer).await.unwrap();
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    let text = "withdrawn by a canary".to_owned();
    let withdraw = WithdrawClaimRequest { request_id: request_id(), claim_id: claim.clone(), text };
    intake.withdraw_claim(withdraw.clone()).await.unwrap();
    world.until_state(&claim, ClaimState::Withdrawn).await;
    // Refused, with the same words.
    intake.withdraw_claim(WithdrawClaimRequest { request_id: request_id(), ..withdraw }).await.unwrap_err();
    claim
}

fn evidence(number: u8) -> Evidence {
    let name = "kanarina-at-home.jpg".to_owned();
    Evidence {
        sha256: format!("{number:02x}").repeat(32),
        media_type: "image/jpeg".to_owned(),
        size: 1,
        name,
        line: 1,
        audience: 0,
    }
}

/// A document, whose name says who has sent it.
async fn upload(world: &World, claim: &str) {
    let bytes = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n".to_vec();
    let header = EvidenceHeader {
        audience: 0,
        request_id: request_id(),
        claim_id: claim.to_owned(),
        line: 1,
        kind: EvidenceKind::Document.into(),
        name: "kanarina-at-home.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        size: bytes.len() as i64,
        sha256: String::new(),
    };
    let parts = [Part::Header(header), Part::Chunk(bytes)].map(|part| UploadEvidenceRequest { part: Some(part) });
    let mut client = EvidenceServiceClient::new(world.channel("intake").await);
    client.upload_evidence(actor(stream::iter(parts), "anna", &["specialist"])).await.unwrap();
}

/// A claim that is solved, and whose customer is not content; a plan that is refused.
async fn solved_and_scored(world: &World) -> Vec<String> {
    let mut intake = world.intake().await;
    world.sold("O-7", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let mut request = report(world, "O-7", "LAMP", Category::Shortage, Resolution::Resend);
    // Whose order it is counts.
    request.customer_ref = "C-1".to_owned();
    let claim = world.submit(request).await;
    world.deliver(&claim, Direction::Outbound).await;
    world.until_state(&claim, ClaimState::FollowingUp).await;
    world.seen_by_customer(&claim, |seen| seen.state() == ClaimState::FollowingUp).await;
    let text = "answered by a canary".to_owned();
    let answer = AnswerFollowUpRequest { request_id: request_id(), claim_id: claim.clone(), score: 5, text };
    intake.answer_follow_up(answer).await.unwrap();
    world.until_state(&claim, ClaimState::Closed).await;

    let other = crate::approvals::another_plan(world).await;
    let seen = world.seen_by_customer(&other, |seen| seen.open_plan.is_some()).await;
    let refuse = AnswerPlanRequest {
        request_id: request_id(),
        claim_id: other.clone(),
        plan_number: seen.open_plan.unwrap().number,
        accepted: false,
        text: "answered by a canary".to_owned(),
    };
    intake.answer_plan(refuse).await.unwrap();
    vec![claim, other]
}

/// What is refused: each error, whole.
async fn refused(world: &World) -> Vec<Status> {
    let mut intake = world.intake().await;
    let good = report(world, "", "MUG", Category::ReturnRequest, Resolution::ReturnRefund);
    let mut all = Vec::new();
    let planted = |at: usize| PLANTED[at % PLANTED.len()].to_owned();
    let mut bad: Vec<SubmitClaimRequest> = vec![good.clone(); 9];
    bad[0].customer_ref = planted(0);
    bad[1].contact.as_mut().unwrap().email = planted(0);
    bad[2].contact.as_mut().unwrap().customer_name = planted(0).repeat(20);
    bad[3].lines[0].description = planted(7).repeat(400);
    bad[4].lines[0].delivered_on = planted(3);
    bad[5].country = planted(0);
    bad[6].evidence = vec![Evidence { media_type: planted(10), sha256: planted(10), ..evidence(1) }];
    bad[7].request_id = planted(0);
    bad[8].contact.as_mut().unwrap().phone = format!("{}\0", planted(3));
    for request in bad {
        all.push(intake.submit_claim(request).await.unwrap_err());
    }
    // A known request id with other words.
    intake.submit_claim(good.clone()).await.unwrap();
    let mut other = good.clone();
    other.contact.as_mut().unwrap().address = planted(5);
    all.push(intake.submit_claim(other).await.unwrap_err());
    all.push(intake.submit_claim(actor(good, "otto", &["operator"])).await.unwrap_err());
    let ask = |claim: String, purpose: String| GetContactRequest { claim_id: claim, purpose, fields: Vec::new() };
    all.push(intake.get_contact(ask(planted(0), "DELIVERY".to_owned())).await.unwrap_err());
    all.push(intake.get_contact(ask(request_id(), planted(0))).await.unwrap_err());
    all
}

/// A message that nobody of ours sends.
async fn poison(world: &World) {
    let client = chassis::connect_nats("test", &world.nats_url().into()).await.unwrap();
    let jetstream = jetstream::new(client);
    let subject = Subject::Command { service: "intake".to_owned(), name: "ask_customer".to_owned() };
    testkit::publish(&jetstream, "redress", uuid::Uuid::now_v7(), &subject, uuid::Uuid::now_v7(), POISON.as_bytes())
        .await;
    eventually(async || (!world.parked().await.is_empty()).then_some(())).await;
}

/// Every message on the broker, with its subject and headers.
async fn broker(world: &World) -> Vec<u8> {
    let client = chassis::connect_nats("test", &world.nats_url().into()).await.unwrap();
    let jetstream = jetstream::new(client);
    let mut all = Vec::new();
    for name in ["COMMANDS", "EVENTS", "CLAIMS", "NOTICES"] {
        let mut stream = jetstream.get_stream(format!("REDRESS_{name}")).await.unwrap();
        let count = usize::try_from(stream.info().await.unwrap().state.messages).unwrap();
        assert!(count > 0, "{name} is empty");
        let consumer: Consumer<pull::OrderedConfig> =
            stream.create_consumer(pull::OrderedConfig::default()).await.unwrap();
        let mut messages = consumer.messages().await.unwrap().take(count);
        while let Some(message) = messages.next().await {
            let message = message.unwrap();
            all.extend_from_slice(format!("\n{} {:?}\n", message.subject, message.headers).as_bytes());
            all.extend_from_slice(&message.payload);
        }
    }
    all
}

/// Every row of every database as text.
async fn dump(world: &World) -> Vec<u8> {
    let mut all = Vec::new();
    for service in local::SERVICES {
        let mut database = PgConnection::connect(&world.stack.superuser_url(service.name)).await.unwrap();
        let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
        for table in tables {
            let query = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
            let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut database).await.unwrap();
            all.extend(rows.into_iter().flat_map(|row| format!("{table} {row}\n").into_bytes()));
        }
        sqlx::query("CHECKPOINT").execute(&mut database).await.unwrap();
    }
    all
}

/// Every file below a folder, with how many bytes were read.
fn files(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) -> usize {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            bytes += files(&path, look);
        } else if let Ok(said) = std::fs::read(&path)
            && !said.is_empty()
        {
            look(&path, &said);
            bytes += said.len();
        }
    }
    bytes
}

async fn page(address: &str, path: &str) -> Vec<u8> {
    let mut stream = tokio::net::TcpStream::connect(address.trim_start_matches("http://")).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// The flows, in a process of their own, whose log is looked at by the test below.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is run by c15_nothing_says_who_a_customer_is"]
async fn flows() {
    let collector = Collector::default();
    let otlp = Some(collector.serve().await);
    let options = StackOptions { durable: false, log: "trace".to_owned(), otlp, ..StackOptions::default() };
    let world = World::with(options).await;
    let withdrawn = asked_and_withdrawn(&world).await;
    let mut claims = solved_and_scored(&world).await;
    claims.push(withdrawn.clone());
    let statuses = refused(&world).await;
    let mut said = String::new();
    for status in &statuses {
        said += &format!("{status:?} {:?}\n", String::from_utf8_lossy(status.details()));
        assert!(!reason(status).is_empty(), "{status:?}");
    }
    silent("an error", said.as_bytes(), &PLANTED);
    poison(&world).await;

    // Those who may read it, get it.
    let ask = GetContactRequest { claim_id: withdrawn.clone(), purpose: "DELIVERY".to_owned(), fields: Vec::new() };
    let found = world.intake().await.get_contact(actor(ask, "lou", &["supervisor"])).await.unwrap().into_inner();
    assert_eq!(found.contact, Some(contact()));
    silent("a contact that is printed", format!("{found:?}").as_bytes(), &PLANTED);
    let mut vault = VaultServiceClient::new(world.channel("intake").await);
    let ask = GetWordsRequest { claim_id: withdrawn.clone(), purpose: "ASSESSMENT".to_owned() };
    let words = vault.get_words(actor(ask.clone(), "sue", &["specialist"])).await.unwrap().into_inner().words;
    let all: Vec<&str> = words.iter().map(|word| word.about.as_str()).collect();
    let names = ["line 1", "evidence 1", "evidence 2", "evidence 3", "question q1", "withdrawal"];
    assert_eq!(all, names);

    // Answers, lists and views that nobody has to give a purpose for.
    for claim in &claims {
        let seen = world.seen_by_customer(claim, |_| true).await;
        silent("a claim", &[seen.encode_to_vec(), format!("{seen:?}").into_bytes()].concat(), &PLANTED);
        silent("a timeline", format!("{:?}", world.timeline(claim).await).as_bytes(), &PLANTED);
    }
    for service in local::SERVICES {
        let mut operations = OperationsServiceClient::new(world.channel(service.name).await);
        let parked = operations.list_parked(ListParkedRequest::default()).await.unwrap().into_inner();
        silent("a parked message", format!(" {parked:?}").as_bytes(), &[&PLANTED[..], &[POISON]].concat());
        for path in ["/metrics", "/readyz", "/version"] {
            let said = page(&world.stack.admin_endpoints()[service.name], path).await;
            silent(path, &said, &[&PLANTED[..], &[POISON]].concat());
        }
    }
    at_rest(&world).await;

    // The customer is forgotten, once every claim has ended.
    let open = "SELECT claim_id::text FROM claim WHERE customer_ref = $1 AND state NOT IN (10, 11, 12)";
    let mut database = PgConnection::connect(&world.stack.superuser_url("intake")).await.unwrap();
    let open: Vec<String> = sqlx::query_scalar(open).bind(CUSTOMER).fetch_all(&mut database).await.unwrap();
    for claim in open {
        world.withdraw(&claim).await;
        world.seen_by_customer(&claim, |seen| seen.state() == ClaimState::Withdrawn).await;
    }
    let erase = EraseCustomerRequest {
        request_id: request_id(),
        customer_ref: CUSTOMER.to_owned(),
        reason: ErasureReason::AskedFor.into(),
        reference: "P-1".to_owned(),
    };
    vault.erase_customer(actor(erase, "lea", &["legal"])).await.unwrap();
    let status = vault.get_words(actor(ask, "sue", &["specialist"])).await.unwrap_err();
    assert_eq!(reason(&status), "CUSTOMER_ERASED");
    at_rest(&world).await;
    world.stack.stop().await.unwrap();
    let traces = collector.received();
    assert!(traces.len() > 10_000, "only {} bytes of traces", traces.len());
    silent("a trace", &traces, &[&PLANTED[..], &[POISON]].concat());
}

/// What is on the broker, in the databases and in their files.
async fn at_rest(world: &World) {
    eventually(async || (world.unpublished().await == 0).then_some(())).await;
    silent("the broker", &broker(world).await, &PLANTED);
    let dump = dump(world).await;
    assert!(memmem(&dump, CUSTOMER.as_bytes()).is_some(), "nothing was dumped");
    silent("a dump of the databases", &dump, &PLANTED);
    let mut seen = false;
    let mut look = |path: &Path, said: &[u8]| {
        silent(&path.display().to_string(), said, &PLANTED);
        seen |= memmem(said, CUSTOMER.as_bytes()).is_some();
    };
    let bytes = files(world.stack.servers().postgres_data(), &mut look);
    assert!(seen && bytes > 10_000_000, "{bytes} bytes of the databases were looked at");
    assert!(
        files(&world.stack.servers().nats_store(), &mut |path, said| {
            silent(&path.display().to_string(), said, &PLANTED);
        }) > 1_000
    );
}

#[test]
fn c15_nothing_says_who_a_customer_is() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "privacy::flows", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = command.env("RUST_BACKTRACE", "1").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let end = String::from_utf8_lossy(&said[said.len().saturating_sub(3_000)..]).into_owned();
    assert!(output.status.success(), "{end}");
    let traces =
        said.split(|byte| *byte == b'\n').filter(|line| memmem(line, b"\"level\":\"TRACE\"").is_some()).count();
    assert!(traces > 10_000, "only {traces} lines at the loudest level");
    for service in local::SERVICES {
        let name = format!("\"service\":\"{}\"", service.name);
        assert!(memmem(&said, name.as_bytes()).is_some(), "{} said nothing", service.name);
    }
    silent("the log", &said, &[&PLANTED[..], &[POISON]].concat());
}
