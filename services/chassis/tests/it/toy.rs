//! A toy service: piles of things that only grow. It speaks a proto of ours, because the wire is not what is tested.
//!
//! A command is a SKU `pile` and a quantity. Quantity 13 is refused, 666 breaks a constraint, 404 panics, 500 parks, and 777
//! tells nobody.

use chassis::settings::Own;
use std::collections::BTreeMap;
use std::convert::Infallible;

use chassis::{
    Building, Call, Check, Context, Domain, Fault, Grant, Lanes, Lock, Malformed, Meta, Outcome, Outgoing, Recent,
    Refusal, Service, Tx, Writes,
};
use prost::Message;
use proto::Subject;
use proto::inventory::{AdjustStockRequest, AdjustStockResponse, GoodsLine, Reserved};
use proto::method::Method;
use sqlx::Row;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Context as Task, Poll, Service as Tower, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;
use uuid::Uuid;

const READ: &str = "SELECT name, size FROM pile WHERE name = ANY($1) ORDER BY name";
const LOCK: &str = "SELECT name, size FROM pile WHERE name = ANY($1) ORDER BY name FOR UPDATE";
const MAKE: &str = "INSERT INTO pile (name, size) SELECT $1, $2";
const GROW: &str = "UPDATE pile SET size = $2 WHERE name = $1 AND size = $3";
const SAME: &str = "SELECT 1 FROM pile WHERE name = $1 AND size = $2";

/// A pile of a batch.
pub struct Pile {
    was: Option<i64>,
    size: i64,
    recalled: bool,
}

/// Sizes that a lane remembers.
pub struct Piles(Recent<String, i64>);

impl Default for Piles {
    fn default() -> Self {
        Self(Recent::new(100))
    }
}

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("tests/it/migrations");
pub const GRANTS: &[Grant] = &[("pile", "SELECT, INSERT, UPDATE")];
pub static SERVICE: Service =
    Service { name: "inventory", migrations: &MIGRATIONS, grants: GRANTS, own: Own::NONE, long: &[], build };

fn build(ctx: &Context) -> Building<'_> {
    Box::pin(async { Ok(built(ctx, Toy { tells: true })) })
}

/// A toy that takes messages and calls.
pub fn built(ctx: &Context, toy: Toy) -> tonic::service::Routes {
    let lanes = ctx.lanes(toy);
    ctx.consume(&lanes, command);
    routes(ctx, lanes)
}

/// The calls of the toy.
pub fn routes(ctx: &Context, lanes: Lanes<Toy>) -> tonic::service::Routes {
    ctx.routes(Api { lanes })
}

#[derive(Clone, Debug)]
pub struct Grow {
    pile: String,
    by: i64,
}

pub struct Toy {
    /// Whether each growth is an event.
    pub tells: bool,
}

impl Domain for Toy {
    type Command = Grow;
    type World = BTreeMap<String, Pile>;
    type Memory = Piles;

    fn lane(&self, command: &Grow) -> Uuid {
        proto::ids::derived(jiff::Timestamp::UNIX_EPOCH, &[&command.pile])
    }

    fn is_optimistic(&self, _: &Grow) -> bool {
        true
    }

    async fn load(&self, tx: &mut Tx, lock: Lock, memory: &Piles, commands: &[&Grow]) -> Result<Self::World, Fault> {
        let (mut world, mut unknown) = (Self::World::new(), Vec::new());
        for Grow { pile, .. } in commands {
            let known = memory.0.get(pile).copied();
            if known.is_none() {
                unknown.push(pile.as_str());
            }
            world.insert(pile.clone(), Pile { was: known, size: known.unwrap_or(0), recalled: known.is_some() });
        }
        if !unknown.is_empty() {
            for row in sqlx::query(lock.pick(LOCK, READ)).bind(&unknown).fetch_all(tx).await? {
                let size = row.get("size");
                world.insert(row.get("name"), Pile { was: Some(size), size, recalled: false });
            }
        }
        Ok(world)
    }

    fn decide(&self, world: &mut Self::World, _: &Meta, command: &Grow) -> Result<Outcome, Refusal> {
        match command.by {
            13 => return Err(Refusal::new(Code::FailedPrecondition, "OUT_OF_STOCK", "no").with("pile", &command.pile)),
            404 => panic!("this is asked for"),
            500 => return Err(Refusal::park("it does not fit")),
            _ => {}
        }
        let Pile { size, .. } = world.get_mut(&command.pile).expect("it was loaded");
        *size += if command.by == 666 { -1_000_000 } else { command.by };
        let on_hand = u64::try_from(*size).unwrap_or(0);
        let told = Reserved { quantity: u32::try_from(on_hand).unwrap_or(0) };
        let answer = Outcome::reply(&AdjustStockResponse { on_hand });
        if command.by == 777 || !self.tells {
            return Ok(answer);
        }
        Ok(answer.telling([Outgoing::event("inventory", "reserved", pile(&command.pile), &told)]))
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &Self::World) -> Result<(), Fault> {
        for (name, pile) in world {
            match pile.was {
                None => drop(writes.exactly(1, MAKE).bind(name).bind(pile.size)),
                Some(was) if was != pile.size => drop(writes.exactly(1, GROW).bind(name).bind(pile.size).bind(was)),
                Some(was) if pile.recalled => drop(writes.finds(1, SAME).bind(name).bind(was)),
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn remember(&self, memory: &mut Piles, world: Self::World) {
        memory.0.learn(world.into_iter().map(|(name, pile)| (name, pile.size)));
    }
}

/// The aggregate of a pile.
pub fn pile(name: &str) -> Uuid {
    proto::ids::derived(jiff::Timestamp::UNIX_EPOCH, &["pile", name])
}

/// A message that makes a pile grow.
pub fn grow(name: &str, by: u32) -> Outgoing {
    let line = GoodsLine { sku: name.to_owned(), batch: String::new(), quantity: by };
    Outgoing::command("inventory", "reserve", pile(name), &line)
}

fn command(_: &Subject, payload: &[u8]) -> Result<Grow, Malformed> {
    let line = GoodsLine::decode(payload).map_err(|error| Malformed(error.to_string()))?;
    if line.sku.is_empty() {
        return Err(Malformed("no pile is named".to_owned()));
    }
    Ok(Grow { pile: line.sku, by: i64::from(line.quantity) })
}

/// The one method of the toy, served as generated code would serve it.
#[derive(Clone)]
struct Api {
    lanes: Lanes<Toy>,
}

impl NamedService for Api {
    const NAME: &'static str = "redress.inventory.v1.InventoryService";
}

impl Tower<http::Request<Body>> for Api {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let api = self.clone();
        Box::pin(async move {
            if request.uri().path() != AdjustStockRequest::PATH {
                return Ok(Status::unimplemented("the toy has one method").into_http());
            }
            let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(proto::REQUEST_BYTES_MAX);
            Ok(grpc.unary(api, request).await)
        })
    }
}

impl UnaryService<AdjustStockRequest> for Api {
    type Response = AdjustStockResponse;
    type Future = BoxFuture<Response<AdjustStockResponse>, Status>;

    fn call(&mut self, request: Request<AdjustStockRequest>) -> Self::Future {
        let lanes = self.lanes.clone();
        Box::pin(async move {
            let (call, body) = (Call::of(&request), request.get_ref());
            let mut check = Check::new();
            check.request_id(&body.request_id);
            let pile = check.token("sku", &body.sku, 1..=64);
            let by = check.number("delta", body.delta, 1..=1_000);
            check.finish()?;
            lanes.call(&call, body, Grow { pile, by }).await
        })
    }
}
