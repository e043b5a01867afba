//! S15: what is kept, and as what.

use futures::stream;
use proto::intake::{AddEvidenceRequest, Evidence, EvidenceMetadata};
use ring::digest::{SHA256, digest};
use testkit::{actor, reason, request_id};
use tonic::Code;

use super::samples::{exif, jpeg, mp4, pdf, png, webp};
use super::world::{Place, anna, files, header, messages};

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_metadata_are_removed_and_both_hashes_recorded() {
    let place = Place::new().await;
    let claim = place.world.submit().await.claim_id;
    let comment = (0xFE, b"made by Ada Lovelace".to_vec());
    let with = [
        ("image/jpeg", jpeg(&[(0xE1, exif()), (0xED, b"Photoshop 3.0\0 Ada Lovelace".to_vec()), comment])),
        ("image/jpeg", [jpeg(&[]), b"Ada Lovelace".to_vec()].concat()),
        ("image/png", png(1, 1, &[(b"tEXt", b"Author\0Ada Lovelace".to_vec()), (b"eXIf", b"Ada Lovelace".to_vec())])),
        ("image/webp", webp(&[(b"EXIF", b"Ada Lovelace".to_vec()), (b"XMP ", b"<x>Ada Lovelace</x>".to_vec())])),
    ];
    for (content_type, bytes) in with {
        let mut said = header(&claim, content_type, &bytes);
        said.sha256 = sha256(&bytes).to_uppercase();
        let file = place.upload(said, &bytes).await.unwrap().evidence.unwrap();
        let (_, _, stored) = place.download(&place.reference(&file.evidence_id).await.unwrap()).await.unwrap();
        assert!(contains(&bytes, b"Ada") && !contains(&stored, b"Ada"), "{content_type}");
        assert!(!contains(&stored, b"GPS"), "{content_type}");
        assert_eq!(file.metadata(), EvidenceMetadata::Removed);
        assert_eq!((file.sha256, file.size), (sha256(&stored), stored.len() as i64));
        assert_eq!((file.received_sha256, file.received_size), (sha256(&bytes), bytes.len() as i64));
    }
    // How a picture is to be turned is of the picture.
    let turned = place.list(&claim).await.remove(0);
    let (_, _, stored) = place.download(&place.reference(&turned.evidence_id).await.unwrap()).await.unwrap();
    assert!(contains(&stored, b"\x01\x12\0\x03\0\0\0\x01\0\x06"));
    let as_they_came = [
        ("image/jpeg", jpeg(&[]), EvidenceMetadata::None),
        ("image/png", png(1, 1, &[]), EvidenceMetadata::None),
        ("video/mp4", mp4(), EvidenceMetadata::MayRemain),
        ("application/pdf", pdf(""), EvidenceMetadata::MayRemain),
    ];
    for (content_type, bytes, metadata) in as_they_came {
        let file = place.upload(header(&claim, content_type, &bytes), &bytes).await.unwrap().evidence.unwrap();
        assert_eq!((file.metadata(), file.sha256), (metadata, file.received_sha256), "{content_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_a_name_is_no_path_and_a_key_is_random() {
    let place = Place::new().await;
    let claim = place.world.submit().await.claim_id;
    let before = files(place.folder.parent().unwrap());
    let mut keys = std::collections::BTreeSet::new();
    for (at, name) in
        ["../../../escaped.jpg", "..\\..\\escaped.jpg", "/etc/escaped.jpg", "cup of Ada.jpg"].iter().enumerate()
    {
        let bytes = png(1, 1, &[(b"IDAT", vec![at as u8])]);
        let mut said = header(&claim, "image/png", &bytes);
        said.name = (*name).to_owned();
        let file = place.upload(said, &bytes).await.unwrap().evidence.unwrap();
        assert_eq!(file.name, "", "names are sealed");
        let words = place.world.words_of(&claim).await.unwrap();
        assert_eq!(words.last().unwrap().text, name.rsplit(['/', '\\']).next().unwrap());
    }
    for path in place.stored() {
        let key = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        assert!(path.starts_with(place.folder.join("kept").join(&key[..2])), "{path:?}");
        keys.insert(key);
    }
    assert_eq!(keys.len(), 4);
    let all = files(place.folder.parent().unwrap());
    assert_eq!(all.len(), before.len() + 4, "nothing is outside: {all:?}");
    assert!(!std::path::Path::new("/etc/escaped.jpg").exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&place.folder).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_the_same_bytes_twice_are_one_piece_also_after_a_restart() {
    let place = Place::new().await;
    let claim = place.world.submit().await.claim_id;
    let bytes = jpeg(&[(0xE1, exif())]);
    let said = header(&claim, "image/jpeg", &bytes);
    let first = place.upload(said.clone(), &bytes).await.unwrap();
    assert!(!first.known);
    // The same request again, and the same bytes by somebody else with another name.
    assert_eq!(place.upload(said.clone(), &bytes).await.unwrap(), first);
    let place = place.restart().await;
    assert_eq!(place.upload(said.clone(), &bytes).await.unwrap(), first);
    let mut other = header(&claim, "image/jpeg", &bytes);
    (other.name, other.line) = ("other.jpg".to_owned(), 0);
    let again = actor(stream::iter(messages(other, &bytes)), "bert", &["specialist"]);
    let again = place.send(again).await.unwrap();
    assert_eq!((again.evidence.clone(), again.known), (first.evidence.clone(), true));
    assert_eq!((place.rows().await, place.stored().len(), place.list(&claim).await.len()), (1, 1, 1));
    // The same request id for something else.
    let bytes = jpeg(&[]);
    let reused = proto::intake::EvidenceHeader { size: bytes.len() as i64, ..said };
    let status = place.upload(reused, &bytes).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!((place.rows().await, place.stored().len()), (1, 1));
    // The same bytes for another claim are its own.
    let other = place.world.submit().await.claim_id;
    place.upload(header(&other, "image/jpeg", &bytes), &bytes).await.unwrap();
    assert_eq!((place.rows().await, place.stored().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_piece_gets_its_file() {
    let place = Place::new().await;
    let claim = place.world.submit().await;
    let bytes = pdf("");
    let piece = Evidence {
        sha256: sha256(&bytes),
        media_type: "application/pdf".to_owned(),
        size: bytes.len() as i64,
        name: "invoice.pdf".to_owned(),
        line: 2,
        audience: 0,
    };
    let request =
        AddEvidenceRequest { request_id: request_id(), claim_id: claim.claim_id.clone(), evidence: vec![piece] };
    let claim = place.world.client.clone().add_evidence(anna(request)).await.unwrap().into_inner().claim.unwrap();
    assert_eq!(claim.evidence.len(), 3);
    let said = header(&claim.claim_id, "application/pdf", &bytes);
    let file = place.upload(said, &bytes).await.unwrap().evidence.unwrap();
    assert_eq!(file.line, 2);
    let bytes = jpeg(&[]);
    place.upload(header(&claim.claim_id, "image/jpeg", &bytes), &bytes).await.unwrap();
    let after = place.world.get(&claim.claim_id).await;
    assert_eq!(after.evidence.len(), 4, "what was not announced is one more piece");
    assert_eq!((after.evidence[3].sha256.as_str(), after.evidence[3].line), (sha256(&bytes).as_str(), 1));
    assert_eq!(after.lines[0].evidence_count, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn g25_no_byte_of_a_file_is_in_the_broker_or_in_a_row() {
    let place = Place::new().await;
    let claim = place.world.submit().await.claim_id;
    let mark = b"MARK-OF-THE-BYTES-4711";
    let bytes = png(1, 1, &[(b"IDAT", [mark.as_slice(), &[9; 100_000]].concat())]);
    place.upload(header(&claim, "image/png", &bytes), &bytes).await.unwrap();
    assert!(contains(&std::fs::read(&place.stored()[0]).unwrap(), mark));
    for (subject, payload) in place.world.service.events().await {
        assert!(!contains(&payload, mark), "{subject}");
    }
    // All of every table, as text and as the hexadecimal digits of binary columns.
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .fetch_all(place.world.service.pool())
    .await
    .unwrap();
    assert!(tables.len() > 10);
    let digits: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut total = 0;
    for table in tables {
        let query = format!("SELECT COALESCE(string_agg(t::text, ' '), '') FROM {table} t");
        let text: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(place.world.service.pool()).await.unwrap();
        assert!(!text.contains("MARK-OF-THE-BYTES") && !text.contains(&digits), "{table}");
        total += text.len();
    }
    assert!(total < bytes.len(), "{total} bytes are in the database");
}
