//! `redress audit`: whether what people decided, and which personal data they read, is still what it was.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chassis::audit::checkpoint::public_key;
use chassis::audit::format::{hex, unhex};
use chassis::audit::{Finding, Summary, Verifier};
use jiff::{SignedDuration, Timestamp};
use local::Secrets;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{ListUnsealedRequest, ReadAuditRequest};
use serde_json::{Value, json};
use tonic::Request;

use crate::connect::{Session, Wire};
use crate::exit::Failure;
use crate::output::{self, table};

/// Links of a page.
const PAGE: i32 = 500;

/// Whether what people decided, and which personal data they read, is still what it was.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Audit {
    /// Compute the audit chains anew from the rows as they are now, and compare them with the signed checkpoints.
    ///
    /// Names the first bad record of each service: a row that was changed or is gone, a link that was changed, taken out or
    /// moved, a chain that was cut or computed anew, a row that was put in behind the service's back, a customer's key or a
    /// legal hold that is not what was decided about it, a settlement that is not what finance was told, a ledger or stock that is
    /// not the sum of its movements, an order line that is not what was recorded. Links after the last
    /// checkpoint (see `newer`) can be cut unnoticed: audit.every says for how long.
    ///
    /// A database that was restored from a backup does not have what was signed after it: that is found too, rightly, and
    /// the service signs nothing more. Once somebody has looked into it, keep the file of checkpoints elsewhere as evidence
    /// of what was lost, and take it out of the folder: the service begins a new one.
    Verify(Verify),
    /// Print the public half of a key that signs checkpoints, as `--keys` wants it.
    Key {
        /// The file that audit.key_file names: Ed25519, PKCS #8 as DER.
        file: PathBuf,
    },
}

/// What is verified, against what.
#[derive(Clone, Debug, clap::Args)]
pub struct Verify {
    /// Only this service.
    #[arg(long)]
    pub service: Option<String>,
    /// Folder with the checkpoints, as audit.checkpoints names it, or a copy; repeat it if replicas have folders of their
    /// own. Without it that of the installation on this machine.
    #[arg(long, value_name = "FOLDER")]
    pub checkpoints: Vec<PathBuf>,
    /// File with the public keys: 64 hexadecimal digits a line, with the name of a service before them if the key is of
    /// that service only. Without it that of the installation on this machine.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// How long a row may wait to be sealed, and a link to be signed.
    #[arg(long, default_value = "10m")]
    pub grace: SignedDuration,
}

/// Prints a public key.
pub fn key(file: &Path) -> Result<()> {
    let bytes = fs::read(file)
        .map_err(|error| Failure::Unavailable(format!("the key cannot be read: {}: {error}", file.display())))?;
    let public = public_key(&bytes);
    let public =
        public.ok_or_else(|| Failure::Malformed(format!("{} is not an Ed25519 key in PKCS #8", file.display())))?;
    output::line(hex(&public))
}

/// Verifies the chains.
pub async fn verify(command: Verify, session: &Session) -> Result<()> {
    let secrets = session.installation.secrets.as_deref().map(Secrets::open);
    let missing = |option: &str| Failure::Usage(format!("the installation is not of this machine: give {option}"));
    let keys = command.keys.clone().or_else(|| secrets.as_ref().map(Secrets::audit_keys));
    let keys = read_keys(&keys.ok_or_else(|| missing("--keys"))?)?;
    let mut folders = command.checkpoints.clone();
    if folders.is_empty() {
        folders.push(secrets.as_ref().map(Secrets::checkpoints).ok_or_else(|| missing("--checkpoints"))?);
    }
    let services: Vec<String> = match &command.service {
        Some(service) => vec![service.clone()],
        None => session.clients.services().map(str::to_owned).collect(),
    };
    let mut results = Vec::new();
    for service in services {
        let own: Vec<Vec<u8>> =
            keys.iter().filter(|(of, _)| of.is_empty() || *of == service).map(|(_, key)| key.clone()).collect();
        let result = chain(&service, &own, &folders, command.grace, session).await;
        results.push((service.clone(), result.with_context(|| format!("{service} cannot be verified"))?));
    }
    tell(&results, session)
}

fn tell(results: &[(String, Result<Summary, Finding>)], session: &Session) -> Result<()> {
    let bad: Vec<String> =
        results.iter().filter_map(|(service, result)| Some(format!("{service}: {}", result.as_ref().err()?))).collect();
    if session.output.is_json() {
        let services: Vec<Value> = results.iter().map(|(service, result)| as_json(service, result)).collect();
        output::json(&json!({ "ok": bad.is_empty(), "services": services }))?;
    } else {
        let mut table = table(["service", "links", "checkpoints", "signed", "newer", "waiting", "result"]);
        for (service, result) in results {
            let numbers = |summary: &Summary| {
                let Summary { links, checkpoints, signed, newer, waiting, .. } = summary;
                [*links, *checkpoints, *signed, *newer, *waiting].map(|number| number.to_string())
            };
            let [links, checkpoints, signed, newer, waiting] = result.as_ref().map(numbers).unwrap_or_default();
            let result = result.as_ref().map_or_else(word, |_| "valid".to_owned());
            table.add_row([service.clone(), links, checkpoints, signed, newer, waiting, result]);
        }
        output::line(table)?;
    }
    if bad.is_empty() { Ok(()) } else { Err(Failure::Tampered(bad).into()) }
}

fn word(finding: &Finding) -> String {
    serde_json::to_value(finding.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default()
}

fn as_json(service: &str, result: &Result<Summary, Finding>) -> Value {
    match result {
        Ok(summary) => json!({ "service": service, "ok": true, "chain": summary }),
        Err(finding) => json!({ "service": service, "ok": false, "first_bad": finding }),
    }
}

/// Verifies the chain of a service. The checkpoints are read first: the chain only grows.
async fn chain(
    service: &str,
    keys: &[Vec<u8>],
    folders: &[PathBuf],
    grace: SignedDuration,
    session: &Session,
) -> Result<Result<Summary, Finding>> {
    let files = read_files(service, folders)?;
    let mut verifier = match Verifier::new(service, keys, &files, grace) {
        Ok(verifier) => verifier,
        Err(finding) => return Ok(Err(finding)),
    };
    let mut operations = session.clients.operations(service)?;
    let mut after = 0;
    if let Err(finding) = links(&mut operations, &mut verifier, &mut after).await? {
        return Ok(Err(finding));
    }
    if let Err(finding) = verifier.end(now()) {
        return Ok(Err(finding));
    }
    let mut request = ListUnsealedRequest { page_size: PAGE, page_token: String::new() };
    loop {
        let page = operations.list_unsealed(Request::new(request.clone())).await?.into_inner();
        for row in page.rows {
            if let Err(finding) = verifier.unsealed(&row.source, row.tx, row.row_id, row.age_ms) {
                return Ok(Err(finding));
            }
        }
        if let Some(row) = page.differing.first() {
            return Ok(Err(verifier.differs(&row.source, row.row_id, &row.what)));
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    // What was sealed while the rows were looked at.
    Ok(links(&mut operations, &mut verifier, &mut after).await?.map(|()| verifier.summary()))
}

/// Walks along the links after a number, to the last one.
async fn links(
    operations: &mut OperationsServiceClient<Wire>,
    verifier: &mut Verifier,
    after: &mut u64,
) -> Result<Result<(), Finding>> {
    loop {
        let request = ReadAuditRequest { after: *after, page_size: PAGE };
        let page = operations.read_audit(Request::new(request)).await?.into_inner();
        let Some(last) = page.links.last() else { return Ok(Ok(())) };
        *after = last.number.max(*after + 1);
        if let Err(finding) = page.links.iter().try_for_each(|link| verifier.wire_link(link)) {
            return Ok(Err(finding));
        }
    }
}

/// Lines of public keys, each with the service it is of; empty: of any.
fn read_keys(file: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::Unavailable(format!("the public keys cannot be read: {}: {error}", file.display()))
    })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys = lines.map(|line| {
        let (service, key) = line.rsplit_once(char::is_whitespace).unwrap_or(("", line));
        let key = unhex::<32>(key).map(|key| (service.trim().to_owned(), key.to_vec()));
        key.ok_or_else(|| Failure::Malformed(format!("{}: {line:?} is not a public key", file.display())).into())
    });
    keys.collect()
}

fn read_files(service: &str, folders: &[PathBuf]) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for folder in folders {
        let file = folder.join(format!("{service}.jsonl"));
        match fs::read(&file) {
            // What is not text cannot be read as a checkpoint either, and is found to be none.
            Ok(bytes) => files.push((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound && folder.is_dir() => {}
            Err(error) => {
                let what = format!("the checkpoints cannot be read: {}: {error}", file.display());
                return Err(Failure::Unavailable(what).into());
            }
        }
    }
    Ok(files)
}

#[expect(clippy::disallowed_methods, reason = "whoever verifies has a clock of his own")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_a_service_or_of_any() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let key = "ab".repeat(32);
        fs::write(file.path(), format!("# ours\nintake {key}\n\n {key}\n")).unwrap();
        let keys = read_keys(file.path()).unwrap();
        assert_eq!(keys.iter().map(|(service, _)| service.as_str()).collect::<Vec<_>>(), ["intake", ""]);
        assert!(keys.iter().all(|(_, key)| *key == [0xab; 32]));
        fs::write(file.path(), "intake abc").unwrap();
        assert!(read_keys(file.path()).is_err());
    }
}
