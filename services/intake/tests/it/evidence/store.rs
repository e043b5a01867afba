//! The store: what is left behind, what rots, what is full.

use intake::config::Config;
use intake::evidence::store::Files;
use intake::evidence::sweep::forget;
use testkit::{Home, eventually, reason};
use tonic::Code;

use super::samples::{jpeg, png};
use super::world::{Place, anna, files, header, home};
use crate::world::submit_request;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_written_is_unavailable_and_keeps_nothing() {
    let place = Place::new().await;
    let claim = place.world.submit().await.claim_id;
    let bytes = jpeg(&[]);
    let said = header(&claim, "image/jpeg", &bytes);
    // A file where the folder was: nobody can write there, not even root.
    std::fs::remove_dir_all(&place.folder).unwrap();
    std::fs::write(&place.folder, "").unwrap();
    let status = place.upload(said.clone(), &bytes).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "UNAVAILABLE"));
    assert_eq!(place.rows().await, 0);
    assert!(!status.message().contains('/'), "{status:?}");
    // Claims are taken all the same.
    place.world.submit().await;
    std::fs::remove_file(&place.folder).unwrap();
    place.upload(said, &bytes).await.unwrap();
    assert_eq!((place.rows().await, place.stored().len()), (1, 1));
}

/// F12e. A small disk of its own takes root; where there is none, the test says so and ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_full_is_unavailable_and_keeps_nothing() {
    let disk = tempfile::tempdir().unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k,mode=0700", "small"])
        .arg(disk.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a small disk takes root");
        return;
    }
    struct Mounted<'a>(&'a std::path::Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg("-l").arg(self.0).status();
        }
    }
    let mounted = Mounted(disk.path());
    let url = format!("file://{}/evidence", disk.path().display());
    let place = Place::with(&[("URL", &url)]).await;
    let claim = place.world.submit().await.claim_id;
    let large = png(1, 1, &[(b"IDAT", vec![7; 100_000])]);
    let status = place.upload(header(&claim, "image/png", &large), &large).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "UNAVAILABLE"));
    assert_eq!((place.rows().await, files(disk.path()).len()), (0, 0), "no draft is left");
    let small = jpeg(&[]);
    place.upload(header(&claim, "image/jpeg", &small), &small).await.unwrap();
    assert_eq!((place.rows().await, files(disk.path()).len()), (1, 1));
    drop(place);
    drop(mounted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_upload_left_behind_is_kept_or_removed() {
    let place = Place::with(&[("SWEEP", "1s"), ("ORPHAN", "2s")]).await;
    let claim = place.world.submit().await.claim_id;
    let bytes = jpeg(&[]);
    let file = place.upload(header(&claim, "image/jpeg", &bytes), &bytes).await.unwrap().evidence.unwrap();
    // As if the service had ended before it moved the file; an orphan; a draft; and something of somebody else.
    let kept = place.stored().remove(0);
    let staged = place.folder.join("staged");
    std::fs::create_dir_all(&staged).unwrap();
    std::fs::rename(&kept, staged.join(kept.file_name().unwrap())).unwrap();
    let (orphan, draft, strange) =
        (staged.join("0".repeat(64)), staged.join(format!("{}#1", "1".repeat(64))), staged.join("README"));
    for path in [&orphan, &draft, &strange] {
        std::fs::write(path, "left").unwrap();
    }
    // It can be read before anybody has looked.
    place.download(&place.reference(&file.evidence_id).await.unwrap()).await.unwrap();
    eventually(|| async { (kept.exists() && !orphan.exists() && !draft.exists()).then_some(()) }).await;
    assert!(strange.exists());
    let (_, _, received) = place.download(&place.reference(&file.evidence_id).await.unwrap()).await.unwrap();
    assert_eq!(received, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_has_rotted_or_is_gone_is_not_passed_off() {
    let place = Place::new().await;
    let claim = place.world.submit().await.claim_id;
    let bytes = png(1, 1, &[(b"IDAT", vec![7; 100_000])]);
    let file = place.upload(header(&claim, "image/png", &bytes), &bytes).await.unwrap().evidence.unwrap();
    let path = place.stored().remove(0);
    let mut rotten = bytes.clone();
    rotten[70_000] ^= 1;
    std::fs::write(&path, rotten).unwrap();
    let download = || async { place.download(&place.reference(&file.evidence_id).await.unwrap()).await.unwrap_err() };
    let status = download().await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "FILE_CHANGED"));
    std::fs::remove_file(&path).unwrap();
    let status = download().await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "FILE_CHANGED"));
}

/// S25, the part of evidence: the key of the customer is destroyed.
#[tokio::test(flavor = "multi_thread")]
async fn s25_the_files_of_an_erased_customer_are_gone() {
    let place = Place::with(&[("SWEEP", "1s")]).await;
    let claim = place.world.submit().await;
    let bytes = jpeg(&[]);
    let file = place.upload(header(&claim.claim_id, "image/jpeg", &bytes), &bytes).await.unwrap().evidence.unwrap();
    let mut other = submit_request();
    other.customer_ref = "somebody-else".to_owned();
    let other = place.world.client.clone().submit_claim(anna(other)).await.unwrap().into_inner().claim.unwrap();
    place.upload(header(&other.claim_id, "image/jpeg", &bytes), &bytes).await.unwrap();
    let reference = place.reference(&file.evidence_id).await.unwrap();
    assert_eq!(place.stored().len(), 2);
    erase(&place, &claim.customer_ref).await;
    // At once for readers, and soon from the store.
    assert_eq!(place.download(&reference).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(place.reference(&file.evidence_id).await.unwrap_err().code(), Code::NotFound);
    eventually(|| async { (place.stored().len() == 1).then_some(()) }).await;
    assert!(place.list(&claim.claim_id).await[0].forgotten_at.is_some(), "that there was a file is still known");
    assert!(place.list(&other.claim_id).await[0].forgotten_at.is_none());
    assert_eq!(place.rows().await, 2);
    let settings = Config::read(&place.world.service.home.settings().own).unwrap().evidence;
    let (pool, clock) = (place.world.service.pool(), &place.world.service.clock);
    assert_eq!(forget(&Files::open(&settings).unwrap(), pool, clock).await.unwrap(), 0, "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_a_file_that_cannot_be_removed_does_not_keep_the_others() {
    let place = Place::with(&[("SWEEP", "1h")]).await;
    let claim = place.world.submit().await;
    for comment in ["a", "b", "c"] {
        let bytes = jpeg(&[(0xfe, comment.as_bytes().to_vec())]);
        place.upload(header(&claim.claim_id, "image/jpeg", &bytes), &bytes).await.unwrap();
    }
    let first: String = sqlx::query_scalar("SELECT object_key FROM evidence_file ORDER BY evidence_id LIMIT 1")
        .fetch_one(place.world.service.pool())
        .await
        .unwrap();
    let path = place.stored().into_iter().find(|path| path.ends_with(&first)).unwrap();
    // A folder in its place, as something that no delete removes.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("held"), "held").unwrap();
    erase(&place, &claim.customer_ref).await;
    let files = Files::open(&Config::read(&place.world.service.home.settings().own).unwrap().evidence).unwrap();
    let (pool, clock) = (place.world.service.pool(), &place.world.service.clock);
    assert!(forget(&files, pool, clock).await.is_err(), "what is left must be told");
    assert_eq!(place.stored(), [path.join("held")]);
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(forget(&files, pool, clock).await.unwrap(), 1);
}

/// Destroys the key of a customer, as an erasure does.
pub async fn erase(place: &Place, customer_ref: &str) {
    let query = "UPDATE customer_key SET wrapped = NULL, erased_at = now(), erased_by = 'lena', reason = 1, reference = 'R-1' \
         WHERE customer_ref = $1";
    let erased = sqlx::query(query).bind(customer_ref).execute(place.world.service.pool()).await.unwrap();
    assert_eq!(erased.rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn intake_does_not_start_without_a_store_and_a_key() {
    let (good, _folder, temporary) = home(&[]).await;
    let start = |name: &'static str, value: String| {
        let mut home: Home = good.clone();
        home.variables.push((format!("EVIDENCE__{name}"), value));
        async move {
            let settings = home.settings();
            match chassis::start(home.service, settings, chassis::Clock::default()).await {
                Ok(running) => {
                    running.stop().await.unwrap();
                    String::new()
                }
                Err(error) => format!("{error:#}"),
            }
        }
    };
    let weak = temporary.path().join("weak");
    std::fs::write(&weak, "secret").unwrap();
    for (name, value) in [
        ("URL", "memory:///".to_owned()),
        ("URL", "file://relative".to_owned()),
        ("URL", "/folder".to_owned()),
        ("URL", "s3://".to_owned()),
        ("KEY_FILE", "/nowhere".to_owned()),
        ("KEY_FILE", weak.display().to_string()),
    ] {
        let why = start(name, value.clone()).await;
        assert!(why.contains(&format!("evidence.{}", name.to_lowercase())), "{name}={value}: {why}");
    }
    // S3 as it is configured; that it works is for the test with a server.
    let mut settings = Config::read(&good.settings().own).unwrap().evidence;
    settings.url = Some("s3://claims/evidence/2026".to_owned());
    for (name, value) in [
        ("region", "eu-west-1"),
        ("endpoint", "http://127.0.0.1:9"),
        ("allow_http", "true"),
        ("access_key_id", "a"),
        ("secret_access_key", "sesame"),
    ] {
        settings.options.insert(name.to_owned(), value.into());
    }
    Files::open(&settings).unwrap();
    assert!(!format!("{settings:?}").contains("sesame"), "a secret is printed");
    settings.options.insert("colour".to_owned(), "red".into());
    assert!(Files::open(&settings).unwrap_err().to_string().contains("evidence.options.colour"));
}
