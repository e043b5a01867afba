//! Questions: they read and change nothing.

use chassis::{Call, Check, Page, Refusal, read_failed};
use proto::inventory::{
    GetAvailabilityRequest, GetAvailabilityResponse, ListMovementsRequest, ListMovementsResponse,
    ListReservationsRequest, ListReservationsResponse, ListReturnsRequest, ListReturnsResponse, Movement, Reservation,
    Return, Stock,
};
use proto::to_wire;
use tonic::Status;
use uuid::Uuid;

use super::Api;
use crate::domain::Zone;
use crate::store::{self, Filter, StoredMovement, StoredReservation, StoredReturn};
use crate::wire;

pub(super) async fn availability(
    api: &Api,
    call: &Call,
    request: &GetAvailabilityRequest,
) -> Result<GetAvailabilityResponse, Status> {
    let mut check = Check::new();
    let sku = check.code("sku", &request.sku, 1..=64);
    let batch = check.code("batch", &request.batch, 0..=64);
    check.finish()?;
    let found = store::availability(&api.reads, &sku, &batch).await.map_err(read_failed)?;
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

pub(super) async fn movements(api: &Api, request: &ListMovementsRequest) -> Result<ListMovementsResponse, Status> {
    let mut check = Check::new();
    let sku = check.code("sku", &request.sku, 1..=64);
    let page = check.page(request.page_size, &request.page_token, &["movements", &sku]);
    let before = key(&mut check, &page, i64::MAX);
    check.finish()?;
    let rows = store::movements(&api.reads, &sku, before, &page).await.map_err(read_failed)?;
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

pub(super) async fn reservations(
    api: &Api,
    request: &ListReservationsRequest,
) -> Result<ListReservationsResponse, Status> {
    let mut check = Check::new();
    let state = check.optional_choice("state", request.state);
    let query = ["reservations", &request.claim_id, &request.state.to_string()];
    let page = check.page(request.page_size, &request.page_token, &query);
    let filter = Filter { claim: claim(&mut check, &request.claim_id), state, after: key(&mut check, &page, 0) };
    check.finish()?;
    let rows = store::reservations(&api.reads, &filter, &page).await.map_err(read_failed)?;
    let (reservations, next_page_token) = page.finish(rows, |row| row.number.to_string(), reservation);
    Ok(ListReservationsResponse { reservations, next_page_token })
}

fn reservation(stored: StoredReservation) -> Reservation {
    let StoredReservation { job, reservation, held, .. } = stored;
    Reservation {
        job: Some(job.into()),
        sku: reservation.sku,
        batch: reservation.batch,
        wanted: reservation.wanted,
        held,
        state: reservation.state.into(),
        expires_at: reservation.expires_at.map(to_wire),
        expected_on: reservation.expected_on.map(|day| day.to_string()).unwrap_or_default(),
        batch_rule: reservation.rule.into(),
    }
}

pub(super) async fn returns(api: &Api, request: &ListReturnsRequest) -> Result<ListReturnsResponse, Status> {
    let mut check = Check::new();
    let state = check.optional_choice("state", request.state);
    let query = ["returns", &request.claim_id, &request.state.to_string()];
    let page = check.page(request.page_size, &request.page_token, &query);
    let filter = Filter { claim: claim(&mut check, &request.claim_id), state, after: key(&mut check, &page, 0) };
    check.finish()?;
    let rows = store::returns(&api.reads, &filter, &page).await.map_err(read_failed)?;
    let wire = |row: StoredReturn| Return { waiting: row.waiting, ..wire::goods_return(&row.job, &row.known) };
    let (returns, next_page_token) = page.finish(rows, |row| row.number.to_string(), wire);
    Ok(ListReturnsResponse { returns, next_page_token })
}

/// A claim to narrow a list to; empty: all.
fn claim(check: &mut Check, text: &str) -> Option<Uuid> {
    (!text.is_empty()).then(|| check.uuid("claim_id", text))
}

/// The key of the last row of the page before.
fn key(check: &mut Check, page: &Page, first: i64) -> i64 {
    let Some(after) = &page.after else { return first };
    after.parse().unwrap_or_else(|_| {
        check.add("page_token", "is not a token of this query");
        first
    })
}
