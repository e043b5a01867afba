//! Disks and streams that are full. Nothing acknowledged is lost; when there is room again, all drains.

use anyhow::Result;

use super::{Act, Fault, Stage};
use crate::rig::disk::Place;

pub(super) const FAULTS: [Fault; 4] = [
    Fault::new("F12a", "the disk of NATS is full", "G1-G8 P06", Act::OnSmallDisk(|stage| Box::pin(broker(stage))))
        .prepared(|options| {
            options.disk = Some((Place::Broker, 400));
            options.storage_mib = 100;
        }),
    Fault::new("F12b", "streams reach their limit", "G1-G8 P06", Act::Do(|stage| Box::pin(streams(stage))))
        .prepared(|options| options.storage_mib = 1),
    Fault::new(
        "F12c",
        "the disk of PostgreSQL's tables is full",
        "G1-G8",
        Act::OnSmallDisk(|stage| Box::pin(database(stage))),
    )
    .prepared(|options| options.disk = Some((Place::Heap, 400))),
    Fault::new(
        "F12d",
        "the disk of PostgreSQL's log is full: it goes down",
        "G1-G8",
        Act::OnSmallDisk(|stage| Box::pin(database(stage))),
    )
    .prepared(|options| options.disk = Some((Place::Wal, 256))),
];

async fn full(stage: &mut Stage) -> Result<()> {
    if let Some(disk) = stage.rig.disk() {
        disk.fill()?;
    }
    stage.pass(8000).await;
    if let Some(disk) = stage.rig.disk() {
        disk.clear()?;
    }
    Ok(())
}

/// A broker that met a full disk must be started again: it turns JetStream off.
async fn broker(stage: &mut Stage) -> Result<()> {
    stage.begin("disk full")?;
    full(stage).await?;
    stage.rig.kill_nats();
    stage.rig.start_nats().await?;
    stage.end("disk full")
}

async fn streams(stage: &mut Stage) -> Result<()> {
    stage.begin("streams full")?;
    stage.pass(8000).await;
    // The operator gives them more.
    stage.rig.provision(local::stack::STORAGE_MIB).await?;
    stage.end("streams full")
}

async fn database(stage: &mut Stage) -> Result<()> {
    stage.begin("disk full")?;
    full(stage).await?;
    // It may have given up by itself; then it is started as an operator would.
    stage.rig.kill_postgres();
    stage.rig.start_postgres().await?;
    stage.end("disk full")
}
