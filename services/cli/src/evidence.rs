//! `redress evidence`: pictures, videos and documents of a claim.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use futures::stream;
use proto::intake::download_evidence_response::Part as Received;
use proto::intake::upload_evidence_request::Part;
use proto::intake::{
    AddEvidenceRequest, CreateEvidenceReferenceRequest, DownloadEvidenceRequest, EvidenceAudience, EvidenceFile,
    EvidenceHeader, EvidenceKind, EvidenceMetadata, ListEvidenceRequest, UploadEvidenceRequest,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use tonic::Request;

use crate::claim;
use crate::connect::Session;
use crate::exit::Failure;
use crate::output::{self, table, time};
use crate::words::{parse, plain};

/// Bytes of a chunk.
const CHUNK: usize = 64 * 1024;

/// Pictures, videos and documents of a claim.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Evidence {
    /// Upload a file: JPEG, PNG, WebP, HEIC, MP4, QuickTime or PDF.
    Add {
        /// The claim, by number or id.
        claim: String,
        /// The file.
        file: PathBuf,
        /// Line it is about, from 1; 0: the whole claim.
        #[arg(long, default_value_t = 0)]
        line: u32,
        /// Media type, as image/jpeg; without it, by the end of the file's name.
        #[arg(long)]
        content_type: Option<String>,
        /// For whom it is: customer or staff; without it staff, if staff brings it.
        #[arg(long = "for", value_parser = parse::<EvidenceAudience>)]
        audience: Option<EvidenceAudience>,
    },
    /// Note a file that is kept elsewhere: its type, size, name and SHA-256, not its content.
    Note {
        /// The claim, by number or id.
        claim: String,
        /// The file.
        file: PathBuf,
        /// Line it is about, from 1; 0: the whole claim.
        #[arg(long, default_value_t = 0)]
        line: u32,
        /// Media type, as image/tiff; without it, by the end of the file's name.
        #[arg(long)]
        content_type: Option<String>,
        /// For whom it is: customer or staff; without it staff, if staff brings it.
        #[arg(long = "for", value_parser = parse::<EvidenceAudience>)]
        audience: Option<EvidenceAudience>,
    },
    /// List the files of a claim.
    List {
        /// The claim, by number or id.
        claim: String,
    },
    /// Download a file. It is recorded who asked, and why.
    Get {
        /// The file, as `list` shows it.
        evidence_id: String,
        /// Where to write it; without it, evidence-<id> with the end of its type, in this folder. Never overwrites.
        #[arg(long)]
        to: Option<PathBuf>,
        /// Why it is looked at: HANDLING, DELIVERY, ASSESSMENT, PAYMENT, NOTICE, OWN_DATA, LEGAL or AUDIT.
        #[arg(long, default_value = "ASSESSMENT")]
        purpose: String,
    },
}

/// Does what was asked.
pub async fn run(command: Evidence, session: &Session) -> Result<()> {
    match command {
        Evidence::Add { claim, file, line, content_type, audience } => {
            add(&claim, &file, (line, audience.unwrap_or_default()), content_type, session).await
        }
        Evidence::Note { claim, file, line, content_type, audience } => {
            note(&claim, &file, (line, audience.unwrap_or_default()), content_type, session).await
        }
        Evidence::List { claim } => list(&claim, session).await,
        Evidence::Get { evidence_id, to, purpose } => get(&evidence_id, to, purpose, session).await,
    }
}

/// Kinds by media type, with the usual ends of names; the first is that of a file that is fetched.
const TYPES: [(&str, EvidenceKind, &[&str]); 7] = [
    ("image/jpeg", EvidenceKind::Picture, &["jpg", "jpeg"]),
    ("image/png", EvidenceKind::Picture, &["png"]),
    ("image/webp", EvidenceKind::Picture, &["webp"]),
    ("image/heic", EvidenceKind::Picture, &["heic", "heif"]),
    ("video/mp4", EvidenceKind::Video, &["mp4", "m4v"]),
    ("video/quicktime", EvidenceKind::Video, &["mov"]),
    ("application/pdf", EvidenceKind::Document, &["pdf"]),
];

/// What a piece of evidence is about, and for whom it is.
type About = (u32, EvidenceAudience);

async fn add(
    name: &str,
    path: &Path,
    (line, audience): About,
    content_type: Option<String>,
    session: &Session,
) -> Result<()> {
    let known = TYPES.iter().find(|(known, _, ends)| match &content_type {
        Some(wanted) => known == wanted,
        None => ends.contains(&end_of(path).as_str()),
    });
    let (content_type, kind, _) = *known.ok_or_else(|| {
        Failure::Malformed(
            "the file must be JPEG, PNG, WebP, HEIC, MP4, QuickTime or PDF; see --content-type".to_owned(),
        )
    })?;
    let bytes = read(path)?;
    let claim_id = claim::get(name, session).await?.claim_id;
    let header = EvidenceHeader {
        request_id: session.request_id(),
        claim_id,
        line,
        kind: kind.into(),
        name: name_of(path),
        content_type: content_type.to_owned(),
        size: i64::try_from(bytes.len())?,
        sha256: hex(&bytes),
        audience: audience.into(),
    };
    let header = UploadEvidenceRequest { part: Some(Part::Header(header)) };
    let chunk = |chunk: &[u8]| UploadEvidenceRequest { part: Some(Part::Chunk(chunk.to_vec())) };
    let parts: Vec<_> = [header].into_iter().chain(bytes.chunks(CHUNK).map(chunk)).collect();
    let answer = session.clients.evidence()?.upload_evidence(Request::new(stream::iter(parts))).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    let file = answer.evidence.unwrap_or_default();
    let known = if answer.known { ", known before" } else { "" };
    let audience = plain::<EvidenceAudience>(file.audience);
    output::line(format!("{} {} of {} bytes, for {audience}{known}", file.evidence_id, file.content_type, file.size))?;
    match file.metadata() {
        EvidenceMetadata::Removed => output::line("place, device and other metadata were removed"),
        EvidenceMetadata::MayRemain => {
            output::line("place and device may still be in the file: this type is stored as it comes")
        }
        EvidenceMetadata::None | EvidenceMetadata::Unspecified => Ok(()),
    }
}

fn end_of(path: &Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    Ok(std::fs::read(path).map_err(|error| Failure::Malformed(format!("{}: {error}", path.display())))?)
}

async fn note(
    claim: &str,
    path: &Path,
    (line, audience): About,
    content_type: Option<String>,
    session: &Session,
) -> Result<()> {
    let by_name = || TYPES.iter().find(|(_, _, ends)| ends.contains(&end_of(path).as_str()));
    let media_type = content_type.or_else(|| by_name().map(|(known, ..)| (*known).to_owned()));
    let media_type = media_type.ok_or_else(|| {
        Failure::Malformed("the name does not say the type of the file: see --content-type".to_owned())
    })?;
    let bytes = read(path)?;
    let size = i64::try_from(bytes.len())?;
    let (sha256, name, audience) = (hex(&bytes), name_of(path), audience.into());
    let evidence = proto::intake::Evidence { sha256, media_type, size, name, line, audience };
    let claim_id = claim::get(claim, session).await?.claim_id;
    let request = AddEvidenceRequest { request_id: session.request_id(), claim_id, evidence: vec![evidence] };
    let answer = session.clients.intake()?.add_evidence(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "claim": answer.claim }));
    }
    output::line(format!("noted, {size} bytes"))
}

async fn list(name: &str, session: &Session) -> Result<()> {
    let claim_id = claim::get(name, session).await?.claim_id;
    let request = Request::new(ListEvidenceRequest { claim_id });
    let answer = session.clients.evidence()?.list_evidence(request).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    let mut table = table(["id", "line", "type", "bytes", "metadata", "for", "by", "uploaded"]);
    for file in answer.evidence {
        let metadata = plain::<EvidenceMetadata>(file.metadata);
        let gone = file.forgotten_at.is_some();
        table.add_row([
            file.evidence_id,
            file.line.to_string(),
            file.content_type,
            file.size.to_string(),
            if gone { "forgotten".to_owned() } else { metadata },
            plain::<EvidenceAudience>(file.audience),
            file.uploaded_by,
            time(file.uploaded_at.as_ref()),
        ]);
    }
    output::line(table)
}

async fn get(evidence_id: &str, to: Option<PathBuf>, purpose: String, session: &Session) -> Result<()> {
    let (file, bytes) = fetch(evidence_id, purpose, session).await?;
    let to = to.unwrap_or_else(|| PathBuf::from(name_for(&file)));
    write(&to, &bytes)?;
    if session.output.is_json() {
        return output::json(&json!({ "evidence": file, "path": to }));
    }
    output::line(format!("{} {} of {} bytes", to.display(), file.content_type, bytes.len()))
}

/// What a file that is fetched is called: the name that the sender gave it is for people, here it would be a path.
pub fn name_for(file: &EvidenceFile) -> String {
    let end = TYPES.iter().find(|(known, ..)| *known == file.content_type).map_or("bin", |(_, _, ends)| ends[0]);
    format!("evidence-{}.{end}", file.evidence_id)
}

/// Writes a new file; what is there already stays.
pub fn write(to: &Path, bytes: &[u8]) -> Result<()> {
    let written = OpenOptions::new().write(true).create_new(true).open(to);
    let written = written.and_then(|mut file| file.write_all(bytes));
    written.with_context(|| format!("cannot write {}", to.display()))
}

/// Fetches a file, whole and as it was stored.
pub async fn fetch(evidence_id: &str, purpose: String, session: &Session) -> Result<(EvidenceFile, Vec<u8>)> {
    let mut client = session.clients.evidence()?;
    let request = CreateEvidenceReferenceRequest { evidence_id: evidence_id.to_owned(), purpose };
    let reference = client.create_evidence_reference(Request::new(request)).await?.into_inner().reference;
    let mut messages =
        client.download_evidence(Request::new(DownloadEvidenceRequest { reference })).await?.into_inner();
    let mut file = EvidenceFile::default();
    let mut bytes = Vec::new();
    while let Some(message) = messages.message().await? {
        match message.part {
            Some(Received::Evidence(head)) => file = head,
            Some(Received::Chunk(chunk)) => bytes.extend_from_slice(&chunk),
            None => {}
        }
    }
    anyhow::ensure!(hex(&bytes) == file.sha256, "what came is not what was stored");
    Ok((file, bytes))
}

/// SHA-256 as the contract writes it.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
