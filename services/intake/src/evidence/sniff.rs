//! What a file is, by its content and never by its name or what is said of it (S15).
//!
//! The list of types is closed: no SVG, no HTML, no archives. Nothing is decoded: magic numbers and the structure of the
//! container are looked at, and the size of a picture is read from its header. Pictures are written anew from the parts
//! that a picture needs, so that place, device and whatever else rides along are gone. What only a decoder can find in a
//! video, a HEIC picture or a document stays in it.

use std::borrow::Cow;

use chassis::Refusal;
use memchr::memmem;
use proto::intake::{EvidenceKind, EvidenceMetadata};
use tonic::Code;

use super::types::{boxes, jpeg, pdf, png, webp};

/// What viewers look for at the head of a file.
const HEAD: usize = 1024;
/// Where an archive has its directory: at the end, before a comment of 64 KiB at the most.
const TAIL: usize = 22 + 65_535;

/// A type that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// image/jpeg.
    Jpeg,
    /// image/png.
    Png,
    /// image/webp.
    Webp,
    /// image/heic.
    Heic,
    /// video/mp4.
    Mp4,
    /// video/quicktime.
    Quicktime,
    /// application/pdf.
    Pdf,
}

/// What is to be stored.
#[derive(Debug)]
pub struct Clean<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// What became of the metadata.
    pub metadata: EvidenceMetadata,
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It is something else.
    Mismatch,
    /// It is truncated, or its structure is wrong.
    Broken(&'static str),
    /// It is something else as well, or does something.
    Ambiguous(&'static str),
    /// It has too many pixels.
    Pixels,
}

impl Type {
    const ALL: [Self; 7] = [Self::Jpeg, Self::Png, Self::Webp, Self::Heic, Self::Mp4, Self::Quicktime, Self::Pdf];

    /// The type with this media type.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Its media type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
            Self::Mp4 => "video/mp4",
            Self::Quicktime => "video/quicktime",
            Self::Pdf => "application/pdf",
        }
    }

    /// The usual end of a file name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Heic => "heic",
            Self::Mp4 => "mp4",
            Self::Quicktime => "mov",
            Self::Pdf => "pdf",
        }
    }

    /// What such a file shows.
    pub fn kind(self) -> EvidenceKind {
        match self {
            Self::Jpeg | Self::Png | Self::Webp | Self::Heic => EvidenceKind::Picture,
            Self::Mp4 | Self::Quicktime => EvidenceKind::Video,
            Self::Pdf => EvidenceKind::Document,
        }
    }

    /// The type that the content has.
    fn found(bytes: &[u8]) -> Option<Self> {
        match infer::get(bytes)?.mime_type() {
            "image/heif" => Some(Self::Heic),
            "video/x-m4v" => Some(Self::Mp4),
            name => Self::named(name),
        }
    }
}

/// Looks at a file that is said to be of a type; gives what is to be stored.
pub fn examine(declared: Type, bytes: &[u8], pixels_max: u64) -> Result<Clean<'_>, Bad> {
    if Type::found(bytes) != Some(declared) {
        return Err(Bad::Mismatch);
    }
    let kept = |()| Clean { bytes: Cow::Borrowed(bytes), metadata: EvidenceMetadata::MayRemain };
    let clean = match declared {
        Type::Jpeg => jpeg::clean(bytes)?,
        Type::Png => png::clean(bytes)?,
        Type::Webp => webp::clean(bytes)?,
        Type::Heic => boxes::check(bytes, &[b"meta"]).map(kept)?,
        Type::Mp4 | Type::Quicktime => boxes::check(bytes, &[b"moov", b"mdat"]).map(kept)?,
        Type::Pdf => pdf::check(bytes).map(kept)?,
    };
    if declared.kind() == EvidenceKind::Picture {
        within(&clean.bytes, pixels_max)?;
    }
    only_itself(declared, &clean.bytes)?;
    Ok(clean)
}

fn within(picture: &[u8], pixels_max: u64) -> Result<(), Bad> {
    let size = imagesize::blob_size(picture).map_err(|_| Bad::Broken("the size of the picture cannot be read"))?;
    let pixels = (size.width as u64).checked_mul(size.height as u64).ok_or(Bad::Pixels)?;
    match pixels {
        0 => Err(Bad::Broken("the picture has no pixels")),
        pixels if pixels > pixels_max => Err(Bad::Pixels),
        _ => Ok(()),
    }
}

/// Whether another program would take the file for something else.
fn only_itself(declared: Type, bytes: &[u8]) -> Result<(), Bad> {
    let head = bytes[..bytes.len().min(HEAD)].to_ascii_lowercase();
    if declared != Type::Pdf && memmem::find(&head, b"%pdf-").is_some() {
        return Err(Bad::Ambiguous("it is a PDF document as well"));
    }
    let page: [&[u8]; 5] = [b"<script", b"<html", b"<!doctype", b"<svg", b"<?php"];
    if page.iter().any(|mark| memmem::find(&head, mark).is_some()) {
        return Err(Bad::Ambiguous("it is a web page as well"));
    }
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    if memmem::find(tail, b"PK\x05\x06").is_some() {
        return Err(Bad::Ambiguous("it is an archive as well"));
    }
    Ok(())
}

/// Whether what stands behind the end of a picture is a file of its own; anything else there is cut off.
pub(super) fn trailer(rest: &[u8]) -> Result<bool, Bad> {
    let others: [&[u8]; 8] =
        [b"PK\x03\x04", b"PK\x05\x06", b"%PDF-", b"<script", b"<html", b"<svg", b"Rar!\x1a", b"7z\xbc\xaf\x27\x1c"];
    if others.iter().any(|mark| memmem::find(rest, mark).is_some()) {
        return Err(Bad::Ambiguous("another file stands behind it"));
    }
    Ok(!rest.is_empty())
}

/// What became of the metadata of a picture that was written anew.
pub(super) fn removed(any: bool) -> EvidenceMetadata {
    if any { EvidenceMetadata::Removed } else { EvidenceMetadata::None }
}

impl From<Bad> for Refusal {
    fn from(bad: Bad) -> Self {
        let refusal = |reason, message| Self::new(Code::InvalidArgument, reason, message);
        match bad {
            Bad::Mismatch => refusal("TYPE_MISMATCH", "the content is not of the declared type"),
            Bad::Broken(why) => refusal("FILE_BROKEN", "the file is broken").with("why", why),
            Bad::Ambiguous(why) => refusal("FILE_AMBIGUOUS", "the file is more than it says").with("why", why),
            Bad::Pixels => refusal("TOO_MANY_PIXELS", "the picture has more pixels than are taken"),
        }
    }
}
