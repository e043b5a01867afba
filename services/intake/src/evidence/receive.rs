//! An upload as it comes: a header, then chunks. Every limit holds before a byte more is taken.

use std::time::{Duration, Instant};

use chassis::{Actor, Check, Refusal};
use proto::ClaimId;
use proto::intake::upload_evidence_request::Part;
use proto::intake::{EvidenceAudience, EvidenceHeader, EvidenceKind, UploadEvidenceRequest, words};
use ring::digest::{Context, SHA256};
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use super::Settings;
use super::sniff::Type;
use super::traffic::{Traffic, Way};

/// Bytes of a chunk at the most.
pub(super) const CHUNK_MAX: usize = 64 * 1024;
/// The next message is waited for so long.
const NEXT: Duration = Duration::from_secs(10);

/// What is to be uploaded, checked.
#[derive(Debug)]
pub(super) struct Header {
    pub request_id: Uuid,
    pub claim: ClaimId,
    pub line: u32,
    pub of: Type,
    pub name: String,
    pub size: u64,
    /// Lower case; empty: not given.
    pub sha256: String,
    pub audience: EvidenceAudience,
}

/// Reads an upload.
pub(super) struct Upload {
    stream: Streaming<UploadEvidenceRequest>,
    until: Instant,
}

impl Upload {
    pub(super) fn new(stream: Streaming<UploadEvidenceRequest>, time: Duration) -> Self {
        Self { stream, until: Instant::now() + time }
    }

    pub(super) async fn header(&mut self, actor: &Actor, settings: &Settings) -> Result<Header, Status> {
        match self.next().await? {
            Some(Part::Header(header)) => Ok(check(&header, actor, settings)?),
            Some(Part::Chunk(_)) | None => Err(bad("the first message must be the header")),
        }
    }

    /// All bytes, their SHA-256, and the place that they have. It is taken when more is in hand than one message: who says
    /// that bytes will come, and sends none, takes none.
    pub(super) async fn bytes(
        &mut self,
        header: &Header,
        places: &Traffic,
        actor: &Actor,
    ) -> Result<(Vec<u8>, String, Way), Status> {
        let mut bytes = Vec::new();
        let mut hash = Context::new(&SHA256);
        let mut way: Option<Way> = None;
        while let Some(part) = self.next_with(way.as_ref()).await? {
            let Part::Chunk(chunk) = part else { return Err(bad("there is a second header")) };
            if !(1..=CHUNK_MAX).contains(&chunk.len()) {
                return Err(bad("a chunk must have 1 to 65536 bytes"));
            }
            if (bytes.len() + chunk.len()) as u64 > header.size {
                return Err(mismatch("SIZE_MISMATCH", "more bytes came than the header says"));
            }
            if way.is_none() && bytes.len() + chunk.len() > CHUNK_MAX {
                way = Some(self.place(places, actor).await?);
            }
            if let Some(way) = &way {
                way.moved(chunk.len()).await;
            }
            hash.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
        if bytes.len() as u64 != header.size {
            return Err(mismatch("SIZE_MISMATCH", "fewer bytes came than the header says"));
        }
        let sha256 = super::hex(hash.finish().as_ref());
        if !header.sha256.is_empty() && header.sha256 != sha256 {
            return Err(mismatch("HASH_MISMATCH", "the bytes have another SHA-256 than the header says"));
        }
        let way = match way {
            Some(way) => way,
            // It is looked at as others are.
            None => self.place(places, actor).await?,
        };
        Ok((bytes, sha256, way))
    }

    async fn place(&self, places: &Traffic, actor: &Actor) -> Result<Way, Status> {
        let time = self.until.saturating_duration_since(Instant::now());
        tokio::time::timeout(time, places.take(actor)).await.map_err(|_| slow())?
    }

    /// What comes next, as long as nobody waits for a place that is held and not used.
    async fn next_with(&mut self, way: Option<&Way>) -> Result<Option<Part>, Status> {
        let Some(way) = way else { return self.next().await };
        tokio::select! {
            biased;
            next = self.next() => next,
            () = way.wanted_and_idle() => Err(slow().into()),
        }
    }

    async fn next(&mut self) -> Result<Option<Part>, Status> {
        let time = self.until.saturating_duration_since(Instant::now()).min(NEXT);
        let message = tokio::time::timeout(time, self.stream.message()).await.map_err(|_| slow())??;
        // A message without a part is of a sender that knows more than we do.
        message.map(|message| message.part.ok_or_else(|| bad("a message is neither header nor chunk"))).transpose()
    }
}

fn check(header: &EvidenceHeader, actor: &Actor, settings: &Settings) -> Result<Header, Status> {
    let mut check = Check::new();
    let field = |name: &str| format!("header.{name}");
    let request_id = check.uuid(&field("request_id"), &header.request_id);
    let claim = check.id(&field("claim_id"), &header.claim_id);
    let kind: EvidenceKind = check.choice::<words::EvidenceKind>(&field("kind"), header.kind).into();
    let of = Type::named(&header.content_type);
    match of {
        None => check.add(&field("content_type"), "is not a type that is taken"),
        Some(of) if kind != of.kind() && header.kind == kind as i32 => {
            check.add(&field("kind"), "does not fit the content type");
        }
        Some(_) => {}
    }
    let most = i64::try_from(settings.file_bytes).unwrap_or(i64::MAX);
    let size = check.number(&field("size"), header.size, 1..=most).unsigned_abs();
    let digits = header.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !header.sha256.is_empty() && (header.sha256.len() != 64 || !digits) {
        check.add(&field("sha256"), "must be 64 hexadecimal digits");
    }
    let name = check.text(&field("name"), &header.name, 0..=200);
    let line = check.number(&field("line"), header.line, 0..=100);
    let audience = super::audience(&mut check, &field("audience"), header.audience, actor);
    check.finish()?;
    let of = of.ok_or_else(|| bad("the content type is not taken"))?;
    let sha256 = header.sha256.to_ascii_lowercase();
    Ok(Header { request_id, claim, line, of, name: without_folders(&name), size, sha256, audience })
}

/// A name is for people: what could be taken for a path is not part of it.
fn without_folders(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if matches!(last, "." | "..") { String::new() } else { last.to_owned() }
}

fn slow() -> Refusal {
    Refusal::new(Code::DeadlineExceeded, "UPLOAD_TOO_SLOW", "the bytes came too slowly; nothing is kept")
}

fn bad(message: &'static str) -> Status {
    Refusal::new(Code::InvalidArgument, "BAD_UPLOAD", message).into()
}

fn mismatch(reason: &'static str, message: &'static str) -> Status {
    Refusal::new(Code::InvalidArgument, reason, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        for (name, kept) in [
            ("cup.jpg", "cup.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\pictures\\cup.jpg", "cup.jpg"),
            ("a/..", ""),
            ("..", ""),
            ("", ""),
            (".cup", ".cup"),
        ] {
            assert_eq!(without_folders(name), kept);
        }
    }
}
