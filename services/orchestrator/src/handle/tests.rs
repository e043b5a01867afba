//! Over random histories: what is given without a person, and by one person, stays within the policy's sums, and nobody pays
//! what they had a hand in.

use std::collections::BTreeMap;

use chassis::{Actor, Domain as _, Meta};
use jiff::Timestamp;
use proptest::prelude::*;
use proto::claim::{LinePlan, Money, Plan, ReportedLine, Take};
use proto::escalation::{ApprovalDenied, ApprovalGranted, escalation_event};
use proto::intake::{ClaimWithdrawn, intake_event};
use proto::policy::Packs;

use super::*;
use crate::claim_process::Stage;
use crate::settlement::{Settlement, State};

const PRICE: i64 = 2_000;
const PEOPLE: [&str; 4] = ["ann", "bob", "cat", "dan"];

/// What happens, each to one of eight claims of two customers.
#[derive(Clone, Debug)]
enum Act {
    /// Reported by somebody.
    Report(usize, usize),
    /// A plan for units of one of three orders, by the rules or by a person.
    Judge(usize, usize, u32, Option<usize>),
    Approve(usize, usize),
    Deny(usize, usize),
    Withdraw(usize),
    Pay(usize, usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (claim, who) = (0_usize..8, 0..PEOPLE.len());
    let act = prop_oneof![
        2 => (claim.clone(), who.clone()).prop_map(|(claim, who)| Act::Report(claim, who)),
        4 => (claim.clone(), 0_usize..3, 1_u32..6, prop::option::of(who.clone()))
            .prop_map(|(claim, order, units, who)| Act::Judge(claim, order, units, who)),
        2 => (claim.clone(), who.clone()).prop_map(|(claim, who)| Act::Approve(claim, who)),
        1 => (claim.clone(), who.clone()).prop_map(|(claim, who)| Act::Deny(claim, who)),
        1 => claim.clone().prop_map(Act::Withdraw),
        2 => (claim, who).prop_map(|(claim, who)| Act::Pay(claim, who)),
    ];
    prop::collection::vec(act, 1..120)
}

/// The orchestrator, in memory.
struct Desk {
    handle: Handle,
    world: World,
    calls: u128,
}

fn id(claim: usize) -> Uuid {
    Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0000 + claim as u128)
}

fn customer(claim: usize) -> String {
    format!("C-{}", claim % 2)
}

impl Desk {
    fn new() -> Self {
        let handle = Handle {
            rules: Rules::dated(&Packs::load(None, None).unwrap()),
            step: claim_process::step_within,
            form: 1,
        };
        Self { handle, world: World::default(), calls: 0 }
    }

    fn tell(&mut self, command: &Command, who: &str) -> Result<Outcome, Refusal> {
        self.calls += 1;
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let meta = Meta::new(now, Actor::new(who, &["finance"]), Uuid::from_u128(self.calls));
        self.world.before = self.world.ledgers.clone();
        self.world.open(command.sales());
        self.handle.decide(&mut self.world, &meta, command)
    }

    fn learn(&mut self, claim: usize, heard: impl Into<Heard>, told: SourceMessage) {
        let command = Command::Learn { claim: id(claim), heard: heard.into(), told: Box::new(told) };
        self.tell(&command, "service:triage").unwrap();
    }

    fn act(&mut self, act: &Act) -> Result<(), TestCaseError> {
        match *act {
            Act::Report(claim, who) => {
                let line = ReportedLine { line: 1, sku: "S".to_owned(), quantity: 5, ..ReportedLine::default() };
                let submitted = ClaimSubmitted {
                    customer_ref: customer(claim),
                    lines: vec![line],
                    received_at: Some(proto::to_wire(Timestamp::UNIX_EPOCH)),
                    reported_by: PEOPLE[who].to_owned(),
                    ..ClaimSubmitted::default()
                };
                self.tell(&Command::Begin { claim: id(claim), submitted }, "service:intake").unwrap();
            }
            Act::Judge(claim, order, units, who) => self.judge(claim, order, units, who.map(|who| PEOPLE[who])),
            Act::Approve(claim, who) => {
                if let Some(plan) = self.awaits_approval(claim) {
                    let by = PEOPLE[who].to_owned();
                    let granted = ApprovalGranted { plan_number: plan, steps_by: vec![by.clone()], by };
                    let told = SourceMessage::Escalation(escalation_event::Kind::ApprovalGranted(granted));
                    self.learn(claim, Event::ApprovalGranted { plan }, told);
                }
            }
            Act::Deny(claim, who) => {
                if let Some(plan) = self.awaits_approval(claim) {
                    let denied = ApprovalDenied { plan_number: plan, by: PEOPLE[who].to_owned() };
                    let told = SourceMessage::Escalation(escalation_event::Kind::ApprovalDenied(denied));
                    self.learn(claim, Event::ApprovalDenied { plan }, told);
                }
            }
            Act::Withdraw(claim) => {
                if self.world.processes.contains_key(&id(claim)) {
                    let told = SourceMessage::Intake(intake_event::Kind::ClaimWithdrawn(ClaimWithdrawn::default()));
                    self.learn(claim, Event::Withdrawn, told);
                }
            }
            Act::Pay(claim, who) => self.pay(claim, PEOPLE[who])?,
        }
        Ok(())
    }

    fn awaits_approval(&self, claim: usize) -> Option<u32> {
        match &self.world.processes.get(&id(claim))?.process.stage {
            Stage::AwaitingApproval(plan) => Some(plan.number),
            _ => None,
        }
    }

    /// Triage allows the rules 10,000 for a claim, and persons 20,000.
    fn judge(&mut self, claim: usize, order: usize, units: u32, who: Option<&str>) {
        let Some(stored) = self.world.processes.get(&id(claim)) else { return };
        let process = &stored.process;
        if !matches!(process.stage, Stage::Assessing { .. }) {
            return;
        }
        let (assessment, number) = (process.assessment, process.plan + 1);
        let money = |units: u32| Some(Money { minor_units: PRICE * i64::from(units), currency: "GBP".to_owned() });
        let take = Take {
            order_no: format!("{}-O{order}", customer(claim)),
            sku: "S".to_owned(),
            version: 1,
            sold_quantity: 30,
            paid_total: money(30),
            quantity: units,
            amount: money(units),
            ..Take::default()
        };
        let line = LinePlan {
            line: 1,
            resolution: Resolution::RefundOnly.into(),
            sku: format!("S{order}"),
            quantity: units,
            cost: money(units),
            amount: money(units),
            takes: vec![take],
            ..LinePlan::default()
        };
        let cost = PRICE * i64::from(units);
        let plan = Plan {
            number,
            lines: vec![line],
            cost: money(units),
            automatic: cost <= if who.is_some() { 20_000 } else { 10_000 },
            consented: true,
            proposed_by: who.unwrap_or(RULES).to_owned(),
            ..Plan::default()
        };
        let judged = ClaimJudged { assessment, judgement: None, plan: Some(plan) };
        let line = claim_process::LinePlan {
            line: 1,
            resolution: claim_process::Resolution::RefundOnly,
            quantity: units,
            collect: false,
            only_with: Vec::new(),
            legs: Vec::new(),
        };
        let told = SourceMessage::Triage(triage_event::Kind::ClaimJudged(judged));
        self.learn(claim, Heard::Judged { assessment, lines: vec![line] }, told);
    }

    /// Finance pays what it was told; who had a hand in it is refused.
    fn pay(&mut self, claim: usize, who: &str) -> Result<(), TestCaseError> {
        let open = |row: &&Settlement| row.claim == id(claim) && row.state == State::Instructed;
        let Some(open) = self.world.settlements.values().find(open).cloned() else { return Ok(()) };
        let stored = &self.world.processes[&id(claim)];
        let plan = stored.plan.as_ref().unwrap();
        let hand_in = stored.case.submitted.reported_by == who
            || plan.proposed_by == who
            || stored.case.approved_by.contains(who);
        let said = settlement::Command::ConfirmPaid {
            amount: open.amount,
            currency: open.currency.clone(),
            reference: open.settlement_id.to_string(),
            credit_note: String::new(),
        };
        let command = Command::ConfirmSettlement { settlement_id: open.settlement_id, said };
        prop_assert_eq!(self.tell(&command, who).is_err(), hand_in);
        Ok(())
    }

    /// What finance was told, by somebody who is named for it.
    fn instructed(&self, name: impl Fn(&Stored, &Settlement) -> Option<String>) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for row in self.world.settlements.values() {
            let stored = &self.world.processes[&row.claim];
            if matches!(row.state, State::Instructed | State::Paid)
                && let Some(name) = name(stored, row)
            {
                *sums.entry(name).or_default() += row.gross();
            }
        }
        sums
    }

    fn holds(&self) -> Result<(), TestCaseError> {
        let policy = &self.handle.rules.nearest(0).policy.sums;
        let by = |stored: &Stored| {
            let plan = stored.plan.as_ref().filter(|plan| plan.automatic)?;
            stored.case.approved_by.is_empty().then(|| plan.proposed_by.clone())
        };
        let by_rules = |stored: &Stored| by(stored).is_some_and(|by| by == RULES);
        let order = |stored: &Stored| stored.plan.as_ref().map(|plan| plan.lines[0].takes[0].order_no.clone());
        let customers =
            self.instructed(|stored, _| by_rules(stored).then(|| stored.case.submitted.customer_ref.clone()));
        let orders = self.instructed(|stored, _| by_rules(stored).then(|| order(stored)).flatten());
        let people = self.instructed(|stored, _| by(stored).filter(|by| by != RULES));
        prop_assert!(customers.values().all(|sum| *sum <= policy.customer_max), "{customers:?}");
        prop_assert!(orders.values().all(|sum| *sum <= policy.order_max), "{orders:?}");
        prop_assert!(people.values().all(|sum| *sum <= policy.person_day_max), "{people:?}");
        // Nobody is told to pay more than what was allowed, and the sums are what the claims count.
        prop_assert!(self.world.settlements.values().all(|row| row.gross() <= row.allowed.unwrap_or(0)));
        for (scope, sums) in &self.world.sums {
            let counted = self.world.processes.values().flat_map(|stored| &stored.case.counted);
            let counted: i64 = counted.filter(|counted| counted.scope == *scope).map(|counted| counted.minor).sum();
            prop_assert_eq!(sums.total(), counted, "{}", scope);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_instructed_is_no_more_than_somebody_else_allowed(acts in acts()) {
        let mut desk = Desk::new();
        for act in &acts {
            desk.act(act)?;
            desk.holds()?;
        }
    }
}

#[test]
fn what_one_person_did_alone_is_marked() {
    let paid_by = |who: &str| {
        let mut desk = Desk::new();
        desk.handle.rules = desk.handle.rules.map(|rules| {
            let mut lowered = rules.clone();
            lowered.four_eyes.payment = false;
            lowered
        });
        for act in [Act::Report(0, 0), Act::Judge(0, 0, 1, None)] {
            desk.act(&act).unwrap();
        }
        let open = desk.world.settlements.values().next().unwrap().clone();
        let said = settlement::Command::ConfirmPaid {
            amount: open.amount,
            currency: open.currency.clone(),
            reference: "P-1".to_owned(),
            credit_note: String::new(),
        };
        desk.tell(&Command::ConfirmSettlement { settlement_id: open.settlement_id, said }, who).unwrap();
        let row = desk.world.settlements.values().next().unwrap();
        assert_eq!(row.confirmed_by, who);
        let job = settlement_job(row.job).unwrap();
        let fact = claim_process::Fact::SettlementPaid { job };
        let stored = &desk.world.processes[&id(0)];
        match crate::events::public_kind(&fact, stored, "", None, Some(row)).unwrap() {
            proto::claim::claim_event::Kind::SettlementPaid(paid) => paid.alone,
            other => panic!("{other:?}"),
        }
    };
    assert!(paid_by(PEOPLE[0]), "who reported it");
    assert!(!paid_by(PEOPLE[1]));
}

#[test]
fn a_public_fact_that_meets_another_message_is_not_told_empty() {
    let mut desk = Desk::new();
    desk.act(&Act::Report(0, 0)).unwrap();
    let stored = &desk.world.processes[&id(0)];
    for fact in
        [claim_process::Fact::Assessed, claim_process::Fact::ClockMoved, claim_process::Fact::Denied { plan: 1 }]
    {
        let refusal = crate::events::public_kind(&fact, stored, "", None, None).unwrap_err();
        assert!(format!("{refusal:?}").contains("does not say what the public fact"), "{fact:?}: {refusal:?}");
    }
}

#[test]
fn legs_of_their_own_wait_until_every_replica_reads_them() {
    let judged = |form: i16| {
        let mut desk = Desk::new();
        desk.handle.form = form;
        desk.act(&Act::Report(0, 0)).unwrap();
        let plan =
            Plan { number: 1, automatic: true, consented: true, proposed_by: RULES.to_owned(), ..Plan::default() };
        let line = claim_process::LinePlan {
            line: 1,
            resolution: claim_process::Resolution::ReturnRefund,
            quantity: 1,
            collect: true,
            only_with: Vec::new(),
            legs: vec![Leg::Entitlement, Leg::Receipt, Leg::Settlement],
        };
        let told = ClaimJudged { assessment: 1, judgement: None, plan: Some(plan) };
        let told = Box::new(SourceMessage::Triage(triage_event::Kind::ClaimJudged(told)));
        let heard = Heard::Judged { assessment: 1, lines: vec![line] };
        desk.tell(&Command::Learn { claim: id(0), heard, told }, "service:triage")
            .map(|_| desk.world.processes[&id(0)].clone())
    };
    assert!(format!("{:?}", judged(1).unwrap_err()).contains("process.form = 2"));
    assert_eq!(judged(2).unwrap().process.plan, 1, "it is carried out");
}
