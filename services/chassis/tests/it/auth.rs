//! Who is let in: the keys of the issuer, and streams that outlive their token.
#![expect(clippy::disallowed_methods, reason = "a test plays an issuer of its own")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chassis::Clock;
use local::Secrets;
use local::secrets::Who;
use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use testkit::{Home, TestService, details, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::toy;

const HOUR: Duration = Duration::from_secs(3600);

fn token(secrets: &Secrets, ttl: Duration) -> String {
    secrets.token(&Who { subject: "olga", roles: &["operator"], customer: None, ttl }).unwrap()
}

fn bearing<T>(body: T, token: &str) -> Request<T> {
    let mut request = Request::new(body);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

async fn ask(service: &TestService, token: &str) -> Result<(), Status> {
    let mut client = OperationsServiceClient::new(service.bare_channel());
    client.list_parked(bearing(ListParkedRequest::default(), token)).await.map(drop)
}

async fn with(variables: &[(&str, &str)]) -> TestService {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables.extend(variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    TestService::at(home, Clock::default()).await
}

fn issuer(folder: &Path, name: &str) -> Secrets {
    Secrets::make(&folder.join(name)).unwrap()
}

fn why(refused: &Status) -> String {
    details(refused).error_info().and_then(|info| info.metadata.get("why").cloned()).unwrap_or_default()
}

/// The keys of a file that changes are seen without a restart; what the old key has signed is worth nothing then, also
/// for who called a moment before.
#[tokio::test(flavor = "multi_thread")]
async fn other_keys_are_taken_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (issuer(folder.path(), "old"), issuer(folder.path(), "new"));
    let file = folder.path().join("keys.json");
    std::fs::copy(old.key_set(), &file).unwrap();
    let service = with(&[("AUTH__JWKS", file.to_str().unwrap())]).await;
    ask(&service, &token(&old, HOUR)).await.unwrap();
    let refused = ask(&service, &token(&new, HOUR)).await.unwrap_err();
    assert_eq!((refused.code(), why(&refused).as_str()), (Code::Unauthenticated, "TOKEN_INVALID"));

    // Half a file is no reason to forget what is known.
    std::fs::write(&file, "{\"keys\": [").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let kept = token(&old, HOUR);
    ask(&service, &kept).await.unwrap();
    std::fs::copy(new.key_set(), &file).unwrap();
    eventually(|| async { ask(&service, &token(&new, HOUR)).await.ok() }).await;
    assert_eq!(ask(&service, &kept).await.unwrap_err().code(), Code::Unauthenticated);
}

/// S04: an address is asked for its keys in bounds, however many tokens name keys that it does not have; and nothing
/// that a token names is asked at all.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_make_us_ask() {
    let folder = tempfile::tempdir().unwrap();
    let known = issuer(folder.path(), "known");
    let keys = std::fs::read_to_string(known.key_set()).unwrap();
    let (address, asked) = serve(keys).await;
    let (evil, followed) = serve(String::new()).await;
    let service = with(&[("AUTH__JWKS", &format!("http://{address}/keys"))]).await;
    ask(&service, &token(&known, HOUR)).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let good = token(&known, HOUR);
    let (_, rest) = good.split_once('.').unwrap();
    for number in 0..50 {
        let header = format!(r#"{{"alg":"EdDSA","kid":"k{number}"}}"#);
        ask(&service, &format!("{}.{rest}", base64(&header))).await.unwrap_err();
        let header =
            format!(r#"{{"alg":"EdDSA","kid":"k{number}","jku":"http://{evil}/keys","x5u":"http://{evil}/x"}}"#);
        ask(&service, &format!("{}.{rest}", base64(&header))).await.unwrap_err();
    }
    assert!(asked.load(Ordering::SeqCst) <= 2, "asked {} times", asked.load(Ordering::SeqCst));
    assert_eq!(followed.load(Ordering::SeqCst), 0);
    ask(&service, &good).await.unwrap();
}

/// S05 at the door: a minute of leeway, not a second more.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_a_minute_after_its_time() {
    let service = with(&[]).await;
    let secrets = testkit::secrets();
    let who = |ago| Who { subject: "olga", roles: &["operator"], customer: None, ttl: Duration::from_secs(ago) };
    // Made as if long ago: what counts is its end.
    let ended = |ago: u64| local::secrets::mint_ended(secrets, &who(0), Duration::from_secs(ago)).unwrap();
    ask(&service, &ended(58)).await.unwrap();
    let refused = ask(&service, &ended(62)).await.unwrap_err();
    assert_eq!((refused.code(), why(&refused).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
    // A token that was good is not good for ever because it is remembered.
    let soon = ended(59);
    ask(&service, &soon).await.unwrap();
    let begun = Instant::now();
    eventually(|| async { ask(&service, &soon).await.err() }).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// S06: a stream ends with its token.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_does_not_outlive_its_token() {
    let service = with(&[("AUTH__LEEWAY", "1s")]).await;
    let mut health = HealthClient::new(service.bare_channel());
    let asked = || HealthCheckRequest { service: String::new() };
    assert_eq!(health.watch(asked()).await.unwrap_err().code(), Code::Unauthenticated);
    let begun = Instant::now();
    let short = token(testkit::secrets(), Duration::from_secs(3));
    let mut stream = health.watch(bearing(asked(), &short)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let ended = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!((ended.code(), why(&ended).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
    let lasted = begun.elapsed();
    assert!(lasted > Duration::from_secs(2) && lasted < Duration::from_secs(30), "{lasted:?}");
    // With another token it goes on.
    let next = token(testkit::secrets(), HOUR);
    let mut stream = health.watch(bearing(asked(), &next)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
}

/// Nobody switches it off: without an issuer the service does not start, and says what to set.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_an_issuer_does_not_start() {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables.push(("AUTH__JWKS".to_owned(), String::new()));
    let error = chassis::start(&toy::SERVICE, home.settings(), Clock::default()).await.err().unwrap();
    assert!(format!("{error:#}").contains("auth.jwks"), "{error:#}");
    home.variables.push(("AUTH__JWKS".to_owned(), "/nowhere/keys.json".to_owned()));
    let error = chassis::start(&toy::SERVICE, home.settings(), Clock::default()).await.err().unwrap();
    assert!(format!("{error:#}").contains("/nowhere/keys.json"), "{error:#}");
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

/// An address that answers every request with a text, and counts them.
async fn serve(text: String) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
            let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
        }
    });
    (address, count)
}

/// Roles that exclude each other are data of the policy: nobody with both is let in anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn roles_that_exclude_each_other_are_let_in_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("pack.toml");
    let pair = "exclusive_roles = [[\"specialist\", \"finance\"]]";
    std::fs::write(&policy, proto::policy::SUPPLY_CHAIN.replacen("exclusive_roles = []", pair, 1)).unwrap();
    let service = with(&[("POLICY__FILE", policy.to_str().unwrap())]).await;
    let ask = async |roles: &[&str]| {
        let who = Who { subject: "olga", roles, customer: None, ttl: HOUR };
        ask(&service, &testkit::secrets().token(&who).unwrap()).await
    };
    ask(&["operator", "finance"]).await.unwrap();
    ask(&["operator", "specialist"]).await.unwrap();
    let refused = ask(&["operator", "specialist", "finance"]).await.unwrap_err();
    assert_eq!((refused.code(), testkit::reason(&refused).as_str()), (Code::PermissionDenied, "ROLES_EXCLUDED"));
}

async fn metrics(service: &TestService) -> String {
    let mut stream = tokio::net::TcpStream::connect(service.admin()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// SR30: who is on the list is refused within seconds, with whatever token; what runs ends, too; everybody else goes on.
#[tokio::test(flavor = "multi_thread")]
async fn sr30_access_that_has_ended_is_refused_within_seconds_and_its_streams_end() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("ended");
    std::fs::write(&list, "# nobody yet\n").unwrap();
    let service = with(&[("AUTH__ENDED", list.to_str().unwrap())]).await;
    let of = |subject: &str| {
        let who = Who { subject, roles: &["operator"], customer: None, ttl: HOUR };
        testkit::secrets().token(&who).unwrap()
    };
    let (olga, ivan) = (of("Olga"), of("ivan"));
    let mut streams = Vec::new();
    for token in [&olga, &ivan] {
        ask(&service, token).await.unwrap();
        let mut health = HealthClient::new(service.bare_channel());
        let mut stream = health.watch(bearing(HealthCheckRequest::default(), token)).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        streams.push(stream);
    }

    let begun = Instant::now();
    std::fs::write(&list, "olga # left\nivan 2026-01-01T00:00:00Z # a token was stolen\n").unwrap();
    let refused = eventually(|| async { ask(&service, &olga).await.err() }).await;
    assert_eq!((refused.code(), why(&refused).as_str()), (Code::Unauthenticated, "ACCESS_ENDED"));
    let ended = loop {
        match streams[0].message().await {
            Ok(said) => assert!(said.is_some(), "it ends without a word"),
            Err(ended) => break ended,
        }
    };
    assert_eq!(why(&ended), "ACCESS_ENDED");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!(why(&ask(&service, &of("olga")).await.unwrap_err()), "ACCESS_ENDED", "another token is none");
    ask(&service, &ivan).await.unwrap();
    let his = tokio::time::timeout(Duration::from_millis(50), streams[1].message()).await;
    assert!(!matches!(his, Ok(Err(_) | Ok(None))), "his goes on");

    // A broken list ends nobody's end, and none at all is no start.
    std::fs::write(&list, "olga@example.com\n").unwrap();
    let wrong = Home::new(&toy::SERVICE).await;
    let wrong = Home { variables: vec![("AUTH__ENDED".to_owned(), list.display().to_string())], ..wrong };
    let error = chassis::start(&toy::SERVICE, wrong.settings(), Clock::default()).await.map(drop).unwrap_err();
    assert!(format!("{error:#}").contains("auth.ended: line 1"), "{error:#}");
    eventually(|| async {
        let counted = |line: &&str| line.starts_with("redress_reload_failed_total") && line.contains("\"ended\"");
        metrics(&service).await.lines().find(counted).map(drop)
    })
    .await;
    assert_eq!(why(&ask(&service, &olga).await.unwrap_err()), "ACCESS_ENDED");
    std::fs::write(&list, "").unwrap();
    eventually(|| async { ask(&service, &olga).await.ok() }).await;
}
