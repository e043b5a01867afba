//! The one path: load the claims of a batch, decide one command after the other, save what has changed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chassis::{Clock, Fault, Lock, Meta, Outcome, Refusal, Tx, Writes};
use jiff::{SignedDuration, Timestamp};
use proto::ClaimId;
use proto::intake::ErasureReason;
use proto::policy::Dated;
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::{
    self, Action, Brought, Claim, Command, Contact, Customer, CustomerAction, Erased, Event, Hold, Piece, Pii, Quota,
    Recent, Report, Rules,
};
use crate::vault::{Vault, WrappedKey};
use crate::{canary, events, grpc, store};

/// Intake's side of a lane.
#[derive(Clone, Debug)]
pub struct Handle {
    /// The rules of each version of the policy pack.
    pub rules: Arc<Dated<Rules>>,
    /// What seals personal data.
    pub vault: Vault,
    /// How much customers may bring within a day.
    pub quota: Quota,
    /// When that day begins; what is decided has the time of its batch.
    pub clock: Clock,
}

/// What a batch looks at and changes.
#[derive(Debug, Default)]
pub struct World {
    /// How it was read.
    pub lock: Lock,
    pub claims: BTreeMap<ClaimId, Entry>,
    /// Counts for the numbers of new claims.
    pub counts: VecDeque<i64>,
    /// Keys of the customers of new claims, if they were read without a lock.
    pub keys: Vec<WrappedKey>,
    /// What customers of new claims have reported lately, newest first.
    pub recent: BTreeMap<String, Vec<Recent>>,
    /// Contact data of new claims.
    pub contacts: Vec<(ClaimId, Contact)>,
    /// Addresses that came with answers, by claim: the last one counts.
    pub addresses: BTreeMap<ClaimId, Pii<String>>,
    /// Free words of customers.
    pub words: Vec<Word>,
    /// Customers who are erased or held.
    pub customers: BTreeMap<String, CustomerEntry>,
    /// What customers who bring something have brought within a day.
    pub brought: BTreeMap<String, Brought>,
    /// What they bring now.
    pub bring: Vec<Bring>,
    /// When the day begins that counts.
    pub day_begins: Timestamp,
    /// How long the canaries were away that have come back.
    pub canaries: Vec<SignedDuration>,
}

/// A claim of a batch: what is not as it was is saved.
#[derive(Debug)]
pub struct Entry {
    /// As it was; `None`: it is new.
    pub before: Option<Claim>,
    /// As it is.
    pub now: Claim,
}

/// A customer of a batch: what is not as it was is saved.
#[derive(Debug)]
pub struct CustomerEntry {
    /// As it was.
    pub before: Customer,
    /// As it is.
    pub now: Customer,
}

/// Something that a customer brings.
#[derive(Debug)]
pub struct Bring {
    /// Opaque reference of the customer.
    pub customer_ref: String,
    /// Id of the claim or of the file.
    pub id: Uuid,
    /// What it is.
    pub piece: Piece,
    /// When.
    pub at: Timestamp,
}

/// Free words of a customer.
#[derive(Debug)]
pub struct Word {
    /// Names them.
    pub id: Uuid,
    pub claim: ClaimId,
    /// What they are about.
    pub about: String,
    /// The words.
    pub text: Pii<String>,
    /// When they were said.
    pub at: Timestamp,
}

impl chassis::Domain for Handle {
    type Command = Command;
    type World = World;
    type Memory = ();

    fn lane(&self, command: &Command) -> Uuid {
        match command {
            Command::Submit { request_id, .. } => *request_id,
            Command::Act { claim, .. } => claim.0,
            Command::Customer { customer_ref, .. } => domain::customer_lane(customer_ref),
            Command::Tell { .. } => Uuid::nil(),
        }
    }

    /// Claims are written only as they were read, and keys are looked at again. What counts for a customer, and what is
    /// sealed for a claim that is there already, needs locks.
    fn is_optimistic(&self, command: &Command) -> bool {
        match command {
            Command::Submit { own, .. } => !own,
            Command::Act { action, .. } => !action.is_call(),
            Command::Customer { .. } | Command::Tell { .. } => false,
        }
    }

    async fn load(&self, tx: &mut Tx, lock: Lock, (): &(), commands: &[&Command]) -> Result<World, Fault> {
        let now = self.clock.now();
        let days = self.rules.in_force(now).rules.duplicate_days();
        let recent = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or_default();
        let since = store::Since { day: now.saturating_sub(domain::DAY).unwrap_or_default(), recent };
        store::load(tx, lock, commands, since).await
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, Refusal> {
        match command {
            Command::Submit { report, own, .. } => self.submit(world, meta, report, *own),
            Command::Act { claim, action } => self.act(world, meta, *claim, action),
            Command::Customer { customer_ref, action } => {
                act_on_customer(&self.rules.in_force(meta.now).rules, world, meta, customer_ref, action)
            }
            Command::Tell { notice } => Ok(Outcome::reply(&()).telling([events::to_tell(meta, notice)])),
        }
    }

    async fn save(&self, tx: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        store::save(tx, writes, &self.vault, world).await?;
        // If the batch is rolled back after all, one that was measured is measured again: that does no harm.
        world.canaries.iter().copied().for_each(canary::came_back);
        Ok(())
    }
}

impl Handle {
    fn submit(&self, world: &mut World, meta: &Meta, report: &Report, own: bool) -> Result<Outcome, Refusal> {
        if let Some(customer) = world.customers.get_mut(&report.customer_ref) {
            // The key that was loaded may be destroyed in this batch: each goes alone then.
            if customer.now != customer.before {
                return Err(Refusal::park("a claim of a customer who is erased or held in the same batch"));
            }
        }
        let count = world.counts.pop_front();
        let count = count.ok_or_else(|| Refusal::park("fewer claim numbers than new claims were loaded"))?;
        let id = ClaimId(meta.new_id());
        if own {
            world.brings(self.quota, meta.now, &report.customer_ref, id.0, Piece::Claim)?;
        }
        let number = domain::claim_number(meta.now, self.rules.zone(), count);
        // Claims that we make ourselves repeat each other on purpose.
        let canary = proto::canary::is_marked(&report.customer_ref);
        let recent = if canary { Vec::new() } else { world.recent_of(&report.customer_ref) };
        let repeats = domain::possible_duplicates(&report.lines, &recent);
        let version = self.rules.in_force(meta.now);
        let mut claim = domain::submit(report, id, number, repeats, meta.now, &version.rules);
        claim.policy_version = version.number;
        meta.actor.channel().unwrap_or_default().clone_into(&mut claim.brought_by);
        claim.email_confirmed = !own || report.contact.is_verified(meta.actor.email.as_ref());
        let outcome = grpc::submitted(&self.rules, &claim, &meta.actor).telling(events::submitted(meta, &claim));
        world.contacts.push((id, report.contact.clone()));
        world.claims.insert(id, Entry { before: None, now: claim });
        Ok(outcome)
    }

    fn act(&self, world: &mut World, meta: &Meta, id: ClaimId, action: &Action) -> Result<Outcome, Refusal> {
        let Some(entry) = world.claims.get(&id) else {
            // Whoever commands intake was told of the claim by intake: it cannot be unknown.
            let unknown =
                if action.is_call() { Refusal::not_found("claim", id) } else { Refusal::park("unknown claim") };
            return Err(unknown);
        };
        // Another's claim is as absent as one that never was (S32).
        if !entry.now.is_for(&meta.actor) {
            return Err(Refusal::not_found("claim", id));
        }
        let other = action.other().and_then(|other| world.claims.get(&other)).map(|entry| &entry.now);
        let rules = self.rules.of_claim(entry.now.policy_version)?;
        let events = domain::decide(rules, &entry.now, other, meta.now, &meta.actor.subject, action)?;
        // A file that the claim has already is not kept twice, and does not count twice.
        if let (Action::KeepFile { file: new }, [Event::FileKept { file, .. }]) = (action, &events[..])
            && let Some(customer_ref) = &new.own
        {
            world.brings(self.quota, meta.now, customer_ref, file.id, Piece::File(file.stored_size))?;
        }
        let Some(entry) = world.claims.get_mut(&id) else { return Err(Refusal::park("unknown claim")) };
        let was_going = entry.now.end.is_none();
        let mut messages = Vec::new();
        for event in &events {
            domain::evolve(&mut entry.now, event);
            messages.extend(events::told(meta, &entry.now, event));
        }
        entry.now.email_confirmed |= action.confirms_email() && meta.actor.customer.is_none();
        if was_going && entry.now.end.is_some() && entry.now.is_canary() {
            world.canaries.push(meta.now.duration_since(entry.now.received_at));
        }
        if let Some(address) = action.address() {
            world.addresses.insert(id, address.clone());
        }
        if let Some((about, text)) = action.words(&entry.now) {
            world.words.push(Word { id: meta.new_id(), claim: id, about, text: text.clone(), at: meta.now });
        }
        Ok(grpc::answer(&self.rules, action, &entry.now, &meta.actor).telling(messages))
    }
}

impl World {
    /// What a customer has reported lately, newest first: in this batch, and before.
    fn recent_of(&self, customer_ref: &str) -> Vec<Recent> {
        let new = self.claims.values().rev().filter(|entry| entry.before.is_none());
        let new = new.filter(|entry| entry.now.customer_ref == customer_ref).flat_map(|entry| {
            let number = &entry.now.number;
            let lines = entry.now.lines.iter();
            lines.map(|line| Recent { number: number.clone(), order_no: line.order_no.clone(), sku: line.sku.clone() })
        });
        new.chain(self.recent.get(customer_ref).into_iter().flatten().cloned()).collect()
    }

    /// Counts what a customer brings, if the day has room for it.
    fn brings(
        &mut self,
        quota: Quota,
        at: Timestamp,
        customer_ref: &str,
        id: Uuid,
        piece: Piece,
    ) -> Result<(), Refusal> {
        let brought = self.brought.get_mut(customer_ref);
        let brought = brought.ok_or_else(|| Refusal::park("it was not loaded what a customer has brought"))?;
        brought.add(quota, customer_ref, at, piece)?;
        self.bring.push(Bring { customer_ref: customer_ref.to_owned(), id, piece, at });
        Ok(())
    }
}

fn act_on_customer(
    rules: &Rules,
    world: &mut World,
    meta: &Meta,
    customer_ref: &str,
    action: &CustomerAction,
) -> Result<Outcome, Refusal> {
    let Some(CustomerEntry { now: customer, .. }) = world.customers.get_mut(customer_ref) else {
        return Err(Refusal::park("a customer was not loaded"));
    };
    // Claims of this batch are not in the database yet.
    let new = world.claims.values().filter(|entry| entry.before.is_none() && entry.now.customer_ref == customer_ref);
    let mut seen = Customer { open: customer.open + new.count(), ..customer.clone() };
    let by = &meta.actor.subject;
    let (outcome, template) = match action {
        CustomerAction::Erase { reason, reference } => {
            let (at, by, reference) = (meta.now, by.clone(), reference.clone());
            let erased = seen.erase(Erased { at, by, reason: *reason, reference }, rules.four_eyes.hold)?;
            (grpc::erased(&seen, !erased), erased.then_some("customer_erased"))
        }
        CustomerAction::PlaceHold { reason, reference } => {
            let (id, placed_at, placed_by) = (meta.new_id(), meta.now, by.clone());
            let (reason, reference) = (*reason, reference.clone());
            seen.hold(Hold { id, reason, reference, placed_at, placed_by, released: None })?;
            (grpc::placed(&seen), Some("legal_hold_placed"))
        }
        CustomerAction::ReleaseHold { hold } => {
            let first = seen.release(*hold, meta.now, by)?;
            (grpc::released(&seen, *hold), first.then_some("legal_hold_released"))
        }
    };
    seen.open = customer.open;
    *customer = seen;
    Ok(outcome.telling(template.map(|template| events::of_customer(meta, customer_ref, template))))
}

/// Sweep: customers all of whose claims ended so many days ago are forgotten, as if somebody had asked for it.
pub async fn customers_over(pool: PgPool, offset: SignedDuration, days: u32) -> Result<Vec<Command>, Fault> {
    let over = store::customers_over(&pool, offset, days).await?;
    let action = || CustomerAction::Erase { reason: ErasureReason::PurposeAchieved, reference: "retention".to_owned() };
    Ok(over.into_iter().map(|customer_ref| Command::Customer { customer_ref, action: action() }).collect())
}
