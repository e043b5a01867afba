//! What can be asked of inventory: a command of one of its nouns.

use chassis::Malformed;
use proto::inventory::InventoryCommand;
use proto::inventory::inventory_command::Kind as Asked;
use proto::{Job, Subject};

use crate::{reservation, returns, stock};

/// A command of a noun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// About stock.
    Stock(stock::domain::Command),
    /// About reservations.
    Reservation(reservation::domain::Command),
    /// About returns.
    Return(returns::domain::Command),
}

impl From<stock::domain::Command> for Command {
    fn from(command: stock::domain::Command) -> Self {
        Self::Stock(command)
    }
}

impl From<reservation::domain::Command> for Command {
    fn from(command: reservation::domain::Command) -> Self {
        Self::Reservation(command)
    }
}

impl From<returns::domain::Command> for Command {
    fn from(command: returns::domain::Command) -> Self {
        Self::Return(command)
    }
}

/// Reads a command of the orchestrator.
pub fn read(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: InventoryCommand = chassis::read("redress.inventory.v1.InventoryCommand", subject, payload)?;
    let job = message.job.as_ref().ok_or_else(|| Malformed("the command names no job".to_owned()))?;
    let job = Job::try_from(job).map_err(|wrong| Malformed(wrong.to_string()))?;
    let kind = message.kind.ok_or_else(|| Malformed("the command says not what to do".to_owned()))?;
    Ok(match kind {
        Asked::Reserve(asked) => reservation::events::reserve(job, asked, message.policy_version)?.into(),
        Asked::Consume(_) => reservation::domain::Command::Consume(job).into(),
        Asked::Release(_) => reservation::domain::Command::Release(job).into(),
        Asked::ExpectReturn(asked) => returns::events::expect(job, asked)?.into(),
        Asked::CancelReturn(_) => returns::domain::Command::CancelReturn(job).into(),
    })
}
