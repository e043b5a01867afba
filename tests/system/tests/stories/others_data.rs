//! Data of others: who sees what of a claim, of a person, of a parcel.

use proto::claim::claim_event::Kind;
use proto::claim::{Category, ClaimEvent, ClaimState, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::intake::{AnswerFollowUpRequest, Claim, Contact, GetClaimRequest, GetContactRequest, ListClaimsRequest};
use proto::intake::{PersonalField, WithdrawClaimRequest};
use proto::inventory::{GetAvailabilityRequest, GoodsLine, ReceiveGoodsRequest, Zone};
use proto::logistics::{
    ConfirmBookingRequest, Direction, GetShipmentRequest, ListShipmentsRequest, ParcelEvent,
    ReportTrackingBatchRequest, ReportTrackingRequest, ShipmentState, TrackingEvent,
};
use proto::orchestrator::{GetProcessRequest, GetTimelineRequest, ListProcessesRequest, Process};
use system::{World, line};
use testkit::{actor, customer, eventually, reason, request_id};
use tonic::{Code, Status};

async fn seen(world: &World, claim: &str) -> (Process, Vec<ClaimEvent>, Claim) {
    let (claim_id, mut orchestrator) = (claim.to_owned(), world.orchestrator().await);
    let get = customer(GetProcessRequest { claim_id: claim_id.clone() }, "ada", "C-1");
    let process = orchestrator.get_process(get).await.unwrap().into_inner().process.unwrap();
    let get = GetTimelineRequest { claim_id: claim_id.clone(), ..GetTimelineRequest::default() };
    let events = orchestrator.get_timeline(customer(get, "ada", "C-1")).await.unwrap().into_inner().events;
    let get = customer(GetClaimRequest { claim_id, ..GetClaimRequest::default() }, "ada", "C-1");
    let claim = world.intake().await.get_claim(get).await.unwrap().into_inner().claim.unwrap();
    (process, events, claim)
}

/// How many of the customer's processes are in a state, as the customer asks.
async fn asked(world: &World, claim: &str, state: ClaimState) -> usize {
    let ask = ListProcessesRequest {
        claim_ids: vec![claim.to_owned()],
        state: state.into(),
        ..ListProcessesRequest::default()
    };
    let listed = world.orchestrator().await.list_processes(customer(ask, "ada", "C-1")).await;
    listed.unwrap().into_inner().processes.len()
}

/// SR15: which fields a customer can get at all is a list beside `proto/tests/customer.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn sr15_a_customer_sees_no_plan_before_it_is_proposed_and_no_name_of_ours() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 5, 5_000, 10).await;
    let claim = world.claim("O-1", "ART-1", 3, Category::ReturnRequest, Resolution::ReturnRefund).await;
    let step = world.task(&claim, WorkKind::Approval).await;
    world.until_state(&claim, ClaimState::AwaitingApproval).await;
    let (process, events, stored) = seen(&world, &claim).await;
    assert_eq!((process.state(), process.waiting_for()), (ClaimState::Investigating, WaitingFor::Specialist));
    assert!(process.plan.is_none() && process.legs.is_empty() && stored.open_plan.is_none());
    assert!(process.waiting.iter().all(|waiting| waiting.reason.is_empty() && waiting.role == 0), "{process:?}");
    let inside = |event: &ClaimEvent| {
        let kind = event.kind.as_ref().unwrap();
        matches!(kind, Kind::Assessed(_) | Kind::Planned(_) | Kind::ApprovalRequested(_) | Kind::PersonAsked(_))
            || event.state() == ClaimState::AwaitingApproval
    };
    assert!(!events.iter().any(inside), "{events:#?}");
    assert!(world.timeline(&claim).await.iter().any(inside), "staff see it");
    // Not by the filter of a list either.
    assert_eq!(asked(&world, &claim, ClaimState::AwaitingApproval).await, 0);
    assert_eq!(asked(&world, &claim, ClaimState::Investigating).await, 1);

    world.rule(&step, "sue.super", Ruling::Approve).await.unwrap();
    world.until(&claim, "approved", |process| process.state() != ClaimState::AwaitingApproval).await;
    let (process, events, stored) = seen(&world, &claim).await;
    let plan = process.plan.clone().unwrap();
    assert_eq!((plan.lines[0].quantity, plan.lines[0].amount.as_ref().unwrap().minor_units), (3, 15_000));
    assert!(plan.proposed_by.is_empty() && plan.policy.is_empty() && plan.cost.is_none(), "{plan:?}");
    let approved = events.iter().find_map(|event| match event.kind.as_ref().unwrap() {
        Kind::Approved(approved) => Some(approved.by.clone()),
        _ => None,
    });
    assert_eq!(approved.as_deref(), Some("staff"));
    let told = format!("{process:?} {events:?} {stored:?}");
    for name in ["sue.super", "rules", "supply-chain"] {
        assert!(!told.contains(name), "{name}: {told}");
    }
    world.end().await;
}

/// A claim whose replacement is booked with a carrier; gives the claim and the carrier.
async fn with_parcel(world: &World) -> (String, String) {
    world.sold("O-1", "ART-1", 5, 5_00, 10).await;
    world.stock("ART-1", 10).await;
    let claim = world.claim("O-1", "ART-1", 1, Category::Shortage, Resolution::Resend).await;
    let shipment = world.shipment(&claim, Direction::Outbound).await;
    (claim, shipment.carrier)
}

async fn read(world: &World, claim: &str, role: &str, fields: &[PersonalField]) -> Result<Contact, Status> {
    let fields = fields.iter().map(|field| (*field).into()).collect();
    let ask = GetContactRequest { claim_id: claim.to_owned(), purpose: "DELIVERY".to_owned(), fields };
    let answer = world.intake().await.get_contact(actor(ask, "lou", &[role])).await?;
    Ok(answer.into_inner().contact.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn sr16_an_address_is_read_while_a_parcel_is_under_way_by_those_who_look_after_it() {
    let world = World::new().await;
    let (claim, carrier) = with_parcel(&world).await;
    let (own, other) = (format!("carrier:{carrier}"), "carrier:somebody-else");
    for role in ["logistics", "warehouse", &own] {
        let contact = read(&world, &claim, role, &[]).await.unwrap();
        assert_eq!((contact.address.as_str(), contact.email.as_str()), ("1 Example Road", ""), "{role}");
    }
    let code = |read: Result<Contact, Status>| {
        let status = read.unwrap_err();
        (status.code(), reason(&status))
    };
    assert_eq!(code(read(&world, &claim, other, &[]).await).0, Code::NotFound);
    let email = read(&world, &claim, "logistics", &[PersonalField::Email]).await;
    assert_eq!(code(email), (Code::PermissionDenied, "FIELD_NOT_YOURS".to_owned()));
    // It has left the warehouse, and then it has arrived.
    let none = (Code::FailedPrecondition, "NO_OPEN_PARCEL".to_owned());
    world.carrier(&claim, Direction::Outbound, ShipmentState::HandedOver).await;
    assert_eq!(code(read(&world, &claim, "warehouse", &[]).await), none);
    read(&world, &claim, "logistics", &[]).await.unwrap();
    world.carrier(&claim, Direction::Outbound, ShipmentState::Delivered).await;
    assert_eq!(code(read(&world, &claim, "logistics", &[]).await), none);
    assert_eq!(code(read(&world, &claim, &own, &[]).await).0, Code::NotFound);
    world.end().await;
}

fn code<T>(answer: Result<T, Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn sr9_systems_of_others_see_and_change_what_is_theirs() {
    let world = World::new().await;
    let (claim, carrier) = with_parcel(&world).await;
    let (own, other) = (format!("carrier:{carrier}"), "carrier:somebody-else".to_owned());
    let parcel = world.shipment(&claim, Direction::Outbound).await;
    let tracking_no = parcel.tracking_no.clone();
    let event = |id: &str| TrackingEvent {
        carrier_event_id: id.to_owned(),
        state: ShipmentState::HandedOver.into(),
        occurred_at: Some(proto::to_wire(world.clock.now())),
        ..TrackingEvent::default()
    };
    for (role, expected) in [(&other, Code::NotFound), (&own, Code::Ok)] {
        let mut logistics = world.logistics().await;
        let get = GetShipmentRequest { tracking_no: tracking_no.clone(), ..GetShipmentRequest::default() };
        assert_eq!(code(logistics.get_shipment(actor(get, "gate", &[role])).await), expected, "{role}");
        let get = GetShipmentRequest { shipment_id: parcel.shipment_id.clone(), ..GetShipmentRequest::default() };
        assert_eq!(code(logistics.get_shipment(actor(get, "gate", &[role])).await), expected, "{role}");
        let list = ListShipmentsRequest { claim_id: claim.clone(), ..ListShipmentsRequest::default() };
        let listed = logistics.list_shipments(actor(list, "gate", &[role])).await.unwrap().into_inner().shipments;
        assert_eq!(listed.len(), usize::from(expected == Code::Ok), "{role}");
        let confirm = ConfirmBookingRequest {
            request_id: request_id(),
            tracking_no: tracking_no.clone(),
            carrier_tracking_no: "THEIRS-1".to_owned(),
            ..ConfirmBookingRequest::default()
        };
        assert_eq!(code(logistics.confirm_booking(actor(confirm, "gate", &[role])).await), expected, "{role}");
        let event_of = ParcelEvent { tracking_no: tracking_no.clone(), event: Some(event("E-1")) };
        let many = ReportTrackingBatchRequest { request_id: request_id(), events: vec![event_of] };
        let many = logistics.report_tracking_batch(actor(many, "gate", &[role])).await.unwrap().into_inner();
        assert_eq!(many.results[0].refused.is_empty(), expected == Code::Ok, "{many:?}");
        let (event, tracking_no) = (Some(event("E-2")), tracking_no.clone());
        let report = ReportTrackingRequest { request_id: request_id(), tracking_no, event };
        assert_eq!(code(logistics.report_tracking(actor(report, "gate", &[role])).await), expected, "{role}");
    }

    // A channel has the claims that it has brought.
    let report = world.report("C-1", vec![line("", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund)]);
    let brought = world.intake().await.submit_claim(actor(report, "web", &["channel"])).await.unwrap();
    let brought = brought.into_inner().claim.unwrap().claim_id;
    eventually(async || world.process(&brought).await).await;
    for (subject, claim_id, expected) in
        [("web", &brought, Code::Ok), ("market", &brought, Code::NotFound), ("web", &claim, Code::NotFound)]
    {
        let claim_id = claim_id.clone();
        let (mut intake, mut orchestrator) = (world.intake().await, world.orchestrator().await);
        let get = GetClaimRequest { claim_id: claim_id.clone(), ..GetClaimRequest::default() };
        assert_eq!(code(intake.get_claim(actor(get, subject, &["channel"])).await), expected, "{subject}");
        let get = GetProcessRequest { claim_id: claim_id.clone() };
        assert_eq!(code(orchestrator.get_process(actor(get, subject, &["channel"])).await), expected, "{subject}");
        let get = GetTimelineRequest { claim_id: claim_id.clone(), ..GetTimelineRequest::default() };
        assert_eq!(code(orchestrator.get_timeline(actor(get, subject, &["channel"])).await), expected, "{subject}");
        let list = ListProcessesRequest { claim_ids: vec![claim_id.clone()], ..ListProcessesRequest::default() };
        let listed = orchestrator.list_processes(actor(list, subject, &["channel"])).await.unwrap().into_inner();
        assert_eq!(listed.processes.len(), usize::from(expected == Code::Ok), "{subject}");
        let list = ListClaimsRequest { claim_ids: vec![claim_id.clone()], ..ListClaimsRequest::default() };
        let listed = intake.list_claims(actor(list, subject, &["channel"])).await.unwrap().into_inner();
        assert_eq!(listed.claims.len(), usize::from(expected == Code::Ok), "{subject}");
        let score =
            AnswerFollowUpRequest { request_id: request_id(), claim_id, score: 1, ..AnswerFollowUpRequest::default() };
        let scored = code(intake.answer_follow_up(actor(score, subject, &["channel"])).await);
        assert_eq!(scored == Code::NotFound, expected == Code::NotFound, "{subject}: {scored:?}");
    }
    let withdraw = |subject: &str| {
        let ask = WithdrawClaimRequest { request_id: request_id(), claim_id: brought.clone(), text: String::new() };
        actor(ask, subject, &["channel"])
    };
    assert_eq!(code(world.intake().await.withdraw_claim(withdraw("market")).await), Code::NotFound);
    assert_eq!(code(world.intake().await.withdraw_claim(withdraw("web")).await), Code::Ok);

    // A warehouse books what comes to it, and sees what it has.
    let warehouse = "MAIN".to_owned();
    let mut inventory = world.inventory().await;
    for (role, expected, places) in [
        (format!("warehouse-system:{warehouse}"), Code::Ok, 1),
        ("warehouse-system:ELSEWHERE".to_owned(), Code::NotFound, 0),
    ] {
        let ask = GetAvailabilityRequest { sku: "ART-1".to_owned(), batch: String::new() };
        let seen = inventory.get_availability(actor(ask, "wms", &[&role])).await.unwrap().into_inner();
        assert_eq!((seen.stock.len().min(1), seen.available > 0), (places, places == 1), "{role}");
        let goods = ReceiveGoodsRequest {
            request_id: request_id(),
            warehouse: warehouse.clone(),
            zone: Zone::Qualified.into(),
            document: format!("D-{places}"),
            lines: vec![GoodsLine { sku: "ART-1".to_owned(), quantity: 1, ..GoodsLine::default() }],
        };
        assert_eq!(code(inventory.receive_goods(actor(goods, "wms", &[&role])).await), expected, "{role}");
    }
    world.end().await;
}
