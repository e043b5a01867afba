//! What was sold and what is in stock: the order lines that claims are about.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use proto::claim::{Category, Channel, Money, Resolution};
use proto::intake::{Contact, NewLine, SubmitClaimRequest};
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::inventory::{GoodsLine, ReceiveGoodsRequest, RegisterSkusRequest, RegisterWarehouseRequest, Sku, Zone};
use proto::triage::triage_service_client::TriageServiceClient;
use proto::triage::{OrderLine, RecordOrdersRequest};
use testkit::Wire as Connection;
use uuid::Uuid;

/// Units of each SKU in stock, and units sold on each order line: no run uses them up.
pub const UNITS: u32 = 1_000_000;
/// Rows in one request at the most.
const ROWS: usize = 500;
const WAREHOUSE: &str = "MAIN";

/// An order line.
#[derive(Debug)]
pub struct Line {
    /// Order number.
    pub order_no: String,
    /// Place of its SKU in the shop.
    pub sku: usize,
    /// Claims that were accepted about it; each is for one unit.
    pub claims: AtomicU32,
}

/// Order lines over stock-keeping units.
#[derive(Debug)]
pub struct Shop {
    /// Order lines; the claims take them in turn.
    pub lines: Vec<Line>,
    /// Stock-keeping units.
    pub skus: Vec<String>,
    next: AtomicUsize,
}

/// A request id that was never used.
pub fn request_id() -> String {
    Uuid::now_v7().to_string()
}

impl Shop {
    /// A shop of so many order lines over so many SKUs; `name` keeps it apart from others.
    pub fn new(name: &str, skus: u32, lines: u32) -> Self {
        let line = |n: u32| Line {
            order_no: format!("{name}-O-{n}"),
            sku: usize::try_from(n % skus).unwrap_or(0),
            claims: AtomicU32::new(0),
        };
        Self {
            lines: (0..lines).map(line).collect(),
            skus: (0..skus).map(|n| format!("{name}-S-{n}")).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Tells triage what was sold and inventory what is there.
    pub async fn open(&self, triage: Connection, inventory: Connection) -> Result<()> {
        let inventory = InventoryServiceClient::new(inventory);
        let triage = TriageServiceClient::new(triage);
        let warehouse = RegisterWarehouseRequest {
            request_id: request_id(),
            warehouse: WAREHOUSE.to_owned(),
            country: "GB".to_owned(),
            custodian: String::new(),
        };
        inventory.clone().register_warehouse(warehouse).await.context("cannot register the warehouse")?;
        let stock = stream::iter(self.skus.chunks(ROWS)).map(Ok::<_, anyhow::Error>);
        stock.try_for_each_concurrent(4, |skus| receive(inventory.clone(), skus)).await?;
        let places: Vec<usize> = (0..self.lines.len()).collect();
        let orders = stream::iter(places.chunks(ROWS)).map(Ok::<_, anyhow::Error>);
        orders.try_for_each_concurrent(4, |places| self.record(triage.clone(), places)).await
    }

    async fn record(&self, mut triage: TriageServiceClient<Connection>, places: &[usize]) -> Result<()> {
        // Inside every window of the policy.
        let day = jiff::Zoned::now().date() - jiff::Span::new().days(5);
        let lines = places.iter().map(|&place| OrderLine {
            order_no: self.lines[place].order_no.clone(),
            sku: self.skus[self.lines[place].sku].clone(),
            customer_ref: customer(place),
            quantity: UNITS,
            unit_price: Some(Money { minor_units: 500, currency: "GBP".to_owned() }),
            purchased_on: day.to_string(),
            delivered_on: day.to_string(),
        });
        let orders = RecordOrdersRequest { request_id: request_id(), lines: lines.collect() };
        triage.record_orders(orders).await.context("cannot record the orders")?;
        Ok(())
    }

    /// The place of the next order line, in turn.
    pub fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.lines.len()
    }

    /// A claim about an order line was accepted.
    pub fn accepted(&self, place: usize) {
        self.lines[place].claims.fetch_add(1, Ordering::Relaxed);
    }

    /// What a customer reports about an order line: goods that never came and are sent, which no person decides.
    pub fn report(&self, place: usize) -> SubmitClaimRequest {
        self.report_of(place, Category::Shortage, Resolution::Resend)
    }

    /// What a customer reports about an order line.
    pub fn report_of(&self, place: usize, category: Category, wish: Resolution) -> SubmitClaimRequest {
        let line = &self.lines[place];
        let reported = NewLine {
            order_no: line.order_no.clone(),
            sku: self.skus[line.sku].clone(),
            quantity: 1,
            category: category.into(),
            wish: wish.into(),
            description: "arrived broken, box was open and one part is missing".to_owned(),
            ..NewLine::default()
        };
        let contact = Contact {
            customer_name: "Ada Example".to_owned(),
            email: "ada@example.com".to_owned(),
            address: "1 Example Road".to_owned(),
            ..Contact::default()
        };
        SubmitClaimRequest {
            request_id: request_id(),
            channel: Channel::Web.into(),
            customer_ref: customer(place),
            contact: Some(contact),
            lines: vec![reported],
            country: "GB".to_owned(),
            attested: true,
            ..SubmitClaimRequest::default()
        }
    }
}

fn customer(place: usize) -> String {
    format!("C-{place}")
}

async fn receive(mut inventory: InventoryServiceClient<Connection>, skus: &[String]) -> Result<()> {
    let register = RegisterSkusRequest {
        request_id: request_id(),
        skus: skus.iter().map(|sku| Sku { sku: sku.clone(), description: String::new() }).collect(),
    };
    inventory.register_skus(register).await.context("cannot register the SKUs")?;
    let lines = skus.iter().map(|sku| GoodsLine { sku: sku.clone(), batch: String::new(), quantity: UNITS });
    let goods = ReceiveGoodsRequest {
        request_id: request_id(),
        warehouse: WAREHOUSE.to_owned(),
        zone: Zone::Qualified.into(),
        document: String::new(),
        lines: lines.collect(),
    };
    inventory.receive_goods(goods).await.context("cannot receive the goods")?;
    Ok(())
}
