//! Goods: what is sold, what is in stock before the first claim, and what arrives later.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use proto::inventory::{
    AdjustStockRequest, GetAvailabilityRequest, GoodsLine, ReceiveGoodsRequest, RegisterSkusRequest,
    RegisterWarehouseRequest, Sku, Zone,
};
use proto::triage::RecordOrdersRequest;
use tonic::{Code, Status};

use super::call::{About, Actor, Answer};
use super::desk::Desk;
use super::dice::Dice;
use super::life::{Life, Story};
use super::world::World;
use crate::random::Random;
use proto::method::Mutation;

/// The warehouse.
pub const WAREHOUSE: &str = "MAIN";
/// Articles of which there is plenty.
const PLENTY: u64 = 6;
/// Articles of which there are two.
const SCARCE: u64 = 3;
/// What the policy calls the fee of a delivery.
pub const POSTAGE: &str = "POST";
/// What the policy calls no goods.
const NO_GOODS: [&str; 3] = [POSTAGE, "D", "BANK CHARGES"];
/// Order lines that are recorded at once.
const ORDERS_AT_ONCE: usize = 250;

/// The article that everybody claims.
pub fn hot(dice: &Dice) -> String {
    format!("HOT-{}", dice.run())
}

/// The article that the warehouse does not know.
pub fn ghost(dice: &Dice) -> String {
    format!("GHOST-{}", dice.run())
}

fn plenty(dice: &Dice, at: u64) -> String {
    // Letters that subjects and SQL read otherwise.
    let odd = if at == 0 { " '*.>\" 😀" } else { "" };
    format!("PLENTY-{at}-{}{odd}", dice.run())
}

fn scarce(dice: &Dice, at: u64) -> String {
    format!("SCARCE-{at}-{}", dice.run())
}

/// The article of a line.
pub fn sku(dice: &Dice, chance: &mut Random, story: Story) -> String {
    match story {
        Story::NotGoods => chance.pick(&NO_GOODS).copied().unwrap_or(POSTAGE).to_owned(),
        Story::Ghost => ghost(dice),
        Story::Scarce => scarce(dice, chance.below(SCARCE)),
        _ if chance.percent(30) => hot(dice),
        _ => plenty(dice, chance.below(PLENTY)),
    }
}

fn about(what: &str) -> About {
    About { actor: Actor::new("keeper", "warehouse,integration"), claim: None, tag: format!("goods/{what}") }
}

/// Something about goods is done, and must succeed.
async fn must<M: Mutation>(world: &World, what: &str, request: M) -> Result<()> {
    match world.lines.insist(&about(what), request).await {
        Answer::Done(_) => Ok(()),
        Answer::Refused(reason) => bail!("{what} was refused: {reason}"),
        Answer::Unknown => bail!("{what}: the services did not answer in time"),
    }
}

fn arrival(world: &World, what: &str, sku: &str, quantity: u32) -> ReceiveGoodsRequest {
    ReceiveGoodsRequest {
        request_id: world.dice.request_id(&["goods", what, sku]),
        warehouse: WAREHOUSE.to_owned(),
        zone: Zone::Qualified.into(),
        // A delivery of its own for each article.
        document: format!("PO {what} {sku}").chars().take(64).collect(),
        lines: vec![GoodsLine { sku: sku.to_owned(), batch: String::new(), quantity }],
    }
}

/// Everything that must be there before the first claim.
pub async fn prepare(world: &World, lives: &[Arc<Life>]) -> Result<()> {
    let dice = &world.dice;
    let warehouse = RegisterWarehouseRequest {
        request_id: dice.request_id(&["warehouse"]),
        warehouse: WAREHOUSE.to_owned(),
        country: "GB".to_owned(),
        custodian: "keeper".to_owned(),
    };
    must(world, "warehouse", warehouse).await?;
    let hot_stock = u32::try_from(lives.len() / 12 + 1).unwrap_or(1);
    let stock: Vec<(String, u32)> = (0..PLENTY)
        .map(|at| (plenty(dice, at), 5_000))
        .chain((0..SCARCE).map(|at| (scarce(dice, at), 2)))
        .chain([(hot(dice), hot_stock)])
        .collect();
    let skus = stock.iter().map(|(sku, _)| Sku { sku: sku.clone(), description: "as sold".to_owned() }).collect();
    must(world, "skus", RegisterSkusRequest { request_id: dice.request_id(&["skus"]), skus }).await?;
    for (sku, quantity) in &stock {
        must(world, "stock", arrival(world, "first", sku, *quantity)).await?;
    }
    adjust(world).await?;
    let orders: Vec<_> = lives.iter().flat_map(|life| life.orders.clone()).collect();
    for (at, lines) in orders.chunks(ORDERS_AT_ONCE).enumerate() {
        let request_id = dice.request_id(&["orders", &at.to_string()]);
        must(world, "orders", RecordOrdersRequest { request_id, lines: lines.to_vec() }).await?;
    }
    Ok(())
}

/// A count is corrected up and down, and once by more than there is.
async fn adjust(world: &World) -> Result<()> {
    let adjust = |what: &str, delta| AdjustStockRequest {
        request_id: world.dice.request_id(&["adjust", what]),
        warehouse: WAREHOUSE.to_owned(),
        zone: Zone::Qualified.into(),
        sku: plenty(&world.dice, 1),
        batch: String::new(),
        delta,
        reason: "counted again".to_owned(),
    };
    must(world, "adjust", adjust("up", 3)).await?;
    must(world, "adjust", adjust("down", -5)).await?;
    let answer = world.lines.insist(&about("adjust"), adjust("too far", -1_000_000)).await;
    if matches!(answer, Answer::Done(_)) {
        world.surprise("more was taken from stock than there is".to_owned());
    }
    Ok(())
}

/// What was sold turns out to have been otherwise: other facts about an order line.
pub async fn correct(world: &World, life: &Life) {
    for (at, (after_ms, line)) in life.corrections.iter().enumerate() {
        tokio::time::sleep(Duration::from_millis(*after_ms)).await;
        let request_id = world.dice.request_id(&["correct", &life.index.to_string(), &at.to_string()]);
        let request = RecordOrdersRequest { request_id, lines: vec![line.clone()] };
        if let Answer::Refused(reason) = world.lines.insist(&about("correction"), request).await {
            world.surprise(format!("order facts of claim {} of the plan were refused: {reason}", life.index));
        }
    }
}

/// The warehouse learns of an article that it did not know, and gets some.
pub async fn introduce(world: &World, sku: &str) {
    let register = RegisterSkusRequest {
        request_id: world.dice.request_id(&["skus", sku]),
        skus: vec![Sku { sku: sku.to_owned(), description: "found after all".to_owned() }],
    };
    world.lines.insist(&about("skus"), register).await;
    world.lines.insist(&about("stock"), arrival(world, "first", sku, 3)).await;
}

/// Whoever buys for the warehouse: sees what claims wait for, and gets some of it.
#[derive(Debug)]
pub struct Arrivals;

impl Desk for Arrivals {
    type Item = (String, u64);
    const LOOK_EVERY: Duration = Duration::from_millis(400);
    const PATIENCE: Duration = Duration::from_millis(800);

    async fn list(world: &World) -> Result<Vec<Self::Item>, Status> {
        let dice = &world.dice;
        let mut missing = Vec::new();
        for sku in (0..SCARCE).map(|at| scarce(dice, at)).chain([hot(dice), ghost(dice)]) {
            let ask = GetAvailabilityRequest { sku: sku.clone(), batch: String::new() };
            match world.lines.read(ask).await {
                Ok(stock) if stock.back_ordered > 0 => missing.push((sku, stock.back_ordered)),
                Ok(_) => {}
                Err(status) if status.code() == Code::NotFound => {}
                Err(status) => return Err(status),
            }
        }
        Ok(missing)
    }

    fn claim(_: &Self::Item) -> Option<&str> {
        None
    }

    fn key(item: &Self::Item) -> String {
        item.0.clone()
    }

    async fn serve(world: Arc<World>, (sku, missing): Self::Item, turn: u32) {
        // Half of what is missing, and never too little: some reservations are filled, some in part.
        let quantity = u32::try_from(missing / 2 + 1).unwrap_or(1);
        let request = arrival(&world, &format!("later {turn}"), &sku, quantity);
        world.lines.insist(&about("arrival"), request).await;
    }
}
