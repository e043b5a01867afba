//! Evidence files: upload, list, download (S0-12, S1-11, G25).
//!
//! - [`sniff`]: what a file is, and what of it is stored. [`store`]: where it is stored.
//! - [`reference`](mod@reference): who may download it, and until when. [`sweep`]: what was left behind.
//!
//! An upload is read into memory, looked at, staged in the store, and only then is the claim asked, through its lane:
//! the row decides whether the file is evidence.

mod receive;
pub mod reference;
mod reply;
mod send;
mod settings;
pub mod sniff;
pub mod store;
pub mod sweep;
mod traffic;
mod types;

use std::sync::Arc;

use bytes::Bytes;
use chassis::{Actor, Call, Check, Clock, Context, Day, Lanes, Refusal, read_failed};
use jiff::SignedDuration;
use proto::intake::evidence_service_server::{EvidenceService, EvidenceServiceServer};
use proto::intake::{
    CreateEvidenceReferenceRequest, CreateEvidenceReferenceResponse, DownloadEvidenceRequest, EvidenceAudience,
    EvidenceHeader, ListEvidenceRequest, ListEvidenceResponse, UploadEvidenceRequest, UploadEvidenceResponse, words,
};
use proto::{ClaimId, REQUEST_BYTES_MAX, ids, to_wire};
use ring::digest::{SHA256, digest};
use sqlx::PgPool;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::domain::{self, Action, Claim, Command, NewFile, Pii, Quota};
use crate::grpc::Reads;
use crate::handle::Handle;
use receive::{Header, Upload};
use reference::{Named, References};
use sniff::Clean;
use store::Files;
use sweep::Sweeper;
use traffic::{Traffic, Way};

pub(crate) use reply::file as told;
pub use reply::kept;
pub use settings::Settings;

/// The gRPC service.
#[derive(Clone)]
pub struct Api {
    lanes: Lanes<Handle>,
    reads: PgPool,
    clock: Clock,
    settings: Arc<Settings>,
    files: Files,
    references: References,
    quota: Quota,
    reads_of_day: Arc<Day>,
    readers: Reads,
    uploads: Traffic,
    downloads: Traffic,
    /// What is to be kept is kept, also if the caller goes away.
    tasks: TaskTracker,
}

/// Makes the gRPC service, and starts to look after the store. Fails if it is not said where files and key are.
pub fn serve(
    ctx: &Context,
    settings: Settings,
    lanes: &Lanes<Handle>,
    quota: Quota,
    reads_of_day: Arc<Day>,
    readers: Reads,
) -> anyhow::Result<EvidenceServiceServer<Api>> {
    let files = Files::open(&settings)?;
    let sweeper = Sweeper {
        files: files.clone(),
        pool: ctx.reads(),
        clock: ctx.clock(),
        every: settings.sweep.unsigned_abs(),
        orphan: settings.orphan,
        kept: ctx.packs().map(|pack| SignedDuration::from_hours(24 * i64::from(pack.retention.evidence_days))),
    };
    ctx.task("the sweep of evidence files", sweeper.run());
    let api = Api {
        lanes: lanes.clone(),
        reads: ctx.reads(),
        clock: ctx.clock(),
        references: References::open(settings.key_file.as_deref(), settings.reference)?,
        quota,
        reads_of_day,
        readers,
        uploads: Traffic::new(settings.uploads),
        downloads: Traffic::new(settings.downloads),
        tasks: ctx.tasks(),
        settings: Arc::new(settings),
        files,
    };
    Ok(EvidenceServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX))
}

#[tonic::async_trait]
impl EvidenceService for Api {
    type DownloadEvidenceStream = send::Messages;

    async fn upload_evidence(
        &self,
        request: Request<Streaming<UploadEvidenceRequest>>,
    ) -> Result<Response<UploadEvidenceResponse>, Status> {
        let call = Call::of(&request);
        let mut upload = Upload::new(request.into_inner(), self.settings.upload.unsigned_abs());
        let header = upload.header(&call.actor, &self.settings).await?;
        // Who may not, and what is too much for sure, is refused before the bytes come.
        let claim = self.claim_of(&call.actor, header.claim).await?;
        self.has_room(&call.actor, &claim, &header).await?;
        let (bytes, sha256, way) = upload.bytes(&header, &self.uploads, &call.actor).await?;
        let keeping = self.clone().keep(call, header, bytes, sha256, way);
        let kept = self.tasks.spawn(keeping).await;
        kept.map_err(|_| chassis::unavailable("the service is stopping; try again"))?.map(Response::new)
    }

    async fn list_evidence(
        &self,
        request: Request<ListEvidenceRequest>,
    ) -> Result<Response<ListEvidenceResponse>, Status> {
        let call = Call::of(&request);
        let mut check = Check::new();
        let id: ClaimId = check.id("claim_id", &request.get_ref().claim_id);
        check.finish()?;
        let claim = self.claim_of(&call.actor, id).await?;
        let files = crate::store::files(&self.reads, id).await.map_err(read_failed)?;
        let seen = files.iter().filter(|file| is_seen_by(&call.actor, file));
        let evidence = seen.map(|file| reply::file(file, &claim, &call.actor)).collect();
        Ok(Response::new(ListEvidenceResponse { evidence }))
    }

    async fn create_evidence_reference(
        &self,
        request: Request<CreateEvidenceReferenceRequest>,
    ) -> Result<Response<CreateEvidenceReferenceResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let evidence = check.uuid("evidence_id", &body.evidence_id);
        let purpose = crate::grpc::vault::purpose(&mut check, &body.purpose);
        check.finish()?;
        let (file, claim) = self.file_of(&call.actor, evidence).await?;
        self.reads_of_day.take(&call.actor)?;
        let _one = self.readers.file(&call, purpose).await?;
        let (subject, now) = (&call.actor.subject, self.clock.now());
        let asked = crate::store::ask_for_file(&self.reads, file.id, subject, purpose, now).await;
        asked.map_err(read_failed)?;
        let (reference, end) = self.references.make(&Named { evidence, claim: claim.id }, subject, now);
        Ok(Response::new(CreateEvidenceReferenceResponse { reference, expires_at: Some(to_wire(end)) }))
    }

    async fn download_evidence(
        &self,
        request: Request<DownloadEvidenceRequest>,
    ) -> Result<Response<send::Messages>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let reference = check.token("reference", &body.reference, 1..=200);
        check.finish()?;
        let named = self.references.read(&reference, &call.actor.subject, self.clock.now());
        let named = named.ok_or_else(no_such_reference)?;
        let (file, claim) = self.file_of(&call.actor, named.evidence).await?;
        if claim.id != named.claim {
            return Err(no_such_reference());
        }
        let way = self.downloads.take(&call.actor).await?;
        let bytes = self.files.read(&file.key).await.map_err(|trouble| {
            tracing::warn!(%trouble, "an evidence file could not be read");
            chassis::unavailable("the file could not be read; try again")
        })?;
        let bytes = bytes.ok_or_else(|| {
            tracing::error!(evidence = %file.id, "an evidence file is not in the store");
            Refusal::new(Code::DataLoss, "FILE_CHANGED", "the file is not in the store; operators were told")
        })?;
        let mut response = Response::new(send::messages(reply::file(&file, &claim, &call.actor), bytes, way));
        reply::describe(&file, response.metadata_mut());
        Ok(response)
    }
}

impl Api {
    /// The claim, if the caller may see it; what is another customer's is not there.
    async fn claim_of(&self, actor: &Actor, id: ClaimId) -> Result<Claim, Status> {
        let mut claims = crate::store::claims(&self.reads, &[id.0]).await.map_err(read_failed)?;
        let claim = claims.remove(&id).filter(|claim| claim.is_for(actor));
        Ok(claim.ok_or_else(|| Refusal::not_found("claim", id))?)
    }

    /// Refuses what will be refused for sure when the claim and the customer's day are asked.
    async fn has_room(&self, actor: &Actor, claim: &Claim, header: &Header) -> Result<(), Status> {
        let size = i64::try_from(header.size).unwrap_or(i64::MAX);
        claim.has_room(size, self.settings.claim_bytes).map_err(Refusal::from)?;
        let is_there = claim.files.iter().any(|file| file.received_size == size);
        let Some(customer) = actor.customer.as_ref().filter(|_| !is_there) else { return Ok(()) };
        let now = self.clock.now();
        let since = now.saturating_sub(domain::DAY).unwrap_or_default();
        let brought = crate::store::brought(&self.reads, customer, since).await.map_err(read_failed)?;
        Ok(brought.has_room(self.quota, customer, now).map_err(Refusal::from)?)
    }

    /// A file that is there, and its claim, if the caller may see it.
    async fn file_of(&self, actor: &Actor, id: Uuid) -> Result<(domain::File, Claim), Status> {
        let absent = || Status::from(Refusal::not_found("evidence", id));
        let found = crate::store::file(&self.reads, id).await.map_err(read_failed)?;
        let (claim, file) =
            found.filter(|(_, file)| file.forgotten_at.is_none() && is_seen_by(actor, file)).ok_or_else(absent)?;
        let claim = self
            .claim_of(actor, claim)
            .await
            .map_err(|status| if status.code() == Code::NotFound { absent() } else { status })?;
        Ok((file, claim))
    }

    /// Looks at a file, stages it and asks the claim. Once begun it is done to its end: half of it would be a file that
    /// nobody counts.
    async fn keep(
        self,
        call: Call,
        header: Header,
        bytes: Vec<u8>,
        sha256: String,
        _way: Way,
    ) -> Result<UploadEvidenceResponse, Status> {
        let (bytes, metadata) = self.examined(&header, bytes).await?;
        let new = self.new_file(&call.actor, &header, &bytes, sha256, metadata)?;
        let key = new.key.clone();
        let staged = self.files.stage(&key, bytes).await;
        staged.map_err(|trouble| {
            tracing::warn!(%trouble, "an evidence file could not be stored");
            chassis::unavailable("the file could not be stored; nothing is kept; try again")
        })?;
        let fingerprint = fingerprint(&header, &new.received.sha256);
        let action = Action::KeepFile { file: Box::new(new) };
        let command = Command::Act { claim: header.claim, action };
        let answer = self.lanes.run(&call, "UploadEvidence", header.request_id, &fingerprint, command).await;
        self.settle(&key, &answer).await;
        answer
    }

    /// Looks at a file on a thread of its own: it may take a while.
    async fn examined(
        &self,
        header: &Header,
        bytes: Vec<u8>,
    ) -> Result<(Bytes, proto::intake::EvidenceMetadata), Status> {
        let (of, pixels) = (header.of, self.settings.pixels);
        let looked = tokio::task::spawn_blocking(move || {
            let Clean { bytes: clean, metadata } = sniff::examine(of, &bytes, pixels)?;
            // What is stored as it came is not copied.
            let clean = match clean {
                std::borrow::Cow::Owned(clean) => Some(clean),
                std::borrow::Cow::Borrowed(_) => None,
            };
            Ok::<_, sniff::Bad>((Bytes::from(clean.unwrap_or(bytes)), metadata))
        });
        let looked = looked.await.map_err(|error| {
            tracing::error!(%error, "the look at an evidence file has failed");
            Status::from(Refusal::from(sniff::Bad::Broken("it cannot be looked at")))
        })?;
        Ok(looked.map_err(Refusal::from)?)
    }

    fn new_file(
        &self,
        actor: &Actor,
        header: &Header,
        bytes: &Bytes,
        sha256: String,
        metadata: proto::intake::EvidenceMetadata,
    ) -> Result<NewFile, Status> {
        let key = self.files.new_key().map_err(|_| chassis::unavailable("there is no randomness; try again"))?;
        let now = self.clock.now();
        let received = domain::Evidence {
            sha256,
            media_type: header.of.name().to_owned(),
            size: i64::try_from(header.size).unwrap_or(i64::MAX),
            name: Pii::new(header.name.clone()),
            line: header.line,
            audience: header.audience,
        };
        // Long before the sweep thinks of it.
        let fresh = SignedDuration::from_millis_i128(self.settings.orphan.as_millis() / 2);
        Ok(NewFile {
            id: ids::derived(now, &["evidence", &key]),
            received,
            kind: header.of.kind(),
            key,
            stored_sha256: hex(digest(&SHA256, bytes).as_ref()),
            stored_size: bytes.len() as u64,
            metadata,
            fresh_until: now.saturating_add(fresh).unwrap_or(now),
            quota: self.settings.claim_bytes,
            own: actor.customer.clone(),
        })
    }

    /// After the claim has answered: a file that is evidence moves to its place, one that is not goes. Where the answer is
    /// not known, or this fails, the sweep does it later.
    async fn settle(&self, key: &str, answer: &Result<UploadEvidenceResponse, Status>) {
        let refused = |status: &Status| {
            let state = matches!(status.code(), Code::FailedPrecondition | Code::NotFound | Code::ResourceExhausted);
            state || matches!(status.code(), Code::Aborted | Code::AlreadyExists)
        };
        let settled = match answer {
            Ok(_) => match crate::store::owned(&self.reads, &[key.to_owned()]).await {
                Ok(owned) if owned.is_empty() => self.files.discard(key).await,
                Ok(_) => self.files.keep(key).await,
                Err(_) => return,
            },
            Err(status) if refused(status) => self.files.discard(key).await,
            Err(_) => return,
        };
        if let Err(trouble) = settled {
            tracing::warn!(%trouble, "an evidence file stays where it is until the sweep");
        }
    }
}

/// Whether a caller may see a file of a claim that they may see: a customer only what is for customers.
fn is_seen_by(actor: &Actor, file: &domain::File) -> bool {
    actor.customer.is_none() || file.audience == EvidenceAudience::Customer
}

/// For whom something is that a caller brings: what customers and systems of the shop bring is for the customer, what staff
/// bring is for staff unless they say otherwise (SR14).
pub(crate) fn audience(check: &mut Check, field: &str, value: i32, actor: &Actor) -> EvidenceAudience {
    let said = check.optional_choice::<words::EvidenceAudience>(field, value).map(EvidenceAudience::from);
    if said == Some(EvidenceAudience::Staff) && actor.customer.is_some() {
        check.add(field, "is not for a customer to say: what a customer brings is for the customer");
    }
    let by_staff = STAFF.iter().any(|role| actor.has_role(role));
    let own = if by_staff && actor.customer.is_none() { EvidenceAudience::Staff } else { EvidenceAudience::Customer };
    said.unwrap_or(own)
}

/// Roles of people at work who may bring evidence.
const STAFF: [&str; 6] = ["specialist", "supervisor", "warehouse", "quality", "logistics", "legal"];

/// What makes two uploads the same request.
fn fingerprint(header: &Header, sha256: &str) -> EvidenceHeader {
    EvidenceHeader {
        request_id: header.request_id.to_string(),
        claim_id: header.claim.to_string(),
        line: header.line,
        kind: header.of.kind().into(),
        name: header.name.clone(),
        content_type: header.of.name().to_owned(),
        size: i64::try_from(header.size).unwrap_or(i64::MAX),
        sha256: sha256.to_owned(),
        audience: header.audience.into(),
    }
}

/// Altered, ended, somebody else's, never made: all the same to the caller.
fn no_such_reference() -> Status {
    Refusal::new(Code::NotFound, "NOT_FOUND", "there is no such reference, or it has ended").into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
