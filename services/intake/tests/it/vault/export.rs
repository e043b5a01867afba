//! What is kept of a customer is told as a whole, and recorded.

use futures::TryStreamExt as _;
use proto::intake::{ExportCustomerRequest, ExportCustomerResponse};
use testkit::{actor, reason};
use tonic::{Code, Status};

use crate::world::World;

async fn export(world: &World, customer: &str, who: &str) -> Result<Vec<ExportCustomerResponse>, Status> {
    let ask = ExportCustomerRequest { customer_ref: customer.to_owned() };
    let answer = world.client.clone().export_customer(actor(ask, who, &["legal"])).await?;
    answer.into_inner().try_collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_kept_of_a_customer_is_exported_and_recorded() {
    let world = World::start().await;
    let mut claims = Vec::new();
    for _ in 0..60 {
        claims.push(world.submit_for("one").await);
    }
    world.submit_for("two").await;
    let told = export(&world, "one", "lea").await.unwrap();
    let mut ids: Vec<String> = told.iter().filter_map(|told| Some(told.claim.as_ref()?.claim_id.clone())).collect();
    ids.sort();
    claims.sort();
    assert_eq!(ids, claims, "every claim, and no other customer's");
    for told in &told {
        assert_eq!(told.contact.as_ref().unwrap().customer_name, "Ada Lovelace");
        assert!(told.words.iter().any(|word| word.text.contains("the cup is green")), "{told:?}");
    }
    let recorded = world.count("SELECT count(DISTINCT claim_id) FROM contact_access WHERE purpose = 6").await;
    assert_eq!(recorded, 60);
    // It is one read of the hour, not sixty.
    for _ in 0..5 {
        export(&world, "two", "lea").await.unwrap();
    }
    assert_eq!(export(&world, "nobody", "lea").await.unwrap_err().code(), Code::NotFound);
    let ask = ExportCustomerRequest { customer_ref: "one".to_owned() };
    let refused = world.client.clone().export_customer(actor(ask, "ann", &["specialist"])).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "FORBIDDEN"));
    // What was forgotten is told as such.
    let closed = world.closed_for("gone").await;
    world.erase("gone").await.unwrap();
    let gone = export(&world, "gone", "lea").await.unwrap();
    assert!(gone.len() == 1 && gone[0].erased && gone[0].contact.is_none() && gone[0].words.is_empty());
    assert_eq!(gone[0].claim.as_ref().unwrap().claim_id, closed);
}
