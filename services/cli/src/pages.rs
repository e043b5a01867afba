//! Lists that come page by page.

use anyhow::Result;
use clap::Args;

use crate::output;

/// Entries of one page at the most.
const PAGE: usize = 500;

/// How many entries of a list are wanted.
#[derive(Clone, Copy, Debug, Args)]
pub struct Limit {
    /// At the most so many.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    pub limit: usize,
}

/// A list as far as it was read.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The entries.
    pub rows: Vec<T>,
    /// There are more of them.
    pub more: bool,
}

impl Limit {
    /// As many as there are.
    pub const ALL: Self = Self { limit: usize::MAX };

    /// Reads pages until so many entries are there; `page` gets the size and the token of a page and gives its entries and
    /// the token of the next.
    pub async fn read<T>(self, mut page: impl AsyncFnMut(i32, String) -> Result<(Vec<T>, String)>) -> Result<Found<T>> {
        let (mut rows, mut token) = (Vec::new(), String::new());
        loop {
            let size = (self.limit - rows.len()).clamp(1, PAGE);
            let (next, following) = page(i32::try_from(size)?, token).await?;
            rows.extend(next);
            token = following;
            if token.is_empty() || rows.len() >= self.limit {
                let more = !token.is_empty() || rows.len() > self.limit;
                rows.truncate(self.limit);
                return Ok(Found { rows, more });
            }
        }
    }
}

impl<T> Found<T> {
    /// Says to people that this is not all.
    pub fn tell_more(&self) -> Result<()> {
        if self.more { output::line("there are more: raise --limit") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service with so many numbers, in pages of at the most 500.
    async fn ask(limit: usize, all: usize) -> Found<usize> {
        let page = async |size: i32, token: String| {
            let from = token.parse().unwrap_or(0);
            let to = (from + usize::try_from(size).unwrap().min(500)).min(all);
            Ok(((from..to).collect(), if to < all { to.to_string() } else { String::new() }))
        };
        Limit { limit }.read(page).await.unwrap()
    }

    #[tokio::test]
    async fn a_list_has_as_many_as_were_asked_for_and_says_if_there_are_more() {
        for (limit, all, rows, more) in [
            (50, 7, 7, false),
            (7, 7, 7, false),
            (7, 8, 7, true),
            (1200, 1100, 1100, false),
            (700, 1100, 700, true),
            (0, 3, 0, true),
        ] {
            let found = ask(limit, all).await;
            assert_eq!((found.rows.len(), found.more), (rows, more), "{limit} of {all}");
            assert!(found.rows.iter().copied().eq(0..rows));
        }
        assert_eq!(Limit::ALL.read(async |_, _| Ok((vec![1], String::new()))).await.unwrap().rows, [1]);
    }
}
