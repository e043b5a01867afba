//! Links: black, cut, one-way, flapping, slow; deliveries repeated and overtaken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use std::sync::atomic::Ordering;

use super::{Act, Fault, Stage};
use crate::proxy::{Mode, Proxy, Way};
use crate::rig::process::Process;

pub(super) const FAULTS: [Fault; 13] = [
    Fault::new(
        "F09p",
        "black-hole links to PostgreSQL: one service, then all",
        "G20 P32",
        Act::Do(|stage| Box::pin(black_postgres(stage))),
    )
    .in_quick(),
    Fault::new(
        "F09n",
        "black-hole links to NATS: one service, then all",
        "G20 P14",
        Act::Do(|stage| Box::pin(black_nats(stage))),
    )
    .in_every(),
    Fault::new(
        "F09g",
        "black-hole the links of callers, one service after the other",
        "G20 P41",
        Act::Do(|stage| Box::pin(black_callers(stage))),
    ),
    Fault::new("F09r", "reset links at random, all kinds", "G1-G9", Act::Do(|stage| Box::pin(resets(stage)))),
    Fault::new("F09u", "refuse links at random, all kinds", "G1-G9", Act::Do(|stage| Box::pin(refusals(stage)))),
    Fault::new(
        "F09o",
        "one-way links: what services say is lost, then what they are told",
        "G20",
        Act::Do(|stage| Box::pin(one_way(stage))),
    ),
    Fault::new("F09f", "links flap every 200 ms", "G1-G9", Act::Do(|stage| Box::pin(flaps(stage)))),
    Fault::new(
        "F09c",
        "cut links to PostgreSQL right after a commit was sent",
        "G1 G2 P36",
        Act::Do(|stage| Box::pin(commits(stage))),
    ),
    Fault::new(
        "F09b",
        "cut every link after 64 KiB, again and again",
        "G1-G9",
        Act::Do(|stage| Box::pin(bytes(stage))),
    ),
    Fault::new("F11", "slow network: 100 ms and up to 50 more, 64 kB/s", "G21", Act::Do(|stage| Box::pin(slow(stage)))),
    Fault::new("F20p", "a third of all deliveries come twice", "G6", Act::Do(|stage| Box::pin(repeats(stage)))),
    Fault::new("F20a", "half of all acknowledgements are lost", "G6", Act::Do(|stage| Box::pin(lost_acks(stage)))),
    Fault::new(
        "F21",
        "deliveries are held for up to 2 s and overtake each other",
        "G7",
        Act::Do(|stage| Box::pin(reorders(stage))),
    ),
];

/// Long enough that nobody gets away without noticing, short enough that connections of those who do not are kept.
const BLACK: u64 = 8000;

async fn black_postgres(stage: &mut Stage) -> Result<()> {
    black(stage, "PostgreSQL", |process| process.postgres.clone()).await
}

async fn black_nats(stage: &mut Stage) -> Result<()> {
    black(stage, "NATS", |process| process.nats.clone()).await
}

async fn black(stage: &mut Stage, server: &str, link: fn(&Process) -> Proxy) -> Result<()> {
    let mut processes: Vec<Arc<Process>> = stage.rig.all().to_vec();
    stage.random.shuffle(&mut processes);
    for (name, some) in [(processes[0].to_string(), &processes[..1]), ("all services".to_owned(), &processes[..])] {
        let what = format!("black hole between {name} and {server}");
        stage.begin(&what)?;
        some.iter().for_each(|process| link(process).set(Mode::BlackHole));
        stage.pass(BLACK).await;
        some.iter().for_each(|process| link(process).set(Mode::Pass));
        stage.end(&what)?;
        let begun = Instant::now();
        let ready = stage.rig.wait_ready(Duration::from_secs(15)).await;
        ensure!(ready.is_ok(), "not ready 15 s after the link to {server} was whole again (P32)");
        while begun.elapsed() < Duration::from_secs(2) {
            stage.pass(100).await;
        }
    }
    Ok(())
}

async fn black_callers(stage: &mut Stage) -> Result<()> {
    let services: Vec<String> = stage.rig.endpoints().into_keys().collect();
    for service in services {
        let Some(front) = stage.rig.front(&service).cloned() else { continue };
        let what = format!("black hole between callers and {service}");
        stage.begin(&what)?;
        front.set(Mode::BlackHole);
        stage.pass(4000).await;
        front.set(Mode::Pass);
        stage.end(&what)?;
    }
    Ok(())
}

fn links(stage: &Stage) -> Vec<(String, Proxy)> {
    let mut links = Vec::new();
    for process in stage.rig.all() {
        links.push((format!("{process} and PostgreSQL"), process.postgres.clone()));
        links.push((format!("{process} and NATS"), process.nats.clone()));
    }
    for service in stage.rig.endpoints().into_keys() {
        if let Some(front) = stage.rig.front(&service) {
            links.push((format!("callers and {service}"), front.clone()));
        }
    }
    links
}

async fn resets(stage: &mut Stage) -> Result<()> {
    at_random(stage, &Mode::Reset, 300).await
}

async fn refusals(stage: &mut Stage) -> Result<()> {
    at_random(stage, &Mode::Refuse, 1500).await
}

async fn at_random(stage: &mut Stage, mode: &Mode, most: u64) -> Result<()> {
    let links = links(stage);
    let begun = Instant::now();
    while stage.goes_on(begun, 25) {
        // One, or several at once.
        let count = if stage.random.percent(30) { stage.random.between(2, 5) } else { 1 };
        let picked: Vec<_> = (0..count).filter_map(|_| stage.random.pick(&links).cloned()).collect();
        let names: Vec<_> = picked.iter().map(|(name, _)| name.as_str()).collect();
        let what = format!("{mode:?} between {}", names.join(", "));
        stage.begin(&what)?;
        picked.iter().for_each(|(_, link)| link.set(mode.clone()));
        let long = stage.random.between(50, most);
        stage.pass(long).await;
        picked.iter().for_each(|(_, link)| link.set(Mode::Pass));
        stage.end(&what)?;
        let pause = stage.random.between(100, 800);
        stage.pass(pause).await;
    }
    Ok(())
}

async fn one_way(stage: &mut Stage) -> Result<()> {
    for way in [Way::Up, Way::Down] {
        for server in ["PostgreSQL", "NATS"] {
            let Some(process) = stage.random.pick(stage.rig.all()).cloned() else { continue };
            let link = if server == "NATS" { &process.nats } else { &process.postgres };
            let what = format!("{way:?} is swallowed between {process} and {server}");
            stage.begin(&what)?;
            link.set(Mode::Swallow(way));
            stage.pass(6000).await;
            link.set(Mode::Pass);
            stage.end(&what)?;
        }
    }
    Ok(())
}

async fn flaps(stage: &mut Stage) -> Result<()> {
    let links = links(stage);
    let begun = Instant::now();
    stage.begin("links flap")?;
    while stage.goes_on(begun, 12) {
        for mode in [Mode::Reset, Mode::Pass] {
            links.iter().for_each(|(_, link)| link.set(mode.clone()));
            stage.pass(200).await;
        }
    }
    stage.end("links flap")
}

/// Sets a mode for some seconds on all links of one kind.
async fn for_a_while(
    stage: &mut Stage,
    what: &str,
    mode: Mode,
    seconds: u64,
    link: fn(&Process) -> &Proxy,
) -> Result<()> {
    stage.begin(what)?;
    stage.rig.all().iter().for_each(|process| link(process).set(mode.clone()));
    let begun = Instant::now();
    while stage.goes_on(begun, seconds) {
        stage.pass(100).await;
    }
    stage.rig.all().iter().for_each(|process| link(process).set(Mode::Pass));
    stage.end(what)
}

async fn commits(stage: &mut Stage) -> Result<()> {
    for_a_while(stage, "cut at COMMIT", Mode::CutAtCommit(7), 15, |process| &process.postgres).await?;
    let seen: u64 =
        stage.rig.all().iter().map(|process| process.postgres.passed().commits.load(Ordering::Relaxed)).sum();
    ensure!(seen >= 7, "the proxies saw {seen} commits: none was cut");
    Ok(())
}

async fn bytes(stage: &mut Stage) -> Result<()> {
    stage.begin("cut after 64 KiB")?;
    stage.rig.set_links(&Mode::CutAfter(64 * 1024));
    let begun = Instant::now();
    while stage.goes_on(begun, 15) {
        stage.pass(100).await;
    }
    stage.rig.set_links(&Mode::Pass);
    stage.end("cut after 64 KiB")
}

async fn slow(stage: &mut Stage) -> Result<()> {
    let delay = Duration::from_millis(100);
    let mode = Mode::Slow { delay, jitter: delay / 2, bytes_per_second: Some(64_000) };
    stage.begin("slow network")?;
    stage.rig.set_links(&mode);
    let begun = Instant::now();
    while stage.goes_on(begun, 20) {
        stage.pass(100).await;
    }
    stage.rig.set_links(&Mode::Pass);
    stage.end("slow network")
}

async fn repeats(stage: &mut Stage) -> Result<()> {
    for_a_while(stage, "deliveries twice", Mode::Repeat(30), 30, |process| &process.nats).await?;
    tampered(stage)
}

async fn lost_acks(stage: &mut Stage) -> Result<()> {
    for_a_while(stage, "acknowledgements lost", Mode::LoseAcks(50), 20, |process| &process.nats).await?;
    tampered(stage)
}

async fn reorders(stage: &mut Stage) -> Result<()> {
    for_a_while(stage, "deliveries overtake", Mode::Reorder(Duration::from_secs(2)), 30, |process| &process.nats)
        .await?;
    tampered(stage)
}

/// A fault that touched nothing shows nothing.
fn tampered(stage: &Stage) -> Result<()> {
    let each = stage.rig.all().iter().map(|process| process.nats.passed().tampered.load(Ordering::Relaxed));
    ensure!(each.sum::<u64>() > 0, "the proxies found nothing to tamper with");
    Ok(())
}
