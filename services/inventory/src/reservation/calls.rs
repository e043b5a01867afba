//! Calls about reservations: they read and change nothing.

use chassis::{Check, read_failed};
use proto::inventory::{ListReservationsRequest, ListReservationsResponse, Reservation};
use proto::to_wire;
use sqlx::PgPool;
use tonic::Status;

use super::store::{self, StoredReservation};
use crate::store::Filter;
use crate::wire::{claim, key};

/// Reservations, oldest first.
pub async fn list(reads: &PgPool, request: &ListReservationsRequest) -> Result<ListReservationsResponse, Status> {
    let mut check = Check::new();
    let state = check.optional_choice("state", request.state);
    let query = ["reservations", &request.claim_id, &request.state.to_string()];
    let page = check.page(request.page_size, &request.page_token, &query);
    let filter = Filter { claim: claim(&mut check, &request.claim_id), state, after: key(&mut check, &page, 0) };
    check.finish()?;
    let rows = store::list(reads, &filter, &page).await.map_err(read_failed)?;
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
