//! C14: SIGTERM ends a process in 25 s with exit code 0; after a fault it is ready within 15 s (G19, G20).

use std::collections::BTreeMap;

use crate::evidence::{Evidence, Violation};
use crate::log::Process;

const END_S: f64 = 25.0;
const READY_MS: u64 = 15_000;

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let windows = evidence.log.windows();
    let mut found = Vec::new();
    let mut replicas: BTreeMap<(&str, usize), Vec<&Process>> = BTreeMap::new();
    for line in &evidence.log.processes {
        replicas.entry((&line.service, line.replica)).or_default().push(line);
        found.extend(end(line, &windows).map(|what| Violation::general("C14", format!("{}: {what}", name(line)))));
    }
    for lines in replicas.values() {
        found.extend(readiness(lines, &windows));
    }
    found
}

fn name(line: &Process) -> String {
    format!("{} {}", line.service, line.replica)
}

/// How a process ended.
fn end(line: &Process, windows: &[(u64, u64)]) -> Option<String> {
    let was_asked = line.seconds > 0.0;
    match line.event.as_str() {
        "exited" if was_asked && line.code != Some(0) => Some(format!("exit code {:?} after SIGTERM", line.code)),
        "exited" if line.seconds > END_S => Some(format!("it took {:.1} s to end after SIGTERM", line.seconds)),
        "killed" if was_asked => Some(format!("it was still there {:.1} s after SIGTERM", line.seconds)),
        "exited" if !was_asked && !windows.iter().any(|(begin, end)| (*begin..=end + 1000).contains(&line.at_ms)) => {
            Some(format!("it ended by itself with code {:?}, and no fault acted", line.code))
        }
        _ => None,
    }
}

/// From the end of the last fault that touched it, or from its start, until it is ready.
fn readiness(lines: &[&Process], windows: &[(u64, u64)]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut since: Option<u64> = None;
    for (at, line) in lines.iter().enumerate() {
        match line.event.as_str() {
            "ready" => {
                let Some(begin) = since.take() else { continue };
                let by = ready_by(begin, line.at_ms, windows);
                if line.at_ms > by {
                    let what = format!("{}: ready {} ms later than allowed", name(line), line.at_ms - by);
                    found.push(Violation::general("C14", what));
                }
            }
            "killed" | "exited" => since = None,
            "started" => since = Some(line.at_ms),
            _ => since = since.or(Some(line.at_ms)),
        }
        if at + 1 == lines.len()
            && let Some(begin) = since
        {
            let what = format!("{}: it is not ready at the end", name(line));
            found.push(Violation::general("C14", what).unless_mended_by(ready_by(begin, u64::MAX, windows)));
        }
    }
    found
}

fn ready_by(begin: u64, ready: u64, windows: &[(u64, u64)]) -> u64 {
    let mut by = begin + READY_MS;
    for (from, to) in windows {
        // A fault that began while it was still allowed not to be ready.
        if *from <= by && *to >= begin && *from <= ready {
            by = by.max(to + READY_MS);
        }
    }
    by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Fault;
    use crate::sample;

    fn line(at_ms: u64, event: &str, code: Option<i32>, seconds: f64) -> Process {
        Process { at_ms, service: "intake".into(), replica: 0, event: event.into(), code, seconds }
    }

    fn found(lines: Vec<Process>, window: Option<(u64, u64)>) -> Vec<String> {
        let mut evidence = sample::good();
        evidence.log.processes = lines;
        if let Some((begin, end)) = window {
            let at = |at_ms, phase: &str| Fault { at_ms, phase: phase.into(), ..Fault::default() };
            evidence.log.faults = vec![at(begin, "begin"), at(end, "end")];
        }
        check(&evidence).into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn ends_in_order_and_out_of_order() {
        assert_eq!(found(vec![line(1, "exited", Some(0), 3.0)], None), Vec::<String>::new());
        assert_eq!(found(vec![line(1, "exited", Some(1), 3.0)], None).len(), 1);
        assert_eq!(found(vec![line(1, "exited", Some(0), 26.0)], None).len(), 1);
        assert_eq!(found(vec![line(1, "killed", None, 30.0)], None).len(), 1);
        assert_eq!(found(vec![line(1, "killed", None, 0.0)], None), Vec::<String>::new());
        assert_eq!(found(vec![line(5, "exited", Some(134), 0.0)], None).len(), 1);
        assert_eq!(found(vec![line(5, "exited", Some(134), 0.0)], Some((1, 9))), Vec::<String>::new());
    }

    #[test]
    fn ready_in_time_and_too_late() {
        let lines = |ready| vec![line(1_000, "unready", None, 0.0), line(ready, "ready", None, 0.0)];
        assert_eq!(found(lines(16_000), None), Vec::<String>::new());
        assert_eq!(found(lines(16_001), None).len(), 1);
        assert_eq!(found(lines(44_000), Some((500, 30_000))), Vec::<String>::new());
        assert_eq!(found(lines(45_001), Some((500, 30_000))).len(), 1);
        assert_eq!(found(vec![line(1_000, "started", None, 0.0)], None), ["intake 0: it is not ready at the end"]);
        assert_eq!(
            found(vec![line(1, "started", None, 0.0), line(2, "killed", None, 0.0)], None),
            Vec::<String>::new()
        );
    }
}
