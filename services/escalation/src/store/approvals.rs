//! Rows of approvals.

use chassis::row::{count, word};
use proto::Word;
use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::{Fault, Tx, Writes};
use prost::Message;
use proto::claim::Plan;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::ints;
use crate::domain::{self, Approval, Claim, Role, Snapshot};

pub(super) const LOAD: &str = "\
    SELECT claim_id, plan_number, state, plan, plan_sha256, chain, decided_by FROM approval WHERE claim_id = ANY($1)";

/// In the order of plans: the older one is cancelled before the newer one waits.
pub(super) const WRITE: &str = "\
    INSERT INTO approval (claim_id, plan_number, state, plan, plan_sha256, chain, decided_by) \
    SELECT claim_id, plan_number, state, plan, plan_sha256, chain, decided_by \
    FROM UNNEST($1::uuid[], $2::int[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::text[]) \
        AS a(claim_id, plan_number, state, plan, plan_sha256, chain, decided_by) \
    ORDER BY claim_id, plan_number \
    ON CONFLICT (claim_id, plan_number) DO UPDATE SET state = EXCLUDED.state, decided_by = EXCLUDED.decided_by";

/// Reads the approvals of claims.
pub(super) async fn load(tx: &mut Tx, ids: &[Uuid], claims: &mut BTreeMap<Uuid, Claim>) -> Result<(), Fault> {
    for row in &sqlx::query(LOAD).bind(ids).fetch_all(tx).await? {
        if let Some(claim) = claims.get_mut(&row.try_get::<Uuid, _>("claim_id")?) {
            let approval = approval(row)?;
            claim.approvals.insert(approval.plan_number, approval);
        }
    }
    Ok(())
}

fn approval(row: &PgRow) -> Result<Approval, Fault> {
    let plan_number = count(row, "plan_number")?;
    let chain: String = row.try_get("chain")?;
    let chain = chain.split(',').filter(|role| !role.is_empty());
    let chain: Option<Vec<Role>> = chain.map(Role::from_word).collect();
    let bytes: Option<Vec<u8>> = row.try_get("plan")?;
    let sha256: Option<Vec<u8>> = row.try_get("plan_sha256")?;
    Ok(Approval {
        plan_number,
        state: word(row, "state")?,
        plan: bytes.map(|bytes| snapshot(&bytes, sha256.as_deref())).transpose()?,
        chain: chain.ok_or_else(|| Fault::Permanent("a chain names an unknown role".to_owned()))?,
        decided_by: row.try_get("decided_by")?,
    })
}

/// A plan that is no longer what was asked for is never shown to anybody who approves.
pub(super) fn snapshot(bytes: &[u8], sha256: Option<&[u8]>) -> Result<Snapshot, Fault> {
    let broken = || Fault::Permanent("the snapshot of a plan is broken".to_owned());
    let plan = Plan::decode(bytes).map_err(|_| broken())?;
    let digest = domain::digest(&plan);
    if sha256 != Some(&digest[..]) {
        return Err(broken());
    }
    Ok(Snapshot { plan: Arc::new(plan), sha256: digest })
}

/// Writes approvals that are new or have changed.
pub(super) fn write(writes: &mut Writes, pairs: &[(Uuid, &Claim, &Claim)]) -> Result<(), Fault> {
    let mut rows: Vec<(Uuid, &Approval)> = Vec::new();
    for (id, before, after) in pairs {
        let changed = |approval: &&Approval| before.approvals.get(&approval.plan_number) != Some(*approval);
        rows.extend(after.approvals.values().filter(changed).map(|approval| (*id, approval)));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let chain = |approval: &Approval| approval.chain.iter().map(|role| role.word()).collect::<Vec<_>>().join(",");
    let plan = |approval: &Approval| approval.plan.as_ref().map(|snapshot| snapshot.plan.encode_to_vec());
    let sha256 = |approval: &Approval| approval.plan.as_ref().map(|snapshot| snapshot.sha256.to_vec());
    writes
        .add(WRITE)
        .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(ints(rows.iter().map(|(_, row)| row.plan_number))?)
        .bind(rows.iter().map(|(_, row)| row.state.word()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| plan(row)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| sha256(row)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| chain(row)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.decided_by.as_str()).collect::<Vec<_>>());
    Ok(())
}
