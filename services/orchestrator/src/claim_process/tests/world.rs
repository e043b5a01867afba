//! The others, as far as the walk must know them: what was asked of each, what it has said, and so what it may still
//! say. A correct service does not contradict itself; it may be late, repeat itself and be overtaken by others.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proto::claim::Role;

use super::super::*;

/// What a walk lets happen.
pub struct Alphabet {
    /// The plans that triage may make, without their number.
    pub plans: Vec<Plan>,
    /// Plans within a claim.
    pub plans_max: u32,
    /// Assessments within a claim.
    pub assessments_max: u32,
    pub rounds_max: u16,
    /// Numbers of attempts and tasks of a leg.
    pub numbers_max: u16,
    /// Units that the ledger may grant.
    pub grants: Vec<u32>,
    /// What a warehouse may count.
    pub counts: Vec<Count>,
    /// What befalls a parcel besides arriving.
    pub mishaps: Vec<Parcel>,
    /// Questions, persons and refusals before there is a plan.
    pub talk: bool,
    /// Plans may not fit what the ledgers have.
    pub unfit: bool,
    /// A person says that it is the same as another claim.
    pub duplicates: bool,
    /// Goods come when they are expected no more.
    pub late_goods: bool,
}

/// What is known about one piece of work, or one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fate {
    /// What its owner has said last that matters.
    pub told: SourceMessage,
    /// It is a task for a person.
    pub task: Option<Task>,
    /// It was asked to be undone, or closed.
    pub undo: bool,
    /// Inventory was told that the goods have left.
    pub consume: bool,
    /// What was counted.
    pub count: Count,
    /// Units that a person let count besides.
    pub approved: u32,
    /// More came after it was counted to the end.
    pub late: bool,
    /// It was asked when a parcel of ours had left.
    pub brings_back: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceMessage {
    Nothing,
    Begun,
    Full,
    Gone,
    Out,
    Delivered,
    Lost,
    Refused,
    Consumed,
    Complete,
    Cancelled,
    Paid,
    NotPaid,
    /// There was nothing to pay.
    Free,
    Ruled(Ruling),
}

/// The ledger of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Account {
    pub granted: Option<u32>,
    pub held: u32,
    pub given: u32,
}

/// Everything outside the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    pub jobs: BTreeMap<Job, Fate>,
    pub accounts: BTreeMap<u16, Account>,
    /// Greatest number used in this round.
    pub highest: BTreeMap<(u16, Leg), u16>,
    /// Questions asked last: assessment, question, approval, proposal, follow-up.
    pub asked: [u32; 5],
    pub approved: u32,
    pub consented: u32,
    pub plan: Option<Rc<Plan>>,
    pub ends: u32,
    /// The customer has withdrawn, while there was something to withdraw; or has said nothing, which the policy takes as that.
    pub withdrawn: bool,
    /// It goes on as another claim, said while there was something to give up.
    pub duplicate: bool,
    /// The customer did not answer: what was asked was taken back.
    pub silent: bool,
    /// Kinds of clocks of this round that were stopped.
    pub heard: Vec<Clock>,
    /// All clocks are paused.
    pub paused: bool,
    /// The newest round whose clocks were started.
    pub clocks: u16,
    /// Plans in a row that did not fit and were made again.
    pub unfit: u8,
    /// Tasks about goods that are not as announced: the receipt, and why.
    pub mismatches: BTreeMap<Job, (Job, &'static str)>,
    /// Tasks about goods that came late.
    pub late_tasks: BTreeSet<Job>,
}

impl Alphabet {
    /// Everything that can happen next.
    pub fn events(&self, process: &Process, world: &World) -> Vec<Event> {
        let mut events = vec![Event::Withdrawn];
        if self.duplicates {
            events.push(Event::Duplicate);
        }
        if !process.acknowledged {
            events.push(Event::ReadBackConfirmed);
        }
        if self.talk && !(process.acknowledged && process.heard) {
            events.push(Event::ContactLogged);
        }
        let assessment = process.assessment;
        if process.plan < self.plans_max {
            let number = process.plan + 1;
            let judged = |plan: &Plan, fits| Event::Judged { assessment, plan: Plan { number, ..plan.clone() }, fits };
            events.extend(self.plans.iter().map(|plan| judged(plan, true)));
            if self.unfit {
                events.extend(self.plans.iter().map(|plan| judged(plan, false)));
            }
        }
        if self.talk {
            events.extend(self.talk(process, world));
        }
        // Whoever decides about late goods moves nothing, and is believed.
        let late = world.late_tasks.iter().map(|job| Event::Work { job: *job, news: LegEvent::Ruled(Ruling::Approve) });
        events.extend(late);
        for (job, fate) in &world.jobs {
            let news = match fate.task {
                Some(task) => rulings(task, fate),
                None => self.news(*job, fate),
            };
            events.extend(news.into_iter().map(|news| Event::Work { job: *job, news }));
        }
        events
    }

    fn talk(&self, process: &Process, world: &World) -> Vec<Event> {
        let reason = || "R".to_owned();
        let mut events = vec![];
        for assessment in 1..=process.assessment {
            events.push(Event::Refused { assessment, reason: reason() });
            events.push(Event::PersonNeeded { assessment, reason: reason(), role: Role::Supervisor });
            events.push(Event::AnswerNeeded { assessment, line: 1, reason: reason() });
        }
        let [_, question, approval, proposal, follow_up] = world.asked;
        events.extend((1..=question).map(|question| Event::CustomerAnswered { question }));
        for asked in (1..=question).map(Asked::Question).chain((1..=proposal).map(Asked::Plan)) {
            let ends = [Silence::Person, Silence::End(Outcome::Withdrawn), Silence::End(Outcome::Closed)];
            events.extend(ends.map(|then| Event::NoAnswer { asked, then }));
        }
        for plan in 1..=approval {
            events.extend([Event::ApprovalGranted { plan }, Event::ApprovalDenied { plan }]);
        }
        for plan in 1..=proposal {
            events.extend([true, false].map(|accepted| Event::PlanAnswered { plan, accepted }));
        }
        for round in 1..=u16::try_from(follow_up).expect("small") {
            events.extend([(5, false), (1, true)].map(|(score, low)| Event::FollowUpAnswered { round, score, low }));
            events.push(Event::FollowUpLapsed { round });
        }
        events
    }

    fn news(&self, job: Job, fate: &Fate) -> Vec<LegEvent> {
        match job.leg {
            Leg::Entitlement => match fate.told {
                SourceMessage::Nothing => self.grants.iter().map(|units| LegEvent::Granted(*units)).collect(),
                _ => vec![],
            },
            Leg::Reservation => reservation(fate).into_iter().map(LegEvent::Stock).collect(),
            Leg::Shipment | Leg::Pickup => self.parcel(fate).into_iter().map(LegEvent::Parcel).collect(),
            Leg::Receipt => self.receipt(fate).into_iter().map(LegEvent::Return).collect(),
            Leg::Settlement => {
                let paid = matches!(fate.told, SourceMessage::Nothing | SourceMessage::Paid)
                    .then_some(LegEvent::Money(Money::Paid));
                let not_paid = matches!(fate.told, SourceMessage::Nothing | SourceMessage::NotPaid);
                let free = matches!(fate.told, SourceMessage::Nothing | SourceMessage::Free)
                    .then_some(LegEvent::Money(Money::Nothing));
                paid.into_iter().chain(not_paid.then_some(LegEvent::Money(Money::NotPaid))).chain(free).collect()
            }
            Leg::Support => vec![],
            Leg::Visit => visit(fate).into_iter().map(LegEvent::Visit).collect(),
        }
    }

    fn parcel(&self, fate: &Fate) -> Vec<Parcel> {
        let mut news = match fate.told {
            SourceMessage::Nothing => {
                vec![Parcel::Booked, Parcel::BookingFailed, Parcel::HandedOver, Parcel::Delivered]
            }
            SourceMessage::Begun => vec![Parcel::Booked, Parcel::HandedOver, Parcel::Delivered],
            SourceMessage::Out => vec![Parcel::Booked, Parcel::HandedOver, Parcel::Delivered],
            SourceMessage::Delivered => vec![Parcel::HandedOver, Parcel::Delivered],
            // It turns up.
            SourceMessage::Lost => vec![Parcel::Delivered],
            _ => vec![],
        };
        if matches!(fate.told, SourceMessage::Nothing | SourceMessage::Begun | SourceMessage::Out) {
            news.extend(&self.mishaps);
        }
        if fate.undo && matches!(fate.told, SourceMessage::Nothing | SourceMessage::Begun | SourceMessage::Gone) {
            news.push(Parcel::Cancelled);
        }
        if fate.undo && !matches!(fate.told, SourceMessage::Gone) {
            news.push(Parcel::CancelRefused);
        }
        news
    }

    fn receipt(&self, fate: &Fate) -> Vec<Return> {
        match fate.told {
            SourceMessage::Nothing | SourceMessage::Begun => {
                let mut news = vec![];
                let possible =
                    |count: &&Count| count.accepted >= fate.count.accepted && count.other >= fate.count.other;
                for count in self.counts.iter().filter(possible) {
                    news.push(Return::Counted { count: *count, complete: true, late: 0 });
                    if count.came() > fate.count.came() {
                        news.push(Return::Counted { count: *count, complete: false, late: 0 });
                    }
                }
                if fate.undo {
                    news.push(Return::Cancelled { accepted: fate.count.accepted });
                    if fate.count.came() == 0 {
                        news.push(Return::Cancelled { accepted: 1 });
                    }
                }
                news
            }
            SourceMessage::Complete | SourceMessage::Cancelled if fate.undo => {
                vec![Return::Cancelled { accepted: fate.count.accepted }]
            }
            SourceMessage::Complete => {
                let again = Return::Counted { count: fate.count, complete: true, late: 0 };
                let count = Count { accepted: fate.count.accepted + 1, ..fate.count };
                let late =
                    (self.late_goods && !fate.late).then_some(Return::Counted { count, complete: true, late: 1 });
                [again].into_iter().chain(late).collect()
            }
            _ => vec![],
        }
    }
}

fn reservation(fate: &Fate) -> Vec<Stock> {
    let mut news = match fate.told {
        SourceMessage::Nothing | SourceMessage::Begun => {
            vec![Stock::Reserved, Stock::ReservedPartly, Stock::Failed, Stock::Expired]
        }
        SourceMessage::Full => vec![Stock::Reserved, Stock::ReservedPartly],
        SourceMessage::Consumed => vec![Stock::Reserved, Stock::Consumed],
        _ => vec![],
    };
    if fate.consume && fate.told == SourceMessage::Full {
        news.push(Stock::Consumed);
    }
    if fate.undo && fate.told != SourceMessage::Consumed {
        news.push(Stock::Released);
    }
    news
}

fn visit(fate: &Fate) -> Vec<Visit> {
    let mut news = match fate.told {
        SourceMessage::Nothing => vec![Visit::Arranged, Visit::Cancelled],
        SourceMessage::Begun => {
            let day = Some(jiff::civil::date(2026, 10, 14));
            let agreed = [Visit::Appointed(None), Visit::Appointed(day)];
            let others =
                [Visit::Arranged, Visit::Proposed, Visit::Started, Visit::InVain, Visit::Done, Visit::Cancelled];
            agreed.into_iter().chain(others).collect()
        }
        SourceMessage::Out => vec![Visit::Started, Visit::InVain, Visit::Done],
        SourceMessage::Complete => vec![Visit::Done],
        _ => vec![],
    };
    if fate.undo {
        news.push(match fate.told {
            SourceMessage::Out | SourceMessage::Complete => Visit::CancelRefused,
            _ => Visit::Cancelled,
        });
    }
    news
}

fn rulings(task: Task, fate: &Fate) -> Vec<LegEvent> {
    let all = match task {
        Task::Support => vec![Ruling::Approve, Ruling::Deny],
        Task::LegFailed => vec![Ruling::Retry, Ruling::Deny, Ruling::Approve],
        Task::CompensationFailed => vec![Ruling::Approve, Ruling::Retry],
        Task::ReturnMismatch => vec![Ruling::Approve, Ruling::Deny],
    };
    match fate.told {
        SourceMessage::Nothing => all.into_iter().map(LegEvent::Ruled).collect(),
        SourceMessage::Ruled(ruling) => vec![LegEvent::Ruled(ruling)],
        _ => vec![],
    }
}

impl World {
    /// The others have said this.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::ApprovalGranted { plan } => self.approved = self.approved.max(*plan),
            Event::PlanAnswered { plan, accepted: true } => self.consented = self.consented.max(*plan),
            Event::Work { job, news } => {
                if let LegEvent::Granted(units) = news {
                    let account = self.accounts.entry(job.line).or_default();
                    (account.granted, account.held) = (Some(*units), *units);
                }
                if let (Some((receipt, reason)), LegEvent::Ruled(Ruling::Approve)) = (self.mismatches.get(job), news) {
                    let fresh = self.jobs.get(job).is_some_and(|task| task.told == SourceMessage::Nothing);
                    let fate = self.jobs.get_mut(receipt).filter(|_| fresh);
                    fate.into_iter().for_each(|fate| fate.approve(reason));
                }
                if let Some(fate) = self.jobs.get_mut(job) {
                    fate.hear(job.leg, *news);
                }
            }
            _ => {}
        }
    }

    /// The plan that the claim now has.
    pub fn take(&mut self, plan: &Plan) {
        self.unfit = 0;
        self.accounts.clear();
        self.approved = if plan.automatic { plan.number } else { self.approved };
        self.consented = if plan.consented { plan.number } else { self.consented };
        self.plan = Some(Rc::new(plan.clone()));
    }

    pub fn of_line(&self, line: u16, leg: Leg) -> impl Iterator<Item = (&Job, &Fate)> {
        self.jobs.iter().filter(move |(job, fate)| job.line == line && job.leg == leg && fate.task.is_none())
    }
}

impl Fate {
    fn hear(&mut self, leg: Leg, news: LegEvent) {
        let told = match news {
            LegEvent::Granted(_) => SourceMessage::Full,
            LegEvent::Stock(Stock::Reserved) if self.told != SourceMessage::Consumed => SourceMessage::Full,
            LegEvent::Stock(Stock::ReservedPartly) if self.told == SourceMessage::Nothing => SourceMessage::Begun,
            LegEvent::Stock(Stock::Failed | Stock::Released | Stock::Expired) => SourceMessage::Gone,
            LegEvent::Stock(Stock::Consumed) => SourceMessage::Consumed,
            LegEvent::Parcel(Parcel::Booked) if self.told == SourceMessage::Nothing => SourceMessage::Begun,
            LegEvent::Parcel(Parcel::BookingFailed | Parcel::Cancelled) => SourceMessage::Gone,
            LegEvent::Parcel(news) if news.is_delivery() => SourceMessage::Delivered,
            LegEvent::Parcel(Parcel::Lost) => SourceMessage::Lost,
            LegEvent::Parcel(Parcel::Damaged) if leg == Leg::Shipment => SourceMessage::Lost,
            LegEvent::Parcel(Parcel::Refused) => SourceMessage::Refused,
            LegEvent::Parcel(Parcel::HandedOver | Parcel::CancelRefused | Parcel::Damaged)
                if matches!(self.told, SourceMessage::Nothing | SourceMessage::Begun) =>
            {
                SourceMessage::Out
            }
            LegEvent::Return(Return::Counted { late: 1.., .. }) => {
                self.late = true;
                self.told
            }
            LegEvent::Return(Return::Counted { count, complete, .. }) => {
                self.count = count;
                if complete { SourceMessage::Complete } else { SourceMessage::Begun }
            }
            LegEvent::Return(Return::Cancelled { accepted }) => {
                self.count.accepted = accepted;
                SourceMessage::Cancelled
            }
            LegEvent::Money(Money::Paid) => SourceMessage::Paid,
            LegEvent::Money(Money::NotPaid) => SourceMessage::NotPaid,
            LegEvent::Money(Money::Nothing) => SourceMessage::Free,
            LegEvent::Visit(Visit::Started) => SourceMessage::Out,
            LegEvent::Visit(Visit::Done) => SourceMessage::Complete,
            LegEvent::Visit(Visit::Cancelled) => SourceMessage::Gone,
            LegEvent::Visit(Visit::CancelRefused) => self.told,
            LegEvent::Visit(_) => SourceMessage::Begun,
            LegEvent::Ruled(ruling) => SourceMessage::Ruled(ruling),
            _ => self.told,
        };
        self.told = told;
    }

    /// A person lets units count that did not by themselves.
    fn approve(&mut self, reason: &str) {
        self.approved += match reason {
            "WRONG_ITEM_RETURNED" => self.count.wrong_item,
            "RETURN_NOT_AS_CLAIMED" => self.count.unclear,
            _ => 0,
        };
    }

    /// Units that count for the claim.
    pub fn counting(&self) -> u32 {
        self.count.accepted + self.approved
    }

    /// Whether goods are out of our hands, on the way or arrived.
    pub fn is_out(&self) -> bool {
        matches!(self.told, SourceMessage::Out | SourceMessage::Delivered | SourceMessage::Refused)
    }
}
