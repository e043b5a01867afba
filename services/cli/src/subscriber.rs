//! `redress subscriber`: what the broker must know of somebody who reads the public streams.

use anyhow::Result;
use chassis::topology::{self, CONSUMERS_OF_ONE, OPERATOR, SUBSCRIBER};
use clap::Args;
use serde_json::json;

use crate::exit::Failure;
use crate::output::{self, Output};

/// Print the account of a subscriber of the public streams, for the configuration of the broker.
///
/// It goes into `accounts` of the broker's configuration, beside that of `users.conf`. The subscriber has four consumers on
/// each public stream under names of its own, and finds JetStream as the domain that is called as the prefix.
#[derive(Clone, Debug, Args)]
pub struct Subscriber {
    /// Its name, as `warehouse`: its user, and the beginning of the names of its consumers.
    pub name: String,
    /// First token of the subjects of the installation.
    #[arg(long, default_value = "redress")]
    pub prefix: String,
}

/// Prints it.
pub fn run(command: &Subscriber, output: Output) -> Result<()> {
    let Subscriber { name, prefix } = command;
    for (what, text) in [("NAME", name), ("--prefix", prefix)] {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=24).contains(&text.len()) && text.bytes().all(fits);
        anyhow::ensure!(is_name, Failure::Usage(format!("{what} must have 1 to 24 characters of a-z, 0-9 and hyphen")));
    }
    let taken = topology::users(prefix).into_iter().map(|user| user.name).filter(|user| user != SUBSCRIBER);
    let is_taken = taken.chain([OPERATOR.to_owned()]).any(|user| user == *name);
    anyhow::ensure!(!is_taken, Failure::Usage(format!("{name} is a user of the installation itself")));
    let user = topology::subscriber(prefix, name);
    let password = format!("$REDRESS_NATS_{}", name.to_uppercase().replace('-', "_"));
    let configuration = topology::guest(prefix, &user, &password);
    if !output.is_json() {
        return output::line(configuration.trim_end());
    }
    let consumers: Vec<String> = (1..=CONSUMERS_OF_ONE).map(|number| format!("{name}-{number}")).collect();
    output::json(&json!({
        "user": user.name,
        "account": user.account,
        "domain": prefix,
        "consumers": consumers,
        "inbox": topology::inbox(name),
        "configuration": configuration,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sr27_a_subscriber_has_a_name_that_nobody_else_has() {
        let run = |name: &str, prefix: &str| {
            run(&Subscriber { name: name.to_owned(), prefix: prefix.to_owned() }, Output::Json)
        };
        run("warehouse", "redress").unwrap();
        run("warehouse-2", "shop").unwrap();
        for (name, prefix) in [
            ("intake", "redress"),
            ("provisioner", "redress"),
            ("observer", "redress"),
            ("A", "redress"),
            ("a.>", "redress"),
            ("a", "b.c"),
            ("", "redress"),
        ] {
            assert!(run(name, prefix).is_err(), "{name} {prefix}");
        }
    }
}
