//! A toy service: piles of things that only grow. It speaks a proto of ours, because the wire is not what is tested.
//!
//! A command is a SKU `pile` and a quantity. Quantity 13 is refused, 666 breaks a constraint, 404 panics, 500 parks, and 777
//! tells nobody.

use std::collections::BTreeMap;

use chassis::{
    Building, Call, Check, Context, Domain, Fault, Grant, Lanes, Lock, Malformed, Meta, Outcome, Outgoing, Refusal,
    Service, Tx, Writes,
};
use prost::Message;
use proto::Subject;
use proto::inventory::inventory_service_server::{InventoryService, InventoryServiceServer};
use proto::inventory::*;
use sqlx::Row;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

const READ: &str = "SELECT name, size FROM pile WHERE name = ANY($1) ORDER BY name";
const LOCK: &str = "SELECT name, size FROM pile WHERE name = ANY($1) ORDER BY name FOR UPDATE";
const MAKE: &str =
    "INSERT INTO pile (name, size) SELECT name, size FROM UNNEST($1::text[], $2::bigint[]) AS n(name, size)";
const GROW: &str = "UPDATE pile SET size = n.size FROM UNNEST($1::text[], $2::bigint[], $3::bigint[]) AS n(name, size, was) \
    WHERE pile.name = n.name AND pile.size = n.was";

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("tests/it/migrations");
pub const GRANTS: &[Grant] = &[("pile", "SELECT, INSERT, UPDATE")];
pub static SERVICE: Service = Service { name: "inventory", migrations: &MIGRATIONS, grants: GRANTS, build };

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
    ctx.routes(InventoryServiceServer::new(Api { lanes }).max_decoding_message_size(proto::REQUEST_BYTES_MAX))
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
    /// Sizes as they were, if there was a pile, and as they are.
    type World = BTreeMap<String, (Option<i64>, i64)>;

    fn lane(&self, command: &Grow) -> Uuid {
        proto::ids::derived(jiff::Timestamp::UNIX_EPOCH, &[&command.pile])
    }

    fn is_guarded(&self, _: &Grow) -> bool {
        true
    }

    async fn load(&self, tx: &mut Tx, lock: Lock, commands: &[&Grow]) -> Result<Self::World, Fault> {
        let piles: Vec<&str> = commands.iter().map(|command| command.pile.as_str()).collect();
        let rows = sqlx::query(lock.pick(LOCK, READ)).bind(&piles).fetch_all(tx).await?;
        let mut world: Self::World = piles.into_iter().map(|pile| (pile.to_owned(), (None, 0))).collect();
        world.extend(rows.into_iter().map(|row| (row.get("name"), (Some(row.get("size")), row.get("size")))));
        Ok(world)
    }

    fn decide(&self, world: &mut Self::World, _: &Meta, command: &Grow) -> Result<Outcome, Refusal> {
        match command.by {
            13 => return Err(Refusal::new(Code::FailedPrecondition, "OUT_OF_STOCK", "no").with("pile", &command.pile)),
            404 => panic!("this is asked for"),
            500 => return Err(Refusal::park("it does not fit")),
            _ => {}
        }
        let (_, size) = world.get_mut(&command.pile).expect("it was loaded");
        *size += if command.by == 666 { -1_000_000 } else { command.by };
        let on_hand = u64::try_from(*size).unwrap_or(0);
        let told = Reserved { quantity: u32::try_from(on_hand).unwrap_or(0) };
        let answer = Outcome::reply(&AdjustStockResponse { on_hand });
        if command.by == 777 || !self.tells {
            return Ok(answer);
        }
        Ok(answer.telling([Outgoing::event("inventory", "reserved", pile(&command.pile), &told)]))
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: Self::World) -> Result<(), Fault> {
        let (mut new, mut changed) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new(), Vec::new()));
        for (name, (was, size)) in world {
            match was {
                None => new.extend([(name, size)]),
                Some(was) => changed.extend([(name, size, was)]),
            }
        }
        if !new.0.is_empty() {
            writes.exactly(new.0.len(), MAKE).bind(new.0).bind(new.1);
        }
        if !changed.0.is_empty() {
            writes.exactly(changed.0.len(), GROW).bind(changed.0).bind(changed.1).bind(changed.2);
        }
        Ok(())
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

struct Api {
    lanes: Lanes<Toy>,
}

// The attribute must see the methods, so the macro makes the whole of the implementation.
macro_rules! serve {
    ($($name:ident: $request:ident -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl InventoryService for Api {
            async fn adjust_stock(&self, request: Request<AdjustStockRequest>) -> Result<Response<AdjustStockResponse>, Status> {
                let call = Call::of(&request);
                let body = request.get_ref();
                let mut check = Check::new();
                let request_id = check.request_id(&body.request_id);
                let pile = check.token("sku", &body.sku, 1..=64);
                let by = check.number("delta", body.delta, 1..=1_000);
                check.finish()?;
                Ok(Response::new(self.lanes.call(&call, "AdjustStock", request_id, body, Grow { pile, by }).await?))
            }

            $(async fn $name(&self, _: Request<$request>) -> Result<Response<$response>, Status> {
                Err(Status::unimplemented("the toy has no such method"))
            })*
        }
    };
}

serve! {
    register_skus: RegisterSkusRequest -> RegisterSkusResponse;
    register_warehouse: RegisterWarehouseRequest -> RegisterWarehouseResponse;
    receive_goods: ReceiveGoodsRequest -> ReceiveGoodsResponse;
    get_availability: GetAvailabilityRequest -> GetAvailabilityResponse;
    list_movements: ListMovementsRequest -> ListMovementsResponse;
    list_reservations: ListReservationsRequest -> ListReservationsResponse;
    list_returns: ListReturnsRequest -> ListReturnsResponse;
    receive_return: ReceiveReturnRequest -> ReceiveReturnResponse;
    dispose_return: DisposeReturnRequest -> DisposeReturnResponse;
}
