//! S12: what a customer writes is text, and stays it: it is kept as it was written, or the field is named.

use proto::intake::vault_service_client::VaultServiceClient;
use proto::intake::{GetContactRequest, GetWordsRequest};
use testkit::{actor, bad_fields, reason};
use tonic::Code;

use crate::world::{World, submit_request};

/// What has meaning somewhere: for databases, brokers, file systems, templates, tables, browsers, terminals, people.
const TEXTS: &[&str] = &[
    "'; DROP TABLE claim; --",
    "\\'; SELECT pg_sleep(10); --",
    "100%_[a]*",
    "redress.event.>",
    "a.*.b > c",
    "MUG\r\nPUB redress.v1.event 0\r\n",
    "../../../../etc/passwd",
    "C:\\..\\NUL",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "${jndi:ldap://example.org/a}",
    "=cmd|' /C calc'!A0",
    "+1-1@SUM(A1)",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{202e}gnp.exe",
    "a\0b",
    "\u{1F4A5}\u{10FFFF}",
    "e\u{301}\u{200d}\u{feff}",
];

/// Fields that hold prose of a customer.
const FIELDS: [&str; 6] = [
    "lines[0].description",
    "contact.customer_name",
    "contact.contact_person",
    "contact.company",
    "contact.address",
    "evidence[0].name",
];

#[tokio::test(flavor = "multi_thread")]
async fn s12_what_customers_write_is_kept_as_it_is_or_named() {
    let world = World::start().await;
    let (mut kept, mut refused) = (0, 0);
    for text in TEXTS {
        for field in FIELDS {
            let mut request = submit_request();
            let contact = request.contact.as_mut().unwrap();
            let place = match field {
                "lines[0].description" => &mut request.lines[0].description,
                "contact.customer_name" => &mut contact.customer_name,
                "contact.contact_person" => &mut contact.contact_person,
                "contact.company" => &mut contact.company,
                "contact.address" => &mut contact.address,
                _ => &mut request.evidence[0].name,
            };
            *place = (*text).to_owned();
            match world.client.clone().submit_claim(actor(request, "anna", &["specialist"])).await {
                Err(status) => {
                    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED"));
                    assert_eq!(bad_fields(&status), [field], "{text:?}");
                    refused += 1;
                }
                Ok(answer) => {
                    let claim = answer.into_inner().claim.unwrap().claim_id;
                    assert_eq!(read(&world, &claim, field).await, *text, "{field}");
                    kept += 1;
                }
            }
        }
    }
    println!("{kept} kept as they were, {refused} refused by name");
    assert!(kept > refused && refused > 0, "{kept} {refused}");
    // Nothing of it is an address: a subject is made of names of ours.
    for (subject, _) in world.service.events().await {
        let subject = subject.to_string();
        let ours = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
        assert!(subject.bytes().all(ours), "{subject}");
    }
}

async fn read(world: &World, claim: &str, field: &str) -> String {
    if field.starts_with("contact.") {
        let request = GetContactRequest {
            claim_id: claim.to_owned(),
            purpose: "NOTICE".to_owned(),
            ..GetContactRequest::default()
        };
        let request = actor(request, "post", &["notifier"]);
        let contact = world.client.clone().get_contact(request).await.unwrap().into_inner().contact.unwrap();
        return match field {
            "contact.customer_name" => contact.customer_name,
            "contact.contact_person" => contact.contact_person,
            "contact.company" => contact.company,
            _ => contact.address,
        };
    }
    let about = if field == "evidence[0].name" { "evidence 1" } else { "line 1" };
    // One person reads so much only so often.
    let ask = GetWordsRequest { claim_id: claim.to_owned(), purpose: "ASSESSMENT".to_owned() };
    let ask = actor(ask, claim, &["specialist"]);
    let words = VaultServiceClient::new(world.service.channel()).get_words(ask).await.unwrap().into_inner().words;
    words.into_iter().find(|word| word.about == about).unwrap().text
}
