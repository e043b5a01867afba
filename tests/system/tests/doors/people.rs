//! What cannot be done to the personal data of a customer.

use proto::claim::{Category, Resolution};
use proto::intake::vault_service_client::VaultServiceClient;
use proto::intake::{EraseCustomerRequest, ErasureReason, HoldReason, PlaceLegalHoldRequest, ReleaseLegalHoldRequest};
use system::line;
use testkit::{actor, request_id};
use tonic::{Code, Request};

use crate::dynamic::NOBODY;
use crate::transitions::{Doors, Leaves, STATE};

fn erase(customer_ref: &str) -> Request<EraseCustomerRequest> {
    let ask = EraseCustomerRequest {
        request_id: request_id(),
        customer_ref: customer_ref.to_owned(),
        reason: ErasureReason::AskedFor.into(),
        reference: "P-1".to_owned(),
    };
    actor(ask, "lea", &["legal"])
}

fn hold(customer_ref: &str) -> Request<PlaceLegalHoldRequest> {
    let ask = PlaceLegalHoldRequest {
        request_id: request_id(),
        customer_ref: customer_ref.to_owned(),
        reason: HoldReason::Dispute.into(),
        reference: "P-2".to_owned(),
    };
    actor(ask, "lea", &["legal"])
}

/// A customer whom nobody knows, one with a claim that is open, and one whose data must be kept.
pub async fn what_does_not_fit(doors: &mut Doors) {
    let not_found = (Code::NotFound, "NOT_FOUND");
    let mut vault = VaultServiceClient::new(doors.world.channel("intake").await);
    let report = doors.world.report("C-7", vec![line("", "CUP", 1, Category::Other, Resolution::Unspecified)]);
    doors.world.submit(report).await;
    doors.rest().await;
    doors.refused(("intake", "EraseCustomer"), vault.erase_customer(erase("C-404")), not_found, Leaves::Answer).await;
    let placed = vault.place_legal_hold(hold("C-404"));
    doors.refused(("intake", "PlaceLegalHold"), placed, not_found, Leaves::Answer).await;
    let ask = ReleaseLegalHoldRequest { request_id: request_id(), hold_id: NOBODY.to_owned() };
    let released = vault.release_legal_hold(actor(ask, "lea", &["legal"]));
    doors.refused(("intake", "ReleaseLegalHold"), released, not_found, Leaves::Nothing).await;
    let open = vault.erase_customer(erase("C-7"));
    doors.refused(("intake", "EraseCustomer"), open, (STATE, "OPEN_CLAIMS"), Leaves::Answer).await;
    vault.place_legal_hold(hold("C-7")).await.unwrap();
    doors.rest().await;
    let held = vault.erase_customer(erase("C-7"));
    doors.refused(("intake", "EraseCustomer"), held, (STATE, "LEGAL_HOLD"), Leaves::Answer).await;
}
