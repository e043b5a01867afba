//! What is promised in every past. Each promise says what is broken, and the walk says how it came to that.

use super::super::*;
use super::world::{Account, Fate, SourceMessage, World};

type Kept = Result<(), String>;

/// Applies what the process asks to the world, and checks each question.
pub fn asked(world: &mut World, before: &Process, after: &Process, commands: &[Command]) -> Kept {
    for command in commands {
        asked_of_others(world, after, command)?;
        asked_about_work(world, after, command)?;
    }
    if let Stage::Ended { outcome, .. } = &after.stage {
        holds_nothing(world, *outcome)?;
    }
    if is_busy(before) && !is_busy(after) {
        let undone = matches!(before.stage, Stage::Compensating { .. }) || !is_done(after);
        nothing_is_forgotten(world, undone)?;
        world.jobs.clear();
        world.accounts.clear();
    }
    if after.round > before.round {
        world.highest.clear();
    }
    Ok(())
}

/// A plan that fits is taken. One that does not is made again, a few times in a row; then it is taken as it is.
pub fn planned(world: &mut World, after: &Process, plan: &Plan, fits: bool) -> Kept {
    let again = matches!(after.stage, Stage::Assessing { reason: AssessReason::Basis });
    keep(!(fits && again), "made again although it fits")?;
    keep(fits || again || world.unfit == limits::UNFIT_MAX, "carried out although it does not fit")?;
    if again {
        world.unfit += 1;
        return keep(world.unfit <= limits::UNFIT_MAX, "made again without end");
    }
    world.take(plan);
    Ok(())
}

/// Questions to those who judge, approve and agree; clocks; the end.
fn asked_of_others(world: &mut World, after: &Process, command: &Command) -> Kept {
    let ended = matches!(after.stage, Stage::Ended { .. });
    match command {
        Command::Assess { assessment, plan, .. } => {
            keep(*assessment == world.asked[0] + 1, "an assessment number is used twice")?;
            keep(*plan == after.plan + 1, "a plan number is used twice")?;
            keep(!world.withdrawn && !world.duplicate, "judged again though given up")?;
            world.asked[0] = *assessment;
        }
        Command::AskCustomer { question, .. } => new_number(&mut world.asked[1], *question)?,
        Command::RequestApproval { plan } => new_number(&mut world.asked[2], *plan)?,
        Command::ProposePlan { plan } => {
            keep(world.approved == *plan, "proposed before it was approved")?;
            new_number(&mut world.asked[3], *plan)?;
        }
        Command::StartFollowUp { round } => new_number(&mut world.asked[4], u32::from(*round))?,
        Command::EndClaim { outcome, .. } => {
            world.ends += 1;
            keep(ended, "ended and not at the end")?;
            keep((*outcome == Outcome::Withdrawn) == world.withdrawn, "withdrawn, and ended otherwise")?;
            keep((*outcome == Outcome::Duplicate) == world.duplicate, "a duplicate, and ended otherwise")?;
        }
        Command::CancelAssessment { assessment } => {
            keep(ended && *assessment == world.asked[0], "another assessment is taken back")?;
        }
        Command::CloseQuestion { question } => {
            keep((ended || world.silent) && *question == world.asked[1], "another question")?;
        }
        Command::CancelApproval { plan } => keep(ended && *plan == world.asked[2], "another approval")?,
        Command::WithdrawPlan { plan } => {
            keep((ended || world.silent) && *plan == world.asked[3], "another proposal")?;
        }
        Command::PauseClocks => {
            keep(!world.paused, "paused twice")?;
            world.paused = true;
        }
        Command::ResumeClocks => {
            keep(world.paused, "resumed and not paused")?;
            world.paused = false;
        }
        Command::StartClocks { round, .. } => {
            world.clocks = *round;
            world.heard.clear();
        }
        Command::StopClocks { round, kinds } => {
            keep(*round <= world.clocks, "clocks of a later round are stopped")?;
            keep(kinds.iter().all(|kind| !world.heard.contains(kind)), "a clock is stopped twice")?;
            world.heard.extend(kinds);
        }
        Command::RetargetClocks { round } => keep(*round == world.clocks, "clocks of another round are re-targeted")?,
        Command::MovePromises => {}
        Command::Notify { .. } | Command::Announce(_) => {}
        // Asked about work.
        Command::OpenTask { .. } | Command::CloseTask { .. } | Command::Grant { .. } | Command::Give { .. } => {}
        Command::GiveBack { .. } | Command::TakeBack { .. } | Command::Reserve { .. } | Command::Consume { .. } => {}
        Command::Release { .. } | Command::ExpectReturn { .. } | Command::CancelReturn { .. } => {}
        Command::Ship { .. } | Command::CancelShipment { .. } | Command::Collect { .. } => {}
        Command::CancelCollection { .. } | Command::Settle { .. } => {}
        Command::ArrangeVisit { .. } | Command::CancelVisit { .. } => {}
    }
    Ok(())
}

/// Questions about pieces of work.
fn asked_about_work(world: &mut World, after: &Process, command: &Command) -> Kept {
    match command {
        Command::Grant { job, .. } => new_work(world, after, *job, None)?,
        Command::Reserve { job, quantity } => {
            new_work(world, after, *job, None)?;
            granted(world, *job, *quantity)?;
        }
        Command::Collect { job, quantity } => {
            new_work(world, after, *job, None)?;
            granted(world, *job, *quantity)?;
            let there = world.of_line(job.line, Leg::Reservation);
            let there = there.into_iter().any(|(_, fate)| {
                matches!(fate.told, SourceMessage::Full | SourceMessage::Consumed | SourceMessage::Gone)
            });
            keep(there || !is_exchange(world, job.line), "collected before it is known whether there are others")?;
        }
        Command::ExpectReturn { job, quantity, .. } => {
            let out = world.of_line(job.line, Leg::Shipment).any(|(_, fate)| fate.is_out());
            new_work(world, after, *job, None)?;
            granted(world, *job, *quantity)?;
            known(world, *job)?.brings_back = out;
        }
        Command::Ship { job, quantity } => {
            new_work(world, after, *job, None)?;
            granted(world, *job, *quantity)?;
            let held = world.of_line(job.line, Leg::Reservation).last().map(|(_, fate)| fate.told);
            keep(held == Some(SourceMessage::Full), "shipped what is not held")?;
        }
        Command::ArrangeVisit { job, .. } => {
            new_work(world, after, *job, None)?;
            let sent: Vec<_> = world.of_line(job.line, Leg::Shipment).collect();
            let there = sent.iter().any(|(_, fate)| fate.told == SourceMessage::Delivered);
            keep(there || sent.is_empty(), "somebody is sent before the goods are there")?;
        }
        Command::CancelVisit { job } => known(world, *job)?.undo = true,
        Command::Settle { job, quantity, .. } => settle(world, after, *job, *quantity)?,
        Command::OpenTask { job, reason: "LATE_RETURN", .. } => {
            keep(world.late_tasks.insert(*job), "a task about late goods is opened twice")?;
        }
        Command::OpenTask { job, kind: Task::ReturnMismatch, reason } => {
            new_work(world, after, *job, Some(Task::ReturnMismatch))?;
            world.mismatches.insert(*job, (receipt_of(after, *job), reason));
        }
        Command::OpenTask { job, kind, .. } => new_work(world, after, *job, Some(*kind))?,
        Command::Consume { job } => known(world, *job)?.consume = true,
        Command::Release { job } => {
            let doubt = |(_, fate): (&Job, &Fate)| matches!(fate.told, SourceMessage::Nothing | SourceMessage::Begun);
            let sent = world.of_line(job.line, Leg::Shipment).any(doubt);
            keep(!sent, "released while it may still be sent")?;
            known(world, *job)?.undo = true;
        }
        Command::CancelReturn { job } | Command::CancelShipment { job } => known(world, *job)?.undo = true,
        Command::CancelCollection { job } | Command::CloseTask { job } => known(world, *job)?.undo = true,
        Command::GiveBack { job, quantity } => account(world, *job)?.move_units(*quantity, 0)?,
        Command::Give { job, quantity } => account(world, *job)?.move_units(*quantity, *quantity)?,
        Command::TakeBack { job, quantity } => account(world, *job)?.take_back(*quantity)?,
        // Asked of others.
        Command::Assess { .. } | Command::CancelAssessment { .. } | Command::AskCustomer { .. } => {}
        Command::CloseQuestion { .. } | Command::ProposePlan { .. } | Command::WithdrawPlan { .. } => {}
        Command::StartFollowUp { .. } | Command::EndClaim { .. } | Command::StartClocks { .. } => {}
        Command::StopClocks { .. } | Command::PauseClocks | Command::ResumeClocks => {}
        Command::RetargetClocks { .. } | Command::MovePromises => {}
        Command::RequestApproval { .. } | Command::CancelApproval { .. } => {}
        Command::Notify { .. } | Command::Announce(_) => {}
    }
    Ok(())
}

/// What holds in a past, whatever led to it.
pub fn hold(process: &Process, world: &World) -> Kept {
    let ended = matches!(process.stage, Stage::Ended { .. });
    keep(world.ends == u32::from(ended), "a claim ends once")?;
    let open = waiting_for(process);
    for command in &open {
        keep(was_asked(world, command), &format!("awaited but never asked: {command:?}"))?;
    }
    for command in ask_again(process) {
        keep(was_asked(world, &command), &format!("asked again but never asked: {command:?}"))?;
    }
    let asking = matches!(process.stage, Stage::AwaitingCustomer { .. });
    keep(ended || world.paused == asking, "clocks pause exactly while the customer is asked")?;
    let told = world.heard.contains(&Clock::FirstFeedback);
    keep(ended || told == process.heard, "the first feedback is given exactly when the customer has heard from us")?;
    let proposed = matches!(process.stage, Stage::AwaitingConsent(_) | Stage::Executing { .. });
    keep(!(asking || proposed) || process.heard, "asked or told a plan, and the first feedback is not given")?;
    let party = waits_for(process);
    keep(ended == (party == proto::claim::WaitingFor::Unspecified), "a claim waits for a named party until it ends")?;
    keep(ended == waits(process).is_empty(), "all that a claim waits for is told")?;
    keep(ended == open.is_empty(), "a claim has an open question until it ends")
}

fn keep(kept: bool, promise: &str) -> Kept {
    if kept { Ok(()) } else { Err(promise.to_owned()) }
}

fn is_busy(process: &Process) -> bool {
    matches!(process.stage, Stage::Executing { .. } | Stage::Compensating { .. })
}

/// Faulty units that came back in exchange for others.
fn faulty_back(world: &World, line: u16) -> u32 {
    let receipts = world.of_line(line, Leg::Receipt).filter(|(_, fate)| !fate.brings_back);
    receipts.filter(|(_, fate)| fate.told == SourceMessage::Complete).map(|(_, fate)| fate.counting()).sum()
}

/// The plan was carried out to its end.
fn is_done(process: &Process) -> bool {
    match &process.stage {
        Stage::FollowingUp => true,
        Stage::Ended { outcome, .. } => matches!(outcome, Outcome::Closed | Outcome::Rejected),
        _ => false,
    }
}

fn new_number(last: &mut u32, number: u32) -> Kept {
    keep(number > *last, "a question is asked twice")?;
    *last = number;
    Ok(())
}

/// Nothing begins before it is allowed, and no name is used twice.
fn new_work(world: &mut World, after: &Process, job: Job, task: Option<Task>) -> Kept {
    keep(job.round == after.round, "work of another round")?;
    keep(world.approved == after.plan, "begun before it was approved")?;
    keep(world.consented == after.plan, "begun before the customer agreed")?;
    let highest = world.highest.entry((job.line, job.leg)).or_default();
    keep(job.attempt > *highest, &format!("a name is used twice: {job:?}"))?;
    *highest = job.attempt;
    let (undo, consume, brings_back) = (false, false, false);
    let (count, approved, late) = (Count::default(), 0, false);
    let fate = Fate { told: SourceMessage::Nothing, task, undo, consume, count, approved, late, brings_back };
    world.jobs.insert(job, fate);
    Ok(())
}

fn known(world: &mut World, job: Job) -> Result<&mut Fate, String> {
    world.jobs.get_mut(&job).ok_or_else(|| format!("undone though never asked: {job:?}"))
}

fn account(world: &mut World, grant: Job) -> Result<&mut Account, String> {
    keep(world.jobs.get(&grant).is_some_and(|fate| fate.told == SourceMessage::Full), "no such grant")?;
    world.accounts.get_mut(&grant.line).ok_or_else(|| "no such account".to_owned())
}

/// Only what the ledger has granted is worked on (domain rule 1).
fn granted(world: &World, job: Job, quantity: u32) -> Kept {
    let account = world.accounts.get(&job.line).copied().unwrap_or_default();
    keep(quantity > 0 && quantity <= account.held + account.given, "more than was granted")
}

/// Money is for granted units, and of a return for accepted ones only (domain rule 2).
fn settle(world: &mut World, after: &Process, job: Job, quantity: u32) -> Kept {
    new_work(world, after, job, None)?;
    let account = world.accounts.get(&job.line).copied().unwrap_or_default();
    keep(quantity > 0 && quantity == account.given, "paid what is not given")?;
    let plan = world.plan.as_ref().expect("a plan is carried out");
    let line = plan.lines.iter().find(|line| line.line == job.line).expect("a line of the plan");
    if line.resolution == Resolution::ReturnRefund {
        let receipt = world.of_line(job.line, Leg::Receipt).last().map(|(_, fate)| *fate);
        let accepted = receipt.filter(|fate| fate.told == SourceMessage::Complete).map_or(0, |fate| fate.counting());
        keep(quantity <= accepted, "paid what was not counted")?;
    }
    for other in plan.lines.iter().filter(|other| line.only_with.contains(&other.line)) {
        let back = world.of_line(other.line, Leg::Receipt).last().map(|(_, fate)| *fate);
        let back = back.filter(|fate| fate.told == SourceMessage::Complete).map_or(0, |fate| fate.counting());
        keep(back >= other.quantity, "paid although others came to nothing")?;
    }
    Ok(())
}

impl Account {
    fn move_units(&mut self, units: u32, given: u32) -> Kept {
        keep(units > 0 && units <= self.held, "more than is held")?;
        self.held -= units;
        self.given += given;
        Ok(())
    }

    fn take_back(&mut self, units: u32) -> Kept {
        keep(units > 0 && units <= self.given, "more than was given")?;
        self.given -= units;
        Ok(())
    }
}

fn was_asked(world: &World, command: &Command) -> bool {
    let fate = |job: &Job| world.jobs.get(job);
    match command {
        Command::Grant { job, .. } | Command::Reserve { job, .. } | Command::Ship { job, .. } => fate(job).is_some(),
        Command::CancelVisit { job } => fate(job).is_some_and(|fate| fate.undo),
        Command::ArrangeVisit { job, .. } => fate(job).is_some(),
        Command::Collect { job, .. } | Command::ExpectReturn { job, .. } | Command::Settle { job, .. } => {
            fate(job).is_some()
        }
        Command::OpenTask { job, reason: "LATE_RETURN", .. } => world.late_tasks.contains(job),
        Command::OpenTask { job, kind, .. } => fate(job).is_some_and(|fate| fate.task == Some(*kind) && !fate.undo),
        Command::Consume { job } => fate(job).is_some_and(|fate| fate.consume),
        Command::Release { job } | Command::CancelReturn { job } => fate(job).is_some_and(|fate| fate.undo),
        Command::CancelShipment { job } | Command::CancelCollection { job } => fate(job).is_some_and(|fate| fate.undo),
        Command::Assess { assessment, .. } => *assessment == world.asked[0],
        Command::AskCustomer { question, .. } => *question == world.asked[1],
        Command::RequestApproval { plan } => *plan == world.asked[2],
        Command::ProposePlan { plan } => *plan == world.asked[3],
        Command::StartFollowUp { round } => u32::from(*round) == world.asked[4],
        // These have no answer: they are told again after a long silence.
        Command::CancelAssessment { assessment } => *assessment == world.asked[0],
        Command::CloseQuestion { question } => *question == world.asked[1],
        Command::CancelApproval { plan } => *plan == world.asked[2],
        Command::WithdrawPlan { plan } => *plan == world.asked[3],
        Command::EndClaim { .. } => world.ends == 1,
        Command::StartClocks { round, .. } | Command::RetargetClocks { round } => *round == world.clocks,
        // What is promised now, whatever was said before.
        Command::MovePromises => true,
        Command::PauseClocks => world.paused,
        Command::ResumeClocks => !world.paused,
        Command::CloseTask { job } => fate(job)
            .is_some_and(|fate| fate.task.is_some() && (fate.undo || matches!(fate.told, SourceMessage::Ruled(_)))),
        // Told again with its time, which the handler keeps.
        Command::StopClocks { .. } | Command::GiveBack { .. } | Command::Give { .. } => false,
        Command::TakeBack { .. } | Command::Notify { .. } | Command::Announce(_) => false,
    }
}

/// Whatever else is true of it: a claim that has ended holds no stock and no booking that can still be called off
/// (G5, P40), because it ends when those who hold them have answered.
fn holds_nothing(world: &World, outcome: Outcome) -> Kept {
    for (job, fate) in world.jobs.iter().filter(|(_, fate)| fate.task.is_none()) {
        let holds = match job.leg {
            Leg::Reservation => {
                matches!(fate.told, SourceMessage::Nothing | SourceMessage::Begun | SourceMessage::Full)
            }
            Leg::Shipment | Leg::Pickup | Leg::Visit => {
                matches!(fate.told, SourceMessage::Nothing | SourceMessage::Begun)
            }
            Leg::Receipt => {
                outcome != Outcome::Closed && matches!(fate.told, SourceMessage::Nothing | SourceMessage::Begun)
            }
            Leg::Entitlement | Leg::Settlement | Leg::Support => false,
        };
        keep(!holds, &format!("ended and forgotten: {job:?} {fate:?}"))?;
    }
    Ok(())
}

/// When a plan is over, nothing of it is left held, booked, expected or promised.
fn nothing_is_forgotten(world: &World, undone: bool) -> Kept {
    for (job, fate) in &world.jobs {
        let forgotten = || format!("forgotten: {job:?} {fate:?}");
        if fate.task.is_some() {
            keep(fate.undo || matches!(fate.told, SourceMessage::Ruled(_)), &forgotten())?;
            continue;
        }
        let left_so = || person_let_it_be(world, job.line);
        let settled = match job.leg {
            Leg::Entitlement => fate.told == SourceMessage::Full,
            Leg::Reservation => matches!(fate.told, SourceMessage::Gone | SourceMessage::Consumed),
            Leg::Shipment if undone && fate.is_out() => came_back(world, job.line) || left_so(),
            // A second one that left before it was called off.
            Leg::Shipment if fate.told == SourceMessage::Out => with_customer(world, job.line) > 1,
            Leg::Shipment => matches!(
                fate.told,
                SourceMessage::Gone | SourceMessage::Delivered | SourceMessage::Lost | SourceMessage::Refused
            ),
            Leg::Pickup if undone && !brings_back(world, *job) => {
                let known =
                    matches!(fate.told, SourceMessage::Gone | SourceMessage::Refused) || was_tried_again(world, *job);
                known || left_so() || goods_counted(world, job.line)
            }
            Leg::Pickup => fate.told != SourceMessage::Nothing && fate.told != SourceMessage::Begun,
            // That enough of them are complete is looked at below.
            Leg::Receipt if fate.brings_back => matches!(fate.told, SourceMessage::Complete | SourceMessage::Cancelled),
            Leg::Receipt => {
                let answered = matches!(fate.told, SourceMessage::Cancelled | SourceMessage::Complete);
                answered && (!undone || fate.count.came() == 0 || left_so())
            }
            Leg::Settlement => {
                matches!(fate.told, SourceMessage::NotPaid | SourceMessage::Free)
                    || (fate.told == SourceMessage::Paid && (!undone || left_so()))
            }
            Leg::Support => true,
            Leg::Visit => match fate.told {
                SourceMessage::Complete => true,
                SourceMessage::Gone => undone || was_tried_again(world, *job),
                _ => undone && fate.told == SourceMessage::Out && left_so(),
            },
        };
        keep(settled, &forgotten())?;
    }
    for (line, account) in &world.accounts {
        one_for_one(world, *line, undone)?;
        keep(account.held == 0, &format!("line {line}: promised and neither given nor given back: {account:?}"))?;
        // In an exchange that was carried out, what came back closes what was sent for it.
        let closed = if undone || !is_exchange(world, *line) { 0 } else { faulty_back(world, *line) };
        let due = given(world, *line, *account).saturating_sub(closed);
        keep(account.given == due, &format!("line {line}: not what was given: {account:?}, due {due}"))?;
    }
    Ok(())
}

/// Whatever is found, repacked or collected late: the customer keeps one parcel for one, and what is to come back is counted;
/// or a person has let it be.
fn one_for_one(world: &World, line: u16, undone: bool) -> Kept {
    let refused = world.of_line(line, Leg::Shipment).filter(|(_, fate)| fate.told == SourceMessage::Refused).count();
    let kept = if undone { 0 } else { 1 };
    let back =
        world.of_line(line, Leg::Receipt).filter(|(_, fate)| fate.brings_back && fate.told == SourceMessage::Complete);
    let wanted = refused + with_customer(world, line).saturating_sub(kept);
    keep(back.count() >= wanted || person_let_it_be(world, line), &format!("line {line}: two for one"))
}

/// Parcels that the customer has, or will have.
fn with_customer(world: &World, line: u16) -> usize {
    world
        .of_line(line, Leg::Shipment)
        .filter(|(_, fate)| matches!(fate.told, SourceMessage::Out | SourceMessage::Delivered))
        .count()
}

/// What the ledger must say in the end: money that was paid, goods that were sent and have not come back.
fn given(world: &World, line: u16, account: Account) -> u32 {
    if world.of_line(line, Leg::Settlement).any(|(_, fate)| fate.told == SourceMessage::Free) {
        return account.given;
    }
    let paid = world.of_line(line, Leg::Settlement).any(|(_, fate)| fate.told == SourceMessage::Paid);
    let with_customer = with_customer(world, line);
    let given_up = |(_, fate): (&Job, &Fate)| fate.brings_back && fate.told == SourceMessage::Cancelled;
    let last = world.of_line(line, Leg::Shipment).last().map(|(_, fate)| fate.told);
    let turned_up = with_customer > 0 && !matches!(last, Some(SourceMessage::Out | SourceMessage::Delivered));
    if with_customer > 1 || turned_up || world.of_line(line, Leg::Receipt).any(given_up) {
        // Which of them came back is not known here: no more is given than was granted.
        return account.given.min(account.granted.unwrap_or_default());
    }
    match with_customer {
        1 => {
            // Parcels that were refused before were expected first.
            let refused =
                world.of_line(line, Leg::Shipment).filter(|(_, fate)| fate.told == SourceMessage::Refused).count();
            let back = world.of_line(line, Leg::Receipt).filter(|(_, fate)| fate.brings_back).nth(refused);
            let granted = account.granted.unwrap_or_default();
            granted.saturating_sub(back.map_or(0, |(_, fate)| fate.counting()))
        }
        _ if paid => account.given.max(1),
        _ => 0,
    }
}

fn is_exchange(world: &World, line: u16) -> bool {
    let plan = world.plan.as_ref().expect("a plan is carried out");
    plan.lines.iter().any(|planned| planned.line == line && planned.resolution == Resolution::Replace)
}

/// Every parcel of ours that is out is expected back.
fn came_back(world: &World, line: u16) -> bool {
    let out = world.of_line(line, Leg::Shipment).filter(|(_, fate)| fate.is_out()).count();
    world.of_line(line, Leg::Receipt).filter(|(_, fate)| fate.brings_back).count() >= out
}

/// The pick-up fetches a parcel of ours.
fn brings_back(world: &World, pickup: Job) -> bool {
    let receipts = world.of_line(pickup.line, Leg::Receipt).filter(|(_, fate)| fate.brings_back).count();
    let pickups = world.of_line(pickup.line, Leg::Pickup).filter(|(job, _)| **job > pickup).count();
    receipts > 0 && pickups < receipts
}

/// The receipt that a task is about.
fn receipt_of(after: &Process, task: Job) -> Job {
    let (Stage::Executing { lines, .. } | Stage::Compensating { lines, .. }) = &after.stage else { return task };
    let of_line = lines.iter().filter(|line| line.plan.line == task.line).flat_map(|line| &line.runs);
    let found = of_line.filter(|run| run.leg == Leg::Receipt).find(|run| run.last == task.attempt);
    Job { attempt: found.map_or(0, |run| run.attempt), ..task }
}

/// A person has heard of it, and went on.
fn was_tried_again(world: &World, job: Job) -> bool {
    world.of_line(job.line, job.leg).any(|(later, _)| *later > job)
}

fn goods_counted(world: &World, line: u16) -> bool {
    world.of_line(line, Leg::Receipt).any(|(_, fate)| fate.told == SourceMessage::Complete)
}

fn person_let_it_be(world: &World, line: u16) -> bool {
    world.jobs.iter().any(|(job, fate)| {
        job.line == line
            && fate.task == Some(Task::CompensationFailed)
            && matches!(fate.told, SourceMessage::Ruled(Ruling::Approve | Ruling::Deny))
    })
}
