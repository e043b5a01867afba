//! A stream does not outlive the token or the certificate that opened it (S06, S07).

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::limits::ConcurrencyPermit;

/// A body that ends with a status when its time is up.
pub(super) struct Ending {
    inner: Body,
    /// `None`: it has ended.
    end: Option<BoxFuture<'static, Status>>,
    /// The caller's place: a stream takes it as long as it goes on.
    _place: ConcurrencyPermit<String>,
}

impl Ending {
    pub fn new(inner: Body, end: BoxFuture<'static, Status>, place: ConcurrencyPermit<String>) -> Self {
        Self { inner, end: Some(end), _place: place }
    }
}

impl http_body::Body for Ending {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Some(end) = &mut self.end else { return Poll::Ready(None) };
        if let Poll::Ready(status) = end.as_mut().poll(cx) {
            self.end = None;
            let mut trailers = HeaderMap::new();
            return match status.add_header(&mut trailers) {
                Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Err(_) => Poll::Ready(None),
            };
        }
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.end.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Unknown: it may end before.
        SizeHint::default()
    }
}
