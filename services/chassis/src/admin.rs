//! Probes and metrics, on a port of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus::TextEncoder;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::telemetry;

/// What the probes look at.
#[derive(Clone)]
pub(crate) struct Probes {
    pub service: &'static str,
    pub reads: PgPool,
    pub nats: async_nats::Client,
    pub stopping: Arc<AtomicBool>,
}

/// The routes of the admin port.
pub(crate) fn routes(probes: Probes) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .route("/version", get(version))
        .with_state(probes)
}

/// Ready: the database answers and the service is not stopping. A lost broker degrades but does not make unready:
/// what is journalled is published later.
async fn ready(State(probes): State<Probes>) -> (StatusCode, Json<Value>) {
    let ask = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&probes.reads);
    let database = matches!(tokio::time::timeout(Duration::from_secs(2), ask).await, Ok(Ok(1)));
    let broker = probes.nats.connection_state() == async_nats::connection::State::Connected;
    let stopping = probes.stopping.load(Ordering::Relaxed);
    let code = if database && !stopping { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({ "service": probes.service, "database": database, "broker": broker, "stopping": stopping })))
}

async fn scrape() -> (StatusCode, String) {
    let families = telemetry::registry().gather();
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

async fn version(State(probes): State<Probes>) -> Json<Value> {
    Json(json!({ "service": probes.service, "version": env!("CARGO_PKG_VERSION") }))
}
