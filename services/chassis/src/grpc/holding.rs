//! A stream is a call that runs: it has its place until it ends, also while nobody says anything.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use tonic::body::Body;

/// A body with one of the places of the edge.
pub(super) struct Holding {
    inner: Body,
    /// Given back when the framework lets go of the body: at its end, or when the caller has gone.
    _place: Option<OwnedSemaphorePermit>,
}

impl Holding {
    pub fn new(inner: Body, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { inner, _place: place }
    }
}

impl http_body::Body for Holding {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
