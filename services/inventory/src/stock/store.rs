//! Articles, warehouses, deliveries, stock and its ledger in the database.

use chassis::row::{self, word};
use chassis::{Fault, Lock, Meta, Page, Tx, Writes};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::domain::{Command, Delivery, Event, MovementKind, Place, Stock, Warehouse};
use crate::store::{PlaceColumns, Wanted, instant, place};
use crate::world::{Changed, Loaded, Movement, World};

pub const READ: &str = "SELECT sku, version FROM sku WHERE sku = ANY($1) ORDER BY sku";

pub const LOCK: &str = "SELECT sku, version FROM sku WHERE sku = ANY($1) ORDER BY sku FOR NO KEY UPDATE";

pub const WAREHOUSES_KNOWN: &str = "SELECT warehouse, custodian FROM warehouse WHERE warehouse = ANY($1)";

pub const DELIVERIES_KNOWN: &str = "\
    SELECT warehouse, document, contents FROM delivery \
    JOIN UNNEST($1::text[], $2::text[]) AS d(warehouse, document) USING (warehouse, document)";

pub const STOCK_OF: &str = "\
    SELECT sku, batch, warehouse, zone, on_hand, reserved, moves FROM stock WHERE sku = ANY($1)";

/// A description is replaced only if one was given.
pub const SKUS: &str = "\
    INSERT INTO sku (sku, description) \
    SELECT sku, coalesce(description, '') FROM UNNEST($1::text[], $2::text[]) AS s(sku, description) ORDER BY sku \
    ON CONFLICT (sku) DO UPDATE SET description = EXCLUDED.description WHERE EXCLUDED.sku = ANY($3)";

/// One that is there already was not known: what was decided without it is void.
pub const SKUS_NEW: &str = "\
    INSERT INTO sku (sku, description) \
    SELECT sku, coalesce(description, '') FROM UNNEST($1::text[], $2::text[]) AS s(sku, description) ORDER BY sku";

pub const VERSIONS: &str = "\
    UPDATE sku SET version = v.version + 1 FROM UNNEST($1::text[], $2::bigint[]) AS v(sku, version) \
    WHERE sku.sku = v.sku AND sku.version = v.version";

pub const UNCHANGED: &str =
    "SELECT 1 FROM sku JOIN UNNEST($1::text[], $2::bigint[]) AS v(sku, version) USING (sku, version)";

pub const WAREHOUSES: &str = "\
    INSERT INTO warehouse (warehouse, country, custodian) \
    SELECT warehouse, country, custodian FROM UNNEST($1::text[], $2::text[], $3::text[]) \
        AS w(warehouse, country, custodian) ORDER BY warehouse \
    ON CONFLICT (warehouse) DO UPDATE SET country = EXCLUDED.country, custodian = EXCLUDED.custodian";

pub const MOVEMENTS: &str = "\
    INSERT INTO movement \
        (sku, batch, warehouse, zone, number, before, quantity, balance, kind, document, actor, moved_at) \
    SELECT sku, batch, warehouse, zone, number, before, quantity, before + quantity, kind, document, actor, moved_at \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], \
        $9::text[], $10::text[], $11::timestamptz[]) WITH ORDINALITY \
        AS m(sku, batch, warehouse, zone, number, before, quantity, kind, document, actor, moved_at, place) \
    ORDER BY place";

/// One that is there already was not known: what was decided without it is void.
pub const DELIVERIES: &str = "\
    INSERT INTO delivery (warehouse, document, contents, actor, booked_at) \
    SELECT warehouse, document, contents, actor, booked_at \
    FROM UNNEST($1::text[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[]) \
        AS d(warehouse, document, contents, actor, booked_at) ORDER BY warehouse, document";

pub const STOCK_NEW: &str = "\
    INSERT INTO stock (sku, batch, warehouse, zone, on_hand, reserved, moves) \
    SELECT sku, batch, warehouse, zone, on_hand, reserved, moves \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[]) \
        AS n(sku, batch, warehouse, zone, on_hand, reserved, moves)";

pub const STOCK_CHANGED: &str = "\
    UPDATE stock s SET on_hand = n.on_hand, reserved = n.reserved, moves = n.moves \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], \
        $8::bigint[], $9::bigint[]) \
        AS n(sku, batch, warehouse, zone, on_hand, reserved, moves, was_reserved, was_moves) \
    WHERE s.sku = n.sku AND s.batch = n.batch AND s.warehouse = n.warehouse AND s.zone = n.zone \
        AND s.reserved = n.was_reserved AND s.moves = n.was_moves";

pub const SKU_KNOWN: &str = "SELECT EXISTS (SELECT FROM sku WHERE sku = $1)";

pub const STOCK_LISTED: &str = "\
    SELECT sku, batch, warehouse, zone, on_hand, reserved, moves FROM stock \
    WHERE sku = $1 AND ($2 = '' OR batch = $2) ORDER BY batch, warehouse, zone";

pub const BACK_ORDERED: &str = "\
    SELECT coalesce(sum(wanted - held), 0)::bigint FROM reservation \
    WHERE sku = $1 AND state = 'held_partly' AND ($2 = '' OR CASE batch_rule \
        WHEN 'same' THEN lower(btrim(batch)) = lower(btrim($2)) \
        WHEN 'other' THEN lower(btrim(batch)) <> lower(btrim($2)) \
        ELSE true END)";

pub const MOVEMENTS_LISTED: &str = "\
    SELECT movement_id, kind, sku, batch, warehouse, zone, quantity, document, actor, moved_at FROM movement \
    WHERE sku = $1 AND movement_id < $2 ORDER BY movement_id DESC LIMIT $3";

/// Every statement of this file, for the test that prepares them all.
pub const STATEMENTS: &[&str] = &[
    READ,
    LOCK,
    WAREHOUSES_KNOWN,
    DELIVERIES_KNOWN,
    STOCK_OF,
    SKUS,
    SKUS_NEW,
    VERSIONS,
    UNCHANGED,
    WAREHOUSES,
    MOVEMENTS,
    DELIVERIES,
    STOCK_NEW,
    STOCK_CHANGED,
    SKU_KNOWN,
    STOCK_LISTED,
    BACK_ORDERED,
    MOVEMENTS_LISTED,
];

/// What a command needs to be known.
pub fn want(wanted: &mut Wanted, command: &Command) {
    match command {
        Command::RegisterSkus(skus) => wanted.skus.extend(skus.iter().map(|sku| sku.sku.clone())),
        Command::RegisterWarehouse(_) => {}
        Command::ReceiveGoods { warehouse, document, lines, .. } => {
            wanted.warehouses.insert(warehouse.clone());
            if !document.is_empty() {
                wanted.deliveries.insert((warehouse.clone(), document.clone()));
            }
            wanted.freed.extend(lines.iter().map(|line| line.sku.clone()));
        }
        Command::AdjustStock { place, .. } | Command::MoveStock { from: place, .. } => {
            wanted.warehouses.insert(place.warehouse.clone());
            wanted.freed.insert(place.sku.clone());
        }
    }
}

/// Articles with their versions, or their locks, in order; warehouses, deliveries, and where the articles are.
pub async fn load(tx: &mut Tx, lock: Lock, world: &mut World, wanted: &Wanted) -> Result<(), Fault> {
    let names: Vec<&String> = wanted.skus.union(&wanted.freed).collect();
    if !names.is_empty() {
        let query = sqlx::query_as(lock.pick(LOCK, READ)).bind(names);
        let skus: Vec<(String, i64)> = query.fetch_all(&mut *tx).await?;
        world.state.skus = skus.iter().map(|(sku, _)| sku.clone()).collect();
        world.loaded.skus = skus.into_iter().collect();
    }
    if !wanted.warehouses.is_empty() {
        let codes: Vec<&String> = wanted.warehouses.iter().collect();
        let known: Vec<(String, String)> = sqlx::query_as(WAREHOUSES_KNOWN).bind(codes).fetch_all(&mut *tx).await?;
        world.state.warehouses = known.into_iter().collect();
    }
    if !wanted.deliveries.is_empty() {
        let (warehouses, documents): (Vec<&String>, Vec<&String>) =
            wanted.deliveries.iter().map(|(warehouse, document)| (warehouse, document)).unzip();
        let query = sqlx::query_as(DELIVERIES_KNOWN).bind(warehouses).bind(documents);
        let known: Vec<(String, String, Uuid)> = query.fetch_all(&mut *tx).await?;
        let known = known.into_iter().map(|(warehouse, document, contents)| ((warehouse, document), contents));
        world.state.deliveries = known.collect();
    }
    stock(tx, world).await
}

async fn stock(tx: &mut Tx, world: &mut World) -> Result<(), Fault> {
    if world.state.skus.is_empty() {
        return Ok(());
    }
    let locked: Vec<&String> = world.state.skus.iter().collect();
    for row in sqlx::query(STOCK_OF).bind(locked).fetch_all(tx).await? {
        let stock = Stock {
            on_hand: row.try_get("on_hand")?,
            reserved: row.try_get("reserved")?,
            moves: row.try_get("moves")?,
        };
        world.state.stock.insert(place(&row)?, stock);
    }
    world.loaded.stock = world.state.stock.clone();
    Ok(())
}

/// Writes what has changed of articles, warehouses, deliveries and the ledger.
pub fn save(writes: &mut Writes, world: &World) {
    let World { state, loaded, changed } = world;
    versions(writes, loaded, changed);
    if changed.skus.keys().any(|sku| loaded.skus.contains_key(sku)) {
        writes.then();
    }
    registered(writes, loaded, changed);
    deliveries(writes, &changed.deliveries);
    movements(writes, &changed.movements);

    let differs = |(place, stock): &(&Place, &Stock)| loaded.stock.get(*place) != Some(*stock);
    stock_changed(writes, loaded, state.stock.iter().filter(differs));
}

/// What rested on a SKU as it was is void, if anything changes.
fn versions(writes: &mut Writes, loaded: &Loaded, changed: &Changed) {
    let (skus, versions): (Vec<&String>, Vec<i64>) = loaded.skus.iter().map(|(sku, at)| (sku, *at)).unzip();
    if skus.is_empty() {
        return;
    }
    let rows = skus.len();
    let part = if changed.is_empty() { writes.finds(rows, UNCHANGED) } else { writes.exactly(rows, VERSIONS) };
    part.bind(skus).bind(versions);
}

fn registered(writes: &mut Writes, loaded: &Loaded, changed: &Changed) {
    type Columns<'a> = (Vec<&'a String>, Vec<Option<&'a String>>);
    let skus = changed.skus.iter().map(|(sku, description)| (sku, description.as_ref()));
    let (known, new): (Vec<_>, Vec<_>) = skus.partition(|(sku, _)| loaded.skus.contains_key(*sku));
    if !new.is_empty() {
        let (skus, descriptions): Columns = new.into_iter().unzip();
        writes.exactly(skus.len(), SKUS_NEW).bind(skus).bind(descriptions);
    }
    if !known.is_empty() {
        let described: Vec<&String> = known.iter().filter(|(_, text)| text.is_some()).map(|(sku, _)| *sku).collect();
        let (skus, descriptions): Columns = known.into_iter().unzip();
        writes.add(SKUS).bind(skus).bind(descriptions).bind(described);
    }
    if !changed.warehouses.is_empty() {
        let column = |pick: fn(&Warehouse) -> &str| -> Vec<&str> { changed.warehouses.values().map(pick).collect() };
        writes.add(WAREHOUSES).bind(column(|it| &it.warehouse)).bind(column(|it| &it.country));
        writes.bind(column(|it| &it.custodian));
    }
}

fn deliveries(writes: &mut Writes, deliveries: &[(Delivery, String, Timestamp)]) {
    if deliveries.is_empty() {
        return;
    }
    let column =
        |pick: fn(&Delivery) -> &str| -> Vec<&str> { deliveries.iter().map(|(delivery, ..)| pick(delivery)).collect() };
    writes.exactly(deliveries.len(), DELIVERIES).bind(column(|it| &it.warehouse)).bind(column(|it| &it.document));
    writes.bind(deliveries.iter().map(|(delivery, ..)| delivery.contents).collect::<Vec<_>>());
    writes.bind(deliveries.iter().map(|(_, actor, _)| actor.as_str()).collect::<Vec<_>>());
    writes.bind(deliveries.iter().map(|(.., at)| instant(*at)).collect::<Vec<_>>());
}

fn movements(writes: &mut Writes, movements: &[Movement]) {
    if movements.is_empty() {
        return;
    }
    let rows = movements.len();
    let mut places = PlaceColumns::default();
    let (mut numbers, mut befores, mut quantities) = (Vec::new(), Vec::new(), Vec::new());
    let (mut kinds, mut documents, mut actors, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for movement in movements {
        places.push(&movement.place);
        numbers.push(movement.number);
        befores.push(movement.before);
        quantities.push(movement.quantity);
        kinds.push(movement.kind.word());
        documents.push(movement.document.as_str());
        actors.push(movement.actor.as_str());
        times.push(instant(movement.at));
    }
    writes.exactly(rows, MOVEMENTS).bind(places.sku).bind(places.batch).bind(places.warehouse).bind(places.zone);
    writes.bind(numbers).bind(befores).bind(quantities).bind(kinds).bind(documents).bind(actors).bind(times);
}

#[derive(Default)]
struct StockColumns {
    places: PlaceColumns,
    on_hand: Vec<i64>,
    reserved: Vec<i64>,
    moves: Vec<i64>,
    was_reserved: Vec<i64>,
    was_moves: Vec<i64>,
}

fn stock_changed<'a>(writes: &mut Writes, loaded: &Loaded, places: impl Iterator<Item = (&'a Place, &'a Stock)>) {
    let (mut new, mut changed) = (StockColumns::default(), StockColumns::default());
    for (place, stock) in places {
        let was = loaded.stock.get(place);
        let columns = if was.is_some() { &mut changed } else { &mut new };
        columns.places.push(place);
        columns.on_hand.push(stock.on_hand);
        columns.reserved.push(stock.reserved);
        columns.moves.push(stock.moves);
        columns.was_reserved.push(was.map_or(0, |was| was.reserved));
        columns.was_moves.push(was.map_or(0, |was| was.moves));
    }
    for (statement, columns, is_new) in [(STOCK_NEW, new, true), (STOCK_CHANGED, changed, false)] {
        let rows = columns.on_hand.len();
        if rows == 0 {
            continue;
        }
        let PlaceColumns { sku, batch, warehouse, zone } = columns.places;
        writes.exactly(rows, statement).bind(sku).bind(batch).bind(warehouse).bind(zone);
        writes.bind(columns.on_hand).bind(columns.reserved).bind(columns.moves);
        if !is_new {
            writes.bind(columns.was_reserved).bind(columns.was_moves);
        }
    }
}

/// Notes what an event has changed.
pub fn record(world: &mut World, meta: &Meta, event: &Event) {
    let World { loaded, changed, .. } = world;
    match event {
        Event::SkuRegistered { sku, description } => {
            let known = changed.skus.entry(sku.clone()).or_default();
            *known = description.clone().or_else(|| known.take());
        }
        Event::WarehouseRegistered(warehouse) => {
            changed.warehouses.insert(warehouse.warehouse.clone(), warehouse.clone());
        }
        Event::DeliveryBooked(delivery) => {
            changed.deliveries.push((delivery.clone(), meta.actor.subject.clone(), meta.now));
        }
        Event::Moved { place, kind, quantity, document } => {
            let start = || loaded.stock.get(place).map_or((0, 0), |stock| (stock.moves, stock.on_hand));
            let (number, before) = *changed.ledger.entry(place.clone()).or_insert_with(start);
            changed.ledger.insert(place.clone(), (number + 1, before + quantity));
            changed.movements.push(Movement {
                place: place.clone(),
                number: number + 1,
                before,
                quantity: *quantity,
                kind: *kind,
                document: document.clone(),
                actor: meta.actor.subject.clone(),
                at: meta.now,
            });
        }
    }
}

/// What is available of a SKU.
pub struct Availability {
    /// Where it is.
    pub stock: Vec<(Place, Stock)>,
    /// Units that reservations wait for.
    pub back_ordered: i64,
}

/// An entry of the ledger.
pub struct StoredMovement {
    /// Number of the entry.
    pub movement_id: i64,
    pub kind: MovementKind,
    /// Where.
    pub place: Place,
    /// Units.
    pub quantity: i64,
    /// Claim, delivery note or reason.
    pub document: String,
    /// Who.
    pub actor: String,
    /// When.
    pub moved_at: Timestamp,
}

/// What is available of a SKU; none: it is not registered.
pub async fn availability(pool: &PgPool, sku: &str, batch: &str) -> Result<Option<Availability>, Fault> {
    if !sqlx::query_scalar::<_, bool>(SKU_KNOWN).bind(sku).fetch_one(pool).await? {
        return Ok(None);
    }
    let mut stock = Vec::new();
    for row in sqlx::query(STOCK_LISTED).bind(sku).bind(batch).fetch_all(pool).await? {
        let (on_hand, reserved, moves) = (row.try_get("on_hand")?, row.try_get("reserved")?, row.try_get("moves")?);
        stock.push((place(&row)?, Stock { on_hand, reserved, moves }));
    }
    let back_ordered = sqlx::query_scalar(BACK_ORDERED).bind(sku).bind(batch).fetch_one(pool).await?;
    Ok(Some(Availability { stock, back_ordered }))
}

/// Movements of a SKU, newest first, from before an entry.
pub async fn movements_of(pool: &PgPool, sku: &str, before: i64, page: &Page) -> Result<Vec<StoredMovement>, Fault> {
    let rows = sqlx::query(MOVEMENTS_LISTED).bind(sku).bind(before).bind(page.limit).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        Ok(StoredMovement {
            movement_id: row.try_get("movement_id")?,
            kind: word(row, "kind")?,
            place: place(row)?,
            quantity: row.try_get("quantity")?,
            document: row.try_get("document")?,
            actor: row.try_get("actor")?,
            moved_at: row::time(row, "moved_at")?,
        })
    };
    rows.iter().map(read).collect()
}
