//! Every mode against a server that says back what it hears.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::*;

/// Time for what must not come.
const SHORT: Duration = Duration::from_millis(300);
/// Time for what must come, on a machine that does other things, too.
const LONG: Duration = Duration::from_secs(10);

async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

async fn proxy(speaks: Speaks) -> Proxy {
    Proxy::start(0, speaks, vec![echo().await]).await.unwrap()
}

async fn open(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// What comes back; none: nothing in time.
async fn say(stream: &mut TcpStream, text: &[u8]) -> Option<std::io::Result<Vec<u8>>> {
    say_within(LONG, stream, text).await
}

/// Whether nothing comes back.
async fn is_swallowed(stream: &mut TcpStream, text: &[u8]) -> bool {
    say_within(SHORT, stream, text).await.is_none()
}

async fn say_within(limit: Duration, stream: &mut TcpStream, text: &[u8]) -> Option<std::io::Result<Vec<u8>>> {
    if let Err(error) = stream.write_all(text).await {
        return Some(Err(error));
    }
    let mut answer = vec![0; text.len()];
    let read = timeout(limit, stream.read_exact(&mut answer)).await.ok()?;
    Some(read.map(|_| answer))
}

fn passes(answer: Option<std::io::Result<Vec<u8>>>) -> bool {
    matches!(answer, Some(Ok(_)))
}

fn breaks(answer: Option<std::io::Result<Vec<u8>>>) -> bool {
    matches!(answer, Some(Err(_)))
}

#[tokio::test]
async fn passes_and_closes() {
    let proxy = proxy(Speaks::Bytes).await;
    let mut stream = open(&proxy).await;
    assert!(passes(say(&mut stream, b"hello").await));
    stream.shutdown().await.unwrap();
    let mut end = Vec::new();
    timeout(LONG, stream.read_to_end(&mut end)).await.unwrap().unwrap();
    assert_eq!(proxy.passed().bytes.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn refuses_and_listens_again() {
    let proxy = proxy(Speaks::Bytes).await;
    let mut stream = open(&proxy).await;
    assert!(passes(say(&mut stream, b"hello").await));
    proxy.set(Mode::Refuse);
    assert!(breaks(say(&mut stream, b"hello").await));
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    proxy.set(Mode::Pass);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(passes(say(&mut open(&proxy).await, b"hello").await));
}

#[tokio::test]
async fn resets_old_and_new() {
    let proxy = proxy(Speaks::Bytes).await;
    let mut old = open(&proxy).await;
    assert!(passes(say(&mut old, b"hello").await));
    proxy.set(Mode::Reset);
    assert!(breaks(say(&mut old, b"hello").await));
    assert!(breaks(say(&mut open(&proxy).await, b"hello").await));
    proxy.set(Mode::Pass);
    assert!(passes(say(&mut open(&proxy).await, b"hello").await));
}

#[tokio::test]
async fn a_black_hole_answers_nothing_and_forgets_for_good() {
    let proxy = proxy(Speaks::Bytes).await;
    let mut quiet = open(&proxy).await;
    let mut old = open(&proxy).await;
    assert!(passes(say(&mut quiet, b"hello").await) && passes(say(&mut old, b"hello").await));
    proxy.set(Mode::BlackHole);
    assert!(is_swallowed(&mut old, b"hello").await);
    let mut new = open(&proxy).await;
    assert!(is_swallowed(&mut new, b"hello").await);
    proxy.set(Mode::Pass);
    assert!(is_swallowed(&mut old, b"hello").await, "bytes were lost, so nothing may follow");
    assert!(passes(say(&mut quiet, b"hello").await), "it lost nothing");
    assert!(passes(say(&mut open(&proxy).await, b"hello").await));
}

#[tokio::test]
async fn one_way_swallows_one_way() {
    for way in [Way::Up, Way::Down] {
        let proxy = proxy(Speaks::Bytes).await;
        let mut stream = open(&proxy).await;
        assert!(passes(say(&mut stream, b"hello").await));
        let before = proxy.passed().bytes.load(Ordering::Relaxed);
        proxy.set(Mode::Swallow(way));
        assert!(is_swallowed(&mut stream, b"hello").await);
        let passed = proxy.passed().bytes.load(Ordering::Relaxed) - before;
        assert_eq!(passed, if way == Way::Up { 0 } else { 5 });
    }
}

#[tokio::test]
async fn delays_and_limits() {
    let proxy = proxy(Speaks::Bytes).await;
    let slow =
        Mode::Slow { delay: Duration::from_millis(40), jitter: Duration::from_millis(10), bytes_per_second: None };
    proxy.set(slow);
    let mut stream = open(&proxy).await;
    let begun = Instant::now();
    assert!(passes(say(&mut stream, b"hello").await));
    assert!(begun.elapsed() >= Duration::from_millis(80), "both ways");
    let narrow = Mode::Slow { delay: Duration::ZERO, jitter: Duration::ZERO, bytes_per_second: Some(10_000) };
    proxy.set(narrow);
    let begun = Instant::now();
    assert!(passes(say(&mut open(&proxy).await, &[7; 1000]).await));
    assert!(begun.elapsed() >= Duration::from_millis(180), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn cuts_after_bytes() {
    let proxy = proxy(Speaks::Bytes).await;
    proxy.set(Mode::CutAfter(64));
    let mut stream = open(&proxy).await;
    assert!(passes(say(&mut stream, &[1; 20]).await));
    assert!(breaks(say(&mut stream, &[1; 40]).await));
    assert!(passes(say(&mut open(&proxy).await, &[1; 20]).await), "each connection counts for itself");
}

#[tokio::test]
async fn cuts_at_commit() {
    let proxy = proxy(Speaks::Postgres).await;
    proxy.set(Mode::CutAtCommit(2));
    let mut stream = open(&proxy).await;
    let commit = b"Q\0\0\0\x0bCOMMIT\0";
    assert!(passes(say(&mut stream, b"\0\0\0\x0a\0\x03\0\0u\0").await), "a session begins");
    assert!(passes(say(&mut stream, b"Q\0\0\0\x0aBEGIN\0").await));
    assert!(passes(say(&mut stream, commit).await));
    assert!(breaks(say(&mut stream, commit).await));
    assert_eq!(proxy.passed().commits.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn reorders_repeats_and_loses_for_nats() {
    // An echo says PUB back as PUB, and a delivery as a delivery: enough to look at both ways.
    let delivery = |name: &str| format!("MSG {name} 1 $JS.ACK.S.c.1.1.1.1.0 1\r\nx\r\n").into_bytes();
    let proxy = proxy(Speaks::Nats).await;
    let mut stream = open(&proxy).await;
    proxy.set(Mode::Repeat(100));
    stream.write_all(&delivery("a")).await.unwrap();
    let mut both = vec![0; 2 * delivery("a").len()];
    timeout(LONG, stream.read_exact(&mut both)).await.unwrap().unwrap();

    proxy.set(Mode::Reorder(Duration::from_millis(200)));
    let all: Vec<Vec<u8>> = (0..20).map(|number| delivery(&format!("s{number:02}"))).collect();
    stream.write_all(&all.concat()).await.unwrap();
    let mut back = vec![0; all.concat().len()];
    timeout(LONG, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_ne!(back, all.concat());
    let mut parser = super::frames::Frames::default();
    let mut found = parser.take(&back);
    found.sort();
    assert_eq!(found, all);

    proxy.set(Mode::LoseAcks(100));
    assert!(is_swallowed(&mut stream, b"PUB $JS.ACK.S.c.1.1.1.1.0 4\r\n+ACK\r\n").await);
    assert!(passes(say(&mut stream, b"PING\r\n").await));
}

#[tokio::test]
async fn spreads_over_targets_and_leaves_out_the_dead() {
    // Taken, so that nobody else gets the port, and nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let dead = taken.local_addr().unwrap();
    let proxy = Proxy::start(0, Speaks::Bytes, vec![dead, echo().await]).await.unwrap();
    for _ in 0..4 {
        assert!(passes(say(&mut open(&proxy).await, b"hello").await));
    }
    proxy.aim(vec![dead]);
    let mut nobody = open(&proxy).await;
    assert!(breaks(say(&mut nobody, b"hello").await));
}
