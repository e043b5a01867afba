//! How what was done is undone. Each leg is taken back from wherever it is; what has left the house is brought back;
//! what cannot be undone waits for a person, who may let it be. Stock is given back only when nothing is to be sent.

use super::leg::{Answer, reservation, take_back};
use super::*;

pub(super) fn begin(
    process: &Process,
    mut lines: Vec<Line>,
    then: Then,
    reason: &'static str,
    mut turn: StepBuilder,
) -> Step {
    turn.commands.push(Command::Announce(Fact::CompensationStarted { reason }));
    for line in &mut lines {
        // Legs that are added on the way bring something back: they are not taken back.
        for at in 0..line.runs.len() {
            if line.runs[at].purpose == Purpose::Plan {
                take_back(line, at, &mut turn);
            }
        }
    }
    proceed(process, lines, then, turn)
}

pub(super) fn compensating(process: &Process, lines: &[Line], then: Then, event: &Event) -> Step {
    match event {
        Event::Work { job, news } => {
            let (mut lines, mut turn) = (lines.to_vec(), StepBuilder::new(process, vec![]));
            match execution::heard(process, &mut lines, *job, *news, &mut turn) {
                Answer::Moved => proceed(process, lines, then, turn),
                Answer::Stay | Answer::GiveUp => Step::Stay,
                Answer::Broken => Step::Broken,
            }
        }
        // What is undone already need not be undone again; only what follows is another.
        Event::Withdrawn | Event::Duplicate => match (then, event) {
            (Then::AssessAgain, Event::Duplicate) => given_up(process, lines, Then::EndDuplicate),
            (Then::AssessAgain, _) => given_up(process, lines, Then::EndWithdrawn),
            (Then::EndWithdrawn | Then::EndDuplicate, _) => Step::Stay,
        },
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } => Step::Stay,
    }
}

fn given_up(process: &Process, lines: &[Line], then: Then) -> Step {
    Step::Go(process.at(Stage::Compensating { lines: lines.to_vec(), then }), vec![])
}

fn proceed(process: &Process, mut lines: Vec<Line>, then: Then, mut turn: StepBuilder) -> Step {
    for line in &mut lines {
        reservation::release_unsent(line, &mut turn);
    }
    if !lines.iter().all(Line::is_settled) {
        return Step::Go(process.at(Stage::Compensating { lines, then }), turn.commands);
    }
    for line in &mut lines {
        balance(line, &mut turn);
    }
    let process = Process { numbers: execution::numbers_used(process, &lines), ..process.clone() };
    match then {
        Then::AssessAgain => assess(&process, AssessReason::Failed, turn.commands),
        Then::EndWithdrawn => end(&process, Outcome::Withdrawn, WITHDRAWN, turn.commands),
        Then::EndDuplicate => end(&process, Outcome::Duplicate, DUPLICATE, turn.commands),
    }
}

/// What the customer keeps is given; all other promises go back (domain rule 1).
fn balance(line: &mut Line, turn: &mut StepBuilder) {
    let keeps = line.kept_by_customer();
    let job = turn.grant(line);
    let given_back = line.units() - keeps.max(line.given);
    let commands = [
        (keeps.saturating_sub(line.given), Command::Give { job, quantity: keeps.saturating_sub(line.given) }),
        (line.given.saturating_sub(keeps), Command::TakeBack { job, quantity: line.given.saturating_sub(keeps) }),
        (given_back, Command::GiveBack { job, quantity: given_back }),
    ];
    turn.commands.extend(commands.into_iter().filter(|(units, _)| *units > 0).map(|(_, command)| command));
    (line.held, line.given) = (0, keeps);
}

impl Line {
    /// Units that are the customer's for good although the line was undone: paid, or sent and not come back.
    fn kept_by_customer(&self) -> u32 {
        if self.state_of(Leg::Settlement) == Some(RunState::Done) {
            return self.given;
        }
        let Some(at) = self.find(Leg::Shipment).filter(|at| self.runs[*at].state == RunState::Done) else { return 0 };
        let purpose = Purpose::BringBack { shipment: self.runs[at].attempt };
        let receipt = self.find_for(Leg::Receipt, purpose);
        self.units().saturating_sub(receipt.map_or(0, |at| self.runs[at].count.accepted))
    }
}
