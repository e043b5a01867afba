//! NATS: stopped, killed, paused, robbed of its memory.

use std::time::Duration;

use anyhow::Result;

use super::{Act, Fault, Stage};
use crate::rig::broker::Loss;

pub(super) const FAULTS: [Fault; 9] = [
    Fault::new("F05", "kill -9 NATS, twice", "G3 G5-G8", Act::Do(|stage| Box::pin(killed(stage)))).in_quick(),
    Fault::new("F05t", "restart NATS in order", "G3 G5-G8", Act::Do(|stage| Box::pin(ended(stage)))),
    Fault::new("F05s", "pause NATS for 20 s", "G3 G5-G8", Act::Do(|stage| Box::pin(paused(stage)))),
    Fault::new("F06", "kill -9 NATS right after acknowledgements", "G6", Act::Do(|stage| Box::pin(after_acks(stage)))),
    Fault::new(
        "F07",
        "NATS loses its newest messages: the whole store is older",
        "G6-G8 P01-P03",
        Act::Do(|stage| Box::pin(whole(stage))),
    )
    .in_quick(),
    Fault::new(
        "F07m",
        "NATS loses its newest messages, its consumers do not",
        "G6-G8 P01-P03",
        Act::Do(|stage| Box::pin(messages(stage))),
    ),
    Fault::new(
        "F07s",
        "NATS loses the newest messages of one stream",
        "G6-G8 P01-P03",
        Act::Do(|stage| Box::pin(stream(stage))),
    ),
    Fault::new(
        "F07t",
        "NATS finds the last block of each stream cut off",
        "G6-G8 P01-P03",
        Act::Do(|stage| Box::pin(tail(stage))),
    ),
    Fault::new(
        "F08",
        "the store of NATS is destroyed, then rebuilt",
        "G17 P13",
        Act::Do(|stage| Box::pin(destroyed(stage))),
    ),
];

async fn killed(stage: &mut Stage) -> Result<()> {
    for down in [200, 5000] {
        stage.begin("kill NATS")?;
        stage.rig.kill_nats();
        stage.pass(down).await;
        stage.rig.start_nats().await?;
        stage.end("kill NATS")?;
        stage.pass(4000).await;
    }
    Ok(())
}

async fn ended(stage: &mut Stage) -> Result<()> {
    for _ in 0..2 {
        stage.begin("restart NATS")?;
        stage.rig.stop_nats().await?;
        stage.pass(500).await;
        stage.rig.start_nats().await?;
        stage.end("restart NATS")?;
        stage.pass(4000).await;
    }
    Ok(())
}

async fn paused(stage: &mut Stage) -> Result<()> {
    stage.begin("pause NATS")?;
    stage.rig.pause_nats()?;
    stage.pass(20_000).await;
    stage.rig.resume_nats()?;
    stage.end("pause NATS")
}

async fn after_acks(stage: &mut Stage) -> Result<()> {
    for _ in 0..5 {
        let more = stage.random.between(50, 200);
        stage.rig.wait_acks(more, Duration::from_secs(5)).await;
        stage.begin("kill NATS after acknowledgements")?;
        stage.rig.kill_nats();
        stage.rig.start_nats().await?;
        stage.end("kill NATS after acknowledgements")?;
        stage.pass(1500).await;
    }
    Ok(())
}

async fn whole(stage: &mut Stage) -> Result<()> {
    lose(stage, Loss::Whole).await?;
    stage.pass(3000).await;
    lose(stage, Loss::Whole).await
}

async fn messages(stage: &mut Stage) -> Result<()> {
    lose(stage, Loss::Messages).await
}

async fn stream(stage: &mut Stage) -> Result<()> {
    for stream in ["EVENTS", "COMMANDS", "CLAIMS"] {
        lose(stage, Loss::Stream(stream)).await?;
        stage.pass(2000).await;
    }
    Ok(())
}

async fn tail(stage: &mut Stage) -> Result<()> {
    let bytes = stage.random.between(100, 20_000);
    lose(stage, Loss::Tail(bytes)).await
}

/// The disk holds what NATS had a while ago: 1 to 3 seconds were acknowledged and are gone.
async fn lose(stage: &mut Stage, loss: Loss) -> Result<()> {
    let snapshot = stage.rig.snapshot_nats().await?;
    let while_ago = stage.random.between(1000, 3000);
    stage.pass(while_ago).await;
    let what = format!("NATS loses {while_ago} ms: {loss:?}");
    stage.begin(&what)?;
    stage.rig.kill_nats();
    stage.rig.lose_nats(&snapshot, loss).await?;
    stage.rig.start_nats().await?;
    stage.end(&what)
}

async fn destroyed(stage: &mut Stage) -> Result<()> {
    stage.begin("NATS loses everything")?;
    stage.rig.kill_nats();
    stage.rig.destroy_nats().await?;
    stage.rig.start_nats().await?;
    stage.pass(1000).await;
    stage.rig.rebuild().await?;
    stage.end("NATS loses everything")
}
