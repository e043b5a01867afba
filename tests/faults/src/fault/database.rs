//! PostgreSQL: restarted, killed, used up.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::{Act, Fault, Stage};
use local::SERVICES;

pub(super) const FAULTS: [Fault; 6] = [
    Fault::new("F04", "restart PostgreSQL (fast)", "G1-G4 P32", Act::Do(|stage| Box::pin(fast(stage)))).in_quick(),
    Fault::new("F04i", "restart PostgreSQL (immediate)", "G1-G4 P32", Act::Do(|stage| Box::pin(immediate(stage)))),
    Fault::new("F04k", "kill -9 PostgreSQL with its backends", "G1-G4 P32", Act::Do(|stage| Box::pin(killed(stage)))),
    Fault::new("F04b", "kill -9 one backend of each service", "G1-G4", Act::Do(|stage| Box::pin(backends(stage)))),
    Fault::new("F13", "one connection per pool", "G21 P34", Act::Do(|stage| Box::pin(nothing(stage)))).prepared(
        |options| {
            options.settings.push(("LANES__COUNT".to_owned(), "1".to_owned()));
            options.settings.push(("DATABASE__READS".to_owned(), "1".to_owned()));
        },
    ),
    Fault::new(
        "F13c",
        "every connection of PostgreSQL is taken, idle in a transaction",
        "G21 P34",
        Act::Do(|stage| Box::pin(taken(stage))),
    )
    .prepared(|options| options.max_connections = 150),
];

async fn fast(stage: &mut Stage) -> Result<()> {
    restarts(stage, false).await
}

async fn immediate(stage: &mut Stage) -> Result<()> {
    restarts(stage, true).await
}

async fn restarts(stage: &mut Stage, immediate: bool) -> Result<()> {
    for _ in 0..2 {
        stage.begin("restart PostgreSQL")?;
        stage.rig.restart_postgres(immediate).await?;
        stage.end("restart PostgreSQL")?;
        stage.pass(5000).await;
    }
    Ok(())
}

async fn killed(stage: &mut Stage) -> Result<()> {
    for down in [0, 4000] {
        stage.begin("kill PostgreSQL")?;
        stage.rig.kill_postgres();
        stage.pass(down).await;
        stage.rig.start_postgres().await?;
        stage.end("kill PostgreSQL")?;
        stage.pass(5000).await;
    }
    Ok(())
}

async fn backends(stage: &mut Stage) -> Result<()> {
    let mut services: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
    stage.random.shuffle(&mut services);
    for service in services {
        let what = format!("kill a backend of {service}");
        stage.begin(&what)?;
        stage.rig.kill_backend(service).await?;
        stage.end(&what)?;
        stage.pass(2500).await;
    }
    Ok(())
}

/// The rig itself is the fault.
async fn nothing(stage: &mut Stage) -> Result<()> {
    let begun = Instant::now();
    stage.begin("one connection per pool")?;
    while stage.goes_on(begun, 10) {
        stage.pass(100).await;
    }
    stage.end("one connection per pool")
}

async fn taken(stage: &mut Stage) -> Result<()> {
    stage.begin("no connection left")?;
    let taken = stage.rig.take_connections().await?;
    ensure!(taken.len() > 10, "only {} connections were to be had", taken.len());
    stage.pass(10_000).await;
    drop(taken);
    stage.end("no connection left")
}
