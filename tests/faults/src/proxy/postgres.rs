//! What a client says to PostgreSQL, as far as it is needed to know when a transaction is about to be committed.

use std::collections::HashSet;

/// Asks whether the server speaks TLS: it comes before the session begins, and has no type.
const ASKS_FOR_TLS: &[u8] = &80_877_103_u32.to_be_bytes();
/// How a statement begins that writes what a batch has decided.
const WRITES: &[u8] = b"WITH part_";

/// One client, from its first byte.
#[derive(Default)]
pub(super) struct Talk {
    rest: Vec<u8>,
    begun: bool,
    /// In a transaction that ends with COMMIT.
    open: bool,
    /// Names of prepared statements that write.
    writes: HashSet<Vec<u8>>,
    /// The statement that is about to be run writes.
    writing: bool,
}

impl Talk {
    /// Whether a transaction is to be committed by what is said: by COMMIT, or by the end of a writing statement alone.
    pub(super) fn commits(&mut self, bytes: &[u8]) -> bool {
        self.rest.extend_from_slice(bytes);
        let mut found = false;
        while let Some(message) = self.next() {
            found |= self.hear(&message);
        }
        found
    }

    /// The next whole message: its type, if it has one, and what comes after its length.
    fn next(&mut self) -> Option<(Option<u8>, Vec<u8>)> {
        let head = usize::from(self.begun);
        let length = self.rest.get(head..head + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let end = head + length.max(4);
        if self.rest.len() < end {
            return None;
        }
        let rest = self.rest.split_off(end);
        let message = std::mem::replace(&mut self.rest, rest);
        let kind = self.begun.then(|| message[0]);
        Some((kind, message[head + 4..].to_vec()))
    }

    fn hear(&mut self, (kind, body): &(Option<u8>, Vec<u8>)) -> bool {
        let mut texts = body.split(|byte| *byte == 0);
        match kind {
            None => self.begun = body.get(..4) != Some(ASKS_FOR_TLS),
            Some(b'Q') => {
                let text = texts.next().unwrap_or_default().trim_ascii().to_ascii_uppercase();
                self.open = (self.open || text.starts_with(b"BEGIN")) && !matches!(&text[..], b"COMMIT" | b"ROLLBACK");
                return text == b"COMMIT";
            }
            Some(b'P') => {
                let name = texts.next().unwrap_or_default().to_vec();
                if texts.next().is_some_and(|text| text.starts_with(WRITES)) {
                    self.writes.insert(name);
                } else {
                    self.writes.remove(&name);
                }
            }
            Some(b'B') => self.writing = texts.nth(1).is_some_and(|name| self.writes.contains(name)),
            Some(b'S') => return std::mem::take(&mut self.writing) && !self.open,
            Some(_) => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    fn said(talk: &mut Talk, messages: &[Vec<u8>]) -> Vec<bool> {
        messages.iter().map(|message| talk.commits(message)).collect()
    }

    fn begun() -> Talk {
        let mut talk = Talk::default();
        let tls = [&8_u32.to_be_bytes()[..], ASKS_FOR_TLS].concat();
        let start = [&12_u32.to_be_bytes()[..], &196_608_u32.to_be_bytes(), b"u\0\0\0"].concat();
        assert_eq!(said(&mut talk, &[tls, start, message(b'p', b"SCRAM")]), [false, false, false]);
        talk
    }

    #[test]
    fn a_commit_is_seen_whatever_the_reads() {
        let mut talk = begun();
        assert!(!talk.commits(&message(b'Q', b"BEGIN\0")));
        let commit = message(b'Q', b"COMMIT\0");
        assert!(!talk.commits(&commit[..3]));
        assert!(talk.commits(&commit[3..]));
        assert!(!talk.commits(&message(b'Q', b"SELECT 'COMMIT'\0")));
    }

    #[test]
    fn a_statement_that_writes_alone_is_a_transaction() {
        let mut talk = begun();
        let write = |name: &[u8]| message(b'B', &[b"\0", name, b"\0\0\0"].concat());
        let parse = message(b'P', b"s1\0WITH part_0 AS (INSERT INTO a SELECT 1) SELECT 1\0\0\0");
        let read = message(b'P', b"s2\0SELECT 1\0\0\0");
        let sync = message(b'S', b"");
        assert_eq!(said(&mut talk, &[parse, read, sync.clone()]), [false; 3]);
        assert_eq!(said(&mut talk, &[write(b"s2"), message(b'E', b"\0\0\0\0\0"), sync.clone()]), [false; 3]);
        assert_eq!(said(&mut talk, &[write(b"s1"), message(b'E', b"\0\0\0\0\0"), sync.clone()]), [false, false, true]);
        // In a transaction it is COMMIT that counts.
        assert_eq!(said(&mut talk, &[message(b'Q', b"BEGIN\0"), write(b"s1"), sync.clone()]), [false; 3]);
        assert_eq!(said(&mut talk, &[message(b'Q', b"COMMIT\0"), write(b"s1"), sync]), [true, false, true]);
    }
}
