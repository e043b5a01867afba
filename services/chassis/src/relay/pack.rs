//! What leaves together: of the rows of one transaction, the commands to one service, and the events of this one.
//!
//! Under load a transaction is a whole batch of a lane, so that is most of a round. To take the rows of several would save
//! little, and every try would pack otherwise: after a loss, a crash, or an answer that did not come, the broker would not
//! know what it has. By transaction the same rows are the same parcels, whatever rounds they are published in (but for
//! one that a round has cut).
//!
//! What subscribers read, the public stream and notices, leaves row by row, and so does a row that is alone.

use std::collections::HashMap;
use std::iter::once;

use prost::Message;
use proto::Subject;
use proto::delivery::Batch;
use uuid::Uuid;

use super::Relay;
use super::cursor::JournalRow;
use super::guard::{self, ExpectedSequence};
use crate::Fault;
use crate::message::{Envelope, batch};

/// What leaves as one message of the broker.
pub(super) struct MessageBatch<'a> {
    pub first: &'a JournalRow,
    /// Others to the same receiver; none: it leaves as it is.
    more: Vec<&'a JournalRow>,
    pub place: ExpectedSequence,
    /// What the broker calls it: the event id of a row that is alone.
    pub id: Uuid,
}

impl<'a> MessageBatch<'a> {
    /// A row alone.
    pub(super) fn of(row: &'a JournalRow, place: ExpectedSequence) -> Self {
        Self { first: row, more: Vec::new(), place, id: row.event_id }
    }

    /// Its rows, in their order.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a JournalRow> + Clone {
        once(self.first).chain(self.more.iter().copied())
    }

    fn named(self) -> Self {
        let id = if self.more.is_empty() { self.id } else { batch::name(self.rows().map(|row| row.event_id)) };
        Self { id, ..self }
    }
}

/// Puts rows together, up to `most` in a parcel. In a parcel they keep their order; a receiver restores the order of
/// those about one claim by their numbers.
pub(super) fn pack(rows: Vec<(&JournalRow, ExpectedSequence)>, most: usize) -> Vec<MessageBatch<'_>> {
    let mut parcels: Vec<MessageBatch<'_>> = Vec::new();
    // Where the last parcel of each transaction to each receiver is, and its size.
    let mut open: HashMap<(i64, &str), (usize, usize)> = HashMap::new();
    for (row, place) in rows {
        let Some(receiver) = receiver(&row.subject) else {
            parcels.push(MessageBatch::of(row, place));
            continue;
        };
        let bytes = bytes(row);
        let same = (row.tx, receiver);
        match open.get_mut(&same) {
            Some((at, size)) if *size + bytes <= batch::BYTES_MAX && parcels[*at].more.len() + 1 < most => {
                *size += bytes;
                parcels[*at].more.push(row);
            }
            Some(_) | None => {
                open.insert(same, (parcels.len(), bytes));
                parcels.push(MessageBatch::of(row, place));
            }
        }
    }
    parcels.into_iter().map(MessageBatch::named).collect()
}

/// Kind and service of what services tell each other, as `command.inventory`.
fn receiver(subject: &str) -> Option<&str> {
    let internal = subject.starts_with("command.") || subject.starts_with("event.");
    subject.rsplit_once('.').map(|(receiver, _)| receiver).filter(|_| internal)
}

fn bytes(row: &JournalRow) -> usize {
    batch::OVERHEAD + row.payload.len() + row.subject.len() + row.trace.as_ref().map_or(0, String::len)
}

impl Relay {
    /// A parcel as a message of the broker: address, headers, payload.
    pub(super) fn message(&self, parcel: &MessageBatch<'_>) -> Result<(String, async_nats::HeaderMap, Vec<u8>), Fault> {
        let row = parcel.first;
        let subject = self.subject(row)?;
        if let Some(of_batch) = subject.batch().filter(|_| !parcel.more.is_empty()) {
            let mut items = Vec::with_capacity(parcel.more.len() + 1);
            for row in parcel.rows() {
                let subject = self.subject(row)?;
                items.push(batch::item(&self.envelope(row, &subject), &row.payload));
            }
            let headers = batch::headers(parcel.id, self.service, &of_batch);
            return Ok((of_batch.under(&self.prefix), headers, Batch { items }.encode_to_vec()));
        }
        let mut headers = self.envelope(row, &subject).headers();
        guard::expect(&mut headers, &self.prefix, row.aggregate, parcel.place);
        Ok((subject.under(&self.prefix), headers, row.payload.clone()))
    }

    fn subject(&self, row: &JournalRow) -> Result<Subject, Fault> {
        let address = format!("{}.v1.{}", self.prefix, row.subject);
        Subject::parse(&self.prefix, &address).map_err(|error| Fault::Permanent(error.to_string()))
    }

    fn envelope<'a>(&'a self, row: &'a JournalRow, subject: &'a Subject) -> Envelope<'a> {
        Envelope {
            event_id: row.event_id,
            source: self.service,
            subject,
            aggregate: row.aggregate,
            number: row.number,
            at: row.at,
            trace: row.trace.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::publish::tests::line;

    fn packed(rows: &[JournalRow], most: usize) -> Vec<Vec<i64>> {
        let rows = rows.iter().map(|row| (row, ExpectedSequence::Free)).collect();
        pack(rows, most).iter().map(|parcel| parcel.rows().map(|row| row.seq).collect()).collect()
    }

    #[test]
    fn rows_to_one_receiver_leave_together_and_what_subscribers_read_alone() {
        let rows = [
            line(1, "command.triage.assess", 1),
            line(2, "claim.a.submitted", 1),
            line(3, "command.inventory.reserve", 1),
            line(4, "command.triage.drop", 2),
            line(5, "notice.customer.sent", 2),
            line(6, "notice.customer.sent", 2),
            line(7, "command.inventory.release", 2),
            line(8, "event.intake.submitted", 2),
        ];
        assert_eq!(packed(&rows, 256), [vec![1, 4], vec![2], vec![3, 7], vec![5], vec![6], vec![8]]);
        assert_eq!(packed(&rows, 1).len(), rows.len(), "each alone");
    }

    #[test]
    fn a_parcel_is_cut_by_count_and_by_bytes() {
        let mut rows: Vec<JournalRow> = (1..=7).map(|seq| line(seq, "event.intake.submitted", 1)).collect();
        assert_eq!(packed(&rows, 3), [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
        for row in &mut rows {
            row.payload = vec![0; 40 * 1024];
        }
        assert_eq!(packed(&rows, 256), [vec![1, 2], vec![3, 4], vec![5, 6], vec![7]]);
    }

    #[test]
    fn the_same_transactions_are_the_same_parcels_whatever_else_is_in_the_round() {
        let mut rows: Vec<JournalRow> = (1..=6).map(|seq| line(seq, "event.intake.submitted", 1)).collect();
        for (row, tx) in rows.iter_mut().zip([1, 2, 1, 2, 2, 3]) {
            row.tx = tx;
        }
        assert_eq!(packed(&rows, 256), [vec![1, 3], vec![2, 4, 5], vec![6]]);
    }

    #[test]
    fn what_is_alone_keeps_its_name() {
        let rows = [line(1, "event.intake.submitted", 1), line(2, "event.intake.submitted", 1)];
        let of = |rows: &[JournalRow]| pack(rows.iter().map(|row| (row, ExpectedSequence::Free)).collect(), 256)[0].id;
        assert_eq!(of(&rows[..1]), rows[0].event_id);
        let together = of(&rows);
        assert!(rows.iter().all(|row| row.event_id != together));
    }
}
