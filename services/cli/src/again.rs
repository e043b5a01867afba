//! Whether a call that failed is made again, and when.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Whether the service is too busy or away. A quota that is used up is neither: some of it is free tomorrow.
pub fn is_worth_it(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable => true,
        Code::ResourceExhausted => status.get_error_details().quota_failure().is_none(),
        _ => false,
    }
}

/// How long to wait: as long as the service asks for, and a pause of ours.
pub fn wait(status: &Status, pause: Duration) -> Duration {
    let told = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
    told.unwrap_or_default() + pause
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, QuotaViolation};

    use super::*;

    #[test]
    fn what_is_too_busy_or_away_is_called_again_and_a_quota_is_not() {
        let day = Duration::from_secs(86_400);
        let mut used_up = ErrorDetails::with_quota_failure([QuotaViolation::new("customer:1", "20 reports a day")]);
        used_up.set_retry_info(Some(day));
        let used_up = Status::with_error_details(Code::ResourceExhausted, "used up", used_up);
        let statuses = [Status::unavailable("away"), chassis::busy(day), used_up, Status::internal("broken")];
        assert_eq!(statuses.map(|status| is_worth_it(&status)), [true, true, false, false]);
    }

    #[test]
    fn a_call_is_made_again_no_sooner_than_the_service_asks() {
        let pause = Duration::from_millis(200);
        assert_eq!(wait(&Status::unavailable("away"), pause), pause);
        assert_eq!(wait(&chassis::busy(Duration::from_secs(7)), pause), Duration::from_millis(7_200));
    }
}
