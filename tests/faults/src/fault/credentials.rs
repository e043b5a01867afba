//! Credentials end and are renewed while everything works: keys of tokens, passwords of the broker and of the database.
//! Certificates are renewed in the tests of the gRPC port.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use local::secrets::Who;
use local::{roles, stack};
use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tonic::Code;

use super::{Act, Fault, Stage};

/// What holds no more is refused within this time.
const REFUSED: Duration = Duration::from_secs(5);
/// What is new is found within this one, and a service that had lost its connections works again.
const FOUND: Duration = Duration::from_secs(15);
/// Whose passwords are renewed.
const RENEWED: [&str; 3] = ["intake", "inventory", "orchestrator"];
/// Ends the connections of a role: they were made with its old password.
const END_CONNECTIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1";

pub(super) const FAULTS: [Fault; 1] =
    [Fault::new("F19", "credentials end and are renewed", "G20 G22", Act::Do(|stage| Box::pin(renewed(stage))))];

async fn renewed(stage: &mut Stage) -> Result<()> {
    keys(stage).await?;
    for service in RENEWED {
        broker(stage, service).await?;
        database(stage, service).await?;
    }
    Ok(())
}

/// A key is added and taken away; who has a token of the other one notices nothing.
async fn keys(stage: &mut Stage) -> Result<()> {
    stage.begin("another key signs tokens")?;
    let secrets = stage.rig.secrets();
    let key = secrets.trust_another_key()?;
    let who = Who { subject: "rig", roles: &["operator"], customer: None, ttl: Duration::from_secs(600) };
    let token = key.token(&who)?;
    until(stage, &token, Code::Ok, FOUND).await.context("a new key is not found")?;
    stage.end("another key signs tokens")?;
    stage.begin("that key is taken away")?;
    secrets.trust_own_key_only()?;
    until(stage, &token, Code::Unauthenticated, REFUSED).await.context("a key that was taken away still holds")?;
    stage.end("that key is taken away")
}

/// Asks every process with a token until each gives this answer.
async fn until(stage: &Stage, token: &str, wanted: Code, limit: Duration) -> Result<()> {
    let begun = Instant::now();
    for process in stage.rig.all() {
        loop {
            let code = ask(&format!("http://{}", process.grpc), token).await?;
            if code == wanted {
                break;
            }
            ensure!(begun.elapsed() < limit, "{} answers {code:?} after {limit:?}", process.service);
            stage.pass(100).await;
        }
    }
    Ok(())
}

async fn ask(address: &str, token: &str) -> Result<Code> {
    let mut operations = OperationsServiceClient::connect(address.to_owned()).await?;
    let mut request = tonic::Request::new(ListParkedRequest { page_size: 1, page_token: String::new() });
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
    Ok(operations.list_parked(request).await.err().map_or(Code::Ok, |status| status.code()))
}

/// A service's password on the broker is renewed: its file first, then the server, which ends its connection.
async fn broker(stage: &mut Stage, service: &str) -> Result<()> {
    let what = format!("the password of {service} on the broker is renewed");
    stage.begin(&what)?;
    let secrets = stage.rig.secrets();
    let old = secrets.renew_nats_password(service)?;
    stage.rig.servers().set_nats_users(stack::nats_users(secrets, stack::PREFIX, true)?)?;
    let begun = Instant::now();
    let address = stage.rig.servers().nats_url();
    let connects = async || {
        let options = async_nats::ConnectOptions::with_user_and_password(service.to_owned(), old.clone());
        options.connect(&address).await.is_ok()
    };
    while connects().await {
        ensure!(begun.elapsed() < REFUSED, "the broker still takes the old password of {service}");
        stage.pass(100).await;
    }
    whole(stage, service).await?;
    stage.end(&what)
}

/// The same on the database; connections that were made before are ended.
async fn database(stage: &mut Stage, service: &str) -> Result<()> {
    let what = format!("the password of {service} on the database is renewed");
    stage.begin(&what)?;
    let secrets = stage.rig.secrets();
    let old = secrets.renew_postgres_password(service)?;
    let mut admin = PgConnection::connect(&stage.rig.servers().postgres_url("postgres")).await?;
    admin.execute(AssertSqlSafe(roles::make(secrets, service)?)).await?;
    sqlx::query(END_CONNECTIONS).bind(service).execute(&mut admin).await?;
    let address = format!("postgres://{service}:{old}@{}/{service}", stage.rig.servers().postgres_address());
    ensure!(PgConnection::connect(&address).await.is_err(), "the database still takes the old password of {service}");
    whole(stage, service).await?;
    stage.end(&what)
}

/// Waits until a service is ready, and stays so for a moment: it may not have noticed yet what it has lost.
async fn whole(stage: &Stage, service: &str) -> Result<()> {
    let (begun, mut ready) = (Instant::now(), 0);
    while ready < 20 {
        let all = stage.rig.of(service).iter().all(|process| process.is_ready());
        ready = if all { ready + 1 } else { 0 };
        ensure!(begun.elapsed() < FOUND, "{service} is not ready with a new password after {FOUND:?}");
        stage.pass(100).await;
    }
    Ok(())
}
