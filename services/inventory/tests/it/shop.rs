//! A service with goods in it, and short ways to talk to it.

use chassis::Outgoing;
use prost::Message;
use proto::Subject;
use proto::claim::{Job, ReturnReason};
use proto::inventory::inventory_command::Kind as Asked;
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::inventory::*;
use testkit::{TestService, eventually, request_id};
use tonic::{Request, Status};
use uuid::Uuid;

/// A running inventory.
pub struct Shop {
    pub service: TestService,
    pub api: InventoryServiceClient<testkit::Wire>,
}

/// A new claim's first job.
pub fn job() -> Job {
    Job { claim_id: request_id(), round: 1, line: 1, attempt: 1 }
}

/// A command as the orchestrator sends it.
pub fn command(job: &Job, kind: Asked) -> Outgoing {
    let name = match &kind {
        Asked::Reserve(_) => "reserve",
        Asked::Consume(_) => "consume",
        Asked::Release(_) => "release",
        Asked::ExpectReturn(_) => "expect_return",
        Asked::CancelReturn(_) => "cancel_return",
    };
    let message = InventoryCommand { job: Some(job.clone()), kind: Some(kind), policy_version: 0 };
    Outgoing::command("inventory", name, job.claim_id.parse().unwrap(), &message)
}

pub fn reserve(quantity: u32) -> Asked {
    Asked::Reserve(Reserve { sku: "TILE".to_owned(), quantity, commit: true, ..Reserve::default() })
}

pub fn consume() -> Asked {
    Asked::Consume(Consume {})
}

pub fn release() -> Asked {
    Asked::Release(Release {})
}

pub fn expect_return(quantity: u32) -> Asked {
    expect_for(quantity, ReturnReason::ChangeOfMind)
}

pub fn expect_for(quantity: u32, reason: ReturnReason) -> Asked {
    let reason = reason.into();
    Asked::ExpectReturn(ExpectReturn { sku: "TILE".to_owned(), batch: String::new(), quantity, reason })
}

pub fn cancel_return() -> Asked {
    Asked::CancelReturn(CancelReturn {})
}

pub fn receipt(job: &Job, [accepted, damaged, wrong_item]: [u32; 3], last: bool) -> ReceiveReturnRequest {
    ReceiveReturnRequest {
        request_id: request_id(),
        job: Some(job.clone()),
        etag: String::new(),
        warehouse: "NORTH".to_owned(),
        accepted,
        damaged,
        wrong_item,
        last,
        ..ReceiveReturnRequest::default()
    }
}

impl Shop {
    /// An inventory that knows the SKU TILE and the warehouse NORTH, with so many units in it.
    pub async fn with(units: u32) -> Self {
        let service = testkit::start(&inventory::SERVICE).await;
        let mut shop = Self { api: InventoryServiceClient::new(service.channel()), service };
        let sku = |sku: &str| Sku { sku: sku.to_owned(), description: "a thing".to_owned() };
        let skus = RegisterSkusRequest { request_id: request_id(), skus: vec![sku("TILE"), sku("BRICK")] };
        assert_eq!(shop.api.register_skus(skus).await.unwrap().into_inner().registered, 2);
        let warehouse = RegisterWarehouseRequest {
            request_id: request_id(),
            warehouse: "NORTH".to_owned(),
            country: "GB".to_owned(),
            custodian: String::new(),
        };
        shop.api.register_warehouse(warehouse).await.unwrap();
        if units > 0 {
            shop.receive(units).await;
        }
        shop
    }

    /// A delivery of TILE.
    pub fn delivery(units: u32) -> ReceiveGoodsRequest {
        let line = GoodsLine { sku: "TILE".to_owned(), batch: String::new(), quantity: units };
        ReceiveGoodsRequest {
            request_id: request_id(),
            warehouse: "NORTH".to_owned(),
            zone: Zone::Qualified.into(),
            document: format!("PO-{}", request_id()),
            lines: vec![line],
        }
    }

    pub async fn receive(&mut self, units: u32) -> ReceiveGoodsResponse {
        let request = testkit::actor(Self::delivery(units), "keeper", &["warehouse"]);
        self.api.receive_goods(request).await.unwrap().into_inner()
    }

    /// Says something as the orchestrator, and waits until it is processed.
    pub async fn say(&self, job: &Job, kind: Asked) -> Uuid {
        let event_id = self.service.tell(command(job, kind)).await;
        self.service.settled(event_id).await;
        event_id
    }

    /// Says something and gives the newest answer about the job.
    pub async fn ask(&self, job: &Job, kind: Asked) -> Told {
        self.say(job, kind).await;
        self.heard(job).await.pop().expect("an answer")
    }

    /// Everything that was told about a job, in order.
    pub async fn heard(&self, job: &Job) -> Vec<Told> {
        let events = self.service.events().await;
        let told = events.iter().filter_map(|(subject, payload)| {
            assert!(matches!(subject, Subject::Event { service, .. } if service == "inventory"));
            let event = InventoryEvent::decode(payload.as_slice()).unwrap();
            (event.job.as_ref() == Some(job)).then(|| event.kind.unwrap())
        });
        told.collect()
    }

    /// Waits until the newest that was told about a job is this.
    pub async fn hears(&self, job: &Job, what: &Told) {
        eventually(|| async { (self.heard(job).await.last() == Some(what)).then_some(()) }).await;
    }

    pub async fn availability(&mut self) -> GetAvailabilityResponse {
        let request = GetAvailabilityRequest { sku: "TILE".to_owned(), batch: String::new() };
        self.api.get_availability(request).await.unwrap().into_inner()
    }

    /// Units on hand in a zone.
    pub async fn on_hand(&mut self, zone: Zone) -> u64 {
        let stock = self.availability().await.stock;
        stock.iter().filter(|stock| stock.zone == i32::from(zone)).map(|stock| stock.on_hand).sum()
    }

    pub async fn receive_return(&mut self, request: ReceiveReturnRequest) -> Result<Return, Status> {
        let request: Request<ReceiveReturnRequest> = testkit::actor(request, "keeper", &["warehouse"]);
        Ok(self.api.receive_return(request).await?.into_inner().goods_return.unwrap())
    }

    pub async fn dispose(&mut self, job: &Job, quantity: u32, disposition: Disposition) -> Result<u32, Status> {
        let (job, disposition, other_sku) = (Some(job.clone()), disposition.into(), String::new());
        let request = DisposeReturnRequest { request_id: request_id(), job, quantity, disposition, other_sku };
        Ok(self.api.dispose_return(request).await?.into_inner().waiting)
    }

    /// Number of messages that were parked.
    pub async fn parked(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM parked").fetch_one(self.service.pool()).await.unwrap()
    }
}
