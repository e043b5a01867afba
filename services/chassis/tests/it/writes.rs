//! What a batch writes goes to the database at once, and only whole.

use chassis::{Fault, Writes};

use crate::toy;

const MAKE: &str = "INSERT INTO pile SELECT * FROM UNNEST($1::text[], $2::bigint[])";
const GROW: &str = "UPDATE pile SET size = size + $2 WHERE name = ANY ($1)";

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn parts_are_written_together_and_each_with_its_own_arguments() {
    let service = testkit::start(&toy::SERVICE).await;
    let mut connection = service.pool().acquire().await.unwrap();
    let mut writes = Writes::default();
    writes.exactly(2, MAKE).bind(names(&["a", "b"])).bind(vec![1_i64, 2]);
    writes.then();
    writes.finds(2, "SELECT FROM pile");
    writes.exactly(1, GROW).bind(names(&["a"])).bind(10_i64);
    writes.add("DELETE FROM pile WHERE name = $1").bind("nobody");
    writes.exactly(1, MAKE).bind(names(&["c"])).bind(vec![3_i64]);
    writes.exactly(1, GROW).bind(names(&["b"])).bind(20_i64);
    writes.send(&mut connection).await.unwrap();
    Writes::default().send(&mut connection).await.unwrap();
    let piles = sqlx::query_as("SELECT name, size FROM pile ORDER BY name").fetch_all(service.pool()).await;
    let piles: Vec<(String, i64)> = piles.unwrap();
    assert_eq!(piles, [("a".to_owned(), 11), ("b".to_owned(), 22), ("c".to_owned(), 3)]);
}

/// A row that is gone, or there already, says that somebody else was faster: the batch is tried again.
#[tokio::test]
async fn fewer_rows_than_were_decided_on_are_a_race() {
    let service = testkit::start(&toy::SERVICE).await;
    let mut connection = service.pool().acquire().await.unwrap();
    let mut first = Writes::default();
    first.exactly(1, MAKE).bind(names(&["a"])).bind(vec![1_i64]);
    first.send(&mut connection).await.unwrap();
    let mut gone = Writes::default();
    gone.exactly(2, GROW).bind(names(&["a", "gone"])).bind(1_i64);
    let gone = gone.send(&mut connection).await;
    assert!(matches!(&gone, Err(Fault::Transient(why)) if why.contains("[1] of [2]")), "{gone:?}");
    let mut there = Writes::default();
    there.exactly(2, MAKE).bind(names(&["b", "a"])).bind(vec![2_i64, 3]);
    let there = there.send(&mut connection).await;
    assert!(matches!(&there, Err(Fault::Transient(why)) if why.contains("pile_pkey")), "{there:?}");
    let mut found = Writes::default();
    found.finds(0, "SELECT FROM pile WHERE name = $1").bind("a");
    let found = found.send(&mut connection).await;
    assert!(matches!(&found, Err(Fault::Transient(why)) if why.contains("[1] of [0]")), "{found:?}");
    let mut mistake = Writes::default();
    mistake.add(MAKE).bind(names(&["a"])).bind(vec![1_i64]);
    let mistake = mistake.send(&mut connection).await;
    assert!(matches!(mistake, Err(Fault::Permanent(_))), "{mistake:?}");
}
