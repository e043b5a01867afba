//! S27 for the whole: what people decide and read is sealed in every service, stays valid when a customer is forgotten, and
//! is named when the owner of a database alters it.

use chassis::audit::{Kind, Summary};
use proto::claim::{Category, ClaimState, Resolution};
use proto::intake::vault_service_client::VaultServiceClient;
use proto::intake::{EraseCustomerRequest, ErasureReason, GetClaimRequest, GetContactRequest, GetWordsRequest};
use proto::logistics::Direction;
use sqlx::{Connection, PgConnection, PgPool};
use system::World;
use testkit::{actor, eventually, request_id, verify_audit};

/// Waits until everything of a service is sealed and signed.
async fn signed(world: &World, service: &str) -> Summary {
    let secrets = world.stack.secrets();
    let look = async || {
        let verified = verify_audit(service, world.channel(service).await, secrets, &secrets.checkpoints()).await;
        let chain = verified.unwrap_or_else(|finding| panic!("{service}: {finding}"));
        (chain.newer == 0 && chain.waiting == 0).then_some(chain)
    };
    eventually(look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_decisions_and_reads_are_sealed_and_erasure_leaves_the_chain_valid() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 10, 250, 3).await;
    world.stock("MUG", 0).await;
    let claim = world.claim("O-1", "MUG", 3, Category::ReturnRequest, Resolution::ReturnRefund).await;
    let ask = GetContactRequest { claim_id: claim.clone(), purpose: "DELIVERY".to_owned(), fields: Vec::new() };
    world.intake().await.get_contact(actor(ask, "lou", &["supervisor"])).await.unwrap();
    let mut vault = VaultServiceClient::new(world.channel("intake").await);
    let ask = GetWordsRequest { claim_id: claim.clone(), purpose: "ASSESSMENT".to_owned() };
    vault.get_words(actor(ask, "sue", &["specialist"])).await.unwrap();
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 3, 0, 0, true).await;
    world.finance(&claim, true).await;
    world.until_state(&claim, ClaimState::Closed).await;
    let ended = async |claim: &str| {
        let ask = GetClaimRequest { claim_id: claim.to_owned(), ..GetClaimRequest::default() };
        world.intake().await.get_claim(ask).await.unwrap().into_inner().claim.unwrap()
    };
    let customer_ref =
        eventually(async || Some(ended(&claim).await).filter(|claim| claim.state() == ClaimState::Closed))
            .await
            .customer_ref;
    let before = signed(&world, "intake").await;
    let erase = EraseCustomerRequest {
        request_id: request_id(),
        customer_ref,
        reason: ErasureReason::AskedFor.into(),
        reference: "P-1".to_owned(),
    };
    vault.erase_customer(actor(erase, "lea", &["legal"])).await.unwrap();
    let after =
        eventually(async || Some(signed(&world, "intake").await).filter(|chain| chain.links > before.links)).await;
    assert_eq!(after.links, before.links + 3, "the erasure is sealed, the key that it destroyed, and the notice of it");
    let database = PgPool::connect(&world.stack.superuser_url("intake")).await.unwrap();
    let sources = "SELECT source || ' ' || count(*) FROM audit_chain GROUP BY source ORDER BY source";
    let sources: Vec<String> = sqlx::query_scalar(sources).fetch_all(&database).await.unwrap();
    assert_eq!(sources, ["contact_access 2", "customer_decision 1", "erased_key 1", "journal 3"]);
    for service in ["inventory", "logistics", "orchestrator"] {
        assert!(signed(&world, service).await.links > 0, "{service}: people decided");
    }
    for service in ["triage", "escalation"] {
        signed(&world, service).await;
    }

    // Who read it was somebody else.
    let theft =
        "SET session_replication_role = replica; UPDATE contact_access SET actor = 'nobody' WHERE actor = 'sue'";
    sqlx::raw_sql(theft).execute(&mut *database.acquire().await.unwrap()).await.unwrap();
    let secrets = world.stack.secrets();
    let verified = verify_audit("intake", world.channel("intake").await, secrets, &secrets.checkpoints()).await;
    let finding = verified.unwrap_err();
    assert_eq!((finding.kind, finding.source.as_deref()), (Kind::RowChanged, Some("contact_access")), "{finding}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr25_whoever_alters_what_is_paid_sold_or_in_stock_is_refused_or_named() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 10, 250, 3).await;
    world.stock("MUG", 5).await;
    let claim = world.claim("O-1", "MUG", 1, Category::TransitDamage, Resolution::RefundOnly).await;
    eventually(async || world.settlements(&claim).await.into_iter().next()).await;
    for service in ["orchestrator", "triage", "inventory"] {
        signed(&world, service).await;
    }
    // The role that serves changes what its statements change, and nothing else.
    let refused = [
        ("orchestrator", "UPDATE settlement SET amount_minor = 99900"),
        ("orchestrator", "UPDATE instruction SET amount_minor = 99900"),
        ("triage", "UPDATE order_line SET sku = 'GOLD'"),
        ("triage", "UPDATE work_item SET role = 1"),
        ("escalation", "UPDATE approval SET plan = NULL"),
    ];
    for (service, edit) in refused {
        let mut role = PgConnection::connect(&world.stack.superuser_url(service)).await.unwrap();
        let edit = format!("SET ROLE {service}; {edit}");
        let error = sqlx::raw_sql(sqlx::AssertSqlSafe(edit.clone())).execute(&mut role).await.unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        assert_eq!(code, "42501", "{service}: {edit}: {error}");
    }
    // What it may change, and what the owner of a database can, no longer adds up.
    let edits = [
        ("triage", "UPDATE order_line SET paid_minor = 1, unit_price_minor = 1", "order_version"),
        ("inventory", "SET session_replication_role = replica; UPDATE stock SET on_hand = 500", "movement"),
        ("orchestrator", "UPDATE settlement SET amount_minor = amount_minor - 1", "instruction"),
        ("orchestrator", "UPDATE entitlement SET compensated_minor = 0", "entitlement_entry"),
    ];
    let secrets = world.stack.secrets();
    for (service, edit, source) in edits {
        let mut owner = PgConnection::connect(&world.stack.superuser_url(service)).await.unwrap();
        sqlx::raw_sql(edit).execute(&mut owner).await.unwrap();
        let verified = verify_audit(service, world.channel(service).await, secrets, &secrets.checkpoints()).await;
        let finding = verified.unwrap_err();
        assert_eq!(finding.kind, Kind::NotWhatWasDecided, "{finding}");
        assert_eq!(finding.source.as_deref(), Some(source), "{finding}");
    }
    world.end().await;
}
