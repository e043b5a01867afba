//! S07: TLS on the gRPC port, and callers with certificates.

mod authority;
mod numbers;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chassis::{Clock, Running};
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{ListParkedRequest, ReadAuditRequest};
use testkit::{Home, Somebody, details, eventually};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::toy;
use authority::{Authority, Leaf};

const GATEWAY: &str = "spiffe://shop/carrier-gateway";

/// A service with TLS: who vouches for it, who vouches for its callers.
struct Place {
    folder: tempfile::TempDir,
    /// Vouches for the service.
    own: Authority,
    /// Vouches for callers.
    callers: Authority,
    running: Running,
}

impl Place {
    async fn new(clients: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (own, callers) = (Authority::new("own"), Authority::new("callers"));
        let file = |name: &str| folder.path().join(name).display().to_string();
        own.server().write(folder.path(), "server");
        std::fs::write(folder.path().join("callers.pem"), callers.pem()).unwrap();
        std::fs::write(folder.path().join("revoked.pem"), callers.revoked(&[66])).unwrap();
        let mut home = Home::new(&toy::SERVICE).await;
        home.variables = [
            ("GRPC__TLS__CERTIFICATE_FILE", file("server.pem")),
            ("GRPC__TLS__KEY_FILE", file("server.key")),
            ("GRPC__TLS__CLIENT_CA_FILE", file("callers.pem")),
            ("GRPC__TLS__CLIENT_CRL_FILE", file("revoked.pem")),
            ("GRPC__TLS__CLIENTS", clients.to_owned()),
            ("AUTH__IDENTITIES", format!("{GATEWAY}=operator")),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let running = chassis::start(home.service, home.settings(), Clock::default()).await.unwrap();
        Self { folder, own, callers, running }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A connection of somebody who trusts an authority; made when it is used.
    fn channel(&self, trusted: &Authority, leaf: Option<&Leaf>) -> Channel {
        self.endpoint(trusted, leaf).connect_lazy()
    }

    /// From where somebody makes connections: each knows the sessions of those before.
    fn endpoint(&self, trusted: &Authority, leaf: Option<&Leaf>) -> Endpoint {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(trusted.pem()));
        let tls = leaf.map_or(tls.clone(), |leaf| tls.identity(leaf.identity()));
        let endpoint = Endpoint::from_shared(format!("https://{}", self.running.grpc())).unwrap();
        endpoint.tls_config(tls).unwrap()
    }

    async fn ask(&self, leaf: Option<&Leaf>) -> Result<(), Status> {
        list(self.channel(&self.own, leaf), None).await
    }
}

async fn list(channel: Channel, token: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(ListParkedRequest::default());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    OperationsServiceClient::new(channel).list_parked(request).await.map(drop)
}

/// Why it was refused; empty: there was no connection.
fn why(refused: &Status) -> String {
    details(refused).error_info().and_then(|info| info.metadata.get("why").cloned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_who_is_vouched_for_and_named_is_let_in_and_nobody_else() {
    let place = Place::new("optional").await;
    let foreign = Authority::new("foreign");
    let refused = async |leaf: Option<&Leaf>| why(&place.ask(leaf).await.unwrap_err());
    let named = |uris: &[&str]| place.callers.client(uris, 7, None);

    assert_eq!(refused(None).await, "NO_CREDENTIALS");
    assert_eq!(refused(Some(&foreign.client(&[GATEWAY], 7, None))).await, "", "somebody else vouches for it");
    let past = Duration::from_secs(3600);
    assert_eq!(refused(Some(&place.callers.ended(GATEWAY, past))).await, "", "its time was over");
    assert_eq!(refused(Some(&place.callers.client(&[GATEWAY], 66, None))).await, "", "it was revoked");
    let stranger = place.ask(Some(&named(&["spiffe://shop/stranger"]))).await.unwrap_err();
    assert_eq!((stranger.code(), why(&stranger).as_str()), (Code::Unauthenticated, "UNKNOWN_CERTIFICATE"));
    assert_eq!(refused(Some(&named(&[]))).await, "NO_CREDENTIALS", "a name in the subject says nothing");
    assert_eq!(refused(Some(&named(&[GATEWAY, "spiffe://shop/b"]))).await, "NO_CREDENTIALS", "who of the two?");

    let gateway = named(&[GATEWAY]);
    place.ask(Some(&gateway)).await.unwrap();
    let mut operations = OperationsServiceClient::new(place.channel(&place.own, Some(&gateway)));
    let status = operations.read_audit(ReadAuditRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "it has another role");

    // Tokens are as good over TLS, and say who it is where there is a certificate, too.
    let token = Somebody::with("olga", &["operator"]).token(testkit::secrets());
    list(place.channel(&place.own, None), Some(&token)).await.unwrap();
    let token = Somebody::with("fin", &["finance"]).token(testkit::secrets());
    let status = list(place.channel(&place.own, Some(&gateway)), Some(&token)).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);

    // Without TLS nobody is heard; who trusts somebody else does not speak to us.
    let plain = Endpoint::from_shared(format!("http://{}", place.running.grpc())).unwrap().connect_lazy();
    assert_eq!(why(&list(plain, Some(&token)).await.unwrap_err()), "");
    assert_eq!(why(&list(place.channel(&foreign, Some(&gateway)), None).await.unwrap_err()), "");
    place.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_where_certificates_are_required_a_token_is_not_enough() {
    let place = Place::new("required").await;
    let token = Somebody::with("olga", &["operator"]).token(testkit::secrets());
    let status = list(place.channel(&place.own, None), Some(&token)).await.unwrap_err();
    assert_eq!(why(&status), "", "there is no connection: {status:?}");
    let gateway = place.callers.client(&[GATEWAY], 7, None);
    place.ask(Some(&gateway)).await.unwrap();
    list(place.channel(&place.own, Some(&gateway)), Some(&token)).await.unwrap();
    place.running.stop().await.unwrap();
}

/// F19: an open connection does not outlive the certificate by which it was made.
#[tokio::test(flavor = "multi_thread")]
async fn s07_a_certificate_that_ends_or_is_revoked_is_refused_on_an_open_connection() {
    let place = Place::new("optional").await;
    let short = place.callers.client(&[GATEWAY], 7, Some(Duration::from_secs(4)));
    let (ending, revoked) = (place.channel(&place.own, Some(&short)), place.callers.client(&[GATEWAY], 8, None));
    let revoked = place.channel(&place.own, Some(&revoked));
    for channel in [&ending, &revoked] {
        list(channel.clone(), None).await.unwrap();
    }
    let begun = Instant::now();
    let status = eventually(async || list(ending.clone(), None).await.err()).await;
    assert_eq!((status.code(), why(&status).as_str()), (Code::Unauthenticated, "CERTIFICATE_LAPSED"));
    assert!(begun.elapsed() < Duration::from_secs(4 + 5), "{:?}", begun.elapsed());

    list(revoked.clone(), None).await.unwrap();
    std::fs::write(place.file("revoked.pem"), place.callers.revoked(&[66, 8])).unwrap();
    let begun = Instant::now();
    let status = eventually(async || list(revoked.clone(), None).await.err()).await;
    assert_eq!(why(&status), "CERTIFICATE_LAPSED");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let token = Somebody::with("olga", &["operator"]).token(testkit::secrets());
    let status = list(revoked, Some(&token)).await.unwrap_err();
    assert_eq!(why(&status), "CERTIFICATE_LAPSED", "a token does not help");
    place.running.stop().await.unwrap();
}

/// F19: nor does a session that a client goes on with on another connection.
#[tokio::test(flavor = "multi_thread")]
async fn s07_a_certificate_that_has_ended_opens_no_connection_by_an_old_session() {
    for clients in ["optional", "required"] {
        let place = Place::new(clients).await;
        let short = place.callers.client(&[GATEWAY], 7, Some(Duration::from_secs(4)));
        let endpoint = place.endpoint(&place.own, Some(&short));
        list(endpoint.connect_lazy(), None).await.unwrap();
        list(endpoint.connect_lazy(), None).await.unwrap();
        tokio::time::sleep(Duration::from_secs(6)).await;
        let token = Somebody::with("olga", &["operator"]).token(testkit::secrets());
        for token in [None, Some(token.as_str())] {
            let answer = list(endpoint.connect_lazy(), token).await;
            assert_eq!(answer.as_ref().err().map(why).as_deref(), Some(""), "{clients}: {answer:?}");
        }
        place.running.stop().await.unwrap();
    }
}

/// S06: a stream does not outlive the certificate that opened it, and outlives what is still good.
#[tokio::test(flavor = "multi_thread")]
async fn s07_a_stream_ends_with_its_certificate() {
    let place = Place::new("optional").await;
    let short = place.callers.client(&[GATEWAY], 7, Some(Duration::from_secs(4)));
    let leaves = [short, place.callers.client(&[GATEWAY], 8, None), place.callers.client(&[GATEWAY], 9, None)];
    let mut streams = Vec::new();
    for leaf in &leaves {
        let mut health = HealthClient::new(place.channel(&place.own, Some(leaf)));
        let mut stream = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        streams.push(stream);
    }
    let [ending, revoked, good] = &mut streams[..] else { panic!("there are three") };
    assert_eq!(why(&end_of(ending, Duration::from_secs(4 + 5)).await), "CERTIFICATE_LAPSED");
    std::fs::write(place.file("revoked.pem"), place.callers.revoked(&[66, 8])).unwrap();
    assert_eq!(why(&end_of(revoked, Duration::from_secs(5)).await), "CERTIFICATE_LAPSED");
    let ended = tokio::time::timeout(Duration::from_secs(3), async { while let Ok(Some(_)) = good.message().await {} });
    assert!(ended.await.is_err(), "the others go on");
    place.running.stop().await.unwrap();
}

/// Why a stream ends, which it must do in this time.
async fn end_of(stream: &mut Streaming<HealthCheckResponse>, most: Duration) -> Status {
    let end = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended without a word"),
                Err(status) => break status,
            }
        }
    };
    tokio::time::timeout(most, end).await.expect("the stream goes on")
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_handshakes_that_never_end_hold_nobody_up_and_are_ended() {
    let place = Place::new("optional").await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(place.running.grpc()).await.unwrap());
    }
    let gateway = place.callers.client(&[GATEWAY], 7, None);
    let begun = Instant::now();
    place.ask(Some(&gateway)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    for mut stream in silent {
        let left = Duration::from_secs(15).saturating_sub(begun.elapsed());
        let read = tokio::time::timeout(left, stream.read(&mut [0; 1])).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))), "it is still open");
    }
    place.running.stop().await.unwrap();
}

/// F19: no call fails while both certificates are good, and files that are of no use change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn s07_another_certificate_is_taken_without_a_restart() {
    let place = Place::new("optional").await;
    let (other, gateway) = (Authority::new("other"), place.callers.client(&[GATEWAY], 7, None));
    let open = place.channel(&place.own, Some(&gateway));
    list(open.clone(), None).await.unwrap();

    // A certificate without its key, and half a file.
    std::fs::write(place.file("server.pem"), other.server().certificate).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    place.ask(Some(&gateway)).await.unwrap();
    std::fs::write(place.file("server.key"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    place.ask(Some(&gateway)).await.unwrap();

    other.server().write(place.folder.path(), "server");
    let begun = Instant::now();
    while list(place.channel(&other, Some(&gateway)), None).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the new certificate is not shown");
        list(open.clone(), None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    list(open, None).await.unwrap();
    assert_eq!(why(&place.ask(Some(&gateway)).await.unwrap_err()), "", "the old one is not shown any more");
    place.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_what_cannot_be_meant_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("own");
    authority.server().write(folder.path(), "server");
    Authority::new("other").server().write(folder.path(), "other");
    std::fs::write(folder.path().join("callers.pem"), authority.pem()).unwrap();
    std::fs::write(folder.path().join("nothing.pem"), "nothing").unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (("CERTIFICATE_FILE", file("server.pem")), ("KEY_FILE", file("server.key")));
    for (pairs, named) in [
        (vec![certificate.clone()], "key_file"),
        (vec![certificate.clone(), ("KEY_FILE", file("other.key"))], "grpc.tls.key_file"),
        (vec![("CERTIFICATE_FILE", file("gone.pem")), key.clone()], "gone.pem"),
        (vec![("CERTIFICATE_FILE", file("nothing.pem")), key.clone()], "grpc.tls.certificate_file"),
        (vec![certificate.clone(), key.clone(), ("CLIENT_CA_FILE", file("nothing.pem"))], "grpc.tls.client_ca_file"),
        (vec![certificate.clone(), key.clone(), ("CLIENT_CRL_FILE", file("callers.pem"))], "grpc.tls.client_ca_file"),
        (vec![certificate.clone(), key.clone(), ("CLIENTS", "required".to_owned())], "grpc.tls.client_ca_file"),
        (vec![certificate.clone(), key.clone(), ("CLIENTS", "sometimes".to_owned())], "sometimes"),
    ] {
        let tls = pairs.iter().map(|(key, value)| (format!("GRPC__TLS__{key}"), value.clone()));
        let error = start(tls).await;
        assert!(error.contains(named), "{pairs:?}: {error}");
    }
    let identities = [("AUTH__IDENTITIES".to_owned(), format!("{GATEWAY}=operator"))];
    let error = start(identities.into_iter()).await;
    assert!(error.contains("grpc.tls.client_ca_file"), "{error}");
}

/// Why a service does not start with these variables.
async fn start(variables: impl Iterator<Item = (String, String)>) -> String {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables = variables.collect();
    let environment = home.environment().into_iter().collect();
    let started = match chassis::Settings::from(home.service, None, Some(environment)) {
        Ok(settings) => chassis::start(home.service, settings, Clock::default()).await.map(drop),
        Err(error) => Err(error),
    };
    format!("{:#}", started.unwrap_err())
}
