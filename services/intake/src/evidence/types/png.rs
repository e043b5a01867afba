//! PNG (ISO/IEC 15948): a row of chunks. Kept are those of the picture and its colours.

use std::borrow::Cow;

use super::super::sniff::{Bad, Clean, removed, trailer};

const BROKEN: Bad = Bad::Broken("it is not a whole PNG picture");
const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A packed colour profile that is larger may be a bomb.
const PROFILE_MAX: usize = 16 * 1024;

/// The picture without its metadata.
pub(in super::super) fn clean(bytes: &[u8]) -> Result<Clean<'_>, Bad> {
    let mut rest = bytes.strip_prefix(MAGIC).ok_or(BROKEN)?;
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(MAGIC);
    let (mut any, mut first, mut data) = (false, true, false);
    loop {
        let length = rest.first_chunk::<4>().ok_or(BROKEN)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| BROKEN)?;
        let chunk = rest.get(..length.checked_add(12).ok_or(BROKEN)?).ok_or(BROKEN)?;
        rest = &rest[chunk.len()..];
        let name = &chunk[4..8];
        if first != (name == b"IHDR") || first && length != 13 {
            return Err(BROKEN);
        }
        first = false;
        data |= name == b"IDAT";
        match name {
            b"IHDR" | b"PLTE" | b"IDAT" | b"IEND" => kept.extend_from_slice(chunk),
            b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"sBIT" | b"bKGD" | b"pHYs" | b"cICP" => {
                kept.extend_from_slice(chunk);
            }
            b"iCCP" if length <= PROFILE_MAX => kept.extend_from_slice(chunk),
            // A chunk that must be understood, and is not.
            _ if name[0].is_ascii_uppercase() || !name.iter().all(u8::is_ascii_alphabetic) => return Err(BROKEN),
            _ => any = true,
        }
        if name == b"IEND" {
            break;
        }
    }
    if !data {
        return Err(BROKEN);
    }
    any |= trailer(rest)?;
    Ok(Clean { bytes: Cow::Owned(kept), metadata: removed(any) })
}
