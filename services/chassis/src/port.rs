//! Who may connect to the gRPC port (S17): so many connections, so many of one address, and only who begins to speak.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::limits::{Place, Places};
use crate::settings::Grpc;

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
    places: Places<Option<IpAddr>>,
    rest: Option<Pin<Box<Sleep>>>,
}

impl Incoming {
    pub(crate) fn new(listener: TcpListener, settings: &Grpc) -> Self {
        let (most, most_of_one) = (settings.connections, settings.connections_of_one);
        Self { listener, most, most_of_one, places: Places::default(), rest: None }
    }

    fn admit(&self, stream: TcpStream) -> Option<Socket> {
        // `None` counts all of them.
        let all = self.places.take(None, self.most)?;
        let own = self.places.take(Some(stream.peer_addr().ok()?.ip()), self.most_of_one)?;
        stream.set_nodelay(true).ok()?;
        let hello = Some(Box::pin(tokio::time::sleep(HELLO)));
        Some(Socket { stream, hello, read: 0, _places: [all, own] })
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

/// A connection.
pub(crate) struct Socket {
    stream: TcpStream,
    /// Until the client has begun to speak.
    hello: Option<Pin<Box<Sleep>>>,
    read: usize,
    _places: [Place<Option<IpAddr>>; 2],
}

impl Connected for Socket {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let answer = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Some(hello) = &mut self.hello {
            let late = hello.as_mut().poll(cx).is_ready();
            self.read += buffer.filled().len() - before;
            if self.read >= HELLO_BYTES {
                self.hello = None;
            } else if late {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        answer
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
