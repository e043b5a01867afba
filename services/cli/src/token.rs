//! `redress token`: who somebody is, for an installation of this machine.

use std::time::Duration;

use anyhow::Result;
use jiff::SignedDuration;
use local::secrets::Who;
use serde_json::json;

use crate::exit::Failure;
use crate::global::Global;
use crate::identity::Minter;
use crate::installation::Installation;
use crate::output;

/// Longest life of a token.
const TTL_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Print a bearer token for the installation that runs on this machine.
///
/// It is signed by the key that `redress up` made, which only this user can read. Send it as `authorization: Bearer …`, or
/// give it to other commands by REDRESS_TOKEN.
#[derive(Clone, Debug, clap::Args)]
pub struct Token {
    /// A role, as supervisor; repeat it, or separate several by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    pub role: Vec<String>,
    /// Who it is, as `anna`: written into the history. Without it the first role.
    #[arg(long)]
    pub subject: Option<String>,
    /// The customer whose claims a caller with the role customer may see and change.
    #[arg(long)]
    pub customer: Option<String>,
    /// How long it holds, as 15m or 8h.
    #[arg(long, default_value = "1h")]
    pub ttl: SignedDuration,
}

/// Prints it.
pub fn run(command: &Token, global: &Global) -> Result<()> {
    let ttl = Duration::try_from(command.ttl).ok().filter(|_| !command.ttl.is_zero() && command.ttl <= TTL_MAX);
    let ttl = ttl.ok_or_else(|| Failure::Usage("--ttl must be more than nothing and at most 720h".to_owned()))?;
    let installation = Installation::find(global.stack.as_deref())?;
    let minter = Minter::new(installation.secrets.as_deref().ok_or_else(Minter::missing)?);
    let roles: Vec<&str> = command.role.iter().map(String::as_str).collect();
    let subject = command.subject.as_deref().or(global.actor.as_deref()).unwrap_or(roles[0]);
    let customer = command.customer.as_deref().or(global.as_customer.as_deref());
    let token = minter.token_for(&Who { subject, roles: &roles, customer, ttl })?;
    if global.output.is_json() { output::json(&json!({ "token": token })) } else { output::line(token) }
}
