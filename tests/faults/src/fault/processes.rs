//! Processes: killed, paused, rolled, starved.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::Value;

use super::{Act, Fault, Stage};
use crate::rig::process::{ORDERLY_END, Process};

pub(super) const FAULTS: [Fault; 8] = [
    Fault::new(
        "F01",
        "kill -9 a service, one after the other, at random moments",
        "G1-G9",
        Act::Do(|stage| Box::pin(victims(stage))),
    )
    .in_quick(),
    Fault::new("F02", "kill -9 all services together, twice", "G1-G9 G12 G13", Act::Do(|stage| Box::pin(all(stage)))),
    Fault::new(
        "F02d",
        "kill -9 all services, and start them when deadlines have passed",
        "G13",
        Act::Do(|stage| Box::pin(down_across_deadlines(stage))),
    ),
    Fault::new(
        "F03",
        "pause one of two replicas past its lease",
        "G6-G8 P24",
        Act::Do(|stage| Box::pin(paused(stage))),
    )
    .prepared(|options| options.replicas = 2),
    Fault::new(
        "F03d",
        "pause the orchestrator while deadlines pass",
        "G13",
        Act::Do(|stage| Box::pin(deadlines_pass(stage))),
    ),
    Fault::new("F17", "roll out: SIGTERM one replica at a time", "G18 G20", Act::Do(|stage| Box::pin(rolled(stage))))
        .in_every()
        .prepared(|options| options.replicas = 2)
        .judged(calls_that_failed),
    Fault::new("F17s", "SIGTERM the only process of each service", "G18", Act::Do(|stage| Box::pin(rolled(stage)))),
    Fault::new("F24", "64 open files per process (prlimit)", "G21", Act::Do(|stage| Box::pin(starved(stage)))),
];

async fn victims(stage: &mut Stage) -> Result<()> {
    let begun = Instant::now();
    let mut order: Vec<Arc<Process>> = stage.rig.all().to_vec();
    let mut round = 0;
    // Each service once at least, also when the workload is quick.
    while round == 0 || stage.goes_on(begun, 25) {
        stage.random.shuffle(&mut order);
        for victim in &order {
            if round > 0 && !stage.goes_on(begun, 25) {
                break;
            }
            let what = format!("kill {victim}");
            stage.begin(&what)?;
            victim.kill()?;
            let down = if stage.random.percent(20) { 3000 } else { stage.random.below(500) };
            stage.pass(down).await;
            victim.start()?;
            stage.end(&what)?;
            let pause = stage.random.between(300, 1200);
            stage.pass(pause).await;
        }
        round += 1;
    }
    Ok(())
}

async fn all(stage: &mut Stage) -> Result<()> {
    for _ in 0..2 {
        stage.begin("kill all")?;
        let mut order: Vec<Arc<Process>> = stage.rig.all().to_vec();
        for process in &order {
            process.kill()?;
        }
        stage.pass(1000).await;
        stage.random.shuffle(&mut order);
        for process in &order {
            process.start()?;
            let pause = stage.random.below(400);
            stage.pass(pause).await;
        }
        stage.end("kill all")?;
        stage.rig.wait_ready(Duration::from_secs(60)).await?;
        stage.pass(3000).await;
    }
    Ok(())
}

/// The clocks of the workload's policy run for one minute.
const ACROSS_DEADLINES: u64 = 66_000;

async fn down_across_deadlines(stage: &mut Stage) -> Result<()> {
    stage.begin("kill all")?;
    let all: Vec<Arc<Process>> = stage.rig.all().to_vec();
    for process in &all {
        process.kill()?;
    }
    stage.pass(ACROSS_DEADLINES).await;
    for process in &all {
        process.start()?;
    }
    stage.end("kill all")
}

/// Claims stand still, and their clocks run on: escalation itself is untouched, so it may not be late.
async fn deadlines_pass(stage: &mut Stage) -> Result<()> {
    let paused: Vec<_> = stage.rig.all().iter().filter(|process| process.service == "orchestrator").cloned().collect();
    stage.begin("pause the orchestrator")?;
    paused.iter().for_each(|process| process.pause());
    stage.pass(ACROSS_DEADLINES).await;
    paused.iter().for_each(|process| process.resume());
    stage.end("pause the orchestrator")
}

/// The first replicas, then the second: whoever leads, it is paused once.
async fn paused(stage: &mut Stage) -> Result<()> {
    for replica in 0..2 {
        let what = format!("pause replica {replica} of each service");
        let paused: Vec<_> = stage.rig.all().iter().filter(|process| process.replica == replica).cloned().collect();
        stage.begin(&what)?;
        paused.iter().for_each(|process| process.pause());
        stage.pass(14_000).await;
        paused.iter().for_each(|process| process.resume());
        stage.end(&what)?;
        stage.rig.wait_ready(Duration::from_secs(60)).await?;
        stage.pass(2000).await;
    }
    Ok(())
}

/// Every process anew, one at a time.
pub(super) async fn rolled(stage: &mut Stage) -> Result<()> {
    let mut order: Vec<Arc<Process>> = stage.rig.all().to_vec();
    stage.random.shuffle(&mut order);
    // The first replicas of all, then the second: never both of one service.
    order.sort_by_key(|process| process.replica);
    stage.begin("roll out")?;
    for process in order {
        let (code, took) = process.terminate().await?;
        ensure!(code == Some(0), "{process} ended with {code:?} after SIGTERM, {took:?}");
        ensure!(took < ORDERLY_END, "{process} took {took:?} to end");
        process.start()?;
        let ready = async {
            while !process.is_ready() {
                stage.pass(50).await;
            }
        };
        let ready = tokio::time::timeout(Duration::from_secs(30), ready).await;
        ensure!(ready.is_ok(), "{process} was not ready 30 s after its start: {}", process.last_words());
        // New connections have to find it.
        stage.pass(300).await;
    }
    stage.end("roll out")
}

/// A client without special logic gets through after two more tries, whatever is rolled (G18).
pub(super) fn calls_that_failed(log: &[Value]) -> Vec<String> {
    let mut tries: std::collections::BTreeMap<&str, (usize, &Value)> = std::collections::BTreeMap::new();
    for line in log.iter().filter(|line| line["kind"] == "call" && line["outcome"] == "unknown") {
        if let Some(request) = line["request_id"].as_str().filter(|request| !request.is_empty()) {
            let entry = tries.entry(request).or_insert((0, line));
            entry.0 += 1;
        }
    }
    let failed = tries.into_iter().filter(|(_, (count, _))| *count > 2);
    let failed = failed.map(|(request, (count, line))| {
        format!("{} {request} failed {count} times during a roll-out ({})", line["method"], line["code"])
    });
    failed.take(10).collect()
}

async fn starved(stage: &mut Stage) -> Result<()> {
    let all = stage.rig.all().to_vec();
    stage.begin("64 open files")?;
    for process in &all {
        process.with_files(64);
        process.kill()?;
        process.start()?;
    }
    stage.pass(2000).await;
    // Callers take what is left: 80 connections to each.
    let addresses: Vec<_> = all.iter().map(|process| process.grpc).collect();
    let connections =
        addresses.iter().flat_map(|address| (0..80).map(move |_| tokio::net::TcpStream::connect(*address)));
    let connections = join_all(connections).await;
    stage.pass(6000).await;
    drop(connections);
    stage.pass(2000).await;
    let dead: Vec<_> =
        all.iter().filter(|process| !matches!(process.ended(), Ok(None))).map(|p| p.to_string()).collect();
    ensure!(dead.is_empty(), "{} died of too few files", dead.join(", "));
    stage.end("64 open files")
}
