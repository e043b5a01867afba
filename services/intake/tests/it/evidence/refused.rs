//! S15: what is not taken, and that nothing of it is kept.

use std::time::Duration;

use futures::stream;
use proto::intake::EvidenceKind;
use testkit::{bad_fields, reason};
use tonic::Code;

use super::samples::{jpeg, mp4, pdf, png, svg, webp, zip_bomb};
use super::world::{Place, anna, chunk, header, messages, slowly};

/// What is said of a file, the file, and why it is refused.
fn hostile() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let behind = |mut file: Vec<u8>, more: &[u8]| {
        file.extend_from_slice(more);
        file
    };
    let cut = |file: Vec<u8>, by: usize| file[..file.len() - by].to_vec();
    let page = b"<html><script>alert(1)</script></html>";
    vec![
        ("a PNG that is said to be a JPEG", "image/jpeg", png(1, 1, &[]), "TYPE_MISMATCH"),
        ("a video that is said to be a picture", "image/heic", mp4(), "TYPE_MISMATCH"),
        ("an MP4 that is said to be QuickTime", "video/quicktime", mp4(), "TYPE_MISMATCH"),
        ("a drawing with a script", "image/png", svg(), "TYPE_MISMATCH"),
        ("a web page", "application/pdf", page.to_vec(), "TYPE_MISMATCH"),
        ("an archive that is a bomb", "image/png", zip_bomb(), "TYPE_MISMATCH"),
        ("a program", "image/jpeg", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(), "TYPE_MISMATCH"),
        ("only a magic number", "image/jpeg", vec![0xFF, 0xD8, 0xFF, 0xE0], "FILE_BROKEN"),
        ("50,000 x 50,000 pixels", "image/png", png(50_000, 50_000, &[]), "TOO_MANY_PIXELS"),
        ("more pixels than a number holds", "image/png", png(u32::MAX, u32::MAX, &[]), "TOO_MANY_PIXELS"),
        ("no pixels", "image/png", png(0, 5, &[]), "FILE_BROKEN"),
        ("a JPEG with an archive behind it", "image/jpeg", behind(jpeg(&[]), &zip_bomb()), "FILE_AMBIGUOUS"),
        ("a PNG with an archive behind it", "image/png", behind(png(1, 1, &[]), &zip_bomb()), "FILE_AMBIGUOUS"),
        ("a WebP with a web page behind it", "image/webp", behind(webp(&[]), page), "FILE_AMBIGUOUS"),
        ("a PNG with a script in its data", "image/png", png(1, 1, &[(b"IDAT", page.to_vec())]), "FILE_AMBIGUOUS"),
        ("a PNG with a PDF in its data", "image/png", png(1, 1, &[(b"IDAT", pdf(""))]), "FILE_AMBIGUOUS"),
        ("a video with an archive behind it", "video/mp4", behind(mp4(), &zip_bomb()), "FILE_BROKEN"),
        (
            "a video with an archive in a box of its own",
            "video/mp4",
            {
                let archive = zip_bomb();
                let size = u32::try_from(archive.len() + 8).unwrap().to_be_bytes();
                behind(mp4(), &[&size[..], b"free", &archive].concat())
            },
            "FILE_AMBIGUOUS",
        ),
        ("a document with an archive behind it", "application/pdf", behind(pdf(""), &zip_bomb()), "FILE_AMBIGUOUS"),
        ("a document with a script", "application/pdf", pdf("/OpenAction<</S/JavaScript/JS(x)>>"), "FILE_AMBIGUOUS"),
        ("a document that starts a program", "application/pdf", pdf("/OpenAction<</S/Launch>>"), "FILE_AMBIGUOUS"),
        ("a truncated video", "video/mp4", cut(mp4(), 1), "FILE_BROKEN"),
        ("a video without its index", "video/mp4", cut(mp4(), 508)[..28].to_vec(), "FILE_BROKEN"),
        ("a truncated JPEG", "image/jpeg", cut(jpeg(&[]), 2), "FILE_BROKEN"),
        ("a truncated PNG", "image/png", cut(png(1, 1, &[]), 12), "FILE_BROKEN"),
        ("a truncated WebP", "image/webp", cut(webp(&[]), 1), "FILE_BROKEN"),
        ("a truncated document", "application/pdf", cut(pdf(""), 8), "FILE_BROKEN"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_hostile_files_are_refused_and_nothing_is_kept() {
    let place = Place::new().await;
    let claim = place.world.submit().await.claim_id;
    for (what, content_type, bytes, why) in hostile() {
        let status = place.upload(header(&claim, content_type, &bytes), &bytes).await.expect_err(what);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, why), "{what}: {status:?}");
    }
    assert_eq!((place.rows().await, place.stored().len()), (0, 0));
    // The truth about the same kinds of files is taken.
    for (content_type, bytes) in
        [("image/jpeg", jpeg(&[])), ("image/png", png(1, 1, &[])), ("image/webp", webp(&[])), ("video/mp4", mp4())]
    {
        place.upload(header(&claim, content_type, &bytes), &bytes).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_what_is_said_of_a_file_is_checked_before_its_bytes() {
    let place = Place::with(&[("FILE_BYTES", "100000"), ("CLAIM_BYTES", "100000")]).await;
    let claim = place.world.submit().await.claim_id;
    let file = jpeg(&[]);
    let good = || header(&claim, "image/jpeg", &file);
    for (field, bad) in [
        ("header.size", {
            let mut bad = good();
            bad.size = 0;
            bad
        }),
        ("header.size", {
            let mut bad = good();
            bad.size = 100_001;
            bad
        }),
        ("header.size", {
            let mut bad = good();
            bad.size = -1;
            bad
        }),
        ("header.content_type", {
            let mut bad = good();
            bad.content_type = "image/svg+xml".to_owned();
            bad
        }),
        ("header.content_type", {
            let mut bad = good();
            bad.content_type = "text/html".to_owned();
            bad
        }),
        ("header.content_type", {
            let mut bad = good();
            bad.content_type = "application/zip".to_owned();
            bad
        }),
        ("header.kind", {
            let mut bad = good();
            bad.kind = EvidenceKind::Video.into();
            bad
        }),
        ("header.kind", {
            let mut bad = good();
            bad.kind = 0;
            bad
        }),
        ("header.name", {
            let mut bad = good();
            bad.name = "a\r\nb".to_owned();
            bad
        }),
        ("header.name", {
            let mut bad = good();
            bad.name = "a".repeat(201);
            bad
        }),
        ("header.line", {
            let mut bad = good();
            bad.line = 101;
            bad
        }),
        ("header.sha256", {
            let mut bad = good();
            bad.sha256 = "x".repeat(64);
            bad
        }),
        ("header.request_id", {
            let mut bad = good();
            bad.request_id = "1".to_owned();
            bad
        }),
        ("header.claim_id", {
            let mut bad = good();
            bad.claim_id = "1".to_owned();
            bad
        }),
    ] {
        let status = place.upload(bad, &file).await.unwrap_err();
        assert_eq!((status.code(), bad_fields(&status)), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    let refused = |messages| async { reason(&place.send(anna(stream::iter(messages))).await.unwrap_err()) };
    let whole = messages(good(), &file);
    assert_eq!(refused(vec![]).await, "BAD_UPLOAD", "nothing");
    assert_eq!(refused(vec![chunk(&file)]).await, "BAD_UPLOAD", "no header");
    assert_eq!(refused([whole.clone(), whole.clone()].concat()).await, "BAD_UPLOAD", "two headers");
    assert_eq!(refused([&whole[..1], &[chunk(&[])]].concat()).await, "BAD_UPLOAD", "an empty chunk");
    assert_eq!(refused([&messages(good(), &[])[..], &[chunk(&[0; 65_537])]].concat()).await, "BAD_UPLOAD");
    assert_eq!(refused([whole.clone(), vec![chunk(&[0])]].concat()).await, "SIZE_MISMATCH", "one byte more");
    assert_eq!(refused(messages(good(), &file[..file.len() - 1])).await, "SIZE_MISMATCH", "one byte less");
    assert_eq!(refused(messages(good(), &[])).await, "SIZE_MISMATCH", "no bytes");
    let mut wrong = good();
    wrong.sha256 = "0".repeat(64);
    assert_eq!(refused(messages(wrong, &file)).await, "HASH_MISMATCH");
    let nobody = header(&testkit::request_id(), "image/jpeg", &file);
    assert_eq!(place.upload(nobody, &file).await.unwrap_err().code(), Code::NotFound);
    assert_eq!((place.rows().await, place.stored().len()), (0, 0));
    // The largest that is taken, to the byte.
    let padded = png(1, 1, &[(b"IDAT", vec![7; 100_000 - png(1, 1, &[]).len() - 12])]);
    assert_eq!(padded.len(), 100_000);
    place.upload(header(&claim, "image/png", &padded), &padded).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_a_slow_upload_is_given_up() {
    let place = Place::with(&[("UPLOAD", "1s"), ("UPLOADS", "1")]).await;
    let claim = place.world.submit().await.claim_id;
    let file = jpeg(&[]);
    let parts: Vec<_> =
        [messages(header(&claim, "image/jpeg", &file), &[]), file.chunks(1).map(chunk).collect()].concat();
    let begun = std::time::Instant::now();
    let slow = place.send(anna(slowly(parts.clone(), Duration::from_millis(150))));
    let other = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        place.upload(header(&claim, "image/jpeg", &file), &file).await
    };
    let (slow, other) = tokio::join!(slow, other);
    let slow = slow.unwrap_err();
    assert_eq!((slow.code(), reason(&slow).as_str()), (Code::DeadlineExceeded, "UPLOAD_TOO_SLOW"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    // It holds the only place at no time: it has sent too little.
    other.unwrap();
    assert_eq!((place.rows().await, place.stored().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_a_claim_has_a_quota_of_bytes_and_of_pieces() {
    let place = Place::with(&[("FILE_BYTES", "5000"), ("CLAIM_BYTES", "10000")]).await;
    let claim = place.world.submit().await.claim_id;
    let picture = |fill: u8, size: usize| png(1, 1, &[(b"IDAT", vec![fill; size])]);
    for fill in [1, 2] {
        let bytes = picture(fill, 4_500);
        place.upload(header(&claim, "image/png", &bytes), &bytes).await.unwrap();
    }
    let bytes = picture(3, 4_500);
    let status = place.upload(header(&claim, "image/png", &bytes), &bytes).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "EVIDENCE_QUOTA"));
    assert_eq!(place.stored().len(), 2);
    // Another claim has its own. Two pieces were announced with the claim: 48 more make 50.
    let other = place.world.submit().await.claim_id;
    for fill in 0..48 {
        let bytes = picture(fill, 1);
        place.upload(header(&other, "image/png", &bytes), &bytes).await.unwrap();
    }
    let bytes = picture(100, 1);
    let status = place.upload(header(&other, "image/png", &bytes), &bytes).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "TOO_MUCH_EVIDENCE"));
    let mut beyond = header(&other, "image/png", &bytes);
    beyond.line = 3;
    assert_eq!(reason(&place.upload(beyond, &bytes).await.unwrap_err()), "NO_SUCH_LINE");
    assert_eq!((place.rows().await, place.stored().len()), (50, 50));
}
