//! What a batch of commands looks at and changes.

use std::collections::BTreeMap;

use chassis::work::Change;
use proto::ClaimId;
use uuid::Uuid;

use crate::domain::orders::{Orders, Recorded};
use crate::domain::{Case, Entry};

/// What a batch of commands looks at and changes.
#[derive(Debug, Default)]
pub struct World {
    /// The claims.
    pub cases: BTreeMap<ClaimId, Case>,
    /// Claim of each work item that a command names.
    pub claim_of: BTreeMap<Uuid, ClaimId>,
    /// Order facts.
    pub orders: Orders,
    /// New versions of order lines to write, in the order in which they were recorded.
    pub versions: Vec<Recorded>,
    /// New versions of assessments to write.
    pub entries: Vec<Entry>,
    /// Work items to write: version, and whether they were told to be overdue, as they were read; none: they are new.
    pub items: BTreeMap<(ClaimId, Uuid), Option<(i64, bool)>>,
    /// How work items have changed hands.
    pub moved: Vec<Change>,
}
