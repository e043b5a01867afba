//! What a batch of commands looks at and changes.

use std::collections::{BTreeMap, BTreeSet};

use proto::{ClaimId, WorkItemId};

use crate::domain::orders::{Orders, Recorded};
use crate::domain::{Case, Entry};

/// What a batch of commands looks at and changes.
#[derive(Debug, Default)]
pub struct World {
    /// The claims.
    pub cases: BTreeMap<ClaimId, Case>,
    /// Claim of each work item that is decided.
    pub claim_of: BTreeMap<WorkItemId, ClaimId>,
    /// Order facts.
    pub orders: Orders,
    /// New versions of order lines to write, in the order in which they were recorded.
    pub versions: Vec<Recorded>,
    /// New versions of assessments to write.
    pub entries: Vec<Entry>,
    /// Work items to write.
    pub items: BTreeSet<(ClaimId, WorkItemId)>,
}
