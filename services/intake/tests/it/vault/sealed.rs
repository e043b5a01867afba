//! S24: what is in the database cannot be read, moved or altered.

use proto::intake::{AnswerQuestionRequest, SubmitClaimRequest, WithdrawClaimRequest};
use sqlx::AssertSqlSafe;
use testkit::{reason, request_id};
use tonic::Code;

use crate::world::{World, ask, contact, submit_request};

#[tokio::test]
async fn what_the_customer_wrote_is_read_back() {
    let world = World::start().await;
    let claim = world.submit().await.claim_id;
    world.tell(&claim, ask("q1")).await;
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.clone(),
        question_id: "q1".to_owned(),
        order_no: String::new(),
        text: "It is on Ada's bill".to_owned(),
        address: String::new(),
    };
    world.client.clone().answer_question(answer).await.unwrap();
    let text = "Ada bought another one".to_owned();
    let withdraw = WithdrawClaimRequest { request_id: request_id(), claim_id: claim.clone(), text };
    world.client.clone().withdraw_claim(withdraw).await.unwrap();
    let words = world.words_of(&claim).await.unwrap();
    let words: Vec<(&str, &str, bool)> =
        words.iter().map(|word| (word.about.as_str(), word.text.as_str(), word.said_at.is_some())).collect();
    let expected = [
        ("line 1", "Ada says the cup is green.\nIt was ordered in white.", false),
        ("evidence 1", "cup-of-ada.jpg", false),
        ("evidence 2", "cup-of-ada.jpg", false),
        ("question q1", "It is on Ada's bill", true),
        ("withdrawal", "Ada bought another one", true),
    ];
    assert_eq!(words, expected);
    assert_eq!(world.contact_of(&claim).await.unwrap(), contact());
}

/// Two customers with the same contact data: nothing in their rows looks the same, and nothing opens elsewhere.
#[tokio::test]
async fn s24_a_ciphertext_that_is_moved_or_altered_is_not_opened() {
    let world = World::start().await;
    let request = |customer: &str| SubmitClaimRequest { customer_ref: customer.to_owned(), ..submit_request() };
    let mut ids = Vec::new();
    for customer in ["one", "one", "two"] {
        let reply = world.client.clone().submit_claim(request(customer)).await.unwrap().into_inner();
        ids.push(reply.claim.unwrap().claim_id);
    }
    let seen =
        "SELECT count(DISTINCT email), count(DISTINCT substr(email, 2, 24)), count(DISTINCT key_id) FROM contact";
    let seen: (i64, i64, i64) = sqlx::query_as(seen).fetch_one(world.service.pool()).await.unwrap();
    assert_eq!(seen, (3, 3, 2), "ciphertexts, nonces, keys");

    let first = ids[0].as_str();
    for (what, change) in [
        (
            "of another claim of the customer",
            format!("email = (SELECT email FROM contact WHERE claim_id = '{}')", ids[1]),
        ),
        ("of another customer", format!("email = (SELECT email FROM contact WHERE claim_id = '{}')", ids[2])),
        ("of another field", "email = company".to_owned()),
        ("with an altered byte", "email = set_byte(email, 30, get_byte(email, 30) # 1)".to_owned()),
        ("of another version", "email = set_byte(email, 0, 2)".to_owned()),
        (
            "with the key of another customer",
            format!("key_id = (SELECT key_id FROM contact WHERE claim_id = '{}')", ids[2]),
        ),
        (
            "with a whole row of another claim",
            format!(
                "(customer_name, contact_person, company, phone, email, address) = \
             (SELECT customer_name, contact_person, company, phone, email, address FROM contact WHERE claim_id = '{}')",
                ids[1]
            ),
        ),
    ] {
        sqlx::query("CREATE TABLE kept AS SELECT * FROM contact").execute(world.service.pool()).await.unwrap();
        let change = format!("UPDATE contact SET {change} WHERE claim_id = '{first}'");
        sqlx::query(AssertSqlSafe(change)).execute(world.service.pool()).await.unwrap();
        let status = world.contact_of(first).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "INTERNAL"), "{what}");
        let undo = "UPDATE contact SET (key_id, customer_name, contact_person, company, phone, email, address) = \
             (SELECT key_id, customer_name, contact_person, company, phone, email, address FROM kept k \
             WHERE k.claim_id = contact.claim_id)";
        sqlx::query(undo).execute(world.service.pool()).await.unwrap();
        sqlx::query("DROP TABLE kept").execute(world.service.pool()).await.unwrap();
        assert_eq!(world.contact_of(first).await.unwrap(), contact());
    }
    // Words and names of files, too.
    for (table, column) in [("claim_line", "description"), ("evidence", "name")] {
        let number = if table == "evidence" { "evidence_no" } else { "line" };
        let swap = format!(
            "UPDATE {table} t SET {column} = (SELECT {column} FROM {table} o WHERE o.claim_id = t.claim_id \
             AND o.{number} = 3 - t.{number}) WHERE claim_id = '{first}'"
        );
        sqlx::query(AssertSqlSafe(swap.clone())).execute(world.service.pool()).await.unwrap();
        assert_eq!(world.words_of(first).await.unwrap_err().code(), Code::DataLoss, "{table}");
        sqlx::query(AssertSqlSafe(swap)).execute(world.service.pool()).await.unwrap();
        world.words_of(first).await.unwrap();
    }
}

/// An objection to one claim must not be shown as an answer to another, nor to another question.
#[tokio::test]
async fn s24_words_stay_with_their_claim_and_with_what_they_answer() {
    let world = World::start().await;
    let (said, other) = (world.submit().await.claim_id, world.submit().await.claim_id);
    let text = "Ada is against it".to_owned();
    let withdraw = WithdrawClaimRequest { request_id: request_id(), claim_id: said.clone(), text };
    world.client.clone().withdraw_claim(withdraw).await.unwrap();
    assert!(world.words_of(&said).await.unwrap().iter().any(|word| word.about == "withdrawal"));
    for (change, undo, read) in [
        ("about = 'plan 2'".to_owned(), "about = 'withdrawal'".to_owned(), &said),
        (format!("claim_id = '{other}'"), format!("claim_id = '{said}'"), &other),
    ] {
        let update = |set: String| AssertSqlSafe(format!("UPDATE customer_word SET {set}"));
        sqlx::query(update(change)).execute(world.service.pool()).await.unwrap();
        assert_eq!(world.words_of(read).await.unwrap_err().code(), Code::DataLoss);
        sqlx::query(update(undo)).execute(world.service.pool()).await.unwrap();
        world.words_of(read).await.unwrap();
    }
}
