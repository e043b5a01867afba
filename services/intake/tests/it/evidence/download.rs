//! S16: references.

use proto::intake::{CreateEvidenceReferenceRequest, DownloadEvidenceRequest, EvidenceFile, ListEvidenceRequest};
use testkit::actor;
use tonic::Code;

use super::samples::{jpeg, png};
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
    // One for staff is none for the customer.
    let theirs =
        place.client.clone().create_evidence_reference(anna(create("x").into_inner())).await.unwrap().into_inner();
    let stolen = place.download_as(customer(ask(&theirs.reference), &claim.customer_ref)).await;
    assert_eq!(stolen.unwrap_err().code(), Code::NotFound);
}
