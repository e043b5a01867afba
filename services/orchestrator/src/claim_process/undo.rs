//! How what was done is undone. Each leg is taken back from wherever it is; what has left the house is brought back;
//! what cannot be undone waits for a person, who may let it be. Stock is given back only when nothing is to be sent.

use super::strand::Answer;
use super::*;

pub(super) fn begin(process: &Process, mut lines: Vec<Line>, then: Then, reason: &'static str, mut turn: Turn) -> Step {
    turn.commands.push(Command::Announce(Fact::CompensationStarted { reason }));
    for line in &mut lines {
        // Legs that are added on the way bring something back: they are not taken back.
        for at in 0..line.strands.len() {
            if line.strands[at].purpose == Purpose::Plan {
                take_back(line, at, &mut turn);
            }
        }
    }
    proceed(process, lines, then, turn)
}

pub(super) fn compensating(process: &Process, lines: &[Line], then: Then, event: &Event) -> Step {
    match event {
        Event::Work { job, news } => {
            let (mut lines, mut turn) = (lines.to_vec(), Turn::new(process, vec![]));
            if surplus::turned_up(process, &mut lines, *job, *news, &mut turn) {
                return proceed(process, lines, then, turn);
            }
            let Some((line, at)) = legs::addressed(process, &lines, *job, *news) else { return Step::Stay };
            match legs::learn(&mut lines[line], at, *news, &mut turn) {
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

fn proceed(process: &Process, mut lines: Vec<Line>, then: Then, mut turn: Turn) -> Step {
    for line in &mut lines {
        release(line, &mut turn);
    }
    if !lines.iter().all(Line::is_settled) {
        return Step::Go(process.at(Stage::Compensating { lines, then }), turn.commands);
    }
    for line in &mut lines {
        balance(line, &mut turn);
    }
    let process = Process { numbers: legs::numbers_used(process, &lines), ..process.clone() };
    match then {
        Then::AssessAgain => assess(&process, AssessReason::Failed, turn.commands),
        Then::EndWithdrawn => end(&process, Outcome::Withdrawn, WITHDRAWN, turn.commands),
        Then::EndDuplicate => end(&process, Outcome::Duplicate, DUPLICATE, turn.commands),
    }
}

/// Takes a leg back, from wherever it is. Asked and not answered counts as done.
fn take_back(line: &mut Line, at: usize, turn: &mut Turn) {
    let Strand { leg, state, .. } = line.strands[at];
    match (leg, state) {
        (_, At::Idle) => line.strands[at].state = At::Skipped,
        (_, At::Skipped | At::Undoing | At::UndoFailed | At::Undone) => {}
        // It is here, and nobody need decide any more whether it counts.
        (Leg::Receipt, At::Failed(_)) => {
            turn.close_task(line, at);
            if line.strands[at].count.came() > 0 {
                turn.put_and_open_task(line, at, At::UndoFailed);
            } else {
                turn.put(line, at, At::Undone);
            }
        }
        (_, At::Failed(failure)) => {
            turn.close_task(line, at);
            // The goods are with the customer; or they left the customer and reached nobody.
            if failure == Failure::Incomplete {
                bring_back(line, at, turn);
            } else if leg == Leg::Pickup && failure == Failure::Lost {
                turn.put_and_open_task(line, at, At::UndoFailed);
            } else {
                turn.put(line, at, At::Undone);
            }
        }
        (Leg::Shipment | Leg::Pickup, At::Asked | At::Booked) => turn.put_and_ask(line, at, At::Undoing),
        (Leg::Shipment, At::HandedOver | At::Done) => bring_back(line, at, turn),
        (Leg::Pickup, At::HandedOver | At::Done) => collected(line, at, turn),
        (Leg::Receipt, At::Asked | At::CountedPartly) => turn.put_and_ask(line, at, At::Undoing),
        (Leg::Receipt, At::Done) if line.strands[at].count.came() > 0 => {
            turn.put_and_open_task(line, at, At::UndoFailed);
        }
        // Finance may have paid: it says so, or says that it cannot.
        (Leg::Settlement, At::Asked) => line.strands[at].state = At::Undoing,
        (Leg::Settlement, At::Done) => turn.put_and_open_task(line, at, At::UndoFailed),
        (Leg::Support, At::Asked) => {
            turn.close_task(line, at);
            turn.put(line, at, At::Undone);
        }
        // The ledger answers at once and is balanced at the end; stock waits for the parcel; advice was given.
        (Leg::Entitlement | Leg::Reservation | Leg::Receipt | Leg::Support, _) => {}
        (Leg::Shipment | Leg::Pickup | Leg::Settlement, _) => {}
    }
}

/// Gives stock back when it is certain that it will not be sent.
fn release(line: &mut Line, turn: &mut Turn) {
    let Some(at) = line.find(Leg::Reservation) else { return };
    let sent_no_more = matches!(line.state_of(Leg::Shipment), Some(At::Skipped | At::Undone));
    if sent_no_more {
        release_stock(line, at, turn);
    }
}

/// Gives back what is held, or asked for.
pub(super) fn release_stock(line: &mut Line, at: usize, turn: &mut Turn) {
    if !matches!(line.strands[at].state, At::Asked | At::HeldPartly | At::Held) {
        return;
    }
    turn.put_and_ask(line, at, At::Undoing);
}

/// A parcel of ours is with the carrier or the customer: it becomes a return.
pub(super) fn bring_back(line: &mut Line, shipment: usize, turn: &mut Turn) {
    line.strands[shipment].state = At::Done;
    let purpose = Purpose::BringBack { shipment: line.strands[shipment].attempt };
    turn.add(line, Leg::Pickup, purpose);
    // It may be expected already, because it was to come back by itself.
    if line.find_for(Leg::Receipt, purpose).is_none() {
        turn.add(line, Leg::Receipt, purpose);
    }
}

/// A parcel that was to be fetched from the customer comes back by itself: the customer has not got it, nobody need fetch
/// it. Whether it was to be fetched.
pub(super) fn comes_by_itself(line: &mut Line, shipment: usize, turn: &mut Turn) -> bool {
    let purpose = Purpose::BringBack { shipment: line.strands[shipment].attempt };
    let Some(pickup) = line.find_for(Leg::Pickup, purpose) else { return false };
    line.strands[shipment].state = At::Undone;
    match line.strands[pickup].state {
        At::Asked | At::Booked => turn.put_and_ask(line, pickup, At::Undoing),
        At::Failed(_) => {
            turn.close_task(line, pickup);
            turn.put(line, pickup, At::Undone);
        }
        At::Idle | At::HeldPartly | At::Held | At::Consuming | At::HandedOver | At::CountedPartly => {}
        At::Done | At::Skipped | At::Undoing | At::UndoFailed | At::Undone => {}
    }
    true
}

/// A parcel of ours comes back by itself: it must be counted.
pub(super) fn expect_back(line: &mut Line, shipment: usize, turn: &mut Turn) {
    let purpose = Purpose::BringBack { shipment: line.strands[shipment].attempt };
    turn.add(line, Leg::Receipt, purpose);
}

/// Goods have left the customer and should not have. If they were counted, the receipt asks the person.
pub(super) fn collected(line: &mut Line, pickup: usize, turn: &mut Turn) {
    let receipt = line.find_for(Leg::Receipt, line.strands[pickup].purpose).map(|at| &line.strands[at]);
    let counted =
        receipt.is_some_and(|receipt| matches!(receipt.state, At::Done | At::UndoFailed) || receipt.count.came() > 0);
    if counted {
        turn.put(line, pickup, At::Done);
    } else {
        turn.put_and_open_task(line, pickup, At::UndoFailed);
    }
}

/// A person has decided about what could not be undone.
pub(super) fn ruled(line: &mut Line, at: usize, ruling: Ruling, turn: &mut Turn) {
    match (ruling, line.strands[at].leg) {
        // It is left as it is: given for good, or settled by hand.
        (Ruling::Approve | Ruling::Deny, _) => turn.put(line, at, At::Done),
        // There is nobody else to ask whether money comes back.
        (Ruling::Retry, Leg::Settlement) => turn.put_and_open_task(line, at, At::UndoFailed),
        (Ruling::Retry, Leg::Pickup | Leg::Receipt) => turn.put_and_ask(line, at, At::Undoing),
        (Ruling::Retry, Leg::Entitlement | Leg::Reservation | Leg::Shipment | Leg::Support) => {}
    }
}

/// A parcel that nobody can collect stays with the customer, and is expected no more.
pub(super) fn leave_with_customer(line: &mut Line, pickup: usize, turn: &mut Turn) {
    let purpose = line.strands[pickup].purpose;
    line.strands[pickup].state = At::Skipped;
    if let Some(receipt) = line.find_for(Leg::Receipt, purpose)
        && !line.strands[receipt].is_settled()
    {
        turn.put_and_ask(line, receipt, At::Undoing);
    }
}

/// What the customer keeps is given; all other promises go back (domain rule 1).
fn balance(line: &mut Line, turn: &mut Turn) {
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
        if self.state_of(Leg::Settlement) == Some(At::Done) {
            return self.given;
        }
        let Some(at) = self.find(Leg::Shipment).filter(|at| self.strands[*at].state == At::Done) else { return 0 };
        let purpose = Purpose::BringBack { shipment: self.strands[at].attempt };
        let receipt = self.find_for(Leg::Receipt, purpose);
        self.units().saturating_sub(receipt.map_or(0, |at| self.strands[at].count.accepted))
    }
}
