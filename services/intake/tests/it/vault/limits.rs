//! SR16, SR18: who reads what for which purpose, how often, and what an address gets that nobody has confirmed.

use proto::claim::{Channel, Notice};
use proto::intake::{
    ConfirmReadBackRequest, Contact, ContactDirection, GetContactRequest, GetContactResponse, LogContactRequest,
    PersonalField,
};
use testkit::{actor, customer, details, reason, request_id};
use tonic::{Code, Status};

use crate::world::{World, submit_request};

/// Somebody with a role reads contact data; no field: all that they may.
async fn read(
    world: &World,
    claim: &str,
    (who, role): (&str, &str),
    purpose: &str,
    fields: &[PersonalField],
) -> Result<GetContactResponse, Status> {
    let fields = fields.iter().map(|field| (*field).into()).collect();
    let ask = GetContactRequest { claim_id: claim.to_owned(), purpose: purpose.to_owned(), fields };
    Ok(world.client.clone().get_contact(actor(ask, who, &[role])).await?.into_inner())
}

fn why(read: Result<GetContactResponse, Status>) -> (Code, String) {
    let status = read.unwrap_err();
    (status.code(), reason(&status))
}

#[tokio::test(flavor = "multi_thread")]
async fn sr16_roles_read_what_the_policy_says_and_nobody_reads_on_and_on() {
    let world = World::start().await;
    let claim = world.submit().await.claim_id;
    let denied = |name: &str| (Code::PermissionDenied, name.to_owned());
    for (role, purpose) in
        [("specialist", "LEGAL"), ("logistics", "AUDIT"), ("warehouse", "PAYMENT"), ("notifier", "DELIVERY")]
    {
        assert_eq!(why(read(&world, &claim, ("ann", role), purpose, &[]).await), denied("PURPOSE_NOT_YOURS"), "{role}");
    }
    let email = read(&world, &claim, ("lou", "logistics"), "DELIVERY", &[PersonalField::Email]).await;
    assert_eq!(why(email), denied("FIELD_NOT_YOURS"));
    // Nobody here knows of parcels: who may read only while one is under way is not let in by guesses.
    let address = read(&world, &claim, ("lou", "logistics"), "DELIVERY", &[PersonalField::Address]).await;
    assert_eq!(why(address).0, Code::Unavailable);
    assert_eq!(world.count("SELECT count(*) FROM contact_access").await, 0, "what is refused is no read");

    for _ in 0..50 {
        read(&world, &claim, ("ann", "specialist"), "HANDLING", &[PersonalField::Phone]).await.unwrap();
    }
    let refused = read(&world, &claim, ("ann", "specialist"), "HANDLING", &[]).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "READ_LIMIT"));
    assert!(details(&refused).retry_info().unwrap().retry_delay.unwrap().as_secs() > 3_000);
    assert!(world.words_of(&claim).await.is_ok(), "somebody else reads on");
    read(&world, &claim, ("ann", "specialist"), "HANDLING", &[]).await.unwrap_err();
    let events = world.service.events().await;
    let told = events.iter().filter(|(subject, _)| subject.to_string() == "notice.auditor.reads_limited");
    let told: Vec<Notice> = told.map(|(_, payload)| serde_json::from_slice(payload).unwrap()).collect();
    assert_eq!(told.len(), 1, "once in an hour: {told:?}");
    assert_eq!((told[0].parameters["reader"].as_str(), told[0].parameters["limit"].as_str()), ("ann", "50"));
    assert!(!told[0].notice_id.is_empty() && told[0].claim_id.is_empty());
    world.service.clock.advance(jiff::SignedDuration::from_mins(61));
    read(&world, &claim, ("ann", "specialist"), "HANDLING", &[]).await.unwrap();
    // A system reads more often.
    for _ in 0..60 {
        read(&world, &claim, ("post", "notifier"), "NOTICE", &[PersonalField::Phone]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sr18_an_address_that_nobody_confirmed_gets_one_notice() {
    let world = World::start().await;
    let own = async || {
        let mut request = submit_request();
        (request.importance, request.customer_ref) = (0, "C-9".to_owned());
        let answer = world.client.clone().submit_claim(customer(request, "carla", "C-9")).await;
        answer.unwrap().into_inner().claim.unwrap()
    };
    let notifier = ("post", "notifier");
    let claim = own().await;
    let first = read(&world, &claim.claim_id, notifier, "NOTICE", &[]).await.unwrap();
    assert!(!first.contact.unwrap().email.is_empty() && first.withheld.is_empty());
    let second = read(&world, &claim.claim_id, notifier, "NOTICE", &[]).await.unwrap();
    let Contact { email, phone, .. } = second.contact.unwrap();
    assert!(email.is_empty() && !phone.is_empty());
    assert_eq!(second.withheld, [PersonalField::Email as i32]);
    let named = read(&world, &claim.claim_id, notifier, "NOTICE", &[PersonalField::Email]).await;
    assert_eq!(why(named), (Code::FailedPrecondition, "EMAIL_NOT_CONFIRMED".to_owned()));
    // The customer confirms the main points: that says nothing about the address.
    let confirm = |claim: &str| ConfirmReadBackRequest {
        request_id: request_id(),
        claim_id: claim.to_owned(),
        ..ConfirmReadBackRequest::default()
    };
    let client = || world.client.clone();
    client().confirm_read_back(customer(confirm(&claim.claim_id), "carla", "C-9")).await.unwrap();
    assert_eq!(read(&world, &claim.claim_id, notifier, "NOTICE", &[]).await.unwrap().withheld.len(), 1);
    // A mail from there does.
    let log = LogContactRequest {
        request_id: request_id(),
        claim_id: claim.claim_id.clone(),
        channel: Channel::Email.into(),
        direction: ContactDirection::Inbound.into(),
        ..LogContactRequest::default()
    };
    client().log_contact(actor(log, "anna", &["specialist"])).await.unwrap();
    assert!(read(&world, &claim.claim_id, notifier, "NOTICE", &[PersonalField::Email]).await.is_ok());
    // And so does staff who repeats the main points, or who reported it.
    let claim = own().await.claim_id;
    client().confirm_read_back(actor(confirm(&claim), "anna", &["specialist"])).await.unwrap();
    for claim in [claim, world.submit().await.claim_id] {
        for _ in 0..3 {
            assert!(read(&world, &claim, notifier, "NOTICE", &[PersonalField::Email]).await.is_ok());
        }
    }
}
