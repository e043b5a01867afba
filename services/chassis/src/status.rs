//! The statuses that every service answers with, whatever it does.

use std::future::Future;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::Fault;

tokio::task_local! {
    static SERVICE: &'static str;
}

/// Does something in the name of a service, whose name the errors then bear.
pub(crate) fn within<F: Future>(service: &'static str, work: F) -> impl Future<Output = F::Output> {
    SERVICE.scope(service, work)
}

/// Domain of `ErrorInfo`: `redress.<service>`.
pub(crate) fn domain() -> String {
    SERVICE.try_with(|service| format!("redress.{service}")).unwrap_or_else(|_| "redress".to_owned())
}

/// The status of a read that failed: text from inside never leaves.
pub fn read_failed(error: impl Into<Fault>) -> Status {
    let fault = error.into();
    tracing::warn!(fault = %fault, "read failed");
    unavailable("the data could not be read; try again")
}

/// Try again soon.
pub fn unavailable(message: &str) -> Status {
    let mut details = ErrorDetails::with_error_info("UNAVAILABLE", domain(), []);
    details.set_retry_info(Some(Duration::from_millis(500)));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// The status of a call whose time is up.
pub(crate) fn late() -> Status {
    let details = ErrorDetails::with_error_info("DEADLINE_EXCEEDED", domain(), []);
    let advice = "the answer is not known yet; ask again with the same request_id";
    Status::with_error_details(Code::DeadlineExceeded, advice, details)
}

/// When one whom there was no room for may come again.
pub(crate) const SOON: Duration = Duration::from_millis(200);

/// Too much waits or runs; it may be tried again after a while.
pub fn busy(wait: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info("BUSY", domain(), []);
    details.set_retry_info(Some(wait));
    Status::with_error_details(Code::ResourceExhausted, "too much waits already; try again", details)
}
