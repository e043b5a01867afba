//! HTTP/2 by hand: frames that no client library would send.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpSocket, TcpStream};

/// A piece of a body.
pub const DATA: u8 = 0;
/// The head of a call.
pub const HEADERS: u8 = 1;
/// A call is taken back.
pub const RST_STREAM: u8 = 3;
/// What an end of the connection wants.
pub const SETTINGS: u8 = 4;
/// More of a head.
pub const CONTINUATION: u8 = 9;
const GOAWAY: u8 = 7;

/// Flag: the last of a call.
pub const END_STREAM: u8 = 1;
/// Flag: the last of a head.
pub const END_HEADERS: u8 = 4;

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame.
///
/// # Panics
/// If its payload is longer than a frame can be.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).expect("a payload of a test is short").to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A block of headers, each written out.
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An integer of HPACK with a prefix of seven bits.
fn length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(u8::try_from(length).expect("it is below 127"));
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).expect("it is below 128") | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).expect("it is below 128"));
}

/// What the other side has said.
#[derive(Debug, Default)]
pub struct Heard {
    /// Heads of answers, and of what ends them.
    pub answers: AtomicU32,
    /// Calls taken back.
    pub resets: AtomicU32,
    /// Whether it said that no more calls are taken.
    pub goaway: AtomicBool,
    /// Whether it has closed the connection.
    pub closed: AtomicBool,
}

/// A connection.
pub struct Connection {
    write: OwnedWriteHalf,
    /// What the other side has said.
    pub heard: Arc<Heard>,
}

/// Connects from an address that honest callers of a test do not have.
///
/// # Panics
/// If nobody listens.
pub async fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).expect("all of 127/8 is this machine");
    socket.connect(to).await.expect("somebody listens")
}

impl Connection {
    /// Connects and says what a client says first.
    ///
    /// # Panics
    /// If nobody listens.
    pub async fn open(to: SocketAddr) -> Self {
        let (mut read, write) = connect(to).await.into_split();
        let heard = Arc::new(Heard::default());
        let told = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let mut head = [0; 9];
                if read.read_exact(&mut head).await.is_err() {
                    break;
                }
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                let mut payload = vec![0; usize::try_from(length).expect("a frame fits into memory")];
                if read.read_exact(&mut payload).await.is_err() {
                    break;
                }
                match head[3] {
                    HEADERS => drop(told.answers.fetch_add(1, Ordering::Relaxed)),
                    RST_STREAM => drop(told.resets.fetch_add(1, Ordering::Relaxed)),
                    GOAWAY => told.goaway.store(true, Ordering::Relaxed),
                    _ => {}
                }
            }
            told.closed.store(true, Ordering::Relaxed);
        });
        let mut connection = Self { write, heard };
        connection.send(PREFACE).await;
        connection.send(&frame(SETTINGS, 0, 0, &[])).await;
        connection
    }

    /// Sends bytes; whether the other side still takes them. It is given up after some seconds.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = tokio::time::timeout(Duration::from_secs(3), self.write.write_all(bytes)).await;
        matches!(sent, Ok(Ok(()))) && !self.heard.closed.load(Ordering::Relaxed)
    }
}
