//! PDF (ISO 32000): head and end, and a look for what acts. The look is shallow: packed objects are not opened.

use memchr::memmem;

use super::super::sniff::Bad;

/// Where readers look for the end.
const END: usize = 1024;

/// Checks that a document is whole and does nothing on its own.
pub(in super::super) fn check(bytes: &[u8]) -> Result<(), Bad> {
    if !bytes.starts_with(b"%PDF-1.") && !bytes.starts_with(b"%PDF-2.") {
        return Err(Bad::Broken("it is not a PDF document of version 1 or 2"));
    }
    let tail = &bytes[bytes.len().saturating_sub(END)..];
    let end = memmem::rfind(tail, b"%%EOF").ok_or(Bad::Broken("it is truncated"))?;
    if !tail[end + 5..].iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return Err(Bad::Ambiguous("something stands behind its end"));
    }
    let acts: [&[u8]; 5] = [b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/RichMedia"];
    let acts = acts.iter().any(|name| names(bytes, name));
    if acts { Err(Bad::Ambiguous("it has active content or files in it")) } else { Ok(()) }
}

/// Whether a name, or one that begins with it and goes on in plural, is in the document: a longer name is another.
fn names(bytes: &[u8], name: &[u8]) -> bool {
    memmem::find_iter(bytes, name).any(|at| {
        let next = bytes.get(at + name.len()).copied().unwrap_or(b' ');
        !next.is_ascii_alphanumeric() || next == b's'
    })
}
