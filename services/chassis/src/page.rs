//! Paging: keyset, with a token that is bound to the query.

use std::str::FromStr;

use prost::Message;
use sha2::{Digest, Sha256};

use crate::Check;

/// Rows of a page when the caller does not say.
const DEFAULT_SIZE: i32 = 50;
/// Rows of a page at the most.
const MAX_SIZE: i32 = 500;
/// Bytes of a page at the most, unless one row alone has more: a client reads 4 MiB unless it is told otherwise, and what
/// others wrote must not make a list unreadable (S31).
const MAX_BYTES: usize = (3 << 20) - (16 << 10);
/// Bytes that a row has in a list besides its own: its tag and its length.
const FRAME: usize = 6;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows to read: one more than the page has, to know whether there is a next one.
    pub limit: i64,
    /// Key of the last row of the page before.
    pub after: Option<String>,
    query: String,
}

impl Page {
    /// The key of the last row of the page before, read; none: this is the first page. A key that is not one of this
    /// list is a bad token, never the first page again: a client would walk in circles.
    pub fn key<K: FromStr>(&self, check: &mut Check) -> Option<K> {
        let key = self.after.as_deref()?.parse().ok();
        if key.is_none() {
            check.add("page_token", "is not a token of this query");
        }
        key
    }

    /// The same page with fewer rows: of a list whose rows can be large, so that not many times more are read than fit.
    pub fn at_most(mut self, rows: i64) -> Self {
        self.limit = self.limit.min(rows + 1);
        self
    }

    /// Cuts the rows to the page, by their number and by the bytes that they have in the answer, and makes the token of the
    /// next one. A page has one row at the least.
    pub fn finish<R, W: Message>(
        &self,
        rows: impl IntoIterator<Item = R>,
        key: impl Fn(&R) -> String,
        wire: impl Fn(R) -> W,
    ) -> (Vec<W>, String) {
        self.cut(rows.into_iter().map(|row| (key(&row), wire(row))), W::encoded_len)
    }

    /// The same for rows that come with their keys, and of which only some are told.
    pub(crate) fn cut<W>(
        &self,
        rows: impl IntoIterator<Item = (String, W)>,
        bytes: impl Fn(&W) -> usize,
    ) -> (Vec<W>, String) {
        let size = usize::try_from(self.limit - 1).unwrap_or(0);
        let (mut fits, mut last, mut sum) = (Vec::new(), String::new(), 0);
        for (key, row) in rows {
            sum += bytes(&row) + FRAME;
            if fits.len() == size || (sum > MAX_BYTES && !fits.is_empty()) {
                return (fits, format!("{}.{}", self.query, hex(last.as_bytes())));
            }
            last = key;
            fits.push(row);
        }
        (fits, String::new())
    }
}

impl Check {
    /// The page that is asked for; `query` holds every other argument of the list.
    pub fn page(&mut self, size: i32, token: &str, query: &[&str]) -> Page {
        if size < 0 {
            self.add("page_size", "must not be negative");
        }
        let size = if size == 0 { DEFAULT_SIZE } else { size.clamp(1, MAX_SIZE) };
        let query = digest(query);
        let after = match token.split_once('.') {
            Some((of, key)) if of == query => unhex(key),
            _ => None,
        };
        if !token.is_empty() && after.is_none() {
            self.add("page_token", "is not a token of this query");
        }
        Page { limit: i64::from(size) + 1, after, query }
    }
}

fn digest(query: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in query {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..8])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_to_its_end() {
        let all: Vec<u32> = (0..7).collect();
        let mut token = String::new();
        let mut seen = Vec::new();
        loop {
            let mut check = Check::new();
            let page = check.page(3, &token, &["sku", "A"]);
            check.finish().unwrap();
            let from: u32 = page.after.as_ref().map_or(0, |key| key.parse::<u32>().unwrap() + 1);
            let rows: Vec<u32> =
                all.iter().copied().filter(|row| *row >= from).take(usize::try_from(page.limit).unwrap()).collect();
            let (rows, next) = page.finish(rows, ToString::to_string, |row: u32| row);
            seen.extend(rows);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(seen, all);
    }

    /// The key of a page without rows would be the first page again.
    #[test]
    fn sr20_pages_end_by_bytes_and_every_row_is_on_one_of_them() {
        let sizes = [10, 5 << 20, 10, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 10, 0, 4 << 20];
        let (mut token, mut seen, mut pages) = (String::new(), Vec::new(), 0);
        loop {
            let page = Check::new().page(500, &token, &["big"]);
            let from = page.after.as_ref().map_or(0, |key| key.parse::<usize>().unwrap() + 1);
            let rows = (from..sizes.len()).take(usize::try_from(page.limit).unwrap());
            let (rows, next) = page.finish(rows, ToString::to_string, |row| vec![b'x'; sizes[row]]);
            let sum: usize = rows.iter().map(Message::encoded_len).sum();
            assert!(!rows.is_empty() && (sum < 3 << 20 || rows.len() == 1), "{sum}");
            seen.extend(rows.iter().map(Vec::len));
            pages += 1;
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!((seen.as_slice(), pages), (sizes.as_slice(), 5));
        assert_eq!(Check::new().page(500, "", &[]).at_most(100).limit, 101);
        assert_eq!(Check::new().page(5, "", &[]).at_most(100).limit, 6);
    }

    #[test]
    fn a_key_that_is_not_one_of_the_list_is_refused() {
        let (_, token) = Check::new().page(1, "", &["sku"]).finish(["7", "x"], ToString::to_string, str::to_owned);
        let mut check = Check::new();
        let page = check.page(1, &token, &["sku"]);
        assert_eq!(page.key::<u32>(&mut check), Some(7));
        assert_eq!(page.key::<uuid::Uuid>(&mut check), None);
        assert!(check.finish().is_err());
    }

    #[test]
    fn a_token_of_another_query_is_refused() {
        let page = Check::new().page(1, "", &["sku", "A"]);
        let (_, token) = page.finish([1, 2], ToString::to_string, |row: u32| row);
        let mut check = Check::new();
        check.page(1, &token, &["sku", "B"]);
        assert!(check.finish().is_err());
        for odd in ["x", "é.é", "00.0", &format!("{token}z")] {
            let mut check = Check::new();
            check.page(1, odd, &["sku", "A"]);
            assert!(check.finish().is_err(), "{odd}");
        }
    }
}
