//! A download as it goes: what the file is, then its bytes, and at the end whether they were the right ones.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use proto::intake::download_evidence_response::Part;
use proto::intake::{DownloadEvidenceResponse, EvidenceFile};
use ring::digest::{Context, SHA256};
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Code, Status};

use super::receive::CHUNK_MAX;
use super::store::Trouble;

/// A download that takes longer ends.
const TIME: Duration = Duration::from_secs(120);

/// The messages of a download.
pub(super) type Messages = BoxStream<'static, Result<DownloadEvidenceResponse, Status>>;

struct Download {
    source: BoxStream<'static, Result<Bytes, Trouble>>,
    waiting: BytesMut,
    source_ended: bool,
    hash: Option<Context>,
    sha256: String,
    until: Instant,
    /// Given back when the download ends, however it ends.
    _place: OwnedSemaphorePermit,
}

/// Sends a file.
pub(super) fn messages(
    file: EvidenceFile,
    source: BoxStream<'static, Result<Bytes, Trouble>>,
    place: OwnedSemaphorePermit,
) -> Messages {
    let download = Download {
        source,
        waiting: BytesMut::new(),
        source_ended: false,
        hash: Some(Context::new(&SHA256)),
        sha256: file.sha256.clone(),
        until: Instant::now() + TIME,
        _place: place,
    };
    let head = DownloadEvidenceResponse { part: Some(Part::Evidence(file)) };
    let chunks = stream::try_unfold(download, |mut download| async move {
        let chunk = download.chunk().await?;
        let message = |chunk: Bytes| DownloadEvidenceResponse { part: Some(Part::Chunk(chunk.to_vec())) };
        Ok(chunk.map(|chunk| (message(chunk), download)))
    });
    stream::iter([Ok(head)]).chain(chunks).boxed()
}

impl Download {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Status> {
        while self.waiting.len() < CHUNK_MAX && !self.source_ended {
            let time = self.until.saturating_duration_since(Instant::now());
            match tokio::time::timeout(time, self.source.next()).await {
                Ok(Some(Ok(bytes))) => self.waiting.extend_from_slice(&bytes),
                Ok(Some(Err(trouble))) => {
                    tracing::warn!(%trouble, "an evidence file could not be read to its end");
                    return Err(chassis::unavailable("the file could not be read to its end; try again"));
                }
                Ok(None) => self.source_ended = true,
                Err(_) => return Err(Status::deadline_exceeded("the download took too long")),
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
