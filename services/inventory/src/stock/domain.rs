//! Goods, where they are. Stock is on hand at a place (SKU, batch, warehouse, zone); only the ledger of movements changes it
//! (S4-33).

use std::collections::BTreeMap;

use jiff::Timestamp;
pub use proto::inventory::words::{MovementKind, Zone};
use uuid::Uuid;

use crate::domain::{self, State};
use crate::refusal::Refusal;

/// Where stock is. The order of places is the order of picking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub sku: String,
    /// Batch; may be empty.
    pub batch: String,
    pub warehouse: String,
    pub zone: Zone,
}

/// Stock at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Units on hand: the sum of its movements.
    pub on_hand: i64,
    /// Units promised: the sum of the allocations.
    pub reserved: i64,
    /// Number of its movements.
    pub moves: i64,
}

impl Stock {
    /// Units that nobody was promised.
    pub fn free(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// A stock-keeping unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    pub sku: String,
    /// What it is.
    pub description: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// Code.
    pub warehouse: String,
    pub country: String,
    /// Custodian of the valuables zone; empty: none (S4-38).
    pub custodian: String,
}

/// Units of one SKU and batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoodsLine {
    pub sku: String,
    /// Batch; empty: none.
    pub batch: String,
    /// Units.
    pub quantity: u32,
}

/// A delivery to a warehouse, as its document names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub warehouse: String,
    /// Delivery note or purchase order.
    pub document: String,
    /// Derived from zone and lines: the same contents have the same.
    pub contents: Uuid,
}

/// What can be asked about stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Register SKUs, or replace their descriptions.
    RegisterSkus(Vec<Sku>),
    /// Register a warehouse, or replace what is known of it.
    RegisterWarehouse(Warehouse),
    /// Book arrived goods.
    ReceiveGoods {
        warehouse: String,
        zone: Zone,
        /// Delivery note or purchase order.
        document: String,
        /// What arrived.
        lines: Vec<GoodsLine>,
    },
    /// Correct counted stock (S4-35).
    AdjustStock {
        /// Where.
        place: Place,
        /// Units; negative: fewer.
        delta: i64,
        /// Why.
        reason: String,
    },
    /// Move units to another zone.
    MoveStock {
        /// Where they are.
        from: Place,
        /// Where they go.
        to: Zone,
        /// Units.
        quantity: u32,
        /// Why.
        reason: String,
    },
}

/// What has happened to stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A SKU is known.
    SkuRegistered {
        sku: String,
        /// What it is; none: it became known because goods of it come back.
        description: Option<String>,
    },
    /// A warehouse is known.
    WarehouseRegistered(Warehouse),
    /// A delivery was booked: its document names it.
    DeliveryBooked(Delivery),
    /// Stock moved: an entry of the ledger.
    Moved {
        /// Where.
        place: Place,
        /// Why, as a kind.
        kind: MovementKind,
        /// Units; negative: taken out.
        quantity: i64,
        /// Claim, delivery note or reason.
        document: String,
    },
}

impl Command {
    /// The article, or the warehouse, that it is about first.
    pub fn key(&self) -> &str {
        match self {
            Self::RegisterSkus(skus) => skus.first().map_or("", |sku| &sku.sku),
            Self::RegisterWarehouse(warehouse) => &warehouse.warehouse,
            Self::ReceiveGoods { lines, .. } => lines.first().map_or("", |line| &line.sku),
            Self::AdjustStock { place, .. } | Self::MoveStock { from: place, .. } => &place.sku,
        }
    }
}

/// Decides a command. Nothing happens until its events are evolved.
pub fn decide(state: &State, command: &Command) -> Result<Vec<domain::Event>, Refusal> {
    let events = match command {
        Command::RegisterSkus(skus) => {
            let registered =
                |sku: &Sku| Event::SkuRegistered { sku: sku.sku.clone(), description: Some(sku.description.clone()) };
            skus.iter().map(registered).collect()
        }
        Command::RegisterWarehouse(warehouse) => vec![Event::WarehouseRegistered(warehouse.clone())],
        Command::ReceiveGoods { warehouse, zone, document, lines } => {
            receive_goods(state, warehouse, *zone, document, lines)?
        }
        Command::AdjustStock { place, delta, reason } => adjust(state, place, *delta, reason)?,
        Command::MoveStock { from, to, quantity, reason } => move_stock(state, from, *to, *quantity, reason)?,
    };
    Ok(events.into_iter().map(domain::Event::Stock).collect())
}

pub fn check_place(state: &State, warehouse: &str, zone: Zone) -> Result<(), Refusal> {
    let custodian = state.warehouses.get(warehouse).ok_or_else(|| Refusal::UnknownWarehouse(warehouse.to_owned()))?;
    // S4-38: valuables are in somebody's care.
    if zone == Zone::Valuables && custodian.is_empty() {
        return Err(Refusal::NoCustodian(warehouse.to_owned()));
    }
    Ok(())
}

pub fn check_sku(state: &State, sku: &str) -> Result<(), Refusal> {
    if state.skus.contains(sku) { Ok(()) } else { Err(Refusal::UnknownSku(sku.to_owned())) }
}

fn receive_goods(
    state: &State,
    warehouse: &str,
    zone: Zone,
    document: &str,
    lines: &[GoodsLine],
) -> Result<Vec<Event>, Refusal> {
    check_place(state, warehouse, zone)?;
    let mut events = Vec::new();
    // Without a document nothing tells one delivery from another.
    if !document.is_empty() {
        let key = (warehouse.to_owned(), document.to_owned());
        let contents = contents(zone, lines);
        match state.deliveries.get(&key) {
            Some(known) if *known == contents => return Ok(events),
            Some(_) => return Err(Refusal::DocumentReused(key.1)),
            None => events.push(Event::DeliveryBooked(Delivery { warehouse: key.0, document: key.1, contents })),
        }
    }
    let moved = |line: &GoodsLine| {
        check_sku(state, &line.sku)?;
        let place = place(&line.sku, &line.batch, warehouse, zone);
        Ok(moved(&place, MovementKind::Receipt, i64::from(line.quantity), document))
    };
    let moves = lines.iter().map(moved).collect::<Result<Vec<Event>, Refusal>>()?;
    events.extend(moves);
    Ok(events)
}

/// Names what a delivery brings, in whatever order and portions its lines are.
fn contents(zone: Zone, lines: &[GoodsLine]) -> Uuid {
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in lines {
        *sums.entry((&line.sku, &line.batch)).or_default() += u64::from(line.quantity);
    }
    let sums: Vec<(&str, &str, String)> =
        sums.into_iter().map(|((sku, batch), units)| (sku, batch, units.to_string())).collect();
    let parts = sums.iter().flat_map(|(sku, batch, units)| [*sku, *batch, units.as_str()]);
    let parts: Vec<&str> = std::iter::once(zone.word()).chain(parts).collect();
    proto::ids::derived(Timestamp::UNIX_EPOCH, &parts)
}

fn adjust(state: &State, place: &Place, delta: i64, reason: &str) -> Result<Vec<Event>, Refusal> {
    check_place(state, &place.warehouse, place.zone)?;
    check_sku(state, &place.sku)?;
    let free = state.stock.get(place).map_or(0, Stock::free);
    if free + delta < 0 {
        return Err(Refusal::OutOfStock { free });
    }
    Ok(vec![moved(place, MovementKind::Adjustment, delta, reason)])
}

fn move_stock(state: &State, from: &Place, to: Zone, quantity: u32, reason: &str) -> Result<Vec<Event>, Refusal> {
    check_place(state, &from.warehouse, from.zone)?;
    check_place(state, &from.warehouse, to)?;
    check_sku(state, &from.sku)?;
    let (free, quantity) = (state.stock.get(from).map_or(0, Stock::free), i64::from(quantity));
    if free < quantity {
        return Err(Refusal::OutOfStock { free });
    }
    let to = Place { zone: to, ..from.clone() };
    let kind = MovementKind::Moved;
    Ok(vec![moved(from, kind, -quantity, reason), moved(&to, kind, quantity, reason)])
}

pub fn place(sku: &str, batch: &str, warehouse: &str, zone: Zone) -> Place {
    Place { sku: sku.to_owned(), batch: batch.to_owned(), warehouse: warehouse.to_owned(), zone }
}

pub fn moved(place: &Place, kind: MovementKind, quantity: i64, document: &str) -> Event {
    Event::Moved { place: place.clone(), kind, quantity, document: document.to_owned() }
}

/// Lets an event happen.
pub fn evolve(state: &mut State, event: &Event) {
    match event {
        Event::SkuRegistered { sku, .. } => drop(state.skus.insert(sku.clone())),
        Event::WarehouseRegistered(warehouse) => {
            state.warehouses.insert(warehouse.warehouse.clone(), warehouse.custodian.clone());
        }
        Event::DeliveryBooked(delivery) => {
            let key = (delivery.warehouse.clone(), delivery.document.clone());
            state.deliveries.insert(key, delivery.contents);
        }
        Event::Moved { place, quantity, .. } => {
            let stock = state.stock.entry(place.clone()).or_default();
            stock.on_hand += quantity;
            stock.moves += 1;
        }
    }
}
