//! All that is kept of a customer here, claim by claim (GDPR article 15). Who exports is recorded for each claim, as any read.

use std::sync::Arc;

use chassis::{Call, Clock, Refusal, read_failed};
use futures::TryStreamExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use proto::ClaimId;
use proto::claim::ClaimState;
use proto::intake::{AccessPurpose, ExportCustomerResponse, PersonalField, Word};
use proto::policy::Dated;
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use super::{Reads, reply, vault};
use crate::domain::Rules;
use crate::evidence;
use crate::store::{self, Filter, Reading, Unread};
use crate::vault::Vault;

/// What an export holds: everything.
const FIELDS: [PersonalField; 7] = [
    PersonalField::CustomerName,
    PersonalField::ContactPerson,
    PersonalField::Company,
    PersonalField::Phone,
    PersonalField::Email,
    PersonalField::Address,
    PersonalField::Words,
];
/// Claims that are looked up at once.
const AT_ONCE: i64 = 50;

pub type Messages = BoxStream<'static, Result<ExportCustomerResponse, Status>>;

/// What an export reads from.
#[derive(Clone)]
pub(super) struct Source {
    pub reads: PgPool,
    pub clock: Clock,
    pub rules: Arc<Dated<Rules>>,
    pub vault: Vault,
}

/// One message for each claim of a customer, newest first. That there is one is known before.
pub(super) async fn export(
    source: Source,
    readers: &Reads,
    call: Call,
    customer_ref: String,
) -> Result<Messages, Status> {
    let filter = Filter { customer_ref, state: ClaimState::Unspecified, ids: Vec::new(), channel: None };
    let first = store::list(&source.reads, &filter, Uuid::max(), AT_ONCE).await.map_err(read_failed)?;
    if first.is_empty() {
        return Err(Refusal::not_found("customer", &filter.customer_ref).into());
    }
    readers.export(&call, &FIELDS).await?;
    let pages = stream::try_unfold((source.clone(), filter, first), |(source, filter, ids)| async move {
        let Some(last) = ids.last().copied() else { return Ok(None) };
        let next = store::list(&source.reads, &filter, last, AT_ONCE).await.map_err(read_failed)?;
        Ok::<_, Status>(Some((stream::iter(ids.into_iter().map(Ok)), (source, filter, next))))
    });
    let claims = pages.try_flatten();
    Ok(claims.and_then(move |id| one(source.clone(), call.clone(), id)).boxed())
}

async fn one(api: Source, call: Call, id: Uuid) -> Result<ExportCustomerResponse, Status> {
    let claim = ClaimId(id);
    let found = store::claims(&api.reads, &[id]).await.map_err(read_failed)?;
    let known = found.get(&claim).ok_or_else(|| Refusal::not_found("claim", claim))?;
    let files = store::files(&api.reads, claim).await.map_err(read_failed)?;
    let (actor, at) = (call.actor.subject.clone(), api.clock.now());
    let reading = Reading { claim, actor, purpose: AccessPurpose::OwnData, fields: FIELDS.to_vec(), at };
    let told = ExportCustomerResponse {
        claim: Some(reply::claim(&api.rules, known, &call.actor)),
        contact: None,
        words: Vec::new(),
        evidence: files.iter().map(|file| evidence::told(file, known, &call.actor)).collect(),
        erased: false,
    };
    let contact = match store::contact(&api.reads, &api.vault, &reading).await {
        Err(Unread::Erased) => return Ok(ExportCustomerResponse { erased: true, ..told }),
        contact => contact.map_err(|error| vault::unread(error, claim))?,
    };
    let words = store::words(&api.reads, &api.vault, &reading, false).await;
    let words = words.map_err(|error| vault::unread(error, claim))?.into_iter().map(|word| Word {
        about: word.about,
        text: word.text.expose("the answer to ExportCustomer").clone(),
        said_at: word.at.map(proto::to_wire),
    });
    Ok(ExportCustomerResponse { contact: Some(reply::contact(&contact)), words: words.collect(), ..told })
}
