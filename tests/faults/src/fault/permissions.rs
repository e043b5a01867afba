//! A permission on the broker is taken away from a service while it works.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use local::stack::{self, PREFIX};

use super::{Act, Fault, Stage};

/// It must be seen within this time (G19, S20).
const NOTICED: Duration = Duration::from_secs(15);
/// And be over within this one, once it is given back: a refusal counts for ten seconds.
const WHOLE: Duration = Duration::from_secs(60);
/// What is taken away, from whom.
const TAKEN: [(&str, &str); 3] =
    [("triage", "redress.v1.event."), ("inventory", "$JS.ACK."), ("orchestrator", "$JS.API.CONSUMER.MSG.NEXT.")];

pub(super) const FAULTS: [Fault; 1] =
    [Fault::new("F22", "a permission on the broker is lost", "G20 G24", Act::Do(|stage| Box::pin(lost(stage))))];

async fn lost(stage: &mut Stage) -> Result<()> {
    for (service, subject) in TAKEN {
        let what = format!("{service} loses {subject}");
        stage.begin(&what)?;
        let users = stack::nats_users_but(stage.rig.secrets(), PREFIX, service, subject)?;
        stage.rig.servers().set_nats_users(users)?;
        let begun = Instant::now();
        let process = stage.rig.of(service);
        while process.iter().any(|process| process.is_ready()) {
            ensure!(begun.elapsed() < NOTICED, "{service} is ready without {subject} after {NOTICED:?}");
            stage.pass(100).await;
        }
        stage.pass(3000).await;
        stage.rig.servers().set_nats_users(stack::nats_users(stage.rig.secrets(), PREFIX, true)?)?;
        stage.end(&what)?;
        let begun = Instant::now();
        while process.iter().any(|process| !process.is_ready()) {
            ensure!(begun.elapsed() < WHOLE, "{service} is not ready with {subject} after {WHOLE:?}");
            stage.pass(100).await;
        }
    }
    Ok(())
}
