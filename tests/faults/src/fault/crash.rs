//! Crash points: every place between two effects, in every service.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use nix::sys::signal::Signal;

use super::{Act, Fault, Stage};
use crate::random::Random;
use crate::rig::process::Process;

pub(super) const FAULTS: [Fault; 1] = [Fault::new(
    "F01c",
    "every crash point in every service, one after the other",
    "G1-G9",
    Act::Do(|stage| Box::pin(points_of_all(stage))),
)
.in_every()
.prepared(|options| {
    let file = options.folder.join("coverage.txt").display().to_string();
    options.variables.push(("REDRESS_CRASH_COVERAGE".to_owned(), file));
})];

/// The list, one point a line behind the crate it is in; a test compares it with the code.
const LIST: &str = include_str!("../../crash_points.txt");

/// How long a process may take to come to a point before the next is tried.
const PATIENCE: Duration = Duration::from_secs(6);

/// Every crash point: the crate, and its name.
pub fn points() -> Vec<(&'static str, &'static str)> {
    LIST.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.trim().split_once(' ')).collect()
}

async fn points_of_all(stage: &mut Stage) -> Result<()> {
    let list = points();
    ensure!(!list.is_empty(), "crash_points.txt names no point");
    stage.begin("crash points")?;
    let all = stage.rig.all().to_vec();
    let mut each = Vec::new();
    for process in all {
        let mut own: Vec<_> =
            list.iter().filter(|(home, _)| matches!(*home, "chassis") || *home == process.service).collect();
        let mut random = Random::new(stage.random.number());
        random.shuffle(&mut own);
        let own = own.into_iter().map(|(_, point)| (*point, random.between(1, 3))).collect();
        each.push((process, own));
    }
    let each = each.into_iter().map(|(process, own)| crash_at_each(stage, process, own));
    let reached: usize = try_join_all(each).await?.into_iter().sum();
    stage.end(&format!("crash points, {reached} crashes"))?;
    // Passed by any process of the run: a point that nobody ever comes to shows nothing.
    let passed = std::fs::read_to_string(stage.rig.folder().join("coverage.txt")).unwrap_or_default();
    let passed: BTreeSet<_> = passed.lines().collect();
    let missed: Vec<_> = list.iter().map(|(_, point)| *point).filter(|point| !passed.contains(point)).collect();
    ensure!(missed.is_empty(), "nobody came to the crash points {}", missed.join(", "));
    Ok(())
}

/// Gives how often it crashed.
async fn crash_at_each(stage: &Stage, process: Arc<Process>, points: Vec<(&'static str, u64)>) -> Result<usize> {
    let mut crashes = 0;
    for (point, times) in points {
        // What happens once in a life, or seldom, is made to happen; and then the first time counts.
        let times = if is_rare(point) { 1 } else { times };
        process.kill()?;
        process.with_extra(&[("REDRESS_CRASH_POINT", &format!("{point}:{times}"))]);
        process.start()?;
        process.leave_to_me();
        provoke(stage, &process, point).await;
        let begun = Instant::now();
        let patience = if stage.is_over() { PATIENCE / 4 } else { PATIENCE };
        while begun.elapsed() < patience {
            if let Some(status) = process.ended()? {
                crashes += usize::from(status.signal() == Some(Signal::SIGABRT as i32));
                break;
            }
            stage.pass(20).await;
        }
    }
    process.kill()?;
    process.with_extra(&[]);
    process.start()?;
    Ok(crashes)
}

fn is_rare(point: &str) -> bool {
    point.starts_with("run.") || point.starts_with("relay.rew") || point == "relay.leased"
}

/// Leads a process to a point that it does not come to by itself: its end in order, or a rewound relay.
async fn provoke(stage: &Stage, process: &Process, point: &str) {
    if !point.starts_with("run.") && !point.starts_with("relay.rew") {
        return;
    }
    let ready = async {
        while !process.is_ready() {
            stage.pass(20).await;
        }
    };
    if tokio::time::timeout(PATIENCE, ready).await.is_err() {
        return;
    }
    if point.starts_with("run.") {
        process.ask_to_end();
    } else {
        // It may crash before it answers.
        let _ = stage.rig.republish(process).await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The crash points of the code: each call of `crash::point` with its name, by crate.
    fn points_in_code(services: &Path) -> Result<BTreeSet<(String, String)>> {
        let mut found = BTreeSet::new();
        for service in std::fs::read_dir(services)? {
            let service = service?;
            let name = service.file_name().to_string_lossy().into_owned();
            collect(&service.path().join("src"), &name, &mut found)?;
        }
        Ok(found)
    }

    fn collect(folder: &Path, name: &str, found: &mut BTreeSet<(String, String)>) -> Result<()> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                collect(&path, name, found)?;
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path)?;
                let calls = text.split("crash::point(\"").skip(1).filter_map(|rest| rest.split_once('"'));
                found.extend(calls.map(|(point, _)| (name.to_owned(), point.to_owned())));
            }
        }
        Ok(())
    }

    #[test]
    fn the_list_is_that_of_the_code() {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let code = points_in_code(&home.join("../../services")).unwrap();
        let text: String = code.iter().map(|(home, point)| format!("{home} {point}\n")).collect();
        let file = home.join("crash_points.txt");
        if std::env::var_os("REDRESS_WRITE_TABLES").is_some() {
            let head: String =
                LIST.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
            std::fs::write(&file, head + &text).unwrap();
            return;
        }
        let list: BTreeSet<_> = points().into_iter().map(|(home, point)| (home.to_owned(), point.to_owned())).collect();
        assert_eq!(list, code, "run it with REDRESS_WRITE_TABLES=1 to write the list anew");
    }
}
