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
    if names(bytes).any(|name| acts(&name)) {
        Err(Bad::Ambiguous("it has active content or files in it"))
    } else {
        Ok(())
    }
}

/// What runs, sends, or holds other files.
const ACTS: [&[u8]; 8] =
    [b"JavaScript", b"JS", b"Launch", b"EmbeddedFile", b"RichMedia", b"SubmitForm", b"ImportData", b"XFA"];

/// Whether a name is one of those, or its plural.
fn acts(name: &[u8]) -> bool {
    ACTS.iter().any(|act| name.strip_prefix(*act).is_some_and(|more| matches!(more, [] | [b's'])))
}

/// Longest name that the format allows.
const NAME_MAX: usize = 127;

/// All names in the document, as readers see them: `/J#53` is `/JS`.
fn names(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    memchr::memchr_iter(b'/', bytes).map(|at| name(&bytes[at + 1..]))
}

fn name(bytes: &[u8]) -> Vec<u8> {
    let ends = |byte: u8| byte.is_ascii_whitespace() || byte == 0 || b"()<>[]{}/%".contains(&byte);
    let mut name = Vec::new();
    let mut rest = bytes;
    while let [byte, more @ ..] = rest
        && !ends(*byte)
        && name.len() < NAME_MAX
    {
        let code = more.get(..2).filter(|_| *byte == b'#').and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        name.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_readers_see() {
        for (text, is) in [
            ("/JS(x)", true),
            ("/J#53 (x)", true),
            ("/#4aS(x)", true),
            ("/J#61vaScript", true),
            ("/L#61#75nch<<", true),
            ("/EmbeddedFiles[", true),
            ("/JSON", false),
            ("/JBIG2Decode", false),
            ("/J#", false),
            ("/A#5", false),
        ] {
            assert_eq!(names(text.as_bytes()).any(|name| acts(&name)), is, "{text}");
        }
    }
}
