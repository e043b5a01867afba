//! `WorkService` over the work list of a service.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::LazyLock;

use jiff::Timestamp;
use proto::Word;
use proto::claim::words::Role;
use proto::method::Method;
use proto::work::item::Content;
use proto::work::work_service_server::WorkService;
use proto::work::{
    AssignWorkRequest, AssignWorkResponse, GetWorkRequest, GetWorkResponse, HandOverWorkRequest, HandOverWorkResponse,
    Item as WireItem, ListWorkRequest, ListWorkResponse, TakeWorkRequest, TakeWorkResponse,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::rows::{self, Filter, Read};
use super::{Asked, Item, Labels, Refusal, What};
use crate::auth::Rules;
use crate::auth::rules::Who;
use crate::lane::{Domain, Lanes, Outcome};
use crate::meta::is_reference;
use crate::{Actor, Call, Check, Fault, read_failed};

/// Work items of a page at the most: what they show can be large.
const ITEMS_MAX: i64 = 100;

static RULES: LazyLock<Option<Rules>> = LazyLock::new(|| Rules::read().ok());

/// What a service shows of a work item beside the view: content, and what was decided where the view does not say it.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// What the person is shown.
    pub content: Option<Content>,
    /// What people call what it is about; empty: as the view says.
    pub number: String,
    /// The department that the rules think of; empty: as the view says.
    pub department: String,
    /// What was decided; empty: as the view says.
    pub decision: String,
}

/// The work list of a service.
pub trait List: Send + Sync + 'static {
    /// How the service changes.
    type Domain: Domain;
    /// The request of the service's own list: who may make it finds this one.
    type Own: Method;

    /// What items show.
    fn shown(&self, pool: &PgPool, items: &[Uuid])
    -> impl Future<Output = Result<BTreeMap<Uuid, Shown>, Fault>> + Send;

    /// The command by which an item changes hands; `about`: the thing that it is about. Its outcome is [`Outcome::work`].
    fn command(&self, about: Uuid, asked: Asked) -> <Self::Domain as Domain>::Command;
}

impl Outcome {
    /// The answer of a command by which a work item changed hands: the answers of all of them are alike.
    pub fn work(item: &Item, labels: Labels) -> Self {
        Self::reply(&TakeWorkResponse { item: Some(item.wire(labels)) })
    }
}

/// The calls of `WorkService`.
pub struct Calls<L: List> {
    /// How anything changes.
    pub lanes: Lanes<L::Domain>,
    /// For reads only.
    pub reads: PgPool,
    /// The list.
    pub list: L,
}

impl<L: List> Calls<L> {
    async fn whole(&self, items: Vec<Read>) -> Result<Vec<(Item, Labels)>, Status> {
        let ids: Vec<Uuid> = items.iter().map(|(item, _)| item.id).collect();
        let mut shown = match ids.as_slice() {
            [] => BTreeMap::new(),
            ids => self.list.shown(&self.reads, ids).await.map_err(read_failed)?,
        };
        let whole = items.into_iter().map(|(item, mut labels)| {
            let shown = shown.remove(&item.id).unwrap_or_default();
            labels.content = shown.content;
            let own = [shown.number, shown.department, shown.decision];
            let of_view = [&mut labels.about.number, &mut labels.department, &mut labels.decision];
            for (of_view, own) in of_view.into_iter().zip(own) {
                if !own.is_empty() {
                    *of_view = own;
                }
            }
            (item, labels)
        });
        Ok(whole.collect())
    }

    /// By the contract's rule of the service's own list.
    fn may_read(who: &Actor) -> bool {
        let rule = RULES.as_ref().and_then(|rules| rules.get(L::Own::PATH.trim_start_matches('/')));
        rule.is_some_and(|rule| match &rule.who {
            Who::All | Who::Known => true,
            Who::Roles(roles) => roles.iter().any(|role| who.has_role(role)),
        })
    }

    /// The command for what is asked, in the lane of what the item is about.
    async fn command(&self, asked: Asked) -> Result<<L::Domain as Domain>::Command, Status> {
        let found = rows::one(&self.reads, asked.item).await.map_err(read_failed)?;
        let (_, labels) = found.ok_or_else(|| crate::Refusal::from(Refusal::Unknown(asked.item)))?;
        let about = labels.about.id.parse().unwrap_or(Uuid::nil());
        Ok(self.list.command(about, asked))
    }
}

#[tonic::async_trait]
impl<L: List> WorkService for Calls<L> {
    async fn list_work(&self, request: Request<ListWorkRequest>) -> Result<Response<ListWorkResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        let mut filter = Filter {
            about_kind: check.token("about_kind", &body.about_kind, 0..=64),
            about_id: (!body.about_id.is_empty()).then(|| check.uuid("about_id", &body.about_id)),
            kind: check.token("kind", &body.kind, 0..=64),
            role: role(&mut check, &body.role),
            assigned_to: person(&mut check, "assigned_to", &body.assigned_to, true),
            closed: body.include_closed,
            overdue: body.overdue,
            after: None,
        };
        let (closed, overdue) = (body.include_closed.to_string(), body.overdue.to_string());
        let query =
            ["work", &body.about_kind, &body.about_id, &body.kind, &body.role, &body.assigned_to, &closed, &overdue];
        let page = check.page(body.page_size, &body.page_token, &query).at_most(ITEMS_MAX);
        filter.after = page.key::<Key>(&mut check).map(|Key(at, id)| (at, id));
        check.finish()?;
        if !Self::may_read(&call.actor) {
            return Ok(Response::new(ListWorkResponse::default()));
        }
        let items = rows::list(&self.reads, &filter, page.limit).await.map_err(read_failed)?;
        let items = self.whole(items).await?;
        let (items, next_page_token) = page.finish(
            items,
            |(item, _)| format!("{}/{}", item.due_at.as_microsecond(), item.id),
            |(item, labels)| -> WireItem { item.wire(labels) },
        );
        Ok(Response::new(ListWorkResponse { items, next_page_token }))
    }

    async fn get_work(&self, request: Request<GetWorkRequest>) -> Result<Response<GetWorkResponse>, Status> {
        let call = Call::of(&request);
        let mut check = Check::new();
        let id = check.uuid("work_item_id", &request.get_ref().work_item_id);
        check.finish()?;
        let found = rows::one(&self.reads, id).await.map_err(read_failed)?.filter(|_| Self::may_read(&call.actor));
        let found = found.ok_or_else(|| crate::Refusal::from(Refusal::Unknown(id)))?;
        let changes = rows::history(&self.reads, id).await.map_err(read_failed)?;
        let history = found.0.history(&changes);
        let item = self.whole(vec![found]).await?.pop().map(|(item, labels)| item.wire(labels));
        Ok(Response::new(GetWorkResponse { item, history }))
    }

    async fn take_work(&self, request: Request<TakeWorkRequest>) -> Result<Response<TakeWorkResponse>, Status> {
        let call = Call::of(&request);
        let TakeWorkRequest { request_id, work_item_id, etag, note } = request.get_ref();
        let asked = asked([request_id, work_item_id, etag], (note, 0), |_| What::Take)?;
        self.lanes.call(&call, request.get_ref(), self.command(asked).await?).await
    }

    async fn assign_work(&self, request: Request<AssignWorkRequest>) -> Result<Response<AssignWorkResponse>, Status> {
        let call = Call::of(&request);
        let AssignWorkRequest { request_id, work_item_id, etag, to, note } = request.get_ref();
        let what = |check: &mut Check| What::Assign(person(check, "to", to, false));
        let asked = asked([request_id, work_item_id, etag], (note, 1), what)?;
        self.lanes.call(&call, request.get_ref(), self.command(asked).await?).await
    }

    async fn hand_over_work(
        &self,
        request: Request<HandOverWorkRequest>,
    ) -> Result<Response<HandOverWorkResponse>, Status> {
        let call = Call::of(&request);
        let HandOverWorkRequest { request_id, work_item_id, etag, to, note } = request.get_ref();
        let what = |check: &mut Check| What::HandOver(person(check, "to", to, true));
        let asked = asked([request_id, work_item_id, etag], (note, 1), what)?;
        self.lanes.call(&call, request.get_ref(), self.command(asked).await?).await
    }
}

/// What is asked, if it can be read; the reason has so many characters at least.
fn asked(
    [request_id, item, etag]: [&String; 3],
    (note, least): (&str, usize),
    what: impl FnOnce(&mut Check) -> What,
) -> Result<Asked, Status> {
    let mut check = Check::new();
    check.request_id(request_id);
    let asked = Asked {
        item: check.uuid("work_item_id", item),
        etag: check.text("etag", etag, 3..=22),
        what: what(&mut check),
        note: check.note("note", note, least..=1_000),
    };
    check.finish()?;
    Ok(asked)
}

/// The subject of a person.
fn person(check: &mut Check, field: &str, value: &str, optional: bool) -> String {
    if !(is_reference(value) || optional && value.is_empty()) {
        check.add(field, "must have 1 to 64 characters A-Z, a-z, 0-9, dot, underscore, hyphen and colon");
    }
    value.to_owned()
}

fn role(check: &mut Check, word: &str) -> Option<Role> {
    let role = Role::from_word(word);
    if role.is_none() && !word.is_empty() {
        check.add("role", "is not a role that work waits for");
    }
    role
}

/// The key of a row: when it is due, and its id.
struct Key(Timestamp, Uuid);

impl std::str::FromStr for Key {
    type Err = ();

    fn from_str(key: &str) -> Result<Self, ()> {
        let (at, id) = key.split_once('/').ok_or(())?;
        let at = Timestamp::from_microsecond(at.parse().map_err(|_| ())?).map_err(|_| ())?;
        // What the database cannot keep is no key of a row.
        proto::from_wire(&proto::to_wire(at)).ok_or(())?;
        Ok(Self(at, proto::ids::parse(id).map_err(|_| ())?))
    }
}
