//! `redress stock move`, `adjust`, `receive`, `article` and `warehouse`: what people change, each with its reason or document.

use anyhow::Result;
use proto::inventory::{
    AdjustStockRequest, GoodsLine, MoveStockRequest, ReceiveGoodsRequest, RegisterSkusRequest,
    RegisterWarehouseRequest, Sku, Zone,
};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::output;
use crate::words;

/// Goods of one article in a warehouse.
#[derive(Clone, Debug, clap::Args)]
pub struct Goods {
    /// The article (SKU).
    sku: String,
    /// The warehouse.
    #[arg(long)]
    warehouse: String,
    /// The batch; without it goods without a batch.
    #[arg(long, default_value = "")]
    batch: String,
}

/// Units to another zone.
#[derive(Clone, Debug, clap::Args)]
pub struct Move {
    #[command(flatten)]
    goods: Goods,
    /// Zone they are taken from: qualified, unqualified, pending_inspection or valuables.
    #[arg(long, value_parser = words::parse::<Zone>)]
    from: Zone,
    /// Zone they go to.
    #[arg(long, value_parser = words::parse::<Zone>)]
    to: Zone,
    /// Units.
    #[arg(long)]
    units: u32,
    /// Why: it is kept with the movement.
    #[arg(long)]
    reason: String,
}

impl Move {
    /// Moves.
    pub async fn run(self, session: &Session) -> Result<()> {
        let request = MoveStockRequest {
            request_id: session.request_id(),
            warehouse: self.goods.warehouse,
            from_zone: self.from.into(),
            to_zone: self.to.into(),
            sku: self.goods.sku,
            batch: self.goods.batch,
            quantity: self.units,
            reason: self.reason,
        };
        let answer = session.clients.inventory()?.move_stock(Request::new(request)).await?.into_inner();
        if session.output.is_json() {
            return output::json(&answer);
        }
        let zone = self.to.word();
        output::line(format!("{} on hand in {zone}, {} back-orders filled", answer.on_hand, answer.reservations_filled))
    }
}

/// A difference after a count.
#[derive(Clone, Debug, clap::Args)]
pub struct Adjust {
    #[command(flatten)]
    goods: Goods,
    /// Zone: qualified, unqualified, pending_inspection or valuables.
    #[arg(long, value_parser = words::parse::<Zone>)]
    zone: Zone,
    /// Units more, or with a minus sign less.
    #[arg(long, value_name = "UNITS", allow_negative_numbers = true)]
    by: i64,
    /// Why: it is kept with the movement.
    #[arg(long)]
    reason: String,
}

impl Adjust {
    /// Corrects.
    pub async fn run(self, session: &Session) -> Result<()> {
        let request = AdjustStockRequest {
            request_id: session.request_id(),
            warehouse: self.goods.warehouse,
            zone: self.zone.into(),
            sku: self.goods.sku,
            batch: self.goods.batch,
            delta: self.by,
            reason: self.reason,
        };
        let answer = session.clients.inventory()?.adjust_stock(Request::new(request)).await?.into_inner();
        if session.output.is_json() {
            return output::json(&answer);
        }
        output::line(format!("{} on hand", answer.on_hand))
    }
}

/// Goods that arrived.
#[derive(Clone, Debug, clap::Args)]
pub struct Receive {
    #[command(flatten)]
    goods: Goods,
    /// Units.
    #[arg(long)]
    units: u32,
    /// Zone they go to.
    #[arg(long, default_value = "qualified", value_parser = words::parse::<Zone>)]
    zone: Zone,
    /// Number of the delivery note: the same again changes nothing.
    #[arg(long, default_value = "")]
    document: String,
}

impl Receive {
    /// Books.
    pub async fn run(self, session: &Session) -> Result<()> {
        let line = GoodsLine { sku: self.goods.sku, batch: self.goods.batch, quantity: self.units };
        let request = ReceiveGoodsRequest {
            request_id: session.request_id(),
            warehouse: self.goods.warehouse,
            zone: self.zone.into(),
            document: self.document,
            lines: vec![line],
        };
        let answer = session.clients.inventory()?.receive_goods(Request::new(request)).await?.into_inner();
        if session.output.is_json() {
            return output::json(&answer);
        }
        if answer.repeated {
            return output::line("this document was booked before with the same goods: nothing was booked now");
        }
        output::line(format!("{} units booked, {} back-orders filled", answer.units, answer.reservations_filled))
    }
}

/// An article.
#[derive(Clone, Debug, clap::Args)]
pub struct Article {
    /// The article (SKU).
    sku: String,
    /// What it is.
    #[arg(default_value = "")]
    description: String,
}

impl Article {
    /// Registers.
    pub async fn run(self, session: &Session) -> Result<()> {
        let skus = vec![Sku { sku: self.sku, description: self.description }];
        let request = RegisterSkusRequest { request_id: session.request_id(), skus };
        let answer = session.clients.inventory()?.register_skus(Request::new(request)).await?.into_inner();
        if session.output.is_json() {
            return output::json(&answer);
        }
        output::line("registered")
    }
}

/// A warehouse.
#[derive(Clone, Debug, clap::Args)]
pub struct Warehouse {
    /// The warehouse: capital letters, digits and hyphens.
    warehouse: String,
    /// Its country, ISO 3166-1 alpha-2.
    #[arg(long)]
    country: String,
    /// Staff reference of who answers for the valuables zone.
    #[arg(long, default_value = "")]
    custodian: String,
}

impl Warehouse {
    /// Registers.
    pub async fn run(self, session: &Session) -> Result<()> {
        let Self { warehouse, country, custodian } = self;
        let request = RegisterWarehouseRequest {
            request_id: session.request_id(),
            warehouse: warehouse.clone(),
            country,
            custodian,
        };
        session.clients.inventory()?.register_warehouse(Request::new(request)).await?;
        if session.output.is_json() {
            return output::json(&json!({ "warehouse": warehouse }));
        }
        output::line("registered")
    }
}
