//! What belongs to the orchestrator is done at once: the ledger of what may still be given, and settlements.

use chassis::Refusal;
use proto::claim::Resolution;
use proto::share;
use uuid::Uuid;

use super::{Turn, broken, numbers};
use crate::case::{self, Allowed, Grant, Part, Take};
use crate::claim_process::{Event, Job, Leg, LegEvent, Money, Step};
use crate::entitlement::{self, Entry, Ledger, OrderLine};
use crate::events;
use crate::settlement::{self, Settlement, State};

impl Turn<'_> {
    /// The ledgers answer at once, in the same transaction. Granted twice is granted once.
    pub(super) fn grant(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        if self.stored.grant(job).is_some() {
            return Ok(());
        }
        let takes = self.stored.line(job.line).map(|line| case::takes(self.claim, line)).unwrap_or_default();
        let currency = takes.first().map(|take| take.sale.currency.clone());
        let mut grant = Grant { job, parts: Vec::new() };
        let mut left = quantity;
        for take in takes {
            let ledger = self.ledger(&take.line);
            // One settlement pays for a line, in the currency of its order.
            let is_ours = |ledger: &Ledger| Some(&ledger.sale.currency) == currency.as_ref();
            if take.sale.currency == *currency.as_ref().unwrap_or(&String::new())
                && ledger.as_ref().is_some_and(is_ours)
            {
                let part = self.grant_part(job, &take, left)?;
                left -= part.held;
                grant.parts.push(part);
            }
        }
        self.stored.case.grants.push(grant);
        self.answer(&Event::Work { job, news: LegEvent::Granted(quantity - left) })
    }

    /// What one order line promises: what is free, and what was given as goods and has failed, if a person says so who
    /// knows of it.
    fn grant_part(&mut self, job: Job, take: &Take, most: u32) -> Result<Part, Refusal> {
        let wanted = take.units.min(most);
        let (free, _) = self.book(&take.line, job, entitlement::Command::Grant { units: wanted })?.amounts();
        let allowed = Allowed { units: take.units, amount: take.amount };
        let mut part = Part::new(take.line.clone(), free, Some(allowed));
        let failed = (wanted - free).min(self.may_be_given_again(self.stored.plan.as_ref(), &take.line));
        if failed > 0 {
            let again = self.book(&take.line, job, entitlement::Command::GrantAgain { units: failed })?;
            (part.again, part.again_worth) = again.amounts();
            part.held += part.again;
        }
        Ok(part)
    }

    /// What is known at once goes back into the process.
    fn answer(&mut self, event: &Event) -> Result<(), Refusal> {
        match (self.step)(&self.stored.process, event, false) {
            Step::Go(process, commands) => self.moved(process, commands),
            Step::Stay => {}
            Step::Broken => return Err(broken(event)),
        }
        Ok(())
    }

    pub(super) fn give_back(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        let mut grant = self.granted(job)?;
        for (at, units) in grant.walk_back(quantity, |part| part.held) {
            let part = &mut grant.parts[at];
            // What had been given as goods is so again.
            let again = units.min(part.again);
            if again > 0 {
                let left = self.ledger(&part.line).map_or(0, |ledger| ledger.paid - ledger.compensated);
                let amount = share::first(part.again_worth, part.again, again).min(left);
                self.book(&part.line, job, entitlement::Command::Give { units: again, amount, goods: true })?;
                part.forget_again(again);
            }
            self.book(&part.line, job, entitlement::Command::GiveBack { units: units - again })?;
            part.held -= units;
        }
        self.stored.set_grant(grant);
        Ok(())
    }

    /// Gives promised units, each at what it is worth and never above what the plan allows, in whatever portions.
    pub(super) fn give(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        let mut grant = self.granted(job)?;
        let planned = self.stored.line(job.line).cloned().unwrap_or_default();
        let goods = matches!(planned.resolution(), Resolution::Replace | Resolution::Resend);
        let mut left = (case::allowed(self.claim, &planned) - grant.amount()).max(0);
        for (at, units) in grant.walk(quantity, |part| part.held) {
            let part = &mut grant.parts[at];
            if part.allowed.is_none() {
                let take = case::takes(self.claim, &planned).into_iter().find(|take| take.line == part.line);
                part.allowed = take.map(|take| Allowed { units: take.units, amount: take.amount });
            }
            let worth = self.ledger(&part.line).map_or(0, |ledger| ledger.worth(units));
            let amount = worth.min(part.cap(units)).min(left);
            let given = self.book(&part.line, job, entitlement::Command::Give { units, amount, goods })?;
            left -= amount;
            part.tax += given.tax();
            part.forget_again(part.again.saturating_sub(part.held - units));
            part.goods = goods;
            (part.held, part.given, part.amount) = (part.held - units, part.given + units, part.amount + amount);
        }
        self.stored.set_grant(grant);
        Ok(())
    }

    pub(super) fn take_back(&mut self, job: Job, quantity: u32) -> Result<(), Refusal> {
        let mut grant = self.granted(job)?;
        for (at, units) in grant.walk_back(quantity, |part| part.given) {
            let part = &mut grant.parts[at];
            let (amount, tax, goods) = (part.share(units), part.tax_share(units), part.goods);
            // Of goods that were given again more tax was taken than was booked for them, by a minor unit, after a correction.
            let left = self.ledger(&part.line).map_or(0, |ledger| ledger.taxed);
            let command = entitlement::Command::TakeBack { units, amount, tax: tax.min(left), goods };
            self.book(&part.line, job, command)?;
            (part.given, part.amount, part.tax) = (part.given - units, part.amount - amount, part.tax - tax);
        }
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
                let settlement = self.settlement(job, grant, quantity)?;
                // Goods that cost nothing: nobody is told to pay nothing.
                if settlement.gross() == 0 {
                    return self.answer(&Event::Work { job, news: LegEvent::Money(Money::Nothing) });
                }
                self.settled(settlement.clone());
                let notice = events::refund_instructed(self.meta, self.claim, &self.stored, &settlement);
                self.outcome.tell(notice);
                // Freight took all of it: the customer is told so, and finance has nothing to pay.
                if settlement.state == State::Paid {
                    return self.answer(&Event::Work { job, news: LegEvent::Money(Money::Paid) });
                }
                settlement
            }
        };
        self.outcome.tell(events::notice_for_finance(self.meta, self.claim, &self.stored, &settlement));
        Ok(())
    }

    /// What finance is to be told: what was booked for the units, less the freight that the customer agreed to bear.
    fn settlement(&self, job: Job, grant: Job, quantity: u32) -> Result<Settlement, Refusal> {
        let grant = self.granted(grant)?;
        let of_any = grant.parts.iter().find_map(|part| self.ledger(&part.line));
        let currency = of_any.ok_or_else(|| Refusal::park("there is no such ledger"))?.sale.currency;
        let is_known = grant.parts.iter().all(|part| self.ledger(&part.line).is_some_and(|l| l.sale.tax.is_some()));
        let planned = self.stored.line(job.line);
        let freight = planned.and_then(|line| line.freight_kept.as_ref()).filter(|kept| kept.currency == currency);
        let (freight_kept, amount) = settlement::net(grant.worth(quantity), freight.map_or(0, |kept| kept.minor_units));
        let is_due = amount > 0;
        Ok(Settlement {
            settlement_id: self.settlement_id(job),
            claim: self.claim,
            job: numbers(job),
            quantity,
            amount,
            freight_kept,
            tax: is_known.then(|| grant.tax(quantity)),
            allowed: planned.map(|line| case::allowed(self.claim, line)),
            currency,
            state: if is_due { State::Instructed } else { State::Paid },
            reference: String::new(),
            credit_note: String::new(),
            failure: String::new(),
            confirmed_by: String::new(),
            instructed_at: self.meta.now,
            decided_at: (!is_due).then_some(self.meta.now),
        })
    }

    pub(super) fn book(
        &mut self,
        line: &OrderLine,
        job: Job,
        command: entitlement::Command,
    ) -> Result<entitlement::Event, Refusal> {
        let mut ledger = self.ledger(line).ok_or_else(|| Refusal::park("there is no such ledger"))?;
        let refused = |refusal| Refusal::park(format!("the ledger refuses {command:?}: {refusal}"));
        let event = entitlement::decide(&ledger, command.clone()).map_err(refused)?;
        entitlement::evolve(&mut ledger, &event);
        if event.is_movement() {
            let (claim, at, version) = (self.claim, self.meta.now, ledger.sale.version);
            self.ledgers.insert(line.clone(), ledger);
            let entry = Entry { line: line.clone(), claim, job: numbers(job), event: event.clone(), version, at };
            self.entries.push(entry);
        }
        Ok(event)
    }

    pub(super) fn ledger(&self, line: &OrderLine) -> Option<Ledger> {
        self.asked.borrow_mut().insert(line.clone());
        self.known_ledger(line).cloned()
    }

    /// A ledger that is only looked at: nothing is decided on it.
    pub(super) fn known_ledger(&self, line: &OrderLine) -> Option<&Ledger> {
        self.ledgers.get(line).or_else(|| self.world.ledgers.get(line))
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
