//! The name of a piece of work, which the orchestrator chooses and every answer repeats.

use std::fmt;
use std::ops::RangeInclusive;

use crate::{ClaimId, claim};

/// Rounds, lines and attempts are numbers from 1 to this.
pub const NUMBERS: RangeInclusive<u32> = 1..=1_000_000;

/// Names one piece of work for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    /// The claim.
    pub claim: ClaimId,
    /// The round of the claim, from 1.
    pub round: u32,
    /// The line of the claim, from 1.
    pub line: u32,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// What is wrong with the name of a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoJob {
    /// The claim is no id as we write it.
    #[error("the job names no claim")]
    Claim,
    /// A number is out of bounds.
    #[error("a number of the job is not 1 to 1000000")]
    Number,
}

impl TryFrom<&claim::Job> for Job {
    type Error = NoJob;

    fn try_from(wire: &claim::Job) -> Result<Self, NoJob> {
        let claim = wire.claim_id.parse().map_err(|_| NoJob::Claim)?;
        let fits = [wire.round, wire.line, wire.attempt].iter().all(|number| NUMBERS.contains(number));
        let job = Self { claim, round: wire.round, line: wire.line, attempt: wire.attempt };
        fits.then_some(job).ok_or(NoJob::Number)
    }
}

impl From<Job> for claim::Job {
    fn from(job: Job) -> Self {
        Self { claim_id: job.claim.to_string(), round: job.round, line: job.line, attempt: job.attempt }
    }
}

/// As errors name it: claim/round/line/attempt.
impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.claim, self.round, self.line, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_is_written() {
        let wire = claim::Job { claim_id: uuid::Uuid::from_u128(7).to_string(), round: 1, line: 2, attempt: 1_000_000 };
        let job = Job::try_from(&wire).unwrap();
        assert_eq!(claim::Job::from(job), wire);
        assert_eq!(job.to_string(), format!("{}/1/2/1000000", wire.claim_id));
    }

    #[test]
    fn what_names_nothing_is_no_job() {
        let good = claim::Job { claim_id: uuid::Uuid::from_u128(7).to_string(), round: 1, line: 1, attempt: 1 };
        let read = |wire: &claim::Job| Job::try_from(wire).unwrap_err();
        assert_eq!(read(&claim::Job { claim_id: "C-1".to_owned(), ..good.clone() }), NoJob::Claim);
        assert_eq!(read(&claim::Job { round: 0, ..good.clone() }), NoJob::Number);
        assert_eq!(read(&claim::Job { attempt: 1_000_001, ..good }), NoJob::Number);
    }
}
