//! Authority over objects: whoever is bound to what is theirs - a customer, a sales channel, a carrier, a warehouse, a system
//! that records orders, one of finance, one that sends notices - gets nothing of what is another's, by any RPC (SR9).
//!
//! The RPCs and the roles that they let in are read from the contract, and every text of a request either names an object or
//! is listed here as one that names none: an RPC with an object of a new kind fails until it has a row.

use std::collections::BTreeSet;

use futures::stream;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, ReflectMessage as _, Value};
use proto::claim::{Category, Resolution};
use proto::intake::evidence_service_client::EvidenceServiceClient;
use proto::intake::upload_evidence_request::Part;
use proto::intake::{
    CreateEvidenceReferenceRequest, EvidenceHeader, EvidenceKind, SubmitClaimRequest, UploadEvidenceRequest,
    WithdrawClaimRequest,
};
use proto::logistics::Direction;
use system::{World, line};
use testkit::{Somebody, actor, as_somebody, customer, eventually, reason, request_id};
use tonic::{Code, Status};

use crate::corpus::requests;
use crate::identity::allowed;
use crate::raw::call_with;
use crate::rpcs::{methods, path};

/// What names an object in a request, and the one that is asked for.
fn objects(things: &Things) -> Vec<(&'static str, &str)> {
    vec![
        ("claim_id", &things.claim),
        ("claim_ids", &things.claim),
        ("claim_number", &things.number),
        ("customer_ref", "C-1"),
        ("order_no", "O-1"),
        ("sku", "MUG"),
        ("warehouse", "MAIN"),
        ("tracking_no", &things.waybill),
        ("shipment_id", &things.shipment),
        ("settlement_id", &things.settlement),
        ("evidence_id", &things.file),
        ("reference", &things.reference),
    ]
}

/// Texts that name no object: about whom or what it is, another field says. Objects that no system of others and no customer
/// gets near (a work item, a hold, what is parked) are here, too: who gets there is bound to nothing.
const PLAIN: &[&str] = &[
    "request_id",
    "page_token",
    "purpose",
    "text",
    "etag",
    "note",
    "address",
    "question_id",
    "question",
    "country",
    "reason",
    "failure",
    "credit_note",
    "document",
    "batch",
    "serials",
    "description",
    "delivered_on",
    "occurred_on",
    "announced_on",
    "purchased_on",
    "warranty_until",
    "repaired_on",
    "promised_on",
    "held_until",
    "expected_on",
    "line_id",
    "currency",
    "name",
    "media_type",
    "sha256",
    "customer_name",
    "contact_person",
    "company",
    "phone",
    "email",
    "detail",
    "carrier_event_id",
    "carrier_tracking_no",
    "other_sku",
    "custodian",
    "of_claim_id",
    "hold_id",
    "work_item_id",
    "about_kind",
    "about_id",
    "kind",
    "role",
    "assigned_to",
    "to",
    "aggregate_id",
    "visit_id",
    "technician_id",
    "skill",
    "skills",
    "region",
    "regions",
    "certificate",
    "valid_until",
    "begin",
    "end",
    "days_off",
    "from_day",
    "work",
    "material",
    "serial_out",
    "serial_in",
];

/// What somebody who is bound gets that is not as everywhere else, and why.
const OTHERWISE: &[(&str, &str, Foreign)] = &[
    // A customer reports for themselves only, and is told so; a channel brings the claims of anybody.
    ("SubmitClaim", "customer", Foreign::Names("customer_ref")),
    ("SubmitClaim", "channel", Foreign::Open),
    // Articles are the shop's: every warehouse says which it knows.
    ("RegisterSkus", "warehouse-system", Foreign::Open),
    // Told without what lies elsewhere, row by row.
    ("GetAvailability", "warehouse-system", Foreign::Without("MAIN")),
    ("ReportTrackingBatch", "carrier", Foreign::Row("NOT_FOUND")),
];

#[derive(Clone, Copy, Debug)]
enum Foreign {
    /// INVALID_ARGUMENT names the field.
    Names(&'static str),
    /// It is for everybody with the role.
    Open,
    /// The answer does not have it.
    Without(&'static str),
    /// The row of the answer says so.
    Row(&'static str),
}

/// Who has the objects of this world, and who has the role and nothing of them.
fn callers(role: &str, things: &Things) -> Option<(Somebody, Somebody)> {
    let system = |own: String, other: &str| (Somebody::with("gate", &[&own]), Somebody::with("gate", &[other]));
    Some(match role {
        "customer" => (Somebody::customer("ada", "C-1"), Somebody::customer("bob", "C-2")),
        "channel" => (Somebody::with("web", &[role]), Somebody::with("market", &[role])),
        "carrier" => system(format!("carrier:{}", things.carrier), "carrier:somebody-else"),
        "warehouse-system" => system("warehouse-system:MAIN".to_owned(), "warehouse-system:ELSEWHERE"),
        "orders" => system("orders:O-".to_owned(), "orders:W-"),
        "finance-system" => system("finance-system:GBP".to_owned(), "finance-system:EUR"),
        _ => return None,
    })
}

struct Things {
    claim: String,
    number: String,
    carrier: String,
    waybill: String,
    shipment: String,
    settlement: String,
    file: String,
    reference: String,
}

/// A claim of the customer C-1, brought by the channel `web`, with a parcel, a refund and a file.
async fn things(world: &World) -> Things {
    world.sold("O-1", "MUG", 5, 500, 10).await;
    world.sold("O-2", "JAR", 5, 500, 10).await;
    world.stock("MUG", 10).await;
    let lines = vec![
        line("O-1", "MUG", 1, Category::Shortage, Resolution::Resend),
        line("O-2", "JAR", 1, Category::TransitDamage, Resolution::RefundOnly),
    ];
    let submit = actor(world.report("C-1", lines), "web", &["channel"]);
    let claim = world.intake().await.submit_claim(submit).await.unwrap().into_inner().claim.unwrap();
    let parcel = world.shipment(&claim.claim_id, Direction::Outbound).await;
    let settlement = eventually(async || world.settlements(&claim.claim_id).await.pop()).await.settlement_id;
    let mut evidence = EvidenceServiceClient::new(world.channel("intake").await);
    let bytes = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n".to_vec();
    let header = EvidenceHeader {
        request_id: request_id(),
        claim_id: claim.claim_id.clone(),
        kind: EvidenceKind::Document.into(),
        content_type: "application/pdf".to_owned(),
        size: i64::try_from(bytes.len()).unwrap(),
        ..EvidenceHeader::default()
    };
    let parts = [Part::Header(header), Part::Chunk(bytes)].map(|part| UploadEvidenceRequest { part: Some(part) });
    let file = evidence.upload_evidence(customer(stream::iter(parts), "ada", "C-1")).await.unwrap().into_inner();
    let file = file.evidence.unwrap().evidence_id;
    let ask = CreateEvidenceReferenceRequest { evidence_id: file.clone(), purpose: "OWN_DATA".to_owned() };
    let reference =
        evidence.create_evidence_reference(customer(ask, "ada", "C-1")).await.unwrap().into_inner().reference;
    Things {
        claim: claim.claim_id,
        number: claim.claim_number,
        carrier: parcel.carrier,
        waybill: parcel.tracking_no,
        shipment: parcel.shipment_id,
        settlement,
        file,
        reference,
    }
}

/// Texts of a message, at any depth.
fn texts(message: &MessageDescriptor, found: &mut BTreeSet<String>) {
    for field in message.fields() {
        match field.kind() {
            Kind::String => drop(found.insert(field.name().to_owned())),
            Kind::Message(inner) if inner.full_name() != "google.protobuf.Timestamp" => texts(&inner, found),
            _ => {}
        }
    }
}

/// The same request about the objects of this world; gives whether it names any. What only narrows a list is left out.
fn about(message: &mut DynamicMessage, things: &Things, list: bool) -> bool {
    let mut names = false;
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        // The reference of a payment is finance's own.
        let plain = field.name() == "reference" && !message.descriptor().name().starts_with("Download");
        let object = objects(things).into_iter().find(|(name, _)| !plain && *name == field.name());
        let object = object.map(|(_, value)| value.to_owned());
        match (field.kind(), object) {
            (Kind::String, Some(value)) => {
                names = true;
                let value = Value::String(value);
                message.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
            }
            (Kind::Message(_), _) if field.is_list() => {
                let Value::List(mut inner) = message.get_field(&field).into_owned() else { continue };
                for inner in inner.iter_mut().filter_map(Value::as_message_mut) {
                    names |= about(inner, things, list);
                }
                message.set_field(&field, Value::List(inner));
            }
            (Kind::Message(_), _) => {
                if let Value::Message(mut inner) = message.get_field(&field).into_owned() {
                    names |= about(&mut inner, things, list);
                    message.set_field(&field, Value::Message(inner));
                }
            }
            (Kind::Enum(_) | Kind::Bool, _) if list => message.clear_field(&field),
            // What only staff says of a report.
            _ if ["importance", "announced_on", "audience"].contains(&field.name()) => message.clear_field(&field),
            _ if ["line_id", "batch", "serials"].contains(&field.name()) => message.clear_field(&field),
            _ => {}
        }
    }
    names
}

/// A method, as one role asks it about the objects of this world.
struct Row {
    service: &'static str,
    method: MethodDescriptor,
    role: String,
    request: DynamicMessage,
}

impl Row {
    async fn ask(&self, world: &World, who: Somebody) -> Result<Vec<u8>, Status> {
        let mut request = self.request.clone();
        if request.get_field_by_name("request_id").is_some() {
            request.set_field_by_name("request_id", Value::String(request_id()));
        }
        let channel = world.channel(self.service).await;
        call_with(&channel, &path(&self.method), as_somebody(request.encode_to_vec(), who)).await
    }

    fn foreign(&self) -> Option<Foreign> {
        let row = OTHERWISE.iter().find(|(method, role, _)| *method == self.method.name() && *role == self.role);
        row.map(|(.., foreign)| *foreign)
    }

    fn told(&self, answer: &[u8]) -> DynamicMessage {
        DynamicMessage::decode(self.method.output(), answer).unwrap()
    }

    /// Whether a caller who has nothing of it learns and changes nothing; or what is wrong.
    fn misjudged(&self, answer: &Result<Vec<u8>, Status>) -> Option<String> {
        let fits = match (self.foreign(), answer) {
            (Some(Foreign::Open), _) => true,
            (Some(Foreign::Names(field)), Err(status)) => testkit::bad_fields(status) == [field],
            (Some(Foreign::Without(what)), Ok(answer)) => !format!("{:?}", self.told(answer)).contains(what),
            (Some(Foreign::Row(what)), Ok(answer)) => format!("{:?}", self.told(answer)).contains(what),
            (None, Err(status)) => status.code() == Code::NotFound,
            // A list of nothing.
            (None, Ok(answer)) => answer.is_empty() && self.method.name().starts_with("List"),
            _ => false,
        };
        (!fits).then(|| format!("{} {}: {answer:?}", self.method.name(), self.role))
    }
}

/// Every method that names an object, as every role that is bound.
fn rows(things: &Things) -> Vec<Row> {
    let (mut rows, mut unknown) = (Vec::new(), BTreeSet::new());
    for service in local::SERVICES {
        for method in methods(service.name) {
            let mut named = BTreeSet::new();
            texts(&method.input(), &mut named);
            let known = |name: &String| {
                PLAIN.contains(&name.as_str()) || objects(things).iter().any(|(object, _)| object == name)
            };
            unknown
                .extend(named.into_iter().filter(|name| !known(name)).map(|name| format!("{} {name}", path(&method))));
            for role in allowed(&method).into_iter().filter(|role| callers(role, things).is_some()) {
                let (list, before) = (method.name().starts_with("List"), rows.len());
                for mut request in requests(&method) {
                    if about(&mut request, things, list) {
                        if role == "carrier" && method.name() == "GetContact" {
                            request.clear_field_by_name("fields");
                        }
                        rows.push(Row { service: service.name, method: method.clone(), role: role.clone(), request });
                    }
                }
                assert!(rows.len() > before, "{} names nothing that {role} could be bound to", path(&method));
            }
        }
    }
    assert!(unknown.is_empty(), "an object, or a text that names none? {unknown:#?}");
    rows
}

/// Who sends notices reads of claims whose customer was told something within seven days.
async fn notifier(world: &World) {
    let report = |customer: &str| -> SubmitClaimRequest {
        world.report(customer, vec![line("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund)])
    };
    let claim = world.submit(report("C-3")).await;
    let read = async || {
        let fields = vec![proto::intake::PersonalField::Phone.into()];
        let ask = proto::intake::GetContactRequest { claim_id: claim.clone(), purpose: "NOTICE".to_owned(), fields };
        let read = world.intake().await.get_contact(actor(ask, "post", &["notifier"])).await;
        read.err().map_or(Code::Ok, |status| status.code())
    };
    assert_eq!(read().await, Code::Ok);
    let withdraw = WithdrawClaimRequest { request_id: request_id(), claim_id: claim.clone(), text: String::new() };
    world.intake().await.withdraw_claim(customer(withdraw, "cy", "C-3")).await.unwrap();
    world.until_state(&claim, proto::claim::ClaimState::Withdrawn).await;
    world.wait(8 * 24);
    assert_eq!(read().await, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn sr9_nobody_who_is_bound_gets_what_is_anothers_by_any_rpc() {
    let world = World::new().await;
    let things = things(&world).await;
    let rows = rows(&things);
    let mut wrong = Vec::new();
    let mut told = Vec::new();
    for row in &rows {
        let (_, foreign) = callers(&row.role, &things).unwrap();
        let answer = row.ask(&world, foreign).await;
        wrong.extend(row.misjudged(&answer));
        told.push(answer);
    }
    // The counter-proof: whose it is gets another answer, whatever it is. Reads first, and the end of the claim last.
    let rank = |row: &Row| match row.method.name() {
        name if name.starts_with("Get") || name.starts_with("List") => 0,
        "WithdrawClaim" => 2,
        _ => 1,
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| rank(&rows[*at]));
    for at in order {
        let (row, foreign) = (&rows[at], &told[at]);
        let (own, _) = callers(&row.role, &things).unwrap();
        let answer = row.ask(&world, own).await;
        let says = |answer: &Result<Vec<u8>, Status>| match answer {
            Ok(answer) => format!("{:?}", row.told(answer)),
            Err(status) => {
                let fields = testkit::bad_fields(status);
                format!("{:?} {} {} {fields:?}", status.code(), reason(status), status.message())
            }
        };
        let denied = answer.as_ref().is_err_and(|status| status.code() == Code::PermissionDenied);
        if denied || !matches!(row.foreign(), Some(Foreign::Open)) && says(&answer) == says(foreign) {
            wrong.push(format!("{} {}, whose it is: {}", row.method.name(), row.role, says(&answer)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let pairs: BTreeSet<_> = rows.iter().map(|row| (row.method.full_name().to_owned(), &row.role)).collect();
    assert!(pairs.len() > 40, "only {} pairs of a method and a role", pairs.len());
    notifier(&world).await;
    world.end().await;
}
