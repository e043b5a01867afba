//! What belongs to the orchestrator is done at once: the ledger of what may still be given, and settlements.

use chassis::Refusal;
use uuid::Uuid;

use super::{Turn, broken, numbers};
use crate::case::{self, Grant};
use crate::claim_process::{self, Event, Job, Leg, Money, News, Step};
use crate::entitlement::{self, Entry, Ledger, OrderLine};
use crate::events;
use crate::settlement::{self, Settlement, State};

impl Turn<'_> {
    /// The ledger answers at once, in the same transaction. Granted twice is granted once.
    pub(super) fn grant(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        if self.stored.grant(job).is_some() {
            return Ok(());
        }
        let sale = self.stored.line(job.line).and_then(|line| case::sale(self.claim, line));
        let line = sale.map(|(line, _)| line);
        let line = line.filter(|line| self.ledger(line).is_some());
        let mut granted = 0;
        if let Some(line) = line {
            let event = self.book(&line, job, entitlement::Command::Grant { units: quantity })?;
            (granted, _) = event.amounts();
            self.stored.case.grants.push(Grant { job, line, given: 0, amount: 0 });
        }
        self.answer(&Event::Work { job, news: News::Granted(granted) })
    }

    /// What is known at once goes back into the process.
    fn answer(&mut self, event: &Event) -> Result<(), Refusal> {
        match claim_process::step(&self.stored.process, event) {
            Step::Go(process, commands) => self.moved(process, commands),
            Step::Stay => {}
            Step::Broken => return Err(broken(event)),
        }
        Ok(())
    }

    pub(super) fn give_back(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        let line = self.granted(job)?.line;
        self.book(&line, job, entitlement::Command::GiveBack { units: quantity }).map(drop)
    }

    pub(super) fn give(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        let mut grant = self.granted(job)?;
        let amount = self.ledger(&grant.line).map_or(0, |ledger| settlement::refund(&ledger, quantity));
        self.book(&grant.line, job, entitlement::Command::Give { units: quantity, amount })?;
        grant.given += quantity;
        grant.amount += amount;
        self.stored.set_grant(grant);
        Ok(())
    }

    pub(super) fn take_back(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        let mut grant = self.granted(job)?;
        let amount = grant.share(quantity);
        self.book(&grant.line, job, entitlement::Command::TakeBack { units: quantity, amount })?;
        grant.given = grant.given.saturating_sub(quantity);
        grant.amount -= amount;
        self.stored.set_grant(grant);
        Ok(())
    }

    /// Instructs finance. The name is derived from the work: asked again, the same settlement is told again.
    pub(super) fn settle(&mut self, job: Job, grant: Job, quantity: u32) -> Result<(), Refusal> {
        let known = self.settlement_of(job);
        let settlement = match known {
            Some(settlement) if settlement.state != State::Instructed => return Ok(()),
            Some(settlement) => settlement,
            None => {
                let grant = self.granted(grant)?;
                // Goods that cost nothing: nobody is told to pay nothing.
                if grant.share(quantity) == 0 {
                    return self.answer(&Event::Work { job, news: News::Money(Money::Nothing) });
                }
                let ledger = self.ledger(&grant.line).ok_or_else(|| Refusal::park("there is no such ledger"))?;
                let settlement = Settlement {
                    settlement_id: self.settlement_id(job),
                    claim: self.claim,
                    job: numbers(job),
                    quantity,
                    amount: grant.share(quantity),
                    currency: ledger.sale.currency,
                    state: State::Instructed,
                    reference: String::new(),
                    instructed_at: self.meta.now,
                    decided_at: None,
                };
                self.settled(settlement.clone());
                let notice = events::refund_instructed(self.meta, self.claim, &self.stored, &settlement);
                self.outcome.tell(notice);
                if chassis::crash::bug("refund_twice") {
                    self.refund_twice(&settlement);
                }
                settlement
            }
        };
        self.outcome.tell(events::notice_for_finance(self.meta, self.claim, &self.stored, &settlement));
        Ok(())
    }

    /// The seeded bug `refund_twice`: the same money under another name.
    fn refund_twice(&mut self, settlement: &Settlement) {
        let (round, line, attempt) = settlement.job;
        let job = (round, line, attempt + 500);
        let settlement_id = settlement::id(self.stored.case.received_at(), self.claim, job);
        let second = Settlement { settlement_id, job, ..settlement.clone() };
        self.outcome.tell(events::notice_for_finance(self.meta, self.claim, &self.stored, &second));
        self.settled(second);
    }

    fn book(
        &mut self,
        line: &OrderLine,
        job: Job,
        command: entitlement::Command,
    ) -> Result<entitlement::Event, Refusal> {
        let mut ledger = self.ledger(line).ok_or_else(|| Refusal::park("there is no such ledger"))?;
        let refused = |refusal| Refusal::park(format!("the ledger refuses {command:?}: {refusal}"));
        let event = entitlement::decide(&ledger, command).map_err(refused)?;
        entitlement::evolve(&mut ledger, event);
        if event.amounts().0 > 0 {
            self.ledgers.insert(line.clone(), ledger);
            let (claim, at) = (self.claim, self.meta.now);
            self.entries.push(Entry { line: line.clone(), claim, job: numbers(job), event, at });
        }
        Ok(event)
    }

    fn ledger(&self, line: &OrderLine) -> Option<Ledger> {
        self.asked.borrow_mut().insert(line.clone());
        self.ledgers.get(line).or_else(|| self.world.ledgers.get(line)).cloned()
    }

    fn granted(&self, job: Job) -> Result<Grant, Refusal> {
        self.stored.grant(job).cloned().ok_or_else(|| Refusal::park("nothing was granted for this work"))
    }

    fn settlement_id(&self, job: Job) -> Uuid {
        settlement::id(self.stored.case.received_at(), self.claim, numbers(job))
    }

    pub(super) fn settlement_of(&self, job: Job) -> Option<Settlement> {
        if job.leg != Leg::Settlement {
            return None;
        }
        let id = self.settlement_id(job);
        self.settlements.get(&id).or_else(|| self.world.settlements.get(&id)).cloned()
    }
}
