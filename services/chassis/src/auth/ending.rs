//! A stream does not outlive the token that opened it (S06).

use std::pin::Pin;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

/// A body that ends with a status when its time is up.
pub(super) struct Ending {
    inner: Body,
    end: Pin<Box<Sleep>>,
    status: Option<Status>,
}

impl Ending {
    pub fn new(inner: Body, end: Sleep, status: Status) -> Self {
        Self { inner, end: Box::pin(end), status: Some(status) }
    }
}

impl http_body::Body for Ending {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.status.is_none() {
            return Poll::Ready(None);
        }
        if self.end.as_mut().poll(cx).is_ready() {
            let mut trailers = HeaderMap::new();
            let told = self.status.take().map(|status| status.add_header(&mut trailers));
            return match told {
                Some(Ok(())) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                _ => Poll::Ready(None),
            };
        }
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.status.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Unknown: it may end before.
        SizeHint::default()
    }
}
