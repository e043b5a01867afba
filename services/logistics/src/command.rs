//! What can be asked of logistics: a command of one of its nouns.

use chassis::Malformed;
use proto::logistics::LogisticsCommand;
use proto::logistics::logistics_command::Kind as Asked;
use proto::{Job, Subject};

use crate::shipment::domain::Direction;
use crate::{shipment, visit};

/// A command of a noun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// About parcels.
    Shipment(shipment::domain::Command),
    /// About technicians and visits.
    Visit(visit::domain::Command),
}

impl From<shipment::domain::Command> for Command {
    fn from(command: shipment::domain::Command) -> Self {
        Self::Shipment(command)
    }
}

impl From<visit::domain::Command> for Command {
    fn from(command: visit::domain::Command) -> Self {
        Self::Visit(command)
    }
}

/// Reads a command of the orchestrator.
pub fn read(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: LogisticsCommand = chassis::read("redress.logistics.v1.LogisticsCommand", subject, payload)?;
    let job = message.job.ok_or_else(|| Malformed("the command names no job".to_owned()))?;
    let kind = message.kind.ok_or_else(|| Malformed("the command says not what to do".to_owned()))?;
    let job = Job::try_from(&job).map_err(|wrong| Malformed(wrong.to_string()))?;
    let policy_version = message.policy_version;
    Ok(match kind {
        Asked::Ship(ask) => shipment::events::ship(job, ask, policy_version)?.into(),
        Asked::Collect(ask) => shipment::events::collect(job, ask, policy_version)?.into(),
        Asked::CancelShipment(_) => shipment::events::cancel(job, Direction::Outbound).into(),
        Asked::CancelCollection(_) => shipment::events::cancel(job, Direction::Return).into(),
        Asked::ArrangeVisit(ask) => visit::events::arrange(job, ask)?.into(),
        Asked::CancelVisit(_) => visit::events::call_off(job).into(),
    })
}
