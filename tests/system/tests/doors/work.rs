//! Work items that cannot change hands, at every service that has a work list.

use proto::claim::{Category, Resolution};
use proto::escalation::WorkKind;
use proto::work::work_service_client::WorkServiceClient;
use testkit::actor;
use tonic::Code;

use crate::calls::{assign, decision, hand_over, ruling, take};
use crate::dynamic::NOBODY;
use crate::transitions::{Doors, Leaves, STATE};

/// A judgement and an approval: unknown, read long ago, of another role, with nobody, with somebody else, decided.
pub async fn who_has_it(doors: &mut Doors) {
    doors.world.sold("O-3", "SOFA", 3, 60_000, 3).await;
    let judged = doors.world.claim("O-3", "SOFA", 1, Category::ServiceComplaint, Resolution::Unspecified).await;
    let judgement = doors.world.judgement(&judged).await;
    let asked = doors.world.claim("O-3", "SOFA", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    let approval = doors.world.task(&asked, WorkKind::Approval).await;
    doors.rest().await;
    let approver = approval.role().word();
    for (service, id, etag, role) in [
        ("triage", judgement.work_item_id.as_str(), judgement.etag.as_str(), judgement.role().word()),
        ("escalation", approval.work_item_id.as_str(), approval.etag.as_str(), approver),
    ] {
        let mut client = WorkServiceClient::new(doors.world.channel(service).await);
        let boss = ["management"];
        for (id, etag, roles, why, leaves) in [
            (NOBODY, etag, [role], (Code::NotFound, "NOT_FOUND"), Leaves::Nothing),
            (id, "\"999\"", [role], (Code::Aborted, "ETAG_MISMATCH"), Leaves::Answer),
            (id, etag, ["warehouse"], (Code::PermissionDenied, "WRONG_ROLE"), Leaves::Answer),
        ] {
            let call = client.take_work(actor(take(id, etag), "tom", &roles));
            doors.refused((service, "TakeWork"), call, why, leaves).await;
        }
        let wrong = (Code::PermissionDenied, "WRONG_ROLE");
        let call = client.assign_work(actor(assign(id, etag, "tom"), "tom", &["quality"]));
        doors.refused((service, "AssignWork"), call, wrong, Leaves::Answer).await;
        let call = client.hand_over_work(actor(hand_over(id, etag, "tom"), "tom", &[role]));
        doors.refused((service, "HandOverWork"), call, (STATE, "WORK_ITEM_NOT_ASSIGNED"), Leaves::Answer).await;
        let taken = client.take_work(actor(take(id, etag), "tom", &[role])).await.unwrap().into_inner();
        let etag = taken.item.unwrap().etag;
        doors.rest().await;
        let has = (STATE, "WORK_ITEM_ASSIGNED");
        let call = client.take_work(actor(take(id, &etag), "ann", &boss));
        doors.refused((service, "TakeWork"), call, has, Leaves::Answer).await;
        let call = client.hand_over_work(actor(hand_over(id, &etag, "ann"), "ann", &["quality"]));
        doors.refused((service, "HandOverWork"), call, has, Leaves::Answer).await;
        let door = (service, "DecideWorkItem");
        if service == "triage" {
            let mut client = doors.world.triage().await;
            let call = client.decide_work_item(actor(decision(id, &etag, 1), "ann", &boss));
            doors.refused(door, call, has, Leaves::Answer).await;
            let decided = client.decide_work_item(actor(decision(id, &etag, 1), "tom", &[role])).await;
            decided.unwrap();
        } else {
            let mut client = doors.world.escalation().await;
            let approve = proto::escalation::Ruling::Approve;
            let call = client.decide_work_item(actor(ruling(id, &etag, approve), "ann", &boss));
            doors.refused(door, call, has, Leaves::Answer).await;
            let deny = proto::escalation::Ruling::Deny;
            client.decide_work_item(actor(ruling(id, &etag, deny), "tom", &[role])).await.unwrap();
        }
        doors.rest().await;
        let call = client.assign_work(actor(assign(id, &etag, "ann"), "ann", &boss));
        doors.refused((service, "AssignWork"), call, (STATE, "WORK_ITEM_CLOSED"), Leaves::Answer).await;
    }
}
