//! A file as callers see it.

use chassis::Actor;
use proto::intake::{EvidenceFile, UploadEvidenceResponse};
use proto::to_wire;
use tonic::metadata::{MetadataMap, MetadataValue};

use super::sniff::Type;
use crate::domain::{Claim, File, NewFile};

/// A file of a claim, as this caller sees it: a customer is not told who else has uploaded it.
pub(crate) fn file(file: &File, claim: &Claim, actor: &Actor) -> EvidenceFile {
    let told = actor.customer.is_none() || actor.subject == file.by;
    let piece = claim.evidence.get(file.number.saturating_sub(1));
    EvidenceFile {
        evidence_id: file.id.to_string(),
        claim_id: claim.id.to_string(),
        line: piece.map_or(0, |piece| piece.line),
        kind: file.kind.into(),
        // It is sealed: a saved answer must not hold it, and GetWords reads it.
        name: String::new(),
        content_type: file.content_type.clone(),
        size: i64::try_from(file.stored_size).unwrap_or(i64::MAX),
        sha256: file.stored_sha256.clone(),
        received_size: file.received_size,
        received_sha256: file.received_sha256.clone(),
        metadata: file.metadata.into(),
        uploaded_by: if told { file.by.clone() } else { String::new() },
        uploaded_at: Some(to_wire(file.at)),
        forgotten_at: file.forgotten_at.map(to_wire),
        audience: file.audience.into(),
    }
}

/// The answer to UploadEvidence: the file that the claim has of these bytes.
pub fn kept(new: &NewFile, claim: &Claim, actor: &Actor) -> UploadEvidenceResponse {
    let known = claim.file(&new.received.sha256, new.received.audience);
    UploadEvidenceResponse {
        evidence: known.map(|known| file(known, claim, actor)),
        known: known.is_some_and(|known| known.id != new.id),
    }
}

/// How a download is to be shown: saved, never opened in place, and taken for nothing but what it is. The name is ours.
pub(super) fn describe(file: &File, metadata: &mut MetadataMap) {
    let extension = Type::named(&file.content_type).map_or("bin", Type::extension);
    let disposition = format!("attachment; filename=\"evidence-{}.{extension}\"", file.id);
    let about = [
        ("redress-content-type", file.content_type.clone()),
        ("content-disposition", disposition),
        ("x-content-type-options", "nosniff".to_owned()),
        ("cache-control", "private, no-store".to_owned()),
    ];
    for (name, value) in about {
        if let Ok(value) = MetadataValue::try_from(value) {
            metadata.insert(name, value);
        }
    }
}
