//! How a command ends: what is said, and the exit code.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::output::{Output, seen, seen_json};

/// The exit codes, for `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  anything not listed here, or a check of the demo or a step of a rehearsal failed
  2  wrong usage
  3  refused by a rule, or there is no such thing
  4  malformed: a field, a file or an identifier cannot be read
  5  unavailable: no installation, no connection, too busy, too late; trying again later makes sense
  6  an import has finished, but some of its rows were refused
  7  the audit found a bad record";

/// A failure that is ours, with its exit code.
#[derive(Debug)]
pub enum Failure {
    /// Wrong usage that clap cannot see.
    Usage(String),
    /// There is no such thing.
    NotFound(String),
    /// A rule of this program forbids it.
    Refused(String),
    /// It cannot be read.
    Malformed(String),
    /// Nobody is there.
    Unavailable(String),
    /// Rows of an import were refused.
    RowsRefused(usize),
    /// The audit found bad records: the first one of each service.
    Tampered(Vec<String>),
    /// A check of the demo failed.
    Checks(Vec<String>),
    /// Steps of a rehearsal differ from the story.
    Differs(usize),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text)
            | Self::NotFound(text)
            | Self::Refused(text)
            | Self::Malformed(text)
            | Self::Unavailable(text) => f.write_str(text),
            Self::RowsRefused(rows) => write!(f, "{rows} rows were refused"),
            Self::Tampered(bad) => write!(f, "the audit found a bad record: {}", bad.join("; ")),
            Self::Differs(steps) => write!(f, "{steps} step(s) differ from the story"),
            Self::Checks(failed) => write!(f, "the demo found a fault: {}", failed.join("; ")),
        }
    }
}

impl std::error::Error for Failure {}

/// The exit code of a failure.
pub fn code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return match failure {
                Failure::Usage(_) => 2,
                Failure::NotFound(_) | Failure::Refused(_) => 3,
                Failure::Malformed(_) => 4,
                Failure::Unavailable(_) => 5,
                Failure::RowsRefused(_) => 6,
                Failure::Checks(_) | Failure::Differs(_) => 1,
                Failure::Tampered(_) => 7,
            };
        }
        if let Some(status) = cause.downcast_ref::<Status>() {
            return of_status(status.code());
        }
    }
    1
}

fn of_status(code: Code) -> u8 {
    match code {
        Code::Ok => 0,
        Code::NotFound
        | Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Aborted => 3,
        Code::InvalidArgument | Code::OutOfRange => 4,
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled => 5,
        Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => 1,
    }
}

/// The stable reason of a status; empty if it has none.
pub fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

/// Says on standard error what went wrong, and gives the exit code.
pub fn report(error: &anyhow::Error, output: Output) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    match output {
        Output::Json => eprintln!("{}", seen_json(&json!({ "error": as_json(error) }).to_string())),
        Output::Table => {
            eprintln!("redress: {}", seen(&sentence(error)));
            for detail in details(error) {
                eprintln!("  {}", seen(&detail));
            }
        }
    }
    ExitCode::from(code(error))
}

/// Whoever read our output has seen enough, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

fn status(error: &anyhow::Error) -> Option<&Status> {
    error.chain().find_map(|cause| cause.downcast_ref::<Status>())
}

fn sentence(error: &anyhow::Error) -> String {
    match status(error) {
        Some(status) => {
            let reason = reason(status);
            let name = if reason.is_empty() { format!("{:?}", status.code()) } else { reason };
            format!("{name}: {}", status.message())
        }
        None => format!("{error:#}"),
    }
}

fn details(error: &anyhow::Error) -> Vec<String> {
    let Some(status) = status(error) else { return Vec::new() };
    let details = status.get_error_details();
    let mut lines = Vec::new();
    if let Some(bad) = details.bad_request() {
        lines.extend(
            bad.field_violations.iter().map(|violation| format!("{}: {}", violation.field, violation.description)),
        );
    }
    if let Some(failed) = details.precondition_failure() {
        let told = failed.violations.iter().filter(|violation| violation.description != status.message());
        lines.extend(
            told.map(|violation| format!("{} {}: {}", violation.r#type, violation.subject, violation.description)),
        );
    }
    if let Some(info) = details.error_info() {
        let mut metadata: Vec<_> = info.metadata.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        metadata.sort();
        lines.extend(metadata);
    }
    lines
}

/// A failure as scripts get it.
pub fn as_json(error: &anyhow::Error) -> Value {
    let exit = code(error);
    match status(error) {
        Some(status) => {
            let details = status.get_error_details();
            let violations: Vec<Value> = details
                .bad_request()
                .map(|bad| {
                    bad.field_violations.iter().map(|v| json!({ "field": v.field, "description": v.description }))
                })
                .into_iter()
                .flatten()
                .collect();
            let metadata = details.error_info().map(|info| info.metadata.clone()).unwrap_or_default();
            json!({
                "exit": exit,
                "code": format!("{:?}", status.code()),
                "reason": reason(status),
                "message": status.message(),
                "metadata": metadata,
                "violations": violations,
            })
        }
        None => json!({ "exit": exit, "message": format!("{error:#}") }),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    #[test]
    fn every_kind_of_failure_has_its_code() {
        let refused: anyhow::Error = Status::failed_precondition("it is closed").into();
        assert_eq!(code(&refused), 3);
        assert_eq!(code(&anyhow::Error::from(Status::invalid_argument("bad")).context("while importing")), 4);
        assert_eq!(code(&Status::unavailable("down").into()), 5);
        assert_eq!(code(&Status::internal("oops").into()), 1);
        assert_eq!(code(&Failure::Usage("what?".to_owned()).into()), 2);
        assert_eq!(code(&Failure::RowsRefused(3).into()), 6);
        assert_eq!(code(&anyhow::anyhow!("anything")), 1);
        assert_eq!(code(&Err::<(), _>(Failure::Unavailable("no".to_owned())).context("more").unwrap_err()), 5);
    }

    #[test]
    fn what_the_service_said_reaches_the_user() {
        let mut details = ErrorDetails::with_error_info("MALFORMED", "redress.intake", []);
        details.set_bad_request(vec![FieldViolation::new("lines[0].sku", "must have 1 to 64 characters")]);
        let error: anyhow::Error =
            Status::with_error_details(Code::InvalidArgument, "the request has bad fields", details).into();
        assert_eq!(sentence(&error), "MALFORMED: the request has bad fields");
        assert_eq!(super::details(&error), ["lines[0].sku: must have 1 to 64 characters"]);
        assert_eq!(as_json(&error)["violations"][0]["field"], "lines[0].sku");
        assert_eq!(as_json(&error)["exit"], 4);
    }
}
