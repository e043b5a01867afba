//! What an auditor does: verifies the audit chain of a service by what the service tells and what was signed.

use std::path::Path;

use chassis::audit::format::unhex;
use chassis::audit::{Finding, Summary, Verifier};
use jiff::{SignedDuration, Timestamp};
use local::Secrets;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{ListUnsealedRequest, ReadAuditRequest};

use crate::Wire;

/// Verifies the audit chain of a service, with the checkpoints in a folder. What waits to be sealed or signed may wait for
/// ten minutes.
///
/// # Panics
/// If the service does not tell, or the installation has no public key.
pub async fn verify_audit(
    service: &str,
    channel: Wire,
    secrets: &Secrets,
    folder: &Path,
) -> Result<Summary, Box<Finding>> {
    let keys = std::fs::read_to_string(secrets.audit_keys()).expect("there is a public key");
    let keys: Vec<Vec<u8>> = keys.lines().map(|key| unhex::<32>(key).expect("it is a key").to_vec()).collect();
    let file = folder.join(format!("{service}.jsonl"));
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let grace = SignedDuration::from_mins(10);
    let mut verifier = Verifier::new(service, &keys, &[(file.display().to_string(), text)], grace)?;
    let mut client = OperationsServiceClient::new(channel);
    let mut after = 0;
    links(&mut client, &mut verifier, &mut after).await?;
    verifier.end(Timestamp::now())?;
    let mut ask = ListUnsealedRequest { page_size: 7, page_token: String::new() };
    loop {
        let page = client.list_unsealed(ask.clone()).await.expect("the rows are told").into_inner();
        page.rows.iter().try_for_each(|row| verifier.unsealed(&row.source, row.tx, row.row_id, row.age_ms))?;
        if let Some(row) = page.differing.first() {
            return Err(Box::new(verifier.differs(&row.source, row.row_id, &row.what)));
        }
        ask.page_token = page.next_page_token;
        if ask.page_token.is_empty() {
            break;
        }
    }
    // What was sealed while the rows were looked at.
    links(&mut client, &mut verifier, &mut after).await?;
    Ok(verifier.summary())
}

async fn links(
    client: &mut OperationsServiceClient<Wire>,
    verifier: &mut Verifier,
    after: &mut u64,
) -> Result<(), Box<Finding>> {
    loop {
        let ask = ReadAuditRequest { after: *after, page_size: 7 };
        let page = client.read_audit(ask).await.expect("the chain is told").into_inner();
        let Some(last) = page.links.last() else { return Ok(()) };
        *after = last.number;
        page.links.iter().try_for_each(|link| verifier.wire_link(link))?;
    }
}
