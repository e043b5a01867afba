//! Files live in an S3-compatible bucket as they do in a folder. The server is one of somebody else's making, over HTTP.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use intake::config::Config;
use intake::evidence::store::Files;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use testkit::eventually;
use tokio::net::TcpListener;

use super::samples::png;
use super::store::erase;
use super::world::{Place, header};

const KEY: &str = "intake";
const SECRET: &str = "only for this test";

/// An S3 server with one bucket, which looks at signatures; gives its address.
#[expect(clippy::disallowed_methods, reason = "a server of the test's own, which ends with it")]
async fn server(root: &std::path::Path) -> String {
    std::fs::create_dir(root.join("evidence")).unwrap();
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    service.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let service = service.clone();
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn files_live_in_an_s3_bucket() {
    let root = tempfile::tempdir().unwrap();
    let endpoint = server(root.path()).await;
    let place = Place::with(&[
        ("URL", "s3://evidence/kept"),
        ("OPTIONS__ENDPOINT", &endpoint),
        ("OPTIONS__REGION", "us-east-1"),
        ("OPTIONS__ACCESS_KEY_ID", KEY),
        ("OPTIONS__SECRET_ACCESS_KEY", SECRET),
        ("OPTIONS__ALLOW_HTTP", "true"),
        ("SWEEP", "1s"),
        ("ORPHAN", "3s"),
    ])
    .await;
    let claim = place.world.submit().await;
    let bytes = png(1, 1, &[(b"IDAT", (0..3_000_000_u32).map(|at| at.to_le_bytes()[1]).collect())]);
    let file = place.upload(header(&claim.claim_id, "image/png", &bytes), &bytes).await.unwrap().evidence.unwrap();
    let (_, _, received) = place.download(&place.reference(&file.evidence_id).await.unwrap()).await.unwrap();
    assert_eq!(received, bytes);
    // Nothing is staged any more, and an orphan goes.
    let settings = Config::read(&place.world.service.home.settings().own).unwrap().evidence;
    let store = Files::open(&settings).unwrap();
    let staged = || async { store.staged_before(jiff::Timestamp::MAX).await.unwrap() };
    assert_eq!(staged().await, Vec::<String>::new());
    let orphan = store.new_key().unwrap();
    store.stage(&orphan, bytes.into()).await.unwrap();
    assert_eq!(staged().await, [orphan]);
    eventually(|| async { staged().await.is_empty().then_some(()) }).await;
    erase(&place, &claim.customer_ref).await;
    eventually(|| async {
        let gone = "SELECT count(*) FROM evidence_forgotten";
        (place.world.count(gone).await == 1).then_some(())
    })
    .await;
    assert!(place.reference(&file.evidence_id).await.is_err());
}
