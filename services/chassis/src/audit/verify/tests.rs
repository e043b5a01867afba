//! A chain in memory, and what a thief makes of it.

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

const NOW: i64 = 1_700_000_000_000_000;

#[derive(Clone)]
struct Row {
    link: Link,
    hash: Hash,
    text: Option<String>,
}

/// A chain of six links, with checkpoints at 2 and 4.
#[derive(Clone)]
struct Chain {
    rows: Vec<Row>,
    keys: Vec<Vec<u8>>,
    lines: Vec<String>,
}

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn rehash(rows: &mut [Row]) {
    let mut hash = format::genesis("toy");
    for (number, row) in (1..).zip(rows) {
        row.link.number = number;
        row.link.row_hash = format::row("journal", &[("text", row.text.as_deref().map(str::as_bytes))]);
        hash = format::chain(&hash, &row.link);
        row.hash = hash;
    }
}

impl Chain {
    fn new() -> Self {
        let link = |row_id| Link {
            number: 0,
            source: "journal".to_owned(),
            tx: 700 + row_id / 2,
            row_id,
            row_hash: [0; 32],
            sealed_at: NOW,
        };
        let mut rows: Vec<Row> =
            (1..=6).map(|at| Row { link: link(at), hash: [0; 32], text: Some(format!("row {at}")) }).collect();
        rehash(&mut rows);
        let mut chain = Self { rows, keys: vec![key(1).public_key().as_ref().to_vec()], lines: Vec::new() };
        let mut previous = NONE;
        for number in [2, 4] {
            previous = chain.sign(&key(1), number, &previous);
        }
        chain
    }

    fn sign(&mut self, key: &Ed25519KeyPair, number: u64, previous: &Hash) -> Hash {
        let hash = self.rows[usize::try_from(number).unwrap() - 1].hash;
        let checkpoint = Checkpoint::sign(key, "toy", number, &hash, Timestamp::UNIX_EPOCH, previous);
        self.lines.push(serde_json::to_string(&checkpoint).unwrap());
        checkpoint.hash()
    }

    fn verify(&self) -> Result<Summary, Finding> {
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        let files = [("toy.jsonl".to_owned(), text + "{\"torn")];
        let mut verifier = Verifier::new("toy", &self.keys, &files, SignedDuration::from_mins(10))?;
        for row in &self.rows {
            let fields = row.text.as_ref().map(|text| [("text", Some(text.as_bytes()))]);
            verifier.link(&row.link, &row.hash, fields.as_ref().map(<[_; 1]>::as_slice))?;
        }
        verifier.end(Timestamp::from_microsecond(NOW).unwrap())?;
        Ok(verifier.summary())
    }

    fn finds(&self) -> (Kind, Option<u64>, Option<u64>) {
        let finding = self.verify().unwrap_err();
        (finding.kind, finding.number, finding.until)
    }
}

#[test]
fn a_chain_that_nobody_touched_is_valid() {
    let summary = Chain::new().verify().unwrap();
    let expected = (6, 2, 4, 2);
    assert_eq!((summary.links, summary.checkpoints, summary.signed, summary.newer), expected);
}

#[test]
fn s27_every_change_names_the_first_bad_record() {
    let good = Chain::new();
    let with = |change: &dyn Fn(&mut Chain)| {
        let mut chain = good.clone();
        change(&mut chain);
        chain.finds()
    };
    assert_eq!(with(&|c| c.rows[2].text = Some("row X".to_owned())), (Kind::RowChanged, Some(3), None));
    assert_eq!(with(&|c| c.rows[2].text = None), (Kind::RowMissing, Some(3), None));
    assert_eq!(with(&|c| drop(c.rows.remove(2))), (Kind::LinkMissing, Some(3), None));
    assert_eq!(with(&|c| c.rows.swap(1, 2)), (Kind::LinkMissing, Some(2), None));
    // The rows behind two links change places, and then the links as well.
    let swap_rows = |c: &mut Chain| {
        let text = c.rows[4].text.take();
        c.rows[4].text = c.rows[5].text.take();
        c.rows[5].text = text;
    };
    assert_eq!(with(&swap_rows), (Kind::RowChanged, Some(5), None));
    let swap_links = |c: &mut Chain| {
        c.rows.swap(4, 5);
        (c.rows[4].link.number, c.rows[5].link.number) = (5, 6);
    };
    assert_eq!(with(&swap_links), (Kind::LinkChanged, Some(5), None));
    let swap_well = |c: &mut Chain| {
        c.rows.swap(4, 5);
        rehash(&mut c.rows);
    };
    assert_eq!(with(&swap_well), (Kind::LinkOutOfOrder, Some(6), None), "also where nothing was signed yet");
    let edit_well = |c: &mut Chain| {
        c.rows[2].text = Some("row X".to_owned());
        rehash(&mut c.rows);
    };
    assert_eq!(with(&edit_well), (Kind::NotWhatWasSigned, Some(3), Some(4)));
    let cut_middle = |c: &mut Chain| {
        c.rows.remove(0);
        rehash(&mut c.rows);
    };
    assert_eq!(with(&cut_middle), (Kind::NotWhatWasSigned, Some(1), Some(2)));
    assert_eq!(with(&|c| c.rows.truncate(3)), (Kind::ChainCut, Some(4), Some(4)));
    assert_eq!(with(&|c| c.rows.clear()), (Kind::ChainCut, Some(1), Some(4)));
    let mut unsigned = good.clone();
    unsigned.rows.truncate(4);
    unsigned.verify().expect("what was never signed can be cut: this is the limit");
}

#[test]
fn checkpoints_that_were_tampered_with_are_found() {
    let good = Chain::new();
    let with = |change: &dyn Fn(&mut Chain)| {
        let mut chain = good.clone();
        change(&mut chain);
        chain.verify().unwrap_err().kind
    };
    assert_eq!(with(&|c| c.lines[1] = c.lines[1].replace("\"number\":4", "\"number\":3")), Kind::CheckpointForged);
    assert_eq!(with(&|c| drop(c.lines.remove(0))), Kind::CheckpointForged);
    assert_eq!(with(&|c| c.lines.swap(0, 1)), Kind::CheckpointForged);
    assert_eq!(with(&|c| c.lines[0] = "{}".to_owned()), Kind::CheckpointUnreadable);
    assert_eq!(
        with(&|c| {
            c.sign(&key(2), 6, &NONE);
        }),
        Kind::CheckpointForged,
        "another key"
    );
    let old = |c: &mut Chain| {
        c.lines.clear();
        c.rows[0].link.sealed_at -= 3_600_000_000;
        rehash(&mut c.rows);
    };
    assert_eq!(with(&old), Kind::CheckpointLate, "all checkpoints are gone");
}

#[test]
fn rows_that_nobody_sealed_are_found() {
    let mut verifier = Verifier::new("toy", &[], &[], SignedDuration::from_mins(10)).unwrap();
    for row in &Chain::new().rows {
        verifier.link(&row.link, &row.hash, Some(&[("text", row.text.as_deref().map(str::as_bytes))])).unwrap();
    }
    verifier.unsealed("journal", 703, 7, 1000).unwrap();
    assert_eq!(verifier.unsealed("journal", 704, 8, 3_600_000).unwrap_err().kind, Kind::RowUnsealed);
    assert_eq!(verifier.unsealed("journal", 701, 99, 1000).unwrap_err().kind, Kind::RowSkipped);
    verifier.unsealed("other", 1, 1, 1000).unwrap();
    assert_eq!(verifier.summary().waiting, 2);
}
