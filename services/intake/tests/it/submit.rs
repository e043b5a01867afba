//! SubmitClaim: what is recorded, told and promised, and what is refused.

use prost::Message;
use proto::claim::{Channel, ClaimState};
use proto::from_wire;
use proto::intake::{Contact, ListClaimsRequest, NewLine, SubmitClaimRequest, intake_event};
use testkit::{actor, bad_fields, details, reason, request_id};
use tonic::Code;

use crate::world::{World, contact, evidence, line, submit_request};

#[tokio::test]
async fn a_claim_is_recorded_and_told() {
    let world = World::start().await;
    let request = submit_request();
    let reply =
        world.client.clone().submit_claim(actor(request.clone(), "anna", &["specialist"])).await.unwrap().into_inner();
    let claim = reply.claim.unwrap();
    assert_eq!(claim.state(), ClaimState::Submitted);
    assert_eq!((claim.etag.as_str(), claim.country.as_str()), ("\"1\"", "GB"));
    assert!(claim.claim_number.starts_with("RD-20") && claim.claim_number.len() >= 14, "{}", claim.claim_number);
    assert_eq!(claim.lines.len(), 2);
    assert_eq!((claim.lines[0].evidence_count, claim.lines[1].evidence_count), (2, 1));
    assert_eq!(claim.lines[0].serials, ["S-1", "S-2"]);
    assert_eq!(claim.descriptions, Vec::<String>::new(), "a saved answer has no words of a customer");
    assert_eq!(claim.evidence[0].name, "");
    assert_eq!(claim.evidence[0].sha256, "0f".repeat(32));
    assert_eq!(reply.read_back.len(), 4);
    assert!(reply.read_back[1].contains("6 x 85123A, order 536365, batch B7"), "{:?}", reply.read_back);
    let promised: Vec<&str> = claim.promises.iter().map(|promise| promise.kind.as_str()).collect();
    assert_eq!(promised, ["ACKNOWLEDGEMENT", "FIRST_FEEDBACK"]);
    let received = from_wire(claim.received_at.as_ref().unwrap()).unwrap();
    let due = from_wire(claim.promises[1].due_at.as_ref().unwrap()).unwrap();
    let office = proto::promise::Reckoning::new(&proto::policy::Pack::load(None).unwrap());
    let clock = proto::escalation::ClockKind::FirstFeedback;
    assert_eq!(due, office.promised(clock, claim.channel(), received), "as escalation's clock is due");

    let told = world.told(&claim.claim_id).await;
    let [intake_event::Kind::ClaimSubmitted(submitted)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(submitted.claim_number, claim.claim_number);
    assert_eq!(submitted.lines, claim.lines);
    assert_eq!((submitted.importance, submitted.customer_ref.as_str()), (2, "17850"));
    let notices = world.notices(&claim.claim_id).await;
    assert_eq!(notices.len(), 1);
    assert_eq!((notices[0].template.as_str(), notices[0].customer_ref.as_str()), ("claim_received", "17850"));
    assert_eq!(notices[0].parameters["lines"], "2");
    assert_eq!(world.get(&claim.claim_id).await, claim);
}

/// S22, S24: what says who the customer is, is nowhere in the database as it was written, not in the vault either.
#[tokio::test]
async fn s24_personal_data_is_in_no_table_and_in_no_event() {
    let world = World::start().await;
    let claim = world.submit().await;
    assert_eq!(world.contact_of(&claim.claim_id).await.unwrap(), contact());
    let Contact { customer_name, contact_person, company, phone, email, address } = contact();
    let (words, file) = ("Ada says the cup is green".to_owned(), "cup-of-ada".to_owned());
    let secrets = [&customer_name, &contact_person, &company, &phone, &email, &address, &words, &file];
    let tables =
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(world.service.pool()).await.unwrap();
    assert!(tables.iter().any(|table| table == "journal_default") && tables.iter().any(|table| table == "inbox"));
    for table in &tables {
        // bytea in escape form shows ASCII as it is.
        let query = format!(
            "SELECT count(*) FROM {table} AS t WHERE position($1 IN t::text) > 0 OR position($2 IN t::text) > 0"
        );
        for secret in secrets {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let query = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(query.clone())).bind(secret).bind(hex);
            assert_eq!(query.fetch_one(world.service.pool()).await.unwrap(), 0, "{secret} in {table}");
        }
    }
    for (subject, payload) in world.service.events().await {
        let text = String::from_utf8_lossy(&payload);
        for secret in secrets {
            assert!(!text.contains(secret.as_str()), "{secret} in {subject}");
        }
    }
}

/// Codes are kept as they are meant, not as a keyboard or a form made them; and a customer has one reference, here and in
/// orders.
#[tokio::test]
async fn case_codes_as_people_type_them() {
    let world = World::start().await;
    let mut request = SubmitClaimRequest { customer_ref: " C  42 ".to_owned(), ..submit_request() };
    request.lines[0].order_no = " #AB-1001 ".to_owned();
    request.lines[0].sku = "\u{ff21}RT-1".to_owned();
    request.lines[0].batch = " B  7".to_owned();
    request.lines[0].serials = vec![" S-1".to_owned(), "S\u{2011}2".to_owned()];
    let claim = world.client.clone().submit_claim(request.clone()).await.unwrap().into_inner().claim.unwrap();
    let line = &claim.lines[0];
    assert_eq!((line.order_no.as_str(), line.sku.as_str(), line.batch.as_str()), ("#AB-1001", "ART-1", "B 7"));
    assert_eq!((line.serials[0].as_str(), claim.customer_ref.as_str()), ("S-1", "C 42"));
    let listed = ListClaimsRequest { customer_ref: "C 42".to_owned(), ..ListClaimsRequest::default() };
    assert_eq!(world.client.clone().list_claims(listed).await.unwrap().into_inner().claims, [claim]);
    // What differs in spelling only is the same serial number, and a mark in disguise is still one.
    request.request_id = testkit::request_id();
    request.lines[0].serials = vec!["S-1".to_owned(), " S-1 ".to_owned()];
    request.customer_ref = " canary-7".to_owned();
    let status = world.client.clone().submit_claim(request).await.unwrap_err();
    let mut fields = bad_fields(&status);
    fields.sort();
    assert_eq!(fields, ["customer_ref", "lines[0].serials"]);
}

/// What looks like one code is one: letters that nobody sees are named, not dropped.
#[tokio::test]
async fn sr34_no_code_of_a_report_has_a_letter_that_cannot_be_seen() {
    let world = World::start().await;
    for letter in ["\u{202e}", "\u{200b}", "\u{2028}", "\u{2029}", "\u{200d}", "\u{ad}"] {
        let mut request = submit_request();
        let line = &mut request.lines[0];
        let codes = [&mut line.order_no, &mut line.sku, &mut line.batch];
        codes.into_iter().for_each(|code| *code = format!("A{letter}1"));
        line.serials = vec![format!("S{letter}1")];
        request.customer_ref = format!("C{letter}1");
        let status = world.client.clone().submit_claim(request).await.unwrap_err();
        let mut fields = bad_fields(&status);
        fields.sort();
        let bad = ["batch", "order_no", "serials[0]", "sku"].map(|field| format!("lines[0].{field}"));
        assert_eq!(fields, ["customer_ref".to_owned()].into_iter().chain(bad).collect::<Vec<_>>(), "{letter:?}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let world = World::start().await;
    let bad_line = NewLine {
        order_no: "x".repeat(65),
        sku: String::new(),
        batch: "a\nb".to_owned(),
        serials: vec!["S-1".to_owned(), "S-1".to_owned(), String::new()],
        quantity: 2,
        category: 99,
        wish: 99,
        delivered_on: "2026-02-30".to_owned(),
        occurred_on: "2190-01-01".to_owned(),
        description: "x".repeat(4001),
        ..line()
    };
    let mut bad_evidence = evidence(3);
    bad_evidence.sha256 = "xyz".to_owned();
    bad_evidence.media_type = "text/html".to_owned();
    bad_evidence.size = 0;
    let request = SubmitClaimRequest {
        request_id: "1".to_owned(),
        channel: 0,
        customer_ref: "Ada Lovelace".to_owned(),
        contact: Some(Contact { email: "ada".to_owned(), ..Contact::default() }),
        lines: vec![bad_line, NewLine { quantity: 0, ..line() }],
        evidence: vec![bad_evidence],
        country: "gb".to_owned(),
        attested: false,
        importance: 4,
        upset: false,
        announced_on: "2190-01-01".to_owned(),
    };
    let status = world.client.clone().submit_claim(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED"));
    let mut fields = bad_fields(&status);
    fields.sort();
    fields.dedup();
    let expected = [
        "announced_on",
        "attested",
        "channel",
        "contact.customer_name",
        "contact.email",
        "country",
        "customer_ref",
        "evidence[0].line",
        "evidence[0].media_type",
        "evidence[0].sha256",
        "evidence[0].size",
        "importance",
        "lines[0].batch",
        "lines[0].category",
        "lines[0].delivered_on",
        "lines[0].description",
        "lines[0].occurred_on",
        "lines[0].order_no",
        "lines[0].serials",
        "lines[0].serials[2]",
        "lines[0].sku",
        "lines[0].wish",
        "lines[1].quantity",
        "request_id",
    ];
    assert_eq!(fields, expected);
    assert!(!format!("{:?}", details(&status)).contains("Lovelace"), "a violation repeats a value");
    assert_eq!(world.count("SELECT count(*) FROM claim").await, 0);
}

#[tokio::test]
async fn one_bad_field_is_enough() {
    let world = World::start().await;
    let good = submit_request();
    let nobody = Contact { phone: String::new(), email: String::new(), ..contact() };
    let cases: Vec<(&str, SubmitClaimRequest)> = vec![
        ("attested", SubmitClaimRequest { attested: false, ..good.clone() }),
        ("contact", SubmitClaimRequest { contact: None, ..good.clone() }),
        ("contact", SubmitClaimRequest { contact: Some(nobody), ..good.clone() }),
        ("lines", SubmitClaimRequest { lines: Vec::new(), evidence: Vec::new(), ..good.clone() }),
        ("lines", SubmitClaimRequest { lines: vec![line(); 101], ..good.clone() }),
        ("evidence", SubmitClaimRequest { evidence: vec![evidence(0); 51], ..good.clone() }),
        ("channel", SubmitClaimRequest { channel: 99, ..good.clone() }),
        ("country", SubmitClaimRequest { country: "GBR".to_owned(), ..good.clone() }),
    ];
    for (field, request) in cases {
        let status = world.client.clone().submit_claim(request).await.unwrap_err();
        assert_eq!(bad_fields(&status), [field]);
    }
}

#[tokio::test]
async fn a_claim_that_no_event_can_tell_is_refused() {
    let world = World::start().await;
    let serials = |count: usize| (0..count).map(|n| format!("{n:064}")).collect();
    let full = |count: usize| NewLine { quantity: 100, serials: serials(count), ..line() };
    let request = SubmitClaimRequest { lines: vec![full(100); 12], ..submit_request() };
    assert!(request.encoded_len() < proto::REQUEST_BYTES_MAX);
    let status = world.client.clone().submit_claim(request).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["lines"]);

    // The greatest that fits is taken, and its event is published.
    let fits = SubmitClaimRequest { lines: vec![full(98); 10], ..submit_request() };
    let claim = world.client.clone().submit_claim(fits).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(world.told(&claim.claim_id).await.len(), 1);
    let request = SubmitClaimRequest { lines: vec![full(100); 50], ..submit_request() };
    assert!(request.encoded_len() > proto::REQUEST_BYTES_MAX);
    assert!(world.client.clone().submit_claim(request).await.is_err());
    assert_eq!(world.count("SELECT count(*) FROM claim").await, 1);
}

#[tokio::test]
async fn the_same_request_is_one_claim() {
    let world = World::start().await;
    let request = submit_request();
    let first =
        world.client.clone().submit_claim(actor(request.clone(), "anna", &["specialist"])).await.unwrap().into_inner();
    let again =
        world.client.clone().submit_claim(actor(request.clone(), "anna", &["specialist"])).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = SubmitClaimRequest { upset: false, ..request };
    let status = world.client.clone().submit_claim(actor(other, "anna", &["specialist"])).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(world.count("SELECT count(*) FROM claim").await, 1);
    assert_eq!(world.service.events().await.len(), 2);
}

#[tokio::test]
async fn many_at_once_have_different_numbers() {
    let world = World::start().await;
    let calls = (0..40).map(|_| {
        let mut client = world.client.clone();
        let request = SubmitClaimRequest { request_id: request_id(), channel: Channel::Web.into(), ..submit_request() };
        async move { client.submit_claim(request).await.unwrap().into_inner().claim.unwrap().claim_number }
    });
    let numbers: std::collections::BTreeSet<String> = futures::future::join_all(calls).await.into_iter().collect();
    assert_eq!(numbers.len(), 40);
}
