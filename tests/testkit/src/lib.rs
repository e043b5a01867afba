//! What tests stand on: real PostgreSQL and NATS, a fresh database and private subjects for each test, a clock that is
//! moved by hand, and waiting for a state instead of a time.

mod audit;
mod batch;
mod binary;
pub mod frames;
mod home;
mod rights;
mod service;
mod wire;

use std::future::Future;
use std::time::{Duration, Instant};

use tonic::{Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

pub use audit::verify_audit;
pub use batch::{all_told, item, publish_batch, told};
pub use binary::{Process, serve_and_stop};
pub use chassis::contract::examples;
pub use home::{Home, make_database, nats_url, secret_variables, secrets, servers, start_servers};
pub use service::{TestService, publish, start};
pub use wire::{Bearer, Somebody, Wire};

/// How long a state is waited for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `look` finds something.
///
/// # Panics
/// If it has found nothing after [`PATIENCE`].
pub async fn eventually<T, F, Look>(mut look: F) -> T
where
    F: FnMut() -> Look,
    Look: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "it did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A request of somebody with roles.
pub fn actor<T>(message: T, subject: &str, roles: &[&str]) -> Request<T> {
    as_somebody(message, Somebody::with(subject, roles))
}

/// A request of a customer.
pub fn customer<T>(message: T, subject: &str, customer: &str) -> Request<T> {
    as_somebody(message, Somebody::customer(subject, customer))
}

/// A request of somebody: the [`Wire`] it goes through makes the token.
pub fn as_somebody<T>(message: T, somebody: Somebody) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(somebody);
    request
}

/// A request id that was never used.
pub fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The details of a refusal.
pub fn details(status: &Status) -> ErrorDetails {
    status.get_error_details()
}

/// The stable reason of a refusal; empty if it has none.
pub fn reason(status: &Status) -> String {
    details(status).error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

/// The fields that a refusal names.
pub fn bad_fields(status: &Status) -> Vec<String> {
    let details = details(status);
    details.bad_request().map(|bad| bad.field_violations.iter().map(|v| v.field.clone()).collect()).unwrap_or_default()
}
