//! An intake with a file store of its own, and what a test does with files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chassis::Clock;
use futures::{Stream, StreamExt, stream};
use proto::intake::download_evidence_response::Part as Received;
use proto::intake::evidence_service_client::EvidenceServiceClient;
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::intake::upload_evidence_request::Part;
use proto::intake::{
    CreateEvidenceReferenceRequest, DownloadEvidenceRequest, EvidenceFile, EvidenceHeader, EvidenceKind,
    ListEvidenceRequest, UploadEvidenceRequest, UploadEvidenceResponse,
};
use testkit::{Home, TestService, actor, request_id};
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use crate::world::World;

/// Bytes of a chunk in these tests.
const CHUNK: usize = 60_000;

/// An intake with a file store of its own.
pub struct Place {
    pub world: World,
    pub client: EvidenceServiceClient<testkit::Wire>,
    pub folder: PathBuf,
    _home: tempfile::TempDir,
}

impl Place {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With settings of evidence, as `("UPLOAD", "1s")`.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let (home, folder, temporary) = home(settings).await;
        let service = TestService::at(home, Clock::default()).await;
        Self::of(service, folder, temporary)
    }

    pub fn of(service: TestService, folder: PathBuf, home: tempfile::TempDir) -> Self {
        let client = EvidenceServiceClient::new(service.channel());
        let world = World { client: IntakeServiceClient::new(service.channel()), service };
        Self { world, client, folder, _home: home }
    }

    pub async fn restart(self) -> Self {
        Self::of(self.world.service.restart().await, self.folder, self._home)
    }

    /// Uploads a file as anna, in chunks.
    pub async fn upload(&self, header: EvidenceHeader, bytes: &[u8]) -> Result<UploadEvidenceResponse, Status> {
        self.send(anna(stream::iter(messages(header, bytes)))).await
    }

    pub async fn send(
        &self,
        request: Request<impl Stream<Item = UploadEvidenceRequest> + Send + 'static>,
    ) -> Result<UploadEvidenceResponse, Status> {
        Ok(self.client.clone().upload_evidence(request).await?.into_inner())
    }

    pub async fn list(&self, claim: &str) -> Vec<EvidenceFile> {
        let request = ListEvidenceRequest { claim_id: claim.to_owned() };
        self.client.clone().list_evidence(anna(request)).await.unwrap().into_inner().evidence
    }

    /// A reference of anna's.
    pub async fn reference(&self, evidence_id: &str) -> Result<String, Status> {
        let (evidence_id, purpose) = (evidence_id.to_owned(), "ASSESSMENT".to_owned());
        let request = CreateEvidenceReferenceRequest { evidence_id, purpose };
        Ok(self.client.clone().create_evidence_reference(anna(request)).await?.into_inner().reference)
    }

    /// Downloads as anna.
    pub async fn download(&self, reference: &str) -> Result<(MetadataMap, EvidenceFile, Vec<u8>), Status> {
        self.download_as(anna(DownloadEvidenceRequest { reference: reference.to_owned() })).await
    }

    pub async fn download_as(
        &self,
        request: Request<DownloadEvidenceRequest>,
    ) -> Result<(MetadataMap, EvidenceFile, Vec<u8>), Status> {
        let response = self.client.clone().download_evidence(request).await?;
        let metadata = response.metadata().clone();
        let mut messages = response.into_inner();
        let Some(Received::Evidence(file)) = messages.message().await?.unwrap().part else { panic!("no head") };
        let mut bytes = Vec::new();
        while let Some(message) = messages.message().await? {
            let Some(Received::Chunk(chunk)) = message.part else { panic!("no chunk") };
            assert!((1..=65_536).contains(&chunk.len()));
            bytes.extend_from_slice(&chunk);
        }
        Ok((metadata, file, bytes))
    }

    /// Files in the store, with their folders.
    pub fn stored(&self) -> Vec<PathBuf> {
        files(&self.folder)
    }

    pub async fn rows(&self) -> i64 {
        self.world.count("SELECT count(*) FROM evidence_file").await
    }
}

/// A home whose intake keeps files in a folder of the test.
pub async fn home(settings: &[(&str, &str)]) -> (Home, PathBuf, tempfile::TempDir) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("evidence");
    let mut home = Home::new(&intake::SERVICE).await;
    let key = temporary.path().join("key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    let own = [("URL", format!("file://{}", folder.display())), ("KEY_FILE", key.display().to_string())];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    let more = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    home.variables.extend(own.chain(more).map(|(name, value)| (format!("EVIDENCE__{name}"), value)));
    (home, folder, temporary)
}

pub fn anna<T>(message: T) -> Request<T> {
    actor(message, "anna", &["specialist"])
}

/// What is said of a file: the truth.
pub fn header(claim: &str, content_type: &str, bytes: &[u8]) -> EvidenceHeader {
    let kind = match content_type.split('/').next().unwrap() {
        "image" => EvidenceKind::Picture,
        "video" => EvidenceKind::Video,
        _ => EvidenceKind::Document,
    };
    EvidenceHeader {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        line: 1,
        kind: kind.into(),
        name: "cup.jpg".to_owned(),
        content_type: content_type.to_owned(),
        size: i64::try_from(bytes.len()).unwrap(),
        sha256: String::new(),
        audience: 0,
    }
}

pub fn messages(header: EvidenceHeader, bytes: &[u8]) -> Vec<UploadEvidenceRequest> {
    let header = UploadEvidenceRequest { part: Some(Part::Header(header)) };
    [header].into_iter().chain(bytes.chunks(CHUNK).map(chunk)).collect()
}

pub fn chunk(bytes: &[u8]) -> UploadEvidenceRequest {
    UploadEvidenceRequest { part: Some(Part::Chunk(bytes.to_vec())) }
}

/// Messages with a wait before each.
pub fn slowly(messages: Vec<UploadEvidenceRequest>, wait: Duration) -> impl Stream<Item = UploadEvidenceRequest> {
    stream::iter(messages).then(move |message| async move {
        tokio::time::sleep(wait).await;
        message
    })
}

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
