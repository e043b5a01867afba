//! MP4, QuickTime and HEIC (ISO/IEC 14496-12): boxes. They are only counted: all must be whole, and nothing may stand
//! between or behind them.

use super::super::sniff::Bad;

const BROKEN: Bad = Bad::Broken("its boxes are wrong");
const TRUNCATED: Bad = Bad::Broken("it is truncated");
/// A file that is cut into more boxes is not one of a camera.
const BOXES_MAX: usize = 20_000;

/// Checks the outer boxes; those that are named must be there.
pub(in super::super) fn check(bytes: &[u8], wanted: &[&[u8; 4]]) -> Result<(), Bad> {
    let mut found = vec![false; wanted.len()];
    let mut rest = bytes;
    for count in 0.. {
        if rest.is_empty() {
            break;
        }
        if count == BOXES_MAX {
            return Err(BROKEN);
        }
        let head = rest.first_chunk::<8>().ok_or(TRUNCATED)?;
        let [a, b, c, d, name @ ..] = *head;
        if (count == 0) != (&name == b"ftyp") || !name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Err(BROKEN);
        }
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => rest.len() as u64,
            1 => u64::from_be_bytes(*rest.get(8..).and_then(<[u8]>::first_chunk::<8>).ok_or(TRUNCATED)?),
            size => u64::from(size),
        };
        let size = usize::try_from(size).map_err(|_| TRUNCATED)?;
        if size < 8 {
            return Err(BROKEN);
        }
        wanted.iter().zip(&mut found).filter(|(wanted, _)| ***wanted == name).for_each(|(_, found)| *found = true);
        rest = rest.get(size..).ok_or(TRUNCATED)?;
    }
    if found.iter().all(|found| *found) { Ok(()) } else { Err(TRUNCATED) }
}
