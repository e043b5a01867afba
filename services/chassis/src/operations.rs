//! What every service offers to operators: its parked messages (list, redrive, discard), and publishing again (P13). And
//! to auditors: its audit chain (S27).

use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use jiff_sqlx::{Timestamp, ToSqlx};
use prost::Message;
use proto::operations::operations_service_server::OperationsService;
use proto::operations::{
    DiscardParkedRequest, DiscardParkedResponse, ListParkedRequest, ListParkedResponse, ListUnsealedRequest,
    ListUnsealedResponse, Parked, ReadAuditRequest, ReadAuditResponse, RedriveParkedRequest, RedriveParkedResponse,
    RepublishRequest, RepublishResponse,
};
use sqlx::{PgPool, Row};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::call::Call;
use crate::consumer::{Decode, Raw, ticket};
use crate::lane::{Answer, DECIDED, Domain, Fingerprinter, Lanes, Origin};
use crate::topology::STREAMS;
use crate::{Check, Clock, Refusal, audit, read_failed};

const LIST: &str = "\
    SELECT parked_id, aggregate, event_id, subject, reason, detail, length(payload) AS size, at \
    FROM parked WHERE parked_id > $1 ORDER BY parked_id LIMIT $2";
const OF_AGGREGATE: &str = "\
    SELECT parked_id, event_id, subject, payload, actor, trace, sender, number \
    FROM parked WHERE aggregate = $1 ORDER BY parked_id";
const HAS_PARKED: &str = "SELECT EXISTS (SELECT FROM parked WHERE aggregate = $1)";
const AGGREGATE_OF: &str = "SELECT aggregate FROM parked WHERE parked_id = $1";
/// Gives up a message that is due: it counts as processed, and the request as answered.
const DISCARD: &str = "\
    WITH gone AS ( \
        DELETE FROM parked p WHERE parked_id = $1 AND (number IS NULL OR number <= 1 + COALESCE( \
            (SELECT h.number FROM inbox_sequence h WHERE h.aggregate = p.aggregate AND h.sender = p.sender), 0)) \
        RETURNING consumer, event_id, aggregate, sender, number \
    ), by_number AS ( \
        INSERT INTO inbox_sequence (aggregate, sender, number, event_id) \
        SELECT aggregate, sender, number, event_id FROM gone WHERE number IS NOT NULL \
        ON CONFLICT (aggregate, sender) DO UPDATE SET number = EXCLUDED.number, event_id = EXCLUDED.event_id \
        WHERE inbox_sequence.number = EXCLUDED.number - 1 \
    ), remembered AS ( \
        INSERT INTO inbox (source, id, fingerprint, answer, at) \
        SELECT consumer, event_id, NULL::bytea, NULL::bytea, now() FROM gone WHERE number IS NULL \
        UNION ALL SELECT $2, $3, $4, ''::bytea, now() FROM gone \
        ON CONFLICT DO NOTHING \
    ) \
    SELECT count(*) FROM gone";
const REMEMBERED: &str = "SELECT answer FROM inbox WHERE source = $1 AND id = $2 AND fingerprint = $3";
const REMEMBER: &str = "\
    INSERT INTO inbox (source, id, fingerprint, answer, at) VALUES ($1, $2, $3, $4, now()) \
    ON CONFLICT (source, id) DO UPDATE SET answer = EXCLUDED.answer WHERE inbox.fingerprint = EXCLUDED.fingerprint";
const REUSED: &str = "SELECT EXISTS (SELECT FROM inbox WHERE source = $1 AND id = $2 AND fingerprint <> $3)";

/// Asks the relay to go back; the one that leads does it, so that nobody else moves the cursor.
const REPUBLISH: &str = "\
    WITH wanted AS MATERIALIZED ( \
        SELECT COALESCE($1, clock_timestamp() - make_interval(secs => $2)) AS at \
    ), since AS ( \
        SELECT (SELECT min(tx) FROM (SELECT tx FROM journal WHERE at >= (SELECT at FROM wanted) ORDER BY at, seq LIMIT 1000) f) \
            AS tx, \
            (SELECT count(*) FROM (SELECT FROM journal WHERE at >= (SELECT at FROM wanted) LIMIT 1000000) c) AS messages \
    ), asked AS ( \
        UPDATE relay SET rewind_tx = LEAST(rewind_tx, since.tx) FROM since WHERE since.tx IS NOT NULL RETURNING 1 \
    ) \
    SELECT messages FROM since";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] =
    &[LIST, OF_AGGREGATE, HAS_PARKED, AGGREGATE_OF, DISCARD, REPUBLISH, REMEMBERED, REMEMBER, REUSED];

/// Puts a parked message into its lane again.
pub(crate) type Redrive = Arc<dyn Fn(Raw, i64) -> BoxFuture<'static, Option<Answer>> + Send + Sync>;

/// Makes the redrive of a consumer.
pub(crate) fn redrive<D: Domain>(
    prefix: String,
    service: &'static str,
    lanes: Lanes<D>,
    decode: Decode<D::Command>,
) -> Redrive {
    Arc::new(move |raw, parked_id| {
        let (answer, answered) = oneshot::channel();
        let ticket = ticket(&prefix, service, decode, raw, Some(parked_id), answer);
        let lanes = lanes.clone();
        Box::pin(async move {
            lanes.send(ticket).await.ok()?;
            answered.await.ok()
        })
    })
}

/// OperationsService of one service.
#[derive(Clone)]
pub(crate) struct Operations {
    pub service: &'static str,
    pub pool: PgPool,
    /// What is sealed in the audit chain.
    pub sources: Arc<[&'static audit::Source]>,
    /// Finds rows that are not what was decided.
    pub differs: Option<&'static str>,
    pub redrive: Arc<OnceLock<Redrive>>,
    pub stamp: Fingerprinter,
    pub clock: Clock,
}

impl Operations {
    /// Processes the parked messages of an aggregate in order, up to the first that cannot be processed.
    pub(crate) async fn redrive(&self, aggregate: Uuid) -> Result<(u32, u32), Status> {
        let Some(redrive) = self.redrive.get() else { return Ok((0, 0)) };
        let mut done = 0;
        // Until nothing is left: a message that came meanwhile was parked behind those that are gone now.
        loop {
            let rows = sqlx::query(OF_AGGREGATE).bind(aggregate).fetch_all(&self.pool).await.map_err(read_failed)?;
            let left = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let mut here = 0;
            for row in rows {
                let raw = raw(&row, aggregate).map_err(read_failed)?;
                let parked_id = row.try_get("parked_id").map_err(read_failed)?;
                match redrive(raw, parked_id).await {
                    Some(Answer::Done(_) | Answer::Refused(_) | Answer::Reused) => here += 1,
                    // Messages of one sender may be parked in another order than that of their numbers.
                    Some(Answer::Ahead) => {}
                    Some(Answer::Parked | Answer::Failed(_)) | None => return Ok((done + here, left - here)),
                }
            }
            done += here;
            if left == 0 || here == 0 {
                return Ok((done, left));
            }
        }
    }

    /// The answer that was given to the same request before.
    async fn remembered<R: prost::Message + Default>(&self, asked: &Asked) -> Result<Option<R>, Status> {
        let Asked { method, key, print, .. } = asked;
        let reused = sqlx::query_scalar(REUSED).bind(method).bind(key).bind(print);
        let reused: bool = reused.fetch_one(&self.pool).await.map_err(read_failed)?;
        if reused {
            let code = tonic::Code::AlreadyExists;
            return Err(Refusal::new(code, "REQUEST_ID_REUSED", "the request id was used with another request").into());
        }
        let found = sqlx::query_scalar(REMEMBERED).bind(method).bind(key).bind(print);
        let found: Option<Option<Vec<u8>>> = found.fetch_optional(&self.pool).await.map_err(read_failed)?;
        Ok(found.flatten().and_then(|bytes| R::decode(bytes.as_slice()).ok()))
    }

    fn asked<T: prost::Message>(&self, method: &'static str, id: Uuid, request: &Request<T>) -> Asked {
        let call = Call::of(request);
        let print = self.stamp.fingerprint(&call.actor, request.get_ref());
        // Ids are each caller's own.
        let (key, print) = (print.own_id(id), print.bytes.to_vec());
        Asked { method, id, key, print, actor: call.actor.subject, trace: call.trace }
    }

    /// Who had it done: on record before it is done, also if it is not done then.
    async fn decided(&self, asked: &Asked, about: Uuid) -> Result<(), Status> {
        let Asked { method, id, print, actor, trace, .. } = asked;
        let query = sqlx::query(DECIDED).bind(method).bind(id).bind(print).bind(about).bind(actor).bind(trace);
        query.bind(self.clock.now().to_sqlx()).execute(&self.pool).await.map_err(read_failed)?;
        Ok(())
    }

    async fn remember(&self, asked: &Asked, answer: &impl prost::Message) -> Result<(), Status> {
        let query = sqlx::query(REMEMBER).bind(asked.method).bind(asked.key).bind(&asked.print);
        query.bind(answer.encode_to_vec()).execute(&self.pool).await.map_err(read_failed)?;
        Ok(())
    }
}

/// What an answer is remembered under.
struct Asked {
    method: &'static str,
    /// Id of the request.
    id: Uuid,
    /// The same as one of the caller's.
    key: Uuid,
    print: Vec<u8>,
    actor: String,
    trace: Option<String>,
}

fn raw(row: &sqlx::postgres::PgRow, aggregate: Uuid) -> Result<Raw, sqlx::Error> {
    Ok(Raw {
        subject: row.try_get("subject")?,
        payload: row.try_get("payload")?,
        event_id: row.try_get("event_id")?,
        aggregate,
        actor: row.try_get("actor")?,
        trace: row.try_get("trace")?,
        origin: match (row.try_get::<Option<String>, _>("sender")?, row.try_get::<Option<i32>, _>("number")?) {
            (Some(sender), Some(number)) => Some(Origin { sender, number }),
            _ => None,
        },
    })
}

fn parked(row: &sqlx::postgres::PgRow) -> Result<Parked, sqlx::Error> {
    Ok(Parked {
        parked_id: row.try_get("parked_id")?,
        aggregate_id: row.try_get::<Uuid, _>("aggregate")?.to_string(),
        event_id: row.try_get::<Uuid, _>("event_id")?.to_string(),
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        detail: row.try_get("detail")?,
        payload_size: u32::try_from(row.try_get::<i32, _>("size")?).unwrap_or(0),
        parked_at: Some(proto::to_wire(row.try_get::<Timestamp, _>("at")?.to_jiff())),
    })
}

#[tonic::async_trait]
impl OperationsService for Operations {
    async fn list_parked(&self, request: Request<ListParkedRequest>) -> Result<Response<ListParkedResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let page = check.page(body.page_size, &body.page_token, &["parked"]);
        let after: i64 = page.key(&mut check).unwrap_or(0);
        check.finish()?;
        let rows = sqlx::query(LIST).bind(after).bind(page.limit).fetch_all(&self.pool).await.map_err(read_failed)?;
        let rows = rows.iter().map(parked).collect::<Result<Vec<_>, _>>().map_err(read_failed)?;
        let (parked, next_page_token) = page.finish(rows, |row| row.parked_id.to_string(), |row| row);
        Ok(Response::new(ListParkedResponse { parked, next_page_token }))
    }

    async fn redrive_parked(
        &self,
        request: Request<RedriveParkedRequest>,
    ) -> Result<Response<RedriveParkedResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let request_id = check.request_id(&body.request_id);
        let aggregate = check.uuid("aggregate_id", &body.aggregate_id);
        check.finish()?;
        let asked = self.asked("RedriveParked", request_id, &request);
        if let Some(answer) = self.remembered(&asked).await? {
            return Ok(Response::new(answer));
        }
        let some = sqlx::query_scalar(HAS_PARKED).bind(aggregate).fetch_one(&self.pool).await;
        if !some.map_err(read_failed)? {
            return Err(Refusal::not_found("parked message", aggregate).into());
        }
        self.decided(&asked, aggregate).await?;
        let (processed, still_parked) = self.redrive(aggregate).await?;
        let answer = RedriveParkedResponse { processed, still_parked };
        self.remember(&asked, &answer).await?;
        Ok(Response::new(answer))
    }

    async fn discard_parked(
        &self,
        request: Request<DiscardParkedRequest>,
    ) -> Result<Response<DiscardParkedResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let request_id = check.request_id(&body.request_id);
        check.finish()?;
        let asked = self.asked("DiscardParked", request_id, &request);
        if let Some(answer) = self.remembered(&asked).await? {
            return Ok(Response::new(answer));
        }
        let aggregate: Option<Uuid> = sqlx::query_scalar(AGGREGATE_OF)
            .bind(body.parked_id)
            .fetch_optional(&self.pool)
            .await
            .map_err(read_failed)?;
        let Some(aggregate) = aggregate else {
            return Err(Refusal::not_found("parked message", body.parked_id).into());
        };
        self.decided(&asked, aggregate).await?;
        let discard = sqlx::query_scalar(DISCARD).bind(body.parked_id).bind(asked.method).bind(asked.key);
        let gone: i64 = discard.bind(&asked.print).fetch_one(&self.pool).await.map_err(read_failed)?;
        if gone == 0 {
            let code = tonic::Code::FailedPrecondition;
            return Err(
                Refusal::new(code, "BEHIND_PARKED", "an earlier message is parked: give that one up first").into()
            );
        }
        let (processed, _) = self.redrive(aggregate).await?;
        let answer = DiscardParkedResponse { processed };
        self.remember(&asked, &answer).await?;
        Ok(Response::new(answer))
    }

    async fn republish(&self, request: Request<RepublishRequest>) -> Result<Response<RepublishResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let request_id = check.request_id(&body.request_id);
        let since = body.since.as_ref().and_then(|since| check.time("since", Some(since)));
        check.finish()?;
        let asked = self.asked("Republish", request_id, &request);
        if let Some(answer) = self.remembered(&asked).await? {
            return Ok(Response::new(answer));
        }
        let held = STREAMS.iter().map(|stream| stream.max_age).max().unwrap_or_default();
        self.decided(&asked, Uuid::nil()).await?;
        let rewind = sqlx::query_scalar(REPUBLISH).bind(since.map(ToSqlx::to_sqlx)).bind(held.as_secs_f64());
        let messages: i64 = rewind.fetch_one(&self.pool).await.map_err(read_failed)?;
        let answer = RepublishResponse { messages: u64::try_from(messages).unwrap_or(0) };
        self.remember(&asked, &answer).await?;
        Ok(Response::new(answer))
    }

    async fn read_audit(&self, request: Request<ReadAuditRequest>) -> Result<Response<ReadAuditResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let page = check.page(body.page_size, "", &[]);
        let after = check.number("after", body.after, 0..=i64::MAX.unsigned_abs());
        check.finish()?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let links = audit::read::links(&self.pool, &self.sources, after, page.limit - 1).await.map_err(read_failed)?;
        Ok(Response::new(ReadAuditResponse { service: self.service.to_owned(), links }))
    }

    async fn list_unsealed(
        &self,
        request: Request<ListUnsealedRequest>,
    ) -> Result<Response<ListUnsealedResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let page = check.page(body.page_size, &body.page_token, &[]);
        let after = page.key(&mut check);
        check.finish()?;
        let looked = audit::read::unsealed(&self.pool, &self.sources, after, page.limit, self.clock.offset())
            .await
            .map_err(read_failed)?;
        let looked = looked.into_iter().map(|(place, open)| (place.key(), open));
        let (looked, next_page_token) = page.cut(looked, |open| open.as_ref().map_or(0, Message::encoded_len));
        let rows = looked.into_iter().flatten().collect();
        let differing = match self.differs.filter(|_| next_page_token.is_empty()) {
            Some(differs) => audit::read::differing(&self.pool, differs).await.map_err(read_failed)?,
            None => Vec::new(),
        };
        Ok(Response::new(ListUnsealedResponse { rows, next_page_token, differing }))
    }
}
