//! JPEG (ITU-T T.81): a row of segments. Kept are those that a decoder needs, the colour profile and how the picture is
//! to be turned; all other application data and comments go.

use std::borrow::Cow;

use super::super::sniff::{Bad, Clean, removed, trailer};

const BROKEN: Bad = Bad::Broken("it is not a whole JPEG picture");
const SOS: u8 = 0xDA;
const END: u8 = 0xD9;

/// The picture without its metadata.
pub(in super::super) fn clean(bytes: &[u8]) -> Result<Clean<'_>, Bad> {
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(bytes.get(..2).ok_or(BROKEN)?);
    let (mut at, mut any, mut frames, mut scans) = (2, false, 0, 0);
    loop {
        let marker = marker(bytes, &mut at)?;
        if marker == END {
            kept.extend_from_slice(&[0xFF, END]);
            break;
        }
        let body = segment(bytes, &mut at)?;
        match marker {
            // Frames, tables, restart interval, number of lines.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => frames += 1,
            0xC4 | 0xCC | 0xDB..=0xDD => {}
            SOS if frames == 1 => scans += 1,
            0xE0..=0xEF | 0xFE => {
                let needed = needed(marker, body);
                any |= needed.as_deref() != Some(body);
                if let Some(needed) = needed {
                    push(&mut kept, marker, &needed);
                }
                continue;
            }
            _ => return Err(BROKEN),
        }
        push(&mut kept, marker, body);
        if marker == SOS {
            let from = at;
            at = end_of_scan(bytes, from)?;
            kept.extend_from_slice(&bytes[from..at]);
        }
    }
    if frames != 1 || scans == 0 {
        return Err(BROKEN);
    }
    any |= trailer(&bytes[at..])?;
    Ok(Clean { bytes: Cow::Owned(kept), metadata: removed(any) })
}

fn marker(bytes: &[u8], at: &mut usize) -> Result<u8, Bad> {
    if bytes.get(*at) != Some(&0xFF) {
        return Err(BROKEN);
    }
    // Fill bytes may stand before a marker.
    let fill = bytes[*at..].iter().take_while(|byte| **byte == 0xFF).count();
    let marker = bytes.get(*at + fill).copied().ok_or(BROKEN)?;
    *at += fill + 1;
    Ok(marker)
}

fn segment<'a>(bytes: &'a [u8], at: &mut usize) -> Result<&'a [u8], Bad> {
    let length = bytes.get(*at..*at + 2).ok_or(BROKEN)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let body = bytes.get(*at + 2..*at + length).ok_or(BROKEN)?;
    *at += length;
    Ok(body)
}

fn push(kept: &mut Vec<u8>, marker: u8, body: &[u8]) {
    let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    kept.extend_from_slice(&[0xFF, marker, length[0], length[1]]);
    kept.extend_from_slice(body);
}

/// Where the marker stands that ends a scan: zeros are stuffing, restarts belong to it.
fn end_of_scan(bytes: &[u8], from: usize) -> Result<usize, Bad> {
    let mut at = from;
    loop {
        at += memchr::memchr(0xFF, bytes.get(at..).ok_or(BROKEN)?).ok_or(BROKEN)?;
        match bytes.get(at + 1).ok_or(BROKEN)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Ok(at),
        }
    }
}

/// What is needed of application data: nothing, all, or a part.
fn needed(marker: u8, body: &[u8]) -> Option<Cow<'_, [u8]>> {
    match marker {
        // JFIF without its little picture.
        0xE0 if body.len() >= 14 && body.starts_with(b"JFIF\0") => {
            let mut head = body[..14].to_vec();
            head[12..].fill(0);
            Some(Cow::Owned(head))
        }
        0xE1 if body.starts_with(b"Exif\0\0") => turned(&body[6..]).map(|turn| Cow::Owned(exif(turn))),
        0xE2 if body.starts_with(b"ICC_PROFILE\0") => Some(Cow::Borrowed(body)),
        0xEE if body.len() == 12 && body.starts_with(b"Adobe") => Some(Cow::Borrowed(body)),
        _ => None,
    }
}

/// How the picture is to be turned (tag 0x0112 of the first directory); `None`: it is not.
fn turned(tiff: &[u8]) -> Option<u8> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let two = |at: usize| {
        let pair = [*tiff.get(at)?, *tiff.get(at + 1)?];
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let (low, high) = if little { (two(4)?, two(6)?) } else { (two(6)?, two(4)?) };
    let directory = usize::from(high) << 16 | usize::from(low);
    let entries = usize::from(two(directory)?);
    let entry = (0..entries).map(|number| directory + 2 + number * 12).find(|at| two(*at) == Some(0x0112))?;
    u8::try_from(two(entry + 8)?).ok().filter(|turn| (2..=8).contains(turn))
}

/// Exif that says how the picture is to be turned, and nothing else.
fn exif(turn: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend_from_slice(&[turn, 0, 0, 0, 0, 0, 0]);
    exif
}
