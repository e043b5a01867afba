//! Plausible mistakes, to see that the walk over every past finds them. The process itself knows nothing of them: each is
//! planted around [`step`], in what it is told or in what it answers.

use super::super::*;
use super::{BOOKED, HANDED_OVER, HELD, HELD_PARTLY};

/// A plausible mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Stock is not given back when a claim is given up.
    ForgetRelease,
    /// Answers are taken without looking at the attempt.
    AcceptStale,
    /// Every plan is taken as approved.
    SkipApproval,
    /// What was announced is refunded, not what was counted.
    SettleAnnounced,
    /// Stock is asked for before the ledger grants it.
    SkipEntitlement,
    /// A repeated message is told again.
    AskTwice,
    /// A withdrawn claim ends without undoing anything.
    EndAtOnce,
    /// Work that was asked and not answered counts as not done.
    ForgetInDoubt,
    /// The next attempt has the name of the last.
    ReuseName,
    /// A parcel under way is not brought back.
    LetItGo,
    /// What was promised and not given stays promised.
    KeepEntitlement,
    /// What was replaced stays given although the faulty unit came back.
    KeepReplaced,
    /// What is not as the claim says counts for it, and nobody is asked.
    SkipJudgement,
    /// What depends on other lines is paid whatever becomes of them.
    SkipOthers,
    /// A plan that does not fit is carried out.
    SkipBasis,
    /// What was to be sent in the place of a parcel that turns up is not called off.
    SendTwice,
}

impl Mistake {
    /// What [`step`] would answer if it made the mistake.
    pub fn step(self, process: &Process, event: &Event) -> Step {
        let (mut told_process, mut told_event) = (process.clone(), event.clone());
        self.spoil_event(process, &mut told_event);
        self.spoil_process(&mut told_process, event);
        self.spoil_answer(&told_process, step(&told_process, &told_event))
    }

    /// The process hears another event than was told.
    fn spoil_event(self, process: &Process, event: &mut Event) {
        match (self, event) {
            (Self::SkipApproval, Event::Judged { plan, .. }) => plan.automatic = true,
            (Self::SkipBasis, Event::Judged { fits, .. }) => *fits = true,
            (Self::SkipOthers, Event::Judged { plan, .. }) => {
                plan.lines.iter_mut().for_each(|line| line.only_with.clear());
            }
            (Self::SettleAnnounced, Event::Work { job, news: LegEvent::Return(Return::Counted { count, .. }) }) => {
                let line = lines(process).iter().find(|line| line.plan.line == job.line);
                count.accepted = line.map_or(0, |line| line.plan.quantity);
            }
            (Self::SkipJudgement, Event::Work { news: LegEvent::Return(Return::Counted { count, .. }), .. }) => {
                let units = std::mem::take(&mut count.unclear);
                count.accepted += units;
                count.other -= units;
            }
            (Self::AcceptStale, Event::Work { job, .. }) => {
                let line = lines(process).iter().find(|line| line.plan.line == job.line);
                let run = line.and_then(|line| line.runs.iter().find(|run| run.leg == job.leg));
                job.attempt = job.attempt.max(run.map_or(0, |run| run.attempt));
            }
            _ => {}
        }
    }

    /// The process is not where it believes to be.
    fn spoil_process(self, process: &mut Process, event: &Event) {
        for line in lines_mut(process) {
            let turns_up = turns_up(line, event);
            for run in &mut line.runs {
                let forgotten = match (self, run.leg, run.state) {
                    (Self::ForgetRelease, Leg::Reservation, RunState::Asked | HELD_PARTLY | HELD)
                    | (Self::ForgetInDoubt, Leg::Shipment, RunState::Asked)
                    | (Self::LetItGo, Leg::Shipment, HANDED_OVER | RunState::Done) => *event == Event::Withdrawn,
                    (Self::SendTwice, Leg::Shipment, RunState::Asked | BOOKED) => turns_up,
                    _ => false,
                };
                let handed_over = matches!(event, Event::Work { news: LegEvent::Parcel(Parcel::HandedOver), .. });
                if forgotten {
                    run.state = RunState::Undone;
                } else if self == Self::AskTwice && handed_over && run.state == HANDED_OVER {
                    run.state = BOOKED;
                }
            }
        }
    }

    /// The process answers something else.
    fn spoil_answer(self, before: &Process, step: Step) -> Step {
        let Step::Go(mut process, mut commands) = step else { return step };
        match self {
            Self::EndAtOnce if matches!(process.stage, Stage::Compensating { .. }) => {
                return end(before, Outcome::Withdrawn, WITHDRAWN, vec![]);
            }
            Self::KeepEntitlement => commands.retain(|command| !matches!(command, Command::GiveBack { .. })),
            Self::KeepReplaced => commands.retain(|command| !matches!(command, Command::TakeBack { .. })),
            Self::SkipEntitlement => {
                let asked = commands.iter().find_map(|command| match command {
                    Command::Grant { job, quantity } => Some((*job, *quantity)),
                    _ => None,
                });
                if let Some((job, quantity)) = asked
                    && let Step::Go(after, more) =
                        super::super::step(&process, &Event::Work { job, news: LegEvent::Granted(quantity) })
                {
                    (process, commands) = (after, [commands, more].concat());
                }
            }
            Self::ReuseName => {
                for command in &mut commands {
                    if let Command::Reserve { job, .. } | Command::Ship { job, .. } = command {
                        job.attempt = 1;
                    }
                }
            }
            _ => {}
        }
        Step::Go(process, commands)
    }
}

/// A parcel of the line that was given up has arrived.
fn turns_up(line: &Line, event: &Event) -> bool {
    let Event::Work { job, news: LegEvent::Parcel(Parcel::Delivered) } = event else { return false };
    job.line == line.plan.line && job.leg == Leg::Shipment && line.lost.contains(&job.attempt)
}

fn lines(process: &Process) -> &[Line] {
    match &process.stage {
        Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => lines,
        _ => &[],
    }
}

fn lines_mut(process: &mut Process) -> &mut [Line] {
    match &mut process.stage {
        Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => lines,
        _ => &mut [],
    }
}
