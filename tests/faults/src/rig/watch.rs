//! Looks at every process ten times a second: is it ready, has it ended by itself? New connections go to the ready ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::process::{Found, Process, code};
use crate::proxy::Proxy;

const EACH: Duration = Duration::from_millis(100);
/// A supervisor starts a process that ended by itself again after this time.
const RESTART: Duration = Duration::from_millis(500);

type Complaints = Arc<Mutex<Vec<String>>>;

pub(super) fn start(
    processes: &[Arc<Process>],
    fronts: &BTreeMap<&'static str, Proxy>,
    complaints: &Complaints,
) -> JoinHandle<()> {
    let (processes, fronts, complaints) = (processes.to_vec(), fronts.clone(), Arc::clone(complaints));
    tokio::spawn(async move {
        loop {
            join_all(processes.iter().map(|process| look(process, &complaints))).await;
            for (service, front) in &fronts {
                let of = processes.iter().filter(|process| process.service == *service);
                let ready: Vec<_> = of.clone().filter(|process| process.is_ready()).map(|p| p.grpc).collect();
                // None is ready: then any, as its callers are to get an answer.
                front.aim(if ready.is_empty() { of.map(|process| process.grpc).collect() } else { ready });
            }
            tokio::time::sleep(EACH).await;
        }
    })
}

async fn look(process: &Arc<Process>, complaints: &Complaints) {
    if let Found::Ended(status) = process.look() {
        let written = process.tell("exited", code(status), 0.0);
        // Under special variables it may well do so: it is told to crash, or starved.
        if !process.is_special() {
            complain(complaints, format!("{process} ended by itself ({status}):\n{}", process.last_words()));
        }
        if let Err(error) = written {
            complain(complaints, format!("{process}: {error:#}"));
        }
        let process = Arc::clone(process);
        let complaints = Arc::clone(complaints);
        tokio::spawn(async move {
            tokio::time::sleep(RESTART).await;
            if let Err(error) = process.start() {
                complain(&complaints, format!("{process} cannot be started: {error:#}"));
            }
        });
    }
    let ready = tokio::time::timeout(Duration::from_secs(1), is_ready(process)).await;
    if let Err(error) = process.set_ready(matches!(ready, Ok(Ok(true)))) {
        complain(complaints, format!("{process}: {error:#}"));
    }
}

fn complain(complaints: &Complaints, text: String) {
    complaints.lock().unwrap_or_else(PoisonError::into_inner).push(text);
}

async fn is_ready(process: &Process) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(process.admin).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).await?;
    Ok(answer[..read].windows(5).any(|window| window == b" 200 "))
}
