//! Who may connect to the gRPC port (S17): so many connections, so many of one network, only who begins to speak, and for
//! long only who is recognised. With TLS, the time to begin covers the handshake (S07).
//!
//! A connection has its place until its socket is closed, whatever goes on over it.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use crate::connection::Connection;
use crate::limits::network;
use crate::limits::{ConcurrencyLimit, ConcurrencyPermit};
use crate::settings::Grpc;
use crate::tls::{Peer, Tls};

/// Who has connected must have said what a client of HTTP/2 says first in this time.
const HELLO: Duration = Duration::from_secs(10);
/// What that is: the preface and the head of a frame of settings.
const HELLO_BYTES: usize = 24 + 9;
/// Rest after a connection that could not be accepted: without it, a lack of file handles is a loop.
const REST: Duration = Duration::from_millis(50);

/// The connections of a port.
pub(crate) struct Incoming {
    listener: TcpListener,
    most: u32,
    most_of_one: u32,
    recognised_within: Duration,
    tls: Option<Arc<Tls>>,
    places: ConcurrencyLimit<Option<IpAddr>>,
    rest: Option<Pin<Box<Sleep>>>,
}

impl Incoming {
    pub(crate) fn new(listener: TcpListener, settings: &Grpc, tls: Option<Arc<Tls>>) -> Self {
        let (most, most_of_one) = (settings.connections, settings.most_of_one());
        let recognised_within = settings.recognised_within.unsigned_abs();
        Self { listener, most, most_of_one, recognised_within, tls, places: ConcurrencyLimit::default(), rest: None }
    }

    fn admit(&self, stream: TcpStream) -> Option<Socket> {
        // `None` counts all of them.
        let all = self.places.take(None, self.most)?;
        let own = self.places.take(Some(network(stream.peer_addr().ok()?.ip())), self.most_of_one)?;
        stream.set_nodelay(true).ok()?;
        let hello = Some(Box::pin(tokio::time::sleep(HELLO)));
        let nobody = Some(Box::pin(tokio::time::sleep(self.recognised_within)));
        let connection = Connection::of(stream.connect_info());
        let stream = match &self.tls {
            None => Link::Open(Either::Left(stream)),
            Some(tls) => Link::Greeting(Box::new(tls.acceptor().accept(stream)), Arc::clone(tls)),
        };
        Some(Socket { stream, connection, hello, nobody, read: 0, _places: [all, own] })
    }
}

impl Stream for Incoming {
    type Item = io::Result<Socket>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(rest) = &mut self.rest {
                ready!(rest.as_mut().poll(cx));
                self.rest = None;
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok((stream, _)) => {
                    if let Some(socket) = self.admit(stream) {
                        return Poll::Ready(Some(Ok(socket)));
                    }
                    // Too many: it is closed at once.
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    self.rest = Some(Box::pin(tokio::time::sleep(REST)));
                }
            }
        }
    }
}

/// A stream that can be used.
type Open = Either<TcpStream, Box<TlsStream<TcpStream>>>;

enum Link {
    /// The handshake goes on: each connection does its own, so none waits for another.
    Greeting(Box<tokio_rustls::Accept<TcpStream>>, Arc<Tls>),
    Open(Open),
}

/// A connection.
pub(crate) struct Socket {
    stream: Link,
    connection: Connection,
    /// Until the client has begun to speak.
    hello: Option<Pin<Box<Sleep>>>,
    /// Until somebody was recognised.
    nobody: Option<Pin<Box<Sleep>>>,
    read: usize,
    _places: [ConcurrencyPermit<Option<IpAddr>>; 2],
}

impl Socket {
    /// Whether nobody was recognised in time.
    fn is_nobodys(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(timer) = &mut self.nobody else { return false };
        if self.connection.is_recognised() {
            self.nobody = None;
            return false;
        }
        timer.as_mut().poll(cx).is_ready()
    }

    /// The stream, once the handshake is over. Reading and writing both come by here: a connection that is stuck in either
    /// ends in time.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut Open>>> {
        if self.is_nobodys(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if let Link::Greeting(greeting, tls) = &mut self.stream {
            let stream = match Pin::new(greeting.as_mut()).poll(cx) {
                Poll::Ready(stream) => stream?,
                Poll::Pending => {
                    let late = self.hello.as_mut().is_some_and(|hello| hello.as_mut().poll(cx).is_ready());
                    return if late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending };
                }
            };
            let peer = stream.get_ref().1.peer_certificates().and_then(|chain| Peer::of(chain, Arc::clone(tls)));
            if let Some(peer) = peer {
                self.connection.shown(peer);
            }
            self.stream = Link::Open(Either::Right(Box::new(stream)));
        }
        match &mut self.stream {
            Link::Open(stream) => Poll::Ready(Ok(Pin::new(stream))),
            Link::Greeting(..) => unreachable!("the handshake is over"),
        }
    }
}

impl Connected for Socket {
    type ConnectInfo = Connection;

    fn connect_info(&self) -> Connection {
        self.connection.clone()
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let answer = ready!(self.poll_stream(cx))?.poll_read(cx, buffer);
        let read = buffer.filled().len() - before;
        let Self { hello, read: all, .. } = &mut *self;
        if let Some(timer) = hello {
            let late = timer.as_mut().poll(cx).is_ready();
            *all += read;
            if *all >= HELLO_BYTES {
                *hello = None;
            } else if late {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        answer
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_stream(cx))?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_stream(cx))?.poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_stream(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_stream(cx))?.poll_shutdown(cx)
    }
}
