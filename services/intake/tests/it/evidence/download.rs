//! S16: references.

use proto::intake::vault_service_client::VaultServiceClient;
use proto::intake::{
    CreateEvidenceReferenceRequest, DownloadEvidenceRequest, EvidenceAudience, EvidenceFile, GetClaimRequest,
    GetWordsRequest, ListEvidenceRequest,
};
use testkit::actor;
use tonic::Code;

use super::samples::{jpeg, pdf, png};
use super::world::{Place, anna, header};

async fn one(place: &Place, bytes: &[u8]) -> EvidenceFile {
    let claim = place.world.submit().await.claim_id;
    place.upload(header(&claim, "image/png", bytes), bytes).await.unwrap().evidence.unwrap()
}

fn by<T>(subject: &str, message: T) -> tonic::Request<T> {
    actor(message, subject, &["specialist"])
}

fn ask(reference: &str) -> DownloadEvidenceRequest {
    DownloadEvidenceRequest { reference: reference.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_as_an_attachment_and_whole() {
    let place = Place::new().await;
    let bytes = png(1, 1, &[(b"IDAT", (0..300_000_u32).map(|at| at.to_le_bytes()[1]).collect())]);
    let file = one(&place, &bytes).await;
    let place = place.restart().await;
    let reference = place.reference(&file.evidence_id).await.unwrap();
    let (metadata, head, received) = place.download(&reference).await.unwrap();
    assert_eq!((received, head), (bytes, file.clone()));
    let text = |name: &str| metadata.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(text("redress-content-type"), "image/png");
    let disposition = format!("attachment; filename=\"evidence-{}.png\"", file.evidence_id);
    assert_eq!(text("content-disposition"), disposition);
    assert_eq!(text("x-content-type-options"), "nosniff");
    // Who asked, and why, is on record.
    let asked: Vec<(String, i16)> = sqlx::query_as("SELECT actor, purpose FROM evidence_access")
        .fetch_all(place.world.service.pool())
        .await
        .unwrap();
    assert_eq!(asked, [("anna".to_owned(), 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_a_reference_is_for_one_caller_one_file_and_a_short_time() {
    let place = Place::with(&[("REFERENCE", "2m")]).await;
    let (file, other) = (one(&place, &png(1, 1, &[])).await, one(&place, &png(2, 1, &[])).await);
    let reference = place.reference(&file.evidence_id).await.unwrap();
    let gone = |result: Result<_, tonic::Status>| result.map(|_: (_, _, Vec<u8>)| ()).unwrap_err().code();
    // Somebody else, also one who may see the claim.
    assert_eq!(gone(place.download_as(by("bert", ask(&reference))).await), Code::NotFound);
    // Altered anywhere: file, claim, end, signature.
    for at in (0..reference.len()).step_by(5) {
        let mut altered = reference.clone().into_bytes();
        altered[at] = if altered[at] == b'x' { b'y' } else { b'x' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(gone(place.download(&altered).await), Code::NotFound, "altered at {at}");
    }
    // The signature of one file under the name of another.
    let theirs = place.reference(&other.evidence_id).await.unwrap();
    let mixed = format!("{}{}", &theirs[..54], &reference[54..]);
    assert_eq!(gone(place.download(&mixed).await), Code::NotFound);
    // Another path.
    for path in ["../kept", "..", "kept", &file.evidence_id, &"A".repeat(96)] {
        let code = gone(place.download(path).await);
        assert!(matches!(code, Code::NotFound | Code::InvalidArgument), "{path}: {code:?}");
    }
    place.download(&reference).await.unwrap();
    place.world.service.clock.advance(jiff::SignedDuration::from_secs(121));
    assert_eq!(gone(place.download(&reference).await), Code::NotFound, "it has ended");
    place.download(&place.reference(&file.evidence_id).await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_has_files_of_own_claims_only() {
    let place = Place::new().await;
    let claim = place.world.submit().await;
    let bytes = jpeg(&[]);
    fn customer<T>(message: T, reference: &str) -> tonic::Request<T> {
        testkit::customer(message, "carla", reference)
    }
    let said = || header(&claim.claim_id, "image/jpeg", &bytes);
    let upload = |reference: &str| customer(futures::stream::iter(super::world::messages(said(), &bytes)), reference);
    assert_eq!(place.send(upload("99999")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(place.stored().len(), 0);
    let file = place.send(upload(&claim.customer_ref)).await.unwrap().evidence.unwrap();
    let list = |reference: &str| customer(ListEvidenceRequest { claim_id: claim.claim_id.clone() }, reference);
    let mut client = place.client.clone();
    assert_eq!(client.list_evidence(list("99999")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.list_evidence(list(&claim.customer_ref)).await.unwrap().into_inner().evidence.len(), 1);
    let create = |reference: &str| {
        let (evidence_id, purpose) = (file.evidence_id.clone(), "OWN_DATA".to_owned());
        customer(CreateEvidenceReferenceRequest { evidence_id, purpose }, reference)
    };
    assert_eq!(client.create_evidence_reference(create("99999")).await.unwrap_err().code(), Code::NotFound);
    let reference = client.create_evidence_reference(create(&claim.customer_ref)).await.unwrap().into_inner().reference;
    assert_eq!(place.download_as(customer(ask(&reference), "99999")).await.unwrap_err().code(), Code::NotFound);
    let (_, _, received) = place.download_as(customer(ask(&reference), &claim.customer_ref)).await.unwrap();
    assert_eq!(received, bytes);
    // A reference of somebody else is none for the customer.
    let theirs =
        place.client.clone().create_evidence_reference(anna(create("x").into_inner())).await.unwrap().into_inner();
    let stolen = place.download_as(customer(ask(&theirs.reference), &claim.customer_ref)).await;
    assert_eq!(stolen.unwrap_err().code(), Code::NotFound);
}

/// SR14: what staff upload is for staff, unless they say otherwise; for the customer it is not there.
#[tokio::test(flavor = "multi_thread")]
async fn sr14_what_staff_upload_is_absent_for_the_customer() {
    let place = Place::new().await;
    let claim = place.world.submit().await;
    let (id, bytes) = (claim.claim_id.as_str(), pdf("legal opinion"));
    let carla = |message| testkit::customer(message, "carla", "17850");
    let mut said = header(id, "application/pdf", &bytes);
    "legal-opinion.pdf".clone_into(&mut said.name);
    let opinion = place.upload(said, &bytes).await.unwrap().evidence.unwrap();
    assert_eq!(opinion.audience(), EvidenceAudience::Staff);
    let letter = png(1, 1, &[]);
    let mut said = header(id, "image/png", &letter);
    "letter.png".clone_into(&mut said.name);
    said.audience = EvidenceAudience::Customer.into();
    let letter = place.upload(said, &letter).await.unwrap().evidence.unwrap();

    let (mut client, mut intake) = (place.client.clone(), place.world.client.clone());
    let list = ListEvidenceRequest { claim_id: id.to_owned() };
    let listed = client.list_evidence(testkit::customer(list, "carla", "17850")).await.unwrap().into_inner().evidence;
    let shown = EvidenceFile { uploaded_by: String::new(), ..letter.clone() };
    assert_eq!(listed, [shown], "and who of us sent it is not told");
    let ask = |evidence_id: &str| {
        let (evidence_id, purpose) = (evidence_id.to_owned(), "OWN_DATA".to_owned());
        testkit::customer(CreateEvidenceReferenceRequest { evidence_id, purpose }, "carla", "17850")
    };
    let absent = "01900000-0000-7000-8000-0000000000bb";
    let refused = client.create_evidence_reference(ask(&opinion.evidence_id)).await.unwrap_err();
    let none = client.create_evidence_reference(ask(absent)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(refused.message(), none.message());
    client.create_evidence_reference(ask(&letter.evidence_id)).await.unwrap();
    // A reference for the same subject as staff: the caller is asked again when it is used.
    let staff = actor(ask(&opinion.evidence_id).into_inner(), "carla", &["legal"]);
    let reference = client.create_evidence_reference(staff).await.unwrap().into_inner().reference;
    let stolen = place.download_as(carla(DownloadEvidenceRequest { reference })).await;
    assert_eq!(stolen.unwrap_err().code(), Code::NotFound);

    let get = GetClaimRequest { claim_id: id.to_owned(), ..GetClaimRequest::default() };
    let seen = intake.get_claim(testkit::customer(get, "carla", "17850")).await.unwrap().into_inner().claim.unwrap();
    assert_eq!((seen.evidence.len(), seen.lines[0].evidence_count), (3, 3), "two of the report, and the letter");
    assert_eq!(place.world.get(id).await.evidence.len(), 4);
    let words = GetWordsRequest { claim_id: id.to_owned(), purpose: "OWN_DATA".to_owned() };
    let mut vault = VaultServiceClient::new(place.world.service.channel());
    let words = vault.get_words(testkit::customer(words, "carla", "17850")).await.unwrap().into_inner().words;
    let names = words.iter().filter(|word| word.about.starts_with("evidence"));
    let names: Vec<_> = names.map(|word| (word.about.as_str(), word.text.as_str())).collect();
    assert_eq!(names[2..], [("evidence 3", "letter.png")], "counted as the customer sees them");

    // The customer brings the same document: it is a file of the customer's own, and nothing is told of the other.
    let own = super::world::messages(header(id, "application/pdf", &bytes), &bytes);
    let own = place.send(testkit::customer(futures::stream::iter(own), "carla", "17850")).await.unwrap();
    let file = own.evidence.unwrap();
    assert!(!own.known && file.evidence_id != opinion.evidence_id && file.uploaded_by == "carla");
    // And says nothing about audiences.
    let mut said = header(id, "application/pdf", &bytes);
    said.audience = EvidenceAudience::Staff.into();
    let said = super::world::messages(said, &bytes);
    let status = place.send(testkit::customer(futures::stream::iter(said), "carla", "17850")).await.unwrap_err();
    assert_eq!(testkit::bad_fields(&status), ["header.audience"]);
}
