//! S17: places on the port are for those who are known and do something: nobody has most of them, nobody keeps one by saying
//! nothing, and a stream that goes on keeps what it has.
#![expect(clippy::disallowed_methods, reason = "a test plays many callers")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use testkit::{Bearer, Home, TestService, Wire, eventually, reason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::toy;

/// What a client of HTTP/2 says first: the preface, and no settings of its own.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

async fn start(variables: &[(&str, &str)]) -> TestService {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    TestService::at(home, chassis::Clock::default()).await
}

/// A connection from one of the addresses of this machine.
async fn connect(service: &TestService, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(service.grpc()).await.unwrap();
    let _ = stream.write_all(HELLO).await;
    stream
}

/// Whether a connection is closed within this time.
async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    let mut bytes = [0; 1024];
    let closed = async { while !matches!(stream.read(&mut bytes).await, Ok(0) | Err(_)) {} };
    tokio::time::timeout(within, closed).await.is_ok()
}

async fn ask(channel: Wire) -> Result<(), Status> {
    OperationsServiceClient::new(channel).list_parked(ListParkedRequest::default()).await.map(drop)
}

async fn watch(channel: Wire) -> Result<Streaming<HealthCheckResponse>, Status> {
    let mut stream = HealthClient::new(channel).watch(HealthCheckRequest::default()).await?.into_inner();
    assert!(stream.message().await?.is_some());
    Ok(stream)
}

/// A connection that a client makes when it needs it, and the count of how many it has made.
async fn counted(service: &TestService) -> (Channel, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, target) = (listener.local_addr().unwrap(), service.grpc());
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let Ok(mut far) = TcpStream::connect(target).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy(), made)
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_one_network_has_a_quarter_of_the_places() {
    let service = start(&[("GRPC__CONNECTIONS", "20")]).await;
    let mut open = 0;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(&service, "127.0.0.7").await;
        open += usize::from(!is_closed(&mut stream, Duration::from_millis(200)).await);
        streams.push(stream);
    }
    assert_eq!(open, 5);
    // The others do not notice.
    ask(service.channel()).await.unwrap();
    assert!(!is_closed(&mut connect(&service, "127.0.0.8").await, Duration::from_millis(200)).await);
    // A place that is given back can be had again.
    streams.clear();
    eventually(|| async {
        let mut stream = connect(&service, "127.0.0.7").await;
        (!is_closed(&mut stream, Duration::from_millis(200)).await).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_a_connection_by_which_nobody_is_recognised_is_closed() {
    let service = start(&[("GRPC__RECOGNISED_WITHIN", "2s")]).await;
    let begun = Instant::now();
    let mut silent = connect(&service, "127.0.0.7").await;
    assert!(is_closed(&mut silent, Duration::from_secs(5)).await, "who says nothing of substance stays");
    assert!(begun.elapsed() > Duration::from_millis(1500), "it had no time: {:?}", begun.elapsed());

    // Neither probes nor calls with no valid token are of help; one with a token is.
    let ((stranger, strangers), (anna, annas)) = (counted(&service).await, counted(&service).await);
    let anna = Bearer::new(testkit::secrets()).on(anna);
    ask(anna.clone()).await.unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        let _ = HealthClient::new(stranger.clone()).check(HealthCheckRequest::default()).await;
        let refused = ask(Bearer::none().on(stranger.clone())).await.unwrap_err();
        // A connection that is closed has one of three codes, by how far the call had come.
        let closed = matches!(refused.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
        assert!(closed || refused.code() == Code::Unauthenticated, "{refused:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(strangers.load(Ordering::SeqCst) >= 3, "a stranger has kept a connection");
    ask(anna).await.unwrap();
    assert_eq!(annas.load(Ordering::SeqCst), 1, "who is known keeps it, also without a word");
}

/// A connection is in use as long as a stream goes on over it, whatever its client does.
#[tokio::test(flavor = "multi_thread")]
async fn s17_a_silent_stream_keeps_the_place_of_its_connection() {
    let service = start(&[("GRPC__RECOGNISED_WITHIN", "1s"), ("GRPC__CONNECTIONS_OF_ONE", "1")]).await;
    let channel = service.channel();
    let stream = watch(channel.clone()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(is_closed(&mut connect(&service, "127.0.0.1").await, Duration::from_millis(200)).await);
    ask(channel.clone()).await.unwrap();
    drop((stream, channel));
}

/// A stream is a call that runs, also when its client does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn s17_a_silent_stream_keeps_the_place_of_its_call() {
    let service = start(&[("GRPC__CALLS", "2")]).await;
    let mut streams = vec![watch(service.channel()).await.unwrap(), watch(service.channel()).await.unwrap()];
    tokio::time::sleep(Duration::from_secs(1)).await;
    for refused in [ask(service.channel()).await.unwrap_err(), watch(service.channel()).await.map(drop).unwrap_err()] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "BUSY"));
    }
    // Probes are always answered.
    HealthClient::new(service.bare_channel()).check(HealthCheckRequest::default()).await.unwrap();
    streams.pop();
    eventually(|| async { ask(service.channel()).await.ok() }).await;
}

/// Half a request to the admin port, from one of the addresses of this machine.
async fn half_a_request(service: &TestService, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(service.admin()).await.unwrap();
    let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: loc").await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn sr24_the_admin_port_has_an_end_and_half_a_request_too() {
    let service = start(&[]).await;
    let mut held = Vec::new();
    for number in 0..64 {
        held.push(half_a_request(&service, if number < 32 { "127.0.0.1" } else { "127.0.0.2" }).await);
    }
    let begun = Instant::now();
    let mut excess = half_a_request(&service, "127.0.0.3").await;
    assert!(is_closed(&mut excess, Duration::from_secs(2)).await, "the 65th connection is kept");
    // Their time is soon over, and the places are free for probes.
    for mut stream in held {
        assert!(is_closed(&mut stream, Duration::from_secs(8)).await, "half a request is waited for");
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let mut probe = TcpStream::connect(service.admin()).await.unwrap();
    probe.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    probe.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains(" 200 ") && answer.ends_with("ok"), "{answer}");
}
