//! The database refuses what the rules forbid, even if the code were wrong.

use sqlx::AssertSqlSafe;

use crate::shop::{Shop, expect_return, job, receipt, reserve};

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let service = testkit::start(&inventory::SERVICE).await;
    service.prepare_all(&inventory::store::statements()).await;
    service.needs_all(inventory::store::GRANTS, &inventory::store::statements()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_what_the_rules_forbid() {
    let mut shop = Shop::with(5).await;
    let (held, short, back) = (job(), job(), job());
    shop.say(&held, reserve(3)).await;
    shop.say(&short, reserve(4)).await;
    shop.say(&back, expect_return(4)).await;
    shop.receive_return(receipt(&back, [1, 1, 0], false)).await.unwrap();
    let ledger = |before: i64, quantity: i64, balance: i64, number: i64| {
        format!(
            "INSERT INTO movement (sku, batch, warehouse, zone, number, before, quantity, balance, kind, document, \
             actor, moved_at) VALUES ('TILE', '', 'NORTH', 'qualified', {number}, {before}, {quantity}, {balance}, \
             'adjustment', '', 'x', now())"
        )
    };
    let forbidden = [
        "UPDATE stock SET reserved = on_hand + 1 WHERE zone = 'qualified'".to_owned(),
        "UPDATE stock SET reserved = -1 WHERE zone = 'qualified'".to_owned(),
        "UPDATE stock SET reserved = reserved - 1 WHERE zone = 'qualified'".to_owned(),
        "UPDATE stock SET on_hand = on_hand + 1".to_owned(),
        "UPDATE stock SET reserved = 1 WHERE zone = 'pending_inspection'".to_owned(),
        "UPDATE movement SET quantity = 1".to_owned(),
        "DELETE FROM movement".to_owned(),
        ledger(6, 1, 8, 3),
        ledger(5, 1, 6, 3),
        ledger(0, 1, 1, 1),
        ledger(6, -7, -1, 3),
        "UPDATE reservation SET held = held - 1 WHERE state = 'held_partly'".to_owned(),
        "UPDATE reservation SET held = 0 WHERE state = 'committed'".to_owned(),
        "UPDATE reservation SET state = 'held' WHERE state = 'held_partly'".to_owned(),
        "UPDATE reservation SET state = 'lost' WHERE state = 'committed'".to_owned(),
        "UPDATE reservation SET state = 'released', held = 0 WHERE state = 'committed'".to_owned(),
        "UPDATE reservation SET expires_at = now() WHERE state = 'committed'".to_owned(),
        "UPDATE allocation SET quantity = 0".to_owned(),
        "UPDATE goods_return SET accepted = accepted + 1".to_owned(),
        "UPDATE goods_return SET state = 'fully_received'".to_owned(),
        "UPDATE goods_return SET state = 'closed_short', missing = 1".to_owned(),
        "UPDATE return_receipt SET accepted = 0".to_owned(),
        "DELETE FROM return_receipt".to_owned(),
        "UPDATE return_waiting SET damaged = -1".to_owned(),
        "UPDATE goods_return SET unsalable = unsalable + 1".to_owned(),
        "UPDATE goods_return SET not_as_claimed = -1".to_owned(),
        "UPDATE goods_return SET other_sku = 'JAR'".to_owned(),
        "UPDATE goods_return SET reason = 'faulty', state = 'whole'".to_owned(),
        // The accepted unit is in qualified stock: it does not wait as well.
        "WITH w AS (UPDATE return_waiting SET damaged = damaged + 1) UPDATE goods_return SET version = version + 1"
            .to_owned(),
        // The goods that it holds have no batch: just that one is not to go out.
        "UPDATE reservation SET batch_rule = 'other', held = held WHERE state = 'committed'".to_owned(),
        "UPDATE reservation SET batch_rule = 'best'".to_owned(),
        "INSERT INTO delivery VALUES ('NORTH', '', gen_random_uuid(), 'x', now())".to_owned(),
        "INSERT INTO delivery VALUES ('SOUTH', 'DN-1', gen_random_uuid(), 'x', now())".to_owned(),
    ];
    for statement in forbidden {
        let result = sqlx::query(AssertSqlSafe(statement.clone())).execute(shop.service.pool()).await;
        let code = result.err().and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
        let code = code.unwrap_or_else(|| panic!("allowed: {statement}"));
        assert!(code.starts_with("23") || code == "P0001", "{code}: {statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn states_and_zones_are_the_same_words_in_code_and_database() {
    use inventory::domain::{BatchRule, MovementKind, ReservationState, ReturnReason, ReturnState, Zone};
    let shop = Shop::with(0).await;
    let words = |words: Vec<&'static str>| words.join(", ").replace(", ", "'::text, '");
    let lists = [
        ("movement", words(Zone::ALL.iter().map(|it| it.word()).collect())),
        ("movement", words(MovementKind::ALL.iter().map(|it| it.word()).collect())),
        ("reservation", words(ReservationState::ALL.iter().map(|it| it.word()).collect())),
        ("reservation", words(BatchRule::ALL.iter().map(|it| it.word()).collect())),
        ("goods_return", words(ReturnState::ALL.iter().map(|it| it.word()).collect())),
        (
            "goods_return",
            words(["unspecified"].into_iter().chain(ReturnReason::ALL.iter().map(|it| it.word())).collect()),
        ),
    ];
    for (table, list) in lists {
        let query =
            "SELECT string_agg(pg_get_constraintdef(oid), ' ') FROM pg_constraint WHERE conrelid = $1::regclass";
        let checks: String = sqlx::query_scalar(query).bind(table).fetch_one(shop.service.pool()).await.unwrap();
        assert!(checks.contains(&format!("ARRAY['{list}'::text]")), "{table}: {list} in {checks}");
    }
}
