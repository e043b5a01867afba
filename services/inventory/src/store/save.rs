//! Writes what a batch has changed.
//!
//! New rows are inserted and known rows are updated only as they were loaded. Whoever finds a row that another writer
//! made or changed meanwhile is rolled back and tried again.

pub(super) mod reservations;
pub(super) mod returns;

use chassis::Writes;
use jiff::Timestamp;

use super::{PlaceColumns, instant};
use crate::domain::{Delivery, Place, Stock};
use crate::world::{Changed, Loaded, Movement, World};

/// A description is replaced only if one was given.
pub(super) const SKUS: &str = "\
    INSERT INTO sku (sku, description) \
    SELECT sku, coalesce(description, '') FROM UNNEST($1::text[], $2::text[]) AS s(sku, description) ORDER BY sku \
    ON CONFLICT (sku) DO UPDATE SET description = EXCLUDED.description WHERE EXCLUDED.sku = ANY($3)";

/// One that is there already was not known: what was decided without it is void.
pub(super) const SKUS_NEW: &str = "\
    INSERT INTO sku (sku, description) \
    SELECT sku, coalesce(description, '') FROM UNNEST($1::text[], $2::text[]) AS s(sku, description) ORDER BY sku";

pub(super) const VERSIONS: &str = "\
    UPDATE sku SET version = v.version + 1 FROM UNNEST($1::text[], $2::bigint[]) AS v(sku, version) \
    WHERE sku.sku = v.sku AND sku.version = v.version";

pub(super) const UNCHANGED: &str =
    "SELECT 1 FROM sku JOIN UNNEST($1::text[], $2::bigint[]) AS v(sku, version) USING (sku, version)";

pub(super) const WAREHOUSES: &str = "\
    INSERT INTO warehouse (warehouse, country, custodian) \
    SELECT warehouse, country, custodian FROM UNNEST($1::text[], $2::text[], $3::text[]) \
        AS w(warehouse, country, custodian) ORDER BY warehouse \
    ON CONFLICT (warehouse) DO UPDATE SET country = EXCLUDED.country, custodian = EXCLUDED.custodian";

pub(super) const MOVEMENTS: &str = "\
    INSERT INTO movement \
        (sku, batch, warehouse, zone, number, before, quantity, balance, kind, document, actor, moved_at) \
    SELECT sku, batch, warehouse, zone, number, before, quantity, before + quantity, kind, document, actor, moved_at \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], \
        $9::text[], $10::text[], $11::timestamptz[]) WITH ORDINALITY \
        AS m(sku, batch, warehouse, zone, number, before, quantity, kind, document, actor, moved_at, place) \
    ORDER BY place";

/// One that is there already was not known: what was decided without it is void.
pub(super) const DELIVERIES: &str = "\
    INSERT INTO delivery (warehouse, document, contents, actor, booked_at) \
    SELECT warehouse, document, contents, actor, booked_at \
    FROM UNNEST($1::text[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[]) \
        AS d(warehouse, document, contents, actor, booked_at) ORDER BY warehouse, document";

pub(super) const STOCK_NEW: &str = "\
    INSERT INTO stock (sku, batch, warehouse, zone, on_hand, reserved, moves) \
    SELECT sku, batch, warehouse, zone, on_hand, reserved, moves \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[]) \
        AS n(sku, batch, warehouse, zone, on_hand, reserved, moves)";

pub(super) const STOCK_CHANGED: &str = "\
    UPDATE stock s SET on_hand = n.on_hand, reserved = n.reserved, moves = n.moves \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], \
        $8::bigint[], $9::bigint[]) \
        AS n(sku, batch, warehouse, zone, on_hand, reserved, moves, was_reserved, was_moves) \
    WHERE s.sku = n.sku AND s.batch = n.batch AND s.warehouse = n.warehouse AND s.zone = n.zone \
        AND s.reserved = n.was_reserved AND s.moves = n.was_moves";

/// Writes what has changed. What a reservation held goes before it holds something again.
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
    stock(writes, loaded, state.stock.iter().filter(differs));

    let known = changed.reservations.iter().filter_map(|job| Some((job, state.reservations.get(job)?)));
    reservations::reservations(writes, loaded, known);
    let known = changed.returns.iter().filter_map(|job| Some((job, state.returns.get(job)?)));
    returns::returns(writes, loaded, known);
    returns::receipts(writes, &changed.receipts);
    let known = changed.returns.iter().filter_map(|job| Some((job, state.returns.get(job)?)));
    returns::waiting(writes, known);
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
        let column = |pick: fn(&crate::domain::Warehouse) -> &str| -> Vec<&str> {
            changed.warehouses.values().map(pick).collect()
        };
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

fn stock<'a>(writes: &mut Writes, loaded: &Loaded, places: impl Iterator<Item = (&'a Place, &'a Stock)>) {
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
