//! Who asks, in a test: every call has a token, signed by the key of the installation that is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::Secrets;
use local::secrets::Who;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// A connection on which every call says who asks: whoever [`crate::actor`] names, or else a test with every role of
/// staff.
pub type Wire = InterceptedService<Channel, Bearer>;

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Somebody {
    /// Subject.
    pub subject: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Customer reference of somebody with the role customer.
    pub customer: Option<String>,
}

impl Somebody {
    /// Somebody with roles.
    pub fn with(subject: &str, roles: &[&str]) -> Self {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Self { subject: subject.to_owned(), roles, customer: None }
    }

    /// A customer.
    pub fn customer(subject: &str, customer: &str) -> Self {
        Self { customer: Some(customer.to_owned()), ..Self::with(subject, &["customer"]) }
    }

    /// A token for somebody, signed by the key of an installation.
    ///
    /// # Panics
    /// If the installation has no key.
    pub fn token(&self, secrets: &Secrets) -> String {
        let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        let ttl = Duration::from_secs(24 * 60 * 60);
        let who = Who { subject: &self.subject, roles: &roles, customer: self.customer.as_deref(), ttl };
        secrets.token(&who).expect("the installation has a key")
    }
}

impl Default for Somebody {
    fn default() -> Self {
        // Systems of others say which they are, and are bound to that.
        let bound = ["customer", "channel", "carrier", "warehouse-system", "orders", "finance-system", "notifier"];
        let roles: Vec<&str> = chassis::auth::rules::ROLES.into_iter().filter(|role| !bound.contains(role)).collect();
        Self::with("test", &roles)
    }
}

/// Puts tokens into calls; those it has made before, it uses again.
#[derive(Clone, Debug)]
pub struct Bearer {
    secrets: Option<Secrets>,
    made: Arc<Mutex<HashMap<Somebody, MetadataValue<Ascii>>>>,
}

impl Bearer {
    /// Tokens of an installation.
    pub fn new(secrets: &Secrets) -> Self {
        Self { secrets: Some(secrets.clone()), made: Arc::default() }
    }

    /// No tokens: a call has what the caller gives it.
    pub fn none() -> Self {
        Self { secrets: None, made: Arc::default() }
    }

    /// A connection with tokens.
    pub fn on(&self, channel: Channel) -> Wire {
        InterceptedService::new(channel, self.clone())
    }

    fn value(&self, secrets: &Secrets, somebody: Somebody) -> MetadataValue<Ascii> {
        let mut made = self.made.lock().expect("nobody panics with the lock");
        let make = |somebody: &Somebody| format!("Bearer {}", somebody.token(secrets)).parse();
        made.entry(somebody).or_insert_with_key(|somebody| make(somebody).expect("a token is ASCII")).clone()
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(secrets) = &self.secrets
            && !request.metadata().contains_key("authorization")
        {
            let value = self.value(secrets, request.extensions_mut().remove::<Somebody>().unwrap_or_default());
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}
