//! A toy service: piles of things that only grow. It speaks a proto of ours, because the wire is not what is tested.
//!
//! A command is a SKU `pile` and a quantity. Quantity 13 is refused, 666 breaks a constraint, 404 panics, 500 parks, and 777
//! tells nobody.

use std::collections::BTreeMap;

use chassis::{
    Building, Call, Check, Context, Domain, Fault, Grant, Lanes, Malformed, Meta, Outcome, Outgoing, Refusal, Service,
    Tx, Writes,
};
use prost::Message;
use proto::Subject;
use proto::inventory::inventory_service_server::{InventoryService, InventoryServiceServer};
use proto::inventory::*;
use sqlx::Row;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

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
    type World = BTreeMap<String, i64>;

    fn lane(&self, command: &Grow) -> Uuid {
        proto::ids::derived(jiff::Timestamp::UNIX_EPOCH, &[&command.pile])
    }

    async fn load(&self, tx: &mut Tx, commands: &[&Grow]) -> Result<Self::World, Fault> {
        let piles: Vec<&str> = commands.iter().map(|command| command.pile.as_str()).collect();
        sqlx::query(
            "INSERT INTO pile (name, size) SELECT DISTINCT n, 0 FROM UNNEST($1::text[]) AS n ON CONFLICT DO NOTHING",
        )
        .bind(&piles)
        .execute(&mut *tx)
        .await?;
        let rows =
            sqlx::query("SELECT name, size FROM pile WHERE name = ANY($1) ORDER BY name FOR UPDATE").bind(&piles);
        let rows = rows.fetch_all(tx).await?;
        Ok(rows.into_iter().map(|row| (row.get("name"), row.get("size"))).collect())
    }

    fn decide(&self, world: &mut Self::World, _: &Meta, command: &Grow) -> Result<Outcome, Refusal> {
        match command.by {
            13 => return Err(Refusal::new(Code::FailedPrecondition, "OUT_OF_STOCK", "no").with("pile", &command.pile)),
            404 => panic!("this is asked for"),
            500 => return Err(Refusal::park("it does not fit")),
            _ => {}
        }
        let size = world.get_mut(&command.pile).expect("it was loaded");
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
        let (names, sizes): (Vec<String>, Vec<i64>) = world.into_iter().unzip();
        let update = "UPDATE pile SET size = n.size FROM UNNEST($1::text[], $2::bigint[]) AS n(name, size) WHERE pile.name = n.name";
        writes.exactly(names.len(), update).bind(names).bind(sizes);
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
