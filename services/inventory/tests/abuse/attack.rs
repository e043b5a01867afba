//! The attacks.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use testkit::frames::*;
use testkit::request_id;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

const METHOD: &str = "/redress.inventory.v1.InventoryService/AdjustStock";

/// What is done.
#[derive(Clone, Copy, Debug)]
pub enum Attack {
    /// A small request that says it is packed.
    Packed,
    /// A call with many headers.
    ManyHeaders,
    /// Headers that never end.
    EndlessHeaders,
    /// Calls that are taken back at once.
    RapidReset,
    /// A body of nothing, in very many pieces.
    EmptyData,
    /// Very many calls that are begun and not ended.
    ManyCalls,
    /// Very many connections.
    ManyConnections,
    /// Bodies that come byte by byte.
    SlowBodies,
}

pub const ALL: &[Attack] = &[
    Attack::Packed,
    Attack::ManyHeaders,
    Attack::EndlessHeaders,
    Attack::RapidReset,
    Attack::EmptyData,
    Attack::ManyCalls,
    Attack::ManyConnections,
    Attack::SlowBodies,
];

/// Somebody who has a token and means ill.
pub struct Attacker {
    pub address: SocketAddr,
    pub token: String,
}

/// Connections that say nothing, or half of a first word.
pub struct Silent(Vec<TcpStream>);

impl Silent {
    /// How many are left, when they have been silent for long enough.
    pub async fn left(self) -> usize {
        tokio::time::sleep(Duration::from_secs(11)).await;
        let mut left = 0;
        for mut stream in self.0 {
            let read = tokio::time::timeout(Duration::from_millis(100), async {
                let mut bytes = [0; 1024];
                while let Ok(1..) = stream.read(&mut bytes).await {}
            });
            left += usize::from(read.await.is_err());
        }
        left
    }
}

impl Attacker {
    /// Connects many times, and says nothing.
    pub async fn silence(&self) -> Silent {
        let mut silent = Vec::new();
        // Half of what one network gets: the other attacks come from the same.
        for number in 0..100 {
            let mut stream = connect(self.address).await;
            stream.write_all(&PREFACE[..number % PREFACE.len()]).await.unwrap();
            silent.push(stream);
        }
        Silent(silent)
    }

    /// Does it; tells what came of it.
    pub async fn run(&self, attack: Attack) -> String {
        match attack {
            Attack::Packed => self.packed().await,
            Attack::ManyHeaders => self.many_headers().await,
            Attack::EndlessHeaders => self.endless_headers().await,
            Attack::RapidReset => self.rapid_reset().await,
            Attack::EmptyData => self.empty_data().await,
            Attack::ManyCalls => self.many_calls().await,
            Attack::ManyConnections => self.many_connections().await,
            Attack::SlowBodies => self.slow_bodies().await,
        }
    }

    fn call(&self) -> Vec<u8> {
        let bearer = format!("Bearer {}", self.token);
        block(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":path", METHOD),
            (":authority", "shop"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("authorization", &bearer),
        ])
    }

    async fn packed(&self) -> String {
        let mut refused = 0;
        for encoding in ["gzip", "deflate", "zstd", "br"] {
            let (client, connection) = h2::client::handshake(connect(self.address).await).await.unwrap();
            let driver = tokio::spawn(connection);
            let request = Request::post(format!("http://shop{METHOD}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("authorization", format!("Bearer {}", self.token))
                .header("grpc-encoding", encoding);
            let mut client = client.ready().await.unwrap();
            let (answer, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
            // Flagged as packed, 32 KiB: whatever it would become, nobody looks.
            let mut message = vec![1, 0, 0, 128, 0];
            message.resize(5 + 32 * 1024, 0);
            let _ = body.send_data(message.into(), true);
            let answer = answer.await.unwrap();
            let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
            assert_eq!(header("grpc-status"), (Code::Unimplemented as i32).to_string(), "{encoding}");
            assert!(header("grpc-message").contains("compressed"), "{encoding}: {}", header("grpc-message"));
            refused += 1;
            driver.abort();
        }
        format!("{refused} of 4 encodings refused")
    }

    async fn many_headers(&self) -> String {
        let mut connection = Connection::open(self.address).await;
        let filler = "x".repeat(1_000);
        let mut begun = 0;
        for number in 0..500u32 {
            let stream = number * 2 + 1;
            let mut all = self.call();
            for _ in 0..64 {
                all.extend(block(&[("x-filler", &filler)]));
            }
            let mut parts = all.chunks(16_000).peekable();
            let first = parts.next().unwrap();
            let mut sent = connection.send(&frame(HEADERS, END_STREAM, stream, first)).await;
            while let Some(part) = parts.next() {
                let flags = if parts.peek().is_none() { END_HEADERS } else { 0 };
                sent = sent && connection.send(&frame(CONTINUATION, flags, stream, part)).await;
            }
            if !sent {
                break;
            }
            begun += 1;
        }
        told(&connection, begun).await
    }

    async fn endless_headers(&self) -> String {
        let mut connection = Connection::open(self.address).await;
        let filler = block(&[("x-filler", &"x".repeat(8_000))]);
        let mut sent = connection.send(&frame(HEADERS, 0, 1, &self.call())).await;
        let mut parts = 0;
        while sent && parts < 20_000 {
            sent = connection.send(&frame(CONTINUATION, 0, 1, &filler)).await;
            parts += 1;
        }
        assert!(parts < 20_000, "headers that never end are taken");
        told(&connection, parts).await
    }

    async fn rapid_reset(&self) -> String {
        let mut begun = 0;
        let mut last = String::new();
        for _ in 0..5 {
            let mut connection = Connection::open(self.address).await;
            let call = self.call();
            for number in 0..10_000u32 {
                let stream = number * 2 + 1;
                let mut both = frame(HEADERS, END_HEADERS, stream, &call);
                // CANCEL
                both.extend(frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()));
                if !connection.send(&both).await {
                    break;
                }
                begun += 1;
            }
            last = told(&connection, begun).await;
        }
        last
    }

    async fn empty_data(&self) -> String {
        let mut connection = Connection::open(self.address).await;
        connection.send(&frame(HEADERS, END_HEADERS, 1, &self.call())).await;
        let many = frame(DATA, 0, 1, &[]).repeat(1_000);
        let mut sent = 0;
        while sent < 500 && connection.send(&many).await {
            sent += 1;
        }
        told(&connection, sent * 1_000).await
    }

    async fn many_calls(&self) -> String {
        let mut connections = Vec::new();
        let mut begun = 0;
        for _ in 0..3 {
            let mut connection = Connection::open(self.address).await;
            let call = self.call();
            for number in 0..10_000u32 {
                if !connection.send(&frame(HEADERS, END_HEADERS, number * 2 + 1, &call)).await {
                    break;
                }
                begun += 1;
            }
            connections.push(connection);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        told(&connections[0], begun).await
    }

    async fn many_connections(&self) -> String {
        let mut open = Vec::new();
        for _ in 0..900 {
            open.push(Connection::open(self.address).await);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let closed = open.iter().filter(|one| one.heard.closed.load(Ordering::Relaxed)).count();
        assert!(closed >= 700, "one address has {} connections", open.len() - closed);
        format!("{closed} of {} closed", open.len())
    }

    async fn slow_bodies(&self) -> String {
        let mut connection = Connection::open(self.address).await;
        let call = self.call();
        let message = [0, 0, 0, 0, 200, 10, 36];
        for number in 0..400u32 {
            connection.send(&frame(HEADERS, END_HEADERS, number * 2 + 1, &call)).await;
        }
        for byte in message.iter().chain(request_id().as_bytes()).take(30) {
            for number in 0..400u32 {
                connection.send(&frame(DATA, 0, number * 2 + 1, &[*byte])).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        told(&connection, 400).await
    }
}

/// What became of a connection.
async fn told(connection: &Connection, sent: u32) -> String {
    tokio::time::sleep(Duration::from_millis(300)).await;
    let heard = &connection.heard;
    let (answers, resets) = (heard.answers.load(Ordering::Relaxed), heard.resets.load(Ordering::Relaxed));
    let end = match (heard.goaway.load(Ordering::Relaxed), heard.closed.load(Ordering::Relaxed)) {
        (true, _) => "told to go away",
        (false, true) => "closed",
        (false, false) => "still open",
    };
    format!("{sent} sent, {answers} answered, {resets} reset, {end}")
}
