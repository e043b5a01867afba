//! S17: what costs a caller little and the service much. The service runs as a process of its own, so that its memory can
//! be measured; the attackers speak HTTP/2 by hand, from an address of their own; somebody honest asks all the while.
//! A program of its own: how long somebody honest waits is measured, so nothing else may run beside it.
#![allow(clippy::unwrap_used, reason = "what is not as it must be fails the test")]
#![expect(clippy::disallowed_methods, reason = "a test plays many callers")]

mod attack;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use proto::inventory::GetAvailabilityRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use testkit::{Home, Process, Somebody, Wire, actor};
use tonic::{Code, Status};

/// How much memory may grow.
const GROWTH_MAX_KIB: u64 = 64 * 1024;

/// Asks for something that is not there: an answer is an answer.
async fn ask(channel: &Wire) -> Result<Duration, Status> {
    let begun = Instant::now();
    let request = GetAvailabilityRequest { sku: "NONE".to_owned(), ..GetAvailabilityRequest::default() };
    let request = actor(request, "honest", &["warehouse"]);
    match InventoryServiceClient::new(channel.clone()).get_availability(request).await {
        Err(status) if status.code() != Code::NotFound => Err(status),
        Ok(_) | Err(_) => Ok(begun.elapsed()),
    }
}

/// Asks at a steady pace until it is told to end; gives how long each took, in order of length.
fn honest(channel: Wire) -> (Arc<AtomicBool>, tokio::task::JoinHandle<Vec<Duration>>) {
    let end = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&end);
    let asking = tokio::spawn(async move {
        let mut took = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            took.push(ask(&channel).await.expect("the others are served"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        took.sort();
        took
    });
    (end, asking)
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() * 99 / 100]
}

/// A line of `/proc/<pid>/status`, in KiB.
fn memory(pid: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|row| row.strip_prefix(line)).unwrap();
    found.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_little_bytes_and_much_work_are_refused_and_the_others_are_served() {
    let mut home = Home::new(&inventory::SERVICE).await;
    home.variables = vec![("TELEMETRY__LOG".to_owned(), "info".to_owned())];
    let process = Process::start(&home, env!("CARGO_BIN_EXE_redress-inventory")).await;
    let channel = process.channel().await;
    let attacker = attack::Attacker {
        address: process.grpc,
        token: Somebody::with("attacker", &["warehouse"]).token(process.secrets()),
    };
    for _ in 0..50 {
        ask(&channel).await.unwrap();
    }
    let (end, asking) = honest(channel.clone());
    tokio::time::sleep(Duration::from_secs(2)).await;
    end.store(true, Ordering::Relaxed);
    let quiet = p99(&asking.await.unwrap());
    let before = memory(process.pid(), "VmRSS");

    let mut report = format!("quiet: p99 {quiet:?}, {before} KiB\n");
    let silent = attacker.silence().await;
    for attack in attack::ALL {
        let (end, asking) = honest(channel.clone());
        let outcome = attacker.run(*attack).await;
        end.store(true, Ordering::Relaxed);
        let took = asking.await.unwrap();
        let most = took.last().copied().unwrap_or_default();
        let now = memory(process.pid(), "VmRSS");
        let p99 = p99(&took);
        writeln!(report, "{attack:?}: {outcome}; honest p99 {p99:?}, most {most:?}; {now} KiB").unwrap();
        assert!(most < Duration::from_secs(2), "{attack:?}: somebody honest waited {most:?}");
    }
    let left = silent.left().await;
    let (peak, after) = (memory(process.pid(), "VmHWM"), memory(process.pid(), "VmRSS"));
    writeln!(report, "silent connections left: {left}; memory at its peak {peak} KiB, now {after} KiB").unwrap();
    println!("{report}");
    assert_eq!(left, 0, "who says nothing is cut off\n{report}");
    assert!(peak < before + GROWTH_MAX_KIB, "{report}");
    // Whoever comes afterwards is served too.
    ask(&process.channel().await).await.unwrap();
    let (status, _) = process.stop().await;
    assert_eq!(status.code(), Some(0));
}
