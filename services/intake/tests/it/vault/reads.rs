//! S26 and C12: there is one record for each read of personal data, and no read without one.

use proto::intake::{
    AccessPurpose, ContactAccess, GetContactRequest, GetWordsRequest, ListContactAccessRequest, PersonalField,
};
use testkit::{actor, bad_fields, customer, reason};
use tonic::Code;

use super::contact_request;
use crate::world::{World, contact};

async fn accesses(world: &World, mut ask: ListContactAccessRequest) -> Vec<ContactAccess> {
    let mut found = Vec::new();
    loop {
        let request = actor(ask.clone(), "olga", &["auditor"]);
        let page = world.vault().list_contact_access(request).await.unwrap().into_inner();
        found.extend(page.accesses);
        if page.next_page_token.is_empty() {
            return found;
        }
        ask.page_token = page.next_page_token;
    }
}

/// S26, C12: 1,000 reads by mixed roles, allowed and not, many at once.
#[tokio::test(flavor = "multi_thread")]
async fn s26_c12_one_record_for_each_read() {
    let world = World::start().await;
    let mut claims = Vec::new();
    for customer_ref in ["one", "two", "three"] {
        claims.push((customer_ref, world.submit_for(customer_ref).await));
    }
    let roles = ["specialist", "supervisor", "logistics", "integration", "warehouse", "auditor", "operator", "finance"];
    let purposes = ["HANDLING", "DELIVERY", "ASSESSMENT", "PAYMENT", "NOTICE", "OWN_DATA", "LEGAL", "AUDIT"];
    let reads = (0..1000_usize).map(|n| {
        let (mut client, mut vault) = (world.client.clone(), world.vault());
        let (whose, claim) = claims[n % 3].clone();
        let (role, purpose, who) = (roles[n % 8], purposes[n / 8 % 8].to_owned(), format!("somebody-{}", n % 50));
        async move {
            let words = n % 5 == 4;
            let of_customer = n % 7 == 6;
            let others = n % 14 == 6;
            let whose = if others { "nobody" } else { whose };
            let ok = if words {
                let ask = GetWordsRequest { claim_id: claim.clone(), purpose: purpose.clone() };
                let ask = if of_customer { customer(ask, &who, whose) } else { actor(ask, &who, &[role]) };
                vault.get_words(ask).await.is_ok()
            } else {
                let fields = if n % 2 == 0 { vec![] } else { vec![PersonalField::Phone.into()] };
                let ask = GetContactRequest { claim_id: claim.clone(), purpose: purpose.clone(), fields };
                let ask = if of_customer { customer(ask, &who, whose) } else { actor(ask, &who, &[role]) };
                client.get_contact(ask).await.is_ok()
            };
            ok.then(|| {
                let fields = match (words, n % 2) {
                    (true, _) => vec![7],
                    (false, 0) => vec![1, 2, 3, 4, 5, 6],
                    (false, _) => vec![4],
                };
                let purpose = AccessPurpose::from_str_name(&format!("ACCESS_PURPOSE_{purpose}")).unwrap();
                (claim, who, purpose as i32, fields)
            })
        }
    });
    let reads = futures::StreamExt::buffer_unordered(futures::stream::iter(reads), 16);
    let mut read: Vec<_> = futures::StreamExt::collect::<Vec<_>>(reads).await.into_iter().flatten().collect();
    assert!((200..900).contains(&read.len()), "{} reads were allowed", read.len());
    let records = accesses(&world, ListContactAccessRequest::default()).await;
    assert!(records.windows(2).all(|pair| pair[0].access_id < pair[1].access_id));
    assert!(records.iter().all(|record| record.read_at.is_some()));
    let mut recorded: Vec<_> =
        records.into_iter().map(|record| (record.claim_id, record.actor, record.purpose, record.fields)).collect();
    read.sort();
    recorded.sort();
    assert_eq!(recorded, read);

    // Lists of one claim and of one customer are parts of it.
    let (customer_ref, claim) = claims[0].clone();
    let of = |claim: &String| read.iter().filter(|row| row.0 == *claim).count();
    let ask = ListContactAccessRequest { page_size: 7, claim_id: claim.clone(), ..Default::default() };
    assert_eq!(accesses(&world, ask).await.len(), of(&claim));
    let ask = ListContactAccessRequest { customer_ref: customer_ref.to_owned(), ..Default::default() };
    assert_eq!(accesses(&world, ask).await.len(), of(&claim));
}

#[tokio::test]
async fn whoever_needs_less_reads_less() {
    let world = World::start().await;
    let claim = world.submit().await.claim_id;
    let fields = vec![PersonalField::Address.into(), PersonalField::CustomerName.into()];
    let ask = GetContactRequest { fields, ..contact_request(&claim) };
    let found = world.client.clone().get_contact(ask).await.unwrap().into_inner().contact.unwrap();
    let all = contact();
    assert_eq!((found.customer_name, found.address), (all.customer_name, all.address));
    assert_eq!(found.phone + &found.email + &found.company + &found.contact_person, "");
}

#[tokio::test]
async fn a_read_says_why() {
    let world = World::start().await;
    let claim = world.submit().await.claim_id;
    let mut client = world.client.clone();
    for purpose in ["", "delivery", "UNSPECIFIED", "BECAUSE", "Ada Lovelace"] {
        let ask = GetContactRequest { purpose: purpose.to_owned(), ..contact_request(&claim) };
        let status = client.get_contact(ask).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["purpose"], "{purpose}");
        let ask = GetWordsRequest { claim_id: claim.clone(), purpose: purpose.to_owned() };
        assert_eq!(bad_fields(&world.vault().get_words(ask).await.unwrap_err()), ["purpose"], "{purpose}");
    }
    for fields in [vec![7], vec![0], vec![99], vec![4, 4], vec![1, 2, 3, 4, 5, 6, 1]] {
        let ask = GetContactRequest { fields: fields.clone(), ..contact_request(&claim) };
        let status = client.get_contact(ask).await.unwrap_err();
        assert!(!bad_fields(&status).is_empty(), "{fields:?}");
    }
    let both = ListContactAccessRequest { claim_id: claim, customer_ref: "a".to_owned(), ..Default::default() };
    assert_eq!(bad_fields(&world.vault().list_contact_access(both).await.unwrap_err()), ["customer_ref"]);
    assert_eq!(world.count("SELECT count(*) FROM contact_access").await, 0, "a refused read is none");
}

/// Another customer's claim is as absent as one that never was (S32), and nothing is recorded.
#[tokio::test]
async fn a_customer_reads_own_data_only() {
    let world = World::start().await;
    let claim = world.submit_for("one").await;
    let ask = || GetWordsRequest { claim_id: claim.clone(), purpose: "OWN_DATA".to_owned() };
    assert!(!world.vault().get_words(customer(ask(), "ada", "one")).await.unwrap().into_inner().words.is_empty());
    let status = world.vault().get_words(customer(ask(), "eve", "two")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    let status = world.client.clone().get_contact(customer(contact_request(&claim), "eve", "two")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert_eq!(world.count("SELECT count(*) FROM contact_access").await, 1);
}

/// G11: not even the owner of the database changes a record by a plain statement.
#[tokio::test]
async fn s26_records_are_append_only() {
    let world = World::start().await;
    let claim = world.submit().await.claim_id;
    world.contact_of(&claim).await.unwrap();
    for change in [
        "UPDATE contact_access SET actor = 'nobody'",
        "DELETE FROM contact_access",
        "TRUNCATE contact_access",
        "DELETE FROM customer_key",
        "TRUNCATE customer_key CASCADE",
        "UPDATE customer_key SET customer_ref = 'another'",
    ] {
        let error = sqlx::query(change).execute(world.service.pool()).await.unwrap_err();
        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code, "P0001", "{change}: {error}");
    }
    assert_eq!(world.count("SELECT count(*) FROM contact_access").await, 1);
}
