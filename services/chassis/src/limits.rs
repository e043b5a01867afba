//! One noisy caller does not make the others wait (S31): each has a bucket of calls and a number of places.
//!
//! The gate asks here as soon as it knows who calls, before it looks at what they may: so who is refused for ever is
//! refused ever more cheaply, and writes no endless log. Buckets are in memory: a restart fills them, which is worth one
//! burst; each replica has its own.

mod buckets;
mod concurrency;
mod day;
pub mod settings;

use std::net::IpAddr;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::Actor;
use buckets::Buckets;
pub use concurrency::{ConcurrencyLimit, ConcurrencyPermit};
pub use day::Day;
pub use settings::Limits as Settings;

/// When a caller whose calls still run should come again.
const AFTER_OWN: Duration = Duration::from_millis(200);

/// The limits of all callers.
pub(crate) struct Limits {
    settings: Settings,
    customers: Buckets,
    people: Buckets,
    systems: Buckets,
    strangers: Buckets,
    places: ConcurrencyLimit<String>,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            customers: Buckets::new(settings.customer()),
            people: Buckets::new(settings.person()),
            systems: Buckets::new(settings.system()),
            strangers: Buckets::new(settings.stranger()),
            places: ConcurrencyLimit::default(),
        }
    }

    /// Takes a call of somebody, who may stand for a customer. The place is held as long as the call runs.
    pub(crate) fn take(&self, actor: &Actor, customer: Option<&str>) -> Result<ConcurrencyPermit<String>, Status> {
        let is_system = actor.has_role("integration") || actor.has_role("operator");
        // Whoever is a customer and something else besides is one of ours.
        let is_customer = actor.has_role("customer") && actor.roles.len() == 1;
        let (buckets, most) = match (is_system, is_customer) {
            (true, _) => (&self.systems, self.settings.system_calls),
            (false, true) => (&self.customers, self.settings.customer_calls),
            (false, false) => (&self.people, self.settings.calls),
        };
        // A customer is one caller, whatever the subjects: an app may have one for all its customers, and an issuer one for
        // each device of a customer. No subject has a blank.
        let caller = match customer.filter(|_| is_customer) {
            Some(customer) => format!(" {customer}"),
            None => actor.subject.clone(),
        };
        buckets.take(&caller).map_err(refused)?;
        self.places.take(caller, most).ok_or_else(|| refused(AFTER_OWN))
    }

    /// Takes a call of an address by which nobody was recognised.
    pub(crate) fn take_stranger(&self, address: Option<IpAddr>) -> Result<(), Status> {
        self.strangers.take(&address.map(network)).map_err(refused)
    }
}

/// Whoever has one IPv6 address has at least 2^64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(long) => long
            .to_ipv4_mapped()
            .map_or_else(|| IpAddr::from((u128::from(long) & (u128::MAX << 64)).to_be_bytes()), IpAddr::V4),
    }
}

fn refused(wait: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info("RATE_LIMITED", crate::status::domain(), []);
    details.set_retry_info(Some(wait.max(Duration::from_millis(1))));
    Status::with_error_details(Code::ResourceExhausted, "this caller asks for more than one caller gets; wait", details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_stranger() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(network("10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn systems_have_more_than_people_who_have_more_than_customers_and_each_has_its_own() {
        let settings = Settings {
            burst: 2,
            customer_burst: 1,
            customer_per_second: 1,
            system_burst: 3,
            per_second: 1,
            system_per_second: 1,
            ..Settings::default()
        };
        let limits = Limits::new(&settings);
        let many = |subject: &str, roles: &[&str], customer: Option<&str>| {
            (0..9).filter(|_| limits.take(&Actor::new(subject, roles), customer).is_ok()).count()
        };
        let taken = |subject: &str, roles: &[&str]| many(subject, roles, None);
        assert_eq!(taken("anna", &["specialist"]), 2);
        assert_eq!(taken("bob", &["customer"]), 1);
        assert_eq!(many("app", &["customer"], Some("C-1")) + many("app", &["customer"], Some("C-2")), 2);
        assert_eq!(taken("carl", &["customer", "specialist"]), 2, "he buys where he works");
        assert_eq!(taken("shop", &["integration"]), 3);
        let strangers = (0..2_000).filter(|_| limits.take_stranger(None).is_ok()).count();
        assert!((1_000..1_200).contains(&strangers), "{strangers}");
    }

    #[test]
    fn sr23_more_devices_are_not_more_calls() {
        let settings =
            Settings { customer_burst: 20, customer_per_second: 1, customer_calls: 4, ..Settings::default() };
        let limits = Limits::new(&settings);
        let device = |number: usize| Actor::new(&format!("phone-{number}"), &["customer"]);
        let held: Vec<_> = (0..9).filter_map(|number| limits.take(&device(number), Some("C-1")).ok()).collect();
        assert_eq!(held.len(), 4, "at once");
        drop(held);
        let taken = (0..800).filter(|number| limits.take(&device(number % 20), Some("C-1")).is_ok()).count();
        assert!(taken <= 20 - 4, "{taken}");
        limits.take(&device(0), Some("C-2")).unwrap();
    }

    #[test]
    fn a_caller_has_a_number_of_places() {
        let limits = Limits::new(&Settings { calls: 2, ..Settings::default() });
        let anna = Actor::new("anna", &["specialist"]);
        let held: Vec<_> = (0..5).filter_map(|_| limits.take(&anna, None).ok()).collect();
        assert_eq!(held.len(), 2);
        let refused = limits.take(&anna, None).unwrap_err();
        assert_eq!(refused.get_error_details().error_info().unwrap().reason, "RATE_LIMITED");
        assert!(refused.get_error_details().retry_info().is_some());
        drop(held);
        limits.take(&anna, None).unwrap();
    }
}
