//! Whom a claim waits for, all of them: from the same source as the questions and the work items, so that lists, states and
//! work lists cannot say different things.

use proto::Word;
use proto::claim::{Role, WaitingFor, words};

use super::*;

/// One party that the claim waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    pub party: WaitingFor,
    /// The role of the work item that is open; unspecified: there is none here.
    pub role: Role,
    /// The line; 0: the whole claim.
    pub line: u16,
    /// The leg; `None`: none has begun.
    pub leg: Option<Leg>,
    /// Stable reason code of the question or the work item; empty: the ordinary course.
    pub reason: String,
}

/// All that the claim waits for, by line; nothing: it has ended.
pub fn waits(process: &Process) -> Vec<Waits> {
    match &process.stage {
        Stage::Assessing { .. } => vec![Waits::whole(WaitingFor::System, "")],
        Stage::Investigating { why, role, .. } => {
            vec![Waits { role: *role, ..Waits::whole(decides(*role), why) }]
        }
        Stage::AwaitingCustomer { line, reason } => {
            vec![Waits { line: *line, ..Waits::whole(WaitingFor::Customer, reason) }]
        }
        Stage::AwaitingConsent(_) | Stage::FollowingUp => vec![Waits::whole(WaitingFor::Customer, "")],
        Stage::AwaitingApproval(_) => vec![Waits::whole(WaitingFor::Approver, "")],
        Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => {
            let runs = lines.iter().flat_map(|line| line.runs.iter().map(move |run| (line, run)));
            runs.filter_map(|(line, run)| run.waits(line.plan.line)).collect()
        }
        Stage::Ended { .. } => vec![],
    }
}

/// The one of them that holds up the most. A service that owes an answer comes first, because it can be asked again at
/// once.
pub fn waits_for(process: &Process) -> WaitingFor {
    let parties = waits(process).into_iter().map(|waits| waits.party);
    parties.min_by_key(|party| urgency(*party)).unwrap_or(WaitingFor::Unspecified)
}

fn urgency(party: WaitingFor) -> u8 {
    match party {
        WaitingFor::System => 0,
        WaitingFor::Specialist | WaitingFor::Logistics => 1,
        WaitingFor::Supervisor | WaitingFor::Quality | WaitingFor::Management => 1,
        WaitingFor::Approver => 2,
        WaitingFor::Customer => 3,
        WaitingFor::Stock => 4,
        WaitingFor::Finance => 5,
        WaitingFor::Carrier => 6,
        WaitingFor::Warehouse => 7,
        WaitingFor::Unspecified => 8,
    }
}

/// The party that has a role: it has the same word. Claims from before it was kept wait for a specialist.
fn decides(role: Role) -> WaitingFor {
    words::WaitingFor::from_word(role.word()).map_or(WaitingFor::Specialist, WaitingFor::from)
}

impl Waits {
    fn whole(party: WaitingFor, reason: &str) -> Self {
        Self { party, role: Role::Unspecified, line: 0, leg: None, reason: reason.to_owned() }
    }
}

impl Incident {
    /// Only the customer gets it on.
    pub(super) fn is_for_customer(self) -> bool {
        match self {
            Self::ToCollect | Self::NobodyThere | Self::NotReady => true,
            Self::Attempted | Self::CustomsHold | Self::GoesOn | Self::Confirmed | Self::Incomplete => false,
        }
    }
}

impl LegRun {
    /// Whom the leg waits for; unspecified: nobody, it is settled, or another leg must move first.
    pub(super) fn waits_for(&self) -> WaitingFor {
        match self.state {
            RunState::Idle | RunState::Done | RunState::Skipped | RunState::Undone => WaitingFor::Unspecified,
            RunState::Failed(_) | RunState::UndoFailed => decides(self.leg.rules().helper_of(self.state)),
            RunState::Asked | RunState::Working(_) | RunState::Undoing => self.leg.rules().waits_for(self),
        }
    }

    fn waits(&self, line: u16) -> Option<Waits> {
        let party = self.waits_for();
        if party == WaitingFor::Unspecified {
            return None;
        }
        let held = self.held.filter(|_| self.state.parcel().is_some()).map_or("", Incident::reason);
        let (role, reason) = if self.has_task() {
            (self.leg.rules().helper_of(self.state), self.reason())
        } else {
            (Role::Unspecified, held)
        };
        Some(Waits { party, role, line, leg: Some(self.leg), reason: reason.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn investigating(stage: &str) -> Process {
        let text = format!(
            r#"{{"round":1,"assessment":1,"plan":0,"numbers":0,"acknowledged":true,"stage":{{"Investigating":{stage}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_role_is_a_party_that_a_claim_can_wait_for() {
        for role in words::Role::ALL {
            assert_eq!(decides((*role).into()).word(), role.word());
        }
        assert_eq!(decides(Role::Unspecified), WaitingFor::Specialist);
    }

    #[test]
    fn u18_a_claim_waits_for_the_role_of_its_work_item() {
        let process = investigating(r#"{"reason":"New","why":"VALUE_HIGH","role":"ROLE_SUPERVISOR"}"#);
        let all = waits(&process);
        assert_eq!(waits_for(&process), WaitingFor::Supervisor);
        assert_eq!((all[0].role, all[0].reason.as_str(), all.len()), (Role::Supervisor, "VALUE_HIGH", 1));
    }

    #[test]
    fn a_claim_from_before_the_role_was_kept_is_told_it_when_it_is_asked_again() {
        let old = investigating(r#"{"reason":"New"}"#);
        assert_eq!(waits_for(&old), WaitingFor::Specialist);
        let told = Event::PersonNeeded { assessment: 1, reason: "VALUE_HIGH".to_owned(), role: Role::Supervisor };
        let Step::Go(new, commands) = step(&old, &told) else { panic!("it stays") };
        assert!(commands.is_empty());
        assert_eq!(waits_for(&new), WaitingFor::Supervisor);
        assert_eq!(step(&new, &told), Step::Stay);
    }
}
