//! The vault of personal data: S24 to S26, and the check C12.

mod brought_back;
mod crash;
mod erasure;
mod export;
mod keys;
mod limits;
mod reads;
mod sealed;

use proto::claim::ClaimState;
use proto::intake::vault_service_client::VaultServiceClient;
use proto::intake::{
    Contact, EraseCustomerRequest, EraseCustomerResponse, ErasureReason, GetContactRequest, GetErasureRequest,
    GetErasureResponse, GetWordsRequest, HoldReason, LegalHold, PlaceLegalHoldRequest, ReleaseLegalHoldRequest,
    SubmitClaimRequest, Word,
};
use testkit::{Wire, actor, request_id};
use tonic::{Request, Status};

use crate::world::{World, end, submit_request};

/// Somebody of the legal department.
pub fn lea<T>(message: T) -> Request<T> {
    actor(message, "lea", &["legal"])
}

impl World {
    pub fn vault(&self) -> VaultServiceClient<Wire> {
        VaultServiceClient::new(self.service.channel())
    }

    /// Records a claim of a customer; gives its id.
    pub async fn submit_for(&self, customer_ref: &str) -> String {
        let request = SubmitClaimRequest { customer_ref: customer_ref.to_owned(), ..submit_request() };
        self.client.clone().submit_claim(request).await.unwrap().into_inner().claim.unwrap().claim_id
    }

    /// Records a claim of a customer that has ended.
    pub async fn closed_for(&self, customer_ref: &str) -> String {
        let claim = self.submit_for(customer_ref).await;
        self.tell(&claim, end(ClaimState::Closed)).await;
        claim
    }

    pub async fn contact_of(&self, claim: &str) -> Result<Contact, Status> {
        let ask = contact_request(claim);
        Ok(self.client.clone().get_contact(ask).await?.into_inner().contact.unwrap())
    }

    pub async fn words_of(&self, claim: &str) -> Result<Vec<Word>, Status> {
        let ask = GetWordsRequest { claim_id: claim.to_owned(), purpose: "ASSESSMENT".to_owned() };
        Ok(self.vault().get_words(ask).await?.into_inner().words)
    }

    pub async fn erase(&self, customer_ref: &str) -> Result<EraseCustomerResponse, Status> {
        Ok(self.vault().erase_customer(lea(erase_request(customer_ref))).await?.into_inner())
    }

    pub async fn erasure(&self, customer_ref: &str) -> GetErasureResponse {
        let ask = GetErasureRequest { customer_ref: customer_ref.to_owned() };
        self.vault().get_erasure(lea(ask)).await.unwrap().into_inner()
    }

    pub async fn hold(&self, customer_ref: &str) -> Result<LegalHold, Status> {
        let request = PlaceLegalHoldRequest {
            request_id: request_id(),
            customer_ref: customer_ref.to_owned(),
            reason: HoldReason::Dispute.into(),
            reference: "L-2026-7".to_owned(),
        };
        Ok(self.vault().place_legal_hold(lea(request)).await?.into_inner().hold.unwrap())
    }

    pub async fn release(&self, hold: &str) -> Result<LegalHold, Status> {
        let request = ReleaseLegalHoldRequest { request_id: request_id(), hold_id: hold.to_owned() };
        Ok(self.vault().release_legal_hold(lea(request)).await?.into_inner().hold.unwrap())
    }
}

pub fn contact_request(claim: &str) -> GetContactRequest {
    GetContactRequest { claim_id: claim.to_owned(), purpose: "DELIVERY".to_owned(), fields: Vec::new() }
}

pub fn erase_request(customer_ref: &str) -> EraseCustomerRequest {
    EraseCustomerRequest {
        request_id: request_id(),
        customer_ref: customer_ref.to_owned(),
        reason: ErasureReason::AskedFor.into(),
        reference: "P-2026-1".to_owned(),
    }
}
