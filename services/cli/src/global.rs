//! What every command takes.

use std::path::PathBuf;

use crate::output::Output;
use crate::trust::Trust;

/// What every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Global {
    /// Tables for people, JSON for scripts.
    #[arg(long, global = true, value_enum, default_value_t, env = "REDRESS_OUTPUT")]
    pub output: Output,
    /// Bearer token of who asks. Without one, a token is made with the key of the installation, if it runs on this machine.
    #[arg(long, global = true, env = "REDRESS_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// File with the token.
    #[arg(long, global = true, env = "REDRESS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// For whom a token is made, as `anna`: written into the history.
    #[arg(long, global = true, env = "REDRESS_ACTOR")]
    pub actor: Option<String>,
    /// The roles of that token, with commas, as `supervisor,finance`; without it those that the command needs.
    #[arg(long, global = true, env = "REDRESS_ROLES")]
    pub roles: Option<String>,
    /// The customer of that token, if its role is customer: own claims only.
    #[arg(long, global = true, env = "REDRESS_CUSTOMER", value_name = "REFERENCE")]
    pub as_customer: Option<String>,
    /// Certificates, for services that speak TLS.
    #[command(flatten)]
    pub trust: Trust,
    /// File with the JSON line of `redress up`; without it the variable REDRESS_ENDPOINTS (the same JSON, or only
    /// `{"intake":"http://…",…}`) counts, then what `redress up` of this user left behind.
    #[arg(long, global = true, env = "REDRESS_STACK")]
    pub stack: Option<PathBuf>,
    /// UUID that names this request: the same request again with the same id changes nothing and gets the same answer.
    #[arg(long, global = true)]
    pub request_id: Option<String>,
}
