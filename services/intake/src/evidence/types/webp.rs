//! WebP (RFC 9649): chunks in a RIFF container. Kept are those of the picture, its colours and its movement.

use std::borrow::Cow;

use super::super::sniff::{Bad, Clean, removed, trailer};

const BROKEN: Bad = Bad::Broken("it is not a whole WebP picture");
/// Flags of the extended header: Exif and XMP are there.
const METADATA: u8 = 0x08 | 0x04;

/// The picture without its metadata.
pub(in super::super) fn clean(bytes: &[u8]) -> Result<Clean<'_>, Bad> {
    let head = bytes.first_chunk::<12>().ok_or(BROKEN)?;
    if !head.starts_with(b"RIFF") || !head.ends_with(b"WEBP") {
        return Err(BROKEN);
    }
    let size = size(&bytes[4..])?;
    let end = size.checked_add(8).ok_or(BROKEN)?;
    let mut rest = bytes.get(12..end).ok_or(BROKEN)?;
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(head);
    let mut any = false;
    let mut first = true;
    while !rest.is_empty() {
        let length = self::size(rest.get(4..).ok_or(BROKEN)?)?;
        // A chunk has an even length; the last one may lack its filling.
        let whole = length.checked_add(8 + length % 2).ok_or(BROKEN)?;
        let chunk = rest.get(..length + 8).ok_or(BROKEN)?;
        rest = rest.get(whole..).unwrap_or_default();
        let name = &chunk[..4];
        if first && !matches!(name, b"VP8 " | b"VP8L" | b"VP8X") {
            return Err(BROKEN);
        }
        first = false;
        if !matches!(name, b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ICCP" | b"ANIM" | b"ANMF") {
            any = true;
            continue;
        }
        let from = kept.len();
        kept.extend_from_slice(chunk);
        if name == b"VP8X" {
            *kept.get_mut(from + 8).ok_or(BROKEN)? &= !METADATA;
        }
        if length % 2 == 1 {
            kept.push(0);
        }
    }
    if first {
        return Err(BROKEN);
    }
    let size = u32::try_from(kept.len() - 8).map_err(|_| BROKEN)?;
    kept[4..8].copy_from_slice(&size.to_le_bytes());
    any |= trailer(&bytes[end..])?;
    Ok(Clean { bytes: Cow::Owned(kept), metadata: removed(any) })
}

fn size(bytes: &[u8]) -> Result<usize, Bad> {
    let size = bytes.first_chunk::<4>().ok_or(BROKEN)?;
    usize::try_from(u32::from_le_bytes(*size)).map_err(|_| BROKEN)
}
