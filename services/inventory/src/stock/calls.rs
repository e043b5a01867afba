//! Calls about stock: requests become commands, or are answered from what is stored.

use chassis::{Call, Check, Outcome, Refusal, read_failed};
use proto::inventory::{
    AdjustStockRequest, AdjustStockResponse, GetAvailabilityRequest, GetAvailabilityResponse, ListMovementsRequest,
    ListMovementsResponse, MoveStockRequest, MoveStockResponse, Movement, ReceiveGoodsRequest, ReceiveGoodsResponse,
    RegisterSkusRequest, RegisterSkusResponse, RegisterWarehouseRequest, RegisterWarehouseResponse, Stock,
};
use proto::to_wire;
use sqlx::PgPool;
use tonic::Status;

use super::domain::{Command, GoodsLine, Place, Sku, Warehouse, Zone};
use super::store::{self, StoredMovement};
use crate::domain::{self, Job, ReservationState, State};
use crate::reservation::domain::Event::Held;
use crate::wire::{QUANTITY_MAX, key, own, warehouse};

/// SKUs are registered.
pub fn register_skus(body: &RegisterSkusRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    check.count("skus", body.skus.len(), 1..=500);
    let skus = body.skus.iter().enumerate().map(|(at, sku)| Sku {
        sku: check.code(&format!("skus[{at}].sku"), &sku.sku, 1..=64),
        description: check.remark(&format!("skus[{at}].description"), &sku.description, 0..=200),
    });
    let command = Command::RegisterSkus(skus.collect());
    check.finish()?;
    Ok(command)
}

/// A warehouse is registered.
pub fn register_warehouse(body: &RegisterWarehouseRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let warehouse = warehouse(&mut check, &body.warehouse);
    if body.country.len() != 2 || !body.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        check.add("country", "must be an ISO 3166-1 code of two upper-case letters");
    }
    let custodian = check.code("custodian", &body.custodian, 0..=64);
    check.finish()?;
    Ok(Command::RegisterWarehouse(Warehouse { warehouse, country: body.country.clone(), custodian }))
}

/// Goods have arrived.
pub fn receive_goods(call: &Call, body: &ReceiveGoodsRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let warehouse = warehouse(&mut check, &body.warehouse);
    let zone = check.choice("zone", body.zone);
    let document = check.code("document", &body.document, 0..=64);
    check.count("lines", body.lines.len(), 1..=500);
    let lines = body.lines.iter().enumerate().map(|(at, line)| GoodsLine {
        sku: check.code(&format!("lines[{at}].sku"), &line.sku, 1..=64),
        batch: check.code(&format!("lines[{at}].batch"), &line.batch, 0..=64),
        quantity: check.number(&format!("lines[{at}].quantity"), line.quantity, 1..=QUANTITY_MAX),
    });
    let lines = lines.collect();
    check.finish()?;
    own(call, &warehouse)?;
    Ok(Command::ReceiveGoods { warehouse, zone, document, lines })
}

/// Counted stock is corrected.
pub fn adjust_stock(body: &AdjustStockRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let place = Place {
        warehouse: warehouse(&mut check, &body.warehouse),
        zone: check.choice("zone", body.zone),
        sku: check.code("sku", &body.sku, 1..=64),
        batch: check.code("batch", &body.batch, 0..=64),
    };
    let most = i64::from(QUANTITY_MAX);
    let delta = check.number("delta", body.delta, -most..=most);
    if delta == 0 {
        check.add("delta", "must not be 0");
    }
    let reason = check.remark("reason", &body.reason, 1..=200);
    check.finish()?;
    Ok(Command::AdjustStock { place, delta, reason })
}

/// Units go to another zone.
pub fn move_stock(body: &MoveStockRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let from = Place {
        warehouse: warehouse(&mut check, &body.warehouse),
        zone: check.choice("from_zone", body.from_zone),
        sku: check.code("sku", &body.sku, 1..=64),
        batch: check.code("batch", &body.batch, 0..=64),
    };
    let to = check.choice("to_zone", body.to_zone);
    if body.from_zone == body.to_zone {
        check.add("to_zone", "must be another zone than from_zone");
    }
    let quantity = check.number("quantity", body.quantity, 1..=QUANTITY_MAX);
    let reason = check.remark("reason", &body.reason, 1..=200);
    check.finish()?;
    Ok(Command::MoveStock { from, to, quantity, reason })
}

/// The answer to the caller.
pub fn reply(state: &State, command: &Command, events: &[domain::Event]) -> Outcome {
    match command {
        Command::RegisterSkus(skus) => {
            Outcome::reply(&RegisterSkusResponse { registered: u32::try_from(skus.len()).unwrap_or(u32::MAX) })
        }
        Command::RegisterWarehouse(_) => Outcome::reply(&RegisterWarehouseResponse {}),
        Command::ReceiveGoods { lines, .. } => {
            // A delivery that is known already moves nothing.
            let repeated = events.is_empty();
            let lines = lines.iter().filter(|_| !repeated);
            let units = lines.map(|line| u64::from(line.quantity)).sum();
            Outcome::reply(&ReceiveGoodsResponse { units, reservations_filled: filled(state, events), repeated })
        }
        Command::MoveStock { from, to, .. } => {
            let to = Place { zone: *to, ..from.clone() };
            let on_hand = state.stock.get(&to).map_or(0, |stock| stock.on_hand).unsigned_abs();
            Outcome::reply(&MoveStockResponse { on_hand, reservations_filled: filled(state, events) })
        }
        Command::AdjustStock { place, .. } => {
            let on_hand = state.stock.get(place).map_or(0, |stock| stock.on_hand);
            Outcome::reply(&AdjustStockResponse { on_hand: on_hand.unsigned_abs() })
        }
    }
}

/// Reservations that have all they want now.
fn filled(state: &State, events: &[domain::Event]) -> u32 {
    let whole = |job: &Job| {
        let reservation = state.reservations.get(job);
        reservation.is_some_and(|it| matches!(it.state, ReservationState::Held | ReservationState::Committed))
    };
    let filled = events
        .iter()
        .filter(|event| matches!(event, domain::Event::Reservation(Held { job, .. }) if whole(job)))
        .count();
    u32::try_from(filled).unwrap_or(u32::MAX)
}

/// What is available.
pub async fn availability(
    reads: &PgPool,
    call: &Call,
    request: &GetAvailabilityRequest,
) -> Result<GetAvailabilityResponse, Status> {
    let mut check = Check::new();
    let sku = check.code("sku", &request.sku, 1..=64);
    let batch = check.code("batch", &request.batch, 0..=64);
    check.finish()?;
    let found = store::availability(reads, &sku, &batch).await.map_err(read_failed)?;
    let mut found = found.ok_or_else(|| Refusal::not_found("sku", &sku))?;
    found.stock.retain(|(place, _)| call.actor.may_use_warehouse(&place.warehouse));
    let qualified = found.stock.iter().filter(|(place, _)| place.zone == Zone::Qualified);
    let available: i64 = qualified.map(|(_, stock)| stock.free()).sum();
    let stock = found.stock.into_iter().map(|(place, stock)| Stock {
        warehouse: place.warehouse,
        zone: place.zone.into(),
        sku: place.sku,
        batch: place.batch,
        on_hand: stock.on_hand.unsigned_abs(),
        reserved: stock.reserved.unsigned_abs(),
    });
    Ok(GetAvailabilityResponse {
        available: available.unsigned_abs(),
        back_ordered: found.back_ordered.unsigned_abs(),
        stock: stock.collect(),
    })
}

/// The ledger of an article.
pub async fn movements(reads: &PgPool, request: &ListMovementsRequest) -> Result<ListMovementsResponse, Status> {
    let mut check = Check::new();
    let sku = check.code("sku", &request.sku, 1..=64);
    let page = check.page(request.page_size, &request.page_token, &["movements", &sku]);
    let before = key(&mut check, &page, i64::MAX);
    check.finish()?;
    let rows = store::movements_of(reads, &sku, before, &page).await.map_err(read_failed)?;
    let (movements, next_page_token) = page.finish(rows, |row| row.movement_id.to_string(), movement);
    Ok(ListMovementsResponse { movements, next_page_token })
}

fn movement(stored: StoredMovement) -> Movement {
    Movement {
        movement_id: stored.movement_id,
        kind: stored.kind.into(),
        warehouse: stored.place.warehouse,
        zone: stored.place.zone.into(),
        sku: stored.place.sku,
        batch: stored.place.batch,
        quantity: stored.quantity,
        document: stored.document,
        actor: stored.actor,
        moved_at: Some(to_wire(stored.moved_at)),
    }
}
