//! Probes and metrics, on a port of their own.
//!
//! - `port`: who may connect, and for how long.

mod port;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus::TextEncoder;
use serde_json::{Value, json};

use crate::readiness::Readiness;
use crate::telemetry;

pub(crate) use port::serve;

/// What the probes tell.
#[derive(Clone, Debug)]
pub(crate) struct Probes {
    pub service: &'static str,
    pub readiness: Readiness,
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

/// Ready: every part gets on, and the service is not stopping. A lost broker degrades but does not make unready: what is
/// journalled is published later (G16).
async fn ready(State(probes): State<Probes>) -> (StatusCode, Json<Value>) {
    let code = if probes.readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(probes.readiness.tell(probes.service)))
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
