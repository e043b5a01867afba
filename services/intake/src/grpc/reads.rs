//! Who reads which personal data now (SR16): by role and purpose as the policy pack says, of a claim one of whose parcels is
//! under way where it says so, and no more often within an hour than a person needs. Customers read their own.

use std::sync::Arc;

use chassis::{Ask, Bound, Call, Clock, Lanes, Refusal, read_failed};
use jiff::{SignedDuration, Timestamp};
use proto::claim::Notice;
use proto::intake::{AccessPurpose, PersonalField};
use proto::logistics::{Direction, OpenParcel, ParcelsAnswer, ParcelsQuestion, ShipmentState};
use proto::orchestrator::{ToldAnswer, ToldQuestion};
use proto::policy::Dated;
use proto::policy::contacts::{Allowed, Contacts};
use proto::{ClaimId, ids};
use sqlx::PgPool;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tonic::{Code, Status};

use crate::domain::Command;
use crate::handle::Handle;
use crate::store;

/// Reads count for so long.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// A notice is open for so long: whoever sends it may have stood still.
const OPEN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Says who reads what.
#[derive(Clone)]
pub struct Reads {
    /// The rules of the policy pack: those of the day.
    pub contacts: Arc<Dated<Contacts>>,
    /// The pool for reads.
    pub pool: PgPool,
    /// When an hour has passed.
    pub clock: Clock,
    /// How the auditor is told.
    pub lanes: Lanes<Handle>,
    /// Who knows what is under way.
    pub parcels: Ask,
    /// Who knows what else customers were told.
    pub told: Ask,
    /// One counted read after the other: two at once would each be the last one allowed.
    pub one: Arc<Mutex<()>>,
}

/// A read that is allowed, until it is on record.
pub struct Permit {
    /// What may be read.
    pub fields: Vec<PersonalField>,
    /// What was asked for and is not given, because nobody has confirmed it.
    pub withheld: Vec<PersonalField>,
    _one: Option<OwnedMutexGuard<()>>,
}

impl Reads {
    /// Whether contact data may be read: `asked` all of it, or exactly what was named.
    pub async fn contact(
        &self,
        call: &Call,
        claim: ClaimId,
        purpose: AccessPurpose,
        asked: Vec<PersonalField>,
        named: bool,
    ) -> Result<Permit, Status> {
        if call.actor.customer.is_some() {
            return Ok(Permit { fields: asked, withheld: Vec::new(), _one: None });
        }
        let known = store::reading_of(&self.pool, claim).await.map_err(read_failed)?;
        let known = known.ok_or_else(|| Refusal::not_found("claim", claim))?;
        let allowed = self.allowed(call, purpose)?;
        self.has_notice(call, claim).await?;
        let may = |field: &PersonalField| allowed.always.contains(field) || allowed.with_parcel.contains(field);
        if let Some(field) = asked.iter().find(|field| named && !may(field)) {
            return Err(not_yours(*field));
        }
        let mut fields: Vec<PersonalField> = asked.into_iter().filter(may).collect();
        if fields.iter().any(|field| !allowed.always.contains(field)) && !self.is_under_way(call, claim, &known).await?
        {
            fields.retain(|field| !named && allowed.always.contains(field));
            if fields.is_empty() {
                return Err(no_parcel(call, claim));
            }
        }
        if fields.is_empty() {
            return Err(not_yours(PersonalField::CustomerName));
        }
        let one = self.take(call, allowed.per_hour).await?;
        let mut permit = Permit { fields, withheld: Vec::new(), _one: Some(one) };
        let noticed = || store::noticed(&self.pool, claim);
        let email = permit.fields.contains(&PersonalField::Email) && purpose == AccessPurpose::Notice;
        if email && !known.email_confirmed && noticed().await.map_err(read_failed)? {
            permit.fields.retain(|field| *field != PersonalField::Email);
            permit.withheld.push(PersonalField::Email);
            if permit.fields.is_empty() {
                return Err(not_confirmed());
            }
        }
        Ok(permit)
    }

    /// Whether words may be read.
    pub async fn words(&self, call: &Call, claim: ClaimId, purpose: AccessPurpose) -> Result<Permit, Status> {
        self.contact(call, claim, purpose, vec![PersonalField::Words], true).await
    }

    /// Whether a file of evidence may be looked at.
    pub async fn file(&self, call: &Call, purpose: AccessPurpose) -> Result<Option<OwnedMutexGuard<()>>, Status> {
        if call.actor.customer.is_some() {
            return Ok(None);
        }
        let allowed = self.allowed(call, purpose)?;
        self.take(call, allowed.per_hour).await.map(Some)
    }

    /// Whether all that is kept of a customer may be exported: one read, however many claims it has.
    pub async fn export(&self, call: &Call, fields: &[PersonalField]) -> Result<OwnedMutexGuard<()>, Status> {
        let allowed = self.allowed(call, AccessPurpose::OwnData)?;
        if let Some(field) = fields.iter().find(|field| !allowed.always.contains(field)) {
            return Err(not_yours(*field));
        }
        self.take(call, allowed.per_hour).await
    }

    fn allowed(&self, call: &Call, purpose: AccessPurpose) -> Result<Allowed, Status> {
        let contacts = &self.contacts.in_force(self.clock.now()).rules;
        let allowed = contacts.allowed(&call.actor.roles, purpose);
        let purpose = purpose.word().to_uppercase();
        let message = "the policy lets none of the caller's roles read personal data for this purpose";
        let refusal = || Refusal::forbidden("PURPOSE_NOT_YOURS", message).with("purpose", &purpose);
        Ok(allowed.ok_or_else(refusal)?)
    }

    /// Whether a parcel of the claim is under way that is the caller's to look after: of a carrier its own, of a warehouse one
    /// that has not left it.
    async fn is_under_way(&self, call: &Call, claim: ClaimId, known: &store::ReadingOf) -> Result<bool, Status> {
        let question = ParcelsQuestion { claim_id: claim.to_string() };
        let open: ParcelsAnswer = self.parcels.ask(&question).await?;
        let moves = |parcel: &OpenParcel| {
            let failed = [ShipmentState::Damaged, ShipmentState::Lost, ShipmentState::Refused];
            // What has failed is sent again only while the claim goes on.
            !known.ended || !failed.contains(&parcel.state())
        };
        let here = |parcel: &OpenParcel| {
            let packed = matches!(parcel.state(), ShipmentState::Booked | ShipmentState::Packed);
            packed && parcel.direction() == Direction::Outbound
        };
        let has = |role: &str| call.actor.has_role(role);
        let theirs = |parcel: &OpenParcel| match call.actor.carrier() {
            Some(name) => parcel.carrier == name,
            None => has("logistics") || here(parcel),
        };
        Ok(open.parcels.iter().any(|parcel| moves(parcel) && theirs(parcel)))
    }

    /// Who sends notices reads of claims of which the customer has just been told something: any other is not there.
    async fn has_notice(&self, call: &Call, claim: ClaimId) -> Result<(), Status> {
        if !call.actor.bound.contains(&Bound::Notifier) || call.actor.carrier().is_some() {
            return Ok(());
        }
        let since = self.clock.now().saturating_sub(OPEN).unwrap_or_default();
        if store::told_since(&self.pool, claim, since).await.map_err(read_failed)? {
            return Ok(());
        }
        let question = ToldQuestion { claim_id: claim.to_string(), since: Some(proto::to_wire(since)) };
        let answer: ToldAnswer = self.told.ask(&question).await?;
        if answer.told { Ok(()) } else { Err(Refusal::not_found("claim", claim).into()) }
    }

    /// Counts a read; what is too much is refused, and the auditor told once an hour.
    async fn take(&self, call: &Call, per_hour: u32) -> Result<OwnedMutexGuard<()>, Status> {
        let one = Arc::clone(&self.one).lock_owned().await;
        let (subject, now) = (&call.actor.subject, self.clock.now());
        let since = now.saturating_sub(HOUR).unwrap_or_default();
        let (count, oldest) = store::reads_since(&self.pool, subject, since).await.map_err(read_failed)?;
        if count < u64::from(per_hour) {
            return Ok(one);
        }
        drop(one);
        super::metrics::reads_refused();
        tracing::warn!(target: "audit", subject, per_hour, "reads of personal data are refused: too many in an hour");
        self.tell(subject, per_hour, now).await;
        let wait = oldest.unwrap_or(now).saturating_add(HOUR).unwrap_or(now).duration_since(now);
        let message = "the caller has read personal data as often as an hour may have";
        let wait = std::time::Duration::try_from(wait).unwrap_or_default();
        Err(Refusal::quota("READ_LIMIT", message, format!("subject:{subject}"), wait).with("limit", per_hour).into())
    }

    /// Tells the auditor; the same person and hour is the same notice.
    async fn tell(&self, subject: &str, per_hour: u32, now: Timestamp) {
        let hour = now.as_second().div_euclid(3600);
        let since = Timestamp::from_second(hour * 3600).unwrap_or(now);
        let parameters = [("reader", subject.to_owned()), ("limit", per_hour.to_string()), ("hour", since.to_string())];
        let notice = Notice {
            audience: "auditor".to_owned(),
            template: "reads_limited".to_owned(),
            parameters: parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            ..Notice::default()
        };
        let request = ids::derived(since, &["reads_limited", subject]);
        let command = Command::Tell { notice: Box::new(notice.clone()) };
        let told: Result<(), Status> =
            self.lanes.run(&Call::own("intake"), "TellReads", request, &notice, command).await;
        if let Err(status) = told {
            tracing::warn!(%status, "the auditor could not be told that somebody reads too much");
        }
    }
}

fn not_yours(field: PersonalField) -> Status {
    let message = "the policy lets none of the caller's roles read this for this purpose";
    let field = field.word().to_uppercase();
    Refusal::forbidden("FIELD_NOT_YOURS", message).with("field", field).into()
}

/// For a carrier a claim without a parcel of its own is not there.
fn no_parcel(call: &Call, claim: ClaimId) -> Status {
    if call.actor.carrier().is_some() {
        return Refusal::not_found("claim", claim).into();
    }
    let message = "nothing is under way for the claim that would be brought or fetched";
    Refusal::new(Code::FailedPrecondition, "NO_OPEN_PARCEL", message).into()
}

fn not_confirmed() -> Status {
    let message = "nobody has confirmed that the address is the customer's, and it has had its one notice";
    Refusal::new(Code::FailedPrecondition, "EMAIL_NOT_CONFIRMED", message).into()
}
