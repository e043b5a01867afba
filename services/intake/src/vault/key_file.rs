//! The file with the wrapping keys. To change them: add a line behind the others on every replica, then move it to the top,
//! wait until all keys of customers are wrapped anew (it is logged), then take the old line away.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, ensure};
use zeroize::Zeroizing;

/// A wrapping key.
type Key = Zeroizing<[u8; 32]>;

/// The wrapping keys: at least one.
pub struct KeyFile(Vec<(String, Key)>);

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl KeyFile {
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let file = file.context("vault.key_file must name the file with the keys that wrap the keys of customers")?;
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        let text = text.with_context(|| format!("vault.key_file: cannot read {}", file.display()))?;
        Self::parse(&text)
    }

    /// Reads its lines: a name, and 64 hexadecimal digits. Nothing of a line is repeated in an error.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut keys: Vec<(String, Key)> = Vec::new();
        for (at, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let key = parse(line);
            let (name, key) =
                key.with_context(|| format!("vault.key_file: line {at} is not a name and 64 hexadecimal digits"))?;
            ensure!(keys.iter().all(|(known, _)| *known != name), "vault.key_file has two keys {name}");
            keys.push((name, key));
        }
        ensure!(!keys.is_empty(), "vault.key_file has no key");
        Ok(Self(keys))
    }

    /// The key that wraps, and its name.
    pub fn first(&self) -> (&str, &[u8; 32]) {
        let (name, key) = &self.0[0];
        (name, key)
    }

    /// Names of the others.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.0.iter().skip(1).map(|(name, _)| name.as_str())
    }

    /// The key of a name.
    pub fn find(&self, name: &str) -> Option<&[u8; 32]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, key)| &**key)
    }
}

fn parse(line: &str) -> Option<(String, Key)> {
    let mut words = line.split_whitespace();
    let (name, digits) = (words.next()?, words.next()?.as_bytes());
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if words.next().is_some() || name.len() > 32 || !name.bytes().all(fits) || digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some((name.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_name_and_a_key() {
        let good = KeyFile::parse(&format!("\nb {}\n a\t{} \n", "0F".repeat(32), "10".repeat(32))).unwrap();
        assert_eq!(good.first(), ("b", &[15; 32]));
        assert_eq!(good.find("a"), Some(&[16; 32]));
        assert_eq!(good.find("c"), None);
        for bad in [
            String::new(),
            "a".to_owned(),
            format!("a {}", "0f".repeat(31)),
            format!("a {}", "0g".repeat(32)),
            format!("a {} b", "0f".repeat(32)),
            format!("A {}", "0f".repeat(32)),
            format!("a {0}\na {0}", "0f".repeat(32)),
        ] {
            let error = format!("{:#}", KeyFile::parse(&bad).unwrap_err());
            assert!(error.contains("vault.key_file") && !error.contains("0f0f"), "{error}");
        }
    }
}
