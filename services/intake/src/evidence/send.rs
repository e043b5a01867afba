//! A download as it goes: what the file is, then its bytes, and at the end whether they were the right ones.
//!
//! A task of its own reads the file: a caller who takes no bytes holds its place no longer than the time of a download,
//! whatever the connection does.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use proto::intake::download_evidence_response::Part;
use proto::intake::{DownloadEvidenceResponse, EvidenceFile};
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tonic::{Code, Status};

use super::receive::CHUNK_MAX;
use super::store::Trouble;
use super::traffic::Way;

/// A download that takes longer ends.
const TIME: Duration = Duration::from_secs(120);

pub(super) type Messages = BoxStream<'static, Result<DownloadEvidenceResponse, Status>>;

struct Download {
    source: BoxStream<'static, Result<Bytes, Trouble>>,
    waiting: BytesMut,
    source_ended: bool,
    hash: Option<Context>,
    sha256: String,
}

/// What the task says: a chunk, or that there are no more. Without that the time was over.
type Said = Result<Option<Bytes>, Status>;

/// Sends a file.
pub(super) fn messages(file: EvidenceFile, source: BoxStream<'static, Result<Bytes, Trouble>>, way: Way) -> Messages {
    let download = Download {
        source,
        waiting: BytesMut::new(),
        source_ended: false,
        hash: Some(Context::new(&SHA256)),
        sha256: file.sha256.clone(),
    };
    let (sender, receiver) = mpsc::channel(1);
    TaskTracker::new().spawn(async move {
        // Nobody who waits for the rest is left without an answer: the other end sees that it is gone.
        tokio::select! {
            _ = tokio::time::timeout(TIME, download.pump(sender, &way)) => {}
            () = way.wanted_and_idle() => {}
        }
    });
    let head = DownloadEvidenceResponse { part: Some(Part::Evidence(file)) };
    let chunks = stream::try_unfold(receiver, |mut receiver: mpsc::Receiver<Said>| async move {
        let late = || Err(Status::deadline_exceeded("the download took too long"));
        let chunk = receiver.recv().await.unwrap_or_else(late)?;
        let message = |chunk: Bytes| DownloadEvidenceResponse { part: Some(Part::Chunk(chunk.to_vec())) };
        Ok(chunk.map(|chunk| (message(chunk), receiver)))
    });
    stream::iter([Ok(head)]).chain(chunks).boxed()
}

impl Download {
    /// Says all of the file, until nobody listens.
    async fn pump(mut self, sender: mpsc::Sender<Said>, way: &Way) {
        loop {
            let said = self.chunk().await;
            let bytes = said.as_ref().ok().and_then(Option::as_ref).map_or(0, Bytes::len);
            if sender.send(said).await.is_err() || bytes == 0 {
                return;
            }
            way.moved(bytes).await;
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Status> {
        while self.waiting.len() < CHUNK_MAX && !self.source_ended {
            match self.source.next().await {
                Some(Ok(bytes)) => self.waiting.extend_from_slice(&bytes),
                Some(Err(trouble)) => {
                    tracing::warn!(%trouble, "an evidence file could not be read to its end");
                    return Err(chassis::unavailable("the file could not be read to its end; try again"));
                }
                None => self.source_ended = true,
            }
        }
        if self.waiting.is_empty() {
            self.judge()?;
            return Ok(None);
        }
        let chunk = self.waiting.split_to(self.waiting.len().min(CHUNK_MAX)).freeze();
        if let Some(hash) = &mut self.hash {
            hash.update(&chunk);
        }
        Ok(Some(chunk))
    }

    /// A file that has rotted is not passed off as the one that was stored.
    fn judge(&mut self) -> Result<(), Status> {
        let right = self.hash.take().is_none_or(|hash| super::hex(hash.finish().as_ref()) == self.sha256);
        if right {
            return Ok(());
        }
        tracing::error!("an evidence file is not what was stored");
        let refusal = chassis::Refusal::new(Code::DataLoss, "FILE_CHANGED", "the file is not what was stored");
        Err(refusal.into())
    }
}

#[cfg(test)]
mod tests {
    use chassis::Actor;

    use super::super::traffic::Traffic;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_no_bytes_holds_no_place_for_ever() {
        let traffic = Traffic::new(1);
        let anna = Actor::new("anna", &[]);
        let endless = || stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1000]))).boxed();
        let mut idle = messages(EvidenceFile::default(), endless(), traffic.take(&anna).await.unwrap());
        assert!(matches!(idle.next().await, Some(Ok(_))));
        assert!(traffic.take(&anna).await.is_err());
        tokio::time::sleep(TIME * 2).await;
        assert!(traffic.take(&anna).await.is_ok(), "the place is not given back");
        // What is in between still comes, and then the truth.
        let last = idle.collect::<Vec<_>>().await.pop().unwrap();
        assert_eq!(last.unwrap_err().code(), Code::DeadlineExceeded);
        // Who goes away gives it back at once.
        let gone = messages(EvidenceFile::default(), endless(), traffic.take(&anna).await.unwrap());
        drop(gone);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(traffic.take(&anna).await.is_ok());
    }
}
