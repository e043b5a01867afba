//! VaultService: reads of personal data, and how customers are forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use chassis::{Call, Check, Clock, Day, Lanes, Outcome, Refusal, read_failed};
use proto::intake::vault_service_server::VaultService;
use proto::intake::{
    self as wire, AccessPurpose, EraseCustomerRequest, EraseCustomerResponse, GetErasureRequest, GetErasureResponse,
    GetWordsRequest, GetWordsResponse, ListContactAccessRequest, ListContactAccessResponse, PersonalField,
    PlaceLegalHoldRequest, PlaceLegalHoldResponse, ReleaseLegalHoldRequest, ReleaseLegalHoldResponse, words,
};
use proto::{ClaimId, to_wire};
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::list;
use super::reads::Reads;
use crate::domain::{self, Command, Customer, CustomerAction, Hold, Key};
use crate::handle::Handle;
use crate::store::{self, Access, Reading, Unread};
use crate::vault::Vault;
use crate::vault::erasures::Erasures;

/// The gRPC service.
pub struct Api {
    /// How anything changes.
    pub lanes: Lanes<Handle>,
    /// The pool for reads.
    pub reads: PgPool,
    /// When something is read.
    pub clock: Clock,
    /// What opens personal data.
    pub vault: Vault,
    /// Who reads them.
    pub readers: Reads,
    /// Where is kept that a key was destroyed.
    pub erasures: Erasures,
    /// Reads of personal data of each customer.
    pub reads_of_day: Arc<Day>,
}

#[tonic::async_trait]
impl VaultService for Api {
    async fn get_words(&self, request: Request<GetWordsRequest>) -> Result<Response<GetWordsResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim: ClaimId = check.id("claim_id", &body.claim_id);
        let purpose = purpose(&mut check, &body.purpose);
        check.finish()?;
        list::own(&self.reads, &call, claim).await?;
        self.reads_of_day.take(&call.actor)?;
        let _permit = self.readers.words(&call, claim, purpose).await?;
        let fields = vec![PersonalField::Words];
        let reading = Reading { claim, actor: call.actor.subject.clone(), purpose, fields, at: self.clock.now() };
        let own = call.actor.customer.is_some();
        let words = store::words(&self.reads, &self.vault, &reading, own).await;
        let words = words.map_err(|error| unread(error, claim))?.into_iter().map(|word| wire::Word {
            about: word.about,
            text: word.text.expose("the answer to GetWords").clone(),
            said_at: word.at.map(to_wire),
        });
        Ok(Response::new(GetWordsResponse { words: words.collect() }))
    }

    async fn list_contact_access(
        &self,
        request: Request<ListContactAccessRequest>,
    ) -> Result<Response<ListContactAccessResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let claim = (!body.claim_id.is_empty()).then(|| check.uuid("claim_id", &body.claim_id));
        let customer_ref = check.customer_ref("customer_ref", &body.customer_ref, true);
        if claim.is_some() && !customer_ref.is_empty() {
            check.add("customer_ref", "must be empty if the claim is given");
        }
        let query = ["accesses", body.claim_id.as_str(), customer_ref.as_str()];
        let page = check.page(body.page_size, &body.page_token, &query);
        let after = page.key(&mut check).unwrap_or(0_i64);
        check.finish()?;
        let found = store::accesses(&self.reads, claim, &customer_ref, after, page.limit).await.map_err(read_failed)?;
        let (accesses, next_page_token) = page.finish(found, |access| access.id.to_string(), access);
        Ok(Response::new(ListContactAccessResponse { accesses, next_page_token }))
    }

    async fn erase_customer(
        &self,
        request: Request<EraseCustomerRequest>,
    ) -> Result<Response<EraseCustomerResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let customer_ref = check.customer_ref("customer_ref", &body.customer_ref, false);
        let reason = check.choice::<words::ErasureReason>("reason", body.reason).into();
        let reference = check.token("reference", &body.reference, 1..=64);
        check.finish()?;
        let action = CustomerAction::Erase { reason, reference };
        let command = Command::Customer { customer_ref, action };
        let answer = self.lanes.call(&call, body, command).await?;
        self.erasures.note().await;
        Ok(answer)
    }

    async fn get_erasure(&self, request: Request<GetErasureRequest>) -> Result<Response<GetErasureResponse>, Status> {
        let mut check = Check::new();
        let customer_ref = check.customer_ref("customer_ref", &request.get_ref().customer_ref, false);
        check.finish()?;
        let (customer, counts) = store::customer(&self.reads, &customer_ref).await.map_err(read_failed)?;
        if customer.keys.is_empty() {
            return Err(Refusal::not_found("customer", customer_ref).into());
        }
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Response::new(GetErasureResponse {
            erasures: customer.keys.iter().filter_map(|key| erasure(&customer_ref, key)).collect(),
            readable: customer.readable(),
            claims: count(counts.claims),
            unreadable_claims: count(counts.unreadable),
            open_claims: u32::try_from(customer.open).unwrap_or(u32::MAX),
            files_left: count(counts.files_left),
            accesses: count(counts.accesses),
            holds: customer.holds.iter().map(|hold| wire_hold(&customer_ref, hold)).collect(),
        }))
    }

    async fn place_legal_hold(
        &self,
        request: Request<PlaceLegalHoldRequest>,
    ) -> Result<Response<PlaceLegalHoldResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let customer_ref = check.customer_ref("customer_ref", &body.customer_ref, false);
        let reason = check.choice::<words::HoldReason>("reason", body.reason).into();
        let reference = check.token("reference", &body.reference, 1..=64);
        check.finish()?;
        let action = CustomerAction::PlaceHold { reason, reference };
        let command = Command::Customer { customer_ref, action };
        self.lanes.call(&call, body, command).await
    }

    async fn release_legal_hold(
        &self,
        request: Request<ReleaseLegalHoldRequest>,
    ) -> Result<Response<ReleaseLegalHoldResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let hold = check.uuid("hold_id", &body.hold_id);
        check.finish()?;
        // A hold never changes its customer: who it is may be read beforehand.
        let customer_ref = store::customer_of_hold(&self.reads, hold).await.map_err(read_failed)?;
        let customer_ref = customer_ref.ok_or_else(|| Refusal::not_found("legal hold", hold))?;
        let command = Command::Customer { customer_ref, action: CustomerAction::ReleaseHold { hold } };
        self.lanes.call(&call, body, command).await
    }
}

/// Why personal data is read: one of a fixed list, so that no name gets into a record.
pub(crate) fn purpose(check: &mut Check, value: &str) -> AccessPurpose {
    let purpose = AccessPurpose::from_str_name(&format!("ACCESS_PURPOSE_{value}")).unwrap_or_default();
    if purpose == AccessPurpose::Unspecified {
        let known: Vec<String> = words::AccessPurpose::ALL.iter().map(|known| known.word().to_uppercase()).collect();
        check.add("purpose", &format!("must be one of {}", known.join(", ")));
    }
    purpose
}

/// The fields of a contact that are asked for; none: all.
pub(super) fn fields(check: &mut Check, fields: &[i32]) -> Vec<PersonalField> {
    use PersonalField::{Address, Company, ContactPerson, CustomerName, Email, Phone};
    let all = [CustomerName, ContactPerson, Company, Phone, Email, Address];
    check.count("fields", fields.len(), 0..=all.len());
    let mut asked = BTreeSet::new();
    for (at, number) in fields.iter().enumerate().take(all.len()) {
        let field: words::PersonalField = check.choice(&format!("fields[{at}]"), *number);
        if field == words::PersonalField::Words {
            check.add(&format!("fields[{at}]"), "is read by GetWords");
        }
        if !asked.insert(*number) {
            check.add(&format!("fields[{at}]"), "is there twice");
        }
    }
    let wanted = |field: &PersonalField| fields.is_empty() || asked.contains(&(*field as i32));
    all.into_iter().filter(wanted).collect()
}

/// Why nothing could be read.
pub(super) fn unread(unread: Unread, claim: ClaimId) -> Status {
    match unread {
        Unread::Absent => Refusal::not_found("claim", claim).into(),
        Unread::Erased => Refusal::from(domain::Refusal::CustomerErased).into(),
        Unread::Broken(_) => {
            // It was altered behind our back, or the key file is another.
            tracing::error!(%claim, "personal data of a claim cannot be opened");
            Refusal::new(Code::DataLoss, "INTERNAL", "the personal data cannot be opened; operators were told").into()
        }
        Unread::Fault(fault) => read_failed(fault),
    }
}

/// The answer to EraseCustomer.
pub fn erased(customer: &Customer, known: bool) -> Outcome {
    let erasure = customer.keys.iter().rev().find_map(|key| erasure(&customer.customer_ref, key));
    Outcome::reply(&EraseCustomerResponse { erasure, known })
}

/// The answer to PlaceLegalHold.
pub fn placed(customer: &Customer) -> Outcome {
    let hold = customer.holds.last().map(|hold| wire_hold(&customer.customer_ref, hold));
    Outcome::reply(&PlaceLegalHoldResponse { hold })
}

/// The answer to ReleaseLegalHold.
pub fn released(customer: &Customer, id: Uuid) -> Outcome {
    let hold = customer.holds.iter().find(|hold| hold.id == id);
    Outcome::reply(&ReleaseLegalHoldResponse { hold: hold.map(|hold| wire_hold(&customer.customer_ref, hold)) })
}

fn erasure(customer_ref: &str, key: &Key) -> Option<wire::Erasure> {
    let erased = key.erased.as_ref()?;
    Some(wire::Erasure {
        customer_ref: customer_ref.to_owned(),
        key_id: key.id.to_string(),
        key_fingerprint: key.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect(),
        key_made_at: Some(to_wire(key.made_at)),
        erased_at: Some(to_wire(erased.at)),
        erased_by: erased.by.clone(),
        reason: erased.reason.into(),
        reference: erased.reference.clone(),
    })
}

fn wire_hold(customer_ref: &str, hold: &Hold) -> wire::LegalHold {
    let (released_at, released_by) = hold.released.clone().unzip();
    wire::LegalHold {
        hold_id: hold.id.to_string(),
        customer_ref: customer_ref.to_owned(),
        reason: hold.reason.into(),
        reference: hold.reference.clone(),
        placed_at: Some(to_wire(hold.placed_at)),
        placed_by: hold.placed_by.clone(),
        released_at: released_at.map(to_wire),
        released_by: released_by.unwrap_or_default(),
    }
}

fn access(access: Access) -> wire::ContactAccess {
    let Reading { claim, actor, purpose, fields, at } = access.reading;
    wire::ContactAccess {
        access_id: access.id,
        claim_id: claim.to_string(),
        actor,
        purpose: purpose.into(),
        fields: fields.into_iter().map(Into::into).collect(),
        read_at: Some(to_wire(at)),
    }
}
