//! How rows and links are hashed. This is a contract with whoever verifies: a change needs a new mark.
//!
//! A hash is SHA-256 over: the mark (eight bytes of length, big endian, then UTF-8), the count of the fields (eight bytes),
//! and each field: `00` if it is null, otherwise `01`, its length (eight bytes) and its bytes. Numbers are decimal text,
//! times are microseconds since 1970 as a number, hashes are their 32 bytes.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// A link of the chain, without its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// 1, 2, 3 …
    pub number: u64,
    /// Name of the source.
    pub source: String,
    /// Id of the transaction that wrote the row.
    pub tx: i64,
    /// Number of the row in its table.
    pub row_id: i64,
    /// Hash of the row.
    pub row_hash: Hash,
    /// When it was sealed, in microseconds since 1970.
    pub sealed_at: i64,
}

/// A field of a row: its name, and its value if it has one.
pub type Field<'a> = (&'a str, Option<&'a [u8]>);

/// The hash of fields under a mark.
pub fn digest(mark: &str, fields: &[Option<&[u8]>]) -> Hash {
    let mut hash = Sha256::new();
    let length = |bytes: &[u8]| (bytes.len() as u64).to_be_bytes();
    hash.update(length(mark.as_bytes()));
    hash.update(mark);
    hash.update((fields.len() as u64).to_be_bytes());
    for field in fields {
        match field {
            None => hash.update([0]),
            Some(bytes) => {
                hash.update([1]);
                hash.update(length(bytes));
                hash.update(bytes);
            }
        }
    }
    hash.finalize().into()
}

/// The hash of a row.
pub fn row(source: &str, fields: &[Field<'_>]) -> Hash {
    let fields = fields.iter().flat_map(|(name, value)| [Some(name.as_bytes()), *value]);
    let all: Vec<Option<&[u8]>> = std::iter::once(Some(source.as_bytes())).chain(fields).collect();
    digest("redress.audit.row.v1", &all)
}

/// What the first link of a service follows.
pub fn genesis(service: &str) -> Hash {
    digest("redress.audit.genesis.v1", &[Some(service.as_bytes())])
}

/// The hash of a link that follows another.
pub fn chain(previous: &Hash, link: &Link) -> Hash {
    let numbers = [link.number.to_string(), link.tx.to_string(), link.row_id.to_string(), link.sealed_at.to_string()];
    let [number, tx, row_id, sealed_at] = numbers.each_ref().map(|number| Some(number.as_bytes()));
    let source = Some(link.source.as_bytes());
    digest("redress.audit.link.v1", &[Some(previous), number, source, tx, row_id, Some(&link.row_hash), sealed_at])
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many bytes from hexadecimal digits.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who changes one of these has changed the format: every chain and every checkpoint that exists becomes invalid.
    #[test]
    fn the_format_is_what_it_was() {
        assert_eq!(hex(&genesis("intake")), "21bfba7096617fb393c8419216289bd094d4f4f6d944543ece8e1af7b624b257");
        let row_hash = row("journal", &[("seq", Some(b"1")), ("trace", None), ("payload", Some(b""))]);
        assert_eq!(hex(&row_hash), "dcdec15f097accba9aa8fb52e16a4adca06f666aae4be367c8db895e4f2d8ba4");
        let link = Link {
            number: 1,
            source: "journal".to_owned(),
            tx: 7,
            row_id: 1,
            row_hash,
            sealed_at: 1_700_000_000_000_000,
        };
        assert_eq!(
            hex(&chain(&genesis("intake"), &link)),
            "35d04f4596c7e93f1f7dce1ab2e316e8ec603cd1087653c4a0d0b6693a44c996"
        );
    }

    #[test]
    fn nothing_can_move_from_one_field_to_the_next() {
        let two = |one: &str, other: &str| row("s", &[("a", Some(one.as_bytes())), ("b", Some(other.as_bytes()))]);
        assert_ne!(two("ab", "c"), two("a", "bc"));
        assert_ne!(row("s", &[("a", None)]), row("s", &[("a", Some(b""))]));
        assert_ne!(row("s", &[]), row("s", &[("", Some(b""))]));
        assert_ne!(digest("a", &[Some(b"b")]), digest("ab", &[Some(b"")]));
    }

    #[test]
    fn hexadecimal_digits_and_nothing_else() {
        assert_eq!(unhex::<2>(&hex(&[1, 255])), Some([1, 255]));
        for odd in ["", "1", "0g00", "+1+1", "é00", "00000"] {
            assert_eq!(unhex::<2>(odd), None, "{odd}");
        }
    }
}
