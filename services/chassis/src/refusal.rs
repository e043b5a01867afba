//! The domain says no. A refusal is an answer: it is committed, and a repeated request gets it again. Only one that time
//! takes away, or that somebody else mends, is not kept: the same request may come again.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::policy::UnknownVersion;
use serde::{Deserialize, Serialize};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, PreconditionViolation, QuotaViolation, StatusExt};

/// The reason of a parked message that no correct sender sends.
const BROKEN: &str = "BROKEN";
/// The claim began with a version of the policy pack that is not loaded here.
pub(crate) const POLICY_VERSION_UNKNOWN: &str = "POLICY_VERSION_UNKNOWN";

/// A refusal, as the caller sees it. Boxed, because it travels in every `Result` of a `decide`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refusal(Box<Body>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Body {
    code: i32,
    reason: String,
    message: String,
    metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    preconditions: Vec<(String, String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<(String, String)>,
    #[serde(skip)]
    quota: Option<Quota>,
    #[serde(skip)]
    lacking: bool,
    #[serde(skip)]
    park: Option<&'static str>,
}

/// A quota that is used up. Never kept, so it needs no format.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Quota {
    subject: String,
    wait: Duration,
}

impl Refusal {
    /// A refusal with a stable reason (UPPER_SNAKE, listed in the proto) and a fixed sentence.
    pub fn new(code: Code, reason: &str, message: &str) -> Self {
        Self(Box::new(Body {
            code: code as i32,
            reason: reason.to_owned(),
            message: message.to_owned(),
            metadata: BTreeMap::new(),
            preconditions: Vec::new(),
            resource: None,
            quota: None,
            lacking: false,
            park: None,
        }))
    }

    /// There is no such thing.
    pub fn not_found(kind: &str, id: impl ToString) -> Self {
        let mut refusal =
            Self::new(Code::NotFound, "NOT_FOUND", &format!("there is no such {kind}")).with(kind, id.to_string());
        refusal.0.resource = Some((kind.to_owned(), id.to_string()));
        refusal
    }

    /// Somebody else changed it.
    pub fn etag_mismatch() -> Self {
        Self::new(Code::Aborted, "ETAG_MISMATCH", "it was changed by somebody else; read it again")
    }

    /// The caller may not.
    pub fn forbidden(reason: &str, message: &str) -> Self {
        Self::new(Code::PermissionDenied, reason, message)
    }

    /// A quota is used up, as that of `customer:17850`, until some time has passed. It is not kept as the answer of the
    /// request, which may come again then.
    pub fn quota(reason: &str, message: &str, subject: impl Into<String>, wait: Duration) -> Self {
        let mut refusal = Self::new(Code::ResourceExhausted, reason, message);
        // Who is told to wait for nothing comes again at once.
        refusal.0.quota = Some(Quota { subject: subject.into(), wait: wait.max(Duration::from_secs(1)) });
        refusal
    }

    /// A message that no correct sender sends here: it is parked for a person, never guessed at.
    pub fn park(why: impl Into<String>) -> Self {
        let mut refusal = Self::new(Code::Internal, "COMMAND_FAILED", &why.into());
        refusal.0.park = Some(BROKEN);
        refusal
    }

    /// Adds metadata: every dynamic part of the case.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.0.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Adds a failed precondition: what kind, about what, and why.
    #[must_use]
    pub fn precondition(mut self, kind: &str, subject: &str, description: &str) -> Self {
        self.0.preconditions.push((kind.to_owned(), subject.to_owned(), description.to_owned()));
        self
    }

    /// Marks a refusal because something is not there that others make, as a warehouse that is not registered. It is not
    /// kept as the answer of the request, which may come again when it is there.
    #[must_use]
    pub fn lacking(mut self) -> Self {
        self.0.lacking = true;
        self
    }

    /// The stable reason.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Whether it is over some time, and so no answer for ever.
    pub(crate) fn is_passing(&self) -> bool {
        self.0.quota.is_some() || self.0.lacking || self.0.code == Code::NotFound as i32
    }

    /// Why a message is parked, if it is: the stable reason, and what is said to operators.
    pub(crate) fn parked(&self) -> Option<(&'static str, &str)> {
        self.0.park.map(|reason| (reason, self.0.message.as_str()))
    }
}

/// A claim waits until the version of its policy pack is there: a message is parked and can be redriven, a call may come again.
impl From<UnknownVersion> for Refusal {
    fn from(unknown: UnknownVersion) -> Self {
        let mut refusal = Self::new(Code::FailedPrecondition, POLICY_VERSION_UNKNOWN, &unknown.to_string());
        refusal = refusal.with("policy", unknown.label()).lacking();
        refusal.0.park = Some(POLICY_VERSION_UNKNOWN);
        refusal
    }
}

impl From<Refusal> for Status {
    fn from(Refusal(refusal): Refusal) -> Self {
        let code = Code::from_i32(refusal.code);
        let mut details = ErrorDetails::with_error_info(
            &refusal.reason,
            crate::status::domain(),
            refusal.metadata.into_iter().collect::<std::collections::HashMap<_, _>>(),
        );
        let state = code == Code::FailedPrecondition && refusal.preconditions.is_empty();
        let mut violations = Vec::new();
        if state {
            violations.push(PreconditionViolation::new(&refusal.reason, "", &refusal.message));
        }
        violations.extend(
            refusal.preconditions.iter().map(|(kind, about, why)| PreconditionViolation::new(kind, about, why)),
        );
        if !violations.is_empty() {
            details.set_precondition_failure(violations);
        }
        if let Some(quota) = refusal.quota {
            details.set_quota_failure(vec![QuotaViolation::new(quota.subject, &refusal.message)]);
            details.set_retry_info(Some(quota.wait));
        }
        if let Some((kind, name)) = &refusal.resource {
            details.set_resource_info(kind, name, "", &refusal.message);
        }
        Status::with_error_details(code, refusal.message, details)
    }
}

/// The etag of a row version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
