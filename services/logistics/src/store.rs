//! The tables of all nouns.

use chassis::Grant;

use crate::{shipment, visit};

/// What the role that serves may do with the tables.
pub static GRANTS: [Grant; shipment::store::GRANTS.len() + visit::store::GRANTS.len()] =
    joined(shipment::store::GRANTS, visit::store::GRANTS);

/// Every statement, for the test that prepares them.
pub static STATEMENTS: [&str; shipment::store::STATEMENTS.len() + visit::store::STATEMENTS.len()] =
    joined(shipment::store::STATEMENTS, visit::store::STATEMENTS);

const fn joined<T: Copy, const N: usize>(first: &[T], second: &[T]) -> [T; N] {
    let mut all = [first[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}
